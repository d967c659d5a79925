/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Diffusion posterior sampling (Chung, Kim, McCann, Klasky, Ye, ICLR 2023, arXiv 2209.14687, equation 16 and algorithm
 * 1): a step of the unconditional sampler, followed by a step along the gradient of the squared misfit,
 *
 *	x_s -= zeta/||y - A D|| grad ||y - A D||^2,	the gradient with respect to the state before the step.
 *
 * In the paper x is the variance-preserving state of an image of -1 to 1. With u = x0 + sigma n for an image of 0 to 1,
 * alpha_bar = 1/(1 + (2 sigma)^2), and J the Jacobian of D, it becomes
 *
 *	u_s += zeta sqrt((1 + 4 sigma^2) (1 + 4 s^2)) J' A' (y - A D)/||y - A D||.
 *
 * A step from sigma to s goes to (1 - w) E + w u plus noise, w = s^2/sigma^2 (sampler ddpm and others; the estimate is
 * the same for all), so what is added to D is divided by 1 - w first. For a nonlinear operator A' is the adjoint of its
 * Jacobian at D. */
#include <lacuna/plugin.h>
#include "common/vector.h"

#include <math.h>

struct config {
	double zeta, ratio;
	int64_t block;
};

struct dps {
	const struct lacuna_host *host;
	const float *y;
	double zeta, ratio;
	size_t nx, ny, block;
};

static void destroy(void *self)
{
	struct dps *p = self;

	if (p)
		p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	const size_t ny = lacuna_count(&problem->y);
	struct dps *p;

	if (c->block && ny % (size_t)c->block)
		return host->fail(host, LACUNA_EINVAL,
				  "block=%lld does not divide the %zu values of the measurement",
				  (long long)c->block, ny);
	p = host->alloc(host, sizeof *p);
	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->y = problem->measurement;
	p->zeta = c->zeta;
	p->ratio = c->ratio;
	p->nx = lacuna_count(&problem->x);
	p->ny = ny;
	p->block = c->block ? (size_t)c->block : ny;
	*self = p;
	return LACUNA_OK;
}

static size_t scratch_bytes(const void *self)
{
	const struct dps *p = self;

	return 2 * vector_bytes(p->nx) + vector_bytes(p->ny);
}

/* Divides each block by its norm, unless the norm is 0. */
static void normalise(const struct dps *p, float *residual)
{
	for (size_t i = 0; i < p->ny; i += p->block) {
		float *r = residual + i;
		const double norm = sqrt(vector_inner(p->host, p->block, r, r));

		if (norm > 0)
			vector_combine(p->host, p->block, 1 / norm, r, 0, r, r);
	}
}

static int estimate_step(const void *self, void *scratch, double sigma, double s, const float *u,
			 float *x0)
{
	const struct dps *p = self;
	const struct lacuna_host *host = p->host;
	const double w = s * s / (sigma * sigma);
	const double step = p->zeta * sqrt((1 + 4 * sigma * sigma) * (1 + 4 * s * s)) / (1 - w);
	float *v = scratch;
	float *gradient = (float *)((char *)scratch + vector_bytes(p->nx));
	float *residual = (float *)((char *)scratch + 2 * vector_bytes(p->nx));
	int status = host->prior->denoise(host, sigma, u, x0);

	if (!status)
		status = host->problem->apply(host, x0, residual);
	if (status)
		return status;
	vector_combine(host, p->ny, 1, p->y, -1, residual, residual);
	normalise(p, residual);
	status = host->problem->adjoint(host, x0, residual, v);
	if (!status)
		status = host->prior->denoise_vjp(host, sigma, u, v, gradient);
	if (status)
		return status;
	vector_combine(host, p->nx, 1, x0, step, gradient, x0);
	return LACUNA_OK;
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct dps *p = self;

	return estimate_step(self, scratch, sigma, p->ratio * sigma, u, x0);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, zeta, NULL, 0, 1e6, 1,
			  "length of the step along the gradient, as in the paper's algorithm 1"),
	LACUNA_PARAM_REAL(struct config, ratio, NULL, 0, 0.9999, 0.9,
			  "next level as a part of this one, for samplers that do not say"),
	LACUNA_PARAM_INT(struct config, block, NULL, 0, 1 << 30, 0,
			 "measured values that share a norm; 0: all, as in the paper"),
};

static const struct lacuna_guidance family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_VJP,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_bytes,
	.estimate = estimate,
	.estimate_step = estimate_step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
	"dps",
	"a gradient step on the misfit after every step of the prior (DPS)",
	"After every step the state moves along the gradient of the misfit, which goes through "
	"the prior's derivative; zeta sets the length. It takes any operator, linear or not, "
	"and needs no noise level.\n\n"
	"Use it to compare with the literature, with ddpm and 1000 steps, for which the authors "
	"chose zeta. With fewer steps zeta must be larger, and there may be no good value. Do "
	"not use it where samples must be free of bias: zeta, not the noise, decides how "
	"closely they follow the measurement. Each step costs one evaluation of the prior and "
	"one derivative (for unet somewhat more than two evaluations). It needs a prior with a "
	"derivative (unet, gaussian, gmm).\n\n"
	"zeta is that of algorithm 1, for images of -1 to 1. The authors' code takes the "
	"gradient of the norm, while algorithm 1 takes that of its square and divides it by the "
	"norm. So the scale in their code is twice this zeta: 0.3 there is 0.15 here. block is "
	"for lacuna study, where each chain is one image: if block is the number of values that "
	"one chain measures, each chain has its own norm.\n\n"
	"Source: Chung, Kim, McCann, Klasky, Ye, Diffusion Posterior Sampling for General Noisy "
	"Inverse Problems, ICLR 2023 (arXiv 2209.14687), equation 16, algorithm 1.",
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
