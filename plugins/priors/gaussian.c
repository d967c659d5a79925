/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Stationary Gaussian prior, x0 ~ N(mean, S): S is diagonal in the Fourier basis of the periodic image, with the
 * power-law spectrum of natural images (Field 1987; van der Schaaf, van Hateren 1996),
 *
 *	S(f) = amplitude^2 c / (|f|^2 + f0^2)^(exponent/2),	c such that a pixel has variance amplitude^2.
 *
 * The posterior mean under white noise is the Wiener filter mean + S/(S + sigma^2) (u - mean). With a sigma per pixel it
 * solves (S^-1 + W) z = W (u - mean), W = diag(1/sigma^2), x0 = mean + z, by conjugate gradients. Given also a
 * measurement y = A x0 + noise n, with D the result of the Wiener filter and T = S sigma^2/(S + sigma^2) its covariance,
 *
 *	E[x0 | u, y] = D + T^1/2 t,	(I + T^1/2 A'A T^1/2/noise^2) t = T^1/2 A'(y - A D)/noise^2. */
#include <lacuna/conditional.h>
#include <lacuna/plugin.h>
#include "common/fft.h"
#include "common/guess.h"
#include "common/vector.h"

#include <math.h>
#include <string.h>

struct config {
	double exponent, cutoff, mean, amplitude;
	int64_t probes;
};

struct gaussian {
	const struct lacuna_host *host;
	struct fft fft;
	size_t plane, planes, n;
	double mean;
	float *spectrum; /* S(f), rows 0..height/2 of the transform; the other rows mirror these */
	double mean_precision; /* mean of 1/S(f): the diagonal of S^-1 */
	/* Set by condition(). diagonal is A'A/noise^2 if A'A is diagonal (a sigma map then does all), else NULL. */
	const float *y;
	size_t ny;
	double noise2;
	float *diagonal, *pull; /* pull: A'y/noise^2 */
	float *symbol; /* approximation of A'A in the Fourier basis, all rows of the transform */
};

/* The factor on a Fourier coefficient: see gain(). */
enum kind { COVARIANCE_ROOT, PRECISION, WIENER, PRECONDITION, POSTERIOR_ROOT, CONDITIONED };

struct filter {
	const struct gaussian *p;
	enum kind kind;
	double a, b;
	double mean; /* the filter acts on the difference from this value */
};

/* ---- spectrum -------------------------------------------------------------------------------------- */

/* s: the spectrum, g: the operator's symbol */
static double gain(const struct filter *f, double s, double g)
{
	switch (f->kind) {
	case COVARIANCE_ROOT:
		return sqrt(s);
	case PRECISION:
		return 1 / s;
	case PRECONDITION:
		return 1 / (f->a + f->b / s);
	case POSTERIOR_ROOT:
		return sqrt(s / (s + f->a) * f->a);
	case CONDITIONED:
		return 1 / (1 + s / (s + f->a) * f->a * f->b * g);
	default:
		return s / (s + f->a);
	}
}

static void apply_filter(const void *context, int32_t ky, int32_t kx, int32_t count,
			 lacuna_complex *values)
{
	const struct filter *f = context;
	const struct gaussian *p = f->p;
	const int row = 2 * ky <= p->fft.plan->height ? ky : p->fft.plan->height - ky;
	const float *s = p->spectrum + (size_t)row * (size_t)p->fft.plan->columns + kx;

	const float *symbol = NULL;

	if (f->kind == CONDITIONED)
		symbol = p->symbol + (size_t)ky * (size_t)p->fft.plan->columns + kx;
	for (int i = 0; i < count; i++) {
		const double g = gain(f, s[i], symbol ? symbol[i] : 0);

		values[i][0] *= (float)g;
		values[i][1] *= (float)g;
		if (ky == 0 && kx + i == 0)
			values[i][0] += (float)((1 - g) * f->mean * (double)p->plane);
	}
}

/* Filters all planes of an image, one after the other; spectrum is work space. */
static void filter_image(const struct filter *f, const float *in, float *out,
			 lacuna_complex *spectrum)
{
	const struct gaussian *p = f->p;

	for (size_t k = 0; k < p->planes; k++)
		fft_filter(&p->fft, in + k * p->plane, NULL, apply_filter, f, out + k * p->plane,
			   NULL, spectrum);
}

/* Scales S, and the diagonal of S^-1 accordingly. */
static void scale_spectrum(struct gaussian *p, double factor)
{
	const size_t count = (size_t)(p->fft.plan->height / 2 + 1) * (size_t)p->fft.plan->columns;

	for (size_t i = 0; i < count; i++)
		p->spectrum[i] *= (float)factor;
	p->mean_precision /= factor;
}

/* The power law, for a pixel of variance 1. */
static void fill_spectrum(struct gaussian *p, double exponent, double cutoff)
{
	const int w = p->fft.plan->width, h = p->fft.plan->height;
	double variance = 0, precision = 0;

	for (int ky = 0; ky <= h / 2; ky++) {
		const double fy = (double)ky / h;
		float *row = p->spectrum + (size_t)ky * (size_t)p->fft.plan->columns;

		for (int kx = 0; kx < p->fft.plan->columns; kx++) {
			const double fx = (double)kx / w;
			/* how often this value occurs in the whole spectrum */
			const int times =
				(kx == 0 || 2 * kx == w ? 1 : 2) * (ky == 0 || 2 * ky == h ? 1 : 2);
			const double s = pow(fx * fx + fy * fy + cutoff * cutoff, -exponent / 2);

			row[kx] = (float)s;
			variance += times * s;
			precision += times / s;
		}
	}
	p->mean_precision = precision / (double)p->plane;
	scale_spectrum(p, (double)p->plane / variance);
}

/* ---- mean and amplitude from the measurement -------------------------------------------------------- */

struct fit {
	const struct lacuna_host *host;
	const struct lacuna_problem *problem;
	size_t nx, ny;
	float *x, *z, *y, *ay;
	lacuna_complex *spectrum;
};

/* m = fixed, or the constant image that fits best; leaves the residual y - m A 1 in fit->y. */
static int fit_mean(struct gaussian *p, struct fit *fit, double fixed)
{
	const struct lacuna_host *host = fit->host;
	double passed;
	int status;

	if (fixed < 0) {
		status = guess_middle(host, fit->problem, fit->x, fit->ay, fit->y, &p->mean,
				      &passed);
	} else {
		p->mean = fixed;
		vector_fill(fit->nx, 1, fit->x);
		status = host->problem->apply(host, fit->x, fit->ay);
	}
	if (status)
		return status;
	vector_combine(host, fit->ny, 1, fit->problem->measurement, -p->mean, fit->ay, fit->y);
	return LACUNA_OK;
}

static void remove_mean(size_t n, float *x)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	for (size_t i = 0; i < n; i++)
		x[i] -= (float)(sum / (double)n);
}

