/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A sampler whose state grows without bound. */
#define NAME "diverges"
#define STEPS 50
#define STEP grow
#include "no-steps.c"

static int grow(void *self, int64_t k, float *u)
{
	const struct plain *p = self;

	(void)k;
	for (size_t i = 0; i < p->count; i++)
		u[i] = 10 * u[i] + 1;
	return LACUNA_OK;
}
