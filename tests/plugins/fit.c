/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* An operator finds its own parameters: the blur of a known image to 3 %, and that of an unknown scene with the spectrum of
 * photographs, wherever the search begins. */
#include <config.h>

#include "tests/tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "engine/problem.h"
#include "plugin/host.h"
#include "restore/fit.h"

enum { MOST = 2 };

/* The values found, in the order of the rows. */
struct found {
	int count;
	double told[MOST], values[MOST];
};

static void collect(void *context, const struct lacuna_param *row, double told, double value)
{
	struct found *f = context;

	(void)row;
	f->told[f->count] = told;
	f->values[f->count++] = value;
}

/* Dead leaves: squares of sizes s with density s^-3 cover each other.  Like photographs, such a picture looks alike at all
 * scales (Lee, Mumford and Huang 2001). */
static void draw_scene(int64_t w, int64_t h, float *x)
{
	static const struct random_key key = { 5, 0, 0 };
	enum { LEAVES = 900 };
	float *numbers = memory_alloc_array(LEAVES * 5, sizeof *numbers);

	random_gaussian(key, 0, 0, numbers, LEAVES * 5);
	for (int64_t i = 0; i < w * h; i++)
		x[i] = 0.5f;
	for (int k = 0; k < LEAVES; k++) {
		const float *n = numbers + (ptrdiff_t)k * 5;
		const double place_x = 0.5 * erfc(-(double)n[0] / sqrt(2));
		const double place_y = 0.5 * erfc(-(double)n[1] / sqrt(2));
		const double u = 0.5 * erfc(-(double)n[2] / sqrt(2));
		const double size = 3 / sqrt(1 - 0.9985 * u), turn = 3 * (double)n[4];
		const double c = cos(turn), s = sin(turn);

		for (int64_t i = 0; i < w * h; i++) {
			const double dx = (double)(i % w) - place_x * (double)w;
			const double dy = (double)(i / w) - place_y * (double)h;

			if (fabs(c * dx + s * dy) < size && fabs(c * dy - s * dx) < size)
				x[i] = (float)(0.5 + 0.15 * (double)n[3]);
		}
	}
	memory_release(numbers);
}

/* Measures the scene through `truth' with noise. */
static float *measure(const char *truth, const struct lacuna_shape *y, float **x, double noise)
{
	static const struct random_key key = { 6, 0, 0 };
	struct plugin_use use;
	struct problem *p = NULL;
	const struct lacuna_shape *xs;
	float *values = memory_alloc_array(lacuna_count(y), sizeof *values);

	if (use_parse(LACUNA_OPERATOR, truth, &use) || problem_create(&use, 1, 1, y, &p))
		tap_bail("%s: %s", truth, error_text());
	xs = problem_x(p);
	*x = memory_alloc_array(lacuna_count(xs), sizeof **x);
	draw_scene(xs->extent[0], xs->extent[1], *x);
	problem_simulate(p, *x, noise, key, values);
	problem_destroy(p);
	use_free(&use);
	return values;
}

static struct found fit_alone(const char *told, const struct lacuna_shape *shape, const float *y)
{
	struct found found = { 0 };
	struct fit_values values;
	struct plugin_use use;
	struct fit f;

	if (!ok(!use_parse(LACUNA_OPERATOR, told, &use) && !fit_find(&use, 1, &f), "%s is fitted",
		told))
		tap_bail("%s", error_text());
	if (!ok(!fit_to(&f, shape, y, 0), "%s: y tells it", told))
		diag("%s", error_text());
	/* As if another process had found them. */
	fit_get(&f, &values);
	fit_reset(&f);
	fit_set(&f, &values);
	fit_each(&f, collect, &found);
	ok((int)values.count == found.count, "all its parameters can be passed on");
	fit_free(&f);
	use_free(&use);
	return found;
}

/* The scene alone: y is of `truth', and each search begins elsewhere. */
static void test_alone(void)
{
	static const struct {
		const char *truth, *told[2];
		double value, accuracy;
	} cases[] = {
		{ "blur:sigma=2", { "blur:sigma=1.5,fit=yes", "blur:sigma=2.8,fit=yes" }, 2, 0.12 },
		{ "blur:kind=disk,radius=3",
		  { "blur:kind=disk,radius=2.2,fit=yes", "blur:kind=disk,radius=4.2,fit=yes" },
		  3,
		  0.03 },
	};
	static const struct lacuna_shape shape = { { 192, 160, 1, 1 } };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		float *x, *y = measure(cases[i].truth, &shape, &x, 0.005);
		const struct found a = fit_alone(cases[i].told[0], &shape, y);
		const struct found b = fit_alone(cases[i].told[1], &shape, y);

		near(a.values[0] / cases[i].value, 1, cases[i].accuracy, cases[i].truth);
		near(b.values[0] / a.values[0], 1, 0.005, "the same from another start");
		memory_release(x);
		memory_release(y);
	}
}

