/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operators that a sampler opens for itself, beside the problem's own: they have no measurement. */
#ifndef ENGINE_OPERATION_H
#define ENGINE_OPERATION_H

#include <lacuna/operations.h>

/* operators: specifications, separated by '|', applied left to right.  x: the shape of the images. */
int operation_open(const char *operators, const struct lacuna_shape *x, struct lacuna_shape *y,
		   struct lacuna_operation **);
void operation_close(struct lacuna_operation *); /* accepts NULL */

extern const struct lacuna_operations operation_services;

#endif
