/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The measurement: missing values, weights, normalised rows, residual and simulation. */
#include <config.h>

#include "engine/problem-private.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/vector.h"

#include <math.h>

int problem_measured(struct problem *p, float *measured)
{
	static const struct random_key probe = { 1, 0, 0 };
	float *x = memory_alloc_array(p->x_count, sizeof *x);
	size_t i;
	int status;

	if (!x)
		return LACUNA_ENOMEM;
	random_gaussian(probe, 0, 0, x, p->x_count);
	for (i = 0; i < p->x_count; i++)
		x[i] = 0.5f + 0.1f * x[i];
	status = problem_apply(p, x, measured);
	for (i = 0; !status && i < p->y_count; i++)
		measured[i] = measured[i] != 0;
	memory_release(x);
	return status;
}

void problem_forget(struct problem *p)
{
	memory_release(p->present);
	p->present = NULL;
	p->measurement = NULL;
	p->noise = 0;
	p->gain = 1;
	problem_forget_diagonal(p);
}

int problem_normalise(struct problem *p)
{
	/* Range of row lengths that needs no scaling: plugins take noise in y for noise of about that strength in x. */
	static const double least = 0.5, most = 2;
	static const struct random_key probe = { 2, 0, 0 };
	float *x = memory_alloc_array(p->x_count, sizeof *x);
	float *y = memory_alloc_array(p->y_count, sizeof *y);
	int status = x && y ? problem_need_linear(p) : LACUNA_ENOMEM;
	double rows, square;

	/* E |A n|^2 is the sum of the squared singular values; at most min(x_count, y rows that are not 0) of them differ
	 * from 0. */
	if (!status) {
		random_gaussian(probe, 0, 0, x, p->x_count);
		status = problem_apply_links(p, x, y);
	}
	if (!status) {
		square = vector_dot(p->y_count, y, y);
		for (size_t i = 0; i < p->y_count; i++)
			y[i] = y[i] != 0;
		rows = fmin(vector_sum(p->y_count, y), (double)p->x_count);
		p->normalising = rows > 0 ? sqrt(square / rows) : 0;
		if (p->normalising >= least && p->normalising <= most)
			p->normalising = 0;
		if (p->normalising > 0)
			p->normalising = 1 / p->normalising;
	}
	memory_release(x);
	memory_release(y);
	return status;
}

int problem_measure(struct problem *p, float *y, double noise, size_t *missing)
{
	size_t i, absent = 0;

	for (i = 0; i < p->y_count; i++) {
		if (isinf(y[i]))
			return error_set(LACUNA_EINVAL, "the measurement has infinite values");
		absent += isnan(y[i]) != 0;
	}
	if (absent == p->y_count)
		return error_set(LACUNA_EINVAL, "all values of the measurement are NaN");
	if (!(noise >= 0) || !isfinite(noise))
		return error_set(LACUNA_EINVAL, "the noise level must be 0 or larger");
	problem_forget(p);
	if (absent) {
		p->present = memory_alloc_array(p->y_count, sizeof *p->present);
		if (!p->present)
			return LACUNA_ENOMEM;
		for (i = 0; i < p->y_count; i++) {
			p->present[i] = !isnan(y[i]);
			if (isnan(y[i]))
				y[i] = 0;
		}
	}
	if (p->normalising > 0) {
		p->gain = p->normalising;
		vector_scale(p->y_count, p->gain, y);
	}
	p->measurement = y;
	p->noise = p->gain * noise;
	if (missing)
		*missing = absent;
	return LACUNA_OK;
}

int problem_weigh(struct problem *p, const float *weights)
{
	if (!p->present) {
		p->present = memory_alloc_array(p->y_count, sizeof *p->present);
		if (!p->present)
			return LACUNA_ENOMEM;
		for (size_t i = 0; i < p->y_count; i++)
			p->present[i] = 1;
	}
	for (size_t i = 0; i < p->y_count; i++) {
		p->present[i] *= weights[i];
		p->measurement[i] *= weights[i];
	}
	problem_forget_diagonal(p);
	return LACUNA_OK;
}

int problem_residual(struct problem *p, const float *x, double *rms)
{
	float *measured = memory_alloc_array(p->y_count, sizeof *measured);
	float *r = NULL;
	double sum, count;
	int status = measured ? problem_measured(p, measured) : LACUNA_ENOMEM;

	/* Not earlier: problem_measured() takes memory of its own for a while, where a run needs most. */
	if (!status && !(r = memory_alloc_array(p->y_count, sizeof *r)))
		status = LACUNA_ENOMEM;
	if (!status)
		status = problem_apply(p, x, r);
	if (!status) {
		vector_subtract(p->y_count, r, p->measurement, r);
		/* Masked or missing values are no evidence: apply() has set them to 0. */
		for (size_t i = 0; i < p->y_count; i++)
			r[i] = measured[i] != 0 ? r[i] : 0;
		sum = vector_dot(p->y_count, r, r);
		count = vector_sum(p->y_count, measured);
		*rms = count > 0 ? sqrt(sum / count) / p->gain : 0;
	}
	memory_release(r);
	memory_release(measured);
	return status;
}

int problem_simulate(struct problem *p, const float *x, double noise, struct random_key key,
		     float *y)
{
	float *n, *measured;
	size_t i;
	int status = problem_apply(p, x, y);

	if (status || noise == 0)
		return status;
	n = memory_alloc_array(p->y_count, sizeof *n);
	measured = memory_alloc_array(p->y_count, sizeof *measured);
	status = n && measured ? problem_measured(p, measured) : LACUNA_ENOMEM;
	if (!status) {
		random_gaussian(key, 0, 0, n, p->y_count);
		for (i = 0; i < p->y_count; i++)
			y[i] += (float)noise * n[i] * measured[i];
	}
	memory_release(n);
	memory_release(measured);
	return status;
}
