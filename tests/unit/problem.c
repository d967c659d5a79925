/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operators as they should not be, and what a problem makes of several: shapes, windows, flags, Jacobians, scales and
 * weights.  The operators are defined in this file. */
#include <config.h>

#include "../tap.h"

#include "base/context.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "base/vector.h"
#include "engine/problem.h"
#include "engine/solve.h"
#include "plugin/host.h"

static const struct random_key key = { 8, 0, 0 };

/* ---- an operator that says what a test tells it ------------------------------------------------------------------ */

static struct {
	struct lacuna_shape y, x; /* y of any x, x of any y; 0: as the other */
	struct lacuna_region window;
} told;

static int tell_shape(const struct lacuna_host *host, const void *config, int from_y,
		      const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	const struct lacuna_shape *answer = from_y ? &told.x : &told.y;

	(void)host, (void)config;
	*wanted = answer->extent[3] ? *answer : *known;
	return LACUNA_OK;
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	(void)host, (void)config, (void)x, (void)y;
	*self = &told;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	(void)self;
}

static int tell_window(const void *self, const struct lacuna_region *in_y,
		       struct lacuna_region *in_x)
{
	(void)self, (void)in_y;
	*in_x = told.window;
	return LACUNA_OK;
}

enum { W = 6, H = 5, C = 2, N = W * H * C };

static const struct lacuna_plugin head = { LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR), .name = "own" };

static int try_to_make(int from_y)
{
	static const struct plugin plugin = { .head = &head,
					      .u.op = { .flags = LACUNA_LINEAR,
							.shape = tell_shape,
							.create = create,
							.destroy = destroy,
							.window = tell_window } };
	const struct plugin_use use = { .plugin = &plugin };
	const struct lacuna_shape known = { { W, H, C, 1 } };
	struct problem *p = NULL;
	const int status = problem_create(&use, 1, from_y, &known, &p);

	problem_destroy(p);
	return status;
}

static void test_shapes(void)
{
	static const int64_t bad[] = { 0, -1, INT64_MAX };
	const struct lacuna_region all = { { 0 }, { W, H, C, 1 } };
	int refused = 0;

	memset(&told, 0, sizeof told);
	told.window = all;
	ok(!try_to_make(0) && !try_to_make(1), "an operator that keeps the shape");
	for (int i = 0; i < 4; i++)
		for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
			told.y = told.x = (struct lacuna_shape){ { W, H, C, 1 } };
			told.y.extent[i] = told.x.extent[i] = bad[k];
			if (i == 3 && !bad[k]) /* which asks for the known shape here */
				refused += 2;
			else
				refused += (try_to_make(0) == LACUNA_EINVAL) +
					   (try_to_make(1) == LACUNA_EINVAL);
		}
	ok(refused == 24, "no picture has an extent of 0, below 0 or beyond all memory (%d of 24)",
	   refused);
	refused = 0;
	told.x = (struct lacuna_shape){ { W, H, C, 1 } };
	for (int i = 0; i < 4; i++) {
		told.y = told.x;
		told.y.extent[i]++;
		refused += try_to_make(1) == LACUNA_EINTERNAL &&
			   strstr(error_text(), "contradicts itself") != NULL;
	}
	ok(refused == 4, "the x that an operator wants has the y that is there (%d of 4)", refused);
}

static void test_windows(void)
{
	const struct lacuna_region all = { { 0 }, { W, H, C, 1 } };
	int refused = 0, inner = 0;

	memset(&told, 0, sizeof told);
	for (int i = 0; i < 4; i++) {
		for (int k = 0; k < 4; k++) {
			told.window = all;
			told.window.origin[i] = k == 0 ? -1 : k == 1 ? 1 : 0;
			told.window.extent[i] += k == 2;
			told.window.extent[i] *= k < 3;
			refused += try_to_make(0) == LACUNA_EINTERNAL;
		}
		told.window = all;
		if (i < 3) {
			told.window.origin[i] = 1;
			told.window.extent[i]--;
		}
		inner += try_to_make(0) == LACUNA_OK;
	}
	ok(refused == 16, "a window begins and ends within the picture (%d of 16)", refused);
	ok(inner == 4, "and may lie anywhere there (%d of 4)", inner);
}

