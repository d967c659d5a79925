/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Finds lone values that no blur kernel can produce: hot and dead pixels, cosmic rays. */
#ifndef RESTORE_REJECT_H
#define RESTORE_REJECT_H

#include "engine/problem.h"

/* The largest response beside the peak to a point of light, relative to the peak: 1 for a flat kernel, 0 without blur.  Also
 * 0 if the operator is not linear, where it cannot be told. */
int reject_ratio(struct problem *, double *ratio);

/* Finds values of y that differ from their eight neighbours by more than `eagerness' standard deviations of such
 * differences, while no neighbour shows half of what `ratio' predicts for it.  *list: their positions, ascending, released
 * with memory_release(); *count: their number.  Finds none if there are more than 1 in 500, since the kernel must then be
 * wrong, or if ratio is too small to tell.  NaN does not count as a neighbour. */
int reject_lone(const struct lacuna_shape *, const float *y, double ratio, double eagerness,
		size_t **list, size_t *count);

/* Finds impulses, pixels that all have the largest (or the smallest) value of y whatever their neighbours are: salt and pepper.
 * *part: their share of y; 0: none.  They are told from clipped parts of a scene by being lone: half of them if they are
 * 0.5 % of y or more, else nearly all of eight or more (hot pixels). */
int reject_find_impulses(const struct lacuna_shape *, const float *y, int largest, double *value,
			 double *part);

#endif
