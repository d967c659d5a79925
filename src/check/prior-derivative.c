/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What is examined of a prior's derivatives, and of a prior that claims to be Gaussian, whose derivative is constant. */
#include <config.h>

#include "check/prior-private.h"

#include "base/vector.h"

#include <math.h>
#include <string.h>

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

/* In bfloat16 a result of prior_denoise() has 3 digits, and the difference of two is off by some per cent; of a few values, by any. */
static int is_coarse(const struct prior_trial *t)
{
	return t->info.precision && !strcmp(t->info.precision, "bf16");
}

/* out = (D(u + h w) - D(u - h w))/(2 h).  Changes u.  work: t->count values. */
static int central_difference(const struct prior_trial *t, double sigma, double h, float *u,
			      const float *w, float *work, float *out)
{
	int status;

	vector_axpy(t->count, h, w, u);
	status = prior_denoise(t, sigma, u, out);
	vector_axpy(t->count, -2 * h, w, u);
	if (!status)
		status = prior_denoise(t, sigma, u, work);
	vector_subtract(t->count, out, work, out);
	vector_scale(t->count, 1 / (2 * h), out);
	return status;
}

/* Checks (J'v, w) = (v, J w), J w by central differences.  A network in bfloat16 rounds its output to a fraction of the
 * noise, which changes this by one or two hundredths. */
void prior_examine_vjp(const struct prior_trial *t)
{
	struct guarded u = { NULL, 0, NULL }, v = { NULL, 0, NULL };
	float *plus = t->temporary[0], *minus = t->temporary[1], *jtv = t->temporary[2],
	      *w = t->temporary[3];
	double sigma = prior_middle_sigma(t), left, right, scale;

	if (guarded_random(t->c, 1, t->count, 0.5, sigma, &u) ||
	    guarded_random(t->c, 2, t->count, 0, 1, &v))
		goto out;
	prior_examine_call(t, prior_call(t, "vjp", run_vjp, sigma), &u, &v, jtv);
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
void prior_examine_jvp(const struct prior_trial *t)
{
	struct guarded u = { NULL, 0, NULL }, w = { NULL, 0, NULL };
	float *along = t->temporary[0], *work = t->temporary[1], *jw = t->temporary[2];
	const double sigma = prior_middle_sigma(t), h = (is_coarse(t) ? 0.02 : 0.002) * sigma;
	struct call call = prior_call(t, "jvp", run_jvp, sigma);
	double square, length;

	if (guarded_random(t->c, 1, t->count, 0.5, sigma, &u) ||
	    guarded_random(t->c, 2, t->count, 0, 1, &w))
		goto out;
	prior_examine_call(t, call, &u, &w, jw);
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

/* D(u) + D(v) = D(u + v - w) + D(w) for any w: D is affine.  For a Gaussian N(m, C) the posterior mean x = D_s(u) solves
 * (u - x) / s^2 = C^-1 (x - m).  The right side does not depend on s: the image x + (t/s)^2 (u - x) has the same mean at
 * level t. */
void prior_examine_gaussian(const struct prior_trial *t)
{
	float *u = t->temporary[0], *x = t->temporary[1], *other = t->temporary[2];
	const double s = prior_middle_sigma(t), ratio = 2 * s <= t->info.sigma_max ? 2 : 0.5;
	struct guarded v = { NULL, 0, NULL };
	double scale;

	/* u and v are random, w is 1/2 */
	random_gaussian(t->c->key, 4, 0, u, t->count);
	for (size_t i = 0; i < t->count; i++)
		u[i] = (float)(0.5 + s * u[i]);
	if (guarded_random(t->c, 5, t->count, 0.5, s, &v) || prior_denoise(t, s, u, x))
		goto out;
	for (size_t i = 0; i < t->count; i++)
		u[i] = (float)(x[i] + ratio * ratio * ((double)u[i] - x[i]));
	if (prior_denoise(t, ratio * s, u, other))
		goto out;
	scale = prior_difference(t, u, x) / (ratio * ratio) + 1e-6;
	check_limit(t->c, GAUSSIAN, prior_difference(t, other, x) / scale, 1e-3);
	/* u is the first image again */
	random_gaussian(t->c->key, 4, 0, u, t->count);
	for (size_t i = 0; i < t->count; i++)
		u[i] = (float)(0.5 + s * u[i]);
	if (prior_denoise(t, s, v.data, other))
		goto out;
	for (size_t i = 0; i < t->count; i++) {
		x[i] += other[i];
		u[i] += ((const float *)v.data)[i] - 0.5f;
	}
	if (prior_denoise(t, s, u, other))
		goto out;
	vector_subtract(t->count, x, other, x);
	for (size_t i = 0; i < t->count; i++)
		u[i] = 0.5f;
	if (!prior_denoise(t, s, u, other))
		check_limit(t->c, GAUSSIAN, prior_difference(t, x, other) / scale, 1e-3);
out:
	guarded_release(&v);
}
