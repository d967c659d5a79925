/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A first guess at the image, for samplers that begin near one. */
#ifndef COMMON_GUESS_H
#define COMMON_GUESS_H

#include <lacuna/plugin.h>

/* The user's start image; without one the Tikhonov solution of the measurement about mid-gray; without a measurement, or
 * with an operator that is not linear, mid-gray. */
int guess_image(const struct lacuna_host *, const struct lacuna_problem *, float *x);

#endif
