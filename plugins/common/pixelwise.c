/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/pixelwise.h"

#include <math.h>

int pixelwise_mean(const struct lacuna_host *host, size_t n, const float *d, const float *b,
		   double precision, double sigma, const float *u, float *map, float *pivot,
		   float *x0)
{
	const double prior_precision = 1 / (sigma * sigma);

	for (size_t i = 0; i < n; i++) {
		const double total = prior_precision + d[i] * precision;

		pivot[i] = (float)((u[i] * prior_precision + b[i] * precision) / total);
		map[i] = (float)(1 / sqrt(total));
	}
	return host->prior->denoise_map(host, map, pivot, x0);
}
