/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "engine/services.h"

#include "engine/problem.h"
#include "plugin/host.h"

static int service_apply(const struct lacuna_host *host, const float *x, float *y)
{
	return problem_apply(host_context(host)->problem, x, y);
}

static int service_adjoint(const struct lacuna_host *host, const float *at, const float *y,
			   float *x)
{
	return problem_adjoint(host_context(host)->problem, at, y, x);
}

static int service_spectral(const struct lacuna_host *host, lacuna_gain *gain, const void *context,
			    const float *b, float *x)
{
	return problem_spectral(host_context(host)->problem, gain, context, b, x);
}

static int service_solve(const struct lacuna_host *host, double rho, const float *b, float *x)
{
	return problem_solve(host_context(host)->problem, rho, b, x);
}

static int service_diagonal(const struct lacuna_host *host, float *d)
{
	return problem_diagonal(host_context(host)->problem, d);
}

const struct lacuna_host_problem problem_services = {
	.size = sizeof problem_services,
	.apply = service_apply,
	.adjoint = service_adjoint,
	.spectral = service_spectral,
	.solve = service_solve,
	.diagonal = service_diagonal,
};
