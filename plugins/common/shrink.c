/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* See shrink.h. With a local kernel each pixel of y is a mean over its own area, and shares pixels of x only with its
 * neighbours. Every q pixels of y, p of x, borders of both coincide, and no pixel of x is shared across them. So V V' and
 * H H' consist of equal tridiagonal blocks of q rows, A A' is their Kronecker product, and functions of it need the
 * eigenvectors of one block only. */
#include "common/shrink.h"
#include <lapacke.h>
#include <math.h>
#include <string.h>

/* ---- fractions ---------------------------------------------------------------------------------------- */

int shrink_find_fraction(double number, struct shrink_fraction *f)
{
	double best = INFINITY;

	for (int64_t q = 1; q <= SHRINK_DENOMINATOR; q++) {
		const double p = floor(number * (double)q + 0.5);
		const double error = fabs(number - p / (double)q);

		if (error < 0.999 * best) {
			*f = (struct shrink_fraction){ (int64_t)p, q };
			best = error;
		}
		if (best <= 1e-9 * number)
			return 1;
	}
	return 0;
}

static double value_of(struct shrink_fraction f)
{
	return (double)f.p / (double)f.q;
}

int64_t shrink_border(const struct shrink_kernel *k, struct shrink_fraction f, int d)
{
	return (int64_t)fmax(ceil(k->reach[d] - value_of(f) / 2 - 0.5 - 1e-9), 0);
}

int64_t shrink_length(struct shrink_fraction f, int64_t border, int64_t y)
{
	return (y * f.p + f.q - 1) / f.q + 2 * border;
}

int64_t shrink_back(struct shrink_fraction f, int64_t border, int64_t x)
{
	return x > 2 * border ? (x - 2 * border) * f.q / f.p : 0;
}

/* ---- create, destroy ----------------------------------------------------------------------------------- */

static int make_axis(const struct shrink *s, const struct shrink_kernel *k, int d, int64_t out,
		     struct separable_axis *a)
{
	const double f = value_of(s->factor[d]), reach = k->reach[d];
	const int64_t in = shrink_length(s->factor[d], s->border[d], out);
	int status = separable_create(s->host, in, out, 2 * (int64_t)ceil(reach) + 1, a);

	for (int64_t o = 0; !status && o < out; o++) {
		const double u = (double)s->border[d] + ((double)o + 0.5) * f - 0.5;
		int64_t first = (int64_t)floor(u - reach) + 1;
		double sum = 0;

		first = first > 0 ? first : 0;
		a->first[o] = first + a->taps <= in ? first : in - a->taps;
		for (int64_t i = first; i < in && (double)i < u + reach; i++)
			sum += k->weight(k->width[d], (double)i - u);
		for (int64_t i = first; i < in && (double)i < u + reach; i++)
			separable_add(a, o, i, k->weight(k->width[d], (double)i - u) / sum);
	}
	return status;
}

/* Inner product of two rows of an axis. */
static double product(const struct separable_axis *a, int64_t o, int64_t other)
{
	double sum = 0;

	for (int64_t k = 0; k < a->taps; k++) {
		const int64_t tap = a->first[o] + k - a->first[other];

		if (tap >= 0 && tap < a->taps)
			sum += (double)a->weight[o * a->taps + k] *
			       a->weight[other * a->taps + tap];
	}
	return sum;
}

/* Makes the block of the first `size' rows. */
static int make_block(const struct shrink *s, const struct separable_axis *a, int size,
		      struct shrink_block *b)
{
	const size_t n = (size_t)size;

	b->size = size;
	if (!size)
		return LACUNA_OK;
	b->values = s->host->alloc(s->host, n * sizeof *b->values);
	b->vectors = s->host->alloc(s->host, n * n * sizeof *b->vectors);
	if (!b->values || !b->vectors)
		return LACUNA_ENOMEM;
	for (int i = 0; i < size; i++)
		for (int k = 0; k < size; k++)
			b->vectors[i * size + k] = product(a, i, k);
	if (LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'V', 'L', size, b->vectors, size, b->values))
		return s->host->fail(s->host, LACUNA_ENUMERIC,
				     "LAPACK finds no eigenvalues of %dx%d means", size, size);
	return LACUNA_OK;
}

void shrink_destroy(struct shrink *s)
{
	if (!s->host)
		return;
	for (int d = 0; d < 2; d++) {
		separable_destroy(s->host, &s->axis[d]);
		for (int k = 0; k < 2; k++) {
			s->host->release(s->host, s->block[d][k].values);
			s->host->release(s->host, s->block[d][k].vectors);
		}
	}
	memset(s, 0, sizeof *s);
}

int shrink_create(const struct lacuna_host *host, const struct shrink_kernel *k,
		  const struct shrink_fraction factor[2], const int64_t y[2], struct shrink *s)
{
	int status = LACUNA_OK;

	memset(s, 0, sizeof *s);
	s->host = host;
	for (int d = 0; !status && d < 2; d++) {
		const int64_t q = factor[d].q;

		s->factor[d] = factor[d];
		s->border[d] = shrink_border(k, factor[d], d);
		status = make_axis(s, k, d, y[d], &s->axis[d]);
		if (!status && k->local)
			status = make_block(s, &s->axis[d], (int)(y[d] < q ? 0 : q),
					    &s->block[d][0]);
		if (!status && k->local)
			status = make_block(s, &s->axis[d], (int)(y[d] % q), &s->block[d][1]);
	}
	if (status)
		shrink_destroy(s);
	return status;
}

/* ---- A, A' --------------------------------------------------------------------------------------------- */

