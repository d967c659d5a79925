/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The operators do what their manuals say: convolutions against the sum itself, kernels against their formulas, masks
 * against their parameters; refusals name the remedy.  (conformance.c checks adjoint() and spectral() against apply().) */
#include <config.h>

#include "tests/tap.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "engine/problem.h"
#include "plugin/host.h"

#include <stdlib.h>

enum { PSF_W = 6, PSF_H = 3 };

/* No symmetry; the sum is not 1. */
static double psf(int i, int j)
{
	return 0.1 + 0.05 * i + 0.3 * j * (i % 2) - 0.02 * i * j;
}

/* A star off the middle of its picture, on a background. */
enum { STAR = 15, STAR_X = 9, STAR_Y = 6 };

static double star(int i, int j)
{
	const int x = i - STAR_X, y = j - STAR_Y;

	return 400 + 2000 * exp(-(x * x + y * y) / 4.5);
}

/* "bead-W-X-Y-B": W x W pixels with a bead at (X, Y) tenths of a pixel, 10000 bright, on a background of B.  Its noise is that of
 * a camera, if there is a background. */
static const double bead_width = 1.5;

static int read_bead(const char *path, struct lacuna_shape *shape, float **values)
{
	int w, x, y, level;

	if (sscanf(path, "bead-%d-%d-%d-%d", &w, &x, &y, &level) != 4)
		return error_set(LACUNA_EIO, "%s: no such bead", path);
	*shape = (struct lacuna_shape){ { w, w, 1, 1 } };
	*values = memory_alloc_array((size_t)(w * w), sizeof **values);
	for (int i = 0; *values && i < w * w; i++) {
		const double d = hypot(i % w - 0.1 * x, i / w - 0.1 * y) / bead_width;
		const double noise = level ? 4 * sin(1e5 * sin(i + 1.0)) : 0;

		(*values)[i] = (float)(10000 * exp(-d * d / 2) + level + noise);
	}
	return *values ? LACUNA_OK : LACUNA_ENOMEM;
}

/* The star again, nearer to the rim, on a background of three levels around 400, which are equally frequent. */
static double uneven(int i, int j)
{
	const int x = i - 3, y = j - 7;

	return 400 + (x * x + y * y > 25 ? 40 * ((i * 5 + j * 7) % 3 - 1) : 0) +
	       2000 * exp(-(x * x + y * y) / 4.5);
}

/* Kernels with points, FIELD x FIELD.  hot: a lens's kernel and a hot pixel far from it; rim: that in the outermost row; ray: a
 * short track; stops: a shake with two stops; double: two exposures through a lens sharper than a pixel; broad: two through one
 * that is not. */
enum { FIELD = 21, FIELD_X = 7, FIELD_Y = 8 };
static const char *const fields[] = { "hot", "rim", "ray", "stops", "double", "broad" };
enum { HOT, RIM, RAY, STOPS, DOUBLE, BROAD, FIELDS };

static double lens(double x, double y, double sigma)
{
	return exp(-(x * x + y * y) / (2 * sigma * sigma));
}

static double field(int what, int i, int j)
{
	const int x = i - FIELD_X, y = j - FIELD_Y, dx = i - 17, dy = j - 15;

	switch (what) {
	case HOT:
		return lens(x, y, 1.5) + 2 * (!dx && !dy);
	case RIM:
		return lens(x, y, 1.5) + 2 * (!dx && j == FIELD - 1);
	case RAY:
		return lens(x, y, 1.5) + 0.7 * (abs(dx) < 2 && (dy == dx || dy == dx + 1));
	case STOPS:
		return (!x && !y) + 0.1 * (y == 0 && x >= 0 && x < 5) + 0.5 * (!dx && !dy);
	case DOUBLE:
		return lens(x, y, 0.5) + 0.5 * lens(dx - 0.5, dy - 0.5, 0.5);
	default:
		return lens(x, y, 1.5) + 0.3 * lens(dx, dy, 0.7);
	}
}

static int read_field(int what, struct lacuna_shape *shape, float **values)
{
	*shape = (struct lacuna_shape){ { FIELD, FIELD, 1, 1 } };
	*values = memory_alloc_array(FIELD * FIELD, sizeof **values);
	for (int i = 0; *values && i < FIELD * FIELD; i++)
		(*values)[i] = (float)field(what, i % FIELD, i / FIELD);
	return *values ? LACUNA_OK : LACUNA_ENOMEM;
}

/* White 4x3 pixels in colour, but the first is red and the second yellow. */
static int read_paint(struct lacuna_shape *shape, float **values)
{
	const int n = 12;

	*shape = (struct lacuna_shape){ { 4, 3, 3, 1 } };
	*values = memory_alloc_array((size_t)(3 * n), sizeof **values);
	if (!*values)
		return LACUNA_ENOMEM;
	for (int i = 0; i < 3 * n; i++)
		(*values)[i] = i != n && i != 2 * n && i != 2 * n + 1;
	return LACUNA_OK;
}

/* Files that people give as masks, of SHEET x SHEET pixels.
 * cells: numbers of squares of 3x3 pixels, on 0.  paint2: white, with a black and a gray square; worn: the same with a little
 * noise, as after JPEG.  brush: two soft strokes, bent.  copy: texture, with a black square. */
