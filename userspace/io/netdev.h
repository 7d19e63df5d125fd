/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netdev.h - what XDP a driver can, in the kernel's own words (Linux 6.3)
 *
 * Source: Documentation/netlink/specs/netdev.yaml.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* False where the kernel does not say. *ret gets NETDEV_XDP_ACT_*. */
bool netdev_xdp_features(unsigned int ifindex, uint64_t *ret);
