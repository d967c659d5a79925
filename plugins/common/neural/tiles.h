/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Overlapping tiles, for computations that depend on a halo around each pixel: for images that do not fit the memory and
 * rows that do not fit the cache. All tiles of an image have the same size. */
#ifndef COMMON_TILES_H
#define COMMON_TILES_H

#include <stdint.h>

/* A side of `size' pixels in `count' tiles, neighbours overlapping by 2 halo or more. */
struct tiles {
	int64_t size, tile, halo, count;
};

/* Origin of a tile, and from..to-1, the part of the side that it contributes. Results are right there. */
struct tile_span {
	int64_t origin, from, to;
};

static inline int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t round_up(int64_t n, int64_t m)
{
	return (n + m - 1) / m * m;
}

/* Side of tiles such that `count' of them suffice: 2 halo plus a multiple of m, or the whole side. */
int64_t tile_side(int64_t size, int64_t count, int64_t m, int64_t halo);

struct tiles tiles_of(int64_t size, int64_t tile, int64_t halo);
struct tile_span tile_span(const struct tiles *, int64_t i);

/* Finds the tiling of a width and a height, multiples of m, into tiles of at most `pixels' pixels that needs the least
 * computation. Nonzero if even the smallest tiles are too large. */
int tiles_plan(int64_t width, int64_t height, int64_t m, int64_t halo, int64_t pixels,
	       struct tiles *across, struct tiles *down);

#endif
