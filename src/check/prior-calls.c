/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Calls of a prior on trial, and the services that it gets: those of denoising, where A is the identity. */
#include <config.h>

#include "check/prior-private.h"

#include "base/error.h"
#include "base/vector.h"

#include <math.h>
#include <string.h>

/* ---- services */

static size_t count_of(const struct lacuna_host *host)
{
	return ((const struct prior_trial *)host_context(host)->owner)->values;
}

static int identity_apply(const struct lacuna_host *host, const float *x, float *y)
{
	memcpy(y, x, count_of(host) * sizeof *y);
	return LACUNA_OK;
}

static int identity_adjoint(const struct lacuna_host *host, const float *at, const float *y,
			    float *x)
{
	(void)at;
	return identity_apply(host, y, x);
}

static int identity_spectral(const struct lacuna_host *host, lacuna_gain *gain, const void *context,
			     const float *b, float *x)
{
	identity_apply(host, b, x);
	vector_scale(count_of(host), gain(1, context), x);
	return LACUNA_OK;
}

static int identity_solve(const struct lacuna_host *host, double rho, const float *b, float *x)
{
	identity_apply(host, b, x);
	vector_scale(count_of(host), 1 / (1 + rho), x);
	return LACUNA_OK;
}

static int identity_diagonal(const struct lacuna_host *host, float *d)
{
	size_t i;

	for (i = 0; i < count_of(host); i++)
		d[i] = 1;
	return LACUNA_OK;
}

static const struct lacuna_host_problem identity = {
	.size = sizeof identity,
	.apply = identity_apply,
	.adjoint = identity_adjoint,
	.spectral = identity_spectral,
	.solve = identity_solve,
	.diagonal = identity_diagonal,
};

void prior_init_host(struct prior_trial *t)
{
	t->host_context = (struct host_context){ .key = t->c->key, .owner = t };
	host_init(&t->host, &t->host_context);
	if (!t->problem.measurement)
		return;
	t->host.problem = &identity;
}

/* ---- calls */

int prior_run_denoise(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.prior.denoise(call->self, scratch, call->sigma,
							 call->in[0], out);
}

struct call prior_call(const struct prior_trial *t, const char *name,
		       int (*run)(const struct call *, void *, float *), double sigma)
{
	return (struct call){ .name = name,
			      .run = run,
			      .check = t->c,
			      .self = t->self,
			      .sigma = sigma,
			      .scratch_bytes = t->scratch_bytes,
			      .out_count = t->count };
}

int prior_denoise(const struct prior_trial *t, double sigma, const float *u, float *x0)
{
	struct call call = prior_call(t, "denoise", prior_run_denoise, sigma);

	call.in[0] = u;
	return check_quick(t->c, &call, x0);
}

void prior_examine_call(const struct prior_trial *t, struct call call, struct guarded *in0,
			struct guarded *in1, float *result)
{
	struct guarded out = { NULL, 0, NULL };
	const int status = check_call_on(t->c, call, in0, in1, &out);

	check_expect(t->c, ACCEPTS, !status, "%s() fails: %s", call.name, error_text());
	if (!status && result)
		memcpy(result, out.data, t->count * sizeof *result);
	guarded_release(&out);
}

void prior_destroy(const struct prior_trial *t, void *self)
{
	check_enter(t->c, "destroy");
	t->prior->destroy(self);
	check_leave(t->c, LACUNA_OK);
}

/* ---- measures */

double prior_middle_sigma(const struct prior_trial *t)
{
	return sqrt(fmax(t->info.sigma_min, 1e-3) * fmin(t->info.sigma_max, 10));
}

double prior_difference(const struct prior_trial *t, const float *a, const float *b)
{
	vector_subtract(t->count, a, b, t->temporary[3]);
	return vector_norm(t->count, t->temporary[3]) / sqrt((double)t->count);
}
