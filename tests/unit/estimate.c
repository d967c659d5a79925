/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What must not change an estimate of noise: that the picture lies on its side or in a mirror, its scale, the order of its
 * channels.  And the parts of the estimate, each against its closed form. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "engine/problem.h"
#include "restore/bands.h"
#include "restore/noise-private.h"
#include "tests/tap.h"

#include <math.h>
#include <string.h>

enum { W = 168, H = 136, N = W * H };
static const struct lacuna_shape shape = { { W, H, 1, 1 } }, upright = { { H, W, 1, 1 } };
static const struct lacuna_shape two = { { W, H, 2, 1 } };
static float scene[N], deviates[2 * N], y[2 * N], turned[2 * N];

static void prepare(void)
{
	random_gaussian((struct random_key){ 9, 0, 0 }, 0, 0, deviates, 2 * N);
	for (int i = 0; i < N; i++) {
		const double u = i % W, v = i / W;

		scene[i] = (float)(0.4 + 0.2 * sin(u * 0.021) * cos(v * 0.034) +
				   ((i % W / 47 + i / W / 39) % 2 ? 0.15 : -0.1));
		if (i % W > 110 && i / W > 90)
			scene[i] += (float)(0.1 * sin(u * 1.3 + v * 0.7));
	}
}

/* ---- turned and mirrored */

enum { MIRRORED, UPSIDE_DOWN, TRANSPOSED, WAYS };
static const char *const ways[] = { "in a mirror", "upside down", "transposed" };

static const struct lacuna_shape *turn(const float *from, int way, float *to)
{
	for (int i = 0; i < N; i++) {
		const int u = i % W, v = i / W;

		to[way == MIRRORED	? W - 1 - u + W * v
		   : way == UPSIDE_DOWN ? u + W * (H - 1 - v)
					: v + H * u] = from[i];
	}
	return way == TRANSPOSED ? &upright : &shape;
}

static void fill(int kind)
{
	for (int i = 0; i < N; i++) {
		const double n = (double)deviates[i], s = (double)scene[i];
		const int right = i % W + 1 < W ? i + 1 : i, below = i + W < N ? i + W : i;
		const double beside =
			(double)deviates[right] + (double)deviates[below] +
			(double)deviates[right + (below - i) < N ? right + below - i : i];

		y[i] = (float)(kind == 0   ? s + 0.03 * n
			       : kind == 1 ? s + sqrt(0.004 * s + 0.0001) * n
			       : kind == 2 ? fmax(s - 0.25 + 0.04 * n, 0)
					   : 0.5 + 0.02 * (n + beside));
	}
}

/* Level of correlated noise at full size. */
static double correlated_level(const struct lacuna_shape *size, const float *values)
{
	struct noise_grain g;

	noise_find_grain(size, values, &g);
	return g.correlated;
}

static void test_turned(void)
{
	static const char *const kinds[] = { "white", "growing", "clipped", "correlated" };

	for (int kind = 0; kind < 4; kind++) {
		struct noise a, b;
		double correlated;

		fill(kind);
		ok(!noise_measure(&shape, y, &a), "%s noise: %g, slope %g", kinds[kind], a.sigma,
		   a.slope);
		if (kind == 1) {
			double mean = 0;

			for (int i = 0; i < N; i++)
				mean += (0.004 * (double)scene[i] + 0.0001) / N;
			near(a.sigma, sqrt(mean), 0.05 * sqrt(mean),
			     "its level is the root of the mean variance");
		}
		correlated = correlated_level(&shape, y);
		ok((correlated > 0) == (kind == 3) && (a.slope > 0) == (kind == 1), "is that");
		for (int way = 0; way < WAYS; way++) {
			const struct lacuna_shape *s = turn(y, way, turned);

			ok(!noise_measure(s, turned, &b) && fabs(b.sigma / a.sigma - 1) < 1e-5 &&
				   fabs(b.slope - a.slope) < 1e-5 * a.slope + 1e-30,
			   "%s: %.9g, slope %.9g", ways[way], b.sigma, b.slope);
			near(correlated_level(s, turned), correlated, 1e-5 * correlated,
			     "and correlated");
		}
	}
}

