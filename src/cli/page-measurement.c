/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Reads the measurement of a page: its pixels or those of all pages, the range of its values, and values that mean "missing". */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/page.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Decodes the whole page, once. */
static int read_whole(struct page *p)
{
	const struct lacuna_region all = { { 0, 0, 0, 0 },
					   { p->info.shape.extent[0], p->info.shape.extent[1],
					     p->info.shape.extent[2], 1 } };
	int status = p->band ? LACUNA_OK : image_band_open(p->r->in, p->number, 0, &p->band);

	if (!status)
		status = image_band_move(p->band, 0, p->info.shape.extent[1]);
	if (!status)
		status = image_create(&p->y, &p->info.shape);
	if (!status)
		image_band_get(p->band, &all, p->y.values);
	p->part = p->wanted = all;
	return status;
}

/* Reads all pages as frames. */
static int read_frames(struct page *p)
{
	const struct restoration *r = p->r;
	int status = image_create(&p->y, &p->y_shape);

	for (int i = 0; !status && i < r->page_count; i++) {
		struct image frame = { 0 };
		const size_t n = lacuna_count(&p->info.shape);

		status = image_reader_read(r->in, r->pages[i], &frame);
		if (!status && !picture_same_shape(&frame.shape, &p->info.shape))
			status = error_set(
				LACUNA_EINVAL,
				"page %d has another size or number of channels than page %d; all "
				"pages are one measurement here; choose pages with --pages",
				r->pages[i] + 1, p->number + 1);
		if (!status)
			memcpy(p->y.values + (size_t)i * n, frame.values, n * sizeof(float));
		image_free(&frame);
	}
	return status;
}

/* The range of x when y is not a picture: its numbers are not scaled. */
static struct image_range plain_range(const struct page *p)
{
	struct image_range range = p->info.full_scale;

	range.lo = 0;
	return p->r->range ? *p->r->range : range;
}

/* True for operators that say themselves which values are missing. */
static int has_mask(const struct restoration *r)
{
	static const uint32_t mask = LACUNA_PIXELWISE | LACUNA_PARTIAL;

	for (size_t i = 0; i < r->job.operator_count; i++)
		if ((r->operators[i].plugin->u.op.flags & mask) == mask)
			return 1;
	return 0;
}

/* Values that look missing, but that the file does not declare, are treated as if it did.  What a mask leaves out is filled
 * instead. */
static void declare_lumps(struct page *p)
{
	const struct restoration *r = p->r;
	const struct levels *l = &r->levels;

	if (!l->lumps || r->full_range || has_mask(r) || !page_makes_picture(p))
		return;
	for (int i = 0; i < l->lumps; i++) {
		/* A file may have others than the value that it declares. */
		if (p->info.has_nodata)
			p->lump[p->lumps++] = l->lump[i];
		else
			p->info.nodata = l->lump[i];
		p->info.has_nodata = 1;
		if (!p->listening)
			log_message(LACUNA_LOG_WARN,
				    "page %d: %.9g is far from all other values and counts as "
				    "nodata; --range full keeps it as a measured value",
				    p->number + 1, l->lump[i]);
	}
}

/* An estimate lies between the levels of a scene that has few, such as counts of a few photons. */
static void warn_of_few_steps(const struct page *p)
{
	static const double few = 32;
	const struct restoration *r = p->r;
	const double span = r->levels.seen.white - r->levels.seen.black;

	if (r->type_stated || p->info.kind == SAMPLE_FLOAT || !r->levels.found || span >= few ||
	    !page_makes_picture(p))
		return;
	log_message(
		LACUNA_LOG_WARN,
		"page %d: the scene spans only about %.0f step%s of its type, and the result is "
		"rounded to them; -t float32 keeps what lies between",
		p->number + 1, span, span < 1.5 ? "" : "s");
}

/* Faults of the detector and the like, which nobody would see in the result. */
static int look_for_faults(struct page *p)
{
	if (p->listening || has_mask(p->r) || !page_makes_picture(p) || restoration_takes_all(p->r))
		return LACUNA_OK;
	return page_survey(p);
}

int page_read(struct page *p)
{
	struct restoration *r = p->r;
	const int surveyed = levels_hold(&r->levels, &p->info);
	int status = p->windowed		? page_hold(p)
		     : restoration_takes_all(r) ? read_frames(p)
						: read_whole(p);

	if (!status)
		status = levels_measure(r->in, p->number, &p->info, &r->operands, p->band,
					&r->levels);
	if (status)
		return status;
	declare_lumps(p);
	if (!surveyed)
		warn_of_few_steps(p);
	if (p->info.note && !p->listening)
		log_message(LACUNA_LOG_WARN, "page %d: %s", p->number + 1, p->info.note);
	p->range =
		r->full_range ? p->info.full_scale : levels_range(&r->levels, &p->info, r->range);
	if (!page_makes_picture(p))
		p->range = plain_range(p);
	status = p->windowed ? LACUNA_OK : page_mark_missing(p);
	return status ? status : look_for_faults(p);
}
