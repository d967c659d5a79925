/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise estimated from a measurement: white, growing with brightness, clipped, correlated, from JPEG; a blur that does not
 * fit the data; and weights against the same problem computed by hand. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "engine/problem.h"
#include "restore/describe.h"
#include "restore/noise.h"
#include "tests/tap.h"

#include <math.h>
#include <string.h>

static const struct random_key key = { 42, 0, 0 };

static struct plugin_use use;

static struct problem *make(struct lacuna_shape shape, const char *spec)
{
	struct problem *p = NULL;

	if (use_parse(LACUNA_OPERATOR, spec, &use) || problem_create(&use, 1, 1, &shape, &p))
		diag("%s", error_text());
	return p;
}

static void unmake(struct problem *p)
{
	problem_destroy(p);
	use_free(&use);
}

/* ---- a scene with edges and texture, sharp and blurred */

static void scene(float *x, int n)
{
	int i, j;

	for (j = 0; j < n; j++)
		for (i = 0; i < n; i++) {
			double v = 0.4 + 0.2 * sin(i * 0.02) * cos(j * 0.03);

			v += (i / 48 + j / 48) % 2 ? 0.15 : -0.1;
			if (i > n / 2 && j > n / 2)
				v += 0.1 * sin(i * 1.3 + j * 0.7);
			x[j * n + i] = (float)v;
		}
}

static void test_white(void)
{
	enum { N = 256 };
	static float x[N * N], y[N * N];
	struct lacuna_shape shape = { { N, N, 1, 1 } }, small = { { 5, 5, 1, 1 } };
	const double levels[] = { 0.002, 0.01, 0.05, 0.2 };
	static const char *const blurs[] = { "identity",
					     "blur:kind=gaussian,sigma=2,boundary=periodic" };
	struct noise found;
	double sigma;
	size_t k, b;
	int status;

	scene(x, N);
	for (b = 0; b < 2; b++) {
		struct problem *p = make(shape, blurs[b]);

		if (!ok(p != NULL, "%s", blurs[b]))
			continue;
		for (k = 0; k < 4; k++) {
			problem_simulate(p, x, levels[k], key, y);
			status = noise_measure(&shape, y, &found);
			sigma = found.sigma;
			ok(!status && fabs(sigma / levels[k] - 1) < 0.1,
			   "%s: noise %g, estimated %g", blurs[b], levels[k], sigma);
		}
		unmake(p);
	}
	for (k = 0; k < N * 20; k++)
		y[k] = NAN;
	ok(!noise_measure(&shape, y, &found) && fabs(found.sigma / 0.2 - 1) < 0.1,
	   "NaN is left out");
	ok(noise_measure(&small, y, &found) == LACUNA_EINVAL, "too small: %s", error_text());
}

/* ---- noise that varies, is clipped, is not white */

enum { SIDE_ = 192 };
static const struct lacuna_shape large = { { SIDE_, SIDE_, 1, 1 } };
static float image[SIDE_ * SIDE_], noisy[SIDE_ * SIDE_], deviates[SIDE_ * SIDE_],
	grain[SIDE_ * SIDE_];

static void prepare(void)
{
	scene(image, SIDE_);
	random_gaussian(key, 0, 0, deviates, SIDE_ * SIDE_);
}

static void test_photons(void)
{
	struct noise found;
	int status;

	prepare();
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] =
			image[i] + (float)(sqrt(0.004 * image[i] + 0.0001) * (double)deviates[i]);
	status = noise_measure(&large, noisy, &found);
	ok(!status && fabs(found.slope / 0.004 - 1) < 0.2, "variance grows with the level: %g",
	   found.slope);
	near(found.slope * 0.4 + found.offset, 0.0017, 0.00025, "and is right in the middle");
	status = noise_map(&large, &found, image, 0, noisy);
	near(noisy[5000], sqrt(found.slope * (double)image[5000] + found.offset), 1e-6,
	     "the map follows");
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = image[i] + 0.04f * deviates[i];
	status = noise_measure(&large, noisy, &found);
	ok(!status && !(found.slope > 0), "white noise does not grow");
}

/* Variance of the noise that is found where half of the scene is 0.1 and half 0.7, relative to the true one: mean of some. */
static double measure_halves(double photons, double read)
{
	enum { TIMES = 6 };
	const double middle = photons * 0.4 + read;
	double mean = 0;

	for (int k = 0; k < TIMES; k++) {
		struct noise found = { 0 };

		random_gaussian(key, 60 + (uint64_t)k, 0, deviates, SIDE_ * SIDE_);
		for (int i = 0; i < SIDE_ * SIDE_; i++) {
			const double level = i < SIDE_ * SIDE_ / 2 ? 0.1 : 0.7;

			noisy[i] = (float)(level + sqrt(photons * level + read) * deviates[i]);
		}
		if (!noise_measure(&large, noisy, &found))
			mean += found.sigma * found.sigma / middle / TIMES;
	}
	return mean;
}

/* Few photons and read noise: the variance grows by half or less.  There is so much noise that this matters. */
static void test_few_photons(void)
{
	struct noise found;
	int status;

	prepare();
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = image[i] + (float)(sqrt(0.02 * image[i] + 0.012) * (double)deviates[i]);
	status = noise_measure(&large, noisy, &found);
	ok(!status && found.slope > 0, "weak growth is found where all is noise: %g", found.slope);
	near(measure_halves(0.05, 0.2), 1, 0.03,
	     "growth too weak to be found: the level is that of all");
}

/* The law is the same whether or not the scene was blurred: no more noise is told than there is. */
static void test_photons_under_blur(void)
{
	struct problem *p = make(large, "blur:sigma=1.5,boundary=periodic");
	struct noise_description d;
	double mean = 0;

	prepare();
	ok(p && !problem_simulate(p, image, 0, key, noisy), "a blurred scene");
	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		const double variance = 0.02 * (double)noisy[i] + 0.012;

		mean += variance / (SIDE_ * SIDE_);
		noisy[i] += (float)(sqrt(variance) * (double)deviates[i]);
	}
	ok(!noise_estimate(p, noisy, 0, 0, "y", &d) && d.noise.slope > 0, "few photons of it");
	near(d.noise.sigma * d.noise.sigma / mean, 1, 0.1, "have their noise");
	unmake(p);
}

/* ---- noise that differs from place to place */

/* Adds noise of `left' and `right' to the scene, multiplied by a law's deviation. */
static void add_halves(double left, double right, double slope)
{
	prepare();
	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		const double sigma = i % SIDE_ < SIDE_ / 2 ? left : right;
		const double bright = slope > 0 ? sqrt(slope * (double)image[i] + 0.1) : 1;

		noisy[i] = image[i] + (float)(sigma * bright * (double)deviates[i]);
	}
}

