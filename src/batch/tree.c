/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "batch/tree.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <lacuna/plugin.h>

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* ---- the list ---------------------------------------------------------------------------------------- */

static int add_file(struct tree *t, const char *path, const char *relative, const char *root,
		    int64_t size)
{
	struct tree_file f = { memory_strdup(path), memory_strdup(relative), memory_strdup(root),
			       size };
	struct tree_file *room = memory_grow(t->files, t->count, 1, &t->room, sizeof *room);

	if (room)
		t->files = room;
	if (!f.path || !f.relative || !f.root || !room) {
		memory_release(f.path);
		memory_release(f.relative);
		memory_release(f.root);
		return LACUNA_ENOMEM;
	}
	t->files[t->count++] = f;
	return LACUNA_OK;
}

static void free_file(struct tree_file *f)
{
	memory_release(f->path);
	memory_release(f->relative);
	memory_release(f->root);
}

void tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->count; i++)
		free_file(&t->files[i]);
	memory_release(t->files);
	*t = (struct tree){ 0 };
}

static int by_relative(const void *a, const void *b)
{
	return strcmp(((const struct tree_file *)a)->relative,
		      ((const struct tree_file *)b)->relative);
}

static int is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (!strcmp(a, b))
		return 1;
	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int tree_finish(struct tree *t)
{
	size_t kept = 0, twice = 0;

	if (!t->count)
		return LACUNA_OK;
	qsort(t->files, t->count, sizeof *t->files, by_relative);
	for (size_t i = 1; i < t->count; i++) {
		const struct tree_file *last = &t->files[i - 1], *f = &t->files[i];

		if (!strcmp(last->relative, f->relative) && !is_same_file(last->path, f->path))
			return error_set(LACUNA_EINVAL,
					 "%s and %s would have the same output, %s; restore them "
					 "into different directories",
					 last->path, f->path, f->relative);
	}
	for (size_t i = 0; i < t->count; i++) {
		if (kept && !strcmp(t->files[kept - 1].relative, t->files[i].relative)) {
			free_file(&t->files[i]);
			twice++;
		} else {
			t->files[kept++] = t->files[i];
		}
	}
	t->count = kept;
	if (twice)
		log_message(LACUNA_LOG_INFO, "%zu repeated names of files were left out", twice);
	return LACUNA_OK;
}

/* ---- which files ------------------------------------------------------------------------------------- */

int tree_matches(const char *glob, const char *relative)
{
	const char *slash = strrchr(relative, '/');

	if (strchr(glob, '/'))
		return !fnmatch(glob, relative, FNM_PATHNAME);
	return !fnmatch(glob, slash ? slash + 1 : relative, 0);
}

static int matches_any(const char *const *globs, size_t count, const char *relative)
{
	size_t i = 0;

	while (i < count && !tree_matches(globs[i], relative))
		i++;
	return i < count;
}

static int is_tiff_name(const char *relative)
{
	static const char *const endings[] = { ".tif", ".tiff", ".btf", ".tf8", NULL };
	const char *dot = strrchr(relative, '.');
	size_t i = 0;

	while (dot && endings[i] && strcasecmp(dot, endings[i]) != 0)
		i++;
	return dot && endings[i];
}

static int is_wanted(const char *relative, const struct tree_options *o)
{
	const int included = o->include_count ? matches_any(o->include, o->include_count, relative)
					      : is_tiff_name(relative);

	return included && !matches_any(o->exclude, o->exclude_count, relative);
}

/* ---- directories ------------------------------------------------------------------------------------- */

/* The directories above, so that circular links are not followed forever. */
struct level {
	dev_t device;
	ino_t inode;
	const struct level *above;
};

static int is_above(const struct level *l, const struct stat *st)
{
	while (l && (l->device != st->st_dev || l->inode != st->st_ino))
		l = l->above;
	return l != NULL;
}

struct walk {
	struct tree *tree;
	const struct tree_options *options;
	const char *root;
	struct stat except;
	int has_except;
};

static int walk_directory(const struct walk *, const char *path, const char *relative,
			  const struct level *above);

static void leave_out(const struct walk *w, const char *path, int reason)
{
	w->tree->left_out++;
	log_message(LACUNA_LOG_WARN, "%s: %s; left out", path, strerror(reason));
}

