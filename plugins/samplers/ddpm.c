/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Ancestral sampling, DDPM (Ho, Jain, Abbeel 2020, equations 6 and 7), in the variance-exploding scale
 * u = x_t/sqrt(alpha_bar_t): from level sigma to level s < sigma,
 *
 *	u_s = (1 - w) E(u, sigma) + w u + sd z,		w = s^2/sigma^2,
 *
 * which is exact for steps of any length. The three variances of the literature (sd^2) and their form here:
 *	small	beta_t (1 - ab_{t-1})/(1 - ab_t)	s^2 (1 - w)
 *	theory	(1 - alpha_t)/alpha_t			sigma^2 - s^2
 *	large	beta_t					(sigma^2 - s^2)(1 + s^2)/(1 + sigma^2) */
#include <lacuna/plugin.h>
#include "common/levels.h"
#include "common/vector.h"

#include <math.h>

enum { SMALL, THEORY, LARGE };
static const char *const variances[] = { "small", "theory", "large", NULL };

struct config {
	struct schedule_config schedule; /* first */
	int64_t variance;
};

struct ddpm {
	struct levels levels; /* first */
	int64_t variance;
};

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	int status;

	status = levels_create(host, &c->schedule, problem, sizeof(struct ddpm), self);
	if (!status) {
		struct ddpm *p = *self;

		p->variance = c->variance;
	}
	return status;
}

static double variance(int64_t kind, double sigma, double s)
{
	switch (kind) {
	case THEORY:
		return sigma * sigma - s * s;
	case LARGE:
		return (sigma * sigma - s * s) * (1 + s * s) / (1 + sigma * sigma);
	default:
		return s * s * (sigma * sigma - s * s) / (sigma * sigma);
	}
}

static int step(void *self, int64_t k, float *u)
{
	const struct ddpm *p = self;
	const struct levels *l = &p->levels;
	const double sigma = l->schedule.sigma[k], s = l->schedule.sigma[k + 1];
	const double w = s * s / (sigma * sigma);
	const int status = l->host->guidance->estimate_step(l->host, sigma, s, u, l->estimate);

	if (status)
		return status;
	vector_combine(l->host, l->n, 1 - w, l->estimate, w, u, u);
	if (s > 0) /* the last step ends at the estimate itself */
		vector_add_noise(l->host, l->n, sqrt(variance(p->variance, sigma, s)), (uint64_t)k,
				 u);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	SCHEDULE_PARAMS(100),
	LACUNA_PARAM_CHOICE(struct config, variance, variances, SMALL,
			    "variance of a step: posterior (small), of the theory papers, or beta"),
};

static const struct lacuna_sampler family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_GUIDANCE,
	.create = create,
	.destroy = levels_destroy,
	.steps = levels_steps,
	.start = levels_start,
	.step = step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	"ddpm",
	"stochastic diffusion sampler (ancestral sampling)",
	"Runs the reverse diffusion with fresh noise at every step. Each run gives another "
	"sample of the images that fit the measurement. Use it to see what is uncertain "
	"(--samples, --std). The mean of the samples is a good estimate.\n\n"
	"Do not use it for a single best image at low cost: hqs and ode need fewer "
	"evaluations.\n\n"
	"variance=small is the posterior variance of a step and is best with few steps. "
	"variance=theory is the one used in convergence proofs. All agree when there are many "
	"steps.\n\n" SCHEDULE_MANUAL
	"Source: Ho, Jain, Abbeel, Denoising Diffusion Probabilistic Models, 2020, equations "
	"6 and 7; variance=theory: Liang, Ju, Liang, Shroff, arXiv 2410.13746.",
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
