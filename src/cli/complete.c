/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* lacuna complete WORD...: for shells, prints what may replace the last word.  One candidate per line; "@file" or
 * "@directory" stands for file names. */
#include <config.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "plugin/loader.h"
#include "plugin/param.h"

#include <stdio.h>
#include <string.h>

static void offer(const char *before, const char *word, const char *after, const char *typed)
{
	if (!strncmp(word, typed, strlen(typed)))
		printf("%s%s%s\n", before, word, after);
}

/* ---- plugins: NAME, NAME:key=, NAME:key=value --------------------------------------------------------- */

static void offer_name(void *context, const char *name, const char *path)
{
	(void)path;
	offer("", name, "", context);
}

static void offer_values(const struct lacuna_param *row, const char *before, const char *typed)
{
	if (row->type == LACUNA_BOOL) {
		offer(before, "yes", "", typed);
		offer(before, "no", "", typed);
	}
	for (size_t i = 0; row->type == LACUNA_CHOICE && row->choices[i]; i++)
		offer(before, row->choices[i], "", typed);
	if (row->type == LACUNA_PATH)
		printf("@file %s\n", before);
}

static void complete_plugin(int kind, const char *word)
{
	const char *colon = strchr(word, ':'), *last, *equals;
	const struct plugin *p;
	char name[256], before[4096];

	if (!colon) {
		plugin_each(kind, offer_name, (void *)(uintptr_t)word);
		return;
	}
	snprintf(name, sizeof name, "%.*s", (int)(colon - word), word);
	if (plugin_load(kind, name, &p))
		return;
	last = strrchr(colon, ',');
	last = last ? last + 1 : colon + 1;
	equals = strchr(last, '=');
	snprintf(before, sizeof before, "%.*s", (int)((equals ? equals + 1 : last) - word), word);
	for (uint32_t i = 0; i < p->head->param_count; i++) {
		const struct lacuna_param *row = param_row(p->head, i);

		if (!equals)
			offer(before, row->name, "=", last);
		else if (strlen(row->name) == (size_t)(equals - last) &&
			 !strncmp(row->name, last, (size_t)(equals - last)))
			offer_values(row, before, equals + 1);
	}
}

/* ---- options ----------------------------------------------------------------------------------------- */

static void complete_value(const struct option_row *row, const char *word)
{
	switch (row->type) {
	case OPTION_FILE:
		puts("@file");
		break;
	case OPTION_DIRECTORY:
		puts("@directory");
		break;
	case OPTION_CHOICE:
		for (size_t i = 0; row->choices[i]; i++)
			offer("", row->choices[i], "", word);
		break;
	case OPTION_PLUGIN:
	case OPTION_PLUGINS:
		complete_plugin(row->kind, word);
		break;
	default:
		break;
	}
}

/* The option that takes the word after `word' as its value, or NULL. */
static const struct option_row *option_awaiting(const struct command *c, const char *word)
{
	const struct option_row *row;

	for (size_t i = 0; (row = options_row(c, i)); i++) {
		const int is_long = !strncmp(word, "--", 2) && !strcmp(word + 2, row->name);
		const int is_short =
			word[0] == '-' && word[1] && word[1] == row->letter && !word[2];

		if (row->type != OPTION_FLAG && (is_long || is_short))
			return row;
	}
	return NULL;
}

static void complete_options(const struct command *c, const char *word)
{
	const struct option_row *row;

	for (size_t i = 0; (row = options_row(c, i)); i++)
		offer("--", row->name, "", word + 2);
}

static void complete_families(const char *word, const char *plural)
{
	for (int kind = 1; plugin_kind_name(kind); kind++)
		offer("", plugin_kind_name(kind), plural, word);
}

/* Completes a word that is not an option; `before' is the previous word. */
static void complete_operand(const struct command *c, const char *before, const char *word)
{
	if (c == &command_new) {
		if (!plugin_kind(before))
			complete_families(word, "");
		return;
	}
	if (c == &command_help || c == &command_check || c == &command_try || c == &command_list) {
		if (c != &command_list && plugin_kind(before)) {
			complete_plugin(plugin_kind(before), word);
			return;
		}
		complete_families(word, c == &command_list ? "s" : "");
		for (size_t i = 0; c == &command_help && commands[i]; i++)
			if (commands[i]->summary)
				offer("", commands[i]->name, "", word);
		if (c == &command_check || c == &command_try)
			puts("@file");
		return;
	}
	puts("@file");
}

static void complete_arguments(const struct command *c, int count, char **words)
{
	const char *word = words[count - 1], *before = words[count - 2];
	const struct option_row *row = option_awaiting(c, before);

	if (row)
		complete_value(row, word);
	else if (!strncmp(word, "--", 2))
		complete_options(c, word);
	else if (word[0] == '-')
		complete_options(c, "--");
	else
		complete_operand(c, before, word);
}

static int run(const struct command *self, const void *values, int count, char **words)
{
	const struct command *c;

	(void)self, (void)values;
	if (count == 1) {
		for (size_t i = 0; commands[i]; i++)
			if (commands[i]->summary)
				offer("", commands[i]->name, "", words[0]);
		offer("", "--help", "", words[0]);
		offer("", "--version", "", words[0]);
	} else if (count > 1 && (c = command_find(words[0]))) {
		complete_arguments(c, count, words);
	}
	return STATUS_DONE;
}

const struct command command_complete = {
	.name = "complete",
	.operands = "WORD ...",
	.raw = 1,
	.operands_max = -1,
	.run = run,
};
