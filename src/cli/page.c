/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* One page: measurement in, restored picture out.  The files page-*.c hold the stages of this. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/page.h"
#include "restore/restore.h"

#include <stdio.h>
#include <string.h>

void page_free(struct page *p)
{
	image_free(&p->y);
	image_free(&p->start);
	image_free(&p->reference);
	image_free(&p->noise);
	image_band_close(p->band);
	page_free_parts(p);
	image_free(&p->picture);
	restored_free(&p->result);
	memory_release(p->unchanged);
}

int page_is_single(const struct restoration *r)
{
	return r->in->pages == 1;
}

int page_makes_picture(const struct page *p)
{
	return (p->r->operator_flags & LACUNA_PICTURE) != 0;
}

/* ---- its shape --------------------------------------------------------------------------------------- */

/* Once per file: all pages have the same pixel size. */
static int check_pixels(const struct page *p)
{
	const double scale = (double)p->window.extent[0] / (double)p->info.shape.extent[0];

	if (p->r->pixels_checked++)
		return LACUNA_OK;
	return operands_check_pixels(&p->r->operands, p->r->in, scale);
}

int page_wish(const struct restoration *r, int number, struct lacuna_shape *wish)
{
	struct image_reader *told = r->start ? r->start : r->reference;
	struct image_page info;
	int status;

	*wish = r->size;
	if (wish->extent[0] || !told)
		return LACUNA_OK;
	status = image_reader_page(told, told->pages > number ? number : 0, &info);
	if (!status)
		*wish = info.shape;
	return status;
}

/* --size does not stretch a picture of another size. */
static int check_size(const struct page *p)
{
	const int64_t *size = p->r->size.extent, *e = p->window.extent;

	if (!size[0] || (size[0] == e[0] && size[1] == e[1]))
		return LACUNA_OK;
	return error_set(LACUNA_EINVAL,
			 "--size is %lldx%lld, but the measurement gives a picture of %lldx%lld; "
			 "leave --size out",
			 (long long)size[0], (long long)size[1], (long long)e[0], (long long)e[1]);
}

static int enter_shape(struct page *p)
{
	struct restoration *r = p->r;
	int status = image_reader_page(r->in, p->number, &p->info);

	if (status)
		return status;
	if (r->enter)
		r->enter(r->look_context, &p->info.shape);
	p->y_shape = p->info.shape;
	if (restoration_takes_all(r))
		p->y_shape.extent[3] = r->page_count;
	p->x = p->window = p->y_shape;
	restoration_follow(r, p->number);
	p->windowed =
		!restoration_takes_all(r) &&
		(r->cropped || (r->windows && r->windows(r->look_context, p->number, &p->windows)));
	if (!p->windowed && !restoration_takes_all(r))
		status = page_needs_parts(p, &p->windowed);
	if (status)
		return status;
	if (p->windowed || (!restoration_takes_all(r) && page_may_have_holes(p))) {
		status = page_plan_parts(p);
		if (status || p->windowed)
			return status ? status : check_pixels(p);
	}
	status = page_wish(r, p->number, &p->wish);
	if (!status)
		status = restorer_shape(r->restorer, &p->y_shape, &p->wish);
	if (status)
		return status;
	p->x = *restorer_x(r->restorer);
	memcpy(p->window.extent, restorer_window(r->restorer)->extent, sizeof p->window.extent);
	status = check_size(p);
	return status ? status : check_pixels(p);
}

/* ---- its restoration --------------------------------------------------------------------------------- */

/* Integers differ by at least 1. */
static double step_of(const struct page *p)
{
	return p->info.kind == SAMPLE_FLOAT ? 0 : 1;
}

struct measurement page_measurement(const struct page *p)
{
	const struct restoration *r = p->r;

	return (struct measurement){
		.name = p->name,
		.number = (uint32_t)p->number,
		.y = p->y.values,
		.shape = p->y_shape,
		.wish = p->wish,
		.lo = p->range.lo,
		.hi = p->range.hi,
		.stated = r->range != NULL,
		.seen = r->full_range || !r->levels.found ? NULL : &r->levels.seen,
		.unit = p->info.kind == SAMPLE_FLOAT
				? 1
				: p->info.full_scale.hi - p->info.full_scale.lo,
		.step = step_of(p),
		.start = p->start.values,
		.deviation = p->noise.values,
	};
}

