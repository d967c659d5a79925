/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What the files windows*.c share: the layout of windows, and the sums of their results. */
#ifndef RESTORE_WINDOWS_PRIVATE_H
#define RESTORE_WINDOWS_PRIVATE_H

#include "restore/windows.h"

static inline int64_t windows_shorter(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- the layout (windows-layout.c) */

/* Sides of at least this, and what follows from them; the overlap is set before. */
void windows_set_sides(struct windows *, int64_t width, int64_t height);
void windows_set_overlap(struct windows *, int64_t margin);
/* Makes windows smaller that overlap more than they must. */
void windows_tighten(struct windows *);
/* Of one window, in pixels of y times factor. */
struct lacuna_shape windows_shape(const struct windows *, int64_t factor);
/* Weight of window i at pixel `at' of its result along an axis: 1 inside; in an overlap, a ramp; both ramps sum to 1. */
float windows_ramp(const struct windows *, int axis, int64_t i, int64_t at);
/* Pixels first..end-1 of y along an axis belong to the k-th window: each pixel to one. */
void windows_owned(const struct windows *, int axis, int64_t k, int64_t *first, int64_t *end);
/* Pixels first..end-1 of y along an axis have a weight in the k-th window. */
void windows_counted(const struct windows *, int axis, int64_t k, int64_t *first, int64_t *end);

/* ---- the plan (windows-plan.c) */

/* Sets the error that y needs more memory than is allowed, and why windows do not help. */
int windows_refuse(const struct restore_job *, const struct lacuna_shape *y, const char *why);

/* ---- the sums (windows-sums.c) */

/* Rows of the result that are not complete yet. */
struct sums {
	int64_t width, channels, room; /* rows */
	int64_t top;		       /* first row of the result held here */
	float *picture;		       /* planar, `room' rows a plane */
	float *deviation;	       /* likewise; NULL: not wanted */
	unsigned char *unchanged;      /* likewise; NULL: the result has another shape */
	float *weights;		       /* of the columns of a window */
	float *rows;		       /* to be written, planar */
	float *rows_deviation;
	unsigned char *rows_unchanged;
	int64_t rows_most;
};

/* deviation: wanted.  On failure too, release it with sums_free(). */
int sums_create(const struct windows *, int64_t multiple, int deviation, struct sums *);
void sums_free(struct sums *);
/* Bytes of the rows that sums_create() allocates, at most. */
double sums_memory(const struct windows *, int64_t multiple, int deviation);
/* Adds the result of a window, by its weights. */
void sums_add(struct sums *, const struct windows *, int64_t number, const struct restored *part);
/* Writes the rows above `end', which are complete. */
int sums_flush(struct sums *, const struct windows *, const struct windows_io *, int64_t end);

#endif
