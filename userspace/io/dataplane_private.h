/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dataplane_private.h - what the files of the dataplane share; nobody else includes it
 *
 * Functions return 0 or a negative errno as the kernel gave it; those that take a struct ag_error fill it.
 */
#pragma once

#include "userspace/io/dataplane.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>

#include "bpf/allowgate.skel.h"
#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"
#include "userspace/core/listindex.h"
#include "userspace/core/shortlist.h"

#include "userspace/io/dataplane_parts.h"

struct dataplane {
	struct allowgate_bpf *skeleton;
	char *pin_dir;
	struct dataplane_limits limits;
	struct ag_config *config; /* both mapped, shared with the program */
	struct ag_account *accounts;
	size_t config_bytes;
	size_t accounts_bytes;
	size_t cpus;
	int lock_fd;		    /* on pin_dir: one daemon has it */
	struct ag_config inherited; /* of maps that these replace; store_id 0: there are none */
	uint64_t seed;		    /* of the service buckets */
	struct line_space space;
	struct long_space longs;
	struct bucket_space buckets[FAMILY_INDEX_MAX];
	uint32_t *versions;	/* by slot: how often it was published to */
	uint8_t *damaged;	/* by slot: its word leads nowhere; it stays until it is published to */
	uint32_t *trie_entries; /* by slot * 2 + family: of the trie in force; UINT32_MAX: not counted yet */
	struct held_word *held_words;
	size_t held_count;
	struct kept_view *edited;	       /* the index that was edited last; NULL: none, or it is gone */
	uint64_t table_count[TABLE_INDEX_MAX]; /* elements there are: counted at open, kept up afterwards */
	uint64_t stash_count;		       /* elements of ag_services, of the services that there are */
	struct action_space actions;
	struct retired_space retired;
	struct allowgate_bpf *asked;	 /* the second instance, for questions; NULL: none was asked yet */
	struct sighting_ring *sightings; /* NULL: nobody looked yet */
};

static inline enum ag_family family_of_index(enum family_index index)
{
	return index == FAMILY4 ? AG_FAMILY_IPV4 : AG_FAMILY_IPV6;
}

static inline union ag_account_state account_state(const struct dataplane *dataplane, uint32_t slot)
{
	return (union ag_account_state){
		.word = __atomic_load_n(&dataplane->accounts[slot].state.word, __ATOMIC_ACQUIRE)};
}

static inline uint8_t state_held(union ag_account_state state, enum family_index index)
{
	return index == FAMILY4 ? state.held4 : state.held6;
}

static inline bool held_is_long(uint8_t held)
{
	return held == AG_HELD_INDEX || held == AG_HELD_TRIE;
}

static inline uint32_t held_lines(uint8_t held)
{
	return held_is_long(held) ? 0 : held;
}

/* Of an account's block: those of its entries, and behind them those of their expiries. */
static inline uint32_t state_entry_lines(union ag_account_state state)
{
	return held_lines(state.held4) + held_lines(state.held6);
}

static inline uint32_t state_lines(union ag_account_state state)
{
	uint32_t expiries = ag_expiry_lines(held_lines(state.held4), held_lines(state.held6));

	return state_entry_lines(state) + (state.flags & AG_ACCOUNT_EXPIRES ? expiries : 0);
}

/* A family's lines, and its expiries (NULL: none of the block's entries expires). */
static inline struct ag_line *state_list(const struct dataplane *dataplane, union ag_account_state state,
					 enum family_index index)
{
	return dataplane->space.lines + state.block + (index == FAMILY6 ? held_lines(state.held4) : 0);
}

static inline uint32_t *state_expiries(const struct dataplane *dataplane, union ag_account_state state,
				       enum family_index index)
{
	if (!(state.flags & AG_ACCOUNT_EXPIRES))
		return NULL;
	return shortlist_expiries(family_of_index(index),
				  dataplane->space.lines + state.block + state_entry_lines(state),
				  (uint8_t)held_lines(state.held4));
}

/* Of `held`, which is a long list. */
static inline enum long_kind long_kind_of(enum family_index index, uint8_t held)
{
	return (enum long_kind)((held == AG_HELD_TRIE ? LONG_TRIE4 : LONG_INDEX4) + (unsigned int)index);
}

