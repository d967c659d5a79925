/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Reads TIFF pages: header to layout, layout to rows, rows to planar float. */
#include <config.h>

#include "image/tiff/description.h"
#include "image/tiff/private.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- opening */

static uint64_t number_at(TIFF *tif, const uint8_t *bytes, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | bytes[TIFFIsBigEndian(tif) ? i : n - 1 - i];
	return v;
}

/* True if the last directory that libtiff found names no next one.  libtiff stops silently at a chain that loops back. */
static int chain_ends(TIFF *tif, tdir_t last)
{
	const int big = TIFFIsBigTIFF(tif), count = big ? 8 : 2, entry = big ? 20 : 12;
	const int width = big ? 8 : 4;
	uint8_t bytes[8];
	uint64_t at, entries;

	if (!TIFFSetDirectory(tif, last))
		return 1;
	at = TIFFCurrentDirOffset(tif);
	if (pread(TIFFFileno(tif), bytes, (size_t)count, (off_t)at) != count)
		return 1;
	entries = number_at(tif, bytes, count);
	if (entries > 65535)
		return 1;
	at += (uint64_t)count + entries * (uint64_t)entry;
	return pread(TIFFFileno(tif), bytes, (size_t)width, (off_t)at) != width ||
	       !number_at(tif, bytes, width);
}

static int count_pages(struct tiff_reader *r)
{
	tdir_t n;

	handle_begin(&r->handle);
	n = TIFFNumberOfDirectories(r->handle.tif);
	r->current = -1;
	if (n < 1 || n > INT_MAX)
		return handle_fail(&r->handle, LACUNA_EINVAL, "has no pages");
	if (r->handle.message[0] || !chain_ends(r->handle.tif, n - 1))
		log_message(LACUNA_LOG_WARN,
			    "%s: the chain of pages is broken after page %d; later pages are lost",
			    r->handle.path, (int)n);
	r->pages = (int)n;
	r->notes = memory_alloc_array((size_t)n, sizeof *r->notes);
	return r->notes ? LACUNA_OK : LACUNA_ENOMEM;
}

/* Other picture formats: how to recognise them and convert them to TIFF.  GDAL keeps FITS values, ImageMagick does not. */
static const struct {
	int at; /* offset of `begin' in the file */
	const char *begin, *name, *command;
} formats[] = {
	{ 0, "\x89PNG", "a PNG picture", "convert IN.png OUT.tif (ImageMagick)" },
	{ 0, "\xff\xd8\xff", "a JPEG picture", "convert IN.jpg OUT.tif (ImageMagick)" },
	{ 0, "SIMPLE  =", "a FITS file", "gdal_translate IN.fits OUT.tif (GDAL)" },
	{ 0, "GIF8", "a GIF picture", "convert IN.gif OUT.tif (ImageMagick)" },
	{ 0, "8BPS", "a Photoshop file", "convert IN.psd[0] OUT.tif (ImageMagick)" },
	{ 8, "WEBP", "a WebP picture", "convert IN.webp OUT.tif (ImageMagick)" },
	{ 4, "jP  ", "a JPEG 2000 picture", "gdal_translate IN.jp2 OUT.tif (GDAL)" },
	{ 4, "ftyphei", "a HEIF picture", "convert IN.heic OUT.tif (ImageMagick)" },
	{ 0, "\x89HDF", "an HDF5 or netCDF file", "gdal_translate IN OUT.tif (GDAL)" },
	{ 0, "ZISRAWFILE", "a Zeiss CZI file", "bfconvert IN.czi OUT.ome.tif (Bio-Formats)" },
	{ 0, "\xda\xce\xbe\x0a", "a Nikon ND2 file", "bfconvert IN.nd2 OUT.ome.tif (Bio-Formats)" },
};

static int check_format(int fd)
{
	char head[32] = "";

	if (pread(fd, head, sizeof head, 0) < 4)
		return LACUNA_OK;
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (!memcmp(head + formats[i].at, formats[i].begin, strlen(formats[i].begin)))
			return error_set(LACUNA_EINVAL, "is %s, not TIFF; convert it with: %s",
					 formats[i].name, formats[i].command);
	return LACUNA_OK;
}

static int take_stamp(int fd, struct tiff_reader *r)
{
	struct stat st;

	if (fstat(fd, &st))
		return error_set(LACUNA_EIO, "%s", strerror(errno));
	r->changed = st.st_mtim;
	return LACUNA_OK;
}

int tiff_open(const char *path, struct tiff_reader **out)
{
	struct tiff_reader *r = memory_alloc(sizeof *r);
	int status, fd;

	*out = NULL;
	if (!r)
		return error_file_context(LACUNA_ENOMEM, path);
	fd = file_open(path, &r->file_size);
	if (fd < 0) {
		tiff_close(r);
		return fd;
	}
	status = take_stamp(fd, r);
	if (!status)
		status = check_format(fd);
	if (status)
		close(fd);
	/* m: no memory map: a file that shrinks meanwhile would kill the program, and a file larger than the memory would
	 * seem to use it up.  c: no chopping of long strips, to keep the layout. */
	if (!status)
		status = handle_open(&r->handle, fd, path, "rmc");
	if (!status)
		status = count_pages(r);
	if (status) {
		tiff_close(r);
		return error_file_context(status, path);
	}
	*out = r;
	return LACUNA_OK;
}

void tiff_close(struct tiff_reader *r)
{
	if (!r)
		return;
	for (int i = 0; r->notes && i < r->pages; i++)
		memory_release(r->notes[i]);
	memory_release(r->notes);
	handle_close(&r->handle);
	memory_release(r);
}

/* A program that writes into the file changes its time; one that replaces it leaves us the old file. */
int tiff_unchanged(const struct tiff_reader *r)
{
	struct stat st;

	if (fstat(TIFFFileno(r->handle.tif), &st))
		return error_set(LACUNA_EIO, "%s", strerror(errno));
	if ((uint64_t)st.st_size == r->file_size && st.st_mtim.tv_sec == r->changed.tv_sec &&
	    st.st_mtim.tv_nsec == r->changed.tv_nsec)
		return LACUNA_OK;
	return error_set(LACUNA_EIO,
			 "was changed while it was read; try again when it is complete");
}

const char *tiff_path(const struct tiff_reader *r)
{
	return r->handle.path;
}

