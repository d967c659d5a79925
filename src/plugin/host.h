/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The services every plugin gets: log, fail, memory, threads, noise, files. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include "base/random.h"
#include <lacuna/plugin.h>

/* Reads an image for read_image(); *values is for memory_release().  Installed by the program. */
typedef int host_reader(const char *path, struct lacuna_shape *, float **values);
void host_install_reader(host_reader *);

/* A plain table: no problem, prior, guidance or extension to ask.  table->data becomes `key', which is
 * read at every gaussian() and must live as long as the table; whoever puts another thing there (the engine) lets
 * it begin with a struct random_key. */
void host_init(struct lacuna_host *table, const struct random_key *key);

/* Path i (from 0) of the data files that plugins have found in this process; NULL: no more are known. */
const char *host_data_file(size_t i);

/* True when the floating-point environment of this thread is the default one: round to nearest, no flush to zero, no
 * traps.
 * Otherwise restores it and keeps a message that names the culprit. */
int host_check_fp(const char *culprit);

#endif
