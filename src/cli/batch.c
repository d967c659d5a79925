/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna batch: restores directories of images. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "batch/conf.h"
#include "cli/batch.h"
#include "cli/card.h"
#include "cli/cli.h"
#include "cli/common.h"
#include "cli/signals.h"
#include "cli/outputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct batch_values defaults = { .recipe = RECIPE_DEFAULTS };

#undef AT
#define AT(field) .offset = offsetof(struct batch_values, field)
static const struct option_row rows[] = {
	{ "output", 'o', OPTION_DIRECTORY, "OUT", "output directory [the last argument]",
	  AT(output) },
	{ "include", 0, OPTION_LIST, "GLOB",
	  "restore only files that match; a GLOB with a slash matches the path; may be repeated "
	  "[*.tif, *.tiff]",
	  AT(include) },
	{ "exclude", 0, OPTION_LIST, "GLOB",
	  "skip files and directories that match; may be repeated", AT(exclude) },
	{ "follow", 0, OPTION_FLAG, NULL, "follow symbolic links to directories", AT(follow) },
	{ "list", 0, OPTION_FILE, "FILE",
	  "restore the files named in FILE, one on each line; -: standard input", AT(list) },
	{ "table", 0, OPTION_FILE, "FILE.tsv",
	  "table of options for single files, with columns separated by tabs; the first line names "
	  "the columns: file, operator, noise, ...",
	  AT(table) },
	{ "suffix", 0, OPTION_TEXT, "TEXT", "add TEXT to names: NAME.tif becomes NAMETEXT.tif []",
	  AT(suffix) },
	{ "std", 0, OPTION_FLAG, NULL,
	  "also write NAME.std.tif: the standard deviation of each pixel, as restore --std does",
	  AT(deviation) },
	{ "jobs", 'j', OPTION_INTEGER, "N",
	  "number of images at a time, each in its own process [limited by processors and memory]",
	  AT(workers), .lo = 1, .hi = 1024 },
	{ "threads", 0, OPTION_INTEGER, "N", "threads of each process [processors / jobs]",
	  AT(threads), .lo = 1, .hi = 1023 },
	{ "memory", 0, OPTION_SIZE, "SIZE",
	  "memory limit of all processes together [3/4 of the machine's memory]", AT(memory) },
	{ "timeout", 0, OPTION_REAL, "SECONDS",
	  "stop an image after this time [2 minutes, and 20 more for each megapixel and sample]",
	  AT(timeout), .lo = 0.01, .hi = 1e9 },
	{ "shard", 0, OPTION_TEXT, "I/N", "restore only part I of N, counted from 1", AT(shard) },
	{ "dry-run", 0, OPTION_FLAG, NULL, "print what would be restored, and stop", AT(dry_run) },
	{ "fail-fast", 0, OPTION_FLAG, NULL, "stop at the first failure", AT(fail_fast) },
	{ "force", 'f', OPTION_FLAG, NULL, "replace files in OUT that no batch has written",
	  AT(force) },
	{ "html", 0, OPTION_FILE, "FILE", "name of the contact sheet [OUT/batch.html]", AT(html) },
	{ "no-html", 0, OPTION_FLAG, NULL, "do not write a contact sheet", AT(no_html) },
	{ "strict", 0, OPTION_FLAG, NULL, "exit with status 3 if a result is doubtful",
	  AT(strict) },
	{ "json", 0, OPTION_FLAG, NULL,
	  "print events to standard output, one JSON object on each line", AT(json) },
	{ "progress", 0, OPTION_FLAG, NULL, "show progress even if stderr is not a terminal",
	  AT(progress) },
	{ "quiet", 'q', OPTION_FLAG, NULL, "print errors only", AT(quiet) },
	{ "verbose", 'v', OPTION_FLAG, NULL,
	  "print the name and the warnings of each finished image", AT(verbose) },
};

/* ---- before the run ---------------------------------------------------------------------------------- */