int tiff_page_count(const struct tiff_reader *r)
{
	return r->pages;
}

int reader_context(const struct tiff_reader *r, int page, int status)
{
	if (r->pages > 1)
		error_context(status, "page %d", page + 1);
	return error_file_context(status, r->handle.path);
}

/* ---- header to layout */

static int unsupported(const char *what)
{
	return error_set(LACUNA_EUNSUPPORTED, "%s cannot be restored", what);
}

/* Treats a complex number as two samples of half its bits. */
static void split_complex(struct tiff_layout *l, enum sample_kind kind)
{
	l->type.kind = kind;
	l->type.bits /= 2;
	l->samples *= 2;
	l->complex = 1;
}

static int parse_type(TIFF *tif, struct tiff_layout *l)
{
	struct sample_type *type = &l->type;
	uint16_t bits, format;

	TIFFGetFieldDefaulted(tif, TIFFTAG_BITSPERSAMPLE, &bits);
	TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLEFORMAT, &format);
	type->bits = bits;
	switch (format) {
	case SAMPLEFORMAT_UINT:
	case SAMPLEFORMAT_VOID:
		type->kind = SAMPLE_UNSIGNED;
		break;
	case SAMPLEFORMAT_INT:
		type->kind = SAMPLE_SIGNED;
		break;
	case SAMPLEFORMAT_IEEEFP:
		type->kind = SAMPLE_FLOAT;
		break;
	case SAMPLEFORMAT_COMPLEXINT:
	case SAMPLEFORMAT_COMPLEXIEEEFP:
		if (l->separate)
			return unsupported("a picture of complex numbers in separate planes");
		split_complex(l, format == SAMPLEFORMAT_COMPLEXINT ? SAMPLE_SIGNED : SAMPLE_FLOAT);
		break;
	default:
		return error_set(LACUNA_EUNSUPPORTED, "unknown sample format %d", format);
	}
	if (!sample_type_valid(*type))
		return error_set(LACUNA_EUNSUPPORTED, "%s samples of %d bits cannot be read",
				 type->kind == SAMPLE_FLOAT ? "floating-point" : "integer", bits);
	return LACUNA_OK;
}

/* For files without the tag. */
static uint16_t guess_photometric(const struct tiff_layout *l)
{
	if (l->compression == COMPRESSION_CCITTFAX3 || l->compression == COMPRESSION_CCITTFAX4)
		return PHOTOMETRIC_MINISWHITE;
	return l->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
}

static int is_alpha(uint16_t meaning)
{
	return meaning == EXTRASAMPLE_ASSOCALPHA || meaning == EXTRASAMPLE_UNASSALPHA;
}

/* Bands beside the colour (near infrared, elevation), before or after alpha, are restored too; alpha is not. */
static void parse_bands(struct tiff_layout *l, int extra, const uint16_t *meaning)
{
	int first = 0, last;

	/* The header contradicts itself and counts colour samples as extra: the first extra ones are colour. */
	if (l->samples - extra < l->colour) {
		meaning += extra - (l->samples - l->colour);
		extra = l->samples - l->colour;
	}
	if (!extra) {
		l->colour = l->extra_at = l->samples;
		return;
	}
	while (first < extra && !is_alpha(meaning[first]))
		first++;
	last = extra;
	while (last > first && !is_alpha(meaning[last - 1]))
		last--;
	l->colour = l->samples - (last - first);
	l->extra_at = l->samples - extra + first;
}

/* Finds the samples of a pixel that are restored: colour, and bands beside it. */
static int parse_colour(TIFF *tif, struct tiff_layout *l)
{
	uint16_t extra = 0, *meaning;
	int want;

	TIFFGetFieldDefaulted(tif, TIFFTAG_EXTRASAMPLES, &extra, &meaning);
	if (l->complex) { /* all numbers are restored */
		l->colour = l->extra_at = l->samples;
		return LACUNA_OK;
	}
	switch (l->photometric) {
	case PHOTOMETRIC_MINISWHITE:
	case PHOTOMETRIC_MINISBLACK:
	case PHOTOMETRIC_PALETTE:
	case PHOTOMETRIC_MASK:
	case PHOTOMETRIC_LOGL:
		want = 1;
		break;
	case PHOTOMETRIC_RGB:
	case PHOTOMETRIC_YCBCR:
	case PHOTOMETRIC_CIELAB:
	case PHOTOMETRIC_ICCLAB:
	case PHOTOMETRIC_ITULAB:
	case PHOTOMETRIC_LOGLUV:
		want = 3;
		break;
	default:
		want = l->samples > extra ? l->samples - extra : 1;
	}
	if (l->samples < want)
		return error_set(LACUNA_EINVAL,
				 "has %d samples per pixel, but its colour space needs %d",
				 l->samples, want);
	l->colour = want;
	l->extra_at = want;
	if (l->photometric == PHOTOMETRIC_MINISBLACK || l->photometric == PHOTOMETRIC_MASK ||
	    l->photometric == PHOTOMETRIC_RGB)
		parse_bands(l, extra, meaning);
	return LACUNA_OK;
}

/* True if the palette was made from 8 bits.  Colour maps hold 16; most were made from 8-bit v as v * 257, v * 256 or,
 * against the standard, v. */
static int palette_from_8_bits(struct tiff_layout *l)
{
	const size_t n = (size_t)1 << l->type.bits;
	int small = 1, doubled = 1, shifted = 1;

	for (int c = 0; c < 3; c++)
		for (size_t i = 0; i < n; i++) {
			const unsigned v = l->map[c][i];

			small &= v < 256;
			doubled &= (v & 255) == v >> 8;
			shifted &= (v & 255) == 0;
		}
	l->palette_shift = small ? 0 : 8;
	return small || doubled || shifted;
}

static int parse_palette(TIFF *tif, struct tiff_layout *l)
{
	uint16_t *map[3];

	if (l->type.kind == SAMPLE_FLOAT || l->type.bits > 16)
		return unsupported("a palette with this sample type");
	if (!TIFFGetField(tif, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]))
		return error_set(LACUNA_EINVAL, "the palette is missing");
	for (int c = 0; c < 3; c++)
		l->map[c] = map[c];
	l->palette = 1;
	l->palette_bits = palette_from_8_bits(l) ? 8 : 16;
	if (l->palette_bits == 16)
		l->palette_shift = 0;
	return LACUNA_OK;
}

