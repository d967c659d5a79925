/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What samplers that step from noise level to noise level, by the guidance's estimate, have in common: everything but the
 * step. */
#ifndef COMMON_LEVELS_H
#define COMMON_LEVELS_H

#include "common/schedule.h"

/* The first member of such a sampler's instance, or all of it. */
struct levels {
	const struct lacuna_host *host;
	const struct lacuna_problem *problem;
	struct schedule_config config;
	struct schedule schedule;
	size_t n;	 /* values of an image */
	float *estimate; /* n values, for the guidance's estimate */
};

/* An instance of `bytes' that begins with struct levels; the rest is zero. */
int levels_create(const struct lacuna_host *, const struct schedule_config *,
		  const struct lacuna_problem *, size_t bytes, void **self);

/* Members of struct lacuna_sampler, for instances that levels_create() made. */
void levels_destroy(void *self);
int64_t levels_steps(const void *self);
int levels_start(void *self, float *u);

#endif
