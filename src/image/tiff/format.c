/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* TIFF as a row of the table of formats. */
#include <config.h>

#include "image/tiff/private.h"

#include <string.h>

/* Little or big endian, classic or BigTIFF. */
static int sniff(const void *head, size_t size)
{
	static const char *const begin[] = { "II*\0", "MM\0*", "II+\0", "MM\0+" };
	int found = 0;

	for (size_t i = 0; i < 4 && size >= 4; i++)
		found |= !memcmp(head, begin[i], 4);
	return found;
}

const struct image_format image_format_tiff = {
	.name = "TIFF",
	.sniff = sniff,
	/* open.c */
	.open = tiff_open,
	.close = tiff_close,
	/* page-info.c */
	.page = tiff_page,
	.pixel_size = tiff_pixel_size,
	.orientation = tiff_orientation,
	/* read.c */
	.read = tiff_read,
	/* band.c */
	.read_alpha = tiff_read_alpha,
	.band_open = tiff_band_open,
	.band_close = tiff_band_close,
	.band_move = tiff_band_move,
	.band_get = tiff_band_get,
	.band_cost = tiff_band_cost,
	/* write.c */
	.create = tiff_create,
	.values_become = tiff_values_become,
	.write = tiff_write,
	.begin = tiff_begin,
	.put = tiff_put,
	.end = tiff_end,
	.copy = tiff_copy,
	.seal = tiff_seal,
	.commit = tiff_commit,
	.abandon = tiff_abandon,
};
