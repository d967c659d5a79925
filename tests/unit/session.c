/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What the engine does between prior, guidance and sampler, seen by plugins in this file: a prior that records its calls,
 * and a sampler that makes the calls a test wants.  Also exact and prox with this prior, against closed forms that use
 * nothing of the laboratory. */
#include <config.h>

#include "../tap.h"

#include "base/context.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "engine/operation.h"
#include "engine/run.h"
#include "plugin/host.h"

#include <lacuna/fft.h>
#include <lacuna/turns.h>

enum { MOST = 64 };

/* ---- the prior: N(1/2, spread^2) for each value, unless a test sets another answer ------------------------------- */

static struct {
	double sigma; /* of the last call */
	struct lacuna_prior_info info;
	size_t values; /* in one call */
	double spread;
	const float *weights; /* if not NULL, the answer is u times these */
	size_t brightest;     /* the place of the largest u of the last call */
	uint64_t seen;	      /* a bit for each such place */
} asked;

static int create_prior(const struct lacuna_host *host, const void *config,
			const struct lacuna_problem *problem, void **self)
{
	(void)host, (void)config, (void)problem;
	*self = &asked;
	return LACUNA_OK;
}

static void destroy_nothing(void *self)
{
	(void)self;
}

static void tell(const void *self, struct lacuna_prior_info *info)
{
	(void)self;
	*info = asked.info;
	info->size = sizeof *info;
}

static float mean_of(double u, double sigma)
{
	const double v = asked.spread * asked.spread;

	return (float)(0.5 + v / (v + sigma * sigma) * (u - 0.5));
}

/* Calls of operator and prior that succeed before one fails; -1: all succeed. */
static int64_t calls, allowed = -1;

static int fails(void)
{
	return allowed >= 0 && calls++ == allowed ? error_set(LACUNA_EIO, "failed as told")
						  : LACUNA_OK;
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	(void)self, (void)scratch;
	if (fails())
		return LACUNA_EIO;
	asked.sigma = sigma;
	asked.brightest = 0;
	for (size_t i = 1; i < asked.values; i++)
		if (u[i] > u[asked.brightest])
			asked.brightest = i;
	asked.seen |= UINT64_C(1) << asked.brightest;
	for (size_t i = 0; i < asked.values; i++)
		x0[i] = asked.weights ? u[i] * asked.weights[i] : mean_of((double)u[i], sigma);
	return LACUNA_OK;
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	(void)self, (void)scratch;
	for (size_t i = 0; i < asked.values; i++)
		x0[i] = asked.weights ? u[i] * asked.weights[i]
				      : mean_of((double)u[i], (double)sigma[i]);
	return LACUNA_OK;
}

static int vjp(const void *self, void *scratch, double sigma, const float *u, const float *v,
	       float *out)
{
	(void)u;
	return denoise(self, scratch, sigma, v, out);
}

static const struct lacuna_plugin prior_head = { LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
						 .name = "noting" };
static const struct plugin noting = {
	.head = &prior_head,
	.u.prior = { .create = create_prior,
		     .destroy = destroy_nothing,
		     .info = tell,
		     .denoise = denoise,
		     .denoise_map = denoise_map,
		     .vjp = vjp },
};

/* The same with a network for rounds of its own. */
static int64_t rounds_asked;

static int denoise_round(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	rounds_asked++;
	return denoise(self, scratch, sigma, u, x0);
}

static const struct plugin rounding = {
	.head = &prior_head,
	.u.prior = { .create = create_prior,
		     .destroy = destroy_nothing,
		     .info = tell,
		     .denoise = denoise,
		     .denoise_round = denoise_round,
		     .denoise_map = denoise_map },
};

/* ---- the guidance: records the lengths of steps ------------------------------------------------------------------ */

static double step_from, step_to;

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	step_from = sigma;
	step_to = -1;
	return denoise(self, scratch, sigma, u, x0);
}

static int estimate_step(const void *self, void *scratch, double sigma, double s, const float *u,
			 float *x0)
{
	step_from = sigma;
	step_to = s;
	return denoise(self, scratch, sigma, u, x0);
}

static const struct lacuna_plugin guidance_head = { LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
						    .name = "measuring" };
static const struct plugin measuring = {
	.head = &guidance_head,
	.u.guidance = { .create = create_prior,
			.destroy = destroy_nothing,
			.estimate = estimate,
			.estimate_step = estimate_step },
};

/* ---- the sampler: one step, set by the test ---------------------------------------------------------------------- */

static int (*one_step)(const struct lacuna_host *, float *u);

static int create_sampler(const struct lacuna_host *host, const void *config,
			  const struct lacuna_problem *problem, void **self)
{
	(void)config, (void)problem;
	*self = (void *)(uintptr_t)host;
	return LACUNA_OK;
}

static int64_t step_count = 1;

static int64_t count_steps(const void *self)
{
	(void)self;
	return step_count;
}

static int start(void *self, float *u)
{
	(void)self;
	for (size_t i = 0; i < MOST; i++)
		u[i] = 0.1f + 0.01f * (float)i;
	return LACUNA_OK;
}

static int step(void *self, int64_t k, float *u)
{
	(void)k;
	return one_step(self, u);
}

static const struct lacuna_plugin sampler_head = { LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
						   .name = "asking" };
static const struct plugin asking = {
	.head = &sampler_head,
	.u.sampler = { .create = create_sampler,
		       .destroy = destroy_nothing,
		       .steps = count_steps,
		       .start = start,
		       .step = step },
};

/* ---- a session --------------------------------------------------------------------------------------------------- */

struct bench {
	struct plugin_use op, guidance;
	struct problem *problem;
	struct session *session;
	float y[MOST];
};

static void bail(const char *what)
{
	tap_bail("%s: %s", what, error_text());
}

/* guidance: NULL means `measuring'. value: every value of y. */
static void bench_open(struct bench *b, const char *op, int w, int h, int c, const char *guidance,
		       double value, double noise, const struct session_options *options)
{
	static const struct plugin_use prior = { .plugin = &noting },
				       sampler = { .plugin = &asking };
	const struct lacuna_shape x = { { w, h, c, 1 } };

	memset(b, 0, sizeof *b);
	b->guidance.plugin = &measuring;
	if (use_parse(LACUNA_OPERATOR, op, &b->op) ||
	    (guidance && use_parse(LACUNA_GUIDANCE, guidance, &b->guidance)) ||
	    problem_create(&b->op, 1, 0, &x, &b->problem))
		bail(op);
	for (size_t i = 0; i < MOST; i++)
		b->y[i] = (float)value;
	if (problem_measure(b->problem, b->y, noise, NULL) ||
	    session_create(b->problem, &prior, &b->guidance, &sampler, options, &b->session))
		bail("session");
}

static void bench_close(struct bench *b)
{
	session_destroy(b->session);
	problem_destroy(b->problem);
	if (b->guidance.spec)
		use_free(&b->guidance);
	use_free(&b->op);
}

static void reset(size_t values)
{
	memset(&asked, 0, sizeof asked);
	asked.info.sigma_min = 0.1;
	asked.info.sigma_max = 2;
	asked.values = values;
	asked.spread = 0.3;
}

static const struct session_options no_options;

