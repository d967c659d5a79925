/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance: keeps the results, and runs the plugin in child processes. */
#include <config.h>

#include "check/private.h"

#include "base/child.h"
#include "base/error.h"
#include "plugin/host.h"

#include <stdio.h>
#include <string.h>

/* ---- outcomes */

static const char *const property_names[PROPERTIES] = {
	[ACCEPTS] = "accepts an image",
	[RETURNS] = "every call returns",
	[MESSAGES] = "explains its failures",
	[COMPLETE] = "writes every value of its output",
	[FINITE] = "results are finite",
	[BOUNDS] = "stays within its arrays and scratch",
	[INPUTS] = "leaves its inputs alone",
	[REPEATABLE] = "same arguments, same bits",
	[CONCURRENT] = "same bits in concurrent calls",
	[THREAD_COUNT] = "same bits for any number of threads",
	[LEAKS] = "releases its memory",
	[NO_MEMORY] = "survives the failure of each allocation",
	[ARITHMETIC] = "leaves the floating-point environment alone",
	[SURROUNDINGS] = "leaves locale and directory alone",
	[PRINTS] = "prints nothing",
	[THREADS] = "leaves no thread or process running",
	[SIGNALS] = "leaves signals alone",
	[SHAPES] = "shapes agree in both directions",
	[WINDOW] = "window lies inside the image",
	[ZERO] = "A(0) = 0",
	[LINEARITY] = "A(ax + bz) = aA(x) + bA(z)",
	[ADJOINT] = "(Ax, y) = (x, A'y)",
	[JACOBIAN] = "adjoint is that of the derivative",
	[PIXELWISE] = "flag PIXELWISE: A'A is diagonal",
	[DIAGONAL] = "diagonal() is A'A",
	[SPECTRAL_ONE] = "spectral: gain 1 is the identity",
	[SPECTRAL_LAMBDA] = "spectral: gain lambda is A'A",
	[SPECTRAL_ROOT] = "spectral: gain sqrt(lambda) twice is A'A",
	[SPECTRAL_INVERSE] = "spectral: gain 1/(lambda + rho) solves",
	[SPECTRAL_ITERATIONS] = "spectral: closed form = iterations",
	[PSEUDO_INVERSE] = "spectral: Moore-Penrose identities",
	[APPROXIMATE] = "approximate() is symmetric and positive",
	[SOLVES] = "solve() solves, whatever the start and the weights",
	[OFFSET] = "offset() is one and the same",
	[FITS] = "fit() finds what explains y as well, and changes nothing else",
	[PROJECTION] = "flag PROJECTION: A is an orthogonal projection",
	[INFO] = "info is sane",
	[BLIND] = "blind: sigma makes no difference",
	[SIGMA] = "not blind: sigma makes a difference",
	[SMALL_SIGMA] = "denoise tends to u for small sigma",
	[MAP] = "constant sigma map = sigma",
	[VJP] = "vjp agrees with differences of denoise",
	[JVP] = "jvp agrees with differences of denoise",
	[SYMMETRIC] = "symmetric: a turned image is denoised alike",
	[GAUSSIAN] = "flag GAUSSIAN: denoise is the posterior mean of a Gaussian",
	[TRAINED] = "flag TRAINED: a picture with noise is not spoilt",
	[DEVIATION] = "deviation(): no value is below 0",
	[STEPS] = "steps() > 0",
};

/* Stores the current function and shape, for a failure or a new worst case. */
static void note_place(const struct check *c, struct outcome *o)
{
	snprintf(o->function, sizeof o->function, "%s", c->function);
	o->shape = c->now ? c->now->shape : (struct lacuna_shape){ { 0 } };
	o->from_x = c->now && c->now->from_x;
}

