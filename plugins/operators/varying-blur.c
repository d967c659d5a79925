/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "varying-blur": a blur that differs from place to place. The pages of a file are the point spread functions
 * k_p at a grid of places. Between the places they are interpolated with weights w_p(point) that sum to 1:
 *	y = sum_p k_p * (w_p x)
 * w_p is bilinear, so w_p x lies in a patch about place p. Each patch is convolved by its own transform, and the results
 * are added where they overlap. y holds only values that depend on x inside the picture, as with boundary=valid of blur. */
#include <lacuna/plugin.h>
#include "common/convolution.h"
#include "common/kernel.h"
#include <math.h>
#include <string.h>

struct config {
	const char *psf;
	int64_t columns, normalize, background, centre;
};

/* The pixels along one axis where a place has weight. */
struct strip {
	int first, count; /* pixels of x; count may be 0 */
	float *weight;
};

struct axis {
	int x, y, places; /* lengths of picture and measurement */
	int size, shift;  /* of the kernels; y[0] shows the scene of x[shift] */
	int longest;	  /* strip */
	struct strip *strip;
};

struct blur {
	const struct lacuna_host *host;
	struct axis axis[2];
	size_t planes; /* channels times frames */
	struct fft fft;
	lacuna_complex *transfer; /* spectra of fft, one for each place */
};

/* ---- the kernels, and the shapes that follow from them ------------------------------------------------ */

struct kernels {
	struct kernel *k;
	int64_t count, across;
	/* size and centre of a box that holds all kernels with their centres aligned */
	int size[2], centre[2];
};

static int find_grid(const struct lacuna_host *host, const struct config *c, struct kernels *all)
{
	const int64_t root = (int64_t)floor(sqrt((double)all->count) + 0.5);

	all->across = c->columns ? c->columns : root;
	if (!c->columns && root * root != all->count)
		return host->fail(host, LACUNA_EINVAL,
				  "%s: its %lld pages do not make a square grid; give columns=N, "
				  "the number of places from left to right",
				  c->psf, (long long)all->count);
	if (all->count % all->across)
		return host->fail(host, LACUNA_EINVAL,
				  "%s: its %lld pages do not make full rows of columns=%lld",
				  c->psf, (long long)all->count, (long long)all->across);
	return LACUNA_OK;
}

static int clean(const struct config *c, int tell, struct kernel *k)
{
	int status = kernel_clean(k, c->psf, (enum kernel_background)c->background,
				  (enum kernel_centre)c->centre, tell);

	if (!status)
		status = kernel_settle(k, c->psf, tell);
	if (!status && c->normalize)
		status = kernel_normalize(k, c->psf);
	return status;
}

static void release_kernels(const struct lacuna_host *host, struct kernels *all)
{
	kernel_release_pages(host, &all->k, all->count);
}

static int get_kernels(const struct lacuna_host *host, const struct config *c, int tell,
		       struct kernels *all)
{
	int after[2] = { 0, 0 };
	int status;

	memset(all, 0, sizeof *all);
	status = kernel_read_pages(host, c->psf, &all->k, &all->count);
	if (!status)
		status = find_grid(host, c, all);
	for (int64_t p = 0; !status && p < all->count; p++) {
		struct kernel *k = &all->k[p];

		status = clean(c, tell && p == 0, k);
		for (int d = 0; d < 2; d++) {
			const int centre = d ? k->centre_y : k->centre_x;
			const int rest = (d ? k->height : k->width) - 1 - centre;

			all->centre[d] = centre > all->centre[d] ? centre : all->centre[d];
			after[d] = rest > after[d] ? rest : after[d];
		}
	}
	for (int d = 0; d < 2; d++)
		all->size[d] = all->centre[d] + 1 + after[d];
	if (status)
		release_kernels(host, all);
	return status;
}

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	struct kernels all;
	int status = get_kernels(host, config, 0, &all);

	if (status)
		return status;
	release_kernels(host, &all);
	*wanted = *known;
	for (int d = 0; d < 2; d++) {
		const int border = all.size[d] - 1;

		if (!from_y && known->extent[d] <= border)
			return host->fail(host, LACUNA_EINVAL,
					  "the image of %lldx%lld is smaller than "
					  "the kernels of %dx%d; take a larger image",
					  (long long)known->extent[0], (long long)known->extent[1],
					  all.size[0], all.size[1]);
		wanted->extent[d] += from_y ? border : -border;
	}
	return LACUNA_OK;
}

/* ---- create, destroy ----------------------------------------------------------------------------------- */

/* Place p, in pixels of x: the measured picture is divided into equal parts, and a place is the middle of one. */
static double place(const struct axis *a, int p)
{
	return a->shift + (p + 0.5) * a->y / a->places - 0.5;
}

