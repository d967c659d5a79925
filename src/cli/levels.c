/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "cli/levels.h"
#include "base/error.h"
#include "base/memory.h"
#include "restore/missing.h"

#include <math.h>
#include <string.h>

/* Values of a file that are looked at, and of a page at least. */
enum { SAMPLE_MOST = 1 << 21, SAMPLE_LEAST = 1 << 12 };

static int add_page(struct tiff_reader *in, int number, size_t most, const struct operands *o,
		    const struct levels *l, struct scale_sample *sample)
{
	struct tiff_page info;
	struct image image = { 0 };
	int status = tiff_page_info(in, number, &info);

	if (status || info.kind != l->kind || info.bits != l->bits)
		return status;
	status = tiff_read(in, number, &image);
	if (!status) {
		const struct missing_rule rule = { info.has_nodata, info.nodata };
		struct missing_count missing;

		missing_mark(lacuna_count(&image.shape), &rule, image.values, &missing);
		for (size_t i = 0; i < o->absent_count; i++)
			missing_mark_pixels(&image.shape, o->absent[i], image.values);
	}
	if (!status)
		status = scale_sample_add(sample, image.values, lacuna_count(&image.shape), most);
	image_free(&image);
	return status;
}

int levels_measure(struct tiff_reader *in, const struct tiff_page *page, const struct operands *o,
		   struct levels *l)
{
	const int pages = tiff_page_count(in);
	struct scale_sample sample = { 0 };
	size_t most = SAMPLE_MOST / (size_t)pages;
	int status = LACUNA_OK;

	if (l->measured && l->kind == page->kind && l->bits == page->bits)
		return LACUNA_OK;
	*l = (struct levels){ .kind = page->kind, .bits = page->bits };
	if (most < SAMPLE_LEAST)
		most = SAMPLE_LEAST;
	for (int i = 0; !status && i < pages; i++)
		status = add_page(in, i, most, o, l, &sample);
	if (!status) {
		l->found = scale_measure(&sample, &l->seen);
		l->measured = 1;
	}
	scale_sample_free(&sample);
	return status;
}

struct image_range levels_range(const struct levels *l, const struct tiff_page *page,
				const struct image_range *stated)
{
	/* Noise takes a picture in 0..1 out of it. */
	static const struct image_range near_unit = { -0.5, 1.5 };

	if (stated)
		return *stated;
	if (page->kind != SAMPLE_FLOAT || !l->found ||
	    (l->seen.black >= near_unit.lo && l->seen.white <= near_unit.hi))
		return page->full_scale;
	return (struct image_range){ l->seen.black, l->seen.white };
}
