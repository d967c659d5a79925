/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* In a batch, a picture that is restored in windows (restore/windows.h) is divided: each window is a unit of work that any
 * worker of any run with the same output directory may take.  At the end one worker joins them.
 *
 * OUT/.lacuna/parts/DIGEST/plan.json lists the windows; DIGEST is the digest of the output's name.  Each finished window is
 * a file beside it (batch/part.h), so that an interrupted run can be resumed. */
#ifndef CLI_BATCH_DIVIDE_H
#define CLI_BATCH_DIVIDE_H

#include "cli/batch.h"

struct division {
	char key[DIGEST_SIZE]; /* depends on all that determines the parts */
	struct stamp input;
	struct fit_values told; /* by the picture, for all parts */
	struct division_page {
		int page;
		size_t first; /* number of its first unit */
		struct windows windows;
	} * pages;
	size_t page_count, page_room, units;
};

void division_free(struct division *); /* leaves it empty */
/* *found is 0 when there is no plan, or only one for other parameters. */
int division_read(const struct batch *, const struct item *, struct division *, int *found);
/* Writes the plan and sets its key. */
int division_write(const struct batch *, const struct item *, struct division *);
int division_add(struct division *, int page, const struct windows *);
const struct division_page *division_find(const struct division *, int page);
/* Path of the file with what all units of one page share.  For memory_release(). */
char *division_common(const struct batch *, const struct item *, int page);
char *division_part(const struct batch *, const struct item *, size_t unit);
void division_part_key(const struct division *, size_t unit, char key[DIGEST_SIZE + 24]);
/* Removes parts and plan of a finished item. */
void division_remove(const struct batch *, const struct item *);
/* The same for items that were finished before this run. */
void division_clean(const struct batch *);
/* Removes the directory of all parts if it is empty. */
void division_end(const struct batch *);

/* ---- in the run ---- */

/* An item that is being restored in units. */
struct divided {
	struct item *item;
	struct division division;
	unsigned char *state; /* of each unit */
	size_t next, done, busy;
	int mine;      /* claimed by this run, which also joins the parts */
	int joining;   /* the order to join was given */
	char *message; /* of the first unit that failed; then no more are begun */
};

/* NULL when there is no plan to read, or on failure (*status). */
struct divided *divided_create(const struct batch *, struct item *, int mine, int *status);
void divided_free(struct batch *, struct divided *); /* releases its claims; accepts NULL */
/* Claims a unit to restore: returns 1 and sets *unit, or 0 when there is none now. */
int divided_take(struct batch *, struct divided *, size_t *unit);
/* Records the result of a unit.  message: NULL on success. */
void divided_finish(struct batch *, struct divided *, size_t unit, const char *message);
/* True when all units are done, by this run or others. */
int divided_is_done(const struct divided *);
/* Checks which units other runs have finished.  Call it from time to time. */
void divided_look(const struct batch *, struct divided *);

#endif