/* Linear between places; 1 beyond the first and the last. */
static double weight_of(const struct axis *a, int p, int i)
{
	const double step = (double)a->y / a->places, t = (i - place(a, p)) / step;

	if ((p == 0 && t < 0) || (p == a->places - 1 && t > 0))
		return 1;
	return fmax(1 - fabs(t), 0);
}

static int make_axis(const struct lacuna_host *host, struct axis *a)
{
	a->strip = host->alloc(host, (size_t)a->places * sizeof *a->strip);
	for (int p = 0; a->strip && p < a->places; p++) {
		struct strip *s = &a->strip[p];
		int last;

		while (s->first < a->x && weight_of(a, p, s->first) <= 0)
			s->first++;
		for (last = s->first; last < a->x && weight_of(a, p, last) > 0;)
			last++;
		s->count = last - s->first;
		a->longest = s->count > a->longest ? s->count : a->longest;
		s->weight = host->alloc(host, ((size_t)s->count + 1) * sizeof *s->weight);
		if (!s->weight)
			return LACUNA_ENOMEM;
		for (int i = 0; i < s->count; i++)
			s->weight[i] = (float)weight_of(a, p, s->first + i);
	}
	return a->strip ? LACUNA_OK : LACUNA_ENOMEM;
}

/* The convolution with the kernel of place p, from a patch x to y. Transform and transfer function belong to b. */
static struct convolution convolution_of(const struct blur *b, size_t p, struct lacuna_fft_grid x,
					 struct lacuna_fft_grid y)
{
	return (struct convolution){ b->fft,
				     b->transfer + p * (b->fft.plan->bytes / sizeof *b->transfer),
				     x, y };
}

/* Kernels are placed so that the first value of the common box multiplies the first pixel of a patch. */
static int make_transfers(struct blur *b, const struct kernels *all)
{
	const struct lacuna_fft_grid circle = { b->fft.plan->width, b->fft.plan->height, 1 };
	int status = LACUNA_OK;

	b->transfer = b->host->alloc(b->host, (size_t)all->count * b->fft.plan->bytes);
	if (!b->transfer)
		return LACUNA_ENOMEM;
	for (int64_t p = 0; !status && p < all->count; p++) {
		const struct kernel *k = &all->k[p];
		struct convolution c = convolution_of(b, (size_t)p, circle, circle);

		status = convolution_set_kernel(&c, k->values, k->width, k->height,
						k->centre_x - all->centre[0],
						k->centre_y - all->centre[1]);
	}
	return status;
}

static void destroy(void *self)
{
	struct blur *b = self;

	if (!b)
		return;
	for (int d = 0; d < 2; d++) {
		struct axis *a = &b->axis[d];

		for (int p = 0; a->strip && p < a->places; p++)
			b->host->release(b->host, a->strip[p].weight);
		b->host->release(b->host, a->strip);
	}
	fft_destroy(&b->fft);
	b->host->release(b->host, b->transfer);
	b->host->release(b->host, b);
}

static int make(struct blur *b, const struct kernels *all, const struct lacuna_shape *x,
		const struct lacuna_shape *y)
{
	const int places[2] = { (int)all->across, (int)(all->count / all->across) };
	int status = LACUNA_OK;

	for (int d = 0; !status && d < 2; d++) {
		b->axis[d] = (struct axis){ (int)x->extent[d],
					    (int)y->extent[d],
					    places[d],
					    all->size[d],
					    all->size[d] - 1 - all->centre[d],
					    0,
					    NULL };
		status = make_axis(b->host, &b->axis[d]);
	}
	if (!status)
		status = fft_create_fast(b->host, b->axis[0].longest + all->size[0] - 1,
					 b->axis[1].longest + all->size[1] - 1, &b->fft);
	return status ? status : make_transfers(b, all);
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	struct blur *b;
	struct kernels all;
	int status;

	if (x->extent[0] > INT32_MAX || x->extent[1] > INT32_MAX)
		return host->fail(host, LACUNA_EINVAL, "the image is too large");
	status = get_kernels(host, config, 1, &all);
	if (status)
		return status;
	b = host->alloc(host, sizeof *b);
	if (!b) {
		release_kernels(host, &all);
		return LACUNA_ENOMEM;
	}
	b->host = host;
	b->planes = (size_t)(x->extent[2] * x->extent[3]);
	status = make(b, &all, x, y);
	release_kernels(host, &all);
	if (status) {
		destroy(b);
		return status;
	}
	*self = b;
	return LACUNA_OK;
}

/* ---- one patch ---------------------------------------------------------------------------------------- */

/* A patch of x, and the part of y to which it contributes. */
struct patch {
	const struct blur *b;
	const struct strip *strip[2];
	int first[2], count[2];		/* of y */
	int skip[2];			/* values of the convolution before the first of y */
	struct convolution convolution; /* from the patch to skip + count values */
};

