/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Gaussian mixtures of low dimension: the targets of a study.  They have closed forms for everything, also after a linear
 * measurement with Gaussian noise. */
#ifndef STUDY_MIXTURE_H
#define STUDY_MIXTURE_H

#include <stddef.h>
#include <stdint.h>

/* p(x) = sum_k weight_k N(x; mean_k, cov_k).  Covariances of 0 give points. */
struct mixture {
	int dim, count;
	double *weight; /* sum to 1 */
	double *mean;	/* count vectors */
	double *cov;	/* count matrices */
};

/* Sets equal weights, and all else to 0. */
int mixture_create(struct mixture *, int dim, int count);
void mixture_free(struct mixture *); /* leaves an empty mixture; accepts an empty one */
int mixture_copy(const struct mixture *, struct mixture *);

/* Reads the text format of the prior gmm, which documents it. */
int mixture_read(const char *path, struct mixture *);
/* The mixture in that format; release it with memory_release(). */
char *mixture_text(const struct mixture *);

/* The posterior of x after y = H x + noise n; H has `rows' rows of dim values. */
int mixture_condition(const struct mixture *prior, int rows, const double *h, const double *y,
		      double noise, struct mixture *posterior);
/* Replaces the mixture by the distribution of x + sigma n. */
void mixture_smear(struct mixture *, double sigma);
void mixture_moments(const struct mixture *, double *mean, double *cov);

/* Draws n vectors, ordered by component.  Systematic sampling divides them among the components, so the sample is more
 * even than an independent one.  In one dimension they are the quantiles (i + 1/2)/n, whatever the seed. */
int mixture_sample(const struct mixture *, uint64_t seed, size_t n, double *x);
/* Draws n independent vectors, ordered by component. */
int mixture_sample_independent(const struct mixture *, uint64_t seed, size_t n, double *x);
/* E[x | x + sigma n = u] for n vectors; sigma > 0. */
int mixture_denoise(const struct mixture *, double sigma, size_t n, const double *u, double *x0);
/* log p(x) of n vectors; the covariances must be nonsingular. */
int mixture_log_density(const struct mixture *, size_t n, const double *x, double *log_density);

/* Lower triangular root with root root' = cov; cov is positive semidefinite. */
void mixture_root(int dim, const double *cov, double *root);

#endif
