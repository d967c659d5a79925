/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/vector.h"

#include "base/threads.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Partial sums of fixed blocks are added in order: the same bits for any number of threads. */
enum { BLOCK = 1 << 14, GROUP = 256 };

struct sums {
	size_t n, first;
	const float *a, *b;
	double part[GROUP];
};

static void sum_block(void *arg, size_t i)
{
	struct sums *s = arg;
	size_t from = (s->first + i) * BLOCK, to = from + BLOCK < s->n ? from + BLOCK : s->n, j;
	double lane[8] = { 0 };

	for (j = from; j + 8 <= to; j += 8) {
		int k;

		for (k = 0; k < 8; k++)
			lane[k] += (double)s->a[j + k] * (s->b ? (double)s->b[j + k] : 1.0);
	}
	for (; j < to; j++)
		lane[0] += (double)s->a[j] * (s->b ? (double)s->b[j] : 1.0);
	s->part[i] = ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
		     ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static double blocked_sum(size_t n, const float *a, const float *b)
{
	struct sums s = { .n = n, .a = a, .b = b };
	size_t blocks = (n + BLOCK - 1) / BLOCK;
	double total = 0;

	for (s.first = 0; s.first < blocks; s.first += GROUP) {
		size_t count = blocks - s.first < GROUP ? blocks - s.first : GROUP, i;

		threads_parallel(count, sum_block, &s);
		for (i = 0; i < count; i++)
			total += s.part[i];
	}
	return total;
}

double vector_dot(size_t n, const float *a, const float *b)
{
	return blocked_sum(n, a, b);
}

double vector_norm(size_t n, const float *a)
{
	return sqrt(blocked_sum(n, a, a));
}

double vector_sum(size_t n, const float *a)
{
	return blocked_sum(n, a, NULL);
}

void vector_axpy(size_t n, double alpha, const float *x, float *y)
{
	float f = (float)alpha;
	size_t i;

	for (i = 0; i < n; i++)
		y[i] += f * x[i];
}

void vector_xpby(size_t n, const float *x, double beta, float *y)
{
	float f = (float)beta;
	size_t i;

	for (i = 0; i < n; i++)
		y[i] = x[i] + f * y[i];
}

void vector_scale(size_t n, double alpha, float *x)
{
	float f = (float)alpha;
	size_t i;

	for (i = 0; i < n; i++)
		x[i] *= f;
}

void vector_subtract(size_t n, const float *a, const float *b, float *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = a[i] - b[i];
}

int vector_exceeds(size_t n, const float *a, double limit)
{
	const float most = (float)limit;
	int found = 0;

	for (size_t i = 0; i < n; i++)
		found |= fabsf(a[i]) > most;
	return found;
}

int vector_finite(size_t n, const float *a)
{
	const uint32_t exponent = UINT32_C(0x7f800000);
	uint32_t found = 0;
	size_t i;

	/* Infinities and NaN have an exponent of all ones; an OR of integers vectorises, as its order is free, unlike a
	 * sum of floats'. */
	for (i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, &a[i], sizeof bits);
		found |= (bits & exponent) == exponent;
	}
	return !found;
}

static int by_value(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

void vector_sort(size_t n, float *a)
{
	qsort(a, n, sizeof *a, by_value);
}

static int by_value_of_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void vector_sort_doubles(size_t n, double *a)
{
	qsort(a, n, sizeof *a, by_value_of_doubles);
}

/* Quickselect (Hoare 1961); the pivot is the median of three values. */
double vector_select(size_t n, double *a, size_t rank)
{
	const ptrdiff_t k = (ptrdiff_t)rank;
	ptrdiff_t first = 0, last = (ptrdiff_t)n - 1;

	while (first < last) {
		const double x = a[first], y = a[(first + last) / 2], z = a[last];
		const double pivot = fmax(fmin(x, y), fmin(fmax(x, y), z));
		ptrdiff_t i = first, j = last;

		while (i <= j) {
			while (a[i] < pivot)
				i++;
			while (a[j] > pivot)
				j--;
			if (i <= j) {
				const double kept = a[i];

				a[i++] = a[j];
				a[j--] = kept;
			}
		}
		/* a value between the two parts is in its place */
		if (k <= j)
			last = j;
		else
			first = i;
	}
	return a[k];
}
