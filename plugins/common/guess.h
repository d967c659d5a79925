/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A first guess at the image, for samplers that start from one. */
#ifndef COMMON_GUESS_H
#define COMMON_GUESS_H

#include <lacuna/plugin.h>

/* Sets x to the user's start image; without one to the Tikhonov solution of the measurement; without a measurement, or
 * with a nonlinear operator, to mid-gray. */
int guess_image(const struct lacuna_host *, const struct lacuna_problem *, float *x);

#endif
