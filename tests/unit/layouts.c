/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* One picture in many layouts: strips and tiles, planes, byte and bit orders, compression, blocks that are left out.  In every
 * layout the reader returns the same values, a band the same rows, alpha is the same, and the writer puts the same samples
 * into a file, at once or in parts.  The layouts are drawn at random from all combinations.  The picture is a function of its
 * coordinates; what is written is read again with libtiff alone. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "image/file.h"
#include "tests/tap.h"

#include <tiffio.h>
#include <unistd.h>

static char directory[64], in[80], out[80], other[80];

/* ---- pictures -------------------------------------------------------------------------------------------------------- */

enum { WIDTH = 41, HEIGHT = 65, PIXELS = WIDTH * HEIGHT, SAMPLES = 6, TAG_NODATA = 42113 };

struct layout {
	const char *mode;
	int bits, real, sign, colour, extra, planes, tile, rows, compression, fill, photometric,
		sparse;
	uint16_t meaning[3]; /* of the extra samples */
};

static const struct layout plain = { .mode = "wl",
				     .bits = 8,
				     .colour = 1,
				     .rows = 7,
				     .compression = COMPRESSION_NONE,
				     .fill = FILLORDER_MSB2LSB,
				     .photometric = PHOTOMETRIC_MINISBLACK };

static uint32_t state = 1;

static int draw(int n)
{
	state = state * 1664525u + 1013904223u;
	return (int)((state >> 16) % (uint32_t)n);
}

static uint64_t scramble(uint64_t v)
{
	v = (v ^ v >> 31) * UINT64_C(0x7fb5d329728ea185);
	v = (v ^ v >> 27) * UINT64_C(0x81dadef4bc2dd44d);
	return v ^ v >> 33;
}

static int samples_of(const struct layout *l)
{
	return l->colour + l->extra;
}

/* Number of the block that holds a sample, and whether the file leaves it out. */
static uint32_t block_of(const struct layout *l, int s, int x, int y)
{
	const uint32_t plane = l->planes ? (uint32_t)s : 0;
	const uint32_t across = l->tile ? (uint32_t)((WIDTH + l->tile - 1) / l->tile) : 1;
	const int high = l->tile ? l->tile : l->rows;
	const uint32_t down = (uint32_t)((HEIGHT + high - 1) / high);

	return (plane * down + (uint32_t)(y / high)) * across +
	       (l->tile ? (uint32_t)(x / l->tile) : 0);
}

static int is_left_out(const struct layout *l, uint32_t block)
{
	return l->sparse && block % 3 == 1;
}

/* The bits of a sample; those that are left out have the declared value 3. */
static uint64_t raw_sample(const struct layout *l, int s, int x, int y)
{
	const uint64_t v =
		scramble(((uint64_t)s * 128 + (uint64_t)y) * 128 + (uint64_t)x + (l->bits == 1));
	const float three = 3;
	uint32_t low;

	if (is_left_out(l, block_of(l, s, x, y))) {
		memcpy(&low, &three, sizeof low);
		return l->real ? low : l->bits == 1 ? 1 : 3;
	}
	return l->real ? (v & 0x807fffff) | 0x3f000000 : v >> (64 - l->bits);
}

static float meaning_of(const struct layout *l, uint64_t raw)
{
	const uint32_t low = (uint32_t)raw;
	float v;

	if (l->sign)
		return (float)((int64_t)(raw << (64 - l->bits)) >> (64 - l->bits));
	if (!l->real)
		return (float)raw;
	memcpy(&v, &low, sizeof v);
	return v;
}

/* Sample i of a row; whole bytes in this machine's order, which is that of libtiff's buffers. */
static void put_bits(uint8_t *row, size_t i, int bits, uint64_t v)
{
	const int little = *(const uint8_t *)&(const uint16_t){ 1 }, bytes = bits / 8;

	if (bits % 8)
		for (int b = 0; b < bits; b++) {
			const size_t at = i * (size_t)bits + (size_t)b;

			row[at / 8] |= (uint8_t)((v >> (bits - 1 - b) & 1) << (7 - at % 8));
		}
	else
		for (int b = 0; b < bytes; b++)
			row[i * (size_t)bytes + (size_t)(little ? b : bytes - 1 - b)] =
				(uint8_t)(v >> 8 * b);
}

static uint64_t get_bits(const uint8_t *row, size_t i, int bits)
{
	const int little = *(const uint8_t *)&(const uint16_t){ 1 }, bytes = bits / 8;
	uint64_t v = 0;

	if (bits % 8)
		for (int b = 0; b < bits; b++) {
			const size_t at = i * (size_t)bits + (size_t)b;

			v = v << 1 | (row[at / 8] >> (7 - at % 8) & 1);
		}
	else
		for (int b = bytes - 1; b >= 0; b--)
			v = v << 8 | row[i * (size_t)bytes + (size_t)(little ? b : bytes - 1 - b)];
	return v;
}

static const TIFFFieldInfo nodata_field[] = { { TAG_NODATA, -1, -1, TIFF_ASCII, FIELD_CUSTOM, 1, 0,
						(char *)"GDALNoDataValue" } };

static void set_tags(TIFF *t, const struct layout *l)
{
	TIFFMergeFieldInfo(t, nodata_field, 1);
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, WIDTH);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, HEIGHT);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, l->bits);
	TIFFSetField(t, TIFFTAG_SAMPLEFORMAT,
		     l->real   ? SAMPLEFORMAT_IEEEFP
		     : l->sign ? SAMPLEFORMAT_INT
			       : SAMPLEFORMAT_UINT);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, samples_of(l));
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, l->photometric);
	TIFFSetField(t, TIFFTAG_PLANARCONFIG,
		     l->planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
	TIFFSetField(t, TIFFTAG_FILLORDER, l->fill);
	TIFFSetField(t, TIFFTAG_COMPRESSION, l->compression);
	if (l->extra)
		TIFFSetField(t, TIFFTAG_EXTRASAMPLES, l->extra, l->meaning);
	if (l->sparse)
		TIFFSetField(t, TAG_NODATA, l->bits == 1 ? "1" : "3");
	if (l->tile) {
		TIFFSetField(t, TIFFTAG_TILEWIDTH, l->tile);
		TIFFSetField(t, TIFFTAG_TILELENGTH, l->tile);
	} else {
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, l->rows);
	}
}

