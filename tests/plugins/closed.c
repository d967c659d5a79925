/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The laboratory priors against independent arithmetic (sums over all frequencies, dense matrices, quadrature), and two
 * consequences of a Gaussian prior: hqs ends at the Wiener solution, and the mean of many samples of ddpm with exact is the
 * posterior mean. */
#include <config.h>

#include "lab.h"
#include "../tap.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "plugin/host.h"

#include <lapacke.h>
#include <stdlib.h>

static const double pi = 3.14159265358979323846;
static const struct random_key key = { 42, 0, 0 };

/* ---- a prior alone */

struct alone {
	struct host_context host_context;
	struct lacuna_host host;
	struct plugin_use use;
	void *self, *scratch;
};

/* Returns the status of create(). */
static int open_prior(struct alone *a, const char *spec, const struct lacuna_shape *x)
{
	struct lacuna_problem problem = { .size = sizeof problem, .x = *x, .y = *x };
	const struct lacuna_prior *prior;
	int status;

	a->host_context.key = key;
	host_init(&a->host, &a->host_context);
	a->self = a->scratch = NULL;
	if (use_parse(LACUNA_PRIOR, spec, &a->use))
		lab_bail(spec);
	prior = &a->use.plugin->u.prior;
	status = prior->create(&a->host, a->use.config, &problem, &a->self);
	if (!status)
		a->scratch = memory_alloc(prior->scratch(a->self));
	return status;
}

static void close_prior(struct alone *a)
{
	a->use.plugin->u.prior.destroy(a->self);
	memory_release(a->scratch);
	use_free(&a->use);
}

static void denoise(struct alone *a, double sigma, const float *u, float *x0)
{
	if (a->use.plugin->u.prior.denoise(a->self, a->scratch, sigma, u, x0))
		lab_bail("denoise");
}

static void denoise_map(struct alone *a, const float *sigma, const float *u, float *x0)
{
	if (a->use.plugin->u.prior.denoise_map(a->self, a->scratch, sigma, u, x0))
		lab_bail("denoise_map");
}

/* vjp() and jvp() against differences of denoise() in random directions: all give v . (dD/du) w. */
static void test_vjp(struct alone *a, size_t n, double sigma, const float *u, double tolerance)
{
	float *memory = memory_alloc_array(6 * n, sizeof *memory);
	float *v = memory, *w = v + n, *jv = w + n, *moved = jv + n, *plus = moved + n,
	      *minus = plus + n;
	double got = 0, forward = 0, want = 0, scale = 0;
	const double h = 0.01 * sigma;

	random_gaussian(key, 1, 0, v, n);
	random_gaussian(key, 2, 0, w, n);
	if (a->use.plugin->u.prior.vjp(a->self, a->scratch, sigma, u, v, jv))
		lab_bail("vjp");
	for (size_t i = 0; i < n; i++)
		moved[i] = (float)(u[i] + h * w[i]);
	denoise(a, sigma, moved, plus);
	for (size_t i = 0; i < n; i++)
		moved[i] = (float)(u[i] - h * w[i]);
	denoise(a, sigma, moved, minus);
	for (size_t i = 0; i < n; i++) {
		got += (double)jv[i] * w[i];
		want += v[i] * ((double)plus[i] - minus[i]) / (2 * h);
		scale += fabs((double)jv[i] * w[i]);
	}
	near(got / scale, want / scale, tolerance, "vjp is the derivative of denoise, transposed");
	if (a->use.plugin->u.prior.jvp(a->self, a->scratch, sigma, u, w, jv))
		lab_bail("jvp");
	for (size_t i = 0; i < n; i++)
		forward += (double)jv[i] * v[i];
	near(forward / scale, want / scale, tolerance, "and jvp the derivative");
	memory_release(memory);
}

/* ---- gaussian */

enum { W = 12, H = 10, N = W * H };

static double frequency(int k, int n)
{
	return (double)(2 * k <= n ? k : k - n) / n;
}

static double cutoff = 1; /* cycles per image */

/* Spectrum of prior gaussian with exponent e: variances of the Fourier coefficients in an orthonormal basis. */
static void spectrum(int w, int h, double exponent, double amplitude, double *s)
{
	const double f0 = cutoff / (w > h ? w : h);
	double sum = 0;

	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			const double fx = frequency(x, w), fy = frequency(y, h);

			s[y * w + x] = pow(fx * fx + fy * fy + f0 * f0, -exponent / 2);
			sum += s[y * w + x];
		}
	for (int i = 0; i < w * h; i++)
		s[i] *= amplitude * amplitude * w * h / sum;
}

