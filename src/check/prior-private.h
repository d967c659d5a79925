/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Inside the conformance of priors: an instance on trial, and what is examined of it. */
#ifndef CHECK_PRIOR_PRIVATE_H
#define CHECK_PRIOR_PRIVATE_H

#include "check/private.h"
#include "plugin/host.h"

#include <lacuna/conditional.h>
#include <lacuna/deviation.h>

/* Fewer values than PICTURE are no picture to a network: what it makes of them says little. */
enum { PICTURE = 100, PRIOR_TEMPORARIES = 4 };

/* An instance on images of one shape. */
struct prior_trial {
	struct check *c;
	const struct lacuna_prior *prior;
	size_t values;			  /* of the host's denoising problem */
	struct host_context host_context; /* its owner is the trial */
	struct lacuna_host host;
	struct lacuna_problem problem;
	struct lacuna_prior_info info;
	void *self;
	size_t count; /* values per call of the prior */
	size_t scratch_bytes;
	float *temporary[PRIOR_TEMPORARIES]; /* count values each */
};

/* ---- prior-calls.c */

void prior_init_host(struct prior_trial *);
/* For call.run. */
int prior_run_denoise(const struct call *, void *scratch, float *out);
/* Destroys an instance. */
void prior_destroy(const struct prior_trial *, void *self);
struct call prior_call(const struct prior_trial *, const char *name,
		       int (*run)(const struct call *, void *, float *), double sigma);
int prior_denoise(const struct prior_trial *, double sigma, const float *u, float *x0);
/* Runs a call on random images and examines its conduct.  Copies the output to result unless it is NULL. */
void prior_examine_call(const struct prior_trial *, struct call, struct guarded *in0,
			struct guarded *in1, float *result);
/* The geometric mean of the least and the largest sigma. */
double prior_middle_sigma(const struct prior_trial *);
/* rms of a - b; uses the last temporary */
double prior_difference(const struct prior_trial *, const float *a, const float *b);

/* ---- prior-denoise.c */

/* A large array needs no further tests: denoise() must work on it. */
void prior_examine_large(struct prior_trial *);
void prior_examine_denoise(const struct prior_trial *);
void prior_examine_map(const struct prior_trial *);
void prior_examine_symmetry(const struct prior_trial *);
void prior_examine_trained(const struct prior_trial *);

/* ---- prior-derivative.c */

void prior_examine_vjp(const struct prior_trial *);
void prior_examine_jvp(const struct prior_trial *);
void prior_examine_gaussian(const struct prior_trial *);

/* ---- prior-extensions.c */

void prior_examine_deviation(const struct prior_trial *);
void prior_examine_conditional(const struct prior_trial *, const struct lacuna_prior_conditional *);

#endif
