/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna simulate: degrades a clean picture, y = A x + sigma n. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/common.h"
#include "cli/operands.h"
#include "cli/picture.h"
#include "cli/outputs.h"
#include "engine/problem.h"

#include <math.h>
#include <string.h>

struct values {
	const char *output, *noise, *range, *type, *pages;
	struct option_list operators;
	int64_t seed, threads;
	uint64_t memory;
	int force, in_place, quiet, verbose;
};

static const struct values defaults = { .noise = "0", .type = "float32" };

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "output", 'o', OPTION_FILE, "OUT.tif", "output file", AT(output) },
	{ "operator", 'A', OPTION_PLUGINS, "OPERATOR",
	  "how to degrade, NAME[:key=value,...]; several apply from left to right", AT(operators),
	  .kind = LACUNA_OPERATOR },
	{ "noise", 'n', OPTION_TEXT, "SIGMA",
	  "standard deviation of the noise to add: a part of full scale, such as 0.01 or "
	  "2.55/255 [0]",
	  AT(noise) },
	{ "seed", 0, OPTION_INTEGER, "N", "seed of the noise [0]", AT(seed), .lo = 0,
	  .hi = 0x1p53 },
	{ "range", 0, OPTION_TEXT, "LO:HI",
	  "values of black and white [full scale of integers; 0:1 or the measured range of floats]",
	  AT(range) },
	{ "type", 't', OPTION_CHOICE, "TYPE",
	  "sample type of the output: uint8, uint16, float32, ... [float32, which neither "
	  "clips nor rounds the noise]",
	  AT(type), .choices = picture_types },
	{ "pages", 0, OPTION_TEXT, "LIST", "process only these pages, such as 1,3-5 [all]",
	  AT(pages) },
	{ "threads", 'j', OPTION_INTEGER, "N", "threads to use [one per processor]", AT(threads),
	  .lo = 1, .hi = 1024 },
	{ "memory", 0, OPTION_SIZE, "SIZE",
	  "memory limit, such as 4G [3/4 of the machine's memory]", AT(memory) },
	{ "force", 'f', OPTION_FLAG, NULL, "replace an existing output file", AT(force) },
	{ "in-place", 0, OPTION_FLAG, NULL, "allow the output to replace the input", AT(in_place) },
	{ "quiet", 'q', OPTION_FLAG, NULL, "print errors only", AT(quiet) },
	{ "verbose", 'v', OPTION_FLAG, NULL, "print more", AT(verbose) },
};

struct simulation {
	struct plugin_use *operators;
	struct operands operands;
	size_t operator_count;
	double noise;
	struct image_range stated;
	const struct image_range *range;
	enum sample_kind kind;
	int bits;
	uint64_t seed;
	size_t budget;
	uint32_t flags; /* of the composed operators */
	struct image_reader *in;
	struct outputs outputs;
	struct image_writer *out;
};

static int parse_values(const struct values *v, struct simulation *s)
{
	if (!v->output)
		return error_set(LACUNA_EINVAL, "no output is given: -o OUT.tif");
	if (!v->operators.count)
		return error_set(LACUNA_EINVAL,
				 "no operator is given: -A says how to degrade; -A identity adds "
				 "only noise; 'lacuna list operators' names all");
	if (!text_real(v->noise, &s->noise) || s->noise < 0)
		return error_set(LACUNA_EINVAL,
				 "--noise takes a number from 0 or a fraction such as 2.55/255, "
				 "not '%s'",
				 v->noise);
	if (v->range) {
		s->range = &s->stated;
		if (picture_parse_range(v->range, &s->stated))
			return LACUNA_EINVAL;
	}
	picture_type(v->type, &s->kind, &s->bits);
	s->seed = (uint64_t)v->seed;
	return LACUNA_OK;
}

static struct image_range output_range(const struct simulation *s, const struct image_page *info,
				       struct image_range range)
{
	const int same =
		s->kind == info->kind && (s->bits == info->bits || s->kind == SAMPLE_FLOAT);

