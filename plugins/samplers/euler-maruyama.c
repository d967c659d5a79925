/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Euler-Maruyama on the reverse Ornstein-Uhlenbeck process (De Bortoli 2022, arXiv 2208.05314, section 2), optionally
 * with a clock that speeds up:
 *
 *	x_s = x_t + g (x_t + 2 score) + sqrt(2 g) z,		g = step times clock rate at t,
 *
 * which in the scale u = x_t/sqrt(alpha_bar_t), from level sigma to level s, with v = 1 + sigma^2 = 1/alpha_bar_t, is
 *
 *	u_s = sqrt((1 + s^2)/v) [(1 + g) u + 2 g v (E(u, sigma) - u)/sigma^2] + sqrt(2 g (1 + s^2)) z.
 *
 * Unlike exp-integrator it has the wrong variance after a long step. */
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

/* Time of the process with an even clock. */
static double even_time(double sigma)
{
	return log1p(sigma * sigma) / 2;
}

/* Length of the step times the rate of the clock at its beginning. */
static double advance(const struct levels *p, int64_t k)
{
	const double *sigma = p->schedule.sigma + k;
	const struct schedule_config *c = &p->config;
	double rise, from, to;

	if (c->schedule != SCHEDULE_OU || c->beta == 1)
		return even_time(sigma[0]) - even_time(sigma[1]);
	/* solve B = t + rise t^2/2 for t */
	rise = (c->beta - 1) / c->horizon;
	from = sqrt(1 + 2 * rise * even_time(sigma[0]));
	to = sqrt(1 + 2 * rise * even_time(sigma[1]));
	return (from - to) / rise * from;
}

static int step(void *self, int64_t k, float *u)
{
	const struct levels *p = self;
	const double sigma = p->schedule.sigma[k], s = p->schedule.sigma[k + 1];
	const double g = advance(p, k), v = 1 + sigma * sigma, vs = 1 + s * s;
	const double scale = sqrt(vs / v), c = 2 * g * v / (sigma * sigma);
	const int status = p->host->guidance->estimate_step(p->host, sigma, s, u, p->estimate);

	if (status)
		return status;
	if (s == 0) { /* ends at the estimate itself */
		memcpy(u, p->estimate, p->n * sizeof *u);
		return LACUNA_OK;
	}
	vector_combine(p->host, p->n, scale * c, p->estimate, scale * (1 + g - c), u, u);
	vector_add_noise(p->host, p->n, sqrt(2 * g * vs), (uint64_t)k, u);
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
	"euler-maruyama",
	"Euler-Maruyama on the reverse Ornstein-Uhlenbeck process",
	"The simplest discretisation of the reverse diffusion, for studies. Theorems on step "
	"size, early stopping and clock are stated for it, and for exp-integrator. It uses "
	"the same levels. With schedule=ou, beta is the rate of the clock at the horizon.\n\n"
	"Do not use it for images. It diverges where a step is longer than about sigma^2 in "
	"the time of the process, that is where a level is less than 0.4 of the one before. "
	"Elsewhere it is less exact than exp-integrator or ddpm. Give it hundreds of "
	"steps.\n\n" SCHEDULE_MANUAL
	"Source: De Bortoli, Convergence of Denoising Diffusion Models under the Manifold "
	"Hypothesis, TMLR 2022 (arXiv 2208.05314), section 2.",
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
