/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "downsample": convolution with a kernel k of size n and centre c = n / 2 (rounded down), then every f-th value
 * is kept, at the phase s of each block of f pixels:
 *	y[i] = sum_j k[j] x[f i + s + c - j]	 in each dimension.
 *
 * If the kernel lies within its block (box), blocks are independent and A A' = (sum k^2) I. Otherwise the convolution is
 * circular. For boundary=valid it is at least as large as x, and x has the border that y needs. For boundary=periodic it
 * is as large as x, and A A' is circulant on the coarse grid. common/shrink.h handles fractional factors and factors that
 * differ for rows and columns. */
#include <lacuna/plugin.h>
#include "common/convolution.h"
#include "common/kernel.h"
#include "common/shrink.h"
#include <math.h>

enum { BOX, BILINEAR, BICUBIC, LANCZOS, GAUSSIAN };
enum { VALID, PERIODIC };

struct config {
	const char *psf;
	double factor, factor_x, factor_y, sigma;
	int64_t kernel, boundary, phase, normalize;
};

struct downsample {
	const struct lacuna_host *host;
	int factor, periodic;
	int before_x, before_y; /* border of x before the scene of y[0] */
	int x_width, x_height, y_width, y_height;
	size_t planes; /* channels times frames */
	/* Independent blocks: factor x factor weights, and the sum of their squares. NULL if the kernels of neighbours
	 * overlap. */
	float *block;
	double square;
	/* Overlapping kernels. */
	struct convolution fine;
	/* Overlapping and periodic: eigenvalues of A A', the real parts of a spectrum of coarse. */
	struct fft coarse;
	lacuna_complex *eigenvalues;
	/* Fractional or two factors; otherwise its host is NULL. */
	struct shrink shrink;
};

/* ---- the kernel, and the shapes that follow from it -------------------------------------------------- */

static double factor_of(const struct config *c, int d)
{
	const double own = d ? c->factor_y : c->factor_x;

	return own > 0 ? own : c->factor;
}

/* One whole factor for both dimensions: common/shrink.h is not needed. */
static int is_whole(const struct config *c)
{
	const double f = factor_of(c, 0);

	return f == factor_of(c, 1) && f == floor(f);
}

static int get_kernel(const struct lacuna_host *host, const struct config *c, struct kernel *k)
{
	int status;

	if (!c->psf && c->kernel == GAUSSIAN)
		return kernel_block_gaussian(host, (int)factor_of(c, 0), c->sigma, k);
	if (!c->psf)
		return kernel_resampling(host, (enum kernel_resampling)c->kernel,
					 (int)factor_of(c, 0), k);
	status = kernel_read(host, c->psf, k);
	if (!status && c->normalize)
		status = kernel_normalize(k, c->psf);
	if (status)
		kernel_release(k);
	return status;
}

/* One dimension: offset in x of the block of y[0], and the length of x beyond all blocks, in pixels. */
struct border {
	int before, total;
};

static struct border find_border(const struct config *c, int size, int centre)
{
	int last = (int)factor_of(c, 0) - 1; /* of a block */
	int s = c->phase < 0 ? last / 2 : (int)c->phase;
	int before = size - 1 - centre - s, after = s + centre - last;
	struct border b = { before > 0 ? before : 0, 0 };

	b.total = b.before + (after > 0 ? after : 0);
	return b;
}

/* ---- fractions, and two factors -------------------------------------------------------------------------- */

static struct shrink_kernel find_weights(const struct config *c, const struct shrink_fraction *f)
{
	const enum kernel_resampling kind = (enum kernel_resampling)c->kernel;
	struct shrink_kernel k = { .local = c->kernel == BOX };

	k.weight = c->kernel == GAUSSIAN ? kernel_gaussian_weight : kernel_resampling_weight(kind);
	for (int d = 0; d < 2; d++) {
		k.width[d] = c->kernel == GAUSSIAN ? c->sigma : (double)f[d].p / (double)f[d].q;
		k.reach[d] = c->kernel == GAUSSIAN ? 4 * c->sigma + 1
						   : kernel_resampling_reach(kind, k.width[d]);
	}
	return k;
}

