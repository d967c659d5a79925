/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Missing values are found, and restored afterwards. */
#include <config.h>

#include "restore/missing.h"
#include "tests/tap.h"

#include <float.h>
#include <math.h>

static void test_declared(void)
{
	const struct missing_rule none = { .declared = 0, .nodata = 0 },
				  nan = { .declared = 1, .nodata = NAN },
				  zero = { .declared = 1, .nodata = 0 };
	const struct missing_rule low = { .declared = 1, .nodata = -3.4028235e38 },
				  rounded = { .declared = 1, .nodata = -3.40282e38 };
	const struct missing_rule plain = { .declared = 1, .nodata = -9999 },
				  written = { .declared = 1, .nodata = -9999.123 };

	const struct missing_rule both = {
		.declared = 1, .nodata = 0, .found = 1, .other = { -9999 }
	};

	ok(!missing_declared(&none, 0), "nothing is declared");
	ok(missing_declared(&both, 0) && missing_declared(&both, -9999) &&
		   !missing_declared(&both, 1),
	   "a value that is declared, and another");
	ok(missing_declared(&nan, NAN) && !missing_declared(&nan, INFINITY), "NaN");
	ok(missing_declared(&zero, 0) && !missing_declared(&zero, FLT_MIN), "zero");
	ok(missing_declared(&low, -FLT_MAX) && missing_declared(&rounded, -FLT_MAX),
	   "the lowest float, in whatever digits");
	ok(!missing_declared(&low, FLT_MAX), "not the highest");
	ok(missing_declared(&written, -9999.123F) && !missing_declared(&written, -9999.2F),
	   "a value that single precision has not");
	ok(missing_declared(&plain, -9999) && !missing_declared(&plain, -9998.9f) &&
		   !missing_declared(&plain, NAN),
	   "a number");
}

static void test_mark(void)
{
	const struct missing_rule rule = { .declared = 1, .nodata = -1 };
	float v[] = { 1, -1, NAN, INFINITY, -INFINITY, 2 };
	struct missing_count count;

	missing_mark(6, &rule, v, &count);
	ok(count.declared == 1 && count.nan == 1 && count.infinite == 2, "each is counted");
	ok(isnan(v[1]) && isnan(v[2]) && isnan(v[3]) && isnan(v[4]), "all are NaN");
	ok(v[0] > 0 && v[5] > 1, "others stay");
}

static void test_pixels(void)
{
	const struct lacuna_shape two = { { 2, 2, 2, 1 } };
	float v[] = { 7, 7, 1, 7, 7, 2, 7, NAN };

	ok(missing_mark_pixels(&two, 7, v) == 1 && isnan(v[0]) && isnan(v[4]),
	   "a pixel all of whose channels have the value");
	ok(v[1] > 6 && v[3] > 6 && v[6] > 6, "not one with another colour");
	ok(missing_mark_pixels(&two, NAN, v) == 1, "NaN is a value, too");
	for (int i = 0; i < 8; i++)
		v[i] = i % 4 < 3 ? -9999 : 7;
	v[6] = 0;
	ok(missing_mark_pixels(&two, -9999, v) == 2 && isnan(v[0]) && isnan(v[5]) && v[2] < 0,
	   "and so is one below 0");
}

static void test_put_back(void)
{
	const struct missing_rule rule = { .declared = 1, .nodata = -1 };
	const struct missing_return plain = { 0, 0 }, fill = { 1, 0 }, keep = { 0, 1 };
	const struct lacuna_shape small = { { 3, 1, 1, 1 } }, large = { { 6, 2, 1, 1 } };
	const float y[] = { -1, NAN, 7 };
	float x[12] = { 5, 5, 5 };

	missing_put_back(&rule, &fill, &small, y, &small, x);
	ok(x[0] > 0 && x[1] > 0, "filled");
	missing_put_back(&rule, &plain, &small, y, &small, x);
	ok(x[0] < 0 && x[1] > 0 && x[2] < 6, "nodata stays, NaN does not, values are not touched");
	missing_put_back(&rule, &keep, &small, y, &small, x);
	ok(isnan(x[1]), "NaN stays when asked for");
	for (int i = 0; i < 12; i++)
		x[i] = 5;
	missing_put_back(&rule, &plain, &small, y, &large, x);
	ok(x[0] < 0 && x[1] < 0 && x[7] < 0 && x[2] > 0,
	   "a larger picture takes the nearest value");
}

/* Each missing value has its own place in a larger picture, whatever the ratio of its sides. */
static void test_places(void)
{
	enum { W = 2, H = 5, FACTOR = 3, CHANNELS = 2 };
	const struct missing_rule rule = { .declared = 1, .nodata = -1 };
	const struct missing_return plain = { 0, 0 };
	const struct lacuna_shape small = { { W, H, CHANNELS, 1 } },
				  large = { { FACTOR * W, FACTOR * H, CHANNELS, 1 } };
	int wrong = 0;

	for (int k = 0; k < W * H * CHANNELS; k++) {
		float y[W * H * CHANNELS], x[W * H * CHANNELS * FACTOR * FACTOR];

		for (int i = 0; i < W * H * CHANNELS; i++)
			y[i] = i == k ? -1 : 7;
		for (size_t i = 0; i < sizeof x / sizeof *x; i++)
			x[i] = 5;
		missing_put_back(&rule, &plain, &small, y, &large, x);
		for (int i = 0; i < W * H * CHANNELS * FACTOR * FACTOR; i++) {
			const int column = i % (FACTOR * W) / FACTOR;
			const int row = i / (FACTOR * W) % (FACTOR * H) / FACTOR;
			const int channel = i / (FACTOR * FACTOR * W * H);

			wrong += (x[i] < 0) != (column + W * (row + H * channel) == k);
		}
	}
	ok(!wrong, "each missing value has its place: %d wrong", wrong);
}

int main(void)
{
	test_declared();
	test_mark();
	test_pixels();
	test_put_back();
	test_places();
	return tap_done();
}
