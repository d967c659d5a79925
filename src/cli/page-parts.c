/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A page in windows: reads pixels as windows ask for them, and writes rows as soon as they are done.  Holds no more of the
 * page than one row of windows sees. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/page.h"

#include <math.h>
#include <string.h>

/* A small version of a large picture: means over squares. */
struct small {
	int64_t side; /* of the squares, pixels */
	struct image image;
	float *count; /* of finite values in each square */
};

struct parts {
	struct page *p;
	struct image_band *noise; /* of each value, from --noise FILE; or NULL */
	struct small before, after;
	struct missing_count missing;
	size_t *absent; /* pixels with each of the values in operands.absent */
};

/* ---- small pictures ---------------------------------------------------------------------------------- */

static int small_create(const struct lacuna_shape *shape, struct small *s)
{
	enum { SIDE_MOST = 1024 };
	const int64_t *e = shape->extent;
	const int64_t longer = e[0] > e[1] ? e[0] : e[1];
	struct lacuna_shape small;
	int status;

	s->side = (longer + SIDE_MOST - 1) / SIDE_MOST;
	small = (struct lacuna_shape){ { (e[0] + s->side - 1) / s->side,
					 (e[1] + s->side - 1) / s->side, e[2], 1 } };
	status = image_create(&s->image, &small);
	if (status)
		return status;
	s->count = memory_alloc_array(lacuna_count(&small), sizeof *s->count);
	return s->count ? LACUNA_OK : LACUNA_ENOMEM;
}

static void small_free(struct small *s)
{
	image_free(&s->image);
	memory_release(s->count);
}

static void small_add(struct small *s, int64_t top, const struct image *rows)
{
	const int64_t *e = rows->shape.extent, *to = s->image.shape.extent;

	for (int64_t c = 0; s->count && c < e[2]; c++)
		for (int64_t j = 0; j < e[1]; j++)
			for (int64_t i = 0; i < e[0]; i++) {
				const float v = rows->values[i + e[0] * (j + e[1] * c)];
				const int64_t at =
					i / s->side + to[0] * ((top + j) / s->side + to[1] * c);

				if (!isfinite(v))
					continue;
				s->count[at]++;
				s->image.values[at] += (v - s->image.values[at]) / s->count[at];
			}
}

static void small_finish(struct small *s)
{
	const size_t n = lacuna_count(&s->image.shape);

	for (size_t i = 0; i < n; i++)
		if (!(s->count[i] > 0))
			s->image.values[i] = NAN;
}

/* ---- a source and a sink ----------------------------------------------------------------------------- */

/* Rows that windows see, and rows that wait to be written.  What lies between rows of an enlarged picture needs one more, but
 * then fewer rows of the measurement wait. */
static int64_t rows_held(const struct page *p, int64_t multiple)
{
	return p->windows.height + multiple;
}

/* The whole page may be open already. */
static int open_band(struct page *p, int64_t multiple)
{
	if (p->band)
		return LACUNA_OK;
	return image_band_open(p->r->in, p->number, rows_held(p, multiple), &p->band);
}

static int move(void *context, int64_t top, int64_t bottom)
{
	const struct parts *a = context;
	const int64_t y = a->p->part.origin[1];
	/* A band that holds all rows moves nowhere. */
	int status = image_band_move(a->p->band, y + top, y + bottom);

	if (!status && a->noise)
		status = image_band_move(a->noise, y + top, y + bottom);
	return status;
}

/* Sets to NaN what the mask hides. */
static void hide(const struct page *p, const struct lacuna_region *r, float *y)
{
	const int64_t *all = p->info.shape.extent, *e = r->extent;

	for (int64_t c = 0; p->known && c < e[2]; c++)
		for (int64_t j = 0; j < e[1]; j++) {
			const int64_t at = r->origin[0] + all[0] * (r->origin[1] + j + all[1] * c);
			float *row = y + e[0] * (j + e[1] * c);

			for (int64_t i = 0; i < e[0]; i++)
				if (!holes_known(p->known, (size_t)(at + i)))
					row[i] = NAN;
		}
}

static struct lacuna_region in_page(const struct page *p, const struct lacuna_region *in_part)
{
	struct lacuna_region r = *in_part;

	r.origin[0] += p->part.origin[0];
	r.origin[1] += p->part.origin[1];
	return r;
}

