/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * watch.h - stopped packets reported to the daemon, as many as cost nothing to speak of
 *
 * While AG_CONFIG_WATCH is set. A CPU reports AG_REPORTS_PER_TICK packets a tick and counts the others, so
 * that a flood costs a test and an addition a packet; the next report says how many were passed over. Nobody
 * is woken: the daemon looks every now and then. With a full ring the report is one of those passed over.
 */
#pragma once

#include "bpf/tick.h"

#define AG_REPORTS_PER_TICK 4

/* Whether this packet is to be reported; otherwise it has been noted as missed. */
AG_INLINE _Bool ag_may_report(void)
{
	struct ag_cpu *cpu = ag_this_tick();

	if (!cpu)
		return 0;
	if (cpu->reports >= AG_REPORTS_PER_TICK) {
		cpu->missed++;
		return 0;
	}
	cpu->reports++;
	return 1;
}

/* *sighting is zero before. */
AG_INLINE void ag_describe(const struct ag_packet *packet, struct ag_sighting *sighting)
{
	__builtin_memcpy(sighting->source, packet->source.bytes, sizeof(sighting->source));
	__builtin_memcpy(sighting->dest, packet->dest.bytes, sizeof(sighting->dest));
	sighting->family = packet->family;
	sighting->proto = packet->proto;
	sighting->port_be = packet->port_be;
}

AG_INLINE void ag_report(struct ag_sighting *sighting)
{
	struct ag_cpu *cpu = ag_this_tick();

	if (!cpu)
		return;
	sighting->boot_ns = bpf_ktime_get_boot_ns();
	sighting->missed = cpu->missed;
	if (bpf_ringbuf_output(&ag_sightings, sighting, sizeof(*sighting), BPF_RB_NO_WAKEUP))
		cpu->missed++;
	else
		cpu->missed = 0;
}
