/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench-testrun.c - what a loaded XDP program takes for a packet, without any device
 *
 *   bench-testrun CORE WALK-OBJECT, and on standard input, each answered by a line "ok ...":
 *     keys FILE          packets from now on                                          ok COUNT FAMILY
 *     run ID COUNT       CPU time of COUNT packets through the program of that id,    ok NS EMPTY-NS COUNT
 *                        and of as many through one that only drops
 *
 * A test run repeats one frame. So what is repeated is a program that writes the next key into it and
 * tail-calls the program under test: the difference to the empty one is that program's alone, with all keys
 * walked as on the wire. Both are measured in turns, twice each, and the lesser is taken.
 *
 * A tail call wants both sides to agree on frames in several buffers, hence a set of each kind.
 */
#include <linux/bpf.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <bpf/libbpf.h>

#include "tools/bench/cputime.h"
#include "tools/bench/keys.h"
#include "tools/bench/tool.h"

#define KINDS 2
#define TURNS 2

static const uint32_t FLAGS[KINDS] = {0, BPF_F_XDP_HAS_FRAGS};

static bool set_target(const struct keys *keys, int program_fd)
{
	int map = bpf_object__find_map_fd_by_name(keys->object, "bench_programs");
	const uint32_t zero = 0;

	return !bpf_map_update_elem(map, &zero, &program_fd, BPF_ANY);
}

static uint64_t timed(const struct keys *keys, const struct cputime *cputime, uint32_t count)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = keys->frame, .data_size_in = keys->frame_len,
		    .repeat = (int)count);
	uint64_t start = cputime_now(cputime);
	int err = bpf_prog_test_run_opts(keys_program(keys, "call"), &options);
	uint64_t end = cputime_now(cputime);

	if (err)
		die("cannot run the program: %s", strerror(-err));
	if (options.retval == XDP_ABORTED)
		die("the program under test was not reached, or gave up");
	return end - start;
}

/* Those of the two kinds that can call the program. */
static const struct keys *choose(const struct keys sets[KINDS], int program_fd)
{
	for (int i = 0; i < KINDS; i++)
		if (set_target(&sets[i], program_fd))
			return &sets[i];
	die_errno("this program cannot be tail-called (extended by others, or of another type)");
}

static void run(const struct keys sets[KINDS], const struct cputime *cputime, uint32_t id, uint32_t count)
{
	uint64_t under_test = UINT64_MAX, empty = UINT64_MAX;
	int fd = bpf_prog_get_fd_by_id(id);
	const struct keys *keys;

	if (fd < 0)
		die_errno("there is no program %u", id);
	keys = choose(sets, fd);
	for (int turn = 0; turn < TURNS; turn++) {
		uint64_t took;

		(void)set_target(keys, fd); /* it did before */
		(void)timed(keys, cputime, count / 8 + 1);
		took = timed(keys, cputime, count);
		under_test = took < under_test ? took : under_test;
		(void)set_target(keys, keys_idle(keys)); /* of the same kind */
		(void)timed(keys, cputime, count / 8 + 1);
		took = timed(keys, cputime, count);
		empty = took < empty ? took : empty;
	}
	(void)close(fd);
	printf("ok %llu %llu %u\n", (unsigned long long)under_test, (unsigned long long)empty, count);
}

static void obey(struct keys sets[KINDS], const struct cputime *cputime, char *line)
{
	char *save = NULL, *verb = strtok_r(line, " \n", &save), *first = strtok_r(NULL, " \n", &save),
	     *second = strtok_r(NULL, " \n", &save);

	if (verb && first && !second && !strcmp(verb, "keys")) {
		for (int i = 0; i < KINDS; i++)
			keys_read(&sets[i], first);
		printf("ok %u %d\n", sets[0].count, sets[0].family);
	} else if (verb && second && !strcmp(verb, "run") && sets[0].count) {
		run(sets, cputime, (uint32_t)strtoul(first, NULL, 10), (uint32_t)strtoul(second, NULL, 10));
	} else {
		die("unknown command, or no keys yet");
	}
}

int main(int argc, char **argv)
{
	struct keys sets[KINDS] = {0};
	struct cputime cputime;
	char line[512];

	if (argc != 3)
		die("usage: bench-testrun CORE WALK-OBJECT");
	cputime_open(&cputime, (int)strtol(argv[1], NULL, 10));
	for (int i = 0; i < KINDS; i++)
		keys_open(&sets[i], argv[2], FLAGS[i]);
	(void)setvbuf(stdout, NULL, _IOLBF, 0); /* an answer is waited for */
	while (fgets(line, sizeof(line), stdin))
		obey(sets, &cputime, line);
	return 0;
}