/* A link to nothing matters if it has a picture's name, or might have been a directory to follow. */
static void leave_out_entry(const struct walk *w, const char *path, const char *relative,
			    const struct stat *link, int reason)
{
	const int is_link = link && S_ISLNK(link->st_mode);

	if (!link && reason == ENOENT) /* removed meanwhile */
		return;
	if (!is_link || w->options->follow || is_wanted(relative, w->options))
		leave_out(w, path, reason);
}

static int walk_entry(const struct walk *w, const char *path, const char *relative,
		      const struct level *level)
{
	const int followed = w->options->follow;
	struct stat link, st;

	if (lstat(path, &link)) {
		leave_out_entry(w, path, relative, NULL, errno);
		return LACUNA_OK;
	}
	if (stat(path, &st)) {
		leave_out_entry(w, path, relative, &link, errno);
		return LACUNA_OK;
	}
	if (S_ISREG(st.st_mode))
		return is_wanted(relative, w->options)
			       ? add_file(w->tree, path, relative, w->root, st.st_size)
			       : LACUNA_OK;
	if (!S_ISDIR(st.st_mode) || (S_ISLNK(link.st_mode) && !followed) || is_above(level, &st) ||
	    matches_any(w->options->exclude, w->options->exclude_count, relative))
		return LACUNA_OK;
	if (w->has_except && st.st_dev == w->except.st_dev && st.st_ino == w->except.st_ino)
		return LACUNA_OK;
	return walk_directory(w, path, relative, level);
}

static int walk_directory(const struct walk *w, const char *path, const char *relative,
			  const struct level *above)
{
	DIR *d = opendir(path);
	struct level here = { .above = above };
	struct dirent *entry;
	struct stat st;
	int status = LACUNA_OK;

	if (!d || fstat(dirfd(d), &st)) {
		const int reason = errno;

		if (d)
			closedir(d);
		if (!above)
			return error_file_set(LACUNA_EIO, path, "%s", strerror(reason));
		leave_out(w, path, reason);
		return LACUNA_OK;
	}
	here.device = st.st_dev;
	here.inode = st.st_ino;
	while (!status && (errno = 0, entry = readdir(d))) {
		const char *name = entry->d_name;
		char *full, *below;

		if (*name == '.')
			continue;
		full = text_format("%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", name);
		below = text_format("%s%s%s", relative,
				    *relative && relative[strlen(relative) - 1] != '/' ? "/" : "",
				    name);
		status = full && below ? walk_entry(w, full, below, &here) : LACUNA_ENOMEM;
		memory_release(full);
		memory_release(below);
	}
	if (!status && errno)
		leave_out(w, path, errno);
	closedir(d);
	return status;
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int tree_add(struct tree *t, const char *path, const char *below, const struct tree_options *o)
{
	struct walk w = { .tree = t, .options = o, .root = path };
	struct stat st;
	char *relative;
	int status;

	if (!*path || stat(path, &st))
		return error_file_set(LACUNA_EIO, path, "%s", strerror(*path ? errno : ENOENT));
	if (S_ISDIR(st.st_mode)) {
		w.has_except = o->except && !stat(o->except, &w.except);
		return walk_directory(&w, path, below, NULL);
	}
	if (!S_ISREG(st.st_mode))
		return error_file_set(LACUNA_EIO, path, "is neither a file nor a directory");
	relative = text_format("%s%s", below, last_component(path));
	status = relative ? add_file(t, path, relative, "", st.st_size) : LACUNA_ENOMEM;
	memory_release(relative);
	return status;
}

/* ---- lists ------------------------------------------------------------------------------------------- */

static int climbs(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (!p[2] || p[2] == '/'))
			return 1;
	return 0;
}

static const char *relative_of(const char *path)
{
	if (*path == '/' || climbs(path))
		return last_component(path);
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	return path;
}

int tree_add_list(struct tree *t, const char *path)
{
	FILE *f = strcmp(path, "-") != 0 ? fopen(path, "r") : stdin;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int status = LACUNA_OK;

	if (!f)
		return error_file_errno(path);
	while (!status && (n = getline(&line, &room, f)) > 0) {
		struct stat st;

		if (line[n - 1] == '\n')
			line[--n] = 0;
		if (!*line)
			continue;
		/* A missing file fails later, as an item of its own. */
		status = add_file(t, line, relative_of(line), "", stat(line, &st) ? 0 : st.st_size);
	}
	free(line);
	if (!status && ferror(f))
		status = error_file_errno(path);
	if (f != stdin)
		fclose(f);
	return status;
}
