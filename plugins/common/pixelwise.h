/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operators that act on pixels one by one, A'A = diag(d): a prior with a sigma map gives the conditional mean. */
#ifndef COMMON_PIXELWISE_H
#define COMMON_PIXELWISE_H

#include <lacuna/plugin.h>

/* x0 = E[x0 | u, y], u = x0 + sigma n, y = A x0 + noise m, b = A'y, precision = 1/noise^2. By Bayes' rule the likelihood
 * of u and y, as a function of x0, is that of an image `pivot' with noise of variance 1/L in each pixel,
 *
 *	L = 1/sigma^2 + d precision,	pivot = (u/sigma^2 + b precision)/L,
 *
 * so the mean of x0 is pivot denoised by the prior. map and pivot are work space of n floats each; map may be d, and x0
 * may be u. */
int pixelwise_mean(const struct lacuna_host *, size_t n, const float *d, const float *b,
		   double precision, double sigma, const float *u, float *map, float *pivot,
		   float *x0);

#endif
