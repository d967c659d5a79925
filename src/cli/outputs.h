/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The files that a run writes.  All names are stated and examined before any work begins; the files are made and filled, and
 * at the end they appear under their names one after the other, each complete, all of them sealed on the disk before the first
 * does.  None appears unless all are sealed.  A rename that fails then (the directory is gone, or was made read-only) leaves
 * those that came before it: the one named first comes last, and is not there.
 *
 *	outputs_input(&o, "in.tif");  outputs_read(&o, "mask.tif", "file of mask");
 *	outputs_name(&o, "out.tif", flags);
 *	outputs_tiff(&o, "out.tif", &options, &writer);		the writer stays the outputs' own
 *	status = outputs_commit(&o);
 *	outputs_free(&o);					whatever was not committed is gone
 */
#ifndef CLI_OUTPUTS_H
#define CLI_OUTPUTS_H

#include "image/tiff.h"

struct output;
struct source;

struct outputs { /* {0}: none */
	struct output *list;
	struct source *sources;
	size_t count, room, source_count, source_room;
};

enum {
	OUTPUT_FORCE = 1,   /* may replace a file */
	OUTPUT_IN_PLACE = 2 /* may replace the input */
};

/* What the run reads: no output may take its place.  what: "the reference"; the texts are copied. */
int outputs_input(struct outputs *, const char *path);
int outputs_read(struct outputs *, const char *path, const char *what);
/* Refuses a path that is read, or named already (links are followed), exists without OUTPUT_FORCE, is a directory, or lies where
 * nothing can be created. */
int outputs_name(struct outputs *, const char *path, int flags);

/* Makes a file whose name was stated, once; the options' `force' is set from its flags.  A writer may be sealed before
 * outputs_commit(), and must not be committed or abandoned. */
int outputs_tiff(struct outputs *, const char *path, const struct tiff_write_options *,
		 struct tiff_writer **);
/* The same for any other file: *fd is open for writing, and stays the outputs' own. */
int outputs_open(struct outputs *, const char *path, int *fd);
int outputs_text(struct outputs *, const char *path, const char *text);

/* Seals all files made, then gives them their names: the one named first comes last, so that it stands for the others.  A failure
 * to seal leaves none under its name, a failure to rename those that came before. */
int outputs_commit(struct outputs *);
void outputs_free(struct outputs *);

/* A directory to write into, made when absent. */
int output_directory(const char *path);

#endif
