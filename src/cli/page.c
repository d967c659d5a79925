/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* One page: measurement in, restored picture out. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/page.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "restore/restore.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void page_free(struct page *p)
{
	image_free(&p->y);
	image_free(&p->start);
	image_free(&p->reference);
	image_free(&p->noise);
	tiff_band_close(p->band);
	page_free_parts(p);
	image_free(&p->picture);
	restored_free(&p->result);
	memory_release(p->unchanged);
}

static int single_page(const struct restoration *r)
{
	return tiff_page_count(r->in) == 1;
}

/* ---- the measurement --------------------------------------------------------------------------------- */

/* Once per file: all pages have the same pixel size. */
static int check_pixels(const struct page *p)
{
	const double scale = (double)p->window.extent[0] / (double)p->info.shape.extent[0];

	if (p->r->pixels_checked++)
		return LACUNA_OK;
	return operands_check_pixels(&p->r->operands, p->r->in, scale);
}

int page_wish(const struct restoration *r, int number, struct lacuna_shape *wish)
{
	struct tiff_reader *told = r->start ? r->start : r->reference;
	struct tiff_page info;
	int status;

	*wish = r->size;
	if (wish->extent[0] || !told)
		return LACUNA_OK;
	status = tiff_page_info(told, tiff_page_count(told) > number ? number : 0, &info);
	if (!status)
		*wish = info.shape;
	return status;
}

/* --size does not stretch a picture of another size. */
static int check_size(const struct page *p)
{
	const int64_t *size = p->r->size.extent, *e = p->window.extent;

	if (!size[0] || (size[0] == e[0] && size[1] == e[1]))
		return LACUNA_OK;
	return error_set(LACUNA_EINVAL,
			 "--size is %lldx%lld, but the measurement gives a picture of %lldx%lld; "
			 "leave --size out",
			 (long long)size[0], (long long)size[1], (long long)e[0], (long long)e[1]);
}

static int enter_shape(struct page *p)
{
	struct restoration *r = p->r;
	int status = tiff_page_info(r->in, p->number, &p->info);

	if (status)
		return status;
	if (r->enter)
		r->enter(r->look_context, &p->info.shape);
	p->y_shape = p->info.shape;
	if (restoration_takes_all(r))
		p->y_shape.extent[3] = r->page_count;
	p->x = p->window = p->y_shape;
	restoration_follow(r, p->number);
	p->windowed =
		!restoration_takes_all(r) &&
		(r->cropped || (r->windows && r->windows(r->look_context, p->number, &p->windows)));
	if (!p->windowed && !restoration_takes_all(r))
		status = page_needs_parts(p, &p->windowed);
	if (status)
		return status;
	if (p->windowed || (!restoration_takes_all(r) && page_may_have_holes(p))) {
		status = page_plan_parts(p);
		if (status || p->windowed)
			return status ? status : check_pixels(p);
	}
	status = page_wish(r, p->number, &p->wish);
	if (!status)
		status = restorer_shape(r->restorer, &p->y_shape, &p->wish);
	if (status)
		return status;
	p->x = *restorer_x(r->restorer);
	memcpy(p->window.extent, restorer_window(r->restorer)->extent, sizeof p->window.extent);
	status = check_size(p);
	return status ? status : check_pixels(p);
}

static int makes_picture(const struct page *p)
{
	return (p->r->operator_flags & LACUNA_PICTURE) != 0;
}

struct missing_rule page_missing_rule(const struct page *p)
{
	return (struct missing_rule){ p->info.has_nodata, p->info.nodata };
}

/* Marks pixels whose value means "missing". */
static void mark_absent(const struct page *p)
{
	const struct operands *o = &p->r->operands;

	for (size_t i = 0; i < o->absent_count; i++) {
		const size_t n = missing_mark_pixels(&p->y.shape, o->absent[i], p->y.values);

		if (!p->listening)
			page_tell_absent(p, i, n);
	}
}

