/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* PNG files, for masks and kernels: people paint them. */
#ifndef IMAGE_PNG_H
#define IMAGE_PNG_H

#include "image/image.h"

/* Full scale is 1; 1 channel where the picture is gray, though stored as RGB, else 3.  What is transparent lies on white.
 * Values are the file's, whatever its gamma.  Refuses with one line that names the file. */
int png_read_file(const char *path, struct image *);

/* An image of 1 or 3 channels as 8-bit PNG in memory: 0..1 become 0..255, what lies outside is clipped, NaN is white.  *bytes
 * is for memory_release(). */
int png_encode(const struct image *, unsigned char **bytes, size_t *size);

#endif