enum { SHEET = 64 };
static const char *const drawings[] = { "cells", "paint2", "worn", "brush", "copy" };
enum { CELLS, PAINT2, WORN, BRUSH, COPY, DRAWINGS };

static float draw(int what, int x, int y)
{
	const int column = x / 4, row = y / 4, square = x >= 8 && x < 20 && y >= 8 && y < 20;
	const int other = x >= 30 && x < 42 && y >= 30 && y < 42;
	const unsigned random = (unsigned)(x * 7919 + y * 104729) * 2654435761u >> 16;
	const double noise = random % 1000 / 1000.0 - 0.5;
	const double d = fabs(fmod(x - 4 * sin(y / 9.0) + 32, 32) - 16);

	switch (what) {
	case CELLS:
		return x % 4 == 3 || y % 4 == 3 ? 0 : (float)(1 + column + row * SHEET / 4) / 65535;
	case PAINT2:
		return square ? 0 : other ? 0.5f : 1;
	case WORN:
		return (float)fmin(fmax((square ? 0 : other ? 0.5 : 1) + 0.02 * noise, 0), 1);
	case BRUSH:
		return (float)fmin(fmax(1.05 - 1.1 * exp(-d * d / 72), 0), 1);
	default:
		return square ? 0 : (float)(0.5 + 0.4 * sin(x / 5.0) * cos(y / 7.0) + 0.1 * noise);
	}
}

static int read_drawing(int what, struct lacuna_shape *shape, float **values)
{
	*shape = (struct lacuna_shape){ { SHEET, SHEET, 1, 1 } };
	*values = memory_alloc_array(SHEET * SHEET, sizeof **values);
	for (int i = 0; *values && i < SHEET * SHEET; i++)
		(*values)[i] = draw(what, i % SHEET, i / SHEET);
	return *values ? LACUNA_OK : LACUNA_ENOMEM;
}

/* "WxH" gives a matrix of weights 0, 1/2, 1, 0 ...; "square" 2x2 equal ones; "psf", "star" and "paint" give what the functions above do. */
static int read_image(const char *path, struct lacuna_shape *shape, float **values)
{
	int is_uneven = !strcmp(path, "uneven");
	int is_star = is_uneven || !strcmp(path, "star"), is_psf = !strcmp(path, "psf"), i;
	int is_square = !strcmp(path, "square");
	int w = is_star ? STAR : PSF_W, h = is_star ? STAR : PSF_H;

	if (!strcmp(path, "paint"))
		return read_paint(shape, values);
	if (!strncmp(path, "bead", 4))
		return read_bead(path, shape, values);
	for (i = 0; i < DRAWINGS; i++)
		if (!strcmp(path, drawings[i]))
			return read_drawing(i, shape, values);
	for (i = 0; i < FIELDS; i++)
		if (!strcmp(path, fields[i]))
			return read_field(i, shape, values);
	if (!strcmp(path, "white")) {
		const int status = read_paint(shape, values);

		shape->extent[2] = 1;
		return status;
	}
	if (is_square)
		w = h = 2;
	else if (!is_psf && !is_star && sscanf(path, "%dx%d", &w, &h) != 2)
		return error_set(LACUNA_EIO, "%s: no such file", path);
	*shape = (struct lacuna_shape){ { w, h, 1, 1 } };
	*values = memory_alloc_array((size_t)(w * h), sizeof **values);
	for (i = 0; *values && i < w * h; i++)
		(*values)[i] = is_psf	   ? (float)psf(i % w, i / w)
			       : is_uneven ? (float)uneven(i % w, i / w)
			       : is_star   ? (float)star(i % w, i / w)
			       : is_square ? 1
					   : 0.5f * (float)(i % 3);
	return *values ? LACUNA_OK : LACUNA_ENOMEM;
}

/* ---- one operator on one random image */

struct bench {
	struct plugin_use use;
	struct problem *problem;
	struct lacuna_shape xs, ys;
	const struct lacuna_region *window;
	float *x, *y;
};

static void bench_close(struct bench *b)
{
	problem_destroy(b->problem);
	use_free(&b->use);
	memory_release(b->x);
	memory_release(b->y);
	memset(b, 0, sizeof *b);
}

static int bench_open(struct bench *b, const char *spec, int from_y, int64_t w, int64_t h,
		      int64_t channels)
{
	static const struct random_key key = { 3, 0, 0 };
	const struct lacuna_shape known = { { w, h, channels, 1 } };
	int status;

	memset(b, 0, sizeof *b);
	error_clear();
	status = use_parse(LACUNA_OPERATOR, spec, &b->use);
	if (!status)
		status = problem_create(&b->use, 1, from_y, &known, &b->problem);
	if (status)
		return status;
	b->xs = *problem_x(b->problem);
	b->ys = *problem_y(b->problem);
	b->window = problem_window(b->problem);
	b->x = memory_alloc_array(lacuna_count(&b->xs), sizeof(float));
	b->y = memory_alloc_array(lacuna_count(&b->ys), sizeof(float));
	random_gaussian(key, 0, 0, b->x, lacuna_count(&b->xs));
	return problem_apply(b->problem, b->x, b->y);
}