void page_tell_absent(const struct page *p, size_t i, size_t pixels)
{
	const double percent =
		100 * (double)pixels / (double)(p->wanted.extent[0] * p->wanted.extent[1]);

	/* In a stack, not every page needs to have such pixels. */
	log_message((pixels || !single_page(p->r)) && percent <= 50 ? LACUNA_LOG_INFO
								    : LACUNA_LOG_WARN,
		    "page %d: %.3g %% of the pixels have the value %.10g and count as missing",
		    p->number + 1, percent, p->r->operands.absent[i]);
}

int page_check_put_back(const struct page *p, const struct missing_count *count)
{
	const struct restoration *r = p->r;
	const double value = count->declared && !r->missing.fill ? p->info.nodata : NAN;

	if (!r->type_stated || picture_holds(r->kind, r->bits, value) ||
	    !((count->declared && !r->missing.fill) || (count->nan && r->missing.keep)))
		return LACUNA_OK;
	return error_set(LACUNA_EINVAL,
			 "has missing values (%g), which %s cannot hold; --fill fills them, --type "
			 "chooses another type",
			 value, picture_type_name(r->kind, r->bits));
}

void page_tell_missing(const struct page *p, const struct missing_count *count)
{
	if (count->declared)
		log_message(LACUNA_LOG_INFO, "page %d: %zu values are nodata (%g)%s", p->number + 1,
			    count->declared, p->info.nodata,
			    p->r->missing.fill ? "; filled"
					       : " and remain missing; --fill fills them");
	if (count->infinite)
		log_message(LACUNA_LOG_WARN,
			    "page %d: %zu values are infinite and count as missing", p->number + 1,
			    count->infinite);
	if (count->nan)
		log_message(LACUNA_LOG_INFO, "page %d: %zu values are NaN and count as missing",
			    p->number + 1, count->nan);
}

/* Sets missing values to NaN, which the engine knows. */
static int mark_missing(struct page *p)
{
	const struct missing_rule rule = page_missing_rule(p);
	struct missing_count count;

	missing_mark(lacuna_count(&p->y.shape), &rule, p->y.values, &count);
	mark_absent(p);
	/* Missing numbers of a spectrum are not pixels. */
	p->lacks =
		makes_picture(p) && !restoration_takes_all(p->r) && (count.declared || count.nan);
	if (p->listening)
		return LACUNA_OK;
	page_tell_missing(p, &count);
	return page_check_put_back(p, &count);
}

int page_put_missing_back(const struct page *p, int64_t top, struct image *rows)
{
	const struct missing_rule rule = page_missing_rule(p);
	const int64_t *y = p->info.shape.extent, *from = p->wanted.extent, *to = p->window.extent;
	const int64_t *part = rows->shape.extent;
	const struct lacuna_shape y_row = { { from[0], 1, 1, 1 } }, row = { { to[0], 1, 1, 1 } };
	float *as_read;

	if (!p->lacks)
		return LACUNA_OK;
	as_read = memory_alloc_array((size_t)(from[0] * y[2]), sizeof *as_read);
	if (!as_read)
		return LACUNA_ENOMEM;
	for (int64_t j = 0; j < part[1]; j++) {
		const int64_t at = p->wanted.origin[1] + (top + j) * from[1] / to[1];
		const struct lacuna_region region = { { p->wanted.origin[0], at, 0, 0 },
						      { from[0], 1, y[2], 1 } };

		tiff_band_get(p->band, &region, as_read);
		for (int64_t c = 0; c < part[2]; c++)
			missing_put_back(&rule, &p->r->missing, &y_row,
					 as_read + from[0] * (c < y[2] ? c : 0), &row,
					 rows->values + to[0] * (j + part[1] * c));
	}
	memory_release(as_read);
	return LACUNA_OK;
}

/* Decodes the whole page, once. */
static int read_whole(struct page *p)
{
	const struct lacuna_region all = { { 0, 0, 0, 0 },
					   { p->info.shape.extent[0], p->info.shape.extent[1],
					     p->info.shape.extent[2], 1 } };
	int status = p->band ? LACUNA_OK : tiff_band_open(p->r->in, p->number, 0, &p->band);

	if (!status)
		status = tiff_band_move(p->band, 0, p->info.shape.extent[1]);
	if (!status)
		status = image_create(&p->y, &p->info.shape);
	if (!status)
		tiff_band_get(p->band, &all, p->y.values);
	p->part = p->wanted = all;
	return status;
}

