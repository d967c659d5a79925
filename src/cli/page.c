/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* One page: measurement in, restored picture out. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/restore.h"
#include "engine/metrics.h"
#include "engine/problem.h"
#include "engine/run.h"
#include "restore/noise.h"
#include "restore/missing.h"
#include "restore/reject.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Everything about the page at hand; page_free() releases it in whatever state. */
struct page {
	struct restoration *r;
	int number; /* from 0 */
	struct tiff_page info;
	struct image_range range; /* of 0..1 in options, metrics and the report */
	struct scale inner;	  /* of 0..1 in the engine */
	double lowest, highest;	  /* of the image, on the inner scale */
	struct problem *problem;
	struct session *session;
	struct image y, start, reference;
	float *x;	       /* one sample, problem_x */
	struct image picture;  /* its window; the mean in the end */
	double *mean, *spread; /* Welford: mean, sum of squared deviations; several samples only */
	float *first;	       /* of a pair */
	double noise;	       /* in units of range */
	struct noise description; /* where it was estimated, on the inner scale */
	const char *how;	  /* it was estimated, where not as usual; static */
	double reference_noise;	  /* of the engine */
	float *read;		  /* y as it was given to the problem */
	double residual;	  /* of the last sample, on the inner scale */
	int doubts;		  /* warnings that the result is not to be trusted */
	unsigned char *unchanged; /* values of the result that are as they were read; or NULL */
	size_t missing;
	float *as_read; /* y before its missing values were marked; NULL: none are */
	size_t *rejected, rejected_count; /* positions in y */
	float *rejected_values;		  /* as they were read */
	struct metrics before, after;
	int has_before, has_after;
	json_t *samples; /* statistics of each */
};

static void page_free(struct page *p)
{
	session_destroy(p->session);
	problem_destroy(p->problem);
	image_free(&p->y);
	image_free(&p->start);
	image_free(&p->reference);
	image_free(&p->picture);
	memory_release(p->unchanged);
	memory_release(p->read);
	memory_release(p->as_read);
	memory_release(p->rejected);
	memory_release(p->rejected_values);
	memory_release(p->x);
	memory_release(p->mean);
	memory_release(p->first);
	memory_release(p->spread);
	json_decref(p->samples);
}

static int single_page(const struct restoration *r)
{
	return tiff_page_count(r->in) == 1;
}

/* ---- the measurement --------------------------------------------------------------------------------- */

/* Operator and shapes; nothing in proportion to the picture is allocated before its size is known to fit. */
static int set_up_problem(struct page *p)
{
	const struct restoration *r = p->r;
	int status = tiff_page_info(r->in, p->number, &p->info);

	if (!status)
		status = resources_check(session_memory(&p->info.shape, &p->info.shape), r->budget);
	if (!status)
		status = problem_create(r->operators, r->operator_count, 1, &p->info.shape,
					&p->problem);
	if (!status)
		status = resources_check(session_memory(problem_x(p->problem), &p->info.shape),
					 r->budget);
	return status;
}

static struct missing_rule missing_rule(const struct page *p)
{
	return (struct missing_rule){ p->info.has_nodata, p->info.nodata };
}

/* Missing values become NaN, which the engine knows. */
static int mark_missing(struct page *p)
{
	const size_t n = lacuna_count(&p->y.shape);
	const struct missing_rule rule = missing_rule(p);
	struct missing_count count;

	p->as_read = memory_alloc_array(n, sizeof(*p->as_read));
	if (!p->as_read)
		return LACUNA_ENOMEM;
	memcpy(p->as_read, p->y.values, n * sizeof(*p->as_read));
	missing_mark(n, &rule, p->y.values, &count);
	if (count.declared)
		log_message(LACUNA_LOG_INFO, "page %d: %zu values are nodata (%g)%s", p->number + 1,
			    count.declared, rule.nodata,
			    p->r->missing.fill ? "; filled" : " and stay so; --fill fills them");
	if (count.infinite)
		log_message(LACUNA_LOG_WARN,
			    "page %d: %zu values are infinite and taken as missing", p->number + 1,
			    count.infinite);
	if (count.nan)
		log_message(LACUNA_LOG_INFO, "page %d: %zu values are NaN and taken as missing",
			    p->number + 1, count.nan);
	if (!count.declared && !count.nan) {
		memory_release(p->as_read);
		p->as_read = NULL;
	}
	return LACUNA_OK;
}

/* The picture is as it will be written. */
static void put_missing_back(const struct page *p, struct image *picture)
{
	const struct missing_rule rule = missing_rule(p);

	if (p->as_read)
		missing_put_back(&rule, &p->r->missing, &p->y.shape, p->as_read, &picture->shape,
				 picture->values);
}

