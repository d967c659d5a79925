/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "cli/restoration.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "plugin/param.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* ---- the recipe -------------------------------------------------------------------------------------- */

static void begin_sample(void *context)
{
	struct restoration *r = context;

	progress_round(r->round++);
}

static int parse(struct restoration *r)
{
	const struct recipe *v = r->recipe;
	struct restore_job *job = &r->job;
	int status = recipe_noise(v->noise, &job->noise, &r->noise_file);

	job->samples = v->samples;
	/* A single pair would not show how much pairs differ. */
	job->pairs = !v->independent && v->samples >= 4 && v->samples % 2 == 0;
	job->seed = (uint64_t)v->seed;
	r->full_range = v->range && !strcmp(v->range, "full");
	if (!status && v->range && !r->full_range) {
		r->range = &r->stated_range;
		status = picture_parse_range(v->range, &r->stated_range);
	}
	if (!status && v->size)
		status = picture_parse_size(v->size, &r->size);
	if (!status && strcmp(v->reject, "no") != 0 &&
	    (!text_real(v->reject, &job->reject) || job->reject < 1))
		status = error_set(LACUNA_EINVAL,
				   "--reject takes a number of at least 1, or no, not '%s'",
				   v->reject);
	if (!status && v->same_noise && v->own_noise)
		status =
			error_set(LACUNA_EINVAL, "--same-noise and --own-noise cannot be combined");
	r->missing = (struct missing_return){ .fill = v->fill, .keep = v->keep_missing };
	if (v->type) {
		r->type_stated = 1;
		picture_type(v->type, &r->kind, &r->bits);
	}
	return status;
}

static int choose_plugins(struct restoration *r)
{
	const struct recipe *v = r->recipe;
	struct method_wish wish = {
		.method = v->method,
		.prior = v->prior,
		.guidance = v->guidance,
		.sampler = v->sampler,
		.steps = v->steps,
		.samples = v->samples,
		.operator_count = v->operators.count,
	};
	int status = operators_parse(&v->operators, &r->operators);

	if (status)
		return status;
	r->job.operator_count = v->operators.count;
	status = operands_find(r->operators, v->operators.count, &r->operands);
	if (!status)
		status = fit_find(r->operators, v->operators.count, &r->fit);
	if (status)
		return status;
	r->job.masks = r->operands.absent_count > 0;
	r->operator_flags = problem_compose_flags(r->operators, v->operators.count);
	/* Other measurements, such as sums over many pixels, may have more noise. */
	if (r->job.noise.sigma > 1 && (r->operator_flags & LACUNA_PICTURE))
		return error_set(
			LACUNA_EINVAL,
			"--noise %s is more than full scale; for 8-bit counts write -n %s/255",
			v->noise, v->noise);
	wish.operators = r->job.operators = r->operators;
	r->job.method = &r->method;
	return method_choose(&wish, &r->method);
}

/* LACUNA_EINVAL: without samples, the deviation is unknown for some operators and priors. */
static int check_deviation(const struct restoration *r)
{
	if (!r->job.deviation || method_deviation(&r->method) != DEVIATION_UNKNOWN)
		return LACUNA_OK;
	return error_set(LACUNA_EINVAL,
			 "--std without --samples needs a linear operator that keeps colours and "
			 "prior unet or gaussian; add --samples 8");
}

int restoration_create(struct restoration *r, const struct recipe *recipe, int deviation,
		       size_t budget)
{
	int status;

	*r = (struct restoration){ .recipe = recipe };
	if (!recipe->operators.count)
		return error_set(LACUNA_EINVAL,
				 "no operator is given: -A says how the picture was degraded; -A "
				 "identity if it is only noisy; 'lacuna list operators' names all");
	r->job.budget = budget;
	r->job.deviation = deviation && recipe->samples < 2;
	r->job.begin = begin_sample;
	r->job.progress = progress_step;
	r->job.within = progress_within;
	r->job.context = r;
	status = parse(r);
	if (!status)
		status = choose_plugins(r);
	if (!status)
		status = check_deviation(r);
	if (!status)
		status = restorer_create(&r->job, &r->restorer);
	r->job.kept = r->restorer;
	return status;
}