/* Blocks of JPEG: rows and columns are treated alike, and any channel shows them. */
static void test_jpeg(void)
{
	double level, noisy;

	for (int i = 0; i < N; i++) {
		y[i] = 0.5f + 0.002f * deviates[i];
		y[N + i] = y[i] + 0.03f * deviates[N + (i % W + 3) / 8 + W * ((i / W + 5) / 8)];
	}
	level = noise_jpeg(&shape, y + N);
	/* The mean of the difference of two blocks is 2 / sqrt(pi) deviations. */
	near(level, 0.03 * 2 / sqrt(acos(-1.0)), 0.004, "the mean step between blocks");
	near(noise_jpeg(turn(y + N, TRANSPOSED, turned), turned), level, 1e-6, "lying on the side");
	memcpy(turned, y + N, N * sizeof *y);
	turned[W * 20 + 20] = NAN;
	near(noise_jpeg(&shape, turned), level, 0.001, "with a missing value");
	for (int i = 0; i < N; i++)
		turned[i] = y[N + i] + 0.02f * deviates[i];
	noisy = noise_jpeg(&shape, turned);
	ok(noisy > 0 && noisy < level, "noise makes no steps (%g of %g)", noisy, level);
	memcpy(turned, y + N, N * sizeof *y);
	memcpy(turned + N, y, N * sizeof *y);
	level = noise_jpeg(&two, y);
	ok(level > 0, "in one of two channels: %g", level);
	near(noise_jpeg(&two, turned), level, 1e-6, "in the other");
}

/* ---- noise in places */

static float factor[2 * N], other[2 * N];

static void add_left(float *to, double left, double rest)
{
	for (int i = 0; i < N; i++)
		to[i] = scene[i] + (float)(i % W < W / 2 ? left : rest) * deviates[i];
}

static double difference(const float *a, const float *b, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += pow((double)a[i] - (double)b[i], 2) / n;
	return sqrt(sum);
}

static void test_places(void)
{
	const struct noise even = { .offset = 0.0004, .sigma = 0.02 };
	const struct noise channels = { .offset = 0.0004, .sigma = 0.02, .channel = { 1, 3 } };
	double range[2], jump = 0;

	add_left(y, 0.06, 0.02);
	ok(!noise_in_places(&shape, y, &even, factor, range) && range[0] < range[1],
	   "louder at the left");
	for (int i = 0; i < N; i++)
		if (i % W + 1 < W)
			jump = fmax(jump, fabs((double)factor[i + 1] - (double)factor[i]));
	ok(jump < 0.35, "goes over into the rest without a step (%g)", jump);
	turn(factor, TRANSPOSED, other);
	memcpy(factor, other, sizeof factor / 2);
	ok(!noise_in_places(turn(y, TRANSPOSED, turned), turned, &even, other, range),
	   "lying on the side");
	ok(difference(factor, other, N) < 1e-3, "the same map (%.2g)",
	   difference(factor, other, N));
	ok(!noise_in_places(&shape, y, &even, factor, range), "again");
	turn(factor, MIRRORED, other);
	memcpy(factor, other, sizeof factor / 2);
	ok(!noise_in_places(turn(y, MIRRORED, turned), turned, &even, other, range), "in a mirror");
	ok(difference(factor, other, N) < 0.35, "nearly the same (%.2g)",
	   difference(factor, other, N));

	/* two channels, of which one is uneven and has a hole */
	add_left(y, 0.02, 0.02);
	add_left(y + N, 0.06, 0.02);
	for (int i = 0; i < N; i++)
		if (i % W < 50 && i / W < 60)
			y[N + i] = NAN;
	memcpy(turned, y + N, N * sizeof *y);
	memcpy(turned + N, y, N * sizeof *y);
	ok(!noise_in_places(&two, y, &even, factor, range) && range[0] < range[1],
	   "one channel of two");
	ok(!noise_in_places(&two, turned, &even, other, range) &&
		   difference(factor, other + N, N) + difference(factor + N, other, N) < 1e-3,
	   "the same in the other order");
	near(factor[20 + W * 100], 1, 0.2, "the even one is even");
	near(factor[N + 20 + W * 100], 3, 0.5, "the other is not");
	near(factor[N + 20 + W * 20], 3, 0.6, "and in its hole as nearby");
	for (int i = 0; i < N; i++)
		y[N + i] = scene[i] + 0.06f * deviates[N + i];
	ok(!noise_in_places(&two, y, &channels, factor, range) && !(range[0] < range[1]),
	   "channels with a level each are even");
}

