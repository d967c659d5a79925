/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Decodes the blocks of a page into rows of samples: strips, whole strips, tiles, and pages that libtiff converts. */
#include <config.h>

#include "image/tiff/private.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <unistd.h>

static int damaged(const struct tiff_reader *r)
{
	const char *why = r->handle.message;

	return error_set(LACUNA_EINVAL, "the picture data are damaged%s%s%s", *why ? " (" : "", why,
			 *why ? ")" : "");
}

/* libtiff reports some damage (fax, JPEG) without stopping. */
static int sound(const struct tiff_reader *r)
{
	return !r->handle.message[0];
}

/* True if rows are read without libtiff, which loads whole strips: they are not compressed, and strips are large (one may be
 * the whole picture). */
static int is_plain(const struct tiff_reader *r)
{
	enum { LARGE = 1 << 16 };
	const struct tiff_layout *l = &r->layout;

	return l->compression == COMPRESSION_NONE &&
	       (double)TIFFScanlineSize64(r->handle.tif) * l->block_height > LARGE;
}

static void swap_bytes(TIFF *tif, int bits, void *row, tmsize_t bytes)
{
	uint16_t order;

	TIFFGetFieldDefaulted(tif, TIFFTAG_FILLORDER, &order);
	if (order == FILLORDER_LSB2MSB)
		TIFFReverseBits(row, bytes);
	if (!TIFFIsByteSwapped(tif))
		return;
	if (bits == 16)
		TIFFSwabArrayOfShort(row, bytes / 2);
	else if (bits == 24)
		TIFFSwabArrayOfTriples(row, bytes / 3);
	else if (bits == 32)
		TIFFSwabArrayOfLong(row, bytes / 4);
	else if (bits == 64)
		TIFFSwabArrayOfLong8(row, bytes / 8);
}

static int read_plain_row(struct tiff_reader *r, uint32_t strip, uint32_t y, void *row)
{
	TIFF *tif = r->handle.tif;
	const tmsize_t bytes = TIFFScanlineSize(tif);
	const uint64_t at = (uint64_t)(y % r->layout.block_height) * (uint64_t)bytes;

	if (at + (uint64_t)bytes > TIFFGetStrileByteCount(tif, strip) ||
	    pread(TIFFFileno(tif), row, (size_t)bytes,
		  (off_t)(TIFFGetStrileOffset(tif, strip) + at)) != bytes)
		return -1;
	swap_bytes(tif, r->layout.type.bits, row, bytes);
	return 0;
}

/* Damage that libtiff passes over. */
static void check_block(struct tiff_reader *r, uint32_t block, uint64_t sum)
{
	if (!checksum_is_right(r->handle.tif, block, sum))
		handle_warn(&r->handle, "the checksum of %s %u is wrong",
			    r->layout.tiled ? "tile" : "strip", block + 1);
}

/* Adds a row of the strip that is decoded to its sum. */
static void sum_row(struct tiff_reader *r, uint32_t strip, uint32_t y, const void *row)
{
	const uint32_t height = r->layout.block_height;

	if (!checksum_exists(&r->layout))
		return;
	if (y % height == 0)
		r->sum = 0;
	r->sum += checksum_of_row(&r->layout, row, (size_t)TIFFScanlineSize(r->handle.tif));
	if (y % height == height - 1 || y == r->layout.height - 1)
		check_block(r, strip, r->sum);
}

static void check_tile(struct tiff_reader *r, uint32_t tile, const uint8_t *rows, size_t pitch)
{
	uint64_t sum = 0;

	if (!checksum_exists(&r->layout))
		return;
	for (uint32_t i = 0; i < r->layout.block_height; i++)
		sum += checksum_of_row(&r->layout, rows + i * pitch, pitch);
	check_block(r, tile, sum);
}

/* libtiff either continues in a strip or begins again with its first row, so the rows between are decoded too. */
static int read_row(struct tiff_reader *r, uint32_t strip, int plane, uint32_t y, void *row)
{
	const uint32_t first = y - y % r->layout.block_height;
	const int goes_on = r->strip == (int64_t)strip && r->next_row <= y;
	int failed = 0;

	for (uint32_t i = goes_on ? r->next_row : first; !failed && i <= y; i++) {
		failed = TIFFReadScanline(r->handle.tif, row, i, (uint16_t)plane) < 0 || !sound(r);
		if (!failed)
			sum_row(r, strip, i, row);
	}
	r->strip = failed ? -1 : (int64_t)strip;
	r->next_row = y + 1;
	return failed;
}

