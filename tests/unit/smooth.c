/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise of a picture that is nearly all texture: the smooth part, one fiftieth, suffices to estimate it. */
#include <config.h>

#include "../tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "restore/noise.h"

enum { SIDE = 480 };

static float y[SIDE * SIDE];

/* Texture of standard deviation 0.1 except in a square of `smooth' pixels; noise in the whole picture. */
static void draw(int smooth, double sigma)
{
	static const struct random_key key = { 8, 0, 0 };
	static float z[SIDE * SIDE];

	random_gaussian(key, 0, 0, y, SIDE * SIDE);
	random_gaussian(key, 1, 0, z, SIDE * SIDE);
	for (int i = 0; i < SIDE * SIDE; i++) {
		const int quiet = i % SIDE >= 100 && i % SIDE < 100 + smooth && i / SIDE >= 200 &&
				  i / SIDE < 200 + smooth;

		y[i] = 0.5f + (quiet ? 0 : 0.1f * y[i]) + (float)sigma * z[i];
	}
}

static void test(int smooth, double sigma)
{
	const struct lacuna_shape shape = { { SIDE, SIDE, 1, 1 } };
	struct noise found;

	draw(smooth, sigma);
	if (noise_measure(&shape, y, &found))
		tap_bail("%s", error_text());
	ok(fabs(found.sigma / sigma - 1) < 0.1, "noise %g, a square of %d px is smooth: found %.4f",
	   sigma, smooth, found.sigma);
}

/* A part without noise, such as a painted border, is ignored; a column of missing values separates it. */
static void test_flat(double sigma)
{
	const struct lacuna_shape shape = { { SIDE, SIDE, 1, 1 } };
	struct noise found;

	draw(SIDE, sigma);
	for (int i = 0; i < SIDE * SIDE; i++)
		if (i % SIDE <= SIDE / 3)
			y[i] = i % SIDE < SIDE / 3 ? 0.5f : NAN;
	if (noise_measure(&shape, y, &found))
		exit(99);
	ok(fabs(found.sigma / sigma - 1) < 0.1, "noise %g, a third is painted: found %.4f", sigma,
	   found.sigma);
}

/* A kernel larger than the picture cannot be judged. */
static void test_wide(double width, int status)
{
	const struct lacuna_shape shape = { { SIDE, SIDE, 1, 1 } };
	struct noise_evidence e;
	struct problem *problem = NULL;
	struct plugin_use op;
	char spec[80];
	int got;

	snprintf(spec, sizeof spec, "blur:sigma=%g,boundary=periodic", width);
	draw(70, 0.01);
	if (use_parse(LACUNA_OPERATOR, spec, &op) || problem_create(&op, 1, 1, &shape, &problem))
		exit(99);
	got = noise_explain(problem, y, &e);
	ok(got == status, "%s: its evidence is %s", spec, status ? "not asked" : "found");
	problem_destroy(problem);
	use_free(&op);
}

int main(void)
{
	test_flat(0.01);
	test_wide(2, LACUNA_OK);
	test_wide(15, LACUNA_EUNSUPPORTED);
	test(70, 0.02);
	test(70, 0.005);
	test(120, 0.01);
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
