/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operators whose measurement is no picture, or several, or of another grid: against the sums of their manuals, written out.
 * (That adjoint and spectral form belong to apply() is for conformance.c.) */
#include <config.h>

#include "tests/tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "engine/problem.h"
#include "plugin/host.h"

#include <stdlib.h>

static const double pi = 3.14159265358979323846;

/* "flat" and "dark": frames of 4 x 3, the first brighter to the right, a dead pixel; two pages of dark. */
static int read_image(const char *path, struct lacuna_shape *shape, float **values)
{
	const int dark = !strcmp(path, "dark"), n = 12 * (dark ? 2 : 1);

	if (!dark && strcmp(path, "flat") != 0)
		return error_set(LACUNA_EIO, "%s: no such file", path);
	*shape = (struct lacuna_shape){ { 4, 3, 1, dark ? 2 : 1 } };
	*values = memory_alloc_array((size_t)n, sizeof **values);
	for (int i = 0; *values && i < n; i++)
		(*values)[i] = dark ? 0.1f + 0.2f * (float)(i / 12) : 0.5f + 0.1f * (float)(i % 4);
	if (*values && !dark)
		(*values)[5] = 0.2f; /* no brighter than the dark */
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

/* y of a random x. */
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

/* ---- hadamard ---------------------------------------------------------------------------------------- */

static int changes(const float *v, int n, int step)
{
	int count = 0;

	for (int i = 1; i < n; i++)
		count += (v[i * step] > 0) != (v[(i - 1) * step] > 0);
	return count;
}

/* Each row of A is +-1/sqrt(N) with i changes of sign to the right and j down. */
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

/* ---- radon ------------------------------------------------------------------------------------------- */

/* A disk of radius r: the integral over a strip is that of the chord, 2 sqrt(r^2 - s^2). */
static double chord_mean(double r, double s)
{
	double sum = 0;

	for (int k = 0; k < 100; k++) {
		const double t = s - 0.5 + (k + 0.5) / 100;

		sum += t * t < r * r ? 2 * sqrt(r * r - t * t) : 0;
	}
	return sum / 100;
}

static void test_radon(void)
{
	enum { N = 101, ANGLES = 23 };
	const double r = 30, cx = 8, cy = -11;
	struct bench b;
	double worst = 0, mass = 0, worst_mass = 0;

	if (!bench_open(&b, "radon:angles=23", N, N, 1))
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
		const double theta = pi * a / ANGLES, s0 = cx * cos(theta) - cy * sin(theta) + 71;
		double sum = 0;

		for (int k = 0; k < 143; k++) {
			if (fabs(k - s0) < 0.8 * r) /* the rim of the disk is drawn on pixels */
				worst = fmax(worst, fabs(b.y[a * 143 + k] - chord_mean(r, k - s0)));
			sum += b.y[a * 143 + k];
		}
		worst_mass = fmax(worst_mass, fabs(sum - mass));
	}
	ok(worst < 0.5, "chords of a disk: %g of 60", worst);
	ok(worst_mass < 1e-3 * mass, "no mass is lost: %g of %g", worst_mass, mass);
	bench_close(&b);
}

/* At no angle a pixel falls on a bin; at a right one it turns. */
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

