/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Inside the descriptions: growing text, pages as a block, and the three kinds of descriptions. */
#ifndef IMAGE_TIFF_DESCRIPTION_PRIVATE_H
#define IMAGE_TIFF_DESCRIPTION_PRIVATE_H

#include "image/tiff/description.h"

#include <stddef.h>
#include <string.h>

/* ---- text that grows (description-text.c) */

struct text {
	char *s;
	size_t count, room;
	int failed; /* out of memory */
};

void grow_bytes(struct text *, const char *from, size_t n);
void grow_text(struct text *, const char *s);
void grow_format(struct text *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text, to be released; NULL: out of memory. */
char *grow_finish(struct text *);

static inline int begins(const char *text, const char *word)
{
	return !strncmp(text, word, strlen(word));
}

static inline int same(double a, double b)
{
	return !(a < b) && !(a > b);
}

/* ---- pages as a block of three dimensions (description-pages.c) */

enum { DIMENSIONS = 3, PAGES_MOST = 1 << 20 };

/* Extents, the fastest dimension first, and the indices of each dimension that stay. */
struct block {
	int extent[DIMENSIONS];
	unsigned char *stays[DIMENSIONS]; /* NULL: all */
	int left[DIMENSIONS];		  /* number of indices that stay */
};

void block_free(struct block *);
/* Describes the pages that stay as a smaller block; 0: they form none, or memory ran out. */
int block_reduce(struct block *, const struct description_change *);
/* The new index for an old one; -1: it is left out. */
int block_new_index(const struct block *, int d, int old);

/* ---- what a change keeps */

static inline int keeps_pages(const struct description_change *c)
{
	return !c->pages || c->page_count == c->old_pages;
}

/* Number of new pixels for one old pixel. */
static inline double scale_x(const struct description_change *c)
{
	return c->width / (c->shown_width > 0 ? c->shown_width : c->old_width);
}

static inline double scale_y(const struct description_change *c)
{
	return c->height / (c->shown_height > 0 ? c->shown_height : c->old_height);
}

static inline int keeps_size(const struct description_change *c)
{
	return !(c->width < c->old_width) && !(c->width > c->old_width) &&
	       !(c->height < c->old_height) && !(c->height > c->old_height);
}

/* ---- kinds (description-imagej.c, description-shape.c, description-ome.c) */

/* As description_adapt(). */
char *imagej_adapt(const char *text, const struct description_change *, const char **doubt);
char *shape_adapt(const char *text, const struct description_change *, const char **doubt);
char *ome_adapt(const char *text, const struct description_change *, const char **doubt);
/* As description_pixel_size(). */
int imagej_pixel_size(const char *text, const double per_unit[2], double size[2]);
int ome_pixel_size(const char *text, double size[2]);
/* Micrometres of a unit of length, as ImageJ and OME write it; 0: not known. */
double imagej_micrometres(const char *unit);

#endif
