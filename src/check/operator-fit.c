/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of operators: fit(), which finds parameters from a measurement. */
#include <config.h>

#include "check/operator-private.h"

#include "base/error.h"
#include "base/memory.h"
#include "plugin/param.h"

#include <lacuna/fit.h>

#include <math.h>
#include <string.h>

static const struct lacuna_operator_fit *fit_table(const struct check *c)
{
	return plugin_extension(c->use->plugin, LACUNA_FIT);
}

static int is_free(const struct check *c, const struct lacuna_param *row)
{
	return plugin_may_fit(c->use->plugin, c->use->config, row);
}

size_t trial_count_free(const struct check *c)
{
	const struct lacuna_param *row;
	size_t free = 0;

	for (uint32_t i = 0; (row = param_row(c->use->plugin->head, i)); i++)
		free += (size_t)is_free(c, row);
	return free;
}

/* Free parameters stay within their ranges, the others as they were. */
static void examine_values(struct check *c, void *fitted)
{
	const struct lacuna_param *row;
	char before[256], after[256];

	for (uint32_t i = 0; (row = param_row(c->use->plugin->head, i)); i++) {
		if (is_free(c, row)) {
			const double value = *param_real(row, fitted);

			check_expect(c, FITS, value >= row->lo && value <= row->hi,
				     "%s = %g is out of range", row->name, value);
			continue;
		}
		param_value(row, c->use->config, before, sizeof before);
		param_value(row, fitted, after, sizeof after);
		check_expect(c, FITS, !strcmp(before, after),
			     "%s is not free and changes from %s to %s", row->name, before, after);
	}
}

/* in[0]: y, in[1]: x or NULL, sigma: the noise; out: the free parameters */
static int run_fit(const struct call *call, void *scratch, float *out)
{
	struct check *c = call->check;
	const struct lacuna_param *row;
	void *config = param_copy(c->use->plugin->head, c->use->config);
	int status = LACUNA_ENOMEM;

	(void)scratch;
	if (config)
		status = fit_table(c)->fit(call->self, call->in[1], call->in[0], call->sigma,
					   config);
	if (!status)
		examine_values(c, config);
	for (uint32_t i = 0; !status && (row = param_row(c->use->plugin->head, i)); i++)
		if (is_free(c, row))
			*out++ = (float)*param_real(row, config);
	memory_release(config);
	return status;
}

/* Another instance, with the fitted configuration.  It may take another shape of x. */
static int create_fitted(struct trial *fitted, const struct trial *t, const void *config)
{
	struct lacuna_shape back;
	int status;

	*fitted = *t;
	fitted->config = config;
	fitted->self = NULL;
	status = trial_ask_wished(fitted, 1, &t->y, &t->x, &fitted->x);
	if (!status)
		status = trial_ask_shape(fitted, 0, &fitted->x, &back);
	if (!status && !check_expect(t->c, SHAPES, trial_same_shape(&back, &t->y),
				     "with fitted parameters y has another shape"))
		status = LACUNA_EINVAL;
	if (status)
		return status;
	fitted->nx = lacuna_count(&fitted->x);
	check_enter(t->c, "create");
	status = check_leave(t->c,
			     t->op->create(&t->host, config, &fitted->x, &t->y, &fitted->self));
	if (!status && t->op->scratch)
		fitted->scratch_bytes = t->op->scratch(fitted->self);
	return status;
}

/* Where the windows of two instances begin in x. */
static int64_t shift(const struct trial *from, const struct trial *to, int d)
{
	struct lacuna_region y = { { 0 }, { 0 } }, a = y, b = y;

	if (!from->op->window)
		return 0;
	memcpy(y.extent, from->y.extent, sizeof y.extent);
	if (from->op->window(from->self, &y, &a) || to->op->window(to->self, &y, &b))
		return 0;
	return b.origin[d] - a.origin[d];
}

