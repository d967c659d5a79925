/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The pages of a file as a block of three dimensions, some of whose indices stay. */
#include <config.h>

#include "image/tiff/description-private.h"

#include "base/memory.h"

void block_free(struct block *b)
{
	for (int d = 0; d < DIMENSIONS; d++)
		memory_release(b->stays[d]);
}

static int index_of(const struct block *b, int page, int d)
{
	for (int k = 0; k < d; k++)
		page /= b->extent[k];
	return page % b->extent[d];
}

/* Describes the pages that stay as a smaller block; 0: they form none, or memory ran out. */
int block_reduce(struct block *b, const struct description_change *c)
{
	double product = 1;

	for (int d = 0; d < DIMENSIONS; d++)
		b->left[d] = b->extent[d];
	if (!c->pages)
		return 1;
	for (int d = 0; d < DIMENSIONS; d++) {
		b->stays[d] = memory_alloc((size_t)b->extent[d]);
		if (!b->stays[d])
			return 0;
		b->left[d] = 0;
		for (int i = 0; i < c->page_count; i++) {
			unsigned char *stays = &b->stays[d][index_of(b, c->pages[i], d)];

			b->left[d] += !*stays;
			*stays = 1;
		}
		product *= b->left[d];
	}
	/* The pages differ and lie in the block; if the block is no larger than their number, they are all of it. */
	return !(product > c->page_count);
}

/* The new index for an old one; -1: it is left out. */
int block_new_index(const struct block *b, int d, int old)
{
	int n = 0;

	if (old < 0 || old >= b->extent[d])
		return -1;
	if (!b->stays[d])
		return old;
	for (int i = 0; i < old; i++)
		n += b->stays[d][i];
	return b->stays[d][old] ? n : -1;
}
