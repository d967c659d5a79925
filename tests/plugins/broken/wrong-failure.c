/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Without memory create() returns the wrong status. */
#define NAME "wrong-failure"
#define CREATE bad_create
#include "good.h"

static int bad_create(const struct lacuna_host *host, const void *config,
		      const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct half *h = host->alloc(host, sizeof *h);

	(void)config, (void)y;
	if (!h)
		return host->fail(host, LACUNA_EINVAL, "something is wrong");
	h->host = host;
	h->count = lacuna_count(x);
	*self = h;
	return LACUNA_OK;
}
