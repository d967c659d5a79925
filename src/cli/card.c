/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "cli/card.h"
#include "base/memory.h"
#include "batch/journal.h"
#include "batch/sheet.h"
#include "cli/report.h"

#include <stdio.h>

json_t *card_path(const char *path)
{
	char *text = journal_encode_path(path);
	json_t *string = report_string(text);

	memory_release(text);
	return string;
}

void card_look(json_t *card, const struct look *look)
{
	const struct scale *scale = look->scale;
	const double span = scale->white - scale->black;

	if (json_object_get(card, "before"))
		return;
	json_object_set_new(card, "before",
			    sheet_thumbnail(look->before, scale->black, scale->white));
	json_object_set_new(card, "after",
			    sheet_thumbnail(look->after, scale->black, scale->white));
	if (look->deviation)
		json_object_set_new(card, "deviation",
				    sheet_thumbnail(look->deviation, 0, look->noise * span));
}

void card_add_facts(json_t *card, const json_t *report)
{
	json_t *pages = json_object_get(report, "pages"), *first = json_array_get(pages, 0);
	json_t *y = json_object_get(first, "measurement");
	char size[64];

	json_object_set(card, "seconds", json_object_get(report, "seconds"));
	json_object_set_new(card, "pages", json_integer((json_int_t)json_array_size(pages)));
	if (!first)
		return;
	snprintf(size, sizeof size, "%lld x %lld, %s",
		 (long long)json_integer_value(json_object_get(y, "width")),
		 (long long)json_integer_value(json_object_get(y, "height")),
		 json_string_value(json_object_get(first, "sample_type")));
	json_object_set_new(card, "size", json_string(size));
	json_object_set(card, "noise", json_object_get(first, "noise"));
	json_object_set(card, "found",
			json_object_get(json_object_get(first, "noise_model"), "found"));
}
