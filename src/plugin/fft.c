/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A transform is cut into blocks of rows and of columns of fixed size, each with a plan of FFTW for one thread.  parallel()
 * spreads the blocks over the threads, so results do not depend on the number of threads.
 *
 * Rows are transformed in place: a row of w reals shares the memory of its w/2 + 1 complex values.  FFTW's plans need memory
 * aligned as when they were made.  Every block therefore begins at a multiple of 64 bytes: rows are padded to that, and blocks
 * of columns begin at multiples of 8 columns.  FFTW remembers how it planned, so plans are not kept here. */
#include <config.h>

#include "plugin/fft.h"

#include "plugin/loader.h"

#include <fftw3.h>
#include <limits.h>
#include <string.h>

enum { ROWS = 16, COLUMNS = 16, LONGEST = INT_MAX / 4, FORWARD = 1, INVERSE = 2 };

struct plan {
	struct lacuna_fft_plan size; /* first: what plugins see */
	/* [0]: a full block, [1]: the last, smaller one (NULL if there is none) */
	fftwf_plan rows_forward[2], rows_inverse[2], columns_forward[2], columns_inverse[2];
};

static int64_t good_size(const struct lacuna_host *host, int64_t least)
{
	static const int64_t primes[] = { 2, 3, 5, 7 };

	(void)host;
	for (int64_t n = least > 1 ? least : 1;; n++) {
		int64_t rest = n;

		for (size_t i = 0; i < sizeof primes / sizeof *primes; i++)
			while (rest % primes[i] == 0)
				rest /= primes[i];
		if (rest == 1)
			return n;
	}
}

/* ---- plans ----------------------------------------------------------------------------------------- */

/* Makes the four plans for blocks of `rows' rows and `columns' columns; 0 means no such block.  False on failure. */
static int plan_blocks(struct plan *p, int which, int rows, int columns, lacuna_complex *memory)
{
	const int w = p->size.width, h = p->size.height, stride = p->size.stride;

	if (rows) {
		p->rows_forward[which] =
			fftwf_plan_many_dft_r2c(1, &w, rows, (float *)memory, NULL, 1, 2 * stride,
						memory, NULL, 1, stride, FFTW_ESTIMATE);
		p->rows_inverse[which] = fftwf_plan_many_dft_c2r(1, &w, rows, memory, NULL, 1,
								 stride, (float *)memory, NULL, 1,
								 2 * stride, FFTW_ESTIMATE);
		if (!p->rows_forward[which] || !p->rows_inverse[which])
			return 0;
	}
	if (columns) {
		p->columns_forward[which] =
			fftwf_plan_many_dft(1, &h, columns, memory, NULL, stride, 1, memory, NULL,
					    stride, 1, FFTW_FORWARD, FFTW_ESTIMATE);
		p->columns_inverse[which] =
			fftwf_plan_many_dft(1, &h, columns, memory, NULL, stride, 1, memory, NULL,
					    stride, 1, FFTW_BACKWARD, FFTW_ESTIMATE);
		if (!p->columns_forward[which] || !p->columns_inverse[which])
			return 0;
	}
	return 1;
}

static void close_plan(const struct lacuna_host *host, const struct lacuna_fft_plan *size)
{
	const struct plan *p = (const void *)size;

	if (!p)
		return;
	plugin_gate_enter();
	for (int i = 0; i < 2; i++) {
		fftwf_destroy_plan(p->rows_forward[i]);
		fftwf_destroy_plan(p->rows_inverse[i]);
		fftwf_destroy_plan(p->columns_forward[i]);
		fftwf_destroy_plan(p->columns_inverse[i]);
	}
	plugin_gate_leave();
	host->release(host, (void *)(uintptr_t)p);
}

static int make_plans(const struct lacuna_host *host, struct plan *p)
{
	lacuna_complex *memory = host->alloc(host, p->size.bytes);
	const int w = p->size.columns, h = p->size.height;
	int made;

	if (!memory)
		return LACUNA_ENOMEM;
	plugin_gate_enter();
	made = plan_blocks(p, 0, h >= ROWS ? ROWS : 0, w >= COLUMNS ? COLUMNS : 0, memory) &&
	       plan_blocks(p, 1, h % ROWS, w % COLUMNS, memory);
	plugin_gate_leave();
	host->release(host, memory);
	return made ? LACUNA_OK
		    : host->fail(host, LACUNA_ENOMEM, "FFTW cannot plan a transform of %dx%d",
				 p->size.width, h);
}

