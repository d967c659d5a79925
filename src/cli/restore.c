/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna restore: options, files, report.  page.c does the pages. */
#include <config.h>

#include "cli/restore.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/targets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct values {
	const char *output, *noise, *method, *prior, *guidance, *sampler;
	struct option_list operators;
	const char *deviation, *singles, *range, *reference, *report, *start, *pages, *type,
		*reject;
	int64_t steps, samples, seed, threads;
	uint64_t memory;
	int force, in_place, quiet, verbose, progress, json, independent, strict, fill,
		keep_missing, only;
};

static const struct values defaults = { .noise = "auto", .reject = "8", .samples = 1 };

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "output", 'o', OPTION_FILE, "OUT.tif", "where to write the restored picture",
	  AT(output) },
	{ "operator", 'A', OPTION_PLUGINS, "OPERATOR",
	  "how the picture was degraded, NAME[:key=value,...]; several apply left to right",
	  AT(operators), .kind = LACUNA_OPERATOR },
	{ "noise", 'n', OPTION_TEXT, "SIGMA",
	  "standard deviation of the noise as a part of full scale, such as 0.01 or 2.55/255; "
	  "poisson:gain=G,offset=O,read=R: of photons, in the file's counts; auto estimates it "
	  "[auto]",
	  AT(noise) },
	{ "method", 'm', OPTION_CHOICE, "METHOD",
	  "preset of the three below: fast, best or sample [best; sample with --samples or "
	  "--guidance]",
	  AT(method), .choices = method_names },
	{ "prior", 'p', OPTION_PLUGIN, "PRIOR", "what pictures look like [by method]", AT(prior),
	  .kind = LACUNA_PRIOR },
	{ "guidance", 'g', OPTION_PLUGIN, "GUIDANCE", "how the measurement enters [by method]",
	  AT(guidance), .kind = LACUNA_GUIDANCE },
	{ "sampler", 's', OPTION_PLUGIN, "SAMPLER", "the reverse process in time [by method]",
	  AT(sampler), .kind = LACUNA_SAMPLER },
	{ "steps", 0, OPTION_INTEGER, "N", "steps of the sampler [its own default]", AT(steps),
	  .lo = 1, .hi = 1e6 },
	{ "samples", 'k', OPTION_INTEGER, "K", "draw K samples and write their mean [1]",
	  AT(samples), .lo = 1, .hi = 1e5 },
	{ "std", 0, OPTION_FILE, "STD.tif",
	  "write the standard deviation of the samples per pixel, 32-bit float in the file's units",
	  AT(deviation) },
	{ "independent", 0, OPTION_FLAG, NULL,
	  "samples independent of each other; otherwise an even number of four and more comes in "
	  "pairs with opposite noise, whose mean is nearer to the posterior mean",
	  AT(independent) },
	{ "all-samples", 0, OPTION_DIRECTORY, "DIR",
	  "write each sample to a file of its own in DIR", AT(singles) },
	{ "seed", 0, OPTION_INTEGER, "N", "another seed, other random numbers [0]", AT(seed),
	  .lo = 0, .hi = 0x1p53 },
	{ "range", 0, OPTION_TEXT, "LO:HI",
	  "sample values that are black and white, for -n, --reference and --type [full scale of "
	  "integers; 0:1 or the measured range of floats]; full: the type's, and a scene that "
	  "fills a small part of it is not stretched",
	  AT(range) },
	{ "reject", 0, OPTION_TEXT, "K",
	  "take a lone value as missing that stands out by K times what neighbours differ by, and "
	  "that no kernel could have made (a hot pixel); it is written as it was; no: reject none "
	  "[8]",
	  AT(reject) },
	{ "fill", 0, OPTION_FLAG, NULL,
	  "fill what the file declares as missing (GDAL's nodata); otherwise it stays nodata",
	  AT(fill) },
	{ "keep-missing", 0, OPTION_FLAG, NULL, "leave NaN in the picture instead of filling it",
	  AT(keep_missing) },
	{ "type", 't', OPTION_CHOICE, "TYPE",
	  "sample type of the output: uint8, uint16, float32, ... [the input's]", AT(type),
	  .choices = picture_types },
	{ "pages", 0, OPTION_TEXT, "LIST",
	  "restore these pages, such as 1,3-5, and copy the others [all; overviews and masks of "
	  "pages are copied]",
	  AT(pages) },
	{ "only", 0, OPTION_FLAG, NULL, "leave out the pages that --pages does not name",
	  AT(only) },
	{ "start", 0, OPTION_FILE, "IMG.tif",
	  "start from this picture at the sampler's start level, instead of from noise",
	  AT(start) },
	{ "reference", 0, OPTION_FILE, "CLEAN.tif",
	  "print PSNR, SSIM and NRMSE against this picture, before and after", AT(reference) },
	{ "report", 0, OPTION_FILE, "R.json", "write a record of all that determines the result",
	  AT(report) },
	{ "threads", 'j', OPTION_INTEGER, "N", "threads to use [one per processor]", AT(threads),
	  .lo = 1, .hi = 1024 },
	{ "memory", 0, OPTION_SIZE, "SIZE",
	  "refuse to use more memory than SIZE, such as 4G [3/4 of the machine's]", AT(memory) },
	{ "force", 'f', OPTION_FLAG, NULL, "replace existing output files", AT(force) },
	{ "in-place", 0, OPTION_FLAG, NULL, "allow the output to replace the input", AT(in_place) },
	{ "json", 0, OPTION_FLAG, NULL, "print the record of --report on standard output",
	  AT(json) },
	{ "progress", 0, OPTION_FLAG, NULL, "show progress even when stderr is no terminal",
	  AT(progress) },
	{ "strict", 0, OPTION_FLAG, NULL,
	  "end with status 3 when a result is doubtful; a warning says why", AT(strict) },
	{ "quiet", 'q', OPTION_FLAG, NULL, "say nothing but errors and warnings", AT(quiet) },
	{ "verbose", 'v', OPTION_FLAG, NULL, "say more", AT(verbose) },
};

