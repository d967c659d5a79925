/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What a session makes of a prior and a sampler: which it refuses, what it tells them, how it measures time, and how the stock
 * keeps instances.  The plugins are defined in this file; each does what a test tells it. */
#include <config.h>

#include "../tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "engine/run.h"
#include "plugin/host.h"

#include <lacuna/conditional.h>
#include <lacuna/deviation.h>
#include <lacuna/progress.h>
#include <time.h>

enum { W = 6, H = 4, MOST = 96 };

/* ---- the prior: x0 = sin(u), a curve that a step of 1 leaves --------------------------------------------------------- */

static struct {
	struct lacuna_prior_info info;
	uint32_t flags;	      /* that create() was told */
	size_t values;	      /* in one call */
	int created, living;  /* instances */
	int room;	      /* most that may live; 0: any number */
	int slow;	      /* milliseconds that a call takes */
	double told_noise;    /* of condition() */
	const float *guesses; /* of the deviation's last call */
	const struct lacuna_host *host;
} prior;

static int create_prior(const struct lacuna_host *host, const void *config,
			const struct lacuna_problem *problem, void **self)
{
	(void)config;
	if (prior.room && prior.living == prior.room)
		return error_set(LACUNA_ENOMEM, "no room");
	prior.flags = problem->flags;
	prior.host = host;
	prior.created++;
	prior.living++;
	*self = &prior;
	return LACUNA_OK;
}

static void destroy_prior(void *self)
{
	(void)self;
	prior.living--;
}

static void describe(const void *self, struct lacuna_prior_info *info)
{
	(void)self;
	*info = prior.info;
	info->size = sizeof *info;
}

static void report(double share)
{
	const struct lacuna_progress *progress = prior.host->extension(prior.host, LACUNA_PROGRESS);

	progress->tell(prior.host, share);
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct timespec pause = { .tv_nsec = prior.slow * 1000000L };

	(void)self, (void)scratch, (void)sigma;
	if (prior.slow)
		nanosleep(&pause, NULL);
	report(0.5);
	for (size_t i = 0; i < prior.values; i++)
		x0[i] = sinf(u[i]);
	return LACUNA_OK;
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	(void)sigma;
	return denoise(self, scratch, 1, u, x0);
}

static int condition(void *self, const struct lacuna_problem *problem, double noise)
{
	(void)self, (void)problem;
	prior.told_noise = noise;
	return LACUNA_OK;
}

static int conditional(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	return denoise(self, scratch, sigma, u, x0);
}

/* Twice the guess. */
static int deviation(const void *self, const struct lacuna_estimate *e, float *out)
{
	(void)self;
	for (size_t i = 0; i < prior.values; i++)
		out[i] = 2 * e->guess[i] + 100 * e->x[i];
	return LACUNA_OK;
}

static const void *extension(const char *name)
{
	static const struct lacuna_prior_conditional mean = { condition, conditional };
	static const struct lacuna_prior_deviation error = { deviation };

	return !strcmp(name, LACUNA_CONDITIONAL) ? (const void *)&mean
	       : !strcmp(name, LACUNA_DEVIATION) ? &error
						 : NULL;
}

static const struct lacuna_plugin prior_head = { LACUNA_PLUGIN_HEAD(LACUNA_PRIOR), .name = "own" };
static struct plugin prior_plugin = {
	.head = &prior_head,
	.u.prior = { .create = create_prior,
		     .destroy = destroy_prior,
		     .info = describe,
		     .denoise = denoise,
		     .denoise_map = denoise_map,
		     .extension = extension },
};
static const struct plugin_use prior_use = { .plugin = &prior_plugin };

/* ---- the sampler: its step is the test's ---------------------------------------------------------------------------- */

static int (*one_step)(const struct lacuna_host *, float *u);
static int64_t step_count = 1;

static int create_sampler(const struct lacuna_host *host, const void *config,
			  const struct lacuna_problem *problem, void **self)
{
	(void)config, (void)problem;
	*self = (void *)(uintptr_t)host;
	return LACUNA_OK;
}

static void destroy_sampler(void *self)
{
	(void)self;
}

static int64_t steps(const void *self)
{
	(void)self;
	return step_count;
}

static int start(void *self, float *u)
{
	(void)self;
	for (int i = 0; i < MOST; i++)
		u[i] = 0.01f * (float)i;
	return LACUNA_OK;
}

