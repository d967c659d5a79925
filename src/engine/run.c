/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "engine/run.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "base/vector.h"
#include "engine/operation.h"
#include "engine/prior.h"
#include "engine/services.h"
#include "engine/turn.h"
#include "plugin/host.h"

#include <lacuna/conditional.h>
#include <lacuna/turns.h>
#include <lacuna/progress.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* The three plugins of a run and what they share.  Each plugin has its own table of services. */
struct session {
	struct host_context host_context; /* shared by all three tables; its owner is the session */
	struct problem *problem;
	struct lacuna_problem description; /* the problem as the plugins see it */
	double largest;			   /* from largest_value(): the scale of the data */
	struct session_options options;

	struct lacuna_host prior_host, guidance_host, sampler_host;
	const struct plugin_use *prior_use, *guidance_use, *sampler_use;
	struct prior_instance *prior;
	void *guidance, *sampler;
	void *guidance_scratch;
	const struct lacuna_prior_conditional *conditioned; /* set by service_condition() */
	int mirrored;					    /* the noise's sign is flipped */
	size_t group, groups; /* the prior is called `groups' times, on `group' values each */

	int64_t evaluations;
	double prior_seconds;

	int64_t before;	  /* evaluations before the current step */
	int64_t expected; /* evaluations per step, taken from the last step */
	size_t at;	  /* index of the group that the prior works on */
	atomic_flag telling;
};

static struct session *session_of(const struct lacuna_host *host)
{
	return host_context(host)->owner;
}

/* ---- services: the prior */

/* A prior_instance.listen: reports progress within the step.  Skips the report if another thread is reporting. */
static void hear(void *listener, double share)
{
	struct session *s = listener;
	const int64_t done = s->evaluations - s->before;
	const int64_t all = done + 1 > s->expected ? done + 1 : s->expected;

	if (!s->options.within || atomic_flag_test_and_set(&s->telling))
		return;
	share = ((double)s->at + share) / (double)s->groups;
	s->options.within(s->options.progress_context, ((double)done + share) / (double)all);
	atomic_flag_clear(&s->telling);
}

static void service_tell(const struct lacuna_host *host, double share)
{
	hear(session_of(host), share);
}

/* The mean of bounded values is within their bounds, but an imperfect prior may return values outside. */
static void keep_within(const struct session *s, float *x0)
{
	const size_t n = lacuna_count(&s->description.x);
	const double *lo = s->options.lowest, *hi = s->options.highest;

	for (size_t i = 0; lo && i < n; i++)
		x0[i] = x0[i] < *lo ? (float)*lo : x0[i];
	for (size_t i = 0; hi && i < n; i++)
		x0[i] = x0[i] > *hi ? (float)*hi : x0[i];
}

static int finish_evaluation(struct session *s, double started, int status)
{
	s->prior_seconds += clock_seconds() - started;
	s->evaluations++;
	if (status)
		return error_context(status, "prior \"%s\"", s->prior_use->plugin->head->name);
	return cancel_requested() ? error_set(LACUNA_ECANCELLED, "cancelled") : LACUNA_OK;
}

static double clamp_sigma(const struct session *s, double sigma)
{
	return fmin(fmax(sigma, s->prior->info.sigma_min), s->prior->info.sigma_max);
}

/* (sigma / lowest)^2 below the prior's lowest level, else 1.  Below it the prior is asked at the lowest level instead,
 * and its result scaled: D(u, sigma) = u + sigma^2 score(u, sigma) (Tweedie), and the score hardly changes any more. */
static double below_range(const struct session *s, double sigma)
{
	const double lowest = s->prior->info.sigma_min;

	return sigma < lowest ? sigma * sigma / (lowest * lowest) : 1;
}

static void draw_near(size_t n, double ratio, const float *u, float *x0)
{
	for (size_t i = 0; ratio < 1 && i < n; i++)
		x0[i] = (float)(u[i] + ratio * ((double)x0[i] - u[i]));
}

typedef int denoiser(const void *self, void *scratch, double sigma, const float *u, float *x0);

