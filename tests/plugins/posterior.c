/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Exact guidance with every operator, against dense linear algebra; split Gibbs and bridge against the laws they must have;
 * and the coverage of credible intervals over many posteriors: the rank of the truth among K samples is uniform. */
#include <config.h>

#include "lab.h"
#include "../tap.h"

#include "base/memory.h"

#include <lapacke.h>
#include <stdlib.h>

static const struct random_key key = { 31, 0, 0 };

/* ---- the gaussian prior under any operator, against dense matrices ---------------------------------------- */

enum { W = 12, H = 10, N = W * H };

/* Covariance of prior gaussian with exponent 2.5, by its Fourier sum. */
static void dense_covariance(double amplitude, double *c)
{
	static double s[N];
	double sum = 0;

	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			const double fx = (double)(2 * x <= W ? x : x - W) / W;
			const double fy = (double)(2 * y <= H ? y : y - H) / H;

			s[y * W + x] = pow(fx * fx + fy * fy + 1.0 / (W * W), -1.25);
			sum += s[y * W + x];
		}
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			const int dx = i % W - j % W, dy = i / W - j / W;

			c[i * N + j] = 0;
			for (int k = 0; k < N; k++)
				c[i * N + j] +=
					s[k] * amplitude * amplitude / sum *
					cos(2 * 3.14159265358979323846 *
					    ((double)(k % W) * dx / W + (double)(k / W) * dy / H));
		}
}

/* (C^-1 + I/sigma^2 + A'A/noise^2)^-1 (C^-1 m + u/sigma^2 + A'y/noise^2), m = 0.4 */
static void dense_mean(struct problem *problem, double noise, double sigma, const float *u,
		       const double *c, double *x)
{
	const size_t ny = lacuna_count(problem_y(problem));
	double *q = calloc(N * N, sizeof *q), *a = calloc(ny * N, sizeof *a);
	float e[N] = { 0 }, *column = calloc(ny, sizeof *column);

	memcpy(q, c, N * N * sizeof *q);
	LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', N, q, N);
	LAPACKE_dpotri(LAPACK_COL_MAJOR, 'L', N, q, N);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < i; j++)
			q[i * N + j] = q[j * N + i];
	for (int i = 0; i < N; i++) {
		x[i] = u[i] / (sigma * sigma);
		for (int j = 0; j < N; j++)
			x[i] += q[i * N + j] * 0.4;
	}
	for (int j = 0; j < N; j++) {
		e[j] = 1;
		if (problem_apply(problem, e, column))
			lab_bail("apply");
		e[j] = 0;
		for (size_t i = 0; i < ny; i++) {
			a[i * N + (size_t)j] = column[i];
			x[j] += column[i] * problem_measurement(problem)[i] / (noise * noise);
		}
	}
	for (int i = 0; i < N; i++) {
		q[i * N + i] += 1 / (sigma * sigma);
		for (int j = 0; j < N; j++)
			for (size_t k = 0; k < ny; k++)
				q[i * N + j] += a[k * N + (size_t)i] * a[k * N + (size_t)j] /
						(noise * noise);
	}
	if (LAPACKE_dposv(LAPACK_COL_MAJOR, 'L', N, 1, q, N, x, N))
		lab_bail("LAPACK");
	free(column);
	free(a);
	free(q);
}

static void test_gaussian(const char *op, int w, int h, double noise)
{
	static const double sigmas[] = { 0.02, 0.3, 20 };
	static double c[N * N], want[N];
	float scene[N], u[N], x0[N];
	struct lab_plan plan = { .x = { { w, h, 1, 1 } },
				 .op = op,
				 .prior = "gaussian:mean=0.4,amplitude=0.3,exponent=2.5",
				 .guidance = "exact",
				 .sampler = "ode:steps=2",
				 .scene = scene,
				 .noise = noise };
	struct lab lab;
	double worst = 0;

	for (int i = 0; i < N; i++)
		scene[i] = 0.4f + 0.3f * sinf(0.7f * (float)(i % W)) * cosf(0.4f * (float)(i / W));
	lab_open(&lab, &plan);
	dense_covariance(0.3, c);
	for (int k = 0; k < 3; k++) {
		double error = 0, norm = 0;

		random_gaussian(key, (uint64_t)k, 0, u, N);
		for (int i = 0; i < N; i++)
			u[i] = (float)(scene[i] + sigmas[k] * u[i]);
		dense_mean(lab.problem, noise, sigmas[k], u, c, want);
		if (session_estimate(lab.session, sigmas[k], 0, u, x0))
			lab_bail("estimate");
		for (int i = 0; i < N; i++) {
			error += pow(x0[i] - want[i], 2);
			norm += pow(want[i], 2);
		}
		worst = fmax(worst, sqrt(error / norm));
	}
	ok(worst < 2e-5, "gaussian, exact, %s, noise %g: the dense solution (%.1e)", op, noise,
	   worst);
	lab_close(&lab);
}