static int parse_ycbcr(struct tiff_handle *h, struct tiff_layout *l)
{
	char reason[1024] = "";

	/* With JPEGCOLORMODE_RGB (see reader_enter) libtiff itself converts contiguous JPEG data to RGB. */
	if (l->compression == COMPRESSION_JPEG && !l->separate)
		return LACUNA_OK;
	if (l->separate && l->compression != COMPRESSION_OJPEG && l->type.kind == SAMPLE_UNSIGNED &&
	    l->type.bits == 8 && l->samples == 3) {
		/* libtiff would make this gray.  Planes of full size are not subsampled, whatever the tag says. */
		if (TIFFScanlineSize(h->tif) < (tmsize_t)l->width)
			return unsupported("subsampled YCbCr in separate planes");
		l->ycbcr = 1;
		return LACUNA_OK;
	}
	if (!TIFFRGBAImageOK(h->tif, reason))
		return error_set(LACUNA_EUNSUPPORTED, "%s", reason[0] ? reason : "unusual YCbCr");
	l->convert = 1;
	l->colour = l->extra_at = l->samples = 3;
	l->type = (struct sample_type){ SAMPLE_UNSIGNED, 8 };
	return LACUNA_OK;
}

static int parse_photometric(struct tiff_handle *h, struct tiff_layout *l)
{
	switch (l->photometric) {
	case PHOTOMETRIC_MINISWHITE:
		/* Floating point has no full scale within which to invert: its values stay as they are. */
		l->invert = l->type.kind != SAMPLE_FLOAT;
		return LACUNA_OK;
	case PHOTOMETRIC_PALETTE:
		return parse_palette(h->tif, l);
	case PHOTOMETRIC_YCBCR:
		return parse_ycbcr(h, l);
	case PHOTOMETRIC_CIELAB:
		l->lab = l->type.kind == SAMPLE_UNSIGNED;
		return LACUNA_OK;
	case PHOTOMETRIC_LOGL:
	case PHOTOMETRIC_LOGLUV:
		if (l->compression != COMPRESSION_SGILOG && l->compression != COMPRESSION_SGILOG24)
			return unsupported("LogLuv without SGI compression");
		l->luminance = 1;
		return LACUNA_OK;
	default:
		return LACUNA_OK;
	}
}

static int parse_blocks(TIFF *tif, struct tiff_layout *l)
{
	l->tiled = TIFFIsTiled(tif);
	if (l->tiled) {
		TIFFGetField(tif, TIFFTAG_TILEWIDTH, &l->block_width);
		TIFFGetField(tif, TIFFTAG_TILELENGTH, &l->block_height);
	} else {
		l->block_width = l->width;
		TIFFGetFieldDefaulted(tif, TIFFTAG_ROWSPERSTRIP, &l->block_height);
		if (l->block_height > l->height)
			l->block_height = l->height;
	}
	if (!l->block_width || !l->block_height)
		return error_set(LACUNA_EINVAL, "has empty tiles or strips");
	return LACUNA_OK;
}

/* Upper bound of the bytes of picture that one byte of the file can hold. */
static double expansion(uint16_t compression)
{
	switch (compression) {
	case COMPRESSION_NONE:
		return 1;
	case COMPRESSION_PACKBITS:
		return 64;
	case COMPRESSION_LZW:
		return 4096 / 1.5;
	case COMPRESSION_DEFLATE:
	case COMPRESSION_ADOBE_DEFLATE:
		return 1040;
	default:
		return 65536;
	}
}

/* GDAL leaves out empty tiles and strips: they have no bytes. */
static int is_stored(TIFF *tif, uint32_t block)
{
	int failed = 0;

	return TIFFGetStrileByteCountWithErr(tif, block, &failed) > 0 || failed;
}

int handle_is_sparse(TIFF *tif)
{
	const uint32_t n = TIFFIsTiled(tif) ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);

	for (uint32_t i = 0; i < n; i++)
		if (!is_stored(tif, i))
			return 1;
	return 0;
}

/* Refuses pictures that the file cannot hold before memory is allocated: a header of a few bytes can promise terabytes. */
static int check_size(const struct tiff_reader *r, const struct tiff_layout *l)
{
	TIFF *tif = r->handle.tif;
	const uint64_t block = l->tiled ? TIFFTileSize64(tif) : TIFFScanlineSize64(tif);
	const double limit = expansion(l->compression) * (double)r->file_size + 65536;
	double bytes = l->tiled ? (double)block * TIFFNumberOfTiles(tif)
				: (double)block * l->height * (l->separate ? l->samples : 1);

	if (!block)
		return handle_fail(&r->handle, LACUNA_EINVAL, "has an impossible size");
	if (l->convert)
		bytes = (double)l->width * l->height;
	/* The file stores a table of its blocks, which bounds their number; the budget bounds the memory. */
	if (handle_is_sparse(tif))
		return LACUNA_OK;
	if (l->compression == COMPRESSION_NONE && !l->convert && bytes > (double)r->file_size)
		return error_set(
			LACUNA_EINVAL,
			"is truncated: the picture needs %.0f bytes, and the file has %.0f", bytes,
			(double)r->file_size);
	if (bytes > limit || (l->tiled && (double)block > limit))
		return error_set(LACUNA_EINVAL,
				 "is damaged: %u x %u pixels cannot come from a file of %.0f bytes",
				 l->width, l->height, (double)r->file_size);
	return LACUNA_OK;
}

/* The value of an attribute of an XML element, or 1. */
static double attribute(const char *element, const char *end, const char *name)
{
	const char *at = strstr(element, name);

	return at && at < end ? strtod(at + strlen(name), NULL) : 1;
}

/* Number of planes of all images of OME-XML; 0 if it names several files, since it then says nothing about this one. */
static double planes_ome(const char *text, int samples)
{
	double planes = 0;

	if (strstr(text, "FileName="))
		return 0;
	for (const char *at = strstr(text, "<Pixels"), *end; at; at = strstr(end, "<Pixels")) {
		double channels;

		end = strchr(at, '>');
		if (!end)
			break;
		channels = attribute(at, end, " SizeC=\"");
		if (channels >= samples)
			channels /= samples;
		planes += attribute(at, end, " SizeZ=\"") * attribute(at, end, " SizeT=\"") *
			  channels;
	}
	return planes;
}

