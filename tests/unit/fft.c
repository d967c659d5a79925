/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The extension lacuna.fft/1: what lacuna/fft.h says of layout, scale, grids, filters, errors and threads. */
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "plugin/host.h"
#include "tests/tap.h"

#include <lacuna/fft.h>

enum { MOST = 80 * 80 };

static struct lacuna_host host;
static const struct lacuna_fft *fft;
static float x[MOST], y[MOST], z[MOST], weights[MOST];

static const struct lacuna_fft_plan *plan_of(int64_t width, int64_t height)
{
	const struct lacuna_fft_plan *plan = NULL;

	if (fft->open(&host, width, height, &plan))
		tap_bail("no plan of %lldx%lld", (long long)width, (long long)height);
	return plan;
}

/* The whole plane that a grid stands for. */
static void spread(const struct lacuna_fft_plan *p, const float *in,
		   const struct lacuna_fft_grid *g, float *plane)
{
	memset(plane, 0, (size_t)p->width * (size_t)p->height * sizeof *plane);
	for (int j = 0; j < g->height; j++)
		for (int i = 0; i < g->width; i++)
			plane[i * g->step + p->width * j * g->step] = in[i + g->width * j];
}

static double largest_difference(const float *a, const float *b, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)a[i] - (double)b[i]));
	return most;
}

/* Largest error of a spectrum, compared with the definition. */
static double spectrum_error(const struct lacuna_fft_plan *p, const float *plane,
			     const lacuna_complex *spectrum)
{
	const double turn = 2 * acos(-1);
	double most = 0;

	for (int ky = 0; ky < p->height; ky++)
		for (int kx = 0; kx < p->columns; kx++) {
			const float *got = spectrum[kx + p->stride * ky];
			double re = 0, im = 0;

			for (int j = 0; j < p->height; j++)
				for (int i = 0; i < p->width; i++) {
					const double t = turn * ((double)kx * i / p->width +
								 (double)ky * j / p->height);

					re += plane[i + p->width * j] * cos(t);
					im -= plane[i + p->width * j] * sin(t);
				}
			most = fmax(most, hypot(got[0] - re, got[1] - im));
		}
	return most;
}

/* Odd, even, prime, a row, a column, more and less than a block. */
static void test_sizes(void)
{
	static const int sizes[][2] = { { 1, 1 },   { 9, 1 },	{ 1, 35 },  { 40, 3 },
					{ 13, 20 }, { 33, 32 }, { 16, 37 }, { 48, 34 } };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		const struct lacuna_fft_plan *p = plan_of(sizes[i][0], sizes[i][1]);
		const size_t n = (size_t)p->width * (size_t)p->height;
		lacuna_complex *spectrum = memory_alloc(p->bytes);

		ok(p->width == sizes[i][0] && p->height == sizes[i][1] &&
			   p->columns == p->width / 2 + 1 && p->stride >= p->columns &&
			   p->bytes >= sizeof *spectrum * (size_t)(p->stride * p->height) &&
			   p->bytes % 64 == 0,
		   "the plan for %dx%d says so", sizes[i][0], sizes[i][1]);
		random_gaussian((struct random_key){ 1, 0, 0 }, i, 0, x, n);
		fft->forward(&host, p, x, NULL, spectrum);
		near(spectrum_error(p, x, spectrum), 0, 1e-6 * (double)n + 1e-5, "its transform");
		fft->inverse(&host, p, spectrum, y, NULL);
		near(largest_difference(x, y, n), 0, 1e-5, "and back");
		memory_release(spectrum);
		fft->close(&host, p);
	}
}

/* A filter that moves the plane by one column and one row, and marks what it has seen. */
struct shift {
	const struct lacuna_fft_plan *p;
	unsigned char *seen;
};

static void move_by_one(const void *context, int32_t ky, int32_t kx, int32_t count,
			lacuna_complex *v)
{
	const struct shift *s = context;

	for (int k = 0; k < count; k++) {
		const double t = -2 * acos(-1) *
				 ((double)(kx + k) / s->p->width + (double)ky / s->p->height);
		const double re = v[k][0], im = v[k][1];

		v[k][0] = (float)(re * cos(t) - im * sin(t));
		v[k][1] = (float)(re * sin(t) + im * cos(t));
		s->seen[kx + k + s->p->stride * ky]++;
	}
}

