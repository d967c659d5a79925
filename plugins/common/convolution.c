/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/convolution.h"

#include <math.h>
#include <string.h>

/* ---- create, destroy --------------------------------------------------------------------------------- */

int convolution_create(const struct lacuna_host *host, struct lacuna_fft_grid x,
		       struct lacuna_fft_grid y, int grow, struct convolution *c)
{
	int status;

	*c = (struct convolution){ .x = x, .y = y };
	status = (grow ? fft_create_fast : fft_create)(host, x.width, x.height, &c->fft);
	if (status)
		return status;
	c->transfer = host->alloc(host, c->fft.plan->bytes);
	return c->transfer ? LACUNA_OK : LACUNA_ENOMEM;
}

void convolution_destroy(struct convolution *c)
{
	if (c->fft.host)
		c->fft.host->release(c->fft.host, c->transfer);
	fft_destroy(&c->fft);
}

static int wrap(int i, int n)
{
	return (i % n + n) % n;
}

int convolution_set_kernel(struct convolution *c, const double *kernel, int width, int height,
			   int origin_x, int origin_y)
{
	const struct lacuna_host *host = c->fft.host;
	const int w = c->fft.plan->width, h = c->fft.plan->height;
	float *plane = host->alloc(host, (size_t)w * (size_t)h * sizeof *plane);

	if (!plane)
		return LACUNA_ENOMEM;
	for (int j = 0; j < height; j++)
		for (int i = 0; i < width; i++)
			plane[(size_t)wrap(j - origin_y, h) * (size_t)w +
			      (size_t)wrap(i - origin_x, w)] +=
				(float)kernel[(size_t)j * (size_t)width + (size_t)i];
	fft_forward(&c->fft, plane, NULL, c->transfer);
	host->release(host, plane);
	return LACUNA_OK;
}

/* ---- A, A', functions of A'A ------------------------------------------------------------------------- */

static const lacuna_complex *transfer_at(const struct convolution *c, int ky, int kx)
{
	return c->transfer + (size_t)ky * (size_t)c->fft.plan->stride + kx;
}

static void multiply(const void *context, int32_t ky, int32_t kx, int32_t count, lacuna_complex *v)
{
	const lacuna_complex *k = transfer_at(context, ky, kx);

	for (int i = 0; i < count; i++) {
		float re = k[i][0] * v[i][0] - k[i][1] * v[i][1];
		float im = k[i][0] * v[i][1] + k[i][1] * v[i][0];

		v[i][0] = re;
		v[i][1] = im;
	}
}

static void multiply_conjugate(const void *context, int32_t ky, int32_t kx, int32_t count,
			       lacuna_complex *v)
{
	const lacuna_complex *k = transfer_at(context, ky, kx);

	for (int i = 0; i < count; i++) {
		float re = k[i][0] * v[i][0] + k[i][1] * v[i][1];
		float im = k[i][0] * v[i][1] - k[i][1] * v[i][0];

		v[i][0] = re;
		v[i][1] = im;
	}
}

size_t convolution_bytes(const struct convolution *c)
{
	return c->fft.plan->bytes;
}

void convolution_apply(const struct convolution *c, const float *x, float *y, void *memory)
{
	fft_filter(&c->fft, x, &c->x, multiply, c, y, &c->y, memory);
}

void convolution_adjoint(const struct convolution *c, const float *y, float *x, void *memory)
{
	fft_filter(&c->fft, y, &c->y, multiply_conjugate, c, x, &c->x, memory);
}

struct gain {
	const struct convolution *c;
	lacuna_gain *gain;
	const void *context;
};

static void multiply_gain(const void *context, int32_t ky, int32_t kx, int32_t count,
			  lacuna_complex *v)
{
	const struct gain *g = context;
	const lacuna_complex *k = transfer_at(g->c, ky, kx);

	for (int i = 0; i < count; i++) {
		double re = k[i][0], im = k[i][1];
		float factor = (float)g->gain(re * re + im * im, g->context);

		v[i][0] *= factor;
		v[i][1] *= factor;
	}
}

void convolution_gain(const struct convolution *c, lacuna_gain *gain, const void *context,
		      const float *b, float *x, void *memory)
{
	const struct gain g = { c, gain, context };

	fft_filter(&c->fft, b, &c->x, multiply_gain, &g, x, &c->x, memory);
}

/* ---- conjugate gradients in Fourier space ------------------------------------------------------------ */

/* Vectors are spectra. The inner product of two is that of the planes times the number of pixels. */
struct cg {
	const struct convolution *c;
	double rho, share;
	lacuna_complex *x, *r, *p, *q;
	double *rows; /* two sums for each row of the spectrum */
	double alpha, beta;
};

