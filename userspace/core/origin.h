/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * origin.h - what the daemon asks allowgate-origin, and what it is answered
 *
 * One request is one packet on an AF_UNIX SOCK_SEQPACKET connection, in the byte order of the host, with the
 * peer's pidfd as its first descriptor (SCM_RIGHTS); with ORIGIN_CHECK_PEER the connection that the peer is
 * at the other end of is the second one. One answer is one packet. Answers come in the order of the requests,
 * each with its request's cookie. A packet of another size or version ends the connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/addr.h"

#define ORIGIN_VERSION 1

/* The pidfd was made of a number, which may be another process by now: believe it only where that process
 * holds the other end of the connection that comes with it. */
#define ORIGIN_CHECK_PEER 1U

/* Why an origin is known, or is not. Those behind ORIGIN_ANSWERS_MAX are the daemon's own: no answer. */
enum origin_reason {
	ORIGIN_NONE,	/* nobody was asked */
	ORIGIN_FOUND,	/* the remote end of the SSH connection */
	ORIGIN_NO_SSHD, /* no sshd of root's above the peer: a console, or a process that was set free */
	ORIGIN_RELAYED, /* what runs in between may be steered from elsewhere: tmux, a user's own sshd */
	ORIGIN_NO_CONNECTION,	/* that sshd has no TCP connection to a port that an sshd listens on */
	ORIGIN_AMBIGUOUS,	/* ... or more than one */
	ORIGIN_LOCAL,		/* the connection comes from this host itself */
	ORIGIN_OTHER_NAMESPACE, /* that sshd is in another network namespace, which is not looked into */
	ORIGIN_GONE,		/* the peer, or what it comes from, has ended meanwhile */
	ORIGIN_NOT_PEER,	/* the process does not hold the other end of the connection */
	ORIGIN_TOO_MANY,	/* more ancestors, sockets or processes than are looked at */
	ORIGIN_FAILED,		/* the kernel refused to say */
	ORIGIN_ANSWERS_MAX,
	ORIGIN_NO_HELPER = ORIGIN_ANSWERS_MAX, /* allowgate-origin does not run */
	ORIGIN_LATE,			       /* it took too long */
	ORIGIN_BAD_ANSWER,		       /* it is of another version, or broken */
	ORIGIN_NO_PEER,			       /* the kernel does not say who the peer is */
	ORIGIN_REASON_MAX,
};

struct origin_request {
	uint32_t version;
	uint32_t flags;
	uint64_t cookie;
};

struct origin_answer {
	uint32_t version;
	uint16_t reason; /* enum origin_reason; ORIGIN_FOUND alone has the rest filled */
	uint8_t family;	 /* enum ag_family; never an IPv4-mapped IPv6 address */
	uint8_t reserved;
	uint64_t cookie;
	uint32_t sshd_pid;
	uint8_t address[16]; /* as in struct addr */
	uint32_t reserved2;
};

_Static_assert(sizeof(struct origin_request) == 16, "the request's layout");
_Static_assert(sizeof(struct origin_answer) == 40, "the answer's layout");
_Static_assert(offsetof(struct origin_answer, address) == 20, "the answer's layout");

/* Values only: nothing is owned. */
struct origin {
	enum origin_reason reason;
	struct addr addr; /* known with ORIGIN_FOUND alone */
	uint32_t sshd_pid;
};

/* "found", "no_sshd", ...: stable, for programs. */
const char *origin_reason_name(enum origin_reason reason);
/* Half a sentence, for people. */
const char *origin_reason_text(enum origin_reason reason);
void origin_encode(const struct origin *origin, uint64_t cookie, struct origin_answer *ret);
/* -EPROTO, and *ret untouched, where it is no answer to that cookie. */
int origin_decode(const struct origin_answer *answer, uint64_t cookie, struct origin *ret);
