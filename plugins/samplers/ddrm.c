/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Denoising diffusion restoration models (Kawar, Elad, Ermon, Song 2022, equations 7 and 8): an eigencomponent of A'A
 * with eigenvalue lambda is measured with noise n = noise/sqrt(lambda), and has its own step from level sigma to level s,
 *
 *	unmeasured	u_s = D + sqrt(1 - eta^2) s (u - D)/sigma + eta s z
 *	s < n		u_s = D + sqrt(1 - eta^2) s (ybar - D)/n + eta s z
 *	s >= n		u_s = D + eta_b (ybar - D) + sqrt(s^2 - eta_b^2 n^2) z
 *
 * with ybar = A^+ y. Each step is written as three gains (common/components.h). */
#include <lacuna/plugin.h>
#include "common/components.h"

#include <math.h>

struct config {
	struct schedule_config schedule; /* first */
	double eta, eta_b, floor;
};

struct ddrm {
	struct components components; /* first */
	double eta, eta_b;
};

/* The context of a gain. */
struct level {
	struct components_level level; /* first */
	double eta, eta_b;
};

static double keep_state(double lambda, const void *context)
{
	const struct level *l = context;

	return lambda > l->level.tolerance
		       ? 0
		       : sqrt(1 - l->eta * l->eta) * l->level.s / l->level.sigma;
}

static double take_measurement(double lambda, const void *context)
{
	const struct level *l = context;
	const double n = components_noise(lambda, &l->level);

	if (!(lambda > l->level.tolerance))
		return 0;
	if (l->level.s < n)
		return sqrt(1 - l->eta * l->eta) * l->level.s / (n * lambda);
	return l->eta_b / lambda;
}

static double fresh_noise(double lambda, const void *context)
{
	const struct level *l = context;
	const double s = l->level.s, n = components_noise(lambda, &l->level);

	return s < n ? l->eta * s : sqrt(s * s - l->eta_b * l->eta_b * n * n);
}

static const struct components_gains gains = { keep_state, take_measurement, fresh_noise };

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	const int status =
		components_create(host, &c->schedule, c->floor, problem, sizeof(struct ddrm), self);

	if (!status) {
		struct ddrm *p = *self;

		p->eta = c->eta;
		p->eta_b = c->eta_b;
	}
	return status;
}

static int step(void *self, int64_t k, float *u)
{
	const struct ddrm *p = self;
	const struct level l = { components_level(&p->components, k), p->eta, p->eta_b };

	return components_step(&p->components, k, &gains, &l, u);
}

static const struct lacuna_param params[] = {
	SCHEDULE_PARAMS(20),
	LACUNA_PARAM_REAL(struct config, eta, NULL, 0, 1, 0.85,
			  "fresh noise in what is not measured, as a part of the level"),
	LACUNA_PARAM_REAL(struct config, eta_b, NULL, 0, 1, 1,
			  "trust in the measurement where its noise is below the level"),
	LACUNA_PARAM_REAL(struct config, floor, NULL, 0, 1, 1e-3,
			  "singular values below this part of the largest count as not measured"),
};

static const struct lacuna_sampler family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_LINEAR,
	.create = create,
	.destroy = components_destroy,
	.steps = levels_steps,
	.start = components_start,
	.step = step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	"ddrm",
	"diffusion in the operator's spectrum, each component at its own noise level",
	"Runs the reverse diffusion separately for each singular value of the operator. What "
	"the measurement knows better than the state is taken from it, with as much fresh "
	"noise as keeps the level. What it does not know comes from the prior. It gives "
	"samples in 20 steps and takes no guidance. eta_b=1 is DDNM+ in the singular "
	"basis.\n\n"
	"Do not use it for operators without a closed spectral form (blur with "
	"boundary=valid, compositions): Lanczos approximates their gains badly, because they "
	"jump. Use gibbs there, or ddpm with prox. It has a bias: a measured component counts "
	"as known up to its noise, whatever the prior says of it.\n\n" SCHEDULE_MANUAL
	"Source: Kawar, Elad, Ermon, Song, Denoising Diffusion Restoration Models, NeurIPS "
	"2022, equations 7 and 8; eta and eta_b as in their experiments.",
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
