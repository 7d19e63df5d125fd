/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run.h - the ways a command is run; each returns an exit code (problem.h)
 */
#pragma once

struct invocation;

/* run.c: one request, then as the command's row says */
int run_change(struct invocation *invocation);
int run_account_set(struct invocation *invocation);
int run_list(struct invocation *invocation);
int run_show(struct invocation *invocation);
/* run_token.c */
int run_token_create(struct invocation *invocation);
/* run_audit.c */
int run_audit(struct invocation *invocation);
int run_audit_verify(struct invocation *invocation);
/* a JSON document that is written as it comes */
int run_document(struct invocation *invocation);
/* run_allow.c */
int run_upload(struct invocation *invocation);
int run_me(struct invocation *invocation);
int run_export(struct invocation *invocation);
/* The answer to standard output as it comes; ask_target() made the target. */
struct buffer;
int run_export_stream(struct invocation *invocation, const struct buffer *target);
/* run_policy.c */
int run_policy_export(struct invocation *invocation);
int run_policy_apply(struct invocation *invocation);
/* run_history.c */
int run_diff(struct invocation *invocation);
int run_rollback(struct invocation *invocation);
/* run_confirm.c */
int run_confirm(struct invocation *invocation);
/* run_host.c */
int run_status(struct invocation *invocation);
int run_whoami(struct invocation *invocation);
int run_doctor(struct invocation *invocation);
int run_panic(struct invocation *invocation);
/* run_check.c */
int run_check(struct invocation *invocation);
/* run_watch.c */
int run_denied(struct invocation *invocation);
int run_events(struct invocation *invocation);
/* completion.c: asks no daemon */
int run_completion(struct invocation *invocation);
