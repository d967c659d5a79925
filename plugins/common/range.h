/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The measured part of an image: the span of the eigenvectors of A'A whose eigenvalue exceeds a tolerance, its complement
 * (the null space), and the pseudo-inverse on it.
 *
 * The gain jumps at the tolerance, which needs a closed form: no iteration can follow the jump if A'A has eigenvalues
 * close to it, as that of a blur has. Without a closed form A^+ is (A'A + tolerance)^-1 A' by conjugate gradients, the
 * projector is soft, and the floor is at least 0.01, the limit of single precision. */
#ifndef COMMON_RANGE_H
#define COMMON_RANGE_H

#include <lacuna/plugin.h>

struct range {
	const struct lacuna_host *host;
	const struct lacuna_problem *problem;
	size_t nx, ny;
	int closed;
	double tolerance; /* eigenvalues up to this count as null */
	float *pinv;	  /* A^+ y, in closed form; else NULL */
};

/* Components count as null if their singular value s is below floor times the largest, S, or if noise drowns them:
 * noise/s > spread s/S. The right side estimates the image's standard deviation along an eigenvector. It falls with s,
 * because operators pass high frequencies badly and images have little there. spread = INFINITY ignores the noise. */
int range_create(const struct lacuna_host *, const struct lacuna_problem *, double floor,
		 double spread, struct range *);
void range_destroy(struct range *); /* accepts zeros */
/* Floats of work space that the functions below need: x- and y-shaped. */
size_t range_work(const struct range *);
/* x = d - A^+ (A d - y): fits the measurement, and equals d on the null space. */
int range_fit(const struct range *, const float *d, float *x, float *work);
/* Without a closed form: x = A^+ (scale y - A v). */
int range_pull(const struct range *, double scale, const float *v, float *x, float *work);
/* x = A' (scale y - A v) */
int range_residual(const struct range *, double scale, const float *v, float *x, float *in_y);
/* Computes only the tolerance. */
int range_tolerance(const struct lacuna_host *, const struct lacuna_problem *, double floor,
		    double spread, double *tolerance);

/* Gains for host->problem->spectral(); the context is a double, the tolerance. */
double range_projector(double lambda, const void *tolerance);
double range_null(double lambda, const void *tolerance);
double range_soft_projector(double lambda, const void *tolerance);

#endif