int check_expect(struct check *c, enum property property, int holds, const char *fmt, ...)
{
	struct outcome *o = &c->outcomes[property];
	va_list args;
	int n;

	o->examined = 1;
	if (holds || o->failed)
		return holds;
	o->failed = 1;
	note_place(c, o);
	n = snprintf(o->detail, sizeof o->detail, "%s%s", c->where, *c->where ? ": " : "");
	va_start(args, fmt);
	vsnprintf(o->detail + n, sizeof o->detail - (size_t)n, fmt, args);
	va_end(args);
	return holds;
}

int check_limit(struct check *c, enum property property, double error, double limit)
{
	struct outcome *o = &c->outcomes[property];

	o->examined = 1;
	if (!(error <= limit))
		return check_expect(c, property, 0, "relative error %.2g, allowed is %.1g", error,
				    limit);
	if (!o->failed && error >= o->worst) {
		o->worst = error;
		note_place(c, o);
		snprintf(o->detail, sizeof o->detail, "at worst %.1e (%s)", error, c->where);
	}
	return 1;
}

void check_where(struct check *c, const struct lacuna_shape *s, const char *more)
{
	char frames[32] = "";

	if (s->extent[3] > 1)
		snprintf(frames, sizeof frames, "x%lld", (long long)s->extent[3]);
	snprintf(c->where, sizeof c->where, "%s%lldx%lldx%lld%s%s%s",
		 c->now && c->now->from_x ? "x " : "", (long long)s->extent[0],
		 (long long)s->extent[1], (long long)s->extent[2], frames, *more ? ", " : "", more);
}

void check_enter(struct check *c, const char *function)
{
	snprintf(c->function, sizeof c->function, "%s", function);
	c->inside = 1;
	c->calls++;
	error_clear();
}

int check_leave(struct check *c, int status)
{
	c->inside = 0;
	check_expect(c, RETURNS, status <= LACUNA_OK && status >= LACUNA_EINTERNAL,
		     "%s() returns %d, which is not a status", c->function, status);
	if (status < 0)
		check_expect(c, MESSAGES, *error_text() != 0,
			     "%s() returns %d (%s) without a message; use host->fail()",
			     c->function, status, error_status_text(status));
	if (!check_expect(c, ARITHMETIC, host_check_fp(c->function), "%s() changes it",
			  c->function) &&
	    status >= 0)
		error_clear();
	surroundings_examine(c);
	return status;
}

void check_leave_quickly(struct check *c)
{
	c->inside = 0;
}

/* ---- the cases, each in a child process */

void check_add_case(struct check *c, const struct check_case *new_case)
{
	if (c->case_count < CASES)
		c->cases[c->case_count++] = *new_case;
}

static const struct family *const families[] = {
	[LACUNA_OPERATOR] = &check_operators,
	[LACUNA_PRIOR] = &check_priors,
	[LACUNA_GUIDANCE] = &check_guidances,
	[LACUNA_SAMPLER] = &check_samplers,
};

static const struct family *family_of(const struct check *c)
{
	return families[c->use->plugin->head->kind];
}

static void examine_case(void *context)
{
	struct check *c = context;

	surroundings_note(&c->surroundings);
	c->status = family_of(c)->examine(c, c->now);
	if (c->status)
		snprintf(c->refusal, sizeof c->refusal, "; it refuses %s: %s", c->where,
			 *error_text() ? error_text() : error_status_text(c->status));
}

static unsigned long calls(const void *context)
{
	return ((const struct check *)context)->calls;
}

/* Records how the child process of a case ended. */
static void judge_end(struct check *c, const struct child_end *end)
{
	const char *said = *end->printed ? "; it printed \"" : "";
	char told[128];

	child_tell(end, c->limit, told, sizeof told);
	check_expect(c, RETURNS, end->way == CHILD_RETURNED, "%s%s()%s %s%s%s%s",
		     c->inside ? "" : "after ", c->function, c->phase, told, said, end->printed,
		     *said ? "\"" : "");
	check_expect(c, THREADS, !end->descendants, "it leaves a process running");
}

