/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna list: the plugins there are. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "plugin/loader.h"
#include "plugin/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
	int json, paths;
};

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "paths", 0, OPTION_FLAG, NULL, "print the files too", AT(paths) },
	{ "json", 0, OPTION_FLAG, NULL, "print JSON", AT(json) },
};

/* Plugins that this build left out, and why. */
static const struct absent {
	int kind;
	const char *name, *reason;
} absent[] = {
#ifndef HAVE_ONEDNN
	{ LACUNA_PRIOR, "unet", "not built: oneDNN was missing when lacuna was configured" },
#endif
	{ 0, NULL, NULL },
};

struct listing {
	const struct values *v;
	int kind;
	json_t *json;
	int count;
	int found[sizeof(absent) / sizeof(absent[0])];
};

static void print(struct listing *l, const char *name, const char *path, const struct plugin *p,
		  const char *reason)
{
	if (l->v->json) {
		json_t *entry =
			json_pack("{s:s, s:s}", "family", plugin_kind_name(l->kind), "name", name);

		if (p)
			json_object_set_new(entry, "summary", report_string(p->head->summary));
		if (p)
			json_object_set_new(entry, "version", report_string(p->head->version));
		if (path)
			json_object_set_new(entry, "path", report_string(path));
		if (reason)
			json_object_set_new(entry, "unusable", report_string(reason));
		json_array_append_new(l->json, entry);
		return;
	}
	if (reason)
		printf("  %-12s (unusable) %s\n", name, reason);
	else
		printf("  %-12s %s\n", name, p->head->summary);
	if (l->v->paths && path)
		printf("  %-12s %s\n", "", path);
}

static void visit(void *context, const char *name, const char *path)
{
	struct listing *l = context;
	const struct plugin *p;

	l->count++;
	for (size_t i = 0; absent[i].name; i++)
		if (absent[i].kind == l->kind && !strcmp(absent[i].name, name))
			l->found[i] = 1;
	if (plugin_probe(l->kind, path) || plugin_load(l->kind, path, &p))
		print(l, name, path, NULL, error_reason());
	else
		print(l, name, p->path, p, NULL);
}

static int list_family(struct listing *l, int kind)
{
	int status;

	l->kind = kind;
	if (!l->v->json)
		printf("%ss:\n", plugin_kind_name(kind));
	status = plugin_each(kind, visit, l);
	for (size_t i = 0; absent[i].name; i++)
		if (absent[i].kind == kind && !l->found[i])
			print(l, absent[i].name, NULL, NULL, absent[i].reason);
	return status;
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
	const int only = count ? plugin_kind(operands[0]) : 0;
	int status = LACUNA_OK;

	if (count && !only)
		return misuse(c,
			      "'%s' is no family; there are operators, priors, guidances, samplers",
			      operands[0]);
	l.json = json_array();
	for (int kind = only ? only : 1;
	     !status && plugin_kind_name(kind) && (!only || kind == only); kind++)
		status = list_family(&l, kind);
	if (!status && l.v->json)
		status = print_json(l.json);
	if (!status && !l.count)
		log_message(LACUNA_LOG_WARN, "no plugins were found in %s (LACUNA_PLUGIN_PATH)",
			    getenv("LACUNA_PLUGIN_PATH") ? getenv("LACUNA_PLUGIN_PATH")
							 : LACUNA_PLUGIN_DIR);
	json_decref(l.json);
	return status ? failure(NULL, status) : STATUS_DONE;
}

const struct command command_list = {
	.name = "list",
	.operands = "[operators|priors|guidances|samplers] [OPTION ...]",
	.summary = "name the plugins",
	.details = "Names the plugins found on LACUNA_PLUGIN_PATH (directories separated by "
		   "colons; an empty "
		   "entry stands for the installed plugins), each with a line on what it is.  A "
		   "plugin that "
		   "cannot be used is listed with the reason.",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
	.values_size = sizeof(struct values),
	.operands_max = 1,
	.run = run,
};
