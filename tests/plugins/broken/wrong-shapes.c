/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The shape of x from y contradicts that of y from x. */
#define NAME "wrong-shapes"
#define SHAPE bad_shape
#include "good.h"

static int bad_shape(const struct lacuna_host *host, const void *config, int from_y,
		     const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config;
	*wanted = *known;
	wanted->extent[0] += from_y ? 2 : -1;
	return LACUNA_OK;
}
