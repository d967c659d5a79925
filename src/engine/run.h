/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The run loop: prior, guidance and sampler on a problem. */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include "engine/prior.h"
#include "engine/problem.h"

struct session;

struct session_options {
	uint64_t seed;
	uint32_t image;	    /* page or file number: another noise */
	const float *start; /* x-shaped start image, or NULL */
	/* Samples 2 k and 2 k + 1 have noise of opposite signs (antithetic variates, Hammersley and Morton 1956): each is as
	 * good a sample as ever, and their mean is nearer to the posterior mean than that of independent ones. */
	int pairs;
	/* No value of the image is below or above: the prior's answers are kept within.  NULL: not known. */
	const double *lowest, *highest;
	struct prior_stock *stock; /* where a lasting prior comes from and goes to; or NULL */
	/* After each step; may be NULL. */
	void (*progress)(void *context, int64_t step, int64_t steps);
	void *progress_context;
	/* How far the step at hand is, 0 to 1, where the prior tells: from any thread, one at a time; may be NULL. */
	void (*within)(void *context, double share);
	/* For laboratories, each may be NULL: noise in place of the counter-based one (called from any thread), and the
	 * levels and states at which the sampler asks for estimates, in order. */
	void (*gaussian)(void *context, uint64_t stream, uint64_t position, float *out, size_t n);
	void (*observe)(void *context, double sigma, const float *u);
	void *laboratory; /* their context */
};

struct session_stats {
	int64_t steps;
	int64_t evaluations; /* calls of the prior on the whole image */
	double seconds, prior_seconds;
	double residual; /* rms of A x - y over measured values; compare with sigma_y */
};

/* The problem must have its measurement, and outlive the session.  guidance may be NULL when the sampler does not ask
 * for one.  Refuses combinations that lack something (LACUNA_NEEDS_...). */
int session_create(struct problem *, const struct plugin_use *prior,
		   const struct plugin_use *guidance, const struct plugin_use *sampler,
		   const struct session_options *, struct session **);
/* One sample into x, x-shaped.  LACUNA_ECANCELLED, LACUNA_ENUMERIC (NaN) and what plugins return. */
int session_run(struct session *, uint32_t sample, float *x, struct session_stats *);
/* The guidance alone: x0 ~ E[x0 | u, y], for a step to the level `next' (< 0: not said).  LACUNA_EUNSUPPORTED without a
 * guidance. */
int session_estimate(struct session *, double sigma, double next, const float *u, float *x0);
/* The prior alone, where it takes sigma maps: x0 = E[x0 | u] with a sigma for each value.  Unlike what plugins are told it may
 * leave the image's range, lest its derivative be lost there. */
int session_mean(struct session *, const float *sigma, const float *u, float *x0);
/* The precision that the prior has taken, lacuna_prior_info.precision: "bf16"; NULL: it does not say.  Lasts as long as the plugin. */
const char *session_precision(const struct session *);
/* x0 = E[x0 | u, y], where the prior knows it in closed form; else LACUNA_EUNSUPPORTED. */
int session_conditional(struct session *, double sigma, const float *u, float *x0);
void session_destroy(struct session *); /* accepts NULL */

/* Bytes a run will need at most, plugins included, estimated from the shapes alone. */
size_t session_memory(const struct lacuna_shape *x, const struct lacuna_shape *y);

#endif