/* False if the patch is empty. */
static int find_patch(const struct blur *b, int place_x, int place_y, struct patch *p)
{
	const int places[2] = { place_x, place_y };

	*p = (struct patch){ .b = b };
	for (int d = 0; d < 2; d++) {
		const struct axis *a = &b->axis[d];
		const struct strip *s = &a->strip[places[d]];
		/* value m of the convolution is y[first of the patch + m - (size - 1)] */
		const int start = s->first - (a->size - 1), end = s->first + s->count;

		p->strip[d] = s;
		p->first[d] = start > 0 ? start : 0;
		p->skip[d] = p->first[d] - start;
		p->count[d] = (end < a->y ? end : a->y) - p->first[d];
		if (!s->count)
			return 0;
	}
	p->convolution = convolution_of(
		b, (size_t)(place_y * b->axis[0].places + place_x),
		(struct lacuna_fft_grid){ p->strip[0]->count, p->strip[1]->count, 1 },
		(struct lacuna_fft_grid){ p->skip[0] + p->count[0], p->skip[1] + p->count[1], 1 });
	return 1;
}

/* Work space of a patch: a spectrum and a plane, both of the size of the transform. */
struct work {
	lacuna_complex *spectrum;
	float *plane;
};

static struct work split(const struct blur *b, void *memory)
{
	return (struct work){ memory, (float *)(void *)((char *)memory + b->fft.plan->bytes) };
}

static size_t scratch(const void *self)
{
	const struct blur *b = self;

	return b->fft.plan->bytes +
	       (size_t)b->fft.plan->width * (size_t)b->fft.plan->height * sizeof(float);
}

/* Writes w x, or sqrt(w) x if `root', to the plane, packed. */
static void load_scene(const struct patch *p, int root, const float *x, float *plane)
{
	const struct strip *sx = p->strip[0], *sy = p->strip[1];
	const size_t width = (size_t)p->b->axis[0].x;

	for (int j = 0; j < sy->count; j++)
		for (int i = 0; i < sx->count; i++) {
			const float w = sx->weight[i] * sy->weight[j];

			*plane++ = (root ? sqrtf(w) : w) *
				   x[(size_t)(sy->first + j) * width + (size_t)(sx->first + i)];
		}
}

static void add_scene(const struct patch *p, int root, const float *plane, float *x)
{
	const struct strip *sx = p->strip[0], *sy = p->strip[1];
	const size_t width = (size_t)p->b->axis[0].x;

	for (int j = 0; j < sy->count; j++)
		for (int i = 0; i < sx->count; i++) {
			const float w = sx->weight[i] * sy->weight[j];

			x[(size_t)(sy->first + j) * width + (size_t)(sx->first + i)] +=
				(root ? sqrtf(w) : w) * *plane++;
		}
}

/* Where row j of the patch's part of y begins in y. */
static size_t in_y(const struct patch *p, int j)
{
	return (size_t)(p->first[1] + j) * (size_t)p->b->axis[0].y + (size_t)p->first[0];
}

/* The same in the values of the patch's convolution. */
static size_t in_plane(const struct patch *p, int j)
{
	return (size_t)(p->skip[1] + j) * (size_t)p->convolution.y.width + (size_t)p->skip[0];
}

static void patch_forward(const struct patch *p, const float *x, float *y, struct work w)
{
	load_scene(p, 0, x, w.plane);
	convolution_apply(&p->convolution, w.plane, w.plane, w.spectrum);
	for (int j = 0; j < p->count[1]; j++) {
		const float *from = w.plane + in_plane(p, j);
		float *to = y + in_y(p, j);

		for (int i = 0; i < p->count[0]; i++)
			to[i] += from[i];
	}
}

static void patch_back(const struct patch *p, const float *y, float *x, struct work w)
{
	const struct lacuna_fft_grid *g = &p->convolution.y;

	memset(w.plane, 0, (size_t)g->width * (size_t)g->height * sizeof *w.plane);
	for (int j = 0; j < p->count[1]; j++)
		memcpy(w.plane + in_plane(p, j), y + in_y(p, j), (size_t)p->count[0] * sizeof *y);
	convolution_adjoint(&p->convolution, w.plane, w.plane, w.spectrum);
	add_scene(p, 0, w.plane, x);
}

/* ---- the work ------------------------------------------------------------------------------------------ */

/* Patches run one after the other because they add to the same values. Each uses all threads. */
static void for_patches(const struct blur *b, int back, const float *in, float *out, struct work w)
{
	struct patch p;

	for (int j = 0; j < b->axis[1].places; j++)
		for (int i = 0; i < b->axis[0].places; i++) {
			if (!find_patch(b, i, j, &p))
				continue;
			if (back)
				patch_back(&p, in, out, w);
			else
				patch_forward(&p, in, out, w);
		}
}

