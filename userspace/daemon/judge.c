// SPDX-License-Identifier: GPL-2.0-only
/*
 * judge.c - the contract's table over the summary and the store, for a whole and sound packet
 */
#include "userspace/daemon/judge.h"

#include <netinet/in.h>

#include "userspace/core/error.h"
#include "userspace/daemon/named.h"

void opinion_clear(struct opinion *opinion)
{
	entry_clear(&opinion->entry);
}

/* The longest prefix of services around the address, and whether an account that enforces is behind any. */
static void find_dest(const struct summary *summary, const struct addr *dest, struct opinion *opinion)
{
	for (size_t i = 0; i < summary->claim_count; i++) {
		const struct claim *claim = &summary->by_service[i];
		const struct account *account = summary_slot(summary, claim->slot);

		if (!prefix_contains(&claim->service.dest, dest))
			continue;
		if (!opinion->dest || claim->service.dest.len > opinion->dest->len)
			opinion->dest = &claim->service.dest;
		opinion->gated |= account && account_gates(account);
	}
}

static bool is_failsafe(const struct gate *gate, const struct addr *source)
{
	for (size_t i = 0; i < gate->options->failsafe_count; i++)
		if (prefix_contains(&gate->options->failsafe[i], source))
			return true;
	return false;
}

static bool is_notice_port(const struct summary *summary, uint16_t port)
{
	for (size_t i = 0; i < summary->account_count; i++) {
		const struct account *account = summary->accounts[i];

		if (account_gates(account) && account->on_deny.kind == AG_ON_DENY_NOTICE &&
		    account->on_deny.port == port)
			return true;
	}
	return false;
}

static int judge_source(const struct gate *gate, const struct dataplane_question *question,
			struct opinion *opinion, struct ag_error *error)
{
	const struct account *account = opinion->account;
	enum ag_verdict verdict;
	int err = 0;

	if (!account_active(account)) {
		opinion->verdict = AG_VERDICT_OPEN;
		return 0;
	}
	err = named_match(gate, account, &question->source, gate_now(gate), &opinion->entry,
			  &opinion->matched, error);
	verdict = account->mode == AG_MODE_MONITOR ? AG_VERDICT_WOULD_DENY : AG_VERDICT_DENIED;
	if (opinion->matched && opinion->entry.verdict == AG_ENTRY_ALLOW)
		verdict = AG_VERDICT_ALLOWED;
	else if (gate->panics)
		verdict = AG_VERDICT_WOULD_DENY;
	opinion->verdict = policy_action(verdict, &account->on_deny, question->proto);
	return err;
}

static const struct account *find_account(const struct gate *gate, const struct dataplane_question *question,
					  struct opinion *opinion)
{
	const struct summary *summary = &gate->summary;

	if (question->slot != AG_NO_ACCOUNT)
		return summary_slot(summary, question->slot);
	opinion->claim = policy_find_claim(summary->by_service, summary->claim_count, &question->dest,
					   question->proto, question->port);
	return opinion->claim ? summary_slot(summary, opinion->claim->slot) : NULL;
}

int judge(const struct gate *gate, const struct dataplane_question *question, struct opinion *ret,
	  struct ag_error *error)
{
	struct opinion opinion = {.verdict = AG_VERDICT_UNMATCHED, .passes = true};
	int err = 0;

	find_dest(&gate->summary, &question->dest, &opinion);
	if (question->slot == AG_NO_ACCOUNT && opinion.dest && is_failsafe(gate, &question->source)) {
		opinion.verdict = AG_VERDICT_FAILSAFE;
	} else if (question->slot != AG_NO_ACCOUNT || opinion.dest) {
		opinion.account = find_account(gate, question, &opinion);
		if (opinion.account)
			err = judge_source(gate, question, &opinion, error);
		else
			opinion.passes = gate->panics || question->proto != IPPROTO_TCP ||
					 !is_notice_port(&gate->summary, question->port);
	}
	if (opinion.account)
		opinion.passes = verdict_passes(opinion.verdict);
	if (err)
		opinion_clear(&opinion);
	else
		*ret = opinion;
	return err;
}

static bool same_entry(const struct opinion *opinion, const struct dataplane_answer *answer)
{
	if (opinion->matched != answer->matched)
		return false;
	return !opinion->matched || !prefix_compare(&opinion->entry.prefix, &answer->entry);
}

bool opinion_agrees(const struct opinion *opinion, const struct dataplane_answer *answer)
{
	uint32_t slot = opinion->account ? opinion->account->slot : AG_NO_ACCOUNT;

	return opinion->verdict == answer->verdict && opinion->passes == answer->passes &&
	       slot == answer->slot && same_entry(opinion, answer);
}