static void test_wish(void)
{
	const struct lacuna_shape y = { { 50, 20, 1, 1 } }, wish = { { 40, 30, 1, 1 } };
	struct problem *p = NULL;
	struct plugin_use use;

	if (use_parse(LACUNA_OPERATOR, "radon:angles=20", &use))
		return;
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

static void test_bayer(void)
{
	static const int colours[4] = { 1, 2, 0, 1 }; /* gbrg */
	struct bench b;
	int right = 1;

	if (!bench_open(&b, "bayer:pattern=gbrg,red=2,blue=4", 6, 5, 3))
		return;
	for (int i = 0; i < 30; i++) {
		const int c = colours[i / 6 % 2 * 2 + i % 6 % 2];
		const float gain = c == 0 ? 2 : c == 2 ? 4 : 1;

		right &= fabsf(b.y[i] - b.x[30 * c + i] / gain) < 1e-6f;
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
	for (int i = 0; i < 12; i++) /* 0.5, 0.6, ... less the mean of 0.1 and 0.3 */
		sum += i == 5 ? 0 : 0.3 + 0.1 * (i % 4);
	for (int i = 0; i < 12; i++) {
		const double f = i == 5 ? 0 : (0.3 + 0.1 * (i % 4)) * 12 / sum;

		right &= fabs(b.y[i] - f * (double)b.x[i]) < 1e-5;
	}
	ok(right, "y = f x, the mean of f is 1");
	ok(!problem_offset(b.problem, offset, &found) && found && fabsf(offset[7] - 0.2f) < 1e-6f,
	   "the dark frames' mean is the offset");
	bench_close(&b);
}

/* b of an operator goes through those after it. */
static void test_offset_of_composition(void)
{
	const struct lacuna_shape x = { { 4, 3, 1, 1 } };
	struct plugin_use uses[2];
	struct problem *p = NULL;
	float b[12] = { 0 };
	int found = 0;

	if (use_parse(LACUNA_OPERATOR, "flat:dark=dark", &uses[0]) ||
	    use_parse(LACUNA_OPERATOR, "identity:gain=3", &uses[1]))
		return;
	ok(!problem_create(uses, 2, 0, &x, &p) && !problem_offset(p, b, &found) && found &&
		   fabsf(b[3] - 0.6f) < 1e-6f,
	   "A2 (A1 x + b) = A2 A1 x + A2 b");
	problem_destroy(p);
	use_free(&uses[0]);
	use_free(&uses[1]);
}

/* ---- exposures, warp --------------------------------------------------------------------------------- */

static void test_exposures(void)
{
	struct bench b;
	int moved = 1;
	double worst = 0;

	if (!bench_open(&b, "exposures:shifts=\"0 0;2 -3\",gains=\"1 0.5\"", 31, 29, 2))
		return;
	/* the border is 3 px for the shift and 2 for the interpolation */
	ok(b.ys.extent[0] == 21 && b.ys.extent[1] == 19 && b.ys.extent[3] == 2, "two pages");
	for (int c = 0; c < 2; c++)
		for (int j = 0; j < 19; j++)
			for (int i = 0; i < 21; i++) {
				const float *x = b.x + c * 31 * 29;
				const float *y = b.y + (c * 19 + j) * 21 + i;

				moved &= y[0] == x[(j + 5) * 31 + i + 5];
				worst = fmax(worst, fabs(y[2 * 19 * 21] -
							 0.5 * x[(j + 5 + 3) * 31 + i + 5 - 2]));
			}
	ok(moved, "the first is the picture");
	ok(worst < 1e-6, "the second is moved to the right and up: %g", worst);
	bench_close(&b);
	/* moved by half a pixel, a ramp is a ramp; so is a blurred one */
	if (!bench_open(&b, "exposures:shifts=\"0.5 0\",sigmas=1.2", 41, 33, 1))
		return;
	for (int i = 0; i < 41 * 33; i++)
		b.x[i] = (float)(i % 41);
	problem_apply(b.problem, b.x, b.y);
	ok(fabsf(b.y[3] - (3 + (float)(41 - b.ys.extent[0]) / 2 - 0.5f)) < 1e-4f, "half a pixel");
	bench_close(&b);
}

static void test_warp(void)
{
	struct bench b;
	double worst = 0;

	if (!bench_open(&b, "warp:rotate=90", 9, 9, 1))
		return;
	for (int j = 0; j < 9; j++)
		for (int i = 0; i < 9; i++) /* what was at the top is at the left */
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
	/* of a ramp along x: scaled by 2 about the middle, half as steep */
	if (!bench_open(&b, "warp:scale=2", 21, 21, 1))
		return;
	for (int i = 0; i < 441; i++)
		b.x[i] = (float)(i % 21);
	problem_apply(b.problem, b.x, b.y);
	ok(fabsf(b.y[10 * 21 + 4] - 7) < 1e-4f && fabsf(b.y[10 * 21 + 10] - 10) < 1e-4f,
	   "twice the size");
	bench_close(&b);
}

/* ---- what the host makes of it ----------------------------------------------------------------------- */

/* Sums over many pixels are brought to the length of one; the problem is the same. */
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
	/* the solution of (A'A + noise^2) x = A'y does not depend on the scale of A */
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

	if (use_parse(LACUNA_OPERATOR, "blur", &uses[0]) ||
	    use_parse(LACUNA_OPERATOR, "fourier", &uses[1]))
		return;
	ok(problem_compose_flags(uses, 1) & LACUNA_PICTURE, "a blurred picture is one");
	ok(problem_compose_flags(uses, 2) == (LACUNA_LINEAR | LACUNA_COMPLEX | LACUNA_PARTIAL),
	   "a part of the spectrum of a blurred picture is no picture, and is complex");
	use_free(&uses[0]);
	use_free(&uses[1]);
}

/* For languages without variable arguments: a percent sign is one. */
static void test_texts(void)
{
	static const struct random_key key = { 1, 0, 0 };
	struct lacuna_host host;

	host_init(&host, &key);
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
	test_hadamard();
	test_radon();
	test_radon_pixels();
	test_wish();
	test_bayer();
	test_flat();
	test_offset_of_composition();
	test_exposures();
	test_warp();
	test_normalised();
	test_flags();
	test_texts();
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
