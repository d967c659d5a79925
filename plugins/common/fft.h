/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Two-dimensional real Fourier transforms for plugins, on FFTW, single precision.
 *
 * A transform is cut into blocks of rows and of columns of fixed size, each with a single-threaded FFTW plan.
 * host->parallel() spreads the blocks over the threads, so results do not depend on the number of threads, to the bit.
 * FFTW may plan only in functions of plugins that are [serial], such as create() and destroy(), so call fft_create() and
 * fft_destroy() only there. All other functions may run concurrently, with one spectrum per call. */
#ifndef COMMON_FFT_H
#define COMMON_FFT_H

#include <lacuna/plugin.h>
#include <fftw3.h>

struct fft {
	const struct lacuna_host *host;
	int width, height; /* of the real plane */
	int columns;	   /* width / 2 + 1: complex values in a row of the spectrum */
	int stride; /* distance of rows of the spectrum: >= columns; rows are 64-byte aligned */
	/* [0]: a full block, [1]: the last, smaller one (NULL if there is none) */
	fftwf_plan rows_forward[2], rows_inverse[2], columns_forward[2], columns_inverse[2];
};

/* Changes `count' values of the spectrum, row ky, from column kx on. */
typedef void fft_filter(const void *context, int ky, int kx, int count, fftwf_complex *values);

/* The smallest n >= least whose only prime factors are 2, 3, 5 and 7. */
int64_t fft_good_size(int64_t least);

int fft_create(const struct lacuna_host *, int64_t width, int64_t height, struct fft *);
void fft_destroy(struct fft *); /* accepts a zeroed structure */
/* Bytes of one spectrum, a multiple of 64: the only work space of a transform. */
size_t fft_bytes(const struct fft *);

/* A plane smaller than the transform is in its top left corner: the input is padded with zeros, the output cropped.
 * Planes are stored without gaps. The inverse divides by width * height, so inverse(forward(x)) = x. It overwrites the
 * spectrum. */
void fft_forward(const struct fft *, const float *in, int width, int height,
		 fftwf_complex *spectrum);
void fft_inverse(const struct fft *, fftwf_complex *spectrum, float *out, int width, int height);
/* out = inverse(filter(forward(in))), with fewer passes through memory than the two calls.  out may be in. */
void fft_apply(const struct fft *, const float *in, int in_width, int in_height, fft_filter *,
	       const void *context, float *out, int out_width, int out_height,
	       fftwf_complex *spectrum);

/* A plane of every step-th pixel: pixel (i, j) is at (step i, step j) of the transform. */
struct fft_grid {
	int width, height, step;
};
/* As fft_apply(). Positions between the pixels of a grid are 0 on input and dropped on output. */
void fft_apply_grid(const struct fft *, const float *in, struct fft_grid in_grid, fft_filter *,
		    const void *context, float *out, struct fft_grid out_grid,
		    fftwf_complex *spectrum);

/* Restricts a plane to a grid in Fourier space: spectrum = after(forward(W inverse(before(spectrum)))), in place. W is 0
 * outside the grid's pixels; on them it is `weights', a plane of the grid, or 1 if weights is NULL. */
void fft_restrict(const struct fft *, fft_filter *before, fft_filter *after, const void *context,
		  struct fft_grid, const float *weights, fftwf_complex *spectrum);

#endif
