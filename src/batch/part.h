/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A part of a result, kept in a file until it is joined with the others.  The file has a checksum of its content, and a key
 * that says which whole it belongs to.  A file that is torn, damaged or of another whole counts as missing. */
#ifndef BATCH_PART_H
#define BATCH_PART_H

#include <jansson.h>
#include <stddef.h>

struct part {
	json_t *about; /* any data of the owner; holds its own reference */
	double *numbers;
	float *values;
	unsigned char *flags; /* or NULL */
	size_t number_count, value_count, flag_count;
};

/* The file appears complete or not at all.  mode: permissions, at most. */
int part_write(const char *path, const char *key, unsigned mode, const struct part *);
/* *found: 1, and the part is for part_free(); or 0 if there is none. */
int part_read(const char *path, const char *key, struct part *, int *found);
/* True when there is a part with this key, complete or damaged. */
int part_exists(const char *path, const char *key);
void part_free(struct part *); /* leaves it empty */

#endif
