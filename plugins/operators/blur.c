/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "blur": convolution with a point spread function k of size n and centre c,
 *	y[i] = sum_j k[j] x[i + c - j]	 in each dimension (scipy.ndimage.convolve's rule).
 *
 * boundary=valid: y holds only values that depend on x inside the picture, so x is larger by n - 1. It is computed by a
 * circular convolution at least as large as x; the part that wraps around is cut off. boundary=periodic: x is repeated
 * like tiles; A is circulant and A'A = F^-1 |K|^2 F. */
#include <lacuna/fit.h>
#include "common/convolution.h"
#include "common/kernel.h"
#include "common/whittle.h"

#include <math.h>
#include <string.h>

enum { GAUSSIAN, DISK, BOX, MOTION, AIRY };
enum { VALID, PERIODIC };

struct config {
	const char *psf;
	double sigma, radius, width, height, length, angle, zero;
	int64_t kind, normalize, background, boundary, centre, centre_x, centre_y, fit;
};

struct blur {
	const struct lacuna_host *host;
	int periodic;
	int shift_x, shift_y; /* y[0] shows the scene of x[shift] */
	size_t planes;	      /* channels times frames */
	struct convolution convolution;
};

/* ---- the kernel, and the shapes that follow from it -------------------------------------------------- */

static int make_kernel(const struct lacuna_host *host, const struct config *c, struct kernel *k)
{
	if (c->psf)
		return kernel_read(host, c->psf, k);
	switch (c->kind) {
	case DISK:
		return kernel_disk(host, c->radius, k);
	case BOX:
		return kernel_box(host, c->width, c->height, k);
	case MOTION:
		return kernel_motion(host, c->length, c->angle, k);
	case AIRY:
		return kernel_airy(host, c->zero, k);
	default:
		return kernel_gaussian(host, c->sigma, k);
	}
}

static int get_kernel(const struct lacuna_host *host, const struct config *c, int tell,
		      struct kernel *k)
{
	int status = make_kernel(host, c, k);

	if (!status && c->psf)
		status = kernel_clean(k, c->psf, (enum kernel_background)c->background,
				      (enum kernel_centre)c->centre, tell);
	if (!status && c->psf && c->normalize)
		status = kernel_normalize(k, c->psf);
	if (!status && (c->centre_x >= k->width || c->centre_y >= k->height))
		status = host->fail(host, LACUNA_EINVAL,
				    "the centre %lld,%lld is outside the kernel of %dx%d; "
				    "count pixels from 0",
				    (long long)c->centre_x, (long long)c->centre_y, k->width,
				    k->height);
	if (status) {
		kernel_release(k);
		return status;
	}
	if (c->centre_x >= 0) {
		k->centre_x = (int)c->centre_x;
		k->beside_x = 0;
	}
	if (c->centre_y >= 0) {
		k->centre_y = (int)c->centre_y;
		k->beside_y = 0;
	}
	status = kernel_settle(k, c->psf, tell);
	if (status)
		kernel_release(k);
	return status;
}

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	const struct config *c = config;
	struct kernel k;
	int64_t border_x, border_y;
	int status;

	*wanted = *known;
	if (c->boundary == PERIODIC)
		return LACUNA_OK;
	status = get_kernel(host, c, 0, &k);
	if (status)
		return status;
	kernel_release(&k);
	border_x = k.width - 1;
	border_y = k.height - 1;
	if (!from_y && (known->extent[0] <= border_x || known->extent[1] <= border_y))
		return host->fail(host, LACUNA_EINVAL,
				  "the image of %lldx%lld is smaller than the kernel of "
				  "%dx%d; use boundary=periodic or a larger image",
				  (long long)known->extent[0], (long long)known->extent[1], k.width,
				  k.height);
	wanted->extent[0] += from_y ? border_x : -border_x;
	wanted->extent[1] += from_y ? border_y : -border_y;
	return LACUNA_OK;
}

/* ---- create, destroy --------------------------------------------------------------------------------- */

static void destroy(void *self)
{
	struct blur *b = self;

	if (!b)
		return;
	convolution_destroy(&b->convolution);
	b->host->release(b->host, b);
}

