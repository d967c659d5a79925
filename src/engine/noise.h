/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Estimation of the noise level of a measurement. */
#ifndef ENGINE_NOISE_H
#define ENGINE_NOISE_H

#include <lacuna/plugin.h>

/* Standard deviation of white Gaussian noise in y, NaN values left out.  LACUNA_EINVAL when the picture is too small. */
int noise_estimate(const struct lacuna_shape *, const float *y, double *sigma);

#endif
