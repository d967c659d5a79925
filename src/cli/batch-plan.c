/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Decides how each file of a batch is restored, and makes the fingerprint of that. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "batch/conf.h"
#include "cli/batch.h"
#include "cli/report.h"
#include "plugin/host.h"
#include "plugin/param.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the fingerprint --------------------------------------------------------------------------------- */

/* File contents count, too.  A file that cannot be read is refused later, by whoever needs it. */
static void add_file(json_t *digests, const char *path)
{
	char digest[DIGEST_SIZE];

	if (digest_file(path, digest))
		error_clear();
	else
		json_array_append_new(digests, json_string(digest));
}

static json_t *describe_plugin(const struct plugin_use *use, json_t *digests)
{
	char path[4096];
	uint32_t at = 0;

	if (!use->plugin)
		return json_null();
	if (use->plugin->path)
		add_file(digests, use->plugin->path);
	while (param_next_path(use->plugin->head, use->config, &at, path, sizeof path))
		add_file(digests, path);
	return report_plugin(use);
}

static int fingerprint(const struct plans *plans, struct plan *plan)
{
	const struct recipe *v = &plan->recipe;
	const struct restoration *r = &plan->restoration;
	json_t *digests = json_array(), *operators = json_array(), *all;
	char *text;

	for (size_t i = 0; i < r->job.operator_count; i++)
		json_array_append_new(operators, describe_plugin(&r->operators[i], digests));
	all = json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:s?, s:s, s:s?, s:s?, s:[I, I, i, i, i, i, i, i]}",
		"lacuna", PACKAGE_VERSION, "operators", operators, "prior",
		describe_plugin(&r->method.prior, digests), "guidance",
		describe_plugin(&r->method.guidance, digests), "sampler",
		describe_plugin(&r->method.sampler, digests), "noise", report_words(v->noise),
		"range", v->range, "reject", v->reject, "type", v->type, "pages", v->pages,
		"numbers", (json_int_t)v->samples, (json_int_t)v->seed, v->independent, v->fill,
		v->keep_missing, v->only, v->same_noise, v->own_noise);
	if (v->size)
		json_object_set_new(all, "size", json_string(v->size));
	if (r->noise_file)
		add_file(digests, r->noise_file);
	json_object_set_new(all, "files", digests);
	json_object_set_new(all, "priors", json_string(plans->priors));
	text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(all);
	if (!text)
		return error_set(LACUNA_ENOMEM, "no memory for a fingerprint");
	digest_text(text, strlen(text), plan->key);
	free(text);
	return LACUNA_OK;
}

/* The weights that a prior finds by itself. */
static void digest_priors(char digest[DIGEST_SIZE])
{
	static const char *const names[] = { "photo-large-gray", "photo-large-color",
					     "photo-small-gray", "photo-small-color",
					     "photo-deviation",	 NULL };
	char all[(sizeof names / sizeof *names) * DIGEST_SIZE] = "";
	struct host_context context = { .owner = NULL };
	struct lacuna_host host;

	host_init(&host, &context);
	for (size_t i = 0; names[i]; i++) {
		char name[64], path[4096], one[DIGEST_SIZE];

		snprintf(name, sizeof name, "priors/%s.safetensors", names[i]);
		if (host.data_path(&host, name, path, sizeof path) || digest_file(path, one))
			error_clear();
		else
			strcat(all, one);
	}
	digest_text(all, strlen(all), digest);
}

/* ---- options of a file ------------------------------------------------------------------------------- */

struct merge {
	struct plan *plan;
	int group; /* where the operators come from; 0: the command line */
};

static int keep_text(struct plan *plan, char *text)
{
	char **more = memory_alloc_array(plan->text_count + 1, sizeof *more);

	if (!text || !more) {
		memory_release(text);
		memory_release(more);
		return LACUNA_ENOMEM;
	}
	if (plan->text_count)
		memcpy(more, plan->texts, plan->text_count * sizeof *more);
	memory_release(plan->texts);
	more[plan->text_count++] = text;
	plan->texts = more;
	return LACUNA_OK;
}

