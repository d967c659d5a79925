/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Writes TIFF pages: the sample type, layout, compression, extra samples and tags of the page that an image came from. */
#include <config.h>

#include "image/tiff/description.h"
#include "image/tiff/private.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/temporary.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The page being written. */
struct page {
	struct tiff_layout layout;
	int unnamed; /* colour samples beyond what the photometric interpretation names */
	uint16_t predictor;
	int copy;   /* all samples are the old page's */
	int sparse; /* the old page leaves out empty tiles */
	int keeps;  /* the old page's values may stay: they mean the same in the new one */
	/* Size of the old page, and its first pixel that the new page shows */
	uint32_t old_width, old_height, old_x, old_y;
	uint32_t multiple;     /* tiff_rows_multiple() */
	struct tiff_rows rows; /* being written */
};

struct tiff_writer {
	struct temporary file;
	struct tiff_handle handle; /* opened with the first page, which sets the byte order */
	struct tiff_write_options options;
	char *path, *software;
	char *contents; /* the first page's description if it states what the file holds; or NULL */
	int values_differ;
	double value_scale, value_offset;
	int pages;
	struct page page;
};

/* ---- the file */

int tiff_create(const char *path, const struct tiff_write_options *options,
		struct tiff_writer **out)
{
	const struct sample_type type = { options->kind, options->bits };
	struct tiff_writer *w;
	struct stat st;
	int status;

	*out = NULL;
	if (options->override_type && !sample_type_valid(type))
		return error_file_set(LACUNA_EINVAL, path, "TIFF has no %s samples of %d bits",
				      type.kind == SAMPLE_FLOAT ? "floating-point" : "integer",
				      type.bits);
	w = memory_alloc(sizeof *w);
	if (!w)
		return error_file_context(LACUNA_ENOMEM, path);
	w->file.fd = -1;
	w->options = *options;
	w->path = memory_strdup(path);
	if (options->software)
		w->software = memory_strdup(options->software);
	w->options.software = w->software;
	if (!w->path || (options->software && !w->software))
		status = error_file_context(LACUNA_ENOMEM, path);
	else
		status = temporary_open(&w->file, path, options->force);
	if (!status && (fstat(w->file.fd, &st) || !S_ISREG(st.st_mode)))
		status =
			error_file_set(LACUNA_EIO, path, "is not a regular file; a TIFF needs one");
	if (status) {
		tiff_abandon(w);
		return status;
	}
	if (options->as_private_as && !stat(options->as_private_as, &st))
		temporary_restrict(&w->file, (unsigned)st.st_mode & 0777);
	w->options.as_private_as = NULL;
	*out = w;
	return LACUNA_OK;
}

static void release(struct tiff_writer *w)
{
	memory_release(w->path);
	memory_release(w->software);
	memory_release(w->contents);
	memory_release(w);
}

void tiff_values_become(struct tiff_writer *w, double scale, double offset)
{
	w->values_differ = 1;
	w->value_scale = scale;
	w->value_offset = offset;
}

void tiff_abandon(struct tiff_writer *w)
{
	if (!w)
		return;
	handle_close(&w->handle);
	if (w->file.target)
		temporary_abandon(&w->file);
	release(w);
}

/* Reports the disk's reason if there is one, else libtiff's. */
static int write_failed(const struct tiff_handle *h)
{
	switch (h->error_number) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EIO:
		return error_set(LACUNA_EIO, "cannot be written: %s", strerror(h->error_number));
	default:
		return handle_fail(h, LACUNA_EIO, "cannot be written");
	}
}

int tiff_seal(struct tiff_writer *w)
{
	int status = LACUNA_OK;

	if (!w->pages)
		status = error_file_set(LACUNA_EINVAL, w->path, "nothing to write");
	/* TIFFClose() returns nothing: only its message tells of a failure. */
	handle_close(&w->handle);
	if (!status && w->handle.message[0])
		status = error_file_context(write_failed(&w->handle), w->path);
	if (!status)
		status = temporary_seal(&w->file);
	else
		temporary_abandon(&w->file);
	return status;
}