/* Number of pages by tifffile's description, which states the shape of an array whose last dimensions are a page. */
static double planes_shape(const char *text, const struct tiff_layout *l)
{
	const char *at = strchr(text, '[');
	double values = 1;
	char *end;

	while (at && (*at == '[' || *at == ',')) {
		values *= strtod(at + 1, &end);
		at = end;
	}
	return values / ((double)l->width * l->height * l->samples);
}

/* Number of pages that the description states; 0: it states none. */
static double planes_promised(TIFF *tif, const struct tiff_layout *l, const char **who)
{
	const char *text = NULL, *images;

	if (!TIFFGetField(tif, TIFFTAG_IMAGEDESCRIPTION, &text) || !text)
		return 0;
	if (!strncmp(text, "ImageJ=", 7)) {
		*who = "ImageJ";
		images = strstr(text, "\nimages=");
		return images ? strtod(images + 8, NULL) : 1;
	}
	if (strstr(text, "<OME")) {
		*who = "OME";
		return planes_ome(text, l->samples);
	}
	if (!strncmp(text, "{\"shape\": [", 11)) {
		*who = "tifffile";
		return planes_shape(text, l);
	}
	return 0;
}

/* ImageJ (above 4 GB) and tifffile write stacks with one directory and the other images after the first.  Restoring only the
 * first would lose the others silently. */
static int check_promise(const struct tiff_reader *r, const struct tiff_layout *l)
{
	TIFF *tif = r->handle.tif;
	const char *who = NULL;
	const double n = planes_promised(tif, l, &who);
	double bytes;

	if (!(n > r->pages))
		return LACUNA_OK;
	bytes = (double)TIFFScanlineSize64(tif) * l->height * (l->separate ? l->samples : 1);
	if (r->pages == 1 && !l->tiled && l->compression == COMPRESSION_NONE &&
	    bytes * n <= (double)r->file_size)
		return error_set(LACUNA_EUNSUPPORTED,
				 "is a stack (%s) of %.0f images with a single TIFF page; save it "
				 "with one page for each image",
				 who, n);
	if (!r->told)
		log_message(LACUNA_LOG_WARN,
			    "%s: its description (%s) states %.0f images, but there %s only %d; "
			    "the others are lost",
			    r->handle.path, who, n, r->pages == 1 ? "is" : "are", r->pages);
	return LACUNA_OK;
}

/* MetaMorph (STK): the UIC2 tag has an entry for each plane; all of them are stored behind the first page. */
static int check_metamorph(const struct tiff_reader *r)
{
	enum { TAG_UIC2 = 33629 };
	const TIFFField *field = TIFFFindField(r->handle.tif, TAG_UIC2, TIFF_ANY);
	uint32_t planes = 0;
	uint16_t few = 0;
	void *data;

	if (!field || !TIFFFieldPassCount(field))
		return LACUNA_OK;
	if (TIFFFieldReadCount(field) == TIFF_VARIABLE2)
		TIFFGetField(r->handle.tif, TAG_UIC2, &planes, &data);
	else if (TIFFGetField(r->handle.tif, TAG_UIC2, &few, &data))
		planes = few;
	if (planes <= (uint32_t)r->pages)
		return LACUNA_OK;
	return error_set(LACUNA_EUNSUPPORTED,
			 "is a MetaMorph stack of %u planes with %d TIFF page%s; save it with one "
			 "page for each plane",
			 planes, r->pages, r->pages == 1 ? "" : "s");
}

static int check_hidden_stack(struct tiff_reader *r, const struct tiff_layout *l)
{
	int status = check_promise(r, l);

	if (!status)
		status = check_metamorph(r);
	r->told = 1;
	return status;
}

static int parse_depth(TIFF *tif)
{
	uint32_t depth = 1;

	if (TIFFGetField(tif, TIFFTAG_IMAGEDEPTH, &depth) && depth > 1)
		return unsupported("a page with a third dimension (ImageDepth)");
	return LACUNA_OK;
}

static int parse_layout(struct tiff_reader *r)
{
	TIFF *tif = r->handle.tif;
	struct tiff_layout *l = &r->layout;
	uint16_t samples, planar;
	int status;

	memset(l, 0, sizeof *l);
	if (!TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &l->width) ||
	    !TIFFGetField(tif, TIFFTAG_IMAGELENGTH, &l->height) || !l->width || !l->height)
		return error_set(LACUNA_EINVAL, "has no width or height");
	TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLESPERPIXEL, &samples);
	TIFFGetFieldDefaulted(tif, TIFFTAG_PLANARCONFIG, &planar);
	TIFFGetFieldDefaulted(tif, TIFFTAG_COMPRESSION, &l->compression);
	TIFFGetFieldDefaulted(tif, TIFFTAG_ORIENTATION, &l->orientation);
	if (!checksum_exists(l) || !TIFFGetField(tif, TIFFTAG_PREDICTOR, &l->predictor))
		l->predictor = PREDICTOR_NONE;
	l->samples = samples;
	l->separate = planar == PLANARCONFIG_SEPARATE && samples > 1;
	if (!TIFFGetField(tif, TIFFTAG_PHOTOMETRIC, &l->photometric))
		l->photometric = guess_photometric(l);
	if (!TIFFIsCODECConfigured(l->compression))
		return error_set(LACUNA_EUNSUPPORTED,
				 "compression %d (%s) is not supported by this libtiff",
				 l->compression, tags_compression_name(l->compression));
	status = parse_depth(tif);
	if (!status)
		status = parse_type(tif, l);
	if (!status)
		status = parse_colour(tif, l);
	if (!status)
		status = parse_photometric(&r->handle, l);
	if (!status)
		status = parse_blocks(tif, l);
	if (!status)
		status = check_size(r, l);
	if (!status)
		status = check_hidden_stack(r, l);
	return status;
}

static int go_to(struct tiff_reader *r, int page)
{
	TIFF *tif = r->handle.tif;

	/* The next page is one step away; libtiff reaches any other from the first. */
	if (r->current >= 0 && page == r->current + 1)
		return TIFFReadDirectory(tif);
	return TIFFSetDirectory(tif, (tdir_t)page);
}

