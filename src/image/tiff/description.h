/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Descriptions that state what a TIFF file holds: OME-XML, ImageJ's lines, tifffile's shapes.  They are text in the
 * ImageDescription of the first page, and must follow when pages, size or type change.  No TIFF is read here. */
#ifndef IMAGE_DESCRIPTION_H
#define IMAGE_DESCRIPTION_H

enum description_kind { DESCRIPTION_OTHER, DESCRIPTION_OME, DESCRIPTION_IMAGEJ, DESCRIPTION_SHAPE };

enum description_kind description_kind(const char *text); /* accepts NULL */
/* How the kind is called in messages. */
const char *description_name(enum description_kind);

/* Size of a pixel in micrometres as OME-XML states it, and as ImageJ's unit makes it of the resolution tags, which hold
 * pixels per unit.  False when the text says nothing that can be understood. */
int description_pixel_size(const char *text, const double per_unit[2], double size[2]);

/* What changes between the old file and the new one. */
struct description_change {
	const int *pages; /* those that are kept, ascending from 0; NULL: all */
	int page_count;	  /* of these; also where pages is NULL */
	int old_pages;
	int samples;	  /* of a pixel, old */
	int same_samples; /* the new file has as many */
	int mixed;	  /* the new pages will not all have one size */
	double width, height, old_width, old_height;
	double shown_width, shown_height; /* of the old page, what the new one shows; 0: all */
	const char *
		type; /* OME's name of the new sample type when it is another, "" where OME has none; or NULL */
	int bits; /* of that type */
	int values_kept; /* else old value v is now scale v + offset; without scale (0) it means something else */
	double scale, offset;
};

/* The text of the new file, for memory_release(): `text' where nothing that it states changes, NULL where there is no
 * memory or nothing to say.  *doubt, when not NULL afterwards, says what could not be followed: the text was then kept
 * as it is, or says less. */
char *description_adapt(const char *text, const struct description_change *, const char **doubt);

#endif
