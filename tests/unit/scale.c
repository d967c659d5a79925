/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The inner scale follows the scene, and nothing else. */
#include <config.h>

#include "restore/scale.h"
#include "tests/tap.h"

#include <math.h>
#include <string.h>

enum { N = 40000 };

static int measured(const float *values, struct scale *scale)
{
	struct scale_sample sample = { 0 };
	int found = 0;

	if (!scale_sample_add(&sample, values, N, N))
		found = scale_measure(&sample, scale);
	scale_sample_free(&sample);
	return found;
}

static int close_to(double a, double b, double unit)
{
	return fabs(a - b) <= 1e-4 * unit;
}

static void scene(float *values, double offset, double factor)
{
	for (int i = 0; i < N; i++)
		values[i] = (float)(offset + factor * ((i * 7919) % N) / N);
}

/* The scale of a + b picture is a + b times the picture's. */
static void test_equivariant(void)
{
	static const double cases[][2] = {
		{ 0, 1e-12 }, { 100, 800 }, { -1024, 4095 }, { 0, 1e6 }
	};
	static float values[N];
	struct scale one, other;
	int good = 1;

	scene(values, 0, 1);
	ok(measured(values, &one) && one.black > -0.1 && one.black < 0 && one.white > 1 &&
		   one.white < 1.1,
	   "a ramp from 0 to 1 has a scale a little wider");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const double a = cases[i][0], b = cases[i][1];

		scene(values, a, b);
		good &= measured(values, &other) && close_to(other.black, a + b * one.black, b) &&
			close_to(other.white, a + b * one.white, b);
	}
	ok(good, "the scale follows offset and gain");
}

static void test_outliers(void)
{
	static float values[N];
	struct scale clean, spoilt;

	scene(values, 0, 1000);
	measured(values, &clean);
	values[17] = 1e6f;
	values[18] = -1e30f;
	values[19] = NAN;
	values[20] = INFINITY;
	ok(measured(values, &spoilt) && close_to(clean.black, spoilt.black, 10000) &&
		   close_to(clean.white, spoilt.white, 10000),
	   "hot pixels, NaN and infinities do not move it");
}

static void test_degenerate(void)
{
	static float values[N];
	struct scale scale;

	ok(!measured(values, &scale), "a picture of one value has none");
	values[5] = 1;
	ok(measured(values, &scale) && scale.white > scale.black, "one other value is a scene");
	for (int i = 0; i < N; i++)
		values[i] = NAN;
	ok(!measured(values, &scale), "nothing but NaN has none");
}

static void test_choice(void)
{
	static const struct scale unit = { .black = 0, .white = 1 };
	struct scale s = scale_choose(&unit, &(struct scale){ .black = 0.1, .white = 0.7 });

	ok(close_to(s.black, 0, 1) && close_to(s.white, 1, 1),
	   "a scene that fills its range stays");
	s = scale_choose(&unit, &(struct scale){ .black = 0.02, .white = 0.08 });
	ok(close_to(s.black, 0.02, 1) && close_to(s.white, 0.08, 1), "a dark one is stretched");
	s = scale_choose(&unit, &(struct scale){ .black = 0.1, .white = 40 });
	ok(close_to(s.black, 0, 1) && close_to(s.white, 1, 1),
	   "highlights beyond what was stated are not white");
	s = scale_choose(&unit, &(struct scale){ .black = -40, .white = 0.01 });
	ok(close_to(s.black, -0.25, 1) && close_to(s.white, 0.01, 1),
	   "nor are shadows far below it black");
	s = scale_choose(&unit, &(struct scale){ .black = 40, .white = 90 });
	ok(close_to(s.black, 40, 1) && close_to(s.white, 90, 1),
	   "a wrong statement is not followed");
}