/* Reads all pages as frames. */
static int read_frames(struct page *p)
{
	const struct restoration *r = p->r;
	int status = image_create(&p->y, &p->y_shape);

	for (int i = 0; !status && i < r->page_count; i++) {
		struct image frame = { 0 };
		const size_t n = lacuna_count(&p->info.shape);

		status = tiff_read(r->in, r->pages[i], &frame);
		if (!status && !picture_same_shape(&frame.shape, &p->info.shape))
			status = error_set(
				LACUNA_EINVAL,
				"page %d has another size or number of channels than page %d; all "
				"pages are one measurement here; choose pages with --pages",
				r->pages[i] + 1, p->number + 1);
		if (!status)
			memcpy(p->y.values + (size_t)i * n, frame.values, n * sizeof(float));
		image_free(&frame);
	}
	return status;
}

/* The range of x when y is not a picture: its numbers are not scaled. */
static struct image_range plain_range(const struct page *p)
{
	struct image_range range = p->info.full_scale;

	range.lo = 0;
	return p->r->range ? *p->r->range : range;
}

/* True for operators that say themselves which values are missing. */
static int has_mask(const struct restoration *r)
{
	static const uint32_t mask = LACUNA_PIXELWISE | LACUNA_PARTIAL;

	for (size_t i = 0; i < r->job.operator_count; i++)
		if ((r->operators[i].plugin->u.op.flags & mask) == mask)
			return 1;
	return 0;
}

/* Values that look missing, but that the file does not declare, are treated as if it did.  What a mask leaves out is filled
 * instead. */
static void declare_lump(struct page *p)
{
	const struct restoration *r = p->r;
	const struct levels *l = &r->levels;

	if (!l->has_lump || p->info.has_nodata || r->full_range || has_mask(r) || !makes_picture(p))
		return;
	p->info.has_nodata = 1;
	p->info.nodata = l->lump;
	if (!p->listening)
		log_message(LACUNA_LOG_WARN,
			    "page %d: %.9g is far from all other values and counts as nodata; "
			    "--range full keeps it as a measured value",
			    p->number + 1, l->lump);
}

/* An estimate lies between the levels of a scene that has few, such as counts of a few photons. */
static void warn_of_few_steps(const struct page *p)
{
	static const double few = 32;
	const struct restoration *r = p->r;
	const double span = r->levels.seen.white - r->levels.seen.black;

	if (r->type_stated || p->info.kind == SAMPLE_FLOAT || !r->levels.found || span >= few ||
	    !makes_picture(p))
		return;
	log_message(
		LACUNA_LOG_WARN,
		"page %d: the scene spans only about %.0f step%s of its type, and the result is "
		"rounded to them; -t float32 keeps what lies between",
		p->number + 1, span, span < 1.5 ? "" : "s");
}

static int read_measurement(struct page *p)
{
	struct restoration *r = p->r;
	const int surveyed = r->levels.measured;
	int status = p->windowed		? page_hold(p)
		     : restoration_takes_all(r) ? read_frames(p)
						: read_whole(p);

	if (!status)
		status = levels_measure(r->in, p->number, &p->info, &r->operands, p->band,
					&r->levels);
	if (status)
		return status;
	declare_lump(p);
	if (!surveyed)
		warn_of_few_steps(p);
	if (p->info.note && !p->listening)
		log_message(LACUNA_LOG_WARN, "page %d: %s", p->number + 1, p->info.note);
	p->range =
		r->full_range ? p->info.full_scale : levels_range(&r->levels, &p->info, r->range);
	if (!makes_picture(p))
		p->range = plain_range(p);
	return p->windowed ? LACUNA_OK : mark_missing(p);
}

/* ---- start image, reference -------------------------------------------------------------------------- */

/* Reads the page of a second file that goes with this one, scaled to 0..1 of its own range; missing values are NaN. */
static int read_companion(const struct page *p, struct tiff_reader *reader, struct image *image)
{
	const int number = tiff_page_count(reader) == 1 ? 0 : p->number;
	struct image_range range;
	struct tiff_page info;
	int status;

	if (number >= tiff_page_count(reader))
		return error_file_set(LACUNA_EINVAL, tiff_path(reader), "has no page %d",
				      number + 1);
	status = tiff_page_info(reader, number, &info);
	if (!status)
		status = tiff_read(reader, number, image);
	if (!status)
		picture_mark_missing(&info, image);
	if (!status)
		status = picture_range_like(&info, image, &p->info, &p->range, &range);
	if (!status)
		image_to_unit(image, range);
	return status;
}

