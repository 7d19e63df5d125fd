// SPDX-License-Identifier: GPL-2.0-only
/* ethtool.c - see ethtool.h; by a socket of a family that the unit allows: any will do */
#include "userspace/io/ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "userspace/core/cleanup.h"

static int ask(int fd, const char *interface, void *command)
{
	struct ifreq request = {.ifr_data = command};

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

static void take_channels(const struct ethtool_channels *channels, struct ethtool_facts *ret)
{
	ret->rx_queues = channels->combined_count + channels->rx_count;
	ret->tx_queues = channels->combined_count + channels->tx_count;
	ret->channels = ret->rx_queues;
	ret->channels_max = channels->max_combined ? channels->max_combined : channels->max_rx;
}

int ethtool_read(const char *interface, struct ethtool_facts *ret)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	*ret = (struct ethtool_facts){0};
	if (fd < 0)
		return -errno;
	if (!ask(fd, interface, &info)) {
		(void)snprintf(ret->driver, sizeof(ret->driver), "%.31s", info.driver);
		(void)snprintf(ret->version, sizeof(ret->version), "%.31s", info.version);
	}
	if (!ask(fd, interface, &channels))
		take_channels(&channels, ret);
	return 0;
}
