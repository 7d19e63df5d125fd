/* SPDX-License-Identifier: GPL-2.0-only */
/* keys.c - see keys.h; checksums: RFC 1071, in the byte order of the frame throughout */
#include "tools/bench/keys.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tools/bench/tool.h"

#define SOURCE_PORT 40000

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

static void *map_memory(const struct keys *keys, const char *name, size_t value_size)
{
	int fd = bpf_object__find_map_fd_by_name(keys->object, name);
	struct bpf_map *map = bpf_object__find_map_by_name(keys->object, name);
	size_t size = value_size * (map ? bpf_map__max_entries(map) : 1);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		die_errno("cannot map %s", name);
	return memory;
}

void keys_open(struct keys *keys, const char *object_path, uint32_t program_flags)
{
	struct bpf_program *program;
	struct bpf_map *map;

	libbpf_set_print(quiet);
	keys->object = bpf_object__open_file(object_path, NULL);
	if (!keys->object)
		die_errno("cannot open %s", object_path);
	bpf_object__for_each_map (map, keys->object)
		if (!strncmp(bpf_map__name(map), "bench_keys", strlen("bench_keys")) &&
		    bpf_map__set_max_entries(map, KEYS_MAX))
			die("cannot size the maps");
	bpf_object__for_each_program(program,
				     keys->object) if (bpf_program__set_flags(program, program_flags))
		die("cannot set flags");
	if (bpf_object__load(keys->object))
		die_errno("cannot load %s", object_path);
	keys->walk = map_memory(keys, "bench_walk", sizeof(*keys->walk));
	keys->keys4 = map_memory(keys, "bench_keys4", sizeof(*keys->keys4));
	keys->keys6 = map_memory(keys, "bench_keys6", sizeof(*keys->keys6));
	keys->pass = calloc(KEYS_MAX, 1);
	if (!keys->pass)
		die_errno("no memory for the verdicts");
}

static uint64_t sum_of(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint64_t sum = 0;
	uint16_t word;

	for (size_t i = 0; i + 1 < size; i += 2) {
		memcpy(&word, bytes + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void start_frame(struct keys *keys)
{
	struct ethhdr *ethernet = (void *)keys->frame;
	struct tcphdr tcp = {.source = htons(SOURCE_PORT), .doff = 5, .syn = 1, .window = htons(65535)};

	memset(keys->frame, 0, sizeof(keys->frame));
	ethernet->h_proto = htons(keys->family == 4 ? ETH_P_IP : ETH_P_IPV6);
	if (keys->family == 4) {
		struct iphdr ip = {.version = 4,
				   .ihl = 5,
				   .tot_len = htons(sizeof(ip) + sizeof(tcp)),
				   .ttl = BENCH_TTL,
				   .protocol = IPPROTO_TCP};

		memcpy(ethernet + 1, &ip, sizeof(ip));
		memcpy((uint8_t *)(ethernet + 1) + sizeof(ip), &tcp, sizeof(tcp));
	} else {
		struct ipv6hdr ip = {.version = 6,
				     .payload_len = htons(sizeof(tcp)),
				     .nexthdr = IPPROTO_TCP,
				     .hop_limit = BENCH_TTL};

		memcpy(ethernet + 1, &ip, sizeof(ip));
		memcpy((uint8_t *)(ethernet + 1) + sizeof(ip), &tcp, sizeof(tcp));
	}
	keys->frame_len = keys->family == 4 ? BENCH_FRAME4_LEN : BENCH_FRAME6_LEN;
}

/* The sum of a TCP header whose checksum is none yet, and of its pseudo header but the addresses. */
static uint64_t tcp_sum(const struct keys *keys, uint16_t port, uint32_t index)
{
	size_t offset = sizeof(struct ethhdr) +
			(keys->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	uint32_t seq = htonl(index);

	return sum_of(keys->frame + offset, sizeof(struct tcphdr)) + port + sum_of(&seq, sizeof(seq)) +
	       htons(IPPROTO_TCP) + htons(sizeof(struct tcphdr));
}

static void set_key(struct keys *keys, uint32_t index, const uint8_t *source, const uint8_t *dest,
		    uint16_t port)
{
	size_t size = keys->family == 4 ? 4 : 16;
	uint64_t addresses = sum_of(source, size) + sum_of(dest, size);
	uint16_t tcp_check = fold(addresses + tcp_sum(keys, port, index));

	if (keys->family == 4) {
		struct bench_key4 key = {.port = port, .tcp_check = tcp_check};

		key.ip_check =
			fold(addresses + sum_of(keys->frame + sizeof(struct ethhdr), sizeof(struct iphdr)));
		memcpy(&key.source, source, sizeof(key.source));
		memcpy(&key.dest, dest, sizeof(key.dest));
		keys->keys4[index] = key;
	} else {
		struct bench_key6 key = {.port = port, .tcp_check = tcp_check};

		memcpy(key.source, source, sizeof(key.source));
		memcpy(key.dest, dest, sizeof(key.dest));
		keys->keys6[index] = key;
	}
}

static void read_line(struct keys *keys, char *line, uint32_t index)
{
	char *rest = line, *source = strsep(&rest, "\t"), *dest = strsep(&rest, "\t"),
	     *port = strsep(&rest, "\t");
	int family = source && strchr(source, ':') ? 6 : 4, af = family == 4 ? AF_INET : AF_INET6;
	uint8_t from[16], to[16];

	if (!index) {
		keys->family = family;
		start_frame(keys);
	}
	if (!rest || family != keys->family || inet_pton(af, source, from) != 1 ||
	    inet_pton(af, dest, to) != 1)
		die("line %u of the packets is none, or of another family", index + 1);
	set_key(keys, index, from, to, htons((uint16_t)strtoul(port, NULL, 10)));
	keys->pass[index] = *rest == 'p';
}

void keys_read(struct keys *keys, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[160];
	uint32_t count = 0;

	if (!file)
		die_errno("cannot read %s", path);
	while (count < KEYS_MAX && fgets(line, sizeof(line), file))
		read_line(keys, line, count++);
	(void)fclose(file); /* only read */
	if (!count)
		die("%s: no packets", path);
	keys->count = count;
	keys->walk->count = count;
	keys->walk->next = 0;
}

static int program_fd(const struct keys *keys, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(keys->object, name);

	if (!program)
		die("the object has no program %s", name);
	return bpf_program__fd(program);
}

int keys_program(const struct keys *keys, const char *stem)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%s%d", stem, keys->family);
	return program_fd(keys, name);
}

int keys_idle(const struct keys *keys)
{
	return program_fd(keys, "idle");
}

void keys_set_macs(struct keys *keys, const uint8_t dest[6], const uint8_t source[6])
{
	memcpy(keys->walk->macs, dest, 6);
	memcpy(keys->walk->macs + 6, source, 6);
}
