/* SPDX-License-Identifier: GPL-2.0-only */
/* entry_fixture.h - an entry that was read, and what it must be */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "userspace/core/policy.h"

/* Zeros: enabled, and never expires. What a sender cannot say must be empty. */
struct wanted {
	const char *prefix;
	enum ag_entry_verdict verdict;
	const char *note;
	bool disabled;
	int64_t expires;
};

static inline void check_wanted(const struct entry *entry, const struct wanted *want)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(want->prefix, &prefix, NULL), 0);
	assert_int_equal(prefix_compare(&entry->prefix, &prefix), 0);
	assert_int_equal(entry->verdict, want->verdict);
	assert_int_equal(entry->disabled, want->disabled);
	assert_int_equal(entry->expires, want->expires);
	if (want->note)
		assert_string_equal(entry->note, want->note);
	else
		assert_null(entry->note);
	assert_null(entry->created_by);
	assert_int_equal(entry->created_at, 0);
	assert_int_equal(entry->last_seen, 0);
}

static inline void check_entry(const struct entry *entry, const char *prefix, enum ag_entry_verdict verdict,
			       const char *note)
{
	const struct wanted want = {prefix, verdict, note, false, 0};

	check_wanted(entry, &want);
}
