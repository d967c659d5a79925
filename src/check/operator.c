/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of operators.  Errors are relative to the norms of both sides, so that no test passes because one side is
 * large. */
#include <config.h>

#include "check/private.h"
#include "check/spectrum.h"
#include "engine/solve.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"
#include "plugin/host.h"
#include "plugin/param.h"

#include <lacuna/fit.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Single precision, with room for sums over an image.  Errors of inner products are relative to their typical size: the
 * product of the norms divided by the square root of the number of values. */
static const double tolerance = 1e-5, product_tolerance = 1e-4;

enum { TEMPORARIES = 12 };

/* An instance on images of one shape. */
struct trial {
	struct check *c;
	const struct lacuna_operator *op;
	const void *config;
	struct host_context host_context;
	struct lacuna_host host;
	struct lacuna_shape x, y;
	size_t nx, ny, scratch_bytes;
	void *self;
	double largest;		       /* eigenvalue of A'A, estimated from below */
	int slow;		       /* too slow for many calls */
	float *temporary[TEMPORARIES]; /* max(nx, ny) values each */
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

/* in[0]: b, in[1]: first guess, gain_context: the system */
static int run_solve(const struct call *call, void *scratch, float *out)
{
	memcpy(out, call->in[1], call->out_count * sizeof *out);
	return call->check->use->plugin->u.op.solve(call->self, scratch, call->gain_context,
						    call->in[0], out);
}

static int run_offset(const struct call *call, void *scratch, float *out)
{
	(void)scratch;
	return call->check->use->plugin->u.op.offset(call->self, out);
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

/* out = A'A x; y is work space. */
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

/* Must be exactly 0, as sums of zeros are. */
static void examine_zero(const struct trial *t)
{
	float *zero = t->temporary[0], *out = t->temporary[1];

	memset(zero, 0, (t->nx > t->ny ? t->nx : t->ny) * sizeof *zero);
	apply(t, zero, out);
	check_expect(t->c, ZERO, vector_norm(t->ny, out) == 0,
		     "A(0) is %.3g (rms), so A is affine, not linear",
		     vector_norm(t->ny, out) / sqrt((double)t->ny));
	adjoint(t, NULL, zero, out);
	check_expect(t->c, ZERO, vector_norm(t->nx, out) == 0, "A'(0) is %.3g (rms)",
		     vector_norm(t->nx, out) / sqrt((double)t->nx));
}

/* z is 500 times as large, because an operator that clips is linear for small values. */
static void examine_linearity(const struct trial *t)
{
	float *x = t->temporary[0], *z = t->temporary[1], *ax = t->temporary[2],
	      *az = t->temporary[3], *sum = t->temporary[4], *asum = t->temporary[5];
	const double large = 500;
	size_t i;
	int round;

	for (round = t->c->now->brief; round < 2; round++) {
		const double a = 2, b = round ? 3 * large : 3;

		random_vector(t, 10, t->nx, x);
		random_vector(t, 11, t->nx, z);
		for (i = 0; i < t->nx; i++)
			sum[i] = (float)(a * x[i] + b * z[i]);
		apply(t, x, ax);
		apply(t, z, az);
		apply(t, sum, asum);
		for (i = 0; i < t->ny; i++)
			sum[i] = (float)(a * ax[i] + b * az[i]);
		check_limit(t->c, LINEARITY,
			    distance(t->ny, asum, sum,
				     a * vector_norm(t->ny, ax) + b * vector_norm(t->ny, az)),
			    tolerance);
	}
}

/* Two inner products that should be equal, over several draws.  The scale is the largest over the draws, because a
 * product may be small by chance, but from the smaller of the two sides: a test must not pass because the other side is
 * huge. */
struct agreement {
	double error, scale;
};

/* (a, b) over n values and (c, d) over m */
static void compare(struct agreement *g, size_t n, const float *a, const float *b, size_t m,
		    const float *c, const float *d)
{
	const double difference = fabs(vector_dot(n, a, b) - vector_dot(m, c, d));
	const double left = vector_norm(n, a) * vector_norm(n, b);
	const double right = vector_norm(m, c) * vector_norm(m, d);

	if (!(difference <= g->error)) /* or NaN */
		g->error = difference;
	g->scale = fmax(g->scale, fmin(left, right) / sqrt((double)(n < m ? n : m)));
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

	for (round = 0; round < (t->c->now->brief ? 1 : 4); round++) {
		random_vector(t, 20 + round, t->nx, x);
		random_vector(t, 30 + round, t->ny, y);
		apply(t, x, ax);
		adjoint(t, NULL, y, aty);
		compare(&products, t->ny, ax, y, t->nx, x, aty);
	}
	check_limit(t->c, ADJOINT, relative(&products), product_tolerance);
}

/* Relative error of (J v, w) = (v, J'w), with J v by central differences of half-width h. */
static double jacobian_error(const struct trial *t, double h)
{
	float *at = t->temporary[0], *v = t->temporary[1], *w = t->temporary[2],
	      *point = t->temporary[3], *plus = t->temporary[4], *minus = t->temporary[5],
	      *jtw = t->temporary[6];
	struct agreement products = { 0, 0 };
	uint64_t round;
	size_t i;

	for (round = 0; round < (t->c->now->brief ? 1 : 4); round++) {
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
		compare(&products, t->ny, plus, w, t->nx, v, jtw);
	}
	return relative(&products);
}

/* A steep operator needs a small h, one with large values a large h: a correct adjoint agrees for at least one of them. */
static void examine_jacobian(const struct trial *t)
{
	static const double widths[] = { 5e-3, 1e-3, 2e-2 };
	double best = NAN;
	size_t i;

	for (i = 0; i < sizeof widths / sizeof *widths && !(best <= 1e-3); i++)
		best = fmin(best, jacobian_error(t, widths[i]));
	check_limit(t->c, JACOBIAN, best, 1e-2);
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

	check_enter(t->c, "diagonal");
	status = t->op->diagonal(t->self, d);
	check_leave(t->c, status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status);
	if (status == LACUNA_EUNSUPPORTED)
		return;
	if (!check_expect(t->c, DIAGONAL, !status, "diagonal() fails: %s", error_text()))
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

/* Falls by e^3 over the spectrum; the context is its largest eigenvalue. */
static double gain_exponential(double lambda, const void *context)
{
	return exp(-3 * lambda / *(const double *)context);
}

/* A few steps of the power method: a lower bound. */
static double largest_eigenvalue(const struct trial *t)
{
	float *v = t->temporary[0], *y = t->temporary[1], *next = t->temporary[2];
	double norm = 0;
	int i;

	random_vector(t, 90, t->nx, v);
	for (i = 0; i < (t->c->now->brief ? 4 : 12); i++) {
		norm = vector_norm(t->nx, v);
		if (!(norm > 0))
			return 0;
		vector_scale(t->nx, 1 / norm, v);
		normal(t, v, y, next);
		memcpy(v, next, t->nx * sizeof *v);
	}
	return vector_norm(t->nx, v);
}

/* Error relative to the largest possible A'A b, because b may be in the null space.  Leaves the result in atab. */
static void examine_gain_lambda(const struct trial *t, const float *b, float *x, float *y,
				float *atab)
{
	normal(t, b, y, atab);
	spectral(t, gain_lambda, NULL, b, x);
	check_limit(t->c, SPECTRAL_LAMBDA,
		    distance(t->nx, x, atab, t->largest * vector_norm(t->nx, b)), tolerance);
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

	examine_gain_lambda(t, b, x, y, atab);

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

struct normal_context {
	const struct trial *t;
	float *y;
};

static int normal_product(void *context, const float *v, float *out)
{
	const struct normal_context *n = context;

	normal(n->t, v, n->y, out);
	return LACUNA_OK;
}

/* Compares closed form and Lanczos, which uses only A and A', for a gain that operators cannot treat specially. */
static void examine_iterations(const struct trial *t)
{
	float *b = t->temporary[0], *closed = t->temporary[1], *iterated = t->temporary[2];
	struct normal_context context = { t, t->temporary[3] };
	const struct solve_matrix matrix = { t->nx, normal_product, &context };
	float *work = memory_alloc_array(SOLVE_WORK * t->nx, sizeof *work);
	double change;

	if (!work)
		return;
	random_vector(t, 130, t->nx, b);
	spectral(t, gain_exponential, &t->largest, b, closed);
	if (!solve_lanczos(&matrix, &(struct solve_gain){ gain_exponential, &t->largest, 25, 0 }, b,
			   iterated, &change, work))
		check_limit(t->c, SPECTRAL_ITERATIONS,
			    distance(t->nx, closed, iterated, vector_norm(t->nx, b)), 1e-4);
	memory_release(work);
}

/* out = A^+ y; work is x-shaped */
static void pseudo_inverse(const struct trial *t, const double *threshold, const float *y,
			   float *work, float *out)
{
	adjoint(t, NULL, y, work);
	spectral(t, gain_pseudo_inverse, threshold, work, out);
}

/* Checks that the preconditioner M is symmetric and positive: (Mv, w) = (v, Mw), (Mv, v) > 0. */
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

static struct lacuna_system system_of(const struct trial *t, const float *weights)
{
	return (struct lacuna_system){ .size = sizeof(struct lacuna_system),
				       .iterations = 300,
				       .weights = weights,
				       .rho = t->largest > 0 ? t->largest / 30 : 1,
				       .tolerance = 1e-5 };
}

/* ||b - (A'WA + rho) x|| / ||b||; the first guess is not the solution. */
static double residual_of_solve(const struct trial *t, const struct lacuna_system *system,
				const float *b)
{
	float *start = t->temporary[1], *x = t->temporary[2], *y = t->temporary[3],
	      *left = t->temporary[4];
	struct call call = make_call(t, "solve", run_solve, t->nx);

	random_vector(t, 141, t->nx, start);
	call.in[0] = b;
	call.in[1] = start;
	call.gain_context = system;
	check_quick(t->c, &call, x);
	apply(t, x, y);
	for (size_t i = 0; system->weights && i < t->ny; i++)
		y[i] *= system->weights[i];
	adjoint(t, NULL, y, left);
	for (size_t i = 0; i < t->nx; i++)
		left[i] += (float)(system->rho * x[i]);
	return distance(t->nx, left, b, vector_norm(t->nx, b));
}

static void examine_solve(const struct trial *t)
{
	float *b = t->temporary[0], *weights = t->temporary[5];
	struct lacuna_system system = system_of(t, NULL);

	random_vector(t, 140, t->nx, b);
	check_limit(t->c, SOLVES, residual_of_solve(t, &system, b), 10 * system.tolerance);
	random_vector(t, 142, t->ny, weights);
	for (size_t i = 0; i < t->ny; i++)
		weights[i] = i % 5 ? weights[i] * weights[i] : 0;
	system.weights = weights;
	check_limit(t->c, SOLVES, residual_of_solve(t, &system, b), 10 * system.tolerance);
}

/* Treats eigenvalues up to a threshold as 0.  With P = 1[lambda > threshold](A'A), B = A A^+ and A^+ as in the design:
 * A^+ A = P, A A^+ A = A P, A^+ A A^+ = A^+, and both products are symmetric. */
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

/* Returns true if the function works. */
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

/* An instance may lack spectral() or solve(); it then needs no message. */
static int offers(const struct trial *t, struct call call, const float *b)
{
	void *scratch = memory_alloc(t->scratch_bytes + 1);
	int status = LACUNA_ENOMEM;

	call.in[0] = call.in[1] = b;
	if (scratch) {
		check_enter(t->c, call.name);
		status = call.run(&call, scratch, t->temporary[0]);
		check_leave(t->c, status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status);
	}
	memory_release(scratch);
	return status != LACUNA_EUNSUPPORTED;
}

/* The functions that an instance offers beyond A and A'. */
struct forms {
	int spectral, solve;
};

static int examine_functions(const struct trial *t, struct forms *forms)
{
	struct call forward = make_call(t, "apply", run_apply, t->ny);
	struct call back = make_call(t, "adjoint", run_adjoint, t->nx);
	struct call spectrum = make_call(t, "spectral", run_spectral, t->nx);
	struct call rough = make_call(t, "approximate", run_approximate, t->nx);
	struct call solve = make_call(t, "solve", run_solve, t->nx);
	const struct lacuna_system system = system_of(t, NULL);
	struct guarded x = { NULL, 0, NULL }, y = { NULL, 0, NULL };
	int linear = t->op->flags & LACUNA_LINEAR, works = 0;

	*forms = (struct forms){ 0 };
	solve.gain_context = &system;
	spectrum.gain = rough.gain = gain_lambda;
	if (guarded_random(t->c, 1, t->nx, 0.5, 0.1, &x) ||
	    guarded_random(t->c, 2, t->ny, 0.5, 0.1, &y))
		goto out;
	works = examine_call(t, forward, &x, NULL);
	check_expect(t->c, ACCEPTS, works, "apply() fails: %s", error_text());
	works = works && examine_call(t, back, &y, linear ? NULL : &x);
	check_expect(t->c, ACCEPTS, works, "adjoint() fails: %s", error_text());
	if (works && linear && t->op->spectral) {
		forms->spectral = offers(t, spectrum, x.data);
		works = !forms->spectral || examine_call(t, spectrum, &x, NULL);
		check_expect(t->c, ACCEPTS, works, "spectral() fails: %s", error_text());
	}
	if (works && linear && t->op->approximate) {
		works = examine_call(t, rough, &x, NULL);
		check_expect(t->c, ACCEPTS, works, "approximate() fails: %s", error_text());
	}
	if (works && linear && t->op->solve) {
		forms->solve = offers(t, solve, x.data);
		works = !forms->solve || examine_call(t, solve, &x, &x);
		check_expect(t->c, ACCEPTS, works, "solve() fails: %s", error_text());
	}
	/* An operator that writes outside its arrays would only crash the later tests. */
	works = works && !t->c->outcomes[BOUNDS].failed;
out:
	guarded_release(&x);
	guarded_release(&y);
	return works;
}

/* Multiplications allowed for singular values: negligible time; for shapes that were asked for, about a second. */
static const double cheap = 3e7, affordable = 5e8;

static double cost_of_singular_values(const struct trial *t)
{
	const double n = (double)t->nx, m = (double)t->ny;

	return n * m * fmin(n, m);
}

/* Column j of A is A e_j. */
static int singular_values(const struct trial *t, struct check_spectrum *s)
{
	double *matrix = memory_alloc_array(t->nx, t->ny * sizeof *matrix);
	float *unit = t->temporary[0], *column = t->temporary[1];
	size_t i, j;
	int status;

	if (!matrix)
		return LACUNA_ENOMEM;
	memset(unit, 0, t->nx * sizeof *unit);
	for (j = 0; j < t->nx; j++) {
		unit[j] = 1;
		apply(t, unit, column);
		unit[j] = 0;
		for (i = 0; i < t->ny; i++)
			matrix[j * t->ny + i] = column[i];
	}
	status = spectrum_of(t->ny, t->nx, matrix, s);
	memory_release(matrix);
	return status;
}

static void measure_spectrum(const struct trial *t)
{
	struct check_spectrum *s = &t->c->measures.spectrum, found = { .x = t->x };

	if (cost_of_singular_values(t) <= (t->c->asked ? affordable : cheap)) {
		if ((!s->exact || t->nx > s->count) && !singular_values(t, &found))
			*s = found;
	} else if (!s->exact && sqrt(t->largest) > s->largest) {
		*s = (struct check_spectrum){ .largest = sqrt(t->largest),
					      .count = t->nx,
					      .x = t->x };
	}
}

static void measure_times(struct trial *t, const struct forms *forms)
{
	float *in = t->temporary[0], *at = t->temporary[1], *out = t->temporary[2];
	const int linear = t->op->flags & LACUNA_LINEAR;
	struct call forward = make_call(t, "apply", run_apply, t->ny);
	struct call back = make_call(t, "adjoint", run_adjoint, t->nx);
	struct call spectrum = make_call(t, "spectral", run_spectral, t->nx);

	random_vector(t, 140, t->nx > t->ny ? t->nx : t->ny, in);
	random_vector(t, 141, t->nx, at);
	forward.in[0] = back.in[0] = spectrum.in[0] = in;
	back.in[1] = linear ? NULL : at;
	spectrum.gain = gain_lambda;
	check_time(t->c, &forward, &t->x, out);
	check_time(t->c, &back, &t->x, out);
	if (forms->spectral)
		check_time(t->c, &spectrum, &t->x, out);
}

/* b belongs to the instance: neither the images seen between two calls nor other threads (check_call()) may change it. */
static void examine_offset(const struct trial *t)
{
	struct call call = make_call(t, "offset", run_offset, t->ny);
	struct guarded b = { NULL, 0, NULL };
	float *x = t->temporary[0], *y = t->temporary[1], *again = t->temporary[2];
	int status;

	if (!check_expect(t->c, OFFSET, t->op->flags & LACUNA_LINEAR,
			  "offset() is only for linear operators, but the flag LINEAR is missing"))
		return;
	status = check_call(t->c, &call, &b);
	check_expect(t->c, ACCEPTS, !status, "offset() fails: %s", error_text());
	for (int round = 0; !status && round < 2; round++) {
		random_vector(t, 150, t->nx, x);
		vector_scale(t->nx, round ? 100 : 1, x);
		apply(t, x, y);
		adjoint(t, NULL, y, x);
		status = check_quick(t->c, &call, again);
		check_expect(t->c, OFFSET, !status && !memcmp(again, b.data, t->ny * sizeof *again),
			     "offset() gives a different result after apply() and adjoint()");
	}
	guarded_release(&b);
}

/* Checks A A x = A x and A = A': (Ax, z) = (x, Az). */
static void examine_projection(const struct trial *t)
{
	float *x = t->temporary[0], *z = t->temporary[1], *ax = t->temporary[2],
	      *az = t->temporary[3], *again = t->temporary[4];
	struct agreement products = { 0, 0 };

	if (!check_expect(t->c, PROJECTION, t->nx == t->ny, "x and y have different sizes"))
		return;
	random_vector(t, 160, t->nx, x);
	random_vector(t, 161, t->nx, z);
	apply(t, x, ax);
	apply(t, z, az);
	apply(t, ax, again);
	check_limit(t->c, PROJECTION, distance(t->nx, again, ax, vector_norm(t->nx, x)), tolerance);
	compare(&products, t->nx, ax, z, t->nx, x, az);
	check_limit(t->c, PROJECTION, relative(&products), product_tolerance);
}

/* ---- shapes */

static int same_shape(const struct lacuna_shape *a, const struct lacuna_shape *b)
{
	return !memcmp(a->extent, b->extent, sizeof a->extent);
}

/* True if an image can have this shape. */
static int sane(const struct lacuna_shape *s)
{
	double count = 1;
	int d;

	for (d = 0; d < 4; d++) {
		if (s->extent[d] < 1)
			return 0;
		count *= (double)s->extent[d];
	}
	return count <= 1e8;
}

/* Finds the other shape from the known one.  An impossible shape is an error of the operator, not a refusal. */
static int ask_wished(const struct trial *t, int from_y, const struct lacuna_shape *known,
		      const struct lacuna_shape *wish, struct lacuna_shape *wanted)
{
	int status;

	*wanted = *wish;
	check_enter(t->c, "shape");
	status = check_leave(t->c, t->op->shape(&t->host, t->config, from_y, known, wanted));
	if (status)
		return status;
	if (!check_expect(t->c, SHAPES, sane(wanted), "%s is %lldx%lldx%lldx%lld",
			  from_y ? "x" : "y", (long long)wanted->extent[0],
			  (long long)wanted->extent[1], (long long)wanted->extent[2],
			  (long long)wanted->extent[3]))
		status = error_set(LACUNA_EINVAL, "shape() does not give the shape of an image");
	return status;
}

static int ask_shape(const struct trial *t, int from_y, const struct lacuna_shape *known,
		     struct lacuna_shape *wanted)
{
	static const struct lacuna_shape none;

	return ask_wished(t, from_y, known, &none, wanted);
}

static void destroy(struct trial *t, void *self)
{
	check_enter(t->c, "destroy");
	t->op->destroy(self);
	check_leave(t->c, LACUNA_OK);
}

/* ---- fit() */

static const struct lacuna_operator_fit *fit_table(const struct check *c)
{
	return plugin_extension(c->use->plugin, LACUNA_FIT);
}

static int is_free(const struct check *c, const struct lacuna_param *row)
{
	return plugin_may_fit(c->use->plugin, c->use->config, row);
}

static size_t count_free(const struct check *c)
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
	status = ask_wished(fitted, 1, &t->y, &t->x, &fitted->x);
	if (!status)
		status = ask_shape(fitted, 0, &fitted->x, &back);
	if (!status && !check_expect(t->c, SHAPES, same_shape(&back, &t->y),
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
	apply(fitted, moved, now);
	apply(fitted, outside, reach);
	apply(t, x, t->temporary[0]);
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
		examine_adjoint(&fitted);
	destroy(&fitted, fitted.self);
out:
	memory_release(config);
}

/* Makes y of a known x by the parameters that are told, and fits them: to both, and to y alone. */
static void examine_fit(const struct trial *t)
{
	static const double noise = 0.01;
	struct call call = make_call(t, "fit", run_fit, count_free(t->c));
	struct guarded x = { NULL, 0, NULL }, y = { NULL, 0, NULL }, out = { NULL, 0, NULL };
	/* examine_adjoint() uses the first ones */
	float *before = t->temporary[TEMPORARIES - 1], *again = t->temporary[TEMPORARIES - 2];
	float *values;
	int status;

	if (guarded_random(t->c, 170, t->nx, 0.5, 0.1, &x) ||
	    guarded_random(t->c, 171, t->ny, 0, noise, &y))
		goto out;
	values = y.data;
	apply(t, x.data, before);
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
		apply(t, x.data, again);
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

/* ---- one shape */

static void examine_window(const struct trial *t)
{
	struct lacuna_region in_y = { { 0 }, { 0 } }, in_x = { { 0 }, { 0 } };
	int d, inside = 1, status;

	memcpy(in_y.extent, t->y.extent, sizeof in_y.extent);
	check_enter(t->c, "window");
	status = check_leave(t->c, t->op->window(t->self, &in_y, &in_x));
	for (d = 0; d < 4; d++)
		inside &= in_x.origin[d] >= 0 && in_x.extent[d] >= 1 &&
			  in_x.origin[d] + in_x.extent[d] <= t->x.extent[d];
	check_expect(t->c, WINDOW, !status && inside,
		     "window() of all of y: from %lld,%lld, size %lldx%lld; x is %lldx%lld",
		     (long long)in_x.origin[0], (long long)in_x.origin[1],
		     (long long)in_x.extent[0], (long long)in_x.extent[1],
		     (long long)t->x.extent[0], (long long)t->x.extent[1]);
}

/* Seconds per function at the large shape; slower operators get only the adjoint test there. */
static const double patience = 0.3;

static void examine_mathematics(struct trial *t, const struct forms *forms)
{
	if (t->c->now->brief || t->c->asked)
		measure_times(t, forms);
	t->slow = t->c->now->brief &&
		  t->c->measures.times[0].seconds * 1e-6 * (double)t->nx > patience;
	if (!(t->op->flags & LACUNA_LINEAR)) {
		examine_jacobian(t);
		return;
	}
	examine_adjoint(t);
	if (t->slow)
		return;
	examine_linearity(t);
	if (t->op->flags & LACUNA_PIXELWISE)
		examine_pixelwise(t);
	if (t->op->diagonal)
		examine_diagonal(t);
	t->largest = largest_eigenvalue(t);
	if (t->c->now->brief) {
		random_vector(t, 100, t->nx, t->temporary[0]);
		if (forms->spectral && t->largest > 0)
			examine_gain_lambda(t, t->temporary[0], t->temporary[1], t->temporary[2],
					    t->temporary[3]);
		return;
	}
	examine_zero(t);
	if (t->op->flags & LACUNA_PROJECTION)
		examine_projection(t);
	if (t->op->approximate)
		examine_approximate(t);
	if (forms->solve)
		examine_solve(t);
	if (forms->spectral && t->largest > 0) {
		examine_gains(t);
		examine_iterations(t);
		examine_pseudo_inverse(t);
	}
	measure_spectrum(t);
}

static int create_and_destroy(void *context)
{
	struct trial *t = context;
	struct lacuna_shape known = t->c->now->from_x ? t->x : t->y, wanted = { { 0 } };
	void *self = NULL;
	int status = t->op->shape(&t->host, t->config, !t->c->now->from_x, &known, &wanted);

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
	struct forms forms;
	int i, status;

	check_enter(t->c, "create");
	status = check_leave(t->c, t->op->create(&t->host, t->config, &t->x, &t->y, &t->self));
	if (status)
		return status;
	t->scratch_bytes = t->op->scratch ? t->op->scratch(t->self) : 0;
	for (i = 0; i < TEMPORARIES && !status; i++)
		if (!(t->temporary[i] = memory_alloc_array(n, sizeof(float))))
			status = LACUNA_ENOMEM;
	if (!status && examine_functions(t, &forms))
		examine_mathematics(t, &forms);
	if (!status && t->op->offset)
		examine_offset(t);
	if (t->op->window)
		examine_window(t);
	if (!status && !t->c->now->brief && count_free(t->c))
		examine_fit(t);
	for (i = 0; i < TEMPORARIES; i++)
		memory_release(t->temporary[i]);
	destroy(t, t->self);
	if (!status && t->c->now->thorough)
		check_no_memory(t->c, "create", &creation);
	return status;
}

/* The operator must map this x back to the shape y. */
static int examine_inverse(const struct trial *t, const struct lacuna_shape *x)
{
	struct lacuna_shape back;
	int status = ask_shape(t, 0, x, &back);

	check_expect(t->c, SHAPES, !status && same_shape(&back, &t->y),
		     "x is %lldx%lldx%lld, but its y is %lldx%lldx%lld (%s)",
		     (long long)x->extent[0], (long long)x->extent[1], (long long)x->extent[2],
		     (long long)back.extent[0], (long long)back.extent[1],
		     (long long)back.extent[2], status ? error_text() : "shape()");
	if (!status && !same_shape(&back, &t->y)) /* its functions could write out of bounds */
		status = error_set(LACUNA_EINVAL, "its shapes do not agree");
	return status;
}

/* Finds x from y.  If x has many more values than y, reduces a large y: a huge x would show nothing more. */
static int shape_from_y(struct trial *t)
{
	struct check_case *now = t->c->now;
	int status = ask_shape(t, 1, &now->shape, &t->x);

	if (!status && now->brief && !t->c->asked) {
		const double factor =
			sqrt((double)lacuna_count(&t->x) / (double)lacuna_count(&now->shape));

		for (int d = 0; d < 2 && factor >= 1.5; d++)
			now->shape.extent[d] = (int64_t)ceil((double)now->shape.extent[d] / factor);
		check_where(t->c, &now->shape, "");
		status = ask_shape(t, 1, &now->shape, &t->x);
	}
	t->y = now->shape;
	return status;
}

/* Finds both shapes.  For an operator that cannot find x from y, such as a projection, starts from x. */
static int find_shapes(struct trial *t)
{
	struct check_case *now = t->c->now;
	struct lacuna_shape x;
	char refusal[160] = "";
	int status;

	if (!now->from_x) {
		status = shape_from_y(t);
		if (!status)
			return examine_inverse(t, &t->x);
		if (t->c->asked)
			return status;
		snprintf(refusal, sizeof refusal, "%s", error_text());
	}
	t->x = now->shape;
	status = ask_shape(t, 0, &t->x, &t->y);
	if (status && !now->from_x)
		return error_set(status, "%s", refusal);
	if (status)
		return status;
	now->from_x = 1;
	check_where(t->c, &now->shape, "");
	/* The operator need not know x from y; if it does, it must give this x. */
	return ask_wished(t, 1, &t->y, &t->x, &x) ? LACUNA_OK : examine_inverse(t, &x);
}

static int examine_case(struct check *c, const struct check_case *now)
{
	struct trial t = { .c = c, .op = &c->use->plugin->u.op, .config = c->use->config };
	size_t blocks = memory_live_blocks();
	int status;

	(void)now;
	t.host_context.key = c->key;
	host_init(&t.host, &t.host_context);
	destroy(&t, NULL);
	status = find_shapes(&t);
	if (status)
		return status;
	t.nx = lacuna_count(&t.x);
	t.ny = lacuna_count(&t.y);
	status = examine_instance(&t);
	check_expect(c, LEAKS, memory_live_blocks() == blocks,
		     "%zu blocks of memory are not released by destroy()",
		     memory_live_blocks() - blocks);
	return status;
}

/* ---- the shapes to try */

/* An operator with a mask or sensing matrix in a file takes images of the file's shape, and perhaps no others. */
static void add_shapes_of_files(struct check *c)
{
	const struct lacuna_plugin *head = c->use->plugin->head;
	struct host_context context = { .key = c->key };
	struct lacuna_host host;
	uint32_t i;

	host_init(&host, &context);
	for (i = 0; i < head->param_count; i++) {
		const struct lacuna_param *row = param_row(head, i);
		struct check_case new_case = { .from_file = 1, .thorough = 1 };
		float *values = NULL;
		char path[4096];

		if (row->type != LACUNA_PATH ||
		    param_value(row, c->use->config, path, sizeof path) >= (int)sizeof path ||
		    !*path || host.read_image(&host, path, &new_case.shape, &values))
			continue;
		memory_release(values);
		check_add_case(c, &new_case);
		if (new_case.shape.extent[2] != 1)
			continue;
		new_case.shape.extent[2] = 3;
		check_add_case(c, &new_case);
	}
	error_clear();
}

static void add_cases(struct check *c)
{
	/* single values and rows; odd, even, square, powers of two; colour, frames; a large one that exposes 16-bit
	 * counters and tables that are too short */
	static const struct check_case usual[] = {
		{ .shape = { { 1, 1, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 1, 9, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 5, 3, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 16, 10, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 15, 15, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 16, 16, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 31, 18, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 31, 18, 3, 1 } }, .thorough = 1 },
		{ .shape = { { 5, 3, 2, 2 } }, .thorough = 1 },
		{ .shape = { { 64, 64, 1, 1 } }, .thorough = 1 },
		{ .shape = { { 97, 101, 1, 1 } } },
		{ .shape = { { 520, 516, 1, 1 } }, .brief = 1 },
	};
	const struct check_request *r = c->request;
	size_t i;

	for (i = 0; i < r->shape_count + r->x_shape_count; i++) {
		const int from_x = i >= r->shape_count;
		struct check_case asked = { .shape = from_x ? r->x_shapes[i - r->shape_count]
							    : r->shapes[i],
					    .from_x = from_x };

		asked.brief = lacuna_count(&asked.shape) > 100000;
		asked.thorough = lacuna_count(&asked.shape) < 10000;
		check_add_case(c, &asked);
	}
	for (i = 0; !c->asked && i < sizeof usual / sizeof *usual; i++)
		check_add_case(c, &usual[i]);
	if (!c->asked)
		add_shapes_of_files(c);
}

const struct family check_operators = { add_cases, examine_case, NULL };
