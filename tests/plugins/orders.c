/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Discretisation errors of the samplers with an exact score: orders of convergence (Li, Huang, Efimov, Wei, Chi, Chen 2024),
 * laws compared with the closed form, and samplers that must be equal.
 *
 * An image of N values is N chains in one dimension. */
#include <config.h>

#include "lab.h"
#include "../tap.h"

#include <stdlib.h>

static const char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *text(const char *fmt, ...)
{
	static char lines[16][256];
	static int next;
	char *s = lines[next++ % 16];
	va_list args;

	va_start(args, fmt);
	vsnprintf(s, sizeof lines[0], fmt, args);
	va_end(args);
	return s;
}

/* ---- a mixture in one dimension ---------------------------------------------------------------------- */

enum { K = 3 };
static const double weight[K] = { 0.5, 0.3, 0.2 }, mean[K] = { -1, 0.6, 1.4 },
		    var[K] = { 0.05, 0.1, 0.02 };
static char *mixture, *gauss; /* specifications of priors */

static void write_priors(void)
{
	mixture = strdup(text("gmm:file=%s", lab_file_begin("mixture.txt")));
	lab_print("dim 1\n");
	for (int k = 0; k < K; k++)
		lab_print("component %g\nmean %g\nvar %g\n", weight[k], mean[k], var[k]);
	lab_file_end();
	gauss = strdup(text("gmm:file=%s",
			    lab_file("gauss.txt", "dim 1\ncomponent 1\nmean 0\nvar 0.25\n")));
}

/* Distribution function of the mixture under noise sigma. */
static double distribution(double x, double sigma)
{
	double p = 0;

	for (int k = 0; k < K; k++)
		p += weight[k] * erfc((mean[k] - x) / sqrt(2 * (var[k] + sigma * sigma))) / 2;
	return p;
}

static double quantile(double p, double sigma)
{
	double lo = -10 - 8 * sigma, hi = 10 + 8 * sigma;

	for (int i = 0; i < 100; i++) {
		const double mid = (lo + hi) / 2;

		*(distribution(mid, sigma) < p ? &lo : &hi) = mid;
	}
	return (lo + hi) / 2;
}

/* ---- runs -------------------------------------------------------------------------------------------- */

struct begin {
	float *u;
	const float *states;
	size_t n;
};

/* Replaces the first states by known ones. */
static void replace_start(void *context, int64_t step, int64_t steps)
{
	struct begin *b = context;

	(void)steps;
	if (step == 0)
		memcpy(b->u, b->states, b->n * sizeof *b->u);
}

/* Runs with a measurement that has no effect.  states: the first states, or NULL. */
static void run(const char *prior, const char *guidance, const char *sampler, int n,
		const float *states, uint64_t seed, float *u)
{
	struct begin begin = { u, states, (size_t)n };
	struct lab_plan plan = { .x = { { n, 1, 1, 1 } },
				 .op = "identity",
				 .prior = prior,
				 .guidance = guidance,
				 .sampler = sampler,
				 .noise = 0.5,
				 .options = { .seed = seed } };
	struct lab lab;

	if (states) {
		plan.options.progress = replace_start;
		plan.options.progress_context = &begin;
	}
	lab_open(&lab, &plan);
	lab_run(&lab, 0, u);
	lab_close(&lab);
}

/* Least-squares slope of log(error) against log(length), where length is that of a step, and the slope's standard error. */
static double order(int count, const double *length, const double *error, double *deviation)
{
	double mx = 0, my = 0, xx = 0, xy = 0, rest = 0;

	for (int i = 0; i < count; i++) {
		mx += log(length[i]) / count;
		my += log(error[i]) / count;
	}
	for (int i = 0; i < count; i++) {
		xx += (log(length[i]) - mx) * (log(length[i]) - mx);
		xy += (log(length[i]) - mx) * (log(error[i]) - my);
	}
	for (int i = 0; i < count; i++) {
		const double r = log(error[i]) - my - xy / xx * (log(length[i]) - mx);

		rest += r * r;
	}
	*deviation = sqrt(rest / (count - 2) / xx);
	return xy / xx;
}

