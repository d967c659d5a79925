/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "radon": sums of each plane of x along parallel lines.  Bin b of angle theta is the integral of the picture, made of
 * square pixels, over the strip |s - b| < 1/2 of
 *	s = dx cos(theta) - dy sin(theta) + (bins - 1) / 2 + axis,
 * dx, dy from the middle of the picture, y down: that of skimage.transform.radon, one angle a row.  The area of a pixel in
 * a strip is exact, and the adjoint has the same weights. */
#include <lacuna/plugin.h>
#include "common/fft.h"
#include <math.h>
#include <string.h>

enum { TABLE = 1024 }; /* steps of the place of a pixel within a bin */

struct config {
	int64_t angles, bins;
	double span, start, axis;
};

struct radon {
	const struct lacuna_host *host;
	size_t width, height, planes, bins, angles;
	double middle;	       /* s of the middle of the picture */
	double *cosine, *sine; /* of each angle */
	float *left;	       /* angles x (TABLE + 1): see shadow_left() */
	double span;	       /* radians */
	struct fft fft;	       /* for approximate() */
};

/* ---- shape ------------------------------------------------------------------------------------------- */

/* All of the picture at every angle. */
static int64_t bins_for(const struct config *c, int64_t width, int64_t height)
{
	return c->bins ? c->bins : (int64_t)ceil(hypot((double)width, (double)height));
}

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	const struct config *c = config;
	const int64_t width = wanted->extent[0], height = wanted->extent[1];

	if (!from_y) {
		*wanted = *known;
		wanted->extent[0] = bins_for(c, known->extent[0], known->extent[1]);
		wanted->extent[1] = c->angles;
		return LACUNA_OK;
	}
	if (known->extent[1] != c->angles)
		return host->fail(host, LACUNA_EINVAL,
				  "radon: the sinogram has %lld rows, one for each angle: say "
				  "angles=%lld",
				  (long long)known->extent[1], (long long)known->extent[1]);
	if (width < 1 || height < 1)
		return host->fail(host, LACUNA_EINVAL,
				  "radon: a sinogram does not tell the size of the picture: say "
				  "--size, such as --size %lldx%lld",
				  (long long)ceil((double)known->extent[0] / sqrt(2)),
				  (long long)ceil((double)known->extent[0] / sqrt(2)));
	if (known->extent[0] != bins_for(c, width, height))
		return host->fail(host, LACUNA_EINVAL,
				  "radon: a picture of %lldx%lld gives %lld bins, the sinogram has "
				  "%lld columns: say bins=%lld",
				  (long long)width, (long long)height,
				  (long long)bins_for(c, width, height),
				  (long long)known->extent[0], (long long)known->extent[0]);
	*wanted = *known;
	wanted->extent[0] = width;
	wanted->extent[1] = height;
	return LACUNA_OK;
}

/* ---- create, destroy --------------------------------------------------------------------------------- */

/* The part of a pixel's shadow on the detector, a trapezoid of area 1, that lies left of t. */
static double shadow_left(double c, double s, double t)
{
	const double outer = (fabs(c) + fabs(s)) / 2, inner = fabs(fabs(c) - fabs(s)) / 2;
	const double height = 1 / fmax(fabs(c), fabs(s)), ramp = outer - inner;

	if (t <= -outer)
		return 0;
	if (t >= outer)
		return 1;
	if (t < -inner)
		return height * (t + outer) * (t + outer) / (2 * ramp);
	if (t > inner)
		return 1 - height * (outer - t) * (outer - t) / (2 * ramp);
	return 0.5 + height * t;
}

static void fill_tables(struct radon *r, const struct config *c)
{
	static const double degree = 3.14159265358979323846 / 180;

	for (size_t a = 0; a < r->angles; a++) {
		const double theta = degree * (c->start + c->span * (double)a / (double)r->angles);

		r->cosine[a] = cos(theta);
		r->sine[a] = sin(theta);
		for (size_t k = 0; k <= TABLE; k++)
			r->left[a * (TABLE + 1) + k] =
				(float)shadow_left(r->cosine[a], r->sine[a], -(double)k / TABLE);
	}
}