/* Without noise the other pages may still be restored. */
static int refuse_noise(const struct page *p, int status)
{
	if (status != LACUNA_EINVAL || page_is_single(p->r))
		return status;
	return error_set(status, "%s, or leave the page out with --pages", error_text());
}

static int restore(struct page *p)
{
	struct restoration *r = p->r;
	const struct measurement m = page_measurement(p);
	int status;

	if (p->windowed)
		return page_restore_parts(p);
	r->page = p;
	status = restore_image(&r->job, &m, &p->picture.values, &p->result.deviation,
			       &p->result.record);
	r->page = NULL;
	p->picture.shape = p->result.record.shape;
	if (status && p->result.record.estimated && !(p->result.record.description.noise.sigma > 0))
		return refuse_noise(p, status);
	r->doubts += p->result.record.doubts;
	return status;
}

/* Pages in windows are not used here: each estimates its own noise. */
static int listen(struct page *p)
{
	const struct measurement m = page_measurement(p);

	return p->windowed ? LACUNA_OK : refuse_noise(p, restorer_listen(p->r->restorer, &m));
}

/* Warns if pages that get one noise have different ones.  Estimates below a few grey levels may be texture. */
static void doubt_common_noise(struct page *p, const struct measurement *m)
{
	static const double alike = 2.5, least = 2.0 / 255;
	double range[2];

	if (p->r->recipe->same_noise || restorer_heard_range(p->r->restorer, least, range) < 2 ||
	    !(range[1] > alike * range[0]))
		return;
	p->r->doubts++;
	log_message(LACUNA_LOG_WARN,
		    "%s: their noise differs, from %.3g or less to %.3g of full scale, and one is "
		    "used for all; --own-noise gives each page its own",
		    m->name, range[0] / (m->hi - m->lo), range[1] / (m->hi - m->lo));
}

/* Reports the noise of all pages together, once. */
static int settle(struct page *p)
{
	struct measurement m = page_measurement(p);

	m.name = "all pages";
	doubt_common_noise(p, &m);
	restorer_settle(p->r->restorer, &m);
	return LACUNA_OK;
}

/* ---- in stages --------------------------------------------------------------------------------------- */

int page_run_stages(struct page *p, int (*const *stages)(struct page *), size_t count)
{
	int status = LACUNA_OK;

	snprintf(p->name, sizeof p->name, "page %d", p->number + 1);
	for (size_t i = 0; !status && i < count; i++)
		status = stages[i](p);
	/* The reader's messages already name file and page. */
	if (status && status != LACUNA_ECANCELLED && !page_is_single(p->r) &&
	    strcmp(error_file(), p->r->names.input) != 0)
		error_context(status, "page %d", p->number + 1);
	return status;
}

int page_listen(struct restoration *r, int number, int last)
{
	static int (*const stages[])(struct page *) = { enter_shape, page_read, listen, settle };
	const size_t count = sizeof stages / sizeof *stages;
	struct page p = { .r = r, .number = number, .listening = 1 };
	const int status = page_run_stages(&p, stages, last ? count : count - 1);

	page_free(&p);
	return status;
}

int page_restore(struct restoration *r, int number, json_t **record)
{
	static int (*const stages[])(struct page *) = {
		enter_shape,	 page_read, page_read_noise, page_read_reference,
		page_read_start, restore,   page_compare,    page_write,
	};
	struct page p = { .r = r, .number = number };
	const int status = page_run_stages(&p, stages, sizeof stages / sizeof *stages);

	r->resized = !status && !picture_same_shape(&p.window, &p.info.shape);
	if (!status)
		*record = page_record(&p);
	page_free(&p);
	return status;
}

int page_windows(struct restoration *r, int number, int *windowed, struct windows *w)
{
	static int (*const stages[])(struct page *) = { enter_shape };
	struct page p = { .r = r, .number = number, .listening = 1 };
	const int status = page_run_stages(&p, stages, 1);

	*windowed = p.windowed;
	*w = p.windows;
	page_free(&p);
	return status;
}

int page_part(struct restoration *r, int number, int64_t window, struct restored *part)
{
	static int (*const stages[])(struct page *) = { enter_shape, page_read };
	struct page p = { .r = r, .number = number, .listening = 1 };
	int status = page_run_stages(&p, stages, sizeof stages / sizeof *stages);

	if (!status)
		status = page_restore_window(&p, window, part);
	page_free(&p);
	return status;
}
