/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench-generate.c - sends packets into veth pairs, and says what CPU time they took, or which came through
 *
 *   bench-generate CORE WALK-OBJECT, and on standard input, each answered by a line "ok ...":
 *     keys FILE                       packets from now on            ok COUNT FAMILY
 *     open IFACE                      makes it ready to send         ok
 *     run IFACE COUNT                 sends, and measures            ok CPU-NS COUNT RECEIVED
 *     check IFACE NETNS TAP COUNT     sends the first COUNT keys;    ok WRONGLY-PASSED WRONGLY-STOPPED FIRST
 *                                     what passes appears at TAP
 *
 * Packets are live frames of BPF_PROG_TEST_RUN that the program transmits from its end of the pair, so that
 * the other end's NAPI runs on this very core, batch by batch, and nothing is lost between them.
 */
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "tools/bench/cputime.h"
#include "tools/bench/keys.h"
#include "tools/bench/tool.h"

#define BATCH	     64
#define CHECK_MAX    20000 /* as many as the tap's buffer surely holds */
#define TAP_BUFFER   (256 << 20)
#define TAP_PATIENCE 200 /* ms, for what still comes */

static const uint8_t RECEIVER_MAC[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t SENDER_MAC[6] = {2, 0, 0, 0, 0, 1};

static unsigned int index_of(const char *iface)
{
	unsigned int ifindex = if_nametoindex(iface ? iface : "");

	if (!ifindex)
		die("there is no interface %s", iface ? iface : "(none named)");
	return ifindex;
}

static uint32_t number(const char *text)
{
	unsigned long value = text ? strtoul(text, NULL, 10) : 0;

	if (!value || value > UINT32_MAX)
		die("a number above 0 is wanted");
	return (uint32_t)value;
}

static void send_frames(const struct keys *keys, unsigned int ifindex, uint32_t count)
{
	struct xdp_md context = {.data_end = keys->frame_len, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = keys->frame, .data_size_in = keys->frame_len,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = (int)count,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	int err = bpf_prog_test_run_opts(keys_program(keys, "send"), &options);

	if (err)
		die("cannot send live frames (kernel 5.18): %s", strerror(-err));
}

/* What a veth end has transmitted: what its peer's NAPI took in. */
static uint64_t transmitted(const char *iface)
{
	FILE *file = fopen("/proc/thread-self/net/dev", "r");
	unsigned long long packets = 0;
	size_t len = strlen(iface);
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		const char *name = line + strspn(line, " ");

		if (!strncmp(name, iface, len) && name[len] == ':' &&
		    sscanf(name + len + 1, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %llu", &packets) != 1)
			die("cannot read the counters of %s", iface);
	}
	if (file)
		(void)fclose(file); /* only read */
	return packets;
}

/* Live frames are for interfaces whose queues are made for XDP: a program, of whatever kind, sees to it. */
static void open_interface(const struct keys *keys, const char *iface)
{
	int err = bpf_xdp_attach((int)index_of(iface), keys_idle(keys), XDP_FLAGS_DRV_MODE, NULL);

	if (err)
		die("cannot attach to %s: %s", iface, strerror(-err));
	puts("ok");
}

static void run(const struct keys *keys, const struct cputime *cputime, const char *iface, uint32_t count)
{
	unsigned int ifindex = index_of(iface);
	uint64_t start, end, before;

	send_frames(keys, ifindex, count / 8 + BATCH); /* the caches as this candidate leaves them */
	before = transmitted(iface);
	start = cputime_now(cputime);
	send_frames(keys, ifindex, count);
	end = cputime_now(cputime);
	printf("ok %llu %u %llu\n", (unsigned long long)(end - start), count,
	       (unsigned long long)(transmitted(iface) - before));
}

/* --- which come through ---------------------------------------------------------- */

/* A socket that hears what leaves by that interface of another network namespace. */
static int open_tap(const char *netns, const char *iface)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC),
	    there = open(netns, O_RDONLY | O_CLOEXEC);
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd, size = TAP_BUFFER;
	struct timeval patience = {.tv_usec = TAP_PATIENCE * 1000L};

	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET))
		die_errno("cannot enter the network namespace %s", netns);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	address.sll_ifindex = (int)index_of(iface);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die_errno("cannot listen at %s", iface);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		die_errno("cannot prepare the tap");
	if (setns(home, CLONE_NEWNET))
		die_errno("cannot come back from %s", netns);
	(void)close(home); /* only referred to the namespaces */
	(void)close(there);
	return fd;
}

