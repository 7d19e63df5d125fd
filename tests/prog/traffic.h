/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * traffic.h - packets through a dataplane's program, and accounts for them, for tests of its user side
 */
#pragma once

#include "tests/prog/dataplane_fixture.h"

#include <linux/bpf.h>
#include <time.h>

#include "tests/frames.h"

#define WEB "192.0.2.10:443/tcp>3 [2001:db8::10]:443/tcp>3"

/* To port 443 of the service that WEB names, of the source's family; what the program says. */
static inline __attribute__((unused)) uint32_t knock_at(const char *source, const char *dest, uint8_t proto,
							uint16_t port)
{
	const struct frame_spec spec = {
		.source = source, .dest = dest, .proto = proto, .source_port = 40000, .port = port};
	static struct frame frame;

	frame_build(&frame, &spec);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame_data(&frame),
		    .data_size_in = (uint32_t)frame.len, .repeat = 1);
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(dataplane->skeleton->progs.ag_ingress), &opts), 0);
	return opts.retval;
}

static inline __attribute__((unused)) uint32_t knock(const char *source)
{
	return knock_at(source, strchr(source, ':') ? "2001:db8::10" : "192.0.2.10", IPPROTO_TCP, 443);
}

/* Puts an account in force. */
static inline __attribute__((unused)) void enforce(const struct compiled_account *want)
{
	struct dataplane_change *staged = NULL;

	check_ok(dataplane_stage(dataplane, NULL, want, &staged, &error));
	check_ok(dataplane_publish(dataplane, staged, &error));
	dataplane_change_free(staged);
}

/* Slot 3: entries as account_of() takes them, and as many more of each family as make it a long list. */
enum filling { FILL_NOTHING, FILL_INDEX, FILL_TRIE, FILL_MAX };
static const uint8_t FILLED_AS[] = {[FILL_INDEX] = AG_HELD_INDEX, [FILL_TRIE] = AG_HELD_TRIE};

static inline __attribute__((unused)) struct compiled_account filled(const char *text, enum filling filling)
{
	struct compiled_account account = account_of(3, ENFORCE, text);

	for (enum family_index index = 0; index < FAMILY_INDEX_MAX && filling; index++)
		add_many(&account, index, 200, 7, filling == FILL_TRIE);
	return account;
}

static inline __attribute__((unused)) void fill(const char *text, enum filling filling)
{
	struct compiled_account account = filled(text, filling);

	enforce(&account);
	compiled_account_clear(&account);
	if (!filling)
		return;
	assert_int_equal(held4(3), FILLED_AS[filling]);
	assert_int_equal(held6(3), FILLED_AS[filling]);
}

static inline __attribute__((unused)) struct prefix prefix_text(const char *text)
{
	struct prefix prefix;

	check_ok(prefix_parse(text, &prefix, &error));
	return prefix;
}

static inline __attribute__((unused)) uint16_t seen_at(const char *text)
{
	struct prefix prefix = prefix_text(text);
	uint16_t epoch = 4711;

	check_ok(dataplane_seen(dataplane, 3, &prefix, &epoch, &error));
	return epoch;
}
