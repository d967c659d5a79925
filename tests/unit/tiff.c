/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* TIFF files, written and compared with libtiff: the reader returns what was written, and a copy has the samples, layout and
 * tags of its source. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "image/file.h"
#include "tests/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tiffio.h>
#include <unistd.h>

static char directory[256];

static const char *in_directory(const char *name)
{
	static char path[32][512]; /* the last 32 paths stay valid */
	static int turn;

	turn = (turn + 1) % 32;
	snprintf(path[turn], sizeof path[turn], "%s/%s", directory, name);
	return path[turn];
}

static int entries(void)
{
	DIR *d = opendir(directory);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

static void remove_all(void)
{
	DIR *d = opendir(directory);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlink(in_directory(e->d_name));
	if (d)
		closedir(d);
}

/* ---- pictures made here */

enum { WIDTH = 37, HEIGHT = 29, PIXELS = WIDTH * HEIGHT };

struct spec {
	const char *mode;
	enum sample_kind kind;
	int bits, colour, extra, separate, tile, compression, predictor, photometric, pages;
	int rows; /* per strip */
};

static const struct spec plain = { "wl", SAMPLE_UNSIGNED,	 8, 1, 0, 0, 0, COMPRESSION_NONE,
				   1,	 PHOTOMETRIC_MINISBLACK, 1, 5 };

static uint64_t scramble(uint64_t v)
{
	v = (v ^ v >> 31) * UINT64_C(0x7fb5d329728ea185);
	v = (v ^ v >> 27) * UINT64_C(0x81dadef4bc2dd44d);
	return v ^ v >> 33;
}

/* The bits of one sample.  Floating-point samples are never NaN. */
static uint64_t raw_sample(const struct spec *s, int page, int sample, int x, int y)
{
	const uint64_t v = scramble(
		(((uint64_t)page * 8 + (uint64_t)sample) * 64 + (uint64_t)y) * 64 + (uint64_t)x);

	if (s->kind != SAMPLE_FLOAT)
		return v >> (64 - s->bits);
	switch (s->bits) {
	case 16:
		return v & 0xbbff;
	case 24:
		return v & 0xbfffff;
	case 32:
		return (v & 0x807fffff) | 0x3f000000;
	default:
		return (v & UINT64_C(0x800fffffe0000000)) | UINT64_C(0x3fe0000000000000);
	}
}

/* Writes sample i bit by bit, most significant bit first; whole bytes in this machine's byte order. */
static void put(uint8_t *row, size_t i, int bits, uint64_t v)
{
	const int whole = bits % 8 == 0;

	for (int b = 0; b < bits; b++) {
		const size_t at = i * (size_t)bits + (size_t)b;
		uint8_t *p = &row[at / 8];
		int shift = 7 - (int)(at % 8), bit = (int)(v >> (bits - 1 - b) & 1);

		if (whole && *(const uint8_t *)&(const uint16_t){ 1 })
			p = &row[i * (size_t)(bits / 8) + (size_t)(bits / 8 - 1 - b / 8)];
		*p = (uint8_t)((*p & ~(1 << shift)) | bit << shift);
	}
}

static uint64_t get(const uint8_t *row, size_t i, int bits)
{
	uint64_t v = 0;

	for (int b = 0; b < bits; b++) {
		const size_t at = i * (size_t)bits + (size_t)b;
		const uint8_t *p = &row[at / 8];

		if (bits % 8 == 0 && *(const uint8_t *)&(const uint16_t){ 1 })
			p = &row[i * (size_t)(bits / 8) + (size_t)(bits / 8 - 1 - b / 8)];
		v = v << 1 | (*p >> (7 - at % 8) & 1);
	}
	return v;
}

static void set_structure(TIFF *t, const struct spec *s)
{
	/* Other meanings would make them bands, which are restored. */
	const uint16_t meaning[5] = { EXTRASAMPLE_UNASSALPHA, EXTRASAMPLE_ASSOCALPHA,
				      EXTRASAMPLE_UNASSALPHA, EXTRASAMPLE_UNASSALPHA,
				      EXTRASAMPLE_UNASSALPHA };
	const int format[] = { SAMPLEFORMAT_UINT, SAMPLEFORMAT_INT, SAMPLEFORMAT_IEEEFP };

	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, WIDTH);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, HEIGHT);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, s->colour + s->extra);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, s->bits);
	TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, format[s->kind]);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, s->photometric);
	TIFFSetField(t, TIFFTAG_PLANARCONFIG,
		     s->separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
	TIFFSetField(t, TIFFTAG_COMPRESSION, s->compression);
	if (s->predictor > 1)
		TIFFSetField(t, TIFFTAG_PREDICTOR, s->predictor);
	if (s->extra)
		TIFFSetField(t, TIFFTAG_EXTRASAMPLES, s->extra, meaning);
	if (s->tile) {
		TIFFSetField(t, TIFFTAG_TILEWIDTH, 16);
		TIFFSetField(t, TIFFTAG_TILELENGTH, 32);
	} else {
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, s->rows);
	}
}

static void write_raw(TIFF *t, const struct spec *s, int page)
{
	const int samples = s->colour + s->extra, step = s->separate ? 1 : samples;
	uint8_t row[64 * 32 * 5 * 8];

	for (int first = 0; first < samples; first += step)
		for (int y = 0; y < HEIGHT; y += s->tile ? 32 : 1)
			for (int x = 0; x < WIDTH; x += s->tile ? 16 : WIDTH) {
				const size_t pitch = s->tile ? (size_t)TIFFTileRowSize(t) : 0;

				memset(row, 0, sizeof row);
				for (int j = 0; j < (s->tile ? 32 : 1) && y + j < HEIGHT; j++)
					for (int i = 0; i < (s->tile ? 16 : WIDTH) && x + i < WIDTH;
					     i++)
						for (int c = 0; c < step; c++)
							put(row + (size_t)j * pitch,
							    (size_t)(i * step + c), s->bits,
							    raw_sample(s, page, first + c, x + i,
								       y + j));
				if (s->tile)
					TIFFWriteTile(t, row, (uint32_t)x, (uint32_t)y, 0,
						      (uint16_t)first);
				else
					TIFFWriteScanline(t, row, (uint32_t)y, (uint16_t)first);
			}
}

static int make(const char *path, const struct spec *s)
{
	TIFF *t = TIFFOpen(path, s->mode);

	for (int page = 0; t && page < s->pages; page++) {
		set_structure(t, s);
		write_raw(t, s, page);
		if (!TIFFWriteDirectory(t))
			return 0;
	}
	if (t)
		TIFFClose(t);
	return t != NULL;
}

/* The value that a raw sample stands for, computed independently of the reader. */
static double meaning(const struct spec *s, uint64_t raw)
{
	const uint64_t sign = UINT64_C(1) << (s->bits - 1);
	double v;
	float f;
	uint32_t low = (uint32_t)raw;

	if (s->kind == SAMPLE_UNSIGNED)
		return (double)raw;
	if (s->kind == SAMPLE_SIGNED)
		return (double)(int64_t)((raw ^ sign) - sign);
	if (s->bits == 64) {
		memcpy(&v, &raw, 8);
		return v;
	}
	if (s->bits == 32) {
		memcpy(&f, &low, 4);
		return f;
	}
	if (s->bits == 16) {
		const int e = (int)(raw >> 10 & 31);
		const double m = (double)(raw & 1023) + (e ? 1024 : 0);

		return (raw >> 15 ? -1 : 1) * ldexp(m, (e ? e : 1) - 25);
	}
	{
		const int e = (int)(raw >> 16 & 127);
		const double m = (double)(raw & 65535) + (e ? 65536 : 0);

		return (raw >> 23 ? -1 : 1) * ldexp(m, (e ? e : 1) - 63 - 16);
	}
}

static const float *value(const struct image *image, int channel, int x, int y)
{
	return image->values + ((size_t)channel * HEIGHT + (size_t)y) * WIDTH + x;
}

static int read_is_right(const struct spec *s, const struct image *image, int page)
{
	for (int c = 0; c < s->colour; c++)
		for (int y = 0; y < HEIGHT; y++)
			for (int x = 0; x < WIDTH; x++)
				if (*value(image, c, x, y) !=
				    (float)meaning(s, raw_sample(s, page, c, x, y)))
					return 0;
	return 1;
}

/* Colour samples of more than 24 bits pass through float; all others are bit-exact. */
static int sample_is_right(const struct spec *s, int page, int c, int x, int y, uint64_t got)
{
	const uint64_t want = raw_sample(s, page, c, x, y);

	if (s->kind == SAMPLE_FLOAT || s->bits <= 24 || c >= s->colour)
		return got == want;
	return fabs(meaning(s, got) - meaning(s, want)) <= ldexp(1, s->bits - 24);
}

static int written_is_right(TIFF *t, const struct spec *s, int page)
{
	const int samples = s->colour + s->extra, step = s->separate ? 1 : samples;
	uint8_t row[64 * 32 * 5 * 8];
	const size_t pitch = s->tile ? (size_t)TIFFTileRowSize(t) : 0;

	for (int first = 0; first < samples; first += step)
		for (int y = 0; y < HEIGHT; y++)
			for (int x = 0; x < WIDTH; x++) {
				const int i = s->tile ? x % 16 : x, j = s->tile ? y % 32 : 0;

				if (s->tile && i == 0 && j == 0)
					TIFFReadTile(t, row, (uint32_t)x, (uint32_t)y, 0,
						     (uint16_t)first);
				if (s->tile && (i || j || x || y) && i == 0 && j > 0)
					TIFFReadTile(t, row, (uint32_t)x, (uint32_t)y, 0,
						     (uint16_t)first);
				if (!s->tile && x == 0 &&
				    TIFFReadScanline(t, row, (uint32_t)y, (uint16_t)first) < 0)
					return 0;
				for (int c = 0; c < step; c++)
					if (!sample_is_right(s, page, first + c, x, y,
							     get(row + (size_t)j * pitch,
								 (size_t)(i * step + c), s->bits)))
						return 0;
			}
	return 1;
}

static int get16(TIFF *t, uint32_t tag)
{
	uint16_t v = 0;

	TIFFGetFieldDefaulted(t, tag, &v);
	return v;
}

static int structure_is_kept(TIFF *t, const struct spec *s)
{
	uint32_t rows = 0, tile = 0;

	TIFFGetField(t, TIFFTAG_ROWSPERSTRIP, &rows);
	TIFFGetField(t, TIFFTAG_TILEWIDTH, &tile);
	return get16(t, TIFFTAG_BITSPERSAMPLE) == s->bits &&
	       get16(t, TIFFTAG_SAMPLESPERPIXEL) == s->colour + s->extra &&
	       get16(t, TIFFTAG_COMPRESSION) == s->compression &&
	       get16(t, TIFFTAG_PHOTOMETRIC) == s->photometric &&
	       (get16(t, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE) == s->separate &&
	       (s->tile ? tile == 16 : rows == (uint32_t)s->rows) && !!TIFFIsTiled(t) == s->tile &&
	       !TIFFIsBigEndian(t) == (s->mode[1] == 'l') &&
	       TIFFIsBigTIFF(t) == (s->mode[2] == '8') &&
	       TIFFNumberOfDirectories(t) == (unsigned)s->pages;
}

/* Copies every page of `from' to `to' unchanged.  Returns whether that succeeded. */
static int copy_with(const char *from, const char *to, const struct image_write_options *options)
{
	struct image_reader *r = NULL;
	struct image_writer *w = NULL;
	struct image image;
	int status = image_reader_open(from, &r);

	if (!status)
		status = image_writer_create(to, options, &w);
	for (int page = 0; !status && page < r->pages; page++) {
		status = image_reader_read(r, page, &image);
		if (status)
			break;
		status = image_writer_add(w, r, page, &image);
		image_free(&image);
	}
	if (status)
		image_writer_abandon(w);
	else
		status = image_writer_commit(w);
	image_reader_close(r);
	return status;
}

static int copy(const char *from, const char *to)
{
	return copy_with(from, to, &(struct image_write_options){ .force = 1 });
}

/* The same, holding only a few rows at a time. */
static int copy_page_in_parts(struct image_reader *r, int page, struct image_writer *w)
{
	enum { ROWS = 7 };
	struct image_part part = { .like = r, .page = page };
	struct image_band *band = NULL;
	struct image_page info;
	float *values = NULL;
	int64_t step = 0;
	int status = image_reader_page(r, page, &info);

	part.shape = info.shape;
	if (!status)
		status = image_writer_begin(w, &part);
	if (!status) {
		step = w->multiple * ((ROWS - 1) / w->multiple + 1);
		values = memory_alloc((size_t)(step * info.shape.extent[0] * info.shape.extent[2]) *
				      sizeof *values);
		status = image_band_open(r, page, step, &band);
	}
	for (int64_t y = 0; !status && y < HEIGHT; y += step) {
		struct image_rows rows = { .top = y,
					   .count = HEIGHT - y < step ? HEIGHT - y : step,
					   .values = values,
					   .old = band };
		const struct lacuna_region region = {
			{ 0, y, 0, 0 }, { WIDTH, rows.count, info.shape.extent[2], 1 }
		};

		status = image_band_move(band, y, y + rows.count);
		if (status)
			break;
		image_band_get(band, &region, values);
		status = image_writer_put(w, &rows);
	}
	memory_release(values);
	image_band_close(band);
	return status ? status : image_writer_end(w);
}

static int copy_in_parts(const char *from, const char *to)
{
	const struct image_write_options options = { .force = 1 };
	struct image_reader *r = NULL;
	struct image_writer *w = NULL;
	int status = image_reader_open(from, &r);

	if (!status)
		status = image_writer_create(to, &options, &w);
	for (int page = 0; !status && page < r->pages; page++)
		status = copy_page_in_parts(r, page, w);
	if (status)
		image_writer_abandon(w);
	else
		status = image_writer_commit(w);
	image_reader_close(r);
	return status;
}

/* Writes, copies and compares one specification.  Returns the part that fails, or NULL. */
static const char *round_trip_with(const struct spec *s,
				   int (*copy_file)(const char *, const char *))
{
	const char *in = in_directory("in.tif"), *out = in_directory("out.tif");
	struct image_reader *r;
	struct image_page info;
	struct image image = { .values = NULL };
	const char *failed = NULL;
	TIFF *t;

	if (!make(in, s))
		return "making the input";
	if (image_reader_open(in, &r))
		return "opening";
	for (int page = 0; !failed && page < s->pages; page++) {
		if (image_reader_page(r, page, &info) || info.bits != s->bits ||
		    info.kind != s->kind || info.extra != s->extra ||
		    info.shape.extent[2] != s->colour)
			failed = "the description";
		else if (image_reader_read(r, page, &image))
			failed = "reading";
		else if (!read_is_right(s, &image, page))
			failed = "the values read";
		image_free(&image);
	}
	image_reader_close(r);
	if (!failed && copy_file(in, out))
		failed = "writing";
	t = failed ? NULL : TIFFOpen(out, "rc"); /* c: no splitting of long strips */
	if (!failed && (!t || !structure_is_kept(t, s)))
		failed = "the structure of the output";
	for (int page = 0; t && !failed && page < s->pages; page++)
		if (!TIFFSetDirectory(t, (tdir_t)page) || !written_is_right(t, s, page))
			failed = "the values written";
	if (t)
		TIFFClose(t);
	return failed;
}

static const char *round_trip(const struct spec *s)
{
	const char *failed = round_trip_with(s, copy);

	return failed ? failed : round_trip_with(s, copy_in_parts);
}

static const struct {
	enum sample_kind kind;
	int bits;
	const char *name;
} types[] = {
	{ SAMPLE_UNSIGNED, 1, "1 bit" },	  { SAMPLE_UNSIGNED, 2, "2 bits" },
	{ SAMPLE_UNSIGNED, 4, "4 bits" },	  { SAMPLE_UNSIGNED, 8, "8 bits" },
	{ SAMPLE_UNSIGNED, 10, "10 bits" },	  { SAMPLE_UNSIGNED, 12, "12 bits" },
	{ SAMPLE_UNSIGNED, 14, "14 bits" },	  { SAMPLE_UNSIGNED, 16, "16 bits" },
	{ SAMPLE_UNSIGNED, 24, "24 bits" },	  { SAMPLE_UNSIGNED, 32, "32 bits" },
	{ SAMPLE_UNSIGNED, 64, "64 bits" },	  { SAMPLE_SIGNED, 8, "8 bits, signed" },
	{ SAMPLE_SIGNED, 16, "16 bits, signed" }, { SAMPLE_SIGNED, 32, "32 bits, signed" },
	{ SAMPLE_FLOAT, 16, "16-bit float" },	  { SAMPLE_FLOAT, 24, "24-bit float" },
	{ SAMPLE_FLOAT, 32, "32-bit float" },	  { SAMPLE_FLOAT, 64, "64-bit float" },
};

static void test_types(void)
{
	static const int compressions[] = { COMPRESSION_NONE, COMPRESSION_LZW,
					    COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS,
					    COMPRESSION_ZSTD };
	static const char *const modes[] = { "wl", "wb", "wl8" };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		const char *failed = NULL;
		struct spec s;

		for (int variant = 0; variant < 20 && !failed; variant++) {
			s = plain;
			s.kind = types[i].kind;
			s.bits = types[i].bits;
			s.compression = compressions[variant % 5];
			s.separate = variant / 5 % 2;
			s.tile = variant / 10 % 2;
			s.mode = modes[variant % 3];
			s.colour = variant % 2 && !s.separate ? 1 : 3;
			s.extra = variant % 4 == 0 ? 2 : variant % 4 == 1;
			s.photometric = s.colour == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
			if (TIFFIsCODECConfigured((uint16_t)s.compression))
				failed = round_trip(&s);
		}
		ok(!failed, "%s: contiguous and planar, strips and tiles, both byte orders",
		   types[i].name);
		if (failed)
			diag("%s: mode %s compression %d colour %d extra %d separate %d tile %d "
			     "(%s)",
			     failed, s.mode, s.compression, s.colour, s.extra, s.separate, s.tile,
			     error_text());
	}
}