/* A sky with many pixels at its darkest value has a known floor; a ramp has none. */
static void test_floor(void)
{
	static float values[N];
	struct scale scale;

	scene(values, 0, 1);
	measured(values, &scale);
	ok(scale.lowest < -1e300 && scale.highest > 1e300,
	   "a ramp tells of no floor and no ceiling");
	for (int i = 0; i < N; i++)
		values[i] = i % 20 ? 100 + (float)(i % 5) : (float)(100 + i % 1000);
	measured(values, &scale);
	ok(scale.lowest >= 100 && scale.lowest < 105 && scale.highest > 1e300,
	   "a dark sky is a floor");
	for (int i = 0; i < N; i++)
		values[i] = -values[i];
	measured(values, &scale);
	ok(scale.highest > -105 && scale.highest <= -100 && scale.lowest < -1e300,
	   "white paper is a ceiling");
}

/* y = zero + A (x - zero), with A 1 = ones, becomes A z on the inner scale. */
static void test_measurement(void)
{
	const float ones[] = { 1, 0.5f, 0 };
	const struct scale scale = { .black = 100, .white = 300 };
	const double zero = 50;
	float x[] = { 150, 250, 120 }, y[3], z[3];

	memcpy(z, x, sizeof x);
	for (int i = 0; i < 3; i++)
		y[i] = (float)(zero + ones[i] * (x[i] - zero));
	scale_enter(3, &scale, z);
	scale_measurement(3, zero, &scale, ones, y);
	ok(close_to(z[0], 0.25, 1) && close_to(y[0], z[0], 1) && close_to(y[1], 0.5 * z[1], 1) &&
		   close_to(y[2], 0, 1),
	   "a measurement follows its operator");
	scale_leave(3, &scale, z);
	ok(close_to(z[0], x[0], 1) && close_to(z[1], x[1], 1) && close_to(z[2], x[2], 1),
	   "to the inner scale and back");
}

/* A picture read in parts gives the sample of the whole, wherever it is cut. */
static void test_parts(void)
{
	static const size_t most[] = { 1, 7, 1000, 3000, N - 1, N, 2 * N };
	static float values[N];
	int same = 1;

	scene(values, 0, 1);
	values[3] = NAN;
	for (size_t k = 0; k < sizeof most / sizeof *most; k++)
		for (size_t rows = 1; rows < N; rows = 3 * rows + 4) {
			struct scale_sample whole = { 0 }, parts = { 0 };

			same &= !scale_sample_add(&whole, values, N, most[k]);
			for (size_t at = 0; at < N; at += rows)
				same &= !scale_sample_add_part(&parts, values + at,
							       N - at < rows ? N - at : rows, at, N,
							       most[k]);
			same &= whole.count == parts.count && whole.count <= most[k] &&
				!memcmp(whole.values, parts.values,
					whole.count * sizeof *whole.values);
			scale_sample_free(&whole);
			scale_sample_free(&parts);
		}
	ok(same, "a sample does not depend on the parts in which a picture is read");
}

/* Lights on one pixel in 200 belong to the scene; on one in 1000 they are outliers. */
static void test_tails(void)
{
	static float values[N];
	struct scale scale;

	for (int part = 200; part <= 1000; part += 800) {
		for (int i = 0; i < N; i++)
			values[i] = i % part == 7 ? 10 : (float)(i % 100) / 100;
		if (!measured(values, &scale))
			scale.white = NAN;
		ok(part == 200 ? scale.white > 10 : scale.white < 2,
		   "lights on one pixel in %d: white is %.2f", part, scale.white);
	}
}

/* Of n values, one in `part' is `far'; the others are a ramp from 0 to 1.  True when it is taken for a lump. */
static int has_lump_of(int n, int part, float far)
{
	static float values[N];
	struct scale_sample sample = { 0 };
	size_t kept = (size_t)n;
	double lumps[LUMPS_MOST] = { NAN };
	int found;

	scene(values, 0, 1);
	for (int i = 0; i < n; i += part) {
		values[i] = far;
		kept--;
	}
	found = !scale_sample_add(&sample, values, (size_t)n, (size_t)n) &&
		scale_sample_drop_lumps(&sample, lumps);
	ok(found ? found == 1 && fabs(lumps[0] - (double)far) <= 0 && sample.count == kept &&
			   sample.values[0] >= 0 && sample.values[kept - 1] <= 1
		 : sample.count == (size_t)n,
	   "%g at one pixel in %d of %d is %s", (double)far, part, n, found ? "left out" : "kept");
	scale_sample_free(&sample);
	return found;
}