/* ---- deterministic samplers: they map quantiles to quantiles ------------------------------------------- */

enum { QUANTILES = 199 };

static double quantile_error(const char *sampler, double top, double bottom)
{
	float first[QUANTILES], u[QUANTILES];
	double worst = 0;

	for (int i = 0; i < QUANTILES; i++)
		first[i] = (float)quantile((i + 1.0) / (QUANTILES + 1), top);
	run(mixture, "none", sampler, QUANTILES, first, 1, u);
	for (int i = 0; i < QUANTILES; i++)
		worst = fmax(worst, fabs(u[i] - quantile((i + 1.0) / (QUANTILES + 1), bottom)));
	return worst;
}

static void test_order(const char *name, double want, double tolerance)
{
	static const int steps[] = { 200, 400, 800, 1600 };
	double length[4], error[4], deviation, slope;

	for (int i = 0; i < 4; i++) {
		length[i] = 1. / steps[i];
		error[i] = quantile_error(text("%s,steps=%d,schedule=geometric,sigma_max=20,"
					       "sigma_min=0.05,finish=none",
					       name, steps[i] + 1),
					  20, 0.05);
	}
	slope = order(4, length, error, &deviation);
	diag("%s: errors %.2e %.2e %.2e %.2e", name, error[0], error[1], error[2], error[3]);
	ok(fabs(slope - want) < tolerance, "%s: order %.2f +- %.2f, should be %.0f", name, slope,
	   2 * deviation, want);
}

static double etc_sigma(double c, double delta, int steps, int t)
{
	const double r = c * log(steps) / steps;
	double product = 1 - delta;

	for (int i = 2; i <= t; i++)
		product *= 1 - r * fmin(delta * pow(1 + r, i), 1);
	return sqrt((1 - product) / product);
}

/* With the papers' learning rates a step has length r = c log(T)/T.  The theorems bound the error by C log(T)^k/T, or C
 * log(T)^k/T^2 for accelerated samplers: it is of first or second order in r. */
enum { ETC_RUNS = 3 };
static const double etc_delta = 1e-3;

struct etc_run {
	char sampler[128];
	double length, top, bottom; /* r; first and last level */
};

static void etc_runs(const char *name, double c, int first, struct etc_run *runs)
{
	for (int i = 0; i < ETC_RUNS; i++) {
		const int steps = first << i;

		snprintf(runs[i].sampler, sizeof runs[i].sampler,
			 "%s,steps=%d,schedule=etc,c=%g,delta=%g,finish=none", name, steps, c,
			 etc_delta);
		runs[i].length = c * log(steps) / steps;
		runs[i].top = etc_sigma(c, etc_delta, steps, steps);
		runs[i].bottom = etc_sigma(c, etc_delta, steps, 1);
	}
}

static void check_etc(const char *name, const char *what, int want, const struct etc_run *runs,
		      const double *error)
{
	double length[ETC_RUNS], deviation, slope;

	for (int i = 0; i < ETC_RUNS; i++)
		length[i] = runs[i].length;
	slope = order(ETC_RUNS, length, error, &deviation);
	diag("%s, learning rates of the papers: errors %.2e %.2e %.2e", name, error[0], error[1],
	     error[2]);
	ok(fabs(slope - want) < 0.15,
	   "%s, learning rates of the papers: order %.2f +- %.2f of the %s in log(T)/T, should be "
	   "%d",
	   name, slope, 2 * deviation, what, want);
}

static void test_etc(const char *name, int want)
{
	struct etc_run runs[ETC_RUNS];
	double error[ETC_RUNS];

	etc_runs(name, 2, 800, runs);
	for (int i = 0; i < ETC_RUNS; i++)
		error[i] = quantile_error(runs[i].sampler, runs[i].top, runs[i].bottom);
	check_etc(name, "quantiles", want, runs, error);
}

