/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Pictures that operators take (masks, kernels, matrices): every format means the same numbers; pages are frames, or follow those
 * of the picture; what cannot be read is refused with its line.  And what the command line says of pages, ranges and types. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "cli/picture.h"
#include "tests/tap.h"

#include <stdint.h>
#include <tiffio.h>
#include <unistd.h>

static const char name[] = "unit-picture.tmp";

static void write_text(const char *text)
{
	FILE *f = fopen(name, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		tap_bail("%s cannot be written", name);
}

/* ---- text ------------------------------------------------------------------------------------------------------------ */

static void test_matrix(void)
{
	static const char *const same[] = {
		"1 2 3\n4 5 6\n",
		"1,2;3\r\n4\t5  6",
		"# a matrix of 9 numbers\n\n1 2 3 # and 7\n\n#\n4 5 6\n\n",
		"1e0 +2 3.0\n4 5 0.6e1\n",
	};
	static const struct {
		const char *text, *word;
	} wrong[] = {
		{ "1 2 3\n4 5\n", "line 2 has 2 numbers, but the lines before it have 3" },
		{ "1 2\n4 5 6\n", "line 2 has 3 numbers, but the lines before it have 2" },
		{ "# one\n\n1 2\n# two\n3\n", "line 5 has 1 numbers" },
		{ "# one\n1 2\n\n3 x\n", "line 4: 'x' is not a number" },
		{ "# nothing\n\n", "has no numbers" },
		{ "", "has no numbers" },
	};
	static const float want[] = { 1, 2, 3, 4, 5, 6 };
	struct lacuna_shape shape;
	float *values = NULL;

	for (size_t k = 0; k < sizeof same / sizeof *same; k++) {
		write_text(same[k]);
		ok(!picture_read(name, &shape, &values) && shape.extent[0] == 3 &&
			   shape.extent[1] == 2 && shape.extent[2] == 1 && shape.extent[3] == 1 &&
			   !memcmp(values, want, sizeof want),
		   "matrix %zu", k);
		memory_release(values);
		values = NULL;
	}
	for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
		write_text(wrong[k].text);
		ok(picture_read(name, &shape, &values) < 0 && strstr(error_text(), wrong[k].word) &&
			   strstr(error_text(), name),
		   "no matrix: %s", error_text());
	}
	write_text("\xff\xd8\xff\xe0 JFIF");
	ok(picture_read(name, &shape, &values) < 0 && strstr(error_text(), "is a JPEG picture"),
	   "other formats are named: %s", error_text());
	write_text("\x01\x02 3 4");
	ok(picture_read(name, &shape, &values) < 0 && strstr(error_text(), "TIFF"),
	   "nor is it text: %s", error_text());
}

/* ---- TIFF ------------------------------------------------------------------------------------------------------------ */

enum { WIDTH = 4, HEIGHT = 3, PIXELS = WIDTH * HEIGHT };

struct kind {
	const char *mode;
	int bits, format, samples,
		alpha; /* alpha: the meaning of the last sample; 0: there is none */
};

/* The value of a sample, as a part of full scale. */
static double sample(int page, int s, int i)
{
	return (double)((page * 5 + s * 3 + i * 7) % 16) / 15;
}

/* Adds a page; subfile: an overview or a mask. */
static void add_page(const struct kind *k, int page, uint32_t subfile)
{
	TIFF *t = TIFFOpen(name, page ? "a" : k->mode);
	const uint16_t meaning = (uint16_t)k->alpha;
	const int colours = k->samples - (k->alpha != 0);
	float row[WIDTH * 4];

	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, WIDTH);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, HEIGHT);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, k->bits);
	TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, k->format);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, k->samples);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC,
		     colours == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
	TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, HEIGHT);
	TIFFSetField(t, TIFFTAG_SUBFILETYPE, subfile);
	if (k->alpha)
		TIFFSetField(t, TIFFTAG_EXTRASAMPLES, 1, &meaning);
	for (uint32_t y = 0; y < HEIGHT; y++) {
		for (int j = 0; j < WIDTH * k->samples; j++) {
			const double v =
				sample(page, j % k->samples, (int)y * WIDTH + j / k->samples);

			if (k->bits == 8)
				((uint8_t *)row)[j] = (uint8_t)lrint(v * 255);
			else if (k->bits == 16 && k->format == SAMPLEFORMAT_INT)
				((int16_t *)row)[j] = (int16_t)(lrint(v * 65535) - 32768);
			else if (k->bits == 16)
				((uint16_t *)row)[j] = (uint16_t)lrint(v * 65535);
			else
				row[j] = (float)v;
		}
		TIFFWriteScanline(t, row, y, 0);
	}
	TIFFClose(t);
}

