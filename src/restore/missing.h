/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Missing values: what a file declares as such (GDAL's nodata), infinities, and NaN. */
#ifndef RESTORE_MISSING_H
#define RESTORE_MISSING_H

#include <lacuna/plugin.h>

#include <stddef.h>

/* What a page says of its missing values. */
struct missing_rule {
	int declared; /* the page names a value: */
	double nodata;
};

struct missing_count {
	size_t declared, infinite, nan;
};

/* True when v is the value declared, as far as float can tell.  Where NaN is declared, infinities are not. */
int missing_declared(const struct missing_rule *, float v);
/* Turns missing values into NaN and counts them, each as what it was. */
void missing_mark(size_t n, const struct missing_rule *, float *values, struct missing_count *);

/* Turns pixels into NaN whose channels all have a value, as far as float can tell; returns how many. */
size_t missing_mark_pixels(const struct lacuna_shape *, double value, float *values);

/* Puts values of y, as it was read, back into picture: those declared, unless fill; NaN (not declared) with keep.  A
 * picture of another size takes the nearest value of y; channels that y does not have take those of its first. */
struct missing_return {
	int fill, keep;
};
void missing_put_back(const struct missing_rule *, const struct missing_return *,
		      const struct lacuna_shape *y_shape, const float *y,
		      const struct lacuna_shape *shape, float *picture);

#endif