static int find_fractions(const struct lacuna_host *host, const struct config *c,
			  struct shrink_fraction *f)
{
	static const char *const names[] = { "factor_x", "factor_y" };

	if (c->psf || c->boundary == PERIODIC || c->phase >= 0)
		return host->fail(host, LACUNA_EINVAL,
				  "psf, phase and boundary=periodic need one whole "
				  "factor; this one is %g for the width and %g for the height",
				  factor_of(c, 0), factor_of(c, 1));
	for (int d = 0; d < 2; d++) {
		const double number = factor_of(c, d);

		if (number < 1)
			return host->fail(host, LACUNA_EINVAL,
					  "%s=%g would enlarge the picture; give 1 or more",
					  names[d], number);
		if (!shrink_find_fraction(number, &f[d]))
			return host->fail(host, LACUNA_EINVAL,
					  "%g is not a fraction with a denominator up "
					  "to %d; the nearest is %lld/%lld",
					  number, SHRINK_DENOMINATOR, (long long)f[d].p,
					  (long long)f[d].q);
	}
	return LACUNA_OK;
}

static int shape_of_fractions(const struct lacuna_host *host, const struct config *c, int from_y,
			      const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	struct shrink_fraction f[2];
	struct shrink_kernel k;
	int64_t fit[2];
	int status = find_fractions(host, c, f);

	if (status)
		return status;
	k = find_weights(c, f);
	*wanted = *known;
	for (int d = 0; d < 2; d++) {
		const int64_t border = shrink_border(&k, f[d], d);

		if (from_y) {
			wanted->extent[d] = shrink_length(f[d], border, known->extent[d]);
			continue;
		}
		wanted->extent[d] = shrink_back(f[d], border, known->extent[d]);
		fit[d] = shrink_length(f[d], border, wanted->extent[d]);
		if (wanted->extent[d] < 1)
			return host->fail(host, LACUNA_EINVAL,
					  "the image of %lldx%lld is smaller than one "
					  "pixel and its border; take a larger image or a smaller "
					  "factor",
					  (long long)known->extent[0], (long long)known->extent[1]);
	}
	if (!from_y && (fit[0] != known->extent[0] || fit[1] != known->extent[1]))
		return host->fail(host, LACUNA_EINVAL,
				  "an image of %lldx%lld is not made of whole pixels "
				  "of the small one; crop it to %lldx%lld",
				  (long long)known->extent[0], (long long)known->extent[1],
				  (long long)fit[0], (long long)fit[1]);
	return LACUNA_OK;
}

static int make_fractions(struct downsample *p, const struct config *c,
			  const struct lacuna_shape *y)
{
	struct shrink_fraction f[2];
	struct shrink_kernel k;
	int status = find_fractions(p->host, c, f);

	if (status)
		return status;
	k = find_weights(c, f);
	return shrink_create(p->host, &k, f, y->extent, &p->shrink);
}

/* ---- shape ------------------------------------------------------------------------------------------------ */

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	const struct config *c = config;
	int64_t f = (int64_t)factor_of(c, 0), border[2] = { 0, 0 }, fit[2];
	struct kernel k;

	if (!is_whole(c))
		return shape_of_fractions(host, c, from_y, known, wanted);
	if (f == 1)
		return host->fail(host, LACUNA_EINVAL,
				  "factor=1 changes nothing; give a larger one");
	if (c->phase >= f)
		return host->fail(host, LACUNA_EINVAL, "phase=%lld must be below factor=%lld",
				  (long long)c->phase, (long long)f);
	if (c->boundary == VALID) {
		int status = get_kernel(host, c, &k);

		if (status)
			return status;
		border[0] = find_border(c, k.width, k.centre_x).total;
		border[1] = find_border(c, k.height, k.centre_y).total;
		kernel_release(&k);
	}
	*wanted = *known;
	for (int d = 0; d < 2; d++) {
		int64_t blocks = (known->extent[d] - border[d]) / f;

		wanted->extent[d] = from_y ? known->extent[d] * f + border[d] : blocks;
		fit[d] = blocks * f + border[d];
	}
	if (from_y)
		return LACUNA_OK;
	if (wanted->extent[0] < 1 || wanted->extent[1] < 1)
		return host->fail(host, LACUNA_EINVAL,
				  "the image of %lldx%lld is smaller than one block and "
				  "its border (%lldx%lld); take a larger image or a smaller factor",
				  (long long)known->extent[0], (long long)known->extent[1],
				  (long long)(f + border[0]), (long long)(f + border[1]));
	if (fit[0] != known->extent[0] || fit[1] != known->extent[1])
		return host->fail(host, LACUNA_EINVAL,
				  "an image of %lldx%lld is not made of blocks of %lld "
				  "and a border of %lld,%lld pixels; crop it to %lldx%lld",
				  (long long)known->extent[0], (long long)known->extent[1],
				  (long long)f, (long long)border[0], (long long)border[1],
				  (long long)fit[0], (long long)fit[1]);
	return LACUNA_OK;
}

