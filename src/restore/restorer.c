/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/restorer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "restore/ensemble.h"
#include "restore/reject.h"
#include "restore/stabilise.h"
#include "restore/tweedie.h"
#include "restore/wiener.h"

#include <math.h>
#include <string.h>

struct restorer {
	const struct restore_job *job;
	const struct plugin_use *operators; /* the job's, or others */
	size_t operator_count;
	struct prior_stock own;
	struct problem *problem; /* NULL before restorer_shape() */
	struct lacuna_shape y, wish, result;
	size_t y_count, count; /* numbers of values of y and of result */

	/* Estimated noise of images, each on its own inner scale; once settled, the first one counts. */
	struct heard_noise heard[RESTORER_HEARD];
	int heard_count, settled;
};

/* The restoration of one image. */
struct run {
	struct restorer *r;
	const struct restore_job *job;
	const struct measurement *m;
	struct restored *out;
	struct restore_record *record;

	float *y;    /* as given to the problem: stabilised or weighted, missing values 0 */
	float *read; /* on the inner scale, missing values NaN */
	size_t *rejected;
	float *start;
	double lowest, highest;	       /* of the image, on the engine's scale */
	struct stabiliser *stabiliser; /* between the inner scale and the engine; NULL: none */
	double reference_noise;	       /* on the engine's scale */
	struct session *session;
	float *x; /* one sample, x-shaped */
	struct ensemble ensemble;
	double residual;  /* of the last sample, on the engine's scale */
	float *deviation; /* of the posterior; NULL: of the samples */
	int listening;	  /* only the noise is estimated */
};

static void run_free(struct run *run)
{
	session_destroy(run->session);
	ensemble_free(&run->ensemble);
	memory_release(run->y);
	memory_release(run->read);
	memory_release(run->rejected);
	memory_release(run->start);
	memory_release(run->x);
	memory_release(run->deviation);
	stabiliser_destroy(run->stabiliser);
}

/* True when messages came before, with another part, or will come later, when the image is restored. */
static int is_silent(const struct run *run)
{
	return run->listening || run->m->part > 0;
}

/* ---- values and scales ------------------------------------------------------------------------------- */

static double inner_span(const struct run *run)
{
	return run->record->inner.white - run->record->inner.black;
}

/* Factor from differences on the inner scale to units of the range. */
static double inner_unit(const struct run *run)
{
	return inner_span(run) / (run->m->hi - run->m->lo);
}

/* Factor from differences on the engine's scale to units of the range.  A stabiliser makes it vary with the noise. */
static double engine_unit(const struct run *run)
{
	return run->stabiliser ? run->record->noise / run->reference_noise : inner_unit(run);
}

static int is_picture(const struct run *run)
{
	return (problem_flags(run->r->problem) & LACUNA_PICTURE) != 0;
}

/* y = A x + b: subtracts b, so that the rest is linear. */
static int take_offset(struct run *run)
{
	const size_t n = run->r->y_count;
	const double unit = run->m->unit > 0 ? run->m->unit : 1;
	float *b = memory_alloc_array(n, sizeof *b);
	int status = LACUNA_ENOMEM, found = 0;

	if (b)
		status = problem_offset(run->r->problem, b, &found);
	for (size_t i = 0; !status && found && i < n; i++)
		run->y[i] = (float)(run->y[i] - unit * b[i]);
	memory_release(b);
	return status;
}

static int copy_measurement(struct run *run)
{
	const size_t n = run->r->y_count;
	int status;

	/* Forget which values the previous image lacked, and how accurate they were. */
	problem_forget(run->r->problem);
	run->y = memory_alloc_array(n, sizeof *run->y);
	run->read = memory_alloc_array(n, sizeof *run->read);
	if (!run->y || !run->read)
		return LACUNA_ENOMEM;
	memcpy(run->y, run->m->y, n * sizeof *run->y);
	status = take_offset(run);
	return status ? status : problem_project(run->r->problem, run->y);
}

/* Impulses are neither noise nor values that a blur made, and stay. */
static int doubt_impulses(struct run *run)
{
	const size_t n = run->r->y_count;
	float *values;
	int status;

	if (!is_picture(run) || is_silent(run))
		return LACUNA_OK;
	values = memory_alloc_array(n, sizeof *values);
	status = values ? problem_measured(run->r->problem, values) : LACUNA_ENOMEM;
	for (size_t i = 0; !status && i < n; i++)
		values[i] = values[i] > 0 ? run->y[i] : NAN;
	for (int largest = 0; !status && largest < 2; largest++) {
		double value, part;

		status = reject_find_impulses(&run->r->y, values, largest, &value, &part);
		if (status || !(part > 0))
			continue;
		run->record->doubts++;
		log_message(LACUNA_LOG_WARN,
			    "%s: %.2g %% of the values are %.9g and unlike their neighbours (salt "
			    "and pepper); they stay, unless -A mask:value=%.9g says that such "
			    "pixels are missing",
			    run->m->name, 100 * part, value, value);
	}
	memory_release(values);
	return status;
}

static int reject(struct run *run)
{
	const size_t n = run->r->y_count;
	size_t *count = &run->record->rejected;
	double ratio;
	int status;

	if (!(run->job->reject > 0) || !is_picture(run))
		return LACUNA_OK;
	status = reject_ratio(run->r->problem, &ratio);
	if (!status)
		status = reject_lone(&run->r->y, run->y, ratio, run->job->reject, &run->rejected,
				     count);
	if (status || !*count)
		return status;
	for (size_t i = 0; i < *count; i++)
		run->y[run->rejected[i]] = NAN;
	if (is_silent(run))
		return LACUNA_OK;
	log_message(LACUNA_LOG_INFO,
		    "%s: %zu lone value%s (%.2g %%) count as missing, because no blur could have "
		    "made them. They are written unchanged; --reject no keeps such values",
		    run->m->name, *count, *count == 1 ? "" : "s", 100 * (double)*count / (double)n);
	return LACUNA_OK;
}