int tiff_commit(struct tiff_writer *w)
{
	int status = tiff_seal(w);

	if (!status)
		status = temporary_commit(&w->file);
	release(w);
	return status;
}

/* Classic TIFF is limited to 4 GiB. */
static int needs_big_tiff(struct tiff_reader *like, const struct page *p)
{
	const double limit = 4.0e9, worst = p->layout.compression == COMPRESSION_NONE ? 1.01 : 1.5;
	double bytes = worst * p->layout.width * p->layout.height * p->layout.samples *
		       p->layout.type.bits / 8;

	if (!like)
		return bytes > limit;
	return TIFFIsBigTIFF(like->handle.tif) ||
	       bytes * like->pages + (double)like->file_size > limit;
}

static int open_output(struct tiff_writer *w, struct tiff_reader *like, const struct page *p)
{
	const int big_endian = like && TIFFIsBigEndian(like->handle.tif);
	char mode[8];
	int fd;

	if (w->handle.tif)
		return LACUNA_OK;
	strcpy(mode, !like ? "w" : big_endian ? "wb" : "wl");
	if (needs_big_tiff(like, p))
		strcat(mode, "8");
	/* libtiff closes its descriptor; ours stays open for the synchronisation. */
	fd = fcntl(w->file.fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return error_set(LACUNA_EIO, "%s", strerror(errno));
	return handle_open(&w->handle, fd, w->path, mode);
}

/* ---- what the page will be */

static int same_type(struct sample_type a, struct sample_type b)
{
	return a.kind == b.kind && a.bits == b.bits;
}

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

static uint16_t choose_predictor(TIFF *tif, struct tiff_reader *like, const struct tiff_layout *l)
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

/* ---- tags of the new page */

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

static int is_same_size(const struct page *p, const struct tiff_reader *like)
{
	return p->layout.width == like->layout.width && p->layout.height == like->layout.height;
}

/* ---- descriptions that state what the file holds */

/* Such a description is in the first page of the old file, and must be in the first of the new one. */
static int read_contents(struct tiff_writer *w, struct tiff_reader *like)
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
		.page_count = w->options.pages ? w->options.page_count : like->pages,
		.old_pages = like->pages,
		.samples = old->samples,
		.same_samples = old->samples == l->samples,
		.mixed = w->options.mixed,
		.width = l->width,
		.height = l->height,
		.old_width = old->width,
		.old_height = old->height,
		.shown_width = p->old_width,
		.shown_height = p->old_height,
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

static int set_tags(struct tiff_writer *w, struct tiff_reader *like, const struct page *p,
		    const struct tag_directories *directories)
{
	TIFF *tif = w->handle.tif, *old = like ? like->handle.tif : NULL;
	struct tag_change change = { .software = w->software };

	if (!set_layout(tif, old, p))
		return write_failed(&w->handle);
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

/* ---- samples */

static uint64_t colour_sample(const struct page *p, int s, uint32_t x, uint32_t y)
{
	const struct tiff_layout *l = &p->layout;
	const struct tiff_rows *r = &p->rows;
	const uint64_t ones = UINT64_MAX >> (64 - l->type.bits);
	const uint64_t toggle = l->invert ? ones : l->lab && s ? ones ^ ones >> 1 : 0;
	const size_t i = ((size_t)s * (size_t)r->count + (y - (size_t)r->top)) * l->width + x;

	if (p->copy || (p->keeps && r->keep && r->keep[i]))
		return band_sample(r->old, layout_sample(&r->old->layout, s), x + p->old_x,
				   y + p->old_y);
	return sample_encode(l->type, r->values[i]) ^ toggle;
}

static uint64_t old_extra(const struct page *p, int s, uint32_t x, uint32_t y)
{
	const struct tiff_band *old = p->rows.old;

	return band_sample(old, s - p->layout.extra_at + old->layout.extra_at, x + p->old_x,
			   y + p->old_y);
}

/* Position of the middle of pixel x of n in an old row: between pixels *at and *next, which has the weight *part. */
static void between(uint32_t x, uint32_t n, uint32_t old, uint32_t *at, uint32_t *next,
		    double *part)
{
	const double place = (x + 0.5) * old / n - 0.5;
	const double first = place < 0 ? 0 : place > old - 1.0 ? old - 1.0 : place;

	*at = (uint32_t)first;
	*next = *at + 1 < old ? *at + 1 : *at;
	*part = first - *at;
}

/* The old sample; if the size differs, by bilinear interpolation. */
static uint64_t extra_sample(const struct page *p, int s, uint32_t x, uint32_t y)
{
	const struct tiff_layout *l = &p->layout;
	const struct sample_type old = p->rows.old->layout.type;
	uint32_t x0, x1, y0, y1;
	double u, v, corner[4];

	if (l->width == p->old_width && l->height == p->old_height)
		return sample_convert(old, l->type, old_extra(p, s, x, y));
	between(x, l->width, p->old_width, &x0, &x1, &u);
	between(y, l->height, p->old_height, &y0, &y1, &v);
	corner[0] = sample_decode(old, old_extra(p, s, x0, y0));
	corner[1] = sample_decode(old, old_extra(p, s, x1, y0));
	corner[2] = sample_decode(old, old_extra(p, s, x0, y1));
	corner[3] = sample_decode(old, old_extra(p, s, x1, y1));
	return sample_convert(
		old, l->type,
		sample_encode(old, (float)((1 - v) * ((1 - u) * corner[0] + u * corner[1]) +
					   v * ((1 - u) * corner[2] + u * corner[3]))));
}

/* Fills row with samples first..first+stride-1 of n pixels. */
static void fill_row(const struct page *p, int first, int stride, uint32_t x, uint32_t y,
		     uint32_t n, uint8_t *row)
{
	for (int s = first; s < first + stride; s++) {
		const int c = layout_channel(&p->layout, s);

		for (uint32_t i = 0; i < n; i++)
			sample_put(row, (size_t)i * (size_t)stride + (size_t)(s - first),
				   p->layout.type.bits,
				   c >= 0 ? colour_sample(p, c, x + i, y)
					  : extra_sample(p, s, x + i, y));
	}
}

static uint32_t bottom_of(const struct page *p)
{
	return (uint32_t)(p->rows.top + p->rows.count);
}

static int write_strips(struct tiff_handle *h, const struct page *p, int first, int stride)
{
	const struct tiff_layout *l = &p->layout;
	const size_t pitch = (size_t)TIFFScanlineSize(h->tif);
	uint8_t *row = memory_alloc(pitch);
	int status = row ? LACUNA_OK : LACUNA_ENOMEM;

	for (uint32_t y = (uint32_t)p->rows.top; !status && y < bottom_of(p); y++) {
		/* libtiff may have swapped the bytes of the last row in place. */
		memset(row, 0, pitch);
		fill_row(p, first, stride, 0, y, l->width, row);
		if (TIFFWriteScanline(h->tif, row, y, (uint16_t)first) < 0)
			status = write_failed(h);
	}
	memory_release(row);
	return status;
}

static void fill_tile(const struct page *p, int first, int stride, uint32_t x, uint32_t y,
		      uint8_t *tile, size_t pitch)
{
	const struct tiff_layout *l = &p->layout;
	const uint32_t n = l->width - x < l->block_width ? l->width - x : l->block_width;

	for (uint32_t i = 0; i < l->block_height && y + i < bottom_of(p); i++)
		fill_row(p, first, stride, x, y + i, n, tile + i * pitch);
}

static int write_tiles(struct tiff_handle *h, const struct page *p, int first, int stride)
{
	const struct tiff_layout *l = &p->layout;
	const size_t pitch = (size_t)TIFFTileRowSize(h->tif), size = (size_t)TIFFTileSize(h->tif);
	uint8_t *tile = memory_alloc(size), *empty = p->sparse ? memory_alloc(size) : NULL;
	int status = tile && (empty || !p->sparse) ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status && empty)
		layout_fill_empty(h->tif, l, size * 8 / (size_t)l->type.bits, empty);
	for (uint64_t y = (uint64_t)p->rows.top; !status && y < bottom_of(p); y += l->block_height)
		for (uint64_t x = 0; !status && x < l->width; x += l->block_width) {
			memset(tile, 0, size);
			fill_tile(p, first, stride, (uint32_t)x, (uint32_t)y, tile, pitch);
			if (empty && !memcmp(tile, empty, size))
				continue;
			if (TIFFWriteTile(h->tif, tile, (uint32_t)x, (uint32_t)y, 0,
					  (uint16_t)first) < 0)
				status = write_failed(h);
		}
	memory_release(empty);
	memory_release(tile);
	return status;
}

static int write_samples(struct tiff_handle *h, const struct page *p)
{
	const int stride = p->layout.separate ? 1 : p->layout.samples;
	int status = LACUNA_OK;

	handle_begin(h);
	for (int first = 0; !status && first < p->layout.samples; first += stride)
		status = p->layout.tiled ? write_tiles(h, p, first, stride)
					 : write_strips(h, p, first, stride);
	return status;
}

/* ---- a page */

static int plan(const struct tiff_writer *w, const struct tiff_part *part, struct page *p)
{
	const struct lacuna_shape *shape = &part->shape;
	const struct lacuna_region *region = &part->region;
	const struct tiff_layout *old = part->like ? &part->like->layout : NULL;

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
	}
	return LACUNA_OK;
}