static void test_flags(void)
{
	static const uint32_t flags[3] = { LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_PICTURE,
					   LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_COMPLEX,
					   LACUNA_LINEAR | LACUNA_FRAMES | LACUNA_PICTURE };
	struct plugin plugins[3] = { { .head = &head }, { .head = &head }, { .head = &head } };
	struct plugin_use uses[3];

	for (int i = 0; i < 3; i++) {
		plugins[i].u.op.flags = flags[i];
		uses[i] = (struct plugin_use){ .plugin = &plugins[i] };
	}
	ok(problem_compose_flags(uses, 3) == (LACUNA_LINEAR | LACUNA_COMPLEX | LACUNA_FRAMES),
	   "what all are, and what one of them does");
	ok(problem_compose_flags(uses, 2) == (LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_COMPLEX),
	   "whichever it is");
}

/* ---- offsets and projections: y = 2 x + b, b of the operator's number -------------------------------------------- */

static int twice(const void *self, void *scratch, const float *x, float *y)
{
	(void)self, (void)scratch;
	for (int i = 0; i < N; i++)
		y[i] = 2 * x[i];
	return LACUNA_OK;
}

static int add_ramp(const void *self, float *b)
{
	(void)self;
	for (int i = 0; i < N; i++)
		b[i] = 1 + 0.1f * (float)i;
	return LACUNA_OK;
}

static void test_offsets(void)
{
	const struct lacuna_shape shape = { { W, H, C, 1 } };
	struct plugin plain = { .head = &head,
				.u.op = { .flags = LACUNA_LINEAR,
					  .shape = tell_shape,
					  .create = create,
					  .destroy = destroy,
					  .apply = twice } };
	struct plugin shifted = plain;
	int right = 0;

	memset(&told, 0, sizeof told);
	shifted.u.op.offset = add_ramp;
	for (int which = 0; which < 8; which++) {
		struct plugin_use uses[3];
		struct problem *p = NULL;
		double factor = 0, worst = 0;
		float b[N] = { 0 };
		int found = -1;

		for (int k = 0; k < 3; k++) {
			const int has = which >> k & 1;

			uses[k] = (struct plugin_use){ .plugin = has ? &shifted : &plain };
			factor = 2 * factor + has;
		}
		if (problem_create(uses, 3, 0, &shape, &p) || problem_offset(p, b, &found))
			tap_bail("%s", error_text());
		for (int i = 0; i < N; i++)
			worst = fmax(worst, fabs((double)b[i] - factor * (1 + 0.1 * i)));
		right += found == (which != 0) && worst < 1e-5;
		problem_destroy(p);
	}
	ok(right == 8, "offsets pass through the operators behind them and add up (%d of 8)",
	   right);
}

/* ---- Jacobians of a chain: y_i = x_i + x_(i+1) x_(i+2)/4 --------------------------------------------------------- */

static int bend(const void *self, void *scratch, const float *x, float *y)
{
	(void)self, (void)scratch;
	for (int i = 0; i < N; i++)
		y[i] = x[i] + 0.25f * x[(i + 1) % N] * x[(i + 2) % N];
	return LACUNA_OK;
}

static int bend_back(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)self, (void)scratch;
	for (int i = 0; i < N; i++)
		x[i] = y[i] + 0.25f * (at[(i + 1) % N] * y[(i + N - 1) % N] +
				       at[(i + N - 1) % N] * y[(i + N - 2) % N]);
	return LACUNA_OK;
}

/* y after `count' operators, and its derivative along v. */
static void by_hand(int count, const double *x, const double *v, double *y, double *dy)
{
	double u[N], du[N];

	memcpy(y, x, N * sizeof *y);
	memcpy(dy, v, N * sizeof *dy);
	for (int k = 0; k < count; k++) {
		memcpy(u, y, sizeof u);
		memcpy(du, dy, sizeof du);
		for (int i = 0; i < N; i++) {
			const int a = (i + 1) % N, b = (i + 2) % N;

			y[i] = u[i] + u[a] * u[b] / 4;
			dy[i] = du[i] + (u[a] * du[b] + du[a] * u[b]) / 4;
		}
	}
}

