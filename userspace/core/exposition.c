// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/core/exposition.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
};
_Static_assert(sizeof(type_names) / sizeof(*type_names) == METRIC_TYPE_MAX, "a type has no name");

/* A quote is escaped in label values alone. */
static void append_escaped(struct buffer *out, const char *text, bool is_label)
{
	const char *special = is_label ? "\\\n\"" : "\\\n";

	for (;;) {
		size_t plain = strcspn(text, special);

		(void)buffer_append(out, text, plain); /* the buffer remembers a failure */
		text += plain;
		if (!*text)
			return;
		(void)buffer_print(out, "\\%c", *text == '\n' ? 'n' : *text);
		text++;
	}
}

static void append_labels(struct buffer *out, const struct metric_label *labels, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		(void)buffer_print(out, "%s%s=\"", i ? "," : "{", labels[i].name);
		append_escaped(out, labels[i].value, true);
		(void)buffer_print(out, "\"%s", i + 1 == count ? "}" : "");
	}
}

void metric_begin(struct buffer *out, const struct metric_family *family)
{
	(void)buffer_print(out, "# HELP %s ", family->name);
	append_escaped(out, family->help, false);
	(void)buffer_print(out, "\n# TYPE %s %s\n", family->name, type_names[family->type]);
}

void metric_integer(struct buffer *out, const struct metric_family *family, const struct metric_label *labels,
		    size_t label_count, uint64_t value)
{
	(void)buffer_print(out, "%s", family->name);
	append_labels(out, labels, label_count);
	(void)buffer_print(out, " %" PRIu64 "\n", value);
}

void histogram_observe(struct metric_histogram *histogram, double value)
{
	size_t i = 0;

	while (i < histogram->bound_count && value > histogram->bounds[i])
		i++;
	histogram->counts[i]++;
	histogram->sum += value;
}

void metric_histogram(struct buffer *out, const struct metric_family *family,
		      const struct metric_histogram *histogram)
{
	uint64_t total = 0;

	for (size_t i = 0; i < histogram->bound_count; i++) {
		total += histogram->counts[i];
		(void)buffer_print(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", family->name,
				   histogram->bounds[i], total);
	}
	total += histogram->counts[histogram->bound_count];
	(void)buffer_print(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", family->name, total);
	(void)buffer_print(out, "%s_sum %.15g\n%s_count %" PRIu64 "\n", family->name, histogram->sum,
			   family->name, total);
}
