/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Correct, but for images of 40x30 only. */
#define NAME "fixed-shape"
#define SHAPE fixed
#include "good.h"

static int fixed(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)config, (void)from_y;
	if (known->extent[0] != 40 || known->extent[1] != 30)
		return host->fail(host, LACUNA_EINVAL, "not 40x30");
	*wanted = *known;
	return LACUNA_OK;
}
