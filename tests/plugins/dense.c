/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operators against dense matrices built from their responses to unit vectors.  The adjoint is the transpose; functions of
 * A'A act on its eigenvalues; solve() and diagonal() give the defined result; also with missing pixels and with noise that
 * differs between values.  Then the parameters' values: what each does to a pixel, by its formula. */
#include <config.h>

#include "../tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "engine/problem.h"
#include "plugin/host.h"

#include <lapacke.h>

enum { MOST = 160 }; /* values of x or y */
static const struct random_key key = { 17, 0, 0 };

/* "flat": 3x4, the last row is the sum of the others; small psfs without symmetry, or weights. */
static int read_image(const char *path, struct lacuna_shape *shape, float **values)
{
	static const float flat[] = { 1, 2, 0, 0.3f, 0.7f, -1, 1, 0.1f, 1.7f, 1, 1, 0.4f };
	static const float psf[] = { 0.1f, 0.4f, 0, 0.6f, 1, 0.3f };
	static const float soft[] = { 0, 0.5f, 1, 0.25f, 0.8f, 1 }; /* 3x2 */
	static const float comet[] = { 1, 0.2f, 0.3f, 0.2f, 0.6f };
	static const float corner[] = { 0.1f, 0.2f, 0.3f, 0.7f }; /* 2x2 */
	const int pages = !strcmp(path, "psfs") ? 6 : 1; /* each 2x2, without zeros or symmetry */
	const int is_psf = !strcmp(path, "psf"), is_comet = !strcmp(path, "comet");
	const int is_soft = !strcmp(path, "soft"), is_corner = !strcmp(path, "corner");
	const int w = pages > 1 || is_corner ? 2 : is_psf || is_soft ? 3 : is_comet ? 5 : 4;
	const int n = pages > 1 ? 24 : is_corner ? 4 : is_psf || is_soft ? 6 : is_comet ? 5 : 12;

	*shape = (struct lacuna_shape){ { w, n / w / pages, 1, pages } };
	*values = memory_alloc_array((size_t)n, sizeof **values);
	for (int i = 0; *values && i < n; i++)
		(*values)[i] = pages > 1   ? 0.1f + 0.3f * (float)(i * 7 % 5)
			       : is_psf	   ? psf[i]
			       : is_soft   ? soft[i]
			       : is_comet  ? comet[i]
			       : is_corner ? corner[i]
					   : flat[i];
	return *values ? LACUNA_OK : LACUNA_ENOMEM;
}

struct bench {
	struct plugin_use use[2];
	size_t uses;
	struct problem *problem;
	int nx, ny;
	double a[MOST * MOST];			   /* row-major */
	double values[MOST], vectors[MOST * MOST]; /* of A'A; one vector in each row */
	float y[MOST];
};

static void bail(const char *what)
{
	tap_bail("%s: %s", what, error_text());
}

static void fill_matrix(struct bench *b)
{
	static float x[MOST], column[MOST];

	for (int j = 0; j < b->nx; j++) {
		memset(x, 0, sizeof x);
		x[j] = 1;
		if (problem_apply(b->problem, x, column))
			bail("apply");
		for (int i = 0; i < b->ny; i++)
			b->a[i * b->nx + j] = (double)column[i];
	}
}

/* A'A and its eigenvalues. */
static void decompose(struct bench *b)
{
	memset(b->vectors, 0, sizeof b->vectors);
	for (int i = 0; i < b->nx; i++)
		for (int j = 0; j < b->nx; j++)
			for (int k = 0; k < b->ny; k++)
				b->vectors[i * b->nx + j] +=
					b->a[k * b->nx + i] * b->a[k * b->nx + j];
	/* LAPACK returns the vectors in columns, which are our rows; the matrix is symmetric. */
	if (LAPACKE_dsyev(LAPACK_COL_MAJOR, 'V', 'L', b->nx, b->vectors, b->nx, b->values))
		bail("LAPACK");
}

static void bench_close(struct bench *b)
{
	problem_destroy(b->problem);
	for (size_t i = 0; i < b->uses; i++)
		use_free(&b->use[i]);
	memset(b, 0, sizeof *b);
}

