/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "warp": y[i] is x at M (i - c - shift) + c, interpolated between pixels; c is the middle of the picture, and M
 * turns, scales and shears. Where that lies outside x nothing is measured, and y is 0. */
#include <lacuna/plugin.h>
#include <math.h>
#include <string.h>

enum { LINEAR, CUBIC };
enum { MOST_TAPS = 4 };

struct config {
	double rotate, scale, scale_x, shear, shift_x, shift_y;
	int64_t interpolation;
};

struct warp {
	const struct lacuna_host *host;
	int64_t width, height;
	size_t planes;
	int taps;	     /* 2 or 4 in each dimension */
	double matrix[2][2]; /* from y to x, pixels */
	double origin[2];    /* position in x of pixel (0, 0) of y */
};

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

/* ---- create, destroy --------------------------------------------------------------------------------- */

/* The picture is sheared, scaled, turned counterclockwise and moved, in this order. M, from y to x, is the inverse. */
static void set_matrix(struct warp *w, const struct config *c)
{
	const double angle = c->rotate * 3.14159265358979323846 / 180;
	const double cosine = cos(angle), sine = sin(angle); /* y points down */
	const double forward[2][2] = {
		{ cosine * c->scale * c->scale_x,
		  cosine * c->scale * c->scale_x * c->shear + sine * c->scale },
		{ -sine * c->scale * c->scale_x,
		  -sine * c->scale * c->scale_x * c->shear + cosine * c->scale },
	};
	const double det = forward[0][0] * forward[1][1] - forward[0][1] * forward[1][0];
	const double centre[2] = { (double)(w->width - 1) / 2, (double)(w->height - 1) / 2 };
	const double shift[2] = { c->shift_x, c->shift_y };

	w->matrix[0][0] = forward[1][1] / det;
	w->matrix[0][1] = -forward[0][1] / det;
	w->matrix[1][0] = -forward[1][0] / det;
	w->matrix[1][1] = forward[0][0] / det;
	for (int d = 0; d < 2; d++)
		w->origin[d] = centre[d] - w->matrix[d][0] * (centre[0] + shift[0]) -
			       w->matrix[d][1] * (centre[1] + shift[1]);
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = config;
	struct warp *w = host->alloc(host, sizeof *w);

	(void)y;
	if (!w)
		return LACUNA_ENOMEM;
	w->host = host;
	w->width = x->extent[0];
	w->height = x->extent[1];
	w->planes = (size_t)(x->extent[2] * x->extent[3]);
	w->taps = c->interpolation == CUBIC ? 4 : 2;
	set_matrix(w, c);
	*self = w;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct warp *w = self;

	if (w)
		w->host->release(w->host, w);
}

/* ---- one pixel --------------------------------------------------------------------------------------- */

/* The pixels of x that contribute to a pixel of y, and their weights. */
struct source {
	int64_t column, row; /* the first */
	float across[MOST_TAPS], down[MOST_TAPS];
};

/* Keys 1981, a = -1/2 */
static double cubic(double t)
{
	t = fabs(t);
	return t >= 2	? 0
	       : t >= 1 ? ((-0.5 * t + 2.5) * t - 4) * t + 2
			: (1.5 * t - 2.5) * t * t + 1;
}

static void set_weights(int taps, double part, float *weights)
{
	for (int k = 0; k < taps; k++)
		weights[k] = (float)(taps == 2 ? (k ? part : 1 - part) : cubic(part + 1 - k));
}

/* False if the place is outside the middles of the outermost pixels. */
static int find_source(const struct warp *w, int64_t i, int64_t j, struct source *s)
{
	/* So that rounding does not move a place on the rim outside. */
	static const double slack = 1e-9;
	const double u = w->origin[0] + w->matrix[0][0] * (double)i + w->matrix[0][1] * (double)j;
	const double v = w->origin[1] + w->matrix[1][0] * (double)i + w->matrix[1][1] * (double)j;
	const double left = floor(u + slack), top = floor(v + slack);

	if (!(u >= -slack && v >= -slack && u <= (double)(w->width - 1) + slack &&
	      v <= (double)(w->height - 1) + slack))
		return 0;
	s->column = (int64_t)left - (w->taps / 2 - 1);
	s->row = (int64_t)top - (w->taps / 2 - 1);
	set_weights(w->taps, fmax(u - left, 0), s->across);
	set_weights(w->taps, fmax(v - top, 0), s->down);
	return 1;
}

