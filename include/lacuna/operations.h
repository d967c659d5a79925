/* SPDX-License-Identifier: MIT
 * Copyright 2026 The Lacuna authors
 *
 * lacuna/operations.h -- an extension of hosts, for samplers: operators other than that of the problem. */
#ifndef LACUNA_OPERATIONS_H
#define LACUNA_OPERATIONS_H

#include <lacuna/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACUNA_OPERATIONS "lacuna.operations/1"

struct lacuna_operation; /* opaque */

/* What host->extension(host, LACUNA_OPERATIONS) returns.  All functions [serial]. */
struct lacuna_operations {
	/* Opens an operator for images of shape *x and stores its y-shape in *y.  operators: as on the command line, several
	 * separated by `|'.  Open and close it in create(), destroy(), start() or step().  The other functions work like
	 * those of host->problem; flags are those of lacuna_operator. */
	int (*operation_open)(const struct lacuna_host *, const char *operators,
			      const struct lacuna_shape *x, struct lacuna_shape *y,
			      struct lacuna_operation **);
	void (*operation_close)(const struct lacuna_host *,
				struct lacuna_operation *); /* accepts NULL */
	uint32_t (*operation_flags)(const struct lacuna_host *, const struct lacuna_operation *);
	int (*operation_apply)(const struct lacuna_host *, struct lacuna_operation *,
			       const float *x, float *y);
	int (*operation_adjoint)(const struct lacuna_host *, struct lacuna_operation *,
				 const float *at, const float *y, float *x);
	int (*operation_solve)(const struct lacuna_host *, struct lacuna_operation *, double rho,
			       const float *b, float *x);
};

#ifdef __cplusplus
}
#endif
#endif