static int denoise_groups(struct session *s, denoiser *denoise, double sigma, const float *u,
			  float *x0)
{
	double started = clock_seconds();
	size_t i;
	int status = LACUNA_OK;

	for (i = 0; !status && i < s->groups; i++) {
		s->at = i;
		status = denoise(s->prior->self, s->prior->scratch, clamp_sigma(s, sigma),
				 u + i * s->group, x0 + i * s->group);
	}
	if (!status)
		draw_near(s->groups * s->group, below_range(s, sigma), u, x0);
	if (!status)
		keep_within(s, x0);
	return finish_evaluation(s, started, status);
}

static int service_denoise(const struct lacuna_host *host, double sigma, const float *u, float *x0)
{
	struct session *s = session_of(host);

	return denoise_groups(s, s->prior_use->plugin->u.prior.denoise, sigma, u, x0);
}

static int service_denoise_round(const struct lacuna_host *host, uint32_t round, double sigma,
				 const float *u, float *x0)
{
	struct session *s = session_of(host);
	const struct lacuna_prior *prior = &s->prior_use->plugin->u.prior;
	denoiser *denoise = prior->denoise_round ? prior->denoise_round : prior->denoise;
	const struct lacuna_shape *x = &s->description.x;
	const uint32_t turn = s->prior->info.symmetric ? round % turn_ways(x) : 0;
	float *turned;
	int status;

	if (turn == 0)
		return denoise_groups(s, denoise, sigma, u, x0);
	turned = memory_alloc_array(lacuna_count(x), sizeof *turned);
	if (!turned)
		return LACUNA_ENOMEM;
	turn_image(x, turn, u, turned);
	status = denoise_groups(s, denoise, sigma, turned, x0);
	if (!status) {
		turn_back(x, turn, x0, turned);
		memcpy(x0, turned, lacuna_count(x) * sizeof *x0);
	}
	memory_release(turned);
	return status;
}

int session_mean(struct session *s, const float *sigma, const float *u, float *x0)
{
	const struct lacuna_prior *prior = &s->prior_use->plugin->u.prior;
	const size_t n = s->groups * s->group;
	double started = clock_seconds();
	float *known;
	size_t i;
	int status = LACUNA_OK;

	if (!prior->denoise_map)
		return error_set(LACUNA_EUNSUPPORTED, "prior \"%s\" does not take sigma maps",
				 s->prior_use->plugin->head->name);
	known = memory_alloc_array(n, sizeof *known);
	if (!known)
		return LACUNA_ENOMEM;
	for (i = 0; i < n; i++)
		known[i] = (float)clamp_sigma(s, sigma[i]);
	for (i = 0; !status && i < s->groups; i++) {
		s->at = i;
		status = prior->denoise_map(s->prior->self, s->prior->scratch, known + i * s->group,
					    u + i * s->group, x0 + i * s->group);
	}
	for (i = 0; !status && i < n; i++)
		draw_near(1, below_range(s, sigma[i]), u + i, x0 + i);
	memory_release(known);
	return finish_evaluation(s, started, status);
}

static int service_denoise_map(const struct lacuna_host *host, const float *sigma, const float *u,
			       float *x0)
{
	struct session *s = session_of(host);
	const int status = session_mean(s, sigma, u, x0);

	if (!status)
		keep_within(s, x0);
	return status;
}

static int service_denoise_turned(const struct lacuna_host *host, uint32_t turn, const float *sigma,
				  const float *u, float *x0)
{
	struct session *s = session_of(host);
	const struct lacuna_shape *x = &s->description.x;
	const size_t n = lacuna_count(x);
	float *work;
	int status;

	if (turn == 0)
		return service_denoise_map(host, sigma, u, x0);
	if (!s->prior->info.symmetric || turn >= turn_ways(x))
		return LACUNA_EUNSUPPORTED;
	work = memory_alloc_array(2 * n, sizeof *work);
	if (!work)
		return LACUNA_ENOMEM;
	turn_image(x, turn, u, work);
	turn_image(x, turn, sigma, work + n);
	status = service_denoise_map(host, work + n, work, x0);
	if (!status) {
		turn_back(x, turn, x0, work);
		memcpy(x0, work, n * sizeof *x0);
	}
	memory_release(work);
	return status;
}

