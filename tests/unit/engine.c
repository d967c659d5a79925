/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The engine's mathematics: functions of matrices, composition of operators, missing pixels. */
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "base/vector.h"
#include "engine/metrics.h"
#include "engine/problem.h"
#include "engine/solve.h"
#include "engine/turn.h"
#include "tests/tap.h"

#include <stdlib.h>

static const struct random_key key = { 42, 0, 0 };

/* ---- solve: M = diag(0 .. 4); Krylov methods treat any rotation of M alike */

static int diagonal_product(void *context, const float *v, float *out)
{
	size_t i, n = *(size_t *)context;

	for (i = 0; i < n; i++)
		out[i] = v[i] * 4 * (float)i / (float)(n - 1);
	return LACUNA_OK;
}

static double smooth(double lambda, const void *context)
{
	(void)context;
	return 1 / (lambda + 0.5);
}

/* sum of weights[i] f(nodes[i]) */
static double quadrature(int count, const double *nodes, const double *weights,
			 double (*f)(double, const void *))
{
	double sum = 0;

	for (int i = 0; i < count; i++)
		sum += weights[i] * f(nodes[i], NULL);
	return sum;
}

static double fifth_power(double lambda, const void *context)
{
	(void)context;
	return pow(lambda, 5);
}

static double one(double lambda, const void *context)
{
	(void)lambda, (void)context;
	return 1;
}

static void test_quadrature(void)
{
	enum { N = 1000, STEPS = 12 };
	size_t n = N;
	struct solve_matrix m = { N, diagonal_product, &n };
	static float b[N], work[SOLVE_WORK * N];
	double nodes[STEPS], weights[STEPS], square = 0, fifth = 0, inverse = 0;
	int count;

	random_gaussian(key, 3, 0, b, N);
	for (int i = 0; i < N; i++) {
		const double lambda = 4.0 * i / (N - 1), w = (double)b[i] * (double)b[i];

		square += w;
		fifth += w * pow(lambda, 5);
		inverse += w * smooth(lambda, NULL);
	}
	ok(!solve_quadrature(&m, b, 3, nodes, weights, &count, work) && count == 3, "three nodes");
	near(quadrature(count, nodes, weights, one) / square, 1, 1e-12, "weigh as much as b");
	near(quadrature(count, nodes, weights, fifth_power) / fifth, 1, 1e-5, "exact for b' M^5 b");
	ok(!solve_quadrature(&m, b, STEPS, nodes, weights, &count, work), "twelve nodes");
	near(quadrature(count, nodes, weights, smooth) / inverse, 1, 1e-5, "b' (M + rho)^-1 b");
	memset(b, 0, sizeof b);
	b[N - 1] = 2;
	ok(!solve_quadrature(&m, b, STEPS, nodes, weights, &count, work) && count == 1,
	   "an eigenvector has one node");
	near(nodes[0], 4, 1e-6, "its eigenvalue");
	b[N - 1] = 0;
	ok(!solve_quadrature(&m, b, STEPS, nodes, weights, &count, work) && count == 0,
	   "and nothing none");
}

static void test_solve(void)
{
	enum { N = 1000 };
	size_t n = N, i;
	struct solve_matrix m = { N, diagonal_product, &n };
	const struct solve_gain gain = { smooth, NULL, 40, 1e-6 };
	static float b[N], x[N], want[N], work[SOLVE_WORK * N];
	double change;

	random_gaussian(key, 0, 0, b, N);
	for (i = 0; i < N; i++)
		want[i] = (float)(b[i] * smooth(4.0 * (double)i / (N - 1), NULL));
	ok(!solve_cg(&m, 0.5, NULL, b, x, 1e-6, 200, work), "conjugate gradients");
	vector_subtract(N, x, want, x);
	near(vector_norm(N, x) / vector_norm(N, want), 0, 1e-5, "solve (M + rho) x = b");
	ok(!solve_lanczos(&m, &gain, b, x, &change, work), "Lanczos");
	vector_subtract(N, x, want, x);
	near(vector_norm(N, x) / vector_norm(N, want), 0, 1e-5, "gives the same function of M");
	memset(b, 0, sizeof b);
	b[999] = 2;
	ok(!solve_lanczos(&m, &gain, b, x, &change, work), "Lanczos from an eigenvector");
	near(x[999], 2 / 4.5, 1e-6, "ends after one step");
	memset(b, 0, sizeof b);
	ok(!solve_lanczos(&m, &gain, b, x, &change, work) && x[0] == 0, "nothing from nothing");
}

