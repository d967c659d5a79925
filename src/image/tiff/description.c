/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Descriptions are changed by cutting and pasting, so that everything else stays to the letter, and only if all that matters
 * was understood.
 *
 * OME-XML: https://docs.openmicroscopy.org/ome-model/ (Pixels, TiffData, Plane).  ImageJ: ij/io/TiffEncoder and FileOpener;
 * channels vary fastest, then slices, then frames.  Shapes: the JSON of tifffile. */
#include <config.h>

#include "image/tiff/description.h"
#include "base/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- growing text */

struct text {
	char *s;
	size_t count, room;
	int failed; /* out of memory */
};

static void add(struct text *t, const char *from, size_t n)
{
	char *s = t->failed ? NULL : memory_grow(t->s, t->count, n + 1, &t->room, 1);

	if (!s) {
		t->failed = 1;
		return;
	}
	t->s = s;
	memcpy(s + t->count, from, n);
	t->count += n;
	s[t->count] = '\0';
}

static void add_text(struct text *t, const char *s)
{
	add(t, s, strlen(s));
}

static void add_format(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add_format(struct text *t, const char *fmt, ...)
{
	char s[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(s, sizeof s, fmt, args);
	va_end(args);
	add_text(t, s);
}

static char *finish(struct text *t)
{
	if (!t->failed)
		return t->s;
	memory_release(t->s);
	return NULL;
}

static int begins(const char *text, const char *word)
{
	return !strncmp(text, word, strlen(word));
}

/* ---- kinds */

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

/* ---- pages as a block of three dimensions */

enum { DIMENSIONS = 3, PAGES_MOST = 1 << 20 };

/* Extents, the fastest dimension first, and the indices of each dimension that stay. */
struct block {
	int extent[DIMENSIONS];
	unsigned char *stays[DIMENSIONS]; /* NULL: all */
	int left[DIMENSIONS];		  /* number of indices that stay */
};

static void block_free(struct block *b)
{
	for (int d = 0; d < DIMENSIONS; d++)
		memory_release(b->stays[d]);
}

static int index_of(const struct block *b, int page, int d)
{
	for (int k = 0; k < d; k++)
		page /= b->extent[k];
	return page % b->extent[d];
}

/* Describes the pages that stay as a smaller block; 0: they form none, or memory ran out. */
static int block_reduce(struct block *b, const struct description_change *c)
{
	double product = 1;

	for (int d = 0; d < DIMENSIONS; d++)
		b->left[d] = b->extent[d];
	if (!c->pages)
		return 1;
	for (int d = 0; d < DIMENSIONS; d++) {
		b->stays[d] = memory_alloc((size_t)b->extent[d]);
		if (!b->stays[d])
			return 0;
		b->left[d] = 0;
		for (int i = 0; i < c->page_count; i++) {
			unsigned char *stays = &b->stays[d][index_of(b, c->pages[i], d)];

			b->left[d] += !*stays;
			*stays = 1;
		}
		product *= b->left[d];
	}
	/* The pages differ and lie in the block; if the block is no larger than their number, they are all of it. */
	return !(product > c->page_count);
}

/* The new index for an old one; -1: it is left out. */
static int new_index(const struct block *b, int d, int old)
{
	int n = 0;

	if (old < 0 || old >= b->extent[d])
		return -1;
	if (!b->stays[d])
		return old;
	for (int i = 0; i < old; i++)
		n += b->stays[d][i];
	return b->stays[d][old] ? n : -1;
}

static int keeps_pages(const struct description_change *c)
{
	return !c->pages || c->page_count == c->old_pages;
}

/* Number of new pixels for one old pixel. */
static double scale_x(const struct description_change *c)
{
	return c->width / (c->shown_width > 0 ? c->shown_width : c->old_width);
}

static double scale_y(const struct description_change *c)
{
	return c->height / (c->shown_height > 0 ? c->shown_height : c->old_height);
}

static int keeps_size(const struct description_change *c)
{
	return !(c->width < c->old_width) && !(c->width > c->old_width) &&
	       !(c->height < c->old_height) && !(c->height > c->old_height);
}

/* ---- ImageJ's lines */

/* The value of "key=" at the beginning of a line, or NULL. */
static const char *line_value(const char *text, const char *key)
{
	const size_t n = strlen(key);

	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, key, n) && at[n] == '=')
			return at + n + 1;
	}
	return NULL;
}

