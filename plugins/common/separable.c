/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* See separable.h. Each body of host->parallel() writes its own row or strip of columns. */
#include "common/separable.h"
#include <string.h>

enum { STRIP = 64 };

int separable_create(const struct lacuna_host *host, int64_t in, int64_t out, int64_t taps,
		     struct separable_axis *a)
{
	memset(a, 0, sizeof *a);
	a->in = in;
	a->out = out;
	a->taps = taps < in ? taps : in;
	a->first = host->alloc(host, (size_t)out * sizeof *a->first);
	a->weight = host->alloc(host, (size_t)out * (size_t)a->taps * sizeof *a->weight);
	if (a->first && a->weight)
		return LACUNA_OK;
	separable_destroy(host, a);
	return LACUNA_ENOMEM;
}

void separable_destroy(const struct lacuna_host *host, struct separable_axis *a)
{
	host->release(host, a->first);
	host->release(host, a->weight);
	a->first = NULL;
	a->weight = NULL;
}

void separable_add(struct separable_axis *a, int64_t o, int64_t i, double weight)
{
	const int64_t tap = i - a->first[o];

	if (tap >= 0 && tap < a->taps && i >= 0 && i < a->in)
		a->weight[o * a->taps + tap] += (float)weight;
}

size_t separable_bytes(const struct separable_axis *h, const struct separable_axis *v)
{
	return ((size_t)h->out * (size_t)v->in * sizeof(float) + 63) / 64 * 64;
}

struct pass {
	const struct separable_axis *axis;
	int64_t width; /* of the plane, for strips of columns */
	const float *in;
	float *out;
};

/* Applies the axis along row j of the plane. */
static int row_forward(void *arg, size_t j, void *scratch)
{
	const struct pass *p = arg;
	const struct separable_axis *a = p->axis;
	const float *in = p->in + j * (size_t)a->in;
	float *out = p->out + j * (size_t)a->out;

	(void)scratch;
	for (int64_t o = 0; o < a->out; o++) {
		const float *w = a->weight + o * a->taps, *from = in + a->first[o];
		double sum = 0;

		for (int64_t k = 0; k < a->taps; k++)
			sum += (double)w[k] * from[k];
		out[o] = (float)sum;
	}
	return LACUNA_OK;
}

static int row_back(void *arg, size_t j, void *scratch)
{
	const struct pass *p = arg;
	const struct separable_axis *a = p->axis;
	const float *in = p->in + j * (size_t)a->out;
	float *out = p->out + j * (size_t)a->in;

	(void)scratch;
	memset(out, 0, (size_t)a->in * sizeof *out);
	for (int64_t o = 0; o < a->out; o++) {
		const float *w = a->weight + o * a->taps;
		float *to = out + a->first[o];

		for (int64_t k = 0; k < a->taps; k++)
			to[k] += w[k] * in[o];
	}
	return LACUNA_OK;
}

static int64_t end_of_strip(const struct pass *p, size_t strip)
{
	const int64_t end = ((int64_t)strip + 1) * STRIP;

	return end < p->width ? end : p->width;
}

static int strip_forward(void *arg, size_t strip, void *scratch)
{
	const struct pass *p = arg;
	const struct separable_axis *a = p->axis;
	const int64_t begin = (int64_t)strip * STRIP, n = end_of_strip(p, strip) - begin;

	(void)scratch;
	for (int64_t o = 0; o < a->out; o++) {
		const float *w = a->weight + o * a->taps;
		double sums[STRIP] = { 0 };

		for (int64_t k = 0; k < a->taps; k++) {
			const float *from = p->in + (a->first[o] + k) * p->width + begin;

			for (int64_t i = 0; i < n; i++)
				sums[i] += (double)w[k] * from[i];
		}
		for (int64_t i = 0; i < n; i++)
			p->out[o * p->width + begin + i] = (float)sums[i];
	}
	return LACUNA_OK;
}

static int strip_back(void *arg, size_t strip, void *scratch)
{
	const struct pass *p = arg;
	const struct separable_axis *a = p->axis;
	const int64_t begin = (int64_t)strip * STRIP, n = end_of_strip(p, strip) - begin;

	(void)scratch;
	for (int64_t i = 0; i < a->in; i++)
		memset(p->out + i * p->width + begin, 0, (size_t)n * sizeof *p->out);
	for (int64_t o = 0; o < a->out; o++) {
		const float *w = a->weight + o * a->taps, *from = p->in + o * p->width + begin;

		for (int64_t k = 0; k < a->taps; k++) {
			float *to = p->out + (a->first[o] + k) * p->width + begin;

			for (int64_t i = 0; i < n; i++)
				to[i] += w[k] * from[i];
		}
	}
	return LACUNA_OK;
}

static size_t strips(int64_t width)
{
	return (size_t)((width + STRIP - 1) / STRIP);
}

void separable_apply(const struct lacuna_host *host, const struct separable_axis *h,
		     const struct separable_axis *v, const float *x, float *y, void *work)
{
	struct pass rows = { h, 0, x, work }, columns = { v, h->out, work, y };

	host->parallel(host, (size_t)v->in, 0, row_forward, &rows);
	host->parallel(host, strips(h->out), 0, strip_forward, &columns);
}

void separable_adjoint(const struct lacuna_host *host, const struct separable_axis *h,
		       const struct separable_axis *v, const float *y, float *x, void *work)
{
	struct pass columns = { v, h->out, y, work }, rows = { h, 0, work, x };

	host->parallel(host, strips(h->out), 0, strip_back, &columns);
	host->parallel(host, (size_t)v->in, 0, row_back, &rows);
}
