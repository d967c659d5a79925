/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A batch's worker process: restores one image after the other, and answers each with a line of JSON. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/batch-divide.h"
#include "cli/batch-window.h"
#include "cli/card.h"
#include "cli/report.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Time limit for an image if the user states none: far more than a slow machine needs. */
enum { SECONDS_ANY = 120, SECONDS_MEGAPIXEL = 1200 };

/* The current image. */
static struct {
	json_t *warnings;
	json_t *card;
	struct plan *plan;
	double megapixels;

	const struct batch *batch;
	const struct item *item;
	struct division division; /* no pages: not divided */
	size_t unit;
	size_t warned; /* warnings before the current window */
	struct common {
		int known; /* levels and noise of the current page were read from its file */
		struct levels levels;
		enum { NOISE_NONE, NOISE_OF_WINDOWS, NOISE_OF_PAGES } from;
		struct heard_noise noise;
		json_t *about; /* owned */
	} common;
	json_t *abouts; /* of the joined parts: records point to their texts */
	/* Warnings that one window gives for all: those of this window by kind, and those given by page and kind. */
	json_t *told, *given;
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

	/* Ctrl-C in the terminal reaches all processes; the batch decides what to do. */
	signal(SIGINT, SIG_IGN);
	/* What a plugin prints must not mix with the events. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	log_install(keep_warning, NULL);
	memory_set_budget(b->plans.budget);
}

/* ---- callbacks --------------------------------------------------------------------------------------- */

/* Without --timeout, SIGALRM ends a worker that hangs. */
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

/* ---- windows as units of work ------------------------------------------------------------------------- */

static int is_warned_of(const json_t *text)
{
	json_t *other;
	size_t i;

	json_array_foreach(now.warnings, i, other) if (json_equal(other, text)) return 1;
	return 0;
}

/* Warnings from making a part also belong to the result. */
static void repeat_warnings(json_t *about)
{
	json_t *text;
	size_t i;

	json_array_foreach(json_object_get(about, "warnings"), i, text) if (!is_warned_of(text))
		json_array_append(now.warnings, text);
	json_array_append(now.abouts, about);
}

/* Some warnings are given once for the whole picture.  Windows do not know of each other, so several may bring the same one.
 * Drops those that were given before; returns their number. */
static int drop_given(json_t *about, int page)
{
	json_t *warnings = json_object_get(about, "warnings"), *text;
	const char *kind;
	int dropped = 0;

	json_object_foreach(json_object_get(about, "told"), kind, text)
	{
		char key[40];

		snprintf(key, sizeof key, "%d-%.20s", page, kind);
		if (!json_object_get(now.given, key)) {
			json_object_set(now.given, key, text);
			continue;
		}
		for (size_t i = json_array_size(warnings); i-- > 0;)
			if (json_equal(json_array_get(warnings, i), text))
				json_array_remove(warnings, i);
		dropped++;
	}
	return dropped;
}

static json_t *describe_part(const char *how, size_t warned)
{
	json_t *warnings = json_array();

	for (size_t i = warned; i < json_array_size(now.warnings); i++)
		json_array_append(warnings, json_array_get(now.warnings, i));
	return json_pack("{s:s?, s:o}", "how", how, "warnings", warnings);
}

static unsigned mode_of(const struct item *item)
{
	struct stat st;

	/* A part must be as private as the picture. */
	return stat(item->file->path, &st) ? 0600 : (unsigned)st.st_mode & 0777;
}

/* ---- what all windows of a page have in common ----------------------------------------------------------- */

enum {
	COMMON_LUMPS_AT = 12,
	COMMON_NOISE_AT = COMMON_LUMPS_AT + LUMPS_MOST,
	COMMON_NUMBERS = COMMON_NOISE_AT + NOISE_NUMBERS
};

static int read_common(int page)
{
	struct common *c = &now.common;
	char *path = division_common(now.batch, now.item, page);
	struct part p;
	int found = 0,
	    status = path ? part_read(path, now.division.key, &p, &found) : LACUNA_ENOMEM;

	json_decref(c->about);
	*c = (struct common){ 0 };
	memory_release(path);
	if (status || !found)
		return status;
	if (p.number_count == COMMON_NUMBERS) {
		const double *v = p.numbers;

		c->known = 1;
		c->levels = (struct levels){ .measured = v[0] > 0,
					     .kind = (enum sample_kind)(int)v[1],
					     .bits = (int)v[2],
					     .found = v[3] > 0,
					     .seen = { v[4], v[5], v[6], v[7] },
					     .lumps = (int)v[8] };
		memcpy(c->levels.lump, v + COMMON_LUMPS_AT, sizeof c->levels.lump);
		c->from = (int)v[9];
		c->noise.inner = (struct scale){ v[10], v[11], -INFINITY, INFINITY };
		c->about = json_incref(p.about);
		window_get_noise(v + COMMON_NOISE_AT,
				 json_string_value(json_object_get(c->about, "how")),
				 &c->noise.description);
	}
	part_free(&p);
	return LACUNA_OK;
}

static int write_common(int page)
{
	const struct common *c = &now.common;
	const struct scale *seen = &c->levels.seen, *inner = &c->noise.inner;
	double numbers[COMMON_NUMBERS] = {
		c->levels.measured, c->levels.kind, c->levels.bits, c->levels.found,
		seen->black,	    seen->white,    seen->lowest,   seen->highest,
		c->levels.lumps,    c->from,	    inner->black,   inner->white,
	};
	const struct part p = { .about = c->about,
				.numbers = numbers,
				.number_count = COMMON_NUMBERS };
	char *path = division_common(now.batch, now.item, page);
	int status = path ? LACUNA_OK : LACUNA_ENOMEM;

	memcpy(numbers + COMMON_LUMPS_AT, c->levels.lump, sizeof c->levels.lump);
	window_put_noise(&c->noise.description, numbers + COMMON_NOISE_AT);
	if (!status)
		status = part_write(path, now.division.key, mode_of(now.item), &p);
	memory_release(path);
	return status;
}

static void keep_noise(int from)
{
	const struct heard_noise *heard = restorer_heard(now.plan->restoration.restorer);

	if (!heard || now.common.from)
		return;
	now.common.noise = *heard;
	now.common.from = from;
	json_decref(now.common.about);
	now.common.about = describe_part(heard->description.how, 0);
}

/* Callbacks recall() and heard() of restore_parts. */
static int recall_noise(void *context, const struct measurement *m)
{
	(void)context;
	if (now.unit == UNIT_JOIN && read_common((int)m->number))
		error_clear();
	if (!now.common.known || now.common.from != NOISE_OF_WINDOWS)
		return 0;
	restorer_recall(now.plan->restoration.restorer, &now.common.noise);
	if (now.unit == UNIT_JOIN)
		repeat_warnings(now.common.about);
	return 1;
}

static void hear_noise(void *context, const struct measurement *m)
{
	(void)context, (void)m;
	keep_noise(NOISE_OF_WINDOWS);
}

/* ---- one window -------------------------------------------------------------------------------------- */

static int take_part(size_t unit, const struct division_page *page, struct restored *part)
{
	char *path = division_part(now.batch, now.item, unit), key[DIGEST_SIZE + 24];
	struct part p;
	int found = 0, status;

	division_part_key(&now.division, unit, key);
	status = path ? part_read(path, key, &p, &found) : LACUNA_ENOMEM;
	if (!status && found) {
		found = window_unpack(&p, &page->windows, now.item->plan->restoration.job.deviation,
				      part);
		if (found) {
			part->record.doubts -= drop_given(p.about, page->page);
			repeat_warnings(p.about);
		}
		part_free(&p);
	}
	memory_release(path);
	return status ? status : found ? PART_TAKEN : PART_HERE;
}

static int take(void *context, const struct measurement *m, int64_t window, struct restored *part)
{
	const struct division_page *page = division_find(&now.division, (int)m->number);

	(void)context;
	return page ? take_part(page->first + (size_t)window, page, part) : PART_HERE;
}

/* Picture and deviation in one array; release it with memory_release(). */
static float *all_values(const struct restored *r)
{
	const size_t n = lacuna_count(&r->record.shape);
	float *values = memory_alloc_array(r->deviation ? 2 * n : n, sizeof *values);

	if (!values)
		return NULL;
	memcpy(values, r->picture, n * sizeof *values);
	if (r->deviation)
		memcpy(values + n, r->deviation, n * sizeof *values);
	return values;
}

static int keep_part(size_t unit, size_t warned, const struct restored *restored)
{
	json_t *about = describe_part(restored->record.description.how, warned);
	char *path = division_part(now.batch, now.item, unit), key[DIGEST_SIZE + 24];
	float *values = all_values(restored);
	struct part part;
	int status = LACUNA_ENOMEM;

	if (about && restored->record.dealt_with)
		json_object_set_new(about, "dealt_with", json_string(restored->record.dealt_with));
	if (about && restored->record.precision)
		json_object_set_new(about, "precision", json_string(restored->record.precision));
	if (about && restored->record.deviation)
		json_object_set_new(about, "std", json_string(restored->record.deviation));
	if (about)
		json_object_set(about, "told", now.told);
	part = window_pack(restored, about, values);
	division_part_key(&now.division, unit, key);
	if (path && about && values)
		status = part_write(path, key, mode_of(now.item), &part);
	memory_release(values);
	memory_release(path);
	json_decref(about);
	return status;
}

/* Callback windows() of a restoration. */
static int stated_windows(void *context, int page, struct windows *w)
{
	const struct division_page *found = division_find(&now.division, page);

	(void)context;
	if (found)
		*w = found->windows;
	return found != NULL;
}

/* Callback told() of restore_parts. */
static void note_kind(void *context, unsigned kind)
{
	char key[16];

	(void)context;
	snprintf(key, sizeof key, "%u", kind);
	json_object_set(now.told, key,
			json_array_get(now.warnings, json_array_size(now.warnings) - 1));
}

static const struct restore_parts hooks = {
	.take = take,
	.recall = recall_noise,
	.heard = hear_noise,
	.told = note_kind,
};

static int keep_windows(void *context, int page, const struct windows *w)
{
	return division_add(context, page, w);
}

/* True when the old plan can be used.  An earlier run, or one with less memory, may have chosen smaller windows. */
static int will_do(const struct division *old, const struct division *fresh)
{
	int well = old->page_count == fresh->page_count;

	for (size_t i = 0; well && i < old->page_count; i++) {
		const struct windows *v = &old->pages[i].windows, *w = &fresh->pages[i].windows;

		well = old->pages[i].page == fresh->pages[i].page && v->reach == w->reach &&
		       v->factor == w->factor && v->width * v->height <= w->width * w->height;
	}
	return well;
}

/* Decides whether to divide the item.  If so, there is a plan afterwards. */
static int divide(const struct batch *b, const struct item *item, size_t *units)
{
	struct restoration *r = &item->plan->restoration;
	const struct file_names names = { .input = item->file->path };
	struct division fresh = { 0 }, old = { 0 };
	int found = 0, status;

	*units = 0;
	if (!r->job.budget)
		return LACUNA_OK;
	status = restoration_divide(r, &names, keep_windows, &fresh);
	if (!status && fresh.units)
		status = division_read(b, item, &old, &found);
	if (!status && found && will_do(&old, &fresh) &&
	    stamp_holds(item->file->path, &old.input)) {
		*units = old.units;
	} else if (!status && fresh.units) {
		fresh.told = r->told;
		status = stamp_take(item->file->path, &fresh.input);
		if (!status)
			status = division_write(b, item, &fresh);
		*units = fresh.units;
	}
	division_free(&old);
	division_free(&fresh);
	return status;
}

static const struct division_page *page_of(const struct division *d, size_t unit)
{
	size_t i = 0;

	while (i + 1 < d->page_count && d->pages[i + 1].first <= unit)
		i++;
	return &d->pages[i];
}

/* Sets now.division from the plan, which must exist and match the input. */
static int recall_division(const struct batch *b, const struct item *item)
{
	int found, status;

	division_free(&now.division);
	status = division_read(b, item, &now.division, &found);
	item->plan->restoration.told = now.division.told;
	if (status || (found && stamp_holds(item->file->path, &now.division.input)))
		return status;
	return error_file_set(LACUNA_EIO, item->file->path,
			      "was changed while it was restored; start the command again");
}

/* Restores one unit, or only estimates the noise of its page. */
static int restore_windows(const struct item *item, const struct division_page *page)
{
	struct restoration *r = &item->plan->restoration;
	const struct file_names names = { .input = item->file->path };
	const size_t unit = now.unit - UNIT_FIRST;
	const int64_t window = now.unit < UNIT_FIRST ? -1 : (int64_t)(unit - page->first);
	struct restored part = { 0 };
	int status = read_common(page->page);

	restorer_forget(r->restorer);
	if (status || (now.common.known && window < 0))
		return status;
	if (now.common.from == NOISE_OF_PAGES)
		restorer_recall(r->restorer, &now.common.noise);
	now.warned = json_array_size(now.warnings);
	status = restoration_part(r, &names, page->page, window, &now.common.levels,
				  now.common.known, &part);
	if (!status && !now.common.known) {
		keep_noise(NOISE_OF_PAGES);
		if (!now.common.about)
			now.common.about = describe_part(NULL, json_array_size(now.warnings));
		status = write_common(page->page);
	}
	if (!status && window >= 0)
		status = keep_part(unit, now.warned, &part);
	restored_free(&part);
	restorer_forget(r->restorer);
	return status;
}

static int restore_unit(const struct batch *b, const struct item *item)
{
	const size_t unit = now.unit - UNIT_FIRST;
	const int status = recall_division(b, item);

	if (!status && unit >= now.division.units)
		return error_set(LACUNA_EINTERNAL, "window %zu of %zu", unit, now.division.units);
	return status ? status : restore_windows(item, page_of(&now.division, unit));
}

/* Estimates the noise once, instead of for each window. */
static int listen_to_windows(const struct batch *b, const struct item *item)
{
	int status = recall_division(b, item);

	item->plan->restoration.job.parts = &hooks;
	for (size_t i = 0; !status && i < now.division.page_count; i++)
		status = restore_windows(item, &now.division.pages[i]);
	item->plan->restoration.job.parts = NULL;
	return status;
}

/* ---- one image --------------------------------------------------------------------------------------- */

/* The run has checked that the outputs belong to the batch or do not exist.  One that appears meanwhile is not replaced. */
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

/* If the input changes meanwhile, the result belongs to neither version. */
static int restore_stamped(const struct batch *b, const struct item *item, const char *output,
			   const char *deviation, json_t *reply)
{
	const char *path = item->file->path;
	json_t *report = NULL;
	struct stamp input;
	int status;

	if (now.division.units) {
		input = now.division.input; /* recall_division() has checked it */
		status = LACUNA_OK;
	} else {
		status = stamp_take(path, &input);
	}
	if (!status)
		status = restore_item(b, item, output, deviation, &report);
	if (!status && !stamp_holds(path, &input))
		status = error_set(LACUNA_EIO, "%s: was changed while it was restored", path);
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

/* Restores the whole item, unless it must be divided. */
static int restore_whole(const struct batch *b, const struct item *item, json_t *reply)
{
	char *output = batch_path(b, item->relative);
	char *deviation = item->deviation ? batch_path(b, item->deviation) : NULL;
	size_t units = 0;
	int status = output && (deviation || !item->deviation) ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status && now.unit == UNIT_JOIN)
		status = recall_division(b, item);
	else if (!status)
		status = divide(b, item, &units);
	if (!status && units)
		status = listen_to_windows(b, item);
	if (!status && units)
		json_object_set_new(reply, "units", json_integer((json_int_t)units));
	else if (!status)
		status = restore_stamped(b, item, output, deviation, reply);
	memory_release(deviation);
	memory_release(output);
	return status;
}

static void begin(const struct batch *b, const struct item *item, uint64_t order)
{
	struct restoration *r = &item->plan->restoration;

	threads_set((int)(order % ORDER_THREADS));
	now.unit = batch_unit(order);
	now.batch = b;
	now.item = item;
	now.warnings = json_array();
	now.card = json_object();
	now.abouts = json_array();
	now.told = json_object();
	now.given = json_object();
	now.megapixels = 0;
	/* What the restorer keeps for the previous plan does not fit this one. */
	if (now.plan && now.plan != item->plan)
		restorer_rest(now.plan->restoration.restorer);
	now.plan = item->plan;
	r->told = (struct fit_values){ 0 };
	r->enter = enter_page;
	r->look = look_at_page;
	r->windows = stated_windows;
	r->look_context = (void *)(uintptr_t)b;
	r->job.parts = now.unit == UNIT_WHOLE ? NULL : &hooks;
	error_clear();
	allow(b->values, (double)item->file->size / 1e6, 1);
}

char *batch_worker_restore(void *context, uint64_t order)
{
	const struct batch *b = context;
	const struct item *item = &b->items[batch_item(order)];
	json_t *reply = json_object();
	char *text;
	int status;

	begin(b, item, order);
	status = now.unit >= UNIT_FIRST ? restore_unit(b, item) : restore_whole(b, item, reply);
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
	/* For the sheet of a later run. */
	if (!status) {
		json_object_set(now.card, "doubts", json_object_get(reply, "doubts"));
		json_object_set(now.card, "warnings", now.warnings);
	}
	json_object_set_new(reply, "card", now.card);
	text = json_dumps(reply, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(reply);
	json_decref(now.abouts);
	json_decref(now.told);
	json_decref(now.given);
	json_decref(now.common.about);
	now.common = (struct common){ 0 };
	division_free(&now.division);
	now.warnings = now.card = now.abouts = now.told = now.given = NULL;
	return text;
}

/* ---- before there are workers ------------------------------------------------------------------------ */

static int find_unknown(struct restoration *r, const char *path, struct lacuna_shape *x)
{
	struct image_reader *in = NULL;
	struct image_page page;
	int status = image_reader_open(path, &in);

	if (!status)
		status = image_reader_page(in, 0, &page);
	if (!status && !restorer_fits(r->restorer, &page.shape))
		status = LACUNA_ENOMEM;
	if (!status)
		status = restorer_shape(r->restorer, &page.shape, &r->size);
	if (!status)
		*x = *restorer_x(r->restorer);
	image_reader_close(in);
	return status;
}

char *batch_worker_scout(void *context, uint64_t order)
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
