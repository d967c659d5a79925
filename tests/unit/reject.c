/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Outliers of single pixels: a hot pixel is found, a blurred star is not. */
#include <config.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "engine/problem.h"
#include "restore/reject.h"
#include "tests/tap.h"

#include <math.h>
#include <string.h>

enum { W = 40, H = 30, N = W * H };
static const struct lacuna_shape shape = { { W, H, 1, 1 } };

static void sky(float *y)
{
	random_gaussian((struct random_key){ 3, 0, 0 }, 0, 0, y, N);
	for (int i = 0; i < N; i++)
		y[i] = 100 + y[i];
}

static size_t found(const float *y, double ratio, double eagerness, size_t *first)
{
	size_t *list, count = 99;
	int status = reject_lone(&shape, y, ratio, eagerness, &list, &count);

	*first = !status && count ? list[0] : N;
	memory_release(list);
	return count;
}

/* One outlier in each of two planes. */
static void test_planes(void)
{
	static const struct lacuna_shape two = { { W, H, 2, 1 } };
	static float y[2 * N];
	size_t *list, count = 0;

	sky(y);
	sky(y + N);
	y[W * 3 + 4] = 500;
	y[N + W * 20 + 11] = -300;
	ok(!reject_lone(&two, y, 0.8, 8, &list, &count) && count == 2 && list[0] == W * 3 + 4 &&
		   list[1] == N + W * 20 + 11,
	   "every plane is looked at");
	memory_release(list);
}

/* The share of values that count as impulses where `every' value is `value'; size: side of squares of that value. */
static double impulses(int every, int size, float value)
{
	static float y[N];
	double at = NAN, part = NAN;
	int status;

	sky(y);
	for (int i = 0; i + (size - 1) * (W + 1) < N; i += every)
		for (int k = 0; k < size * size; k++)
			y[i + k % size + W * (k / size)] = value;
	status = reject_find_impulses(&shape, y, value > 100, &at, &part);
	ok(!status && (!(part > 0) || fabs(at - (double)value) <= 0),
	   "squares of %d px of %g at every %dth pixel: %g", size, (double)value, every, part);
	return part;
}

/* A few dozen pixels that are stuck, in a picture where they are less than one in 200; merged: so many have a neighbour. */
static double stuck(int merged)
{
	enum { SIDE = 100, AREA = SIDE * SIDE, COUNT = 24 };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	static float y[AREA];
	double at, part = NAN;

	random_gaussian((struct random_key){ 2, 0, 0 }, 0, 0, y, AREA);
	for (int i = 0; i < AREA; i++)
		y[i] = 100 + y[i];
	for (int i = 0; i < COUNT; i++) {
		y[SIDE * (4 * i + 2) + 7 * (i % 13) + 3] = 500;
		if (i < merged)
			y[SIDE * (4 * i + 2) + 7 * (i % 13) + 4] = 500;
	}
	return reject_find_impulses(&square, y, 1, &at, &part) ? NAN : part * AREA;
}

/* Lone values of which there are many beside an area of the same value: a third of the picture in all.  rows: of that area. */
static double third(int rows)
{
	static float y[N];
	double at, part = NAN;

	sky(y);
	for (int i = 0; i < N; i++)
		if (i / W < rows || (i % W + 2 * (i / W)) % 5 == 0)
			y[i] = 500;
	return reject_find_impulses(&shape, y, 1, &at, &part) ? NAN : part;
}

static void test_impulses(void)
{
	near(stuck(0), 24, 1e-6, "hot pixels are found");
	near(stuck(6), 0, 1e-6, "if some have neighbours, they may be stars");
	ok(fabs(impulses(31, 1, 500) - 39.0 / N) < 1e-9 &&
		   fabs(impulses(31, 1, 0) - 39.0 / N) < 1e-9,
	   "salt is found, and pepper");
	ok(!(impulses(301, 1, 500) > 0), "four may be anything");
	ok(!(impulses(31, 2, 500) > 0), "lights of several pixels are not lone");
	ok(!(impulses(31, 1, 104) > 0), "what noise can make is none");
	ok(!(impulses(2, 1, 500) > 0), "half of a picture is its scene");
	near(third(0), 0.2, 1e-6, "a fifth is impulses");
	near(third(4), 0, 1e-6, "with an area it is more than impulses are");
}

