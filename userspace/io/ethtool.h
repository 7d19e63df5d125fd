/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ethtool.h - what a network driver says of itself: asks, and changes nothing
 *
 * Source: ethtool(8), linux/ethtool.h (ETHTOOL_GDRVINFO, ETHTOOL_GCHANNELS).
 */
#pragma once

#include <stdint.h>

struct ethtool_facts {
	char driver[32];
	char version[32];
	uint32_t rx_queues; /* in use; 0: it does not say */
	uint32_t tx_queues;
	uint32_t channels; /* that receive */
	uint32_t channels_max;
};
/* 0, also where the driver says nothing, or a negative errno. */
int ethtool_read(const char *interface, struct ethtool_facts *ret);
