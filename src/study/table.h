/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The findings of a study as text: one row for each point of each curve, columns separated by tabs. */
#ifndef STUDY_TABLE_H
#define STUDY_TABLE_H

#include "study/laboratory.h"

struct row {
	char *curve;
	double x; /* NaN: a curve without points, such as the floor of sampling error */
	struct findings f;
};

struct table {
	char *title, *axis; /* axis: the meaning of x */
	struct row *rows;   /* points of a curve are consecutive, in the order they were run */
	size_t count, capacity;
};

/* Name of the curve of exact samples: laboratory_floor(). */
extern const char table_floor[];

int table_create(struct table *, const char *title, const char *axis);
void table_free(struct table *); /* accepts an empty one */
int table_add(struct table *, const char *curve, double x, const struct findings *);

/* Quantities by name, NULL-terminated: "kl", "sliced-w2", ... */
extern const char *const table_measures[];
double table_value(const struct findings *, const char *measure);
/* The label of a measure's axis. */
const char *table_measure_text(const char *measure);

/* The table as text; release it with memory_release(). */
char *table_text(const struct table *);
/* Reads what table_text() wrote. */
int table_read(const char *path, struct table *);

#endif
