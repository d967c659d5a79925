/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Adapts descriptions that state what a TIFF file holds: OME-XML, ImageJ's lines, tifffile's shapes.  They are text in the
 * ImageDescription of the first page, and must change with pages, size or type.  This part reads no TIFF. */
#ifndef IMAGE_DESCRIPTION_H
#define IMAGE_DESCRIPTION_H

enum description_kind { DESCRIPTION_OTHER, DESCRIPTION_OME, DESCRIPTION_IMAGEJ, DESCRIPTION_SHAPE };

enum description_kind description_kind(const char *text); /* accepts NULL */
/* Name of the kind, for messages. */
const char *description_name(enum description_kind);

/* Size of a pixel in micrometres, as OME-XML states it, or from ImageJ's unit and per_unit, the pixels per unit of the
 * resolution tags.  False if the text states no size that can be understood. */
int description_pixel_size(const char *text, const double per_unit[2], double size[2]);

/* What changes between the old file and the new one. */
struct description_change {
	const int *pages; /* the pages that are kept, ascending from 0; NULL: all */
	int page_count;	  /* number of these, also if pages is NULL */
	int old_pages;
	int samples;	  /* per pixel, in the old file */
	int same_samples; /* the new file has as many samples per pixel */
	int mixed;	  /* the new pages will not all have one size */
	double width, height, old_width, old_height;
	double shown_width, shown_height; /* part of the old page that the new one shows; 0: all */
	double x, y;			  /* its first pixel */
	const char *
		type; /* OME's name of the new sample type if it differs, "" if OME has none; NULL: the same type */
	int bits;	 /* of that type */
	int values_kept; /* else old value v becomes scale v + offset; scale 0: it means something else */
	double scale, offset;
};

/* Returns the text for the new file, for memory_release(): `text' if nothing that it states changes; NULL if memory ran out
 * or there is nothing to say.  If *doubt is not NULL afterwards, it says what could not be adapted: the text was then kept
 * as it is, or says less. */
char *description_adapt(const char *text, const struct description_change *, const char **doubt);

#endif
