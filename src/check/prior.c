/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of priors, with and without a measurement (denoising: A is the identity). */
#include <config.h>

#include "check/private.h"
#include "engine/turn.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "base/vector.h"
#include "plugin/host.h"

#include <lacuna/conditional.h>
#include <lacuna/deviation.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct trial {
	struct check *c;
	const struct lacuna_prior *prior;
	size_t values;			  /* of the host's denoising problem */
	struct host_context host_context; /* its owner is the trial */
	struct lacuna_host host;
	struct lacuna_problem problem;
	struct lacuna_prior_info info;
	void *self;
	size_t count; /* values per call of the prior */
	size_t scratch_bytes;
	float *temporary[4];
};

/* ---- services */

static size_t count_of(const struct lacuna_host *host)
{
	return ((const struct trial *)host_context(host)->owner)->values;
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

static void init_host(struct trial *t)
{
	t->host_context = (struct host_context){ .key = t->c->key, .owner = t };
	host_init(&t->host, &t->host_context);
	if (!t->problem.measurement)
		return;
	t->host.problem = &identity;
}

/* ---- calls */

static int run_denoise(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.prior.denoise(call->self, scratch, call->sigma,
							 call->in[0], out);
}

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

static int run_vjp(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.prior.vjp(call->self, scratch, call->sigma, call->in[0],
						     call->in[1], out);
}

static int run_jvp(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.prior.jvp(call->self, scratch, call->sigma, call->in[0],
						     call->in[1], out);
}

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

static struct call make_call(const struct trial *t, const char *name,
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

static int denoise(const struct trial *t, double sigma, const float *u, float *x0)
{
	struct call call = make_call(t, "denoise", run_denoise, sigma);

	call.in[0] = u;
	return check_quick(t->c, &call, x0);
}

/* Runs a call on random images and examines its conduct.  Copies the output to result unless it is NULL. */
static void examine_call(const struct trial *t, struct call call, struct guarded *in0,
			 struct guarded *in1, float *result)
{
	struct guarded out = { NULL, 0, NULL };
	const int status = check_call_on(t->c, call, in0, in1, &out);

	check_expect(t->c, ACCEPTS, !status, "%s() fails: %s", call.name, error_text());
	if (!status && result)
		memcpy(result, out.data, t->count * sizeof *result);
	guarded_release(&out);
}

/* ---- properties */

static void examine_info(struct trial *t)
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

static double middle_sigma(const struct trial *t)
{
	return sqrt(fmax(t->info.sigma_min, 1e-3) * fmin(t->info.sigma_max, 10));
}

/* rms of a - b */
static double difference(const struct trial *t, const float *a, const float *b)
{
	vector_subtract(t->count, a, b, t->temporary[3]);
	return vector_norm(t->count, t->temporary[3]) / sqrt((double)t->count);
}

/* Compares with x0, the result for the largest sigma. */
static void examine_sigma(const struct trial *t, double sigma, const struct guarded *u,
			  const float *x0)
{
	float *other = t->temporary[0];

	t->c->sigma_examined = 1;
	if (!denoise(t, sigma, u->data, other) && difference(t, other, x0) > 0)
		t->c->sigma_counts = 1;
}

/* A large array needs no further tests: denoise() must work on it. */
static void examine_large(struct trial *t)
{
	struct guarded u = { NULL, 0, NULL };
	struct call call = make_call(t, "denoise", run_denoise, middle_sigma(t));
	struct lacuna_shape shape = t->problem.x;
	const int threads = threads_count();

	if (t->info.channels)
		shape.extent[2] = t->info.channels;
	threads_set(1);
	if (!guarded_random(t->c, 1, t->count, 0.5, call.sigma, &u)) {
		examine_call(t, call, &u, NULL, NULL);
		check_note_time(t->c, "denoise", &shape, t->c->seconds);
	}
	threads_set(threads);
	guarded_release(&u);
}

static void examine_denoise(const struct trial *t)
{
	const double sigmas[] = { t->info.sigma_min > 0 ? t->info.sigma_min : 1e-3, middle_sigma(t),
				  t->info.sigma_max };
	float *first = t->temporary[0], *x0 = t->temporary[1];
	int i;

	for (i = 0; i < 3; i++) {
		struct guarded u = { NULL, 0, NULL };

		/* A gray image with noise of that level. */
		if (guarded_random(t->c, 1, t->count, 0.5, sigmas[i], &u))
			return;
		if (t->prior->denoise_round)
			examine_call(t, make_call(t, "denoise_round", run_round, sigmas[i]), &u,
				     NULL, NULL);
		examine_call(t, make_call(t, "denoise", run_denoise, sigmas[i]), &u, NULL, x0);
		if (i == 0 && !t->info.blind)
			check_expect(t->c, SMALL_SIGMA,
				     difference(t, x0, u.data) <= 20 * sigmas[0] + 0.02,
				     "at sigma %g the result differs from its input by %.3g (rms)",
				     sigmas[0], difference(t, x0, u.data));
		if (i == 0)
			memcpy(first, x0, t->count * sizeof *first);
		if (!t->info.blind && i == 2 && t->info.sigma_max > 10 * sigmas[0])
			examine_sigma(t, sigmas[0], &u, x0);
		if (t->info.blind && i > 0 && !denoise(t, sigmas[0], u.data, first))
			check_expect(t->c, BLIND, difference(t, first, x0) == 0,
				     "the results for sigma %g and %g differ", sigmas[0],
				     sigmas[i]);
		guarded_release(&u);
	}
}

static void examine_map(const struct trial *t)
{
	struct guarded u = { NULL, 0, NULL }, map = { NULL, 0, NULL };
	float *scalar = t->temporary[0], *mapped = t->temporary[1];
	double sigma = middle_sigma(t);

	if (!guarded_random(t->c, 1, t->count, 0.5, sigma, &u) &&
	    !guarded_random(t->c, 2, t->count, sigma, 0, &map) &&
	    !denoise(t, sigma, u.data, scalar)) {
		examine_call(t, make_call(t, "denoise_map", run_map, 0), &u, &map, mapped);
		check_limit(t->c, MAP,
			    difference(t, scalar, mapped) / (difference(t, scalar, u.data) + 1e-6),
			    1e-3);
	}
	guarded_release(&map);
	/* All values differ, and some are as extreme as those of a guidance. */
	if (!guarded_random(t->c, 3, t->count, 0, 1, &map)) {
		float *s = map.data;
		size_t i;

		for (i = 0; i < t->count; i++)
			s[i] = (float)(sigma * exp(2 * s[i]));
		examine_call(t, make_call(t, "denoise_map", run_map, 0), &u, &map, NULL);
	}
	guarded_release(&map);
	guarded_release(&u);
}

/* Checks (J'v, w) = (v, J w), J w by central differences.  A network in bfloat16 rounds its output to a fraction of the
 * noise, which changes this by one or two hundredths. */
/* Fewer values than PICTURE are no picture to a network: what it makes of them says little. */
enum { PICTURE = 100 };

/* In bfloat16 a result of denoise() has 3 digits, and the difference of two is off by some per cent; of a few values, by any. */
static int is_coarse(const struct trial *t)
{
	return t->info.precision && !strcmp(t->info.precision, "bf16");
}

/* out = (D(u + h w) - D(u - h w))/(2 h).  Changes u.  work: t->count values. */
static int central_difference(const struct trial *t, double sigma, double h, float *u,
			      const float *w, float *work, float *out)
{
	int status;

	vector_axpy(t->count, h, w, u);
	status = denoise(t, sigma, u, out);
	vector_axpy(t->count, -2 * h, w, u);
	if (!status)
		status = denoise(t, sigma, u, work);
	vector_subtract(t->count, out, work, out);
	vector_scale(t->count, 1 / (2 * h), out);
	return status;
}

static void examine_vjp(const struct trial *t)
{
	struct guarded u = { NULL, 0, NULL }, v = { NULL, 0, NULL };
	float *plus = t->temporary[0], *minus = t->temporary[1], *jtv = t->temporary[2],
	      *w = t->temporary[3];
	double sigma = middle_sigma(t), left, right, scale;

	if (guarded_random(t->c, 1, t->count, 0.5, sigma, &u) ||
	    guarded_random(t->c, 2, t->count, 0, 1, &v))
		goto out;
	examine_call(t, make_call(t, "vjp", run_vjp, sigma), &u, &v, jtv);
	if (is_coarse(t) && t->count < PICTURE)
		goto out;
	random_gaussian(t->c->key, 3, 0, w, t->count);
	if (central_difference(t, sigma, 0.02 * sigma, u.data, w, minus, plus))
		goto out;
	left = vector_dot(t->count, jtv, w);
	right = vector_dot(t->count, v.data, plus);
	scale = fmin(vector_norm(t->count, jtv) * vector_norm(t->count, w),
		     vector_norm(t->count, v.data) * vector_norm(t->count, plus));
	check_limit(t->c, VJP, left == right ? 0 : fabs(left - right) / scale,
		    is_coarse(t) ? 0.05 : 0.02);
out:
	guarded_release(&u);
	guarded_release(&v);
}

/* Along a random direction, most of which a denoiser removes, differences say little of the derivative.  Along what is left
 * of that direction they say more.  In bf16 they are noisy, but that noise is not along the answer. */
static void examine_jvp(const struct trial *t)
{
	struct guarded u = { NULL, 0, NULL }, w = { NULL, 0, NULL };
	float *along = t->temporary[0], *work = t->temporary[1], *jw = t->temporary[2];
	const double sigma = middle_sigma(t), h = (is_coarse(t) ? 0.02 : 0.002) * sigma;
	struct call call = make_call(t, "jvp", run_jvp, sigma);
	double square, length;

	if (guarded_random(t->c, 1, t->count, 0.5, sigma, &u) ||
	    guarded_random(t->c, 2, t->count, 0, 1, &w))
		goto out;
	examine_call(t, call, &u, &w, jw);
	length = vector_norm(t->count, jw);
	if (!(length > 0) || (is_coarse(t) && t->count < PICTURE))
		goto out;
	memcpy(w.data, jw, t->count * sizeof *jw);
	vector_scale(t->count, sqrt((double)t->count) / length, w.data);
	call.in[0] = u.data;
	call.in[1] = w.data;
	if (check_quick(t->c, &call, jw) ||
	    central_difference(t, sigma, h, u.data, w.data, work, along))
		goto out;
	square = vector_dot(t->count, jw, jw);
	length = vector_norm(t->count, along);
	if (is_coarse(t)) {
		check_limit(t->c, JVP, fabs(vector_dot(t->count, jw, along) / square - 1), 0.15);
	} else {
		vector_subtract(t->count, jw, along, work);
		check_limit(t->c, JVP, vector_norm(t->count, work) / length, 0.1);
	}
out:
	guarded_release(&u);
	guarded_release(&w);
}

/* A trained network is not exactly symmetric: its results for the image and for the turned one may differ by a fifth of
 * the change that denoising makes. */
static void examine_symmetry(const struct trial *t)
{
	struct lacuna_shape shape = t->problem.x;
	struct guarded u = { NULL, 0, NULL };
	float *plain = t->temporary[0], *turned = t->temporary[1], *x0 = t->temporary[2];
	const double sigma = middle_sigma(t);

	if (t->info.channels)
		shape.extent[2] = t->info.channels;
	if (guarded_random(t->c, 1, t->count, 0.5, sigma, &u) || denoise(t, sigma, u.data, plain))
		goto out;
	for (uint32_t turn = 1; turn < turn_ways(&shape); turn++) {
		turn_image(&shape, turn, u.data, turned);
		if (denoise(t, sigma, turned, x0))
			break;
		turn_back(&shape, turn, x0, turned);
		check_limit(t->c, SYMMETRIC,
			    difference(t, plain, turned) / (difference(t, plain, u.data) + 1e-6),
			    0.2);
	}
out:
	guarded_release(&u);
}

/* D(u) + D(v) = D(u + v - w) + D(w) for any w: D is affine.  For a Gaussian N(m, C) the posterior mean x = D_s(u) solves
 * (u - x) / s^2 = C^-1 (x - m).  The right side does not depend on s: the image x + (t/s)^2 (u - x) has the same mean at
 * level t. */
static void examine_gaussian(const struct trial *t)
{
	float *u = t->temporary[0], *x = t->temporary[1], *other = t->temporary[2];
	const double s = middle_sigma(t), ratio = 2 * s <= t->info.sigma_max ? 2 : 0.5;
	struct guarded v = { NULL, 0, NULL };
	double scale;

	/* u and v are random, w is 1/2 */
	random_gaussian(t->c->key, 4, 0, u, t->count);
	for (size_t i = 0; i < t->count; i++)
		u[i] = (float)(0.5 + s * u[i]);
	if (guarded_random(t->c, 5, t->count, 0.5, s, &v) || denoise(t, s, u, x))
		goto out;
	for (size_t i = 0; i < t->count; i++)
		u[i] = (float)(x[i] + ratio * ratio * ((double)u[i] - x[i]));
	if (denoise(t, ratio * s, u, other))
		goto out;
	scale = difference(t, u, x) / (ratio * ratio) + 1e-6;
	check_limit(t->c, GAUSSIAN, difference(t, other, x) / scale, 1e-3);
	/* u is the first image again */
	random_gaussian(t->c->key, 4, 0, u, t->count);
	for (size_t i = 0; i < t->count; i++)
		u[i] = (float)(0.5 + s * u[i]);
	if (denoise(t, s, v.data, other))
		goto out;
	for (size_t i = 0; i < t->count; i++) {
		x[i] += other[i];
		u[i] += ((const float *)v.data)[i] - 0.5f;
	}
	if (denoise(t, s, u, other))
		goto out;
	vector_subtract(t->count, x, other, x);
	for (size_t i = 0; i < t->count; i++)
		u[i] = 0.5f;
	if (!denoise(t, s, u, other))
		check_limit(t->c, GAUSSIAN, difference(t, x, other) / scale, 1e-3);
out:
	guarded_release(&v);
}

/* Denoises an image of a ramp, a disk and noise.  A denoiser must not double the distance from the clean image; the
 * interface promises no better quality. */
static void examine_trained(const struct trial *t)
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
	if (!denoise(t, sigma, noisy, x0))
		check_expect(t->c, TRAINED,
			     difference(t, x0, clean) <= 2 * difference(t, noisy, clean),
			     "at sigma %g a picture differs from the clean one by %.3g before, by "
			     "%.3g after",
			     sigma, difference(t, noisy, clean), difference(t, x0, clean));
}

static void destroy(const struct trial *t, void *self)
{
	check_enter(t->c, "destroy");
	t->prior->destroy(self);
	check_leave(t->c, LACUNA_OK);
}

/* True if the parameters give the prior experience of such operators. */
static int knows_deviation(const struct trial *t, const struct call *call, float *out)
{
	int status;

	check_enter(t->c, call->name);
	status = call->run(call, NULL, out);
	check_leave(t->c, status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status);
	return status != LACUNA_EUNSUPPORTED;
}

/* The guess varies widely. */
static void examine_deviation(const struct trial *t)
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
		struct call call = make_call(t, "deviation", runs[i], 0.05);
		size_t wrong = 0, k;

		call.serial = 1;
		call.in[0] = x.data;
		call.in[1] = guess.data;
		if (!knows_deviation(t, &call, deviation))
			continue;
		memset(deviation, 0, t->count * sizeof *deviation);
		examine_call(t, call, &x, &guess, deviation);
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
static void examine_conditional(const struct trial *t,
				const struct lacuna_prior_conditional *conditional)
{
	struct trial own = *t;
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
	if (!status && !guarded_random(t->c, 1, t->count, 0.5, middle_sigma(t), &u))
		examine_call(&own, make_call(&own, "conditional", run_conditional, middle_sigma(t)),
			     &u, NULL, NULL);
	guarded_release(&u);
	destroy(t, own.self);
}

/* ---- one shape */

static int create_and_destroy(void *context)
{
	struct trial *t = context;
	void *self = NULL;
	int status = t->prior->create(&t->host, t->c->use->config, &t->problem, &self);

	if (!status)
		t->prior->destroy(self);
	return status;
}

static int examine_instance(struct trial *t)
{
	struct creation creation = { create_and_destroy, t };
	const struct lacuna_prior_conditional *conditional =
		plugin_extension(t->c->use->plugin, LACUNA_CONDITIONAL);
	int i, status;

	init_host(t);
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
		examine_large(t);
	} else if (!status) {
		examine_denoise(t);
		if (t->prior->denoise_map)
			examine_map(t);
		if (t->prior->vjp)
			examine_vjp(t);
		if (t->prior->jvp)
			examine_jvp(t);
		if (t->prior->flags & LACUNA_GAUSSIAN)
			examine_gaussian(t);
		if ((t->prior->flags & LACUNA_TRAINED) && t->count >= PICTURE)
			examine_trained(t);
		if (t->info.symmetric && t->count >= PICTURE)
			examine_symmetry(t);
		if (conditional && t->problem.measurement)
			examine_conditional(t, conditional);
		if (plugin_extension(t->c->use->plugin, LACUNA_DEVIATION))
			examine_deviation(t);
	}
	for (i = 0; i < 4; i++)
		memory_release(t->temporary[i]);
	destroy(t, t->self);
	if (!status && t->c->now->thorough)
		check_no_memory(t->c, "create", &creation);
	return status;
}

static int examine_case(struct check *c, const struct check_case *now)
{
	struct trial t = { .c = c, .prior = &c->use->plugin->u.prior };
	struct guarded y = { NULL, 0, NULL };
	const int measured = now->variant;
	size_t blocks;
	int status;

	destroy(&t, NULL);
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
		     "%zu blocks of memory are not released by destroy()",
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
