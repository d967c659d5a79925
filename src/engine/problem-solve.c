/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Functions of A'A: by closed form, by the operator's own solver, or by iteration. */
#include <config.h>

#include "engine/problem-private.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/vector.h"
#include "engine/solve.h"

int problem_need_linear(const struct problem *p)
{
	if (p->flags & LACUNA_LINEAR)
		return LACUNA_OK;
	return error_set(LACUNA_EUNSUPPORTED, "this needs a linear operator");
}

static int normal_product(void *context, const float *v, float *out)
{
	struct problem *p = context;
	int status = problem_apply(p, v, p->normal);

	if (!status)
		problem_apply_weights(p, p->normal);
	return status ? status : problem_adjoint_links(p, NULL, p->normal, out);
}

static int need_work(struct problem *p)
{
	int status = problem_need_normal(p);

	if (!status && !p->work) {
		p->work = memory_alloc_array(p->x_count, SOLVE_WORK * sizeof *p->work);
		status = p->work ? LACUNA_OK : LACUNA_ENOMEM;
	}
	return status;
}

/* Evaluates a gain at the eigenvalues of (gain A)'(gain A), given those of A'A. */
struct scaled_gain {
	lacuna_gain *gain;
	const void *context;
	double square;
};

static double scaled_gain(double lambda, const void *context)
{
	const struct scaled_gain *s = context;

	return s->gain(s->square * lambda, s->context);
}

/* The operator's own closed form, or pixel by pixel; LACUNA_EUNSUPPORTED if there is neither. */
static int closed_form(struct problem *p, lacuna_gain *gain, const void *context, const float *b,
		       float *x)
{
	const struct scaled_gain scaled = { gain, context, p->gain * p->gain };
	const struct link *only = p->links;
	size_t i;
	int status;

	if (p->count == 1 && !p->present && only->op->spectral) {
		status = only->op->spectral(only->self, only->scratch, scaled_gain, &scaled, b, x);
		if (status != LACUNA_EUNSUPPORTED)
			return status ? error_context(status, "operator \"%s\"", link_name(only))
				      : status;
	}
	/* problem_find_diagonal() is expensive; skip compositions that cannot be diagonal. */
	if (!(p->flags & LACUNA_PIXELWISE) && !(p->count == 1 && only->op->diagonal))
		return LACUNA_EUNSUPPORTED;
	status = problem_find_diagonal(p);
	if (status)
		return status;
	if (p->diagonal_state == DIAGONAL_NONE)
		return LACUNA_EUNSUPPORTED;
	for (i = 0; i < p->x_count; i++)
		x[i] = (float)(gain(p->diagonal[i], context) * b[i]);
	return LACUNA_OK;
}

int problem_spectral(struct problem *p, lacuna_gain *gain, const void *context, const float *b,
		     float *x)
{
	const struct solve_matrix m = { p->x_count, normal_product, p };
	const struct solve_gain g = { gain, context, p->accuracy.lanczos, p->accuracy.change };
	double change = 0;
	int status = problem_need_linear(p);

	if (status)
		return status;
	status = closed_form(p, gain, context, b, x);
	if (status != LACUNA_EUNSUPPORTED)
		return status;
	status = need_work(p);
	if (!status)
		status = solve_lanczos(&m, &g, b, x, &change, p->work);
	if (!status && change > p->accuracy.doubtful && !p->doubted) {
		p->doubted = 1;
		log_message(LACUNA_LOG_WARN,
			    "this operator has no closed form, and the method's results from its "
			    "spectrum are wrong by about %.0f %%; use prox, hqs or gibbs, or for a "
			    "blur boundary=periodic",
			    100 * change);
	}
	return status;
}

int problem_quadrature(struct problem *p, const float *b, int steps, double *nodes, double *weights,
		       int *count)
{
	const struct solve_matrix m = { p->x_count, normal_product, p };
	int status = problem_need_linear(p);

	if (!status)
		status = need_work(p);
	return status ? status : solve_quadrature(&m, b, steps, nodes, weights, count, p->work);
}

