/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "cli/batch-divide.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/temporary.h"
#include "base/text.h"
#include "batch/part.h"
#include "cli/outputs.h"
#include "cli/report.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- files ------------------------------------------------------------------------------------------- */

static char *directory_of(const struct batch *b, const struct item *item)
{
	char digest[DIGEST_SIZE];

	digest_text(item->relative, strlen(item->relative), digest);
	return text_format("%s/parts/%s", b->state, digest);
}

static char *file_in(const struct batch *b, const struct item *item, const char *name)
{
	char *directory = directory_of(b, item);
	char *path = directory ? text_format("%s/%s", directory, name) : NULL;

	memory_release(directory);
	return path;
}

char *division_part(const struct batch *b, const struct item *item, size_t unit)
{
	char name[32];

	snprintf(name, sizeof name, "%zu.part", unit);
	return file_in(b, item, name);
}

char *division_common(const struct batch *b, const struct item *item, int page)
{
	char name[32];

	snprintf(name, sizeof name, "page-%d.part", page);
	return file_in(b, item, name);
}

void division_part_key(const struct division *d, size_t unit, char key[DIGEST_SIZE + 24])
{
	snprintf(key, DIGEST_SIZE + 24, "%s-%zu", d->key, unit);
}

/* Removes a directory and its files; it has no subdirectories. */
static void remove_directory(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
	(void)rmdir(path);
}

void division_remove(const struct batch *b, const struct item *item)
{
	char *directory = directory_of(b, item);

	if (directory)
		remove_directory(directory);
	memory_release(directory);
}

void division_clean(const struct batch *b)
{
	char *parts = text_format("%s/parts", b->state);

	/* Usually there are none; this saves looking at each item. */
	if (parts && rmdir(parts) && errno != ENOENT)
		for (size_t i = 0; i < b->count; i++)
			if (b->items[i].state == ITEM_BEFORE)
				division_remove(b, &b->items[i]);
	memory_release(parts);
}

void division_end(const struct batch *b)
{
	char *parts = text_format("%s/parts", b->state);

	if (parts)
		(void)rmdir(parts);
	memory_release(parts);
}

/* ---- the plan ---------------------------------------------------------------------------------------- */

void division_free(struct division *d)
{
	memory_release(d->pages);
	*d = (struct division){ 0 };
}

int division_add(struct division *d, int page, const struct windows *w)
{
	struct division_page *pages =
		memory_grow(d->pages, d->page_count, 1, &d->page_room, sizeof *pages);

	if (!pages)
		return LACUNA_ENOMEM;
	d->pages = pages;
	pages[d->page_count++] = (struct division_page){ page, d->units, *w };
	d->units += (size_t)(w->across * w->down);
	return d->units < UNITS_MOST
		       ? LACUNA_OK
		       : error_set(LACUNA_ENOMEM, "too many windows for a batch; raise --memory");
}

const struct division_page *division_find(const struct division *d, int page)
{
	for (size_t i = 0; i < d->page_count; i++)
		if (d->pages[i].page == page)
			return &d->pages[i];
	return NULL;
}

/* struct windows begins with int64_t only.  Its last member is a pointer, NULL here: windows around holes are not divided. */
enum { INTEGERS = offsetof(struct windows, active) / sizeof(int64_t) };

static json_t *describe_told(const struct fit_values *v)
{
	json_t *values = json_array();

	for (size_t i = 0; i < v->count; i++)
		json_array_append_new(values, json_real(v->value[i]));
	return json_pack("{s:b, s:b, s:o, s:o}", "known", v->known, "found", v->found, "values",
			 values, "why", report_words(v->why));
}

