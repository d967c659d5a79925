/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/memory.h"

#include "base/error.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t budget, live_blocks, live_bytes, peak_bytes;
static long fail_after = -1;

/* Stands in the 64 bytes in front of every block. */
struct header {
	size_t bytes;
};

static int account(size_t bytes)
{
	int granted = 0;

	pthread_mutex_lock(&lock);
	if (fail_after == 0) {
		error_set(LACUNA_ENOMEM, "out of memory (injected failure)");
	} else if (budget && (bytes > budget || live_bytes > budget - bytes)) {
		error_set(
			LACUNA_ENOMEM,
			"%.0f MiB more are needed, but the memory budget is %.0f MiB; see --memory",
			(double)bytes / 1048576.0, (double)budget / 1048576.0);
	} else {
		live_blocks++;
		live_bytes += bytes;
		if (live_bytes > peak_bytes)
			peak_bytes = live_bytes;
		granted = 1;
	}
	if (fail_after > 0)
		fail_after--;
	pthread_mutex_unlock(&lock);
	return granted;
}

static void discount(size_t bytes)
{
	pthread_mutex_lock(&lock);
	live_blocks--;
	live_bytes -= bytes;
	pthread_mutex_unlock(&lock);
}

void *memory_alloc(size_t bytes)
{
	size_t total;
	char *p;

	if (bytes > SIZE_MAX - 2 * ALIGNMENT) {
		error_set(LACUNA_ENOMEM, "out of memory (an impossible size)");
		return NULL;
	}
	total = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + ALIGNMENT;
	if (!account(total))
		return NULL;
	p = aligned_alloc(ALIGNMENT, total);
	if (!p) {
		discount(total);
		error_set(LACUNA_ENOMEM, "out of memory (%.1f MiB)", (double)bytes / 1048576.0);
		return NULL;
	}
	memset(p, 0, total);
	((struct header *)(void *)p)->bytes = total;
	return p + ALIGNMENT;
}

void *memory_alloc_array(size_t a, size_t b)
{
	size_t bytes;

	if (!size_multiply(a, b, &bytes)) {
		error_set(LACUNA_ENOMEM, "out of memory (an impossible size)");
		return NULL;
	}
	return memory_alloc(bytes);
}

void *memory_grow(void *block, size_t count, size_t more, size_t *room, size_t size)
{
	const size_t wanted = count + more + *room;
	void *larger;

	if (count + more <= *room)
		return block;
	larger = memory_alloc_array(wanted, size);
	if (!larger)
		return NULL;
	if (count)
		memcpy(larger, block, count * size);
	memory_release(block);
	*room = wanted;
	return larger;
}

char *memory_strdup(const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = memory_alloc(n);

	if (copy)
		memcpy(copy, text, n);
	return copy;
}

void memory_release(void *block)
{
	char *p = block;

	if (!p)
		return;
	p -= ALIGNMENT;
	discount(((struct header *)(void *)p)->bytes);
	free(p);
}

int size_multiply(size_t a, size_t b, size_t *product)
{
	if (b && a > SIZE_MAX / b)
		return 0;
	*product = a * b;
	return 1;
}

void memory_set_budget(size_t bytes)
{
	pthread_mutex_lock(&lock);
	budget = bytes;
	pthread_mutex_unlock(&lock);
}

static size_t locked_read(const size_t *value)
{
	size_t result;

	pthread_mutex_lock(&lock);
	result = *value;
	pthread_mutex_unlock(&lock);
	return result;
}

size_t memory_budget(void)
{
	return locked_read(&budget);
}

size_t memory_live_blocks(void)
{
	return locked_read(&live_blocks);
}

size_t memory_live_bytes(void)
{
	return locked_read(&live_bytes);
}

size_t memory_peak_bytes(void)
{
	return locked_read(&peak_bytes);
}

void memory_reset_peak(void)
{
	pthread_mutex_lock(&lock);
	peak_bytes = live_bytes;
	pthread_mutex_unlock(&lock);
}

void memory_fail_after(long n)
{
	pthread_mutex_lock(&lock);
	fail_after = n;
	pthread_mutex_unlock(&lock);
}