static struct lacuna_fft_grid grid_of(const struct lacuna_shape *s)
{
	return (struct lacuna_fft_grid){ (int)s->extent[0], (int)s->extent[1], 1 };
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = config;
	struct blur *b = host->alloc(host, sizeof *b);
	struct kernel k;
	int status;

	if (!b)
		return LACUNA_ENOMEM;
	b->host = host;
	b->periodic = c->boundary == PERIODIC;
	b->planes = (size_t)(x->extent[2] * x->extent[3]);
	status = get_kernel(host, c, 1, &k);
	if (!status)
		status = convolution_create(host, grid_of(x), grid_of(y), !b->periodic,
					    &b->convolution);
	if (!status) {
		b->shift_x = b->periodic ? 0 : k.width - 1 - k.centre_x;
		b->shift_y = b->periodic ? 0 : k.height - 1 - k.centre_y;
		/* Index of the kernel element that multiplies x[0] in y[0]: c when periodic, else the last. */
		status = convolution_set_kernel(&b->convolution, k.values, k.width, k.height,
						b->periodic ? k.centre_x : k.width - 1,
						b->periodic ? k.centre_y : k.height - 1);
	}
	kernel_release(&k);
	if (status) {
		destroy(b);
		return status;
	}
	*self = b;
	return LACUNA_OK;
}

/* ---- the work ---------------------------------------------------------------------------------------- */

static size_t x_plane(const struct blur *b)
{
	return (size_t)b->convolution.x.width * (size_t)b->convolution.x.height;
}

static size_t y_plane(const struct blur *b)
{
	return (size_t)b->convolution.y.width * (size_t)b->convolution.y.height;
}

static size_t scratch(const void *self)
{
	const struct blur *b = self;

	return b->periodic ? convolution_bytes(&b->convolution)
			   : convolution_solve_bytes(&b->convolution);
}

static int apply(const void *self, void *memory, const float *x, float *y)
{
	const struct blur *b = self;

	for (size_t i = 0; i < b->planes; i++)
		convolution_apply(&b->convolution, x + i * x_plane(b), y + i * y_plane(b), memory);
	return LACUNA_OK;
}

static int adjoint(const void *self, void *memory, const float *at, const float *y, float *x)
{
	const struct blur *b = self;

	(void)at;
	for (size_t i = 0; i < b->planes; i++)
		convolution_adjoint(&b->convolution, y + i * y_plane(b), x + i * x_plane(b),
				    memory);
	return LACUNA_OK;
}

/* With boundary=valid x is treated as periodic, which is nearly right away from the border. */
static int approximate(const void *self, void *memory, lacuna_gain *gain, const void *context,
		       const float *b, float *x)
{
	const struct blur *p = self;

	for (size_t i = 0; i < p->planes; i++)
		convolution_gain(&p->convolution, gain, context, b + i * x_plane(p),
				 x + i * x_plane(p), memory);
	return LACUNA_OK;
}

static int spectral(const void *self, void *memory, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	if (!((const struct blur *)self)->periodic)
		return LACUNA_EUNSUPPORTED;
	return approximate(self, memory, gain, context, b, x);
}

static int solve(const void *self, void *memory, const struct lacuna_system *system, const float *b,
		 float *x)
{
	const struct blur *p = self;

	if (p->periodic)
		return LACUNA_EUNSUPPORTED;
	return convolution_solve(&p->convolution, p->planes, system, b, x, memory);
}

static int window(const void *self, const struct lacuna_region *in_y, struct lacuna_region *in_x)
{
	const struct blur *b = self;

	*in_x = *in_y;
	in_x->origin[0] += b->shift_x;
	in_x->origin[1] += b->shift_y;
	return LACUNA_OK;
}

/* ---- the parameters ------------------------------------------------------------------------------------ */