/* The picture on white paper. */
static double seen(const struct kind *k, int page, int c, int i)
{
	const double v = sample(page, c, i), a = sample(page, k->samples - 1, i);

	return !k->alpha ? v : k->alpha == EXTRASAMPLE_ASSOCALPHA ? v + 1 - a : 1 - a * (1 - v);
}

static int is_page(const struct kind *k, int page, const float *values)
{
	const int colours = k->samples - (k->alpha != 0);

	for (int c = 0; c < colours; c++)
		for (int i = 0; i < PIXELS; i++)
			if (!(fabs((double)values[c * PIXELS + i] - seen(k, page, c, i)) < 2e-3))
				return 0;
	return 1;
}

/* Integers of all types, floats, both byte orders, alpha: the same numbers.  Pages are frames. */
static void test_tiff(void)
{
	static const struct kind kinds[] = {
		{ "wl", 8, SAMPLEFORMAT_UINT, 1, 0 },
		{ "wb", 16, SAMPLEFORMAT_UINT, 3, 0 },
		{ "wb", 16, SAMPLEFORMAT_INT, 1, 0 },
		{ "wl", 32, SAMPLEFORMAT_IEEEFP, 1, 0 },
		{ "wb8", 32, SAMPLEFORMAT_IEEEFP, 3, 0 },
		{ "wl", 8, SAMPLEFORMAT_UINT, 4, EXTRASAMPLE_UNASSALPHA },
		{ "wb", 16, SAMPLEFORMAT_UINT, 2, EXTRASAMPLE_ASSOCALPHA },
		{ "wl", 32, SAMPLEFORMAT_IEEEFP, 4, EXTRASAMPLE_UNASSALPHA },
		{ "wb", 32, SAMPLEFORMAT_IEEEFP, 2, EXTRASAMPLE_ASSOCALPHA },
		{ "wl", 16, SAMPLEFORMAT_INT, 2, EXTRASAMPLE_UNASSALPHA },
	};
	struct lacuna_shape shape;
	float *values = NULL;

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (int pages = 1; pages <= 3; pages += 2) {
			const int colours = kinds[k].samples - (kinds[k].alpha != 0);
			int right;

			for (int page = 0; page < pages; page++)
				add_page(&kinds[k], page, 0);
			right = !picture_read(name, &shape, &values) && shape.extent[0] == WIDTH &&
				shape.extent[1] == HEIGHT && shape.extent[2] == colours &&
				shape.extent[3] == pages;
			for (int page = 0; right && page < pages; page++)
				right = is_page(&kinds[k], page, values + page * colours * PIXELS);
			ok(right, "%d bits, format %d, %d samples, alpha %d, %d pages",
			   kinds[k].bits, kinds[k].format, kinds[k].samples, kinds[k].alpha, pages);
			memory_release(values);
			values = NULL;
		}
	add_page(&kinds[0], 0, 0);
	add_page(&kinds[1], 1, 0);
	ok(picture_read(name, &shape, &values) < 0 && strstr(error_text(), "different sizes"),
	   "gray and colour are no frames: %s", error_text());
}

/* Pages that go with those of a picture.  Overviews and masks are none. */
static void test_follow(void)
{
	static const struct kind gray = { "wl", 8, SAMPLEFORMAT_UINT, 1, 0 };
	static const char *const paths[] = { name };
	static const struct {
		uint32_t subfile[3]; /* of each page */
		int own, pages;	     /* of the file, of the picture */
		int chosen[3];	     /* page of the file for each of the picture's; -1: refused */
		int count;
	} cases[] = {
		{ { 0 }, 1, 1, { 0 }, 1 },
		{ { 0 }, 1, 3, { 0, 0, 0 }, 1 },
		{ { 0, 0, 0 }, 3, 3, { 0, 1, 2 }, 3 },
		{ { 0, 0 }, 2, 3, { -1, -1, -1 }, 0 },
		{ { 0, 0, 0 }, 3, 1, { -1 }, 0 },
		/* one page, and its overview and mask */
		{ { 0, 1, 4 }, 3, 1, { 0 }, 1 },
		{ { 1, 4, 0 }, 3, 1, { 2 }, 1 },
		{ { 1, 0 }, 2, 3, { 1, 1, 1 }, 1 },
	};
	struct lacuna_shape shape;
	float *values = NULL;

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		int right = 1, count = 0, status;

		for (int page = 0; page < cases[k].own; page++)
			add_page(&gray, page, cases[k].subfile[page]);
		status = picture_count_pages(name, cases[k].pages, &count);
		right &= cases[k].count ? !status && count == cases[k].count : status < 0;
		for (int page = 0; page < cases[k].pages; page++) {
			picture_follow(paths, 1, page, cases[k].pages);
			status = picture_read(name, &shape, &values);
			right &=
				cases[k].chosen[page] < 0
					? status < 0
					: !status &&
						  is_page(&gray, cases[k].chosen[page], values) &&
						  shape.extent[3] == (cases[k].own == cases[k].pages
									      ? cases[k].pages
									      : 1);
			memory_release(values);
			values = NULL;
		}
		ok(right, "a file of %d pages for a picture of %d (%zu)", cases[k].own,
		   cases[k].pages, k);
	}
	picture_follow(NULL, 0, 0, 0);
}