/* Number of values of y that depend on the image; the others hold no noise either. */
static double count_measured(size_t n, const float *ay)
{
	double count = 0;

	for (size_t i = 0; i < n; i++)
		count += ay[i] != 0;
	return count;
}

/* E ||y - A m||^2 = amplitude^2 E ||A z||^2 + M noise^2, z from the prior of amplitude 1; M is the number of measured
 * values. The expectation is estimated with a few probes (Hutchinson's estimator of a trace). */
static int fit_amplitude(struct gaussian *p, struct fit *fit, int64_t probes, double *amplitude)
{
	const struct lacuna_host *host = fit->host;
	const struct filter root = { .p = p, .kind = COVARIANCE_ROOT };
	const double noise = fit->problem->noise;
	const double energy = vector_inner(host, fit->ny, fit->y, fit->y);
	double unit = 0, measured = 0;

	for (int64_t i = 0; i < probes; i++) {
		int status;

		vector_fill(fit->nx, 0, fit->x);
		vector_add_noise(host, fit->nx, 1, (UINT64_C(1) << 63) + (uint64_t)i, fit->x);
		remove_mean(fit->nx, fit->x); /* fit_mean() has accounted for the mean */
		filter_image(&root, fit->x, fit->z, fit->spectrum);
		status = host->problem->apply(host, fit->z, fit->ay);
		if (status)
			return status;
		unit += vector_inner(host, fit->ny, fit->ay, fit->ay) / (double)probes;
		measured = count_measured(fit->ny, fit->ay);
	}
	*amplitude = 0.25;
	if (unit > 0) /* the lower bound keeps the amplitude above 0 if y is only noise */
		*amplitude = sqrt(fmax(energy - measured * noise * noise, 1e-3 * energy) / unit);
	return LACUNA_OK;
}

