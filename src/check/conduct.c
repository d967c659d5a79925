/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Examines the conduct that all families share (lacuna/plugin.h, "Threads" and "Conduct") at one call. */
#include <config.h>

#include "check/private.h"

#include "base/context.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "base/vector.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- guarded arrays */

enum { ZONE = 4096, GUARD = 0xff };

/* Contents before a call: outputs hold a NaN, made of guard bytes; scratch holds another NaN, later a number. */
static const uint32_t poison_word = 0x7fc05a5a, rubbish = 0x7fc0b6b6, other_rubbish = 0x3f01b6b6;

static void fill(struct guarded *g, uint32_t word)
{
	char *p = g->data;
	size_t i;

	for (i = 0; i + sizeof word <= g->bytes; i += sizeof word)
		memcpy(p + i, &word, sizeof word);
	memcpy(p + i, &word, g->bytes - i);
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

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int check_quick(struct check *c, const struct call *call, float *out)
{
	void *scratch = call->scratch_bytes ? memory_alloc(call->scratch_bytes) : NULL;
	int status;

	if (call->scratch_bytes && !scratch)
		return LACUNA_ENOMEM;
	check_enter(c, call->name);
	status = check_leave(c, call->run(call, scratch, out));
	memory_release(scratch);
	return status;
}

/* Runs the call with poisoned output and scratch memory. */
static int run_guarded(const struct call *call, uint32_t dirt, struct guarded *out, int *intact)
{
	struct guarded scratch;
	int status = guarded_create(call->scratch_bytes, &scratch);

	if (status)
		return status;
	fill(&scratch, dirt);
	guarded_poison(out);
	call->check->calls++;
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
		     "%s() gives a different result%s", call->name,
		     property == REPEATABLE
			     ? " in a second call with other contents of its scratch memory"
			     : "");
	guarded_release(&again);
}

enum { CALLERS = 4 };

/* Stops one caller in the middle of its call while another works on a different image.  With the same image, shared work
 * space would hold what both expect; without the stop, the callers would rarely overlap at the critical point.  A lock
 * held by the stopped caller is no fault: it continues after a while. */
enum { STOP_SIGNAL = SIGUSR2, STOPPED_FOR = 100, STOPS = 16, FEW = 100 };

static struct {
	sem_t stopped; /* sem_post() is allowed in a signal handler */
	atomic_int released;
} rendezvous;

static void nap(long microseconds)
{
	const struct timespec t = { 0, 1000 * microseconds };

	nanosleep(&t, NULL);
}

static void stop_here(int number)
{
	int saved = errno;

	(void)number;
	sem_post(&rendezvous.stopped);
	for (int i = 0; i < STOPPED_FOR && !rendezvous.released; i++)
		nap(100);
	errno = saved;
}

struct caller {
	struct call call;
	struct context *context; /* shared by both callers */
	struct guarded in[3], scratch, expected, out;
	int expected_status;
	atomic_int rounds, done, differs;
};

/* Uses the call's inputs, scaled so that positive values stay positive. */
static int prepare_caller(struct caller *caller, const struct call *call, double scale)
{
	int status = guarded_create(call->scratch_bytes, &caller->scratch), intact;

	caller->call = *call;
	caller->context = context_current();
	for (int k = 0; k < 3 && call->inputs[k] && !status; k++) {
		status = guarded_create(call->inputs[k]->bytes, &caller->in[k]);
		if (status)
			break;
		memcpy(caller->in[k].data, call->inputs[k]->data, call->inputs[k]->bytes);
		vector_scale(call->inputs[k]->bytes / sizeof(float), scale, caller->in[k].data);
		caller->call.in[k] = caller->in[k].data;
	}
	if (!status)
		status = guarded_create(call->out_count * sizeof(float), &caller->expected);
	if (!status)
		status = guarded_create(call->out_count * sizeof(float), &caller->out);
	if (!status)
		caller->expected_status =
			run_guarded(&caller->call, rubbish, &caller->expected, &intact);
	return status;
}

static void release_caller(struct caller *caller)
{
	for (int k = 0; k < 3; k++)
		guarded_release(&caller->in[k]);
	guarded_release(&caller->scratch);
	guarded_release(&caller->expected);
	guarded_release(&caller->out);
}

/* Does little besides the call, so that the stop usually falls within it. */
static void run_caller(struct caller *c)
{
	const int status =
		c->call.run(&c->call, c->call.scratch_bytes ? c->scratch.data : NULL, c->out.data);

	if (status != c->expected_status || (!status && !same_bits(&c->expected, &c->out)))
		c->differs = 1;
	c->rounds++;
	c->call.check->calls++;
}

static void *run_stopped(void *arg)
{
	struct caller *c = arg;

	context_enter(c->context);
	while (!c->done)
		run_caller(c);
	return NULL;
}