/* ---- a mixture in three dimensions, of which two linear combinations are measured ----------------------------- */

enum { D = 3, P = 2, K = 2 };
static const double weight[K] = { 0.6, 0.4 }, mean[K][D] = { { -0.5, 0.2, 0 }, { 0.7, -0.4, 0.5 } };
static const double cov[K][D][D] = {
	{ { 0.20, 0.08, 0.02 }, { 0.08, 0.10, 0.00 }, { 0.02, 0.00, 0.05 } },
	{ { 0.06, -0.02, 0.01 }, { -0.02, 0.12, 0.03 }, { 0.01, 0.03, 0.08 } },
};
static const double rows[P][D] = { { 1, 0.5, 0 }, { 0, -0.3, 0.8 } };
static const char matrix[] = "matrix:rows=1 0.5 0; 0 -0.3 0.8";
static char prior[160];

static void write_prior(void)
{
	snprintf(prior, sizeof prior, "gmm:file=%s", lab_file_begin("mixture.txt"));
	lab_print("dim %d\n", D);
	for (int k = 0; k < K; k++) {
		lab_print("component %g\nmean %g %g %g\n", weight[k], mean[k][0], mean[k][1],
			  mean[k][2]);
		for (int i = 0; i < D; i++)
			lab_print("cov %g %g %g\n", cov[k][i][0], cov[k][i][1], cov[k][i][2]);
	}
	lab_file_end();
}

/* Mean of the mixture's posterior given D + P observations z = B x + noise with standard deviations s. */
static void condition(const double *z, const double (*b)[D], const double *s, int count, double *x)
{
	double total = 0, most = -INFINITY, mean_k[K][D], log_p[K];

	for (int k = 0; k < K; k++) {
		double c[D][D], m[D], lp = log(weight[k]);

		memcpy(c, cov[k], sizeof c);
		memcpy(m, mean[k], sizeof m);
		for (int o = 0; o < count; o++) { /* one scalar observation after the other */
			double cb[D] = { 0 }, v = s[o] * s[o], r = z[o];

			for (int i = 0; i < D; i++) {
				for (int j = 0; j < D; j++)
					cb[i] += c[i][j] * b[o][j];
				r -= b[o][i] * m[i];
			}
			for (int i = 0; i < D; i++)
				v += b[o][i] * cb[i];
			lp -= (r * r / v + log(v)) / 2;
			for (int i = 0; i < D; i++)
				m[i] += cb[i] * r / v;
			for (int i = 0; i < D; i++)
				for (int j = 0; j < D; j++)
					c[i][j] -= cb[i] * cb[j] / v;
		}
		memcpy(mean_k[k], m, sizeof m);
		log_p[k] = lp;
		most = fmax(most, lp);
	}
	memset(x, 0, D * sizeof *x);
	for (int k = 0; k < K; k++) {
		const double p = exp(log_p[k] - most);

		total += p;
		for (int i = 0; i < D; i++)
			x[i] += p * mean_k[k][i];
	}
	for (int i = 0; i < D; i++)
		x[i] /= total;
}

/* N draws of the mixture. */
static void draw(int n, uint64_t stream, float *x)
{
	float *z = calloc((size_t)(n * D), sizeof *z), *pick = calloc((size_t)n, sizeof *pick);

	random_gaussian(key, stream, 0, z, (size_t)(n * D));
	random_uniform(key, stream, 0, pick, (size_t)n);
	for (int v = 0; v < n; v++) {
		const int k = pick[v] > weight[0];
		double l[D][D] = { { 0 } };

		for (int i = 0; i < D; i++) {
			double value = mean[k][i];

			for (int j = 0; j <= i; j++) {
				double sum = cov[k][i][j];

				for (int m = 0; m < j; m++)
					sum -= l[i][m] * l[j][m];
				l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
				value += l[i][j] * z[v * D + j];
			}
			x[v * D + i] = (float)value;
		}
	}
	free(pick);
	free(z);
}

