/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What the TIFF reader and the TIFF writer share. */
#ifndef IMAGE_TIFF_PRIVATE_H
#define IMAGE_TIFF_PRIVATE_H

#include "image/sample.h"
#include "image/file.h"

#include <stddef.h>
#include <tiffio.h>

/* ---- an open file (handle.c) */

/* libtiff's error handlers write here, so its messages are not printed and do not mix between threads. */
struct tiff_handle {
	TIFF *tif;
	char *path;
	char message[256]; /* first error since handle_begin() */
	char warning[256]; /* first warning since then */
	int error_number;  /* errno at that time */
};

/* Takes over the descriptor, also on failure. */
int handle_open(struct tiff_handle *, int fd, const char *path, const char *mode);
void handle_close(struct tiff_handle *); /* accepts a closed handle */
/* Call it before every group of libtiff calls. */
void handle_begin(struct tiff_handle *);
/* Sets libtiff's message as the error, or `otherwise' if it gave none; returns status. */
int handle_fail(const struct tiff_handle *, int status, const char *otherwise);
/* Keeps a warning as if it were libtiff's. */
void handle_warn(struct tiff_handle *, const char *fmt, ...) LACUNA_PRINTF(2, 3);

/* ---- a page as it is stored */

struct tiff_layout {
	uint32_t width, height;
	struct sample_type type;
	int samples; /* per pixel */
	int colour;  /* number of restored samples; the others are extra samples */
	int extra_at; /* first extra sample; all stand together: after colour, or before restored bands */
	int associated; /* that sample is alpha, and colours are products with it */
	uint16_t photometric, compression, orientation;
	uint16_t predictor;    /* of deflated blocks */
	int separate;	       /* one plane per sample */
	int tiled;	       /* else strips */
	uint32_t block_width;  /* of a tile; of a strip: width */
	uint32_t block_height; /* of a tile; rows per strip */
	int convert;	       /* libtiff converts the page to 8-bit RGB */
	int ycbcr;	       /* planes of YCbCr at full resolution */
	int palette;	       /* three 16-bit columns: map */
	int palette_bits;      /* bits of RGB that hold the whole palette: 8 or 16 */
	int palette_shift;     /* shift from a 16-bit entry to palette_bits */
	const uint16_t *map[3];
	int invert; /* MinIsWhite */
	int lab; /* CIE L*a*b*: the sign bit of a* and b* is toggled, so that values do not wrap at grey */
	int complex;   /* samples are pairs of the file's: real and imaginary parts */
	int luminance; /* SGI LogL and LogLuv: floating-point Y or XYZ */
};

/* The sample that holds a channel of the picture. */
static inline int layout_sample(const struct tiff_layout *l, int channel)
{
	return channel < l->extra_at ? channel : channel + l->samples - l->colour;
}

/* The channel that a sample holds; -1 for an extra sample. */
static inline int layout_channel(const struct tiff_layout *l, int sample)
{
	const int extra = l->samples - l->colour;

	return sample < l->extra_at ? sample : sample < l->extra_at + extra ? -1 : sample - extra;
}

struct tiff_reader {
	struct image_reader common;
	struct tiff_handle handle;
	int current;   /* page; -1: libtiff is at no known page */
	int64_t strip; /* that libtiff is decoding, -1: none */
	uint32_t next_row;
	uint64_t sum; /* of its bytes so far, for its checksum */
	struct tiff_layout layout;
	int told;	   /* the warning that pages are lost */
	int told_contents; /* the warning that a description may not hold */
	int told_scale;	   /* the warning that GDAL's scale does not hold */
	int told_damage; /* number, from 1, of the last page that a damage warning was given for */
	char **notes;	 /* one per page, made when asked for */
};

static inline struct tiff_reader *tiff_reader(struct image_reader *r)
{
	_Static_assert(offsetof(struct tiff_reader, common) == 0, "the common part comes first");
	return (struct tiff_reader *)r;
}

/* Puts "PATH: page N: " before the current error message; returns status (open.c). */
int reader_context(const struct tiff_reader *, int page, int status);
/* Makes `page' the current one and describes it in reader->layout (layout.c). */
int reader_enter(struct tiff_reader *, int page);
/* Refuses a stack of images behind a single page, and warns of pages that a description promises (stack.c). */
int reader_check_stack(struct tiff_reader *, const struct tiff_layout *);
/* The shape of the picture (page-info.c). */
struct lacuna_shape layout_shape(const struct tiff_layout *);

/* ---- blocks that a file leaves out (sparse.c) */

/* True if a tile or strip has bytes: GDAL leaves out empty ones. */
int handle_stores(TIFF *, uint32_t block);
/* True if the current directory leaves out blocks. */
int handle_is_sparse(TIFF *);
/* The text of a tag of the current directory, known to libtiff or not; NULL: there is none. */
const char *handle_text(TIFF *, uint32_t tag);
/* The value that the current directory declares for missing pixels.  False if it declares none. */
int handle_nodata(TIFF *, double *value);
/* Sets a block of this many samples to what one means that is left out. */
void layout_fill_empty(TIFF *, const struct tiff_layout *, size_t samples, void *block);

/* ---- blocks to rows (decode.c) */

/* Part of a row of the current page: sample s of pixel x + i is sample number i * stride + (s - first) of data. */
struct tiff_row {
	const void *data;
	uint32_t x, y, n;
	int first, stride;
};
typedef void tiff_row_sink(void *context, const struct tiff_row *);

/* True when strips cannot be decoded row by row. */
int layout_whole_strips(const struct tiff_layout *);

