/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A batch's worker process: one image after the other, each answered with a line of JSON. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/batch.h"
#include "cli/card.h"
#include "cli/report.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
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
		json_array_append_new(now.warnings, report_words(text));
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
	const double seconds = SECONDS_ANY + SECONDS_MEGAPIXEL * megapixels * (double)samples;

	if (!(v->timeout > 0))
		alarm((unsigned)fmin(seconds, 1e9));
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

/* The outputs are the batch's own, or are not there: the run has looked.  One that appears meanwhile is not replaced. */
static int restore_item(const struct batch *b, const struct item *item, const char *output,
			const char *deviation, json_t **report)
{
	struct restoration *r = &item->plan->restoration;
	const int exists = !access(output, F_OK) || (deviation && !access(deviation, F_OK));
	const struct file_names names = {
		.input = item->file->path,
		.output = output,
		.deviation = deviation,
		.force = exists || b->values->force,
	};

	/* Of what the plan before has at hand nothing fits. */
	if (now.plan && now.plan != item->plan)
		restorer_rest(now.plan->restoration.restorer);
	now.plan = item->plan;
	r->enter = enter_page;
	r->look = look_at_page;
	r->look_context = (void *)(uintptr_t)b;
	return restoration_run(r, &names, report);
}

static int add_stamp(json_t *reply, const char *name, const char *path)
{
	struct stamp stamp;
	const int status = stamp_take(path, &stamp);

	if (!status)
		json_object_set_new(reply, name, stamp_to_json(&stamp));
	return status;
}

/* The input must be the same before and after: else the result belongs to neither. */
static int restore_stamped(const struct batch *b, const struct item *item, const char *output,
			   const char *deviation, json_t *reply)
{
	const char *path = item->file->path;
	json_t *report = NULL;
	struct stamp input;
	int status = stamp_take(path, &input);

	if (!status)
		status = restore_item(b, item, output, deviation, &report);
	if (!status && !stamp_holds(path, &input))
		status = error_set(LACUNA_EIO, "%s: has changed while it was restored", path);
	if (!status)
		status = add_stamp(reply, "output", output);
	if (!status && deviation)
		status = add_stamp(reply, "deviation", deviation);
	if (!status) {
		json_object_set_new(reply, "input", stamp_to_json(&input));
		card_add_facts(now.card, report);
	}
	json_decref(report);
	return status;
}

char *batch_worker_restore(void *context, size_t order)
{
	const struct batch *b = context;
	const struct item *item = &b->items[batch_item(order)];
	char *output = batch_path(b, item->relative), *text;
	char *deviation = item->deviation ? batch_path(b, item->deviation) : NULL;
	json_t *reply = json_object();
	int status;

	threads_set((int)(order % ORDER_THREADS));
	now.warnings = json_array();
	now.card = json_object();
	now.megapixels = 0;
	error_clear();
	allow(b->values, (double)item->file->size / 1e6, 1);
	status = output && (deviation || !item->deviation)
			 ? restore_stamped(b, item, output, deviation, reply)
			 : LACUNA_ENOMEM;
	alarm(0);
	json_object_set_new(now.card, "path", card_path(item->relative));
	json_object_set_new(reply, "status", json_integer(status));
	if (status)
		json_object_set_new(
			reply, "message",
			report_words(*error_text() ? error_text() : error_status_text(status)));
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
	memory_release(deviation);
	memory_release(output);
	now.warnings = now.card = NULL;
	return text;
}

/* ---- before there are workers ------------------------------------------------------------------------ */

static int find_unknown(struct restoration *r, const char *path, struct lacuna_shape *x)
{
	struct tiff_reader *in = NULL;
	struct tiff_page page;
	int status = tiff_open(path, &in);

	if (!status)
		status = tiff_page_info(in, 0, &page);
	if (!status && !restorer_fits(r->restorer, &page.shape))
		status = LACUNA_ENOMEM;
	if (!status)
		status = restorer_shape(r->restorer, &page.shape, &r->size);
	if (!status)
		*x = *restorer_x(r->restorer);
	tiff_close(in);
	return status;
}

char *batch_worker_scout(void *context, size_t order)
{
	enum { LOOKS = 32 };
	const struct batch *b = context;
	const size_t step = b->count / LOOKS + 1;
	json_t *answer = json_array();
	char *text;

	(void)order;
	for (size_t i = 0; i < b->count; i += step) {
		const struct item *item = &b->items[i];
		struct lacuna_shape x;

		if (item->state == ITEM_TODO &&
		    !find_unknown(&item->plan->restoration, item->file->path, &x))
			json_array_append_new(answer, json_pack("[I, I, I, I]", (json_int_t)i,
								(json_int_t)x.extent[0],
								(json_int_t)x.extent[1],
								(json_int_t)x.extent[2]));
	}
	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	return text;
}