int reader_enter(struct tiff_reader *r, int page)
{
	uint16_t compression;
	int status;

	handle_begin(&r->handle);
	if (page < 0 || page >= r->pages)
		return error_set(LACUNA_EINVAL, "has %d pages", r->pages);
	if (page == r->current)
		return LACUNA_OK;
	if (!go_to(r, page)) {
		r->current = -1;
		return handle_fail(&r->handle, LACUNA_EINVAL, "cannot be read");
	}
	TIFFGetFieldDefaulted(r->handle.tif, TIFFTAG_COMPRESSION, &compression);
	if (compression == COMPRESSION_JPEG)
		TIFFSetField(r->handle.tif, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
	if (compression == COMPRESSION_SGILOG || compression == COMPRESSION_SGILOG24)
		TIFFSetField(r->handle.tif, TIFFTAG_SGILOGDATAFMT, SGILOGDATAFMT_FLOAT);
	r->strip = -1;
	status = parse_layout(r);
	r->current = status ? -1 : page;
	return status;
}

/* ---- what a page holds */

struct note {
	char text[512];
	size_t used;
};

static void note_add(struct note *n, const char *fmt, ...) LACUNA_PRINTF(2, 3);
static void note_add(struct note *n, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (n->used && n->used + 2 < sizeof n->text) {
		strcpy(n->text + n->used, "; ");
		n->used += 2;
	}
	vsnprintf(n->text + n->used, sizeof n->text - n->used, fmt, args);
	n->used = strlen(n->text);
	va_end(args);
}

static void note_colour(struct note *n, const struct tiff_layout *l)
{
	if (l->palette)
		note_add(n, "palette becomes RGB");
	if (l->photometric == PHOTOMETRIC_YCBCR)
		note_add(n, "YCbCr becomes RGB");
	if (l->photometric == PHOTOMETRIC_LOGL)
		note_add(n, "LogL becomes 32-bit floating-point luminance");
	if (l->photometric == PHOTOMETRIC_LOGLUV)
		note_add(n, "LogLuv becomes 32-bit floating-point linear RGB");
	if (l->type.kind == SAMPLE_FLOAT ? l->type.bits > 32 : l->type.bits > 24)
		note_add(n, "values keep 24 of %d bits", l->type.bits);
}

static void note_lost(struct note *n, TIFF *tif, const struct tiff_layout *l)
{
	uint32_t size = 0;
	uint16_t count = 0, samples;
	void *data;

	TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLESPERPIXEL, &samples);
	if (l->convert && samples > 3)
		note_add(n, "extra samples are dropped");
	if (!writer_keeps_compression(l))
		note_add(n, "%s compression becomes Deflate",
			 tags_compression_name(l->compression));
	if (TIFFGetField(tif, TIFFTAG_SUBIFD, &count, &data) && count)
		note_add(n, "sub-images (SubIFD) are dropped");
	if (TIFFGetField(tif, TAG_PHOTOSHOP_LAYERS, &size, &data) && size)
		note_add(n, "Photoshop layers are dropped");
}

/* Sets note and note_copy, which is the end of note: what a copy loses, too. */
static int page_note(struct tiff_reader *r, int page, struct tiff_page *info)
{
	struct note n = { .used = 0 };
	size_t colour;

	note_colour(&n, &r->layout);
	colour = n.used;
	note_lost(&n, r->handle.tif, &r->layout);
	if (!n.used)
		return LACUNA_OK;
	if (!r->notes[page])
		r->notes[page] = memory_strdup(n.text);
	if (!r->notes[page])
		return LACUNA_ENOMEM;
	info->note = r->notes[page];
	if (n.used > colour)
		info->note_copy = info->note + (colour ? colour + 2 : 0);
	return LACUNA_OK;
}

static struct sample_type written_type(const struct tiff_layout *l)
{
	if (l->palette)
		return (struct sample_type){ SAMPLE_UNSIGNED, l->palette_bits };
	return l->type;
}

static struct lacuna_shape layout_shape(const struct tiff_layout *l)
{
	return (struct lacuna_shape){ { l->width, l->height, l->palette ? 3 : l->colour, 1 } };
}

/* libtiff converts the samples of pages that are not storable. */
static int is_storable(const struct tiff_layout *l)
{
	return !l->convert && !l->luminance && l->photometric != PHOTOMETRIC_YCBCR;
}

/* GDAL writes the value as text.  "nan" is a value; other text that is no number declares nothing. */
static int read_nodata(TIFF *tif, double *value)
{
	const void *text = NULL;
	const TIFFField *field = TIFFFindField(tif, TAG_GDAL_NODATA, TIFF_ANY);
	uint32_t n32 = 0;
	uint16_t n16 = 0;
	char *end;
	int found;

	if (!field || TIFFFieldDataType(field) != TIFF_ASCII)
		return 0;
	if (!TIFFFieldPassCount(field))
		found = TIFFGetField(tif, TAG_GDAL_NODATA, &text);
	else if (TIFFFieldReadCount(field) == TIFF_VARIABLE2)
		found = TIFFGetField(tif, TAG_GDAL_NODATA, &n32, &text);
	else
		found = TIFFGetField(tif, TAG_GDAL_NODATA, &n16, &text);
	if (!found || !text)
		return 0;
	*value = strtod(text, &end);
	return end != text;
}

int tiff_page_info(struct tiff_reader *r, int page, struct tiff_page *info)
{
	int status = reader_enter(r, page);
	const struct sample_type type = written_type(&r->layout);
	uint32_t subfile = 0;

	memset(info, 0, sizeof *info);
	if (status)
		return reader_context(r, page, status);
	info->shape = layout_shape(&r->layout);
	info->extra = r->layout.samples - r->layout.colour;
	info->kind = type.kind;
	info->bits = type.bits;
	info->full_scale = sample_full_scale(type);
	info->block_rows = (int)writer_block_rows(&r->layout);
	info->storable = is_storable(&r->layout);
	if (TIFFGetField(r->handle.tif, TIFFTAG_SUBFILETYPE, &subfile))
		info->auxiliary = (subfile & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) != 0;
	info->has_nodata = !r->layout.palette && read_nodata(r->handle.tif, &info->nodata);
	status = page_note(r, page, info);
	return status ? reader_context(r, page, status) : LACUNA_OK;
}

/* ---- layout to rows */

static int damaged(const struct tiff_reader *r)
{
	const char *why = r->handle.message;

	return error_set(LACUNA_EINVAL, "the picture data are damaged%s%s%s", *why ? " (" : "", why,
			 *why ? ")" : "");
}

