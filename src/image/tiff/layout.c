/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Enters a page: its header becomes a layout, or an error says why the page cannot be read. */
#include <config.h>

#include "image/tiff/private.h"

#include "base/error.h"

#include <string.h>

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
	l->associated = first < last && meaning[first] == EXTRASAMPLE_ASSOCALPHA;
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

/* Spaces in which half of a complex number would be a colour, or the place in a palette. */
static int has_complex_colours(const struct tiff_layout *l)
{
	return l->complex && l->photometric != PHOTOMETRIC_MINISBLACK &&
	       l->photometric != PHOTOMETRIC_MINISWHITE && l->photometric != PHOTOMETRIC_RGB;
}

static int parse_photometric(struct tiff_handle *h, struct tiff_layout *l)
{
	if (has_complex_colours(l))
		return unsupported("a picture of complex numbers that is neither gray nor RGB");
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

/* Refuses pictures that the file cannot hold before memory is allocated: a header of a few bytes can promise terabytes. */
static int check_size(const struct tiff_reader *r, const struct tiff_layout *l)
{
	TIFF *tif = r->handle.tif;
	const uint64_t block = l->tiled ? TIFFTileSize64(tif) : TIFFScanlineSize64(tif);
	const double limit = expansion(l->compression) * (double)r->common.size + 65536;
	double bytes = l->tiled ? (double)block * TIFFNumberOfTiles(tif)
				: (double)block * l->height * (l->separate ? l->samples : 1);

	if (!block)
		return handle_fail(&r->handle, LACUNA_EINVAL, "has an impossible size");
	if (l->convert)
		bytes = (double)l->width * l->height;
	/* The file stores a table of its blocks, which bounds their number; the budget bounds the memory. */
	if (handle_is_sparse(tif))
		return LACUNA_OK;
	if (l->compression == COMPRESSION_NONE && !l->convert && bytes > (double)r->common.size)
		return error_set(
			LACUNA_EINVAL,
			"is truncated: the picture needs %.0f bytes, and the file has %.0f", bytes,
			(double)r->common.size);
	if (bytes > limit || (l->tiled && (double)block > limit))
		return error_set(LACUNA_EINVAL,
				 "is damaged: %u x %u pixels cannot come from a file of %.0f bytes",
				 l->width, l->height, (double)r->common.size);
	return LACUNA_OK;
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
		status = reader_check_stack(r, l);
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
	if (page < 0 || page >= r->common.pages)
		return error_set(LACUNA_EINVAL, "has %d pages", r->common.pages);
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
