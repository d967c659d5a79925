/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The statistics of a study: distances of known value, power laws, mixtures against numerical integration, even noise,
 * tables and plots. */
#include <config.h>

#include "../tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "study/distance.h"
#include "study/even.h"
#include "study/fit.h"
#include "study/mixture.h"
#include "study/plot.h"
#include "study/table.h"
#include "study/target.h"

#include <stdlib.h>
#include <unistd.h>

static const struct random_key key = { 9, 0, 0 };

/* ---- distances */

static void test_gaussian_kl(void)
{
	static const double zero[2] = { 0, 0 }, one[2] = { 1, 0 };
	static const double unit[4] = { 1, 0, 0, 1 }, wide[4] = { 4, 0, 0, 1 };
	static const double oblique[4] = { 2, 1, 1, 2 }, flat[4] = { 1, 1, 1, 1 };
	double kl;

	distance_gaussian_kl(2, zero, unit, zero, unit, &kl);
	near(kl, 0, 1e-15, "KL of equal Gaussians is 0");
	distance_gaussian_kl(2, one, unit, zero, unit, &kl);
	near(kl, 0.5, 1e-15, "KL of a shift by 1 is 1/2");
	distance_gaussian_kl(2, zero, unit, zero, wide, &kl);
	near(kl, (0.25 - 1 + log(4)) / 2, 1e-15, "KL(N(0, 1) || N(0, 4))");
	distance_gaussian_kl(2, zero, wide, zero, unit, &kl);
	near(kl, (4 - 1 - log(4)) / 2, 1e-14, "KL(N(0, 4) || N(0, 1)): q is the first");
	distance_gaussian_kl(2, zero, oblique, zero, unit, &kl);
	near(kl, (4 - 2 - log(3)) / 2, 1e-14, "KL with a correlation");
	distance_gaussian_kl(2, zero, unit, zero, flat, &kl);
	ok(isinf(kl), "KL to a singular Gaussian is infinite");
}

/* n vectors of independent normals times scale, the first coordinate plus shift. */
static double *normals(int dim, size_t n, uint64_t stream, double scale, double shift)
{
	const size_t count = (size_t)dim * n;
	float *z = memory_alloc_array(count, sizeof *z);
	double *x = memory_alloc_array(count, sizeof *x);

	random_gaussian(key, stream, 0, z, count);
	for (size_t i = 0; i < count; i++)
		x[i] = scale * (double)z[i] + (i % (size_t)dim ? 0 : shift);
	memory_release(z);
	return x;
}

static void test_sampled_kl(void)
{
	enum { N = 4000 };
	double *q = normals(2, N, 1, 1, 0), *p = normals(2, N, 2, 1, 0),
	       *r = normals(2, N, 3, 2, 1), kl;

	distance_kl(2, N, q, p, &kl);
	near(kl, 0, 0.05, "sampled KL of equal laws");
	distance_kl(2, N, q, r, &kl);
	/* 2 (1/4 - 1 + ln 4)/2 + 1/8 */
	near(kl, 0.25 - 1 + log(4) + 0.125, 0.08, "sampled KL of a shift and a scale");
	memory_release(q);
	memory_release(p);
	memory_release(r);
}

static void test_blurred_kl(void)
{
	enum { N = 4000 };
	const double width = 0.5;
	double *q = normals(2, N, 1, 1, 0), *p = normals(2, N, 2, sqrt(1 - width * width), 0),
	       *r = normals(2, N, 3, sqrt(4 - width * width), 1), kl;
	double *log_q = memory_alloc_array(N, sizeof *log_q);

	for (size_t i = 0; i < N; i++)
		log_q[i] = -(q[2 * i] * q[2 * i] + q[2 * i + 1] * q[2 * i + 1]) / 2 -
			   log(2 * acos(-1));
	distance_blurred_kl(2, N, q, log_q, N, p, width, &kl);
	near(kl, 0, 0.01, "blurred KL of equal laws");
	distance_blurred_kl(2, N, q, log_q, N, r, width, &kl);
	near(kl, 0.25 - 1 + log(4) + 0.125, 0.03, "blurred KL of a shift and a scale");
	memory_release(log_q);
	memory_release(q);
	memory_release(p);
	memory_release(r);
}

static void test_binned_kl(void)
{
	enum { N = 20000 };
	double *q = normals(1, N, 1, 1, 0), *p = normals(1, N, 2, 1, 0.5), kl;

	distance_kl(1, N, q, p, &kl);
	near(kl, 0.125, 0.01, "KL in one dimension of a shift by 1/2");
	/* All of p lies in the last of 64 bins; an empty one counts as half a sample. */
	for (int i = 0; i < N; i++)
		p[i] = 1000 + i;
	distance_kl(1, N, q, p, &kl);
	near(kl, (63 * log(N / 64.0 / 0.5) + log(1 / 64.0)) / 64, 0.01, "KL of laws apart");
	memory_release(q);
	memory_release(p);
}

