/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What a batch prints while it runs: progress, failures, events, and the rows of the contact sheet. */
#include <config.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/batch.h"
#include "cli/card.h"
#include "cli/common.h"
#include "cli/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	int progress, visible;
	double began, shown;
	double megapixels, bytes; /* done in this run */
	double bytes_left;
	size_t listed; /* failures printed so far */
} show;

void batch_show_event(const struct batch *b, json_t *event)
{
	char *text =
		b->values->json ? json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

	json_decref(event);
	if (!text)
		return;
	puts(text);
	fflush(stdout);
	free(text);
}

void batch_show_clear(void)
{
	if (show.visible)
		fputs("\r\033[K", stderr);
	show.visible = 0;
}

void batch_show_begin(const struct batch *b)
{
	const struct batch_values *v = b->values;

	show.progress = v->progress || (isatty(STDERR_FILENO) && !v->quiet);
	show.began = clock_seconds();
	for (size_t i = 0; i < b->count; i++)
		if (b->items[i].state == ITEM_TODO)
			show.bytes_left += (double)b->items[i].file->size;
	log_message(LACUNA_LOG_INFO, "%zu images, %zu done before; %d at a time",
		    b->count - b->elsewhere, b->before, b->workers);
	batch_show_event(b, json_pack("{s:s, s:I, s:I, s:i}", "event", "begin", "images",
				      (json_int_t)(b->count - b->elsewhere), "before",
				      (json_int_t)b->before, "jobs", b->workers));
}

/* Prints a line about a file, whose name may hold control characters. */
static void print_about(const char *before, const char *path, const char *after)
{
	char *line = text_format("%s%s%s", before, path, after);

	if (line) {
		text_make_plain(line);
		fprintf(stderr, "lacuna: %s\n", line);
	}
	memory_release(line);
}

/* Warnings name only the page, so the image's name comes first. */
static void print_warnings(const struct item *item, const json_t *reply)
{
	json_t *warnings = json_object_get(reply, "warnings"), *text;
	size_t i;

	json_array_foreach(warnings, i, text)
	{
		char *after = text_format(": %s", json_string_value(text));

		print_about("warning: ", item->file->path, after ? after : "");
		memory_release(after);
	}
}

/* Messages that do not begin with the file's name get it. */
static void print_failure(const char *path, const char *message)
{
	char *name = text_format("%s:", path);
	char *after = text_format("%s %s", name ? name : "", message);

	if (name && after) {
		text_make_plain(name);
		if (strncmp(message, name, strlen(name)) != 0)
			print_about("", after, "");
		else
			print_about("", message, "");
	}
	memory_release(name);
	memory_release(after);
}

static void add_row(struct batch *b, const struct item *item, const char *message,
		    const json_t *reply)
{
	json_t *row = json_pack("{s:o, s:s, s:i}", "path", card_path(item->relative), "state",
				message ? "failed" : "done", "doubts", item->doubts);
	json_t *card = json_object_get(reply, "card"),
	       *warnings = json_object_get(reply, "warnings");
	const char *key;
	json_t *value;

	/* Leaves out the thumbnails, which are in a file: there would be many. */
	json_object_foreach(card, key, value) if (!json_is_string(value) ||
						  strncmp(json_string_value(value), "data:", 5) !=
							  0) json_object_set(row, key, value);
	if (message)
		json_object_set_new(row, "message", report_words(message));
	if (json_array_size(warnings))
		json_object_set(row, "warnings", warnings);
	json_array_append_new(b->rows, row);
}

void batch_show_item(struct batch *b, const struct item *item, const char *message,
		     const json_t *reply)
{
	enum { LISTED_MOST = 50 };
	const struct batch_values *v = b->values;
	json_t *event =
		json_pack("{s:s, s:o, s:i, s:f}", "event", message ? "failed" : "done", "path",
			  card_path(item->relative), "doubts", item->doubts, "megapixels",
			  json_number_value(json_object_get(reply, "megapixels")));

	show.megapixels += json_number_value(json_object_get(reply, "megapixels"));
	show.bytes += (double)item->file->size;
	show.bytes_left -= (double)item->file->size;
	batch_show_clear();
	if (message && show.listed++ < LISTED_MOST)
		print_failure(item->file->path, message);
	if (!message && v->verbose && !v->quiet)
		print_about("", item->file->path, ": done");
	if (v->verbose && !v->quiet)
		print_warnings(item, reply);
	if (message)
		json_object_set_new(event, "message", report_words(message));
	json_object_set(event, "warnings", json_object_get(reply, "warnings"));
	json_object_set(event, "seconds",
			json_object_get(json_object_get(reply, "card"), "seconds"));
	batch_show_event(b, event);
	add_row(b, item, message, reply);
}

void batch_show_divided(const struct batch *b, const struct item *item, size_t units)
{
	batch_show_event(b, json_pack("{s:s, s:o, s:I}", "event", "divided", "path",
				      card_path(item->relative), "windows", (json_int_t)units));
	if (b->values->verbose && !b->values->quiet) {
		char after[64];

		snprintf(after, sizeof after, ": divided into %zu windows", units);
		batch_show_clear();
		print_about("", item->file->path, after);
	}
}

void batch_show_progress(const struct batch *b, int busy)
{
	const double time = clock_seconds(), spent = time - show.began;
	const size_t finished = b->done + b->failed;
	double left;

	if (!show.progress || time - show.shown < 0.25)
		return;
	show.shown = time;
	batch_show_clear();
	fprintf(stderr, "%zu/%zu", b->before + finished, b->count - b->elsewhere);
	if (b->failed)
		fprintf(stderr, ", %zu failed", b->failed);
	if (b->doubtful)
		fprintf(stderr, ", %zu doubtful", b->doubtful);
	if (finished && show.bytes > 0) {
		left = show.bytes_left * spent / show.bytes;
		fprintf(stderr, ", %.1f images/min, %.3g Mpx/s, %d:%02d:%02d left",
			(double)finished * 60 / spent, show.megapixels / spent, (int)(left / 3600),
			(int)(left / 60) % 60, (int)left % 60);
	} else {
		fprintf(stderr, ", %d at work", busy);
	}
	show.visible = 1;
	fflush(stderr);
}