/* One run, whose sampler does the test's step. */
static void run(int w, int h, int c, const struct session_options *options, uint32_t sample,
		int (*ask)(const struct lacuna_host *, float *), float *u)
{
	struct bench b;

	one_step = ask;
	bench_open(&b, "identity", w, h, c, NULL, 0.5, 0.2, options);
	if (session_run(b.session, sample, u, NULL))
		bail("run");
	bench_close(&b);
}

/* ---- a sampler may end before its last step ---------------------------------------------------------------------- */

static int steps_left;

static int end_early(const struct lacuna_host *host, float *u)
{
	(void)host, (void)u;
	return --steps_left ? LACUNA_OK : LACUNA_DONE;
}

static void test_early_end(void)
{
	for (int64_t last = 1; last <= 5; last += 2) {
		struct session_stats stats = { .steps = 0 };
		float u[MOST];
		struct bench b;

		reset(6);
		step_count = 5;
		steps_left = (int)last;
		one_step = end_early;
		bench_open(&b, "identity", 3, 2, 1, NULL, 0.5, 0.2, &no_options);
		ok(!session_run(b.session, 0, u, &stats) && stats.steps == last && !steps_left,
		   "of 5 steps, %d are taken and counted", (int)last);
		bench_close(&b);
	}
	step_count = 1;
}

/* ---- sigma is kept within the prior's range ---------------------------------------------------------------------- */

static int ask_levels(const struct lacuna_host *host, float *u)
{
	static const double levels[] = { 1e-3, 0.5, 30 }, want[] = { 0.1, 0.5, 2 };
	float x0[MOST];

	for (int i = 0; i < 3; i++) {
		host->prior->denoise(host, levels[i], u, x0);
		near(asked.sigma, want[i], 1e-12, "denoise: sigma within the prior's range");
		host->prior->denoise_round(host, 0, levels[i], u, x0);
		near(asked.sigma, want[i], 1e-12, "denoise_round: the same");
		host->prior->denoise_vjp(host, levels[i], u, u, x0);
		near(asked.sigma, want[i], 1e-12, "denoise_vjp: the same");
		host->prior->denoise_jvp(host, levels[i], u, u, x0);
		near(asked.sigma, want[i], 1e-12, "denoise_jvp: the same");
	}
	return LACUNA_OK;
}

/* ---- a plugin may know less or more of the prior's description than the host -------------------------------------- */

static int ask_info(const struct lacuna_host *host, float *u)
{
	struct {
		struct lacuna_prior_info info;
		double later;
	} longer = { .info.size = sizeof longer, .later = 7 };
	struct lacuna_prior_info info = { .size = offsetof(struct lacuna_prior_info, sigma_max),
					  .sigma_max = 7 };
	const uint32_t short_size = info.size;

	(void)u;
	ok(!host->prior->info(host, &info) && info.size == short_size && info.sigma_max >= 7,
	   "no more than an older plugin has room for");
	near(info.sigma_min, 0.1, 1e-12, "but that");
	ok(!host->prior->info(host, &longer.info) && longer.info.size == sizeof info &&
		   longer.later >= 7,
	   "of a longer structure what there is");
	near(longer.info.sigma_max, 2, 1e-12, "all of it");
	info.size = 0;
	ok(host->prior->info(host, &info) == LACUNA_EINVAL, "nothing without a size");
	return LACUNA_OK;
}

/* ---- below that range the answer approaches u as sigma goes to 0 ------------------------------------------------- */

/* Shift from u divided by the right one: 1 up to (sigma_min / spread)^2.  A plain clamp of sigma would give (sigma_min /
 * sigma)^2. */
static double shift(double u, double x0, double sigma)
{
	return (x0 - u) / ((double)mean_of(u, sigma) - u);
}

static int ask_below(const struct lacuna_host *host, float *u)
{
	static const double level = 0.02;
	float x0[MOST], map[MOST];

	for (size_t i = 0; i < asked.values; i++) {
		u[i] = 3;
		map[i] = i % 2 ? (float)level : 0.5F;
	}
	host->prior->denoise(host, level, u, x0);
	near(shift(3, (double)x0[0], level), 1, 0.12, "denoise below the range");
	host->prior->denoise(host, 0, u, x0);
	near((double)x0[0], 3, 0, "without noise nothing changes");
	host->prior->denoise_map(host, map, u, x0);
	near(shift(3, (double)x0[1], level), 1, 0.12, "a map below the range");
	near((double)x0[0], (double)mean_of(3, 0.5), 1e-6, "and beside it, within");
	host->prior->denoise_vjp(host, level, u, u, x0);
	near(shift(3, (double)x0[0], level), 1, 0.12, "the derivative below the range");
	return LACUNA_OK;
}

/* ---- a prior without jvp(): differences, exact for this one, which is linear ------------------------------------- */

static int ask_difference(const struct lacuna_host *host, float *u)
{
	float v[MOST], out[MOST], none[MOST] = { 0 };
	const double slope = (double)mean_of(1, 0.5) - (double)mean_of(0, 0.5);
	double worst = 0;

	for (size_t i = 0; i < asked.values; i++) {
		u[i] = (float)i;
		v[i] = i % 3 ? 100.0F * (float)i : -1;
	}
	ok(!host->prior->denoise_jvp(host, 0.5, u, v, out), "denoise_jvp by differences");
	for (size_t i = 0; i < asked.values; i++)
		worst = fmax(worst, fabs((double)out[i] - slope * (double)v[i]));
	near(worst / (100 * (double)asked.values), 0, 1e-3,
	     "is the derivative times the direction");
	ok(!host->prior->denoise_jvp(host, 0.5, u, none, out), "along nothing");
	for (size_t i = 0; i < asked.values; i++)
		worst = i ? fmax(worst, fabs((double)out[i])) : 0;
	near(worst, 0, 0, "nothing changes");
	return LACUNA_OK;
}

/* ---- rounds turn the image of a symmetric prior, and the answer back --------------------------------------------- */

static float factors[MOST];
static int width, height;

/* For symmetry k of the rectangle: the index that pixel i comes from. */
static int turned(int k, int i)
{
	int x = i % width, y = i / width;

	if (k & 4) {
		const int t = x;

		x = y;
		y = t;
	}
	x = k & 1 ? width - 1 - x : x;
	y = k & 2 ? height - 1 - y : y;
	return y * width + x;
}

/* The symmetry of this round: the one whose turned factors, times u, give x0; -1: none. */
static int symmetry(const float *u, const float *x0)
{
	for (int k = 0; k < (width == height ? 8 : 4); k++) {
		int fits = 1;

		for (int i = 0; i < width * height; i++)
			fits &= fabs((double)x0[i] - (double)u[i] * (double)factors[turned(k, i)]) <
				1e-6;
		if (fits)
			return k;
	}
	return -1;
}

static int ask_rounds(const struct lacuna_host *host, float *u)
{
	const int ways = width == height ? 8 : 4;
	int seen[8] = { 0 }, distinct = 0, unknown = 0;
	float x0[MOST];

	for (uint32_t round = 0; round < 16; round++) {
		int k;

		host->prior->denoise_round(host, round, 0.5, u, x0);
		k = symmetry(u, x0);
		if (k < 0)
			unknown++;
		else
			seen[k]++;
		if (round == 0)
			ok(k == 0, "round 0 sees the image as it is");
	}
	for (int k = 0; k < ways; k++)
		distinct += seen[k] == 16 / ways;
	ok(unknown == 0 && distinct == ways,
	   "%dx%d: each of %d ways as often as the others, turned back", width, height, ways);
	return LACUNA_OK;
}