/* Counts the products that a function takes, and tests whether its result is accurate.  A step is well approximated by a
 * polynomial only if no eigenvalues lie close to it. */
struct counted {
	size_t n;
	int products;
	double gap; /* distance of the two eigenvalues around 1 */
};

static int counted_product(void *context, const float *v, float *out)
{
	struct counted *c = context;

	c->products++;
	for (size_t i = 0; i < c->n; i++) {
		const double t = (double)i / (double)(c->n - 1), gap = c->gap / 2;

		out[i] = (float)((double)v[i] *
				 (t < 0.5 ? 2 * t * (1 - gap) : 1 + gap + (2 * t - 1) * (3 - gap)));
	}
	return LACUNA_OK;
}

static double jump(double lambda, const void *context)
{
	(void)context;
	return lambda > 1;
}

static double gentle(double lambda, const void *context)
{
	(void)context;
	return 1 / (1 + lambda);
}

static void test_standing(const char *what, double gap, lacuna_gain *f, int stands, int most)
{
	enum { N = 2000 };
	struct counted c = { N, 0, gap };
	const struct solve_matrix m = { N, counted_product, &c };
	const struct solve_gain g = { f, NULL, 120, 5e-4 };
	static float b[N], x[N], eigenvalues[N], work[SOLVE_WORK * N];
	double change, error = 0, size = 0;

	random_gaussian(key, 9, 0, b, N);
	for (size_t i = 0; i < N; i++)
		x[i] = 1;
	counted_product(&c, x, eigenvalues);
	c.products = 0;
	ok(!solve_lanczos(&m, &g, b, x, &change, work), "%s", what);
	for (size_t i = 0; i < N; i++) {
		const double want = f((double)eigenvalues[i], NULL) * (double)b[i];

		error += pow((double)x[i] - want, 2);
		size += want * want;
	}
	error = sqrt(error / size);
	ok(stands ? change <= 5e-4 && error < 1e-3 : change > 1e-2 && error < 5 * change,
	   "%s: %s (a change of %.0e, wrong by %.0e)", what, stands ? "stands" : "does not stand",
	   change, error);
	ok(c.products <= most, "%s: %d products", what, c.products);
}

/* Conjugate gradients take as many iterations as there are different eigenvalues (Hestenes, Stiefel 1952). */
static int steps_product(void *context, const float *v, float *out)
{
	const size_t n = *(size_t *)context;

	for (size_t i = 0; i < n; i++)
		out[i] = v[i] * (float[]){ 1, 30, 200 }[i % 3];
	return LACUNA_OK;
}

static void test_conjugate(void)
{
	enum { N = 300 };
	size_t n = N;
	struct solve_matrix m = { N, steps_product, &n };
	static float b[N], x[N], want[N], work[SOLVE_WORK * N];

	random_gaussian(key, 4, 0, b, N);
	for (size_t i = 0; i < N; i++)
		want[i] = b[i] / ((float[]){ 1, 30, 200 }[i % 3] + 0.5f);
	memset(x, 0, sizeof x);
	ok(!solve_cg(&m, 0.5, NULL, b, x, 1e-9, 3, work), "three eigenvalues, three iterations");
	vector_subtract(N, x, want, x);
	near(vector_norm(N, x) / vector_norm(N, want), 0, 1e-4, "are enough");
}

/* ---- problem */

static struct plugin_use uses[3];
static size_t use_count;

static struct problem *make(int from_y, struct lacuna_shape shape, int count,
			    const char *const *specs)
{
	struct problem *p = NULL;

	for (use_count = 0; use_count < (size_t)count; use_count++)
		if (use_parse(LACUNA_OPERATOR, specs[use_count], &uses[use_count]))
			break;
	if (use_count < (size_t)count || problem_create(uses, use_count, from_y, &shape, &p))
		diag("%s", error_text());
	return p;
}