/* For a y that is no picture: y is A x as it stands, with x in lo..hi. */
static int enter_foreign_scale(struct run *run)
{
	const struct measurement *m = run->m;
	const struct scale stated = { m->lo, m->hi, -INFINITY, INFINITY };
	struct problem *problem = run->r->problem;
	float *ones = NULL;
	int status = LACUNA_OK;

	if (m->lo != 0) {
		if (!(problem_flags(problem) & LACUNA_LINEAR))
			return error_set(
				LACUNA_EUNSUPPORTED,
				"an operator that is not linear and does not make a picture needs "
				"a range that begins at 0; give --range 0:HI");
		ones = memory_alloc_array(run->r->y_count, sizeof *ones);
		status = ones ? problem_apply_to_ones(problem, ones) : LACUNA_ENOMEM;
	}
	run->record->inner = stated;
	if (!status)
		scale_measurement(run->r->y_count, 0, &stated, ones, run->y);
	/* Without ones black is 0, so they do not matter. */
	memory_release(ones);
	memcpy(run->read, run->y, run->r->y_count * sizeof *run->read);
	run->lowest = -INFINITY;
	run->highest = INFINITY;
	return status;
}

/* ones: A 1.  True when y has the values of a picture wherever it depends on one. */
static int keeps_brightness(const float *ones, size_t n)
{
	size_t i = 0;

	while (i < n && (ones[i] == 0 || (ones[i] > 0.2f && ones[i] < 5)))
		i++;
	return i == n;
}

/* The inner scale is lo..hi if the scene fills half of it or more, else the range that the scene fills.  It is lo..hi also
 * if the operator cannot follow a change of scale: it is not linear, or its y is no picture. */
static int enter_scale(struct run *run)
{
	const struct measurement *m = run->m;
	const struct scale stated = { m->lo, m->hi, -INFINITY, INFINITY };
	struct problem *problem = run->r->problem;
	struct scale *inner = &run->record->inner;
	float *ones = NULL;
	int picture = 0, status = LACUNA_OK;

	if (!is_picture(run))
		return enter_foreign_scale(run);
	if (m->seen && (problem_flags(problem) & LACUNA_LINEAR)) {
		ones = memory_alloc_array(run->r->y_count, sizeof *ones);
		status = ones ? problem_apply_to_ones(problem, ones) : LACUNA_ENOMEM;
		picture = !status && keeps_brightness(ones, run->r->y_count);
	}
	*inner = picture ? scale_choose(&stated, m->seen) : stated;
	if (!status)
		scale_measurement(run->r->y_count, m->lo, inner, ones, run->y);
	memory_release(ones);
	memcpy(run->read, run->y, run->r->y_count * sizeof *run->read);
	if (!is_silent(run) && (m->step == 0 || inner->white - inner->black < m->hi - m->lo))
		log_message(LACUNA_LOG_INFO, "%s: black is %.6g, white is %.6g%s", m->name,
			    inner->black, inner->white,
			    m->stated ? "" : " (measured; set others with --range)");
	run->lowest = (inner->lowest - inner->black) / (inner->white - inner->black);
	run->highest = (inner->highest - inner->black) / (inner->white - inner->black);
	return status;
}

/* Puts the values of y that were rejected back into picture, as they were read. */
static void write_back_rejected(const struct run *run, float *picture)
{
	if (memcmp(&run->r->result, &run->r->y, sizeof run->r->y) != 0)
		return;
	for (size_t i = 0; i < run->record->rejected; i++)
		picture[run->rejected[i]] = run->m->y[run->rejected[i]];
}

static void leave_scale(const struct run *run, float *picture)
{
	scale_leave(run->r->count, &run->record->inner, picture);
	write_back_rejected(run, picture);
}

/* ---- noise ------------------------------------------------------------------------------------------- */

/* True when the noise differs from value to value. */
static int varies(const struct run *run)
{
	const struct noise *noise = &run->record->description.noise;

	return run->m->deviation ||
	       (run->job->noise.sigma < 0 && (noise->slope > 0 || noise->channel[0] > 0));
}

static void average_deviation(struct run *run)
{
	const float *deviation = run->m->deviation;
	double sum = 0, count = 0;

	for (size_t i = 0; i < run->r->y_count; i++)
		if (!isnan(run->y[i])) {
			sum += (double)deviation[i] * (double)deviation[i];
			count++;
		}
	run->record->description.noise.sigma = count > 0 ? sqrt(sum / count) / inner_span(run) : 0;
	run->record->description.how = "as stated";
}

/* Takes the settled noise. */
static void recall_noise(struct run *run)
{
	struct noise_description *d = &run->record->description;
	const struct restorer *r = run->r;

	*d = r->heard[0].description;
	run->record->doubts += d->doubts; /* the warnings came with the estimate */
	d->noise = noise_rescale(&d->noise, &r->heard[0].inner, &run->record->inner);
	d->wide *= (r->heard[0].inner.white - r->heard[0].inner.black) / inner_span(run);
	run->record->noise = d->noise.sigma * inner_unit(run);
}

/* Noise stated as 0 means that the values shall stay, whatever they are. */
static int doubt_stated(struct run *run)
{
	struct restore_record *record = run->record;
	int status;

	if (!(record->noise > 0) || !is_picture(run) || is_silent(run))
		return LACUNA_OK;
	status = noise_compare(run->r->problem, run->y, record->noise / inner_unit(run),
			       inner_unit(run), run->m->name, &record->description);
	record->doubts += record->description.doubts;
	return status;
}

static int find_noise(struct run *run)
{
	struct restore_record *record = run->record;
	struct noise_description *d = &record->description;
	const struct stated_noise *stated = &run->job->noise;
	const char *how;
	int status = LACUNA_OK;

	record->estimated = restorer_estimates(run->r, run->m);
	record->noise = stated->sigma;
	if (record->estimated && run->r->settled) {
		recall_noise(run);
		return LACUNA_OK;
	}
	if (run->m->deviation)
		average_deviation(run);
	else if (stated->sigma >= 0)
		return doubt_stated(run);
	else if (!is_picture(run))
		return error_set(LACUNA_EINVAL,
				 "noise cannot be estimated, because this operator does not "
				 "measure a picture; state it: -n SIGMA (0: none) or -n NOISE.tif");
	else if (stated->gain > 0)
		noise_of_photons(stated, &record->inner, run->r->y_count, run->y, d);
	else
		status = noise_estimate(run->r->problem, run->y, run->m->step / inner_span(run),
					-record->inner.black / inner_span(run), run->m->name, d);
	if (status)
		return status;
	record->doubts += d->doubts;
	record->noise = d->noise.sigma * inner_unit(run);
	if (is_silent(run))
		return LACUNA_OK;
	how = d->how ? d->how : d->noise.slope > 0 ? "growing with brightness" : NULL;
	log_message(LACUNA_LOG_INFO, "%s: noise %s: %.3g of full scale (%.3g/255)%s%s",
		    run->m->name,
		    record->estimated	? "estimated"
		    : run->m->deviation ? "of each pixel"
					: "of photons",
		    record->noise, record->noise * 255, how ? ", " : "", how ? how : "");
	return status;
}