static void test_rounds(int w, int h)
{
	float u[MOST];

	reset((size_t)(w * h));
	for (int i = 0; i < MOST; i++)
		factors[i] = 1 + 0.013f * (float)(i * i % 37);
	asked.weights = factors;
	asked.info.symmetric = 1;
	width = w;
	height = h;
	run(w, h, 1, &no_options, 0, ask_rounds, u);
}

/* This prior treats each pixel alone: turned or not, its answer to image and map is the same. */
static int ask_turned(const struct lacuna_host *host, float *u)
{
	const struct lacuna_turns *turns = host->extension(host, LACUNA_TURNS);
	float map[MOST], plain[MOST], x0[MOST];
	double worst = 0;

	for (size_t i = 0; i < asked.values; i++) {
		u[i] = 0.1f * (float)(i * 7 % 11);
		map[i] = 0.1f + 0.05f * (float)(i * 5 % 13);
	}
	host->prior->denoise_map(host, map, u, plain);
	for (uint32_t turn = 0; turn < (width == height ? 8 : 4); turn++) {
		ok(!turns->denoise_turned(host, turn, map, u, x0), "turn %u", turn);
		for (size_t i = 0; i < asked.values; i++)
			worst = fmax(worst, fabs((double)x0[i] - (double)plain[i]));
	}
	near(worst, 0, 0, "image and map are turned together, and the answer back");
	ok(turns->denoise_turned(host, width == height ? 8 : 4, map, u, x0) == LACUNA_EUNSUPPORTED,
	   "there are no more turns");
	return LACUNA_OK;
}

static void test_turned_maps(int w, int h)
{
	float u[MOST];

	reset((size_t)(w * h));
	asked.info.symmetric = 1;
	width = w;
	height = h;
	run(w, h, 1, &no_options, 0, ask_turned, u);
}

/* hqs with A = 1 and noise: it takes seven more rounds, and the result is the mean over all turns. */
static void test_turned_mean(int w, int h)
{
	static const struct plugin_use prior = { .plugin = &noting };
	const struct lacuna_shape x = { { w, h, 1, 1 } };
	const int ways = w == h ? 8 : 4;
	struct plugin_use op, sampler;
	struct problem *problem;
	struct session *session;
	float y[MOST], u[MOST];
	double worst = 0;
	char spec[40];

	reset((size_t)(w * h));
	for (int i = 0; i < w * h; i++) {
		factors[i] = 1 + 0.013f * (float)(i * i % 37);
		y[i] = 0.3f + 0.01f * (float)i;
	}
	asked.weights = factors;
	asked.info.symmetric = 1;
	width = w;
	height = h;
	snprintf(spec, sizeof spec, "hqs:steps=%d", ways - 1);
	if (use_parse(LACUNA_OPERATOR, "identity", &op) ||
	    use_parse(LACUNA_SAMPLER, spec, &sampler) || problem_create(&op, 1, 0, &x, &problem) ||
	    problem_measure(problem, y, 0.2, NULL) ||
	    session_create(problem, &prior, NULL, &sampler, &no_options, &session) ||
	    session_run(session, 0, u, NULL))
		bail(spec);
	for (int i = 0; i < w * h; i++) {
		double mean = 0;

		for (int k = 0; k < ways; k++)
			mean += (double)factors[turned(k, i)] / ways;
		/* The first state is 1/2 plus noise of deviation 50, which hardly counts. */
		worst = fmax(worst, fabs((double)u[i] / (double)y[i] / mean - 1));
	}
	ok(worst < 5e-3, "%dx%d, hqs: the mean over %d turns (%.0e)", w, h, ways, worst);
	session_destroy(session);
	problem_destroy(problem);
	use_free(&sampler);
	use_free(&op);
}

/* ---- samplers and guidances that ask for rounds -------------------------------------------------------------------- */

/* A problem, a sampler of its own and one run with a prior that has a network for rounds.  The answer is u itself. */
struct rounds {
	const char *gain, *op, *guidance, *sampler;
	int w, h, c, rounds, symmetric;
	double noise;
};

struct round_bench {
	struct plugin_use op[2], guidance, sampler;
	struct problem *problem;
	size_t nx, ny;
	float y[MOST], start[MOST], u[MOST];
};

static void run_rounds(struct round_bench *b, const struct rounds *r)
{
	static const struct plugin_use prior = { .plugin = &rounding };
	static float ones[MOST];
	const struct lacuna_shape x = { { r->w, r->h, r->c, 1 } };
	const struct session_options options = { .seed = 6, .start = b->start };
	struct session *session = NULL;

	b->nx = lacuna_count(&x);
	reset(b->nx);
	asked.info.sigma_min = 1e-4;
	asked.info.rounds = r->rounds;
	asked.info.symmetric = r->symmetric;
	asked.weights = ones;
	for (int i = 0; i < MOST; i++)
		ones[i] = 1;
	rounds_asked = 0;
	if (use_parse(LACUNA_OPERATOR, r->gain, &b->op[0]) ||
	    use_parse(LACUNA_OPERATOR, r->op, &b->op[1]) ||
	    (r->guidance && use_parse(LACUNA_GUIDANCE, r->guidance, &b->guidance)) ||
	    use_parse(LACUNA_SAMPLER, r->sampler, &b->sampler) ||
	    problem_create(b->op, 2, 0, &x, &b->problem))
		bail(r->sampler);
	b->ny = lacuna_count(problem_y(b->problem));
	if (problem_measure(b->problem, b->y, r->noise, NULL) ||
	    session_create(b->problem, &prior, r->guidance ? &b->guidance : NULL, &b->sampler,
			   &options, &session) ||
	    session_run(session, 0, b->u, NULL))
		bail(r->sampler);
	session_destroy(session);
}

static void end_rounds(struct round_bench *b)
{
	problem_destroy(b->problem);
	use_free(&b->sampler);
	if (b->guidance.spec)
		use_free(&b->guidance);
	use_free(&b->op[1]);
	use_free(&b->op[0]);
}

/* Part of white noise that the operator passes, by the probe of hqs: its numbers are those of stream 0 from the second on. */
static double passes(const struct round_bench *b)
{
	float z[MOST], y[MOST];
	double sum = 0;

	random_gaussian((struct random_key){ 6, 0, 0 }, 0, 1, z, b->nx);
	if (problem_apply(b->problem, z, y))
		bail("probe");
	for (size_t i = 0; i < b->ny; i++)
		sum += (double)y[i] * (double)y[i];
	return sum / (double)b->nx;
}

