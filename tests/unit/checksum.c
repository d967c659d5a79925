/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Checksums of deflated strips and tiles: the sum of a page's bytes is that of its checksum, whatever the predictor; a whole
 * file is read in silence; one with a changed bit gives an error, a warning, or the same picture, but for very few. */
#include <config.h>

#include "image/tiff/private.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "tests/tap.h"

#include <unistd.h>
#include <zlib.h>

enum { SIDE = 32, LARGEST = 1 << 16 };

static const char name[] = "unit-checksum.tmp";

static const struct kind {
	const char *what;
	int bits, format, samples, predictor, planes, tiled, reversed;
	const char *mode;
} kinds[] = {
	{ "8 bits", 8, 1, 1, 1, 1, 0, 0, "wl" },
	{ "8 bits, colour, differences", 8, 1, 3, 2, 1, 0, 0, "wl" },
	{ "8 bits, planes, differences", 8, 1, 3, 2, 2, 0, 0, "wl" },
	{ "8 bits, tiles, bits reversed", 8, 1, 3, 2, 1, 1, 1, "wl" },
	{ "12 bits", 12, 1, 1, 1, 1, 0, 0, "wl" },
	{ "16 bits, differences, big-endian", 16, 1, 3, 2, 1, 0, 0, "wb" },
	{ "16 bits, tiles, differences", 16, 1, 1, 2, 1, 1, 0, "wl" },
	{ "32 bits, differences", 32, 1, 1, 2, 1, 0, 0, "wl" },
	{ "32 bits, differences, bits reversed", 32, 1, 1, 2, 1, 0, 1, "wl" },
	{ "32-bit float", 32, 3, 2, 3, 1, 0, 0, "wl" },
	{ "32-bit float, big-endian", 32, 3, 3, 3, 1, 0, 0, "wb" },
	{ "16-bit float, tiles", 16, 3, 1, 3, 1, 1, 0, "wl" },
};

/* Blocks of 16 rows. */
static void set_tags(TIFF *t, const struct kind *k)
{
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, SIDE);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, SIDE);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, k->bits);
	TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, k->format);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, k->samples);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
	TIFFSetField(t, TIFFTAG_PLANARCONFIG, k->planes);
	TIFFSetField(t, TIFFTAG_FILLORDER, k->reversed ? FILLORDER_LSB2MSB : FILLORDER_MSB2LSB);
	TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
	if (k->predictor > 1)
		TIFFSetField(t, TIFFTAG_PREDICTOR, k->predictor);
	if (k->tiled) {
		TIFFSetField(t, TIFFTAG_TILEWIDTH, SIDE);
		TIFFSetField(t, TIFFTAG_TILELENGTH, 16);
	} else {
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 16);
	}
}

/* Bytes that compress, but not to nothing; as floats they are finite. */
static void fill(uint8_t *bytes, size_t n)
{
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(64 + (x >> 27) + i / 64 % 20);
	}
}

static void write_kind(const struct kind *k)
{
	TIFF *t = TIFFOpen(name, k->mode);
	uint8_t block[LARGEST];
	uint32_t blocks;

	if (!t)
		tap_bail("%s cannot be written", name);
	set_tags(t, k);
	blocks = k->tiled ? TIFFNumberOfTiles(t) : TIFFNumberOfStrips(t);
	for (uint32_t i = 0; i < blocks; i++) {
		fill(block, sizeof block); /* libtiff changes it */
		if (k->tiled)
			TIFFWriteEncodedTile(t, i, block, TIFFTileSize(t));
		else
			TIFFWriteEncodedStrip(t, i, block, TIFFStripSize(t));
	}
	TIFFClose(t);
}

static char warning[512];

static void keep(void *context, int level, const char *text)
{
	(void)context;
	if (level == LACUNA_LOG_WARN)
		snprintf(warning, sizeof warning, "%s", text);
}

static int read_picture(struct image *image)
{
	struct image_reader *r = NULL;
	int status = image_reader_open(name, &r);

	warning[0] = '\0';
	memset(image, 0, sizeof *image);
	log_install(keep, NULL);
	if (!status)
		status = image_reader_read(r, 0, image);
	log_install(NULL, NULL);
	image_reader_close(r);
	return status;
}

static size_t read_bytes(uint8_t *bytes)
{
	FILE *f = fopen(name, "rb");
	const size_t n = f ? fread(bytes, 1, LARGEST, f) : 0;

	if (f)
		fclose(f);
	return n;
}

static void write_bytes(const uint8_t *bytes, size_t n)
{
	FILE *f = fopen(name, "wb");

	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f))
		tap_bail("%s cannot be written", name);
}