/* Collects the files of IN ... OUT, or IN ... -o OUT. */
static int collect(struct batch *b, int count, char **operands)
{
	const struct batch_values *v = b->values;
	const struct tree_options options = {
		.include = (const char *const *)v->include.items,
		.include_count = v->include.count,
		.exclude = (const char *const *)v->exclude.items,
		.exclude_count = v->exclude.count,
		.follow = v->follow,
		.except = b->output,
	};
	int status = LACUNA_OK;

	for (int i = 0; !status && i < count; i++) {
		char *name = memory_strdup(operands[i]), *below = NULL;
		size_t n = name ? strlen(name) : 0;

		while (n > 1 && name[n - 1] == '/')
			name[--n] = 0;
		/* With several directories, each keeps its name. */
		if (name && count > 1 && !access(name, F_OK)) {
			const char *slash = strrchr(name, '/');
			struct stat st;

			if (!stat(name, &st) && S_ISDIR(st.st_mode))
				below = text_format("%s/", slash ? slash + 1 : name);
		}
		status = name ? tree_add(&b->tree, name, below ? below : "", &options)
			      : LACUNA_ENOMEM;
		memory_release(below);
		memory_release(name);
	}
	if (!status && v->list)
		status = tree_add_list(&b->tree, v->list);
	return status ? status : tree_finish(&b->tree);
}

/* Parses "2/8". */
static int parse_shard(const char *text, size_t *index, size_t *count)
{
	char *end;
	const long i = strtol(text, &end, 10);
	const long n = *end == '/' ? strtol(end + 1, &end, 10) : 0;

	if (*end || i < 1 || i > n)
		return error_set(LACUNA_EINVAL, "--shard takes I/N, with I from 1 to N, not '%s'",
				 text);
	*index = (size_t)i - 1;
	*count = (size_t)n;
	return LACUNA_OK;
}

static long number_of(const char *variable, long otherwise)
{
	const char *text = getenv(variable);

	return text && *text ? strtol(text, NULL, 10) : otherwise;
}

/* The rank of this process among those that a launcher started: Slurm, Open MPI, other PMI. */
static void find_rank(long *rank, long *size)
{
	const long step = number_of("SLURM_STEP_NUM_TASKS", 1);
	const long tasks = number_of("SLURM_ARRAY_TASK_COUNT", 1);
	const long task =
		number_of("SLURM_ARRAY_TASK_ID", 0) - number_of("SLURM_ARRAY_TASK_MIN", 0);

	*rank = task * step + number_of("SLURM_PROCID", 0);
	*size = tasks * step;
	if (getenv("OMPI_COMM_WORLD_SIZE")) {
		*rank = number_of("OMPI_COMM_WORLD_RANK", 0);
		*size = number_of("OMPI_COMM_WORLD_SIZE", 1);
	} else if (getenv("PMI_SIZE")) {
		*rank = number_of("PMI_RANK", 0);
		*size = number_of("PMI_SIZE", 1);
	}
	if (*size < 1 || *rank < 0 || *rank >= *size)
		*rank = 0, *size = 1;
}

/* Each of several runs begins at another item, so that they seldom claim the same one. */
static size_t first_item(const struct batch *b)
{
	long rank, size;

	find_rank(&rank, &size);
	return (size_t)((double)b->count * (double)rank / (double)size);
}

/* Inserts a suffix before the extension of NAME.tif. */
static char *add_suffix(const char *relative, const char *suffix)
{
	const char *slash = strrchr(relative, '/'), *dot = strrchr(relative, '.');
	const size_t stem =
		dot && (!slash || dot > slash) ? (size_t)(dot - relative) : strlen(relative);

	return text_format("%.*s%s%s", (int)stem, relative, suffix, relative + stem);
}

static int no_picture(void)
{
	return error_set(LACUNA_EIO, "no picture was found; --include selects names other than "
				     "*.tif and *.tiff");
}