/* Work space, in this order: for A and A', a plane of y, the gains. */
static size_t axes_bytes(const struct shrink *s)
{
	return separable_bytes(&s->axis[0], &s->axis[1]);
}

static size_t plane_bytes(const struct shrink *s)
{
	return ((size_t)s->axis[0].out * (size_t)s->axis[1].out * sizeof(float) + 63) / 64 * 64;
}

static int eigenvalues(const struct shrink *s, int d)
{
	return s->block[d][0].size + s->block[d][1].size;
}

size_t shrink_bytes(const struct shrink *s)
{
	const size_t gains = (size_t)eigenvalues(s, 0) * (size_t)eigenvalues(s, 1);

	return axes_bytes(s) + (gains ? plane_bytes(s) + gains * sizeof(double) : 0);
}

void shrink_apply(const struct shrink *s, const float *x, float *y, void *work)
{
	separable_apply(s->host, &s->axis[0], &s->axis[1], x, y, work);
}

void shrink_adjoint(const struct shrink *s, const float *y, float *x, void *work)
{
	separable_adjoint(s->host, &s->axis[0], &s->axis[1], y, x, work);
}

/* ---- functions of A'A ---------------------------------------------------------------------------------- */

/* The block of value o of axis d; *first is the index of its first eigenvalue in the list of both blocks. */
static const struct shrink_block *block_at(const struct shrink *s, int d, int64_t o, int *first)
{
	const struct shrink_block *b = s->block[d];
	const int64_t in_whole = s->axis[d].out - b[1].size;

	*first = o < in_whole ? 0 : b[0].size;
	return o < in_whole ? &b[0] : &b[1];
}

static double eigenvalue(const struct shrink *s, int d, int k)
{
	const struct shrink_block *b = s->block[d];
	const double value = k < b[0].size ? b[0].values[k] : b[1].values[k - b[0].size];

	return fmax(value, 0);
}

/* Turns values `step' apart into coefficients of eigenvectors, or back. */
static void turn(const struct shrink_block *b, int back, float *values, int64_t step)
{
	double in[SHRINK_DENOMINATOR];

	for (int k = 0; k < b->size; k++)
		in[k] = values[k * step];
	for (int k = 0; k < b->size; k++) {
		double sum = 0;

		for (int i = 0; i < b->size; i++)
			sum += in[i] * b->vectors[back ? k * b->size + i : i * b->size + k];
		values[k * step] = (float)sum;
	}
}

struct pass {
	const struct shrink *s;
	float *y;
	const double *gains;
	int back;
};

static int turn_row(void *arg, size_t row, void *scratch)
{
	const struct pass *p = arg;
	const int64_t width = p->s->axis[0].out;
	float *y = p->y + row * (size_t)width;
	int first;

	(void)scratch;
	for (int64_t i = 0; i < width;) {
		const struct shrink_block *b = block_at(p->s, 0, i, &first);

		turn(b, p->back, y + i, 1);
		i += b->size;
	}
	return LACUNA_OK;
}

/* Turns a column into coefficients, multiplies by the gains, and turns it back. */
static int filter_column(void *arg, size_t column, void *scratch)
{
	const struct pass *p = arg;
	const struct shrink *s = p->s;
	const int64_t width = s->axis[0].out, height = s->axis[1].out;
	int across, down;
	const struct shrink_block *of_row = block_at(s, 0, (int64_t)column, &across);

	across += (int)((int64_t)column % s->factor[0].q) % of_row->size;
	(void)scratch;
	for (int64_t j = 0; j < height;) {
		const struct shrink_block *b = block_at(s, 1, j, &down);
		float *y = p->y + j * width + (int64_t)column;

		turn(b, 0, y, width);
		for (int k = 0; k < b->size; k++)
			y[k * width] *= (float)p->gains[(down + k) * eigenvalues(s, 0) + across];
		turn(b, 1, y, width);
		j += b->size;
	}
	return LACUNA_OK;
}

/* With h the eigenvalues of A A':	gain(A'A) b = gain(0) b + A' [(gain(h) - gain(0)) / h] A b */
int shrink_spectral(const struct shrink *s, lacuna_gain *gain, const void *context, const float *b,
		    float *x, void *work)
{
	const double null = gain(0, context);
	const size_t n = (size_t)s->axis[0].in * (size_t)s->axis[1].in;
	float *y = (float *)(void *)((char *)work + axes_bytes(s));
	double *gains = (double *)(void *)((char *)y + plane_bytes(s));
	struct pass p = { s, y, gains, 0 };
	int status;

	if (!eigenvalues(s, 0))
		return LACUNA_EUNSUPPORTED;
	for (int j = 0; j < eigenvalues(s, 1); j++)
		for (int i = 0; i < eigenvalues(s, 0); i++) {
			const double h = eigenvalue(s, 0, i) * eigenvalue(s, 1, j);

			gains[j * eigenvalues(s, 0) + i] =
				h > 0 ? (gain(h, context) - null) / h : 0;
		}
	shrink_apply(s, b, y, work);
	status = s->host->parallel(s->host, (size_t)s->axis[1].out, 0, turn_row, &p);
	if (!status)
		status = s->host->parallel(s->host, (size_t)s->axis[0].out, 0, filter_column, &p);
	p.back = 1;
	if (!status)
		status = s->host->parallel(s->host, (size_t)s->axis[1].out, 0, turn_row, &p);
	if (status)
		return status;
	shrink_adjoint(s, y, x, work);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(null * b[i] + x[i]);
	return LACUNA_OK;
}
