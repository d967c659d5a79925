/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The samples of a new page: from values, or from the old page where they stay, in strips or tiles. */
#include <config.h>

#include "image/tiff/write-private.h"

#include "base/memory.h"

#include <string.h>

static int is_same(float a, float b)
{
	return a <= b && a >= b;
}

/* The rows of the old page that are held. */
static const struct tiff_band *old_band(const struct page *p)
{
	return tiff_band_const(p->rows.old);
}

static uint64_t colour_sample(const struct page *p, int s, uint32_t x, uint32_t y)
{
	const struct tiff_layout *l = &p->layout;
	const struct image_rows *r = &p->rows;
	const struct tiff_band *old = old_band(p);
	const uint64_t ones = UINT64_MAX >> (64 - l->type.bits);
	const uint64_t toggle = l->invert ? ones : l->lab && s ? ones ^ ones >> 1 : 0;
	const size_t i = ((size_t)s * (size_t)r->count + (y - (size_t)r->top)) * l->width + x;

	if (p->copy || (p->keeps && r->keep && r->keep[i]))
		return band_sample(old, layout_sample(&old->layout, s), x + p->old_x, y + p->old_y);
	if (p->rounds_nodata && is_same(r->values[i], p->near_nodata))
		return p->nodata;
	return sample_encode(l->type, r->values[i]) ^ toggle;
}

static uint64_t old_extra(const struct page *p, int s, uint32_t x, uint32_t y)
{
	const struct tiff_band *old = old_band(p);

	return band_sample(old, s - p->layout.extra_at + old->layout.extra_at, x + p->old_x,
			   y + p->old_y);
}

/* Position of the middle of pixel x of n in an old row: between pixels *at and *next, which has the weight *part. */
static void between(uint32_t x, uint32_t n, uint32_t old, uint32_t *at, uint32_t *next,
		    double *part)
{
	const double place = (x + 0.5) * old / n - 0.5;
	const double first = place < 0 ? 0 : place > old - 1.0 ? old - 1.0 : place;

	*at = (uint32_t)first;
	*next = *at + 1 < old ? *at + 1 : *at;
	*part = first - *at;
}

/* The old sample; if the size differs, by bilinear interpolation. */
static uint64_t extra_sample(const struct page *p, int s, uint32_t x, uint32_t y)
{
	const struct tiff_layout *l = &p->layout;
	const struct sample_type old = old_band(p)->layout.type;
	uint32_t x0, x1, y0, y1;
	double u, v, corner[4];

	if (l->width == p->old_width && l->height == p->old_height)
		return sample_convert(old, l->type, old_extra(p, s, x, y));
	between(x, l->width, p->old_width, &x0, &x1, &u);
	between(y, l->height, p->old_height, &y0, &y1, &v);
	corner[0] = sample_decode(old, old_extra(p, s, x0, y0));
	corner[1] = sample_decode(old, old_extra(p, s, x1, y0));
	corner[2] = sample_decode(old, old_extra(p, s, x0, y1));
	corner[3] = sample_decode(old, old_extra(p, s, x1, y1));
	return sample_convert(
		old, l->type,
		sample_encode(old, (float)((1 - v) * ((1 - u) * corner[0] + u * corner[1]) +
					   v * ((1 - u) * corner[2] + u * corner[3]))));
}

/* Fills row with samples first..first+stride-1 of n pixels. */
static void fill_row(const struct page *p, int first, int stride, uint32_t x, uint32_t y,
		     uint32_t n, uint8_t *row)
{
	for (int s = first; s < first + stride; s++) {
		const int c = layout_channel(&p->layout, s);

		for (uint32_t i = 0; i < n; i++)
			sample_put(row, (size_t)i * (size_t)stride + (size_t)(s - first),
				   p->layout.type.bits,
				   c >= 0 ? colour_sample(p, c, x + i, y)
					  : extra_sample(p, s, x + i, y));
	}
}

static uint32_t bottom_of(const struct page *p)
{
	return (uint32_t)(p->rows.top + p->rows.count);
}

static int write_strips(struct tiff_handle *h, const struct page *p, int first, int stride)
{
	const struct tiff_layout *l = &p->layout;
	const size_t pitch = (size_t)TIFFScanlineSize(h->tif);
	uint8_t *row = memory_alloc(pitch);
	int status = row ? LACUNA_OK : LACUNA_ENOMEM;

	for (uint32_t y = (uint32_t)p->rows.top; !status && y < bottom_of(p); y++) {
		/* libtiff may have swapped the bytes of the last row in place. */
		memset(row, 0, pitch);
		fill_row(p, first, stride, 0, y, l->width, row);
		if (TIFFWriteScanline(h->tif, row, y, (uint16_t)first) < 0)
			status = writer_failed(h);
	}
	memory_release(row);
	return status;
}

static void fill_tile(const struct page *p, int first, int stride, uint32_t x, uint32_t y,
		      uint8_t *tile, size_t pitch)
{
	const struct tiff_layout *l = &p->layout;
	const uint32_t n = l->width - x < l->block_width ? l->width - x : l->block_width;

	for (uint32_t i = 0; i < l->block_height && y + i < bottom_of(p); i++)
		fill_row(p, first, stride, x, y + i, n, tile + i * pitch);
}

static int write_tiles(struct tiff_handle *h, const struct page *p, int first, int stride)
{
	const struct tiff_layout *l = &p->layout;
	const size_t pitch = (size_t)TIFFTileRowSize(h->tif), size = (size_t)TIFFTileSize(h->tif);
	uint8_t *tile = memory_alloc(size), *empty = p->sparse ? memory_alloc(size) : NULL;
	int status = tile && (empty || !p->sparse) ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status && empty)
		layout_fill_empty(h->tif, l, size * 8 / (size_t)l->type.bits, empty);
	for (uint64_t y = (uint64_t)p->rows.top; !status && y < bottom_of(p); y += l->block_height)
		for (uint64_t x = 0; !status && x < l->width; x += l->block_width) {
			/* The part of a tile beyond the picture counts, too. */
			if (empty)
				memcpy(tile, empty, size);
			else
				memset(tile, 0, size);
			fill_tile(p, first, stride, (uint32_t)x, (uint32_t)y, tile, pitch);
			if (empty && !memcmp(tile, empty, size))
				continue;
			if (TIFFWriteTile(h->tif, tile, (uint32_t)x, (uint32_t)y, 0,
					  (uint16_t)first) < 0)
				status = writer_failed(h);
		}
	memory_release(empty);
	memory_release(tile);
	return status;
}

int page_write_samples(struct tiff_handle *h, const struct page *p)
{
	const int stride = p->layout.separate ? 1 : p->layout.samples;
	int status = LACUNA_OK;

	handle_begin(h);
	for (int first = 0; !status && first < p->layout.samples; first += stride)
		status = p->layout.tiled ? write_tiles(h, p, first, stride)
					 : write_strips(h, p, first, stride);
	return status;
}