static void write_block(TIFF *t, const struct layout *l, int first, int x, int y)
{
	static uint8_t block[HEIGHT * WIDTH * SAMPLES * 8];
	const int step = l->planes ? 1 : samples_of(l), high = l->tile ? l->tile : l->rows;
	const int wide = l->tile ? l->tile : WIDTH, left = HEIGHT - y < high ? HEIGHT - y : high;
	const size_t pitch = ((size_t)(wide * step * l->bits) + 7) / 8;
	const uint32_t number = block_of(l, first, x, y);

	memset(block, 0, sizeof block);
	for (int j = 0; j < left; j++)
		for (int i = 0; i < wide && x + i < WIDTH; i++)
			for (int c = 0; c < step; c++)
				put_bits(block + (size_t)j * pitch, (size_t)(i * step + c), l->bits,
					 raw_sample(l, first + c, x + i, y + j));
	if (l->tile)
		TIFFWriteEncodedTile(t, number, block, (tmsize_t)(pitch * (size_t)high));
	else
		TIFFWriteEncodedStrip(t, number, block, (tmsize_t)(pitch * (size_t)left));
}

static void write_page(TIFF *t, const struct layout *l)
{
	const int high = l->tile ? l->tile : l->rows, wide = l->tile ? l->tile : WIDTH;

	set_tags(t, l);
	for (int s = 0; s < (l->planes ? samples_of(l) : 1); s++)
		for (int y = 0; y < HEIGHT; y += high)
			for (int x = 0; x < WIDTH; x += wide)
				if (!is_left_out(l, block_of(l, s, x, y)))
					write_block(t, l, s, x, y);
	TIFFWriteDirectory(t);
}

static void make(const struct layout *l)
{
	TIFF *t = TIFFOpen(in, l->mode);

	if (!t)
		tap_bail("no file %s", in);
	write_page(t, l);
	TIFFClose(t);
}

/* Reads a tile, or a row.  A tile that is left out is 0. */
static int read_block(TIFF *t, uint8_t *block, uint32_t x, uint32_t y, uint16_t first)
{
	if (!TIFFIsTiled(t))
		return TIFFReadScanline(t, block, y, first) >= 0;
	if (TIFFGetStrileByteCount(t, TIFFComputeTile(t, x, y, 0, first)))
		return TIFFReadTile(t, block, x, y, 0, first) >= 0;
	memset(block, 0, (size_t)TIFFTileSize(t));
	return 1;
}

/* All samples of the first page of a file, as libtiff reads them: sample s of pixel x, y is number (y width + x) samples + s.
 * Freed with free(); NULL if it cannot be read. */
static uint64_t *load(const char *path, size_t *count)
{
	TIFF *t = TIFFOpen(path, "r");
	uint32_t w = 0, h = 0, tw = 0, th = 1;
	uint16_t n = 1, bits = 1, planar = 1;
	uint64_t *all;
	uint8_t *block;
	int good = t != NULL;

	if (!t)
		return NULL;
	TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &w);
	TIFFGetField(t, TIFFTAG_IMAGELENGTH, &h);
	TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLESPERPIXEL, &n);
	TIFFGetFieldDefaulted(t, TIFFTAG_BITSPERSAMPLE, &bits);
	TIFFGetFieldDefaulted(t, TIFFTAG_PLANARCONFIG, &planar);
	if (!TIFFIsTiled(t)) {
		tw = w;
	} else {
		TIFFGetField(t, TIFFTAG_TILEWIDTH, &tw);
		TIFFGetField(t, TIFFTAG_TILELENGTH, &th);
	}
	*count = (size_t)w * h * n;
	all = calloc(*count, sizeof *all);
	block = calloc((size_t)tw * th * n, 8);
	for (int first = 0; first < (planar == PLANARCONFIG_SEPARATE ? n : 1); first++)
		for (uint32_t y = 0; y < h; y += th)
			for (uint32_t x = 0; x < w; x += tw) {
				const int step = planar == PLANARCONFIG_SEPARATE ? 1 : n;
				const size_t pitch = ((size_t)tw * (size_t)step * bits + 7) / 8;

				good &= read_block(t, block, x, y, (uint16_t)first);
				for (uint32_t j = y; j < y + th && j < h; j++)
					for (uint32_t i = x; i < x + tw && i < w; i++)
						for (int c = 0; c < step; c++)
							all[((size_t)j * w + i) * n +
							    (size_t)(first + c)] =
								get_bits(
									block + (j - y) * pitch,
									(size_t)(i -
										 x) * (size_t)step +
										(size_t)c,
									bits);
			}
	free(block);
	TIFFClose(t);
	if (good)
		return all;
	free(all);
	return NULL;
}

/* ---- layouts at random ----------------------------------------------------------------------------------------------- */

/* Alpha behind the colours, before or behind a band, or none. */
static void draw_samples(struct layout *l)
{
	static const struct {
		uint16_t meaning[3];
		int extra;
	} kinds[] = {
		{ { 0 }, 0 },	 { { 2 }, 1 },	     { { 1 }, 1 },	 { { 2, 0 }, 2 },
		{ { 0, 2 }, 2 }, { { 0, 1, 0 }, 3 }, { { 2, 1, 0 }, 3 }, { { 1, 2, 2 }, 3 },
	};
	const int k = draw((int)(sizeof kinds / sizeof *kinds));

	l->colour = draw(2) ? 3 : 1;
	l->photometric = l->colour == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
	l->extra = kinds[k].extra;
	memcpy(l->meaning, kinds[k].meaning, sizeof l->meaning);
}

static struct layout draw_layout(void)
{
	static const char *const modes[] = { "wl", "wb", "wl8", "wb8" };
	static const int bits[] = { 1, 4, 8, 12, 16, 24, 32 }, rows[] = { 1, 7, 32, 2 * HEIGHT };
	static const int schemes[] = { COMPRESSION_NONE,	  COMPRESSION_NONE,
				       COMPRESSION_LZW,		  COMPRESSION_PACKBITS,
				       COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE };
	struct layout l = plain;

	l.mode = modes[draw(4)];
	l.bits = bits[draw(7)];
	l.real = l.bits == 32;
	l.sign = !l.real && l.bits >= 8 && draw(4) == 0;
	l.planes = draw(2);
	l.tile = draw(2) ? 16 << draw(2) : 0;
	l.rows = rows[draw(4)];
	l.compression = schemes[draw(6)];
	l.fill = draw(3) ? FILLORDER_MSB2LSB : FILLORDER_LSB2MSB;
	l.sparse = draw(3) == 0;
	draw_samples(&l);
	if (samples_of(&l) == 1)
		l.planes = 0;
	return l;
}

static void tell(const struct layout *l, const char *what)
{
	diag("%s: mode %s, %d bits, sign %d, %d + %d samples, planes %d, tile %d, rows %d, "
	     "compression %d, "
	     "fill %d, sparse %d (%s)",
	     what, l->mode, l->bits, l->sign, l->colour, l->extra, l->planes, l->tile, l->rows,
	     l->compression, l->fill, l->sparse, error_text());
}