static const char *const kinds[] = { "gaussian", "disk", "box", "motion", "airy", NULL };
static const char *const boundaries[] = { "valid", "periodic", NULL };
static const char *const fits[] = { "no", "yes", NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_PATH(struct config, psf, LACUNA_SAMPLED, NULL,
			  "point spread function: TIFF, PNG or text matrix; kind is then not used"),
	LACUNA_PARAM_CHOICE_IF(struct config, "psf=", kind, kinds, GAUSSIAN,
			       "formula of the kernel"),
	LACUNA_PARAM_REAL_IF(struct config, "kind=gaussian", sigma, "px", 0, 200, 1.5,
			     "gaussian: standard deviation"),
	LACUNA_PARAM_REAL_IF(struct config, "kind=disk", radius, "px", 0, 200, 3,
			     "disk: radius (out of focus)"),
	LACUNA_PARAM_REAL_IF(struct config, "kind=box", width, "px", 0, 2000, 5, "box: width"),
	LACUNA_PARAM_REAL_IF(struct config, "kind=box", height, "px", 0, 2000, 5, "box: height"),
	LACUNA_PARAM_REAL_IF(struct config, "kind=motion", length, "px", 0, 2000, 15,
			     "motion: length of the path"),
	LACUNA_PARAM_REAL_IF(struct config, "kind=motion", angle, "degrees", -360, 360, 0,
			     "motion: direction, counterclockwise from the right"),
	LACUNA_PARAM_REAL_IF(struct config, "kind=airy", zero, "px", 0, 50, 3,
			     "airy: radius of the first dark ring"),
	LACUNA_PARAM_CHOICE(
		struct config, boundary, boundaries, VALID,
		"outside the picture: unknown (valid), or the picture repeats (periodic)"),
	LACUNA_PARAM_BOOL(struct config, normalize, 1, "divide the psf by its sum"),
	KERNEL_CLEAN_PARAMS(struct config),
	LACUNA_PARAM_INT(struct config, centre_x, "px", -1, 4096, -1,
			 "column of the kernel's origin, from 0; -1: see centre"),
	LACUNA_PARAM_INT(struct config, centre_y, "px", -1, 4096, -1,
			 "row of the kernel's origin, from 0; -1: see centre"),
	LACUNA_PARAM_CHOICE_IF(struct config, "psf=", fit, fits, 0,
			       "yes: find the numbers of the formula from the picture first, "
			       "between half and twice the given ones"),
};

/* ---- fit: which kernel the picture tells ---------------------------------------------------------------- */

enum { FREE = 2 }; /* most parameters of a formula */

/* The parameters of each formula.  NULL: fewer than FREE. */
static const char *const formulas[][FREE] = {
	[GAUSSIAN] = { "sigma" },	  [DISK] = { "radius" }, [BOX] = { "width", "height" },
	[MOTION] = { "length", "angle" }, [AIRY] = { "zero" },
};

static int is_free(const void *config, const char *parameter)
{
	const struct config *c = config;

	for (int i = 0; c->fit && !c->psf && i < FREE; i++)
		if (formulas[c->kind][i] && !strcmp(formulas[c->kind][i], parameter))
			return 1;
	return 0;
}

/* A search over places t of each parameter: from -1 to 1 for half to twice the length that was told.  An angle has no ends. */
struct search {
	const struct blur *b;
	const float *x, *y;
	struct config *config; /* has the parameters of the kernel that is tried */
	int count;
	const struct lacuna_param *rows[FREE];
	double told[FREE];
	struct whittle whittle;		/* without x */
	struct convolution convolution; /* with x, as is the rest */
	float *answer;			/* A x of a plane */
	void *memory;
	int margin_x, margin_y; /* of y, where A x depends on what lies outside x */
};

static int is_angle(const struct lacuna_param *row)
{
	return row->offset == offsetof(struct config, angle);
}

static double *field(const struct search *s, int i)
{
	return (double *)(void *)((char *)s->config + s->rows[i]->offset);
}