static void name_samples(struct page *p)
{
	if (p->layout.photometric == PHOTOMETRIC_MINISBLACK)
		p->unnamed = p->layout.colour - 1;
	if (p->layout.photometric == PHOTOMETRIC_RGB)
		p->unnamed = p->layout.colour - 3;
}

/* EXIF and GPS directories are written first.  Reading them moves the reader. */
static int copy_directories(struct tiff_writer *w, const struct tiff_part *part,
			    struct tag_directories *directories)
{
	struct tiff_reader *like = part->like;
	int status;

	memset(directories, 0, sizeof *directories);
	if (!like)
		return LACUNA_OK;
	handle_begin(&like->handle);
	handle_begin(&w->handle);
	status = tags_copy_directories(&like->handle, &w->handle, is_same_size(&w->page, like),
				       directories);
	if (!directories->moved)
		return status;
	like->current = -1;
	return status ? status : reader_enter(like, part->page);
}

/* Number of rows needed at once: planes are written one after the other, and tiles whole. */
static uint32_t choose_multiple(const struct tiff_writer *w)
{
	uint32_t rows = 1;

	if (w->page.layout.tiled)
		return w->page.layout.block_height;
	if (w->page.layout.separate)
		TIFFGetFieldDefaulted(w->handle.tif, TIFFTAG_ROWSPERSTRIP, &rows);
	return rows < w->page.layout.height ? rows : w->page.layout.height;
}

