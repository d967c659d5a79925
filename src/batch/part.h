/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A part of a result, kept in a file until it is joined with the others.  The file has a checksum of all that is in it, and a
 * key that says what it is a part of: what is torn, damaged or of another whole counts as not there. */
#ifndef BATCH_PART_H
#define BATCH_PART_H

#include <jansson.h>
#include <stddef.h>

struct part {
	json_t *about; /* whatever its owner wants to be told; a reference of its own */
	double *numbers;
	float *values;
	unsigned char *flags; /* or NULL */
	size_t number_count, value_count, flag_count;
};

/* Appears whole or not at all.  mode: of permissions, at most. */
int part_write(const char *path, const char *key, unsigned mode, const struct part *);
/* *found: 1, and the part is for part_free(); 0: there is none. */
int part_read(const char *path, const char *key, struct part *, int *found);
/* True when there is a part with this key, whole or damaged. */
int part_exists(const char *path, const char *key);
void part_free(struct part *); /* leaves an empty one */

#endif
