// SPDX-License-Identifier: GPL-2.0-only
/*
 * ag-run.c - what would become of a frame, by the policy that is in force
 *
 *   ag-run [--pin-dir DIR] [--json] --frame HEX | --pcap FILE
 *
 * A second instance of the program over the maps of a daemon, whether that runs or not: of it only ag_explain
 * is loaded, which decides by the same code and counts, marks, reports and changes nothing. Nothing is
 * attached, and no lock is taken. One line a frame; exit status 1 where something could not be done.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <dirent.h>
#include <getopt.h>
#include <limits.h>
#include <linux/bpf.h>
#include <unistd.h>

#include "bpf/ag_abi.h"
#include "bpf/allowgate.skel.h"
#include "tools/bench/tool.h"
#include "tools/pcap.h"
#include "userspace/core/policy.h"

#define PIN_DIR	     "/sys/fs/bpf/allowgate"
#define ETHERNET_LEN 14
#define DEST_UNKNOWN 255

/* --- the program ----------------------------------------------------------------- */

static bool is_directory_of_maps(const char *name)
{
	char begin[32];

	(void)snprintf(begin, sizeof(begin), "maps-%d-", AG_ABI_VERSION);
	return strncmp(name, begin, strlen(begin)) == 0;
}

/* The one directory of maps below the pins that is of this version. */
static void find_maps(const char *pin_dir, char path[PATH_MAX])
{
	DIR *directory = opendir(pin_dir);
	struct dirent *entry;
	size_t found = 0;

	if (!directory)
		die_errno("%s", pin_dir);
	while ((entry = readdir(directory)))
		if (is_directory_of_maps(entry->d_name) && found++ == 0)
			(void)snprintf(path, PATH_MAX, "%s/%s", pin_dir, entry->d_name);
	(void)closedir(directory);
	if (!found)
		die("%s: there are no maps of this version (%d): is the daemon of the same version as this "
		    "program, and was it started?",
		    pin_dir, AG_ABI_VERSION);
	if (found > 1)
		die("%s: there are maps of %zu settings of the limits: start the daemon, which removes those "
		    "that "
		    "are not its own",
		    pin_dir, found);
}

static int open_pin(const char *maps, const char *name)
{
	LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = 0);
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", maps, name) >= (int)sizeof(path))
		die("%s: the path is too long", maps);
	fd = bpf_obj_get_opts(path, &options);
	if (fd < 0)
		die_errno("%s", path);
	return fd;
}

static void reuse_maps(struct allowgate_bpf *program, const char *maps)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, program->obj) {
		int fd;

		if (bpf_map__is_internal(map) || map == program->maps.ag_explanation)
			continue;
		fd = open_pin(maps, bpf_map__name(map));
		if (bpf_map__reuse_fd(map, fd) < 0)
			die_errno("%s/%s: cannot be used", maps, bpf_map__name(map));
		(void)close(fd);
	}
}

static void choose_program(struct allowgate_bpf *program)
{
	struct bpf_program *each;

	bpf_object__for_each_program(each, program->obj)(void)
		bpf_program__set_autoload(each, each == program->progs.ag_explain);
}

/* What the daemon gives its own program: the seed from ag_config, the rest from the maps' sizes. */
static void set_constants(struct allowgate_bpf *program, const char *maps, bool frags)
{
	struct ag_config config;
	const uint32_t zero = 0;
	int fd = open_pin(maps, "ag_config");

	if (bpf_map_lookup_elem(fd, &zero, &config) < 0)
		die_errno("%s/ag_config", maps);
	(void)close(fd);
	program->rodata->ag_seed = config.seed;
	program->rodata->ag_buckets4 = bpf_map__max_entries(program->maps.ag_services4);
	program->rodata->ag_buckets6 = bpf_map__max_entries(program->maps.ag_services6);
	program->rodata->ag_has_frags = frags;
	if (frags)
		(void)bpf_program__set_flags(program->progs.ag_explain, BPF_F_XDP_HAS_FRAGS);
}

static struct allowgate_bpf *load(const char *maps, bool frags)
{
	struct allowgate_bpf *program = allowgate_bpf__open();

	if (!program)
		die_errno("cannot open the program");
	choose_program(program);
	reuse_maps(program, maps);
	set_constants(program, maps, frags);
	if (allowgate_bpf__load(program) == 0)
		return program;
	allowgate_bpf__destroy(program);
	return NULL;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

/* With frames in several buffers, where the kernel has them (5.18). */
static struct allowgate_bpf *load_best(const char *pin_dir)
{
	char maps[PATH_MAX];
	struct allowgate_bpf *program;

