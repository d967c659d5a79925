/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The measured part of an image: the span of the eigenvectors of A'A whose eigenvalue exceeds a tolerance, its
 * complement (the null space), and the pseudo-inverse there. */
#ifndef COMMON_RANGE_H
#define COMMON_RANGE_H

#include <lacuna/plugin.h>

struct range {
	double tolerance; /* eigenvalues up to this count as null */
	float *pinv;	  /* A^+ y; released with host->release() */
};

/* Null are singular values s below floor times the largest, S, and components that the noise drowns:
 * noise/s > spread s/S.  The right side is the image's standard deviation along an eigenvector, which falls with s,
 * because what operators pass badly, high frequencies, is where images have little.  INFINITY: whatever the noise. */
int range_create(const struct lacuna_host *, const struct lacuna_problem *, double floor,
		 double spread, struct range *);
/* The tolerance alone. */
int range_tolerance(const struct lacuna_host *, const struct lacuna_problem *, double floor,
		    double spread, double *tolerance);

/* Gains for host->spectral(); the context is a double, the tolerance. */
double range_projector(double lambda, const void *tolerance);
double range_null(double lambda, const void *tolerance);

#endif
