/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scrape.h - everything Prometheus is told (contract, section 7)
 *
 * Collected at each scrape: no cache, no thread; of many accounts the text is written in slices. arg of the
 * handlers is struct scrape.
 */
#pragma once

#include "userspace/daemon/api.h"
#include "userspace/daemon/gate.h"
#include "userspace/io/httpd.h"

struct loop;
struct scrape;
/* Borrows all three. Negative errno. */
int scrape_new(struct gate *gate, const struct api *api, struct loop *loop, struct scrape **ret);
/* Whoever waits is answered: before httpd_close(). */
void scrape_free(struct scrape *scrape);

/* GET /metrics; 404 and 405 otherwise. */
void scrape_handle(const struct httpd_request *request, struct httpd_response *response, void *scrape);
void scrape_refuse(unsigned int status, const char *why, struct httpd_response *response, void *scrape);