static int fit_measurement(struct gaussian *p, const struct config *c,
			   const struct lacuna_problem *problem, double *amplitude)
{
	const struct lacuna_host *host = p->host;
	struct fit fit = { host, problem, p->n, lacuna_count(&problem->y), 0, 0, 0, 0, 0 };
	int status = LACUNA_ENOMEM;

	fit.x = host->alloc(host, fit.nx * sizeof *fit.x);
	fit.z = host->alloc(host, fit.nx * sizeof *fit.z);
	fit.y = host->alloc(host, fit.ny * sizeof *fit.y);
	fit.ay = host->alloc(host, fit.ny * sizeof *fit.ay);
	fit.spectrum = host->alloc(host, p->fft.plan->bytes);
	if (!fit.x || !fit.z || !fit.y || !fit.ay || !fit.spectrum)
		goto out;
	status = fit_mean(p, &fit, c->mean);
	if (!status && c->amplitude == 0)
		status = fit_amplitude(p, &fit, c->probes, amplitude);
out:
	host->release(host, fit.spectrum);
	host->release(host, fit.ay);
	host->release(host, fit.y);
	host->release(host, fit.z);
	host->release(host, fit.x);
	return status;
}

/* ---- instance -------------------------------------------------------------------------------------- */

static void destroy(void *self)
{
	struct gaussian *p = self;

	if (!p)
		return;
	fft_destroy(&p->fft);
	p->host->release(p->host, p->symbol);
	p->host->release(p->host, p->pull);
	p->host->release(p->host, p->diagonal);
	p->host->release(p->host, p->spectrum);
	p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	const int64_t w = problem->x.extent[0], h = problem->x.extent[1];
	struct gaussian *p = host->alloc(host, sizeof *p);
	double amplitude = c->amplitude > 0 ? c->amplitude : 0.25;
	int status;

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	status = fft_create(host, w, h, &p->fft);
	if (status)
		goto fail;
	p->plane = (size_t)w * (size_t)h;
	p->n = lacuna_count(&problem->x);
	p->planes = p->n / p->plane;
	p->mean = c->mean < 0 ? 0.5 : c->mean;
	p->spectrum = host->alloc(host, (size_t)(p->fft.plan->height / 2 + 1) *
						(size_t)p->fft.plan->columns * sizeof *p->spectrum);
	if (!p->spectrum) {
		status = LACUNA_ENOMEM;
		goto fail;
	}
	fill_spectrum(p, c->exponent, c->cutoff / (double)(w > h ? w : h));
	if (problem->measurement && (c->mean < 0 || c->amplitude == 0)) {
		status = fit_measurement(p, c, problem, &amplitude);
		if (status)
			goto fail;
		host->log(host, LACUNA_LOG_INFO, "gaussian: mean %.4f, amplitude %.4f", p->mean,
			  amplitude);
	}
	scale_spectrum(p, amplitude * amplitude);
	*self = p;
	return LACUNA_OK;
fail:
	destroy(p);
	return status;
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->channels = 0;
	i->blind = 0;
	i->sigma_min = 1e-6;
	i->sigma_max = 1e6;
}

/* ---- work ------------------------------------------------------------------------------------------ */

enum { IMAGES = 8 }; /* 6 for denoise_map(), 2 more for conditional_map() */

static size_t scratch_bytes(const void *self)
{
	const struct gaussian *p = self;

	return p->fft.plan->bytes + IMAGES * vector_bytes(p->n) + p->ny * sizeof(float);
}

static float *scratch_image(const struct gaussian *p, void *scratch, int i)
{
	return (float *)((char *)scratch + p->fft.plan->bytes + (size_t)i * vector_bytes(p->n));
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct gaussian *p = self;
	const struct filter wiener = { p, WIENER, sigma * sigma, 0, p->mean };

	filter_image(&wiener, u, x0, scratch);
	return LACUNA_OK;
}

static int vjp(const void *self, void *scratch, double sigma, const float *u, const float *v,
	       float *out)
{
	const struct gaussian *p = self;
	const struct filter wiener = { p, WIENER, sigma * sigma, 0, 0 };

	(void)u;
	filter_image(&wiener, v, out, scratch);
	return LACUNA_OK;
}

/* (S^-1 + W) z = W v, v = u - mean. With q the diagonal of S^-1 and D = W + q, the guess D^-1 W v is right where sigma is
 * small. Conjugate gradients find the rest, e = D^-1/2 t, from
 *
 *	B t = r,	B = D^-1/2 (S^-1 + W) D^-1/2,	r = D^-1/2 (q - S^-1) D^-1 W v,
 *
 * where nothing is large even if a sigma is very small. The preconditioner is the circulant matrix nearest to B, 1 + d
 * (S^-1 - q) with d the mean of 1/D. For a constant sigma it is B itself. */
