/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Restorations of arrays, with a prior whose posterior is known in closed form: x ~ N(1/2, 0.2^2) for each value.  What is
 * kept between images changes no result; ensembles agree with the samples themselves. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "restore/ensemble.h"
#include "restore/restore.h"
#include "restore/stabilise.h"
#include "tests/tap.h"

#include <lacuna/deviation.h>
#include <math.h>
#include <string.h>

enum { W = 16, H = 12, N = W * H };

static const double prior_mean = 0.5, prior_variance = 0.04;
static int created;

/* ---- the prior */

struct gauss {
	size_t n;
};

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	struct gauss *g = host->alloc(host, sizeof *g);

	(void)config;
	if (!g)
		return LACUNA_ENOMEM;
	g->n = lacuna_count(&problem->x);
	created++;
	*self = g;
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
	i->sigma_max = 1e6;
	i->precision = "f64";
}

static float shrink(double u, double sigma)
{
	const double s2 = sigma * sigma;

	return (float)((u * prior_variance + prior_mean * s2) / (prior_variance + s2));
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct gauss *g = self;

	(void)scratch;
	for (size_t i = 0; i < g->n; i++)
		x0[i] = shrink((double)u[i], sigma);
	return LACUNA_OK;
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	const struct gauss *g = self;

	(void)scratch;
	for (size_t i = 0; i < g->n; i++)
		x0[i] = shrink((double)u[i], (double)sigma[i]);
	return LACUNA_OK;
}

/* ---- a job with it */

struct bench {
	struct lacuna_plugin head;
	struct plugin prior;
	struct plugin_use op;
	struct method method;
	struct restore_job job;
	struct restorer *restorer;
};

static void set_up(struct bench *b, const char *sampler, int lasting)
{
	*b = (struct bench){ .head = { .name = "gauss", .kind = LACUNA_PRIOR } };
	b->prior = (struct plugin){ .head = &b->head,
				    .u.prior = { .size = sizeof b->prior.u.prior,
						 .flags = lasting ? LACUNA_LASTING : 0,
						 .create = create,
						 .destroy = destroy,
						 .info = info,
						 .denoise = denoise,
						 .denoise_map = denoise_map } };
	b->method.prior.plugin = &b->prior;
	b->method.has_guidance = 1;
	b->method.wish.prior = "gauss"; /* keeps the host from choosing another prior */
	if (use_parse(LACUNA_OPERATOR, "identity", &b->op) ||
	    use_parse(LACUNA_GUIDANCE, "exact", &b->method.guidance) ||
	    use_parse(LACUNA_SAMPLER, sampler, &b->method.sampler))
		tap_bail("%s", error_text());
	b->job = (struct restore_job){ .operators = &b->op,
				       .operator_count = 1,
				       .method = &b->method,
				       .noise = { .sigma = 0.1 },
				       .samples = 1 };
	restorer_create(&b->job, &b->restorer);
}

static void tear_down(struct bench *b)
{
	restorer_destroy(b->restorer);
	use_free(&b->op);
	use_free(&b->method.guidance);
	use_free(&b->method.sampler);
}

static const char one_step[] = "ode:steps=1,sigma_max=5000";

static void picture(float *y, uint64_t seed)
{
	random_gaussian((struct random_key){ seed, 0, 0 }, 0, 0, y, N);
	for (int i = 0; i < N; i++)
		y[i] = 0.5f + 0.22f * y[i];
}

static int restore(struct bench *b, struct lacuna_shape shape, struct measurement m,
		   struct restored *out)
{
	int status = restorer_shape(b->restorer, &shape, NULL);

	m.name = "page 1";
	m.hi = m.hi > m.lo ? m.hi : 1;
	return status ? status : restorer_run(b->restorer, &m, out);
}

static const struct lacuna_shape shape = { { W, H, 1, 1 } };

/* ---- tests */

static double worst_mean(const struct restored *r, const float *y, const float *sigma)
{
	double worst = 0;

	for (int i = 0; i < N; i++) {
		const double s = sigma ? (double)sigma[i] : 0.1;

		worst = fmax(worst, fabs((double)r->picture[i] - (double)shrink((double)y[i], s)));
	}
	return worst;
}

static void test_mean(void)
{
	struct bench b;
	struct restored r;
	float y[N], sigma[N], shifted[N];
	double worst = 0, squares = 0;

	picture(y, 1);
	set_up(&b, one_step, 1);
	ok(!restore(&b, shape, (struct measurement){ .y = y }, &r), "one image");
	ok(worst_mean(&r, y, NULL) < 1e-5, "is the posterior mean (%g)", worst_mean(&r, y, NULL));
	near(r.record.noise, 0.1, 1e-12, "with the noise that was stated");
	ok(!r.record.estimated && !r.deviation && r.record.sample_count == 1, "as the record says");
	restored_free(&r);

	for (int i = 0; i < N; i++) {
		sigma[i] = 0.02f + 0.3f * (float)(i % W) / W;
		squares += (double)sigma[i] * (double)sigma[i] / N;
		shifted[i] = 1000 + 200 * y[i];
	}
	ok(!restore(&b, shape, (struct measurement){ .y = y, .deviation = sigma }, &r),
	   "noise of each value");
	ok(worst_mean(&r, y, sigma) < 1e-4, "is the posterior mean (%g)", worst_mean(&r, y, sigma));
	near(r.record.noise, sqrt(squares), 1e-12, "and its root mean square is reported");
	restored_free(&r);

	for (int i = 0; i < N; i++)
		sigma[i] *= 200;
	restore(&b, shape,
		(struct measurement){ .y = shifted, .lo = 1000, .hi = 1200, .deviation = sigma },
		&r);
	near(r.record.noise, sqrt(squares), 1e-8, "on another scale it is in that one's units");
	near((double)r.picture[9],
	     1000 + 200 * (double)shrink((double)y[9], (double)sigma[9] / 200), 0.02,
	     "and so is the picture");
	restored_free(&r);

	restore(&b, shape, (struct measurement){ .y = shifted, .lo = 1000, .hi = 1200 }, &r);
	for (int i = 0; i < N; i++)
		worst = fmax(worst, fabs((double)r.picture[i] -
					 (1000 + 200 * (double)shrink((double)y[i], 0.1))));
	ok(worst < 2e-3, "other values, the same picture (%g)", worst);
	restored_free(&r);
	tear_down(&b);
}

/* White is 40 photons, on top of 100 counts; few: a tenth of the light. */
static void count_photons(float *y, uint64_t seed, int few)
{
	picture(y, seed);
	for (int i = 0; i < N; i++)
		y[i] = 100 + (few ? 10 : 100) * fmaxf(y[i], 0);
}

/* The posterior's deviation under even noise, which is constant, times the slope of the inverse transform. */
static double deviation_of_photons(const struct restored *r, const struct stabiliser *s,
				   double sigma, int i)
{
	const double even = 0.2 * sigma / sqrt(0.04 + sigma * sigma);
	const double x = ((double)r->picture[i] - 100) / 100, t = stabiliser_expect(s, x);
	float ends[2] = { (float)(t - 0.01), (float)(t + 0.01) };

	stabiliser_leave(s, 2, ends);
	return 100 * even * ((double)ends[1] - (double)ends[0]) / 0.02;
}

/* With photon noise the posterior mean is computed for even noise, between a transform and its inverse. */
static void test_photons(void)
{
	const struct stated_noise stated = { .sigma = -1, .gain = 2.5, .offset = 100, .read = 2.5 };
	const struct scale scale = { .black = 100, .white = 200 };
	struct noise_description d = { .how = NULL };
	struct stabiliser *s = NULL;
	struct bench b;
	struct restored r;
	float y[N], want[N];
	double sigma, worst = 0, squares = 0, ratio = 0;

	count_photons(y, 6, 0);
	for (int i = 0; i < N; i++)
		want[i] = (y[i] - 100) / 100;
	noise_of_photons(&stated, &scale, N, want, &d);
	stabiliser_create(&d.noise, &s);
	sigma = stabiliser_sigma(s);
	stabiliser_enter(s, N, want);
	for (int i = 0; i < N; i++) {
		squares += pow((double)want[i] - (double)shrink((double)want[i], sigma), 2) / N;
		want[i] = shrink((double)want[i], sigma);
	}
	stabiliser_leave(s, N, want);
	set_up(&b, one_step, 1);
	b.job.noise = stated;
	ok(!restore(&b, shape, (struct measurement){ .y = y, .lo = 100, .hi = 200 }, &r),
	   "photons");
	is_text(r.record.dealt_with, "transform", "are transformed");
	for (int i = 0; i < N; i++)
		worst = fmax(worst, fabs((double)r.picture[i] - 100 - 100 * (double)want[i]));
	ok(worst < 0.01, "the picture is the inverse of the posterior mean (%g counts)", worst);
	near(r.record.residual / r.record.noise, sqrt(squares) / sigma, 1e-3,
	     "the residual is in the noise's unit");
	restored_free(&r);
	b.job.deviation = 1;
	restore(&b, shape, (struct measurement){ .y = y, .lo = 100, .hi = 200 }, &r);
	for (int i = 0; i < N; i++)
		ratio += (double)r.deviation[i] / deviation_of_photons(&r, s, sigma, i) / N;
	near(ratio, 1, 0.05, "the deviation by formula follows the slope of the inverse");
	restored_free(&r);
	tear_down(&b);

	set_up(&b, "ddpm-fast", 1);
	b.job.noise = stated;
	b.job.samples = 64;
	restore(&b, shape, (struct measurement){ .y = y, .lo = 100, .hi = 200 }, &r);
	ratio = 0;
	for (int i = 0; i < N; i++)
		ratio += (double)r.deviation[i] / deviation_of_photons(&r, s, sigma, i) / N;
	near(ratio, 1, 0.05, "deviations follow the slope of the inverse");
	restored_free(&r);
	stabiliser_destroy(s);
	tear_down(&b);

	set_up(&b, one_step, 1);
	b.job.noise = stated;
	count_photons(y, 6, 1);
	restore(&b, shape, (struct measurement){ .y = y, .lo = 100, .hi = 110 }, &r);
	is_text(r.record.dealt_with, "weights", "a few photons are weighted");
	restored_free(&r);
	b.job.noise = (struct stated_noise){ .sigma = 0.1 };
	restore(&b, shape, (struct measurement){ .y = y, .lo = 100, .hi = 110 }, &r);
	is_text(r.record.dealt_with, "one level", "white noise has one level");
	restored_free(&r);
	tear_down(&b);
}

