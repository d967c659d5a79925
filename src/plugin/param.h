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

/* A configuration with the default values; NULL, with an error message, if memory is exhausted. */
void *param_create(const struct lacuna_plugin *);
void param_release(const struct lacuna_plugin *, void *config);
/* A copy that shares the texts of config; freed with memory_release() before config is.  NULL as for param_create(). */
void *param_copy(const struct lacuna_plugin *, const void *config);
int param_set(const struct lacuna_plugin *, void *config, const char *name, const char *value);
/* text: "key=value,key=value"; NULL and "" give the defaults.  A value with a comma is written in double quotes,
 * where \" is a quote and \\ a backslash.  Refuses a parameter that does not apply with the values of the others. */
int param_parse(const struct lacuna_plugin *, void *config, const char *text);
/* Length of the first "key=value" of such a text, quotes included. */
size_t param_pair_length(const char *text);
/* Refuses a configuration in which a LACUNA_REQUIRED row has no value; the message names the row. */
int param_complete(const struct lacuna_plugin *, const void *config);

/* param_value(): the row's value in the form that param_set() reads.  param_range(): range and default for help, "(0 to
 * 100 px) [1.5]".  The result is the length without the terminating 0, as for snprintf. */
int param_value(const struct lacuna_param *, const void *config, char *text, size_t size);
int param_range(const struct lacuna_param *, char *text, size_t size);

/* 1 if the two configurations are equal. */
int param_same(const struct lacuna_plugin *, const void *a, const void *b);

/* The value of a REAL row. */
double *param_real(const struct lacuna_param *, void *config);
/* The value of a TEXT or PATH row, or NULL; owned by the configuration. */
const char *param_text(const struct lacuna_param *, const void *config);

/* Finds the next parameter that names a file, from row *at on.  Returns its row, moves *at past it and writes the file
 * name to path.  NULL: no more. */
const struct lacuna_param *param_next_path(const struct lacuna_plugin *, const void *config,
					   uint32_t *at, char *path, size_t size);

#endif