/* The sample that holds channel c, and the first alpha sample; -1: there is none. */
static int sample_of(const struct layout *l, int c)
{
	for (int s = 0; s < samples_of(l); s++)
		if (s < l->colour || !l->meaning[s - l->colour] || l->extra == 0)
			if (!c--)
				return s;
	return -1;
}

static int first_alpha(const struct layout *l)
{
	for (int i = 0; i < l->extra; i++)
		if (l->meaning[i])
			return l->colour + i;
	return -1;
}

static int channels_of(const struct layout *l)
{
	int n = 0;

	while (sample_of(l, n) >= 0)
		n++;
	return n;
}

static int values_are_right(const struct layout *l, const struct lacuna_region *r, const float *v)
{
	const int64_t *e = r->extent;

	for (int64_t c = 0; c < e[2]; c++)
		for (int64_t y = 0; y < e[1]; y++)
			for (int64_t x = 0; x < e[0]; x++)
				if (v[x + e[0] * (y + e[1] * c)] !=
				    meaning_of(l, raw_sample(l, sample_of(l, (int)c),
							     (int)(r->origin[0] + x),
							     (int)(r->origin[1] + y))))
					return 0;
	return 1;
}

static const char *read_all(struct image_reader *r, const struct layout *l)
{
	const struct lacuna_region all = { { 0 }, { WIDTH, HEIGHT, channels_of(l), 1 } };
	const double full = ldexp(1, l->bits) - 1, low = l->sign ? -(full + 1) / 2 : 0;
	const int alpha = first_alpha(l);
	struct image image;
	int right;

	if (image_reader_read(r, 0, &image))
		return "reading fails";
	right = image.shape.extent[2] == channels_of(l) && values_are_right(l, &all, image.values);
	image_free(&image);
	if (!right)
		return "the values are wrong";
	if (alpha < 0)
		return NULL;
	if (image_reader_read_alpha(r, 0, &image))
		return "reading alpha fails";
	for (int i = 0; right && i < PIXELS; i++) {
		const double v = (double)meaning_of(l, raw_sample(l, alpha, i % WIDTH, i / WIDTH));

		right = fabs((double)image.values[i] - (l->real ? v : (v - low) / full)) < 1e-6;
	}
	image_free(&image);
	return right ? NULL : "alpha is wrong";
}

/* A band that moves to and fro, with room for no more than it must hold. */
static const char *read_band(struct image_reader *r, const struct layout *l)
{
	static float values[SAMPLES * PIXELS];
	const int room = 1 + draw(30);
	const size_t before = memory_live_bytes();
	struct image_cost cost = { 0, 0 };
	struct image_band *band;
	const char *wrong = NULL;
	int top = 0;
	double taken;

	if (image_band_cost(r, 0, &cost) || image_band_open(r, 0, room, &band))
		return "opening a band fails";
	taken = (double)(memory_live_bytes() - before);
	if (taken > room * cost.row + cost.fixed + 600)
		wrong = "a band takes more memory than was told";
	for (int i = 0; !wrong && i < 25; i++) {
		const int rows = draw(3) ? 1 + draw(room) : room; /* often as many as it can hold */
		struct lacuna_region region = { { draw(WIDTH), 0, 0, 0 },
						{ 0, 0, channels_of(l), 1 } };

		top = draw(8) ? top + draw(room) : draw(HEIGHT);
		top = top + rows > HEIGHT ? 0 : top;
		region.origin[1] = top + (draw(2) ? draw(rows) : 0);
		region.extent[0] = 1 + draw(WIDTH - (int)region.origin[0]);
		region.extent[1] = top + rows - region.origin[1];
		if (image_band_move(band, top, top + rows))
			wrong = "a band does not move";
		else
			image_band_get(band, &region, values);
		if (!wrong && !values_are_right(l, &region, values))
			wrong = "the rows of a band are wrong";
	}
	image_band_close(band);
	return wrong;
}

/* A copy, bit for bit: the samples, and what is left out. */
static const char *copy(struct image_reader *r, const struct layout *l)
{
	const struct image_write_options options = { .force = 1 };
	const int n = samples_of(l);
	struct image_writer *w = NULL;
	uint64_t *got;
	size_t count = 0;
	int wrong;

	if (image_writer_create(out, &options, &w) || image_writer_copy(w, r, 0)) {
		image_writer_abandon(w);
		return "copying fails";
	}
	if (image_writer_commit(w))
		return "copying fails at the end";
	got = load(out, &count);
	wrong = !got || count != (size_t)(PIXELS * n);
	for (size_t i = 0; !wrong && i < count; i++) {
		const int pixel = (int)i / n, s = (int)i % n, x = pixel % WIDTH, y = pixel / WIDTH;

		/* Tiles that are left out stay so. */
		wrong = got[i] != (l->tile && is_left_out(l, block_of(l, s, x, y))
					   ? 0
					   : raw_sample(l, s, x, y));
	}
	free(got);
	return wrong ? "the copy is wrong" : NULL;
}

static void test_layouts(void)
{
	enum { LAYOUTS = 400 };
	int right = 0;

	for (int i = 0; i < LAYOUTS; i++) {
		const struct layout l = draw_layout();
		struct image_reader *r = NULL;
		const char *wrong;

		make(&l);
		wrong = image_reader_open(in, &r) ? "opening fails" : read_all(r, &l);
		if (!wrong)
			wrong = read_band(r, &l);
		if (!wrong)
			wrong = copy(r, &l);
		image_reader_close(r);
		if (wrong && i - right < 5)
			tell(&l, wrong);
		right += !wrong;
	}
	ok(right == LAYOUTS, "%d of %d layouts hold the same picture: read, in bands, copied",
	   right, LAYOUTS);
}

/* ---- in parts -------------------------------------------------------------------------------------------------------- */

struct job {
	struct image_part part;
	int factor;
	float *values;
	unsigned char *keep;
};

/* Writes some rows after others.  The band holds what they show of the old page, and a row more on each side. */
static int write_parts(struct image_writer *w, struct image_band *band, const struct job *j)
{
	const int64_t *e = j->part.shape.extent, *old = j->part.region.extent;
	const int64_t y0 = j->part.region.origin[1], multiple = w->multiple;
	const size_t most = (size_t)(e[0] * e[1] * e[2]);
	float *values = malloc(most * sizeof *values);
	unsigned char *keep = malloc(most);
	int status = LACUNA_OK;

	for (int64_t y = 0, n; !status && y < e[1]; y += n) {
		const int64_t top = y / j->factor ? y / j->factor - 1 : 0;
		int64_t bottom;

		n = multiple * (1 + draw(9));
		n = n < e[1] - y ? n : e[1] - y;
		bottom = (y + n - 1) / j->factor + 2;
		bottom = bottom < old[1] ? bottom : old[1];
		for (int64_t c = 0; c < e[2]; c++) {
			memcpy(values + c * n * e[0], j->values + (c * e[1] + y) * e[0],
			       (size_t)(n * e[0]) * sizeof *values);
			memcpy(keep + c * n * e[0], j->keep + (c * e[1] + y) * e[0],
			       (size_t)(n * e[0]));
		}
		status = image_band_move(band, y0 + top, y0 + bottom);
		if (!status)
			status = image_writer_put(w,
						  &(struct image_rows){ y, n, values, keep, band });
	}
	free(values);
	free(keep);
	return status;
}