/* sigma: standard deviation at each value, from the level of the scene; *reference: that of the mean precision. */
static int find_map(const struct run *run, const float *level, int radius, float *sigma,
		    double *reference)
{
	const size_t n = run->r->y_count;
	double precision = 0, count = 0;
	int status = LACUNA_OK;

	if (run->m->deviation)
		for (size_t i = 0; i < n; i++)
			sigma[i] = (float)((double)run->m->deviation[i] / inner_span(run));
	else
		status = noise_map(&run->r->y, &run->record->description.noise, level, radius,
				   sigma);
	for (size_t i = 0; !status && i < n; i++)
		if (!run->m->deviation || !isnan(run->read[i])) {
			precision += 1 / ((double)sigma[i] * (double)sigma[i]);
			count++;
		}
	*reference = sqrt(count / precision);
	return status;
}

/* Makes noise that grows with brightness even where the operator allows it and there is enough light.  With a few photons at
 * most the transform is curved within the noise of one value, and weights do better. */
static int choose_stabiliser(struct run *run)
{
	static const double most = 0.4;
	const struct noise *noise = &run->record->description.noise;
	int keeps, status;

	run->record->dealt_with = varies(run) ? "weights" : "one level";
	if (!varies(run) || run->m->deviation || !(noise->slope > 0))
		return LACUNA_OK;
	status = noise_keeps_values(run->r->problem, &keeps);
	if (status || !keeps)
		return status;
	status = stabiliser_create(noise, &run->stabiliser);
	if (status)
		return status;
	if (stabiliser_sigma(run->stabiliser) > most) {
		stabiliser_destroy(run->stabiliser);
		run->stabiliser = NULL;
		return LACUNA_OK;
	}
	run->record->dealt_with = "transform";
	run->lowest = stabiliser_expect(run->stabiliser, run->lowest);
	run->highest = stabiliser_expect(run->stabiliser, run->highest);
	return LACUNA_OK;
}

/* Gives y to the problem, with weights where the noise differs from value to value.  level: an image of the scene without
 * noise, y-shaped, or NULL. */
static int measure_with(struct run *run, const float *level)
{
	enum { RADIUS = 3 };
	struct problem *problem = run->r->problem;
	const size_t n = run->r->y_count;
	float *sigma = NULL;
	int status = LACUNA_OK;

	memcpy(run->y, run->read, n * sizeof *run->y);
	run->reference_noise = run->record->noise / inner_unit(run);
	if (run->stabiliser) {
		run->reference_noise = stabiliser_sigma(run->stabiliser);
		stabiliser_enter(run->stabiliser, n, run->y);
	} else if (varies(run)) {
		sigma = memory_alloc_array(n, sizeof *sigma);
		status = sigma ? find_map(run, level ? level : run->read, level ? 0 : RADIUS, sigma,
					  &run->reference_noise)
			       : LACUNA_ENOMEM;
	}
	if (!status)
		status = problem_measure(problem, run->y, run->reference_noise,
					 &run->record->missing);
	for (size_t i = 0; !status && sigma && i < n; i++)
		sigma[i] = (float)(run->reference_noise / (double)sigma[i]);
	if (!status && sigma)
		status = problem_weigh(problem, sigma);
	memory_release(sigma);
	return status;
}

static int measure(struct run *run)
{
	return measure_with(run, NULL);
}

static struct prior_stock *stock_of(struct restorer *r)
{
	return r->job->stock ? r->job->stock : &r->own;
}

/* ---- noise wider than a pixel ------------------------------------------------------------------------- */

/* Adds `half', enlarged to twice its size by interpolation, to a plane of w x h. */
static void add_enlarged(const float *half, int64_t w, int64_t h, float *plane)
{
	const int64_t hw = w / 2, hh = h / 2;

	for (int64_t j = 0; j < h; j++)
		for (int64_t i = 0; i < w; i++) {
			const int64_t x = i / 2 < hw ? i / 2 : hw - 1,
				      y = j / 2 < hh ? j / 2 : hh - 1;
			const int64_t x2 = i % 2 ? x + (x + 1 < hw) : x - (x > 0);
			const int64_t y2 = j % 2 ? y + (y + 1 < hh) : y - (y > 0);
			const double here = half[x + hw * y], beside = half[x2 + hw * y];
			const double below = half[x + hw * y2], across = half[x2 + hw * y2];

			plane[i + w * j] +=
				(float)((9 * here + 3 * beside + 3 * below + across) / 16);
		}
}

/* Restores the picture at half its size, where the noise is nearly white; change: the result less half.  Where an operator
 * keeps values, what it does besides (offsets, missing values) has been undone at the full size. */
static int restore_half(struct run *run, const struct lacuna_shape *shape, const float *half,
			float *change)
{
	struct plugin_use plain = { .plugin = NULL };
	const struct restore_job job = {
		.operators = &plain,
		.operator_count = 1,
		.method = run->job->method,
		.noise.sigma = run->record->description.wide,
		.seed = run->job->seed,
		.samples = 1,
		.accuracy = run->job->accuracy,
		.stock = stock_of(run->r),
	};
	const struct measurement m = { .name = run->m->name,
				       .number = run->m->number,
				       .y = half,
				       .hi = 1,
				       .whole = noise_half_shape(&run->m->whole),
				       .x = run->m->x / 2,
				       .y0 = run->m->y0 / 2,
				       .part = 1, /* a later part gives no messages */
				       .parts = 1 };
	struct restorer *r = NULL;
	struct restored result = { .picture = NULL };
	int status = use_parse(LACUNA_OPERATOR, "identity", &plain);

	if (!status)
		status = restorer_create(&job, &r);
	if (!status)
		status = restorer_shape(r, shape, NULL);
	if (!status)
		status = restorer_run(r, &m, &result);
	for (size_t i = 0; !status && i < lacuna_count(shape); i++)
		change[i] = isnan(half[i]) ? 0 : result.picture[i] - half[i];
	run->record->doubts += result.record.doubts;
	restored_free(&result);
	restorer_destroy(r);
	use_free(&plain);
	return status;
}