	(void)libbpf_set_print(quiet);
	find_maps(pin_dir, maps);
	program = load(maps, true);
	if (!program)
		program = load(maps, false);
	if (!program)
		die_errno("cannot load the program over the maps in %s", maps);
	return program;
}

/* --- a frame --------------------------------------------------------------------- */

/* What is said of a frame. */
struct said {
	struct ag_explanation explanation;
	bool passes;
	bool has_addresses;
	int family;
	uint8_t source[16], dest[16];
	char source_text[INET6_ADDRSTRLEN], dest_text[INET6_ADDRSTRLEN];
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* For people to read: nothing is decided by it. */
static void find_addresses(const uint8_t *frame, size_t len, struct said *said)
{
	size_t at = ETHERNET_LEN, size, source;
	uint16_t type = get16(frame + 12);

	for (int tags = 0; tags < 2 && (type == 0x8100 || type == 0x88a8) && at + 4 <= len; tags++) {
		type = get16(frame + at + 2);
		at += 4;
	}
	said->family = type == 0x86dd ? AF_INET6 : AF_INET;
	size = type == 0x86dd ? 16 : 4;
	source = at + (type == 0x86dd ? 8 : 12);
	if ((type != 0x0800 && type != 0x86dd) || source + 2 * size > len)
		return;
	memcpy(said->source, frame + source, size);
	memcpy(said->dest, frame + source + size, size);
	(void)inet_ntop(said->family, said->source, said->source_text, sizeof(said->source_text));
	(void)inet_ntop(said->family, said->dest, said->dest_text, sizeof(said->dest_text));
	said->has_addresses = true;
}

static bool run(struct allowgate_bpf *program, const uint8_t *frame, size_t len, struct said *ret)
{
	const struct ag_explanation asking = {.ask_slot = AG_NO_ACCOUNT, .slot = AG_NO_ACCOUNT};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)len, .repeat = 1);
	int fd = bpf_map__fd(program->maps.ag_explanation);
	const uint32_t zero = 0;

	memset(ret, 0, sizeof(*ret));
	if (bpf_map_update_elem(fd, &zero, &asking, BPF_ANY) < 0 ||
	    bpf_prog_test_run_opts(bpf_program__fd(program->progs.ag_explain), &options) < 0 ||
	    bpf_map_lookup_elem(fd, &zero, &ret->explanation) < 0)
		return false;
	ret->passes = options.retval == XDP_PASS;
	find_addresses(frame, len, ret);
	return true;
}

/* --- what is said of it ---------------------------------------------------------- */

/* The prefix of that length around an address. */
static const char *prefix_text(const struct said *said, const uint8_t *addr, uint8_t len,
			       char text[PREFIX_TEXT_MAX])
{
	struct addr whole = addr_make(said->family == AF_INET ? AG_FAMILY_IPV4 : AG_FAMILY_IPV6, addr);
	struct prefix prefix = prefix_of(&whole, len);

	prefix_format(&prefix, text);
	return text;
}

static const char *unmatched_reason(const struct said *said)
{
	if (!said->has_addresses)
		return "ends before its destination";
	if (said->explanation.dest_len == DEST_UNKNOWN)
		return "to an address that no service names";
	return said->passes ? "no service there is of its protocol and port"
			    : "to the port of a notice server";
}

/* The same for an account's list: which entry decides. */
static const char *list_reason(const struct said *said, char text[PREFIX_TEXT_MAX + 32])
{
	char prefix[PREFIX_TEXT_MAX];

	if (!said->explanation.matched)
		return "no entry in effect holds the source";
	(void)snprintf(text, PREFIX_TEXT_MAX + 32, "by the entry %s",
		       prefix_text(said, said->source, said->explanation.len, prefix));
	return text;
}

static const char *reason(const struct said *said, char text[PREFIX_TEXT_MAX + 32])
{
	switch (said->explanation.verdict) {
	case AG_VERDICT_NOT_JUDGED:
		return "not IPv4 or IPv6, or neighbour or listener discovery";
	case AG_VERDICT_UNMATCHED:
		return unmatched_reason(said);
	case AG_VERDICT_FAILSAFE:
		return "from a failsafe source";
	case AG_VERDICT_MALFORMED:
		return said->passes ? "malformed, to an address that nobody gates" : "malformed";
	case AG_VERDICT_ICMP_ERROR:
		return "an ICMP error about a packet of a service's";
	case AG_VERDICT_FRAGMENT:
		return "a later fragment that may be of several accounts";
	case AG_VERDICT_OPEN:
		return "the account is not active";
	default:
		return list_reason(said, text);
	}
}

