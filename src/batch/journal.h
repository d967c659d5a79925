/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Records what was done to which image, in append-only files of JSON lines, each line with a checksum.
 *
 * Each run writes its own file in the journal's directory, so runs on many machines never write to the same file.  Reading
 * means reading them all.  A torn or damaged line counts as not written. */
#ifndef BATCH_JOURNAL_H
#define BATCH_JOURNAL_H

#include "batch/digest.h"

#include <jansson.h>

enum journal_state {
	JOURNAL_BEGUN, /* outputs of this name belong to the batch, done or not */
	JOURNAL_DONE,
	JOURNAL_FAILED
};

struct journal_entry {
	char *path;   /* of the output, below the output directory */
	int64_t time; /* nanoseconds since 1970 */
	enum journal_state state;
	char key[DIGEST_SIZE]; /* fingerprint of the parameters */
	struct stamp input, output;
	char *message; /* of a failure, or NULL */
	int doubts;    /* of a result: warnings not to trust it */
	char *run;     /* which run wrote the entry; not used by journal_add() */
};

/* The last entry of each path, sorted by path. */
struct journal {
	struct journal_entry *entries;
	size_t count, room;
};

/* Reads all files of the directory; a missing directory is an empty journal. */
int journal_load(const char *directory, struct journal *);
void journal_free(struct journal *); /* leaves it empty */
/* Total bytes of all files except that of the run `except' (or NULL).  If unchanged, no other run has written. */
int64_t journal_size(const char *directory, const char *except);
const struct journal_entry *journal_find(const struct journal *, const char *path);

struct journal_writer {
	int fd;
	char *path;
	char *pending;
	size_t length, room;
};

/* Creates the run's own file.  run: a name that no other run has. */
int journal_create(const char *directory, const char *run, struct journal_writer *);
/* extra: further members for people to read, or NULL; takes its reference. */
int journal_add(struct journal_writer *, const struct journal_entry *, json_t *extra);
/* Writes what was added to the disk. */
int journal_flush(struct journal_writer *);
void journal_close(struct journal_writer *); /* without flushing */

json_t *stamp_to_json(const struct stamp *);
void stamp_from_json(const json_t *, struct stamp *);

/* A path as JSON can hold it: bytes that are not UTF-8, and '%', become %XX.  For memory_release(). */
char *journal_encode_path(const char *path);

#endif
