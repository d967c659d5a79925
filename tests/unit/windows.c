/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Windows: the reach of operators, the layout of windows, and a picture restored in windows compared with the whole. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "restore/holes.h"
#include "restore/restore.h"
#include "restore/windows.h"
#include "tests/tap.h"

#include <lacuna/deviation.h>
#include <math.h>
#include <string.h>

/* ---- a prior with a reach of six pixels */

static struct lacuna_shape seen;
static int64_t denoised; /* pixels denoised so far */
static int64_t spy_width;
static float spied; /* the largest value seen in a picture of this width */

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	struct lacuna_shape *own = memory_alloc(sizeof *own);

	(void)host, (void)config;
	if (!own)
		return LACUNA_ENOMEM;
	seen = *own = problem->x;
	*self = own;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	memory_release(self);
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->sigma_min = 1e-4;
	i->sigma_max = 100;
	i->precision = "f32";
	i->symmetric = 1;
}

/* Sums over 13 values along a line of n; step: from one value to the next. */
static void add_near(const double *in, int64_t n, int64_t step, double *out)
{
	enum { R = 6 };

	for (int64_t i = 0; i < n; i++) {
		double sum = 0;

		for (int64_t j = i < R ? 0 : i - R; j < n && j <= i + R; j++)
			sum += in[j * step];
		out[i * step] = sum;
	}
}

/* Moves each pixel towards the mean of 13x13 pixels of its channel, the more the larger its noise. */
static void denoise_plane(const int64_t *e, const float *sigma, const float *u, float *x0)
{
	static double weights[1 << 20], values[1 << 20], along[1 << 20];
	double *const both[] = { weights, values };

	for (int64_t k = 0; k < e[0] * e[1]; k++) {
		weights[k] = 1 / (0.0025 + (double)sigma[k] * (double)sigma[k]);
		values[k] = weights[k] * (double)u[k];
		spied = e[0] == spy_width ? fmaxf(spied, u[k]) : spied;
	}
	for (int b = 0; b < 2; b++) {
		for (int64_t y = 0; y < e[1]; y++)
			add_near(both[b] + y * e[0], e[0], 1, along + y * e[0]);
		for (int64_t x = 0; x < e[0]; x++)
			add_near(along + x, e[1], e[0], both[b] + x);
	}
	for (int64_t k = 0; k < e[0] * e[1]; k++) {
		const double trust = 0.0025 / (0.0025 + (double)sigma[k] * (double)sigma[k]);

		x0[k] = (float)(trust * (double)u[k] + (1 - trust) * values[k] / weights[k]);
	}
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	const int64_t *e = ((const struct lacuna_shape *)self)->extent, area = e[0] * e[1];

	(void)scratch;
	denoised += area;
	for (int64_t c = 0; c < e[2]; c++)
		denoise_plane(e, sigma + c * area, u + c * area, x0 + c * area);
	return LACUNA_OK;
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	static float map[1 << 20];

	for (size_t i = 0; i < lacuna_count(self); i++)
		map[i] = (float)sigma;
	return denoise_map(self, scratch, map, u, x0);
}

static const struct lacuna_plugin head = { .name = "near", .kind = LACUNA_PRIOR };
static const struct plugin near_prior = { .head = &head,
					  .u.prior = { .size = sizeof near_prior.u.prior,
						       .flags = LACUNA_LASTING,
						       .create = create,
						       .destroy = destroy,
						       .info = info,
						       .denoise = denoise,
						       .denoise_map = denoise_map } };

static struct plugin_use op;
static struct method method;
static struct restore_job job;

static void set_up(const char *spec)
{
	method = (struct method){
		.name = "best", .prior.plugin = &near_prior, .has_guidance = 0, .wish.prior = "near"
	};
	if (use_parse(LACUNA_OPERATOR, spec, &op) ||
	    use_parse(LACUNA_SAMPLER, "hqs:steps=6", &method.sampler))
		tap_bail("%s", error_text());
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
		{ "blur:kind=box,width=3,height=21", 10, 11, 1 },
		{ "blur:kind=box,width=9,height=9,boundary=periodic", 4, 5, 1 },
		{ "downsample:factor=2", 0, 1, 2 },
		{ "gamma", -1, -1, 0 },		/* not linear */
		{ "mask:keep=0.5", -1, -1, 0 }, /* a different mask at each place */
		{ "blur:kind=box,width=121,height=3", -1, -1, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t reach = -1, factor = 0;
		int status;

		set_up(cases[i].spec);
		status = windows_reach(&job, 1, &reach, &factor);
		if (cases[i].least < 0)
			ok(status == LACUNA_EUNSUPPORTED, "%s does not work in windows",
			   cases[i].spec);
		else
			ok(!status && reach >= cases[i].least && reach <= cases[i].most &&
				   factor == cases[i].factor,
			   "%s reaches %lld px", cases[i].spec, (long long)reach);
		error_clear();
		tear_down();
	}
}

/* ---- operators that are the same at no two places, or only along the diagonal */

static int same_shape(const struct lacuna_host *host, const void *config, int from_y,
		      const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

static int create_square(const struct lacuna_host *host, const void *config,
			 const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct lacuna_shape *own = memory_alloc(sizeof *own);

	(void)host, (void)config, (void)y;
	if (!own)
		return LACUNA_ENOMEM;
	*own = *x;
	*self = own;
	return LACUNA_OK;
}

static int turn(const void *self, void *scratch, const float *x, float *y)
{
	const int64_t side = ((const struct lacuna_shape *)self)->extent[0];

	(void)scratch;
	for (int64_t j = 0; j < side; j++)
		for (int64_t i = 0; i < side; i++)
			y[i + side * j] = x[j + side * i];
	return LACUNA_OK;
}

static int turn_back(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return turn(self, scratch, y, x);
}

static int stripe(const void *self, void *scratch, const float *x, float *y)
{
	(void)scratch;
	for (size_t i = 0; i < lacuna_count(self); i++)
		y[i] = i % 2 ? 2 * x[i] : x[i];
	return LACUNA_OK;
}

static int stripe_back(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return stripe(self, scratch, y, x);
}

/* Rows for columns: a part of the picture shows another place.  Every second column brighter: parts may begin at either. */
static void test_own_operators(void)
{
	static const struct lacuna_plugin own_head = { .name = "own", .kind = LACUNA_OPERATOR };
	static const struct {
		const char *name;
		int (*apply)(const void *, void *, const float *, float *);
		int (*adjoint)(const void *, void *, const float *, const float *, float *);
	} cases[] = { { "turned", turn, turn_back }, { "striped", stripe, stripe_back } };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct plugin plugin = { .head = &own_head,
					       .u.op = { .size = sizeof plugin.u.op,
							 .flags = LACUNA_LINEAR,
							 .shape = same_shape,
							 .create = create_square,
							 .destroy = destroy,
							 .apply = cases[i].apply,
							 .adjoint = cases[i].adjoint } };
		struct plugin_use own = { .plugin = &plugin };
		int64_t reach, factor;

		set_up("identity");
		job.operators = &own;
		ok(windows_reach(&job, 1, &reach, &factor) == LACUNA_EUNSUPPORTED,
		   "%s: does not work in windows", cases[i].name);
		error_clear();
		tear_down();
	}
}

/* The reach is in pixels of y: half of that in pixels of x if the picture is enlarged. */
static void test_reach_of_two(void)
{
	struct plugin_use both[2];
	int64_t reach = -1, factor = 0;

	set_up("identity");
	if (use_parse(LACUNA_OPERATOR, "blur:kind=box,width=21,height=3", &both[0]) ||
	    use_parse(LACUNA_OPERATOR, "downsample:factor=2", &both[1]))
		tap_bail("%s", error_text());
	job.operators = both;
	job.operator_count = 2;
	ok(!windows_reach(&job, 1, &reach, &factor) && factor == 2 && reach >= 5 && reach <= 7,
	   "blurred and smaller: %lld px", (long long)reach);
	use_free(&both[0]);
	use_free(&both[1]);
	tear_down();
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
	ok(parts.record.sample_count == 1 && parts.record.noise > 0.019 &&
		   parts.record.noise < 0.021,
	   "with a record");
	near(parts.record.residual / whole.record.residual, 1, 0.02,
	     "and with the whole's difference from the measurement");
	restored_free(&whole);
	restored_free(&parts);

	job.samples = 2;
	ok(windows_plan(&job, &shape, &cost, &plan) == LACUNA_ENOMEM &&
		   strstr(error_text(), "only --method best and fast"),
	   "samples are not drawn in windows");
	job.samples = 1;
	job.budget = 1 << 20;
	ok(windows_plan(&job, &shape, &cost, &plan) == LACUNA_ENOMEM &&
		   strstr(error_text(), "even in windows"),
	   "too little is too little");
	tear_down();
}

