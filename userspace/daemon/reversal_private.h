/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reversal_private.h - what the files of reversal.h share
 *
 * A description fills the document of one change with what takes it back, and `claims` with what nobody else
 * may take or change meanwhile, each a word between blanks. A reading makes the change of such a document;
 * what it points to is the reversal's.
 */
#pragma once

#include <jansson.h>

#include "userspace/core/buffer.h"
#include "userspace/daemon/reversal.h"

typedef int (*reversal_describes)(struct edit *edit, json_t *document, struct buffer *claims,
				  struct ag_error *error);
typedef int (*reversal_reads)(const json_t *document, struct reversal *reversal, struct ag_error *error);

/* Of noting, and of reading. */
int reversal_no_memory(struct ag_error *error);
/* Takes over the value. */
int reversal_put(json_t *document, const char *name, json_t *value, struct ag_error *error);
/* ERROR_LIMIT for more than may be kept. */
int reversal_check_count(size_t count, const char *what, struct ag_error *error);
/* "" where there is none. */
const char *reversal_text(const json_t *object, const char *name);

/* reversal_tokens.c: tokens of an account, of a user, or of a role; 0 stands for all. ERROR_CONFLICT where
 * one of them waits itself. */
int reversal_put_tokens(struct edit *edit, json_t *document, int64_t account_id, int64_t user_id,
			struct ag_error *error);
int reversal_describe_token(struct edit *edit, json_t *document, struct buffer *claims,
			    struct ag_error *error);
int reversal_read_tokens(const json_t *document, struct reversal *reversal, struct ag_error *error);
int reversal_read_token(const json_t *document, struct reversal *reversal, struct ag_error *error);

/* reversal_lists.c */
void reversal_claim_references(struct buffer *claims, const struct list *list);
/* The named lists that the account refers to. */
int reversal_claim_list(struct edit *edit, struct buffer *claims, struct ag_error *error);
/* All of the account's entries. */
int reversal_put_entries(struct edit *edit, json_t *document, struct buffer *claims, struct ag_error *error);
int reversal_describe_allow_add(struct edit *edit, json_t *document, struct buffer *claims,
				struct ag_error *error);
int reversal_describe_held(struct edit *edit, json_t *document, struct buffer *claims,
			   struct ag_error *error);
int reversal_describe_whole(struct edit *edit, json_t *document, struct buffer *claims,
			    struct ag_error *error);
int reversal_describe_list(struct edit *edit, json_t *document, struct buffer *claims,
			   struct ag_error *error);
int reversal_describe_list_remove(struct edit *edit, json_t *document, struct buffer *claims,
				  struct ag_error *error);
int reversal_describe_list_remove_entries(struct edit *edit, json_t *document, struct buffer *claims,
					  struct ag_error *error);
int reversal_read_list(const json_t *document, struct reversal *reversal, struct ag_error *error);
int reversal_read_set(const json_t *document, struct reversal *reversal, struct ag_error *error);
int reversal_read_whole(const json_t *document, struct reversal *reversal, struct ag_error *error);