static int step(void *self, int64_t k, float *u)
{
	(void)k;
	return one_step ? one_step(self, u) : LACUNA_OK;
}

static const struct lacuna_plugin sampler_head = { LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
						   .name = "own" };
static struct plugin sampler_plugin = {
	.head = &sampler_head,
	.u.sampler = { .create = create_sampler,
		       .destroy = destroy_sampler,
		       .steps = steps,
		       .start = start,
		       .step = step },
};
static const struct plugin_use sampler_use = { .plugin = &sampler_plugin };

/* ---- a session ------------------------------------------------------------------------------------------------------ */

struct bench {
	struct plugin_use op;
	struct problem *problem;
	struct session *session;
	float y[MOST];
};

static void reset(void)
{
	memset(&prior, 0, sizeof prior);
	prior.info.sigma_min = 0.1;
	prior.info.sigma_max = 2;
	prior.values = (size_t)W * H;
	prior_plugin.u.prior.flags = 0;
	sampler_plugin.u.sampler.needs = 0;
	step_count = 1;
	one_step = NULL;
}

static int try_to_open(struct bench *b, int channels, int frames, double value, double noise,
		       const struct session_options *options)
{
	const struct lacuna_shape x = { { W, H, channels, frames } };

	memset(b, 0, sizeof *b);
	if (use_parse(LACUNA_OPERATOR, "identity", &b->op) ||
	    problem_create(&b->op, 1, 0, &x, &b->problem))
		tap_bail("%s", error_text());
	for (int i = 0; i < MOST; i++)
		b->y[i] = (float)value;
	if (problem_measure(b->problem, b->y, noise, NULL))
		tap_bail("%s", error_text());
	return session_create(b->problem, &prior_use, NULL, &sampler_use, options, &b->session);
}

static void bench_open(struct bench *b, int channels, double value, double noise,
		       const struct session_options *options)
{
	if (try_to_open(b, channels, 1, value, noise, options))
		tap_bail("%s", error_text());
}

static void bench_close(struct bench *b)
{
	session_destroy(b->session);
	problem_destroy(b->problem);
	use_free(&b->op);
}

static const struct session_options no_options;

static int refuses(int channels, int frames)
{
	struct bench b;
	const int status = try_to_open(&b, channels, frames, 0.5, 0.1, &no_options);

	bench_close(&b);
	return status;
}

/* ---- what does not fit together ------------------------------------------------------------------------------------- */

static void test_refusals(void)
{
	static const struct lacuna_prior_info impossible[] = {
		{ .channels = -1, .sigma_min = 0.1, .sigma_max = 2 },
		{ .sigma_min = -0.1, .sigma_max = 2 },
		{ .sigma_min = NAN, .sigma_max = 2 },
		{ .sigma_min = 0.5, .sigma_max = 0.5 },
		{ .sigma_min = 0.5, .sigma_max = 0.4 },
		{ .sigma_min = 0.5, .sigma_max = INFINITY },
		{ .sigma_min = 0.5, .sigma_max = NAN },
	};
	const int count = (int)(sizeof impossible / sizeof *impossible);
	int refused = 0;
	struct bench b;
	float u[MOST];

	for (int i = 0; i < count; i++) {
		reset();
		prior.info = impossible[i];
		refused += refuses(1, 1) == LACUNA_EINTERNAL && !prior.living;
	}
	ok(refused == count, "a prior has a range of noise, and channels (%d of %d)", refused,
	   count);
	reset();
	prior.info.channels = 2;
	ok(refuses(3, 1) == LACUNA_EUNSUPPORTED && strstr(error_text(), "2 channels at a time"),
	   "a prior of two channels takes no three");
	ok(!refuses(4, 1), "but four");
	reset();
	ok(refuses(1, 2) == LACUNA_EUNSUPPORTED && strstr(error_text(), "frame by frame"),
	   "frames are restored one by one");
	sampler_plugin.u.sampler.needs = LACUNA_NEEDS_GUIDANCE;
	ok(refuses(1, 1) == LACUNA_EUNSUPPORTED && strstr(error_text(), "needs a guidance"),
	   "a sampler that needs a guidance has one");
	for (int64_t n = 0; n >= -1; n--) {
		reset();
		bench_open(&b, 1, 0.5, 0.1, &no_options);
		step_count = n;
		ok(session_run(b.session, 0, u, NULL) == LACUNA_EINTERNAL, "and steps (%d)",
		   (int)n);
		bench_close(&b);
	}
}

