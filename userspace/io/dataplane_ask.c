// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_ask.c - the kernel's own answer, from the program itself
 *
 * A second instance of the program's file, of which only ag_explain is loaded, over the very maps of the
 * first; so it decides by the same code and the same policy, and has no other map of its own than the one
 * that it answers in. It is loaded by the first question and kept. Nobody else runs it: it is not attached.
 */
#include "userspace/io/dataplane_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#define PROTO_UNNAMED 253   /* for experiments (RFC 3692): no service can name it, and it has no ports */
#define SOURCE_PORT   49152 /* first of the dynamic ones (RFC 6335) */
#define HOP_LIMIT     64
#define TCP_WORDS     5
#define FRAME_ALIGN   2 /* of the Ethernet header, so that the IP header is aligned */
#define DEST_UNKNOWN  255

/* --- the second instance ----------------------------------------------------------- */

static int reuse_maps(const struct dataplane *dataplane, struct allowgate_bpf *asked)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, asked->obj) {
		const struct bpf_map *shared;
		int result;

		if (bpf_map__is_internal(map) || map == asked->maps.ag_explanation)
			continue;
		shared = bpf_object__find_map_by_name(dataplane->skeleton->obj, bpf_map__name(map));
		result = shared ? bpf_map__reuse_fd(map, dataplane_map_fd(shared)) : -ENOENT;
		if (result < 0)
			return result;
	}
	return 0;
}

static int choose_program(struct allowgate_bpf *asked)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, asked->obj)
	{
		int result = bpf_program__set_autoload(program, program == asked->progs.ag_explain);

		if (result < 0)
			return result;
	}
	return 0;
}

static int open_asked(struct dataplane *dataplane)
{
	struct allowgate_bpf *asked = allowgate_bpf__open();
	int result;

	if (!asked)
		return -errno;
	memcpy(asked->rodata, dataplane->skeleton->rodata, sizeof(*asked->rodata));
	result = choose_program(asked);
	if (result == 0)
		result = reuse_maps(dataplane, asked);
	if (result == 0)
		result = allowgate_bpf__load(asked);
	if (result < 0) {
		allowgate_bpf__destroy(asked);
		return result;
	}
	dataplane->asked = asked;
	return 0;
}

void ask_close(struct dataplane *dataplane)
{
	allowgate_bpf__destroy(dataplane->asked);
	dataplane->asked = NULL;
}

/* --- the frame ---------------------------------------------------------------------- */

struct question_frame {
	_Alignas(8) uint8_t bytes[FRAME_ALIGN + ETH_HLEN + sizeof(struct ip6_hdr) + sizeof(struct tcphdr)];
	size_t len; /* with the alignment */
};

static void append(struct question_frame *frame, const void *bytes, size_t len)
{
	memcpy(frame->bytes + frame->len, bytes, len);
	frame->len += len;
}

static bool is_icmp(const struct dataplane_question *question)
{
	return question->proto == IPPROTO_ICMP;
}

/* As services name it, ICMP is of either family. */
static uint8_t next_header(const struct dataplane_question *question)
{
	if (question->proto == AG_PROTO_ANY)
		return PROTO_UNNAMED;
	return is_icmp(question) && question->dest.family == AG_FAMILY_IPV6 ? IPPROTO_ICMPV6
									    : question->proto;
}

/* What is not TCP and has ports has them in the same place as UDP. */
static void append_transport(struct question_frame *frame, const struct dataplane_question *question)
{
	const struct tcphdr tcp = {
		.source = htons(SOURCE_PORT), .dest = htons(question->port), .doff = TCP_WORDS, .syn = 1};
	const struct udphdr udp = {
		.source = htons(SOURCE_PORT), .dest = htons(question->port), .len = htons(sizeof(udp))};
	const struct icmphdr echo = {.type = question->dest.family == AG_FAMILY_IPV6 ? ICMP6_ECHO_REQUEST
										     : ICMP_ECHO};

	if (question->proto == IPPROTO_TCP)
		append(frame, &tcp, sizeof(tcp));
	else if (is_icmp(question))
		append(frame, &echo, sizeof(echo));
	else
		append(frame, &udp, sizeof(udp));
}

static void put_ipv4(struct question_frame *frame, size_t at, const struct dataplane_question *question)
{
	struct iphdr ip = {.version = IPVERSION,
			   .ihl = sizeof(ip) / 4,
			   .tot_len = htons((uint16_t)(frame->len - at)),
			   .ttl = HOP_LIMIT,
			   .protocol = next_header(question)};

	memcpy(&ip.saddr, question->source.bytes, sizeof(ip.saddr));
	memcpy(&ip.daddr, question->dest.bytes, sizeof(ip.daddr));
	memcpy(frame->bytes + at, &ip, sizeof(ip));
}

