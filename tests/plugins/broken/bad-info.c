/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A prior whose info() returns impossible values. */
#include <math.h>
#include <string.h>
#define NAME "bad-info"
#define HOWS "channels", "nan", "order"
#define INFO bad_info
#include "prior.h"

enum { CHANNELS, NOT_A_NUMBER, ORDER };

static void bad_info(const void *self, struct lacuna_prior_info *i)
{
	const struct plain *p = self;

	i->channels = p->how == CHANNELS ? -1 : 0;
	i->sigma_min = 1e-4;
	i->sigma_max = p->how == NOT_A_NUMBER ? (double)NAN : p->how == ORDER ? 1e-5 : 1e4;
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct plain *p = self;

	(void)scratch, (void)sigma;
	memcpy(x0, u, p->count * sizeof *x0);
	return LACUNA_OK;
}