/* The posterior means of a few photons: with the noise at the levels of the neighbourhood, and with that at these means. */
static void few_photons(const struct stated_noise *stated, const float *y, float *first,
			float *second)
{
	const struct scale scale = { .black = 100, .white = 110 };
	struct noise_description d = { .how = NULL };
	float inner[N], sigma[N];

	for (int i = 0; i < N; i++)
		inner[i] = (y[i] - 100) / 10;
	noise_of_photons(stated, &scale, N, inner, &d);
	noise_map(&shape, &d.noise, inner, 3, sigma);
	for (int i = 0; i < N; i++)
		first[i] = shrink((double)inner[i], (double)sigma[i]);
	noise_map(&shape, &d.noise, first, 0, sigma);
	for (int i = 0; i < N; i++) {
		second[i] = 100 + 10 * shrink((double)inner[i], (double)sigma[i]);
		first[i] = 100 + 10 * first[i];
	}
}

static double farthest(const float *a, const float *b)
{
	double worst = 0;

	for (int i = 0; i < N; i++)
		worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
	return worst;
}

/* Each channel is denoised as its own noise demands. */
static void test_channels(void)
{
	enum { SIDE = 64, AREA = SIDE * SIDE };
	static const struct lacuna_shape two = { { SIDE, SIDE, 2, 1 } };
	static float y[2 * AREA];
	struct bench b;
	struct restored r;

	random_gaussian((struct random_key){ 4, 0, 0 }, 0, 0, y, 2 * AREA);
	for (int i = 0; i < 2 * AREA; i++)
		y[i] = 0.5f + (i < AREA ? 0.02f : 0.2f) * y[i];
	set_up(&b, one_step, 1);
	b.job.noise = (struct stated_noise){ .sigma = -1 };
	ok(!restore(&b, two, (struct measurement){ .y = y, .lo = 0, .hi = 1 }, &r),
	   "channels with unlike noise");
	is_text(r.record.dealt_with, "weights", "are weighted");
	for (int c = 0; c < 2; c++) {
		double slope = 0, squares = 0;

		for (int i = c * AREA; i < (c + 1) * AREA; i++) {
			slope += ((double)r.picture[i] - 0.5) * ((double)y[i] - 0.5);
			squares += ((double)y[i] - 0.5) * ((double)y[i] - 0.5);
		}
		near(slope / squares, c ? 0.5 : 0.99, 0.06, "by its own noise");
	}
	restored_free(&r);
	tear_down(&b);
}

/* A grey square with noise, of other levels in its left and its right half. */
static void fill_halves(int side, float left, float right, float *out)
{
	random_gaussian((struct random_key){ 5, 0, 0 }, 0, 0, out, (size_t)side * (size_t)side);
	for (int i = 0; i < side * side; i++)
		out[i] = 0.5f + (i % side < side / 2 ? left : right) * out[i];
}

/* Noise that differs from place to place is told from the picture, whatever level has been settled. */
static void test_places(void)
{
	enum { SIDE = 128, AREA = SIDE * SIDE };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static float y[AREA];
	struct bench b;
	struct restored r;

	fill_halves(SIDE, 0.03f, 0.2f, y);
	for (int settled = 0; settled < 2; settled++) {
		const struct measurement m = { .y = y, .lo = 0, .hi = 1 };

		set_up(&b, one_step, 1);
		b.job.noise = (struct stated_noise){ .sigma = -1 };
		if (settled) {
			const struct heard_noise heard = { .description.noise = { .offset = 0.01,
										  .sigma = 0.1 },
							   .inner = { .white = 1 } };

			restorer_recall(b.restorer, &heard);
		}
		ok(!restore(&b, square, m, &r), "half is louder");
		is_text(r.record.dealt_with, "weights", "values are weighted");
		near(r.record.noise, 0.143, 0.02, "the level is that of all");
		near(r.record.places[1] / r.record.places[0], 6.67, 1,
		     "the record tells how much it differs");
		for (int half = 0; half < 2; half++) {
			double slope = 0, squares = 0;

			for (int i = 0; i < AREA; i++)
				if (i % SIDE / 40 == 2 * half) {
					slope +=
						((double)r.picture[i] - 0.5) * ((double)y[i] - 0.5);
					squares += ((double)y[i] - 0.5) * ((double)y[i] - 0.5);
				}
			near(slope / squares, half ? 0.5 : 0.978, 0.06, "each by its own noise");
		}
		restored_free(&r);
		tear_down(&b);
	}
}

/* Noise that is stated for each value counts as it is, whatever the picture shows. */
static void test_stated_places(void)
{
	enum { SIDE = 128, AREA = SIDE * SIDE };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static float y[AREA], sigma[AREA];
	struct bench b;
	struct restored r;
	double worst = 0;

	fill_halves(SIDE, 0.03f, 0.2f, y);
	for (int i = 0; i < AREA; i++)
		sigma[i] = 0.1f;
	set_up(&b, one_step, 1);
	ok(!restore(&b, square, (struct measurement){ .y = y, .deviation = sigma }, &r),
	   "stated, half is louder");
	for (int i = 0; i < AREA; i++)
		worst = fmax(worst, fabs((double)r.picture[i] - (double)shrink((double)y[i], 0.1)));
	ok(worst < 1e-4, "what was stated counts (%g)", worst);
	near(r.record.noise, 0.1, 1e-7, "and is told");
	restored_free(&r);
	tear_down(&b);
}

/* The error of faint noise that a mask leaves is that of its place. */
static void test_spared_places(void)
{
	enum { SIDE = 128, AREA = SIDE * SIDE };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static float y[AREA];
	struct bench b;
	struct restored r;

	fill_halves(SIDE, 0.006f, 0.019f, y);
	set_up(&b, one_step, 1);
	use_free(&b.op);
	if (use_parse(LACUNA_OPERATOR, "mask:columns=60-65", &b.op))
		tap_bail("%s", error_text());
	b.job.noise.sigma = -1;
	b.job.deviation = 1;
	ok(!restore(&b, square, (struct measurement){ .y = y }, &r), "a mask, half is louder");
	near((double)r.picture[SIDE + 20], (double)y[SIDE + 20], 0, "the values stay");
	near((double)r.deviation[64 * SIDE + 20], 0.006, 0.0012, "with their noise on the left");
	near((double)r.deviation[64 * SIDE + 110], 0.019, 0.004, "and on the right");
	restored_free(&r);
	tear_down(&b);
}

/* Under a transform that makes photon noise even, places weigh as they do without. */
static void test_places_of_photons(void)
{
	enum { SIDE = 128, AREA = SIDE * SIDE };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static const struct heard_noise heard = {
		.description.noise = { .slope = 0.01, .sigma = 0.07, .least_variance = 1e-4 },
		.inner = { .white = 1 }
	};
	static float y[AREA];
	struct bench b;
	struct restored r;
	double kept[2];

	random_gaussian((struct random_key){ 15, 0, 0 }, 0, 0, y, AREA);
	for (int i = 0; i < AREA; i++)
		y[i] = 0.5f + (i % SIDE < SIDE / 2 ? 0.07f : 0.21f) * y[i];
	set_up(&b, one_step, 1);
	b.job.noise = (struct stated_noise){ .sigma = -1 };
	restorer_recall(b.restorer, &heard);
	ok(!restore(&b, square, (struct measurement){ .y = y, .lo = 0, .hi = 1 }, &r),
	   "photons, half of the picture is louder");
	is_text(r.record.dealt_with, "transform, weights", "both are used");
	for (int half = 0; half < 2; half++) {
		double slope = 0, squares = 0;

		for (int i = 0; i < AREA; i++)
			if (i % SIDE / 40 == 2 * half) {
				slope += ((double)r.picture[i] - 0.5) * ((double)y[i] - 0.5);
				squares += ((double)y[i] - 0.5) * ((double)y[i] - 0.5);
			}
		kept[half] = slope / squares;
	}
	ok(kept[1] < 0.8 * kept[0], "the loud half is denoised more (%.2f and %.2f are kept)",
	   kept[1], kept[0]);
	restored_free(&r);
	tear_down(&b);
}

/* Banding is told of, unless the operator leaves it open. */
static void test_bands(void)
{
	enum { SIDE = 96, AREA = SIDE * SIDE };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static const char *const operators[] = { "identity", "rows:lines=columns" };
	static float y[AREA], offsets[SIDE];

	random_gaussian((struct random_key){ 7, 0, 0 }, 0, 0, y, AREA);
	random_gaussian((struct random_key){ 7, 0, 0 }, 1, 0, offsets, SIDE);
	for (int i = 0; i < AREA; i++)
		y[i] = 0.5f + 0.02f * y[i] + 0.03f * offsets[i % SIDE];
	for (int k = 0; k < 2; k++) {
		struct plugin_use op;
		struct restored r;
		struct bench b;

		set_up(&b, one_step, 1);
		b.job.noise = (struct stated_noise){ .sigma = 0.02 };
		use_free(&b.method.guidance);
		if (use_parse(LACUNA_OPERATOR, operators[k], &op) ||
		    use_parse(LACUNA_GUIDANCE, "prox", &b.method.guidance))
			tap_bail("%s", error_text());
		restorer_operators(b.restorer, &op, 1);
		ok(!restore(&b, square, (struct measurement){ .y = y, .lo = 0, .hi = 1 }, &r),
		   "%s: %s", operators[k], error_text());
		ok(r.record.doubts == !k, "columns with offsets: %d doubts", r.record.doubts);
		restored_free(&r);
		tear_down(&b);
		use_free(&op);
	}
}

/* Two thirds of the noise leave it grainy; a little less than all does no harm. */
static void test_stated_noise(void)
{
	enum { SIDE = 128, AREA = SIDE * SIDE };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static const double stated[] = { 0.026, 0.036, 0.04, 0.05, 0.12 };
	static const int doubts[] = { 1, 0, 0, 0, 1 };
	static float y[AREA];

	random_gaussian((struct random_key){ 9, 0, 0 }, 0, 0, y, AREA);
	for (int i = 0; i < AREA; i++)
		y[i] = 0.5f + 0.04f * y[i];
	for (int k = 0; k < 5; k++) {
		struct bench b;
		struct restored r;

		set_up(&b, one_step, 1);
		b.job.noise = (struct stated_noise){ .sigma = stated[k] };
		restore(&b, square, (struct measurement){ .y = y, .lo = 0, .hi = 1 }, &r);
		ok(r.record.doubts == doubts[k], "noise of 0.04 stated as %g: %d doubts", stated[k],
		   r.record.doubts);
		restored_free(&r);
		tear_down(&b);
	}
}

