/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Lone points of a measured kernel: hot pixels and cosmic rays in the picture of a star or a bead. */
#ifndef COMMON_POINTS_H
#define COMMON_POINTS_H

#include "common/kernel.h"

/* Replaces lone points by the mean of what surrounds them.  level, sigma: of the background.  *count: how many there were;
 * *x, *y: where the first is. */
int points_remove(struct kernel *, double level, double sigma, int *count, int *x, int *y);

#endif
