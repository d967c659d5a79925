/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Missing values of a page: which they are, what the user is told of them, and how they come back into the result. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/page.h"

#include <math.h>

struct missing_rule page_missing_rule(const struct page *p)
{
	struct missing_rule rule = { .declared = p->info.has_nodata,
				     .nodata = p->info.nodata,
				     .found = p->lumps };

	for (int i = 0; i < p->lumps; i++)
		rule.other[i] = p->lump[i];
	return rule;
}

/* Marks pixels whose value means "missing". */
static void mark_absent(const struct page *p)
{
	const struct operands *o = &p->r->operands;

	for (size_t i = 0; i < o->absent_count; i++) {
		const size_t n = missing_mark_pixels(&p->y.shape, o->absent[i], p->y.values);

		if (!p->listening)
			page_tell_absent(p, i, n);
	}
}

void page_tell_absent(const struct page *p, size_t i, size_t pixels)
{
	const double percent =
		100 * (double)pixels / (double)(p->wanted.extent[0] * p->wanted.extent[1]);

	/* In a stack, not every page needs to have such pixels. */
	log_message((pixels || !page_is_single(p->r)) && percent <= 50 ? LACUNA_LOG_INFO
								       : LACUNA_LOG_WARN,
		    "page %d: %.3g %% of the pixels have the value %.10g and count as missing",
		    p->number + 1, percent, p->r->operands.absent[i]);
}

int page_check_put_back(const struct page *p, const struct missing_count *count)
{
	const struct restoration *r = p->r;
	double value = !count->declared || r->missing.fill ? NAN : p->info.nodata;

	for (int i = 0; count->declared && !r->missing.fill && i < p->lumps; i++)
		if (!picture_holds(r->kind, r->bits, p->lump[i]))
			value = p->lump[i];
	if (!r->type_stated || picture_holds(r->kind, r->bits, value) ||
	    !((count->declared && !r->missing.fill) || (count->nan && r->missing.keep)))
		return LACUNA_OK;
	return error_set(LACUNA_EINVAL,
			 "has missing values (%g), which %s cannot hold; --fill fills them, --type "
			 "chooses another type",
			 value, picture_type_name(r->kind, r->bits));
}

void page_tell_missing(const struct page *p, const struct missing_count *count)
{
	if (count->declared)
		log_message(LACUNA_LOG_INFO, "page %d: %zu values are nodata (%g)%s", p->number + 1,
			    count->declared, p->info.nodata,
			    p->r->missing.fill ? "; filled"
					       : " and remain missing; --fill fills them");
	if (count->infinite)
		log_message(LACUNA_LOG_WARN,
			    "page %d: %zu values are infinite and count as missing", p->number + 1,
			    count->infinite);
	if (count->nan)
		log_message(LACUNA_LOG_INFO, "page %d: %zu values are NaN and %s", p->number + 1,
			    count->nan,
			    !page_makes_picture(p) ? "count as missing"
			    : p->r->missing.keep   ? "remain missing"
						   : "are filled; --keep-missing keeps them");
}

/* Sets missing values to NaN, which the engine knows. */
int page_mark_missing(struct page *p)
{
	const struct missing_rule rule = page_missing_rule(p);
	struct missing_count count;

	missing_mark(lacuna_count(&p->y.shape), &rule, p->y.values, &count);
	mark_absent(p);
	/* Missing numbers of a spectrum are not pixels. */
	p->lacks = page_makes_picture(p) && !restoration_takes_all(p->r) &&
		   (count.declared || count.nan);
	if (p->listening)
		return LACUNA_OK;
	page_tell_missing(p, &count);
	return page_check_put_back(p, &count);
}

int page_put_missing_back(const struct page *p, int64_t top, struct image *rows)
{
	const struct missing_rule rule = page_missing_rule(p);
	const int64_t *y = p->info.shape.extent, *from = p->wanted.extent, *to = p->window.extent;
	const int64_t *part = rows->shape.extent;
	const struct lacuna_shape y_row = { { from[0], 1, 1, 1 } }, row = { { to[0], 1, 1, 1 } };
	float *as_read;

	if (!p->lacks)
		return LACUNA_OK;
	as_read = memory_alloc_array((size_t)(from[0] * y[2]), sizeof *as_read);
	if (!as_read)
		return LACUNA_ENOMEM;
	for (int64_t j = 0; j < part[1]; j++) {
		const int64_t at = p->wanted.origin[1] + (top + j) * from[1] / to[1];
		const struct lacuna_region region = { { p->wanted.origin[0], at, 0, 0 },
						      { from[0], 1, y[2], 1 } };

		image_band_get(p->band, &region, as_read);
		for (int64_t c = 0; c < part[2]; c++)
			missing_put_back(&rule, &p->r->missing, &y_row,
					 as_read + from[0] * (c < y[2] ? c : 0), &row,
					 rows->values + to[0] * (j + part[1] * c));
	}
	memory_release(as_read);
	return LACUNA_OK;
}
