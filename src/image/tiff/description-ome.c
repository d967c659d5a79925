/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* OME-XML: https://docs.openmicroscopy.org/ome-model/ (Pixels, TiffData, Plane). */
#include <config.h>

#include "image/tiff/description-private.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of an attribute in the tag from `tag' to `end', of *length bytes; NULL: there is none. */
static const char *attribute(const char *tag, const char *end, const char *name, size_t *length)
{
	const size_t n = strlen(name);

	for (const char *at = tag; at + n + 3 < end; at++) {
		const char *close;

		if (!strchr(" \t\r\n", *at) || strncmp(at + 1, name, n) != 0 || at[n + 1] != '=' ||
		    (at[n + 2] != '"' && at[n + 2] != '\''))
			continue;
		close = memchr(at + n + 3, at[n + 2], (size_t)(end - at) - n - 3);
		if (!close)
			return NULL;
		*length = (size_t)(close - at) - n - 3;
		return at + n + 3;
	}
	return NULL;
}

static double attribute_number(const char *tag, const char *end, const char *name, double otherwise)
{
	size_t n = 0;
	const char *value = attribute(tag, end, name, &n);
	char *rest;
	double v;

	if (!value)
		return otherwise;
	v = strtod(value, &rest);
	return rest == value + n ? v : NAN;
}

/* The '>' that ends the tag. */
static const char *tag_end(const char *tag)
{
	return strchr(tag, '>');
}

/* True for the start tag of an element of this name, with any prefix ("OME:Pixels"). */
static int is_tag(const char *at, const char *name)
{
	const size_t n = strlen(name), word = strcspn(at, ": \t\r\n/>");

	if (*at != '<')
		return 0;
	at += at[word] == ':' ? word + 1 : 1;
	return !strncmp(at, name, n) && at[n] && strchr(" \t\r\n/>", at[n]);
}

/* The next start tag of this name between `from' and `end'. */
static const char *next_tag(const char *from, const char *end, const char *name)
{
	while (from < end && (from = memchr(from, '<', (size_t)(end - from))) != NULL &&
	       !is_tag(from, name))
		from++;
	return from < end ? from : NULL;
}

/* The end of the element that starts at `tag'. */
static const char *element_end(const char *tag, const char *end)
{
	const char *close = tag_end(tag);
	char name[64];
	size_t n = strcspn(tag + 1, " \t\r\n/>");

	if (!close || close >= end)
		return NULL;
	if (close[-1] == '/')
		return close + 1;
	if (n + 4 > sizeof name)
		return NULL;
	memcpy(name, "</", 2);
	memcpy(name + 2, tag + 1, n);
	memcpy(name + 2 + n, ">", 2);
	close = strstr(close, name);
	return close && close < end ? close + n + 3 : NULL;
}

/* One Pixels element. */
struct pixels {
	const char *tag, *close, *end; /* start tag, its '>', end of the element */
	struct block planes;	       /* in DimensionOrder */
	char order[DIMENSIONS];	       /* letters of the dimensions: C, Z, T */
	int channels, data;	       /* number of these elements seen */
};

static double physical(const struct pixels *p, char axis, const char *end)
{
	char name[] = "PhysicalSize.", unit_name[] = "PhysicalSize.Unit";
	size_t n = 0;
	const char *unit;
	double size;

	name[12] = unit_name[12] = axis;
	size = attribute_number(p->tag, end, name, 0);
	unit = attribute(p->tag, end, unit_name, &n);
	return size > 0 ? size * (unit ? imagej_micrometres(unit) : 1) : 0;
}

/* Parses the next Pixels element; 0: not understood. */
static int parse_pixels(const char *from, const char *end, int samples, struct pixels *p)
{
	size_t n = 0;
	const char *order;

	*p = (struct pixels){ .tag = next_tag(from, end, "Pixels") };
	p->close = p->tag ? tag_end(p->tag) : NULL;
	p->end = p->close ? element_end(p->tag, end) : NULL;
	if (!p->end)
		return 0;
	order = attribute(p->tag, p->close, "DimensionOrder", &n);
	if (!order || n != 5 || strncmp(order, "XY", 2) != 0)
		return 0;
	for (int d = 0; d < DIMENSIONS; d++) {
		char name[] = "Size.";
		double size;

		name[4] = p->order[d] = order[2 + d];
		if (!strchr("CZT", order[2 + d]))
			return 0;
		size = attribute_number(p->tag, p->close, name, NAN);
		/* The samples of a pixel count as channels. */
		if (order[2 + d] == 'C' && size >= samples)
			size = floor(size / samples);
		if (!(size >= 1) || size > PAGES_MOST)
			return 0;
		p->planes.extent[d] = (int)size;
	}
	return p->order[0] != p->order[1] && p->order[1] != p->order[2] &&
	       p->order[0] != p->order[2];
}