/* A sampler that needs A'A to be diagonal gets no blur. */
static void test_diagonal(void)
{
	static const char *const specs[] = { "identity", "blur:sigma=1,boundary=periodic" };
	const struct lacuna_shape x = { { W, H, 1, 1 } };
	float y[MOST] = { 0 };

	for (int i = 0; i < 2; i++) {
		struct session *session = NULL;
		struct problem *problem = NULL;
		struct plugin_use op;
		int status;

		reset();
		sampler_plugin.u.sampler.needs = LACUNA_NEEDS_DIAGONAL;
		if (use_parse(LACUNA_OPERATOR, specs[i], &op) ||
		    problem_create(&op, 1, 0, &x, &problem) ||
		    problem_measure(problem, y, 0.1, NULL))
			tap_bail("%s", error_text());
		status = session_create(problem, &prior_use, NULL, &sampler_use, &no_options,
					&session);
		ok(status == (i ? LACUNA_EUNSUPPORTED : LACUNA_OK), "a diagonal is needed: %s",
		   specs[i]);
		session_destroy(session);
		problem_destroy(problem);
		use_free(&op);
	}
	reset();
}

/* A prior is told for what it will be asked, by guidance or sampler. */
static void test_flags(void)
{
	struct plugin guidance_plugin = { .head = &sampler_head };
	const struct plugin_use guidance_use = { .plugin = &guidance_plugin };
	int right = 0;

	reset();
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 4; k++) {
			const uint32_t of_guidance =
				(i & 1 ? LACUNA_NEEDS_VJP : 0) | (i & 2 ? LACUNA_NEEDS_JVP : 0);
			const uint32_t of_sampler =
				(k & 1 ? LACUNA_NEEDS_VJP : 0) | (k & 2 ? LACUNA_NEEDS_JVP : 0);

			guidance_plugin.u.guidance.needs = of_guidance;
			sampler_plugin.u.sampler.needs = of_sampler;
			right += prior_flags(&guidance_use, &sampler_use) ==
				 (((i | k) & 1 ? LACUNA_DERIVATIVE : 0) |
				  ((i | k) & 2 ? LACUNA_TANGENT : 0));
			right += prior_flags(NULL, &sampler_use) ==
				 ((k & 1 ? LACUNA_DERIVATIVE : 0) | (k & 2 ? LACUNA_TANGENT : 0));
		}
	ok(right == 32, "derivatives and tangents that are needed are told (%d of 32)", right);
	sampler_plugin.u.sampler.needs = LACUNA_NEEDS_JVP;
	ok(!refuses(1, 1) && (prior.flags & LACUNA_TANGENT) && !(prior.flags & LACUNA_DERIVATIVE),
	   "and every prior has tangents");
}

/* ---- results and their range ---------------------------------------------------------------------------------------- */

static int ask_map(const struct lacuna_host *host, float *u)
{
	float sigma[MOST], x0[MOST];

	for (int i = 0; i < MOST; i++)
		sigma[i] = 0.5f;
	host->prior->denoise_map(host, sigma, u, x0);
	for (int i = 0; i < W * H; i++)
		u[i] = x0[i] >= 0.3f && x0[i] <= 0.5f ? 0.4f : 9;
	return LACUNA_OK;
}

static void test_range(void)
{
	const double lowest = 0.3, highest = 0.5;
	const struct session_options bounds = { .lowest = &lowest, .highest = &highest };
	float u[MOST];
	int inside = 0;
	struct bench b;

	reset();
	bench_open(&b, 1, 0.5, 0.1, &bounds);
	for (int i = 0; i < 2; i++) {
		one_step = i ? ask_map : NULL;
		if (session_run(b.session, 0, u, NULL))
			tap_bail("%s", error_text());
		for (int k = 0; k < W * H; k++)
			inside += (double)u[k] >= lowest - 1e-6 &&
				  (double)u[k] <= (i ? 0.45 : highest + 1e-6);
	}
	ok(inside == 2 * W * H, "a result stays in its range, and so do means for maps (%d of %d)",
	   inside, 2 * W * H);
	bench_close(&b);
}

static float last_value;

static int jump(const struct lacuna_host *host, float *u)
{
	(void)host;
	u[7] = last_value;
	return LACUNA_OK;
}

