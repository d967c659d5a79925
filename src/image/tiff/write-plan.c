/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Plans a page before it is written: sample type, colours, compression and blocks, from those of the page that the picture came
 * from. */
#include <config.h>

#include "image/tiff/write-private.h"

#include "base/error.h"

#include <math.h>

static uint16_t plain_photometric(int colour)
{
	return colour == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
}

static uint16_t choose_photometric(const struct tiff_layout *old, struct sample_type type)
{
	switch (old->photometric) {
	case PHOTOMETRIC_PALETTE:
	case PHOTOMETRIC_YCBCR:
	case PHOTOMETRIC_LOGLUV:
		return PHOTOMETRIC_RGB;
	case PHOTOMETRIC_LOGL:
		return PHOTOMETRIC_MINISBLACK;
	case PHOTOMETRIC_MINISWHITE:
		return old->invert == (type.kind != SAMPLE_FLOAT) ? PHOTOMETRIC_MINISWHITE
								  : PHOTOMETRIC_MINISBLACK;
	case PHOTOMETRIC_MASK:
		return type.bits == 1 ? PHOTOMETRIC_MASK : PHOTOMETRIC_MINISBLACK;
	case PHOTOMETRIC_CIELAB:
		return same_type(old->type, type) ? PHOTOMETRIC_CIELAB : PHOTOMETRIC_ICCLAB;
	default:
		return old->photometric;
	}
}

static int is_fax(uint16_t compression)
{
	return compression == COMPRESSION_CCITTRLE || compression == COMPRESSION_CCITTRLEW ||
	       compression == COMPRESSION_CCITTFAX3 || compression == COMPRESSION_CCITTFAX4;
}

static int is_dictionary(uint16_t compression)
{
	return compression == COMPRESSION_LZW || compression == COMPRESSION_DEFLATE ||
	       compression == COMPRESSION_ADOBE_DEFLATE || compression == COMPRESSION_ZSTD ||
	       compression == COMPRESSION_LZMA;
}

int writer_keeps_compression(const struct tiff_layout *l)
{
	if (is_fax(l->compression))
		return l->type.bits == 1 && l->samples == 1 && !l->palette;
	return l->compression == COMPRESSION_NONE || l->compression == COMPRESSION_PACKBITS ||
	       is_dictionary(l->compression);
}

static uint16_t default_compression(void)
{
	return TIFFIsCODECConfigured(COMPRESSION_ADOBE_DEFLATE) ? COMPRESSION_ADOBE_DEFLATE
								: COMPRESSION_NONE;
}

/* The predictor that stores differences of neighbours, if libtiff has it for the type. */
static uint16_t horizontal_predictor(struct sample_type t)
{
	return t.bits == 8 || t.bits == 16 || t.bits == 32 ? PREDICTOR_HORIZONTAL : PREDICTOR_NONE;
}

static uint16_t best_predictor(struct sample_type t)
{
	return t.kind == SAMPLE_FLOAT ? PREDICTOR_FLOATINGPOINT : horizontal_predictor(t);
}

uint16_t page_predictor(TIFF *tif, struct tiff_reader *like, const struct tiff_layout *l)
{
	uint16_t predictor = PREDICTOR_NONE;

	if (!is_dictionary(l->compression) || l->complex)
		return PREDICTOR_NONE;
	if (like && like->layout.compression == l->compression)
		TIFFGetFieldDefaulted(like->handle.tif, TIFFTAG_PREDICTOR, &predictor);
	else
		predictor = best_predictor(l->type);
	if (predictor != PREDICTOR_NONE && like && !same_type(like->layout.type, l->type))
		predictor = best_predictor(l->type);
	/* libtiff (4.5.0 at least) writes wrong values with the floating-point predictor if the file has not the byte
	 * order of this machine. */
	if (predictor == PREDICTOR_FLOATINGPOINT && TIFFIsByteSwapped(tif))
		predictor = horizontal_predictor(l->type);
	return predictor;
}

/* Plans a page without an old one. */
static void plan_plain(const struct tiff_writer *w, const struct lacuna_shape *shape,
		       struct page *p)
{
	struct tiff_layout *l = &p->layout;

	l->type = (struct sample_type){ SAMPLE_FLOAT, 32 };
	if (w->options.override_type)
		l->type = (struct sample_type){ w->options.kind, w->options.bits };
	l->width = (uint32_t)shape->extent[0];
	l->height = (uint32_t)shape->extent[1];
	l->samples = l->colour = l->extra_at = (int)shape->extent[2];
	l->complex = w->options.complex && l->type.kind == SAMPLE_FLOAT && l->samples % 2 == 0;
	l->photometric = plain_photometric(l->colour);
	l->compression = default_compression();
}

