/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Pseudoinverse-guided diffusion (Song, Vahdat, Mardani, Kautz, ICLR 2023): x0 given u is assumed to be N(D, r^2 I). Then
 * y given u is N(A D, r^2 A A' + noise^2 I), and its score with respect to u contains the Jacobian J of D,
 *
 *	E = D + weight sigma^2 J' A' (r^2 A A' + noise^2 I)^-1 (y - A D)
 *	  = D + weight (sigma^2/r^2) J' (A'A + rho I)^-1 A' (y - A D),	rho = noise^2/r^2.
 *
 * r^2 = 1/(1/sigma^2 + 1/spread^2) is the posterior variance of a pixel of prior variance spread^2 seen with noise sigma.
 * For spread = 1 it is the paper's sigma^2/(1 + sigma^2). */
#include <lacuna/plugin.h>
#include "common/vector.h"

#include <math.h>

struct config {
	double spread, weight;
};

struct pigdm {
	const struct lacuna_host *host;
	const float *y;
	double spread, weight, noise2;
	size_t nx, ny;
};

static void destroy(void *self)
{
	struct pigdm *p = self;

	if (p)
		p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct pigdm *p = host->alloc(host, sizeof *p);

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->y = problem->measurement;
	p->spread = c->spread;
	p->weight = c->weight;
	p->noise2 = problem->noise * problem->noise;
	p->nx = lacuna_count(&problem->x);
	p->ny = lacuna_count(&problem->y);
	*self = p;
	return LACUNA_OK;
}

static size_t scratch_bytes(const void *self)
{
	const struct pigdm *p = self;

	return 2 * vector_bytes(p->nx) + vector_bytes(p->ny);
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	/* With a smaller rho, rounding errors of A'(y - A D) would dominate where A passes nothing. */
	static const double least_rho = 1e-5;
	const struct pigdm *p = self;
	const struct lacuna_host *host = p->host;
	const double ratio = 1 + sigma * sigma / (p->spread * p->spread); /* sigma^2/r^2 */
	const double rho = fmax(p->noise2 * ratio / (sigma * sigma), least_rho);
	float *b = scratch;
	float *v = (float *)((char *)scratch + vector_bytes(p->nx));
	float *residual = (float *)((char *)scratch + 2 * vector_bytes(p->nx));
	int status = host->prior->denoise(host, sigma, u, x0);

	if (!status)
		status = host->problem->apply(host, x0, residual);
	if (status)
		return status;
	vector_combine(host, p->ny, 1, p->y, -1, residual, residual);
	status = host->problem->adjoint(host, NULL, residual, b);
	if (status)
		return status;
	vector_fill(p->nx, 0, v);
	status = host->problem->solve(host, rho, b, v);
	if (!status)
		status = host->prior->denoise_vjp(host, sigma, u, v, b);
	if (status)
		return status;
	vector_combine(host, p->nx, 1, x0, p->weight * ratio, b, x0);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, spread, NULL, 1e-3, 1e3, 0.5,
			  "standard deviation of the image's values; 0.5 is the paper's 1, for "
			  "images of -1 to 1"),
	LACUNA_PARAM_REAL(struct config, weight, NULL, 0, 100, 1,
			  "factor on the score of the measurement"),
};

static const struct lacuna_guidance family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_LINEAR | LACUNA_NEEDS_VJP,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_bytes,
	.estimate = estimate,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
	"pigdm",
	"score of the measurement through the prior's derivative (PiGDM)",
	"Assumes that the image, given the noisy state, is Gaussian with the same variance at "
	"each pixel and no correlation, and follows the score of the measurement under this "
	"law, through the derivative of the prior. It is the exact mean if the prior is white "
	"and Gaussian with standard deviation spread. It differs from prox by that derivative.\n\n"
	"Use it to compare with the literature. Each step costs one evaluation of the prior, "
	"one derivative (for unet somewhat more than two evaluations) and one inversion; prox "
	"is cheaper, and exact is free of bias where it applies. It needs a prior with a "
	"derivative (unet, gaussian, gmm).\n\n"
	"A good prior knows the average over many pixels far better than spread says. At high "
	"levels such averages are then pulled too far, and with an operator that mixes pixels "
	"the run can diverge; an error says so. Begin at sigma_max=1 there.\n\n"
	"Source: Song, Vahdat, Mardani, Kautz, Pseudoinverse-Guided Diffusion Models for "
	"Inverse Problems, ICLR 2023, with its r^2 = sigma^2/(1 + sigma^2); here it stays a "
	"score, so that any sampler can use it.",
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
