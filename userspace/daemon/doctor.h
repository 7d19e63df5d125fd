/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doctor.h - the facts that core/doctor.h judges, collected: reads, asks, and changes nothing
 */
#pragma once

#include "userspace/core/doctor.h"
#include "userspace/daemon/gate.h"

/* Interfaces looked at where none is named. */
#define DOCTOR_INTERFACES_MAX 64

/* Of the host, and of one interface or (NULL) all that are wanted, or there but the loopback. The caller
 * frees ret->findings, also after a failure. */
int doctor_examine(struct gate *gate, const char *interface, struct doctor_report *ret,
		   struct ag_error *error);
