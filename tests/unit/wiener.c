/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The deviation from the spectrum of the estimate: properties that hold whatever its constants are. */
#include <config.h>

#include "../tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "restore/wiener.h"

enum { SIDE = 96, N = SIDE * SIDE };

static float texture[N];

/* Texture of this deviation in the left half, nothing in the right half. */
static void draw(double deviation)
{
	static const struct random_key key = { 8, 0, 0 };

	random_gaussian(key, 0, 0, texture, N);
	for (int i = 0; i < N; i++)
		texture[i] = 0.5F + (i % SIDE < SIDE / 2 ? (float)deviation * texture[i] : 0);
}

static void find_in(int channels, const char *spec, const float *estimate, double noise,
		    uint64_t seed, float *deviation)
{
	const struct lacuna_shape shape = { { SIDE, SIDE, channels, 1 } };
	struct problem *problem = NULL;
	struct plugin_use op;
	float *y;

	if (use_parse(LACUNA_OPERATOR, spec, &op) || problem_create(&op, 1, 0, &shape, &problem))
		tap_bail("%s", error_text());
	y = memory_alloc_array(lacuna_count(problem_y(problem)), sizeof *y);
	if (!y || problem_apply(problem, estimate, y) || problem_measure(problem, y, noise, NULL) ||
	    wiener_deviation(&(struct wiener){ problem, estimate, noise, { seed, 0, 0 } },
			     deviation))
		tap_bail("%s", error_text());
	memory_release(y);
	problem_destroy(problem);
	use_free(&op);
}

static void find(const char *spec, const float *estimate, double noise, uint64_t seed,
		 float *deviation)
{
	find_in(1, spec, estimate, noise, seed, deviation);
}

/* Root mean square in columns from..to. */
static double level(const float *deviation, int from, int to)
{
	double sum = 0, count = 0;

	for (int i = 0; i < N; i++)
		if (i % SIDE >= from && i % SIDE < to) {
			sum += (double)deviation[i] * (double)deviation[i];
			count++;
		}
	return sqrt(sum / count);
}

static double furthest(const float *a, const float *b, double factor)
{
	double worst = 0;

	for (int i = 0; i < N; i++)
		worst = fmax(worst, fabs(factor * (double)a[i] / (double)b[i] - 1));
	return worst;
}

/* A = 1: the posterior is narrower than the noise, and narrower than the variation of the image. */
static void test_identity(void)
{
	static float some[N], more[N];
	double most = 0;

	draw(0.1);
	find("identity", texture, 0.02, 1, some);
	for (int i = 0; i < N; i++)
		most = fmax(most, (double)some[i]);
	ok(most < 0.02, "never less sure than the measurement (%.4f)", most);
	ok(level(some, 0, 32) > 0.014, "texture is as sure as its measurement (%.4f)",
	   level(some, 0, 32));
	ok(level(some, 72, SIDE) < 0.5 * level(some, 0, 32), "flat places are surer (%.4f)",
	   level(some, 72, SIDE));
	find("identity", texture, 0.2, 1, more);
	ok(level(more, 0, 32) < 0.1 && level(more, 0, 32) > 2 * level(some, 0, 32),
	   "with noise above the texture, the texture's own (%.4f)", level(more, 0, 32));
}

static void test_lost(void)
{
	static float kept[N], blurred[N], small[N], smaller[N];

	draw(0.1);
	find("identity", texture, 0.01, 1, kept);
	find("blur:sigma=1,boundary=periodic", texture, 0.01, 1, blurred);
	find("downsample:factor=2", texture, 0.01, 1, small);
	find("downsample:factor=4", texture, 0.01, 1, smaller);
	ok(level(blurred, 0, 32) > 2 * level(kept, 0, 32), "a blur loses (%.4f)",
	   level(blurred, 0, 32));
	ok(level(small, 0, 32) > 2 * level(kept, 0, 32), "so does half the size (%.4f)",
	   level(small, 0, 32));
	ok(level(smaller, 0, 32) > 1.05 * level(small, 0, 32), "and a quarter more (%.4f)",
	   level(smaller, 0, 32));
}

static void test_scale(void)
{
	static float one[N], three[N], again[N];

	draw(0.1);
	find("blur:sigma=1,boundary=periodic", texture, 0.02, 1, one);
	find("blur:sigma=1,boundary=periodic", texture, 0.02, 1, again);
	ok(!memcmp(one, again, sizeof one), "the same seed, the same map");
	find("blur:sigma=1,boundary=periodic", texture, 0.02, 2, again);
	ok(furthest(one, again, 1) < 0.05, "another probe, nearly the same (%.3f)",
	   furthest(one, again, 1));
	for (int i = 0; i < N; i++)
		texture[i] *= 3;
	find("blur:sigma=1,boundary=periodic", texture, 0.06, 1, three);
	ok(furthest(one, three, 3) < 1e-2, "three times all, three times the deviation (%.1e)",
	   furthest(one, three, 3));
	for (int i = 0; i < N; i++)
		texture[i] += 5;
	find("blur:sigma=1,boundary=periodic", texture, 0.06, 1, again);
	ok(furthest(three, again, 1) < 1e-2, "brighter, no other deviation (%.1e)",
	   furthest(three, again, 1));
}

/* The map of a picture that is turned is the turned map, but for the probe. */
static void test_turned(void)
{
	static float straight[N], turned[N], back[N];

	draw(0.1);
	find("identity", texture, 0.1, 1, straight);
	for (int i = 0; i < N; i++)
		turned[i % SIDE * SIDE + i / SIDE] = texture[i];
	find("identity", turned, 0.1, 1, back);
	for (int i = 0; i < N; i++)
		turned[i % SIDE * SIDE + i / SIDE] = back[i];
	ok(furthest(straight, turned, 1) < 0.05, "turned, the same map (%.3f)",
	   furthest(straight, turned, 1));
}

/* The map of a channel is that of a picture with this channel alone, but for the probe. */
static void test_channels(void)
{
	static float both[2 * N], maps[2 * N], alone[N];

	draw(0.1);
	for (int i = 0; i < N; i++) {
		both[i] = texture[i];
		both[N + i] = texture[N - 1 - i];
	}
	find_in(2, "blur:sigma=1,boundary=periodic", both, 0.02, 1, maps);
	for (int c = 0; c < 2; c++) {
		find("blur:sigma=1,boundary=periodic", both + c * N, 0.02, 1, alone);
		ok(furthest(maps + c * N, alone, 1) < 0.05, "channel %d as if it were alone (%.3f)",
		   c, furthest(maps + c * N, alone, 1));
	}
}

int main(void)
{
	test_identity();
	test_lost();
	test_scale();
	test_turned();
	test_channels();
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
