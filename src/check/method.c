/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of guidances and samplers on small problems: missing pixels, a blur without closed form, a nonlinear
 * operator.  The prior is N(1/2, 1/16) for each pixel, where everything is known in closed form. */
#include <config.h>

#include "check/private.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "base/vector.h"
#include "engine/problem.h"
#include "engine/operation.h"
#include "engine/prior.h"
#include "engine/services.h"
#include "plugin/host.h"

#include <lacuna/conditional.h>
#include <lacuna/turns.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- operators of the checks: an instance holds the width of a row and the number of values */

struct grid {
	const struct lacuna_host *host;
	size_t width, count;
};

static int same_shape(const struct lacuna_host *host, const void *config, int from_y,
		      const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

static int grid_create(const struct lacuna_host *host, const void *config,
		       const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct grid *g = host->alloc(host, sizeof *g);

	(void)config, (void)y;
	if (!g)
		return LACUNA_ENOMEM;
	g->host = host;
	g->width = (size_t)x->extent[0];
	g->count = lacuna_count(x);
	*self = g;
	return LACUNA_OK;
}

static void grid_destroy(void *self)
{
	struct grid *g = self;

	if (g)
		g->host->release(g->host, g);
}

/* Every third pixel is missing. */
static int mask_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct grid *g = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < g->count; i++)
		y[i] = i % 3 ? x[i] : 0;
	return LACUNA_OK;
}

static int mask_adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return mask_apply(self, scratch, y, x);
}

/* Blurs rows with (1/4, 1/2, 1/4) and 0 beyond their ends: symmetric, hence its own adjoint. */
static int blur_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct grid *g = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < g->count; i++) {
		float left = i % g->width ? x[i - 1] : 0;
		float right = (i + 1) % g->width ? x[i + 1] : 0;

		y[i] = 0.5f * x[i] + 0.25f * (left + right);
	}
	return LACUNA_OK;
}

static int blur_adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return blur_apply(self, scratch, y, x);
}

/* y = x + x^3 / 4 */
static int cubic_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct grid *g = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < g->count; i++)
		y[i] = x[i] + 0.25f * x[i] * x[i] * x[i];
	return LACUNA_OK;
}

static int cubic_adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct grid *g = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < g->count; i++)
		x[i] = y[i] * (1 + 0.75f * at[i] * at[i]);
	return LACUNA_OK;
}

enum { MASK, BLUR, CUBIC, OPERATORS };

static const struct lacuna_plugin heads[OPERATORS] = {
	[MASK] = { .kind = LACUNA_OPERATOR, .name = "mask of the checks" },
	[BLUR] = { .kind = LACUNA_OPERATOR, .name = "blur of the checks" },
	[CUBIC] = { .kind = LACUNA_OPERATOR, .name = "cubic of the checks" },
};

#define OPERATOR_OF(name, bits)                                                             \
	{                                                                                   \
		.size = sizeof(struct lacuna_operator), .flags = bits, .shape = same_shape, \
		.create = grid_create, .destroy = grid_destroy, .apply = name##_apply,      \
		.adjoint = name##_adjoint                                                   \
	}

static const struct plugin operators[OPERATORS] = {
	[MASK] = { .head = &heads[MASK],
		   .u.op = OPERATOR_OF(mask, LACUNA_LINEAR | LACUNA_PIXELWISE) },
	[BLUR] = { .head = &heads[BLUR], .u.op = OPERATOR_OF(blur, LACUNA_LINEAR) },
	[CUBIC] = { .head = &heads[CUBIC], .u.op = OPERATOR_OF(cubic, LACUNA_PIXELWISE) },
};

/* ---- a problem and its services */

struct trial {
	struct check *c;
	struct problem *problem;
	struct host_context host_context; /* its owner is the trial */
	struct lacuna_host host;
	struct lacuna_problem description;
	size_t count;
	float *measurement, *start;
	void *self;
};

static struct trial *trial_of(const struct lacuna_host *host)
{
	return host_context(host)->owner;
}

/* E[x0 | x0 + sigma n = u] for x0 ~ N(1/2, 1/16) */
static float posterior_mean(double sigma, float u)
{
	double w = 1 / (1 + 16 * sigma * sigma);

	return (float)(w * u + (1 - w) * 0.5);
}

static int service_denoise(const struct lacuna_host *host, double sigma, const float *u, float *x0)
{
	size_t i;

	for (i = 0; i < trial_of(host)->count; i++)
		x0[i] = posterior_mean(sigma, u[i]);
	return LACUNA_OK;
}

