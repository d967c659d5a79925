/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What is examined of the extensions: the deviation of an estimate, and denoising given the measurement. */
#include <config.h>

#include "check/prior-private.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

static int run_conditional(const struct call *call, void *scratch, float *out)
{
	const struct lacuna_prior_conditional *prior =
		plugin_extension(call->check->use->plugin, LACUNA_CONDITIONAL);

	return prior->conditional(call->self, scratch, call->sigma, call->in[0], out);
}

static int run_deviation(const struct call *call, int pixelwise, float *out)
{
	const struct lacuna_prior_deviation *prior =
		plugin_extension(call->check->use->plugin, LACUNA_DEVIATION);
	const struct lacuna_estimate e = {
		.size = sizeof e,
		.pixelwise = pixelwise,
		.x = call->in[0],
		.guess = call->in[1],
		.noise = call->sigma,
	};

	return prior->deviation(call->self, &e, out);
}

static int run_deviation_pixelwise(const struct call *call, void *scratch, float *out)
{
	(void)scratch;
	return run_deviation(call, 1, out);
}

static int run_deviation_mixed(const struct call *call, void *scratch, float *out)
{
	(void)scratch;
	return run_deviation(call, 0, out);
}

/* True if the parameters give the prior experience of such operators. */
static int knows_deviation(const struct prior_trial *t, const struct call *call, float *out)
{
	int status;

	check_enter(t->c, call->name);
	status = call->run(call, NULL, out);
	check_leave(t->c, status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status);
	return status != LACUNA_EUNSUPPORTED;
}

/* The guess varies widely. */
void prior_examine_deviation(const struct prior_trial *t)
{
	static int (*const runs[])(const struct call *, void *,
				   float *) = { run_deviation_pixelwise, run_deviation_mixed };
	struct guarded x = { NULL, 0, NULL }, guess = { NULL, 0, NULL };
	float *deviation = t->temporary[0];
	size_t i;

	if (guarded_random(t->c, 1, t->count, 0.5, 0.3, &x) ||
	    guarded_random(t->c, 2, t->count, 0, 1, &guess))
		goto out;
	for (i = 0; i < t->count; i++) {
		float *value = (float *)guess.data + i;

		*value = (float)fmin(0.05 * exp((double)*value), 0.5);
	}
	for (i = 0; i < sizeof runs / sizeof *runs; i++) {
		struct call call = prior_call(t, "deviation", runs[i], 0.05);
		size_t wrong = 0, k;

		call.serial = 1;
		call.in[0] = x.data;
		call.in[1] = guess.data;
		if (!knows_deviation(t, &call, deviation))
			continue;
		memset(deviation, 0, t->count * sizeof *deviation);
		prior_examine_call(t, call, &x, &guess, deviation);
		for (k = 0; k < t->count; k++)
			wrong += !(deviation[k] >= 0);
		check_expect(t->c, DEVIATION, wrong == 0, "%zu of %zu values are below 0", wrong,
			     t->count);
	}
out:
	guarded_release(&guess);
	guarded_release(&x);
}

/* Uses its own instance, since condition() may change the result of scratch(). */
void prior_examine_conditional(const struct prior_trial *t,
			       const struct lacuna_prior_conditional *conditional)
{
	struct prior_trial own = *t;
	struct guarded u = { NULL, 0, NULL };
	int status;

	own.self = NULL;
	check_enter(t->c, "create");
	status = check_leave(
		t->c, t->prior->create(&own.host, t->c->use->config, &own.problem, &own.self));
	if (status)
		return;
	check_enter(t->c, "condition");
	status = conditional->condition(own.self, &own.problem, own.problem.noise);
	check_leave(t->c, status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status);
	if (status != LACUNA_EUNSUPPORTED)
		check_expect(t->c, ACCEPTS, !status, "condition() fails: %s", error_text());
	own.scratch_bytes = own.prior->scratch ? own.prior->scratch(own.self) : 0;
	if (!status && !guarded_random(t->c, 1, t->count, 0.5, prior_middle_sigma(t), &u))
		prior_examine_call(
			&own,
			prior_call(&own, "conditional", run_conditional, prior_middle_sigma(t)), &u,
			NULL, NULL);
	guarded_release(&u);
	prior_destroy(t, own.self);
}
