/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The run loop: prior, guidance and sampler on a problem. */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include "engine/problem.h"

struct session;

struct session_options {
	uint64_t seed;
	uint32_t image;	    /* page or file number: another noise */
	const float *start; /* x-shaped start image, or NULL */
	/* After each step; may be NULL. */
	void (*progress)(void *context, int64_t step, int64_t steps);
	void *progress_context;
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
void session_destroy(struct session *); /* accepts NULL */

/* Bytes a run will need at most, plugins included, estimated from the shapes alone. */
size_t session_memory(const struct lacuna_shape *x, const struct lacuna_shape *y);

#endif