static int line_count(const char *text, const char *key)
{
	const char *value = line_value(text, key);
	const double n = value ? strtod(value, NULL) : 1;

	return n >= 1 && n <= PAGES_MOST ? (int)n : 0;
}

static double micrometres(const char *unit)
{
	static const struct {
		const char *name;
		double size;
	} units[] = {
		{ "micron", 1 },      { "um", 1 },	    { "\xc2\xb5m", 1 }, { "\xce\xbcm", 1 },
		{ "\xb5m", 1 },	      { "\\u00B5m", 1 },    { "nm", 1e-3 },	{ "mm", 1e3 },
		{ "cm", 1e4 },	      { "inch", 25400 },    { "m", 1e6 },	{ "pm", 1e-6 },
		{ "\xc3\x85", 1e-4 }, { "angstrom", 1e-4 },
	};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		const size_t n = strlen(units[i].name);

		if (begins(unit, units[i].name) &&
		    (!unit[n] || strchr("\r\n\"'s", unit[n]) != NULL))
			return units[i].size;
	}
	return 0;
}

/* Writes a number as Java writes a double. */
static void add_number(struct text *t, double v)
{
	char s[64];

	snprintf(s, sizeof s, "%.10g", v);
	if (!strpbrk(s, ".en"))
		strcat(s, ".0");
	add_text(t, s);
}

static void adapt_line(struct text *t, const char *line, size_t n, const struct block *b, int whole,
		       const struct description_change *c)
{
	static const char *const counts[] = { "channels=", "slices=", "frames=" };
	static const char *const stacks[] = { "hyperstack=", "loop=", "mode=" };
	const double value = strtod(memchr(line, '=', n) ? strchr(line, '=') + 1 : "", NULL);

	if (!keeps_pages(c)) {
		if (begins(line, "images=")) {
			if (c->page_count > 1)
				add_format(t, "images=%d\n", c->page_count);
			return;
		}
		for (int d = 0; d < DIMENSIONS; d++)
			if (begins(line, counts[d])) {
				if (whole && b->left[d] > 1)
					add_format(t, "%s%d\n", counts[d], b->left[d]);
				return;
			}
		for (int i = 0; i < 3; i++)
			if (begins(line, stacks[i]) && (!whole || c->page_count == 1))
				return;
	}
	if (!c->values_kept && (begins(line, "min=") || begins(line, "max="))) {
		if (c->scale > 0) {
			add(t, line, 4);
			add_number(t, c->scale * value + c->offset);
			add_text(t, "\n");
		}
		return;
	}
	if (begins(line, "xorigin=") || begins(line, "yorigin=")) {
		add(t, line, 8);
		add_number(t, value * (line[0] == 'x' ? scale_x(c) : scale_y(c)));
		add_text(t, "\n");
		return;
	}
	add(t, line, n);
}

static char *adapt_imagej(const char *text, const struct description_change *c, const char **doubt)
{
	struct block b = { { line_count(text, "channels"), line_count(text, "slices"),
			     line_count(text, "frames") },
			   { NULL },
			   { 0 } };
	struct text t = { 0 };
	const double planes = (double)b.extent[0] * b.extent[1] * b.extent[2];
	int whole;

	if (!c->values_kept && line_value(text, "cf")) {
		*doubt = "a calibration function (cf=) is not changed with the values";
		return memory_strdup(text);
	}
	/* A stack without counts states images= only. */
	if (!(planes > 1) && c->old_pages > 1 && b.extent[0])
		b.extent[1] = c->old_pages;
	if (!keeps_pages(c) &&
	    (double)b.extent[0] * b.extent[1] * b.extent[2] < (double)c->old_pages) {
		*doubt = "its numbers of channels, slices and frames do not match the pages of the "
			 "file";
		return memory_strdup(text);
	}
	whole = keeps_pages(c) || (block_reduce(&b, c) && planes > 1);
	if (!whole && planes > 1)
		*doubt = "the kept pages are not a block of channels, slices and frames; only "
			 "their number is stated";
	for (const char *line = text; *line;) {
		const char *end = strchr(line, '\n');
		const size_t n = end ? (size_t)(end - line) + 1 : strlen(line);

		adapt_line(&t, line, n, &b, whole, c);
		line += n;
	}
	block_free(&b);
	return finish(&t);
}