/* What is lone does not depend on how the picture lies, nor on the sign of its values. */
static void test_symmetry(void)
{
	enum { SIDE = 60, AREA = SIDE * SIDE };
	static const struct lacuna_shape square = { { SIDE, SIDE, 1, 1 } };
	/* Lone values within and on all borders, two of them at the end of a row and the beginning of the next; and pairs, which
	 * are not lone. */
	static const int lone[] = { SIDE * 7 + 9,
				    SIDE * 20,
				    SIDE * 12 + SIDE - 1,
				    25,
				    SIDE * (SIDE - 1) + 8,
				    SIDE * 31 + 30,
				    SIDE * 13,
				    AREA - 1 };
	static const int pairs[] = { SIDE * 15 + 20, SIDE * 26 + 11 };
	static float y[AREA], turned[AREA];
	int same = 1;

	random_gaussian((struct random_key){ 5, 0, 0 }, 0, 0, y, AREA);
	for (size_t k = 0; k < sizeof lone / sizeof *lone; k++)
		y[lone[k]] = k % 2 ? -300 : 300;
	for (size_t k = 0; k < 2; k++) {
		y[pairs[k]] = k ? 300 : -300;
		y[pairs[k] + (k ? SIDE : 1)] = k ? 280 : -280;
	}
	for (int turn = 0; turn < 16; turn++) {
		size_t *list = NULL, count = 0;
		int hit = 0;

		for (int i = 0; i < AREA; i++) {
			const int a = turn & 1 ? SIDE - 1 - i % SIDE : i % SIDE;
			const int b = turn & 2 ? SIDE - 1 - i / SIDE : i / SIDE;

			turned[turn & 4 ? SIDE * a + b : a + SIDE * b] = turn & 8 ? -y[i] : y[i];
		}
		same &= !reject_lone(&square, turned, 0.8, 8, &list, &count);
		for (size_t k = 0; k < count; k++)
			for (size_t l = 0; l < sizeof lone / sizeof *lone; l++) {
				const int x = lone[l] % SIDE, z = lone[l] / SIDE;
				const int a = turn & 1 ? SIDE - 1 - x : x;
				const int b = turn & 2 ? SIDE - 1 - z : z;

				hit += list[k] == (size_t)(turn & 4 ? SIDE * a + b : a + SIDE * b);
			}
		same &= count == sizeof lone / sizeof *lone && hit == (int)count;
		memory_release(list);
	}
	ok(same, "lone values are found wherever the picture's borders are, bright and dark");
}

/* The largest share of a point's light in a neighbouring pixel does not depend on the picture's shape. */
static void test_ratio(void)
{
	/* Of a Gaussian integrated over pixels. */
	const double edge = 0.5 / (0.7 * sqrt(2)), want = (erf(3 * edge) / erf(edge) - 1) / 2;

	for (int k = 0; k < 3; k++) {
		/* The last one is four times as high as wide, including what lies beyond the border. */
		const int64_t w = (int[]){ 36, 20, 4 }[k], h = (int[]){ 9, 20, 34 }[k];
		const struct lacuna_shape y = { { w, h, 1, 1 } };
		struct plugin_use blur;
		struct problem *p = NULL;
		double ratio = 0;

		ok(!use_parse(LACUNA_OPERATOR, "blur:sigma=0.7", &blur) &&
			   !problem_create(&blur, 1, 1, &y, &p) && !reject_ratio(p, &ratio),
		   "a blur of %d x %d", (int)w, (int)h);
		near(ratio, want, 1e-3, "the share of the neighbours");
		problem_destroy(p);
		use_free(&blur);
	}
}

int main(void)
{
	static float y[N];
	size_t first;

	sky(y);
	ok(found(y, 0.8, 8, &first) == 0, "noise has none");
	y[W * 7 + 9] = 500;
	ok(found(y, 0.8, 8, &first) == 1 && first == W * 7 + 9, "a hot pixel is found");
	y[W * 7 + 9] = -300;
	ok(found(y, 0.8, 8, &first) == 1 && first == W * 7 + 9, "a dead one, too");
	ok(found(y, 0.1, 8, &first) == 0, "not where a point stays a point");
	ok(found(y, 0.8, 1000, &first) == 0, "eagerness is obeyed");
	/* The distance of noise from the median of its neighbours has a deviation of 1.1 that of the noise, 1. */
	y[W * 7 + 9] = 107;
	ok(found(y, 0.8, 8, &first) == 0, "eight deviations are more than seven");
	y[W * 7 + 9] = 110.5f;
	ok(found(y, 0.8, 8, &first) == 1, "and less than ten");
	for (int k = 0; k < 5; k++)
		y[W * 7 + 8 + k % 3 + W * (k / 3)] = k == 1 ? 500 : NAN;
	ok(found(y, 0.8, 8, &first) == 1 && first == W * 7 + 9, "missing neighbours do not count");
	sky(y);
	for (int j = -3; j <= 3; j++)
		for (int i = -3; i <= 3; i++)
			y[W * (12 + j) + 20 + i] += (float)(400 * exp(-(i * i + j * j) / 4.5));
	ok(found(y, exp(-1 / 4.5), 8, &first) == 0, "a star is left alone");
	sky(y);
	y[0] = 900;
	y[N - 1] = 900;
	y[5] = NAN;
	ok(found(y, 0.8, 8, &first) == 2 && first == 0, "corners count, NaN does not");
	for (int i = 0; i < N; i += 7)
		y[i] = 900;
	ok(found(y, 0.8, 8, &first) == 0, "where there are many the kernel is wrong");
	test_impulses();
	test_planes();
	test_symmetry();
	test_ratio();
	threads_stop();
	return tap_done();
}
