// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay.c - runs a fuzz target over its corpus, without libFuzzer
 *
 * Arguments are files, or directories whose files are run (not those in directories below). Each input is
 * handed over in memory of exactly its size. Exits 1 if one cannot be read or if there was none at all.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"
#include "userspace/core/cleanup.h"

DEFINE_CLEANUP(file, FILE *, (void)fclose)
DEFINE_CLEANUP(directory, DIR *, (void)closedir)

static int replay_file(const char *path, size_t size)
{
	CLEANUP(cleanup_file) FILE *file = fopen(path, "rb");
	AUTO_FREE uint8_t *data = malloc(size ? size : 1);

	if (!file || !data)
		return -errno;
	if (fread(data, 1, size, file) != size)
		return -EIO;
	(void)LLVMFuzzerTestOneInput(data, size); /* always 0 */
	return 0;
}

static int replay(const char *path, unsigned long *count);

static int replay_directory(const char *path, unsigned long *count)
{
	CLEANUP(cleanup_directory) DIR *directory = opendir(path);
	const struct dirent *entry;

	if (!directory)
		return -errno;
	while ((entry = readdir(directory))) {
		AUTO_FREE char *file = NULL;
		int result;

		if (entry->d_type == DT_DIR)
			continue;
		if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
			return -ENOMEM;
		result = replay(file, count);
		if (result)
			return result;
	}
	return 0;
}

static int replay(const char *path, unsigned long *count)
{
	struct stat status;
	int result;

	if (stat(path, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return replay_directory(path, count);
	result = replay_file(path, (size_t)status.st_size);
	if (!result)
		++*count;
	return result;
}

int main(int argc, char **argv)
{
	unsigned long count = 0;

	for (int i = 1; i < argc; i++) {
		int result = replay(argv[i], &count);

		if (result) {
			(void)fprintf(stderr, "%s: %s: %s\n", argv[0], argv[i], strerror(-result));
			return EXIT_FAILURE;
		}
	}
	printf("%lu inputs replayed\n", count);
	return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
