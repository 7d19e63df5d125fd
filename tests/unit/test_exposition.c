// SPDX-License-Identifier: GPL-2.0-only
/* test_exposition.c - the text that a scrape gets */
#include "userspace/core/exposition.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"

static const struct metric_family packets = {"allowgate_packets_total", "Packets by verdict.",
					     METRIC_COUNTER};
static const struct metric_family seconds = {"allowgate_policy_apply_seconds", "Time of a change.",
					     METRIC_HISTOGRAM};

static void a_family_is_begun_with_help_and_type(void **state)
{
	static const struct metric_family odd = {"x", "a \\ and a\nline with \"quotes\"", METRIC_GAUGE};
	struct buffer out = {0};

	(void)state;
	metric_begin(&out, &packets);
	metric_begin(&out, &odd);
	metric_begin(&out, &seconds);
	assert_string_equal(out.data, "# HELP allowgate_packets_total Packets by verdict.\n"
				      "# TYPE allowgate_packets_total counter\n"
				      "# HELP x a \\\\ and a\\nline with \"quotes\"\n"
				      "# TYPE x gauge\n"
				      "# HELP allowgate_policy_apply_seconds Time of a change.\n"
				      "# TYPE allowgate_policy_apply_seconds histogram\n");
	buffer_clear(&out);
}

static void samples_have_labels_or_none(void **state)
{
	const struct metric_label labels[] = {{"account", "shop"}, {"verdict", "denied"}};
	struct buffer out = {0};

	(void)state;
	metric_integer(&out, &packets, NULL, 0, 0);
	metric_integer(&out, &packets, labels, 1, 7);
	metric_integer(&out, &packets, labels, 2, UINT64_MAX);
	assert_string_equal(
		out.data,
		"allowgate_packets_total 0\n"
		"allowgate_packets_total{account=\"shop\"} 7\n"
		"allowgate_packets_total{account=\"shop\",verdict=\"denied\"} 18446744073709551615\n");
	buffer_clear(&out);
}

static void label_values_are_escaped(void **state)
{
	const struct metric_label label = {"v", "a\\b\"c\nd\\"};
	const struct metric_label empty = {"v", ""};
	struct buffer out = {0};

	(void)state;
	metric_integer(&out, &packets, &label, 1, 1);
	metric_integer(&out, &packets, &empty, 1, 2);
	assert_string_equal(out.data, "allowgate_packets_total{v=\"a\\\\b\\\"c\\nd\\\\\"} 1\n"
				      "allowgate_packets_total{v=\"\"} 2\n");
	buffer_clear(&out);
}

static void histogram_is_cumulative(void **state)
{
	static const double bounds[] = {0.001, 0.25, 10};
	static const double values[] = {0.0005, 0.001, 0.125, 10, 10.5, 20};
	struct metric_histogram histogram = {.bounds = bounds, .bound_count = 3};
	struct buffer out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		histogram_observe(&histogram, values[i]);
	metric_histogram(&out, &seconds, &histogram);
	assert_string_equal(out.data, "allowgate_policy_apply_seconds_bucket{le=\"0.001\"} 2\n"
				      "allowgate_policy_apply_seconds_bucket{le=\"0.25\"} 3\n"
				      "allowgate_policy_apply_seconds_bucket{le=\"10\"} 4\n"
				      "allowgate_policy_apply_seconds_bucket{le=\"+Inf\"} 6\n"
				      "allowgate_policy_apply_seconds_sum 40.6265\n"
				      "allowgate_policy_apply_seconds_count 6\n");
	buffer_clear(&out);
}

static void an_unused_histogram_is_all_zero(void **state)
{
	struct metric_histogram histogram = {0};
	struct buffer out = {0};

	(void)state;
	metric_histogram(&out, &seconds, &histogram);
	assert_string_equal(out.data, "allowgate_policy_apply_seconds_bucket{le=\"+Inf\"} 0\n"
				      "allowgate_policy_apply_seconds_sum 0\n"
				      "allowgate_policy_apply_seconds_count 0\n");
	buffer_clear(&out);
}

static void errors_collect_in_the_buffer(void **state)
{
	struct buffer out = {.limit = 40};

	(void)state;
	metric_integer(&out, &packets, NULL, 0, 1);
	assert_int_equal(out.failed, 0);
	metric_integer(&out, &packets, NULL, 0, 1);
	assert_int_equal(out.failed, -EFBIG);
	buffer_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_family_is_begun_with_help_and_type),
		cmocka_unit_test(samples_have_labels_or_none),
		cmocka_unit_test(label_values_are_escaped),
		cmocka_unit_test(histogram_is_cumulative),
		cmocka_unit_test(an_unused_histogram_is_all_zero),
		cmocka_unit_test(errors_collect_in_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