/* The rows of a band equal those of the whole page, whichever rows were read before. */
static void test_rows_held(void)
{
	static const int spans[][2] = { { 0, 9 },   { 3, 12 }, { 9, 18 }, { 18, 29 },
					{ 20, 29 }, { 5, 6 },  { 5, 14 }, { 28, 29 } };
	struct spec s = plain;
	int wrong = 0;

	for (int variant = 0; variant < 8; variant++) {
		struct image_reader *r;
		struct image_band *band;

		s.colour = 3;
		s.extra = 1;
		s.bits = variant & 1 ? 12 : 16;
		s.photometric = PHOTOMETRIC_RGB;
		s.compression = variant & 1 ? COMPRESSION_NONE : COMPRESSION_LZW;
		s.separate = variant >> 1 & 1;
		s.tile = variant >> 2;
		s.rows = HEIGHT;
		make(in_directory("band.tif"), &s);
		if (image_reader_open(in_directory("band.tif"), &r) ||
		    image_band_open(r, 0, 11, &band)) {
			ok(0, "a band: %s", error_text());
			continue;
		}
		for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
			const struct lacuna_region region = {
				{ 4, spans[i][0], 0, 0 }, { 30, spans[i][1] - spans[i][0], 3, 1 }
			};
			float values[3 * 30 * 11];

			wrong += image_band_move(band, spans[i][0], spans[i][1]) != LACUNA_OK;
			image_band_get(band, &region, values);
			for (int k = 0; k < 3 * 30 * region.extent[1]; k++)
				wrong += values[k] !=
					 (float)raw_sample(
						 &s, 0, k / 30 / (int)region.extent[1], 4 + k % 30,
						 spans[i][0] + k / 30 % (int)region.extent[1]);
		}
		image_band_close(band);
		image_reader_close(r);
	}
	ok(!wrong, "any rows after any others: strips, tiles, planes (%d wrong)", wrong);
}

/* Large uncompressed strips are read row by row, in any byte and bit order. */
static void test_plain_strip(void)
{
	enum { SIDE = 300 };
	static const char *const modes[] = { "wl", "wb" };
	uint16_t row[SIDE];
	float values[SIDE];
	int wrong = 0;

	for (int variant = 0; variant < 8; variant++) {
		TIFF *t = TIFFOpen(in_directory("plain.tif"), modes[variant % 2]);
		const int bits = variant / 4 ? 8 : 16, ones = (1 << bits) - 1;
		struct image_reader *r;
		struct image_band *band;

		TIFFSetField(t, TIFFTAG_IMAGEWIDTH, SIDE);
		TIFFSetField(t, TIFFTAG_IMAGELENGTH, SIDE);
		TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, bits);
		TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
		TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, SIDE);
		TIFFSetField(t, TIFFTAG_FILLORDER,
			     variant / 2 % 2 ? FILLORDER_LSB2MSB : FILLORDER_MSB2LSB);
		for (int y = 0; y < SIDE; y++) {
			for (int x = 0; x < SIDE; x++)
				if (bits == 8)
					((uint8_t *)row)[x] = (uint8_t)(x * 217 + y * 1031);
				else
					row[x] = (uint16_t)(x * 217 + y * 1031);
			TIFFWriteScanline(t, row, (uint32_t)y, 0);
		}
		TIFFClose(t);
		wrong += image_reader_open(in_directory("plain.tif"), &r) ||
			 image_band_open(r, 0, 1, &band);
		for (int y = SIDE - 1; !wrong && y >= 0; y -= 23) {
			const struct lacuna_region region = { { 0, y, 0, 0 }, { SIDE, 1, 1, 1 } };

			wrong += image_band_move(band, y, y + 1) != LACUNA_OK;
			image_band_get(band, &region, values);
			for (int x = 0; x < SIDE; x++)
				wrong += values[x] != (float)((x * 217 + y * 1031) & ones);
		}
		image_band_close(band);
		image_reader_close(r);
	}
	ok(!wrong, "rows of a large strip, from the last to the first (%d wrong)", wrong);
}

/* Reading a part of a page: its samples and its position. */
static void test_part(void)
{
	enum { X = 9, Y = 6, W = 20, H = 11 };
	struct spec s = plain;
	struct image_part part = { .shape = { { W, H, 1, 1 } },
				   .region = { { X, Y, 0, 0 }, { W, H, 1, 1 } } };
	const struct image_write_options options = { .force = 1 };
	static unsigned char keep[W * H];
	static float values[W * H];
	struct image_writer *w = NULL;
	struct image image = { 0 };
	float x = 0, y = 0;
	int wrong = 0, status;
	TIFF *t;

	s.tile = 1;
	t = TIFFOpen(in_directory("page.tif"), "wl");
	set_structure(t, &s);
	TIFFSetField(t, TIFFTAG_XRESOLUTION, 90.0);
	TIFFSetField(t, TIFFTAG_YRESOLUTION, 60.0);
	TIFFSetField(t, TIFFTAG_XPOSITION, 2.0);
	TIFFSetField(t, TIFFTAG_YPOSITION, 3.0);
	write_raw(t, &s, 0);
	TIFFClose(t);
	memset(keep, 1, sizeof keep);
	status = image_reader_open(in_directory("page.tif"), &part.like);
	if (!status)
		status = image_writer_create(in_directory("part.tif"), &options, &w);
	if (!status)
		status = image_writer_write(w, &part, values, keep, NULL);
	ok(!status && !image_writer_commit(w), "a part of a page");
	image_reader_close(part.like);
	t = TIFFOpen(in_directory("part.tif"), "r");
	TIFFGetField(t, TIFFTAG_XPOSITION, &x);
	TIFFGetField(t, TIFFTAG_YPOSITION, &y);
	TIFFClose(t);
	ok(fabsf(x - 2.1f) < 1e-5f && fabsf(y - 3.1f) < 1e-5f, "lies at %g, %g", (double)x,
	   (double)y);
	ok(!image_reader_open(in_directory("part.tif"), &part.like) &&
		   !image_reader_read(part.like, 0, &image) && image.shape.extent[0] == W,
	   "has its size");
	for (int i = 0; i < W * H; i++)
		wrong += image.values[i] != (float)raw_sample(&s, 0, 0, X + i % W, Y + i / W);
	ok(!wrong, "and its samples (%d wrong)", wrong);
	image_free(&image);
	image_reader_close(part.like);
}

static void test_formats(void)
{
	const struct image_format another = { .name = "another" };
	struct image_reader other = { .format = &another, .pages = 1 };
	const char *path = in_directory("plain.tif");
	struct image image, again = { 0 };
	struct image_reader *r = NULL;
	struct image_writer *w = NULL;
	struct image_page info;
	int known = 1;

	for (int i = 0; i < 4; i++)
		known &= image_format_is_known(&"II*\0MM\0*II+\0MM\0+"[4 * i], 4);
	ok(known, "TIFF and BigTIFF of both byte orders are known");
	ok(!image_format_is_known("II*", 3) && !image_format_is_known("MM*\0", 4) &&
		   !image_format_is_known("II 1 0 1", 8),
	   "other files are not");
	ok(!image_create(&image, &(struct lacuna_shape){ { 5, 4, 1, 1 } }), "an image");
	image.values[7] = 0.25F;
	ok(!image_writer_create(path, &(struct image_write_options){ .force = 1 }, &w) &&
		   !image_writer_add(w, &other, 0, &image) && !image_writer_commit(w) &&
		   !image_reader_open(path, &r) && !image_reader_page(r, 0, &info) &&
		   info.kind == SAMPLE_FLOAT && !image_reader_read(r, 0, &again) &&
		   again.values[7] == 0.25F,
	   "a picture of another format becomes a plain page: %s", error_text());
	image_reader_close(r);
	image_free(&again);
	image_free(&image);
}

static void test_changed(void)
{
	struct image_reader *r = NULL;
	struct image image = { 0 };
	FILE *f;

	make(in_directory("changed.tif"), &plain);
	ok(!image_reader_open(in_directory("changed.tif"), &r) && !image_reader_unchanged(r),
	   "a file as it was");
	f = fopen(in_directory("changed.tif"), "ab");
	if (f) {
		fputc(0, f);
		fclose(f);
	}
	ok(image_reader_read(r, 0, &image) == LACUNA_EIO && strstr(error_text(), "changed while"),
	   "is not read after a change");
	image_reader_close(r);
}

/* A file of the same size, written again however soon. */
static void test_rewritten(void)
{
	static const int64_t later[] = { 1, 1000, 1000000, 999999999, 1000000000 };
	const char *path = in_directory("rewritten.tif");
	int seen = 1;

	make(path, &plain);
	for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
		struct timespec t[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
		struct image_reader *r = NULL;

		utimensat(AT_FDCWD, path, t, 0);
		seen &= !image_reader_open(path, &r) && !image_reader_unchanged(r);
		t[1].tv_sec += later[i] / 1000000000;
		t[1].tv_nsec = later[i] % 1000000000;
		utimensat(AT_FDCWD, path, t, 0);
		seen &= image_reader_unchanged(r) == LACUNA_EIO;
		image_reader_close(r);
	}
	ok(seen, "a file that is written again is another, however soon that is");
}

/* Overviews and masks are not pages of their own; pages of a document are. */
static void test_auxiliary(void)
{
	const char *path = in_directory("auxiliary.tif");
	int right = 1;

	for (uint32_t kind = 0; kind < 8; kind++) {
		struct image_reader *r = NULL;
		struct image_page info = { .extra = 0 };
		TIFF *t = TIFFOpen(path, "w");

		set_structure(t, &plain);
		TIFFSetField(t, TIFFTAG_SUBFILETYPE, kind);
		write_raw(t, &plain, 0);
		TIFFClose(t);
		right &= !image_reader_open(path, &r) && !image_reader_page(r, 0, &info) &&
			 info.auxiliary == ((kind & FILETYPE_REDUCEDIMAGE) != 0 ||
					    (kind & FILETYPE_MASK) != 0);
		image_reader_close(r);
	}
	ok(right, "which pages are overviews or masks of others");
}

/* Pixels need not be square. */
static void test_pixel_size(void)
{
	const char *path = in_directory("pixels.tif");
	struct image_reader *r = NULL;
	double size[2] = { 0, 0 };
	TIFF *t = TIFFOpen(path, "w");

	set_structure(t, &plain);
	TIFFSetField(t, TIFFTAG_XRESOLUTION, 1000.0);
	TIFFSetField(t, TIFFTAG_YRESOLUTION, 250.0);
	TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
	write_raw(t, &plain, 0);
	TIFFClose(t);
	ok(!image_reader_open(path, &r) && image_reader_pixel_size(r, size), "the size of a pixel");
	near(size[0], 10, 1e-3, "its width in micrometres");
	near(size[1], 40, 1e-3, "and its height");
	image_reader_close(r);
}

/* What programs write by default, and numbers without a unit, state no size. */
static void test_no_size(void)
{
	static const struct {
		int unit;
		double x, y;
		int size;
	} cases[] = {
		{ RESUNIT_INCH, 72, 72, 0 },	     { RESUNIT_INCH, 96, 96, 0 },
		{ RESUNIT_INCH, 300, 96, 0 },	     { RESUNIT_INCH, 300, 300, 1 },
		{ RESUNIT_CENTIMETER, 96, 96, 1 },   { RESUNIT_NONE, 300, 300, 0 },
		{ RESUNIT_CENTIMETER, 28.35, 1, 0 }, { RESUNIT_INCH, 0, 300, 0 },
		{ RESUNIT_INCH, 300, 600, 1 },
	};
	const char *path = in_directory("units.tif");
	int right = 0, all = sizeof cases / sizeof *cases;

	for (int k = 0; k < all; k++) {
		const double unit = cases[k].unit == RESUNIT_INCH ? 25400 : 10000;
		double size[2] = { 0, 0 };
		struct image_reader *r = NULL;
		TIFF *t = TIFFOpen(path, "w");

		set_structure(t, &plain);
		TIFFSetField(t, TIFFTAG_XRESOLUTION, cases[k].x);
		TIFFSetField(t, TIFFTAG_YRESOLUTION, cases[k].y);
		TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, cases[k].unit);
		write_raw(t, &plain, 0);
		TIFFClose(t);
		right += !image_reader_open(path, &r) &&
			 image_reader_pixel_size(r, size) == cases[k].size &&
			 (!cases[k].size || (fabs(size[0] * cases[k].x / unit - 1) < 1e-5 &&
					     fabs(size[1] * cases[k].y / unit - 1) < 1e-5));
		image_reader_close(r);
	}
	ok(right == all, "%d of %d resolutions state a size, or none", right, all);
}

/* What a classic TIFF may not hold becomes a BigTIFF.  The file is long, but has hardly any blocks on the disk. */
static void test_long_files(void)
{
	static const int64_t sizes[] = { INT64_C(3000000000), INT64_C(4100000000) };
	const char *in = in_directory("long.tif"), *out = in_directory("long-out.tif");

	for (int i = 0; i < 2; i++) {
		TIFF *t;

		make(in, &plain);
		if (truncate(in, sizes[i])) {
			skip("no room for a long file", "files above 4 GB");
			continue;
		}
		ok(!copy(in, out), "a page of a file of %.1f GB", (double)sizes[i] / 1e9);
		t = TIFFOpen(out, "r");
		ok(t && TIFFIsBigTIFF(t) == i, i ? "goes into a BigTIFF" : "goes into a TIFF");
		if (t)
			TIFFClose(t);
	}
	unlink(in);
}

/* Begins a page of this size, like the first of some, whose sides are given, and looks whether the file is a BigTIFF.
 * -1: it cannot be written.  Nothing of the picture is: it would take gigabytes. */
static int becomes_big(const char *mode, const int (*sides)[2], int pages, int compression,
		       struct image_part *part, const struct image_write_options *options)
{
	const char *in = in_directory("pages.tif");
	struct image_writer *w = NULL;
	struct dirent *e;
	uint8_t head[4] = { 0 };
	int result = -1;
	DIR *d;