/* Of a picture in parts, any part may cause a warning, and one gives it. */
static void test_doubts_of_parts(void)
{
	enum { SIDE = 96, AREA = SIDE * SIDE, PARTS = 5 };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static const int louder[PARTS] = { 0, 0, 1, 1, 0 }, salty[PARTS] = { 0, 1, 1, 0, 1 };
	static const int doubts[] = { 0, 1, 1, 0, 0 };
	static float y[AREA];
	struct bench b;

	set_up(&b, one_step, 1);
	b.job.noise = (struct stated_noise){ .sigma = 0.02 };
	for (int round = 0; round < 2; round++)
		for (int k = 0; k < PARTS; k++) {
			struct measurement m = {
				.y = y, .lo = 0, .hi = 1, .part = k, .parts = PARTS
			};
			struct restored r;

			random_gaussian((struct random_key){ 8, 0, 0 }, (uint64_t)k, 0, y, AREA);
			for (int i = 0; i < AREA; i++) {
				y[i] = 0.5f + (louder[k] ? 0.08f : 0.02f) * y[i];
				if (salty[k] && i % 101 == 0)
					y[i] = 1;
			}
			ok(!restore(&b, square, m, &r), "part %d", k);
			ok(r.record.doubts == doubts[k], "%d doubts, %d expected", r.record.doubts,
			   doubts[k]);
			restored_free(&r);
		}
	tear_down(&b);
}

static void test_missing(void)
{
	struct bench b;
	struct restored r;
	float y[N];

	picture(y, 2);
	for (int i = 0; i < 20; i++)
		y[i] = NAN;
	set_up(&b, one_step, 1);
	ok(!restore(&b, shape, (struct measurement){ .y = y }, &r), "20 values are missing");
	ok(r.record.missing == 20, "as the record says (%zu)", r.record.missing);
	near((double)r.picture[3], prior_mean, 2e-3, "there the mean is the prior's");
	near((double)r.picture[30], (double)shrink((double)y[30], 0.1), 1e-4,
	     "and elsewhere the posterior's");
	restored_free(&r);
	tear_down(&b);
}

/* What is missing counts in each channel of the part that counts, and nowhere else. */
static void test_counted(void)
{
	static const struct lacuna_shape two = { { W, H, 2, 1 } };
	static const struct lacuna_region part = { { 3, 2 }, { 5, 4, 2, 1 } };
	struct bench b;
	struct restored r;
	float y[2 * N];

	picture(y, 2);
	picture(y + N, 3);
	y[0] = y[2 * W + 2] = y[6 * W + 3] = NAN; /* beside the part */
	y[2 * W + 3] = y[N + 2 * W + 3] = y[N + 5 * W + 7] = NAN;
	set_up(&b, one_step, 1);
	ok(!restore(&b, two, (struct measurement){ .y = y, .counted = part }, &r),
	   "a part with missing values");
	ok(r.record.missing == 3, "counts those of both channels (%zu)", r.record.missing);
	restored_free(&r);
	tear_down(&b);
}

static void test_constant(void)
{
	struct bench b;
	struct restored r;
	float y[N];

	for (int i = 0; i < N; i++)
		y[i] = 7;
	set_up(&b, one_step, 1);
	b.job.noise.sigma = -1;
	b.job.samples = 2;
	ok(!restore(&b, shape, (struct measurement){ .y = y, .hi = 255 }, &r) &&
		   r.record.constant && r.record.sample_count == 0,
	   "a constant image passes through");
	near((double)r.picture[N / 2], 7, 0, "as it is");
	near((double)r.deviation[N / 2], 0, 0, "without a deviation");
	restored_free(&r);
	y[3] = NAN;
	ok(!restore(&b, shape, (struct measurement){ .y = y, .hi = 255 }, &r) &&
		   r.record.missing == 1 && !(r.picture[3] < 7) && !(r.picture[3] > 7),
	   "a missing value gets the constant");
	ok(r.record.unchanged && !r.record.unchanged[3] && r.record.unchanged[4],
	   "and does not count as unchanged");
	restored_free(&r);
	tear_down(&b);
}

/* A restorer's second image equals the first image of a new restorer. */
static void test_lifetime(int lasting)
{
	const struct lacuna_shape turned = { { H, W, 1, 1 } };
	struct bench kept, fresh;
	struct restored r, other;
	float first[N], second[N];

	picture(first, 3);
	picture(second, 4);
	first[5] = NAN;
	set_up(&kept, one_step, lasting);
	created = 0;
	restore(&kept, shape, (struct measurement){ .y = first }, &r);
	restored_free(&r);
	restore(&kept, shape, (struct measurement){ .y = second }, &r);
	ok(created == (lasting ? 1 : 2), "%s prior: made %d times for two images",
	   lasting ? "a lasting" : "another", created);
	set_up(&fresh, one_step, lasting);
	restore(&fresh, shape, (struct measurement){ .y = second }, &other);
	ok(!memcmp(r.picture, other.picture, sizeof second), "the second as if it were the first");
	restored_free(&r);
	restored_free(&other);

	created = 0;
	restore(&kept, turned, (struct measurement){ .y = first }, &r);
	ok(created == 1, "another shape, another instance");
	restored_free(&r);
	restore(&kept, shape, (struct measurement){ .y = second }, &other);
	ok(created == (lasting ? 1 : 2), "and back: %s", lasting ? "it was kept" : "a new one");
	restored_free(&other);
	tear_down(&kept);
	tear_down(&fresh);
}

/* A prior instance that is prepared for vjp() also serves requests without vjp(), but not the other way round. */
static void test_derivative(void)
{
	struct prior_stock stock = { 0 };
	struct bench a;

	set_up(&a, one_step, 1);
	created = 0;
	ok(!prior_prepare(&stock, &a.method.prior, &shape, 0) &&
		   !prior_prepare(&stock, &a.method.prior, &shape, LACUNA_DERIVATIVE) &&
		   created == 2,
	   "vjp() takes an instance that has been told");
	prior_stock_clear(&stock);
	created = 0;
	ok(!prior_prepare(&stock, &a.method.prior, &shape, LACUNA_DERIVATIVE) &&
		   !prior_prepare(&stock, &a.method.prior, &shape, 0) && created == 1,
	   "which serves without it");
	prior_stock_clear(&stock);
	tear_down(&a);
}

/* Restorers with a common stock share its instances; when memory is short only the last one is kept. */
static void test_stock(void)
{
	const struct lacuna_shape turned = { { H, W, 1, 1 } };
	struct prior_stock stock = { 0 };
	struct bench a, b;
	struct restored r;
	float y[N];

	picture(y, 3);
	set_up(&a, one_step, 1);
	set_up(&b, one_step, 1);
	b.method.prior.plugin = &a.prior; /* both benches must name the same plugin */
	a.job.stock = b.job.stock = &stock;
	created = 0;
	ok(!prior_prepare(&stock, &a.method.prior, &shape, 0) && created == 1, "made in advance");
	restore(&a, shape, (struct measurement){ .y = y }, &r);
	restored_free(&r);
	restore(&b, shape, (struct measurement){ .y = y }, &r);
	restored_free(&r);
	ok(created == 1, "and used by two restorers");
	restore(&b, turned, (struct measurement){ .y = y }, &r);
	restored_free(&r);
	memory_set_budget(1 << 20);
	restore(&a, turned, (struct measurement){ .y = y }, &r);
	restored_free(&r);
	ok(created == 2 && stock.kept && stock.kept->next, "small ones are kept");
	stock.kept->bytes = 1 << 17;
	restore(&a, shape, (struct measurement){ .y = y }, &r);
	restored_free(&r);
	ok(created == 2 && stock.kept && !stock.kept->next,
	   "a large one is not kept beside another");
	memory_set_budget(0);
	prior_stock_clear(&stock);
	a.prior.u.prior.flags &= ~(uint32_t)LACUNA_LASTING;
	restore(&a, shape, (struct measurement){ .y = y }, &r);
	restored_free(&r);
	tear_down(&a);
	ok(!stock.kept, "one that is not lasting is not kept");
	prior_stock_clear(&stock);
	tear_down(&b);
}

/* A slope of whole numbers has rounding noise only. */
static void test_rounding(void)
{
	enum { SIDE = 96 };
	const struct lacuna_shape large = { { SIDE, SIDE, 1, 1 } };
	static float y[SIDE * SIDE];
	struct bench b;
	struct restored r;

	for (int i = 0; i < SIDE * SIDE; i++)
		y[i] = (float)(20 + i % SIDE + i / SIDE);
	set_up(&b, one_step, 1);
	b.job.noise.sigma = -1;
	ok(!restore(&b, large, (struct measurement){ .y = y, .hi = 255, .step = 1 }, &r),
	   "whole numbers: %s", error_text());
	ok(r.record.estimated, "their noise is estimated");
	near(r.record.noise, 1 / sqrt(12) / 255, 1e-9, "as that of rounding");
	restored_free(&r);
	tear_down(&b);
}

/* The error of a rounded value that stays is that of rounding, even where the picture shows less noise. */
static void test_rounding_stays(void)
{
	enum { SIDE = 96, COLUMN = 20 };
	const struct lacuna_shape large = { { SIDE, SIDE, 1, 1 } };
	static float y[SIDE * SIDE];
	struct bench b;
	struct restored r;

	for (int i = 0; i < SIDE * SIDE; i++)
		y[i] = (float)(20 + i % SIDE + i / SIDE);
	set_up(&b, one_step, 1);
	use_free(&b.op);
	if (use_parse(LACUNA_OPERATOR, "mask:columns=20", &b.op))
		tap_bail("%s", error_text());
	b.job.noise.sigma = -1;
	b.job.deviation = 1;
	ok(!restore(&b, large, (struct measurement){ .y = y, .hi = 255, .step = 1 }, &r),
	   "whole numbers and a mask: %s", error_text());
	near((double)r.picture[SIDE + COLUMN + 1], (double)y[SIDE + COLUMN + 1], 0,
	     "a measured value stays");
	near((double)r.deviation[SIDE + COLUMN + 1], 1 / sqrt(12), 1e-5,
	     "with the error of rounding");
	restored_free(&r);
	tear_down(&b);
}

