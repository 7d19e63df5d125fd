// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_map.c - whole maps: batches where the kernel has them, one by one where not
 *
 * Batch operations came by kind of map (hash 5.6, LPM trie 5.13), and a kernel without answers
 * -EINVAL or its internal -ENOTSUPP. Tries allocate in the running context and may be refused memory for a
 * moment (kernel 6.13 and later; some distributions' kernels in a batch only), hence the retries.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#define BATCH		4096U
#define ATTEMPTS	8 /* 1 + 2 + ... + 128 ms */
#define KEY_BYTES_MAX	32
#define KERNEL_ENOTSUPP 524 /* include/linux/errno.h, not for user space but met there */

bool map_batch_is_missing(int result)
{
	return result == -EINVAL || result == -EOPNOTSUPP || result == -KERNEL_ENOTSUPP;
}

static int dump_reserve(struct map_dump *dump, size_t key_size, size_t value_size, size_t more)
{
	size_t capacity = dump->capacity;
	void *grown;

	if (dump->count + more <= capacity)
		return 0;
	while (capacity < dump->count + more)
		capacity = capacity ? capacity * 2 : more;
	grown = realloc(dump->keys, capacity * key_size);
	if (!grown)
		return -ENOMEM;
	dump->keys = grown;
	grown = realloc(dump->values, capacity * value_size);
	if (!grown)
		return -ENOMEM;
	dump->values = grown;
	dump->capacity = capacity;
	return 0;
}

static int dump_by_element(int fd, size_t key_size, size_t value_size, struct map_dump *dump)
{
	uint8_t *previous = NULL;

	for (;;) {
		uint8_t *key, *value;
		int result = dump_reserve(dump, key_size, value_size, 1);

		if (result < 0)
			return result;
		/* the buffer may have moved: find the last key again */
		previous = dump->count ? dump->keys + (dump->count - 1) * key_size : NULL;
		key = dump->keys + dump->count * key_size;
		value = dump->values + dump->count * value_size;
		result = bpf_map_get_next_key(fd, previous, key);
		if (result == -ENOENT)
			return 0;
		if (result == 0)
			result = bpf_map_lookup_elem(fd, key, value);
		if (result < 0)
			return result;
		dump->count++;
	}
}

int map_dump(int fd, size_t key_size, size_t value_size, struct map_dump *ret)
{
	uint8_t cursor[KEY_BYTES_MAX] = {0};
	__u32 room = BATCH;
	bool started = false;

	for (;;) {
		__u32 count = room;
		int result = dump_reserve(ret, key_size, value_size, room);

		if (result < 0)
			return result;
		result = bpf_map_lookup_batch(fd, started ? cursor : NULL, cursor,
					      ret->keys + ret->count * key_size,
					      ret->values + ret->count * value_size, &count, NULL);
		if (result == -ENOSPC) { /* one bucket of a hash holds more */
			room *= 2;
			continue;
		}
		if (!started && map_batch_is_missing(result))
			return dump_by_element(fd, key_size, value_size, ret);
		if (result < 0 && result != -ENOENT)
			return result;
		ret->count += count;
		if (result == -ENOENT)
			return 0;
		started = true;
	}
}

void map_dump_clear(struct map_dump *dump)
{
	free(dump->keys);
	free(dump->values);
	memset(dump, 0, sizeof(*dump));
}

bool map_try_again(int result, unsigned int attempt)
{
	struct timespec pause = {.tv_nsec = 1000000L << attempt};

	if (attempt >= ATTEMPTS || (result != -ENOMEM && result != -EAGAIN && result != -EBUSY))
		return false;
	(void)nanosleep(&pause, NULL); /* cut short by a signal, it is tried sooner */
	return true;
}

int map_update(int fd, const void *key, const void *value)
{
	int result;

	for (unsigned int attempt = 0;; attempt++) {
		result = bpf_map_update_elem(fd, key, value, BPF_ANY);
		if (result == 0 || !map_try_again(result, attempt))
			return result;
	}
}

static int update_by_element(int fd, size_t key_size, size_t value_size, const uint8_t *keys,
			     const uint8_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int result = map_update(fd, keys + i * key_size, values + i * value_size);

		if (result < 0)
			return result;
	}
	return 0;
}

int map_update_all(int fd, size_t key_size, size_t value_size, const uint8_t *keys, const uint8_t *values,
		   size_t count)
{
	for (size_t done = 0; done < count;) {
		__u32 chunk = count - done < BATCH ? (__u32)(count - done) : BATCH;
		__u32 updated = chunk;
		const uint8_t *chunk_keys = keys + done * key_size;
		const uint8_t *chunk_values = values + done * value_size;
		int result = bpf_map_update_batch(fd, chunk_keys, chunk_values, &updated, NULL);

		/* whatever the batch was refused for, the elements say themselves; doing one twice is
		 * harmless */
		if (result < 0)
			result = update_by_element(fd, key_size, value_size, chunk_keys, chunk_values, chunk);
		if (result < 0)
			return result;
		done += chunk;
	}
	return 0;
}

int map_share(int fd, size_t value_size, uint32_t elements, void **ret, size_t *ret_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t element = (value_size + 7) & ~(size_t)7;
	size_t bytes = (element * elements + page - 1) / page * page;
	void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mapped == MAP_FAILED)
		return -errno;
	*ret = mapped;
	*ret_bytes = bytes;
	return 0;
}

/* The kernel does not return from an update of an array of maps before a grace period is over. */
static int grace_period_by_update(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	const uint32_t first = 0;
	AUTO_FD int outer = -1;
	AUTO_FD int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ag_grace_inner", 4, 4, 1, &options);

	if (inner < 0)
		return inner;
	options.inner_map_fd = (__u32)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "ag_grace", 4, 4, 1, &options);
	return outer < 0 ? outer : map_update(outer, &first, &inner);
}

/* membarrier() is refused by kernels that run with nohz_full, and by some filters of system calls. */
int map_grace_period(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0 ? 0 : grace_period_by_update();
}
