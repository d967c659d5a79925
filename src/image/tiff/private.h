/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What the TIFF reader and the TIFF writer share. */
#ifndef IMAGE_TIFF_PRIVATE_H
#define IMAGE_TIFF_PRIVATE_H

#include "image/sample.h"
#include "image/tiff.h"

#include <tiffio.h>
#include <time.h>

/* ---- an open file (handle.c) */

/* libtiff's error handlers write here: its messages are neither printed nor mixed between threads. */
struct tiff_handle {
	TIFF *tif;
	char *path;
	char message[256]; /* of the first error since handle_begin() */
	char warning[256]; /* likewise */
	int error_number;  /* errno at that time */
};

/* Takes the descriptor over, also when it fails. */
int handle_open(struct tiff_handle *, int fd, const char *path, const char *mode);
void handle_close(struct tiff_handle *); /* accepts a closed one */
/* Before every group of libtiff calls. */
void handle_begin(struct tiff_handle *);
/* Keeps libtiff's message, or `otherwise' when it gave none. */
int handle_fail(const struct tiff_handle *, int status, const char *otherwise);

/* ---- a page as it is stored */

struct tiff_layout {
	uint32_t width, height;
	struct sample_type type;
	int samples; /* per pixel */
	int colour;  /* those that are restored; the others are extra samples */
	int extra_at; /* where they stand, all in one place: colour, or before bands that are restored */
	uint16_t photometric, compression, orientation;
	int separate;	       /* one plane per sample */
	int tiled;	       /* else strips */
	uint32_t block_width;  /* of a tile; of a strip: width */
	uint32_t block_height; /* of a tile; rows per strip */
	int convert;	       /* libtiff turns it to 8-bit RGB */
	int ycbcr;	       /* planes of YCbCr at full resolution */
	int palette;	       /* three 16-bit columns: map */
	int palette_bits;      /* of RGB that holds all of the palette: 8 or 16 */
	int palette_shift;     /* 16-bit entry to palette_bits */
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

/* The channel that a sample holds; -1: it is an extra one. */
static inline int layout_channel(const struct tiff_layout *l, int sample)
{
	const int extra = l->samples - l->colour;

	return sample < l->extra_at ? sample : sample < l->extra_at + extra ? -1 : sample - extra;
}

struct tiff_reader {
	struct tiff_handle handle;
	uint64_t file_size;
	struct timespec changed; /* the file, before it was opened */
	int pages, current;	 /* current: -1 when libtiff stands nowhere in particular */
	int64_t strip;		 /* that libtiff is in the midst of, -1: none */
	uint32_t next_row;
	struct tiff_layout layout;
	int told;	   /* that pages are lost */
	int told_contents; /* that a description may not hold */
	int told_damage;   /* number of the page whose decoder had doubts, from 1 */
	char **notes;	   /* one per page, once asked for */
};

/* Makes `page' the current one and describes it in reader->layout. */
int reader_enter(struct tiff_reader *, int page);
/* Puts "PATH: page N: " in front of the message kept. */
int reader_context(const struct tiff_reader *, int page, int status);

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

/* True when blocks of the current directory are left out: they have no bytes.  What they hold, in a block of so many samples. */
int handle_is_sparse(TIFF *);
void layout_fill_empty(TIFF *, const struct tiff_layout *, size_t samples, void *block);

/* Decodes rows of the current page for those who want samples first..first+count-1. */
int reader_decode(struct tiff_reader *, int first, int count, const struct tiff_span *,
		  tiff_row_sink *, void *context);

/* Values of a channel: n pixels, the sample of the first is number `at' of a row, that of the next `stride' samples on. */
void layout_values(const struct tiff_layout *, int channel, const void *row, size_t at,
		   size_t stride, size_t n, float *values);
/* n pixels of all channels, planar, as values came out: becomes RGB where the page has another kind of colours. */
void layout_colours(const struct tiff_layout *, size_t n, float *values);

/* ---- rows of a page as they are stored (band.c) */

struct tiff_band {
	struct tiff_reader *reader;
	int page;
	struct tiff_layout layout;
	uint16_t *map; /* of a palette, owned */
	uint32_t room; /* rows */
	struct tiff_span held;
	size_t pitch;  /* bytes of a row of one sample, packed */
	uint8_t *rows; /* sample after sample, room for `room' rows each; owned */
};

/* A sample of a row that is held. */
static inline uint64_t band_sample(const struct tiff_band *b, int sample, uint32_t x, uint32_t y)
{
	return sample_get(b->rows + ((size_t)sample * b->room + (y - b->held.top)) * b->pitch, x,
			  b->layout.type.bits);
}

/* ---- tags (tags.c) */

enum { TAG_PHOTOSHOP_LAYERS = 37724, TAG_GDAL_NODATA = 42113 };

/* What the new page is to the old one. */
struct tag_change {
	double scale_x, scale_y; /* width and height, new / old */
	double x, y;		 /* first pixel of the old one that it shows */
	int same_size;
	int same_samples;     /* meaning and number of colour samples are those of the old page */
	const char *software; /* or NULL */
};

/* Writes EXIF and GPS directories; before the page's own tags are set, because libtiff holds one directory. */
struct tag_directories {
	uint64_t exif, gps; /* offsets, 0: none */
	int moved;	    /* the old file no longer stands at its page */
};
int tags_copy_directories(struct tiff_handle *from, struct tiff_handle *to, int same_size,
			  struct tag_directories *);
/* Copies all tags that describe the picture and not its encoding. */
void tags_copy(struct tiff_handle *from, struct tiff_handle *to, const struct tag_change *);
/* Name of a compression scheme. */
const char *tags_compression_name(uint16_t compression);

/* Rows that the writer takes at once: a row of tiles; strips of planes, which are cut where they are larger than this many
 * bytes (write.c). */
enum { STRIP_MOST = 1 << 22 };
int64_t writer_block_rows(const struct tiff_layout *);
/* Whether the writer can keep the compression of a page: lossless, and offered for writing (write.c). */
int writer_keeps_compression(const struct tiff_layout *);

#endif
