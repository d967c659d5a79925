/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of operators.  Errors are relative to norms on both sides, so that a test cannot pass because one side
 * is large. */
#include <config.h>

#include "check/private.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"
#include "plugin/host.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Single precision with some room for sums over a picture. */
static const double tolerance = 1e-5;

enum { TEMPORARIES = 12 };

/* An instance on images of one shape. */
struct trial {
	struct check *c;
	const struct lacuna_operator *op;
	const void *config;
	struct lacuna_host host;
	struct lacuna_shape x, y;
	size_t nx, ny, scratch_bytes;
	void *self;
	double largest;		       /* eigenvalue of A'A, roughly, from below */
	float *temporary[TEMPORARIES]; /* of max(nx, ny) values */
};

/* ---- calls */

static int run_apply(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.op.apply(call->self, scratch, call->in[0], out);
}

static int run_adjoint(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.op.adjoint(call->self, scratch, call->in[1], call->in[0],
						      out);
}

static int run_spectral(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.op.spectral(call->self, scratch, call->gain,
						       call->gain_context, call->in[0], out);
}

static int run_approximate(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.op.approximate(call->self, scratch, call->gain,
							  call->gain_context, call->in[0], out);
}

static struct call make_call(const struct trial *t, const char *name,
			     int (*run)(const struct call *, void *, float *), size_t out_count)
{
	return (struct call){ .name = name,
			      .run = run,
			      .check = t->c,
			      .self = t->self,
			      .scratch_bytes = t->scratch_bytes,
			      .out_count = out_count };
}

static void apply(const struct trial *t, const float *x, float *y)
{
	struct call call = make_call(t, "apply", run_apply, t->ny);

	call.in[0] = x;
	check_quick(t->c, &call, y);
}

static void adjoint(const struct trial *t, const float *at, const float *y, float *x)
{
	struct call call = make_call(t, "adjoint", run_adjoint, t->nx);

	call.in[0] = y;
	call.in[1] = at;
	check_quick(t->c, &call, x);
}

static void spectral(const struct trial *t, lacuna_gain *gain, const void *context, const float *b,
		     float *x)
{
	struct call call = make_call(t, "spectral", run_spectral, t->nx);

	call.in[0] = b;
	call.gain = gain;
	call.gain_context = context;
	check_quick(t->c, &call, x);
}

/* out = A'A x; y is work space */
static void normal(const struct trial *t, const float *x, float *y, float *out)
{
	apply(t, x, y);
	adjoint(t, NULL, y, out);
}

static void random_vector(const struct trial *t, uint64_t stream, size_t n, float *out)
{
	random_gaussian(t->c->key, stream, 0, out, n);
}

/* ||a - b|| / scale; NaN stays NaN */
static double distance(size_t n, const float *a, const float *b, double scale)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
	return sum == 0 ? 0 : sqrt(sum) / scale;
}

/* ---- the operator and its adjoint */

static void examine_linearity(const struct trial *t)
{
	float *x = t->temporary[0], *z = t->temporary[1], *ax = t->temporary[2],
	      *az = t->temporary[3], *sum = t->temporary[4], *asum = t->temporary[5];
	size_t i;

	random_vector(t, 10, t->nx, x);
	random_vector(t, 11, t->nx, z);
	for (i = 0; i < t->nx; i++)
		sum[i] = 2 * x[i] + 3 * z[i];
	apply(t, x, ax);
	apply(t, z, az);
	apply(t, sum, asum);
	for (i = 0; i < t->ny; i++)
		sum[i] = 2 * ax[i] + 3 * az[i];
	check_limit(
		t->c, LINEARITY,
		distance(t->ny, asum, sum, 2 * vector_norm(t->ny, ax) + 3 * vector_norm(t->ny, az)),
		tolerance);
}

/* Two inner products that should be one, over several draws.  The scale is that of the draws' larger products, because
 * one may be small by chance, but of the smaller of the two sides: a test must not pass because the other is huge. */