/* Reads a region of the part; missing values are NaN. */
void page_read_part(const struct page *p, const struct lacuna_region *in_part, float *y)
{
	const struct lacuna_region region = in_page(p, in_part);
	const struct missing_rule rule = page_missing_rule(p);
	struct missing_count count;
	struct lacuna_shape shape;

	memcpy(shape.extent, region.extent, sizeof shape.extent);
	image_band_get(p->band, &region, y);
	missing_mark(lacuna_count(&shape), &rule, y, &count);
	for (size_t i = 0; i < p->r->operands.absent_count; i++)
		missing_mark_pixels(&shape, p->r->operands.absent[i], y);
	hide(p, &region, y);
}

static int read(void *context, const struct lacuna_region *in_part, float *y, float *deviation)
{
	const struct parts *a = context;
	const struct lacuna_region region = in_page(a->p, in_part);
	struct lacuna_shape shape;

	page_read_part(a->p, in_part, y);
	if (!deviation)
		return LACUNA_OK;
	memcpy(shape.extent, region.extent, sizeof shape.extent);
	image_band_get(a->noise, &region, deviation);
	return page_mark_unmeasured(a->p, lacuna_count(&shape), deviation, y);
}

static int put_into(const struct page *p, struct image_writer *w, int64_t top, struct image *rows,
		    const unsigned char *unchanged)
{
	const struct image_rows out = { .top = top,
					.count = rows->shape.extent[1],
					.values = rows->values,
					.keep = unchanged,
					.old = p->band };
	const int status = page_put_missing_back(p, top, rows);

	return status ? status : image_writer_put(w, &out);
}

/* Writes rows of the result, from row `top' on. */
static int put(struct parts *a, int64_t top, struct image *rows, const unsigned char *unchanged)
{
	small_add(&a->after, top, rows);
	page_convert(a->p, rows);
	return put_into(a->p, a->p->r->out, top, rows, unchanged);
}

/* Summing overlapping windows rounds values that should stay unchanged. */
static void put_unchanged_back(struct image *rows, const unsigned char *unchanged, const float *y)
{
	const size_t n = lacuna_count(&rows->shape);

	for (size_t i = 0; unchanged && i < n; i++)
		if (unchanged[i] && !isnan(y[i]))
			rows->values[i] = y[i];
}

/* `before' is as large as `after', or smaller. */
static int look_before(struct parts *a, int64_t top, struct image *after,
		       const unsigned char *unchanged)
{
	const struct page *p = a->p;
	const int64_t f = p->windows.factor, first = (top + f - 1) / f;
	const int64_t count = after->shape.extent[1];
	const int64_t rows = (top + count + f - 1) / f - first;
	const struct lacuna_region region = {
		{ p->wanted.origin[0], p->wanted.origin[1] + first, 0, 0 },
		{ p->wanted.extent[0], rows, p->wanted.extent[2], 1 }
	};
	const struct missing_rule rule = page_missing_rule(p);
	const struct lacuna_shape shape = { { region.extent[0], rows, region.extent[2], 1 } };
	struct missing_count missing;
	struct image y;
	int status;

	if (!rows)
		return LACUNA_OK;
	status = image_create(&y, &shape);
	if (status)
		return status;
	image_band_get(p->band, &region, y.values);
	missing_mark(lacuna_count(&shape), &rule, y.values, &missing);
	a->missing.declared += missing.declared;
	a->missing.infinite += missing.infinite;
	a->missing.nan += missing.nan;
	for (size_t i = 0; i < p->r->operands.absent_count; i++)
		a->absent[i] += missing_mark_pixels(&shape, p->r->operands.absent[i], y.values);
	small_add(&a->before, first, &y);
	put_unchanged_back(after, unchanged, y.values);
	image_free(&y);
	return page_check_put_back(p, &missing);
}

/* Cuts the wanted columns and rows, from row `first' on, out of planes of `size' bytes a value. */
static void cut(const struct page *p, const struct windows_rows *rows, int64_t first, size_t size,
		const struct lacuna_shape *shape, const void *from, void *to)
{
	const int64_t f = p->windows.factor, width = f * p->part.extent[0];
	const int64_t x0 = f * (p->wanted.origin[0] - p->part.origin[0]);
	const int64_t *e = shape->extent;

	for (int64_t c = 0; c < e[2]; c++)
		for (int64_t j = 0; j < e[1]; j++) {
			const int64_t at = x0 + width * (first + j + rows->count * c);

			memcpy((char *)to + (size_t)(e[0] * (j + e[1] * c)) * size,
			       (const char *)from + (size_t)at * size, (size_t)e[0] * size);
		}
}

