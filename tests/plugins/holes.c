/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* hqs with masks.  With a white prior pixels are independent, so that the values in a hole have a closed form.  Near the rim
 * they are the prior's mean; in the middle of a deep hole the smooth guess, which counts as a measurement with standard
 * deviation 0.05.  And all rounds of a small picture whose pixels count with different weights, against a program for one
 * pixel. */
#include <config.h>

#include "lab.h"
#include "../tap.h"

enum { SIDE = 256, N = SIDE * SIDE };

static float scene[N], x[N];

/* A hole of this size in the middle of a picture of value 0.3, measured with this weight; the prior is N(0.7, 0.1^2). */
static void fill(int size, double weight)
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

		lab_print("%g%s",
			  column < 0 || row < 0 || column >= size || row >= size ? weight : 0,
			  i % SIDE + 1 < SIDE ? " " : "\n");
		scene[i] = 0.3f;
	}
	lab_file_end();
	lab_open(&lab, &plan);
	lab_run(&lab, 0, x);
	lab_close(&lab);
}

/* ---- every round */

enum { W = 8, H = 6, CHANNELS = 3, PLANE = W * H };

struct rounds {
	const char *spec; /* steps and falling, as on the command line */
	int steps, falling, channels;
	double lambda, momentum, noise, sigma_max, sigma_min, texture;
};

/* Whole, weighted and missing pixels. */
static double weight_of(int i)
{
	static const double weights[] = { 1, 0.1, 0, 0.5, 0.8, 0, 0.3 };

	return weights[i % PLANE % 7];
}

/* The mean of the prior N(0.7, 0.1^2) given a value with this noise. */
static double shrink(double u, double sigma)
{
	return 0.7 + 0.01 / (0.01 + sigma * sigma) * (u - 0.7);
}

/* What the rounds make of pixels with diagonal d and pull b = A'y.  With a start image nothing is filled in. */
static void restore(const struct rounds *r, int n, const double *d, const double *b,
		    const float *start, double *z)
{
	static const struct random_key key = { 0, 0, 0 };
	static float first[N];
	double before[W * H * CHANNELS], sum = 0, count = 0, excess = 0;
	const double noise = fmax(r->noise, 1e-3), noise2 = noise * noise;

	/* The mean given the measurement and a state of level 50. */
	random_gaussian(key, 0, 0, first, (size_t)n);
	for (int i = 0; i < n; i++) {
		const double precision = 1 / 2500.0 + d[i] / noise2;
		const double u = 0.5 + 50 * (double)first[i];

		z[i] = start ? (double)start[i]
			     : shrink((u / 2500 + b[i] / noise2) / precision, 1 / sqrt(precision));
		before[i] = z[i];
	}
	for (int k = start ? 0 : r->steps - r->falling; k < r->steps; k++) {
		const int waiting = r->steps - r->falling, fall = k > waiting ? k - waiting : 0;
		const double t = r->falling > 1 ? fall / (r->falling - 1.0) : 1;
		const double level = r->sigma_max * pow(r->sigma_min / r->sigma_max, t);
		const double rho = r->lambda * noise2 / (level * level);

		for (int i = 0; i < n; i++) {
			const double ahead =
				z[i] + r->momentum * fall / (fall + 3.0) * (z[i] - before[i]);

			before[i] = z[i];
			z[i] = shrink((b[i] + rho * ahead) / (d[i] + rho), level);
		}
	}
	/* The mean of z and the measurement, by variances; z's is the largest of three. */
	for (int i = 0; i < n; i++)
		if (d[i] > 0) {
			sum += d[i] * pow(b[i] / d[i] - z[i], 2);
			count++;
		}
	excess = fmax(r->sigma_min * r->sigma_min, start ? 0 : sum / count) - noise2;
	for (int i = 0; i < n && excess > 1e-12; i++)
		if (d[i] > 0) {
			const double off = start ? 0 : pow(b[i] / d[i] - z[i], 2) - noise2 / d[i];
			const double own = 1 / fmax(excess, off), data = d[i] / noise2;

			z[i] = (data * b[i] / d[i] + own * z[i]) / (data + own);
		}
}

