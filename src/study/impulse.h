/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The exact distribution of the result of a sampler that is affine in its noise, from impulse responses of a whole run. */
#ifndef STUDY_IMPULSE_H
#define STUDY_IMPULSE_H

#include "study/laboratory.h"

/* Mean and covariance of the result.  Sets *affine to 0 if the method is not affine (because of guidance or target): mean
 * and cov are then meaningless. */
int impulse_law(const struct laboratory *, const struct method_use *, double *mean, double *cov,
		int *affine);

#endif
