/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The posterior's deviation where the operator mixes pixels, without samples and without the prior.  The image is modelled
 * as a Gaussian field whose spectrum changes from place to place; its posterior is that of the Wiener filter.
 *
 * The estimate is split into octaves, w_j, by the a trous transform (Starck, Murtagh, Bijaoui, Image Processing and Data
 * Analysis, 1998).  V_j, the variance of octave j at a pixel, comes from the squares of the estimate around it.  An image
 * with only this octave would have a white spectrum of density P_j = V_j/beta_j there, where beta_j is the energy of the
 * octave's filter.  The part of its variance that the measurement leaves is
 *
 *	g_j(P_j) = tr B_j (I + P_j A'A/noise^2)^-1 B_j'/tr B_j B_j',
 *
 * where B_j extracts the octave.  One probe for each octave gives g_j for every P at once, by Lanczos quadrature.  The
 * variance is the sum of V_j g_j(V_j/beta_j).
 *
 * The estimate is a mean and lacks detail, so its squares are too small: the constants in wiener.c correct for that.  They
 * were fitted to the errors of estimates; doc/measurements.md tells how accurate the result is. */
#ifndef RESTORE_WIENER_H
#define RESTORE_WIENER_H

#include "base/random.h"
#include "engine/problem.h"

struct wiener {
	struct problem *problem; /* linear, with its measurement */
	const float *estimate;	 /* x-shaped */
	double noise;		 /* of y */
	struct random_key key;	 /* of the probes */
};

/* deviation: x-shaped. */
int wiener_deviation(const struct wiener *, float *deviation);

#endif
