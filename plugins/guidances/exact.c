/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The conditional mean itself, E[x0 | u, y], for operators with A'A = diag(d) in pixels.
 *
 * u = x0 + sigma n and y = A x0 + noise m tell of x0 what one noisy image tells: by Bayes' rule the likelihood of the
 * two is, as a function of x0, that of the image `pivot' under noise of its own variance 1/L in each pixel,
 *
 *	L = 1/sigma^2 + d/noise^2,	pivot = (u/sigma^2 + A'y/noise^2)/L,
 *
 * and the mean of x0 is the prior's answer to that denoising problem. */
#include <lacuna/plugin.h>

#include <math.h>

struct config {
	double noise_floor;
};

struct exact {
	const struct lacuna_host *host;
	double precision; /* 1/noise^2 */
	float *b;	  /* A'y */
	float *d;
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

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	const double noise = fmax(problem->noise, c->noise_floor);
	struct exact *p = host->alloc(host, sizeof *p);
	int status = LACUNA_ENOMEM;

	if (!p)
		return status;
	p->host = host;
	p->precision = 1 / (noise * noise);
	p->n = lacuna_count(&problem->x);
	p->b = host->alloc(host, p->n * sizeof *p->b);
	p->d = host->alloc(host, p->n * sizeof *p->d);
	if (p->b && p->d)
		status = host->adjoint(host, NULL, problem->measurement, p->b);
	if (status == LACUNA_OK)
		status = host->diagonal(host, p->d);
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static size_t image_bytes(const struct exact *p)
{
	return (p->n * sizeof(float) + 63) / 64 * 64;
}

static size_t scratch_bytes(const void *self)
{
	return 2 * image_bytes(self);
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct exact *p = self;
	const double prior_precision = 1 / (sigma * sigma);
	float *map = scratch;
	float *pivot = (float *)((char *)scratch + image_bytes(p));

	for (size_t i = 0; i < p->n; i++) {
		const double precision = prior_precision + p->d[i] * p->precision;

		pivot[i] = (float)((u[i] * prior_precision + p->b[i] * p->precision) / precision);
		map[i] = (float)(1 / sqrt(precision));
	}
	return p->host->denoise_map(p->host, map, pivot, x0);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(
		struct config, noise_floor, NULL, 1e-9, 1, 1e-4,
		"a noiseless measurement is taken to have noise of this standard deviation"),
};

static const struct lacuna_guidance family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_LINEAR | LACUNA_NEEDS_DIAGONAL | LACUNA_NEEDS_MAP,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_bytes,
	.estimate = estimate,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
	"exact",
	"the exact conditional mean, for operators that are diagonal in pixels",
	"State and measurement together are one image with its own noise level in every pixel, "
	"and the prior is asked for the mean given that. There is no approximation: with the "
	"true prior the samples are from the true posterior, up to the sampler's "
	"discretisation. Use it for inpainting and denoising whenever the prior takes a sigma "
	"for every pixel.\n"
	"Not for operators that mix pixels (blur, downsample), nor for priors without a sigma "
	"map: both are refused.\n"
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
