/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Distances between distributions, compared with known values (Gaussians by formula, translations, a few points); and the
 * confidence interval of a fitted slope, with Student's t from a table. */
#include <config.h>

#include "../tap.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "study/distance.h"
#include "study/fit.h"

enum { N = 4000 };

static double q[2 * N], p[2 * N];

/* out = R(angle) diag(a, b) R' */
static void turned(double angle, double a, double b, double *out)
{
	const double c = cos(angle), s = sin(angle);

	out[0] = c * c * a + s * s * b;
	out[1] = out[2] = c * s * (a - b);
	out[3] = s * s * a + c * c * b;
}

static void test_gaussians(void)
{
	/* Variances (1, 4) and (2, 3) along the axes; the means differ by (1, -2). */
	const double want =
		(1 / 2.0 + 4 / 3.0 + 1 / 2.0 + 4 / 3.0 - 2 + log(2.0) + log(3 / 4.0)) / 2;
	double kl = 0, w2 = 0;

	for (int i = 0; i < 3; i++) {
		const double angle = 0.4 * i, c = cos(angle), s = sin(angle);
		const double mean_q[2] = { 5, 7 }, mean_p[2] = { 5 - (c + 2 * s), 7 - (s - 2 * c) };
		double cov_q[4], cov_p[4];

		turned(angle, 1, 4, cov_q);
		turned(angle, 2, 3, cov_p);
		ok(!distance_gaussian_kl(2, mean_q, cov_q, mean_p, cov_p, &kl), "KL of Gaussians");
		near(kl, want, 1e-12, "by the formula, however they are turned");
	}
	{
		const double here[2] = { 0, 0 }, there[2] = { 3, 4 }, cov[4] = { 2, 0.5, 0.5, 1 };

		ok(!distance_gaussian_sliced_w2(2, here, cov, there, cov, 4000, 1, &w2),
		   "sliced W2 of a translation");
		near(w2, 5 / sqrt(2), 0.1, "by 5");
	}
}

static void test_moments(void)
{
	const double x[6] = { 0, 0, 2, 4, 4, 2 };
	double mean[2], cov[4];

	distance_moments(2, 3, x, mean, cov);
	near(mean[0], 2, 0, "mean");
	near(mean[1], 2, 0, "mean");
	near(cov[0], 4, 1e-12, "variance, divided by n - 1");
	near(cov[1], 2, 1e-12, "covariance");
	near(cov[3], 4, 1e-12, "variance");
	near(distance_l2(4, x, x + 2), sqrt(4 + 16 + 4 + 4), 1e-12, "L2");
}

static void test_samples(void)
{
	static const struct random_key key = { 1, 0, 0 };
	static float z[4 * N];
	double value = 0, log_q[8], grid[8];
	const double zero = 0, width = 0.7;

	random_gaussian(key, 0, 0, z, 4 * N);
	for (int i = 0; i < 2 * N; i++) {
		q[i] = (double)z[i];
		p[i] = (double)z[2 * N + i] + (i % 2 ? 0 : 1);
	}
	/* the standard error is about 0.03 */
	ok(!distance_kl(2, N, q, p, &value), "KL of samples");
	near(value, 0.5, 0.1, "of Gaussians one apart");
	ok(!distance_kl(1, N, q, q, &value) && value < 1e-3,
	   "of samples and themselves, in one dimension");
	for (int i = 0; i < 100; i++) {
		p[2 * i] = q[2 * i] + 0.3;
		p[2 * i + 1] = q[2 * i + 1] + 0.4;
	}
	ok(!distance_w1(2, 50, q, p, &value), "W1 of a translation");
	near(value, 0.5, 1e-9, "is its length");
	ok(!distance_sliced_w2(2, 100, q, p, 2000, 3, &value), "sliced W2");
	near(value, 0.5 / sqrt(2), 0.02, "its root mean square over directions");
	for (int i = 0; i < 8; i++) {
		grid[i] = 0.3 * i - 1;
		log_q[i] =
			-grid[i] * grid[i] / (2 * width * width) - log(width * sqrt(2 * acos(-1)));
	}
	ok(!distance_blurred_kl(1, 8, grid, log_q, 1, &zero, width, &value), "KL of blurred laws");
	near(value, 0, 1e-12, "of a blurred point and that Gaussian");
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Distance from x to the 8th nearest of n points, not counting number `self'. */
static double eighth(size_t dim, const double *x, size_t n, const double *points, size_t self)
{
	double all[64];
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		if (i != self)
			all[m++] = distance_l2(dim, x, points + i * dim);
	qsort(all, m, sizeof *all, by_value);
	return all[7];
}

/* Wang, Kulkarni, Verdu 2009, equation 5: few samples, where each term counts. */
static void test_few_samples(void)
{
	enum { FEW = 20 };
	float z[2 * 4 * FEW];

	random_gaussian((struct random_key){ 2, 0, 0 }, 0, 0, z, 2 * 4 * FEW);
	for (size_t i = 0; i < 4 * FEW; i++) {
		q[i] = (double)z[i];
		p[i] = 1 + 2 * (double)z[4 * FEW + i];
	}
	for (size_t dim = 2; dim <= 4; dim++) {
		double want = log(FEW / (FEW - 1.0)), kl = 0;

		for (size_t i = 0; i < FEW; i++)
			want += (double)dim / FEW *
				log(eighth(dim, q + i * dim, FEW, p, FEW) /
				    eighth(dim, q + i * dim, FEW, q, i));
		ok(!distance_kl((int)dim, FEW, q, p, &kl), "KL of few samples");
		near(kl, want, 1e-12, "by the formula");
	}
}

/* student: 97.5 % quantile for n - 2 degrees of freedom; the normal one is 1.95996 */
static void test_fit(int n, double student)
{
	double x[40], y[40], mx = 0, my = 0, sxx = 0, sxy = 0, rest = 0, slope, half;
	struct fit f = { 0 };

	for (int i = 0; i < n; i++) {
		x[i] = 10 * (i + 1);
		y[i] = 3 * pow(x[i], -2) * exp(0.1 * sin(3.0 * i));
		mx += log(x[i]) / n;
		my += log(y[i]) / n;
	}
	for (int i = 0; i < n; i++) {
		sxx += pow(log(x[i]) - mx, 2);
		sxy += (log(x[i]) - mx) * (log(y[i]) - my);
	}
	slope = sxy / sxx;
	for (int i = 0; i < n; i++)
		rest += pow(log(y[i]) - my - slope * (log(x[i]) - mx), 2);
	half = student * sqrt(rest / (n - 2) / sxx);
	ok(fit_power((size_t)n, x, y, &f) && f.points == (size_t)n, "%d points are fitted", n);
	near(f.slope, slope, 1e-9, "slope by least squares");
	near(f.low, slope - half, 5e-3 * half, "the interval of 95 %, below");
	near(f.high, slope + half, 5e-3 * half, "and above");
	near(f.constant, exp(my - slope * mx), 1e-12, "the constant");
}

int main(void)
{
	test_gaussians();
	test_moments();
	test_samples();
	test_few_samples();
	test_fit(3, 12.7062);
	test_fit(5, 3.18245);
	test_fit(18, 2.11991);
	test_fit(20, 2.10092);
	test_fit(40, 2.02439);
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