/* <J v, w> = <v, J'w> at several points, one after the other: nothing of one may stay for the next. */
static void test_jacobians(int count, int missing)
{
	static const struct plugin plugin = { .head = &head,
					      .u.op = { .shape = tell_shape,
							.create = create,
							.destroy = destroy,
							.apply = bend,
							.adjoint = bend_back } };
	const struct plugin_use uses[3] = { { .plugin = &plugin },
					    { .plugin = &plugin },
					    { .plugin = &plugin } };
	const struct lacuna_shape shape = { { W, H, C, 1 } };
	struct problem *p = NULL;
	float z[3 * N], y[N], back[N];
	double x[N], v[N], want[N], dy[N], worst = 0;

	memset(&told, 0, sizeof told);
	if (problem_create(uses, (size_t)count, 0, &shape, &p))
		tap_bail("%s", error_text());
	for (int i = 0; i < N; i++)
		y[i] = missing && i % 4 == 1 ? NAN : 0.5f;
	if (problem_measure(p, y, 0.1, NULL))
		tap_bail("%s", error_text());
	for (uint64_t k = 0; k < 3; k++) {
		double left = 0, right = 0;

		random_gaussian(key, k, 0, z, 3 * N);
		for (int i = 0; i < N; i++) {
			x[i] = (double)z[i];
			v[i] = (double)z[N + i];
		}
		if (k == 2 && problem_apply(p, z + N, back))
			tap_bail("%s", error_text());
		if (problem_adjoint(p, z, z + 2 * N, back))
			tap_bail("%s", error_text());
		by_hand(count, x, v, want, dy);
		for (int i = 0; i < N; i++) {
			left += missing && i % 4 == 1 ? 0 : dy[i] * (double)z[2 * N + i];
			right += v[i] * (double)back[i];
		}
		worst = fmax(worst, fabs(left - right) / (1 + fabs(left)));
	}
	ok(worst < 1e-5, "%d bent operators%s: their Jacobian, wherever it is asked for (%.0e)",
	   count, missing ? ", missing values" : "", worst);
	ok(problem_adjoint(p, NULL, y, back) == LACUNA_EUNSUPPORTED, "which is somewhere");
	problem_destroy(p);
}

/* ---- scales: A = a diag(1 .. 2) ---------------------------------------------------------------------------------- */

static double scale;

static double entry(int i)
{
	return scale * (1 + i / (N - 1.0));
}

static int scaled(const void *self, void *scratch, const float *x, float *y)
{
	(void)self, (void)scratch;
	for (int i = 0; i < N; i++)
		y[i] = (float)entry(i) * x[i];
	return LACUNA_OK;
}

static int scaled_back(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return scaled(self, scratch, y, x);
}

static int scaled_diagonal(const void *self, float *d)
{
	(void)self;
	for (int i = 0; i < N; i++)
		d[i] = (float)(entry(i) * entry(i));
	return LACUNA_OK;
}

/* As a preconditioner it is exact, but it is no closed form. */
static int scaled_gain(const void *self, void *scratch, lacuna_gain *gain, const void *context,
		       const float *b, float *x)
{
	(void)self, (void)scratch;
	for (int i = 0; i < N; i++)
		x[i] = (float)(gain(entry(i) * entry(i), context) * (double)b[i]);
	return LACUNA_OK;
}

/* kind 0: pixelwise; 1: with a diagonal of its own; 2: with an approximate inverse; 3: nothing but A and A'. */
static struct problem *make_scaled(int kind, float *y, double noise)
{
	static struct plugin plugin;
	static const struct plugin_use use = { .plugin = &plugin };
	const struct lacuna_shape shape = { { W, H, C, 1 } };
	struct problem *p = NULL;