static int begin(struct tiff_writer *w, const struct tiff_part *part, int copy, int in_parts)
{
	struct page *p = &w->page;
	struct tiff_layout *l = &p->layout;
	struct tiff_reader *like = part->like;
	struct tag_directories directories;
	int status = like ? read_contents(w, like) : LACUNA_OK;

	*p = (struct page){ .copy = copy };
	if (status)
		return status;
	status = like ? reader_enter(like, part->page) : LACUNA_OK;
	if (status)
		return reader_context(like, part->page, status);
	p->sparse = like && handle_is_sparse(like->handle.tif);
	status = plan(w, part, p);
	name_samples(p);
	/* Strips as high as the picture would need all of it at once. */
	if (in_parts && l->separate && !l->tiled)
		l->block_height = (uint32_t)writer_block_rows(l);
	if (!status)
		status = open_output(w, like, p);
	if (!status)
		status = copy_directories(w, part, &directories);
	if (!status)
		p->predictor = choose_predictor(w->handle.tif, like, &p->layout);
	if (!status)
		status = set_tags(w, like, p, &directories);
	if (!status)
		p->multiple = choose_multiple(w);
	return status;
}

int tiff_begin(struct tiff_writer *w, const struct tiff_part *part)
{
	const int status = begin(w, part, 0, 1);

	return status ? error_file_context(status, w->path) : LACUNA_OK;
}

