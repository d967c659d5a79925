/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A page in windows: reads pixels as windows ask for them, and writes rows as soon as they are done.  Holds no more of the
 * page than one row of windows sees. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/page.h"

#include <math.h>
#include <string.h>

/* A small version of a large picture: means over squares. */
struct small {
	int64_t side; /* of the squares, pixels */
	struct image image;
	float *count; /* of finite values in each square */
};

struct parts {
	struct page *p;
	struct tiff_band *noise; /* of each value, from --noise FILE; or NULL */
	struct small before, after;
	struct missing_count missing;
	size_t *absent; /* pixels with each of the values in operands.absent */
};

/* ---- small pictures ---------------------------------------------------------------------------------- */

static int small_create(const struct lacuna_shape *shape, struct small *s)
{
	enum { SIDE_MOST = 1024 };
	const int64_t *e = shape->extent;
	const int64_t longer = e[0] > e[1] ? e[0] : e[1];
	struct lacuna_shape small;
	int status;

	s->side = (longer + SIDE_MOST - 1) / SIDE_MOST;
	small = (struct lacuna_shape){ { (e[0] + s->side - 1) / s->side,
					 (e[1] + s->side - 1) / s->side, e[2], 1 } };
	status = image_create(&s->image, &small);
	if (status)
		return status;
	s->count = memory_alloc_array(lacuna_count(&small), sizeof *s->count);
	return s->count ? LACUNA_OK : LACUNA_ENOMEM;
}

static void small_free(struct small *s)
{
	image_free(&s->image);
	memory_release(s->count);
}

static void small_add(struct small *s, int64_t top, const struct image *rows)
{
	const int64_t *e = rows->shape.extent, *to = s->image.shape.extent;

	for (int64_t c = 0; s->count && c < e[2]; c++)
		for (int64_t j = 0; j < e[1]; j++)
			for (int64_t i = 0; i < e[0]; i++) {
				const float v = rows->values[i + e[0] * (j + e[1] * c)];
				const int64_t at =
					i / s->side + to[0] * ((top + j) / s->side + to[1] * c);

				if (!isfinite(v))
					continue;
				s->count[at]++;
				s->image.values[at] += (v - s->image.values[at]) / s->count[at];
			}
}

static void small_finish(struct small *s)
{
	const size_t n = lacuna_count(&s->image.shape);

	for (size_t i = 0; i < n; i++)
		if (!(s->count[i] > 0))
			s->image.values[i] = NAN;
}

/* ---- which part of the page ------------------------------------------------------------------------- */

/* Grows the part along one side to `length', within the page (most). */
static void grow(struct lacuna_region *part, int side, int64_t length, int64_t most)
{
	int64_t more = length - part->extent[side];

	if (more <= 0)
		return;
	more = more < most - part->extent[side] ? more : most - part->extent[side];
	part->origin[side] -= more < part->origin[side] ? more : part->origin[side];
	part->extent[side] += more;
}

/* Adds a margin, so that the crop is nearly as in the whole picture.  A network that downsamples repeatedly works on a grid,
 * which the part keeps.  A symmetric prior sees square images in eight orientations, others in four: the part is square if
 * the picture is. */
static void add_margin(struct page *p, int64_t margin)
{
	const int64_t *e = p->info.shape.extent;
	struct lacuna_region *part = &p->part;

	*part = p->wanted;
	for (int i = 0; i < 2; i++) {
		const int64_t before = part->origin[i] > margin ? part->origin[i] - margin : 0;
		const int64_t first = before / WINDOWS_GRID * WINDOWS_GRID;
		const int64_t end = part->origin[i] + part->extent[i] + margin;

		part->origin[i] = first;
		part->extent[i] = (end < e[i] ? end : e[i]) - first;
	}
	if (e[0] == e[1]) {
		grow(part, 0, part->extent[1], e[0]);
		grow(part, 1, part->extent[0], e[1]);
	} else if (part->extent[0] == part->extent[1]) {
		grow(part, e[0] > e[1] ? 0 : 1, part->extent[0] + 1, e[0] > e[1] ? e[0] : e[1]);
	}
}

