/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What a run offers its plugins: the prior, estimates, the conditional mean, noise and extensions.  Each plugin has its own
 * table of services. */
#include <config.h>

#include "engine/run-private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "engine/operation.h"
#include "engine/prior.h"
#include "engine/services.h"
#include "engine/turn.h"
#include "plugin/host.h"

#include <lacuna/conditional.h>
#include <lacuna/turns.h>
#include <lacuna/progress.h>

#include <math.h>
#include <string.h>

/* ---- services: the prior */

/* A prior_instance.listen: reports progress within the step.  Skips the report if another thread is reporting. */
void session_hear(void *listener, double share)
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
	session_hear(session_of(host), share);
}

/* The mean of bounded values is within their bounds, but an imperfect prior may return values outside. */
void session_keep_within(const struct session *s, float *x0)
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
		session_keep_within(s, x0);
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
		session_keep_within(s, x0);
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

int session_conditional(struct session *s, double sigma, const float *u, float *x0)
{
	const double noise = problem_noise(s->problem), least = 1e-3;
	const int status = s->conditioned ? LACUNA_OK
					  : service_condition(&s->guidance_host,
							      noise > least ? noise : least);

	return status ? status : service_conditional(&s->guidance_host, sigma, u, x0);
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

void session_init_hosts(struct session *s)
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
