/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Runs real plugins on a known target with a measurement.  One run has many chains: an image dim wide and `chains' high
 * stands for that many independent problems. */
#ifndef STUDY_LABORATORY_H
#define STUDY_LABORATORY_H

#include "engine/problem.h"
#include "study/mixture.h"

struct laboratory {
	struct mixture target, posterior;   /* posterior: of x0 given y */
	const struct plugin_use *operators; /* at least one */
	size_t operator_count;
	double noise;
	int rows;     /* length of y for one chain */
	double *h;    /* the operator as a matrix: rows x dim */
	double *y;    /* the measurement */
	double smear; /* results are compared with x0 + smear n, as finish=none stops at this level */
	double blur;	/* sd of noise added to both laws before the KL is computed */
	int64_t chains; /* per run */
	uint64_t seed;
	int measured; /* 0: no measurement; the posterior is the target */

	void (*progress)(void *context, int64_t step, int64_t steps);
};

/* Completes a laboratory whose target, operators, noise, smear, chains and seed are set.  y_text: numbers separated by
 * blanks, or NULL to measure a draw from the target. */
int laboratory_open(struct laboratory *, const char *y_text);
void laboratory_close(struct laboratory *); /* also frees the target; accepts an empty one */

/* The method to study; guidance may be NULL. */
struct method_use {
	const struct plugin_use *prior, *guidance, *sampler;
};

/* Unknown values are NaN. */
struct findings {
	int64_t steps, evaluations;
	int exact; /* moments and KL are those of the exact distribution, not of samples */
	double kl; /* KL(truth || sampler) */
	double sliced_w2, w1;
	double mean_error, cov_error; /* Euclidean, Frobenius */
	double w_bias;		      /* sum (1 - alpha_t)/2 E||Delta_t||^2 */
	double cover[3],
		cover_error; /* coverage of the intervals of laboratory_levels; its largest standard error */
};

int laboratory_run(const struct laboratory *, const struct method_use *, struct findings *);
/* As laboratory_run(), with exact samples in place of the sampler: shows the sampling error alone. */
int laboratory_floor(const struct laboratory *, struct findings *);

/* Probabilities of the central credible intervals, each computed from LABORATORY_DRAWS posterior draws. */
enum { LABORATORY_DRAWS = 39, LABORATORY_LEVELS = 3 };
extern const double laboratory_levels[LABORATORY_LEVELS];
/* Finds steps, evaluations and cover only: each chain has its own x0 from the target and its own measurement. */
int laboratory_cover(const struct laboratory *, const struct method_use *, struct findings *);

#endif