	memset(&told, 0, sizeof told);
	plugin = (struct plugin){ .head = &head,
				  .u.op = { .flags = LACUNA_LINEAR | (kind ? 0 : LACUNA_PIXELWISE),
					    .shape = tell_shape,
					    .create = create,
					    .destroy = destroy,
					    .apply = scaled,
					    .adjoint = scaled_back,
					    .diagonal = kind == 1 ? scaled_diagonal : NULL,
					    .approximate = kind == 2 ? scaled_gain : NULL } };
	if (problem_create(&use, 1, 0, &shape, &p) || problem_normalise(p) ||
	    problem_measure(p, y, noise, NULL))
		tap_bail("%s", error_text());
	return p;
}

/* All that a problem does is in one scale, g: g A, g y, g noise. */
static void test_scale(int kind, double of_a, int changes)
{
	struct solve_accuracy few = solve_accuracy_default;
	float y[N], x[N], out[N], d[N];
	double g, rms = 0, worst[4] = { 0 };
	struct problem *p;

	scale = of_a;
	for (int i = 0; i < N; i++) {
		y[i] = 1;
		x[i] = 0.3f + 0.01f * (float)i;
		rms += entry(i) * entry(i) / N;
	}
	p = make_scaled(kind, y, 0.25);
	g = (double)y[0];
	if (changes)
		ok(fabs(g * sqrt(rms) - 1) < 0.2, "rows of %g, kind %d: their mean length is 1",
		   of_a, kind);
	else
		ok(y[0] == 1, "rows of about 1, kind %d: as they are", kind);
	near(problem_noise(p), 0.25 * g, 1e-6, "the noise in that scale");
	if (problem_apply(p, x, out))
		tap_bail("%s", error_text());
	for (int i = 0; i < N; i++)
		worst[0] = fmax(worst[0], fabs((double)out[i] / (g * entry(i) * (double)x[i]) - 1));
	if (problem_adjoint(p, NULL, x, out))
		tap_bail("%s", error_text());
	for (int i = 0; i < N; i++)
		worst[1] = fmax(worst[1], fabs((double)out[i] / (g * entry(i) * (double)x[i]) - 1));
	if (kind < 2 && problem_diagonal(p, d))
		tap_bail("%s", error_text());
	for (int i = 0; i < N && kind < 2; i++)
		worst[2] = fmax(worst[2], fabs((double)d[i] / pow(g * entry(i), 2) - 1));
	memset(out, 0, sizeof out);
	if (kind == 2) { /* exact, so that one iteration is enough */
		few.iterations = 1;
		problem_set_accuracy(p, &few);
	}
	if (problem_solve(p, 0.7, x, out))
		tap_bail("%s", error_text());
	for (int i = 0; i < N; i++) {
		const double want = (double)x[i] / (pow(g * entry(i), 2) + 0.7);

		worst[3] = fmax(worst[3], fabs((double)out[i] / want - 1));
	}
	ok(worst[0] < 1e-5 && worst[1] < 1e-5 && worst[2] < 1e-5 && worst[3] < 1e-4,
	   "and A, A', the diagonal, solutions (%.0e %.0e %.0e %.0e)", worst[0], worst[1], worst[2],
	   worst[3]);
	problem_destroy(p);
}

/* Three times the same pixels, twice as bright: no more singular values than pixels, each the square root of 12. */
static int thrice(const void *self, void *scratch, const float *x, float *y)
{
	(void)self, (void)scratch;
	for (int i = 0; i < 3 * N; i++)
		y[i] = 2 * x[i % N];
	return LACUNA_OK;
}

static int thrice_back(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)self, (void)scratch, (void)at;
	for (int i = 0; i < N; i++)
		x[i] = 2 * (y[i] + y[i + N] + y[i + 2 * N]);
	return LACUNA_OK;
}

