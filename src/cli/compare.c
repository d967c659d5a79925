/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna compare: PSNR, SSIM, NRMSE of two pictures. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/common.h"
#include "cli/picture.h"
#include "cli/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
	const char *range, *mask;
	double limit;
	int64_t border;
	uint64_t memory;
	int center, json;
};

static const struct values defaults = { .limit = -1 };

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "range", 0, OPTION_TEXT, "LO:HI",
	  "values of black and white in REF.tif [full scale of integers; 0:1 or the measured range "
	  "of floats]",
	  AT(range) },
	{ "border", 'b', OPTION_INTEGER, "N", "ignore N pixels at each side [0]", AT(border),
	  .lo = 0, .hi = 1e9 },
	{ "center", 'c', OPTION_FLAG, NULL,
	  "allow different sizes: compare with the middle of the larger picture", AT(center) },
	{ "mask", 'm', OPTION_FILE, "MASK.tif",
	  "leave out pixels that are black in MASK.tif. The mask has one page, or as many as "
	  "REF.tif",
	  AT(mask) },
	{ "max-nrmse", 0, OPTION_REAL, "LIMIT", "exit with status 1 if NRMSE is above LIMIT",
	  AT(limit), .lo = 0, .hi = 1e9 },
	{ "memory", 0, OPTION_SIZE, "SIZE",
	  "memory limit, such as 4G [3/4 of the machine's memory]", AT(memory) },
	{ "json", 0, OPTION_FLAG, NULL, "print JSON", AT(json) },
};

/* One of the two files. */
struct side {
	struct image_reader *reader;
	struct image_page info;
	struct image image;
};

static int read_side(struct side *s, int page, size_t budget)
{
	int status = image_reader_page(s->reader, page, &s->info);

	if (!status)
		status = resources_check(lacuna_count(&s->info.shape) * 3 * sizeof(float), budget);
	if (!status)
		status = image_reader_read(s->reader, page, &s->image);
	if (!status)
		picture_mark_missing(&s->info, &s->image);
	return status;
}

/* Mask values below half the largest are black, as for the operator "mask". */
static int apply_mask(const char *path, int page, int pages, struct image *image)
{
	const size_t plane = (size_t)image->shape.extent[0] * (size_t)image->shape.extent[1];
	struct lacuna_shape shape;
	float *mask, largest = 0;
	int status;

	if (!path)
		return LACUNA_OK;
	picture_follow(&path, 1, page, pages);
	status = picture_read(path, &shape, &mask);
	picture_follow(NULL, 0, 0, 0);
	if (status)
		return status;
	if (shape.extent[0] != image->shape.extent[0] ||
	    shape.extent[1] != image->shape.extent[1] || shape.extent[2] != 1)
		status = error_file_set(
			LACUNA_EINVAL, path,
			"is %lldx%lld with %lld channels, and REF.tif is %lldx%lld; give a mask of "
			"the size of REF.tif with one channel",
			(long long)shape.extent[0], (long long)shape.extent[1],
			(long long)shape.extent[2], (long long)image->shape.extent[0],
			(long long)image->shape.extent[1]);
	for (size_t i = 0; !status && i < plane; i++)
		largest = mask[i] > largest ? mask[i] : largest;
	for (size_t i = 0; !status && i < lacuna_count(&image->shape); i++)
		if (!(mask[i % plane] > largest / 2))
			image->values[i] = NAN;
	memory_release(mask);
	return status;
}

static size_t count_missing(const struct image *a, const struct image *b)
{
	size_t n = 0;

	for (size_t i = 0; i < lacuna_count(&a->shape); i++)
		n += isnan(a->values[i]) || isnan(b->values[i]);
	return n;
}

