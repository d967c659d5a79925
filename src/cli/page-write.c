/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Writes the results of a page: in the values of the output's type, with what was missing. */
#include <config.h>

#include "base/memory.h"
#include "cli/page.h"

#include <string.h>

/* The range of the output.  It differs from the input's when --type asks for another integer type. */
static struct image_range output_range(const struct page *p)
{
	const struct restoration *r = p->r;

	if (!r->type_stated || r->kind == SAMPLE_FLOAT ||
	    (r->kind == p->info.kind && r->bits == p->info.bits))
		return p->range;
	return picture_full_scale(r->kind, r->bits);
}

/* True when file values must be converted for the output's type. */
static int converts(const struct page *p)
{
	const struct image_range from = p->range, to = output_range(p);

	return from.lo < to.lo || from.lo > to.lo || from.hi < to.hi || from.hi > to.hi;
}

void page_convert(const struct page *p, struct image *picture)
{
	if (!converts(p))
		return;
	image_to_unit(picture, p->range);
	image_from_unit(picture, output_range(p));
}

void page_tell_values(const struct page *p, struct image_writer *w)
{
	const struct image_range from = p->range, to = output_range(p);
	const double scale = (to.hi - to.lo) / (from.hi - from.lo);

	if (converts(p))
		image_writer_values_become(w, scale, to.lo - scale * from.lo);
}

/* Writes an image as a page with the other data of the current page; that of several pages has those of the first. */
static int write_image(const struct page *p, struct image_writer *w, const struct image *image,
		       const unsigned char *unchanged)
{
	const struct image_part part = { .like = p->r->in,
					 .page = p->number,
					 .shape = image->shape };

	return image_writer_write(w, &part, image->values, unchanged, p->band);
}

/* A restore_job.sample. */
int page_write_sample(void *context, int64_t sample, const float *picture)
{
	struct restoration *r = context;
	const struct page *p = r->page;
	const struct lacuna_shape shape = p->window;
	struct image copy = { 0 };
	int status = image_create(&copy, &shape);

	if (!status)
		status = restoration_single(r, sample);
	if (!status) {
		memcpy(copy.values, picture, lacuna_count(&shape) * sizeof *picture);
		page_convert(p, &copy);
		page_tell_values(p, r->single[sample]);
		status = page_put_missing_back(p, 0, &copy);
	}
	if (!status)
		status = write_image(p, r->single[sample], &copy, NULL);
	if (!status && page_is_single(r))
		status = image_writer_seal(r->single[sample]);
	image_free(&copy);
	return status;
}

/* Writes the standard deviation over the samples, in file units. */
static int write_deviation(struct page *p)
{
	struct image map = { p->result.record.shape, p->result.deviation };
	int status;

	if (!p->r->deviation)
		return LACUNA_OK;
	status = page_put_missing_back(p, 0, &map);
	return status ? status : write_image(p, p->r->deviation, &map, NULL);
}

static void show(const struct page *p)
{
	const struct restore_record *record = &p->result.record;
	const struct image map = { p->result.record.shape, p->result.deviation };
	const double span = record->inner.white - record->inner.black;
	const struct look look = {
		.page = p->number,
		.before =
			page_makes_picture(p) ? &p->y : &p->picture, /* a spectrum shows nothing */
		.after = &p->picture,
		.deviation = map.values ? &map : NULL,
		.scale = &record->inner,
		.noise = record->noise * (p->range.hi - p->range.lo) / span,
	};

	if (p->r->look)
		p->r->look(p->r->look_context, &look);
}

/* Scaling to the engine's range and back may cost the last bit. */
static void keep_unchanged(const struct page *p)
{
	const unsigned char *unchanged = p->result.record.unchanged;

	for (size_t i = 0; unchanged && i < lacuna_count(&p->y.shape); i++)
		if (unchanged[i])
			p->picture.values[i] = p->y.values[i];
}

int page_write(struct page *p)
{
	int status;

	if (p->windowed) /* already written row by row */
		return LACUNA_OK;
	keep_unchanged(p);
	show(p);
	page_convert(p, &p->picture);
	page_tell_values(p, p->r->out);
	status = page_put_missing_back(p, 0, &p->picture);
	if (!status)
		status = write_image(p, p->r->out, &p->picture, p->result.record.unchanged);
	return status ? status : write_deviation(p);
}
