/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The directories in which plugins are searched, first to last:
 *
 *   lacuna's own	the installed directory; or instead a build tree in $LACUNA_PLUGIN_PATH (recognised by .libs, where
 * 			libtool keeps the plugins of a build tree)
 *   the path		directories of $LACUNA_PLUGIN_PATH, separated by colons
 *   the user's		$XDG_DATA_HOME/lacuna/plugins, ~/.local/share/lacuna/plugins by default
 *
 * If lacuna has a plugin of a name, the name always means that one.  Hosts of CLAP, LV2 and VST instead take the first of
 * two equal plugins and let the user's directory add to the system's, but their identifiers are globally unique (a URI, a
 * UUID).  Our names are short words that anybody may choose; scripts, reports and journals contain them, and `blur' must
 * mean in all of them what the manual says.  Another plugin with that name must be given by its path. */
#ifndef PLUGIN_PLACES_H
#define PLUGIN_PLACES_H

#include <limits.h>
#include <stddef.h>

enum place_kind { PLACE_OWN, PLACE_PATH, PLACE_USER };

struct place {
	enum place_kind kind;
	char directory[PATH_MAX];
	/* Why nothing is loaded from here, or "": anyone who can write into the directory could run code as the user. */
	char refused[PATH_MAX + 128];
};

/* Calls visit for each place, existing or not, until visit returns true; returns whether it did. */
int places_each(int (*visit)(void *context, const struct place *), void *context);
/* True, with the reason, if others may write to the file or directory: it is world-writable; or, in the user's place, it
 * belongs to neither the user nor root, or is writable for a group other than the user's own.  False if it does not
 * exist. */
int place_unsafe(enum place_kind, const char *path, char *reason, size_t size);
/* The directories, separated by commas. */
void places_text(char *text, size_t size);

#endif