	for (int i = 0; i < pages; i++) {
		TIFF *t = TIFFOpen(in, i ? "a" : mode);
		struct spec s = plain;

		s.compression = compression;
		set_structure(t, &s);
		TIFFSetField(t, TIFFTAG_IMAGEWIDTH, sides[i][0]);
		TIFFSetField(t, TIFFTAG_IMAGELENGTH, sides[i][1]);
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, sides[i][1]);
		TIFFWriteCheck(t, 0, "becomes_big");
		TIFFWriteDirectory(t); /* it leaves out all blocks */
		TIFFClose(t);
	}
	if (!image_reader_open(in, &part->like) &&
	    !image_writer_create(in_directory("begun.tif"), options, &w) &&
	    !image_writer_begin(w, part)) {
		d = opendir(directory);
		while (d && (e = readdir(d)) != NULL)
			if (!strncmp(e->d_name, ".lacuna-", 8)) {
				const int fd = open(in_directory(e->d_name), O_RDONLY);

				if (read(fd, head, 4) == 4)
					result = (head[0] == 'I' ? head[2] : head[3]) == 43;
				close(fd);
			}
		if (d)
			closedir(d);
	}
	image_writer_abandon(w);
	image_reader_close(part->like);
	unlink(in);
	return result;
}

/* Classic TIFF holds 4 GB.  What a file will take depends on type, compression, and all pages, not on the first alone. */
static void test_big(void)
{
	enum { NONE = COMPRESSION_NONE, LZW = COMPRESSION_LZW };
	static const struct {
		const char *what, *mode;
		int sides[3][2], pages, compression, bits, factor, big;
	} cases[] = {
		{ "1.2 GB", "wl", { { 40000, 30000 } }, 1, NONE, 8, 1, 0 },
		{ "1.2 GB in 32 bits", "wl", { { 40000, 30000 } }, 1, NONE, 32, 1, 1 },
		{ "1.2 GB at twice the size", "wb", { { 40000, 30000 } }, 1, NONE, 8, 2, 1 },
		{ "3 GB", "wl", { { 60000, 50000 } }, 1, NONE, 8, 1, 0 },
		{ "3 GB that may grow", "wl", { { 60000, 50000 } }, 1, LZW, 8, 1, 1 },
		{ "three pages of 1.2 GB",
		  "wl",
		  { { 40000, 30000 }, { 40000, 30000 }, { 40000, 30000 } },
		  3,
		  NONE,
		  8,
		  1,
		  0 },
		{ "three pages of 1.4 GB",
		  "wl",
		  { { 40000, 35000 }, { 40000, 35000 }, { 40000, 35000 } },
		  3,
		  NONE,
		  8,
		  1,
		  1 },
		{ "a small page before a large one",
		  "wl",
		  { { 40, 30 }, { 40000, 30000 } },
		  2,
		  NONE,
		  32,
		  1,
		  1 },
		{ "a small page before a small one",
		  "wl",
		  { { 40, 30 }, { 400, 300 } },
		  2,
		  NONE,
		  32,
		  1,
		  0 },
		{ "a small page of a BigTIFF", "wl8", { { 40, 30 } }, 1, NONE, 8, 1, 1 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const int *side = cases[i].sides[0], f = cases[i].factor;
		struct image_part part = { .shape = { { f * side[0], f * side[1], 1, 1 } } };
		const struct image_write_options options = { .force = 1,
							     .override_type = 1,
							     .kind = SAMPLE_UNSIGNED,
							     .bits = cases[i].bits };

		ok(becomes_big(cases[i].mode, cases[i].sides, cases[i].pages, cases[i].compression,
			       &part, &options) == cases[i].big,
		   "%s: %s", cases[i].what, cases[i].big ? "a BigTIFF" : "a TIFF");
	}
}

/* A strip that is too long to be read at once, in either byte order. */
static int long_strip(const char *mode, int bits, int is_float)
{
	enum { W = 300, H = 120, N = W * H };
	const int little = *(const uint8_t *)&(const uint16_t){ 1 };
	const uint64_t ones = bits < 24 ? (UINT64_C(1) << bits) - 1 : 0xffffff;
	const char *path = in_directory("long-strip.tif");
	uint8_t *strip = malloc(8 * N);
	struct image_reader *r = NULL;
	struct image image = { 0 };
	TIFF *t = TIFFOpen(path, mode);
	int wrong = 0;

	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, W);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, H);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, bits);
	TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, is_float ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, H);
	for (size_t i = 0; strip && i < N; i++) {
		const uint64_t number = i * 2654435761u >> 3 & ones;
		const float real = (float)number;
		const double wide = (double)number;

		if (!is_float)
			for (int k = 0; k < bits / 8; k++) /* in this machine's order */
				strip[i * (size_t)bits / 8 +
				      (size_t)(little ? k : bits / 8 - 1 - k)] =
					(uint8_t)(number >> 8 * k);
		else if (bits == 32)
			memcpy(strip + 4 * i, &real, 4);
		else
			memcpy(strip + 8 * i, &wide, 8);
	}
	TIFFWriteEncodedStrip(t, 0, strip, (tmsize_t)N * bits / 8);
	TIFFClose(t);
	if (image_reader_open(path, &r) || image_reader_read(r, 0, &image))
		wrong = N;
	for (size_t i = 0; !wrong && i < N; i++) {
		const uint64_t number = i * 2654435761u >> 3 & ones;

		wrong += image.values[i] != (float)number;
	}
	image_free(&image);
	image_reader_close(r);
	free(strip);
	return wrong;
}

static void test_byte_orders(void)
{
	int wrong = 0;

	for (int order = 0; order < 2; order++) {
		const char *mode = order ? "wb" : "wl";

		for (int bits = 16; bits <= 64; bits += bits < 32 ? 8 : 32)
			wrong += long_strip(mode, bits, 0);
		wrong += long_strip(mode, 32, 1) + long_strip(mode, 64, 1);
	}
	ok(!wrong, "the byte order of a long strip does not matter (%d values wrong)", wrong);
}

static void test_one_strip(void)
{
	struct spec s = plain;
	const char *failed;

	s.bits = 64;
	s.colour = 3;
	s.photometric = PHOTOMETRIC_RGB;
	s.rows = HEIGHT;
	failed = round_trip(&s);
	ok(!failed, "one long strip: %s", failed ? failed : "kept");
}

static void test_predictors(void)
{
	const char *failed = NULL;
	struct spec s = plain;

	s.compression = COMPRESSION_LZW;
	s.predictor = 2;
	for (int variant = 0; variant < 12 && !failed; variant++) {
		s.bits = 8 << variant % 3;
		s.mode = variant / 3 % 2 ? "wb" : "wl";
		s.tile = variant / 6;
		failed = round_trip(&s);
	}
	ok(!failed, "horizontal predictor: %s", failed ? failed : "kept");
	s.kind = SAMPLE_FLOAT;
	s.predictor = 3;
	s.mode = *(const uint8_t *)&(const uint16_t){ 1 } ? "wl" : "wb";
	for (int variant = 0; variant < 8 && !failed; variant++) {
		static const int bits[] = { 16, 24, 32, 64 };

		s.bits = bits[variant % 4];
		s.tile = variant / 4;
		failed = round_trip(&s);
	}
	ok(!failed, "floating-point predictor: %s", failed ? failed : "kept");
}

static void test_pages(void)
{
	struct spec s = plain;
	const char *failed;

	s.bits = 16;
	s.pages = 12;
	s.compression = COMPRESSION_LZW;
	failed = round_trip(&s);
	ok(!failed, "a stack of pages: %s", failed ? failed : "each in its place");
}

/* ---- colour */

static int channels_of(const char *path, struct image_page *info, struct image *image)
{
	struct image_reader *r;
	int status = image_reader_open(path, &r);

	memset(image, 0, sizeof *image);
	if (status)
		return 0;
	status = image_reader_page(r, 0, info);
	if (!status)
		status = image_reader_read(r, 0, image);
	info->note = NULL; /* the note belongs to the reader */
	image_reader_close(r);
	return status ? 0 : (int)image->shape.extent[2];
}

static void test_min_is_white(void)
{
	const char *in = in_directory("white.tif"), *out = in_directory("white-out.tif");
	struct spec s = plain;
	struct image_page info;
	struct image image;
	TIFF *t;

	s.photometric = PHOTOMETRIC_MINISWHITE;
	s.bits = 4;
	make(in, &s);
	ok(channels_of(in, &info, &image) == 1 &&
		   *value(&image, 0, 3, 4) == 15 - meaning(&s, raw_sample(&s, 0, 0, 3, 4)),
	   "MinIsWhite is read inverted");
	image_free(&image);
	ok(!copy(in, out), "and written");
	t = TIFFOpen(out, "r");
	ok(t && structure_is_kept(t, &s) && written_is_right(t, &s, 0), "as it was");
	if (t)
		TIFFClose(t);
}

/* A mask of one bit is kept; with more bits it is not a mask. */
static void test_mask_kept(void)
{
	const char *in = in_directory("mask.tif"), *out = in_directory("mask-out.tif");
	const struct image_write_options bytes = {
		.force = 1, .override_type = 1, .kind = SAMPLE_UNSIGNED, .bits = 8
	};
	struct spec s = plain;

	s.photometric = PHOTOMETRIC_MASK;
	s.bits = 1;
	make(in, &s);
	for (int k = 0; k < 2; k++) {
		uint16_t photometric = 0;
		TIFF *t =
			copy_with(in, out, k ? &bytes : &(struct image_write_options){ .force = 1 })
				? NULL
				: TIFFOpen(out, "r");

		ok(t && TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &photometric) &&
			   photometric == (k ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_MASK),
		   k ? "in bytes a mask is a picture" : "a mask stays a mask");
		if (t)
			TIFFClose(t);
	}
}

/* The memory cost stated for a band is what it allocates. */
static void test_band_cost(void)
{
	for (int tile = 0; tile < 2; tile++) {
		struct spec s = plain;
		struct image_reader *r;
		struct image_band *band;
		struct image_cost cost;
		size_t before, taken;
		double told;

		s.bits = 16;
		s.tile = tile;
		s.compression = COMPRESSION_LZW;
		s.rows = HEIGHT / 2;
		make(in_directory("cost.tif"), &s);
		if (image_reader_open(in_directory("cost.tif"), &r) ||
		    image_band_cost(r, 0, &cost)) {
			ok(0, "a band: %s", error_text());
			continue;
		}
		before = memory_live_bytes();
		if (image_band_open(r, 0, 3, &band))
			ok(0, "a band: %s", error_text());
		taken = memory_live_bytes() - before;
		told = 3 * cost.row + cost.fixed;
		ok((double)taken < told + 600 && (double)taken > told / 2,
		   "%s: a band of 3 rows takes %zu bytes, %.0f were told",
		   tile ? "tiles" : "strips", taken, told);
		image_band_close(band);
		image_reader_close(r);
	}
}

static void add_palette(const char *path, const char *mode, int wide)
{
	struct spec s = plain;
	uint16_t map[3][16];
	TIFF *t = TIFFOpen(path, mode);

	s.bits = 4;
	s.photometric = PHOTOMETRIC_PALETTE;
	for (unsigned c = 0; c < 3; c++)
		for (unsigned i = 0; i < 16; i++)
			map[c][i] = (uint16_t)((i * (c + 3) + c) * 257 + (wide ? i : 0));
	set_structure(t, &s);
	TIFFSetField(t, TIFFTAG_COLORMAP, map[0], map[1], map[2]);
	write_raw(t, &s, 0);
	TIFFClose(t);
}

static void make_palette(const char *path, int wide)
{
	add_palette(path, "w", wide);
}

/* A band's rows use the palette of their own page, whichever page the reader is at. */
static void test_palette_held(void)
{
	const char *path = in_directory("palettes.tif");
	const struct lacuna_region region = { { 0, 2, 0, 0 }, { 20, 3, 3, 1 } };
	struct image_reader *r;
	struct image_band *band;
	struct image image;
	float before[180], after[180];

	make_palette(path, 1);
	add_palette(path, "a", 0);
	if (image_reader_open(path, &r) || image_band_open(r, 0, 5, &band) ||
	    image_band_move(band, 2, 5)) {
		ok(0, "a band of a palette: %s", error_text());
		return;
	}
	image_band_get(band, &region, before);
	ok(!image_reader_read(r, 1, &image), "another page is read");
	image_band_get(band, &region, after);
	ok(!memcmp(before, after, sizeof before) && before[7] > 255, "a band keeps its palette");
	image_free(&image);
	image_band_close(band);
	image_reader_close(r);
}

static void test_palette(void)
{
	const char *in = in_directory("palette.tif"), *out = in_directory("palette-out.tif");
	struct spec s = plain;
	struct image_page info;
	struct image image, again;
	struct image_reader *r;
	unsigned index;

	s.bits = 4;
	make_palette(in, 0);
	index = (unsigned)raw_sample(&s, 0, 0, 5, 6);
	ok(channels_of(in, &info, &image) == 3 && info.bits == 8 &&
		   *value(&image, 1, 5, 6) == index * 4 + 1,
	   "a palette of 8-bit colours is read as 8-bit RGB");
	ok(!image_reader_open(in, &r) && !image_reader_page(r, 0, &info) && info.note &&
		   strstr(info.note, "palette"),
	   "with a note");
	image_reader_close(r);
	ok(!copy(in, out) && channels_of(out, &info, &again) == 3 &&
		   !memcmp(image.values, again.values, 3 * PIXELS * sizeof(float)),
	   "and written as RGB");
	image_free(&image);
	image_free(&again);
	make_palette(in, 1);
	ok(channels_of(in, &info, &image) == 3 && info.bits == 16 &&
		   *value(&image, 2, 5, 6) == (index * 5 + 2) * 257 + index,
	   "a palette of 16-bit colours becomes 16-bit RGB");
	image_free(&image);
}

/* Meanings of the extra samples of RGB, and which of them are copied: first included, last excluded. */
static const struct {
	uint16_t meaning[3];
	int count, first, last;
} mixtures[] = {
	{ { 2, 0 }, 2, 3, 4 },	  { { 1, 0, 0 }, 3, 3, 4 }, { { 0, 2, 0 }, 3, 4, 5 },
	{ { 2, 2, 0 }, 3, 3, 5 }, { { 0, 0, 2 }, 3, 5, 6 }, { { 0, 0 }, 2, 5, 5 },
};

static void make_mixture(const char *path, const struct spec *s, size_t m)
{
	TIFF *t = TIFFOpen(path, "w");

	set_structure(t, s);
	TIFFSetField(t, TIFFTAG_EXTRASAMPLES, s->extra, mixtures[m].meaning);
	write_raw(t, s, 0);
	TIFFClose(t);
}

/* Adds 1 to the page's channels and writes the page at `scale' times its size. */
static int raise_channels(const char *in, const char *out, int scale, int *channels)
{
	struct image_reader *r = NULL;
	struct image_writer *w = NULL;
	struct image image = { .values = NULL }, large = { .values = NULL };
	struct lacuna_shape shape;
	int status = image_reader_open(in, &r);

	if (!status)
		status = image_reader_read(r, 0, &image);
	if (!status) {
		shape = image.shape;
		*channels = (int)shape.extent[2];
		shape.extent[0] *= scale;
		shape.extent[1] *= scale;
		status = image_create(&large, &shape);
	}
	for (size_t i = 0; !status && i < lacuna_count(&shape); i++)
		large.values[i] = scale == 1 ? image.values[i] + 1 : 7;
	if (!status)
		status = image_writer_create(out, &(struct image_write_options){ .force = 1 }, &w);
	if (!status)
		status = image_writer_add(w, r, 0, &large);
	if (status)
		image_writer_abandon(w);
	else
		status = image_writer_commit(w);
	image_reader_close(r);
	image_free(&image);
	image_free(&large);
	return status;
}

static int mixture_is_right(const char *path, const struct spec *s, size_t m)
{
	const int samples = s->colour + s->extra, step = s->separate ? 1 : samples;
	uint16_t row[WIDTH * 6], count = 0, *meaning = NULL;
	TIFF *t = TIFFOpen(path, "r");
	int right = t && TIFFGetField(t, TIFFTAG_EXTRASAMPLES, &count, &meaning) &&
		    count == s->extra &&
		    !memcmp(meaning, mixtures[m].meaning, count * sizeof *meaning);

	for (int first = 0; right && first < samples; first += step)
		for (int y = 0; y < HEIGHT; y++) {
			TIFFReadScanline(t, row, (uint32_t)y, (uint16_t)first);
			for (int i = 0; i < WIDTH * step; i++) {
				const int sample = first + i % step;
				const uint64_t was = raw_sample(s, 0, sample, i / step, y);
				const int same =
					sample >= mixtures[m].first && sample < mixtures[m].last;

				right &= row[i] == (same || was == 65535 ? was : was + 1);
			}
		}
	if (t)
		TIFFClose(t);
	return right;
}