int page_wrong_shape(const char *path, const struct lacuna_shape *got,
		     const struct lacuna_shape *wanted)
{
	char a[64], b[64];

	return error_file_set(
		LACUNA_EINVAL, path, "is %s, but the picture is %s; they must have the same size",
		picture_shape_text(got, a, sizeof a), picture_shape_text(wanted, b, sizeof b));
}

static int wrong_shape(const struct page *p, const char *path, const struct lacuna_shape *got)
{
	char a[64], b[64];

	return error_file_set(LACUNA_EINVAL, path,
			      "is %s, but the restored picture is %s; they must have the same size",
			      picture_shape_text(got, a, sizeof a),
			      picture_shape_text(&p->window, b, sizeof b));
}

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

int page_mark_unmeasured(const struct page *p, size_t n, float *sigma, float *y)
{
	for (size_t i = 0; i < n; i++) {
		if (isfinite(sigma[i]) && !(sigma[i] > 0))
			return error_file_set(LACUNA_EINVAL, tiff_path(p->r->noise),
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
static int read_noise(struct page *p)
{
	struct tiff_reader *reader = p->r->noise;
	const int number = reader && tiff_page_count(reader) > 1 ? p->number : 0;
	int status;

	if (!reader || p->windowed)
		return LACUNA_OK;
	if (number >= tiff_page_count(reader))
		return error_file_set(LACUNA_EINVAL, tiff_path(reader), "has no page %d",
				      number + 1);
	status = tiff_read(reader, number, &p->noise);
	if (status)
		return status;
	if (!picture_same_shape(&p->noise.shape, &p->y.shape))
		return page_wrong_shape(tiff_path(reader), &p->noise.shape, &p->y.shape);
	return page_mark_unmeasured(p, lacuna_count(&p->y.shape), p->noise.values, p->y.values);
}

static int read_start(struct page *p)
{
	int status;

	if (!p->r->start)
		return LACUNA_OK;
	status = read_companion(p, p->r->start, &p->start);
	for (size_t i = 0; !status && i < lacuna_count(&p->start.shape); i++)
		if (isnan(p->start.values[i]))
			status = error_file_set(
				LACUNA_EINVAL, tiff_path(p->r->start),
				"has missing values; fill them first (restore -A identity --fill)");
	if (!status)
		image_from_unit(&p->start, p->range);
	if (status || picture_same_shape(&p->start.shape, &p->x))
		return status;
	if (!picture_same_shape(&p->start.shape, &p->window))
		return wrong_shape(p, tiff_path(p->r->start), &p->start.shape);
	return extend(p, &p->start);
}

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
static int read_reference(struct page *p)
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
		status = wrong_shape(p, tiff_path(p->r->reference), &whole.shape);
	}
	if (!status && makes_picture(p) && picture_same_shape(&p->reference.shape, &p->y.shape)) {
		status = compare_to_reference(p, &p->y, &p->before);
		p->has_before = !status;
	}
	image_free(&whole);
	return status;
}

/* The range of the output.  It differs from the input's when --type asks for another integer type. */
static struct image_range output_range(const struct page *p)
{
	const struct restoration *r = p->r;

	if (!r->type_stated || r->kind == SAMPLE_FLOAT ||
	    (r->kind == p->info.kind && r->bits == p->info.bits))
		return p->range;
	return picture_full_scale(r->kind, r->bits);
}

/* True when file values must be converted for the output's type. */
static int converts(const struct page *p)
{
	const struct image_range from = p->range, to = output_range(p);

	return from.lo < to.lo || from.lo > to.lo || from.hi < to.hi || from.hi > to.hi;
}

void page_convert(const struct page *p, struct image *picture)
{
	if (!converts(p))
		return;
	image_to_unit(picture, p->range);
	image_from_unit(picture, output_range(p));
}

void page_tell_values(const struct page *p, struct tiff_writer *w)
{
	const struct image_range from = p->range, to = output_range(p);
	const double scale = (to.hi - to.lo) / (from.hi - from.lo);

	if (converts(p))
		tiff_values_become(w, scale, to.lo - scale * from.lo);
}

/* Writes an image as a page with the other data of the current page. */
static int write_image(const struct page *p, struct tiff_writer *w, const struct image *image,
		       const unsigned char *unchanged)
{
	const struct tiff_part part = { .like = p->r->in,
					.page = p->number,
					.shape = image->shape };

	return tiff_write_band(w, &part, image->values, unchanged, p->band);
}

/* Writes frames as pages, each with the other data of the page it comes from. */
static int write_frames(const struct page *p, struct tiff_writer *w, const struct image *picture,
			const unsigned char *keep)
{
	struct restoration *r = p->r;
	struct lacuna_shape shape = picture->shape;
	const int64_t frames = shape.extent[3];
	const size_t n = lacuna_count(&shape) / (size_t)frames;
	int status = LACUNA_OK;

	if (frames == 1)
		return write_image(p, w, picture, keep);
	shape.extent[3] = 1;
	for (int64_t t = 0; !status && t < frames; t++) {
		const struct image frame = { shape, picture->values + (size_t)t * n };
		const int like = t && t < r->page_count ? r->pages[t] : p->number;

		status = tiff_write_keeping(w, r->in, like, &frame,
					    keep ? keep + (size_t)t * n : NULL);
	}
	return status;
}

/* A restore_job.sample. */
int page_write_sample(void *context, int64_t sample, const float *picture)
{
	struct restoration *r = context;
	const struct page *p = r->page;
	const struct lacuna_shape shape = p->window;
	struct image copy = { 0 };
	int status = image_create(&copy, &shape);

	if (!status)
		status = restoration_single(r, sample);
	if (!status) {
		memcpy(copy.values, picture, lacuna_count(&shape) * sizeof *picture);
		page_convert(p, &copy);
		page_tell_values(p, r->single[sample]);
		status = page_put_missing_back(p, 0, &copy);
	}
	if (!status)
		status = write_frames(p, r->single[sample], &copy, NULL);
	if (!status && single_page(r))
		status = tiff_seal(r->single[sample]);
	image_free(&copy);
	return status;
}

/* Integers differ by at least 1. */
static double step_of(const struct page *p)
{
	return p->info.kind == SAMPLE_FLOAT ? 0 : 1;
}

struct measurement page_measurement(const struct page *p)
{
	const struct restoration *r = p->r;

	return (struct measurement){
		.name = p->name,
		.number = (uint32_t)p->number,
		.y = p->y.values,
		.shape = p->y_shape,
		.wish = p->wish,
		.lo = p->range.lo,
		.hi = p->range.hi,
		.stated = r->range != NULL,
		.seen = r->full_range || !r->levels.found ? NULL : &r->levels.seen,
		.unit = p->info.kind == SAMPLE_FLOAT
				? 1
				: p->info.full_scale.hi - p->info.full_scale.lo,
		.step = step_of(p),
		.start = p->start.values,
		.deviation = p->noise.values,
	};
}

static int restore(struct page *p)
{
	struct restoration *r = p->r;
	const struct measurement m = page_measurement(p);
	int status;

	if (p->windowed)
		return page_restore_parts(p);
	r->page = p;
	status = restore_image(&r->job, &m, &p->picture.values, &p->result.deviation,
			       &p->result.record);
	r->page = NULL;
	p->picture.shape = p->result.record.shape;
	r->doubts += p->result.record.doubts;
	return status;
}

/* Pages in windows are not used here: each estimates its own noise. */
static int listen(struct page *p)
{
	const struct measurement m = page_measurement(p);

	return p->windowed ? LACUNA_OK : restorer_listen(p->r->restorer, &m);
}

/* Reports the noise of all pages together, once. */
static int settle(struct page *p)
{
	struct measurement m = page_measurement(p);

	m.name = "all pages";
	restorer_settle(p->r->restorer, &m);
	return LACUNA_OK;
}

/* ---- results ----------------------------------------------------------------------------------------- */

static void print_metrics(const struct page *p)
{
	const struct metrics *a = &p->before, *b = &p->after;

	if (!single_page(p->r))
		printf("page %d: ", p->number + 1);
	if (p->has_before)
		printf("PSNR %.2f -> %.2f dB, SSIM %.4f -> %.4f, NRMSE %.4f -> %.4f\n", a->psnr,
		       b->psnr, a->ssim, b->ssim, a->nrmse, b->nrmse);
	else
		printf("PSNR %.2f dB, SSIM %.4f, NRMSE %.4f\n", b->psnr, b->ssim, b->nrmse);
	fflush(stdout);
}

static int compare_result(struct page *p)
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

/* Writes the standard deviation over the samples, in file units. */
static int write_deviation(struct page *p)
{
	struct image map = { p->result.record.shape, p->result.deviation };
	int status;

	if (!p->r->deviation)
		return LACUNA_OK;
	status = page_put_missing_back(p, 0, &map);
	return status ? status : write_frames(p, p->r->deviation, &map, NULL);
}

static void show(const struct page *p)
{
	const struct restore_record *record = &p->result.record;
	const struct image map = { p->result.record.shape, p->result.deviation };
	const double span = record->inner.white - record->inner.black;
	const struct look look = {
		.page = p->number,
		.before = makes_picture(p) ? &p->y : &p->picture, /* a spectrum shows nothing */
		.after = &p->picture,
		.deviation = map.values ? &map : NULL,
		.scale = &record->inner,
		.noise = record->noise * (p->range.hi - p->range.lo) / span,
	};

	if (p->r->look)
		p->r->look(p->r->look_context, &look);
}

/* Scaling to the engine's range and back may cost the last bit. */
static void keep_unchanged(const struct page *p)
{
	const unsigned char *unchanged = p->result.record.unchanged;

	for (size_t i = 0; unchanged && i < lacuna_count(&p->y.shape); i++)
		if (unchanged[i])
			p->picture.values[i] = p->y.values[i];
}

static int write_result(struct page *p)
{
	int status;

	if (p->windowed) /* already written row by row */
		return LACUNA_OK;
	keep_unchanged(p);
	show(p);
	page_convert(p, &p->picture);
	page_tell_values(p, p->r->out);
	status = page_put_missing_back(p, 0, &p->picture);
	if (!status)
		status = write_frames(p, p->r->out, &p->picture, p->result.record.unchanged);
	return status ? status : write_deviation(p);
}

static json_t *sample_records(const struct restored *result)
{
	json_t *list = json_array();

	for (int64_t k = 0; k < result->record.sample_count; k++) {
		const struct session_stats *s = &result->record.samples[k];

		json_array_append_new(list, json_pack("{s:I, s:I, s:o, s:o, s:o}", "steps",
						      (json_int_t)s->steps, "evaluations",
						      (json_int_t)s->evaluations, "seconds",
						      report_real(s->seconds), "prior_seconds",
						      report_real(s->prior_seconds), "residual",
						      report_real(s->residual)));
	}
	return list;
}

/* The noise that was assumed, how it was found, and what was done about it.  Figures are in file units: the variance of a
 * value v is slope v + offset. */
static json_t *noise_model(const struct page *p)
{
	const struct restore_record *r = &p->result.record;
	const struct scale file = { .black = 0, .white = 1 };
	const struct noise law = noise_rescale(&r->description.noise, &r->inner, &file);
	const double sigma = r->noise * (p->range.hi - p->range.lo);
	const int grows = p->r->job.noise.sigma < 0 && law.slope > 0;
	const char *how = r->description.how;

	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:s}", "model",
			 p->noise.values ? "of each pixel"
			 : grows	 ? "growing with brightness"
					 : "one level",
			 "slope", report_real(grows ? law.slope : 0), "offset",
			 report_real(grows ? law.offset : sigma * sigma), "sigma",
			 report_real(sigma), "found",
			 how		? how
			 : r->estimated ? "measured"
					: "as stated",
			 "dealt_with", r->dealt_with ? r->dealt_with : "one level");
}

