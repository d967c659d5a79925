/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A sampler whose third step fails. */
#define NAME "late-failure"
#define STEPS 5
#define STEP fail_late
#include "no-steps.c"

static int fail_late(void *self, int64_t k, float *u)
{
	const struct plain *p = self;

	(void)u;
	return k < 2 ? LACUNA_OK
		     : p->host->fail(p->host, LACUNA_ENUMERIC, "the third step has no result");
}