/* ---- counts of photons */

static void test_counts(void)
{
	static const double steps[] = { 1, 0.002, 3000 };
	double sum = 0;
	struct noise n;

	for (int i = 0; i < N; i++) { /* Poisson by the sum of exponential waiting times */
		const double rate = 1 + 24 * (double)scene[i];
		float chance[96];
		double time = 0;
		int count = 0;

		random_uniform((struct random_key){ 5, 0, 0 }, 0, (uint64_t)i * 96, chance, 96);
		while (count < 95 && (time -= log(1 - (double)chance[count])) < rate)
			count++;
		turned[i] = (float)count;
		sum += count;
	}
	for (int k = 0; k < 3; k++) {
		const double s = steps[k], zero = 7 * s;

		for (int i = 0; i < N; i++)
			y[i] = (float)(zero + s * (double)turned[i]);
		ok(!noise_of_counts(&shape, y, zero, &n), "steps of %g", s);
		near(n.slope / s, 1, 1e-3, "the slope is the step");
		near(n.offset / (s * s), -7, 0.01, "none without photons");
		near(n.sigma / (s * sqrt(sum / N)), 1, 0.02,
		     "on the mean, the root of the mean count");
		near(n.least_variance / (s * s), noise_of_none, 1e-3,
		     "a part of a photon's is always there");
	}
	for (int i = 0; i < N; i++)
		y[i] = (float)(300 + 2 * (double)turned[i]);
	ok(!noise_of_counts(&shape, y, 12345, &n), "with an offset that nobody tells");
	near(-n.offset / n.slope, 300, 3, "which is found");
	for (int i = 0; i < N; i++)
		y[i] = (float)(300 + 0.02 * (double)turned[i]);
	ok(!noise_of_counts(&shape, y, 12345, &n), "in small steps");
	near(-n.offset / n.slope, 300, 0.03, "too");
}

static void test_map(void)
{
	const struct noise law = {
		.slope = 0.01, .offset = 0.001, .sigma = 0.3, .least_variance = 0.0004
	};
	const struct lacuna_shape three = { { 3, 1, 1, 1 } };
	const float level[] = { 2, -1, NAN };
	float sigma[3];

	ok(!noise_map(&three, &law, level, 0, sigma), "a law");
	near((double)sigma[0], sqrt(0.021), 1e-6, "where there is light");
	near((double)sigma[1], 0.02, 1e-6, "the least");
	near((double)sigma[2], 0.3, 1e-6, "where nothing is known, the mean");
}

/* ---- variance against level */

static void test_line(void)
{
	struct bins b = { .count = 8 };
	double slope, offset, first, second;

	for (int k = 0; k < 8; k++) {
		b.level[k] = 0.1 * k;
		b.variance[k] = b.most[k] = 0.004 * b.level[k] + 0.0005;
		b.trust[k] = 1;
	}
	bins_fit(&b, &slope, &offset);
	ok(fabs(slope - 0.004) < 1e-8 && fabs(offset - 0.0005) < 1e-9 &&
		   bins_are_line(&b, slope, offset),
	   "a line is found");
	near(bins_mean(&b), 0.004 * 0.35 + 0.0005, 1e-9, "and its mean");
	b.variance[4] *= 6;
	b.most[4] *= 6;
	bins_fit(&b, &slope, &offset);
	near(slope, 0.004, 0.0004, "also beside texture");
	b.variance[4] /= 12;
	b.most[4] /= 12;
	bins_fit(&b, &slope, &offset);
	first = second = 0;
	for (int k = 0; k < 8; k++) {
		const double v = slope * b.level[k] + offset;

		first += (b.variance[k] / v - 1) / v;
		second += (b.variance[k] / v - 1) / v * b.level[k];
	}
	ok(fabs(first) < 1 && fabs(second) < 1, "a quiet bin counts in full (%g, %g)", first,
	   second);
	for (int k = 0; k < 8; k++) {
		b.variance[k] = b.most[k] = k % 2 ? 1.4e-4 : 0.7e-4;
		b.trust[k] = 0.6;
	}
	ok(!bins_are_line(&b, 0, 1e-4), "what goes up and down is no line");
}