/* The first of the wanted rows of the result, in the part. */
static int64_t first_wanted(const struct page *p)
{
	return p->windows.factor * (p->wanted.origin[1] - p->part.origin[1]);
}

static int write_picture(struct parts *a, const struct windows_rows *rows, int64_t first,
			 struct image *wanted)
{
	const struct page *p = a->p;
	const int64_t at = rows->top + first - first_wanted(p);
	unsigned char *flags = NULL;
	int status;

	if (rows->unchanged) {
		flags = memory_alloc(lacuna_count(&wanted->shape));
		if (!flags)
			return LACUNA_ENOMEM;
		cut(p, rows, first, sizeof *flags, &wanted->shape, rows->unchanged, flags);
	}
	cut(p, rows, first, sizeof(float), &wanted->shape, rows->picture, wanted->values);
	status = look_before(a, at, wanted, flags);
	if (!status)
		status = put(a, at, wanted, flags);
	memory_release(flags);
	return status;
}

static int write(void *context, const struct windows_rows *rows)
{
	struct parts *a = context;
	const struct page *p = a->p;
	const int64_t at = first_wanted(p), bottom = rows->top + rows->count;
	const int64_t last = at + p->window.extent[1];
	const int64_t first = rows->top > at ? rows->top : at, end = bottom < last ? bottom : last;
	const struct lacuna_shape shape = { { p->window.extent[0], end - first, p->window.extent[2],
					      1 } };
	struct image wanted;
	int status;

	if (first >= end)
		return LACUNA_OK;
	status = image_create(&wanted, &shape);
	if (!status)
		status = write_picture(a, rows, first - rows->top, &wanted);
	if (!status && p->r->deviation) {
		cut(p, rows, first - rows->top, sizeof(float), &shape, rows->deviation,
		    wanted.values);
		status = put_into(p, p->r->deviation, first - at, &wanted, NULL);
	}
	image_free(&wanted);
	return status;
}

/* ---- the run ----------------------------------------------------------------------------------------- */

static int open_noise(struct parts *a, int64_t rows)
{
	struct page *p = a->p;
	struct image_reader *reader = p->r->noise;
	struct image_page info;
	int status;

	if (!reader)
		return LACUNA_OK;
	status = image_reader_page(reader, page_of_noise(p), &info);
	if (!status && !picture_same_shape(&info.shape, &p->info.shape))
		status = page_wrong_shape(reader->path, &info.shape, "the picture", &p->info.shape);
	return status ? status : image_band_open(reader, page_of_noise(p), rows, &a->noise);
}

static void close_bands(struct parts *a)
{
	image_band_close(a->noise);
	a->noise = NULL;
	if (a->p->held) /* until the page is done */
		return;
	image_band_close(a->p->band);
	a->p->band = NULL;
}

/* With --crop, the noise is still that of the whole picture. */
static int listen_to_whole(struct parts *a, const struct measurement *m)
{
	struct page *p = a->p;
	const struct lacuna_region part = p->part;
	const struct restoration *r = p->r;
	const struct windows_io io = { move, read, write, 1, 0, a };
	const struct windows windows = p->windows;
	int status;

	if (!r->cropped || !restorer_estimates(r->restorer, m))
		return LACUNA_OK;
	p->part = (struct lacuna_region){ { 0, 0, 0, 0 },
					  { p->info.shape.extent[0], p->info.shape.extent[1],
					    p->info.shape.extent[2], 1 } };
	status = page_plan_part(p);
	if (!status)
		status = open_band(p, 1);
	if (!status)
		status = open_noise(a, rows_held(p, 1));
	if (!status)
		status = windows_listen(r->restorer, &p->windows, m, &io);
	close_bands(a);
	p->windows = windows;
	p->part = part;
	return status;
}