/* Bands are restored on both sides of alpha, and alpha keeps its position. */
static void test_bands(void)
{
	const char *in = in_directory("bands.tif"), *out = in_directory("bands-out.tif");

	for (size_t m = 0; m < sizeof mixtures / sizeof *mixtures; m++)
		for (int separate = 0; separate < 2; separate++) {
			struct spec s = plain;
			const int left = mixtures[m].last - mixtures[m].first;
			int channels = 0;
			TIFF *t;

			s.bits = 16;
			s.colour = 3;
			s.extra = mixtures[m].count;
			s.photometric = PHOTOMETRIC_RGB;
			s.separate = separate;
			make_mixture(in, &s, m);
			ok(!raise_channels(in, out, 1, &channels) && channels == 3 + s.extra - left,
			   "RGB and %d more, %d of them alpha: %d channels", s.extra, left,
			   channels);
			ok(mixture_is_right(out, &s, m), "all of them change, alpha does not");
			ok(!raise_channels(in, out, 2, &channels), "at twice the size");
			t = TIFFOpen(out, "r");
			ok(t && get16(t, TIFFTAG_SAMPLESPERPIXEL) == 3 + s.extra,
			   "none is dropped");
			if (t)
				TIFFClose(t);
		}
}

static int store(const char *from, const char *to)
{
	struct image_reader *r = NULL;
	struct image_writer *w = NULL;
	struct image_page info;
	int status = image_reader_open(from, &r);

	if (!status)
		status = image_reader_page(r, 0, &info);
	if (!status && !info.storable)
		status = LACUNA_EUNSUPPORTED;
	if (!status)
		status = image_writer_create(to, &(struct image_write_options){ .force = 1 }, &w);
	if (!status)
		status = image_writer_copy(w, r, 0);
	if (status)
		image_writer_abandon(w);
	else
		status = image_writer_commit(w);
	image_reader_close(r);
	return status;
}

static int same_palette(TIFF *a, TIFF *b)
{
	uint16_t *p[3], *q[3];

	return TIFFGetField(a, TIFFTAG_COLORMAP, &p[0], &p[1], &p[2]) &&
	       TIFFGetField(b, TIFFTAG_COLORMAP, &q[0], &q[1], &q[2]) &&
	       !memcmp(p[0], q[0], 16 * sizeof **p) && !memcmp(p[1], q[1], 16 * sizeof **p) &&
	       !memcmp(p[2], q[2], 16 * sizeof **p);
}

/* A page that is not restored is copied sample by sample, even if restoring would change its format. */
static void test_stored(void)
{
	const char *in = in_directory("stored.tif"), *out = in_directory("stored-out.tif");
	struct spec s = plain;
	TIFF *a, *b;

	s.bits = 4;
	s.photometric = PHOTOMETRIC_PALETTE;
	make_palette(in, 1);
	ok(!store(in, out), "a page with a palette is stored");
	a = TIFFOpen(in, "r");
	b = TIFFOpen(out, "r");
	ok(a && b && same_palette(a, b) && structure_is_kept(b, &s) && written_is_right(b, &s, 0),
	   "indices and palette are as they were");
	TIFFClose(a);
	TIFFClose(b);
	for (int i = 0; i < 8; i++) {
		s = plain;
		s.kind = i & 1 ? SAMPLE_FLOAT : SAMPLE_SIGNED;
		s.bits = 64;
		s.colour = 3;
		s.extra = 2;
		s.photometric = PHOTOMETRIC_RGB;
		s.separate = i >> 1 & 1;
		s.tile = i >> 2 & 1;
		s.compression = COMPRESSION_LZW;
		make(in, &s);
		if (store(in, out) || !(b = TIFFOpen(out, "r"))) {
			ok(0, "wide samples are stored: %s", error_text());
			continue;
		}
		s.extra = 5; /* makes sample_is_right() demand bit-exact samples */
		s.colour = 0;
		ok(structure_is_kept(b, &s) && written_is_right(b, &s, 0),
		   "wide samples are stored bit for bit");
		TIFFClose(b);
	}
}

static void test_cmyk(void)
{
	struct spec s = plain;
	const char *failed;

	s.photometric = PHOTOMETRIC_SEPARATED;
	s.colour = 4;
	s.extra = 1;
	failed = round_trip(&s);
	ok(!failed, "CMYK and alpha: %s", failed ? failed : "four channels and one kept");
}

/* Several names of inks form one text. */
static void test_inks(void)
{
	static const char names[] = "sea\0sand\0sun\0soot";
	const char *in = in_directory("inks.tif"), *out = in_directory("inks-out.tif");
	struct spec s = plain;
	uint16_t lo = 0, hi = 0;
	char *got = NULL;
	TIFF *t = TIFFOpen(in, "w");

	s.photometric = PHOTOMETRIC_SEPARATED;
	s.colour = 4;
	set_structure(t, &s);
	TIFFSetField(t, TIFFTAG_INKSET, INKSET_MULTIINK);
	TIFFSetField(t, TIFFTAG_NUMBEROFINKS, 4);
	TIFFSetField(t, TIFFTAG_INKNAMES, (int)sizeof names, names);
	TIFFSetField(t, TIFFTAG_DOTRANGE, 5, 250);
	write_raw(t, &s, 0);
	TIFFClose(t);
	ok(!copy(in, out), "a picture of four inks is copied");
	t = TIFFOpen(out, "r");
	ok(t && get16(t, TIFFTAG_INKSET) == INKSET_MULTIINK && get16(t, TIFFTAG_NUMBEROFINKS) == 4,
	   "the set of inks");
	ok(t && TIFFGetField(t, TIFFTAG_INKNAMES, &got) && got && !memcmp(got, names, sizeof names),
	   "their names");
	ok(t && TIFFGetField(t, TIFFTAG_DOTRANGE, &lo, &hi) && lo == 5 && hi == 250, "their range");
	if (t)
		TIFFClose(t);
}

static void test_lab(void)
{
	const char *in = in_directory("lab.tif"), *out = in_directory("lab-out.tif");
	struct spec s = plain;
	struct image_page info;
	struct image image;
	TIFF *t;

	s.photometric = PHOTOMETRIC_CIELAB;
	s.colour = 3;
	make(in, &s);
	ok(channels_of(in, &info, &image) == 3 &&
		   *value(&image, 0, 1, 1) == meaning(&s, raw_sample(&s, 0, 0, 1, 1)) &&
		   *value(&image, 1, 1, 1) == (double)(int8_t)raw_sample(&s, 0, 1, 1, 1) + 128,
	   "a* of CIE L*a*b* is read without a step at grey");
	image_free(&image);
	copy(in, out);
	t = TIFFOpen(out, "r");
	ok(t && structure_is_kept(t, &s) && written_is_right(t, &s, 0), "and written as it was");
	if (t)
		TIFFClose(t);
}

/* 4:2:0: each group of 2x2 pixels has four Y, one Cb, one Cr. */
static void make_ycbcr(const char *path)
{
	TIFF *t = TIFFOpen(path, "w");
	uint8_t data[32 / 2 * 32 / 2 * 6];
	float reference[6] = { 0, 255, 128, 255, 128, 255 };

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = i % 6 < 4 ? 100 : 128;
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 32);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, 32);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 3);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 8);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
	TIFFSetField(t, TIFFTAG_YCBCRSUBSAMPLING, 2, 2);
	TIFFSetField(t, TIFFTAG_REFERENCEBLACKWHITE, reference);
	TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 32);
	TIFFWriteEncodedStrip(t, 0, data, sizeof data);
	TIFFClose(t);
}

static void make_jpeg(const char *path)
{
	TIFF *t = TIFFOpen(path, "w");
	uint8_t row[32 * 3];

	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 32);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, 32);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 3);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 8);
	TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
	TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_JPEG);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
	TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 16);
	for (int i = 0; i < 32 * 3; i++)
		row[i] = (uint8_t)(i % 3 * 60 + 50);
	for (uint32_t y = 0; y < 32; y++)
		TIFFWriteScanline(t, row, y, 0);
	TIFFClose(t);
}

static void test_ycbcr(void)
{
	const char *in = in_directory("ycc.tif"), *out = in_directory("ycc-out.tif");
	struct image_page info;
	struct image image;
	TIFF *t;

	make_ycbcr(in);
	ok(channels_of(in, &info, &image) == 3 && info.bits == 8,
	   "subsampled YCbCr is read as RGB");
	near(image.values ? image.values[32 * 32 + 40] : NAN, 100, 1, "grey stays grey");
	image_free(&image);
	if (!TIFFIsCODECConfigured(COMPRESSION_JPEG)) {
		skip("libtiff has no JPEG", "JPEG");
		return;
	}
	make_jpeg(in);
	ok(channels_of(in, &info, &image) == 3 && info.bits == 8, "so is YCbCr in JPEG");
	near(image.values ? image.values[2 * 32 * 32 + 40] : NAN, 170, 4, "blue is blue");
	image_free(&image);
	ok(!copy(in, out), "JPEG is written");
	t = TIFFOpen(out, "r");
	ok(t && get16(t, TIFFTAG_COMPRESSION) == COMPRESSION_ADOBE_DEFLATE &&
		   get16(t, TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_RGB,
	   "without loss, as RGB");
	if (t)
		TIFFClose(t);
}

/* ITU-R BT.601, full range, planes of full size. */
static void test_ycbcr_planes(void)
{
	static const int colours[][3] = { { 120, 100, 180 }, { 60, 190, 90 }, { 250, 128, 128 } };
	const char *in = in_directory("planes.tif");
	struct image_page info;
	struct image image;
	double worst = 0;

	for (int k = 0; k < 3; k++) {
		const int *c = colours[k];
		const double cb = c[1] - 128, cr = c[2] - 128;
		const double want[3] = { c[0] + 1.402 * cr, c[0] - 0.344136 * cb - 0.714136 * cr,
					 c[0] + 1.772 * cb };
		TIFF *t = TIFFOpen(in, "w");
		uint8_t row[16];

		TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 16);
		TIFFSetField(t, TIFFTAG_IMAGELENGTH, 8);
		TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 3);
		TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 8);
		TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
		TIFFSetField(t, TIFFTAG_YCBCRSUBSAMPLING, 1, 1);
		TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_SEPARATE);
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 8);
		for (uint16_t s = 0; s < 3; s++)
			for (uint32_t y = 0; y < 8; y++) {
				memset(row, c[s], sizeof row);
				TIFFWriteScanline(t, row, y, s);
			}
		TIFFClose(t);
		if (channels_of(in, &info, &image) != 3) {
			worst = INFINITY;
			break;
		}
		for (int s = 0; s < 3; s++)
			worst = fmax(worst, fabs((double)image.values[s * 128 + 40] -
						 fmin(fmax(want[s], 0), 255)));
		image_free(&image);
	}
	ok(worst < 0.01, "planes of YCbCr become RGB (%.1g)", worst);
}

static void test_fax(void)
{
	struct spec s = plain;
	const char *failed = NULL;
	static const int schemes[] = { COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3,
				       COMPRESSION_CCITTFAX4 };

	s.bits = 1;
	for (int i = 0; i < 3 && !failed; i++) {
		s.compression = schemes[i];
		if (TIFFIsCODECConfigured((uint16_t)s.compression))
			failed = round_trip(&s);
	}
	ok(!failed, "fax compression of black and white: %s", failed ? failed : "kept");
}

/* ---- tags */

enum {
	TAG_PIXEL_SCALE = 33550,
	TAG_GEO_KEYS = 34735,
	TAG_PRIVATE = 65000,
	TAG_PRIVATE_TEXT = 65001
};

static const TIFFFieldInfo private_tags[] = {
	{ TAG_PIXEL_SCALE, -1, -1, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1, (char *)"ModelPixelScale" },
	{ TAG_GEO_KEYS, -1, -1, TIFF_SHORT, FIELD_CUSTOM, 1, 1, (char *)"GeoKeyDirectory" },
	{ TAG_PRIVATE, -3, -3, TIFF_LONG, FIELD_CUSTOM, 1, 1, (char *)"Private" },
	{ TAG_PRIVATE_TEXT, -1, -1, TIFF_ASCII, FIELD_CUSTOM, 1, 0, (char *)"PrivateText" },
};

static void make_tagged(const char *path)
{
	const double scale[3] = { 10, 20, 0 };
	const uint16_t keys[4] = { 1, 1, 0, 0 };
	const uint32_t numbers[5] = { 1, 2, 3, 4, 0xffffffff };
	struct spec s = plain;
	uint64_t exif = 0;
	TIFF *t = TIFFOpen(path, "wb");

	TIFFCreateEXIFDirectory(t);
	TIFFSetField(t, EXIFTAG_FNUMBER, 2.8);
	TIFFSetField(t, EXIFTAG_DATETIMEORIGINAL, "2026:11:22 02:00:00");
	TIFFWriteCustomDirectory(t, &exif);
	TIFFFreeDirectory(t);
	TIFFCreateDirectory(t);
	TIFFMergeFieldInfo(t, private_tags, sizeof private_tags / sizeof *private_tags);
	set_structure(t, &s);
	TIFFSetField(t, TIFFTAG_EXIFIFD, exif);
	TIFFSetField(t, TIFFTAG_IMAGEDESCRIPTION, "ImageJ=1.54\nunit=micron\n");
	TIFFSetField(t, TIFFTAG_XRESOLUTION, 300.0);
	TIFFSetField(t, TIFFTAG_YRESOLUTION, 150.0);
	TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
	TIFFSetField(t, TIFFTAG_XPOSITION, 1.5);
	TIFFSetField(t, TIFFTAG_ORIENTATION, ORIENTATION_RIGHTTOP);
	TIFFSetField(t, TIFFTAG_SUBFILETYPE, FILETYPE_PAGE);
	TIFFSetField(t, TIFFTAG_PAGENUMBER, 3, 9);
	TIFFSetField(t, TIFFTAG_PAGENAME, "third");
	TIFFSetField(t, TIFFTAG_DOCUMENTNAME, "book");
	TIFFSetField(t, TIFFTAG_SOFTWARE, "the old program");
	TIFFSetField(t, TIFFTAG_MAKE, "maker");
	TIFFSetField(t, TIFFTAG_DATETIME, "2026:11:22 02:30:00");
	TIFFSetField(t, TIFFTAG_COPYRIGHT, "nobody");
	TIFFSetField(t, TIFFTAG_ICCPROFILE, 7, "profile");
	TIFFSetField(t, TIFFTAG_XMLPACKET, 6, "<xmp/>");
	TIFFSetField(t, TAG_PIXEL_SCALE, 3, scale);
	TIFFSetField(t, TAG_GEO_KEYS, 4, keys);
	TIFFSetField(t, TAG_PRIVATE, 5, numbers);
	TIFFSetField(t, TAG_PRIVATE_TEXT, "kept though unknown");
	write_raw(t, &s, 0);
	TIFFClose(t);
}

static void is_tag(TIFF *t, uint32_t tag, const char *want, const char *name)
{
	const char *got = NULL;

	TIFFGetField(t, tag, &got);
	is_text(got, want, name);
}

static float number(TIFF *t, uint32_t tag)
{
	float v = NAN;

	TIFFGetField(t, tag, &v);
	return v;
}

static int blob_is(TIFF *t, uint32_t tag, const void *want, uint32_t count, size_t size)
{
	uint32_t n = 0;
	const void *data = NULL;

	return TIFFGetField(t, tag, &n, &data) && n == count && !memcmp(data, want, n * size);
}

