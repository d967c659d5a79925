/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Priors that a program computes.  Whether a prior takes a map of sigma is said by its table of functions, which is constant:
 * there is a plugin for programs that do and one for those that do not, and these functions are both's. */
#ifndef COMMON_PROCESS_PRIOR_H
#define COMMON_PROCESS_PRIOR_H

#include <lacuna/plugin.h>

/* configurations are struct process_config; map: the program must take maps */
int process_prior_create(const struct lacuna_host *, const void *config, int map,
			 const struct lacuna_problem *, void **self);
void process_prior_destroy(void *self);
void process_prior_info(const void *self, struct lacuna_prior_info *);
int process_prior_denoise(const void *self, void *scratch, double sigma, const float *u, float *x0);
/* The program's answer for rounds where it has one, else denoise(). */
int process_prior_round(const void *self, void *scratch, double sigma, const float *u, float *x0);
int process_prior_map(const void *self, void *scratch, const float *sigma, const float *u,
		      float *x0);

#endif