static void read_told(const json_t *told, struct fit_values *v)
{
	const json_t *values = json_object_get(told, "values");
	const char *why = json_string_value(json_object_get(told, "why"));

	*v = (struct fit_values){
		.known = json_is_true(json_object_get(told, "known")),
		.found = json_is_true(json_object_get(told, "found")),
		.count = json_array_size(values),
	};
	if (v->count > FIT_MOST)
		*v = (struct fit_values){ 0 };
	for (size_t i = 0; i < v->count; i++)
		v->value[i] = json_real_value(json_array_get(values, i));
	snprintf(v->why, sizeof v->why, "%s", why ? why : "");
}

static json_t *describe(const struct item *item, const struct division *d)
{
	json_t *pages = json_array();

	for (size_t i = 0; i < d->page_count; i++) {
		json_t *list = json_array();
		int64_t integers[INTEGERS];

		memcpy(integers, &d->pages[i].windows, sizeof integers);
		json_array_append_new(list, json_integer(d->pages[i].page));
		for (int k = 0; k < INTEGERS; k++)
			json_array_append_new(list, json_integer((json_int_t)integers[k]));
		json_array_append_new(pages, list);
	}
	return json_pack("{s:s, s:o, s:o, s:o}", "key", item->plan->key, "input",
			 stamp_to_json(&d->input), "told", describe_told(&d->told), "pages", pages);
}

static int read_pages(const json_t *pages, struct division *d)
{
	int status = LACUNA_OK;
	json_t *list;
	size_t i;

	json_array_foreach(pages, i, list)
	{
		int64_t integers[INTEGERS];
		struct windows w = { .active = NULL };

		for (size_t k = 0; k < INTEGERS; k++)
			integers[k] = (int64_t)json_integer_value(json_array_get(list, k + 1));
		memcpy(&w, integers, sizeof integers);
		if (json_array_size(list) != INTEGERS + 1 || w.across < 1 || w.down < 1 ||
		    w.width < 1 || w.height < 1 || w.across > UNITS_MOST || w.down > UNITS_MOST)
			return LACUNA_EINVAL;
		status = division_add(d, (int)json_integer_value(json_array_get(list, 0)), &w);
		if (status)
			return status;
	}
	return d->units ? LACUNA_OK : LACUNA_EINVAL;
}

int division_read(const struct batch *b, const struct item *item, struct division *d, int *found)
{
	char *path = file_in(b, item, "plan.json"), *text;
	json_t *plan = path ? json_load_file(path, 0, NULL) : NULL;
	const char *key = json_string_value(json_object_get(plan, "key"));

	*d = (struct division){ 0 };
	*found = key && !strcmp(key, item->plan->key) &&
		 !read_pages(json_object_get(plan, "pages"), d);
	if (*found) {
		stamp_from_json(json_object_get(plan, "input"), &d->input);
		read_told(json_object_get(plan, "told"), &d->told);
		text = json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS);
		digest_text(text ? text : "", text ? strlen(text) : 0, d->key);
		free(text);
	} else {
		division_free(d);
	}
	json_decref(plan);
	memory_release(path);
	return path ? LACUNA_OK : LACUNA_ENOMEM;
}

static int write_text(const char *path, const char *text)
{
	struct temporary t;
	int status = temporary_open(&t, path, 1);

	if (status)
		return status;
	if (write(t.fd, text, strlen(text)) == (ssize_t)strlen(text))
		return temporary_commit(&t);
	status = error_file_errno(path);
	temporary_abandon(&t);
	return status;
}

static int make_directory(const struct batch *b, const struct item *item)
{
	char *parts = text_format("%s/parts", b->state), *directory = directory_of(b, item);
	int status = LACUNA_ENOMEM;

	/* Another run that ends removes `parts' while it is empty: try again. */
	for (int tries = 0; parts && directory && status && tries < 3; tries++) {
		status = output_directory(parts);
		if (!status)
			status = output_directory(directory);
	}
	memory_release(parts);
	memory_release(directory);
	return status;
}

