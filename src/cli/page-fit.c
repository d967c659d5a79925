/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Fits guessed parameters of operators (fit=yes) to the middle of a page. */
#include <config.h>

#include "base/error.h"
#include "cli/page.h"

#include <string.h>

/* The middle of the page, as large as it takes to tell a blur. */
static struct lacuna_region middle_of(const struct lacuna_shape *page)
{
	enum { ENOUGH = 1024 };
	struct lacuna_region middle = { { 0 }, { 1, 1, page->extent[2], 1 } };

	for (int d = 0; d < 2; d++) {
		middle.extent[d] = page->extent[d] < ENOUGH ? page->extent[d] : ENOUGH;
		middle.origin[d] = (page->extent[d] - middle.extent[d]) / 2;
	}
	return middle;
}

/* Reads y of the region; missing values are NaN. */
static int read_middle(struct page *p, const struct lacuna_region *middle)
{
	const struct missing_rule rule = page_missing_rule(p);
	const int64_t top = middle->origin[1];
	struct missing_count count;
	int status;

	memcpy(p->y_shape.extent, middle->extent, sizeof p->y_shape.extent);
	status = image_band_open(p->r->in, p->number, middle->extent[1], &p->band);
	if (!status)
		status = image_band_move(p->band, top, top + middle->extent[1]);
	if (!status)
		status = image_create(&p->y, &p->y_shape);
	if (status)
		return status;
	image_band_get(p->band, middle, p->y.values);
	missing_mark(lacuna_count(&p->y_shape), &rule, p->y.values, &count);
	for (size_t i = 0; i < p->r->operands.absent_count; i++)
		missing_mark_pixels(&p->y_shape, p->r->operands.absent[i], p->y.values);
	return LACUNA_OK;
}

/* The spectrum is that of a picture between 0 and 1, but black does not matter. */
static int fit_middle(struct page *p)
{
	const struct restoration *r = p->r;
	const double full = p->info.full_scale.hi - p->info.full_scale.lo;
	const double noise = r->job.noise.sigma;

	for (size_t i = 0; full > 0 && i < lacuna_count(&p->y_shape); i++)
		p->y.values[i] = (float)((p->y.values[i] - p->info.full_scale.lo) / full);
	return fit_to(&r->fit, &p->y_shape, p->y.values, noise > 0 ? noise : 0);
}

static int fit(struct page *p)
{
	struct lacuna_region middle;
	int status = image_reader_page(p->r->in, p->number, &p->info);

	if (status)
		return status;
	restoration_follow(p->r, p->number);
	middle = middle_of(&p->info.shape);
	status = read_middle(p, &middle);
	return status ? status : fit_middle(p);
}

int page_fit(struct restoration *r, int number)
{
	static int (*const stages[])(struct page *) = { fit };
	struct page p = { .r = r, .number = number, .listening = 1 };
	const int status = page_run_stages(&p, stages, 1);

	page_free(&p);
	return status;
}
