/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A sampler that calls lack of memory by another name. */
#define NAME "needs-memory"
#define STEPS 2
#define CREATE create_twice
#include "no-steps.c"

static int create_twice(const struct lacuna_host *host, const void *config,
			const struct lacuna_problem *problem, void **self)
{
	const int status = create(host, config, problem, self);

	return status ? host->fail(host, LACUNA_EINVAL, "the problem is too large") : status;
}