static int open_plan(const struct lacuna_host *host, int64_t width, int64_t height,
		     const struct lacuna_fft_plan **plan)
{
	struct plan *p;
	int status;

	if (width < 1 || height < 1 || width > LONGEST || height > LONGEST)
		return host->fail(host, LACUNA_EINVAL,
				  "there is no Fourier transform of %lldx%lld pixels: a side has 1 "
				  "to %d; cut a larger image into parts",
				  (long long)width, (long long)height, LONGEST);
	p = host->alloc(host, sizeof *p);
	if (!p)
		return LACUNA_ENOMEM;
	p->size.width = (int32_t)width;
	p->size.height = (int32_t)height;
	p->size.columns = p->size.width / 2 + 1;
	p->size.stride = (p->size.columns + 7) / 8 * 8;
	p->size.bytes = (size_t)p->size.stride * (size_t)height * sizeof(lacuna_complex);
	status = make_plans(host, p);
	if (status)
		close_plan(host, &p->size);
	else
		*plan = &p->size;
	return status;
}

/* ---- passes ---------------------------------------------------------------------------------------- */

struct pass {
	const struct plan *plan;
	int width, height, stride; /* of the plan */
	const float *in;
	float *out;
	struct lacuna_fft_grid grid; /* of in, out or weights */
	lacuna_complex *spectrum;
	const float *weights; /* of the grid, or NULL */
	int directions;	      /* FORWARD, INVERSE or both */
	lacuna_fft_filter *filter;
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
	const struct lacuna_fft_grid *g = &p->grid;
	const float *in;

	memset(row, 0, (size_t)p->width * sizeof *row);
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
	const struct lacuna_fft_grid *g = &p->grid;
	const float scale = (float)(1.0 / ((double)p->width * p->height));
	float *out;

	if (y % g->step || y / g->step >= g->height)
		return;
	out = p->out + (size_t)(y / g->step) * (size_t)g->width;
	for (int i = 0; i < g->width; i++)
		out[i] = scale * row[i * g->step];
}

/* Clears the rows of a block below the plane.  Returns false for other blocks. */
static int clear_below(const struct pass *p, int first, int count, lacuna_complex *start)
{
	if (first <= (p->grid.height - 1) * p->grid.step)
		return 0;
	memset(start, 0, (size_t)count * (size_t)p->stride * sizeof *start);
	return 1;
}

static int forward_rows(void *arg, size_t block, void *scratch)
{
	const struct pass *p = arg;
	int first = (int)block * ROWS, count = smaller(ROWS, p->height - first);
	lacuna_complex *start = p->spectrum + (size_t)first * (size_t)p->stride;

	(void)scratch;
	if (clear_below(p, first, count, start))
		return LACUNA_OK;
	for (int i = 0; i < count; i++)
		load_row(p, first + i, (float *)(start + (size_t)i * (size_t)p->stride));
	fftwf_execute_dft_r2c(p->plan->rows_forward[count < ROWS], (float *)start, start);
	return LACUNA_OK;
}

static int inverse_rows(void *arg, size_t block, void *scratch)
{
	const struct pass *p = arg;
	int first = (int)block * ROWS, count = smaller(ROWS, p->height - first);
	lacuna_complex *start = p->spectrum + (size_t)first * (size_t)p->stride;

	(void)scratch;
	fftwf_execute_dft_c2r(p->plan->rows_inverse[count < ROWS], start, (float *)start);
	for (int i = 0; i < count; i++)
		store_row(p, first + i, (const float *)(start + (size_t)i * (size_t)p->stride));
	return LACUNA_OK;
}

/* Multiplies row y of a plane by the weights of the grid. */
static void weigh_row(const struct pass *p, int y, float *row)
{
	const struct lacuna_fft_grid *g = &p->grid;
	const float scale = (float)(1.0 / ((double)p->width * p->height));
	const float *weights = NULL;
	int next = 0;

	if (y % g->step || y / g->step >= g->height) {
		memset(row, 0, (size_t)p->width * sizeof *row);
		return;
	}
	if (p->weights)
		weights = p->weights + (size_t)(y / g->step) * (size_t)g->width;
	for (int i = 0; i < g->width; i++, next++) {
		for (; next < i * g->step; next++)
			row[next] = 0;
		row[next] *= weights ? scale * weights[i] : scale;
	}
	memset(row + next, 0, (size_t)(p->width - next) * sizeof *row);
}

static int weigh_rows(void *arg, size_t block, void *scratch)
{
	const struct pass *p = arg;
	int first = (int)block * ROWS, count = smaller(ROWS, p->height - first);
	lacuna_complex *start = p->spectrum + (size_t)first * (size_t)p->stride;

	(void)scratch;
	if (clear_below(p, first, count, start))
		return LACUNA_OK;
	fftwf_execute_dft_c2r(p->plan->rows_inverse[count < ROWS], start, (float *)start);
	for (int i = 0; i < count; i++)
		weigh_row(p, first + i, (float *)(start + (size_t)i * (size_t)p->stride));
	fftwf_execute_dft_r2c(p->plan->rows_forward[count < ROWS], (float *)start, start);
	return LACUNA_OK;
}

