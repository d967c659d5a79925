/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Common parts, all but the step, of samplers that go from noise level to noise level by the guidance's estimate. */
#ifndef COMMON_LEVELS_H
#define COMMON_LEVELS_H

#include "common/schedule.h"

/* The instance of such a sampler, or its first member. */
struct levels {
	const struct lacuna_host *host;
	const struct lacuna_problem *problem;
	struct schedule_config config;
	struct schedule schedule;
	size_t n;	 /* values of an image */
	float *estimate; /* n values: the guidance's estimate */
};

/* Makes an instance of `bytes' that begins with struct levels; the rest is zero. */
int levels_create(const struct lacuna_host *, const struct schedule_config *,
		  const struct lacuna_problem *, size_t bytes, void **self);

/* Members of struct lacuna_sampler, for instances made by levels_create(). */
void levels_destroy(void *self);
int64_t levels_steps(const void *self);
int levels_start(void *self, float *u);

#endif
