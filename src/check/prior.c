/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of priors, with and without a measurement (denoising: A is the identity). */
#include <config.h>

#include "check/prior-private.h"

#include "base/memory.h"

#include <math.h>

/* ---- one shape */

static void examine_info(struct prior_trial *t)
{
	const struct lacuna_prior_info *info = &t->info;
	int64_t channels = t->problem.x.extent[2];

	check_expect(t->c, INFO, info->channels >= 0, "channels is %d", (int)info->channels);
	check_expect(t->c, INFO, info->blind == 0 || info->blind == 1, "blind is %d",
		     (int)info->blind);
	check_expect(t->c, INFO, info->rounds == 0 || info->rounds == 1, "rounds is %d",
		     (int)info->rounds);
	check_expect(t->c, INFO,
		     isfinite(info->sigma_max) && info->sigma_min >= 0 &&
			     info->sigma_max > info->sigma_min,
		     "sigma from %g to %g", info->sigma_min, info->sigma_max);
	t->count = lacuna_count(&t->problem.x);
	if (info->channels > 0 && channels % info->channels == 0)
		t->count = t->count / (size_t)channels * (size_t)info->channels;
}

static int create_and_destroy(void *context)
{
	struct prior_trial *t = context;
	void *self = NULL;
	int status = t->prior->create(&t->host, t->c->use->config, &t->problem, &self);

	if (!status)
		t->prior->destroy(self);
	return status;
}

static int examine_instance(struct prior_trial *t)
{
	struct creation creation = { create_and_destroy, t };
	const struct lacuna_prior_conditional *conditional =
		plugin_extension(t->c->use->plugin, LACUNA_CONDITIONAL);
	int i, status;

	prior_init_host(t);
	check_enter(t->c, "create");
	status = check_leave(t->c,
			     t->prior->create(&t->host, t->c->use->config, &t->problem, &t->self));
	if (status)
		return status;
	t->info = (struct lacuna_prior_info){ .size = sizeof t->info };
	check_enter(t->c, "info");
	t->prior->info(t->self, &t->info);
	check_leave(t->c, LACUNA_OK);
	examine_info(t);
	t->scratch_bytes = t->prior->scratch ? t->prior->scratch(t->self) : 0;
	for (i = 0; i < 4 && !status; i++)
		if (!(t->temporary[i] = memory_alloc_array(t->count, sizeof(float))))
			status = LACUNA_ENOMEM;
	if (!status && t->c->now->brief) {
		prior_examine_large(t);
	} else if (!status) {
		prior_examine_denoise(t);
		if (t->prior->denoise_map)
			prior_examine_map(t);
		if (t->prior->vjp)
			prior_examine_vjp(t);
		if (t->prior->jvp)
			prior_examine_jvp(t);
		if (t->prior->flags & LACUNA_GAUSSIAN)
			prior_examine_gaussian(t);
		if ((t->prior->flags & LACUNA_TRAINED) && t->count >= PICTURE)
			prior_examine_trained(t);
		if (t->info.symmetric && t->count >= PICTURE)
			prior_examine_symmetry(t);
		if (conditional && t->problem.measurement)
			prior_examine_conditional(t, conditional);
		if (plugin_extension(t->c->use->plugin, LACUNA_DEVIATION))
			prior_examine_deviation(t);
	}
	for (i = 0; i < 4; i++)
		memory_release(t->temporary[i]);
	prior_destroy(t, t->self);
	if (!status && t->c->now->thorough)
		check_no_memory(t->c, "create", &creation);
	return status;
}

static int examine_case(struct check *c, const struct check_case *now)
{
	struct prior_trial t = { .c = c, .prior = &c->use->plugin->u.prior };
	struct guarded y = { NULL, 0, NULL };
	const int measured = now->variant;
	size_t blocks;
	int status;

	prior_destroy(&t, NULL);
	blocks = memory_live_blocks();
	check_where(c, &now->shape, measured ? "measured" : "");
	t.values = lacuna_count(&now->shape);
	t.problem = (struct lacuna_problem){
		.size = sizeof t.problem,
		.flags = (t.prior->vjp ? LACUNA_DERIVATIVE : 0) |
			 (t.prior->jvp ? LACUNA_TANGENT : 0),
		.x = now->shape,
		.y = now->shape,
		.noise = 0.05,
	};
	status = guarded_random(c, 9, t.values, 0.5, 0.2, &y);
	if (status)
		return status;
	t.problem.measurement = measured ? y.data : NULL;
	status = examine_instance(&t);
	guarded_release(&y);
	check_expect(c, LEAKS, memory_live_blocks() == blocks,
		     "%zu blocks of memory are not released by prior_destroy()",
		     memory_live_blocks() - blocks);
	return status;
}

/* ---- the shapes to try */

static void add_cases(struct check *c)
{
	/* The first shapes with one and with three channels are examined thoroughly, which may take seconds. */
	static const struct check_case usual[] = {
		{ .shape = { { 31, 18, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 31, 18, 3, 1 } }, .thorough = 1 },
		{ .shape = { { 1, 1, 1, 1 } } },
		{ .shape = { { 1, 9, 1, 1 } } },
		{ .shape = { { 5, 3, 1, 1 } } },
		{ .shape = { { 12, 12, 1, 1 } } },
		{ .shape = { { 64, 64, 1, 1 } } },
		{ .shape = { { 97, 101, 1, 1 } } },
		{ .shape = { { 520, 516, 1, 1 } }, .brief = 1 },
	};
	const struct check_request *r = c->request;
	const size_t count = r->shape_count ? r->shape_count : sizeof usual / sizeof *usual;
	size_t i;

	for (i = 0; i < count; i++) {
		struct check_case new_case = usual[0];

		if (r->shape_count)
			new_case.shape = r->shapes[i];
		else
			new_case = usual[i];
		new_case.brief |= lacuna_count(&new_case.shape) > 100000;
		check_add_case(c, &new_case);
		new_case.variant = 1;
		if (!new_case.brief)
			check_add_case(c, &new_case);
	}
}

/* Judges over all shapes: for a single value, or where all values are known, sigma need not matter. */
static void conclude(struct check *c)
{
	if (c->sigma_examined)
		check_expect(c, SIGMA, c->sigma_counts,
			     "the results for the smallest sigma and for the largest are the same");
}

const struct family check_priors = { add_cases, examine_case, conclude };