static void test_places(void)
{
	static float factor[SIDE_ * SIDE_];
	const struct noise even = { .offset = 0.0004, .sigma = 0.02 };
	const struct noise faint = { .offset = 4e-6, .sigma = 0.002 };
	const struct noise law = { .slope = 0.0004, .offset = 0.00004, .sigma = 0.015 };
	const int row = SIDE_ * (SIDE_ / 3);
	double range[2];

	add_halves(0.02, 0.06, 0);
	ok(!noise_in_places(&large, noisy, &even, factor, range), "half is louder");
	ok(range[0] > 0.8 && range[0] < 1.1, "the quiet half has %g of the noise", range[0]);
	ok(range[1] > 2.8 && range[1] < 3.4, "the loud half has %g of it", range[1]);
	near(factor[row + 20], 1, 0.15, "on the left");
	near(factor[row + SIDE_ - 20], 3, 0.45, "on the right");
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		if (i / SIDE_ < 40 && i % SIDE_ > SIDE_ / 2)
			noisy[i] = NAN;
	ok(!noise_in_places(&large, noisy, &even, factor, range), "values are missing");
	near(factor[SIDE_ - 20], 3, 0.6, "there it is as nearby");
	add_halves(0.02, 0.02, 0);
	ok(!noise_in_places(&large, noisy, &even, factor, range) && !(range[0] < range[1]),
	   "even noise is the same everywhere, and texture is no noise");
	add_halves(0.02, 0.02, 1);
	ok(!noise_in_places(&large, noisy, &law, factor, range) && !(range[0] < range[1]),
	   "so is noise that follows a law");
	add_halves(0.06, 0.02, 1);
	ok(!noise_in_places(&large, noisy, &law, factor, range), "a law and places");
	near(factor[row + 20], 3, 0.6, "both count");
	add_halves(0.002, 0.008, 0);
	ok(!noise_in_places(&large, noisy, &faint, factor, range) && !(range[0] < range[1]),
	   "noise of two grey levels is left alone");
}

/* A quiet place with texture, which does not tell its noise, beside a loud one: its smoothest blocks tell that it is quiet. */
static void test_quiet_places(void)
{
	static float factor[SIDE_ * SIDE_];
	const struct noise even = { .offset = 0.0004, .sigma = 0.02 };
	double range[2];

	prepare();
	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		const int x = i % SIDE_, loud = x >= 56 && x < 112, textured = x >= 112;
		const double wave = sin(x * 0.9) * sin(i / SIDE_ * 0.9);

		noisy[i] = (float)(0.5 + 0.1 * textured * wave +
				   (loud ? 0.06 : 0.02) * (double)deviates[i]);
	}
	ok(!noise_in_places(&large, noisy, &even, factor, range) && range[0] < range[1],
	   "a loud place between quiet ones");
	near(factor[SIDE_ * 90 + 20], 1, 0.15, "no texture");
	near(factor[SIDE_ * 90 + 84], 3, 0.45, "loud");
	near(factor[SIDE_ * 90 + 170], 1, 0.3, "texture");
}

/* Tiles are as high as wide: the map of a picture that is turned is the turned map.  What is quieter than the law counts as what
 * is louder. */
static void test_places_alike(void)
{
	static float turned[SIDE_ * SIDE_], factor[SIDE_ * SIDE_], back[SIDE_ * SIDE_];
	const struct noise quiet = { .offset = 0.0004, .sigma = 0.02 };
	const struct noise loud = { .offset = 0.0036, .sigma = 0.06 };
	double range[2], range_back[2], worst = 0;

	add_halves(0.02, 0.06, 0);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		turned[i % SIDE_ * SIDE_ + i / SIDE_] = noisy[i];
	ok(!noise_in_places(&large, noisy, &quiet, factor, range) &&
		   !noise_in_places(&large, turned, &quiet, back, range_back) &&
		   range[0] < range[1] && range_back[0] < range_back[1],
	   "a picture and the turned one");
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		worst = fmax(worst,
			     fabs((double)factor[i] - (double)back[i % SIDE_ * SIDE_ + i / SIDE_]));
	ok(worst < 1e-3, "have noise in the same places (%g)", worst);
	ok(!noise_in_places(&large, noisy, &loud, back, range_back), "most is that of the law");
	near(range_back[0], range[0] / 3, 0.01, "the half that is quieter is found");
	near(range_back[1], range[1] / 3, 0.01, "and the other one");
}

/* Counts of photons (Knuth 1969), with about `mean' of them where the scene is 1/2, and `least' in the dark, times a step. */
static void count_photons(double mean, double least, double step)
{
	static float chance[SIDE_ * SIDE_];

	memset(noisy, 0, sizeof noisy);
	for (int round = 0, more = 1; more; round++) {
		more = 0;
		random_uniform(key, 50, (uint64_t)round * SIDE_ * SIDE_, chance, SIDE_ * SIDE_);
		for (int i = 0; i < SIDE_ * SIDE_; i++) {
			const double rate = least + 2 * mean * fmax((double)image[i] - 0.1, 0);

			deviates[i] = (round ? deviates[i] : 1) * chance[i];
			if ((double)deviates[i] > exp(-rate)) {
				noisy[i] += (float)step;
				more = 1;
			}
		}
	}
}

static void test_counts(void)
{
	static const double means[] = { 2, 8, 20 }, zero = -0.1;
	struct noise found;
	int status;

	for (int k = 0; k < 3; k++) {
		const double step = 0.3 / means[k];

		prepare();
		count_photons(means[k], 0, step);
		for (int i = 0; i < SIDE_ * SIDE_; i++)
			noisy[i] += (float)zero;
		status = noise_of_counts(&large, noisy, zero, &found);
		ok(!status && fabs(found.slope / step - 1) < 1e-3, "%g photons: step %g, slope %g",
		   means[k], step, found.slope);
		near(found.offset, -step * zero, 1e-3 * step, "no photon, no noise");
		ok(found.least_variance > 0, "but a little, since some were due");
	}
	memcpy(grain, noisy, sizeof grain);
	for (int i = 0; i < SIDE_ * SIDE_; i += 101)
		noisy[i] = NAN;
	status = noise_of_counts(&large, noisy, zero, &found);
	ok(!status && fabs(found.slope / 0.015 - 1) < 1e-3,
	   "missing values are no counts: slope %g", found.slope);
	memcpy(noisy, grain, sizeof grain);
	noisy[5] += 0.004f;
	status = noise_of_counts(&large, noisy, zero, &found);
	ok(!status && !(found.slope > 0), "values beside the multiples are no counts");
	prepare();
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = rintf(fmaxf(40 * image[i] + 3 * deviates[i], 0));
	status = noise_of_counts(&large, noisy, 0, &found);
	ok(!status && !(found.slope > 0), "whole numbers with even noise are no counts");
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = rintf(12 + 3.46f * deviates[i]);
	status = noise_of_counts(&large, noisy, 0, &found);
	ok(!status && !(found.slope > 0), "one level does not show growth");
}