static void put_ipv6(struct question_frame *frame, size_t at, const struct dataplane_question *question)
{
	struct ip6_hdr ip = {.ip6_flow = htonl(6U << 28),
			     .ip6_plen = htons((uint16_t)(frame->len - at - sizeof(ip))),
			     .ip6_nxt = next_header(question),
			     .ip6_hlim = HOP_LIMIT};

	memcpy(&ip.ip6_src, question->source.bytes, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, question->dest.bytes, sizeof(ip.ip6_dst));
	memcpy(frame->bytes + at, &ip, sizeof(ip));
}

/* Checksums are zero: nobody looks at them. */
static void make_frame(const struct dataplane_question *question, struct question_frame *frame)
{
	bool v6 = question->dest.family == AG_FAMILY_IPV6;
	const struct ethhdr ethernet = {.h_proto = htons(v6 ? ETH_P_IPV6 : ETH_P_IP)};
	size_t at;

	*frame = (struct question_frame){.len = FRAME_ALIGN};
	append(frame, &ethernet, sizeof(ethernet));
	at = frame->len;
	frame->len += v6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	append_transport(frame, question);
	if (v6)
		put_ipv6(frame, at, question);
	else
		put_ipv4(frame, at, question);
}

/* --- question and answer ------------------------------------------------------------- */

static int run(struct dataplane *dataplane, const struct dataplane_question *question,
	       struct ag_explanation *ret, uint32_t *ret_action)
{
	const struct ag_explanation asking = {.ask_slot = question->slot, .slot = AG_NO_ACCOUNT};
	int fd = dataplane_map_fd(dataplane->asked->maps.ag_explanation);
	struct question_frame frame;
	const uint32_t zero = 0;
	int result;

	make_frame(question, &frame);
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.bytes + FRAME_ALIGN,
		    .data_size_in = (__u32)(frame.len - FRAME_ALIGN), .repeat = 1);
	result = bpf_map_update_elem(fd, &zero, &asking, BPF_ANY);
	if (result == 0)
		result = bpf_prog_test_run_opts(bpf_program__fd(dataplane->asked->progs.ag_explain),
						&options);
	if (result == 0)
		result = bpf_map_lookup_elem(fd, &zero, ret);
	*ret_action = options.retval;
	return result;
}

static int check_question(const struct dataplane *dataplane, const struct dataplane_question *question,
			  struct ag_error *error)
{
	if (!addr_known(&question->source) || question->source.family != question->dest.family)
		return error_set(error, ERROR_BAD_REQUEST,
				 "source and destination are of different families: ask for two of the same");
	return question->slot == AG_NO_ACCOUNT ? 0 : dataplane_check_slot(dataplane, question->slot, error);
}

static int read_answer(const struct dataplane_question *question, const struct ag_explanation *explanation,
		       uint32_t action, struct dataplane_answer *ret)
{
	uint8_t bits = addr_bits(&question->source);

	if (explanation->verdict > AG_VERDICT_MAX || action == XDP_ABORTED || explanation->len > bits ||
	    (explanation->dest_len > bits && explanation->dest_len != DEST_UNKNOWN))
		return -EBADMSG;
	*ret = (struct dataplane_answer){.verdict = (enum ag_verdict)explanation->verdict,
					 .passes = action == XDP_PASS,
					 .slot = explanation->slot,
					 .matched = explanation->matched,
					 .dest_known = explanation->dest_len != DEST_UNKNOWN,
					 .gated = explanation->gated};
	if (ret->matched)
		ret->entry = prefix_of(&question->source, explanation->len);
	if (ret->dest_known)
		ret->dest = prefix_of(&question->dest, explanation->dest_len);
	return 0;
}

int dataplane_ask(struct dataplane *dataplane, const struct dataplane_question *question,
		  struct dataplane_answer *ret, struct ag_error *error)
{
	struct ag_explanation explanation;
	uint32_t action;
	int result = check_question(dataplane, question, error);

	if (result < 0)
		return result;
	if (!dataplane->asked)
		result = open_asked(dataplane);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot load the program that answers questions: %s",
				 strerror(-result));
	result = run(dataplane, question, &explanation, &action);
	if (result == 0)
		result = read_answer(question, &explanation, action, ret);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot run the program for a question: %s",
				 strerror(-result));
	return 0;
}
