/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/fft.h -- an extension of hosts, for all families: Fourier transforms of real planes, on the host's threads.
 *
 * A spectrum is the half that is not redundant:
 *	X[ky][kx] = sum_j sum_i x[j][i] exp(-2 pi i (kx i / width + ky j / height)),	0 <= kx <= width / 2,
 * at index kx + stride ky.  The other half is X[height - ky][width - kx] = conj X[ky][kx].  What follows kx = width / 2 in a
 * row means nothing.  inverse(forward(x)) = x: the inverse divides by width * height. */
#ifndef LACUNA_FFT_H
#define LACUNA_FFT_H

#include <lacuna/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACUNA_FFT "lacuna.fft/1"

/* Real and imaginary part: FFTW's fftwf_complex, the memory of C's float complex and of C++'s std::complex<float>. */
typedef float lacuna_complex[2];

/* Transforms of one size.  A row or a column of pixels is a plane, too. */
struct lacuna_fft_plan {
	int32_t width, height; /* of the plane */
	int32_t columns;       /* width / 2 + 1: values in a row of the spectrum */
	int32_t stride;	       /* distance of its rows, in values: >= columns */
	size_t bytes;	       /* of a spectrum, a multiple of 64 */
};

/* A plane of every step-th pixel, stored without gaps: pixel (i, j) is at (step i, step j) of the transform.  The last one
 * is still inside. */
struct lacuna_fft_grid {
	int32_t width, height, step;
};

/* Changes `count' values of the spectrum: those of row ky from kx on.  [any thread] */
typedef void lacuna_fft_filter(const void *context, int32_t ky, int32_t kx, int32_t count,
			       lacuna_complex *values);

/* What host->extension(host, LACUNA_FFT) returns.
 *
 * Spectra belong to the caller: plan->bytes bytes, 64-byte aligned, such as the scratch of the call.  Different calls use
 * different spectra.  A grid that is NULL is the whole plane.  Positions outside a grid and between its pixels are 0 on
 * input and dropped on output, so a smaller plane is padded and cropped.  The transforms cannot fail, and their results do
 * not depend on the number of threads.  In a body of parallel() they use its thread only. */
struct lacuna_fft {
	/* [serial] Plans transforms, in create() or another function of the plugin that is [serial].  LACUNA_EINVAL if the
	 * plane is too large, LACUNA_ENOMEM.  The first plan for a size takes up to some 100 ms, another one under 1 ms. */
	int (*open)(const struct lacuna_host *, int64_t width, int64_t height,
		    const struct lacuna_fft_plan **);
	/* [serial] in a function of the plugin that is [serial]; accepts NULL */
	void (*close)(const struct lacuna_host *, const struct lacuna_fft_plan *);
	/* [any thread] The smallest n >= least that is fast: without prime factors above 7. */
	int64_t (*good_size)(const struct lacuna_host *, int64_t least);

	/* [any thread] spectrum = F in */
	void (*forward)(const struct lacuna_host *, const struct lacuna_fft_plan *, const float *in,
			const struct lacuna_fft_grid *, lacuna_complex *spectrum);
	/* [any thread] out = F^-1 spectrum, which is overwritten.  A spectrum that is not that of a real plane gives the
	 * real part of what all of it, with the other half as above, would give. */
	void (*inverse)(const struct lacuna_host *, const struct lacuna_fft_plan *,
			lacuna_complex *spectrum, float *out, const struct lacuna_fft_grid *);
	/* [any thread] out = F^-1 filter(F in), with fewer passes through memory than forward() and inverse().  out may be
	 * in.  spectrum: work space. */
	void (*filter)(const struct lacuna_host *, const struct lacuna_fft_plan *, const float *in,
		       const struct lacuna_fft_grid *in_grid, lacuna_fft_filter *,
		       const void *context, float *out, const struct lacuna_fft_grid *out_grid,
		       lacuna_complex *spectrum);
	/* [any thread] spectrum = after(F W F^-1 before(spectrum)): iterations that stay in Fourier space, where only a
	 * part of the plane was measured.  W is 0 outside the pixels of the grid.  On them it is `weights', a plane of the
	 * grid, or 1 if weights is NULL.  A filter may be NULL; both get the same context. */
	void (*weigh)(const struct lacuna_host *, const struct lacuna_fft_plan *,
		      lacuna_complex *spectrum, lacuna_fft_filter *before, lacuna_fft_filter *after,
		      const void *context, const float *weights, const struct lacuna_fft_grid *);
};

#ifdef __cplusplus
}
#endif
#endif
