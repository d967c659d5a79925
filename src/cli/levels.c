/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "cli/levels.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "restore/missing.h"

#include <math.h>
#include <string.h>

/* Values to sample in a file, and at least in a page. */
enum { SAMPLE_MOST = 1 << 21, SAMPLE_LEAST = 1 << 12, ROWS = 64 };

/* The state of a survey of all pages. */
struct survey {
	const struct operands *operands;
	size_t most; /* values to sample per page */
	struct scale_sample sample;
};

/* Adds some rows of a page, channel after channel. */
static int add_rows(struct survey *s, const struct image_band *band, const struct image_page *info,
		    int64_t top, int64_t rows, float *values)
{
	const int64_t *e = info->shape.extent;
	const struct lacuna_region region = { { 0, top, 0, 0 }, { e[0], rows, e[2], 1 } };
	const struct missing_rule rule = { .declared = info->has_nodata, .nodata = info->nodata };
	const struct lacuna_shape shape = { { e[0], rows, e[2], 1 } };
	const size_t n = (size_t)(e[0] * rows);
	struct missing_count missing;
	int status = LACUNA_OK;

	image_band_get(band, &region, values);
	missing_mark(lacuna_count(&shape), &rule, values, &missing);
	for (size_t i = 0; i < s->operands->absent_count; i++)
		missing_mark_pixels(&shape, s->operands->absent[i], values);
	for (int64_t c = 0; !status && c < e[2]; c++)
		status = scale_sample_add_part(&s->sample, values + n * (size_t)c, n,
					       (size_t)(e[0] * (top + e[1] * c)),
					       lacuna_count(&info->shape), s->most);
	return status;
}

static int add_page(struct survey *s, struct image_band *band, const struct image_page *info)
{
	const int64_t *e = info->shape.extent;
	float *values = memory_alloc_array((size_t)(ROWS * e[0] * e[2]), sizeof *values);
	int status = values ? LACUNA_OK : LACUNA_ENOMEM;

	for (int64_t y = 0; !status && y < e[1]; y += ROWS) {
		const int64_t rows = e[1] - y < ROWS ? e[1] - y : ROWS;

		status =
			cancel_requested() ? LACUNA_ECANCELLED : image_band_move(band, y, y + rows);
		if (!status)
			status = add_rows(s, band, info, y, rows, values);
	}
	memory_release(values);
	return status;
}

static int add_number(struct survey *s, struct image_reader *in, int number, const struct levels *l)
{
	struct image_page info;
	struct image_band *band = NULL;
	int status = image_reader_page(in, number, &info);

	if (status || info.kind != l->kind || info.bits != l->bits)
		return status;
	status = image_band_open(in, number, ROWS, &band);
	if (!status)
		status = add_page(s, band, &info);
	image_band_close(band);
	return status;
}

int levels_hold(const struct levels *l, const struct image_page *page)
{
	return l->measured && l->kind == page->kind && l->bits == page->bits;
}

int levels_measure(struct image_reader *in, int number, const struct image_page *page,
		   const struct operands *operands, struct image_band *held, struct levels *l)
{
	const int pages = in->pages;
	struct survey s = { .operands = operands, .most = SAMPLE_MOST / (size_t)pages };
	int status = LACUNA_OK;

	if (levels_hold(l, page))
		return LACUNA_OK;
	*l = (struct levels){ .kind = page->kind, .bits = page->bits };
	if (s.most < SAMPLE_LEAST)
		s.most = SAMPLE_LEAST;
	for (int i = 0; !status && i < pages; i++)
		status = held && i == number ? add_page(&s, held, page) : add_number(&s, in, i, l);
	if (!status) {
		l->lumps = scale_sample_drop_lumps(&s.sample, l->lump);
		l->found = scale_measure(&s.sample, &l->seen);
		l->measured = 1;
	}
	scale_sample_free(&s.sample);
	return status;
}

struct image_range levels_range(const struct levels *l, const struct image_page *page,
				const struct image_range *stated)
{
	/* Noise may push a picture in 0..1 outside. */
	static const struct image_range near_unit = { -0.5, 1.5 };

	if (stated)
		return *stated;
	if (page->kind != SAMPLE_FLOAT || !l->found ||
	    (l->seen.black >= near_unit.lo && l->seen.white <= near_unit.hi))
		return page->full_scale;
	return (struct image_range){ l->seen.black, l->seen.white };
}