/* A denoiser of white noise mistakes noise wider than a pixel for texture.  In means of 2x2 values that noise is nearly
 * white, and it is removed there first. */
static int take_wide_noise(struct run *run)
{
	const struct lacuna_shape *y = &run->r->y;
	const struct lacuna_shape shape = noise_half_shape(y);
	const size_t n = lacuna_count(&shape);
	const int64_t w = y->extent[0], h = y->extent[1], area = w * h,
		      half_area = shape.extent[0] * shape.extent[1];
	float *half, *change;
	int keeps, status;

	if (!(run->record->description.wide > 0))
		return LACUNA_OK;
	status = noise_keeps_values(run->r->problem, &keeps);
	if (status || !keeps)
		return status;
	if (!is_silent(run))
		log_message(LACUNA_LOG_INFO,
			    "%s: the grain of the noise (%.3g of full scale) is wider than a "
			    "pixel; noise is first removed at half the size",
			    run->m->name, run->record->description.wide * inner_unit(run));
	half = memory_alloc_array(n, sizeof *half);
	change = memory_alloc_array(n, sizeof *change);
	status = half && change ? LACUNA_OK : LACUNA_ENOMEM;
	if (!status) {
		noise_halve(y, run->read, half);
		status = restore_half(run, &shape, half, change);
	}
	for (int64_t c = 0; !status && c < y->extent[2] * y->extent[3]; c++)
		add_enlarged(change + c * half_area, w, h, run->read + c * area);
	memory_release(half);
	memory_release(change);
	return status;
}

/* ---- samples ----------------------------------------------------------------------------------------- */

static void tell_progress(void *context, int64_t step, int64_t steps)
{
	const struct run *run = context;
	const int64_t parts = run->m->parts ? run->m->parts : 1;

	run->job->progress(run->job->context, run->m->part * steps + step, parts * steps);
}

static void tell_within(void *context, double share)
{
	const struct run *run = context;

	run->job->within(run->job->context, share);
}

/* A session_options.gaussian: the random numbers that the whole picture would get at the place of this window.  x extends
 * beyond the whole picture as far as beyond this window. */
static void gaussian_in_place(void *context, uint64_t stream, uint64_t position, float *out,
			      size_t n)
{
	const struct run *run = context;
	const struct measurement *m = run->m;
	const struct lacuna_shape *x = problem_x(run->r->problem);
	const int64_t factor = run->r->result.extent[0] / run->r->y.extent[0];
	const uint64_t w = (uint64_t)x->extent[0], h = (uint64_t)x->extent[1];
	const uint64_t all_w = w + (uint64_t)(factor * (m->whole.extent[0] - run->r->y.extent[0]));
	const uint64_t all_h = h + (uint64_t)(factor * (m->whole.extent[1] - run->r->y.extent[1]));
	const struct random_key key = { run->job->seed, m->number, 0 };

	while (n) {
		const uint64_t column = position % w, row = position / w % h,
			       plane = position / (w * h);
		const size_t some = n < w - column ? n : (size_t)(w - column);
		const uint64_t at = column + (uint64_t)(factor * m->x) +
				    all_w * (row + (uint64_t)(factor * m->y0) + all_h * plane);

		random_gaussian(key, stream, at, out, some);
		position += some;
		out += some;
		n -= some;
	}
}

static int create_session(struct run *run)
{
	struct method *method = run->job->method;
	const struct session_options options = {
		.seed = run->job->seed,
		.image = run->m->number,
		.start = run->start,
		.pairs = run->job->pairs,
		.lowest = &run->lowest,
		.highest = &run->highest,
		.stock = stock_of(run->r),
		.progress = run->job->progress ? tell_progress : NULL,
		.progress_context = run,
		.within = run->job->within ? tell_within : NULL,
		.gaussian = run->m->whole.extent[0] && run->job->samples == 1 ? gaussian_in_place
									      : NULL,
		.laboratory = run,
	};
	int status;

	do {
		status = session_create(run->r->problem, &method->prior,
					method->has_guidance ? &method->guidance : NULL,
					&method->sampler, &options, &run->session);
		/* The stock must not keep them: plugins of another method may get the same addresses. */
		if (status)
			prior_stock_clear(stock_of(run->r));
	} while (status && method_fall_back(method, status));
	if (!status)
		run->record->precision = session_precision(run->session);
	return status;
}

static int read_start(struct run *run)
{
	const size_t n = lacuna_count(problem_x(run->r->problem));

	if (!run->m->start)
		return LACUNA_OK;
	run->start = memory_alloc_array(n, sizeof *run->start);
	if (!run->start)
		return LACUNA_ENOMEM;
	memcpy(run->start, run->m->start, n * sizeof *run->start);
	scale_enter(n, &run->record->inner, run->start);
	for (size_t i = 0; run->stabiliser && i < n; i++)
		run->start[i] = (float)stabiliser_expect(run->stabiliser, (double)run->start[i]);
	return LACUNA_OK;
}

static int allocate_results(struct run *run)
{
	const int64_t samples = run->job->samples;
	struct restored *out = run->out;

	run->x = memory_alloc_array(lacuna_count(problem_x(run->r->problem)), sizeof *run->x);
	out->record.samples = memory_alloc_array((size_t)samples, sizeof *out->record.samples);
	if (!run->x || !out->record.samples)
		return LACUNA_ENOMEM;
	return samples > 1
		       ? ensemble_create(&run->ensemble, run->r->count, samples, run->job->pairs)
		       : LACUNA_OK;
}

static int hand_over_sample(const struct run *run, int64_t sample)
{
	const size_t n = run->r->count;
	float *copy;
	int status;

	if (!run->job->sample)
		return LACUNA_OK;
	copy = memory_alloc_array(n, sizeof *copy);
	if (!copy)
		return LACUNA_ENOMEM;
	memcpy(copy, run->out->picture, n * sizeof *copy);
	leave_scale(run, copy);
	status = run->job->sample(run->job->context, sample, copy);
	memory_release(copy);
	return status;
}

