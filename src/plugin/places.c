/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "plugin/places.h"

#include "base/install.h"
#include "plugin/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int place_unsafe(enum place_kind kind, const char *path, char *reason, size_t size)
{
	struct stat st;

	if (stat(path, &st))
		return 0;
	if (st.st_mode & S_IWOTH)
		snprintf(reason, size, "every user may write to %s (chmod o-w)", path);
	else if (kind != PLACE_USER)
		return 0;
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		snprintf(reason, size, "%s belongs to another user", path);
	else if ((st.st_mode & S_IWGRP) && st.st_gid != getegid())
		snprintf(reason, size, "a group may write to %s (chmod g-w)", path);
	else
		return 0;
	return 1;
}

static void judge(struct place *p)
{
	char installed[PATH_MAX];

	*p->refused = '\0';
	/* The installed directory is the administrator's responsibility. */
	install_path(LACUNA_PLUGIN_DIR, installed, sizeof installed);
	if (p->kind == PLACE_OWN && !strcmp(p->directory, installed))
		return;
	if (place_unsafe(p->kind, p->directory, p->refused, sizeof p->refused))
		return;
	for (int kind = 1; plugin_kind_name(kind); kind++) {
		char folder[PATH_MAX + 16];

		snprintf(folder, sizeof folder, "%s/%ss", p->directory, plugin_kind_name(kind));
		if (place_unsafe(p->kind, folder, p->refused, sizeof p->refused))
			return;
	}
}

static int is_build_tree(const char *directory)
{
	char libtool[PATH_MAX + 32];
	struct stat st;

	snprintf(libtool, sizeof libtool, "%s/operators/.libs", directory);
	return !stat(libtool, &st) && S_ISDIR(st.st_mode);
}

struct visitor {
	int (*visit)(void *, const struct place *);
	void *context;
	int count;
};

static int visit(struct visitor *v, struct place *p, enum place_kind kind)
{
	p->kind = kind;
	judge(p);
	v->count++;
	return v->visit(v->context, p);
}

/* Visits those entries of the path that are build trees, or those that are not, by kind. */
static int each_of_path(struct visitor *v, struct place *p, enum place_kind kind)
{
	const char *list = secure_getenv("LACUNA_PLUGIN_PATH");
	const char *entry = list ? list : "", *end;

	for (;; entry = end + 1) {
		end = strchrnul(entry, ':');
		snprintf(p->directory, sizeof p->directory, "%.*s", (int)(end - entry), entry);
		if (end > entry && is_build_tree(p->directory) == (kind == PLACE_OWN) &&
		    visit(v, p, kind))
			return 1;
		if (!*end)
			return 0;
	}
}

/* False if the environment does not tell.  The XDG standard says to ignore a relative XDG_DATA_HOME. */
static int users_directory(char *directory, size_t size)
{
	const char *data = secure_getenv("XDG_DATA_HOME"), *home = secure_getenv("HOME");

	if (data && *data == '/')
		snprintf(directory, size, "%s/lacuna/plugins", data);
	else if (home && *home == '/')
		snprintf(directory, size, "%s/.local/share/lacuna/plugins", home);
	else
		return 0;
	return 1;
}

int places_each(int (*function)(void *, const struct place *), void *context)
{
	struct visitor v = { .visit = function, .context = context };
	struct place p;

	if (each_of_path(&v, &p, PLACE_OWN))
		return 1;
	if (!v.count) {
		install_path(LACUNA_PLUGIN_DIR, p.directory, sizeof p.directory);
		if (visit(&v, &p, PLACE_OWN))
			return 1;
	}
	if (each_of_path(&v, &p, PLACE_PATH))
		return 1;
	return users_directory(p.directory, sizeof p.directory) && visit(&v, &p, PLACE_USER);
}

struct text {
	char *start, *at;
	size_t left;
};

static int append(void *context, const struct place *p)
{
	struct text *t = context;
	const int n = snprintf(t->at, t->left, "%s%s", t->at == t->start ? "" : ", ", p->directory);

	if (n < 0 || (size_t)n >= t->left)
		return 1;
	t->at += n;
	t->left -= (size_t)n;
	return 0;
}

void places_text(char *text, size_t size)
{
	struct text t = { .start = text, .at = text, .left = size };

	*text = '\0';
	places_each(append, &t);
}
