/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* TIFF files: every sample layout becomes planar float; the writer turns it back and keeps the rest of the page. */
#ifndef IMAGE_TIFF_H
#define IMAGE_TIFF_H

#include "image/image.h"

struct tiff_reader;
struct tiff_writer;

enum sample_kind { SAMPLE_UNSIGNED, SAMPLE_SIGNED, SAMPLE_FLOAT };

/* What a page holds. */
struct tiff_page {
	struct lacuna_shape shape;     /* as read: colour, and bands beside it; frames = 1 */
	int extra;		       /* alpha: kept, never restored */
	enum sample_kind kind;	       /* of the samples as they will be written */
	int bits;		       /* per sample, likewise */
	struct image_range full_scale; /* of integer samples; float: 0..1 */
	int block_rows; /* are read and written at once: of tiles, of planes' strips; else 1 */
	int storable;	/* tiff_copy() can write it as it is */
	int auxiliary;	/* an overview or a mask of another page (NewSubfileType) */
	int has_nodata; /* the page declares a value that means "missing" (GDAL_NODATA): */
	double nodata;
	const char *note;      /* what cannot be kept ("palette becomes RGB"), or NULL */
	const char *note_copy; /* what tiff_copy() cannot keep, or NULL */
};

/* Refuses with one line that names the file.  A reader is used by one thread at a time. */
int tiff_open(const char *path, struct tiff_reader **);
void tiff_close(struct tiff_reader *); /* accepts NULL */
const char *tiff_path(const struct tiff_reader *);
int tiff_page_count(const struct tiff_reader *);
/* Header only: allocates nothing in proportion to the image. */
int tiff_page_info(struct tiff_reader *, int page, struct tiff_page *);
/* Sample values as the file means them (no range mapping), MinIsWhite inverted, palette and YCbCr as RGB, complex numbers as
 * two channels, real and imaginary part.
 * Float NaN and infinities arrive as they are. */
int tiff_read(struct tiff_reader *, int page, struct image *);
/* Width and height of a pixel in micrometres, from OME-XML, ImageJ's description or the resolution tags.  False when nobody
 * stated them: 72 and 96 dpi are what programs write then. */
int tiff_pixel_size(struct tiff_reader *, double size[2]);

/* LACUNA_EIO when the file was written to since it was opened. */
int tiff_unchanged(const struct tiff_reader *);

/* Rows of a page, held as they are stored, so that a page that is larger than the memory can be read, and is decoded once.  The
 * reader must outlive it. */
struct tiff_band;
/* Room for as many rows, 0: for all.  Where blocks must be decoded whole there is room for more. */
int tiff_band_open(struct tiff_reader *, int page, int64_t rows, struct tiff_band **);
void tiff_band_close(struct tiff_band *); /* accepts NULL */
/* Rows top..bottom-1 are held from now on; those above are dropped.  Rows that were held stay, so that a page is decoded once
 * from top to bottom. */
int tiff_band_move(struct tiff_band *, int64_t top, int64_t bottom);
/* tiff_read() of a region, all channels, of rows that are held. */
void tiff_band_get(const struct tiff_band *, const struct lacuna_region *, float *values);
/* Bytes that a band of a page takes: fixed + row * rows. */
struct tiff_cost {
	double fixed, row;
};
int tiff_band_cost(struct tiff_reader *, int page, struct tiff_cost *);

struct tiff_write_options {
	int force;	   /* replace an existing file */
	int override_type; /* write kind and bits below instead of the page's */
	enum sample_kind kind;
	int bits;
	int complex; /* pairs of channels are complex numbers; kind is SAMPLE_FLOAT, bits those of a part */
	const char *software; /* TIFFTAG_SOFTWARE, or NULL */
	/* A new file is readable for no one who cannot read this one (a picture may be private); or NULL. */
	const char *as_private_as;
	/* For descriptions that state what a file holds: the pages of the old one that will be written, ascending (NULL:
	 * all; they live until the commit), and whether these will not all have one size. */
	const int *pages;
	int page_count, mixed;
};

/* Writes to a temporary beside `path'; refuses an existing file without force. */
int tiff_create(const char *path, const struct tiff_write_options *, struct tiff_writer **);
/* Value v of the old file is scale v + offset in the new one; with scale 0 it means something else.  To be said before the
 * first page. */
void tiff_values_become(struct tiff_writer *, double scale, double offset);
/* Adds a page: samples of `image' rounded and clipped to the sample type, extra samples, resolution, ICC profile,
 * description, GeoTIFF tags, orientation and compression from page `page' of `like' (NULL: a plain page).  An image of another
 * width or height than the page's (super-resolution) drops what no longer holds, and scales the resolution and the alpha. */
int tiff_write(struct tiff_writer *, struct tiff_reader *like, int page, const struct image *);
/* The same; where keep (like the image, or NULL) is not 0, the sample of page `page' stays bit for bit, whatever its type,
 * as long as the page is written in that type and size. */
int tiff_write_keeping(struct tiff_writer *, struct tiff_reader *like, int page,
		       const struct image *, const unsigned char *keep);
/* A page in parts, from top to bottom: tiff_begin(), tiff_put() until all rows are there, tiff_end().  The page shows a part of
 * page `page' of `like', at its own or another resolution; like NULL: a plain page. */
struct tiff_part {
	struct tiff_reader *like;
	int page;
	struct lacuna_shape shape;   /* of the new page */
	struct lacuna_region region; /* of the old one; of no extent: all of it */
};
/* count rows of the new page.  values, keep: planar, of these rows alone; keep may be NULL, see tiff_write_keeping().  old:
 * holds the rows of the old page that they show, and one above and below; NULL where the old page has no extra samples and
 * nothing is kept. */
struct tiff_rows {
	int64_t top, count;
	const float *values;
	const unsigned char *keep;
	const struct tiff_band *old;
};
int tiff_begin(struct tiff_writer *, const struct tiff_part *);
/* Rows come in a multiple of this, but for the last. */
int64_t tiff_rows_multiple(const struct tiff_writer *);
int tiff_put(struct tiff_writer *, const struct tiff_rows *);
int tiff_end(struct tiff_writer *);
/* tiff_write_keeping() of a page whose samples are held. */
int tiff_write_band(struct tiff_writer *, const struct tiff_part *, const float *values,
		    const unsigned char *keep, const struct tiff_band *);
/* Adds page `page' of `like' with its samples and palette as they are stored, of whatever type; only for a storable one. */
int tiff_copy(struct tiff_writer *, struct tiff_reader *like, int page);
/* Flushes, syncs, closes: only the name is missing then.  The writer takes no more pages. */
int tiff_seal(struct tiff_writer *);
/* Seals, and gives the file its name.  The writer is gone afterwards, whatever the status. */
int tiff_commit(struct tiff_writer *);
/* Removes the temporary. Accepts NULL. */
void tiff_abandon(struct tiff_writer *);

#endif
