/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Makes small TIFF files for the tests of the command line, and shows the content of one.
 *
 *	maketiff FILE TYPE WIDTH HEIGHT CHANNELS PAGES [nan|inf|nodata|lump|lumps|same|dim|hot|constant|rising|mask|layer|stars|dead|frame|bands|equal|
 *							edge|planes|jpeg|tint|redless]
 *	maketiff --append FILE TYPE WIDTH ...	as above, as further pages
 *	maketiff --show FILE		a line per page: "32x24 1 uint16 Software"
 *	maketiff --describe FILE TEXT PIXELS [DOWN]	sets the first page's description and its pixels per inch (ImageJ: per unit)
 *	maketiff --forget FILE		removes the declaration of nodata
 *	maketiff --exif FILE		adds an EXIF directory to the first page
 *	maketiff --sub FILE PAGE	gives a page (from 0) a sub-image
 *	maketiff --turn FILE N		sets the first page's orientation
 *	maketiff --mark FILE PAGE KIND	sets the NewSubfileType of a page (from 0), such as 1 for an overview
 *	maketiff --declare FILE VALUE	declares VALUE as nodata
 *	maketiff --text FILE		prints the description and the pixels per unit
 *	maketiff --moments MEAN STD SAMPLE...	32-bit floats: are these mean and standard deviation of the samples?
 *	maketiff --crop PICTURE FILE X Y SIDE	a square of an 8-bit picture as gray 32-bit floats from 0 to 1
 *
 * TYPE is bit (the width a multiple of 8), uint8, uint16, uint32 or float32.  The picture is a wave with a bright square, different on each page unless "same".
 * "nan" leaves out a rectangle of the first page; "nodata" puts 0 there, declared as GDAL does; "lump" puts -9999 there,
 * "lumps" -9999 and -32768; "dim" divides values by 50; "hot" puts 1000000 at (20, 20); "constant" makes the first page
 * uniform; "rising" multiplies each page by 20 times its number, the first by 2; "stars" has blurred stars on a sky whose level
 * was subtracted, with some noise; "dead" has four columns of 0 and a row of 1; "edge" has three columns of 0 at the left; "mask" is white except for a black square,
 * which moves from page to page and is missing on the last; "layer", of two channels, has this square in white on a
 * transparent layer; "bands" divides the second channel by 50; "equal" has equal channels; "planes" stores each channel as a plane of its own, the second of two is alpha; "jpeg" compresses as JPEG does; "frame" is a smooth wave with a black fifth below it,
 * which "tint" has in a colour, and "redless" in the first channel alone. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

enum { TAG_NODATA = 42113 };

static const TIFFFieldInfo nodata_info[] = { { TAG_NODATA, -1, -1, TIFF_ASCII, FIELD_CUSTOM, 1, 0,
					       (char *)"GDALNoDataValue" } };

struct picture {
	long width, height, channels;
	int bits;
	int whole; /* 32 bits are an integer, not a float */
	int same, hot, nodata, constant, rising, mask, layer, stars, dead, frame, edge, lumps,
		bands, equal, planes, jpeg, tint, redless;
	long pages;
	double hole, factor;
};

static double value(long x, long y, long c, long page)
{
	const int square = x % 24 >= 8 && x % 24 < 16 && y % 20 >= 6 && y % 20 < 14;

	return 0.4 + 0.2 * sin(0.23 * (double)x + (double)page) * cos(0.31 * (double)y) +
	       0.25 * square - 0.05 * (double)c;
}

static int is_dead(const struct picture *p, long x, long y)
{
	return p->dead && (x == 12 || (x >= 20 && x < 22) || x == 140 || y == 30);
}

static double framed(const struct picture *p, long x, long y, long c)
{
	const int inside = 5 * y >= 4 * p->height && !(p->redless && c);

	return inside ? p->tint && c ? 0.2 : 0
		      : 0.5 + 0.2 * sin(0.1 * (double)x) * cos(0.13 * (double)y);
}

