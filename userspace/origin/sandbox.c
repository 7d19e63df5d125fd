// SPDX-License-Identifier: GPL-2.0-only
/*
 * sandbox.c - see sandbox.h
 *
 * Landlock is of no use here: a process that it confines may look at none outside. So the calls by which
 * CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH are more than looking (to change another's memory, take its
 * descriptors, open files by handle) are refused by a filter, as is whatever starts or writes. It refuses,
 * and does not kill: what a C library tries on its way may fail. The unit has a list of what is allowed
 * besides.
 *
 * Source: seccomp(2), capabilities(7).
 */
#include "userspace/origin/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userspace/core/error.h"

#define COUNT(array)  (sizeof(array) / sizeof(*(array)))
#define USER_BUFFER   4096
#define FILES_MAX     256
#define CAPABILITY(n) (1ULL << (n))

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define OWN_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define OWN_ARCH AUDIT_ARCH_S390X
#else
#error "which AUDIT_ARCH_ this is, the filter of system calls must know"
#endif

/* --- user and capabilities ------------------------------------------------------- */

static int find_user(const char *name, struct passwd *ret, char *buffer, struct ag_error *error)
{
	struct passwd *found = NULL;
	int result = getpwnam_r(name, ret, buffer, USER_BUFFER, &found);

	if (result)
		return error_set(error, ERROR_KERNEL, "cannot look up the user %s: %s", name,
				 strerror(result));
	if (!found)
		return error_set(error, ERROR_NOT_FOUND,
				 "there is no user %s to become: create it (useradd --system %s), or name "
				 "another with --user",
				 name, name);
	if (!found->pw_uid || !found->pw_gid)
		return error_set(error, ERROR_BAD_REQUEST,
				 "%s is root, or of its group: name an unprivileged user with --user", name);
	return 0;
}

static int become(const char *name, struct ag_error *error)
{
	char buffer[USER_BUFFER];
	struct passwd user;
	int err = find_user(name, &user, buffer, error);

	if (err)
		return err;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(user.pw_gid, user.pw_gid, user.pw_gid) < 0 ||
	    setresuid(user.pw_uid, user.pw_uid, user.pw_uid) < 0)
		return error_set(error, ERROR_KERNEL, "cannot become the user %s: %s", name, strerror(errno));
	return 0;
}

/* The bounding set is emptied where that may be done: it has no meaning for who can start no program. */
static int limit_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	for (size_t i = 0; i < COUNT(data); i++)
		data[i].permitted = data[i].effective = (uint32_t)(wanted >> (32 * i));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &header, data) < 0)
		return -errno;
	return 0;
}

static int drop_rights(const char *user, uint64_t wanted, struct ag_error *error)
{
	int err;

	for (unsigned long capability = 0; geteuid() == 0 && capability < 64; capability++)
		(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); /* fails behind the last there is */
	err = geteuid() == 0 || getuid() == 0 ? become(user, error) : 0;
	if (err)
		return err;
	err = limit_capabilities(wanted);
	if (err == -EPERM)
		return error_set(error, ERROR_FORBIDDEN,
				 "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (and CAP_SYS_ADMIN, with "
				 "--other-namespaces) are not there: start it as root, or by its unit");
	if (err)
		return error_set(error, ERROR_KERNEL, "cannot give capabilities away: %s", strerror(-err));
	return 0;
}

/* --- limits -------------------------------------------------------------------------- */

static int limit_resources(void)
{
	const struct rlimit none = {0, 0}, files = {FILES_MAX, FILES_MAX};

	if (setrlimit(RLIMIT_NOFILE, &files) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

/* --- system calls -------------------------------------------------------------------- */

static const unsigned int REFUSED[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
	SYS_name_to_handle_at,
	SYS_open_by_handle_at,
	SYS_perf_event_open,
	SYS_bpf,
	SYS_userfaultfd,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_unshare,
	SYS_connect,
	SYS_mknodat,
	SYS_mkdirat,
	SYS_unlinkat,
	SYS_linkat,
	SYS_symlinkat,
	SYS_fchmodat,
	SYS_fchownat,
	SYS_truncate,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_init_module,
	SYS_finit_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_setuid,
	SYS_setresuid,
	SYS_setreuid,
	SYS_capset,
#ifdef SYS_open
	SYS_open,
	SYS_creat,
	SYS_unlink,
	SYS_rename,
	SYS_mkdir,
	SYS_mknod,
	SYS_link,
	SYS_symlink,
	SYS_chmod,
	SYS_chown,
	SYS_fork,
	SYS_vfork,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
#ifdef SYS_renameat2
	SYS_renameat2,
#endif
#ifdef SYS_openat2
	SYS_openat2,
#endif
#ifdef SYS_pidfd_getfd
	SYS_pidfd_getfd,
#endif
#ifdef SYS_process_madvise
	SYS_process_madvise,
#endif
#ifdef SYS_io_uring_setup
	SYS_io_uring_setup,
#endif
#ifdef SYS_move_mount
	SYS_move_mount,
	SYS_open_tree,
	SYS_fsopen,
#endif
};

#define PROGRAM_MAX (12 + 2 * COUNT(REFUSED))

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short length;
};

static void put(struct program *program, struct sock_filter instruction)
{
	program->code[program->length++] = instruction;
}

static void put_load(struct program *program, uint32_t offset)
{
	put(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void put_return(struct program *program, uint32_t action)
{
	put(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* openat() with any flag that writes or makes: its third argument's lower half. */
static void put_openat(struct program *program)
{
	const uint32_t half = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;

	put(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3));
	put_load(program, offsetof(struct seccomp_data, args[2]) + half);
	put(program, (struct sock_filter)BPF_JUMP(
			     BPF_JMP | BPF_JSET | BPF_K,
			     O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY), 0, 1));
	put_return(program, SECCOMP_RET_ERRNO | EACCES);
}

static void write_program(struct program *program)
{
	put_load(program, offsetof(struct seccomp_data, arch));
	put(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0));
	put_return(program, SECCOMP_RET_KILL_PROCESS);
	put_load(program, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	/* The second table of the same architecture (x32) would be a way around. */
	put(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
	put_return(program, SECCOMP_RET_KILL_PROCESS);
#endif
	for (size_t i = 0; i < COUNT(REFUSED); i++) {
		put(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, REFUSED[i], 0, 1));
		put_return(program, SECCOMP_RET_ERRNO | EPERM);
	}
	put_openat(program);
	put_return(program, SECCOMP_RET_ALLOW);
}

static int filter_calls(void)
{
	struct program program = {.length = 0};
	struct sock_fprog filter = {.filter = program.code};

	write_program(&program);
	filter.len = program.length;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0 ? -errno : 0;
}

int sandbox_enter(const char *user, bool namespaces, struct ag_error *error)
{
	uint64_t wanted = CAPABILITY(CAP_SYS_PTRACE) | CAPABILITY(CAP_DAC_READ_SEARCH);
	int err;

	if (namespaces)
		wanted |= CAPABILITY(CAP_SYS_ADMIN);
	err = drop_rights(user, wanted, error);
	if (err)
		return err;
	err = limit_resources();
	if (err)
		return error_set(error, ERROR_KERNEL, "cannot set the limits of this process: %s",
				 strerror(-err));
	err = filter_calls();
	if (err)
		return error_set(error, ERROR_KERNEL, "cannot filter system calls (seccomp): %s",
				 strerror(-err));
	return 0;
}
