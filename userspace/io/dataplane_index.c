// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_index.c - a long list as an index: an array of lines, mapped to be filled, edited and read
 *
 * core/listindex.c makes the image and says how it is edited; here it gets into the kernel.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#define SEEDS 2 /* a list whose keys find no place by one may by another */

int index_view_open(int fd, struct index_view *ret)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	void *lines;
	int result = bpf_obj_get_info_by_fd(fd, &info, &size);

	if (result == 0)
		result = map_share(fd, sizeof(struct ag_line), info.max_entries, &lines, &ret->bytes);
	if (result < 0)
		return result;
	ret->index.lines = lines;
	ret->index.line_count = info.max_entries;
	return 0;
}

void index_view_close(struct index_view *view)
{
	if (view->index.lines)
		(void)munmap(view->index.lines, view->bytes); /* mapped here, so it cannot fail */
	*view = (struct index_view){0};
}

static int make_image(enum family_index index, const struct compiled_entry *entries, size_t count,
		      struct listindex *ret)
{
	int result = -E2BIG;

	for (int i = 0; i < SEEDS && result == -E2BIG; i++) {
		uint64_t seed;

		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			return -EAGAIN;
		result = listindex_build(family_of_index(index), entries, count, seed, ret);
	}
	return result;
}

static int check_image(enum family_index index, const struct listindex *held,
		       const struct compiled_entry *entries, size_t count)
{
	if (listindex_count(held) != count)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++)
		if (!listindex_holds(family_of_index(index), held, &entries[i]))
			return -EBADMSG;
	return 0;
}

int index_build(enum family_index index, const struct compiled_entry *entries, size_t count)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	AUTO_VIEW struct index_view view = {0};
	struct listindex image = {0};
	AUTO_FD int fd = -1;
	int result = make_image(index, entries, count, &image);
	AUTO_FREE struct ag_line *lines = image.lines;

	if (result < 0)
		return result;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, index == FAMILY4 ? "ag_index4" : "ag_index6",
			    sizeof(uint32_t), sizeof(struct ag_line), (__u32)image.line_count, &options);
	if (fd < 0)
		return fd;
	result = index_view_open(fd, &view);
	if (result < 0)
		return result;
	memcpy(view.index.lines, lines, image.line_count * sizeof(*lines));
	result = check_image(index, &view.index, entries, count);
	return result < 0 ? result : TAKE_FD(fd);
}

struct holding {
	const struct dataplane *dataplane;
	uint32_t map_id;
};

static bool is_held(size_t word, void *arg)
{
	const struct holding *holding = arg;
	const struct dataplane *dataplane = holding->dataplane;

	for (size_t i = 0; i < dataplane->held_count; i++)
		if (dataplane->held_words[i].word == word &&
		    dataplane->held_words[i].map_id == holding->map_id)
			return true;
	return false;
}

int index_plan(const struct dataplane *dataplane, enum family_index index, const struct kept_view *kept,
	       const struct compiled_edit *edit, struct listindex_edit *ret)
{
	struct holding holding = {.dataplane = dataplane, .map_id = kept->map_id};
	const struct compiled_entry *uncovers = edit->has_uncovered ? &edit->uncovered : NULL;

	return listindex_plan(family_of_index(index), &kept->view.index, edit->kind, &edit->entry, uncovers,
			      is_held, &holding, ret);
}

void index_apply(struct dataplane *dataplane, const struct kept_view *kept, const struct listindex_edit *plan)
{
	__u64 *words = (__u64 *)kept->view.index.lines;

	for (size_t i = 0; i < plan->count; i++)
		store_u64(&words[plan->stores[i].word], plan->stores[i].value);
	for (size_t i = 0; i < plan->held_count; i++)
		dataplane->held_words[dataplane->held_count++] = (struct held_word){.map_id = kept->map_id,
										    .word = plan->held[i]};
}

/* --- the index that was edited last ------------------------------------------- */

void index_release(struct kept_view *kept)
{
	if (!kept || --kept->users)
		return;
	index_view_close(&kept->view);
	free(kept);
}

static int keep_new(int fd, uint32_t map_id, uint32_t slot, struct kept_view **ret)
{
	struct kept_view *kept = calloc(1, sizeof(*kept));
	int result = kept ? index_view_open(fd, &kept->view) : -ENOMEM;

	if (result < 0) {
		free(kept);
		return result;
	}
	kept->map_id = map_id;
	kept->slot = slot;
	kept->users = 1;
	*ret = kept;
	return 0;
}

int index_keep(struct dataplane *dataplane, int fd, uint32_t map_id, uint32_t slot, struct kept_view **ret)
{
	struct kept_view *kept = dataplane->edited;

	if (!kept || kept->map_id != map_id || kept->slot != slot) {
		int result = keep_new(fd, map_id, slot, &kept);

		if (result < 0)
			return result;
		index_release(dataplane->edited);
		dataplane->edited = kept;
	}
	kept->users++;
	*ret = kept;
	return 0;
}

void index_forget(struct dataplane *dataplane, uint32_t slot)
{
	if (!dataplane->edited || dataplane->edited->slot != slot)
		return;
	index_release(dataplane->edited);
	dataplane->edited = NULL;
}
