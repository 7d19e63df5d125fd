/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * problem.h - what went wrong, whoever found it, and the exit code it means
 *
 * A refusal by the daemon and an error of the command line's own look alike: one line on standard error, or
 * with --json a problem document (RFC 9457). Functions that can fail fill a caller-owned struct problem and
 * return its exit code; 0 is success. Codes that no daemon sends are "unreachable", "bad_answer" and
 * "findings" (status 0: no HTTP status says it), "output" and "memory".
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The contract's, section 5. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_STOPPED = 3,
	EXIT_FORBIDDEN = 4,
	EXIT_UNREACHABLE = 5,
};

enum problem_kind {
	PROBLEM_USAGE,
	PROBLEM_INPUT, /* what a file or standard input holds */
	PROBLEM_LIMIT,
	PROBLEM_WOULD_OPEN,
	PROBLEM_NO_ORIGIN,
	PROBLEM_KERNEL,	  /* the kernel and the store disagree */
	PROBLEM_STORE,	  /* the audit log is not intact */
	PROBLEM_FINDINGS, /* a check of the host failed */
	PROBLEM_UNREACHABLE,
	PROBLEM_BAD_ANSWER,
	PROBLEM_OUTPUT,
	PROBLEM_MEMORY,
	PROBLEM_KIND_MAX,
};

/* Zero-initialised is none; owns its members: problem_clear(). */
struct problem {
	enum exit_code exit;
	json_t *document; /* of RFC 9457; the daemon's as it came */
};

/* All return the exit code. Without memory for the document only the exit code is left. */
int problem_set(struct problem *problem, enum problem_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The answer to a request that failed: a problem document, or something else that is reported as such. */
int problem_from_answer(struct problem *problem, long status, const char *body, size_t length);
/* To standard error: "allowgate: WHAT: WHY" (what may be NULL), or the document. */
void problem_report(const struct problem *problem, const char *what, bool json);
void problem_clear(struct problem *problem);
