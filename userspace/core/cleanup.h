/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cleanup.h - ownership that ends with the scope
 *
 * An owning local carries one of these attributes and is initialised where it
 * is declared; what escapes is moved out by TAKE_PTR or TAKE_FD. A module that
 * has an x_free() declares its own attribute with DEFINE_CLEANUP.
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

/* Declares cleanup_<name>(type *): calls function(*p) when *p is set. */
#define DEFINE_CLEANUP(name, type, function)                                                                 \
	static inline __attribute__((unused)) void cleanup_##name(type *p)                                   \
	{                                                                                                    \
		if (*p)                                                                                      \
			function(*p);                                                                        \
	}

static inline __attribute__((unused)) void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline __attribute__((unused)) void cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing can be done about it at the end of a scope */
}

#define AUTO_FREE CLEANUP(cleanup_free)
#define AUTO_FD	  CLEANUP(cleanup_fd)

#define TAKE_PTR(p)                                                                                          \
	({                                                                                                   \
		__typeof__(p) taken_ = (p);                                                                  \
		(p) = NULL;                                                                                  \
		taken_;                                                                                      \
	})
#define TAKE_FD(fd)                                                                                          \
	({                                                                                                   \
		int taken_ = (fd);                                                                           \
		(fd) = -1;                                                                                   \
		taken_;                                                                                      \
	})
