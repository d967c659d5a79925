/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "exposures": several pages of one scene, each moved, blurred and brighter or darker in its own way,
 *	y_t[i] = gain_t sum_j w_t(i - shift_t - j) x[j],
 * w is a Gaussian of standard deviation sigma_t, with cubic interpolation (Keys, a = -1/2) for shifts by parts of a
 * pixel. x is larger than y by a border that covers what any page sees. */
#include <lacuna/plugin.h>
#include "common/separable.h"
#include <math.h>
#include <string.h>

struct config {
	struct lacuna_list shifts, sigmas, gains;
};

enum { MOST = 256 }; /* pages */

/* The parameters, for each page. */
struct plan {
	int64_t pages, border;
	struct page {
		double shift[2], sigma, gain;
	} page[MOST];
};

struct exposures {
	const struct lacuna_host *host;
	int64_t pages, border;
	size_t x_plane, y_plane, channels;
	double gain[MOST];
	struct separable_axis axis[MOST][2];
};

/* ---- the plan ---------------------------------------------------------------------------------------- */

/* Reads `per' numbers a page. The first list given sets the number of pages; the others must match it. */
static int read_list(const struct lacuna_host *host, const char *name,
		     const struct lacuna_list *list, int64_t per, double *values, int64_t *pages)
{
	const int64_t n = list->count;

	if (!n)
		return LACUNA_OK;
	if (n % per || n / per > MOST)
		return host->fail(host, LACUNA_EINVAL,
				  "%s has %lld numbers; give %s for each page, such as "
				  "\"%s\", for at most %d pages",
				  name, (long long)n, per == 2 ? "two" : "one",
				  per == 2 ? "0 0;1.5 -0.5" : "0 1.5", MOST);
	if (*pages && n / per != *pages)
		return host->fail(host, LACUNA_EINVAL,
				  "%s is for %lld pages, the list before it for %lld", name,
				  (long long)(n / per), (long long)*pages);
	memcpy(values, list->values, (size_t)n * sizeof *values);
	*pages = n / per;
	return LACUNA_OK;
}

static int64_t radius_of(const struct page *page)
{
	return (int64_t)ceil(4 * page->sigma) + 2;
}

static int make_plan(const struct lacuna_host *host, const struct config *c, struct plan *plan)
{
	double shifts[2 * MOST] = { 0 }, sigmas[MOST] = { 0 }, gains[MOST];
	int status;

	memset(plan, 0, sizeof *plan);
	for (int t = 0; t < MOST; t++)
		gains[t] = 1;
	status = read_list(host, "shifts", &c->shifts, 2, shifts, &plan->pages);
	if (!status)
		status = read_list(host, "sigmas", &c->sigmas, 1, sigmas, &plan->pages);
	if (!status)
		status = read_list(host, "gains", &c->gains, 1, gains, &plan->pages);
	if (!status && !plan->pages)
		status = host->fail(host, LACUNA_EINVAL,
				    "state how the pages differ: give shifts, sigmas or gains");
	for (int64_t t = 0; !status && t < plan->pages; t++) {
		struct page *page = &plan->page[t];

		*page = (struct page){ { shifts[2 * t], shifts[2 * t + 1] }, sigmas[t], gains[t] };
		for (int d = 0; !status && d < 2; d++) {
			const int64_t reach = (int64_t)ceil(fabs(page->shift[d])) + radius_of(page);

			plan->border = reach > plan->border ? reach : plan->border;
		}
	}
	return status;
}

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	struct plan plan;
	int status = make_plan(host, config, &plan);

	if (status)
		return status;
	*wanted = *known;
	if (known->extent[3] != (from_y ? plan.pages : 1))
		return host->fail(host, LACUNA_EINVAL,
				  from_y ? "the file has %lld pages, but the lists are "
					   "for %lld; choose pages with --pages"
					 : "the picture has %lld frames; it must have one",
				  (long long)known->extent[3], (long long)plan.pages);
	wanted->extent[3] = from_y ? 1 : plan.pages;
	for (int d = 0; d < 2; d++)
		wanted->extent[d] += from_y ? 2 * plan.border : -2 * plan.border;
	if (wanted->extent[0] < 1 || wanted->extent[1] < 1)
		return host->fail(host, LACUNA_EINVAL,
				  "the picture of %lldx%lld is smaller than its border of "
				  "%lld px on each side",
				  (long long)known->extent[0], (long long)known->extent[1],
				  (long long)plan.border);
	return LACUNA_OK;
}

