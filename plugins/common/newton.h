/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A data step for nonlinear operators: Gauss-Newton with conjugate gradients. */
#ifndef COMMON_NEWTON_H
#define COMMON_NEWTON_H

#include <lacuna/operations.h>

/* The operator: that of the problem, or with `operation' one that a sampler has opened. */
struct newton {
	const struct lacuna_host *host;
	const struct lacuna_operations *operations;
	struct lacuna_operation *operation; /* NULL: that of the problem */
	size_t nx, ny;
};

/* Floats of work space that newton_minimise() needs. */
size_t newton_work(const struct newton *);

/* Approximates x = argmin ||y - A(x)||^2 + rho ||x - z||^2 by `rounds' linearisations, from the first guess in x. */
int newton_minimise(const struct newton *, double rho, const float *y, const float *z, int rounds,
		    float *x, float *work);

#endif
