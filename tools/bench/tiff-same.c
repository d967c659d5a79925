/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* tiff-same A.tif B.tif: whether two TIFF files show the same pictures, page by page, read with libtiff alone, without
 * Lacuna's code.  Integers of up to 16 bits must agree exactly, others to float precision.  What Lacuna converts to RGB is
 * compared in RGB: YCbCr in libtiff's 8-bit RGBA, SGI LogLuv in linear RGB.
 *
 *	cc -o tiff-same tiff-same.c -ltiff -lm */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

struct picture {
	uint32_t width, height;
	int samples, bits, format, photometric, compression;
	double *values; /* pixel by pixel */
};

static double half(unsigned v)
{
	const int e = (int)(v >> 10 & 31);
	const double m = v & 1023, sign = v >> 15 ? -1 : 1;

	if (e == 31)
		return m != 0 ? (double)NAN : sign * (double)INFINITY;
	return e ? sign * ldexp(1024 + m, e - 25) : sign * ldexp(m, -24);
}

static double sample(const struct picture *p, const uint8_t *row, size_t i)
{
	uint64_t v = 0;
	double d;
	float f;
	uint32_t low;

	if (p->bits % 8 == 0) /* assumes a little-endian machine */
		memcpy(&v, row + i * (size_t)(p->bits / 8), (size_t)(p->bits / 8));
	else
		for (size_t b = i * (size_t)p->bits; b < (i + 1) * (size_t)p->bits; b++)
			v = v << 1 | (row[b / 8] >> (7 - b % 8) & 1);
	low = (uint32_t)v;
	if (p->format == SAMPLEFORMAT_IEEEFP && p->bits == 64)
		return memcpy(&d, &v, 8), d;
	if (p->format == SAMPLEFORMAT_IEEEFP && p->bits == 32)
		return memcpy(&f, &low, 4), (double)f;
	if (p->format == SAMPLEFORMAT_IEEEFP)
		return half((unsigned)v);
	if (p->format == SAMPLEFORMAT_INT)
		return (double)((int64_t)(v << (64 - p->bits)) >> (64 - p->bits));
	return (double)v;
}

static int get16(TIFF *t, uint32_t tag)
{
	uint16_t v = 0;

	TIFFGetFieldDefaulted(t, tag, &v);
	return v;
}

static int open_page(TIFF *t, struct picture *p)
{
	memset(p, 0, sizeof(*p));
	p->compression = get16(t, TIFFTAG_COMPRESSION);
	if (p->compression == COMPRESSION_JPEG)
		TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
	if (p->compression == COMPRESSION_SGILOG || p->compression == COMPRESSION_SGILOG24)
		TIFFSetField(t, TIFFTAG_SGILOGDATAFMT, SGILOGDATAFMT_FLOAT);
	TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &p->width);
	TIFFGetField(t, TIFFTAG_IMAGELENGTH, &p->height);
	p->samples = get16(t, TIFFTAG_SAMPLESPERPIXEL);
	p->bits = get16(t, TIFFTAG_BITSPERSAMPLE);
	p->format = get16(t, TIFFTAG_SAMPLEFORMAT);
	if (p->format == SAMPLEFORMAT_VOID)
		p->format = SAMPLEFORMAT_UINT;
	p->photometric = get16(t, TIFFTAG_PHOTOMETRIC);
	return p->width && p->height;
}

static void keep(struct picture *p, const uint8_t *row, uint32_t x, uint32_t y, uint32_t n,
		 int first, int step)
{
	for (uint32_t i = 0; i < n && x + i < p->width; i++)
		for (int c = 0; c < step; c++)
			p->values[((size_t)y * p->width + x + i) * (size_t)p->samples +
				  (size_t)(first + c)] =
				sample(p, row, (size_t)i * (size_t)step + (size_t)c);
}

