/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The deviation of the posterior where the operator mixes pixels, without samples and without the prior: the image is taken for a
 * Gaussian whose spectrum changes from place to place, and its posterior is Wiener's.
 *
 * The estimate is split into octaves, w_j, by the a trous transform (Starck, Murtagh, Bijaoui, Image Processing and Data Analysis,
 * 1998).  V_j, the variance of octave j at a pixel, comes from the squares of the estimate around it.  An image that had only
 * this octave would have a white spectrum of density P_j = V_j/beta_j there, beta_j the energy of the octave's filter.  Of its
 * variance the measurement leaves
 *
 *	g_j(P_j) = tr B_j (I + P_j A'A/noise^2)^-1 B_j'/tr B_j B_j',
 *
 * where B_j takes the octave out.  One probe of each octave, by Lanczos quadrature, tells g_j for every P at once.  The variance
 * is the sum of V_j g_j(V_j/beta_j).
 *
 * What the estimate lacks, since it is a mean, its squares lack too: the constants in wiener.c make up for that.  They were fitted
 * to the errors of estimates, and are as right as doc/measurements.md says. */
#ifndef RESTORE_WIENER_H
#define RESTORE_WIENER_H

#include "base/random.h"
#include "engine/problem.h"

struct wiener {
	struct problem *problem; /* linear, measured */
	const float *estimate;	 /* x-shaped */
	double noise;		 /* of y */
	struct random_key key;	 /* of the probes */
};

/* deviation: x-shaped. */
int wiener_deviation(const struct wiener *, float *deviation);

#endif