struct map_problem {
	const struct gaussian *p;
	void *scratch;
	float *root; /* D^-1/2 */
	float *work;
	struct filter precision, precondition;
};

/* out = D^-1/2 (S^-1 - q) x */
static void off_diagonal(const struct map_problem *m, const float *x, float *out)
{
	const float q = (float)m->p->mean_precision;

	filter_image(&m->precision, x, out, m->scratch);
	for (size_t i = 0; i < m->p->n; i++)
		out[i] = m->root[i] * (out[i] - q * x[i]);
}

static int map_operator(const void *system, const float *t, float *out)
{
	const struct map_problem *m = system;

	for (size_t i = 0; i < m->p->n; i++)
		m->work[i] = m->root[i] * t[i];
	off_diagonal(m, m->work, out);
	for (size_t i = 0; i < m->p->n; i++)
		out[i] += t[i];
	return LACUNA_OK;
}

/* Conjugate gradients for apply(system, t) = r. t and d are 0 on entry; r is overwritten; s is work space. */
static int solve_system(const struct gaussian *p, const void *system,
			int (*apply)(const void *, const float *, float *),
			const struct filter *precondition, void *scratch, float *r, float *t,
			float *d, float *s)
{
	enum { MOST = 1000 };
	const struct lacuna_host *host = p->host;
	const size_t n = p->n;
	const double goal = 1e-7 * sqrt(vector_inner(host, n, r, r));
	double rho = 0;

	for (int k = 0; k < MOST && sqrt(vector_inner(host, n, r, r)) > goal; k++) {
		const double last = rho;
		double alpha;
		int status;

		if (host->cancelled(host))
			return LACUNA_ECANCELLED;
		filter_image(precondition, r, s, scratch);
		rho = vector_inner(host, n, r, s);
		vector_combine(host, n, 1, s, k ? rho / last : 0, d, d);
		status = apply(system, d, s);
		if (status)
			return status;
		alpha = rho / vector_inner(host, n, d, s);
		if (!isfinite(alpha))
			return host->fail(host, LACUNA_ENUMERIC, "conjugate gradients diverged");
		vector_combine(host, n, 1, t, alpha, d, t);
		vector_combine(host, n, 1, r, -alpha, s, r);
	}
	return LACUNA_OK;
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	const struct gaussian *p = self;
	const double q = p->mean_precision;
	struct map_problem m = { .p = p, .scratch = scratch };
	float *guess = scratch_image(p, scratch, 0), *r = scratch_image(p, scratch, 1);
	float *d = scratch_image(p, scratch, 2), *s = scratch_image(p, scratch, 3);
	double mean_inverse = 0;
	int status;

	m.root = scratch_image(p, scratch, 4);
	m.work = scratch_image(p, scratch, 5);
	for (size_t i = 0; i < p->n; i++) {
		const double w = 1 / ((double)sigma[i] * sigma[i]);

		m.root[i] = (float)(1 / sqrt(w + q));
		guess[i] = (float)(w / (w + q) * (u[i] - p->mean));
		mean_inverse += 1 / (w + q) / (double)p->n;
	}
	m.precision = (struct filter){ p, PRECISION, 0, 0, 0 };
	m.precondition = (struct filter){ p, PRECONDITION, 1 - mean_inverse * q, mean_inverse, 0 };
	off_diagonal(&m, guess, r);
	vector_combine(p->host, p->n, -1, r, 0, r, r);
	vector_fill(p->n, 0, x0);
	vector_fill(p->n, 0, d);
	status = solve_system(p, &m, map_operator, &m.precondition, scratch, r, x0, d, s);
	if (status)
		return status;
	for (size_t i = 0; i < p->n; i++)
		x0[i] = (float)(p->mean + guess[i] + m.root[i] * x0[i]);
	return LACUNA_OK;
}

/* ---- given a measurement --------------------------------------------------------------------------------- */

/* The diagonal of A'A in the Fourier basis, from random images z: sum conj(Z) F(A'A z)/sum |Z|^2.  Exact where A'A is a
 * convolution; elsewhere it only preconditions. */