/* ---- create, destroy --------------------------------------------------------------------------------- */

/* Finds the origin in y[0] = sum_j k[j] x[origin - j]; indices of x include its border. */
static void find_origin(const struct downsample *p, const struct config *c, const struct kernel *k,
			int *x, int *y)
{
	int s = c->phase < 0 ? ((int)factor_of(c, 0) - 1) / 2 : (int)c->phase;

	*x = p->before_x + s + k->centre_x;
	*y = p->before_y + s + k->centre_y;
}

static int make_block(struct downsample *p, const struct config *c, const struct kernel *k)
{
	int f = p->factor, x, y;

	p->block = p->host->alloc(p->host, (size_t)f * (size_t)f * sizeof *p->block);
	if (!p->block)
		return LACUNA_ENOMEM;
	find_origin(p, c, k, &x, &y);
	for (int j = 0; j < k->height; j++)
		for (int i = 0; i < k->width; i++) {
			float v = (float)k->values[(size_t)j * (size_t)k->width + (size_t)i];

			p->block[(y - j) * f + (x - i)] = v;
			p->square += (double)v * v;
		}
	return LACUNA_OK;
}

static void down(const struct downsample *p, void *memory, const float *x, float *y);
static void up(const struct downsample *p, void *memory, const float *y, float *x);

/* Eigenvalues of A A': the transform of A A' delta. */
static int make_eigenvalues(struct downsample *p)
{
	const struct lacuna_host *host = p->host;
	size_t n = (size_t)p->y_width * (size_t)p->y_height;
	float *y = host->alloc(host, n * sizeof *y);
	float *x = host->alloc(host, (size_t)p->x_width * (size_t)p->x_height * sizeof *x);
	void *memory = host->alloc(host, convolution_bytes(&p->fine));
	int status = LACUNA_ENOMEM;

	p->eigenvalues = host->alloc(host, p->coarse.plan->bytes);
	if (y && x && memory && p->eigenvalues) {
		y[0] = 1;
		up(p, memory, y, x);
		down(p, memory, x, y);
		fft_forward(&p->coarse, y, NULL, p->eigenvalues);
		status = LACUNA_OK;
	}
	host->release(host, memory);
	host->release(host, x);
	host->release(host, y);
	return status;
}

static void destroy(void *self)
{
	struct downsample *p = self;

	if (!p)
		return;
	convolution_destroy(&p->fine);
	fft_destroy(&p->coarse);
	shrink_destroy(&p->shrink);
	p->host->release(p->host, p->block);
	p->host->release(p->host, p->eigenvalues);
	p->host->release(p->host, p);
}

static int make_overlapping(struct downsample *p, const struct config *c, const struct kernel *k,
			    const struct lacuna_shape *y)
{
	const struct lacuna_fft_grid fine = { p->x_width, p->x_height, 1 };
	const struct lacuna_fft_grid coarse = { p->y_width, p->y_height, p->factor };
	int status = convolution_create(p->host, fine, coarse, !p->periodic, &p->fine), at_x, at_y;

	find_origin(p, c, k, &at_x, &at_y);
	if (!status)
		status = convolution_set_kernel(&p->fine, k->values, k->width, k->height, at_x,
						at_y);
	if (!status && p->periodic)
		status = fft_create(p->host, y->extent[0], y->extent[1], &p->coarse);
	if (!status && p->periodic)
		status = make_eigenvalues(p);
	return status;
}