/* Cameras add an offset, and read noise. */
static void test_counts_with_offset(void)
{
	static const double least[] = { 0, 9 }, step = 0.02, told[] = { -3, -3.007, 0.9 };
	struct noise found;
	int status;

	for (int k = 0; k < 2; k++) {
		prepare();
		count_photons(k ? 40 : 4, least[k], step);
		for (int i = 0; i < SIDE_ * SIDE_; i++)
			noisy[i] += 0.5f;
		for (int t = 0; t < 3; t++) {
			status = noise_of_counts(&large, noisy, told[t], &found);
			ok(!status && found.slope > 0, "%g photons in the dark, zero told as %g",
			   least[k], told[t]);
			near(-found.offset / step, 0.5, 1e-4 + 0.3 * least[k] * step,
			     "the offset is found");
		}
	}
	for (int k = 0; k < 2; k++) { /* the picture cannot tell both */
		const double stated = 0.5 + k * step;

		status = noise_of_counts(&large, noisy, stated, &found);
		near(-found.offset / found.slope, stated, 1e-4, "what is told counts if it fits");
	}
	random_gaussian(key, 3, 0, grain, SIDE_ * SIDE_);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] += (float)step * rintf(3 * grain[i]);
	status = noise_of_counts(&large, noisy, 0.5, &found);
	ok(!status && !(found.slope > 0), "with read noise they are no counts");
	prepare();
	count_photons(8, 2, step);
	status = noise_of_counts(&large, noisy, 0, &found);
	ok(!status && found.slope > 0, "counts");
	for (int i = 0; i < SIDE_ * SIDE_; i += 97)
		noisy[i] = -6 * (float)step;
	status = noise_of_counts(&large, noisy, 0, &found);
	ok(!status && !(found.slope > 0), "are none with values below that of no photon");
}

/* Nobody needs to say that values are counts. */
static void test_counts_are_told(void)
{
	struct problem *p = make(large, "identity");
	struct noise_description d;

	prepare();
	count_photons(4, 0, 0.1);
	ok(p && !noise_estimate(p, noisy, 0.1, 0, "y", &d), "counts");
	near(d.noise.slope, 0.1, 1e-4, "have the noise of photons");
	ok(d.how && strstr(d.how, "photons"), "and a word says so");
	unmake(p);
}

/* Means of 2x2 values of white noise, of standard deviation 0.04, added to a plain picture. */
static void make_correlated(void)
{
	random_gaussian(key, 0, 0, deviates, SIDE_ * SIDE_);
	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		const int right = i % SIDE_ + 1 < SIDE_ ? 1 : 0;
		const int down = i / SIDE_ + 1 < SIDE_ ? SIDE_ : 0;

		noisy[i] = 0.5f + 0.02f * (deviates[i] + deviates[i + right] + deviates[i + down] +
					   deviates[i + right + down]);
	}
}

/* The bounds hold the noise, and are tight where parts of the scene are smooth. */
static void test_bounds(void)
{
	static const double levels[] = { 0.003, 0.03 };
	struct noise_bounds b;
	int status;

	prepare();
	for (int k = 0; k < 2; k++) {
		for (int i = 0; i < SIDE_ * SIDE_; i++)
			noisy[i] = image[i] + (float)levels[k] * deviates[i];
		status = noise_bound(&large, noisy, &b);
		ok(!status && b.least > 0.8 * levels[k] && b.least < 1.2 * levels[k] &&
			   b.most > 0.8 * levels[k] && b.most < 1.2 * levels[k],
		   "noise %g lies from %g to %g", levels[k], b.least, b.most);
	}
	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		const int left = i % SIDE_ ? i - 1 : i;

		noisy[i] = image[i] + 0.03f * (deviates[i] + deviates[left]);
	}
	status = noise_bound(&large, noisy, &b);
	ok(!status && 2 * b.most > 0.042, "correlated noise of 0.042 is not twice %g", b.most);
	make_correlated();
	status = noise_bound(&large, noisy, &b);
	ok(!status && !(b.least > 0) && 2.5 * b.most > 0.04,
	   "noise of 0.04, two pixels wide, is not more than 2.5 times %g", b.most);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = NAN;
	status = noise_bound(&large, noisy, &b);
	ok(!status && !(b.least > 0) && isinf(b.most), "a picture without values bounds nothing");
}

static void test_clipped(void)
{
	struct noise found;
	int status;

	prepare();
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = fmaxf(image[i] - 0.3f + 0.04f * deviates[i], 0);
	status = noise_measure(&large, noisy, &found);
	ok(!status && fabs(found.sigma / 0.04 - 1) < 0.15, "blacks are clipped: %g", found.sigma);
}

/* White clips as black does, however much of the picture: the noise of the negative is the same. */
static void test_negatives(void)
{
	static const double shifts[] = { 0.1, 0.16, 0.22 };

	prepare();
	for (int k = 0; k < 3; k++) {
		struct noise positive, negative;
		int clipped = 0;

		for (int i = 0; i < SIDE_ * SIDE_; i++) {
			const double v = (double)image[i] - shifts[k] + 0.04 * (double)deviates[i];

			clipped += v <= 0;
			noisy[i] = (float)fmax(v, 0);
		}
		ok(!noise_measure(&large, noisy, &positive), "%.1f %% is black",
		   100.0 * clipped / (SIDE_ * SIDE_));
		for (int i = 0; i < SIDE_ * SIDE_; i++)
			noisy[i] = -noisy[i];
		ok(!noise_measure(&large, noisy, &negative), "or white");
		near(negative.sigma / positive.sigma, 1, 1e-3, "the same noise");
		near(positive.sigma / 0.04, 1, 0.1, "which is right");
	}
}

/* A dark frame in which every block has clipped values, and one with a few bright objects. */
static void test_mostly_clipped(void)
{
	const double levels[] = { -0.5, 0, 0.7 }; /* in standard deviations */
	struct noise found;
	int status;

	prepare();
	for (int sign = 1; sign >= -1; sign -= 2)
		for (int k = 0; k < 3; k++) {
			for (int i = 0; i < SIDE_ * SIDE_; i++) {
				const int star = i % 41 < 6 && i / SIDE_ % 37 < 6;
				const double level = 0.04 * (levels[k] + 0.5 * (double)image[i]);
				const double v = level + 0.04 * (double)deviates[i] + 0.5 * star;

				noisy[i] = (float)(sign * fmax(v, 0));
			}
			status = noise_measure(&large, noisy, &found);
			ok(!status && fabs(found.sigma / 0.04 - 1) < 0.2,
			   "%s, at %g sigma from there: %g", sign > 0 ? "blacks" : "whites",
			   levels[k], found.sigma);
		}
	for (int i = 0; i < SIDE_ * SIDE_; i++) /* a black frame and black holes */
		if (i % SIDE_ < 80 || i / SIDE_ % 9 < 1 || i % SIDE_ % 11 < 1)
			noisy[i] = 0;
		else
			noisy[i] = 0.5f * image[i] + 0.02f * deviates[i];
	status = noise_measure(&large, noisy, &found);
	ok(!status && fabs(found.sigma / 0.02 - 1) < 0.15, "black lines clip nothing: %g",
	   found.sigma);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = i % 5 || i / SIDE_ % 5 ? 0 : 1;
	ok(noise_measure(&large, noisy, &found) == LACUNA_EINVAL, "no noise, no block: %s",
	   error_text());
}