/* Cuts the image to the middle w x h. */
static int cut(struct image *image, int64_t w, int64_t h)
{
	const int64_t *e = image->shape.extent;
	const struct lacuna_region middle = {
		.origin = { (e[0] - w) / 2, (e[1] - h) / 2, 0, 0 },
		.extent = { w, h, e[2], 1 },
	};
	struct image smaller = { 0 };
	int status;

	if (w == e[0] && h == e[1])
		return LACUNA_OK;
	status = picture_crop(image, &middle, &smaller);
	if (status)
		return status;
	image_free(image);
	*image = smaller;
	return LACUNA_OK;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Makes both images equal in size. */
static int match(const struct values *v, struct side *a, struct side *b)
{
	const int64_t *ea = a->image.shape.extent, *eb = b->image.shape.extent;
	const int64_t w = smaller(ea[0], eb[0]) - 2 * v->border;
	const int64_t h = smaller(ea[1], eb[1]) - 2 * v->border;
	const int wide_odd = (ea[0] - eb[0]) % 2 != 0, high_odd = (ea[1] - eb[1]) % 2 != 0;
	char sa[64], sb[64];
	int status;

	picture_shape_text(&a->image.shape, sa, sizeof sa);
	picture_shape_text(&b->image.shape, sb, sizeof sb);
	if (ea[2] != eb[2])
		return error_set(LACUNA_EINVAL, "the numbers of channels differ: %s and %s", sa,
				 sb);
	if (!v->center && !picture_same_shape(&a->image.shape, &b->image.shape))
		return error_set(LACUNA_EINVAL,
				 "the sizes differ: %s and %s; --center compares the middle", sa,
				 sb);
	if (wide_odd || high_odd)
		return error_set(LACUNA_EINVAL,
				 "the sizes differ by an odd number, %s and %s, so they have no "
				 "common middle; crop one of them",
				 sa, sb);
	if (w < 1 || h < 1)
		return error_set(LACUNA_EINVAL, "--border %lld leaves no pixel of %s",
				 (long long)v->border, sb);
	status = cut(&a->image, w, h);
	return status ? status : cut(&b->image, w, h);
}

static int compare_page(const struct values *v, struct side *a, struct side *b, int page,
			size_t budget, struct metrics *m, size_t *missing)
{
	struct image_range stated, ra, rb;
	int status = v->range ? picture_parse_range(v->range, &stated) : LACUNA_OK;

	if (!status)
		status = read_side(a, page, budget);
	if (!status)
		status = read_side(b, page, budget);
	if (!status)
		status = picture_range(&a->info, &a->image, v->range ? &stated : NULL, &ra, NULL);
	if (!status)
		status = picture_range_like(&b->info, &b->image, &a->info, &ra, &rb);
	if (!status)
		status = apply_mask(v->mask, page, a->reader->pages, &a->image);
	if (!status)
		status = match(v, a, b);
	if (!status) {
		*missing = count_missing(&a->image, &b->image);
		image_to_unit(&a->image, ra);
		image_to_unit(&b->image, rb);
		status = metrics_compute(&a->image.shape, a->image.values, b->image.values, m);
	}
	image_free(&a->image);
	image_free(&b->image);
	return status;
}

static void print(int page, int pages, const struct metrics *m, size_t missing)
{
	if (pages > 1)
		printf("page %d: ", page + 1);
	printf("PSNR %.4f dB, SSIM %.5f, NRMSE %.6g, largest difference %.6g", m->psnr, m->ssim,
	       m->nrmse, m->max_abs);
	if (missing)
		printf(", %zu missing value%s left out", missing, missing == 1 ? "" : "s");
	putchar('\n');
}

static int compare_pages(const struct values *v, struct side *a, struct side *b, size_t budget,
			 json_t *list, int *exceeded)
{
	const int pages = a->reader->pages;
	int status = LACUNA_OK;

	if (pages != b->reader->pages)
		return error_set(LACUNA_EINVAL, "the numbers of pages differ: %d and %d", pages,
				 b->reader->pages);
	for (int page = 0; !status && page < pages; page++) {
		struct metrics m;
		json_t *record;
		size_t missing;

		status = compare_page(v, a, b, page, budget, &m, &missing);
		if (status)
			break;
		*exceeded |= v->limit >= 0 && !(m.nrmse <= v->limit);
		record = report_metrics(&m);
		json_object_set_new(record, "left_out", json_integer((json_int_t)missing));
		json_array_append_new(list, record);
		if (!v->json)
			print(page, pages, &m, missing);
	}
	return status;
}

static int print_json(json_t *list, char **operands)
{
	json_t *record = report_new();
	char *text;

	json_object_set_new(record, "reference", report_string(operands[0]));
	json_object_set_new(record, "image", report_string(operands[1]));
	json_object_set(record, "pages", list);
	text = report_text(record);
	json_decref(record);
	if (!text)
		return LACUNA_ENOMEM;
	fputs(text, stdout);
	free(text);
	return LACUNA_OK;
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	const struct values *v = values;
	struct side a = { 0 }, b = { 0 };
	const size_t budget = resources_set(0, v->memory);
	struct image_range range;
	json_t *list;
	int status, exceeded = 0;

	(void)count;
	if (v->range && picture_parse_range(v->range, &range))
		return misuse(c, "%s", error_text());
	list = json_array();
	status = image_reader_open(operands[0], &a.reader);
	if (!status)
		status = image_reader_open(operands[1], &b.reader);
	if (!status)
		status = compare_pages(v, &a, &b, budget, list, &exceeded);
	if (!status && v->json)
		status = print_json(list, operands);
	image_reader_close(a.reader);
	image_reader_close(b.reader);
	json_decref(list);
	if (status)
		return failure(operands[1], status);
	return exceeded ? STATUS_FAILED : STATUS_DONE;
}

const struct command command_compare = {
	.name = "compare",
	.operands = "REF.tif IMG.tif [OPTION ...]",
	.summary = "PSNR, SSIM and NRMSE of two pictures",
	.details = "Measures the difference of IMG.tif from REF.tif, page by page.  PSNR is "
		   "relative to full scale.  SSIM follows Wang et al. 2004 (Gaussian window 11x11, "
		   "mean of the channels).  NRMSE is ||REF - IMG|| / ||REF||.  Values that are "
		   "missing in one of the pictures (NaN, infinities, GDAL's nodata) and those that "
		   "--mask hides are left out and counted.",
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.defaults = &defaults,
	.values_size = sizeof(struct values),
	.operands_min = 2,
	.operands_max = 2,
	.run = run,
};
