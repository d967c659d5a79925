/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Pictures as commands need them: value ranges, pages, shapes. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include "image/file.h"

/* The host_reader for plugins: reads a TIFF (integers scaled to 0..1, pages become frames), a PNG, or a text file with a
 * matrix. */
int picture_read(const char *path, struct lacuna_shape *, float **values);

/* From now on picture_read() returns of these files only the page that goes with page `page' (from 0) of `pages'; the number
 * of frames is still the file's number of pages.  A file with one page serves all; any other number is refused.  The paths
 * must live until the next call.  For the thread that creates plugins only. */
void picture_follow(const char *const *paths, size_t count, int page, int pages);

/* How many pages of a file picture_follow() would choose from: 1 or `pages'; other numbers are refused.  Formats other than
 * TIFF have one. */
int picture_count_pages(const char *path, int pages, int *count);

/* Parses "LO:HI". */
int picture_parse_range(const char *text, struct image_range *);
/* The values that are 0..1 for the engine: the user's (stated, or NULL); else full scale for integers, and for floats 0..1
 * if the values fit (noise may reach a little outside), else the measured range.  *measured (unless NULL) is set when the
 * values decided. */
int picture_range(const struct image_page *, const struct image *, const struct image_range *stated,
		  struct image_range *, int *measured);
/* The range of a second picture shown beside the first: the same if both have the same sample type. */
int picture_range_like(const struct image_page *, const struct image *,
		       const struct image_page *first, const struct image_range *first_range,
		       struct image_range *);

/* Converts "uint16", "float32", ... to kind and bits, and back.  picture_types is NULL-terminated. */
extern const char *const picture_types[];
void picture_type(const char *name, enum sample_kind *, int *bits);
const char *picture_type_name(enum sample_kind, int bits);
/* True when a sample type can hold the value, which may be NaN. */
int picture_holds(enum sample_kind, int bits, double value);
/* Full scale of a type: what 0..1 becomes when a picture is written in a type other than the input's. */
struct image_range picture_full_scale(enum sample_kind, int bits);

/* Parses "1,3-5", ascending, from 1; NULL: all.  *pages are numbers from 0, for memory_release(). */
int picture_pages(const char *text, int available, int **pages, int *count);

/* Sets missing values to NaN: infinities, and the value that the page declares as missing (GDAL's nodata). */
void picture_mark_missing(const struct image_page *, struct image *);

/* Parses "512x384"; leaves channels and frames alone. */
int picture_parse_size(const char *text, struct lacuna_shape *);
int picture_same_shape(const struct lacuna_shape *, const struct lacuna_shape *);
/* Writes "640x480, 3 channels" into text, and returns it. */
const char *picture_shape_text(const struct lacuna_shape *, char *text, size_t size);
/* Copies a region of an image into an image of its own. */
int picture_crop(const struct image *, const struct lacuna_region *, struct image *);

#endif