/* One range of level with texture is enough. */
static void test_bare(void)
{
	struct bins b = { .count = 5, .trust = { 1, 1, 1, 1, 1 } };

	ok(bins_are_bare(&b), "noise alone");
	for (int k = 0; k < b.count; k++) {
		b.trust[k] = 0.9;
		ok(!bins_are_bare(&b), "texture in range %d", k);
		b.trust[k] = 1;
	}
}

/* White noise of this variance in a block. */
static void fill_block(double level, double low, double variance, struct block *b)
{
	*b = (struct block){ .level = (float)level, .low = (float)low, .middle = (float)variance };
	for (int k = 0; k < HIGH; k++)
		b->high[k] = (float)variance;
}

/* The smoothest twentieth of each range of level tells its noise. */
static void test_smoothest(void)
{
	enum { RANGES = BINS, EACH = 2 * LEAST_IN_BIN };
	static struct block list[RANGES * EACH];
	static struct block_key keys[2 * RANGES * EACH];
	struct blocks s = { .list = list, .keys = keys, .count = RANGES * EACH };
	struct bins b;
	double worst = 0;

	for (int i = 0; i < RANGES * EACH; i++) {
		const int range = i % RANGES, rank = i / RANGES * 7 % EACH;

		fill_block(range, rank, rank < EACH / 20 ? 1 + range : 100, &list[i]);
	}
	bins_fill(&s, &b);
	for (int k = 0; k < b.count; k++)
		worst = fmax(worst, fabs(b.variance[k] / (1 + k) - 1));
	ok(b.count == RANGES, "%d bins", b.count);
	near(worst, 0, 1e-6, "have the variance of their smoothest blocks");
}

/* Texture at all levels, in two thirds of the picture: the smoothest blocks of each level tell the law. */
static void test_texture(void)
{
	struct noise found = { 0 };

	for (int i = 0; i < N; i++) {
		const double u = i % W, v = i / W, level = 0.1 + 0.7 * u / W;

		y[i] = (float)(level + sqrt(0.004 * level) * (double)deviates[i] +
			       (v > H / 3 ? 0.2 * sin(1.9 * u + 0.3 * v * sin(0.2 * v)) : 0));
	}
	ok(!noise_measure(&shape, y, &found), "a law beside texture");
	near(found.slope, 0.004, 0.0008, "is found");
}

/* ---- power and clipping */

static void test_power(void)
{
	const struct power falls = { .high = 9e-5, .middle = 2e-4, .near = 8e-5, .corner = 5e-5 };
	const struct power loud = { .high = 4e-4, .middle = 9e-4, .near = 4e-4, .corner = 2e-4 };

	ok(power_falls_on(&falls) && !power_falls_on(&loud),
	   "only quiet power can be fine texture");
	near(power_beyond_texture(&falls), 2.5e-5, 1e-9,
	     "noise under texture: at least half the corner");
	near(power_beyond_texture(&loud), 1e-4, 1e-9, "likewise");
	near(power_beyond_texture(&(struct power){ .high = 1e-4, .near = 6e-5, .corner = 5e-5 }),
	     4e-5, 1e-9, "or what is left of the corner after texture");
}

