/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Allocates all large memory of host and plugins: aligned, zeroed, and counted and limited by the current context
 * (base/context.h), which must outlive it.  Any thread may release it. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Zeroed, 64-byte aligned.  NULL, with an error message, if memory or the budget is exhausted. */
void *memory_alloc(size_t bytes);
/* memory_alloc(a * b); refuses overflow */
void *memory_alloc_array(size_t a, size_t b);
/* Makes room for `more' items of `size' bytes after the first `count'.  Returns the block if *room (items) suffices; else
 * moves it to a larger one, at least doubled, as copying at each call would take quadratic time.  NULL: no memory, and
 * the block is unchanged. */
void *memory_grow(void *block, size_t count, size_t more, size_t *room, size_t size);
char *memory_strdup(const char *);
void memory_release(void *); /* accepts NULL */

/* Stores a * b in *product; false on overflow. */
int size_multiply(size_t a, size_t b, size_t *product);

/* These functions refer to the current context. */
void memory_set_budget(size_t bytes); /* 0: unlimited */
size_t memory_budget(void);
size_t memory_live_blocks(void);
size_t memory_live_bytes(void);
size_t memory_peak_bytes(void);
void memory_reset_peak(void);
/* For tests: all allocations fail from number n on (0 = the next one); n < 0: none fail. */
void memory_fail_after(long n);

#endif