/* ---- create, destroy --------------------------------------------------------------------------------- */

/* Keys 1981, a = -1/2 */
static double cubic(double t)
{
	t = fabs(t);
	return t >= 2	? 0
	       : t >= 1 ? ((-0.5 * t + 2.5) * t - 4) * t + 2
			: (1.5 * t - 2.5) * t * t + 1;
}

/* The interpolation kernel convolved with the Gaussian, at t. */
static double response(double sigma, double t)
{
	const double step = fmin(sigma / 4, 0.125);
	double sum = 0, total = 0;

	if (!(sigma > 0))
		return cubic(t);
	for (double u = -4 * sigma; u <= 4 * sigma; u += step) {
		const double g = exp(-0.5 * u * u / (sigma * sigma));

		sum += g * cubic(t - u);
		total += g;
	}
	return sum / total;
}

static int make_axis(const struct exposures *e, const struct page *page, int d, int64_t in,
		     int64_t out, struct separable_axis *axis)
{
	const int64_t radius = radius_of(page), taps = 2 * radius + 1;
	const double place = (double)e->border - page->shift[d], whole = floor(place + 0.5);
	double *weights = e->host->alloc(e->host, (size_t)taps * sizeof *weights), sum = 0;
	int status = weights ? separable_create(e->host, in, out, taps, axis) : LACUNA_ENOMEM;

	for (int64_t k = 0; !status && k < taps; k++) {
		weights[k] = response(page->sigma, place - whole + (double)(radius - k));
		sum += weights[k];
	}
	for (int64_t o = 0; !status && o < out; o++) {
		axis->first[o] = o + (int64_t)whole - radius;
		for (int64_t k = 0; k < taps; k++)
			separable_add(axis, o, axis->first[o] + k, weights[k] / sum);
	}
	e->host->release(e->host, weights);
	return status;
}

static void destroy(void *self)
{
	struct exposures *e = self;

	if (!e)
		return;
	for (int64_t t = 0; t < e->pages; t++)
		for (int d = 0; d < 2; d++)
			separable_destroy(e->host, &e->axis[t][d]);
	e->host->release(e->host, e);
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	struct exposures *e = host->alloc(host, sizeof *e);
	struct plan plan;
	int status;

	if (!e)
		return LACUNA_ENOMEM;
	e->host = host;
	status = make_plan(host, config, &plan);
	e->pages = plan.pages;
	e->border = plan.border;
	e->x_plane = (size_t)(x->extent[0] * x->extent[1]);
	e->y_plane = (size_t)(y->extent[0] * y->extent[1]);
	e->channels = (size_t)x->extent[2];
	for (int64_t t = 0; !status && t < plan.pages; t++) {
		e->gain[t] = plan.page[t].gain;
		for (int d = 0; !status && d < 2; d++)
			status = make_axis(e, &plan.page[t], d, x->extent[d], y->extent[d],
					   &e->axis[t][d]);
	}
	if (status) {
		destroy(e);
		return status;
	}
	*self = e;
	return LACUNA_OK;
}

/* ---- the work ---------------------------------------------------------------------------------------- */

/* All pages have the same sizes. */
static size_t page_bytes(const struct exposures *e)
{
	return separable_bytes(&e->axis[0][0], &e->axis[0][1]);
}