static int place_crop(struct page *p)
{
	const struct lacuna_region *crop = &p->r->crop;
	const int64_t *e = p->info.shape.extent;
	struct windows w;
	int status;

	p->part = (struct lacuna_region){ { 0, 0, 0, 0 }, { e[0], e[1], e[2], 1 } };
	p->wanted = p->part;
	if (!p->r->cropped)
		return LACUNA_OK;
	for (int i = 0; i < 2; i++) {
		if (crop->origin[i] + crop->extent[i] > e[i])
			return error_set(LACUNA_EINVAL,
					 "--crop reaches beyond the picture, which is %lldx%lld",
					 (long long)e[0], (long long)e[1]);
		p->wanted.origin[i] = crop->origin[i];
		p->wanted.extent[i] = crop->extent[i];
	}
	status = windows_whole(&p->job, &p->info.shape, &w);
	if (status == LACUNA_EUNSUPPORTED)
		return error_set(status, "--crop needs an operator that is the same everywhere; "
					 "restore the whole picture and crop the result");
	if (!status)
		add_margin(p, windows_margin(w.reach));
	return status;
}

/* ---- the memory -------------------------------------------------------------------------------------- */

static int noise_page(const struct page *p)
{
	return tiff_page_count(p->r->noise) > 1 ? p->number : 0;
}

static int add_cost(struct tiff_reader *reader, int page, struct windows_cost *all)
{
	struct tiff_cost cost;
	const int status = tiff_band_cost(reader, page, &cost);

	if (!status) {
		all->fixed += cost.fixed;
		all->row += cost.row;
	}
	return status;
}

static int find_cost(const struct page *p, struct windows_cost *cost)
{
	int status;

	*cost = (struct windows_cost){ .multiple = p->info.block_rows };
	status = add_cost(p->r->in, p->number, cost);
	if (p->held) {
		cost->fixed += cost->row * (double)p->info.shape.extent[1];
		cost->row = 0;
	}
	if (!status && p->r->noise && noise_page(p) < tiff_page_count(p->r->noise))
		status = add_cost(p->r->noise, noise_page(p), cost);
	return status;
}

/* A page that fits, as stored, in a quarter of the memory is decoded once; a larger one each time it is read: for its range,
 * holes, noise, and windows. */
static int choose_held(struct page *p)
{
	enum { SHARE = 4 };
	struct windows_cost all = { 0 };
	const int status = add_cost(p->r->in, p->number, &all);

	p->held = p->windowed && all.fixed + all.row * (double)p->info.shape.extent[1] <=
					 (double)p->r->job.budget / SHARE;
	return status;
}

int page_hold(struct page *p)
{
	enum { ROWS = 64 };
	const int64_t height = p->info.shape.extent[1];
	int status;

	/* Estimating noise or restoring one window needs only a part of it. */
	if (!p->held || p->listening || p->band)
		return LACUNA_OK;
	status = tiff_band_open(p->r->in, p->number, 0, &p->band);
	for (int64_t y = ROWS; !status && y < height + ROWS; y += ROWS)
		status = cancel_requested() ? LACUNA_ECANCELLED
					    : tiff_band_move(p->band, 0, y < height ? y : height);
	return status;
}

static struct lacuna_shape part_shape(const struct page *p)
{
	struct lacuna_shape shape;

	memcpy(shape.extent, p->part.extent, sizeof shape.extent);
	return shape;
}

/* Refuses options that need the whole picture. */
static int refuse_whole(const struct page *p)
{
	const struct file_names *v = &p->r->names;
	const double bytes = 4.0 * (double)lacuna_count(&p->info.shape);
	const char *what = v->reference ? "--reference" : v->start ? "--start" : NULL;

	if (!what)
		return LACUNA_OK;
	if (p->r->cropped)
		return error_set(LACUNA_EUNSUPPORTED, "%s cannot be combined with --crop", what);
	return error_set(LACUNA_ENOMEM,
			 "%s needs the whole picture in memory, several times %.1f MiB, but only "
			 "%.1f MiB are allowed; raise --memory",
			 what, bytes / 0x1p20, (double)p->r->job.budget / 0x1p20);
}

