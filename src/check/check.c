/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance: book-keeping, and the conduct that all families share (lacuna/plugin.h, "Threads" and "Conduct"). */
#include <config.h>

#include "check/private.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "base/vector.h"
#include "plugin/host.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- outcomes */

static const char *const property_names[PROPERTIES] = {
	[ACCEPTS] = "accepts an image",
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
	[SHAPES] = "shapes agree in both directions",
	[WINDOW] = "window lies inside the image",
	[LINEARITY] = "A(ax + bz) = aA(x) + bA(z)",
	[ADJOINT] = "(Ax, y) = (x, A'y)",
	[JACOBIAN] = "adjoint is that of the derivative",
	[PIXELWISE] = "flag PIXELWISE: A'A is diagonal",
	[DIAGONAL] = "diagonal() is A'A",
	[SPECTRAL_ONE] = "spectral: gain 1 is the identity",
	[SPECTRAL_LAMBDA] = "spectral: gain lambda is A'A",
	[SPECTRAL_ROOT] = "spectral: gain sqrt(lambda) twice is A'A",
	[SPECTRAL_INVERSE] = "spectral: gain 1/(lambda + rho) solves",
	[PSEUDO_INVERSE] = "spectral: Moore-Penrose identities",
	[APPROXIMATE] = "approximate() is symmetric and positive",
	[INFO] = "info is sane",
	[BLIND] = "blind: sigma makes no difference",
	[SMALL_SIGMA] = "denoise tends to u for small sigma",
	[MAP] = "constant sigma map = sigma",
	[VJP] = "vjp agrees with differences of denoise",
	[SYMMETRIC] = "symmetric: a turned image is denoised alike",
	[STEPS] = "steps() > 0",
};

static struct outcome *fail_outcome(struct check *c, enum property property)
{
	struct outcome *o = &c->outcomes[property];

	o->examined = 1;
	if (o->failed)
		return NULL;
	o->failed = 1;
	return o;
}

int check_expect(struct check *c, enum property property, int holds, const char *fmt, ...)
{
	struct outcome *o;
	va_list args;
	int n;

	c->outcomes[property].examined = 1;
	if (holds || !(o = fail_outcome(c, property)))
		return holds;
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
		snprintf(o->detail, sizeof o->detail, "at worst %.1e (%s)", error, c->where);
	}
	return 1;
}

void check_where(struct check *c, const struct lacuna_shape *s, const char *more)
{
	snprintf(c->where, sizeof c->where, "%lldx%lldx%lld%s%s", (long long)s->extent[0],
		 (long long)s->extent[1], (long long)s->extent[2], *more ? ", " : "", more);
}

int check_status(struct check *c, const char *function, int status)
{
	check_expect(c, ARITHMETIC, host_check_fp(function), "%s() changes it", function);
	if (status < 0)
		check_expect(c, MESSAGES, *error_text() != 0,
			     "%s() returns %d (%s) and says nothing; use host->fail()", function,
			     status, error_status_text(status));
	return status;
}

/* ---- guarded arrays */

enum { ZONE = 4096, GUARD = 0xff };

/* What outputs hold before a call: NaN, as the guard bytes are.  What scratch holds: another NaN, then a number. */
static const uint32_t poison_word = 0x7fc05a5a, rubbish = 0x7fc0b6b6, other_rubbish = 0x3f01b6b6;

static void fill(struct guarded *g, uint32_t word)
{
	unsigned char *p = g->data;
	size_t i;

	for (i = 0; i < g->bytes; i++)
		p[i] = (unsigned char)(word >> 8 * (i % 4));
}

int guarded_create(size_t bytes, struct guarded *g)
{
	g->bytes = bytes;
	g->data = NULL;
	g->block = memory_alloc(bytes + 2 * ZONE);
	if (!g->block)
		return LACUNA_ENOMEM;
	memset(g->block, GUARD, bytes + 2 * ZONE);
	g->data = g->block + ZONE;
	guarded_poison(g);
	return LACUNA_OK;
}

void guarded_release(struct guarded *g)
{
	memory_release(g->block);
	memset(g, 0, sizeof *g);
}

void guarded_poison(struct guarded *g)
{
	fill(g, poison_word);
}

int guarded_intact(const struct guarded *g)
{
	const unsigned char *before = (const unsigned char *)g->block;
	const unsigned char *after = (const unsigned char *)g->data + g->bytes;
	int i;

	for (i = 0; i < ZONE; i++)
		if (before[i] != GUARD || after[i] != GUARD)
			return 0;
	return 1;
}