/* Covariance of two pixels at distance (dx, dy). */
static double covariance(int w, int h, const double *s, int dx, int dy)
{
	double c = 0;

	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			c += s[y * w + x] *
			     cos(2 * pi * ((double)x * dx / w + (double)y * dy / h)) / (w * h);
	return c;
}

static void dense_covariance(int w, int h, double exponent, double amplitude, double *c)
{
	double *s = calloc((size_t)(w * h), sizeof *s);

	spectrum(w, h, exponent, amplitude, s);
	for (int i = 0; i < w * h; i++)
		for (int j = 0; j < w * h; j++)
			c[i * w * h + j] = covariance(w, h, s, i % w - j % w, i / w - j / w);
	free(s);
}

/* Posterior mean, mean + C (C + diag(v))^-1 (u - mean), and its variance if not NULL. */
static void condition(int n, const double *c, const double *v, double mean, const double *u,
		      double *x0, double *variance)
{
	double *a = calloc((size_t)n * (size_t)n, sizeof *a);
	double *b = calloc((size_t)n * (size_t)(n + 1), sizeof *b);

	for (int i = 0; i < n * n; i++)
		a[i] = c[i] + (i % (n + 1) == 0 ? v[i / (n + 1)] : 0);
	for (int i = 0; i < n; i++)
		b[i] = u[i] - mean;
	for (int i = 0; i < n * n; i++)
		b[n + i] = c[i];
	if (LAPACKE_dposv(LAPACK_COL_MAJOR, 'L', n, n + 1, a, n, b, n))
		lab_bail("LAPACK");
	for (int i = 0; i < n; i++) {
		x0[i] = mean;
		for (int j = 0; j < n; j++)
			x0[i] += c[i * n + j] * b[j];
		if (!variance)
			continue;
		variance[i] = c[i * n + i];
		for (int j = 0; j < n; j++)
			variance[i] -= c[i * n + j] * b[n + i * n + j];
	}
	free(b);
	free(a);
}

/* Largest difference divided by the largest value. */
static double distance(int n, const float *got, const double *want)
{
	double d = 0, m = 0;

	for (int i = 0; i < n; i++) {
		d = fmax(d, fabs(got[i] - want[i]));
		m = fmax(m, fabs(want[i]));
	}
	return d / m;
}

static void test_gaussian_map(struct alone *a, const double *c, const double *sigma,
			      const char *what)
{
	float u[N], map[N], x0[N];
	double v[N], du[N], want[N];

	random_gaussian(key, 3, 0, u, N);
	for (int i = 0; i < N; i++) {
		map[i] = (float)sigma[i];
		v[i] = (double)map[i] * map[i];
		u[i] = (float)(0.4 + (0.2 + sigma[i]) * u[i]);
		du[i] = u[i];
	}
	condition(N, c, v, 0.4, du, want, NULL);
	denoise_map(a, map, u, x0);
	ok(distance(N, x0, want) < 2e-5, "gaussian, sigma map, %s: the dense solution (%.1g)", what,
	   distance(N, x0, want));
}

static void test_gaussian(double exponent)
{
	static double c[N * N];
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static const double sigmas[] = { 0.01, 0.1, 1, 50 };
	char spec[80];
	struct alone a;
	float u[N], x0[N];
	double v[N], du[N], want[N], map[N];

	snprintf(spec, sizeof spec, "gaussian:exponent=%g,mean=0.4,amplitude=0.3,cutoff=%g",
		 exponent, cutoff);
	if (open_prior(&a, spec, &shape))
		lab_bail(spec);
	dense_covariance(W, H, exponent, 0.3, c);
	near(c[0], 0.09, 1e-9, "a pixel's variance is the amplitude squared");
	for (int k = 0; k < 4; k++) {
		random_gaussian(key, 4, 0, u, N);
		for (int i = 0; i < N; i++) {
			u[i] = (float)(0.4 + (0.2 + sigmas[k]) * u[i]);
			du[i] = u[i];
			v[i] = sigmas[k] * sigmas[k];
		}
		condition(N, c, v, 0.4, du, want, NULL);
		denoise(&a, sigmas[k], u, x0);
		ok(distance(N, x0, want) < 1e-5,
		   "gaussian, exponent %g, sigma %g: the dense solution (%.1g)", exponent,
		   sigmas[k], distance(N, x0, want));
	}
	random_gaussian(key, 6, 0, u, N);
	test_vjp(&a, N, 0.3, u, 1e-4);
	for (int i = 0; i < N; i++)
		map[i] = i % 3 ? 50 : 0.001;
	test_gaussian_map(&a, c, map, "a third of the pixels known");
	for (int i = 0; i < N; i++)
		map[i] = i / W > 2 && i / W < 8 && i % W > 3 ? 1000 : 1e-4;
	test_gaussian_map(&a, c, map, "a hole");
	for (int i = 0; i < N; i++)
		map[i] = i == 17 || i == 90 ? 0.01 : 20;
	test_gaussian_map(&a, c, map, "two pixels known");
	for (int i = 0; i < N; i++)
		map[i] = 0.05 + 0.4 * i / N;
	test_gaussian_map(&a, c, map, "smooth");
	close_prior(&a);
}

