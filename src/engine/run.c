/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Runs: creates a prior, a guidance and a sampler for a problem, and takes the steps of the sampler. */
#include <config.h>

#include "engine/run-private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "base/vector.h"
#include "engine/prior.h"
#include "plugin/host.h"

#include <math.h>

/* ---- what the plugins need of each other */

static int needs_met(struct session *s, const struct plugin_use *use, uint32_t needs)
{
	const struct lacuna_plugin *head = use->plugin->head;
	const char *family = plugin_kind_name((int)head->kind);
	const struct lacuna_plugin *prior = s->prior_use->plugin->head;

	if ((needs & LACUNA_NEEDS_LINEAR) && !(problem_flags(s->problem) & LACUNA_LINEAR))
		return error_set(LACUNA_EUNSUPPORTED,
				 "%s \"%s\" needs a linear operator, but this one is not linear",
				 family, head->name);
	if (needs & LACUNA_NEEDS_DIAGONAL) {
		float *d = memory_alloc_array(lacuna_count(problem_x(s->problem)), sizeof *d);
		int status = d ? problem_diagonal(s->problem, d) : LACUNA_ENOMEM;

		memory_release(d);
		if (status)
			return error_context(status, "%s \"%s\"", family, head->name);
	}
	if ((needs & LACUNA_NEEDS_MAP) && !s->prior_use->plugin->u.prior.denoise_map)
		return error_set(LACUNA_EUNSUPPORTED,
				 "%s \"%s\" needs a prior that takes sigma maps; \"%s\" does not",
				 family, head->name, prior->name);
	if ((needs & LACUNA_NEEDS_VJP) && !s->prior_use->plugin->u.prior.vjp)
		return error_set(LACUNA_EUNSUPPORTED,
				 "%s \"%s\" needs a prior with a derivative; \"%s\" has none",
				 family, head->name, prior->name);
	if ((needs & LACUNA_NEEDS_GUIDANCE) && !s->guidance_use)
		return error_set(LACUNA_EUNSUPPORTED, "%s \"%s\" needs a guidance", family,
				 head->name);
	return LACUNA_OK;
}

/* ---- creation */

static int take_prior(struct session *s)
{
	const struct lacuna_shape *x = problem_x(s->problem);
	const char *name = s->prior_use->plugin->head->name;
	int64_t channels;
	int status = prior_take(s->options.stock, s->prior_use, &s->prior_host, &s->description,
				&s->prior);

	if (status)
		return status;
	s->prior->listen = session_hear;
	s->prior->listener = s;
	channels = s->prior->info.channels;
	if (channels && x->extent[2] % channels)
		return error_set(LACUNA_EUNSUPPORTED,
				 "prior \"%s\" takes %d channels at a time, and the image has %lld",
				 name, (int)channels, (long long)x->extent[2]);
	s->groups = channels ? (size_t)(x->extent[2] / channels) : 1;
	if (x->extent[3] != 1)
		return error_set(LACUNA_EUNSUPPORTED,
				 "an image with several frames must be restored frame by frame");
	s->group = lacuna_count(x) / s->groups;
	return LACUNA_OK;
}

static int create_guidance(struct session *s)
{
	const struct lacuna_guidance *guidance;
	size_t bytes;
	int status;

	if (!s->guidance_use)
		return LACUNA_OK;
	guidance = &s->guidance_use->plugin->u.guidance;
	status = needs_met(s, s->guidance_use, guidance->needs);
	if (status)
		return status;
	plugin_gate_enter();
	status = guidance->create(&s->guidance_host, s->guidance_use->config, &s->description,
				  &s->guidance);
	plugin_gate_leave();
	if (status)
		return error_context(status, "guidance \"%s\"",
				     s->guidance_use->plugin->head->name);
	bytes = guidance->scratch ? guidance->scratch(s->guidance) : 0;
	if (bytes && !(s->guidance_scratch = memory_alloc(bytes)))
		return LACUNA_ENOMEM;
	return LACUNA_OK;
}

static int create_sampler(struct session *s)
{
	const struct lacuna_sampler *sampler = &s->sampler_use->plugin->u.sampler;
	int status = needs_met(s, s->sampler_use, sampler->needs);

	if (status)
		return status;
	plugin_gate_enter();
	status = sampler->create(&s->sampler_host, s->sampler_use->config, &s->description,
				 &s->sampler);
	plugin_gate_leave();
	if (status)
		return error_context(status, "sampler \"%s\"", s->sampler_use->plugin->head->name);
	return LACUNA_OK;
}

