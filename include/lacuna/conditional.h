/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/conditional.h -- an extension of priors, and of hosts for guidances and samplers: E[x0 | u, y] itself, where the
 * prior knows it in closed form. */
#ifndef LACUNA_CONDITIONAL_H
#define LACUNA_CONDITIONAL_H

#include <lacuna/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACUNA_CONDITIONAL "lacuna.conditional/1"

/* What host->extension(host, LACUNA_CONDITIONAL) returns.  All functions [serial]. */
struct lacuna_conditional {
	/* In create(): tells the prior that it will be asked, and the noise to count with, > 0.  LACUNA_EUNSUPPORTED if it
	 * cannot. */
	int (*condition)(const struct lacuna_host *, double noise);
	int (*conditional)(const struct lacuna_host *, double sigma, const float *u, float *x0);
};

/* What extension(LACUNA_CONDITIONAL) of a prior that takes all of x at once (channels 0) returns: the mean for the
 * problem's linear operator, any, and its white noise. */
struct lacuna_prior_conditional {
	/* [one at a time per instance] Comes once, before scratch() and conditional(): the prior prepares, or returns
	 * LACUNA_EUNSUPPORTED.  noise: standard deviation to count with, > 0. */
	int (*condition)(void *self, const struct lacuna_problem *, double noise);
	/* [one at a time per instance] It may ask the problem. */
	int (*conditional)(const void *self, void *scratch, double sigma, const float *u,
			   float *x0);
};

#ifdef __cplusplus
}
#endif
#endif
