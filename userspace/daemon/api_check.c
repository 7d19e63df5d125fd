// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_check.c - what becomes of a source, said by the store and by the kernel
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/reference.h"
#include "userspace/core/request.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/judge.h"

static json_t *prefix_or_null(bool there, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	if (!there)
		return json_null();
	prefix_format(prefix, text);
	return json_string(text);
}

/* Both sides of one question. */
struct inquiry {
	struct dataplane_question question;
	struct opinion opinion;
	struct dataplane_answer answer;
};

static int inquire(struct call *call, struct inquiry *inquiry)
{
	int err = judge(call->gate, &inquiry->question, &inquiry->opinion, &call->error);

	return err ? err
		   : dataplane_ask(call->gate->dataplane, &inquiry->question, &inquiry->answer, &call->error);
}

/* --- a source at an account --------------------------------------------------- */

/* Some address of that family: whose list is asked is said. */
static struct addr any_address(enum ag_family family)
{
	return (struct addr){.family = family, .bytes = {family == AG_FAMILY_IPV4 ? 192 : 0x20, 0x02}};
}

/* The entry that decides, and the named list through which it is the account's. */
static json_t *entry_or_null(const struct opinion *opinion)
{
	json_t *json = opinion->matched ? json_entry(&opinion->entry) : json_null();
	const char *list = opinion->entry.list;

	if (opinion->matched && json &&
	    json_object_set_new(json, "list", list ? json_string(list) : json_null())) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static int answer_check(struct call *call, const struct inquiry *inquiry)
{
	const struct opinion *opinion = &inquiry->opinion;
	const struct dataplane_answer *answer = &inquiry->answer;
	char text[ADDR_TEXT_MAX];

	addr_format(&inquiry->question.source, text);
	return call_answer(call, json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:b, s:b, s:b}", "account",
					   call->account->name, "address", text, "verdict",
					   verdict_name(opinion->verdict), "entry", entry_or_null(opinion),
					   "kernel", verdict_name(answer->verdict), "kernel_entry",
					   prefix_or_null(answer->matched, &answer->entry), "passes",
					   answer->passes, "panic", call->gate->panics != 0, "agree",
					   opinion_agrees(opinion, answer)));
}

int api_check_address(struct call *call)
{
	const char *text = httpd_query(call->request, "address");
	struct inquiry inquiry = {.question = {.slot = call->account->slot, .proto = IPPROTO_TCP}};
	int err;

	if (!text)
		return error_set(&call->error, ERROR_BAD_REQUEST, "say which address: ?address=203.0.113.7");
	err = addr_parse(text, &inquiry.question.source, &call->error);
	inquiry.question.dest = any_address(inquiry.question.source.family);
	if (!err)
		err = inquire(call, &inquiry);
	if (!err)
		err = answer_check(call, &inquiry);
	opinion_clear(&inquiry.opinion);
	return err;
}

/* --- a source to a service: the whole way through the table --------------------- */

static int ask_service(struct call *call, const char *text, struct dataplane_question *question)
{
	struct service service;
	int err = service_parse(text, &service, &call->error);

	if (err)
		return err;
	if (service.dest.len != addr_bits(&service.dest.addr))
		return error_set(&call->error, ERROR_BAD_REQUEST,
				 "%s is a prefix: name the one address that the packet is to", text);
	if (service.dest.addr.family != question->source.family)
		return error_set(&call->error, ERROR_BAD_REQUEST,
				 "a packet is of one family: give two IPv4 or two IPv6 addresses");
	question->dest = service.dest.addr;
	question->port = service.port;
	question->proto = service.proto;
	if (service.port != AG_PORT_ANY && service.proto == AG_PROTO_ANY)
		question->proto = IPPROTO_TCP;
	return 0;
}

static int ask_question(struct call *call, struct dataplane_question *question)
{
	const char *from = httpd_query(call->request, "from"), *to = httpd_query(call->request, "to");
	int err;

	if (!from || !to)
		return error_set(&call->error, ERROR_BAD_REQUEST,
				 "say from where and to what: ?from=203.0.113.7&to=192.0.2.10:443/tcp");
	question->slot = AG_NO_ACCOUNT;
	err = addr_parse(from, &question->source, &call->error);
	return err ? err : ask_service(call, to, question);
}

