/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* ddnm, ccdf, bo and ddnm-plus for operators without a closed form, against dense matrices: the result for a denoised image
 * D, a state u and a measurement y, from the eigenvectors of A'A.  And the property of ddnm: its result fits a noiseless
 * measurement. */
#include <config.h>

#include "../tap.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "engine/run.h"
#include "plugin/host.h"

#include <lapacke.h>

enum { MOST = 144 }; /* values of x or y */
static const struct random_key key = { 23, 0, 0 };

static struct {
	struct plugin_use op[2], prior;
	size_t ops;
	struct problem *problem;
	int nx, ny;
	double a[MOST][MOST];			   /* row-major */
	double values[MOST], vectors[MOST * MOST]; /* of A'A; a vector a row */
	float y[MOST], u[MOST], d[MOST], got[MOST];
	double noise, want[MOST], inner[MOST];
} b;

static int warnings;

static void count_warnings(void *context, int level, const char *text)
{
	(void)context, (void)text;
	warnings += level == LACUNA_LOG_WARN;
}

static void bail(const char *what)
{
	tap_bail("%s: %s", what, error_text());
}

static void decompose(void)
{
	static float x[MOST], column[MOST];

	for (int j = 0; j < b.nx; j++) {
		memset(x, 0, sizeof x);
		x[j] = 1;
		if (problem_apply(b.problem, x, column))
			bail("apply");
		for (int i = 0; i < b.ny; i++)
			b.a[i][j] = (double)column[i];
	}
	memset(b.vectors, 0, sizeof b.vectors);
	for (int i = 0; i < b.nx; i++)
		for (int j = 0; j < b.nx; j++)
			for (int k = 0; k < b.ny; k++)
				b.vectors[i * b.nx + j] += b.a[k][i] * b.a[k][j];
	if (LAPACKE_dsyev(LAPACK_COL_MAJOR, 'V', 'L', b.nx, b.vectors, b.nx, b.values))
		bail("LAPACK");
}

static void parse(int kind, const char *spec, struct plugin_use *use)
{
	if (use_parse(kind, spec, use))
		bail(spec);
}

/* A measurement of a scene, w x h; if `missing', every fifth value is missing. */
static void open_bench(const char *first, const char *second, int w, int h, double noise,
		       int missing)
{
	const struct lacuna_shape y = { { w, h, 1, 1 } };
	static float scene[MOST];

	memset(&b, 0, sizeof b);
	parse(LACUNA_OPERATOR, first, &b.op[0]);
	if (second)
		parse(LACUNA_OPERATOR, second, &b.op[1]);
	b.ops = second ? 2 : 1;
	parse(LACUNA_PRIOR, "gaussian:mean=0.5,amplitude=0.25", &b.prior);
	if (problem_create(b.op, b.ops, 1, &y, &b.problem))
		bail(first);
	b.nx = (int)lacuna_count(problem_x(b.problem));
	b.ny = (int)lacuna_count(problem_y(b.problem));
	b.noise = noise;
	if (b.nx > MOST || b.ny > MOST)
		bail("too large");
	for (int i = 0; i < b.nx; i++)
		scene[i] = 0.5f + 0.3f * sinf(1.1f * (float)i) * cosf(0.13f * (float)i);
	random_gaussian(key, 1, 0, b.u, (size_t)b.nx);
	for (int i = 0; i < b.nx; i++)
		b.u[i] = scene[i] + 0.4f * b.u[i];
	if (problem_simulate(b.problem, scene, noise, key, b.y))
		bail("simulate");
	for (int i = 0; missing && i < b.ny; i += 5)
		b.y[i] = NAN;
	if (problem_measure(b.problem, b.y, noise, NULL))
		bail("measure");
	decompose();
}

static void close_bench(void)
{
	problem_destroy(b.problem);
	use_free(&b.prior);
	while (b.ops)
		use_free(&b.op[--b.ops]);
}

/* E(u, sigma) of a guidance, for a step to level s. */
static void ask(const char *spec, double sigma, double s, float *out)
{
	struct plugin_use guidance, sampler;
	struct session *session;
	const struct session_options options = { .seed = 1 };

	parse(LACUNA_GUIDANCE, spec, &guidance);
	parse(LACUNA_SAMPLER, "ddpm:steps=2", &sampler);
	if (session_create(b.problem, &b.prior, &guidance, &sampler, &options, &session) ||
	    session_estimate(session, sigma, s, b.u, out))
		bail(spec);
	session_destroy(session);
	use_free(&sampler);
	use_free(&guidance);
}