static size_t x_plane(const struct blur *b)
{
	return (size_t)b->axis[0].x * (size_t)b->axis[1].x;
}

static size_t y_plane(const struct blur *b)
{
	return (size_t)b->axis[0].y * (size_t)b->axis[1].y;
}

static int apply(const void *self, void *memory, const float *x, float *y)
{
	const struct blur *b = self;

	memset(y, 0, b->planes * y_plane(b) * sizeof *y);
	for (size_t i = 0; i < b->planes; i++)
		for_patches(b, 0, x + i * x_plane(b), y + i * y_plane(b), split(b, memory));
	return LACUNA_OK;
}

static int adjoint(const void *self, void *memory, const float *at, const float *y, float *x)
{
	const struct blur *b = self;

	(void)at;
	memset(x, 0, b->planes * x_plane(b) * sizeof *x);
	for (size_t i = 0; i < b->planes; i++)
		for_patches(b, 1, y + i * y_plane(b), x + i * x_plane(b), split(b, memory));
	return LACUNA_OK;
}

/* sum_p sqrt(w_p) F^-1 gain(|K_p|^2) F sqrt(w_p): as if each patch were blurred without its neighbours. */
static int approximate(const void *self, void *memory, lacuna_gain *gain, const void *context,
		       const float *b, float *x)
{
	const struct blur *op = self;
	const struct work w = split(op, memory);
	struct patch p;

	memset(x, 0, op->planes * x_plane(op) * sizeof *x);
	for (size_t plane = 0; plane < op->planes; plane++, b += x_plane(op), x += x_plane(op))
		for (int j = 0; j < op->axis[1].places; j++)
			for (int i = 0; i < op->axis[0].places; i++) {
				if (!find_patch(op, i, j, &p))
					continue;
				load_scene(&p, 1, b, w.plane);
				convolution_gain(&p.convolution, gain, context, w.plane, w.plane,
						 w.spectrum);
				add_scene(&p, 1, w.plane, x);
			}
	return LACUNA_OK;
}

static int window(const void *self, const struct lacuna_region *region, struct lacuna_region *in_x)
{
	const struct blur *b = self;

	*in_x = *region;
	for (int d = 0; d < 2; d++)
		in_x->origin[d] += b->axis[d].shift;
	return LACUNA_OK;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const struct lacuna_param params[] = {
	LACUNA_PARAM_PATH(struct config, psf, LACUNA_SAMPLED | LACUNA_REQUIRED, NULL,
			  "point spread functions: a TIFF with one page for each place, row by row "
			  "from the top left"),
	LACUNA_PARAM_INT(struct config, columns, NULL, 0, 10000, 0,
			 "number of places from left to right; 0: as many as from top to bottom"),
	LACUNA_PARAM_BOOL(struct config, normalize, 1, "divide each psf by its sum"),
	KERNEL_CLEAN_PARAMS(struct config),
};

static const char manual[] =
	"Blurs the image with a point spread function (psf) that differs from place to place.  A "
	"lens that is sharp in the middle and soft in the corners does this.  psf=FILE has one "
	"page for each cell of a grid.  The grid divides the measured picture into equal cells, "
	"columns=N of them side by side.  Each page is the psf at the middle of its cell.  The "
	"first page belongs to the cell at the top left, the second to the cell to the right of "
	"it, and so on.  Between the middles the psf is interpolated.\n\n"
	"Use it with pictures of points, such as stars, beads or a pinhole.  Cut them from all "
	"over the field, each in the middle of a page: lacuna restore photo.tif -o sharp.tif -A "
	"varying-blur:psf=stars.tif,columns=5.  Background and centre of each page are treated as "
	"for blur.  A point that is not in the middle of its page shifts the picture there, as "
	"distortion does; centre=centroid or centre=peak removes such shifts.\n\n"
	"What lies outside the frame is unknown, as with blur's boundary=valid.  simulate returns "
	"a picture that is smaller by the kernel's size less one.\n\n"
	"Do not use it for a blur that is the same everywhere.  blur is faster and works in "
	"windows, while a picture with a varying blur must fit into memory.  Give enough places "
	"that neighbouring pages look alike: interpolation mixes two psfs and does not move one "
	"towards the other.\n\n"
	"Source: Hirsch, Sra, Schoelkopf and Harmeling, Efficient Filter Flow for Space-Variant "
	"Multiframe Blind Deconvolution, CVPR 2010, with weights of bilinear interpolation; "
	"overlap-add as in Nagy and O'Leary, Restoring Images Degraded by Spatially Variant Blur, "
	"SIAM J. Sci. Comput. 19 (1998).";

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PICTURE,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.scratch = scratch,
	.apply = apply,
	.adjoint = adjoint,
	.window = window,
	.approximate = approximate,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"varying-blur",
	"a blur that differs from place to place",
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
