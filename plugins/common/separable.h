/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Linear maps of a plane that act on rows, then on columns, y = V x H': interpolation, shifts, shrinking. Each row of H
 * and V has a few adjacent entries. */
#ifndef COMMON_SEPARABLE_H
#define COMMON_SEPARABLE_H

#include <lacuna/plugin.h>

/* A matrix of `out' rows and `in' columns: row o has weight[o * taps + k] in column first[o] + k. */
struct separable_axis {
	int64_t in, out, taps;
	int64_t *first;
	float *weight;
};

/* Makes a zero matrix, to be filled with separable_add(): set first[o] before. May fail with LACUNA_ENOMEM. */
int separable_create(const struct lacuna_host *, int64_t in, int64_t out, int64_t taps,
		     struct separable_axis *);
void separable_destroy(const struct lacuna_host *,
		       struct separable_axis *); /* accepts a zeroed one */
/* Adds to the entry of row o, column i. Does nothing unless i is within first[o] .. first[o] + taps - 1. */
void separable_add(struct separable_axis *, int64_t o, int64_t i, double weight);

/* Bytes of work space of the two functions below, a multiple of 64. */
size_t separable_bytes(const struct separable_axis *h, const struct separable_axis *v);
/* x is h->in wide and v->in high, y h->out wide and v->out high.  The adjoint is the transpose of the same weights. */
void separable_apply(const struct lacuna_host *, const struct separable_axis *h,
		     const struct separable_axis *v, const float *x, float *y, void *work);
void separable_adjoint(const struct lacuna_host *, const struct separable_axis *h,
		       const struct separable_axis *v, const float *y, float *x, void *work);

#endif