void restoration_free(struct restoration *r)
{
	restorer_destroy(r->restorer);
	operands_free(&r->operands);
	fit_free(&r->fit);
	operators_free(r->operators, r->job.operator_count);
	method_free(&r->method);
}

/* ---- before any work --------------------------------------------------------------------------------- */

/* Declares files named in plugin parameters: masks, kernels, weights. */
static int state_parameters(struct outputs *o, const struct plugin_use *use)
{
	const struct lacuna_param *row;
	char path[4096], what[160];
	uint32_t at = 0;
	int status = LACUNA_OK;

	while (!status && use->plugin &&
	       (row = param_next_path(use->plugin->head, use->config, &at, path, sizeof path))) {
		snprintf(what, sizeof what, "%s of %s", row->name, use->plugin->head->name);
		status = outputs_read(o, path, what);
	}
	return status;
}

/* Declares all inputs: no output may replace them. */
static int state_inputs(struct restoration *r)
{
	const struct file_names *v = &r->names;
	struct outputs *o = &r->outputs;
	int status = outputs_input(o, v->input);

	if (!status && v->reference)
		status = outputs_read(o, v->reference, "the reference");
	if (!status && v->start)
		status = outputs_read(o, v->start, "the start");
	if (!status && r->noise_file)
		status = outputs_read(o, r->noise_file, "the noise");
	for (size_t i = 0; !status && i < r->job.operator_count; i++)
		status = state_parameters(o, &r->operators[i]);
	return status ? status : state_parameters(o, &r->method.prior);
}

static int name_single(struct restoration *r, int64_t k)
{
	r->single_names[k] =
		text_format("%s/sample-%04lld.tif", r->names.singles, (long long)k + 1);
	return r->single_names[k] ? outputs_name(&r->outputs, r->single_names[k],
						 r->names.force ? OUTPUT_FORCE : 0)
				  : LACUNA_ENOMEM;
}

static int name_singles(struct restoration *r)
{
	const size_t samples = (size_t)r->job.samples;
	int status;

	if (!r->names.singles)
		return LACUNA_OK;
	status = output_directory(r->names.singles);
	if (status)
		return status;
	r->single_names = memory_alloc_array(samples, sizeof *r->single_names);
	r->single = memory_alloc_array(samples, sizeof *r->single);
	if (!r->single_names || !r->single)
		return LACUNA_ENOMEM;
	for (int64_t k = 0; !status && k < r->job.samples; k++)
		status = name_single(r, k);
	return status;
}

static int name_outputs(struct restoration *r)
{
	const struct file_names *v = &r->names;
	const int force = v->force ? OUTPUT_FORCE : 0;
	const struct {
		const char *path;
		int flags;
	} outputs[] = { { v->output, OUTPUT_TIFF | (v->in_place ? OUTPUT_IN_PLACE : 0) },
			{ v->deviation, OUTPUT_TIFF },
			{ v->report, 0 },
			{ v->page, 0 } };
	int status = state_inputs(r);

	for (size_t i = 0; !status && i < sizeof outputs / sizeof *outputs; i++)
		if (outputs[i].path)
			status = outputs_name(&r->outputs, outputs[i].path,
					      force | outputs[i].flags);
	return status ? status : name_singles(r);
}

/* ---- files ------------------------------------------------------------------------------------------- */

/* Without --pages, leaves out overviews and masks, and pages in black and white: each unless there are no other pages. */
static int leave_out(struct restoration *r, int (*belongs)(const struct image_page *), int *left)
{
	struct image_page info;
	int kept = 0, status = LACUNA_OK;

	*left = 0;
	for (int i = 0; !status && i < r->page_count; i++) {
		status = image_reader_page(r->in, r->pages[i], &info);
		if (!status && !belongs(&info))
			r->pages[kept++] = r->pages[i];
	}
	if (!status && kept) {
		*left = r->page_count - kept;
		r->page_count = kept;
	}
	return status;
}

static int is_auxiliary(const struct image_page *info)
{
	return info->auxiliary;
}

static int is_bilevel(const struct image_page *info)
{
	return info->bits == 1;
}