static void double_it(const void *context, int32_t ky, int32_t kx, int32_t count, lacuna_complex *v)
{
	(void)context, (void)ky, (void)kx;
	for (int k = 0; k < count; k++) {
		v[k][0] *= 2;
		v[k][1] *= 2;
	}
}

/* Pixel (i, j) of the plane x after a cyclic move by one. */
static float moved(const struct lacuna_fft_plan *p, const float *plane, int i, int j)
{
	return plane[(i + p->width - 1) % p->width + p->width * ((j + p->height - 1) % p->height)];
}

static void test_filter(void)
{
	static const struct lacuna_fft_grid in = { 10, 9, 3 }, out = { 21, 20, 1 };
	const struct lacuna_fft_plan *p = plan_of(35, 33);
	lacuna_complex *spectrum = memory_alloc(p->bytes);
	unsigned char seen[33 * 80] = { 0 };
	const struct shift shift = { p, seen };
	double most = 0;
	int once = 1;

	random_gaussian((struct random_key){ 1, 0, 0 }, 20, 0, x, 35 * 33);
	spread(p, x, &in, y);
	memset(spectrum, 0x41, p->bytes); /* as scratch may be: full of old numbers */
	fft->filter(&host, p, x, &in, move_by_one, &shift, z, &out, spectrum);
	for (int j = 0; j < out.height; j++)
		for (int i = 0; i < out.width; i++)
			most = fmax(most, fabs((double)z[i + out.width * j] - moved(p, y, i, j)));
	near(most, 0, 1e-5, "a filter from every third pixel to the upper left corner");
	for (int ky = 0; ky < p->height; ky++)
		for (int kx = 0; kx < p->columns; kx++)
			once &= seen[kx + p->stride * ky] == 1;
	ok(once, "the filter gets each value of the half spectrum once");
	memcpy(z, x, sizeof z);
	fft->filter(&host, p, z, NULL, move_by_one, &shift, z, NULL, spectrum);
	most = 0;
	for (int i = 0; i < 35 * 33; i++)
		most = fmax(most, fabs((double)z[i] - moved(p, x, i % 35, i / 35)));
	near(most, 0, 1e-5, "in place");
	memory_release(spectrum);
	fft->close(&host, p);
}

/* One weighing of the plane x: the plane that the result is the spectrum of, in y. */
static void weigh(const struct lacuna_fft_plan *p, lacuna_fft_filter *before,
		  lacuna_fft_filter *after, const struct shift *shift, const float *w,
		  const struct lacuna_fft_grid *grid, lacuna_complex *spectrum)
{
	fft->forward(&host, p, x, NULL, spectrum);
	fft->weigh(&host, p, spectrum, before, after, shift, w, grid);
	fft->inverse(&host, p, spectrum, y, NULL);
}

static void test_weigh(void)
{
	static const struct lacuna_fft_grid grid = { 11, 7, 2 };
	const struct lacuna_fft_plan *p = plan_of(40, 36);
	const size_t n = 40 * 36;
	lacuna_complex *spectrum = memory_alloc(p->bytes);
	unsigned char seen[36 * 80] = { 0 };
	const struct shift shift = { p, seen };
	float ones[11 * 7];
	double most = 0;

	random_gaussian((struct random_key){ 1, 0, 0 }, 30, 0, x, n);
	for (int i = 0; i < 11 * 7; i++) {
		weights[i] = (float)(i % 5);
		ones[i] = 1;
	}
	weigh(p, move_by_one, double_it, &shift, weights, &grid, spectrum);
	spread(p, weights, &grid, z);
	for (int i = 0; i < (int)n; i++)
		most = fmax(most, fabs((double)y[i] -
				       2 * (double)z[i] * (double)moved(p, x, i % 40, i / 40)));
	near(most, 0, 2e-5, "a filter, weights on every second pixel, a filter");
	weigh(p, NULL, NULL, NULL, NULL, &grid, spectrum);
	spread(p, ones, &grid, z);
	for (size_t i = 0; i < n; i++)
		z[i] *= x[i];
	near(largest_difference(y, z, n), 0, 1e-5, "no weights and no filters: the grid alone");
	weigh(p, NULL, NULL, NULL, NULL, NULL, spectrum);
	near(largest_difference(y, x, n), 0, 1e-5, "nor a grid: nothing changes");
	memory_release(spectrum);
	fft->close(&host, p);
}

