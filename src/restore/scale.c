/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/scale.h"
#include "base/memory.h"
#include "base/vector.h"

#include <math.h>
#include <string.h>

static const double tail = 0.002, margin = 0.05;
/* Stretching gains nothing for a scene that fills this part of the range or more. */
static const double enough = 0.5;

int scale_sample_add_part(struct scale_sample *s, const float *values, size_t n, size_t at,
			  size_t all, size_t most)
{
	const size_t stride = most ? (all + most - 1) / most : 1;
	float *room = memory_grow(s->values, s->count, n / stride + 1, &s->room, sizeof *room);

	if (!room)
		return LACUNA_ENOMEM;
	s->values = room;
	for (size_t i = (stride - at % stride) % stride; i < n; i += stride)
		if (isfinite(values[i]))
			s->values[s->count++] = values[i];
	return LACUNA_OK;
}

int scale_sample_add(struct scale_sample *s, const float *values, size_t n, size_t most)
{
	return scale_sample_add_part(s, values, n, 0, n, most);
}

void scale_sample_free(struct scale_sample *s)
{
	memory_release(s->values);
	memset(s, 0, sizeof *s);
}

/* How many values at this end of the sample, after `skipped' others there, are equal; 0 if they are too few for a lump. */
static size_t count_lump(const struct scale_sample *s, int last, size_t skipped)
{
	static const size_t least = 16;
	const float *v = s->values;
	const size_t first = last ? s->count - 1 - skipped : skipped;
	size_t n = 0;

	while (n < s->count - skipped && !(v[first] < v[last ? first - n : first + n]) &&
	       !(v[first] > v[last ? first - n : first + n]))
		n++;
	return n < least || (double)n < tail * (double)s->count ? 0 : n;
}

/* Counts the values of so many lumps at this end; 0 if there are fewer.  *nearest: the lump next to the others. */
static size_t skip_lumps(const struct scale_sample *s, int last, int lumps, double *nearest)
{
	size_t skipped = 0;

	for (int i = 0; i < lumps; i++) {
		const size_t n = skipped < s->count ? count_lump(s, last, skipped) : 0;

		if (!n)
			return 0;
		skipped += n;
		*nearest = (double)s->values[last ? s->count - skipped : skipped - 1];
	}
	return skipped;
}

/* Removes `low' lumps below and `high' ones above the others, if they are far from these; else changes nothing. */
static int drop(struct scale_sample *s, int low, int high, double values[LUMPS_MOST])
{
	static const double most = 0.75, apart = 2;
	double below = -INFINITY, above = INFINITY, range;
	const size_t first = skip_lumps(s, 0, low, &below), end = skip_lumps(s, 1, high, &above);
	int count = 0;

	if ((low && !first) || (high && !end) || first + end >= s->count ||
	    (double)(first + end) > most * (double)s->count)
		return 0;
	range = (double)s->values[s->count - 1 - end] - (double)s->values[first];
	if (!(range > 0) || (double)s->values[first] - below < apart * range ||
	    above - (double)s->values[s->count - 1 - end] < apart * range)
		return 0;
	for (size_t i = 0; i < s->count; i++)
		if ((i < first || i >= s->count - end) &&
		    (!count || (double)s->values[i] > values[count - 1]))
			values[count++] = (double)s->values[i];
	s->count -= first + end;
	memmove(s->values, s->values + first, s->count * sizeof *s->values);
	return count;
}

int scale_sample_drop_lumps(struct scale_sample *s, double values[LUMPS_MOST])
{
	int found = 0;

	vector_sort(s->count, s->values);
	for (int lumps = LUMPS_MOST; !found && s->count && lumps > 0; lumps--)
		for (int low = lumps; !found && low >= 0; low--)
			found = drop(s, low, lumps - low, values);
	return found;
}

/* The value below which this part of the sample lies. */
static double quantile(const struct scale_sample *s, double part)
{
	return s->values[(size_t)(part * (double)(s->count - 1))];
}

/* True for noise around one level: the 25 % quantile is hardly farther from the extreme than the 5 % one, or than integers
 * are from each other. */
static int is_flat(double extreme, double near, double quarter, double span)
{
	const double distance = fabs(quarter - extreme);

	return distance <= 2.5 * fabs(near - extreme) + 0.02 * span && distance <= 0.1 * span;
}

int scale_measure(struct scale_sample *s, struct scale *scale)
{
	double lo, hi;

	if (!s->count)
		return 0;
	vector_sort(s->count, s->values);
	lo = quantile(s, tail);
	hi = quantile(s, 1 - tail);
	if (!(hi > lo)) { /* nearly all values are alike: the few others are the scene */
		lo = s->values[0];
		hi = s->values[s->count - 1];
	}
	if (!(hi > lo))
		return 0;
	scale->lowest = is_flat(lo, quantile(s, 0.05), quantile(s, 0.25), hi - lo) ? lo : -INFINITY;
	scale->highest = is_flat(hi, quantile(s, 0.95), quantile(s, 0.75), hi - lo) ? hi : INFINITY;
	scale->black = lo - margin * (hi - lo);
	scale->white = hi + margin * (hi - lo);
	return scale->white > scale->black;
}

struct scale scale_choose(const struct scale *stated, const struct scale *seen)
{
	const double full = stated->white - stated->black;
	/* If a picture fills its range, noise moves some of its values out of it. */
	const double slack = 0.25 * full;
	struct scale chosen = *seen;

	chosen.black = fmax(seen->black, stated->black - slack);
	chosen.white = fmin(seen->white, stated->white + slack);
	if (!(chosen.white > chosen.black)) /* the picture lies outside the stated range */
		return *seen;
	if (chosen.white - chosen.black >= enough * full) {
		chosen.black = stated->black;
		chosen.white = stated->white;
	}
	return chosen;
}

void scale_measurement(size_t n, double zero, const struct scale *scale, const float *ones,
		       float *y)
{
	const double span = scale->white - scale->black, black = scale->black - zero;

	for (size_t i = 0; i < n; i++)
		y[i] = (float)((y[i] - zero - black * (ones ? (double)ones[i] : 1)) / span);
}

void scale_enter(size_t n, const struct scale *scale, float *x)
{
	scale_measurement(n, 0, scale, NULL, x);
}

void scale_leave(size_t n, const struct scale *scale, float *z)
{
	const double span = scale->white - scale->black;

	for (size_t i = 0; i < n; i++)
		z[i] = (float)(scale->black + span * z[i]);
}
