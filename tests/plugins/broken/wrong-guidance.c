/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The prior's estimate, after a look at what the host lends: right, or with one fault. */
#include <lacuna/plugin.h>
#include <math.h>

struct config {
	int64_t how;
};

enum { RIGHT, LEVEL, STEP, START, LEAK, NOISELESS };

struct look {
	const struct lacuna_host *host;
	struct lacuna_problem problem;
	int64_t how;
	int wrong; /* what the host lends */
	size_t nx, ny;
	float *x, *y, *back, *out;
};

static void destroy(void *self)
{
	struct look *l = self;

	if (!l)
		return;
	l->host->release(l->host, l->x);
	l->host->release(l->host, l->y);
	if (l->how != LEAK)
		l->host->release(l->host, l->back);
	l->host->release(l->host, l->out);
	l->host->release(l->host, l);
}

static double product(size_t n, const float *a, const float *b)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

/* (J v, w) = (v, J'w) at 1/2, with J v by differences.  v and w are such that left is not as right. */
static float v_at(size_t i)
{
	return i % 4 == 1 || i % 4 == 2;
}

static float w_at(size_t i)
{
	return i % 4 == 0 ? 1 : i % 4 == 1 ? 0.5F : 0;
}

static int look_at_problem(struct look *l)
{
	const struct lacuna_host *host = l->host;
	const float h = 1 / 64.F;
	double forward, back;
	int status;

	for (size_t i = 0; i < l->nx; i++)
		l->x[i] = 0.5F + h * v_at(i);
	status = host->problem->apply(host, l->x, l->y);
	for (size_t i = 0; i < l->nx; i++)
		l->x[i] = 0.5F - h * v_at(i);
	if (!status)
		status = host->problem->apply(host, l->x, l->back);
	for (size_t i = 0; i < l->nx; i++)
		l->x[i] = 0.5F;
	for (size_t i = 0; i < l->ny; i++) {
		l->y[i] = (l->y[i] - l->back[i]) / (2 * h);
		l->back[i] = w_at(i);
	}
	forward = product(l->ny, l->y, l->back);
	if (!status)
		status = host->problem->adjoint(
			host, l->problem.flags & LACUNA_LINEAR ? NULL : l->x, l->back, l->out);
	for (size_t i = 0; i < l->nx; i++)
		l->x[i] = v_at(i);
	back = product(l->nx, l->x, l->out);
	l->wrong = !(fabs(forward - back) <= 0.01 * fabs(forward));
	return status;
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	struct look *l = host->alloc(host, sizeof *l);
	int status;

	if (!l)
		return LACUNA_ENOMEM;
	l->host = host;
	l->problem = *problem;
	l->how = ((const struct config *)config)->how;
	l->nx = lacuna_count(&problem->x);
	l->ny = lacuna_count(&problem->y);
	l->x = host->alloc(host, l->nx * sizeof(float));
	l->y = host->alloc(host, l->ny * sizeof(float));
	l->back = host->alloc(host, l->ny * sizeof(float));
	l->out = host->alloc(host, l->nx * sizeof(float));
	status = l->x && l->y && l->back && l->out ? look_at_problem(l) : LACUNA_ENOMEM;
	if (status) {
		l->how = RIGHT;
		destroy(l);
		return status;
	}
	*self = l;
	return LACUNA_OK;
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct look *l = self;
	const int status = l->host->prior->denoise(l->host, sigma, u, x0);

	(void)scratch;
	if (l->wrong || (l->how == LEVEL && sigma > 1) || (l->how == START && l->problem.start) ||
	    (l->how == NOISELESS && l->problem.noise == 0))
		x0[0] = NAN;
	return status;
}

static int estimate_step(const void *self, void *scratch, double sigma, double s, const float *u,
			 float *x0)
{
	const struct look *l = self;
	const int status = estimate(self, scratch, sigma, u, x0);

	(void)s;
	if (l->how == STEP)
		x0[0] = NAN;
	return status;
}

static const char *const hows[] = { "right", "level", "step", "start", "leak", "noiseless", NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_CHOICE(struct config, how, hows, RIGHT, "what is wrong"),
};

static const struct lacuna_guidance family = {
	.size = sizeof family,
	.create = create,
	.destroy = destroy,
	.estimate = estimate,
	.estimate_step = estimate_step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
	"wrong-guidance",
	"for a test",
	"For a test.",
	"1",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
