/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* How far an operator reaches, measured on noise: the answer for a part of a scene is compared with that for a larger part. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "restore/windows.h"

#include <math.h>

/* The small problem lies ACROSS and DOWN pixels of y inside the large one.  Both are odd, for operators that alternate between
 * pixels, and they differ, for operators that exchange rows and columns.  The sides are multiples of many numbers, for operators
 * that take nothing else. */
enum { LARGE = 192, SMALL = 144, ACROSS = 23, DOWN = 17, REACH_MOST = 48 };

/* The factor if the result has the shape of y, or a multiple of it; else 0. */
static int64_t factor_of(const struct problem *p, int64_t side, int64_t channels)
{
	const int64_t *window = problem_window(p)->extent;
	const int64_t factor = window[0] / side;

	return window[0] == factor * side && window[1] == factor * side &&
			       problem_x(p)->extent[2] == channels &&
			       (problem_flags(p) & LACUNA_LINEAR)
		       ? factor
		       : 0;
}

/* Creates the problem on a square image; refuses operators without a factor. */
static int try_operator(const struct restore_job *job, int64_t side, int64_t channels,
			struct problem **p)
{
	const struct lacuna_shape y = { { side, side, channels, 1 } };
	int status = problem_create(job->operators, job->operator_count, 1, &y, p);

	if (status || factor_of(*p, side, channels))
		return status;
	problem_destroy(*p);
	*p = NULL;
	return error_set(LACUNA_EUNSUPPORTED, "another size");
}

/* Fills x with noise that depends on the place in the window, so that a smaller problem sees a part of the same scene: the one
 * that begins at (across, down). */
static void fill(const struct problem *p, int64_t across, int64_t down, float *x)
{
	const int64_t *e = problem_x(p)->extent, *origin = problem_window(p)->origin;
	const struct random_key key = { 7, 0, 0 };
	const uint64_t column = (uint64_t)(across - origin[0] + 1024);

	for (int64_t c = 0; c < e[2]; c++)
		for (int64_t j = 0; j < e[1]; j++) {
			const int64_t row = j - origin[1] + down + 1024;

			random_gaussian(key, (uint64_t)(row * 4 + c), column,
					&x[e[0] * (j + e[1] * c)], (size_t)e[0]);
		}
}

static int apply_to_noise(struct problem *p, int64_t across, int64_t down, float **y)
{
	float *x = memory_alloc_array(lacuna_count(problem_x(p)), sizeof *x);
	int status = LACUNA_ENOMEM;

	*y = memory_alloc_array(lacuna_count(problem_y(p)), sizeof **y);
	if (x && *y) {
		fill(p, across, down, x);
		status = problem_apply(p, x, *y);
	}
	memory_release(x);
	return status;
}

/* Width of the rim where the answer of the small problem differs from the large one's. */
static int64_t differing_rim(const float *large, const float *small, int64_t channels)
{
	int64_t rim = 0;

	for (int64_t c = 0; c < channels; c++)
		for (int64_t j = 0; j < SMALL; j++)
			for (int64_t i = 0; i < SMALL; i++) {
				const int64_t k = i + ACROSS + LARGE * (j + DOWN + LARGE * c);
				const float d = large[k] - small[i + SMALL * (j + SMALL * c)];
				const int64_t x = i < SMALL - 1 - i ? i : SMALL - 1 - i;
				const int64_t y = j < SMALL - 1 - j ? j : SMALL - 1 - j;
				const int64_t inside = (x < y ? x : y) + 1;

				if (!(fabsf(d) < 1e-4f) && inside > rim)
					rim = inside;
			}
	return rim;
}

/* How far x extends beyond its window, in pixels of y; the reach includes that. */
static int64_t beyond(const struct problem *p, int64_t factor)
{
	const int64_t *origin = problem_window(p)->origin;
	const int64_t most = origin[0] > origin[1] ? origin[0] : origin[1];

	return (most + factor - 1) / factor;
}

int windows_reach(const struct restore_job *job, int64_t channels, int64_t *reach, int64_t *factor)
{
	struct problem *large = NULL, *small = NULL;
	float *y_large = NULL, *y_small = NULL;
	int status = try_operator(job, LARGE, channels, &large);

	if (!status)
		status = try_operator(job, SMALL, channels, &small);
	if (!status) {
		*factor = factor_of(small, SMALL, channels);
		if (factor_of(large, LARGE, channels) != *factor)
			status = error_set(LACUNA_EUNSUPPORTED, "another size");
	}
	if (!status)
		status = apply_to_noise(large, 0, 0, &y_large);
	if (!status)
		status = apply_to_noise(small, ACROSS * *factor, DOWN * *factor, &y_small);
	if (!status) {
		/* The reach if no rim differs. */
		const int64_t far = beyond(small, *factor);

		*reach = differing_rim(y_large, y_small, channels);
		*reach = *reach > far ? *reach : far;
		if (*reach > REACH_MOST)
			status = error_set(LACUNA_EUNSUPPORTED, "not the same everywhere");
	}
	memory_release(y_large);
	memory_release(y_small);
	problem_destroy(large);
	problem_destroy(small);
	return status;
}