/* One round of hqs, at the level of the noise, moves the start by A'(y - A x) = lambda (x - start). */
static void test_strength(const struct rounds *r, double least, double rise, double most)
{
	static struct round_bench b;
	float in_y[MOST], in_x[MOST];
	double along = 0, length = 0, want;

	memset(&b, 0, sizeof b);
	for (int i = 0; i < MOST; i++) {
		b.y[i] = 0.01f * (float)(i * 7 % 11);
		b.start[i] = 0.3f + 0.1f * (float)(i * 5 % 13);
	}
	run_rounds(&b, r);
	if (problem_apply(b.problem, b.u, in_y))
		bail(r->op);
	for (size_t i = 0; i < b.ny; i++)
		in_y[i] = b.y[i] - in_y[i];
	if (problem_adjoint(b.problem, NULL, in_y, in_x))
		bail(r->op);
	for (size_t i = 0; i < b.nx; i++) {
		const double d = (double)b.u[i] - (double)b.start[i];

		along += d * (double)in_x[i];
		length += d * d;
	}
	want = fmax(least, fmin(r->noise * fmin(0.2 / passes(&b), rise), most));
	ok(fabs(along / length / want - 1) < 1e-2,
	   "%s, %s %s, noise %g, %d channels: the prior has strength %.3f, should have %.3f",
	   r->sampler, r->gain, r->op, r->noise, r->c, along / length, want);
	end_rounds(&b);
}