static void refused(const char *spec, int from_y, int64_t w, int64_t h, int64_t channels,
		    const char *message)
{
	struct bench b;
	int status = bench_open(&b, spec, from_y, w, h, channels);

	ok(status < 0 && strstr(error_text(), message), "%s on %dx%dx%d: \"%s\"", spec, (int)w,
	   (int)h, (int)channels, message);
	if (status >= 0 || !strstr(error_text(), message))
		diag("%d: %s", status, error_text());
	bench_close(&b);
}

/* ---- convolutions: y[p] = sum_j k[j] x[f p + s + c - j], p relative to the window */

struct expectation {
	int width, height;	   /* of the kernel */
	int cx, cy, factor, phase; /* f, s */
	double (*k)(int i, int j);
	int periodic;
};

static int64_t wrap(int64_t i, int64_t n)
{
	return (i % n + n) % n;
}

/* The largest deviation, or NaN if the sum reaches beyond the image. */
static double deviation(const struct bench *b, const struct expectation *e)
{
	const int64_t *xe = b->xs.extent, *ye = b->ys.extent, *origin = b->window->origin;
	double worst = 0;

	for (int64_t c = 0; c < ye[2]; c++)
		for (int64_t py = 0; py < ye[1]; py++)
			for (int64_t px = 0; px < ye[0]; px++) {
				double sum = 0;

				for (int j = 0; j < e->height; j++)
					for (int i = 0; i < e->width; i++) {
						int64_t qx = origin[0] + e->factor * px + e->phase +
							     e->cx - i;
						int64_t qy = origin[1] + e->factor * py + e->phase +
							     e->cy - j;

						if (e->periodic) {
							qx = wrap(qx, xe[0]);
							qy = wrap(qy, xe[1]);
						}
						if (qx < 0 || qy < 0 || qx >= xe[0] || qy >= xe[1])
							return NAN;
						sum += e->k(i, j) *
						       b->x[qx + xe[0] * (qy + xe[1] * c)];
					}
				worst = fmax(worst,
					     fabs(sum - b->y[px + ye[0] * (py + ye[1] * c)]));
			}
	return worst;
}

static double psf_sum(void)
{
	double sum = 0;

	for (int j = 0; j < PSF_H; j++)
		for (int i = 0; i < PSF_W; i++)
			sum += psf(i, j);
	return sum;
}

static double normalized_psf(int i, int j)
{
	return psf(i, j) / psf_sum();
}

static double box3(int i, int j)
{
	(void)i, (void)j;
	return 1.0 / 9;
}

/* Keys' cubic with a = -1/2, stretched by 2: eight values at distances 1/4, 3/4, ... in coarse pixels. */
static double cubic(int i)
{
	double t = fabs((i - 3.5) / 2);

	return (t < 1 ? 1.5 * t * t * t - 2.5 * t * t + 1
		      : -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2) /
	       2;
}

static double bicubic2(int i, int j)
{
	return cubic(i) * cubic(j);
}

static void test_convolution(const char *spec, int from_y, int64_t w, int64_t h, int64_t channels,
			     struct expectation e)
{
	struct bench b;
	double worst = NAN;
	int status = bench_open(&b, spec, from_y, w, h, channels);

	if (!status)
		worst = deviation(&b, &e);
	ok(worst < 1e-5, "%s is the sum written out (%dx%dx%d, off by %.1e)", spec, (int)w, (int)h,
	   (int)channels, worst);
	if (status)
		diag("%s", error_text());
	else if (!e.periodic)
		ok(b.window->extent[0] == b.ys.extent[0] * e.factor &&
			   b.window->extent[1] == b.ys.extent[1] * e.factor,
		   "%s: the window is the measured scene", spec);
	bench_close(&b);
}

static void test_convolutions(void)
{
	const struct expectation file = { PSF_W, PSF_H, 3, 1, 1, 0, normalized_psf, 0 };
	struct expectation e = file;

	test_convolution("blur:psf=psf", 1, 31, 18, 2, e);
	test_convolution("blur:psf=psf", 0, 40, 9, 1, e);
	test_convolution("blur:psf=psf", 1, 1, 1, 1, e);
	/* x, then y, ends with the first row of the second block of the transform */
	test_convolution("blur:psf=psf", 1, 31, 15, 1, e);
	test_convolution("blur:psf=psf", 1, 31, 17, 1, e);
	e.cx = 5;
	e.cy = 0;
	test_convolution("blur:psf=psf,centre_x=5,centre_y=0", 1, 31, 18, 1, e);
	e = file;
	e.periodic = 1;
	test_convolution("blur:psf=psf,boundary=periodic", 1, 31, 18, 3, e);
	test_convolution("blur:psf=psf,boundary=periodic", 1, 4, 2, 1,
			 e); /* larger than the image */
	e.k = psf;
	e.cx = 0;
	test_convolution("blur:psf=psf,boundary=periodic,centre_x=0,normalize=no", 1, 16, 9, 1, e);
	e = (struct expectation){ 3, 3, 1, 1, 1, 0, box3, 0 };
	test_convolution("blur:kind=box,width=3,height=3", 1, 20, 21, 1, e);

	e = (struct expectation){ 3, 3, 1, 1, 3, 1, box3, 0 };
	test_convolution("downsample:factor=3", 1, 7, 5, 3, e);
	e = file;
	e.factor = 2;
	test_convolution("downsample:factor=2,psf=psf", 1, 9, 11, 1, e);
	e.phase = 1;
	test_convolution("downsample:factor=2,psf=psf,phase=1", 1, 9, 11, 1, e);
	e.periodic = 1;
	e.factor = 3;
	test_convolution("downsample:factor=3,psf=psf,boundary=periodic", 1, 9, 11, 2, e);
	e = file;
	e.factor = 4;
	e.phase = 3; /* the kernel begins inside the block */
	test_convolution("downsample:factor=4,psf=psf,phase=3", 1, 9, 11, 1, e);
	e = (struct expectation){ 8, 8, 4, 4, 2, 0, bicubic2, 0 };
	test_convolution("downsample:factor=2,kernel=bicubic", 1, 9, 11, 1, e);
}

