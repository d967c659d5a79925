/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Holds rows of a page as they are stored.  libtiff decodes blocks; a band keeps the rows needed of them, and moves on. */
#include <config.h>

#include "image/tiff/private.h"
#include "base/error.h"
#include "base/memory.h"

#include <string.h>

/* A row of tiles is decoded as a whole, and so are some strips. */
static uint32_t rows_at_once(const struct tiff_layout *l)
{
	return l->convert ? l->height : l->tiled || layout_whole_strips(l) ? l->block_height : 1;
}

static uint32_t choose_room(const struct tiff_layout *l, int64_t rows)
{
	const int64_t room = rows + (int64_t)rows_at_once(l) - 1;

	return rows && room < (int64_t)l->height ? (uint32_t)room : l->height;
}

/* Copies the palette, since libtiff frees its own when the reader leaves the page. */
static int copy_palette(struct tiff_band *b)
{
	size_t n;

	if (!b->layout.palette)
		return LACUNA_OK;
	n = (size_t)1 << b->layout.type.bits;
	b->map = memory_alloc_array(3 * n, sizeof *b->map);
	if (!b->map)
		return LACUNA_ENOMEM;
	for (size_t c = 0; c < 3; c++) {
		memcpy(b->map + c * n, b->layout.map[c], n * sizeof *b->map);
		b->layout.map[c] = b->map + c * n;
	}
	return LACUNA_OK;
}

static int allocate(struct tiff_band *b)
{
	const struct tiff_layout *l = &b->layout;
	size_t bytes;

	b->pitch = ((size_t)l->width * (size_t)l->type.bits + 7) / 8;
	if (!size_multiply(b->pitch, (size_t)l->samples * b->room, &bytes))
		return error_set(LACUNA_ENOMEM, "out of memory (an impossible size)");
	b->rows = memory_alloc(bytes);
	return b->rows ? LACUNA_OK : LACUNA_ENOMEM;
}

int tiff_band_open(struct image_reader *reader, int page, int64_t rows, struct image_band **out)
{
	struct tiff_reader *r = tiff_reader(reader);
	struct tiff_band *b = memory_alloc(sizeof *b);
	int status = b ? reader_enter(r, page) : LACUNA_ENOMEM;

	*out = NULL;
	if (!status) {
		b->reader = r;
		b->page = page;
		b->layout = r->layout;
		b->room = choose_room(&b->layout, rows);
		status = copy_palette(b);
	}
	if (!status)
		status = allocate(b);
	if (status) {
		if (b)
			tiff_band_close(&b->common);
		return reader_context(r, page, status);
	}
	*out = &b->common;
	return LACUNA_OK;
}

void tiff_band_close(struct image_band *band)
{
	struct tiff_band *b = tiff_band(band);

	memory_release(b->map);
	memory_release(b->rows);
	memory_release(b);
}

int tiff_band_cost(struct image_reader *reader, int page, struct image_cost *cost)
{
	struct tiff_reader *r = tiff_reader(reader);
	const struct tiff_layout *l = &r->layout;
	const int status = reader_enter(r, page);
	double row;

	if (status)
		return reader_context(r, page, status);
	row = ((double)l->width * l->type.bits / 8 + 1) * l->samples;
	/* More rows than were asked for may be decoded: a row of tiles, or the whole picture. */
	*cost = (struct image_cost){ .row = row, .fixed = row * (rows_at_once(l) - 1) };
	if (l->convert) {
		cost->fixed = (row + 4.0 * l->width) * l->height;
		cost->row = 0;
	}
	return LACUNA_OK;
}

static uint8_t *row_of(const struct tiff_band *b, int sample, uint32_t y)
{
	return b->rows + ((size_t)sample * b->room + (y - b->held.top)) * b->pitch;
}

