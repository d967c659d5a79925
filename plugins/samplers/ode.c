/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* DDIM (Song, Meng, Ermon 2021, equation 12), which is the exponential integrator of the probability-flow ODE, in the
 * variance-exploding scale u = x_t/sqrt(alpha_bar_t): from level sigma to level s < sigma,
 *
 *	u_s = E + sqrt(s^2 - c^2) (u - E)/sigma + c z,	c = eta s sqrt(1 - s^2/sigma^2),  E = E(u, sigma).
 *
 * eta = 1 is ddpm with variance=small. */
#include <lacuna/plugin.h>
#include "common/schedule.h"
#include "common/vector.h"

#include <math.h>

struct config {
	struct schedule_config schedule; /* first */
	double eta;
};

struct ode {
	const struct lacuna_host *host;
	const struct lacuna_problem *problem;
	struct schedule_config config;
	struct schedule schedule;
	double eta;
	size_t n;
	float *estimate;
};

static void destroy(void *self)
{
	struct ode *p = self;

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
	struct ode *p = host->alloc(host, sizeof *p);
	int status;

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->problem = problem;
	p->config = c->schedule;
	p->eta = c->eta;
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
	const struct ode *p = self;

	return p->schedule.steps;
}

static int start(void *self, float *u)
{
	const struct ode *p = self;

	return schedule_start(p->host, &p->config, &p->schedule, p->problem, u);
}

static int step(void *self, int64_t k, float *u)
{
	const struct ode *p = self;
	const double sigma = p->schedule.sigma[k], s = p->schedule.sigma[k + 1];
	const double c = p->eta * s * sqrt(1 - s * s / (sigma * sigma));
	const double keep = sqrt(s * s - c * c) / sigma;
	const int status = p->host->estimate_step(p->host, sigma, s, u, p->estimate);

	if (status)
		return status;
	vector_combine(p->host, p->n, 1 - keep, p->estimate, keep, u, u);
	if (c > 0)
		vector_add_noise(p->host, p->n, c, (uint64_t)k, u);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	SCHEDULE_PARAMS(50),
	LACUNA_PARAM_REAL(struct config, eta, NULL, 0, 1, 0,
			  "fresh noise: 0 none after the start, 1 as much as ddpm"),
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
	"ode",
	"deterministic diffusion sampler (DDIM, probability-flow ODE)",
	"Follows the probability-flow ODE from the first noise to an image: one sample, its "
	"only chance the starting noise. It needs fewer steps than ddpm for the same "
	"discretisation error.\n"
	"Not when the guidance is a rough approximation: the noise of ddpm, or eta above 0, "
	"corrects errors that the ODE keeps.\n" SCHEDULE_MANUAL
	"Source: Song, Meng, Ermon, Denoising Diffusion Implicit Models, 2021, equation 12.",
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