static void unmake(struct problem *p)
{
	problem_destroy(p);
	while (use_count)
		use_free(&uses[--use_count]);
}

static void test_adjoint(struct problem *p, const char *name)
{
	size_t nx = lacuna_count(problem_x(p)), ny = lacuna_count(problem_y(p));
	float *x = memory_alloc(nx * sizeof *x), *ax = memory_alloc(ny * sizeof *ax);
	float *y = memory_alloc(ny * sizeof *y), *aty = memory_alloc(nx * sizeof *aty);

	random_gaussian(key, 1, 0, x, nx);
	random_gaussian(key, 2, 0, y, ny);
	ok(!problem_apply(p, x, ax) && !problem_adjoint(p, NULL, y, aty), "%s: A and A'", name);
	near(vector_dot(ny, ax, y) / (vector_norm(ny, ax) * vector_norm(ny, y)),
	     vector_dot(nx, x, aty) / (vector_norm(ny, ax) * vector_norm(ny, y)), 1e-5,
	     "<Ax, y> = <x, A'y>");
	memory_release(x);
	memory_release(ax);
	memory_release(y);
	memory_release(aty);
}

/* gain and solve agree for all ways to compute them. */
static void test_composition(void)
{
	struct lacuna_shape shape = { { 24, 17, 2, 1 } };
	const struct lacuna_region *w;
	struct problem *p =
		make(1, shape, 2,
		     (const char *const[]){ "blur:kind=box,width=5,height=3", "mask:keep=0.6" });

	if (!ok(p != NULL, "blurred, then masked"))
		return;
	ok(problem_x(p)->extent[0] == 28 && problem_x(p)->extent[1] == 19,
	   "x reaches beyond the border");
	w = problem_window(p);
	ok(w->origin[0] == 2 && w->origin[1] == 1 && w->extent[0] == 24 && w->extent[1] == 17,
	   "the window is the measured scene");
	ok(!problem_has_closed_form(p), "no closed form");
	test_adjoint(p, "blur + mask");
	unmake(p);
}

/* An operator that changes the size and does not say which part of x shows the scene: nothing is cropped. */
static void test_whole(const char *op, int64_t width, int64_t height, int64_t channels,
		       int64_t out_width, int64_t out_channels)
{
	const struct lacuna_shape y = { { width, height, channels, 1 } };
	const struct lacuna_region *w;
	struct problem *p = make(1, y, 1, (const char *const[]){ op });

	if (!ok(p != NULL, "%s", op))
		return;
	w = problem_window(p);
	ok(!w->origin[0] && !w->origin[1] && !w->origin[2] && w->extent[0] == out_width &&
		   w->extent[1] == height && w->extent[2] == out_channels,
	   "%s: the result is all of x", op);
	unmake(p);
}

/* Each value of a window comes from the right place. */
static void test_window(void)
{
	const struct lacuna_shape x = { { 5, 4, 3, 2 } };
	const struct lacuna_region r = { { 1, 2, 0, 1 }, { 3, 2, 2, 1 } };
	float from[120], to[12];
	int wrong = 0, k = 0;

	for (int i = 0; i < 120; i++)
		from[i] = (float)i;
	window_get(&x, &r, from, to);
	for (int c = 0; c < 2; c++)
		for (int j = 2; j < 4; j++)
			for (int i = 1; i < 4; i++)
				wrong += to[k++] != (float)(i + 5 * (j + 4 * (c + 3 * 1)));
	ok(!wrong, "a window of frames and channels");
}

