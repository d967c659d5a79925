/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Pictures that are larger than the budget: restored in overlapping windows.
 *
 * This holds for operators that do the same everywhere and do not reach far.  Whether one is such is tried, on noise: an
 * operator that is not (a mask from a file, a matrix) is refused.  Samples are not drawn in windows, since those of
 * neighbours would not belong together. */
#ifndef RESTORE_WINDOWS_H
#define RESTORE_WINDOWS_H

#include "restore/restorer.h"

struct windows {
	int64_t reach;	 /* of the operator, px */
	int64_t overlap; /* of neighbours, px */
	int64_t width, height;
	int64_t across, down; /* how many */
};

/* How far a value of y depends on x, in pixels; LACUNA_EUNSUPPORTED when the operator is not the same everywhere, or does not
 * end within 48 pixels. */
int windows_reach(const struct restore_job *, int64_t channels, int64_t *reach);
/* The largest windows that the budget allows.  LACUNA_ENOMEM when it allows none. */
int windows_plan(const struct restore_job *, const struct lacuna_shape *y, struct windows *);
/* restorer_run() in the windows that were planned for y. */
int windows_run(struct restorer *, const struct windows *, const struct lacuna_shape *y,
		const struct measurement *, struct restored *result);

#endif