static void test_rounds(const struct rounds *r, int started)
{
	char op[160], sampler[160];
	struct lab_plan plan = { .x = { { W, H, r->channels, 1 } },
				 .op = op,
				 .prior = "gaussian:mean=0.7,amplitude=0.1,exponent=0",
				 .sampler = sampler,
				 .scene = scene,
				 .noise = r->noise };
	double d[W * H * CHANNELS], b[W * H * CHANNELS], want[W * H * CHANNELS], worst = 0;
	const int n = PLANE * r->channels;
	float start[W * H * CHANNELS];
	struct lab lab;

	snprintf(sampler, sizeof sampler, "hqs:%s", r->spec);
	snprintf(op, sizeof op, "mask:file=%s,weights=yes", lab_file_begin("weights.txt"));
	for (int i = 0; i < PLANE; i++)
		lab_print("%g%s", weight_of(i), i % W + 1 < W ? " " : "\n");
	lab_file_end();
	for (int i = 0; i < n; i++)
		scene[i] = (float)(0.7 + r->texture * sin(i * i));
	for (int i = 0; i < n; i++)
		start[i] = 0.4f + 0.01f * (float)i;
	if (started)
		plan.options.start = start;
	lab_open(&lab, &plan);
	for (int i = 0; i < n; i++) {
		d[i] = weight_of(i) * weight_of(i);
		b[i] = weight_of(i) * (double)lab.y[i];
	}
	lab_run(&lab, 0, x);
	lab_close(&lab);
	restore(r, n, d, b, started ? start : NULL, want);
	for (int i = 0; i < n; i++)
		worst = fmax(worst, fabs((double)x[i] - want[i]));
	ok(worst < 1e-5, "%s, noise %g, %d channels%s: each pixel by itself (%.0e)", sampler,
	   r->noise, r->channels, started ? ", with a start" : "", worst);
}

static void test_all_rounds(void)
{
	static const struct rounds rows[] = {
		{ "steps=4", 4, 4, 1, 0.4, 0.8, 0.02, 0.05, 0.02, 0.2 },
		{ "steps=6,falling=4,momentum=0.5", 6, 4, 1, 0.4, 0.5, 0.02, 0.05, 0.02, 0.2 },
		/* the last level is above the noise, and so are the residuals, or not */
		{ "steps=3", 3, 3, 1, 0.4, 0.8, 0.002, 0.05, 0.01, 0.2 },
		{ "steps=3", 3, 3, 1, 0.4, 0.8, 0.002, 0.05, 0.01, 0.005 },
		{ "steps=3,sigma_max=0.3,sigma_min=0.1", 3, 3, 1, 0.4, 0.8, 0.05, 0.3, 0.1, 0.2 },
		{ "steps=3,sigma_max=0.3,sigma_min=0.1", 3, 3, 1, 0.4, 0.8, 0.05, 0.3, 0.1, 0.8 },
		{ "steps=3,lambda=2", 3, 3, 1, 2, 0.8, 0.02, 0.05, 0.02, 0.1 },
		{ "steps=1", 1, 1, 1, 0.4, 0.8, 0.005, 0.05, 0.01, 0.2 },
		{ "steps=1,sigma_max=0.2,sigma_min=0.03", 1, 1, 1, 0.4, 0.8, 0.02, 0.2, 0.03, 0.2 },
		{ "steps=3", 3, 3, 2, 0.5, 0.8, 0.02, 0.05, 0.02, 0.2 },
		{ "steps=3", 3, 3, 3, 0.5, 0.8, 0.02, 0.05, 0.02, 0.2 },
		/* levels do not rise */
		{ "steps=3", 3, 3, 1, 0.4, 0.8, 0.4, 0.4, 0.4, 0.2 },
		/* less noise than is assumed at least */
		{ "steps=3", 3, 3, 1, 0.4, 0.8, 1e-4, 0.05, 0.01, 0.2 },
	};

	/* a start image is not filled, and begins at a higher level */
	static const struct rounds started[] = {
		{ "steps=1", 1, 1, 1, 0.4, 0.8, 0.02, 49.0 / 255, 0.02, 0.2 },
		{ "steps=4,falling=2", 4, 2, 1, 0.4, 0.8, 0.002, 49.0 / 255, 0.01, 0.2 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		test_rounds(&rows[i], 0);
	for (size_t i = 0; i < sizeof started / sizeof *started; i++)
		test_rounds(&started[i], 1);
}

int main(void)
{
	const double own = 1 / (0.1 * 0.1), guess = 1 / (0.05 * 0.05), data = 1 / (0.02 * 0.02);
	const int middle = SIDE / 2 * SIDE + SIDE / 2;

	fill(220, 1);
	near((double)x[middle], (own * 0.7 + guess * 0.3) / (own + guess), 1e-2,
	     "the middle of a deep hole: prior and guess, each with its variance");
	near((double)x[middle - 110], 0.7, 2e-3, "near the rim: the prior alone");
	/* The noise differs from pixel to pixel. */
	near((double)x[3 * SIDE + 3], (own * 0.7 + data * 0.3) / (own + data), 0.08,
	     "beside it: prior and measurement");
	fill(8, 1);
	near((double)x[middle], 0.7, 2e-3, "a small hole is the prior's");
	fill(220, 0.5);
	near((double)x[middle], (own * 0.7 + guess * 0.3) / (own + guess), 1e-2,
	     "weights do not change the guess");
	test_all_rounds();
	return tap_done();
}
