/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The contact sheet: one HTML file that needs no other, with every image before and after. */
#ifndef BATCH_SHEET_H
#define BATCH_SHEET_H

#include "image/image.h"

#include <jansson.h>

/* An image made small, as a data: URI (PNG); lo..hi become black and white, NaN white.  NULL when there is no memory. */
json_t *sheet_thumbnail(const struct image *, double lo, double hi);

/* Cards are kept in files of their own while a batch goes on, one JSON line each, so that a later run has them as well. */
struct sheet_writer {
	int fd; /* -1: none */
	int count;
};

int sheet_open(const char *directory, const char *run, struct sheet_writer *);
/* {"path": ..., "before": ..., "after": ...}; never a failure of the batch: a card that cannot be written is missing */
void sheet_keep(struct sheet_writer *, const json_t *card);
void sheet_close(struct sheet_writer *);

/* Refuses a file that is there and is no sheet. */
int sheet_check(const char *path);
/* Writes the sheet.  rows: what is known of each image, an array of objects with "path"; the pictures of a card that was kept
 * under the same path are put in; directory: of the cards, or NULL.  summary: shown above. */
int sheet_write(const char *path, const char *directory, json_t *summary, json_t *rows);
/* The same into a file that is open, and stays so; path is for messages. */
int sheet_print(int fd, const char *path, const char *directory, json_t *summary, json_t *rows);

#endif
