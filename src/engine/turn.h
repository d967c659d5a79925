/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The ways to mirror an image and to exchange its x and y: eight for a square one, four (mirrors only) for another. */
#ifndef ENGINE_TURN_H
#define ENGINE_TURN_H

#include <lacuna/plugin.h>

uint32_t turn_ways(const struct lacuna_shape *);
/* out = T in, and out = T^-1 in, turn < turn_ways(); 0 is the image as it is.  in and out do not overlap. */
void turn_image(const struct lacuna_shape *, uint32_t turn, const float *in, float *out);
void turn_back(const struct lacuna_shape *, uint32_t turn, const float *in, float *out);

#endif
