/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* How far two distributions are apart, from their moments or from samples. */
#ifndef STUDY_DISTANCE_H
#define STUDY_DISTANCE_H

#include <stddef.h>
#include <stdint.h>

/* KL(N(mean_q, cov_q) || N(mean_p, cov_p)); infinite when cov_p is singular. */
int distance_gaussian_kl(int dim, const double *mean_q, const double *cov_q, const double *mean_p,
			 const double *cov_p, double *kl);

/* Root of the mean over random directions of W2^2 between the projections of two Gaussians. */
int distance_gaussian_sliced_w2(int dim, const double *mean_q, const double *cov_q,
				const double *mean_p, const double *cov_p, int directions,
				uint64_t seed, double *w2);

/* Below: n vectors each of q and p, one after the other. */

/* KL(q || p) by k nearest neighbours (Wang, Kulkarni, Verdu, IEEE Trans. Inf. Theory 55(5), 2009, k-NN form): consistent,
 * its own error about sqrt(dim/(8 n)).  In one dimension from the numbers of p between the 64-quantiles of q, which
 * does not take even samples for independent ones. */
int distance_kl(int dim, size_t n, const double *q, const double *p, double *kl);
/* KL(q || p * N(0, width^2 I)): the mean of log_q - log density of p * N(0, width^2 I) over m vectors of q, where log_q is
 * log q; the density is the mean of n Gaussians on vectors of p (Rao-Blackwell: no bandwidth to choose, for q is blurred
 * by width, too).  Too large by about half the relative variance of that mean. */
int distance_blurred_kl(int dim, size_t m, const double *q, const double *log_q, size_t n,
			const double *p, double width, double *kl);
/* Root of the mean over random directions of W2^2 of the projections. */
int distance_sliced_w2(int dim, size_t n, const double *q, const double *p, int directions,
		       uint64_t seed, double *w2);
/* W1 by optimal assignment (Jonker, Volgenant 1987), n^3; in one dimension by sorting. */
int distance_w1(int dim, size_t n, const double *q, const double *p, double *w1);

/* W1 between n vectors and points with weights (sum 1, taken to multiples of 1/n), by shortest augmenting paths from
 * the nearest points: n may be large when the points are few. */
int distance_w1_points(int dim, size_t n, const double *x, size_t points, const double *at,
		       const double *weight, double *w1);

/* Empirical mean and covariance (divided by n - 1). */
void distance_moments(int dim, size_t n, const double *x, double *mean, double *cov);
/* sqrt(sum (a - b)^2) */
double distance_l2(size_t n, const double *a, const double *b);

#endif
