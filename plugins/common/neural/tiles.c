/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/neural/tiles.h"

int64_t tile_side(int64_t size, int64_t count, int64_t m, int64_t halo)
{
	return least(size, round_up((size - 2 * halo + count - 1) / count, m) + 2 * halo);
}

struct tiles tiles_of(int64_t size, int64_t tile, int64_t halo)
{
	const int64_t step = tile - 2 * halo;
	const int64_t count = tile >= size ? 1 : (size - tile + step - 1) / step + 1;

	return (struct tiles){ size, tile, halo, count };
}

static int64_t origin(const struct tiles *t, int64_t i)
{
	return least(i * (t->tile - 2 * t->halo), t->size - t->tile);
}

struct tile_span tile_span(const struct tiles *t, int64_t i)
{
	const int64_t end = t->tile - t->halo;

	return (struct tile_span){
		.origin = origin(t, i),
		.from = i ? origin(t, i - 1) + end : 0,
		.to = i + 1 < t->count ? origin(t, i) + end : t->size,
	};
}

int tiles_plan(int64_t width, int64_t height, int64_t m, int64_t halo, int64_t pixels,
	       struct tiles *across, struct tiles *down)
{
	int64_t best = INT64_MAX;

	for (int64_t columns = 1; columns <= width / m; columns++) {
		const int64_t w = tile_side(width, columns, m, halo);
		int64_t rows = 1, h;

		while (rows < height / m && w * tile_side(height, rows, m, halo) > pixels)
			rows++;
		h = tile_side(height, rows, m, halo);
		if (w * h > pixels || columns * rows * w * h >= best)
			continue;
		*across = tiles_of(width, w, halo);
		*down = tiles_of(height, h, halo);
		best = columns * rows * w * h;
	}
	return best == INT64_MAX;
}