static void bench_open(struct bench *b, const char *first, const char *second, int w, int h, int c)
{
	const struct lacuna_shape known = { { w, h, c, 1 } };

	memset(b, 0, sizeof *b);
	b->uses = second ? 2 : 1;
	if (use_parse(LACUNA_OPERATOR, first, &b->use[0]) ||
	    (second && use_parse(LACUNA_OPERATOR, second, &b->use[1])) ||
	    problem_create(b->use, b->uses, 0, &known, &b->problem))
		bail(first);
	b->nx = (int)lacuna_count(problem_x(b->problem));
	b->ny = (int)lacuna_count(problem_y(b->problem));
	if (b->nx > MOST || b->ny > MOST)
		bail("too large");
}

/* Measures with missing pixels or with weights; with weights the matrix becomes W A. */
static void measure(struct bench *b, int missing, int weighted)
{
	static float weights[MOST];

	random_gaussian(key, 1, 0, b->y, (size_t)b->ny);
	for (int i = 0; i < b->ny; i++) {
		if (missing && i % 3 == 1)
			b->y[i] = NAN;
		weights[i] = 0.5f + 0.1f * (float)(i % 7);
	}
	if (problem_measure(b->problem, b->y, 0.1, NULL) ||
	    (weighted && problem_weigh(b->problem, weights)))
		bail("measure");
}

/* ---- functions of A'A ------------------------------------------------------------------------------------------------ */

static double inverse(double lambda, const void *context)
{
	return lambda > 1e-4 ? 1 / lambda : *(const double *)context;
}

static double damped(double lambda, const void *context)
{
	(void)context;
	return lambda / (lambda + 0.3);
}

static double steep(double lambda, const void *context)
{
	(void)context;
	return lambda / (lambda + 0.004);
}

static double noisy(double lambda, const void *context)
{
	(void)context;
	return sqrt(0.05 / (lambda + 0.05));
}

static double difference(int n, const float *got, const double *want)
{
	double worst = 0, size = 0;

	for (int i = 0; i < n; i++) {
		worst = fmax(worst, fabs((double)got[i] - want[i]));
		size = fmax(size, fabs(want[i]));
	}
	return worst / fmax(size, 1e-30);
}

/* out = gain(A'A) v */
static void dense_gain(const struct bench *b, lacuna_gain *gain, const void *context,
		       const float *v, double *out)
{
	memset(out, 0, (size_t)b->nx * sizeof *out);
	for (int l = 0; l < b->nx; l++) {
		const double *vector = b->vectors + l * b->nx;
		double inner = 0;

		for (int i = 0; i < b->nx; i++)
			inner += vector[i] * (double)v[i];
		inner *= gain(fmax(b->values[l], 0), context);
		for (int i = 0; i < b->nx; i++)
			out[i] += inner * vector[i];
	}
}

static double add_rho(double lambda, const void *rho)
{
	return 1 / (lambda + *(const double *)rho);
}

