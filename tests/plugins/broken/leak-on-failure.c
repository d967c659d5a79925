/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Leaks memory when create() fails half-way. */
#define NAME "leak-on-failure"
#define CREATE bad_create
#include "good.h"

static int bad_create(const struct lacuna_host *host, const void *config,
		      const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct half *h;
	void *table;

	(void)config, (void)y;
	h = host->alloc(host, sizeof *h);
	if (!h)
		return LACUNA_ENOMEM;
	table = host->alloc(host, 100);
	if (!table)
		return LACUNA_ENOMEM;
	host->release(host, table);
	h->host = host;
	h->count = lacuna_count(x);
	*self = h;
	return LACUNA_OK;
}
