/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A batch's worker process: one image after the other, each answered with a line of JSON. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/batch.h"
#include "cli/card.h"
#include "cli/report.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What an image may take where the user does not say: far more than it does on a slow machine. */
enum { SECONDS_ANY = 120, SECONDS_MEGAPIXEL = 1200 };

/* The image at hand. */
static struct {
	json_t *warnings;
	json_t *card;
	struct plan *plan;
	double megapixels;
} now;

static void keep_warning(void *context, int level, const char *text)
{
	(void)context;
	if (level <= LACUNA_LOG_WARN && now.warnings)
		json_array_append_new(now.warnings, report_string(text));
}

void batch_worker_begin(void *context)
{
	const struct batch *b = context;

	/* The terminal's Ctrl-C goes to all; the batch decides. */
	signal(SIGINT, SIG_IGN);
	/* What a plugin prints must not get among the events. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	log_install(keep_warning, NULL);
	memory_set_budget(b->plans.budget);
}

/* ---- looking on -------------------------------------------------------------------------------------- */

/* Hangs end by SIGALRM. */
static void allow(const struct batch_values *v, double megapixels, int64_t samples)
{
	if (!(v->timeout > 0))
		alarm((unsigned)(SECONDS_ANY + SECONDS_MEGAPIXEL * megapixels * (double)samples));
}

static void enter_page(void *context, const struct lacuna_shape *shape)
{
	const struct batch *b = context;

	allow(b->values, (double)lacuna_count(shape) / 1e6, now.plan->recipe.samples);
}

static void look_at_page(void *context, const struct look *look)
{
	const struct batch *b = context;

	now.megapixels += (double)lacuna_count(&look->before->shape) / 1e6;
	if (!b->values->no_html)
		card_look(now.card, look);
}

/* ---- one image --------------------------------------------------------------------------------------- */

static json_t *stamp_json(const struct stamp *s)
{
	return json_pack("[I, I, I, s]", (json_int_t)s->size, (json_int_t)s->modified,
			 (json_int_t)s->changed, s->digest);
}

/* NAME.tif to NAME.std.tif */
static char *deviation_name(const char *output)
{
	const char *dot = strrchr(output, '.');

	return text_format("%.*s.std%s", (int)(dot - output), output, dot);
}

static int restore_item(const struct batch *b, const struct item *item, const char *output,
			json_t **report)
{
	struct restoration *r = &item->plan->restoration;
	char *deviation = b->values->deviation ? deviation_name(output) : NULL;
	const struct file_names names = {
		.input = item->file->path,
		.output = output,
		.deviation = deviation,
		.force = item->known || b->values->force,
	};
	int status = deviation || !b->values->deviation ? LACUNA_OK : LACUNA_ENOMEM;

	/* Of what the plan before has at hand nothing fits. */
	if (now.plan && now.plan != item->plan)
		restorer_rest(now.plan->restoration.restorer);
	now.plan = item->plan;
	r->enter = enter_page;
	r->look = look_at_page;
	r->look_context = (void *)(uintptr_t)b;
	if (!status)
		status = restoration_run(r, &names, report);
	memory_release(deviation);
	return status;
}

/* The input must be the same before and after: else the result belongs to neither. */
static int restore_stamped(const struct batch *b, const struct item *item, const char *output,
			   json_t *reply)
{
	const char *path = item->file->path;
	json_t *report = NULL;
	struct stamp input, result;
	int status = stamp_take(path, &input);

	if (!status)
		status = restore_item(b, item, output, &report);
	if (!status && !stamp_holds(path, &input))
		status = error_set(LACUNA_EIO, "%s: has changed while it was restored", path);
	if (!status)
		status = stamp_take(output, &result);
	if (!status) {
		json_object_set_new(reply, "input", stamp_json(&input));
		json_object_set_new(reply, "output", stamp_json(&result));
		card_add_facts(now.card, report);
	}
	json_decref(report);
	return status;
}

char *batch_worker_restore(void *context, size_t order)
{
	const struct batch *b = context;
	const struct item *item = &b->items[batch_item(order)];
	char *output = batch_path(b, item->relative), *path, *text;
	json_t *reply = json_object();
	int status;

	threads_set((int)(order % ORDER_THREADS));
	now.warnings = json_array();
	now.card = json_object();
	now.megapixels = 0;
	error_clear();
	allow(b->values, (double)item->file->size / 1e6, 1);
	status = output ? restore_stamped(b, item, output, reply) : LACUNA_ENOMEM;
	alarm(0);
	path = journal_encode_path(item->relative);
	json_object_set_new(now.card, "path", report_string(path));
	json_object_set_new(reply, "status", json_integer(status));
	if (status)
		json_object_set_new(
			reply, "message",
			report_string(*error_text() ? error_text() : error_status_text(status)));
	json_object_set_new(reply, "doubts", json_integer(item->plan->restoration.doubts));
	json_object_set_new(reply, "megapixels", json_real(now.megapixels));
	json_object_set_new(reply, "warnings", now.warnings);
	/* A later run shows them as well. */
	if (!status) {
		json_object_set(now.card, "doubts", json_object_get(reply, "doubts"));
		json_object_set(now.card, "warnings", now.warnings);
	}
	json_object_set_new(reply, "card", now.card);
	text = json_dumps(reply, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(reply);
	memory_release(path);
	memory_release(output);
	now.warnings = now.card = NULL;
	return text;
}