static int has_lump(int part, float far)
{
	return has_lump_of(N, part, far);
}

static void test_lump(void)
{
	struct scale_sample two = { 0 };
	double values[LUMPS_MOST];

	ok(has_lump(10, -9999) && has_lump(10, 65535) && has_lump(400, -9999),
	   "many equal values far from the others are a lump");
	ok(has_lump(10, -2.1f) && !has_lump(10, -1.9f) && has_lump(10, 3.1f) && !has_lump(10, 2.9f),
	   "twice the range of the others is far");
	ok(!has_lump(1000, -9999), "a few are hot pixels");
	ok(!has_lump_of(256, 256, 65535) && !has_lump_of(15 * 64, 64, 65535) &&
		   has_lump_of(16 * 64, 64, 65535),
	   "a star in a small picture is none");
	ok(has_lump(2, -9999) && !has_lump(1, -9999), "a constant picture has none");
	for (int of_ten = 6; of_ten <= 9; of_ten += 3) {
		float mostly[400];
		struct scale_sample sample = { 0 };

		for (int i = 0; i < 400; i++)
			mostly[i] = i % 10 < of_ten ? 0 : 1000 + (float)i;
		ok(!scale_sample_add(&sample, mostly, 400, 400) &&
			   scale_sample_drop_lumps(&sample, values) == (of_ten < 9),
		   "%d of ten values alike are %s", of_ten, of_ten < 9 ? "a lump" : "the picture");
		scale_sample_free(&sample);
	}
	ok(!scale_sample_add(&two, (const float[]){ 0, 255, 255 }, 3, 3) &&
		   !scale_sample_drop_lumps(&two, values) && two.count == 3,
	   "nor has one of two values");
	scale_sample_free(&two);
}

/* A ramp from 1 to 3, with `far' values in turn at one pixel in 10; the number of lumps found must be `want'. */
static void lumps_of(const float *far, int count, int want, const char *name)
{
	static float values[N];
	struct scale_sample sample = { 0 };
	double lumps[LUMPS_MOST] = { NAN };
	int found, right = 1;

	scene(values, 1, 2);
	for (int i = 0; count && i < N / 10; i++)
		values[10 * i] = far[i % count];
	found = !scale_sample_add(&sample, values, N, N) ? scale_sample_drop_lumps(&sample, lumps)
							 : -1;
	for (int i = 0; i < found; i++)
		right &= fabs(lumps[i] - (double)far[i]) <= 0;
	ok(right && found == want, "%s: %d", name, found);
	scale_sample_free(&sample);
}

static void test_lumps(void)
{
	lumps_of((const float[]){ -9999, -4 }, 2, 2, "a code and a frame");
	lumps_of((const float[]){ -32768, -9999 }, 2, 2,
		 "two codes, of which one is in the other's range");
	lumps_of((const float[]){ -9999, 9999 }, 2, 2, "one below and one above");
	lumps_of((const float[]){ -32768, -9999, 65535 }, 3, 3, "three");
	lumps_of((const float[]){ -9999, 0.5f }, 2, 1, "a code and the darkest part of the scene");
	lumps_of((const float[]){ 0.5f, 2.5f }, 2, 0, "two parts of the scene");
}

int main(void)
{
	test_lump();
	test_lumps();
	test_parts();
	test_tails();
	test_equivariant();
	test_outliers();
	test_degenerate();
	test_choice();
	test_floor();
	test_measurement();
	return tap_done();
}
