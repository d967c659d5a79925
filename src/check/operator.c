/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of operators: the shapes to try, an instance for each, and what to examine there.  The files operator-*.c hold
 * the examinations. */
#include <config.h>

#include "check/operator-private.h"

#include "base/error.h"
#include "base/memory.h"
#include "plugin/host.h"
#include "plugin/param.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- one shape */

static void examine_window(const struct trial *t)
{
	struct lacuna_region in_y = { { 0 }, { 0 } }, in_x = { { 0 }, { 0 } };
	int d, inside = 1, status;

	memcpy(in_y.extent, t->y.extent, sizeof in_y.extent);
	check_enter(t->c, "window");
	status = check_leave(t->c, t->op->window(t->self, &in_y, &in_x));
	for (d = 0; d < 4; d++)
		inside &= in_x.origin[d] >= 0 && in_x.extent[d] >= 1 &&
			  in_x.origin[d] + in_x.extent[d] <= t->x.extent[d];
	check_expect(t->c, WINDOW, !status && inside,
		     "window() of all of y: from %lld,%lld, size %lldx%lld; x is %lldx%lld",
		     (long long)in_x.origin[0], (long long)in_x.origin[1],
		     (long long)in_x.extent[0], (long long)in_x.extent[1],
		     (long long)t->x.extent[0], (long long)t->x.extent[1]);
}

/* Seconds per function at the large shape; slower operators get only the adjoint test there. */
static const double patience = 0.3;

static void examine_mathematics(struct trial *t, const struct forms *forms)
{
	if (t->c->now->brief || t->c->asked)
		trial_measure_times(t, forms);
	t->slow = t->c->now->brief &&
		  t->c->measures.times[0].seconds * 1e-6 * (double)t->nx > patience;
	if (!(t->op->flags & LACUNA_LINEAR)) {
		trial_examine_jacobian(t);
		return;
	}
	trial_examine_adjoint(t);
	if (t->slow)
		return;
	trial_examine_linearity(t);
	if (t->op->flags & LACUNA_PIXELWISE)
		trial_examine_pixelwise(t);
	if (t->op->diagonal)
		trial_examine_diagonal(t);
	t->largest = trial_largest_eigenvalue(t);
	if (t->c->now->brief) {
		trial_random(t, 100, t->nx, t->temporary[0]);
		if (forms->spectral && t->largest > 0)
			trial_examine_gain_lambda(t, t->temporary[0], t->temporary[1],
						  t->temporary[2], t->temporary[3]);
		return;
	}
	trial_examine_zero(t);
	if (t->op->flags & LACUNA_PROJECTION)
		trial_examine_projection(t);
	if (t->op->approximate)
		trial_examine_approximate(t);
	if (forms->solve)
		trial_examine_solve(t);
	if (forms->spectral && t->largest > 0) {
		trial_examine_gains(t);
		trial_examine_iterations(t);
		trial_examine_pseudo_inverse(t);
	}
	trial_measure_spectrum(t);
}

static int create_and_destroy(void *context)
{
	struct trial *t = context;
	struct lacuna_shape known = t->c->now->from_x ? t->x : t->y, wanted = { { 0 } };
	void *self = NULL;
	int status = t->op->shape(&t->host, t->config, !t->c->now->from_x, &known, &wanted);

	if (!status)
		status = t->op->create(&t->host, t->config, &t->x, &t->y, &self);
	if (!status)
		t->op->destroy(self);
	return status;
}

static int examine_instance(struct trial *t)
{
	struct creation creation = { create_and_destroy, t };
	size_t n = t->nx > t->ny ? t->nx : t->ny;
	struct forms forms;
	int i, status;

	check_enter(t->c, "create");
	status = check_leave(t->c, t->op->create(&t->host, t->config, &t->x, &t->y, &t->self));
	if (status)
		return status;
	t->scratch_bytes = t->op->scratch ? t->op->scratch(t->self) : 0;
	for (i = 0; i < TEMPORARIES && !status; i++)
		if (!(t->temporary[i] = memory_alloc_array(n, sizeof(float))))
			status = LACUNA_ENOMEM;
	if (!status && trial_examine_functions(t, &forms))
		examine_mathematics(t, &forms);
	if (!status && t->op->offset)
		trial_examine_offset(t);
	if (t->op->window)
		examine_window(t);
	if (!status && !t->c->now->brief && trial_count_free(t->c))
		trial_examine_fit(t);
	for (i = 0; i < TEMPORARIES; i++)
		memory_release(t->temporary[i]);
	trial_release(t, t->self);
	if (!status && t->c->now->thorough)
		check_no_memory(t->c, "create", &creation);
	return status;
}

/* The operator must map this x back to the shape y. */
static int examine_inverse(const struct trial *t, const struct lacuna_shape *x)
{
	struct lacuna_shape back;
	int status = trial_ask_shape(t, 0, x, &back);

	check_expect(t->c, SHAPES, !status && trial_same_shape(&back, &t->y),
		     "x is %lldx%lldx%lld, but its y is %lldx%lldx%lld (%s)",
		     (long long)x->extent[0], (long long)x->extent[1], (long long)x->extent[2],
		     (long long)back.extent[0], (long long)back.extent[1],
		     (long long)back.extent[2], status ? error_text() : "shape()");
	if (!status &&
	    !trial_same_shape(&back, &t->y)) /* its functions could write out of bounds */
		status = error_set(LACUNA_EINVAL, "its shapes do not agree");
	return status;
}