static double inverse_gain(double lambda, const void *context)
{
	return 1 / (lambda + *(const double *)context);
}

/* Context of conjugate gradients: product with A'A, and the operator's approximate (A'A + rho)^-1. */
struct shifted {
	struct problem *problem;
	double rho;
};

static int shifted_normal(void *context, const float *v, float *out)
{
	return normal_product(((struct shifted *)context)->problem, v, out);
}

static int shifted_inverse(void *context, const float *v, float *out)
{
	const struct shifted *s = context;
	const struct link *only = s->problem->links;
	const double gain = s->problem->gain;
	const struct scaled_gain scaled = { inverse_gain, &s->rho, gain * gain };

	return only->op->approximate(only->self, only->scratch, scaled_gain, &scaled, v, out);
}

/* Uses the operator's own solver; LACUNA_EUNSUPPORTED if it has none. */
static int solve_own(struct problem *p, double rho, const float *b, float *x)
{
	const struct link *only = p->links;
	const double square = p->gain * p->gain;
	struct lacuna_system system = { .size = sizeof system,
					.iterations = p->accuracy.iterations,
					.rho = rho / square,
					.tolerance = p->accuracy.tolerance };
	int status;

	if (p->count > 1 || !only->op->solve)
		return LACUNA_EUNSUPPORTED;
	if (p->present) {
		status = problem_need_normal(p);
		if (status)
			return status;
		for (size_t i = 0; i < p->y_count; i++)
			p->normal[i] = p->present[i] * p->present[i];
		system.weights = p->normal;
	}
	/* (gain^2 A'WA + rho) x = b is (A'WA + rho / gain^2) (gain^2 x) = b */
	if (p->gain < 1 || p->gain > 1)
		vector_scale(p->x_count, square, x);
	status = only->op->solve(only->self, only->scratch, &system, b, x);
	if (p->gain < 1 || p->gain > 1)
		vector_scale(p->x_count, 1 / square, x);
	return status && status != LACUNA_EUNSUPPORTED
		       ? error_context(status, "operator \"%s\"", link_name(only))
		       : status;
}

int problem_solve(struct problem *p, double rho, const float *b, float *x)
{
	struct shifted shifted = { p, rho };
	struct solve_matrix m = { p->x_count, shifted_normal, &shifted };
	int status;

	if (!(rho > 0))
		return error_set(LACUNA_EINVAL, "solve() needs rho > 0");
	status = problem_need_linear(p);
	if (status)
		return status;
	status = closed_form(p, inverse_gain, &rho, b, x);
	if (status == LACUNA_EUNSUPPORTED)
		status = solve_own(p, rho, b, x);
	if (status != LACUNA_EUNSUPPORTED)
		return status;
	status = need_work(p);
	return status ? status
		      : solve_cg(&m, rho,
				 p->count == 1 && p->links->op->approximate ? shifted_inverse
									    : NULL,
				 b, x, p->accuracy.tolerance, p->accuracy.iterations, p->work);
}

int problem_has_closed_form(struct problem *p)
{
	const struct link *only = p->links;
	const double one = 1;
	float *b, *x;
	int status;

	if (!(p->flags & LACUNA_LINEAR))
		return 0;
	if (p->flags & LACUNA_PIXELWISE)
		return 1;
	if (p->count > 1 || p->present || !(only->op->spectral || only->op->diagonal))
		return 0;
	/* An operator may have a closed form for some of its configurations only, so try it. */
	b = memory_alloc_array(p->x_count, sizeof *b);
	x = memory_alloc_array(p->x_count, sizeof *x);
	status = b && x ? closed_form(p, inverse_gain, &one, b, x) : LACUNA_ENOMEM;
	memory_release(b);
	memory_release(x);
	return !status;
}
