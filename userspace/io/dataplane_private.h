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

#include "bpf/allowgate.skel.h"
#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

enum family_index {
	FAMILY4,
	FAMILY6,
	FAMILY_INDEX_MAX,
};

/* Maps of plain elements, in the order in which the service table's are added; they are removed in the
 * opposite one. */
enum table_index {
	TABLE_SERVICES,
	TABLE_DEST_PREFIXES,
	TABLE_DESTS,
	TABLE_FAILSAFE,
	TABLE_INDEX_MAX,
};

struct dataplane {
	struct allowgate_bpf *skeleton;
	char *pin_dir;
	struct dataplane_limits limits;
	struct ag_config *config; /* both mapped, shared with the program */
	struct ag_account *accounts;
	size_t config_bytes;
	size_t accounts_bytes;
	size_t cpus;
	int lock_fd;			       /* on pin_dir: one daemon has it */
	struct ag_config inherited;	       /* of maps that these replace; store_id 0: there are none */
	uint8_t *listed;		       /* by slot: bit 1 << family_index where there is a trie */
	uint64_t list_count[FAMILY_INDEX_MAX]; /* tries there are: counted at open, kept up afterwards */
	uint64_t table_count[TABLE_INDEX_MAX]; /* elements there are, likewise */
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

DEFINE_CLEANUP(dataplane, struct dataplane *, dataplane_close)
#define AUTO_DATAPLANE CLEANUP(cleanup_dataplane)

/* Fills *error and returns -ENOMEM. */
int dataplane_no_memory(struct ag_error *error);
/* ERROR_LIMIT for a slot beyond it. */
int dataplane_check_slot(const struct dataplane *dataplane, uint32_t slot, struct ag_error *error);
/* The fd of one of the skeleton's maps. */
int dataplane_map_fd(const struct bpf_map *map);
struct bpf_map *dataplane_outer_map(const struct dataplane *dataplane, enum family_index index);
struct bpf_map *dataplane_table_map(const struct dataplane *dataplane, enum table_index index);

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
int map_update(int fd, const void *key, const void *value);
/* All elements, in batches where the kernel can. */
int map_update_all(int fd, size_t key_size, size_t value_size, const uint8_t *keys, const uint8_t *values,
		   size_t count);

/* Returns when every run of the program that had begun before the call has ended. */
int map_grace_period(void);

/* dataplane_trie.c: an account's own tries. */
union trie_key {
	struct ag_list4_key v4;
	struct ag_list6_key v6;
};
size_t trie_key_size(enum family_index index);
union trie_key trie_key_of(const struct prefix *prefix);
/* The live trie of a slot: its fd, or -ENOENT. */
int trie_open(const struct dataplane *dataplane, enum family_index index, uint32_t slot);
bool trie_exists(const struct dataplane *dataplane, enum family_index index, uint32_t slot);
/* Sorted by prefix_compare(); the caller frees *ret. */
int trie_read(int fd, enum family_index index, struct compiled_entry **ret, size_t *ret_count);
/* A fresh trie that holds just these, read back and compared; its fd. -EBADMSG: it held something else. */
int trie_build(const struct dataplane *dataplane, enum family_index index,
	       const struct compiled_entry *entries, size_t count);
int trie_edit(int fd, enum compile_edit kind, const struct compiled_entry *entry);

/* dataplane_table.c: a map of plain elements against the rows that it shall hold. */
/* Sorted by the key's bytes, which in a trie's table puts the wider prefixes first. */
struct rows {
	uint8_t *data; /* key, then value */
	size_t count;
	size_t key_size;
	size_t value_size;
};

struct map_table {
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

/* What is in the kernel goes to table->have; the sizes are set for all. The caller clears, also on failure.
 */
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
void dataplane_set_flags(struct dataplane *dataplane, uint32_t flags);

/* dataplane_pins.c: what outlives the process. */
#define PINS_NAME_MAX 96
/* 0 when the path or, where it is absent, what it would be made in, is on a bpffs; -ENOENT where only pin_dir
 * is absent. */
int pins_check(const char *pin_dir, struct ag_error *error);
/* pin_dir/links exists afterwards, and is on a bpffs. */
int pins_prepare(const char *pin_dir, struct ag_error *error);
/* An exclusive lock on pin_dir: its fd, or ERROR_EXISTS where another process has it. */
int pins_lock(const char *pin_dir, struct ag_error *error);
/* The newest policy in map directories other than `keep`; store_id 0 where none was ever published. */
int pins_inherited(const char *pin_dir, const char *keep, struct ag_config *ret, struct ag_error *error);
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