/* Values of more than a million times the scale of the data are no result; the scale is that of what was measured. */
static void test_divergence(void)
{
	float u[MOST];

	reset();
	one_step = jump;
	for (int i = 0; i < 4; i++) {
		const double scales[] = { 0.01, 1, 1e4, -1e4 };
		const double scale = scales[i], full = fmax(fabs(scale), 1);
		struct bench b;

		bench_open(&b, 1, scale, 0.1, &no_options);
		last_value = (float)(0.5e6 * full);
		ok(!session_run(b.session, 0, u, NULL), "data of %g: large values", scale);
		last_value = (float)(-2e6 * full);
		ok(session_run(b.session, 0, u, NULL) == LACUNA_ENUMERIC &&
			   strstr(error_text(), "diverges"),
		   "and those that are too large, or too small");
		bench_close(&b);
	}
}

/* ---- derivatives by differences of a curve -------------------------------------------------------------------------- */

static double worst_slope;

static int ask_slope(const struct lacuna_host *host, float *u)
{
	float v[MOST], out[MOST];

	for (int k = -2; k <= 2; k += 2) {
		const float length = (float)pow(30, k);

		for (int i = 0; i < W * H; i++)
			v[i] = length * (float)(i % 3 - 1);
		if (host->prior->denoise_jvp(host, 0.5, u, v, out))
			return LACUNA_EINTERNAL;
		for (int i = 0; i < W * H; i++)
			worst_slope = fmax(worst_slope,
					   fabs((double)out[i] - cos((double)u[i]) * (double)v[i]) /
						   (double)length);
	}
	return LACUNA_OK;
}

static void test_slope(void)
{
	float u[MOST];
	struct bench b;

	reset();
	one_step = ask_slope;
	worst_slope = 0;
	bench_open(&b, 1, 0.5, 0.1, &no_options);
	ok(!session_run(b.session, 0, u, NULL) && worst_slope < 2e-3,
	   "the derivative of a curve along directions of any length (%.0e)", worst_slope);
	bench_close(&b);
}

/* ---- the mean in closed form ---------------------------------------------------------------------------------------- */

static void test_conditional(void)
{
	float u[MOST] = { 0 }, x0[MOST];

	for (int i = 0; i < 2; i++) {
		const double noise = i ? 0.2 : 0;
		struct bench b;

		reset();
		bench_open(&b, 1, 0.5, noise, &no_options);
		ok(!session_conditional(b.session, 0.5, u, x0) && prior.told_noise > 0 &&
			   prior.told_noise <= fmax(noise, 1e-3) && prior.told_noise >= noise,
		   "noise of %g: a conditional mean that is regular (%g)", noise, prior.told_noise);
		bench_close(&b);
	}
	{
		struct bench b;

		reset();
		prior.info.channels = 1;
		bench_open(&b, 2, 0.5, 0.2, &no_options);
		ok(session_conditional(b.session, 0.5, u, x0) == LACUNA_EUNSUPPORTED,
		   "but not of one channel of two");
		bench_close(&b);
	}
}

static void test_deviation(void)
{
	float x[MOST], guess[MOST], out[MOST];
	const struct lacuna_estimate e = { .size = sizeof e, .x = x, .guess = guess, .noise = 0.1 };
	double worst = 0;
	struct bench b;

	reset();
	prior.info.channels = 1;
	bench_open(&b, 3, 0.5, 0.2, &no_options);
	for (int i = 0; i < 3 * W * H; i++) {
		x[i] = 0.01f * (float)(i % 7);
		guess[i] = 0.1f + 0.02f * (float)i;
	}
	if (session_deviation(b.session, &e, out))
		tap_bail("%s", error_text());
	for (int i = 0; i < 3 * W * H; i++)
		worst = fmax(worst,
			     fabs((double)out[i] - 2 * (double)guess[i] - 100 * (double)x[i]));
	ok(worst < 1e-5, "each channel has the deviation of its own picture and guess (%.0e)",
	   worst);
	for (int c = 0; c < 3; c++) {
		guess[W * H * c + 5] = NAN;
		ok(session_deviation(b.session, &e, out) == LACUNA_ENUMERIC,
		   "and none that is no number, in channel %d", c);
		guess[W * H * c + 5] = 0.1f;
	}
	bench_close(&b);
}

/* ---- time and progress ---------------------------------------------------------------------------------------------- */

static int ask_once(const struct lacuna_host *host, float *u)
{
	float x0[MOST];

	return host->prior->denoise(host, 0.5, u, x0);
}

