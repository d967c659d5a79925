/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The transform that makes photon noise even: its inverse against sums over all counts, its noise, its limits. */
#include <config.h>

#include "base/memory.h"
#include "restore/stabilise.h"
#include "tests/tap.h"

#include <math.h>

/* A camera with counts = 100 + gain (Poisson + read noise); 0..1 stands for 90..90 + span counts. */
struct camera {
	double gain, read, span;
};

static struct noise law(const struct camera *c)
{
	const double read = c->gain * c->read, s2 = c->span * c->span;

	return (struct noise){ .slope = c->gain / c->span,
			       .offset = (c->gain * (90 - 100) + read * read) / s2,
			       .least_variance =
				       (read * read + noise_of_none * c->gain * c->gain) / s2 };
}

static double inner(const struct camera *c, double photons)
{
	return (100 + c->gain * photons - 90) / c->span;
}

/* Mean and variance of enter(y), summed over all photon counts. */
static void moments(const struct stabiliser *s, const struct camera *c, double photons,
		    double *mean, double *variance)
{
	enum { FINE = 2001 };
	double sum[3] = { 0 };

	for (int k = 0; k < photons + 12 * sqrt(photons) + 12; k++) {
		const double chance =
			photons > 0 ? exp(k * log(photons) - photons - lgamma(k + 1)) : k == 0;

		for (int i = 0; i < FINE; i++) {
			const double t = 14.0 * i / (FINE - 1) - 7, w = chance * exp(-t * t / 2);
			float y = (float)inner(c, k + t * c->read);

			stabiliser_enter(s, 1, &y);
			sum[0] += w;
			sum[1] += w * (double)y;
			sum[2] += w * (double)y * (double)y;
		}
	}
	*mean = sum[1] / sum[0];
	*variance = sum[2] / sum[0] - *mean * *mean;
}

static void test_unbiased(void)
{
	static const struct camera cameras[] = {
		{ 1, 0, 60 }, { 2.2, 0.5, 90 }, { 2.2, 2, 1000 }, { 0.3, 8, 50 }
	};
	static const double photons[] = { 0, 0.1, 0.5, 1, 3, 10, 40, 95, 130 };

	for (int i = 0; i < 4; i++) {
		const struct camera *c = &cameras[i];
		const struct noise noise = law(c);
		double bias = 0, mean, variance, uneven = 0;
		struct stabiliser *s;

		if (!ok(!stabiliser_create(&noise, &s), "gain %g, read noise %g", c->gain, c->read))
			continue;
		for (int k = 0; k < 9; k++) {
			const double deviation = sqrt(photons[k] + c->read * c->read + 0.1);
			float back;

			moments(s, c, photons[k], &mean, &variance);
			back = (float)mean;
			stabiliser_leave(s, 1, &back);
			bias = fmax(bias, fabs((double)back - inner(c, photons[k])) * c->span /
						  c->gain / deviation);
			near(stabiliser_expect(s, inner(c, photons[k])), mean, 2e-4,
			     "what is expected");
			if (photons[k] >= 3)
				uneven = fmax(uneven,
					      fabs(sqrt(variance) / stabiliser_sigma(s) - 1));
		}
		ok(bias < 2e-3, "the inverse of the mean is the scene, to %.2g of the noise", bias);
		ok(uneven < 0.08, "the noise is even, to %.2g", uneven);
		stabiliser_destroy(s);
	}
}

static void test_scale(void)
{
	const struct camera c = { 2.2, 2, 500 };
	const struct noise noise = law(&c);
	float values[] = { -0.3f, -0.01f, 0, 0.02f, 0.3f, 0.99f, 1, 4, NAN }, before = -1e9f;
	struct stabiliser *s;
	double worst = 0;
	int rises = 1;

	stabiliser_create(&noise, &s);
	near(stabiliser_expect(s, 0), 0, 1e-9, "0 stays");
	near(stabiliser_expect(s, 1), 1, 1e-9, "1 stays");
	for (int i = 0; i < 8; i++) {
		float v = (float)stabiliser_expect(s, (double)values[i]);

		rises &= v > before;
		before = v;
		stabiliser_leave(s, 1, &v);
		worst = fmax(worst, fabs((double)v - (double)values[i]));
	}
	ok(rises, "more light, more");
	ok(worst < 1e-6, "there and back (%g)", worst);
	stabiliser_enter(s, 9, values);
	ok(isnan(values[8]), "NaN stays");
	stabiliser_destroy(s);
}

/* With hardly any photon noise the transform is the identity. */
static void test_straight(void)
{
	const struct noise noise = { .slope = 1e-7, .offset = 0.0025, .least_variance = 0.0024 };
	float values[] = { -0.5f, 0.2f, 0.9f, 1.5f };
	const float same[] = { -0.5f, 0.2f, 0.9f, 1.5f };
	struct stabiliser *s;

	stabiliser_create(&noise, &s);
	stabiliser_enter(s, 4, values);
	near(stabiliser_sigma(s), 0.05, 1e-4, "the noise is what it was");
	for (int i = 0; i < 4; i++)
		near((double)values[i], (double)same[i], 1e-4, "and so is the scene");
	stabiliser_destroy(s);
}

int main(void)
{
	test_unbiased();
	test_scale();
	test_straight();
	ok(memory_live_blocks() == 0, "nothing is left behind");
	return tap_done();
}
