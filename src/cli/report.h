/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Parts of JSON records. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "engine/metrics.h"
#include "image/image.h"
#include "plugin/loader.h"

#include <jansson.h>

/* Keeps the command line before getopt() permutes it; main() calls it. */
void report_arguments(int argc, char **argv);
/* {"lacuna": version, "command": [...]} */
json_t *report_new(void);

json_t *report_plugin(const struct plugin_use *);
json_t *report_plugins(const struct plugin_use *, size_t count);
json_t *report_shape(const struct lacuna_shape *);
json_t *report_range(struct image_range);
json_t *report_metrics(const struct metrics *);
/* null for NULL, and for file names that are not UTF-8 */
json_t *report_string(const char *);
/* For messages: replaces bytes that are not UTF-8 by '?'. */
json_t *report_words(const char *);
/* null for NaN and infinities, which JSON lacks */
json_t *report_real(double);

/* Indented text with a final line feed, for free().  NULL on failure, with the message kept. */
char *report_text(const json_t *);

#endif