/* Sizes odd and even, higher than wide, down to a pixel, with channels: each channel has the dense solution, for one sigma
 * and for a map. */
static void test_shape(int w, int h, int channels)
{
	static double c[N * N];
	const int plane = w * h;
	const struct lacuna_shape shape = { { w, h, channels, 1 } };
	struct alone a;
	float u[2 * N], map[2 * N], x0[2 * N], mapped[2 * N];
	double worst = 0, worst_map = 0;

	if (open_prior(&a, "gaussian:exponent=2.2,mean=0.4,amplitude=0.3", &shape))
		lab_bail("gaussian");
	dense_covariance(w, h, 2.2, 0.3, c);
	random_gaussian(key, 8, 0, u, (size_t)(plane * channels));
	for (int i = 0; i < plane * channels; i++) {
		u[i] = 0.4f + 0.4f * u[i];
		map[i] = 0.1f + 0.07f * (float)(i % 5);
	}
	denoise(&a, 0.25, u, x0);
	denoise_map(&a, map, u, mapped);
	for (int at = 0; at < plane * channels; at += plane) {
		double du[N], v[N], want[N];

		for (int i = 0; i < plane; i++) {
			du[i] = u[at + i];
			v[i] = 0.25 * 0.25;
		}
		condition(plane, c, v, 0.4, du, want, NULL);
		worst = fmax(worst, distance(plane, x0 + at, want));
		for (int i = 0; i < plane; i++)
			v[i] = (double)map[at + i] * (double)map[at + i];
		condition(plane, c, v, 0.4, du, want, NULL);
		worst_map = fmax(worst_map, distance(plane, mapped + at, want));
	}
	ok(worst < 1e-5 && worst_map < 2e-5,
	   "gaussian, %dx%d, %d channels: the dense solution (%.1g, by a map %.1g)", w, h, channels,
	   worst, worst_map);
	close_prior(&a);
}

/* ---- gaussian: mean and amplitude from the measurement */

static double logged_mean, logged_amplitude;

static void catch_log(void *context, int level, const char *text)
{
	(void)context, (void)level;
	sscanf(text, "gaussian: mean %lf, amplitude %lf", &logged_mean, &logged_amplitude);
}

/* An image drawn from the prior: white noise times the root of the spectrum, by a slow Fourier transform of rows and
 * columns. */
static void draw(int w, int h, double exponent, double mean, double amplitude, float *x)
{
	double *s = calloc((size_t)(w * h), sizeof *s);
	double *re = calloc((size_t)(w * h), sizeof *re), *im = calloc((size_t)(w * h), sizeof *im);
	float *z = calloc((size_t)(2 * w * h), sizeof *z);

	spectrum(w, h, exponent, amplitude, s);
	random_gaussian(key, 77, 0, z, (size_t)(2 * w * h));
	/* x = Re sum_f sqrt(s_f/n) (z1 + i z2) e^{i f x} has covariance sum_f s_f cos/n */
	for (int y = 0; y < h; y++) /* from rows of frequencies to columns of pixels */
		for (int px = 0; px < w; px++)
			for (int kx = 0; kx < w; kx++) {
				const double g = sqrt(s[y * w + kx] / (w * h));
				const double p = 2 * pi * kx * px / w;
				const double a = g * z[2 * (y * w + kx)];
				const double b = g * z[2 * (y * w + kx) + 1];

				re[y * w + px] += a * cos(p) - b * sin(p);
				im[y * w + px] += a * sin(p) + b * cos(p);
			}
	for (int py = 0; py < h; py++)
		for (int px = 0; px < w; px++) {
			double sum = 0;

			for (int ky = 0; ky < h; ky++) {
				const double p = 2 * pi * ky * py / h;

				sum += re[ky * w + px] * cos(p) - im[ky * w + px] * sin(p);
			}
			x[py * w + px] = (float)(mean + sum);
		}
	free(z);
	free(im);
	free(re);
	free(s);
}