static void test_matrix(const char *first, const char *second, int w, int h, int c, const char *how)
{
	static struct bench b;
	static float v[MOST], got[MOST];
	static double want[MOST];
	const int missing = strstr(how, "missing") != NULL,
		  weighted = strstr(how, "weights") != NULL;
	const double rho = 0.02, zero = 0;
	/* inverse has a jump and is tested for closed forms only */
	lacuna_gain *const gains[] = { damped, noisy, steep, inverse };
	char name[200];
	int diagonal = 1;

	bench_open(&b, first, second, w, h, c);
	measure(&b, missing, weighted);
	fill_matrix(&b);
	decompose(&b);
	snprintf(name, sizeof name, "%s%s%s%s", first, second ? ", " : "", second ? second : "",
		 how);

	random_gaussian(key, 2, 0, v, (size_t)b.ny);
	memset(want, 0, sizeof want);
	for (int i = 0; i < b.ny; i++)
		for (int j = 0; j < b.nx; j++)
			want[j] += b.a[i * b.nx + j] * (double)v[i];
	if (problem_adjoint(b.problem, NULL, v, got))
		bail("adjoint");
	ok(difference(b.nx, got, want) < 1e-5, "%s: the adjoint is the transpose (%.0e)", name,
	   difference(b.nx, got, want));

	random_gaussian(key, 3, 0, v, (size_t)b.nx);
	for (int k = 0; k < (problem_has_closed_form(b.problem) ? 4 : 3); k++) {
		dense_gain(&b, gains[k], &zero, v, want);
		if (problem_spectral(b.problem, gains[k], &zero, v, got))
			bail("spectral");
		ok(difference(b.nx, got, want) < 2e-3, "%s: a function of A'A (%.0e)", name,
		   difference(b.nx, got, want));
	}
	dense_gain(&b, add_rho, &rho, v, want);
	for (int i = 0; i < b.nx; i++) /* an arbitrary first guess */
		got[i] = (float)(i % 5);
	if (problem_solve(b.problem, rho, v, got))
		bail("solve");
	ok(difference(b.nx, got, want) < 2e-4, "%s: solve (%.0e)", name,
	   difference(b.nx, got, want));

	for (int i = 0; i < b.nx; i++)
		for (int j = 0; j < b.nx; j++) {
			double sum = 0;

			for (int k = 0; k < b.ny; k++)
				sum += b.a[k * b.nx + i] * b.a[k * b.nx + j];
			if (i == j)
				want[i] = sum;
			else
				diagonal &= fabs(sum) < 1e-7;
		}
	if (!problem_diagonal(b.problem, got))
		ok(diagonal && difference(b.nx, got, want) < 1e-5, "%s: A'A is that diagonal",
		   name);
	else
		ok(!diagonal || missing || weighted || second, "%s: A'A is not diagonal", name);
	bench_close(&b);
}