static void test_tall(void)
{
	static const struct plugin plugin = { .head = &head,
					      .u.op = { .flags = LACUNA_LINEAR,
							.shape = tell_shape,
							.create = create,
							.destroy = destroy,
							.apply = thrice,
							.adjoint = thrice_back } };
	const struct plugin_use use = { .plugin = &plugin };
	const struct lacuna_shape shape = { { W, H, C, 1 } };
	struct problem *p = NULL;
	float y[3 * N];

	memset(&told, 0, sizeof told);
	told.y = (struct lacuna_shape){ { W, H, C, 3 } };
	for (int i = 0; i < 3 * N; i++)
		y[i] = 1;
	if (problem_create(&use, 1, 0, &shape, &p) || problem_normalise(p) ||
	    problem_measure(p, y, 0.1, NULL))
		tap_bail("%s", error_text());
	ok(fabs((double)y[0] * sqrt(12) - 1) < 0.2,
	   "more rows than pixels: A has the length of its singular values (%g)", (double)y[0]);
	problem_destroy(p);
}

/* ---- an operator that solves ------------------------------------------------------------------------------------- */

static struct lacuna_system asked;
static float asked_weights[N];

/* (A'WA + rho) x = b */
static int solve(const void *self, void *scratch, const struct lacuna_system *system,
		 const float *b, float *x)
{
	(void)self, (void)scratch;
	asked = *system;
	for (int i = 0; i < N; i++) {
		const double w = system->weights ? (double)system->weights[i] : 1;

		asked_weights[i] = (float)w;
		x[i] = (float)((double)b[i] / (w * entry(i) * entry(i) + system->rho));
	}
	return LACUNA_OK;
}

static void test_own_solver(double of_a, int missing)
{
	static const struct plugin plugin = { .head = &head,
					      .u.op = { .flags = LACUNA_LINEAR,
							.shape = tell_shape,
							.create = create,
							.destroy = destroy,
							.apply = scaled,
							.adjoint = scaled_back,
							.solve = solve } };
	const struct plugin_use use = { .plugin = &plugin };
	const struct lacuna_shape shape = { { W, H, C, 1 } };
	struct solve_accuracy accuracy = solve_accuracy_default;
	struct problem *p = NULL;
	float y[N], b[N], x[N] = { 0 }, weights[N];
	double g, worst = 0;

	memset(&told, 0, sizeof told);
	scale = of_a;
	for (int i = 0; i < N; i++) {
		y[i] = missing && i % 5 == 2 ? NAN : 1;
		b[i] = 0.3f + 0.01f * (float)i;
		weights[i] = 0.5f + 0.02f * (float)i;
	}
	accuracy.tolerance = 3e-4;
	accuracy.iterations = 17;
	if (problem_create(&use, 1, 0, &shape, &p) || problem_normalise(p) ||
	    problem_measure(p, y, 0.1, NULL) || (missing && problem_weigh(p, weights)))
		tap_bail("%s", error_text());
	g = missing ? (double)y[0] / (double)weights[0] : (double)y[0];
	problem_set_accuracy(p, &accuracy);
	if (problem_solve(p, 0.7, b, x))
		tap_bail("%s", error_text());
	for (int i = 0; i < N; i++) {
		const double w = !missing     ? 1
				 : i % 5 == 2 ? 0
					      : (double)weights[i] * (double)weights[i];
		const double want = (double)b[i] / (g * g * w * entry(i) * entry(i) + 0.7);

		worst = fmax(worst, fabs((double)x[i] / want - 1));
		worst = fmax(worst, fabs((double)asked_weights[i] - w));
	}
	ok(worst < 1e-5, "an operator that solves, rows of %g%s: the solution (%.0e)", of_a,
	   missing ? ", weights" : "", worst);
	ok(asked.tolerance == 3e-4 && asked.iterations == 17, "in the accuracy that was set");
	problem_destroy(p);
}

/* Weights multiply, and what is missing stays missing. */
static void test_weights(void)
{
	float y[N], first[N], second[N], ones[N], out[N];
	double worst = 0;
	struct problem *p;

	scale = 1;
	for (int i = 0; i < N; i++) {
		y[i] = i % 5 == 2 ? NAN : 1;
		first[i] = 0.5f + 0.01f * (float)i;
		second[i] = 2 - 0.02f * (float)i;
		ones[i] = 1;
	}
	p = make_scaled(3, y, 0.1);
	if (problem_weigh(p, first) || problem_weigh(p, second) || problem_apply(p, ones, out))
		tap_bail("%s", error_text());
	for (int i = 0; i < N; i++) {
		const double want = i % 5 == 2 ? 0 : (double)first[i] * (double)second[i];

		worst = fmax(worst, fabs((double)out[i] - want * entry(i)));
		worst = fmax(worst, fabs((double)y[i] - want));
	}
	ok(worst < 1e-6, "weighed twice: both count (%.0e)", worst);
	problem_destroy(p);
}