static void show(struct parts *a)
{
	const struct page *p = a->p;
	const struct restore_record *record = &p->result.record;
	const struct look look = {
		.page = p->number,
		.before = &a->before.image,
		.after = &a->after.image,
		.scale = &record->inner,
		.noise = record->noise * (p->range.hi - p->range.lo) /
			 (record->inner.white - record->inner.black),
	};

	if (!p->r->look)
		return;
	small_finish(&a->before);
	small_finish(&a->after);
	p->r->look(p->r->look_context, &look);
}

static int64_t common_multiple(int64_t a, int64_t b)
{
	int64_t m = a;

	while (m % b)
		m += a;
	return m;
}

/* Begins the pages of the result and of its deviation.  *multiple: what both take. */
static int begin(const struct page *p, int64_t *multiple)
{
	const struct restoration *r = p->r;
	const struct image_part part = {
		.like = r->in, .page = p->number, .shape = p->window, .region = p->wanted
	};
	int status;

	page_tell_values(p, r->out);
	status = image_writer_begin(r->out, &part);
	if (status)
		return status;
	*multiple = r->out->multiple;
	if (!r->deviation)
		return LACUNA_OK;
	status = image_writer_begin(r->deviation, &part);
	if (!status)
		*multiple = common_multiple(*multiple, r->deviation->multiple);
	return status;
}

static int end(const struct restoration *r)
{
	const int status = image_writer_end(r->out);

	return status || !r->deviation ? status : image_writer_end(r->deviation);
}

static int run(struct parts *a)
{
	struct page *p = a->p;
	struct restoration *r = p->r;
	static const float stated = 1; /* a placeholder: the deviation comes with the pixels */
	struct measurement m = page_measurement(p);
	const int64_t f = p->windows.factor;
	struct windows_io io = { move, read, write, 1, 0, a };
	int status;

	m.deviation = r->noise ? &stated : NULL;
	m.whole = p->info.shape;
	m.x = p->part.origin[0];
	m.y0 = p->part.origin[1];
	m.counted = p->wanted;
	for (int i = 0; i < 2; i++)
		m.counted.origin[i] -= p->part.origin[i];
	restorer_operators(r->restorer, p->job.operators, p->job.operator_count);
	status = begin(p, &io.multiple);
	if (!status)
		status = listen_to_whole(a, &m);
	io.first = f * (p->wanted.origin[1] - p->part.origin[1]);
	if (!status)
		status = open_band(p, io.multiple);
	if (!status)
		status = open_noise(a, rows_held(p, io.multiple));
	if (!status)
		status = windows_stream(r->restorer, &p->windows, &m, &io, &p->result);
	return status ? status : end(r);
}

int page_restore_parts(struct page *p)
{
	struct restoration *r = p->r;
	struct parts a = { .p = p };
	const int settled = restorer_has_settled(r->restorer);
	struct lacuna_shape wanted;
	int status = LACUNA_OK;

	a.absent = memory_alloc_array(r->operands.absent_count + 1, sizeof *a.absent);
	if (!a.absent)
		return LACUNA_ENOMEM;
	memcpy(wanted.extent, p->wanted.extent, sizeof wanted.extent);
	p->lacks = 1;
	if (r->look)
		status = small_create(&wanted, &a.before);
	if (!status && r->look)
		status = small_create(&p->window, &a.after);
	if (!status)
		status = run(&a);
	restorer_operators(r->restorer, NULL, 0);
	if (!settled)
		restorer_forget(r->restorer);
	if (!status) {
		page_tell_missing(p, &a.missing);
		for (size_t i = 0; i < r->operands.absent_count; i++)
			page_tell_absent(p, i, a.absent[i]);
		show(&a);
	}
	r->doubts += p->result.record.doubts;
	close_bands(&a);
	small_free(&a.before);
	small_free(&a.after);
	memory_release(a.absent);
	return status;
}

int page_restore_window(struct page *p, int64_t window, struct restored *part)
{
	struct parts a = { .p = p };
	const struct windows_io io = { move, read, write, 1, 0, &a };
	const struct measurement m = page_measurement(p);
	struct restorer *r = p->r->restorer;
	int status = open_band(p, 1);

	restorer_operators(r, p->job.operators, p->job.operator_count);
	if (!status)
		status = open_noise(&a, rows_held(p, 1));
	if (!status)
		status = windows_listen(r, &p->windows, &m, &io);
	if (!status && window >= 0)
		status = windows_part(r, &p->windows, &m, &io, window, part);
	close_bands(&a);
	restorer_operators(r, NULL, 0);
	return status;
}