/* Moves x to the shape of another instance.  outside: 1 where it has no value, else 0. */
static void move_image(const struct trial *from, const float *x, const struct trial *to,
		       float *moved, float *outside)
{
	const int64_t *a = from->x.extent, *b = to->x.extent;
	const int64_t dx = shift(from, to, 0), dy = shift(from, to, 1);

	for (int64_t i = 0; i < (int64_t)to->nx; i++) {
		const int64_t u = i % b[0] - dx, v = i / b[0] % b[1] - dy;
		const int64_t plane = i / (b[0] * b[1]);

		outside[i] = u < 0 || v < 0 || u >= a[0] || v >= a[1];
		moved[i] = outside[i] > 0 ? 0 : x[u + a[0] * (v + a[1] * plane)];
	}
}

/* The new parameters explain y as well as the true ones, where both depend on x alone. */
static void compare_residuals(const struct trial *t, const struct trial *fitted, const float *x,
			      const float *y)
{
	const size_t n = fitted->nx > t->ny ? fitted->nx : t->ny;
	float *work = memory_alloc_array(4 * n, sizeof *work);
	float *moved = work, *outside, *reach, *now;
	double before = 0, after = 0;

	if (!work)
		return;
	outside = moved + n;
	reach = outside + n;
	now = reach + n;
	move_image(t, x, fitted, moved, outside);
	trial_apply(fitted, moved, now);
	trial_apply(fitted, outside, reach);
	trial_apply(t, x, t->temporary[0]);
	for (size_t i = 0; i < t->ny; i++)
		if (fabs((double)reach[i]) < 1e-4) {
			before += pow((double)y[i] - (double)t->temporary[0][i], 2);
			after += pow((double)y[i] - (double)now[i], 2);
		}
	check_expect(t->c, FITS, after <= 1.1 * before,
		     "|y - A x| grows from %.3g to %.3g, where x is known", sqrt(before),
		     sqrt(after));
	memory_release(work);
}

static void examine_fitted(const struct trial *t, const float *values, const float *x,
			   const float *y)
{
	const struct lacuna_param *row;
	void *config = param_copy(t->c->use->plugin->head, t->c->use->config);
	struct trial fitted;

	if (!config)
		return;
	for (uint32_t i = 0; (row = param_row(t->c->use->plugin->head, i)); i++)
		if (is_free(t->c, row))
			*param_real(row, config) = (double)*values++;
	if (!check_expect(t->c, FITS, !create_fitted(&fitted, t, config),
			  "the fitted parameters are refused: %s", error_text()))
		goto out;
	compare_residuals(t, &fitted, x, y);
	if (fitted.nx <= t->nx)
		trial_examine_adjoint(&fitted);
	trial_release(&fitted, fitted.self);
out:
	memory_release(config);
}

/* Makes y of a known x by the parameters that are told, and fits them: to both, and to y alone. */
void trial_examine_fit(const struct trial *t)
{
	static const double noise = 0.01;
	struct call call = trial_call(t, "fit", run_fit, trial_count_free(t->c));
	struct guarded x = { NULL, 0, NULL }, y = { NULL, 0, NULL }, out = { NULL, 0, NULL };
	/* trial_examine_adjoint() uses the first ones */
	float *before = t->temporary[TEMPORARIES - 1], *again = t->temporary[TEMPORARIES - 2];
	float *values;
	int status;

	if (guarded_random(t->c, 170, t->nx, 0.5, 0.1, &x) ||
	    guarded_random(t->c, 171, t->ny, 0, noise, &y))
		goto out;
	values = y.data;
	trial_apply(t, x.data, before);
	for (size_t i = 0; i < t->ny; i++)
		values[i] += before[i];
	call.serial = 1;
	call.sigma = noise;
	for (int known = 1; known >= 0; known--) {
		call.in[0] = y.data;
		call.in[1] = known ? x.data : NULL;
		call.inputs[0] = &y;
		call.inputs[1] = known ? &x : NULL;
		status = check_call(t->c, &call, &out);
		check_expect(t->c, ACCEPTS, !status || status == LACUNA_EUNSUPPORTED,
			     "fit() fails: %s", error_text());
		trial_apply(t, x.data, again);
		check_expect(t->c, FITS, !memcmp(before, again, t->ny * sizeof *again),
			     "fit() changes what apply() of its instance gives");
		if (!status && known)
			examine_fitted(t, out.data, x.data, y.data);
		guarded_release(&out);
	}
out:
	guarded_release(&x);
	guarded_release(&y);
}