/* A dark picture with one bright textured place: the few blocks there that are complete do not tell the noise. */
static void test_clipped_beside_texture(void)
{
	enum { BRIGHT = 36 };
	struct noise found;
	int status;

	prepare();
	random_gaussian(key, 7, 0, grain, SIDE_ * SIDE_);
	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		const int bright = i % SIDE_ < BRIGHT && i / SIDE_ < BRIGHT;

		noisy[i] = fmaxf((bright ? 0.5f + 0.08f * grain[i] : 0) + 0.04f * deviates[i], 0);
	}
	status = noise_measure(&large, noisy, &found);
	ok(!status && fabs(found.sigma / 0.04 - 1) < 0.15, "clipped beside texture: %g",
	   found.sigma);
}

/* A dark picture, and a small quiet place in it that noise of this level would have clipped: it does not tell the noise. */
static void test_clipped_beside_quiet(void)
{
	enum { QUIET = 32 };
	struct noise found;
	int status;

	prepare();
	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		const int quiet = i % SIDE_ < QUIET && i / SIDE_ < QUIET;

		noisy[i] = fmaxf(quiet ? 0.02f + 0.002f * deviates[i] : 0.04f * deviates[i], 0);
	}
	status = noise_measure(&large, noisy, &found);
	ok(!status && fabs(found.sigma / 0.04 - 1) < 0.15, "clipped beside a quiet place: %g",
	   found.sigma);
}

/* Small dark pictures, of which all usable blocks overlap. */
static void test_few_clipped(void)
{
	enum { N = 40, TIMES = 12 };
	const struct lacuna_shape small = { { N, N, 1, 1 } };
	double square = 0;

	for (int k = 0; k < TIMES; k++) {
		struct noise found = { 0 };

		random_gaussian(key, 20 + (uint64_t)k, 0, noisy, N * N);
		for (int i = 0; i < N * N; i++)
			noisy[i] = fmaxf(0.04f * noisy[i] + 0.01f, 0);
		noise_measure(&small, noisy, &found);
		square += pow(found.sigma / 0.04 - 1, 2) / TIMES;
	}
	ok(sqrt(square) < 0.1, "small dark pictures: error %g", sqrt(square));
}

/* Level of correlated noise at full size. */
static double correlated_level(const struct lacuna_shape *size, const float *values)
{
	struct noise_grain g;

	noise_find_grain(size, values, &g);
	return g.correlated;
}

static void test_correlated(void)
{
	struct noise found;

	prepare();
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = image[i] + 0.04f * deviates[i];
	ok(correlated_level(&large, noisy) == 0, "white noise is not correlated");
	for (int i = 0; i < SIDE_ * SIDE_; i++) { /* means of 2x2 deviates: sigma 0.04 */
		const int x = i % SIDE_, y = i / SIDE_;
		const int right = x + 1 < SIDE_ ? 1 : 0, down = y + 1 < SIDE_ ? SIDE_ : 0;

		noisy[i] = image[i] + 0.02f * (deviates[i] + deviates[i + right] +
					       deviates[i + down] + deviates[i + right + down]);
	}
	ok(!noise_measure(&large, noisy, &found) && found.sigma < 0.03, "looks like less: %g",
	   found.sigma);
	ok(correlated_level(&large, noisy) > 1.2 * found.sigma, "and is more");
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = image[i] + 0.4f * (noisy[i] - image[i]);
	ok(correlated_level(&large, noisy) > 0.01, "a faint one, too");
}

/* Noise is everywhere: what a small part of the picture does not have is texture, and texture elsewhere hides no noise. */
static void test_correlated_is_everywhere(void)
{
	make_correlated();
	ok(correlated_level(&large, noisy) > 0, "correlated noise");
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		if (i % SIDE_ < 12)
			noisy[i] = 0.5f + 0.5f * (noisy[i] - 0.5f);
	ok(correlated_level(&large, noisy) == 0, "less in one place: texture");
	make_correlated();
	random_gaussian(key, 7, 0, grain, SIDE_ * SIDE_);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		if (i % SIDE_ > SIDE_ / 3)
			noisy[i] += 0.3f * sinf((float)(i % SIDE_) * 1.4f + grain[i / 7] * 0.5f);
	ok(correlated_level(&large, noisy) > 0, "texture in two thirds hides none");
}

/* Grain that is a little smoother across than down, as bark, fur or water. */
static void test_grain_with_direction(void)
{
	random_gaussian(key, 0, 0, deviates, SIDE_ * SIDE_);
	for (int directed = 0; directed < 2; directed++) {
		const float side = directed ? 0.6f : 1;

		for (int i = SIDE_ + 1; i < SIDE_ * SIDE_ - SIDE_ - 1; i++) {
			float sum = 0;

			for (int j = -1; j <= 1; j++) {
				const float *row = deviates + i + j * SIDE_;

				sum += (j ? side : 2) * (row[-1] + 2 * row[0] + row[1]);
			}
			noisy[i] = 0.5f + 0.01f * sum;
		}
		ok(directed == !(correlated_level(&large, noisy) > 0), "%s direction",
		   directed ? "grain with a" : "noise without");
	}
}

/* White noise enlarged `times' times, between the nearest values, on the scene. */
static void make_enlarged(int times, float level)
{
	scene(image, SIDE_);
	random_gaussian(key, 0, 0, deviates, SIDE_ * SIDE_);
	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		const int x = i % SIDE_, y = i / SIDE_;
		const float *at = deviates + x / times + y / times * SIDE_;
		const float right = (float)(x % times) / (float)times;
		const float down = (float)(y % times) / (float)times;
		const int next = x / times + 1 < SIDE_, row = y / times + 1 < SIDE_ ? SIDE_ : 0;
		const float above = at[0] + right * (at[next] - at[0]);
		const float below = at[row] + right * (at[row + next] - at[row]);

		noisy[i] = image[i] + level * (above + down * (below - above));
	}
}

/* Grain that is longer along one side is texture, however large it is: white noise enlarged by 3 along one and 5 along the other. */
static void test_long_grain(void)
{
	random_gaussian(key, 0, 0, grain, SIDE_ * SIDE_);
	for (int upright = 0; upright < 2; upright++) {
		const int wide = upright ? 3 : 5, high = upright ? 5 : 3;
		struct noise_grain g;

		for (int i = 0; i < SIDE_ * SIDE_; i++) {
			const int x = i % SIDE_, y = i / SIDE_;
			const float *at = grain + x / wide + y / high * SIDE_;
			const float right = (float)(x % wide) / (float)wide;
			const float down = (float)(y % high) / (float)high;
			const float above = at[0] + right * (at[1] - at[0]);
			const float below = at[SIDE_] + right * (at[SIDE_ + 1] - at[SIDE_]);

			noisy[i] = 0.5f + 0.08f * (above + down * (below - above));
		}
		noise_find_grain(&large, noisy, &g);
		ok(!(g.half > 0) && !(g.quarter > 0), "grain of %d x %d: %g, %g", wide, high,
		   g.half, g.quarter);
	}
}

