/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* ImageJ's lines (ij/io/TiffEncoder and FileOpener): channels vary fastest, then slices, then frames. */
#include <config.h>

#include "image/tiff/description-private.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

double imagej_micrometres(const char *unit)
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
	grow_text(t, s);
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
				grow_format(t, "images=%d\n", c->page_count);
			return;
		}
		for (int d = 0; d < DIMENSIONS; d++)
			if (begins(line, counts[d])) {
				if (whole && b->left[d] > 1)
					grow_format(t, "%s%d\n", counts[d], b->left[d]);
				return;
			}
		for (int i = 0; i < 3; i++)
			if (begins(line, stacks[i]) && (!whole || c->page_count == 1))
				return;
	}
	if (!c->values_kept && (begins(line, "min=") || begins(line, "max="))) {
		if (c->scale > 0) {
			grow_bytes(t, line, 4);
			add_number(t, c->scale * value + c->offset);
			grow_text(t, "\n");
		}
		return;
	}
	/* Pixels from the first one. */
	if (begins(line, "xorigin=") || begins(line, "yorigin=")) {
		grow_bytes(t, line, 8);
		add_number(t, line[0] == 'x' ? (value - c->x) * scale_x(c)
					     : (value - c->y) * scale_y(c));
		grow_text(t, "\n");
		return;
	}
	grow_bytes(t, line, n);
}

char *imagej_adapt(const char *text, const struct description_change *c, const char **doubt)
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
	return grow_finish(&t);
}

/* ImageJ states the unit of the tags. */
int imagej_pixel_size(const char *text, const double per_unit[2], double size[2])
{
	const char *unit = line_value(text, "unit");
	const double scale = unit ? imagej_micrometres(unit) : 0;

	if (!(scale > 0) || !(per_unit[0] > 0) || !(per_unit[1] > 0))
		return 0;
	size[0] = scale / per_unit[0];
	size[1] = scale / per_unit[1];
	return 1;
}