/* Pixels beyond the rim repeat the one on it. */
static int64_t clamp(int64_t i, int64_t n)
{
	return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* ---- the work ---------------------------------------------------------------------------------------- */

struct pass {
	const struct warp *w;
	const float *in;
	float *out;
};

static int warp_row(void *arg, size_t j, void *scratch)
{
	const struct pass *p = arg;
	const struct warp *w = p->w;
	const size_t n = (size_t)(w->width * w->height);
	struct source s;

	(void)scratch;
	for (int64_t i = 0; i < w->width; i++) {
		const int inside = find_source(w, i, (int64_t)j, &s);

		for (size_t plane = 0; plane < w->planes; plane++) {
			const float *x = p->in + plane * n;
			double sum = 0;

			for (int b = 0; inside && b < w->taps; b++)
				for (int a = 0; a < w->taps; a++)
					sum += (double)s.down[b] * s.across[a] *
					       x[clamp(s.row + b, w->height) * w->width +
						 clamp(s.column + a, w->width)];
			p->out[plane * n + (size_t)((int64_t)j * w->width + i)] = (float)sum;
		}
	}
	return LACUNA_OK;
}

/* One plane, in one thread: several pixels of y add to the same pixel of x. */
static int spread_plane(void *arg, size_t plane, void *scratch)
{
	const struct pass *p = arg;
	const struct warp *w = p->w;
	const size_t n = (size_t)(w->width * w->height);
	const float *y = p->in + plane * n;
	float *x = p->out + plane * n;
	struct source s;

	(void)scratch;
	memset(x, 0, n * sizeof *x);
	for (int64_t j = 0; j < w->height; j++)
		for (int64_t i = 0; i < w->width; i++) {
			if (!find_source(w, i, j, &s))
				continue;
			for (int b = 0; b < w->taps; b++)
				for (int a = 0; a < w->taps; a++)
					x[clamp(s.row + b, w->height) * w->width +
					  clamp(s.column + a, w->width)] +=
						s.down[b] * s.across[a] * y[j * w->width + i];
		}
	return LACUNA_OK;
}

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct warp *w = self;
	struct pass p = { w, x, y };

	(void)scratch;
	return w->host->parallel(w->host, (size_t)w->height, 0, warp_row, &p);
}

static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct warp *w = self;
	struct pass p = { w, y, x };

	(void)scratch, (void)at;
	return w->host->parallel(w->host, w->planes, 0, spread_plane, &p);
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const char *const interpolations[] = { "linear", "cubic", NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, rotate, "degrees", -360, 360, 0,
			  "rotation about the middle, counterclockwise"),
	LACUNA_PARAM_REAL(struct config, scale, NULL, 0.1, 10, 1,
			  "enlargement of width and height"),
	LACUNA_PARAM_REAL(struct config, scale_x, NULL, 0.1, 10, 1,
			  "further enlargement of the width"),
	LACUNA_PARAM_REAL(
		struct config, shear, NULL, -10, 10, 0,
		"shear: each row moves right by this times its distance below the middle"),
	LACUNA_PARAM_REAL(struct config, shift_x, "px", -1e5, 1e5, 0, "shift to the right"),
	LACUNA_PARAM_REAL(struct config, shift_y, "px", -1e5, 1e5, 0, "moved down"),
	LACUNA_PARAM_CHOICE(struct config, interpolation, interpolations, CUBIC,
			    "interpolation between pixels"),
};

static const char manual[] =
	"Shears, scales, rotates and shifts the picture, in this order, about its middle.  The "
	"measured picture has the same size.  Values between pixels are interpolated, by cubic "
	"convolution or linearly.  Pixels of the measured picture that show something outside the "
	"image count as missing; their values are not used.\n\n"
	"Use it to straighten a picture without losing sharpness again: lacuna restore crooked.tif "
	"-o straight.tif -A warp:rotate=2.5 undoes the rotation and the blur of the interpolation "
	"that made it.  Parts that were rotated out of the frame are filled in.  Combine it with "
	"blur or downsample for a camera that was not held level.\n\n"
	"Do not use it for lenses that bend straight lines, or for perspective.  A picture that is "
	"made much smaller shows aliasing, because nothing is averaged; use downsample there.\n\n"
	"Source: Keys, Cubic Convolution Interpolation for Digital Image Processing, IEEE Trans. "
	"ASSP 29 (1981), a = -1/2; the adjoint spreads each value with the weights of its "
	"interpolation.";

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PICTURE,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"warp",
	"the picture rotated, scaled, sheared, shifted",
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
