/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A smooth guess at what is missing: push-pull (Gortler, Grzeszczuk, Szeliski, Cohen, The Lumigraph, SIGGRAPH 1996, section
 * 3.4).  Means of what is known over blocks of 2x2 pixels, of 4x4, ... and back, each level filling in what the finer
 * ones lack, bilinearly. */
#ifndef COMMON_FILL_H
#define COMMON_FILL_H

#include <lacuna/plugin.h>

/* x, known, depth: x-shaped.  x counts where known > 0 and is filled in elsewhere (1/2 where a plane has nothing known).
 * depth: 0 where known, else how many times the resolution has to be halved until something known is met, about. */
int fill_holes(const struct lacuna_host *, const struct lacuna_shape *, const float *known,
	       float *x, float *depth);

#endif