static json_t *make_record(const struct page *p)
{
	const struct restore_record *r = &p->result.record;
	json_t *record = json_pack(
		"{s:i, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:I, s:I, s:o}", "page",
		p->number + 1, "measurement", report_shape(&p->y_shape), "unknown",
		report_shape(&p->x), "result", report_shape(&p->window), "sample_type",
		picture_type_name(p->info.kind, p->info.bits), "range", report_range(p->range),
		"scale", report_range((struct image_range){ r->inner.black, r->inner.white }),
		"noise", report_real(r->noise), "noise_estimated", r->estimated, "missing_values",
		(json_int_t)r->missing, "rejected_values", (json_int_t)r->rejected, "samples",
		sample_records(&p->result));

	json_object_set_new(record, "residual", report_real(r->residual));
	json_object_set_new(record, "residual_expected", report_real(r->noise));
	if (!r->constant)
		json_object_set_new(record, "noise_model", noise_model(p));
	if (r->precision)
		json_object_set_new(record, "precision", report_string(r->precision));
	if (r->deviation)
		json_object_set_new(record, "std", json_string(r->deviation));
	json_object_set_new(record, "doubts", json_integer(r->doubts));
	if (p->has_before)
		json_object_set_new(record, "before", report_metrics(&p->before));
	if (p->has_after)
		json_object_set_new(record, "after", report_metrics(&p->after));
	return record;
}