static int probe_symbol(struct gaussian *p)
{
	enum { PROBES = 8 };
	static const uint64_t stream = UINT64_C(7) << 61;
	const struct lacuna_host *host = p->host;
	const size_t rows = (size_t)p->fft.plan->height, columns = (size_t)p->fft.plan->columns;
	const size_t bytes = p->fft.plan->bytes;
	float *x = host->alloc(host, p->n * sizeof *x), *z = host->alloc(host, p->n * sizeof *z);
	float *y = host->alloc(host, p->ny * sizeof *y);
	float *power = host->alloc(host, rows * columns * sizeof *power);
	lacuna_complex *fx = host->alloc(host, bytes), *fz = host->alloc(host, bytes);
	int status = x && y && z && power && fx && fz ? LACUNA_OK : LACUNA_ENOMEM;

	for (uint64_t probe = 0; probe < PROBES && !status; probe++) {
		host->gaussian(host, stream + probe, 0, x, p->n);
		status = host->problem->apply(host, x, y);
		if (!status)
			status = host->problem->adjoint(host, NULL, y, z);
		for (size_t k = 0; k < p->planes && !status; k++) {
			fft_forward(&p->fft, x + k * p->plane, NULL, fx);
			fft_forward(&p->fft, z + k * p->plane, NULL, fz);
			for (size_t i = 0; i < rows * columns; i++) {
				const size_t at =
					i / columns * (size_t)p->fft.plan->stride + i % columns;

				p->symbol[i] += fx[at][0] * fz[at][0] + fx[at][1] * fz[at][1];
				power[i] += fx[at][0] * fx[at][0] + fx[at][1] * fx[at][1];
			}
		}
	}
	for (size_t i = 0; i < rows * columns && !status; i++)
		p->symbol[i] = power[i] > 0 ? fmaxf(p->symbol[i] / power[i], 0) : 0;
	host->release(host, fz);
	host->release(host, fx);
	host->release(host, power);
	host->release(host, y);
	host->release(host, z);
	host->release(host, x);
	return status;
}

/* For a diagonal A'A: sets A'A/noise^2 and A'y/noise^2. */
static int scale_diagonal(struct gaussian *p, const struct lacuna_problem *problem)
{
	const int status = p->host->problem->adjoint(p->host, NULL, problem->measurement, p->pull);

	for (size_t i = 0; i < p->n && !status; i++) {
		p->diagonal[i] = (float)(p->diagonal[i] / p->noise2);
		p->pull[i] = (float)(p->pull[i] / p->noise2);
	}
	return status;
}

static int condition(void *self, const struct lacuna_problem *problem, double noise)
{
	struct gaussian *p = self;
	const struct lacuna_host *host = p->host;
	const size_t frequencies = (size_t)p->fft.plan->height * (size_t)p->fft.plan->columns;
	int status;

	host->release(host, p->diagonal);
	host->release(host, p->pull);
	host->release(host, p->symbol);
	p->y = problem->measurement;
	p->ny = lacuna_count(&problem->y);
	p->noise2 = noise * noise;
	p->diagonal = host->alloc(host, p->n * sizeof *p->diagonal);
	p->pull = host->alloc(host, p->n * sizeof *p->pull);
	p->symbol = host->alloc(host, frequencies * sizeof *p->symbol);
	if (!p->diagonal || !p->pull || !p->symbol)
		return LACUNA_ENOMEM;
	status = host->problem->diagonal(host, p->diagonal);
	if (!status)
		return scale_diagonal(p, problem);
	host->release(host, p->diagonal);
	p->diagonal = NULL;
	return status == LACUNA_EUNSUPPORTED ? probe_symbol(p) : status;
}

/* The conditional mean by a sigma map, as guidance exact computes it for other priors. */
static int conditional_map(const struct gaussian *p, void *scratch, double sigma, const float *u,
			   float *x0)
{
	const double own = 1 / (sigma * sigma);
	float *map = scratch_image(p, scratch, 6), *pivot = scratch_image(p, scratch, 7);

	for (size_t i = 0; i < p->n; i++) {
		const double precision = own + p->diagonal[i];

		pivot[i] = (float)((u[i] * own + p->pull[i]) / precision);
		map[i] = (float)(1 / sqrt(precision));
	}
	return denoise_map(p, scratch, map, pivot, x0);
}

struct conditioned {
	const struct gaussian *p;
	void *scratch;
	struct filter root;
	float *work, *y;
};

