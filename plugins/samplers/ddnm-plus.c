/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* DDNM+ (Wang, Yu, Zhang 2023, equations 17 to 19), for any operator. A step is that of ddpm around the denoised image D,
 * with two changes: the measured part of D moves towards the measurement, but only as far as the measurement's noise
 * stays within the step's noise; and the fresh noise is reduced by the measurement's noise.  From level sigma to level s,
 * with w = s^2/sigma^2, sd the noise of an ordinary step (see ddpm), and n = noise/sqrt(lambda) the noise of the
 * measurement in a component of A'A with eigenvalue lambda,
 *
 *	l = min(1, sd/((1 - w) n))			l = 0 where nothing is measured
 *	u_s = (1 - w) (D + l (A^+ y - D)) + w u + sqrt(sd^2 - ((1 - w) l n)^2) z.
 *
 * The authors' other form, per singular value, is ddrm with eta_b = 1. */
#include <lacuna/plugin.h>
#include "common/range.h"
#include "common/schedule.h"
#include "common/vector.h"

#include <math.h>

enum { SMALL, THEORY };
static const char *const variances[] = { "small", "theory", NULL };

struct config {
	struct schedule_config schedule; /* first */
	int64_t variance;
	double floor;
};

struct ddnm_plus {
	const struct lacuna_host *host;
	const struct lacuna_problem *problem;
	struct schedule_config config;
	struct schedule schedule;
	struct range range;
	int64_t variance;
	size_t n;
	float *denoised, *work, *part;
	float *iteration; /* work space of range_pull(); NULL with a closed form */
};

/* The context of a gain. */
struct shape {
	double move; /* 1 - w */
	double sd, noise, tolerance;
};

/* l */
static double scaled_move(double lambda, const struct shape *p)
{
	const double n = p->noise / sqrt(lambda);

	return p->sd >= p->move * n ? 1 : p->sd / (p->move * n);
}

/* l on the measured part */
static double towards(double lambda, const void *context)
{
	const struct shape *p = context;

	return lambda > p->tolerance ? scaled_move(lambda, p) : 0;
}

static double towards_inverse(double lambda, const void *context)
{
	const struct shape *p = context;

	return lambda > p->tolerance ? scaled_move(lambda, p) / lambda : 0;
}

static double fresh_noise(double lambda, const void *context)
{
	const struct shape *p = context;
	double brought;

	if (!(lambda > p->tolerance))
		return p->sd;
	brought = p->move * scaled_move(lambda, p) * p->noise / sqrt(lambda);
	return sqrt(fmax(p->sd * p->sd - brought * brought, 0));
}