static int choose_pages(struct restoration *r)
{
	int left, status = leave_out(r, is_auxiliary, &left);

	if (!status && left)
		log_message(LACUNA_LOG_INFO, "%d overview%s or mask%s not restored", left,
			    left == 1 ? "" : "s", left == 1 ? " was" : "s were");
	if (!status)
		status = leave_out(r, is_bilevel, &left);
	if (!status && left)
		log_message(LACUNA_LOG_WARN,
			    "%d page%s of one bit, black and white, %s not restored; --pages names "
			    "the pages to restore",
			    left, left == 1 ? "" : "s", left == 1 ? "was" : "were");
	return status;
}

void restoration_follow(struct restoration *r, int page)
{
	picture_follow(r->operands.paged, r->operands.paged_count, page, r->in->pages);
	if (r->many_masks)
		restorer_rest(r->restorer);
}

static int open_inputs(struct restoration *r)
{
	const struct file_names *v = &r->names;
	const char *pages = r->recipe->pages;
	int status = image_reader_open(v->input, &r->in);

	if (!status && v->reference)
		status = image_reader_open(v->reference, &r->reference);
	if (!status && v->start)
		status = image_reader_open(v->start, &r->start);
	if (!status && r->noise_file)
		status = image_reader_open(r->noise_file, &r->noise);
	if (!status)
		status = picture_pages(pages, r->in->pages, &r->pages, &r->page_count);
	if (!status && !pages)
		status = choose_pages(r);
	if (!status)
		status = operands_check_pages(&r->operands, r->in->pages, &r->many_masks);
	if (!status)
		operands_check_turns(&r->operands, r->in);
	return status;
}

/* Pages are frames of one measurement. */
int restoration_takes_all(const struct restoration *r)
{
	return (r->operator_flags & LACUNA_FRAMES) != 0;
}

/* True when the restored pages change their size while others are copied.  If this is not known yet, restoring the page
 * fails. */
static int sizes_will_differ(struct restoration *r)
{
	struct image_page info;
	struct lacuna_shape wish;

	if (restoration_takes_all(r))
		return 0;
	restoration_follow(r, r->pages[0]);
	if (r->recipe->only || r->page_count == r->in->pages ||
	    image_reader_page(r->in, r->pages[0], &info) ||
	    !restorer_fits(r->restorer, &info.shape) || page_wish(r, r->pages[0], &wish) ||
	    restorer_shape(r->restorer, &info.shape, &wish))
		return 0;
	return restorer_window(r->restorer)->extent[0] != info.shape.extent[0] ||
	       restorer_window(r->restorer)->extent[1] != info.shape.extent[1];
}

static int create_outputs(struct restoration *r)
{
	const struct file_names *v = &r->names;
	const struct image_write_options options = {
		.override_type = r->type_stated,
		.kind = r->kind,
		.bits = r->bits,
		.software = "lacuna " PACKAGE_VERSION,
		.as_private_as = v->input,
		.pages = r->recipe->only ? r->pages : NULL,
		.page_count = r->page_count,
		.mixed = sizes_will_differ(r),
	};
	const struct image_write_options map = {
		.override_type = 1,
		.kind = SAMPLE_FLOAT,
		.bits = 32,
		.software = options.software,
		.as_private_as = v->input,
		.pages = r->pages, /* others have no deviation */
		.page_count = r->page_count,
	};
	int status = outputs_tiff(&r->outputs, v->output, &options, &r->out);

	if (!status && v->deviation)
		status = outputs_tiff(&r->outputs, v->deviation, &map, &r->deviation);
	if (!status && r->deviation)
		image_writer_values_become(r->deviation, 0, 0);
	r->options = options;
	return status;
}

static void tell_fitted(void *context, const struct lacuna_param *row, double told, double found)
{
	const struct restoration *r = context;

	log_message(LACUNA_LOG_INFO, "%s: %s %.4g -> %.4g (fitted)", r->fit.use->plugin->head->name,
		    row->name, told, found);
}

