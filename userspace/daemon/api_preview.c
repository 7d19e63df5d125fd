// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_preview.c - whom a change would stop, as it is answered
 */
#include <stdio.h>

#include "userspace/core/text.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/preview.h"

#define END_TEXT_MAX (ADDR_TEXT_MAX + 10)

static void format_end(const struct addr *addr, uint16_t port, char text[END_TEXT_MAX])
{
	char plain[ADDR_TEXT_MAX];

	addr_format(addr, plain);
	(void)snprintf(text, END_TEXT_MAX, addr->family == AG_FAMILY_IPV6 ? "[%s]:%u" : "%s:%u", plain, port);
}

static json_t *connection_json(const struct preview_connection *connection)
{
	const struct sockdiag_connection *ends = &connection->ends;
	char local[END_TEXT_MAX], remote[END_TEXT_MAX], service[SERVICE_TEXT_MAX];

	format_end(&ends->local, ends->local_port, local);
	format_end(&ends->remote, ends->remote_port, remote);
	service_format(&connection->service, service);
	return json_pack("{s:s, s:s, s:s}", "local", local, "remote", remote, "service", service);
}

static json_t *source_json(const struct preview_source *source)
{
	char prefix[PREFIX_TEXT_MAX], seen[TIME_TEXT_MAX];

	prefix_format(&source->prefix, prefix);
	time_format(source->last_seen, seen);
	return json_pack("{s:s, s:s, s:s, s:s}", "account", source->account, "source", prefix, "last_seen",
			 seen, "why", source->why);
}

json_t *preview_json(const struct preview *preview)
{
	json_t *connections = json_array(), *sources = json_array();
	int failed = 0;

	for (size_t i = 0; i < preview->connection_count; i++)
		failed |= json_array_append_new(connections, connection_json(&preview->connections[i]));
	for (size_t i = 0; i < preview->source_count; i++)
		failed |= json_array_append_new(sources, source_json(&preview->sources[i]));
	if (!failed)
		return json_pack("{s:o, s:I, s:o, s:I, s:b}", "connections", connections, "connections_total",
				 (json_int_t)preview->connections_total, "sources", sources, "sources_total",
				 (json_int_t)preview->sources_total, "complete", preview->complete);
	json_decref(connections);
	json_decref(sources);
	return NULL;
}