static void test_wasserstein(void)
{
	enum { N = 300 };
	double *q = normals(3, N, 1, 1, 0), *p = memory_alloc_array(3 * N, sizeof *p), w;

	/* The same points, moved and in another order. */
	for (size_t i = 0; i < N; i++)
		for (size_t a = 0; a < 3; a++)
			p[(N - 1 - i) * 3 + a] = q[i * 3 + a] + (a == 1 ? 0.3 : 0);
	distance_w1(3, N, q, p, &w);
	near(w, 0.3, 1e-12, "W1 of a shift is its length");
	distance_sliced_w2(3, N, q, p, 2000, 7, &w);
	near(w, 0.3 / sqrt(3), 0.01, "sliced W2 of a shift is its length/sqrt(dim)");
	distance_sliced_w2(3, N, q, q, 10, 7, &w);
	near(w, 0, 0, "sliced W2 to itself is 0");
	distance_w1(1, N, q, p, &w);
	ok(w >= 0, "W1 in one dimension");
	memory_release(q);
	memory_release(p);
}

/* W1, by trying all permutations. */
static double brute_w1(const double *q, const double *p)
{
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	double best = INFINITY;

	for (int k = 0; k < 6; k++) {
		double sum = 0;

		for (int i = 0; i < 3; i++)
			sum += distance_l2(2, q + 2 * i, p + 2 * orders[k][i]) / 3;
		best = fmin(best, sum);
	}
	return best;
}

static void test_assignment(void)
{
	double worst = 0, w;

	for (uint64_t k = 0; k < 50; k++) {
		double *q = normals(2, 3, 100 + k, 1, 0), *p = normals(2, 3, 200 + k, 1, 0);

		distance_w1(2, 3, q, p, &w);
		worst = fmax(worst, fabs(w - brute_w1(q, p)));
		memory_release(q);
		memory_release(p);
	}
	near(worst, 0, 1e-12, "W1 is the best of all assignments");
}

/* Equal weights and as many points as vectors: an assignment problem. */
static void test_transport(void)
{
	enum { N = 60 };
	double *q = normals(2, N, 1, 1, 0), *p = normals(2, N, 2, 1, 1), weight[N], want, w;

	for (int i = 0; i < N; i++)
		weight[i] = 1. / N;
	distance_w1(2, N, q, p, &want);
	distance_w1_points(2, N, q, N, p, weight, &w);
	near(w, want, 1e-9, "transport to as many points is the assignment");
	/* Each vector three times: the plan does not change. */
	double *thrice = memory_alloc_array(6 * N, sizeof *thrice);
	for (int i = 0; i < 6 * N; i++)
		thrice[i] = q[i % (2 * N)];
	distance_w1_points(2, 3 * N, thrice, N, p, weight, &w);
	near(w, want, 1e-9, "transport of repeated vectors");
	/* A point of weight 0 receives nothing. */
	weight[0] = 2. / N;
	weight[1] = 0;
	memcpy(p + 2, p, 2 * sizeof *p);
	distance_w1(2, N, q, p, &want);
	distance_w1_points(2, N, q, N, p, weight, &w);
	near(w, want, 1e-9, "transport to unequal weights");
	memory_release(thrice);
	memory_release(q);
	memory_release(p);
}

static void test_gaussian_sliced(void)
{
	static const double zero[2] = { 0, 0 }, shift[2] = { 3, 4 };
	static const double unit[4] = { 1, 0, 0, 1 }, wide[4] = { 4, 0, 0, 4 };
	double w;

	distance_gaussian_sliced_w2(2, shift, unit, zero, unit, 20000, 1, &w);
	near(w, 5 / sqrt(2), 0.03, "sliced W2 of shifted Gaussians");
	distance_gaussian_sliced_w2(2, zero, wide, zero, unit, 10, 1, &w);
	near(w, 1, 1e-12, "sliced W2 of scaled Gaussians");
}

/* ---- power laws */

