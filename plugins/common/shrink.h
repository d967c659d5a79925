/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Shrinking by fractions p/q, one for rows and one for columns: y = V x H'. Pixel o of y has its middle at (o + 1/2)
 * p/q - 1/2 + border in x. It is a weighted mean about that, by a kernel stretched by p/q, of sum 1. */
#ifndef COMMON_SHRINK_H
#define COMMON_SHRINK_H

#include "common/separable.h"

/* weight() of a pixel at distance d from the middle of the pixel of y, and the distance `reach' > 0 where the kernel
 * ends. */
struct shrink_kernel {
	double (*weight)(double width, double d);
	double width[2], reach[2]; /* along a row, along a column */
	int local; /* the kernel lies in the pixel of y; V V' and H H' then consist of small blocks */
};

struct shrink_fraction {
	int64_t p, q;
};

struct shrink {
	const struct lacuna_host *host;
	struct shrink_fraction factor[2];
	int64_t border[2];
	struct separable_axis axis[2];
	/* For local kernels: A A' along an axis consists of equal blocks of q rows, [0], and a last, smaller one, [1]. */
	struct shrink_block {
		int size;
		double *values, *vectors; /* vectors[i * size + k]: element i of eigenvector k */
	} block[2][2];
};

enum { SHRINK_DENOMINATOR = 100 };

/* Finds the fraction with the smallest denominator that equals the number, or the nearest one. True if it is equal. */
int shrink_find_fraction(double number, struct shrink_fraction *);
/* Pixels of x before the first pixel of y, and after its last, along axis d. */
int64_t shrink_border(const struct shrink_kernel *, struct shrink_fraction, int d);
/* The length of x for a length of y, and the reverse, which may give 0. */
int64_t shrink_length(struct shrink_fraction, int64_t border, int64_t y);
int64_t shrink_back(struct shrink_fraction, int64_t border, int64_t x);

int shrink_create(const struct lacuna_host *, const struct shrink_kernel *,
		  const struct shrink_fraction factor[2], const int64_t y[2], struct shrink *);
void shrink_destroy(struct shrink *); /* accepts a zeroed one */
/* Bytes of work space for one plane. */
size_t shrink_bytes(const struct shrink *);
/* One plane; work has shrink_bytes(). */
void shrink_apply(const struct shrink *, const float *x, float *y, void *work);
void shrink_adjoint(const struct shrink *, const float *y, float *x, void *work);
/* x = gain(A'A) b.  LACUNA_EUNSUPPORTED without local kernels. */
int shrink_spectral(const struct shrink *, lacuna_gain *, const void *context, const float *b,
		    float *x, void *work);

#endif