static void sink_raw(void *context, const struct tiff_row *row)
{
	const struct tiff_band *b = context;
	const struct tiff_layout *l = &b->layout;
	const int end = l->separate ? row->first + 1 : l->samples;

	for (int s = row->first; s < end; s++)
		sample_gather(row->data, (size_t)(s - row->first), (size_t)row->stride, row->n,
			      l->type.bits, row_of(b, s, row->y), row->x);
}

/* Drops the rows above top and moves the others up. */
static void drop(struct tiff_band *b, uint32_t top)
{
	const size_t kept = b->held.bottom - top;

	for (int s = 0; s < b->layout.samples && kept; s++)
		memmove(row_of(b, s, b->held.top), row_of(b, s, top), kept * b->pitch);
	b->held.top = top;
}

/* Where to stop decoding: after the block that contains bottom, if there is room. */
static uint32_t stop_at(const struct tiff_band *b, uint32_t bottom)
{
	const uint64_t step = rows_at_once(&b->layout);
	uint64_t end = (bottom + step - 1) / step * step;

	if (end > b->layout.height)
		end = b->layout.height;
	if (end > (uint64_t)b->held.top + b->room)
		end = (uint64_t)b->held.top + b->room;
	return (uint32_t)end;
}

int tiff_band_move(struct image_band *band, int64_t top, int64_t bottom)
{
	struct tiff_band *b = tiff_band(band);
	struct tiff_span fresh;
	int status;

	if (top >= b->held.top && bottom <= b->held.bottom)
		return LACUNA_OK;
	if (top < b->held.top || top > b->held.bottom)
		b->held = (struct tiff_span){ (uint32_t)top, (uint32_t)top };
	else
		drop(b, (uint32_t)top);
	fresh = (struct tiff_span){ b->held.bottom, stop_at(b, (uint32_t)bottom) };
	if (fresh.bottom < bottom)
		return error_set(LACUNA_EINTERNAL, "more rows than the band has room for");
	status = reader_enter(b->reader, b->page);
	if (!status)
		status = reader_decode(b->reader, 0, b->layout.samples, &fresh, sink_raw, b);
	if (status)
		return reader_context(b->reader, b->page, status);
	b->held.bottom = fresh.bottom;
	return LACUNA_OK;
}

void tiff_band_get(const struct image_band *band, const struct lacuna_region *region, float *values)
{
	const struct tiff_band *b = tiff_band_const(band);
	const struct tiff_layout *l = &b->layout;
	const int64_t w = region->extent[0], h = region->extent[1];
	const int channels = l->palette ? 3 : l->colour;

	for (int c = 0; c < channels; c++)
		for (int64_t j = 0; j < h; j++)
			layout_values(l, c,
				      row_of(b, l->palette ? 0 : layout_sample(l, c),
					     (uint32_t)(region->origin[1] + j)),
				      (size_t)region->origin[0], 1, (size_t)w,
				      values + (c * h + j) * w);
	layout_colours(l, (size_t)(w * h), values);
}

static int alpha_values(struct image_band *band, struct image *image)
{
	const struct tiff_band *b = tiff_band_const(band);
	const struct tiff_layout *l = &b->layout;
	int status = image_create(image, &(struct lacuna_shape){ { l->width, l->height, 1, 1 } });

	if (!status)
		status = tiff_band_move(band, 0, l->height);
	if (status)
		return status;
	for (uint32_t y = 0; y < l->height; y++)
		sample_values(l->type, row_of(b, l->extra_at, y), 0, 1, l->width, 0,
			      image->values + (size_t)y * l->width);
	if (l->type.kind != SAMPLE_FLOAT)
		image_to_unit(image, sample_full_scale(l->type));
	return LACUNA_OK;
}

int tiff_read_alpha(struct image_reader *reader, int page, struct image *image)
{
	struct image_band *band = NULL;
	int status;

	memset(image, 0, sizeof *image);
	status = tiff_band_open(reader, page, 0, &band);
	if (status)
		return status;
	status = alpha_values(band, image);
	tiff_band_close(band);
	if (status)
		image_free(image);
	return status;
}
