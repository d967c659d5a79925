/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Guidances on a mixture of two-dimensional Gaussians whose first coordinate is measured.  exact converges to the true
 * posterior; bo and ddnm give the documented law of the measured coordinate; gibbs trades bias against cost.  Distance:
 * sliced Wasserstein-2, the squared distance of sorted projections averaged over directions. */
#include <config.h>

#include "lab.h"
#include "../tap.h"

#include <stdlib.h>

enum { N = 40000, K = 3, DIRECTIONS = 32 };

static const double weights[K] = { 0.5, 0.3, 0.2 };
static const double means[K][2] = { { -0.6, -0.5 }, { 0.5, 0.6 }, { 0.1, -0.9 } };
static const double covs[K][3] = { { 0.06, 0.03, 0.05 }, { 0.08, -0.05, 0.06 }, { 0.02, 0, 0.02 } };
static const double measured = 0.1;

/* Samples of x0 given x0[0] + noise m = measured; the law is again a mixture. */
static void true_samples(double noise, float *x)
{
	static const struct random_key key = { 2026, 0, 0 };
	double w[K], sum = 0;
	float *z = calloc(2 * N, sizeof *z), *pick = calloc(N, sizeof *pick);

	random_gaussian(key, 0, 0, z, 2 * N);
	random_uniform(key, 1, 0, pick, N);
	for (int k = 0; k < K; k++) {
		const double v = covs[k][0] + noise * noise, d = measured - means[k][0];

		w[k] = weights[k] * exp(-d * d / (2 * v)) / sqrt(v);
		sum += w[k];
	}
	for (int i = 0; i < N; i++) {
		const double *c;
		double rest = pick[i] * sum, v, m0, m1, v0, slope;
		int k = 0;

		while (k < K - 1 && rest > w[k])
			rest -= w[k++];
		c = covs[k];
		v = c[0] + noise * noise;
		m0 = means[k][0] + c[0] / v * (measured - means[k][0]);
		v0 = c[0] * noise * noise / v; /* variance given the measurement */
		x[2 * i] = (float)(m0 + sqrt(v0) * z[2 * i]);
		slope = c[1] / c[0]; /* regression of the second coordinate on the first */
		m1 = means[k][1] + slope * (x[2 * i] - means[k][0]);
		x[2 * i + 1] = (float)(m1 + sqrt(c[2] - c[1] * slope) * z[2 * i + 1]);
	}
	free(pick);
	free(z);
}