/* File names in a plugin's parameters are relative to the directory of the configuration. */
static char *place_paths(int kind, const char *spec, const char *directory)
{
	const size_t length = strcspn(spec, ":");
	char *name = text_format("%.*s", (int)length, spec), *text = NULL, *next;
	const struct plugin *plugin;

	if (!name || !spec[length] || !strcmp(directory, ".") || plugin_load(kind, name, &plugin)) {
		error_clear();
		memory_release(name);
		return memory_strdup(spec);
	}
	text = text_format("%s:", name);
	memory_release(name);
	for (const char *rest = spec + length + 1; text && *rest;) {
		const int n = (int)param_pair_length(rest);
		const char *equals = memchr(rest, '=', (size_t)n);
		const struct lacuna_param *row = NULL;
		int quoted;

		if (equals) {
			char *key = text_format("%.*s", (int)(equals - rest), rest);

			row = key ? param_find(plugin->head, key) : NULL;
			memory_release(key);
		}
		quoted = equals && equals[1] == '"';
		if (row && row->type == LACUNA_PATH && equals[1 + quoted] != '/')
			next = text_format("%s%.*s%s/%.*s", text, (int)(equals - rest) + 1 + quoted,
					   rest, directory, n - (int)(equals - rest) - 1 - quoted,
					   equals + 1 + quoted);
		else
			next = text_format("%s%.*s", text, n, rest);
		memory_release(text);
		text = next;
		rest += n;
		if (*rest == ',' && text) {
			next = text_format("%s,", text);
			memory_release(text);
			text = next;
			rest++;
		}
	}
	return text;
}

static const struct option_row *find_row(const char *name)
{
	size_t i = 0;

	while (i < recipe_row_count && strcmp(recipe_rows[i].name, name) != 0)
		i++;
	return i < recipe_row_count ? &recipe_rows[i] : NULL;
}

static char *place_value(const struct option_row *row, const struct conf_option *o)
{
	const int is_noise = row && !strcmp(row->name, "noise");

	if (row && row->kind)
		return place_paths(row->kind, o->value, o->directory);
	if (is_noise && recipe_noise_is_file(o->value) && *o->value != '/')
		return text_format("%s/%s", o->directory, o->value);
	return memory_strdup(o->value);
}

static int merge_option(void *context, const struct conf_option *o)
{
	struct merge *m = context;
	struct plan *plan = m->plan;
	const struct option_row *row = find_row(o->name);
	char *value = place_value(row, o);
	char *overrides;
	int status = keep_text(plan, value);

	if (status)
		return status;
	if (row && row->type == OPTION_PLUGINS && o->group != m->group) {
		/* Replaces the operators of the command line or of an earlier section. */
		if (m->group)
			memory_release(plan->recipe.operators.items);
		plan->recipe.operators = (struct option_list){ 0 };
		m->group = o->group;
	}
	status = options_set(recipe_rows, recipe_row_count, o->name, value, &plan->recipe);
	if (status)
		return error_context(status, "%s", o->source);
	overrides = text_format("%s%s=%s\n", plan->overrides, o->name, value);
	if (!overrides)
		return LACUNA_ENOMEM;
	memory_release(plan->overrides);
	plan->overrides = overrides;
	return LACUNA_OK;
}

static void plan_free(struct plan *plan, const struct plans *plans)
{
	if (!plan)
		return;
	restoration_free(&plan->restoration);
	if (plan->recipe.operators.items != plans->base->operators.items)
		memory_release(plan->recipe.operators.items);
	for (size_t i = 0; i < plan->text_count; i++)
		memory_release(plan->texts[i]);
	memory_release(plan->texts);
	memory_release(plan->overrides);
	memory_release(plan);
}

/* ---- the plans --------------------------------------------------------------------------------------- */