static int write_job(const char *path, const struct job *j, int in_parts)
{
	const struct image_write_options options = { .force = 1 };
	struct image_writer *w = NULL;
	struct image_band *band = NULL;
	int status = image_writer_create(path, &options, &w);

	if (!status && !in_parts)
		status = image_writer_write(w, &j->part, j->values, j->keep, NULL);
	if (!status && in_parts)
		status = image_writer_begin(w, &j->part);
	/* As many rows as a step of nine blocks shows. */
	if (!status && in_parts)
		status = image_band_open(j->part.like, 0, 9 * w->multiple + 2, &band);
	if (!status && in_parts)
		status = write_parts(w, band, j);
	if (!status && in_parts)
		status = image_writer_end(w);
	image_band_close(band);
	if (!status)
		return image_writer_commit(w);
	image_writer_abandon(w);
	return status;
}

/* At the same size, samples are the old ones where they are kept or alpha, and the new values elsewhere. */
static int part_is_right(const struct layout *l, const struct job *j, const uint64_t *got)
{
	const int64_t *e = j->part.shape.extent, *o = j->part.region.origin;
	const int n = samples_of(l);

	for (int64_t y = 0; y < e[1]; y++)
		for (int64_t x = 0; x < e[0]; x++)
			for (int s = 0, c = 0; s < n; s++) {
				const uint64_t raw = got[(y * e[0] + x) * n + s];
				const uint64_t old =
					raw_sample(l, s, (int)(x + o[0]), (int)(y + o[1]));
				const int is_channel = sample_of(l, c) == s;
				const int64_t at = x + e[0] * (y + e[1] * c);

				c += is_channel;
				if (is_channel && !j->keep[at] ? meaning_of(l, raw) != j->values[at]
							       : raw != old)
					return 0;
			}
	return 1;
}

static const char *compare_parts(const struct layout *l, const struct job *j)
{
	size_t a = 0, b = 0;
	uint64_t *whole, *parts;
	const char *wrong = NULL;

	if (write_job(out, j, 0))
		return "writing fails";
	if (write_job(other, j, 1))
		return "writing in parts fails";
	whole = load(out, &a);
	parts = load(other, &b);
	if (!whole || !parts || a != b || memcmp(whole, parts, a * sizeof *whole) != 0)
		wrong = "in parts it is another picture";
	else if (j->factor == 1 && !l->sparse && !part_is_right(l, j, whole))
		wrong = "the samples are wrong";
	free(whole);
	free(parts);
	return wrong;
}

static const char *write_part(const struct layout *l, struct image_reader *r, int factor)
{
	struct job j = { .part = { .like = r }, .factor = factor };
	int64_t *o = j.part.region.origin, *e = j.part.region.extent;
	const int channels = channels_of(l);
	const char *wrong;
	size_t n;

	o[0] = draw(9);
	o[1] = draw(30);
	e[0] = WIDTH - o[0] - draw(5);
	e[1] = HEIGHT - o[1] - draw(5);
	e[2] = channels;
	e[3] = 1;
	j.part.shape = (struct lacuna_shape){ { factor * e[0], factor * e[1], channels, 1 } };
	n = lacuna_count(&j.part.shape);
	j.values = malloc(n * sizeof *j.values);
	j.keep = malloc(n);
	for (size_t i = 0; i < n; i++) {
		j.values[i] = l->real ? (float)draw(1000) / 8 : (float)draw(l->bits < 8 ? 2 : 100);
		if (l->sign)
			j.values[i] -= 50;
		j.keep[i] = draw(3) == 0;
	}
	wrong = compare_parts(l, &j);
	free(j.values);
	free(j.keep);
	return wrong;
}

static void test_parts(void)
{
	enum { LAYOUTS = 150 };
	int right = 0;

	for (int i = 0; i < LAYOUTS; i++) {
		const struct layout l = draw_layout();
		struct image_reader *r = NULL;
		const char *wrong;

		make(&l);
		wrong = image_reader_open(in, &r) ? "opening fails" : write_part(&l, r, 1 + i % 3);
		image_reader_close(r);
		if (wrong && i - right < 5)
			tell(&l, wrong);
		right += !wrong;
	}
	ok(right == LAYOUTS,
	   "%d of %d parts of pages, at one, two and three times their size: in parts as at once",
	   right, LAYOUTS);
}

/* ---- pages that are more than their samples --------------------------------------------------------------------------- */

/* Part of a page in a band is what reading the page gives. */
static int band_is_like_page(struct image_reader *r, const struct image *image)
{
	const int64_t *e = image->shape.extent;
	const struct lacuna_region region = { { 3, 2, 0, 0 }, { e[0] - 4, 5, e[2], 1 } };
	float *values = malloc((size_t)(region.extent[0] * 5 * e[2]) * sizeof *values);
	struct image_band *band = NULL;
	int same = !image_band_open(r, 0, 5, &band) && !image_band_move(band, 2, 7);

	if (same)
		image_band_get(band, &region, values);
	for (int64_t c = 0; same && c < e[2]; c++)
		for (int64_t y = 0; y < 5; y++)
			same &= !memcmp(values + (c * 5 + y) * region.extent[0],
					image->values + (c * e[1] + y + 2) * e[0] + 3,
					(size_t)region.extent[0] * sizeof *values);
	image_band_close(band);
	free(values);
	return same;
}

/* Reads the page twice, and a band of it. */
static int read_twice(struct image *image)
{
	struct image_reader *r = NULL;
	struct image again = { 0 };
	int good = !image_reader_open(in, &r) && !image_reader_read(r, 0, image) &&
		   !image_reader_read(r, 0, &again) &&
		   !memcmp(image->values, again.values,
			   lacuna_count(&image->shape) * sizeof *again.values) &&
		   band_is_like_page(r, image);

	image_free(&again);
	image_reader_close(r);
	return good;
}

/* Colours of the palette: 8-bit ones as programs write them, v * 257, v * 256 or v; 16-bit ones; 16-bit ones in blue only. */
static uint16_t colour(int kind, int bits, int c, uint32_t i)
{
	const uint32_t v = (i * (uint32_t)(2 * c + 3) + (uint32_t)c) & 255;

	switch (kind) {
	case 0:
		return (uint16_t)(v * 257);
	case 1:
		return (uint16_t)(v << 8);
	case 2:
		return (uint16_t)v;
	case 3:
		return (uint16_t)(v * 257 ^ (i + 1) << (bits > 8 ? 0 : 3));
	default:
		return (uint16_t)(v * 257 ^ (c == 2 ? 0x1234u : 0));
	}
}