static int read_measurement(struct page *p)
{
	struct restoration *r = p->r;
	int status = levels_measure(r->in, &p->info, &r->levels);

	if (!status)
		status = tiff_read(r->in, p->number, &p->y);
	if (status)
		return status;
	if (p->info.note)
		log_message(LACUNA_LOG_WARN, "page %d: %s", p->number + 1, p->info.note);
	p->range =
		r->full_range ? p->info.full_scale : levels_range(&r->levels, &p->info, r->range);
	return mark_missing(p);
}

static int reject(struct page *p)
{
	const size_t n = lacuna_count(&p->y.shape);
	double ratio;
	int status;

	if (!(p->r->reject > 0))
		return LACUNA_OK;
	status = reject_ratio(p->problem, &ratio);
	if (!status)
		status = reject_lone(&p->y.shape, p->y.values, ratio, p->r->reject, &p->rejected,
				     &p->rejected_count);
	if (status || !p->rejected_count)
		return status;
	p->rejected_values = memory_alloc_array(p->rejected_count, sizeof(float));
	if (!p->rejected_values)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < p->rejected_count; i++) {
		p->rejected_values[i] = p->y.values[p->rejected[i]];
		p->y.values[p->rejected[i]] = NAN;
	}
	log_message(LACUNA_LOG_INFO,
		    "page %d: %zu lone value%s (%.2g %%) taken as missing: no kernel could have "
		    "made that. "
		    "Written as read; --reject no keeps such values",
		    p->number + 1, p->rejected_count, p->rejected_count == 1 ? "" : "s",
		    100 * (double)p->rejected_count / (double)n);
	return LACUNA_OK;
}

/* The picture holds the file's values. */
static void write_back_rejected(const struct page *p, struct image *picture)
{
	if (!picture_same_shape(&picture->shape, &p->y.shape))
		return;
	for (size_t i = 0; i < p->rejected_count; i++)
		picture->values[p->rejected[i]] = p->rejected_values[i];
}

static int enter_scale(struct page *p)
{
	const struct restoration *r = p->r;
	const double full = p->range.hi - p->range.lo;
	int status = levels_enter(r->full_range ? NULL : &r->levels, p->range, p->problem,
				  p->y.values, &p->inner);

	if (!status && (p->info.kind == SAMPLE_FLOAT || p->inner.white - p->inner.black < full))
		log_message(LACUNA_LOG_INFO, "page %d: black is %.6g, white is %.6g%s",
			    p->number + 1, p->inner.black, p->inner.white,
			    r->range ? "" : " (measured; --range states another)");
	return status;
}

/* Differences on the inner scale, in units of the range. */
static double inner_unit(const struct page *p)
{
	return (p->inner.white - p->inner.black) / (p->range.hi - p->range.lo);
}

/* y where it was measured, else NaN. */
static int measured_values(struct page *p, float **values)
{
	const size_t n = lacuna_count(&p->y.shape);
	int status;

	*values = memory_alloc_array(n, sizeof(**values));
	status = *values ? problem_measured(p->problem, *values) : LACUNA_ENOMEM;
	for (size_t i = 0; !status && i < n; i++)
		(*values)[i] = (*values)[i] > 0 ? p->y.values[i] : NAN;
	return status;
}

/* What passes for white noise and is none: the level that a denoiser should be told. */
static void look_beyond_white(struct page *p, const float *values)
{
	const double correlated = noise_correlated(&p->y.shape, values);
	const double jpeg = 1.2 * noise_jpeg(&p->y.shape, values);
	const double level = fmax(jpeg, correlated);

	if (!(level > p->description.sigma) || (p->description.slope > 0 && !(correlated > 0)))
		return;
	p->how = jpeg >= correlated ? "JPEG's blocks" : "correlated";
	/* Texture that is correlated noise elsewhere looks like a law: one level for all is safer. */
	p->description = (struct noise){ .offset = level * level, .sigma = level };
}

/* The same law of noise, louder. */
static void raise_noise(struct noise *noise, double factor)
{
	noise->sigma *= factor;
	noise->slope *= factor * factor;
	noise->offset *= factor * factor;
	noise->least_variance *= factor * factor;
}

static double standard_deviation(const float *values, size_t n)
{
	double sum = 0, squares = 0, count = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(values[i])) {
			sum += values[i];
			squares += (double)values[i] * (double)values[i];
			count++;
		}
	return count > 0 ? sqrt(fmax(squares / count - sum / count * (sum / count), 0)) : 0;
}