static int service_info(const struct lacuna_host *host, struct lacuna_prior_info *info)
{
	static const struct lacuna_prior_info known = { .size = sizeof known,
							.sigma_max = 1e6,
							.symmetric = 1 };

	(void)host;
	return prior_copy_info(&known, info);
}

static int service_denoise_round(const struct lacuna_host *host, uint32_t round, double sigma,
				 const float *u, float *x0)
{
	(void)round;
	return service_denoise(host, sigma, u, x0);
}

static int service_estimate_step(const struct lacuna_host *host, double sigma, double s,
				 const float *u, float *x0)
{
	(void)s;
	return service_denoise(host, sigma, u, x0);
}

/* Available for the operators that allow an exact mean no other way. */
static int service_condition(const struct lacuna_host *host, double noise)
{
	const struct trial *t = trial_of(host);

	(void)noise;
	if (problem_flags(t->problem) & LACUNA_PIXELWISE)
		return error_set(LACUNA_EUNSUPPORTED, "no conditional mean in closed form");
	return LACUNA_OK;
}

static int service_denoise_map(const struct lacuna_host *host, const float *sigma, const float *u,
			       float *x0)
{
	size_t i;

	for (i = 0; i < trial_of(host)->count; i++)
		x0[i] = posterior_mean(sigma[i], u[i]);
	return LACUNA_OK;
}

static int service_denoise_turned(const struct lacuna_host *host, uint32_t turn, const float *sigma,
				  const float *u, float *x0)
{
	return turn ? LACUNA_EUNSUPPORTED : service_denoise_map(host, sigma, u, x0);
}

static int service_vjp(const struct lacuna_host *host, double sigma, const float *u, const float *v,
		       float *out)
{
	size_t i;

	(void)u;
	for (i = 0; i < trial_of(host)->count; i++)
		out[i] = (float)(v[i] / (1 + 16 * sigma * sigma));
	return LACUNA_OK;
}

static const void *service_extension(const struct lacuna_host *host, const char *name)
{
	static const struct lacuna_conditional conditional = { service_condition, service_denoise };
	static const struct lacuna_turns turns = { service_denoise_turned };

	if (!strcmp(name, LACUNA_OPERATIONS))
		return &operation_services;
	if (!strcmp(name, LACUNA_CONDITIONAL))
		return &conditional;
	return strcmp(name, LACUNA_TURNS) ? host_extension(host, name) : &turns;
}

static const struct lacuna_host_prior prior_services = {
	.size = sizeof prior_services,
	.info = service_info,
	.denoise = service_denoise,
	.denoise_map = service_denoise_map,
	.denoise_vjp = service_vjp,
	.denoise_jvp = service_vjp, /* symmetric */
	.denoise_round = service_denoise_round,
};

static const struct lacuna_host_guidance guidance_services = {
	.size = sizeof guidance_services,
	.estimate = service_denoise,
	.estimate_step = service_estimate_step,
};

static double unit_gain(double lambda, const void *context)
{
	(void)lambda, (void)context;
	return 1;
}

/* Makes the problem allocate its work space, which would otherwise count as the plugin's. */
static int warm_up(struct trial *t)
{
	float *x = memory_alloc_array(t->count, sizeof *x);
	int status = x ? problem_adjoint(t->problem, t->start, t->measurement, x) : LACUNA_ENOMEM;

	if (!status && (problem_flags(t->problem) & LACUNA_LINEAR)) {
		status = problem_spectral(t->problem, unit_gain, NULL, t->start, x);
		if (!status)
			status = problem_solve(t->problem, 1, t->start, x);
		if (!status) /* not every operator has a diagonal */
			problem_diagonal(t->problem, x);
	}
	memory_release(x);
	return status;
}