/* ---- masks and holes --------------------------------------------------------------------------------- */

/* A mask differs from place to place.  As the last operator it only marks missing values, and the others may be the same
 * everywhere. */
static int take_mask_off(struct page *p)
{
	const struct restore_job *job = &p->r->job;
	const size_t last = job->operator_count - 1;
	int64_t reach, factor;
	int status;

	if (p->job.method) /* done before */
		return LACUNA_OK;
	p->job = *job;
	status = windows_reach(job, p->info.shape.extent[2], &reach, &factor);
	if (!status)
		return LACUNA_OK;
	error_clear();
	if (status == LACUNA_ENOMEM)
		return LACUNA_OK; /* refused when windows are planned */
	status = holes_of_operator(&job->operators[last], &p->info.shape, &p->known);
	if (status == LACUNA_EUNSUPPORTED) {
		error_clear();
		return LACUNA_OK; /* as above */
	}
	if (status)
		return status;
	p->job.operator_count = last;
	if (!last) {
		status = use_parse(LACUNA_OPERATOR, "identity", &p->plain);
		p->job.operators = &p->plain;
		p->job.operator_count = 1;
	}
	return status;
}

int page_may_have_holes(const struct page *p)
{
	const struct restoration *r = p->r;
	const struct method *m = &r->method;
	const struct file_names *v = &r->names;
	const uint32_t wanted = LACUNA_LINEAR | LACUNA_PIXELWISE;

	/* A prior that learns from the measurement needs all of it. */
	return !(r->job.noise.sigma < 0) && !(r->job.noise.sigma > 0) && !r->noise &&
	       r->job.samples == 1 && !r->job.sample && !m->wish.sampler &&
	       strcmp(m->name, "sample") != 0 && !v->start && !v->reference &&
	       r->job.operator_count == 1 &&
	       (r->operators[0].plugin->u.op.flags & wanted) == wanted &&
	       (m->prior.plugin->u.prior.flags & LACUNA_LASTING);
}

/* True when the remaining operator changes nothing. */
static int changes_nothing(const struct page *p)
{
	const struct lacuna_shape small = { { 16, 16, p->info.shape.extent[2], 1 } };
	unsigned char *known = NULL;
	int all =
		p->job.operator_count == 1 && !holes_of_operator(p->job.operators, &small, &known);

	for (size_t i = 0; all && i < lacuna_count(&small); i++)
		all = holes_known(known, i);
	memory_release(known);
	error_clear();
	return all;
}

static void read_y(const struct page *p, const struct lacuna_region *in_part, float *y);

/* Reads the part a few rows at a time; the whole page, if it is to be held. */
static int map_holes(struct page *p, struct holes *h)
{
	enum { ROWS = 8 * HOLES_CELL };
	const int64_t *e = p->part.extent;
	float *y = memory_alloc_array((size_t)(e[0] * ROWS * e[2]), sizeof *y);
	/* A page that fits in memory is restored as a whole, or in windows around its holes. */
	const int all = !p->windowed;
	int status = y ? page_hold(p) : LACUNA_ENOMEM;

	if (!status && !p->band)
		status = tiff_band_open(p->r->in, p->number, all ? 0 : ROWS, &p->band);
	for (int64_t top = 0; !status && top < e[1]; top += ROWS) {
		const int64_t rows = e[1] - top < ROWS ? e[1] - top : ROWS;
		const struct lacuna_region region = { { 0, top, 0, 0 }, { e[0], rows, e[2], 1 } };
		const struct lacuna_shape shape = { { e[0], rows, e[2], 1 } };
		const int64_t at = p->part.origin[1] + top;

		status = tiff_band_move(p->band, all ? 0 : at, at + rows);
		if (status)
			break;
		read_y(p, &region, y);
		holes_add(h, &shape, top, y);
	}
	memory_release(y);
	return status ? status : holes_finish(h);
}