static int palette_is_right(int kind, int bits)
{
	struct layout l = plain;
	struct image_reader *r = NULL;
	struct image_page info = { .bits = 0 };
	struct image image = { 0 };
	static uint16_t map[3][1 << 16];
	TIFF *t = TIFFOpen(in, kind % 2 ? "wb" : "wl");
	int right;

	l.bits = bits;
	l.photometric = PHOTOMETRIC_PALETTE;
	for (int c = 0; c < 3; c++)
		for (uint32_t i = 0; i < 1u << bits; i++)
			map[c][i] = colour(kind, bits, c, i);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, bits);
	TIFFSetField(t, TIFFTAG_COLORMAP, map[0], map[1], map[2]);
	TIFFMergeFieldInfo(t, nodata_field, 1);
	TIFFSetField(t, TAG_NODATA, "3"); /* an index is no value */
	write_page(t, &l);
	TIFFClose(t);
	right = read_twice(&image) && image.shape.extent[2] == 3;
	for (int k = 0; right && k < 3 * PIXELS; k++) {
		const int c = k / PIXELS, x = k % WIDTH, y = k / WIDTH % HEIGHT;
		const uint16_t v = map[c][raw_sample(&l, 0, x, y)];

		right = image.values[k] == (float)(kind < 2 ? v >> 8 : v);
	}
	image_free(&image);
	right &= !image_reader_open(in, &r) && !image_reader_page(r, 0, &info) &&
		 info.bits == (kind < 3 ? 8 : 16) && !info.has_nodata;
	image_reader_close(r);
	return right;
}

static void test_palettes(void)
{
	static const int bits[] = { 4, 8, 16 };
	int right = 0;

	for (int kind = 0; kind < 5; kind++)
		for (int i = 0; i < 3; i++)
			right += palette_is_right(kind, bits[i]);
	ok(right == 15, "%d of 15 palettes are read, in bands, too", right);
}

/* Turned bits: what is white, and the sign of the colours of Lab. */
static void test_turned(void)
{
	static const int kinds[] = { PHOTOMETRIC_MINISWHITE, PHOTOMETRIC_CIELAB, PHOTOMETRIC_ICCLAB,
				     PHOTOMETRIC_CIELAB, PHOTOMETRIC_MINISWHITE };
	int right = 0;

	for (int k = 0; k < 9; k++) {
		struct layout l = plain;
		struct image image = { 0 };
		const uint64_t ones = k % 2 ? 65535 : 255;
		int same;

		l.bits = k == 8 ? 32 : k % 2 ? 16 : 8;
		l.real = k == 8;
		l.photometric = kinds[k / 2];
		l.colour = l.photometric == PHOTOMETRIC_MINISWHITE ? 1 : 3;
		l.planes = k == 3;
		l.sign = k / 2 == 3;
		make(&l);
		same = read_twice(&image) && image.shape.extent[2] == l.colour;
		for (int i = 0; same && i < l.colour * PIXELS; i++) {
			const int c = i / PIXELS;
			const uint64_t turned = k < 2 ? ones : k < 4 && c ? (ones + 1) / 2 : 0;

			same = image.values[i] ==
			       meaning_of(&l, raw_sample(&l, c, i % WIDTH, i / WIDTH % HEIGHT) ^
						      turned);
		}
		right += same;
		image_free(&image);
	}
	/* Floating point has no full scale within which to turn. */
	ok(right == 9, "%d of 9 pages: white first, Lab, ICC Lab, signed Lab", right);
}

/* 4:2:0, where libtiff makes RGB: each 2x2 pixels have four Y, one Cb and one Cr. */
enum { SIDE = 32 };

static int luma(int x, int y)
{
	return 60 + 3 * x + y;
}

static int chroma(int c, int x, int y)
{
	return c == 1 ? 110 + x / 2 : 150 - y / 2;
}

static void make_subsampled(int orientation, int compression)
{
	uint8_t data[SIDE * SIDE * 3 / 2], *to = data;
	float reference[6] = { 0, 255, 128, 255, 128, 255 };
	TIFF *t = TIFFOpen(in, "w");

	for (int y = 0; y < SIDE; y += 2)
		for (int x = 0; x < SIDE; x += 2) {
			for (int i = 0; i < 4; i++)
				*to++ = (uint8_t)luma(x + i % 2, y + i / 2);
			*to++ = (uint8_t)chroma(1, x, y);
			*to++ = (uint8_t)chroma(2, x, y);
		}
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, SIDE);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, SIDE);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 3);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 8);
	TIFFSetField(t, TIFFTAG_ORIENTATION, orientation);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
	TIFFSetField(t, TIFFTAG_YCBCRSUBSAMPLING, 2, 2);
	TIFFSetField(t, TIFFTAG_REFERENCEBLACKWHITE, reference);
	TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
	TIFFSetField(t, TIFFTAG_COMPRESSION, compression);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, SIDE);
	TIFFWriteEncodedStrip(t, 0, data, sizeof data);
	TIFFClose(t);
}

static void test_converted(void)
{
	double worst = 0;
	int good = 1;

	for (int k = 1; k <= 8; k++) {
		struct image image = { 0 };

		make_subsampled(k, COMPRESSION_NONE);
		good &= read_twice(&image) && image.shape.extent[2] == 3;
		for (int i = 0; good && i < SIDE * SIDE; i++) {
			const int x = i % SIDE, y = i / SIDE;
			const double cb = chroma(1, x / 2 * 2, y / 2 * 2) - 128,
				     cr = chroma(2, x / 2 * 2, y / 2 * 2) - 128;
			const double want[3] = { luma(x, y) + 1.402 * cr,
						 luma(x, y) - 0.344136 * cb - 0.714136 * cr,
						 luma(x, y) + 1.772 * cb };

			for (int c = 0; c < 3; c++)
				worst = fmax(worst, fabs((double)image.values[i + c * SIDE * SIDE] -
							 want[c]));
		}
		image_free(&image);
	}
	ok(good && worst <= 2, "subsampled YCbCr of any orientation is read as it is stored (%g)",
	   worst);
}

/* A converted page is decoded at once: the memory for that was told before. */
static void test_converted_cost(void)
{
	struct image_reader *r = NULL;
	struct image_band *band = NULL;
	struct image_cost cost = { 0, 0 };
	double told, taken = 0;
	size_t before;

	make_subsampled(1, COMPRESSION_NONE);
	if (image_reader_open(in, &r) || image_band_cost(r, 0, &cost)) {
		ok(0, "a converted page: %s", error_text());
		return;
	}
	told = cost.fixed + 3 * cost.row;
	memory_reset_peak();
	before = memory_live_bytes();
	if (!image_band_open(r, 0, 3, &band) && !image_band_move(band, 4, 7))
		taken = (double)(memory_peak_bytes() - before);
	image_band_close(band);
	image_reader_close(r);
	ok(taken > 0 && taken < told + 600 && taken > told / 2,
	   "a band of it takes %.0f bytes, %.0f were told", taken, told);
}

