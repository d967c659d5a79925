/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Pictures: reading for plugins, ranges, page lists, sample types. */
#include <config.h>

#include "cli/picture.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/problem.h"
#include "image/png.h"
#include "restore/missing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- reading for plugins ----------------------------------------------------------------------------- */

/* A growing row-major matrix. */
struct matrix {
	float *values;
	size_t count, room;
	int64_t width, height;
};

static int matrix_append(struct matrix *m, double value)
{
	float *room = memory_grow(m->values, m->count, 1, &m->room, sizeof *room);

	if (!room)
		return LACUNA_ENOMEM;
	m->values = room;
	m->values[m->count++] = (float)value;
	return LACUNA_OK;
}

static int parse_row(const char *path, int64_t number, char *line, struct matrix *m)
{
	int64_t width = 0;
	char *save, *word;

	line[strcspn(line, "#")] = 0;
	for (word = strtok_r(line, " \t\r\n,;", &save); word;
	     word = strtok_r(NULL, " \t\r\n,;", &save)) {
		double value;

		if (!text_real(word, &value))
			return error_file_set(LACUNA_EINVAL, path,
					      "line %lld: '%s' is not a number; a TIFF, a PNG or a "
					      "text file of numbers is expected",
					      (long long)number, word);
		if (matrix_append(m, value))
			return LACUNA_ENOMEM;
		width++;
	}
	if (!width)
		return LACUNA_OK;
	if (m->height && width != m->width)
		return error_file_set(
			LACUNA_EINVAL, path,
			"line %lld has %lld numbers, but the lines before it have %lld",
			(long long)number, (long long)width, (long long)m->width);
	m->width = width;
	m->height++;
	return LACUNA_OK;
}

static int read_text(const char *path, FILE *f, struct lacuna_shape *shape, float **values)
{
	struct matrix m = { 0 };
	char *line = NULL;
	size_t room = 0;
	int64_t number = 0;
	int status = LACUNA_OK;

	while (!status && getline(&line, &room, f) >= 0)
		status = parse_row(path, ++number, line, &m);
	free(line);
	if (!status && ferror(f))
		status = error_file_errno(path);
	if (!status && !m.count)
		status = error_file_set(LACUNA_EINVAL, path, "has no numbers");
	if (status) {
		memory_release(m.values);
		return status;
	}
	*shape = (struct lacuna_shape){ { m.width, m.height, 1, 1 } };
	*values = m.values;
	return LACUNA_OK;
}

/* Of transparent layers, what one sees on white paper. */
static int blend(struct image_reader *r, int page, const struct image_page *info,
		 struct image *image)
{
	struct image alpha;
	const int status = image_reader_read_alpha(r, page, &alpha);

	if (status)
		return status;
	image_on_white(image, alpha.values, info->associated, r->path);
	image_free(&alpha);
	return LACUNA_OK;
}

/* Reads a page; integers become 0..1 of their full scale. */
static int read_scaled(struct image_reader *r, int page, const struct image_page *info,
		       struct image *image)
{
	int status = image_reader_read(r, page, image);

	if (!status && info->kind != SAMPLE_FLOAT)
		image_to_unit(image, info->full_scale);
	if (!status && info->extra && info->storable)
		status = blend(r, page, info, image);
	if (status)
		image_free(image);
	return status;
}

