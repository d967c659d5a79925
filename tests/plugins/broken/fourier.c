/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Correct: every other Fourier coefficient of each row, real parts in one channel of y and imaginary parts in another.  A y
 * of one channel is refused. */
#define NAME "fourier"
#define FLAGS LACUNA_LINEAR
#define SHAPE channels
#define CREATE create_rows
#define APPLY transform
#define ADJOINT transform_back
#include "good.h"
#include <math.h>

enum { MOST = 128 }; /* of columns: this is the slow transform */

struct rows {
	struct half half; /* must be first, for destroy() */
	size_t width, height;
	float cosine[MOST], sine[MOST];
};

static int channels(const struct lacuna_host *host, const void *config, int from_y,
		    const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)config;
	*wanted = *known;
	if (known->extent[0] > MOST || known->extent[3] > 1)
		return host->fail(host, LACUNA_EINVAL, "too large");
	if (known->extent[2] != (from_y ? 2 : 1))
		return host->fail(host, LACUNA_EINVAL, "%s has %d", from_y ? "y" : "x",
				  from_y ? 2 : 1);
	wanted->extent[2] = from_y ? 1 : 2;
	return LACUNA_OK;
}

static int create_rows(const struct lacuna_host *host, const void *config,
		       const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct rows *r = host->alloc(host, sizeof *r);
	size_t i;

	(void)config, (void)y;
	if (!r)
		return LACUNA_ENOMEM;
	r->half.host = host;
	r->width = (size_t)x->extent[0];
	r->height = (size_t)x->extent[1];
	for (i = 0; i < r->width; i++) {
		const double angle = 6.283185307179586 * (double)i / (double)r->width;

		r->cosine[i] = (float)(cos(angle) / sqrt((double)r->width));
		r->sine[i] = (float)(sin(angle) / sqrt((double)r->width));
	}
	*self = r;
	return LACUNA_OK;
}

static int transform(const void *self, void *scratch, const float *x, float *y)
{
	const struct rows *r = self;
	float *imaginary = y + r->width * r->height;
	size_t i, j, k;

	(void)scratch;
	for (j = 0; j < r->height; j++)
		for (k = 0; k < r->width; k++) {
			const float *row = x + j * r->width;
			double re = 0, im = 0;

			for (i = 0; i < r->width && k % 2 == 0; i++) {
				re += row[i] * r->cosine[i * k % r->width];
				im -= row[i] * r->sine[i * k % r->width];
			}
			y[j * r->width + k] = (float)re;
			imaginary[j * r->width + k] = (float)im;
		}
	return LACUNA_OK;
}

static int transform_back(const void *self, void *scratch, const float *at, const float *y,
			  float *x)
{
	const struct rows *r = self;
	const float *imaginary = y + r->width * r->height;
	size_t i, j, k;

	(void)scratch, (void)at;
	for (j = 0; j < r->height; j++)
		for (i = 0; i < r->width; i++) {
			double sum = 0;

			for (k = 0; k < r->width; k += 2)
				sum += y[j * r->width + k] * r->cosine[i * k % r->width] -
				       imaginary[j * r->width + k] * r->sine[i * k % r->width];
			x[j * r->width + i] = (float)sum;
		}
	return LACUNA_OK;
}