/* ---- stochastic samplers on a Gaussian: the variance, learned step by step ------------------------------- */

enum { CHAINS = 66 };

struct learner {
	float *u;
	struct random_key key;
	double variance, probe;
	int streams; /* of noise in one step */
};

/* u' = m u + a z1 + b z2; chains 0 and 1 have different u, all others start at 0. */
static void learn(void *context, int64_t step, int64_t steps)
{
	struct learner *l = context;
	float z1[CHAINS], z2[CHAINS];
	double s11 = 0, s12 = 0, s22 = 0, b1 = 0, b2 = 0, det, a, b = 0, m;

	(void)steps;
	if (step > 0) {
		random_gaussian(l->key, (uint64_t)step - 1, 0, z1, CHAINS);
		random_gaussian(l->key, (UINT64_C(1) << 62) + (uint64_t)step - 1, 0, z2, CHAINS);
		for (int i = 1; i < CHAINS; i++) {
			s11 += (double)z1[i] * z1[i];
			s12 += (double)z1[i] * z2[i];
			s22 += (double)z2[i] * z2[i];
			b1 += (double)z1[i] * l->u[i];
			b2 += (double)z2[i] * l->u[i];
		}
		a = b1 / s11;
		if (l->streams == 2) {
			det = s11 * s22 - s12 * s12;
			a = (b1 * s22 - b2 * s12) / det;
			b = (b2 * s11 - b1 * s12) / det;
		}
		m = (l->u[0] - a * z1[0] - b * z2[0]) / l->probe;
		l->variance = m * m * l->variance + a * a + b * b;
	}
	memset(l->u, 0, CHAINS * sizeof *l->u);
	l->u[0] = (float)l->probe;
}

/* Relative error of the variance at the last level, started with the right variance at the first. */
static double variance_error(const char *sampler, int streams, double top, double bottom)
{
	float u[CHAINS];
	struct learner l = { u, { 3, 0, 0 }, 0.25 + top * top, top, streams };
	struct lab_plan plan = { .x = { { CHAINS, 1, 1, 1 } },
				 .op = "identity",
				 .prior = gauss,
				 .guidance = "none",
				 .sampler = sampler,
				 .noise = 0.5,
				 .options = {
					 .seed = 3, .progress = learn, .progress_context = &l } };
	struct lab lab;

	lab_open(&lab, &plan);
	lab_run(&lab, 0, u);
	lab_close(&lab);
	return fabs(l.variance / (0.25 + bottom * bottom) - 1);
}

static void test_variance_order(const char *name, int streams, double want, double tolerance)
{
	static const int steps[] = { 200, 400, 800, 1600 };
	double length[4], error[4], deviation, slope;

	for (int i = 0; i < 4; i++) {
		length[i] = 1. / steps[i];
		error[i] = variance_error(text("%s,steps=%d,schedule=geometric,sigma_max=20,"
					       "sigma_min=0.05,finish=none",
					       name, steps[i] + 1),
					  streams, 20, 0.05);
	}
	slope = order(4, length, error, &deviation);
	diag("%s: errors %.2e %.2e %.2e %.2e", name, error[0], error[1], error[2], error[3]);
	ok(fabs(slope - want) < tolerance, "%s: order of the variance %.2f +- %.2f, should be %.0f",
	   name, slope, 2 * deviation, want);
}

static void test_variance_etc(const char *name, int streams, int want)
{
	struct etc_run runs[ETC_RUNS];
	double error[ETC_RUNS];

	etc_runs(name, 4, 200, runs);
	for (int i = 0; i < ETC_RUNS; i++)
		error[i] = variance_error(runs[i].sampler, streams, runs[i].top, runs[i].bottom);
	check_etc(name, "variance", want, runs, error);
}

/* ---- laws: W1 of many chains to the mixture ------------------------------------------------------------------ */

enum { N = 32768, SETS = 20 };

