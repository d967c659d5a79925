/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Finding, opening and examining plugins.  A plugin once loaded stays loaded. */
#ifndef PLUGIN_LOADER_H
#define PLUGIN_LOADER_H

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

/* name without a slash: searched as DIR/KINDs/NAME.so, then DIR/KINDs/.libs/NAME.so, for each DIR of
 * $LACUNA_PLUGIN_PATH (an empty entry, or the variable unset, stands for the installed directory); with a slash: that
 * file.  kind 0: any.  Loading the same file twice gives the same plugin.  Main thread only. */
int plugin_load(int kind, const char *name, const struct plugin **);

/* Calls visit for each plugin name of a family found on the path, sorted, first hit only; opens nothing. */
int plugin_each(int kind, void (*visit)(void *context, const char *name, const char *path),
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