static void test_fit(const char *op, int exponent, double noise)
{
	enum { SIDE = 64 };
	static float scene[SIDE * SIDE];
	double mean = 0, variance = 0, want_energy = 0;
	char prior[64];
	struct lab_plan plan = { .x = { { SIDE, SIDE, 1, 1 } },
				 .op = op,
				 .prior = prior,
				 .sampler = "hqs",
				 .scene = scene,
				 .noise = noise };
	struct lab lab;

	snprintf(prior, sizeof prior, "gaussian:exponent=%d,probes=%d", exponent,
		 exponent > 2 ? 64 : 16);
	draw(SIDE, SIDE, exponent, 0.4, 0.2, scene);
	for (int i = 0; i < SIDE * SIDE; i++)
		mean += scene[i] / (SIDE * SIDE);
	for (int i = 0; i < SIDE * SIDE; i++)
		variance += pow(scene[i] - mean, 2) / (SIDE * SIDE);
	/* The variance about the image's own mean is smaller than amplitude^2: the constant component is missing. */
	for (int i = 1; i < SIDE * SIDE; i++) {
		const double fx = frequency(i % SIDE, SIDE), fy = frequency(i / SIDE, SIDE);

		want_energy += pow(fx * fx + fy * fy + 1.0 / (SIDE * SIDE), -exponent / 2.0);
	}
	want_energy /= want_energy + pow(SIDE, exponent);
	log_install(catch_log, NULL);
	logged_mean = logged_amplitude = -1;
	lab_open(&lab, &plan);
	lab_close(&lab);
	log_install(NULL, NULL);
	ok(fabs(logged_mean - mean) < 0.02, "%s: mean %.3f, the scene's is %.3f", op, logged_mean,
	   mean);
	ok(fabs(logged_amplitude / sqrt(variance / want_energy) - 1) < 0.1,
	   "%s: amplitude %.3f, the scene's is %.3f", op, logged_amplitude,
	   sqrt(variance / want_energy));
}

/* Where the operator passes no constant, or only what rounding leaves of it, the mean is 1/2. */
static void test_no_mean(const char *op)
{
	struct lab_plan plan = { .x = { { 4, 4, 1, 1 } },
				 .op = op,
				 .prior = "gaussian",
				 .sampler = "hqs",
				 .value = 0.3,
				 .noise = 0.05 };
	struct lab lab;

	log_install(catch_log, NULL);
	logged_mean = -1;
	lab_open(&lab, &plan);
	lab_close(&lab);
	log_install(NULL, NULL);
	ok(fabs(logged_mean - 0.5) < 1e-6, "%s: the mean is 1/2 (%g)", op, logged_mean);
}

/* A mean that is stated is not fitted with the amplitude. */
static void test_stated_mean(void)
{
	enum { SIDE = 16 };
	static float scene[SIDE * SIDE];
	struct lab_plan plan = { .x = { { SIDE, SIDE, 1, 1 } },
				 .op = "identity",
				 .prior = "gaussian:mean=0.3",
				 .sampler = "hqs",
				 .scene = scene,
				 .noise = 0.05 };
	struct lab lab;

	draw(SIDE, SIDE, 2, 0.6, 0.1, scene);
	log_install(catch_log, NULL);
	logged_mean = -1;
	lab_open(&lab, &plan);
	lab_close(&lab);
	log_install(NULL, NULL);
	near(logged_mean, 0.3, 1e-4, "a mean that is stated stays");
}

/* A measurement that is all noise leaves a small amplitude, but some.  Where the operator does not pass a constant, the mean
 * is that of a half. */
static void test_hard_fits(void)
{
	static const struct {
		const char *op;
		double noise, mean, least;
	} rows[] = { { "matrix:rows=1 0 0 0;0 0.5 0 0;0 0 0.2 0", 2, -1, 1e-3 },
		     { "matrix:rows=1 -1 0 0;0 0 1 -1", 0.01, 0.5, 0 },
		     { "matrix:rows=0 0 0 0", 0.01, 0.5, 0 } };

	for (int k = 0; k < 3; k++) {
		struct lab_plan plan = { .x = { { 4, 2, 1, 1 } },
					 .op = rows[k].op,
					 .prior = "gaussian",
					 .sampler = "hqs:steps=2",
					 .value = 0.4,
					 .noise = rows[k].noise };
		struct lab lab;
		float x[8];

		log_install(catch_log, NULL);
		logged_mean = logged_amplitude = -1;
		lab_open(&lab, &plan);
		log_install(NULL, NULL);
		ok(rows[k].mean < 0 || fabs(logged_mean - rows[k].mean) < 1e-4,
		   "gaussian, %s, noise %g: mean %.4f", rows[k].op, rows[k].noise, logged_mean);
		ok(logged_amplitude > rows[k].least, "amplitude %.4f", logged_amplitude);
		lab_run(&lab, 0, x); /* ends the test if a value is not finite */
		lab_close(&lab);
	}
}