static void test_fit(void)
{
	double x[40], y[40];
	float z[40];
	struct fit f;
	int inside = 0;

	for (int i = 0; i < 40; i++) {
		x[i] = 10 * (i + 1);
		y[i] = 3 * pow(x[i], -1.5);
	}
	ok(fit_power(40, x, y, &f), "a power law is fitted");
	near(f.slope, -1.5, 1e-12, "its slope");
	near(f.constant, 3, 1e-10, "its constant");
	near(f.high - f.low, 0, 1e-10, "its interval is empty");
	for (uint64_t k = 0; k < 400; k++) {
		random_gaussian(key, 300 + k, 0, z, 40);
		for (int i = 0; i < 8; i++)
			y[i] = pow(x[i], -2) * exp(0.2 * (double)z[i]);
		fit_power(8, x, y, &f);
		inside += f.low <= -2 && f.high >= -2;
	}
	near(inside / 400., 0.95, 0.035, "95 % intervals cover the slope as often");
	ok(!fit_power(2, x, y, &f), "two points are no fit");
	y[1] = NAN;
	y[2] = -1;
	ok(fit_power(6, x, y, &f) && f.points == 4, "NaN and negative values are left out");
}

/* ---- mixtures */

/* Three components in the plane, one measurement. */
static void example(struct mixture *m)
{
	static const double weight[3] = { 0.2, 0.5, 0.3 };
	static const double mean[6] = { -1, 0, 1, 0.5, 0, 1.5 };
	static const double cov[12] = {
		0.2, 0.1, 0.1, 0.3, 0.1, -0.05, -0.05, 0.4, 0.3, 0, 0, 0.3
	};

	mixture_create(m, 2, 3);
	memcpy(m->weight, weight, sizeof weight);
	memcpy(m->mean, mean, sizeof mean);
	memcpy(m->cov, cov, sizeof cov);
}

/* E[x1], E[x2], E[x1 x2] given y = x1 + 2 x2 + noise n and, if sigma > 0, u = x + sigma n; summed over a grid. */
static void integrate(const struct mixture *m, double y, double noise, const double *u,
		      double sigma, double out[3])
{
	enum { SIDE = 300 };
	double *x = memory_alloc_array(SIDE * SIDE * 2, sizeof *x), *l = NULL, total = 0;

	for (int i = 0; i < SIDE * SIDE; i++) {
		x[2 * i] = -5 + 10. * (i % SIDE) / (SIDE - 1);
		x[2 * i + 1] = -5 + 10. * (i / SIDE) / (SIDE - 1);
	}
	l = memory_alloc_array(SIDE * SIDE, sizeof *l);
	mixture_log_density(m, SIDE * SIDE, x, l);
	out[0] = out[1] = out[2] = 0;
	for (int i = 0; i < SIDE * SIDE; i++) {
		const double r = (y - x[2 * i] - 2 * x[2 * i + 1]) / noise;
		double w = l[i] - r * r / 2;

		if (sigma > 0)
			w -= (pow(u[0] - x[2 * i], 2) + pow(u[1] - x[2 * i + 1], 2)) /
			     (2 * sigma * sigma);
		w = exp(w);
		total += w;
		out[0] += w * x[2 * i];
		out[1] += w * x[2 * i + 1];
		out[2] += w * x[2 * i] * x[2 * i + 1];
	}
	for (int i = 0; i < 3; i++)
		out[i] /= total;
	memory_release(l);
	memory_release(x);
}

static void test_posterior(void)
{
	static const double h[2] = { 1, 2 }, y = 1.7, u[2] = { 0.4, -0.3 };
	struct mixture m, posterior;
	double mean[2], cov[4], want[3], x0[2];

	example(&m);
	if (mixture_condition(&m, 1, h, &y, 0.5, &posterior))
		tap_bail("%s", error_text());
	mixture_moments(&posterior, mean, cov);
	integrate(&m, y, 0.5, NULL, 0, want);
	near(mean[0], want[0], 1e-11, "posterior mean of a mixture, first coordinate");
	near(mean[1], want[1], 1e-11, "posterior mean of a mixture, second coordinate");
	near(cov[1] + mean[0] * mean[1], want[2], 1e-11, "posterior cross moment of a mixture");
	mixture_denoise(&posterior, 0.6, 1, u, x0);
	integrate(&m, y, 0.5, u, 0.6, want);
	near(x0[0], want[0], 1e-11, "conditional denoiser, first coordinate");
	near(x0[1], want[1], 1e-11, "conditional denoiser, second coordinate");
	mixture_free(&posterior);
	mixture_free(&m);
}

static void test_sampling(void)
{
	enum { N = 20000 };
	double *x = memory_alloc_array(2 * N, sizeof *x), mean[2], cov[4], wm[2], wc[4];
	struct mixture m;

	example(&m);
	mixture_sample(&m, 3, N, x);
	distance_moments(2, N, x, mean, cov);
	mixture_moments(&m, wm, wc);
	near(distance_l2(2, mean, wm), 0, 0.015, "mean of the samples of a mixture");
	near(distance_l2(4, cov, wc), 0, 0.03, "covariance of the samples of a mixture");
	mixture_free(&m);
	memory_release(x);
}