/* ---- pages that are not restored --------------------------------------------------------------------- */

/* For pages that the writer cannot store unchanged, or that --type converts. */
static int read_to_convert(struct page *p)
{
	const struct restoration *r = p->r;
	int status = tiff_read(r->in, p->number, &p->picture);
	size_t n;

	if (status)
		return status;
	n = lacuna_count(&p->picture.shape);
	p->unchanged = memory_alloc(n);
	if (!p->unchanged)
		return LACUNA_ENOMEM;
	memset(p->unchanged, 1, n);
	p->range = r->range ? *r->range : p->info.full_scale;
	return LACUNA_OK;
}

static int put_copy(const struct page *p, struct tiff_writer *w)
{
	struct image picture = { 0 };
	int status;

	if (!p->picture.values)
		return tiff_copy(w, p->r->in, p->number);
	status = image_create(&picture, &p->picture.shape);
	if (!status) {
		memcpy(picture.values, p->picture.values,
		       lacuna_count(&picture.shape) * sizeof *picture.values);
		page_convert(p, &picture);
		page_tell_values(p, w);
		status = tiff_write_keeping(w, p->r->in, p->number, &picture, p->unchanged);
	}
	image_free(&picture);
	return status;
}

int page_copy(struct restoration *r, int number)
{
	struct page p = { .r = r, .number = number };
	int status = tiff_page_info(r->in, number, &p.info);
	const char *note = p.info.note_copy;

	if (!status && p.info.auxiliary && r->resized) {
		log_message(LACUNA_LOG_WARN,
			    "page %d: left out, because this overview or mask has the old size",
			    number + 1);
		return LACUNA_OK;
	}
	if (!status && (!p.info.storable || r->type_stated)) {
		note = p.info.note;
		status = read_to_convert(&p);
	}
	if (!status && note)
		log_message(LACUNA_LOG_WARN, "page %d: %s", number + 1, note);
	if (!status)
		status = put_copy(&p, r->out);
	for (int64_t k = 0; !status && r->single && k < r->job.samples; k++) {
		status = restoration_single(r, k);
		if (!status)
			status = put_copy(&p, r->single[k]);
	}
	page_free(&p);
	return status;
}

