/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The power of the smoothest blocks by frequency, and how much of it is noise where there is texture. */
#include <config.h>

#include "restore/noise-private.h"

#include "base/vector.h"

#include <math.h>

struct power power_mean(const struct block *list, size_t used)
{
	struct power p = { 0 };
	double mean[HIGH] = { 0 };

	for (size_t i = 0; i < used; i++) {
		for (int k = 0; k < HIGH; k++)
			mean[k] += list[i].high[k] / (double)used;
		p.middle += list[i].middle / (double)used;
	}
	for (int k = 0; k < NEAR; k++)
		p.near += mean[k] / NEAR;
	for (int k = HIGH - CORNER; k < HIGH; k++)
		p.corner += mean[k] / CORNER;
	vector_sort_doubles(HIGH, mean);
	p.high = mean[HIGH / 2];
	return p;
}

struct power power_of_part(const struct blocks *s, size_t part, size_t most)
{
	size_t used = s->count / 200, few = part;

	few = few > most ? most : few < LEAST_BLOCKS ? LEAST_BLOCKS : few;
	used = used > few ? used : few;
	used = used < s->count ? used : s->count;
	blocks_sort_by_low(s);
	return power_mean(s->list, used);
}

struct power power_of_smoothest(const struct blocks *s)
{
	return power_of_part(s, s->count / 20, (size_t)LEAST_BLOCKS * 4);
}

/* ---- texture ------------------------------------------------------------------------------------------- */

/* Ratio of power at middle frequencies to that in the corner.  White noise has less than 1, since the chosen blocks have
 * little power at low and middle frequencies. */
static double falling(const struct power *p)
{
	return p->middle / (p->corner + 1e-30);
}

/* From this falling() on there is texture, or noise that is not white. */
static const double textured = 1.2;

int power_is_textured(const struct power *p)
{
	return !(falling(p) < textured);
}

double power_trust(const struct power *p)
{
	return fmin(pow(textured / falling(p), 4), 1);
}

/* Variance of white noise under texture.  Texture has 3 to 6 times as much power at middle frequencies as in the corner; 3
 * is assumed, which gives the smaller variance: lost texture is worse than remaining noise. */
double power_under_texture(const struct power *p)
{
	static const double most = 3, least = 0.5;
	const double texture = (p->middle - p->corner) / (most - 1);

	if (!power_is_textured(p))
		return p->high;
	return fmin(p->high, fmax(p->corner - texture, least * p->corner));
}

/* True if the power also falls among high frequencies, as that of fine texture does.  Power above that of texture in the
 * smoothest blocks is noise; there a fall may be chance. */
int power_falls_on(const struct power *p)
{
	static const double most = 1.5, quiet = 0.01;

	return p->high < quiet * quiet && p->near > most * p->corner;
}

/* Variance under texture from high frequencies alone, by which no block was chosen: the power of texture halves from the
 * nearer ones to the corner. */
double power_beyond_texture(const struct power *p)
{
	static const double least = 0.5;

	return fmin(p->high, fmax(2 * p->corner - p->near, least * p->corner));
}