/* Covariances: regular, of rank 2, with a coordinate of variance 0, nearly of rank 2, and 0. */
static void test_root(void)
{
	static const double covs[][9] = {
		{ 4, 2, 0.4, 2, 3, -1, 0.4, -1, 2 },
		{ 1, 0.5, 1.5, 0.5, 0.5, 1, 1.5, 1, 2.5 },
		{ 0, 0, 0, 0, 2, 1, 0, 1, 0.5 },
		{ 1e-12, 0, 0, 0, 1, 1 - 1e-9, 0, 1 - 1e-9, 1 },
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0 },
	};

	for (size_t k = 0; k < sizeof covs / sizeof *covs; k++) {
		double root[9], worst = 0;

		mixture_root(3, covs[k], root);
		for (int i = 0; i < 3; i++)
			for (int j = 0; j < 3; j++) {
				double sum = 0;

				for (int l = 0; l < 3; l++)
					sum += root[3 * i + l] * root[3 * j + l];
				worst = fmax(worst, fabs(sum - covs[k][3 * i + j]));
				if (j > i && root[3 * i + j] != 0)
					worst = INFINITY;
			}
		ok(worst < 1e-14, "root %d: lower, its square is the covariance (%.0e)", (int)k,
		   worst);
	}
}

static void test_quantiles(void)
{
	enum { N = 1001 };
	double x[N];
	struct mixture m;

	mixture_create(&m, 1, 1);
	m.mean[0] = 2;
	m.cov[0] = 9;
	mixture_sample(&m, 0, N, x);
	near(x[N / 2], 2, 1e-9, "in one dimension: the median");
	near(erfc((2 - x[100]) / (3 * sqrt(2))) / 2, 100.5 / N, 1e-9, "and other quantiles");
	mixture_free(&m);
}

static void test_text(void)
{
	char path[] = "/tmp/lacuna-study-XXXXXX", *text;
	struct mixture m, again;
	const int fd = mkstemp(path);

	example(&m);
	text = mixture_text(&m);
	ok(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "written");
	close(fd);
	ok(mixture_read(path, &again) == LACUNA_OK, "a mixture is read back");
	ok(again.count == 3 && !memcmp(m.mean, again.mean, 6 * sizeof(double)) &&
		   !memcmp(m.cov, again.cov, 12 * sizeof(double)),
	   "and is the same");
	unlink(path);
	memory_release(text);
	mixture_free(&again);
	mixture_free(&m);
}

enum { PATH_SIZE = 32 };

