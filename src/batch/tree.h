/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Collects the files of a batch from directories and lists. */
#ifndef BATCH_TREE_H
#define BATCH_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_file {
	char *path;	/* to open it */
	char *relative; /* below the output directory */
	char *root; /* directory given by the user, where configuration starts; "" for a list's file */
	int64_t size;
};

struct tree {
	struct tree_file *files; /* sorted by relative path after tree_finish() */
	size_t count, room;
	size_t left_out; /* files and directories that could not be looked at; a warning named each */
};

struct tree_options {
	const char *const *include,
		*const *exclude; /* globs for file names; with a slash, for relative paths */
	size_t include_count, exclude_count;
	int follow;	    /* follow symbolic links to directories */
	const char *except; /* a directory not to enter: that of the outputs; or NULL */
};

/* Adds a file, or all files of a directory.  Without `include': *.tif, *.tiff and similar names.  Skips names that begin
 * with a dot.  below: prefix of relative paths, "" or "name/". */
int tree_add(struct tree *, const char *path, const char *below, const struct tree_options *);
/* Adds the files named in a list, one per line; "-" is standard input.  A relative path without ".." keeps its
 * directories. */
int tree_add_list(struct tree *, const char *path);
/* Sorts; keeps one of several entries for the same file, and refuses two files with the same relative path. */
int tree_finish(struct tree *);
void tree_free(struct tree *);

/* True when a glob matches the last component of a path, or the whole path if the glob has a slash. */
int tree_matches(const char *glob, const char *relative);

#endif