int session_create(struct problem *problem, const struct plugin_use *prior,
		   const struct plugin_use *guidance, const struct plugin_use *sampler,
		   const struct session_options *options, struct session **result)
{
	const uint32_t closed = problem_has_closed_form(problem) ? LACUNA_CLOSED : 0;
	struct session *s = memory_alloc(sizeof *s);
	int status;

	if (!s)
		return LACUNA_ENOMEM;
	s->problem = problem;
	s->prior_use = prior;
	s->guidance_use = guidance;
	s->sampler_use = sampler;
	s->options = *options;
	s->host_context.key = (struct random_key){ options->seed, options->image, 0 };
	s->description = (struct lacuna_problem){ .size = sizeof s->description,
						  .flags = problem_flags(problem) | closed |
							   prior_flags(guidance, sampler),
						  .x = *problem_x(problem),
						  .y = *problem_y(problem),
						  .measurement = problem_measurement(problem),
						  .start = options->start,
						  .noise = problem_noise(problem) };
	session_init_hosts(s);
	status = take_prior(s);
	if (!status)
		status = create_guidance(s);
	if (!status)
		status = create_sampler(s);
	if (status) {
		session_destroy(s);
		return status;
	}
	*result = s;
	return LACUNA_OK;
}

const char *session_precision(const struct session *s)
{
	return s->prior->info.precision;
}

void session_destroy(struct session *s)
{
	if (!s)
		return;
	plugin_gate_enter();
	if (s->sampler)
		s->sampler_use->plugin->u.sampler.destroy(s->sampler);
	if (s->guidance)
		s->guidance_use->plugin->u.guidance.destroy(s->guidance);
	plugin_gate_leave();
	prior_return(s->options.stock, s->prior);
	memory_release(s->guidance_scratch);
	memory_release(s);
}

/* ---- the loop */

/* Full scale, or the largest measured value: a saturated star is no sign of divergence. */
static double largest_value(const struct session *s)
{
	const float *y = s->description.measurement;
	const size_t n = y ? lacuna_count(&s->description.y) : 0;
	double largest = 1;

	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, fabs((double)y[i])); /* fmax() ignores NaN */
	return largest;
}

/* Handles the end of step k: adds the step to an error's message, refuses non-finite or huge values, stops a cancelled
 * run, reports progress. */
static int after_step(struct session *s, int64_t k, int64_t steps, int status, const float *u)
{
	const char *name = s->sampler_use->plugin->head->name;

	s->expected = s->evaluations - s->before;
	s->before = s->evaluations;
	if (status < 0)
		return error_context(status, "sampler \"%s\", step %lld", name, (long long)k);
	if (!vector_finite(lacuna_count(&s->description.x), u))
		return error_set(
			LACUNA_ENUMERIC,
			"sampler \"%s\" reached a value that is not finite at step %lld of %lld",
			name, (long long)k, (long long)steps);
	if (vector_exceeds(lacuna_count(&s->description.x), u, 1e6 * s->largest))
		return error_set(LACUNA_ENUMERIC,
				 "sampler \"%s\" diverges: a value is more than a million times "
				 "full scale at step %lld of %lld",
				 name, (long long)k, (long long)steps);
	if (cancel_requested())
		return error_set(LACUNA_ECANCELLED, "cancelled");
	if (s->options.progress)
		s->options.progress(s->options.progress_context, k, steps);
	return status;
}

/* Restores the pixels that were measured without noise: no sampler may change them.  Applies where A'A = diag(0 or 1);
 * A'y then holds the known values. */
static int keep_known(struct session *s, float *u)
{
	const size_t n = lacuna_count(&s->description.x);
	const struct lacuna_problem *d = &s->description;
	float *diagonal, *known;
	int exact, status;

	if (d->noise > 0 || !d->measurement ||
	    (d->flags & (LACUNA_LINEAR | LACUNA_PIXELWISE)) != (LACUNA_LINEAR | LACUNA_PIXELWISE))
		return LACUNA_OK;
	diagonal = memory_alloc_array(n, sizeof *diagonal);
	known = memory_alloc_array(n, sizeof *known);
	status = diagonal && known ? problem_diagonal(s->problem, diagonal) : LACUNA_ENOMEM;
	exact = !status;
	for (size_t i = 0; exact && i < n; i++)
		exact = diagonal[i] == 0 || diagonal[i] == 1;
	if (exact)
		status = problem_adjoint(s->problem, NULL, d->measurement, known);
	for (size_t i = 0; !status && exact && i < n; i++)
		u[i] = diagonal[i] == 1 ? known[i] : u[i];
	memory_release(known);
	memory_release(diagonal);
	return status;
}

