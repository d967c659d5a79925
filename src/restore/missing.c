/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/missing.h"

#include <float.h>
#include <math.h>

static int is_value(double nodata, float v)
{
	/* Files declare the value in decimal, often with only seven digits. */
	const double near = 4.0 * (double)FLT_EPSILON * fabs(nodata);
	const double huge = (double)FLT_MAX * (1 - 1e-5);

	if (isnan(nodata))
		return isnan(v) != 0;
	if (isnan(v))
		return 0;
	if (fabs(nodata) >= huge)
		return fabs((double)v) >= huge && !signbit(v) == !signbit(nodata);
	return fabs((double)v - nodata) <= near;
}

int missing_declared(const struct missing_rule *rule, float v)
{
	if (rule->declared && is_value(rule->nodata, v))
		return 1;
	for (int i = 0; i < rule->found; i++)
		if (is_value(rule->other[i], v))
			return 1;
	return 0;
}

void missing_mark(size_t n, const struct missing_rule *rule, float *values,
		  struct missing_count *count)
{
	*count = (struct missing_count){ 0 };
	for (size_t i = 0; i < n; i++) {
		if (missing_declared(rule, values[i]))
			count->declared++;
		else if (isnan(values[i]))
			count->nan++;
		else if (isinf(values[i]))
			count->infinite++;
		else
			continue;
		values[i] = NAN;
	}
}

size_t missing_mark_pixels(const struct lacuna_shape *shape, double value, float *values)
{
	const struct missing_rule rule = { .declared = 1, .nodata = value };
	const size_t plane = (size_t)shape->extent[0] * (size_t)shape->extent[1];
	const size_t n = lacuna_count(shape);
	/* A cheap test first: values outside these limits cannot match. */
	const double lo = value - 1e-3 * fabs(value), hi = value + 1e-3 * fabs(value);
	size_t count = 0;

	for (size_t i = 0; i < plane; i++) {
		size_t at = i;

		if (values[i] < lo || values[i] > hi)
			continue;
		while (at < n && missing_declared(&rule, values[at]))
			at += plane;
		if (at < n)
			continue;
		for (at = i; at < n; at += plane)
			values[at] = NAN;
		count++;
	}
	return count;
}

static int stays(const struct missing_rule *rule, const struct missing_return *how, float v)
{
	return missing_declared(rule, v) ? !how->fill : how->keep && isnan(v);
}

void missing_put_back(const struct missing_rule *rule, const struct missing_return *how,
		      const struct lacuna_shape *y_shape, const float *y,
		      const struct lacuna_shape *shape, float *picture)
{
	const int64_t *from = y_shape->extent, *to = shape->extent;

	for (int64_t c = 0; c < to[2]; c++)
		for (int64_t j = 0; j < to[1]; j++)
			for (int64_t i = 0; i < to[0]; i++) {
				const int64_t x = i * from[0] / to[0];
				const int64_t row =
					j * from[1] / to[1] + (c < from[2] ? c : 0) * from[1];
				const float v = y[x + from[0] * row];

				if (stays(rule, how, v))
					*picture = v;
				picture++;
			}
}