static int name_outputs(const struct batch_values *v, struct item *item)
{
	item->relative = add_suffix(item->file->relative, v->suffix ? v->suffix : "");
	if (item->relative && v->deviation)
		item->deviation = add_suffix(item->relative, ".std");
	return item->relative && (item->deviation || !v->deviation) ? LACUNA_OK : LACUNA_ENOMEM;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* With --std, a.tif also writes a.std.tif, which may be the result of another picture. */
static int check_outputs(const struct batch *b)
{
	const char **all;
	size_t n = 0;
	int status = LACUNA_OK;

	if (!b->values->deviation)
		return LACUNA_OK;
	all = memory_alloc_array(2 * b->count, sizeof *all);
	if (!all)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < b->count; i++) {
		all[n++] = b->items[i].relative;
		all[n++] = b->items[i].deviation;
	}
	qsort(all, n, sizeof *all, by_text);
	for (size_t i = 1; !status && i < n; i++)
		if (!strcmp(all[i - 1], all[i]))
			status = error_set(LACUNA_EINVAL,
					   "%s would be written by --std and by a picture of that "
					   "name; --exclude '*.std.*' leaves it out",
					   all[i]);
	memory_release(all);
	return status;
}

static void free_item(struct item *item)
{
	memory_release(item->relative);
	memory_release(item->deviation);
}

/* Masks and kernels often lie beside the pictures. */
static int drop_used(struct batch *b)
{
	size_t kept = 0, elsewhere = 0;
	const int status = plans_gather(&b->plans);

	for (size_t i = 0; i < b->count; i++) {
		struct item *item = &b->items[i];

		if (!status && plans_use(&b->plans, item->file->path)) {
			free_item(item);
			continue;
		}
		elsewhere += item->state == ITEM_ELSEWHERE;
		b->items[kept++] = *item;
	}
	if (kept < b->count)
		log_message(LACUNA_LOG_INFO,
			    b->count - kept == 1 ? "%zu file is a mask, a kernel or noise of "
						   "others; it is not restored"
						 : "%zu files are masks, kernels or noise of "
						   "others; they are not restored",
			    b->count - kept);
	b->count = kept;
	b->elsewhere = elsewhere;
	return status;
}

/* A misspelt name would leave its picture with other options. */
static void warn_of_unused(const struct conf *conf)
{
	const char *source, *name;
	const size_t n = conf_unused(conf, &source, &name);

	if (n == 1)
		log_message(LACUNA_LOG_WARN, "%s: no picture is called %s", source, name);
	if (n > 1)
		log_message(LACUNA_LOG_WARN,
			    "%s: no picture is called %s; %zu more rows or sections match none",
			    source, name, n - 1);
}

static int make_items(struct batch *b)
{
	const size_t n = b->tree.count;
	size_t first, index = 0, shards = 1;
	int status = b->values->shard ? parse_shard(b->values->shard, &index, &shards) : LACUNA_OK;

	b->items = memory_alloc_array(n ? n : 1, sizeof *b->items);
	if (status || !b->items)
		return status ? status : LACUNA_ENOMEM;
	b->count = n;
	first = first_item(b);
	/* Visits files in tree order, as configurations need; rotates them by `first'. */
	for (size_t i = 0; !status && i < n; i++) {
		struct item *item = &b->items[(i + n - first) % n];

		item->file = &b->tree.files[i];
		if (name_outputs(b->values, item))
			return LACUNA_ENOMEM;
		if (i % shards != index) {
			item->state = ITEM_ELSEWHERE;
			b->elsewhere++;
		}
		status = plans_find(&b->plans, b->conf, item->file, &item->plan);
	}
	if (!status) {
		warn_of_unused(b->conf);
		status = drop_used(b);
	}
	if (!status && !b->count)
		status = no_picture();
	return status ? status : check_outputs(b);
}

/* ---- resources --------------------------------------------------------------------------------------- */

static double largest_file(const struct batch *b)
{
	double largest = 0;

	for (size_t i = 0; i < b->tree.count; i++)
		if ((double)b->tree.files[i].size > largest)
			largest = (double)b->tree.files[i].size;
	return largest;
}

/* A byte of a file usually holds one value of a picture at most.  A value needs some 25 floats to restore; the network needs
 * work space. */
