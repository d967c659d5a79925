/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Deflate ends a strip or tile with the Adler-32 checksum of what it holds (RFC 1950).  libtiff stops reading when the strip
 * is full, before the checksum; and for tiles it accepts that they hold more than fits, as most damaged ones do.
 *
 * The lower half of Adler-32 is the sum of the bytes, which takes little time beside decompression.  Only if it differs, the
 * block is decompressed once more, as a whole. */
#include <config.h>

#include "image/tiff/private.h"
#include "base/error.h"
#include "base/memory.h"

#include <unistd.h>
#include <zlib.h>

int checksum_exists(const struct tiff_layout *l)
{
	return l->compression == COMPRESSION_ADOBE_DEFLATE || l->compression == COMPRESSION_DEFLATE;
}

/* ---- sums of bytes as they are compressed: a predictor has stored differences of samples `stride' apart */

/* Compilers use vector instructions for so many values at once. */
enum { GROUP = 64 };

static uint64_t sum_8(const uint8_t *v, size_t n, size_t stride)
{
	uint64_t sum = 0;
	size_t i = 0;

	for (; i < n && i < stride; i++)
		sum += v[i];
	for (; i + GROUP <= n; i += GROUP) {
		unsigned group = 0;

		for (size_t j = i; j < i + GROUP; j++)
			group += (uint8_t)(v[j] - v[j - stride]);
		sum += group;
	}
	for (; i < n; i++)
		sum += (uint8_t)(v[i] - v[i - stride]);
	return sum;
}

static unsigned difference_16(const uint16_t *v, size_t stride)
{
	const uint16_t d = (uint16_t)(v[0] - v[-(ptrdiff_t)stride]);

	return (d & 255u) + (d >> 8);
}

static uint64_t sum_16(const uint16_t *v, size_t n, size_t stride)
{
	uint64_t sum = 0;
	size_t i = 0;

	for (; i < n && i < stride; i++)
		sum += (v[i] & 255u) + (v[i] >> 8);
	for (; i + GROUP <= n; i += GROUP) {
		unsigned group = 0;

		for (size_t j = 0; j < GROUP; j++)
			group += difference_16(v + i + j, stride);
		sum += group;
	}
	for (; i < n; i++)
		sum += difference_16(v + i, stride);
	return sum;
}

/* The floating-point predictor puts the first bytes of all samples of a row before the second ones, and so on, most
 * significant first, and stores differences of bytes.  So these are differences of bytes of one rank, except where ranks meet. */
static uint64_t sum_float(const uint8_t *v, size_t n, size_t stride, size_t width)
{
	static const uint16_t one = 1;
	const int little = *(const uint8_t *)&one;
	uint64_t sum = sum_8(v, n * width, stride * width);

	for (size_t rank = 1; rank < width; rank++)
		for (size_t i = 0; i < stride && i < n; i++) {
			const size_t at = little ? width - 1 - rank : rank;
			const size_t before = little ? at + 1 : at - 1;
			const uint8_t a = v[i * width + at];
			const uint8_t b = v[(n - stride + i) * width + before];

			sum += (uint64_t)(uint8_t)(a - b) - a;
		}
	return sum;
}

/* A sum that is not made here never agrees, and the block is decompressed again. */
uint64_t checksum_of_row(const struct tiff_layout *l, const void *row, size_t bytes)
{
	const size_t stride = l->separate ? 1 : (size_t)l->samples,
		     width = (size_t)l->type.bits / 8;

	if (l->predictor == PREDICTOR_NONE)
		return sum_8(row, bytes, bytes);
	if (l->predictor == PREDICTOR_HORIZONTAL && l->type.bits == 8)
		return sum_8(row, bytes, stride);
	if (l->predictor == PREDICTOR_HORIZONTAL && l->type.bits == 16)
		return sum_16(row, bytes / 2, stride);
	if (l->predictor == PREDICTOR_FLOATINGPOINT && width && bytes / width >= stride)
		return sum_float(row, bytes / width, stride, width);
	return 0;
}

/* ---- blocks */

static int is_reversed(TIFF *tif)
{
	uint16_t order;

	TIFFGetFieldDefaulted(tif, TIFFTAG_FILLORDER, &order);
	return order == FILLORDER_LSB2MSB;
}

/* True if the lower half of the checksum at the end of the block is that of bytes with this sum. */
static int agrees(TIFF *tif, uint32_t block, uint64_t sum)
{
	enum { BASE = 65521 };
	const uint64_t end = TIFFGetStrileOffset(tif, block) + TIFFGetStrileByteCount(tif, block);
	uint8_t half[2];

	if (pread(TIFFFileno(tif), half, 2, (off_t)(end - 2)) != 2)
		return 0;
	if (is_reversed(tif))
		TIFFReverseBits(half, 2);
	return (1 + sum) % BASE == (uint64_t)(half[0] << 8 | half[1]);
}

/* True if a block holds no more than this and its checksum is right. */
static int inflates(uint8_t *raw, size_t n, uint64_t most)
{
	uint8_t out[16384];
	z_stream z = { .next_in = raw, .avail_in = (uInt)n };
	int status = inflateInit(&z);

	while (status == Z_OK && z.total_out <= most) {
		z.next_out = out;
		z.avail_out = sizeof out;
		status = inflate(&z, Z_NO_FLUSH);
	}
	inflateEnd(&z);
	return status == Z_STREAM_END && z.total_out <= most;
}

static int is_whole(TIFF *tif, uint32_t block)
{
	const tmsize_t n = (tmsize_t)TIFFGetStrileByteCount(tif, block);
	const int tiled = TIFFIsTiled(tif);
	/* Some programs compress a last strip of full height, of which libtiff reads the rows that there are. */
	const tmsize_t most = tiled ? TIFFTileSize(tif) : TIFFStripSize(tif);
	uint8_t *raw = memory_alloc((size_t)n);
	int good;

	/* What cannot be checked is taken for sound. */
	if (!raw || n > INT32_MAX) {
		error_clear();
		good = 1;
	} else {
		good = (tiled ? TIFFReadRawTile(tif, block, raw, n)
			      : TIFFReadRawStrip(tif, block, raw, n)) == n;
		if (is_reversed(tif))
			TIFFReverseBits(raw, n);
		good = good && inflates(raw, (size_t)n, (uint64_t)most);
	}
	memory_release(raw);
	return good;
}

int checksum_is_right(TIFF *tif, uint32_t block, uint64_t sum)
{
	return agrees(tif, block, sum) || is_whole(tif, block);
}