/* A picture that was enlarged has noise of the size that it had before. */
static void test_enlarged(void)
{
	struct noise_grain g;

	for (int times = 1; times <= 4; times *= 2) {
		make_enlarged(times, 0.08f);
		noise_find_grain(&large, noisy, &g);
		ok(times > 1 ? g.half > 0.015 && g.half < 0.08 : !(g.half > 0),
		   "noise enlarged %d times, at half the size: %g", times, g.half);
		ok(times > 2 ? g.quarter > 0.03 && g.quarter < 0.08 : !(g.quarter > 0),
		   "at a quarter: %g", g.quarter);
	}
	make_enlarged(2, 0);
	noise_find_grain(&large, noisy, &g);
	ok(!(g.half > 0) && !(g.quarter > 0), "a scene without noise");
	/* Texture that an eighth of the picture does not have. */
	make_enlarged(4, 0.08f);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		if (i % SIDE_ < SIDE_ / 8)
			noisy[i] = image[i] + 0.3f * (noisy[i] - image[i]);
	noise_find_grain(&large, noisy, &g);
	ok(!(g.half > 0) && !(g.quarter > 0), "texture is not everywhere: %g, %g", g.half,
	   g.quarter);
}

/* noise_halve(): each value is the mean of the known values among 2x2; NAN where none is known. */
static void test_half(void)
{
	const struct lacuna_shape shape = { { 5, 4, 2, 1 } }, half = noise_half_shape(&shape);
	float y[40], small[8];

	for (int i = 0; i < 40; i++)
		y[i] = (float)i;
	y[0] = y[2] = y[3] = y[7] = y[8] = NAN;
	ok(half.extent[0] == 2 && half.extent[1] == 2 && half.extent[2] == 2, "half the size");
	noise_halve(&shape, y, small);
	near(small[0], 4, 1e-6, "the mean of three");
	ok(isnan(small[1]), "of none");
	near(small[2], 13, 1e-6, "of four");
	near(small[7], 38 - 3, 1e-6, "in the last plane");
}

/* Each value is the mean of a square of its own; odd rows and columns at the end are in none. */
static void test_half_of_any_size(void)
{
	int right = 1;

	for (int64_t w = 2; w < 8; w++)
		for (int64_t h = 2; h < 8; h++) {
			enum { BEYOND = 12345 };
			const struct lacuna_shape y = { { w, h, 2, 1 } };
			const struct lacuna_shape shape = noise_half_shape(&y);
			const int64_t hw = w / 2, hh = h / 2;
			float small[2 * 16 + 1], values[2 * 49];

			for (int i = 0; i < 2 * w * h; i++)
				values[i] = (float)(i * 31 % 97);
			small[2 * hw * hh] = BEYOND;
			noise_halve(&y, values, small);
			right &= shape.extent[0] == hw && shape.extent[1] == hh;
			right &= small[2 * hw * hh] == BEYOND;
			for (int64_t i = 0; i < 2 * hw * hh; i++) {
				const float *at = values + 2 * (i % hw) +
						  w * (2 * (i / hw % hh) + h * (i / (hw * hh)));

				right &= small[i] == (at[0] + at[1] + at[w] + at[w + 1]) / 4;
			}
		}
	ok(right, "half the size of a picture of any size");
}

/* Noise that is raised is louder by the same factor at each level, also where there is hardly any. */
static void test_raised(void)
{
	enum { N = 24 };
	const struct lacuna_shape row = { { N, 1, 1, 1 } };
	struct noise noise = {
		.slope = 0.004, .offset = 1e-4, .sigma = 0.03, .least_variance = 5e-5
	};
	float level[N], before[N], after[N];
	double worst = 0;

	for (int i = 0; i < N; i++)
		level[i] = i == 4 ? NAN : 0.05f * (float)(i - 6);
	ok(!noise_map(&row, &noise, level, 0, before), "a law");
	noise_raise(&noise, 3);
	ok(!noise_map(&row, &noise, level, 0, after), "is raised");
	for (int i = 0; i < N; i++)
		worst = fmax(worst, fabs((double)after[i] / (double)before[i] - 3));
	near(worst, 0, 1e-6, "alike at each level");
}

/* Borders are alike: the map of the mirrored picture is the mirrored map. */
static void test_map_borders(void)
{
	enum { W = 13, H = 9, RADIUS = 3 };
	static const struct lacuna_shape shape = { { W, H, 1, 1 } };
	const struct noise noise = { .slope = 0.01, .offset = 0.001, .sigma = 0.1 };
	float level[W * H], mirrored[W * H], sigma[W * H], back[W * H];
	double worst = 0;

	random_gaussian(key, 5, 0, level, W * H);
	for (int i = 0; i < W * H; i++)
		level[i] = i % 11 ? 1 + 0.2f * level[i] : NAN;
	for (int i = 0; i < W * H; i++)
		mirrored[i] = level[W * H - 1 - i];
	ok(!noise_map(&shape, &noise, level, RADIUS, sigma) &&
		   !noise_map(&shape, &noise, mirrored, RADIUS, back),
	   "the noise of each value");
	for (int i = 0; i < W * H; i++)
		worst = fmax(worst, fabs((double)sigma[i] - (double)back[W * H - 1 - i]));
	ok(worst < 1e-6, "does not depend on the border that is near (%g)", worst);
}

static void test_correlated_under_mask(void)
{
	static const char *const specs[] = { "identity", "mask:columns=20" };
	struct noise_description d;

	prepare();
	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		const int right = i % SIDE_ + 1 < SIDE_ ? 1 : 0;
		const int down = i / SIDE_ + 1 < SIDE_ ? SIDE_ : 0;

		noisy[i] = image[i] + 0.02f * (deviates[i] + deviates[i + right] +
					       deviates[i + down] + deviates[i + right + down]);
	}
	for (int masked = 0; masked < 2; masked++) {
		struct problem *p = make(large, specs[masked]);

		if (!ok(p && !noise_estimate(p, noisy, 0, 0, "y", &d), "%s", specs[masked]))
			continue;
		ok(masked ? !d.how : d.how != NULL, "the noise is %s", d.how ? d.how : "white");
		unmake(p);
	}
}

