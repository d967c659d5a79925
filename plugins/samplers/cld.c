/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Critically damped Langevin diffusion (Dockhorn, Vahdat, Kreis 2022; Chen, Chewi, Li, Li, Salim, Zhang 2023, arXiv
 * 2209.11215, section 2.2): the image x is coupled to a velocity v, and noise enters the velocity alone,
 *
 *	dx = v dt,   dv = -(x + 2 v) dt + 2 dB,		stationary at N(0, I).
 *
 * Reversed, with the score of v frozen over a step h, the transition is exact:
 *
 *	(x, v) <- e^h [[1 - h, -h], [h, 1 + h]] (x, v) + 4 score_v (-(1 + e^h (h - 1)), h e^h) + noise,
 *	noise covariance [[e^2h (1 - 2h + 2h^2) - 1, -2 h^2 e^2h], [ . , e^2h (1 + 2h + 2h^2) - 1]].
 *
 * It needs only an ordinary denoiser. Given x0, (x, v) ~ N(m x0, I - m m'), m = e^-t (1 + t, -t), so u = (m .
 * (x, v))/|m|^2 is x0 + sigma n with |m|^2 = 1/(1 + sigma^2), and E[x0 | x, v] is the estimate E(u, sigma). Hence
 *
 *	score_v = -v - m_v (m . (x, v) - E)/(1 - |m|^2). */
#include <lacuna/plugin.h>
#include "common/guess.h"
#include "common/schedule.h"
#include "common/vector.h"

#include <math.h>
#include <string.h>

enum { LEVELS, TIME };
static const char *const grids[] = { "levels", "time", NULL };

/* Streams of the velocity's noise. */
static const uint64_t second = UINT64_C(1) << 62;
static const uint64_t start_stream = UINT64_MAX;

struct config {
	struct schedule_config schedule; /* first */
	int64_t grid;
};

struct cld {
	const struct lacuna_host *host;
	const struct lacuna_problem *problem;
	struct schedule_config config;
	struct schedule schedule;
	double *time; /* of the levels */
	size_t n;
	float *x, *v, *estimate, *noise;
};

/* ---- time and level: 1/(1 + sigma^2) = e^-2t (1 + 2t + 2t^2) ----------------------------------------------- */

/* Sum over n >= first of y^n/n! p(n), p(n) = c0 + c1 n + c2 n^2: a polynomial in y times e^y without its leading terms,
 * which would cancel in floating point. */
static double tail(double y, int first, double c0, double c1, double c2)
{
	double term = 1, sum = 0;

	for (int n = 1; n < 80; n++) {
		term *= y / n;
		if (n >= first)
			sum += term * (c0 + n * (c1 + n * c2));
	}
	return sum;
}

/* sigma^2 = e^2t/(1 + 2t + 2t^2) - 1; the numerator minus the denominator is sum_{n>=3} (2t)^n/n! */
static double level_at(double t)
{
	const double y = 2 * t;
	const double rest = y < 4 ? tail(y, 3, 1, 0, 0) : exp(y) - 1 - y - y * y / 2;

	return sqrt(rest / (1 + y + y * y / 2));
}

/* Inverse of level_at(), by bisection. */
static double time_of(double sigma)
{
	double lo = 0, hi = 1;

	while (level_at(hi) < sigma)
		hi *= 2;
	for (int i = 0; i < 200 && hi - lo > 1e-15 * hi; i++) {
		const double mid = (lo + hi) / 2;

		*(level_at(mid) < sigma ? &lo : &hi) = mid;
	}
	return (lo + hi) / 2;
}

/* ---- one reverse step -------------------------------------------------------------------------------- */

struct transition {
	double xx, xv, vx, vv; /* of the state */
	double sx, sv;	       /* of the score */
	double l11, l21, l22;  /* Cholesky factor of the noise */
};