/* SGI's logarithms of 32 and 24 bits: an equal-energy gray of luminance v is gray. */
static void test_luminance(void)
{
	static const int schemes[] = { COMPRESSION_SGILOG, COMPRESSION_SGILOG24 };

	for (int k = 0; k < 2; k++) {
		struct image image = { 0 };
		float row[3 * 16];
		int right;
		TIFF *t;

		if (!TIFFIsCODECConfigured((uint16_t)schemes[k])) {
			skip("libtiff has no LogLuv", "LogLuv");
			continue;
		}
		t = TIFFOpen(in, "w");
		TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 16);
		TIFFSetField(t, TIFFTAG_IMAGELENGTH, 16);
		TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 3);
		TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 32);
		TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP);
		TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
		TIFFSetField(t, TIFFTAG_COMPRESSION, schemes[k]);
		TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_LOGLUV);
		TIFFSetField(t, TIFFTAG_SGILOGDATAFMT, SGILOGDATAFMT_FLOAT);
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 16);
		for (uint32_t y = 0; y < 16; y++) {
			/* yellowish: twice as much X as Z */
			for (int i = 0; i < 16; i++) {
				row[3 * i] = (float)(y + 1);
				row[3 * i + 1] = (float)(y + 1);
				row[3 * i + 2] = (float)(y + 1) / 2;
			}
			TIFFWriteScanline(t, row, y, 0);
		}
		TIFFClose(t);
		right = read_twice(&image) && image.shape.extent[2] == 3;
		for (int i = 0; right && i < 256; i++) {
			const double v = i / 16 + 1;
			const double want[3] = { (2.690 - 1.276 - 0.207) * v,
						 (-1.022 + 1.978 + 0.022) * v,
						 (0.061 - 0.224 + 0.5815) * v };

			for (int c = 0; c < 3; c++)
				right &= fabs((double)image.values[i + 256 * c] - want[c]) <
					 (k ? 0.08 : 0.02) * v; /* their steps */
		}
		ok(right, "LogLuv of %d bits becomes linear RGB", k ? 24 : 32);
		image_free(&image);
	}
}

/* ---- other types ----------------------------------------------------------------------------------------------------- */

struct type {
	enum sample_kind kind;
	int bits;
};

/* Writes an image like the page; kept: its values, where they can be. */
static int write_as(const struct image *image, const struct type *type, int kept)
{
	const struct image_write_options options = { .force = 1,
						     .override_type = type != NULL,
						     .kind = type ? type->kind : SAMPLE_UNSIGNED,
						     .bits = type ? type->bits : 0 };
	const size_t n = lacuna_count(&image->shape);
	unsigned char *keep = malloc(n);
	struct image_reader *r = NULL;
	struct image_writer *w = NULL;
	struct image_part part = { .shape = image->shape };
	int status = image_reader_open(in, &r);

	part.like = r;
	memset(keep, kept, n);
	if (!status)
		status = image_writer_create(out, &options, &w);
	if (!status)
		status = image_writer_write(w, &part, image->values, keep, NULL);
	if (!status)
		status = image_writer_commit(w);
	else
		image_writer_abandon(w);
	image_reader_close(r);
	free(keep);
	return status;
}

static int read_file(const char *path, struct image *image)
{
	struct image_reader *r = NULL;
	int status = image_reader_open(path, &r);

	if (!status)
		status = image_reader_read(r, 0, image);
	image_reader_close(r);
	return status;
}

/* The value as the type holds it. */
static double held(const struct type *t, double v)
{
	const double lo = t->kind == SAMPLE_SIGNED ? -ldexp(1, t->bits - 1) : 0;
	const double hi = ldexp(1, t->kind == SAMPLE_SIGNED ? t->bits - 1 : t->bits) - 1;

	return t->kind == SAMPLE_FLOAT ? v : fmin(fmax(rint(v), lo), hi);
}

static int holds_values(const struct image *image, const struct type *type)
{
	struct image got = { 0 };
	int same = !write_as(image, type, 1) && !read_file(out, &got) &&
		   !memcmp(&got.shape, &image->shape, sizeof got.shape);

	for (size_t i = 0; same && i < lacuna_count(&image->shape); i++) {
		const double v = (double)image->values[i];

		same = fabs((double)got.values[i] - (type ? held(type, v) : v)) <
		       1e-6 * (1 + fabs(v));
	}
	image_free(&got);
	return same;
}

/* Kinds of pages that mean their samples in different ways. */
static const struct {
	const char *what;
	int photometric, bits, real, colour, planes, compression;
} meanings[] = {
	{ "gray", PHOTOMETRIC_MINISBLACK, 16, 0, 1, 0, COMPRESSION_LZW },
	{ "white first", PHOTOMETRIC_MINISWHITE, 8, 0, 1, 0, COMPRESSION_NONE },
	{ "white first, 12 bits", PHOTOMETRIC_MINISWHITE, 12, 0, 1, 0, COMPRESSION_NONE },
	{ "white first, float", PHOTOMETRIC_MINISWHITE, 32, 1, 1, 0, COMPRESSION_NONE },
	{ "fax", PHOTOMETRIC_MINISWHITE, 1, 0, 1, 0, COMPRESSION_CCITTFAX4 },
	{ "a mask", PHOTOMETRIC_MASK, 1, 0, 1, 0, COMPRESSION_CCITTFAX3 },
	{ "RGB", PHOTOMETRIC_RGB, 8, 0, 3, 1, COMPRESSION_ADOBE_DEFLATE },
	{ "Lab", PHOTOMETRIC_CIELAB, 8, 0, 3, 0, COMPRESSION_NONE },
	{ "Lab, 16 bits, planes", PHOTOMETRIC_CIELAB, 16, 0, 3, 1, COMPRESSION_LZW },
	{ "ICC Lab", PHOTOMETRIC_ICCLAB, 8, 0, 3, 0, COMPRESSION_PACKBITS },
	{ "YCbCr in planes", PHOTOMETRIC_YCBCR, 8, 0, 3, 1, COMPRESSION_NONE },
	{ "CMYK", PHOTOMETRIC_SEPARATED, 8, 0, 4, 0, COMPRESSION_LZW },
	{ "a palette", PHOTOMETRIC_PALETTE, 8, 0, 1, 0, COMPRESSION_LZW },
	{ "gray and bands", PHOTOMETRIC_MINISBLACK, 8, 0, 3, 0, COMPRESSION_LZW },
	{ "a mask and a band", PHOTOMETRIC_MASK, 1, 0, 2, 0, COMPRESSION_NONE },
	{ "complex numbers", PHOTOMETRIC_MINISBLACK, 64, 2, 1, 0, COMPRESSION_ADOBE_DEFLATE },
	{ "pairs of complex numbers", PHOTOMETRIC_MINISBLACK, 64, 2, 2, 0, COMPRESSION_LZW },
};
enum { MEANINGS = sizeof meanings / sizeof *meanings };
static const uint8_t profile[] = { 3, 1, 4, 1, 5, 9, 2, 6 };

