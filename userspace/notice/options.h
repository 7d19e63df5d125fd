/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - the command line, over what the configuration file says
 */
#pragma once

#include "userspace/notice/settings.h"

struct options {
	const char *user; /* NULL: not given */
	const char *text; /* to print instead of serving: help or version */
	bool wrong_usage; /* what failed is the command line, and not the file */
};

/* Fills initialised settings: the file, then the options. An absent file is none, unless it was named. */
int options_parse(int argc, char *const argv[], struct settings *settings, struct options *ret,
		  struct ag_error *error);
