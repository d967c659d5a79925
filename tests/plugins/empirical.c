/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The empirical prior: its mean is the documented softmax, also given a measurement; samplers with its exact score end at
 * the examples; the error of early stopping falls as the square root of the stopping time (De Bortoli 2022). */
#include <config.h>

#include "lab.h"
#include "../tap.h"

#include "base/memory.h"
#include "plugin/host.h"

#include <stdlib.h>

static const struct random_key key = { 12, 0, 0 };
static const double pi = 3.14159265358979323846;

enum { D = 2, K = 60 };
static double points[K][D];
static char prior[160];

/* Points on a circle, unevenly spaced. */
static void write_points(void)
{
	snprintf(prior, sizeof prior, "empirical:file=%s", lab_file_begin("points.txt"));
	for (int i = 0; i < K; i++) {
		const double angle = 2 * pi * (i + 0.3 * sin(i)) / K;

		points[i][0] = 0.5 + 0.4 * cos(angle);
		points[i][1] = 0.5 + 0.4 * sin(angle);
		lab_print("%.9g %.9g\n", points[i][0], points[i][1]);
	}
	lab_file_end();
}

/* The softmax in double precision; there may be no rows of `a' and values of y. */
static void mean(const float *u, double sigma, int rows, const double (*a)[D], const float *y,
		 double noise, double *x)
{
	double w[K], most = -INFINITY, sum = 0;

	for (int i = 0; i < K; i++) {
		w[i] = 0;
		for (int j = 0; j < D; j++)
			w[i] -= pow((u[j] - points[i][j]) / sigma, 2) / 2;
		for (int r = 0; r < rows; r++)
			w[i] -= pow((y[r] - a[r][0] * points[i][0] - a[r][1] * points[i][1]) /
					    noise,
				    2) /
				2;
		most = fmax(most, w[i]);
	}
	x[0] = x[1] = 0;
	for (int i = 0; i < K; i++) {
		sum += w[i] = exp(w[i] - most);
		for (int j = 0; j < D; j++)
			x[j] += w[i] * points[i][j];
	}
	x[0] /= sum;
	x[1] /= sum;
}

/* vectors: the test uses more and fewer than there are tasks. */
static void test_mean(const char *guidance, int vectors, double noise)
{
	static const double row[1][D] = { { 0.6, -0.8 } };
	static const double sigmas[] = { 0.02, 0.2, 5 };
	const int rows = strcmp(guidance, "none") != 0;
	float u[200 * D], x0[200 * D];
	double worst = 0, x[D];
	struct lab_plan plan = { .x = { { D, vectors, 1, 1 } },
				 .op = "matrix:rows=0.6 -0.8",
				 .prior = prior,
				 .guidance = guidance,
				 .sampler = "ode:steps=2",
				 .value = 0.1,
				 .noise = noise };
	struct lab lab;

	lab_open(&lab, &plan);
	for (int k = 0; k < 3; k++) {
		random_gaussian(key, (uint64_t)k, 0, u, (size_t)(vectors * D));
		for (int i = 0; i < vectors * D; i++)
			u[i] = (float)(0.5 + (0.4 + sigmas[k]) * u[i]);
		if (session_estimate(lab.session, sigmas[k], 0, u, x0))
			lab_bail("estimate");
		for (int v = 0; v < vectors; v++) {
			mean(u + v * D, sigmas[k], rows, row, lab.y + v, noise, x);
			for (int j = 0; j < D; j++)
				worst = fmax(worst, fabs(x0[v * D + j] - x[j]));
		}
	}
	lab_close(&lab);
	ok(worst < 2e-4, "%s, %d vectors: the softmax (%.1e)", guidance, vectors, worst);
}