/* The sum of the first block, as its checksum has it: then nothing is decompressed twice. */
static void test_sum(const struct kind *k)
{
	const struct tiff_layout l = { .type = { k->format == 3 ? SAMPLE_FLOAT : SAMPLE_UNSIGNED,
						 k->bits },
				       .samples = k->samples,
				       .separate = k->planes == 2,
				       .compression = COMPRESSION_ADOBE_DEFLATE,
				       .predictor = (uint16_t)k->predictor };
	TIFF *t = TIFFOpen(name, "r");
	const size_t pitch = (size_t)(k->tiled ? TIFFTileRowSize(t) : TIFFScanlineSize(t));
	uint8_t block[LARGEST], raw[LARGEST];
	const tmsize_t n = k->tiled ? TIFFReadRawTile(t, 0, raw, LARGEST)
				    : TIFFReadRawStrip(t, 0, raw, LARGEST);
	uint64_t sum = 0;

	if (k->tiled)
		TIFFReadEncodedTile(t, 0, block, -1);
	else
		TIFFReadEncodedStrip(t, 0, block, -1);
	for (size_t i = 0; i < 16; i++)
		sum += checksum_of_row(&l, block + i * pitch, pitch);
	if (k->reversed)
		TIFFReverseBits(raw, n);
	ok((1 + sum) % 65521 == (uint64_t)(raw[n - 2] << 8 | raw[n - 1]),
	   "the sum of the bytes is that of the checksum");
	ok(checksum_is_right(t, 0, sum) && checksum_is_right(t, 0, sum + 1),
	   "and if it were not, all would be decompressed");
	TIFFClose(t);
}

/* Changes bits of the first block, and its checksum. */
static void test_bits(const struct image *whole)
{
	TIFF *t = TIFFOpen(name, "r");
	const size_t at = (size_t)TIFFGetStrileOffset(t, 0);
	const size_t n = (size_t)TIFFGetStrileByteCount(t, 0);
	const size_t bytes = lacuna_count(&whole->shape) * sizeof(float);
	uint8_t good[LARGEST], bad[LARGEST];
	const size_t size = read_bytes(good);
	int changed = 0, silent = 0, told = 0, refused = 0;
	struct image image;

	TIFFClose(t);
	for (size_t i = 2; i < n; i += i < n - 8 ? 1 + n / 150 : 1) {
		memcpy(bad, good, size);
		bad[at + i] ^= (uint8_t)(1 << i % 8);
		write_bytes(bad, size);
		if (read_picture(&image))
			refused++;
		else if (warning[0])
			told += strstr(warning, "may be damaged: the checksum of") != NULL;
		else
			silent += memcmp(image.values, whole->values, bytes) != 0;
		changed++;
		image_free(&image);
	}
	/* Sums may be equal by chance. */
	ok(told && silent <= 1, "%d changed bits: %d refused, %d told, %d silent", changed, refused,
	   told, silent);
}

/* A last strip that holds as many rows as the others. */
static void test_full_height(void)
{
	const struct kind *k = &kinds[0];
	TIFF *t = TIFFOpen(name, k->mode);
	uint8_t block[SIDE * 16], raw[LARGEST];
	uLongf n = sizeof raw;
	struct image image;

	set_tags(t, k);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, SIDE - 5);
	fill(block, sizeof block);
	compress(raw, &n, block, sizeof block);
	TIFFWriteRawStrip(t, 0, raw, (tmsize_t)n);
	TIFFWriteRawStrip(t, 1, raw, (tmsize_t)n);
	TIFFClose(t);
	ok(!read_picture(&image) && !warning[0], "a last strip of full height is whole");
	image_free(&image);
}

/* ---- which block, which page ----------------------------------------------------------------------------------------- */

enum { TALL = 45 }; /* the last block is lower than the others */

/* Block number `bad' has a right checksum, but holds more than fits: libtiff reads what it needs of it. */
static void write_block(TIFF *t, const struct kind *k, uint32_t number, size_t n, int bad)
{
	uint8_t block[LARGEST], raw[LARGEST];
	uLongf size = sizeof raw;

	fill(block, sizeof block);
	compress(raw, &size, block, (uLong)(n + (bad ? 100 : 0)));
	if (k->reversed)
		TIFFReverseBits(raw, (tmsize_t)size);
	if (k->tiled)
		TIFFWriteRawTile(t, number, raw, (tmsize_t)size);
	else
		TIFFWriteRawStrip(t, number, raw, (tmsize_t)size);
}

static void write_tall(const char *mode, const struct kind *k, int scheme, int bad)
{
	TIFF *t = TIFFOpen(name, mode);

	set_tags(t, k);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, TALL);
	TIFFSetField(t, TIFFTAG_COMPRESSION, scheme);
	for (uint32_t i = 0; i < (k->tiled ? TIFFNumberOfTiles(t) : TIFFNumberOfStrips(t)); i++) {
		const size_t whole = (size_t)(k->tiled ? TIFFTileSize(t) : TIFFStripSize(t));
		const int is_lower = !k->tiled && i % 3 == 2 && (int)i != bad;

		write_block(t, k, i, is_lower ? whole / 16 * (TALL % 16) : whole, (int)i == bad);
	}
	TIFFClose(t);
}