/* inverse() of any numbers is the real part of the whole sum, so that adjoints can be built from it. */
static void test_not_real(void)
{
	const struct lacuna_fft_plan *p = plan_of(12, 10);
	lacuna_complex *spectrum = memory_alloc(p->bytes), half[10][7];
	const double turn = 2 * acos(-1);
	double most = 0;

	random_gaussian((struct random_key){ 1, 0, 0 }, 40, 0, (float *)half, 2 * 10 * 7);
	for (int ky = 0; ky < 10; ky++)
		memcpy(spectrum + p->stride * ky, half[ky], sizeof half[ky]);
	fft->inverse(&host, p, spectrum, y, NULL);
	for (int j = 0; j < 10; j++)
		for (int i = 0; i < 12; i++) {
			double sum = 0;

			for (int ky = 0; ky < 10; ky++)
				for (int kx = 0; kx < 7; kx++) {
					const double t = turn * (kx * i / 12.0 + ky * j / 10.0);
					const double re =
						half[ky][kx][0] * cos(t) - half[ky][kx][1] * sin(t);

					/* its conjugate in the other half adds as much */
					sum += kx == 0 || kx == 6 ? re : 2 * re;
				}
			most = fmax(most, fabs(sum / 120 - (double)y[i + 12 * j]));
		}
	near(most, 0, 1e-6, "the inverse of what is no spectrum of a real plane");
	memory_release(spectrum);
	fft->close(&host, p);
}

static void test_threads(void)
{
	const struct lacuna_fft_plan *p = plan_of(75, 77);
	lacuna_complex *one = memory_alloc(p->bytes), *three = memory_alloc(p->bytes);
	int same;

	random_gaussian((struct random_key){ 1, 0, 0 }, 50, 0, x, 75 * 77);
	threads_set(1);
	fft->forward(&host, p, x, NULL, one);
	threads_set(3);
	fft->forward(&host, p, x, NULL, three);
	same = !memcmp(one, three, p->bytes);
	fft->inverse(&host, p, three, z, NULL);
	threads_set(1);
	fft->inverse(&host, p, one, y, NULL);
	ok(same && !memcmp(y, z, 75 * 77 * sizeof *y), "three threads give the bits of one");
	memory_release(three);
	memory_release(one);
	fft->close(&host, p);
}

static void test_refusals(void)
{
	const struct lacuna_fft_plan *plan = NULL;
	const size_t blocks = memory_live_blocks();

	ok(fft->open(&host, INT64_C(1) << 40, 4, &plan) == LACUNA_EINVAL &&
		   strstr(error_text(), "1099511627776x4 pixels"),
	   "a plane that is too large: %s", error_text());
	ok(fft->open(&host, 0, 4, &plan) == LACUNA_EINVAL, "an empty plane");
	memory_set_budget(1 << 20);
	ok(fft->open(&host, 4096, 4096, &plan) == LACUNA_ENOMEM, "more than the user's memory");
	memory_set_budget(0);
	ok(!plan && memory_live_blocks() == blocks, "and nothing is left behind");
	fft->close(&host, NULL);
}

/* A plan that a plugin forgets is found as a leak. */
static void test_leak(void)
{
	const size_t blocks = memory_live_blocks();
	const struct lacuna_fft_plan *plan = plan_of(30, 30);

	ok(memory_live_blocks() > blocks, "an open plan is memory of the plugin");
	fft->close(&host, plan);
	ok(memory_live_blocks() == blocks, "until it is closed");
}

int main(void)
{
	struct host_context context = { .key = { 1, 0, 0 } };

	host_init(&host, &context);
	ok(!host.extension(&host, "lacuna.fft/2"), "no other extension of that name");
	fft = host.extension(&host, LACUNA_FFT);
	if (!fft)
		tap_bail("no " LACUNA_FFT);
	ok(fft->good_size(&host, 0) == 1 && fft->good_size(&host, 128) == 128 &&
		   fft->good_size(&host, 121) == 125 && fft->good_size(&host, 211) == 216,
	   "good sizes");
	test_sizes();
	test_filter();
	test_weigh();
	test_not_real();
	test_threads();
	test_refusals();
	test_leak();
	threads_stop();
	return tap_done();
}
