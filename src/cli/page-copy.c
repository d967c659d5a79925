/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Pages that are not restored: copied as they are, or converted to the output's type. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/page.h"

#include <math.h>
#include <string.h>

/* For pages that the writer cannot store unchanged, or that --type converts. */
static int read_to_convert(struct page *p)
{
	const struct restoration *r = p->r;
	int status = image_reader_read(r->in, p->number, &p->picture);
	size_t n;

	if (status)
		return status;
	n = lacuna_count(&p->picture.shape);
	p->unchanged = memory_alloc(n);
	if (!p->unchanged)
		return LACUNA_ENOMEM;
	memset(p->unchanged, 1, n);
	p->range = r->range ? *r->range : p->info.full_scale;
	return LACUNA_OK;
}

static int put_copy(const struct page *p, struct image_writer *w)
{
	const struct image_part part = { .like = p->r->in,
					 .page = p->number,
					 .shape = p->picture.shape };
	struct image picture = { 0 };
	int status;

	if (!p->picture.values)
		return image_writer_copy(w, p->r->in, p->number);
	status = image_create(&picture, &p->picture.shape);
	if (!status) {
		memcpy(picture.values, p->picture.values,
		       lacuna_count(&picture.shape) * sizeof *picture.values);
		page_convert(p, &picture);
		page_tell_values(p, w);
		status = image_writer_write(w, &part, picture.values, p->unchanged, NULL);
	}
	image_free(&picture);
	return status;
}

/* The page that an overview belongs to: the last one before it that is none, nor a mask; else the first after it. */
static int find_main(struct restoration *r, int number, struct image_page *info)
{
	const int count = r->in->pages;

	for (int i = number - 1; i >= 0; i--)
		if (!image_reader_page(r->in, i, info) && !info->auxiliary)
			return i;
	for (int i = number + 1; i < count; i++)
		if (!image_reader_page(r->in, i, info) && !info->auxiliary)
			return i;
	return -1;
}

static int is_restored(const struct restoration *r, int number)
{
	for (int i = 0; i < r->page_count; i++)
		if (r->pages[i] == number)
			return 1;
	return 0;
}

/* True if the page is a small version of a restored one.  Its sides may be rounded at each of several halvings.  Labels of slide
 * scanners are marked as overviews, too, but have another shape. */
static int shows_old_picture(struct restoration *r, const struct page *p)
{
	static const double rounded = 2;
	struct image_page info;
	const int main = p->info.reduced ? find_main(r, p->number, &info) : -1;
	const int64_t *e = p->info.shape.extent;
	double factor;

	error_clear();
	if (main < 0 || !is_restored(r, main))
		return 0;
	factor = (double)info.shape.extent[0] / (double)e[0];
	return fabs((double)info.shape.extent[1] / factor - (double)e[1]) <= rounded;
}

int page_copy(struct restoration *r, int number)
{
	struct page p = { .r = r, .number = number };
	int status = image_reader_page(r->in, number, &p.info);
	const char *note = p.info.note_copy;

	if (!status && p.info.auxiliary && r->resized) {
		log_message(LACUNA_LOG_WARN,
			    "page %d: left out, because this overview or mask has the old size",
			    number + 1);
		return LACUNA_OK;
	}
	if (!status && shows_old_picture(r, &p)) {
		log_message(LACUNA_LOG_WARN,
			    "page %d: left out, because this overview shows the picture before its "
			    "restoration; make a new one, for example with gdaladdo",
			    number + 1);
		return LACUNA_OK;
	}
	if (!status && (!p.info.storable || r->type_stated)) {
		note = p.info.note;
		status = read_to_convert(&p);
	}
	if (!status && note)
		log_message(LACUNA_LOG_WARN, "page %d: %s", number + 1, note);
	if (!status)
		status = put_copy(&p, r->out);
	for (int64_t k = 0; !status && r->single && k < r->job.samples; k++) {
		status = restoration_single(r, k);
		if (!status)
			status = put_copy(&p, r->single[k]);
	}
	page_free(&p);
	return status;
}
