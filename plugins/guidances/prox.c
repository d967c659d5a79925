/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A data step around the denoised image D, as if x0 were Gaussian with mean D and variance r:
 *
 *	E = argmin_x ||y - A x||^2/noise^2 + ||x - D||^2/r,
 *	(A'A + rho I) E = A'y + rho D,			rho = noise^2/r,
 *	1/r = weight (1/sigma^2 + 1/spread^2).
 *
 * weight 1 is PiGDM without its Jacobian (Song, Vahdat, Mardani, Kautz 2023, equation 7; r_t^2 of their section 3.3 for
 * images of standard deviation `spread'). With infinite spread it is DiffPIR (Zhu et al. 2023, equation 13) with
 * lambda = weight. If A is not linear, Gauss-Newton from D finds the minimum. */
#include <lacuna/plugin.h>
#include "common/newton.h"
#include "common/vector.h"

#include <math.h>
#include <string.h>

struct config {
	double weight, spread;
};

struct prox {
	const struct lacuna_host *host;
	double weight, spread, noise2;
	const float *y;
	float *b; /* A'y; NULL: A is not linear */
	size_t n, ny;
};

static void destroy(void *self)
{
	struct prox *p = self;

	if (!p)
		return;
	p->host->release(p->host, p->b);
	p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct prox *p = host->alloc(host, sizeof *p);
	int status = LACUNA_ENOMEM;

	if (!p)
		return status;
	p->host = host;
	p->weight = c->weight;
	p->spread = c->spread;
	p->noise2 = problem->noise * problem->noise;
	p->n = lacuna_count(&problem->x);
	p->ny = lacuna_count(&problem->y);
	p->y = problem->measurement;
	if (!(problem->flags & LACUNA_LINEAR)) {
		*self = p;
		return LACUNA_OK;
	}
	p->b = host->alloc(host, p->n * sizeof *p->b);
	if (p->b)
		status = host->problem->adjoint(host, NULL, problem->measurement, p->b);
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static size_t padded(size_t n)
{
	return (n + 15) / 16 * 16;
}

static size_t scratch_bytes(const void *self)
{
	const struct prox *p = self;
	const struct newton newton = { p->host, NULL, NULL, p->n, p->ny };

	return (padded(p->n) + (p->b ? 0 : newton_work(&newton))) * sizeof(float);
}

/* On entry x0 is D. */
static int nonlinear_step(const struct prox *p, double rho, float *scratch, float *x0)
{
	enum { ROUNDS = 3 };
	const struct newton newton = { p->host, NULL, NULL, p->n, p->ny };

	memcpy(scratch, x0, p->n * sizeof *x0);
	return newton_minimise(&newton, rho, p->y, scratch, ROUNDS, x0, scratch + padded(p->n));
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	/* With a smaller rho, rounding errors of A'y would dominate where A passes nothing. */
	static const double least_rho = 1e-5;
	const struct prox *p = self;
	const double precision = p->weight * (1 / (sigma * sigma) + 1 / (p->spread * p->spread));
	const double rho = fmax(p->noise2 * precision, least_rho);
	float *b = scratch;
	int status = p->host->prior->denoise(p->host, sigma, u, x0);

	if (status)
		return status;
	if (!p->b)
		return nonlinear_step(p, rho, scratch, x0);
	vector_combine(p->host, p->n, 1, p->b, rho, x0, b);
	return p->host->problem->solve(p->host, rho, b, x0);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, weight, NULL, 1e-6, 1e6, 1,
			  "trust in the denoised image against the measurement"),
	LACUNA_PARAM_REAL(struct config, spread, NULL, 1e-6, 1e6, 0.25,
			  "standard deviation of the image under the prior"),
};

static const struct lacuna_guidance family = {
	.size = sizeof family,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_bytes,
	.estimate = estimate,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
	"prox",
	"data step around the denoised image (PiGDM without Jacobian, DiffPIR)",
	"One regularised inversion pulls the denoised image towards the measurement. It weighs "
	"the noise of the measurement against the uncertainty of the denoised image. It works "
	"with any operator and noise level, denoises measured pixels, and costs one inversion a "
	"step. Begin with this one.\n\n"
	"Do not use it where samples must be free of bias. It takes the uncertainty of the "
	"denoised image as white and equal everywhere, and more steps do not mend that. exact "
	"has no such bias where it applies (missing pixels, noise). gibbs has little elsewhere.\n\n"
	"Source: Song, Vahdat, Mardani, Kautz, Pseudoinverse-Guided Diffusion Models for "
	"Inverse Problems, 2023, equation 7, without the Jacobian; Zhu et al., Denoising "
	"Diffusion Models for Plug-and-Play Image Restoration, 2023, equation 13 (a large "
	"spread, lambda = weight).",
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