static int draw_sample(struct run *run, int64_t sample)
{
	const struct problem *problem = run->r->problem;
	struct session_stats *stats = &run->out->record.samples[sample];
	int status;

	if (run->job->begin && !run->m->part)
		run->job->begin(run->job->context);
	status = session_run(run->session, (uint32_t)sample, run->x, stats);
	if (!status && cancel_requested())
		status = LACUNA_ECANCELLED;
	if (status)
		return status;
	/* Not earlier: a session needs most memory while it runs. */
	if (!run->out->picture)
		run->out->picture = memory_alloc_array(run->r->count, sizeof *run->out->picture);
	if (!run->out->picture)
		return LACUNA_ENOMEM;
	window_get(problem_x(problem), problem_window(problem), run->x, run->out->picture);
	if (run->stabiliser)
		stabiliser_leave(run->stabiliser, run->r->count, run->out->picture);
	if (run->ensemble.n)
		ensemble_add(&run->ensemble, run->out->picture);
	run->residual = stats->residual;
	stats->residual *= engine_unit(run);
	log_message(LACUNA_LOG_DEBUG,
		    "%s, sample %lld: %lld steps, %lld evaluations, %.2f s, residual %.4g, "
		    "expected %.4g",
		    run->m->name, (long long)sample + 1, (long long)stats->steps,
		    (long long)stats->evaluations, stats->seconds, stats->residual,
		    run->reference_noise * engine_unit(run));
	return hand_over_sample(run, sample);
}

static int draw_samples(struct run *run)
{
	const int64_t samples = run->job->samples;
	double residual = 0;
	int status = LACUNA_OK;

	for (int64_t k = 0; !status && k < samples; k++) {
		status = draw_sample(run, k);
		residual += run->out->record.samples[k].residual / (double)samples;
	}
	run->record->residual = residual;
	if (!status && run->ensemble.n)
		ensemble_mean(&run->ensemble, run->out->picture);
	if (!status)
		run->out->record.sample_count = samples;
	return status;
}

/* ---- once more, better ------------------------------------------------------------------------------- */

static int draw_again(struct run *run, const float *level)
{
	int status;

	if (run->ensemble.n)
		ensemble_reset(&run->ensemble);
	session_destroy(run->session);
	run->session = NULL;
	status = measure_with(run, level);
	if (!status)
		status = create_session(run);
	return status ? status : draw_samples(run);
}

/* Share of the values, on the inner scale, that the file cannot hold or that are outside the stated range.  Values that are
 * rounded to an end of it count as well. */
static double clipped_share(const struct run *run, const float *values, size_t n)
{
	const double half = run->m->step / 2;
	const double lo = (run->m->lo + half - run->record->inner.black) / inner_span(run);
	const double hi = (run->m->hi - half - run->record->inner.black) / inner_span(run);
	size_t out = 0;

	for (size_t i = 0; i < n; i++)
		out += (double)values[i] <= lo || (double)values[i] >= hi;
	return (double)out / (double)n;
}

/* The same of the measurement; 0 if it is no picture. */
static double clipped_before(const struct run *run)
{
	return is_picture(run) ? clipped_share(run, run->read, run->r->y_count) : 0;
}

/* Restores again with more noise if the result is clipped: a wrong kernel, or too little noise, makes a maze of black and
 * white. */
static int retreat(struct run *run)
{
	static const double tolerated = 0.02;
	enum { TRIES = 3 };
	struct restore_record *record = run->record;
	const double before = clipped_before(run);
	double after = clipped_share(run, run->out->picture, run->r->count);
	int status = LACUNA_OK;

	for (int i = 0; i < TRIES && !status && after > before + tolerated; i++) {
		const double factor = after > before + 3 * tolerated ? 3 : 2;

		record->doubts += i == 0;
		noise_raise(&record->description.noise, factor);
		record->noise *= factor;
		log_message(
			LACUNA_LOG_WARN,
			"%s: %.2g %% of the result would be clipped, but only %.2g %% of the "
			"input; restored again with noise %.3g.  The operator or -n may be wrong",
			run->m->name, 100 * after, 100 * before, record->noise);
		status = draw_again(run, NULL);
		after = clipped_share(run, run->out->picture, run->r->count);
	}
	return status;
}

/* Restores again with the noise at the restored levels, which are more accurate than those of y. */
static int refine_map(struct run *run)
{
	const size_t n = run->r->y_count;
	float *level = memory_alloc_array(n, sizeof *level);
	int status = LACUNA_ENOMEM;

	if (level) {
		memcpy(level, run->out->picture, n * sizeof *level);
		status = draw_again(run, level);
	}
	memory_release(level);
	return status;
}

/* Restores again where that helps, unless the user stated the noise or a sample has been handed over. */
static int improve(struct run *run)
{
	const uint32_t flags = problem_flags(run->r->problem);

	if (run->m->deviation || run->job->noise.sigma >= 0 || run->job->sample)
		return LACUNA_OK;
	if (!(flags & LACUNA_PIXELWISE))
		return restorer_estimates(run->r, run->m) ? retreat(run) : LACUNA_OK;
	/* With other operators the level of y is not that of the picture. */
	if (!(flags & LACUNA_LINEAR) || memcmp(&run->r->result, &run->r->y, sizeof run->r->y) != 0)
		return LACUNA_OK;
	return run->record->description.noise.slope > 0 && !run->stabiliser ? refine_map(run)
									    : LACUNA_OK;
}

static int invents_colours(const struct restorer *r)
{
	for (size_t i = 0; i < r->operator_count; i++)
		if (r->operators[i].plugin->u.op.flags & LACUNA_COLORLESS)
			return 1;
	return 0;
}

