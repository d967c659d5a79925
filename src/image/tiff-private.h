/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What the TIFF reader and the TIFF writer share. */
#ifndef IMAGE_TIFF_PRIVATE_H
#define IMAGE_TIFF_PRIVATE_H

#include "image/sample.h"
#include "image/tiff.h"

#include <tiffio.h>

/* ---- an open file (tiff-handle.c) */

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
	int pages, current; /* current: -1 when libtiff stands nowhere in particular */
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

/* Decodes the current page for those who want samples first..first+count-1. */
int reader_decode(struct tiff_reader *, int first, int count, tiff_row_sink *, void *context);

/* ---- tags (tiff-tags.c) */

enum { TAG_PHOTOSHOP_LAYERS = 37724, TAG_GDAL_NODATA = 42113 };

/* What the new page is to the old one. */
struct tag_change {
	double scale_x, scale_y; /* width and height, new / old */
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

/* Whether the writer can keep the compression of a page: lossless, and offered for writing (tiff-write.c). */
int writer_keeps_compression(const struct tiff_layout *);

#endif
