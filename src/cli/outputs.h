/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The output files of a run.  All names are stated and checked before any work begins.  The files are written under
 * temporary names, then all are sealed (written to the disk), then renamed one after the other.  None appears unless all are
 * sealed.  If a rename fails (the directory is gone, or was made read-only), those renamed before it stay.  The file named
 * first is renamed last, so it is then missing.
 *
 *	outputs_input(&o, "in.tif");  outputs_read(&o, "mask.tif", "file of mask");
 *	outputs_name(&o, "out.tif", flags);
 *	outputs_tiff(&o, "out.tif", &options, &writer);		the outputs own the writer
 *	status = outputs_commit(&o);
 *	outputs_free(&o);					removes what was not committed
 */
#ifndef CLI_OUTPUTS_H
#define CLI_OUTPUTS_H

#include "image/file.h"

struct output;
struct source;

struct outputs { /* {0}: none */
	struct output *list;
	struct source *sources;
	size_t count, room, source_count, source_room;
};

enum {
	OUTPUT_FORCE = 1,    /* may replace a file */
	OUTPUT_IN_PLACE = 2, /* may replace the input */
	OUTPUT_TIFF = 4	     /* holds TIFF: no name of another picture format, except the input's */
};

/* Declares a file that the run reads: no output may replace it.  what: "the reference", for messages.  Texts are copied. */
int outputs_input(struct outputs *, const char *path);
int outputs_read(struct outputs *, const char *path, const char *what);
/* Declares an output.  Refuses a path that is read or already declared (links are followed), that exists (without
 * OUTPUT_FORCE), that is a directory, where nothing can be created, or whose ending does not fit
 * (OUTPUT_TIFF). */
int outputs_name(struct outputs *, const char *path, int flags);

/* Makes a declared file, once, and sets the options' `force' from its flags.  The outputs own the writer: it may be sealed
 * before outputs_commit(), but must not be committed or abandoned. */
int outputs_tiff(struct outputs *, const char *path, const struct image_write_options *,
		 struct image_writer **);
/* The same for any other file: *fd is open for writing and owned by the outputs. */
int outputs_open(struct outputs *, const char *path, int *fd);
int outputs_text(struct outputs *, const char *path, const char *text);

/* Seals all files made, then renames them.  The file named first comes last: if it exists, so do the others.  If sealing
 * fails no file appears; if a rename fails those before it stay. */
int outputs_commit(struct outputs *);
void outputs_free(struct outputs *);

/* Makes the output directory if it is absent. */
int output_directory(const char *path);

#endif