static size_t rows_bytes(const struct convolution *c)
{
	return ((size_t)c->fft.plan->height * 2 * sizeof(double) + 63) / 64 * 64;
}

size_t convolution_solve_bytes(const struct convolution *c)
{
	return 4 * c->fft.plan->bytes + rows_bytes(c);
}

/* How often a value of the stored half occurs in the whole spectrum. */
static double weight_at(const struct fft *f, int kx)
{
	return kx == 0 || 2 * kx == f->plan->width ? 1 : 2;
}

/* (share |K|^2 + rho)^-1 if y has every pixel, else 1. If y has one pixel in step^2, aliases mix and |K|^2 is a bad guess:
 * a small residual could then hide a large error in what A does not see. */
static double preconditioner(const struct cg *s, const lacuna_complex *k)
{
	const double re = (*k)[0], im = (*k)[1];

	return s->c->y.step > 1 ? 1 : 1 / (s->share * (re * re + im * im) + s->rho);
}

/* Sums |r|^2 and r'M r, M the preconditioner. */
static void sum_residual(const struct cg *s, int ky)
{
	const struct fft *f = &s->c->fft;
	const lacuna_complex *r = s->r + (size_t)ky * (size_t)f->plan->stride;
	const lacuna_complex *k = transfer_at(s->c, ky, 0);
	double rr = 0, rz = 0;

	for (int i = 0; i < f->plan->columns; i++) {
		const double re = r[i][0], im = r[i][1];
		const double square = weight_at(f, i) * (re * re + im * im);

		rr += square;
		rz += square * preconditioner(s, &k[i]);
	}
	s->rows[2 * ky] = rr;
	s->rows[2 * ky + 1] = rz;
}

/* r = b - (q + rho x); b is in p. Sums |b|^2. */
static int first_residual(void *arg, size_t row, void *scratch)
{
	struct cg *s = arg;
	const struct fft *f = &s->c->fft;
	const size_t at = row * (size_t)f->plan->stride;
	double bb = 0;

	(void)scratch;
	for (int i = 0; i < f->plan->columns; i++) {
		const size_t j = at + (size_t)i;

		for (int part = 0; part < 2; part++) {
			const double b = s->p[j][part];

			bb += weight_at(f, i) * b * b;
			s->r[j][part] = (float)(b - s->q[j][part] - s->rho * s->x[j][part]);
		}
	}
	s->rows[2 * row] = bb;
	return LACUNA_OK;
}

static int residual_sums(void *arg, size_t row, void *scratch)
{
	(void)scratch;
	sum_residual(arg, (int)row);
	return LACUNA_OK;
}

static void multiply_preconditioner(const void *context, int32_t ky, int32_t kx, int32_t count,
				    lacuna_complex *v)
{
	const struct cg *s = context;
	const lacuna_complex *k = transfer_at(s->c, ky, kx);

	for (int i = 0; i < count; i++) {
		const float m = (float)preconditioner(s, &k[i]);

		v[i][0] *= m;
		v[i][1] *= m;
	}
}

/* p = q + beta p */
static int add_direction(void *arg, size_t row, void *scratch)
{
	struct cg *s = arg;
	const struct fft *f = &s->c->fft;
	const size_t at = row * (size_t)f->plan->stride;

	(void)scratch;
	for (int i = 0; i < f->plan->columns; i++) {
		const size_t j = at + (size_t)i;

		for (int part = 0; part < 2; part++)
			s->p[j][part] = (float)(s->q[j][part] + s->beta * s->p[j][part]);
	}
	return LACUNA_OK;
}

/* q += rho p; sums p'q. */
static int add_shift(void *arg, size_t row, void *scratch)
{
	struct cg *s = arg;
	const struct fft *f = &s->c->fft;
	const size_t at = row * (size_t)f->plan->stride;
	double pq = 0;

	(void)scratch;
	for (int i = 0; i < f->plan->columns; i++) {
		const size_t j = at + (size_t)i;

		for (int part = 0; part < 2; part++) {
			const double p = s->p[j][part], q = s->q[j][part] + s->rho * p;

			s->q[j][part] = (float)q;
			pq += weight_at(f, i) * p * q;
		}
	}
	s->rows[2 * row] = pq;
	return LACUNA_OK;
}

/* x += alpha p, r -= alpha q; sums the residual. */
static int step(void *arg, size_t row, void *scratch)
{
	struct cg *s = arg;
	const struct fft *f = &s->c->fft;
	const size_t at = row * (size_t)f->plan->stride;

	(void)scratch;
	for (int i = 0; i < f->plan->columns; i++) {
		const size_t j = at + (size_t)i;

		for (int part = 0; part < 2; part++) {
			s->x[j][part] += (float)(s->alpha * s->p[j][part]);
			s->r[j][part] -= (float)(s->alpha * s->q[j][part]);
		}
	}
	sum_residual(s, (int)row);
	return LACUNA_OK;
}

