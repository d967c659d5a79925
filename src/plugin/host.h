/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The services that every plugin gets: log, fail, memory, threads, noise, files. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include "base/random.h"
#include <lacuna/plugin.h>

struct context;
struct problem;

/* Reads an image for read_image(); release *values with memory_release().  The program installs a reader in the current
 * context. */
typedef int host_reader(const char *path, struct lacuna_shape *, float **values);
void host_install_reader(host_reader *);

/* The data behind a service table: the table's `data' points to it, so it must live as long as the table. */
struct host_context {
	struct random_key key; /* for gaussian(); may change between calls */
	void *owner;	       /* the object that serves the table (a session, a trial), or NULL */
	struct problem *problem; /* of host->problem (engine/services.h) */
	/* The context of the services, on whatever thread they are called; set by host_init(). */
	struct context *context;
};

/* Fills in a basic table in the current context: no problem, prior or guidance, and only host_extension(). */
void host_init(struct lacuna_host *table, struct host_context *);
/* The extensions that every family gets. */
const void *host_extension(const struct lacuna_host *, const char *name);
static inline struct host_context *host_context(const struct lacuna_host *host)
{
	return (struct host_context *)host->data;
}

/* Path number i (from 0) of the data files that plugins have found in the current context; NULL after the last one.  It
 * lives as long as the context. */
const char *host_data_file(size_t i);
/* True on the first call for this thing in the current context, for messages that appear once.  Also false when the table
 * of things is full. */
int host_first_time(const void *thing);

/* True if this thread's floating-point environment is the default: round to nearest, no flush to zero, no traps.
 * Otherwise restores the default and sets an error message that names the culprit. */
int host_check_fp(const char *culprit);

#endif