static double plane_count(const struct pixels *p)
{
	return (double)p->planes.extent[0] * p->planes.extent[1] * p->planes.extent[2];
}

/* True when the planes follow one another in the file, from the first page on. */
static int planes_in_order(const struct pixels *p)
{
	int next = 0;

	for (const char *at = next_tag(p->close, p->end, "TiffData"); at;
	     at = next_tag(at + 1, p->end, "TiffData")) {
		const char *end = tag_end(at);
		double index = 0, step = 1, ifd, count;

		if (!end)
			return 0;
		for (int d = 0; d < DIMENSIONS; d++) {
			char name[] = "First.";

			name[5] = p->order[d];
			index += step * attribute_number(at, end, name, 0);
			step *= p->planes.extent[d];
		}
		ifd = attribute_number(at, end, "IFD", 0);
		count = attribute_number(at, end, "PlaneCount",
					 attribute(at, end, "IFD", &(size_t){ 0 }) ? 1 : step);
		if (!same(index, next) || !same(ifd, next) || !(count >= 1) || count > step)
			return 0;
		next += (int)count;
	}
	return next == 0 || same(next, plane_count(p));
}

static int dimension(const struct pixels *p, char letter)
{
	int d = 0;

	while (d < DIMENSIONS - 1 && p->order[d] != letter)
		d++;
	return d;
}

/* A new value for an attribute of a tag. */
struct change {
	const char *name;
	char value[64];
	int cut; /* the attribute is removed */
};

static void copy_tag_with(struct text *t, const char *tag, const char *end,
			  const struct change *changes, size_t count)
{
	while (tag < end) {
		const char *at = NULL, *first = end;
		const struct change *change = NULL;
		size_t n = 0;

		/* Finds the change that comes next in the text. */
		for (size_t i = 0; i < count; i++) {
			size_t length = 0;

			at = attribute(tag, end, changes[i].name, &length);
			if (at && at < first) {
				first = at;
				change = &changes[i];
				n = length;
			}
		}
		if (!change)
			break;
		if (change->cut) {
			grow_bytes(t, tag, (size_t)(first - tag) - strlen(change->name) - 3);
			tag = first + n + 1;
		} else {
			grow_bytes(t, tag, (size_t)(first - tag));
			grow_text(t, change->value);
			tag = first + n;
		}
	}
	grow_bytes(t, tag, (size_t)(end - tag));
}

/* Keeps the old value if v is no number. */
static void set(struct change *changes, size_t *count, const char *name, double v)
{
	struct change *c = &changes[*count];

	*c = (struct change){ .name = name };
	snprintf(c->value, sizeof c->value, "%.10g", v);
	*count += isfinite(v) != 0;
}

static void adapt_pixels_tag(struct text *t, const struct pixels *p,
			     const struct description_change *c)
{
	static const char *const sizes[] = { "SizeC", "SizeZ", "SizeT" };
	struct change changes[12];
	size_t n = 0;

	if (!keeps_size(c)) {
		const double x = attribute_number(p->tag, p->close, "PhysicalSizeX", NAN);
		const double y = attribute_number(p->tag, p->close, "PhysicalSizeY", NAN);

		set(changes, &n, "SizeX", c->width);
		set(changes, &n, "SizeY", c->height);
		set(changes, &n, "PhysicalSizeX", x / scale_x(c));
		set(changes, &n, "PhysicalSizeY", y / scale_y(c));
	}
	for (int i = 0; i < DIMENSIONS && !keeps_pages(c); i++) {
		const int left = p->planes.left[dimension(p, sizes[i][4])];

		set(changes, &n, sizes[i], left * (i == 0 ? c->samples : 1));
	}
	if (c->type) {
		set(changes, &n, "SignificantBits", c->bits);
		changes[n - 1].cut = 1;
		changes[n] = (struct change){ .name = "Type" };
		snprintf(changes[n++].value, sizeof changes[0].value, "%s", c->type);
	}
	copy_tag_with(t, p->tag, p->close, changes, n);
}

/* Renumbers a Plane whose page stays; 0: the page is left out. */
static int adapt_plane(struct text *t, const struct pixels *p, const char *tag, const char *close)
{
	static const char *const names[] = { "TheC", "TheZ", "TheT" };
	struct change changes[DIMENSIONS];
	size_t n = 0;

	for (int i = 0; i < DIMENSIONS; i++) {
		const int d = dimension(p, names[i][3]);
		const double old = attribute_number(tag, close, names[i], 0);
		const int index = old >= 0 && old < PAGES_MOST
					  ? block_new_index(&p->planes, d, (int)old)
					  : -1;

		if (index < 0)
			return 0;
		set(changes, &n, names[i], index);
	}
	copy_tag_with(t, tag, close, changes, n);
	return 1;
}