/* libtiff reports some damage (fax, JPEG) without stopping. */
static int sound(const struct tiff_reader *r)
{
	return !r->handle.message[0];
}

/* A block that is not stored means nodata if the file declares it, else zero. */
void layout_fill_empty(TIFF *tif, const struct tiff_layout *l, size_t samples, void *block)
{
	uint64_t raw;
	double nodata;

	memset(block, 0, (samples * (size_t)l->type.bits + 7) / 8);
	if (!read_nodata(tif, &nodata))
		return;
	raw = sample_encode(l->type, (float)nodata);
	for (size_t i = 0; i < samples; i++)
		sample_put(block, i, l->type.bits, raw);
}

/* True if rows are read without libtiff, which loads whole strips: they are not compressed, and strips are large (one may be
 * the whole picture). */
static int is_plain(const struct tiff_reader *r)
{
	enum { LARGE = 1 << 16 };
	const struct tiff_layout *l = &r->layout;

	return l->compression == COMPRESSION_NONE &&
	       (double)TIFFScanlineSize64(r->handle.tif) * l->block_height > LARGE;
}

static void swap_bytes(TIFF *tif, int bits, void *row, tmsize_t bytes)
{
	uint16_t order;

	TIFFGetFieldDefaulted(tif, TIFFTAG_FILLORDER, &order);
	if (order == FILLORDER_LSB2MSB)
		TIFFReverseBits(row, bytes);
	if (!TIFFIsByteSwapped(tif))
		return;
	if (bits == 16)
		TIFFSwabArrayOfShort(row, bytes / 2);
	else if (bits == 24)
		TIFFSwabArrayOfTriples(row, bytes / 3);
	else if (bits == 32)
		TIFFSwabArrayOfLong(row, bytes / 4);
	else if (bits == 64)
		TIFFSwabArrayOfLong8(row, bytes / 8);
}

static int read_plain_row(struct tiff_reader *r, uint32_t strip, uint32_t y, void *row)
{
	TIFF *tif = r->handle.tif;
	const tmsize_t bytes = TIFFScanlineSize(tif);
	const uint64_t at = (uint64_t)(y % r->layout.block_height) * (uint64_t)bytes;

	if (at + (uint64_t)bytes > TIFFGetStrileByteCount(tif, strip) ||
	    pread(TIFFFileno(tif), row, (size_t)bytes,
		  (off_t)(TIFFGetStrileOffset(tif, strip) + at)) != bytes)
		return -1;
	swap_bytes(tif, r->layout.type.bits, row, bytes);
	return 0;
}

/* Damage that libtiff passes over. */
static void check_block(struct tiff_reader *r, uint32_t block, uint64_t sum)
{
	if (!checksum_is_right(r->handle.tif, block, sum))
		handle_warn(&r->handle, "the checksum of %s %u is wrong",
			    r->layout.tiled ? "tile" : "strip", block + 1);
}

/* Adds a row of the strip that is decoded to its sum. */
static void sum_row(struct tiff_reader *r, uint32_t strip, uint32_t y, const void *row)
{
	const uint32_t height = r->layout.block_height;

	if (!checksum_exists(&r->layout))
		return;
	if (y % height == 0)
		r->sum = 0;
	r->sum += checksum_of_row(&r->layout, row, (size_t)TIFFScanlineSize(r->handle.tif));
	if (y % height == height - 1 || y == r->layout.height - 1)
		check_block(r, strip, r->sum);
}

static void check_tile(struct tiff_reader *r, uint32_t tile, const uint8_t *rows, size_t pitch)
{
	uint64_t sum = 0;

	if (!checksum_exists(&r->layout))
		return;
	for (uint32_t i = 0; i < r->layout.block_height; i++)
		sum += checksum_of_row(&r->layout, rows + i * pitch, pitch);
	check_block(r, tile, sum);
}

/* libtiff either continues in a strip or begins again with its first row, so the rows between are decoded too. */
static int read_row(struct tiff_reader *r, uint32_t strip, int plane, uint32_t y, void *row)
{
	const uint32_t first = y - y % r->layout.block_height;
	const int goes_on = r->strip == (int64_t)strip && r->next_row <= y;
	int failed = 0;

	for (uint32_t i = goes_on ? r->next_row : first; !failed && i <= y; i++) {
		failed = TIFFReadScanline(r->handle.tif, row, i, (uint16_t)plane) < 0 || !sound(r);
		if (!failed)
			sum_row(r, strip, i, row);
	}
	r->strip = failed ? -1 : (int64_t)strip;
	r->next_row = y + 1;
	return failed;
}

static int decode_strips(struct tiff_reader *r, int plane, const struct tiff_span *span,
			 tiff_row_sink *sink, void *context)
{
	const struct tiff_layout *l = &r->layout;
	const int plain = is_plain(r);
	struct tiff_row row = { .n = l->width,
				.first = plane,
				.stride = l->separate ? 1 : l->samples };
	void *buffer = memory_alloc((size_t)TIFFScanlineSize(r->handle.tif));
	int status = buffer ? LACUNA_OK : LACUNA_ENOMEM;

	row.data = buffer;
	for (uint32_t y = span->top; !status && y < span->bottom; y++) {
		const uint32_t strip = TIFFComputeStrip(r->handle.tif, y, (uint16_t)plane);

		row.y = y;
		if (!is_stored(r->handle.tif, strip))
			layout_fill_empty(r->handle.tif, l, (size_t)l->width * (size_t)row.stride,
					  buffer);
		else if (plain ? read_plain_row(r, strip, y, buffer)
			       : read_row(r, strip, plane, y, buffer))
			status = damaged(r);
		if (!status)
			sink(context, &row);
	}
	memory_release(buffer);
	return status;
}

/* For schemes where rows in existing files do not end where they should: PackBits runs that continue in the next row, fax
 * data with errors.  Decoding row by row, libtiff drops what it has read beyond a row. */
int layout_whole_strips(const struct tiff_layout *l)
{
	return l->compression == COMPRESSION_PACKBITS || l->compression == COMPRESSION_CCITTRLE ||
	       l->compression == COMPRESSION_CCITTRLEW || l->compression == COMPRESSION_CCITTFAX3 ||
	       l->compression == COMPRESSION_CCITTFAX4;
}

