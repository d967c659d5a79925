/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Pictures that are restored in windows (restore/windows.h) are divided in a batch: each window is a unit of work of its own, for
 * any worker of any run that shares the directory of outputs, and at the end one puts them together.
 *
 * OUT/.lacuna/parts/DIGEST/plan.json says which windows there are; DIGEST is that of the output's name.  Each window that is done
 * is a file beside it (batch/part.h), so that a run that is interrupted goes on with what is there. */
#ifndef CLI_BATCH_DIVIDE_H
#define CLI_BATCH_DIVIDE_H

#include "cli/batch.h"

struct division {
	char key[DIGEST_SIZE]; /* of all that decides what the parts are */
	struct stamp input;
	struct division_page {
		int page;
		size_t first; /* unit */
		struct windows windows;
	} * pages;
	size_t page_count, page_room, units;
};

void division_free(struct division *); /* leaves an empty one */
/* *found: 0 when there is none, or one for other parameters. */
int division_read(const struct batch *, const struct item *, struct division *, int *found);
/* Sets the key. */
int division_write(const struct batch *, const struct item *, struct division *);
int division_add(struct division *, int page, const struct windows *);
const struct division_page *division_find(const struct division *, int page);
/* A file that holds for all units of one page.  For memory_release(). */
char *division_common(const struct batch *, const struct item *, int page);
char *division_part(const struct batch *, const struct item *, size_t unit);
void division_part_key(const struct division *, size_t unit, char key[DIGEST_SIZE + 24]);
/* Parts and plan of an item that is done. */
void division_remove(const struct batch *, const struct item *);
/* Those of items that were done before. */
void division_clean(const struct batch *);
/* Removes the directory of all parts, where it is empty. */
void division_end(const struct batch *);

/* ---- in the run ---- */

/* An item that is at work in units. */
struct divided {
	struct item *item;
	struct division division;
	unsigned char *state; /* of each unit */
	size_t next, done, busy;
	int mine;      /* the item is claimed here: it is joined here, too */
	int joining;   /* the last order was given */
	char *message; /* of the first unit that failed; then no more are begun */
};

/* NULL where there is no plan to read (*status: a failure). */
struct divided *divided_create(const struct batch *, struct item *, int mine, int *status);
void divided_free(struct batch *, struct divided *); /* gives claims back; accepts NULL */
/* Claims a unit that is to be restored: 1, and *unit.  0: there is none now. */
int divided_take(struct batch *, struct divided *, size_t *unit);
/* What became of a unit; message: NULL when it is done. */
void divided_finish(struct batch *, struct divided *, size_t unit, const char *message);
/* All units are done, here or elsewhere. */
int divided_is_done(const struct divided *);
/* Units of other runs may have been done since: to be called from time to time. */
void divided_look(const struct batch *, struct divided *);

#endif
