/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Denoising diffusion restoration models (Kawar, Elad, Ermon, Song 2022, equations 7 and 8): each eigencomponent of A'A, with
 * eigenvalue lambda, has noise n = noise/sqrt(lambda) in the measurement, and its own step from level sigma to level s,
 *
 *	unmeasured	u_s = D + sqrt(1 - eta^2) s (u - D)/sigma + eta s z
 *	s < n		u_s = D + sqrt(1 - eta^2) s (ybar - D)/n + eta s z
 *	s >= n		u_s = D + eta_b (ybar - D) + sqrt(s^2 - eta_b^2 n^2) z
 *
 * with ybar = A^+ y.  With b = A'(y - A D), whose components are lambda (ybar - D), that is three gains:
 *
 *	u_s = D + G1(A'A) (u - D) + G2(A'A) b + G3(A'A) z. */
#include <lacuna/plugin.h>
#include "common/guess.h"
#include "common/range.h"
#include "common/schedule.h"
#include "common/vector.h"

#include <math.h>

struct config {
	struct schedule_config schedule; /* first */
	double eta, eta_b, floor;
};

struct ddrm {
	const struct lacuna_host *host;
	const struct lacuna_problem *problem;
	struct schedule_config config;
	struct schedule schedule;
	struct range range;
	double eta, eta_b, noise;
	size_t nx, ny;
	float *denoised, *work, *part, *residual;
};

/* The context of a gain. */
struct level {
	double sigma, s;
	double eta, eta_b, noise;
	double tolerance;
};

/* Noise of the measurement in a component. */
static double component_noise(double lambda, const struct level *l)
{
	return l->noise / sqrt(lambda);
}

static double keep_state(double lambda, const void *context)
{
	const struct level *l = context;

	return lambda > l->tolerance ? 0 : sqrt(1 - l->eta * l->eta) * l->s / l->sigma;
}

static double take_measurement(double lambda, const void *context)
{
	const struct level *l = context;
	double n;

	if (!(lambda > l->tolerance))
		return 0;
	n = component_noise(lambda, l);
	if (l->s < n)
		return sqrt(1 - l->eta * l->eta) * l->s / (n * lambda);
	return l->eta_b / lambda;
}

static double fresh_noise(double lambda, const void *context)
{
	const struct level *l = context;
	double n;

	if (!(lambda > l->tolerance))
		return l->eta * l->s;
	n = component_noise(lambda, l);
	return l->s < n ? l->eta * l->s : sqrt(l->s * l->s - l->eta_b * l->eta_b * n * n);
}

/* The first state has the measurement where its noise is below that of the level. */
static double begin_measurement(double lambda, const void *context)
{
	const struct level *l = context;

	return lambda > l->tolerance && component_noise(lambda, l) < l->s ? 1 / lambda : 0;
}

static double begin_noise(double lambda, const void *context)
{
	const struct level *l = context;
	double n;

	if (!(lambda > l->tolerance))
		return l->s;
	n = component_noise(lambda, l);
	return n < l->s ? sqrt(l->s * l->s - n * n) : l->s;
}

static void destroy(void *self)
{
	struct ddrm *p = self;

	if (!p)
		return;
	schedule_free(p->host, &p->schedule);
	p->host->release(p->host, p->range.pinv);
	p->host->release(p->host, p->residual);
	p->host->release(p->host, p->part);
	p->host->release(p->host, p->work);
	p->host->release(p->host, p->denoised);
	p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct ddrm *p = host->alloc(host, sizeof *p);
	int status = LACUNA_ENOMEM;

	if (!p)
		return status;
	p->host = host;
	p->problem = problem;
	p->config = c->schedule;
	p->eta = c->eta;
	p->eta_b = c->eta_b;
	p->noise = problem->noise;
	p->nx = lacuna_count(&problem->x);
	p->ny = lacuna_count(&problem->y);
	p->denoised = host->alloc(host, p->nx * sizeof *p->denoised);
	p->work = host->alloc(host, p->nx * sizeof *p->work);
	p->part = host->alloc(host, p->nx * sizeof *p->part);
	p->residual = host->alloc(host, p->ny * sizeof *p->residual);
	if (p->denoised && p->work && p->part && p->residual)
		status = schedule_create(host, &c->schedule, &p->schedule);
	if (status == LACUNA_OK)
		status = range_create(host, problem, c->floor, INFINITY, &p->range);
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static int64_t steps(const void *self)
{
	const struct ddrm *p = self;

	return p->schedule.steps;
}

/* x += take(A'A) A'(y - A x) + noise(A'A) z */
static int add_parts(const struct ddrm *p, const struct level *l, lacuna_gain *take,
		     lacuna_gain *noise, uint64_t stream, const float *base, float *x)
{
	const struct lacuna_host *host = p->host;
	int status = host->apply(host, base, p->residual);

	if (status)
		return status;
	vector_combine(host, p->ny, 1, p->problem->measurement, -1, p->residual, p->residual);
	status = host->adjoint(host, NULL, p->residual, p->work);
	if (status == LACUNA_OK)
		status = host->spectral(host, take, l, p->work, p->part);
	if (status)
		return status;
	vector_combine(host, p->nx, 1, x, 1, p->part, x);
	if (l->s == 0)
		return LACUNA_OK;
	vector_fill(p->nx, 0, p->work);
	vector_add_noise(host, p->nx, 1, stream, p->work);
	status = host->spectral(host, noise, l, p->work, p->part);
	if (status == LACUNA_OK)
		vector_combine(host, p->nx, 1, x, 1, p->part, x);
	return status;
}

static struct level level_of(const struct ddrm *p, double sigma, double s)
{
	return (struct level){ sigma, s, p->eta, p->eta_b, p->noise, p->range.tolerance };
}

static int start(void *self, float *u)
{
	static const uint64_t stream = UINT64_MAX; /* no step's */
	const struct ddrm *p = self;
	const double sigma = p->schedule.sigma[0];
	const struct level l = level_of(p, sigma, sigma);
	int status = LACUNA_OK;

	if (p->config.from == SCHEDULE_FROM_NOISE)
		vector_fill(p->nx, 0, p->denoised);
	else
		status = guess_image(p->host, p->problem, p->denoised);
	if (status)
		return status;
	vector_combine(p->host, p->nx, 1, p->denoised, 0, p->denoised, u);
	return add_parts(p, &l, begin_measurement, begin_noise, stream, p->denoised, u);
}

static int step(void *self, int64_t k, float *u)
{
	const struct ddrm *p = self;
	const struct lacuna_host *host = p->host;
	const double sigma = p->schedule.sigma[k], s = p->schedule.sigma[k + 1];
	const struct level l = level_of(p, sigma, s);
	int status = host->denoise(host, sigma, u, p->denoised);

	if (status)
		return status;
	vector_combine(host, p->nx, 1, u, -1, p->denoised, p->work);
	status = host->spectral(host, keep_state, &l, p->work, p->part);
	if (status)
		return status;
	vector_combine(host, p->nx, 1, p->denoised, 1, p->part, u);
	return add_parts(p, &l, take_measurement, fresh_noise, (uint64_t)k, p->denoised, u);
}

static const struct lacuna_param params[] = {
	SCHEDULE_PARAMS(20),
	LACUNA_PARAM_REAL(struct config, eta, NULL, 0, 1, 0.85,
			  "fresh noise in what is not measured, as a part of the level"),
	LACUNA_PARAM_REAL(struct config, eta_b, NULL, 0, 1, 1,
			  "trust in the measurement where its noise is below the level"),
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
	"ddrm",
	"diffusion in the operator's spectrum, each component at its own noise",
	"Runs the reverse diffusion component by component of the operator's spectrum: what the "
	"measurement knows better than the state is taken from it, with just so much fresh noise "
	"that the level is kept; what it does not know comes from the prior. It gives samples in "
	"20 steps and takes no guidance. eta_b=1 is the form known as DDNM+ in the singular "
	"basis.\n"
	"Not for operators without a closed spectral form (blur with boundary=valid, "
	"compositions): Lanczos approximates gains that jump from one component to the next badly; "
	"use gibbs or ddpm with prox there. Not free of bias either: a measured component is taken "
	"for known up to its noise, whatever the prior says of it.\n" SCHEDULE_MANUAL
	"Source: Kawar, Elad, Ermon, Song, Denoising Diffusion Restoration Models, NeurIPS 2022, "
	"equations 7 and 8; eta and eta_b as in their experiments.",
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