/* want += gain(A'A) b.inner. */
static void add_gain(double (*gain)(double lambda, double p, double q, double r), double p,
		     double q, double r)
{
	for (int l = 0; l < b.nx; l++) {
		const double *v = b.vectors + l * b.nx;
		double sum = 0;

		for (int i = 0; i < b.nx; i++)
			sum += v[i] * b.inner[i];
		sum *= gain(fmax(b.values[l], 0), p, q, r);
		for (int i = 0; i < b.nx; i++)
			b.want[i] += sum * v[i];
	}
}

static double pull(double lambda, double tolerance, double q, double r)
{
	(void)q, (void)r;
	return 1 / (lambda + tolerance);
}

static double cut_inverse(double lambda, double tolerance, double q, double r)
{
	(void)q, (void)r;
	return lambda > tolerance ? 1 / lambda : 0;
}

static double soft(double lambda, double tolerance, double q, double r)
{
	(void)q, (void)r;
	return 1 / (1 + pow(tolerance / lambda, 2));
}

static double soft_weight(double lambda, double tolerance, double sigma2, double noise2)
{
	return soft(lambda, tolerance, 0, 0) / (lambda + noise2 / sigma2);
}

/* inner = A'(scale y - A v). */
static void set_residual(double scale, const double *v)
{
	memset(b.inner, 0, sizeof b.inner);
	for (int i = 0; i < b.ny; i++) {
		double r = scale * (double)b.y[i];

		for (int j = 0; j < b.nx; j++)
			r -= b.a[i][j] * v[j];
		for (int j = 0; j < b.nx; j++)
			b.inner[j] += b.a[i][j] * r;
	}
}

static double distance(void)
{
	double sum = 0, size = 0;

	for (int i = 0; i < b.nx; i++) {
		sum += pow((double)b.got[i] - b.want[i], 2);
		size += pow(b.want[i], 2);
	}
	return sqrt(sum / size);
}

/* ||A x - y|| */
static double misfit(const double *x)
{
	double sum = 0;

	for (int i = 0; i < b.ny; i++) {
		double r = (double)b.y[i];

		for (int j = 0; j < b.nx; j++)
			r -= b.a[i][j] * x[j];
		sum += r * r;
	}
	return sqrt(sum);
}

enum kind { GAP, SMOOTH };

/* kind GAP: no singular value is near the floor, and the result uses A^+ itself.  SMOOTH: it uses the damped inverse. */
static void check_fit(const char *what, const char *spec, double sigma, double tolerance,
		      enum kind kind)
{
	ask(spec, sigma, 0.7 * sigma, b.got);
	add_gain(kind == GAP ? cut_inverse : pull, tolerance, 0, 0);
	ok(distance() < (kind == GAP ? 5e-4 : 1e-5), "%s, %s, sigma %g: the dense solution (%.0e)",
	   what, spec, sigma, distance());
}

/* floor: for singular values; 0.01 is the least where it is gradual, as the help says. */
static void test_fit(const char *what, double floor, enum kind kind)
{
	static const double sigmas[] = { 0.4, 0.05 };
	const double held = kind == SMOOTH ? fmax(floor, 0.01) : floor;
	const double tolerance = held * held * b.values[b.nx - 1];
	double v[MOST], d[MOST], got[MOST];
	char spec[80];

	for (int k = 0; k < 2; k++) {
		const double sigma = sigmas[k], w = 0.49;

		ask("none", sigma, 0.7 * sigma, b.d);
		for (int i = 0; i < b.nx; i++)
			b.want[i] = d[i] = (double)b.d[i];
		set_residual(1, d);
		snprintf(spec, sizeof spec, "ddnm:floor=%g", floor);
		check_fit(what, spec, sigma, tolerance, kind);
		for (int i = 0; i < b.nx; i++)
			got[i] = (double)b.got[i];
		if (b.noise == 0)
			ok(misfit(got) < 1.01 * misfit(b.want) + 5e-4 * misfit(d),
			   "... fits the measurement: %.0e of what D leaves",
			   misfit(got) / misfit(d));
		for (int i = 0; i < b.nx; i++) {
			b.want[i] = d[i];
			v[i] = d[i] + w / (1 - w) * (double)b.u[i];
		}
		set_residual(1 / (1 - w), v);
		snprintf(spec, sizeof spec, "ccdf:floor=%g", floor);
		check_fit(what, spec, sigma, tolerance, kind);
	}
}

