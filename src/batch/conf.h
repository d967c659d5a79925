/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Options for single directories and files: lacuna.conf beside the pictures, or one table for all.
 *
 *	# lacuna.conf: for this directory and those below
 *	operator = blur:psf=star.tif
 *	noise = 0.01
 *	[scan-*.tif]
 *	operator = mask:file={stem}-mask.png
 *
 * A table has columns separated by tabs; its first line names them: "file", then options. */
#ifndef BATCH_CONF_H
#define BATCH_CONF_H

#include "batch/tree.h"

/* One option for one file.  In value, {stem} and {name} of the file are already replaced. */
struct conf_option {
	const char *name, *value;
	const char *source;    /* "dir/lacuna.conf: line 3" */
	const char *directory; /* relative paths in value start here */
	int group; /* list options: those of one group are used together, and replace those of another */
};

struct conf;

/* table: path of a file, or NULL. */
int conf_create(const char *table, struct conf **);
void conf_destroy(struct conf *); /* accepts NULL */
/* Calls visit for each option of the file, the most general first; a result other than 0 ends the walk and is returned.
 * Fast if files come in the order of a finished tree. */
int conf_visit(struct conf *, const struct tree_file *,
	       int (*visit)(void *context, const struct conf_option *), void *context);
/* After all files were visited: the number of sections and rows that held for none of them.  *source, *name: where the first is
 * and which files it names, or NULL. */
size_t conf_unused(const struct conf *, const char **source, const char **name);

#endif
