/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What a page holds: shape, sample type, what will be lost, and the size of a pixel. */
#include <config.h>

#include "image/tiff/private.h"

#include "base/error.h"
#include "base/memory.h"
#include "image/tiff/description.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
static int page_note(struct tiff_reader *r, int page, struct image_page *info)
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

struct lacuna_shape layout_shape(const struct tiff_layout *l)
{
	return (struct lacuna_shape){ { l->width, l->height, l->palette ? 3 : l->colour, 1 } };
}

/* libtiff converts the samples of pages that are not storable. */
static int is_storable(const struct tiff_layout *l)
{
	return !l->convert && !l->luminance && l->photometric != PHOTOMETRIC_YCBCR;
}

int tiff_page(struct image_reader *reader, int page, struct image_page *info)
{
	struct tiff_reader *r = tiff_reader(reader);
	int status = reader_enter(r, page);
	const struct sample_type type = written_type(&r->layout);
	uint32_t subfile = 0;

	memset(info, 0, sizeof *info);
	if (status)
		return reader_context(r, page, status);
	info->shape = layout_shape(&r->layout);
	info->extra = r->layout.samples - r->layout.colour;
	info->associated = r->layout.associated;
	info->kind = type.kind;
	info->bits = type.bits;
	info->full_scale = sample_full_scale(type);
	info->block_rows = (int)writer_block_rows(&r->layout);
	info->storable = is_storable(&r->layout);
	TIFFGetField(r->handle.tif, TIFFTAG_SUBFILETYPE, &subfile);
	info->reduced = (subfile & FILETYPE_REDUCEDIMAGE) != 0;
	info->auxiliary = info->reduced || (subfile & FILETYPE_MASK) != 0;
	info->has_nodata = !r->layout.palette && handle_nodata(r->handle.tif, &info->nodata);
	/* The file states it as it is stored, not as it is read. */
	if (info->has_nodata && r->layout.invert)
		info->nodata = info->full_scale.lo + info->full_scale.hi - info->nodata;
	status = page_note(r, page, info);
	return status ? reader_context(r, page, status) : LACUNA_OK;
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

int tiff_pixel_size(struct image_reader *reader, double size[2])
{
	struct tiff_reader *r = tiff_reader(reader);
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

int tiff_orientation(struct image_reader *reader, int page)
{
	struct tiff_reader *r = tiff_reader(reader);

	if (reader_enter(r, page)) {
		error_clear();
		return 0;
	}
	return r->layout.orientation >= 1 && r->layout.orientation <= 8 ? r->layout.orientation : 1;
}
