/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "radon": sums of each plane of x along parallel lines. Bin b of angle theta is the integral of the picture,
 * with square pixels, over the strip |s - b| < 1/2, where
 *	s = dx cos(theta) - dy sin(theta) + (bins - 1) / 2 + axis,
 * with dx, dy counted from the middle of the picture, y down. This is skimage.transform.radon, with one row for each
 * angle. The area of a pixel in a strip is exact. The adjoint has the same weights. */
#include <lacuna/plugin.h>
#include "common/fft.h"
#include <math.h>
#include <string.h>

static const size_t most = 96 << 20; /* bytes of weights that are kept */

enum { RIM = 2 }; /* extra bins on each side of the detector */

struct config {
	int64_t angles, bins;
	double span, start, axis;
};

/* CHUNK adjacent pixels of a row: for each the bin under the middle of its shadow, and the parts of the shadow in the
 * bins before and after it. */
enum { CHUNK = 32 };

struct shadows {
	int32_t bin[CHUNK]; /* the detector begins at bin RIM */
	float before[CHUNK], after[CHUNK];
};

/* An angle, and the shape of a pixel's shadow: see fill_views(). */
struct view {
	double cosine, sine;
	double outer, inner, slope;
};

struct radon {
	const struct lacuna_host *host;
	size_t width, height, planes, bins, angles;
	double middle;	   /* s of the middle of the picture */
	struct view *view; /* of each angle */
	/* angles x height x chunks of a row; NULL if they would need more than `most' bytes and are computed in each call */
	struct shadows *kept;
	double span;	/* radians */
	struct fft fft; /* for approximate() */
};

/* ---- shape ------------------------------------------------------------------------------------------- */

/* By default enough bins for the whole picture at every angle. */
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
		return host->fail(
			host, LACUNA_EINVAL,
			"the sinogram has %lld rows, one for each angle; give angles=%lld",
			(long long)known->extent[1], (long long)known->extent[1]);
	if (width < 1 || height < 1)
		return host->fail(host, LACUNA_EINVAL,
				  "the size of the picture does not follow from a sinogram; "
				  "give --size, such as --size %lldx%lld",
				  (long long)ceil((double)known->extent[0] / sqrt(2)),
				  (long long)ceil((double)known->extent[0] / sqrt(2)));
	if (known->extent[0] != bins_for(c, width, height))
		return host->fail(host, LACUNA_EINVAL,
				  "a picture of %lldx%lld gives %lld bins, but the sinogram "
				  "has %lld columns; give bins=%lld",
				  (long long)width, (long long)height,
				  (long long)bins_for(c, width, height),
				  (long long)known->extent[0], (long long)known->extent[0]);
	*wanted = *known;
	wanted->extent[0] = width;
	wanted->extent[1] = height;
	return LACUNA_OK;
}

/* ---- one pixel --------------------------------------------------------------------------------------- */

/* The part of a pixel's shadow left of t, for t from -1 to 0. */
static double shadow_left(const struct view *v, double t)
{
	const double to_outer = t + v->outer, to_inner = t + v->inner;
	const double a = to_outer > 0 ? to_outer : 0, b = to_inner > 0 ? to_inner : 0;

	return v->slope * (a - b) * (a + b);
}

/* s of the middle of the first pixel of row j. */
static double place_of_row(const struct radon *r, size_t angle, size_t j)
{
	const double dx = -((double)r->width - 1) / 2, dy = (double)j - ((double)r->height - 1) / 2;

	return dx * r->view[angle].cosine - dy * r->view[angle].sine + r->middle;
}

/* The shadows of chunk k of row j; valid for pixels with s between -3/2 and bins + 1/2. A shadow is narrower than 3/2, so
 * that of a pixel at s falls on bin k and its two neighbours only. With f = s - k, from -1/2 to 1/2, the part on the bin
 * before is shadow_left(-1/2 - f); by symmetry that on the bin after is shadow_left(f - 1/2). */