/* ---- kernels: the response to a point */

struct moments {
	double sum, x, y, xx, yy, xy, centre, largest;
	int values; /* number of nonzero values */
};

/* The response, in answer[], to a point in the middle of a 63x63 image. */
static struct moments point_answer(const char *spec, float *answer)
{
	struct moments m = { 0 };
	struct bench b;
	enum { N = 63, MIDDLE = 31 };

	if (bench_open(&b, spec, 1, N, N, 1)) {
		diag("%s", error_text());
		m.sum = NAN;
	} else {
		memset(b.x, 0, N * N * sizeof *b.x);
		b.x[MIDDLE * N + MIDDLE] = 1;
		problem_apply(b.problem, b.x, answer);
		for (int j = 0; j < N; j++)
			for (int i = 0; i < N; i++) {
				double v = fabs(answer[j * N + i]) < 1e-7 ? 0 : answer[j * N + i];

				m.sum += v;
				m.x += v * (i - MIDDLE);
				m.y += v * (j - MIDDLE);
				m.xx += v * (i - MIDDLE) * (i - MIDDLE);
				m.yy += v * (j - MIDDLE) * (j - MIDDLE);
				m.xy += v * (i - MIDDLE) * (j - MIDDLE);
				m.largest = fmax(m.largest, v);
				m.values += v != 0;
			}
		m.centre = answer[MIDDLE * N + MIDDLE];
	}
	bench_close(&b);
	return m;
}

#define POINT(spec) point_answer("blur:boundary=periodic," spec, answer)

/* The part of an Airy pattern's light beyond so many radii of the first dark ring. */
static double airy_beyond(double radii)
{
	const double v = 3.8317059702 * radii;

	return j0(v) * j0(v) + j1(v) * j1(v);
}

static void test_kernels(void)
{
	static const char *const all[] = {
		"kind=gaussian,sigma=0.4",     "kind=gaussian,sigma=3",
		"kind=disk,radius=0.3",	       "kind=disk,radius=5.5",
		"kind=box,width=4,height=2.5", "kind=motion,length=12.3,angle=-70",
		"kind=airy,zero=0.7",	       "kind=airy,zero=4"
	};
	static const char *const narrow[] = { "kind=gaussian,sigma=0", "kind=disk,radius=0",
					      "kind=disk,radius=0.5",  "kind=box,width=0,height=1",
					      "kind=motion,length=0",  "kind=motion,length=1",
					      "kind=airy,zero=0",      "kind=gaussian,sigma=0.05" };
	float *answer = memory_alloc_array(63 * 63, sizeof *answer);
	char spec[128];
	struct moments m;
	double far = 0;

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		snprintf(spec, sizeof spec, "blur:boundary=periodic,%s", all[i]);
		m = point_answer(spec, answer);
		ok(fabs(m.sum - 1) < 1e-5 && fabs(m.x) < 1e-4 && fabs(m.y) < 1e-4,
		   "%s: sum 1, about the centre", all[i]);
	}
	for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
		snprintf(spec, sizeof spec, "blur:boundary=periodic,%s", narrow[i]);
		m = point_answer(spec, answer);
		ok(fabs(m.centre - 1) < 1e-5 && m.values == 1, "%s is no blur", narrow[i]);
	}
	/* The pixel's square adds a variance of 1/12; the tails beyond 4 sigma are cut. */
	m = POINT("kind=gaussian,sigma=2");
	near(m.xx, 4 + 1.0 / 12, 0.01, "gaussian: variance along x");
	near(m.yy, 4 + 1.0 / 12, 0.01, "gaussian: variance along y");
	m = POINT("kind=gaussian,sigma=0.3");
	near(m.centre, pow(erf(0.5 / (0.3 * sqrt(2))), 2), 1e-3,
	     "narrow gaussian: its mass in the pixel");
	m = POINT("kind=disk,radius=5");
	near(m.centre, 1 / (acos(-1) * 25), 1e-5, "disk: height");
	near(m.xx, 25.0 / 4 + 1.0 / 12, 0.03, "disk: variance");
	m = POINT("kind=disk,radius=0.7");
	near(m.centre,
	     (acos(-1) * 0.49 - 4 * (0.49 * acos(0.5 / 0.7) - 0.5 * sqrt(0.24))) /
		     (acos(-1) * 0.49),
	     1e-4, "small disk: the centre's share");
	m = POINT("kind=box,width=4,height=1");
	near(m.centre, 0.25, 1e-6, "box: height");
	ok(m.values == 5, "box: 4 px wide, with half a pixel at each end");
	m = POINT("kind=motion,length=9,angle=0");
	near(m.centre, 1.0 / 9, 1e-6, "motion: 9 px along a row");
	ok(m.values == 9 && m.yy == 0, "motion: nine values, one row");
	m = POINT("kind=motion,length=9,angle=90");
	ok(m.values == 9 && m.xx == 0, "motion: nine values, one column");
	m = POINT("kind=motion,length=11,angle=45");
	ok(m.xy < 0, "motion: 45 degrees go up to the right, where y falls");
	m = POINT("kind=airy,zero=5");
	near(answer[31 * 63 + 31 + 5] / m.centre, 0, 4e-3, "airy: the first dark ring");
	near(answer[31 * 63 + 31 + 7] / m.centre, 0.0175, 2e-3, "airy: the first bright ring");
	/* Of the light of a whole Airy pattern 0.088 lies beyond twice the radius of the first dark ring, and 0.028 beyond six
	 * times, where the kernel ends (Born and Wolf 8.5.2, equation 18: J0^2 + J1^2). */
	m = POINT("kind=airy,zero=4");
	for (int i = 0; i < 63 * 63; i++)
		far += hypot(i % 63 - 31, i / 63 - 31) > 8 ? (double)answer[i] : 0;
	near(far, (airy_beyond(2) - airy_beyond(6)) / (1 - airy_beyond(6)), 0.01,
	     "airy: the light in outer rings");
	memory_release(answer);
}

