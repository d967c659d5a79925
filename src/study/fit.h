/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Fits power laws to measured points. */
#ifndef STUDY_FIT_H
#define STUDY_FIT_H

#include <stddef.h>

struct fit {
	double slope, constant; /* y = constant x^slope */
	double low, high;	/* 95 % confidence interval of the slope */
	size_t points;
};

/* Least squares in log-log; ignores points whose x or y is not above 0.  False with fewer than 3 points. */
int fit_power(size_t n, const double *x, const double *y, struct fit *);

#endif
