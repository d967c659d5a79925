/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The tags of a new page: layout, software, those copied from the old page, and descriptions that state what the file holds. */
#include <config.h>

#include "image/tiff/write-private.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "image/tiff/description.h"

#include <string.h>

/* ---- layout and software */

static int set_extra_samples(TIFF *tif, TIFF *old, const struct page *p)
{
	const int kept = p->layout.samples - p->layout.colour;
	const int count = kept + (p->layout.complex ? (p->unnamed - 1) / 2 : p->unnamed);
	const int first = p->unnamed + p->layout.extra_at - p->layout.colour;
	uint16_t have = 0, *meaning = NULL, *all;
	int ok;

	if (!count)
		return 1;
	if (old)
		TIFFGetFieldDefaulted(old, TIFFTAG_EXTRASAMPLES, &have, &meaning);
	all = memory_alloc_array((size_t)count, sizeof *all);
	if (!all)
		return 0;
	/* TIFF has no meaning for restored bands; kept samples keep theirs.  Both lists are of a pixel's last samples. */
	for (int i = first; i < first + kept; i++)
		if (i + have >= count && i < count)
			all[i] = meaning[i + have - count];
	ok = TIFFSetField(tif, TIFFTAG_EXTRASAMPLES, count, all);
	memory_release(all);
	return ok;
}

static uint16_t sample_format(const struct tiff_layout *l)
{
	const enum sample_kind kind = l->type.kind;

	if (l->complex)
		return kind == SAMPLE_FLOAT ? SAMPLEFORMAT_COMPLEXIEEEFP : SAMPLEFORMAT_COMPLEXINT;
	return kind == SAMPLE_FLOAT    ? SAMPLEFORMAT_IEEEFP
	       : kind == SAMPLE_SIGNED ? SAMPLEFORMAT_INT
				       : SAMPLEFORMAT_UINT;
}

static int set_blocks(TIFF *tif, const struct tiff_layout *l)
{
	if (l->tiled)
		return TIFFSetField(tif, TIFFTAG_TILEWIDTH, l->block_width) &&
		       TIFFSetField(tif, TIFFTAG_TILELENGTH, l->block_height);
	return TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP,
			    l->block_height ? l->block_height : TIFFDefaultStripSize(tif, 0));
}

static int set_compression(TIFF *tif, TIFF *old, const struct page *p)
{
	uint32_t options;

	if (!TIFFSetField(tif, TIFFTAG_COMPRESSION, p->layout.compression))
		return 0;
	if (p->layout.compression == COMPRESSION_CCITTFAX3 && old &&
	    TIFFGetField(old, TIFFTAG_GROUP3OPTIONS, &options))
		TIFFSetField(tif, TIFFTAG_GROUP3OPTIONS, options);
	return p->predictor == PREDICTOR_NONE || TIFFSetField(tif, TIFFTAG_PREDICTOR, p->predictor);
}

static int set_palette(TIFF *tif, TIFF *old, const struct page *p)
{
	uint16_t *map[3];

	return p->layout.photometric != PHOTOMETRIC_PALETTE ||
	       (TIFFGetField(old, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]) &&
		TIFFSetField(tif, TIFFTAG_COLORMAP, map[0], map[1], map[2]));
}

static int set_layout(TIFF *tif, TIFF *old, const struct page *p)
{
	const struct tiff_layout *l = &p->layout;
	const int parts = l->complex ? 2 : 1;

	return TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, l->width) &&
	       TIFFSetField(tif, TIFFTAG_IMAGELENGTH, l->height) &&
	       TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, l->samples / parts) &&
	       TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, l->type.bits * parts) &&
	       TIFFSetField(tif, TIFFTAG_SAMPLEFORMAT, sample_format(l)) &&
	       TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, l->photometric) &&
	       TIFFSetField(tif, TIFFTAG_PLANARCONFIG,
			    l->separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG) &&
	       set_palette(tif, old, p) && set_extra_samples(tif, old, p) &&
	       set_compression(tif, old, p) && set_blocks(tif, l);
}

/* The program that made the picture stays named, before us; some keep a record there (ScanImage). */
static void set_software(struct tiff_writer *w, TIFF *old)
{
	const char *before = NULL;
	char *both = NULL;

	if (!w->software)
		return;
	if (old && TIFFGetField(old, TIFFTAG_SOFTWARE, &before) && before && before[0] &&
	    !strstr(before, w->software))
		both = text_format("%s; %s", before, w->software);
	else if (before && before[0])
		both = memory_strdup(before);
	TIFFSetField(w->handle.tif, TIFFTAG_SOFTWARE, both ? both : w->software);
	memory_release(both);
}

/* ---- descriptions that state what the file holds */

/* Such a description is in the first page of the old file, and must be in the first of the new one. */
int writer_read_contents(struct tiff_writer *w, struct tiff_reader *like)
{
	const char *text = NULL;
	int status;

	if (w->pages || w->contents)
		return LACUNA_OK;
	status = reader_enter(like, 0);
	if (status)
		return reader_context(like, 0, status);
	if (!TIFFGetField(like->handle.tif, TIFFTAG_IMAGEDESCRIPTION, &text) ||
	    description_kind(text) == DESCRIPTION_OTHER)
		return LACUNA_OK;
	w->contents = memory_strdup(text);
	return w->contents ? LACUNA_OK : LACUNA_ENOMEM;
}

