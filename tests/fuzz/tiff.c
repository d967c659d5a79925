/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Fuzz target of the TIFF reader and writer.  After ../configure in the folder build:
 *
 *	clang -g -fsanitize=fuzzer,address,undefined -DFUZZING_ENGINE -I. -Ibuild -Isrc -Iinclude tests/fuzz/tiff.c \
 *		src/base/{context,error,file,log,memory,temporary,text}.c src/image/{,tiff/}[a-z]*.c \
 *		-ltiff -lpng -lz -lm -o fuzz-tiff
 *
 * A file is read completely or refused with one line.  What was read can be written and read again, libtiff's own reader of
 * pictures (TIFFReadRGBA) gives the same where the two can be compared, and nothing leaks. */
#include <config.h>

#include "base/log.h"
#include "image/file.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <tiffio.h>
#include <zlib.h>

enum { LARGEST = 1 << 20 }; /* bytes of a strip or tile */

static char output[320];

/* Compares values only for samples of at most 24 bits, where nothing is rounded. */
static int equal(const struct image *a, const struct image *b, const struct image_page *page)
{
	if (memcmp(&a->shape, &b->shape, sizeof a->shape))
		return 0;
	return page->kind == SAMPLE_FLOAT || page->bits > 24 ||
	       !memcmp(a->values, b->values, lacuna_count(&a->shape) * sizeof(float));
}

static int rewrite(struct image_reader *r, int page, const struct image *image)
{
	struct image_write_options options = { .force = 1 };
	struct image_reader *again = NULL;
	struct image_writer *w;
	struct image_page info;
	struct image second = { .values = NULL };
	int status = image_writer_create(output, &options, &w);

	if (status)
		return status;
	status = image_writer_add(w, r, page, image);
	if (status) {
		image_writer_abandon(w);
		return status;
	}
	status = image_writer_commit(w);
	if (!status)
		status = image_reader_open(output, &again);
	if (!status)
		status = image_reader_page(again, 0, &info);
	if (!status)
		status = image_reader_read(again, 0, &second);
	if (!status && !equal(image, &second, &info))
		abort();
	image_free(&second);
	image_reader_close(again);
	return status;
}

/* ---- a second opinion ------------------------------------------------------------------------------------------------- */

static unsigned tag(TIFF *t, uint32_t which)
{
	uint16_t v = 0;

	TIFFGetFieldDefaulted(t, which, &v);
	return v;
}

/* Whether libtiff's conversion to 8-bit RGB can be compared with ours.  It treats signed numbers as unsigned ones,
 * multiplies by unassociated alpha, turns planes of YCbCr into gray, and guesses differently what a file does not say. */
static int is_comparable(TIFF *t)
{
	const unsigned bits = tag(t, TIFFTAG_BITSPERSAMPLE);
	uint16_t photometric = 0;
	uint32_t side = 16;
	uint16_t extra = 0, *meaning = NULL;
	char reason[1024] = "";

	TIFFGetFieldDefaulted(t, TIFFTAG_EXTRASAMPLES, &extra, &meaning);
	if (!TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &photometric))
		return 0;
	/* libtiff 4.5 uses a wrong row stride for tiles cut by the picture's border with several samples, and for tiles
	 * whose side is not a multiple of 16 as required. */
	TIFFGetField(t, TIFFTAG_TILEWIDTH, &side);
	if (side % 16 ||
	    (photometric <= PHOTOMETRIC_MINISBLACK && tag(t, TIFFTAG_SAMPLESPERPIXEL) > 1))
		return 0;
	for (int i = 0; i < extra; i++)
		if (meaning[i] == EXTRASAMPLE_UNASSALPHA)
			return 0;
	if (photometric == PHOTOMETRIC_YCBCR &&
	    tag(t, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE)
		return 0;
	return (photometric == PHOTOMETRIC_MINISWHITE || photometric == PHOTOMETRIC_MINISBLACK ||
		photometric == PHOTOMETRIC_RGB || photometric == PHOTOMETRIC_PALETTE ||
		photometric == PHOTOMETRIC_YCBCR) &&
	       (tag(t, TIFFTAG_SAMPLEFORMAT) == SAMPLEFORMAT_UINT ||
		tag(t, TIFFTAG_SAMPLEFORMAT) == SAMPLEFORMAT_VOID) &&
	       bits <= 16 && TIFFRGBAImageOK(t, reason);
}