static int begin(struct search *s)
{
	if (s->config->centre_x >= 0 || s->config->centre_y >= 0)
		return s->b->host->fail(
			s->b->host, LACUNA_EINVAL,
			"fit=yes changes the size of the kernel; leave out centre_x "
			"and centre_y");
	for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
		if (!is_free(s->config, params[i].name))
			continue;
		s->rows[s->count] = &params[i];
		s->told[s->count] = *field(s, s->count);
		if (!is_angle(&params[i]) && !(s->told[s->count] > 0))
			return s->b->host->fail(s->b->host, LACUNA_EINVAL,
						"fit=yes needs a first guess above 0 for %s",
						params[i].name);
		s->count++;
	}
	return LACUNA_OK;
}

static double value_at(const struct search *s, int i, double t)
{
	const struct lacuna_param *row = s->rows[i];
	double angle;

	if (!is_angle(row))
		return fmin(s->told[i] * exp2(t), row->hi);
	/* Half a turn leads to the same kernel. */
	angle = s->told[i] + remainder(90 * t, 180);
	return angle > row->hi ? angle - 180 : angle < row->lo ? angle + 180 : angle;
}

static void set_place(const struct search *s, const double *t)
{
	for (int i = 0; i < s->count; i++)
		*field(s, i) = value_at(s, i, t[i]);
}

/* Sum of the squares of y - A x. */
static int sum_of_squares(struct search *s, const struct kernel *k, double *sum)
{
	const struct blur *b = s->b;
	const int w = b->convolution.y.width, h = b->convolution.y.height;
	int status = convolution_set_kernel(&s->convolution, k->values, k->width, k->height,
					    b->shift_x + k->centre_x, b->shift_y + k->centre_y);

	*sum = 0;
	for (size_t p = 0; !status && p < b->planes; p++) {
		convolution_apply(&s->convolution, s->x + p * x_plane(b), s->answer, s->memory);
		for (int j = s->margin_y; j < h - s->margin_y; j++)
			for (int i = s->margin_x; i < w - s->margin_x; i++) {
				const size_t at = (size_t)i + (size_t)w * (size_t)j;
				const double d = s->y[p * y_plane(b) + at] - s->answer[at];

				*sum += isfinite(d) ? d * d : 0;
			}
	}
	return status;
}

static int try_place(struct search *s, const double *t, double *cost)
{
	struct kernel k;
	int status;

	if (s->b->host->cancelled(s->b->host))
		return s->b->host->fail(s->b->host, LACUNA_ECANCELLED, "cancelled");
	set_place(s, t);
	status = get_kernel(s->b->host, s->config, 0, &k);
	if (!status && s->x)
		status = sum_of_squares(s, &k, cost);
	else if (!status)
		*cost = whittle_cost(&s->whittle, k.values, k.width, k.height);
	kernel_release(&k);
	return status;
}

/* Takes t for the best if its cost is less than that of the best, *least. */
static int try_better(struct search *s, const double *t, double *best, double *least)
{
	double cost;
	const int status = try_place(s, t, &cost);

	if (!status && cost < *least) {
		memcpy(best, t, FREE * sizeof *t);
		*least = cost;
	}
	return status;
}

/* The best of a grid. */
static int look_around(struct search *s, double *best, double *least)
{
	enum { POINTS = 17 };
	const int all = s->count == 2 ? POINTS * POINTS : POINTS;
	int status = try_place(s, best, least);

	for (int i = 0; !status && i < all; i++) {
		const double t[FREE] = { -1 + 2.0 * (i % POINTS) / (POINTS - 1),
					 -1 + 2.0 * (i / POINTS) / (POINTS - 1) };

		status = try_better(s, t, best, least);
	}
	return status;
}

/* Moves along one parameter as long as that helps, with smaller and smaller steps (compass search). */
static int look_closer(struct search *s, double *best, double *least)
{
	static const double first = 1.0 / 16, last = 1.0 / 1024;
	int status = LACUNA_OK;

	for (double step = first; !status && step >= last; step /= 2)
		for (int way = 0; !status && way < 2 * s->count; way++) {
			const double before = *least;
			double t[FREE] = { best[0], best[1] };

			t[way / 2] += way % 2 ? step : -step;
			if (fabs(t[way / 2]) > 1 && !is_angle(s->rows[way / 2]))
				continue;
			status = try_better(s, t, best, least);
			if (*least < before)
				way = -1;
		}
	return status;
}