/* In one call: a picture that exceeds the memory budget is restored in windows. */
static void test_in_one_call(void)
{
	enum { W = 900, H = 560 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float y[W * H];
	const struct measurement m = { .name = "page 1", .y = y, .shape = shape, .hi = 1 };
	struct restored whole, parts;
	double sum = 0;

	scene(W, H, y);
	set_up("identity");
	ok(!restore_image(&job, &m, &whole.picture, &whole.deviation, &whole.record) &&
		   seen.extent[0] == W,
	   "one call, with all memory");
	job.budget = 60 << 20;
	ok(!restore_image(&job, &m, &parts.picture, &parts.deviation, &parts.record) &&
		   seen.extent[0] < W && parts.record.sample_count == 1,
	   "with little it restores in windows");
	for (int64_t i = 0; parts.picture && i < W * H; i++)
		sum += pow((double)parts.picture[i] - (double)whole.picture[i], 2) / (W * H);
	ok(parts.picture && sqrt(sum) < 1e-5, "the same to %.2g of full scale", sqrt(sum));
	is_text(parts.record.precision, "f32", "with the precision of the prior");
	restored_free(&whole);
	restored_free(&parts);
	tear_down();
}

/* Noise wider than a pixel is removed in windows, too: no value counts as unchanged. */
static void test_wide_noise(void)
{
	enum { W = 900, H = 560 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float noise[W * H], y[W * H];
	const struct measurement m = { .name = "page 1", .y = y, .shape = shape, .hi = 1 };
	struct restored r;
	size_t unchanged = 0;

	random_gaussian((struct random_key){ 4, 0, 0 }, 0, 0, noise, W * H);
	for (int i = 0; i < W * H; i++)
		y[i] = 0.5f +
		       0.01f * (2 * noise[i] + noise[i > 0 ? i - 1 : i] +
				noise[i + 1 < W * H ? i + 1 : i] + noise[i >= W ? i - W : i] +
				noise[i + W < W * H ? i + W : i]);
	set_up("identity");
	job.noise.sigma = -1;
	job.budget = 60 << 20;
	ok(!restore_image(&job, &m, &r.picture, &r.deviation, &r.record) && seen.extent[0] < W &&
		   r.record.description.wide > 0,
	   "wide noise in windows");
	for (size_t i = 0; r.record.unchanged && i < W * H; i++)
		unchanged += r.record.unchanged[i];
	ok(r.record.unchanged && !unchanged, "%zu values are unchanged", unchanged);
	restored_free(&r);
	tear_down();
}

/* The record tells the noise of the whole picture, not that of its last window. */
static void test_uneven_noise(void)
{
	enum { W = 900, H = 560 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float noise[W * H], y[W * H];
	const struct measurement m = { .name = "page 1", .y = y, .shape = shape, .hi = 1 };
	const double quiet = 0.02, loud = 0.06;
	const struct restore_record *record;
	struct restored r;

	random_gaussian((struct random_key){ 4, 0, 0 }, 0, 0, noise, W * H);
	for (int left = 0; left < 2; left++) {
		for (int i = 0; i < W * H; i++)
			y[i] = (float)(0.5 +
				       ((i % W < W / 2) != left ? quiet : loud) * (double)noise[i]);
		set_up("identity");
		job.noise.sigma = -1;
		job.budget = 60 << 20;
		record = &r.record;
		ok(!restore_image(&job, &m, &r.picture, &r.deviation, &r.record) &&
			   seen.extent[0] < W,
		   "uneven noise in windows");
		near(record->noise, sqrt((quiet * quiet + loud * loud) / 2), 0.006,
		     "its mean square");
		near(record->places[0] * record->noise, quiet, 0.003, "the least of it");
		near(record->places[1] * record->noise, loud, 0.006, "the most of it");
		restored_free(&r);
		tear_down();
	}
}

/* Noise wider than a pixel around a hole, which noise fills first: at half the size, too, that belongs to its place. */
static void test_wide_noise_in_place(void)
{
	enum { W = 620, H = 400 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float noise[W * H], y[W * H];
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	const struct windows_cost cost = { .fixed = 16.0 * W * H, .multiple = 1 };
	const struct heard_noise heard = { .description = { .noise.sigma = 0.03, .wide = 0.02 },
					   .inner = { .white = 1 } };
	struct restorer *r = NULL;
	struct restored whole, parts;
	struct windows plan = { 0 };
	float in_whole;

	random_gaussian((struct random_key){ 4, 0, 0 }, 0, 0, noise, W * H);
	for (int i = 0; i < W * H; i++)
		y[i] = i % W > 290 && i % W < 310 && i / W > 190 && i / W < 210
			       ? NAN
			       : 0.5f + 0.01f * (2 * noise[i] + noise[i > 0 ? i - 1 : i] +
						 noise[i + 1 < W * H ? i + 1 : i]);
	set_up("identity");
	job.noise.sigma = -1;
	restorer_create(&job, &r);
	restorer_recall(r, &heard);
	spy_width = W / 2;
	spied = 0;
	ok(!restorer_shape(r, &shape, NULL) && !restorer_run(r, &m, &whole) && spied > 50,
	   "noise fills a hole at half the size");
	in_whole = spied;
	restorer_destroy(r);
	job.budget = 60 << 20;
	restorer_create(&job, &r);
	restorer_recall(r, &heard);
	ok(!windows_plan(&job, &shape, &cost, &plan) && plan.across * plan.down > 3, "in windows");
	spy_width = plan.width / 2;
	spied = 0;
	ok(!windows_run(r, &plan, &m, &parts), "too");
	near((double)spied, (double)in_whole, 1e-3, "with the same numbers");
	restorer_destroy(r);
	spy_width = 0;
	restored_free(&whole);
	restored_free(&parts);
	tear_down();
}

static int told_black,
	told_equal; /* messages about black and white, and about pictures of one value */

static void count_messages(void *context, int level, const char *text)
{
	(void)context, (void)level;
	told_black += strstr(text, "black is") != NULL;
	told_equal += strstr(text, "all its values are equal") != NULL;
}

static int count_sample(void *context, int64_t sample, const float *picture)
{
	int *count = context;

	*count += sample == *count && picture[0] == 0.5f;
	return LACUNA_OK;
}

/* An image of one value has as many samples as are asked for. */
static void test_constant_samples(void)
{
	const struct lacuna_shape shape = { { 40, 30, 1, 1 } };
	float y[40 * 30];
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	struct restorer *r = NULL;
	struct restored result;
	int count = 0;

	for (int i = 0; i < 40 * 30; i++)
		y[i] = 0.5f;
	set_up("identity");
	job.noise.sigma = -1;
	job.samples = 3;
	job.sample = count_sample;
	job.context = &count;
	restorer_create(&job, &r);
	told_equal = 0;
	log_install(count_messages, NULL);
	ok(!restorer_shape(r, &shape, NULL) && !restorer_run(r, &m, &result) && count == 3,
	   "%d samples of one value", count);
	log_install(NULL, NULL);
	ok(told_equal == 1, "which is said");
	restored_free(&result);
	restorer_destroy(r);
	tear_down();
}

/* A window of one value: what is missing there does not count as unchanged. */
static void test_constant(void)
{
	enum { W = 620, H = 400, MISSING = 40 + W * 50 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float y[W * H];
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	const struct windows_cost cost = { .fixed = 16.0 * W * H, .multiple = 1 };
	struct restorer *r = NULL;
	struct restored parts;
	struct windows plan;

	scene(W, H, y);
	for (int i = 0; i < W * H; i++)
		y[i] = i % W < 370 ? 0.5f : y[i];
	y[MISSING] = NAN;
	set_up("identity");
	job.noise.sigma = -1;
	job.budget = 60 << 20;
	restorer_create(&job, &r);
	told_equal = 0;
	log_install(count_messages, NULL);
	ok(!windows_plan(&job, &shape, &cost, &plan) && plan.width <= 370 &&
		   !windows_run(r, &plan, &m, &parts),
	   "a window of one value");
	log_install(NULL, NULL);
	ok(!told_equal, "is no news");
	near((double)parts.picture[MISSING], 0.5, 1e-6, "fills what is missing");
	ok(parts.record.unchanged && !parts.record.unchanged[MISSING] &&
		   parts.record.unchanged[MISSING + 1],
	   "which does not count as unchanged");
	restored_free(&parts);
	restorer_destroy(r);
	tear_down();
}

/* A missing collar as wide as a window: the measured pixels beside it are restored all the same. */
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

/* A prior from whose experience brighter pixels are less certain. */
static int deviation(const void *self, const struct lacuna_estimate *e, float *out)
{
	for (size_t i = 0; i < lacuna_count(self); i++)
		out[i] = 0.01F + 0.05F * fabsf(e->x[i]);
	return LACUNA_OK;
}

static const void *extension(const char *name)
{
	static const struct lacuna_prior_deviation family = { deviation };

	return strcmp(name, LACUNA_DEVIATION) ? NULL : &family;
}

/* The deviation in windows is that of the whole picture, 0 where the picture is known, and NaN where nothing is. */
static void test_deviation(void)
{
	enum { W = 620, H = 400, EMPTY = 370 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float y[W * H];
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	const struct windows_cost cost = { .fixed = 16.0 * W * H, .multiple = 1 };
	struct plugin experienced = near_prior;
	struct restored whole, parts;
	struct restorer *r = NULL;
	struct windows plan = { 0 };
	double sum = 0, size = 0;
	int64_t wrong = 0;

	experienced.u.prior.extension = extension;
	scene(W, H, y);
	set_up("identity");
	method.prior.plugin = &experienced;
	job.deviation = 1;
	restorer_create(&job, &r);
	ok(!restorer_shape(r, &shape, NULL) && !restorer_run(r, &m, &whole) && whole.deviation,
	   "the deviation of the whole");
	restorer_destroy(r);
	job.budget = 80 << 20;
	restorer_create(&job, &r);
	ok(!windows_plan(&job, &shape, &cost, &plan) && plan.across > 1 && plan.down > 1 &&
		   !windows_run(r, &plan, &m, &parts) && parts.deviation,
	   "in windows");
	for (int64_t i = 0; parts.deviation && i < W * H; i++) {
		const double d = (double)parts.deviation[i] - (double)whole.deviation[i];

		sum += d * d / (W * H);
		size += (double)whole.deviation[i] / (W * H);
	}
	ok(size > 0.01 && sqrt(sum) < 1e-5, "the same to %.2g of %.2g", sqrt(sum), size);
	restored_free(&whole);
	restored_free(&parts);
	for (int64_t i = 0; i < W * H; i++)
		y[i] = i % W < EMPTY ? NAN : y[i];
	ok(plan.width <= EMPTY && !windows_run(r, &plan, &m, &parts), "a window without a value");
	for (int64_t i = 0; parts.deviation && i < W * H; i++)
		wrong += isnan(parts.deviation[i]) != isnan(parts.picture[i]);
	ok(!wrong && isnan(parts.deviation[0]), "is as uncertain as can be (%lld)",
	   (long long)wrong);
	restored_free(&parts);
	restorer_destroy(r);
	tear_down();
}

/* A picture whose unknown is four times as large, with a prior that needs work space: 34.8 MiB for a picture of this shape,
 * 84.2 with the unknown, and as much again for the work space. */
static void test_needed(void)
{
	const struct lacuna_shape shape = { { 512, 384, 1, 1 } }, bands = { { 300, 300, 5, 1 } };
	const struct windows_cost cost = { .multiple = 1 };
	struct windows w = { .across = 0 };
	struct plugin trained = near_prior;

	trained.u.prior.flags |= LACUNA_TRAINED;
	set_up("downsample:factor=2");
	method.prior.plugin = &trained;
	ok(!windows_needed(&job, &shape, &cost), "no budget, no windows");
	job.budget = 100 << 20;
	ok(windows_needed(&job, &shape, &cost), "windows where the whole may not fit");
	job.samples = 2;
	ok(!windows_needed(&job, &shape, &cost), "the whole is tried where windows do not work");
	job.budget = 30 << 20;
	ok(windows_needed(&job, &shape, &cost), "unless it is certain not to fit");
	job.samples = 1;
	job.budget = 172 << 20;
	ok(!windows_needed(&job, &shape, &cost), "the whole where all fits");
	ok(windows_needed(&job, &shape, &(struct windows_cost){ .fixed = 0x1p24, .multiple = 1 }),
	   "with all that the caller holds");
	job.budget = 90 << 20;
	ok(windows_needed(&job, &bands, &cost) && !windows_plan(&job, &bands, &cost, &w) &&
		   w.width > w.overlap[0] && w.width < bands.extent[0],
	   "bands in windows that are mostly overlap: %lld of %lld", (long long)w.overlap[0],
	   (long long)w.width);
	job.budget = 100 << 20;
	method.prior.plugin = &near_prior;
	ok(!windows_needed(&job, &shape, &cost), "a prior without a network needs less");
	tear_down();
	set_up("mask:keep=0.5");
	method.prior.plugin = &trained;
	job.budget = 50 << 20;
	ok(!windows_needed(&job, &shape, &cost), "a mask is the same nowhere: the whole is tried");
	ok(!*error_text(), "no message is left");
	tear_down();
}

/* As many windows as the budget demands, but none larger than it takes to cover the picture. */
static void test_tight(void)
{
	const struct windows_cost cost = { .multiple = 1 };
	int loose = 0;

	set_up("blur:kind=gaussian,sigma=1.2");
	for (int64_t n = 3000; n < 6100; n += 307) {
		const struct lacuna_shape shape = { { n, 4000, 3, 1 } };
		struct windows w = { .y = shape };

		job.budget = 1500 << 20;
		loose += windows_plan(&job, &shape, &cost, &w) ||
			 w.across * (w.width - w.overlap[0]) + w.overlap[0] - n >=
				 WINDOWS_GRID * (w.across + 1) ||
			 w.down * (w.height - w.overlap[1]) + w.overlap[1] - 4000 >=
				 WINDOWS_GRID * (w.down + 1);
	}
	ok(!loose, "windows overlap no more than they must (%d do)", loose);
	tear_down();
}

/* The windows' weights sum to 1, however small the windows are. */
static void test_weights(void)
{
	int wrong = 0;

	set_up("identity");
	for (int64_t n = 500; n < 1400; n += 37) {
		const struct lacuna_shape shape = { { n, n / 2, 1, 1 } };
		const struct windows_cost cost = { .multiple = 1 };
		struct windows plan;
		double *sums = memory_alloc((size_t)n * sizeof *sums);

		job.budget = (size_t)(46 + n % 5 * 4) << 20;
		wrong += windows_plan(&job, &shape, &cost, &plan) != LACUNA_OK;
		for (int64_t i = 0; i < plan.across; i++)
			for (int64_t x = 0; x < plan.width; x++)
				sums[windows_region(&plan, i).origin[0] + x] +=
					(double)windows_weight(&plan, i, x, 0);
		for (int64_t x = 0; x < n; x++)
			wrong += fabs(sums[x] - 1) > 1e-5;
		memory_release(sums);
	}
	ok(!wrong, "windows add to 1 everywhere (%d do not)", wrong);
	tear_down();
}

/* So do those of windows that are hardly wider than they overlap, where more than two meet. */
static void test_narrow_weights(void)
{
	enum { N = 704, OVERLAP = 128 };
	int wrong = 0;

	for (int width = OVERLAP + WINDOWS_GRID; width < 2 * OVERLAP; width += WINDOWS_GRID) {
		const struct windows w = { .y = { { N, N, 1, 1 } },
					   .width = width,
					   .height = N,
					   .overlap = { OVERLAP, OVERLAP },
					   .across = (N - OVERLAP + width - OVERLAP - 1) /
						     (width - OVERLAP),
					   .down = 1,
					   .factor = 1 };
		double sums[N] = { 0 };

		for (int64_t i = 0; i < w.across; i++)
			for (int64_t x = 0; x < width; x++)
				sums[windows_region(&w, i).origin[0] + x] +=
					(double)windows_weight(&w, i, x, 0);
		for (int x = 0; x < N; x++)
			wrong += fabs(sums[x] - 1) > 1e-5;
	}
	ok(!wrong, "narrow windows add to 1 (%d do not)", wrong);
}

/* Two windows lie as in a mirror, and so do their weights. */
static void test_mirrored_weights(void)
{
	static const char *const operators[] = { "identity", "downsample:factor=2" };
	double worst = 0;

	for (int k = 0; k < 2; k++) {
		struct windows w = { .y = { { 500, 400, 1, 1 } } };

		set_up(operators[k]);
		if (windows_whole(&job, &w.y, &w))
			tap_bail("%s", error_text());
		w.width = 300;
		w.height = 260;
		w.overlap[0] = 100;
		w.overlap[1] = 120;
		w.across = w.down = 2;
		for (int64_t y = 0; y < w.factor * w.height; y++)
			for (int64_t x = 0; x < w.factor * w.width; x++)
				for (int64_t i = 0; i < 4; i++)
					worst = fmax(
						worst,
						fabs((double)windows_weight(&w, i, x, y) -
						     (double)windows_weight(
							     &w, 3 - i, w.factor * w.width - 1 - x,
							     w.factor * w.height - 1 - y)));
		tear_down();
	}
	ok(worst < 1e-6, "weights are the same from either end (%g)", worst);
}

/* ---- where windows lie */

/* The windows along an axis: they begin on the grid, overlap by the margins of both, and cover the picture. */
static int lies_wrong(const struct windows *w, int axis)
{
	const int64_t side = axis ? w->height : w->width, count = axis ? w->down : w->across;
	const int64_t step = axis ? w->across : 1;
	int64_t before = 0;

	for (int64_t k = 0; k < count; k++) {
		const int64_t at = windows_region(w, k * step).origin[axis];

		if (at % WINDOWS_GRID || (k ? at <= before : at) ||
		    (k && before + side - at < 2 * windows_margin(w->reach)))
			return 1;
		before = at;
	}
	return before + side != w->y.extent[axis];
}

static void test_layout(void)
{
	static const char *const operators[] = { "identity", "blur:kind=box,width=9,height=9" };
	const struct windows_cost cost = { .multiple = 1 };
	int wrong = 0;

	for (int k = 0; k < 2; k++) {
		set_up(operators[k]);
		for (int64_t i = 0; i < 24; i++) {
			const struct lacuna_shape shape = { { 600 + i * 37, 500 + i * 29, 1, 1 } };
			struct windows w;

			job.budget = (size_t)(46 + 6 * k + i % 5 * 4) << 20;
			wrong += windows_plan(&job, &shape, &cost, &w) || lies_wrong(&w, 0) ||
				 lies_wrong(&w, 1);
		}
		tear_down();
	}
	ok(!wrong,
	   "windows begin on the grid, overlap by two margins, and cover the picture (%d do not)",
	   wrong);
	ok(windows_margin(20) - windows_margin(10) ==
			   2 * (windows_margin(10) - windows_margin(5)) &&
		   windows_margin(20) >= 2 * 20 + 6,
	   "a margin holds twice the reach, and a network's");
}

/* A hole anywhere: each window in whose result it has a weight is restored, and few others. */
static void test_active(void)
{
	enum { ACROSS = 65, DOWN = 45, W = ACROSS * HOLES_CELL, H = DOWN * HOLES_CELL };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	const struct windows_cost cost = { .multiple = 1 };
	int lost = 0, idle = 0, planned = 0;

	set_up("identity");
	job.noise.sigma = 0;
	/* along two rows and two columns of cells */
	for (int64_t k = 0; k < 2 * (ACROSS + DOWN); k++) {
		const int64_t x = HOLES_CELL * (k < 2 * ACROSS ? k / 2 : k % 2 ? 7 : 48);
		const int64_t y = HOLES_CELL * (k >= 2 * ACROSS ? k / 2 - ACROSS : k % 2 ? 6 : 29);
		struct windows w = { 0 };
		struct holes h = { 0 };
		double share;

		if (holes_create(W, H, &h))
			break;
		h.cells[x / HOLES_CELL + h.across * (y / HOLES_CELL)] = 1;
		if (!holes_finish(&h) && !windows_around(&job, &shape, &cost, &h, &w, &share))
			planned++;
		for (int64_t i = 0; w.active && i < w.across * w.down; i++) {
			const struct lacuna_region r = windows_region(&w, i);
			int counts = 0, close = 0;

			for (int64_t j = y - 2; j < y + HOLES_CELL + 2; j++)
				for (int64_t i0 = x - 2; i0 < x + HOLES_CELL + 2; i0++) {
					const int64_t u = i0 - r.origin[0], v = j - r.origin[1];
					const int has_weight = u >= 0 && v >= 0 && u < w.width &&
							       v < w.height &&
							       windows_weight(&w, i, u, v) > 0;

					close |= has_weight;
					counts |= has_weight && i0 >= x && j >= y &&
						  i0 < x + HOLES_CELL && j < y + HOLES_CELL;
				}
			lost += counts && !w.active[i];
			idle += !close && w.active[i];
		}
		memory_release(w.active);
		holes_free(&h);
		error_clear();
	}
	ok(planned == 2 * (ACROSS + DOWN) && !lost,
	   "a window that counts in a hole is restored (%d of %d plans)", lost, planned);
	ok(!idle, "and no other (%d)", idle);
	tear_down();
}

/* ---- the memory of windows */

static int has_plan(const char *spec, const struct lacuna_shape *y, const struct windows_cost *cost,
		    size_t budget)
{
	struct windows w;
	int status;

	set_up(spec);
	job.budget = budget;
	status = windows_plan(&job, y, cost, &w);
	error_clear();
	tear_down();
	return !status;
}

/* The least budget in which there are windows, to 16 KiB. */
static size_t least_budget(const char *spec, const struct lacuna_shape *y,
			   const struct windows_cost *cost)
{
	size_t lo = 1 << 20, hi = (size_t)1 << 31;

	while (hi - lo > 1 << 14) {
		const size_t middle = lo + (hi - lo) / 2;

		if (has_plan(spec, y, cost, middle))
			hi = middle;
		else
			lo = middle;
	}
	return hi;
}

static void test_costs(void)
{
	static const char periodic[] = "blur:kind=box,width=41,height=41,boundary=periodic",
			  open[] = "blur:kind=box,width=41,height=41,boundary=valid",
			  smaller[] = "downsample:factor=2";
	const struct lacuna_shape y = { { 1500, 1400, 1, 1 } },
				  higher = { { 1500, 1400 + 400 * WINDOWS_GRID, 1, 1 } };
	const struct lacuna_shape tower = { { 48, 2000, 1, 1 } };
	const struct windows_cost none = { .multiple = 1 };
	const struct windows_cost held = { .fixed = 7e6, .multiple = 1 };
	const struct windows_cost rows = { .row = 1e5, .multiple = 16 };
	const size_t least = least_budget("identity", &y, &none);

	ok(has_plan("identity", &y, &held, least + 7000000) &&
		   !has_plan("identity", &y, &held, least + 6900000),
	   "what the caller holds counts");
	ok(!has_plan("identity", &y, &rows, least + 100000 * (size_t)(2 * windows_margin(0))),
	   "so does each row that a window sees");
	ok(!has_plan(open, &y, &none, least_budget(periodic, &y, &none) + 1000000),
	   "and what lies beyond it");
	ok(has_plan(smaller, &higher, &none, least_budget(smaller, &y, &none)),
	   "but not the height of the picture");
	set_up("identity");
	job.budget = 100 << 20;
	ok(windows_needed(&job, &tower, &(struct windows_cost){ .row = 1e5, .multiple = 1 }),
	   "a held picture has as many rows as it is high");
	tear_down();
	set_up("mask:keep=0.5");
	job.deviation = 1;
	job.budget = session_memory(&y, &y) + 1000;
	ok(windows_needed(&job, &y, &none),
	   "a deviation that does not fit is refused before the work");
	error_clear();
	tear_down();
}

static int take_sample(void *context, int64_t sample, const float *picture)
{
	(void)context, (void)sample, (void)picture;
	return LACUNA_OK;
}

static void test_samples_refused(void)
{
	const struct lacuna_shape y = { { 1500, 1400, 1, 1 } };
	const struct windows_cost cost = { .multiple = 1 };
	struct windows w;

	set_up("identity");
	job.budget = 60 << 20;
	job.sample = take_sample;
	ok(windows_plan(&job, &y, &cost, &w) == LACUNA_ENOMEM &&
		   strstr(error_text(), "only --method best and fast"),
	   "a single sample is not drawn in windows, either");
	error_clear();
	tear_down();
}

/* ---- what a record says of all windows */

static struct windows some_windows(const struct lacuna_shape *shape, double fixed, size_t budget)
{
	const struct windows_cost cost = { .fixed = fixed, .multiple = 1 };
	struct windows plan = { 0 };

	job.budget = budget;
	ok(!windows_plan(&job, shape, &cost, &plan) && plan.across > 1 && plan.down > 1, "windows");
	return plan;
}

/* Each channel by itself, with holes of its own, its deviation and flags: as in the whole picture, and in any order. */
static void test_channels(void)
{
	enum { W = 420, H = 380, N = W * H, C = 3 };
	const struct lacuna_shape shape = { { W, H, C, 1 } };
	static float y[C * N], turned[C * N];
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	struct measurement other = m;
	struct plugin experienced = near_prior;
	struct restored whole, parts, third;
	struct windows plan;
	struct restorer *r = NULL;
	double sum = 0, off = 0;
	int64_t wrong = 0, changed = 0;

	experienced.u.prior.extension = extension;
	for (int c = 0; c < C; c++) {
		scene(W, H, y + c * N);
		for (int64_t i = 0; i < N; i++) {
			y[c * N + i] = (1 - 0.2f * (float)c) * y[c * N + i] + 0.1f * (float)c;
			if ((i % W - 60 - 130 * c) * (i % W - 60 - 130 * c) +
				    (i / W - 300 + 90 * c) * (i / W - 300 + 90 * c) <
			    30)
				y[c * N + i] = NAN;
		}
	}
	for (int c = 0; c < C; c++)
		memcpy(turned + c * N, y + (c + 1) % C * N, N * sizeof *y);
	set_up("identity");
	method.prior.plugin = &experienced;
	job.deviation = 1;
	job.noise.sigma = 0;
	restorer_create(&job, &r);
	ok(!restorer_shape(r, &shape, NULL) && !restorer_run(r, &m, &whole) && whole.deviation,
	   "three channels");
	restorer_destroy(r);
	plan = some_windows(&shape, 16.0 * C * N, 140 << 20);
	restorer_create(&job, &r);
	ok(!windows_run(r, &plan, &m, &parts) && parts.deviation && parts.record.unchanged,
	   "in windows");
	other.y = turned;
	ok(!windows_run(r, &plan, &other, &third), "in another order");
	restorer_destroy(r);
	for (int64_t i = 0; i < C * N; i++) {
		const double d = (double)parts.deviation[i] - (double)whole.deviation[i];
		const int64_t j = (i + N) % (C * N);

		sum += pow((double)parts.picture[i] - (double)whole.picture[i], 2) / (C * N) +
		       d * d / (C * N);
		changed += parts.record.unchanged[i] != !isnan(y[i]);
		off += pow((double)third.picture[i] - (double)parts.picture[j], 2) / (C * N);
		wrong += third.record.unchanged[i] != parts.record.unchanged[j];
	}
	ok(sqrt(sum) < 1e-4, "are those of the whole, and their deviations (%.2g)", sqrt(sum));
	ok(!changed, "all that is known stays (%lld)", (long long)changed);
	ok(sqrt(off) < 1e-5 && !wrong, "in any order (%.2g, %lld)", sqrt(off), (long long)wrong);
	restored_free(&whole);
	restored_free(&parts);
	restored_free(&third);
	tear_down();
}

static int64_t at_step, of_steps, went_back;

static void note_progress(void *context, int64_t step, int64_t steps)
{
	(void)context;
	went_back += step < at_step;
	at_step = step;
	of_steps = steps;
}

/* What is counted of a picture is the same in windows; what is done for each window is done as often. */
static void test_record(void)
{
	enum { W = 620, H = 400 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float y[W * H];
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	const struct restore_record *a, *b;
	struct restored whole, parts;
	struct windows plan;
	struct restorer *r = NULL;

	scene(W, H, y);
	for (int auto_noise = 0; auto_noise < 2; auto_noise++) {
		set_up("identity");
		job.noise.sigma = auto_noise ? -1 : 0.2; /* far too much: one doubt */
		restorer_create(&job, &r);
		ok(!restorer_shape(r, &shape, NULL) && !restorer_run(r, &m, &whole), "the whole");
		restorer_destroy(r);
		plan = some_windows(&shape, 16.0 * W * H, 60 << 20);
		restorer_create(&job, &r);
		log_install(count_messages, NULL);
		told_black = 0;
		at_step = went_back = 0;
		job.progress = note_progress;
		ok(!windows_run(r, &plan, &m, &parts), "in windows");
		log_install(NULL, NULL);
		ok(at_step > 0 && at_step == of_steps && !went_back, "progress goes on to the end");
		restorer_destroy(r);
		a = &whole.record;
		b = &parts.record;
		ok(b->doubts == a->doubts && b->doubts == !auto_noise, "doubts: %d, %d", a->doubts,
		   b->doubts);
		ok(b->estimated == a->estimated && b->estimated == auto_noise, "estimated");
		is_text(b->dealt_with, a->dealt_with, "dealt with alike");
		ok(a->samples->evaluations > 0 &&
			   b->samples->evaluations ==
				   a->samples->evaluations * plan.across * plan.down,
		   "the evaluations of all windows");
		ok(told_black == 1, "black and white are told once (%d)", told_black);
		restored_free(&whole);
		restored_free(&parts);
		tear_down();
	}
}

/* Windows overlap, but each missing and each rejected value is counted once; so is what a part of the picture has. */
static void test_counts(void)
{
	enum { W = 620, H = 400, LEFT = 370, TOP = 150 };
	static const char *const specs[] = { "blur:kind=gaussian,sigma=1.2", "identity",
					     "identity" };
	static const char *const names[] = { "scattered", "beside a window without values",
					     "in a window of one value" };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float y[W * H];

	for (int k = 0; k < 3; k++) {
		struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
		size_t missing = 0, lone = 0, in_part = 0;
		struct restorer *r = NULL;
		struct restored all, part;
		struct windows plan;

		scene(W, H, y);
		for (int64_t i = 0; i < W * H; i++) {
			const int left = i % W < LEFT,
				  bright = k == 0 && i % 31 == 7 && i / W % 79 == 11;

			y[i] = k == 1 && left ? NAN : k == 2 && left ? 0.5f : bright ? 3 : y[i];
			y[i] = i % 17 == 3 && i / W % 5 == 2 ? NAN : y[i];
			missing += isnan(y[i]) != 0;
			lone += bright && !isnan(y[i]);
			in_part += (isnan(y[i]) || (bright && !isnan(y[i]))) && i / W >= TOP;
		}
		set_up(specs[k]);
		job.noise.sigma = k == 2 ? -1 : 0.02;
		job.reject = k ? 0 : 10;
		plan = some_windows(&shape, 16.0 * W * H, 60 << 20);
		restorer_create(&job, &r);
		ok(!windows_run(r, &plan, &m, &all), "%s", names[k]);
		ok(all.record.rejected == lone && all.record.missing == missing + lone,
		   "%zu are missing, %zu of them lone: %zu, %zu", missing + lone, lone,
		   all.record.missing, all.record.rejected);
		m.counted = (struct lacuna_region){ { 0, TOP, 0, 0 }, { W, H - TOP, 1, 1 } };
		ok(!windows_run(r, &plan, &m, &part), "in a part");
		ok(part.record.missing == in_part, "%zu: %zu", in_part, part.record.missing);
		restored_free(&all);
		restored_free(&part);
		restorer_destroy(r);
		tear_down();
	}
}

/* Four windows of a small picture. */
static struct windows four(int64_t w, int64_t h, int64_t channels)
{
	const int64_t width = 136, height = 124;

	return (struct windows){ .y = { { w, h, channels, 1 } },
				 .factor = 1,
				 .overlap = { 2 * width - w, 2 * height - h },
				 .width = width,
				 .height = height,
				 .across = 2,
				 .down = 2 };
}

/* In each channel, with two windows of which nothing was measured, and in a part that ends before rows and columns do. */
static void test_counts_of_channels(void)
{
	enum { W = 200, H = 180, LEFT = 140, AREA = W * H };
	static const struct lacuna_region part = { { 20, 30 }, { 150, 100, 2, 1 } };
	static float y[2 * AREA];
	const struct windows plan = four(W, H, 2);
	struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	size_t missing = 0, in_part = 0;
	struct restorer *r = NULL;
	struct restored all;

	scene(W, H, y);
	scene(W, H, y + AREA);
	for (int i = 0; i < 2 * AREA; i++) {
		const int column = i % W, row = i / W % H;

		y[i] = column < LEFT || (column * 7 + row * 3) % 19 == 2 ? NAN : y[i];
		missing += isnan(y[i]) != 0;
		in_part += isnan(y[i]) && column >= 20 && column < 170 && row >= 30 && row < 130;
	}
	set_up("identity");
	restorer_create(&job, &r);
	ok(!windows_run(r, &plan, &m, &all), "two channels, half of them empty");
	ok(all.record.missing == missing, "%zu are missing: %zu", missing, all.record.missing);
	restored_free(&all);
	m.counted = part;
	ok(!windows_run(r, &plan, &m, &all), "in a part");
	ok(all.record.missing == in_part, "%zu are: %zu", in_part, all.record.missing);
	restored_free(&all);
	restorer_destroy(r);
	tear_down();
}

/* A sampler that draws numbers draws the same for each place of the picture, in windows or not. */
static void test_random_places(void)
{
	enum { W = 200, H = 180, AREA = W * H };
	static const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float y[AREA];
	const struct windows plan = four(W, H, 1);
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	struct restored whole, parts;
	struct restorer *r = NULL;
	double sum = 0, noise = 0;

	scene(W, H, y);
	set_up("identity");
	use_free(&method.sampler);
	if (use_parse(LACUNA_SAMPLER, "gibbs:steps=2", &method.sampler))
		tap_bail("%s", error_text());
	job.noise.sigma = 0.05;
	restorer_create(&job, &r);
	ok(!restorer_shape(r, &shape, NULL) && !restorer_run(r, &m, &whole), "a sample: %s",
	   error_text());
	restorer_destroy(r);
	restorer_create(&job, &r);
	ok(!windows_run(r, &plan, &m, &parts), "in windows");
	restorer_destroy(r);
	for (int i = 0; i < AREA && whole.picture && parts.picture; i++) {
		sum += pow((double)parts.picture[i] - (double)whole.picture[i], 2) / AREA;
		noise += pow((double)whole.picture[i] - (double)y[i], 2) / AREA;
	}
	ok(noise > 0 && sqrt(sum) < 0.1 * sqrt(noise), "the same numbers in each place (%g of %g)",
	   sqrt(sum), sqrt(noise));
	restored_free(&whole);
	restored_free(&parts);
	tear_down();
}

/* One restorer, two pictures: each has its own noise. */
static void test_next_picture(void)
{
	enum { W = 620, H = 400 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float noise[W * H], y[W * H];
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	struct restorer *r = NULL;
	struct windows plan;

	random_gaussian((struct random_key){ 4, 0, 0 }, 0, 0, noise, W * H);
	set_up("identity");
	job.noise.sigma = -1;
	plan = some_windows(&shape, 16.0 * W * H, 60 << 20);
	restorer_create(&job, &r);
	for (int k = 0; k < 2; k++) {
		const double sigma = k ? 0.02 : 0.06;
		struct restored parts;

		for (int i = 0; i < W * H; i++)
			y[i] = (float)(0.5 + sigma * (double)noise[i]);
		ok(!windows_run(r, &plan, &m, &parts), "noise of %g", sigma);
		near(parts.record.noise, sigma, 0.1 * sigma, "is found");
		ok(!(parts.record.places[1] > 0), "everywhere");
		restored_free(&parts);
	}
	restorer_destroy(r);
	tear_down();
}

/* ---- what windows read and write */

struct log_of_rows {
	int64_t top, bottom;	   /* rows that may be read */
	int64_t first, multiple;   /* of the sink */
	int64_t factor, done, all; /* rows of the result */
	int64_t reads, most[2];	   /* regions read, and where the last of them begins */
	int wrong;
};

static int log_move(void *context, int64_t top, int64_t bottom)
{
	struct log_of_rows *l = context;

	l->top = top;
	l->bottom = bottom;
	return LACUNA_OK;
}

static int log_read(void *context, const struct lacuna_region *r, float *y, float *deviation)
{
	struct log_of_rows *l = context;
	const int64_t *e = r->extent;

	(void)deviation;
	l->wrong += r->origin[1] < l->top || r->origin[1] + e[1] > l->bottom;
	l->reads++;
	for (int i = 0; i < 2; i++)
		l->most[i] = r->origin[i] > l->most[i] ? r->origin[i] : l->most[i];
	for (int64_t i = 0; i < e[0] * e[1]; i++)
		y[i] = (float)(0.5 + 0.3 * sin(0.1 * (double)(r->origin[0] + i % e[0])));
	return LACUNA_OK;
}

static int log_write(void *context, const struct windows_rows *rows)
{
	struct log_of_rows *l = context;
	const int64_t end = rows->top + rows->count;
	/* a sink that interpolates needs the row above */
	const int64_t above = rows->top / l->factor - (l->factor > 1);

	l->wrong += rows->top != l->done || (above > 0 ? above : 0) < l->top ||
		    (end - 1) / l->factor >= l->bottom;
	l->wrong += end < l->all && (end - l->first) % l->multiple != 0;
	l->done = end;
	return LACUNA_OK;
}

static void test_rows(void)
{
	static const char *const operators[] = { "identity", "downsample:factor=2" };

	for (int k = 0; k < 4; k++) {
		const struct lacuna_shape shape = { { 300, 700, 1, 1 } };
		const struct measurement m = { .name = "page 1", .hi = 1 };
		const struct windows_cost cost = { .multiple = 16 };
		struct log_of_rows l = { .first = k > 1 ? 45 : 7, .multiple = 16 };
		const struct windows_io io = { log_move, log_read, log_write, 16, l.first, &l };
		struct restorer *r = NULL;
		struct restored result;
		struct windows plan = { 0 };

		set_up(operators[k % 2]);
		job.budget = k % 2 ? 96 << 20 : 46 << 20;
		restorer_create(&job, &r);
		windows_plan(&job, &shape, &cost, &plan);
		ok(plan.down > 2, "%s in %lld rows of windows", operators[k % 2],
		   (long long)plan.down);
		l.factor = plan.factor;
		l.all = plan.factor * shape.extent[1];
		ok(!windows_stream(r, &plan, &m, &io, &result) && l.done == l.all && !l.wrong,
		   "written from row %lld on, %lld rows at a time (%d wrong)", (long long)l.first,
		   (long long)l.multiple, l.wrong);
		restored_free(&result);
		restorer_destroy(r);
		tear_down();
	}
}

/* Noise is estimated in the corners, too, and only when it is not known. */
static void test_listening(void)
{
	const struct lacuna_shape shape = { { 1200, 900, 1, 1 } };
	const struct measurement m = { .name = "page 1", .hi = 1 };
	const struct windows_cost cost = { .multiple = 1 };
	const struct heard_noise heard = { .description = { .noise.sigma = 0.03 },
					   .inner = { .white = 1 } };
	struct log_of_rows l = { .factor = 1 };
	const struct windows_io io = { log_move, log_read, log_write, 1, 0, &l };
	struct restorer *r = NULL;
	struct windows plan = { 0 };

	set_up("identity");
	job.noise.sigma = -1;
	job.budget = 46 << 20;
	restorer_create(&job, &r);
	windows_plan(&job, &shape, &cost, &plan);
	ok(plan.across > 3 && plan.down > 3, "%lldx%lld windows", (long long)plan.across,
	   (long long)plan.down);
	ok(!windows_listen(r, &plan, &m, &io) && l.reads > 1 && !l.wrong &&
		   l.most[0] + plan.width == shape.extent[0] &&
		   l.most[1] + plan.height == shape.extent[1],
	   "are listened to as far as the last");
	restorer_forget(r);
	restorer_recall(r, &heard);
	l.reads = 0;
	ok(!windows_listen(r, &plan, &m, &io) && !l.reads, "noise that is known is not estimated");
	restorer_destroy(r);
	tear_down();
}

/* ---- holes */

static void test_holes_map(void)
{
	enum { W = 61, H = 45 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float y[W * H];
	struct holes h = { 0 };

	for (int64_t i = 0; i < W * H; i++)
		y[i] = i % W >= 16 && i % W < 40 && i / W >= 8 && i / W < 32 ? NAN : 1;
	y[W * H - 1] = NAN;
	ok(!holes_create(W, H, &h), "a map of holes");
	holes_add(&h, &shape, 0, y);
	ok(!holes_finish(&h) && holes_count(&h, 0, 0, W, H) == 3 * 3 + 1 &&
		   holes_count(&h, 0, 0, 16, H) == 0 && holes_count(&h, 15, 0, 17, 9) == 1 &&
		   holes_count(&h, 60, 44, 61, 45) == 1,
	   "counts cells that miss something");
	ok(holes_width(&h) >= 24 && holes_width(&h) <= 40, "no hole is wider than %lld",
	   (long long)holes_width(&h));
	holes_free(&h);
}

/* A page comes in bands of rows, each of which lies below those before. */
static void test_holes_bands(void)
{
	enum { W = 3 * HOLES_CELL, H = 4 * HOLES_CELL };
	const struct lacuna_shape page = { { W, H, 1, 1 } };
	static float y[W * H];
	struct holes whole, bands;
	int same = 1;

	for (int i = 0; i < W * H; i++)
		y[i] = i / W > 3 * HOLES_CELL && i % W > HOLES_CELL ? NAN : 1;
	if (holes_create(W, H, &whole) || holes_create(W, H, &bands))
		tap_bail("%s", error_text());
	holes_add(&whole, &page, 0, y);
	for (int64_t first = 0; first < H; first += 2 * HOLES_CELL) {
		const struct lacuna_shape band = { { W, 2 * HOLES_CELL, 1, 1 } };

		holes_add(&bands, &band, first, y + first * W);
	}
	if (holes_finish(&whole) || holes_finish(&bands))
		tap_bail("%s", error_text());
	for (int64_t j = 0; j < H; j += HOLES_CELL)
		same &= holes_count(&whole, 0, j, W, j + HOLES_CELL) ==
			holes_count(&bands, 0, j, W, j + HOLES_CELL);
	ok(same && holes_count(&bands, 0, 3 * HOLES_CELL, W, H) == 2, "bands are the page");
	holes_free(&whole);
	holes_free(&bands);
}

/* Width of a hole that is told: no less than the hole's, however it lies on the cells, and not that of a crooked one. */
static void test_holes_width(void)
{
	enum { W = 96, H = 80, SIDE = 38 };
	const struct lacuna_shape shape = { { W, H, 2, 1 } };
	static float y[2 * W * H];
	int narrow = 0, wide = 0, unseen = 0;

	for (int at = 0; at < 24; at++) {
		struct holes h = { 0 };

		for (int64_t i = 0; i < 2 * W * H; i++) {
			const int64_t u = i % W, v = i / W % H;

			y[i] = u >= at && u < at + SIDE && v >= at && v < at + SIDE ? NAN : 1;
		}
		holes_create(W, H, &h);
		holes_add(&h, &shape, 0, y);
		narrow += holes_width(&h) < SIDE;
		holes_free(&h);
		for (int64_t i = 0; i < 2 * W * H;
		     i++) { /* three cells of four, in one channel first */
			const int64_t u = i % W / HOLES_CELL, v = i / W % H / HOLES_CELL;

			y[i] = u >= 2 && u < 4 && v >= 2 && v < 4 && u + v > 4 &&
					       (i >= W * H || at % 2)
				       ? NAN
				       : 1;
		}
		holes_create(W, H, &h);
		holes_add(&h, &shape, 0, y);
		wide += holes_width(&h) > (at % 2 ? 3 : 2) * HOLES_CELL;
		unseen += holes_finish(&h) || holes_count(&h, 0, 0, W, H) != 3;
		holes_free(&h);
	}
	ok(!narrow, "no hole is wider than is told (%d are)", narrow);
	ok(!wide, "nor is a crooked one as wide as it is long (%d)", wide);
	ok(!unseen, "a hole of the second channel is one (%d)", unseen);
}

/* Windows that meet in a wide hole see what surrounds it. */
static void test_wide_hole(void)
{
	enum { W = 900, H = 840, SIDE = 120, AT = 200 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	const struct windows_cost cost = { .multiple = 1 };
	static float y[W * H];
	struct windows w = { 0 };
	struct holes h = { 0 };
	double share;

	for (int64_t i = 0; i < W * H; i++)
		y[i] = i % W >= AT && i % W < AT + SIDE && i / W >= AT && i / W < AT + SIDE ? NAN
											    : 1;
	set_up("identity");
	holes_create(W, H, &h);
	holes_add(&h, &shape, 0, y);
	ok(!holes_finish(&h) && !windows_around(&job, &shape, &cost, &h, &w, &share) &&
		   w.overlap[0] >= 2 * windows_margin(0) + SIDE &&
		   w.overlap[1] >= 2 * windows_margin(0) + SIDE,
	   "windows around a hole of %d overlap by it and two margins", SIDE);
	memory_release(w.active);
	holes_free(&h);
	tear_down();
}

static void test_holes(void)
{
	enum { W = 900, H = 400 };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float y[W * H];
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	const struct windows_cost cost = { .fixed = 16.0 * W * H, .multiple = 1 };
	struct restorer *r = NULL;
	struct restored whole, parts;
	struct windows plan = { 0 };
	struct holes h = { 0 };
	double sum = 0, share = 1;
	int64_t all, changed = 0;

	scene(W, H, y);
	for (int64_t i = 0; i < W * H; i++)
		if ((i % W > 97 && i % W < 106) ||
		    (i % W - 400) * (i % W - 400) + (i / W - 200) * (i / W - 200) < 50)
			y[i] = NAN;
	set_up("identity");
	job.noise.sigma = 0;
	restorer_create(&job, &r);
	denoised = 0;
	ok(!restorer_shape(r, &shape, NULL) && !restorer_run(r, &m, &whole), "holes in the whole");
	all = denoised;
	ok(!holes_create(W, H, &h), "their map");
	holes_add(&h, &shape, 0, y);
	ok(!holes_finish(&h) && !windows_around(&job, &shape, &cost, &h, &plan, &share) &&
		   plan.active,
	   "windows around them: %.2g of the work", share);
	denoised = 0;
	ok(share < 0.6 && !windows_run(r, &plan, &m, &parts), "are restored");
	ok((double)denoised < 0.7 * (double)all, "no more than they: %.2g of the pixels",
	   (double)denoised / (double)all);
	for (int64_t i = 0; parts.picture && i < W * H; i++) {
		sum += pow((double)parts.picture[i] - (double)whole.picture[i], 2) / (W * H);
		changed += !isnan(y[i]) &&
			   (!parts.record.unchanged[i] || fabsf(parts.picture[i] - y[i]) > 1e-6f);
	}
	ok(sqrt(sum) < 1e-4, "as in the whole, to %.2g of full scale", sqrt(sum));
	ok(!changed, "and what is known is as it was (%lld changed)", (long long)changed);
	restored_free(&whole);
	restored_free(&parts);
	holes_free(&h);
	memory_release(plan.active);
	restorer_destroy(r);
	tear_down();
}

/* Pictures of many sizes, some with sides that differ by a multiple of the grid. */
static void test_around_sizes(void)
{
	const struct windows_cost cost = { .multiple = 1 };
	int wrong = 0;

	set_up("identity");
	for (int64_t i = 0; i < 64; i++) {
		const struct lacuna_shape shape = { { 96 + i % 8 * 48, 128 + i / 8 * 48, 1, 1 } };
		const int64_t *n = shape.extent;
		struct windows plan = { 0 };
		struct holes h = { 0 };
		double share;

		wrong += holes_create(n[0], n[1], &h) || holes_finish(&h);
		if (!windows_around(&job, &shape, &cost, &h, &plan, &share))
			wrong += plan.width > n[0] || plan.height > n[1] ||
				 (plan.width < n[0] && plan.width <= plan.overlap[0]) ||
				 (plan.height < n[1] && plan.height <= plan.overlap[1]) ||
				 (plan.width == plan.height) != (n[0] == n[1]);
		error_clear();
		memory_release(plan.active);
		holes_free(&h);
	}
	ok(!wrong, "windows around holes in pictures of any size (%d wrong)", wrong);
	tear_down();
}

static void test_mask(void)
{
	const struct lacuna_shape shape = { { 40, 30, 2, 1 } };
	unsigned char *known = NULL;
	int64_t missing = 0;

	set_up("mask:columns=3+8");
	ok(!holes_of_operator(&op, &shape, &known), "a mask says what is known");
	for (size_t i = 0; known && i < lacuna_count(&shape); i++)
		missing += !holes_known(known, i);
	ok(missing == 2 * 2 * 30 && !holes_known(known, 3) && holes_known(known, 4),
	   "value by value");
	memory_release(known);
	tear_down();
	set_up("blur:kind=box,width=3,height=3");
	ok(holes_of_operator(&op, &shape, &known) == LACUNA_EUNSUPPORTED && !known,
	   "a blur is no mask");
	error_clear();
	tear_down();
	for (int k = 0; k < 2; k++) {
		static const char *const gains[] = { "identity:gain=0.5", "identity:gain=2" };

		set_up(gains[k]);
		ok(holes_of_operator(&op, &shape, &known) == LACUNA_EUNSUPPORTED && !known,
		   "%s is no mask", gains[k]);
		error_clear();
		tear_down();
	}
}

/* ---- a picture of any height */

static int any_move(void *context, int64_t top, int64_t bottom)
{
	int64_t *held = context;

	ok(top >= held[0] && bottom > top && bottom - top <= 400, "rows %lld to %lld",
	   (long long)top, (long long)bottom);
	held[0] = top;
	held[1] = bottom;
	return LACUNA_OK;
}

static int any_read(void *context, const struct lacuna_region *region, float *y, float *deviation)
{
	const int64_t *held = context, *e = region->extent;

	(void)deviation;
	if (region->origin[1] < held[0] || region->origin[1] + e[1] > held[1])
		return error_set(LACUNA_EINTERNAL, "rows that are not held");
	for (int64_t i = 0; i < e[0] * e[1]; i++)
		y[i] = (float)(0.5 + 0.3 * sin(0.1 * (double)(region->origin[0] + i % e[0])) *
					     cos(0.07 * (double)(region->origin[1] + i / e[0])));
	return LACUNA_OK;
}

static int any_write(void *context, const struct windows_rows *rows)
{
	const int64_t top = rows->top, count = rows->count;
	int64_t *held = context;

	if (top != held[2] || top < held[0] || top + count > held[1])
		return error_set(LACUNA_EINTERNAL, "rows out of order");
	if (top + count < held[3] && count % 16)
		return error_set(LACUNA_EINTERNAL, "no multiple");
	held[2] += count;
	return LACUNA_OK;
}

static size_t peak_of(int64_t height)
{
	int64_t held[4] = { 0, 0, 0, height };
	const struct lacuna_shape shape = { { 300, height, 1, 1 } };
	const struct measurement m = { .name = "page 1", .hi = 1 };
	const struct windows_cost cost = { .multiple = 16 };
	const struct windows_io io = { any_move, any_read, any_write, 16, 0, held };
	struct restorer *r = NULL;
	struct restored result;
	struct windows plan;

	restorer_create(&job, &r);
	memory_reset_peak();
	ok(!windows_plan(&job, &shape, &cost, &plan) &&
		   !windows_stream(r, &plan, &m, &io, &result) && held[2] == height,
	   "300x%lld, row by row", (long long)height);
	if (error_text()[0])
		diag("%s", error_text());
	restored_free(&result);
	restorer_destroy(r);
	return memory_peak_bytes();
}

/* Gives window i a result with the law slope i + i / 10, on a scale that differs, too. */
static int take_made(void *context, const struct measurement *m, int64_t i, struct restored *part)
{
	const struct windows *w = context;
	const struct scale file = { .black = 0, .white = 1 };
	const struct scale inner = { .black = -0.1, .white = 1 + 0.1 * (double)i };
	const struct noise law = { .slope = (double)i, .offset = 0.1 * (double)i, .sigma = 0.01 };

	(void)m;
	part->record.shape = (struct lacuna_shape){ { w->width, w->height, 1, 1 } };
	part->record.inner = inner;
	part->record.noise = 0.01;
	part->record.description.noise = noise_rescale(&law, &file, &inner);
	part->record.samples = memory_alloc(sizeof *part->record.samples);
	part->picture = memory_alloc_array(lacuna_count(&part->record.shape), sizeof(float));
	return part->picture && part->record.samples ? PART_TAKEN : LACUNA_ENOMEM;
}

/* A law that was not the same in all windows is their mean. */
static void test_laws(void)
{
	const struct lacuna_shape shape = { { 620, 400, 1, 1 } };
	static float y[620 * 400];
	const struct measurement m = { .name = "page 1", .y = y, .hi = 1 };
	const struct windows_cost cost = { .multiple = 1 };
	const struct scale file = { .black = 0, .white = 1 };
	struct windows plan = { .across = 0 };
	const struct restore_parts parts = { .take = take_made, .context = &plan };
	struct restorer *r = NULL;
	struct restored all = { .picture = NULL };
	struct noise law;
	double last;

	set_up("identity");
	job.budget = 60 << 20;
	job.parts = &parts;
	ok(!windows_plan(&job, &shape, &cost, &plan) && !restorer_create(&job, &r) &&
		   !windows_run(r, &plan, &m, &all),
	   "windows with laws of their own");
	law = noise_rescale(&all.record.description.noise, &all.record.inner, &file);
	last = (double)(plan.across * plan.down - 1);
	near(law.slope, last / 2, 1e-9, "their mean slope");
	near(law.offset, last / 20, 1e-9, "and offset");
	near(law.sigma, 0.01, 1e-9, "and level");
	restored_free(&all);
	restorer_destroy(r);
	tear_down();
}

static void test_memory(void)
{
	size_t low, high;

	set_up("identity");
	job.budget = 46 << 20;
	low = peak_of(600 + 7);
	high = peak_of(600 + 7 + 56 * WINDOWS_GRID);
	ok(high < low + low / 50, "memory does not grow with height: %zu, %zu KiB", low / 1024,
	   high / 1024);
	tear_down();
}

int main(void)
{
	test_reach();
	test_reach_of_two();
	test_own_operators();
	test_needed();
	test_tight();
	test_weights();
	test_narrow_weights();
	test_mirrored_weights();
	test_layout();
	test_active();
	test_costs();
	test_samples_refused();
	test_holes_map();
	test_holes_bands();
	test_holes_width();
	test_wide_hole();
	test_mask();
	test_holes();
	test_around_sizes();
	test_memory();
	test_laws();
	test_in_one_call();
	test_wide_noise();
	test_uneven_noise();
	test_wide_noise_in_place();
	test_constant();
	test_constant_samples();
	test_empty();
	test_deviation();
	test_channels();
	test_record();
	test_counts();
	test_counts_of_channels();
	test_random_places();
	test_next_picture();
	test_rows();
	test_listening();
	test_whole("identity");
	test_whole("blur:kind=gaussian,sigma=1.2");
	ok(memory_live_blocks() == 0, "nothing is left behind");
	threads_stop();
	return tap_done();
}
