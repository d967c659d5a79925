/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The posterior's deviation by Tweedie's formula, for a Gaussian prior whose posterior is known in closed form. */
#include <config.h>

#include "base/random.h"
#include "restore/tweedie.h"
#include "tests/tap.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

enum { W = 24, H = 18, N = W * H, KEYS = 8 };
static const struct lacuna_shape shape = { { W, H, 1, 1 } };
static const double mean = 0.4;

struct law {
	double covariance[N * N]; /* of the prior */
	int calls;
	int fails; /* number of the call that fails */
	int trained;
	double spread;	/* of a trained prior's estimate around the mean */
	float sigma[N]; /* of the last call */
};

/* variance exp(-distance/length); length 0: independent pixels */
static void set_law(struct law *l, double variance, double length)
{
	l->calls = 0;
	l->fails = -1;
	l->trained = 0;
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++) {
			const double r = hypot(i % W - k % W, i / W - k / W);

			l->covariance[i * N + k] = length > 0 ? variance * exp(-r / length)
						   : i == k   ? variance
							      : 0;
		}
}

static int posterior_mean(void *context, const float *sigma, const float *u, float *x0)
{
	static double m[N * N], right[N];
	struct law *l = context;

	if (l->calls++ == l->fails)
		return LACUNA_ENUMERIC;
	memcpy(l->sigma, sigma, sizeof l->sigma);
	memcpy(m, l->covariance, sizeof m);
	for (int i = 0; i < N; i++) {
		m[i * N + i] += (double)sigma[i] * (double)sigma[i];
		right[i] = (double)u[i] - mean;
	}
	if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', N, 1, m, N, right, 1))
		return LACUNA_ENUMERIC;
	for (int i = 0; i < N; i++) {
		double sum = mean;

		for (int k = 0; k < N; k++)
			sum += l->covariance[i * N + k] * right[k];
		x0[i] = (float)sum;
	}
	return LACUNA_OK;
}

/* The diagonal of K - K_m (K_mm + noise^2/d)^-1 K_m', where m are the measured pixels. */
static void exact_variance(const struct law *l, const float *d, double noise, double *variance)
{
	static double m[N * N], half[N * N];
	int at[N], n = 0;

	for (int i = 0; i < N; i++)
		if (d[i] > 0)
			at[n++] = i;
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < n; k++)
			m[i * n + k] = l->covariance[at[i] * N + at[k]];
		m[i * n + i] += noise * noise / (double)d[at[i]];
		for (int k = 0; k < N; k++)
			half[i * N + k] = l->covariance[at[i] * N + k];
	}
	LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', n, N, m, n, half, N);
	for (int k = 0; k < N; k++) {
		variance[k] = l->covariance[k * N + k];
		for (int i = 0; i < n; i++)
			variance[k] -= l->covariance[at[i] * N + k] * half[i * N + k];
	}
}

/* Replaces the covariance by that given y = A x + noise n, where A takes the mean of a pixel and its neighbours in the row.
 * The prior's mean given y and u is that of a Gaussian prior with this covariance. */
static void condition_on_blur(struct law *l, double noise)
{
	static double ka[N * N], m[N * N], right[N * N], k[N * N];
	const int reach = 2;

	memcpy(k, l->covariance, sizeof k);
	memset(ka, 0, sizeof ka);
	memset(m, 0, sizeof m);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			for (int r = -reach; r <= reach; r++)
				ka[i * N + j] += k[i * N + j / W * W + (j % W + r + W) % W] /
						 (2 * reach + 1);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			for (int r = -reach; r <= reach; r++)
				m[i * N + j] += ka[(i / W * W + (i % W + r + W) % W) * N + j] /
						(2 * reach + 1);
			if (i == j)
				m[i * N + j] += noise * noise;
			right[j * N + i] = ka[i * N + j];
		}
	LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', N, N, m, N, right, N);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			for (int q = 0; q < N; q++)
				l->covariance[i * N + j] -= ka[i * N + q] * right[q * N + j];
}

static int run(struct law *l, const float *d, double noise, uint64_t seed, float *deviation)
{
	static float b[N], estimate[N];
	const struct tweedie t = { .x = shape,
				   .d = d,
				   .b = d ? b : NULL,
				   .estimate = estimate,
				   .noise = noise,
				   .trained = l->trained,
				   .key = { seed, 0, 0 },
				   .mean = posterior_mean,
				   .context = l };

	/* Any measurement will do: a Gaussian's posterior covariance does not depend on it. */
	random_gaussian(t.key, 1, 0, estimate, N);
	for (int i = 0; i < N; i++) {
		estimate[i] = l->trained ? (float)(mean + l->spread * (double)estimate[i])
					 : (float)(0.3 + 0.01 * (i % 11));
		b[i] = d ? d[i] * estimate[i] : 0;
	}
	return tweedie_deviation(&t, deviation);
}

