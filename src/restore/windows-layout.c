/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Where windows lie on the picture, how they overlap, and how much each counts there. */
#include <config.h>

#include "restore/windows-private.h"

#include <math.h>

/* Within so many pixels of the border the effect of missing surroundings on a deconvolution and the network fades. */
int64_t windows_margin(int64_t reach)
{
	return 32 + 2 * reach;
}

static int64_t count_along(int64_t n, int64_t side, int64_t overlap)
{
	return n <= side ? 1 : (n - overlap + side - overlap - 1) / (side - overlap);
}

struct lacuna_shape windows_shape(const struct windows *w, int64_t factor)
{
	return (struct lacuna_shape){ { factor * w->width, factor * w->height, w->y.extent[2],
					1 } };
}

struct lacuna_shape windows_result(const struct windows *w)
{
	const int64_t *y = w->y.extent;

	return (struct lacuna_shape){ { w->factor * y[0], w->factor * y[1], y[2], 1 } };
}

/* The least number from `least' on that has the same remainder as n, modulo the grid.  With such overlaps and sides all
 * windows begin on the grid, and the last one ends with the picture. */
static int64_t congruent(int64_t least, int64_t n)
{
	const int64_t more = (n - least) % WINDOWS_GRID;

	return least + more + (more < 0 ? WINDOWS_GRID : 0);
}

void windows_set_sides(struct windows *w, int64_t width, int64_t height)
{
	const int64_t *y = w->y.extent;

	w->width = windows_shorter(congruent(width, y[0]), y[0]);
	w->height = windows_shorter(congruent(height, y[1]), y[1]);
	/* Symmetric priors see square images in eight orientations, others in four: windows are square if the picture is.
	 * Along its longer side there is room for more. */
	if (w->width == w->height && y[0] != y[1])
		*(y[0] > y[1] ? &w->width : &w->height) += WINDOWS_GRID;
	w->across = count_along(y[0], w->width, w->overlap[0]);
	w->down = count_along(y[1], w->height, w->overlap[1]);
}

/* The least side with which `count' windows cover a length. */
static int64_t least_side(int64_t length, int64_t count, int64_t overlap)
{
	return (length + (count - 1) * overlap + count - 1) / count;
}

void windows_tighten(struct windows *w)
{
	const int64_t *y = w->y.extent;
	struct windows tight = *w;

	windows_set_sides(&tight, least_side(y[0], w->across, w->overlap[0]),
			  least_side(y[1], w->down, w->overlap[1]));
	if (tight.width <= w->width && tight.height <= w->height)
		*w = tight;
}

void windows_set_overlap(struct windows *w, int64_t margin)
{
	for (int i = 0; i < 2; i++)
		w->overlap[i] = congruent(2 * margin, w->y.extent[i]);
}

/* ---- places and weights ------------------------------------------------------------------------------- */

static int64_t side_of(const struct windows *w, int axis)
{
	return axis ? w->height : w->width;
}

static int64_t count_of(const struct windows *w, int axis)
{
	return axis ? w->down : w->across;
}

/* Where the k-th window along an axis begins: evenly spaced, on the grid, and the last one ends with the picture. */
static int64_t place(const struct windows *w, int axis, int64_t k)
{
	const int64_t last = w->y.extent[axis] - side_of(w, axis), steps = count_of(w, axis) - 1;

	return k < steps ? k * (last / WINDOWS_GRID) / steps * WINDOWS_GRID : last;
}

struct lacuna_region windows_region(const struct windows *w, int64_t i)
{
	return (struct lacuna_region){ { place(w, 0, i % w->across), place(w, 1, i / w->across), 0,
					 0 },
				       { w->width, w->height, w->y.extent[2], 1 } };
}

/* Middle of the overlap of windows k and k + 1. */
static double middle(const struct windows *w, int axis, int64_t k)
{
	return 0.5 * (double)(place(w, axis, k) + side_of(w, axis) + place(w, axis, k + 1));
}

/* Length of the ramp from window k to the next, around that middle: ramps leave out the outer halves of the margin and never
 * overlap. */
static double length(const struct windows *w, int axis, int64_t k)
{
	double least = 0.5 * (double)w->overlap[axis];

	if (k > 0)
		least = fmin(least, middle(w, axis, k) - middle(w, axis, k - 1));
	if (k + 2 < count_of(w, axis))
		least = fmin(least, middle(w, axis, k + 1) - middle(w, axis, k));
	return least;
}

float windows_ramp(const struct windows *w, int axis, int64_t i, int64_t at)
{
	const int64_t k = axis ? i / w->across : i % w->across;
	const double t = (double)place(w, axis, k) + ((double)at + 0.5) / (double)w->factor;
	double weight = 1;

	if (k > 0)
		weight = fmin(weight, 0.5 + (t - middle(w, axis, k - 1)) / length(w, axis, k - 1));
	if (k + 1 < count_of(w, axis))
		weight = fmin(weight, 0.5 - (t - middle(w, axis, k)) / length(w, axis, k));
	return weight > 0 ? (float)weight : 0;
}

float windows_weight(const struct windows *w, int64_t i, int64_t x, int64_t y)
{
	return windows_ramp(w, 1, i, y) * windows_ramp(w, 0, i, x);
}

void windows_owned(const struct windows *w, int axis, int64_t k, int64_t *first, int64_t *end)
{
	*first = place(w, axis, k);
	*end = *first + side_of(w, axis);
	if (k > 0)
		*first = (int64_t)middle(w, axis, k - 1);
	if (k + 1 < count_of(w, axis))
		*end = (int64_t)middle(w, axis, k);
}

void windows_counted(const struct windows *w, int axis, int64_t k, int64_t *first, int64_t *end)
{
	*first = place(w, axis, k);
	*end = *first + side_of(w, axis);
	if (k > 0)
		*first = (int64_t)(middle(w, axis, k - 1) - 0.5 * length(w, axis, k - 1));
	if (k + 1 < count_of(w, axis))
		*end = (int64_t)ceil(middle(w, axis, k) + 0.5 * length(w, axis, k));
}
