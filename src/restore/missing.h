/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Missing values: what a file declares as such (GDAL's nodata), infinities, and NaN. */
#ifndef RESTORE_MISSING_H
#define RESTORE_MISSING_H

#include <lacuna/plugin.h>

#include "restore/scale.h"

#include <stddef.h>

/* What a page says of its missing values. */
struct missing_rule {
	int declared; /* the page declares nodata */
	double nodata;
	int found; /* other values count as nodata, too, though they are not declared */
	double other[LUMPS_MOST];
};

struct missing_count {
	size_t declared, infinite, nan;
};

/* True when v is the declared value or another one, within float's accuracy.  If NaN is declared, infinities do not match. */
int missing_declared(const struct missing_rule *, float v);
/* Replaces missing values with NaN and counts them by kind. */
void missing_mark(size_t n, const struct missing_rule *, float *values, struct missing_count *);

/* Replaces pixels with NaN if all their channels have this value, within float's accuracy; returns their number. */
size_t missing_mark_pixels(const struct lacuna_shape *, double value, float *values);

/* Puts missing values of y, as read, back into picture: declared ones unless fill is set, undeclared NaN if keep is set.  If
 * the sizes differ, each pixel takes the nearest value of y; channels that y lacks take its first one. */
struct missing_return {
	int fill, keep;
};
void missing_put_back(const struct missing_rule *, const struct missing_return *,
		      const struct lacuna_shape *y_shape, const float *y,
		      const struct lacuna_shape *shape, float *picture);

#endif