static void doubt_kernel(struct page *p, double scale)
{
	/* Measured with disks a fifth too wide, and with sharp pictures called blurred: what is least harm. */
	const double louder = scale == 0 ? 4 : 6;

	log_message(LACUNA_LOG_WARN,
		    "page %d: %s explains this picture better than the blur that was stated; it is "
		    "restored carefully, with %g times the noise.  Check the blur, or state the "
		    "noise with -n",
		    p->number + 1,
		    scale == 0	? "no blur at all"
		    : scale < 1 ? "a narrower blur"
				: "a wider blur",
		    louder);
	p->doubts++;
	raise_noise(&p->description, louder);
}

/* What the blur cannot explain counts as noise: too much of it costs 1 dB, too little 4.  No kernel is known to better than
 * some hundredths of the scene that it blurs. */
static int look_at_kernel(struct page *p, const float *values)
{
	static const double inexact = 0.03;
	struct noise *d = &p->description;
	struct noise_evidence e;
	double least;
	const int status = noise_explain(p->problem, values, &e);

	if (status) {
		error_clear();
		return status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status;
	}
	least = inexact * standard_deviation(values, lacuna_count(&p->y.shape));
	if (fmax(e.sigma, least) > d->sigma) {
		p->how = e.sigma > least ? "what the blur cannot explain included"
					 : "as much as a kernel is inexact";
		raise_noise(d, fmax(e.sigma, least) / d->sigma);
	}
	if (d->slope > 0)
		raise_noise(d, 1 + d->sigma);
	if (e.scale < 1 || e.scale > 1)
		doubt_kernel(p, e.scale);
	return LACUNA_OK;
}

/* In steps of the file's integers, a value is off by 1/sqrt(12) at least. */
static double rounding(const struct page *p)
{
	const double step = p->info.kind == SAMPLE_FLOAT ? 0 : 1;

	return step / sqrt(12) / (p->inner.white - p->inner.black);
}

/* The law that was stated, on the inner scale; sigma is its root mean square over y. */
static void state_photons(struct page *p)
{
	const struct restoration *r = p->r;
	const double span = p->inner.white - p->inner.black;
	const double read = r->photons.read * r->photons.read;
	const double at_black = r->photons.gain * (p->inner.black - r->photons.offset) + read;
	const size_t n = lacuna_count(&p->y.shape);
	struct noise *d = &p->description;
	double sum = 0, count = 0;

	/* Where the level says that no photon came, some may have been due: a tenth of one counts. */
	*d = (struct noise){ .slope = r->photons.gain / span,
			     .offset = at_black / (span * span),
			     .least_variance = (read + 0.1 * r->photons.gain * r->photons.gain) /
					       (span * span) };
	for (size_t i = 0; i < n; i++)
		if (isfinite(p->y.values[i])) {
			sum += fmax(d->slope * (double)p->y.values[i] + d->offset,
				    d->least_variance);
			count++;
		}
	d->sigma = count > 0 ? sqrt(sum / count) : sqrt(d->least_variance);
	p->how = "as stated";
}

static int estimate_noise(struct page *p)
{
	const uint32_t flags = problem_flags(p->problem);
	float *values = NULL;
	int status = measured_values(p, &values);

	if (!status)
		status = noise_measure(&p->y.shape, values, &p->description);
	if (!status)
		p->description.sigma = fmax(p->description.sigma, rounding(p));
	if (!status && (flags & LACUNA_PIXELWISE) && (flags & LACUNA_LINEAR))
		look_beyond_white(p, values);
	else if (!status)
		status = look_at_kernel(p, values);
	memory_release(values);
	return status;
}

static int is_estimated(const struct restoration *r)
{
	return r->noise < 0 && !(r->photons.gain > 0);
}

static int find_noise(struct page *p)
{
	int status = LACUNA_OK;

	p->noise = p->r->noise;
	if (p->noise >= 0)
		return LACUNA_OK;
	if (p->r->photons.gain > 0)
		state_photons(p);
	else
		status = estimate_noise(p);
	if (status)
		return status;
	p->noise = p->description.sigma * inner_unit(p);
	log_message(LACUNA_LOG_INFO, "page %d: noise %s: %.3g of full scale (%.3g/255)%s%s",
		    p->number + 1, is_estimated(p->r) ? "estimated" : "of photons", p->noise,
		    p->noise * 255, p->how ? ", " : "",
		    p->how		       ? p->how
		    : p->description.slope > 0 ? ", growing with brightness"
					       : "");
	return status;
}

/* Standard deviation at each value, from the level of the scene; *reference: that of the mean precision. */
static int find_map(const struct page *p, const float *level, int radius, float *sigma,
		    double *reference)
{
	const size_t n = lacuna_count(&p->y.shape);
	double precision = 0;
	int status = noise_map(&p->y.shape, &p->description, level, radius, sigma);

	for (size_t i = 0; !status && i < n; i++)
		precision += 1 / ((double)sigma[i] * (double)sigma[i]) / (double)n;
	*reference = 1 / sqrt(precision);
	return status;
}