typedef int derivative(const void *self, void *scratch, double sigma, const float *u,
		       const float *v, float *out);

static int derivative_of_groups(struct session *s, derivative *of, double sigma, const float *u,
				const float *v, float *out)
{
	int status = LACUNA_OK;

	for (size_t i = 0; !status && i < s->groups; i++) {
		s->at = i;
		status = of(s->prior->self, s->prior->scratch, clamp_sigma(s, sigma),
			    u + i * s->group, v + i * s->group, out + i * s->group);
	}
	return status;
}

static int service_denoise_vjp(const struct lacuna_host *host, double sigma, const float *u,
			       const float *v, float *out)
{
	struct session *s = session_of(host);
	const struct lacuna_prior *prior = &s->prior_use->plugin->u.prior;
	double started = clock_seconds();
	int status;

	if (!prior->vjp)
		return error_set(LACUNA_EUNSUPPORTED, "prior \"%s\" has no derivative",
				 s->prior_use->plugin->head->name);
	status = derivative_of_groups(s, prior->vjp, sigma, u, v, out);
	if (!status)
		draw_near(s->groups * s->group, below_range(s, sigma), v, out);
	return finish_evaluation(s, started, status);
}

/* out = (D(u + h v) - D(u - h v))/(2 h).  The step is short beside sigma, the scale on which D changes, and long beside the
 * rounding of single precision. */
static int difference_of_groups(struct session *s, double sigma, const float *u, const float *v,
				float *out)
{
	const struct lacuna_prior *prior = &s->prior_use->plugin->u.prior;
	const double level = clamp_sigma(s, sigma);
	const size_t n = s->groups * s->group;
	float *moved = memory_alloc_array(2 * n, sizeof *moved);
	double most = 0, h;
	int status = moved ? LACUNA_OK : LACUNA_ENOMEM;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)v[i]));
	h = most > 0 ? 0.1 * level / most : 1;
	for (int side = 0; side < 2 && !status; side++) {
		float *to = side ? moved + n : out;

		for (size_t i = 0; i < n; i++)
			moved[i] = (float)(u[i] + (side ? -h : h) * v[i]);
		for (size_t i = 0; i < s->groups && !status; i++) {
			s->at = i;
			status = prior->denoise(s->prior->self, s->prior->scratch, level,
						moved + i * s->group, to + i * s->group);
		}
	}
	for (size_t i = 0; i < n && !status; i++)
		out[i] = (float)(((double)out[i] - moved[n + i]) / (2 * h));
	memory_release(moved);
	return status;
}

static int service_denoise_jvp(const struct lacuna_host *host, double sigma, const float *u,
			       const float *v, float *out)
{
	struct session *s = session_of(host);
	const struct lacuna_prior *prior = &s->prior_use->plugin->u.prior;
	const double started = clock_seconds();
	int status;

	if (prior->jvp)
		status = derivative_of_groups(s, prior->jvp, sigma, u, v, out);
	else
		status = difference_of_groups(s, sigma, u, v, out);
	if (!status)
		draw_near(s->groups * s->group, below_range(s, sigma), v, out);
	return finish_evaluation(s, started, status);
}

/* ---- services: the guidance */

static int service_estimate_step(const struct lacuna_host *host, double sigma, double next,
				 const float *u, float *x0)
{
	struct session *s = session_of(host);

	if (s->options.observe)
		s->options.observe(s->options.laboratory, sigma, u);
	return session_estimate(s, sigma, next, u, x0);
}

static int service_prior_info(const struct lacuna_host *host, struct lacuna_prior_info *info)
{
	return prior_copy_info(&session_of(host)->prior->info, info);
}

static int service_estimate(const struct lacuna_host *host, double sigma, const float *u, float *x0)
{
	return service_estimate_step(host, sigma, -1, u, x0);
}

/* ---- services: the conditional mean in closed form */

