/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench-lpm.c - how long the kernel alone takes to load the prefixes of a policy into one LPM trie
 *
 *   bench-lpm POLICY [sorted]     seconds, to standard output
 *
 * One trie of the first prefix's family, batches of 4,096 keys, shuffled (the same way each time) or sorted.
 * Reading and parsing the file is not counted: this is the least that any loader of tries could take.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <time.h>

#include "tools/bench/tool.h"

#define BATCH 4096

struct key {
	uint32_t len;
	uint8_t addr[16];
};

struct keys {
	struct key *items;
	size_t count;
	size_t room;
	size_t addr_bytes;
};

static void add_key(struct keys *keys, const char *text)
{
	bool wide = strchr(text, ':');
	const char *slash = strchr(text, '/');
	char addr[64];
	struct key key = {.len = wide ? 128 : 32};

	if (!keys->count)
		keys->addr_bytes = wide ? 16 : 4;
	if (keys->addr_bytes != (wide ? 16U : 4U))
		return;
	(void)snprintf(addr, sizeof(addr), "%.*s", slash ? (int)(slash - text) : (int)strlen(text), text);
	if (slash)
		key.len = (uint32_t)strtoul(slash + 1, NULL, 10);
	if (inet_pton(wide ? AF_INET6 : AF_INET, addr, key.addr) != 1)
		die("%s: not a prefix", text);
	if (keys->count == keys->room) {
		keys->room = keys->room ? 2 * keys->room : BATCH;
		keys->items = reallocarray(keys->items, keys->room, sizeof(key));
		if (!keys->items)
			die("out of memory");
	}
	keys->items[keys->count++] = key;
}

static struct keys read_keys(const char *path)
{
	struct keys keys = {0};
	FILE *file = fopen(path, "r");
	char line[256];

	if (!file)
		die_errno("cannot read %s", path);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (line[0] == 'P' && strrchr(line, '\t'))
			add_key(&keys, strrchr(line, '\t') + 1);
	}
	(void)fclose(file); /* only read */
	if (!keys.count)
		die("%s: no prefixes", path);
	return keys;
}

static int compare(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int difference = memcmp(x->addr, y->addr, sizeof(x->addr));

	return difference ? difference : (int)x->len - (int)y->len;
}

static void shuffle(struct keys *keys)
{
	uint64_t state = 88172645463325252;

	for (size_t i = keys->count - 1; i > 0; i--) {
		struct key spare = keys->items[i];
		size_t other;

		state ^= state << 13, state ^= state >> 7, state ^= state << 17; /* xorshift64 */
		other = state % (i + 1);
		keys->items[i] = keys->items[other];
		keys->items[other] = spare;
	}
}

/* The keys as the kernel wants them, without a gap behind a short address. */
static char *packed(const struct keys *keys)
{
	size_t size = 4 + keys->addr_bytes;
	char *bytes = malloc(keys->count * size);

	if (!bytes)
		die("out of memory");
	for (size_t i = 0; i < keys->count; i++)
		memcpy(bytes + i * size, &keys->items[i], size);
	return bytes;
}

static double now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail */
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double load(int map, const char *bytes, size_t size, size_t count)
{
	static const uint64_t values[BATCH];
	double started = now();

	for (size_t done = 0; done < count;) {
		uint32_t batch = count - done < BATCH ? (uint32_t)(count - done) : BATCH;

		if (bpf_map_update_batch(map, bytes + done * size, values, &batch, NULL))
			die_errno("loading after %zu keys", done);
		done += batch;
	}
	return now() - started;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = 1 /* BPF_F_NO_PREALLOC */);
	struct keys keys;
	size_t size;
	int map;

	if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "sorted")))
		die("usage: bench-lpm POLICY [sorted]");
	keys = read_keys(argv[1]);
	size = 4 + keys.addr_bytes;
	if (argc == 3)
		qsort(keys.items, keys.count, sizeof(*keys.items), compare);
	else
		shuffle(&keys);
	map = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "bench_lpm", (uint32_t)size, 8, (uint32_t)keys.count,
			     &options);
	if (map < 0)
		die_errno("creating the trie");
	printf("%.6f\n", load(map, packed(&keys), size, keys.count));
	return 0;
}