static void cast_shadows(const struct radon *r, size_t angle, size_t j, size_t k,
			 struct shadows *out)
{
	const struct view v = r->view[angle];
	/* positive, so the conversion to an integer rounds down */
	const double first = place_of_row(r, angle, j) + (double)(k * CHUNK) * v.cosine + 0.5 + RIM;

	for (int32_t i = 0; i < CHUNK; i++) {
		const double place = first + i * v.cosine;
		const int32_t bin = (int32_t)place;
		const double f = place - bin - 0.5;

		out->bin[i] = bin;
		out->before[i] = (float)shadow_left(&v, -0.5 - f);
		out->after[i] = (float)shadow_left(&v, f - 0.5);
	}
}

static size_t chunks_of_row(const struct radon *r)
{
	return (r->width + CHUNK - 1) / CHUNK;
}

static const struct shadows *get_shadows(const struct radon *r, size_t angle, size_t j, size_t k,
					 struct shadows *memory)
{
	if (r->kept)
		return r->kept + (angle * r->height + j) * chunks_of_row(r) + k;
	cast_shadows(r, angle, j, k, memory);
	return memory;
}

static int keep_angle(void *arg, size_t angle, void *scratch)
{
	const struct radon *r = arg;

	(void)scratch;
	for (size_t j = 0; j < r->height; j++)
		for (size_t k = 0; k < chunks_of_row(r); k++)
			cast_shadows(r, angle, j, k,
				     r->kept + (angle * r->height + j) * chunks_of_row(r) + k);
	return LACUNA_OK;
}

/* ---- create, destroy --------------------------------------------------------------------------------- */

/* A pixel's shadow is a trapezoid of area 1, flat between its inner corners. Its edge is the difference of two ramps, so
 * its integral is a difference of two squares. A ramp of width 0 gets a negligible width, to avoid a division by 0. */
static void fill_views(struct radon *r, const struct config *c)
{
	static const double degree = 3.14159265358979323846 / 180, least = 1e-9;

	for (size_t a = 0; a < r->angles; a++) {
		const double theta = degree * (c->start + c->span * (double)a / (double)r->angles);
		struct view *v = &r->view[a];
		const double wide = fmax(fabs(cos(theta)), fabs(sin(theta)));
		const double ramp = fmax(fmin(fabs(cos(theta)), fabs(sin(theta))), least);

		v->cosine = cos(theta);
		v->sine = sin(theta);
		v->inner = (wide - ramp) / 2;
		v->outer = v->inner + ramp;
		v->slope = 1 / (2 * wide * ramp);
	}
}

static int keep_shadows(struct radon *r)
{
	const double bytes =
		(double)r->angles * (double)r->height * (double)chunks_of_row(r) * sizeof *r->kept;

	if (bytes > (double)most)
		return LACUNA_OK;
	r->kept = r->host->alloc(r->host, (size_t)bytes);
	if (!r->kept)
		return LACUNA_ENOMEM;
	return r->host->parallel(r->host, r->angles, 0, keep_angle, r);
}

static void destroy(void *self)
{
	struct radon *r = self;

	if (!r)
		return;
	fft_destroy(&r->fft);
	r->host->release(r->host, r->view);
	r->host->release(r->host, r->kept);
	r->host->release(r->host, r);
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = config;
	struct radon *r = host->alloc(host, sizeof *r);
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
	r->view = host->alloc(host, r->angles * sizeof *r->view);
	if (r->view)
		status = fft_create_fast(host, x->extent[0], x->extent[1], &r->fft);
	if (status) {
		destroy(r);
		return status;
	}
	fill_views(r, c);
	status = keep_shadows(r);
	if (status) {
		destroy(r);
		return status;
	}
	*self = r;
	return LACUNA_OK;
}

/* ---- the work ---------------------------------------------------------------------------------------- */

struct pass {
	const struct radon *r;
	const float *in;
	float *out;
	const double *rows; /* of the sinogram, with rims */
};

/* The pixels of a row, begin..end-1, whose shadows fall on the detector. */
struct lit {
	size_t begin, end;
};

