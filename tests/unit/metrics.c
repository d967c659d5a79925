/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* PSNR, NRMSE, largest difference and SSIM against their definitions, computed as plain sums. */
#include <config.h>

#include "../tap.h"

#include "base/memory.h"
#include "base/random.h"
#include "engine/metrics.h"

enum { W = 19, H = 14, C = 2, PLANE = W * H, N = PLANE * C };

static float a[N], b[N];

/* Wang et al. 2004, equation 13: window of 11x11, sigma 1.5, at all places where it fits into the image. */
static double similarity(const float *p, const float *q)
{
	double weight[121], total = 0, m[5] = { 0 };
	const double c1 = 0.0001, c2 = 0.0009;

	for (int i = 0; i < 121; i++) {
		const int x = i % 11 - 5, y = i / 11 - 5;

		weight[i] = exp(-(x * x + y * y) / 4.5);
		total += weight[i];
	}
	for (int i = 0; i < 121; i++) {
		const double u = p[i % 11 + W * (i / 11)], v = q[i % 11 + W * (i / 11)];
		const double g = weight[i] / total;

		m[0] += g * u;
		m[1] += g * v;
		m[2] += g * u * u;
		m[3] += g * v * v;
		m[4] += g * u * v;
	}
	return (2 * m[0] * m[1] + c1) * (2 * (m[4] - m[0] * m[1]) + c2) /
	       ((m[0] * m[0] + m[1] * m[1] + c1) * (m[2] - m[0] * m[0] + m[3] - m[1] * m[1] + c2));
}

static double mean_similarity(void)
{
	double sum = 0;
	int count = 0;

	for (int c = 0; c < C; c++)
		for (int y = 0; y + 11 <= H; y++)
			for (int x = 0; x + 11 <= W; x++) {
				const int at = c * PLANE + y * W + x;
				const double s = similarity(a + at, b + at);

				if (isfinite(s)) {
					sum += s;
					count++;
				}
			}
	return sum / count;
}

static void compare(const char *what)
{
	const struct lacuna_shape shape = { { W, H, C, 1 } };
	struct metrics m;
	double error = 0, energy = 0, largest = 0, count = 0;

	for (int i = 0; i < N; i++) {
		const double d = (double)a[i] - (double)b[i];

		if (isnan(d))
			continue;
		error += d * d;
		energy += (double)a[i] * (double)a[i];
		largest = fmax(largest, fabs(d));
		count++;
	}
	ok(!metrics_compute(&shape, a, b, &m), "%s", what);
	near(m.psnr, -10 * log10(error / count), 1e-9, "PSNR");
	near(m.nrmse, sqrt(error / energy), 1e-9, "NRMSE, relative to the reference");
	near(m.max_abs, largest, 1e-9, "the largest difference");
	near(m.ssim, mean_similarity(), 1e-12, "SSIM");
}

int main(void)
{
	static const struct random_key key = { 6, 0, 0 };
	const struct lacuna_shape shape = { { W, H, C, 1 } }, small = { { 10, 12, 1, 1 } };
	struct metrics m;

	random_gaussian(key, 0, 0, a, N);
	random_gaussian(key, 1, 0, b, N);
	for (int i = 0; i < N; i++) {
		a[i] = 0.4f + 0.02f * a[i] + 0.2f * sinf(0.4f * (float)(i % W));
		b[i] = 0.9f * a[i] + 0.03f * b[i];
	}
	compare("two pictures");
	a[0] = NAN;
	b[PLANE + 40] = NAN;
	compare("with values that are not there");
	ok(!metrics_compute(&shape, b, b, &m) && isinf(m.psnr) && m.nrmse == 0,
	   "a picture and itself");
	near(m.ssim, 1, 1e-9, "their SSIM");
	for (int side = 0; side < 2; side++) {
		static float black[N], speck[N];

		memset(black, 0, sizeof black);
		memset(speck, 0, sizeof speck);
		ok(!metrics_compute(&shape, black, speck, &m) && m.nrmse == 0 && m.max_abs == 0,
		   "two black pictures are equal");
		speck[side ? 5 : N - 1] = side ? 0.5f : -0.5f;
		ok(!metrics_compute(&shape, black, speck, &m) && isinf(m.nrmse) && m.max_abs == 0.5,
		   "relative to black any error is infinite; a difference has no sign");
	}
	ok(!metrics_compute(&small, a, b, &m) && isnan(m.ssim), "no SSIM of less than a window");
	for (int i = 0; i < N; i++)
		a[i] = NAN;
	ok(metrics_compute(&shape, a, b, &m) < 0, "nothing to compare");
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