struct agreement {
	double error, scale;
};

static void compare(struct agreement *a, double left, double left_scale, double right,
		    double right_scale)
{
	double difference = fabs(left - right);

	if (!(difference <= a->error)) /* or NaN */
		a->error = difference;
	a->scale = fmax(a->scale, fmin(left_scale, right_scale));
}

static double relative(const struct agreement *a)
{
	return a->error == 0 ? 0 : a->error / a->scale;
}

static void examine_adjoint(const struct trial *t)
{
	float *x = t->temporary[0], *y = t->temporary[1], *ax = t->temporary[2],
	      *aty = t->temporary[3];
	struct agreement products = { 0, 0 };
	uint64_t round;

	for (round = 0; round < 4; round++) {
		random_vector(t, 20 + round, t->nx, x);
		random_vector(t, 30 + round, t->ny, y);
		apply(t, x, ax);
		adjoint(t, NULL, y, aty);
		compare(&products, vector_dot(t->ny, ax, y),
			vector_norm(t->ny, ax) * vector_norm(t->ny, y), vector_dot(t->nx, x, aty),
			vector_norm(t->nx, x) * vector_norm(t->nx, aty));
	}
	check_limit(t->c, ADJOINT, relative(&products), tolerance);
}

/* (J v, w) = (v, J'w) with J v by central differences */
static void examine_jacobian(const struct trial *t)
{
	float *at = t->temporary[0], *v = t->temporary[1], *w = t->temporary[2],
	      *point = t->temporary[3], *plus = t->temporary[4], *minus = t->temporary[5],
	      *jtw = t->temporary[6];
	struct agreement products = { 0, 0 };
	const double h = 5e-3;
	uint64_t round;
	size_t i;

	for (round = 0; round < 4; round++) {
		random_vector(t, 40 + round, t->nx, at);
		for (i = 0; i < t->nx; i++)
			at[i] = (float)(0.5 + 0.1 * at[i]);
		random_vector(t, 50 + round, t->nx, v);
		random_vector(t, 60 + round, t->ny, w);
		for (i = 0; i < t->nx; i++)
			point[i] = (float)(at[i] + h * v[i]);
		apply(t, point, plus);
		for (i = 0; i < t->nx; i++)
			point[i] = (float)(at[i] - h * v[i]);
		apply(t, point, minus);
		for (i = 0; i < t->ny; i++)
			plus[i] = (float)(((double)plus[i] - minus[i]) / (2 * h));
		adjoint(t, at, w, jtw);
		compare(&products, vector_dot(t->ny, plus, w),
			vector_norm(t->ny, plus) * vector_norm(t->ny, w), vector_dot(t->nx, v, jtw),
			vector_norm(t->nx, v) * vector_norm(t->nx, jtw));
	}
	check_limit(t->c, JACOBIAN, relative(&products), 1e-2);
}

static void examine_pixelwise(const struct trial *t)
{
	float *ones = t->temporary[0], *v = t->temporary[1], *y = t->temporary[2],
	      *d = t->temporary[3], *atav = t->temporary[4];
	size_t i;

	for (i = 0; i < t->nx; i++)
		ones[i] = 1;
	normal(t, ones, y, d);
	random_vector(t, 70, t->nx, v);
	normal(t, v, y, atav);
	for (i = 0; i < t->nx; i++)
		v[i] *= d[i];
	check_limit(t->c, PIXELWISE, distance(t->nx, atav, v, vector_norm(t->nx, v)), tolerance);
}

static void examine_diagonal(const struct trial *t)
{
	float *d = t->temporary[0], *v = t->temporary[1], *y = t->temporary[2],
	      *atav = t->temporary[3];
	size_t i;
	int status;

	error_clear();
	status = t->op->diagonal(t->self, d);
	if (status == LACUNA_EUNSUPPORTED)
		return;
	if (!check_expect(t->c, DIAGONAL, !check_status(t->c, "diagonal", status),
			  "diagonal() fails: %s", error_text()))
		return;
	random_vector(t, 80, t->nx, v);
	normal(t, v, y, atav);
	for (i = 0; i < t->nx; i++)
		v[i] *= d[i];
	check_limit(t->c, DIAGONAL, distance(t->nx, atav, v, vector_norm(t->nx, v)), tolerance);
}

