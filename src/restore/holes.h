/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Where a picture is missing: masks as operators, and a coarse map of holes. */
#ifndef RESTORE_HOLES_H
#define RESTORE_HOLES_H

#include "plugin/loader.h"

#include <stddef.h>

/* An operator that leaves values as they are or hides them, on a picture of this shape: *known (released with
 * memory_release()) has a bit for each value of y, 1 where it is known.  LACUNA_EUNSUPPORTED for another operator. */
int holes_of_operator(const struct plugin_use *, const struct lacuna_shape *y,
		      unsigned char **known);
static inline int holes_known(const unsigned char *known, size_t i)
{
	return known[i / 8] >> i % 8 & 1;
}

/* Squares of HOLES_CELL pixels. */
enum { HOLES_CELL = 8 };
struct holes {
	int64_t across, down; /* cells */
	unsigned char *cells; /* 0: nothing is missing, 1: something, 2: all is; owned */
	int64_t *
		sums; /* of cells above and left that miss something, (across + 1) x (down + 1); owned */
};

int holes_create(int64_t width, int64_t height, struct holes *);
void holes_free(struct holes *); /* leaves an empty one */
/* Rows of y in any order, planar, NaN where it is missing: `first' and count are multiples of HOLES_CELL, but for the last. */
void holes_add(struct holes *, const struct lacuna_shape *rows, int64_t first, const float *y);
/* After all rows. */
int holes_finish(struct holes *);
/* Cells of the rectangle of pixels that miss something. */
int64_t holes_count(const struct holes *, int64_t x0, int64_t y0, int64_t x1, int64_t y1);
/* No hole is wider, in pixels. */
int64_t holes_width(const struct holes *);

#endif
