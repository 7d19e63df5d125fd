/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench-fill.c - a policy file as a store that the daemon can be started with
 *
 *   bench-fill POLICY STORE     (the format of POLICY: bench-world.c)
 *
 * What the API would have come to, without 100,000 requests: one transaction, no audit.
 */
#include <netinet/in.h>

#include "tools/bench/tool.h"

#include "userspace/core/error.h"
#include "userspace/core/policy.h"
#include "userspace/core/service.h"
#include "userspace/io/store.h"

struct filling {
	struct store *store;
	struct account account; /* the present one; id 0: none yet */
	uint64_t generation;
	struct ag_error error;
};

static void must(int err, const struct filling *filling)
{
	if (err)
		die("%s", filling->error.message);
}

static void finish_account(struct filling *filling)
{
	if (!filling->account.id)
		return;
	filling->account.generation = filling->generation;
	must(store_account_update(filling->store, &filling->account, &filling->error), filling);
}

static void choose_account(struct filling *filling, const char *name)
{
	if (!strcmp(filling->account.name, name))
		return;
	finish_account(filling);
	memset(&filling->account, 0, sizeof(filling->account));
	if (snprintf(filling->account.name, sizeof(filling->account.name), "%s", name) >=
	    (int)sizeof(filling->account.name))
		die("%s is too long for a name", name);
	must(store_account_add(filling->store, &filling->account, &filling->error), filling);
}

static void add_service(struct filling *filling, const char *addr, const char *port, const char *proto)
{
	struct service service;
	char text[SERVICE_TEXT_MAX];

	(void)snprintf(text, sizeof(text), strchr(addr, ':') ? "[%s]:%s/%s" : "%s:%s/%s", addr, port, proto);
	must(service_parse(text, &service, &filling->error), filling);
	must(store_service_add(filling->store, filling->account.id, &service, (char[NAME_SIZE]){0},
			       &filling->error),
	     filling);
}

static void add_entry(struct filling *filling, const char *text)
{
	struct entry entry = {.verdict = AG_ENTRY_ALLOW, .created_by = (char[]){"bench"}, .created_at = 1};

	must(prefix_parse(text, &entry.prefix, &filling->error), filling);
	must(store_entry_add(filling->store, filling->account.id, &entry, &filling->error), filling);
}

static void read_line(struct filling *filling, char *line)
{
	char *rest = line, *words[5] = {0};
	size_t count = 0;

	line[strcspn(line, "\n")] = 0;
	while (rest && count < COUNT(words))
		words[count++] = strsep(&rest, "\t");
	if (count == 5 && !strcmp(words[0], "S")) {
		choose_account(filling, words[1]);
		add_service(filling, words[2], words[3], words[4]);
	} else if (count == 3 && !strcmp(words[0], "P")) {
		choose_account(filling, words[1]);
		add_entry(filling, words[2]);
	} else {
		die("a line of the policy is neither a service nor a prefix");
	}
}

int main(int argc, char **argv)
{
	static const struct store_limits limits = {
		.accounts = 1000000, .services = 1000000, .entries = 1000000};
	struct filling filling = {0};
	char line[256];
	FILE *file;

	if (argc != 3)
		die("usage: bench-fill POLICY STORE");
	file = fopen(argv[1], "r");
	if (!file)
		die_errno("cannot read %s", argv[1]);
	must(store_open(argv[2], STORE_MAY_CREATE, &limits, &filling.store, &filling.error), &filling);
	must(store_begin(filling.store, &filling.error), &filling);
	must(store_next_generation(filling.store, &filling.generation, &filling.error), &filling);
	while (fgets(line, sizeof(line), file))
		read_line(&filling, line);
	finish_account(&filling);
	must(store_commit(filling.store, &filling.error), &filling);
	store_close(filling.store);
	(void)fclose(file); /* only read */
	return 0;
}
