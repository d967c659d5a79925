/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operators whose measurement is not a picture, is several pictures, or lies on another grid: against the sums in their
 * manuals.  (conformance.c checks adjoint() and spectral() against apply().) */
#include <config.h>

#include "tests/tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "engine/problem.h"
#include "plugin/host.h"

#include <stdlib.h>

static const double pi = 3.14159265358979323846;

static double varying_psf(int page, int i, int j)
{
	return 0.1 + 0.2 * page + 0.3 * i * (page % 2) + 0.15 * j * (page / 2);
}

/* "spectrum": 9 x 7, every third frequency. */
static int read_spectrum(struct lacuna_shape *shape, float **values)
{
	*shape = (struct lacuna_shape){ { 9, 7, 1, 1 } };
	*values = memory_alloc_array(63, sizeof **values);
	for (int i = 0; *values && i < 63; i++)
		(*values)[i] = i % 3 ? 0 : 0.01f;
	return *values ? LACUNA_OK : LACUNA_ENOMEM;
}

/* "flat" and "dark": frames of 4x3.  The first is brighter to the right and has a dead pixel; dark has two pages. */
static int read_image(const char *path, struct lacuna_shape *shape, float **values)
{
	const int dark = !strcmp(path, "dark"), n = 12 * (dark ? 2 : 1);

	if (!strcmp(path, "psfs")) { /* 3x2, two across and two down */
		*shape = (struct lacuna_shape){ { 3, 2, 1, 4 } };
		*values = memory_alloc_array(24, sizeof **values);
		for (int i = 0; *values && i < 24; i++)
			(*values)[i] = (float)varying_psf(i / 6, i % 3, i / 3 % 2);
		return *values ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (!strcmp(path, "spectrum"))
		return read_spectrum(shape, values);
	if (!strcmp(path, "points")) { /* 5x3, two pages with a point each */
		*shape = (struct lacuna_shape){ { 5, 3, 1, 2 } };
		*values = memory_alloc_array(30, sizeof **values);
		if (*values)
			(*values)[1] = (*values)[15 + 2 * 5 + 3] = 1;
		return *values ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (!strcmp(path, "flat-of-two")) {
		*shape = (struct lacuna_shape){ { 4, 3, 2, 1 } };
		*values = memory_alloc_array(24, sizeof **values);
		for (int i = 0; *values && i < 24; i++)
			(*values)[i] = (i < 12 ? 0.5f : 1) + 0.1f * (float)(i % 4);
		return *values ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (!strcmp(path, "dark-of-two")) { /* two channels */
		*shape = (struct lacuna_shape){ { 4, 3, 2, 1 } };
		*values = memory_alloc_array(24, sizeof **values);
		for (int i = 0; *values && i < 24; i++)
			(*values)[i] = i < 12 ? 0.1f : 0.2f;
		return *values ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (!dark && strcmp(path, "flat") != 0)
		return error_set(LACUNA_EIO, "%s: no such file", path);
	*shape = (struct lacuna_shape){ { 4, 3, 1, dark ? 2 : 1 } };
	*values = memory_alloc_array((size_t)n, sizeof **values);
	for (int i = 0; *values && i < n; i++)
		(*values)[i] = dark ? 0.1f + 0.2f * (float)(i / 12) : 0.5f + 0.1f * (float)(i % 4);
	if (*values && !dark)
		(*values)[5] = 0.2f; /* no brighter than the dark frame */
	return *values ? LACUNA_OK : LACUNA_ENOMEM;
}

struct bench {
	struct plugin_use use;
	struct problem *problem;
	struct lacuna_shape xs, ys;
	float *x, *y;
};

static void bench_close(struct bench *b)
{
	problem_destroy(b->problem);
	use_free(&b->use);
	memory_release(b->x);
	memory_release(b->y);
	memset(b, 0, sizeof *b);
}

/* The problem, and y of a random x. */
static int bench_open(struct bench *b, const char *spec, int w, int h, int channels)
{
	static const struct random_key key = { 5, 0, 0 };
	const struct lacuna_shape x = { { w, h, channels, 1 } };

	memset(b, 0, sizeof *b);
	error_clear();
	if (!ok(!use_parse(LACUNA_OPERATOR, spec, &b->use) &&
			!problem_create(&b->use, 1, 0, &x, &b->problem),
		"%s on %dx%dx%d", spec, w, h, channels)) {
		diag("%s", error_text());
		return 0;
	}
	b->xs = *problem_x(b->problem);
	b->ys = *problem_y(b->problem);
	b->x = memory_alloc_array(lacuna_count(&b->xs), sizeof(float));
	b->y = memory_alloc_array(lacuna_count(&b->ys), sizeof(float));
	random_gaussian(key, 0, 0, b->x, lacuna_count(&b->xs));
	return !problem_apply(b->problem, b->x, b->y);
}

static void parse(const char *spec, struct plugin_use *use)
{
	if (use_parse(LACUNA_OPERATOR, spec, use))
		tap_bail("%s: %s", spec, error_text());
}

/* The operator refuses an image of side x side; the message contains `word'. */
static void refuses(const char *spec, int side, const char *word)
{
	const struct lacuna_shape x = { { side, side, 1, 1 } };
	struct plugin_use use;
	struct problem *p = NULL;

	parse(spec, &use);
	error_clear();
	ok(problem_create(&use, 1, 0, &x, &p) < 0 && strstr(error_text(), word),
	   "%s is refused: %s", spec, error_text());
	problem_destroy(p);
	use_free(&use);
}

/* ---- fourier ----------------------------------------------------------------------------------------- */

static void test_fourier(int w, int h, int centred)
{
	struct bench b;
	char spec[64];
	double worst = 0;

	snprintf(spec, sizeof spec, "fourier:centred=%s", centred ? "yes" : "no");
	if (!bench_open(&b, spec, w, h, 2))
		return;
	ok(b.ys.extent[2] == 4, "two channels for one");
	for (int c = 0; c < 2; c++)
		for (int v = 0; v < h; v++)
			for (int u = 0; u < w; u++) {
				const int ku = centred ? u - w / 2 : u,
					  kv = centred ? v - h / 2 : v;
				const float *got =
					b.y +
					((size_t)(2 * c) * (size_t)h + (size_t)v) * (size_t)w + u;
				double re = 0, im = 0;

				for (int j = 0; j < h; j++)
					for (int i = 0; i < w; i++) {
						const double a =
							-2 * pi *
							((double)ku * i / w + (double)kv * j / h);

						re += b.x[(c * h + j) * w + i] * cos(a);
						im += b.x[(c * h + j) * w + i] * sin(a);
					}
				worst = fmax(worst, fabs(re / sqrt(w * h) - got[0]));
				worst = fmax(worst, fabs(im / sqrt(w * h) - got[w * h]));
			}
	ok(worst < 2e-6, "the sum written out: %g", worst);
	bench_close(&b);
}

static void test_share(void)
{
	struct bench b;
	size_t measured = 0;
	int lines = 1;

	if (!bench_open(&b, "fourier:keep=0.25,centre=0.1", 200, 40, 1))
		return;
	for (int i = 0; i < 200; i++) {
		measured += b.y[i] != 0;
		for (int j = 1; j < 40; j++)
			lines &= (b.y[i] != 0) == (b.y[j * 200 + i] != 0);
	}
	ok(lines, "whole columns");
	ok(measured >= 38 && measured <= 62, "a quarter of them, about: %zu of 200", measured);
	ok(b.y[95] != 0 && b.y[100] != 0 && b.y[105] != 0, "the middle is there");
	bench_close(&b);
}

/* Reads which values of one plane of y are measured, all 0 or 1, into `mask'.  Returns their number. */
static int read_measured(const char *spec, int w, int h, unsigned char *mask)
{
	struct bench b;
	int count = 0;

	if (!bench_open(&b, spec, w, h, 1))
		return -1;
	for (int i = 0; i < w * h; i++)
		count += mask[i] = b.y[i] != 0;
	bench_close(&b);
	return count;
}

/* The patterns fit their names, contain the middle, and change with the seed. */
static void test_patterns(void)
{
	enum { W = 120, H = 100 };
	static const char *const specs[] = { "fourier:keep=0.3,centre=0.2,pattern=rows",
					     "fourier:keep=0.3,centre=0.2,pattern=points" };
	static unsigned char mask[W * H], other[W * H];

	for (int k = 0; k < 2; k++) {
		char seeded[80];
		const int count = read_measured(specs[k], W, H, mask);
		int lines = 1, middle = 1, same = 0;

		snprintf(seeded, sizeof seeded, "%s,seed=1", specs[k]);
		read_measured(seeded, W, H, other);
		for (int j = 0; j < H; j++)
			for (int i = 0; i < W; i++) {
				const int inside = abs(j - H / 2) <= H / 10 &&
						   (k == 0 || abs(i - W / 2) <= W / 10);

				lines &= mask[j * W + i] == mask[j * W];
				middle &= mask[j * W + i] || !inside;
				same += mask[j * W + i] == other[j * W + i];
			}
		ok(lines == (k == 0), "%s rows", k == 0 ? "whole" : "no");
		ok(middle, "all of the middle");
		/* Five standard deviations, for the 80 rows or 11520 points drawn. */
		ok(fabs((double)count / (W * H) - 0.3) < (k == 0 ? 0.2 : 0.02),
		   "three tenths, about: %d of %d", count, W * H);
		ok(same < W * H, "another seed measures others");
	}
	/* Frequency 0 is in the middle of one and in the corner of the other. */
	ok(read_measured("fourier:keep=0,centre=0.4,pattern=points", W, H, mask) == 49 * 41,
	   "the middle alone: 24 frequencies to either side, and 20 up and down");
	read_measured("fourier:keep=0,centre=0.4,pattern=points,centred=no", W, H, other);
	{
		int same = 0;

		for (int j = 0; j < H; j++)
			for (int i = 0; i < W; i++)
				same += mask[j * W + i] ==
					other[(j + H / 2) % H * W + (i + W / 2) % W];
		ok(same == W * H, "the same frequencies, wherever the first is (%d of %d)", same,
		   W * H);
	}
	ok(read_measured("fourier:file=spectrum", 9, 7, mask) == 21 && mask[0] && !mask[1] &&
		   !mask[2] && mask[3],
	   "a mask says which");
}

/* ---- hadamard ---------------------------------------------------------------------------------------- */

static int changes(const float *v, int n, int step)
{
	int count = 0;

	for (int i = 1; i < n; i++)
		count += (v[i * step] > 0) != (v[(i - 1) * step] > 0);
	return count;
}

/* Each row of A is +-1/sqrt(N), with i sign changes horizontally and j vertically. */
static void test_hadamard(void)
{
	enum { W = 8, H = 4 };
	struct bench b;
	float row[W * H], unit[W * H];
	int orthogonal = 1, ordered = 1;

	if (!bench_open(&b, "hadamard", W, H, 1))
		return;
	for (int k = 0; k < W * H; k++) {
		memset(unit, 0, sizeof unit);
		unit[k] = 1;
		if (problem_adjoint(b.problem, NULL, unit, row))
			continue;
		for (int i = 0; i < W * H; i++)
			orthogonal &= fabs(fabs(row[i]) - 1 / sqrt(W * H)) < 1e-6;
		ordered &= changes(row, W, 1) == k % W && changes(row, H, W) == k / W;
	}
	ok(orthogonal, "+1 and -1");
	ok(ordered, "in the order of changes of sign");
	bench_close(&b);
	if (!bench_open(&b, "hadamard:keep=0.25", 32, 32, 1))
		return;
	for (int i = 0, n = 0; i < 1024; i++) {
		n += b.y[i] != 0;
		if (i == 1023)
			ok(n > 230 && n <= 256, "a quarter: %d of 1024", n);
	}
	ok(b.y[0] != 0 && b.y[1023] == 0, "the low ones");
	bench_close(&b);
}

/* Random coefficients are spread evenly; the mean is always included. */
static void test_hadamard_random(void)
{
	static unsigned char mask[1024], other[1024];
	int high = 0, same = 0, mean = 1, across = 0, down = 0;
	const int count = read_measured("hadamard:keep=0.25,order=random", 32, 32, mask);

	for (int seed = 1; seed <= 20; seed++) {
		char spec[64];

		snprintf(spec, sizeof spec, "hadamard:keep=0.05,order=random,seed=%d", seed);
		read_measured(spec, 32, 32, other);
		mean &= other[0];
	}
	read_measured("hadamard:keep=0.25,order=random,seed=3", 32, 32, other);
	for (int i = 0; i < 1024; i++) {
		high += i / 32 + i % 32 > 31 && mask[i];
		same += mask[i] == other[i];
	}
	/* Five standard deviations, for 1024 and for 496 coefficients. */
	ok(abs(count - 256) < 70 && abs(high - 124) < 48, "a quarter: %d of 1024, %d of high ones",
	   count, high);
	ok(mean && mask[0], "with every seed the mean is there");
	/* Of neighbours in a row or column, 5/8 are alike; five standard deviations. */
	for (int i = 0; i < 1024; i++) {
		across += i % 32 < 31 && mask[i] == mask[i + 1];
		down += i / 32 < 31 && mask[i] == mask[i + 32];
	}
	ok(abs(across - 620) < 110 && abs(down - 620) < 110,
	   "each is chosen by itself: %d and %d of 992 are as their neighbours", across, down);
	ok(same < 1024, "another seed measures others");
}

/* ---- radon ------------------------------------------------------------------------------------------- */

/* Disk of radius r: the mean over a strip of its chord, 2 sqrt(r^2 - s^2). */
static double chord_mean(double r, double s)
{
	double sum = 0;

	for (int k = 0; k < 100; k++) {
		const double t = s - 0.5 + (k + 0.5) / 100;

		sum += t * t < r * r ? 2 * sqrt(r * r - t * t) : 0;
	}
	return sum / 100;
}

static void test_radon(const char *spec, double start, double span, double axis)
{
	enum { N = 101, ANGLES = 23 };
	const double r = 30, cx = 8, cy = -11;
	struct bench b;
	double worst = 0, mass = 0, worst_mass = 0;

	if (!bench_open(&b, spec, N, N, 1))
		return;
	ok(b.ys.extent[0] == 143 && b.ys.extent[1] == ANGLES, "a row for each angle");
	for (int j = 0; j < N; j++)
		for (int i = 0; i < N; i++) {
			double inside = 0;

			for (int k = 0; k < 64; k++) {
				const double dx = i - 50 + (k % 8 - 3.5) / 8 - cx;
				const double dy = j - 50 + (k / 8 - 3.5) / 8 - cy;

				inside += dx * dx + dy * dy < r * r;
			}
			b.x[j * N + i] = (float)(inside / 64);
			mass += inside / 64;
		}
	problem_apply(b.problem, b.x, b.y);
	for (int a = 0; a < ANGLES; a++) {
		const double theta = (start + span * a / ANGLES) * pi / 180;
		const double s0 = cx * cos(theta) - cy * sin(theta) + 71 + axis;
		double sum = 0;

		for (int k = 0; k < 143; k++) {
			if (fabs(k - s0) < 0.8 * r) /* the disk's rim is pixelated */
				worst = fmax(worst, fabs(b.y[a * 143 + k] - chord_mean(r, k - s0)));
			sum += b.y[a * 143 + k];
		}
		worst_mass = fmax(worst_mass, fabs(sum - mass));
	}
	ok(worst < 0.5, "chords of a disk: %g of 60", worst);
	ok(worst_mass < 1e-3 * mass, "no mass is lost: %g of %g", worst_mass, mass);
	bench_close(&b);
}

/* A picture that half a turn leaves as it is has symmetric projections, whatever its size and the number of bins. */
static void test_radon_symmetry(int w, int h, int bins)
{
	struct bench b;
	double worst = 0;
	char spec[48];

	snprintf(spec, sizeof spec, "radon:angles=7,bins=%d", bins);
	if (!bench_open(&b, spec, w, h, 1))
		return;
	for (int i = 0; i < w * h; i++)
		b.x[i] = (float)((i * 37 % 101 + (w * h - 1 - i) * 37 % 101) / 100.0);
	problem_apply(b.problem, b.x, b.y);
	for (int a = 0; a < 7; a++)
		for (int k = 0; k < bins; k++)
			worst = fmax(worst, fabs((double)b.y[a * bins + k] -
						 (double)b.y[a * bins + bins - 1 - k]));
	near(worst, 0, 1e-4, spec);
	bench_close(&b);
}

/* At angle 0 each pixel falls into one bin; at a right angle the picture is turned. */
static void test_radon_pixels(void)
{
	struct bench b;
	double worst = 0;

	if (!bench_open(&b, "radon:angles=2,bins=7", 7, 7, 1))
		return;
	for (int k = 0; k < 7; k++) {
		double column = 0, row = 0;

		for (int i = 0; i < 7; i++) {
			column += b.x[i * 7 + k];
			row += b.x[(6 - k) * 7 + i];
		}
		worst = fmax(worst, fabs(b.y[k] - column));
		worst = fmax(worst, fabs(b.y[7 + k] - row));
	}
	ok(worst < 1e-5, "sums of columns, and of rows from below: %g", worst);
	bench_close(&b);
}

/* A detector shorter than the picture sees what the middle of a longer one sees. */
static void test_radon_short(void)
{
	enum { W = 7, H = 19, ANGLES = 8, SHORT = 6, LONG = 16 };
	struct bench few, many;
	double worst = 0;

	if (!bench_open(&few, "radon:angles=8,bins=6", W, H, 1) ||
	    !bench_open(&many, "radon:angles=8,bins=16", W, H, 1))
		return;
	for (int a = 0; a < ANGLES; a++)
		for (int k = 0; k < SHORT; k++)
			worst = fmax(worst,
				     fabs((double)few.y[a * SHORT + k] -
					  (double)many.y[a * LONG + k + (LONG - SHORT) / 2]));
	ok(worst < 1e-5, "a short detector is the middle of a long one: %g", worst);
	bench_close(&few);
	bench_close(&many);
}

static void test_wish(void)
{
	const struct lacuna_shape y = { { 50, 20, 1, 1 } }, wish = { { 40, 30, 1, 1 } };
	struct problem *p = NULL;
	struct plugin_use use;

	parse("radon:angles=20", &use);
	ok(problem_create(&use, 1, 1, &y, &p) == LACUNA_EINVAL && strstr(error_text(), "--size"),
	   "a sinogram does not tell its picture");
	ok(!problem_create_wished(&use, 1, 1, &y, &wish, &p), "the wish does");
	if (p) {
		ok(problem_window(p)->extent[0] == 40 && problem_window(p)->extent[1] == 30 &&
			   problem_window(p)->origin[0] == 0,
		   "all of x is the picture");
		problem_destroy(p);
	}
	use_free(&use);
}

/* ---- bayer, flat ------------------------------------------------------------------------------------- */

/* The pattern's name spells the colours of two rows. */
static void test_bayer(const char *pattern)
{
	static const float gains[] = { 2, 0.5f, 4 };
	struct bench b;
	char spec[80];
	int right = 1;

	snprintf(spec, sizeof spec, "bayer:pattern=%s,red=2,green=0.5,blue=4", pattern);
	if (!bench_open(&b, spec, 6, 5, 3))
		return;
	for (int i = 0; i < 30; i++) {
		const char letter = pattern[i / 6 % 2 * 2 + i % 6 % 2];
		const int c = letter == 'r' ? 0 : letter == 'g' ? 1 : 2;

		right &= fabsf(b.y[i] - b.x[30 * c + i] / gains[c]) < 1e-6f;
	}
	ok(b.ys.extent[2] == 1 && right, "one colour a pixel, divided by its gain");
	bench_close(&b);
}

static void test_flat(void)
{
	struct bench b;
	float offset[12] = { 0 };
	double sum = 0;
	int found = 0, right = 1;

	if (!bench_open(&b, "flat:flat=flat,dark=dark", 4, 3, 1))
		return;
	for (int i = 0; i < 12; i++) /* 0.5, 0.6, ... minus the dark mean of 0.1 and 0.3 */
		sum += i == 5 ? 0 : 0.3 + 0.1 * (i % 4);
	for (int i = 0; i < 12; i++) {
		const double f = i == 5 ? 0 : (0.3 + 0.1 * (i % 4)) * 12 / sum;

		right &= fabs(b.y[i] - f * (double)b.x[i]) < 1e-5;
	}
	ok(right, "y = f x, the mean of f is 1");
	ok(!problem_offset(b.problem, offset, &found) && found && fabsf(offset[7] - 0.2f) < 1e-6f,
	   "the dark frames' mean is the offset");
	bench_close(&b);
	/* A frame of one channel serves all channels. */
	{
		const struct lacuna_shape gray = { { 4, 3, 1, 1 } };
		struct problem *p = NULL;
		struct plugin_use use;

		parse("flat:dark=dark-of-two", &use);
		ok(problem_create(&use, 1, 0, &gray, &p) < 0 &&
			   strstr(error_text(), "the channels one or as many"),
		   "a frame of two channels for one: %s", error_text());
		problem_destroy(p);
		use_free(&use);
	}
	if (!bench_open(&b, "flat:flat=flat,dark=dark-of-two", 4, 3, 2))
		return;
	right = 1;
	for (int i = 0; i < 24; i++) {
		const double dark = i < 12 ? 0.1 : 0.2;
		const double light = (i % 12 == 5 ? 0.2 : 0.5 + 0.1 * (i % 4)) - dark;
		/* Each row holds 0.5 to 0.8, except that one 0.6 is replaced by 0.2. */
		const double mean = (3 * 2.6 - 0.4) / 12 - dark;

		right &= fabs(b.y[i] - light / mean * (double)b.x[i]) < 1e-5;
	}
	ok(right, "a flat field of one channel");
	bench_close(&b);
	if (!bench_open(&b, "flat:flat=flat-of-two,dark=dark", 4, 3, 2))
		return;
	right = 1;
	for (int i = 0; i < 24; i++) {
		const double least = i < 12 ? 0.3 : 0.8; /* less 0.2 in the dark */
		const double f = (least + 0.1 * (i % 4)) / (least + 0.15);

		right &= fabs(b.y[i] - f * (double)b.x[i]) < 1e-5;
	}
	ok(right, "a dark frame of one channel");
	bench_close(&b);
	/* The columns have 0.72, 0.96, 1.2 and 1.44 times the mean. */
	if (!bench_open(&b, "flat:flat=flat,dark=dark,least=0.9", 4, 3, 1))
		return;
	right = 1;
	for (int i = 0; i < 12; i++)
		right &= (b.y[i] == 0) == (i % 4 == 0 || i == 5);
	ok(right, "what has less than least is missing");
	bench_close(&b);
}

/* An operator's offset b passes through the operators after it. */
static void test_offset_of_composition(void)
{
	const struct lacuna_shape x = { { 4, 3, 1, 1 } };
	struct plugin_use uses[2];
	struct problem *p = NULL;
	float b[12] = { 0 };
	int found = 0;

	parse("flat:dark=dark", &uses[0]);
	parse("identity:gain=3", &uses[1]);
	ok(!problem_create(uses, 2, 0, &x, &p) && !problem_offset(p, b, &found) && found &&
		   fabsf(b[3] - 0.6f) < 1e-6f,
	   "A2 (A1 x + b) = A2 A1 x + A2 b");
	problem_destroy(p);
	use_free(&uses[0]);
	use_free(&uses[1]);
}

/* ---- exposures, warp --------------------------------------------------------------------------------- */

/* Whole shifts move pixels without changing them, in any width: also of one column more than a strip of 64. */
static void test_exposures_moved(int w, int h)
{
	const int yw = w - 10, yh = h - 10;
	struct bench b;
	int moved = 1;
	double worst = 0;

	if (!bench_open(&b, "exposures:shifts=\"0 0;2 -3\",gains=\"1 0.5\"", w, h, 2))
		return;
	/* The border: 3 px for the shift and 2 px for the interpolation. */
	ok(b.ys.extent[0] == yw && b.ys.extent[1] == yh && b.ys.extent[3] == 2, "two pages");
	ok(problem_window(b.problem)->origin[0] == 5 && problem_window(b.problem)->origin[1] == 5 &&
		   problem_window(b.problem)->extent[3] == 1,
	   "of what lies within the border");
	for (int c = 0; c < 2; c++)
		for (int j = 0; j < yh; j++)
			for (int i = 0; i < yw; i++) {
				const float *x = b.x + c * w * h;
				const float *y = b.y + (c * yh + j) * yw + i;

				moved &= y[0] == x[(j + 5) * w + i + 5];
				worst = fmax(worst, fabs(y[2 * yh * yw] -
							 0.5 * x[(j + 5 + 3) * w + i + 5 - 2]));
			}
	ok(moved, "the first is the picture");
	ok(worst < 1e-6, "the second is moved to the right and up: %g", worst);
	bench_close(&b);
}

static void test_exposures(void)
{
	struct bench b;

	test_exposures_moved(31, 29);
	test_exposures_moved(75, 12);
	/* A ramp moved by half a pixel is still a ramp, also when blurred. */
	if (!bench_open(&b, "exposures:shifts=\"0.5 0\",sigmas=1.2", 41, 33, 1))
		return;
	for (int i = 0; i < 41 * 33; i++)
		b.x[i] = (float)(i % 41);
	problem_apply(b.problem, b.x, b.y);
	ok(fabsf(b.y[3] - (3 + (float)(41 - b.ys.extent[0]) / 2 - 0.5f)) < 1e-4f, "half a pixel");
	bench_close(&b);
}

/* The border suffices for every page, whichever moves farthest: a ramp that is moved by parts of a pixel remains one up to the
 * edges. */
static void test_exposures_border(const char *shifts, const double shift[2][2])
{
	enum { W = 33, H = 29 };
	struct bench b;
	char spec[64];
	double worst = 0;

	snprintf(spec, sizeof spec, "exposures:shifts=\"%s\"", shifts);
	if (!bench_open(&b, spec, W, H, 1))
		return;
	for (int i = 0; i < W * H; i++)
		b.x[i] = (float)(i % W + 3 * (i / W));
	problem_apply(b.problem, b.x, b.y);
	for (int t = 0; t < 2; t++) {
		const int w = (int)b.ys.extent[0], h = (int)b.ys.extent[1];

		for (int j = 0; j < h; j++)
			for (int i = 0; i < w; i++) {
				const double x = i + (W - w) / 2 - shift[t][0];
				const double y = j + (H - h) / 2 - shift[t][1];

				worst = fmax(worst, fabs(b.y[(t * h + j) * w + i] - (x + 3 * y)));
			}
	}
	ok(worst < 1e-3, "shifts %s: a ramp up to the edges (off by %.1e)", shifts, worst);
	bench_close(&b);
}

static void test_exposures_borders(void)
{
	static const double first[2][2] = { { -3.25, 1.75 }, { 0, 0 } };
	static const double last[2][2] = { { 0.25, 0 }, { 1.25, -2.75 } };

	test_exposures_border("-3.25 1.75;0 0", first);
	test_exposures_border("0.25 0;1.25 -2.75", last);
}

static void test_exposures_refusals(void)
{
	refuses("exposures", 30, "state how the pages differ");
	refuses("exposures:shifts=\"0 0;1 1\",gains=\"1 2 3\"", 30, "gains is for 3 pages");
	refuses("exposures:shifts=\"0 0;1 1\",sigmas=1", 30, "sigmas is for 1 pages");
	refuses("exposures:shifts=\"0 0 1\"", 30, "give two for each page");
	refuses("exposures:shifts=\"9 0;0 0\"", 22, "smaller than its border of 11 px");
}

/* On each page a point has its mass, its position, and the variance of the page's Gaussian: cubic interpolation reproduces
 * squares and adds no variance. */
static void test_exposures_blurred(void)
{
	static const double sigma[3] = { 0.9, 2, 0 },
			    shift[3][2] = { { 0, 0 }, { 1.25, -0.5 }, { 0 } };
	struct bench b;

	if (!bench_open(&b, "exposures:sigmas=\"0.9 2 0\",shifts=\"0 0;1.25 -0.5;0 0\"", 61, 55, 1))
		return;
	memset(b.x, 0, 61 * 55 * sizeof *b.x);
	b.x[27 * 61 + 30] = 1;
	problem_apply(b.problem, b.x, b.y);
	for (int t = 0; t < 3; t++) {
		const int w = (int)b.ys.extent[0], h = (int)b.ys.extent[1];
		double mass = 0, x = 0, y = 0, xx = 0, yy = 0;

		for (int j = 0; j < h; j++)
			for (int i = 0; i < w; i++) {
				const double v = b.y[(t * h + j) * w + i];
				const double dx = i - (w / 2 + shift[t][0]);
				const double dy = j - (h / 2 + shift[t][1]);

				mass += v;
				x += v * dx;
				y += v * dy;
				xx += v * dx * dx;
				yy += v * dy * dy;
			}
		ok(fabs(mass - 1) < 1e-4 && fabs(x) < 1e-3 && fabs(y) < 1e-3,
		   "page %d: a point keeps its mass, %.5f, and its place (%.1e %.1e)", t, mass, x,
		   y);
		/* The Gaussian is cut at four sigma. */
		ok(fabs(xx - sigma[t] * sigma[t]) < 3e-3 * sigma[t] * sigma[t] + 1e-3 &&
			   fabs(yy - xx) < 1e-2 * xx + 1e-3,
		   "page %d: variance %.4f and %.4f, should be %.4f", t, xx, yy,
		   sigma[t] * sigma[t]);
	}
	bench_close(&b);
}

/* Affine maps turn ramps into ramps, and both interpolations reproduce ramps: y(A (p - m) + m + t) = x(p). */
static void test_warp_affine(const char *interpolation)
{
	enum { W = 41, H = 37 };
	const double turn = 25 * pi / 180, k = 1.15, kx = 0.9, shear = 0.2, tx = 1.5, ty = -2.25;
	/* Shear, scale, rotation; y points down, so counterclockwise has a minus sign. */
	const double a[2][2] = {
		{ k * kx * cos(turn), k * (kx * shear * cos(turn) + sin(turn)) },
		{ -k * kx * sin(turn), k * (-kx * shear * sin(turn) + cos(turn)) },
	};
	const double det = a[0][0] * a[1][1] - a[0][1] * a[1][0];
	struct bench b;
	char spec[160];
	double worst = 0;
	int seen = 0;

	snprintf(spec, sizeof spec,
		 "warp:rotate=25,scale=1.15,scale_x=0.9,shear=0.2,shift_x=1.5,shift_y=-2.25,"
		 "interpolation=%s",
		 interpolation);
	if (!bench_open(&b, spec, W, H, 1))
		return;
	for (int i = 0; i < W * H; i++)
		b.x[i] = (float)(i % W + 3 * (i / W));
	problem_apply(b.problem, b.x, b.y);
	for (int j = 0; j < H; j++)
		for (int i = 0; i < W; i++) {
			const double dx = i - W / 2 - tx, dy = j - H / 2 - ty;
			const double px = (a[1][1] * dx - a[0][1] * dy) / det + W / 2;
			const double py = (a[0][0] * dy - a[1][0] * dx) / det + H / 2;

			if (px < 2 || py < 2 || px > W - 3 || py > H - 3)
				continue;
			seen++;
			worst = fmax(worst, fabs(b.y[j * W + i] - (px + 3 * py)));
		}
	ok(seen > 500 && worst < 1e-3, "sheared, scaled, turned, moved: %g of 149 at %d pixels",
	   worst, seen);
	bench_close(&b);
}

/* Half-way between pixels of a square function: cubic convolution is exact, linear interpolation is 1/4 too large. */
static void test_warp_square(const char *spec, float above)
{
	struct bench b;

	if (!bench_open(&b, spec, 21, 9, 1))
		return;
	for (int i = 0; i < 21 * 9; i++)
		b.x[i] = (float)((i % 21) * (i % 21));
	problem_apply(b.problem, b.x, b.y);
	near(b.y[4 * 21 + 8], 7.5 * 7.5 + (double)above, 1e-4, spec);
	/* Beyond the rim the last value is repeated: (-0 + 9 * 0 + 9 * 1 - 4)/16, or 1/2. */
	near(b.y[4 * 21 + 1], above > 0 ? 0.5 : 5. / 16, 1e-5, "at the rim");
	bench_close(&b);
}

static void test_warp(void)
{
	struct bench b;
	double worst = 0;

	if (!bench_open(&b, "warp:rotate=90", 9, 9, 1))
		return;
	for (int j = 0; j < 9; j++)
		for (int i = 0; i < 9; i++) /* the top has become the left */
			worst = fmax(worst, fabs(b.y[j * 9 + i] - b.x[i * 9 + 8 - j]));
	ok(worst < 1e-6, "a quarter turn counterclockwise: %g", worst);
	bench_close(&b);
	if (!bench_open(&b, "warp:shift_x=2,shift_y=1,interpolation=linear", 9, 7, 1))
		return;
	worst = 0;
	for (int j = 0; j < 7; j++)
		for (int i = 0; i < 9; i++)
			worst = fmax(worst, fabs(b.y[j * 9 + i] -
						 (i < 2 || j < 1 ? 0 : b.x[(j - 1) * 9 + i - 2])));
	ok(worst < 1e-6, "moved to the right and down, nothing where nothing was: %g", worst);
	bench_close(&b);
	/* A ramp along x, scaled by 2 about the middle, is half as steep. */
	if (!bench_open(&b, "warp:scale=2", 21, 21, 1))
		return;
	for (int i = 0; i < 441; i++)
		b.x[i] = (float)(i % 21);
	problem_apply(b.problem, b.x, b.y);
	ok(fabsf(b.y[10 * 21 + 4] - 7) < 1e-4f && fabsf(b.y[10 * 21 + 10] - 10) < 1e-4f,
	   "twice the size");
	bench_close(&b);
}

/* ---- varying-blur, rows, fractions ------------------------------------------------------------------- */

/* Weight of a place at x's column i.  The places lie at 1/4 and 3/4 of the width of y, which begins one pixel inside x. */
static double share_of_place(int place, int i, int y_length, int shift)
{
	const double t = ((i - shift + 0.5) / y_length - 0.25) * 2;
	const double second = fmin(fmax(t, 0), 1);

	return place ? second : 1 - second;
}

static void test_varying_blur(void)
{
	enum { W = 23, H = 17, YW = W - 2, YH = H - 1 };
	struct bench b;
	double worst = 0;

	if (!bench_open(&b, "varying-blur:psf=psfs,normalize=no,centre=middle", W, H, 2))
		return;
	ok(b.ys.extent[0] == YW && b.ys.extent[1] == YH, "smaller by the kernels");
	ok(problem_window(b.problem)->origin[0] == 1 && problem_window(b.problem)->origin[1] == 0,
	   "the scene of y begins at the kernels' centre");
	for (int c = 0; c < 2; c++)
		for (int v = 0; v < YH; v++)
			for (int u = 0; u < YW; u++) {
				double sum = 0;

				for (int k = 0; k < 24; k++) {
					const int page = k / 6;
					const int i = u + 2 - k % 3, j = v + 1 - k / 3 % 2;

					sum += varying_psf(page, k % 3, k / 3 % 2) *
					       share_of_place(page % 2, i, YW, 1) *
					       share_of_place(page / 2, j, YH, 0) *
					       (double)b.x[(c * H + j) * W + i];
				}
				worst = fmax(worst, fabs(sum - b.y[(c * YH + v) * YW + u]));
			}
	ok(worst < 1e-5, "the sum written out: %g", worst);
	bench_close(&b);
}

/* Points that are centred blur nothing, wherever they are in their pages. */
static void test_varying_points(void)
{
	enum { W = 21, H = 15 };
	struct bench b;
	double worst = 0;

	if (!bench_open(&b, "varying-blur:psf=points,columns=2,centre=peak,background=keep", W, H,
			1))
		return;
	for (int64_t j = 0; j < b.ys.extent[1]; j++)
		for (int64_t i = 0; i < b.ys.extent[0]; i++) {
			const int64_t *o = problem_window(b.problem)->origin;
			const float x = b.x[o[0] + i + W * (o[1] + j)];

			worst = fmax(worst, fabs((double)b.y[i + b.ys.extent[0] * j] - (double)x));
		}
	ok(worst < 1e-5, "points at their centre: %g", worst);
	bench_close(&b);
}

static void test_varying_blur_refusals(void)
{
	refuses("varying-blur:psf=psfs,columns=3", 30, "columns=3");
	refuses("varying-blur:psf=dark", 30, "columns=N");
	refuses("varying-blur:psf=none", 30, "no such file");
}

/* Row offsets are removed, and nothing else of a picture without stripes. */
static void test_rows(void)
{
	enum { W = 40, H = 64, N = W * H };
	static float y[N], clean[N];
	struct bench b;
	double worst = 0, ramp = 0, left = 0;

	if (!bench_open(&b, "rows:period=16", W, H, 1))
		return;
	memcpy(clean, b.x, sizeof clean);
	for (int i = 0; i < N; i++)
		y[i] = clean[i] + (float)(i / W * 31 % 7) - 3;
	ok(!problem_project(b.problem, clean) && !memcmp(clean, b.y, sizeof clean),
	   "the host takes A y for y");
	for (int i = 0; i < N; i++) /* alternating rows, faster than a period of 16 */
		y[i] = b.x[i] + (i / W % 2 ? 5.0f : -5.0f);
	problem_project(b.problem, y);
	for (int i = 0; i < N; i++)
		worst = fmax(worst, fabs(y[i] - clean[i]));
	/* Near the rim a part of it is slow enough to stay. */
	ok(worst < 1, "rows that are brighter in turn: %g is left of 5", worst);
	for (int i = 0; i < N; i++)
		b.x[i] = cosf((float)(pi * (i / W + 0.5) * 8 / H)); /* a period of 16 */
	problem_apply(b.problem, b.x, b.y);
	for (int i = 0; i < N; i++)
		ramp = fmax(ramp, fabs(b.y[i] - b.x[i]));
	ok(ramp < 1e-5, "what has the period stays: %g", ramp);
	for (int i = 0; i < N; i++)
		b.x[i] = cosf((float)(pi * (i / W + 0.5) * 9 / H)); /* a shorter period */
	problem_apply(b.problem, b.x, b.y);
	for (int i = 0; i < N; i++)
		left = fmax(left, fabs(b.y[i]));
	ok(left < 1e-5, "what is faster goes: %g", left);
	y[5] = NAN;
	ok(problem_project(b.problem, y) == LACUNA_EINVAL && strstr(error_text(), "fill"),
	   "missing values are refused: %s", error_text());
	bench_close(&b);
}

/* Changes from one row to the next have a period of two pixels; with it, all belongs to the picture. */
static void test_all_slow(void)
{
	struct bench b;
	double worst = 0;

	if (!bench_open(&b, "rows:lines=both,period=2", 9, 6, 2))
		return;
	for (int i = 0; i < 108; i++)
		worst = fmax(worst, fabs((double)b.y[i] - (double)b.x[i]));
	ok(worst < 1e-5, "nothing is removed: %g", worst);
	bench_close(&b);
}

/* With a period longer than the picture all columns get the same mean. */
static void test_columns(void)
{
	struct bench b;
	double worst = 0, mean = 0;

	if (!bench_open(&b, "rows:lines=columns,period=1000", 9, 7, 1))
		return;
	for (int i = 0; i < 63; i++)
		mean += (double)b.x[i] / 63;
	for (int i = 0; i < 9; i++) {
		double sum = 0;

		for (int j = 0; j < 7; j++)
			sum += (double)b.x[j * 9 + i] / 7;
		for (int j = 0; j < 7; j++)
			worst = fmax(worst, fabs(b.y[j * 9 + i] - (b.x[j * 9 + i] - sum + mean)));
	}
	ok(worst < 1e-5, "columns lose their means: %g", worst);
	bench_close(&b);
	/* Both at once: what is left has the mean of the picture in each row and column. */
	if (!bench_open(&b, "rows:lines=both,period=1000", 9, 7, 1))
		return;
	worst = mean = 0;
	for (int i = 0; i < 63; i++)
		mean += (double)b.x[i] / 63;
	for (int j = 0; j < 7; j++) {
		double sum = 0;

		for (int i = 0; i < 9; i++)
			sum += (double)b.y[j * 9 + i] / 9;
		worst = fmax(worst, fabs(sum - mean));
	}
	for (int i = 0; i < 9; i++) {
		double sum = 0;

		for (int j = 0; j < 7; j++)
			sum += (double)b.y[j * 9 + i] / 7;
		worst = fmax(worst, fabs(sum - mean));
	}
	ok(worst < 1e-5, "rows and columns lose theirs: %g", worst);
	bench_close(&b);
}

static void test_projection_is_last(void)
{
	const struct lacuna_shape x = { { 8, 8, 1, 1 } };
	struct plugin_use uses[2];
	struct problem *p = NULL;
	float y[64] = { 0 };

	parse("rows", &uses[0]);
	parse("identity", &uses[1]);
	ok(!problem_create(uses, 2, 0, &x, &p) && problem_project(p, y) == LACUNA_EINVAL &&
		   strstr(error_text(), "last"),
	   "it must be the last: %s", error_text());
	problem_destroy(p);
	use_free(&uses[0]);
	use_free(&uses[1]);
}

/* Each coarse pixel is the mean of its area, 3/2 pixels wide and 5/4 high. */
static void test_fractions(void)
{
	struct bench b;
	double worst = 0;

	if (!bench_open(&b, "downsample:factor_x=1.5,factor_y=1.25", 15, 14, 1))
		return;
	ok(b.ys.extent[0] == 10 && b.ys.extent[1] == 11, "10 x 11");
	for (int v = 0; v < 11; v++)
		for (int u = 0; u < 10; u++) {
			double sum = 0;

			for (int j = 0; j < 14; j++)
				for (int i = 0; i < 15; i++)
					sum += fmax(fmin(i + 1, 1.5 * (u + 1)) - fmax(i, 1.5 * u),
						    0) *
					       fmax(fmin(j + 1, 1.25 * (v + 1)) - fmax(j, 1.25 * v),
						    0) *
					       (double)b.x[j * 15 + i];
			worst = fmax(worst, fabs(sum / (1.5 * 1.25) - b.y[v * 10 + u]));
		}
	ok(worst < 1e-6, "means of areas: %g", worst);
	bench_close(&b);
	/* A ramp remains an unmoved ramp with any kernel. */
	if (!bench_open(&b, "downsample:factor=1.6,kernel=lanczos", 48, 40, 1))
		return;
	for (int i = 0; i < 48 * 40; i++)
		b.x[i] = (float)(i % 48);
	problem_apply(b.problem, b.x, b.y);
	worst = 0;
	for (int u = 0; u < b.ys.extent[0]; u++)
		worst = fmax(worst, fabs(b.y[u] - (problem_window(b.problem)->origin[0] +
						   (u + 0.5) * 1.6 - 0.5)));
	ok(worst < 0.05, "a small pixel is where its middle is: %g", worst);
	bench_close(&b);
}

/* A Gaussian keeps its variance, to which the width of a pixel adds a twelfth, along both sides whatever the factors. */
static void test_fraction_gaussian(void)
{
	const struct lacuna_shape small = { { 9, 9, 1, 1 } };
	struct problem *p = NULL;
	struct plugin_use use;
	float *x, y[81];

	parse("downsample:factor_x=2,factor_y=3,kernel=gaussian,sigma=2", &use);
	if (problem_create(&use, 1, 1, &small, &p))
		tap_bail("%s", error_text());
	x = memory_alloc_array(lacuna_count(problem_x(p)), sizeof *x);
	for (int d = 0; d < 2; d++) {
		const int64_t w = problem_x(p)->extent[0], h = problem_x(p)->extent[1];
		double moments[2];

		for (int power = 1; power <= 2; power++) {
			for (int64_t i = 0; i < w * h; i++) {
				const double at =
					d ? (double)(i / w - h / 2) : (double)(i % w - w / 2);

				x[i] = (float)(power == 2 ? at * at : at);
			}
			problem_apply(p, x, y);
			moments[power - 1] = (double)y[40];
		}
		near(moments[1] - moments[0] * moments[0], 4 + 1.0 / 12, 0.05,
		     d ? "and down" : "the variance across");
	}
	memory_release(x);
	problem_destroy(p);
	use_free(&use);
}

static void test_fraction_refusals(void)
{
	refuses("downsample:factor=1.234567", 31, "100/81");
	refuses("downsample:factor=1", 31, "nothing");
	refuses("downsample:factor_x=0.5", 31, "enlarge");
	refuses("downsample:factor=1.5,boundary=periodic", 31, "whole");
	refuses("downsample:factor_x=2,factor_y=3,phase=0", 31, "whole");
	refuses("downsample:factor=1.5", 31, "30x30");
}

/* ---- what the host does with an operator ------------------------------------------------------------- */

/* Sums over many pixels are scaled to the size of one value; the problem remains the same. */
static void test_normalised(void)
{
	static const struct random_key key = { 6, 0, 0 };
	struct bench b;
	float *y, *at, *x;
	double before = 0, norm = 0;

	if (!bench_open(&b, "radon:angles=12", 32, 32, 1))
		return;
	y = memory_alloc_array(lacuna_count(&b.ys), sizeof *y);
	x = memory_alloc_array(1024, sizeof *x);
	at = memory_alloc_array(1024, sizeof *at);
	memcpy(y, b.y, lacuna_count(&b.ys) * sizeof *y);
	random_gaussian(key, 0, 0, x, 1024);
	ok(!problem_measure(b.problem, y, 0.5, NULL) && !problem_residual(b.problem, x, &before),
	   "as it is");
	problem_forget(b.problem);
	memcpy(y, b.y, lacuna_count(&b.ys) * sizeof *y);
	ok(!problem_normalise(b.problem) && !problem_measure(b.problem, y, 0.5, NULL),
	   "normalised");
	ok(!problem_residual(b.problem, x, &norm) && fabs(norm - before) < 1e-4 * before,
	   "residuals are in the units of y: %g, %g", before, norm);
	ok(problem_noise(b.problem) < 0.2, "the noise is that of a pixel: %g",
	   problem_noise(b.problem));
	/* The solution of (A'A + noise^2) x = A'y does not depend on the scale of A. */
	if (!problem_adjoint(b.problem, NULL, y, at) &&
	    !problem_solve(b.problem, pow(problem_noise(b.problem), 2), at, x)) {
		float *expected = memory_alloc_array(1024, sizeof *expected);
		double worst = 0;

		problem_forget(b.problem);
		problem_adjoint(b.problem, NULL, b.y, at);
		problem_solve(b.problem, 0.25, at, expected);
		for (int i = 0; i < 1024; i++)
			worst = fmax(worst, fabs(expected[i] - x[i]));
		ok(worst < 1e-3, "the same solution: %g", worst);
		memory_release(expected);
	}
	memory_release(y);
	memory_release(x);
	memory_release(at);
	bench_close(&b);
}

static void test_flags(void)
{
	struct plugin_use uses[2];

	parse("blur", &uses[0]);
	parse("fourier", &uses[1]);
	ok(problem_compose_flags(uses, 1) & LACUNA_PICTURE, "a blurred picture is one");
	ok(problem_compose_flags(uses, 2) == (LACUNA_LINEAR | LACUNA_COMPLEX | LACUNA_PARTIAL),
	   "a part of the spectrum of a blurred picture is no picture, and is complex");
	use_free(&uses[0]);
	use_free(&uses[1]);
}

/* For languages without variable arguments: a percent sign in the text is literal. */
static void test_texts(void)
{
	struct host_context context = { .key = { 1, 0, 0 } };
	struct lacuna_host host;

	host_init(&host, &context);
	error_clear();
	ok(host.fail_text(&host, LACUNA_EIO, "100 %s") == LACUNA_EIO &&
		   !strcmp(error_text(), "100 %s"),
	   "fail_text() takes the text as it is");
	ok(host.fail_text(&host, LACUNA_OK, "nothing") < 0,
	   "and is a failure, whatever the status");
	ok(host.random(&host, 7, 3) == host.random(&host, 7, 3) &&
		   host.random(&host, 7, 3) != host.random(&host, 7, 4) &&
		   host.random(&host, 7, 3) != host.random(&host, 8, 3),
	   "random() depends on key and position");
	ok(LACUNA_HAS(&host, prior) && !host.prior && !host.problem && !host.guidance,
	   "an operator has nothing to ask but the host");
	ok(!host.extension(&host, "lacuna.operations/1"), "nor extensions");
	host.size = offsetof(struct lacuna_host, prior);
	ok(!LACUNA_HAS(&host, prior) && LACUNA_HAS(&host, problem), "an older host");
}

int main(void)
{
	host_install_reader(read_image);
	test_fourier(8, 6, 0);
	test_fourier(7, 5, 1);
	test_fourier(6, 1, 1);
	test_share();
	test_patterns();
	test_hadamard();
	test_hadamard_random();
	test_radon("radon:angles=23", 0, 180, 0);
	test_radon("radon:angles=23,start=-35,span=250,axis=4.5", -35, 250, 4.5);
	test_radon_symmetry(20, 20, 31);
	test_radon_symmetry(20, 20, 32);
	test_radon_symmetry(25, 14, 29);
	test_radon_symmetry(25, 14, 30);
	test_radon_pixels();
	test_radon_short();
	test_wish();
	test_bayer("rggb");
	test_bayer("bggr");
	test_bayer("grbg");
	test_bayer("gbrg");
	test_flat();
	test_offset_of_composition();
	test_exposures();
	test_exposures_blurred();
	test_exposures_borders();
	test_exposures_refusals();
	test_warp();
	test_varying_blur();
	test_varying_points();
	test_varying_blur_refusals();
	test_rows();
	test_all_slow();
	test_columns();
	test_projection_is_last();
	test_fractions();
	test_fraction_gaussian();
	test_fraction_refusals();
	test_warp_affine("cubic");
	test_warp_affine("linear");
	test_warp_square("warp:shift_x=0.5", 0);
	test_warp_square("warp:shift_x=0.5,interpolation=linear", 0.25f);
	test_normalised();
	test_flags();
	test_texts();
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
