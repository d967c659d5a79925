/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna list: lists plugins. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "plugin/loader.h"
#include "plugin/probe.h"
#include "restore/method.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
	int json, paths, verbose;
};

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "paths", 0, OPTION_FLAG, NULL, "also print the files", AT(paths) },
	{ "verbose", 'v', OPTION_FLAG, NULL,
	  "print where plugins are searched, all files, and which of two with the same name is "
	  "used",
	  AT(verbose) },
	{ "json", 0, OPTION_FLAG, NULL, "print JSON", AT(json) },
};

/* Plugins that this build left out, and why. */
static const struct absent {
	int kind;
	const char *name, *reason;
} absent[] = {
#ifndef HAVE_ONEDNN
	{ LACUNA_PRIOR, "unet", "not built: oneDNN was missing when Lacuna was configured" },
#endif
	{ 0, NULL, NULL },
};

enum { COLUMN = 19 }; /* of the text beside a name */

struct listing {
	const struct values *v;
	int kind;
	int grouped, used, headed; /* used: print plugins that a method uses, else the others */
	json_t *json;
	int count;
	int found[sizeof absent / sizeof *absent];
};

static const char *const place_names[] = {
	[PLACE_OWN] = "lacuna", [PLACE_PATH] = "path", [PLACE_USER] = "user"
};

static void print_json_entry(const struct listing *l, const struct plugin_file *f,
			     const struct plugin *p, const char *reason)
{
	json_t *entry =
		json_pack("{s:s, s:s}", "family", plugin_kind_name(l->kind), "name", f->name);

	if (p)
		json_object_set_new(entry, "summary", report_string(p->head->summary));
	if (p)
		json_object_set_new(entry, "version", report_string(p->head->version));
	if (f->path) {
		json_object_set_new(entry, "path", report_string(p ? p->path : f->path));
		json_object_set_new(entry, "from", json_string(place_names[f->place]));
	}
	if (f->hidden_by)
		json_object_set_new(entry, "hidden_by", report_string(f->hidden_by));
	if (reason)
		json_object_set_new(entry, "unusable", report_string(reason));
	json_array_append_new(l->json, entry);
}

static void print(const struct listing *l, const struct plugin_file *f, const struct plugin *p,
		  const char *reason)
{
	if (l->v->json) {
		print_json_entry(l, f, p, reason);
		return;
	}
	if (f->hidden_by) {
		printf("%*s hidden; use its path: %s\n", COLUMN - 1, "", f->path);
		return;
	}
	printf("  %-*s ", COLUMN - 3, f->name);
	if (reason)
		printf("(unusable) %s\n", reason);
	else
		options_wrap(stdout, p->head->summary, COLUMN, COLUMN);
	if ((l->v->paths || l->v->verbose) && f->path)
		printf("%*s%s\n", COLUMN, "", p ? p->path : f->path);
}

static void visit(void *context, const struct plugin_file *f)
{
	struct listing *l = context;
	const struct plugin *p;

	if (!l->v->json && l->grouped && method_uses(l->kind, f->name) != l->used)
		return;
	if (f->hidden_by) {
		if (l->v->verbose)
			print(l, f, NULL, NULL);
		return;
	}
	l->count++;
	if (l->grouped && !l->used && !l->headed++ && !l->v->json)
		printf("  others:\n");
	for (size_t i = 0; absent[i].name; i++)
		if (absent[i].kind == l->kind && !strcmp(absent[i].name, f->name))
			l->found[i] = 1;
	if (f->refused)
		print(l, f, NULL, f->refused);
	else if (plugin_probe(l->kind, f->path) || plugin_load(l->kind, f->path, &p))
		print(l, f, NULL, error_reason());
	else
		print(l, f, p, NULL);
}

static int list_family(struct listing *l, int kind)
{
	int status;

	l->kind = kind;
	if (!l->v->json)
		printf("%ss:\n", plugin_kind_name(kind));
	/* First the plugins that --method chooses from. */
	l->grouped = kind != LACUNA_OPERATOR;
	l->used = 1;
	l->headed = 0;
	status = plugin_each_file(kind, visit, l);
	if (!status && l->grouped && !l->v->json) {
		l->used = 0;
		status = plugin_each_file(kind, visit, l);
	}
	for (size_t i = 0; absent[i].name; i++)
		if (absent[i].kind == kind && !l->found[i])
			print(l, &(struct plugin_file){ .name = absent[i].name }, NULL,
			      absent[i].reason);
	return status;
}

static int print_place(void *context, const struct place *p)
{
	const int there = !access(p->directory, F_OK);

	(void)context;
	printf("  %s%s%s%s\n", p->directory, there ? "" : " (does not exist)",
	       *p->refused ? ": not used, " : "", p->refused);
	return 0;
}

static int print_json(const json_t *json)
{
	char *text = report_text(json);

	if (!text)
		return LACUNA_ENOMEM;
	fputs(text, stdout);
	free(text);
	return LACUNA_OK;
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	struct listing l = { .v = values };
	char places[4096];
	const int only = count ? plugin_kind(operands[0]) : 0;
	int status = LACUNA_OK;

	if (count && !only)
		return misuse(c,
			      "unknown plugin family '%s' (one of: operators, priors, guidances, "
			      "samplers)",
			      operands[0]);
	l.json = json_array();
	if (l.v->verbose && !l.v->json) {
		puts("searched in this order:");
		places_each(print_place, NULL);
	}
	for (int kind = only ? only : 1;
	     !status && plugin_kind_name(kind) && (!only || kind == only); kind++)
		status = list_family(&l, kind);
	if (!status && l.v->json)
		status = print_json(l.json);
	if (!status && !l.count) {
		places_text(places, sizeof places);
		log_message(LACUNA_LOG_WARN, "no plugins were found in %s", places);
	}
	json_decref(l.json);
	return status ? failure(NULL, status) : STATUS_DONE;
}

const struct command command_list = {
	.name = "list",
	.operands = "[operators|priors|guidances|samplers] [OPTION ...]",
	.summary = "name the plugins",
	.details = "Names the plugins, each with one line of description: Lacuna's own, those in "
		   "the directories of LACUNA_PLUGIN_PATH (separated by colons), and those in the "
		   "user's directory, $XDG_DATA_HOME/lacuna/plugins.  If two have the same name, "
		   "the first is used, so a name of Lacuna's own always means that plugin.  A "
		   "plugin that cannot be used is listed with the reason.",
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.values_size = sizeof(struct values),
	.operands_max = 1,
	.run = run,
};
