/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* window() returns a region outside the image. */
#include <lacuna/plugin.h>

static int bad_window(const void *, const struct lacuna_region *, struct lacuna_region *);
#define NAME "wrong-window"
#define OPTIONAL .window = bad_window,
#include "good.h"

static int bad_window(const void *self, const struct lacuna_region *in_y,
		      struct lacuna_region *in_x)
{
	(void)self;
	*in_x = *in_y;
	in_x->origin[0] = 1;
	return LACUNA_OK;
}
