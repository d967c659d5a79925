/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The measured part of an image: the span of the eigenvectors of A'A whose eigenvalue exceeds a tolerance, its
 * complement (the null space), and the pseudo-inverse there.
 *
 * That is a step at the tolerance, which takes a closed form: no iteration can follow it where A'A has eigenvalues close by, as
 * a blur has.  Without a closed form A^+ is (A'A + tolerance)^-1 A' by conjugate gradients, and the projector a soft one; the floor is
 * then 0.01 at least, which is what single precision allows. */
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

/* Null are singular values s below floor times the largest, S, and components that the noise drowns:
 * noise/s > spread s/S.  The right side is the image's standard deviation along an eigenvector, which falls with s,
 * because what operators pass badly, high frequencies, is where images have little.  INFINITY: whatever the noise. */
int range_create(const struct lacuna_host *, const struct lacuna_problem *, double floor,
		 double spread, struct range *);
void range_destroy(struct range *); /* accepts zeros */
/* Floats of work space that the functions below need: x- and y-shaped. */
size_t range_work(const struct range *);
/* x = d - A^+ (A d - y): fits the measurement, and is d in what was not measured. */
int range_fit(const struct range *, const float *d, float *x, float *work);
/* Without a closed form: x = A^+ (scale y - A v). */
int range_pull(const struct range *, double scale, const float *v, float *x, float *work);
/* x = A' (scale y - A v) */
int range_residual(const struct range *, double scale, const float *v, float *x, float *in_y);
/* The tolerance alone. */
int range_tolerance(const struct lacuna_host *, const struct lacuna_problem *, double floor,
		    double spread, double *tolerance);

/* Gains for host->problem->spectral(); the context is a double, the tolerance. */
double range_projector(double lambda, const void *tolerance);
double range_null(double lambda, const void *tolerance);
double range_soft_projector(double lambda, const void *tolerance);

#endif