static int same_shape(const struct check_case *a, const struct check_case *b)
{
	return a->from_x == b->from_x && !memcmp(&a->shape, &b->shape, sizeof a->shape);
}

/* Counts different shapes: several accepted cases of one shape count once. */
static int count_shapes(const struct check *c, const unsigned char *accepted)
{
	int count = 0;

	for (size_t i = 0; i < c->case_count; i++) {
		int first = accepted[i];

		for (size_t j = 0; j < i; j++)
			first &= !(accepted[j] && same_shape(&c->cases[i], &c->cases[j]));
		count += first;
	}
	return count;
}

static int run_cases(struct check *c)
{
	enum { MOST_HUNG = 2 };
	unsigned char accepted[CASES] = { 0 };
	int hung = 0, status = LACUNA_OK;

	for (size_t i = 0; i < c->case_count && !status && hung < MOST_HUNG; i++) {
		struct child_end end;

		c->now = &c->cases[i];
		c->status = LACUNA_EINTERNAL;
		*c->function = *c->phase = '\0';
		check_where(c, &c->now->shape, "");
		status = child_run(examine_case, c, calls, c->limit, &end);
		if (!status && end.way == CHILD_CANCELLED)
			status = error_set(LACUNA_ECANCELLED, "stopped");
		if (status)
			break;
		judge_end(c, &end);
		hung += end.way == CHILD_HUNG;
		accepted[i] = !c->status;
		c->measures.tried++;
		c->measures.accepted += accepted[i];
		if (accepted[i] && c->now->from_file)
			c->needed = 1;
	}
	c->now = NULL;
	*c->where = *c->function = '\0';
	if (!status && c->asked)
		check_expect(c, ACCEPTS, c->measures.accepted == c->measures.tried, "%d of %d%s",
			     c->measures.accepted, c->measures.tried, c->refusal);
	else if (!status)
		check_expect(c, ACCEPTS, count_shapes(c, accepted) >= c->needed,
			     "it accepts %d of %d shapes, but the check needs %d; give shapes that "
			     "it accepts (--shape)%s",
			     c->measures.accepted, c->measures.tried, c->needed, c->refusal);
	if (!status && !c->outcomes[ACCEPTS].failed)
		snprintf(c->outcomes[ACCEPTS].detail, sizeof c->outcomes[ACCEPTS].detail,
			 "%d of %d%s", c->measures.accepted, c->measures.tried, c->refusal);
	return status;
}

/* ---- the whole */

static int report_outcomes(const struct check *c, check_report *report, void *context)
{
	int failures = 0;

	for (int i = 0; i < PROPERTIES; i++) {
		const struct outcome *o = &c->outcomes[i];
		const struct check_finding finding = { .passed = !o->failed,
						       .property = property_names[i],
						       .detail = o->detail,
						       .function = o->function,
						       .shape = o->shape,
						       .from_x = o->from_x };

		if (!o->examined)
			continue;
		failures += o->failed;
		report(context, &finding);
	}
	return failures;
}

int check_plugin(const struct plugin_use *use, const struct check_request *request,
		 check_report *report, void *context, struct check_measures *measures)
{
	enum { SHAPES_NEEDED = 3 };
	struct check *c = child_share(sizeof *c);
	int failures = 0, status;

	if (!c)
		return LACUNA_ENOMEM;
	c->use = use;
	c->request = request;
	c->key.seed = request->seed;
	c->limit = request->limit > 0 ? request->limit : CHECK_LIMIT;
	c->asked = request->shape_count + request->x_shape_count > 0;
	c->needed = SHAPES_NEEDED;
	family_of(c)->cases(c);
	status = run_cases(c);
	if (!status && family_of(c)->conclude)
		family_of(c)->conclude(c);
	if (!status)
		failures = report_outcomes(c, report, context);
	*measures = c->measures;
	child_unshare(c, sizeof *c);
	if (failures)
		return error_set(LACUNA_EINVAL, "%s: %d properties do not hold",
				 use->plugin->head->name, failures);
	return status;
}