static int ascending(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* W1 between N values and the mixture under noise sigma: the area between the distribution functions.  Sorts the values. */
static double w1(float *u, double sigma)
{
	double area = 0;

	qsort(u, N, sizeof *u, ascending);
	for (int i = 0; i + 1 < N; i++) {
		const double width = (double)u[i + 1] - u[i];

		area += width *
			fabs((i + 1.0) / N - distribution(((double)u[i] + u[i + 1]) / 2, sigma));
	}
	return area;
}

/* W1 of independent draws: the mean over some sets plus three standard deviations. */
static double sampling_error(double sigma)
{
	const struct random_key key = { 23, 0, 0 };
	float *u = calloc(N, sizeof *u), *z = calloc(N, sizeof *z), *pick = calloc(N, sizeof *pick);
	double sum = 0, square = 0;

	for (int set = 0; set < SETS; set++) {
		double found;

		random_gaussian(key, 2 * (uint64_t)set, 0, z, N);
		random_gaussian(key, 2 * (uint64_t)set + 1, 0, pick, N);
		for (int i = 0; i < N; i++) {
			const double p = erfc(-(double)pick[i] / sqrt(2)) / 2;
			const int k = p < weight[0] ? 0 : p < weight[0] + weight[1] ? 1 : 2;

			u[i] = (float)(mean[k] + sqrt(var[k] + sigma * sigma) * (double)z[i]);
		}
		found = w1(u, sigma);
		sum += found / SETS;
		square += found * found / SETS;
	}
	free(pick);
	free(z);
	free(u);
	return sum + 3 * sqrt(fmax(square - sum * sum, 0));
}

/* W1 falls as 1/T to that of independent draws of the mixture.  steps: few enough for the discretisation error to be
 * visible, many enough for it to fall as 1/T. */
static void test_law(const char *name, int steps, double bottom)
{
	const double sampling = sampling_error(bottom);
	float *u = calloc(N, sizeof *u);
	double coarse, fine;

	run(mixture, "none", text("%s,steps=%d,finish=none,from=noise", name, steps), N, NULL, 17,
	    u);
	coarse = w1(u, bottom);
	run(mixture, "none", text("%s,steps=%d,finish=none,from=noise", name, 8 * steps), N, NULL,
	    17, u);
	fine = w1(u, bottom);
	ok(coarse > sampling && fine < coarse / 8 + sampling,
	   "%s: W1 to the mixture %.4f in %d steps, %.4f in %d; of independent draws below %.4f",
	   name, coarse, steps, fine, 8 * steps, sampling);
	free(u);
}

/* ---- samplers that must be equal ------------------------------------------------------------------------ */

enum { W = 24, H = 20 };

static void scene_run(const char *op, double noise, const char *guidance, const char *sampler,
		      float *scene, float *u)
{
	struct lab_plan plan = { .x = { { W, H, 1, 1 } },
				 .op = op,
				 .prior = "gaussian:mean=0.5,amplitude=0.25",
				 .guidance = guidance,
				 .sampler = sampler,
				 .scene = scene,
				 .noise = noise,
				 .options = { .seed = 5 } };
	struct lab lab;

	for (int i = 0; i < W * H; i++)
		scene[i] = 0.5f + 0.3f * sinf(0.3f * (float)(i % W)) * cosf(0.2f * (float)(i / W));
	lab_open(&lab, &plan);
	lab_run(&lab, 0, u);
	lab_close(&lab);
}

static double distance(const float *a, const float *b)
{
	double sum = 0;

	for (int i = 0; i < W * H; i++)
		sum += pow((double)a[i] - b[i], 2) / (W * H);
	return sqrt(sum);
}

static void test_equal(const char *op, const char *guidance_a, const char *a,
		       const char *guidance_b, const char *b, double tolerance)
{
	float scene[W * H], x[W * H], y[W * H];

	scene_run(op, 0, guidance_a, a, scene, x);
	scene_run(op, 0, guidance_b, b, scene, y);
	ok(distance(x, y) < tolerance && distance(x, scene) > 10 * tolerance,
	   "%s: %s and %s are the same (%.1e)", op, a, b, distance(x, y));
}

/* If the measurement's noise is below the level everywhere, the state is x0 plus noise of that level. */
static void test_level(const char *sampler, const char *op, double noise, double level)
{
	float scene[W * H], u[W * H];

	scene_run(op, noise, NULL,
		  text("%s:steps=10,schedule=geometric,sigma_min=%g,finish=none", sampler, level),
		  scene, u);
	ok(fabs(distance(u, scene) / level - 1) < 0.12,
	   "%s, %s, noise %g: the state at level %g is off by %.4f", sampler, op, noise, level,
	   distance(u, scene));
}

/* A measured pixel has at most the measurement's noise, and the result stays close to the measurement. */
static void test_measured(const char *sampler, const char *op, double noise, double most)
{
	float scene[W * H], u[W * H];

	scene_run(op, noise, NULL, sampler, scene, u);
	ok(distance(u, scene) < most, "%s, %s, noise %g: error %.4f, below %g", sampler, op, noise,
	   distance(u, scene), most);
}

int main(void)
{
	/* Last level of an Ornstein-Uhlenbeck process with an accelerating clock. */
	const double clock = sqrt(expm1(2 * (2e-4 + 399 * 4e-8 / 0.06)));

	tap_long();
	write_priors();
	test_order("ode:eta=0", 1, 0.1);
	test_order("ode:form=theory", 1, 0.1);
	test_order("ode-fast:form=practical", 2, 0.15);
	test_order("ode-fast:form=angle", 2, 0.15);
	test_order("ode-fast:form=theory", 2, 0.25);
	test_etc("ode:eta=0", 1);
	test_etc("ode:form=theory", 1);
	test_etc("ode-fast:form=practical", 2);
	test_etc("ode-fast:form=theory", 2);
	test_variance_order("ddpm:variance=theory", 1, 1, 0.1);
	test_variance_order("exp-integrator:rho=7", 1, 1, 0.1);
	test_variance_order("euler-maruyama:rho=7", 1, 1, 0.1);
	test_variance_order("ddpm-fast:rho=7", 2, 2, 0.15);
	test_variance_etc("ddpm:variance=theory", 1, 1);
	test_variance_etc("ddpm-fast:rho=7", 2, 2);
	test_law("exp-integrator:sigma_min=0.05", 16, 0.05);
	test_law("exp-integrator:schedule=ou,stop=1e-3", 100, sqrt(expm1(2e-3)));
	test_law("exp-integrator:schedule=ou,beta=400,horizon=0.03,stop=2e-4", 16, clock);
	test_law("euler-maruyama:sigma_min=0.05", 16, 0.05);
	test_law("euler-maruyama:schedule=ou,beta=400,horizon=0.03,stop=2e-4", 16, clock);
	test_law("cld:sigma_min=0.05", 50, 0.05);
	test_law("cld:grid=time,sigma_min=0.05", 50, 0.05);
	test_law("ddpm:sigma_min=0.05", 16, 0.05);
	test_law("ddpm-fast:sigma_min=0.05", 16, 0.05);
	test_equal("mask:keep=0.5", "ddnm", "ddpm:steps=20", NULL, "ddnm-plus:steps=20", 1e-6);
	test_equal("blur:sigma=1,boundary=periodic", "ddnm", "ddpm:steps=20", NULL,
		   "ddnm-plus:steps=20", 1e-5);
	test_level("ddrm", "identity", 0.05, 0.08);
	test_level("bridge", "identity", 0.05, 0.08);
	test_level("ddrm", "blur:sigma=0.5,boundary=periodic", 0.01, 0.2);
	test_level("bridge", "blur:sigma=0.5,boundary=periodic", 0.01, 0.2);
	test_measured("ddrm", "mask:keep=0.7", 0.05, 0.12);
	test_measured("bridge", "mask:keep=0.7", 0.05, 0.12);
	test_measured("ddnm-plus", "mask:keep=0.7", 0.05, 0.12);
	free(gauss);
	free(mixture);
	return tap_done();
}