static double starlight(const struct picture *p, long x, long y)
{
	const unsigned random = ((unsigned)x * 7919U + (unsigned)y * 104729U) * 2654435761U;
	double sum = 0.014 * ((random >> 16) % 1000 / 1000.0 - 0.5) - 0.02;

	for (long i = 0; i < p->width * p->height / 30; i++) {
		const double dx = (double)(x - i * 37 % p->width);
		const double dy = (double)(y - i * 53 / 7 % p->height);

		sum += 0.3 * exp(-(dx * dx + dy * dy) / (2 * 1.44));
	}
	return sum;
}

static int is_masked(const struct picture *p, long x, long y, long page)
{
	return (page < p->pages - 1 || !page) && x >= 4 + 8 * page && x < 10 + 8 * page && y >= 4 &&
	       y < 10;
}

static void put(const struct picture *p, void *row, size_t i, double v)
{
	if (p->bits == 1)
		((uint8_t *)row)[i / 8] = (uint8_t)(((uint8_t *)row)[i / 8] << 1 | (v > 0.5));
	else if (p->bits == 8)
		((uint8_t *)row)[i] = (uint8_t)lrint(v * 255);
	else if (p->bits == 16)
		((uint16_t *)row)[i] = (uint16_t)lrint(v * 65535);
	else if (p->whole)
		((uint32_t *)row)[i] = (uint32_t)llrint(v * UINT32_MAX);
	else
		((float *)row)[i] = (float)v;
}