/* OME's name of a sample type; "" if it has none. */
static const char *ome_type(struct sample_type t)
{
	static const struct {
		struct sample_type type;
		const char *name;
	} names[] = {
		{ { SAMPLE_UNSIGNED, 1 }, "bit" },     { { SAMPLE_UNSIGNED, 8 }, "uint8" },
		{ { SAMPLE_UNSIGNED, 16 }, "uint16" }, { { SAMPLE_UNSIGNED, 32 }, "uint32" },
		{ { SAMPLE_SIGNED, 8 }, "int8" },      { { SAMPLE_SIGNED, 16 }, "int16" },
		{ { SAMPLE_SIGNED, 32 }, "int32" },    { { SAMPLE_FLOAT, 32 }, "float" },
		{ { SAMPLE_FLOAT, 64 }, "double" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (same_type(names[i].type, t))
			return names[i].name;
	return "";
}

static void set_description(struct tiff_writer *w, struct tiff_reader *like, const struct page *p)
{
	const struct tiff_layout *old = &like->layout, *l = &p->layout;
	const int first = !w->pages && w->contents;
	const struct description_change change = {
		.pages = w->options.pages,
		.page_count = w->options.pages ? w->options.page_count : like->common.pages,
		.old_pages = like->common.pages,
		.samples = old->samples,
		.same_samples = old->samples == l->samples,
		.mixed = w->options.mixed,
		.width = l->width,
		.height = l->height,
		.old_width = old->width,
		.old_height = old->height,
		.shown_width = p->old_width,
		.shown_height = p->old_height,
		.x = p->old_x,
		.y = p->old_y,
		.type = same_type(old->type, l->type) ? NULL : ome_type(l->type),
		.values_kept = !w->values_differ,
		.scale = w->value_scale,
		.offset = w->value_offset,
	};
	const char *text = w->contents, *doubt = NULL;
	char *fresh;

	if (!first && (!TIFFGetField(like->handle.tif, TIFFTAG_IMAGEDESCRIPTION, &text) ||
		       description_kind(text) == DESCRIPTION_OTHER))
		return;
	/* If pages were left out, what a later page states of itself no longer holds. */
	fresh = !first && change.page_count < change.old_pages
			? NULL
			: description_adapt(text, &change, &doubt);
	if (fresh)
		TIFFSetField(w->handle.tif, TIFFTAG_IMAGEDESCRIPTION, fresh);
	else
		TIFFUnsetField(w->handle.tif, TIFFTAG_IMAGEDESCRIPTION);
	if (doubt && !like->told_contents)
		log_message(LACUNA_LOG_WARN, "%s: %s description may be wrong for the result: %s",
			    like->handle.path, description_name(description_kind(text)), doubt);
	like->told_contents |= doubt != NULL;
	memory_release(fresh);
}

/* GDAL states which quantity the values stand for: scale value + offset. */
static void check_scale(const struct tiff_writer *w, struct tiff_reader *like)
{
	const char *text = handle_text(like->handle.tif, TAG_GDAL_METADATA);

	if (!w->values_differ || like->told_scale || !text ||
	    (!strstr(text, "role=\"scale\"") && !strstr(text, "role=\"offset\"")))
		return;
	like->told_scale = 1;
	log_message(LACUNA_LOG_WARN,
		    "%s: GDAL's scale and offset are kept, but the values are converted, so they "
		    "are wrong for the result; set new ones (gdal_edit.py -scale -offset)",
		    like->handle.path);
}

/* ---- all tags */

int page_set_tags(struct tiff_writer *w, struct tiff_reader *like, const struct page *p,
		  const struct tag_directories *directories)
{
	TIFF *tif = w->handle.tif, *old = like ? like->handle.tif : NULL;
	struct tag_change change = { .software = w->software };

	if (!set_layout(tif, old, p))
		return writer_failed(&w->handle);
	if (like) {
		change.scale_x = (double)p->layout.width / p->old_width;
		change.scale_y = (double)p->layout.height / p->old_height;
		change.x = p->old_x;
		change.y = p->old_y;
		change.same_size = is_same_size(p, like);
		change.same_samples =
			p->copy ||
			p->layout.colour == (like->layout.palette ? 3 : like->layout.colour);
		tags_copy(&like->handle, &w->handle, &change);
		set_description(w, like, p);
		check_scale(w, like);
	}
	if (directories->exif)
		TIFFSetField(tif, TIFFTAG_EXIFIFD, directories->exif);
	if (directories->gps)
		TIFFSetField(tif, TIFFTAG_GPSIFD, directories->gps);
	set_software(w, old);
	/* If a tag could not be copied, the picture is still good. */
	handle_begin(&w->handle);
	return LACUNA_OK;
}
