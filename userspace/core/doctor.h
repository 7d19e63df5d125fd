/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doctor.h - from facts of a host and its interfaces to findings: what is well, what is not, what to do
 *
 * Pure: whoever asks collects the facts, and where one could not be had leaves it zero, which is never held
 * against anybody. A failure stops the filter or what it promises; a warning costs speed, or is to be known.
 *
 * Source of the rules: the kernel's drivers (veth.c, virtio_net.c, ena_netdev.c) and experiments.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/text.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_WARN,
	DOCTOR_FAIL,
	DOCTOR_STATE_MAX,
};
const char *doctor_state_name(enum doctor_state state);

struct doctor_finding {
	const char *check; /* a literal: "driver" */
	char interface[INTERFACE_SIZE];
	enum doctor_state state;
	char detail[256];
	char advice[384]; /* "" where there is nothing to do */
};

#define DOCTOR_FINDINGS_MAX 512
/* Zero-initialise; the caller frees `findings`. What exceeds the limit, or memory, sets `cut`. */
struct doctor_report {
	struct doctor_finding *findings;
	size_t count;
	bool cut;
};

/* NETDEV_XDP_ACT_* of the kernel's interface, which are numbers that never change. */
#define DOCTOR_XDP_BASIC    (1U << 0)
#define DOCTOR_XDP_RX_FRAGS (1U << 5)

enum doctor_program {
	DOCTOR_PROGRAM_NONE,
	DOCTOR_PROGRAM_NATIVE, /* ours */
	DOCTOR_PROGRAM_GENERIC,
	DOCTOR_PROGRAM_FOREIGN,
};

struct doctor_interface {
	char name[INTERFACE_SIZE];
	bool there;
	bool up;
	bool wanted;	   /* it shall be attached to ... */
	bool needs_native; /* ... in no other mode */
	char driver[32];
	char version[32]; /* of the driver */
	uint32_t mtu;
	uint32_t rx_queues; /* in use */
	uint32_t channels;
	uint32_t channels_max;
	uint32_t processors;
	uint32_t peer_mtu; /* of a veth's other end */
	uint32_t peer_tx_queues;
	bool has_features; /* the kernel says what the driver can: DOCTOR_XDP_* */
	uint64_t features;
	bool kernel_frags; /* the kernel has frames in several buffers */
	enum doctor_program program;
	uint32_t program_id;
	char program_name[17];
};

struct doctor_host {
	char kernel[65];
	bool frags;
	bool tcx;
	bool trie_batches;
	bool outer_batches;
	const char *pin_dir;
	bool pins_on_bpffs;
	bool pins_writable;
	uint64_t capabilities;
	const char *store;
	const char *reason; /* why it is degraded; "" */
	bool has_free;
	uint64_t free_bytes; /* where the store is */
	bool has_clock;
	bool clock_synchronised;
	const char *origin_socket; /* "" where nobody is to be asked */
	bool origin_answers;
	bool compared;
	size_t drift;
	bool panics;
};

void doctor_host(const struct doctor_host *host, struct doctor_report *report);
void doctor_interface(const struct doctor_interface *interface, struct doctor_report *report);
