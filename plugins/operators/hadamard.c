/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "hadamard": a part of the Walsh-Hadamard transform of each plane of x,
 *	y = P H x,	H orthogonal and symmetric, P = 1 where a coefficient is measured, else 0,
 * with rows and columns of H in the order of sequency (number of changes of sign). A'A = H P H. */
#include <lacuna/plugin.h>
#include <math.h>
#include <string.h>

enum { SEQUENCY, RANDOM };

struct config {
	double keep;
	int64_t order, seed;
};

struct hadamard {
	const struct lacuna_host *host;
	size_t width, height, planes;
	size_t *column, *row;	 /* index in the natural order of sequency i */
	unsigned char *measured; /* one plane, in the order of sequency */
	double scale;		 /* 1 / sqrt(N) */
};

/* ---- shape ------------------------------------------------------------------------------------------- */

static int is_power(int64_t n)
{
	return (n & (n - 1)) == 0;
}

static int64_t power_below(int64_t n)
{
	int64_t p = 1;

	while (p <= n / 2)
		p *= 2;
	return p;
}

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	const int64_t w = known->extent[0], h = known->extent[1];

	(void)config, (void)from_y;
	*wanted = *known;
	if (is_power(w) && is_power(h))
		return LACUNA_OK;
	return host->fail(host, LACUNA_EINVAL,
			  "width and height must be powers of two, and the picture is "
			  "%lldx%lld; crop it to %lldx%lld",
			  (long long)w, (long long)h, (long long)power_below(w),
			  (long long)power_below(h));
}

/* ---- create, destroy --------------------------------------------------------------------------------- */

/* Row s of H in the order of sequency is row reverse(gray(s)) in the natural order. */
static void order_by_sequency(size_t n, size_t *natural)
{
	for (size_t s = 0; s < n; s++) {
		size_t gray = s ^ s >> 1, reversed = 0;

		for (size_t bit = 1; bit < n; bit *= 2, gray /= 2)
			reversed = 2 * reversed + (gray & 1);
		natural[s] = reversed;
	}
}

/* Upper bound on the sum of the two relative sequencies that selects the share `keep' of the coefficients, by bisection. */
static double bound_of(const struct hadamard *p, double keep)
{
	double lo = 0, hi = 2;

	for (int round = 0; round < 50; round++) {
		const double middle = (lo + hi) / 2;
		size_t below = 0;

		for (size_t j = 0; j < p->height; j++) {
			const double v = ((double)j + 0.5) / (double)p->height;
			const double most = (middle - v) * (double)p->width - 0.5;

			if (most >= 0)
				below += most < (double)p->width ? (size_t)floor(most) + 1
								 : p->width;
		}
		if ((double)below <= keep * (double)p->width * (double)p->height)
			lo = middle;
		else
			hi = middle;
	}
	return lo;
}

static void choose(struct hadamard *p, const struct config *c)
{
	const double bound = bound_of(p, c->keep);

	for (size_t j = 0; j < p->height; j++)
		for (size_t i = 0; i < p->width; i++) {
			const size_t at = j * p->width + i;
			const double v = ((double)j + 0.5) / (double)p->height;
			const double most = (bound - v) * (double)p->width - 0.5;

			p->measured[at] =
				c->keep >= 1 ||
				(c->order == SEQUENCY ? (double)i <= most
						      : p->host->random(p->host, (uint64_t)c->seed,
									at) < c->keep);
		}
	p->measured[0] = 1; /* the mean: without it the brightness is unknown */
}

static void destroy(void *self)
{
	struct hadamard *p = self;

	if (!p)
		return;
	p->host->release(p->host, p->column);
	p->host->release(p->host, p->row);
	p->host->release(p->host, p->measured);
	p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	struct hadamard *p = host->alloc(host, sizeof *p);

	(void)y;
	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->width = (size_t)x->extent[0];
	p->height = (size_t)x->extent[1];
	p->planes = (size_t)(x->extent[2] * x->extent[3]);
	p->scale = 1 / sqrt((double)p->width * (double)p->height);
	p->column = host->alloc(host, p->width * sizeof *p->column);
	p->row = host->alloc(host, p->height * sizeof *p->row);
	p->measured = host->alloc(host, p->width * p->height);
	if (!p->column || !p->row || !p->measured) {
		destroy(p);
		return LACUNA_ENOMEM;
	}
	order_by_sequency(p->width, p->column);
	order_by_sequency(p->height, p->row);
	choose(p, config);
	*self = p;
	return LACUNA_OK;
}

/* ---- the work ---------------------------------------------------------------------------------------- */