/* Files that the run opens, and the report, in one place for orderly release. */
struct files {
	char **single_names;
	int *pages;
	int page_count;
	json_t *records; /* one per page restored */
	struct image_range range;
};

/* ---- before any work: options, names ----------------------------------------------------------------- */

/* poisson:gain=G[,offset=O][,read=R] */
static int parse_photons(const char *text, struct restoration *r)
{
	static const char *const names[] = { "gain=", "offset=", "read=" };
	double *const values[] = { &r->photons.gain, &r->photons.offset, &r->photons.read };
	char copy[256], *rest = copy, *word;
	int good = (size_t)snprintf(copy, sizeof(copy), "%s", text) < sizeof(copy);

	while (good && (word = strtok_r(rest, ",", &rest))) {
		good = 0;
		for (int i = 0; i < 3 && !good; i++)
			good = !strncmp(word, names[i], strlen(names[i])) &&
			       text_real(word + strlen(names[i]), values[i]);
	}
	if (good && r->photons.gain > 0 && r->photons.read >= 0)
		return LACUNA_OK;
	return error_set(
		LACUNA_EINVAL,
		"--noise poisson:gain=G,offset=O,read=R takes counts per photon (above 0), "
		"the camera's offset and its read noise in counts, not '%s'",
		text);
}

static int parse_noise(const char *text, struct restoration *r)
{
	static const char photons[] = "poisson:";

	r->noise = -1;
	if (!strcmp(text, "auto"))
		return LACUNA_OK;
	if (!strncmp(text, photons, sizeof(photons) - 1))
		return parse_photons(text + sizeof(photons) - 1, r);
	if (!text_real(text, &r->noise) || r->noise < 0)
		return error_set(LACUNA_EINVAL,
				 "--noise takes a number from 0, a fraction such as 2.55/255, "
				 "poisson:gain=G,offset=O,read=R, or auto, not '%s'",
				 text);
	if (r->noise > 1)
		return error_set(
			LACUNA_EINVAL,
			"--noise %s is more than full scale; in 8-bit counts it is -n %s/255", text,
			text);
	return LACUNA_OK;
}