/* The image with the median noise level decides, even if the images have different scales. */
static void test_median(void)
{
	enum { SIDE = 96, COUNT = SIDE * SIDE };
	const struct lacuna_shape large = { { SIDE, SIDE, 1, 1 } };
	const struct noise law = { .slope = 3, .offset = 2, .sigma = 5, .least_variance = 1 };
	const struct scale from = { .black = 10, .white = 20 }, to = { .black = 12, .white = 17 };
	const struct noise other = noise_rescale(&law, &from, &to);
	static const float levels[3] = { 0.02f, 0.1f, 0.05f };
	static float y[COUNT];
	struct bench b;
	struct restored r;

	/* The value 16 is 0.6 on the first scale and 0.8 on the second, whose unit is half as long. */
	near(other.slope * 0.8 + other.offset, 4 * (law.slope * 0.6 + law.offset), 1e-9,
	     "a law is the same on another scale");
	near(other.sigma, 10, 1e-9, "and so is its level");

	set_up(&b, one_step, 1);
	b.job.noise.sigma = -1;
	restorer_shape(b.restorer, &large, NULL);
	for (int k = 0; k < 3; k++) {
		const struct measurement m = { .name = "page", .y = y, .hi = 1 };

		random_gaussian((struct random_key){ 20 + (uint64_t)k, 0, 0 }, 0, 0, y, COUNT);
		for (int i = 0; i < COUNT; i++)
			y[i] = 0.5f + 0.1f * (float)(i % SIDE) / SIDE + levels[k] * y[i];
		ok(!restorer_listen(b.restorer, &m), "noise of %g is heard", (double)levels[k]);
		if (k == 2)
			restorer_settle(b.restorer, &m);
	}
	restore(&b, large, (struct measurement){ .y = y, .hi = 1 }, &r);
	ok(fabs(r.record.noise / 0.05 - 1) < 0.15, "the median is taken (%g)", r.record.noise);
	restored_free(&r);
	tear_down(&b);
}

/* Neither missing values nor noise levels of the first image affect the second. */
static void test_nothing_stays(void)
{
	const struct scale seen = {
		.black = 0.3, .white = 0.6, .lowest = -INFINITY, .highest = INFINITY
	};
	struct bench kept, fresh;
	struct restored r, other;
	float first[N], second[N], sigma[N];
	struct measurement m = { .y = second, .seen = &seen };

	picture(first, 8);
	picture(second, 9);
	first[7] = NAN;
	for (int i = 0; i < N; i++)
		sigma[i] = 0.02f + 0.01f * (float)(i % W);
	set_up(&kept, one_step, 1);
	restore(&kept, shape, (struct measurement){ .y = first, .deviation = sigma }, &r);
	restored_free(&r);
	restore(&kept, shape, m, &r);
	set_up(&fresh, one_step, 1);
	restore(&fresh, shape, m, &other);
	ok(!memcmp(r.picture, other.picture, sizeof second),
	   "after an image with weights and a hole, the next is as if it were the first");
	restored_free(&r);
	restored_free(&other);
	tear_down(&kept);
	tear_down(&fresh);
}

/* A component that the operator removes, such as offsets with rows, may be present in the measurement: the result is the
 * same. */
static void test_projection(void)
{
	struct bench b;
	struct restored plain = { 0 }, banded = { 0 };
	float y[N], with_offsets[N];
	double worst = 0;

	picture(y, 10);
	for (int i = 0; i < N; i++)
		with_offsets[i] = y[i] + (i / W % 2 ? 0.2f : -0.2f) * (i / W < H / 2 ? 1 : -1);
	set_up(&b, one_step, 1);
	use_free(&b.op);
	use_free(&b.method.guidance);
	if (use_parse(LACUNA_OPERATOR, "rows:period=1000", &b.op) ||
	    use_parse(LACUNA_GUIDANCE, "prox", &b.method.guidance))
		tap_bail("%s", error_text());
	ok(!restore(&b, shape, (struct measurement){ .y = y }, &plain) &&
		   !restore(&b, shape, (struct measurement){ .y = with_offsets }, &banded),
	   "rows");
	for (int i = 0; plain.picture && banded.picture && i < N; i++)
		worst = fmax(worst, fabs((double)plain.picture[i] - (double)banded.picture[i]));
	ok(worst < 1e-5, "offsets make no difference: %g", worst);
	restored_free(&plain);
	restored_free(&banded);
	y[3] = NAN;
	ok(restore(&b, shape, (struct measurement){ .y = y }, &plain) == LACUNA_EINVAL,
	   "missing values are refused: %s", error_text());
	restored_free(&plain);
	tear_down(&b);
}

/* restore in one call gives the same bits as in steps, with or without kept state. */
static void test_image(void)
{
	struct restore_record record;
	struct bench b;
	struct restored steps;
	float y[N], *x, *std;
	struct measurement m = { .name = "page 1", .y = y, .hi = 1, .shape = shape };

	picture(y, 11);
	y[5] = NAN;
	set_up(&b, one_step, 1);
	b.job.deviation = 1;
	ok(!restore(&b, shape, (struct measurement){ .y = y }, &steps), "in steps");
	created = 0;
	for (int kept = 0; kept < 2; kept++) {
		b.job.kept = kept ? b.restorer : NULL;
		ok(!restore_image(&b.job, &m, &x, &std, &record), "in one call");
		ok(x && std && !memcmp(x, steps.picture, sizeof y) &&
			   !memcmp(std, steps.deviation, sizeof y),
		   "the same picture and deviation");
		ok(!memcmp(&record.shape, &shape, sizeof shape) && record.missing == 1 &&
			   record.sample_count == 1 &&
			   !record.unchanged[0] == !steps.record.unchanged[0],
		   "and the same record");
		is_text(record.precision, "f64", "with the precision of the prior");
		memory_release(x);
		memory_release(std);
		restore_record_free(&record);
		ok(created == 1, "the prior of what is kept is used again");
	}
	restored_free(&steps);
	m.shape.extent[0] = 0;
	ok(restore_image(&b.job, &m, &x, &std, &record) < 0 && !x && !std, "no image: %s",
	   error_text());
	restore_record_free(&record);
	tear_down(&b);
}

/* ---- the deviation that a prior knows */

static struct {
	int status;
	const float *wrong; /* told for the last pixel; NULL: none */
	struct lacuna_estimate last;
	float guess[N];
} experience;

/* Something that depends on all that the host says. */
static int deviate(const void *self, const struct lacuna_estimate *e, float *deviation)
{
	const struct gauss *g = self;

	if (experience.status)
		return error_set(experience.status, "no experience");
	experience.last = *e;
	memcpy(experience.guess, e->guess, g->n * sizeof *e->guess);
	for (size_t i = 0; i < g->n; i++)
		deviation[i] = e->guess[i] / 2 + fabsf(e->x[i]) / 10;
	if (experience.wrong)
		deviation[g->n - 1] = *experience.wrong;
	return LACUNA_OK;
}

static const struct lacuna_prior_deviation deviation_family = { deviate };

static const void *extension(const char *name)
{
	return strcmp(name, LACUNA_DEVIATION) ? NULL : &deviation_family;
}

/* On a scale of lo..hi, with missing and with dark pixels. */
static void test_experience(void)
{
	static const float impossible[] = { NAN, -0.01F, INFINITY };
	struct bench b;
	struct restored r, formula;
	struct measurement m = { .lo = 1000, .hi = 1200 };
	float y[N], sigma[N];
	double worst = 0, noise[2];

	picture(y, 12);
	for (int i = 0; i < N; i++)
		y[i] = 1000 + 200 * y[i];
	y[5] = NAN;
	m.y = y;
	set_up(&b, one_step, 1);
	b.job.deviation = 1;
	experience.status = LACUNA_EUNSUPPORTED;
	restore(&b, shape, m, &formula);
	is_text(formula.record.deviation, "tweedie", "a prior without experience: by formula");
	b.prior.u.prior.extension = extension;
	restore(&b, shape, m, &r);
	is_text(r.record.deviation, "tweedie", "also if it says so itself");
	ok(!memcmp(r.deviation, formula.deviation, sizeof y), "with the same result");
	restored_free(&r);
	b.prior.u.prior.flags |= LACUNA_TRAINED;
	restore(&b, shape, m, &r);
	ok(memcmp(r.deviation, formula.deviation, sizeof y) != 0,
	   "of a prior that learnt from pictures something else is expected");
	b.prior.u.prior.flags &= ~(uint32_t)LACUNA_TRAINED;
	restored_free(&r);

	experience.status = LACUNA_OK;
	restore(&b, shape, m, &r);
	is_text(r.record.deviation, "prior", "a prior with experience is asked");
	ok(experience.last.pixelwise == 1, "for a pixelwise operator");
	near(experience.last.noise, 0.1, 1e-7, "with the noise");
	for (int i = 0; i < N; i++) {
		const double guess = i == 5 ? 0.5 : 0.1;
		const double x = ((double)r.picture[i] - 1000) / 200;

		worst = fmax(worst, fabs((double)experience.guess[i] - guess));
		worst = fmax(worst, fabs((double)r.deviation[i] / 200 - guess / 2 - fabs(x) / 10));
	}
	near(worst, 0, 1e-5, "guess and answer are those of each pixel");
	restored_free(&r);

	experience.status = LACUNA_EINVAL;
	ok(restore(&b, shape, m, &r) == LACUNA_EINVAL, "its failure is one: %s", error_text());
	restored_free(&r);
	experience.status = LACUNA_OK;
	for (size_t i = 0; i < 3; i++) {
		experience.wrong = &impossible[i];
		ok(restore(&b, shape, m, &r) == LACUNA_ENUMERIC, "refused: %s", error_text());
		restored_free(&r);
	}
	experience.wrong = NULL;
	restored_free(&formula);
	tear_down(&b);

	for (int i = 0; i < N; i++)
		sigma[i] = 0.02f + 0.05f * (float)(i % W);
	picture(y, 13);
	set_up(&b, one_step, 1);
	b.job.deviation = 1;
	b.prior.u.prior.extension = extension;
	experience.status = LACUNA_OK;
	restore(&b, shape, (struct measurement){ .y = y, .deviation = sigma }, &r);
	worst = 0;
	for (int i = 0; i < N; i++)
		worst = fmax(worst,
			     fabs((double)experience.guess[i] - fmin((double)sigma[i], 0.5)));
	near(worst, 0, 1e-6, "the guess is the noise of each pixel, up to that of a missing one");
	restored_free(&r);
	y[7] = NAN;
	for (int k = 0; k < 2; k++) {
		sigma[7] = k ? 1000 : 1e-3f;
		restore(&b, shape, (struct measurement){ .y = y, .deviation = sigma }, &r);
		noise[k] = experience.last.noise;
		restored_free(&r);
	}
	near(noise[0], noise[1], 1e-12, "the noise is not that stated for a missing value");
	y[7] = y[8];

	y[5] = NAN;
	b.job.noise.sigma = 0;
	restore(&b, shape, (struct measurement){ .y = y }, &r);
	worst = 0;
	for (int i = 0; i < N; i++)
		worst = fmax(worst, i == 5 ? 0 : (double)r.deviation[i]);
	ok(!(worst > 0) && r.deviation[5] > 0.2F, "only a missing pixel deviates without noise");
	restored_free(&r);
	tear_down(&b);
}