/* A measured psf: the column of the response to a point, and the share of light far from it. */
static void star_answer(const char *spec, int *column, int *row, double *far)
{
	enum { SIDE = 41, MIDDLE = SIDE / 2 };
	struct bench b;
	double sum = 0;
	size_t peak = 0;

	*column = *row = -1;
	*far = 1;
	if (bench_open(&b, spec, 1, SIDE, SIDE, 1))
		return;
	memset(b.x, 0, lacuna_count(&b.xs) * sizeof *b.x);
	b.x[b.window->origin[0] + MIDDLE + b.xs.extent[0] * (b.window->origin[1] + MIDDLE)] = 1;
	if (!problem_apply(b.problem, b.x, b.y)) {
		for (size_t i = 0; i < SIDE * SIDE; i++)
			peak = b.y[i] > b.y[peak] ? i : peak;
		*column = (int)(peak % SIDE) - MIDDLE;
		*row = (int)(peak / SIDE) - MIDDLE;
		for (int i = 0; i < SIDE * SIDE; i++)
			if (hypot(i % SIDE - MIDDLE - *column, i / SIDE - MIDDLE - *row) > 5)
				sum += b.y[i];
		*far = sum;
	}
	bench_close(&b);
}

/* The response to a point must be the bead at this place, in pixels from the point. */
static void bead_answer(const char *spec, double x, double y, double most, const char *name)
{
	enum { SIDE = 61, MIDDLE = SIDE / 2 };
	struct bench b;
	double sum = 0, worst = 0;

	if (!ok(!bench_open(&b, spec, 1, SIDE, SIDE, 1), "%s", spec))
		return;
	memset(b.x, 0, lacuna_count(&b.xs) * sizeof *b.x);
	b.x[b.window->origin[0] + MIDDLE + b.xs.extent[0] * (b.window->origin[1] + MIDDLE)] = 1;
	problem_apply(b.problem, b.x, b.y);
	for (int i = 0; i < SIDE * SIDE; i++) {
		const double d = hypot(i % SIDE - MIDDLE - x, i / SIDE - MIDDLE - y) / bead_width;
		const double light = exp(-d * d / 2) / (2 * acos(-1) * bead_width * bead_width);

		worst = fmax(worst, fabs((double)b.y[i] - light));
		sum += (double)b.y[i];
	}
	near(sum, 1, 1e-5, "the light stays");
	near(worst * 2 * acos(-1) * bead_width * bead_width, 0, most, name);
	bench_close(&b);
}

/* A sharp kernel is not interpolated: each value of the answer is a quarter. */
static void test_square(void)
{
	enum { SIDE = 9 };
	struct bench b;
	int quarters = 0;

	if (!ok(!bench_open(&b, "blur:psf=square", 1, SIDE, SIDE, 1), "blur:psf=square"))
		return;
	memset(b.x, 0, lacuna_count(&b.xs) * sizeof *b.x);
	b.x[4 + b.xs.extent[0] * 4] = 1;
	problem_apply(b.problem, b.x, b.y);
	for (int64_t i = 0; i < (int64_t)lacuna_count(&b.ys); i++)
		quarters += fabsf(b.y[i] - 0.25f) < 1e-5f;
	ok(quarters == 4, "two pixels by two stay what they are (%d)", quarters);
	bench_close(&b);
}