/* Estimated over true mean variance of the pixels with d = `which' in columns from..to, over several probes. */
static double ratio(struct law *l, const float *d, double noise, float which, int from, int to)
{
	static float deviation[N];
	static double exact[N];
	double sum = 0, truth = 0;

	exact_variance(l, d, noise, exact);
	for (uint64_t seed = 0; seed < KEYS; seed++) {
		if (run(l, d, noise, seed, deviation))
			return NAN;
		for (int i = 0; i < N; i++)
			if (d[i] >= which && d[i] <= which && i % W >= from && i % W < to) {
				sum += (double)deviation[i] * (double)deviation[i];
				truth += exact[i];
			}
	}
	return sum / truth;
}

static void expect(const char *what, double r, double tolerance)
{
	ok(fabs(r - 1) <= tolerance, "%s: %.4f of the variance", what, r);
}

static void test_independent(struct law *l)
{
	static float d[N], deviation[N];
	const double noise = 0.1, variance = 0.01;
	double worst = 0;

	set_law(l, variance, 0);
	for (int i = 0; i < N; i++)
		d[i] = i % 3 != 0;
	ok(run(l, d, noise, 1, deviation) == LACUNA_OK && l->calls == 4,
	   "two evaluations for each kind of pixel");
	for (int i = 0; i < N; i++) {
		const double v = 1 / (1 / variance + (double)d[i] / (noise * noise));

		worst = fmax(worst, fabs((double)deviation[i] / sqrt(v) - 1));
	}
	ok(worst < 1e-3, "independent pixels: every deviation is right (%.0e)", worst);
}

static void test_alike(struct law *l)
{
	static float d[N];

	set_law(l, 0.01, 3);
	for (int i = 0; i < N; i++)
		d[i] = 1;
	expect("noise 0.1", ratio(l, d, 0.1, 1, 0, W), 0.06);
	expect("noise 0.02", ratio(l, d, 0.02, 1, 0, W), 0.06);
	for (int i = 0; i < N; i++)
		d[i] = (i * 7 + i / W * 3) % 5 < 2;
	expect("60 % missing, what is measured", ratio(l, d, 0.05, 1, 0, W), 0.08);
	expect("60 % missing, what is not", ratio(l, d, 0.05, 0, 0, W), 0.08);
}

/* One half of the picture has five times the noise. */
static void test_uneven(struct law *l)
{
	static float d[N];
	const float weak = 0.04F;

	set_law(l, 0.01, 3);
	for (int i = 0; i < N; i++)
		d[i] = i % W < W / 2 ? 1 : weak;
	expect("the better half", ratio(l, d, 0.03, 1, 0, W / 2 - 2), 0.15);
	expect("the worse half", ratio(l, d, 0.03, weak, W / 2 + 2, W), 0.15);
}

static void test_known(struct law *l)
{
	static float d[N], deviation[N];
	int known = 1, unknown = 1;

	set_law(l, 0.01, 3);
	for (int i = 0; i < N; i++)
		d[i] = i % 2 == 0;
	ok(run(l, d, 0, 1, deviation) == LACUNA_OK && l->calls == 2,
	   "without noise only missing pixels are probed");
	for (int i = 0; i < N; i++) {
		known &= d[i] > 0 ? !(deviation[i] > 0) : 1;
		unknown &= d[i] > 0 || deviation[i] > 0.01F;
	}
	ok(known, "what was measured is known");
	ok(unknown, "what was not is not");
}

/* If the prior's mean is given the measurement too, the covariance is what condition_on_blur() leaves in `law'. */
static void test_conditional(struct law *l)
{
	static float deviation[N];
	double sum = 0, truth = 0, before;

	set_law(l, 0.01, 3);
	condition_on_blur(l, 0.02);
	for (uint64_t seed = 0; seed < KEYS; seed++) {
		if (run(l, NULL, 0.02, seed, deviation))
			sum = NAN;
		for (int i = 0; i < N; i++) {
			sum += (double)deviation[i] * (double)deviation[i];
			truth += l->covariance[i * N + i];
		}
	}
	before = truth / KEYS / N;
	ok(before > 1e-4 && before < 5e-3, "the blur leaves some of the variance (%.1e)", before);
	expect("a blur, by the mean given the measurement", sum / truth, 0.06);
	ok(l->calls == 2 * KEYS, "two evaluations");
}

enum { PART = 4 };

/* Moves the image by one pixel and divides it. */
static int moved(void *context, const float *sigma, const float *u, float *x0)
{
	(void)context;
	(void)sigma;
	for (int i = 0; i < N; i++)
		x0[i] = u[(i + 1) % N] / PART;
	return LACUNA_OK;
}

/* A response that shows nowhere in the product's mean: the deviation is its size at least. */
static void test_response(void)
{
	static float d[N], b[N], deviation[N];
	const struct tweedie t = {
		.x = shape, .d = d, .b = b, .estimate = b, .noise = 0.1, .mean = moved
	};
	double least = INFINITY;

	for (int i = 0; i < N; i++)
		d[i] = 1;
	ok(tweedie_deviation(&t, deviation) == LACUNA_OK, "an image moved");
	for (int i = 0; i < N; i++)
		least = fmin(least, (double)deviation[i] / t.noise);
	ok(least > 0.999 / PART, "no pixel is surer than its response (%.4f)", least);
}

