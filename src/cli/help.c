/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna help: explains commands and plugins. */
#include <config.h>

#include "cli/cli.h"
#include "cli/common.h"
#include "cli/describe.h"
#include "plugin/loader.h"

#include <string.h>

struct values {
	int man;
};

#define AT(field) .offset = offsetof(struct values, field)
static const struct option_row rows[] = {
	{ "man", 0, OPTION_FLAG, NULL,
	  "print mdoc: the manual page of a plugin, or the OPTIONS section of a command", AT(man) },
};

static int show_plugin(const struct command *c, const struct values *v, int kind, const char *name)
{
	const struct plugin *p;
	const int status = plugin_load(kind, name, &p);

	if (status)
		return plugin_refused(c, status);
	if (v->man)
		describe_man(p, stdout);
	else
		describe_text(p, stdout);
	return STATUS_DONE;
}

static void match(void *context, const char *name, const char *path)
{
	const char **wanted = context;

	(void)path;
	if (*wanted && !strcmp(name, *wanted))
		*wanted = NULL;
}

/* The first family that has a plugin of this name, or 0. */
static int find_family(const char *name)
{
	for (int kind = 1; plugin_kind_name(kind); kind++) {
		const char *wanted = name;

		plugin_each(kind, match, &wanted);
		if (!wanted)
			return kind;
	}
	return 0;
}

static int show_one(const struct command *c, const struct values *v, const char *name)
{
	const struct command *other = command_find(name);
	const char *near;

	if (other && other->summary) {
		if (v->man)
			options_print_man(other, stdout);
		else
			options_print_help(other, stdout);
		return STATUS_DONE;
	}
	if (plugin_kind(name)) {
		char *arguments[] = { (char *)"list", (char *)plugin_kind_name(plugin_kind(name)),
				      NULL };

		return options_run(&command_list, 2, arguments);
	}
	if (strchr(name, '/'))
		return show_plugin(c, v, 0, name);
	if (find_family(name))
		return show_plugin(c, v, find_family(name), name);
	near = command_nearest(name);
	return misuse(c, "there is no command or plugin '%s'%s%s%s", name,
		      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int run(const struct command *c, const void *values, int count, char **operands)
{
	const struct values *v = values;

	if (!count) {
		command_print_all(stdout);
		return STATUS_DONE;
	}
	if (count == 1)
		return show_one(c, v, operands[0]);
	if (!plugin_kind(operands[0]))
		return misuse(
			c,
			"unknown plugin family '%s' (one of: operator, prior, guidance, sampler)",
			operands[0]);
	return show_plugin(c, v, plugin_kind(operands[0]), operands[1]);
}

const struct command command_help = {
	.name = "help",
	.operands = "[COMMAND | FAMILY NAME | NAME | PLUGIN.so] [OPTION ...]",
	.summary = "explain a command or a plugin",
	.details = "Explains a command or a plugin. The page of a plugin shows its parameters with "
		   "ranges and defaults, when to use it and when not, and its source. FAMILY is "
		   "operator, prior, guidance or sampler.",
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.values_size = sizeof(struct values),
	.operands_max = 2,
	.run = run,
};