/* The best direction for the length at t.  From one to the next, the ends of the line move by a good third of a pixel. */
static int look_round(struct search *s, double *t, double *least)
{
	const int points = 8 + (int)(3.6 * value_at(s, 0, t[0]));
	const double length = t[0];
	int status = LACUNA_OK;

	*least = INFINITY;
	for (int i = 0; !status && i < points; i++) {
		const double other[FREE] = { length, 2.0 * i / points };

		status = try_better(s, other, t, least);
	}
	return status;
}

/* The likelihood of a line has a valley for nearly each length, which is narrow across the direction.  So the search begins
 * with each of a few lengths, in the best direction for it. */
static int look_along(struct search *s, double *best, double *least)
{
	enum { LENGTHS = 5 };
	int status = LACUNA_OK;

	*least = INFINITY;
	for (int i = 0; !status && i < LENGTHS; i++) {
		double t[FREE] = { -1 + 2.0 * i / (LENGTHS - 1), 0 }, cost;

		status = look_round(s, t, &cost);
		if (!status)
			status = look_closer(s, t, &cost);
		if (!status && cost < *least) {
			memcpy(best, t, sizeof t);
			*least = cost;
		}
	}
	return status;
}

static int look(struct search *s, double *best)
{
	double least;
	int status;

	if (s->config->kind == MOTION)
		return look_along(s, best, &least);
	status = look_around(s, best, &least);
	return status ? status : look_closer(s, best, &least);
}

/* At an end of the range y tells only that the truth may be beyond it, or that the formula is wrong. */
static int refuse_end(const struct search *s)
{
	const struct lacuna_host *host = s->b->host;

	for (int i = 0; i < s->count; i++) {
		const double lo = value_at(s, i, -1), hi = value_at(s, i, 1), found = *field(s, i);

		if (!is_angle(s->rows[i]) && (found <= lo || found >= hi))
			return host->fail(host, LACUNA_EUNSUPPORTED,
					  "the best %s is at an end of the range, %.4g to %.4g %s; "
					  "begin elsewhere, or choose another formula",
					  s->rows[i]->name, lo, hi, s->rows[i]->unit);
	}
	return LACUNA_OK;
}

/* x was made for the reach of the kernel that was told; the largest that is tried reaches farther. */
static int find_margin(struct search *s)
{
	const double largest[FREE] = { 1, 1 };
	const struct convolution *c = &s->b->convolution;
	struct kernel k;
	int reach, status;

	if (s->b->periodic)
		return LACUNA_OK;
	set_place(s, largest);
	for (int i = 0; i < s->count; i++)
		if (is_angle(s->rows[i]))
			*field(s, i) = 0;
	status = get_kernel(s->b->host, s->config, 0, &k);
	if (status)
		return status;
	reach = (k.width > k.height ? k.width : k.height) / 2;
	kernel_release(&k);
	s->margin_x = reach > s->b->shift_x ? reach - s->b->shift_x : 0;
	s->margin_y = reach > s->b->shift_y ? reach - s->b->shift_y : 0;
	/* A few pixels would fit any kernel. */
	if (2 * s->margin_x <= c->y.width / 2 && 2 * s->margin_y <= c->y.height / 2)
		return LACUNA_OK;
	return s->b->host->fail(s->b->host, LACUNA_EUNSUPPORTED,
				"the picture is too small to tell its blur");
}

static int prepare(struct search *s)
{
	const struct blur *b = s->b;
	const struct lacuna_host *host = b->host;
	const struct convolution *c = &b->convolution;
	int status;

	if (!s->x)
		return whittle_create(host, s->y, c->y.width, c->y.height, (int64_t)b->planes,
				      &s->whittle);
	status = find_margin(s);
	if (!status)
		status = convolution_create(host, c->x, c->y, !b->periodic, &s->convolution);
	if (status)
		return status;
	s->answer = host->alloc(host, y_plane(b) * sizeof *s->answer);
	s->memory = host->alloc(host, convolution_bytes(&s->convolution));
	return s->answer && s->memory ? LACUNA_OK : LACUNA_ENOMEM;
}