int division_write(const struct batch *b, const struct item *item, struct division *d)
{
	json_t *plan = describe(item, d);
	char *text = plan ? json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	char *path = file_in(b, item, "plan.json");
	int status = text && path ? make_directory(b, item) : LACUNA_ENOMEM;

	if (!status) {
		digest_text(text, strlen(text), d->key);
		status = write_text(path, text);
	}
	memory_release(path);
	free(text);
	json_decref(plan);
	return status;
}

/* ---- in the run -------------------------------------------------------------------------------------- */

enum { UNIT_TODO, UNIT_THEIRS, UNIT_BUSY, UNIT_DONE };

static char *claim_name(const struct divided *d, size_t unit)
{
	return text_format("%s/%s-%zu", d->item->relative, d->division.key, unit);
}

static void release(struct batch *b, const struct divided *d, size_t unit)
{
	char *name = claim_name(d, unit);

	if (name)
		share_release(&b->share, name);
	memory_release(name);
}

static int part_is_there(const struct batch *b, const struct divided *d, size_t unit)
{
	char *path = division_part(b, d->item, unit), key[DIGEST_SIZE + 24];
	int there;

	division_part_key(&d->division, unit, key);
	there = path && part_exists(path, key);
	memory_release(path);
	return there;
}

static void mark_done(struct divided *d, size_t unit)
{
	d->done++;
	d->state[unit] = UNIT_DONE;
}

struct divided *divided_create(const struct batch *b, struct item *item, int mine, int *status)
{
	struct divided *d = memory_alloc(sizeof *d);
	int found = 0;

	*status = d ? division_read(b, item, &d->division, &found) : LACUNA_ENOMEM;
	if (d && found) {
		d->item = item;
		d->mine = mine;
		d->state = memory_alloc(d->division.units);
		*status = d->state ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (d && (*status || !found)) {
		division_free(&d->division);
		memory_release(d);
		d = NULL;
	}
	for (size_t i = 0; d && i < d->division.units; i++)
		if (part_is_there(b, d, i))
			mark_done(d, i);
	return d;
}

void divided_free(struct batch *b, struct divided *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->division.units; i++)
		if (d->state[i] == UNIT_BUSY)
			release(b, d, i);
	division_free(&d->division);
	memory_release(d->state);
	memory_release(d->message);
	memory_release(d);
}

int divided_take(struct batch *b, struct divided *d, size_t *unit)
{
	while (!d->message && d->next < d->division.units) {
		const size_t i = d->next++;
		char *name;
		enum claim claim;

		if (d->state[i] != UNIT_TODO)
			continue;
		name = claim_name(d, i);
		claim = name ? share_claim(&b->share, name) : CLAIM_FAILED;
		memory_release(name);
		if (claim == CLAIM_FAILED) {
			d->message = memory_strdup(error_text());
			return 0;
		}
		d->state[i] = claim == CLAIM_MINE ? UNIT_BUSY : UNIT_THEIRS;
		if (claim == CLAIM_THEIRS)
			continue;
		/* Another run has finished it since the last look. */
		if (part_is_there(b, d, i)) {
			release(b, d, i);
			mark_done(d, i);
			continue;
		}
		d->busy++;
		*unit = i;
		return 1;
	}
	return 0;
}

void divided_finish(struct batch *b, struct divided *d, size_t unit, const char *message)
{
	d->busy--;
	if (!message)
		mark_done(d, unit);
	else
		d->state[unit] = UNIT_TODO;
	if (message && !d->message)
		d->message = memory_strdup(message);
	release(b, d, unit);
}

int divided_is_done(const struct divided *d)
{
	return d->done == d->division.units;
}

void divided_look(const struct batch *b, struct divided *d)
{
	for (size_t i = 0; i < d->division.units; i++) {
		if (d->state[i] != UNIT_THEIRS)
			continue;
		if (part_is_there(b, d, i))
			mark_done(d, i);
		else
			d->state[i] = UNIT_TODO; /* its owner may be dead: claiming it will tell */
	}
	d->next = 0;
}
