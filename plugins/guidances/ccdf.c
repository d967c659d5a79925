/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Come-closer-diffuse-faster (Chung, Sim, Ye 2022, section 3.2), as a guidance (Liang, Ju, Liang, Shroff 2025, table 1):
 * after a step from level sigma to level s the measured part must equal that of the measurement, whatever it was before:
 *
 *	(1 - w) E + w u = A^+ y  on the measured part,	w = s^2/sigma^2,
 *	E = (I - P) D + (A^+ y - w P u)/(1 - w),
 *
 * which is D + A^+ (y/(1 - w) - A (D + w u/(1 - w))), the form without a projector, used when there is no closed form. */
#include <lacuna/plugin.h>
#include "common/range.h"
#include "common/vector.h"

#include <math.h>

struct config {
	double floor, ratio;
};

struct ccdf {
	const struct lacuna_host *host;
	struct range range;
	double ratio;
	size_t n, padded;
};

static void destroy(void *self)
{
	struct ccdf *p = self;

	if (!p)
		return;
	range_destroy(&p->range);
	p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct ccdf *p = host->alloc(host, sizeof *p);
	int status;

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->n = lacuna_count(&problem->x);
	p->padded = (p->n + 15) / 16 * 16;
	p->ratio = c->ratio;
	status = range_create(host, problem, c->floor, INFINITY, &p->range);
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static size_t scratch_bytes(const void *self)
{
	const struct ccdf *p = self;

	return (2 * p->padded + range_work(&p->range)) * sizeof(float);
}

/* Computes E without a projector. On entry work is D. */
static int pull(const struct ccdf *p, double w, const float *u, float *work, float *x0)
{
	const struct lacuna_host *host = p->host;
	float *v = work + p->padded;
	int status;

	vector_combine(host, p->n, 1, work, w / (1 - w), u, v);
	status = range_pull(&p->range, 1 / (1 - w), v, x0, v + p->padded);
	if (!status)
		vector_combine(host, p->n, 1, work, 1, x0, x0);
	return status;
}

static int estimate_step(const void *self, void *scratch, double sigma, double s, const float *u,
			 float *x0)
{
	const struct ccdf *p = self;
	const struct lacuna_host *host = p->host;
	const double w = s * s / (sigma * sigma);
	float *work = scratch;
	int status = host->prior->denoise(host, sigma, u, work);

	if (status)
		return status;
	if (!p->range.closed)
		return pull(p, w, u, work, x0);
	status = host->problem->spectral(host, range_null, &p->range.tolerance, work, x0);
	if (status)
		return status;
	vector_combine(host, p->n, 1, x0, 1 / (1 - w), p->range.pinv, x0);
	status = host->problem->spectral(host, range_projector, &p->range.tolerance, u, work);
	if (status)
		return status;
	vector_combine(host, p->n, 1, x0, -w / (1 - w), work, x0);
	return LACUNA_OK;
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct ccdf *p = self;

	return estimate_step(self, scratch, sigma, p->ratio * sigma, u, x0);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, floor, NULL, 0, 1, 1e-3,
			  "singular values below this part of the largest count as not measured"),
	LACUNA_PARAM_REAL(struct config, ratio, NULL, 0, 0.9999, 0.9,
			  "next level as a part of this one, for samplers that do not say"),
};

static const struct lacuna_guidance family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_LINEAR,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_bytes,
	.estimate = estimate,
	.estimate_step = estimate_step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
	"ccdf",
	"replaces the measured part of the state after every step (CCDF)",
	"The unmeasured part of the next state comes from the prior. The measured part is the "
	"measurement with fresh noise, whatever this state held. With start= and a start "
	"image it is the method that made short runs popular.\n\n"
	"Use it for comparison only. At every step the measured part forgets what it told the "
	"unmeasured part, so the two disagree; ddnm is no worse at the same cost. The noise "
	"of the measurement is copied into the result. It needs a sampler that says how long "
	"its steps are; all samplers of Lacuna do.\n\n"
	"Source: Chung, Sim, Ye, Come-Closer-Diffuse-Faster, CVPR 2022, section 3.2; as a "
	"guidance in Liang, Ju, Liang, Shroff, ICLR 2025 (arXiv 2410.13746).",
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