/* ---- functions of A'A */

static double gain_one(double lambda, const void *context)
{
	(void)lambda, (void)context;
	return 1;
}

static double gain_lambda(double lambda, const void *context)
{
	(void)context;
	return lambda;
}

static double gain_root(double lambda, const void *context)
{
	(void)context;
	return lambda > 0 ? sqrt(lambda) : 0;
}

static double gain_inverse(double lambda, const void *context)
{
	return 1 / (lambda + *(const double *)context);
}

static double gain_pseudo_inverse(double lambda, const void *context)
{
	return lambda > *(const double *)context ? 1 / lambda : 0;
}

static double gain_projector(double lambda, const void *context)
{
	return lambda > *(const double *)context;
}

/* A few steps of the power method. */
static double largest_eigenvalue(const struct trial *t)
{
	float *v = t->temporary[0], *y = t->temporary[1], *next = t->temporary[2];
	double norm = 0;
	int i;

	random_vector(t, 90, t->nx, v);
	for (i = 0; i < 12; i++) {
		norm = vector_norm(t->nx, v);
		if (!(norm > 0))
			return 0;
		vector_scale(t->nx, 1 / norm, v);
		normal(t, v, y, next);
		memcpy(v, next, t->nx * sizeof *v);
	}
	return vector_norm(t->nx, v);
}

static void examine_gains(const struct trial *t)
{
	float *b = t->temporary[0], *x = t->temporary[1], *y = t->temporary[2],
	      *atab = t->temporary[3], *twice = t->temporary[4];
	double rho = t->largest / 30, norm;
	size_t i;

	random_vector(t, 100, t->nx, b);
	norm = vector_norm(t->nx, b);
	spectral(t, gain_one, NULL, b, x);
	check_limit(t->c, SPECTRAL_ONE, distance(t->nx, x, b, norm), tolerance);

	/* Scaled by what A'A can do at most: b may lie in the null space. */
	normal(t, b, y, atab);
	spectral(t, gain_lambda, NULL, b, x);
	check_limit(t->c, SPECTRAL_LAMBDA, distance(t->nx, x, atab, t->largest * norm), tolerance);

	spectral(t, gain_root, NULL, b, x);
	spectral(t, gain_root, NULL, x, twice);
	check_limit(t->c, SPECTRAL_ROOT, distance(t->nx, twice, atab, t->largest * norm),
		    10 * tolerance);

	spectral(t, gain_inverse, &rho, b, x);
	normal(t, x, y, atab);
	for (i = 0; i < t->nx; i++)
		atab[i] = (float)(atab[i] + rho * x[i]);
	check_limit(t->c, SPECTRAL_INVERSE, distance(t->nx, atab, b, norm), 10 * tolerance);
}

/* out = A^+ y; work is x-shaped */
static void pseudo_inverse(const struct trial *t, const double *threshold, const float *y,
			   float *work, float *out)
{
	adjoint(t, NULL, y, work);
	spectral(t, gain_pseudo_inverse, threshold, work, out);
}