/* Channels with unlike noise have a level each; equal ones have one level. */
static void test_channels(void)
{
	enum { AREA = SIDE_ * SIDE_ };
	static const struct lacuna_shape two = { { SIDE_, SIDE_, 2, 1 } };
	static float y[2 * AREA], sigma[2 * AREA];
	struct problem *p = make(two, "identity");
	struct noise_description d;

	prepare();
	for (int i = 0; i < AREA; i++) {
		y[i] = 0.5f + 0.01f * deviates[i];
		y[AREA + i] = 0.5f + 0.05f * deviates[AREA - 1 - i];
	}
	ok(p && !noise_estimate(p, y, 0, 0, "y", &d), "two channels");
	near(d.noise.sigma, sqrt((0.0001 + 0.0025) / 2), 0.003, "their mean noise");
	ok(!noise_map(&two, &d.noise, y, 0, sigma), "the noise of each value");
	near(sigma[5], 0.01, 0.001, "that of the first");
	near(sigma[AREA + 5], 0.05, 0.005, "that of the second");
	for (int i = 0; i < AREA; i++)
		y[AREA + i] = 0.5f + 0.015f * deviates[AREA - 1 - i];
	ok(p && !noise_estimate(p, y, 0, 0, "y", &d) && !(d.noise.channel[0] > 0),
	   "channels that are nearly alike have one level");
	unmake(p);
}

/* Wide noise is removed at half the size where the operator keeps values; elsewhere all of it counts, as a mosaic's. */
static void test_wide_under_operator(void)
{
	static const char *const specs[] = { "identity", "bayer" };
	struct noise_description d[2] = { { .wide = 0 }, { .wide = 0 } };

	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		const int x = i % SIDE_, y = i / SIDE_;
		const int right = x + 1 < SIDE_ ? 1 : 0, left = x > 0 ? 1 : 0;
		const int down = y + 1 < SIDE_ ? SIDE_ : 0, up = y > 0 ? SIDE_ : 0;

		noisy[i] =
			0.5f + 0.01f * (2 * deviates[i] + deviates[i + right] + deviates[i - left] +
					deviates[i + down] + deviates[i - up]);
	}
	for (int k = 0; k < 2; k++) {
		struct problem *p = make(large, specs[k]);

		ok(p && !noise_estimate(p, noisy, 0, 0, "y", &d[k]), "%s", specs[k]);
		unmake(p);
	}
	ok(d[0].wide > 0 && !(d[1].wide > 0), "wide noise: %g, %g", d[0].wide, d[1].wide);
	ok(d[1].noise.sigma > 1.3 * d[0].noise.sigma, "what is left to the prior: %g, %g",
	   d[0].noise.sigma, d[1].noise.sigma);
}

/* Adds grain about 3 px wide, as in pictures of rocks, leaves or cloth.  Its standard deviation rises from `least' at the
 * left to least + growth at the right. */
static void add_texture(float *values, double least, double growth)
{
	for (int y = 1; y + 1 < SIDE_; y++)
		for (int x = 1; x + 1 < SIDE_; x++) {
			const double strength = fmax(least + growth * x / SIDE_, 0);
			double sum = 0;

			for (int j = -1; j <= 1; j++)
				for (int i = -1; i <= 1; i++)
					sum += (double)grain[(y + j) * SIDE_ + x + i];
			values[y * SIDE_ + x] += (float)(strength * sum / 3);
		}
}

/* Grain whose power falls smoothly with frequency, as in natural scenes: [1 2 1] once vertically, `times' times
 * horizontally. */
static void smooth_grain(int times)
{
	random_gaussian(key, 7, 0, grain, SIDE_ * SIDE_);
	for (int pass = 0; pass <= times; pass++) {
		const int step = pass ? 1 : SIDE_;
		float before = grain[0];

		for (int i = step; i + step < SIDE_ * SIDE_; i++) {
			const float here = grain[i], last = step == 1 ? before : grain[i - step];

			grain[i] = last / 4 + here / 2 + grain[i + step] / 4;
			before = here;
		}
	}
}

/* Texture in all of the picture. */
static void test_texture_everywhere(void)
{
	struct noise found;
	int status;

	prepare();
	smooth_grain(1);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = 0.5f + 0.005f * deviates[i] +
			   (0.07f + 1.2f * (float)(i % SIDE_) / SIDE_) * grain[i];
	status = noise_measure(&large, noisy, &found);
	ok(!status && found.sigma > 0.003 && found.sigma < 0.0075,
	   "texture everywhere, noise 0.005: %g", found.sigma);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = 0.5f + 0.02f * deviates[i] + 0.02f * grain[i];
	status = noise_measure(&large, noisy, &found);
	ok(!status && fabs(found.sigma / 0.02 - 1) < 0.15, "less than the noise: %g", found.sigma);
	for (int i = 0; i < SIDE_ * SIDE_; i++) { /* texture grows with brightness */
		const float level = (float)(i % SIDE_) / SIDE_;

		noisy[i] = 0.05f + 0.8f * level + 0.01f * deviates[i] +
			   0.26f * sqrtf(fmaxf(level - 0.2f, 0)) * grain[i];
	}
	status = noise_measure(&large, noisy, &found);
	ok(!status && !(found.slope > 0) && fabs(found.sigma / 0.01 - 1) < 0.2,
	   "texture is no law of noise: slope %g, noise %g", found.slope, found.sigma);
	for (int i = 0; i < SIDE_ * SIDE_; i++) { /* texture at medium gray levels */
		const float level = 0.05f + 0.8f * (float)(i % SIDE_) / SIDE_;

		noisy[i] = level + (float)sqrt(0.004 * (double)level) * deviates[i];
		if (level > 0.3f && level < 0.6f)
			noisy[i] += 0.1f * grain[i];
	}
	status = noise_measure(&large, noisy, &found);
	ok(!status && fabs(found.slope / 0.004 - 1) < 0.2, "but does not hide one: slope %g",
	   found.slope);
	smooth_grain(4);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = 0.5f + 0.25f * grain[i] + 0.012f * deviates[i];
	ok(correlated_level(&large, noisy) == 0, "cloth is not correlated noise");
}

/* Fine, even texture without direction, weaker than noise of a few gray levels.  It differs from noise only in its power,
 * which falls towards high frequencies. */
static void test_quiet_texture(void)
{
	struct noise found;
	int status;

	prepare();
	random_gaussian(key, 7, 0, grain, SIDE_ * SIDE_);
	for (int pass = 0; pass < 2; pass++)
		for (int i = SIDE_ * SIDE_ - 1; i > SIDE_; i--)
			grain[i] += grain[i - (pass ? 1 : SIDE_)];
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = 0.5f + 0.012f * grain[i] + 0.0015f * deviates[i];
	status = noise_measure(&large, noisy, &found);
	ok(!status && found.sigma < 0.004, "quiet texture, noise 0.0015: %g", found.sigma);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = 0.5f + 0.006f * deviates[i];
	status = noise_measure(&large, noisy, &found);
	ok(!status && fabs(found.sigma / 0.006 - 1) < 0.1, "as quiet noise is none: %g",
	   found.sigma);
}

