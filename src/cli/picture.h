/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Pictures as commands need them: which sample values are 0..1, which pages, which shape. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include "image/tiff.h"

/* host_reader for plugins: a TIFF (integers scaled to 0..1, several pages are frames) or a text file with a matrix. */
int picture_read(const char *path, struct lacuna_shape *, float **values);

/* Of these files picture_read() gives, from now on, the page alone that goes with page `page' (from 0) of `pages'; the number of
 * frames still is that of the file's pages.  A file of one page serves all; another number is refused.  The paths live
 * until the next call.  Used by one thread, as plugins are created by one. */
void picture_follow(const char *const *paths, size_t count, int page, int pages);

/* How many pages of a file picture_follow() would choose from: 1, or `pages'; another number is refused.  Other formats than
 * TIFF have one. */
int picture_count_pages(const char *path, int pages, int *count);

/* "LO:HI" */
int picture_parse_range(const char *text, struct image_range *);
/* The values that are 0..1 for the engine.  stated: the user's, or NULL.  Integers: the type's full scale.  Floats:
 * 0..1 when the values look like it (no farther than noise may reach outside), else the measured range.  *measured
 * (if not NULL) is set when the values decided. */
int picture_range(const struct tiff_page *, const struct image *, const struct image_range *stated,
		  struct image_range *, int *measured);
/* The range of a second picture shown beside a first one: the same when both have the same sample type. */
int picture_range_like(const struct tiff_page *, const struct image *,
		       const struct tiff_page *first, const struct image_range *first_range,
		       struct image_range *);

/* "uint16", "float32", ... to kind and bits and back.  picture_types: NULL-terminated. */
extern const char *const picture_types[];
void picture_type(const char *name, enum sample_kind *, int *bits);
const char *picture_type_name(enum sample_kind, int bits);
/* True when a sample type has the value, NaN included. */
int picture_holds(enum sample_kind, int bits, double value);
/* Full scale of a type: what 0..1 becomes when a picture is written in another type than the input's. */
struct image_range picture_full_scale(enum sample_kind, int bits);

/* "1,3-5" in ascending order, from 1; NULL: all.  *pages, numbers from 0, is released with memory_release(). */
int picture_pages(const char *text, int available, int **pages, int *count);

/* Missing values become NaN: infinities, and those that the page declares as such (GDAL's nodata). */
void picture_mark_missing(const struct tiff_page *, struct image *);

/* "512x384"; channels and frames are left alone. */
int picture_parse_size(const char *text, struct lacuna_shape *);
int picture_same_shape(const struct lacuna_shape *, const struct lacuna_shape *);
/* "640x480, 3 channels" */
const char *picture_shape_text(const struct lacuna_shape *, char *text, size_t size);
/* The region of an image as an image of its own. */
int picture_crop(const struct image *, const struct lacuna_region *, struct image *);

#endif
