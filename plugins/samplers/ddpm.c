/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Ancestral sampling, DDPM (Ho, Jain, Abbeel 2020, equations 6 and 7), in the variance-exploding scale
 * u = x_t/sqrt(alpha_bar_t): from level sigma to level s < sigma,
 *
 *	u_s = (1 - w) E(u, sigma) + w u + sd z,		w = s^2/sigma^2,
 *
 * which is exact for steps of any length.  The three variances of the literature, and what they are here:
 *	small	beta_t (1 - ab_{t-1})/(1 - ab_t)	s^2 (1 - w)
 *	theory	(1 - alpha_t)/alpha_t			sigma^2 - s^2
 *	large	beta_t					(sigma^2 - s^2)(1 + s^2)/(1 + sigma^2)	*/
#include <lacuna/plugin.h>
#include "common/schedule.h"
#include "common/vector.h"

#include <math.h>

enum { SMALL, THEORY, LARGE };
static const char *const variances[] = { "small", "theory", "large", NULL };

struct config {
	struct schedule_config schedule; /* first */
	int64_t variance;
};

struct ddpm {
	const struct lacuna_host *host;
	const struct lacuna_problem *problem;
	struct schedule_config config;
	struct schedule schedule;
	int64_t variance;
	size_t n;
	float *estimate;
};

static void destroy(void *self)
{
	struct ddpm *p = self;

	if (!p)
		return;
	schedule_free(p->host, &p->schedule);
	p->host->release(p->host, p->estimate);
	p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct ddpm *p = host->alloc(host, sizeof *p);
	int status;

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->problem = problem;
	p->config = c->schedule;
	p->variance = c->variance;
	p->n = lacuna_count(&problem->x);
	status = schedule_create(host, &c->schedule, &p->schedule);
	p->estimate = status ? NULL : host->alloc(host, p->n * sizeof *p->estimate);
	if (!p->estimate) {
		destroy(p);
		return status ? status : LACUNA_ENOMEM;
	}
	*self = p;
	return LACUNA_OK;
}

static int64_t steps(const void *self)
{
	const struct ddpm *p = self;

	return p->schedule.steps;
}

static int start(void *self, float *u)
{
	const struct ddpm *p = self;

	return schedule_start(p->host, &p->config, &p->schedule, p->problem, u);
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
	const double sigma = p->schedule.sigma[k], s = p->schedule.sigma[k + 1];
	const double w = s * s / (sigma * sigma);
	const int status = p->host->estimate_step(p->host, sigma, s, u, p->estimate);

	if (status)
		return status;
	vector_combine(p->host, p->n, 1 - w, p->estimate, w, u, u);
	if (s > 0) /* the last step ends at the estimate itself */
		vector_add_noise(p->host, p->n, sqrt(variance(p->variance, sigma, s)), (uint64_t)k,
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
	.destroy = destroy,
	.steps = steps,
	.start = start,
	.step = step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	"ddpm",
	"stochastic diffusion sampler (ancestral sampling)",
	"Runs the reverse diffusion with fresh noise at every step, so that each run is "
	"another sample of the images that fit the measurement. Use it to see what is "
	"uncertain (--samples, --std); their mean is a good point estimate.\n"
	"Not for a single best picture at least cost: hqs, or ode, need fewer evaluations.\n"
	"variance=small is the variance of the posterior of a step and best with few steps; "
	"theory is the one convergence proofs are written for; all agree as steps "
	"grow.\n" SCHEDULE_MANUAL
	"Source: Ho, Jain, Abbeel, Denoising Diffusion Probabilistic Models, 2020, equations 6 "
	"and 7; variance=theory: Liang, Ju, Liang, Shroff, arXiv 2410.13746.",
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
