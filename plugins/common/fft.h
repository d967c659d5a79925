/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Two-dimensional real Fourier transforms for plugins, on FFTW, single precision.
 *
 * A transform is cut into blocks of rows and of columns of fixed size, each a single-threaded FFTW plan, which
 * host->parallel() spreads over the threads: the bits do not depend on how many there are.  Planning is legal in
 * create() and destroy() only, as is fft_create() and fft_destroy(); all else may run concurrently, with one
 * spectrum per call. */
#ifndef COMMON_FFT_H
#define COMMON_FFT_H

#include <lacuna/plugin.h>
#include <fftw3.h>

struct fft {
	const struct lacuna_host *host;
	int width, height; /* of the real plane */
	int columns;	   /* width / 2 + 1: complex values in a row of the spectrum */
	int stride; /* from one row of the spectrum to the next: >= columns, rows 64-byte aligned */
	/* [0]: a whole block, [1]: the last, smaller one (NULL when there is none) */
	fftwf_plan rows_forward[2], rows_inverse[2], columns_forward[2], columns_inverse[2];
};

/* Changes `count' values of the spectrum, row ky, from column kx on. */
typedef void fft_filter(const void *context, int ky, int kx, int count, fftwf_complex *values);

/* The smallest n >= least whose only prime factors are 2, 3, 5 and 7. */
int64_t fft_good_size(int64_t least);

int fft_create(const struct lacuna_host *, int64_t width, int64_t height, struct fft *);
void fft_destroy(struct fft *); /* accepts a zeroed structure */
/* Bytes of one spectrum, a multiple of 64: the only work space that a transform needs. */
size_t fft_bytes(const struct fft *);

/* Planes smaller than the transform stand in its top left corner: the input is continued with zeros, the output cropped.
 * Both are stored without gaps.  inverse(forward(x)) = x: the inverse divides by width * height. */
void fft_forward(const struct fft *, const float *in, int width, int height,
		 fftwf_complex *spectrum);
void fft_inverse(const struct fft *, fftwf_complex *spectrum, float *out, int width, int height);
/* out = inverse(filter(forward(in))), with fewer passes through memory than the two calls.  out may be in. */
void fft_apply(const struct fft *, const float *in, int in_width, int in_height, fft_filter *,
	       const void *context, float *out, int out_width, int out_height,
	       fftwf_complex *spectrum);

/* A plane of every step-th pixel: pixel (i, j) stands at (step i, step j) of the transform. */
struct fft_grid {
	int width, height, step;
};
/* As fft_apply(): what is between the pixels is 0 on the way in and dropped on the way out. */
void fft_apply_grid(const struct fft *, const float *in, struct fft_grid in_grid, fft_filter *,
		    const void *context, float *out, struct fft_grid out_grid,
		    fftwf_complex *spectrum);

/* The spectrum of what is left of a plane inside a grid: after(forward(W inverse(before(spectrum)))), in place.  W is 1, or
 * weights (laid out as a plane of the grid; NULL: 1), at the grid's pixels, and 0 elsewhere. */
void fft_restrict(const struct fft *, fft_filter *before, fft_filter *after, const void *context,
		  struct fft_grid, const float *weights, fftwf_complex *spectrum);

#endif