static void test_beads(void)
{
	bead_answer("blur:psf=bead-21-100-100-0", 0, 0, 1e-5, "a bead on a pixel");
	bead_answer("blur:psf=bead-20-95-95-0", 0, 0, 0.01, "between pixels, even size");
	bead_answer("blur:psf=bead-21-104-98-0", 0, 0, 0.01, "beside the middle");
	bead_answer("blur:psf=bead-25-93-144-0", 0, 0, 0.01, "far from it, and between pixels");
	bead_answer("blur:psf=bead-25-144-120-0,centre=centroid", 0, 0, 0.01, "centre=centroid");
	bead_answer("blur:psf=bead-20-95-95-0,centre=middle", -0.5, -0.5, 1e-5, "centre=middle");
	bead_answer("blur:psf=bead-20-95-95-0,centre_x=9,centre_y=9", 0.5, 0.5, 1e-5,
		    "a centre that is stated");
	bead_answer("blur:psf=bead-20-95-95-0,centre_x=9", 0.5, 0, 0.01, "one that is half stated");
	bead_answer("varying-blur:psf=bead-20-95-95-0", 0, 0, 0.01, "varying-blur");
	bead_answer("blur:psf=bead-59-290-290-30", 0, 0, 0.01, "faint background, but much of it");
}

/* The background is the median of the rim: the star keeps its profile, which a wrong level would change. */
static void test_rim(void)
{
	enum { SIDE = 41, MIDDLE = SIDE / 2 };
	struct bench b;

	if (bench_open(&b, "blur:psf=uneven", 1, SIDE, SIDE, 1))
		return;
	memset(b.x, 0, lacuna_count(&b.xs) * sizeof *b.x);
	b.x[b.window->origin[0] + MIDDLE + b.xs.extent[0] * (b.window->origin[1] + MIDDLE)] = 1;
	if (!problem_apply(b.problem, b.x, b.y)) {
		const float *peak = b.y + MIDDLE * SIDE + MIDDLE;

		near((double)(peak[2] / peak[0]), exp(-4 / 4.5), 2e-3,
		     "a star on an uneven background: its profile");
		near((double)(peak[-2 * SIDE] / peak[0]), exp(-4 / 4.5), 2e-3, "and upwards");
	}
	bench_close(&b);
}

static void test_measured_psf(void)
{
	int column, row;
	double far;

	star_answer("blur:psf=star", &column, &row, &far);
	ok(column == 0 && row == 0, "a star off the middle does not move the picture");
	near(far, 0, 0.01, "its background is no light");
	star_answer("blur:psf=uneven", &column, &row, &far);
	ok(column == 0 && row == 0, "nor one near the rim");
	near(far, 0, 1e-6, "a background of several levels is no light");
	test_rim();
	star_answer("blur:psf=star,background=keep", &column, &row, &far);
	ok(far > 0.3, "background=keep");
	star_answer("blur:psf=star,centre=middle", &column, &row, &far);
	ok(column == STAR_X - STAR / 2 && row == STAR_Y - STAR / 2, "centre=middle");
	star_answer("blur:psf=star,centre=peak", &column, &row, &far);
	ok(column == 0 && row == 0, "centre=peak");
}

/* Light beside the brightest point of a kernel's answer, against that in the file. */
static void test_points(void)
{
	for (int what = 0; what < FIELDS; what++) {
		const int faulty = what <= RAY;
		double sum = 0, beside = 0, far;
		int column, row;
		char spec[64];

		for (int i = 0; i < FIELD * FIELD; i++) {
			const int x = i % FIELD, y = i / FIELD;
			const double v = field(what, x, y);

			sum += v;
			beside += hypot(x - FIELD_X, y - FIELD_Y) > 5 ? v : 0;
		}
		snprintf(spec, sizeof spec, "blur:psf=%s,centre=peak,background=keep",
			 fields[what]);
		star_answer(spec, &column, &row, &far);
		ok(faulty || fabs(far - beside / sum) < 1e-3, "%s: as in the file", fields[what]);
		snprintf(spec, sizeof spec, "blur:psf=%s,centre=peak", fields[what]);
		star_answer(spec, &column, &row, &far);
		near(far, faulty ? 0 : beside / sum, 0.005, fields[what]);
	}
}

/* ---- mask, gray */

/* Checks which pixels of a drawing are missing: those up to `most', or from `least' on. */
static void mask_of(const char *spec, int what, double least, double most, const char *name)
{
	struct bench b;
	int right = 0;

	if (!ok(!bench_open(&b, spec, 1, SHEET, SHEET, 1), "%s", spec))
		return;
	for (int i = 0; i < SHEET * SHEET; i++) {
		const double v = (double)draw(what, i % SHEET, i / SHEET);

		right += (b.y[i] == 0) == (v >= least && v <= most);
	}
	ok(right == SHEET * SHEET, "%s (%d of %d)", name, right, SHEET * SHEET);
	bench_close(&b);
}

