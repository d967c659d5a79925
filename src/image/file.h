/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Picture files: their pages become planar float, whatever the samples are, and planar float becomes pages that keep the
 * rest of the old ones.  Each file format is a row of a table, struct image_format; today there is TIFF. */
#ifndef IMAGE_FILE_H
#define IMAGE_FILE_H

#include "image/image.h"

#include <stdint.h>
#include <time.h>

struct image_format;

enum sample_kind { SAMPLE_UNSIGNED, SAMPLE_SIGNED, SAMPLE_FLOAT };

/* ---- reading */

/* An open file.  Only its format changes it. */
struct image_reader {
	const struct image_format *format;
	const char *path;
	int pages;
	int fd;			 /* the format closes it */
	uint64_t size;		 /* bytes of the file when it was opened */
	struct timespec changed; /* its modification time then */
};

/* What a page holds. */
struct image_page {
	struct lacuna_shape shape;     /* as read: colour and bands beside it; frames = 1 */
	int extra;		       /* number of alpha samples: kept, never restored */
	int associated;		       /* colours are products with alpha */
	enum sample_kind kind;	       /* of the samples as they will be written */
	int bits;		       /* per sample, as they will be written */
	struct image_range full_scale; /* of integer samples; float: 0..1 */
	int block_rows; /* rows read and written at once: of tiles, or of strips of planes; else 1 */
	int storable;	/* image_writer_copy() can write the page as it is */
	int auxiliary;	/* an overview or a mask of another page */
	int reduced;	/* an overview of another page, or of its mask */
	int has_nodata; /* the page declares nodata as "missing" */
	double nodata;
	const char *note;      /* what cannot be kept ("palette becomes RGB"), or NULL */
	const char *note_copy; /* what image_writer_copy() cannot keep, or NULL */
};

/* An error is one line that names the file; if the file is a picture in a format that is not read, the line says how to
 * convert it.  Only one thread may use a reader at a time. */
int image_reader_open(const char *path, struct image_reader **);
void image_reader_close(struct image_reader *); /* accepts NULL */
/* Reads the header only; allocates nothing in proportion to the image. */
int image_reader_page(struct image_reader *, int page, struct image_page *);
/* Reads sample values as the file means them (no range mapping): MinIsWhite inverted, palette and YCbCr as RGB, complex
 * numbers as two channels, real and imaginary part.  NaN and infinities of float stay as they are. */
int image_reader_read(struct image_reader *, int page, struct image *);
/* Reads the first alpha sample, as one channel from 0 to 1; the page must have one (extra). */
int image_reader_read_alpha(struct image_reader *, int page, struct image *);
/* Width and height of a pixel in micrometres.  False if they are not stated; 72 and 96 dpi do not count, since programs
 * write them by default. */
int image_reader_pixel_size(struct image_reader *, double size[2]);
/* How a page is shown, by the numbers of TIFF's tag Orientation: 1 as it is stored, 2 to 8 turned or mirrored.  0: it
 * cannot be read. */
int image_reader_orientation(struct image_reader *, int page);
/* LACUNA_EIO if the file was written to since it was opened. */
int image_reader_unchanged(const struct image_reader *);
/* True if a file that begins with these bytes has a format that is read. */
int image_format_is_known(const void *head, size_t size);

/* Holds some rows of a page as they are stored, so that a page larger than the memory can be read and is decoded only once.
 * The reader must outlive the band. */
struct image_band {
	const struct image_format *format;
};
/* Opens a band with room for this many rows (0: all), and for more where blocks must be decoded whole. */
int image_band_open(struct image_reader *, int page, int64_t rows, struct image_band **);
void image_band_close(struct image_band *); /* accepts NULL */
/* Holds rows top..bottom-1 from now on and drops those above.  Rows already held are not decoded again, so a pass from top
 * to bottom decodes a page once. */
int image_band_move(struct image_band *, int64_t top, int64_t bottom);
/* image_reader_read() of a region, all channels; its rows must be held. */
void image_band_get(const struct image_band *, const struct lacuna_region *, float *values);
/* Bytes that a band of so many rows takes: fixed + row * rows. */
struct image_cost {
	double fixed, row;
};
int image_band_cost(struct image_reader *, int page, struct image_cost *);

/* ---- writing */

struct image_writer {
	const struct image_format *format;
	int64_t multiple; /* image_writer_put() takes a multiple of this many rows; the last call may have fewer */
};

struct image_write_options {
	int force;	   /* replace an existing file */
	int override_type; /* write kind and bits below instead of the page's */
	enum sample_kind kind;
	int bits;
	int complex; /* pairs of channels are complex numbers; kind is SAMPLE_FLOAT, bits are those of one part */
	const char *software; /* the program that wrote the file, or NULL */
	/* The new file is readable only for those who can read this file (a picture may be private); or NULL. */
	const char *as_private_as;
	/* For descriptions that state what a file holds.  pages: the pages of the old file that will be written, ascending
	 * (NULL: all); they must live until the commit.  mixed: the new pages will not all have one size. */
	const int *pages;
	int page_count, mixed;
};