static int decode_whole_strips(struct tiff_reader *r, int plane, const struct tiff_span *span,
			       tiff_row_sink *sink, void *context)
{
	TIFF *tif = r->handle.tif;
	const struct tiff_layout *l = &r->layout;
	struct tiff_row row = { .n = l->width,
				.first = plane,
				.stride = l->separate ? 1 : l->samples };
	const size_t pitch = (size_t)TIFFScanlineSize(tif);
	uint8_t *strip = memory_alloc_array(pitch, l->block_height);
	int status = strip ? LACUNA_OK : LACUNA_ENOMEM;

	for (uint64_t first = span->top / l->block_height * l->block_height;
	     !status && first < span->bottom; first += l->block_height) {
		const uint32_t y = (uint32_t)first, left = l->height - y;
		const uint32_t rows = left < l->block_height ? left : l->block_height;
		const uint32_t number = TIFFComputeStrip(tif, y, (uint16_t)plane);

		if (!is_stored(tif, number))
			for (uint32_t i = 0; i < rows; i++)
				layout_fill_empty(tif, l, (size_t)l->width * (size_t)row.stride,
						  strip + i * pitch);
		else if (TIFFReadEncodedStrip(tif, number, strip, (tmsize_t)(pitch * rows)) < 0 ||
			 !sound(r))
			status = damaged(r);
		for (uint32_t i = 0; !status && i < rows; i++) {
			row.y = y + i;
			row.data = strip + i * pitch;
			if (row.y >= span->top && row.y < span->bottom)
				sink(context, &row);
		}
	}
	memory_release(strip);
	return status;
}

static void sink_tile(const struct tiff_layout *l, const uint8_t *tile, size_t pitch,
		      struct tiff_row row, const struct tiff_span *span, tiff_row_sink *sink,
		      void *context)
{
	const uint32_t left = l->height - row.y;
	const uint32_t rows = left < l->block_height ? left : l->block_height;

	row.n = l->width - row.x < l->block_width ? l->width - row.x : l->block_width;
	for (uint32_t i = 0; i < rows; i++, row.y++) {
		row.data = tile + i * pitch;
		if (row.y >= span->top && row.y < span->bottom)
			sink(context, &row);
	}
}

static int decode_tiles(struct tiff_reader *r, int plane, const struct tiff_span *span,
			tiff_row_sink *sink, void *context)
{
	TIFF *tif = r->handle.tif;
	const struct tiff_layout *l = &r->layout;
	struct tiff_row row = { .first = plane, .stride = l->separate ? 1 : l->samples };
	const size_t pitch = (size_t)TIFFTileRowSize(tif);
	const size_t samples =
		(size_t)l->block_width * (size_t)l->block_height * (size_t)row.stride;
	uint8_t *tile = memory_alloc((size_t)TIFFTileSize(tif));
	int status = tile ? LACUNA_OK : LACUNA_ENOMEM;

	for (uint64_t y = span->top / l->block_height * l->block_height;
	     !status && y < span->bottom; y += l->block_height)
		for (uint64_t x = 0; !status && x < l->width; x += l->block_width) {
			const uint32_t number =
				TIFFComputeTile(tif, (uint32_t)x, (uint32_t)y, 0, (uint16_t)plane);

			row.x = (uint32_t)x;
			row.y = (uint32_t)y;
			if (!is_stored(tif, number))
				layout_fill_empty(tif, l, samples, tile);
			else if (TIFFReadTile(tif, tile, row.x, row.y, 0, (uint16_t)plane) < 0 ||
				 !sound(r))
				status = damaged(r);
			else
				check_tile(r, number, tile, pitch);
			if (!status)
				sink_tile(l, tile, pitch, row, span, sink, context);
		}
	memory_release(tile);
	return status;
}

static void check_blocks(struct tiff_reader *r)
{
	TIFF *tif = r->handle.tif;
	const uint32_t n = r->layout.tiled ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);

	for (uint32_t i = 0; checksum_exists(&r->layout) && i < n; i++)
		if (is_stored(tif, i))
			check_block(r, i, 0);
}

/* Uses libtiff's own conversion to 8-bit RGBA, for YCbCr that is subsampled or in old-style JPEG. */
static int decode_converted(struct tiff_reader *r, const struct tiff_span *span,
			    tiff_row_sink *sink, void *context)
{
	const struct tiff_layout *l = &r->layout;
	struct tiff_row row = { .n = l->width, .stride = 4 };
	uint32_t *raster = NULL;
	size_t pixels;
	int status = LACUNA_OK;

	if (size_multiply(l->width, l->height, &pixels))
		raster = memory_alloc_array(pixels, sizeof *raster);
	if (!raster)
		return LACUNA_ENOMEM;
	if (!TIFFReadRGBAImageOriented(r->handle.tif, l->width, l->height, raster, l->orientation,
				       1) ||
	    !sound(r))
		status = damaged(r);
	else
		check_blocks(r);
	for (size_t i = 0; !status && i < pixels; i++) {
		uint8_t *p = (uint8_t *)&raster[i];
		const uint32_t v = raster[i];

		p[0] = TIFFGetR(v);
		p[1] = TIFFGetG(v);
		p[2] = TIFFGetB(v);
	}
	for (uint32_t y = span->top; !status && y < span->bottom; y++) {
		row.y = y;
		row.data = raster + (size_t)y * l->width;
		sink(context, &row);
	}
	memory_release(raster);
	return status;
}

static int decode_planes(struct tiff_reader *r, int first, int count, const struct tiff_span *span,
			 tiff_row_sink *sink, void *context)
{
	const struct tiff_layout *l = &r->layout;
	int status = LACUNA_OK;

	if (!l->separate) {
		first = 0;
		count = 1;
	}
	for (int plane = first; !status && plane < first + count; plane++)
		status = l->tiled ? decode_tiles(r, plane, span, sink, context)
			 : layout_whole_strips(l)
				 ? decode_whole_strips(r, plane, span, sink, context)
				 : decode_strips(r, plane, span, sink, context);
	return status;
}

/* Decoders continue after some damage (JPEG, fax) with a warning that nobody would see: passes it on. */
static void tell_damage(struct tiff_reader *r, int page)
{
	if (!r->handle.warning[0] || r->told_damage == page + 1)
		return;
	r->told_damage = page + 1;
	log_message(LACUNA_LOG_WARN, "%s: page %d may be damaged: %s", r->handle.path, page + 1,
		    r->handle.warning);
}