/* The key's index that a frame carries; -1 for a frame that is none of ours. */
static int64_t key_of(const struct keys *keys, const uint8_t *frame, ssize_t len)
{
	size_t ip = sizeof(struct ether_header), source = ip + (keys->family == 4 ? 12 : 8);
	size_t seq = ip + (keys->family == 4 ? 20 : 40) + 4, size = keys->family == 4 ? 4 : 16;
	const void *sent;
	uint32_t index;

	if (len < (ssize_t)(seq + sizeof(index)) || memcmp(frame + 12, keys->frame + 12, 2) ||
	    frame[ip + (keys->family == 4 ? 9 : 6)] != IPPROTO_TCP)
		return -1;
	memcpy(&index, frame + seq, sizeof(index));
	index = ntohl(index);
	if (index >= keys->count)
		return -1;
	sent = keys->family == 4 ? (const void *)&keys->keys4[index].source : keys->keys6[index].source;
	return memcmp(frame + source, sent, size) ? -1 : (int64_t)index;
}

static void drain(const struct keys *keys, int tap, uint8_t *came)
{
	uint8_t frame[256];
	ssize_t got;

	while ((got = recv(tap, frame, sizeof(frame), 0)) > 0) {
		int64_t index = key_of(keys, frame, got);

		if (index >= 0)
			came[index] = 1;
	}
}

static void check(const struct keys *keys, char **words)
{
	uint32_t count = number(words[4]), passed = 0, stopped = 0, first = 0;
	unsigned int ifindex = index_of(words[1]);
	int tap = open_tap(words[2], words[3]);
	uint8_t *came = calloc(keys->count, 1);

	if (!came)
		die_errno("no memory");
	if (count > CHECK_MAX)
		die("check: at most %d packets", CHECK_MAX);
	if (count > keys->count)
		count = keys->count;
	keys->walk->next = 0;
	send_frames(keys, ifindex, count); /* at once, for a test run takes tens of ms to end */
	drain(keys, tap, came);
	for (uint32_t i = count; i-- > 0;) {
		if (came[i] == keys->pass[i])
			continue;
		first = i;
		passed += came[i];
		stopped += !came[i];
	}
	printf("ok %u %u %u\n", passed, stopped, first);
	free(came);
	(void)close(tap);
	keys->walk->next = 0;
}

static void obey(struct keys *keys, const struct cputime *cputime, char *line)
{
	char *words[5] = {0}, *save = NULL;
	size_t count = 0;

	for (char *word = strtok_r(line, " \n", &save); word && count < COUNT(words);
	     word = strtok_r(NULL, " \n", &save))
		words[count++] = word;
	if (count == 2 && !strcmp(words[0], "keys")) {
		keys_read(keys, words[1]);
		printf("ok %u %d\n", keys->count, keys->family);
	} else if (count == 2 && !strcmp(words[0], "open")) {
		open_interface(keys, words[1]);
	} else if (count == 3 && !strcmp(words[0], "run") && keys->count) {
		run(keys, cputime, words[1], number(words[2]));
	} else if (count == 5 && !strcmp(words[0], "check") && keys->count) {
		check(keys, words);
	} else {
		die("unknown command, or no keys yet");
	}
}

int main(int argc, char **argv)
{
	struct cputime cputime;
	struct keys keys = {0};
	char line[512];

	if (argc != 3)
		die("usage: bench-generate CORE WALK-OBJECT");
	cputime_open(&cputime, (int)strtol(argv[1], NULL, 10));
	keys_open(&keys, argv[2], 0);
	keys_set_macs(&keys, RECEIVER_MAC, SENDER_MAC);
	(void)setvbuf(stdout, NULL, _IOLBF, 0); /* an answer is waited for */
	while (fgets(line, sizeof(line), stdin))
		obey(&keys, &cputime, line);
	return 0;
}
