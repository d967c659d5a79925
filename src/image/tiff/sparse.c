/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Blocks that a file leaves out, and the value that such pixels have: nodata, or zero. */
#include <config.h>

#include "image/tiff/private.h"

#include <stdlib.h>
#include <string.h>

/* GDAL leaves out empty tiles and strips: they have no bytes. */
int handle_stores(TIFF *tif, uint32_t block)
{
	int failed = 0;

	return TIFFGetStrileByteCountWithErr(tif, block, &failed) > 0 || failed;
}

int handle_is_sparse(TIFF *tif)
{
	const uint32_t n = TIFFIsTiled(tif) ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);

	for (uint32_t i = 0; i < n; i++)
		if (!handle_stores(tif, i))
			return 1;
	return 0;
}

const char *handle_text(TIFF *tif, uint32_t tag)
{
	const void *text = NULL;
	const TIFFField *field = TIFFFindField(tif, tag, TIFF_ANY);
	uint32_t n32 = 0;
	uint16_t n16 = 0;
	int found;

	if (!field || TIFFFieldDataType(field) != TIFF_ASCII)
		return NULL;
	if (!TIFFFieldPassCount(field))
		found = TIFFGetField(tif, tag, &text);
	else if (TIFFFieldReadCount(field) == TIFF_VARIABLE2)
		found = TIFFGetField(tif, tag, &n32, &text);
	else
		found = TIFFGetField(tif, tag, &n16, &text);
	return found ? text : NULL;
}

/* GDAL writes the value as text.  "nan" is a value; other text that is no number declares nothing. */
int handle_nodata(TIFF *tif, double *value)
{
	const char *text = handle_text(tif, TAG_GDAL_NODATA);
	char *end;

	if (!text)
		return 0;
	*value = strtod(text, &end);
	return end != text;
}

/* A block that is not stored means nodata if the file declares it, else zero. */
void layout_fill_empty(TIFF *tif, const struct tiff_layout *l, size_t samples, void *block)
{
	uint64_t raw;
	double nodata;

	memset(block, 0, (samples * (size_t)l->type.bits + 7) / 8);
	if (!handle_nodata(tif, &nodata))
		return;
	raw = sample_encode_double(l->type, nodata);
	for (size_t i = 0; i < samples; i++)
		sample_put(block, i, l->type.bits, raw);
}