static void test_pixelwise(void)
{
	struct lacuna_shape shape = { { 9, 7, 1, 1 } };
	float y[63], d[63], x[63], out[63];
	struct problem *p =
		make(1, shape, 2,
		     (const char *const[]){ "mask:keep=0.5,seed=1", "mask:keep=0.7,seed=2" });
	size_t i, missing = 0;
	int good = 1;

	if (!ok(p != NULL, "two masks"))
		return;
	for (i = 0; i < 63; i++)
		y[i] = i % 5 ? 0.5f : NAN;
	ok(!problem_measure(p, y, 0.1, &missing) && missing == 13, "NaN is missing");
	ok(!problem_diagonal(p, d), "their product has a diagonal");
	for (i = 0; i < 63; i++)
		x[i] = 1 + (float)i;
	ok(!problem_apply(p, x, out), "applied");
	for (i = 0; i < 63; i++)
		good &= d[i] == (out[i] != 0) && !(i % 5 == 0 && d[i] != 0);
	ok(good, "which is 1 where all masks agree and the measurement is there");
	test_adjoint(p, "masks");
	y[3] = INFINITY;
	ok(problem_measure(p, y, 0.1, NULL) == LACUNA_EINVAL, "infinities are refused");
	for (i = 0; i < 63; i++)
		y[i] = NAN;
	ok(problem_measure(p, y, 0.1, NULL) == LACUNA_EINVAL, "nothing but NaN is refused");
	unmake(p);
}

static int warnings;

static void count_warnings(void *context, int level, const char *text)
{
	(void)context;
	warnings += level == LACUNA_LOG_WARN && strstr(text, "no closed form") != NULL;
}

static double step_at_a_tenth(double lambda, const void *context)
{
	(void)context;
	return lambda > 0.1;
}

/* ||b - (A'A + rho) x|| / ||b|| for the x of problem_solve() */
static double residual_of(struct problem *p, size_t n, double rho, const float *b)
{
	const size_t ny = lacuna_count(problem_y(p));
	float *x = memory_alloc_array(2 * n + ny, sizeof *x), *out = x + n, *y = x + 2 * n;
	double sum = INFINITY;

	if (x && !problem_solve(p, rho, b, x) && !problem_apply(p, x, y) &&
	    !problem_adjoint(p, NULL, y, out)) {
		vector_axpy(n, rho, x, out);
		vector_axpy(n, -1, b, out);
		sum = vector_norm(n, out) / vector_norm(n, b);
	}
	memory_release(x);
	return sum;
}

/* The solvers keep to the given tolerance and number of iterations. */
static void test_accuracy(struct problem *p, size_t n, const float *b)
{
	struct solve_accuracy rough = solve_accuracy_default;
	const double fine = residual_of(p, n, 0.01, b);
	double found;

	ok(fine <= 2 * rough.tolerance, "conjugate gradients reach the usual tolerance (%.2g)",
	   fine);
	rough.tolerance = 1e-2;
	problem_set_accuracy(p, &rough);
	found = residual_of(p, n, 0.01, b);
	ok(found <= 1.1e-2 && found > 5 * fine, "and another that is asked for (%.2g)", found);
	rough.iterations = 0;
	problem_set_accuracy(p, &rough);
	near(residual_of(p, n, 0.01, b), 1, 1e-12, "or no more iterations than that");
	problem_set_accuracy(p, &solve_accuracy_default);
}

/* An iterative solve begins at the x that it is given, in every scale of A. */
static void test_start(void)
{
	static const char *const specs[] = { "blur:kind=disk,radius=2", "blur:kind=disk,radius=6" };
	const struct lacuna_shape y = { { 24, 20, 1, 1 } };
	struct solve_accuracy none = solve_accuracy_default;

	none.iterations = 0;
	for (int i = 0; i < 2; i++)
		for (int scaled = 0; scaled < 2; scaled++) {
			struct problem *p = make(1, y, 1, &specs[i]);
			const size_t nx = p ? lacuna_count(problem_x(p)) : 0;
			float *b = memory_alloc_array(3 * nx, sizeof *b);
			float *x = b + nx, *measurement = b + 2 * nx;

			if (!ok(p && b && (!scaled || !problem_normalise(p)) &&
					!problem_measure(p, measurement, 0.1, NULL),
				"%s%s", specs[i], scaled ? ", its rows of length 1" : ""))
				break;
			random_gaussian(key, 4, 0, b, nx);
			random_gaussian(key, 5, 0, x, nx);
			problem_set_accuracy(p, &none);
			ok(!problem_solve(p, 0.1, b, x), "no iteration");
			random_gaussian(key, 5, 0, b, nx);
			vector_subtract(nx, x, b, x);
			near(vector_norm(nx, x) / vector_norm(nx, b), 0, 1e-6,
			     "leaves the x that was given");
			unmake(p);
			memory_release(b);
		}
}

