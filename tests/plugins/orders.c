/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Discretisation errors of the samplers under an exact score: orders of convergence (Li, Huang, Efimov, Wei, Chi, Chen 2024),
 * laws that agree with the closed form, and samplers that must equal each other.
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

/* Puts known states in place of the first. */
static void replace_start(void *context, int64_t step, int64_t steps)
{
	struct begin *b = context;

	(void)steps;
	if (step == 0)
		memcpy(b->u, b->states, b->n * sizeof *b->u);
}

/* A run without a measurement that counts.  states: the first, or NULL. */
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

/* Least squares slope of -log(error) over log(steps), and its standard error. */
static double order(int count, const int *steps, const double *error, double *deviation)
{
	double mx = 0, my = 0, xx = 0, xy = 0, rest = 0;

	for (int i = 0; i < count; i++) {
		mx += log(steps[i]) / count;
		my -= log(error[i]) / count;
	}
	for (int i = 0; i < count; i++) {
		xx += (log(steps[i]) - mx) * (log(steps[i]) - mx);
		xy -= (log(steps[i]) - mx) * (log(error[i]) + my);
	}
	for (int i = 0; i < count; i++) {
		const double r = -log(error[i]) - my - xy / xx * (log(steps[i]) - mx);

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
	double error[4], deviation, slope;

	for (int i = 0; i < 4; i++)
		error[i] = quantile_error(text("%s,steps=%d,schedule=geometric,sigma_max=20,"
					       "sigma_min=0.05,finish=none",
					       name, steps[i] + 1),
					  20, 0.05);
	slope = order(4, steps, error, &deviation);
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

/* With the papers' learning rates theorems promise errors below C log(T)^k/T, and below C log(T)^k/T^2 for accelerated samplers.
 * What a doubling of T has to gain, in log2, with k = 4 and 6: less than a method of the order, more than one of the order below. */
static double promised(int order, int steps)
{
	const int k = order == 1 ? 4 : 6;

	return order - k * log2(log(2.0 * steps) / log(steps));
}

static void test_etc(const char *name, int order)
{
	double error[2];

	for (int i = 0; i < 2; i++) {
		const int steps = 800 << i;

		error[i] = quantile_error(
			text("%s,steps=%d,schedule=etc,c=4,delta=1e-3,finish=none", name, steps),
			etc_sigma(4, 1e-3, steps, steps), etc_sigma(4, 1e-3, steps, 1));
	}
	ok(log2(error[0] / error[1]) > promised(order, 800) &&
		   error[1] < (order == 1 ? 1e-1 : 1e-2),
	   "%s, learning rates of the papers: error at T=1600 %.2e, ratio 2^%.2f (2^%.2f at least)",
	   name, error[1], log2(error[0] / error[1]), promised(order, 800));
}

/* ---- stochastic samplers on a Gaussian: the variance, learned step by step ------------------------------- */

enum { CHAINS = 66 };

struct learner {
	float *u;
	struct random_key key;
	double variance, probe;
	int streams; /* of noise in a step */
};

/* u' = m u + a z1 + b z2: chains 0 and 1 differ in u, the others are at 0. */
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

/* Relative error of the variance at the last level, from the right one at the first. */
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
	double error[4], deviation, slope;

	for (int i = 0; i < 4; i++)
		error[i] = variance_error(text("%s,steps=%d,schedule=geometric,sigma_max=20,"
					       "sigma_min=0.05,finish=none",
					       name, steps[i] + 1),
					  streams, 20, 0.05);
	slope = order(4, steps, error, &deviation);
	diag("%s: errors %.2e %.2e %.2e %.2e", name, error[0], error[1], error[2], error[3]);
	ok(fabs(slope - want) < tolerance, "%s: order of the variance %.2f +- %.2f, should be %.0f",
	   name, slope, 2 * deviation, want);
}

static void test_variance_etc(const char *name, int streams, int order)
{
	double error[2];

	for (int i = 0; i < 2; i++) {
		const int steps = 400 << i;

		error[i] = variance_error(
			text("%s,steps=%d,schedule=etc,c=4,delta=1e-3,finish=none", name, steps),
			streams, etc_sigma(4, 1e-3, steps, steps), etc_sigma(4, 1e-3, steps, 1));
	}
	ok(log2(error[0] / error[1]) > promised(order, 400) &&
		   error[1] < (order == 1 ? 1e-1 : 1e-2),
	   "%s, learning rates of the papers: variance at T=800 wrong by %.2e, ratio 2^%.2f "
	   "(2^%.2f "
	   "at least)",
	   name, error[1], log2(error[0] / error[1]), promised(order, 400));
}

/* ---- laws: W1 of many chains to the mixture, and to its posterior ------------------------------------------ */

enum { N = 20000 };

static int ascending(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void test_law(const char *sampler, double bottom, double most)
{
	float *u = calloc(N, sizeof *u);
	double w1 = 0;

	run(mixture, "none", sampler, N, NULL, 17, u);
	qsort(u, N, sizeof *u, ascending);
	for (int i = 0; i < N; i++)
		w1 += fabs(u[i] - quantile((i + 0.5) / N, bottom)) / N;
	/* two samples of the mixture are about 0.01 apart */
	ok(w1 < most, "%s: W1 to the mixture %.4f, below %.3f", sampler, w1, most);
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

/* Where the measurement's noise is below the level everywhere, the state is x0 plus noise of that level. */
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

/* The noise of a measured pixel is no more than the measurement's, and the result keeps near the measurement. */
static void test_measured(const char *sampler, const char *op, double noise, double most)
{
	float scene[W * H], u[W * H];

	scene_run(op, noise, NULL, sampler, scene, u);
	ok(distance(u, scene) < most, "%s, %s, noise %g: error %.4f, below %g", sampler, op, noise,
	   distance(u, scene), most);
}

int main(void)
{
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
	test_variance_order("ddpm-fast:rho=7", 2, 2, 0.15);
	test_variance_etc("ddpm:variance=theory", 1, 1);
	test_variance_etc("ddpm-fast:rho=7", 2, 2);
	test_law("exp-integrator:steps=300,sigma_min=0.05,finish=none,from=noise", 0.05, 0.02);
	test_law("exp-integrator:steps=1500,schedule=ou,stop=1e-3,finish=none,from=noise",
		 sqrt(expm1(2e-3)), 0.02);
	test_law("exp-integrator:steps=300,schedule=ou,beta=400,horizon=0.03,stop=2e-4,"
		 "finish=none,from=noise",
		 sqrt(expm1(2 * (2e-4 + 399 * 4e-8 / 0.06))), 0.02);
	test_law("euler-maruyama:steps=1000,sigma_min=0.05,finish=none,from=noise", 0.05, 0.02);
	test_law("euler-maruyama:steps=1000,schedule=ou,beta=400,horizon=0.03,stop=2e-4,"
		 "finish=none,from=noise",
		 sqrt(expm1(2 * (2e-4 + 399 * 4e-8 / 0.06))), 0.03);
	test_law("cld:steps=300,sigma_min=0.05,finish=none,from=noise", 0.05, 0.02);
	test_law("cld:steps=300,grid=time,sigma_min=0.05,finish=none,from=noise", 0.05, 0.02);
	test_law("ddpm-fast:steps=150,sigma_min=0.05,finish=none,from=noise", 0.05, 0.02);
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
