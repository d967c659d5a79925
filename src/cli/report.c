/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* JSON records, made with jansson. */
#include <config.h>

#include "cli/report.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/param.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct {
	int count;
	char *words[1024]; /* longer command lines are cut: the record is for people */
} arguments;

void report_arguments(int argc, char **argv)
{
	const int room = (int)(sizeof arguments.words / sizeof *arguments.words);

	arguments.count = argc < room ? argc : room;
	memcpy(arguments.words, argv, (size_t)arguments.count * sizeof *argv);
}

json_t *report_string(const char *text)
{
	json_t *string = text ? json_string(text) : NULL;

	return string ? string : json_null();
}

json_t *report_words(const char *text)
{
	json_t *string = json_string(text);
	char *plain = string ? NULL : memory_strdup(text);

	for (char *c = plain; c && *c; c++)
		*c = (unsigned char)*c < 0x80 ? *c : '?';
	if (plain)
		string = json_string(plain);
	memory_release(plain);
	return string ? string : json_string("");
}

json_t *report_real(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

json_t *report_new(void)
{
	json_t *command = json_array();

	for (int i = 0; i < arguments.count; i++)
		json_array_append_new(command, report_string(arguments.words[i]));
	return json_pack("{s:s, s:o}", "lacuna", PACKAGE_VERSION, "command", command);
}

static json_t *parameter(const struct lacuna_param *row, const void *config)
{
	char text[4096];
	int64_t integer;
	double real;

	if (param_value(row, config, text, sizeof text) >= (int)sizeof text)
		return json_null();
	switch (row->type) {
	case LACUNA_BOOL:
		return json_boolean(!strcmp(text, "yes"));
	case LACUNA_INT:
		return text_integer(text, &integer) ? json_integer(integer) : report_string(text);
	case LACUNA_REAL:
		return text_real(text, &real) ? json_real(real) : report_string(text);
	default:
		return *text ? report_string(text) : json_null();
	}
}

json_t *report_plugin(const struct plugin_use *use)
{
	const struct lacuna_plugin *head;
	json_t *parameters;

	if (!use->plugin)
		return json_null();
	head = use->plugin->head;
	parameters = json_object();
	for (uint32_t i = 0; i < head->param_count; i++) {
		const struct lacuna_param *row = param_row(head, i);

		json_object_set_new(parameters, row->name, parameter(row, use->config));
	}
	return json_pack("{s:s, s:o, s:o, s:s, s:o}", "name", head->name, "version",
			 report_string(head->version), "path", report_string(use->plugin->path),
			 "kind", plugin_kind_name((int)head->kind), "parameters", parameters);
}

json_t *report_plugins(const struct plugin_use *uses, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, report_plugin(&uses[i]));
	return list;
}

json_t *report_shape(const struct lacuna_shape *s)
{
	return json_pack("{s:I, s:I, s:I}", "width", (json_int_t)s->extent[0], "height",
			 (json_int_t)s->extent[1], "channels", (json_int_t)s->extent[2]);
}

json_t *report_range(struct image_range r)
{
	return json_pack("[o, o]", report_real(r.lo), report_real(r.hi));
}

json_t *report_metrics(const struct metrics *m)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "psnr", report_real(m->psnr), "ssim",
			 report_real(m->ssim), "nrmse", report_real(m->nrmse), "max_abs",
			 report_real(m->max_abs));
}

char *report_text(const json_t *json)
{
	char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
	char *line = text ? realloc(text, strlen(text) + 2) : NULL;

	if (!line) {
		free(text);
		error_set(LACUNA_ENOMEM, "no memory for the report");
		return NULL;
	}
	strcat(line, "\n");
	return line;
}