static void test_time(void)
{
	struct session_stats stats[2];
	float u[MOST];
	struct bench b;

	reset();
	prior.slow = 20;
	one_step = ask_once;
	bench_open(&b, 1, 0.5, 0.2, &no_options);
	for (int i = 0; i < 2; i++)
		if (session_run(b.session, (uint32_t)i, u, &stats[i]))
			tap_bail("%s", error_text());
	for (int i = 0; i < 2; i++)
		ok(stats[i].prior_seconds >= 0.02 && stats[i].prior_seconds <= stats[i].seconds &&
			   stats[i].evaluations == 1,
		   "sample %d: the time of the prior is a part of its own time", i);
	bench_close(&b);
}

static double shares[MOST];
static int share_count;

static void within(void *context, double share)
{
	(void)context;
	if (share_count < MOST)
		shares[share_count++] = share;
}

/* Each group reports when half of it is done. */
static void test_progress(void)
{
	static const struct session_options options = { .within = within };
	float u[MOST];
	int right = 0;
	struct bench b;

	reset();
	prior.info.channels = 1;
	one_step = ask_once;
	share_count = 0;
	bench_open(&b, 4, 0.5, 0.2, &options);
	if (session_run(b.session, 0, u, NULL))
		tap_bail("%s", error_text());
	for (int i = 0; i < share_count; i++)
		right += fabs(shares[i] - (i + 0.5) / 4) < 1e-12;
	ok(share_count == 4 && right == 4, "progress goes on from group to group (%d of %d)", right,
	   share_count);
	bench_close(&b);
}

/* ---- the stock ------------------------------------------------------------------------------------------------------ */

static void test_stock(void)
{
	static const struct lacuna_shape small = { { W, H, 1, 1 } }, wide = { { 2 * W, H, 1, 1 } };
	struct prior_stock stock = { NULL };
	const struct session_options options = { .stock = &stock, .within = within };
	float u[MOST];
	struct bench b;

	reset();
	prior_plugin.u.prior.flags = LACUNA_LASTING;
	one_step = ask_once;
	ok(!prior_prepare(&stock, &prior_use, &small, 0) && prior.created == 1 && stock.kept,
	   "a prior that is made in advance is kept");
	bench_open(&b, 1, 0.5, 0.2, &options);
	if (session_run(b.session, 0, u, NULL))
		tap_bail("%s", error_text());
	ok(prior.created == 1, "and used");
	share_count = 0;
	bench_close(&b);
	report(0.5);
	ok(share_count == 0, "after its run it reports to nobody");
	prior.room = 1;
	ok(!prior_prepare(&stock, &prior_use, &wide, 0) && prior.living == 1 && prior.created == 2,
	   "where memory is short a kept one makes room for another");
	prior_stock_clear(&stock);
	ok(prior.living == 0, "in the end none is left");
}

/* An instance serves for equal parameters, wherever they are, and for no others. */
static void test_parameters(void)
{
	struct config {
		double level;
	};
	static const struct lacuna_param params[] = {
		LACUNA_PARAM_REAL(struct config, level, NULL, 0, 1, 0.5, "a level"),
	};
	static const struct lacuna_plugin head = { LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
						   "own",
						   NULL,
						   NULL,
						   NULL,
						   NULL,
						   NULL,
						   LACUNA_PLUGIN_PARAMS(params, struct config),
						   NULL };
	static const struct lacuna_shape small = { { W, H, 1, 1 } };
	struct config levels[] = { { 0.2 }, { 0.2 }, { 0.3 } };
	struct prior_stock stock = { NULL };
	struct plugin with_params;
	struct plugin_use of[3];

	reset();
	prior_plugin.u.prior.flags = LACUNA_LASTING;
	with_params = prior_plugin;
	with_params.head = &head;
	for (int i = 0; i < 3; i++) {
		of[i] = (struct plugin_use){ .plugin = &with_params, .config = &levels[i] };
		if (prior_prepare(&stock, &of[i], &small, 0))
			tap_bail("%s", error_text());
		ok(prior.created == (i == 2 ? 2 : 1), "a level of %g: %d made", levels[i].level,
		   prior.created);
	}
	prior_stock_clear(&stock);
	reset();
}

int main(void)
{
	test_refusals();
	test_diagonal();
	test_flags();
	test_range();
	test_divergence();
	test_slope();
	test_conditional();
	test_deviation();
	test_time();
	test_progress();
	test_stock();
	test_parameters();
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