static void test_clip(void)
{
	for (int white = 0; white < 2; white++) {
		struct clip c;

		for (int i = 0; i < N; i++)
			y[i] = (float)(white ? fmin(scene[i] + 0.05f * deviates[i], 0.55f)
					     : fmax(scene[i] + 0.05f * deviates[i], 0.2f));
		c = clip_find(y, N);
		ok(white ? isinf(c.lo) && c.hi == 0.55f : c.lo == 0.2f && isinf(c.hi),
		   "clips at %s alone", white ? "white" : "black");
	}
}

/* How far noise reaches is told by the half of the blocks that is not cut off. */
static void test_far_half(void)
{
	enum { COUNT = 400 };
	static struct block list[COUNT];
	static const double sigma = 0.05;

	for (int white = 0; white < 2; white++) {
		static struct block_key keys[2 * COUNT];
		struct blocks s = { .list = list, .keys = keys, .count = COUNT };
		int within = 0;

		for (int i = 0; i < N; i++) {
			const double v = i % 50 ? 0.1 + 0.8 * (i % 997) / 997 : 0;

			y[i] = (float)(white ? 1 - v : v);
		}
		for (int i = 0; i < COUNT; i++) {
			const double depth = (i + 0.5) / COUNT; /* from the clipped end */

			fill_block(white ? 1 - depth : depth, i, depth < 0.5 ? 1e-6 : sigma * sigma,
				   &list[i]);
			within += depth > 3 * sigma;
		}
		clipped_drop(&shape, y, &s);
		ok((int)s.count == within, "near %s: %d of %d blocks are dropped",
		   white ? "white" : "black", COUNT - (int)s.count, COUNT - within);
	}
}

/* A law is that of complete blocks, also where they are few beside clipped ones. */
static void test_law_beside_clipped(void)
{
	enum { WIDTH = 44, HEIGHT = 72 };
	const struct lacuna_shape narrow = { { WIDTH, HEIGHT, 1, 1 } };
	struct noise found = { 0 };
	double law = 0, wanted = 0;

	for (int i = 0; i < WIDTH * HEIGHT; i++) {
		const double level = 0.3 + 0.6 * (i % WIDTH) / WIDTH;
		const double bright = level + sqrt(0.004 * (level - 0.25)) * (double)deviates[i];

		y[i] = (float)(i / WIDTH < 32 ? fmin(bright, 1.2)
					      : fmax(0.01 * (double)deviates[i], 0));
	}
	ok(!noise_measure(&narrow, y, &found) && found.slope > 0, "a law beside black (%g)",
	   found.slope);
	for (int k = 0; k < 10; k++) {
		const double level = 0.35 + 0.05 * k;

		law += found.slope * level + found.offset;
		wanted += 0.004 * (level - 0.25);
	}
	near(law / wanted, 1, 0.25, "has the noise of what is bright");
}

/* The darkest parts have as little noise as the law says. */
static void test_dark_end(void)
{
	static float sigma[N];
	struct noise found = { 0 };

	for (int i = 0; i < N; i++) {
		const double level = 0.02 + 0.8 * (i % W) / W;

		factor[i] = (float)level;
		y[i] = (float)(level + sqrt(0.004 * level) * (double)deviates[i]);
	}
	ok(!noise_measure(&shape, y, &found) && found.slope > 0, "noise that grows fortyfold");
	ok(!noise_map(&shape, &found, factor, 0, sigma), "a map of it");
	for (int x = 0; x < W; x += W / 8)
		near((double)sigma[x] / sqrt(0.004 * (double)factor[x]), 1, 0.3,
		     "the noise of a level");
}

