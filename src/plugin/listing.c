/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Lists the plugins that there are, without opening them. */
#include <config.h>

#include "plugin/loader-private.h"

#include "base/error.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	int kind;
	enum place_kind place;
	const char *refused; /* of the place */
	struct plugin_file *files;
	size_t count, room;
	int failed;
};

static void add_file(struct listing *l, const char *name, const char *path)
{
	char reason[PATH_MAX + 128];
	struct plugin_file file = { .place = l->place }, *more;

	if (l->count == l->room) {
		more = realloc(l->files, (2 * l->room + 16) * sizeof *more);
		if (!more) {
			l->failed = 1;
			return;
		}
		l->files = more;
		l->room = 2 * l->room + 16;
	}
	snprintf(reason, sizeof reason, "%s", l->refused);
	if (*reason || place_unsafe(l->place, path, reason, sizeof reason))
		file.refused = strdup(reason);
	file.name = strdup(name);
	file.path = strdup(path);
	l->failed |= !file.name || !file.path;
	l->files[l->count++] = file;
}

static int list_place(void *context, const struct place *place)
{
	struct listing *l = context;

	l->place = place->kind;
	l->refused = place->refused;
	for (size_t i = 0; i < PLUGIN_FOLDERS; i++) {
		char folder[PATH_MAX + 32], path[PATH_MAX + 512];
		const struct dirent *entry;
		DIR *d;

		snprintf(folder, sizeof folder, "%s/%ss/%s", place->directory,
			 plugin_kind_name(l->kind), plugin_folders[i]);
		d = opendir(folder);
		while (d && (entry = readdir(d))) {
			char name[256];
			const size_t n = strlen(entry->d_name);

			if (n < 4 || strcmp(entry->d_name + n - 3, ".so"))
				continue;
			plugin_stem(entry->d_name, name, sizeof name);
			snprintf(path, sizeof path, "%s%s", folder, entry->d_name);
			add_file(l, name, path);
		}
		if (d)
			closedir(d);
	}
	return 0;
}

/* Sorts by name; files of one name stay in the order of the places. */
static void sort_files(struct listing *l)
{
	for (size_t i = 1; i < l->count; i++) {
		const struct plugin_file file = l->files[i];
		size_t at = i;

		for (; at > 0 && strcmp(l->files[at - 1].name, file.name) > 0; at--)
			l->files[at] = l->files[at - 1];
		l->files[at] = file;
	}
}

/* A name means its first usable file; it hides the others. */
static void hide_files(struct listing *l)
{
	const struct plugin_file *first = NULL;

	for (size_t i = 0; i < l->count; i++) {
		struct plugin_file *file = &l->files[i];

		if (first && strcmp(first->name, file->name) != 0)
			first = NULL;
		if (file->refused)
			continue;
		if (first)
			file->hidden_by = first->path;
		else
			first = file;
	}
}

int plugin_each_file(int kind, void (*visit)(void *context, const struct plugin_file *),
		     void *context)
{
	struct listing l = { .kind = kind };

	places_each(list_place, &l);
	if (!l.failed) {
		sort_files(&l);
		hide_files(&l);
	}
	for (size_t i = 0; i < l.count && !l.failed; i++)
		visit(context, &l.files[i]);
	for (size_t i = 0; i < l.count; i++) {
		free((void *)(uintptr_t)l.files[i].name);
		free((void *)(uintptr_t)l.files[i].path);
		free((void *)(uintptr_t)l.files[i].refused);
	}
	free(l.files);
	return l.failed ? error_set(LACUNA_ENOMEM, "out of memory") : LACUNA_OK;
}

struct names_visitor {
	void (*visit)(void *, const char *, const char *);
	void *context;
};

static void visit_name(void *context, const struct plugin_file *file)
{
	const struct names_visitor *v = context;

	if (!file->hidden_by && !file->refused)
		v->visit(v->context, file->name, file->path);
}

int plugin_each(int kind, void (*visit)(void *context, const char *name, const char *path),
		void *context)
{
	struct names_visitor v = { visit, context };

	return plugin_each_file(kind, visit_name, &v);
}
