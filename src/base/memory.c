/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/memory.h"

#include "base/context.h"
#include "base/error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

/* Occupies the 64 bytes before each block. */
struct header {
	size_t bytes;
	struct context *context; /* the context that counts it, whoever releases it */
};

static int account(struct context *c, size_t bytes)
{
	size_t budget;
	int granted = 0;

	pthread_mutex_lock(&c->memory.lock);
	budget = c->memory.budget;
	if (c->memory.limited && c->memory.allowed == 0) {
		error_set(LACUNA_ENOMEM, "out of memory (injected failure)");
	} else if (budget && (bytes > budget || c->memory.live_bytes > budget - bytes)) {
		error_set(LACUNA_ENOMEM,
			  "%.0f MiB more are needed, but the memory limit is %.0f MiB; raise "
			  "--memory",
			  (double)bytes / 1048576.0, (double)budget / 1048576.0);
	} else {
		c->memory.live_blocks++;
		c->memory.live_bytes += bytes;
		if (c->memory.live_bytes > c->memory.peak_bytes)
			c->memory.peak_bytes = c->memory.live_bytes;
		granted = 1;
	}
	if (c->memory.limited && c->memory.allowed > 0)
		c->memory.allowed--;
	pthread_mutex_unlock(&c->memory.lock);
	return granted;
}

static void discount(struct context *c, size_t bytes)
{
	pthread_mutex_lock(&c->memory.lock);
	c->memory.live_blocks--;
	c->memory.live_bytes -= bytes;
	pthread_mutex_unlock(&c->memory.lock);
}

void *memory_alloc(size_t bytes)
{
	struct context *c = context_current();
	size_t total;
	char *p;

	if (bytes > SIZE_MAX - 2 * ALIGNMENT) {
		error_set(LACUNA_ENOMEM, "out of memory (an impossible size)");
		return NULL;
	}
	total = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + ALIGNMENT;
	if (!account(c, total))
		return NULL;
	p = aligned_alloc(ALIGNMENT, total);
	if (!p) {
		discount(c, total);
		error_set(LACUNA_ENOMEM, "out of memory (%.1f MiB)", (double)bytes / 1048576.0);
		return NULL;
	}
	memset(p, 0, total);
	*(struct header *)(void *)p = (struct header){ total, c };
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
	const struct header *h;

	if (!p)
		return;
	p -= ALIGNMENT;
	h = (const void *)p;
	discount(h->context, h->bytes);
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
	struct context *c = context_current();

	pthread_mutex_lock(&c->memory.lock);
	c->memory.budget = bytes;
	pthread_mutex_unlock(&c->memory.lock);
}

static size_t locked_read(struct context *c, const size_t *value)
{
	size_t result;

	pthread_mutex_lock(&c->memory.lock);
	result = *value;
	pthread_mutex_unlock(&c->memory.lock);
	return result;
}

size_t memory_budget(void)
{
	struct context *c = context_current();

	return locked_read(c, &c->memory.budget);
}

size_t memory_live_blocks(void)
{
	struct context *c = context_current();

	return locked_read(c, &c->memory.live_blocks);
}

size_t memory_live_bytes(void)
{
	struct context *c = context_current();

	return locked_read(c, &c->memory.live_bytes);
}

size_t memory_peak_bytes(void)
{
	struct context *c = context_current();

	return locked_read(c, &c->memory.peak_bytes);
}

void memory_reset_peak(void)
{
	struct context *c = context_current();

	pthread_mutex_lock(&c->memory.lock);
	c->memory.peak_bytes = c->memory.live_bytes;
	pthread_mutex_unlock(&c->memory.lock);
}

void memory_fail_after(long n)
{
	struct context *c = context_current();

	pthread_mutex_lock(&c->memory.lock);
	c->memory.limited = n >= 0;
	c->memory.allowed = n;
	pthread_mutex_unlock(&c->memory.lock);
}
