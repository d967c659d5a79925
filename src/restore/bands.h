/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Finds banding: rows or columns with offsets of their own, as sensors and scanners add them. */
#ifndef RESTORE_BANDS_H
#define RESTORE_BANDS_H

#include <lacuna/plugin.h>

/* *deviation: that of the offsets of rows, or of columns, in the channel where it is largest; 0: there are none, or too little
 * of the picture to tell.  NaN: missing. */
int bands_find(const struct lacuna_shape *, const float *y, int columns, double *deviation);

#endif