/* A preconditioner M, positive and symmetric: (Mv, w) = (v, Mw), (Mv, v) > 0. */
static void examine_approximate(const struct trial *t)
{
	float *v = t->temporary[0], *w = t->temporary[1], *mv = t->temporary[2],
	      *mw = t->temporary[3];
	const double rho = t->largest > 0 ? t->largest / 30 : 1;
	struct call call = make_call(t, "approximate", run_approximate, t->nx);
	double scale;

	call.gain = gain_inverse;
	call.gain_context = &rho;
	random_vector(t, 120, t->nx, v);
	random_vector(t, 121, t->nx, w);
	call.in[0] = v;
	check_quick(t->c, &call, mv);
	call.in[0] = w;
	check_quick(t->c, &call, mw);
	scale = fmin(vector_norm(t->nx, mv) * vector_norm(t->nx, w),
		     vector_norm(t->nx, v) * vector_norm(t->nx, mw));
	check_limit(t->c, APPROXIMATE,
		    fabs(vector_dot(t->nx, mv, w) - vector_dot(t->nx, v, mw)) / scale, tolerance);
	check_expect(t->c, APPROXIMATE, vector_dot(t->nx, mv, v) > 0, "(Mv, v) is not positive");
}

/* With eigenvalues up to a threshold taken for 0, P = 1[lambda > threshold](A'A), B = A A^+ and A^+ as defined in
 * the design: A^+ A = P, A A^+ A = A P, A^+ A A^+ = A^+, and both products are symmetric. */
static void examine_pseudo_inverse(const struct trial *t)
{
	float *x = t->temporary[0], *ax = t->temporary[1], *pinv_ax = t->temporary[2],
	      *work = t->temporary[3], *px = t->temporary[4], *apx = t->temporary[5],
	      *y = t->temporary[6], *pinv_y = t->temporary[7], *by = t->temporary[8],
	      *again = t->temporary[9], *z = t->temporary[10], *bz = t->temporary[11];
	const double threshold = 1e-3 * t->largest, limit = 1e-3;

	random_vector(t, 110, t->nx, x);
	apply(t, x, ax);
	pseudo_inverse(t, &threshold, ax, work, pinv_ax);
	spectral(t, gain_projector, &threshold, x, px);
	check_limit(t->c, PSEUDO_INVERSE, distance(t->nx, pinv_ax, px, vector_norm(t->nx, x)),
		    limit);
	apply(t, pinv_ax, by);
	apply(t, px, apx);
	check_limit(t->c, PSEUDO_INVERSE, distance(t->ny, by, apx, vector_norm(t->ny, ax)), limit);

	random_vector(t, 111, t->ny, y);
	pseudo_inverse(t, &threshold, y, work, pinv_y);
	apply(t, pinv_y, by);
	pseudo_inverse(t, &threshold, by, work, again);
	check_limit(t->c, PSEUDO_INVERSE,
		    distance(t->nx, again, pinv_y, vector_norm(t->nx, pinv_y)), limit);
	random_vector(t, 112, t->ny, z);
	pseudo_inverse(t, &threshold, z, work, again);
	apply(t, again, bz);
	check_limit(t->c, PSEUDO_INVERSE,
		    fabs(vector_dot(t->ny, by, z) - vector_dot(t->ny, y, bz)) /
			    (vector_norm(t->ny, y) * vector_norm(t->ny, z)),
		    limit);
}

/* ---- conduct of each function */

/* True when the function works. */
static int examine_call(const struct trial *t, struct call call, struct guarded *in0,
			struct guarded *in1)
{
	struct guarded out = { NULL, 0, NULL };
	int status;

	call.inputs[0] = in0;
	call.in[0] = in0->data;
	if (in1) {
		call.inputs[1] = in1;
		call.in[1] = in1->data;
	}
	status = check_call(t->c, &call, &out);
	guarded_release(&out);
	return !status;
}

/* An instance may do without the form, and then needs no message. */
static int offers_spectral(const struct trial *t, const float *b)
{
	void *scratch = memory_alloc(t->scratch_bytes + 1);
	int status =
		scratch ? t->op->spectral(t->self, scratch, gain_lambda, NULL, b, t->temporary[0])
			: LACUNA_ENOMEM;

	memory_release(scratch);
	return status != LACUNA_EUNSUPPORTED;
}