/* Work space of one page, then a plane of x. */
static size_t scratch(const void *self)
{
	const struct exposures *e = self;

	return page_bytes(e) + e->x_plane * sizeof(float);
}

static int apply(const void *self, void *memory, const float *x, float *y)
{
	const struct exposures *e = self;

	for (int64_t t = 0; t < e->pages; t++)
		for (size_t c = 0; c < e->channels; c++) {
			separable_apply(e->host, &e->axis[t][0], &e->axis[t][1], x + c * e->x_plane,
					y, memory);
			for (size_t i = 0; i < e->y_plane; i++)
				y[i] = (float)(e->gain[t] * y[i]);
			y += e->y_plane;
		}
	return LACUNA_OK;
}

static int adjoint(const void *self, void *memory, const float *at, const float *y, float *x)
{
	const struct exposures *e = self;
	float *part = (float *)(void *)((char *)memory + page_bytes(e));

	(void)at;
	memset(x, 0, e->channels * e->x_plane * sizeof *x);
	for (int64_t t = 0; t < e->pages; t++)
		for (size_t c = 0; c < e->channels; c++) {
			float *to = x + c * e->x_plane;

			separable_adjoint(e->host, &e->axis[t][0], &e->axis[t][1], y, part, memory);
			for (size_t i = 0; i < e->x_plane; i++)
				to[i] += (float)(e->gain[t] * part[i]);
			y += e->y_plane;
		}
	return LACUNA_OK;
}

static int window(const void *self, const struct lacuna_region *in_y, struct lacuna_region *in_x)
{
	const struct exposures *e = self;

	*in_x = *in_y;
	in_x->origin[0] += e->border;
	in_x->origin[1] += e->border;
	in_x->origin[3] = 0;
	in_x->extent[3] = 1;
	return LACUNA_OK;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const struct lacuna_param params[] = {
	LACUNA_PARAM_LIST(
		struct config, shifts, "px", -1000, 1000, 0, NULL,
		"shift of the scene in each page, to the right and down, such as \"0 0;1.5 -0.5\""),
	LACUNA_PARAM_LIST(struct config, sigmas, "px", 0, 50, 0, NULL,
			  "standard deviation of each page's Gaussian blur, such as \"0 1.5\""),
	LACUNA_PARAM_LIST(struct config, gains, NULL, -1e6, 1e6, 0, NULL,
			  "brightness of each page relative to the picture, such as \"1 0.5\""),
};

static const char manual[] =
	"Makes several pages of one picture.  Page t shows the picture shifted by shift t (to the "
	"right and down; parts of a pixel by cubic interpolation), blurred by a Gaussian of sigma "
	"t, and multiplied by gain t.  Every list that you give has one entry for each page.\n\n"
	"Use it to restore one picture from a burst, or from several frames of different "
	"sharpness: lacuna restore burst.tif -o scene.tif -A exposures:shifts=\"0 0;1.5 -0.5;-0.7 "
	"2\".  All pages of the file (or those of --pages) are one measurement.  They must have "
	"the same size.  The result has one page.  Together with downsample it is super-resolution "
	"from several pictures: -A exposures:shifts=... -A downsample:factor=2, with shifts in "
	"pixels of the large picture.  The pages that simulate returns are smaller by the border "
	"that shifts and blurs need.\n\n"
	"Shifts and blurs are taken as exact, so register the pages first.  Do not use it for "
	"scenes that change, or for pages that are rotated.\n\n"
	"Source: Elad and Feuer, Restoration of a Single Superresolution Image from Several "
	"Blurred, Noisy and Undersampled Measured Images, IEEE TIP 6 (1997), equation 2.";

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PICTURE | LACUNA_FRAMES,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.scratch = scratch,
	.apply = apply,
	.adjoint = adjoint,
	.window = window,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"exposures",
	"several pages of one scene: shifted, blurred, darker",
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