/* Writes a file of its own. */
static void put_text(char path[PATH_SIZE], const char *text)
{
	int fd;

	snprintf(path, PATH_SIZE, "/tmp/lacuna-study-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		tap_bail("%s", path);
	close(fd);
}

/* status of reading this text as a mixture */
static int read_mixture(const char *text, struct mixture *m)
{
	char path[PATH_SIZE];
	int status;

	put_text(path, text);
	status = mixture_read(path, m);
	unlink(path);
	return status;
}

static void test_texts(void)
{
	static const char *const bad[] = {
		"dim 2\ncomponent 1\nmean 0 0\ncov 1 0\ncov 0 1\ncov 0 0\n",
		"dim 2\ncomponent 0\nmean 0 0\nvar 1\n",
		"dim 2\ncomponent 1\nmean 0\nvar 1\n",
		"dim 2\ncomponent 1\nmean 0 0\nvar -1\n",
		"dim 2\nmean 0 0\ncomponent 1\n",
		"dim 2\ncomponent 1\nmean 0 0\ncov 1 0 0\n",
	};
	struct mixture m, again;
	int refused = 0;
	char *text;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		refused += read_mixture(bad[i], &m) == LACUNA_EINVAL &&
			   strstr(error_text(), "cannot be read") != NULL;
	ok(refused == 6, "a mixture with too few or too many numbers is refused (%d of 6)",
	   refused);
	if (!ok(!read_mixture(
			"dim 2\n# weights of any sum\ncomponent 2\nmean 1 2\ncov 3 0\ncov 0 4\n"
			"component 6\nmean 3 4\nvar 5\n",
			&m),
		"a mixture"))
		return;
	ok(m.weight[0] == 0.25 && m.weight[1] == 0.75, "its weights have a sum of 1");
	ok(m.cov[0] == 3 && m.cov[1] == 0 && m.cov[3] == 4 && m.cov[4] == 5 && m.cov[7] == 5,
	   "its covariances");
	text = mixture_text(&m);
	ok(!read_mixture(text, &again) && !memcmp(m.cov, again.cov, 8 * sizeof *m.cov),
	   "those of different variances as well");
	memory_release(text);
	mixture_free(&again);
	mixture_free(&m);
}

/* Without noise, a measurement tells which of several points it was. */
static void test_exact_points(void)
{
	static const double h[1] = { 2 }, y = 6;
	struct mixture m, posterior;

	mixture_create(&m, 1, 4);
	for (int k = 0; k < 4; k++)
		m.mean[k] = k + 1;
	if (ok(!mixture_condition(&m, 1, h, &y, 0, &posterior), "points, measured exactly"))
		near(posterior.weight[2], 1, 1e-12, "the one that was measured");
	mixture_free(&posterior);
	mixture_free(&m);
}

static int read_points(const char *text, struct mixture *m)
{
	char path[] = "/tmp/lacuna-study-XXXXXX", spec[64];
	const int fd = mkstemp(path);
	int status;

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		tap_bail("%s", path);
	close(fd);
	snprintf(spec, sizeof spec, "points:file=%s", path);
	status = target_parse(spec, m);
	unlink(path);
	return status;
}

static void test_points(void)
{
	struct mixture m;

	if (ok(!read_points("# three\n1 2\n\n3 4 # the second\n5 6\n", &m) && m.dim == 2 &&
		       m.count == 3,
	       "points of a file")) {
		int right = 0;

		for (int i = 0; i < 6; i++)
			right += m.mean[i] == i + 1;
		ok(right == 6 && m.weight[2] == 1 / 3., "in their order, equally likely");
		mixture_free(&m);
	}
	ok(read_points("1 2\n3 4 5\n", &m) == LACUNA_EINVAL && strstr(error_text(), "line 2"),
	   "points of different dimensions are refused");
	ok(read_points("1 2\n3\n", &m) == LACUNA_EINVAL && strstr(error_text(), "line 2"),
	   "likewise the other way");
	ok(read_points("# none\n", &m) == LACUNA_EINVAL && strstr(error_text(), "no points"),
	   "and no points at all");
}

static void test_circle(void)
{
	enum { POINTS = 7 };
	struct mixture m;
	double worst = 0;

	if (!ok(!target_parse("circle:points=7,radius=2", &m) && m.count == POINTS, "a circle"))
		return;
	for (int k = 0; k < POINTS; k++) {
		const double angle = 2 * acos(-1) * k / POINTS;

		worst = fmax(worst, fabs(m.mean[2 * k] - 2 * cos(angle)));
		worst = fmax(worst, fabs(m.mean[2 * k + 1] - 2 * sin(angle)));
	}
	ok(worst < 1e-12, "its points are evenly spaced all around");
	mixture_free(&m);
}

/* Covariances are B B' + variance I with B_ij uniform in 0..2 scale: off the diagonal they are dim scale^2 on average. */
static void test_random(void)
{
	enum { DIM = 40, OFF = DIM * (DIM - 1) };
	struct mixture m, wide;
	double mean = 0, lo = 0, hi = 0, apart = 0;

	if (!ok(!target_parse("random:dim=40,components=5,scale=0.3", &m) &&
			!target_parse("random:dim=40,components=5,scale=0.3,variance=2", &wide),
		"random mixtures"))
		return;
	for (int i = 0; i < DIM; i++)
		for (int j = 0; j < DIM; j++) {
			const double more = wide.cov[i * DIM + j] - m.cov[i * DIM + j];

			mean += i == j ? 0 : m.cov[i * DIM + j] / OFF;
			apart = fmax(apart, fabs(more - (i == j ? 2 : 0)));
		}
	near(mean / (DIM * 0.09), 1, 0.05, "the mean of the covariances");
	near(apart, 0, 1e-9, "a variance is added to that of each coordinate");
	for (int i = 0; i < 5 * DIM; i++) {
		lo = fmin(lo, m.mean[i]);
		hi = fmax(hi, m.mean[i]);
	}
	ok(lo > -1 && lo < -0.9 && hi < 1 && hi > 0.9, "means from -1 to 1");
	ok(!memcmp(m.cov, m.cov + 4 * DIM * DIM, DIM * DIM * sizeof *m.cov),
	   "one covariance for all components");
	mixture_free(&m);
	mixture_free(&wide);
}

static void test_cloud(void)
{
	enum { POINTS = 2000 };
	struct mixture m, other;
	double sum = 0, squares = 0, product = 0;

	if (!ok(!target_parse("cloud:points=2000", &m) &&
			!target_parse("cloud:points=2000,seed=1", &other),
		"clouds"))
		return;
	for (int i = 0; i < 2 * POINTS; i++) {
		sum += m.mean[i];
		squares += m.mean[i] * m.mean[i];
		product += m.mean[i] * other.mean[i];
	}
	/* Five standard deviations. */
	ok(fabs(sum) < 5 * sqrt(2 * POINTS) && fabs(squares - 2 * POINTS) < 5 * sqrt(4 * POINTS),
	   "points of N(0, I)");
	ok(fabs(product) < 5 * sqrt(2 * POINTS), "another seed gives other points");
	mixture_free(&m);
	mixture_free(&other);
}

static void test_targets(void)
{
	struct mixture m;

	ok(!target_parse("cube:dim=3", &m) && m.count == 8 && fabs(m.mean[0]) == 1, "cube");
	mixture_free(&m);
	test_circle();
	test_random();
	test_cloud();
	ok(!target_parse("gaussian", &m) && m.dim == 4 && m.cov[1] == 0.5, "gaussian");
	mixture_free(&m);
	ok(target_parse("gauss", &m) == LACUNA_EINVAL && strstr(error_text(), "gaussian"),
	   "an unknown target is refused, and the known ones are named");
	ok(target_parse("cube:dim=0", &m) == LACUNA_EINVAL, "parameters out of range are refused");
	ok(target_parse("gmm", &m) == LACUNA_EINVAL && strstr(error_text(), "file"),
	   "a missing file name is refused");
}

/* The manual page names every target, its parameters and their defaults. */
static void test_manual(void)
{
	const char *source = getenv("abs_top_srcdir");
	char path[4096], *page = calloc(1, 1 << 16), text[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/man/lacuna-study.1", source ? source : ".");
	f = fopen(path, "r");
	if (!f || !page || !fread(page, 1, (1 << 16) - 1, f)) {
		ok(0, "the manual page is there");
		return;
	}
	fclose(f);
	for (size_t i = 0; target_heads[i]; i++) {
		const struct lacuna_plugin *head = target_heads[i];
		const char *entry;

		snprintf(text, sizeof text, ".It Li %s\n", head->name);
		entry = strstr(page, text);
		ok(entry != NULL, "the manual explains target %s", head->name);
		for (uint32_t k = 0; entry && k < head->param_count; k++) {
			const struct lacuna_param *row = &head->params[k];
			const char *at;

			snprintf(text, sizeof text, ".Li %s", row->name);
			at = strstr(entry, text);
			snprintf(text, sizeof text, "[%g]", row->dflt);
			if (at && row->type == LACUNA_PATH)
				text[0] = 0;
			at = at ? strstr(at, text) : NULL;
			ok(at && at - entry < 500, "its parameter %s %s", row->name, text);
		}
	}
	free(page);
}

/* ---- even noise */

static void test_even(void)
{
	enum { N = 4096, ESTIMATES = 200 };
	static float u[N], z[N], again[N];
	struct even *e;
	double half = 0, sum = 0, product = 0;

	even_create(N, 1, &e);
	random_gaussian(key, 5, 0, u, N);
	even_observe(e, u);
	even_gaussian(e, 17, 0, z, N);
	even_gaussian(e, 17, 0, again, 100);
	even_gaussian(e, 17, 100, again + 100, N - 100);
	ok(!memcmp(z, again, sizeof z), "even noise is a function of stream and position");
	for (int i = 0; i < N; i++) {
		sum += (double)z[i];
		half += u[i] > 0 ? (double)z[i] : 0;
		product += (double)z[i] * (double)z[i] / N;
	}
	near(sum / N, 0, 1e-12, "its mean is 0");
	near(product, 1, 2e-3, "its variance is 1");
	near(half / N, 0, 2e-3, "it is even over the upper half of the states as well");
	even_gaussian(e, 18, 0, again, N);
	product = 0;
	for (int i = 0; i < N; i++)
		product += (double)z[i] * (double)again[i] / N;
	near(product, 0, 0.01, "two streams are not correlated");
	/* Each estimate gives the streams other lattices, even if no state has moved. */
	product = 0;
	for (int k = 0; k < ESTIMATES; k++) {
		even_observe(e, u);
		even_gaussian(e, 19, 0, again, N);
		for (int i = 0; i < N; i++)
			product += k ? (double)z[i] * (double)again[i] / N / (ESTIMATES - 1) : 0;
		memcpy(z, again, sizeof z);
	}
	near(product, 0, 5 / sqrt(ESTIMATES), "nor, on average, are those of two estimates");
	/* After many requests without an estimate in between, ordinary noise replaces even noise. */
	product = 0;
	for (uint64_t stream = 100; stream < 140; stream++) {
		even_gaussian(e, stream, 0, z, N);
		for (int i = 0; i < N; i++)
			product += (double)z[i] * (double)again[i] / N;
		memcpy(again, z, sizeof z);
	}
	near(product / 40, 0, 0.01, "nor are many");
	even_destroy(e);
}

static int ascending(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Whatever the number of chains, each quantile goes to one of them. */
static void test_lattices(void)
{
	static const size_t sizes[] = { 360, 1000, 1024, 1155, 2310 };
	int wrong = 0;

	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		const size_t n = sizes[k];
		static float u[2310], z[2310];
		struct even *e;

		random_gaussian(key, 6, 0, u, n);
		even_create(n, 2, &e);
		even_observe(e, u);
		for (uint64_t stream = 0; stream < 8; stream++) {
			even_gaussian(e, stream, 0, z, n);
			qsort(z, n, sizeof *z, ascending);
			for (size_t i = 0; i < n; i++)
				wrong += fabs(erfc(-(double)z[i] / sqrt(2)) / 2 * (double)n -
					      ((double)i + 0.5)) > 1e-2;
		}
		even_destroy(e);
	}
	ok(!wrong, "even noise has each quantile once (%d wrong)", wrong);
}

/* ---- tables, plots */

/* All elements are closed, in the right order. */
static int balanced(const char *svg)
{
	char open[16][32];
	int depth = 0;

	for (const char *p = strchr(svg, '<'); p; p = strchr(p + 1, '<')) {
		const char *end = strchr(p, '>');
		const size_t n = strcspn(p + 1, " />\n");

		if (!end)
			return 0;
		if (p[1] == '/') {
			if (!depth--)
				return 0;
			if (strncmp(open[depth], p + 2, strlen(open[depth])) != 0)
				return 0;
		} else if (end[-1] != '/') {
			if (depth == 16)
				return 0;
			snprintf(open[depth++], 32, "%.*s", (int)n, p + 1);
		}
	}
	return depth == 0;
}

static void test_table(void)
{
	char path[] = "/tmp/lacuna-study-XXXXXX", *text, *again, *svg;
	struct plot_style style = { .measure = "kl", .bound = 1, .slopes = 1 };
	struct findings f = { .exact = 1, .sliced_w2 = NAN, .w_bias = 0.5 };
	const int fd = mkstemp(path);
	struct table t, back;

	table_create(&t, "a < b\n& c", "steps");
	for (int i = 1; i <= 4; i++) {
		f.steps = f.evaluations = 10 << i;
		f.kl = pow(10 << i, -2);
		table_add(&t, "one > two", 10 << i, &f);
	}
	table_add(&t, table_floor, NAN, &f);
	text = table_text(&t);
	ok(strstr(text, "\tlaw\t0.0025\t-\t") != NULL, "what is not known is a dash");
	ok(strstr(text, "# slope\tone > two\tkl\t-2\t-2\t-2\n") != NULL, "the table holds slopes");
	ok(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "written");
	close(fd);
	ok(table_read(path, &back) == LACUNA_OK, "a table is read back");
	again = table_text(&back);
	is_text(again, text, "and is the same");
	svg = plot_svg(&t, 1, &style);
	ok(svg && balanced(svg), "a plot is well-formed");
	ok(svg && strstr(svg, "a &lt; b &amp; c") && strstr(svg, "one &gt; two (slope -2.00"),
	   "titles and legends are escaped");
	style.measure = "sliced-w2";
	ok(!plot_svg(&t, 1, &style) && strstr(error_text(), "sliced-w2"),
	   "a plot of nothing is refused");
	table_free(&t);
	ok(!truncate(path, 0) && table_read(path, &t) == LACUNA_EINVAL,
	   "an empty file is no table");
	ok(table_read("/dev/null", &t) == LACUNA_EIO, "nor is a device");
	unlink(path);
	memory_release(svg);
	memory_release(again);
	memory_release(text);
	table_free(&back);
}

static int read_table_text(const char *text, struct table *t)
{
	char path[PATH_SIZE];
	int status;

	put_text(path, text);
	status = table_read(path, t);
	unlink(path);
	return status;
}

static void test_tables(void)
{
	struct findings f = { .exact = 0 };
	struct table t;
	char *text;

	ok(read_table_text("# lacuna study: title\n", &t) == LACUNA_EINVAL,
	   "a title alone is no table");
	ok(read_table_text("curve\tsteps\trun-steps\tevaluations\tkl-from\tkl\n", &t) ==
		   LACUNA_EINVAL,
	   "nor are the names of columns");
	if (ok(!read_table_text(
		       "# lacuna study: title\ncurve\tsteps\nx\t5\t6\t7\tlaw\t0.25\t1x\t\n", &t),
	       "a table"))
		ok(t.count == 1 && t.rows[0].f.kl == 0.25 && isnan(t.rows[0].f.sliced_w2) &&
			   isnan(t.rows[0].f.w1) && t.rows[0].f.steps == 6 &&
			   t.rows[0].f.evaluations == 7 && t.rows[0].f.exact,
		   "what is no number is not known");
	table_free(&t);
	/* All columns are powers of the steps; a coverage has no order of convergence. */
	table_create(&t, "title", "steps");
	for (int i = 1; i <= 5; i++) {
		const double value = 1 / (double)(1 << i);

		f = (struct findings){ .kl = value,
				       .sliced_w2 = value,
				       .w1 = value,
				       .mean_error = value,
				       .cov_error = value,
				       .w_bias = value,
				       .cover = { value, value, value },
				       .cover_error = value };
		table_add(&t, "curve", 1 << i, &f);
	}
	text = table_text(&t);
	ok(strstr(text, "# slope\tcurve\tw-bias\t-1\t") && !strstr(text, "# slope\tcurve\tcover"),
	   "errors have slopes, coverage has none");
	memory_release(text);
	table_free(&t);
}

/* The heights of the markers of this shape within the axes, as they follow each other; returns their number. */
static int marker_heights(const char *svg, const char *shape, double *y)
{
	int n = 0;

	for (const char *p = svg; (p = strstr(p, "<path d=\"M")); p++) {
		double x, at;
		int length = 0;

		if (sscanf(p, "<path d=\"M%lf %lf%n", &x, &at, &length) == 2 &&
		    !strncmp(p + length, shape, strlen(shape)) && at < 285 && n < 16)
			y[n++] = at;
	}
	return n;
}

/* Values 1, 1/10, 1/100: at equal distances on a logarithmic axis, which leaves out what is not above 0. */
static void test_axes(void)
{
	static const double last[] = { 0.001, -0.001, 0, NAN };
	struct plot_style style = { .measure = "w1" };
	int right = 0, whole = 0;

	for (int k = 0; k < 4; k++) {
		struct table t;
		double y[16];
		char *svg;
		int n;

		table_create(&t, "title", "steps");
		for (int i = 0; i < 4; i++) {
			const struct findings f = { .w1 = i < 3 ? pow(10, -i) : last[k] };

			table_add(&t, "curve", 10 * (i + 1), &f);
		}
		svg = plot_svg(&t, 1, &style);
		n = svg ? marker_heights(svg, "m-3.5 0a", y) : 0;
		right += n == (k ? 3 : 4) && fabs(y[1] - y[0] - (y[2] - y[1])) < 0.25 &&
			 y[1] > y[0] + 20;
		whole += svg && !strstr(svg, "nan") && !strstr(svg, "inf");
		memory_release(svg);
		table_free(&t);
	}
	ok(right == 4, "tenths have equal distances, and what is not above 0 is left out (%d of 4)",
	   right);
	ok(whole == 4, "no place is nowhere");
}

/* The floor of sampling error is drawn where something was sampled; labels of far powers; colours of curves. */
static void test_drawing(void)
{
	static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7",
					       "#000000", "#e69f00", "#56b4e9", "#7f7f7f" };
	struct plot_style style = { .measure = "kl" };
	int seen = 0;

	for (int exact = 0; exact < 2; exact++) {
		struct table t;
		char *svg;

		table_create(&t, "title", "steps");
		for (int curve = 0; curve < 8; curve++)
			for (int i = 0; i < 3; i++) {
				const struct findings f = { .exact = exact,
							    .kl = pow(10, -12 + 2 * i) };
				char name[16];

				snprintf(name, sizeof name, "curve %d", curve);
				table_add(&t, name, 10 << i, &f);
			}
		table_add(&t, table_floor, NAN, &(struct findings){ .kl = 1e-11 });
		svg = plot_svg(&t, 1, &style);
		ok(svg && (strstr(svg, "sampling error") == NULL) == exact, "%s: %s floor",
		   exact ? "laws" : "samples", exact ? "no" : "a");
		for (int i = 0; svg && i < 8; i++)
			seen += strstr(svg, colours[i]) != NULL;
		ok(svg && strstr(svg, ">10\u207b\u00b9\u00b2<"), "10^-12 has its exponent");
		memory_release(svg);
		table_free(&t);
	}
	ok(seen == 16, "eight curves have eight colours (%d)", seen);
}

int main(void)
{
	test_gaussian_kl();
	test_sampled_kl();
	test_blurred_kl();
	test_binned_kl();
	test_wasserstein();
	test_assignment();
	test_transport();
	test_gaussian_sliced();
	test_fit();
	test_posterior();
	test_sampling();
	test_root();
	test_quantiles();
	test_text();
	test_texts();
	test_exact_points();
	test_points();
	test_targets();
	test_manual();
	test_even();
	test_lattices();
	test_table();
	test_tables();
	test_axes();
	test_drawing();
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