static void check_tags(TIFF *t)
{
	uint16_t a = 0, b = 0;
	uint32_t subfile = 0;

	is_tag(t, TIFFTAG_IMAGEDESCRIPTION, "ImageJ=1.54\nunit=micron\n", "description");
	is_tag(t, TIFFTAG_PAGENAME, "third", "page name");
	is_tag(t, TIFFTAG_DOCUMENTNAME, "book", "document name");
	is_tag(t, TIFFTAG_SOFTWARE, "the old program; lacuna test", "software is appended to");
	is_tag(t, TIFFTAG_MAKE, "maker", "make");
	is_tag(t, TIFFTAG_DATETIME, "2026:11:22 02:30:00", "date");
	is_tag(t, TIFFTAG_COPYRIGHT, "nobody", "copyright");
	near(number(t, TIFFTAG_XRESOLUTION), 300, 0, "horizontal resolution");
	near(number(t, TIFFTAG_YRESOLUTION), 150, 0, "vertical resolution");
	near(number(t, TIFFTAG_XPOSITION), 1.5, 0, "position");
	ok(get16(t, TIFFTAG_RESOLUTIONUNIT) == RESUNIT_CENTIMETER, "its unit");
	ok(get16(t, TIFFTAG_ORIENTATION) == ORIENTATION_RIGHTTOP, "orientation");
	ok(TIFFGetField(t, TIFFTAG_SUBFILETYPE, &subfile) && subfile == FILETYPE_PAGE,
	   "type of sub-file");
	ok(TIFFGetField(t, TIFFTAG_PAGENUMBER, &a, &b) && a == 3 && b == 9, "page number");
	ok(blob_is(t, TIFFTAG_ICCPROFILE, "profile", 7, 1), "ICC profile");
	ok(blob_is(t, TIFFTAG_XMLPACKET, "<xmp/>", 6, 1), "XMP");
	ok(blob_is(t, TAG_PIXEL_SCALE, (const double[]){ 10, 20, 0 }, 3, 8) &&
		   blob_is(t, TAG_GEO_KEYS, (const uint16_t[]){ 1, 1, 0, 0 }, 4, 2),
	   "GeoTIFF tags");
	ok(blob_is(t, TAG_PRIVATE, (const uint32_t[]){ 1, 2, 3, 4, 0xffffffff }, 5, 4) &&
		   blob_is(t, TAG_PRIVATE_TEXT, "kept though unknown", 20, 1),
	   "tags that libtiff does not know");
}

static void check_exif(TIFF *t)
{
	toff_t exif = 0;
	const char *date = NULL;
	int found = TIFFGetField(t, TIFFTAG_EXIFIFD, &exif) && TIFFReadEXIFDirectory(t, exif);

	ok(found && TIFFGetField(t, EXIFTAG_DATETIMEORIGINAL, &date) &&
		   !strcmp(date, "2026:11:22 02:00:00"),
	   "EXIF date");
	near(found ? number(t, EXIFTAG_FNUMBER) : NAN, 2.8, 1e-6, "EXIF aperture");
}

static void test_tags(void)
{
	const char *in = in_directory("tagged.tif"), *out = in_directory("tagged-out.tif");
	const struct image_write_options options = { .software = "lacuna test" };
	TIFF *t;

	make_tagged(in);
	ok(!copy_with(in, out, &options), "a page with many tags is copied");
	t = TIFFOpen(out, "r");
	if (!ok(t != NULL, "the copy can be opened"))
		return;
	check_tags(t);
	check_exif(t);
	TIFFClose(t);
	in = in_directory("tagged-again.tif");
	ok(!copy_with(out, in, &options), "the copy is copied");
	t = TIFFOpen(in, "r");
	if (!ok(t != NULL, "its copy can be opened"))
		return;
	check_tags(t); /* no program is named twice */
	TIFFClose(t);
}

/* Twice as wide, three times as high. */
static void test_size_change(void)
{
	const char *in = in_directory("tagged.tif"), *out = in_directory("larger.tif");
	const struct lacuna_shape shape = { { 2 * WIDTH, 3 * HEIGHT, 1, 1 } };
	struct image_writer *w = NULL;
	struct image_reader *r = NULL;
	struct image image;
	TIFF *t;

	make_tagged(in);
	image_create(&image, &shape);
	ok(!image_reader_open(in, &r) &&
		   !image_writer_create(out, &(struct image_write_options){ 0 }, &w) &&
		   !image_writer_add(w, r, 0, &image) && !image_writer_commit(w),
	   "an image of another size is written");
	image_free(&image);
	image_reader_close(r);
	t = TIFFOpen(out, "r");
	if (!ok(t != NULL, "it can be opened"))
		return;
	near(number(t, TIFFTAG_XRESOLUTION), 600, 0, "horizontal resolution is scaled");
	near(number(t, TIFFTAG_YRESOLUTION), 450, 0, "vertical resolution is scaled");
	ok(blob_is(t, TAG_PIXEL_SCALE, (const double[]){ 5, 20.0 / 3, 0 }, 3, 8),
	   "so is the size of a pixel on the ground");
	TIFFClose(t);
}

/* At another size extra samples are interpolated bilinearly. */
static void test_scaled_alpha(void)
{
	enum { W = 16, H = 8, SX = 2, SY = 3 };
	const char *in = in_directory("alpha.tif"), *out = in_directory("alpha-out.tif");
	const struct lacuna_shape shape = { { SX * W, SY * H, 1, 1 } };
	const uint16_t meaning = EXTRASAMPLE_UNASSALPHA;
	struct image_writer *w = NULL;
	struct image_reader *r = NULL;
	struct image image;
	uint8_t row[2 * SX * W];
	double worst = 0;
	TIFF *t = TIFFOpen(in, "w");

	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, W);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, H);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 2);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 8);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
	TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
	TIFFSetField(t, TIFFTAG_EXTRASAMPLES, 1, &meaning);
	for (uint32_t y = 0; y < H; y++) {
		for (int x = 0; x < W; x++) {
			row[2 * x] = 50;
			row[2 * x + 1] = (uint8_t)(9 * x + 11 * (int)y);
		}
		TIFFWriteScanline(t, row, y, 0);
	}
	TIFFClose(t);
	image_create(&image, &shape);
	ok(!image_reader_open(in, &r) &&
		   !image_writer_create(out, &(struct image_write_options){ 0 }, &w) &&
		   !image_writer_add(w, r, 0, &image) && !image_writer_commit(w),
	   "gray and alpha are written at another size");
	image_free(&image);
	image_reader_close(r);
	t = TIFFOpen(out, "r");
	for (uint32_t y = 0; t && y < SY * H; y++) {
		const double v = fmin(fmax((y + 0.5) / SY - 0.5, 0), H - 1);

		TIFFReadScanline(t, row, y, 0);
		for (int x = 0; x < SX * W; x++) {
			const double u = fmin(fmax((x + 0.5) / SX - 0.5, 0), W - 1);

			worst = fmax(worst, fabs(row[2 * x + 1] - (9 * u + 11 * v)));
		}
	}
	ok(t && worst <= 0.51, "alpha lies between the old values (%.2f)", worst);
	if (t)
		TIFFClose(t);
}

/* ---- other sample types in the output */

static void test_override(void)
{
	const char *in = in_directory("rgba.tif"), *out = in_directory("rgba-out.tif");
	struct image_write_options options = { .override_type = 1,
					       .kind = SAMPLE_FLOAT,
					       .bits = 32 };
	struct spec s = plain;
	struct image_page info;
	struct image image;
	TIFF *t;
	float row[WIDTH * 4];

	s.colour = 3;
	s.extra = 1;
	s.photometric = PHOTOMETRIC_RGB;
	make(in, &s);
	ok(!copy_with(in, out, &options), "8-bit RGBA is written as float");
	ok(channels_of(out, &info, &image) == 3 && info.kind == SAMPLE_FLOAT && info.bits == 32 &&
		   info.extra == 1 && read_is_right(&s, &image, 0),
	   "with the same values");
	image_free(&image);
	t = TIFFOpen(out, "r");
	ok(t && TIFFReadScanline(t, row, 7, 0) == 1, "and an alpha channel");
	near(row[4 * 9 + 3], (double)raw_sample(&s, 0, 3, 9, 7) / 255, 1e-7,
	     "whose full scale is 1");
	if (t)
		TIFFClose(t);
	options.bits = 12;
	ok(copy_with(in, in_directory("never.tif"), &options) == LACUNA_EINVAL &&
		   strstr(error_text(), "12 bits"),
	   "a type that TIFF has not is refused: %s", error_text());
}

/* The predictor must fit the new sample type, in both byte orders. */
static void test_override_predictor(void)
{
	const char *in = in_directory("predicted.tif"), *out = in_directory("predicted-out.tif");
	struct image_write_options options = {
		.force = 1, .override_type = 1, .kind = SAMPLE_FLOAT, .bits = 32
	};
	struct spec s = plain;
	struct image_page info;
	struct image image;

	s.compression = COMPRESSION_LZW;
	s.predictor = 2;
	for (int i = 0; i < 2; i++) {
		s.mode = i ? "wl" : "wb";
		make(in, &s);
		ok(!copy_with(in, out, &options) && channels_of(out, &info, &image) == 1 &&
			   read_is_right(&s, &image, 0),
		   "predicted integers are written as float (%s)", s.mode);
		image_free(&image);
	}
	s.predictor = 1;
	make(in, &s);
	if (!copy_with(in, out, &options)) {
		TIFF *t = TIFFOpen(out, "r");

		ok(t && get16(t, TIFFTAG_PREDICTOR) == PREDICTOR_NONE,
		   "those without a predictor without one");
		if (t)
			TIFFClose(t);
	}
}

static void test_values(void)
{
	const char *out = in_directory("values.tif");
	const struct lacuna_shape shape = { { 5, 1, 1, 1 } };
	struct image_write_options options = { .override_type = 1,
					       .kind = SAMPLE_UNSIGNED,
					       .bits = 8 };
	const float values[5] = { NAN, -7, 300, 41.5f, INFINITY };
	const float want[5] = { 0, 0, 255, 42, 255 };
	struct image_writer *w = NULL;
	struct image_page info;
	struct image image;

	image_create(&image, &shape);
	memcpy(image.values, values, sizeof values);
	ok(!image_writer_create(out, &options, &w) && !image_writer_add(w, NULL, 0, &image) &&
		   !image_writer_commit(w),
	   "a page that imitates no other");
	image_free(&image);
	ok(channels_of(out, &info, &image) == 1 && !memcmp(image.values, want, sizeof want),
	   "NaN is 0, the rest is rounded and clipped");
	options = (struct image_write_options){ .force = 1 };
	if (image.values)
		memcpy(image.values, values, sizeof values);
	ok(!image_writer_create(out, &options, &w) && !image_writer_add(w, NULL, 0, &image) &&
		   !image_writer_commit(w),
	   "floating point, replacing it");
	image_free(&image);
	ok(channels_of(out, &info, &image) == 1 && info.kind == SAMPLE_FLOAT &&
		   isnan(image.values[0]) && !memcmp(image.values + 1, values + 1, 16),
	   "keeps every value, NaN and infinity too");
	image_free(&image);
}

/* ---- refusals: a message of one line, and nothing left behind */

static void refused(int status, const char *word, const char *name)
{
	ok(status < 0 && strstr(error_text(), word) && !strchr(error_text(), '\n'), "%s: %s", name,
	   error_text());
}

static int read_all(const char *path)
{
	struct image_reader *r;
	struct image image;
	int status = image_reader_open(path, &r);

	if (status)
		return status;
	for (int page = 0; !status && page < r->pages; page++) {
		status = image_reader_read(r, page, &image);
		image_free(&image);
	}
	image_reader_close(r);
	return status;
}

static void write_bytes(const char *path, const void *data, size_t n)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		diag("%s: %s", path, strerror(errno));
	close(fd);
}

static void test_refusals(void)
{
	const char *in = in_directory("in.tif"), *sub = in_directory("sub");
	struct image_writer *w = NULL;
	int before;

	make(in, &plain);
	mkdir(sub, 0777);
	before = entries();
	refused(read_all(in_directory("absent.tif")), "No such file", "a file that is not there");
	refused(read_all(sub), "not a regular file", "a directory to read");
	refused(copy_with(in, in, &(struct image_write_options){ 0 }), "--force",
		"an existing file");
	refused(copy(in, sub), "directory", "a directory to write");
	refused(copy(in, in_directory("absent/out.tif")), "No such file",
		"a directory that is not there");
	refused(copy(in, "/dev/null"), "not a regular file", "a device");
	write_bytes(in_directory("text"), "just text", 9);
	refused(read_all(in_directory("text")), "text: ", "a file that is no TIFF");
	write_bytes(in_directory("text"), "", 0);
	refused(read_all(in_directory("text")), "text: ", "an empty file");
	unlink(in_directory("text"));
	ok(!image_writer_create(in_directory("empty.tif"), &(struct image_write_options){ 0 }, &w),
	   "a file is begun");
	refused(image_writer_commit(w), "nothing", "a file without a page");
	ok(!image_writer_create(in_directory("empty.tif"), &(struct image_write_options){ 0 }, &w),
	   "a file is begun");
	image_writer_abandon(w);
	image_writer_abandon(NULL);
	ok(entries() == before, "no refusal leaves a file behind");
	rmdir(sub);
}

static int count_open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* Whether programs that are started meanwhile would get no open file, standard ones apart. */
static int all_close_on_exec(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int good = 1;

	while (d && (e = readdir(d)) != NULL) {
		const int fd = atoi(e->d_name);

		good &= fd <= 2 || e->d_name[0] == '.' || (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
	}
	if (d)
		closedir(d);
	return good;
}

static void test_not_inherited(void)
{
	const int before = all_close_on_exec(); /* the test's own may be open */
	struct image_part part = { .shape = { { WIDTH, HEIGHT, 1, 1 } } };
	struct image_writer *w = NULL;

	make(in_directory("in.tif"), &plain);
	ok(!image_reader_open(in_directory("in.tif"), &part.like) &&
		   !image_writer_create(in_directory("begun.tif"),
					&(struct image_write_options){ 0 }, &w) &&
		   !image_writer_begin(w, &part) && all_close_on_exec() == before,
	   "programs that are started inherit no picture");
	image_writer_abandon(w);
	image_reader_close(part.like);
}

static int occurrences(const char *text, const char *word)
{
	int n = 0;

	for (; (text = strstr(text, word)) != NULL; text += strlen(word))
		n++;
	return n;
}

/* What cannot be opened: one line that names the file once, whatever its name, and nothing stays open.  Other formats are named,
 * however short the file. */
static void test_unopenable(void)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *word;
	} files[] = {
		{ "\x89PNG", 4, "is a PNG picture" },
		{ "\xff\xd8\xff\xe0", 4, "is a JPEG picture" },
		{ "SIMPLE  =                    T", 30, "is a FITS file" },
		{ "GIF89a", 6, "is a GIF picture" },
		{ "RIFF\1\2\3\4WEBPVP8 ", 16, "is a WebP picture" },
		{ "\0\0\0\014jP  \r\n\x87\n", 12, "is a JPEG 2000 picture" },
		{ "\0\0\0\030ftypheic", 12, "is a HEIF picture" },
		{ "some text", 9, "Not a TIFF" },
		{ "II*", 3, "" },
		{ "II*\0\377\377\0\0", 8, "Can not read TIFF directory" },
		{ "MM\0*\0\0\0\010\0\3", 10, "Can not read TIFF directory" },
		{ NULL, 0, "is not a regular file" },
	};
	static const char *const names[] = { "closed.tif", "a\nnew\tline.tif" };
	const int before = count_open_files();
	int wrong = 0;

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		for (int k = 0; k < 2; k++) {
			const char *path = in_directory(names[k]), *text;

			if (files[i].bytes)
				write_bytes(path, files[i].bytes, files[i].n);
			else
				mkdir(path, 0777);
			error_clear();
			wrong += read_all(path) >= 0;
			text = error_text();
			if (!strstr(text, files[i].word) || strchr(text, '\n') ||
			    occurrences(text, "line.tif") != k ||
			    occurrences(text, "closed.tif") != !k) {
				wrong++;
				diag("%s", text);
			}
			if (files[i].bytes)
				unlink(path);
			else
				rmdir(path);
		}
	ok(!wrong, "what is no TIFF: one line that names the file once (%d wrong)", wrong);
	ok(count_open_files() == before, "and nothing stays open");
	make(in_directory("open.tif"), &plain);
	ok(!copy(in_directory("open.tif"), in_directory("open-out.tif")) &&
		   count_open_files() == before,
	   "nor after a copy");
}

/* A page of a stack that cannot be read is named, also if there are only two. */
static void test_which_page(void)
{
	const char *path = in_directory("two.tif");
	struct image_reader *r = NULL;
	struct image_page info;
	struct image image;
	struct spec s = plain;
	TIFF *t;

	s.pages = 2;
	make(path, &s);
	t = TIFFOpen(path, "r+");
	TIFFSetDirectory(t, 1);
	TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP); /* of 8 bits */
	TIFFRewriteDirectory(t);
	TIFFClose(t);
	ok(!image_reader_open(path, &r) && r->pages == 2, "a stack with a page that is unusual");
	refused(image_reader_page(r, 1, &info), "page 2: ", "this page is named");
	refused(image_reader_read(r, 1, &image), "page 2: floating-point samples of 8 bits",
		"each time");
	refused(image_reader_page(r, 2, &info), "has 2 pages", "one that is not there");
	ok(!image_reader_read(r, 0, &image) && read_is_right(&s, &image, 0), "the other is read");
	image_free(&image);
	image_reader_close(r);
}