/* A new page shows a part of page `page' of `like', at the same or another resolution; like NULL, or of another format: a
 * plain page. */
struct image_part {
	struct image_reader *like;
	int page;
	struct lacuna_shape shape;   /* of the new page */
	struct lacuna_region region; /* of the old page; extent 0: all of it */
};

/* count rows of the new page.  values: planar, of these rows only.  keep (shaped as values, or NULL): where it is not 0, the
 * sample of the old page stays bit for bit, whatever its type, if the page is written in the same type and size.  old holds
 * the rows of the old page that these rows show, and one more above and below; NULL if the old page has no extra samples and
 * nothing is kept. */
struct image_rows {
	int64_t top, count;
	const float *values;
	const unsigned char *keep;
	const struct image_band *old;
};

/* Writes to a temporary file beside `path'; refuses an existing file unless force is set. */
int image_writer_create(const char *path, const struct image_write_options *,
			struct image_writer **);
/* Value v of the old file becomes scale v + offset in the new one; scale 0: it means something else.  Call it before the
 * first page. */
void image_writer_values_become(struct image_writer *, double scale, double offset);
/* Adds a page: the values, rounded and clipped to the sample type; extra samples, resolution, colour profile, description,
 * place on the Earth, orientation and compression of the old page.  If the image has another size than that (as after
 * super-resolution), drops what no longer holds, and scales the resolution and alpha.  values, keep: as in struct
 * image_rows, of all rows.  old: holds the old page; NULL: it is read if it is needed. */
int image_writer_write(struct image_writer *, const struct image_part *, const float *values,
		       const unsigned char *keep, const struct image_band *old);
/* The same for an image like a whole page; like NULL: a plain page. */
int image_writer_add(struct image_writer *, struct image_reader *like, int page,
		     const struct image *);
/* The same from top to bottom: begin, put until all rows are written, end. */
int image_writer_begin(struct image_writer *, const struct image_part *);
int image_writer_put(struct image_writer *, const struct image_rows *);
int image_writer_end(struct image_writer *);
/* Adds page `page' of `like', of the same format, with samples (of any type) and palette as they are stored; the page must
 * be storable. */
int image_writer_copy(struct image_writer *, struct image_reader *like, int page);
/* Flushes, syncs and closes the file; it only lacks its name then.  The writer takes no more pages. */
int image_writer_seal(struct image_writer *);
/* Seals the file and gives it its name.  The writer is freed, whatever the status. */
int image_writer_commit(struct image_writer *);
/* Removes the temporary file and frees the writer.  Accepts NULL. */
void image_writer_abandon(struct image_writer *);

/* ---- a format */

/* What a format provides: the functions above, with the same arguments.  Its own reader, band and writer begin with the
 * structs of this header. */
struct image_format {
	const char *name;
	/* True for the first bytes of a file of this format. */
	int (*sniff)(const void *head, size_t size);
	/* Takes over the descriptor, also on failure; sets path and pages. */
	int (*open)(int fd, const char *path, struct image_reader **);
	void (*close)(struct image_reader *);
	int (*page)(struct image_reader *, int page, struct image_page *);
	int (*read)(struct image_reader *, int page, struct image *);
	int (*read_alpha)(struct image_reader *, int page, struct image *);
	int (*pixel_size)(struct image_reader *, double size[2]);
	int (*orientation)(struct image_reader *, int page);

	int (*band_open)(struct image_reader *, int page, int64_t rows, struct image_band **);
	void (*band_close)(struct image_band *);
	int (*band_move)(struct image_band *, int64_t top, int64_t bottom);
	void (*band_get)(const struct image_band *, const struct lacuna_region *, float *values);
	int (*band_cost)(struct image_reader *, int page, struct image_cost *);

	int (*create)(const char *path, const struct image_write_options *, struct image_writer **);
	void (*values_become)(struct image_writer *, double scale, double offset);
	int (*write)(struct image_writer *, const struct image_part *, const float *values,
		     const unsigned char *keep, const struct image_band *old);
	int (*begin)(struct image_writer *, const struct image_part *);
	int (*put)(struct image_writer *, const struct image_rows *);
	int (*end)(struct image_writer *);
	int (*copy)(struct image_writer *, struct image_reader *like, int page);
	int (*seal)(struct image_writer *);
	int (*commit)(struct image_writer *);
	void (*abandon)(struct image_writer *);
};

extern const struct image_format image_format_tiff;

#endif
