/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Diffusion-model posterior sampling (Meng, Kabashima 2022, arXiv 2211.12343, equation 13): the prior's score plus that
 * of a pseudo-likelihood, in which x0 given u is N(u, sigma^2 I), as if the prior were flat. In the scale u = x0 + sigma
 * n,
 *
 *	E = D + weight A' (A A' + rho I)^-1 (y - A u),		rho = noise^2/sigma^2,
 *	  = D + weight (A'A + rho I)^-1 A' (y - A u).
 *
 * Dropping the measured part of the prior's score, that is with D + P (u - D) in place of D, gives bo (theory of both:
 * Liang et al. 2025). */
#include <lacuna/plugin.h>
#include "common/vector.h"

#include <math.h>

struct config {
	double weight;
};

struct dmps {
	const struct lacuna_host *host;
	const float *y;
	double weight, noise2;
	size_t nx, ny;
};

static void destroy(void *self)
{
	struct dmps *p = self;

	if (p)
		p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct dmps *p = host->alloc(host, sizeof *p);

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->y = problem->measurement;
	p->weight = c->weight;
	p->noise2 = problem->noise * problem->noise;
	p->nx = lacuna_count(&problem->x);
	p->ny = lacuna_count(&problem->y);
	*self = p;
	return LACUNA_OK;
}

static size_t scratch_bytes(const void *self)
{
	const struct dmps *p = self;

	return 2 * vector_bytes(p->nx) + vector_bytes(p->ny);
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	/* With a smaller rho, rounding errors of A'(y - A u) would dominate where A passes nothing. */
	static const double least_rho = 1e-5;
	const struct dmps *p = self;
	const struct lacuna_host *host = p->host;
	const double rho = fmax(p->noise2 / (sigma * sigma), least_rho);
	float *b = scratch;
	float *correction = (float *)((char *)scratch + vector_bytes(p->nx));
	float *residual = (float *)((char *)scratch + 2 * vector_bytes(p->nx));
	int status = host->problem->apply(host, u, residual);

	if (status)
		return status;
	vector_combine(host, p->ny, 1, p->y, -1, residual, residual);
	status = host->problem->adjoint(host, NULL, residual, b);
	if (status)
		return status;
	vector_fill(p->nx, 0, correction);
	status = host->problem->solve(host, rho, b, correction);
	if (status)
		return status;
	status = host->prior->denoise(host, sigma, u, x0);
	if (status)
		return status;
	vector_combine(host, p->nx, 1, x0, p->weight, correction, x0);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, weight, NULL, 0, 100, 1,
			  "factor on the score of the measurement (the authors' code: 1.75)"),
};

static const struct lacuna_guidance family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_LINEAR,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_bytes,
	.estimate = estimate,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
	"dmps",
	"score of the prior plus that of the measurement under a flat prior",
	"Adds the score of the measurement to that of the prior, as if nothing were known of "
	"the image but the noisy state. It needs one inversion a step and no derivative of "
	"the prior. With weight 1 it differs from bo in one point: it keeps the prior's score "
	"in the measured part, so it denoises measured pixels.\n\n"
	"Do not use it for noiseless measurements: it pulls them towards the noisy state "
	"instead of the denoised one (use ddnm or exact). Do not use it where samples must be "
	"free of bias: prior and measurement both count in full, although they overlap at "
	"high noise levels. It is for comparison with bo; prox is more robust.\n\n"
	"Source: Meng, Kabashima, Diffusion Model Based Posterior Sampling for Noisy Linear "
	"Inverse Problems, arXiv 2211.12343, equation 13; compared in Liang, Ju, Liang, "
	"Shroff, ICLR 2025 (arXiv 2410.13746).",
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
