/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operators computed by a program. The flags of a plugin are constant, so there are two plugins, for linear and for
 * nonlinear programs. Both use these functions. */
#ifndef COMMON_PROCESS_OPERATOR_H
#define COMMON_PROCESS_OPERATOR_H

#include <lacuna/plugin.h>

/* configurations are struct process_config */
int process_operator_shape(const struct lacuna_host *, const void *config, int from_y,
			   const struct lacuna_shape *known, struct lacuna_shape *wanted);
/* linear: as in the plugin's flags; fails if the program is not linear */
int process_operator_create(const struct lacuna_host *, const void *config, int linear,
			    const struct lacuna_shape *x, const struct lacuna_shape *y,
			    void **self);
void process_operator_destroy(void *self);
int process_operator_apply(const void *self, void *scratch, const float *x, float *y);
int process_operator_adjoint(const void *self, void *scratch, const float *at, const float *y,
			     float *x);

#endif