static int decode_strips(struct tiff_reader *r, int plane, const struct tiff_span *span,
			 tiff_row_sink *sink, void *context)
{
	const struct tiff_layout *l = &r->layout;
	const int plain = is_plain(r);
	struct tiff_row row = { .n = l->width,
				.first = plane,
				.stride = l->separate ? 1 : l->samples };
	void *buffer = memory_alloc((size_t)TIFFScanlineSize(r->handle.tif));
	int status = buffer ? LACUNA_OK : LACUNA_ENOMEM;

	row.data = buffer;
	for (uint32_t y = span->top; !status && y < span->bottom; y++) {
		const uint32_t strip = TIFFComputeStrip(r->handle.tif, y, (uint16_t)plane);

		row.y = y;
		if (!handle_stores(r->handle.tif, strip))
			layout_fill_empty(r->handle.tif, l, (size_t)l->width * (size_t)row.stride,
					  buffer);
		else if (plain ? read_plain_row(r, strip, y, buffer)
			       : read_row(r, strip, plane, y, buffer))
			status = damaged(r);
		if (!status)
			sink(context, &row);
	}
	memory_release(buffer);
	return status;
}

/* For schemes where rows in existing files do not end where they should: PackBits runs that continue in the next row, fax
 * data with errors.  Decoding row by row, libtiff drops what it has read beyond a row. */
int layout_whole_strips(const struct tiff_layout *l)
{
	return l->compression == COMPRESSION_PACKBITS || l->compression == COMPRESSION_CCITTRLE ||
	       l->compression == COMPRESSION_CCITTRLEW || l->compression == COMPRESSION_CCITTFAX3 ||
	       l->compression == COMPRESSION_CCITTFAX4;
}

static int decode_whole_strips(struct tiff_reader *r, int plane, const struct tiff_span *span,
			       tiff_row_sink *sink, void *context)
{
	TIFF *tif = r->handle.tif;
	const struct tiff_layout *l = &r->layout;
	struct tiff_row row = { .n = l->width,
				.first = plane,
				.stride = l->separate ? 1 : l->samples };
	const size_t pitch = (size_t)TIFFScanlineSize(tif);
	uint8_t *strip = memory_alloc_array(pitch, l->block_height);
	int status = strip ? LACUNA_OK : LACUNA_ENOMEM;

	for (uint64_t first = span->top / l->block_height * l->block_height;
	     !status && first < span->bottom; first += l->block_height) {
		const uint32_t y = (uint32_t)first, left = l->height - y;
		const uint32_t rows = left < l->block_height ? left : l->block_height;
		const uint32_t number = TIFFComputeStrip(tif, y, (uint16_t)plane);

		if (!handle_stores(tif, number))
			for (uint32_t i = 0; i < rows; i++)
				layout_fill_empty(tif, l, (size_t)l->width * (size_t)row.stride,
						  strip + i * pitch);
		else if (TIFFReadEncodedStrip(tif, number, strip, (tmsize_t)(pitch * rows)) < 0 ||
			 !sound(r))
			status = damaged(r);
		for (uint32_t i = 0; !status && i < rows; i++) {
			row.y = y + i;
			row.data = strip + i * pitch;
			if (row.y >= span->top && row.y < span->bottom)
				sink(context, &row);
		}
	}
	memory_release(strip);
	return status;
}

static void sink_tile(const struct tiff_layout *l, const uint8_t *tile, size_t pitch,
		      struct tiff_row row, const struct tiff_span *span, tiff_row_sink *sink,
		      void *context)
{
	const uint32_t left = l->height - row.y;
	const uint32_t rows = left < l->block_height ? left : l->block_height;

	row.n = l->width - row.x < l->block_width ? l->width - row.x : l->block_width;
	for (uint32_t i = 0; i < rows; i++, row.y++) {
		row.data = tile + i * pitch;
		if (row.y >= span->top && row.y < span->bottom)
			sink(context, &row);
	}
}

