/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Round trip of every tag.  The test writes files byte by byte, in both byte orders, with one tag each: all tags that this
 * libtiff knows, private ones of every type, all of EXIF and GPS.  It also parses the written file itself, so that libtiff
 * does not check its own work.  The last part covers tags that depend on the picture's size. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "image/file.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <tiffio.h>
#include <unistd.h>

static char directory[64], in[80], out[80];

/* ---- one directory entry, by hand ------------------------------------------------------------------------------------ */

enum { MOST_VALUES = 64, MOST_BYTES = 4096 };

struct tag {
	uint32_t tag, type, count;
	double values[MOST_VALUES]; /* rationals as multiples of 1/2 */
};

static const int widths[] = { 0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4 };

static int is_rational(uint32_t type)
{
	return type == TIFF_RATIONAL || type == TIFF_SRATIONAL;
}

/* An n-byte number in the file's byte order. */
static void put(uint8_t *at, int big, int n, uint64_t v)
{
	for (int i = 0; i < n; i++)
		at[big ? n - 1 - i : i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get(const uint8_t *at, int big, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v |= (uint64_t)at[big ? n - 1 - i : i] << 8 * i;
	return v;
}

static void put_value(uint8_t *at, int big, uint32_t type, double value)
{
	const float f = (float)value;
	uint32_t bits;
	uint64_t wide;

	if (is_rational(type)) {
		put(at, big, 4, (uint64_t)(int64_t)(2 * value));
		put(at + 4, big, 4, 2);
	} else if (type == TIFF_FLOAT) {
		memcpy(&bits, &f, sizeof bits);
		put(at, big, 4, bits);
	} else if (type == TIFF_DOUBLE) {
		memcpy(&wide, &value, sizeof wide);
		put(at, big, 8, wide);
	} else {
		put(at, big, widths[type], (uint64_t)(int64_t)value);
	}
}

static double get_value(const uint8_t *at, int big, uint32_t type)
{
	const int n = widths[type];
	const uint64_t raw = get(at, big, n);
	uint32_t bits = (uint32_t)raw;
	double wide;
	float f;

	switch (type) {
	case TIFF_RATIONAL:
		return (double)get(at, big, 4) / (double)get(at + 4, big, 4);
	case TIFF_SRATIONAL:
		return (double)(int32_t)get(at, big, 4) / (double)(int32_t)get(at + 4, big, 4);
	case TIFF_FLOAT:
		memcpy(&f, &bits, sizeof f);
		return (double)f;
	case TIFF_DOUBLE:
		memcpy(&wide, &raw, sizeof wide);
		return wide;
	case TIFF_SBYTE:
	case TIFF_SSHORT:
	case TIFF_SLONG:
		return (double)((int64_t)(raw << (64 - 8 * n)) >> (64 - 8 * n));
	default:
		return (double)raw;
	}
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

enum { WIDTH = 8, HEIGHT = 4, DATA = 8, SUB = 64, PAGE = 1024 };

static uint8_t file[1 << 16];

/* Writes a directory of entries in ascending order, followed by values that do not fit into an entry.  Returns its end. */
static size_t put_directory(size_t at, int big, const struct tag *tags, int n)
{
	size_t end = at + 2 + 12 * (size_t)n + 4;

	put(file + at, big, 2, (uint64_t)n);
	for (int i = 0; i < n; i++) {
		uint8_t *entry = file + at + 2 + 12 * i, *values = entry + 8;
		const size_t bytes = (size_t)widths[tags[i].type] * tags[i].count;

		put(entry, big, 2, tags[i].tag);
		put(entry + 2, big, 2, tags[i].type);
		put(entry + 4, big, 4, tags[i].count);
		if (bytes > 4) {
			put(entry + 8, big, 4, end);
			values = file + end;
			end += (bytes + 1) / 2 * 2;
		}
		for (uint32_t k = 0; k < tags[i].count; k++)
			put_value(values + k * (size_t)widths[tags[i].type], big, tags[i].type,
				  tags[i].values[k]);
	}
	return end;
}

static int by_tag(const void *a, const void *b)
{
	const struct tag *x = a, *y = b;

	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

/* Writes a gray picture with these tags, in the directory that tag `sub' points to unless sub is 0. */
static void make(int big, uint32_t sub, const struct tag *tags, int n)
{
	struct tag page[16] = {
		{ 256, 3, 1, { WIDTH } },
		{ 257, 3, 1, { HEIGHT } },
		{ 258, 3, 1, { 8 } },
		{ 259, 3, 1, { 1 } },
		{ 262, 3, 1, { 1 } },
		{ 273, 4, 1, { DATA } },
		{ 277, 3, 1, { 1 } },
		{ 278, 3, 1, { HEIGHT } },
		{ 279, 4, 1, { WIDTH * HEIGHT } },
	};
	int count = 9;
	size_t end;
	FILE *f = fopen(in, "wb");

	memset(file, 0, sizeof file);
	memcpy(file, big ? "MM" : "II", 2);
	put(file + 2, big, 2, 42);
	put(file + 4, big, 4, PAGE);
	for (int i = 0; i < WIDTH * HEIGHT; i++)
		file[DATA + i] = (uint8_t)(5 * i + 3);
	if (sub) {
		put_directory(SUB, big, tags, n);
		page[count++] = (struct tag){ sub, 4, 1, { SUB } };
	} else {
		for (int i = 0; i < n; i++)
			page[count++] = tags[i];
	}
	qsort(page, (size_t)count, sizeof *page, by_tag);
	end = put_directory(PAGE, big, page, count);
	if (!f || fwrite(file, 1, end, f) != end || fclose(f))
		exit(99);
}

/* Finds a tag in the written file's first page, or in the directory that `sub' points to.  Returns 0 if it is absent. */
static int find(uint32_t sub, uint32_t wanted, struct tag *tag)
{
	FILE *f = fopen(out, "rb");
	size_t size = f ? fread(file, 1, sizeof file, f) : 0, at;
	const int big = file[0] == 'M';

	if (f)
		fclose(f);
	if (size < 8)
		return 0;
	at = (size_t)get(file + 4, big, 4);
	for (int level = 0; level < 2; level++) {
		const uint32_t looked_for = level == 0 && sub ? sub : wanted;
		const int n = (int)get(file + at, big, 2);
		const uint8_t *entry = NULL;

		for (int i = 0; i < n; i++)
			if (get(file + at + 2 + 12 * (size_t)i, big, 2) == looked_for)
				entry = file + at + 2 + 12 * (size_t)i;
		if (!entry)
			return 0;
		if (level == 0 && sub) {
			at = (size_t)get(entry + 8, big, 4);
			continue;
		}
		*tag = (struct tag){ wanted,
				     (uint32_t)get(entry + 2, big, 2),
				     (uint32_t)get(entry + 4, big, 4),
				     { 0 } };
		if (tag->type < 1 || tag->type > 13 || tag->count > MOST_VALUES)
			return 0;
		for (uint32_t k = 0; k < tag->count; k++) {
			const size_t w = (size_t)widths[tag->type];
			const uint8_t *values =
				w * tag->count > 4 ? file + get(entry + 8, big, 4) : entry + 8;

			tag->values[k] = get_value(values + k * w, big, tag->type);
		}
		return 1;
	}
	return 0;
}

/* Reads `in' and writes `out', scale_x by scale_y times as large, or with more channels. */
static int copy_as(int scale_x, int scale_y, int channels)
{
	const struct lacuna_shape shape = { { WIDTH * scale_x, HEIGHT * scale_y, channels, 1 } };
	const struct image_write_options options = { .force = 1 };
	struct image_reader *r = NULL;
	struct image_writer *w = NULL;
	struct image image = { 0 };
	int status = image_reader_open(in, &r);

	if (!status)
		status = scale_x * scale_y * channels == 1 ? image_reader_read(r, 0, &image)
							   : image_create(&image, &shape);
	if (!status)
		status = image_writer_create(out, &options, &w);
	if (!status)
		status = image_writer_add(w, r, 0, &image);
	if (!status) {
		status = image_writer_commit(w);
	} else {
		image_writer_abandon(w);
	}
	image_free(&image);
	image_reader_close(r);
	return status;
}

static int copy(int scale_x, int scale_y)
{
	return copy_as(scale_x, scale_y, 1);
}

static int same(const struct tag *a, const struct tag *b)
{
	if (a->count != b->count)
		return 0;
	for (uint32_t k = 0; k < a->count; k++)
		if (fabs(a->values[k] - b->values[k]) > 1e-6 * (1 + fabs(a->values[k])))
			return 0;
	return 1;
}

static int comes_back(uint32_t sub, const struct tag *tag)
{
	struct tag got = { 0 };
	int right = 1;

	for (int big = 0; big < 2 && right; big++) {
		unlink(out);
		make(big, sub, tag, 1);
		right = !copy(1, 1) && find(sub, tag->tag, &got) && same(tag, &got);
		if (!right)
			diag("%s, tag %u of type %u, %u values: %s",
			     big ? "big-endian" : "little-endian", tag->tag, tag->type, tag->count,
			     got.count ? "changed" : "lost");
	}
	return right;
}

static void fill(struct tag *tag)
{
	for (uint32_t k = 0; k < tag->count; k++)
		tag->values[k] = tag->type == TIFF_ASCII ? (k + 1 < tag->count ? 'a' + k % 26 : 0)
				 : tag->type == TIFF_SBYTE || tag->type == TIFF_SSHORT ||
						 tag->type == TIFF_SLONG ||
						 tag->type == TIFF_SRATIONAL
					 ? -3 - (double)k
				 : is_rational(tag->type) || tag->type == TIFF_FLOAT ||
						 tag->type == TIFF_DOUBLE
					 ? 2.5 + k
				 : tag->type == TIFF_SHORT ? 300 + k
							   : 3 + k;
}

/* ---- all tags that this libtiff knows -------------------------------------------------------------------------------- */

/* Tags of the encoding, of the old file, or valid for the old values only; and tags that need another tag. */
static int is_structure(uint32_t tag)
{
	static const uint32_t structure[] = {
		255,   256,   257,   258,   259,   262,	  263,	 264,	265,   266, 273, 277,
		278,   279,   280,   281,   284,   288,	  289,	 290,	291,   292, 293, 300,
		301,   317,   318,   319,   320,   321,	  322,	 323,	324,   325, 326, 327,
		328,   330,   332,   333,   334,   336,	  338,	 339,	340,   341, 346, 347,
		400,   401,   402,   403,   404,   433,	  434,	 435,	437,   559, 512, 513,
		514,   515,   517,   518,   519,   520,	  521,	 529,	530,   531, 532, 32995,
		32996, 32997, 32998, 34377, 34665, 34853, 37724, 40965, 50674,
	};

	for (size_t i = 0; i < sizeof structure / sizeof *structure; i++)
		if (structure[i] == tag)
			return 1;
	return 0;
}

static const TIFFField *known(TIFF *t, uint32_t tag)
{
	return TIFFFindField(t, tag, TIFF_ANY);
}

/* A tag of the type and count that this field prescribes. */
static struct tag example(const TIFFField *field, uint32_t tag)
{
	const int count = TIFFFieldReadCount(field);
	struct tag t = { tag, (uint32_t)TIFFFieldDataType(field), 0, { 0 } };

	if (t.type == TIFF_IFD || t.type == TIFF_IFD8 || t.type == TIFF_LONG8 ||
	    t.type == TIFF_SLONG8)
		t.type = TIFF_LONG;
	if (!t.type) /* any type is allowed */
		t.type = TIFF_BYTE;
	t.count = count > 0		 ? (uint32_t)count
		  : count == TIFF_SPP	 ? 1
		  : t.type == TIFF_ASCII ? 12
					 : 6;
	if (t.type == TIFF_ASCII && count > 0 && count < 3)
		t.count = 2;
	fill(&t);
	return t;
}

/* sub: 0, or the tag that points to the directory; `create' begins that directory. */
static void test_known(const char *what, uint32_t sub, int (*create)(TIFF *), int first, int last)
{
	TIFF *t = TIFFOpen(out, "w");
	int count = 0, wrong = 0;
	char list[512] = "";

	if (t && create)
		create(t);
	for (int tag = first; t && tag <= last; tag++) {
		const TIFFField *field =
			is_structure((uint32_t)tag) ? NULL : known(t, (uint32_t)tag);
		struct tag one;

		if (!field || TIFFFieldDataType(field) == TIFF_IFD8)
			continue;
		one = example(field, (uint32_t)tag);
		if (one.tag == TIFFTAG_ORIENTATION || one.tag == TIFFTAG_RESOLUTIONUNIT)
			one.values[0] = 3;
		count++;
		if (comes_back(sub, &one))
			continue;
		wrong++;
		snprintf(list + strlen(list), sizeof list - strlen(list), " %d", tag);
	}
	if (t) {
		TIFFCleanup(t);
	}
	ok(wrong == 0 && count > 20, "%s: all %d tags come back%s%s", what, count,
	   wrong ? ", but for" : "", list);
}

/* ---- private tags ------------------------------------------------------------------------------------------------ */

static void test_private(void)
{
	for (uint32_t type = TIFF_BYTE; type <= TIFF_DOUBLE; type++)
		for (uint32_t count = 1; count <= 6; count += 5) {
			struct tag t = { 60000, type, count, { 0 } };

			fill(&t);
			ok(comes_back(0, &t), "a private tag of type %u, %u values", type, count);
		}
}

/* Tags of the encoding, and offsets into the old file, mean nothing in the new one. */
static void test_left_behind(void)
{
	static const struct tag tags[] = {
		{ 330, 4, 1, { 8 } },
		{ 346, 3, 1, { 1 } },
		{ 347, 7, 6, { 1, 2, 3, 4, 5, 6 } },
		{ 400, 4, 1, { 8 } },
		{ 512, 3, 1, { 1 } },
		{ 513, 4, 1, { 8 } },
		{ 514, 4, 1, { 8 } },
		{ 515, 3, 1, { 1 } },
		{ 519, 4, 1, { 8 } },
		{ 520, 4, 1, { 8 } },
		{ 521, 4, 1, { 8 } },
		{ 529, 5, 3, { 0.5, 0.5, 1 } },
		{ 532, 5, 6, { 0, 255, 128, 255, 128, 255 } },
		{ 37724, 7, 6, { 1, 2, 3, 4, 5, 6 } },
		{ 40965, 4, 1, { 8 } },
		{ 50674, 4, 2, { 1, 2 } },
		{ 60000, 13, 1, { 8 } },
	};
	int left = 0, all = sizeof tags / sizeof *tags;

	for (int k = 0; k < all; k++)
		for (int big = 0; big < 2; big++) {
			struct tag got = { 0 };

			unlink(out);
			make(big, 0, &tags[k], 1);
			if (!copy(1, 1) && !find(0, tags[k].tag, &got))
				left++;
			else
				diag("tag %u", tags[k].tag);
		}
	ok(left == 2 * all, "%d of %d tags of the old file's encoding stay behind", left, 2 * all);
}

/* ---- a picture scaled by 2 horizontally and by 3 vertically ------------------------------------------------------ */

static void test_scaled(const char *what, uint32_t sub, const struct tag *before,
			const double *after)
{
	struct tag want = *before, got = { 0 };

	unlink(out);
	make(1, sub, before, 1);
	ok(!copy(2, 3), "%s: written at another size", what);
	if (!after) {
		ok(!find(sub, before->tag, &got), "%s: is left out", what);
		return;
	}
	memcpy(want.values, after, want.count * sizeof *after);
	ok(find(sub, before->tag, &got) && same(&want, &got), "%s: holds for the new size", what);
}

static void test_size(void)
{
	const struct tag x_resolution = { 282, 5, 1, { 72 } }, y_resolution = { 283, 5, 1, { 30 } },
			 x_position = { 286, 5, 1, { 1.5 } }, y_position = { 287, 5, 1, { 4.5 } },
			 pixel = { 33550, 12, 3, { 6, 12, 5 } },
			 tie = { 33922, 12, 12, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } },
			 matrix = { 34264,
				    12,
				    16,
				    { 2, 3, 4, 5, 6, 9, 8, 9, 10, 12, 12, 13, 0, 0, 0, 1 } },
			 columns = { 40962, 4, 1, { WIDTH } }, rows = { 40963, 4, 1, { HEIGHT } },
			 exposure = { 33434, 5, 1, { 0.5 } };
	struct tag ome = { 270, 2, 28, { 0 } }, text = ome;

	for (int i = 0; i < 28; i++) {
		ome.values[i] = "<OME>  SizeX=8 SizeY=4</OME>"[i];
		text.values[i] = "a picture of eight by four."[i];
	}
	ome.values[27] = 0;
	test_scaled("XResolution", 0, &x_resolution, (const double[]){ 144 });
	test_scaled("YResolution", 0, &y_resolution, (const double[]){ 90 });
	test_scaled("XPosition", 0, &x_position, x_position.values);
	test_scaled("YPosition", 0, &y_position, y_position.values);
	test_scaled("ModelPixelScale", 0, &pixel, (const double[]){ 3, 4, 5 });
	/* The raster coordinates scale, the world coordinates do not. */
	test_scaled("ModelTiepoint", 0, &tie,
		    (const double[]){ 2, 6, 3, 4, 5, 6, 14, 24, 9, 10, 11, 12 });
	/* The columns of x and y scale; those of z and of the origin do not. */
	test_scaled("ModelTransformation", 0, &matrix,
		    (const double[]){ 1, 1, 4, 5, 3, 3, 8, 9, 5, 4, 12, 13, 0, 0, 0, 1 });
	test_scaled("a description that is not understood (OME)", 0, &ome, ome.values);
	test_scaled("another description", 0, &text, text.values);
	test_scaled("EXIF's PixelXDimension", TIFFTAG_EXIFIFD, &columns, NULL);
	test_scaled("EXIF's PixelYDimension", TIFFTAG_EXIFIFD, &rows, NULL);
	test_scaled("EXIF's ExposureTime", TIFFTAG_EXIFIFD, &exposure, exposure.values);
}

/* ---- a part of a picture, from (3, 1) on ---------------------------------------------------------------------------- */

static int copy_part(void)
{
	enum { W = 4, H = 2 };
	static const float values[W * H];
	const struct image_write_options options = { .force = 1 };
	struct image_part part = { .shape = { { W, H, 1, 1 } },
				   .region = { { 3, 1, 0, 0 }, { W, H, 1, 1 } } };
	struct image_writer *w = NULL;
	int status = image_reader_open(in, &part.like);

	if (!status)
		status = image_writer_create(out, &options, &w);
	if (!status)
		status = image_writer_write(w, &part, values, NULL, NULL);
	if (!status)
		status = image_writer_commit(w);
	else
		image_writer_abandon(w);
	image_reader_close(part.like);
	return status;
}

static void test_part_of(const char *what, const struct tag *before, const double *after)
{
	struct tag want = *before, got = { 0 };

	unlink(out);
	make(0, 0, before, 1);
	memcpy(want.values, after, want.count * sizeof *after);
	ok(!copy_part() && find(0, before->tag, &got) && same(&want, &got), "%s: holds for a part",
	   what);
}

static void test_part(void)
{
	const struct tag tie = { 33922, 12, 12, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } },
			 pixel = { 33550, 12, 3, { 6, 12, 5 } },
			 matrix = { 34264,
				    12,
				    16,
				    { 2, 3, 4, 5, 6, 9, 8, 9, 10, 12, 12, 13, 0, 0, 0, 1 } };

	static const char origin[] = "ImageJ=1\nxorigin=8.0\nyorigin=4.0\n",
			  moved[] = "ImageJ=1\nxorigin=5.0\nyorigin=3.0\n";
	struct tag text = { 270, 2, sizeof origin, { 0 } };
	double after[MOST_VALUES];

	for (size_t i = 0; i < sizeof origin; i++) {
		text.values[i] = origin[i];
		after[i] = moved[i];
	}
	test_part_of("ImageJ's origin", &text, after);
	test_part_of("ModelPixelScale", &pixel, pixel.values);
	/* The raster coordinates count from the part's first pixel. */
	test_part_of("ModelTiepoint", &tie,
		     (const double[]){ -2, 1, 3, 4, 5, 6, 4, 7, 9, 10, 11, 12 });
	/* The origin is where pixel (3, 1) was. */
	test_part_of("ModelTransformation", &matrix,
		     (const double[]){ 2, 3, 4, 14, 6, 9, 8, 36, 10, 12, 12, 55, 0, 0, 0, 1 });
}

/* ---- blocks that are absent, blocks that are damaged ------------------------------------------------------------- */

static void put_page(struct tag *page, int count, size_t bytes)
{
	size_t end;
	FILE *f = fopen(in, "wb");

	memcpy(file, "II", 2);
	put(file + 2, 0, 2, 42);
	put(file + 4, 0, 4, PAGE);
	qsort(page, (size_t)count, sizeof *page, by_tag);
	end = put_directory(PAGE, 0, page, count);
	end = end > bytes ? end : bytes;
	if (!f || fwrite(file, 1, end, f) != end || fclose(f))
		exit(99);
}

/* *value: that of all pixels; NaN if they differ. */
static int read_alike(float *value)
{
	struct image_reader *r = NULL;
	struct image image = { 0 };
	int status = image_reader_open(in, &r);

	if (!status)
		status = image_reader_read(r, 0, &image);
	if (!status)
		*value = image.values[0];
	for (size_t i = 1; !status && i < lacuna_count(&image.shape); i++)
		*value = image.values[i] == *value ? *value : NAN;
	image_free(&image);
	image_reader_close(r);
	return status;
}

/* GDAL omits empty blocks.  Their value is nodata if the file declares one. */
static void test_sparse(int tiled)
{
	struct tag page[12] = {
		{ 256, 3, 1, { 16 } }, { 257, 3, 1, { 16 } }, { 258, 3, 1, { 16 } },
		{ 259, 3, 1, { 1 } },  { 262, 3, 1, { 1 } },  { 277, 3, 1, { 1 } },
		{ 339, 3, 1, { 2 } },  { 0, 4, 1, { 0 } },    { 0, 4, 1, { 0 } },
		{ 0, 3, 1, { 16 } },   { 0, 3, 1, { 16 } },   { 42113, 2, 4, { '-', '4', '1', 0 } },
	};
	float value = 0;

	page[7].tag = tiled ? 324 : 273;
	page[8].tag = tiled ? 325 : 279;
	page[9].tag = tiled ? 322 : 278;
	page[10].tag = tiled ? 323 : 274; /* 274: Orientation, which does not matter here */
	page[10].values[0] = tiled ? 16 : 1;
	memset(file, 0, sizeof file);
	put_page(page, 12, 0);
	ok(!read_alike(&value) && value == -41, "%s that is not stored is nodata (%g)",
	   tiled ? "a tile" : "a strip", (double)value);
	for (int i = 0; i < 12; i++)
		if (page[i].tag == 42113)
			page[i].tag = 50001;
	memset(file, 0, sizeof file);
	put_page(page, 12, 0);
	ok(!read_alike(&value) && value == 0, "zero where the file declares none");
}

/* What a file declares as missing: a number, whatever stands behind it; NaN; or nothing that is understood. */
static void test_nodata(void)
{
	static const struct {
		const char *text;
		int has;
		double value;
	} cases[] = {
		{ "-9999", 1, -9999 }, { "-9999 ", 1, -9999 }, { "1e3\n", 1, 1000 }, { " 7", 1, 7 },
		{ "nan", 1, NAN },     { "none", 0, 0 },       { "", 0, 0 },
	};
	int right = 0, all = sizeof cases / sizeof *cases;

	for (int k = 0; k < all; k++) {
		struct tag tag = { 42113, 2, (uint32_t)strlen(cases[k].text) + 1, { 0 } };
		struct image_reader *r = NULL;
		struct image_page info = { .bits = 0 };

		for (uint32_t i = 0; i < tag.count; i++)
			tag.values[i] = cases[k].text[i];
		make(k % 2, 0, &tag, 1);
		right += !image_reader_open(in, &r) && !image_reader_page(r, 0, &info) &&
			 info.has_nodata == cases[k].has &&
			 (!info.has_nodata || info.nodata == cases[k].value ||
			  isnan(cases[k].value));
		image_reader_close(r);
	}
	ok(right == all, "%d of %d texts of GDAL_NODATA are understood", right, all);
}

/* Tiles whose sides are no multiples of 16, against the standard, are read; TIFF has none to write. */
static void test_odd_tiles(void)
{
	enum { SIDE = 40, TILE = 20 };
	struct tag page[10] = {
		{ 256, 3, 1, { SIDE } },
		{ 257, 3, 1, { SIDE } },
		{ 258, 3, 1, { 8 } },
		{ 259, 3, 1, { 1 } },
		{ 262, 3, 1, { 1 } },
		{ 277, 3, 1, { 1 } },
		{ 322, 3, 1, { TILE } },
		{ 323, 3, 1, { TILE } },
		{ 324, 4, 4, { 2048, 2048 + 400, 2048 + 800, 2048 + 1200 } },
		{ 325, 4, 4, { 400, 400, 400, 400 } },
	};
	struct image_write_options options = { .force = 1 };

	for (int copied = 0; copied < 2; copied++) {
		struct image_reader *r = NULL;
		struct image_writer *w = NULL;
		struct image_page info = { .bits = 0 };
		struct image image = { 0 }, again = { 0 };
		int right = 1;
		struct tag tile = { 0 };

		memset(file, 0, sizeof file);
		for (int k = 0; k < 1600; k++)
			file[2048 + k] = (uint8_t)(k * 7 + k / 400);
		put_page(page, 10, 2048 + 1600);
		right &= !image_reader_open(in, &r) && !image_reader_page(r, 0, &info) &&
			 info.block_rows == 32 && !image_reader_read(r, 0, &image);
		for (int k = 0; right && k < SIDE * SIDE; k++) {
			const int x = k % SIDE, y = k / SIDE;
			const int at =
				400 * (2 * (y / TILE) + x / TILE) + TILE * (y % TILE) + x % TILE;

			right = image.values[k] == (float)(uint8_t)(at * 7 + at / 400);
		}
		ok(right, "tiles of 20 x 20 pixels are read");
		right &= !image_writer_create(out, &options, &w) &&
			 !(copied ? image_writer_copy(w, r, 0)
				  : image_writer_add(w, r, 0, &image)) &&
			 !image_writer_commit(w);
		image_reader_close(r);
		r = NULL;
		right &= find(0, 322, &tile) && tile.values[0] == 32 &&
			 !image_reader_open(out, &r) && !image_reader_read(r, 0, &again) &&
			 !memcmp(image.values, again.values, SIDE * SIDE * sizeof(float));
		ok(right, "and %s, in tiles of 32 x 32", copied ? "copied" : "written");
		image_reader_close(r);
		image_free(&image);
		image_free(&again);
	}
}

static void test_truncated(void)
{
	struct tag page[9] = {
		{ 256, 3, 1, { 300 } }, { 257, 3, 1, { 300 } }, { 258, 3, 1, { 8 } },
		{ 259, 3, 1, { 1 } },	{ 262, 3, 1, { 1 } },	{ 273, 4, 1, { DATA } },
		{ 277, 3, 1, { 1 } },	{ 278, 3, 1, { 300 } }, { 279, 4, 1, { 90000 } },
	};
	float value;

	memset(file, 0, sizeof file);
	put_page(page, 9, 0);
	ok(read_alike(&value) < 0 && strstr(error_text(), "is truncated"),
	   "a file that is shorter than its picture: %s", error_text());
}

/* libtiff reports broken fax codes and continues. */
static void test_damage(int scheme, int tiled)
{
	struct tag page[10] = {
		{ 256, 3, 1, { 64 } }, { 257, 3, 1, { 32 } }, { 258, 3, 1, { 1 } },
		{ 259, 3, 1, { 0 } },  { 262, 3, 1, { 0 } },  { 273, 4, 1, { DATA } },
		{ 277, 3, 1, { 1 } },  { 278, 3, 1, { 32 } }, { 279, 4, 1, { 200 } },
		{ 284, 3, 1, { 1 } },
	};
	static const uint32_t tiles[] = { 324, 0, 323, 325, 322 }; /* for 273, 277 to 279, 284 */
	uint32_t x = 12345;
	float value;

	if (!TIFFIsCODECConfigured((uint16_t)scheme)) {
		skip("libtiff has no fax", "damaged fax data");
		return;
	}
	page[3].values[0] = scheme;
	for (int i = 5; tiled && i < 10; i++)
		page[i].tag = tiles[i - 5] ? tiles[i - 5] : page[i].tag;
	if (tiled)
		page[9].values[0] = 64;
	memset(file, 0, sizeof file);
	for (int i = 0; i < 200; i++) {
		x = x * 1664525u + 1013904223u;
		file[DATA + i] = (uint8_t)(x >> 24);
	}
	put_page(page, 10, 0);
	ok(read_alike(&value) < 0 && strstr(error_text(), "the picture data are damaged"),
	   "damaged fax data of scheme %d in a %s are refused: %s", scheme,
	   tiled ? "tile" : "strip", error_text());
}

/* Metadata about the channels is dropped with them: the profile of a gray picture does not fit colours. */
static void test_channels(void)
{
	const struct tag profile = { 34675, 7, 6, { 1, 2, 3, 4, 5, 6 } },
			 make_ = { 271, 2, 4, { 'a', 'b', 'c', 0 } };
	struct tag got = { 0 };

	ok(comes_back(0, &profile), "an ICC profile");
	make(0, 0, &profile, 1);
	ok(!copy_as(1, 1, 3) && !find(0, profile.tag, &got),
	   "is left out when gray becomes colour");
	make(0, 0, &make_, 1);
	ok(!copy_as(1, 1, 3) && find(0, make_.tag, &got) && same(&make_, &got),
	   "other tags are not");
}

/* How a picture lies; what no standard defines is upright. */
static void test_orientation(void)
{
	int right = 1;

	for (int k = 0; k <= 9; k++) {
		const struct tag tag = { 274, 3, 1, { k } };
		struct image_reader *reader = NULL;

		make(k % 2, 0, &tag, 1);
		right &= !image_reader_open(in, &reader) &&
			 image_reader_orientation(reader, 0) == (k >= 1 && k <= 8 ? k : 1);
		image_reader_close(reader);
	}
	ok(right, "every orientation is read");
}

int main(void)
{
	/* Each file is synchronised, which is faster in memory. */
	strcpy(directory, access("/dev/shm", W_OK) ? "/tmp/lacuna-tags-XXXXXX"
						   : "/dev/shm/lacuna-tags-XXXXXX");
	if (!mkdtemp(directory))
		return 99;
	snprintf(in, sizeof in, "%s/in.tif", directory);
	snprintf(out, sizeof out, "%s/out.tif", directory);
	TIFFSetErrorHandler(NULL);
	TIFFSetWarningHandler(NULL);
	test_known("the page", 0, NULL, 254, 65535);
	test_known("EXIF", TIFFTAG_EXIFIFD, TIFFCreateEXIFDirectory, 1, 65535);
#if TIFFLIB_VERSION >= 20210416
	test_known("GPS", TIFFTAG_GPSIFD, TIFFCreateGPSDirectory, 0, 100);
#endif
	test_private();
	test_left_behind();
	test_size();
	test_part();
	test_channels();
	test_orientation();
	test_sparse(0);
	test_sparse(1);
	test_nodata();
	test_odd_tiles();
	test_truncated();
	test_damage(COMPRESSION_CCITTFAX3, 0);
	test_damage(COMPRESSION_CCITTFAX4, 0);
	test_damage(COMPRESSION_CCITTFAX4, 1);
	unlink(in);
	unlink(out);
	rmdir(directory);
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