static void set_tags(TIFF *tif, const struct picture *p)
{
	TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, (uint32_t)p->width);
	TIFFSetField(tif, TIFFTAG_IMAGELENGTH, (uint32_t)p->height);
	TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, (int)p->channels);
	TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, p->bits);
	TIFFSetField(tif, TIFFTAG_SAMPLEFORMAT,
		     p->bits == 32 && !p->whole ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
	TIFFSetField(tif, TIFFTAG_PHOTOMETRIC,
		     p->channels == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
	TIFFSetField(tif, TIFFTAG_PLANARCONFIG,
		     p->planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
	TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, (uint32_t)p->height);
	TIFFSetField(tif, TIFFTAG_XRESOLUTION, 300.0);
	TIFFSetField(tif, TIFFTAG_YRESOLUTION, 300.0);
	if (p->jpeg)
		TIFFSetField(tif, TIFFTAG_COMPRESSION, COMPRESSION_JPEG);
	if (p->nodata)
		TIFFSetField(tif, TAG_NODATA, "0");
	if (p->layer || (p->planes && p->channels == 2))
		TIFFSetField(tif, TIFFTAG_EXTRASAMPLES, 1, &(uint16_t){ EXTRASAMPLE_UNASSALPHA });
	TIFFSetField(tif, TIFFTAG_IMAGEDESCRIPTION, "made for a test");
}

static double pixel(const struct picture *p, long x, long y, long c, long page)
{
	const int hole = (p->hole != 0 || p->nodata) && !page && x >= 9 && x < 14 && y >= 4 &&
			 y < (p->lumps ? 12 : 8);

	if (p->mask)
		return !is_masked(p, x, y, page);
	if (p->layer)
		return !c || is_masked(p, x, y, page);
	if (is_dead(p, x, y))
		return y == 30;
	if (p->edge && x < 3)
		return 0;
	if (p->frame)
		return framed(p, x, y, c);
	if (p->stars)
		return starlight(p, x, y);
	if (hole)
		return p->lumps && x > 11 ? -32768 : p->hole;
	if (p->constant && !page)
		return 0.5;
	if (p->hot && x == 20 && y == 20)
		return 1e6;
	return (p->rising ? page ? 20 * (double)page : 2 : p->factor) /
	       (p->bands && c == 1 ? 50 : 1) * value(x, y, p->equal ? 0 : c, p->same ? 0 : page);
}

static int write_page(TIFF *tif, const struct picture *p, long page, void *row)
{
	const long planes = p->planes ? p->channels : 1, samples = p->channels / planes;

	TIFFMergeFieldInfo(tif, nodata_info, 1);
	set_tags(tif, p);
	for (long plane = 0; plane < planes; plane++)
		for (long y = 0; y < p->height; y++) {
			for (long x = 0; x < p->width; x++)
				for (long c = 0; c < samples; c++)
					put(p, row, (size_t)(x * samples + c),
					    pixel(p, x, y, plane + c, page));
			if (TIFFWriteScanline(tif, row, (uint32_t)y, (uint16_t)plane) < 0)
				return 0;
		}
	return TIFFWriteDirectory(tif);
}

static int make(char **argv, int argc, const char *mode)
{
	struct picture p = { .width = atol(argv[3]),
			     .height = atol(argv[4]),
			     .channels = atol(argv[5]) };
	const long pages = atol(argv[6]);
	const char *kind = argc > 7 ? argv[7] : "";
	void *row;
	TIFF *tif;
	int good = 1;

	p.bits = !strcmp(argv[2], "bit")      ? 1
		 : !strcmp(argv[2], "uint8")  ? 8
		 : !strcmp(argv[2], "uint16") ? 16
					      : 32;
	p.whole = !strcmp(argv[2], "uint32");
	p.pages = pages;
	p.mask = !strcmp(kind, "mask");
	p.layer = !strcmp(kind, "layer");
	p.equal = !strcmp(kind, "equal");
	p.jpeg = !strcmp(kind, "jpeg");
	p.planes = !strcmp(kind, "planes");
	p.bands = !strcmp(kind, "bands");
	p.edge = !strcmp(kind, "edge");
	p.tint = !strcmp(kind, "tint");
	p.redless = !strcmp(kind, "redless");
	p.frame = !strcmp(kind, "frame") || p.tint || p.redless;
	p.dead = !strcmp(kind, "dead");
	p.stars = !strcmp(kind, "stars");
	p.same = !strcmp(kind, "same");
	p.nodata = !strcmp(kind, "nodata");
	p.constant = !strcmp(kind, "constant");
	p.hot = !strcmp(kind, "hot");
	p.rising = !strcmp(kind, "rising");
	p.factor = !strcmp(kind, "dim") ? 0.02 : 1;
	if (!strcmp(kind, "nan") || !strcmp(kind, "inf"))
		p.hole = !strcmp(kind, "nan") ? (double)NAN : (double)INFINITY;
	if (!strcmp(kind, "lump") || !strcmp(kind, "lumps"))
		p.hole = -9999;
	p.lumps = !strcmp(kind, "lumps");
	row = calloc((size_t)(p.width * p.channels), 4);
	tif = TIFFOpen(argv[1], mode);
	for (long page = 0; row && tif && good && page < pages; page++)
		good = write_page(tif, &p, page, row);
	good &= row && tif;
	if (tif)
		TIFFClose(tif);
	free(row);
	return good ? 0 : 1;
}

static int show(const char *path)
{
	static const char *const formats[] = { "", "uint", "int", "float" };
	TIFF *tif = TIFFOpen(path, "r");

	if (!tif)
		return 1;
	do {
		uint32_t width = 0, height = 0;
		uint16_t channels = 1, bits = 1, format = SAMPLEFORMAT_UINT;
		char *software = NULL;

		TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &width);
		TIFFGetField(tif, TIFFTAG_IMAGELENGTH, &height);
		TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLESPERPIXEL, &channels);
		TIFFGetFieldDefaulted(tif, TIFFTAG_BITSPERSAMPLE, &bits);
		TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLEFORMAT, &format);
		TIFFGetField(tif, TIFFTAG_SOFTWARE, &software);
		printf("%ux%u %u %s%u %s\n", width, height, channels,
		       format < 4 ? formats[format] : "?", bits, software ? software : "-");
	} while (TIFFReadDirectory(tif));
	TIFFClose(tif);
	return 0;
}

static int describe(const char *path, const char *text, double pixels, double down)
{
	TIFF *tif = TIFFOpen(path, "r+");
	int good;

	if (!tif)
		return 1;
	good = TIFFSetField(tif, TIFFTAG_IMAGEDESCRIPTION, text) &&
	       TIFFSetField(tif, TIFFTAG_XRESOLUTION, pixels) &&
	       TIFFSetField(tif, TIFFTAG_YRESOLUTION, down) &&
	       TIFFSetField(tif, TIFFTAG_RESOLUTIONUNIT,
			    strncmp(text, "ImageJ", 6) ? RESUNIT_INCH : RESUNIT_NONE) &&
	       TIFFRewriteDirectory(tif);
	TIFFClose(tif);
	return !good;
}

