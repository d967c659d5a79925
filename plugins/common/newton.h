/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A data step for operators that are not linear: Gauss-Newton with conjugate gradients. */
#ifndef COMMON_NEWTON_H
#define COMMON_NEWTON_H

#include <lacuna/operations.h>

/* The operator: the problem's, or with `operation' one of a sampler's own. */
struct newton {
	const struct lacuna_host *host;
	const struct lacuna_operations *operations;
	struct lacuna_operation *operation; /* NULL: the problem's */
	size_t nx, ny;
};

/* Floats of work space that newton_minimise() needs. */
size_t newton_work(const struct newton *);

/* x = argmin ||y - A(x)||^2 + rho ||x - z||^2, nearly: from the first guess in x, `rounds' linearisations. */
int newton_minimise(const struct newton *, double rho, const float *y, const float *z, int rounds,
		    float *x, float *work);

#endif