static void test_unwritable(void)
{
	const char *in = in_directory("in.tif"), *sub = in_directory("locked");

	if (!geteuid()) {
		skip("root may write anywhere", "a directory without permission");
		return;
	}
	mkdir(sub, 0555);
	refused(copy(in, in_directory("locked/out.tif")), "denied",
		"a directory without permission");
	rmdir(sub);
}

/* Classic header, 12 entries at most, no data. */
static void write_header(const char *path, uint32_t width, uint32_t height, int samples,
			 int compression, int format)
{
	uint8_t file[8 + 2 + 12 * 11 + 4] = { 'I', 'I', 42, 0, 8, 0, 0, 0, 11, 0 };
	const uint32_t entry[11][2] = {
		{ 256, width },
		{ 257, height },
		{ 258, 8 },
		{ 259, (uint32_t)compression },
		{ 262, samples >= 3 ? 2 : 1 },
		{ 273, 8 },
		{ 277, (uint32_t)samples },
		{ 278, height },
		{ 279, 100 },
		{ 284, 1 },
		{ 339, (uint32_t)format },
	};

	for (int i = 0; i < 11; i++) {
		uint8_t *p = file + 10 + 12 * i;

		memcpy(p,
		       (const uint8_t[]){ entry[i][0] & 255, (uint8_t)(entry[i][0] >> 8), 4, 0, 1 },
		       5);
		for (int b = 0; b < 4; b++)
			p[8 + b] = (uint8_t)(entry[i][1] >> 8 * b);
	}
	write_bytes(path, file, sizeof file);
}

static size_t load(const char *path, uint8_t *data, size_t size)
{
	const int fd = open(path, O_RDONLY);
	const ssize_t n = read(fd, data, size);

	close(fd);
	return n > 0 ? (size_t)n : 0;
}

/* ---- tags as other programs write them, byte by byte */

struct entry {
	uint32_t tag, type, count, value;
};

static size_t put_number(uint8_t *file, size_t at, int big, int bytes, uint32_t v)
{
	for (int b = 0; b < bytes; b++)
		file[at + (size_t)(big ? bytes - 1 - b : b)] = (uint8_t)(v >> 8 * b);
	return at + (size_t)bytes;
}

static size_t put_directory(uint8_t *file, size_t at, int big, const struct entry *entries, int n)
{
	at = put_number(file, at, big, 2, (uint32_t)n);
	for (int i = 0; i < n; i++) {
		const int bytes = entries[i].type == 3 ? 2 : 4;

		at = put_number(file, at, big, 2, entries[i].tag);
		at = put_number(file, at, big, 2, entries[i].type);
		at = put_number(file, at, big, 4, entries[i].count);
		put_number(file, at, big, bytes, entries[i].value);
		at += 4;
	}
	return put_number(file, at, big, 4, 0);
}

enum { BLOB = 12, PRIVATE_DIRECTORY = 50000 };

static const uint8_t iptc[12] = { 0x1c, 2, 5, 0, 7, 'L', 'a', 'c', 'u', 'n', 'a', '.' };

/* Writes a picture of 4x1 with one more tag.  Offset BLOB holds iptc, offset 48 a directory with one pointer. */
static void make_by_hand(const char *path, int big, uint32_t tag, uint32_t type, uint32_t count,
			 uint32_t value)
{
	const struct entry pointer = { PRIVATE_DIRECTORY, 13, 1, 8 };
	const struct entry page[] = {
		{ 256, 3, 1, 4 }, { 257, 3, 1, 1 },
		{ 258, 3, 1, 8 }, { 259, 3, 1, 1 },
		{ 262, 3, 1, 1 }, { 273, 4, 1, 8 },
		{ 277, 3, 1, 1 }, { 278, 3, 1, 1 },
		{ 279, 4, 1, 4 }, { tag, type, count, value },
	};
	uint8_t file[512] = { 0 };
	size_t end;

	memcpy(file, big ? "MM" : "II", 2);
	put_number(file, 2, big, 2, 42);
	put_number(file, 4, big, 4, 80);
	memcpy(file + 8, "\1\2\3\4", 4);
	memcpy(file + BLOB, iptc, sizeof iptc);
	put_directory(file, 48, big, &pointer, 1);
	end = put_directory(file, 80, big, page, sizeof page / sizeof *page);
	write_bytes(path, file, end);
}

static int holds(const char *path, const uint8_t *bytes, size_t n)
{
	static uint8_t file[1 << 16];
	const size_t size = load(path, file, sizeof file);

	for (size_t i = 0; i + n <= size; i++)
		if (!memcmp(file + i, bytes, n))
			return 1;
	return 0;
}

static void test_foreign_tags(void)
{
	const char *in = in_directory("foreign.tif"), *out = in_directory("foreign-out.tif");

	for (int big = 0; big < 2; big++) {
		const char *order = big ? "big-endian" : "little-endian";
		toff_t at = 0;
		TIFF *t;

		make_by_hand(in, big, TIFFTAG_EXIFIFD, 4, 1, 48);
		ok(!copy(in, out), "%s: EXIF with nothing to copy is left out", order);
		make_by_hand(in, big, TIFFTAG_GPSIFD, 4, 1, 48);
		ok(!copy(in, out), "%s: so is GPS", order);
		t = TIFFOpen(out, "r");
		ok(t && !TIFFGetField(t, TIFFTAG_GPSIFD, &at), "and nothing points at it");
		if (t)
			TIFFClose(t);
		for (uint32_t type = 4; type <= 7; type += 3) {
			make_by_hand(in, big, TIFFTAG_RICHTIFFIPTC, type, type == 4 ? 3 : 12, BLOB);
			ok(!copy(in, out), "%s: IPTC of type %u is copied", order, type);
			ok(holds(out, iptc, sizeof iptc), "byte by byte");
		}
	}
}

static void test_promises(void)
{
	const char *path = in_directory("promise.tif");

	memory_reset_peak();
	write_header(path, 2000000000, 2000000000, 1, COMPRESSION_NONE, 1);
	refused(read_all(path), "promise.tif: ", "a picture far larger than its file");
	write_header(path, 60000, 60000, 3, COMPRESSION_LZW, 1);
	refused(read_all(path), "promise.tif: ", "more than LZW can expand to");
	write_header(path, 60000, 60000, 3, COMPRESSION_ADOBE_DEFLATE, 1);
	refused(read_all(path), "promise.tif: ", "more than Deflate can expand to");
	write_header(path, 0, 10, 1, COMPRESSION_NONE, 1);
	refused(read_all(path), "promise.tif: ", "no width");
	write_header(path, 4, 4, 1, COMPRESSION_NONE, SAMPLEFORMAT_COMPLEXIEEEFP);
	refused(read_all(path), "samples of 8 bits", "complex numbers of 8 bits");
	write_header(path, 4, 4, 1, 12345, 1);
	refused(read_all(path), "compression", "an unknown compression");
	ok(memory_peak_bytes() < 1 << 20, "none of them takes memory (peak %zu)",
	   memory_peak_bytes());
	write_header(path, 10, 10, 1, COMPRESSION_NONE, 1);
	ok(!read_all(path), "a small honest header is read");
	unlink(path);
}

static void test_budget(void)
{
	const char *in = in_directory("in.tif");

	make(in, &plain);
	memory_set_budget(3000);
	refused(read_all(in), "memory limit", "an image beyond the memory budget");
	memory_set_budget(0);
	ok(!read_all(in), "which is fine without");
}

/* One directory that declares "images=3", followed by the data of three images. */
static void test_hidden_stack(void)
{
	const char *path = in_directory("imagej.tif");
	const uint8_t rest[2 * PIXELS] = { 0 };
	TIFF *t = TIFFOpen(path, "w");
	int fd;

	set_structure(t, &plain);
	TIFFSetField(t, TIFFTAG_IMAGEDESCRIPTION, "ImageJ=1.54f\nimages=3\n");
	write_raw(t, &plain, 0);
	TIFFClose(t);
	ok(!read_all(path), "a page taken out of an ImageJ stack is read");
	fd = open(path, O_WRONLY | O_APPEND);
	ok(write(fd, rest, sizeof rest) == (ssize_t)sizeof rest, "two more images follow it");
	close(fd);
	refused(read_all(path), "3 images", "a stack behind one page");
}

/* UIC2 has an entry for each plane. */
static void test_metamorph(void)
{
	enum { TAG_UIC2 = 33629 };
	static const TIFFFieldInfo info[] = { { TAG_UIC2, -3, -3, TIFF_RATIONAL, FIELD_CUSTOM, 1, 1,
						(char *)"UIC2" } };
	const float planes[5] = { 1, 2, 3, 4, 5 };
	const char *path = in_directory("stack.stk");

	for (uint32_t n = 1; n <= 5; n += n == 1 ? 1 : 3) {
		TIFF *t = TIFFOpen(path, "w");

		TIFFMergeFieldInfo(t, info, 1);
		set_structure(t, &plain);
		TIFFSetField(t, TAG_UIC2, n, planes);
		write_raw(t, &plain, 0);
		TIFFClose(t);
		if (n == 1)
			ok(!read_all(path), "a MetaMorph picture is read");
		else
			refused(read_all(path), n == 2 ? "2 planes" : "5 planes",
				"a MetaMorph stack behind one page");
	}
}

/* What a restoration, and what a copy loses. */
static void test_notes(void)
{
	static const struct {
		struct spec s;
		uint16_t subs;
		const char *note, *copy;
	} cases[] = {
		{ { "wl", SAMPLE_UNSIGNED, 24, 1, 0, 0, 0, 1, 1, 1, 1, 5 }, 0, NULL, NULL },
		{ { "wl", SAMPLE_UNSIGNED, 32, 1, 0, 0, 0, 1, 1, 1, 1, 5 },
		  0,
		  "values keep 24 of 32 bits",
		  NULL },
		{ { "wl", SAMPLE_FLOAT, 32, 1, 0, 0, 0, 1, 1, 1, 1, 5 }, 0, NULL, NULL },
		{ { "wl", SAMPLE_FLOAT, 64, 1, 0, 0, 0, 1, 1, 1, 1, 5 },
		  1,
		  "values keep 24 of 64 bits; sub-images (SubIFD) are dropped",
		  "sub-images (SubIFD) are dropped" },
		{ { "wl", SAMPLE_UNSIGNED, 8, 1, 0, 0, 0, 1, 1, 1, 1, 5 },
		  2,
		  "sub-images (SubIFD) are dropped",
		  "sub-images (SubIFD) are dropped" },
	};
	const char *path = in_directory("notes.tif");
	struct image_page info;
	struct image_reader *r = NULL;

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		const uint64_t offsets[2] = { 8, 8 };
		TIFF *t = TIFFOpen(path, "wl");

		set_structure(t, &cases[k].s);
		write_raw(t, &cases[k].s, 0);
		TIFFWriteDirectory(t);
		TIFFSetDirectory(t, 0);
		if (cases[k].subs)
			TIFFSetField(t, TIFFTAG_SUBIFD, cases[k].subs, offsets);
		TIFFRewriteDirectory(t);
		TIFFClose(t);
		ok(!image_reader_open(path, &r) && !image_reader_page(r, 0, &info) && info.storable,
		   "a page that can be copied");
		is_text(info.note ? info.note : "", cases[k].note ? cases[k].note : "",
			"what it loses");
		is_text(info.note_copy ? info.note_copy : "", cases[k].copy ? cases[k].copy : "",
			"what a copy loses");
		image_reader_close(r);
	}
}

/* Pages that libtiff converts cannot be copied as they are stored. */
static void test_not_storable(void)
{
	const char *path = in_directory("converted.tif");
	struct image_page info;
	struct image_reader *r = NULL;

	make_ycbcr(path);
	ok(!image_reader_open(path, &r) && !image_reader_page(r, 0, &info) && !info.storable,
	   "subsampled YCbCr cannot be copied as it is");
	is_text(info.note ? info.note : "", "YCbCr becomes RGB", "what it loses");
	image_reader_close(r);
	if (TIFFIsCODECConfigured(COMPRESSION_JPEG)) {
		make_jpeg(path);
		ok(!image_reader_open(path, &r) && !image_reader_page(r, 0, &info) &&
			   !info.storable,
		   "JPEG cannot be copied as it is");
		is_text(info.note ? info.note : "",
			"YCbCr becomes RGB; JPEG compression becomes Deflate", "what it loses");
		is_text(info.note_copy ? info.note_copy : "", "JPEG compression becomes Deflate",
			"what a copy loses");
		image_reader_close(r);
	}
	if (TIFFIsCODECConfigured(COMPRESSION_SGILOG)) {
		static float row[3 * 16];
		TIFF *t = TIFFOpen(path, "w");

		TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 16);
		TIFFSetField(t, TIFFTAG_IMAGELENGTH, 1);
		TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 3);
		TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 32);
		TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP);
		TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
		TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_SGILOG);
		TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_LOGLUV);
		TIFFSetField(t, TIFFTAG_SGILOGDATAFMT, SGILOGDATAFMT_FLOAT);
		TIFFWriteScanline(t, row, 0, 0);
		TIFFClose(t);
		ok(!image_reader_open(path, &r) && !image_reader_page(r, 0, &info) &&
			   !info.storable,
		   "LogLuv cannot be copied as it is");
		image_reader_close(r);
	}
}

/* Files that compress as well as their scheme can. */
static void test_blank(void)
{
	enum { SIDE = 5000 };
	static const int schemes[] = { COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
				       COMPRESSION_DEFLATE, COMPRESSION_PACKBITS };
	static const uint8_t row[SIDE];
	const char *path = in_directory("blank.tif");

	for (int k = 0; k < 4; k++) {
		struct image_page info;
		struct image_reader *r = NULL;
		TIFF *t = TIFFOpen(path, "w");

		set_structure(t, &plain);
		TIFFSetField(t, TIFFTAG_IMAGEWIDTH, SIDE);
		TIFFSetField(t, TIFFTAG_IMAGELENGTH, SIDE);
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, SIDE);
		TIFFSetField(t, TIFFTAG_COMPRESSION, schemes[k]);
		for (uint32_t y = 0; y < SIDE; y++)
			TIFFWriteScanline(t, (void *)(uintptr_t)row, y, 0);
		TIFFClose(t);
		ok(!image_reader_open(path, &r) && !image_reader_page(r, 0, &info),
		   "a blank page of scheme %d", schemes[k]);
		image_reader_close(r);
	}
	unlink(path);
}

/* Rows that are needed at once, of planes in one strip. */
static void test_block_rows(void)
{
	static const int widths[] = { 1000, 30000, 10000000 }, bits[] = { 8, 16, 32 };
	const char *path = in_directory("rows.tif");
	int right = 0;

	for (int k = 0; k < 9; k++) {
		const double row = (double)widths[k / 3] * bits[k % 3] / 8;
		struct spec s = plain;
		struct image_page info = { .bits = 0 };
		struct image_reader *r = NULL;
		TIFF *t = TIFFOpen(path, "w");

		s.colour = 3;
		s.separate = 1;
		s.photometric = PHOTOMETRIC_RGB;
		s.bits = bits[k % 3];
		set_structure(t, &s);
		TIFFSetField(t, TIFFTAG_IMAGEWIDTH, widths[k / 3]);
		TIFFSetField(t, TIFFTAG_IMAGELENGTH, 9000);
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 9000);
		TIFFWriteCheck(t, 0, "test_block_rows");
		TIFFWriteDirectory(t);
		TIFFClose(t);
		right += !image_reader_open(path, &r) && !image_reader_page(r, 0, &info) &&
			 (info.block_rows == 1 || info.block_rows * row <= 1 << 22) &&
			 (info.block_rows == 9000 || (info.block_rows + 1) * row > 1 << 22);
		image_reader_close(r);
	}
	ok(right == 9, "strips of planes are cut at 4 MiB (%d of 9)", right);
}