static void destroy(void *self)
{
	struct radon *r = self;

	if (!r)
		return;
	fft_destroy(&r->fft);
	r->host->release(r->host, r->cosine);
	r->host->release(r->host, r->sine);
	r->host->release(r->host, r->left);
	r->host->release(r->host, r);
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = config;
	struct radon *r = host->alloc(host, sizeof(*r));
	int status = LACUNA_ENOMEM;

	if (!r)
		return LACUNA_ENOMEM;
	r->host = host;
	r->width = (size_t)x->extent[0];
	r->height = (size_t)x->extent[1];
	r->planes = (size_t)(x->extent[2] * x->extent[3]);
	r->bins = (size_t)y->extent[0];
	r->angles = (size_t)y->extent[1];
	r->middle = ((double)r->bins - 1) / 2 + c->axis;
	r->span = c->span / 180 * 3.14159265358979323846;
	r->cosine = host->alloc(host, r->angles * sizeof(*r->cosine));
	r->sine = host->alloc(host, r->angles * sizeof(*r->sine));
	r->left = host->alloc(host, r->angles * (TABLE + 1) * sizeof(*r->left));
	if (r->cosine && r->sine && r->left)
		status = fft_create(host, fft_good_size(x->extent[0]), fft_good_size(x->extent[1]),
				    &r->fft);
	if (status) {
		destroy(r);
		return status;
	}
	fill_tables(r, c);
	*self = r;
	return LACUNA_OK;
}

/* ---- one pixel --------------------------------------------------------------------------------------- */

/* The shadow of a pixel at s falls on bin k and its neighbours, for it is narrower than 3/2: with f = s - k, from -1/2 to
 * 1/2, the part left of the bin is what lies left of -1/2 - f, and by symmetry the part right of it, left of f - 1/2. */
struct shadow {
	ptrdiff_t bin;
	float before, on, after;
};

static float left_of(const float *table, double t)
{
	const double place = -t * TABLE;
	const size_t k = place < TABLE - 1 ? (size_t)place : TABLE - 1;

	return table[k] + (float)(place - (double)k) * (table[k + 1] - table[k]);
}

static struct shadow cast_shadow(const float *table, double s)
{
	const double bin = floor(s + 0.5), f = s - bin;
	struct shadow shadow = { (ptrdiff_t)bin, left_of(table, -0.5 - f), 0,
				 left_of(table, f - 0.5) };

	shadow.on = 1 - shadow.before - shadow.after;
	return shadow;
}

/* ---- the work ---------------------------------------------------------------------------------------- */

struct pass {
	const struct radon *r;
	const float *in;
	float *out;
};

static double place_of_row(const struct radon *r, size_t angle, size_t j)
{
	const double dx = -((double)r->width - 1) / 2, dy = (double)j - ((double)r->height - 1) / 2;

	return dx * r->cosine[angle] - dy * r->sine[angle] + r->middle;
}

static int is_bin(const struct radon *r, ptrdiff_t bin)
{
	return bin >= 0 && bin < (ptrdiff_t)r->bins;
}

static int project_angle(void *arg, size_t angle, void *scratch)
{
	const struct pass *p = arg;
	const struct radon *r = p->r;
	const float *table = r->left + angle * (TABLE + 1);
	double *sums = scratch;

	memset(sums, 0, r->bins * sizeof(*sums));
	for (size_t j = 0; j < r->height; j++) {
		const double first = place_of_row(r, angle, j);

		for (size_t i = 0; i < r->width; i++) {
			const struct shadow s =
				cast_shadow(table, first + (double)i * r->cosine[angle]);
			const double v = p->in[j * r->width + i];

			if (is_bin(r, s.bin - 1))
				sums[s.bin - 1] += v * s.before;
			if (is_bin(r, s.bin))
				sums[s.bin] += v * s.on;
			if (is_bin(r, s.bin + 1))
				sums[s.bin + 1] += v * s.after;
		}
	}
	for (size_t b = 0; b < r->bins; b++)
		p->out[angle * r->bins + b] = (float)sums[b];
	return LACUNA_OK;
}

static int project_back_row(void *arg, size_t j, void *scratch)
{
	const struct pass *p = arg;
	const struct radon *r = p->r;
	double *sums = scratch;

	memset(sums, 0, r->width * sizeof(*sums));
	for (size_t angle = 0; angle < r->angles; angle++) {
		const float *table = r->left + angle * (TABLE + 1);
		const float *row = p->in + angle * r->bins;
		const double first = place_of_row(r, angle, j);

		for (size_t i = 0; i < r->width; i++) {
			const struct shadow s =
				cast_shadow(table, first + (double)i * r->cosine[angle]);

			if (is_bin(r, s.bin - 1))
				sums[i] += (double)row[s.bin - 1] * s.before;
			if (is_bin(r, s.bin))
				sums[i] += (double)row[s.bin] * s.on;
			if (is_bin(r, s.bin + 1))
				sums[i] += (double)row[s.bin + 1] * s.after;
		}
	}
	for (size_t i = 0; i < r->width; i++)
		p->out[j * r->width + i] = (float)sums[i];
	return LACUNA_OK;
}

