/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Distances between two distributions, from their moments or from samples. */
#ifndef STUDY_DISTANCE_H
#define STUDY_DISTANCE_H

#include <stddef.h>
#include <stdint.h>

/* KL(N(mean_q, cov_q) || N(mean_p, cov_p)); infinite if cov_p is singular. */
int distance_gaussian_kl(int dim, const double *mean_q, const double *cov_q, const double *mean_p,
			 const double *cov_p, double *kl);

/* Root mean square, over random directions, of W2 between the projections of two Gaussians. */
int distance_gaussian_sliced_w2(int dim, const double *mean_q, const double *cov_q,
				const double *mean_p, const double *cov_p, int directions,
				uint64_t seed, double *w2);

/* The functions below take n vectors of q and n of p, stored one after the other. */

/* KL(q || p) by k nearest neighbours (Wang, Kulkarni, Verdu, IEEE Trans. Inf. Theory 55(5), 2009, k-NN form): consistent,
 * with an error of about sqrt(dim/(8 n)).  In one dimension it instead counts the vectors of p between the 64-quantiles
 * of q, since the neighbour estimate assumes independent samples and is wrong for evenly spaced ones. */
int distance_kl(int dim, size_t n, const double *q, const double *p, double *kl);
/* KL(q || p * N(0, width^2 I)): the mean of log_q - log density of p * N(0, width^2 I) over m vectors of q, whose log
 * densities are log_q.  The density is the mean of n Gaussians at vectors of p (Rao-Blackwell; q is blurred by width as
 * well, so there is no bandwidth to choose).  Overestimates by about half the relative variance of that mean. */
int distance_blurred_kl(int dim, size_t m, const double *q, const double *log_q, size_t n,
			const double *p, double width, double *kl);
/* Root mean square, over random directions, of W2 between the projections. */
int distance_sliced_w2(int dim, size_t n, const double *q, const double *p, int directions,
		       uint64_t seed, double *w2);
/* W1 by optimal assignment (Jonker, Volgenant 1987), n^3; in one dimension by sorting. */
int distance_w1(int dim, size_t n, const double *q, const double *p, double *w1);

/* W1 between n vectors and weighted points (weights sum to 1, rounded to multiples of 1/n).  Starts with each vector at
 * its nearest point and moves vectors along shortest augmenting paths: n may be large if the points are few. */
int distance_w1_points(int dim, size_t n, const double *x, size_t points, const double *at,
		       const double *weight, double *w1);

/* Empirical mean and covariance (divided by n - 1). */
void distance_moments(int dim, size_t n, const double *x, double *mean, double *cov);
/* sqrt(sum (a - b)^2) */
double distance_l2(size_t n, const double *a, const double *b);

#endif