/* Reads page `page' as frame `page'; the first page sets the shape. */
static int read_frame(struct image_reader *r, int page, struct lacuna_shape *shape, float **values)
{
	struct image image = { 0 };
	struct image_page info;
	int status = image_reader_page(r, page, &info);

	if (!status)
		status = read_scaled(r, page, &info, &image);
	if (!status && page && memcmp(image.shape.extent, shape->extent, 3 * sizeof(int64_t)) != 0)
		status = error_file_set(LACUNA_EINVAL, r->path, "its pages have different sizes");
	if (!status && !page) {
		*shape = image.shape;
		shape->extent[3] = r->pages;
		*values = memory_alloc_array(lacuna_count(shape), sizeof **values);
		status = *values ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (!status)
		memcpy(*values + (size_t)page * lacuna_count(&image.shape), image.values,
		       lacuna_count(&image.shape) * sizeof **values);
	image_free(&image);
	return status;
}

/* Set by picture_follow(). */
static struct {
	const char *const *paths;
	size_t count;
	int page, pages;
} followed;

void picture_follow(const char *const *paths, size_t count, int page, int pages)
{
	followed.paths = paths;
	followed.count = count;
	followed.page = page;
	followed.pages = pages;
}

static int is_followed(const char *path)
{
	for (size_t i = 0; i < followed.count; i++)
		if (!strcmp(followed.paths[i], path))
			return 1;
	return 0;
}

/* Counts pages that are not overviews or masks of others; *first is the first of them. */
static int main_pages(struct image_reader *r, int *first)
{
	struct image_page info;
	int count = 0;

	*first = 0;
	for (int i = 0; i < r->pages; i++)
		if (!image_reader_page(r, i, &info) && !info.auxiliary && !count++)
			*first = i;
	return count;
}

/* Finds the page of the file that goes with page `wanted' of a picture with `pages' pages. */
static int choose_page(struct image_reader *r, int wanted, int pages, int *page)
{
	const int own = r->pages;

	*page = own == pages ? wanted : 0;
	if (own == pages || own == 1 || main_pages(r, page) == 1)
		return LACUNA_OK;
	return error_file_set(
		LACUNA_EINVAL, r->path,
		"has %d pages, and the picture has %d; give one page for all, or one for each page",
		own, pages);
}

int picture_count_pages(const char *path, int pages, int *count)
{
	struct image_reader *r = NULL;
	int status, page;

	*count = 1;
	if (image_reader_open(path, &r)) {
		error_clear();
		return LACUNA_OK;
	}
	status = choose_page(r, 0, pages, &page);
	if (!status && r->pages == pages)
		*count = pages;
	image_reader_close(r);
	return status;
}

static int read_page(struct image_reader *r, struct lacuna_shape *shape, float **values)
{
	struct image image = { 0 };
	struct image_page info;
	int page, status = choose_page(r, followed.page, followed.pages, &page);

	if (!status)
		status = image_reader_page(r, page, &info);
	if (!status)
		status = read_scaled(r, page, &info, &image);
	if (status)
		return status;
	*shape = image.shape;
	shape->extent[3] = r->pages == followed.pages ? followed.pages : 1;
	*values = image.values;
	return LACUNA_OK;
}

static int read_file(const char *path, struct lacuna_shape *shape, float **values)
{
	struct image_reader *r = NULL;
	int status = image_reader_open(path, &r);

	*values = NULL;
	if (!status && is_followed(path)) {
		status = read_page(r, shape, values);
		image_reader_close(r);
		return status;
	}
	for (int page = 0; !status && page < r->pages; page++)
		status = read_frame(r, page, shape, values);
	if (status) {
		memory_release(*values);
		*values = NULL;
	}
	image_reader_close(r);
	return status;
}

static int read_png(const char *path, struct lacuna_shape *shape, float **values)
{
	struct image image = { 0 };
	const int status = png_read_file(path, &image);

	*shape = image.shape;
	*values = image.values;
	return status;
}

int picture_read(const char *path, struct lacuna_shape *shape, float **values)
{
	unsigned char head[4] = { 0 };
	size_t n;
	FILE *f;
	int status;

	f = file_stream(path);
	if (!f)
		return LACUNA_EIO;
	n = fread(head, 1, sizeof head, f);
	if (image_format_is_known(head, n)) {
		fclose(f);
		return read_file(path, shape, values);
	}
	if (!memcmp(head, "\x89P", 2)) {
		fclose(f);
		return read_png(path, shape, values);
	}
	/* image_reader_open() recognises other picture formats, and names them. */
	if (head[0] >= 0x80 || (head[0] && head[0] < '\t')) {
		fclose(f);
		return read_file(path, shape, values);
	}
	rewind(f);
	status = read_text(path, f, shape, values);
	fclose(f);
	return status;
}

/* ---- ranges ------------------------------------------------------------------------------------------ */

int picture_parse_range(const char *text, struct image_range *range)
{
	const char *colon = strchr(text, ':');
	char low[64];

	if (colon && (size_t)(colon - text) < sizeof low) {
		memcpy(low, text, (size_t)(colon - text));
		low[colon - text] = 0;
		if (text_real(low, &range->lo) && text_real(colon + 1, &range->hi) &&
		    range->lo < range->hi && isfinite(range->hi - range->lo))
			return LACUNA_OK;
	}
	return error_set(LACUNA_EINVAL,
			 "--range takes LO:HI with LO below HI, such as 0:4095, not '%s'", text);
}

int picture_range(const struct image_page *page, const struct image *image,
		  const struct image_range *stated, struct image_range *range, int *measured)
{
	/* Noise may push a picture in 0..1 outside; a simulated measurement must keep its scale. */
	static const struct image_range unit = { 0, 1 }, near_unit = { -0.5, 1.5 };

	if (measured)
		*measured = 0;
	if (stated) {
		*range = *stated;
		return LACUNA_OK;
	}
	if (page->kind != SAMPLE_FLOAT) {
		*range = page->full_scale;
		return LACUNA_OK;
	}
	if (!image_extrema(image, range))
		return error_set(LACUNA_EINVAL, "the picture has no finite value");
	if (range->lo >= near_unit.lo && range->hi <= near_unit.hi)
		*range = unit;
	else if (measured)
		*measured = 1;
	if (!(range->hi > range->lo))
		range->hi = range->lo + 1;
	return LACUNA_OK;
}

int picture_range_like(const struct image_page *page, const struct image *image,
		       const struct image_page *first, const struct image_range *first_range,
		       struct image_range *range)
{
	const int same = page->kind == first->kind &&
			 (page->kind == SAMPLE_FLOAT || page->bits == first->bits);

	return picture_range(page, image, same ? first_range : NULL, range, NULL);
}

/* ---- sample types ------------------------------------------------------------------------------------ */

static const struct {
	enum sample_kind kind;
	int bits;
} types[] = {
	{ SAMPLE_UNSIGNED, 8 }, { SAMPLE_UNSIGNED, 16 }, { SAMPLE_UNSIGNED, 32 },
	{ SAMPLE_SIGNED, 8 },	{ SAMPLE_SIGNED, 16 },	 { SAMPLE_SIGNED, 32 },
	{ SAMPLE_FLOAT, 16 },	{ SAMPLE_FLOAT, 32 },	 { SAMPLE_FLOAT, 64 },
};

const char *const picture_types[] = {
	"uint8", "uint16",  "uint32",  "int8",	  "int16",
	"int32", "float16", "float32", "float64", NULL,
};

void picture_type(const char *name, enum sample_kind *kind, int *bits)
{
	for (size_t i = 0; picture_types[i]; i++)
		if (!strcmp(name, picture_types[i])) {
			*kind = types[i].kind;
			*bits = types[i].bits;
		}
}

const char *picture_type_name(enum sample_kind kind, int bits)
{
	for (size_t i = 0; picture_types[i]; i++)
		if (types[i].kind == kind && types[i].bits == bits)
			return picture_types[i];
	return "unusual";
}

struct image_range picture_full_scale(enum sample_kind kind, int bits)
{
	if (kind == SAMPLE_FLOAT)
		return (struct image_range){ 0, 1 };
	if (kind == SAMPLE_SIGNED)
		return (struct image_range){ -ldexp(1, bits - 1), ldexp(1, bits - 1) - 1 };
	return (struct image_range){ 0, ldexp(1, bits) - 1 };
}

int picture_holds(enum sample_kind kind, int bits, double value)
{
	const struct image_range range = picture_full_scale(kind, bits);

	return kind == SAMPLE_FLOAT ||
	       (value >= range.lo && value <= range.hi && !(floor(value) < value));
}

/* ---- pages, shapes ----------------------------------------------------------------------------------- */

/* Parses one number or range at *text, and moves past it. */
static int parse_span(const char **text, long *first, long *last)
{
	char *end;

	*first = *last = strtol(*text, &end, 10);
	if (end == *text)
		return 0;
	if (*end == '-') {
		const char *from = end + 1;

		*last = strtol(from, &end, 10);
		if (end == from)
			return 0;
	}
	if (*end && (*end != ',' || !end[1]))
		return 0;
	*text = *end ? end + 1 : end;
	return 1;
}

int picture_pages(const char *text, int available, int **pages, int *count)
{
	const char *rest = text;
	long first = 1, last = available, before = 0;

	*count = 0;
	*pages = memory_alloc_array((size_t)available + 1, sizeof **pages);
	if (!*pages)
		return LACUNA_ENOMEM;
	do {
		if (rest &&
		    (!parse_span(&rest, &first, &last) || first <= before || last < first)) {
			memory_release(*pages);
			*pages = NULL;
			return error_set(LACUNA_EINVAL,
					 "--pages takes page numbers in ascending order, such as "
					 "1,3-5, not '%s'",
					 text);
		}
		if (last > available) {
			memory_release(*pages);
			*pages = NULL;
			return error_set(LACUNA_EINVAL,
					 "--pages names page %ld, but the file has %d", last,
					 available);
		}
		for (long p = first; p <= last; p++)
			(*pages)[(*count)++] = (int)p - 1;
		before = last;
	} while (rest && *rest);
	return LACUNA_OK;
}

void picture_mark_missing(const struct image_page *page, struct image *image)
{
	const struct missing_rule rule = { .declared = page->has_nodata, .nodata = page->nodata };
	struct missing_count count;

	missing_mark(lacuna_count(&image->shape), &rule, image->values, &count);
}

int picture_parse_size(const char *text, struct lacuna_shape *shape)
{
	long long width, height;
	char rest;

	if (sscanf(text, "%lldx%lld%c", &width, &height, &rest) != 2 || width < 1 || height < 1 ||
	    width > INT32_MAX || height > INT32_MAX)
		return error_set(LACUNA_EINVAL, "--size takes WxH such as 512x384, not '%s'", text);
	shape->extent[0] = width;
	shape->extent[1] = height;
	return LACUNA_OK;
}

int picture_same_shape(const struct lacuna_shape *a, const struct lacuna_shape *b)
{
	return !memcmp(a->extent, b->extent, sizeof a->extent);
}

const char *picture_shape_text(const struct lacuna_shape *s, char *text, size_t size)
{
	snprintf(text, size, "%lldx%lld, %lld channel%s", (long long)s->extent[0],
		 (long long)s->extent[1], (long long)s->extent[2], s->extent[2] == 1 ? "" : "s");
	return text;
}

int picture_crop(const struct image *image, const struct lacuna_region *region, struct image *out)
{
	struct lacuna_shape shape;
	int status;

	memcpy(shape.extent, region->extent, sizeof shape.extent);
	status = image_create(out, &shape);
	if (!status)
		window_get(&image->shape, region, image->values, out->values);
	return status;
}