/* The same for operators in a chain, which have no solver of their own; a spectrum has no more steps than are asked for. */
static void test_chain(void)
{
	const struct lacuna_shape y = { { 24, 20, 1, 1 } };
	const char *const specs[] = { "blur:sigma=1.5", "mask:keep=0.7" };
	struct solve_accuracy few = solve_accuracy_default;
	struct problem *p = make(1, y, 2, specs);
	const size_t n = p ? lacuna_count(problem_x(p)) : 0;
	float *b = memory_alloc_array(3 * n + 1, sizeof *b);
	double one_step;

	if (!ok(p && b, "a blur and a mask"))
		return;
	random_gaussian(key, 3, 0, b, n);
	test_accuracy(p, n, b);
	few.lanczos = 1;
	problem_set_accuracy(p, &few);
	log_install(count_warnings, NULL);
	ok(!problem_spectral(p, gentle, NULL, b, b + n), "one step");
	log_install(NULL, NULL);
	/* One step of Lanczos gives a multiple of b. */
	one_step = vector_dot(n, b, b + n) / (vector_norm(n, b) * vector_norm(n, b + n));
	near(fabs(one_step), 1, 1e-5, "leads along b alone");
	memory_release(b);
	unmake(p);
}

/* Warns once of an inaccurate result. */
static void test_warning(void)
{
	const struct lacuna_shape y = { { 40, 40, 1, 1 } };
	struct problem *p = make(1, y, 1, (const char *const[]){ "blur:sigma=1" });
	const size_t n = p ? lacuna_count(problem_x(p)) : 0;
	float *v = memory_alloc(2 * n * sizeof *v);

	if (!ok(p && v, "a blur beyond the border"))
		return;
	random_gaussian(key, 3, 0, v, n);
	warnings = 0;
	log_install(count_warnings, NULL);
	ok(!problem_spectral(p, gentle, NULL, v, v + n) && warnings == 0,
	   "a smooth function of it: no warning");
	ok(!problem_spectral(p, step_at_a_tenth, NULL, v, v + n) && warnings == 1,
	   "one that jumps: a warning");
	ok(!problem_spectral(p, step_at_a_tenth, NULL, v, v + n) && warnings == 1, "and no second");
	test_accuracy(p, n, v);
	log_install(NULL, NULL);
	memory_release(v);
	unmake(p);
}

static void test_missing(void)
{
	struct lacuna_shape shape = { { 32, 32, 1, 1 } };
	static float y[1024], x[1024];
	double rms;
	struct problem *p =
		make(1, shape, 1,
		     (const char *const[]){ "blur:kind=gaussian,sigma=1,boundary=periodic" });
	size_t i;

	if (!ok(p != NULL, "a blur"))
		return;
	ok(problem_has_closed_form(p), "has a closed form");
	for (i = 0; i < 1024; i++)
		x[i] = 0.5f;
	ok(!problem_simulate(p, x, 0.02, key, y), "simulated");
	y[100] = y[200] = NAN;
	ok(!problem_measure(p, y, 0.02, NULL) && !problem_has_closed_form(p),
	   "but not with missing pixels");
	test_adjoint(p, "blur with missing pixels");
	ok(!problem_residual(p, x, &rms), "residual");
	near(rms, 0.02, 0.02 * 5 / sqrt(2 * 1022.0), "of the truth is the noise");
	unmake(p);
}

static void test_simulate_mask(void)
{
	struct lacuna_shape shape = { { 64, 64, 1, 1 } };
	static float y[4096], x[4096];
	struct problem *p = make(0, shape, 1, (const char *const[]){ "mask:keep=0.25" });
	double rms, zeros = 0;
	size_t i;

	if (!ok(p != NULL, "a mask"))
		return;
	for (i = 0; i < 4096; i++)
		x[i] = 0.25f;
	ok(!problem_simulate(p, x, 0.05, key, y), "simulated");
	for (i = 0; i < 4096; i++)
		zeros += y[i] == 0;
	near(zeros / 4096, 0.75, 0.04, "what is masked is 0, not noise");
	problem_measure(p, y, 0.05, NULL);
	problem_residual(p, x, &rms);
	near(rms, 0.05, 0.05 * 5 / sqrt(2 * 1024.0), "the residual counts what was measured");
	unmake(p);
}

