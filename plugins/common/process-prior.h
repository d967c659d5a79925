/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Priors computed by a program. A plugin's table of functions is constant and says whether it takes a sigma map, so there
 * are two plugins, for programs with and without maps. Both use these functions. */
#ifndef COMMON_PROCESS_PRIOR_H
#define COMMON_PROCESS_PRIOR_H

#include <lacuna/plugin.h>

/* configurations are struct process_config; map: the program must take maps */
int process_prior_create(const struct lacuna_host *, const void *config, int map,
			 const struct lacuna_problem *, void **self);
void process_prior_destroy(void *self);
void process_prior_info(const void *self, struct lacuna_prior_info *);
int process_prior_denoise(const void *self, void *scratch, double sigma, const float *u, float *x0);
/* Calls denoise_round of the program if it has one, else denoise. */
int process_prior_round(const void *self, void *scratch, double sigma, const float *u, float *x0);
int process_prior_map(const void *self, void *scratch, const float *sigma, const float *u,
		      float *x0);

#endif