/* The colour space of files that do not state it. */
static void test_unnamed(void)
{
	static const struct {
		int samples, bits, compression, photometric;
	} cases[] = {
		{ 1, 8, COMPRESSION_NONE, PHOTOMETRIC_MINISBLACK },
		{ 2, 8, COMPRESSION_LZW, PHOTOMETRIC_MINISBLACK },
		{ 3, 8, COMPRESSION_NONE, PHOTOMETRIC_RGB },
		{ 4, 8, COMPRESSION_LZW, PHOTOMETRIC_RGB },
		{ 1, 1, COMPRESSION_CCITTFAX3, PHOTOMETRIC_MINISWHITE },
		{ 1, 1, COMPRESSION_CCITTFAX4, PHOTOMETRIC_MINISWHITE },
		{ 1, 1, COMPRESSION_PACKBITS, PHOTOMETRIC_MINISBLACK },
	};
	const char *in = in_directory("unnamed.tif"), *out = in_directory("unnamed-out.tif");

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct spec s = plain;
		TIFF *t = TIFFOpen(in, "w");

		TIFFSetField(t, TIFFTAG_IMAGEWIDTH, WIDTH);
		TIFFSetField(t, TIFFTAG_IMAGELENGTH, HEIGHT);
		TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, cases[k].samples);
		TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, cases[k].bits);
		TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
		TIFFSetField(t, TIFFTAG_COMPRESSION, cases[k].compression);
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, HEIGHT);
		s.colour = cases[k].samples;
		s.bits = cases[k].bits;
		write_raw(t, &s, 0);
		TIFFClose(t);
		ok(!copy(in, out), "%d samples, compression %d, no colour space", cases[k].samples,
		   cases[k].compression);
		t = TIFFOpen(out, "r");
		ok(t && get16(t, TIFFTAG_PHOTOMETRIC) == cases[k].photometric &&
			   get16(t, TIFFTAG_SAMPLESPERPIXEL) == cases[k].samples,
		   "become what TIFF 6.0 and readers take them for");
		if (t)
			TIFFClose(t);
	}
}

/* The bytes that a strip states decide, not the file's length.  (Those of a single strip are guessed by libtiff.) */
static void test_short_strip(void)
{
	enum { SIDE = 300 };
	const char *path = in_directory("short.tif");
	static uint8_t data[3 * SIDE * SIDE], row[SIDE];
	struct spec s = plain;
	TIFF *t = TIFFOpen(path, "wl");
	size_t n, at = 0;

	set_structure(t, &s);
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, SIDE);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, 2 * SIDE);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, SIDE);
	for (uint32_t y = 0; y < 2 * SIDE; y++)
		TIFFWriteScanline(t, row, y, 0);
	TIFFClose(t);
	ok(!read_all(path), "large plain strips");
	n = load(path, data, sizeof data);
	for (int b = 0; b < 4; b++)
		at |= (size_t)data[4 + b] << 8 * b;
	for (at += 2; data[at] != (TIFFTAG_STRIPBYTECOUNTS & 255) || data[at + 1] != 1;)
		at += 12;
	at = data[at + 8] | (size_t)data[at + 9] << 8 | (size_t)data[at + 10] << 16;
	data[at + 4] -= 10; /* the lowest byte of the second number */
	write_bytes(path, data, n);
	refused(read_all(path), "are damaged", "one that ends within its last row");
}

/* A colour space needs its samples. */
static void test_few_samples(void)
{
	const char *path = in_directory("few.tif");
	static const int spaces[] = { PHOTOMETRIC_RGB, PHOTOMETRIC_CIELAB, PHOTOMETRIC_ICCLAB };

	for (int k = 0; k < 3; k++)
		for (int samples = 1; samples < 3; samples++) {
			struct spec s = plain;

			s.colour = samples;
			s.photometric = spaces[k];
			make(path, &s);
			refused(read_all(path), "its colour space needs 3", "too few samples");
		}
}

/* Complex numbers in planes: refused, not read as something else. */
static void test_complex_planes(void)
{
	const char *path = in_directory("planes.tif");
	struct spec s = plain;
	TIFF *t = TIFFOpen(path, "w");

	s.colour = 2;
	s.separate = 1;
	s.bits = 64;
	s.kind = SAMPLE_FLOAT;
	set_structure(t, &s);
	TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_COMPLEXIEEEFP);
	write_raw(t, &s, 0);
	TIFFClose(t);
	refused(read_all(path), "complex numbers in separate planes", "complex numbers in planes");
}

static char warning[512];

static void catch_warning(void *context, int level, const char *text)
{
	(void)context;
	if (level == LACUNA_LOG_WARN)
		snprintf(warning, sizeof warning, "%s", text);
}

/* Reads the first page and keeps its warning. */
static int read_listening(const char *path)
{
	int status;

	warning[0] = '\0';
	log_install(catch_warning, NULL);
	status = read_all(path);
	log_install(NULL, NULL);
	return status;
}

static int warnings;

static void count_warnings(void *context, int level, const char *text)
{
	(void)context, (void)text;
	warnings += level == LACUNA_LOG_WARN;
}

static void make_described(const char *path, const struct spec *s, const char *description)
{
	TIFF *t = TIFFOpen(path, s->mode);

	for (int page = 0; page < s->pages; page++) {
		set_structure(t, s);
		if (page == 0)
			TIFFSetField(t, TIFFTAG_IMAGEDESCRIPTION, description);
		write_raw(t, s, page);
		TIFFWriteDirectory(t);
	}
	TIFFClose(t);
}

/* OME's names of the types; it has none for others. */
static void test_ome_types(void)
{
	static const struct {
		enum sample_kind kind;
		int bits;
		const char *name;
	} names[] = {
		{ SAMPLE_UNSIGNED, 8, "uint8" },   { SAMPLE_UNSIGNED, 16, "uint16" },
		{ SAMPLE_UNSIGNED, 32, "uint32" }, { SAMPLE_SIGNED, 8, "int8" },
		{ SAMPLE_SIGNED, 16, "int16" },	   { SAMPLE_SIGNED, 32, "int32" },
		{ SAMPLE_FLOAT, 32, "float" },	   { SAMPLE_FLOAT, 64, "double" },
		{ SAMPLE_UNSIGNED, 1, "bit" },
	};
	const char *in = in_directory("ome.tif"), *out = in_directory("ome-out.tif");
	struct spec s = plain;

	s.bits = 12;
	make_described(in, &s,
		       "<OME><Pixels DimensionOrder=\"XYCZT\" Type=\"old\" SizeX=\"37\" "
		       "SizeY=\"29\" SizeC=\"1\" SizeZ=\"1\" SizeT=\"1\"/></OME>");
	for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
		const struct image_write_options options = {
			.force = 1, .override_type = 1, .kind = names[k].kind, .bits = names[k].bits
		};
		char want[32];
		const char *text = "";
		TIFF *t = copy_with(in, out, &options) ? NULL : TIFFOpen(out, "r");

		snprintf(want, sizeof want, "Type=\"%s\"", names[k].name);
		ok(t && TIFFGetField(t, TIFFTAG_IMAGEDESCRIPTION, &text) && strstr(text, want),
		   "OME's %s", names[k].name);
		if (t)
			TIFFClose(t);
	}
}

/* GDAL's scale holds for the values of the file.  Where they are converted, that is said, once. */
static void test_gdal_scale(void)
{
	static const TIFFFieldInfo field[] = { { 42112, -1, -1, TIFF_ASCII, FIELD_CUSTOM, 1, 0,
						 (char *)"GDALMetadata" } };
	static const struct {
		const char *text;
		int converted, told;
	} cases[] = {
		{ "<GDALMetadata><Item name=\"SCALE\" sample=\"0\" "
		  "role=\"scale\">0.1</Item></GDALMetadata>",
		  1, 1 },
		{ "<GDALMetadata><Item name=\"OFFSET\" sample=\"0\" "
		  "role=\"offset\">5</Item></GDALMetadata>",
		  1, 1 },
		{ "<GDALMetadata><Item name=\"SCALE\" sample=\"0\" "
		  "role=\"scale\">0.1</Item></GDALMetadata>",
		  0, 0 },
		{ "<GDALMetadata><Item name=\"UNIT\">scale</Item></GDALMetadata>", 1, 0 },
	};
	const char *in = in_directory("scale.tif"), *out = in_directory("scale-out.tif");
	const struct image_write_options options = { .force = 1 };

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct image_reader *r = NULL;
		struct image_writer *w = NULL;
		struct image image = { 0 };
		TIFF *t = TIFFOpen(in, "w");
		int status;

		for (int page = 0; page < 2; page++) {
			TIFFMergeFieldInfo(t, field, 1);
			set_structure(t, &plain);
			TIFFSetField(t, 42112, cases[k].text);
			write_raw(t, &plain, page);
			TIFFWriteDirectory(t);
		}
		TIFFClose(t);
		warnings = 0;
		log_install(count_warnings, NULL);
		status = image_reader_open(in, &r);
		if (!status)
			status = image_writer_create(out, &options, &w);
		if (!status && cases[k].converted)
			image_writer_values_become(w, 0.5, 1);
		for (int page = 0; !status && page < 2; page++) {
			status = image_reader_read(r, page, &image);
			if (!status)
				status = image_writer_add(w, r, page, &image);
			image_free(&image);
		}
		if (!status)
			status = image_writer_commit(w);
		log_install(NULL, NULL);
		image_reader_close(r);
		ok(!status && warnings == cases[k].told, "%s values, %.40s...: %d warnings",
		   cases[k].converted ? "converted" : "the same", cases[k].text + 14, warnings);
	}
}

/* What the first page states of the file is in the first page that is written, whichever that is. */
static void test_later_page(void)
{
	static const int pages[] = { 1, 2 };
	const struct image_write_options options = { .force = 1, .pages = pages, .page_count = 2 };
	const char *in = in_directory("three.tif"), *out = in_directory("two.tif"), *text = "";
	struct image_reader *r = NULL;
	struct image_writer *w = NULL;
	struct spec s = plain;
	TIFF *t;

	s.pages = 3;
	make_described(in, &s, "ImageJ=1.54f\nimages=3\nslices=3\n");
	ok(!image_reader_open(in, &r) && !image_writer_create(out, &options, &w) &&
		   !image_writer_copy(w, r, 1) && !image_writer_copy(w, r, 2) &&
		   !image_writer_commit(w),
	   "the last two of three pages");
	image_reader_close(r);
	t = TIFFOpen(out, "r");
	ok(t && TIFFGetField(t, TIFFTAG_IMAGEDESCRIPTION, &text), "have a description");
	is_text(text, "ImageJ=1.54f\nimages=2\nslices=2\n", "of themselves");
	ok(t && TIFFReadDirectory(t) && !TIFFGetField(t, TIFFTAG_IMAGEDESCRIPTION, &text),
	   "only the first of them");
	if (t)
		TIFFClose(t);
}

/* Writes one strip with the given bytes: 8x8 pixels of 8 bits. */
static void make_strip(const char *path, int compression, int samples, const void *bytes, size_t n)
{
	TIFF *t = TIFFOpen(path, "wl");

	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 8);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, 8);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 8);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, samples);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 8);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
	TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
	TIFFSetField(t, TIFFTAG_COMPRESSION, compression);
	TIFFWriteRawStrip(t, 0, (void *)(uintptr_t)bytes, (tmsize_t)n);
	TIFFClose(t);
}

/* Says why. */
static void test_reasons(void)
{
	const char *path = in_directory("reason.tif");
	static const unsigned char nothing[8] = { 0 };

	make_strip(path, COMPRESSION_LZW, 1, nothing, sizeof nothing);
	refused(read_all(path), "the picture data are damaged (",
		"damaged LZW, and libtiff's reason");
}

/* PackBits runs of 64 and of 63 values: some writers let runs cross the end of a row. */
static void test_long_runs(void)
{
	static const unsigned char run[] = { 193, 77 };
	const char *in = in_directory("runs.tif");
	struct image_page info;
	struct image image;
	int same = 1;

	make_strip(in, COMPRESSION_PACKBITS, 1, run, sizeof run);
	same &= channels_of(in, &info, &image) == 1;
	for (int i = 0; image.values && i < 64; i++)
		same &= lrintf(image.values[i]) == 77;
	ok(same && image.values, "a PackBits run over all rows");
	image_free(&image);
	make_strip(in, COMPRESSION_PACKBITS, 1, (const unsigned char[]){ 194, 77 }, 2);
	ok(read_all(in) < 0, "one that is too short: %s", error_text());
}

/* Damage is reported even if the decoder continues. */
static void test_damage_told(void)
{
	const char *in = in_directory("whole.tif"), *cut = in_directory("cut-jpeg.tif");
	unsigned char bytes[4096];
	tmsize_t n;
	TIFF *t;

	if (!TIFFIsCODECConfigured(COMPRESSION_JPEG)) {
		skip("libtiff has no JPEG", "damaged JPEG");
		return;
	}
	make_jpeg(in);
	t = TIFFOpen(in, "r");
	n = TIFFReadRawStrip(t, 0, bytes, sizeof bytes);
	TIFFClose(t);
	ok(!read_listening(in) && !warning[0], "a whole JPEG is read in silence");
	t = TIFFOpen(in, "r+");
	TIFFWriteRawStrip(t, 0, bytes, n - 8);
	TIFFClose(t);
	rename(in, cut);
	ok(!read_listening(cut) && strstr(warning, "page 1 may be damaged"),
	   "one that was cut is told of: %s", warning);
}

/* LZW as it was before TIFF 5.0: codes begin with the lowest bit. */
static void test_old_lzw(void)
{
	enum { CODES = 8 * 8 + 2, BITS = 9, CLEAR = 256, END };
	const char *in = in_directory("old-lzw.tif");
	unsigned char bytes[(CODES * BITS + 7) / 8] = { 0 };

	for (int i = 0; i < CODES; i++) {
		const int code = i == 0 ? CLEAR : i == CODES - 1 ? END : 100 + i;

		for (int k = 0; k < BITS; k++)
			bytes[(i * BITS + k) / 8] |=
				(unsigned char)((code >> k & 1) << (i * BITS + k) % 8);
	}
	make_strip(in, COMPRESSION_LZW, 1, bytes, sizeof bytes);
	if (read_listening(in) < 0)
		skip(error_text(), "old LZW");
	else
		ok(!warning[0], "old LZW is no damage: \"%s\"", warning);
}

/* Descriptions of three images, in files with three pages and with two. */
static void test_cut_stacks(void)
{
	static const char *const descriptions[] = {
		"ImageJ=1.54f\nimages=3\n",
		"{\"shape\": [3, 29, 37]}",
		"<OME><Image><Pixels SizeC=\"1\" SizeZ=\"3\" SizeT=\"1\"></Pixels></Image></OME>",
	};
	const char *in = in_directory("described.tif");
	struct spec s = plain;

	for (size_t i = 0; i < sizeof descriptions / sizeof *descriptions; i++) {
		s.pages = 3;
		make_described(in, &s, descriptions[i]);
		ok(!read_listening(in) && !warning[0], "a whole stack is read in silence: %.6s",
		   descriptions[i]);
		s.pages = 2;
		make_described(in, &s, descriptions[i]);
		ok(!read_listening(in) && strstr(warning, "states 3 images, but there are only 2"),
		   "one that was cut is told of: %s", warning);
	}
	s.pages = 1;
	make_described(in, &s,
		       "<OME><Image><Pixels SizeZ=\"3\"><TiffData><UUID FileName=\"a.tif\">"
		       "</UUID></TiffData></Pixels></Image></OME>");
	ok(!read_listening(in) && !warning[0], "a file of a set need not hold all of it");
	s.colour = 3;
	s.photometric = PHOTOMETRIC_RGB;
	make_described(in, &s, "<OME><Image><Pixels SizeC=\"3\"></Pixels></Image></OME>");
	ok(!read_listening(in) && !warning[0], "nor do three colours need three pages");
	make_described(
		in, &s,
		"<OME><Image><Pixels SizeC=\"3\"></Pixels><Plate SizeZ=\"9\"/></Image></OME>");
	ok(!read_listening(in) && !warning[0], "nor what another element counts");
	make_described(in, &s, "{\"shape\": [1, 29, 37, 3]}");
	ok(!read_listening(in) && !warning[0], "nor a shape with the samples of a pixel");
	s.pages = 3;
	make_described(in, &s,
		       "<OME><Image><Pixels SizeC=\"3\" SizeZ=\"2\"></Pixels></Image>"
		       "<Image><Pixels SizeC=\"3\" SizeT=\"3\"></Pixels></Image></OME>");
	ok(!read_listening(in) && strstr(warning, "states 5 images, but there are only 3"),
	   "planes of several images add up: %s", warning);
	warnings = 0;
	log_install(count_warnings, NULL);
	(void)!read_all(in);
	log_install(NULL, NULL);
	ok(warnings == 1, "said once for all pages (%d)", warnings);
}