/* A block that is one wave has all its energy at that wave's frequency. */
static void test_waves(void)
{
	static const struct lacuna_shape one = { .extent = { SIDE, SIDE, 1, 1 } };
	static const double pi = 3.14159265358979323846;
	double worst = 0;

	for (int wave = 1; wave < SIDE * SIDE; wave++) {
		const int u = wave % SIDE, v = wave / SIDE, sum = u + v;
		double energy = 0, high = 0, in_middle;
		const struct block *b;
		struct power power;
		struct blocks s;

		for (int i = 0; i < SIDE * SIDE; i++) {
			y[i] = (float)(cos(pi * u * (i % SIDE + 0.5) / SIDE) *
				       cos(pi * v * (i / SIDE + 0.5) / SIDE));
			energy += (double)y[i] * (double)y[i];
		}
		if (blocks_collect(&one, y, SIDE * SIDE, 1, &s) || s.count != 1)
			worst = INFINITY;
		if (s.count == 1) {
			b = s.list;
			in_middle = sum >= MIDDLE_FROM && sum < SPLIT ? energy / MIDDLE : 0;
			for (int k = 0; k < HIGH; k++)
				high = fmax(high, (double)b->high[k]);
			worst = fmax(worst, fabs((double)b->low -
						 (sum < SPLIT) * energy * (u * u + v * v)));
			worst = fmax(worst, fabs(high - (sum >= SPLIT) * energy));
			worst = fmax(worst, fabs((double)b->middle - in_middle));
			worst = fmax(worst, fabs((double)b->upright - (u > v) * in_middle));
			worst = fmax(worst, fabs((double)b->flat - (u < v) * in_middle));
			power = power_mean(b, 1);
			worst = fmax(worst,
				     fabs(power.near - (sum == 9 || sum == 10) * energy / NEAR));
			worst = fmax(worst, fabs(power.corner - (sum >= 12) * energy / CORNER));
			worst = fmax(worst, fabs((double)b->level));
		}
		blocks_release(&s);
	}
	near(worst, 0, 2e-4, "each of the 63 waves is found where it is");
}

/* The order that blocks have, with negative values and with equal ones, which keep their order. */
static void test_order(void)
{
	enum { MANY = 1000 };
	static struct block list[MANY];
	static struct block_key keys[2 * MANY];
	const struct blocks s = { .list = list, .keys = keys, .count = MANY };
	int wrong = 0;

	for (int i = 0; i < MANY; i++) {
		list[i].low = (float)(i * 37 % 100) - 50;
		list[i].level = deviates[i];
		list[i].at = (size_t)i;
	}
	blocks_sort_by_low(&s);
	for (int i = 1; i < MANY; i++)
		wrong += !(list[i - 1].low < list[i].low ||
			   (list[i - 1].low <= list[i].low && list[i - 1].at < list[i].at));
	blocks_sort_by_level(&s);
	for (int i = 1; i < MANY; i++)
		wrong += !(list[i - 1].level <= list[i].level);
	ok(!wrong, "blocks are sorted");
}

/* Noise that is not white falls with frequency, as texture does, but is as strong everywhere: it counts in full.  If it is much
 * stronger at one side than at the other it is texture, and noise lies under it. */
static void test_even(void)
{
	for (int uneven = 0; uneven < 2; uneven++) {
		struct noise found = { 0 };
		struct power p = { 0 };
		struct blocks s;

		for (int i = 0; i < W * H; i++) {
			const int u = i % W, right = u + 1 < W ? 1 : 0,
				  down = i / W + 1 < H ? W : 0;
			const float strength = uneven ? 0.4f + 1.6f * (float)u / W : 1;

			y[i] = 0.5f +
			       strength * (0.04f * deviates[i] +
					   0.02f * (deviates[i + right] + deviates[i + down]));
		}
		if (ok(!blocks_collect(&shape, y, 0, 1, &s), "correlated noise"))
			p = power_of_smoothest(&s);
		blocks_release(&s);
		ok(power_is_textured(&p), "falls as texture does");
		ok(!noise_measure(&shape, y, &found), "its white part");
		near(found.offset / (uneven ? power_under_texture(&p) : p.high), 1, 1e-6,
		     uneven ? "is what texture leaves, where it is uneven"
			    : "is all of its high frequencies");
	}
}

/* Half a percent of many blocks count. */
static void test_half_percent(void)
{
	enum { MANY = 20000, SMOOTHEST = MANY / 200 };
	static struct block list[MANY];
	static struct block_key keys[2 * MANY];
	const struct blocks s = { .list = list, .keys = keys, .count = MANY };

	for (int louder = 0; louder < 2; louder++) {
		for (int i = 0; i < MANY; i++) {
			const int rank = (int)((int64_t)i * 7919 % MANY);

			fill_block(0, rank, rank < SMOOTHEST - louder ? 1 : 1000, &list[i]);
		}
		near(power_of_smoothest(&s).high, louder ? 1 + 999. / SMOOTHEST : 1, 1e-5,
		     "the power of the smoothest half percent");
	}
}

