/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "engine/turn.h"

enum { MIRROR_X = 1, MIRROR_Y = 2, EXCHANGE = 4 };

uint32_t turn_ways(const struct lacuna_shape *s)
{
	return s->extent[0] == s->extent[1] ? 8 : 4;
}

/* The index in the original of the turned image's pixel (x, y). */
static int64_t source(int64_t w, int64_t h, uint32_t turn, int64_t x, int64_t y)
{
	int64_t sx = turn & EXCHANGE ? y : x, sy = turn & EXCHANGE ? x : y;

	sx = turn & MIRROR_X ? w - 1 - sx : sx;
	sy = turn & MIRROR_Y ? h - 1 - sy : sy;
	return sy * w + sx;
}

static void copy(const struct lacuna_shape *s, uint32_t turn, int back, const float *in, float *out)
{
	const int64_t w = s->extent[0], h = s->extent[1], plane = w * h;
	const int64_t n = (int64_t)lacuna_count(s);

	for (int64_t at = 0; at < n; at += plane)
		for (int64_t y = 0; y < h; y++)
			for (int64_t x = 0; x < w; x++) {
				const int64_t here = at + y * w + x;
				const int64_t there = at + source(w, h, turn, x, y);

				out[back ? there : here] = in[back ? here : there];
			}
}

void turn_image(const struct lacuna_shape *s, uint32_t turn, const float *in, float *out)
{
	copy(s, turn, 0, in, out);
}

void turn_back(const struct lacuna_shape *s, uint32_t turn, const float *in, float *out)
{
	copy(s, turn, 1, in, out);
}