static const char *name_of(const struct said *said)
{
	if (said->explanation.verdict == AG_VERDICT_NOT_JUDGED)
		return "not_judged";
	return verdict_name((enum ag_verdict)said->explanation.verdict);
}

static void print_text(size_t number, const struct said *said)
{
	char text[PREFIX_TEXT_MAX + 32];

	(void)printf("%zu\t%s\t%s\t", number, name_of(said), said->passes ? "passes" : "stopped");
	if (said->explanation.slot < AG_SEVERAL_ACCOUNTS)
		(void)printf("slot %u\t", said->explanation.slot);
	else
		(void)printf("-\t");
	if (said->has_addresses)
		(void)printf("%s > %s\t", said->source_text, said->dest_text);
	else
		(void)printf("-\t");
	(void)printf("%s\n", reason(said, text));
}

/* Nothing in it needs escaping. */
static void print_json(size_t number, const struct said *said)
{
	char text[PREFIX_TEXT_MAX + 32], prefix[PREFIX_TEXT_MAX];

	(void)printf("{\"frame\": %zu, \"verdict\": \"%s\", \"passes\": %s", number, name_of(said),
		     said->passes ? "true" : "false");
	if (said->explanation.slot < AG_SEVERAL_ACCOUNTS)
		(void)printf(", \"slot\": %u", said->explanation.slot);
	if (said->has_addresses)
		(void)printf(", \"source\": \"%s\", \"destination\": \"%s\"", said->source_text,
			     said->dest_text);
	if (said->explanation.matched)
		(void)printf(", \"entry\": \"%s\"",
			     prefix_text(said, said->source, said->explanation.len, prefix));
	(void)printf(", \"reason\": \"%s\"}\n", reason(said, text));
}

static void explain(struct allowgate_bpf *program, bool json, size_t number, const uint8_t *frame, size_t len)
{
	struct said said;

	if (len < ETHERNET_LEN)
		die("frame %zu: shorter than an Ethernet header", number);
	if (!run(program, frame, len, &said))
		die_errno("frame %zu: cannot be run", number);
	if (json)
		print_json(number, &said);
	else
		print_text(number, &said);
}

/* --- frames from the command line --------------------------------------------------- */

static uint8_t hex_digit(char digit)
{
	return (uint8_t)(isdigit((unsigned char)digit) ? digit - '0' : (digit | 32) - 'a' + 10);
}

/* Pairs of digits, between which blanks and colons may stand. */
static void read_hex(const char *text, struct pcap_frame *frame)
{
	frame->len = 0;
	for (; *text; text++) {
		if (isspace((unsigned char)*text) || *text == ':')
			continue;
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			die("--frame: '%.8s': a frame is pairs of hexadecimal digits", text);
		if (frame->len == sizeof(frame->bytes))
			die("--frame: longer than a frame can be");
		frame->bytes[frame->len++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
		text++;
	}
}

static void run_pcap(struct allowgate_bpf *program, bool json, const char *path)
{
	static struct pcap_frame frame;
	struct pcap pcap;
	const char *wrong = pcap_open(path, &pcap);
	int r;

	if (wrong)
		die("%s: %s", path, wrong);
	for (size_t number = 1; (r = pcap_next(&pcap, &frame)) > 0; number++)
		explain(program, json, number, frame.bytes, frame.len);
	pcap_close(&pcap);
	if (r < 0)
		die("%s: ends within a frame, or has one that was not captured whole: capture with -s 0",
		    path);
}

static __attribute__((noreturn)) void usage(void)
{
	(void)fputs("ag-run [--pin-dir DIR] [--json] --frame HEX | --pcap FILE\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"pin-dir", required_argument, NULL, 'd'},
						{"json", no_argument, NULL, 'j'},
						{"frame", required_argument, NULL, 'f'},
						{"pcap", required_argument, NULL, 'p'},
						{0}};
	const char *pin_dir = PIN_DIR, *pcap = NULL, *hex = NULL;
	static struct pcap_frame frame;
	struct allowgate_bpf *program;
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			pin_dir = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'f':
			hex = optarg;
			break;
		case 'p':
			pcap = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind < argc || !hex == !pcap)
		usage();
	if (hex)
		read_hex(hex, &frame);
	program = load_best(pin_dir);
	if (hex)
		explain(program, json, 1, frame.bytes, frame.len);
	else
		run_pcap(program, json, pcap);
	allowgate_bpf__destroy(program);
	return 0;
}