/* Gives y to the problem, with weights where the noise differs from value to value.  level: an image of the scene without
 * noise, y-shaped, or NULL. */
static int measure_with(struct page *p, const float *level)
{
	enum { RADIUS = 3 };
	const size_t n = lacuna_count(&p->y.shape);
	const int varies = p->r->noise < 0 && p->description.slope > 0;
	float *sigma = NULL;
	int status = LACUNA_OK;

	memcpy(p->y.values, p->read, n * sizeof(*p->read));
	p->reference_noise = p->noise / inner_unit(p);
	if (varies) {
		sigma = memory_alloc_array(n, sizeof(*sigma));
		status = sigma ? find_map(p, level ? level : p->read, level ? 0 : RADIUS, sigma,
					  &p->reference_noise)
			       : LACUNA_ENOMEM;
	}
	if (!status)
		status = problem_measure(p->problem, p->y.values, p->reference_noise, &p->missing);
	for (size_t i = 0; !status && varies && i < n; i++)
		sigma[i] = (float)(p->reference_noise / (double)sigma[i]);
	if (!status && varies)
		status = problem_weigh(p->problem, sigma);
	memory_release(sigma);
	return status;
}

static int measure(struct page *p)
{
	const size_t n = lacuna_count(&p->y.shape);

	p->read = memory_alloc_array(n, sizeof(*p->read));
	if (!p->read)
		return LACUNA_ENOMEM;
	memcpy(p->read, p->y.values, n * sizeof(*p->read));
	return measure_with(p, NULL);
}

/* ---- start image, reference -------------------------------------------------------------------------- */

/* The page of a second file that goes with this one, in 0..1 of its own range. */
static int read_companion(const struct page *p, struct tiff_reader *reader, struct image *image)
{
	const int number = tiff_page_count(reader) == 1 ? 0 : p->number;
	struct image_range range;
	struct tiff_page info;
	int status;

	if (number >= tiff_page_count(reader))
		return error_set(LACUNA_EINVAL, "%s: has no page %d", tiff_path(reader),
				 number + 1);
	status = tiff_page_info(reader, number, &info);
	if (!status)
		status = tiff_read(reader, number, image);
	if (!status)
		status = picture_range_like(&info, image, &p->info, &p->range, &range);
	if (!status)
		image_to_unit(image, range);
	return status;
}

static struct lacuna_shape window_shape(const struct page *p)
{
	struct lacuna_shape shape;

	memcpy(shape.extent, problem_window(p->problem)->extent, sizeof(shape.extent));
	return shape;
}

static int wrong_shape(const struct page *p, const char *path, const struct lacuna_shape *got)
{
	const struct lacuna_shape window = window_shape(p);
	char a[64], b[64];

	return error_set(LACUNA_EINVAL, "%s: is %s; the restored picture is %s", path,
			 picture_shape_text(got, a, sizeof(a)),
			 picture_shape_text(&window, b, sizeof(b)));
}

