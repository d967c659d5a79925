/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna restore: restores one file.  restoration.c does the work. */
#include <config.h>

#include "batch/share.h"
#include "batch/sheet.h"
#include "cli/card.h"
#include "cli/cli.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/common.h"
#include "cli/report.h"
#include "cli/restoration.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
	struct recipe recipe; /* must be first: its rows are shared */
	const char *output, *deviation, *singles, *reference, *report, *start, *html;
	int64_t threads;
	uint64_t memory;
	const char *crop;
	int force, in_place, quiet, verbose, progress, json, strict;
};

static const struct values defaults = { .recipe = RECIPE_DEFAULTS };

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "output", 'o', OPTION_FILE, "OUT.tif", "output file", AT(output) },
	{ "std", 0, OPTION_FILE, "STD.tif",
	  "write the standard deviation of each pixel, in the file's units, as 32-bit float. With "
	  "--samples it is computed from the samples. Without, it is an estimate of the error of "
	  "the result",
	  AT(deviation) },
	{ "all-samples", 0, OPTION_DIRECTORY, "DIR", "write each sample to its own file in DIR",
	  AT(singles) },
	{ "crop", 0, OPTION_TEXT, "X,Y,W,H",
	  "restore only this part, W x H pixels from column X and row Y, counted from 0: a look "
	  "before a long run. The part is the same as in the whole picture",
	  AT(crop) },
	{ "start", 0, OPTION_FILE, "IMG.tif",
	  "start the sampler at this picture, at its start level, and not at noise", AT(start) },
	{ "reference", 0, OPTION_FILE, "CLEAN.tif",
	  "compare with this picture: print PSNR, SSIM and NRMSE before and after", AT(reference) },
	{ "report", 0, OPTION_FILE, "R.json",
	  "write a JSON record of everything that determines the result", AT(report) },
	{ "html", 0, OPTION_FILE, "PAGE.html",
	  "write a page that shows the picture before and after", AT(html) },
	{ "threads", 'j', OPTION_INTEGER, "N", "threads to use [one per processor]", AT(threads),
	  .lo = 1, .hi = 1024 },
	{ "memory", 0, OPTION_SIZE, "SIZE",
	  "memory limit, such as 4G. Larger pictures are restored in windows, if the operator "
	  "allows it [3/4 of the machine's memory]",
	  AT(memory) },
	{ "force", 'f', OPTION_FLAG, NULL, "replace existing output files", AT(force) },
	{ "in-place", 0, OPTION_FLAG, NULL, "allow OUT.tif to replace the input", AT(in_place) },
	{ "json", 0, OPTION_FLAG, NULL, "print the record of --report to standard output",
	  AT(json) },
	{ "progress", 0, OPTION_FLAG, NULL, "show progress even if stderr is not a terminal",
	  AT(progress) },
	{ "strict", 0, OPTION_FLAG, NULL,
	  "exit with status 3 if a result is doubtful; a warning says why", AT(strict) },
	{ "quiet", 'q', OPTION_FLAG, NULL, "print errors and warnings only", AT(quiet) },
	{ "verbose", 'v', OPTION_FLAG, NULL, "print more", AT(verbose) },
};

/* LACUNA_EINVAL: an option is missing, or options exclude each other. */
static int check_values(const struct values *v)
{
	if (!v->output && !v->in_place)
		return error_set(LACUNA_EINVAL, "no output is given: -o OUT.tif");
	if (v->crop && (v->singles || v->reference || v->start))
		return error_set(LACUNA_EINVAL, "--crop cannot be combined with --all-samples, "
						"--reference or --start");
	return LACUNA_OK;
}

static int parse_crop(const char *text, struct restoration *r)
{
	double v[4];
	size_t n = 0;
	char copy[128], *rest = copy, *word;

	if (!text)
		return LACUNA_OK;
	snprintf(copy, sizeof copy, "%s", text);
	while ((word = strtok_r(rest, ",", &rest)) && n < 4 && text_real(word, &v[n]) &&
	       v[n] >= (n < 2 ? 0 : 1) && v[n] < 0x1p31 && !(v[n] > floor(v[n])))
		n++;
	if (n < 4 || word)
		return error_set(LACUNA_EINVAL,
				 "--crop takes X,Y,W,H: first column and row (from 0), width and "
				 "height in pixels, not '%s'",
				 text);
	r->cropped = 1;
	for (int i = 0; i < 2; i++) {
		r->crop.origin[i] = (int64_t)v[i];
		r->crop.extent[i] = (int64_t)v[i + 2];
	}
	return LACUNA_OK;
}