/* Vectors are measured with weights of their own; y has as many values as x. */
static void test_weights(double from, double to)
{
	enum { VECTORS = 40 };
	static const double sigmas[] = { 0.05, 0.4 };
	char op[200];
	float u[VECTORS * D], x0[VECTORS * D];
	double worst = 0, x[D], m[VECTORS * D];
	struct lab_plan plan = { .x = { { D, VECTORS, 1, 1 } },
				 .op = op,
				 .prior = prior,
				 .guidance = "exact",
				 .sampler = "ode:steps=2",
				 .value = 0.3,
				 .noise = 0.1 };
	struct lab lab;

	snprintf(op, sizeof op, "mask:file=%s,weights=yes", lab_file_begin("weights.txt"));
	for (int i = 0; i < VECTORS * D; i++) {
		m[i] = from + (to - from) * (i * 7 % 11) / 10.0;
		lab_print("%.9g%s", m[i], i % D + 1 < D ? " " : "\n");
	}
	lab_file_end();
	lab_open(&lab, &plan);
	for (int k = 0; k < 2; k++) {
		random_gaussian(key, 10, 0, u, VECTORS * D);
		for (int i = 0; i < VECTORS * D; i++)
			u[i] = (float)(0.5 + (0.4 + sigmas[k]) * u[i]);
		if (session_estimate(lab.session, sigmas[k], 0, u, x0))
			lab_bail("estimate");
		for (int v = 0; v < VECTORS; v++) {
			const double rows[D][D] = { { m[v * D], 0 }, { 0, m[v * D + 1] } };

			mean(u + v * D, sigmas[k], D, rows, lab.y + v * D, 0.1, x);
			for (int j = 0; j < D; j++)
				worst = fmax(worst, fabs(x0[v * D + j] - x[j]));
		}
	}
	lab_close(&lab);
	ok(worst < 2e-4, "exact, weights from %g to %g: the softmax for each vector (%.1e)", from,
	   to, worst);
}

/* ---- pictures as examples */

/* A picture of 6x4, cut into tiles of 3x2: each tile is an example, and there are no others. */
static double picture(int x, int y)
{
	return 0.5 + 0.4 * sin(2.3 * x + 5.1 * y + 0.7 * x * y);
}

static char tiles_directory[200];

/* A prior of its own, whose files have pages and channels.  Value (x, y) of channel c of page t of a file. */
enum { PAGE_W = 20, PAGE_H = 16, PAGE_C = 2, PAGES = 3, PAGE_N = PAGE_W * PAGE_H * PAGE_C };

static double page(int file, int t, int c, int x, int y)
{
	return file < 2 ? 0.5 + 0.4 * sin((2.3 + t + 0.4 * file) * x + 5.1 * y + 0.7 * x * y +
					  1.9 * c)
			: 100;
}

static int read_pages(const char *path, struct lacuna_shape *shape, float **values)
{
	const int file = strstr(path, "one.tif") ? 0 : strstr(path, "two.tif") ? 1 : 2;
	int i = 0;

	*shape = (struct lacuna_shape){ { PAGE_W, PAGE_H, PAGE_C, PAGES } };
	*values = memory_alloc_array(lacuna_count(shape), sizeof **values);
	if (!*values)
		return LACUNA_ENOMEM;
	for (int t = 0; t < PAGES; t++)
		for (int c = 0; c < PAGE_C; c++)
			for (int y = 0; y < PAGE_H; y++)
				for (int x = 0; x < PAGE_W; x++)
					(*values)[i++] = (float)page(file, t, c, x, y);
	return LACUNA_OK;
}

/* Halfway between two examples of hundreds of values, the nearer one has the weight that their distances say.  All examples
 * are there: those of a second file, of other pages, of all channels. */
static void test_pages(void)
{
	static const struct {
		int file, t;
	} pairs[] = { { 0, 0 }, { 0, 2 }, { 1, 0 }, { 1, 2 } };
	static double example[4][PAGE_N];
	static float u[PAGE_N], x0[PAGE_N];
	struct lacuna_problem problem = { .size = sizeof problem,
					  .x = { { PAGE_W, PAGE_H, PAGE_C, 1 } } };
	struct host_context context = { .key = { 1, 0, 0 } };
	const struct lacuna_prior *p;
	const double sigma = 3;
	struct lacuna_host host;
	struct plugin_use use;
	void *self, *scratch;
	char spec[240];
	double worst = 0;

	lab_file("one.tif", "1\n");
	snprintf(spec, sizeof spec, "empirical:directory=%s", lab_file("two.tif", "1\n"));
	*strrchr(spec, '/') = '\0';
	problem.y = problem.x;
	host_install_reader(read_pages);
	host_init(&host, &context);
	if (use_parse(LACUNA_PRIOR, spec, &use))
		lab_bail(spec);
	p = &use.plugin->u.prior;
	if (p->create(&host, use.config, &problem, &self))
		lab_bail(spec);
	scratch = memory_alloc(p->scratch(self));
	for (int k = 0; k < 4; k++)
		for (int i = 0; i < PAGE_N; i++)
			example[k][i] = page(pairs[k].file, pairs[k].t, i / (PAGE_W * PAGE_H),
					     i % PAGE_W, i / PAGE_W % PAGE_H);
	for (int k = 1; k < 4; k++) {
		double nearer = 0, farther = 0, share;

		for (int i = 0; i < PAGE_N; i++) {
			u[i] = (float)(0.505 * example[k][i] + 0.495 * example[k - 1][i]);
			nearer += pow((double)u[i] - example[k][i], 2);
			farther += pow((double)u[i] - example[k - 1][i], 2);
		}
		/* far enough apart that other examples do not count */
		share = 1 / (1 + exp((nearer - farther) / (2 * sigma * sigma / 100)));
		if (p->denoise(self, scratch, sigma / 10, u, x0))
			lab_bail("denoise");
		for (int i = 0; i < PAGE_N; i++)
			worst = fmax(worst, fabs((double)x0[i] - share * example[k][i] -
						 (1 - share) * example[k - 1][i]));
	}
	ok(worst < 1e-4, "pages and channels of two files, in pairs: the softmax (%.0e)", worst);
	p->destroy(self);
	memory_release(scratch);
	use_free(&use);
}