static struct transition transition(double h)
{
	const double e = exp(h), y = 2 * h;
	const int small = y < 4;
	/* e^y (1 - y + y^2/2) - 1 = sum y^n/n! (n - 1)(n - 2)/2, and so on */
	const double cov_xx = small ? tail(y, 3, 1, -1.5, 0.5) : exp(y) * (1 - y + y * y / 2) - 1;
	const double cov_vv = small ? tail(y, 1, 1, 0.5, 0.5) : exp(y) * (1 + y + y * y / 2) - 1;
	const double cov_xv = -y * y / 2 * exp(y);
	struct transition t = { e * (1 - h), -e * h, e * h, e * (1 + h), 0, 0, 0, 0, 0 };

	t.sx = -4 * (small ? tail(h, 2, -1, 1, 0) : 1 + e * (h - 1));
	t.sv = 4 * h * e;
	t.l11 = sqrt(cov_xx);
	t.l21 = cov_xv / t.l11;
	t.l22 = sqrt(fmax(cov_vv - t.l21 * t.l21, 0));
	return t;
}

static void destroy(void *self)
{
	struct cld *p = self;

	if (!p)
		return;
	schedule_free(p->host, &p->schedule);
	p->host->release(p->host, p->noise);
	p->host->release(p->host, p->estimate);
	p->host->release(p->host, p->v);
	p->host->release(p->host, p->x);
	p->host->release(p->host, p->time);
	p->host->release(p->host, p);
}

