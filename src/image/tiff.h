/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Reads and writes TIFF files: the reader turns every sample layout into planar float; the writer turns it back and keeps
 * the rest of the page. */
#ifndef IMAGE_TIFF_H
#define IMAGE_TIFF_H

#include "image/image.h"

struct tiff_reader;
struct tiff_writer;

enum sample_kind { SAMPLE_UNSIGNED, SAMPLE_SIGNED, SAMPLE_FLOAT };

/* What a page holds. */
struct tiff_page {
	struct lacuna_shape shape;     /* as read: colour and bands beside it; frames = 1 */
	int extra;		       /* number of alpha samples: kept, never restored */
	int associated;		       /* colours are products with alpha */
	enum sample_kind kind;	       /* of the samples as they will be written */
	int bits;		       /* per sample, as they will be written */
	struct image_range full_scale; /* of integer samples; float: 0..1 */
	int block_rows; /* rows read and written at once: of tiles, or of strips of planes; else 1 */
	int storable;	/* tiff_copy() can write the page as it is */
	int auxiliary;	/* an overview or a mask of another page (NewSubfileType) */
	int reduced;	/* an overview of another page, or of its mask */
	int has_nodata; /* the page declares nodata as "missing" (GDAL_NODATA) */
	double nodata;
	const char *note;      /* what cannot be kept ("palette becomes RGB"), or NULL */
	const char *note_copy; /* what tiff_copy() cannot keep, or NULL */
};

/* An error is one line that names the file.  Only one thread may use a reader at a time. */
int tiff_open(const char *path, struct tiff_reader **);
void tiff_close(struct tiff_reader *); /* accepts NULL */
const char *tiff_path(const struct tiff_reader *);
int tiff_page_count(const struct tiff_reader *);
/* Reads the header only; allocates nothing in proportion to the image. */
int tiff_page_info(struct tiff_reader *, int page, struct tiff_page *);
/* Reads sample values as the file means them (no range mapping): MinIsWhite inverted, palette and YCbCr as RGB, complex
 * numbers as two channels, real and imaginary part.  NaN and infinities of float stay as they are. */
int tiff_read(struct tiff_reader *, int page, struct image *);
/* Reads the first alpha sample, as one channel from 0 to 1; the page must have one (extra). */
int tiff_read_alpha(struct tiff_reader *, int page, struct image *);
/* Width and height of a pixel in micrometres, from OME-XML, ImageJ's description or the resolution tags.  False if they are
 * not stated; 72 and 96 dpi do not count, since programs write them by default. */
int tiff_pixel_size(struct tiff_reader *, double size[2]);

/* How a page is shown, as the tag Orientation says: 1 as it is stored, 2 to 8 turned or mirrored.  0: it cannot be read. */
int tiff_orientation(struct tiff_reader *, int page);

/* LACUNA_EIO if the file was written to since it was opened. */
int tiff_unchanged(const struct tiff_reader *);

/* Holds some rows of a page as they are stored, so that a page larger than the memory can be read and is decoded only once.
 * The reader must outlive the band. */
struct tiff_band;
/* Opens a band with room for this many rows (0: all), and for more where blocks must be decoded whole. */
int tiff_band_open(struct tiff_reader *, int page, int64_t rows, struct tiff_band **);
void tiff_band_close(struct tiff_band *); /* accepts NULL */
/* Holds rows top..bottom-1 from now on and drops those above.  Rows already held are not decoded again, so a pass from top
 * to bottom decodes a page once. */
int tiff_band_move(struct tiff_band *, int64_t top, int64_t bottom);
/* tiff_read() of a region, all channels; its rows must be held. */
void tiff_band_get(const struct tiff_band *, const struct lacuna_region *, float *values);
/* Bytes that a band of so many rows takes: fixed + row * rows. */
struct tiff_cost {
	double fixed, row;
};
int tiff_band_cost(struct tiff_reader *, int page, struct tiff_cost *);

struct tiff_write_options {
	int force;	   /* replace an existing file */
	int override_type; /* write kind and bits below instead of the page's */
	enum sample_kind kind;
	int bits;
	int complex; /* pairs of channels are complex numbers; kind is SAMPLE_FLOAT, bits are those of one part */
	const char *software; /* TIFFTAG_SOFTWARE, or NULL */
	/* The new file is readable only for those who can read this file (a picture may be private); or NULL. */
	const char *as_private_as;
	/* For descriptions that state what a file holds.  pages: the pages of the old file that will be written, ascending
	 * (NULL: all); they must live until the commit.  mixed: the new pages will not all have one size. */
	const int *pages;
	int page_count, mixed;
};

/* Writes to a temporary file beside `path'; refuses an existing file unless force is set. */
int tiff_create(const char *path, const struct tiff_write_options *, struct tiff_writer **);
/* Value v of the old file becomes scale v + offset in the new one; scale 0: it means something else.  Call it before the
 * first page. */
void tiff_values_become(struct tiff_writer *, double scale, double offset);
/* Adds a page: the samples of `image', rounded and clipped to the sample type; extra samples, resolution, ICC profile,
 * description, GeoTIFF tags, orientation and compression of page `page' of `like' (NULL: a plain page).  If the image has
 * another size than that page (super-resolution), drops tags that no longer hold, and scales the resolution and alpha. */
int tiff_write(struct tiff_writer *, struct tiff_reader *like, int page, const struct image *);
/* The same, but where keep (shaped as the image, or NULL) is not 0, the sample of page `page' stays bit for bit, whatever
 * its type, if the page is written in the same type and size. */
int tiff_write_keeping(struct tiff_writer *, struct tiff_reader *like, int page,
		       const struct image *, const unsigned char *keep);
/* Writes a page in parts, from top to bottom: tiff_begin(), tiff_put() until all rows are written, tiff_end().  The page
 * shows a part of page `page' of `like', at the same or another resolution; like NULL: a plain page. */
struct tiff_part {
	struct tiff_reader *like;
	int page;
	struct lacuna_shape shape;   /* of the new page */
	struct lacuna_region region; /* of the old page; extent 0: all of it */
};
/* count rows of the new page.  values, keep: planar, of these rows only; keep may be NULL, see tiff_write_keeping().  old
 * holds the rows of the old page that these rows show, and one more above and below; NULL if the old page has no extra
 * samples and nothing is kept. */
struct tiff_rows {
	int64_t top, count;
	const float *values;
	const unsigned char *keep;
	const struct tiff_band *old;
};
int tiff_begin(struct tiff_writer *, const struct tiff_part *);
/* tiff_put() takes a multiple of this many rows; the last call may have fewer. */
int64_t tiff_rows_multiple(const struct tiff_writer *);
int tiff_put(struct tiff_writer *, const struct tiff_rows *);
int tiff_end(struct tiff_writer *);
/* tiff_write_keeping() with the old page's samples held in a band. */
int tiff_write_band(struct tiff_writer *, const struct tiff_part *, const float *values,
		    const unsigned char *keep, const struct tiff_band *);
/* Adds page `page' of `like' with samples (of any type) and palette as they are stored; the page must be storable. */
int tiff_copy(struct tiff_writer *, struct tiff_reader *like, int page);
/* Flushes, syncs and closes the file; it only lacks its name then.  The writer takes no more pages. */
int tiff_seal(struct tiff_writer *);
/* Seals the file and gives it its name.  The writer is freed, whatever the status. */
int tiff_commit(struct tiff_writer *);
/* Removes the temporary file and frees the writer.  Accepts NULL. */
void tiff_abandon(struct tiff_writer *);

#endif
