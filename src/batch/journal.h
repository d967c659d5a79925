/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What was done to which image: append-only files of JSON lines, each with a checksum of its own.
 *
 * Every run writes a file of its own into the journal's directory, so that runs on many machines never write to the same one;
 * reading is reading them all.  A line that is torn or damaged counts as not written. */
#ifndef BATCH_JOURNAL_H
#define BATCH_JOURNAL_H

#include "batch/digest.h"

#include <jansson.h>

enum journal_state {
	JOURNAL_BEGUN, /* an output of this name is the batch's own, done or not */
	JOURNAL_DONE,
	JOURNAL_FAILED
};

struct journal_entry {
	char *path;   /* of the output, below the directory of outputs */
	int64_t time; /* nanoseconds since 1970 */
	enum journal_state state;
	char key[DIGEST_SIZE]; /* of the parameters */
	struct stamp input, output;
	char *message; /* of a failure, or NULL */
	int doubts;    /* of a result: warnings that it is not to be trusted */
};

/* The last entry of each path, sorted by path. */
struct journal {
	struct journal_entry *entries;
	size_t count, room;
};

/* Reads all files of the directory; one that does not exist is an empty journal. */
int journal_load(const char *directory, struct journal *);
void journal_free(struct journal *); /* leaves an empty one */
/* Bytes of all files but that of the run `except' (or NULL): when they are as many as before, no other run has written. */
int64_t journal_size(const char *directory, const char *except);
const struct journal_entry *journal_find(const struct journal *, const char *path);

struct journal_writer {
	int fd;
	char *path;
	char *pending;
	size_t length, room;
};

/* Begins a file of its own; run: a name that no other run has. */
int journal_create(const char *directory, const char *run, struct journal_writer *);
/* extra: further members for readers, or NULL; its reference is taken. */
int journal_add(struct journal_writer *, const struct journal_entry *, json_t *extra);
/* What was added is on the disk afterwards. */
int journal_flush(struct journal_writer *);
void journal_close(struct journal_writer *); /* without flushing */

json_t *stamp_to_json(const struct stamp *);
void stamp_from_json(const json_t *, struct stamp *);

/* A path as JSON can hold it: bytes that are not UTF-8, and '%', become %XX.  For memory_release(). */
char *journal_encode_path(const char *path);

#endif