static int transform_columns(void *arg, size_t block, void *scratch)
{
	const struct pass *p = arg;
	int first = (int)block * COLUMNS, count = smaller(COLUMNS, p->plan->size.columns - first);
	lacuna_complex *start = p->spectrum + first;

	(void)scratch;
	if (p->directions & FORWARD)
		fftwf_execute_dft(p->plan->columns_forward[count < COLUMNS], start, start);
	for (int ky = 0; p->filter && ky < p->height; ky++)
		p->filter(p->context, ky, first, count, start + (size_t)ky * (size_t)p->stride);
	if (p->directions & INVERSE)
		fftwf_execute_dft(p->plan->columns_inverse[count < COLUMNS], start, start);
	return LACUNA_OK;
}

static void run(const struct lacuna_host *host, struct pass *p, size_t n, lacuna_body *body)
{
	(void)host->parallel(host, n, 0, body, p); /* no body fails */
}

static void run_columns(const struct lacuna_host *host, struct pass *p, int directions)
{
	p->directions = directions;
	run(host, p, blocks(p->plan->size.columns, COLUMNS), transform_columns);
}

/* The rows down to the last one of the grid. */
static void run_inverse_rows(const struct lacuna_host *host, struct pass *p)
{
	run(host, p, blocks((p->grid.height - 1) * p->grid.step + 1, ROWS), inverse_rows);
}

/* ---- transforms ------------------------------------------------------------------------------------ */

static struct pass pass_of(const struct lacuna_fft_plan *size, lacuna_complex *spectrum)
{
	return (struct pass){ .plan = (const void *)size,
			      .width = size->width,
			      .height = size->height,
			      .stride = size->stride,
			      .spectrum = spectrum };
}

static struct lacuna_fft_grid grid_or_whole(const struct lacuna_fft_plan *size,
					    const struct lacuna_fft_grid *grid)
{
	return grid ? *grid : (struct lacuna_fft_grid){ size->width, size->height, 1 };
}

static void forward(const struct lacuna_host *host, const struct lacuna_fft_plan *size,
		    const float *in, const struct lacuna_fft_grid *grid, lacuna_complex *spectrum)
{
	struct pass p = pass_of(size, spectrum);

	p.in = in;
	p.grid = grid_or_whole(size, grid);
	run(host, &p, blocks(p.height, ROWS), forward_rows);
	run_columns(host, &p, FORWARD);
}

static void inverse(const struct lacuna_host *host, const struct lacuna_fft_plan *size,
		    lacuna_complex *spectrum, float *out, const struct lacuna_fft_grid *grid)
{
	struct pass p = pass_of(size, spectrum);

	run_columns(host, &p, INVERSE);
	p.out = out;
	p.grid = grid_or_whole(size, grid);
	run_inverse_rows(host, &p);
}

static void filter(const struct lacuna_host *host, const struct lacuna_fft_plan *size,
		   const float *in, const struct lacuna_fft_grid *in_grid,
		   lacuna_fft_filter *function, const void *context, float *out,
		   const struct lacuna_fft_grid *out_grid, lacuna_complex *spectrum)
{
	struct pass p = pass_of(size, spectrum);

	p.in = in;
	p.grid = grid_or_whole(size, in_grid);
	run(host, &p, blocks(p.height, ROWS), forward_rows);
	p.filter = function;
	p.context = context;
	run_columns(host, &p, FORWARD | INVERSE);
	p.out = out;
	p.grid = grid_or_whole(size, out_grid);
	run_inverse_rows(host, &p);
}

static void weigh(const struct lacuna_host *host, const struct lacuna_fft_plan *size,
		  lacuna_complex *spectrum, lacuna_fft_filter *before, lacuna_fft_filter *after,
		  const void *context, const float *weights, const struct lacuna_fft_grid *grid)
{
	struct pass p = pass_of(size, spectrum);

	p.filter = before;
	p.context = context;
	run_columns(host, &p, INVERSE);
	p.grid = grid_or_whole(size, grid);
	p.weights = weights;
	run(host, &p, blocks(p.height, ROWS), weigh_rows);
	p.filter = after;
	run_columns(host, &p, FORWARD);
}

const struct lacuna_fft fft_services = { .open = open_plan,
					 .close = close_plan,
					 .good_size = good_size,
					 .forward = forward,
					 .inverse = inverse,
					 .filter = filter,
					 .weigh = weigh };