static int forget(const char *path)
{
	TIFF *tif = TIFFOpen(path, "r+");
	int good;

	if (!tif)
		return 1;
	TIFFMergeFieldInfo(tif, nodata_info, 1);
	good = TIFFUnsetField(tif, TAG_NODATA) && TIFFRewriteDirectory(tif);
	TIFFClose(tif);
	return !good;
}

static int declare(const char *path, const char *value)
{
	TIFF *tif = TIFFOpen(path, "r+");
	int good;

	if (!tif)
		return 1;
	TIFFMergeFieldInfo(tif, nodata_info, 1);
	good = TIFFSetField(tif, TAG_NODATA, value) && TIFFRewriteDirectory(tif);
	TIFFClose(tif);
	return !good;
}

static int add_exif(const char *path)
{
	TIFF *tif = TIFFOpen(path, "r+");
	uint64_t at = 0;
	int good;

	if (!tif)
		return 1;
	TIFFFreeDirectory(tif);
	good = !TIFFCreateEXIFDirectory(tif) && TIFFSetField(tif, EXIFTAG_FNUMBER, 2.8) &&
	       TIFFWriteCustomDirectory(tif, &at) && TIFFSetDirectory(tif, 0) &&
	       TIFFSetField(tif, TIFFTAG_EXIFIFD, at) && TIFFRewriteDirectory(tif);
	TIFFClose(tif);
	return !good;
}

static int add_sub(const char *path, uint16_t page)
{
	const uint64_t at = 8; /* anything: it is not read */
	TIFF *tif = TIFFOpen(path, "r+");
	int good;

	if (!tif)
		return 1;
	good = TIFFSetDirectory(tif, page) && TIFFSetField(tif, TIFFTAG_SUBIFD, 1, &at) &&
	       TIFFRewriteDirectory(tif);
	TIFFClose(tif);
	return !good;
}

static int turn(const char *path, int orientation)
{
	TIFF *tif = TIFFOpen(path, "r+");
	int good;

	if (!tif)
		return 1;
	good = TIFFSetField(tif, TIFFTAG_ORIENTATION, orientation) && TIFFRewriteDirectory(tif);
	TIFFClose(tif);
	return !good;
}

static int mark(const char *path, uint16_t page, long kind)
{
	TIFF *tif = TIFFOpen(path, "r+");
	int good;

	if (!tif)
		return 1;
	good = TIFFSetDirectory(tif, page) &&
	       TIFFSetField(tif, TIFFTAG_SUBFILETYPE, (uint32_t)kind) && TIFFRewriteDirectory(tif);
	TIFFClose(tif);
	return !good;
}

static int print_text(const char *path)
{
	TIFF *tif = TIFFOpen(path, "r");
	const char *text = NULL;
	float pixels = 0;

	if (!tif)
		return 1;
	TIFFGetField(tif, TIFFTAG_IMAGEDESCRIPTION, &text);
	TIFFGetField(tif, TIFFTAG_XRESOLUTION, &pixels);
	printf("%s\n%g pixels\n", text ? text : "-", (double)pixels);
	TIFFClose(tif);
	return 0;
}

/* The first page of a file of floats, or NULL if it is not one. */
static float *load(const char *path, size_t *count)
{
	TIFF *tif = TIFFOpen(path, "r");
	uint32_t width = 0, height = 0;
	uint16_t bits = 1, channels = 1;
	float *values = NULL;
	int good;

	if (!tif)
		return NULL;
	TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &width);
	TIFFGetField(tif, TIFFTAG_IMAGELENGTH, &height);
	TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLESPERPIXEL, &channels);
	TIFFGetFieldDefaulted(tif, TIFFTAG_BITSPERSAMPLE, &bits);
	good = bits == 32 && !TIFFIsTiled(tif);
	*count = (size_t)width * height * channels;
	if (good)
		values = calloc(*count, sizeof *values);
	for (uint32_t y = 0; values && good && y < height; y++)
		good = TIFFReadScanline(tif, values + (size_t)y * width * channels, y, 0) >= 0;
	TIFFClose(tif);
	if (!good) {
		free(values);
		return NULL;
	}
	return values;
}