/* Sets the windows if they are less work than the whole picture. */
static int plan_around_holes(struct page *p, const struct windows_cost *cost)
{
	static const double worth = 0.9;
	const struct lacuna_shape shape = part_shape(p);
	struct holes h = { 0 };
	double share = 1;
	int status = holes_create(shape.extent[0], shape.extent[1], &h);

	if (!status)
		status = map_holes(p, &h);
	if (!status && windows_around(&p->job, &shape, cost, &h, &p->windows, &share))
		error_clear();
	holes_free(&h);
	if (status || share >= worth) {
		memory_release(p->windows.active);
		p->windows.active = NULL;
	}
	if (!p->held && (status || p->windowed)) {
		tiff_band_close(p->band);
		p->band = NULL;
	}
	return status;
}

/* A part that fits in memory is one window. */
static int plan_part(struct page *p)
{
	const struct restoration *r = p->r;
	const struct lacuna_shape shape = part_shape(p);
	struct windows_cost cost;
	int status = find_cost(p, &cost);

	if (r->windows && r->windows(r->look_context, p->number, &p->windows))
		return LACUNA_OK;
	if (!status && page_may_have_holes(p) && changes_nothing(p))
		status = plan_around_holes(p, &cost);
	/* The whole page is restored at once. */
	if (status || p->windows.active || !p->windowed)
		return status;
	return windows_needed(&p->job, &shape, &cost)
		       ? windows_plan(&p->job, &shape, &cost, &p->windows)
		       : windows_whole(&p->job, &shape, &p->windows);
}

int page_needs_parts(struct page *p, int *needed)
{
	const struct restoration *r = p->r;
	const struct lacuna_shape *y = &p->y_shape;
	struct windows_cost cost;
	int status;

	*needed = 0;
	if (!r->job.budget || restorer_has_shape(r->restorer, y))
		return LACUNA_OK;
	status = find_cost(p, &cost);
	if (status || !windows_exceeds(&r->job, y, &cost))
		return status;
	if (r->names.reference || r->names.start) { /* they need the whole */
		*needed = !restorer_fits(r->restorer, y);
		return LACUNA_OK;
	}
	status = take_mask_off(p);
	if (!status)
		*needed = windows_needed(&p->job, y, &cost);
	return status;
}

int page_plan_parts(struct page *p)
{
	int status = p->windowed ? refuse_whole(p) : LACUNA_OK;

	if (!status)
		status = choose_held(p);
	if (!status)
		status = take_mask_off(p);
	if (!status)
		status = place_crop(p);
	if (!status)
		status = plan_part(p);
	if (status == LACUNA_ENOMEM && p->held) {
		p->held = 0;
		tiff_band_close(p->band);
		p->band = NULL;
		error_clear();
		status = plan_part(p);
	}
	if (status)
		return status;
	p->windowed |= p->windows.active != NULL;
	for (int i = 0; i < 2 && p->windowed; i++) {
		p->window.extent[i] = p->windows.factor * p->wanted.extent[i];
		p->x.extent[i] = p->windows.factor * p->part.extent[i];
	}
	return LACUNA_OK;
}

void page_free_parts(struct page *p)
{
	memory_release(p->windows.active);
	memory_release(p->known);
	use_free(&p->plain);
}

/* Rows that windows see, rows that wait to be written, and one for what lies between rows. */
static int64_t rows_held(const struct page *p, int64_t multiple)
{
	return p->windows.height + multiple + 1;
}

/* The whole page may be open already. */
static int open_band(struct page *p, int64_t multiple)
{
	if (p->band)
		return LACUNA_OK;
	return tiff_band_open(p->r->in, p->number, rows_held(p, multiple), &p->band);
}

/* ---- a source and a sink ----------------------------------------------------------------------------- */

static int move(void *context, int64_t top, int64_t bottom)
{
	const struct parts *a = context;
	const int64_t y = a->p->part.origin[1];
	/* A band that holds all rows moves nowhere. */
	int status = tiff_band_move(a->p->band, y + top, y + bottom);

	if (!status && a->noise)
		status = tiff_band_move(a->noise, y + top, y + bottom);
	return status;
}

