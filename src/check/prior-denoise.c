/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What is examined of prior_denoise(), denoise_map() and denoise_round(). */
#include <config.h>

#include "check/prior-private.h"
#include "engine/turn.h"

#include "base/threads.h"

#include <math.h>
#include <string.h>

static int run_map(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.prior.denoise_map(call->self, scratch, call->in[1],
							     call->in[0], out);
}

static int run_round(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.prior.denoise_round(call->self, scratch, call->sigma,
							       call->in[0], out);
}

/* Compares with x0, the result for the largest sigma. */
static void examine_sigma(const struct prior_trial *t, double sigma, const struct guarded *u,
			  const float *x0)
{
	float *other = t->temporary[0];

	t->c->sigma_examined = 1;
	if (!prior_denoise(t, sigma, u->data, other) && prior_difference(t, other, x0) > 0)
		t->c->sigma_counts = 1;
}

/* A large array needs no further tests: prior_denoise() must work on it. */
void prior_examine_large(struct prior_trial *t)
{
	struct guarded u = { NULL, 0, NULL };
	struct call call = prior_call(t, "denoise", prior_run_denoise, prior_middle_sigma(t));
	struct lacuna_shape shape = t->problem.x;
	const int threads = threads_count();

	if (t->info.channels)
		shape.extent[2] = t->info.channels;
	threads_set(1);
	if (!guarded_random(t->c, 1, t->count, 0.5, call.sigma, &u)) {
		prior_examine_call(t, call, &u, NULL, NULL);
		check_note_time(t->c, "denoise", &shape, t->c->seconds);
	}
	threads_set(threads);
	guarded_release(&u);
}

void prior_examine_denoise(const struct prior_trial *t)
{
	const double sigmas[] = { t->info.sigma_min > 0 ? t->info.sigma_min : 1e-3,
				  prior_middle_sigma(t), t->info.sigma_max };
	float *first = t->temporary[0], *x0 = t->temporary[1];
	int i;

	for (i = 0; i < 3; i++) {
		struct guarded u = { NULL, 0, NULL };

		/* A gray image with noise of that level. */
		if (guarded_random(t->c, 1, t->count, 0.5, sigmas[i], &u))
			return;
		if (t->prior->denoise_round)
			prior_examine_call(t, prior_call(t, "denoise_round", run_round, sigmas[i]),
					   &u, NULL, NULL);
		prior_examine_call(t, prior_call(t, "denoise", prior_run_denoise, sigmas[i]), &u,
				   NULL, x0);
		if (i == 0 && !t->info.blind)
			check_expect(t->c, SMALL_SIGMA,
				     prior_difference(t, x0, u.data) <= 20 * sigmas[0] + 0.02,
				     "at sigma %g the result differs from its input by %.3g (rms)",
				     sigmas[0], prior_difference(t, x0, u.data));
		if (i == 0)
			memcpy(first, x0, t->count * sizeof *first);
		if (!t->info.blind && i == 2 && t->info.sigma_max > 10 * sigmas[0])
			examine_sigma(t, sigmas[0], &u, x0);
		if (t->info.blind && i > 0 && !prior_denoise(t, sigmas[0], u.data, first))
			check_expect(t->c, BLIND, prior_difference(t, first, x0) == 0,
				     "the results for sigma %g and %g differ", sigmas[0],
				     sigmas[i]);
		guarded_release(&u);
	}
}

void prior_examine_map(const struct prior_trial *t)
{
	struct guarded u = { NULL, 0, NULL }, map = { NULL, 0, NULL };
	float *scalar = t->temporary[0], *mapped = t->temporary[1];
	double sigma = prior_middle_sigma(t);

	if (!guarded_random(t->c, 1, t->count, 0.5, sigma, &u) &&
	    !guarded_random(t->c, 2, t->count, sigma, 0, &map) &&
	    !prior_denoise(t, sigma, u.data, scalar)) {
		prior_examine_call(t, prior_call(t, "denoise_map", run_map, 0), &u, &map, mapped);
		check_limit(t->c, MAP,
			    prior_difference(t, scalar, mapped) /
				    (prior_difference(t, scalar, u.data) + 1e-6),
			    1e-3);
	}
	guarded_release(&map);
	/* All values differ, and some are as extreme as those of a guidance. */
	if (!guarded_random(t->c, 3, t->count, 0, 1, &map)) {
		float *s = map.data;
		size_t i;

		for (i = 0; i < t->count; i++)
			s[i] = (float)(sigma * exp(2 * s[i]));
		prior_examine_call(t, prior_call(t, "denoise_map", run_map, 0), &u, &map, NULL);
	}
	guarded_release(&map);
	guarded_release(&u);
}

/* A trained network is not exactly symmetric: its results for the image and for the turned one may differ by a fifth of
 * the change that denoising makes. */
void prior_examine_symmetry(const struct prior_trial *t)
{
	struct lacuna_shape shape = t->problem.x;
	struct guarded u = { NULL, 0, NULL };
	float *plain = t->temporary[0], *turned = t->temporary[1], *x0 = t->temporary[2];
	const double sigma = prior_middle_sigma(t);

	if (t->info.channels)
		shape.extent[2] = t->info.channels;
	if (guarded_random(t->c, 1, t->count, 0.5, sigma, &u) ||
	    prior_denoise(t, sigma, u.data, plain))
		goto out;
	for (uint32_t turn = 1; turn < turn_ways(&shape); turn++) {
		turn_image(&shape, turn, u.data, turned);
		if (prior_denoise(t, sigma, turned, x0))
			break;
		turn_back(&shape, turn, x0, turned);
		check_limit(t->c, SYMMETRIC,
			    prior_difference(t, plain, turned) /
				    (prior_difference(t, plain, u.data) + 1e-6),
			    0.2);
	}
out:
	guarded_release(&u);
}

/* Denoises an image of a ramp, a disk and noise.  A denoiser must not double the distance from the clean image; the
 * interface promises no better quality. */
void prior_examine_trained(const struct prior_trial *t)
{
	struct lacuna_shape shape = t->problem.x;
	const int64_t w = shape.extent[0], h = shape.extent[1];
	const double sigma = fmin(fmax(0.1, t->info.sigma_min), t->info.sigma_max);
	float *clean = t->temporary[0], *noisy = t->temporary[1], *x0 = t->temporary[2];

	check_expect(
		t->c, TRAINED, !(t->prior->flags & LACUNA_GAUSSIAN),
		"the flags TRAINED and GAUSSIAN cannot be combined: a Gaussian prior is exact");
	random_gaussian(t->c->key, 6, 0, noisy, t->count);
	for (size_t i = 0; i < t->count; i++) {
		const double x = ((double)((int64_t)i % w) + 0.5) / (double)w - 0.4;
		const double y = ((double)((int64_t)i / w % h) + 0.5) / (double)h - 0.5;

		clean[i] = (float)(x * x + y * y < 0.07 ? 0.8 : 0.3 + 0.3 * x);
		noisy[i] = (float)(clean[i] + sigma * noisy[i]);
	}
	if (!prior_denoise(t, sigma, noisy, x0))
		check_expect(
			t->c, TRAINED,
			prior_difference(t, x0, clean) <= 2 * prior_difference(t, noisy, clean),
			"at sigma %g a picture differs from the clean one by %.3g before, by "
			"%.3g after",
			sigma, prior_difference(t, noisy, clean), prior_difference(t, x0, clean));
}
