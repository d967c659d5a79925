/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Inside a problem: its state, and what the files problem-*.c share. */
#ifndef ENGINE_PROBLEM_PRIVATE_H
#define ENGINE_PROBLEM_PRIVATE_H

#include "engine/problem.h"

#include "engine/solve.h"
#include "plugin/host.h"

/* One operator of the composition. */
struct link {
	const struct plugin *plugin;
	const struct lacuna_operator *op;
	const void *config;
	void *self, *scratch;
	struct lacuna_shape in, out;
	float *output; /* input of the next link; the last link writes to the caller's array */
	float *back;   /* output of the next link's adjoint */
};

struct problem {
	struct host_context host_context;
	struct lacuna_host host; /* of the operators */
	struct link *links;
	size_t count;
	struct lacuna_shape x, y;
	size_t x_count, y_count;
	struct lacuna_shape wish; /* the user's shape for x where y does not determine it */
	struct lacuna_region window;
	uint32_t flags;

	float *measurement;
	double noise;
	/* Factor of A, y and the noise that gives A's rows a mean length of 1: see problem_normalise(). */
	double gain;
	double normalising; /* gain for the next measurement; 0 stands for 1 */
	float *present; /* y-shaped weights, 0 where the measurement is missing; NULL: 1 everywhere */
	float *diagonal; /* diagonal of A'A, computed on demand; see diagonal_state */
	enum { DIAGONAL_UNKNOWN, DIAGONAL_KNOWN, DIAGONAL_NONE } diagonal_state;

	struct solve_accuracy accuracy;
	int doubted;   /* spectral()'s lack of convergence has been reported */
	float *normal; /* y-shaped work space, between A and A' */
	float *work;   /* SOLVE_WORK x-shaped vectors */
};

static inline const char *link_name(const struct link *l)
{
	return l->plugin->head->name;
}

/* ---- problem-apply.c */

/* A without weights: without missing pixels, and rows of any length. */
int problem_apply_links(struct problem *, const float *x, float *y);
/* A' y without weights. */
int problem_adjoint_links(struct problem *, const float *at, const float *y, float *x);
/* Weighs y: missing pixels become 0, and rows get a mean length of 1. */
void problem_apply_weights(const struct problem *, float *y);
/* Allocates problem->normal. */
int problem_need_normal(struct problem *);

/* ---- problem-diagonal.c */

/* Computes A'A's diagonal if there is one, and sets diagonal_state. */
int problem_find_diagonal(struct problem *);
void problem_forget_diagonal(struct problem *);

/* ---- problem-solve.c */

/* LACUNA_EUNSUPPORTED, with a message, if A is not linear. */
int problem_need_linear(const struct problem *);

#endif
