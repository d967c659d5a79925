/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The services every plugin gets: log, fail, memory, threads, noise, files. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include "base/random.h"
#include <lacuna/plugin.h>

struct context;

/* Reads an image for read_image(); *values is for memory_release().  The program installs one in the context at hand. */
typedef int host_reader(const char *path, struct lacuna_shape *, float **values);
void host_install_reader(host_reader *);

/* What stands behind a table, whose `data' points to it: it must live as long as the table. */
struct host_context {
	struct random_key key; /* of gaussian(); may change between calls */
	void *owner;	       /* who serves by this table (a session, a trial), or NULL */
	struct context *
		context; /* that the services work in, whatever thread calls them; set by host_init() */
};

/* A plain table in the context at hand: no problem, prior, guidance or extension to ask. */
void host_init(struct lacuna_host *table, struct host_context *);
static inline struct host_context *host_context(const struct lacuna_host *host)
{
	return (struct host_context *)host->data;
}

/* Path i (from 0) of the data files that plugins have found in the context at hand; NULL: no more are known. */
const char *host_data_file(size_t i);
/* True when this was not asked of the same thing before, in the context at hand: for what is said once.  False, too, when there
 * were too many. */
int host_first_time(const void *thing);

/* True when the floating-point environment of this thread is the default one: round to nearest, no flush to zero, no
 * traps.
 * Otherwise restores it and keeps a message that names the culprit. */
int host_check_fp(const char *culprit);

#endif
