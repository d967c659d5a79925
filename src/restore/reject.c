/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/reject.h"
#include "base/memory.h"
#include "base/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A kernel with a smaller ratio looks like a hot pixel itself. */
static const double least_ratio = 0.2;
static const size_t most_share = 500;
/* Standard deviation of normal deviates, in units of their median absolute value. */
static const double mad_to_sigma = 1.4826;

struct plane {
	const float *values;
	int64_t w, h;
};

/* Copies the finite values at distance `radius' (at most 8 radius) to found; returns their number. */
static int ring(const struct plane *p, size_t at, int64_t radius, float *found)
{
	const int64_t x = (int64_t)at % p->w, y = (int64_t)at / p->w;
	int n = 0;

	for (int64_t j = y - radius; j <= y + radius; j++)
		for (int64_t i = x - radius; i <= x + radius; i++) {
			const int inside = i >= 0 && j >= 0 && i < p->w && j < p->h;
			const int64_t far =
				llabs(i - x) > llabs(j - y) ? llabs(i - x) : llabs(j - y);

			if (inside && far == radius && isfinite(p->values[i + p->w * j]))
				found[n++] = p->values[i + p->w * j];
		}
	return n;
}

static int is_equal(float a, float b)
{
	return a >= b && a <= b;
}

/* By insertion: there are at most 16. */
static void sort(float *values, int n)
{
	for (int i = 1; i < n; i++) {
		const float v = values[i];
		int j = i;

		for (; j > 0 && values[j - 1] > v; j--)
			values[j] = values[j - 1];
		values[j] = v;
	}
}

/* neighbours: from a value to the median of its neighbours.  self, other: how far the value, and the neighbour most like it,
 * stand out from the ring around them; a point of light would make the two alike. */
struct distances {
	float neighbours, self, other;
};

static int measure(const struct plane *p, size_t at, struct distances *d)
{
	float near[8], around[16], level;
	const int n = ring(p, at, 1, near), m = ring(p, at, 2, around);

	if (n < 3 || m < 3 || !isfinite(p->values[at]))
		return 0;
	sort(near, n);
	sort(around, m);
	d->neighbours = p->values[at] - near[n / 2];
	level = around[m / 2];
	d->self = p->values[at] - level;
	d->other = d->self > 0 ? near[n - 1] - level : level - near[0];
	d->self = fabsf(d->self);
	d->neighbours = fabsf(d->neighbours);
	return 1;
}

static int typical_distance(const struct plane *p, double *sigma)
{
	const size_t n = (size_t)(p->w * p->h);
	float *list = memory_alloc_array(n, sizeof *list);
	struct distances d;
	size_t count = 0;

	if (!list)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (measure(p, i, &d))
			list[count++] = d.neighbours;
	vector_sort(count, list);
	*sigma = count ? mad_to_sigma * (double)list[count / 2] : 0;
	memory_release(list);
	return LACUNA_OK;
}

/* True for a value above or below all its neighbours: few values are, and no other stands out from them. */
static int is_extreme(const struct plane *p, size_t at)
{
	float near[8];
	const int n = ring(p, at, 1, near);
	int above = 0, below = 0;

	for (int i = 0; i < n; i++) {
		above += p->values[at] > near[i];
		below += p->values[at] < near[i];
	}
	return above == n || below == n;
}

/* True for a value farther than this from the median of its neighbours, none of which shows half of what ratio predicts. */
static int is_lone(const struct plane *p, size_t at, double distance, double ratio)
{
	struct distances d;

	return measure(p, at, &d) && (double)d.neighbours > distance &&
	       (double)d.other < 0.5 * ratio * (double)d.self;
}

struct found {
	size_t *list, count, most;
};

/* Stops when it has found more than `most'. */
static int reject_plane(const struct plane *p, double ratio, double eagerness, size_t first,
			struct found *found)
{
	const size_t n = (size_t)(p->w * p->h);
	double sigma;
	int status = typical_distance(p, &sigma);

	for (size_t i = 0; !status && i < n && found->count <= found->most; i++)
		if (is_extreme(p, i) && is_lone(p, i, eagerness * sigma, ratio))
			found->list[found->count++] = first + i;
	return status;
}