/* Rows top..bottom-1. */
struct tiff_span {
	uint32_t top, bottom;
};

/* Decodes rows of the current page and passes them to sink.  Samples first..first+count-1 are needed; more may come. */
int reader_decode(struct tiff_reader *, int first, int count, const struct tiff_span *,
		  tiff_row_sink *, void *context);

/* ---- rows to planar float (read.c) */

/* Values of a channel at n pixels: the first sample is number `at' of row, each other `stride' samples after the last. */
void layout_values(const struct tiff_layout *, int channel, const void *row, size_t at,
		   size_t stride, size_t n, float *values);
/* Converts n pixels of all channels, planar, from layout_values(), to RGB if the page has another kind of colours. */
void layout_colours(const struct tiff_layout *, size_t n, float *values);

/* ---- checksums of blocks (checksum.c) */

/* True if libtiff leaves them to us. */
int checksum_exists(const struct tiff_layout *);
/* The sum of the bytes of a row as they were compressed; bytes: those of the row that libtiff returned. */
uint64_t checksum_of_row(const struct tiff_layout *, const void *row, size_t bytes);
/* True if a block of the current page whose rows have this sum is as it was written. */
int checksum_is_right(TIFF *, uint32_t block, uint64_t sum);

/* ---- rows of a page as they are stored (band.c) */

struct tiff_band {
	struct image_band common;
	struct tiff_reader *reader;
	int page;
	struct tiff_layout layout;
	uint16_t *map; /* the palette; owned */
	uint32_t room; /* rows */
	struct tiff_span held;
	size_t pitch;  /* bytes of a row of one sample, packed */
	uint8_t *rows; /* one block of `room' rows for each sample; owned */
};

static inline struct tiff_band *tiff_band(struct image_band *b)
{
	_Static_assert(offsetof(struct tiff_band, common) == 0, "the common part comes first");
	return (struct tiff_band *)b;
}

static inline const struct tiff_band *tiff_band_const(const struct image_band *b)
{
	return (const struct tiff_band *)b;
}

/* A sample of a held row. */
static inline uint64_t band_sample(const struct tiff_band *b, int sample, uint32_t x, uint32_t y)
{
	return sample_get(b->rows + ((size_t)sample * b->room + (y - b->held.top)) * b->pitch, x,
			  b->layout.type.bits);
}

/* ---- tags (tags.c) */

enum { TAG_PHOTOSHOP_LAYERS = 37724, TAG_GDAL_METADATA = 42112, TAG_GDAL_NODATA = 42113 };

/* How the new page differs from the old one. */
struct tag_change {
	double scale_x, scale_y; /* width and height, new / old */
	double x, y;		 /* first pixel of the old page that the new one shows */
	int same_size;
	int same_samples;     /* colour samples have the meaning and number of the old page */
	const char *software; /* or NULL */
};

/* Copies EXIF and GPS directories; to be called before the page's own tags are set: libtiff holds one directory.  LACUNA_EIO:
 * they cannot be written; `to' has libtiff's message. */
struct tag_directories {
	uint64_t exif, gps; /* offsets, 0: none */
	int moved;	    /* the old file's handle is no longer at its page */
};
int tags_copy_directories(struct tiff_handle *from, struct tiff_handle *to, int same_size,
			  struct tag_directories *);
/* Copies all tags that describe the picture rather than its encoding. */
void tags_copy(struct tiff_handle *from, struct tiff_handle *to, const struct tag_change *);
/* Name of a compression scheme. */
const char *tags_compression_name(uint16_t compression);

/* ---- the functions of the format (format.c names their files) */

int tiff_open(int fd, const char *path, struct image_reader **);
void tiff_close(struct image_reader *);
int tiff_page(struct image_reader *, int page, struct image_page *);
int tiff_read(struct image_reader *, int page, struct image *);
int tiff_read_alpha(struct image_reader *, int page, struct image *);
/* From OME-XML, ImageJ's description or the resolution tags. */
int tiff_pixel_size(struct image_reader *, double size[2]);
int tiff_orientation(struct image_reader *, int page);
int tiff_band_open(struct image_reader *, int page, int64_t rows, struct image_band **);
void tiff_band_close(struct image_band *);
int tiff_band_move(struct image_band *, int64_t top, int64_t bottom);
void tiff_band_get(const struct image_band *, const struct lacuna_region *, float *values);
int tiff_band_cost(struct image_reader *, int page, struct image_cost *);
int tiff_create(const char *path, const struct image_write_options *, struct image_writer **);
void tiff_values_become(struct image_writer *, double scale, double offset);
int tiff_write(struct image_writer *, const struct image_part *, const float *values,
	       const unsigned char *keep, const struct image_band *old);
int tiff_begin(struct image_writer *, const struct image_part *);
int tiff_put(struct image_writer *, const struct image_rows *);
int tiff_end(struct image_writer *);
int tiff_copy(struct image_writer *, struct image_reader *like, int page);
int tiff_seal(struct image_writer *);
int tiff_commit(struct image_writer *);
void tiff_abandon(struct image_writer *);

/* Rows that the writer takes at once: a row of tiles, or a strip of planes, which is cut if it has more than STRIP_MOST
 * bytes (write-plan.c). */
enum { STRIP_MOST = 1 << 22 };
int64_t writer_block_rows(const struct tiff_layout *);
/* True if the writer can keep the page's compression: lossless, and available for writing (write-plan.c). */
int writer_keeps_compression(const struct tiff_layout *);

#endif