/* Stops one caller, runs the other, releases the first; up to STOPS times, fewer if that takes long. */
static void meet(struct caller *stopped, struct caller *other, pthread_t thread)
{
	const double start = seconds_now();

	for (int i = 0; i < STOPS && !stopped->differs && !other->differs; i++) {
		const int rounds = stopped->rounds;

		rendezvous.released = 0;
		pthread_kill(thread, STOP_SIGNAL);
		while (sem_wait(&rendezvous.stopped))
			continue;
		run_caller(other);
		rendezvous.released = 1;
		while (stopped->rounds == rounds)
			nap(20);
		nap(20 + 7 * i);
		if (i >= 3 && seconds_now() - start > 0.05)
			break;
	}
}

static void check_concurrent(struct check *c, const struct call *call)
{
	struct sigaction action = { .sa_handler = stop_here, .sa_flags = SA_RESTART }, old;
	struct caller stopped = { .done = 0 }, other = { .done = 0 };
	int status = prepare_caller(&stopped, call, 1);
	pthread_t thread;

	if (!status)
		status = prepare_caller(&other, call, 1.25);
	sem_init(&rendezvous.stopped, 0, 0);
	sigemptyset(&action.sa_mask);
	sigaction(STOP_SIGNAL, &action, &old);
	if (!status && !pthread_create(&thread, NULL, run_stopped, &stopped)) {
		meet(&stopped, &other, thread);
		stopped.done = 1;
		pthread_join(thread, NULL);
		check_expect(c, CONCURRENT, !stopped.differs && !other.differs,
			     "%s() gives a different result while it runs in another thread on "
			     "another image",
			     call->name);
	}
	sigaction(STOP_SIGNAL, &old, NULL);
	sem_destroy(&rendezvous.stopped);
	release_caller(&stopped);
	release_caller(&other);
}

void check_note_time(struct check *c, const char *function, const struct lacuna_shape *x,
		     double seconds)
{
	struct check_time *place = c->measures.times;

	while (place < c->measures.times + CHECK_TIMES && place->function &&
	       strcmp(place->function, function) != 0)
		place++;
	if (place < c->measures.times + CHECK_TIMES)
		*place = (struct check_time){ .function = function,
					      .seconds = 1e6 * seconds / (double)lacuna_count(x),
					      .x = *x };
}

void check_time(struct check *c, const struct call *call, const struct lacuna_shape *x, float *out)
{
	const int threads = threads_count();
	double best = INFINITY;

	threads_set(1);
	for (int i = 0; i < 3 && !(best < INFINITY && best > 0.1); i++) {
		const double start = seconds_now();

		if (check_quick(c, call, out))
			break;
		best = fmin(best, seconds_now() - start);
	}
	threads_set(threads);
	if (isfinite(best))
		check_note_time(c, call->name, x, best);
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
	/* With few values a call ends before it can be stopped. */
	if (!call->serial && call->out_count >= FEW)
		check_concurrent(c, call);
	threads_set(CALLERS);
	check_again(c, call, THREAD_COUNT, rubbish, out);
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
	check_enter(c, call->name);
	c->seconds = -seconds_now();
	status = run_guarded(call, rubbish, out, &intact);
	c->seconds += seconds_now();
	check_leave(c, status);
	check_expect(c, LEAKS, memory_live_blocks() == blocks,
		     "%s() does not release %zu blocks of memory", call->name,
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
	check_expect(c, COMPLETE, !lost, "%s() does not write %zu of %zu values", call->name, lost,
		     call->out_count);
	check_expect(c, FINITE, lost || vector_finite(call->out_count, out->data),
		     "%s() gives NaN or infinite values (or reads beyond its inputs)", call->name);
	check_again(c, call, REPEATABLE, other_rubbish, out);
	if (c->now->thorough)
		check_slowly(c, call, out);
	return LACUNA_OK;
}

int check_call_on(struct check *c, struct call call, const struct guarded *in0,
		  const struct guarded *in1, struct guarded *out)
{
	call.inputs[0] = in0;
	call.in[0] = in0->data;
	if (in1) {
		call.inputs[1] = in1;
		call.in[1] = in1->data;
	}
	return check_call(c, &call, out);
}

/* ---- failing memory */

void check_no_memory(struct check *c, const char *name, const struct creation *creation)
{
	enum { LIMIT = 2000 };
	size_t blocks = memory_live_blocks();
	int n, status;

	/* Later allocations mostly repeat those of earlier steps: test them ever more sparsely. */
	for (n = 0; n < LIMIT; n += 1 + n / 16) {
		check_enter(c, name);
		snprintf(c->phase, sizeof c->phase, ", allocation %d failing,", n);
		memory_fail_after(n);
		status = creation->run(creation->context);
		memory_fail_after(-1);
		*c->phase = '\0';
		c->inside = 0;
		if (!check_expect(c, NO_MEMORY, memory_live_blocks() == blocks,
				  "%s() leaks when allocation %d fails", name, n))
			return;
		if (status >= 0)
			break; /* all allocations succeeded */
		if (!check_expect(c, NO_MEMORY, status == LACUNA_ENOMEM,
				  "%s() returns %d instead of LACUNA_ENOMEM when allocation %d "
				  "fails: %s",
				  name, status, n, error_text()))
			return;
		check_expect(c, MESSAGES, *error_text() != 0, "%s() fails without a message", name);
	}
	if (n < LIMIT)
		check_leave(c, LACUNA_OK);
}