static int fit(const void *self, const float *x, const float *y, double noise, void *config)
{
	const struct blur *b = self;
	struct search s = { .b = b, .x = x, .y = y, .config = config };
	double best[FREE] = { 0 };
	int status;

	/* What a wrong kernel cannot explain counts as noise, so the noise is found with the kernel. */
	(void)noise;
	status = begin(&s);
	if (!status)
		status = prepare(&s);
	if (!status)
		status = look(&s, best);
	if (!status) {
		set_place(&s, best);
		status = refuse_end(&s);
	}
	whittle_destroy(&s.whittle);
	convolution_destroy(&s.convolution);
	b->host->release(b->host, s.answer);
	b->host->release(b->host, s.memory);
	return status;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const char manual[] =
	"Convolves the image with a point spread function (psf) k: y[i] = sum_j k[j] x[i + c - j] "
	"in each dimension.  c is the origin of the kernel.  For a formula it is half the kernel's "
	"size, rounded down, for even sizes too.  This is the rule of scipy.ndimage.convolve.\n\n"
	"Give the psf as a TIFF, PNG or text matrix (psf=FILE), for example a picture of a star or "
	"a bead.  A flat background is subtracted, hot pixels beside the body of the psf are "
	"removed, and a symmetric psf that is not in the middle is centred; a message says so.  If "
	"its middle lies between pixels, its values are "
	"interpolated, so that the result is not shifted, unless it has sharp sides; "
	"centre=middle keeps them and the rule above.  If kernel and picture both state the size "
	"of their pixels (resolution tags, ImageJ, OME), the sizes must be equal.\n\n"
	"Or choose a formula: gaussian, disk (a lens out of focus), box, motion (camera shake "
	"along a straight line), airy (a perfect lens: zero is 1.22 times wavelength times "
	"f-number, divided by the pixel pitch).  A formula is integrated over the area of each "
	"pixel.  The gaussian ends at 4 sigma, the airy pattern at six times the radius of its "
	"first dark ring.  The kernel is divided by its sum, unless it comes from a file and "
	"normalize=no.\n\n"
	"boundary=valid, the default, is right for photographs.  Light from outside the frame was "
	"blurred into it, and that outside is unknown.  So the unknown image is larger than the "
	"measurement, by the kernel's size less one.  It is cropped when it is written, and "
	"simulate returns a picture that is smaller by as much.  boundary=periodic treats the "
	"picture as one tile of a repeating pattern.  It is faster, because all data steps have a "
	"closed form, but on photographs it makes ringing along the edges.  Use it for data that "
	"was made this way.\n\n"
	"fit=yes is for a formula whose numbers you know roughly.  restore first searches for the "
	"numbers that explain the power spectrum of the picture best, and prints them.  The radius "
	"of a disk is found to a few percent, because its spectrum has dark rings.  The sigma of a "
	"gaussian is found to about a tenth, because a scene may be smooth itself.  A long shake "
	"(25 pixels) is found to a degree and a pixel, a short one (9 pixels) only to several "
	"degrees.  The formula is not questioned.\n\n"
	"Do not use it for blur that differs from place to place (see varying-blur), or for a blur "
	"that you do not know: the kernel is taken as exact.\n\n"
	"Source: periodic: convolution theorem, A'A = F^-1 |K|^2 F.  valid: the unknown boundary "
	"model of Almeida and Figueiredo, Deconvolving Images with Unknown Boundaries Using ADMM, "
	"IEEE TIP 22 (2013).  Airy pattern: Born and Wolf, Principles of Optics, 8.5.2.  fit: "
	"maximum likelihood of a power law under the kernel, in Whittle's approximation (1953).";

static const void *extension(const char *name)
{
	static const struct lacuna_operator_fit fitting = { is_free, fit };

	return strcmp(name, LACUNA_FIT) ? NULL : &fitting;
}

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PICTURE,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.scratch = scratch,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
	.window = window,
	.approximate = approximate,
	.solve = solve,
	.extension = extension,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"blur",
	"convolution with a point spread function (deblurring)",
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