static int run_stages(struct page *p, int (*const *stages)(struct page *), size_t count)
{
	int status = LACUNA_OK;

	snprintf(p->name, sizeof p->name, "page %d", p->number + 1);
	for (size_t i = 0; !status && i < count; i++)
		status = stages[i](p);
	/* The reader's messages already name file and page. */
	if (status && status != LACUNA_ECANCELLED && !single_page(p->r) &&
	    strcmp(error_file(), p->r->names.input) != 0)
		error_context(status, "page %d", p->number + 1);
	return status;
}

int page_listen(struct restoration *r, int number, int last)
{
	static int (*const stages[])(struct page *) = { enter_shape, read_measurement, listen,
							settle };
	const size_t count = sizeof stages / sizeof *stages;
	struct page p = { .r = r, .number = number, .listening = 1 };
	const int status = run_stages(&p, stages, last ? count : count - 1);

	page_free(&p);
	return status;
}

/* The middle of the page, as large as it takes to tell a blur. */
static struct lacuna_region middle_of(const struct lacuna_shape *page)
{
	enum { ENOUGH = 1024 };
	struct lacuna_region middle = { { 0 }, { 1, 1, page->extent[2], 1 } };

	for (int d = 0; d < 2; d++) {
		middle.extent[d] = page->extent[d] < ENOUGH ? page->extent[d] : ENOUGH;
		middle.origin[d] = (page->extent[d] - middle.extent[d]) / 2;
	}
	return middle;
}

