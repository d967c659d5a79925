/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The composition at work: A, A', the offset, the projection and the fit. */
#include <config.h>

#include "engine/problem-private.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"
#include "plugin/host.h"

#include <lacuna/fit.h>

#include <math.h>
#include <string.h>

/* A without the missing pixels */
int problem_apply_links(struct problem *p, const float *x, float *y)
{
	size_t i;

	for (i = 0; i < p->count; i++) {
		struct link *l = &p->links[i];
		float *out = i + 1 == p->count ? y : l->output;
		int status = l->op->apply(l->self, l->scratch, x, out);

		if (status)
			return error_context(status, "operator \"%s\"", link_name(l));
		x = out;
	}
	return LACUNA_OK;
}

/* Each link's b passes through the links after it. */
int problem_offset(struct problem *p, float *b, int *found)
{
	float *to = NULL, *at = b;
	int status = LACUNA_OK;

	*found = 0;
	for (size_t k = 0; !status && k < p->count; k++) {
		struct link *l = &p->links[k];
		const size_t n = lacuna_count(&l->out);
		float *own = NULL;

		if (!*found && !l->op->offset)
			continue;
		to = memory_alloc_array(n, sizeof *to);
		if (l->op->offset)
			own = memory_alloc_array(n, sizeof *own);
		if (!to || (l->op->offset && !own))
			status = LACUNA_ENOMEM;
		if (!status && *found)
			status = l->op->apply(l->self, l->scratch, at, to);
		if (!status && own)
			status = l->op->offset(l->self, own);
		for (size_t i = 0; !status && own && i < n; i++)
			to[i] += own[i];
		memory_release(own);
		if (at != b)
			memory_release(at);
		at = to;
		*found = 1;
		if (status)
			error_context(status, "operator \"%s\"", link_name(l));
	}
	if (!status && *found)
		memcpy(b, at, p->y_count * sizeof *b);
	if (at != b)
		memory_release(at);
	return status;
}

int problem_project(struct problem *p, float *y)
{
	struct link *last = &p->links[p->count - 1];
	float *whole;
	int status;

	if (!(p->flags & LACUNA_PROJECTION))
		return LACUNA_OK;
	for (size_t k = 0; k + 1 < p->count; k++)
		if (p->links[k].op->flags & LACUNA_PROJECTION)
			return error_set(LACUNA_EINVAL,
					 "operator \"%s\" must be the last one, because it removes "
					 "a part of the measurement",
					 link_name(&p->links[k]));
	for (size_t i = 0; i < p->y_count; i++)
		if (!isfinite(y[i]))
			return error_set(
				LACUNA_EINVAL,
				"operator \"%s\" cannot work with missing values (NaN, infinite or "
				"nodata); fill them first (restore -A identity --fill)",
				link_name(last));
	whole = memory_alloc_array(p->y_count, sizeof *whole);
	if (!whole)
		return LACUNA_ENOMEM;
	memcpy(whole, y, p->y_count * sizeof *whole);
	status = last->op->apply(last->self, last->scratch, whole, y);
	memory_release(whole);
	return status ? error_context(status, "operator \"%s\"", link_name(last)) : LACUNA_OK;
}

void problem_apply_weights(const struct problem *p, float *y)
{
	size_t i;

	if (p->gain < 1 || p->gain > 1)
		vector_scale(p->y_count, p->gain, y);
	if (p->present)
		for (i = 0; i < p->y_count; i++)
			y[i] *= p->present[i];
}

int problem_apply(struct problem *p, const float *x, float *y)
{
	int status = problem_apply_links(p, x, y);

	if (!status)
		problem_apply_weights(p, y);
	return status;
}

int problem_apply_to_ones(struct problem *p, float *y)
{
	float *x = memory_alloc_array(p->x_count, sizeof *x);
	int status = LACUNA_ENOMEM;

	if (x) {
		for (size_t i = 0; i < p->x_count; i++)
			x[i] = 1;
		status = problem_apply(p, x, y);
	}
	memory_release(x);
	return status;
}

/* Runs A on `at', which leaves in the links' outputs the points where their Jacobians are taken. */
static int linearise(struct problem *p, const float *at)
{
	if (p->flags & LACUNA_LINEAR)
		return LACUNA_OK;
	if (!at)
		return error_set(LACUNA_EUNSUPPORTED,
				 "a nonlinear operator needs a point to be linearised at");
	return problem_apply_links(p, at, p->normal);
}

int problem_need_normal(struct problem *p)
{
	if (!p->normal)
		p->normal = memory_alloc_array(p->y_count, sizeof *p->normal);
	return p->normal ? LACUNA_OK : LACUNA_ENOMEM;
}

/* A' y without the weights */
int problem_adjoint_links(struct problem *p, const float *at, const float *y, float *x)
{
	size_t k;

	for (k = p->count; k-- > 0;) {
		struct link *l = &p->links[k];
		const float *point = k ? p->links[k - 1].output : at;
		float *out = k ? p->links[k - 1].back : x;
		int status = l->op->adjoint(l->self, l->scratch,
					    p->flags & LACUNA_LINEAR ? NULL : point, y, out);

		if (status)
			return error_context(status, "operator \"%s\"", link_name(l));
		y = out;
	}
	return LACUNA_OK;
}

int problem_adjoint(struct problem *p, const float *at, const float *y, float *x)
{
	int status = LACUNA_OK;

	const int weighted = p->present || p->gain < 1 || p->gain > 1;

	if (weighted || !(p->flags & LACUNA_LINEAR))
		status = problem_need_normal(p);
	if (!status)
		status = linearise(p, at);
	if (!status && weighted) {
		memcpy(p->normal, y, p->y_count * sizeof *y);
		problem_apply_weights(p, p->normal);
		y = p->normal;
	}
	return status ? status : problem_adjoint_links(p, at, y, x);
}

int problem_fit(struct problem *p, const float *x, const float *y, double noise, void *config)
{
	const struct link *l = &p->links[0];
	const struct lacuna_operator_fit *fit = plugin_extension(l->plugin, LACUNA_FIT);
	int status;

	plugin_gate_enter();
	status = fit->fit(l->self, x, y, noise, config);
	plugin_gate_leave();
	return status ? error_context(status, "operator \"%s\"", link_name(l)) : LACUNA_OK;
}