/* A stack behind one page, in any layout of planes; and one that the file is too short for. */
static void test_hidden_planes(void)
{
	const char *path = in_directory("hidden.tif");

	for (int separate = 0; separate < 2; separate++)
		for (int k = 0; k < 2; k++) {
			static const uint8_t rest[6 * PIXELS];
			const size_t n = sizeof rest - (k ? 0 : PIXELS);
			struct spec s = plain;
			FILE *f;

			s.colour = 3;
			s.separate = separate;
			s.photometric = PHOTOMETRIC_RGB;
			make_described(path, &s, "ImageJ=1.54f\nimages=3\n");
			f = fopen(path, "ab");
			fwrite(rest, 1, n, f);
			fclose(f);
			if (k)
				refused(read_all(path), "3 images", "a stack behind one page");
			else
				ok(!read_all(path), "a page and too little for a stack");
		}
}

/* The last of three pages points back to the first. */
static void test_loop(void)
{
	static const char *const modes[] = { "wl", "wb", "wl8", "wb8" };
	const char *in = in_directory("loop.tif");

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		static uint8_t data[1 << 16];
		const int big = modes[i][2] != '\0', entry = big ? 20 : 12, count = big ? 8 : 2;
		struct spec s = plain;
		uint64_t first, last;
		int entries_low;
		size_t n;
		TIFF *t;

		s.mode = modes[i];
		s.pages = 3;
		make(in, &s);
		t = TIFFOpen(in, "r");
		first = TIFFCurrentDirOffset(t);
		TIFFSetDirectory(t, 2);
		last = TIFFCurrentDirOffset(t);
		TIFFClose(t);
		ok(!read_listening(in) && !warning[0], "%s: a chain that ends", modes[i]);
		n = load(in, data, sizeof data);
		entries_low = data[last + (modes[i][1] == 'l' ? 0 : (uint64_t)count - 1)];
		last += (uint64_t)(count + entries_low * entry);
		for (int b = 0; b < (big ? 8 : 4); b++)
			data[last + (uint64_t)(modes[i][1] == 'l' ? b : (big ? 7 : 3) - b)] =
				(uint8_t)(first >> 8 * b);
		write_bytes(in, data, n);
		ok(!read_listening(in) && strstr(warning, "broken after page 3"),
		   "%s: a chain that runs back: %s", modes[i], warning);
	}
}

/* A file cut at any byte is read completely, or refused with one line. */
static void test_truncation(void)
{
	static uint8_t data[1 << 16];
	const char *in = in_directory("whole.tif"), *cut = in_directory("cut.tif");
	struct spec s = plain;
	int silent = 0, accepted = 0;
	size_t n;

	s.compression = COMPRESSION_LZW;
	make(in, &s);
	n = load(in, data, sizeof data);
	for (size_t length = 0; length < n; length += 13) {
		write_bytes(cut, data, length);
		error_clear();
		if (!read_all(cut))
			accepted++;
		else
			silent += !error_text()[0] || strchr(error_text(), '\n');
	}
	ok(!silent && !accepted, "a truncated file is refused with a line (%d silent, %d accepted)",
	   silent, accepted);
	s.compression = COMPRESSION_NONE;
	s.bits = 16;
	make(in, &s);
	n = load(in, data, sizeof data);
	write_bytes(cut, data, n - 1);
	ok(read_all(cut) < 0, "even by one byte: %s", error_text());
	unlink(cut);
	ok(memory_live_blocks() == 0, "nothing leaks");
}

/* ---- failures while writing */

static int file_is(const char *path, const void *data, size_t n)
{
	static uint8_t have[1 << 16];

	return load(path, have, sizeof have) == n && !memcmp(have, data, n);
}

/* In a child process whose files cannot grow beyond a few bytes, as on a full disk. */
static int copy_when_full(const char *in, const char *out, rlim_t bytes)
{
	const struct rlimit limit = { bytes, bytes };
	int result = 1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(copy(in, out) == LACUNA_EIO && strstr(error_text(), strerror(EFBIG)) &&
				      !strncmp(error_text(), out, strlen(out))
			      ? 0
			      : 1);
	}
	return child > 0 && waitpid(child, &result, 0) == child && result == 0;
}

static void test_full_disk(void)
{
	const char *in = in_directory("in.tif"), *out = in_directory("old.tif");
	struct spec s = plain;
	int before;

	for (int tile = 0; tile < 2; tile++) {
		s.tile = tile;
		make(in, &s);
		write_bytes(out, "old", 3);
		before = entries();
		ok(copy_when_full(in, out, 600), "a full disk is reported");
		ok(file_is(out, "old", 3), "the old file is intact");
		ok(entries() == before, "the temporary is gone");
	}
}

/* Full at any byte: in EXIF, in the samples, in the directory. */
static void test_full_anywhere(void)
{
	const char *in = in_directory("in.tif"), *out = in_directory("full.tif");
	const int before = entries();
	struct stat st = { .st_size = 0 };
	int right = 0, all = 0;

	make_tagged(in);
	ok(!copy(in, out) && !stat(out, &st), "a page with EXIF");
	unlink(out);
	for (off_t bytes = 0; bytes < st.st_size; bytes += 20) {
		right += copy_when_full(in, out, (rlim_t)bytes) && entries() == before;
		all++;
	}
	ok(right == all, "a disk that is full at any byte is reported (%d of %d)", right, all);
}

static void test_memory_failures(void)
{
	const char *in = in_directory("in.tif"), *out = in_directory("out.tif");
	struct spec s = plain;
	int before, wrong = 0;
	long n = 0;

	s.colour = 3;
	s.extra = 1;
	s.photometric = PHOTOMETRIC_RGB;
	s.tile = 1;
	make(in, &s);
	unlink(out);
	before = entries();
	for (; n < 100; n++) {
		memory_fail_after(n);
		if (!copy(in, out))
			break;
		wrong += !error_text()[0] || memory_live_blocks() != 0 || entries() != before;
	}
	memory_fail_after(-1);
	ok(n > 5 && n < 100 && !wrong,
	   "each of %ld failing allocations is reported and leaves nothing", n);
	ok(memory_live_blocks() == 0, "nothing leaks");
}

static void test_same_file(void)
{
	const char *in = in_directory("in.tif"), *link_name = in_directory("link.tif");

	ok(!symlink(in, link_name), "a link is made");
	ok(!copy(in, link_name), "a file is written through a link");
	{
		struct stat st;

		ok(!lstat(link_name, &st) && S_ISLNK(st.st_mode), "which stays a link");
	}
}

static int is_mapped(const char *path)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[8192];
	int found = 0;

	while (maps && fgets(line, sizeof line, maps))
		found |= strstr(line, path) != NULL;
	if (maps)
		fclose(maps);
	return found;
}

/* Files are not mapped: another program that truncates a mapped file would crash this one. */
static void test_no_map(void)
{
	const char *in = in_directory("in.tif");
	struct image_reader *r = NULL;

	ok(!image_reader_open(in, &r) && !is_mapped(in), "a file is not mapped into the memory");
	image_reader_close(r);
}

/* An absent tile reads as 0. */
static void test_sparse(void)
{
	const char *in = in_directory("exact.tif"), *out = in_directory("exact-out.tif");
	static uint8_t tile[16 * 16 * 4];
	TIFF *t = TIFFOpen(in, "w");
	uint32_t v[2] = { 4000000007u, 123456789u };
	int good = 1;

	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 32);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, 16);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 32);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
	TIFFSetField(t, TIFFTAG_TILEWIDTH, 16);
	TIFFSetField(t, TIFFTAG_TILELENGTH, 16);
	for (size_t i = 0; i < 256; i++)
		memcpy(tile + 4 * i, v + i % 2, 4);
	good = TIFFWriteEncodedTile(t, 0, tile, sizeof tile) > 0;
	TIFFClose(t);
	ok(good && !copy(in, out), "a sparse file of 32 bits is copied");
	t = TIFFOpen(out, "r");
	ok(t && TIFFGetStrileByteCount(t, 0) > 0 && !TIFFGetStrileByteCount(t, 1),
	   "a tile that is absent stays so");
	if (t)
		TIFFClose(t);
}

/* Writes complex samples re + i im with libtiff, in either byte order: floats of 32 and 64 bits, integers of 16. */
static void make_complex(const char *path, const char *mode, int format, int bits)
{
	TIFF *t = TIFFOpen(path, mode);

	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 3);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, 2);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, bits);
	TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, format);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
	for (int j = 0; j < 2; j++) {
		float f[6];
		double d[6];
		int16_t n[6];

		for (int i = 0; i < 6; i++)
			f[i] = (float)(d[i] = n[i] = (int16_t)(10 * (i / 2) + j - 100 * (i % 2)));
		TIFFWriteScanline(t,
				  bits == 64	? (void *)f
				  : bits == 128 ? (void *)d
						: (void *)n,
				  (uint32_t)j, 0);
	}
	TIFFClose(t);
}

/* Whether the values of make_complex() were read, real parts first. */
static int holds_complex(const char *path)
{
	struct image_page info;
	struct image image = { 0 };
	int good = channels_of(path, &info, &image) == 2;

	for (int i = 0; good && i < 6; i++)
		good = image.values[i] == (float)(10 * (i % 3) + i / 3) &&
		       image.values[6 + i] == (float)(10 * (i % 3) + i / 3 - 100);
	image_free(&image);
	return good;
}

/* Complex numbers are no places in a palette, and no colours of a space that must be converted. */
static void test_complex_colours(void)
{
	static const uint16_t spaces[] = { PHOTOMETRIC_PALETTE, PHOTOMETRIC_ICCLAB,
					   PHOTOMETRIC_CIELAB, PHOTOMETRIC_MASK };
	const char *path = in_directory("complex-colours.tif");
	static uint16_t map[1 << 16];
	int right = 1;

	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
		struct image_reader *r = NULL;
		struct image_page info;
		TIFF *t;

		make_complex(path, "w", SAMPLEFORMAT_COMPLEXINT, 16);
		t = TIFFOpen(path, "r+");
		if (!t)
			break;
		TIFFSetField(t, TIFFTAG_COLORMAP, map, map, map);
		TIFFSetField(t, TIFFTAG_PHOTOMETRIC, spaces[i]);
		right &= TIFFRewriteDirectory(t);
		TIFFClose(t);
		right &= !image_reader_open(path, &r) &&
			 image_reader_page(r, 0, &info) == LACUNA_EUNSUPPORTED &&
			 strstr(error_text(), "complex numbers that is neither gray nor RGB");
		image_reader_close(r);
	}
	ok(right, "complex numbers in other colour spaces are refused: %s", error_text());
}

static void test_complex(void)
{
	static const struct {
		int format, bits;
	} kinds[] = { { SAMPLEFORMAT_COMPLEXIEEEFP, 64 },
		      { SAMPLEFORMAT_COMPLEXIEEEFP, 128 },
		      { SAMPLEFORMAT_COMPLEXINT, 32 } };
	const char *in = in_directory("complex.tif"), *out = in_directory("complex-out.tif");
	const struct image_write_options options = {
		.force = 1, .override_type = 1, .kind = SAMPLE_FLOAT, .bits = 32, .complex = 1
	};
	struct lacuna_shape shape = { { 3, 2, 2, 1 } };
	struct image_writer *w = NULL;
	struct image image = { 0 };
	uint16_t bits = 0, format = 0, samples = 0;
	TIFF *t;

	for (size_t k = 0; k < 3; k++)
		for (int big = 0; big < 2; big++) {
			make_complex(in, big ? "wb" : "wl", kinds[k].format, kinds[k].bits);
			ok(holds_complex(in), "complex numbers of %d bits, %s", kinds[k].bits,
			   big ? "big-endian" : "little-endian");
			ok(!copy(in, out) && holds_complex(out), "they are copied");
			t = TIFFOpen(out, "r");
			if (!ok(t != NULL, "the copy opens"))
				continue;
			TIFFGetField(t, TIFFTAG_BITSPERSAMPLE, &bits);
			TIFFGetField(t, TIFFTAG_SAMPLEFORMAT, &format);
			ok(bits == kinds[k].bits && format == kinds[k].format, "as what they were");
			TIFFClose(t);
		}
	if (image_create(&image, &shape))
		return;
	for (int i = 0; i < 6; i++) {
		image.values[i] = (float)(10 * (i % 3) + i / 3);
		image.values[6 + i] = (float)(10 * (i % 3) + i / 3 - 100);
	}
	ok(!image_writer_create(out, &options, &w) && !image_writer_add(w, NULL, 0, &image) &&
		   !image_writer_commit(w),
	   "two channels are written as complex numbers");
	ok(holds_complex(out), "and read again");
	t = TIFFOpen(out, "r");
	if (ok(t != NULL, "the file opens")) {
		TIFFGetField(t, TIFFTAG_SAMPLESPERPIXEL, &samples);
		TIFFGetField(t, TIFFTAG_SAMPLEFORMAT, &format);
		ok(samples == 1 && format == SAMPLEFORMAT_COMPLEXIEEEFP, "one complex sample");
		TIFFClose(t);
	}
	image_free(&image);
	/* Three channels are no pairs. */
	shape.extent[2] = 3;
	if (image_create(&image, &shape))
		return;
	ok(!image_writer_create(out, &options, &w) && !image_writer_add(w, NULL, 0, &image) &&
		   !image_writer_commit(w),
	   "three channels");
	t = TIFFOpen(out, "r");
	ok(t && get16(t, TIFFTAG_SAMPLEFORMAT) == SAMPLEFORMAT_IEEEFP &&
		   get16(t, TIFFTAG_SAMPLESPERPIXEL) == 3,
	   "are written as real ones");
	if (t)
		TIFFClose(t);
	image_free(&image);
}

int main(void)
{
	const char *base = getenv("TMPDIR");

	/* Hundreds of files are synchronised, which is faster in memory. */
	if (!base)
		base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	snprintf(directory, sizeof directory, "%s/lacuna-tiff-XXXXXX", base);
	if (!mkdtemp(directory))
		tap_bail("no temporary directory");
	TIFFSetErrorHandler(NULL);
	TIFFSetWarningHandler(NULL);
	test_types();
	test_byte_orders();
	test_one_strip();
	test_rows_held();
	test_plain_strip();
	test_part();
	test_formats();
	test_changed();
	test_rewritten();
	test_auxiliary();
	test_pixel_size();
	test_no_size();
	test_long_files();
	test_big();
	test_predictors();
	test_pages();
	test_min_is_white();
	test_palette();
	test_palette_held();
	test_mask_kept();
	test_band_cost();
	test_bands();
	test_stored();
	test_cmyk();
	test_inks();
	test_lab();
	test_ycbcr();
	test_ycbcr_planes();
	test_fax();
	test_tags();
	test_size_change();
	test_scaled_alpha();
	test_override();
	test_override_predictor();
	test_values();
	test_refusals();
	test_unopenable();
	test_not_inherited();
	test_which_page();
	test_reasons();
	test_unwritable();
	test_foreign_tags();
	test_promises();
	test_budget();
	test_hidden_stack();
	test_metamorph();
	test_notes();
	test_not_storable();
	test_blank();
	test_block_rows();
	test_unnamed();
	test_short_strip();
	test_complex_planes();
	test_few_samples();
	test_ome_types();
	test_later_page();
	test_gdal_scale();
	test_cut_stacks();
	test_hidden_planes();
	test_long_runs();
	test_damage_told();
	test_old_lzw();
	test_loop();
	test_truncation();
	test_full_disk();
	test_full_anywhere();
	test_memory_failures();
	test_same_file();
	test_no_map();
	test_sparse();
	test_complex();
	test_complex_colours();
	remove_all();
	ok(!rmdir(directory), "the directory is left empty");
	ok(memory_live_blocks() == 0, "nothing leaks");
	return tap_done();
}
