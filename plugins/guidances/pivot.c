/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Denoises the pivot of state and measurement. By Bayes' rule u and y together carry the same information on x0 as one
 * noisy image,
 *
 *	pivot = P^-1 (A'y/noise^2 + u/sigma^2),		P = A'A/noise^2 + I/sigma^2,
 *
 * whose noise has covariance P^-1: E[x0 | u, y] = E[x0 | pivot]. If A mixes pixels, that noise is not white; the
 * denoiser, made for white noise, is given its root mean square, sqrt(tr P^-1/n). This is exact if A'A is a multiple of
 * the identity. Guidance exact covers a diagonal A'A. The trace is estimated with one probe of random signs (Hutchinson
 * 1990). */
#include <lacuna/plugin.h>
#include "common/vector.h"

#include <math.h>
#include <string.h>

struct config {
	double noise_floor;
};

struct pivot {
	const struct lacuna_host *host;
	double noise2;
	float *b;     /* A'y */
	float *probe; /* +-1 */
	size_t n;
};

static void destroy(void *self)
{
	struct pivot *p = self;

	if (!p)
		return;
	p->host->release(p->host, p->probe);
	p->host->release(p->host, p->b);
	p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	/* A stream that no sampler draws from. */
	static const uint64_t stream = UINT64_C(7) << 60;
	const struct config *c = config;
	const double noise = fmax(problem->noise, c->noise_floor);
	struct pivot *p = host->alloc(host, sizeof *p);
	int status = LACUNA_ENOMEM;

	if (!p)
		return status;
	p->host = host;
	p->noise2 = noise * noise;
	p->n = lacuna_count(&problem->x);
	p->b = host->alloc(host, p->n * sizeof *p->b);
	p->probe = host->alloc(host, p->n * sizeof *p->probe);
	if (p->b && p->probe)
		status = host->problem->adjoint(host, NULL, problem->measurement, p->b);
	if (status) {
		destroy(p);
		return status;
	}
	host->gaussian(host, stream, 0, p->probe, p->n);
	for (size_t i = 0; i < p->n; i++)
		p->probe[i] = p->probe[i] < 0 ? -1 : 1;
	*self = p;
	return LACUNA_OK;
}

static size_t scratch_bytes(const void *self)
{
	const struct pivot *p = self;

	return 2 * vector_bytes(p->n);
}

/* P^-1 = noise^2 (A'A + rho I)^-1, rho = noise^2/sigma^2. */
static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct pivot *p = self;
	const double rho = p->noise2 / (sigma * sigma);
	float *right = scratch, *pivot = (float *)((char *)scratch + vector_bytes(p->n));
	double variance;
	int status;

	memset(pivot, 0, p->n * sizeof *pivot);
	status = p->host->problem->solve(p->host, rho, p->probe, pivot);
	if (status)
		return status;
	variance = p->noise2 * vector_inner(p->host, p->n, p->probe, pivot) / (double)p->n;
	vector_combine(p->host, p->n, 1, p->b, rho, u, right);
	memcpy(pivot, u, p->n * sizeof *pivot);
	status = p->host->problem->solve(p->host, rho, right, pivot);
	if (status)
		return status;
	return p->host->prior->denoise_round(p->host, 0, sqrt(fmax(variance, 0)), pivot, x0);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, noise_floor, NULL, 1e-9, 1, 1e-3,
			  "the noise of the measurement counts as at least this"),
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
	"pivot",
	"denoises the mean of state and measurement, as if its noise were white",
	"State and measurement together are one noisy image, the pivot: their mean, weighted by "
	"their precisions. Under a blur or lost resolution its noise is not white. The prior is "
	"told the root mean square of that noise. If the prior has a network for rounds (see "
	"unet), that network is used, for it was trained on such noise. Where the noise stays "
	"white (identity, other multiples of an orthogonal matrix) this is the exact "
	"conditional mean.\n\n"
	"Use it for samples of deblurred images, with ddpm and about 40 steps. It has no mesh, "
	"unlike gibbs, and gives a better picture than prox. For missing pixels and uneven "
	"noise use exact: it uses the same pivot without this approximation.\n\n"
	"Do not use it where samples must be free of bias. One noise level stands for many, "
	"which is a large error if the operator passes some components well and others not at "
	"all. The bias of gibbs falls with its coupling.\n\n"
	"It costs one evaluation of the prior and two inversions a step.\n\n"
	"Source: Bayes' rule for a Gaussian likelihood; the trace by one probe (Hutchinson, "
	"Communications in Statistics, 1990).",
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
