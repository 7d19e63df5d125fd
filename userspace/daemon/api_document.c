// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_document.c - docs/openapi.yaml, which the build puts into the daemon, as it is
 */
#include "daemon/openapi_text.h"
#include "userspace/daemon/call.h"

int api_show_document(struct call *call)
{
	call->text_type = "application/yaml";
	if (buffer_append(&call->text, OPENAPI, sizeof(OPENAPI) - 1))
		return call_answer(call, NULL);
	return 0;
}
