/* SPDX-License-Identifier: GPL-2.0-only */
/* cputime.c - see cputime.h; /proc/PID/schedstat is described in Documentation/scheduler/sched-stats.rst */
#include "tools/bench/cputime.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tools/bench/tool.h"

static bool is_named(const char *pid, const char *want)
{
	char path[300], name[32] = "";
	FILE *file;
	bool same;

	(void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	same = fgets(name, sizeof(name), file) && !strcmp(strtok(name, "\n"), want);
	(void)fclose(file); /* only read */
	return same;
}

static int open_ksoftirqd(int core)
{
	char want[32], path[300];
	DIR *directory = opendir("/proc");
	int fd = -1;

	(void)snprintf(want, sizeof(want), "ksoftirqd/%d", core);
	for (struct dirent *entry; directory && fd < 0 && (entry = readdir(directory));) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !is_named(entry->d_name, want))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/schedstat", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (directory)
		(void)closedir(directory);
	return fd;
}

void cputime_open(struct cputime *cputime, int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die_errno("cannot stay on core %d", core);
	(void)setpriority(PRIO_PROCESS, 0, -20); /* fewer interruptions, where it is allowed */
	cputime->ksoftirqd_fd = open_ksoftirqd(core);
	if (cputime->ksoftirqd_fd < 0)
		die("cannot read the CPU time of ksoftirqd/%d: is CONFIG_SCHED_INFO there?", core);
}

uint64_t cputime_now(const struct cputime *cputime)
{
	char text[96];
	struct timespec now;
	ssize_t got = pread(cputime->ksoftirqd_fd, text, sizeof(text) - 1, 0);

	if (got <= 0 || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now))
		die_errno("cannot read CPU times");
	text[got] = 0;
	return strtoull(text, NULL, 10) + (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