static int moments(int argc, char **argv)
{
	float *image[64] = { NULL };
	size_t count = 0, other = 0;
	int wrong = 0;

	for (int k = 0; k < argc; k++) {
		image[k] = load(argv[k], k ? &other : &count);
		if (!image[k] || (k && other != count))
			return 2;
	}
	for (size_t i = 0; i < count; i++) {
		double sum = 0, squares = 0, n = argc - 2, mean;

		for (int k = 2; k < argc; k++)
			sum += image[k][i];
		mean = sum / n;
		for (int k = 2; k < argc; k++)
			squares += (image[k][i] - mean) * (image[k][i] - mean);
		wrong |= !(fabs(image[0][i] - mean) < 1e-4);
		wrong |= !(fabs(image[1][i] - sqrt(squares / (n - 1))) < 1e-4);
	}
	for (int k = 0; k < argc; k++)
		free(image[k]);
	return wrong;
}

static int put_gray(TIFF *tif, const unsigned char *row, int side, int channels, uint32_t y)
{
	float gray[1024];

	for (int x = 0; x < side; x++) {
		float sum = 0;

		for (int c = 0; c < channels; c++)
			sum += row[x * channels + c];
		gray[x] = sum / (255 * (float)channels);
	}
	return TIFFWriteScanline(tif, gray, y, 0) < 0;
}

static int crop(char **argv)
{
	TIFF *in = TIFFOpen(argv[0], "r"), *out = TIFFOpen(argv[1], "w");
	const struct picture p = {
		.width = atol(argv[4]), .height = atol(argv[4]), .channels = 1, .bits = 32
	};
	const long left = atol(argv[2]), top = atol(argv[3]);
	unsigned char *row = in ? malloc((size_t)TIFFScanlineSize(in)) : NULL;
	uint16_t channels = 1;
	int wrong = !row || !out || p.width > 1024;

	if (!wrong) {
		TIFFGetFieldDefaulted(in, TIFFTAG_SAMPLESPERPIXEL, &channels);
		set_tags(out, &p);
	}
	for (long y = 0; !wrong && y < top + p.height; y++) {
		wrong = TIFFReadScanline(in, row, (uint32_t)y, 0) < 0;
		if (!wrong && y >= top)
			wrong = put_gray(out, row + left * channels, (int)p.width, channels,
					 (uint32_t)(y - top));
	}
	free(row);
	if (in)
		TIFFClose(in);
	if (out)
		TIFFClose(out);
	return wrong ? 2 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 7 && !strcmp(argv[1], "--crop"))
		return crop(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "--show"))
		return show(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--forget"))
		return forget(argv[2]);
	if ((argc == 5 || argc == 6) && !strcmp(argv[1], "--describe"))
		return describe(argv[2], argv[3], atof(argv[4]), atof(argv[argc - 1]));
	if (argc == 4 && !strcmp(argv[1], "--declare"))
		return declare(argv[2], argv[3]);
	if (argc == 5 && !strcmp(argv[1], "--mark"))
		return mark(argv[2], (uint16_t)atoi(argv[3]), atol(argv[4]));
	if (argc == 4 && !strcmp(argv[1], "--turn"))
		return turn(argv[2], atoi(argv[3]));
	if (argc == 4 && !strcmp(argv[1], "--sub"))
		return add_sub(argv[2], (uint16_t)atoi(argv[3]));
	if (argc == 3 && !strcmp(argv[1], "--exif"))
		return add_exif(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--text"))
		return print_text(argv[2]);
	if (argc > 5 && argc < 64 && !strcmp(argv[1], "--moments"))
		return moments(argc - 2, argv + 2);
	if (argc > 7 && !strcmp(argv[1], "--append"))
		return make(argv + 1, argc - 1, "a");
	if (argc < 7 || atol(argv[3]) < 1 || atol(argv[5]) < 1) {
		fputs("usage: maketiff FILE TYPE WIDTH HEIGHT CHANNELS PAGES "
		      "[nan|inf|same|dim|hot]\n",
		      stderr);
		return 2;
	}
	return make(argv, argc, "w");
}
