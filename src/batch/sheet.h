/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The contact sheet: one self-contained HTML file with every image before and after. */
#ifndef BATCH_SHEET_H
#define BATCH_SHEET_H

#include "image/image.h"

#include <jansson.h>

/* A thumbnail as a data: URI (PNG).  lo..hi become black and white, NaN white.  NULL: out of memory. */
json_t *sheet_thumbnail(const struct image *, double lo, double hi);

/* During a batch, cards are kept in files of their own, one JSON line each, so that a later run has them, too. */
struct sheet_writer {
	int fd; /* -1: none */
	int count;
};

int sheet_open(const char *directory, const char *run, struct sheet_writer *);
/* card: {"path": ..., "before": ..., "after": ...}.  Never fails the batch: a card that cannot be written is missing. */
void sheet_keep(struct sheet_writer *, const json_t *card);
void sheet_close(struct sheet_writer *);

/* Refuses an existing file that is not a sheet. */
int sheet_check(const char *path);
/* Writes the sheet.  rows: an array of objects with "path", one for each image; pictures are added from cards kept under the
 * same path.  directory: of the cards, or NULL.  summary: shown at the top. */
int sheet_write(const char *path, const char *directory, json_t *summary, json_t *rows);
/* The same into an open file, which stays open.  path is for messages. */
int sheet_print(int fd, const char *path, const char *directory, json_t *summary, json_t *rows);

#endif