	return same ? range : picture_full_scale(s->kind, s->bits);
}

/* No restoration draws a sample with this number, so its random numbers are independent of this noise, even with the same
 * seed. */
enum { NOISE_SAMPLE = -1 };
/* Memory, in pictures: x, y, two of noise, FFT work space of the operator. */
enum { IMAGES = 10 };

static int simulate(const struct simulation *s, int number, struct problem *problem,
		    const struct image *x, struct image *y)
{
	const struct random_key key = { .seed = s->seed,
					.image = (uint32_t)number,
					.sample = (uint32_t)NOISE_SAMPLE };
	int status = image_create(y, problem_y(problem));

	if (!status)
		status = problem_simulate(problem, x->values, s->noise, key, y->values);
	if (!status && cancel_requested())
		status = LACUNA_ECANCELLED;
	return status;
}

/* Sets missing values of x to `level'. */
static void fill(const struct image *x, const unsigned char *missing, float level)
{
	for (size_t i = 0; i < lacuna_count(&x->shape); i++)
		if (missing[i])
			x->values[i] = level;
}

/* Finds values of y that depend on missing ones of x, which no camera saw: they change with the level put there.  x is left
 * with the first level. */
static int find_missing(struct problem *problem, struct image *x, const unsigned char *missing,
			const float levels[2], unsigned char **of_y)
{
	const size_t n = lacuna_count(problem_y(problem));
	float *y[2] = { memory_alloc_array(n, sizeof **y), memory_alloc_array(n, sizeof **y) };
	int status = LACUNA_OK;

	*of_y = memory_alloc(n);
	if (!y[0] || !y[1] || !*of_y)
		status = LACUNA_ENOMEM;
	for (int i = 1; !status && i >= 0; i--) {
		fill(x, missing, levels[i]);
		status = problem_apply(problem, x->values, y[i]);
	}
	for (size_t i = 0; !status && i < n; i++)
		(*of_y)[i] = fabsf(y[1][i] - y[0][i]) > 0.01f * fabsf(levels[1] - levels[0]);
	memory_release(y[0]);
	memory_release(y[1]);
	return status;
}

/* Replaces NaN in x, whose values are 0..1, and finds the values of y that depend on them.  *of_y: NULL when nothing is
 * missing. */
static int take_missing(struct problem *problem, struct image *x, unsigned char **of_y)
{
	static const float levels[2] = { 0.4f, 0.6f };
	const size_t n = lacuna_count(&x->shape);
	unsigned char *missing = memory_alloc(n);
	size_t count = 0;
	int status = LACUNA_OK;

	if (!missing)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < n; i++)
		count += missing[i] = isnan(x->values[i]) != 0;
	if (count)
		status = find_missing(problem, x, missing, levels, of_y);
	memory_release(missing);
	return status;
}

/* Sets missing values to what the page declares, else to NaN; y is as it will be written. */
static int put_missing(const struct simulation *s, const struct image_page *info, int number,
		       const unsigned char *missing, struct image *y)
{
	const float value = info->has_nodata ? (float)info->nodata : NAN;
	const size_t n = lacuna_count(&y->shape);
	size_t count = 0;

	for (size_t i = 0; missing && i < n; i++)
		if (missing[i]) {
			y->values[i] = value;
			count++;
		}
	if (!count)
		return LACUNA_OK;
	if (!picture_holds(s->kind, s->bits, value))
		return error_set(
			LACUNA_EINVAL,
			"has missing values (%g), which %s cannot hold; choose another with --type",
			(double)value, picture_type_name(s->kind, s->bits));
	log_message(LACUNA_LOG_INFO, "page %d: %zu values are missing and remain missing (%g)",
		    number + 1, count, (double)value);
	return LACUNA_OK;
}

