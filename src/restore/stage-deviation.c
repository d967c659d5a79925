/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The posterior's standard deviation for one sample: asks the formula that fits prior, operator and method. */
#include <config.h>

#include "base/log.h"
#include "base/memory.h"
#include "restore/stages.h"
#include "restore/tweedie.h"
#include "restore/wiener.h"

#include <math.h>
#include <string.h>

static int prior_mean(void *context, const float *sigma, const float *u, float *x0)
{
	return session_mean(context, sigma, u, x0);
}

static int conditional_mean(void *context, const float *sigma, const float *u, float *x0)
{
	return session_conditional(context, (double)sigma[0], u, x0);
}

/* The largest distance of a pixel from a measured one, in steps along rows and columns.  distance: work, x-shaped. */
static int64_t deepest(const struct lacuna_shape *x, const float *d, float *distance)
{
	const int64_t w = x->extent[0], h = x->extent[1], n = (int64_t)lacuna_count(x);
	const float far = (float)(w + h);
	float most = 0;

	for (int64_t i = 0; i < n; i++) {
		const float left = i % w ? distance[i - 1] + 1 : far;
		const float above = i / w % h ? distance[i - w] + 1 : far;

		distance[i] = d[i] > 0 ? 0 : fminf(left, above);
	}
	for (int64_t i = n - 1; i >= 0; i--) {
		const float right = i % w < w - 1 ? distance[i + 1] + 1 : far;
		const float below = i / w % h < h - 1 ? distance[i + w] + 1 : far;

		distance[i] = fminf(distance[i], fminf(right, below));
		most = fmaxf(most, distance[i]);
	}
	return (int64_t)most;
}

/* In the middle of large holes the mean tells little about what may be there: doc/measurements.md. */
static void warn_of_holes(struct run *run, const float *d, float *work)
{
	enum { TRUSTED = 8 };

	if (deepest(problem_x(run->r->problem), d, work) <= TRUSTED)
		return;
	run->record->doubts++;
	log_message(LACUNA_LOG_WARN,
		    "%s: in holes wider than about 12 pixels the deviation of --std is too small, "
		    "by half or more; --samples 8 gives a better one",
		    run->m->name);
}

/* d: A'A = diag(d).  b: work. */
static int ask_tweedie(struct run *run, float *d, float *b)
{
	struct problem *problem = run->r->problem;
	const struct tweedie t = {
		.x = *problem_x(problem),
		.d = d,
		.b = b,
		.estimate = run->x,
		.noise = run->reference_noise,
		.trained = (run->job->method->prior.plugin->u.prior.flags & LACUNA_TRAINED) != 0,
		.key = { run->job->seed, run->m->number, UINT32_MAX },
		.mean = prior_mean,
		.context = run->session,
	};
	int status = problem_adjoint(problem, NULL, problem_measurement(problem), b);

	run->record->deviation = "tweedie";
	if (!status)
		status = tweedie_deviation(&t, run->deviation);
	if (!status)
		warn_of_holes(run, d, b);
	return status;
}

static int ask_conditional(struct run *run)
{
	const struct tweedie t = {
		.x = *problem_x(run->r->problem),
		.estimate = run->x,
		.noise = run->reference_noise,
		.key = { run->job->seed, run->m->number, UINT32_MAX },
		.mean = conditional_mean,
		.context = run->session,
	};

	run->record->deviation = "gaussian";
	return tweedie_deviation(&t, run->deviation);
}

static int ask_wiener(struct run *run)
{
	const struct wiener t = {
		.problem = run->r->problem,
		.estimate = run->x,
		.noise = run->reference_noise,
		.key = { run->job->seed, run->m->number, UINT32_MAX },
	};

	run->record->deviation = "wiener";
	return wiener_deviation(&t, run->deviation);
}

/* Sets run->deviation from the prior's experience.  guess: see struct lacuna_estimate. */
static int ask_prior(struct run *run, const float *guess, int pixelwise)
{
	const struct lacuna_estimate e = {
		.size = sizeof e,
		.pixelwise = pixelwise,
		.x = run->x,
		.guess = guess,
		.noise = run->reference_noise,
	};
	const int status = session_deviation(run->session, &e, run->deviation);

	if (!status)
		run->record->deviation = "prior";
	return status;
}

/* d: work, two images */
static int ask_pixelwise(struct run *run, float *d)
{
	/* the guess for missing pixels, and the noise assumed for a noiseless measurement */
	static const double unknown = 0.5, least = 0.5 / 255;
	const size_t n = lacuna_count(problem_x(run->r->problem));
	const double noise = fmax(run->reference_noise, least);
	float *guess = d + n;
	int status = problem_diagonal(run->r->problem, d);

	for (size_t i = 0; !status && i < n; i++)
		guess[i] = (float)fmin(noise / sqrt(fmax((double)d[i], 1e-30)), unknown);
	if (!status)
		status = ask_prior(run, guess, 1);
	if (status == LACUNA_EUNSUPPORTED)
		return ask_tweedie(run, d, d + n);
	for (size_t i = 0; !status && !(run->reference_noise > 0) && i < n; i++)
		if (d[i] > 0)
			run->deviation[i] = 0; /* measured exactly */
	return status;
}

/* guess: work */
static int ask_mixed(struct run *run, float *guess)
{
	const size_t n = lacuna_count(problem_x(run->r->problem));
	int status = ask_wiener(run);

	if (status)
		return status;
	memcpy(guess, run->deviation, n * sizeof *guess);
	status = ask_prior(run, guess, 0);
	return status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status;
}

/* d: work, two images */
static int ask(struct run *run, float *d)
{
	switch (method_deviation(run->job->method)) {
	case DEVIATION_TWEEDIE:
		return ask_pixelwise(run, d);
	case DEVIATION_CONDITIONAL:
		return ask_conditional(run);
	default:
		return ask_mixed(run, d);
	}
}

/* Converts run->deviation from the engine's scale to the inner one, by the slope of the transform at the picture. */
static void leave_stabilised(const struct run *run)
{
	const double step = 1e-3;

	for (size_t i = 0; i < run->r->count; i++) {
		const double x = (double)run->out->picture[i];
		const double rise = stabiliser_expect(run->stabiliser, x + step) -
				    stabiliser_expect(run->stabiliser, x - step);

		run->deviation[i] =
			(float)((double)run->deviation[i] * 2 * step / fmax(rise, 1e-6));
	}
}

/* Sets run->deviation for the picture, on the inner scale. */
int stage_find_deviation(struct run *run)
{
	const size_t n = lacuna_count(problem_x(run->r->problem));
	float *d;
	int status;

	if (!run->job->deviation)
		return LACUNA_OK;
	run->deviation = memory_alloc_array(n, sizeof *run->deviation);
	d = memory_alloc_array(2 * n, sizeof *d);
	status = run->deviation && d ? ask(run, d) : LACUNA_ENOMEM;
	if (!status)
		window_get(problem_x(run->r->problem), problem_window(run->r->problem),
			   memcpy(d, run->deviation, n * sizeof *d), run->deviation);
	if (!status && run->stabiliser)
		leave_stabilised(run);
	memory_release(d);
	return status;
}
