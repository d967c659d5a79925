/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Reads PNG files, which people paint masks and kernels in, and writes them. */
#ifndef IMAGE_PNG_H
#define IMAGE_PNG_H

#include "image/image.h"

/* Full scale becomes 1.  A gray picture, even if stored as RGB, becomes 1 channel, others 3.  Transparent parts are blended
 * with white.  Values are the file's, whatever its gamma.  An error is one line that names the file. */
int png_read_file(const char *path, struct image *);

/* Encodes an image of 1 or 3 channels as 8-bit PNG in memory: 0..1 become 0..255, values outside are clipped, NaN is white.
 * The caller releases *bytes with memory_release(). */
int png_encode(const struct image *, unsigned char **bytes, size_t *size);

#endif