/* ---- gmm */

static const char mixture[] = "# two components, 'tis a comment\n"
			      "dim 2\n"
			      "component 3\n"
			      "mean -1 0.5\n"
			      "cov 0.3 0.1\n"
			      "cov 0.1 0.2\n"
			      "component 1  # heavier above\n"
			      "mean 1 0\n"
			      "var 0.05\n";

static double mixture_density(double x, double y)
{
	const double dx = x + 1, dy = y - 0.5, det = 0.3 * 0.2 - 0.1 * 0.1;
	const double q = (0.2 * dx * dx - 0.2 * dx * dy + 0.3 * dy * dy) / det;
	const double r = ((x - 1) * (x - 1) + y * y) / 0.05;

	return 0.75 * exp(-q / 2) / sqrt(det) + 0.25 * exp(-r / 2) / 0.05;
}

/* E[x0 | u] by quadrature */
static void quadrature(const float *u, const float *sigma, double *mean)
{
	enum { M = 800 };
	double mass = 0;

	mean[0] = mean[1] = 0;
	for (int i = 0; i < M; i++)
		for (int j = 0; j < M; j++) {
			const double x = -4 + 8.0 * (i + 0.5) / M, y = -3 + 6.0 * (j + 0.5) / M;
			const double a = (u[0] - x) / sigma[0], b = (u[1] - y) / sigma[1];
			const double p = mixture_density(x, y) * exp(-(a * a + b * b) / 2);

			mass += p;
			mean[0] += p * x;
			mean[1] += p * y;
		}
	mean[0] /= mass;
	mean[1] /= mass;
}

static void test_gmm(void)
{
	enum { VECTORS = 4500 }; /* more than one tile in each task */
	const struct lacuna_shape shape = { { 2, VECTORS, 1, 1 } };
	char spec[160];
	struct alone a;
	float u[2 * VECTORS], x0[2 * VECTORS], map[2 * VECTORS];
	const double sigma = 0.4;
	double want[2], worst = 0, worst_map = 0;

	snprintf(spec, sizeof spec, "gmm:file=%s", lab_file("mixture.txt", "%s", mixture));
	if (open_prior(&a, spec, &shape))
		lab_bail(spec);
	random_gaussian(key, 5, 0, u, 2 * VECTORS);
	for (int i = 0; i < 2 * VECTORS; i++)
		map[i] = (float)sigma;
	denoise(&a, sigma, u, x0);
	for (int k = 0; k < VECTORS; k += 347) {
		quadrature(u + 2 * k, map + 2 * k, want);
		worst = fmax(worst, fabs(x0[2 * k] - want[0]) + fabs(x0[2 * k + 1] - want[1]));
	}
	ok(worst < 1e-5, "gmm: posterior mean by quadrature (%.1g)", worst);
	test_vjp(&a, 2 * VECTORS, sigma, u, 1e-3);
	denoise_map(&a, map, u, map);
	worst = 0;
	for (int i = 0; i < 2 * VECTORS; i++)
		worst = fmax(worst, fabs(map[i] - x0[i]));
	ok(worst < 1e-6, "gmm: a map of one value is that value (%.1g)", worst);
	for (int i = 0; i < 2 * VECTORS; i++)
		map[i] = i % 2 ? 0.2f : 1.5f;
	denoise_map(&a, map, u, x0);
	for (int k = 0; k < VECTORS; k += 347) {
		quadrature(u + 2 * k, map + 2 * k, want);
		worst_map =
			fmax(worst_map, fabs(x0[2 * k] - want[0]) + fabs(x0[2 * k + 1] - want[1]));
	}
	ok(worst_map < 2e-5, "gmm, sigma map: posterior mean by quadrature (%.1g)", worst_map);
	close_prior(&a);
}