/* Finds x from y.  If x has many more values than a large y, reduces y: a larger x would show nothing more. */
static int shape_from_y(struct trial *t)
{
	struct check_case *now = t->c->now;
	int status = trial_ask_shape(t, 1, &now->shape, &t->x);

	if (!status && !now->thorough && !t->c->asked) {
		const double factor =
			sqrt((double)lacuna_count(&t->x) / (double)lacuna_count(&now->shape));

		for (int d = 0; d < 2 && factor >= 1.5; d++)
			now->shape.extent[d] = (int64_t)ceil((double)now->shape.extent[d] / factor);
		check_where(t->c, &now->shape, "");
		status = trial_ask_shape(t, 1, &now->shape, &t->x);
	}
	t->y = now->shape;
	return status;
}

/* Finds both shapes.  For an operator that cannot find x from y, such as a projection, starts from x. */
static int find_shapes(struct trial *t)
{
	struct check_case *now = t->c->now;
	struct lacuna_shape x;
	char refusal[160] = "";
	int status;

	if (!now->from_x) {
		status = shape_from_y(t);
		if (!status)
			return examine_inverse(t, &t->x);
		if (t->c->asked)
			return status;
		snprintf(refusal, sizeof refusal, "%s", error_text());
	}
	t->x = now->shape;
	status = trial_ask_shape(t, 0, &t->x, &t->y);
	if (status && !now->from_x)
		return error_set(status, "%s", refusal);
	if (status)
		return status;
	now->from_x = 1;
	check_where(t->c, &now->shape, "");
	/* The operator need not know x from y; if it does, it must give this x. */
	return trial_ask_wished(t, 1, &t->y, &t->x, &x) ? LACUNA_OK : examine_inverse(t, &x);
}

static int examine_case(struct check *c, const struct check_case *now)
{
	struct trial t = { .c = c, .op = &c->use->plugin->u.op, .config = c->use->config };
	size_t blocks = memory_live_blocks();
	int status;

	(void)now;
	t.host_context.key = c->key;
	host_init(&t.host, &t.host_context);
	trial_release(&t, NULL);
	status = find_shapes(&t);
	if (status)
		return status;
	t.nx = lacuna_count(&t.x);
	t.ny = lacuna_count(&t.y);
	status = examine_instance(&t);
	check_expect(c, LEAKS, memory_live_blocks() == blocks,
		     "%zu blocks of memory are not released by destroy()",
		     memory_live_blocks() - blocks);
	return status;
}

/* ---- the shapes to try */

/* An operator with a mask or sensing matrix in a file takes images of the file's shape, and perhaps no others. */
static void add_shapes_of_files(struct check *c)
{
	const struct lacuna_plugin *head = c->use->plugin->head;
	struct host_context context = { .key = c->key };
	struct lacuna_host host;
	uint32_t i;

	host_init(&host, &context);
	for (i = 0; i < head->param_count; i++) {
		const struct lacuna_param *row = param_row(head, i);
		struct check_case new_case = { .from_file = 1, .thorough = 1 };
		float *values = NULL;
		char path[4096];

		if (row->type != LACUNA_PATH ||
		    param_value(row, c->use->config, path, sizeof path) >= (int)sizeof path ||
		    !*path || host.read_image(&host, path, &new_case.shape, &values))
			continue;
		memory_release(values);
		check_add_case(c, &new_case);
		if (new_case.shape.extent[2] != 1)
			continue;
		new_case.shape.extent[2] = 3;
		check_add_case(c, &new_case);
	}
	error_clear();
}

static void add_cases(struct check *c)
{
	/* single values and rows; odd, even, square, powers of two; colour, frames; a large one that exposes 16-bit
	 * counters and tables that are too short */
	static const struct check_case usual[] = {
		{ .shape = { { 1, 1, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 1, 9, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 5, 3, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 16, 10, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 15, 15, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 16, 16, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 31, 18, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 31, 18, 3, 1 } }, .thorough = 1 },
		{ .shape = { { 5, 3, 2, 2 } }, .thorough = 1 },
		{ .shape = { { 64, 64, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 97, 101, 1, 1 } } },
		{ .shape = { { 520, 516, 1, 1 } }, .brief = 1 },
	};
	const struct check_request *r = c->request;
	size_t i;

	for (i = 0; i < r->shape_count + r->x_shape_count; i++) {
		const int from_x = i >= r->shape_count;
		struct check_case asked = { .shape = from_x ? r->x_shapes[i - r->shape_count]
							    : r->shapes[i],
					    .from_x = from_x };

		asked.brief = lacuna_count(&asked.shape) > 100000;
		asked.thorough = lacuna_count(&asked.shape) < 10000;
		check_add_case(c, &asked);
	}
	for (i = 0; !c->asked && i < sizeof usual / sizeof *usual; i++)
		check_add_case(c, &usual[i]);
	if (!c->asked)
		add_shapes_of_files(c);
}

const struct family check_operators = { add_cases, examine_case, NULL };