/* Noise that is stated for a missing value counts for nothing. */
static void test_stated_mean(void)
{
	struct bench b;
	struct restored r;
	float y[N], sigma[N];
	double sum = 0;

	picture(y, 15);
	for (int i = 0; i < N; i++) {
		sigma[i] = i == 7 ? 100 : 0.02f + 0.01f * (float)(i % W);
		sum += i == 7 ? 0 : (double)sigma[i] * (double)sigma[i] / (N - 1);
	}
	y[7] = NAN;
	set_up(&b, one_step, 1);
	restore(&b, shape, (struct measurement){ .y = y, .deviation = sigma }, &r);
	near(r.record.noise, sqrt(sum), 1e-6,
	     "the mean of stated noise is that of measured values");
	restored_free(&r);
	tear_down(&b);
}

/* As long as there are rounds left, a prior's answer is white, which is clipped. */
static int rounds_clipped;
static float end_of_range = 1;
static int lights; /* rows brighter than the range */

static int denoise_white(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct gauss *g = self;

	(void)scratch, (void)sigma, (void)u;
	for (size_t i = 0; i < g->n; i++)
		x0[i] = rounds_clipped > 0 ? end_of_range : 0.5f;
	rounds_clipped--;
	return LACUNA_OK;
}

/* A blur that blurs nothing, without guidance: the result is what the prior gives. */
static void set_up_blur(struct bench *b,
			int (*denoise_so)(const void *, void *, double, const float *, float *))
{
	set_up(b, one_step, 1);
	use_free(&b->op);
	use_free(&b->method.guidance);
	if (use_parse(LACUNA_OPERATOR, "blur:sigma=0,boundary=periodic", &b->op) ||
	    use_parse(LACUNA_GUIDANCE, "none", &b->method.guidance))
		tap_bail("%s", error_text());
	b->job.noise.sigma = -1;
	b->prior.u.prior.denoise = denoise_so;
}

/* A picture restored with an operator that may be wrong: noise and doubts if the first results are clipped. */
static double noise_of(struct measurement m, int rounds, int *doubts)
{
	enum { SIDE = 64 };
	static const struct lacuna_shape large = { { SIDE, SIDE, 1, 1 } };
	static float y[SIDE * SIDE];
	struct bench b;
	struct restored r;
	double noise = NAN;

	random_gaussian((struct random_key){ 21, 0, 0 }, 0, 0, y, SIDE * SIDE);
	for (int i = 0; i < SIDE * SIDE; i++)
		y[i] = (i / SIDE < lights ? 1.2f : 0.5f) + 0.05f * y[i];
	set_up_blur(&b, denoise_white);
	rounds_clipped = rounds;
	m.y = y;
	if (ok(!restore(&b, large, m, &r), "%d are clipped", rounds)) {
		noise = r.record.noise;
		*doubts = r.record.doubts;
		near(r.record.description.noise.sigma, noise, 1e-9, "its law has this level");
		near(r.record.description.noise.offset, noise * noise, 1e-9, "everywhere");
	}
	restored_free(&r);
	tear_down(&b);
	return noise;
}

static double noise_after(int rounds, int *doubts)
{
	return noise_of((struct measurement){ .y = NULL }, rounds, doubts);
}

/* What is clipped at white: integers and a stated range end there; floats may be brighter. */
static void test_ends(void)
{
	static const struct scale seen = { 0, 1, -INFINITY, INFINITY };
	const struct measurement kinds[] = { { .seen = &seen },
					     { .seen = &seen, .stated = 1 },
					     { .seen = &seen, .step = 1.0 / 255 } };
	int doubts = 0;

	for (int k = 0; k < 3; k++) {
		const double noise = noise_of(kinds[k], 0, &doubts);

		near(noise_of(kinds[k], 1, &doubts) / noise, k ? 3 : 1, 1e-9,
		     k ? "white is an end" : "white is none");
	}
}

/* Where a float is brighter than 1 in the measurement, the result may be as bright as the scene. */
static void test_lights(void)
{
	static const struct scale seen = { 0, 1.6, -INFINITY, INFINITY };
	static const float ends[] = { 1.4f, 1.7f };
	int doubts = 0;

	lights = 6;
	for (int k = 0; k < 2; k++) {
		double noise;

		end_of_range = ends[k];
		noise = noise_of((struct measurement){ .seen = &seen }, 0, &doubts);
		near(noise_of((struct measurement){ .seen = &seen }, 1, &doubts) / noise, k ? 3 : 1,
		     1e-9, k ? "but not brighter" : "lights are in the scene");
	}
	end_of_range = 1;
	lights = 0;
}

static float ground; /* what denoise_dark() gives for the left half */

static int denoise_dark(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct gauss *g = self;

	(void)scratch, (void)sigma, (void)u;
	for (size_t i = 0; i < g->n; i++)
		x0[i] = i % 128 < 64 ? ground : 0.5f;
	return LACUNA_OK;
}

/* Counts of photons: a dark ground is restored as faint noise about black, which is no maze. */
static void test_dark_ground(void)
{
	enum { SIDE = 128, ALL = SIDE * SIDE };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static const float grounds[] = { 0.001f, -0.002f, -0.1f };
	static float y[ALL];
	double noise[3] = { 0 };

	random_gaussian((struct random_key){ 8, 0, 0 }, 0, 0, y, ALL);
	for (int i = 0; i < ALL; i++) {
		const double level = i % SIDE < SIDE / 2 ? 0.01 : 0.01 * (i % SIDE - 63);

		y[i] = (float)(level + sqrt(0.002 * level + 2.5e-5) * (double)y[i]);
	}
	for (int k = 0; k < 3; k++) {
		struct restored r;
		struct bench b;

		set_up_blur(&b, denoise_dark);
		ground = grounds[k];
		if (ok(!restore(&b, square, (struct measurement){ .y = y, .hi = 1, .stated = 1 },
				&r),
		       "a ground at %g", (double)ground))
			noise[k] = r.record.noise;
		ok(r.record.description.noise.slope > 0, "its noise grows with brightness");
		restored_free(&r);
		tear_down(&b);
	}
	near(noise[1] / noise[0], 1, 1e-9, "a little below black is black");
	ok(noise[2] > 2 * noise[0], "far below is not: %g, %g", noise[0], noise[2]);
}

static void test_retreat(void)
{
	int first = 0, doubts = 0;
	const double noise = noise_after(0, &first);

	near(noise, 0.05, 0.01, "the noise is found");
	near(noise_after(1, &doubts) / noise, 3, 1e-9, "a clipped result is restored with more");
	ok(doubts == first + 1, "which is a doubt");
	near(noise_after(2, &doubts) / noise, 9, 1e-9, "and once more");
	ok(doubts == first + 1, "which is the same one");
}

static int doubts_of(struct lacuna_shape x, const float *y)
{
	struct bench b;
	struct restored r;
	int doubts;

	set_up(&b, one_step, 1);
	b.job.deviation = 1;
	doubts = restore(&b, x, (struct measurement){ .y = y }, &r) ? -1 : r.record.doubts;
	restored_free(&r);
	tear_down(&b);
	return doubts;
}

/* Doubts about a hole of w x h in a large picture, at the left or in the middle. */
static int doubts_of_hole(int left, int w, int h)
{
	enum { SIDE = 60 };
	static float y[SIDE * SIDE];
	const struct lacuna_shape large = { { SIDE, SIDE, 1, 1 } };

	for (int i = 0; i < SIDE * SIDE; i++) {
		const int column = i % SIDE - left, row = i / SIDE - 10;

		y[i] = column >= 0 && column < w && row >= 0 && row < h
			       ? NAN
			       : 0.5f + 0.1f * (float)(i * 7 % 11) / 11;
	}
	return doubts_of(large, y);
}

/* The depth of a hole is the way to the nearest measured value, whatever its form. */
static void test_depth(void)
{
	const int none = doubts_of_hole(20, 1, 1);

	ok(doubts_of_hole(20, 12, 40) == none && doubts_of_hole(20, 40, 12) == none,
	   "holes of 12 pixels in one direction are not deep");
	ok(doubts_of_hole(20, 20, 40) == none + 1 && doubts_of_hole(10, 40, 20) == none + 1,
	   "those of 20 pixels are");
	ok(doubts_of_hole(0, 7, 40) == none && doubts_of_hole(0, 12, 40) == none + 1,
	   "at the side of the picture half as many are enough");
}

/* Doubts about a hole over the whole width in one of two channels, `rows' of it from the given row on. */
static int doubts_of_rows(int channel, int first, int rows)
{
	enum { SIDE = 32, AREA = SIDE * SIDE };
	static float y[2 * AREA];
	const struct lacuna_shape two = { { SIDE, SIDE, 2, 1 } };

	for (int i = 0; i < 2 * AREA; i++) {
		const int row = i / SIDE % SIDE - first;

		y[i] = i / AREA == channel && row >= 0 && row < rows
			       ? NAN
			       : 0.5f + 0.1f * (float)(i * 7 % 11) / 11;
	}
	return doubts_of(two, y);
}

/* Beside the last row of a channel lies nothing, not the next channel. */
static void test_depth_in_channels(void)
{
	for (int channel = 0; channel < 2; channel++) {
		ok(doubts_of_rows(channel, 10, 12) == doubts_of_rows(channel, 10, 1),
		   "channel %d: 12 rows in the middle are not deep", channel);
		ok(doubts_of_rows(channel, 0, 12) == doubts_of_rows(channel, 0, 1) + 1,
		   "at the upper border they are");
		ok(doubts_of_rows(channel, 20, 12) == doubts_of_rows(channel, 20, 1) + 1,
		   "and at the lower one");
	}
}