static void run(struct cg *s, lacuna_body *body)
{
	const struct lacuna_host *host = s->c->fft.host;

	(void)host->parallel(host, (size_t)s->c->fft.plan->height, 0, body, s);
}

static double sum_rows(const struct cg *s, int which)
{
	double sum = 0;

	for (int ky = 0; ky < s->c->fft.plan->height; ky++)
		sum += s->rows[2 * ky + which];
	return sum;
}

/* q = F A'WA F^-1 v */
static void normal(struct cg *s, const float *weights, const lacuna_complex *v)
{
	memcpy(s->q, v, s->c->fft.plan->bytes);
	fft_weigh(&s->c->fft, s->q, multiply, multiply_conjugate, s->c, weights, &s->c->y);
}

/* p = E E' M r + beta p, M the preconditioner. Without E E', M would spread r beyond x, where nothing is measured. That
 * costs iterations: three times as many with a circle 3 pixels larger than x. */
static void next_direction(struct cg *s)
{
	const struct convolution *c = s->c;

	memcpy(s->q, s->r, c->fft.plan->bytes);
	if (c->y.step == 1)
		fft_weigh(&c->fft, s->q, multiply_preconditioner, NULL, s, NULL, &c->x);
	run(s, add_direction);
}

/* Mean weight. If y has every pixel, share |K|^2 is a guess at A'WA. */
static double measured_share(const struct convolution *c, const float *weights)
{
	const size_t n = (size_t)c->y.width * (size_t)c->y.height;
	double sum = (double)n;

	if (weights) {
		sum = 0;
		for (size_t i = 0; i < n; i++)
			sum += weights[i];
	}
	return sum / (double)n;
}

/* Conjugate gradients from s->x; on entry s->p is b. */
static int iterate(struct cg *s, const struct lacuna_system *system)
{
	const struct lacuna_host *host = s->c->fft.host;
	double goal, rr, rz;

	normal(s, system->weights, s->x);
	run(s, first_residual);
	goal = system->tolerance * system->tolerance * sum_rows(s, 0);
	run(s, residual_sums);
	rr = sum_rows(s, 0);
	rz = sum_rows(s, 1);
	s->beta = 0;
	memset(s->p, 0, s->c->fft.plan->bytes);
	for (int i = 0; i < system->iterations && rr > goal; i++) {
		const double old = rz;
		double pq;

		if (host->cancelled(host))
			return host->fail(host, LACUNA_ECANCELLED, "cancelled");
		next_direction(s);
		normal(s, system->weights, s->p);
		run(s, add_shift);
		pq = sum_rows(s, 0);
		if (!(pq > 0)) /* the residual is down to rounding errors, or NaN */
			break;
		s->alpha = rz / pq;
		run(s, step);
		rr = sum_rows(s, 0);
		rz = sum_rows(s, 1);
		s->beta = rz / old;
	}
	return isfinite(rr) ? LACUNA_OK
			    : host->fail(host, LACUNA_ENUMERIC,
					 "conjugate gradients met a value that is not finite");
}

static int solve_plane(const struct convolution *c, const struct lacuna_system *system,
		       const float *b, float *x, void *memory)
{
	const size_t bytes = c->fft.plan->bytes;
	char *at = memory;
	struct cg s = { .c = c,
			.rho = system->rho,
			.share = measured_share(c, system->weights),
			.x = (void *)at,
			.r = (void *)(at + bytes),
			.p = (void *)(at + 2 * bytes),
			.q = (void *)(at + 3 * bytes),
			.rows = (void *)(at + 4 * bytes) };
	int status;

	fft_forward(&c->fft, x, &c->x, s.x);
	fft_forward(&c->fft, b, &c->x, s.p);
	status = iterate(&s, system);
	if (!status)
		fft_inverse(&c->fft, s.x, x, &c->x);
	return status;
}

int convolution_solve(const struct convolution *c, size_t planes,
		      const struct lacuna_system *system, const float *b, float *x, void *memory)
{
	const size_t x_plane = (size_t)c->x.width * (size_t)c->x.height;
	const size_t y_plane = (size_t)c->y.width * (size_t)c->y.height;
	struct lacuna_system one = *system;
	int status = LACUNA_OK;

	for (size_t i = 0; !status && i < planes; i++) {
		status = solve_plane(c, &one, b + i * x_plane, x + i * x_plane, memory);
		if (one.weights)
			one.weights += y_plane;
	}
	return status;
}