/* A long shake nearly along a row: the likelihood has many valleys, and that of the truth is 2 degrees wide. */
static void test_shake(void)
{
	static const struct lacuna_shape shape = { { 256, 256, 1, 1 } };
	float *x, *y = measure("blur:kind=motion,length=25,angle=4", &shape, &x, 0.005);
	const struct found f = fit_alone("blur:kind=motion,length=20,angle=0,fit=yes", &shape, y);

	near(f.values[0], 25, 2, "the length of a long shake");
	near(remainder(f.values[1] - 4, 180), 0, 1, "and its direction, near an axis");
	memory_release(x);
	memory_release(y);
}

/* Calls the operator itself, with the x that y was made of; values: as by fit_each(). */
static struct found fit_known(const char *truth, const char *told, double hole)
{
	static const struct lacuna_shape shape = { { 96, 80, 1, 1 } };
	struct found found = { 0 };
	struct plugin_use use;
	struct problem *p = NULL, *true_one = NULL;
	struct fit f;
	float *x, *y = measure(truth, &shape, &x, 0.01);
	struct plugin_use other;
	float *border;
	const struct lacuna_region *a, *b;

	for (size_t i = 0; i < lacuna_count(&shape); i++)
		if ((double)(i % 96) < hole)
			y[i] = NAN;
	use_parse(LACUNA_OPERATOR, told, &use);
	use_parse(LACUNA_OPERATOR, truth, &other);
	if (fit_find(&use, 1, &f) || problem_create(&use, 1, 1, &shape, &p) ||
	    problem_create(&other, 1, 1, &shape, &true_one))
		tap_bail("%s: %s", told, error_text());
	/* The border of x belongs to the kernel that is told. */
	a = problem_window(p);
	b = problem_window(true_one);
	border = memory_alloc_array(lacuna_count(problem_x(p)), sizeof *border);
	for (int64_t i = 0; i < (int64_t)lacuna_count(problem_x(p)); i++) {
		const int64_t w = problem_x(p)->extent[0], v = problem_x(true_one)->extent[0];
		const int64_t h = problem_x(true_one)->extent[1];
		const int64_t u = i % w - a->origin[0] + b->origin[0];
		const int64_t z = i / w - a->origin[1] + b->origin[1];

		border[i] = x[(u < 0	   ? 0
			       : u < v - 1 ? u
					   : v - 1) +
			      v * (z < 0       ? 0
				   : z < h - 1 ? z
					       : h - 1)];
	}
	if (!ok(!problem_fit(p, border, y, 0.01, use.config), "%s from x and y", told))
		diag("%s", error_text());
	fit_each(&f, collect, &found);
	problem_destroy(p);
	problem_destroy(true_one);
	fit_free(&f);
	use_free(&use);
	use_free(&other);
	memory_release(border);
	memory_release(x);
	memory_release(y);
	return found;
}

static void test_known(void)
{
	struct found f = fit_known("blur:sigma=2", "blur:sigma=1.4,fit=yes", 0);

	near(f.values[0] / 2, 1, 0.03, "sigma of a known image");
	f = fit_known("blur:sigma=2", "blur:sigma=2.8,fit=yes", 20);
	near(f.values[0] / 2, 1, 0.03, "sigma of a known image with missing values");
	f = fit_known("blur:kind=motion,length=7,angle=40",
		      "blur:kind=motion,length=5,angle=80,fit=yes", 0);
	near(f.values[0] / 7, 1, 0.03, "length of a shake");
	near(f.values[1], 40, 2, "and its direction");
	f = fit_known("blur:kind=motion,length=9,angle=126",
		      "blur:kind=motion,length=8,angle=40,fit=yes", 0);
	near(remainder(f.values[1] - 126, 180), 0, 2, "a shake across the direction that is told");
	f = fit_known("blur:kind=motion,length=7,angle=30",
		      "blur:kind=motion,length=6,angle=350,fit=yes", 0);
	near(f.values[1], 210, 2, "a direction near the end of its range, half a turn away");
	f = fit_known("blur:kind=box,width=6,height=3,boundary=periodic",
		      "blur:kind=box,width=4,height=5,boundary=periodic,fit=yes", 0);
	near(f.values[0] / 6, 1, 0.03, "width of a box, periodic");
	near(f.values[1] / 3, 1, 0.03, "and its height");
}