static inline const struct compiled_entry *entries_of(const struct compiled_account *account,
						      enum family_index index, size_t *ret_count)
{
	*ret_count = index == FAMILY4 ? account->count4 : account->count6;
	return index == FAMILY4 ? account->entries4 : account->entries6;
}

DEFINE_CLEANUP(dataplane, struct dataplane *, dataplane_close)
#define AUTO_DATAPLANE CLEANUP(cleanup_dataplane)

/* Fills *error and returns -ENOMEM. */
int dataplane_no_memory(struct ag_error *error);
/* ERROR_LIMIT for a slot beyond it. */
int dataplane_check_slot(const struct dataplane *dataplane, uint32_t slot, struct ag_error *error);
/* The fd of one of the skeleton's maps. */
int dataplane_map_fd(const struct bpf_map *map);
struct bpf_map *dataplane_table_map(const struct dataplane *dataplane, enum table_index index);
/*
 * Waits until no program runs any more that began before, and gives everything free that was given up until
 * now: lines, service slots, slots of indexes, places of long lists.
 */
int dataplane_grace(struct dataplane *dataplane);

/* dataplane_load.c: the skeleton, sized, pinned, loaded; dataplane->seed is set. */
int dataplane_load(struct dataplane *dataplane, struct ag_error *error);

/* dataplane_store.c: every store into memory that the program reads, so that a test can stand in between.
 * Each is one aligned store, after all those before it. */
void store_u32(uint32_t *to, uint32_t value);
void store_u64(__u64 *to, uint64_t value);

/* dataplane_map.c: whole maps, and kernels that have no batch operations or are short of memory for a moment.
 */
struct map_dump {
	uint8_t *keys; /* count elements of the key's size, and so on */
	uint8_t *values;
	size_t count;
	size_t capacity;
};
/* Every element, in the kernel's order. The caller clears *ret, also on failure. */
int map_dump(int fd, size_t key_size, size_t value_size, struct map_dump *ret);
void map_dump_clear(struct map_dump *dump);
#define AUTO_DUMP CLEANUP(map_dump_clear)
/* Waits a moment, longer at each attempt (from 0), and returns true, if `result` may pass by itself. */
bool map_try_again(int result, unsigned int attempt);
/* The kernel has no such batch operation. */
bool map_batch_is_missing(int result);
int map_update(int fd, const void *key, const void *value);
/* All elements, in batches where the kernel can. */
int map_update_all(int fd, size_t key_size, size_t value_size, const uint8_t *keys, const uint8_t *values,
		   size_t count);
/* Maps the elements of an mmapable array: *ret_bytes is for munmap(). */
int map_share(int fd, size_t value_size, uint32_t elements, void **ret, size_t *ret_bytes);

/* Returns when every run of the program that had begun before the call has ended. */
int map_grace_period(void);

/* dataplane_lines.c: room in ag_lines. */
#define LINES_NONE UINT32_MAX
int lines_open(struct dataplane *dataplane, struct ag_error *error);
void lines_close(struct line_space *space);
/* Finds out which lines the words name, and which words lead nowhere. After long_open_all(). */
void lines_adopt(struct dataplane *dataplane);
/* A block that nobody knows; LINES_NONE where there is no room. */
uint32_t lines_take(struct line_space *space, uint32_t count);
/* A block that no word ever named. */
void lines_give_back(struct line_space *space, uint32_t block, uint32_t count);
/* A block that the word names no more: free after the next grace period. */
void lines_retire(struct line_space *space, uint32_t block, uint32_t count);
void lines_after_grace(struct line_space *space);

/* dataplane_long.c: the places of long lists. */
int long_open_all(struct dataplane *dataplane, struct ag_error *error);
void long_close_all(struct dataplane *dataplane);
const char *long_map_name(enum long_kind kind);
struct bpf_map *long_map(const struct dataplane *dataplane, enum long_kind kind);
/* The map in a place: its fd, and its id (may be NULL); -ENOENT. */
int long_open(const struct dataplane *dataplane, enum long_kind kind, uint32_t place, uint32_t *ret_id);
bool long_is_present(const struct dataplane *dataplane, enum long_kind kind, uint32_t place);
/* Puts maps in places that no program looks at (long_is_stale()). */
int long_put(struct dataplane *dataplane, enum long_kind kind, const uint32_t *places, const int *fds,
	     size_t count);