/* Returns 0 if a deflated strip or tile is damaged and holds more than fits into it.  For the last bytes libtiff then
 * returns old content of its buffer when it decodes at once (libdeflate), and data when it decodes row by row (zlib). */
static int fits(TIFF *t)
{
	const unsigned how = tag(t, TIFFTAG_COMPRESSION);
	const uint32_t count = TIFFIsTiled(t) ? TIFFNumberOfTiles(t) : TIFFNumberOfStrips(t);
	const uLong most = (uLong)(TIFFIsTiled(t) ? TIFFTileSize(t) : TIFFStripSize(t));
	Bytef *whole;
	int good = 1;

	if (how != COMPRESSION_ADOBE_DEFLATE && how != COMPRESSION_DEFLATE)
		return 1;
	whole = malloc(most);
	for (uint32_t i = 0; whole && good && i < count; i++) {
		const tmsize_t n = (tmsize_t)TIFFGetStrileByteCount(t, i);
		Bytef *raw = n > 0 && n <= LARGEST ? malloc((size_t)n) : NULL;
		uLongf size = most;

		if (raw)
			good = (TIFFIsTiled(t) ? TIFFReadRawTile(t, i, raw, n)
					       : TIFFReadRawStrip(t, i, raw, n)) != n ||
			       uncompress(whole, &size, raw, (uLong)n) != Z_BUF_ERROR;
		free(raw);
	}
	free(whole);
	return whole && good;
}

/* libtiff keeps the upper 8 of 16 bits, or rounds. */
static int agrees(const struct image *image, const struct image_page *info, size_t colours,
		  const uint32_t *raster)
{
	const size_t plane = (size_t)image->shape.extent[0] * (size_t)image->shape.extent[1];
	const float scale = 255 / (float)info->full_scale.hi, near = info->bits > 8 ? 1.01f : 0.51f;

	for (size_t i = 0; i < plane; i++) {
		const uint32_t v = raster[i];
		const float seen[3] = { (float)TIFFGetR(v), (float)TIFFGetG(v),
					(float)TIFFGetB(v) };

		for (size_t c = 0; c < colours; c++)
			if (!(fabsf(image->values[i + c * plane] * scale - seen[c]) <= near)) {
				diag("pixel %zu, colour %zu: %g, libtiff sees %g of 255", i, c,
				     (double)(image->values[i + c * plane] * scale),
				     (double)seen[c]);
				fflush(stdout);
				return 0;
			}
	}
	return 1;
}

/* Set by our own warning that a page may be damaged; such a page is not compared. */
static int doubted;

static void hear(void *context, int level, const char *text)
{
	(void)context;
	doubted |= level == LACUNA_LOG_WARN && strstr(text, "may be damaged");
}

/* Aborts if libtiff sees another picture. */
static int compared;

static void ask_libtiff(const char *path, int page, const struct image_page *info,
			const struct image *image)
{
	TIFF *t = TIFFOpen(path, "rM");
	const uint32_t w = (uint32_t)image->shape.extent[0], h = (uint32_t)image->shape.extent[1];
	uint32_t *raster = NULL;

	if (!doubted && t && TIFFSetDirectory(t, (tdir_t)page) && is_comparable(t) && fits(t))
		raster = malloc((size_t)w * h * sizeof *raster);
	if (raster &&
	    TIFFReadRGBAImageOriented(t, w, h, raster, (int)tag(t, TIFFTAG_ORIENTATION), 1)) {
		compared++;
		if (!agrees(image, info,
			    tag(t, TIFFTAG_PHOTOMETRIC) <= PHOTOMETRIC_MINISBLACK ? 1 : 3, raster))
			abort();
	}
	free(raster);
	if (t)
		TIFFClose(t);
}

/* ---- one file --------------------------------------------------------------------------------------------------------- */

/* Returns 1 if the file was read and written, 0 if it was refused. */
static int try_file(const char *path)
{
	struct image_reader *r;
	struct image_page info;
	struct image image;
	int status;

	error_clear();
	status = image_reader_open(path, &r);
	if (status)
		return 0;
	for (int page = 0; !status && page < r->pages && page < 3; page++) {
		double size[2];

		doubted = 0;
		status = image_reader_page(r, page, &info);
		if (!status)
			status = image_reader_read(r, page, &image);
		if (!status) {
			ask_libtiff(path, page, &info, &image);
			image_reader_pixel_size(r, size);
			status = rewrite(r, page, &image);
			image_free(&image);
		}
	}
	image_reader_close(r);
	return !status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!directory[0]) {
		set_up("in.tif");
		snprintf(output, sizeof output, "%s/out.tif", directory);
		log_install(hear, NULL);
		TIFFSetErrorHandler(NULL);
		TIFFSetWarningHandler(NULL);
	}
	store(input, data, size);
	judge(!try_file(input));
	return 0;
}

