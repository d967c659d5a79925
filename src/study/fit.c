/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Linear regression of log y on log x, with Student's confidence interval. */
#include <config.h>

#include "study/fit.h"

#include <math.h>

/* 97.5 % quantile of Student's t. */
static double student(size_t freedom)
{
	static const double table[] = { 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
					2.262,	2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120 };
	const size_t n = sizeof table / sizeof *table;

	/* Beyond the table: Abramowitz and Stegun 26.7.5, first term. */
	return freedom <= n ? table[freedom - 1]
			    : 1.95996 + (1.95996 + 7.5291) / (4 * (double)freedom);
}

int fit_power(size_t n, const double *x, const double *y, struct fit *f)
{
	double sx = 0, sy = 0, sxx = 0, sxy = 0, rest = 0;
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		if (!(x[i] > 0 && y[i] > 0 && isfinite(x[i]) && isfinite(y[i])))
			continue;
		sx += log(x[i]);
		sy += log(y[i]);
		m++;
	}
	f->points = m;
	if (m < 3)
		return 0;
	sx /= (double)m;
	sy /= (double)m;
	for (size_t i = 0; i < n; i++) {
		if (!(x[i] > 0 && y[i] > 0 && isfinite(x[i]) && isfinite(y[i])))
			continue;
		sxx += (log(x[i]) - sx) * (log(x[i]) - sx);
		sxy += (log(x[i]) - sx) * (log(y[i]) - sy);
	}
	if (!(sxx > 0))
		return 0;
	f->slope = sxy / sxx;
	f->constant = exp(sy - f->slope * sx);
	for (size_t i = 0; i < n; i++) {
		if (!(x[i] > 0 && y[i] > 0 && isfinite(x[i]) && isfinite(y[i])))
			continue;
		const double r = log(y[i]) - sy - f->slope * (log(x[i]) - sx);

		rest += r * r;
	}
	rest = student(m - 2) * sqrt(rest / (double)(m - 2) / sxx);
	f->low = f->slope - rest;
	f->high = f->slope + rest;
	return 1;
}