/* The guess is then the deviation that other priors get. */
static void test_experience_of_blur(void)
{
	struct bench b;
	struct restored r, formula;
	float y[N];
	double worst = 0;

	picture(y, 14);
	set_up(&b, "hqs:steps=2", 1);
	use_free(&b.op);
	if (use_parse(LACUNA_OPERATOR, "blur:sigma=1,boundary=periodic", &b.op))
		tap_bail("%s", error_text());
	b.method.wish.operators = &b.op;
	b.method.wish.operator_count = 1;
	b.method.has_guidance = 0;
	b.prior.u.prior.flags |= LACUNA_TRAINED;
	b.job.deviation = 1;
	restore(&b, shape, (struct measurement){ .y = y }, &formula);
	is_text(formula.record.deviation, "wiener", "a blur without experience: by Wiener's");
	b.prior.u.prior.extension = extension;
	experience.status = LACUNA_OK;
	restore(&b, shape, (struct measurement){ .y = y }, &r);
	is_text(r.record.deviation, "prior", "and with experience");
	ok(experience.last.pixelwise == 0, "the prior learns that the operator mixes pixels");
	for (int i = 0; i < N; i++)
		worst = fmax(worst,
			     fabs((double)experience.guess[i] - (double)formula.deviation[i]));
	near(worst, 0, 1e-7, "the guess is Wiener's");
	restored_free(&r);
	restored_free(&formula);
	tear_down(&b);
}

/* A result at white but for less than half a step becomes white in a file of integers. */
static void test_rounded_ends(void)
{
	static const struct scale seen = { 0, 1, -INFINITY, INFINITY };
	const double step = 1.0 / 255;
	const struct measurement kinds[] = { { .seen = &seen, .stated = 1 },
					     { .seen = &seen, .step = step } };
	int doubts = 0;

	for (int black = 0; black < 2; black++) {
		end_of_range = (float)(black ? 0.3 * step : 1 - 0.3 * step);
		for (int k = 0; k < 2; k++) {
			const double noise = noise_of(kinds[k], 0, &doubts);

			near(noise_of(kinds[k], 1, &doubts) / noise, k ? 3 : 1, 1e-9,
			     k ? "integers are rounded to the end" : "others are not");
		}
	}
	end_of_range = 1;
}

/* ---- samples */

struct kept_samples {
	float values[8][N];
	int64_t count;
	int begun, stop_at;
};

static void begin(void *context)
{
	((struct kept_samples *)context)->begun++;
}

static int keep(void *context, int64_t k, const float *values)
{
	struct kept_samples *s = context;

	if (k == s->stop_at)
		return error_set(LACUNA_EIO, "stop");
	memcpy(s->values[k], values, sizeof s->values[k]);
	s->count++;
	return LACUNA_OK;
}

static void test_samples(void)
{
	struct kept_samples kept = { .stop_at = -1 };
	struct bench b;
	struct restored r;
	float y[N];
	double mean_error = 0, spread_error = 0, variance = 0;

	picture(y, 5);
	set_up(&b, "ddpm-fast", 1);
	b.job.samples = 8;
	b.job.sample = keep;
	b.job.begin = begin;
	b.job.context = &kept;
	ok(!restore(&b, shape, (struct measurement){ .y = y, .hi = 4 }, &r), "eight samples");
	ok(kept.count == 8 && kept.begun == 8, "are handed over");
	for (int i = 0; i < N; i++) {
		double mean = 0, squares = 0;

		for (int k = 0; k < 8; k++)
			mean += (double)kept.values[k][i] / 8;
		for (int k = 0; k < 8; k++)
			squares += pow((double)kept.values[k][i] - mean, 2);
		mean_error = fmax(mean_error, fabs(mean - (double)r.picture[i]));
		spread_error = fmax(spread_error, fabs(sqrt(squares / 7) - (double)r.deviation[i]));
		variance += squares / 7 / N;
	}
	ok(mean_error < 1e-5, "their mean is the picture (%g)", mean_error);
	ok(spread_error < 1e-4, "their standard deviation is the deviation (%g)", spread_error);
	/* Noise of 0.1 of a range of 4 is 0.4; the prior's 0.2 is 0.8 on that scale. */
	near(sqrt(variance), 0.8 * 0.4 / sqrt(0.64 + 0.16), 0.02, "which is the posterior's");
	restored_free(&r);

	kept.stop_at = 2;
	kept.count = 0;
	ok(restore(&b, shape, (struct measurement){ .y = y }, &r) == LACUNA_EIO && kept.count == 2,
	   "the one who takes them ends the run");
	restored_free(&r);
	tear_down(&b);
}

/* With a few photons the noise is that at the levels of a first result, and the first result leaves nothing behind: neither in
 * the mean of samples nor in their deviation.  Where samples are handed over, nothing is restored twice. */
static void test_few_photons(void)
{
	const struct stated_noise stated = { .sigma = -1, .gain = 2.5, .offset = 100, .read = 2.5 };
	const struct measurement m = { .lo = 100, .hi = 110 };
	struct kept_samples kept = { .stop_at = -1 };
	float y[N], first[N], second[N];
	double deviation = 0;

	count_photons(y, 6, 1);
	few_photons(&stated, y, first, second);
	ok(farthest(first, second) > 0.05, "the second result differs from the first");
	for (int samples = 1; samples < 4; samples += 2) {
		struct measurement of_y = m;
		struct restored r;
		struct bench b;

		of_y.y = y;
		set_up(&b, one_step, 1);
		b.job.noise = stated;
		b.job.samples = samples;
		ok(!restore(&b, shape, of_y, &r), "a few photons, samples: %d", samples);
		near(farthest(r.picture, second), 0, 2e-3, "the second result");
		for (int i = 0; i < N && r.deviation; i++)
			deviation = fmax(deviation, (double)r.deviation[i]);
		near(deviation, 0, 2e-3, "samples that are alike have no deviation");
		ok(r.record.sample_count == samples, "as many samples in the record");
		restored_free(&r);
		b.job.sample = keep;
		b.job.begin = begin;
		b.job.context = &kept;
		kept.count = kept.begun = 0;
		ok(!restore(&b, shape, of_y, &r), "handed over");
		ok(kept.count == samples && kept.begun == samples, "each once");
		near(farthest(kept.values[0], first), 0, 2e-3, "the first result");
		restored_free(&r);
		tear_down(&b);
	}
}

/* Where nothing was counted by a sensor without noise of its own, a few photons may still have been due. */
static void test_no_photons(void)
{
	float y[N];
	struct restored r;
	struct bench b;
	int finite = 1;

	count_photons(y, 6, 1);
	for (int i = 0; i < N / 2; i++)
		y[i] = 100;
	for (int i = N / 2; i < N; i++)
		y[i] = 100 + 0.3f * (y[i] - 100);
	set_up(&b, one_step, 1);
	b.job.noise = (struct stated_noise){ .sigma = -1, .gain = 2.5, .offset = 100 };
	ok(!restore(&b, shape, (struct measurement){ .y = y, .lo = 100, .hi = 103 }, &r),
	   "no photon in half of the picture: %s", error_text());
	is_text(r.record.dealt_with, "weights", "is weighted");
	for (int i = 0; i < N; i++)
		finite &= r.picture && isfinite(r.picture[i]);
	ok(finite && r.picture[3] > 100, "its values have a little noise");
	restored_free(&r);
	tear_down(&b);
}

static void test_pairs(void)
{
	/* Two pairs with means 2 and 6; the samples are 1 and 2 away from their pair's mean. */
	const float samples[4] = { 1, 3, 8, 4 };
	const double of_means = 8, of_halves = (1 + 4) / 2.;
	struct ensemble e;
	float value;

	ensemble_create(&e, 1, 4, 1);
	for (int turn = 0; turn < 2; turn++) {
		ensemble_reset(&e);
		for (int k = 0; k < 4; k++)
			ensemble_add(&e, &samples[k]);
	}
	ensemble_mean(&e, &value);
	near((double)value, 4, 1e-6, "mean of pairs");
	ensemble_deviation(&e, 3, &value);
	near((double)value, 3 * sqrt(of_means + of_halves), 1e-6,
	     "their deviation is that of one sample, in the unit asked for");
	ensemble_free(&e);
}

/* While a session runs, neither the result nor more than two arrays for the residual take memory. */
static void test_memory(void)
{
	enum { SIDE = 256, ALL = SIDE * SIDE, ARRAYS = 11 };
	static float y[ALL];
	const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	struct restored r;
	struct bench b;
	double arrays;

	for (int i = 0; i < ALL; i++)
		y[i] = (float)(i % 7) / 7;
	set_up(&b, one_step, 0);
	memory_reset_peak();
	ok(!restore(&b, square, (struct measurement){ .name = "y", .y = y, .hi = 1 }, &r),
	   "a picture of %d values", ALL);
	arrays = (double)memory_peak_bytes() / (ALL * sizeof *y);
	ok(arrays < ARRAYS + 0.5, "takes the memory of %.2f pictures", arrays);
	restored_free(&r);
	tear_down(&b);
}

/* Noise 3 pixels wide: a denoiser of white noise leaves it at full size and removes it at half the size.  The operator keeps
 * values, by parameters that hold for the full size. */
static void test_wide_noise(const char *operator)
{
	enum { SIDE = 128, ALL = SIDE * SIDE, COLUMN = 100 };
	static float noise[ALL], y[ALL];
	const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	struct restored r;
	struct bench b;
	double before = 0, after = 0;

	set_up(&b, one_step, 0);
	use_free(&b.op);
	if (!ok(!use_parse(LACUNA_OPERATOR, operator, & b.op), "%s", operator))
		return;
	b.job.noise.sigma = -1;
	random_gaussian((struct random_key){ 5, 0, 0 }, 0, 0, noise, ALL);
	for (int pass = 0; pass < 4; pass++)
		for (int i = ALL - 1; i >= SIDE; i--)
			noise[i] = 0.5f * (noise[i] + noise[i - (pass % 2 ? 1 : SIDE)]);
	for (int i = 0; i < ALL; i++)
		y[i] = 0.5f + 0.25f * noise[i];
	for (int i = COLUMN; i < ALL; i += SIDE)
		y[i] = NAN;
	if (ok(!restore(&b, square, (struct measurement){ .name = "y", .y = y, .hi = 1 }, &r),
	       "correlated noise")) {
		for (int i = SIDE; i < ALL; i++) {
			if (i % SIDE == COLUMN)
				continue;
			before += ((double)y[i] - 0.5) * ((double)y[i] - 0.5) / ALL;
			after += ((double)r.picture[i] - 0.5) * ((double)r.picture[i] - 0.5) / ALL;
		}
		ok(r.record.description.wide > 0 && after < 0.95 * before,
		   "is wider than a pixel, and less afterwards: %g of %g", sqrt(after),
		   sqrt(before));
		ok(!r.record.unchanged, "no value counts as unchanged");
	}
	restored_free(&r);
	tear_down(&b);
}