int reader_decode(struct tiff_reader *r, int first, int count, const struct tiff_span *span,
		  tiff_row_sink *sink, void *context)
{
	const struct tiff_layout *l = &r->layout;
	const int page = r->current;
	int status;

	handle_begin(&r->handle);
	/* These codecs cannot go back to the first row: the page must be entered anew. */
	if (l->convert || l->luminance)
		r->current = -1;
	status = l->convert ? decode_converted(r, span, sink, context)
			    : decode_planes(r, first, count, span, sink, context);
	if (status)
		return status;
	tell_damage(r, page);
	return tiff_unchanged(r);
}

/* ---- rows to planar float */

struct float_sink {
	const struct tiff_layout *layout;
	struct image *image;
};

static float *pixel(struct image *image, int channel, uint32_t x, uint32_t y)
{
	const size_t w = (size_t)image->shape.extent[0], h = (size_t)image->shape.extent[1];

	return image->values + ((size_t)channel * h + y) * w + x;
}

/* Palette colours of n pixels: the first sample is number `at' of row, each other `stride' samples after the last. */
static void palette_values(const struct tiff_layout *l, int channel, const void *row, size_t at,
			   size_t stride, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++) {
		const uint64_t index = sample_get(row, at + i * stride, l->type.bits);

		out[i] = (float)(l->map[channel][index] >> l->palette_shift);
	}
}

void layout_values(const struct tiff_layout *l, int channel, const void *row, size_t at,
		   size_t stride, size_t n, float *out)
{
	const struct sample_type type = l->type;
	const uint64_t ones = UINT64_MAX >> (64 - type.bits);
	const uint64_t toggle = l->invert ? ones : l->lab && channel ? ones ^ ones >> 1 : 0;

	if (l->palette) {
		palette_values(l, channel, row, at, stride, n, out);
		return;
	}
	sample_values(type, row, at, stride, n, toggle, out);
}

static void sink_row(void *context, const struct tiff_row *row)
{
	struct float_sink *to = context;
	const struct tiff_layout *l = to->layout;
	const int channels = l->palette ? 3 : l->colour;

	for (int c = 0; c < channels; c++) {
		const int sample = l->palette ? 0 : layout_sample(l, c);

		if (l->separate && sample != row->first)
			continue;
		layout_values(l, c, row->data, (size_t)(sample - row->first), (size_t)row->stride,
			      row->n, pixel(to->image, c, row->x, row->y));
	}
}

/* Converts XYZ (equal-energy white) to linear RGB of ITU-R BT.709 primaries; the matrix is that of libtiff's tif_luv.c. */
static void xyz_to_rgb(size_t n, float *v)
{
	static const double m[3][3] = { { 2.690, -1.276, -0.414 },
					{ -1.022, 1.978, 0.044 },
					{ 0.061, -0.224, 1.163 } };

	for (size_t i = 0; i < n; i++) {
		const double x = v[i], y = v[i + n], z = v[i + 2 * n];

		for (size_t c = 0; c < 3; c++)
			v[i + c * n] = (float)(m[c][0] * x + m[c][1] * y + m[c][2] * z);
	}
}

/* Converts by ITU-R BT.601 with full range, the default of TIFF 6.0. */
static void ycbcr_to_rgb(size_t n, float *v)
{
	for (size_t i = 0; i < n; i++) {
		const double y = v[i], cb = v[i + n] - 128.0, cr = v[i + 2 * n] - 128.0;

		v[i] = (float)fmin(fmax(y + 1.402 * cr, 0), 255);
		v[i + n] = (float)fmin(fmax(y - 0.344136 * cb - 0.714136 * cr, 0), 255);
		v[i + 2 * n] = (float)fmin(fmax(y + 1.772 * cb, 0), 255);
	}
}

void layout_colours(const struct tiff_layout *l, size_t n, float *values)
{
	if (l->photometric == PHOTOMETRIC_LOGLUV)
		xyz_to_rgb(n, values);
	if (l->ycbcr)
		ycbcr_to_rgb(n, values);
}

int tiff_read(struct tiff_reader *r, int page, struct image *image)
{
	struct float_sink to = { &r->layout, image };
	struct lacuna_shape shape;
	int status = reader_enter(r, page);

	memset(image, 0, sizeof *image);
	if (!status) {
		shape = layout_shape(&r->layout);
		status = image_create(image, &shape);
	}
	if (!status)
		status = reader_decode(r, 0, layout_sample(&r->layout, r->layout.colour - 1) + 1,
				       &(struct tiff_span){ 0, r->layout.height }, sink_row, &to);
	if (!status) {
		layout_colours(&r->layout, (size_t)shape.extent[0] * (size_t)shape.extent[1],
			       image->values);
		return LACUNA_OK;
	}
	image_free(image);
	return reader_context(r, page, status);
}

/* Pixel size from resolution tags with a unit of length; ignores the default values 72 and 96 dpi. */
static int size_by_tags(TIFF *tif, const double per_unit[2], double size[2])
{
	uint16_t unit = RESUNIT_NONE;

	TIFFGetFieldDefaulted(tif, TIFFTAG_RESOLUTIONUNIT, &unit);
	for (int i = 0; i < 2; i++) {
		const double dpi = unit == RESUNIT_INCH ? per_unit[i] : per_unit[i] * 2.54;
		const int usual = fabs(dpi - 72) < 0.1 || fabs(dpi - 96) < 0.1;

		if (unit == RESUNIT_NONE || usual || !(dpi > 1) || !isfinite(dpi))
			return 0;
		size[i] = 25400 / dpi;
	}
	return 1;
}

int tiff_pixel_size(struct tiff_reader *r, double size[2])
{
	float x = 0, y = 0;
	double per_unit[2];
	const char *text = NULL;

	if (reader_enter(r, 0))
		return 0;
	TIFFGetField(r->handle.tif, TIFFTAG_XRESOLUTION, &x);
	TIFFGetField(r->handle.tif, TIFFTAG_YRESOLUTION, &y);
	per_unit[0] = (double)x;
	per_unit[1] = (double)y;
	if (!TIFFGetField(r->handle.tif, TIFFTAG_IMAGEDESCRIPTION, &text))
		text = NULL;
	return description_pixel_size(text, per_unit, size) ||
	       size_by_tags(r->handle.tif, per_unit, size);
}
