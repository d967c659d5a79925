/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The report of a restoration: what was asked for, what was read, and the record of each page. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "batch/digest.h"
#include "cli/report.h"
#include "cli/restoration.h"
#include "plugin/host.h"
#include "plugin/param.h"

#include <stdlib.h>

static void add_file(json_t *list, const char *path)
{
	char digest[DIGEST_SIZE];

	if (digest_file(path, digest))
		error_clear();
	else
		json_array_append_new(list, json_pack("{s:o, s:s}", "path", report_string(path),
						      "xxh128", digest));
}

static void add_plugin_files(json_t *list, const struct plugin_use *use)
{
	const struct lacuna_param *row;
	char path[4096];
	uint32_t at = 0;

	if (!use->plugin)
		return;
	add_file(list, use->plugin->path);
	while ((row = param_next_path(use->plugin->head, use->config, &at, path, sizeof path)))
		add_file(list, path);
}

/* Lists all files read: input, plugins, masks, kernels, weights. */
static json_t *make_files(const struct restoration *r)
{
	const struct file_names *v = &r->names;
	const char *const read[] = { v->input, v->start, v->reference, r->noise_file };
	json_t *list = json_array();
	const char *data;

	for (size_t i = 0; i < sizeof read / sizeof *read; i++)
		if (read[i])
			add_file(list, read[i]);
	for (size_t i = 0; i < r->job.operator_count; i++)
		add_plugin_files(list, &r->operators[i]);
	add_plugin_files(list, &r->method.prior);
	add_plugin_files(list, &r->method.guidance);
	add_plugin_files(list, &r->method.sampler);
	for (size_t i = 0; (data = host_data_file(i)); i++)
		add_file(list, data);
	return list;
}

static void add_fitted(void *context, const struct lacuna_param *row, double told, double found)
{
	json_object_set_new(
		context, row->name,
		json_pack("{s:o, s:o}", "told", report_real(told), "found", report_real(found)));
}

json_t *restoration_report(const struct restoration *r, double seconds)
{
	const struct method *m = &r->method;
	json_t *report = report_new();

	json_object_set_new(report, "input", report_string(r->names.input));
	json_object_set_new(report, "output", report_string(r->names.output));
	json_object_set_new(report, "method", report_string(m->name));
	json_object_set_new(report, "seed", json_integer((json_int_t)r->job.seed));
	json_object_set_new(report, "samples", json_integer((json_int_t)r->job.samples));
	json_object_set_new(report, "threads", json_integer(threads_count()));
	json_object_set_new(report, "operators",
			    report_plugins(r->operators, r->job.operator_count));
	if (r->fitted) {
		json_t *fitted = json_object();

		fit_each(&r->fit, add_fitted, fitted);
		json_object_set_new(report, "fitted", fitted);
	}
	json_object_set_new(report, "prior", report_plugin(&m->prior));
	json_object_set_new(report, "guidance", report_plugin(&m->guidance));
	json_object_set_new(report, "sampler", report_plugin(&m->sampler));
	json_object_set_new(report, "seconds", json_real(seconds));
	json_object_set_new(report, "peak_memory", json_integer((json_int_t)memory_peak_bytes()));
	json_object_set(report, "pages", r->records);
	if (r->list_files)
		json_object_set_new(report, "files", make_files(r));
	return report;
}

int restoration_write_report(struct restoration *r, const json_t *report)
{
	char *text;
	int status;

	if (!r->names.report)
		return LACUNA_OK;
	text = report_text(report);
	if (!text)
		return LACUNA_ENOMEM;
	status = outputs_text(&r->outputs, r->names.report, text);
	free(text);
	return status;
}
