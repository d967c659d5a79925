/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Two-dimensional real transforms from one-dimensional ones of FFTW: see fft.h.
 *
 * Rows are transformed in place: a row of w reals shares the memory of its w/2 + 1 complex values. FFTW's plans need
 * memory aligned as when they were made. Every block therefore begins at a multiple of 64 bytes: rows are padded to that,
 * and blocks of columns begin at multiples of 8 columns. */
#include "common/fft.h"
#include <limits.h>
#include <string.h>

enum { ROWS = 16, COLUMNS = 16, FORWARD = 1, INVERSE = 2 };

int64_t fft_good_size(int64_t least)
{
	static const int64_t primes[] = { 2, 3, 5, 7 };

	for (int64_t n = least > 1 ? least : 1;; n++) {
		int64_t rest = n;

		for (size_t i = 0; i < sizeof primes / sizeof *primes; i++)
			while (rest % primes[i] == 0)
				rest /= primes[i];
		if (rest == 1)
			return n;
	}
}

size_t fft_bytes(const struct fft *f)
{
	return (size_t)f->stride * (size_t)f->height * sizeof(fftwf_complex);
}

/* ---- plans ----------------------------------------------------------------------------------------- */

/* Makes the four plans for blocks of `rows' rows and `columns' columns; 0 means no such block. False on failure. */
static int plan_blocks(struct fft *f, int which, int rows, int columns, fftwf_complex *memory)
{
	int w = f->width, h = f->height;

	if (rows) {
		f->rows_forward[which] = fftwf_plan_many_dft_r2c(1, &w, rows, (float *)memory, NULL,
								 1, 2 * f->stride, memory, NULL, 1,
								 f->stride, FFTW_ESTIMATE);
		f->rows_inverse[which] = fftwf_plan_many_dft_c2r(1, &w, rows, memory, NULL, 1,
								 f->stride, (float *)memory, NULL,
								 1, 2 * f->stride, FFTW_ESTIMATE);
		if (!f->rows_forward[which] || !f->rows_inverse[which])
			return 0;
	}
	if (columns) {
		f->columns_forward[which] =
			fftwf_plan_many_dft(1, &h, columns, memory, NULL, f->stride, 1, memory,
					    NULL, f->stride, 1, FFTW_FORWARD, FFTW_ESTIMATE);
		f->columns_inverse[which] =
			fftwf_plan_many_dft(1, &h, columns, memory, NULL, f->stride, 1, memory,
					    NULL, f->stride, 1, FFTW_BACKWARD, FFTW_ESTIMATE);
		if (!f->columns_forward[which] || !f->columns_inverse[which])
			return 0;
	}
	return 1;
}

int fft_create(const struct lacuna_host *host, int64_t width, int64_t height, struct fft *f)
{
	fftwf_complex *memory;
	int made;

	memset(f, 0, sizeof *f);
	f->host = host;
	if (width > INT_MAX / 4 || height > INT_MAX / 4)
		return host->fail(host, LACUNA_EINVAL,
				  "a Fourier transform of %lldx%lld pixels is too large; "
				  "cut the image into parts",
				  (long long)width, (long long)height);
	f->width = (int)width;
	f->height = (int)height;
	f->columns = f->width / 2 + 1;
	f->stride = (f->columns + 7) / 8 * 8;
	memory = host->alloc(host, fft_bytes(f));
	if (!memory)
		return LACUNA_ENOMEM;
	made = plan_blocks(f, 0, f->height >= ROWS ? ROWS : 0, f->columns >= COLUMNS ? COLUMNS : 0,
			   memory) &&
	       plan_blocks(f, 1, f->height % ROWS, f->columns % COLUMNS, memory);
	host->release(host, memory);
	if (!made) {
		fft_destroy(f);
		return host->fail(host, LACUNA_ENOMEM, "FFTW cannot plan a transform of %dx%d",
				  f->width, f->height);
	}
	return LACUNA_OK;
}

void fft_destroy(struct fft *f)
{
	for (int i = 0; i < 2; i++) {
		fftwf_destroy_plan(f->rows_forward[i]);
		fftwf_destroy_plan(f->rows_inverse[i]);
		fftwf_destroy_plan(f->columns_forward[i]);
		fftwf_destroy_plan(f->columns_inverse[i]);
		f->rows_forward[i] = f->rows_inverse[i] = NULL;
		f->columns_forward[i] = f->columns_inverse[i] = NULL;
	}
}

