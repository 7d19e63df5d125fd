/* SPDX-License-Identifier: GPL-2.0-only */
/* doctor_private.h - what doctor.c and doctor_interface.c share */
#pragma once

#include "userspace/core/doctor.h"

/* One more finding; the format makes its detail. */
void doctor_say(struct doctor_report *report, const char *check, const char *interface,
		enum doctor_state state, const char *advice, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