/* Adapts an element of Pixels.  Returns its end if it was handled here, NULL if it stays as it is. */
static const char *adapt_element(struct text *t, struct pixels *p, const char *tag,
				 const struct description_change *c)
{
	const char *close = tag_end(tag), *behind = close ? element_end(tag, p->end) : NULL;

	if (!behind)
		return NULL;
	if (is_tag(tag, "Plane")) {
		if (adapt_plane(t, p, tag, close))
			grow_bytes(t, close, (size_t)(behind - close));
		return behind;
	}
	if (is_tag(tag, "Channel"))
		return block_new_index(&p->planes, dimension(p, 'C'), p->channels++) < 0 ? behind
											 : NULL;
	if (!is_tag(tag, "TiffData"))
		return NULL;
	if (!p->data++)
		grow_format(t, "<%.*sTiffData IFD=\"0\" PlaneCount=\"%d\"/>",
			    (int)(strstr(tag, "TiffData") - tag - 1), tag + 1, c->page_count);
	return behind;
}

/* Renumbers planes, cuts channels that are left out, and writes TiffData anew. */
static void adapt_contents(struct text *t, struct pixels *p, const struct description_change *c)
{
	const char *from = p->close;

	for (const char *at = from; (at = memchr(at, '<', (size_t)(p->end - at))) != NULL;) {
		struct text piece = { 0 };
		const char *behind = adapt_element(&piece, p, at, c);

		if (behind) {
			grow_bytes(t, from, (size_t)(at - from));
			if (piece.count)
				grow_bytes(t, piece.s, piece.count);
			from = behind;
		}
		t->failed |= piece.failed;
		memory_release(piece.s);
		at = behind ? behind : at + 1;
	}
	grow_bytes(t, from, (size_t)(p->end - from));
}

static const char *ome_doubt(const char *text, const struct description_change *c)
{
	const char *end = text + strlen(text);
	struct pixels p;
	int images = 0;

	if (strstr(text, "FileName="))
		return "it describes a set of several files";
	if (!c->same_samples)
		return "the samples of a pixel change";
	if (c->type && !c->type[0])
		return "it has no name for the new sample type";
	for (const char *at = text; next_tag(at, end, "Pixels"); at = p.end, images++) {
		if (!parse_pixels(at, end, c->samples, &p))
			return "it is unusual";
		if (!keeps_size(c) &&
		    (!same(attribute_number(p.tag, p.close, "SizeX", 0), c->old_width) ||
		     !same(attribute_number(p.tag, p.close, "SizeY", 0), c->old_height)))
			return "it states another size";
		if (!keeps_pages(c) &&
		    (!same(plane_count(&p), c->old_pages) || !planes_in_order(&p)))
			return "its planes do not match the pages of the file";
	}
	if (!images)
		return "it describes no picture";
	return !keeps_pages(c) && images > 1 ? "it describes several pictures" : NULL;
}

char *ome_adapt(const char *text, const struct description_change *c, const char **doubt)
{
	const char *end = text + strlen(text), *at = text;
	struct text t = { 0 };
	struct pixels p;
	int whole = 1;

	*doubt = ome_doubt(text, c);
	if (*doubt)
		return memory_strdup(text);
	while (whole && next_tag(at, end, "Pixels")) {
		parse_pixels(at, end, c->samples, &p);
		whole = block_reduce(&p.planes, c);
		grow_bytes(&t, at, (size_t)(p.tag - at));
		adapt_pixels_tag(&t, &p, c);
		if (keeps_pages(c))
			grow_bytes(&t, p.close, (size_t)(p.end - p.close));
		else
			adapt_contents(&t, &p, c);
		at = p.end;
		block_free(&p.planes);
	}
	if (whole) {
		grow_text(&t, at);
		return grow_finish(&t);
	}
	memory_release(t.s);
	*doubt = "the kept pages are not a block of channels, planes and times; it is left out";
	return NULL;
}

/* The size of a pixel by the first image. */
int ome_pixel_size(const char *text, double size[2])
{
	struct pixels p;

	p.tag = next_tag(text, text + strlen(text), "Pixels");
	p.close = p.tag ? tag_end(p.tag) : NULL;
	if (!p.close)
		return 0;
	size[0] = physical(&p, 'X', p.close);
	size[1] = physical(&p, 'Y', p.close);
	return size[0] > 0 && size[1] > 0 && isfinite(size[0]) && isfinite(size[1]);
}