/* ---- words of the command line --------------------------------------------------------------------------------------- */

static void test_ranges(void)
{
	static const char *const wrong[] = { "1:1",	"2:1",	 "nan:1", "-inf:inf",
					     "0:1e999", "0",	 ":",	  "0:",
					     ":1",	"0:1:2", "a:b",	  "-1e308:1e308" };
	struct image_range range;

	ok(!picture_parse_range("-5:4095.5", &range) && range.lo == -5 && range.hi == 4095.5,
	   "a range");
	for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
		ok(picture_parse_range(wrong[k], &range) == LACUNA_EINVAL, "no range: %s",
		   wrong[k]);
}

/* The values that are 0 and 1: stated, those of an integer type, 0 and 1 for floats that lie about there, or measured. */
static void test_scale(void)
{
	static const struct image_range stated = { 3, 7 };
	static const struct {
		enum sample_kind kind;
		float values[3];
		double lo, hi;
		int measured;
	} cases[] = {
		{ SAMPLE_UNSIGNED, { 5, 6, 7 }, 0, 255, 0 },
		{ SAMPLE_FLOAT, { -0.5F, 1, 1.5F }, 0, 1, 0 },
		{ SAMPLE_FLOAT, { -0.6F, 0, 1 }, -0.6, 1, 1 },
		{ SAMPLE_FLOAT, { 0, NAN, 2 }, 0, 2, 1 },
		{ SAMPLE_FLOAT, { INFINITY, 4, 9 }, 4, 9, 1 },
		{ SAMPLE_FLOAT, { 5, 5, 5 }, 5, 6, 1 }, /* one value */
	};
	const struct lacuna_shape shape = { { 3, 1, 1, 1 } };
	struct image_range range;
	struct image image;
	int measured = 1;

	if (image_create(&image, &shape))
		return;
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		const struct image_page page = { .kind = cases[k].kind, .full_scale = { 0, 255 } };

		memcpy(image.values, cases[k].values, sizeof cases[k].values);
		ok(!picture_range(&page, &image, NULL, &range, &measured) &&
			   fabs(range.lo - cases[k].lo) < 1e-6 &&
			   fabs(range.hi - cases[k].hi) < 1e-6 && measured == cases[k].measured,
		   "range %zu: %g to %g", k, range.lo, range.hi);
		ok(!picture_range(&page, &image, &stated, &range, &measured) && range.lo == 3 &&
			   range.hi == 7 && !measured,
		   "one that is stated");
	}
	/* A second picture has the range of the first if their types are the same. */
	for (int bits = 8; bits <= 32; bits *= 2)
		for (int like = 8; like <= 32; like *= 2)
			for (int k = 0; k < 2; k++) {
				const enum sample_kind kind = k ? SAMPLE_FLOAT : SAMPLE_UNSIGNED;
				const struct image_page page = { .kind = kind,
								 .bits = bits,
								 .full_scale = { 0, 255 } },
							first = { .kind = kind, .bits = like };
				const int same = k || bits == like;

				ok(!picture_range_like(&page, &image, &first, &stated, &range) &&
					   (same ? range.lo == 3 && range.hi == 7
						 : range.lo == 0 && range.hi == 255),
				   "%d bits beside %d: %s", bits, like, same ? "one range" : "two");
			}
	for (int i = 0; i < 3; i++)
		image.values[i] = NAN;
	ok(picture_range(&(struct image_page){ .kind = SAMPLE_FLOAT }, &image, NULL, &range,
			 NULL) == LACUNA_EINVAL,
	   "no value, no range");
	image_free(&image);
}