static void test_texture(void)
{
	struct noise found;
	int status;

	prepare();
	random_gaussian(key, 7, 0, grain, SIDE_ * SIDE_);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = 0.5f + 0.013f * deviates[i];
	add_texture(noisy, 0.03, 0.2);
	status = noise_measure(&large, noisy, &found);
	ok(!status && fabs(found.sigma / 0.013 - 1) < 0.3, "texture beside white noise: %g",
	   found.sigma);
	ok(correlated_level(&large, noisy) == 0, "texture is not correlated noise");
	for (int i = 0; i < SIDE_ * SIDE_; i++) /* brighter and more textured to the right */
		noisy[i] = 0.1f + 0.8f * (float)(i % SIDE_) / SIDE_ + 0.02f * deviates[i];
	add_texture(noisy, -0.04, 0.2);
	status = noise_measure(&large, noisy, &found);
	ok(!status && !(found.slope > 0), "texture where it is bright is no law: slope %g",
	   found.slope);
}

static void test_blocks(void)
{
	prepare();
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		image[i] =
			0.5f +
			0.3f * sinf((float)(i % SIDE_) * 0.21f) * cosf((float)i / SIDE_ * 0.17f) +
			0.01f * deviates[i];
	ok(noise_jpeg(&large, image) == 0, "no blocks");
	for (int i = 0; i < SIDE_ * SIDE_; i++) /* the crop does not begin at a block's border */
		noisy[i] = image[i] +
			   0.03f * deviates[(i % SIDE_ + 3) / 8 + SIDE_ * ((i / SIDE_ + 5) / 8)];
	ok(noise_jpeg(&large, noisy) > 0.01, "blocks of 8x8");
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = image[i] +
			   0.016f * deviates[(i % SIDE_ + 3) / 8 + SIDE_ * ((i / SIDE_ + 5) / 8)];
	ok(noise_jpeg(&large, noisy) > 0, "faint ones");
	smooth_grain(1);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		if (i % SIDE_ > SIDE_ / 4)
			image[i] += 0.4f * grain[i];
	ok(noise_jpeg(&large, image) == 0, "texture has none");
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = image[i] +
			   0.03f * deviates[(i % SIDE_ + 3) / 8 + SIDE_ * ((i / SIDE_ + 5) / 8)];
	ok(noise_jpeg(&large, noisy) > 0.005, "and hides none");
}

/* ---- evidence for or against a kernel */

/* JPEG's blocks have two directions; a scene of stripes has one. */
static void test_stripes(void)
{
	for (int down = 0; down < 2; down++) {
		for (int i = 0; i < SIDE_ * SIDE_; i++) {
			const int at = down ? i / SIDE_ : i % SIDE_;

			noisy[i] = (float)(0.5 + 0.01 * (at / 8 * 7 % 5) + 1e-4 * deviates[i]);
		}
		ok(noise_jpeg(&large, noisy) == 0, "stripes %s are no blocks",
		   down ? "across" : "down");
	}
}

static void explain(const char *spec, const float *y, struct noise_evidence *e)
{
	struct problem *p = make(large, spec);

	*e = (struct noise_evidence){ 0 };
	ok(p && !noise_explain(p, y, e), "%s", spec);
	if (p)
		unmake(p);
}

/* Noise has no scale, but the scene must have one: rectangles of all sizes have a power spectrum of about f^-2. */
static void test_evidence(void)
{
	const char *truth = "blur:kind=disk,radius=3,boundary=periodic";
	struct noise_evidence e;
	struct problem *p = make(large, truth);
	double mean = 0;

	prepare();
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		image[i] = 0;
	for (int k = 0; k < 400; k++) { /* overlapping rectangles of all sizes */
		const int x = abs((int)(1000 * deviates[4 * k])) % SIDE_;
		const int y = abs((int)(1000 * deviates[4 * k + 1])) % SIDE_;
		const int s =
			2 + abs((int)(1000 * deviates[4 * k + 2])) % (4 + 16000 / (200 + k * k));

		for (int j = y; j < y + s && j < SIDE_; j++)
			for (int i = x; i < x + s && i < SIDE_; i++)
				image[j * SIDE_ + i] = 0.5f + 0.15f * deviates[4 * k + 3];
	}
	ok(p && !problem_simulate(p, image, 0.004, key, noisy), "a blurred scene");
	if (p)
		unmake(p);
	explain(truth, noisy, &e);
	ok(e.scale > 0.9 && e.scale < 1.1, "the right kernel is not doubted");
	near(e.sigma, 0.004, 0.0012, "and its noise is found");
	noisy[SIDE_ * 7 + 11] = NAN;
	explain(truth, noisy, &e);
	ok(e.scale > 0.9 && e.scale < 1.1 && fabs(e.sigma - 0.004) < 0.0012,
	   "a missing value costs its windows alone (noise %g)", e.sigma);
	noisy[SIDE_ * 7 + 11] = noisy[SIDE_ * 7 + 10];
	explain("blur:kind=disk,radius=3.8,boundary=periodic", noisy, &e);
	ok(e.scale < 1, "one that is too wide is");
	explain("blur:kind=disk,radius=3,boundary=periodic", image, &e);
	ok(e.scale < 0.5 && e.sigma > 0.02, "a sharp picture is not blurred (noise %g)", e.sigma);
	/* Hardly blurred and told as strongly blurred: a kernel that is a little narrower is better, too, but not best. */
	p = make(large, "blur:kind=gaussian,sigma=0.8,boundary=periodic");
	ok(p && !problem_simulate(p, image, 0.0005, key, noisy), "a scene that is hardly blurred");
	if (p)
		unmake(p);
	explain("blur:kind=gaussian,sigma=3,boundary=periodic", noisy, &e);
	ok(e.scale < 0.5, "no blur at all is nearest (%g)", e.scale);
	for (int i = 0; i < SIDE_ * SIDE_; i++)
		mean += image[i];
	ok(mean > 0, "there was a scene");
}

/* A kernel is never known exactly: for data nearly free of noise, the noise is set to 3 % of the contrast. */
static void test_inexact_kernel(void)
{
	const char *truth = "blur:kind=disk,radius=3,boundary=periodic";
	struct noise_description d;
	struct problem *p = make(large, truth);
	double mean = 0, square = 0;

	/* the same kind of scene as in test_evidence() */
	if (!ok(p && !problem_simulate(p, image, 1e-5, key, noisy) &&
			!noise_estimate(p, noisy, 0, 0, "blur", &d),
		"a blurred scene"))
		return;
	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		mean += noisy[i] / (double)(SIDE_ * SIDE_);
		square += (double)noisy[i] * noisy[i] / (SIDE_ * SIDE_);
	}
	near(d.noise.sigma, 0.03 * sqrt(square - mean * mean), 1e-5,
	     "its noise is what a kernel is inexact");
	unmake(p);
}

/* A sharpened picture has more detail than any blur left, and smooth parts show that it is no noise.  It is told of, and the
 * noise remains a part of the scene's range. */