static int make_whole(struct downsample *p, const struct config *c, const struct kernel *k,
		      const struct lacuna_shape *y)
{
	const struct border bx = find_border(c, k->width, k->centre_x);
	const struct border by = find_border(c, k->height, k->centre_y);

	p->before_x = p->periodic ? 0 : bx.before;
	p->before_y = p->periodic ? 0 : by.before;
	if (!bx.total && !by.total)
		return make_block(p, c, k);
	return make_overlapping(p, c, k, y);
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = config;
	struct downsample *p;
	struct kernel k = { .host = NULL };
	int status = LACUNA_OK;

	if (x->extent[0] > INT32_MAX || x->extent[1] > INT32_MAX)
		return host->fail(host, LACUNA_EINVAL, "the image is too large");
	if (is_whole(c))
		status = get_kernel(host, c, &k);
	if (status)
		return status;
	p = host->alloc(host, sizeof *p);
	if (!p) {
		kernel_release(&k);
		return LACUNA_ENOMEM;
	}
	p->host = host;
	p->factor = (int)factor_of(c, 0);
	p->periodic = c->boundary == PERIODIC;
	p->planes = (size_t)(x->extent[2] * x->extent[3]);
	p->x_width = (int)x->extent[0];
	p->x_height = (int)x->extent[1];
	p->y_width = (int)y->extent[0];
	p->y_height = (int)y->extent[1];
	status = is_whole(c) ? make_whole(p, c, &k, y) : make_fractions(p, c, y);
	kernel_release(&k);
	if (status) {
		destroy(p);
		return status;
	}
	*self = p;
	return LACUNA_OK;
}

/* ---- one plane --------------------------------------------------------------------------------------- */

static size_t x_plane(const struct downsample *p)
{
	return (size_t)p->x_width * (size_t)p->x_height;
}

static size_t y_plane(const struct downsample *p)
{
	return (size_t)p->y_width * (size_t)p->y_height;
}

static void down_blocks(const struct downsample *p, const float *x, float *y)
{
	int f = p->factor;

	for (int row = 0; row < p->y_height; row++)
		for (int column = 0; column < p->y_width; column++) {
			const float *corner = x + (size_t)row * (size_t)f * (size_t)p->x_width +
					      (size_t)column * (size_t)f;
			double sum = 0;

			for (int j = 0; j < f; j++)
				for (int i = 0; i < f; i++)
					sum += (double)p->block[j * f + i] *
					       corner[(size_t)j * (size_t)p->x_width + (size_t)i];
			y[(size_t)row * (size_t)p->y_width + (size_t)column] = (float)sum;
		}
}

static void up_blocks(const struct downsample *p, const float *y, float *x)
{
	int f = p->factor;

	for (int row = 0; row < p->x_height; row++)
		for (int column = 0; column < p->x_width; column++)
			x[(size_t)row * (size_t)p->x_width + (size_t)column] =
				p->block[row % f * f + column % f] *
				y[(size_t)(row / f) * (size_t)p->y_width + (size_t)(column / f)];
}

static void down(const struct downsample *p, void *memory, const float *x, float *y)
{
	if (p->shrink.host)
		shrink_apply(&p->shrink, x, y, memory);
	else if (p->block)
		down_blocks(p, x, y);
	else
		convolution_apply(&p->fine, x, y, memory);
}

static void up(const struct downsample *p, void *memory, const float *y, float *x)
{
	if (p->shrink.host)
		shrink_adjoint(&p->shrink, y, x, memory);
	else if (p->block)
		up_blocks(p, y, x);
	else
		convolution_adjoint(&p->fine, y, x, memory);
}

/* ---- the work ---------------------------------------------------------------------------------------- */

/* Work space, in this order: for fine; then, for spectral(), a spectrum of coarse and a plane of y. */
static size_t coarse_offset(const struct downsample *p)
{
	if (p->block)
		return 0;
	return p->periodic ? convolution_bytes(&p->fine) : convolution_solve_bytes(&p->fine);
}

static size_t plane_offset(const struct downsample *p)
{
	return coarse_offset(p) + (p->eigenvalues ? p->coarse.plan->bytes : 0);
}

static int has_spectral(const struct downsample *p)
{
	return p->block || p->eigenvalues;
}

