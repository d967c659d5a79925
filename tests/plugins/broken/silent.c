/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Refuses small images and does not say why. */
#define NAME "silent"
#define CREATE bad_create
#include "good.h"

static int bad_create(const struct lacuna_host *host, const void *config,
		      const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct half *h;

	(void)config, (void)y;
	if (lacuna_count(x) < 16)
		return LACUNA_EINVAL;
	h = host->alloc(host, sizeof *h);
	if (!h)
		return LACUNA_ENOMEM;
	h->host = host;
	h->count = lacuna_count(x);
	*self = h;
	return LACUNA_OK;
}
