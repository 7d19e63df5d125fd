// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_service.c - services from any text
 *
 * Properties: what is accepted formats to canonical text that gives the same service again, and its
 * parts are such as the kernel's table takes; what is refused leaves the result alone.
 */
#include <netinet/in.h>

#include "tests/fuzz/fuzz.h"
#include "userspace/core/error.h"
#include "userspace/core/service.h"

static void check_service(const char *text, const struct service *service)
{
	char out[SERVICE_TEXT_MAX], twice[SERVICE_TEXT_MAX];
	struct service again;

	assert(service_proto_name(service->proto));
	assert(service->dest.len > 0 && addr_known(&service->dest.addr));
	assert(service->proto != IPPROTO_ICMP || service->port == AG_PORT_ANY);
	service_format(service, out);
	assert(service_parse(out, &again, NULL) == 0);
	assert(service_compare(service, &again) == 0);
	service_format(&again, twice);
	assert(strcmp(out, twice) == 0);
	assert(strlen(out) < SERVICE_TEXT_MAX);
	/* a port is never made up: one in the result stood in the text */
	if (service->port != AG_PORT_ANY)
		assert(strchr(text, ':'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct service service = {.dest.len = 255};
	struct ag_error error = {0};

	if (service_parse(text, &service, &error) == 0) {
		check_service(text, &service);
	} else {
		assert(error.code == ERROR_BAD_REQUEST || error.code == ERROR_BAD_PREFIX);
		assert(error.message[0] && !strchr(error.message, '\n'));
		assert(error.offset <= strlen(text));
		assert(service.dest.len == 255);
	}
	free(text);
	return 0;
}
