/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Exponential integrator of the reverse Ornstein-Uhlenbeck process (Chen, Chewi, Li, Li, Salim, Zhang 2023, arXiv
 * 2209.11215, section 2.1; with a time-changed process De Bortoli 2022, arXiv 2208.05314, section 2): the score is frozen
 * over a step, the rest is exact.  With a = alpha_bar_t/alpha_bar_s for a step from t to s,
 *
 *	x_s = x_t/sqrt(a) + 2 (1/sqrt(a) - 1) score + sqrt(1/a - 1) z,
 *
 * which in the scale u = x_t/sqrt(alpha_bar_t), from level sigma to level s, is
 *
 *	u_s = u + c (E(u, sigma) - u) + sqrt(sigma^2 - s^2) z,
 *	c = 2 (1 + sigma^2 - sqrt((1 + sigma^2)(1 + s^2)))/sigma^2. */
#include <lacuna/plugin.h>
#include "common/levels.h"
#include "common/vector.h"

#include <math.h>
#include <string.h>

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	return levels_create(host, config, problem, sizeof(struct levels), self);
}

static int step(void *self, int64_t k, float *u)
{
	const struct levels *p = self;
	const double sigma = p->schedule.sigma[k], s = p->schedule.sigma[k + 1];
	const double h = (sigma - s) * (sigma + s);
	const double a = sqrt(1 + sigma * sigma), b = sqrt(1 + s * s);
	const double c = 2 * a * h / (a + b) / (sigma * sigma);
	const int status = p->host->guidance->estimate_step(p->host, sigma, s, u, p->estimate);

	if (status)
		return status;
	if (s == 0) { /* ends at the estimate itself */
		memcpy(u, p->estimate, p->n * sizeof *u);
		return LACUNA_OK;
	}
	vector_combine(p->host, p->n, c, p->estimate, 1 - c, u, u);
	vector_add_noise(p->host, p->n, sqrt(h), (uint64_t)k, u);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = { SCHEDULE_PARAMS(100) };

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
	"exp-integrator",
	"exponential integrator of the reverse Ornstein-Uhlenbeck process",
	"Solves the reverse diffusion exactly, except that the score is constant over a step. "
	"Convergence theorems are proven for this discretisation, on any grid of levels. "
	"schedule=ou spaces the levels evenly in the time of the process, or of a process "
	"whose clock speeds up (beta), and stops early at the time given by stop. "
	"schedule=geometric is the step rule of De Bortoli: steps proportional to "
	"sigma^2.\n\n"
	"It is for studies. Do not use it for images in few steps: ddpm with variance=small "
	"adds less noise a step and is better there.\n\n" SCHEDULE_MANUAL
	"Source: Chen, Chewi, Li, Li, Salim, Zhang, Sampling Is as Easy as Learning the "
	"Score, ICLR 2023 (arXiv 2209.11215), section 2.1; De Bortoli, Convergence of "
	"Denoising Diffusion Models under the Manifold Hypothesis, TMLR 2022 (arXiv "
	"2208.05314), section 2.",
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct schedule_config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