static int examine_functions(const struct trial *t, int *has_spectral)
{
	struct call forward = make_call(t, "apply", run_apply, t->ny);
	struct call back = make_call(t, "adjoint", run_adjoint, t->nx);
	struct call spectrum = make_call(t, "spectral", run_spectral, t->nx);
	struct call rough = make_call(t, "approximate", run_approximate, t->nx);
	struct guarded x = { NULL, 0, NULL }, y = { NULL, 0, NULL };
	int linear = t->op->flags & LACUNA_LINEAR, works = 0;

	*has_spectral = 0;
	spectrum.gain = rough.gain = gain_lambda;
	if (guarded_random(t->c, 1, t->nx, 0.5, 0.1, &x) ||
	    guarded_random(t->c, 2, t->ny, 0.5, 0.1, &y))
		goto out;
	works = examine_call(t, forward, &x, NULL);
	check_expect(t->c, ACCEPTS, works, "apply() fails: %s", error_text());
	works = works && examine_call(t, back, &y, linear ? NULL : &x);
	check_expect(t->c, ACCEPTS, works, "adjoint() fails: %s", error_text());
	if (works && linear && t->op->spectral) {
		*has_spectral = offers_spectral(t, x.data);
		works = !*has_spectral || examine_call(t, spectrum, &x, NULL);
		check_expect(t->c, ACCEPTS, works, "spectral() fails: %s", error_text());
	}
	if (works && linear && t->op->approximate) {
		works = examine_call(t, rough, &x, NULL);
		check_expect(t->c, ACCEPTS, works, "approximate() fails: %s", error_text());
	}
	/* One that writes beyond its arrays would only crash what follows. */
	works = works && !t->c->outcomes[BOUNDS].failed;
out:
	guarded_release(&x);
	guarded_release(&y);
	return works;
}

/* ---- one shape */

static void examine_window(const struct trial *t)
{
	struct lacuna_region in_y = { { 0 }, { 0 } }, in_x = { { 0 }, { 0 } };
	int d, inside = 1, status;

	memcpy(in_y.extent, t->y.extent, sizeof in_y.extent);
	error_clear();
	status = check_status(t->c, "window", t->op->window(t->self, &in_y, &in_x));
	for (d = 0; d < 4; d++)
		inside &= in_x.origin[d] >= 0 && in_x.extent[d] >= 1 &&
			  in_x.origin[d] + in_x.extent[d] <= t->x.extent[d];
	check_expect(t->c, WINDOW, !status && inside,
		     "window() of all of y: from %lld,%lld, size %lldx%lld; x is %lldx%lld",
		     (long long)in_x.origin[0], (long long)in_x.origin[1],
		     (long long)in_x.extent[0], (long long)in_x.extent[1],
		     (long long)t->x.extent[0], (long long)t->x.extent[1]);
}

static void examine_mathematics(struct trial *t, int has_spectral)
{
	if (!(t->op->flags & LACUNA_LINEAR)) {
		examine_jacobian(t);
		return;
	}
	examine_linearity(t);
	examine_adjoint(t);
	if (t->op->flags & LACUNA_PIXELWISE)
		examine_pixelwise(t);
	if (t->op->diagonal)
		examine_diagonal(t);
	t->largest = largest_eigenvalue(t);
	if (t->op->approximate)
		examine_approximate(t);
	if (has_spectral && t->largest > 0) {
		examine_gains(t);
		examine_pseudo_inverse(t);
	}
}

static int create_and_destroy(void *context)
{
	struct trial *t = context;
	struct lacuna_shape x;
	void *self = NULL;
	int status = t->op->shape(&t->host, t->config, 1, &t->y, &x);

	if (!status)
		status = t->op->create(&t->host, t->config, &t->x, &t->y, &self);
	if (!status)
		t->op->destroy(self);
	return status;
}