/* The fast transform of n values, `step' apart, for `count' adjacent columns; natural order, not scaled. */
static void butterflies(float *v, size_t n, size_t step, size_t count)
{
	for (size_t half = 1; half < n; half *= 2)
		for (size_t i = 0; i < n; i += 2 * half)
			for (size_t j = i; j < i + half; j++) {
				float *a = v + j * step, *b = v + (j + half) * step;

				for (size_t k = 0; k < count; k++) {
					const float sum = a[k] + b[k];

					b[k] = a[k] - b[k];
					a[k] = sum;
				}
			}
}

static void transform(const struct hadamard *p, float *plane)
{
	for (size_t j = 0; j < p->height; j++)
		butterflies(plane + j * p->width, p->width, 1, 1);
	butterflies(plane, p->height, p->width, p->width);
}

static size_t natural(const struct hadamard *p, size_t i, size_t j)
{
	return p->row[j] * p->width + p->column[i];
}

static size_t scratch(const void *self)
{
	const struct hadamard *p = self;

	return p->width * p->height * sizeof(float);
}

static int apply(const void *self, void *memory, const float *x, float *y)
{
	const struct hadamard *p = self;
	const size_t n = p->width * p->height;
	float *work = memory;

	for (size_t plane = 0; plane < p->planes * n; plane += n) {
		memcpy(work, x + plane, n * sizeof *work);
		transform(p, work);
		for (size_t j = 0; j < p->height; j++)
			for (size_t i = 0; i < p->width; i++) {
				const size_t at = j * p->width + i;

				y[plane + at] = p->measured[at]
							? (float)(p->scale * work[natural(p, i, j)])
							: 0;
			}
	}
	return LACUNA_OK;
}

static int adjoint(const void *self, void *memory, const float *at, const float *y, float *x)
{
	const struct hadamard *p = self;
	const size_t n = p->width * p->height;

	(void)at, (void)memory;
	for (size_t plane = 0; plane < p->planes * n; plane += n) {
		for (size_t j = 0; j < p->height; j++)
			for (size_t i = 0; i < p->width; i++) {
				const size_t from = j * p->width + i;

				x[plane + natural(p, i, j)] =
					p->measured[from] ? (float)(p->scale * y[plane + from]) : 0;
			}
		transform(p, x + plane);
	}
	return LACUNA_OK;
}

static int spectral(const void *self, void *memory, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	const struct hadamard *p = self;
	const size_t n = p->width * p->height;
	const double scale = p->scale * p->scale;
	const double known = scale * gain(1, context), missing = scale * gain(0, context);

	(void)memory;
	for (size_t plane = 0; plane < p->planes * n; plane += n) {
		float *work = x + plane;

		memcpy(work, b + plane, n * sizeof *work);
		transform(p, work);
		for (size_t j = 0; j < p->height; j++)
			for (size_t i = 0; i < p->width; i++) {
				float *v = &work[natural(p, i, j)];

				*v = (float)((p->measured[j * p->width + i] ? known : missing) *
					     *v);
			}
		transform(p, work);
	}
	return LACUNA_OK;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const char *const orders[] = { "sequency", "random", NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, keep, NULL, 0, 1, 1,
			  "share of the coefficients that are measured"),
	LACUNA_PARAM_CHOICE(struct config, order, orders, SEQUENCY,
			    "which ones: those with the fewest changes of sign, or random ones"),
	{ "seed", NULL, "seed of the random choice", LACUNA_INT, 0, 0, 1e9, 0, "order=random", NULL,
	  LACUNA_OFFSET(struct config, seed, int64_t) },
};

static const char manual[] =
	"Takes a part of the Walsh-Hadamard transform of the picture, with the factor 1/sqrt(N).  "
	"Values that were not measured are 0.  Coefficient (i, j) of y is the sum over the picture "
	"times a pattern of +1 and -1, which changes its sign i times from left to right and j "
	"times from top to bottom.  These are the rows and columns of scipy.linalg.hadamard, "
	"sorted by sequency.  The mean is always measured.\n\n"
	"Use it for a single-pixel camera.  Such a camera shows the patterns with a mirror array "
	"and measures the total light of each.  A mirror can only show 0 and 1, so measure each "
	"pattern and its opposite: the difference is the coefficient.  hadamard:keep=0.2 takes the "
	"fifth of the coefficients with the fewest changes of sign.  Width and height must be "
	"powers of two.  State the noise of a coefficient (-n): Lacuna cannot estimate it.\n\n"
	"Do not use it for other patterns.  For a small matrix there is operator matrix; for "
	"others write a plugin.\n\n"
	"Source: Duarte et al., Single-Pixel Imaging via Compressive Sampling, IEEE Signal "
	"Processing Magazine 25 (2008); order of sequency by Gray code and bit reversal, as in "
	"Beauchamp, Applications of Walsh and Related Functions (1984).  H H = I, so A'A = H P H "
	"and every spectral function is a gain per coefficient.";

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PARTIAL,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.scratch = scratch,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"hadamard",
	"a part of the Walsh-Hadamard transform (single-pixel camera)",
	manual,
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