/* Each block of strips and tiles in turn, planes too, and the older number of the scheme. */
static void test_blocks(void)
{
	static const int schemes[] = { COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE };
	int right = 0, all = 0;

	for (int k = 0; k < 16; k++) {
		const struct kind kind = { "",	       8,      1,   3, 1, 1 + (k >> 2 & 1),
					   k >> 1 & 1, k >> 3, "wl" };

		for (int i = -1; i < (kind.planes == 2 ? 9 : 3); i++) {
			struct image image;
			char wanted[64];

			snprintf(wanted, sizeof wanted, "the checksum of %s %d is wrong",
				 kind.tiled ? "tile" : "strip", i + 1);
			write_tall("wl", &kind, schemes[k & 1], i);
			right += !read_picture(&image) &&
				 (i < 0 ? !warning[0] : strstr(warning, wanted) != NULL);
			image_free(&image);
			all++;
		}
	}
	ok(right == all, "%d of %d: a block that holds too much is told of by its number", right,
	   all);
}

static int told[4]; /* pages */

static void count_told(void *context, int level, const char *text)
{
	const char *page = strstr(text, "page ");

	(void)context;
	if (level == LACUNA_LOG_WARN && page && strstr(text, "may be damaged"))
		told[strtol(page + 5, NULL, 10) & 3]++;
}

/* Each page is told of once, however often it is read. */
static void test_pages(void)
{
	const struct kind kind = { "", 8, 1, 3, 1, 1, 0, 0, "wl" };
	struct image_reader *r = NULL;
	struct image image;

	write_tall("wl", &kind, COMPRESSION_ADOBE_DEFLATE, 1);
	write_tall("al", &kind, COMPRESSION_ADOBE_DEFLATE, -1);
	write_tall("al", &kind, COMPRESSION_ADOBE_DEFLATE, 0);
	log_install(count_told, NULL);
	if (!image_reader_open(name, &r))
		for (int i = 0; i < 6; i++) {
			(void)!image_reader_read(r, i / 2, &image);
			image_free(&image);
		}
	log_install(NULL, NULL);
	image_reader_close(r);
	ok(told[1] == 1 && told[2] == 0 && told[3] == 1 && told[0] == 0,
	   "of three pages the first and the third are told of once (%d %d %d)", told[1], told[2],
	   told[3]);
}

/* Pages that libtiff converts to RGB are checked, too. */
static void test_converted(void)
{
	const struct kind kind = { "", 8, 1, 3, 1, 1, 0, 0, "wl" };
	float reference[6] = { 0, 255, 128, 255, 128, 255 };

	for (int bad = 0; bad < 2; bad++) {
		TIFF *t = TIFFOpen(name, "wl");
		struct image image;

		set_tags(t, &kind);
		TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
		TIFFSetField(t, TIFFTAG_YCBCRSUBSAMPLING, 2, 2);
		TIFFSetField(t, TIFFTAG_REFERENCEBLACKWHITE, reference);
		for (uint32_t i = 0; i < 2; i++)
			write_block(t, &kind, i, SIDE * 16 * 3 / 2, bad && i);
		TIFFClose(t);
		ok(!read_picture(&image) &&
			   (bad ? strstr(warning, "the checksum of strip 2 is wrong") != NULL
				: !warning[0]),
		   "a converted page, %s: %s", bad ? "damaged" : "sound", warning);
		image_free(&image);
	}
}

/* A sound block is not decompressed twice: there is no memory for its bytes. */
static void test_once(void)
{
	enum { LARGE = 256 };
	static uint8_t block[LARGE * LARGE];
	struct image image;
	TIFF *t = TIFFOpen(name, "wl");
	uint32_t x = 7;
	size_t peak;
	int good;

	for (size_t i = 0; i < sizeof block; i++) {
		x = x * 1664525u + 1013904223u;
		block[i] = (uint8_t)(x >> 24);
	}
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, LARGE);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, LARGE);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 8);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
	TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, LARGE);
	TIFFWriteEncodedStrip(t, 0, block, sizeof block);
	TIFFClose(t);
	memory_reset_peak();
	good = !read_picture(&image) && !warning[0];
	peak = memory_peak_bytes();
	ok(good && peak < sizeof block * sizeof(float) + sizeof block / 2,
	   "a sound block is decompressed once (%zu bytes)", peak);
	image_free(&image);
}

int main(void)
{
	TIFFSetErrorHandler(NULL);
	TIFFSetWarningHandler(NULL);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct image whole;

		write_kind(&kinds[i]);
		ok(!read_picture(&whole) && !warning[0], "%s: read in silence", kinds[i].what);
		if (kinds[i].predictor * kinds[i].bits != 64)
			test_sum(&kinds[i]);
		test_bits(&whole);
		image_free(&whole);
	}
	test_full_height();
	test_blocks();
	test_pages();
	test_converted();
	test_once();
	unlink(name);
	return tap_done();
}