static void test_gmm(const char *op, double noise)
{
	enum { VECTORS = 150 };
	static const double sigmas[] = { 0.05, 0.4, 30 };
	const int masked = strncmp(op, "matrix", 6) != 0;
	float scene[VECTORS * D], u[VECTORS * D], x0[VECTORS * D];
	struct lab_plan plan = { .x = { { D, VECTORS, 1, 1 } },
				 .op = op,
				 .prior = prior,
				 .guidance = "exact",
				 .sampler = "ode:steps=2",
				 .scene = scene,
				 .noise = noise };
	struct lab lab;
	double worst = 0;

	draw(VECTORS, 5, scene);
	lab_open(&lab, &plan);
	for (int k = 0; k < 3; k++) {
		random_gaussian(key, (uint64_t)k, 0, u, VECTORS * D);
		for (int i = 0; i < VECTORS * D; i++)
			u[i] = (float)(scene[i] + sigmas[k] * u[i]);
		if (session_estimate(lab.session, sigmas[k], 0, u, x0))
			lab_bail("estimate");
		for (int v = 0; v < VECTORS; v++) {
			double z[D + P], b[D + P][D] = { { 0 } }, s[D + P], x[D];
			int count = D;

			for (int i = 0; i < D; i++) {
				z[i] = u[v * D + i];
				b[i][i] = 1;
				s[i] = sigmas[k];
			}
			for (int i = 0; !masked && i < P; i++) {
				z[count] = lab.y[v * P + i];
				s[count] = noise;
				memcpy(b[count++], rows[i], sizeof rows[i]);
			}
			/* The mask of main(): one value of each vector is measured, not the same one in all vectors. */
			if (masked) {
				const int i = v % D;

				z[count] = lab.y[v * D + i];
				s[count] = noise;
				b[count++][i] = 1;
			}
			condition(z, b, s, count, x);
			for (int i = 0; i < D; i++)
				worst = fmax(worst, fabs(x0[v * D + i] - x[i]));
		}
	}
	ok(worst < 2e-5, "gmm, exact, %.6s, noise %g: conditioning (%.1e)", op, noise, worst);
	lab_close(&lab);
}

/* ---- split Gibbs with constant coupling: z has the posterior for noise^2 + rho^2 A A' --------------------------- */

/* Prior N(0, 1), y = 1 with noise 0.3; each value is a chain. */
static void sample_pixels(int width, int channels, const char *sampler, float *z)
{
	char one[160];
	struct lab_plan plan = { .x = { { width, 1, channels, 1 } },
				 .op = "identity",
				 .prior = one,
				 .sampler = sampler,
				 .value = 1,
				 .noise = 0.3,
				 .options = { .seed = 8 } };
	struct lab lab;

	snprintf(one, sizeof one, "gmm:file=%s",
		 lab_file("one.txt", "dim 1\ncomponent 1\nmean 0\nvar 1\n"));
	lab_open(&lab, &plan);
	lab_run(&lab, 0, z);
	lab_close(&lab);
}

static void moments(const char *sampler, double *m, double *v)
{
	enum { CHAINS = 40000 };
	float *z = calloc(CHAINS, sizeof *z);

	sample_pixels(CHAINS, 1, sampler, z);
	*m = *v = 0;
	for (int i = 0; i < CHAINS; i++)
		*m += z[i] / (double)CHAINS;
	for (int i = 0; i < CHAINS; i++)
		*v += (z[i] - *m) * (z[i] - *m) / CHAINS;
	free(z);
}

static void test_coupling(double rho, int steps)
{
	char sampler[120];
	const double noise2 = 0.09 + rho * rho;
	double m, v;

	snprintf(sampler, sizeof sampler, "gibbs:steps=%d,inner=12,depth=0.1,rho_max=%g,rho_min=%g",
		 steps, rho, rho);
	moments(sampler, &m, &v);
	ok(fabs(m - 1 / (1 + noise2)) < 0.01,
	   "gibbs, rho %g: mean %.4f, should be %.4f (the posterior's is %.4f)", rho, m,
	   1 / (1 + noise2), 1 / 1.09);
	ok(fabs(v / (noise2 / (1 + noise2)) - 1) < 0.05,
	   "gibbs, rho %g: variance %.4f, should be %.4f (the posterior's is %.4f)", rho, v,
	   noise2 / (1 + noise2), 0.09 / 1.09);
}

