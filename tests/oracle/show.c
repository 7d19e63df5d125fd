// SPDX-License-Identifier: GPL-2.0-only
#include "tests/oracle/show.h"

#include <arpa/inet.h>

#include "tests/oracle/packet.h"

static const char *prefix_text(const struct oracle_prefix *prefix, char text[64])
{
	char addr[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(prefix->addr.family == AG_FAMILY_IPV4 ? AF_INET : AF_INET6, prefix->addr.bytes, addr,
			sizeof(addr));
	(void)snprintf(text, 64, "%s/%u", addr, prefix->len);
	return text;
}

static void show_account(FILE *to, const struct oracle_policy *policy, size_t slot,
			 const struct oracle_addr *source)
{
	static const char *const modes[] = {"enforce", "monitor", "off"};
	static const char *const actions[] = {"drop", "reject", "notice", "redirect"};
	const struct oracle_account *account = &policy->accounts[slot];
	char text[64];

	(void)fprintf(to, "account %zu %s %s", slot, modes[account->mode], actions[account->on_deny]);
	if (account->on_deny == AG_ON_DENY_NOTICE)
		(void)fprintf(to, ":%u", account->notice_port);
	(void)fprintf(to, ", %zu entries%s\n", account->entry_count,
		      oracle_is_active(account) ? "" : ", not active");
	for (size_t i = 0; i < account->entry_count; i++) {
		const struct oracle_entry *entry = &account->entries[i];

		if (!oracle_prefix_holds(&entry->prefix, source))
			continue;
		(void)fprintf(to, "  %s %s%s", entry->deny ? "deny" : "allow",
			      prefix_text(&entry->prefix, text), entry->disabled ? " disabled" : "");
		if (entry->expires)
			(void)fprintf(to, " expires in %lld", (long long)entry->expires - policy->now);
		(void)fputc('\n', to);
	}
}

void show_policy(FILE *to, const struct oracle_policy *policy, const uint8_t *frame, size_t len)
{
	bool shown[ORACLE_ACCOUNTS_MAX] = {0};
	struct packet packet;
	char text[64];

	packet_read(frame, len, &packet);
	for (size_t i = 0; i < policy->service_count; i++) {
		const struct oracle_service *service = &policy->services[i];

		if (!oracle_prefix_holds(&service->dest, &packet.dest))
			continue;
		shown[service->account] = true;
		(void)fprintf(to, "service of %u: %s, protocol %u, port %u\n", service->account,
			      prefix_text(&service->dest, text), service->proto, service->port);
	}
	for (size_t i = 0; i < policy->account_count; i++)
		if (shown[i] || policy->accounts[i].on_deny == AG_ON_DENY_NOTICE)
			show_account(to, policy, i, &packet.source);
	for (size_t i = 0; i < policy->failsafe_count; i++)
		(void)fprintf(to, "failsafe %s\n", prefix_text(&policy->failsafes[i], text));
}

void show_frame(FILE *to, const uint8_t *frame, size_t len)
{
	(void)fprintf(to, "frame of %zu bytes: ", len);
	for (size_t i = 0; i < len; i++)
		(void)fprintf(to, "%02x", frame[i]);
	(void)fputc('\n', to);
}

void show_answer(FILE *to, const struct oracle_answer *answer)
{
	static const char *const actions[] = {"passes", "dropped", "answered", "rewritten", "redirected"};

	(void)fprintf(to, "%s: verdict %d, account %d, %s", oracle_class_name(answer->class), answer->verdict,
		      (int)answer->account, actions[answer->action]);
	for (int i = 0; i < ORACLE_TRAITS; i++)
		if (answer->traits & 1U << i)
			(void)fprintf(to, "; %s", oracle_trait_name(1U << i));
	(void)fputc('\n', to);
}