/* Sets to NaN what the mask hides. */
static void hide(const struct page *p, const struct lacuna_region *r, float *y)
{
	const int64_t *all = p->info.shape.extent, *e = r->extent;

	for (int64_t c = 0; p->known && c < e[2]; c++)
		for (int64_t j = 0; j < e[1]; j++) {
			const int64_t at = r->origin[0] + all[0] * (r->origin[1] + j + all[1] * c);
			float *row = y + e[0] * (j + e[1] * c);

			for (int64_t i = 0; i < e[0]; i++)
				if (!holes_known(p->known, (size_t)(at + i)))
					row[i] = NAN;
		}
}

static struct lacuna_region in_page(const struct page *p, const struct lacuna_region *in_part)
{
	struct lacuna_region r = *in_part;

	r.origin[0] += p->part.origin[0];
	r.origin[1] += p->part.origin[1];
	return r;
}

/* Reads a region of the part; missing values are NaN. */
static void read_y(const struct page *p, const struct lacuna_region *in_part, float *y)
{
	const struct lacuna_region region = in_page(p, in_part);
	const struct missing_rule rule = page_missing_rule(p);
	struct missing_count count;
	struct lacuna_shape shape;

	memcpy(shape.extent, region.extent, sizeof shape.extent);
	tiff_band_get(p->band, &region, y);
	missing_mark(lacuna_count(&shape), &rule, y, &count);
	for (size_t i = 0; i < p->r->operands.absent_count; i++)
		missing_mark_pixels(&shape, p->r->operands.absent[i], y);
	hide(p, &region, y);
}

static int read(void *context, const struct lacuna_region *in_part, float *y, float *deviation)
{
	const struct parts *a = context;
	const struct lacuna_region region = in_page(a->p, in_part);
	struct lacuna_shape shape;

	read_y(a->p, in_part, y);
	if (!deviation)
		return LACUNA_OK;
	memcpy(shape.extent, region.extent, sizeof shape.extent);
	tiff_band_get(a->noise, &region, deviation);
	return page_mark_unmeasured(a->p, lacuna_count(&shape), deviation, y);
}

/* Writes rows of the result, from row `top' on. */
static int put(struct parts *a, int64_t top, struct image *rows, const unsigned char *unchanged)
{
	struct page *p = a->p;
	const struct tiff_rows out = { .top = top,
				       .count = rows->shape.extent[1],
				       .values = rows->values,
				       .keep = unchanged,
				       .old = p->band };
	int status;

	small_add(&a->after, top, rows);
	page_convert(p, rows);
	status = page_put_missing_back(p, top, rows);
	return status ? status : tiff_put(p->r->out, &out);
}

/* Summing overlapping windows rounds values that should stay unchanged. */
static void put_unchanged_back(struct image *rows, const unsigned char *unchanged, const float *y)
{
	const size_t n = lacuna_count(&rows->shape);

	for (size_t i = 0; unchanged && i < n; i++)
		if (unchanged[i] && !isnan(y[i]))
			rows->values[i] = y[i];
}

/* `before' is as large as `after', or smaller. */
static int look_before(struct parts *a, int64_t top, struct image *after,
		       const unsigned char *unchanged)
{
	const struct page *p = a->p;
	const int64_t f = p->windows.factor, first = (top + f - 1) / f;
	const int64_t count = after->shape.extent[1];
	const int64_t rows = (top + count + f - 1) / f - first;
	const struct lacuna_region region = {
		{ p->wanted.origin[0], p->wanted.origin[1] + first, 0, 0 },
		{ p->wanted.extent[0], rows, p->wanted.extent[2], 1 }
	};
	const struct missing_rule rule = page_missing_rule(p);
	const struct lacuna_shape shape = { { region.extent[0], rows, region.extent[2], 1 } };
	struct missing_count missing;
	struct image y;
	int status;

	if (!rows)
		return LACUNA_OK;
	status = image_create(&y, &shape);
	if (status)
		return status;
	tiff_band_get(p->band, &region, y.values);
	missing_mark(lacuna_count(&shape), &rule, y.values, &missing);
	a->missing.declared += missing.declared;
	a->missing.infinite += missing.infinite;
	a->missing.nan += missing.nan;
	for (size_t i = 0; i < p->r->operands.absent_count; i++)
		a->absent[i] += missing_mark_pixels(&shape, p->r->operands.absent[i], y.values);
	small_add(&a->before, first, &y);
	put_unchanged_back(after, unchanged, y.values);
	image_free(&y);
	return page_check_put_back(p, &missing);
}