int reject_lone(const struct lacuna_shape *shape, const float *y, double ratio, double eagerness,
		size_t **list, size_t *count)
{
	const size_t n = lacuna_count(shape);
	const size_t area = (size_t)shape->extent[0] * (size_t)shape->extent[1];
	struct found found = { .most = n / most_share + 1 };
	int status = LACUNA_OK;

	*count = 0;
	*list = NULL;
	if (ratio < least_ratio)
		return LACUNA_OK;
	*list = found.list = memory_alloc_array(found.most + 1, sizeof *found.list);
	if (!found.list)
		return LACUNA_ENOMEM;
	for (size_t first = 0; !status && first < n; first += area) {
		const struct plane p = { y + first, shape->extent[0], shape->extent[1] };

		status = reject_plane(&p, ratio, eagerness, first, &found);
	}
	*count = found.count > found.most ? 0 : found.count;
	return status;
}

/* *count: the number of values that equal `value' and are lone.  The typical distance of each plane, times `eagerness', is
 * what noise can make; 0 saves finding it. */
static int count_lone(const struct lacuna_shape *shape, const float *y, float value,
		      double eagerness, size_t *count)
{
	const size_t n = lacuna_count(shape);
	const size_t area = (size_t)shape->extent[0] * (size_t)shape->extent[1];
	int status = LACUNA_OK;

	*count = 0;
	for (size_t at = 0; !status && at < n; at += area) {
		const struct plane p = { y + at, shape->extent[0], shape->extent[1] };
		double sigma = 0;

		if (eagerness > 0)
			status = typical_distance(&p, &sigma);
		for (size_t i = 0; !status && i < area; i++)
			*count += is_equal(p.values[i], value) &&
				  is_lone(&p, i, eagerness * sigma, 1);
	}
	return status;
}

int reject_find_impulses(const struct lacuna_shape *shape, const float *y, int largest,
			 double *value, double *part)
{
	/* Impulses beside each other are not lone; with 5 % of each kind a third is not. */
	static const double least = 0.005, most = 0.3, eagerness = 8;
	/* A few hot pixels are all lone; a glint or a star that saturates is not. */
	static const double lone_if_many = 0.5, lone_if_few = 0.9;
	static const size_t few = 8;
	const size_t n = lacuna_count(shape);
	float extreme = largest ? -INFINITY : INFINITY;
	size_t equal = 0, lone = 0;
	double lone_share;
	int many, status;

	*part = 0;
	for (size_t i = 0; i < n; i++)
		if (isfinite(y[i]))
			extreme = largest ? fmaxf(extreme, y[i]) : fminf(extreme, y[i]);
	for (size_t i = 0; i < n; i++)
		equal += (size_t)is_equal(y[i], extreme);
	many = (double)equal >= least * (double)n;
	lone_share = many ? lone_if_many : lone_if_few;
	if ((!many && equal < few) || (double)equal > most * (double)n)
		return LACUNA_OK;
	/* Nearly all clipped pictures end here: the typical distance takes a look at every value. */
	status = count_lone(shape, y, extreme, 0, &lone);
	if (!status && (double)lone > lone_share * (double)equal)
		status = count_lone(shape, y, extreme, eagerness, &lone);
	*value = (double)extreme;
	if (!status && (double)lone > lone_share * (double)equal)
		*part = (double)equal / (double)n;
	return status;
}

int reject_ratio(struct problem *problem, double *ratio)
{
	const struct lacuna_shape *x = problem_x(problem), *y = problem_y(problem);
	const size_t nx = lacuna_count(x), area = (size_t)y->extent[0] * (size_t)y->extent[1];
	float *point, *response, other[8];
	size_t peak = 0;
	int status = LACUNA_ENOMEM;

	*ratio = 0;
	if (!(problem_flags(problem) & LACUNA_LINEAR))
		return LACUNA_OK;
	point = memory_alloc_array(nx, sizeof *point);
	response = memory_alloc_array(lacuna_count(y), sizeof *response);
	if (point && response) {
		point[x->extent[0] / 2 + x->extent[0] * (x->extent[1] / 2)] = 1;
		status = problem_apply(problem, point, response);
	}
	if (!status) {
		const struct plane p = { response, y->extent[0], y->extent[1] };
		int n;

		for (size_t i = 1; i < area; i++)
			peak = response[i] > response[peak] ? i : peak;
		n = ring(&p, peak, 1, other);
		for (int i = 0; i < n; i++)
			*ratio = fmax(*ratio, (double)other[i] / (double)response[peak]);
		if (!isfinite(*ratio))
			*ratio = 0;
	}
	memory_release(point);
	memory_release(response);
	return status;
}