/* Mostly black: what is restored of the clipped blocks has the power of white noise at all frequencies. */
static void test_clipped(void)
{
	static const double depths[] = { -0.6, 0, 0.8 };

	for (int k = 0; k < 3; k++) {
		double variance = 0;

		for (int i = 0; i < N; i++)
			y[i] = (float)fmax(0.03 * (depths[k] + (double)deviates[i]), 0);
		ok(!clipped_measure(&shape, y, &variance), "black at %g deviations", -depths[k]);
		near(sqrt(variance), 0.03, 0.0036, "the noise before it was clipped");
	}
}

/* Dark parts lose a little of their noise at black, or bright ones at white: that does not make the noise less. */
static void test_near_the_end(void)
{
	for (int white = 0; white < 2; white++) {
		struct noise found = { 0 };

		for (int i = 0; i < N; i++) {
			const double level = i % W < 3 * W / 4 ? 0.07 : 0.5;
			const double v = fmax(level + 0.04 * (double)deviates[i], 0);

			y[i] = (float)(white ? 1 - v : v);
		}
		ok(!noise_measure(&shape, y, &found), "near %s", white ? "white" : "black");
		near(found.sigma, 0.04, 0.0016, "the noise of the rest");
	}
}

/* ---- evidence for a kernel with a direction */

static struct noise_evidence explain(const struct lacuna_shape *s, const char *spec,
				     const float *values)
{
	struct noise_evidence e = { .sigma = NAN, .scale = NAN };
	struct plugin_use use;
	struct problem *p = NULL;

	if (use_parse(LACUNA_OPERATOR, spec, &use) || problem_create(&use, 1, 1, s, &p) ||
	    noise_explain(p, values, &e))
		diag("%s", error_text());
	problem_destroy(p);
	use_free(&use);
	return e;
}

static void test_directions(void)
{
	static const char slanted[] = "blur:kind=motion,length=11,angle=28,boundary=periodic",
			  mirrored[] = "blur:kind=motion,length=11,angle=-28,boundary=periodic",
			  across[] = "blur:kind=motion,length=11,angle=62,boundary=periodic";
	struct noise_evidence right, wrong, aside;
	struct plugin_use use;
	struct problem *p = NULL;

	for (int i = 0; i < N; i++)
		scene[i] = 0;
	for (int k = 0; k < 400; k++) { /* overlapping rectangles of all sizes */
		const int x0 = abs((int)(1000 * deviates[4 * k])) % W;
		const int y0 = abs((int)(1000 * deviates[4 * k + 1])) % H;
		const int side =
			2 + abs((int)(1000 * deviates[4 * k + 2])) % (4 + 16000 / (200 + k * k));

		for (int j = y0; j < y0 + side && j < H; j++)
			for (int i = x0; i < x0 + side && i < W; i++)
				scene[j * W + i] = 0.5f + 0.15f * deviates[4 * k + 3];
	}
	ok(!use_parse(LACUNA_OPERATOR, slanted, &use) && !problem_create(&use, 1, 1, &shape, &p) &&
		   !problem_simulate(p, scene, 0.004, (struct random_key){ 3, 0, 0 }, y),
	   "moved in a direction");
	problem_destroy(p);
	use_free(&use);
	right = explain(&shape, slanted, y);
	ok(right.scale > 0.9 && right.scale < 1.1, "the kernel is not doubted");
	ok(right.sigma > 0.003 && right.sigma < 0.012,
	   "its noise is found, and what it cannot explain (%g)", right.sigma);
	wrong = explain(&shape, mirrored, y);
	aside = explain(&shape, across, y);
	ok(wrong.sigma > 1.5 * right.sigma || !(wrong.scale > 0.9 && wrong.scale < 1.1),
	   "its mirror image is, or has more noise (%g, %g)", wrong.sigma, wrong.scale);
	ok(aside.sigma > 1.5 * right.sigma || !(aside.scale > 0.9 && aside.scale < 1.1),
	   "so is another direction (%g, %g)", aside.sigma, aside.scale);
	for (int wide = 6; wide < 15; wide += 4) { /* any narrower kernel is better, none is best */
		char spec[80];

		snprintf(spec, sizeof spec, "blur:kind=gaussian,sigma=%g,boundary=periodic",
			 wide / 2.5);
		aside = explain(&shape, spec, scene);
		ok(!(aside.scale > 0), "no blur of %d px at all (%g)", wide, aside.scale);
	}
	/* the same in a mirror and on the side */
	turn(y, MIRRORED, turned);
	aside = explain(&shape, mirrored, turned);
	near(aside.sigma, right.sigma, 0.15 * right.sigma, "in a mirror");
	memcpy(y + N, scene, N * sizeof *y);
	right = explain(&two, slanted, y);
	memcpy(turned, y + N, N * sizeof *y);
	memcpy(turned + N, y, N * sizeof *y);
	wrong = explain(&two, slanted, turned);
	ok(fabs(right.sigma / wrong.sigma - 1) < 1e-6 && !(right.scale > wrong.scale) &&
		   !(right.scale < wrong.scale),
	   "channels in any order (%g, %g)", right.sigma, wrong.sigma);
}

