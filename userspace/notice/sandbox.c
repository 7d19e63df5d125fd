// SPDX-License-Identifier: GPL-2.0-only
/*
 * sandbox.c - see sandbox.h
 *
 * No filter of system calls here: the unit has one that systemd keeps up to date, and a second list would
 * have to follow two TLS and HTTP libraries and each C library by hand. What is here holds without systemd.
 *
 * Source: landlock(7), capabilities(7), Linux Documentation/userspace-api/landlock.rst (what each version
 * knows).
 */
#include "userspace/notice/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

#define DEFAULT_USER "allowgate-notice"
#define USER_BUFFER  16384

/* As the kernel has it; the header of an older one knows the first member alone. */
struct landlock_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

#define LANDLOCK_VERSION_FLAG 1U
#define FS_VERSION_1	      ((UINT64_C(1) << 13) - 1)
#define FS_REFER	      (UINT64_C(1) << 13)
#define FS_TRUNCATE	      (UINT64_C(1) << 14)
#define FS_IOCTL_DEV	      (UINT64_C(1) << 15)
#define NET_BIND_AND_CONNECT  UINT64_C(3)
#define SCOPE_SOCKET_SIGNAL   UINT64_C(3)

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
	return 0;
}

static int become(const struct passwd *user, struct ag_error *error)
{
	if (!user->pw_uid || !user->pw_gid)
		return error_set(error, ERROR_BAD_REQUEST,
				 "%s is root, or of its group: name an unprivileged user with --user",
				 user->pw_name);
	for (unsigned long capability = 0; capability < 64; capability++)
		(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); /* fails behind the last there is */
	if (setgroups(0, NULL) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return error_set(error, ERROR_KERNEL, "cannot become the user %s: %s", user->pw_name,
				 strerror(errno));
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &header, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int choose_user(const char *name, struct ag_error *error)
{
	AUTO_FREE char *buffer = malloc(USER_BUFFER);
	struct passwd user;
	int err;

	if (!buffer)
		return error_set(error, ERROR_LIMIT, "out of memory");
	if (geteuid() != 0 && getuid() != 0 && !name)
		return 0;
	err = find_user(name ? name : DEFAULT_USER, &user, buffer, error);
	if (err)
		return err;
	if (geteuid() == 0)
		return become(&user, error);
	if (user.pw_uid != geteuid() || user.pw_uid != getuid())
		return error_set(error, ERROR_FORBIDDEN,
				 "only root can become %s: leave --user out, or start it as root", name);
	return 0;
}

int sandbox_drop(const char *user, struct ag_error *error)
{
	int err = choose_user(user, error);

	if (err)
		return err;
	err = drop_capabilities();
	if (err)
		return error_set(error, ERROR_KERNEL, "cannot give capabilities away: %s", strerror(-err));
	return 0;
}

/* --- limits and Landlock --------------------------------------------------------- */

static int limit_resources(uint32_t files)
{
	const struct rlimit none = {0, 0}, descriptors = {files, files};

	if (setrlimit(RLIMIT_NOFILE, &descriptors) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

/* 0: the kernel has none. */
static int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);

	return version > 0 ? (int)version : 0;
}

/* Everything that this version knows is handled, and nothing is allowed. */
static int restrict_all(int version)
{
	struct landlock_attr attr = {.fs = FS_VERSION_1};
	size_t size = sizeof(attr.fs);
	AUTO_FD int fd = -1;

	attr.fs |= version >= 2 ? FS_REFER : 0;
	attr.fs |= version >= 3 ? FS_TRUNCATE : 0;
	attr.fs |= version >= 5 ? FS_IOCTL_DEV : 0;
	if (version >= 4) {
		attr.net = NET_BIND_AND_CONNECT;
		size += sizeof(attr.net);
	}
	if (version >= 6) {
		attr.scoped = SCOPE_SOCKET_SIGNAL;
		size += sizeof(attr.scoped);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0U);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0U) < 0)
		return -errno;
	return 0;
}

int sandbox_close(uint32_t files, int *ret_landlock, struct ag_error *error)
{
	int version = landlock_version();
	int err = limit_resources(files);

	if (err)
		return error_set(error, ERROR_KERNEL,
				 "cannot set the limits of this process (%u descriptors): %s; lower "
				 "connections, or raise LimitNOFILE",
				 files, strerror(-err));
	err = version ? restrict_all(version) : 0;
	if (err)
		return error_set(error, ERROR_KERNEL, "cannot close the file system (Landlock): %s",
				 strerror(-err));
	*ret_landlock = version;
	return 0;
}