int64_t tiff_rows_multiple(const struct tiff_writer *w)
{
	return w->page.multiple;
}

int tiff_put(struct tiff_writer *w, const struct tiff_rows *rows)
{
	int status;

	w->page.rows = *rows;
	status = write_samples(&w->handle, &w->page);
	return status ? error_file_context(status, w->path) : LACUNA_OK;
}

int tiff_end(struct tiff_writer *w)
{
	handle_begin(&w->handle);
	if (!TIFFWriteDirectory(w->handle.tif))
		return error_file_context(write_failed(&w->handle), w->path);
	w->pages++;
	return LACUNA_OK;
}

/* Writes all rows; those of the old page are held, or not needed. */
static int put_all(struct tiff_writer *w, struct tiff_rows *rows)
{
	rows->count = w->page.layout.height;
	return tiff_put(w, rows);
}

/* Copies the old page's samples, some rows at a time. */
static int put_copy(struct tiff_writer *w, const struct tiff_part *part)
{
	enum { ROWS = 64 };
	const int64_t height = w->page.layout.height, multiple = w->page.multiple;
	const int64_t step = (ROWS + multiple - 1) / multiple * multiple;
	struct tiff_band *old = NULL;
	int status = tiff_band_open(part->like, part->page, step, &old);

	for (int64_t y = 0; !status && y < height; y += step) {
		const struct tiff_rows rows = { .top = y,
						.count = height - y < step ? height - y : step,
						.old = old };

		status = tiff_band_move(old, y, y + rows.count);
		if (!status)
			status = tiff_put(w, &rows);
	}
	tiff_band_close(old);
	return status;
}

/* Reads the old page if its samples are needed: extra samples, and values that stay. */
static int put_picture(struct tiff_writer *w, const struct tiff_part *part, struct tiff_rows *rows)
{
	const struct page *p = &w->page;
	struct tiff_band *old = NULL;
	int status = LACUNA_OK;

	if (!rows->old && part->like &&
	    ((rows->keep && p->keeps) || p->layout.samples > p->layout.colour)) {
		status = tiff_band_open(part->like, part->page, 0, &old);
		if (!status)
			status = tiff_band_move(old, 0, part->like->layout.height);
		rows->old = old;
	}
	if (!status)
		status = put_all(w, rows);
	tiff_band_close(old);
	return status;
}

static int write_page(struct tiff_writer *w, const struct tiff_part *part, int copy,
		      struct tiff_rows *rows)
{
	int status = begin(w, part, copy, 0);

	if (status)
		return error_file_context(status, w->path);
	status = copy ? put_copy(w, part) : put_picture(w, part, rows);
	return status ? status : tiff_end(w);
}

int tiff_write(struct tiff_writer *w, struct tiff_reader *like, int page, const struct image *image)
{
	return tiff_write_keeping(w, like, page, image, NULL);
}

int tiff_write_keeping(struct tiff_writer *w, struct tiff_reader *like, int page,
		       const struct image *image, const unsigned char *keep)
{
	const struct tiff_part part = { .like = like, .page = page, .shape = image->shape };

	return tiff_write_band(w, &part, image->values, keep, NULL);
}

int tiff_write_band(struct tiff_writer *w, const struct tiff_part *part, const float *values,
		    const unsigned char *keep, const struct tiff_band *old)
{
	struct tiff_rows rows = { .values = values, .keep = keep, .old = old };

	return write_page(w, part, 0, &rows);
}

int tiff_copy(struct tiff_writer *w, struct tiff_reader *like, int page)
{
	const struct tiff_part part = { .like = like, .page = page };

	return write_page(w, &part, 1, NULL);
}