/* LACUNA_EINVAL is misuse here. */
static int parse_values(const struct values *v, struct restoration *r, struct files *f)
{
	if (!v->output && !v->in_place)
		return error_set(LACUNA_EINVAL, "the output is missing: -o OUT.tif");
	if (!v->operators.count)
		return error_set(LACUNA_EINVAL,
				 "the operator is missing: -A says how the picture was degraded; "
				 "-A identity for mere noise, 'lacuna list operators' for others");
	if (v->deviation && v->samples < 2)
		return error_set(LACUNA_EINVAL, "--std needs --samples of at least 2");
	r->samples = v->samples;
	/* One pair alone would not tell how far apart pairs are. */
	r->pairs = !v->independent && v->samples >= 4 && v->samples % 2 == 0;
	r->seed = (uint64_t)v->seed;
	if (parse_noise(v->noise, r))
		return LACUNA_EINVAL;
	r->full_range = v->range && !strcmp(v->range, "full");
	if (v->range && !r->full_range) {
		r->range = &f->range;
		if (picture_parse_range(v->range, &f->range))
			return LACUNA_EINVAL;
	}
	if (strcmp(v->reject, "no") != 0 && (!text_real(v->reject, &r->reject) || r->reject < 1))
		return error_set(LACUNA_EINVAL, "--reject takes a number from 1, or no, not '%s'",
				 v->reject);
	r->missing = (struct missing_return){ .fill = v->fill, .keep = v->keep_missing };
	if (v->type) {
		r->type_stated = 1;
		picture_type(v->type, &r->kind, &r->bits);
	}
	r->print_metrics = !v->quiet && !v->json;
	return LACUNA_OK;
}

static int choose_plugins(const struct values *v, struct restoration *r)
{
	const struct method_wish wish = {
		.method = v->method,
		.prior = v->prior,
		.guidance = v->guidance,
		.sampler = v->sampler,
		.steps = v->steps,
		.samples = v->samples,
		.operator_count = v->operators.count,
	};
	struct method_wish w = wish;
	int status = operators_parse(&v->operators, &r->operators);

	if (status)
		return status;
	r->operator_count = v->operators.count;
	w.operators = r->operators;
	return method_choose(&w, &r->method);
}

static const char *output_name(const struct values *v, const char *input)
{
	return v->output ? v->output : input;
}

static int check_targets(const struct values *v, const char *input)
{
	const char *output = output_name(v, input);
	const char *others[] = { v->deviation, v->report };
	const char *kept[] = { v->reference, v->start };
	int status = target_check(output, input, v->force, v->in_place);

	for (size_t i = 0; !status && i < 2; i++) {
		if (kept[i] && tiff_same_file(output, kept[i]))
			status =
				error_set(LACUNA_EIO,
					  "%s: output and another input are the same file", output);
		if (!status && others[i] && !strcmp(others[i], output))
			status = error_set(LACUNA_EIO, "%s: named for two outputs", output);
		if (!status && others[i])
			status = target_check(others[i], input, v->force, 0);
	}
	if (!status && v->deviation && v->report && !strcmp(v->deviation, v->report))
		status = error_set(LACUNA_EIO, "%s: named for two outputs", v->report);
	return status;
}

/* ---- files ------------------------------------------------------------------------------------------- */

static int name_singles(const struct values *v, struct files *f)
{
	int status;

	if (!v->singles)
		return LACUNA_OK;
	status = target_directory(v->singles);
	f->single_names = memory_alloc_array((size_t)v->samples, sizeof(*f->single_names));
	if (!status && !f->single_names)
		status = LACUNA_ENOMEM;
	for (int64_t k = 0; !status && k < v->samples; k++) {
		f->single_names[k] =
			text_format("%s/sample-%04lld.tif", v->singles, (long long)k + 1);
		status = f->single_names[k] ? target_check(f->single_names[k], NULL, v->force, 0)
					    : LACUNA_ENOMEM;
	}
	return status;
}