/* ---- tifffile's shapes */

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

static int same(double a, double b)
{
	return !(a < b) && !(a > b);
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

static char *adapt_shape(const char *text, const struct description_change *c, const char **doubt)
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
	add(&t, text, (size_t)(start - text) + 1);
	for (int i = 0; i < n; i++) {
		double v = extent[i];

		if (i == x)
			v = c->width;
		if (i == y)
			v = c->height;
		if (i < n - size && !keeps_pages(c) && v > 1)
			v = c->page_count;
		add_format(&t, "%s%.0f", i ? ", " : "", v);
	}
	add_text(&t, "]");
	add_text(&t, end);
	return finish(&t);
}

/* ---- OME-XML */

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
	return size > 0 ? size * (unit ? micrometres(unit) : 1) : 0;
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
			add(t, tag, (size_t)(first - tag) - strlen(change->name) - 3);
			tag = first + n + 1;
		} else {
			add(t, tag, (size_t)(first - tag));
			add_text(t, change->value);
			tag = first + n;
		}
	}
	add(t, tag, (size_t)(end - tag));
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
		const int index =
			old >= 0 && old < PAGES_MOST ? new_index(&p->planes, d, (int)old) : -1;

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
			add(t, close, (size_t)(behind - close));
		return behind;
	}
	if (is_tag(tag, "Channel"))
		return new_index(&p->planes, dimension(p, 'C'), p->channels++) < 0 ? behind : NULL;
	if (!is_tag(tag, "TiffData"))
		return NULL;
	if (!p->data++)
		add_format(t, "<%.*sTiffData IFD=\"0\" PlaneCount=\"%d\"/>",
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
			add(t, from, (size_t)(at - from));
			if (piece.count)
				add(t, piece.s, piece.count);
			from = behind;
		}
		t->failed |= piece.failed;
		memory_release(piece.s);
		at = behind ? behind : at + 1;
	}
	add(t, from, (size_t)(p->end - from));
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

static char *adapt_ome(const char *text, const struct description_change *c, const char **doubt)
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
		add(&t, at, (size_t)(p.tag - at));
		adapt_pixels_tag(&t, &p, c);
		if (keeps_pages(c))
			add(&t, p.close, (size_t)(p.end - p.close));
		else
			adapt_contents(&t, &p, c);
		at = p.end;
		block_free(&p.planes);
	}
	if (whole) {
		add_text(&t, at);
		return finish(&t);
	}
	memory_release(t.s);
	*doubt = "the kept pages are not a block of channels, planes and times; it is left out";
	return NULL;
}

/* ---- all of them */

/* The size of a pixel by the first image. */
static int pixel_size_ome(const char *text, double size[2])
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

/* ImageJ states the unit of the tags. */
static int pixel_size_imagej(const char *text, const double per_unit[2], double size[2])
{
	const char *unit = line_value(text, "unit");
	const double scale = unit ? micrometres(unit) : 0;

	if (!(scale > 0) || !(per_unit[0] > 0) || !(per_unit[1] > 0))
		return 0;
	size[0] = scale / per_unit[0];
	size[1] = scale / per_unit[1];
	return 1;
}

int description_pixel_size(const char *text, const double per_unit[2], double size[2])
{
	switch (description_kind(text)) {
	case DESCRIPTION_OME:
		return pixel_size_ome(text, size);
	case DESCRIPTION_IMAGEJ:
		return pixel_size_imagej(text, per_unit, size);
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
		return adapt_ome(text, c, doubt);
	case DESCRIPTION_IMAGEJ:
		return adapt_imagej(text, c, doubt);
	case DESCRIPTION_SHAPE:
		return adapt_shape(text, c, doubt);
	default:
		return memory_strdup(text);
	}
}