/* Warns if the result should not be trusted. */
static int check_result(struct run *run)
{
	/* The residual of point estimates is 0.8 to 1.4 times the noise; with a wrong kernel (a maze) 4 to 18 times. */
	static const double trusted = 3, least = 0.5 / 255, clipped = 0.05;
	const double before = clipped_before(run);
	const double after = clipped_share(run, run->out->picture, run->r->count);

	if (invents_colours(run->r) && !is_silent(run)) {
		run->record->doubts++;
		log_message(LACUNA_LOG_WARN,
			    "%s: the colours are invented, because only the luminance is measured; "
			    "another --seed gives other colours",
			    run->m->name);
	}
	if (run->job->samples == 1 && run->residual > fmax(trusted * run->reference_noise, least)) {
		run->record->doubts++;
		log_message(LACUNA_LOG_WARN,
			    "%s: the result differs from the measurement by %.3g, but the noise is "
			    "%.3g of full scale; the operator or -n may be wrong",
			    run->m->name, run->residual * engine_unit(run),
			    run->reference_noise * engine_unit(run));
	}
	if (after > before + clipped && !restorer_estimates(run->r, run->m)) {
		run->record->doubts++;
		log_message(LACUNA_LOG_WARN,
			    "%s: %.2g %% of the result is clipped, but only %.2g %% of the input; "
			    "the operator may be wrong, or the noise may be more than %.3g; -n "
			    "auto estimates it",
			    run->m->name, 100 * after, 100 * before, run->record->noise);
	}
	return LACUNA_OK;
}

/* ---- the posterior's deviation ----------------------------------------------------------------------- */

static int prior_mean(void *context, const float *sigma, const float *u, float *x0)
{
	return session_mean(context, sigma, u, x0);
}

static int conditional_mean(void *context, const float *sigma, const float *u, float *x0)
{
	return session_conditional(context, (double)sigma[0], u, x0);
}

/* The largest distance of a pixel from a measured one, in steps along rows and columns.  distance: work, x-shaped. */
static int64_t deepest(const struct lacuna_shape *x, const float *d, float *distance)
{
	const int64_t w = x->extent[0], h = x->extent[1], n = (int64_t)lacuna_count(x);
	const float far = (float)(w + h);
	float most = 0;

	for (int64_t i = 0; i < n; i++) {
		const float left = i % w ? distance[i - 1] + 1 : far;
		const float above = i / w % h ? distance[i - w] + 1 : far;

		distance[i] = d[i] > 0 ? 0 : fminf(left, above);
	}
	for (int64_t i = n - 1; i >= 0; i--) {
		const float right = i % w < w - 1 ? distance[i + 1] + 1 : far;
		const float below = i / w % h < h - 1 ? distance[i + w] + 1 : far;

		distance[i] = fminf(distance[i], fminf(right, below));
		most = fmaxf(most, distance[i]);
	}
	return (int64_t)most;
}

/* In the middle of large holes the mean tells little about what may be there: doc/measurements.md. */
static void warn_of_holes(struct run *run, const float *d, float *work)
{
	enum { TRUSTED = 8 };

	if (deepest(problem_x(run->r->problem), d, work) <= TRUSTED)
		return;
	run->record->doubts++;
	log_message(LACUNA_LOG_WARN,
		    "%s: in holes wider than about 12 pixels the deviation of --std is too small, "
		    "by half or more; --samples 8 gives a better one",
		    run->m->name);
}

/* d: A'A = diag(d).  b: work. */
static int ask_tweedie(struct run *run, float *d, float *b)
{
	struct problem *problem = run->r->problem;
	const struct tweedie t = {
		.x = *problem_x(problem),
		.d = d,
		.b = b,
		.estimate = run->x,
		.noise = run->reference_noise,
		.trained = (run->job->method->prior.plugin->u.prior.flags & LACUNA_TRAINED) != 0,
		.key = { run->job->seed, run->m->number, UINT32_MAX },
		.mean = prior_mean,
		.context = run->session,
	};
	int status = problem_adjoint(problem, NULL, problem_measurement(problem), b);

	run->record->deviation = "tweedie";
	if (!status)
		status = tweedie_deviation(&t, run->deviation);
	if (!status)
		warn_of_holes(run, d, b);
	return status;
}

static int ask_conditional(struct run *run)
{
	const struct tweedie t = {
		.x = *problem_x(run->r->problem),
		.estimate = run->x,
		.noise = run->reference_noise,
		.key = { run->job->seed, run->m->number, UINT32_MAX },
		.mean = conditional_mean,
		.context = run->session,
	};

	run->record->deviation = "gaussian";
	return tweedie_deviation(&t, run->deviation);
}

static int ask_wiener(struct run *run)
{
	const struct wiener t = {
		.problem = run->r->problem,
		.estimate = run->x,
		.noise = run->reference_noise,
		.key = { run->job->seed, run->m->number, UINT32_MAX },
	};

	run->record->deviation = "wiener";
	return wiener_deviation(&t, run->deviation);
}

/* Sets run->deviation from the prior's experience.  guess: see struct lacuna_estimate. */
static int ask_prior(struct run *run, const float *guess, int pixelwise)
{
	const struct lacuna_estimate e = {
		.size = sizeof e,
		.pixelwise = pixelwise,
		.x = run->x,
		.guess = guess,
		.noise = run->reference_noise,
	};
	const int status = session_deviation(run->session, &e, run->deviation);

	if (!status)
		run->record->deviation = "prior";
	return status;
}

/* d: work, two images */
static int ask_pixelwise(struct run *run, float *d)
{
	/* the guess for missing pixels, and the noise assumed for a noiseless measurement */
	static const double unknown = 0.5, least = 0.5 / 255;
	const size_t n = lacuna_count(problem_x(run->r->problem));
	const double noise = fmax(run->reference_noise, least);
	float *guess = d + n;
	int status = problem_diagonal(run->r->problem, d);

	for (size_t i = 0; !status && i < n; i++)
		guess[i] = (float)fmin(noise / sqrt(fmax((double)d[i], 1e-30)), unknown);
	if (!status)
		status = ask_prior(run, guess, 1);
	if (status == LACUNA_EUNSUPPORTED)
		return ask_tweedie(run, d, d + n);
	for (size_t i = 0; !status && !(run->reference_noise > 0) && i < n; i++)
		if (d[i] > 0)
			run->deviation[i] = 0; /* measured exactly */
	return status;
}

/* guess: work */
static int ask_mixed(struct run *run, float *guess)
{
	const size_t n = lacuna_count(problem_x(run->r->problem));
	int status = ask_wiener(run);

	if (status)
		return status;
	memcpy(guess, run->deviation, n * sizeof *guess);
	status = ask_prior(run, guess, 0);
	return status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status;
}

