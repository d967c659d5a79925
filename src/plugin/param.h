/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Parameter tables: defaults, parsing, range check, description. */
#ifndef PLUGIN_PARAM_H
#define PLUGIN_PARAM_H

#include <lacuna/plugin.h>

const struct lacuna_param *param_row(const struct lacuna_plugin *, uint32_t index);
const struct lacuna_param *param_find(const struct lacuna_plugin *, const char *name);
/* Refuses a table with out-of-range defaults, offsets outside the configuration, duplicate names. */
int param_check_table(const struct lacuna_plugin *);

/* A configuration holding the defaults; NULL, with the message kept, when memory is exhausted. */
void *param_create(const struct lacuna_plugin *);
void param_release(const struct lacuna_plugin *, void *config);
int param_set(const struct lacuna_plugin *, void *config, const char *name, const char *value);
/* "key=value,key=value"; NULL and "" are the defaults.  A value that contains a comma is written in double quotes,
 * where \" is a quote and \\ a backslash.
 * A row that was given and does not apply to the others' values is refused. */
int param_parse(const struct lacuna_plugin *, void *config, const char *text);
/* How long the first "key=value" of such a text is, quotes included. */
size_t param_pair_length(const char *text);
/* LACUNA_REQUIRED rows that have no value yet: refused by name. */
int param_complete(const struct lacuna_plugin *, const void *config);

/* The value of a row as param_set() would read it, the range and default for help: "(0 to 100 px) [1.5]".  The result
 * is the length without the terminating 0, as snprintf. */
int param_value(const struct lacuna_param *, const void *config, char *text, size_t size);
int param_range(const struct lacuna_param *, char *text, size_t size);

/* 1: two configurations say the same. */
int param_same(const struct lacuna_plugin *, const void *a, const void *b);

/* The value of a TEXT or PATH row, or NULL; the configuration's own. */
const char *param_text(const struct lacuna_param *, const void *config);

/* The next parameter from row *at on that names a file: its row, *at behind it, and the name in path.  NULL: no more. */
const struct lacuna_param *param_next_path(const struct lacuna_plugin *, const void *config,
					   uint32_t *at, char *path, size_t size);

#endif