/* Components cut into parts of equal shape are the same mixture: more of them than there was room for at first. */
static void test_many_components(void)
{
	const struct lacuna_shape shape = { { 2, 40, 1, 1 } };
	const char *path = lab_file_begin("parts.txt");
	float u[80], x0[2][80];
	char spec[160];
	double worst = 0;

	lab_print("dim 2\n");
	for (int k = 0; k < 9; k++)
		lab_print("component 1\nmean -1 0.5\ncov 0.3 0.1\ncov 0.1 0.2\n");
	for (int k = 0; k < 6; k++)
		lab_print("component 0.5\nmean 1 0\ncov 0.05 0\ncov 0 0.05\n");
	lab_file_end();
	random_gaussian(key, 5, 0, u, 80);
	for (int k = 0; k < 2; k++) {
		struct alone a;

		snprintf(spec, sizeof spec, "gmm:file=%s",
			 k ? path : lab_file("mixture.txt", "%s", mixture));
		if (open_prior(&a, spec, &shape))
			lab_bail(spec);
		denoise(&a, 0.3, u, x0[k]);
		close_prior(&a);
	}
	for (int i = 0; i < 80; i++)
		worst = fmax(worst, fabs((double)x0[0][i] - (double)x0[1][i]));
	ok(worst < 1e-6, "gmm: fifteen components that are two (%.0e)", worst);
}

/* An error e of the variance-preserving score moves the mean by e (1 - alpha_bar)/sqrt(alpha_bar), in the direction (1,
 * 1)/sqrt(2). */
static void test_score_error(void)
{
	const struct lacuna_shape shape = { { 2, 3, 1, 1 } };
	const double sigma = 0.8, alpha_bar = 1 / (1 + sigma * sigma);
	const double want = 0.2 / sqrt(2) * (1 - alpha_bar) / sqrt(alpha_bar);
	const char *path = lab_file("score.txt", "%s", mixture);
	float u[6], right[6], wrong[6], mapped[6], map[6];
	char spec[200];
	struct alone a;
	double worst = 0;

	random_gaussian(key, 9, 0, u, 6);
	for (int i = 0; i < 2; i++) {
		snprintf(spec, sizeof spec, "gmm:file=%s,score_error=%g", path, i ? 0.2 : 0);
		if (open_prior(&a, spec, &shape))
			lab_bail(spec);
		denoise(&a, sigma, u, i ? wrong : right);
		for (int k = 0; k < 6; k++)
			map[k] = (float)sigma;
		denoise_map(&a, map, u, mapped);
		for (int k = 0; k < 6; k++)
			worst = fmax(worst,
				     fabs((double)mapped[k] - (double)(i ? wrong : right)[k]));
		close_prior(&a);
	}
	for (int k = 0; k < 6; k++)
		worst = fmax(worst, fabs((double)wrong[k] - (double)right[k] - want));
	ok(worst < 1e-6, "gmm: an error of the score moves the mean as it should (%.0e)", worst);
}

static void test_gmm_refuses(const char *text, const char *message)
{
	const struct lacuna_shape shape = { { 2, 3, 1, 1 } };
	char spec[160], expected[200];
	const char *path = lab_file("bad.txt", "%s", text);
	struct alone a;
	int status;

	snprintf(spec, sizeof spec, "gmm:file=%s", path);
	status = open_prior(&a, spec, &shape);
	snprintf(expected, sizeof expected, "%s: %s", path, message);
	ok(status == LACUNA_EINVAL && !a.self && !strcmp(error_text(), expected), "gmm refuses: %s",
	   message);
	if (strcmp(error_text(), expected) != 0)
		diag("got \"%s\"", error_text());
	use_free(&a.use);
}

