/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/holes.h"
#include "base/error.h"
#include "base/memory.h"
#include "engine/problem.h"

#include <math.h>
#include <string.h>

/* ---- masks ------------------------------------------------------------------------------------------- */

static int take_bits(size_t n, const float *diagonal, unsigned char **known)
{
	*known = memory_alloc(n / 8 + 1);
	if (!*known)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const int one = diagonal[i] > 0;

		if (diagonal[i] != (float)one) {
			memory_release(*known);
			*known = NULL;
			return error_set(LACUNA_EUNSUPPORTED, "not a mask of zeros and ones");
		}
		(*known)[i / 8] |= (unsigned char)(one << i % 8);
	}
	return LACUNA_OK;
}

int holes_of_operator(const struct plugin_use *use, const struct lacuna_shape *y,
		      unsigned char **known)
{
	const uint32_t wanted = LACUNA_LINEAR | LACUNA_PIXELWISE;
	const size_t n = lacuna_count(y);
	struct problem *p = NULL;
	float *diagonal = NULL;
	int status = LACUNA_OK;

	*known = NULL;
	if ((use->plugin->u.op.flags & wanted) != wanted)
		return error_set(LACUNA_EUNSUPPORTED, "not a mask");
	status = problem_create(use, 1, 1, y, &p);
	if (!status && memcmp(problem_x(p), y, sizeof *y) != 0)
		status = error_set(LACUNA_EUNSUPPORTED, "not a mask");
	if (!status) {
		diagonal = memory_alloc_array(n, sizeof *diagonal);
		status = diagonal ? problem_diagonal(p, diagonal) : LACUNA_ENOMEM;
	}
	problem_destroy(p);
	if (!status)
		status = take_bits(n, diagonal, known);
	memory_release(diagonal);
	return status;
}

/* ---- the map ----------------------------------------------------------------------------------------- */

int holes_create(int64_t width, int64_t height, struct holes *h)
{
	h->across = (width + HOLES_CELL - 1) / HOLES_CELL;
	h->down = (height + HOLES_CELL - 1) / HOLES_CELL;
	h->sums = NULL;
	h->cells = memory_alloc((size_t)(h->across * h->down));
	return h->cells ? LACUNA_OK : LACUNA_ENOMEM;
}

void holes_free(struct holes *h)
{
	memory_release(h->cells);
	memory_release(h->sums);
	*h = (struct holes){ 0 };
}

/* State of one cell, as in struct holes; at the border of the picture cells are smaller. */
static unsigned char look(const struct lacuna_shape *rows, const float *y, int64_t x0, int64_t y0)
{
	const int64_t *e = rows->extent;
	const int64_t x1 = x0 + HOLES_CELL < e[0] ? x0 + HOLES_CELL : e[0];
	const int64_t y1 = y0 + HOLES_CELL < e[1] ? y0 + HOLES_CELL : e[1];
	int some = 0, all = 1;

	for (int64_t c = 0; c < e[2]; c++)
		for (int64_t j = y0; j < y1; j++)
			for (int64_t i = x0; i < x1; i++) {
				const int missing = isnan(y[i + e[0] * (j + e[1] * c)]) != 0;

				some |= missing;
				all &= missing;
			}
	return (unsigned char)(some + all);
}

void holes_add(struct holes *h, const struct lacuna_shape *rows, int64_t first, const float *y)
{
	for (int64_t j = 0; j < rows->extent[1]; j += HOLES_CELL)
		for (int64_t i = 0; i < h->across; i++)
			h->cells[i + h->across * ((first + j) / HOLES_CELL)] =
				look(rows, y, i * HOLES_CELL, j);
}

int holes_finish(struct holes *h)
{
	const int64_t w = h->across + 1;

	h->sums = memory_alloc_array((size_t)(w * (h->down + 1)), sizeof *h->sums);
	if (!h->sums)
		return LACUNA_ENOMEM;
	for (int64_t j = 0; j < h->down; j++)
		for (int64_t i = 0; i < h->across; i++)
			h->sums[i + 1 + w * (j + 1)] = (h->cells[i + h->across * j] > 0) +
						       h->sums[i + w * (j + 1)] +
						       h->sums[i + 1 + w * j] - h->sums[i + w * j];
	return LACUNA_OK;
}

static int64_t limit(int64_t i, int64_t most)
{
	return i < 0 ? 0 : i > most ? most : i;
}

int64_t holes_count(const struct holes *h, int64_t x0, int64_t y0, int64_t x1, int64_t y1)
{
	const int64_t w = h->across + 1;
	const int64_t l = limit(x0 / HOLES_CELL, h->across), t = limit(y0 / HOLES_CELL, h->down);
	const int64_t r = limit((x1 + HOLES_CELL - 1) / HOLES_CELL, h->across);
	const int64_t b = limit((y1 + HOLES_CELL - 1) / HOLES_CELL, h->down);

	return h->sums[r + w * b] - h->sums[l + w * b] - h->sums[r + w * t] + h->sums[l + w * t];
}

/* Finds the largest square of fully missing cells (dynamic programming, row by row) and adds the cells that the hole may
 * reach into. */
int64_t holes_width(const struct holes *h)
{
	int64_t *side = memory_alloc_array((size_t)h->across + 1, sizeof *side);
	int64_t most = 0;

	for (int64_t j = 0; side && j < h->down; j++) {
		int64_t diagonal = 0;

		for (int64_t i = 0; i < h->across; i++) {
			const int64_t above = side[i + 1];
			int64_t least = above < side[i] ? above : side[i];

			least = least < diagonal ? least : diagonal;
			side[i + 1] = h->cells[i + h->across * j] == 2 ? least + 1 : 0;
			most = side[i + 1] > most ? side[i + 1] : most;
			diagonal = above;
		}
	}
	memory_release(side);
	return side ? (most + 2) * HOLES_CELL : INT64_MAX / 4;
}
