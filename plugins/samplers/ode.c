/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* DDIM (Song, Meng, Ermon 2021, equation 12), which is the exponential integrator of the probability-flow ODE, in the
 * variance-exploding scale u = x_t/sqrt(alpha_bar_t): from level sigma to level s < sigma,
 *
 *	u_s = E + sqrt(s^2 - c^2) (u - E)/sigma + c z,	c = eta s sqrt(1 - s^2/sigma^2),  E = E(u, sigma).
 *
 * eta = 1 is ddpm with variance=small.  form=theory is the plain step of Li, Wei, Chen, Chi 2023 (arXiv 2306.09251),
 *
 *	x_{t-1} = (x_t + (1 - alpha_t)/2 score)/sqrt(alpha_t),	here	u_s = u + (sigma^2 - s^2)/2 (E - u)/sigma^2. */
#include <lacuna/plugin.h>
#include "common/levels.h"
#include "common/vector.h"

#include <math.h>

enum { DDIM, THEORY };
static const char *const forms[] = { "ddim", "theory", NULL };

struct config {
	struct schedule_config schedule; /* first */
	double eta;
	int64_t form;
};

struct ode {
	struct levels levels; /* first */
	double eta;
	int64_t form;
};

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	int status;

	if (c->form == THEORY && c->eta > 0)
		return host->fail(host, LACUNA_EINVAL, "form=theory takes no eta");
	status = levels_create(host, &c->schedule, problem, sizeof(struct ode), self);
	if (!status) {
		struct ode *p = *self;

		p->eta = c->eta;
		p->form = c->form;
	}
	return status;
}

static int step(void *self, int64_t k, float *u)
{
	const struct ode *p = self;
	const struct levels *l = &p->levels;
	const double sigma = l->schedule.sigma[k], s = l->schedule.sigma[k + 1];
	const double c = p->eta * s * sqrt(1 - s * s / (sigma * sigma));
	double keep = sqrt(s * s - c * c) / sigma;
	const int status = l->host->guidance->estimate_step(l->host, sigma, s, u, l->estimate);

	if (status)
		return status;
	if (p->form == THEORY && s > 0) /* the last step ends at the estimate itself */
		keep = (1 + s * s / (sigma * sigma)) / 2;
	vector_combine(l->host, l->n, 1 - keep, l->estimate, keep, u, u);
	if (c > 0)
		vector_add_noise(l->host, l->n, c, (uint64_t)k, u);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	SCHEDULE_PARAMS(50),
	LACUNA_PARAM_REAL(struct config, eta, NULL, 0, 1, 0,
			  "fresh noise: 0 none after the start, 1 as much as ddpm"),
	LACUNA_PARAM_CHOICE(struct config, form, forms, DDIM,
			    "exact for a constant noise estimate, or the step of the theory"),
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
	"ode",
	"deterministic diffusion sampler (DDIM, probability-flow ODE)",
	"Follows the probability-flow ODE from the first noise to an image. Only the starting "
	"noise is random. For the same discretisation error it needs fewer steps than "
	"ddpm.\n\n"
	"Do not use it with a guidance that is a rough approximation. The noise of ddpm, or "
	"of eta above 0, corrects errors that the ODE keeps.\n\n"
	"form=theory is the plain step of the convergence proofs. It needs about twice the "
	"steps of ddim.\n\n" SCHEDULE_MANUAL
	"Source: Song, Meng, Ermon, Denoising Diffusion Implicit Models, 2021, equation 12; "
	"form=theory: Li, Wei, Chen, Chi, Towards Faster Non-Asymptotic Convergence for "
	"Diffusion-Based Generative Models, ICLR 2024 (arXiv 2306.09251).",
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
