/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Lone values that no kernel could have made: hot and dead pixels, cosmic rays. */
#ifndef RESTORE_REJECT_H
#define RESTORE_REJECT_H

#include "engine/problem.h"

/* What a point of light gives to the neighbour of the pixel where it gives most, relative to that pixel: 1 for a flat
 * kernel, 0 for none.  0 also where that cannot be told: the operator is not linear. */
int reject_ratio(struct problem *, double *ratio);

/* Values of y that stand out of their eight neighbours by more than `eagerness' standard deviations of what neighbours
 * differ by, while none of the neighbours has half the share of it that `ratio' would give: their positions, ascending, in
 * *list (released with memory_release()), *count of them.  None when they are so many that the kernel must be wrong
 * (1 in 500), or when ratio is too small to tell.  NaN is no neighbour. */
int reject_lone(const struct lacuna_shape *, const float *y, double ratio, double eagerness,
		size_t **list, size_t *count);

#endif