static size_t scratch(const void *self)
{
	const struct downsample *p = self;

	if (p->shrink.host)
		return shrink_bytes(&p->shrink);
	return plane_offset(p) + (has_spectral(p) ? y_plane(p) * sizeof(float) : 0);
}

static int apply(const void *self, void *memory, const float *x, float *y)
{
	const struct downsample *p = self;

	for (size_t i = 0; i < p->planes; i++)
		down(p, memory, x + i * x_plane(p), y + i * y_plane(p));
	return LACUNA_OK;
}

static int adjoint(const void *self, void *memory, const float *at, const float *y, float *x)
{
	const struct downsample *p = self;

	(void)at;
	for (size_t i = 0; i < p->planes; i++)
		up(p, memory, y + i * y_plane(p), x + i * x_plane(p));
	return LACUNA_OK;
}

struct spectral {
	const struct downsample *p;
	lacuna_gain *gain;
	const void *context;
	double null; /* gain(0) */
};

/* (gain(h) - gain(0)) / h. If h is 0 or negative by rounding, A A' v is 0 too and the factor does not matter. */
static double range_gain(const struct spectral *s, double h)
{
	return h > 0 ? (s->gain(h, s->context) - s->null) / h : 0;
}

static void multiply_gain(const void *context, int32_t ky, int32_t kx, int32_t count,
			  lacuna_complex *v)
{
	const struct spectral *s = context;
	const lacuna_complex *h =
		s->p->eigenvalues + (size_t)ky * (size_t)s->p->coarse.plan->stride + kx;

	for (int i = 0; i < count; i++) {
		float g = (float)range_gain(s, h[i][0]);

		v[i][0] *= g;
		v[i][1] *= g;
	}
}

static int spectral_of_fractions(const struct downsample *p, void *memory, lacuna_gain *gain,
				 const void *context, const float *b, float *x)
{
	int status = LACUNA_OK;

	for (size_t i = 0; !status && i < p->planes; i++)
		status = shrink_spectral(&p->shrink, gain, context, b + i * x_plane(p),
					 x + i * x_plane(p), memory);
	return status;
}

/* With h the eigenvalues of A A':	gain(A'A) b = gain(0) b + A' [(gain(h) - gain(0)) / h] A b */
static int spectral(const void *self, void *memory, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	const struct downsample *p = self;
	const struct spectral s = { p, gain, context, gain(0, context) };
	lacuna_complex *coarse;
	float *y;

	if (p->shrink.host)
		return spectral_of_fractions(p, memory, gain, context, b, x);
	if (!has_spectral(p))
		return LACUNA_EUNSUPPORTED;
	coarse = (lacuna_complex *)(void *)((char *)memory + coarse_offset(p));
	y = (float *)(void *)((char *)memory + plane_offset(p));
	for (size_t i = 0; i < p->planes; i++, b += x_plane(p), x += x_plane(p)) {
		double scale = p->block ? range_gain(&s, p->square) : 1;

		down(p, memory, b, y);
		if (!p->block)
			fft_filter(&p->coarse, y, NULL, multiply_gain, &s, y, NULL, coarse);
		up(p, memory, y, x);
		for (size_t k = 0; k < x_plane(p); k++)
			x[k] = (float)(s.null * b[k] + scale * x[k]);
	}
	return LACUNA_OK;
}

static int solve(const void *self, void *memory, const struct lacuna_system *system, const float *b,
		 float *x)
{
	const struct downsample *p = self;

	if (p->shrink.host || has_spectral(p))
		return LACUNA_EUNSUPPORTED;
	return convolution_solve(&p->fine, p->planes, system, b, x, memory);
}