static void test_types(void)
{
	static const struct {
		const char *name;
		enum sample_kind kind;
		int bits;
	} types[] = {
		{ "uint8", SAMPLE_UNSIGNED, 8 },   { "uint16", SAMPLE_UNSIGNED, 16 },
		{ "uint32", SAMPLE_UNSIGNED, 32 }, { "int8", SAMPLE_SIGNED, 8 },
		{ "int16", SAMPLE_SIGNED, 16 },	   { "int32", SAMPLE_SIGNED, 32 },
		{ "float16", SAMPLE_FLOAT, 16 },   { "float32", SAMPLE_FLOAT, 32 },
		{ "float64", SAMPLE_FLOAT, 64 },
	};
	const size_t n = sizeof types / sizeof *types;

	for (size_t k = 0; k < n; k++) {
		enum sample_kind kind = SAMPLE_UNSIGNED;
		int bits = 0;

		picture_type(types[k].name, &kind, &bits);
		ok(kind == types[k].kind && bits == types[k].bits &&
			   !strcmp(picture_type_name(kind, bits), types[k].name) &&
			   !strcmp(picture_types[k], types[k].name),
		   "%s", types[k].name);
	}
	ok(!picture_types[n], "and no others");
	ok(picture_holds(SAMPLE_SIGNED, 8, -128) && !picture_holds(SAMPLE_SIGNED, 8, -129) &&
		   picture_holds(SAMPLE_SIGNED, 8, 127) && !picture_holds(SAMPLE_SIGNED, 8, 128) &&
		   picture_holds(SAMPLE_UNSIGNED, 16, 65535) &&
		   picture_holds(SAMPLE_UNSIGNED, 16, 0) &&
		   !picture_holds(SAMPLE_UNSIGNED, 16, 65536) &&
		   !picture_holds(SAMPLE_UNSIGNED, 16, -1),
	   "integers hold their range");
	ok(!picture_holds(SAMPLE_UNSIGNED, 8, 0.5) && !picture_holds(SAMPLE_SIGNED, 16, -0.5) &&
		   !picture_holds(SAMPLE_UNSIGNED, 8, NAN) &&
		   picture_holds(SAMPLE_FLOAT, 16, NAN) && picture_holds(SAMPLE_FLOAT, 32, -0.5),
	   "and neither fractions nor NaN; floats do");
}

static void test_pages(void)
{
	static const struct {
		const char *text;
		int count, pages[8];
	} cases[] = {
		{ NULL, 8, { 0, 1, 2, 3, 4, 5, 6, 7 } },
		{ "1-8", 8, { 0, 1, 2, 3, 4, 5, 6, 7 } },
		{ "1,3-5", 4, { 0, 2, 3, 4 } },
		{ "8", 1, { 7 } },
		{ "2-2,3", 2, { 1, 2 } },
		{ "9", -1, { 0 } },
		{ "0", -1, { 0 } },
		{ "2,2", -1, { 0 } },
		{ "1-3,3", -1, { 0 } },
		{ "3-1", -1, { 0 } },
		{ "3,1", -1, { 0 } },
		{ "1,", -1, { 0 } },
		{ ",1", -1, { 0 } },
		{ "1-", -1, { 0 } },
		{ "1-9", -1, { 0 } },
		{ "1 2", -1, { 0 } },
		{ "", -1, { 0 } },
		{ "one", -1, { 0 } },
	};

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		int *pages = NULL, count = 0;
		const int status = picture_pages(cases[k].text, 8, &pages, &count);

		ok(cases[k].count < 0
			   ? status == LACUNA_EINVAL && !pages
			   : !status && count == cases[k].count &&
				     !memcmp(pages, cases[k].pages, (size_t)count * sizeof *pages),
		   "pages %s", cases[k].text ? cases[k].text : "(all)");
		memory_release(pages);
	}
}

static void test_sizes(void)
{
	static const char *const wrong[] = { "512",  "512x", "x384",  "0x1", "1x0",
					     "-1x5", "5x5y", "5x5x5", "",    "5x99999999999" };
	struct lacuna_shape shape = { { 0, 0, 7, 9 } };

	ok(!picture_parse_size("512x384", &shape) && shape.extent[0] == 512 &&
		   shape.extent[1] == 384 && shape.extent[2] == 7 && shape.extent[3] == 9,
	   "a size");
	for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
		ok(picture_parse_size(wrong[k], &shape) == LACUNA_EINVAL, "no size: %s", wrong[k]);
}

int main(void)
{
	TIFFSetErrorHandler(NULL);
	TIFFSetWarningHandler(NULL);
	test_matrix();
	test_tiff();
	test_follow();
	test_ranges();
	test_scale();
	test_types();
	test_pages();
	test_sizes();
	unlink(name);
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