static size_t scratch_bytes(const void *self)
{
	const struct radon *r = self;

	return fft_bytes(&r->fft);
}

static int apply(const void *self, void *memory, const float *x, float *y)
{
	const struct radon *r = self;
	int status = LACUNA_OK;

	(void)memory;
	for (size_t i = 0; i < r->planes && !status; i++) {
		struct pass p = { r, x + i * r->width * r->height, y + i * r->bins * r->angles };

		status = r->host->parallel(r->host, r->angles, r->bins * sizeof(double),
					   project_angle, &p);
	}
	return status;
}

static int adjoint(const void *self, void *memory, const float *at, const float *y, float *x)
{
	const struct radon *r = self;
	int status = LACUNA_OK;

	(void)memory, (void)at;
	for (size_t i = 0; i < r->planes && !status; i++) {
		struct pass p = { r, y + i * r->bins * r->angles, x + i * r->width * r->height };

		status = r->host->parallel(r->host, r->height, r->width * sizeof(double),
					   project_back_row, &p);
	}
	return status;
}

struct spectral {
	const struct radon *r;
	lacuna_gain *gain;
	const void *context;
};

/* Projecting and projecting back all angles of a half turn is a convolution with 1/|r|, whose transform is 1/|k|; the mean,
 * which a finite picture does not blow up, is taken at half a period of it. */
static void multiply_gain(const void *context, int ky, int kx, int count, fftwf_complex *v)
{
	const struct spectral *s = context;
	const struct radon *r = s->r;
	const double h = r->fft.height, w = r->fft.width;
	const double fy = (ky <= r->fft.height / 2 ? ky : ky - r->fft.height) / h;
	const double least = 0.5 / fmax(w, h);

	for (int i = 0; i < count; i++) {
		const double f = fmax(hypot((kx + i) / w, fy), least);
		const float g = (float)s->gain((double)r->angles / (r->span * f), s->context);

		v[i][0] *= g;
		v[i][1] *= g;
	}
}

static int approximate(const void *self, void *memory, lacuna_gain *gain, const void *context,
		       const float *b, float *x)
{
	const struct radon *r = self;
	const struct spectral s = { r, gain, context };
	const size_t n = r->width * r->height;

	for (size_t i = 0; i < r->planes; i++)
		fft_apply(&r->fft, b + i * n, (int)r->width, (int)r->height, multiply_gain, &s,
			  x + i * n, (int)r->width, (int)r->height, memory);
	return LACUNA_OK;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(struct config, angles, NULL, 1, 100000, 180,
			 "number of angles: rows of the sinogram"),
	LACUNA_PARAM_REAL(struct config, span, "degrees", 1, 360, 180,
			  "from the first angle to where the next turn would begin"),
	LACUNA_PARAM_REAL(struct config, start, "degrees", -360, 360, 0, "the first angle"),
	LACUNA_PARAM_INT(struct config, bins, NULL, 0, 1000000, 0,
			 "number of detectors: columns of the sinogram; 0: the picture's diagonal"),
	LACUNA_PARAM_REAL(struct config, axis, "px", -10000, 10000, 0,
			  "how far the axis of rotation is right of the detectors' middle"),
};

static const char manual[] =
	"Sums the picture along parallel lines, as tomographs do: row k of the sinogram belongs to "
	"the angle start + k span/angles, and each of its values is the integral over a strip as "
	"wide as a pixel, in pixels.  Angles and directions are those of skimage.transform.radon, "
	"whose sinogram is transposed to this one.\n\n"
	"Use it to restore a slice from few, noisy or limited angles: lacuna restore sinogram.tif "
	"-o slice.tif -A radon:angles=60 --size 256x256 -n 0.5.  A sinogram does not tell the size "
	"of its picture, so --size is needed, or --start or --reference; bins=N where the "
	"detector does not reach over the picture's diagonal.  State the noise, in the units of "
	"the "
	"sinogram.  What is measured must be sums (for X-rays the logarithm of the attenuation), "
	"in "
	"units where the picture is 0..1, or say --range.\n\n"
	"Not for fan and cone beams: rebin them to parallel lines first.\n\n"
	"Source: Natterer, The Mathematics of Computerized Tomography (1986), sections II.1 and "
	"V.1; the weights are the areas of pixels in strips, "
	"and the adjoint has the same.  A'A is nearly a convolution with 1/|r|, which "
	"preconditions conjugate gradients.";

static const struct lacuna_operator family = {
	.size = sizeof(family),
	.flags = LACUNA_LINEAR | LACUNA_PARTIAL,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_bytes,
	.apply = apply,
	.adjoint = adjoint,
	.approximate = approximate,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"radon",
	"sums along parallel lines (tomography)",
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
