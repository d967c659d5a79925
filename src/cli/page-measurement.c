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
	int status = p->band ? LACUNA_OK : tiff_band_open(p->r->in, p->number, 0, &p->band);

	if (!status)
		status = tiff_band_move(p->band, 0, p->info.shape.extent[1]);
	if (!status)
		status = image_create(&p->y, &p->info.shape);
	if (!status)
		tiff_band_get(p->band, &all, p->y.values);
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

		status = tiff_read(r->in, r->pages[i], &frame);
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
static void declare_lump(struct page *p)
{
	const struct restoration *r = p->r;
	const struct levels *l = &r->levels;

	if (!l->has_lump || r->full_range || has_mask(r) || !page_makes_picture(p))
		return;
	/* A file may have others than the value that it declares. */
	p->has_lump = p->info.has_nodata;
	p->lump = l->lump;
	if (!p->info.has_nodata)
		p->info.nodata = l->lump;
	p->info.has_nodata = 1;
	if (!p->listening)
		log_message(LACUNA_LOG_WARN,
			    "page %d: %.9g is far from all other values and counts as nodata; "
			    "--range full keeps it as a measured value",
			    p->number + 1, l->lump);
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

/* ---- dead lines -------------------------------------------------------------------------------------- */

/* Columns if along is 1, else rows. */
static int64_t line_start(const struct lacuna_shape *s, int along, int64_t line)
{
	return along ? line : line * s->extent[0];
}

/* Part of the neighbours along a line, in all channels, that differ; missing values are no line: 1.  Counts up to `most'. */
static double changes(const struct image *y, int along, int64_t line, int64_t most)
{
	const int64_t *e = y->shape.extent, step = along ? e[0] : 1, n = along ? e[1] : e[0];
	const int64_t plane = e[0] * e[1];
	int64_t differ = 0;

	for (int64_t c = 0; c < e[2]; c++) {
		const float *v = y->values + c * plane + line_start(&y->shape, along, line);

		for (int64_t i = 0; i + 1 < n; i++) {
			if (!isfinite(v[i * step]))
				return 1;
			differ +=
				v[i * step] < v[(i + 1) * step] || v[i * step] > v[(i + 1) * step];
			if (differ >= most)
				return 1;
		}
	}
	return (double)differ / (double)(e[2] * (n - 1));
}

/* Writes the numbers of dead lines, such as 12+40-41; false if there are none, or more than one expects of a detector. */
static int find_dead(const struct image *y, int along, char *text, size_t size)
{
	enum { SHORTEST = 32, WIDEST = 3, MOST = 20 };
	static const double lively = 0.5;
	const int64_t *e = y->shape.extent;
	const int64_t lines = along ? e[0] : e[1], length = along ? e[1] : e[0];
	/* a dead column may cross dead rows */
	const int64_t most = length * e[2] / 25 + 1;
	int64_t found = 0, last;
	size_t at = 0;

	if (length < SHORTEST)
		return 0;
	for (int64_t i = 1; i + 1 < lines; i = last + 1) {
		for (last = i; last < lines && changes(y, along, last, most) < 1;)
			last++;
		if (last == i || last - i > WIDEST || last == lines ||
		    changes(y, along, i - 1, INT64_MAX) < lively ||
		    changes(y, along, last, INT64_MAX) < lively)
			continue;
		if (++found > MOST)
			return 0;
		at += (size_t)snprintf(text + at, size - at, "%s%lld", at ? "+" : "", (long long)i);
		if (last - i > 1)
			at += (size_t)snprintf(text + at, size - at, "-%lld", (long long)last - 1);
	}
	return found > 0;
}

/* A line of one value in a picture that is not flat there is no scene, and a blur makes stripes of it. */
static void warn_of_dead_lines(const struct page *p)
{
	static const char *const names[] = { "rows", "columns" };
	char text[1024];

	if (p->listening || p->windowed || has_mask(p->r) || !page_makes_picture(p) ||
	    restoration_takes_all(p->r))
		return;
	for (int along = 1; along >= 0; along--)
		if (find_dead(&p->y, along, text, sizeof text))
			log_message(LACUNA_LOG_WARN,
				    "page %d: %s %s hold one value; if they are dead, -A "
				    "mask:%s=%s after the other operators fills them",
				    p->number + 1, names[along], text, names[along], text);
}

int page_read(struct page *p)
{
	struct restoration *r = p->r;
	const int surveyed = r->levels.measured;
	int status = p->windowed		? page_hold(p)
		     : restoration_takes_all(r) ? read_frames(p)
						: read_whole(p);

	if (!status)
		status = levels_measure(r->in, p->number, &p->info, &r->operands, p->band,
					&r->levels);
	if (status)
		return status;
	declare_lump(p);
	if (!surveyed)
		warn_of_few_steps(p);
	if (p->info.note && !p->listening)
		log_message(LACUNA_LOG_WARN, "page %d: %s", p->number + 1, p->info.note);
	p->range =
		r->full_range ? p->info.full_scale : levels_range(&r->levels, &p->info, r->range);
	if (!page_makes_picture(p))
		p->range = plain_range(p);
	status = p->windowed ? LACUNA_OK : page_mark_missing(p);
	if (!status)
		warn_of_dead_lines(p);
	return status;
}