bool long_is_stale(const struct dataplane *dataplane, uint32_t place);
/* The word does not lead there any more. */
void long_retire(struct dataplane *dataplane, enum long_kind kind, uint32_t place);
void long_after_grace(struct dataplane *dataplane);
/* Everything present that no word names (after a grace period) goes. */
int long_drop_unused(struct dataplane *dataplane);

/* dataplane_index.c: a long list as an index. */
struct index_view {
	struct listindex index; /* mapped */
	size_t bytes;
};
int index_view_open(int fd, struct index_view *ret);
void index_view_close(struct index_view *view);
#define AUTO_VIEW CLEANUP(index_view_close)
/* A fresh index that holds just these, read back; its fd. -E2BIG: the list is not for an index. */
int index_build(enum family_index index, const struct compiled_entry *entries, size_t count);
/* A live index that stays mapped from one edit to the next: to map a long one takes milliseconds. */
struct kept_view {
	struct index_view view;
	uint32_t map_id;
	uint32_t slot; /* of the account */
	unsigned int users;
};
/* That of the map, which is in force for the slot and open as `fd`. */
int index_keep(struct dataplane *dataplane, int fd, uint32_t map_id, uint32_t slot, struct kept_view **ret);
void index_release(struct kept_view *kept);
/* The slot's list is in force no more. */
void index_forget(struct dataplane *dataplane, uint32_t slot);
/* An edit of a live index. As listindex_plan(). */
int index_plan(const struct dataplane *dataplane, enum family_index index, const struct kept_view *kept,
	       const struct compiled_edit *edit, struct listindex_edit *ret);
/* Does it, and holds back what is not to be used yet. There is room among the held words. */
void index_apply(struct dataplane *dataplane, const struct kept_view *kept,
		 const struct listindex_edit *plan);

/* dataplane_trie.c: a long list as an LPM trie. */
union trie_key {
	struct ag_list4_key v4;
	struct ag_list6_key v6;
};
size_t trie_key_size(enum family_index index);
union trie_key trie_key_of(const struct prefix *prefix);
/* Sorted by prefix_compare(); the caller frees *ret. */
int trie_read(int fd, enum family_index index, struct compiled_entry **ret, size_t *ret_count);
/* A fresh trie that holds just these, read back and compared; its fd. -EBADMSG: it held something else. */
int trie_build(const struct dataplane *dataplane, enum family_index index,
	       const struct compiled_entry *entries, size_t count);
int trie_edit(int fd, enum compile_edit kind, const struct compiled_entry *entry);

/* dataplane_stage.c: a change of an account. */
struct dataplane_lists {
	int fds[FAMILY_INDEX_MAX]; /* of fresh long lists; -1: none */
	uint8_t held[FAMILY_INDEX_MAX];
};

enum change_step {
	CHANGE_WORD,	/* a word, perhaps to other places */
	CHANGE_INDEX,	/* one entry of the live index */
	CHANGE_TRIE,	/* one entry of the live trie */
	CHANGE_NOTHING, /* or done */
};

struct dataplane_change {
	struct dataplane *dataplane;
	uint32_t slot;
	uint32_t version; /* of the slot, that it was staged upon */
	enum change_step step;
	union ag_account_state state;
	uint32_t lines;			    /* of the block, where it is fresh and not yet in force */
	bool moves;			    /* to the other side */
	bool has_action;		    /* holds a reference of state.action */
	int fds[FAMILY_INDEX_MAX];	    /* what goes to the other side; of an edit: the live list */
	uint32_t entries[FAMILY_INDEX_MAX]; /* that each family has then */
	/* of an edit */
	enum family_index index;
	struct kept_view *kept;
	struct listindex_edit plan;
	struct compiled_edit edit;
};
DEFINE_CLEANUP(change, struct dataplane_change *, dataplane_change_free)
#define AUTO_CHANGE CLEANUP(cleanup_change)
DEFINE_CLEANUP(lists, struct dataplane_lists *, dataplane_lists_free)
#define AUTO_LISTS CLEANUP(cleanup_lists)
/* ERROR_LIMIT for what exceeds a limit. */
int change_check(const struct dataplane *dataplane, const struct compiled_account *want,
		 struct ag_error *error);
