/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What the files of the loader share. */
#ifndef PLUGIN_LOADER_PRIVATE_H
#define PLUGIN_LOADER_PRIVATE_H

#include "plugin/loader.h"

/* Size of a family's table in this version. */
size_t plugin_table_size(int kind);
int plugin_name_is_valid(const char *name);
/* The file's name without directory and ".so". */
void plugin_stem(const char *path, char *name, size_t size);
/* Refuses what is no plugin of this ABI, and a plugin whose tables contradict the ABI. */
int plugin_examine(const char *path, const struct lacuna_plugin *head);

/* Installed plugins are in the family's directory, those of a build tree in libtool's .libs below it. */
enum { PLUGIN_FOLDERS = 2 };
extern const char *const plugin_folders[PLUGIN_FOLDERS];

#endif
