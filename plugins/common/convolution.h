/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Convolution of a plane x, computed as a circular convolution at least as large as x, of which a part is measured:
 *	A = P F^-1 K F E,
 * E pads x with zeros to the size of the circle (the circular convolution), F is the Fourier transform, K the transfer
 * function, and P keeps every step-th pixel of the upper left corner (y). If the circle is as large as x, this is the
 * plain circular convolution. */
#ifndef COMMON_CONVOLUTION_H
#define COMMON_CONVOLUTION_H

#include "common/fft.h"

struct convolution {
	struct fft fft;
	lacuna_complex *transfer;    /* K, laid out as a spectrum of fft */
	struct lacuna_fft_grid x, y; /* x.step is 1 */
};

/* Makes the circle: of the size of x, or with `grow' of the next size that is fast in FFTW. K is 0 at first. */
int convolution_create(const struct lacuna_host *, struct lacuna_fft_grid x,
		       struct lacuna_fft_grid y, int grow, struct convolution *);
/* Accepts a zeroed structure. */
void convolution_destroy(struct convolution *);
/* Sets K from width * height values, x fastest: y[0] = sum_j kernel[j] x[origin - j], cyclically. */
int convolution_set_kernel(struct convolution *, const double *kernel, int width, int height,
			   int origin_x, int origin_y);

/* Bytes of work space for the functions below; the second is for convolution_solve(). */
size_t convolution_bytes(const struct convolution *);
size_t convolution_solve_bytes(const struct convolution *);
/* The result may be stored over the input of these three. */
void convolution_apply(const struct convolution *, const float *x, float *y, void *memory);
void convolution_adjoint(const struct convolution *, const float *y, float *x, void *memory);
/* x = E' F^-1 gain(|K|^2) F E b: gain(A'A) b if all of the circle is measured, else an approximation. */
void convolution_gain(const struct convolution *, lacuna_gain *, const void *context,
		      const float *b, float *x, void *memory);

/* solve() of struct lacuna_operator for `planes' planes, one after the other, by conjugate gradients.
 *
 * They run on the circle in Fourier space. There A'WA needs one inverse and one forward transform (in image space two of
 * each), and the preconditioner, (share |K|^2 + rho)^-1 restricted to x, one of each. Where y leaves out pixels there is no
 * preconditioner. The part of the circle beyond x is not measured and independent of x: its solution is 0. */
int convolution_solve(const struct convolution *, size_t planes, const struct lacuna_system *,
		      const float *b, float *x, void *memory);

#endif
