/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exposition.h - the Prometheus text format, version 0.0.4
 *
 * A family is begun once, with its help and type, then gets its samples. Label values are escaped.
 * Names are OpenMetrics': counters end in _total. Errors collect in the buffer.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/core/buffer.h"

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
	METRIC_TYPE_MAX,
};

struct metric_family {
	const char *name; /* with _total for counters */
	const char *help;
	enum metric_type type;
};

struct metric_label {
	const char *name;
	const char *value;
};

void metric_begin(struct buffer *out, const struct metric_family *family);
void metric_integer(struct buffer *out, const struct metric_family *family, const struct metric_label *labels,
		    size_t label_count, uint64_t value);

#define METRIC_BUCKETS_MAX 16
/* Upper bounds in seconds, ascending; +Inf is implied. Zero-initialise counts. */
struct metric_histogram {
	const double *bounds;
	size_t bound_count;
	uint64_t counts[METRIC_BUCKETS_MAX + 1]; /* not cumulative */
	double sum;
};
void histogram_observe(struct metric_histogram *histogram, double value);
void metric_histogram(struct buffer *out, const struct metric_family *family,
		      const struct metric_histogram *histogram);
