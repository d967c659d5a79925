/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Offsets of rows and columns are found, and their size; edges, stripes, texture and noise are none. */
#include <config.h>

#include "base/random.h"
#include "restore/bands.h"
#include "tests/tap.h"

#include <math.h>

enum { W = 160, H = 128, N = W * H, LEAST = 32 /* columns that tell something */ };
static const struct lacuna_shape shape = { { W, H, 1, 1 } };
static const struct random_key key = { 6, 0, 0 };
static float y[2 * N], deviates[2 * N], offsets[W];

/* A scene with edges from top to bottom, texture, and noise of 0.02. */
static void scene(float *v)
{
	random_gaussian(key, 0, 0, deviates, 2 * N);
	random_gaussian(key, 1, 0, offsets, W);
	for (int i = 0; i < N; i++) {
		const int x = i % W, row = i / W;

		v[i] = (float)(0.4 + (x / 31 % 2 ? 0.2 : 0) + (x > 60 && x < 64 ? 0.3 : 0) +
			       (row > 64 ? 0.05 * sin(x * 1.9 + row * 0.4) : 0)) +
		       0.02f * deviates[i];
	}
}

static double found(const struct lacuna_shape *s, int columns)
{
	double deviation = NAN;

	return bands_find(s, y, columns, &deviation) ? NAN : deviation;
}

/* True if offsets are found in some group of columns of a flat scene that lie side by side. */
static int found_among(int columns)
{
	int any = 0;

	for (int from = 0; from + columns <= W; from += 7) {
		for (int i = 0; i < N; i++)
			y[i] = i % W < from || i % W >= from + columns + 2
				       ? NAN
				       : 0.5f + 0.02f * deviates[i] + 0.05f * offsets[i % W];
		any |= found(&shape, 1) > 0;
	}
	return any;
}

/* What is found in a flat scene if the first `rows' pixels of forty columns are missing. */
static double found_without(int from, int rows)
{
	for (int i = 0; i < N; i++)
		y[i] = i % W >= from && i % W < from + 40 && i / W < rows
			       ? NAN
			       : 0.5f + 0.02f * deviates[i] + 0.05f * offsets[i % W];
	return found(&shape, 1);
}

int main(void)
{
	static const struct lacuna_shape two = { { W, H, 2, 1 } }, small = { { 20, 20, 1, 1 } };
	double deviation;
	int differ = 0, some = 0;

	scene(y);
	ok(!(found(&shape, 0) > 0), "rows without offsets");
	ok(!(found(&shape, 1) > 0), "columns without offsets, edges along them");
	for (int i = 0; i < N; i++)
		y[i] += 0.02f * offsets[i % W];
	deviation = found(&shape, 1);
	near(deviation, 0.02, 0.006, "columns with offsets");
	ok(!(found(&shape, 0) > 0), "but not the rows");
	for (int i = 0; i < N; i++)
		if (i / W > 40 && i / W < 60 && i % W < 100)
			y[i] = NAN;
	near(found(&shape, 1), 0.02, 0.006, "missing values do not matter");
	for (int i = 0; i < N; i++)
		if (i / W >= H / 2)
			y[i] = NAN;
	ok(!(found(&shape, 1) > 0), "if half of each line is missing, nothing can be told");
	ok(!(found(&small, 1) > 0), "nor from a small picture");
	for (int from = 10; from < 100; from += 8) {
		const double part = found_without(from, H / 3), all = found_without(from, H);

		differ += part < all || part > all;
		some += part > 0;
	}
	ok(!differ && some, "columns without a first part are as if they were not there (%d, %d)",
	   differ, some);
	ok(!found_among(LEAST - 8), "few columns tell nothing");
	ok(found_among(LEAST + 12), "more do");
	for (int few = 0; few < 2; few++) {
		scene(y);
		for (int i = 0; i < N; i++)
			y[i] = i / W % (H / 4) < (few ? 4 : 12) ? y[i] + 0.1f * offsets[i % W]
								: NAN;
		ok(few == !(found(&shape, 1) > 0), "%s values in each quarter tell %s",
		   few ? "four" : "twelve", few ? "nothing" : "it");
	}

	scene(y);
	scene(y + N);
	for (int i = 0; i < N; i++)
		y[N + i] += 0.05f * offsets[i / W];
	near(found(&two, 0), 0.05, 0.01, "rows of the second channel");

	scene(y);
	for (int i = 0; i < N; i++)
		y[i] += 0.02f * offsets[i / W];
	near(found(&shape, 0), 0.02, 0.004, "rows with offsets");

	scene(y);
	for (int i = 0; i < N; i++)
		y[i] += 0.05f * sinf((float)(i % W) * 0.9f);
	ok(!(found(&shape, 1) > 0), "stripes are no offsets");
	for (int i = 0; i < N; i++)
		y[i] = 0.5f + 0.02f * deviates[i] + 0.05f * sinf((float)(i % W) * 0.84f);
	ok(!(found(&shape, 1) > 0), "nor in a flat scene");
	scene(y);
	for (int i = 0; i < N; i++)
		y[i] += i % W % 2 ? 0.03f : -0.03f;
	ok(!(found(&shape, 1) > 0), "nor is what alternates from column to column");
	scene(y);
	for (int i = 0; i < N; i++)
		y[i] += 0.06f * offsets[i / W < H / 2 ? i % W : W - 1 - i % W];
	ok(!(found(&shape, 1) > 0), "offsets that change on their way are the scene's");
	return tap_done();
}