/* Samples of two floats, which are no pattern of bits but numbers. */
static void write_complex(TIFF *t, const struct layout *l)
{
	float row[4 * WIDTH];

	set_tags(t, l);
	TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_COMPLEXIEEEFP);
	for (int y = 0; y < HEIGHT; y++) {
		for (int x = 0; x < 4 * WIDTH; x++)
			row[x] = (float)(x * 5 - 7 * y);
		TIFFWriteScanline(t, row, (uint32_t)y, 0);
	}
	TIFFWriteDirectory(t);
}

static void write_meaning(TIFF *t, size_t m)
{
	static uint16_t map[256];
	struct layout l = plain;

	l.photometric = meanings[m].photometric;
	l.bits = meanings[m].bits;
	l.real = meanings[m].real;
	l.colour = meanings[m].colour;
	l.planes = meanings[m].planes;
	l.compression = meanings[m].compression;
	TIFFSetField(t, TIFFTAG_ICCPROFILE, (uint32_t)sizeof profile, profile);
	if (l.photometric == PHOTOMETRIC_YCBCR)
		TIFFSetField(t, TIFFTAG_YCBCRSUBSAMPLING, 1, 1);
	if (l.photometric == PHOTOMETRIC_PALETTE) {
		for (unsigned i = 0; i < 256; i++)
			map[i] = (uint16_t)((255 - i) * 257);
		TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 8);
		TIFFSetField(t, TIFFTAG_COLORMAP, map, map, map);
	}
	if (l.real == 2)
		write_complex(t, &l);
	else
		write_page(t, &l);
}

static void make_meaning(size_t m)
{
	TIFF *t = TIFFOpen(in, m % 2 ? "wb" : "wl");

	write_meaning(t, m);
	TIFFClose(t);
}

/* The colour profile is kept with the colours, and only with them. */
static int has_profile(void)
{
	TIFF *t = TIFFOpen(out, "r");
	uint32_t n = 0;
	void *data = NULL;
	const int has = t && TIFFGetField(t, TIFFTAG_ICCPROFILE, &n, &data) &&
			n == sizeof profile && !memcmp(data, profile, n);

	if (t)
		TIFFClose(t);
	return has;
}

/* Floats have no full scale from which white could be counted down: where they become integers, or the other way round, a page
 * that begins with white begins with black. */
static int begins_right(size_t m, int real)
{
	TIFF *t = TIFFOpen(out, "r");
	uint16_t photometric = 0;

	if (t) {
		TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &photometric);
		TIFFClose(t);
	}
	return meanings[m].photometric != PHOTOMETRIC_MINISWHITE ||
	       (photometric == PHOTOMETRIC_MINISWHITE) == (real == meanings[m].real);
}

/* Whatever the samples mean, and in whichever type they are written: the values that are read stay the same, as far as the type
 * holds them.  So they do when gray becomes colour. */
static void test_meanings(void)
{
	static const struct type types[] = { { SAMPLE_UNSIGNED, 8 }, { SAMPLE_UNSIGNED, 16 },
					     { SAMPLE_SIGNED, 16 },  { SAMPLE_SIGNED, 8 },
					     { SAMPLE_FLOAT, 32 },   { SAMPLE_UNSIGNED, 1 } };

	for (size_t m = 0; m < MEANINGS; m++) {
		struct image image = { 0 }, colours = { 0 };
		struct lacuna_shape shape;
		int right = 0;

		if (!TIFFIsCODECConfigured((uint16_t)meanings[m].compression)) {
			skip("libtiff has no such compression", "%s", meanings[m].what);
			continue;
		}
		make_meaning(m);
		if (read_file(in, &image)) {
			ok(0, "%s: %s", meanings[m].what, error_text());
			continue;
		}
		for (size_t i = 0; i < lacuna_count(&image.shape); i++)
			image.values[i] =
				meanings[m].real ? image.values[i] : rintf(image.values[i]);
		right -= image.shape.extent[2] !=
			 (meanings[m].photometric == PHOTOMETRIC_PALETTE
				  ? 3
				  : meanings[m].colour * (meanings[m].real == 2 ? 2 : 1));
		for (size_t i = 0; i < lacuna_count(&image.shape); i++)
			right -= meanings[m].photometric == PHOTOMETRIC_YCBCR &&
				 !(image.values[i] >= 0 && image.values[i] <= 255);
		right += holds_values(&image, NULL) && has_profile();
		for (size_t k = 0; k < sizeof types / sizeof *types; k++)
			right += holds_values(&image, &types[k]) &&
				 begins_right(m, types[k].kind == SAMPLE_FLOAT);
		shape = image.shape;
		shape.extent[2] = 5 - shape.extent[2]; /* more channels, or fewer */
		if (!image_create(&colours, &shape))
			for (size_t i = 0; i < lacuna_count(&shape); i++)
				colours.values[i] = (float)(i % 2);
		right += holds_values(&colours, NULL) && !has_profile();
		ok(right == 8, "%s: %d of 8 types hold its values", meanings[m].what, right);
		image_free(&image);
		image_free(&colours);
	}
}

/* What libtiff reads of a page of `out': its samples, and the tags of their meaning. */
static uint64_t page_sum(uint16_t page)
{
	static const uint32_t shorts[] = { TIFFTAG_BITSPERSAMPLE, TIFFTAG_SAMPLESPERPIXEL,
					   TIFFTAG_SAMPLEFORMAT,  TIFFTAG_PHOTOMETRIC,
					   TIFFTAG_PLANARCONFIG,  TIFFTAG_COMPRESSION,
					   TIFFTAG_PREDICTOR };
	TIFF *t = TIFFOpen(out, "r");
	static uint8_t strip[1 << 20];
	uint16_t count = 0, *meaning = NULL, v;
	uint64_t sum = 1;

	if (!t || !TIFFSetDirectory(t, page))
		return 0;
	for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++) {
		v = 0;
		TIFFGetFieldDefaulted(t, shorts[i], &v);
		sum = scramble(sum + v);
	}
	TIFFGetFieldDefaulted(t, TIFFTAG_EXTRASAMPLES, &count, &meaning);
	sum = scramble(sum + count);
	for (uint32_t i = 0; i < TIFFNumberOfStrips(t); i++) {
		const tmsize_t n = TIFFReadEncodedStrip(t, i, strip, sizeof strip);

		for (tmsize_t k = 0; k < n; k++)
			sum = scramble(sum + strip[k]);
	}
	TIFFClose(t);
	return sum;
}

