/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/conditional.h -- an extension of priors that know E[x0 | u, y] in closed form, and of hosts, which offer it to
 * guidances and samplers. */
#ifndef LACUNA_CONDITIONAL_H
#define LACUNA_CONDITIONAL_H

#include <lacuna/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACUNA_CONDITIONAL "lacuna.conditional/1"

/* What host->extension(host, LACUNA_CONDITIONAL) returns.  u and x0 are x-shaped.  All functions [serial]. */
struct lacuna_conditional {
	/* Call it in create(): it prepares the prior for conditional().  noise > 0: standard deviation to assume for y.
	 * LACUNA_EUNSUPPORTED if the prior has no closed form. */
	int (*condition)(const struct lacuna_host *, double noise);
	int (*conditional)(const struct lacuna_host *, double sigma, const float *u, float *x0);
};

/* What extension(LACUNA_CONDITIONAL) of a prior returns: the mean for any linear operator and white noise.  Only for priors
 * that take all of x at once (channels 0). */
struct lacuna_prior_conditional {
	/* [one at a time per instance] Prepares for conditional(), or returns LACUNA_EUNSUPPORTED.  The host calls it once,
	 * before scratch() and conditional().  noise > 0: standard deviation to assume for y. */
	int (*condition)(void *self, const struct lacuna_problem *, double noise);
	/* [one at a time per instance] It may call host->problem. */
	int (*conditional)(const void *self, void *scratch, double sigma, const float *u,
			   float *x0);
};

#ifdef __cplusplus
}
#endif
#endif
