/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Plans a page before it is restored: which part of it is read, whether it fits in memory, and windows, over all of it or around
 * its holes. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/page.h"

#include <string.h>

/* ---- which part of the page ------------------------------------------------------------------------- */

/* Makes the part square, within a square page of this side. */
static void make_square(struct lacuna_region *part, int64_t side)
{
	const int64_t *e = part->extent;
	const int64_t length = e[0] > e[1] ? e[0] : e[1];

	for (int i = 0; i < 2; i++) {
		part->extent[i] = length;
		if (part->origin[i] > side - length)
			part->origin[i] = side - length;
	}
}

/* Makes a part longer along one side, in which the page has this length. */
static void make_longer(struct lacuna_region *part, int side, int64_t most)
{
	if (part->origin[side] + part->extent[side] == most)
		part->origin[side] -= WINDOWS_GRID;
	part->extent[side] += WINDOWS_GRID;
}

/* Adds a margin, so that the crop is nearly as in the whole picture.  A network that downsamples repeatedly works on a grid,
 * which the part keeps, and on that of the mirrored picture, so it begins and ends on one.  A symmetric prior sees square
 * images in eight orientations, others in four: the part is square if the picture is. */
static void add_margin(struct page *p, int64_t margin)
{
	const int64_t *e = p->info.shape.extent;
	struct lacuna_region *part = &p->part;

	*part = p->wanted;
	for (int i = 0; i < 2; i++) {
		const int64_t end = part->origin[i] + part->extent[i] + margin;
		const int64_t before = part->origin[i] > margin ? part->origin[i] - margin : 0;
		const int64_t after = end < e[i] ? e[i] - end : 0;

		part->origin[i] = before / WINDOWS_GRID * WINDOWS_GRID;
		part->extent[i] = e[i] - after / WINDOWS_GRID * WINDOWS_GRID - part->origin[i];
	}
	if (e[0] == e[1])
		make_square(part, e[0]);
	else if (part->extent[0] == part->extent[1])
		make_longer(part, e[0] > e[1] ? 0 : 1, e[0] > e[1] ? e[0] : e[1]);
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

int page_of_noise(const struct page *p)
{
	return p->r->noise->pages > 1 ? p->number : 0;
}

static int add_cost(struct image_reader *reader, int page, struct windows_cost *all)
{
	struct image_cost cost;
	const int status = image_band_cost(reader, page, &cost);

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
	if (!status && p->r->noise && page_of_noise(p) < p->r->noise->pages)
		status = add_cost(p->r->noise, page_of_noise(p), cost);
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
	status = image_band_open(p->r->in, p->number, 0, &p->band);
	for (int64_t y = ROWS; !status && y < height + ROWS; y += ROWS)
		status = cancel_requested() ? LACUNA_ECANCELLED
					    : image_band_move(p->band, 0, y < height ? y : height);
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

/* True if an operator may be a mask: it leaves out something in a strip across the page, or down it, or needs more than a
 * strip.  windows_reach() tries small images, and may take a masked column for what happens at a border. */
static int may_leave_out(const struct page *p, const struct plugin_use *use)
{
	enum { STRIP = 4 };
	int found = 0;

	for (int d = 0; d < 2 && !found; d++) {
		struct lacuna_shape strip = p->info.shape;
		unsigned char *known = NULL;
		int status;

		strip.extent[1 - d] = STRIP < strip.extent[1 - d] ? STRIP : strip.extent[1 - d];
		status = holes_of_operator(use, &strip, &known);
		if (status)
			error_clear();
		found = status && status != LACUNA_EUNSUPPORTED;
		for (size_t i = 0; known && i < lacuna_count(&strip); i++)
			found |= !holes_known(known, i);
		memory_release(known);
	}
	return found;
}

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
	if (!status && !may_leave_out(p, &job->operators[last]))
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
		status = image_band_open(p->r->in, p->number, all ? 0 : ROWS, &p->band);
	for (int64_t top = 0; !status && top < e[1]; top += ROWS) {
		const int64_t rows = e[1] - top < ROWS ? e[1] - top : ROWS;
		const struct lacuna_region region = { { 0, top, 0, 0 }, { e[0], rows, e[2], 1 } };
		const struct lacuna_shape shape = { { e[0], rows, e[2], 1 } };
		const int64_t at = p->part.origin[1] + top;

		status = image_band_move(p->band, all ? 0 : at, at + rows);
		if (status)
			break;
		page_read_part(p, &region, y);
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
		image_band_close(p->band);
		p->band = NULL;
	}
	return status;
}

/* A part that fits in memory is one window. */
int page_plan_part(struct page *p)
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
	if (status)
		return status;
	status = page_plan_part(p);
	if (status == LACUNA_ENOMEM && p->held) {
		p->held = 0;
		image_band_close(p->band);
		p->band = NULL;
		error_clear();
		status = page_plan_part(p);
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
