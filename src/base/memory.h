/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* All large memory of host and plugins: aligned, zeroed, counted and limited in the context at hand (base/context.h), which
 * must outlive it.  Any thread may release it. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Zeroed, 64-byte aligned.  NULL, with the message kept, when memory or the budget is exhausted. */
void *memory_alloc(size_t bytes);
/* memory_alloc(a * b), refusing overflow */
void *memory_alloc_array(size_t a, size_t b);
/* Room for `more' items of a size behind `count' of them: the block where *room suffices, else a larger one that takes its place,
 * doubled, or long lists would be copied again and again.  NULL: there is no memory, and the block is as it was. */
void *memory_grow(void *block, size_t count, size_t more, size_t *room, size_t size);
char *memory_strdup(const char *);
void memory_release(void *); /* accepts NULL */

/* a * b into *product; false on overflow */
int size_multiply(size_t a, size_t b, size_t *product);

/* Of the context at hand. */
void memory_set_budget(size_t bytes); /* 0: none */
size_t memory_budget(void);
size_t memory_live_blocks(void);
size_t memory_live_bytes(void);
size_t memory_peak_bytes(void);
void memory_reset_peak(void);
/* For tests: the allocation number n from now (0 = the next) and all after it fail; n < 0: none. */
void memory_fail_after(long n);

#endif
