/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* hqs in holes.  With a white prior pixels are independent, so that the values in a hole have a closed form.  Near the rim
 * they are the prior's mean; in the middle of a deep hole the smooth guess, which counts as a measurement with standard
 * deviation 0.05. */
#include <config.h>

#include "lab.h"
#include "../tap.h"

enum { SIDE = 256, N = SIDE * SIDE };

static float scene[N], x[N];

/* A hole of this size in the middle of a picture of value 0.3; the prior is N(0.7, 0.1^2). */
static void fill(int size)
{
	char op[160];
	struct lab_plan plan = {
		.x = { { SIDE, SIDE, 1, 1 } },
		.op = op,
		.prior = "gaussian:mean=0.7,amplitude=0.1,exponent=0",
		.sampler = "hqs:steps=200,falling=0,lambda=1,sigma_max=0.3,sigma_min=0.01",
		.scene = scene,
		.noise = 0.02
	};
	struct lab lab;

	snprintf(op, sizeof op, "mask:file=%s,weights=yes", lab_file_begin("hole.txt"));
	for (int i = 0; i < N; i++) {
		const int column = i % SIDE - (SIDE - size) / 2, row = i / SIDE - (SIDE - size) / 2;

		lab_print("%d%s", column < 0 || row < 0 || column >= size || row >= size,
			  i % SIDE + 1 < SIDE ? " " : "\n");
		scene[i] = 0.3f;
	}
	lab_file_end();
	lab_open(&lab, &plan);
	lab_run(&lab, 0, x);
	lab_close(&lab);
}

int main(void)
{
	const double own = 1 / (0.1 * 0.1), guess = 1 / (0.05 * 0.05), data = 1 / (0.02 * 0.02);
	const int middle = SIDE / 2 * SIDE + SIDE / 2;

	fill(220);
	near((double)x[middle], (own * 0.7 + guess * 0.3) / (own + guess), 1e-2,
	     "the middle of a deep hole: prior and guess, each with its variance");
	near((double)x[middle - 110], 0.7, 2e-3, "near the rim: the prior alone");
	/* The noise differs from pixel to pixel. */
	near((double)x[3 * SIDE + 3], (own * 0.7 + data * 0.3) / (own + data), 0.08,
	     "beside it: prior and measurement");
	fill(8);
	near((double)x[middle], 0.7, 2e-3, "a small hole is the prior's");
	return tap_done();
}