static void test_sharpened(void)
{
	struct noise_description d = { 0 };
	struct problem *p = make(large, "blur:sigma=1,boundary=periodic");

	/* the same kind of scene as in test_evidence() */
	for (int i = 0; i < SIDE_ * SIDE_; i++) {
		const int x = i % SIDE_, y = i / SIDE_;
		const int left = (x + SIDE_ - 1) % SIDE_, right = (x + 1) % SIDE_;
		const int above = (y + SIDE_ - 1) % SIDE_, below = (y + 1) % SIDE_;
		const float around = image[y * SIDE_ + left] + image[y * SIDE_ + right] +
				     image[above * SIDE_ + x] + image[below * SIDE_ + x];

		noisy[i] = image[i] + 0.3f * (4 * image[i] - around) + 0.004f * deviates[i];
	}
	ok(p && !noise_estimate(p, noisy, 0, 0, "sharpened", &d) && d.doubts == 1,
	   "a sharpened picture is no blurred one");
	ok(d.noise.sigma > 0.1 && d.noise.sigma < 0.21, "its noise is large, but not all (%g)",
	   d.noise.sigma);
	if (p && !problem_simulate(p, image, 0.004, key, noisy))
		ok(!noise_estimate(p, noisy, 0, 0, "blurred", &d) && !d.doubts, "a blurred one is");
	unmake(p);
}

/* ---- weights: W A and W y */

static void test_weights(void)
{
	enum { W = 12, H = 9, N = W * H };
	const struct lacuna_shape shape = { { W, H, 1, 1 } };
	static float y[N], weights[N], x[N], plain[N], weighted[N], twice[N], want[N];
	struct problem *p = make(shape, "blur:sigma=1,boundary=periodic");
	double worst = 0;

	if (!ok(p != NULL, "a blur"))
		return;
	random_gaussian(key, 1, 0, x, N);
	random_gaussian(key, 2, 0, y, N);
	random_gaussian(key, 3, 0, weights, N);
	for (int i = 0; i < N; i++)
		weights[i] = 1 + 0.5f * fabsf(weights[i]);
	problem_apply(p, x, plain);
	for (int i = 0; i < N; i++)
		twice[i] = weights[i] * weights[i] * plain[i];
	problem_adjoint(p, NULL, twice, want); /* A' W^2 A x */
	for (int i = 0; i < N; i++)
		want[i] += 0.3f * x[i];
	ok(!problem_measure(p, y, 0.1, NULL) && !problem_weigh(p, weights), "weighted");
	problem_apply(p, x, weighted);
	for (int i = 0; i < N; i++)
		worst = fmax(worst, fabs((double)(weighted[i] - weights[i] * plain[i])));
	near(worst, 0, 1e-5, "A becomes W A");
	memset(twice, 0, sizeof twice);
	ok(!problem_solve(p, 0.3, want, twice), "(A' W^2 A + rho) x = b");
	worst = 0;
	for (int i = 0; i < N; i++)
		worst = fmax(worst, fabs((double)(twice[i] - x[i])));
	near(worst, 0, 1e-3, "is solved");
	unmake(p);
}

/* Missing values have no part in the level of stated photons. */
static void test_stated_photons(void)
{
	enum { N = 40 };
	const struct stated_noise stated = { .sigma = -1, .gain = 2, .offset = 10, .read = 3 };
	const struct scale scale = { .black = 10, .white = 110 };
	struct noise_description all = { .how = NULL }, some = { .how = NULL };
	float y[2 * N];

	for (int i = 0; i < N; i++) {
		y[2 * i] = 0.02f * (float)i;
		y[2 * i + 1] = NAN;
	}
	noise_of_photons(&stated, &scale, 2 * N, y, &some);
	for (int i = 0; i < N; i++)
		y[i] = 0.02f * (float)i;
	noise_of_photons(&stated, &scale, N, y, &all);
	near(some.noise.sigma / all.noise.sigma, 1, 1e-9, "missing values have no photons");
}

/* ---- pixels of unlike sensitivity */

/* Every other pixel sees a quarter of the light, and a few hardly any. */
static float sensitivity(size_t i)
{
	const size_t x = i % SIDE_, y = i / SIDE_;

	return x % 24 == 5 && y % 24 == 5 ? 0.01f : (x + y) % 2 ? 0.25f : 1;
}

static int see(const void *self, void *scratch, const float *x, float *y)
{
	(void)self, (void)scratch;
	for (size_t i = 0; i < SIDE_ * SIDE_; i++)
		y[i] = sensitivity(i) * x[i];
	return LACUNA_OK;
}

static int see_back(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return see(self, scratch, y, x);
}

/* The noise is that of the values as they were measured; a scene does not look noisy because its pixels are unlike. */
static void test_sensitivity(void)
{
	struct noise_description d = { .how = NULL };
	struct plugin unlike;
	struct problem *p = NULL;
	int status = use_parse(LACUNA_OPERATOR, "identity", &use);

	if (!status) {
		unlike = *use.plugin;
		unlike.u.op.apply = see;
		unlike.u.op.adjoint = see_back;
		unlike.u.op.spectral = NULL;
		unlike.u.op.diagonal = NULL;
		use.plugin = &unlike;
		status = problem_create(&use, 1, 1, &large, &p);
	}
	if (!ok(!status, "a sensor of unlike pixels"))
		return;
	prepare();
	for (size_t i = 0; i < SIDE_ * SIDE_; i++)
		noisy[i] = sensitivity(i) * image[i] + 0.03f * deviates[i];
	ok(!noise_estimate(p, noisy, 0, 0, "y", &d), "its noise");
	near(d.noise.sigma, 0.03, 0.006, "is found");
	ok(!noise_compare(p, noisy, 0.03, 1, "y", &d) && !d.doubts,
	   "and not doubted if it is stated");
	ok(!noise_compare(p, noisy, 0.015, 1, "y", &d) && d.doubts, "half of it is doubted");
	unmake(p);
}

int main(void)
{
	test_white();
	test_photons();
	test_places();
	test_quiet_places();
	test_places_alike();
	test_few_photons();
	test_photons_under_blur();
	test_counts();
	test_counts_with_offset();
	test_counts_are_told();
	test_bounds();
	test_clipped();
	test_negatives();
	test_mostly_clipped();
	test_clipped_beside_texture();
	test_clipped_beside_quiet();
	test_few_clipped();
	test_correlated();
	test_correlated_is_everywhere();
	test_grain_with_direction();
	test_enlarged();
	test_long_grain();
	test_half();
	test_half_of_any_size();
	test_map_borders();
	test_raised();
	test_correlated_under_mask();
	test_channels();
	test_wide_under_operator();
	test_texture();
	test_quiet_texture();
	test_texture_everywhere();
	test_blocks();
	test_stripes();
	test_evidence();
	test_inexact_kernel();
	test_sharpened();
	test_weights();
	test_stated_photons();
	test_sensitivity();
	threads_stop();
	return tap_done();
}