/* What was measured is where A is not 0, whatever its sign; and a measurement that is forgotten leaves A as it was. */
static void test_measured(void)
{
	const struct lacuna_shape x = { { 6, 5, 1, 1 } };
	float ones[30], y[30], measured[30];
	struct problem *p = NULL;
	struct plugin_use op;
	int count = 0;

	if (use_parse(LACUNA_OPERATOR, "matrix:rows=-10 0 0;0 10 0", &op) ||
	    problem_create(&op, 1, 0, &x, &p) || problem_measured(p, measured))
		tap_bail("%s", error_text());
	for (int i = 0; i < 20; i++)
		count += measured[i] == 1;
	ok(count == 20, "negative values are measured, too (%d of 20)", count);
	for (int i = 0; i < 30; i++)
		ones[i] = 1;
	if (problem_simulate(p, ones, 1, key, y))
		tap_bail("%s", error_text());
	count = 0;
	for (int i = 0; i < 20; i++)
		count += fabs((double)y[i] - (i % 2 ? 10 : -10)) > 0;
	ok(count == 20, "and have noise");
	if (problem_normalise(p) || problem_measure(p, y, 0.1, NULL) || problem_apply(p, ones, y))
		tap_bail("%s", error_text());
	near((double)y[1], 1, 0.3, "rows of length 1");
	problem_forget(p);
	if (problem_apply(p, ones, y))
		tap_bail("%s", error_text());
	near((double)y[1], 10, 1e-5, "are as they were without a measurement");
	problem_destroy(p);
	use_free(&op);
}

static void test_refusals(void)
{
	static const double noises[] = { -1e-9, INFINITY, NAN }, rhos[] = { 0, -1, NAN };
	float y[N], b[N] = { 0 }, x[N] = { 0 };
	int refused = 0;
	struct problem *p;

	scale = 1;
	for (int i = 0; i < N; i++)
		y[i] = 1;
	p = make_scaled(0, y, 0);
	for (int i = 0; i < 3; i++) {
		refused += problem_measure(p, y, noises[i], NULL) == LACUNA_EINVAL;
		refused += problem_solve(p, rhos[i], b, x) == LACUNA_EINVAL;
	}
	ok(refused == 6, "no noise below 0 or beyond numbers, no singular system (%d of 6)",
	   refused);
	problem_destroy(p);
}

/* ---- iterations -------------------------------------------------------------------------------------------------- */

enum { SIZE = 8 };

/* v times the values, until a test's product fails: `after' products later one value is not finite, or work stops. */
static struct {
	double value[SIZE];
	int after;
	double spoilt;
	struct context *context;
} matrix;

static int product(void *context, const float *v, float *out)
{
	(void)context;
	for (int i = 0; i < SIZE; i++)
		out[i] = (float)matrix.value[i] * v[i];
	if (matrix.after-- == 0) {
		if (matrix.context)
			cancel_request(matrix.context);
		else
			out[3] = (float)matrix.spoilt;
	}
	return LACUNA_OK;
}

static double least_seen;

static double steep(double lambda, const void *context)
{
	(void)context;
	least_seen = fmin(least_seen, lambda);
	return lambda > 1.0005 ? 1 : 0.01 * lambda;
}

static const struct solve_matrix own = { SIZE, product, NULL };

