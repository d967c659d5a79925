/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* tifffile's shapes: the JSON of an array whose last dimensions are a page. */
#include <config.h>

#include "image/tiff/description-private.h"

#include <stdlib.h>
#include <string.h>

/* Parses the array in brackets; returns the number of its values, 0 if it is not understood.  *end: after the bracket. */
static int parse_shape(const char *text, double *extent, int most, const char **end)
{
	const char *at = strchr(text, '[');
	int n = 0;

	while (at && (*at == '[' || *at == ',')) {
		char *rest;

		if (n == most)
			return 0;
		extent[n] = strtod(at + 1, &rest);
		if (rest == at + 1 || !(extent[n] >= 1))
			return 0;
		n++;
		at = rest;
	}
	if (!at || *at != ']')
		return 0;
	*end = at + 1;
	return n;
}

/* Number of the last dimensions that belong to a page, with width and height at *x and *y; 0: not understood. */
static int page_dimensions(const double *extent, int n, const struct description_change *c, int *x,
			   int *y)
{
	/* height, width; with samples after them; with samples before them */
	for (int form = c->samples > 1 ? 1 : 0; form < (c->samples > 1 ? 3 : 1); form++) {
		const int size = form ? 3 : 2;

		*x = n - (form == 1 ? 2 : 1);
		*y = *x - 1;
		if (n < size || !same(extent[*x], c->old_width) || !same(extent[*y], c->old_height))
			continue;
		if (form && !same(extent[form == 1 ? n - 1 : n - 3], c->samples))
			continue;
		return size;
	}
	return 0;
}

char *shape_adapt(const char *text, const struct description_change *c, const char **doubt)
{
	enum { MOST = 16 };
	double extent[MOST], planes = 1;
	const char *end = NULL, *start = strchr(text, '[');
	const int n = parse_shape(text, extent, MOST, &end);
	int x, y, size = n ? page_dimensions(extent, n, c, &x, &y) : 0, lead = 0;
	struct text t = { 0 };

	/* Readers refuse a file with a wrong shape; without a shape they look at the pages. */
	for (int i = 0; i < n - size; i++) {
		planes *= extent[i];
		lead += extent[i] > 1;
	}
	if (!size || !c->same_samples ||
	    (!keeps_pages(c) && (!same(planes, c->old_pages) || lead > 1))) {
		*doubt = "the shape it states is no longer right; it is left out";
		return NULL;
	}
	grow_bytes(&t, text, (size_t)(start - text) + 1);
	for (int i = 0; i < n; i++) {
		double v = extent[i];

		if (i == x)
			v = c->width;
		if (i == y)
			v = c->height;
		if (i < n - size && !keeps_pages(c) && v > 1)
			v = c->page_count;
		grow_format(&t, "%s%.0f", i ? ", " : "", v);
	}
	grow_text(&t, "]");
	grow_text(&t, end);
	return grow_finish(&t);
}
