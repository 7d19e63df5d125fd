// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_packets_wire.c - the same random frames over a wire and in a test run: all by the oracle
 *
 * A veth pair, to one end of which the program is attached natively or generically. Each frame goes in at the
 * other, and behind it a marker that every filter leaves alone: when that has come out, the frame has too, or
 * never will. MTU 9000, so that some frames are in several buffers. AG_PACKETS_SEED=N repeats a run.
 */
#include "tests/prog/packets_fixture.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/oracle/show.h"

#define POLICIES	12
#define FRAMES		500    /* a policy, each way */
#define MARKER_TYPE	0x88b5 /* IEEE 802 local experimental */
#define MARKER_LEN	64
#define WAIT_MS		3000
#define REFUSED_PERCENT 2 /* frames that a packet socket does not take */
#define SHOWN_MAX	5

struct wire {
	enum attach_mode mode;
	unsigned int ifindex;
	int sender;
	int receiver;
	uint32_t sequence;
	int64_t second; /* of CLOCK_BOOTTIME, in which the policy's clock was set */
	unsigned long class[ORACLE_CLASS_MAX];
	unsigned long frames, refused, large, answered, over_limit, mismatches;
};

/* --- the wire ------------------------------------------------------------------ */

static void shell(const char *command)
{
	if (system(command) != 0)
		host_skip(command);
}

static int packet_socket(const char *interface)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ALL),
				   .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	if (fd < 0)
		host_skip("cannot make packet sockets");
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* Nothing but what is sent here is ever on it. */
static void lay_wire(struct wire *wire, enum attach_mode mode)
{
	struct attachment attachment;

	memset(wire, 0, sizeof(*wire));
	shell("ip link add in0 numrxqueues 1 numtxqueues 1 type veth"
	      " peer name out0 numrxqueues 1 numtxqueues 1");
	shell("sysctl -qw net.ipv6.conf.in0.disable_ipv6=1 net.ipv6.conf.out0.disable_ipv6=1");
	shell("ip link set in0 arp off mtu 9000 up && ip link set out0 arp off mtu 9000 up");
	wire->mode = mode;
	wire->ifindex = if_nametoindex("in0");
	wire->sender = packet_socket("out0");
	wire->receiver = packet_socket("in0");
	check_ok(dataplane_attach(dataplane, "in0", mode, &attachment, &error));
	assert_int_equal(attachment.mode, mode);
}

static void take_wire_down(struct wire *wire)
{
	(void)close(wire->sender);
	(void)close(wire->receiver);
	check_ok(dataplane_detach(dataplane, "in0", &error));
	shell("ip link delete in0");
}

static void send_marker(struct wire *wire)
{
	uint8_t marker[MARKER_LEN] = {[0] = 2, [6] = 2, [12] = MARKER_TYPE >> 8, [13] = MARKER_TYPE & 0xff};

	wire->sequence++;
	memcpy(marker + 14, &wire->sequence, sizeof(wire->sequence));
	assert_int_equal(send(wire->sender, marker, sizeof(marker), 0), sizeof(marker));
}

static bool is_marker(const struct wire *wire, const uint8_t *bytes, ssize_t len)
{
	return len == MARKER_LEN && bytes[12] == MARKER_TYPE >> 8 && bytes[13] == (MARKER_TYPE & 0xff) &&
	       memcmp(bytes + 14, &wire->sequence, sizeof(wire->sequence)) == 0;
}

/* Frames that came out before the marker. */
static size_t count_until_marker(struct wire *wire)
{
	static uint8_t bytes[GENERATED_FRAME_MAX + 100];

	for (size_t count = 0;;) {
		struct pollfd wait = {.fd = wire->receiver, .events = POLLIN};
		struct sockaddr_ll from;
		socklen_t size = sizeof(from);
		ssize_t len;

		if (poll(&wait, 1, WAIT_MS) != 1)
			fail_msg("a marker did not arrive in %d ms", WAIT_MS);
		len = recvfrom(wire->receiver, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size);
		assert_true(len > 0);
		if (from.sll_pkttype == PACKET_OUTGOING)
			continue;
		if (is_marker(wire, bytes, len))
			return count;
		count++;
	}
}

/* --- frames -------------------------------------------------------------------- */

/* The stack discards what is cut off behind its first tag before a packet socket sees it. */
static bool is_seen(struct frame *frame, const struct oracle_answer *wanted)
{
	const uint8_t *type = frame_data(frame) + 12;
	bool tagged = (type[0] == 0x81 && type[1] == 0) || (type[0] == 0x88 && type[1] == 0xa8);

	return (wanted->action == ORACLE_PASSES || wanted->action == ORACLE_REWRITTEN) &&
	       !(tagged && frame->len < 20);
}

/* What one way made of a frame. */
struct made {
	struct counted counted;
	bool action_agrees;
	bool sent;
};

static struct made over_wire(struct wire *wire, struct frame *frame, const struct oracle_answer *wanted)
{
	struct tally before, after;
	struct made made = {0};

	take_tally(wire->ifindex, &before);
	made.sent = send(wire->sender, frame_data(frame), frame->len, 0) == (ssize_t)frame->len;
	send_marker(wire);
	made.action_agrees = count_until_marker(wire) == is_seen(frame, wanted);
	take_tally(wire->ifindex, &after);
	made.counted = what_moved(&before, &after, frame->len);
	return made;
}

static struct made in_test_run(struct frame *frame, const struct oracle_answer *wanted)
{
	struct tally before, after;
	struct made made = {.sent = true};
	uint32_t action;

