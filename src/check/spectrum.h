/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Singular values of a small dense matrix. */
#ifndef CHECK_SPECTRUM_H
#define CHECK_SPECTRUM_H

#include "check/check.h"

/* matrix: `columns' columns of `rows' values each, column after column; it is overwritten.  Sets exact, largest,
 * smallest, rank and count. */
int spectrum_of(size_t rows, size_t columns, double *matrix, struct check_spectrum *);

#endif
