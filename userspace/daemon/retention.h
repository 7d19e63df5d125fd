/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * retention.h - what is kept for a while goes when it is over: rows and addresses of the audit log, and when
 * entries were last seen
 */
#pragma once

struct api;
struct gate;
struct loop;
struct retention;

/* Borrows them. -ENOMEM, or what a timer meets. */
int retention_new(struct gate *gate, const struct api *api, struct loop *loop, struct retention **ret);
/* Before gate_close(). */
void retention_free(struct retention *retention);