	take_tally(1, &before);
	assert_int_equal(run_program(frame, 0, &action), 0);
	take_tally(1, &after);
	made.counted = what_moved(&before, &after, frame->len);
	made.action_agrees = action_agrees(wanted, &made.counted, action);
	return made;
}

static bool agrees(const struct oracle_answer *wanted, const struct made *made)
{
	return made->action_agrees && counts_agree(wanted, &made->counted);
}

static void show_mismatch(const struct oracle_policy *policy, struct frame *frame,
			  const struct oracle_answer *wanted, const struct made *wire, const struct made *run)
{
	const struct made *const all[] = {wire, run};

	(void)fputs("wanted ", stderr);
	show_answer(stderr, wanted);
	for (size_t i = 0; i < COUNT(all); i++) {
		(void)fputs(i ? "test run: " : "wire: ", stderr);
		show_counted(stderr, &all[i]->counted);
		(void)fputs(all[i]->action_agrees ? "\n" : ", another action\n", stderr);
	}
	show_policy(stderr, policy, frame_data(frame), frame->len);
	show_frame(stderr, frame_data(frame), frame->len);
}

static void note(struct wire *wire, const struct frame *frame, const struct oracle_answer *wanted,
		 const struct made *made)
{
	wire->frames++;
	wire->class[wanted->class]++;
	wire->large += frame->len > 4096;
	wire->answered += made->counted.verdict == AG_VERDICT_REJECTED;
}

/* By either reading of the table, where there are two: test_packets.c counts those. */
static bool both_agree(struct wire *wire, const struct oracle_policy *policy, struct frame *frame,
		       const struct oracle_answer *wanted, struct made *by_wire, struct made *by_run)
{
	do {
		if (boot_seconds() != wire->second)
			set_time(policy, &wire->second);
		*by_wire = over_wire(wire, frame, wanted);
		*by_run = in_test_run(frame, wanted);
	} while (boot_seconds() != wire->second);
	return agrees(wanted, by_wire) && agrees(wanted, by_run);
}

/* What was not answered is so some ticks later: it was over the limit. */
static bool is_answered(struct wire *wire, const struct oracle_policy *policy, struct frame *frame,
			const struct oracle_answer *wanted, struct made *by_wire, struct made *by_run)
{
	const struct timespec some_ticks = {.tv_nsec = 12 * 1000 * 1000};

	if (!is_over_limit(wanted, &by_wire->counted) && !is_over_limit(wanted, &by_run->counted))
		return true;
	wire->over_limit++;
	(void)nanosleep(&some_ticks, NULL);
	return both_agree(wire, policy, frame, wanted, by_wire, by_run) &&
	       !is_over_limit(wanted, &by_wire->counted) && !is_over_limit(wanted, &by_run->counted);
}

static void compare_frame(struct wire *wire, struct oracle_policy *policy, uint64_t seed)
{
	static struct frame frame;
	struct oracle_answer wanted, other;
	struct made by_wire, by_run;
	bool mutated, agree;

	generate_frame(policy, seed, &frame, &mutated);
	wanted = oracle_judge(policy, frame_data(&frame), frame.len);
	other = read_otherwise(policy, frame_data(&frame), frame.len);
	agree = both_agree(wire, policy, &frame, &wanted, &by_wire, &by_run);
	if (other.class != wanted.class)
		agree = agree || both_agree(wire, policy, &frame, &other, &by_wire, &by_run);
	else if (agree)
		agree = is_answered(wire, policy, &frame, &wanted, &by_wire, &by_run);
	if (!by_wire.sent) {
		wire->refused++;
		return;
	}
	note(wire, &frame, &wanted, &by_wire);
	if (!agree && wire->mismatches++ < SHOWN_MAX)
		show_mismatch(policy, &frame, &wanted, &by_wire, &by_run);
}

static void compare_all(enum attach_mode mode)
{
	uint64_t seed = number_of("AG_PACKETS_SEED", (unsigned long)time(NULL));
	static struct oracle_policy policy;
	struct wire wire;
	size_t classes = 0;

	print_message("AG_PACKETS_SEED=%llu\n", (unsigned long long)seed);
	lay_wire(&wire, mode);
	for (uint64_t i = 0; i < POLICIES; i++) {
		uint64_t policy_seed = chance_seed(seed, i);

		generate_policy(policy_seed, &policy);
		put_policy(&policy);
		for (uint64_t j = 1; j <= FRAMES; j++)
			compare_frame(&wire, &policy, chance_seed(policy_seed, j));
	}
	take_wire_down(&wire);
	for (int i = 0; i < ORACLE_CLASS_MAX; i++)
		classes += wire.class[i] > 0;
	print_message(
		"%lu frames of %zu classes, %lu larger than a page, %lu refused; %lu answered, %lu over the "
		"limit\n",
		wire.frames, classes, wire.large, wire.refused, wire.answered, wire.over_limit);
	if (wire.mismatches)
		fail_msg("%lu of %lu frames: the oracle and one of the ways differ", wire.mismatches,
			 wire.frames);
	assert_true(wire.refused * 100 < wire.frames * REFUSED_PERCENT);
	assert_true(classes > ORACLE_CLASS_MAX - 4 && wire.large && wire.answered);
}

static void test_native(void **state)
{
	(void)state;
	compare_all(ATTACH_NATIVE);
}

static void test_generic(void **state)
{
	(void)state;
	compare_all(ATTACH_GENERIC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_native, packets_setup, packets_teardown),
		cmocka_unit_test_setup_teardown(test_generic, packets_setup, packets_teardown),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