int guarded_random(const struct check *c, uint64_t stream, size_t count, double offset,
		   double scale, struct guarded *g)
{
	float *values;
	size_t i;
	int status = guarded_create(count * sizeof *values, g);

	if (status)
		return status;
	values = g->data;
	random_gaussian(c->key, stream, 0, values, count);
	for (i = 0; i < count; i++)
		values[i] = (float)(offset + scale * values[i]);
	return LACUNA_OK;
}

static uint64_t checksum(const struct guarded *g)
{
	const unsigned char *p = g->data;
	uint64_t hash = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < g->bytes; i++)
		hash = (hash ^ p[i]) * 0x100000001b3; /* FNV-1a */
	return hash;
}

static size_t unwritten(const struct guarded *g)
{
	const char *p = g->data;
	size_t i, count = 0;
	uint32_t word;

	for (i = 0; i + sizeof word <= g->bytes; i += sizeof word) {
		memcpy(&word, p + i, sizeof word);
		count += word == poison_word;
	}
	return count;
}

/* ---- conduct of one call */

int check_quick(struct check *c, const struct call *call, float *out)
{
	void *scratch = call->scratch_bytes ? memory_alloc(call->scratch_bytes) : NULL;
	int status;

	if (call->scratch_bytes && !scratch)
		return LACUNA_ENOMEM;
	error_clear();
	status = check_status(c, call->name, call->run(call, scratch, out));
	memory_release(scratch);
	return status;
}

/* Runs the call into poisoned memory. */
static int run_guarded(const struct call *call, uint32_t dirt, struct guarded *out, int *intact)
{
	struct guarded scratch;
	int status = guarded_create(call->scratch_bytes, &scratch);

	if (status)
		return status;
	fill(&scratch, dirt);
	guarded_poison(out);
	status = call->run(call, call->scratch_bytes ? scratch.data : NULL, out->data);
	*intact = guarded_intact(&scratch) && guarded_intact(out);
	guarded_release(&scratch);
	return status;
}

static int same_bits(const struct guarded *a, const struct guarded *b)
{
	return !memcmp(a->data, b->data, a->bytes);
}

static void check_again(struct check *c, const struct call *call, enum property property,
			uint32_t dirt, const struct guarded *first)
{
	struct guarded again;
	int intact, status;

	if (guarded_create(first->bytes, &again))
		return;
	status = run_guarded(call, dirt, &again, &intact);
	check_expect(c, property, !status && same_bits(first, &again),
		     "%s() gives another result%s", call->name,
		     property == REPEATABLE ? " when called again with other rubbish in its scratch"
					    : "");
	guarded_release(&again);
}

enum { CALLERS = 4 };

struct concurrent {
	const struct call *call;
	struct guarded out[CALLERS];
	int status[CALLERS];
};

static void run_one(void *arg, size_t i)
{
	struct concurrent *r = arg;
	int intact;

	r->status[i] = run_guarded(r->call, rubbish, &r->out[i], &intact);
}

static void check_concurrent(struct check *c, const struct call *call, const struct guarded *first)
{
	struct concurrent r = { .call = call };
	int i, created = 1;

	for (i = 0; i < CALLERS; i++)
		created &= !guarded_create(first->bytes, &r.out[i]);
	if (created)
		threads_parallel(CALLERS, run_one, &r);
	for (i = 0; i < CALLERS; i++) {
		if (created)
			check_expect(c, CONCURRENT, !r.status[i] && same_bits(first, &r.out[i]),
				     "%s() gives another result while it runs in other threads",
				     call->name);
		guarded_release(&r.out[i]);
	}
}

struct call_creation {
	const struct call *call;
	float *out;
	void *scratch;
};

static int run_call(void *context)
{
	struct call_creation *r = context;

	return r->call->run(r->call, r->scratch, r->out);
}

static void check_slowly(struct check *c, const struct call *call, struct guarded *out)
{
	struct guarded spare = { NULL, 0, NULL }, scratch = { NULL, 0, NULL };
	struct call_creation r = { .call = call };
	struct creation creation = { run_call, &r };
	int threads = threads_count();

	threads_set(1);
	check_again(c, call, THREAD_COUNT, rubbish, out);
	threads_set(CALLERS);
	check_again(c, call, THREAD_COUNT, rubbish, out);
	if (!call->serial)
		check_concurrent(c, call, out);
	threads_set(threads);

	if (!guarded_create(out->bytes, &spare) && !guarded_create(call->scratch_bytes, &scratch)) {
		r.out = spare.data;
		r.scratch = scratch.data;
		check_no_memory(c, call->name, &creation);
	}
	guarded_release(&spare);
	guarded_release(&scratch);
}

