/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Gaussian mixtures in small dimension: the targets of a study.  Everything about them is known in closed form, also
 * after a linear measurement with Gaussian noise. */
#ifndef STUDY_MIXTURE_H
#define STUDY_MIXTURE_H

#include <stddef.h>
#include <stdint.h>

/* p(x) = sum_k weight_k N(x; mean_k, cov_k).  A covariance may be 0: points. */
struct mixture {
	int dim, count;
	double *weight; /* sum to 1 */
	double *mean;	/* count vectors */
	double *cov;	/* count matrices */
};

/* Equal weights, the rest 0. */
int mixture_create(struct mixture *, int dim, int count);
void mixture_free(struct mixture *); /* leaves an empty one; accepts it */
int mixture_copy(const struct mixture *, struct mixture *);

/* The text form that the prior gmm reads and explains. */
int mixture_read(const char *path, struct mixture *);
/* For memory_release(). */
char *mixture_text(const struct mixture *);

/* What is known of x after y = H x + noise n; H has `rows' rows of dim values. */
int mixture_condition(const struct mixture *prior, int rows, const double *h, const double *y,
		      double noise, struct mixture *posterior);
/* The law of x + sigma n. */
void mixture_smear(struct mixture *, double sigma);
void mixture_moments(const struct mixture *, double *mean, double *cov);

/* n vectors.  The components take turns as their weights say (systematic sampling), so that the sample is more even than an
 * independent one; vectors are in the order of their components.  In one dimension they are the quantiles
 * (i + 1/2)/n, whatever the seed. */
int mixture_sample(const struct mixture *, uint64_t seed, size_t n, double *x);
/* n independent vectors, in the order of their components. */
int mixture_sample_independent(const struct mixture *, uint64_t seed, size_t n, double *x);
/* E[x | x + sigma n = u] for n vectors; sigma > 0. */
int mixture_denoise(const struct mixture *, double sigma, size_t n, const double *u, double *x0);
/* log p(x) of n vectors; the covariances must be regular. */
int mixture_log_density(const struct mixture *, size_t n, const double *x, double *log_density);

/* The lower triangle whose root root' = cov, which is positive semidefinite. */
void mixture_root(int dim, const double *cov, double *root);

#endif