/* Sets the times of the levels. grid=time keeps the first and the last level and moves the others. */
static int set_times(struct cld *p, int64_t grid)
{
	/* index of the last positive level: finish=none ends at it, otherwise the last step goes from it to 0 */
	const int64_t last = p->schedule.sigma[p->schedule.steps] > 0 ? p->schedule.steps
								      : p->schedule.steps - 1;
	double *sigma = p->schedule.sigma;

	p->time = p->host->alloc(p->host, (size_t)(last + 1) * sizeof *p->time);
	if (!p->time)
		return LACUNA_ENOMEM;
	for (int64_t k = 0; k <= last; k++)
		p->time[k] = time_of(sigma[k]);
	for (int64_t k = 1; grid == TIME && k < last; k++) {
		p->time[k] = p->time[0] + (p->time[last] - p->time[0]) * (double)k / (double)last;
		sigma[k] = level_at(p->time[k]);
	}
	return LACUNA_OK;
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct cld *p = host->alloc(host, sizeof *p);
	int status = LACUNA_ENOMEM;

	if (!p)
		return status;
	p->host = host;
	p->problem = problem;
	p->config = c->schedule;
	p->n = lacuna_count(&problem->x);
	p->x = host->alloc(host, p->n * sizeof *p->x);
	p->v = host->alloc(host, p->n * sizeof *p->v);
	p->estimate = host->alloc(host, p->n * sizeof *p->estimate);
	p->noise = host->alloc(host, p->n * sizeof *p->noise);
	if (p->x && p->v && p->estimate && p->noise)
		status = schedule_create(host, &c->schedule, &p->schedule);
	if (!status)
		status = set_times(p, c->grid);
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static int64_t steps(const void *self)
{
	const struct cld *p = self;

	return p->schedule.steps;
}

/* u = x0 + sigma n from the state (x, v) at time t. */
static void project(const struct cld *p, double t, float *u)
{
	const double norm2 = exp(-2 * t) * (1 + 2 * t + 2 * t * t);

	vector_combine(p->host, p->n, exp(-t) * (1 + t) / norm2, p->x, -exp(-t) * t / norm2, p->v,
		       u);
}

/* Draws (x, v) from N(m g, I - m m') with the start image g, or from N(0, I). */
static int start(void *self, float *u)
{
	const struct cld *p = self;
	const struct lacuna_host *host = p->host;
	const double t = p->time[0], mx = exp(-t) * (1 + t), mv = -exp(-t) * t;
	const double norm2 = mx * mx + mv * mv;
	/* (I - m m')^1/2 = I - shrink m m' */
	const double shrink = (1 - sqrt(1 - norm2)) / norm2;
	float *along = p->noise;
	int status;

	vector_fill(p->n, 0, p->x);
	vector_fill(p->n, 0, p->v);
	vector_add_noise(host, p->n, 1, start_stream, p->x);
	vector_add_noise(host, p->n, 1, start_stream - second, p->v);
	if (p->config.from == SCHEDULE_FROM_IMAGE) {
		status = guess_image(host, p->problem, u);
		if (status)
			return status;
		vector_combine(host, p->n, -shrink * mx, p->x, -shrink * mv, p->v, along);
		vector_combine(host, p->n, 1, along, 1, u, along);
		vector_combine(host, p->n, 1, p->x, mx, along, p->x);
		vector_combine(host, p->n, 1, p->v, mv, along, p->v);
	}
	project(p, t, u);
	return LACUNA_OK;
}

static int step(void *self, int64_t k, float *u)
{
	const struct cld *p = self;
	const struct lacuna_host *host = p->host;
	const double sigma = p->schedule.sigma[k], t = p->time[k];
	const double mx = exp(-t) * (1 + t), mv = -exp(-t) * t;
	/* 1 - |m|^2 = sigma^2/(1 + sigma^2) */
	const double c = mv * (1 + sigma * sigma) / (sigma * sigma);
	struct transition a;
	int status = host->guidance->estimate_step(host, sigma, p->schedule.sigma[k + 1], u,
						   p->estimate);

	if (status)
		return status;
	if (p->schedule.sigma[k + 1] == 0) { /* ends at the estimate itself */
		memcpy(u, p->estimate, p->n * sizeof *u);
		return LACUNA_OK;
	}
	a = transition(t - p->time[k + 1]);
	/* score_v, over the estimate */
	vector_combine(host, p->n, c, p->estimate, -c * mx, p->x, p->estimate);
	vector_combine(host, p->n, 1, p->estimate, -1 - c * mv, p->v, p->estimate);
	/* u: work space until project() */
	vector_combine(host, p->n, a.vx, p->x, a.vv, p->v, u);
	vector_combine(host, p->n, a.xx, p->x, a.xv, p->v, p->x);
	vector_combine(host, p->n, 1, p->x, a.sx, p->estimate, p->x);
	vector_combine(host, p->n, 1, u, a.sv, p->estimate, p->v);
	vector_fill(p->n, 0, p->noise);
	vector_add_noise(host, p->n, 1, (uint64_t)k, p->noise);
	vector_combine(host, p->n, 1, p->x, a.l11, p->noise, p->x);
	vector_combine(host, p->n, 1, p->v, a.l21, p->noise, p->v);
	vector_add_noise(host, p->n, a.l22, second + (uint64_t)k, p->v);
	project(p, p->time[k + 1], u);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	SCHEDULE_PARAMS(100),
	LACUNA_PARAM_CHOICE(struct config, grid, grids, LEVELS,
			    "steps: between the schedule's levels, or even in time"),
};

static const struct lacuna_sampler family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_GUIDANCE,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.start = start,
	.step = step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	"cld",
	"critically damped Langevin diffusion, with an ordinary denoiser",
	"Diffuses a velocity that drives the image, instead of the image itself. The reverse "
	"process has exact transitions between estimates. Prior and guidance are the ordinary "
	"ones: image and velocity together carry as much as one noisy image, and the prior is "
	"asked about that image. It is for studies, beside exp-integrator.\n\n"
	"Do not use it to save evaluations. Theory predicts no gain over exp-integrator, and "
	"none is measured. For images ddpm is better.\n\n" SCHEDULE_MANUAL
	"Source: Dockhorn, Vahdat, Kreis, Score-Based Generative Modeling with "
	"Critically-Damped Langevin Diffusion, ICLR 2022; Chen, Chewi, Li, Li, Salim, Zhang, "
	"Sampling Is as Easy as Learning the Score, ICLR 2023 (arXiv 2209.11215), section "
	"2.2; the use of an ordinary denoiser is derived at the head of the source.",
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