static int ascending(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void project(const float *x, double angle, float *out)
{
	for (int i = 0; i < N; i++)
		out[i] = (float)(cos(angle) * x[2 * i] + sin(angle) * x[2 * i + 1]);
	qsort(out, N, sizeof *out, ascending);
}

static double sliced_w2(const float *a, const float *b)
{
	float *p = calloc(N, sizeof *p), *q = calloc(N, sizeof *q);
	double sum = 0;

	for (int d = 0; d < DIRECTIONS; d++) {
		const double angle = 3.14159265358979 * d / DIRECTIONS;

		project(a, angle, p);
		project(b, angle, q);
		for (int i = 0; i < N; i++)
			sum += pow((double)p[i] - q[i], 2) / N / DIRECTIONS;
	}
	free(q);
	free(p);
	return sqrt(sum);
}

static const char *write_prior(void)
{
	const char *path = lab_file_begin("mixture.txt");

	lab_print("dim 2\n");
	for (int k = 0; k < K; k++)
		lab_print("component %g\nmean %g %g\ncov %g %g\ncov %g %g\n", weights[k],
			  means[k][0], means[k][1], covs[k][0], covs[k][1], covs[k][1], covs[k][2]);
	lab_file_end();
	return path;
}

static const char *write_mask(void)
{
	const char *path = lab_file_begin("mask.txt");

	for (int i = 0; i < N; i++)
		lab_print("1 0\n");
	lab_file_end();
	return path;
}

struct study {
	char prior[160], mask[160];
	float *truth, *x;
};

static double distance(struct study *s, const char *guidance, const char *sampler, double noise)
{
	struct lab_plan plan = { .x = { { 2, N, 1, 1 } },
				 .op = s->mask,
				 .prior = s->prior,
				 .guidance = guidance,
				 .sampler = sampler,
				 .value = measured,
				 .noise = noise,
				 .options = { .seed = 1 } };
	struct lab lab;

	lab_open(&lab, &plan);
	lab_run(&lab, 0, s->x);
	lab_close(&lab);
	return sliced_w2(s->x, s->truth);
}

/* Spread of the first coordinate after ddpm with bo, which is affine there: E = u + W (y - u). */
static double bo_spread(int steps, double noise)
{
	double v = 0, sigma = 0, s = 0;

	for (int k = 0; k < steps; k++) {
		const double hi = pow(20, 1 / 7.), lo = pow(0.002, 1 / 7.);
		double w, keep;

		sigma = pow(hi + k / (steps - 1.0) * (lo - hi), 7);
		s = k + 1 < steps ? pow(hi + (k + 1) / (steps - 1.0) * (lo - hi), 7) : 0;
		v = k ? v : sigma * sigma;
		w = s * s / (sigma * sigma);
		keep = noise * noise / (sigma * sigma + noise * noise); /* 1 - W */
		v = pow((1 - w) * keep + w, 2) * v + s * s * (1 - w);
	}
	return sqrt(v);
}

/* The measured first coordinate is N(measured, sd^2) by the guidance's own documentation. */
static void test_measured(const struct study *s, const char *what, double noise, double sd)
{
	double mean = 0, variance = 0;

	for (int i = 0; i < N; i++)
		mean += (double)s->x[2 * i] / N;
	for (int i = 0; i < N; i++)
		variance += pow((double)s->x[2 * i] - mean, 2) / N;
	ok(fabs(mean - measured) < 1e-4 + 5 * sd / sqrt(N) &&
		   fabs(variance - sd * sd) < 1e-6 + 5 * sd * sd * sqrt(2.0 / N),
	   "noise %g: %s: mean %.4f, standard deviation %.4f", noise, what, mean, sqrt(variance));
}

int main(void)
{
	enum { DDNM, BO, PROX, EXACT, GUIDANCES };
	static const char *const guidances[GUIDANCES] = { "ddnm", "bo", "prox:spread=0.6",
							  "exact" };
	static const double noises[] = { 0.01, 0.3 };
	struct study s = { .truth = calloc(2 * N, sizeof(float)),
			   .x = calloc(2 * N, sizeof(float)) };
	double coarse, fine;

	tap_long();
	snprintf(s.prior, sizeof s.prior, "gmm:file=%s", write_prior());
	snprintf(s.mask, sizeof s.mask, "mask:file=%s,weights=yes", write_mask());
	for (int n = 0; n < 2; n++) {
		true_samples(noises[n], s.truth);
		for (int g = 0; g < GUIDANCES; g++) {
			coarse = distance(&s, guidances[g], "ddpm:steps=50", noises[n]);
			fine = distance(&s, guidances[g], "ddpm:steps=200", noises[n]);
			diag("noise %g, ddpm, %s: sliced W2 %.4f in 50 steps, %.4f in 200",
			     noises[n], guidances[g], coarse, fine);
			if (g == EXACT)
				ok(fine < 0.03, "noise %g: exact converges (%.4f)", noises[n],
				   fine);
			if (g == DDNM)
				test_measured(&s, "ddnm, which copies the noise", noises[n], 0);
			if (g == BO)
				test_measured(&s, "bo, which draws about the measurement",
					      noises[n], bo_spread(200, noises[n]));
		}
		/* Split Gibbs: slower annealing reduces its bias as long as samples can change between modes; under little
		 * noise they cannot. */
		coarse = distance(&s, NULL, "gibbs", noises[n]);
		fine = distance(&s, NULL, "gibbs:steps=800,rho_max=1", noises[n]);
		diag("noise %g: gibbs, sliced W2 %.4f in 40 evaluations, %.4f in 800", noises[n],
		     coarse, fine);
		if (noises[n] > 0.1)
			ok(fine < 0.05 && fine < coarse, "noise %g: gibbs converges (%.4f)",
			   noises[n], fine);
		diag("noise %g: ddrm %.4f, ddnm-plus %.4f", noises[n],
		     distance(&s, NULL, "ddrm:steps=200", noises[n]),
		     distance(&s, NULL, "ddnm-plus:steps=200", noises[n]));
		/* The ODE depends on its first state, so it starts at a large sigma. */
		fine = distance(&s, "exact", "ode:steps=100,sigma_max=200,from=noise", noises[n]);
		ok(fine < 0.05, "noise %g: exact converges with ode (%.4f)", noises[n], fine);
	}
	free(s.truth);
	free(s.x);
	return tap_done();
}
