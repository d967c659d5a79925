/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The diagonal of A'A, where pixels do not mix. */
#include <config.h>

#include "engine/problem-private.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"

#include <string.h>

/* Pixelwise links have at most one entry per row of A_k, so (A_k' D A_k) 1 = A_k'(D A_k 1). */
static int pixelwise_diagonal(struct problem *p, float *d)
{
	float *ones = NULL, *weights = NULL, *next;
	size_t k, i, n = p->y_count;
	int status = LACUNA_OK;

	weights = memory_alloc_array(n, sizeof *weights);
	for (i = 0; weights && i < n; i++)
		weights[i] = (float)(p->gain * p->gain *
				     (p->present ? (double)p->present[i] * p->present[i] : 1));
	if (!weights)
		return LACUNA_ENOMEM;
	for (k = p->count; !status && k-- > 0;) {
		struct link *l = &p->links[k];
		size_t in = lacuna_count(&l->in), out = lacuna_count(&l->out);
		float *entries = memory_alloc_array(out, sizeof *entries);

		ones = memory_alloc_array(in, sizeof *ones);
		next = memory_alloc_array(in, sizeof *next);
		if (!entries || !ones || !next) {
			status = LACUNA_ENOMEM;
		} else {
			for (i = 0; i < in; i++)
				ones[i] = 1;
			status = l->op->apply(l->self, l->scratch, ones, entries);
			for (i = 0; i < out; i++)
				entries[i] *= weights[i];
			if (!status)
				status = l->op->adjoint(l->self, l->scratch, NULL, entries, next);
		}
		memory_release(entries);
		memory_release(ones);
		memory_release(weights);
		weights = next;
	}
	if (!status)
		memcpy(d, weights, p->x_count * sizeof *d);
	memory_release(weights);
	return status;
}

static int compute_diagonal(struct problem *p, float *d)
{
	const struct link *only = p->links;

	if ((p->flags & LACUNA_PIXELWISE) && (p->flags & LACUNA_LINEAR))
		return pixelwise_diagonal(p, d);
	if (p->count == 1 && !p->present && only->op->diagonal) {
		const int status = only->op->diagonal(only->self, d);

		if (!status)
			vector_scale(p->x_count, p->gain * p->gain, d);
		return status;
	}
	return LACUNA_EUNSUPPORTED;
}

/* Computes A'A's diagonal if there is one, and sets diagonal_state. */
int problem_find_diagonal(struct problem *p)
{
	int status;

	if (p->diagonal_state != DIAGONAL_UNKNOWN)
		return LACUNA_OK;
	p->diagonal = memory_alloc_array(p->x_count, sizeof *p->diagonal);
	if (!p->diagonal)
		return LACUNA_ENOMEM;
	status = compute_diagonal(p, p->diagonal);
	if (status) {
		memory_release(p->diagonal);
		p->diagonal = NULL;
	}
	if (status && status != LACUNA_EUNSUPPORTED)
		return status;
	p->diagonal_state = status ? DIAGONAL_NONE : DIAGONAL_KNOWN;
	return LACUNA_OK;
}

int problem_diagonal(struct problem *p, float *d)
{
	int status = problem_find_diagonal(p);

	if (status)
		return status;
	if (p->diagonal_state == DIAGONAL_NONE)
		return error_set(
			LACUNA_EUNSUPPORTED,
			"this operator does not act on pixels one by one (A'A is not diagonal)");
	memcpy(d, p->diagonal, p->x_count * sizeof *d);
	return LACUNA_OK;
}

void problem_forget_diagonal(struct problem *p)
{
	memory_release(p->diagonal);
	p->diagonal = NULL;
	p->diagonal_state = DIAGONAL_UNKNOWN;
}