/* Without --pages overviews and masks are no pages to restore, unless there are no others. */
static int leave_auxiliary(struct tiff_reader *in, struct files *f)
{
	struct tiff_page info;
	int kept = 0, status = LACUNA_OK;

	for (int i = 0; !status && i < f->page_count; i++) {
		status = tiff_page_info(in, f->pages[i], &info);
		if (!status && !info.auxiliary)
			f->pages[kept++] = f->pages[i];
	}
	if (!status && kept && kept < f->page_count) {
		log_message(LACUNA_LOG_INFO, "%d overviews or masks are not restored",
			    f->page_count - kept);
		f->page_count = kept;
	}
	return status;
}

static int open_inputs(const struct values *v, const char *input, struct restoration *r,
		       struct files *f)
{
	int status = tiff_open(input, &r->in);

	if (!status && v->reference)
		status = tiff_open(v->reference, &r->reference);
	if (!status && v->start)
		status = tiff_open(v->start, &r->start);
	if (!status)
		status = picture_pages(v->pages, tiff_page_count(r->in), &f->pages, &f->page_count);
	if (!status && !v->pages)
		status = leave_auxiliary(r->in, f);
	return status;
}

static int create_outputs(const struct values *v, const char *input, struct restoration *r,
			  const struct files *f)
{
	const struct tiff_write_options options = {
		.force = v->force || v->in_place,
		.override_type = r->type_stated,
		.kind = r->kind,
		.bits = r->bits,
		.software = "lacuna " PACKAGE_VERSION,
	};
	const struct tiff_write_options map = {
		.force = v->force,
		.override_type = 1,
		.kind = SAMPLE_FLOAT,
		.bits = 32,
		.software = options.software,
	};
	int status = tiff_create(output_name(v, input), &options, &r->out);

	if (!status && v->deviation)
		status = tiff_create(v->deviation, &map, &r->deviation);
	if (!status && f->single_names) {
		r->single = memory_alloc_array((size_t)v->samples, sizeof(*r->single));
		status = r->single ? LACUNA_OK : LACUNA_ENOMEM;
	}
	for (int64_t k = 0; !status && f->single_names && k < v->samples; k++)
		status = tiff_create(f->single_names[k], &options, &r->single[k]);
	return status;
}

static int commit(struct tiff_writer **w)
{
	struct tiff_writer *writer = *w;

	*w = NULL;
	return writer ? tiff_commit(writer) : LACUNA_OK;
}

static int commit_outputs(struct restoration *r)
{
	int status = cancel_requested() ? LACUNA_ECANCELLED : LACUNA_OK;

	for (int64_t k = 0; !status && r->single && k < r->samples; k++)
		status = commit(&r->single[k]);
	if (!status)
		status = commit(&r->deviation);
	return status ? status : commit(&r->out);
}

static void release(const struct values *v, struct restoration *r, struct files *f)
{
	for (int64_t k = 0; k < v->samples; k++) {
		if (r->single)
			tiff_abandon(r->single[k]);
		if (f->single_names)
			memory_release(f->single_names[k]);
	}
	memory_release(r->single);
	memory_release(f->single_names);
	tiff_abandon(r->out);
	tiff_abandon(r->deviation);
	tiff_close(r->in);
	tiff_close(r->start);
	tiff_close(r->reference);
	operators_free(r->operators, r->operator_count);
	method_free(&r->method);
	memory_release(f->pages);
	json_decref(f->records);
}