/* ---- offsets of lines */

static void test_bands(void)
{
	double first = 0, second = 0, third = 0;

	prepare();
	for (int i = 0; i < N; i++) {
		y[N + i] = scene[i] + 0.01f * deviates[i];
		y[i] = y[N + i] + 0.03f * deviates[N + i / W];
	}
	ok(!bands_find(&two, y, 0, &first) && first > 0, "one of two channels has offsets");
	near(first, 0.03, 0.0045, "their deviation");
	memcpy(turned, y + N, N * sizeof *y);
	memcpy(turned + N, y, N * sizeof *y);
	ok(!bands_find(&two, turned, 0, &second), "in the other order");
	near(second, first, 1e-9, "the same");
	turn(y, UPSIDE_DOWN, turned);
	ok(!bands_find(&shape, turned, 0, &third), "upside down");
	near(third, first, 1e-6, "the same");
}

/* Whichever allocation fails, an estimate ends in order. */
static void test_out_of_memory(void)
{
	static const struct noise even = { .offset = 0.0004, .sigma = 0.02 };
	const size_t before = memory_live_blocks();
	int wrong = 0, failed = 0;

	add_left(y, 0.06, 0.02);
	for (int n = 0; n < 6; n++)
		for (int what = 0; what < 4; what++) {
			double range[2];
			struct noise found;
			struct noise_bounds bounds;
			struct grain grain;
			int status;

			memory_fail_after(n);
			status = what == 0   ? noise_measure(&shape, y, &found)
				 : what == 1 ? noise_bound(&shape, y, &bounds)
				 : what == 2 ? grain_measure(&shape, y, &grain)
					     : noise_in_places(&shape, y, &even, factor, range);
			memory_fail_after(-1);
			failed += status == LACUNA_ENOMEM;
			wrong += status && status != LACUNA_ENOMEM;
			error_clear();
		}
	ok(failed >= 8 && !wrong && memory_live_blocks() == before,
	   "out of memory is an error, and nothing is left (%d)", failed);
}

int main(void)
{
	prepare();
	test_turned();
	test_jpeg();
	test_places();
	test_counts();
	test_map();
	test_line();
	test_bare();
	test_smoothest();
	test_texture();
	test_power();
	test_clip();
	test_far_half();
	test_law_beside_clipped();
	test_dark_end();
	test_waves();
	test_order();
	test_out_of_memory();
	test_even();
	test_half_percent();
	test_clipped();
	test_near_the_end();
	test_directions();
	test_bands();
	ok(memory_live_blocks() == 0, "nothing is left behind");
	threads_stop();
	return tap_done();
}
