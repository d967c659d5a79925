/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Pictures that are larger than the budget: restored in overlapping windows, whose pixels come from a source and go to a
 * sink row by row, so that the memory does not depend on the height of the picture.
 *
 * This holds for operators that do the same everywhere and do not reach far.  Whether one is such is tried, on noise: an
 * operator that is not (a matrix) is refused.  Samples are not drawn in windows, since those of neighbours would not
 * belong together. */
#ifndef RESTORE_WINDOWS_H
#define RESTORE_WINDOWS_H

#include "restore/holes.h"
#include "restore/restorer.h"

/* Where windows lie: the same for the same job, shape and budget.  Lengths are pixels of y; the result has `factor' times as
 * many along each side. */
struct windows {
	struct lacuna_shape y;
	int64_t factor;
	int64_t reach;	    /* of the operator */
	int64_t overlap[2]; /* of neighbours, along a row and along a column */
	int64_t width, height;
	int64_t across, down; /* how many */
	/* Those that have something to do, one byte each: the others' pixels are known without noise.  NULL: all.  Owned by who
	 * asked for windows_around(), for memory_release(). */
	unsigned char *active;
};

/* Bytes that the caller needs beside the windows: fixed + row for each row of y that is held.  multiple: see windows_io. */
struct windows_cost {
	double fixed, row;
	int64_t multiple;
};

/* Pixels of y, in the file's values, and rows of the result. */
struct windows_io {
	/* Rows top..bottom-1 of y may be asked for from now on, those above top no more.  It goes up for another pass only. */
	int (*move)(void *context, int64_t top, int64_t bottom);
	/* A region, all channels, planar: y with NaN where it is missing; its deviation where the measurement has one. */
	int (*read)(void *context, const struct lacuna_region *, float *y, float *deviation);
	/* count rows of the result, from the top one on, planar, to be changed at will; unchanged as in struct restored, or NULL.
	 * Rows of y that show the same are held. */
	int (*write)(void *context, int64_t top, int64_t count, float *picture,
		     const unsigned char *unchanged);
	/* Rows come in a multiple of this from row `first' on, but for the last. */
	int64_t multiple, first;
	void *context;
};

/* How far a value of y depends on x, in pixels of y, and how many pixels of x there are for one of y along a side.
 * LACUNA_EUNSUPPORTED when the operator is not the same everywhere, or does not end within 48 pixels. */
int windows_reach(const struct restore_job *, int64_t channels, int64_t *reach, int64_t *factor);
/* Windows begin at multiples of this: a network that halves its picture again and again sees the whole on such a grid. */
enum { WINDOWS_GRID = 32 };
/* Neighbours overlap by twice the margin or somewhat more: that far from a border of a window its pixels are as those of the whole picture. */
int64_t windows_margin(int64_t reach);
/* The largest windows that the budget allows.  LACUNA_ENOMEM when it allows none. */
int windows_plan(const struct restore_job *, const struct lacuna_shape *y,
		 const struct windows_cost *, struct windows *);
/* Where y is known without noise but for holes, and nothing else is wrong with it: windows around the holes, of the size that
 * costs least.  *share: of the work on the whole picture.  LACUNA_ENOMEM as above. */
int windows_around(const struct restore_job *, const struct lacuna_shape *y,
		   const struct windows_cost *, const struct holes *, struct windows *,
		   double *share);
/* One window, whatever the budget.  What windows_reach() returns. */
int windows_whole(const struct restore_job *, const struct lacuna_shape *y, struct windows *);
struct lacuna_shape windows_result(const struct windows *);
/* What window number i = 0..across*down-1 sees of y, row by row of windows. */
struct lacuna_region windows_region(const struct windows *, int64_t i);
/* How much pixel x, y of window i's result counts where windows overlap: sums to 1 over windows. */
float windows_weight(const struct windows *, int64_t i, int64_t x, int64_t y);

/* Listens to the noise in windows all over the picture, unless the restorer knows it: it holds until restorer_forget(). */
int windows_listen(struct restorer *, const struct windows *, const struct measurement *,
		   const struct windows_io *);
/* restorer_run() in the windows that were planned, after windows_listen().  m->y and m->deviation are not read, but for whether there is a deviation;
 * *result gets the record alone. */
int windows_stream(struct restorer *, const struct windows *, const struct measurement *,
		   const struct windows_io *, struct restored *result);
/* Window number i alone, after windows_listen(): what restore_parts.take() is to give for it.  *part is for restored_free(). */
int windows_part(struct restorer *, const struct windows *, const struct measurement *,
		 const struct windows_io *, int64_t i, struct restored *part);
/* The same on arrays. */
int windows_run(struct restorer *, const struct windows *, const struct measurement *,
		struct restored *result);

#endif