static int service_condition(const struct lacuna_host *host, double noise)
{
	struct session *s = session_of(host);
	const struct lacuna_prior_conditional *prior =
		plugin_extension(s->prior_use->plugin, LACUNA_CONDITIONAL);
	const char *name = s->prior_use->plugin->head->name;
	int status;

	if (!prior || s->groups != 1)
		return error_set(LACUNA_EUNSUPPORTED,
				 "prior \"%s\" has no conditional mean in closed form", name);
	status = prior->condition(s->prior->self, &s->description, noise);
	if (!status)
		status = prior_renew_scratch(s->prior); /* may have grown */
	s->conditioned = status ? NULL : prior;
	return status ? error_context(status, "prior \"%s\"", name) : status;
}

static int service_conditional(const struct lacuna_host *host, double sigma, const float *u,
			       float *x0)
{
	struct session *s = session_of(host);
	double started = clock_seconds();
	int status;

	if (!s->conditioned)
		return error_set(LACUNA_EINTERNAL, "conditional() before condition()");
	status = s->conditioned->conditional(s->prior->self, s->prior->scratch,
					     clamp_sigma(s, sigma), u, x0);
	return finish_evaluation(s, started, status);
}

/* ---- services: noise */

static void service_gaussian(const struct lacuna_host *host, uint64_t stream, uint64_t position,
			     float *out, size_t n)
{
	const struct session *s = session_of(host);

	if (s->options.gaussian) {
		s->options.gaussian(s->options.laboratory, stream, position, out, n);
		return;
	}
	random_gaussian(s->host_context.key, stream, position, out, n);
	for (size_t i = 0; s->mirrored && i < n; i++)
		out[i] = -out[i];
}

/* ---- extensions */

static const void *prior_extension(const struct lacuna_host *host, const char *name)
{
	static const struct lacuna_progress progress = { service_tell };

	return strcmp(name, LACUNA_PROGRESS) ? host_extension(host, name) : &progress;
}

static const void *guidance_extension(const struct lacuna_host *host, const char *name)
{
	static const struct lacuna_conditional conditional = { service_condition,
							       service_conditional };
	static const struct lacuna_turns turns = { service_denoise_turned };

	if (!strcmp(name, LACUNA_CONDITIONAL))
		return &conditional;
	return strcmp(name, LACUNA_TURNS) ? host_extension(host, name) : &turns;
}

static const void *sampler_extension(const struct lacuna_host *host, const char *name)
{
	if (!strcmp(name, LACUNA_OPERATIONS))
		return &operation_services;
	return guidance_extension(host, name);
}

/* ---- hosts */

static const struct lacuna_host_prior prior_services = {
	.size = sizeof prior_services,
	.info = service_prior_info,
	.denoise = service_denoise,
	.denoise_map = service_denoise_map,
	.denoise_vjp = service_denoise_vjp,
	.denoise_jvp = service_denoise_jvp,
	.denoise_round = service_denoise_round,
};

static const struct lacuna_host_guidance guidance_services = {
	.size = sizeof guidance_services,
	.estimate = service_estimate,
	.estimate_step = service_estimate_step,
};

static void init_hosts(struct session *s)
{
	struct lacuna_host *h = &s->prior_host;

	s->host_context.owner = s;
	s->host_context.problem = s->problem;
	host_init(h, &s->host_context);
	h->problem = &problem_services;
	h->gaussian = service_gaussian;
	h->extension = prior_extension;

	h = &s->guidance_host;
	*h = s->prior_host;
	h->prior = &prior_services;
	h->extension = guidance_extension;

	h = &s->sampler_host;
	*h = s->guidance_host;
	h->extension = sampler_extension;
	if (s->guidance_use)
		h->guidance = &guidance_services;
}

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
	s->prior->listen = hear;
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
	init_hosts(s);
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
		keep_within(s, u);
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

int session_conditional(struct session *s, double sigma, const float *u, float *x0)
{
	const double noise = problem_noise(s->problem), least = 1e-3;
	const int status = s->conditioned ? LACUNA_OK
					  : service_condition(&s->guidance_host,
							      noise > least ? noise : least);

	return status ? status : service_conditional(&s->guidance_host, sigma, u, x0);
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