static int trial_create(struct check *c, const struct lacuna_shape *image, int operator_index,
			double noise, struct trial *t)
{
	const struct plugin_use use = { .plugin = &operators[operator_index] };
	const struct lacuna_shape shape = *image;
	struct lacuna_host *h = &t->host;
	char label[48];
	int status;

	memset(t, 0, sizeof *t);
	snprintf(label, sizeof label, "%s, noise %g", heads[operator_index].name, noise);
	check_where(c, &shape, label);
	t->host_context = (struct host_context){ .key = c->key, .owner = t };
	t->c = c;
	t->count = lacuna_count(&shape);
	host_init(h, &t->host_context);
	h->problem = &problem_services;
	h->prior = &prior_services;
	h->guidance = &guidance_services;
	h->extension = service_extension;
	status = problem_create(&use, 1, 1, &shape, &t->problem);
	t->host_context.problem = t->problem;
	t->measurement = memory_alloc_array(t->count, sizeof(float));
	t->start = memory_alloc_array(t->count, sizeof(float));
	if (!status && (!t->measurement || !t->start))
		status = LACUNA_ENOMEM;
	if (!status) {
		size_t i;

		random_gaussian(c->key, 7, 0, t->start, t->count);
		for (i = 0; i < t->count; i++)
			t->start[i] = 0.5f + 0.25f * t->start[i];
		status = problem_simulate(t->problem, t->start, noise, c->key, t->measurement);
	}
	if (!status)
		status = problem_measure(t->problem, t->measurement, noise, NULL);
	if (!status)
		status = warm_up(t);
	t->description = (struct lacuna_problem){
		.size = sizeof t->description,
		.flags = problem_flags(t->problem) |
			 (problem_has_closed_form(t->problem) ? LACUNA_CLOSED : 0),
		.x = shape,
		.y = shape,
		.measurement = t->measurement,
		.noise = noise
	};
	return status;
}

static void trial_destroy(struct trial *t)
{
	problem_destroy(t->problem);
	memory_release(t->measurement);
	memory_release(t->start);
}

/* True if the operator provides what the plugin declares to need; then the plugin must work. */
static int can_serve(uint32_t needs, int operator_index)
{
	if (operator_index == CUBIC && (needs & LACUNA_NEEDS_LINEAR))
		return 0;
	return operator_index == MASK || !(needs & LACUNA_NEEDS_DIAGONAL);
}

/* ---- guidances */

static int run_estimate(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.guidance.estimate(call->self, scratch, call->sigma,
							     call->in[0], out);
}

static int run_estimate_step(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.guidance.estimate_step(
		call->self, scratch, call->sigma, call->sigma / 2, call->in[0], out);
}

static int guidance_creation(void *context)
{
	struct trial *t = context;
	const struct lacuna_guidance *guidance = &t->c->use->plugin->u.guidance;
	void *self = NULL;
	int status = guidance->create(&t->host, t->c->use->config, &t->description, &self);

	if (!status)
		guidance->destroy(self);
	return status;
}

static int examine_guidance(struct trial *t)
{
	static const double sigmas[] = { 0.01, 0.3, 5 };
	const struct lacuna_guidance *guidance = &t->c->use->plugin->u.guidance;
	struct creation creation = { guidance_creation, t };
	struct call call = { .name = "estimate",
			     .run = run_estimate,
			     .check = t->c,
			     .out_count = t->count,
			     .serial =
				     1 }; /* one problem's services must not be run concurrently */
	int i, status;

	check_enter(t->c, "create");
	status = check_leave(
		t->c, guidance->create(&t->host, t->c->use->config, &t->description, &t->self));
	if (status)
		return status;
	call.self = t->self;
	call.scratch_bytes = guidance->scratch ? guidance->scratch(t->self) : 0;
	for (i = 0; i < 3; i++) {
		struct guarded u = { NULL, 0, NULL }, out = { NULL, 0, NULL };

		call.sigma = sigmas[i];
		if (guarded_random(t->c, 1, t->count, 0.5, sigmas[i], &u))
			break;
		call.in[0] = u.data;
		call.inputs[0] = &u;
		status = check_call(t->c, &call, &out);
		check_expect(t->c, ACCEPTS, !status, "estimate() fails: %s", error_text());
		guarded_release(&out);
		if (guidance->estimate_step) {
			struct call step = call;

			step.name = "estimate_step";
			step.run = run_estimate_step;
			status = check_call(t->c, &step, &out);
			check_expect(t->c, ACCEPTS, !status, "estimate_step() fails: %s",
				     error_text());
			guarded_release(&out);
		}
		guarded_release(&u);
	}
	check_enter(t->c, "destroy");
	guidance->destroy(t->self);
	check_leave(t->c, LACUNA_OK);
	check_no_memory(t->c, "create", &creation);
	return LACUNA_OK;
}

/* ---- samplers */