/* Converts y of a picture in 0..1 to file values: A x, whatever numbers that gives. */
static int leave_plain(const struct simulation *s, struct problem *problem,
		       const struct image_page *info, struct image_range range, struct image *y)
{
	const size_t n = lacuna_count(&y->shape);
	float *ones = NULL;
	int status = LACUNA_OK;

	if (s->kind != SAMPLE_FLOAT)
		return error_set(LACUNA_EINVAL,
				 "this operator does not measure a picture, so integers cannot "
				 "hold its values; use --type float32");
	if (info->kind != SAMPLE_FLOAT)
		return LACUNA_OK;
	if (range.lo < 0 || range.lo > 0) {
		ones = memory_alloc_array(n, sizeof *ones);
		status = ones ? problem_apply_to_ones(problem, ones) : LACUNA_ENOMEM;
	}
	for (size_t i = 0; !status && i < n; i++)
		y->values[i] = (float)((range.hi - range.lo) * y->values[i] +
				       (ones ? range.lo * ones[i] : 0));
	memory_release(ones);
	if (!status && (range.lo != 0 || range.hi != 1))
		log_message(LACUNA_LOG_INFO, "to restore this file, give --range %.9g:%.9g",
			    range.lo, range.hi);
	return status;
}

/* Adds b of y = A x + b, in file values. */
static int add_offset(const struct simulation *s, struct problem *problem, struct image *y)
{
	const struct image_range full = picture_full_scale(s->kind, s->bits);
	const size_t n = lacuna_count(&y->shape);
	float *b = memory_alloc_array(n, sizeof *b);
	int found = 0, status = b ? problem_offset(problem, b, &found) : LACUNA_ENOMEM;

	for (size_t i = 0; !status && found && i < n; i++)
		y->values[i] = (float)(y->values[i] + (full.hi - full.lo) * b[i]);
	memory_release(b);
	return status;
}

static int leave_unit(const struct simulation *s, struct problem *problem,
		      const struct image_page *info, struct image_range range, struct image *y)
{
	int status = LACUNA_OK;

	if (s->flags & LACUNA_PICTURE) {
		const struct image_range to = output_range(s, info, range);
		const double scale = (to.hi - to.lo) / (range.hi - range.lo);

		image_from_unit(y, to);
		if (memcmp(&to, &range, sizeof to) != 0)
			image_writer_values_become(s->out, scale, to.lo - scale * range.lo);
	} else
		status = leave_plain(s, problem, info, range, y);
	return status ? status : add_offset(s, problem, y);
}

/* Writes frames as pages. */
static int write_frames(const struct simulation *s, int number, const struct image *y)
{
	struct lacuna_shape shape = y->shape;
	const size_t n = lacuna_count(&shape) / (size_t)shape.extent[3];
	int status = LACUNA_OK;

	shape.extent[3] = 1;
	for (int64_t t = 0; !status && t < y->shape.extent[3]; t++) {
		const struct image frame = { shape, y->values + (size_t)t * n };

		status = image_writer_add(s->out, s->in, number, &frame);
	}
	return status;
}

static int simulate_page(const struct simulation *s, int number)
{
	struct image x = { 0 }, y = { 0 };
	unsigned char *missing = NULL;
	struct problem *problem = NULL;
	struct image_range range;
	struct image_page info;
	int status = image_reader_page(s->in, number, &info);

	picture_follow(s->operands.paged, s->operands.paged_count, number, s->in->pages);
	if (!status)
		status = resources_check(IMAGES * sizeof(float) * lacuna_count(&info.shape),
					 s->budget);
	if (!status)
		status = problem_create(s->operators, s->operator_count, 0, &info.shape, &problem);
	if (!status)
		status = image_reader_read(s->in, number, &x);
	if (!status) {
		picture_mark_missing(&info, &x);
		status = picture_range(&info, &x, s->range, &range, NULL);
	}
	if (!status) {
		image_to_unit(&x, range);
		status = take_missing(problem, &x, &missing);
	}
	if (!status)
		status = simulate(s, number, problem, &x, &y);
	if (!status)
		status = leave_unit(s, problem, &info, range, &y);
	if (!status)
		status = put_missing(s, &info, number, missing, &y);
	if (!status)
		status = write_frames(s, number, &y);
	/* The reader's messages already name file and page. */
	if (status && status != LACUNA_ECANCELLED && s->in->pages > 1 &&
	    strcmp(error_file(), s->in->path) != 0)
		error_context(status, "page %d", number + 1);
	problem_destroy(problem);
	memory_release(missing);
	image_free(&x);
	image_free(&y);
	return status;
}

