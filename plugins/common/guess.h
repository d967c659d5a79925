/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A first guess at the image, for samplers that start from one, and the constant image behind it. */
#ifndef COMMON_GUESS_H
#define COMMON_GUESS_H

#include <lacuna/plugin.h>

/* Sets x to the user's start image; without one to the Tikhonov solution of the measurement; without a measurement, or
 * with a nonlinear operator, to mid-gray. */
int guess_image(const struct lacuna_host *, const struct lacuna_problem *, float *x);

/* The constant image that fits the measurement of a linear operator best: *middle = <A 1, y>/<A 1, A 1>, or 1/2 if A 1 is no
 * more than rounding.  *passed is |A 1|^2, or in that case |A n|^2, n white noise.  of_one and of_noise (y-shaped) get A 1 and
 * A n; x (x-shaped) is work space. */
int guess_middle(const struct lacuna_host *, const struct lacuna_problem *, float *x, float *of_one,
		 float *of_noise, double *middle, double *passed);

#endif