/* d: work, two images */
static int ask(struct run *run, float *d)
{
	switch (method_deviation(run->job->method)) {
	case DEVIATION_TWEEDIE:
		return ask_pixelwise(run, d);
	case DEVIATION_CONDITIONAL:
		return ask_conditional(run);
	default:
		return ask_mixed(run, d);
	}
}

/* Converts run->deviation from the engine's scale to the inner one, by the slope of the transform at the picture. */
static void leave_stabilised(const struct run *run)
{
	const double step = 1e-3;

	for (size_t i = 0; i < run->r->count; i++) {
		const double x = (double)run->out->picture[i];
		const double rise = stabiliser_expect(run->stabiliser, x + step) -
				    stabiliser_expect(run->stabiliser, x - step);

		run->deviation[i] =
			(float)((double)run->deviation[i] * 2 * step / fmax(rise, 1e-6));
	}
}

/* Sets run->deviation for the picture, on the inner scale. */
static int find_deviation(struct run *run)
{
	const size_t n = lacuna_count(problem_x(run->r->problem));
	float *d;
	int status;

	if (!run->job->deviation)
		return LACUNA_OK;
	run->deviation = memory_alloc_array(n, sizeof *run->deviation);
	d = memory_alloc_array(2 * n, sizeof *d);
	status = run->deviation && d ? ask(run, d) : LACUNA_ENOMEM;
	if (!status)
		window_get(problem_x(run->r->problem), problem_window(run->r->problem),
			   memcpy(d, run->deviation, n * sizeof *d), run->deviation);
	if (!status && run->stabiliser)
		leave_stabilised(run);
	memory_release(d);
	return status;
}

/* ---- results ----------------------------------------------------------------------------------------- */

/* Converts the result to the values of y.  Marks values that are as measured, which are then y's to the bit: float holds 24
 * bits, a file may hold more. */
static int leave(struct run *run)
{
	const size_t n = run->r->count;
	struct restored *out = run->out;

	if (is_picture(run) && !memcmp(&run->r->result, &run->r->y, sizeof run->r->y) &&
	    !(run->record->description.wide > 0)) {
		out->record.unchanged = memory_alloc(n);
		if (!out->record.unchanged)
			return LACUNA_ENOMEM;
		for (size_t i = 0; i < n; i++)
			out->record.unchanged[i] =
				memcmp(&out->picture[i], &run->read[i], sizeof *run->read) == 0;
	}
	leave_scale(run, out->picture);
	if (!run->ensemble.n && !run->deviation)
		return LACUNA_OK;
	out->deviation = memory_alloc_array(n, sizeof *out->deviation);
	if (!out->deviation)
		return LACUNA_ENOMEM;
	if (run->ensemble.n) {
		run->record->deviation = "samples";
		ensemble_deviation(&run->ensemble, inner_span(run), out->deviation);
		return LACUNA_OK;
	}
	memcpy(out->deviation, run->deviation, n * sizeof *out->deviation);
	for (size_t i = 0; i < n; i++)
		out->deviation[i] *= (float)inner_span(run);
	return LACUNA_OK;
}

/* True when all values that are not missing are alike, or all are missing: nothing to restore, and no noise to estimate. */
static int is_constant(const struct restorer *r, const float *y, float *value)
{
	size_t i = 0;

	while (i < r->y_count && isnan(y[i]))
		i++;
	*value = i < r->y_count ? y[i] : NAN;
	while (i < r->y_count && !(y[i] < *value) && !(y[i] > *value))
		i++;
	return i == r->y_count;
}

/* Missing values get the constant, so they are not as they were. */
static int mark_known(struct run *run, float value)
{
	const struct restorer *r = run->r;
	const float *y = run->m->y;

	for (size_t i = 0; i < r->y_count; i++)
		run->record->missing += isnan(y[i]);
	if (!run->record->missing || isnan(value) || memcmp(&r->result, &r->y, sizeof r->y) != 0)
		return LACUNA_OK;
	run->record->unchanged = memory_alloc(r->y_count);
	if (!run->record->unchanged)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < r->y_count; i++)
		run->record->unchanged[i] = !isnan(y[i]);
	return LACUNA_OK;
}

static int pass_through(struct run *run, float value)
{
	struct restored *out = run->out;
	const size_t n = run->r->count;
	const int deviation = run->job->deviation || run->job->samples > 1;

	if (mark_known(run, value))
		return LACUNA_ENOMEM;
	out->picture = memory_alloc_array(n, sizeof *out->picture);
	if (deviation)
		out->deviation = memory_alloc_array(n, sizeof *out->deviation);
	if (!out->picture || (deviation && !out->deviation))
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < n; i++)
		out->picture[i] = value;
	run->record->constant = 1;
	run->record->estimated = restorer_estimates(run->r, run->m);
	run->record->inner = (struct scale){ .black = run->m->lo, .white = run->m->hi };
	if (!run->m->parts)
		log_message(LACUNA_LOG_WARN, "%s: %s; copied unchanged", run->m->name,
			    isnan(value) ? "all its values are missing"
					 : "all its values are equal");
	for (int64_t k = 0; run->job->sample && k < run->job->samples; k++) {
		const int status = run->job->sample(run->job->context, k, out->picture);

		if (status)
			return status;
	}
	return LACUNA_OK;
}

/* ---- the restorer ------------------------------------------------------------------------------------ */

void restorer_operators(struct restorer *r, const struct plugin_use *operators, size_t count)
{
	const struct plugin_use *use = operators ? operators : r->job->operators;

	if (use == r->operators && (!operators || count == r->operator_count))
		return;
	restorer_rest(r);
	r->operators = use;
	r->operator_count = operators ? count : r->job->operator_count;
}

int restorer_create(const struct restore_job *job, struct restorer **result)
{
	struct restorer *r = memory_alloc(sizeof *r);

	if (!r)
		return LACUNA_ENOMEM;
	r->job = job;
	restorer_operators(r, NULL, 0);
	*result = r;
	return LACUNA_OK;
}

void restorer_rest(struct restorer *r)
{
	problem_destroy(r->problem);
	r->problem = NULL;
}

void restorer_destroy(struct restorer *r)
{
	if (!r)
		return;
	restorer_rest(r);
	prior_stock_clear(&r->own);
	memory_release(r);
}