/* ---- the run ----------------------------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int restore_pages(const struct values *v, struct restoration *r, struct files *f)
{
	const int terminal = isatty(STDERR_FILENO);
	int status = LACUNA_OK;

	progress_begin(v->progress || (terminal && !v->quiet), f->page_count * r->samples);
	for (int page = 0, i = 0; !status && page < tiff_page_count(r->in); page++) {
		json_t *record = NULL;

		if (i == f->page_count || f->pages[i] != page) {
			status = v->only ? LACUNA_OK : page_copy(r, page);
			continue;
		}
		i++;
		status = page_restore(r, page, &record);
		if (!status)
			json_array_append_new(f->records, record);
	}
	progress_end();
	return status;
}

static json_t *make_report(const struct values *v, const struct restoration *r,
			   const struct files *f, double seconds)
{
	const struct method *m = &r->method;
	json_t *report = report_new();

	json_object_set_new(report, "input", report_string(r->input));
	json_object_set_new(report, "output", report_string(output_name(v, r->input)));
	json_object_set_new(report, "method", report_string(m->name));
	json_object_set_new(report, "seed", json_integer((json_int_t)r->seed));
	json_object_set_new(report, "samples", json_integer((json_int_t)r->samples));
	json_object_set_new(report, "threads", json_integer(threads_count()));
	json_object_set_new(report, "operators", report_plugins(r->operators, r->operator_count));
	json_object_set_new(report, "prior", report_plugin(&m->prior));
	json_object_set_new(report, "guidance", report_plugin(&m->guidance));
	json_object_set_new(report, "sampler", report_plugin(&m->sampler));
	json_object_set_new(report, "seconds", json_real(seconds));
	json_object_set_new(report, "peak_memory", json_integer((json_int_t)memory_peak_bytes()));
	json_object_set(report, "pages", f->records);
	return report;
}

static int finish_report(const struct values *v, const struct restoration *r, const struct files *f,
			 double seconds)
{
	json_t *report;
	char *text;
	int status = LACUNA_OK;

	if (!v->report && !v->json)
		return LACUNA_OK;
	report = make_report(v, r, f, seconds);
	text = report_text(report);
	json_decref(report);
	if (!text)
		return LACUNA_ENOMEM;
	if (v->report)
		status = target_write(v->report, text, v->force);
	if (!status && v->json)
		fputs(text, stdout);
	free(text);
	return status;
}

static int report_failure(const struct values *v, const char *input, int status)
{
	const char *files[] = { input,	      v->output, v->deviation, v->singles,
				v->reference, v->start,	 v->report };
	const size_t n = sizeof(files) / sizeof(files[0]);

	/* The samples lie in a directory: its name ends at a slash, not at a colon. */
	return v->singles && !strncmp(error_text(), v->singles, strlen(v->singles))
		       ? failure(NULL, status)
		       : failure_among(files, n, status);
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	const struct values *v = values;
	const char *input = operands[0];
	struct restoration r = { .input = input };
	struct files f = { 0 };
	const double began = now();
	int status, result;

	(void)count;
	verbosity_set(v->quiet ? 0 : v->verbose ? 2 : 1);
	r.budget = resources_set(v->threads, v->memory);
	if (parse_values(v, &r, &f)) {
		result = misuse(c, "%s", error_text());
		goto out;
	}
	status = choose_plugins(v, &r);
	if (status) {
		result = plugin_refused(c, status);
		goto out;
	}
	status = check_targets(v, input);
	if (!status)
		status = open_inputs(v, input, &r, &f);
	if (!status)
		status = name_singles(v, &f);
	if (!status)
		status = create_outputs(v, input, &r, &f);
	if (!status) {
		f.records = json_array();
		status = restore_pages(v, &r, &f);
	}
	if (!status)
		status = commit_outputs(&r);
	if (!status)
		status = finish_report(v, &r, &f, now() - began);
	result = status			 ? report_failure(v, input, status)
		 : v->strict && r.doubts ? STATUS_DOUBTFUL
					 : STATUS_DONE;
out:
	release(v, &r, &f);
	return result;
}

const struct command command_restore = {
	.name = "restore",
	.operands = "IN.tif -o OUT.tif -A OPERATOR [-A OPERATOR ...] [-n SIGMA] [-p PRIOR] [-g "
		    "GUIDANCE] "
		    "[-s SAMPLER] [OPTION ...]",
	.summary = "restore a degraded picture",
	.details = "Restores IN.tif, a picture that was degraded by OPERATOR and noise, and writes "
		   "OUT.tif "
		   "with the same sample type, pages and metadata.  Operators, priors, guidances "
		   "and samplers "
		   "are plugins, named NAME[:key=value[,key=value]...]; 'lacuna list' names them, "
		   "'lacuna "
		   "help operator NAME' explains one.\n\n"
		   "Missing pixels are NaN in a float file, or a mask: -A mask:file=MASK.tif.",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
	.defaults = &defaults,
	.values_size = sizeof(struct values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