/* Mean variance of measured pixels, by that of a prior of independent pixels, if the prior is trained and the estimate
 * varies by `spread'. */
static double tried(struct law *l, double variance, double noise, double spread)
{
	static float d[N], deviation[N];
	double sum = 0;

	set_law(l, variance, 0);
	l->trained = 1;
	l->spread = spread;
	for (int i = 0; i < N; i++)
		d[i] = 1;
	for (uint64_t seed = 0; seed < KEYS; seed++) {
		if (run(l, d, noise, seed, deviation))
			return NAN;
		for (int i = 0; i < N; i++)
			sum += (double)deviation[i] * (double)deviation[i] / N / KEYS;
	}
	return sum * (1 / variance + 1 / (noise * noise));
}

/* D = k u + (1 - k) mean.  On a picture of the prior's law its error has the posterior's variance, k noise^2; on one that
 * does not vary only k^2 noise^2. */
static void test_trial(struct law *l)
{
	const double variance = 0.01, noise = 0.1, k = 0.5;
	const double usual = tried(l, variance, noise, sqrt(variance));
	const double easy = tried(l, variance, noise, 0);

	ok(fabs(usual - 1) < 0.06, "a picture like the prior's: %.3f of the variance", usual);
	ok(easy > k && easy < 1.25 * k, "one easier than the prior expects: %.3f", easy);
	ok(l->calls == 4 * KEYS, "four evaluations");
}

/* A trained prior is asked about a missing pixel with noise not far above its deviation; the result does not depend on it. */
static void test_narrow(struct law *l)
{
	static float d[N], deviation[N];
	const double variance = 0.01;
	double worst = 0, widest = 0;

	set_law(l, variance, 0);
	l->trained = 1;
	l->spread = sqrt(variance);
	for (int i = 0; i < N; i++)
		d[i] = i % W < W / 2 && i % 2 == 0;
	ok(run(l, d, 0.02, 1, deviation) == LACUNA_OK && l->calls == 6, "six evaluations");
	for (int i = 0; i < N; i++) {
		if (d[i] > 0)
			continue;
		worst = fmax(worst, fabs((double)deviation[i] / sqrt(variance) - 1));
		if (i % W < W / 2 - 3)
			widest = fmax(widest, (double)l->sigma[i]);
	}
	ok(worst < 0.25, "every missing pixel's deviation is right (%.0e)", worst);
	ok(widest < 0.15, "a short glance between measured pixels (%.2f)", widest);
	ok(l->sigma[W - 1] > 0.29F, "a wide one far from them (%.2f)", (double)l->sigma[W - 1]);
}

/* What is measured in one channel narrows nothing in another. */
static void test_narrow_channels(struct law *l)
{
	static const struct lacuna_shape two = { { W, H / 2, 2, 1 } };
	static float d[N], b[N], deviation[N], sparse[2][N / 2];
	double worst = 0;

	set_law(l, 0.01, 0);
	l->trained = 1;
	for (int sparse_one = 0; sparse_one < 2; sparse_one++) {
		const struct tweedie t = { .x = two,
					   .d = d,
					   .b = b,
					   .estimate = b,
					   .noise = 0.02,
					   .trained = 1,
					   .mean = posterior_mean,
					   .context = l };

		for (int i = 0; i < N; i++)
			d[i] = i / (N / 2) != sparse_one || i % (N / 2) % 9 == 0;
		if (tweedie_deviation(&t, deviation))
			tap_bail("no deviation");
		memcpy(sparse[sparse_one], l->sigma + sparse_one * (N / 2), sizeof *sparse);
	}
	for (int i = 0; i < N / 2; i++)
		worst = fmax(worst, fabs((double)sparse[0][i] - (double)sparse[1][i]));
	near(worst, 0, 0, "a sparse channel is asked about alike, beside a full one");
}

static void test_failure(struct law *l)
{
	static float d[N], deviation[N];

	set_law(l, 0.01, 3);
	for (int i = 0; i < N; i++)
		d[i] = 1;
	l->fails = 1;
	ok(run(l, d, 0.1, 1, deviation) == LACUNA_ENUMERIC, "a prior that fails");
	for (int k = 0; k < 6; k++) {
		set_law(l, 0.01, 0);
		l->trained = 1;
		l->fails = k;
		d[0] = 0;
		ok(run(l, d, 0.1, 1, deviation) == LACUNA_ENUMERIC, "a trained one in call %d", k);
	}
}

int main(void)
{
	static struct law law;

	test_independent(&law);
	test_alike(&law);
	test_uneven(&law);
	test_known(&law);
	test_conditional(&law);
	test_response();
	test_trial(&law);
	test_narrow_channels(&law);
	test_narrow(&law);
	test_failure(&law);
	return tap_done();
}