static int check_memory(const struct restorer *r, const struct lacuna_shape *x,
			const struct lacuna_shape *y)
{
	const size_t needed = session_memory(x, y), budget = r->job->budget;

	if (!budget || needed <= budget)
		return LACUNA_OK;
	return error_set(LACUNA_ENOMEM,
			 "needs about %.1f MiB of memory, but only %.1f MiB are allowed; raise "
			 "--memory or restore the picture in parts",
			 (double)needed / 0x1p20, (double)budget / 0x1p20);
}

/* Checks that the size fits before allocating anything in proportion to the picture. */
int restorer_shape(struct restorer *r, const struct lacuna_shape *y,
		   const struct lacuna_shape *wish)
{
	static const struct lacuna_shape none;
	int status;

	if (!wish)
		wish = &none;
	if (!memcmp(&r->y, y, sizeof *y) && !memcmp(&r->wish, wish, sizeof *wish)) {
		if (r->problem)
			return LACUNA_OK;
	} else {
		restorer_rest(r);
	}
	status = check_memory(r, y, y);
	if (!status)
		status = problem_create_wished(r->operators, r->operator_count, 1, y, wish,
					       &r->problem);
	if (!status && r->job->accuracy)
		problem_set_accuracy(r->problem, r->job->accuracy);
	if (!status)
		status = check_memory(r, problem_x(r->problem), y);
	if (!status && !(problem_flags(r->problem) & LACUNA_PICTURE) &&
	    (problem_flags(r->problem) & LACUNA_LINEAR))
		status = problem_normalise(r->problem);
	if (status) {
		problem_destroy(r->problem);
		r->problem = NULL;
		return status;
	}
	r->y = *y;
	r->wish = *wish;
	r->y_count = lacuna_count(y);
	memcpy(r->result.extent, problem_window(r->problem)->extent, sizeof r->result.extent);
	r->count = lacuna_count(&r->result);
	return LACUNA_OK;
}

const struct lacuna_shape *restorer_x(const struct restorer *r)
{
	return problem_x(r->problem);
}

const struct lacuna_region *restorer_window(const struct restorer *r)
{
	return problem_window(r->problem);
}

int restorer_fits(const struct restorer *r, const struct lacuna_shape *y)
{
	return !r->job->budget || session_memory(y, y) <= r->job->budget;
}

int restorer_has_shape(const struct restorer *r, const struct lacuna_shape *y)
{
	return r->problem && !memcmp(&r->y, y, sizeof *y);
}

const struct restore_job *restorer_job(const struct restorer *r)
{
	return r->job;
}

int restorer_estimates(const struct restorer *r, const struct measurement *m)
{
	return !m->deviation && noise_is_estimated(&r->job->noise);
}

void restorer_forget(struct restorer *r)
{
	r->heard_count = r->settled = 0;
}

int restorer_has_settled(const struct restorer *r)
{
	return r->settled;
}

const struct heard_noise *restorer_heard(const struct restorer *r)
{
	return r->settled ? &r->heard[0] : NULL;
}

void restorer_recall(struct restorer *r, const struct heard_noise *heard)
{
	r->heard[0] = *heard;
	r->heard_count = r->settled = 1;
}

int restorer_listen(struct restorer *r, const struct measurement *m)
{
	struct restored result = { 0 };
	struct run run = { .r = r, .job = r->job, .m = m, .out = &result, .listening = 1 };
	float value;
	int status;

	run.record = &result.record;
	if (r->heard_count == RESTORER_HEARD || !is_picture(&run) || is_constant(r, m->y, &value))
		return LACUNA_OK;
	status = copy_measurement(&run);
	if (!status)
		status = reject(&run);
	if (!status)
		status = enter_scale(&run);
	if (!status)
		status = find_noise(&run);
	if (!status) {
		r->heard[r->heard_count].description = result.record.description;
		r->heard[r->heard_count++].inner = result.record.inner;
	}
	run_free(&run);
	return status;
}

/* Noise in the values of the file. */
static double loudness(const struct restorer *r, int i)
{
	return r->heard[i].description.noise.sigma *
	       (r->heard[i].inner.white - r->heard[i].inner.black);
}

void restorer_settle(struct restorer *r, const struct measurement *m)
{
	int median = 0;

	if (!r->heard_count)
		return;
	for (int i = 0; i < r->heard_count; i++) {
		int below = 0;

		for (int k = 0; k < r->heard_count; k++)
			below += loudness(r, k) < loudness(r, i) ||
				 (k < i && !(loudness(r, k) > loudness(r, i)));
		if (below == r->heard_count / 2)
			median = i;
	}
	r->heard[0] = r->heard[median];
	r->settled = 1;
	log_message(LACUNA_LOG_INFO, "%s: noise estimated: %.3g of full scale%s%s", m->name,
		    loudness(r, 0) / (m->hi - m->lo), r->heard[0].description.how ? ", " : "",
		    r->heard[0].description.how		      ? r->heard[0].description.how
		    : r->heard[0].description.noise.slope > 0 ? ", growing with brightness"
							      : "");
}

int restorer_run(struct restorer *r, const struct measurement *m, struct restored *result)
{
	static int (*const stages[])(struct run *) = {
		copy_measurement,
		doubt_impulses,
		reject,
		enter_scale,
		find_noise,
		take_wide_noise,
		choose_stabiliser,
		measure,
		read_start,
		create_session,
		allocate_results,
		draw_samples,
		improve,
		check_result,
		find_deviation,
		leave,
	};
	struct run run = { .r = r, .job = r->job, .m = m, .out = result };
	int status = LACUNA_OK;
	float value;

	*result = (struct restored){ .record.shape = r->result };
	run.record = &result->record;
	if (r->job->noise.sigma < 0 && is_picture(&run) && is_constant(r, m->y, &value))
		return pass_through(&run, value);
	for (size_t i = 0; !status && i < sizeof stages / sizeof *stages; i++)
		status = stages[i](&run);
	run_free(&run);
	return status;
}

void restored_free(struct restored *r)
{
	memory_release(r->picture);
	memory_release(r->deviation);
	restore_record_free(&r->record);
	*r = (struct restored){ 0 };
}

void restore_record_free(struct restore_record *r)
{
	memory_release(r->unchanged);
	memory_release(r->samples);
	*r = (struct restore_record){ 0 };
}