/* How many measured values changed, and how many of the hole are as they were; with the deviation of the last measured one. */
static void count_changed(struct bench *b, const float *y, int side, int changed[2],
			  double *deviation)
{
	const struct lacuna_shape square = { { side, side, 1, 1 } };
	struct restored r;

	changed[0] = changed[1] = -1;
	*deviation = NAN;
	if (restore(b, square, (struct measurement){ .name = "y", .y = y, .hi = 1 }, &r))
		return;
	changed[0] = changed[1] = 0;
	for (int i = 0; i < side * side; i++) {
		const int hole = i % side >= 60 && i % side < 66;

		if (memcmp(&r.picture[i], &y[i], sizeof *y) != 0)
			changed[hole]++;
	}
	if (r.deviation)
		*deviation = (double)r.deviation[side * side - 1];
	restored_free(&r);
}

/* Faint noise that was estimated stays in the measured values of a mask; noise that is seen, or stated, does not, and a
 * denoiser denoises. */
static void test_spared(void)
{
	enum { SIDE = 128, ALL = SIDE * SIDE, HOLE = 6 * SIDE };
	static const struct {
		const char *what, *operator;
		double noise, stated;
		int absent, masks, samples, stays;
	} cases[] = {
		{ "faint noise under a mask", "mask:columns=60-65", 0.01, -1, 0, 0, 1, 1 },
		{ "the same, named by a value", "mask:value=7", 0.01, -1, 1, 1, 1, 1 },
		{ "strong noise", "mask:columns=60-65", 0.05, -1, 0, 0, 1, 0 },
		{ "stated noise", "mask:columns=60-65", 0.01, 0.01, 0, 0, 1, 0 },
		{ "samples", "mask:columns=60-65", 0.01, -1, 0, 0, 2, 0 },
		{ "no mask", "identity", 0.01, -1, 1, 0, 1, 0 },
	};
	static float noise[ALL], y[ALL];

	random_gaussian((struct random_key){ 5, 0, 0 }, 0, 0, noise, ALL);
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct bench b;
		double deviation;
		int changed[2];

		set_up(&b, one_step, 0);
		use_free(&b.op);
		if (!ok(!use_parse(LACUNA_OPERATOR, cases[k].operator, & b.op), "%s",
			cases[k].what))
			return;
		b.job.noise.sigma = cases[k].stated;
		b.job.masks = cases[k].masks;
		b.job.samples = cases[k].samples;
		b.job.deviation = 1;
		for (int i = 0; i < ALL; i++) {
			const int hole = i % SIDE >= 60 && i % SIDE < 66;

			y[i] = (float)(0.5 + 0.2 * sin(i % SIDE / 20.0) +
				       cases[k].noise * (double)noise[i]);
			if (hole)
				y[i] = cases[k].absent ? NAN : 0.9f;
		}
		count_changed(&b, y, SIDE, changed, &deviation);
		if (cases[k].stays)
			ok(changed[0] == 0, "measured values stay: %d changed", changed[0]);
		else
			ok(changed[0] > (ALL - HOLE) / 2, "is taken out: %d changed", changed[0]);
		ok(changed[1] == HOLE, "the hole is filled: %d of %d", changed[1], HOLE);
		if (cases[k].stays)
			near(deviation, cases[k].noise, 0.1 * cases[k].noise,
			     "the error of a measured value is its noise");
		tear_down(&b);
	}
}

/* A stated law of photons is compared with the picture, as a stated level is. */
static void test_wrong_photons(void)
{
	enum { SIDE = 96, ALL = SIDE * SIDE };
	static const double gains[] = { 1, 12, 0.1 };
	static float noise[ALL], y[ALL];
	const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };

	random_gaussian((struct random_key){ 5, 0, 0 }, 0, 0, noise, ALL);
	for (int i = 0; i < ALL; i++) {
		const double level = 200 + 1500.0 * (i % SIDE) / SIDE;

		y[i] = (float)(level + sqrt(level) * (double)noise[i]);
	}
	for (int k = 0; k < 3; k++) {
		struct restored r = { .picture = NULL };
		struct bench b;

		set_up(&b, one_step, 0);
		b.job.noise = (struct stated_noise){ .sigma = -1, .gain = gains[k] };
		ok(!restore(&b, square, (struct measurement){ .name = "y", .y = y, .hi = 2000 },
			    &r),
		   "a gain of %g", gains[k]);
		ok(r.record.doubts == (k > 0), "is %s", k ? "doubted" : "right");
		restored_free(&r);
		tear_down(&b);
	}
}

/* Grain of four pixels is no noise at half the size either; it is removed at a quarter. */
static void test_wider_noise(void)
{
	enum { SIDE = 128, ALL = SIDE * SIDE };
	static float noise[ALL], y[ALL];
	const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	struct heard_noise heard = { .inner = { .lowest = 0 } };
	double after[2] = { 0, 0 };

	random_gaussian((struct random_key){ 5, 0, 0 }, 0, 0, noise, ALL);
	for (int i = 0; i < ALL; i++)
		y[i] = 0.5f + 0.05f * noise[i % SIDE / 4 + i / SIDE / 4 * SIDE];
	for (int k = 0; k < 2; k++) {
		struct restored r = { .picture = NULL };
		struct bench b;

		set_up(&b, one_step, 0);
		b.job.noise.sigma = -1;
		if (k)
			restorer_recall(b.restorer, &heard);
		ok(!restore(&b, square, (struct measurement){ .name = "y", .y = y, .hi = 1 }, &r),
		   "noise with a grain of four pixels");
		heard.description = r.record.description;
		heard.inner = r.record.inner;
		ok(k || heard.description.wider > 0, "is found at a quarter of the size");
		heard.description.wider = 0;
		for (int i = 0; i < ALL && r.picture; i++)
			after[k] +=
				((double)r.picture[i] - 0.5) * ((double)r.picture[i] - 0.5) / ALL;
		restored_free(&r);
		tear_down(&b);
	}
	ok(after[0] < 0.97 * after[1], "and removed there: %g, half of the size alone %g",
	   sqrt(after[0]), sqrt(after[1]));
}

/* The noise of all pages is that of the page in the middle, in whatever order they come. */
static void test_settled_median(void)
{
	enum { SIDE = 64, ALL = SIDE * SIDE };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static const float levels[][3] = { { 0.1f, 0.02f, 0.05f },
					   { 0.05f, 0.1f, 0.02f },
					   { 0.02f, 0.05f, 0.1f } };
	static float noise[ALL], y[ALL];

	random_gaussian((struct random_key){ 5, 0, 0 }, 0, 0, noise, ALL);
	for (size_t order = 0; order < sizeof levels / sizeof *levels; order++) {
		struct measurement m = { .name = "page", .y = y, .hi = 1 };
		struct bench b;
		int status;

		set_up(&b, one_step, 1);
		b.job.noise.sigma = -1;
		status = restorer_shape(b.restorer, &square, NULL);
		for (int page = 0; !status && page < 3; page++) {
			for (int i = 0; i < ALL; i++)
				y[i] = 0.5f + levels[order][page] * noise[i];
			status = restorer_listen(b.restorer, &m);
		}
		restorer_settle(b.restorer, &m);
		if (ok(!status && restorer_heard(b.restorer), "three pages"))
			near(restorer_heard(b.restorer)->description.noise.sigma, 0.05, 0.01,
			     "settle on the middle");
		tear_down(&b);
	}
}

/* Noise that was settled for one page has the same level, in values of the file, on the scale of another. */
static void test_settled_scale(void)
{
	static const double whites[] = { 1, 4, 0.25 };
	const struct heard_noise heard = {
		.description = { .noise = { .offset = 0.0004, .sigma = 0.02 },
				 .wide = 0.03,
				 .wider = 0.04 },
		.inner = { .black = 0, .white = 1, .lowest = -INFINITY, .highest = INFINITY },
	};
	float y[N];

	for (int k = 0; k < 3; k++) {
		const double white = whites[k];
		struct restored r = { .picture = NULL };
		struct bench b;

		set_up(&b, one_step, 1);
		b.job.noise.sigma = -1;
		picture(y, 3);
		for (int i = 0; i < N; i++)
			y[i] *= (float)white;
		restorer_recall(b.restorer, &heard);
		ok(!restore(&b, shape, (struct measurement){ .y = y, .hi = white }, &r),
		   "a page whose white is %g", white);
		near(r.record.description.noise.sigma * white, 0.02, 1e-9, "white noise stays");
		near(r.record.description.wide * white, 0.03, 1e-9, "and wider noise");
		near(r.record.description.wider * white, 0.04, 1e-9, "and the widest");
		restored_free(&r);
		tear_down(&b);
	}
}

/* Doubts about a picture in which a few lone values are `value'. */
static int doubts_of_impulses(float value)
{
	enum { SIDE = 100, AREA = SIDE * SIDE, COUNT = 24 };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static float y[AREA];
	struct bench b;
	struct restored r;
	int doubts;

	random_gaussian((struct random_key){ 2, 0, 0 }, 0, 0, y, AREA);
	for (int i = 0; i < AREA; i++)
		y[i] = 0.5f + 0.02f * y[i];
	for (int i = 0; i < COUNT; i++)
		y[SIDE * (4 * i + 2) + 7 * (i % 13) + 3] = value;
	set_up(&b, one_step, 1);
	b.job.noise.sigma = 0.02;
	doubts = restore(&b, square, (struct measurement){ .y = y }, &r) ? -1 : r.record.doubts;
	restored_free(&r);
	tear_down(&b);
	return doubts;
}

static void test_impulses(void)
{
	const int none = doubts_of_impulses(0.5f);

	ok(none >= 0 && doubts_of_impulses(1) == none + 1, "salt alone is a doubt");
	ok(doubts_of_impulses(0) == none + 1, "and pepper alone");
}

/* Pixels that a mask hides are not black. */
static void test_hidden(void)
{
	enum { SIDE = 100, AREA = SIDE * SIDE };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static float y[AREA];
	struct bench b;
	struct restored r;

	random_gaussian((struct random_key){ 2, 0, 0 }, 0, 0, y, AREA);
	for (int i = 0; i < AREA; i++)
		y[i] = 0.5f + 0.02f * y[i];
	set_up(&b, one_step, 1);
	use_free(&b.op);
	if (use_parse(LACUNA_OPERATOR, "mask:keep=0.97", &b.op))
		tap_bail("%s", error_text());
	b.job.noise.sigma = 0.02;
	ok(!restore(&b, square, (struct measurement){ .y = y }, &r), "hidden pixels");
	ok(r.record.doubts == 0, "are no pepper (%d doubts)", r.record.doubts);
	restored_free(&r);
	tear_down(&b);
}

