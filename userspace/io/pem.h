/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pem.h - a certificate's and a key's file, read whole
 */
#pragma once

#include <stdbool.h>

struct ag_error;

/*
 * The text of a regular file of at most a mebibyte. With `secret` it must be root's or the process' own, and
 * readable by no others: nobody but its owner may write it, and only owner and group read it.
 * ERROR_BAD_REQUEST names the file and what to do. The caller frees *ret with pem_free(), which wipes it.
 */
int pem_read(const char *path, bool secret, char **ret, struct ag_error *error);
void pem_free(char *text);