/* A sentence for each row of the table that was asked. */
struct steps {
	json_t *array;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void step(struct steps *steps, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (json_array_append_new(steps->array, json_string(text)))
		steps->failed = true;
}

static void explain_entry(const struct opinion *opinion, struct steps *steps)
{
	const struct account *account = opinion->account;
	char entry[ENTRY_DESCRIPTION_MAX], on_deny[ON_DENY_TEXT_MAX];

	if (!account_active(account)) {
		step(steps, "account %s is not active (mode %s, %zu entries that are enabled): open to all",
		     account->name, mode_name(account->mode), account_enabled(account));
		return;
	}
	if (opinion->matched) {
		entry_describe(&opinion->entry, entry);
		step(steps, "the longest entry in effect that holds the source is %s, %s", entry,
		     entry_verdict_name(opinion->entry.verdict));
	} else {
		step(steps, "no entry in effect holds the source");
	}
	if (opinion->verdict == AG_VERDICT_ALLOWED)
		return;
	on_deny_format(&account->on_deny, on_deny);
	step(steps, "account %s is in mode %s, and its action is %s", account->name, mode_name(account->mode),
	     on_deny);
}

static void explain_way(const struct inquiry *inquiry, struct steps *steps)
{
	const struct opinion *opinion = &inquiry->opinion;
	char dest[PREFIX_TEXT_MAX], service[SERVICE_TEXT_MAX];

	if (!opinion->dest) {
		step(steps, "no service names the destination: it is none of allowgate's business");
		return;
	}
	prefix_format_short(opinion->dest, dest);
	step(steps, "services name the destination, by %s at the longest; it is %sgated", dest,
	     opinion->gated ? "" : "not ");
	if (opinion->verdict == AG_VERDICT_FAILSAFE) {
		step(steps, "the source is a failsafe of this host: it always passes");
		return;
	}
	if (!opinion->claim) {
		step(steps, "no service there matches protocol and port%s",
		     opinion->passes ? "" : ", and it is the port of a notice server in use");
		return;
	}
	service_format(&opinion->claim->service, service);
	step(steps, "the service is %s of account %s", service, opinion->account->name);
	explain_entry(opinion, steps);
}

static void explain(const struct gate *gate, const struct inquiry *inquiry, struct steps *steps)
{
	explain_way(inquiry, steps);
	if (gate->panics)
		step(steps, "panic: everything passes, since %s said: %s", gate->panic.by,
		     gate->panic.reason);
}

static json_t *account_or_null(const struct gate *gate, uint32_t slot)
{
	const struct account *account = slot == AG_NO_ACCOUNT ? NULL : summary_slot(&gate->summary, slot);

	return account ? json_string(account->name) : json_null();
}

static json_t *service_or_null(const struct claim *claim)
{
	char text[SERVICE_TEXT_MAX];

	if (!claim)
		return json_null();
	service_format(&claim->service, text);
	return json_string(text);
}

static int answer_question(struct call *call, const struct inquiry *inquiry, json_t *steps)
{
	const struct opinion *opinion = &inquiry->opinion;
	const struct dataplane_answer *answer = &inquiry->answer;
	char from[ADDR_TEXT_MAX];

	addr_format(&inquiry->question.source, from);
	return call_answer(
		call,
		json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:s, s:o, s:o, s:b, s:b, s:b, s:o}", "from", from,
			  "to", httpd_query(call->request, "to"), "account",
			  opinion->account ? json_string(opinion->account->name) : json_null(), "service",
			  service_or_null(opinion->claim), "verdict", verdict_name(opinion->verdict), "entry",
			  entry_or_null(opinion), "kernel", verdict_name(answer->verdict), "kernel_account",
			  account_or_null(call->gate, answer->slot), "kernel_entry",
			  prefix_or_null(answer->matched, &answer->entry), "passes", answer->passes, "panic",
			  call->gate->panics != 0, "agree", opinion_agrees(opinion, answer), "steps", steps));
}

int api_check_packet(struct call *call)
{
	struct inquiry inquiry = {0};
	struct steps steps = {0};
	int err = ask_question(call, &inquiry.question);

	if (!err)
		err = inquire(call, &inquiry);
	if (!err) {
		steps.array = json_array();
		explain(call->gate, &inquiry, &steps);
		err = answer_question(call, &inquiry, steps.array);
	}
	if (!err && steps.failed)
		err = call_answer(call, NULL);
	opinion_clear(&inquiry.opinion);
	return err;
}