static int add_dark(const void *self, float *b)
{
	(void)self;
	for (int i = 0; i < 100 * 100; i++)
		b[i] = 0.1f + 0.001f * (float)(i * 7 % 13);
	return LACUNA_OK;
}

static char impulse_told[32];

static void note_impulses(void *context, int level, const char *text)
{
	const char *at = strstr(text, "mask:value=");

	(void)context, (void)level;
	if (at)
		snprintf(impulse_told, sizeof impulse_told, "%.*s", (int)strcspn(at, " "), at);
}

/* Under a dark frame, impulses are still alike in the file, and it is their value there that is told. */
static void test_impulses_in_file(void)
{
	enum { SIDE = 100, AREA = SIDE * SIDE };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static float y[AREA];
	const struct plugin *plain;
	struct plugin adding;
	struct bench b;
	struct restored r;

	random_gaussian((struct random_key){ 2, 0, 0 }, 0, 0, y, AREA);
	for (int i = 0; i < AREA; i++)
		y[i] = i % SIDE % 10 == 3 && i / SIDE % 10 == 5 ? 1 : 0.5f + 0.02f * y[i];
	set_up(&b, one_step, 1);
	plain = b.op.plugin;
	adding = *plain;
	adding.u.op.offset = add_dark;
	b.op.plugin = &adding;
	b.job.noise.sigma = 0.02;
	impulse_told[0] = 0;
	log_install(note_impulses, NULL);
	ok(!restore(&b, square, (struct measurement){ .y = y }, &r), "salt and a dark frame");
	log_install(NULL, NULL);
	is_text(impulse_told, "mask:value=1", "the value of the file is told");
	restored_free(&r);
	tear_down(&b);
}

static int add_two(const void *self, float *b)
{
	(void)self;
	for (int i = 0; i < N; i++)
		b[i] = i % 2 ? 0.2f : 0;
	return LACUNA_OK;
}

/* What an operator adds is a part of the type's full scale, in values of the file. */
static void test_offset(void)
{
	const struct plugin_use *plain;
	struct plugin adding;
	struct restored r;
	struct bench b;
	float y[N];
	double worst = 0;

	picture(y, 31);
	set_up(&b, one_step, 1);
	plain = &b.op;
	adding = *plain->plugin;
	adding.u.op.offset = add_two;
	b.op.plugin = &adding;
	for (int i = 0; i < N; i++)
		y[i] = 1000 * y[i];
	ok(!restore(&b, shape, (struct measurement){ .y = y, .hi = 1000, .unit = 500 }, &r),
	   "an operator with an offset");
	for (int i = 0; i < N; i++)
		worst = fmax(worst,
			     fabs((double)r.picture[i] / 1000 -
				  (double)shrink(((double)y[i] - (i % 2 ? 100 : 0)) / 1000, 0.1)));
	ok(worst < 1e-4, "which is in units of the type (%g)", worst);
	restored_free(&r);
	tear_down(&b);
}

static float asked; /* mean of what the prior was asked first; NAN: nothing yet */

static int denoise_bright(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct gauss *g = self;
	double sum = 0;

	(void)scratch, (void)sigma;
	for (size_t i = 0; i < g->n; i++) {
		sum += (double)u[i] / (double)g->n;
		x0[i] = 50;
	}
	asked = isnan(asked) ? (float)sum : asked;
	return LACUNA_OK;
}

/* Photons are restored between a transform and its inverse; a start and bounds are values of the picture. */
static void test_transformed(void)
{
	const struct stated_noise stated = { .sigma = -1, .gain = 2.5, .offset = 100, .read = 2.5 };
	const struct scale scale = { .black = 100, .white = 200 };
	const struct scale seen = { 100, 180, -INFINITY, 180 };
	struct noise_description d = { .how = NULL };
	struct stabiliser *s = NULL;
	struct restored r;
	struct bench b;
	float y[N], level[N], start[N];
	double worst = 0;

	count_photons(y, 6, 0);
	for (int i = 0; i < N; i++) {
		y[i] = fminf(y[i], 180);
		level[i] = (y[i] - 100) / 100;
		start[i] = 130;
	}
	noise_of_photons(&stated, &scale, N, level, &d);
	stabiliser_create(&d.noise, &s);
	set_up(&b, "ode:steps=1,sigma_max=0.01", 1);
	use_free(&b.method.guidance);
	if (use_parse(LACUNA_GUIDANCE, "none", &b.method.guidance))
		tap_bail("%s", error_text());
	b.prior.u.prior.denoise = denoise_bright;
	b.job.noise = stated;
	asked = NAN;
	ok(!restore(&b, shape,
		    (struct measurement){
			    .y = y, .lo = 100, .hi = 200, .seen = &seen, .start = start },
		    &r),
	   "photons, a start and a bound");
	is_text(r.record.dealt_with, "transform", "are transformed");
	near((double)asked, stabiliser_expect(s, 0.3), 0.003, "the start is transformed");
	for (int i = 0; i < N; i++)
		worst = fmax(worst, fabs((double)r.picture[i] - 180));
	ok(worst < 0.1, "and so is the bound: no value is beyond (%g)", worst);
	restored_free(&r);
	stabiliser_destroy(s);
	tear_down(&b);
}

/* Only a picture has black and white that the scene fills: sums of ten pixels have others. */
static void test_sums(void)
{
	static const char *const specs[] = { "identity", "mask:columns=3", "identity:gain=10",
					     "identity:gain=0.1" };
	const struct scale seen = { 0.1, 0.4, -INFINITY, INFINITY };
	float y[N];

	picture(y, 3);
	for (int k = 0; k < 4; k++) {
		struct restored r;
		struct bench b;

		set_up(&b, one_step, 1);
		use_free(&b.op);
		if (use_parse(LACUNA_OPERATOR, specs[k], &b.op))
			tap_bail("%s", error_text());
		ok(!restore(&b, shape, (struct measurement){ .y = y, .seen = &seen }, &r), "%s",
		   specs[k]);
		ok(fabs(r.record.inner.white - (k > 1 ? 1 : 0.4)) < 1e-9, "white is that of %s",
		   k > 1 ? "the range" : "the scene");
		restored_free(&r);
		tear_down(&b);
	}
}

/* A result that is far from the measurement is a doubt.  A sample is: it has the posterior's spread. */
static void test_residual(void)
{
	int doubts[3] = { 0 };
	float y[N];

	picture(y, 4);
	for (int samples = 1; samples <= 2; samples++) {
		struct restored r;
		struct bench b;

		set_up(&b, one_step, 1);
		use_free(&b.method.guidance);
		if (use_parse(LACUNA_GUIDANCE, "none", &b.method.guidance))
			tap_bail("%s", error_text());
		b.job.noise.sigma = 0.02;
		b.job.samples = samples;
		ok(!restore(&b, shape, (struct measurement){ .y = y }, &r), "far away");
		doubts[samples] = r.record.doubts;
		restored_free(&r);
		tear_down(&b);
	}
	ok(doubts[1] == doubts[2] + 1,
	   "a result far from its measurement is a doubt, samples are not");
}

/* Wide noise is removed in both directions, and in each channel: turned, with other channels first, it is the same.  The
 * sides are odd: half the size has no part of the last row. */
static void test_wide_alike(void)
{
	enum { SIDE = 129, AREA = SIDE * SIDE };
	static const struct lacuna_shape two = { { SIDE, SIDE, 2, 1 } };
	static float noise[2 * AREA], y[2 * AREA], before[2 * AREA];
	double worst = 0, wide[2] = { 0, 0 };

	random_gaussian((struct random_key){ 5, 0, 0 }, 0, 0, noise, 2 * AREA);
	for (int pass = 0; pass < 4; pass++)
		for (int i = 2 * AREA - 1; i >= SIDE; i--)
			noise[i] = 0.5f * (noise[i] + noise[i - (pass % 2 ? 1 : SIDE)]);
	for (int turned = 0; turned < 2; turned++) {
		struct restored r = { .picture = NULL };
		struct bench b;

		for (int i = 0; i < 2 * AREA; i++) {
			const int at = i % AREA, across = at % SIDE * SIDE + at / SIDE;

			y[i] = 0.5f + 0.25f * noise[turned ? across + (i < AREA ? AREA : 0) : i];
		}
		set_up(&b, one_step, 0);
		b.job.noise.sigma = -1;
		ok(!restore(&b, two, (struct measurement){ .y = y }, &r), "wide noise, %s",
		   turned ? "turned" : "upright");
		wide[turned] = r.record.description.wide;
		for (int i = 0; i < 2 * AREA && r.picture; i++) {
			const int at = i % AREA, across = at % SIDE * SIDE + at / SIDE;

			if (!turned)
				before[across + (i < AREA ? AREA : 0)] = r.picture[i];
			else
				worst = fmax(worst, fabs((double)(r.picture[i] - before[i])));
		}
		restored_free(&r);
		tear_down(&b);
	}
	ok(wide[0] > 0 && wide[1] > 0, "is found");
	ok(worst < 1e-3, "and removed alike (%g)", worst);
}

int main(void)
{
	test_impulses();
	test_impulses_in_file();
	test_hidden();
	test_offset();
	test_transformed();
	test_sums();
	test_residual();
	test_wide_alike();
	test_spared();
	test_settled_median();
	test_settled_scale();
	test_mean();
	test_photons();
	test_channels();
	test_places();
	test_stated_places();
	test_spared_places();
	test_places_of_photons();
	test_bands();
	test_stated_noise();
	test_doubts_of_parts();
	test_missing();
	test_counted();
	test_constant();
	test_rounding();
	test_rounding_stays();
	test_median();
	test_lifetime(1);
	test_stock();
	test_derivative();
	test_lifetime(0);
	test_nothing_stays();
	test_projection();
	test_image();
	test_experience();
	test_stated_mean();
	test_retreat();
	test_dark_ground();
	test_ends();
	test_lights();
	test_rounded_ends();
	test_depth();
	test_depth_in_channels();
	test_experience_of_blur();
	test_samples();
	test_few_photons();
	test_no_photons();
	test_pairs();
	test_memory();
	test_wide_noise("identity");
	test_wider_noise();
	test_wrong_photons();
	test_wide_noise("mask:columns=100");
	ok(memory_live_blocks() == 0, "nothing is left behind");
	threads_stop();
	return tap_done();
}