static void test_drawings(void)
{
	mask_of("mask:file=cells,invert=yes", CELLS, 1e-6, 1, "each numbered segment is missing");
	mask_of("mask:file=cells,threshold=0.0001", CELLS, 0, 1e-4,
		"a threshold is taken as it is");
	mask_of("mask:file=paint2", PAINT2, 0, 0.9, "gray paint on white is missing");
	mask_of("mask:file=worn", WORN, 0, 0.7, "also after JPEG");
	mask_of("mask:file=brush", BRUSH, 0, 0.499999, "a soft stroke ends in its middle");
	mask_of("mask:file=brush,invert=yes", BRUSH, 0.500001, 1, "from outside, too");
	mask_of("mask:file=copy,threshold=0.01", COPY, 0, 0.01, "a threshold for a copy");
	refused("mask:file=cells", 1, SHEET, SHEET, 1, "say invert=yes, else threshold=T");
	refused("mask:file=copy", 1, SHEET, SHEET, 1, "looks like a picture, not like a mask");
	refused("mask:file=copy,invert=yes", 1, SHEET, SHEET, 1, "looks like a picture");
}

/* Boxes lie anywhere within the picture, also at its sides. */
static void test_boxes(void)
{
	int left = 0, right = 0, top = 0, bottom = 0, whole = 1;

	for (int seed = 0; seed < 60; seed++) {
		struct bench b;
		char spec[64];
		int kept = 0;

		snprintf(spec, sizeof spec, "mask:boxes=1,size=4,seed=%d", seed);
		if (bench_open(&b, spec, 1, 6, 6, 1))
			continue;
		for (int i = 0; i < 36; i++)
			kept += b.y[i] != 0;
		for (int i = 0; i < 6; i++) {
			left |= b.y[6 * i] == 0;
			right |= b.y[6 * i + 5] == 0;
			top |= b.y[i] == 0;
			bottom |= b.y[30 + i] == 0;
		}
		whole &= kept == 20;
		bench_close(&b);
	}
	ok(whole, "a box is whole");
	ok(left && right && top && bottom, "and may be at each side");
}

static int warnings;

static void count_warnings(void *context, int level, const char *text)
{
	(void)context;
	warnings += level == LACUNA_LOG_WARN && strstr(text, "are missing") != NULL;
}

static void test_mask(void)
{
	struct bench b, again;
	size_t n = 200 * 100, kept = 0, equal = 0;

	ok(!bench_open(&b, "mask:keep=0.3,seed=5", 1, 200, 100, 2), "mask:keep=0.3");
	for (size_t i = 0; i < n; i++) {
		kept += b.y[i] != 0;
		equal += (b.y[i] == 0 || b.y[i] == b.x[i]) && (b.y[i] == 0) == (b.y[n + i] == 0);
	}
	near((double)kept / (double)n, 0.3, 0.015, "it keeps that many");
	ok(equal == n, "values are kept or 0, the same in all channels");
	bench_open(&again, "mask:keep=0.3,seed=5", 1, 200, 100, 2);
	ok(!memcmp(b.y, again.y, 2 * n * sizeof *b.y), "the same seed, the same mask");
	bench_close(&again);
	bench_open(&again, "mask:keep=0.3,seed=6", 1, 200, 100, 2);
	ok(memcmp(b.y, again.y, 2 * n * sizeof *b.y), "another seed, another mask");
	bench_close(&again);
	bench_close(&b);

	bench_open(&b, "mask:boxes=1,size=7", 1, 40, 30, 1);
	kept = 0;
	for (size_t i = 0; i < 1200; i++)
		kept += b.y[i] != 0;
	ok(kept == 1200 - 49, "one box of 7x7 is missing");
	bench_close(&b);

	/* The file's weights are 0, 1/2, 1, 0, ... */
	bench_open(&b, "mask:file=4x3,weights=yes", 1, 4, 3, 1);
	ok(b.y[0] == 0 && b.y[1] == b.x[1] / 2 && b.y[2] == b.x[2], "weights of a file");
	bench_close(&b);
	bench_open(&b, "mask:file=4x3,weights=yes,invert=yes", 1, 4, 3, 1);
	ok(b.y[0] == b.x[0] && b.y[1] == b.x[1] / 2 && b.y[2] == 0, "inverted");
	bench_close(&b);
	bench_open(&b, "mask:file=4x3", 1, 4, 3, 1);
	ok(b.y[0] == 0 && b.y[1] == b.x[1] && b.y[2] == b.x[2], "black and white");
	bench_close(&b);
	bench_open(&b, "mask:file=4x3,invert=yes", 1, 4, 3, 1);
	ok(b.y[0] == b.x[0] && b.y[1] == b.x[1] && b.y[2] == 0, "white and black");
	bench_close(&b);
	bench_open(&b, "mask:file=4x3,threshold=1", 1, 4, 3, 1);
	ok(b.y[0] == 0 && b.y[1] == 0 && b.y[2] == b.x[2], "with a threshold");
	bench_close(&b);

	for (int channels = 1; channels <= 3; channels += 2) {
		bench_open(&b, "mask:file=paint", 1, 4, 3, channels);
		kept = 0;
		for (int i = 0; i < 12 * channels; i++)
			kept += i % 12 < 2 ? b.y[i] == 0 : b.y[i] == b.x[i] && b.y[i] != 0;
		ok(kept == 12 * (size_t)channels, "what is painted in any colour is missing");
		bench_close(&b);
	}
	bench_open(&b, "mask:file=paint,channels=yes", 1, 4, 3, 3);
	ok(b.y[0] == b.x[0] && b.y[12] == 0 && b.y[13] == b.x[13] && b.y[24] == 0 && b.y[25] == 0,
	   "channels=yes hides single colours");
	bench_close(&b);
	refused("mask:file=paint,channels=yes", 1, 4, 3, 1, "the mask is 4x3 with 3 channels");
	refused("mask:channels=yes,keep=0.5", 1, 5, 3, 1, "need file=MASK.tif");

	bench_open(&b, "mask:columns=0+2-3,rows=1", 1, 5, 3, 2);
	kept = 0;
	for (size_t i = 0; i < 30; i++)
		kept += (b.y[i] != 0) == ((i % 5 == 1 || i % 5 == 4) && i / 5 % 3 != 1);
	ok(kept == 30, "columns and rows are missing, in all channels");
	bench_close(&b);
	bench_open(&b, "mask:file=paint,channels=yes,columns=2", 1, 4, 3, 3);
	kept = 0;
	for (size_t i = 0; i < 36; i++)
		kept += i % 4 == 2 && b.y[i] == 0;
	ok(kept == 9, "a dead column is dead in all channels of a mask (%zu of 9)", kept);
	bench_close(&b);
	refused("mask:file=white", 1, 4, 3, 1, "the mask marks no pixel as missing");
	refused("mask:file=white,invert=yes", 1, 4, 3, 1, "the mask marks every pixel as missing");
	log_install(count_warnings, NULL);
	for (int few = 0; few < 2; few++) {
		warnings = 0;
		ok(!bench_open(&b, few ? "mask:file=4x3" : "mask:file=4x3,threshold=1", 1, 4, 3,
			       1) &&
			   warnings == !few,
		   "%s pixels missing: %d warnings", few ? "a third of the" : "two thirds of the",
		   warnings);
		bench_close(&b);
	}
	log_install(NULL, NULL);
	test_boxes();
	refused("mask:columns=5", 1, 5, 3, 1, "columns=5: give numbers from 0 to 4");
	refused("mask:rows=2-1", 1, 5, 3, 1, "rows=2-1: give numbers from 0 to 2");
	refused("mask:rows=1+", 1, 5, 3, 1, "rows=1+: give numbers");
	refused("mask:invert=yes,keep=0.5", 1, 5, 3, 1, "need file=MASK.tif");

	refused("mask", 1, 4, 3, 1,
		"give file=MASK.tif, value=NUMBER, keep=FRACTION, boxes=COUNT, columns=LIST");
	refused("mask:file=4x3", 1, 5, 3, 1, "the mask is 4x3 with 1 channels, the image 5x3");
	refused("mask:file=4x3,keep=0.5", 1, 4, 3, 1,
		"file= cannot be combined with keep= or boxes=");
}