static int decode_tiles(struct tiff_reader *r, int plane, const struct tiff_span *span,
			tiff_row_sink *sink, void *context)
{
	TIFF *tif = r->handle.tif;
	const struct tiff_layout *l = &r->layout;
	struct tiff_row row = { .first = plane, .stride = l->separate ? 1 : l->samples };
	const size_t pitch = (size_t)TIFFTileRowSize(tif);
	const size_t samples =
		(size_t)l->block_width * (size_t)l->block_height * (size_t)row.stride;
	uint8_t *tile = memory_alloc((size_t)TIFFTileSize(tif));
	int status = tile ? LACUNA_OK : LACUNA_ENOMEM;

	for (uint64_t y = span->top / l->block_height * l->block_height;
	     !status && y < span->bottom; y += l->block_height)
		for (uint64_t x = 0; !status && x < l->width; x += l->block_width) {
			const uint32_t number =
				TIFFComputeTile(tif, (uint32_t)x, (uint32_t)y, 0, (uint16_t)plane);

			row.x = (uint32_t)x;
			row.y = (uint32_t)y;
			if (!handle_stores(tif, number))
				layout_fill_empty(tif, l, samples, tile);
			else if (TIFFReadTile(tif, tile, row.x, row.y, 0, (uint16_t)plane) < 0 ||
				 !sound(r))
				status = damaged(r);
			else
				check_tile(r, number, tile, pitch);
			if (!status)
				sink_tile(l, tile, pitch, row, span, sink, context);
		}
	memory_release(tile);
	return status;
}

static void check_blocks(struct tiff_reader *r)
{
	TIFF *tif = r->handle.tif;
	const uint32_t n = r->layout.tiled ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);

	for (uint32_t i = 0; checksum_exists(&r->layout) && i < n; i++)
		if (handle_stores(tif, i))
			check_block(r, i, 0);
}

/* Uses libtiff's own conversion to 8-bit RGBA, for YCbCr that is subsampled or in old-style JPEG. */
static int decode_converted(struct tiff_reader *r, const struct tiff_span *span,
			    tiff_row_sink *sink, void *context)
{
	const struct tiff_layout *l = &r->layout;
	struct tiff_row row = { .n = l->width, .stride = 4 };
	uint32_t *raster = NULL;
	size_t pixels;
	int status = LACUNA_OK;

	if (size_multiply(l->width, l->height, &pixels))
		raster = memory_alloc_array(pixels, sizeof *raster);
	if (!raster)
		return LACUNA_ENOMEM;
	if (!TIFFReadRGBAImageOriented(r->handle.tif, l->width, l->height, raster, l->orientation,
				       1) ||
	    !sound(r))
		status = damaged(r);
	else
		check_blocks(r);
	for (size_t i = 0; !status && i < pixels; i++) {
		uint8_t *p = (uint8_t *)&raster[i];
		const uint32_t v = raster[i];

		p[0] = TIFFGetR(v);
		p[1] = TIFFGetG(v);
		p[2] = TIFFGetB(v);
	}
	for (uint32_t y = span->top; !status && y < span->bottom; y++) {
		row.y = y;
		row.data = raster + (size_t)y * l->width;
		sink(context, &row);
	}
	memory_release(raster);
	return status;
}

static int decode_planes(struct tiff_reader *r, int first, int count, const struct tiff_span *span,
			 tiff_row_sink *sink, void *context)
{
	const struct tiff_layout *l = &r->layout;
	int status = LACUNA_OK;

	if (!l->separate) {
		first = 0;
		count = 1;
	}
	for (int plane = first; !status && plane < first + count; plane++)
		status = l->tiled ? decode_tiles(r, plane, span, sink, context)
			 : layout_whole_strips(l)
				 ? decode_whole_strips(r, plane, span, sink, context)
				 : decode_strips(r, plane, span, sink, context);
	return status;
}

/* Decoders continue after some damage (JPEG, fax) with a warning that nobody would see: passes it on. */
static void tell_damage(struct tiff_reader *r, int page)
{
	if (!r->handle.warning[0] || r->told_damage == page + 1)
		return;
	r->told_damage = page + 1;
	log_message(LACUNA_LOG_WARN, "%s: page %d may be damaged: %s", r->handle.path, page + 1,
		    r->handle.warning);
}

int reader_decode(struct tiff_reader *r, int first, int count, const struct tiff_span *span,
		  tiff_row_sink *sink, void *context)
{
	const struct tiff_layout *l = &r->layout;
	const int page = r->current;
	int status;

	handle_begin(&r->handle);
	/* These codecs cannot go back to the first row: the page must be entered anew. */
	if (l->convert || l->luminance)
		r->current = -1;
	status = l->convert ? decode_converted(r, span, sink, context)
			    : decode_planes(r, first, count, span, sink, context);
	if (status)
		return status;
	tell_damage(r, page);
	return image_reader_unchanged(&r->common);
}
