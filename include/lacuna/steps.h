/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/steps.h -- an extension of guidances that depend on the level that a step leads to. */
#ifndef LACUNA_STEPS_H
#define LACUNA_STEPS_H

#include <lacuna/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACUNA_STEPS "lacuna.steps/1"

/* What extension(LACUNA_STEPS) of such a guidance returns. */
struct lacuna_guidance_steps {
	/* [one at a time per instance] Replaces estimate() where the sampler says to which level s the step from sigma leads;
	 * 0: the last. */
	int (*estimate_step)(const void *self, void *scratch, double sigma, double s,
			     const float *u, float *x0);
};

#ifdef __cplusplus
}
#endif
#endif
