/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A picture in memory, and the mapping between sample values and the 0..1 scale of the engine. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <lacuna/plugin.h>

struct image {
	struct lacuna_shape shape; /* frames = 1 */
	float *values;		   /* planar, x fastest; owned: image_free() */
};

int image_create(struct image *, const struct lacuna_shape *);
void image_free(struct image *); /* leaves an empty image */

/* Blends values in 0..1 with white: alpha, one value for each pixel, is 0 where the picture is transparent.  associated: the
 * values are products with alpha already.  If all is white then, only alpha tells what was painted, or erased: the image
 * becomes gray, and black where that is, the smaller part.  path: for a message about that. */
void image_on_white(struct image *, const float *alpha, int associated, const char *path);

/* Sample values lo..hi correspond to 0..1 of the engine. */
struct image_range {
	double lo, hi;
};

void image_to_unit(struct image *, struct image_range);
void image_from_unit(struct image *, struct image_range);
/* Smallest and largest finite value; false when there is none. */
int image_extrema(const struct image *, struct image_range *);

#endif
