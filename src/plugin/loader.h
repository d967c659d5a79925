/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Finds, opens and examines plugins.  A loaded plugin stays loaded. */
#ifndef PLUGIN_LOADER_H
#define PLUGIN_LOADER_H

#include "plugin/places.h"
#include <lacuna/plugin.h>

struct plugin {
	const struct lacuna_plugin *head; /* examined */
	const char *path;
	/* Zero-filled copies of head->family: entries that an older plugin lacks are NULL. */
	union {
		struct lacuna_operator op;
		struct lacuna_prior prior;
		struct lacuna_guidance guidance;
		struct lacuna_sampler sampler;
	} u;
};

/* "operator", "prior", ...; NULL for an unknown kind */
const char *plugin_kind_name(int kind);
/* Accepts singular or plural; 0 if unknown. */
int plugin_kind(const char *name);

/* The plugin's table for this extension, or NULL. */
const void *plugin_extension(const struct plugin *, const char *name);
/* True if fit() may change this parameter: see lacuna/fit.h. */
int plugin_may_fit(const struct plugin *, const void *config, const struct lacuna_param *);

/* A name without a slash is searched as DIR/KINDs/NAME.so, then DIR/KINDs/.libs/NAME.so, in each place of places.h; a
 * name with a slash is a file.  kind 0: any.  Loading the same file twice gives the same plugin.  Any thread; as with
 * shared objects, loaded plugins belong to the process. */
int plugin_load(int kind, const char *name, const struct plugin **);

/* Hold the gate around every create() and destroy(): at most one runs at a time in a process, whatever the plugin
 * (lacuna/plugin.h).  The gate is recursive: a create() may ask the host for another plugin. */
void plugin_gate_enter(void);
void plugin_gate_leave(void);

/* Calls visit for each plugin name of a family, sorted; path is the first file of that name.  Opens nothing. */
int plugin_each(int kind, void (*visit)(void *context, const char *name, const char *path),
		void *context);

struct plugin_file {
	const char *name, *path;
	enum place_kind place;
	const char *hidden_by; /* path of the file that the name stands for instead, or NULL */
	const char *refused;   /* why the file is not used, or NULL */
};

/* As plugin_each(), for all files: files of one name follow each other, in the order of the places. */
int plugin_each_file(int kind, void (*visit)(void *context, const struct plugin_file *),
		     void *context);

/* A plugin and its parsed configuration: NAME[:key=value[,key=value]...] */
struct plugin_use {
	const struct plugin *plugin;
	void *config;
	char *spec;
};

int use_parse(int kind, const char *spec, struct plugin_use *);
void use_free(struct plugin_use *);

#endif