static int window(const void *self, const struct lacuna_region *in_y, struct lacuna_region *in_x)
{
	const struct downsample *p = self;
	const struct shrink *s = &p->shrink;

	*in_x = *in_y;
	for (int d = 0; d < 2; d++) {
		const struct shrink_fraction f =
			s->host ? s->factor[d] : (struct shrink_fraction){ p->factor, 1 };

		in_x->origin[d] = in_y->origin[d] * f.p / f.q;
		in_x->extent[d] =
			shrink_length(f, 0, in_y->origin[d] + in_y->extent[d]) - in_x->origin[d];
		in_x->origin[d] += s->border[d];
	}
	in_x->origin[0] += p->before_x;
	in_x->origin[1] += p->before_y;
	return LACUNA_OK;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const char *const kernels[] = { "box", "bilinear", "bicubic", "lanczos", "gaussian", NULL };
static const char *const boundaries[] = { "valid", "periodic", NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, factor, NULL, 1, 64, 2,
			  "factor by which width and height are divided, such as 2, 1.5 or 4/3"),
	LACUNA_PARAM_REAL(struct config, factor_x, NULL, 0, 64, 0,
			  "factor for the width alone; 0: as factor"),
	LACUNA_PARAM_REAL(struct config, factor_y, NULL, 0, 64, 0,
			  "factor for the height alone; 0: as factor"),
	LACUNA_PARAM_CHOICE_IF(struct config, "psf=", kernel, kernels, BOX,
			       "weights for averaging the large image into a small pixel"),
	LACUNA_PARAM_REAL_IF(struct config, "kernel=gaussian", sigma, "px", 0, 200, 1,
			     "gaussian: standard deviation, in pixels of the large image"),
	LACUNA_PARAM_PATH(struct config, psf, LACUNA_SAMPLED, NULL,
			  "kernel from a TIFF, PNG or text matrix, in pixels of the large image"),
	LACUNA_PARAM_CHOICE(
		struct config, boundary, boundaries, VALID,
		"outside the picture: unknown (valid), or the picture repeats (periodic)"),
	LACUNA_PARAM_INT(struct config, phase, "px", -1, 63, -1,
			 "row and column of each block that is sampled, from 0; -1: the middle"),
	LACUNA_PARAM_BOOL(struct config, normalize, 1, "divide the psf by its sum"),
};

static const char manual[] =
	"Makes the image smaller by a factor f.  Restoring with it enlarges a picture "
	"(super-resolution).  Pixel i of the small picture is y[i] = sum_j k[j] x[f i + s + c - j] "
	"in each dimension: the large picture is convolved with the kernel k, whose centre is c "
	"(half its size, rounded down), and sampled at the phase s of each block of f pixels.  s "
	"is (f-1)/2 rounded down, so that a kernel symmetric about the middle of the block does "
	"not shift the picture.  phase=0 is the rule \"blur, then take every f-th pixel from the "
	"first\".\n\n"
	"Kernels: box is the mean of the f x f pixels of a block, as in a sensor with large "
	"pixels.  bicubic (a = -1/2), bilinear and lanczos (three lobes) are the kernels that "
	"programs use to shrink pictures, stretched by f.  Away from the border they have the "
	"weights of MATLAB's imresize and of Pillow.  gaussian has the width sigma.  psf=FILE is "
	"any kernel.  All have the sum 1, except files with normalize=no.\n\n"
	"boundary=valid, the default: the unknown image has the border that the kernel needs.  The "
	"border is cropped when the image is written.  box needs none.  boundary=periodic treats "
	"the picture as one tile of a repeating pattern.  box, and any kernel with "
	"boundary=periodic, have a closed form for all data steps.  simulate needs an image of "
	"whole blocks and the border; for other images it says to which size to crop them.\n\n"
	"The factor may be a fraction with a denominator of at most 100, such as 1.5 or 4/3.  It "
	"may differ between width and height: factor_x=3,factor_y=1.  For fractions, box is the "
	"exact mean of the area of a small pixel, and has a closed form.  The other kernels are "
	"sampled at their distances from the middle of that area, as in Pillow, and are solved by "
	"iterations.  psf, phase and boundary=periodic need whole factors.\n\n"
	"Do not use it to enlarge a picture that is not sharp at its own size, unless you give the "
	"blur too, as a psf.\n\n"
	"Source: Zhao et al., Fast Single Image Super-Resolution Using a New Analytical Solution "
	"for l2-l2 Problems, IEEE TIP 25 (2016): A A' is circulant on the coarse grid, with the "
	"means of |K|^2 over aliases as eigenvalues.  Bicubic: Keys, IEEE Trans. ASSP 29 (1981).";

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PICTURE | LACUNA_PARTIAL,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.scratch = scratch,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
	.window = window,
	.solve = solve,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"downsample",
	"a smaller picture (super-resolution)",
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