static void test_matrices(void)
{
	static const struct {
		const char *first, *second;
		int w, h, c;
	} rows[] = {
		{ "identity", NULL, 6, 5, 1 },
		{ "identity:gain=0.3", NULL, 6, 5, 2 },
		{ "mask:keep=0.6,seed=3", NULL, 7, 6, 2 },
		{ "mask:columns=1+3-4,rows=2", NULL, 7, 6, 1 },
		{ "mask:file=soft,weights=yes", NULL, 3, 2, 2 },
		{ "gray", NULL, 5, 4, 3 },
		{ "gray:red=0.9,green=0.2,blue=0.5", NULL, 5, 4, 3 },
		{ "blur:sigma=0.7,boundary=periodic", NULL, 9, 8, 1 },
		{ "blur:psf=psf,boundary=periodic,normalize=no,background=keep", NULL, 8, 7, 1 },
		{ "blur:psf=psf,background=keep", NULL, 9, 8, 1 },
		{ "blur:psf=psf,background=keep", NULL, 6, 5, 2 },
		{ "downsample:factor=2", NULL, 8, 6, 2 },
		{ "downsample:factor=3", NULL, 9, 6, 1 },
		{ "downsample:factor=2,kernel=bilinear,boundary=periodic", NULL, 10, 8, 1 },
		{ "downsample:factor=2,kernel=gaussian,sigma=0.8,boundary=periodic,phase=1", NULL,
		  10, 8, 1 },
		{ "downsample:factor=2,psf=psf,normalize=no", NULL, 11, 8, 1 },
		{ "downsample:factor=2,psf=corner,normalize=no", NULL, 8, 6, 1 },
		{ "downsample:factor=1.5", NULL, 11, 9, 1 },
		{ "downsample:factor=5/3,factor_x=4/3", NULL, 11, 10, 1 },
		{ "downsample:factor_x=3,factor_y=2", NULL, 9, 6, 2 },
		{ "downsample:factor=1.5,kernel=bilinear", NULL, 11, 10, 1 },
		{ "varying-blur:psf=psfs,columns=3,normalize=no,centre=middle", NULL, 11, 8, 1 },
		{ "rows:period=4", NULL, 7, 9, 1 },
		{ "rows:period=5,lines=both", NULL, 8, 7, 2 },
		{ "matrix:rows=1 0.5 0;0 2 1;0.3 0 1", NULL, 6, 5, 1 },
		{ "matrix:file=flat", NULL, 8, 4, 1 },
		{ "matrix:rows=1 0 0;0 2 0", NULL, 6, 5, 1 },
		{ "rows:period=4,lines=columns", NULL, 9, 7, 1 },
		{ "exposures:shifts=0 0;0.5 -0.25,gains=1 0.5", NULL, 11, 10, 1 },
		{ "exposures:sigmas=0 0.3 0.2,gains=2 1 -0.5", NULL, 11, 10, 1 },
		{ "warp:rotate=20,scale=1.2,scale_x=0.8,shear=0.2,shift_x=1,shift_y=-0.7", NULL, 9,
		  8, 1 },
		{ "warp:rotate=-130,interpolation=linear", NULL, 9, 8, 2 },
		{ "flat:flat=soft", NULL, 3, 2, 2 },
		{ "bayer:pattern=grbg,red=2,green=0.5,blue=4", NULL, 6, 5, 3 },
		{ "fourier:keep=0.5,centre=0.3", NULL, 9, 8, 1 },
		{ "fourier:keep=0.6,centre=0,pattern=points,centred=no", NULL, 8, 5, 1 },
		{ "hadamard:keep=0.5", NULL, 8, 4, 2 },
		{ "radon:angles=5", NULL, 7, 6, 1 },
		{ "mask:keep=0.7,seed=4", "identity:gain=2", 7, 6, 1 },
		{ "blur:sigma=0.6,boundary=periodic", "mask:keep=0.7,seed=4", 8, 7, 1 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static const char *const how[] = { "", ", missing", ", weights",
						   ", weights, missing" };

		for (int k = 0; k < 4; k++)
			test_matrix(rows[i].first, rows[i].second, rows[i].w, rows[i].h, rows[i].c,
				    how[k]);
	}
}

/* Channels and frames that an operator treats alike: each is as if it were alone. */
static void test_planes(const char *spec, int w, int h, int channels, int alike)
{
	static struct bench b, one;
	static float x[MOST], y[MOST], back[MOST], some[MOST], part[MOST];
	const struct lacuna_shape stack = { { w, h, channels * alike, 2 } };
	double worst = 0;
	int nx, ny;

	bench_open(&one, spec, NULL, w, h, channels);
	nx = one.nx;
	ny = one.ny;
	memset(&b, 0, sizeof b);
	b.uses = 1;
	if (use_parse(LACUNA_OPERATOR, spec, &b.use[0]) ||
	    problem_create(b.use, 1, 0, &stack, &b.problem))
		bail(spec);
	if (2 * alike * nx > MOST || 2 * alike * ny > MOST)
		bail("too large");
	random_gaussian(key, 9, 0, x, (size_t)(2 * alike * nx));
	if (problem_apply(b.problem, x, y) || problem_adjoint(b.problem, NULL, y, back))
		bail(spec);
	for (int k = 0; k < 2 * alike; k++) {
		if (problem_apply(one.problem, x + k * nx, some) ||
		    problem_adjoint(one.problem, NULL, some, part))
			bail(spec);
		for (int i = 0; i < ny; i++)
			worst = fmax(worst, fabs((double)some[i] - (double)y[k * ny + i]));
		for (int i = 0; i < nx; i++)
			worst = fmax(worst, fabs((double)part[i] - (double)back[k * nx + i]));
	}
	ok(worst < 1e-6, "%s: each of %d planes as if alone (%.0e)", spec, 2 * alike, worst);
	bench_close(&b);
	bench_close(&one);
}

static void test_all_planes(void)
{
	static const struct {
		const char *spec;
		int w, h, channels, alike;
	} rows[] = {
		{ "identity:gain=0.3", 6, 5, 1, 2 },
		{ "mask:keep=0.6,seed=3", 6, 5, 1, 2 },
		{ "gray", 5, 4, 3, 1 },
		{ "bayer:red=2", 5, 4, 3, 1 },
		{ "blur:sigma=0.7,boundary=periodic", 6, 5, 1, 2 },
		{ "blur:psf=psf,background=keep", 6, 5, 1, 2 },
		{ "downsample:factor=2", 6, 6, 1, 2 },
		{ "downsample:factor=1.5", 9, 3, 1, 2 },
		{ "varying-blur:psf=psfs,columns=3,normalize=no,centre=middle", 7, 5, 1, 2 },
		{ "warp:rotate=10", 6, 5, 1, 2 },
		{ "rows:period=4", 6, 5, 1, 2 },
		{ "flat:flat=soft", 3, 2, 1, 2 },
		{ "fourier:keep=0.5,centre=0.3", 5, 3, 1, 2 },
		{ "hadamard:keep=0.5", 8, 4, 1, 2 },
		{ "radon:angles=5", 5, 4, 1, 2 },
		{ "matrix:rows=1 0.5 0;0 2 1", 6, 5, 1, 2 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		test_planes(rows[i].spec, rows[i].w, rows[i].h, rows[i].channels, rows[i].alike);
}

/* A matrix whose last row is the sum of the others has rank 2: a third singular value due to rounding does not count. */
static double any_inverse(double lambda, const void *context)
{
	(void)context;
	return lambda > 0 ? 1 / lambda : 0;
}

static void test_rank(void)
{
	static struct bench b;
	static float x[MOST], back[MOST], in_y[MOST], pulled[MOST], again[MOST];
	double worst = 0;

	bench_open(&b, "matrix:rows=0.1 0.2 0.7 0.3;0.7 -1.1 1.3 0.1;0.8 -0.9 2 0.4", NULL, 4, 3,
		   1);
	measure(&b, 0, 0);
	random_gaussian(key, 5, 0, x, 12);
	if (problem_apply(b.problem, x, in_y) || problem_adjoint(b.problem, NULL, in_y, pulled) ||
	    problem_spectral(b.problem, any_inverse, NULL, pulled, back) ||
	    problem_apply(b.problem, back, again))
		bail("rank");
	for (int i = 0; i < 9; i++)
		worst = fmax(worst, fabs((double)again[i] - (double)in_y[i]));
	ok(worst < 1e-4, "matrix: A A^+ A = A where the rank is not full (%.0e)", worst);
	bench_close(&b);
}

/* ---- weights and noise -------------------------------------------------------------------------------------------- */

static void test_weights(void)
{
	static struct bench b;
	static float weights[MOST], x[MOST], y[MOST], measured[MOST], diagonal[MOST];
	double sum = 0, count = 0, rms, worst = 0;
	const struct random_key noise_key = { 5, 0, 0 };

	bench_open(&b, "mask:keep=0.5,seed=2", NULL, 9, 8, 1);
	random_gaussian(key, 6, 0, x, 72);
	for (int i = 0; i < 72; i++)
		x[i] = 0.5f + 0.2f * x[i];
	if (problem_simulate(b.problem, x, 0.3, noise_key, y) ||
	    problem_measured(b.problem, measured))
		bail("simulate");
	for (int i = 0; i < 72; i++)
		worst = fmax(worst, measured[i] != 0 ? 0 : fabs((double)y[i]));
	ok(worst == 0, "what is masked has no noise");
	if (problem_measure(b.problem, y, 0.3, NULL) || problem_residual(b.problem, x, &rms))
		bail("residual");
	for (int i = 0; i < 72; i++)
		if (measured[i] != 0) {
			sum += pow((double)y[i] - (double)x[i], 2);
			count++;
		}
	near(rms, sqrt(sum / count), 1e-5, "the residual is that of the measured values");

	if (problem_diagonal(b.problem, diagonal))
		bail("diagonal");
	for (int i = 0; i < 72; i++)
		weights[i] = 0.25f + (float)(i % 4);
	for (int i = 0; i < 72; i++)
		b.y[i] = y[i];
	if (problem_measure(b.problem, b.y, 0.3, NULL) || problem_diagonal(b.problem, diagonal) ||
	    problem_weigh(b.problem, weights) || problem_diagonal(b.problem, diagonal))
		bail("weights");
	worst = 0;
	for (int i = 0; i < 72; i++) {
		const double m = measured[i] != 0, w = (double)weights[i];

		worst = fmax(worst, fabs((double)diagonal[i] - m * w * w));
		worst = fmax(worst, fabs((double)b.y[i] - (double)y[i] * w));
	}
	ok(worst < 1e-5, "weights: diagonal W^2, measurement W y, whatever was asked before");
	b.y[3] = INFINITY;
	ok(problem_measure(b.problem, b.y, 0.3, NULL) == LACUNA_EINVAL,
	   "infinite values are refused");
	bench_close(&b);
}

/* ---- effect of the operators on a pixel -------------------------------------------------------------------------- */

static double tone(double x, double exponent, double toe)
{
	const double f0 = pow(toe, exponent), f1 = pow(1 + toe, exponent);

	return x >= 0 ? (pow(x + toe, exponent) - f0) / (f1 - f0)
		      : exponent * pow(toe, exponent - 1) / (f1 - f0) * x;
}

static double full(double x, double level, double width)
{
	return x - width * log(1 + exp((x - level) / width));
}

/* Values of a curve, and its slope by differences of the formula. */
static void test_curve(const char *spec, double (*f)(double, double, double), double a, double b_)
{
	static struct bench b;
	static float x[MOST], y[MOST], ones[MOST], slope[MOST];
	double worst = 0, worst_slope = 0;

	bench_open(&b, spec, NULL, 10, 8, 1);
	for (int i = 0; i < 80; i++) {
		x[i] = (float)(-0.6 + 0.0251 * i);
		ones[i] = 1;
	}
	if (problem_apply(b.problem, x, y) || problem_adjoint(b.problem, x, ones, slope))
		bail(spec);
	for (int i = 0; i < 80; i++) {
		const double at = (double)x[i], h = 1e-5;
		const double want = (f(at + h, a, b_) - f(at - h, a, b_)) / (2 * h);

		worst = fmax(worst, fabs((double)y[i] - f(at, a, b_)));
		worst_slope = fmax(worst_slope, fabs((double)slope[i] - want) / (1 + fabs(want)));
	}
	ok(worst < 1e-5, "%s: its formula, below black too (%.0e)", spec, worst);
	ok(worst_slope < 1e-3, "%s: its slope (%.0e)", spec, worst_slope);
	bench_close(&b);
}

static void test_gray_weights(void)
{
	static struct bench b;
	static float x[MOST], y[MOST];

	bench_open(&b, "gray:red=0.9,green=0.2,blue=0.5", NULL, 2, 2, 3);
	random_gaussian(key, 8, 0, x, 12);
	if (problem_apply(b.problem, x, y))
		bail("gray");
	near((double)y[2], 0.9 * (double)x[2] + 0.2 * (double)x[6] + 0.5 * (double)x[10], 1e-6,
	     "gray: the stated weights");
	bench_close(&b);
}

static void test_matrix_file(void)
{
	static struct bench b;
	struct lacuna_shape shape;
	float *file;
	double worst = 0;

	bench_open(&b, "matrix:file=flat", NULL, 4, 1, 1);
	fill_matrix(&b);
	read_image("flat", &shape, &file);
	for (int i = 0; i < 12; i++)
		worst = fmax(worst, fabs(b.a[i] - (double)file[i]));
	ok(worst < 1e-6, "matrix: the file's rows are its rows");
	memory_release(file);
	bench_close(&b);
}

/* The position of a point of light after the blur: its maximum lies `moved' columns to the right. */
static void test_centre(const char *centre, int moved)
{
	static struct bench b;
	static float x[MOST], y[MOST];
	char spec[120];
	int peak = 0;

	snprintf(spec, sizeof spec, "blur:psf=comet,boundary=periodic,centre=%s", centre);
	bench_open(&b, spec, NULL, 12, 3, 1);
	memset(x, 0, sizeof x);
	x[12 + 6] = 1;
	if (problem_apply(b.problem, x, y))
		bail(spec);
	for (int i = 1; i < 36; i++)
		peak = y[i] > y[peak] ? i : peak;
	ok(peak == 12 + 6 + moved, "centre=%s of a comet: its head lies at %d", centre,
	   peak - 12 - 6);
	bench_close(&b);
}

/* Overlap of [-side/2, side/2] with the pixel at d. */
static double share(double side, int d)
{
	return fmax(fmin(side / 2, d + 0.5) - fmax(-side / 2, d - 0.5), 0) / side;
}

static void test_box(double width, double height)
{
	static struct bench b;
	static float x[MOST], y[MOST];
	char spec[120];
	double worst = 0;

	snprintf(spec, sizeof spec, "blur:kind=box,width=%g,height=%g,boundary=periodic", width,
		 height);
	bench_open(&b, spec, NULL, 11, 13, 1);
	memset(x, 0, sizeof x);
	x[11 * 6 + 5] = 1;
	if (problem_apply(b.problem, x, y))
		bail(spec);
	for (int j = 0; j < 13; j++)
		for (int i = 0; i < 11; i++)
			worst = fmax(worst, fabs((double)y[11 * j + i] -
						 share(width, i - 5) * share(height, j - 6)));
	ok(worst < 1e-5, "a box of %g x %g: each pixel's share (%.0e)", width, height, worst);
	bench_close(&b);
}

/* ---- kernels of downsample: the response to a point, in one row, against the formulas ---------------------------- */

static double triangle(double t, double sigma)
{
	(void)sigma;
	return fmax(1 - fabs(t), 0);
}

static double three_lobes(double t, double sigma)
{
	const double p = acos(-1) * t;

	(void)sigma;
	if (fabs(t) < 1e-9)
		return 1;
	return fabs(t) < 3 ? sin(p) / p * sin(p / 3) / (p / 3) : 0;
}

static double keys(double t, double sigma)
{
	t = fabs(t);
	(void)sigma;
	return t < 1   ? 1.5 * t * t * t - 2.5 * t * t + 1
	       : t < 2 ? -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2
		       : 0;
}

/* t in coarse pixels (of two fine pixels): mean over the area of a fine pixel. */
static double bell(double t, double sigma)
{
	return erf((2 * t + 0.5) / (sigma * sqrt(2))) - erf((2 * t - 0.5) / (sigma * sqrt(2)));
}

/* With factor 2, a fine pixel is half a fine pixel away from the middle of its block. */
static void test_resampling(const char *kernel, double (*f)(double, double), double sigma)
{
	enum { SIDE = 12 };
	static struct bench b;
	static float x[MOST], y[MOST];
	char spec[120];
	double weight[2 * SIDE], sum = 0, worst = 0;

	snprintf(spec, sizeof spec, "downsample:factor=2,boundary=periodic,kernel=%s", kernel);
	for (int i = 0; i < 2 * SIDE; i++) {
		weight[i] = f((i - SIDE + 0.5) / 2, sigma);
		sum += weight[i];
	}
	bench_open(&b, spec, NULL, SIDE, SIDE, 1);
	for (int k = 0; k < SIDE;
	     k++) { /* the answer of the small pixel 3, 3 to one row of light */
		double want = 0;

		memset(x, 0, sizeof x);
		for (int j = 0; j < SIDE; j++)
			x[k + SIDE * j] = 1;
		if (problem_apply(b.problem, x, y))
			bail(spec);
		for (int i = 0; i < 2 * SIDE; i++) /* distance from the middle of the block, 6.5 */
			if ((i - SIDE + 7 + 2 * SIDE) % SIDE == k)
				want += weight[i] / sum;
		worst = fmax(worst, fabs((double)y[3 + 6 * 3] - want));
	}
	ok(worst < 2e-5, "downsample, %s: its formula (%.0e)", kernel, worst);
	bench_close(&b);
}

int main(void)
{
	host_install_reader(read_image);
	test_matrices();
	test_all_planes();
	test_rank();
	test_weights();
	test_curve("gamma", tone, 1 / 2.2, 0.01);
	test_curve("gamma:exponent=1.8,toe=0.1", tone, 1.8, 0.1);
	test_curve("saturate", full, 0.9, 0.02);
	test_curve("saturate:level=0.5,width=0.15", full, 0.5, 0.15);
	test_gray_weights();
	test_matrix_file();
	test_box(4, 2.5);
	test_box(1.5, 5);
	test_centre("peak", 0);
	test_centre("centroid", -2);
	test_centre("middle", -2);
	test_resampling("bilinear", triangle, 0);
	test_resampling("bicubic", keys, 0);
	test_resampling("lanczos", three_lobes, 0);
	test_resampling("gaussian,sigma=0.8", bell, 0.8);
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