static void share_resources(struct batch *b)
{
	static const double network = 0x1p30;
	const struct batch_values *v = b->values;
	const double all = (double)resources_set(0, v->memory);
	const double need = network + 100 * largest_file(b);
	const double beside = (double)number_of("OMPI_COMM_WORLD_LOCAL_SIZE", 1);
	double workers = threads_count() / (beside > 1 ? beside : 1);

	b->processors = workers < 1 ? 1 : (int)workers;
	if (all > 0 && workers * need > all)
		workers = all / need;
	b->workers = v->workers ? (int)v->workers : workers < 1 ? 1 : (int)workers;
	if ((size_t)b->workers > b->tree.count && b->tree.count)
		b->workers = (int)b->tree.count;
	b->plans.budget = all > 0 ? (size_t)(all / b->workers) : 0;
	memory_set_budget(0); /* no limit for the parent's lists */
}

/* ---- after the run ----------------------------------------------------------------------------------- */

static void add_rows_before(struct batch *b)
{
	enum { ROWS_MOST = 5000 };

	for (size_t i = 0; i < b->count && json_array_size(b->rows) < ROWS_MOST; i++)
		if (b->items[i].state == ITEM_BEFORE)
			json_array_append_new(b->rows,
					      json_pack("{s:o, s:s, s:i}", "path",
							card_path(b->items[i].relative), "state",
							"done", "doubts", b->items[i].doubts));
}

static char *summary_text(const struct batch *b)
{
	const size_t left = b->count - b->elsewhere - b->before - b->done - b->failed;
	char *doubts = b->doubtful ? text_format(", %zu doubtful", b->doubtful) : memory_strdup("");
	char *before = b->before ? text_format(", %zu done before", b->before) : memory_strdup("");
	char *rest = left ? text_format(", %zu left", left) : memory_strdup("");
	char *out = b->tree.left_out ? text_format(", %zu could not be looked at", b->tree.left_out)
				     : memory_strdup("");
	char *text = NULL;

	if (doubts && before && rest && out)
		text = text_format("%zu images: %zu restored%s%s, %zu failed%s%s",
				   b->count - b->elsewhere, b->done, before, doubts, b->failed,
				   rest, out);
	memory_release(doubts);
	memory_release(before);
	memory_release(rest);
	memory_release(out);
	return text;
}

static int write_sheet(struct batch *b, const char *summary)
{
	json_t *about;
	int status;

	if (!b->sheet)
		return LACUNA_OK;
	sheet_close(&b->cards);
	add_rows_before(b);
	about = json_pack("{s:s}", "text", summary);
	status = sheet_write(b->sheet, b->state, about, b->rows);
	json_decref(about);
	return status;
}

static int finish(struct batch *b)
{
	char *summary = summary_text(b);
	const int complete = b->done + b->before + b->elsewhere == b->count && !b->tree.left_out;
	int status = summary ? write_sheet(b, summary) : LACUNA_ENOMEM;

	if (status)
		failure(NULL, status);
	batch_show_event(b,
			 json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "event", "end", "done",
				   (json_int_t)b->done, "before", (json_int_t)b->before, "failed",
				   (json_int_t)b->failed, "doubtful", (json_int_t)b->doubtful,
				   "left_out", (json_int_t)b->tree.left_out));
	if (summary && (!b->values->quiet || !complete))
		fprintf(stderr, "lacuna: %s\n", summary);
	memory_release(summary);
	if (signals_received()) {
		fputs("lacuna: stopped; start the same command again to go on\n", stderr);
		return 128 + signals_received();
	}
	return status || !complete		  ? STATUS_FAILED
	       : b->values->strict && b->doubtful ? STATUS_DOUBTFUL
						  : STATUS_DONE;
}

/* ---- the command ------------------------------------------------------------------------------------- */

static int run_here(struct batch *b)
{
	int status = output_directory(b->output);

	if (!status)
		status = share_join(b->state, &b->share);
	if (!status && b->share.others)
		log_message(LACUNA_LOG_INFO,
			    "%lld other run%s at work on %s: the runs share the images",
			    (long long)b->share.others, b->share.others == 1 ? " is" : "s are",
			    b->output);
	if (!status)
		status = batch_run(b);
	share_leave(&b->share);
	return status;
}