static void destroy(void *self)
{
	struct ddnm_plus *p = self;

	if (!p)
		return;
	schedule_free(p->host, &p->schedule);
	range_destroy(&p->range);
	p->host->release(p->host, p->iteration);
	p->host->release(p->host, p->part);
	p->host->release(p->host, p->work);
	p->host->release(p->host, p->denoised);
	p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct ddnm_plus *p = host->alloc(host, sizeof *p);
	int status = LACUNA_ENOMEM;

	if (!p)
		return status;
	p->host = host;
	p->problem = problem;
	p->config = c->schedule;
	p->variance = c->variance;
	p->n = lacuna_count(&problem->x);
	p->denoised = host->alloc(host, p->n * sizeof *p->denoised);
	p->work = host->alloc(host, p->n * sizeof *p->work);
	p->part = host->alloc(host, p->n * sizeof *p->part);
	if (p->denoised && p->work && p->part)
		status = schedule_create(host, &c->schedule, &p->schedule);
	if (!status)
		status = range_create(host, problem, c->floor, INFINITY, &p->range);
	if (!status && !p->range.closed) {
		p->iteration = host->alloc(host, range_work(&p->range) * sizeof *p->iteration);
		status = p->iteration ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static int64_t steps(const void *self)
{
	const struct ddnm_plus *p = self;

	return p->schedule.steps;
}

static int start(void *self, float *u)
{
	const struct ddnm_plus *p = self;

	return schedule_start(p->host, &p->config, &p->schedule, p->problem, u);
}

/* part = l P (A^+ y - D) */
static int move(const struct ddnm_plus *p, const struct shape *shape)
{
	vector_combine(p->host, p->n, 1, p->range.pinv, -1, p->denoised, p->work);
	return p->host->problem->spectral(p->host, towards, shape, p->work, p->part);
}

/* The same, computed from A'(y - A D). Without noise l is 1. */
static int move_by_iteration(const struct ddnm_plus *p, const struct shape *shape)
{
	int status;

	if (shape->noise == 0)
		return range_pull(&p->range, 1, p->denoised, p->part, p->iteration);
	status = range_residual(&p->range, 1, p->denoised, p->work, p->iteration);
	return status ? status
		      : p->host->problem->spectral(p->host, towards_inverse, shape, p->work,
						   p->part);
}

static int step(void *self, int64_t k, float *u)
{
	const struct ddnm_plus *p = self;
	const struct lacuna_host *host = p->host;
	const double sigma = p->schedule.sigma[k], s = p->schedule.sigma[k + 1];
	const double w = s * s / (sigma * sigma);
	const double sd = sqrt(sigma * sigma - s * s) * (p->variance == THEORY ? 1 : s / sigma);
	const struct shape shape = { 1 - w, s > 0 ? sd : 0, p->problem->noise, p->range.tolerance };
	int status = host->prior->denoise(host, sigma, u, p->denoised);

	if (status)
		return status;
	status = p->range.closed ? move(p, &shape) : move_by_iteration(p, &shape);
	if (status)
		return status;
	vector_combine(host, p->n, 1, p->denoised, 1, p->part, p->denoised);
	vector_combine(host, p->n, 1 - w, p->denoised, w, u, u);
	if (s == 0)
		return LACUNA_OK;
	if (!p->range.closed && shape.noise == 0) { /* the fresh noise need not be reduced */
		vector_add_noise(host, p->n, sd, (uint64_t)k, u);
		return LACUNA_OK;
	}
	vector_fill(p->n, 0, p->work);
	vector_add_noise(host, p->n, 1, (uint64_t)k, p->work);
	status = host->problem->spectral(host, fresh_noise, &shape, p->work, p->part);
	if (!status)
		vector_combine(host, p->n, 1, u, 1, p->part, u);
	return status;
}

static const struct lacuna_param params[] = {
	SCHEDULE_PARAMS(100),
	LACUNA_PARAM_CHOICE(struct config, variance, variances, SMALL,
			    "variance of an ordinary step: posterior (small), or of the theory"),
	LACUNA_PARAM_REAL(struct config, floor, NULL, 0, 1, 1e-3,
			  "singular values below this part of the largest count as not measured"),
};

static const struct lacuna_sampler family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_LINEAR,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.start = start,
	.step = step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	"ddnm-plus",
	"null-space diffusion for noisy measurements (DDNM+)",
	"Like ddpm with ddnm, but the noise of the measurement counts as a part of the noise "
	"of each step. It is not copied into the result while the steps have noise to spare. "
	"It takes no guidance.\n\n"
	"Do not use it for noiseless measurements: it is ddpm with ddnm at a higher cost "
	"there. Do not use it for operators without a closed spectral form (blur with "
	"boundary=valid, compositions): Lanczos only approximates their gains. Its samples "
	"are no closer to the posterior than those of ddnm (Liang et al. 2025). Use exact or "
	"gibbs for faithful samples.\n\n" SCHEDULE_MANUAL
	"Source: Wang, Yu, Zhang, Zero-Shot Image Restoration Using Denoising Diffusion "
	"Null-Space Model, 2023, equations 17 to 19, here per singular value. Their form in "
	"the singular basis is ddrm with eta_b=1.",
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
