/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The files of a batch: directories are walked, lists are read. */
#ifndef BATCH_TREE_H
#define BATCH_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_file {
	char *path;	/* as it is opened */
	char *relative; /* below the directory of outputs */
	char *root; /* the directory that was named, where configuration begins; "" for a list's file */
	int64_t size;
};

struct tree {
	struct tree_file *files; /* sorted by relative path after tree_finish() */
	size_t count, room;
};

struct tree_options {
	const char *const *include,
		*const *exclude; /* globs for file names, or with a slash for relative paths */
	size_t include_count, exclude_count;
	int follow;	    /* symbolic links to directories */
	const char *except; /* a directory that is not entered: of the outputs; may be NULL */
};

/* Adds a file, or the files of a directory.  Without include: *.tif, *.tiff and their like.  Names that begin with a dot are left
 * out.  below: what relative paths begin with, "" or "name/". */
int tree_add(struct tree *, const char *path, const char *below, const struct tree_options *);
/* Adds the files that a list names, one a line; "-": standard input.  A relative path without ".." keeps its directories. */
int tree_add_list(struct tree *, const char *path);
/* Sorts; refuses two files with one relative path. */
int tree_finish(struct tree *);
void tree_free(struct tree *);

/* True when a glob fits the last component of a path, or all of it where the glob has a slash. */
int tree_matches(const char *glob, const char *relative);

#endif