/* Reads y of the region; missing values are NaN. */
static int read_middle(struct page *p, const struct lacuna_region *middle)
{
	const struct missing_rule rule = page_missing_rule(p);
	const int64_t top = middle->origin[1];
	struct missing_count count;
	int status;

	memcpy(p->y_shape.extent, middle->extent, sizeof p->y_shape.extent);
	status = tiff_band_open(p->r->in, p->number, middle->extent[1], &p->band);
	if (!status)
		status = tiff_band_move(p->band, top, top + middle->extent[1]);
	if (!status)
		status = image_create(&p->y, &p->y_shape);
	if (status)
		return status;
	tiff_band_get(p->band, middle, p->y.values);
	missing_mark(lacuna_count(&p->y_shape), &rule, p->y.values, &count);
	for (size_t i = 0; i < p->r->operands.absent_count; i++)
		missing_mark_pixels(&p->y_shape, p->r->operands.absent[i], p->y.values);
	return LACUNA_OK;
}

/* The spectrum is that of a picture between 0 and 1, but black does not matter. */
static int fit_middle(struct page *p)
{
	const struct restoration *r = p->r;
	const double full = p->info.full_scale.hi - p->info.full_scale.lo;
	const double noise = r->job.noise.sigma;

	for (size_t i = 0; full > 0 && i < lacuna_count(&p->y_shape); i++)
		p->y.values[i] = (float)((p->y.values[i] - p->info.full_scale.lo) / full);
	return fit_to(&r->fit, &p->y_shape, p->y.values, noise > 0 ? noise : 0);
}

static int fit(struct page *p)
{
	struct lacuna_region middle;
	int status = tiff_page_info(p->r->in, p->number, &p->info);

	if (status)
		return status;
	restoration_follow(p->r, p->number);
	middle = middle_of(&p->info.shape);
	status = read_middle(p, &middle);
	return status ? status : fit_middle(p);
}

int page_fit(struct restoration *r, int number)
{
	static int (*const stages[])(struct page *) = { fit };
	struct page p = { .r = r, .number = number, .listening = 1 };
	const int status = run_stages(&p, stages, 1);

	page_free(&p);
	return status;
}

int page_restore(struct restoration *r, int number, json_t **record)
{
	static int (*const stages[])(struct page *) = {
		enter_shape, read_measurement, read_noise,     read_reference,
		read_start,  restore,	       compare_result, write_result,
	};
	struct page p = { .r = r, .number = number };
	const int status = run_stages(&p, stages, sizeof stages / sizeof *stages);

	r->resized = !status && !picture_same_shape(&p.window, &p.info.shape);
	if (!status)
		*record = make_record(&p);
	page_free(&p);
	return status;
}

int page_windows(struct restoration *r, int number, int *windowed, struct windows *w)
{
	static int (*const stages[])(struct page *) = { enter_shape };
	struct page p = { .r = r, .number = number, .listening = 1 };
	const int status = run_stages(&p, stages, 1);

	*windowed = p.windowed;
	*w = p.windows;
	page_free(&p);
	return status;
}

int page_part(struct restoration *r, int number, int64_t window, struct restored *part)
{
	static int (*const stages[])(struct page *) = { enter_shape, read_measurement };
	struct page p = { .r = r, .number = number, .listening = 1 };
	int status = run_stages(&p, stages, sizeof stages / sizeof *stages);

	if (!status)
		status = page_restore_window(&p, window, part);
	page_free(&p);
	return status;
}
