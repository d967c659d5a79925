/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The card of a picture on a contact sheet: its thumbnails show black to white, and deviations from 0 to the noise.
 * Texts and numbers of a report. */
#include <config.h>

#include "../tap.h"

#include "base/memory.h"
#include "batch/sheet.h"
#include "src/cli/card.h"
#include "src/cli/report.h"

static struct image plain(float value)
{
	const struct lacuna_shape shape = { { 5, 4, 1, 1 } };
	struct image image;

	if (image_create(&image, &shape))
		tap_bail("no picture");
	for (size_t i = 0; i < lacuna_count(&shape); i++)
		image.values[i] = value;
	return image;
}

/* Is this thumbnail one of a uniform picture of that part of white? */
static int shows(const json_t *card, const char *key, double part)
{
	const char *text = json_string_value(json_object_get(card, key));
	struct image wanted = plain((float)part);
	json_t *other = sheet_thumbnail(&wanted, 0, 1);
	const int same = text && !strcmp(text, json_string_value(other));

	json_decref(other);
	image_free(&wanted);
	return same;
}

int main(void)
{
	const struct scale scale = { .black = 100, .white = 300 };
	struct image before = plain(150), after = plain(250), deviation = plain(5),
		     dark = plain(100);
	struct look look = { .scale = &scale,
			     .before = &before,
			     .after = &after,
			     .deviation = &deviation,
			     .noise = 0.05 };
	json_t *card = json_object(), *report, *pages = json_array();

	card_look(card, &look);
	ok(shows(card, "before", 0.25) && shows(card, "after", 0.75),
	   "black is black, white white");
	ok(shows(card, "deviation", 0.5), "a deviation of half the noise is gray");
	look.before = look.after = look.deviation = &dark;
	card_look(card, &look);
	ok(shows(card, "before", 0.25) && shows(card, "after", 0.75) &&
		   shows(card, "deviation", 0.5),
	   "the first page is shown");
	for (int i = 0; i < 3; i++)
		json_array_append_new(pages,
				      json_pack("{s:{s:i, s:i}, s:s, s:f, s:{s:s}}", "measurement",
						"width", 48 + i, "height", 40, "sample_type",
						i ? "uint8" : "uint16", "noise", 0.01 * (i + 1),
						"noise_model", "found", i ? "later" : "first"));
	report = json_pack("{s:f, s:o}", "seconds", 2.5, "pages", pages);
	card_add_facts(card, report);
	ok(json_integer_value(json_object_get(card, "pages")) == 3 &&
		   json_real_value(json_object_get(card, "seconds")) >= 2.5,
	   "the number of pages, and the time for all");
	is_text(json_string_value(json_object_get(card, "size")), "48 x 40, uint16",
		"size and type of the first");
	ok(fabs(json_real_value(json_object_get(card, "noise")) - 0.01) < 1e-12 &&
		   !strcmp(json_string_value(json_object_get(card, "found")), "first"),
	   "its noise");
	json_decref(report);
	json_decref(card);
	/* JSON has neither other numbers nor other text than UTF-8. */
	report =
		json_pack("[o, o, o, o]", report_words("a \xff is no \xc3\xa9"),
			  report_words("\xc3\xa9 is one"), report_real(INFINITY), report_real(0.5));
	is_text(json_string_value(json_array_get(report, 0)), "a ? is no ??",
		"what is no UTF-8 is shown as such");
	is_text(json_string_value(json_array_get(report, 1)), "\xc3\xa9 is one", "what is stays");
	ok(json_is_null(json_array_get(report, 2)) &&
		   json_real_value(json_array_get(report, 3)) >= 0.5,
	   "infinity is null");
	json_decref(report);
	image_free(&before);
	image_free(&after);
	image_free(&deviation);
	image_free(&dark);
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