static struct lit find_lit(const struct radon *r, size_t angle, size_t j)
{
	const double first = place_of_row(r, angle, j), w = (double)r->width;
	/* from bin -1 to bin `bins' */
	const double from = -1.49 - first, to = (double)r->bins + 0.49 - first;
	const double c = r->view[angle].cosine;
	double begin = 0, end = w;

	if (fabs(c) * w > 1e-6) {
		begin = ceil(fmin(from / c, to / c));
		end = floor(fmax(from / c, to / c)) + 1;
	} else if (from > 0 || to < 0) {
		end = 0;
	}
	begin = fmin(fmax(begin, 0), w);
	return (struct lit){ (size_t)begin, (size_t)fmin(fmax(end, begin), w) };
}

/* The part of chunk k with shadows on the detector: pixels begin..end-1 of the chunk. */
static struct lit in_chunk(struct lit row, size_t k)
{
	const size_t at = k * CHUNK;

	return (struct lit){ row.begin > at ? row.begin - at : 0,
			     row.end < at + CHUNK ? row.end - at : CHUNK };
}

/* Bins in a row with its rims. */
static size_t rimmed(const struct radon *r)
{
	return r->bins + 2 * RIM;
}

/* Neighbours add to the same bins. Even and odd pixels have separate sums, so that an addition need not wait for the one
 * before. */
static int project_angle(void *arg, size_t angle, void *scratch)
{
	const struct pass *p = arg;
	const struct radon *r = p->r;
	double *sums = scratch, *odd = sums + rimmed(r);
	struct shadows memory;

	memset(sums, 0, 2 * rimmed(r) * sizeof *sums);
	for (size_t j = 0; j < r->height; j++) {
		const struct lit row = find_lit(r, angle, j);

		for (size_t k = row.begin / CHUNK; k * CHUNK < row.end; k++) {
			const struct shadows *s = get_shadows(r, angle, j, k, &memory);
			const struct lit lit = in_chunk(row, k);
			const float *x = p->in + j * r->width + k * CHUNK;

			for (size_t i = lit.begin; i < lit.end; i++) {
				const double v = x[i];
				const double before = v * s->before[i], after = v * s->after[i];
				double *sum = (i % 2 ? odd : sums) + s->bin[i];

				sum[-1] += before;
				sum[0] += v - before - after;
				sum[1] += after;
			}
		}
	}
	for (size_t b = 0; b < r->bins; b++)
		p->out[angle * r->bins + b] = (float)(sums[RIM + b] + odd[RIM + b]);
	return LACUNA_OK;
}

static int project_back_row(void *arg, size_t j, void *scratch)
{
	const struct pass *p = arg;
	const struct radon *r = p->r;
	double *sums = scratch;
	struct shadows memory;

	memset(sums, 0, r->width * sizeof *sums);
	for (size_t angle = 0; angle < r->angles; angle++) {
		const double *bins = p->rows + angle * rimmed(r);
		const struct lit row = find_lit(r, angle, j);

		for (size_t k = row.begin / CHUNK; k * CHUNK < row.end; k++) {
			const struct shadows *s = get_shadows(r, angle, j, k, &memory);
			const struct lit lit = in_chunk(row, k);
			double *to = sums + k * CHUNK;

			for (size_t i = lit.begin; i < lit.end; i++) {
				const double *y = bins + s->bin[i];

				to[i] += y[0] + s->before[i] * (y[-1] - y[0]) +
					 s->after[i] * (y[1] - y[0]);
			}
		}
	}
	for (size_t i = 0; i < r->width; i++)
		p->out[j * r->width + i] = (float)sums[i];
	return LACUNA_OK;
}

/* Copies the rows of the sinogram, with zeros on their rims. */
static void copy_with_rims(const struct radon *r, const float *y, double *rows)
{
	memset(rows, 0, r->angles * rimmed(r) * sizeof *rows);
	for (size_t a = 0; a < r->angles; a++)
		for (size_t b = 0; b < r->bins; b++)
			rows[a * rimmed(r) + RIM + b] = y[a * r->bins + b];
}

