/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench-world.c - makes up a policy, and packets with the verdict that each must get
 *
 *   policy file    S<TAB>account<TAB>address<TAB>port<TAB>proto and P<TAB>account<TAB>prefix
 *   packets file   source<TAB>dest<TAB>port<TAB>pass|drop
 *
 * Every account has one service, TCP port 443 of an address of its own. Lists are of made-up prefixes, in a
 * mix of lengths as offices, VPNs and clouds have them, or a real list's. An unlisted source is by turns any
 * address at all and one that begins as some entry of the account's does. The same seed makes the same world.
 *
 * Verdicts come from merged intervals of addresses, on purpose nothing of what is being measured.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>

#include "tools/bench/tool.h"

#define MIXES_MAX 16
#define ZIPF	  1.1
#define PORT	  "443"

typedef unsigned __int128 u128;

struct range {
	u128 first;
	u128 last;
	uint8_t len;
};

struct account {
	struct range *entries; /* as they stand in the list */
	struct range *merged;  /* sorted, apart from one another */
	size_t count;
	size_t merged_count;
};

struct world {
	int family;
	bool hosts;
	size_t count;
	size_t per_list;
	size_t active; /* accounts that get packets: the first of `order` */
	struct account *accounts;
	size_t *order;
};

struct mix {
	char *path;
	char *kind;
	bool zipf;
};

static uint64_t random_state;

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		die("out of memory");
	return memory;
}

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t random64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static uint64_t random_below(uint64_t n)
{
	return (uint64_t)(((u128)random64() * n) >> 64);
}

static uint8_t bits_of(int family)
{
	return family == 4 ? 32 : 128;
}

/* The bits of an address beyond the length. */
static u128 host_bits(int family, uint8_t len)
{
	uint8_t bits = bits_of(family);
	u128 all = bits == 128 ? ~(u128)0 : ((u128)1 << bits) - 1;

	return len ? ((u128)1 << (bits - len)) - 1 : all;
}

/* Any that may stand in a packet from outside; 2001::/16 is left to the destinations. */
static u128 random_address(int family)
{
	for (;;) {
		u128 addr = (u128)random64() << 64 | random64();
		uint32_t first;

		if (family == 6) {
			addr = (addr & ~((u128)7 << 125)) | (u128)1 << 125;
			if ((uint32_t)(addr >> 112) != 0x2001)
				return addr;
			continue;
		}
		addr &= 0xffffffff;
		first = (uint32_t)addr >> 24;
		if (first && first != 10 && first != 127 && first < 224)
			return addr;
	}
}

struct share {
	uint8_t percent;
	uint8_t first; /* length, and the last of these, by steps */
	uint8_t last;
	uint8_t step;
};

static const struct share SHARES4[] = {{75, 32, 32, 1}, {24, 24, 29, 1}, {1, 16, 20, 1}};
static const struct share SHARES6[] = {
	{40, 128, 128, 1}, {35, 64, 64, 1}, {10, 56, 56, 1}, {12, 48, 48, 1}, {3, 32, 44, 4}};

static uint8_t random_len(const struct world *world)
{
	const struct share *share = world->family == 4 ? SHARES4 : SHARES6;
	uint64_t draw = random_below(100);
	uint8_t steps;

	if (world->hosts)
		return bits_of(world->family);
	for (; draw >= share->percent; share++)
		draw -= share->percent;
	steps = (uint8_t)((share->last - share->first) / share->step);
	return (uint8_t)(share->first + random_below(steps + 1ULL) * share->step);
}

static struct range make_range(int family, u128 addr, uint8_t len)
{
	u128 mask = host_bits(family, len);

	return (struct range){.first = addr & ~mask, .last = addr | mask, .len = len};
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	if (left->first != right->first)
		return left->first < right->first ? -1 : 1;
	return (left->len > right->len) - (left->len < right->len);
}

/* Sorts the entries, drops what stands twice, and merges what touches or lies within another. */
static void account_finish(struct account *account)
{
	size_t kept = 0;

	qsort(account->entries, account->count, sizeof(*account->entries), compare_ranges);
	for (size_t i = 0; i < account->count; i++)
		if (!i || compare_ranges(&account->entries[kept - 1], &account->entries[i]))
			account->entries[kept++] = account->entries[i];
	account->count = kept;
	account->merged = allocate(kept, sizeof(*account->merged));
	for (size_t i = 0; i < kept; i++) {
		struct range *top = account->merged + account->merged_count - 1;

		if (account->merged_count && account->entries[i].first <= top->last) {
			if (account->entries[i].last > top->last)
				top->last = account->entries[i].last;
		} else {
			account->merged[account->merged_count++] = account->entries[i];
		}
	}
}