/* With a network for rounds the prior is stronger where more noise is and less passes, up to a limit. */
static void test_strengths(void)
{
	static const struct {
		struct rounds r;
		double least, rise, most;
	} rows[] = {
#define BLUR "blur:sigma=0.8,boundary=periodic"
		{ { "identity", BLUR, NULL, "hqs:steps=1", 8, 6, 1, 1, 0, 0.1 }, 0.4, 80, 2.4 },
		{ { "identity:gain=0.5", BLUR, NULL, "hqs:steps=1", 8, 6, 1, 1, 0, 0.1 },
		  0.4,
		  80,
		  2.4 },
		{ { "identity:gain=0.05", BLUR, NULL, "hqs:steps=1", 8, 6, 1, 1, 0, 0.02 },
		  0.4,
		  80,
		  2.4 },
		{ { "identity:gain=0.05", BLUR, NULL, "hqs:steps=1", 8, 6, 1, 1, 0, 0.1 },
		  0.4,
		  80,
		  2.4 },
		{ { "identity:gain=0.5", "downsample:factor=2", NULL, "hqs:steps=1", 8, 8, 1, 1, 0,
		    0.1 },
		  0.4,
		  80,
		  2.4 },
		{ { "identity", BLUR, NULL, "hqs:steps=1", 4, 4, 3, 1, 0, 0.1 }, 0.5, 6, 2.4 },
		{ { "identity:gain=0.05", BLUR, NULL, "hqs:steps=1", 4, 4, 3, 1, 0, 0.2 },
		  0.5,
		  6,
		  2.4 },
		{ { "identity:gain=0.05", BLUR, NULL, "hqs:steps=1", 5, 4, 2, 1, 0, 0.2 },
		  0.5,
		  6,
		  2.4 },
		/* but not under masks, which leave white noise white */
		{ { "identity:gain=0.2", "mask:keep=0.3", NULL, "hqs:steps=1", 8, 6, 1, 1, 0, 0.1 },
		  0.4,
		  0,
		  0 },
		/* nor if a strength is set, nor without such a network */
		{ { "identity:gain=0.05", BLUR, NULL, "hqs:steps=1,lambda=0.7", 8, 6, 1, 1, 0,
		    0.1 },
		  0.7,
		  0,
		  0 },
		{ { "identity:gain=0.05", BLUR, NULL, "hqs:steps=1", 8, 6, 1, 0, 0, 0.1 },
		  0.4,
		  0,
		  0 },
		{ { "identity:gain=0.05", BLUR, NULL, "hqs:steps=1", 4, 4, 3, 0, 0, 0.1 },
		  0.5,
		  0,
		  0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		test_strength(&rows[i].r, rows[i].least, rows[i].rise, rows[i].most);
}

/* Evaluations of a symmetric prior see the picture, here one bright pixel, turned in all ways.  All ask for rounds. */
static void test_asking(const char *guidance, const char *sampler, int evaluations, int places)
{
	const struct rounds r = { "identity", "identity", guidance, sampler, 8, 8, 1, 1, 1, 1e-3 };
	static struct round_bench b;
	int seen = 0;

	memset(&b, 0, sizeof b);
	b.y[8 + 2] = b.start[8 + 2] = 100;
	run_rounds(&b, &r);
	for (int i = 0; i < MOST; i++)
		seen += (int)(asked.seen >> i & 1);
	ok(rounds_asked == evaluations && seen == places,
	   "%s%s%s: %d evaluations for rounds (%d), of a picture in %d ways (%d)",
	   guidance ? guidance : "", guidance ? ", " : "", sampler, (int)rounds_asked, evaluations,
	   seen, places);
	end_rounds(&b);
}

static void test_all_asking(void)
{
	test_asking(NULL, "gibbs:steps=8,rho_max=0.01,rho_min=0.01", 8, 8);
	test_asking(NULL, "gibbs:steps=1,inner=8,rho_max=0.01,rho_min=0.01", 8, 8);
	test_asking(NULL, "gibbs:steps=2,inner=4,rho_max=0.01,rho_min=0.01", 8, 8);
	test_asking("pivot", "ode:steps=3,sigma_max=0.1", 3, 1);
}

/* ---- a failure anywhere ends the run ----------------------------------------------------------------------------- */

static int same_shape(const struct lacuna_host *host, const void *config, int from_y,
		      const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

static int create_operator(const struct lacuna_host *host, const void *config,
			   const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	(void)host, (void)config, (void)x, (void)y;
	*self = &asked;
	return LACUNA_OK;
}

/* Mean of neighbours: symmetric, and without a closed form. */
static int smooth_or_fail(const void *self, void *scratch, const float *x, float *y)
{
	const size_t n = asked.values;

	(void)self, (void)scratch;
	for (size_t i = 0; i < n; i++)
		y[i] = 0.5f * x[i] + 0.25f * (x[(i + 1) % n] + x[(i + n - 1) % n]);
	return fails();
}

static int smooth_back(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return smooth_or_fail(self, scratch, y, x);
}

static const struct lacuna_plugin operator_head = { LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
						    .name = "failing" };
static const struct plugin failing = {
	.head = &operator_head,
	.u.op = { .flags = LACUNA_LINEAR,
		  .shape = same_shape,
		  .create = create_operator,
		  .destroy = destroy_nothing,
		  .apply = smooth_or_fail,
		  .adjoint = smooth_back },
};

static int run_to_failure(const struct plugin_use *guidance, const struct plugin_use *sampler)
{
	static const struct plugin_use op = { .plugin = &failing }, prior = { .plugin = &noting };
	const struct lacuna_shape x = { { 6, 5, 1, 1 } };
	struct problem *problem = NULL;
	struct session *session = NULL;
	float y[MOST], u[MOST];
	int status;

	calls = 0;
	for (int i = 0; i < 30; i++)
		y[i] = 0.4f + 0.01f * (float)i;
	status = problem_create(&op, 1, 0, &x, &problem);
	if (!status)
		status = problem_measure(problem, y, 0.1, NULL);
	if (!status)
		status = session_create(problem, &prior, guidance, sampler, &no_options, &session);
	if (!status)
		status = session_run(session, 0, u, NULL);
	session_destroy(session);
	problem_destroy(problem);
	return status;
}

static void test_failures(const char *guidance_text, const char *sampler_text)
{
	enum { PLACES = 60 };
	struct plugin_use guidance, sampler;
	int64_t all;
	int missed = 0;

	reset(30);
	if ((guidance_text && use_parse(LACUNA_GUIDANCE, guidance_text, &guidance)) ||
	    use_parse(LACUNA_SAMPLER, sampler_text, &sampler))
		bail(sampler_text);
	allowed = INT64_MAX;
	if (run_to_failure(guidance_text ? &guidance : NULL, &sampler))
		bail(sampler_text);
	all = calls;
	for (int k = 0; k < PLACES; k++) {
		allowed = all * k / PLACES;
		missed += run_to_failure(guidance_text ? &guidance : NULL, &sampler) != LACUNA_EIO;
	}
	allowed = -1;
	ok(!missed && all >= 4, "%s %s: %d of %d failures among %lld calls went unseen",
	   guidance_text ? guidance_text : "", sampler_text, missed, (int)PLACES, (long long)all);
	use_free(&sampler);
	if (guidance_text)
		use_free(&guidance);
}

static void test_all_failures(void)
{
	static const char *const guidances[] = { "ddnm", "bo", "ccdf", "prox", "dmps", "none" };
	static const char *const guided[] = {
		"ddpm:steps=3",		  "ode:steps=3",
		"ode-fast:steps=3",	  "ode-fast:steps=3,form=theory",
		"ddpm-fast:steps=3",	  "exp-integrator:steps=3",
		"euler-maruyama:steps=3", "cld:steps=3",
		"restore-degrade:steps=3"
	};
	static const char *const own[] = { "gibbs:steps=3", "gibbs:steps=2,inner=3",
					   "hqs:steps=3",   "ddnm-plus:steps=3",
					   "ddrm:steps=3",  "bridge:steps=3" };

	for (size_t i = 0; i < sizeof guidances / sizeof *guidances; i++)
		test_failures(guidances[i], "ddpm:steps=3");
	for (size_t i = 0; i < sizeof guided / sizeof *guided; i++)
		test_failures("prox", guided[i]);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		test_failures(NULL, own[i]);
}

/* ---- planes, bounds, noise, steps -------------------------------------------------------------------------------- */

static int ask_once(const struct lacuna_host *host, float *u)
{
	float x0[MOST];
	const int status = host->prior->denoise(host, 0.5, u, x0);

	memcpy(u, x0, sizeof x0);
	return status;
}

/* A prior of one channel is called for each of three channels. */
static void test_planes(void)
{
	float u[MOST] = { 0 };
	double worst = 0;

	reset(12);
	asked.info.channels = 1;
	run(4, 3, 3, &no_options, 0, ask_once, u);
	for (int i = 0; i < 36; i++)
		worst = fmax(worst, fabs((double)u[i] - (double)mean_of(0.1 + 0.01 * i, 0.5)));
	ok(worst < 1e-6, "each plane has its own answer (%.0e)", worst);
}

/* Each plane has its own sigmas and its own direction, within the prior's range. */
static int ask_planes(const struct lacuna_host *host, float *u)
{
	float map[MOST], v[MOST], x0[MOST], back[MOST], along[MOST];
	double worst[3] = { 0 };

	for (int i = 0; i < 36; i++) {
		map[i] = i == 30 ? 30 : 0.2f + 0.03f * (float)i;
		v[i] = 1 - 0.05f * (float)i;
	}
	ok(!host->prior->denoise_map(host, map, u, x0) &&
		   !host->prior->denoise_vjp(host, 0.5, u, v, back) &&
		   !host->prior->denoise_jvp(host, 0.5, u, v, along),
	   "a map and derivatives");
	for (int i = 0; i < 36; i++) {
		const double sigma = fmin((double)map[i], 2);
		const double slope = (double)mean_of(1, 0.5) - (double)mean_of(0, 0.5);

		worst[0] =
			fmax(worst[0], fabs((double)x0[i] - (double)mean_of((double)u[i], sigma)));
		/* This prior answers vjp() with the mean of v. */
		worst[1] =
			fmax(worst[1], fabs((double)back[i] - (double)mean_of((double)v[i], 0.5)));
		worst[2] = fmax(worst[2], fabs((double)along[i] - slope * (double)v[i]));
	}
	ok(worst[0] < 1e-6, "each plane has its own sigmas, up to the prior's (%.0e)", worst[0]);
	ok(worst[1] < 1e-6 && worst[2] < 1e-4, "and its own direction (%.0e, %.0e)", worst[1],
	   worst[2]);
	return LACUNA_OK;
}

static void test_maps_of_planes(void)
{
	float u[MOST] = { 0 };

	reset(12);
	asked.info.channels = 1;
	run(4, 3, 3, &no_options, 0, ask_planes, u);
}

static void test_bounds(void)
{
	const double lowest = 0.42, highest = 0.51;
	const struct session_options options = { .lowest = &lowest, .highest = &highest };
	float u[MOST] = { 0 };
	double least = 1, most = 0;

	reset(48);
	run(8, 6, 1, &options, 0, ask_once, u);
	for (int i = 0; i < 48; i++) {
		least = fmin(least, (double)u[i]);
		most = fmax(most, (double)u[i]);
	}
	near(least, lowest, 1e-6, "answers are kept above the lowest value");
	near(most, highest, 1e-6, "and below the highest");
}

static int ask_noise(const struct lacuna_host *host, float *u)
{
	host->gaussian(host, 7, 0, u, 48);
	return LACUNA_OK;
}

static void test_noise(void)
{
	const struct session_options pairs = { .pairs = 1, .seed = 4 };
	static float a[MOST], b[MOST], c[MOST];
	double sum = 0, other = 0;

	reset(48);
	run(8, 6, 1, &pairs, 2, ask_noise, a);
	run(8, 6, 1, &pairs, 3, ask_noise, b);
	run(8, 6, 1, &pairs, 4, ask_noise, c);
	for (int i = 0; i < 48; i++) {
		sum += fabs((double)a[i] + (double)b[i]);
		other += fabs((double)a[i] - (double)c[i]);
	}
	ok(sum == 0 && other > 1,
	   "the noise of a pair has opposite signs, that of the next is new");
}

static int ask_steps(const struct lacuna_host *host, float *u)
{
	float x0[MOST];

	host->guidance->estimate_step(host, 0.7, 0.3, u, x0);
	ok(step_from == 0.7 && step_to == 0.3, "a guidance learns where the step leads to");
	host->guidance->estimate_step(host, 0.7, 0, u, x0);
	ok(step_to == 0, "of the last step too");
	host->guidance->estimate(host, 0.6, u, x0);
	ok(step_from == 0.6 && step_to == -1, "or is asked without");
	ok(host->extension(host, LACUNA_OPERATIONS) && host->extension(host, LACUNA_TURNS) &&
		   host->extension(host, LACUNA_FFT) && !host->extension(host, "lacuna.turns/2") &&
		   !host->extension(host, ""),
	   "extensions go by their whole name");
	return LACUNA_OK;
}

static int ask_nan(const struct lacuna_host *host, float *u)
{
	(void)host;
	u[5] = NAN;
	return LACUNA_OK;
}

static int ask_nothing(const struct lacuna_host *host, float *u)
{
	(void)host, (void)u;
	return LACUNA_OK;
}

static void test_results(void)
{
	struct bench b;
	float u[MOST], measured[MOST];
	int kept = 0, others = 0;

	reset(48);
	one_step = ask_nan;
	bench_open(&b, "identity", 8, 6, 1, NULL, 0.5, 0.2, &no_options);
	ok(session_run(b.session, 0, u, NULL) == LACUNA_ENUMERIC,
	   "a value that is not finite ends a run");
	bench_close(&b);

	/* Pixels that a mask measures without noise keep their value, whatever the sampler returns. */
	one_step = ask_nothing;
	bench_open(&b, "mask:keep=0.5", 8, 6, 1, NULL, 0.75, 0, &no_options);
	if (session_run(b.session, 0, u, NULL) || problem_measured(b.problem, measured))
		bail("run");
	for (int i = 0; i < 48; i++)
		if (measured[i] != 0)
			kept += u[i] == 0.75f;
		else
			others += fabs((double)u[i] - (0.1 + 0.01 * i)) < 1e-6;
	ok(kept > 10 && others > 10 && kept + others == 48,
	   "what is known stays, and nothing else");
	bench_close(&b);
}

/* ---- guidances, one value at a time ------------------------------------------------------------------------------ */

/* The prior takes a sigma map but has no conditional mean: exact combines state and measurement into one noisy value. */
static void test_exact(const char *op, double gain, double noise, double counted)
{
	static const double sigmas[] = { 0.15, 0.6, 1.9 };
	struct bench b;
	float u[MOST], x0[MOST];
	double worst = 0;

	reset(48);
	asked.info.sigma_min = 1e-3;
	bench_open(&b, op, 8, 6, 1, "exact", 0.8, noise, &no_options);
	for (int k = 0; k < 3; k++) {
		for (int i = 0; i < 48; i++)
			u[i] = -0.5f + 0.05f * (float)i;
		if (session_estimate(b.session, sigmas[k], 0, u, x0))
			bail("estimate");
		for (int i = 0; i < 48; i++) {
			const double own = 1 / (0.3 * 0.3), state = 1 / (sigmas[k] * sigmas[k]);
			const double data = gain * gain / (counted * counted);
			const double want = (own * 0.5 + state * (double)u[i] + data * 0.8 / gain) /
					    (own + state + data);

			worst = fmax(worst, fabs((double)x0[i] - want));
		}
	}
	ok(worst < 1e-5, "exact, %s, noise %g, by a map: the conditional mean (%.0e)", op, noise,
	   worst);
	bench_close(&b);
}

static double tone(double x)
{
	const double e = 0.6, toe = 0.05, f0 = pow(toe, e), f1 = pow(1 + toe, e);

	return x >= 0 ? (pow(x + toe, e) - f0) / (f1 - f0) : e * pow(toe, e - 1) / (f1 - f0) * x;
}

static double full(double x)
{
	return x - 0.1 * log(1 + exp((x - 0.6) / 0.1));
}

/* argmin (y - f(x))^2 + rho (x - d)^2 by bisection of the derivative, which rises about the optimum */
static double optimum(double (*f)(double), double y, double rho, double d)
{
	double lo = -1, hi = 2;

	for (int i = 0; i < 100; i++) {
		const double x = (lo + hi) / 2, h = 1e-6;
		const double slope = (f(x + h) - f(x - h)) / (2 * h);

		*((f(x) - y) * slope + rho * (x - d) > 0 ? &hi : &lo) = x;
	}
	return (lo + hi) / 2;
}

/* Gauss-Newton stops after three rounds; each is solved to 1e-3. */
static void test_prox(const char *op, double (*f)(double), double value, double noise)
{
	const double sigma = 0.4, weight = 2, spread = 0.5;
	struct bench b;
	float u[MOST], x0[MOST];
	double worst = 0;

	reset(48);
	bench_open(&b, op, 8, 6, 1, "prox:weight=2,spread=0.5", value, noise, &no_options);
	for (int i = 0; i < 48; i++)
		u[i] = 0.01f * (float)i + 0.3f;
	if (session_estimate(b.session, sigma, 0, u, x0))
		bail("estimate");
	for (int i = 0; i < 48; i++) {
		const double rho =
			noise * noise * weight * (1 / (sigma * sigma) + 1 / (spread * spread));
		const double d = (double)mean_of((double)u[i], sigma);

		worst = fmax(worst, fabs((double)x0[i] - optimum(f, value, rho, d)));
	}
	ok(worst < 2e-3, "prox, %s, noise %g: the optimum (%.0e)", op, noise, worst);
	bench_close(&b);
}

/* Each value has a norm of its own, so it moves by the slopes of operator and prior, whatever its misfit; without a misfit it
 * stays.  f == NULL: a mask, where missing values are 0. */
static void test_dps(const char *op, double (*f)(double))
{
	const double sigma = 0.4, s = 0.3, w = s * s / (sigma * sigma), zeta = 0.02;
	const double length = zeta * sqrt((1 + 4 * sigma * sigma) * (1 + 4 * s * s)) / (1 - w);
	struct bench b;
	float u[MOST], x0[MOST], ones[MOST], measured[MOST];
	const double value = f ? 0.55 : 0;
	double worst = 0;
	int wrong = 0;

	reset(48);
	bench_open(&b, op, 8, 6, 1, "dps:block=1,zeta=0.02", value, 0.1, &no_options);
	for (int i = 0; i < 48; i++) {
		u[i] = 0.01f * (float)i + 0.3f;
		ones[i] = 1;
	}
	if (session_estimate(b.session, sigma, s, u, x0) ||
	    (!f && problem_apply(b.problem, ones, measured)))
		bail("estimate");
	for (int i = 0; i < 48; i++) {
		const double d = (double)mean_of((double)u[i], sigma), h = 1e-5;
		const double slope = f ? (f(d + h) - f(d - h)) / (2 * h) : (double)measured[i];
		const double off = f ? value - f(d) : slope * (value - d);
		const double v = off > 0 ? slope : off < 0 ? -slope : 0;

		/* the prior of this file answers a derivative as it does an image */
		wrong += !isfinite(x0[i]);
		worst = fmax(worst, fabs((double)x0[i] - d - length * (double)mean_of(v, sigma)));
	}
	ok(!wrong && worst < 1e-5, "dps, %s: the step of each value (%.0e)", op, worst);
	bench_close(&b);
}

/* (A'A/noise^2 + I/sigma^2) v, with the problem's own operator. */
static void precision(struct bench *b, size_t n, double noise, double sigma, const float *v,
		      float *out)
{
	float y[MOST];

	if (problem_apply(b->problem, v, y) || problem_adjoint(b->problem, NULL, y, out))
		bail("precision");
	for (size_t i = 0; i < n; i++)
		out[i] = (float)((double)out[i] / (noise * noise) + (double)v[i] / (sigma * sigma));
}

/* The prior's answer is linear and so reveals the pivot p, which must satisfy P p = A'y/noise^2 + u/sigma^2. */
static void test_pivot(const char *op, const char *guidance, double noise, double floor,
		       double sigma, int white)
{
	struct bench b;
	float u[MOST], x0[MOST], p[MOST], v[MOST], told[MOST], right[MOST];
	double worst = 0, trace = 0, level;
	const size_t n = 48;

	reset(n);
	asked.info.sigma_min = 1e-3;
	bench_open(&b, op, 8, 6, 1, guidance, 0.7, noise, &no_options);
	noise = fmax(noise, floor);
	for (size_t i = 0; i < n; i++)
		u[i] = 0.01F * (float)(i * 7 % 48) + 0.3F;
	if (session_estimate(b.session, sigma, 0, u, x0) ||
	    problem_adjoint(b.problem, NULL, b.y, right))
		bail("estimate");
	level = asked.sigma;
	for (size_t i = 0; i < n; i++) {
		const double v2 = asked.spread * asked.spread;

		p[i] = (float)(0.5 + ((double)x0[i] - 0.5) * (v2 + level * level) / v2);
	}
	precision(&b, n, noise, sigma, p, v);
	for (size_t i = 0; i < n; i++) {
		const double want =
			(double)right[i] / (noise * noise) + (double)u[i] / (sigma * sigma);

		worst = fmax(worst, fabs((double)v[i] / want - 1));
	}
	ok(worst < 1e-3, "pivot, %s: it is the mean by precisions (%.0e)", op, worst);
	for (size_t i = 0; i < n; i++) {
		memset(v, 0, sizeof v);
		v[i] = 1;
		precision(&b, n, noise, sigma, v, told);
		trace += (double)told[i];
	}
	/* The mean eigenvalue of P^-1 is at least the inverse of the mean eigenvalue of P. */
	if (white)
		near(level, 1 / sqrt(trace / (double)n), 1e-5,
		     "its level, where the noise is white");
	else
		ok(level > 1 / sqrt(trace / (double)n) && level < sigma,
		   "its level is between that of the mean precision and sigma (%.3g)", level);
	bench_close(&b);
}

/* `|' separates operators, except in quotes. */
static void test_operations(void)
{
	const struct lacuna_shape x = { { 8, 6, 1, 1 } };
	static float ones[48], y[48];
	struct lacuna_operation *o = NULL;
	struct lacuna_shape shape;

	ok(operation_open("matrix:file=\"no|file\"", &x, &shape, &o) < 0 &&
		   !strstr(error_text(), "does not end"),
	   "a bar in quotes is none: %s", error_text());
	ok(operation_open("matrix:file=\"a\\\"|file\"", &x, &shape, &o) < 0 &&
		   !strstr(error_text(), "does not end"),
	   "nor is one after a quote that belongs to the text: %s", error_text());
	ok(!operation_open("identity:gain=0.5|identity:gain=3", &x, &shape, &o), "two operators");
	if (!o)
		return;
	for (int i = 0; i < 48; i++)
		ones[i] = 1;
	{
		struct lacuna_host host;
		struct host_context context = { .key = { 1, 0, 0 } };

		host_init(&host, &context);
		ok(!operation_services.operation_apply(&host, o, ones, y) &&
			   fabs((double)y[7] - 1.5) < 1e-6,
		   "one after the other");
		operation_services.operation_close(&host, o);
	}
}

/* The adjoint of a curve is that at the given point: its slope. */
static void test_operation_at(void)
{
	static const float step = 1e-3f;
	const struct lacuna_shape x = { { 8, 6, 1, 1 } };
	struct host_context context = { .key = { 1, 0, 0 } };
	struct lacuna_operation *o = NULL;
	struct lacuna_shape shape;
	struct lacuna_host host;
	float at[48], ones[48], slope[48], ends[2][48];
	double worst = 0;

	if (operation_open("identity:gain=2|gamma:exponent=0.5", &x, &shape, &o))
		bail("gamma");
	host_init(&host, &context);
	for (int side = 0; side < 2; side++) {
		for (int i = 0; i < 48; i++)
			at[i] = 0.1f + 0.01f * (float)i + (side ? step : -step);
		if (operation_services.operation_apply(&host, o, at, ends[side]))
			bail("apply");
	}
	for (int i = 0; i < 48; i++) {
		at[i] = 0.1f + 0.01f * (float)i;
		ones[i] = 1;
	}
	ok(!operation_services.operation_adjoint(&host, o, at, ones, slope),
	   "the adjoint of a curve: %s", error_text());
	for (int i = 0; i < 48; i++)
		worst = fmax(worst, fabs((double)(ends[1][i] - ends[0][i]) / (2 * (double)step) -
					 (double)slope[i]));
	ok(worst < 2e-3, "is its slope there (%.0e)", worst);
	operation_services.operation_close(&host, o);
}

/* The first guess is the result of a run of no steps.  Values under a mask have no effect on it. */
static void test_guess(void)
{
	static const struct session_options options = { .seed = 1 };
	static const struct plugin_use prior = { .plugin = &noting };
	const struct lacuna_shape x = { { 8, 6, 1, 1 } };
	struct plugin_use op, guidance, sampler;
	struct problem *problem = NULL;
	struct session *session = NULL;
	float y[48], measured[48], u[48], start[48];
	double middle = 0, left = 0, count = 0, rho, worst = 0;

	reset(48);
	asked.info.sigma_min = 1e-9;
	if (use_parse(LACUNA_OPERATOR, "mask:keep=0.5", &op) ||
	    use_parse(LACUNA_GUIDANCE, "none", &guidance) ||
	    use_parse(LACUNA_SAMPLER,
		      "ode:schedule=geometric,steps=2,sigma_max=1e-4,sigma_min=1e-6,finish=none",
		      &sampler) ||
	    problem_create(&op, 1, 1, &x, &problem) || problem_measured(problem, measured))
		bail("guess");
	for (int i = 0; i < 48; i++)
		y[i] = measured[i] != 0 ? 0.5f + 0.3f * sinf((float)(i * i)) : 7;
	for (int i = 0; i < 48; i++) {
		middle += measured[i] != 0 ? (double)y[i] : 0;
		count += measured[i] != 0;
	}
	middle /= count;
	for (int i = 0; i < 48; i++)
		left += measured[i] != 0 ? pow((double)y[i] - middle, 2) / count : 0;
	rho = 0.3 * 0.3 / left;
	if (problem_measure(problem, y, 0.3, NULL) ||
	    session_create(problem, &prior, &guidance, &sampler, &options, &session) ||
	    session_run(session, 0, u, NULL))
		bail("guess");
	for (int i = 0; i < 48; i++) {
		const double known = measured[i] != 0;

		worst = fmax(worst, fabs((double)u[i] - middle -
					 known * ((double)y[i] - middle) / (1 + rho)));
	}
	ok(worst < 1e-3, "the first guess: the middle, and beside it what the noise allows (%.0e)",
	   worst);
	session_destroy(session);
	for (int i = 0; i < 48; i++)
		start[i] = 0.2f + 0.01f * (float)i;
	if (session_create(problem, &prior, &guidance, &sampler,
			   &(struct session_options){ .seed = 1, .start = start }, &session) ||
	    session_run(session, 0, u, NULL))
		bail("start");
	worst = 0;
	for (int i = 0; i < 48; i++)
		worst = fmax(worst, fabs((double)u[i] - (double)start[i]));
	ok(worst < 1e-3, "with a start that is the first guess (%.0e)", worst);
	session_destroy(session);
	problem_destroy(problem);
	use_free(&sampler);
	use_free(&guidance);
	use_free(&op);
}

/* Where the operator passes no constant, or only what rounding leaves of it, the middle is 1/2; under much noise that is all.
 * A constant picture is its own guess; so is any picture of which all is measured, though most coefficients of a transform do
 * not see a constant. */
static void test_hard_guesses(void)
{
	static const struct {
		const char *op;
		int w, h;
		double first, second, noise, want_first, want_second; /* even and odd columns */
	} rows[] = {
		{ "matrix:rows=1 -1", 2, 3, 0.3, 0.1, 0.001, 0.6, 0.4 },
		{ "matrix:rows=1 -1", 8, 6, 0.3, 0.1, 10, 0.5, 0.5 },
		{ "matrix:rows=0.3 -0.3000001", 2, 3, 0.3, 0.1, 0.001, 0.6, 0.4 },
		{ "identity", 2, 3, 0.3, 0.3, 0, 0.3, 0.3 },
		{ "blur:sigma=0.5", 8, 6, 0.3, 0.3, 0.1, 0.3, 0.3 },
		{ "hadamard", 8, 4, 0.3, 0.7, 1e-3, 0.3, 0.7 },
		{ "fourier", 6, 5, 0.3, 0.7, 1e-3, 0.3, 0.7 },
	};
	static const struct plugin_use prior = { .plugin = &noting };

	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		const struct lacuna_shape x = { { rows[k].w, rows[k].h, 1, 1 } };
		struct plugin_use op, guidance, sampler;
		struct problem *problem = NULL;
		struct session *session = NULL;
		float scene[MOST], y[2 * MOST], u[MOST];
		double worst = 0;

		reset(lacuna_count(&x));
		asked.info.sigma_min = 1e-9;
		for (int i = 0; i < rows[k].w * rows[k].h; i++)
			scene[i] = (float)(i % rows[k].w % 2 ? rows[k].second : rows[k].first);
		if (use_parse(LACUNA_OPERATOR, rows[k].op, &op) ||
		    use_parse(LACUNA_GUIDANCE, "none", &guidance) ||
		    use_parse(LACUNA_SAMPLER,
			      "ode:schedule=geometric,steps=2,sigma_max=1e-4,sigma_min=1e-6,"
			      "finish=none",
			      &sampler) ||
		    problem_create(&op, 1, 0, &x, &problem) || problem_apply(problem, scene, y) ||
		    problem_measure(problem, y, rows[k].noise, NULL) ||
		    session_create(problem, &prior, &guidance, &sampler, &no_options, &session) ||
		    session_run(session, 0, u, NULL))
			bail(rows[k].op);
		for (int i = 0; i < rows[k].w * rows[k].h; i++)
			worst = fmax(worst,
				     fabs((double)u[i] - (i % rows[k].w % 2 ? rows[k].want_second
									    : rows[k].want_first)));
		ok(worst < 1e-3, "the first guess, %s (%.0e)", rows[k].op, worst);
		session_destroy(session);
		problem_destroy(problem);
		use_free(&sampler);
		use_free(&guidance);
		use_free(&op);
	}
}

/* The estimate from the shapes alone holds for a run that needs much: a blur beyond the border, and a prior with
 * transforms of its own. */
static void test_memory(void)
{
	static const struct lacuna_shape shape = { { 640, 600, 1, 1 } };
	struct plugin_use op, prior, sampler;
	struct problem *problem = NULL;
	struct session *session = NULL;
	struct context *own = context_create(), *before = context_enter(own);
	float *y = memory_alloc_array(lacuna_count(&shape), sizeof *y), *u = NULL;
	double needed, estimated;

	if (!y || use_parse(LACUNA_OPERATOR, "blur:sigma=2", &op) ||
	    use_parse(LACUNA_PRIOR, "gaussian", &prior) ||
	    use_parse(LACUNA_SAMPLER, "hqs:steps=1", &sampler) ||
	    problem_create(&op, 1, 1, &shape, &problem))
		bail("memory");
	for (size_t i = 0; i < lacuna_count(&shape); i++)
		y[i] = 0.5f + 0.2f * sinf((float)i);
	u = memory_alloc_array(lacuna_count(problem_x(problem)), sizeof *u);
	if (!u || problem_measure(problem, y, 0.1, NULL) ||
	    session_create(problem, &prior, NULL, &sampler, &no_options, &session) ||
	    session_run(session, 0, u, NULL))
		bail("memory");
	needed = (double)memory_peak_bytes();
	estimated = (double)session_memory(problem_x(problem), problem_y(problem));
	ok(needed <= estimated && estimated <= 2 * needed + 0x1p24,
	   "a run needs %.0f MiB, by the estimate %.0f MiB", needed / 0x1p20, estimated / 0x1p20);
	session_destroy(session);
	problem_destroy(problem);
	use_free(&sampler);
	use_free(&prior);
	use_free(&op);
	memory_release(u);
	memory_release(y);
	context_leave(before);
	context_destroy(own);
}

int main(void)
{
	float u[MOST];

	reset(48);
	run(8, 6, 1, &no_options, 0, ask_levels, u);
	run(8, 6, 1, &no_options, 0, ask_info, u);
	run(8, 6, 1, &no_options, 0, ask_below, u);
	run(8, 6, 1, &no_options, 0, ask_difference, u);
	test_rounds(7, 5);
	test_rounds(6, 6);
	test_turned_mean(6, 6);
	test_turned_mean(8, 5);
	test_strengths();
	test_all_asking();
	test_early_end();
	test_turned_maps(6, 5);
	test_turned_maps(5, 6);
	test_turned_maps(5, 5);
	test_all_failures();
	test_planes();
	test_maps_of_planes();
	test_bounds();
	test_noise();
	run(8, 6, 1, &no_options, 0, ask_steps, u);
	test_results();
	test_operations();
	test_operation_at();
	test_guess();
	test_hard_guesses();
	test_memory();
	test_exact("identity", 1, 0.2, 0.2);
	test_exact("identity:gain=0.7", 0.7, 0.05, 0.05);
	test_exact("identity:gain=0.7", 0.7, 0, 1e-4);
	test_pivot("identity", "pivot", 0.1, 0, 0.4, 1);
	test_pivot("identity:gain=0.5", "pivot", 0.1, 0, 0.4, 1);
	test_pivot("blur:sigma=0.8,boundary=periodic", "pivot", 0.1, 0, 0.4, 0);
	test_pivot("downsample", "pivot", 0.05, 0, 0.3, 0);
	test_pivot("downsample", "pivot:noise_floor=0.2", 0, 0.2, 0.3, 0);
	test_pivot("identity", "pivot:noise_floor=0.2", 0.1, 0.2, 0.4, 1);
	test_dps("gamma:exponent=0.6,toe=0.05", tone);
	test_dps("mask:keep=0.5", NULL);
	test_prox("gamma:exponent=0.6,toe=0.05", tone, 0.7, 0.1);
	test_prox("gamma:exponent=0.6,toe=0.05", tone, 0.4, 0.3);
	test_prox("saturate:level=0.6,width=0.1", full, 0.5, 0.1);
	test_prox("saturate:level=0.6,width=0.1", full, 0.3, 0.02);
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