int change_error(int result, struct ag_error *error);
int change_new(struct dataplane *dataplane, uint32_t slot, struct dataplane_change **ret);
bool change_same_settings(const struct dataplane *dataplane, union ag_account_state state,
			  const struct compiled_account *want);
int lists_new(struct dataplane_lists **ret);
/* An index, or else a trie; *ret_held says which. Its fd. */
int long_build(const struct dataplane *dataplane, enum family_index index,
	       const struct compiled_entry *entries, size_t count, uint8_t *ret_held);
/* A family's part: a long list is built, a short one (in_lines) only said how long it is. */
int lists_build_family(const struct dataplane *dataplane, enum family_index index,
		       const struct compiled_account *want, bool in_lines, struct dataplane_lists *lists);
/* keeps: a family whose list in force stays as it is; lists->held says how it is held. */
int change_stage(struct dataplane *dataplane, const struct compiled_account *want,
		 struct dataplane_lists *lists, const bool keeps[FAMILY_INDEX_MAX],
		 struct dataplane_change **ret, struct ag_error *error);
/* All long lists of both families stand ready for the other side, where one of them is fresh. */
int change_move(struct dataplane_change *change, const struct dataplane_lists *lists);

/* dataplane_edit.c: from what is in force. */
/* A sorted list after one edit; the caller frees *ret. */
int entries_edit(const struct compiled_entry *entries, size_t count, const struct compiled_edit *edit,
		 struct compiled_entry **ret, size_t *ret_count);
/* In place of an edit of the live trie which the kernel goes on refusing: the change becomes one to a fresh
 * list. */
int change_rebuild(struct dataplane_change *change);

/* dataplane_lists.c */
/* A family of an account: sorted; the caller frees *ret. -EBADMSG for what stage() never leaves. */
int list_read(struct dataplane *dataplane, enum family_index index, uint32_t slot,
	      union ag_account_state state, struct compiled_entry **ret, size_t *ret_count);
int list_error(int result, uint32_t slot, struct ag_error *error);

/* dataplane_buckets.c: services on single addresses, and what finds no room there or is on a prefix. */
int buckets_open(struct dataplane *dataplane, struct ag_error *error);
void buckets_close(struct dataplane *dataplane);
uint32_t buckets_for(uint32_t services, enum family_index index);
/* Adds a service, or gives it another account. */
int buckets_put(struct dataplane *dataplane, const struct ag_service_key *key, uint32_t account);
/* Of one that is not there: 0. */
int buckets_remove(struct dataplane *dataplane, const struct ag_service_key *key);
void buckets_after_grace(struct dataplane *dataplane);
/* Calls for every service in a bucket. */
void buckets_each(const struct dataplane *dataplane,
		  void (*visit)(const struct ag_service_key *key, uint32_t account, void *arg), void *arg);

/* dataplane_table.c: a map of plain elements against the rows that it shall hold. */
/* Sorted by the key's bytes, which in a trie's table puts the wider prefixes first. */
struct rows {
	uint8_t *data; /* key, then value */
	size_t count;
	size_t key_size;
	size_t value_size;
};

struct map_table {
	struct dataplane *dataplane;
	enum table_index index;
	int fd;
	uint32_t max_entries;
	struct rows have;
	struct rows both;
	struct rows want;
};

enum row_edits {
	ROWS_ADD = 1 << 0, /* and change */
	ROWS_REMOVE = 1 << 1,
};

/* The rows of two tables side by side, by key: either is NULL where a table has no such key. */
struct pairs {
	const struct rows *left;
	const struct rows *right;
	size_t l;
	size_t r;
};

/* Sets the sizes. */
void map_table_begin(struct dataplane *dataplane, enum table_index index, struct map_table *table);
/* Begins, and what is in the kernel goes to table->have. The caller clears, also on failure. */
int map_table_read(struct dataplane *dataplane, enum table_index index, struct map_table *table);
void map_table_clear(struct map_table *table);
static inline size_t row_size(const struct rows *rows)
{
	return rows->key_size + rows->value_size;
}