static bool account_holds(const struct account *account, u128 addr)
{
	size_t low = 0, high = account->merged_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (addr < account->merged[middle].first)
			high = middle;
		else if (addr > account->merged[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

static void make_list(const struct world *world, struct account *account)
{
	account->entries = allocate(world->per_list, sizeof(*account->entries));
	while (account->count < world->per_list) {
		while (account->count < world->per_list)
			account->entries[account->count++] =
				make_range(world->family, random_address(world->family), random_len(world));
		/* what stood twice is made up for, until nothing does */
		free(account->merged);
		account->merged_count = 0;
		account_finish(account);
	}
}

static u128 address_from(int family, const uint8_t *bytes)
{
	u128 addr = 0;

	for (int i = 0; i < bits_of(family) / 8; i++)
		addr = addr << 8 | bytes[i];
	return addr;
}

/* One prefix or address a line; others of the family's are an error, for they would not be measured. */
static void read_list(const struct world *world, struct account *account, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[128];

	if (!file)
		die("cannot read a list");
	while (fgets(line, sizeof(line), file)) {
		uint8_t bytes[16];
		char *slash;
		long len = bits_of(world->family);

		line[strcspn(line, "\r\n #")] = 0;
		if (!*line)
			continue;
		slash = strchr(line, '/');
		if (slash) {
			*slash = 0;
			len = strtol(slash + 1, NULL, 10);
		}
		if (inet_pton(world->family == 4 ? AF_INET : AF_INET6, line, bytes) != 1 || len < 1 ||
		    len > bits_of(world->family))
			die("a list has a line that is no prefix of the family");
		if ((account->count & (account->count - 1)) == 0) {
			account->entries =
				realloc(account->entries,
					(account->count ? account->count * 2 : 1) * sizeof(struct range));
			if (!account->entries)
				die("out of memory");
		}
		account->entries[account->count++] =
			make_range(world->family, address_from(world->family, bytes), (uint8_t)len);
	}
	(void)fclose(file); /* read to its end */
}

static void format_address(int family, u128 addr, char text[INET6_ADDRSTRLEN])
{
	uint8_t bytes[16];
	int size = bits_of(family) / 8;

	for (int i = size - 1; i >= 0; i--, addr >>= 8)
		bytes[i] = (uint8_t)addr;
	(void)inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes, text, INET6_ADDRSTRLEN); /* large enough */
}

/* 10.1.0.0 and on; 2001:db8:a:: and on. */
static void format_dest(int family, size_t account, char text[INET6_ADDRSTRLEN])
{
	u128 base = family == 4 ? 0x0a010000 : (u128)0x20010db8000a0000ULL << 64 | 0x10000;

	format_address(family, base + account, text);
}

static void write_policy(const struct world *world, const char *path)
{
	FILE *file = fopen(path, "w");
	char text[INET6_ADDRSTRLEN];

	if (!file)
		die("cannot write the policy");
	for (size_t i = 0; i < world->count; i++) {
		const struct account *account = &world->accounts[i];

		format_dest(world->family, i, text);
		fprintf(file, "S\ta%zu\t%s\t" PORT "\ttcp\n", i, text);
		for (size_t j = 0; j < account->count; j++) {
			format_address(world->family, account->entries[j].first, text);
			fprintf(file, "P\ta%zu\t%s/%u\n", i, text, account->entries[j].len);
		}
	}
	if (fclose(file))
		die("cannot write the policy");
}

/* --- packets ------------------------------------------------------------------- */

/* Draws from 0 to count - 1 with weights 1, 1/2^s, 1/3^s ... */
static double *zipf_table(size_t count)
{
	double *table = allocate(count, sizeof(*table)), sum = 0;

	for (size_t i = 0; i < count; i++)
		table[i] = sum += pow((double)i + 1, -ZIPF);
	return table;
}

static size_t zipf_draw(const double *table, size_t count)
{
	double draw = (double)(random64() >> 11) * 0x1p-53 * table[count - 1];
	size_t low = 0, high = count - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (table[middle] <= draw)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static u128 listed_source(const struct world *world, const struct account *account, size_t entry)
{
	const struct range *range = &account->entries[entry];
	u128 any = (u128)random64() << 64 | random64();

	return range->first | (any & host_bits(world->family, range->len));
}

static u128 unlisted_source(const struct world *world, const struct account *account)
{
	bool near = random64() & 1;

	for (;;) {
		u128 addr = random_address(world->family);

		if (near) {
			u128 like = account->entries[random_below(account->count)].first;
			u128 rest = host_bits(world->family, world->family == 4 ? 16 : 32);

			addr = (like & ~rest) | (addr & rest);
		}
		if (!account_holds(account, addr))
			return addr;
		near = false; /* for the list may hold all of that neighbourhood */
	}
}

/* With one account popularity is that of its sources, else that of accounts. */
static void write_packets(const struct world *world, const struct mix *mix, size_t count)
{
	bool single = world->active == 1;
	double *table = NULL;
	u128 *strangers = NULL;
	FILE *file = fopen(mix->path, "w");
	char source[INET6_ADDRSTRLEN], dest[INET6_ADDRSTRLEN];
	size_t kinds = single ? count : world->active;

	if (!file)
		die("cannot write the packets");
	if (mix->zipf)
		table = zipf_table(kinds);
	if (mix->zipf && single) {
		strangers = allocate(count, sizeof(*strangers));
		for (size_t i = 0; i < count; i++)
			strangers[i] = unlisted_source(world, &world->accounts[world->order[0]]);
	}
	for (size_t i = 0; i < count; i++) {
		size_t pick = table ? zipf_draw(table, kinds) : random_below(world->active);
		size_t which = world->order[single ? 0 : pick];
		const struct account *account = &world->accounts[which];
		bool pass = *mix->kind == 'a' || (*mix->kind == 'h' && random64() & 1);
		u128 addr;

		if (pass)
			addr = listed_source(world, account,
					     strangers ? pick % account->count
						       : random_below(account->count));
		else
			addr = strangers ? strangers[pick] : unlisted_source(world, account);
		format_address(world->family, addr, source);
		format_dest(world->family, which, dest);
		fprintf(file, "%s\t%s\t" PORT "\t%s\n", source, dest, pass ? "pass" : "drop");
	}
	if (fclose(file))
		die("cannot write the packets");
	free(table);
	free(strangers);
}

/* PATH:unlisted|allowed|half:uniform|zipf */
static struct mix parse_mix(char *text)
{
	struct mix mix = {.path = strsep(&text, ":"), .kind = strsep(&text, ":")};

	if (!mix.kind || !text || !strchr("uah", *mix.kind))
		die("--mix wants PATH:unlisted|allowed|half:uniform|zipf");
	mix.zipf = *text == 'z';
	return mix;
}

static void shuffle(size_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (size_t i = count; i > 1; i--) {
		size_t j = random_below(i), other = order[j];

		order[j] = order[i - 1];
		order[i - 1] = other;
	}
}

static void make_world(struct world *world, char **lists, size_t list_count)
{
	world->accounts = allocate(world->count, sizeof(*world->accounts));
	world->order = allocate(world->count, sizeof(*world->order));
	if (!world->active || world->active > world->count)
		world->active = world->count;
	if (list_count) {
		for (size_t i = 0; i < list_count; i++)
			read_list(world, &world->accounts[0], lists[i]);
		account_finish(&world->accounts[0]);
	}
	for (size_t i = list_count ? 1 : 0; i < world->count; i++)
		make_list(world, &world->accounts[i]);
	shuffle(world->order, world->count);
}

static void free_world(struct world *world)
{
	for (size_t i = 0; i < world->count; i++) {
		free(world->accounts[i].entries);
		free(world->accounts[i].merged);
	}
	free(world->accounts);
	free(world->order);
}

static const struct option OPTIONS[] = {
	{"family", required_argument, NULL, 'f'},
	{"accounts", required_argument, NULL, 'a'},
	{"entries", required_argument, NULL, 'e'},
	{"active", required_argument, NULL, 'c'},
	{"hosts", no_argument, NULL, 'h'},
	{"list", required_argument, NULL, 'l'},
	{"seed", required_argument, NULL, 's'},
	{"policy", required_argument, NULL, 'o'},
	{"packets", required_argument, NULL, 'n'},
	{"mix", required_argument, NULL, 'm'},
	{NULL, 0, NULL, 0},
};

int main(int argc, char **argv)
{
	struct world world = {.family = 4, .count = 1, .per_list = 10};
	struct mix mixes[MIXES_MAX];
	char *lists[MIXES_MAX];
	size_t mix_count = 0, list_count = 0, packets = 1 << 16;
	const char *policy = NULL;

	for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
		size_t number = optarg ? strtoull(optarg, NULL, 10) : 0;

		if (option == 'f')
			world.family = number == 6 ? 6 : 4;
		else if (option == 'a')
			world.count = number;
		else if (option == 'e')
			world.per_list = number;
		else if (option == 'c')
			world.active = number;
		else if (option == 'h')
			world.hosts = true;
		else if (option == 'l' && list_count < MIXES_MAX)
			lists[list_count++] = optarg;
		else if (option == 's')
			random_state = number;
		else if (option == 'o')
			policy = optarg;
		else if (option == 'n')
			packets = number;
		else if (option == 'm' && mix_count < MIXES_MAX)
			mixes[mix_count++] = parse_mix(optarg);
		else
			die("unknown option, or too many of one");
	}
	if (!policy || !world.count || !world.per_list || !packets)
		die("--policy FILE is wanted, and nothing may be 0");
	make_world(&world, lists, list_count);
	write_policy(&world, policy);
	for (size_t i = 0; i < mix_count; i++)
		write_packets(&world, &mixes[i], packets);
	free_world(&world);
	return 0;
}
