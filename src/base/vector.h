/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Arithmetic on float arrays.  Accumulates in double, in blocks of fixed size, so that sums do not depend on the number
 * of threads. */
#ifndef BASE_VECTOR_H
#define BASE_VECTOR_H

#include <stddef.h>

double vector_dot(size_t n, const float *a, const float *b);
double vector_norm(size_t n, const float *a); /* Euclidean */
double vector_sum(size_t n, const float *a);
void vector_axpy(size_t n, double alpha, const float *x, float *y); /* y += alpha x */
void vector_xpby(size_t n, const float *x, double beta, float *y);  /* y = x + beta y */
void vector_scale(size_t n, double alpha, float *x);
void vector_subtract(size_t n, const float *a, const float *b,
		     float *out); /* a - b; out may be a or b */
int vector_finite(size_t n, const float *a);
/* True if a value is above limit or below -limit. */
int vector_exceeds(size_t n, const float *a, double limit);

/* Ascending; there must be no NaN. */
void vector_sort(size_t n, float *a);
void vector_sort_doubles(size_t n, double *a);
/* The value that would be a[rank] if a were sorted; rank < n.  Changes the order of a.  There must be no NaN. */
double vector_select(size_t n, double *a, size_t rank);

#endif