/* Each channel is compared with its own. */
static void test_known_channels(void)
{
	enum { WIDTH = 64, HEIGHT = 48, AREA = WIDTH * HEIGHT };
	static const char truth[] = "blur:sigma=2,boundary=periodic";
	static const char told[] = "blur:sigma=1.4,boundary=periodic,fit=yes";
	static const struct lacuna_shape two = { { WIDTH, HEIGHT, 2, 1 } };
	static float x[2 * AREA], y[2 * AREA];
	struct plugin_use true_one, use;
	struct problem *p = NULL, *q = NULL;
	struct found found = { 0 };
	struct fit f;

	draw_scene(WIDTH, HEIGHT, x);
	for (int i = 0; i < AREA; i++)
		x[AREA + i] = 1 - x[AREA - 1 - i];
	if (use_parse(LACUNA_OPERATOR, truth, &true_one) ||
	    problem_create(&true_one, 1, 0, &two, &p) ||
	    problem_simulate(p, x, 0.01, (struct random_key){ 6, 0, 0 }, y) ||
	    use_parse(LACUNA_OPERATOR, told, &use) || fit_find(&use, 1, &f) ||
	    problem_create(&use, 1, 0, &two, &q))
		tap_bail("%s", error_text());
	ok(!problem_fit(q, x, y, 0.01, use.config), "two channels");
	fit_each(&f, collect, &found);
	near(found.values[0] / 2, 1, 0.03, "tell the sigma of both");
	problem_destroy(p);
	problem_destroy(q);
	fit_free(&f);
	use_free(&use);
	use_free(&true_one);
}

static void refuse_fit(const char *told, const struct lacuna_shape *shape, const float *y,
		       int status, const char *part)
{
	struct plugin_use use;
	struct fit f;

	use_parse(LACUNA_OPERATOR, told, &use);
	ok(!fit_find(&use, 1, &f) && fit_to(&f, shape, y, 0) == status &&
		   strstr(error_text(), part),
	   "%s: %s", told, error_text());
	fit_free(&f);
	use_free(&use);
}

static void test_refusals(void)
{
	static const struct lacuna_shape large = { { 96, 80, 1, 1 } };
	static const struct lacuna_shape small = { { 20, 60, 1, 1 } };
	struct plugin_use uses[2];
	struct fit f;
	float *y = memory_alloc_array(lacuna_count(&large), sizeof *y);

	use_parse(LACUNA_OPERATOR, "blur:sigma=1.5,fit=yes", &uses[0]);
	use_parse(LACUNA_OPERATOR, "mask", &uses[1]);
	ok(fit_find(uses, 2, &f) == LACUNA_EINVAL && strstr(error_text(), "the last one"),
	   "an operator before the last is not fitted");
	fit_free(&f);
	use_free(&uses[1]);
	use_parse(LACUNA_OPERATOR, "blur:sigma=1.5", &uses[1]);
	ok(!fit_find(&uses[1], 1, &f) && !f.use, "by default nothing is free");
	fit_free(&f);
	ok(!fit_find(uses, 1, &f) && f.use == uses, "fit=yes frees sigma");
	fit_free(&f);
	use_free(&uses[0]);
	use_free(&uses[1]);
	refuse_fit("blur:fit=yes", &small, y, LACUNA_EUNSUPPORTED, "too small");
	for (size_t i = 0; i < lacuna_count(&large); i++)
		y[i] = 0.3f;
	refuse_fit("blur:fit=yes", &large, y, LACUNA_EUNSUPPORTED, "constant");
	refuse_fit("blur:fit=yes,sigma=0", &large, y, LACUNA_EINVAL, "\": fit=yes needs");
	refuse_fit("blur:fit=yes,centre_x=6", &large, y, LACUNA_EINVAL, "leave out centre_x");
	memory_release(y);
}

/* What one picture tells does not stay for the next. */
static void test_reset(void)
{
	static const struct lacuna_shape shape = { { 96, 80, 1, 1 } };
	float *x, *y = measure("blur:kind=disk,radius=3", &shape, &x, 0.005);
	struct found found = { 0 };
	struct plugin_use use;
	struct fit f;

	use_parse(LACUNA_OPERATOR, "blur:kind=disk,radius=2,fit=yes", &use);
	ok(!fit_find(&use, 1, &f) && !fit_to(&f, &shape, y, 0), "a disk is fitted");
	fit_each(&f, collect, &found);
	ok(found.values[0] > 2.5 && found.told[0] < 2.1, "both values are told");
	fit_reset(&f);
	found.count = 0;
	fit_each(&f, collect, &found);
	near(found.values[0], 2, 0, "after fit_reset() it is as the user said");
	fit_free(&f);
	use_free(&use);
	memory_release(x);
	memory_release(y);
}

int main(void)
{
	test_known();
	test_known_channels();
	test_alone();
	test_shake();
	test_refusals();
	test_reset();
	threads_stop();
	return tap_done();
}
