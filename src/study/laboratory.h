/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A known target, measured, and real plugins at work on it: many chains in one run, an image dim wide and `chains'
 * high being that many independent problems. */
#ifndef STUDY_LABORATORY_H
#define STUDY_LABORATORY_H

#include "engine/problem.h"
#include "study/mixture.h"

struct laboratory {
	struct mixture target, posterior;   /* of x0 given y */
	const struct plugin_use *operators; /* one at least */
	size_t operator_count;
	double noise;
	int rows;     /* values of y for one chain */
	double *h;    /* the operator: rows x dim */
	double *y;    /* what was measured */
	double smear; /* results are compared with x0 + smear n: where finish=none stops */
	double blur; /* added to both laws before the KL of samples; 0: that is told by neighbours */
	int64_t chains; /* of a run */
	uint64_t seed;
	int measured; /* 0: there is no measurement; the posterior is the target */

	void (*progress)(void *context, int64_t step, int64_t steps);
};

/* Fills in the rest of a laboratory whose target, operators, noise, smear, chains and seed stand.  y_text: numbers in
 * blanks, or NULL: a measurement of a draw from the target. */
int laboratory_open(struct laboratory *, const char *y_text);
void laboratory_close(struct laboratory *); /* target included; accepts an empty one */

/* The method under study; guidance may be NULL. */
struct method_use {
	const struct plugin_use *prior, *guidance, *sampler;
};

/* What is not known is NaN. */
struct findings {
	int64_t steps, evaluations;
	int exact; /* moments and KL are of the sampler's law itself, not of samples */
	double kl; /* KL(truth || sampler) */
	double sliced_w2, w1;
	double mean_error, cov_error; /* Euclidean, Frobenius */
	double w_bias;		      /* sum (1 - alpha_t)/2 E||Delta_t||^2 */
	double cover[3],
		cover_error; /* of the intervals of laboratory_levels; standard error at most */
};

int laboratory_run(const struct laboratory *, const struct method_use *, struct findings *);
/* The same numbers for a second exact sample in the sampler's place: what sampling error alone gives. */
int laboratory_floor(const struct laboratory *, struct findings *);

/* Probability of central credible intervals made of LABORATORY_DRAWS draws of the posterior. */
enum { LABORATORY_DRAWS = 39, LABORATORY_LEVELS = 3 };
extern const double laboratory_levels[LABORATORY_LEVELS];
/* Only steps, evaluations and cover: every chain has its own x0 from the target and its own measurement. */
int laboratory_cover(const struct laboratory *, const struct method_use *, struct findings *);

#endif