static void test_gmm_parser(void)
{
	test_gmm_refuses("component 1\n", "line 1: the file must begin with dim");
	test_gmm_refuses("dim 2\ndim 2\n", "line 2: dim is given twice");
	test_gmm_refuses("dim 1.5\n", "line 1: dim must be a whole number from 1 to 256");
	test_gmm_refuses("dim 2\nmean 0 0\n",
			 "line 2: a component line must come before this line");
	test_gmm_refuses("dim 2\n", "line 1: the file has no component");
	test_gmm_refuses("dim 2\ncomponent 0\n", "line 2: a weight must be positive");
	test_gmm_refuses("dim 2\ncomponent 1\nvar 1\n", "line 3: the component above has no mean");
	test_gmm_refuses("dim 2\ncomponent 1\nmean 0\n", "line 3: too few numbers");
	test_gmm_refuses("dim 2\ncomponent 1\nmean 0 0\nvar -1\n",
			 "line 4: a variance must not be negative");
	test_gmm_refuses("dim 2\ncomponent 1\nmean 0 0 0\n", "line 3: too many numbers");
	test_gmm_refuses("dim 2\ncomponent 1\nmean 0 zero\n", "line 3: not a number");
	test_gmm_refuses("dim 2\ncomponent 1\nmean 0 0\ncov 1 0\ncomponent 1\n",
			 "line 5: the component above needs var, or dim rows of cov");
	test_gmm_refuses("dim 2\ncomponent 1\nmean 0 0\ncov 1 0.5\ncov 0 1\n",
			 "line 5: the covariance above is not symmetric");
	test_gmm_refuses("dim 2\ncomponent 1\nmean 0 0\ncov 1 2\ncov 2 1\n",
			 "line 5: the covariance above is not positive semidefinite");
	test_gmm_refuses("dim 2\ncomponent 1\nmean 0 0\nvar -1\n",
			 "line 4: a variance must not be negative");
	test_gmm_refuses("dim 2\nsigma 3\n", "line 2: expected dim, component, mean, var or cov");
	test_gmm_refuses("dim 4\ncomponent 1\nmean 0 0 0 0\nvar 1\n",
			 "the image has 6 values; that must be a multiple of dim, 4");
}

/* ---- hqs ends at the Wiener solution */

static void test_hqs(double noise)
{
	enum { SIDE = 24, M = SIDE * SIDE };
	static double s[M], otf_re[M], otf_im[M], want[M];
	static float scene[M], delta[M], psf[M], x[M];
	struct lab_plan plan = { .x = { { SIDE, SIDE, 1, 1 } },
				 .op = "blur:kind=motion,length=7,angle=30,boundary=periodic",
				 .prior = "gaussian:exponent=2,mean=0.4,amplitude=0.2",
				 .sampler = "hqs:lambda=1,steps=600,falling=0,sigma_min=0.002",
				 .scene = scene,
				 .noise = noise };
	struct lab lab;
	double error = 0, norm = 0;

	draw(SIDE, SIDE, 2, 0.4, 0.2, scene);
	lab_open(&lab, &plan);
	lab_run(&lab, 0, x);
	delta[0] = 1;
	if (problem_apply(lab.problem, delta, psf))
		lab_bail("psf");
	spectrum(SIDE, SIDE, 2, 0.2, s);
	/* The Wiener filter, frequency by frequency. */
	for (int k = 0; k < M; k++) {
		double re = 0, im = 0, gain;

		for (int i = 0; i < M; i++) {
			const double p = 2 * pi *
					 ((double)(k % SIDE) * (i % SIDE) +
					  (double)(k / SIDE) * (i / SIDE)) /
					 SIDE;

			otf_re[k] += psf[i] * cos(p);
			otf_im[k] -= psf[i] * sin(p);
			re += (lab.y[i] - 0.4) * cos(p);
			im -= (lab.y[i] - 0.4) * sin(p);
		}
		gain = s[k] /
		       ((otf_re[k] * otf_re[k] + otf_im[k] * otf_im[k]) * s[k] + noise * noise);
		for (int i = 0; i < M; i++) {
			const double p = 2 * pi *
					 ((double)(k % SIDE) * (i % SIDE) +
					  (double)(k / SIDE) * (i / SIDE)) /
					 SIDE;
			const double a = gain * (otf_re[k] * re + otf_im[k] * im);
			const double b = gain * (otf_re[k] * im - otf_im[k] * re);

			want[i] += (a * cos(p) - b * sin(p)) / M + (k == 0 ? 0.4 : 0);
		}
	}
	lab_close(&lab);
	for (int i = 0; i < M; i++) {
		error += pow(x[i] - want[i], 2);
		norm += pow(want[i], 2);
		want[i] = 0;
		otf_re[i] = otf_im[i] = 0;
	}
	ok(error < 1e-6 * norm, "hqs, noise %g: the Wiener solution (relative error %.2g)", noise,
	   sqrt(error / norm));
}