/* ---- passes ---------------------------------------------------------------------------------------- */

struct pass {
	const struct fft *f;
	const float *in;
	float *out;
	struct fft_grid grid; /* of in or out */
	fftwf_complex *spectrum;
	const float *weights; /* of the grid, or NULL */
	int directions;	      /* FORWARD, INVERSE or both */
	fft_filter *filter;
	const void *context;
};

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static size_t blocks(int n, int size)
{
	return ((size_t)n + (size_t)size - 1) / (size_t)size;
}

/* Loads row y of the transform from the plane, or zeros it. */
static void load_row(const struct pass *p, int y, float *row)
{
	const struct fft_grid *g = &p->grid;
	const float *in;

	memset(row, 0, (size_t)p->f->width * sizeof *row);
	if (y % g->step || y / g->step >= g->height)
		return;
	in = p->in + (size_t)(y / g->step) * (size_t)g->width;
	if (g->step == 1)
		memcpy(row, in, (size_t)g->width * sizeof *row);
	else
		for (int i = 0; i < g->width; i++)
			row[i * g->step] = in[i];
}

static void store_row(const struct pass *p, int y, const float *row)
{
	const struct fft_grid *g = &p->grid;
	const float scale = (float)(1.0 / ((double)p->f->width * p->f->height));
	float *out;

	if (y % g->step || y / g->step >= g->height)
		return;
	out = p->out + (size_t)(y / g->step) * (size_t)g->width;
	for (int i = 0; i < g->width; i++)
		out[i] = scale * row[i * g->step];
}

static int forward_rows(void *arg, size_t block, void *scratch)
{
	const struct pass *p = arg;
	const struct fft *f = p->f;
	int first = (int)block * ROWS, count = smaller(ROWS, f->height - first);
	fftwf_complex *start = p->spectrum + (size_t)first * (size_t)f->stride;

	(void)scratch;
	if (first > (p->grid.height - 1) * p->grid.step) { /* below the plane */
		memset(start, 0, (size_t)count * (size_t)f->stride * sizeof *start);
		return LACUNA_OK;
	}
	for (int i = 0; i < count; i++)
		load_row(p, first + i, (float *)(start + (size_t)i * (size_t)f->stride));
	fftwf_execute_dft_r2c(f->rows_forward[count < ROWS], (float *)start, start);
	return LACUNA_OK;
}

static int inverse_rows(void *arg, size_t block, void *scratch)
{
	const struct pass *p = arg;
	const struct fft *f = p->f;
	int first = (int)block * ROWS, count = smaller(ROWS, f->height - first);
	fftwf_complex *start = p->spectrum + (size_t)first * (size_t)f->stride;

	(void)scratch;
	fftwf_execute_dft_c2r(f->rows_inverse[count < ROWS], start, (float *)start);
	for (int i = 0; i < count; i++)
		store_row(p, first + i, (const float *)(start + (size_t)i * (size_t)f->stride));
	return LACUNA_OK;
}

/* Multiplies row y of a plane by the weights of the grid. */
static void restrict_row(const struct pass *p, int y, float *row)
{
	const struct fft_grid *g = &p->grid;
	const float scale = (float)(1.0 / ((double)p->f->width * p->f->height));
	const float *weights = NULL;
	int next = 0;

	if (y % g->step || y / g->step >= g->height) {
		memset(row, 0, (size_t)p->f->width * sizeof *row);
		return;
	}
	if (p->weights)
		weights = p->weights + (size_t)(y / g->step) * (size_t)g->width;
	for (int i = 0; i < g->width; i++, next++) {
		for (; next < i * g->step; next++)
			row[next] = 0;
		row[next] *= weights ? scale * weights[i] : scale;
	}
	memset(row + next, 0, (size_t)(p->f->width - next) * sizeof *row);
}