static void test_bo(const char *what, double threshold)
{
	static const double sigmas[] = { 3, 0.4, 0.02 };
	const double largest = b.values[b.nx - 1];
	const double tolerance = fmax(1e-4 * largest, b.noise * sqrt(largest) / (threshold * 0.25));
	double v[MOST];
	char spec[80];

	snprintf(spec, sizeof spec, "bo:threshold=%g", threshold);
	for (int k = 0; k < 3; k++) {
		ask("none", sigmas[k], 0, b.d);
		ask(spec, sigmas[k], 0, b.got);
		for (int i = 0; i < b.nx; i++) {
			b.want[i] = (double)b.d[i];
			v[i] = (double)b.u[i];
			b.inner[i] = v[i] - b.want[i];
		}
		add_gain(soft, tolerance, 0, 0);
		set_residual(1, v);
		add_gain(soft_weight, tolerance, sigmas[k] * sigmas[k], b.noise * b.noise);
		ok(distance() < 2e-3, "%s, %s, sigma %g: the dense solution (%.0e)", what, spec,
		   sigmas[k], distance());
	}
}

/* Without noise bo and ddnm-plus equal ddnm. */
static void run(const char *guidance_spec, const char *sampler_spec, float *out)
{
	struct plugin_use guidance, sampler;
	struct session *session;
	const struct session_options options = { .seed = 1 };

	if (guidance_spec)
		parse(LACUNA_GUIDANCE, guidance_spec, &guidance);
	parse(LACUNA_SAMPLER, sampler_spec, &sampler);
	if (session_create(b.problem, &b.prior, guidance_spec ? &guidance : NULL, &sampler,
			   &options, &session) ||
	    session_run(session, 0, out, NULL))
		bail(sampler_spec);
	session_destroy(session);
	use_free(&sampler);
	if (guidance_spec)
		use_free(&guidance);
}

static void test_same(const char *what)
{
	static float ddnm[MOST], bo[MOST], plus[MOST];
	double bo_differs = 0, plus_differs = 0;

	run("ddnm", "ddpm:steps=10", ddnm);
	run("bo", "ddpm:steps=10", bo);
	run(NULL, "ddnm-plus:steps=10", plus);
	for (int i = 0; i < b.nx; i++) {
		bo_differs = fmax(bo_differs, fabs((double)bo[i] - (double)ddnm[i]));
		plus_differs = fmax(plus_differs, fabs((double)plus[i] - (double)ddnm[i]));
	}
	ok(bo_differs == 0, "%s: bo without noise is ddnm", what);
	ok(plus_differs < 1e-4, "%s: so is ddnm-plus (%.0e)", what, plus_differs);
}

/* One step of ddnm-plus from level 1 to level s, started at b.u.  Its own noise covers that of the measurement for some
 * singular values only. */
static void put_state(void *context, int64_t step, int64_t steps)
{
	(void)steps;
	if (step == 0)
		memcpy(context, b.u, (size_t)b.nx * sizeof *b.u);
}

static double part_of_move(double lambda, double s)
{
	const double sd = s * sqrt(1 - s * s), n = b.noise / sqrt(lambda);

	return fmin(1, sd / ((1 - s * s) * n));
}

static double plus_move(double lambda, double tolerance, double s, double r)
{
	(void)r;
	return lambda > tolerance ? (1 - s * s) * part_of_move(lambda, s) / lambda : 0;
}

static double plus_noise(double lambda, double tolerance, double s, double r)
{
	const double variance = s * s * (1 - s * s);
	double brought = 0;

	(void)r;
	if (lambda > tolerance)
		brought = (1 - s * s) * part_of_move(lambda, s) * b.noise / sqrt(lambda);
	return sqrt(fmax(variance - brought * brought, 0));
}

static void test_plus(const char *first, const char *second, double s)
{
	struct plugin_use sampler;
	struct session *session;
	const struct session_options options = { .seed = 1,
						 .progress = put_state,
						 .progress_context = b.got };
	char spec[120];
	double d[MOST] = { 0 };
	float z[MOST];
	int covered = 0, drowned = 0;

	open_bench(first, second, 8, 8, 0.42, 0);
	snprintf(spec, sizeof spec,
		 "ddnm-plus:steps=2,schedule=geometric,sigma_max=1,sigma_min=%g,finish=none", s);
	ask("none", 1, s, b.d);
	parse(LACUNA_SAMPLER, spec, &sampler);
	if (session_create(b.problem, &b.prior, NULL, &sampler, &options, &session) ||
	    session_run(session, 0, b.got, NULL))
		bail(spec);
	session_destroy(session);
	use_free(&sampler);
	random_gaussian((struct random_key){ 1, 0, 0 }, 0, 0, z, (size_t)b.nx);
	for (int i = 0; i < b.nx; i++) {
		d[i] = (double)b.d[i];
		b.want[i] = (1 - s * s) * d[i] + s * s * (double)b.u[i];
		covered += b.values[i] > 1e-3 && part_of_move(b.values[i], s) == 1;
		drowned += b.values[i] > 1e-3 && part_of_move(b.values[i], s) < 1;
	}
	set_residual(1, d);
	add_gain(plus_move, 1e-3, s, 0);
	for (int i = 0; i < b.nx; i++)
		b.inner[i] = (double)z[i];
	add_gain(plus_noise, 1e-3, s, 0);
	ok(covered > 5 && drowned > 5 && distance() < 1e-3,
	   "%s, %s, ddnm-plus under noise to level %g: the dense solution (%.0e; %d, %d)", first,
	   second, s, distance(), covered, drowned);
	close_bench();
}