/* A sinogram with rims, or a spectrum. */
static size_t scratch_bytes(const void *self)
{
	const struct radon *r = self;
	const size_t rows = r->angles * rimmed(r) * sizeof(double), spectrum = r->fft.plan->bytes;

	return rows > spectrum ? rows : spectrum;
}

static int apply(const void *self, void *memory, const float *x, float *y)
{
	const struct radon *r = self;
	int status = LACUNA_OK;

	(void)memory;
	for (size_t i = 0; i < r->planes && !status; i++) {
		struct pass p = { r, x + i * r->width * r->height, y + i * r->bins * r->angles,
				  NULL };

		status = r->host->parallel(r->host, r->angles, 2 * rimmed(r) * sizeof(double),
					   project_angle, &p);
	}
	return status;
}

static int adjoint(const void *self, void *memory, const float *at, const float *y, float *x)
{
	const struct radon *r = self;
	int status = LACUNA_OK;

	(void)at;
	for (size_t i = 0; i < r->planes && !status; i++) {
		struct pass p = { r, y + i * r->bins * r->angles, x + i * r->width * r->height,
				  memory };

		copy_with_rims(r, p.in, memory);
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

/* Projection and back projection over a half turn is a convolution with 1/|r|, whose transform is 1/|k|. For k = 0, where
 * 1/|k| is infinite, the frequency of half a period in the picture is used. */
static void multiply_gain(const void *context, int32_t ky, int32_t kx, int32_t count,
			  lacuna_complex *v)
{
	const struct spectral *s = context;
	const struct radon *r = s->r;
	const double h = r->fft.plan->height, w = r->fft.plan->width;
	const double fy = (ky <= r->fft.plan->height / 2 ? ky : ky - r->fft.plan->height) / h;
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
	const struct lacuna_fft_grid grid = { (int)r->width, (int)r->height, 1 };
	const size_t n = r->width * r->height;

	for (size_t i = 0; i < r->planes; i++)
		fft_filter(&r->fft, b + i * n, &grid, multiply_gain, &s, x + i * n, &grid, memory);
	return LACUNA_OK;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(struct config, angles, NULL, 1, 100000, 180,
			 "number of angles: rows of the sinogram"),
	LACUNA_PARAM_REAL(struct config, span, "degrees", 1, 360, 180,
			  "range of the angles, from the first to one step beyond the last"),
	LACUNA_PARAM_REAL(struct config, start, "degrees", -360, 360, 0, "the first angle"),
	LACUNA_PARAM_INT(struct config, bins, NULL, 0, 1000000, 0,
			 "number of detectors: columns of the sinogram; 0: the picture's diagonal"),
	LACUNA_PARAM_REAL(
		struct config, axis, "px", -10000, 10000, 0,
		"how far the axis of rotation is to the right of the middle of the detectors"),
};

static const char manual[] =
	"Sums the picture along parallel lines, as in tomography.  Row k of the sinogram belongs "
	"to the angle start + k span/angles.  Each of its values is the integral over a strip one "
	"pixel wide, in units of pixels.  Angles and directions are those of "
	"skimage.transform.radon, whose sinogram is the transpose of this one.\n\n"
	"Use it to restore a slice from few, noisy or limited angles: lacuna restore sinogram.tif "
	"-o slice.tif -A radon:angles=60 --size 256x256 -n 0.5.  The size of the picture does not "
	"follow from its sinogram, so give --size, --start or --reference.  Give bins=N if the "
	"detector is not as long as the diagonal of the picture.  State the noise (-n) in units of "
	"the sinogram.  The measured values must be sums (for X-rays: the logarithm of the "
	"attenuation), in units in which the picture is 0..1; otherwise give --range.\n\n"
	"Do not use it for fan or cone beams: rebin them to parallel lines first.\n\n"
	"Source: Natterer, The Mathematics of Computerized Tomography (1986), sections II.1 and "
	"V.1; the weights are the areas of pixels in strips, and the adjoint has the same weights. "
	" A'A is nearly a convolution with 1/|r|, which preconditions conjugate gradients.";

static const struct lacuna_operator family = {
	.size = sizeof family,
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
