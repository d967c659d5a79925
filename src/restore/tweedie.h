/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The deviation of the posterior from two evaluations of the prior (four where pixels are missing), where A'A = diag(d).
 *
 * What is known of the image is then one noisy image: `pivot', whose noise has the deviation S in each pixel; and for white noise
 * the covariance of the posterior is the derivative of its mean (Tweedie's formula of second order; Manor, Michaeli, ICLR 2024,
 * arXiv 2309.13598),
 *
 *	Cov[x | pivot] = (dD/du) diag(S^2).
 *
 * Its diagonal is estimated with one probe z of random signs (Hutchinson): z S ((dD/du) S z), by a central difference, averaged
 * over some pixels around.  Pixels that are missing, or measured worse than that, count as if the estimate had been seen at the
 * place with noise of a deviation of `glance'; what that adds to their precision is taken away again.
 *
 * Without d, for any linear operator, `mean' is E[x | u, y] itself, affine in u, as a Gaussian prior knows it: its derivative is
 * the posterior's covariance as well, with a glance at all pixels that is worth next to nothing. */
#ifndef RESTORE_TWEEDIE_H
#define RESTORE_TWEEDIE_H

#include "base/random.h"

#include <lacuna/plugin.h>

/* x0 = E[x0 | u], u = x0 + sigma n with a sigma for each value.  A status. */
typedef int tweedie_mean(void *context, const float *sigma, const float *u, float *x0);

struct tweedie {
	struct lacuna_shape x;
	const float *d, *b;    /* A'A = diag(d), A'y; or NULL */
	const float *estimate; /* of the image; read where little is measured */
	double noise;	       /* of y; 0: what is measured is known */
	struct random_key key; /* of the probe */
	tweedie_mean *mean;
	void *context;
};

/* deviation: x-shaped. */
int tweedie_deviation(const struct tweedie *, float *deviation);

#endif