static int examine_instance(struct trial *t)
{
	struct creation creation = { create_and_destroy, t };
	size_t n = t->nx > t->ny ? t->nx : t->ny;
	int i, has_spectral, status;

	error_clear();
	status = check_status(t->c, "create",
			      t->op->create(&t->host, t->config, &t->x, &t->y, &t->self));
	if (status)
		return status;
	t->scratch_bytes = t->op->scratch ? t->op->scratch(t->self) : 0;
	for (i = 0; i < TEMPORARIES && !status; i++)
		if (!(t->temporary[i] = memory_alloc_array(n, sizeof(float))))
			status = LACUNA_ENOMEM;
	if (!status && examine_functions(t, &has_spectral))
		examine_mathematics(t, has_spectral);
	if (t->op->window)
		examine_window(t);
	for (i = 0; i < TEMPORARIES; i++)
		memory_release(t->temporary[i]);
	t->op->destroy(t->self);
	check_status(t->c, "destroy", LACUNA_OK);
	if (!status && t->c->conduct_all)
		check_no_memory(t->c, "create", &creation);
	return status;
}

static int same_shape(const struct lacuna_shape *a, const struct lacuna_shape *b)
{
	return !memcmp(a->extent, b->extent, sizeof a->extent);
}

/* LACUNA_OK when the operator takes measurements of this shape. */
static int examine_shape(struct check *c, const struct lacuna_shape *y)
{
	struct trial t = { .c = c, .op = &c->use->plugin->u.op, .config = c->use->config, .y = *y };
	struct lacuna_shape back;
	size_t blocks = memory_live_blocks();
	int status;

	host_init(&t.host, &c->key);
	check_where(c, y, "");
	error_clear();
	status = check_status(c, "shape", t.op->shape(&t.host, t.config, 1, y, &t.x));
	if (status)
		return status;
	error_clear();
	status = check_status(c, "shape", t.op->shape(&t.host, t.config, 0, &t.x, &back));
	check_expect(c, SHAPES, !status && same_shape(&back, y),
		     "x is %lldx%lldx%lld, but y of that is %lldx%lldx%lld (%s)",
		     (long long)t.x.extent[0], (long long)t.x.extent[1], (long long)t.x.extent[2],
		     (long long)back.extent[0], (long long)back.extent[1],
		     (long long)back.extent[2], status ? error_text() : "shape()");
	if (!status && !same_shape(&back, y)) /* its functions would not know where to stop */
		status = error_set(LACUNA_EINVAL, "its shapes disagree");
	if (status)
		return status;
	t.nx = lacuna_count(&t.x);
	t.ny = lacuna_count(&t.y);
	status = examine_instance(&t);
	check_expect(c, LEAKS, memory_live_blocks() == blocks,
		     "%zu blocks of memory are left after destroy()",
		     memory_live_blocks() - blocks);
	return status;
}

int check_operator(struct check *c)
{
	static const struct lacuna_shape shapes[] = { { { 1, 1, 1, 1 } },   { { 1, 9, 1, 1 } },
						      { { 5, 3, 1, 1 } },   { { 31, 18, 1, 1 } },
						      { { 31, 18, 3, 1 } }, { { 5, 3, 2, 2 } },
						      { { 97, 101, 1, 1 } } };
	enum { COUNT = sizeof shapes / sizeof shapes[0] };
	struct outcome *accepts = &c->outcomes[ACCEPTS];
	char refusal[200] = "";
	int i, accepted = 0;

	c->use->plugin->u.op.destroy(NULL);
	for (i = 0; i < COUNT; i++) {
		int status;

		c->conduct_all = i + 1 < COUNT; /* the large one would take long */
		status = examine_shape(c, &shapes[i]);
		if (status)
			snprintf(refusal, sizeof refusal, "; %s is refused: %s", c->where,
				 error_text());
		accepted += !status;
	}
	*c->where = 0;
	check_expect(c, ACCEPTS, accepted > 0, "none of %d shapes%s", COUNT, refusal);
	if (!accepts->failed)
		snprintf(accepts->detail, sizeof accepts->detail, "%d of %d shapes%s", accepted,
			 COUNT, refusal);
	return LACUNA_OK;
}
