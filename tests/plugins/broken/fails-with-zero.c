/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Reports a failure with status 0 and a message that contains terminal control sequences. */
#define NAME "fails-with-zero"
#define CREATE bad_create
#include "good.h"

static int bad_create(const struct lacuna_host *host, const void *config,
		      const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	(void)config, (void)x, (void)y, (void)self;
	return host->fail(host, LACUNA_OK, "it is \033[31mbroken\n");
}