uint8_t *row_at(const struct rows *rows, size_t index);
/* Room for `count` rows, of the sizes that are set; rows_append() takes it up. */
int rows_allocate(struct rows *rows, size_t count);
void rows_append(struct rows *rows, const void *key, const void *value);
void rows_sort(struct rows *rows);
bool pairs_next(struct pairs *pairs, const uint8_t **ret_left, const uint8_t **ret_right);
size_t rows_differing(const struct rows *have, const struct rows *want);
/* Takes the kernel's table some of the way from one set of rows to another. */
int map_table_edit(const struct map_table *table, const struct rows *from, const struct rows *to,
		   unsigned int edits);
struct ag_dest_prefix_key table_prefix_key(const struct prefix *prefix);
/* Of the config's flags those in `of` become `flags`; the others stay. */
void dataplane_set_flags(struct dataplane *dataplane, uint32_t of, uint32_t flags);
/* dataplane_panic.c: in maps that are new, as in those that they replace. */
void panic_inherit(struct dataplane *dataplane);
/* Those that the service table sets. */
#define SERVICE_FLAGS                                                                                        \
	(AG_CONFIG_PREFIX_DESTS | AG_CONFIG_ENFORCING | AG_CONFIG_PORT | AG_CONFIG_PROTO | AG_CONFIG_ANY)

/* dataplane_pins.c: what outlives the process. */
static inline void close_directory(DIR *directory)
{
	if (directory)
		(void)closedir(directory); /* was only read */
}
DEFINE_CLEANUP(directory, DIR *, close_directory)
#define AUTO_DIR      CLEANUP(cleanup_directory)
#define PINS_NAME_MAX 96
/* 0 when the path or, where it is absent, what it would be made in, is on a bpffs; -ENOENT where only pin_dir
 * is absent. */
int pins_check(const char *pin_dir, struct ag_error *error);
/* pin_dir/links exists afterwards, and is on a bpffs. */
int pins_prepare(const char *pin_dir, struct ag_error *error);
/* An exclusive lock on pin_dir: its fd, or ERROR_EXISTS where another process has it. */
int pins_lock(const char *pin_dir, struct ag_error *error);
/* Calls for every directory of maps under pin_dir but the one of the name `keep`, until it fails. */
int pins_others_each(const char *pin_dir, const char *keep,
		     int (*visit)(const char *pin_dir, const char *name, void *arg), void *arg,
		     struct ag_error *error);
/* The newest policy in map directories other than `keep`; store_id 0 where none was ever published. */
int pins_inherited(const char *pin_dir, const char *keep, struct ag_config *ret, struct ag_error *error);
/* The map of the config in a directory of maps: its fd, or -ENOENT. */
int pins_open_config(const char *pin_dir, const char *name);
/* The config in a directory of maps; left alone where there is none. */
int pins_read_config(const char *pin_dir, const char *name, struct ag_config *ret);
/* "maps-1-1000-1000-1000" */
void pins_maps_name(const struct dataplane_limits *limits, char name[PINS_NAME_MAX]);
/* "<pin_dir>/<name>" and "<pin_dir>/links/<ifindex>"; NULL without memory. The caller frees. */
char *pins_path(const char *pin_dir, const char *name);
char *pins_link_path(const char *pin_dir, unsigned int ifindex);
/* Removes the map directories under pin_dir but the one of the name `keep` (NULL: all). */
int pins_remove_maps(const char *pin_dir, const char *keep, struct ag_error *error);

/* A link as it was pinned. */
struct pinned_link {
	const char *path; /* borrowed */
	int fd;
	unsigned int ifindex; /* the device's now; 0: it is gone */
	uint32_t program_id;
};
/* 0 or -ENOENT; the caller closes ret->fd. */
int pinned_link_open(const char *path, struct pinned_link *ret);
/* Calls for every link pinned under pin_dir until `visit` returns non-zero, which is returned. */
int pinned_links_each(const char *pin_dir, int (*visit)(const struct pinned_link *link, void *arg),
		      void *arg);

#include "userspace/io/dataplane_actions.h"
#include "userspace/io/dataplane_watchers.h"
