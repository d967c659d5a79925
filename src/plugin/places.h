/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The directories that plugins are searched in, first to last:
 *
 *   lacuna's own	the installed directory; in its place, a build tree that $LACUNA_PLUGIN_PATH names (libtool keeps
 *			the plugins of a build tree in .libs, and so it can be told)
 *   the path		directories of $LACUNA_PLUGIN_PATH, separated by colons
 *   the user's		$XDG_DATA_HOME/lacuna/plugins, ~/.local/share/lacuna/plugins by default
 *
 * A name means lacuna's own plugin wherever there is one.  Hosts of CLAP, LV2 and VST have plugins with identifiers that are
 * unique in the world (a URI, a UUID), take the first of two alike, and let the user's directory add to the system's.  Our
 * names are short words that anybody may choose; scripts, reports and journals hold them, and `blur' must mean in all of
 * them what the manual says.  Another plugin of that name has its path for a name. */
#ifndef PLUGIN_PLACES_H
#define PLUGIN_PLACES_H

#include <limits.h>
#include <stddef.h>

enum place_kind { PLACE_OWN, PLACE_PATH, PLACE_USER };

struct place {
	enum place_kind kind;
	char directory[PATH_MAX];
	/* Why nothing is loaded from here, or "".  Whoever can write into it could run code as the user. */
	char refused[PATH_MAX + 128];
};

/* Calls visit for each place, whether it exists or not, until it returns true; returns that. */
int places_each(int (*visit)(void *context, const struct place *), void *context);
/* True, with the reason, when others may write to a file or directory: all may; or, of the user's place, it belongs to
 * somebody else, or to a group that is not the user's own.  False for what is not there. */
int place_unsafe(enum place_kind, const char *path, char *reason, size_t size);
/* The directories, with commas between. */
void places_text(char *text, size_t size);

#endif