/* An operator that mixes points is refused, however small its gain. */
static void test_mixing(double gain)
{
	const struct lacuna_shape x = { { D, 6, 1, 1 } };
	const struct session_options options = { .seed = 1 };
	struct plugin_use op[2], use, guidance, sampler;
	struct problem *problem;
	struct session *session = NULL;
	static float y[6 * D];
	char spec[40];

	snprintf(spec, sizeof spec, "identity:gain=%g", gain);
	if (use_parse(LACUNA_OPERATOR, "blur:sigma=0.7,boundary=periodic", &op[0]) ||
	    use_parse(LACUNA_OPERATOR, spec, &op[1]) || use_parse(LACUNA_PRIOR, prior, &use) ||
	    use_parse(LACUNA_GUIDANCE, "exact", &guidance) ||
	    use_parse(LACUNA_SAMPLER, "ode", &sampler) || problem_create(op, 2, 0, &x, &problem) ||
	    problem_measure(problem, y, 0.1, NULL))
		lab_bail(spec);
	ok(session_create(problem, &use, &guidance, &sampler, &options, &session) ==
		   LACUNA_EUNSUPPORTED,
	   "%s: an operator that mixes points is refused", spec);
	session_destroy(session);
	problem_destroy(problem);
	use_free(&sampler);
	use_free(&guidance);
	use_free(&use);
	use_free(&op[1]);
	use_free(&op[0]);
}

/* Of a directory only TIFF files are read: they give the examples of test_tiles() with stride 1. */
static void test_directory(void)
{
	char spec[240];
	struct lab_plan plan = { .x = { { 3, 2, 1, 1 } },
				 .op = "identity",
				 .prior = spec,
				 .guidance = "none",
				 .sampler = "ode:steps=2",
				 .noise = 0.1 };
	struct lab lab;
	float u[6], x0[6];
	double error = 0;

	snprintf(spec, sizeof spec, "empirical:directory=%s,stride=1", tiles_directory);
	lab_open(&lab, &plan);
	for (int i = 0; i < 6; i++)
		u[i] = (float)picture(2 + i % 3, 1 + i / 3) + 0.002f * (float)(i % 3 - 1);
	if (session_estimate(lab.session, 0.01, 0, u, x0))
		lab_bail("estimate");
	for (int i = 0; i < 6; i++)
		error = fmax(error, fabs((double)x0[i] - picture(2 + i % 3, 1 + i / 3)));
	ok(error < 1e-5, "directory=: the tiles of its TIFFs (%.0e)", error);
	lab_close(&lab);
}

