/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Fuzz target of the TIFF reader and writer.
 *
 * As a test (make check) it damages small files, made here with libtiff, in many reproducible ways.  With paths as arguments it
 * replays those files.  With -DFUZZING_ENGINE it is a libFuzzer target:
 *
 *	clang -g -fsanitize=fuzzer,address,undefined -DFUZZING_ENGINE -I. -Isrc -Iinclude tests/fuzz/tiff.c \
 *		src/base/{error,log,memory,temporary}.c src/image/[a-z]*.c -ltiff -lm -o fuzz-tiff
 *
 * A file is read whole or refused with one line; what was read can be written and read again, and nothing leaks. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "image/tiff.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <tiffio.h>
#include <unistd.h>

static char directory[256], input[300], output[300];

static void set_up(void)
{
	const char *base = getenv("TMPDIR");

	if (!base)
		base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	snprintf(directory, sizeof(directory), "%s/lacuna-fuzz-XXXXXX", base);
	if (!mkdtemp(directory))
		abort();
	snprintf(input, sizeof(input), "%s/in.tif", directory);
	snprintf(output, sizeof(output), "%s/out.tif", directory);
	TIFFSetErrorHandler(NULL);
	TIFFSetWarningHandler(NULL);
	memory_set_budget(8 << 20);
}

static void store(const char *path, const uint8_t *data, size_t n)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		abort();
	close(fd);
}

/* Values are compared in samples of 24 bits and less, where nothing is rounded. */
static int equal(const struct image *a, const struct image *b, const struct tiff_page *page)
{
	if (memcmp(&a->shape, &b->shape, sizeof(a->shape)))
		return 0;
	return page->kind == SAMPLE_FLOAT || page->bits > 24 ||
	       !memcmp(a->values, b->values, lacuna_count(&a->shape) * sizeof(float));
}

static int rewrite(struct tiff_reader *r, int page, const struct image *image)
{
	struct tiff_write_options options = { .force = 1 };
	struct tiff_reader *again = NULL;
	struct tiff_writer *w;
	struct tiff_page info;
	struct image second = { .values = NULL };
	int status = tiff_create(output, &options, &w);

	if (status)
		return status;
	status = tiff_write(w, r, page, image);
	if (status) {
		tiff_abandon(w);
		return status;
	}
	status = tiff_commit(w);
	if (!status)
		status = tiff_open(output, &again);
	if (!status)
		status = tiff_page_info(again, 0, &info);
	if (!status)
		status = tiff_read(again, 0, &second);
	if (!status && !equal(image, &second, &info))
		abort();
	image_free(&second);
	tiff_close(again);
	return status;
}

/* 1: read and written; 0: refused. */
static int try_file(const char *path)
{
	struct tiff_reader *r;
	struct tiff_page info;
	struct image image;
	int status;

	error_clear();
	status = tiff_open(path, &r);
	if (status)
		return 0;
	for (int page = 0; !status && page < tiff_page_count(r) && page < 3; page++) {
		status = tiff_page_info(r, page, &info);
		if (!status)
			status = tiff_read(r, page, &image);
		if (!status) {
			status = rewrite(r, page, &image);
			image_free(&image);
		}
	}
	tiff_close(r);
	return !status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!directory[0])
		set_up();
	store(input, data, size);
	if (!try_file(input) && (!error_text()[0] || strchr(error_text(), '\n')))
		abort();
	if (memory_live_blocks())
		abort();
	return 0;
}

#ifndef FUZZING_ENGINE

enum { SIZE = 24, LIMIT = 1 << 14 };

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
	{ "wb", "12 bits", 12, 1, PHOTOMETRIC_MINISWHITE, COMPRESSION_NONE, 0 },
};

static size_t load(const char *path, uint8_t *data, size_t size)
{
	const int fd = open(path, O_RDONLY);
	const ssize_t n = fd < 0 ? 0 : read(fd, data, size);

	if (fd >= 0)
		close(fd);
	return n > 0 ? (size_t)n : 0;
}

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
			for (size_t i = 0; i < sizeof(row); i++)
				row[i] = (uint8_t)(i / 7 * 11 + (size_t)y);
			if (s->tile)
				TIFFWriteTile(t, row, (uint32_t)x, (uint32_t)y, 0, 0);
			else
				TIFFWriteScanline(t, row, (uint32_t)y, 0);
		}
	TIFFClose(t);
	return load(input, data, LIMIT);
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A few bytes changed, most often to the values that break arithmetic; sometimes the end cut off. */
static size_t damage(uint8_t *data, size_t n, uint64_t *state)
{
	static const uint8_t favourites[] = { 0, 1, 2, 3, 4, 7, 8, 16, 127, 128, 254, 255 };
	const int changes = 1 + (int)(next(state) % 4);

	for (int i = 0; i < changes; i++) {
		/* Headers and directories stand at the ends of a file. */
		size_t at = next(state) % n;

		if (next(state) % 3)
			at = next(state) % 2 ? at % 16 : n - 1 - at % (n < 300 ? n : 300);
		data[at] = next(state) % 4 ? favourites[next(state) % sizeof(favourites)]
					   : (uint8_t)next(state);
	}
	return next(state) % 8 ? n : 1 + next(state) % n;
}

static void test_seed(const struct seed *s)
{
	enum { ROUNDS = 250 };
	uint8_t whole[LIMIT], data[LIMIT];
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)(s - seeds);
	size_t n;
	int read = 0;

	if (!TIFFIsCODECConfigured((uint16_t)s->compression)) {
		skip("not in this libtiff", "%s", s->name);
		return;
	}
	n = make_seed(s, whole);
	if (!ok(n && try_file(input), "%s: the whole file", s->name))
		diag("%s", error_text());
	for (int i = 0; i < ROUNDS; i++) {
		memcpy(data, whole, n);
		LLVMFuzzerTestOneInput(data, damage(data, n, &state));
		read += !error_text()[0];
	}
	ok(1, "%s: %d damaged files, %d of them readable", s->name, ROUNDS, read);
}

int main(int argc, char **argv)
{
	set_up();
	for (int i = 1; i < argc; i++)
		ok(try_file(argv[i]) || error_text()[0], "%s: %s", argv[i], error_text());
	for (size_t i = 0; argc == 1 && i < sizeof(seeds) / sizeof(seeds[0]); i++)
		test_seed(&seeds[i]);
	unlink(input);
	unlink(output);
	ok(!rmdir(directory), "no temporary is left");
	return tap_done();
}

#endif