/* A whole run into u. */
static int run_sampler(const struct call *call, void *scratch, float *u)
{
	const struct lacuna_sampler *sampler = &call->check->use->plugin->u.sampler;
	/* `self' is const for other families; a sampler changes its instance, so its calls are serial. */
	void *self = ((const struct trial *)call->self)->self;
	int64_t k, steps = sampler->steps(self);
	int status;

	(void)scratch;
	check_enter(call->check, "start");
	status = check_leave(call->check, sampler->start(self, u));
	for (k = 0; !status && k < steps; k++) {
		check_enter(call->check, "step");
		status = sampler->step(self, k, u);
		/* Later steps' changes to the surroundings are noticed at the end of the run. */
		if (k < 2 || status)
			check_leave(call->check, status == LACUNA_DONE ? LACUNA_OK : status);
		else
			check_leave_quickly(call->check);
	}
	return status < 0 ? status : LACUNA_OK;
}

static int sampler_creation(void *context)
{
	struct trial *t = context;
	const struct lacuna_sampler *sampler = &t->c->use->plugin->u.sampler;
	void *self = NULL;
	int status = sampler->create(&t->host, t->c->use->config, &t->description, &self);

	if (!status)
		sampler->destroy(self);
	return status;
}

static int examine_sampler(struct trial *t)
{
	const struct lacuna_sampler *sampler = &t->c->use->plugin->u.sampler;
	struct creation creation = { sampler_creation, t };
	struct call call = { .name = "start/step",
			     .run = run_sampler,
			     .check = t->c,
			     .self = t,
			     .out_count = t->count,
			     .serial = 1 };
	struct guarded u = { NULL, 0, NULL };
	int64_t steps;
	int status;

	check_enter(t->c, "create");
	status = check_leave(
		t->c, sampler->create(&t->host, t->c->use->config, &t->description, &t->self));
	if (status)
		return status;
	check_enter(t->c, "steps");
	steps = sampler->steps(t->self);
	check_leave(t->c, LACUNA_OK);
	if (check_expect(t->c, STEPS, steps > 0, "steps() is %lld", (long long)steps)) {
		status = check_call(t->c, &call, &u);
		check_expect(t->c, ACCEPTS, !status, "start() or step() fails: %s", error_text());
		guarded_release(&u);
	}
	check_enter(t->c, "destroy");
	sampler->destroy(t->self);
	check_leave(t->c, LACUNA_OK);
	check_no_memory(t->c, "create", &creation);
	return LACUNA_OK;
}

/* ---- all problems */

static const double noises[] = { 0.05, 0 };

/* A variant is a pair of operator and noise level. */
static void add_cases_for(struct check *c, uint32_t needs)
{
	static const struct lacuna_shape usual = { { 16, 12, 1, 1 } };
	const struct check_request *r = c->request;
	size_t i;
	int variant;

	for (i = 0; i < (r->shape_count ? r->shape_count : 1); i++)
		for (variant = 0; variant < 2 * OPERATORS; variant++) {
			struct check_case new_case = { .shape = r->shape_count ? r->shapes[i]
									       : usual,
						       .variant = variant,
						       .thorough = variant % 2 == 0 };

			if (can_serve(needs, variant / 2))
				check_add_case(c, &new_case);
		}
	c->needed = 1;
}

static int examine_problem(struct check *c, const struct check_case *now,
			   int (*examine)(struct trial *))
{
	size_t blocks = memory_live_blocks();
	struct trial t;
	int status = trial_create(c, &now->shape, now->variant / 2, noises[now->variant % 2], &t);

	if (!status)
		status = examine(&t);
	if (!status) {
		t.description.start = t.start;
		status = examine(&t);
	}
	trial_destroy(&t);
	check_expect(c, LEAKS, memory_live_blocks() == blocks,
		     "%zu blocks of memory are not released by destroy()",
		     memory_live_blocks() - blocks);
	return status;
}

static void add_guidance_cases(struct check *c)
{
	add_cases_for(c, c->use->plugin->u.guidance.needs);
}

static int examine_guidance_case(struct check *c, const struct check_case *now)
{
	c->use->plugin->u.guidance.destroy(NULL);
	return examine_problem(c, now, examine_guidance);
}

static void add_sampler_cases(struct check *c)
{
	add_cases_for(c, c->use->plugin->u.sampler.needs);
}

static int examine_sampler_case(struct check *c, const struct check_case *now)
{
	c->use->plugin->u.sampler.destroy(NULL);
	return examine_problem(c, now, examine_sampler);
}

const struct family check_guidances = { add_guidance_cases, examine_guidance_case, NULL };
const struct family check_samplers = { add_sampler_cases, examine_sampler_case, NULL };
