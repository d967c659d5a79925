/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What other files tell about a page: its noise, a start image, and a reference, to which picture and result are compared. */
#include <config.h>

#include "base/error.h"
#include "cli/page.h"
#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Reads the page of a second file that goes with this one, scaled to 0..1 of its own range; missing values are NaN. */
static int read_companion(const struct page *p, struct image_reader *reader, struct image *image)
{
	const int number = reader->pages == 1 ? 0 : p->number;
	struct image_range range;
	struct image_page info;
	int status;

	if (number >= reader->pages)
		return error_file_set(LACUNA_EINVAL, reader->path, "has no page %d", number + 1);
	status = image_reader_page(reader, number, &info);
	if (!status)
		status = image_reader_read(reader, number, image);
	if (!status)
		picture_mark_missing(&info, image);
	if (!status)
		status = picture_range_like(&info, image, &p->info, &p->range, &range);
	if (!status)
		image_to_unit(image, range);
	return status;
}

int page_wrong_shape(const char *path, const struct lacuna_shape *got, const char *what,
		     const struct lacuna_shape *wanted)
{
	char a[64], b[64];

	return error_file_set(LACUNA_EINVAL, path,
			      "is %s, but %s is %s; they must have the same size",
			      picture_shape_text(got, a, sizeof a), what,
			      picture_shape_text(wanted, b, sizeof b));
}

static int wrong_shape(const struct page *p, const char *path, const struct lacuna_shape *got)
{
	return page_wrong_shape(path, got, "the restored picture", &p->window);
}

int page_mark_unmeasured(const struct page *p, size_t n, float *sigma, float *y)
{
	for (size_t i = 0; i < n; i++) {
		if (isfinite(sigma[i]) && !(sigma[i] > 0))
			return error_file_set(LACUNA_EINVAL, p->r->noise->path,
					      "the standard deviation must be above 0 everywhere; "
					      "use NaN or infinity where a value is missing");
		if (!isfinite(sigma[i])) {
			y[i] = NAN;
			sigma[i] = 1;
		}
	}
	return LACUNA_OK;
}

/* Reads --noise NOISE.tif, in file units. */
int page_read_noise(struct page *p)
{
	struct image_reader *reader = p->r->noise;
	const int number = reader && reader->pages > 1 ? p->number : 0;
	int status;

	if (!reader || p->windowed)
		return LACUNA_OK;
	if (number >= reader->pages)
		return error_file_set(LACUNA_EINVAL, reader->path, "has no page %d", number + 1);
	status = image_reader_read(reader, number, &p->noise);
	if (status)
		return status;
	if (!picture_same_shape(&p->noise.shape, &p->y.shape))
		return page_wrong_shape(reader->path, &p->noise.shape, "the picture", &p->y.shape);
	return page_mark_unmeasured(p, lacuna_count(&p->y.shape), p->noise.values, p->y.values);
}

/* ---- the start image --------------------------------------------------------------------------------- */

static int64_t clamp(int64_t i, int64_t n)
{
	return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* The unknown is larger than its window: repeats edge values there. */
static int extend(const struct page *p, struct image *image)
{
	const struct lacuna_shape *x = &p->x;
	const int64_t *w = x->extent, *from = image->shape.extent;
	const int64_t *origin = restorer_window(p->r->restorer)->origin;
	struct image wide;
	int status = image_create(&wide, x);

	if (status)
		return status;
	for (int64_t c = 0; c < w[2]; c++)
		for (int64_t j = 0; j < w[1]; j++)
			for (int64_t i = 0; i < w[0]; i++) {
				const int64_t row = clamp(j - origin[1], from[1]) + from[1] * c;

				wide.values[i + w[0] * (j + w[1] * c)] =
					image->values[clamp(i - origin[0], from[0]) +
						      from[0] * row];
			}
	image_free(image);
	*image = wide;
	return LACUNA_OK;
}

int page_read_start(struct page *p)
{
	int status;

	if (!p->r->start)
		return LACUNA_OK;
	status = read_companion(p, p->r->start, &p->start);
	for (size_t i = 0; !status && i < lacuna_count(&p->start.shape); i++)
		if (isnan(p->start.values[i]))
			status = error_file_set(
				LACUNA_EINVAL, p->r->start->path,
				"has missing values; fill them first (restore -A identity --fill)");
	if (!status)
		image_from_unit(&p->start, p->range);
	if (status || picture_same_shape(&p->start.shape, &p->x))
		return status;
	if (!picture_same_shape(&p->start.shape, &p->window))
		return wrong_shape(p, p->r->start->path, &p->start.shape);
	return extend(p, &p->start);
}

/* ---- the reference ----------------------------------------------------------------------------------- */

/* picture: in file values. */
static int compare_to_reference(const struct page *p, const struct image *picture,
				struct metrics *metrics)
{
	const size_t n = lacuna_count(&picture->shape);
	struct image unit;
	int status = image_create(&unit, &picture->shape);

	if (status)
		return status;
	memcpy(unit.values, picture->values, n * sizeof *unit.values);
	image_to_unit(&unit, p->range);
	status = metrics_compute(&unit.shape, p->reference.values, unit.values, metrics);
	image_free(&unit);
	return status;
}

/* Reads the reference, cuts it to the window, and compares the measurement to it if their shapes agree. */
int page_read_reference(struct page *p)
{
	struct image whole = { 0 };
	int status;

	if (!p->r->reference)
		return LACUNA_OK;
	status = read_companion(p, p->r->reference, &whole);
	if (!status && picture_same_shape(&whole.shape, &p->window)) {
		p->reference = whole;
		whole = (struct image){ 0 };
	} else if (!status && picture_same_shape(&whole.shape, &p->x)) {
		status = picture_crop(&whole, restorer_window(p->r->restorer), &p->reference);
	} else if (!status) {
		status = wrong_shape(p, p->r->reference->path, &whole.shape);
	}
	if (!status && page_makes_picture(p) &&
	    picture_same_shape(&p->reference.shape, &p->y.shape)) {
		status = compare_to_reference(p, &p->y, &p->before);
		p->has_before = !status;
	}
	image_free(&whole);
	return status;
}

static void print_metrics(const struct page *p)
{
	const struct metrics *a = &p->before, *b = &p->after;

	if (!page_is_single(p->r))
		printf("page %d: ", p->number + 1);
	if (p->has_before)
		printf("PSNR %.2f -> %.2f dB, SSIM %.4f -> %.4f, NRMSE %.4f -> %.4f\n", a->psnr,
		       b->psnr, a->ssim, b->ssim, a->nrmse, b->nrmse);
	else
		printf("PSNR %.2f dB, SSIM %.4f, NRMSE %.4f\n", b->psnr, b->ssim, b->nrmse);
	fflush(stdout);
}

int page_compare(struct page *p)
{
	int status;

	if (!p->reference.values || p->result.record.constant)
		return LACUNA_OK;
	status = compare_to_reference(p, &p->picture, &p->after);
	if (status)
		return status;
	p->has_after = 1;
	if (p->r->print_metrics) {
		progress_clear();
		print_metrics(p);
	}
	return LACUNA_OK;
}