/* Each page of a file is written as if it were the only one.  Copied pages, too. */
static void test_pages(int copied)
{
	const struct image_write_options options = { .force = 1 };
	uint64_t alone[MEANINGS];
	struct image_reader *r = NULL;
	struct image_writer *w = NULL;
	int status, right = 0;
	TIFF *t = TIFFOpen(other, "wl");

	for (size_t m = 0; m <= MEANINGS; m++) {
		const int all = m == MEANINGS;

		if (all) {
			TIFFClose(t);
		} else {
			write_meaning(t, m);
			make_meaning(m);
		}
		status = image_reader_open(all ? other : in, &r);
		if (!status)
			status = image_writer_create(out, &options, &w);
		for (int i = 0; !status && i < r->pages; i++) {
			struct image image = { 0 };
			struct image_page info;

			status = image_reader_page(r, i, &info);
			if (!status && copied && info.storable) {
				status = image_writer_copy(w, r, i);
				continue;
			}
			if (!status)
				status = image_reader_read(r, i, &image);
			if (!status)
				status = image_writer_add(w, r, i, &image);
			image_free(&image);
		}
		image_reader_close(r);
		if (status) {
			diag("%zu: %s", m, error_text());
			image_writer_abandon(w);
		} else {
			status = image_writer_commit(w);
		}
		if (!all)
			alone[m] = status ? 0 : page_sum(0);
	}
	for (uint16_t m = 0; m < MEANINGS; m++)
		right += alone[m] && page_sum(m) == alone[m];
	ok(right == MEANINGS, "%s: %d of %d pages are as if each were the only one",
	   copied ? "copied" : "written", right, MEANINGS);
}

/* What a page declares as missing is written with all its digits, though values are float. */
static void test_nodata(void)
{
	static const struct {
		const char *text;
		struct type type;
		double value;
	} cases[] = {
		{ "-999999999", { SAMPLE_SIGNED, 32 }, -999999999 },
		{ "99999999", { SAMPLE_UNSIGNED, 32 }, 99999999 },
		{ "4294967295", { SAMPLE_UNSIGNED, 32 }, 4294967295.0 },
		{ "-9999.9", { SAMPLE_FLOAT, 64 }, -9999.9 },
		{ "-1.7976931348623157e+308", { SAMPLE_FLOAT, 64 }, -1.7976931348623157e308 },
		{ "-9999", { SAMPLE_SIGNED, 16 }, -9999 },
	};

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		const int bits = cases[k].type.bits, real = cases[k].type.kind == SAMPLE_FLOAT;
		struct layout l = plain;
		struct image image = { 0 };
		uint64_t raw = real ? 0 : (uint64_t)(int64_t)cases[k].value, *got = NULL;
		size_t count = 0, wrong = 0;
		TIFF *t = TIFFOpen(in, k % 2 ? "wb" : "wl");

		if (real)
			memcpy(&raw, &cases[k].value, sizeof raw);
		raw &= UINT64_MAX >> (64 - bits);
		l.bits = bits;
		l.tile = 16;
		l.sparse = 1;
		set_tags(t, &l);
		TIFFSetField(t, TIFFTAG_SAMPLEFORMAT,
			     real ? SAMPLEFORMAT_IEEEFP
				  : 1 + (cases[k].type.kind == SAMPLE_SIGNED));
		TIFFSetField(t, TAG_NODATA, cases[k].text);
		TIFFWriteCheck(t, 1, "test_nodata");
		TIFFWriteDirectory(t); /* no tile is stored: all is missing */
		TIFFClose(t);
		if (read_file(in, &image)) {
			ok(0, "%s: %s", cases[k].text, error_text());
			continue;
		}
		for (size_t i = 0; i < PIXELS; i += 2)		   /* the others are measured */
			image.values[i] = real && i % 4 ? NAN : 7; /* NaN is another value */
		if (!write_as(&image, &cases[k].type, 0))
			got = load(out, &count);
		ok(got != NULL, "a page of %d bits where %s is missing", bits, cases[k].text);
		for (size_t i = 0; i < count; i++)
			wrong += (got[i] == raw) != (i % 2 == 1);
		ok(!wrong, "is missing there and nowhere else (%zu wrong)", wrong);
		free(got);
		image_free(&image);
	}
}

/* Pixels that a file leaves out have the value that it declares as missing, whatever it means by its samples. */
static void test_missing(void)
{
	static const int kinds[] = { PHOTOMETRIC_MINISBLACK, PHOTOMETRIC_MINISWHITE };
	int right = 0;

	for (int k = 0; k < 8; k++) {
		struct layout l = plain;
		struct image_reader *r = NULL;
		struct image_page info = { .bits = 0 };
		struct image image = { 0 };
		int same;

		l.photometric = kinds[k % 2];
		l.bits = k / 2 % 2 ? 12 : 8;
		l.tile = k / 4 ? 16 : 0;
		l.sparse = 1;
		make(&l);
		same = !image_reader_open(in, &r) && !image_reader_page(r, 0, &info) &&
		       info.has_nodata && !image_reader_read(r, 0, &image);
		for (int i = 0; same && i < PIXELS; i++)
			same = !is_left_out(&l, block_of(&l, 0, i % WIDTH, i / WIDTH)) ||
			       (double)image.values[i] == info.nodata;
		right += same;
		image_reader_close(r);
		image_free(&image);
	}
	ok(right == 8, "%d of 8 sparse pages lack what they leave out", right);
}

int main(void)
{
	/* Each file is synchronised, which is faster in memory. */
	strcpy(directory, access("/dev/shm", W_OK) ? "/tmp/lacuna-layouts-XXXXXX"
						   : "/dev/shm/lacuna-layouts-XXXXXX");
	if (!mkdtemp(directory))
		return 99;
	snprintf(in, sizeof in, "%s/in.tif", directory);
	snprintf(out, sizeof out, "%s/out.tif", directory);
	snprintf(other, sizeof other, "%s/other.tif", directory);
	TIFFSetErrorHandler(NULL);
	TIFFSetWarningHandler(NULL);
	test_layouts();
	test_parts();
	test_palettes();
	test_turned();
	test_converted();
	test_converted_cost();
	test_luminance();
	test_meanings();
	test_pages(0);
	test_pages(1);
	test_nodata();
	test_missing();
	unlink(in);
	unlink(out);
	unlink(other);
	ok(!rmdir(directory), "nothing else is left");
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
