/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The law of a sampler that is affine in its noise, without sampling error: the impulse responses of the whole run. */
#ifndef STUDY_IMPULSE_H
#define STUDY_IMPULSE_H

#include "study/laboratory.h"

/* Mean and covariance of the result.  *affine is 0 when the method is not (another guidance, another target): then
 * they say nothing. */
int impulse_law(const struct laboratory *, const struct method_use *, double *mean, double *cov,
		int *affine);

#endif
