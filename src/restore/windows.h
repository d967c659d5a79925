/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Restores pictures larger than the budget in overlapping windows.  Pixels come from a source and results go to a sink row
 * by row, so the memory does not depend on the height of the picture.
 *
 * This needs an operator that does the same everywhere and does not reach far.  Whether it does is tested on noise; others
 * (a matrix) are refused.  Samples are not drawn in windows, because those of neighbouring windows would not match. */
#ifndef RESTORE_WINDOWS_H
#define RESTORE_WINDOWS_H

#include "restore/holes.h"
#include "restore/restorer.h"

/* The layout of windows; it depends on job, shape and budget only.  Lengths are in pixels of y; the result has `factor'
 * times as many along each side. */
struct windows {
	struct lacuna_shape y;
	int64_t factor;
	int64_t reach;	    /* of the operator */
	int64_t overlap[2]; /* of neighbours, along a row and along a column */
	int64_t beyond[2];  /* pixels by which x is longer than the result along each side */
	int64_t width, height;
	int64_t across, down; /* number of windows */
	/* One byte for each window: 0 if all its pixels are known without noise.  NULL: all have something to restore.  The
	 * caller of windows_around() releases it with memory_release(). */
	unsigned char *active;
};

/* Bytes that the caller needs beside the windows: fixed, plus row for each row of y held.  multiple: see windows_io. */
struct windows_cost {
	double fixed, row;
	int64_t multiple;
};

/* Rows of the result, planar. */
struct windows_rows {
	int64_t top, count;
	float *picture;			/* write() may change it */
	float *deviation;		/* likewise; NULL: the job asks for none */
	const unsigned char *unchanged; /* as in struct restore_record, or NULL */
};

/* Source of the pixels of y, in the file's values, and sink for the rows of the result. */
struct windows_io {
	/* Rows top..bottom-1 of y may be read from now on, rows above top no more.  top decreases only for another pass. */
	int (*move)(void *context, int64_t top, int64_t bottom);
	/* Reads a region, all channels, planar: y with NaN where missing, and its deviation if the measurement has one. */
	int (*read)(void *context, const struct lacuna_region *, float *y, float *deviation);
	/* Writes rows of the result.  The rows of y at the same place can still be read. */
	int (*write)(void *context, const struct windows_rows *);
	/* write() gets rows up to `first' plus a multiple of this; only the last rows may end elsewhere. */
	int64_t multiple, first;
	void *context;
};

/* *reach: how far a value of y depends on x, in pixels of y.  *factor: pixels of x for one of y along a side.
 * LACUNA_EUNSUPPORTED when the operator is not the same everywhere, or reaches farther than 48 pixels. */
int windows_reach(const struct restore_job *, int64_t channels, int64_t *reach, int64_t *factor);
/* Windows begin at multiples of this: a network that halves its picture repeatedly sees the grid of the whole picture. */
enum { WINDOWS_GRID = 32 };
/* Neighbours overlap by at least twice this.  Farther from a window's border, pixels are as in the whole picture. */
int64_t windows_margin(int64_t reach);
/* True when the whole picture may need more than the budget.  The estimate is an upper one for the operators and priors that
 * ship; cost->row is that of a held picture. */
int windows_exceeds(const struct restore_job *, const struct lacuna_shape *y,
		    const struct windows_cost *);
/* True when the picture must be restored in windows: it exceeds the budget, and either windows are possible, or the whole is
 * so much larger that restorer_shape() refuses it.  Otherwise the whole may be tried. */
int windows_needed(const struct restore_job *, const struct lacuna_shape *y,
		   const struct windows_cost *);
/* About the largest windows that the budget allows, none larger than it takes to cover the picture.  LACUNA_ENOMEM when it
 * allows none. */
int windows_plan(const struct restore_job *, const struct lacuna_shape *y,
		 const struct windows_cost *, struct windows *);
/* Plans windows around the holes of a y that is otherwise known without noise, in the size that costs least.  *share: their
 * work relative to that on the whole picture.  LACUNA_ENOMEM as above. */
int windows_around(const struct restore_job *, const struct lacuna_shape *y,
		   const struct windows_cost *, const struct holes *, struct windows *,
		   double *share);
/* Plans a single window, whatever the budget.  Returns the status of windows_reach(). */
int windows_whole(const struct restore_job *, const struct lacuna_shape *y, struct windows *);
struct lacuna_shape windows_result(const struct windows *);
/* The region of y that window i = 0..across*down-1 sees; windows are numbered row by row. */
struct lacuna_region windows_region(const struct windows *, int64_t i);
/* Weight of pixel (x, y) of window i's result where windows overlap; the weights of all windows sum to 1. */
float windows_weight(const struct windows *, int64_t i, int64_t x, int64_t y);

/* Estimates the noise in windows all over the picture, unless the restorer knows it.  Valid until restorer_forget(). */
int windows_listen(struct restorer *, const struct windows *, const struct measurement *,
		   const struct windows_io *);
/* windows_listen(), then restorer_run() in the planned windows.  m->y and m->deviation are not read; only whether
 * m->deviation is NULL matters.  *result gets the record alone. */
int windows_stream(struct restorer *, const struct windows *, const struct measurement *,
		   const struct windows_io *, struct restored *result);
/* Restores window i alone, after windows_listen(), for restore_parts.take().  Free *part with restored_free(). */
int windows_part(struct restorer *, const struct windows *, const struct measurement *,
		 const struct windows_io *, int64_t i, struct restored *part);
/* windows_stream() on arrays: reads m->y; *result gets the picture too. */
int windows_run(struct restorer *, const struct windows *, const struct measurement *,
		struct restored *result);

#endif
