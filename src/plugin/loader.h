/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Finding, opening and examining plugins.  A plugin once loaded stays loaded. */
#ifndef PLUGIN_LOADER_H
#define PLUGIN_LOADER_H

#include "plugin/places.h"
#include <lacuna/plugin.h>

struct plugin {
	const struct lacuna_plugin *head; /* examined */
	const char *path;
	/* Zero-filled copies of head->family: what an older plugin lacks is NULL. */
	union {
		struct lacuna_operator op;
		struct lacuna_prior prior;
		struct lacuna_guidance guidance;
		struct lacuna_sampler sampler;
	} u;
};

/* "operator", "prior", ...; NULL for an unknown kind */
const char *plugin_kind_name(int kind);
/* From singular or plural; 0 when unknown. */
int plugin_kind(const char *name);

/* The plugin's table of this extension, or NULL. */
const void *plugin_extension(const struct plugin *, const char *name);

/* name without a slash: searched as DIR/KINDs/NAME.so, then DIR/KINDs/.libs/NAME.so, in each place of places.h; with a
 * slash: that file.  kind 0: any.  Loading the same file twice gives the same plugin.  Any thread; loaded plugins are the
 * process's, as shared objects are. */
int plugin_load(int kind, const char *name, const struct plugin **);

/* Around every create() and destroy(): in one process no two of them run at once, in whichever plugins (lacuna/plugin.h), but for
 * one that asks the host for another. */
void plugin_gate_enter(void);
void plugin_gate_leave(void);

/* Calls visit for each plugin name of a family found, sorted, first hit only; opens nothing. */
int plugin_each(int kind, void (*visit)(void *context, const char *name, const char *path),
		void *context);

struct plugin_file {
	const char *name, *path;
	enum place_kind place;
	const char *hidden_by; /* path of the file that the name means instead, or NULL */
	const char *refused;   /* why the file is not used, or NULL */
};

/* The same for all files: those of one name follow each other, in the order of the places. */
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