static void round_tiles(const struct tiff_layout *old, struct tiff_layout *l)
{
	l->block_width = (old->block_width + 15) / 16 * 16;
	l->block_height = (old->block_height + 15) / 16 * 16;
}

int64_t writer_block_rows(const struct tiff_layout *l)
{
	const double row = (double)l->width * l->type.bits / 8;
	const double most = fmax(STRIP_MOST / row, 1);

	if (l->tiled)
		return (l->block_height + 15) / 16 * 16;
	if (!l->separate)
		return 1;
	return l->block_height && l->block_height < most ? (int64_t)l->block_height : (int64_t)most;
}

static void plan_like(const struct tiff_writer *w, const struct tiff_layout *old, int channels,
		      struct page *p)
{
	struct tiff_layout *l = &p->layout;
	const int same_size = l->width == old->width && l->height == old->height;

	if (!w->options.override_type)
		l->type = old->palette ? (struct sample_type){ SAMPLE_UNSIGNED, old->palette_bits }
				       : old->type;
	if (old->complex && l->colour == channels && !w->options.override_type)
		l->complex = 1;
	if (l->colour == channels)
		l->photometric = choose_photometric(old, l->type);
	if (l->complex)
		l->photometric = PHOTOMETRIC_MINISBLACK;
	else
		l->samples += old->samples - old->colour;
	if (l->colour == old->colour)
		l->extra_at = old->extra_at;
	l->separate = old->separate && l->samples > 1 && !l->complex;
	l->compression = old->compression;
	if (!writer_keeps_compression(old) || !writer_keeps_compression(l))
		l->compression = default_compression();
	l->tiled = old->tiled;
	if (old->tiled)
		round_tiles(old, l);
	else if (same_size)
		l->block_height = old->block_height;
	l->invert = l->photometric == PHOTOMETRIC_MINISWHITE && l->type.kind != SAMPLE_FLOAT;
	l->lab = l->photometric == PHOTOMETRIC_CIELAB && l->type.kind == SAMPLE_UNSIGNED;
}

static void plan_copy(const struct tiff_layout *old, struct page *p)
{
	p->layout = *old;
	if (!writer_keeps_compression(old))
		p->layout.compression = default_compression();
	if (old->tiled)
		round_tiles(old, &p->layout);
}

/* Old values can stay only if they mean the same in the new page. */
static int can_keep(const struct tiff_layout *old, const struct page *p)
{
	const struct tiff_layout *l = &p->layout;

	return same_type(l->type, old->type) && l->width == p->old_width &&
	       l->height == p->old_height && l->colour == old->colour && l->invert == old->invert &&
	       l->lab == old->lab && !old->palette && !old->convert && !old->luminance &&
	       !old->ycbcr;
}

void page_name_samples(struct page *p)
{
	if (p->layout.photometric == PHOTOMETRIC_MINISBLACK)
		p->unnamed = p->layout.colour - 1;
	if (p->layout.photometric == PHOTOMETRIC_RGB)
		p->unnamed = p->layout.colour - 3;
}

/* Values are float; what the page declares as missing is stated with all its digits. */
static void plan_nodata(const struct tiff_reader *like, struct page *p)
{
	const struct tiff_layout *old = &like->layout, *l = &p->layout;
	double nodata;

	if (l->invert || l->lab || old->palette || !handle_nodata(like->handle.tif, &nodata))
		return;
	p->near_nodata = sample_decode(old->type, sample_encode_double(old->type, nodata));
	p->nodata = sample_encode_double(l->type, nodata);
	p->rounds_nodata = !isnan(nodata) && sample_encode(l->type, p->near_nodata) != p->nodata;
}

int page_plan(const struct tiff_writer *w, const struct image_part *part,
	      const struct tiff_reader *like, struct page *p)
{
	const struct lacuna_shape *shape = &part->shape;
	const struct lacuna_region *region = &part->region;
	const struct tiff_layout *old = like ? &like->layout : NULL;

	if (p->copy) {
		plan_copy(old, p);
	} else {
		if (shape->extent[0] > UINT32_MAX || shape->extent[1] > UINT32_MAX ||
		    shape->extent[2] > UINT16_MAX || shape->extent[3] != 1)
			return error_set(LACUNA_EINVAL, "the image is too large for a TIFF page");
		plan_plain(w, shape, p);
		if (old)
			plan_like(w, old, old->palette ? 3 : old->colour, p);
	}
	if (old) {
		p->old_width = region->extent[0] ? (uint32_t)region->extent[0] : old->width;
		p->old_height = region->extent[1] ? (uint32_t)region->extent[1] : old->height;
		p->old_x = (uint32_t)region->origin[0];
		p->old_y = (uint32_t)region->origin[1];
		p->keeps = can_keep(old, p);
		plan_nodata(like, p);
	}
	return LACUNA_OK;
}
