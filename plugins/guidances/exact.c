/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The conditional mean itself, E[x0 | u, y].
 *
 * A prior that knows it in closed form computes it. Any other prior must take a sigma per pixel and the operator must
 * have A'A = diag(d): then state and measurement together are one noisy image (common/pixelwise.h). */
#include <lacuna/conditional.h>
#include <lacuna/plugin.h>
#include "common/pixelwise.h"
#include "common/vector.h"

#include <math.h>

struct config {
	double noise_floor;
};

struct exact {
	const struct lacuna_host *host;
	const struct lacuna_conditional *prior;
	double precision; /* 1/noise^2 */
	float *b;	  /* A'y */
	float *d;	  /* diag(A'A); NULL if the prior computes the mean */
	size_t n;
};

static void destroy(void *self)
{
	struct exact *p = self;

	if (!p)
		return;
	p->host->release(p->host, p->d);
	p->host->release(p->host, p->b);
	p->host->release(p->host, p);
}

static int prepare_map(struct exact *p, const struct lacuna_problem *problem)
{
	const struct lacuna_host *host = p->host;
	int status;

	p->b = host->alloc(host, p->n * sizeof *p->b);
	p->d = host->alloc(host, p->n * sizeof *p->d);
	if (!p->b || !p->d)
		return LACUNA_ENOMEM;
	status = host->problem->diagonal(host, p->d);
	if (status == LACUNA_EUNSUPPORTED)
		return host->fail(
			host, status,
			"needs an operator that acts on each pixel alone (mask, identity), or a "
			"prior that knows the exact mean for other operators (gaussian, gmm, "
			"empirical); otherwise use guidance prox or sampler gibbs");
	return status ? status : host->problem->adjoint(host, NULL, problem->measurement, p->b);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	const double noise = fmax(problem->noise, c->noise_floor);
	struct exact *p = host->alloc(host, sizeof *p);
	int status;

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->precision = 1 / (noise * noise);
	p->n = lacuna_count(&problem->x);
	p->prior = host->extension(host, LACUNA_CONDITIONAL);
	status = p->prior ? p->prior->condition(host, noise) : LACUNA_EUNSUPPORTED;
	if (status == LACUNA_EUNSUPPORTED)
		status = prepare_map(p, problem);
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static size_t scratch_bytes(const void *self)
{
	const struct exact *p = self;

	return p->d ? 2 * vector_bytes(p->n) : 0;
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct exact *p = self;
	float *map = scratch;

	if (!p->d)
		return p->prior->conditional(p->host, sigma, u, x0);
	return pixelwise_mean(p->host, p->n, p->d, p->b, p->precision, sigma, u, map,
			      (float *)((char *)scratch + vector_bytes(p->n)), x0);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, noise_floor, NULL, 1e-9, 1, 1e-4,
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
	"exact",
	"the exact conditional mean, where it is known: no bias",
	"The mean of the image given state and measurement, without approximation. If the "
	"prior is true, the samples are from the true posterior; only the error of the "
	"sampler's steps remains. The priors gaussian, gmm and empirical know it for any "
	"linear operator (gmm and empirical: one that acts within their vectors). Other "
	"priors must take a sigma for every pixel. State and measurement together are then "
	"one image with its own noise level in every pixel, and the prior returns its mean. "
	"Use it for inpainting and denoising.\n\n"
	"Do not use it with a neural prior for operators that mix pixels (blur, downsample), "
	"or with priors without a sigma map. Both are refused; use the sampler gibbs "
	"there.\n\n"
	"Source: Bayes' rule; the approximate guidances are compared with it in `lacuna "
	"study'.",
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