/* Asks the picture for the free parameters.  One that does not tell them leaves them as the user told them. */
static int find_parameters(struct restoration *r, struct fit_values *found)
{
	const int status = page_fit(r, r->pages[0]);

	if (status && status != LACUNA_EUNSUPPORTED)
		return status;
	*found = (struct fit_values){ .known = 1, .found = !status };
	fit_get(&r->fit, found);
	if (status)
		snprintf(found->why, sizeof found->why, "%s", error_text());
	error_clear();
	return LACUNA_OK;
}

/* Fits free parameters, once for all pages, unless that was done before. */
static int fit_operators(struct restoration *r, struct fit_values *found)
{
	int status = LACUNA_OK;

	*found = r->told;
	if (!r->fit.use)
		return LACUNA_OK;
	fit_reset(&r->fit);
	if (!found->known)
		status = find_parameters(r, found);
	if (!status)
		fit_set(&r->fit, found);
	restorer_rest(r->restorer);
	return status;
}

static int fit_and_tell(struct restoration *r)
{
	struct fit_values found;
	const int status = fit_operators(r, &found);

	if (status || !r->fit.use)
		return status;
	r->fitted = found.found;
	if (r->fitted) {
		fit_each(&r->fit, tell_fitted, r);
	} else {
		r->doubts++;
		log_message(LACUNA_LOG_WARN, "nothing was fitted: %s", found.why);
	}
	return LACUNA_OK;
}

/* A file is open only from its first page to its last, so that many samples do not exceed the limit of open files. */
int restoration_single(struct restoration *r, int64_t k)
{
	return r->single[k]
		       ? LACUNA_OK
		       : outputs_tiff(&r->outputs, r->single_names[k], &r->options, &r->single[k]);
}

/* LACUNA_EINVAL: the samples of a stack are more files than may be open at once. */
static int allow_singles(struct restoration *r)
{
	enum { OTHERS = 64 }; /* inputs, other outputs, files of plugins and libraries */
	const rlim_t needed = (rlim_t)r->job.samples + OTHERS; /* RLIM_INFINITY exceeds it */
	struct rlimit limit;

	if (!r->single || r->in->pages == 1 || getrlimit(RLIMIT_NOFILE, &limit) ||
	    limit.rlim_cur >= needed)
		return LACUNA_OK;
	if (limit.rlim_max >= needed) {
		limit.rlim_cur = needed;
		if (!setrlimit(RLIMIT_NOFILE, &limit))
			return LACUNA_OK;
	}
	return error_set(
		LACUNA_EINVAL,
		"--all-samples of a stack opens a file for each of %lld samples, but only %lld are "
		"allowed (ulimit -n); ask for fewer samples, or for one page (--pages, --only)",
		(long long)r->job.samples, (long long)limit.rlim_max);
}

/* ---- the run ----------------------------------------------------------------------------------------- */

/* 1 when all pages to restore have one size and type. */
static int is_stack(struct restoration *r)
{
	struct image_page first, page;
	int alike = !image_reader_page(r->in, r->pages[0], &first);

	for (int i = 1; alike && i < r->page_count; i++)
		alike = !image_reader_page(r->in, r->pages[i], &page) &&
			picture_same_shape(&page.shape, &first.shape) && page.kind == first.kind &&
			page.bits == first.bits;
	return alike;
}

/* Estimates one noise for all pages, the median of some, so that a stack does not flicker. */
static int listen_to_pages(struct restoration *r)
{
	const int heard = r->page_count < RESTORER_HEARD ? r->page_count : RESTORER_HEARD;
	int status = LACUNA_OK;

	restorer_forget(r->restorer);
	if (restoration_takes_all(r) || r->page_count < 2 || !noise_is_estimated(&r->job.noise) ||
	    r->noise || r->recipe->own_noise || !(r->recipe->same_noise || is_stack(r)))
		return LACUNA_OK;
	for (int i = 0; !status && i < heard; i++)
		status = page_listen(r, r->pages[i * (r->page_count - 1) / (heard - 1)],
				     i == heard - 1);
	return status;
}