/* A round with one evaluation and a part of its noise, in closed form: z = J (x + b n1) + a n2 with J = 1/(1 + rho^2) and
 * a^2 = b^2 = part rho^2/2; the last round is z = J x. */
static void test_part(double rho, double part)
{
	char sampler[120];
	const double noise2 = 0.09, r2 = rho * rho, jac = 1 / (1 + r2), half = part * r2 / 2;
	const double drawn = 1 / (1 / noise2 + 1 / r2), kept = drawn / r2;
	const double round = (jac * jac * (drawn + half) + half) / (1 - pow(jac * kept, 2));
	const double last = jac * jac * (kept * kept * round + drawn);
	const double middle = jac * drawn / noise2 / (1 - jac * kept);
	double m, v;

	snprintf(sampler, sizeof sampler,
		 "gibbs:steps=60,rho_max=%g,rho_min=%g,noise_first=%g,noise_last=%g", rho, rho,
		 part, part);
	moments(sampler, &m, &v);
	ok(fabs(m - middle) < 0.01 && fabs(v / last - 1) < 0.02,
	   "gibbs, rho %g, %g of the noise: mean %.4f, variance %.4f, should be %.4f, %.4f", rho,
	   part, m, v, middle, last);
}

static void test_network(int channels, const char *same)
{
	float network[60], stated[60];

	sample_pixels(60 / channels, channels, "gibbs:steps=5,network=yes", network);
	sample_pixels(60 / channels, channels, same, stated);
	ok(!memcmp(network, stated, sizeof network), "network=yes, %d channels: %s", channels,
	   same);
}

/* ---- bridge has no bias if operator and prior have the same eigenvectors ------------------------------------- */

struct spread {
	double mean[N], variance; /* variance: over all values */
};

static void sample_blur(const char *guidance, const char *sampler, int samples, const float *scene,
			struct spread *s)
{
	const struct lab_plan plan = { .x = { { W, H, 1, 1 } },
				       .op = "blur:sigma=0.8,boundary=periodic",
				       .prior = "gaussian:mean=0.4,amplitude=0.3,exponent=2.5",
				       .guidance = guidance,
				       .sampler = sampler,
				       .scene = scene,
				       .noise = 0.05,
				       .options = { .seed = 5 } };
	double squares[N] = { 0 };
	struct lab lab;
	float x[N];

	*s = (struct spread){ { 0 }, 0 };
	lab_open(&lab, &plan);
	for (int k = 0; k < samples; k++) {
		lab_run(&lab, (uint32_t)k, x);
		for (int i = 0; i < N; i++) {
			s->mean[i] += x[i] / (double)samples;
			squares[i] += (double)x[i] * x[i] / samples;
		}
	}
	lab_close(&lab);
	for (int i = 0; i < N; i++)
		s->variance += (squares[i] - s->mean[i] * s->mean[i]) / N;
}

static void test_bridge(void)
{
	enum { SAMPLES_OF_EACH = 400 };
	static struct spread bridge, exact;
	float scene[N];
	double m, v, error = 0;

	moments("bridge:steps=1000,sigma_max=5,sigma_min=0.01", &m, &v);
	ok(fabs(m - 1 / 1.09) < 0.01 && fabs(v / (0.09 / 1.09) - 1) < 0.03,
	   "bridge, denoising: mean %.4f, variance %.4f, should be %.4f, %.4f", m, v, 1 / 1.09,
	   0.09 / 1.09);
	for (int i = 0; i < N; i++)
		scene[i] = 0.4f + 0.3f * sinf(0.7f * (float)(i % W)) * cosf(0.4f * (float)(i / W));
	sample_blur(NULL, "bridge:steps=150,sigma_max=5,sigma_min=0.01", SAMPLES_OF_EACH, scene,
		    &bridge);
	sample_blur("exact", "ode:steps=1,sigma_max=1000", 1, scene, &exact);
	for (int i = 0; i < N; i++)
		error += pow(bridge.mean[i] - exact.mean[i], 2) / N;
	error = sqrt(error * SAMPLES_OF_EACH / bridge.variance);
	ok(error < 1.3, "bridge, blur: the mean is %.2f standard errors from the posterior's",
	   error);
	sample_blur("exact", "ddpm-fast:steps=100,sigma_max=5,sigma_min=0.01", SAMPLES_OF_EACH,
		    scene, &exact);
	ok(fabs(bridge.variance / exact.variance - 1) < 0.06,
	   "bridge, blur: variance %.5f, that of the posterior's samples %.5f", bridge.variance,
	   exact.variance);
}