int check_call(struct check *c, const struct call *call, struct guarded *out)
{
	uint64_t sums[3] = { 0 };
	size_t blocks, lost;
	int i, intact = 1, status = guarded_create(call->out_count * sizeof(float), out);

	if (status)
		return status;
	for (i = 0; i < 3 && call->inputs[i]; i++)
		sums[i] = checksum(call->inputs[i]);
	blocks = memory_live_blocks();
	error_clear();
	status = check_status(c, call->name, run_guarded(call, rubbish, out, &intact));
	check_expect(c, LEAKS, memory_live_blocks() == blocks,
		     "%s() leaves %zu blocks of memory behind", call->name,
		     memory_live_blocks() - blocks);
	for (i = 0; i < 3 && call->inputs[i]; i++) {
		intact &= guarded_intact(call->inputs[i]);
		check_expect(c, INPUTS, sums[i] == checksum(call->inputs[i]),
			     "%s() changes its input", call->name);
	}
	check_expect(c, BOUNDS, intact, "%s() writes beyond an array or its scratch", call->name);
	if (status)
		return status;
	lost = unwritten(out);
	check_expect(c, COMPLETE, !lost, "%s() leaves %zu of %zu values unwritten", call->name,
		     lost, call->out_count);
	check_expect(c, FINITE, lost || vector_finite(call->out_count, out->data),
		     "%s() gives NaN or infinite values (or reads beyond its inputs)", call->name);
	check_again(c, call, REPEATABLE, other_rubbish, out);
	if (c->conduct_all)
		check_slowly(c, call, out);
	return LACUNA_OK;
}

/* ---- failing memory */

void check_no_memory(struct check *c, const char *name, const struct creation *creation)
{
	enum { LIMIT = 2000 };
	size_t blocks = memory_live_blocks();
	int n, status;

	for (n = 0; n < LIMIT; n++) {
		error_clear();
		memory_fail_after(n);
		status = creation->run(creation->context);
		memory_fail_after(-1);
		if (!check_expect(c, NO_MEMORY, memory_live_blocks() == blocks,
				  "%s() leaks when allocation %d fails", name, n))
			return;
		if (status >= 0)
			return; /* no allocation was left to fail */
		if (!check_expect(c, NO_MEMORY, status == LACUNA_ENOMEM,
				  "%s() returns %d instead of LACUNA_ENOMEM when allocation %d "
				  "fails: %s",
				  name, status, n, error_text()))
			return;
		check_expect(c, MESSAGES, *error_text() != 0, "%s() says nothing about its failure",
			     name);
	}
}

/* ---- the whole */

static int report_outcomes(const struct check *c, check_report *report, void *context)
{
	int i, failures = 0;

	for (i = 0; i < PROPERTIES; i++) {
		const struct outcome *o = &c->outcomes[i];

		if (!o->examined)
			continue;
		failures += o->failed;
		report(context, !o->failed, property_names[i], o->detail);
	}
	return failures;
}

int check_plugin(const struct plugin_use *use, check_report *report, void *context)
{
	static int (*const families[])(struct check *) = {
		[LACUNA_OPERATOR] = check_operator,
		[LACUNA_PRIOR] = check_prior,
		[LACUNA_GUIDANCE] = check_guidance,
		[LACUNA_SAMPLER] = check_sampler,
	};
	const char *name = use->plugin->head->name;
	struct check *c = memory_alloc(sizeof *c);
	char *directory = getcwd(NULL, 0), *now;
	char locale[128];
	int failures, status;

	if (!c) {
		free(directory);
		return LACUNA_ENOMEM;
	}
	c->use = use;
	c->key.seed = 1;
	snprintf(locale, sizeof locale, "%s", setlocale(LC_ALL, NULL));

	status = families[use->plugin->head->kind](c);

	now = getcwd(NULL, 0);
	*c->where = 0;
	check_expect(c, SURROUNDINGS, !directory || (now && !strcmp(directory, now)),
		     "it changes the working directory");
	check_expect(c, SURROUNDINGS, !strncmp(locale, setlocale(LC_ALL, NULL), sizeof locale - 1),
		     "it changes the locale");
	free(directory);
	free(now);
	failures = report_outcomes(c, report, context);
	memory_release(c);
	if (status)
		return status;
	return failures ? error_set(LACUNA_EINVAL, "%s: %d properties do not hold", name, failures)
			: LACUNA_OK;
}
