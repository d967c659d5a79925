/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Stacks of images behind a single page, which libtiff does not see (ImageJ, tifffile, OME, MetaMorph): restoring only the
 * pages would lose the others silently. */
#include <config.h>

#include "image/tiff/private.h"

#include "base/error.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* The value of an attribute of an XML element, or 1. */
static double attribute(const char *element, const char *end, const char *name)
{
	const char *at = strstr(element, name);

	return at && at < end ? strtod(at + strlen(name), NULL) : 1;
}

/* Number of planes of all images of OME-XML; 0 if it names several files, since it then says nothing about this one. */
static double planes_ome(const char *text, int samples)
{
	double planes = 0;

	if (strstr(text, "FileName="))
		return 0;
	for (const char *at = strstr(text, "<Pixels"), *end; at; at = strstr(end, "<Pixels")) {
		double channels;

		end = strchr(at, '>');
		if (!end)
			break;
		channels = attribute(at, end, " SizeC=\"");
		if (channels >= samples)
			channels /= samples;
		planes += attribute(at, end, " SizeZ=\"") * attribute(at, end, " SizeT=\"") *
			  channels;
	}
	return planes;
}

/* Number of pages by tifffile's description, which states the shape of an array whose last dimensions are a page. */
static double planes_shape(const char *text, const struct tiff_layout *l)
{
	const char *at = strchr(text, '[');
	double values = 1;
	char *end;

	while (at && (*at == '[' || *at == ',')) {
		values *= strtod(at + 1, &end);
		at = end;
	}
	return values / ((double)l->width * l->height * l->samples);
}

/* Number of pages that the description states; 0: it states none. */
static double planes_promised(TIFF *tif, const struct tiff_layout *l, const char **who)
{
	const char *text = NULL, *images;

	if (!TIFFGetField(tif, TIFFTAG_IMAGEDESCRIPTION, &text) || !text)
		return 0;
	if (!strncmp(text, "ImageJ=", 7)) {
		*who = "ImageJ";
		images = strstr(text, "\nimages=");
		return images ? strtod(images + 8, NULL) : 1;
	}
	if (strstr(text, "<OME")) {
		*who = "OME";
		return planes_ome(text, l->samples);
	}
	if (!strncmp(text, "{\"shape\": [", 11)) {
		*who = "tifffile";
		return planes_shape(text, l);
	}
	return 0;
}

/* ImageJ (above 4 GB) and tifffile write stacks with one directory and the other images after the first.  Restoring only the
 * first would lose the others silently. */
static int check_promise(const struct tiff_reader *r, const struct tiff_layout *l)
{
	TIFF *tif = r->handle.tif;
	const char *who = NULL;
	const double n = planes_promised(tif, l, &who);
	double bytes;

	if (!(n > r->common.pages))
		return LACUNA_OK;
	bytes = (double)TIFFScanlineSize64(tif) * l->height * (l->separate ? l->samples : 1);
	if (r->common.pages == 1 && !l->tiled && l->compression == COMPRESSION_NONE &&
	    bytes * n <= (double)r->common.size)
		return error_set(LACUNA_EUNSUPPORTED,
				 "is a stack (%s) of %.0f images with a single TIFF page; save it "
				 "with one page for each image",
				 who, n);
	if (!r->told)
		log_message(LACUNA_LOG_WARN,
			    "%s: its description (%s) states %.0f images, but there %s only %d; "
			    "the others are lost",
			    r->handle.path, who, n, r->common.pages == 1 ? "is" : "are",
			    r->common.pages);
	return LACUNA_OK;
}

/* MetaMorph (STK): the UIC2 tag has an entry for each plane; all of them are stored behind the first page. */
static int check_metamorph(const struct tiff_reader *r)
{
	enum { TAG_UIC2 = 33629 };
	const TIFFField *field = TIFFFindField(r->handle.tif, TAG_UIC2, TIFF_ANY);
	uint32_t planes = 0;
	uint16_t few = 0;
	void *data;

	if (!field || !TIFFFieldPassCount(field))
		return LACUNA_OK;
	if (TIFFFieldReadCount(field) == TIFF_VARIABLE2)
		TIFFGetField(r->handle.tif, TAG_UIC2, &planes, &data);
	else if (TIFFGetField(r->handle.tif, TAG_UIC2, &few, &data))
		planes = few;
	if (planes <= (uint32_t)r->common.pages)
		return LACUNA_OK;
	return error_set(LACUNA_EUNSUPPORTED,
			 "is a MetaMorph stack of %u planes with %d TIFF page%s; save it with one "
			 "page for each plane",
			 planes, r->common.pages, r->common.pages == 1 ? "" : "s");
}

int reader_check_stack(struct tiff_reader *r, const struct tiff_layout *l)
{
	int status = check_promise(r, l);

	if (!status)
		status = check_metamorph(r);
	r->told = 1;
	return status;
}
