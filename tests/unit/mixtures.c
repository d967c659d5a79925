/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The mixtures of the test laboratory: conditioning against quadrature in two dimensions, smearing, moments, denoising. */
#include <config.h>

#include "../tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "study/mixture.h"

static const double weight[2] = { 0.3, 0.7 }, mean[2][2] = { { -0.5, 0.4 }, { 0.6, -0.2 } };
static const double cov[2][4] = { { 0.2, 0.1, 0.1, 0.3 }, { 0.15, -0.05, -0.05, 0.1 } };

static double density(double x, double y)
{
	double sum = 0;

	for (int k = 0; k < 2; k++) {
		const double *c = cov[k], det = c[0] * c[3] - c[1] * c[2];
		const double u = x - mean[k][0], v = y - mean[k][1];

		sum += weight[k] *
		       exp(-(c[3] * u * u - 2 * c[1] * u * v + c[0] * v * v) / (2 * det)) /
		       sqrt(det);
	}
	return sum;
}

/* Mean and covariance of the density times exp(-((h x - y)/noise)^2/2) exp(-|x - u|^2/(2 sigma^2)). */
static void quadrature(const double *h, double y, double noise, const double *u, double sigma,
		       double *m, double *c)
{
	enum { STEPS = 700 };
	double mass = 0, sums[5] = { 0 };

	for (int i = 0; i < STEPS; i++)
		for (int j = 0; j < STEPS; j++) {
			const double a = -4 + 8 * (i + 0.5) / STEPS, b = -4 + 8 * (j + 0.5) / STEPS;
			double p = density(a, b);

			if (h)
				p *= exp(-pow((h[0] * a + h[1] * b - y) / noise, 2) / 2);
			if (u)
				p *= exp(-(pow(a - u[0], 2) + pow(b - u[1], 2)) /
					 (2 * sigma * sigma));
			mass += p;
			sums[0] += p * a;
			sums[1] += p * b;
			sums[2] += p * a * a;
			sums[3] += p * a * b;
			sums[4] += p * b * b;
		}
	m[0] = sums[0] / mass;
	m[1] = sums[1] / mass;
	c[0] = sums[2] / mass - m[0] * m[0];
	c[1] = c[2] = sums[3] / mass - m[0] * m[1];
	c[3] = sums[4] / mass - m[1] * m[1];
}

static double difference(const double *m, const double *c, const double *want_m,
			 const double *want_c)
{
	double worst = 0;

	for (int i = 0; i < 4; i++) {
		worst = fmax(worst, i < 2 ? fabs(m[i] - want_m[i]) : 0);
		worst = fmax(worst, fabs(c[i] - want_c[i]));
	}
	return worst;
}

int main(void)
{
	const double h[2] = { 0.8, -0.6 }, y = 0.3, u[2] = { 0.2, 0.1 };
	struct mixture prior, posterior, smeared;
	double m[2], c[4], want_m[2], want_c[4], x0[2];

	if (mixture_create(&prior, 2, 2))
		return 99;
	memcpy(prior.weight, weight, sizeof weight);
	memcpy(prior.mean, mean, sizeof mean);
	memcpy(prior.cov, cov, sizeof cov);

	mixture_moments(&prior, m, c);
	quadrature(NULL, 0, 0, NULL, 0, want_m, want_c);
	ok(difference(m, c, want_m, want_c) < 1e-3, "moments, by quadrature (%.0e)",
	   difference(m, c, want_m, want_c));
	for (int i = 0; i < 2; i++) {
		const double noise = i ? 0.7 : 0.2;

		ok(!mixture_condition(&prior, 1, h, &y, noise, &posterior),
		   "conditioning, noise %g", noise);
		mixture_moments(&posterior, m, c);
		quadrature(h, y, noise, NULL, 0, want_m, want_c);
		ok(difference(m, c, want_m, want_c) < 1e-4, "by quadrature (%.0e)",
		   difference(m, c, want_m, want_c));
		mixture_free(&posterior);
	}
	mixture_moments(&prior, want_m, want_c);
	if (mixture_copy(&prior, &smeared))
		return 99;
	mixture_smear(&smeared, 0.3);
	mixture_moments(&smeared, m, c);
	want_c[0] += 0.09;
	want_c[3] += 0.09;
	ok(difference(m, c, want_m, want_c) < 1e-12, "smeared by 0.3: 0.09 more variance");
	mixture_free(&smeared);

	quadrature(NULL, 0, 0, u, 0.5, want_m, want_c);
	ok(!mixture_denoise(&prior, 0.5, 1, u, x0) &&
		   fabs(x0[0] - want_m[0]) + fabs(x0[1] - want_m[1]) < 1e-4,
	   "denoising, by quadrature");
	mixture_free(&prior);
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
