/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_links.h - interfaces and the switch of the kernel that tests stand in for; included by
 * fake_kernel.h
 */
#pragma once

int dataplane_attachments(struct dataplane *dataplane, struct attachment **ret, size_t *ret_count,
			  struct ag_error *error)
{
	(void)dataplane;
	(void)error;
	*ret = NULL;
	*ret_count = 0;
	return 0;
}

int dataplane_attach(struct dataplane *dataplane, const char *interface, enum attach_mode mode,
		     struct attachment *ret, struct ag_error *error)
{
	(void)dataplane;
	(void)mode;
	if (fallible(error))
		return -EIO;
	*ret = (struct attachment){.ifindex = 1};
	(void)snprintf(ret->name, sizeof(ret->name), "%s", interface);
	return 0;
}

int dataplane_detach(struct dataplane *dataplane, const char *interface, struct ag_error *error)
{
	(void)dataplane;
	(void)interface;
	return fallible(error) ? -EIO : 0;
}

int dataplane_adopt_links(struct dataplane *dataplane, size_t *ret_count, struct ag_error *error)
{
	(void)dataplane;
	(void)error;
	*ret_count = 0;
	return 0;
}

void dataplane_drop_old_maps(struct dataplane *dataplane)
{
	(void)dataplane;
}

const char *attach_mode_name(enum attach_mode mode)
{
	(void)mode;
	return "auto";
}

int attach_mode_parse(const char *text, enum attach_mode *ret, struct ag_error *error)
{
	(void)text;
	(void)error;
	*ret = ATTACH_AUTO;
	return 0;
}

int dataplane_refresh_devices(struct dataplane *dataplane, struct ag_error *error)
{
	(void)dataplane;
	(void)error;
	return 0;
}

/* The switch that lets everything pass; a new host begins with it zero. */
static struct dataplane_panic fake_panic;

void dataplane_panic(const struct dataplane *dataplane, struct dataplane_panic *ret)
{
	(void)dataplane;
	*ret = fake_panic;
}

int dataplane_set_panic(struct dataplane *dataplane, const struct dataplane_panic *panic,
			struct ag_error *error)
{
	(void)dataplane;
	(void)error;
	fake_panic = *panic;
	return 0;
}

/* Everything passes here: whom a change would stop is not what these tests look at. */
int dataplane_ask(struct dataplane *dataplane, const struct dataplane_question *question,
		  struct dataplane_answer *ret, struct ag_error *error)
{
	(void)dataplane;
	(void)question;
	(void)error;
	*ret = (struct dataplane_answer){.verdict = AG_VERDICT_OPEN, .passes = true, .slot = AG_NO_ACCOUNT};
	return 0;
}

/* No entry was ever seen. */
int dataplane_seen(struct dataplane *dataplane, uint32_t slot, const struct prefix *prefix,
		   uint16_t *ret_epoch, struct ag_error *error)
{
	(void)dataplane;
	(void)slot;
	(void)prefix;
	(void)error;
	*ret_epoch = 0;
	return 0;
}

int dataplane_harvest_new(struct dataplane *dataplane, bool all, struct dataplane_harvest **ret)
{
	(void)dataplane;
	(void)all;
	(void)ret;
	return -ENOMEM;
}

int dataplane_harvest_step(struct dataplane_harvest *harvest,
			   int (*visit)(uint32_t slot, const struct prefix *prefix, uint16_t epoch,
					void *arg),
			   void *arg, bool *ret_more, struct ag_error *error)
{
	(void)harvest;
	(void)visit;
	(void)arg;
	(void)error;
	*ret_more = false;
	return 0;
}

void dataplane_harvest_free(struct dataplane_harvest *harvest)
{
	(void)harvest;
}