static int simulate_file(const struct values *v, const char *input, struct simulation *s)
{
	struct image_write_options options = {
		.override_type = 1,
		.kind = s->kind,
		.bits = s->bits,
		.complex = (s->flags & LACUNA_COMPLEX) != 0,
		.software = "lacuna " PACKAGE_VERSION,
		.as_private_as = input,
	};
	int *pages = NULL, count = 0, many;
	int status = outputs_input(&s->outputs, input);

	if (!status)
		status = outputs_name(&s->outputs, v->output,
				      OUTPUT_TIFF | (v->force ? OUTPUT_FORCE : 0) |
					      (v->in_place ? OUTPUT_IN_PLACE : 0));
	if (!status)
		status = image_reader_open(input, &s->in);
	if (!status)
		status = picture_pages(v->pages, s->in->pages, &pages, &count);
	if (!status && (s->flags & LACUNA_FRAMES) && count > 1)
		status = error_file_set(
			LACUNA_EINVAL, input,
			"has %d pages, but this operator makes several pages of one; "
			"choose one with --pages",
			count);
	if (!status)
		status = operands_check_pages(&s->operands, s->in->pages, &many);
	if (!status)
		operands_check_turns(&s->operands, s->in);
	if (!status)
		status = operands_check_pixels(&s->operands, s->in, 1);
	options.pages = pages;
	options.page_count = count;
	if (!status)
		status = outputs_tiff(&s->outputs, v->output, &options, &s->out);
	for (int i = 0; !status && i < count; i++)
		status = simulate_page(s, pages[i]);
	if (!status)
		status = outputs_commit(&s->outputs);
	memory_release(pages);
	return status;
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	const struct values *v = values;
	struct simulation s = { .operator_count = v->operators.count };
	int status, result;

	(void)count;
	verbosity_set(v->quiet ? 0 : v->verbose ? 2 : 1);
	if (parse_values(v, &s))
		return misuse(c, "%s", error_text());
	s.budget = resources_set(v->threads, v->memory);
	status = operators_parse(&v->operators, &s.operators);
	if (status)
		return plugin_refused(c, status);
	status = operands_find(s.operators, s.operator_count, &s.operands);
	if (!status && s.operands.absent_count)
		status = error_set(LACUNA_EINVAL, "value= marks pixels of a measurement, but "
						  "simulate makes the measurement; give a mask");
	if (status) {
		result = misuse(c, "%s", error_text());
	} else {
		s.flags = problem_compose_flags(s.operators, s.operator_count);
		status = simulate_file(v, operands[0], &s);
		result = status ? failure(operands[0], status) : STATUS_DONE;
	}
	outputs_free(&s.outputs);
	image_reader_close(s.in);
	operands_free(&s.operands);
	operators_free(s.operators, s.operator_count);
	return result;
}

const struct command command_simulate = {
	.name = "simulate",
	.operands = "IN.tif -o OUT.tif -A OPERATOR [-A OPERATOR ...] [-n SIGMA] [OPTION ...]",
	.summary = "degrade a clean picture with the same operators",
	.details = "Writes what a camera would have recorded: IN.tif degraded by OPERATOR, with "
		   "Gaussian noise.  Missing values (NaN, GDAL's nodata) remain missing, and so do "
		   "values that depend on them.  Use it to try operators, samplers and settings on "
		   "a picture that you know.",
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.defaults = &defaults,
	.values_size = sizeof(struct values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
