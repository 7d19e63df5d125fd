// SPDX-License-Identifier: GPL-2.0-only
/*
 * origin.c - names of reasons, and the answer checked as if a stranger had sent it
 */
#include "userspace/core/origin.h"

#include <errno.h>
#include <string.h>

struct reason_row {
	const char *name;
	const char *text;
};

static const struct reason_row REASONS[] = {
	[ORIGIN_NONE] = {"not_asked", "nobody was asked"},
	[ORIGIN_FOUND] = {"found", "the remote end of the SSH connection"},
	[ORIGIN_NO_SSHD] = {"no_sshd", "the process does not come from an SSH connection that still stands"},
	[ORIGIN_RELAYED] = {"relayed",
			    "a terminal multiplexer or another sshd stands between the process and "
			    "the SSH connection"},
	[ORIGIN_NO_CONNECTION] = {"no_connection",
				  "sshd has no TCP connection to a port that an sshd of root listens on"},
	[ORIGIN_AMBIGUOUS] = {"ambiguous", "sshd has more than one connection that it could be"},
	[ORIGIN_LOCAL] = {"local", "the SSH connection comes from this host itself"},
	[ORIGIN_OTHER_NAMESPACE] = {"other_namespace", "sshd is in another network namespace"},
	[ORIGIN_GONE] = {"gone", "the process has ended"},
	[ORIGIN_NOT_PEER] = {"not_peer", "the process that connected is not known for certain"},
	[ORIGIN_TOO_MANY] = {"too_many", "there are more processes or sockets than are looked at"},
	[ORIGIN_FAILED] = {"failed", "the kernel refused to say"},
	[ORIGIN_NO_HELPER] = {"no_helper", "allowgate-origin does not run"},
	[ORIGIN_LATE] = {"late", "allowgate-origin took too long"},
	[ORIGIN_BAD_ANSWER] = {"bad_answer", "allowgate-origin is of another version"},
	[ORIGIN_NO_PEER] = {"no_peer", "the kernel does not say which process connected"},
};
_Static_assert(sizeof(REASONS) / sizeof(*REASONS) == ORIGIN_REASON_MAX, "a reason has no name");

const char *origin_reason_name(enum origin_reason reason)
{
	return REASONS[reason].name;
}

const char *origin_reason_text(enum origin_reason reason)
{
	return REASONS[reason].text;
}

void origin_encode(const struct origin *origin, uint64_t cookie, struct origin_answer *ret)
{
	*ret = (struct origin_answer){
		.version = ORIGIN_VERSION,
		.reason = (uint16_t)origin->reason,
		.cookie = cookie,
	};
	if (origin->reason != ORIGIN_FOUND)
		return;
	ret->family = origin->addr.family;
	ret->sshd_pid = origin->sshd_pid;
	memcpy(ret->address, origin->addr.bytes, sizeof(ret->address));
}

/* A family with as many bytes as it has, and no mapped address, which would match no IPv4 entry. */
static bool address_ok(const struct origin_answer *answer)
{
	static const uint8_t zeros[16];
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	switch (answer->family) {
	case AG_FAMILY_IPV4:
		return memcmp(answer->address + 4, zeros, sizeof(zeros) - 4) == 0;
	case AG_FAMILY_IPV6:
		return memcmp(answer->address, mapped, sizeof(mapped)) != 0;
	default:
		return false;
	}
}

int origin_decode(const struct origin_answer *answer, uint64_t cookie, struct origin *ret)
{
	bool found = answer->reason == ORIGIN_FOUND;

	if (answer->version != ORIGIN_VERSION || answer->cookie != cookie || answer->reserved ||
	    answer->reserved2)
		return -EPROTO;
	if (answer->reason == ORIGIN_NONE || answer->reason >= ORIGIN_ANSWERS_MAX)
		return -EPROTO;
	if (found && (!address_ok(answer) || !answer->sshd_pid))
		return -EPROTO;
	*ret = (struct origin){.reason = (enum origin_reason)answer->reason};
	if (!found)
		return 0;
	ret->addr = addr_make((enum ag_family)answer->family, answer->address);
	ret->sshd_pid = answer->sshd_pid;
	return 0;
}