static int restore_pages(struct restoration *r)
{
	const int rounds = restoration_takes_all(r) ? 1 : r->page_count;
	int status = LACUNA_OK;

	progress_begin(r->show_progress, rounds * r->job.samples);
	for (int page = 0, i = 0; !status && page < r->in->pages; page++) {
		json_t *record = NULL;

		if (restoration_takes_all(r) && page != r->pages[0]) /* restored with that */
			continue;
		if (i == r->page_count || r->pages[i] != page) {
			status = r->recipe->only ? LACUNA_OK : page_copy(r, page);
			continue;
		}
		i++;
		status = page_restore(r, page, &record);
		if (!status)
			json_array_append_new(r->records, record);
	}
	progress_end();
	return status;
}

/* Releases all that belongs to one file; keeps the restorer. */
static void close_file(struct restoration *r)
{
	for (int64_t k = 0; r->single_names && k < r->job.samples; k++)
		memory_release(r->single_names[k]);
	memory_release(r->single);
	memory_release(r->single_names);
	outputs_free(&r->outputs);
	image_reader_close(r->in);
	image_reader_close(r->start);
	image_reader_close(r->reference);
	image_reader_close(r->noise);
	memory_release(r->pages);
	json_decref(r->records);
	r->single = NULL;
	r->single_names = NULL;
	r->out = r->deviation = NULL;
	r->in = r->start = r->reference = r->noise = NULL;
	r->pages = NULL;
	r->records = NULL;
}

static void open_file(struct restoration *r, const struct file_names *names)
{
	r->names = *names;
	if (!names->output)
		r->names.output = names->input;
	r->levels = (struct levels){ 0 };
	r->resized = r->doubts = r->pixels_checked = r->fitted = 0;
	r->round = 0;
	r->job.sample = names->singles ? page_write_sample : NULL;
	r->records = json_array();
}

/* Reading a page while it changed would have failed; pages already read are as they were. */
static void look_at_input(struct restoration *r)
{
	if (!image_reader_unchanged(r->in))
		return;
	r->doubts++;
	log_message(LACUNA_LOG_WARN,
		    "%s: was changed after it was read; the result belongs to the earlier picture",
		    r->names.input);
	error_clear();
}

int restoration_divide(struct restoration *r, const struct file_names *names,
		       int (*visit)(void *context, int page, const struct windows *), void *context)
{
	int status;

	open_file(r, names);
	status = open_inputs(r);
	if (!status)
		status = fit_operators(r, &r->told);
	for (int i = 0; !status && i < r->page_count; i++) {
		struct windows w;
		int windowed;

		status = page_windows(r, r->pages[i], &windowed, &w);
		if (!status && windowed)
			status = visit(context, r->pages[i], &w);
	}
	close_file(r);
	return status;
}

int restoration_part(struct restoration *r, const struct file_names *names, int page,
		     int64_t window, struct levels *levels, int known, struct restored *part)
{
	struct fit_values found;
	int status;

	*part = (struct restored){ 0 };
	open_file(r, names);
	if (known)
		r->levels = *levels;
	status = open_inputs(r);
	if (!status)
		status = fit_operators(r, &found);
	if (!status && !known)
		status = listen_to_pages(r);
	if (!status)
		status = page_part(r, page, window, part);
	*levels = r->levels;
	close_file(r);
	return status;
}

int restoration_run(struct restoration *r, const struct file_names *names, json_t **report)
{
	static int (*const stages[])(struct restoration *) = {
		name_outputs,	open_inputs,	 allow_singles, fit_and_tell,
		create_outputs, listen_to_pages, restore_pages,
	};
	const double began = clock_seconds();
	json_t *record = NULL;
	int status = LACUNA_OK;

	open_file(r, names);
	for (size_t i = 0; !status && i < sizeof stages / sizeof *stages; i++)
		status = stages[i](r);
	if (!status) {
		look_at_input(r);
		record = restoration_report(r, clock_seconds() - began);
		status = restoration_write_report(r, record);
	}
	if (!status && r->finish)
		status = r->finish(r->look_context, r, record);
	if (!status && cancel_requested())
		status = LACUNA_ECANCELLED;
	if (!status)
		status = outputs_commit(&r->outputs);
	if (!status && report)
		*report = json_incref(record);
	json_decref(record);
	close_file(r);
	return status;
}