int session_run(struct session *s, uint32_t sample, float *u, struct session_stats *stats)
{
	const struct lacuna_sampler *sampler = &s->sampler_use->plugin->u.sampler;
	int64_t steps = sampler->steps(s->sampler), k;
	double started = clock_seconds();
	int status;

	if (steps <= 0)
		return error_set(LACUNA_EINTERNAL,
				 "sampler \"%s\" states an impossible number of steps, %lld",
				 s->sampler_use->plugin->head->name, (long long)steps);
	s->host_context.key.sample = s->options.pairs ? sample / 2 : sample;
	s->mirrored = s->options.pairs && sample % 2;
	s->evaluations = s->before = s->expected = 0;
	s->prior_seconds = 0;
	s->largest = largest_value(s);

	status = after_step(s, 0, steps, sampler->start(s->sampler, u), u);
	for (k = 0; !status && k < steps; k++)
		status = after_step(s, k + 1, steps, sampler->step(s->sampler, k, u), u);
	if (status >= 0) {
		/* A data step at the end may ring at sharp edges and leave the range. */
		session_keep_within(s, u);
		status = keep_known(s, u);
	}
	if (status < 0)
		return status;

	if (stats) {
		*stats = (struct session_stats){ .steps = k,
						 .evaluations = s->evaluations,
						 .prior_seconds = s->prior_seconds };
		status = problem_residual(s->problem, u, &stats->residual);
		stats->seconds = clock_seconds() - started;
		return status;
	}
	return LACUNA_OK;
}

int session_estimate(struct session *s, double sigma, double next, const float *u, float *x0)
{
	const struct lacuna_guidance *guidance;
	int status;

	if (!s->guidance_use)
		return error_set(LACUNA_EUNSUPPORTED, "this sampler has no guidance to ask");
	guidance = &s->guidance_use->plugin->u.guidance;
	if (guidance->estimate_step && next >= 0)
		status = guidance->estimate_step(s->guidance, s->guidance_scratch, sigma, next, u,
						 x0);
	else
		status = guidance->estimate(s->guidance, s->guidance_scratch, sigma, u, x0);
	return status ? error_context(status, "guidance \"%s\"",
				      s->guidance_use->plugin->head->name)
		      : status;
}

static int check_deviation(size_t n, const float *deviation)
{
	for (size_t i = 0; i < n; i++)
		if (!(deviation[i] >= 0) || !isfinite(deviation[i]))
			return error_set(LACUNA_ENUMERIC, "the deviation of an error is %g",
					 (double)deviation[i]);
	return LACUNA_OK;
}

int session_deviation(struct session *s, const struct lacuna_estimate *e, float *deviation)
{
	const struct lacuna_prior_deviation *prior =
		plugin_extension(s->prior_use->plugin, LACUNA_DEVIATION);
	const char *name = s->prior_use->plugin->head->name;
	int status = LACUNA_OK;

	if (!prior)
		return LACUNA_EUNSUPPORTED;
	for (size_t i = 0; !status && i < s->groups; i++) {
		struct lacuna_estimate part = *e;

		part.x += i * s->group;
		part.guess += i * s->group;
		status = prior->deviation(s->prior->self, &part, deviation + i * s->group);
		if (!status)
			status = check_deviation(s->group, deviation + i * s->group);
	}
	if (!status || status == LACUNA_EUNSUPPORTED)
		return status;
	return error_context(status, "prior \"%s\"", name);
}

size_t session_memory(const struct lacuna_shape *x, const struct lacuna_shape *y)
{
	/* Twenty-two images (state, estimate, result; conjugate gradients and FFT work of operator and prior), three
	 * measurements, and 16 MiB for the rest.  Measured: blur beyond the border with the gaussian prior needs 25 in
	 * all. */
	double bytes = 4.0 * (22.0 * (double)x->extent[0] * (double)x->extent[1] *
				      (double)x->extent[2] * (double)x->extent[3] +
			      3.0 * (double)y->extent[0] * (double)y->extent[1] *
				      (double)y->extent[2] * (double)y->extent[3]) +
		       0x1p24;

	return bytes < (double)SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}