static int read_samples(TIFF *t, struct picture *p)
{
	const int step = get16(t, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE ? 1 : p->samples;
	const int tiled = TIFFIsTiled(t);
	uint8_t *buffer = malloc((size_t)(tiled ? TIFFTileSize(t) : TIFFScanlineSize(t)));
	uint32_t w = p->width, h = 1;
	int good = buffer != NULL;

	if (tiled)
		TIFFGetField(t, TIFFTAG_TILEWIDTH, &w), TIFFGetField(t, TIFFTAG_TILELENGTH, &h);
	for (int first = 0; good && first < p->samples; first += step)
		for (uint32_t y = 0; good && y < p->height; y += h)
			for (uint32_t x = 0; good && x < p->width; x += w) {
				good = (tiled ? TIFFReadTile(t, buffer, x, y, 0, (uint16_t)first)
					      : TIFFReadScanline(t, buffer, y, (uint16_t)first)) >=
				       0;
				for (uint32_t j = 0; good && j < h && y + j < p->height; j++)
					keep(p,
					     buffer + j * (tiled ? (size_t)TIFFTileRowSize(t) : 0),
					     x, y + j, w, first, step);
			}
	free(buffer);
	return good;
}

static int read_rgba(TIFF *t, struct picture *p)
{
	const size_t n = (size_t)p->width * p->height;
	uint32_t *raster = malloc(n * 4);
	int good = raster && TIFFReadRGBAImageOriented(t, p->width, p->height, raster,
						       get16(t, TIFFTAG_ORIENTATION), 1);

	for (size_t i = 0; good && i < n; i++) {
		p->values[3 * i] = TIFFGetR(raster[i]);
		p->values[3 * i + 1] = TIFFGetG(raster[i]);
		p->values[3 * i + 2] = TIFFGetB(raster[i]);
	}
	free(raster);
	return good;
}

/* Applies the palette.  bits: its entries have 8 bits if it says so; these are stored as v * 257, v * 256, or, against the
 * standard, v. */
static int apply_palette(TIFF *t, struct picture *p, int bits)
{
	const size_t n = (size_t)p->width * p->height, size = (size_t)1 << p->bits;
	double *colours = calloc(n * 3, sizeof(double));
	uint16_t *map[3], largest = 0;

	if (!colours || !TIFFGetField(t, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]))
		return 0;
	for (size_t i = 0; i < 3 * size; i++)
		largest = map[i / size][i % size] > largest ? map[i / size][i % size] : largest;
	for (size_t i = 0; i < 3 * n; i++)
		colours[i] = map[i % 3][(size_t)p->values[i / 3 * (size_t)p->samples]] >>
			     (bits == 8 && largest > 255 ? 8 : 0);
	free(p->values);
	p->values = colours;
	p->samples = 3;
	p->bits = bits;
	return 1;
}

static void xyz_to_rgb(double *v)
{
	const double x = v[0], y = v[1], z = v[2];

	v[0] = 2.690 * x - 1.276 * y - 0.414 * z;
	v[1] = -1.022 * x + 1.978 * y + 0.044 * z;
	v[2] = 0.061 * x - 0.224 * y + 1.163 * z;
}

static int load(TIFF *t, struct picture *p, int as_rgba)
{
	const size_t n = (size_t)p->width * p->height;
	int good;

	if (as_rgba) {
		p->samples = 3;
		p->bits = 8;
		p->format = SAMPLEFORMAT_UINT;
	}
	p->values = calloc(n * (size_t)p->samples, sizeof(double));
	good = p->values && (as_rgba ? read_rgba(t, p) : read_samples(t, p));
	for (size_t i = 0; good && p->photometric == PHOTOMETRIC_LOGLUV && i < n; i++)
		xyz_to_rgb(p->values + 3 * i);
	return good;
}

/* Smallest magnitude that rounding is relative to: LogLuv mixes channels; for signed types 0 lies in the middle of the
 * engine's range 0..1. */
static double least_scale(const struct picture *p)
{
	if (p->photometric == PHOTOMETRIC_LOGLUV)
		return 1;
	return p->format == SAMPLEFORMAT_INT ? ldexp(1, p->bits - 1) : 0;
}

static int equal(const struct picture *a, const struct picture *b)
{
	const size_t n = (size_t)a->width * a->height * (size_t)a->samples;
	const int exact = a->bits <= 16 && a->format != SAMPLEFORMAT_IEEEFP;

	for (size_t i = 0; i < n; i++) {
		const double x = a->values[i], y = b->values[i];
		const double slack = exact ? 0 : ldexp(fmax(fabs(x), least_scale(a)), -22);

		if (x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= slack)
			continue;
		printf("sample %zu is %.9g, was %.9g\n", i, y, x);
		return 0;
	}
	return 1;
}

static int same_page(TIFF *s, TIFF *t)
{
	struct picture a, b;
	int as_rgba, same;

	if (!open_page(s, &a) || !open_page(t, &b))
		return 0;
	as_rgba = a.photometric == PHOTOMETRIC_YCBCR && a.compression != COMPRESSION_JPEG;
	if (a.width != b.width || a.height != b.height ||
	    (!as_rgba && a.photometric != PHOTOMETRIC_PALETTE &&
	     (a.samples != b.samples || a.bits != b.bits || a.format != b.format))) {
		printf("another size or sample type\n");
		return 0;
	}
	same = load(s, &a, as_rgba) && load(t, &b, as_rgba);
	if (same && a.photometric == PHOTOMETRIC_PALETTE)
		same = apply_palette(s, &a, b.bits);
	same = same && a.samples == b.samples && equal(&a, &b);
	free(a.values);
	free(b.values);
	return same;
}

int main(int argc, char **argv)
{
	TIFF *a, *b;
	unsigned n;

	TIFFSetWarningHandler(NULL);
	if (argc != 3)
		return 2;
	a = TIFFOpen(argv[1], "r");
	b = TIFFOpen(argv[2], "r");
	if (!a || !b)
		return 2;
	n = TIFFNumberOfDirectories(a);
	if (n != TIFFNumberOfDirectories(b)) {
		printf("another number of pages\n");
		return 1;
	}
	for (unsigned i = 0; i < n; i++)
		if (!TIFFSetDirectory(a, (tdir_t)i) || !TIFFSetDirectory(b, (tdir_t)i) ||
		    !same_page(a, b)) {
			printf("page %u differs\n", i + 1);
			return 1;
		}
	TIFFClose(a);
	TIFFClose(b);
	return 0;
}