/* Cuts the wanted columns and rows out of rows of the part. */
static int cut(const struct page *p, int64_t top, int64_t count, const float *picture,
	       const unsigned char *unchanged, struct image *rows, unsigned char **flags)
{
	const int64_t f = p->windows.factor, width = f * p->part.extent[0];
	const int64_t x0 = f * (p->wanted.origin[0] - p->part.origin[0]);
	const int64_t *e = rows->shape.extent;
	const size_t n = lacuna_count(&rows->shape);

	*flags = unchanged ? memory_alloc(n) : NULL;
	if (unchanged && !*flags)
		return LACUNA_ENOMEM;
	for (int64_t c = 0; c < e[2]; c++)
		for (int64_t j = 0; j < e[1]; j++) {
			const int64_t from = x0 + width * (top + j + count * c);
			const int64_t to = e[0] * (j + e[1] * c);

			memcpy(rows->values + to, picture + from, (size_t)e[0] * sizeof *picture);
			if (unchanged)
				memcpy(*flags + to, unchanged + from, (size_t)e[0]);
		}
	return LACUNA_OK;
}

static int write_cut(struct parts *a, int64_t top, int64_t first, int64_t end, int64_t count,
		     const float *picture, const unsigned char *unchanged)
{
	const struct page *p = a->p;
	const int64_t at = p->windows.factor * (p->wanted.origin[1] - p->part.origin[1]);
	const struct lacuna_shape shape = { { p->window.extent[0], end - first, p->window.extent[2],
					      1 } };
	unsigned char *flags = NULL;
	struct image rows;
	int status = image_create(&rows, &shape);

	if (!status)
		status = cut(p, first - top, count, picture, unchanged, &rows, &flags);
	if (!status)
		status = look_before(a, first - at, &rows, flags);
	if (!status)
		status = put(a, first - at, &rows, flags);
	image_free(&rows);
	memory_release(flags);
	return status;
}

static int write(void *context, int64_t top, int64_t count, float *picture,
		 const unsigned char *unchanged)
{
	struct parts *a = context;
	const struct page *p = a->p;
	/* Wanted rows of the part */
	const int64_t at = p->windows.factor * (p->wanted.origin[1] - p->part.origin[1]);
	const int64_t first = top > at ? top : at;
	const int64_t bottom = top + count, last = at + p->window.extent[1];
	const int64_t end = bottom < last ? bottom : last;

	return first < end ? write_cut(a, top, first, end, count, picture, unchanged) : LACUNA_OK;
}

/* ---- the run ----------------------------------------------------------------------------------------- */

static int open_noise(struct parts *a, int64_t rows)
{
	struct page *p = a->p;
	struct tiff_reader *reader = p->r->noise;
	struct tiff_page info;
	int status;

	if (!reader)
		return LACUNA_OK;
	status = tiff_page_info(reader, noise_page(p), &info);
	if (!status && !picture_same_shape(&info.shape, &p->info.shape))
		status = page_wrong_shape(tiff_path(reader), &info.shape, "the picture",
					  &p->info.shape);
	return status ? status : tiff_band_open(reader, noise_page(p), rows, &a->noise);
}

static void close_bands(struct parts *a)
{
	tiff_band_close(a->noise);
	a->noise = NULL;
	if (a->p->held) /* until the page is done */
		return;
	tiff_band_close(a->p->band);
	a->p->band = NULL;
}

/* With --crop, the noise is still that of the whole picture. */
static int listen_to_whole(struct parts *a, const struct measurement *m)
{
	struct page *p = a->p;
	const struct lacuna_region part = p->part;
	const struct restoration *r = p->r;
	const struct windows_io io = { move, read, write, 1, 0, a };
	const struct windows windows = p->windows;
	int status;

	if (!r->cropped || !restorer_estimates(r->restorer, m))
		return LACUNA_OK;
	p->part = (struct lacuna_region){ { 0, 0, 0, 0 },
					  { p->info.shape.extent[0], p->info.shape.extent[1],
					    p->info.shape.extent[2], 1 } };
	status = plan_part(p);
	if (!status)
		status = open_band(p, 1);
	if (!status)
		status = open_noise(a, rows_held(p, 1));
	if (!status)
		status = windows_listen(r->restorer, &p->windows, m, &io);
	close_bands(a);
	p->windows = windows;
	p->part = part;
	return status;
}

