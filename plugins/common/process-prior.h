/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Priors computed by a program. A plugin's table of functions is constant and says whether it takes a sigma map, so there
 * are two plugins, for programs with and without maps. Both use these functions. */
#ifndef COMMON_PROCESS_PRIOR_H
#define COMMON_PROCESS_PRIOR_H

#include <lacuna/plugin.h>

/* The beginning of the manual of both. */
#define PROCESS_PRIOR_MANUAL(NAME)                                                                \
	"A program of yours denoises, in any language: a network in PyTorch, JAX or "             \
	"ONNX, on a processor or a graphics card.  It is started once and receives "              \
	"requests as lines of JSON.  Arrays are in memory that it shares with Lacuna, so "        \
	"a request adds less than a millisecond to the program's own work.  For Python, "         \
	"the module share/lacuna/python/lacuna_process.py speaks the protocol, and "              \
	"unet_torch.py beside it runs Lacuna's own network in PyTorch.  lacuna-plugin(7) "        \
	"explains the protocol.\n\n"                                                              \
	"The command is split at blanks; use quotes to keep a blank.  No shell runs it; "         \
	"use sh -c '...' if you need one.  Python finds the module lacuna_process by "            \
	"itself.\n\n"                                                                             \
	"Test it like any prior: lacuna check prior " NAME ":command=...  Its standard error is " \
	"passed on.  If the program crashes, or does not answer within the timeout, the "         \
	"run ends with an error.  Requests are answered one after the other.\n\n"

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
