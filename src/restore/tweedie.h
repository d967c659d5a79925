/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The posterior's deviation, for A'A = diag(d), from two evaluations of the prior for measured pixels (with noise; four for a
 * trained prior) and two for missing ones.
 *
 * The measurement is then equivalent to one noisy image, `pivot', whose noise has the deviation S at each pixel.  For white
 * noise the covariance of the posterior is the derivative of its mean (Tweedie's formula of second order; Manor, Michaeli,
 * ICLR 2024, arXiv 2309.13598),
 *
 *	Cov[x | pivot] = (dD/du) diag(S^2).
 *
 * Its diagonal is estimated with one probe z of random signs (Hutchinson), z S ((dD/du) S z), by a central difference, and
 * averaged over nearby pixels.  A pixel that is missing, or measured with a deviation above `glance', counts as if the
 * estimate had been observed there with noise of deviation `glance'; the precision that this adds is subtracted again.
 *
 * A trained prior has errors, and may expect more detail than a picture has.  So its deviation is tried where the truth is
 * known: the estimate stands for it and is measured anew (parametric bootstrap; Efron, Annals of Statistics 7(1), 1979; for
 * calibration Loh, JASA 82(397), 1987).  The variance is multiplied by the ratio of the error's mean square there to the
 * variance found there.
 *
 * Without d, for any linear operator, `mean' is E[x | u, y] itself, affine in u, as a Gaussian prior computes it.  Its
 * derivative is the posterior's covariance too; all pixels then get a glance that adds almost no information. */
#ifndef RESTORE_TWEEDIE_H
#define RESTORE_TWEEDIE_H

#include "base/random.h"

#include <lacuna/plugin.h>

/* Sets x0 = E[x0 | u], where u = x0 + sigma n with a sigma for each value.  Returns a status. */
typedef int tweedie_mean(void *context, const float *sigma, const float *u, float *x0);

struct tweedie {
	struct lacuna_shape x;
	const float *d, *b;    /* A'A = diag(d), A'y; or NULL */
	const float *estimate; /* of the image; used where little is measured */
	double noise;	       /* of y; 0: measured values are exact */
	int trained;	       /* the mean is good but has errors */
	struct random_key key; /* of the probe */
	tweedie_mean *mean;
	void *context;
};

/* deviation: x-shaped. */
int tweedie_deviation(const struct tweedie *, float *deviation);

#endif