/* T^1/2 A' y/noise^2; y is y-shaped */
static int pull_back(const struct conditioned *c, const float *y, float *out)
{
	const struct lacuna_host *host = c->p->host;
	const int status = host->problem->adjoint(host, NULL, y, c->work);

	if (status)
		return status;
	filter_image(&c->root, c->work, out, c->scratch);
	vector_combine(host, c->p->n, 1 / c->p->noise2, out, 0, out, out);
	return LACUNA_OK;
}

static int conditioned_operator(const void *system, const float *t, float *out)
{
	const struct conditioned *c = system;
	const struct lacuna_host *host = c->p->host;
	int status;

	filter_image(&c->root, t, c->work, c->scratch);
	status = host->problem->apply(host, c->work, c->y);
	if (!status)
		status = pull_back(c, c->y, out);
	if (!status)
		vector_combine(host, c->p->n, 1, out, 1, t, out);
	return status;
}

static int conditional(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct gaussian *p = self;
	const struct lacuna_host *host = p->host;
	const double sigma2 = sigma * sigma;
	const struct filter precondition = { p, CONDITIONED, sigma2, 1 / p->noise2, 0 };
	struct conditioned c = { .p = p,
				 .scratch = scratch,
				 .root = { p, POSTERIOR_ROOT, sigma2, 0, 0 } };
	float *t = scratch_image(p, scratch, 0), *r = scratch_image(p, scratch, 1);
	float *d = scratch_image(p, scratch, 2), *s = scratch_image(p, scratch, 3);
	int status;

	if (p->diagonal)
		return conditional_map(p, scratch, sigma, u, x0);
	c.work = scratch_image(p, scratch, 4);
	c.y = scratch_image(p, scratch, IMAGES);
	denoise(p, scratch, sigma, u, x0);
	status = host->problem->apply(host, x0, c.y);
	if (status)
		return status;
	vector_combine(host, p->ny, 1, p->y, -1, c.y, c.y);
	status = pull_back(&c, c.y, r);
	if (status)
		return status;
	vector_fill(p->n, 0, t);
	vector_fill(p->n, 0, d);
	status = solve_system(p, &c, conditioned_operator, &precondition, scratch, r, t, d, s);
	if (status)
		return status;
	filter_image(&c.root, t, c.work, scratch);
	vector_combine(host, p->n, 1, x0, 1, c.work, x0);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, exponent, NULL, 0, 6, 2.5,
			  "exponent of the power spectrum, 1/frequency^exponent"),
	LACUNA_PARAM_REAL(struct config, cutoff, "cycles/image", 1e-3, 1e6, 1,
			  "frequency below which the spectrum is flat"),
	LACUNA_PARAM_REAL(struct config, mean, NULL, -1, 1e6, -1,
			  "mean of the image; -1: estimated from the measurement"),
	LACUNA_PARAM_REAL(struct config, amplitude, NULL, 0, 1e6, 0,
			  "standard deviation of a pixel; 0: estimated from the measurement"),
	LACUNA_PARAM_INT(struct config, probes, NULL, 1, 1000, 4,
			 "number of random images that measure how the operator passes the prior"),
};

static const struct lacuna_prior_conditional conditional_family = { condition, conditional };

static const void *extension(const char *name)
{
	return strcmp(name, LACUNA_CONDITIONAL) ? NULL : &conditional_family;
}

static const struct lacuna_prior family = {
	.size = sizeof family,
	.flags = LACUNA_GAUSSIAN,
	.create = create,
	.destroy = destroy,
	.info = info,
	.scratch = scratch_bytes,
	.denoise = denoise,
	.denoise_map = denoise_map,
	.vjp = vjp,
	.jvp = vjp, /* the derivative of a posterior mean is symmetric: covariance / sigma^2 */
	.extension = extension,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	"gaussian",
	"stationary Gaussian prior with a power-law spectrum",
	"Images are Gaussian, with a power spectrum that falls as a power of the frequency. The "
	"denoiser is the Wiener filter, every posterior is known in closed form, and the result is "
	"linear in the measurement. Mean and amplitude are estimated from the measurement unless "
	"you give them. Use it as the reference for samplers and guidances, or where nothing may "
	"be invented.\n\nDo not use it for best quality: it cannot tell an edge from a ripple. It "
	"rounds edges off or makes them ring, where a trained prior keeps them sharp. It assumes "
	"that the image is periodic. The default exponent 2.5 restored blurred photographs best "
	"with the estimated amplitude; 2 is the classical value.\n\nSource: D. J. Field, Relations "
	"between the statistics of natural images and the response properties of cortical cells, "
	"1987 (the spectrum); N. Wiener, 1949 (the filter).",
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