#ifndef FUZZING_ENGINE

enum { SIZE = 24 };

struct seed {
	const char *mode, *name;
	int bits, samples, photometric, compression, tile;
};

static const struct seed seeds[] = {
	{ "wl", "grey", 8, 1, PHOTOMETRIC_MINISBLACK, COMPRESSION_NONE, 0 },
	{ "wb", "RGBA, LZW", 16, 4, PHOTOMETRIC_RGB, COMPRESSION_LZW, 0 },
	{ "wl8", "tiles, Deflate", 8, 3, PHOTOMETRIC_RGB, COMPRESSION_ADOBE_DEFLATE, 1 },
	{ "wl", "palette, PackBits", 4, 1, PHOTOMETRIC_PALETTE, COMPRESSION_PACKBITS, 0 },
	{ "wl", "fax", 1, 1, PHOTOMETRIC_MINISWHITE, COMPRESSION_CCITTFAX4, 0 },
	{ "wl", "JPEG", 8, 3, PHOTOMETRIC_YCBCR, COMPRESSION_JPEG, 0 },
	{ "wb", "16 bits, black is white", 16, 1, PHOTOMETRIC_MINISWHITE, COMPRESSION_LZW, 0 },
	{ "wl", "two bits", 2, 1, PHOTOMETRIC_MINISBLACK, COMPRESSION_NONE, 1 },
	{ "wb", "12 bits", 12, 1, PHOTOMETRIC_MINISWHITE, COMPRESSION_NONE, 0 },
};

static void set_tags(TIFF *t, const struct seed *s)
{
	uint16_t map[256] = { 0 };

	for (int i = 0; i < 256; i++)
		map[i] = (uint16_t)(i * 4369);
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, SIZE);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, SIZE);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, s->bits);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, s->samples);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, s->photometric);
	TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
	TIFFSetField(t, TIFFTAG_COMPRESSION, s->compression);
	TIFFSetField(t, TIFFTAG_IMAGEDESCRIPTION, "a seed");
	TIFFSetField(t, TIFFTAG_XRESOLUTION, 72.0);
	if (s->photometric == PHOTOMETRIC_YCBCR)
		TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
	if (s->photometric == PHOTOMETRIC_PALETTE)
		TIFFSetField(t, TIFFTAG_COLORMAP, map, map, map);
	if (s->samples == 4)
		TIFFSetField(t, TIFFTAG_EXTRASAMPLES, 1, (uint16_t[]){ EXTRASAMPLE_ASSOCALPHA });
	if (s->tile) {
		TIFFSetField(t, TIFFTAG_TILEWIDTH, 16);
		TIFFSetField(t, TIFFTAG_TILELENGTH, 16);
	} else {
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 16);
	}
}

static size_t make_seed(const struct seed *s, uint8_t *data)
{
	uint8_t row[16 * 16 * 8];
	TIFF *t = TIFFOpen(input, s->mode);

	set_tags(t, s);
	for (int y = 0; y < SIZE; y += s->tile ? 16 : 1)
		for (int x = 0; x < SIZE; x += s->tile ? 16 : SIZE) {
			for (size_t i = 0; i < sizeof row; i++)
				row[i] = (uint8_t)(i / 7 * 11 + (size_t)y);
			if (s->tile)
				TIFFWriteTile(t, row, (uint32_t)x, (uint32_t)y, 0, 0);
			else
				TIFFWriteScanline(t, row, (uint32_t)y, 0);
		}
	TIFFClose(t);
	return load(input, data, LIMIT);
}

static void test_seeds(uint64_t seed, int rounds)
{
	static uint8_t whole[LIMIT];

	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		if (!TIFFIsCODECConfigured((uint16_t)seeds[i].compression)) {
			skip("not in this libtiff", "%s", seeds[i].name);
			continue;
		}
		try_seed(seeds[i].name, whole, make_seed(&seeds[i], whole), seed + i, rounds);
	}
}

int main(int argc, char **argv)
{
	int status;

	LLVMFuzzerTestOneInput((const uint8_t *)"II", 2);
	status = fuzz_main(argc, argv, test_seeds);
	unlink(input);
	unlink(output);
	return rmdir(directory) || (argc == 1 && compared < 100) || status;
}

#endif