/* One round of hqs with a small rho: in the null space of A the image becomes the state, whatever it was before. */
static void test_round(const char *first, const char *second)
{
	const double rho = 1e-5; /* equals lambda, because the level is the noise */
	struct plugin_use sampler;
	struct session *session;
	const struct session_options options = { .seed = 1,
						 .progress = put_state,
						 .progress_context = b.got };

	open_bench(first, second, 8, 8, 0.05, 0);
	parse(LACUNA_SAMPLER, "hqs:steps=1,lambda=1e-5,sigma_max=0.05,sigma_min=0.05", &sampler);
	if (session_create(b.problem, &b.prior, NULL, &sampler, &options, &session) ||
	    session_run(session, 0, b.got, NULL))
		bail("hqs");
	session_destroy(session);
	use_free(&sampler);
	for (int i = 0; i < b.nx; i++)
		b.want[i] = (double)b.u[i];
	set_residual(1, b.want);
	add_gain(pull, rho, 0, 0);
	for (int i = 0; i < b.nx; i++)
		b.u[i] = (float)b.want[i];
	ask("none", 0.05, 0, b.d);
	for (int i = 0; i < b.nx; i++)
		b.want[i] = (double)b.d[i];
	ok(distance() < 1e-3, "%s, %s, hqs: a round is the dense solution (%.0e)", first, second,
	   distance());
	close_bench();
}

/* The largest singular value, of which the floor is a part, may belong to pictures without a mean. */
static void test_largest(void)
{
	open_bench("matrix:rows=1 -1 0 0;0 0 0.05 -0.05", NULL, 2, 1, 0, 0);
	test_fit("differences of neighbours", 0.1, GAP);
	test_fit("differences of neighbours", 0.02, GAP);
	close_bench();
}

/* hqs levels never rise: a level above the last one is set to it. */
static void test_rising(void)
{
	static float rising[MOST], flat[MOST];

	open_bench("blur:sigma=0.6", NULL, 6, 5, 0.05, 0);
	run(NULL, "hqs:steps=4,sigma_max=0.02,sigma_min=0.3", rising);
	run(NULL, "hqs:steps=4,sigma_max=0.3,sigma_min=0.3", flat);
	ok(!memcmp(rising, flat, (size_t)b.nx * sizeof *flat),
	   "hqs: sigma_max below sigma_min is sigma_min");
	close_bench();
}

static void test_operator(const char *first, const char *second, int w, int h, int missing,
			  double floor, enum kind kind)
{
	char what[160];

	snprintf(what, sizeof what, "%s%s%s%s", first, second ? ", " : "", second ? second : "",
		 missing ? ", missing" : "");
	open_bench(first, second, w, h, 0, missing);
	test_fit(what, floor, kind);
	test_same(what);
	close_bench();
	open_bench(first, second, w, h, 0.02, missing);
	test_bo(what, 3);
	test_bo(what, 0.8);
	close_bench();
}

int main(void)
{
	log_install(count_warnings, NULL);
	test_operator("blur:sigma=0.6", NULL, 6, 5, 0, 0.03, SMOOTH);
	test_operator("blur:kind=motion,length=4,angle=20", NULL, 7, 6, 0, 0.01, SMOOTH);
	test_operator("blur:kind=motion,length=4,angle=20", NULL, 7, 6, 0, 1e-4, SMOOTH);
	test_operator("blur:sigma=0.6,boundary=periodic", NULL, 8, 8, 1, 0.03, SMOOTH);
	test_operator("blur:sigma=0.35,boundary=periodic", "mask:keep=0.7,seed=4", 8, 8, 0, 1e-3,
		      GAP);
	test_round("blur:sigma=0.35,boundary=periodic", "mask:keep=0.7,seed=4");
	test_largest();
	test_rising();
	test_plus("blur:sigma=0.45,boundary=periodic", "mask:keep=0.7,seed=4", 0.7);
	test_operator("blur:sigma=0.7", "mask:keep=0.6,seed=2", 6, 6, 0, 0.03, SMOOTH);
	ok(warnings == 0, "no gain of theirs jumps: no warning (%d)", warnings);
	log_install(NULL, NULL);
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
