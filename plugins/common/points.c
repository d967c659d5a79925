/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A lens spreads all light that passes through it, so one kernel does not hold both a broad body and points that are sharper
 * than any lens makes them.  Such points are faults of the sensor.  A kernel that has no broad body may consist of points: a
 * double exposure, or a shake with stops. */
#include "common/points.h"

#include <math.h>

enum {
	MOST = 8,  /* pixels of a point; a gaussian of sigma 0.5 px has more */
	RIM = 2,   /* the same in the outermost rows and columns, which may cut one off */
	APART = 2, /* distance within which pixels belong together */
	WHOLE = (2 * APART + 1) * (2 * APART + 1)
};

/* What counts as light beside a pixel, relative to it; and beside the brightest of a body. */
static const double beside = 0.05;

struct field {
	struct kernel *k;
	double level, sigma;
	unsigned char *lone; /* a flag for each pixel */
};

static double value_of(const struct field *f, size_t at)
{
	return f->k->values[at] - f->level;
}

/* Lists the pixels within `radius' of a pixel, itself included; returns their number. */
static int list_around(const struct field *f, size_t at, int radius, size_t *list)
{
	const int w = f->k->width, h = f->k->height;
	const int x = (int)(at % (size_t)w), y = (int)(at / (size_t)w);
	int n = 0;

	for (int j = y - radius; j <= y + radius; j++)
		for (int i = x - radius; i <= x + radius; i++)
			if (i >= 0 && j >= 0 && i < w && j < h)
				list[n++] = (size_t)j * (size_t)w + (size_t)i;
	return n;
}

static int holds(const size_t *list, int n, size_t at)
{
	while (n-- > 0)
		if (list[n] == at)
			return 1;
	return 0;
}

static int is_rim(const struct field *f, size_t at)
{
	const size_t w = (size_t)f->k->width, x = at % w, y = at / w;

	return !x || !y || x == w - 1 || y == (size_t)f->k->height - 1;
}

/* Lists the pixels above `least' that belong together with one of them; 0 if they are too many for a point. */
static int gather(const struct field *f, size_t at, double least, size_t group[MOST])
{
	int n = 1, most = MOST;

	group[0] = at;
	for (int i = 0; i < n; i++) {
		size_t near[WHOLE];
		const int count = list_around(f, group[i], APART, near);

		for (int j = 0; j < count; j++) {
			if (value_of(f, near[j]) <= least || holds(group, n, near[j]))
				continue;
			if (n == MOST)
				return 0;
			group[n++] = near[j];
		}
		most = is_rim(f, group[i]) ? RIM : most;
	}
	return n <= most ? n : 0;
}

/* Flags the pixels of points that hold so much light that they matter; returns the number of points. */
static int flag_points(const struct field *f, int *x, int *y)
{
	static const double least_light = 0.005, clear = 20, noise = 3;
	const size_t n = (size_t)f->k->width * (size_t)f->k->height;
	double sum = 0;
	int found = 0;

	for (size_t i = 0; i < n; i++)
		sum += value_of(f, i);
	for (size_t i = 0; i < n; i++) {
		const double v = value_of(f, i);
		size_t group[MOST];
		double light = 0;
		int count;

		if (f->lone[i] || v * MOST < least_light * sum || v <= clear * f->sigma)
			continue;
		count = gather(f, i, fmax(beside * v, noise * f->sigma), group);
		for (int j = 0; j < count; j++)
			light += value_of(f, group[j]);
		if (!count || light < least_light * sum)
			continue;
		for (int j = 0; j < count; j++)
			f->lone[group[j]] = 1;
		if (!found++) {
			*x = (int)(i % (size_t)f->k->width);
			*y = (int)(i / (size_t)f->k->width);
		}
	}
	return found;
}

/* True if what is not flagged has a place that is bright for three pixels in both directions. */
static int has_body(const struct field *f)
{
	static const double noise = 3;
	const size_t n = (size_t)f->k->width * (size_t)f->k->height;
	double brightest = 0, broad = 0;

	for (size_t i = 0; i < n; i++) {
		size_t near[9];
		const int count = list_around(f, i, 1, near);
		double least = value_of(f, i);

		if (!f->lone[i])
			brightest = fmax(brightest, least);
		for (int j = 0; j < count; j++)
			least = f->lone[near[j]] ? 0 : fmin(least, value_of(f, near[j]));
		if (count == 9)
			broad = fmax(broad, least);
	}
	return broad > beside * brightest && broad > noise * f->sigma;
}

static void fill(const struct field *f)
{
	const size_t n = (size_t)f->k->width * (size_t)f->k->height;

	for (size_t i = 0; i < n; i++) {
		size_t near[WHOLE];
		double sum = 0, weight = 0;
		int count;

		if (!f->lone[i])
			continue;
		count = list_around(f, i, APART, near);
		for (int j = 0; j < count; j++)
			if (!f->lone[near[j]]) {
				sum += f->k->values[near[j]];
				weight++;
			}
		f->k->values[i] = weight > 0 ? sum / weight : f->level;
	}
}

int points_remove(struct kernel *k, double level, double sigma, int *count, int *x, int *y)
{
	struct field f = { .k = k, .level = level, .sigma = sigma };

	f.lone = k->host->alloc(k->host, (size_t)k->width * (size_t)k->height);
	if (!f.lone)
		return LACUNA_ENOMEM;
	*count = flag_points(&f, x, y);
	if (*count && has_body(&f))
		fill(&f);
	else
		*count = 0;
	k->host->release(k->host, f.lone);
	return LACUNA_OK;
}