static int64_t clamp(int64_t i, int64_t n)
{
	return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* The unknown reaches beyond its window: edge values are repeated there. */
static int extend(const struct page *p, struct image *image)
{
	const struct lacuna_shape *x = problem_x(p->problem);
	const int64_t *w = x->extent, *from = image->shape.extent;
	const int64_t *origin = problem_window(p->problem)->origin;
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

static int read_start(struct page *p)
{
	const struct lacuna_shape window = window_shape(p);
	int status;

	if (!p->r->start)
		return LACUNA_OK;
	status = read_companion(p, p->r->start, &p->start);
	if (!status) {
		image_from_unit(&p->start, p->range);
		scale_enter(lacuna_count(&p->start.shape), &p->inner, p->start.values);
	}
	if (status || picture_same_shape(&p->start.shape, problem_x(p->problem)))
		return status;
	if (!picture_same_shape(&p->start.shape, &window))
		return wrong_shape(p, tiff_path(p->r->start), &p->start.shape);
	return extend(p, &p->start);
}

/* The picture holds the file's values. */
static int compare_to_reference(const struct page *p, const struct image *picture,
				struct metrics *metrics)
{
	const size_t n = lacuna_count(&picture->shape);
	struct image unit;
	int status = image_create(&unit, &picture->shape);

	if (status)
		return status;
	memcpy(unit.values, picture->values, n * sizeof(*unit.values));
	image_to_unit(&unit, p->range);
	status = metrics_compute(&unit.shape, p->reference.values, unit.values, metrics);
	image_free(&unit);
	return status;
}

/* The reference, cut to the window, and how far the measurement is from it where both have one shape. */
static int read_reference(struct page *p)
{
	const struct lacuna_shape window = window_shape(p);
	struct image whole = { 0 };
	int status;

	if (!p->r->reference)
		return LACUNA_OK;
	status = read_companion(p, p->r->reference, &whole);
	if (!status && picture_same_shape(&whole.shape, &window)) {
		p->reference = whole;
		whole = (struct image){ 0 };
	} else if (!status && picture_same_shape(&whole.shape, problem_x(p->problem))) {
		status = picture_crop(&whole, problem_window(p->problem), &p->reference);
	} else if (!status) {
		status = wrong_shape(p, tiff_path(p->r->reference), &whole.shape);
	}
	if (!status && picture_same_shape(&p->reference.shape, &p->y.shape)) {
		status = compare_to_reference(p, &p->y, &p->before);
		p->has_before = !status;
	}
	image_free(&whole);
	return status;
}

/* ---- samples ----------------------------------------------------------------------------------------- */

static int create_session(struct page *p)
{
	struct method *m = &p->r->method;
	const double span = p->inner.white - p->inner.black;
	const struct session_options options = {
		.seed = p->r->seed,
		.image = (uint32_t)p->number,
		.start = p->start.values,
		.pairs = p->r->pairs,
		.lowest = &p->lowest,
		.highest = &p->highest,
		.progress = progress_step,
	};
	int status;

	p->lowest = (p->inner.lowest - p->inner.black) / span;
	p->highest = (p->inner.highest - p->inner.black) / span;
	do {
		status =
			session_create(p->problem, &m->prior, m->has_guidance ? &m->guidance : NULL,
				       &m->sampler, &options, &p->session);
	} while (status && method_fall_back(m, status));
	return status;
}

static int allocate_results(struct page *p)
{
	const struct lacuna_shape window = window_shape(p);
	const size_t n = lacuna_count(&window);
	int status = image_create(&p->picture, &window);

	p->x = memory_alloc_array(lacuna_count(problem_x(p->problem)), sizeof(*p->x));
	p->samples = json_array();
	if (status || !p->x || !p->samples)
		return LACUNA_ENOMEM;
	if (p->r->samples == 1)
		return LACUNA_OK;
	p->mean = memory_alloc_array(n, sizeof(*p->mean));
	p->spread = memory_alloc_array(n, sizeof(*p->spread));
	if (p->r->pairs)
		p->first = memory_alloc_array(n, sizeof(*p->first));
	return p->mean && p->spread && (p->first || !p->r->pairs) ? LACUNA_OK : LACUNA_ENOMEM;
}

/* Samples that are independent of each other, or pairs of them. */
static int64_t group_count(const struct page *p)
{
	return p->r->pairs ? p->r->samples / 2 : p->r->samples;
}

/* Welford, Technometrics 4(3), 1962: mean and sum of squared deviations in one pass.  The halves of a pair deviate from
 * its mean m by +-d, and Var x = Var m + E d^2; the second term is weighted so that spread / (groups - 1) is their sum. */
static void accumulate(struct page *p, int64_t sample)
{
	const size_t n = lacuna_count(&p->picture.shape);
	const double groups = (double)group_count(p);
	const int pairs = p->r->pairs;

	if (pairs && sample % 2 == 0) {
		memcpy(p->first, p->picture.values, n * sizeof(float));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const double last = (double)p->picture.values[i];
		const double value = pairs ? (last + (double)p->first[i]) / 2 : last;
		const double delta = value - p->mean[i], d = last - value;

		p->mean[i] += delta / (double)(pairs ? sample / 2 + 1 : sample + 1);
		p->spread[i] += delta * (value - p->mean[i]) + d * d * (groups - 1) / groups;
	}
}

/* The range of what is written, which differs from what was read when --type asks for another type of integers. */
static struct image_range output_range(const struct page *p)
{
	const struct restoration *r = p->r;

	if (!r->type_stated || r->kind == SAMPLE_FLOAT ||
	    (r->kind == p->info.kind && r->bits == p->info.bits))
		return p->range;
	return picture_full_scale(r->kind, r->bits);
}

static void leave_scale(const struct page *p, struct image *picture)
{
	scale_leave(lacuna_count(&picture->shape), &p->inner, picture->values);
	write_back_rejected(p, picture);
}

/* From the file's values to those of the output's type. */
static void convert(const struct page *p, struct image *picture)
{
	const struct image_range from = p->range, to = output_range(p);

	if (from.lo < to.lo || from.lo > to.lo || from.hi < to.hi || from.hi > to.hi) {
		image_to_unit(picture, from);
		image_from_unit(picture, to);
	}
}

static int write_single(struct page *p, int64_t sample)
{
	struct image copy = { 0 };
	int status;

	if (!p->r->single)
		return LACUNA_OK;
	status = image_create(&copy, &p->picture.shape);
	if (!status) {
		memcpy(copy.values, p->picture.values, lacuna_count(&copy.shape) * sizeof(float));
		leave_scale(p, &copy);
		convert(p, &copy);
		put_missing_back(p, &copy);
		status = tiff_write(p->r->single[sample], p->r->in, p->number, &copy);
	}
	image_free(&copy);
	return status;
}

static int draw_sample(struct page *p, int64_t sample)
{
	struct session_stats stats = { 0 };
	int status;

	progress_round(p->r->round++);
	status = session_run(p->session, (uint32_t)sample, p->x, &stats);
	if (!status && cancel_requested())
		status = LACUNA_ECANCELLED;
	if (status)
		return status;
	window_get(problem_x(p->problem), problem_window(p->problem), p->x, p->picture.values);
	if (p->mean)
		accumulate(p, sample);
	p->residual = stats.residual;
	stats.residual *= inner_unit(p);
	json_array_append_new(p->samples, json_pack("{s:I, s:I, s:o, s:o, s:o}", "steps",
						    (json_int_t)stats.steps, "evaluations",
						    (json_int_t)stats.evaluations, "seconds",
						    report_real(stats.seconds), "prior_seconds",
						    report_real(stats.prior_seconds), "residual",
						    report_real(stats.residual)));
	log_message(LACUNA_LOG_DEBUG,
		    "page %d, sample %lld: %lld steps, %lld evaluations, %.2f s, residual %.4g, "
		    "expected %.4g",
		    p->number + 1, (long long)sample + 1, (long long)stats.steps,
		    (long long)stats.evaluations, stats.seconds, stats.residual,
		    p->reference_noise * inner_unit(p));
	return write_single(p, sample);
}

static int draw_samples(struct page *p)
{
	const size_t n = lacuna_count(&p->picture.shape);
	int status = LACUNA_OK;

	for (int64_t k = 0; !status && k < p->r->samples; k++)
		status = draw_sample(p, k);
	for (size_t i = 0; !status && p->mean && i < n; i++)
		p->picture.values[i] = (float)p->mean[i];
	return status;
}

/* ---- once more, better ------------------------------------------------------------------------------- */

/* Everything that draw_samples() leaves. */
static void forget_samples(struct page *p)
{
	const size_t bytes = lacuna_count(&p->picture.shape) * sizeof(*p->mean);

	if (p->mean) {
		memset(p->mean, 0, bytes);
		memset(p->spread, 0, bytes);
	}
	json_array_clear(p->samples);
	session_destroy(p->session);
	p->session = NULL;
}

static int draw_again(struct page *p, const float *level)
{
	int status;

	forget_samples(p);
	status = measure_with(p, level);
	if (!status)
		status = create_session(p);
	return status ? status : draw_samples(p);
}

/* Of values on the inner scale: the share that the file cannot hold, or that is not in the range that was stated. */
static double clipped_share(const struct page *p, const float *values, size_t n)
{
	const double span = p->inner.white - p->inner.black;
	const double lo = (p->range.lo - p->inner.black) / span;
	const double hi = (p->range.hi - p->inner.black) / span;
	size_t out = 0;

	for (size_t i = 0; i < n; i++)
		out += (double)values[i] <= lo || (double)values[i] >= hi;
	return (double)out / (double)n;
}

/* A kernel that is wrong, or too little noise, makes a maze of black and white: then the noise was more. */
static int retreat(struct page *p)
{
	static const double tolerated = 0.02;
	enum { TRIES = 3 };
	const size_t n = lacuna_count(&p->picture.shape);
	const double before = clipped_share(p, p->read, lacuna_count(&p->y.shape));
	double after = clipped_share(p, p->picture.values, n);
	int status = LACUNA_OK;

	for (int i = 0; i < TRIES && !status && after > before + tolerated; i++) {
		const double factor = after > before + 3 * tolerated ? 3 : 2;

		p->doubts += i == 0;
		raise_noise(&p->description, factor);
		p->noise *= factor;
		log_message(
			LACUNA_LOG_WARN,
			"page %d: %.2g %% of the result would be clipped, %.2g %% were: restored "
			"again with noise %.3g.  The operator or -n may be wrong",
			p->number + 1, 100 * after, 100 * before, p->noise);
		status = draw_again(p, NULL);
		after = clipped_share(p, p->picture.values, n);
	}
	return status;
}

/* Noise that grows with brightness is known better once the scene is. */
static int refine_map(struct page *p)
{
	const size_t n = lacuna_count(&p->y.shape);
	float *level = memory_alloc_array(n, sizeof(*level));
	int status = LACUNA_ENOMEM;

	if (level) {
		memcpy(level, p->picture.values, n * sizeof(*level));
		status = draw_again(p, level);
	}
	memory_release(level);
	return status;
}

/* Only where the noise is ours to judge, and no sample has gone to a file yet. */
static int improve(struct page *p)
{
	const uint32_t flags = problem_flags(p->problem);

	if (p->r->noise >= 0 || p->r->single)
		return LACUNA_OK;
	if (!(flags & LACUNA_PIXELWISE))
		return is_estimated(p->r) ? retreat(p) : LACUNA_OK;
	/* Elsewhere the level of y is not that of the picture. */
	if (!(flags & LACUNA_LINEAR) || !picture_same_shape(&p->picture.shape, &p->y.shape))
		return LACUNA_OK;
	return p->description.slope > 0 ? refine_map(p) : LACUNA_OK;
}

/* What a user would want to know before trusting the result. */
static int check_result(struct page *p)
{
	/* Point estimates leave 0.8 to 1.4 of the noise; a maze of a wrong kernel 4 to 18 times it. */
	static const double trusted = 3, least = 0.5 / 255, clipped = 0.05;
	const double before = clipped_share(p, p->read, lacuna_count(&p->y.shape));
	const double after = clipped_share(p, p->picture.values, lacuna_count(&p->picture.shape));

	if (p->r->samples == 1 && p->residual > fmax(trusted * p->reference_noise, least)) {
		p->doubts++;
		log_message(
			LACUNA_LOG_WARN,
			"page %d: the result differs from the measurement by %.3g where the noise "
			"is %.3g of full scale: the operator or -n may be wrong",
			p->number + 1, p->residual * inner_unit(p),
			p->reference_noise * inner_unit(p));
	}
	if (after > before + clipped && !is_estimated(p->r)) {
		p->doubts++;
		log_message(
			LACUNA_LOG_WARN,
			"page %d: %.2g %% of the result is clipped, %.2g %% was: the operator may "
			"be wrong, or the noise more than %.3g; -n auto looks for it",
			p->number + 1, 100 * after, 100 * before, p->noise);
	}
	return LACUNA_OK;
}

/* From the inner scale to the file's values.  A value that is as it was measured is written as it was read: float holds 24
 * bits, the file may hold more. */
static int leave(struct page *p)
{
	const size_t n = lacuna_count(&p->picture.shape);

	if (picture_same_shape(&p->picture.shape, &p->y.shape)) {
		p->unchanged = memory_alloc(n);
		if (!p->unchanged)
			return LACUNA_ENOMEM;
		for (size_t i = 0; i < n; i++)
			p->unchanged[i] =
				memcmp(&p->picture.values[i], &p->read[i], sizeof(*p->read)) == 0;
	}
	leave_scale(p, &p->picture);
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

	if (!p->reference.values)
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

/* Standard deviation over the samples, in the units of the file. */
static int write_deviation(struct page *p)
{
	const size_t n = lacuna_count(&p->picture.shape);
	const double unit = p->inner.white - p->inner.black;

	if (!p->r->deviation)
		return LACUNA_OK;
	for (size_t i = 0; i < n; i++)
		p->picture.values[i] =
			(float)(unit * sqrt(p->spread[i] / (double)(group_count(p) - 1)));
	put_missing_back(p, &p->picture);
	return tiff_write(p->r->deviation, p->r->in, p->number, &p->picture);
}

static int write_result(struct page *p)
{
	int status;

	convert(p, &p->picture);
	put_missing_back(p, &p->picture);
	status = tiff_write_keeping(p->r->out, p->r->in, p->number, &p->picture, p->unchanged);
	/* The picture is no longer needed: the deviation takes its place. */
	return status ? status : write_deviation(p);
}

static json_t *make_record(const struct page *p)
{
	json_t *record = json_pack(
		"{s:i, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:I, s:I, s:O}", "page",
		p->number + 1, "measurement", report_shape(problem_y(p->problem)), "unknown",
		report_shape(problem_x(p->problem)), "result", report_shape(&p->picture.shape),
		"sample_type", picture_type_name(p->info.kind, p->info.bits), "range",
		report_range(p->range), "scale",
		report_range((struct image_range){ p->inner.black, p->inner.white }), "noise",
		report_real(p->noise), "noise_estimated", is_estimated(p->r), "missing_values",
		(json_int_t)p->missing, "rejected_values", (json_int_t)p->rejected_count, "samples",
		p->samples);
	double residual = 0;
	size_t k;
	json_t *sample;

	json_array_foreach(p->samples, k, sample) residual +=
		json_number_value(json_object_get(sample, "residual"));
	json_object_set_new(record, "residual", report_real(residual / (double)p->r->samples));
	json_object_set_new(record, "residual_expected", report_real(p->noise));
	if (p->r->noise < 0) {
		json_object_set_new(record, "noise_model",
				    json_pack("{s:o, s:o, s:s}", "slope",
					      report_real(p->description.slope), "offset",
					      report_real(p->description.offset), "found",
					      p->how ? p->how : "white"));
	}
	json_object_set_new(record, "doubts", json_integer(p->doubts));
	if (p->has_before)
		json_object_set_new(record, "before", report_metrics(&p->before));
	if (p->has_after)
		json_object_set_new(record, "after", report_metrics(&p->after));
	return record;
}

/* ---- pages that are not restored --------------------------------------------------------------------- */

/* True when all values that are there are alike, or none is: there is nothing to restore, and no noise to estimate. */
static int is_constant(const struct page *p, float *value)
{
	const size_t n = lacuna_count(&p->y.shape);
	size_t i = 0, first;

	while (i < n && isnan(p->y.values[i]))
		i++;
	first = i;
	*value = i < n ? p->y.values[i] : NAN;
	while (i < n && !(p->y.values[i] < *value) && !(p->y.values[i] > *value))
		i++;
	return i == n && (first < n || p->as_read);
}

static int pass_through(struct page *p, float value)
{
	const struct lacuna_shape window = window_shape(p);
	const size_t n = lacuna_count(&window);
	int status = image_create(&p->picture, &window);

	p->samples = json_array();
	p->spread = memory_alloc_array(n, sizeof(*p->spread));
	if (status || !p->samples || !p->spread)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < n; i++)
		p->picture.values[i] = value;
	memset(p->spread, 0, n * sizeof(*p->spread));
	p->noise = 0;
	p->inner = (struct scale){ .black = p->range.lo, .white = p->range.hi };
	log_message(LACUNA_LOG_WARN, "page %d: %s; passed through", p->number + 1,
		    isnan(value) ? "all its values are missing" : "all its values are alike");
	convert(p, &p->picture);
	put_missing_back(p, &p->picture);
	for (int64_t k = 0; !status && p->r->single && k < p->r->samples; k++)
		status = tiff_write(p->r->single[k], p->r->in, p->number, &p->picture);
	if (!status)
		status = tiff_write(p->r->out, p->r->in, p->number, &p->picture);
	return status ? status : write_deviation(p);
}

/* What the writer cannot store as it is, or what takes another type with --type. */
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
	convert(p, &p->picture);
	return LACUNA_OK;
}

static int put_copy(const struct page *p, struct tiff_writer *w)
{
	if (!p->picture.values)
		return tiff_copy(w, p->r->in, p->number);
	return tiff_write_keeping(w, p->r->in, p->number, &p->picture, p->unchanged);
}

int page_copy(struct restoration *r, int number)
{
	struct page p = { .r = r, .number = number };
	int status = tiff_page_info(r->in, number, &p.info);
	const char *note = p.info.note_copy;

	if (!status && p.info.auxiliary && r->resized) {
		log_message(LACUNA_LOG_WARN,
			    "page %d: an overview or mask of the old size is left out", number + 1);
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
	for (int64_t k = 0; !status && r->single && k < r->samples; k++)
		status = put_copy(&p, r->single[k]);
	page_free(&p);
	return status;
}

int page_restore(struct restoration *r, int number, json_t **record)
{
	static int (*const stages[])(struct page *) = {
		set_up_problem, read_measurement, read_reference, reject,	  enter_scale,
		find_noise,	measure,	  read_start,	  create_session, allocate_results,
		draw_samples,	improve,	  check_result,	  leave,	  compare_result,
		write_result,
	};
	struct page p = { .r = r, .number = number };
	int status = LACUNA_OK, passed = 0;
	float value;

	for (size_t i = 0; !status && !passed && i < sizeof(stages) / sizeof(stages[0]); i++) {
		status = stages[i](&p);
		if (!status && stages[i] == read_measurement && r->noise < 0 &&
		    is_constant(&p, &value)) {
			status = pass_through(&p, value);
			passed = 1;
		}
	}
	r->doubts += p.doubts;
	r->resized = p.picture.values && !picture_same_shape(&p.picture.shape, &p.y.shape);
	if (!status)
		*record = make_record(&p);
	/* Messages of the reader name file and page already. */
	if (status && status != LACUNA_ECANCELLED && !single_page(r) &&
	    strncmp(error_text(), r->input, strlen(r->input)) != 0)
		error_context(status, "page %d", number + 1);
	page_free(&p);
	return status;
}