/* ---- coverage of credible intervals ------------------------------------------------------------------------ */

enum { SAMPLES = 39, SCENES = 4000 };

struct coverage {
	double half, ninety, ninety_five;
};

/* Intervals from the order statistics 10..30, 2..38 and 1..39 of 39 samples.  They cover 50, 90 and 95 % if the truth has
 * the samples' law. */
static struct coverage cover(const char *guidance, const char *sampler, double noise)
{
	const size_t n = (size_t)SCENES * D;
	float *scene = calloc(n, sizeof *scene), *x = calloc(n, sizeof *x);
	int *below = calloc(n, sizeof *below);
	struct coverage c = { 0, 0, 0 };
	struct lab_plan plan = { .x = { { D, SCENES, 1, 1 } },
				 .op = matrix,
				 .prior = prior,
				 .guidance = guidance,
				 .sampler = sampler,
				 .scene = scene,
				 .noise = noise,
				 .options = { .seed = 77 } };
	struct lab lab;

	draw(SCENES, 6, scene);
	lab_open(&lab, &plan);
	for (int k = 0; k < SAMPLES; k++) {
		lab_run(&lab, (uint32_t)k, x);
		for (size_t i = 0; i < n; i++)
			below[i] += x[i] < scene[i];
	}
	lab_close(&lab);
	for (size_t i = 0; i < n; i++) {
		c.half += (below[i] >= 10 && below[i] < 30) / (double)n;
		c.ninety += (below[i] >= 2 && below[i] < 38) / (double)n;
		c.ninety_five += (below[i] >= 1 && below[i] < 39) / (double)n;
	}
	free(below);
	free(x);
	free(scene);
	diag("%s %s, noise %g: intervals of 50, 90, 95 %% cover %.1f, %.1f, %.1f %%",
	     guidance ? guidance : "", sampler, noise, 100 * c.half, 100 * c.ninety,
	     100 * c.ninety_five);
	return c;
}

/* Tolerance: four standard errors, 3.2, 1.9 and 1.4 %, as if the three values of a vector were fully correlated. */
static void test_coverage(const char *guidance, const char *sampler, double noise)
{
	const struct coverage c = cover(guidance, sampler, noise);

	ok(fabs(c.half - 0.5) < 0.032 && fabs(c.ninety - 0.9) < 0.019 &&
		   fabs(c.ninety_five - 0.95) < 0.014,
	   "%s %s, noise %g: credible intervals cover as they should", guidance ? guidance : "",
	   sampler, noise);
}

int main(void)
{
	char mask[160];

	write_prior();
	snprintf(mask, sizeof mask, "mask:file=%s,weights=yes", lab_file_begin("mask.txt"));
	for (int v = 0; v < 150; v++)
		lab_print("%d %d %d\n", v % D == 0, v % D == 1, v % D == 2);
	lab_file_end();
	test_gaussian("blur:kind=motion,length=5,angle=30,boundary=periodic", W, H, 0.01);
	test_gaussian("blur:sigma=1", W, H, 0.02);
	test_gaussian("downsample:factor=2", W, H, 0.02);
	test_gaussian("mask:keep=0.5", W, H, 0.1);
	test_gmm(matrix, 0.1);
	test_gmm(mask, 0.1);
	if (!getenv("LACUNA_LONG")) {
		skip("long; LACUNA_LONG=1 runs it", "laws and coverage");
		return tap_done();
	}
	test_coupling(0.4, 30);
	test_coupling(0.1, 60);
	test_part(0.1, 1);
	test_part(0.1, 0.5);
	test_part(0.3, 0);
	test_part(0.5, 1);
	test_network(1, "gibbs:steps=5,noise_first=0,noise_last=0.9");
	test_network(3, "gibbs:steps=5");
	test_bridge();
	test_coverage("exact", "ddpm-fast:steps=60,sigma_max=10,sigma_min=0.01", 0.1);
	test_coverage("exact", "ode-fast:steps=40,sigma_max=10,sigma_min=0.01", 0.1);
	test_coverage(NULL, "gibbs:steps=320,rho_max=0.5,rho_min=0.02", 0.1);
	test_coverage(NULL, "gibbs", 0.1);
	return tap_done();
}
