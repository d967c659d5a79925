/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Windows: how far operators reach, how windows are laid, and a picture in windows beside the whole. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "restore/windows.h"
#include "tests/tap.h"

#include <math.h>
#include <string.h>

/* ---- a prior that looks no farther than six pixels */

static struct lacuna_shape seen;

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	(void)host, (void)config;
	seen = problem->x;
	*self = &seen;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	(void)self;
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->sigma_min = 1e-4;
	i->sigma_max = 100;
	i->symmetric = 1;
}

/* Towards the mean of 13x13 pixels, the more the more noise there is. */
static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	enum { R = 6 };
	const int64_t *e = ((const struct lacuna_shape *)self)->extent;
	const double trust = 0.0025 / (0.0025 + sigma * sigma);

	(void)scratch;
	for (int64_t k = 0; k < e[0] * e[1]; k++) {
		const int64_t x = k % e[0], y = k / e[0];
		double sum = 0, count = 0;

		for (int64_t j = y < R ? 0 : y - R; j < e[1] && j <= y + R; j++)
			for (int64_t i = x < R ? 0 : x - R; i < e[0] && i <= x + R; i++) {
				sum += (double)u[i + e[0] * j];
				count++;
			}
		x0[k] = (float)(trust * (double)u[k] + (1 - trust) * sum / count);
	}
	return LACUNA_OK;
}

static const struct lacuna_plugin head = { .name = "near", .kind = LACUNA_PRIOR };
static const struct plugin near_prior = { .head = &head,
					  .u.prior = { .size = sizeof(near_prior.u.prior),
						       .flags = LACUNA_LASTING,
						       .create = create,
						       .destroy = destroy,
						       .info = info,
						       .denoise = denoise } };

static struct plugin_use op;
static struct method method;
static struct restore_job job;

static void set_up(const char *spec)
{
	method = (struct method){
		.name = "best", .prior.plugin = &near_prior, .has_guidance = 0, .wish.prior = "near"
	};
	if (use_parse(LACUNA_OPERATOR, spec, &op) ||
	    use_parse(LACUNA_SAMPLER, "hqs:steps=6", &method.sampler)) {
		printf("Bail out! %s\n", error_text());
		exit(99);
	}
	job = (struct restore_job){ .operators = &op,
				    .operator_count = 1,
				    .method = &method,
				    .noise = { .sigma = 0.02 },
				    .samples = 1 };
}

static void tear_down(void)
{
	use_free(&op);
	use_free(&method.sampler);
}

/* ---- tests */

