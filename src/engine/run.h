/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The run loop: applies prior, guidance and sampler to a problem. */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include "engine/prior.h"
#include "engine/problem.h"

#include <lacuna/deviation.h>

struct session;

struct session_options {
	uint64_t seed;
	uint32_t image;	    /* page or file number; each has different noise */
	const float *start; /* x-shaped start image, or NULL */
	/* Samples 2 k and 2 k + 1 use noise of opposite signs (antithetic variates, Hammersley and Morton 1956).  Each
	 * sample is as good as an independent one; their mean is closer to the posterior mean than the mean of
	 * independent samples. */
	int pairs;
	/* Bounds of the image's values; the prior's output is clipped to them.  NULL: unknown. */
	const double *lowest, *highest;
	struct prior_stock *stock; /* keeps lasting priors between sessions; or NULL */
	/* Called after each step; may be NULL. */
	void (*progress)(void *context, int64_t step, int64_t steps);
	void *progress_context;
	/* Progress within the current step, 0 to 1, if the prior reports it.  Called from any thread, never concurrently;
	 * may be NULL. */
	void (*within)(void *context, double share);
	/* For experiments; each may be NULL.  gaussian replaces the counter-based noise (called from any thread); observe
	 * receives each sigma and state at which the sampler asks for an estimate, in order. */
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

/* The problem must have its measurement, and must outlive the session.  guidance may be NULL if the sampler needs none.
 * Refuses combinations in which a plugin lacks what another needs (LACUNA_NEEDS_...). */
int session_create(struct problem *, const struct plugin_use *prior,
		   const struct plugin_use *guidance, const struct plugin_use *sampler,
		   const struct session_options *, struct session **);
/* Draws one sample into x (x-shaped).  Errors: LACUNA_ECANCELLED, LACUNA_ENUMERIC (NaN), and those of the plugins. */
int session_run(struct session *, uint32_t sample, float *x, struct session_stats *);
/* The guidance alone: x0 ~ E[x0 | u, y], for a step to noise level `next' (< 0: unknown).  LACUNA_EUNSUPPORTED without a
 * guidance. */
int session_estimate(struct session *, double sigma, double next, const float *u, float *x0);
/* The prior alone, with a sigma for each value: x0 = E[x0 | u].  LACUNA_EUNSUPPORTED if it takes no sigma maps.  Unlike
 * the results that plugins get, x0 is not clipped to the image's range: clipping would lose the derivative. */
int session_mean(struct session *, const float *sigma, const float *u, float *x0);
/* The precision that the prior chose (lacuna_prior_info.precision), e.g. "bf16"; NULL if it does not say.  Valid as long
 * as the plugin. */
const char *session_precision(const struct session *);
/* x0 = E[x0 | u, y], if the prior has it in closed form; else LACUNA_EUNSUPPORTED. */
int session_conditional(struct session *, double sigma, const float *u, float *x0);
/* The deviation of the error of an image restored with the prior, from the prior's experience.  LACUNA_EUNSUPPORTED,
 * perhaps without a message, if it has none.  LACUNA_ENUMERIC if a value is not finite or below 0. */
int session_deviation(struct session *, const struct lacuna_estimate *, float *deviation);
void session_destroy(struct session *); /* accepts NULL */

/* Upper estimate of the bytes that a run needs, plugins included, from the shapes alone. */
size_t session_memory(const struct lacuna_shape *x, const struct lacuna_shape *y);

#endif