/* A power law of exponent 1 is linear, but hqs does not know: its rounds converge to what identity gives at once. */
static void test_newton(void)
{
	enum { SIDE = 24, M = SIDE * SIDE };
	static const char *const ops[] = { "identity", "gamma:exponent=1" };
	static float scene[M], x[2][M];
	double error = 0;

	draw(SIDE, SIDE, 2, 0.4, 0.1, scene);
	for (int k = 0; k < 2; k++) {
		struct lab_plan plan = { .x = { { SIDE, SIDE, 1, 1 } },
					 .op = ops[k],
					 .prior = "gaussian:exponent=2,mean=0.4,amplitude=0.1",
					 .sampler =
						 "hqs:lambda=1,steps=600,falling=0,sigma_min=0.001",
					 .scene = scene,
					 .noise = 0.05 };
		struct lab lab;

		lab_open(&lab, &plan);
		lab_run(&lab, 0, x[k]);
		lab_close(&lab);
	}
	for (int i = 0; i < M; i++)
		error = fmax(error, fabs((double)x[0][i] - x[1][i]));
	ok(error < 1e-3, "hqs, %s: as identity (%.1e)", ops[1], error);
}

/* ---- the mean of many samples of ddpm with exact */

static void test_posterior_mean(double noise)
{
	enum { SAMPLES = 100 }; /* as channels, which this prior treats as independent images */
	static float scene[N * SAMPLES], x[N * SAMPLES];
	static double c[N * N], v[N], y[N], want[N], variance[N];
	const char *mask = lab_file_begin("mask.txt");
	char op[160];
	struct lab_plan plan = { .x = { { W, H, 1, 1 } },
				 .op = op,
				 .prior = "gaussian:exponent=2,mean=0.4,amplitude=0.3",
				 .guidance = "exact",
				 .sampler = "ddpm:steps=200",
				 .scene = scene,
				 .noise = noise,
				 .options = { .seed = 11 } };
	struct lab lab;
	double chi2 = 0, spread = 0, rms = 0;

	for (int i = 0; i < N; i++)
		lab_print("%g%c",
			  i % 5 == 0 || i % W > 8 ? 1.0
			  : i % 5 == 1		  ? 0.5
						  : 0.0,
			  i % W == W - 1 ? '\n' : ' ');
	lab_file_end();
	snprintf(op, sizeof op, "mask:file=%s,weights=yes", mask);
	draw(W, H, 2, 0.4, 0.3, scene);
	lab_open(&lab, &plan);
	for (int i = 0; i < N; i++) {
		const double m = i % 5 == 0 || i % W > 8 ? 1.0 : i % 5 == 1 ? 0.5 : 0.0;

		y[i] = m > 0 ? lab.y[i] / m : 0;
		v[i] = m > 0 ? noise * noise / (m * m) : 1e12;
	}
	dense_covariance(W, H, 2, 0.3, c);
	condition(N, c, v, 0.4, y, want, variance);
	for (int k = 0; k < SAMPLES; k++)
		lab_run(&lab, (uint32_t)k, x + k * N);
	lab_close(&lab);
	for (int i = 0; i < N; i++) {
		double mean = 0, square = 0;

		for (int k = 0; k < SAMPLES; k++)
			mean += (double)x[k * N + i] / SAMPLES;
		for (int k = 0; k < SAMPLES; k++)
			square += pow(x[k * N + i] - mean, 2) / (SAMPLES - 1);
		chi2 += pow(mean - want[i], 2) / (variance[i] / SAMPLES) / N;
		spread += square / variance[i] / N;
		rms += pow(mean - want[i], 2) / N;
	}
	ok(chi2 < 2,
	   "ddpm and exact: the mean of %d samples is the posterior mean within %.2f standard "
	   "errors",
	   SAMPLES, sqrt(chi2));
	ok(fabs(spread - 1) < 0.15,
	   "ddpm and exact: variance of the samples, %.3f of the posterior's", spread);
	diag("rms distance %.4f", sqrt(rms));
}

int main(void)
{
	test_gaussian(2);
	test_gaussian(3.2);
	cutoff = 2.5;
	test_gaussian(2);
	cutoff = 1;
	test_shape(7, 9, 1);
	test_shape(9, 6, 3);
	test_shape(4, 11, 2);
	test_shape(1, 6, 1);
	test_shape(5, 1, 2);
	test_shape(1, 1, 1);
	test_fit("identity", 2, 0.05);
	test_fit("blur:sigma=2,boundary=periodic", 2, 0.02);
	test_fit("mask:keep=0.3", 2, 0.1);
	test_no_mean("matrix:rows=1 -1");
	test_no_mean("matrix:rows=0.3 -0.3000001");
	test_fit("identity", 4, 0.05); /* the mean is a third of the variance */
	test_stated_mean();
	test_hard_fits();
	test_gmm();
	test_many_components();
	test_score_error();
	test_gmm_parser();
	test_hqs(0.01);
	test_hqs(0.05);
	test_newton();
	test_posterior_mean(0.1);
	return tap_done();
}