static void test_gray(void)
{
	struct bench b;

	refused("gray:red=0,green=0,blue=0", 1, 5, 4, 1, "give one a weight");
	refused("matrix:rows=1 0.5 0;0 2 1", 0, 4, 3, 1,
		"the width 4 is not a multiple of 3, the columns of the matrix");
	refused("matrix:rows=1 0.5 0;0 2 1", 1, 5, 3, 1,
		"the width 5 is not a multiple of 2, the rows of the matrix");
	ok(!bench_open(&b, "gray", 1, 5, 4, 1), "gray");
	ok(b.xs.extent[2] == 3, "its image has three channels");
	near(b.y[7], 0.299 * b.x[7] + 0.587 * b.x[27] + 0.114 * b.x[47], 1e-6, "luminance");
	ok(b.window->extent[2] == 3, "its window has three channels");
	bench_close(&b);
	refused("gray", 1, 5, 4, 3, "the measurement has 3 channels");
	refused("gray", 0, 5, 4, 1, "give an RGB image");
}

/* ---- refusals */

static void test_refusals(void)
{
	refused("blur:sigma=2", 0, 16, 40, 1, "is smaller than the kernel of 17x17");
	refused("blur:psf=psf,centre_x=6", 1, 16, 40, 1, "the centre 6,-1 is outside the kernel");
	refused("blur:psf=1x1", 1, 16, 40, 1, "is zero; use normalize=no");
	refused("blur:psf=none", 1, 16, 40, 1, "none: no such file");
	refused("downsample:factor=4", 0, 18, 16, 1, "crop it to 16x16");
	refused("downsample:factor=2,kernel=bicubic", 0, 31, 32, 1, "crop it to 30x32");
	refused("downsample:factor=2,kernel=bicubic", 0, 6, 6, 1, "smaller than one block");
	refused("downsample:factor=2,phase=2", 1, 6, 6, 1, "phase=2 must be below factor=2");
}

int main(void)
{
	host_install_reader(read_image);
	test_convolutions();
	test_measured_psf();
	test_points();
	test_beads();
	test_square();
	test_kernels();
	test_mask();
	test_drawings();
	test_gray();
	test_refusals();
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
