/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Finds where a picture has missing values: masks from operators, and a coarse map of holes. */
#ifndef RESTORE_HOLES_H
#define RESTORE_HOLES_H

#include "plugin/loader.h"

#include <stddef.h>

/* The mask of an operator that keeps or hides each value of a picture of this shape.  *known has one bit for each value of
 * y, 1 where it is known; the caller releases it with memory_release().  LACUNA_EUNSUPPORTED for other operators. */
int holes_of_operator(const struct plugin_use *, const struct lacuna_shape *y,
		      unsigned char **known);
static inline int holes_known(const unsigned char *known, size_t i)
{
	return known[i / 8] >> i % 8 & 1;
}

/* The cells of the map are squares of HOLES_CELL x HOLES_CELL pixels. */
enum { HOLES_CELL = 8 };
struct holes {
	int64_t across, down; /* cells */
	unsigned char *cells; /* 0: no value is missing, 1: some are, 2: all; owned */
	int64_t *
		sums; /* number of incomplete cells above and to the left, (across + 1) x (down + 1); owned */
};

int holes_create(int64_t width, int64_t height, struct holes *);
void holes_free(struct holes *); /* leaves an empty one */
/* Adds rows of y (planar, NaN where missing), in any order.  `first' and their number are multiples of HOLES_CELL, but the
 * last rows may be fewer. */
void holes_add(struct holes *, const struct lacuna_shape *rows, int64_t first, const float *y);
/* Call it after all rows were added.  LACUNA_ENOMEM. */
int holes_finish(struct holes *);
/* Number of incomplete cells that the rectangle of pixels touches. */
int64_t holes_count(const struct holes *, int64_t x0, int64_t y0, int64_t x1, int64_t y1);
/* Upper bound for the width of the holes, in pixels. */
int64_t holes_width(const struct holes *);

#endif