static void test_reach(void)
{
	static const struct {
		const char *spec;
		int64_t least, most; /* -1: refused */
		int64_t factor;
	} cases[] = {
		{ "identity", 0, 0, 1 },
		{ "blur:kind=box,width=5,height=3", 2, 3, 1 },
		{ "blur:kind=disk,radius=7.5", 7, 9, 1 },
		{ "blur:kind=box,width=9,height=9,boundary=periodic", 4, 5, 1 },
		{ "downsample:factor=2", 0, 1, 2 },
		{ "gamma", -1, -1, 0 },		/* not linear */
		{ "mask:keep=0.5", -1, -1, 0 }, /* another one at each place */
		{ "blur:kind=box,width=121,height=3", -1, -1, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t reach = -1, factor = 0;
		int status;

		set_up(cases[i].spec);
		status = windows_reach(&job, 1, &reach, &factor);
		if (cases[i].least < 0)
			ok(status == LACUNA_EUNSUPPORTED, "%s is not for windows", cases[i].spec);
		else
			ok(!status && reach >= cases[i].least && reach <= cases[i].most &&
				   factor == cases[i].factor,
			   "%s reaches %lld px", cases[i].spec, (long long)reach);
		error_clear();
		tear_down();
	}
}

static void scene(int64_t w, int64_t h, float *y)
{
	const struct random_key key = { 3, 0, 0 };

	random_gaussian(key, 0, 0, y, (size_t)(w * h));
	for (int64_t i = 0; i < w * h; i++) {
		const double u = (double)(i % w), v = (double)(i / w);

		y[i] = (float)(0.5 + 0.2 * sin(0.11 * u) * cos(0.07 * v) + 0.02 * (double)y[i] +
			       ((i % w / 40 + i / w / 40) % 2 ? 0.1 : -0.1));
	}
}

static void test_whole(const char *spec)
{
	enum { W = 620, H = 400 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float y[W * H];
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	const struct windows_cost cost = { .fixed = 16.0 * W * H, .multiple = 1 };
	struct restorer *r = NULL;
	struct restored whole, parts;
	struct windows plan = { 0 };
	double sum = 0;

	scene(W, H, y);
	set_up(spec);
	restorer_create(&job, &r);
	ok(restorer_fits(r, &shape), "%s: with all memory", spec);
	ok(!restorer_shape(r, &shape, NULL) && !restorer_run(r, &m, &whole), "whole");
	restorer_destroy(r);

	job.budget = 60 << 20;
	restorer_create(&job, &r);
	if (windows_plan(&job, &shape, &cost, &plan))
		diag("%s", error_text());
	ok(plan.across * plan.down > 3, "with little: %lldx%lld windows of %lldx%lld",
	   (long long)plan.across, (long long)plan.down, (long long)plan.width,
	   (long long)plan.height);
	ok(!windows_run(r, &plan, &m, &parts), "in windows");
	restorer_destroy(r);
	for (int64_t i = 0; parts.picture && i < W * H; i++)
		sum += pow((double)parts.picture[i] - (double)whole.picture[i], 2) / (W * H);
	ok(sqrt(sum) < 1e-5, "the same to %.2g of full scale", sqrt(sum));
	ok(parts.sample_count == 1 && parts.record.noise > 0.019 && parts.record.noise < 0.021,
	   "with a record");
	restored_free(&whole);
	restored_free(&parts);

	job.samples = 2;
	ok(windows_plan(&job, &shape, &cost, &plan) == LACUNA_ENOMEM &&
		   strstr(error_text(), "only --method best and fast"),
	   "samples are not drawn in windows");
	job.samples = 1;
	job.budget = 1 << 20;
	ok(windows_plan(&job, &shape, &cost, &plan) == LACUNA_ENOMEM &&
		   strstr(error_text(), "even in parts"),
	   "too little is too little");
	tear_down();
}

/* A collar as wide as a window: what was measured beside it is restored all the same. */
static void test_empty(void)
{
	enum { W = 620, H = 400 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float y[W * H];
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	const struct windows_cost cost = { .fixed = 16.0 * W * H, .multiple = 1 };
	struct restorer *r = NULL;
	struct restored parts;
	struct windows plan;
	int64_t lost = 0;

	scene(W, H, y);
	for (int64_t i = 0; i < W * H; i++)
		y[i] = i % W < 370 ? NAN : y[i];
	set_up("identity");
	job.budget = 60 << 20;
	restorer_create(&job, &r);
	ok(!windows_plan(&job, &shape, &cost, &plan) && plan.width <= 370,
	   "a window without a value");
	ok(!windows_run(r, &plan, &m, &parts), "is no failure");
	for (int64_t i = 0; parts.picture && i < W * H; i++)
		lost += !isnan(y[i]) && !isfinite(parts.picture[i]);
	ok(!lost && isnan(parts.picture[0]), "it stays missing, and nothing else (%lld)",
	   (long long)lost);
	restored_free(&parts);
	restorer_destroy(r);
	tear_down();
}

int main(void)
{
	test_reach();
	test_empty();
	test_whole("identity");
	test_whole("blur:kind=gaussian,sigma=1.2");
	ok(memory_live_blocks() == 0, "nothing is left behind");
	threads_stop();
	return tap_done();
}