/* method 0: conjugate gradients; 1: a function; 2: quadrature. */
static int iterate(int method, const float *b, float *x)
{
	const struct solve_gain gain = { steep, NULL, SIZE, 1e-9 };
	float work[SOLVE_WORK * SIZE];
	double change, nodes[SIZE], weights[SIZE];
	int count;

	memset(x, 0, SIZE * sizeof *x);
	return method == 0   ? solve_cg(&own, 0.1, NULL, b, x, 1e-7, 20, work)
	       : method == 1 ? solve_lanczos(&own, &gain, b, x, &change, work)
			     : solve_quadrature(&own, b, SIZE, nodes, weights, &count, work);
}

static void test_iterations(void)
{
	static const char *const names[] = { "conjugate gradients", "Lanczos", "quadrature" };
	static const double values[] = { NAN, INFINITY, -INFINITY };
	float b[SIZE], x[SIZE], work[SOLVE_WORK * SIZE];

	for (int i = 0; i < SIZE; i++) {
		matrix.value[i] = 0.2 * (i + 1);
		b[i] = 1 + 0.1f * (float)i;
	}
	for (int method = 0; method < 3; method++) {
		int noticed = 0;

		for (int k = 0; k < 12; k++) {
			matrix.after = k / 3;
			matrix.spoilt = values[k % 3];
			noticed += iterate(method, b, x) == LACUNA_ENUMERIC &&
				   strstr(error_text(), "is not finite") != NULL;
		}
		ok(noticed == 12, "%s: no value but finite ones (%d of 12)", names[method],
		   noticed);
	}
	/* In the direction of a value 0 there is nothing to divide by. */
	matrix.after = -1;
	memset(b, 0, sizeof b);
	memset(x, 0, sizeof x);
	matrix.value[2] = 0;
	b[2] = 1;
	ok(!solve_cg(&own, 0, NULL, b, x, 1e-7, 20, work) && x[2] == 0,
	   "conjugate gradients leave what A does not see");
	/* Two values of nearly the same size, on either side of a jump. */
	memset(b, 0, sizeof b);
	matrix.value[0] = 1;
	matrix.value[1] = 1.001;
	b[0] = b[1] = 1;
	ok(!iterate(1, b, x) && fabs((double)x[0] - 0.01) < 1e-3 && fabs((double)x[1] - 1) < 1e-3,
	   "a function tells near values apart: %g, %g", (double)x[0], (double)x[1]);
	/* Rounding may make A'A a little less than 0. */
	matrix.value[0] = -1e-7;
	matrix.value[1] = 1;
	least_seen = 1;
	ok(!iterate(1, b, x) && least_seen >= 0 && least_seen < 1e-3,
	   "no function is asked about values below 0");
}

/* Work that is cancelled ends within one product, wherever it is. */
static void test_cancel(void)
{
	static const char *const names[] = { "conjugate gradients", "Lanczos", "quadrature" };
	float b[SIZE], x[SIZE];

	for (int i = 0; i < SIZE; i++) {
		matrix.value[i] = 0.2 * (i + 1);
		b[i] = 1 + 0.1f * (float)i;
	}
	for (int method = 0; method < 3; method++) {
		int ended = 0;

		for (int k = 0; k < 4; k++) {
			struct context *c = context_create(), *before = context_enter(c);

			matrix.context = c;
			matrix.after = k;
			ended += iterate(method, b, x) == LACUNA_ECANCELLED && matrix.after >= -2;
			context_leave(before);
			context_destroy(c);
		}
		ok(ended == 4, "%s: cancelled (%d of 4)", names[method], ended);
	}
	matrix.context = NULL;
}

int main(void)
{
	test_shapes();
	test_windows();
	test_flags();
	test_offsets();
	for (int count = 1; count <= 3; count++) {
		test_jacobians(count, 0);
		test_jacobians(count, 1);
	}
	for (int kind = 0; kind < 4; kind++) {
		test_scale(kind, 0.1, 1);
		test_scale(kind, 20, 1);
		test_scale(kind, 0.8, 0);
		test_scale(kind, 1.2, 0);
	}
	test_tall();
	test_own_solver(1, 0);
	test_own_solver(20, 0);
	test_own_solver(20, 1);
	test_weights();
	test_measured();
	test_refusals();
	test_iterations();
	test_cancel();
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
