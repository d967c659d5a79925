/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Options of single directories and files: lacuna.conf beside the pictures, or a table for all.
 *
 *	# lacuna.conf: for this directory and those below
 *	operator = blur:psf=star.tif
 *	noise = 0.01
 *	[scan-*.tif]
 *	operator = mask:file={stem}-mask.png
 *
 * A table has columns separated by tabs; the first line names them, "file" and options. */
#ifndef BATCH_CONF_H
#define BATCH_CONF_H

#include "batch/tree.h"

/* One option for one file.  value has {stem} and {name} of the file put in. */
struct conf_option {
	const char *name, *value;
	const char *source;    /* "dir/lacuna.conf: line 3" */
	const char *directory; /* what relative paths in value begin at */
	int group; /* of options that stand together: a list of one group replaces that of another */
};

struct conf;

/* table: a file, or NULL. */
int conf_create(const char *table, struct conf **);
void conf_destroy(struct conf *); /* accepts NULL */
/* Calls visit for each option of the file, the most general first; what it returns, if not 0, ends the walk. Cheap for files in
 * the order of a finished tree. */
int conf_visit(struct conf *, const struct tree_file *,
	       int (*visit)(void *context, const struct conf_option *), void *context);

#endif
