/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Mirrored and transposed versions of an image: eight for a square image, four (mirrors only) for others. */
#ifndef ENGINE_TURN_H
#define ENGINE_TURN_H

#include <lacuna/plugin.h>

uint32_t turn_ways(const struct lacuna_shape *);
/* turn_image: out = T in; turn_back: out = T^-1 in.  turn < turn_ways(); turn 0 is the identity.  in and out do not
 * overlap. */
void turn_image(const struct lacuna_shape *, uint32_t turn, const float *in, float *out);
void turn_back(const struct lacuna_shape *, uint32_t turn, const float *in, float *out);

#endif