static int print_report(const struct values *v, const json_t *report)
{
	char *text;

	if (!v->json)
		return LACUNA_OK;
	text = report_text(report);
	if (!text)
		return LACUNA_ENOMEM;
	fputs(text, stdout);
	free(text);
	return LACUNA_OK;
}

static void look(void *context, const struct look *l)
{
	card_look(context, l);
}

/* Writes the contact sheet of one picture. */
static int write_page(void *context, struct restoration *r, const json_t *report)
{
	json_t *card = context, *cards = json_array();
	json_t *about = json_pack("{s:s}", "text", "One picture.");
	int fd, status = outputs_open(&r->outputs, r->names.page, &fd);

	card_add_facts(card, report);
	json_object_set_new(card, "path", card_path(r->names.input));
	json_object_set_new(card, "state", json_string("done"));
	json_object_set_new(card, "doubts", json_integer(r->doubts));
	json_array_append(cards, card);
	if (!status)
		status = sheet_print(fd, r->names.page, NULL, about, cards);
	json_decref(about);
	json_decref(cards);
	return status;
}

/* Removes temporary files that killed runs left beside the output. */
static void clean(const struct values *v)
{
	char *directory = v->output ? memory_strdup(v->output) : NULL;
	char *slash = directory ? strrchr(directory, '/') : NULL;

	if (slash)
		slash[slash == directory] = 0;
	if (directory)
		share_clean(slash ? directory : ".", 0);
	memory_release(directory);
}

static int restore_file(const struct values *v, const char *input, struct restoration *r)
{
	const struct file_names names = {
		.input = input,
		.output = v->output,
		.deviation = v->deviation,
		.singles = v->singles,
		.reference = v->reference,
		.start = v->start,
		.report = v->report,
		.page = v->html,
		.force = v->force,
		.in_place = v->in_place,
	};
	json_t *report = NULL, *card = json_object();
	int status;

	r->list_files = v->report || v->json;
	clean(v);
	r->look = v->html ? look : NULL;
	r->finish = v->html ? write_page : NULL;
	r->look_context = card;
	r->print_metrics = !v->quiet && !v->json;
	r->show_progress = v->progress || (isatty(STDERR_FILENO) && !v->quiet);
	status = restoration_run(r, &names, &report);
	if (!status)
		status = print_report(v, report);
	json_decref(report);
	json_decref(card);
	return status			? failure(input, status)
	       : v->strict && r->doubts ? STATUS_DOUBTFUL
					: STATUS_DONE;
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	const struct values *v = values;
	struct restoration r = { 0 };
	size_t budget;
	int status, result;

	(void)count;
	verbosity_set(v->quiet ? 0 : v->verbose ? 2 : 1);
	budget = resources_set(v->threads, v->memory);
	if (check_values(v) || parse_crop(v->crop, &r))
		return misuse(c, "%s", error_text());
	status = restoration_create(&r, &v->recipe, v->deviation != NULL, budget);
	if (!status)
		status = parse_crop(v->crop, &r);
	result = status ? plugin_refused(c, status) : restore_file(v, operands[0], &r);
	restoration_free(&r);
	return result;
}

const struct command command_restore = {
	.name = "restore",
	.operands = "IN.tif -o OUT.tif -A OPERATOR [-A OPERATOR ...] [-n SIGMA] [-p PRIOR] [-g "
		    "GUIDANCE] "
		    "[-s SAMPLER] [OPTION ...]",
	.summary = "restore a degraded picture",
	.details = "Restores IN.tif, which was degraded by OPERATOR and noise. OUT.tif has the "
		   "same sample type, pages and metadata. Operators, priors, guidances and "
		   "samplers are plugins, written NAME[:key=value[,key=value]...]. 'lacuna list' "
		   "lists them; 'lacuna help operator NAME' explains one.\n\n"
		   "Missing pixels are NaN in a float file, or black in a mask: -A "
		   "mask:file=MASK.tif.",
	.shared = recipe_rows,
	.shared_count = &recipe_row_count,
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.defaults = &defaults,
	.values_size = sizeof(struct values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