/* ---- metrics: a scene with edges and texture */

static void scene(float *x, int n)
{
	int i, j;

	for (j = 0; j < n; j++)
		for (i = 0; i < n; i++) {
			double v = 0.4 + 0.2 * sin(i * 0.02) * cos(j * 0.03);

			v += (i / 48 + j / 48) % 2 ? 0.15 : -0.1;
			if (i > n / 2 && j > n / 2)
				v += 0.1 * sin(i * 1.3 + j * 0.7);
			x[j * n + i] = (float)v;
		}
}

static void test_metrics(void)
{
	enum { N = 64 };
	static float a[N * N], b[N * N];
	struct lacuna_shape shape = { { N, N, 1, 1 } };
	struct metrics m;
	size_t i;

	scene(a, N);
	memcpy(b, a, sizeof a);
	ok(!metrics_compute(&shape, a, b, &m) && isinf(m.psnr) && m.nrmse == 0, "equal pictures");
	near(m.ssim, 1, 1e-9, "SSIM 1");
	for (i = 0; i < N * N; i++)
		b[i] = a[i] + (i % 2 ? 0.1f : -0.1f);
	ok(!metrics_compute(&shape, a, b, &m), "an error of 0.1");
	near(m.psnr, 20, 1e-4, "is 20 dB");
	near(m.max_abs, 0.1, 1e-6, "largest error");
	ok(m.ssim < 0.9 && m.ssim > 0, "SSIM %g", m.ssim);
	b[0] = NAN;
	ok(!metrics_compute(&shape, a, b, &m) && isfinite(m.psnr) && isfinite(m.ssim),
	   "NaN does not count");
}

/* All symmetries differ, and each is undone by its inverse. */
static void test_turns(void)
{
	enum { W = 5, H = 3, C = 2, COUNT = W * H * C };
	const struct lacuna_shape shape = { { W, H, C, 1 } }, square = { { H, H, C, 1 } };
	float x[COUNT], turned[8][COUNT], back[COUNT];

	ok(turn_ways(&shape) == 4 && turn_ways(&square) == 8, "four ways, eight for a square");
	for (int s = 0; s < 2; s++) {
		const struct lacuna_shape *of = s ? &square : &shape;
		const size_t bytes = lacuna_count(of) * sizeof *x;

		random_gaussian(key, 0, 0, x, COUNT);
		for (uint32_t turn = 0; turn < turn_ways(of); turn++) {
			int same = 0;

			turn_image(of, turn, x, turned[turn]);
			for (uint32_t other = 0; other < turn; other++)
				same += memcmp(turned[turn], turned[other], bytes) == 0;
			turn_back(of, turn, turned[turn], back);
			ok(!same && memcmp(back, x, bytes) == 0, "way %d of %s", (int)turn,
			   s ? "a square" : "a rectangle");
		}
		ok(memcmp(turned[0], x, bytes) == 0, "the first leaves all as it is");
		ok(turned[1][0] == x[of->extent[0] - 1], "the second mirrors");
	}
}

int main(void)
{
	size_t before = memory_live_blocks();

	test_solve();
	test_quadrature();
	test_conjugate();
	test_standing("a smooth function", 0, gentle, 1, 40);
	test_standing("a step in a gap", 0.5, jump, 1, 180);
	test_standing("a step among eigenvalues", 0, jump, 0, 240);
	test_composition();
	test_whole("matrix:rows=1 0 0;0 1 0", 8, 3, 1, 12, 1); /* wide */
	test_whole("matrix:rows=1 0;0 1;1 1", 9, 3, 1, 6, 1);  /* tall */
	test_whole("matrix:rows=1 2;0 1", 6, 3, 1, 6, 1);
	test_whole("gray", 6, 3, 1, 6, 3);
	test_pixelwise();
	test_window();
	test_start();
	test_chain();
	test_warning();
	test_missing();
	test_simulate_mask();
	test_metrics();
	test_turns();
	ok(memory_live_blocks() == before, "nothing is left");
	threads_stop();
	return tap_done();
}
