/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Fills in missing pixels smoothly by push-pull (Gortler, Grzeszczuk, Szeliski, Cohen, The Lumigraph, SIGGRAPH 1996,
 * section 3.4): known pixels are averaged over blocks of 2x2, 4x4, ... pixels; then each level fills the gaps of the next
 * finer one by bilinear interpolation. */
#ifndef COMMON_FILL_H
#define COMMON_FILL_H

#include <lacuna/plugin.h>

/* x, known and depth are x-shaped. x is kept where known > 0 and filled in elsewhere (with 1/2 in a plane without known
 * pixels). depth is 0 where known, else roughly how often the resolution must be halved to meet a known pixel. */
int fill_holes(const struct lacuna_host *, const struct lacuna_shape *, const float *known,
	       float *x, float *depth);

#endif
