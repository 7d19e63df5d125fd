/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - the command line of allowgate-origin
 */
#pragma once

#include <stdbool.h>

#include "userspace/origin/process.h"

struct ag_error;

/* All borrowed from argv, or static. */
struct options {
	const char *socket; /* to listen on, where no service manager hands one over */
	const char *user;   /* whom root becomes */
	struct programs sshd;
	bool other_namespaces;
	const char *text; /* to print instead of serving: help or version */
};

int options_parse(int argc, char *const argv[], struct options *ret, struct ag_error *error);
