// SPDX-License-Identifier: GPL-2.0-only
/*
 * features.c - a sentence for each thing that newer kernels have
 */
#include "userspace/daemon/features.h"

#include <stdio.h>
#include <sys/utsname.h>

#include "userspace/io/log.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

void features_each_lacking(const struct dataplane_features *has, void (*tell)(const char *line, void *arg),
			   void *arg)
{
	const struct {
		bool there;
		const char *what;
		const char *since;
		const char *instead;
	} features[] = {
		{has->trie_batches, "batches of LPM tries", "5.13",
		 "lists that are tries are read one by one"},
		{has->frags, "XDP for frames in several buffers", "5.18",
		 "native mode wants an MTU whose frames fit one buffer, about 3,500 bytes"},
		{has->outer_batches, "batches of arrays of maps", "5.19",
		 "many long lists are put in force one by one"},
		{has->tcx, "tcx", "6.6", "the answers of notice servers are rewritten by way of clsact"},
	};
	struct utsname host;

	(void)uname(&host); /* fails for a bad pointer alone */
	for (size_t i = 0; i < COUNT(features); i++) {
		char line[FEATURE_TEXT_SIZE];

		if (features[i].there)
			continue;
		(void)snprintf(line, sizeof(line), "this kernel (%.64s) lacks %s (Linux %s has it): %s",
			       host.release, features[i].what, features[i].since, features[i].instead);
		tell(line, arg);
	}
}

static void say(const char *line, void *arg)
{
	(void)arg; /* the log is one */
	log_notice("%s", line);
}

void features_log(void)
{
	struct dataplane_features has;

	dataplane_features(&has);
	features_each_lacking(&has, say, NULL);
}