static size_t slot_of(const struct plans *plans, const char *overrides)
{
	size_t hash = 5381;

	for (const char *p = overrides; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	hash &= plans->table_size - 1;
	while (plans->table[hash] &&
	       strcmp(plans->list[plans->table[hash] - 1]->overrides, overrides) != 0)
		hash = (hash + 1) & (plans->table_size - 1);
	return hash;
}

static int make_room(struct plans *plans)
{
	const size_t room = plans->room ? 2 * plans->room : 16;
	struct plan **list;
	size_t *table;

	if (plans->count < plans->room)
		return LACUNA_OK;
	list = memory_alloc_array(room, sizeof(struct plan *));
	table = memory_alloc_array(2 * room, sizeof *table);
	if (!list || !table) {
		memory_release(list);
		memory_release(table);
		return LACUNA_ENOMEM;
	}
	if (plans->count)
		memcpy(list, plans->list, plans->count * sizeof(struct plan *));
	memory_release(plans->list);
	memory_release(plans->table);
	plans->list = list;
	plans->table = table;
	plans->room = room;
	plans->table_size = 2 * room;
	for (size_t i = 0; i < plans->count; i++)
		plans->table[slot_of(plans, list[i]->overrides)] = i + 1;
	return LACUNA_OK;
}

void plans_create(struct plans *plans, const struct recipe *base)
{
	*plans = (struct plans){ .base = base };
	digest_priors(plans->priors);
}

void plans_free(struct plans *plans)
{
	prior_stock_clear(&plans->stock);
	for (size_t i = 0; i < plans->count; i++)
		plan_free(plans->list[i], plans);
	memory_release(plans->list);
	memory_release(plans->table);
	memory_release(plans->used);
	*plans = (struct plans){ 0 };
}

static int set_up(struct plans *plans, struct plan *plan)
{
	int status = restoration_create(&plan->restoration, &plan->recipe, plans->deviation,
					plans->budget);

	plan->restoration.job.stock = &plans->stock;
	return status ? status : fingerprint(plans, plan);
}

int plans_find(struct plans *plans, struct conf *conf, const struct tree_file *file,
	       struct plan **result)
{
	struct plan *plan = memory_alloc(sizeof *plan);
	struct merge merge = { .plan = plan };
	size_t slot;
	int status = plan ? make_room(plans) : LACUNA_ENOMEM;

	if (!plan)
		return status;
	plan->recipe = *plans->base;
	plan->overrides = memory_strdup("");
	if (!plan->overrides)
		status = LACUNA_ENOMEM;
	if (!status)
		status = conf_visit(conf, file, merge_option, &merge);
	slot = status ? 0 : slot_of(plans, plan->overrides);
	if (!status && plans->table[slot]) {
		plan_free(plan, plans);
		*result = plans->list[plans->table[slot] - 1];
		return LACUNA_OK;
	}
	if (!status)
		status = set_up(plans, plan);
	if (status) {
		plan_free(plan, plans);
		return status;
	}
	plans->list[plans->count] = plan;
	plans->table[slot] = ++plans->count;
	*result = plan;
	return LACUNA_OK;
}

/* ---- files that are no pictures ------------------------------------------------------------------------ */

static int add_used(struct plans *plans, const char *path)
{
	struct used_file *room;
	struct stat st;

	if (stat(path, &st))
		return LACUNA_OK;
	room = memory_grow(plans->used, plans->used_count, 1, &plans->used_room, sizeof *room);
	if (!room)
		return LACUNA_ENOMEM;
	plans->used = room;
	plans->used[plans->used_count++] = (struct used_file){ st.st_dev, st.st_ino };
	return LACUNA_OK;
}

static int by_inode(const void *a, const void *b)
{
	const struct used_file *p = a, *q = b;

	if (p->inode != q->inode)
		return p->inode < q->inode ? -1 : 1;
	return p->device < q->device ? -1 : p->device > q->device;
}

int plans_gather(struct plans *plans)
{
	int status = LACUNA_OK;

	for (size_t i = 0; i < plans->count; i++) {
		const struct restoration *r = &plans->list[i]->restoration;

		for (size_t k = 0; !status && k < r->job.operator_count; k++) {
			const struct plugin_use *use = &r->operators[k];
			char path[4096];
			uint32_t at = 0;

			while (!status && param_next_path(use->plugin->head, use->config, &at, path,
							  sizeof path))
				status = add_used(plans, path);
		}
		if (!status && r->noise_file)
			status = add_used(plans, r->noise_file);
	}
	if (plans->used_count)
		qsort(plans->used, plans->used_count, sizeof *plans->used, by_inode);
	return status;
}

int plans_use(const struct plans *plans, const char *path)
{
	struct used_file key;
	struct stat st;

	if (!plans->used_count || stat(path, &st))
		return 0;
	key = (struct used_file){ st.st_dev, st.st_ino };
	return bsearch(&key, plans->used, plans->used_count, sizeof key, by_inode) != NULL;
}