static int restrict_rows(void *arg, size_t block, void *scratch)
{
	const struct pass *p = arg;
	const struct fft *f = p->f;
	int first = (int)block * ROWS, count = smaller(ROWS, f->height - first);
	fftwf_complex *start = p->spectrum + (size_t)first * (size_t)f->stride;

	(void)scratch;
	if (first > (p->grid.height - 1) * p->grid.step) { /* below the plane */
		memset(start, 0, (size_t)count * (size_t)f->stride * sizeof *start);
		return LACUNA_OK;
	}
	fftwf_execute_dft_c2r(f->rows_inverse[count < ROWS], start, (float *)start);
	for (int i = 0; i < count; i++)
		restrict_row(p, first + i, (float *)(start + (size_t)i * (size_t)f->stride));
	fftwf_execute_dft_r2c(f->rows_forward[count < ROWS], (float *)start, start);
	return LACUNA_OK;
}

static int transform_columns(void *arg, size_t block, void *scratch)
{
	const struct pass *p = arg;
	const struct fft *f = p->f;
	int first = (int)block * COLUMNS, count = smaller(COLUMNS, f->columns - first);
	fftwf_complex *start = p->spectrum + first;

	(void)scratch;
	if (p->directions & FORWARD)
		fftwf_execute_dft(f->columns_forward[count < COLUMNS], start, start);
	for (int ky = 0; p->filter && ky < f->height; ky++)
		p->filter(p->context, ky, first, count, start + (size_t)ky * (size_t)f->stride);
	if (p->directions & INVERSE)
		fftwf_execute_dft(f->columns_inverse[count < COLUMNS], start, start);
	return LACUNA_OK;
}

static void run(struct pass *p, size_t n, lacuna_body *body)
{
	p->f->host->parallel(p->f->host, n, 0, body, p);
}

static void run_columns(struct pass *p, int directions)
{
	p->directions = directions;
	run(p, blocks(p->f->columns, COLUMNS), transform_columns);
}

static void run_inverse_rows(struct pass *p, float *out, struct fft_grid grid)
{
	p->out = out;
	p->grid = grid;
	run(p, blocks((grid.height - 1) * grid.step + 1, ROWS), inverse_rows);
}

/* ---- transforms ------------------------------------------------------------------------------------ */

void fft_forward(const struct fft *f, const float *in, int width, int height,
		 fftwf_complex *spectrum)
{
	struct fft_grid grid = { width, height, 1 };
	struct pass p = { .f = f, .in = in, .grid = grid, .spectrum = spectrum };

	run(&p, blocks(f->height, ROWS), forward_rows);
	run_columns(&p, FORWARD);
}

void fft_inverse(const struct fft *f, fftwf_complex *spectrum, float *out, int width, int height)
{
	struct fft_grid grid = { width, height, 1 };
	struct pass p = { .f = f, .spectrum = spectrum };

	run_columns(&p, INVERSE);
	run_inverse_rows(&p, out, grid);
}

void fft_apply_grid(const struct fft *f, const float *in, struct fft_grid in_grid,
		    fft_filter *filter, const void *context, float *out, struct fft_grid out_grid,
		    fftwf_complex *spectrum)
{
	struct pass p = { .f = f,
			  .in = in,
			  .grid = in_grid,
			  .spectrum = spectrum,
			  .filter = filter,
			  .context = context };

	run(&p, blocks(f->height, ROWS), forward_rows);
	run_columns(&p, FORWARD | INVERSE);
	run_inverse_rows(&p, out, out_grid);
}

void fft_restrict(const struct fft *f, fft_filter *before, fft_filter *after, const void *context,
		  struct fft_grid grid, const float *weights, fftwf_complex *spectrum)
{
	struct pass p = { .f = f,
			  .grid = grid,
			  .weights = weights,
			  .spectrum = spectrum,
			  .filter = before,
			  .context = context };

	run_columns(&p, INVERSE);
	run(&p, blocks(f->height, ROWS), restrict_rows);
	p.filter = after;
	run_columns(&p, FORWARD);
}

void fft_apply(const struct fft *f, const float *in, int in_width, int in_height,
	       fft_filter *filter, const void *context, float *out, int out_width, int out_height,
	       fftwf_complex *spectrum)
{
	struct fft_grid in_grid = { in_width, in_height, 1 };
	struct fft_grid out_grid = { out_width, out_height, 1 };

	fft_apply_grid(f, in, in_grid, filter, context, out, out_grid, spectrum);
}