static void print_plan(const struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct item *item = &b->items[i];
		char *line =
			text_format("%s -> %s/%s", item->file->path, b->output, item->relative);

		if (line && item->state != ITEM_ELSEWHERE) {
			text_make_plain(line);
			printf("%s%s%s\n", line, *item->plan->overrides ? "  " : "",
			       item->plan->overrides);
		}
		memory_release(line);
	}
}

static int name_files(struct batch *b)
{
	const struct batch_values *v = b->values;

	b->state = text_format("%s/.lacuna", b->output);
	if (!v->no_html)
		b->sheet =
			v->html ? memory_strdup(v->html) : text_format("%s/batch.html", b->output);
	return b->state && (b->sheet || v->no_html) ? LACUNA_OK : LACUNA_ENOMEM;
}

static int prepare(struct batch *b, int count, char **operands)
{
	int status = name_files(b);

	if (!status && b->sheet && !b->values->force)
		status = sheet_check(b->sheet);
	if (!status)
		status = collect(b, count, operands);

	share_resources(b);
	if (!status && !b->tree.count)
		status = no_picture();
	return status;
}

static void release(struct batch *b)
{
	journal_close(&b->writer);
	journal_free(&b->journal);
	sheet_close(&b->cards);
	for (size_t i = 0; i < b->count; i++)
		free_item(&b->items[i]);
	memory_release(b->items);
	plans_free(&b->plans);
	conf_destroy(b->conf);
	tree_free(&b->tree);
	json_decref(b->rows);
	memory_release(b->state);
	memory_release(b->sheet);
}

static int execute(const struct command *c, struct batch *b, int count, char **operands)
{
	const struct batch_values *v = b->values;
	int status;

	plans_create(&b->plans, &v->recipe);
	b->plans.deviation = v->deviation;
	status = prepare(b, count, operands);
	if (!status)
		status = conf_create(v->table, &b->conf);
	if (status)
		return failure(NULL, status);
	status = make_items(b);
	if (status)
		return plugin_refused(c, status);
	if (v->dry_run) {
		print_plan(b);
		return STATUS_DONE;
	}
	status = run_here(b);
	if (status) {
		failure(NULL, status);
		finish(b);
		return STATUS_FAILED;
	}
	return finish(b);
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	const struct batch_values *v = values;
	struct batch b = {
		.values = v, .output = v->output, .cards = { .fd = -1 }, .writer = { .fd = -1 }
	};
	int result;

	verbosity_set(v->quiet ? 0 : v->verbose ? 2 : 1);
	if (!b.output && count)
		b.output = operands[--count];
	if (!b.output || (!count && !v->list))
		return misuse(c, "%s is missing", b.output ? "the input" : "the output directory");
	b.rows = json_array();
	result = execute(c, &b, count, operands);
	release(&b);
	return result;
}

const struct command command_batch = {
	.name = "batch",
	.operands = "IN ... OUT -A OPERATOR [OPTION ...]",
	.summary = "restore whole directories of pictures",
	.details =
		"Restores the TIFFs in the directories IN and below, and writes them under the "
		"same names into OUT. Several pictures are restored at a time, each in its own "
		"process, so a failure costs only one picture. If the run stops for any reason, "
		"start the same command again. It skips what is done with the same options and "
		"files.\n\n"
		"A file lacuna.conf in a directory holds options for the pictures there and below, "
		"one on each line, such as 'noise = 0.01' or 'operator = blur:psf=star.tif'. A "
		"line [scan-*.tif] limits the lines after it to matching files. {stem} stands for "
		"a file's name without .tif. These options override those of the command line.\n\n"
		"OUT/.lacuna holds the journal. Several runs may share one OUT, also on different "
		"machines: each picture is restored by one of them. OUT/batch.html shows all "
		"pictures before and after.",
	.shared = recipe_rows,
	.shared_count = &recipe_row_count,
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.defaults = &defaults,
	.values_size = sizeof(struct batch_values),
	.operands_min = 0,
	.operands_max = -1,
	.run = run,
};
