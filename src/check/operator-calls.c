/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of operators: shapes, calls of an operator's functions, and the conduct of each function. */
#include <config.h>

#include "check/operator-private.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

/* ---- shapes */

int trial_same_shape(const struct lacuna_shape *a, const struct lacuna_shape *b)
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
int trial_ask_wished(const struct trial *t, int from_y, const struct lacuna_shape *known,
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

int trial_ask_shape(const struct trial *t, int from_y, const struct lacuna_shape *known,
		    struct lacuna_shape *wanted)
{
	static const struct lacuna_shape none;

	return trial_ask_wished(t, from_y, known, &none, wanted);
}

void trial_release(struct trial *t, void *self)
{
	check_enter(t->c, "destroy");
	t->op->destroy(self);
	check_leave(t->c, LACUNA_OK);
}

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

int trial_run_approximate(const struct call *call, void *scratch, float *out)
{
	return call->check->use->plugin->u.op.approximate(call->self, scratch, call->gain,
							  call->gain_context, call->in[0], out);
}

/* in[0]: b, in[1]: first guess, gain_context: the system */
int trial_run_solve(const struct call *call, void *scratch, float *out)
{
	memcpy(out, call->in[1], call->out_count * sizeof *out);
	return call->check->use->plugin->u.op.solve(call->self, scratch, call->gain_context,
						    call->in[0], out);
}

int trial_run_offset(const struct call *call, void *scratch, float *out)
{
	(void)scratch;
	return call->check->use->plugin->u.op.offset(call->self, out);
}

struct call trial_call(const struct trial *t, const char *name,
		       int (*run)(const struct call *, void *, float *), size_t out_count)
{
	return (struct call){ .name = name,
			      .run = run,
			      .check = t->c,
			      .self = t->self,
			      .scratch_bytes = t->scratch_bytes,
			      .out_count = out_count };
}

void trial_apply(const struct trial *t, const float *x, float *y)
{
	struct call call = trial_call(t, "apply", run_apply, t->ny);

	call.in[0] = x;
	check_quick(t->c, &call, y);
}

void trial_adjoint(const struct trial *t, const float *at, const float *y, float *x)
{
	struct call call = trial_call(t, "adjoint", run_adjoint, t->nx);

	call.in[0] = y;
	call.in[1] = at;
	check_quick(t->c, &call, x);
}

void trial_spectral(const struct trial *t, lacuna_gain *gain, const void *context, const float *b,
		    float *x)
{
	struct call call = trial_call(t, "spectral", run_spectral, t->nx);

	call.in[0] = b;
	call.gain = gain;
	call.gain_context = context;
	check_quick(t->c, &call, x);
}

/* out = A'A x; y is work space. */
void trial_normal(const struct trial *t, const float *x, float *y, float *out)
{
	trial_apply(t, x, y);
	trial_adjoint(t, NULL, y, out);
}

void trial_random(const struct trial *t, uint64_t stream, size_t n, float *out)
{
	random_gaussian(t->c->key, stream, 0, out, n);
}

/* ||a - b|| / scale; NaN stays NaN */
double trial_distance(size_t n, const float *a, const float *b, double scale)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
	return sum == 0 ? 0 : sqrt(sum) / scale;
}

/* ---- conduct of each function */

/* Returns true if the function works. */
static int examine_call(const struct trial *t, struct call call, struct guarded *in0,
			struct guarded *in1)
{
	struct guarded out = { NULL, 0, NULL };
	const int status = check_call_on(t->c, call, in0, in1, &out);

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

struct lacuna_system trial_system(const struct trial *t, const float *weights)
{
	return (struct lacuna_system){ .size = sizeof(struct lacuna_system),
				       .iterations = 300,
				       .weights = weights,
				       .rho = t->largest > 0 ? t->largest / 30 : 1,
				       .tolerance = 1e-5 };
}

int trial_examine_functions(const struct trial *t, struct forms *forms)
{
	struct call forward = trial_call(t, "apply", run_apply, t->ny);
	struct call back = trial_call(t, "adjoint", run_adjoint, t->nx);
	struct call spectrum = trial_call(t, "spectral", run_spectral, t->nx);
	struct call rough = trial_call(t, "approximate", trial_run_approximate, t->nx);
	struct call solve = trial_call(t, "solve", trial_run_solve, t->nx);
	const struct lacuna_system system = trial_system(t, NULL);
	struct guarded x = { NULL, 0, NULL }, y = { NULL, 0, NULL };
	int linear = t->op->flags & LACUNA_LINEAR, works = 0;

	*forms = (struct forms){ 0 };
	solve.gain_context = &system;
	spectrum.gain = rough.gain = trial_gain_lambda;
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

void trial_measure_times(struct trial *t, const struct forms *forms)
{
	float *in = t->temporary[0], *at = t->temporary[1], *out = t->temporary[2];
	const int linear = t->op->flags & LACUNA_LINEAR;
	struct call forward = trial_call(t, "apply", run_apply, t->ny);
	struct call back = trial_call(t, "adjoint", run_adjoint, t->nx);
	struct call spectrum = trial_call(t, "spectral", run_spectral, t->nx);

	trial_random(t, 140, t->nx > t->ny ? t->nx : t->ny, in);
	trial_random(t, 141, t->nx, at);
	forward.in[0] = back.in[0] = spectrum.in[0] = in;
	back.in[1] = linear ? NULL : at;
	spectrum.gain = trial_gain_lambda;
	check_time(t->c, &forward, &t->x, out);
	check_time(t->c, &back, &t->x, out);
	if (forms->spectral)
		check_time(t->c, &spectrum, &t->x, out);
}
