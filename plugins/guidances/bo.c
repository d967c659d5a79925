/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Bias-optimal linear conditioning, BO-DDNM (Liang, Ju, Liang, Shroff 2025, arXiv 2410.13746), for any linear operator:
 * the measured part follows the score of y alone, the rest follows the prior. With P the projector on the eigenvectors of
 * A'A that count as measured, of gain 1[lambda > tolerance],
 *
 *	E = D + P (u - D) + g(A'A) (A'y - A'A u),	g = P-gain sigma^2/(sigma^2 lambda + noise^2)
 *	  = D + P (u - D) + W (A^+ y - u),		W: P-gain sigma^2 lambda/(sigma^2 lambda + noise^2).
 *
 * Without noise W is P, and this is ddnm. If the operator has no closed form, the first line is used, and P is a soft
 * projector (common/range.h) of gain lambda^2/(lambda^2 + tolerance^2). */
#include <lacuna/plugin.h>
#include "common/range.h"
#include "common/vector.h"

struct config {
	double threshold, spread, floor;
};

struct bo {
	const struct lacuna_host *host;
	struct range range;
	double noise2;
	size_t n;
};

static void destroy(void *self)
{
	struct bo *p = self;

	if (!p)
		return;
	range_destroy(&p->range);
	p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct bo *p = host->alloc(host, sizeof *p);
	int status;

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->n = lacuna_count(&problem->x);
	p->noise2 = problem->noise * problem->noise;
	status = range_create(host, problem, c->floor, c->threshold * c->spread, &p->range);
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static size_t scratch_bytes(const void *self)
{
	const struct bo *p = self;

	return 2 * vector_bytes(p->n) + range_work(&p->range) * sizeof(float);
}

struct weight {
	double tolerance, sigma2, noise2;
};

static double weight(double lambda, const void *context)
{
	const struct weight *w = context;

	if (!(lambda > w->tolerance))
		return 0;
	return w->sigma2 * lambda / (w->sigma2 * lambda + w->noise2);
}

/* g of the comment at the top, with the soft projector */
static double soft_gain(double lambda, const void *context)
{
	const struct weight *w = context;

	return range_soft_projector(lambda, &w->tolerance) * w->sigma2 /
	       (w->sigma2 * lambda + w->noise2);
}

/* On entry denoised is D and difference is u - D; both are overwritten. */
static int estimate_softly(const struct bo *p, const struct weight *w, const float *u,
			   float *denoised, float *difference, float *work, float *x0)
{
	const struct lacuna_host *host = p->host;
	int status = host->problem->spectral(host, range_soft_projector, &w->tolerance, difference,
					     work);

	if (status)
		return status;
	vector_combine(host, p->n, 1, denoised, 1, work, denoised);
	status = range_residual(&p->range, 1, u, difference,
				work + vector_bytes(p->n) / sizeof *work);
	if (!status)
		status = host->problem->spectral(host, soft_gain, w, difference, x0);
	if (!status)
		vector_combine(host, p->n, 1, denoised, 1, x0, x0);
	return status;
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct bo *p = self;
	const struct lacuna_host *host = p->host;
	const struct weight w = { p->range.tolerance, sigma * sigma, p->noise2 };
	float *denoised = scratch;
	float *difference = (float *)((char *)scratch + vector_bytes(p->n));
	float *work = (float *)((char *)scratch + 2 * vector_bytes(p->n));
	int status = host->prior->denoise(host, sigma, u, denoised);

	if (status)
		return status;
	if (p->noise2 == 0) /* ddnm, at half the cost */
		return range_fit(&p->range, denoised, x0, work);
	vector_combine(host, p->n, 1, u, -1, denoised, difference);
	if (!p->range.closed)
		return estimate_softly(p, &w, u, denoised, difference, work, x0);
	status =
		host->problem->spectral(host, range_projector, &p->range.tolerance, difference, x0);
	if (status)
		return status;
	vector_combine(host, p->n, 1, denoised, 1, x0, denoised);
	vector_combine(host, p->n, 1, p->range.pinv, -1, u, difference);
	status = host->problem->spectral(host, weight, &w, difference, x0);
	if (status)
		return status;
	vector_combine(host, p->n, 1, denoised, 1, x0, x0);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, threshold, NULL, 1e-6, 1e6, 3,
			  "a component is measured when its noise is below this many spreads"),
	LACUNA_PARAM_REAL(struct config, spread, NULL, 1e-6, 1e6, 0.25,
			  "standard deviation of the image, of which s/s_max counts"),
	LACUNA_PARAM_REAL(struct config, floor, NULL, 0, 1, 1e-3,
			  "singular values below this part of the largest count as not measured"),
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
	"bo",
	"bias-optimal linear conditioning (BO-DDNM), for noisy measurements",
	"Like ddnm, but it allows for noise. The measured part of the image follows the score "
	"of the noisy measurement, one singular value of the operator at a time; the rest "
	"follows the prior. Among all guidances that take the unmeasured part from the prior's "
	"score and the measured part from anything cheap, this one has the least asymptotic "
	"bias.\n\n"
	"A component counts as not measured if noise drowns it: noise/s > threshold spread "
	"s/s_max, with s its singular value and s_max the largest. The prior supplies such "
	"components. Some operators have no closed form: a blur with boundary=valid, with "
	"missing pixels, or followed by a mask. There the threshold is gradual instead of "
	"sharp.\n\n"
	"Use it to study bias ('lacuna study'). Do not use it for the best picture or the best "
	"single sample of a photograph. PSNR of a gray photograph, noise 0.02 (motion blur of 9 "
	"px, Gaussian blur of 1.2 px, half of the pixels): --method best 33.6, 34.4, 35.0 dB; "
	"one sample of gibbs, --method sample, 28.3, 28.0, 30.9; of prox 23.5, 27.8, 28.0; of "
	"bo 22.4, 26.2, 27.1 (both with ddpm:steps=40,sigma_max=1).\n\n"
	"Do not use it for denoising. It draws measured pixels from N(y, noise^2), so the "
	"result has about twice the variance of the measurement's noise there. prox and exact "
	"denoise them. More steps do not remove the bias, which shows as grains where pixels "
	"are missing. exact and gibbs are better there.\n\n"
	"Source: Liang, Ju, Liang, Shroff, Theory on Score-Mismatched Diffusion Models and "
	"Zero-Shot Conditional Samplers, ICLR 2025 (arXiv 2410.13746).",
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
