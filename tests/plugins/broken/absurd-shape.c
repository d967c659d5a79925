/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Returns an image without rows for a measurement. */
#define NAME "absurd-shape"
#define SHAPE absurd
#include "good.h"

static int absurd(const struct lacuna_host *host, const void *config, int from_y,
		  const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config;
	*wanted = *known;
	if (from_y)
		wanted->extent[1] = 0;
	return LACUNA_OK;
}
