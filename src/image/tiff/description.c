/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Descriptions that state what the file holds: kinds, and what all of them have in common.  description-*.c hold the kinds.
 *
 * They are changed by cutting and pasting, so that everything else stays to the letter, and only if all that matters was
 * understood. */
#include <config.h>

#include "image/tiff/description-private.h"

#include "base/memory.h"

#include <string.h>

enum description_kind description_kind(const char *text)
{
	if (!text)
		return DESCRIPTION_OTHER;
	if (begins(text, "ImageJ="))
		return DESCRIPTION_IMAGEJ;
	if (begins(text, "{\"shape\": ["))
		return DESCRIPTION_SHAPE;
	return strstr(text, "<OME") ? DESCRIPTION_OME : DESCRIPTION_OTHER;
}

const char *description_name(enum description_kind kind)
{
	static const char *const names[] = { "text", "OME-XML", "ImageJ's", "tifffile's" };

	return names[kind];
}

int description_pixel_size(const char *text, const double per_unit[2], double size[2])
{
	switch (description_kind(text)) {
	case DESCRIPTION_OME:
		return ome_pixel_size(text, size);
	case DESCRIPTION_IMAGEJ:
		return imagej_pixel_size(text, per_unit, size);
	default:
		return 0;
	}
}

char *description_adapt(const char *text, const struct description_change *c, const char **doubt)
{
	*doubt = NULL;
	if (keeps_pages(c) && keeps_size(c) && !c->type && c->values_kept && !c->mixed &&
	    c->same_samples)
		return memory_strdup(text);
	/* Readers would take the pages for one block, or refuse the file. */
	if (c->mixed && description_kind(text) != DESCRIPTION_OTHER) {
		*doubt = "the pages now have different sizes; it is left out";
		return NULL;
	}
	switch (description_kind(text)) {
	case DESCRIPTION_OME:
		return ome_adapt(text, c, doubt);
	case DESCRIPTION_IMAGEJ:
		return imagej_adapt(text, c, doubt);
	case DESCRIPTION_SHAPE:
		return shape_adapt(text, c, doubt);
	default:
		return memory_strdup(text);
	}
}