static void test_tiles(int stride)
{
	enum { W = 6, H = 4, TILE_W = 3, TILE_H = 2 };
	char spec[200];
	struct lab_plan plan = { .x = { { TILE_W, TILE_H, 1, 1 } },
				 .op = "identity",
				 .prior = spec,
				 .guidance = "none",
				 .sampler = "ode:steps=2",
				 .noise = 0.1 };
	const int sx = stride ? stride : TILE_W, sy = stride ? stride : TILE_H;
	struct lab lab;
	int wrong = 0;

	snprintf(spec, sizeof spec, "empirical:file=%s,stride=%d", lab_file_begin("tiles.tif"),
		 stride);
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			lab_print("%.9g%s", picture(x, y), x + 1 < W ? " " : "\n");
	lab_file_end();
	snprintf(tiles_directory, sizeof tiles_directory, "%s", strchr(spec, '=') + 1);
	*strrchr(tiles_directory, '/') = '\0';
	lab_open(&lab, &plan);
	for (int top = 0; top + TILE_H <= H; top++)
		for (int left = 0; left + TILE_W <= W; left++) {
			float u[TILE_W * TILE_H], x0[TILE_W * TILE_H];
			double error = 0;

			for (int i = 0; i < TILE_W * TILE_H; i++)
				u[i] = (float)picture(left + i % TILE_W, top + i / TILE_W);
			if (session_estimate(lab.session, 0.01, 0, u, x0))
				lab_bail("estimate");
			for (int i = 0; i < TILE_W * TILE_H; i++)
				error = fmax(error, fabs((double)x0[i] - (double)u[i]));
			wrong += (error < 1e-5) != (left % sx == 0 && top % sy == 0);
		}
	lab_close(&lab);
	ok(wrong == 0, "stride=%d: the examples are the tiles (%d are not)", stride, wrong);
}

enum { CHAINS = 2000 };

/* Mean distance to the nearest example. */
static double run(const char *sampler, float *u)
{
	struct lab_plan plan = { .x = { { D, CHAINS, 1, 1 } },
				 .op = "identity",
				 .prior = prior,
				 .guidance = "none",
				 .sampler = sampler,
				 .noise = 0.5,
				 .options = { .seed = 4 } };
	struct lab lab;
	double sum = 0;

	lab_open(&lab, &plan);
	lab_run(&lab, 0, u);
	lab_close(&lab);
	for (int c = 0; c < CHAINS; c++) {
		double least = INFINITY;

		for (int i = 0; i < K; i++)
			least = fmin(least,
				     hypot(u[c * D] - points[i][0], u[c * D + 1] - points[i][1]));
		sum += least / CHAINS;
	}
	return sum;
}

static void test_memory(void)
{
	static float u[CHAINS * D];
	double count[K] = { 0 }, chi2 = 0;
	const double off = run("exp-integrator:steps=200,sigma_min=0.001,from=noise", u);

	for (int c = 0; c < CHAINS; c++) {
		int nearest = 0;

		for (int i = 1; i < K; i++)
			if (hypot(u[c * D] - points[i][0], u[c * D + 1] - points[i][1]) <
			    hypot(u[c * D] - points[nearest][0], u[c * D + 1] - points[nearest][1]))
				nearest = i;
		count[nearest]++;
	}
	for (int i = 0; i < K; i++)
		chi2 += pow(count[i] - (double)CHAINS / K, 2) / ((double)CHAINS / K);
	ok(off < 1e-4, "with the exact score samples are examples (mean distance %.1e)", off);
	ok(fabs(chi2 - (K - 1)) < 4.5 * sqrt(2.0 * (K - 1)),
	   "each example comes as often as any other (chi2 %.0f of %d)", chi2, K - 1);
}

/* Stopped at time e, the last state is on average sqrt(2 e) E|z| away; E|z| = sqrt(pi/2) in two dimensions. */
static void test_early_stopping(void)
{
	static const double stop[] = { 1e-6, 4e-6, 16e-6 };
	static float u[CHAINS * D];

	for (int k = 0; k < 3; k++) {
		char sampler[120];
		double off;

		snprintf(sampler, sizeof sampler,
			 "exp-integrator:steps=200,schedule=geometric,sigma_min=%.9g,finish=none,"
			 "from=noise",
			 sqrt(expm1(2 * stop[k])));
		off = run(sampler, u);
		ok(fabs(off / sqrt(pi * stop[k]) - 1) < 0.1,
		   "stopped at time %g: %.3e from the examples, sqrt(pi e) is %.3e", stop[k], off,
		   sqrt(pi * stop[k]));
	}
}

int main(void)
{
	test_tiles(0);
	test_tiles(1);
	test_tiles(2);
	test_directory();
	test_pages();
	write_points();
	test_mean("none", 3, 0.1);
	test_mean("none", 150, 0.1);
	test_mean("exact", 3, 0.1);
	test_mean("exact", 150, 0.05);
	test_weights(0, 1);
	test_weights(0.9, 1);
	test_mixing(1);
	test_mixing(0.001);
	test_memory();
	test_early_stopping();
	return tap_done();
}