static void show(struct parts *a)
{
	const struct page *p = a->p;
	const struct restore_record *record = &p->result.record;
	const struct look look = {
		.page = p->number,
		.before = &a->before.image,
		.after = &a->after.image,
		.scale = &record->inner,
		.noise = record->noise * (p->range.hi - p->range.lo) /
			 (record->inner.white - record->inner.black),
	};

	if (!p->r->look)
		return;
	small_finish(&a->before);
	small_finish(&a->after);
	p->r->look(p->r->look_context, &look);
}

static int run(struct parts *a)
{
	struct page *p = a->p;
	struct restoration *r = p->r;
	static const float stated = 1; /* a placeholder: the deviation comes with the pixels */
	struct measurement m = page_measurement(p);
	const int64_t f = p->windows.factor;
	struct windows_io io = { move, read, write, 1, 0, a };
	const struct tiff_part part = {
		.like = r->in, .page = p->number, .shape = p->window, .region = p->wanted
	};
	int status;

	m.deviation = r->noise ? &stated : NULL;
	m.whole = p->info.shape;
	m.x = p->part.origin[0];
	m.y0 = p->part.origin[1];
	restorer_operators(r->restorer, p->job.operators, p->job.operator_count);
	page_tell_values(p, r->out);
	status = tiff_begin(r->out, &part);
	if (!status)
		status = listen_to_whole(a, &m);
	io.multiple = tiff_rows_multiple(r->out);
	io.first = f * (p->wanted.origin[1] - p->part.origin[1]);
	if (!status)
		status = open_band(p, io.multiple);
	if (!status)
		status = open_noise(a, rows_held(p, io.multiple));
	if (!status)
		status = windows_stream(r->restorer, &p->windows, &m, &io, &p->result);
	return status ? status : tiff_end(r->out);
}

int page_restore_parts(struct page *p)
{
	struct restoration *r = p->r;
	struct parts a = { .p = p };
	const int settled = restorer_has_settled(r->restorer);
	struct lacuna_shape wanted;
	int status = LACUNA_OK;

	a.absent = memory_alloc_array(r->operands.absent_count + 1, sizeof *a.absent);
	if (!a.absent)
		return LACUNA_ENOMEM;
	memcpy(wanted.extent, p->wanted.extent, sizeof wanted.extent);
	p->lacks = 1;
	if (r->look)
		status = small_create(&wanted, &a.before);
	if (!status && r->look)
		status = small_create(&p->window, &a.after);
	if (!status)
		status = run(&a);
	restorer_operators(r->restorer, NULL, 0);
	if (!settled)
		restorer_forget(r->restorer);
	if (!status) {
		page_tell_missing(p, &a.missing);
		for (size_t i = 0; i < r->operands.absent_count; i++)
			page_tell_absent(p, i, a.absent[i]);
		show(&a);
	}
	r->doubts += p->result.record.doubts;
	close_bands(&a);
	small_free(&a.before);
	small_free(&a.after);
	memory_release(a.absent);
	return status;
}

int page_restore_window(struct page *p, int64_t window, struct restored *part)
{
	struct parts a = { .p = p };
	const struct windows_io io = { move, read, write, 1, 0, &a };
	const struct measurement m = page_measurement(p);
	struct restorer *r = p->r->restorer;
	int status = open_band(p, 1);

	restorer_operators(r, p->job.operators, p->job.operator_count);
	if (!status)
		status = open_noise(&a, rows_held(p, 1));
	if (!status)
		status = windows_listen(r, &p->windows, &m, &io);
	if (!status && window >= 0)
		status = windows_part(r, &p->windows, &m, &io, window, part);
	close_bands(&a);
	restorer_operators(r, NULL, 0);
	return status;
}
