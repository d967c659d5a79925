/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/threads.h"

#include "base/context.h"
#include "base/error.h"
#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

enum { MOST_THREADS = 256 };

struct work {
	int (*body)(void *, size_t, void *);
	void *arg;
	size_t n, scratch;
};

/* The pool is global, as the processors are: callers from different contexts take turns, and workers that one context does
 * not want are there for the others.  One job at a time; the caller works too.  `generation' tells sleeping workers of a
 * new job, `seats' how many more of them it needs. */
static struct {
	pthread_mutex_t lock, caller;
	pthread_cond_t wake, idle;
	pthread_t workers[MOST_THREADS];
	int started, seats, busy, stopping;
	unsigned long generation;
	struct work work;
	struct context *context; /* the caller's context */
	atomic_size_t next;
	/* The smallest failed index, or SIZE_MAX.  This, status and message change only under `lock'. */
	atomic_size_t failed;
	int status;
	struct error_note message;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .caller = PTHREAD_MUTEX_INITIALIZER,
	   .wake = PTHREAD_COND_INITIALIZER,
	   .idle = PTHREAD_COND_INITIALIZER };

static _Thread_local int inside; /* true in a body: nested calls run serially */

static int processors(void)
{
	cpu_set_t set;

	if (!sched_getaffinity(0, sizeof set, &set))
		return CPU_COUNT(&set);
	return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

void threads_set(int count)
{
	atomic_store(&context_current()->threads.wanted,
		     count > MOST_THREADS ? MOST_THREADS : count);
}

int threads_count(void)
{
	const int wanted = atomic_load(&context_current()->threads.wanted);
	const int count = wanted > 0 ? wanted : processors();

	return count > MOST_THREADS ? MOST_THREADS : count > 0 ? count : 1;
}

static void note_failure(size_t i, int status)
{
	pthread_mutex_lock(&pool.lock);
	if (i < atomic_load(&pool.failed)) {
		atomic_store(&pool.failed, i);
		pool.status = status;
		error_take_down(&pool.message);
	}
	pthread_mutex_unlock(&pool.lock);
}

/* Indices are handed out in order, so all below a failed one have been started, and are finished. */
static void work(void *scratch)
{
	size_t i;

	inside = 1;
	while ((i = atomic_fetch_add(&pool.next, 1)) < pool.work.n &&
	       i < atomic_load(&pool.failed)) {
		const int status = pool.work.body(pool.work.arg, i, scratch);

		if (status)
			note_failure(i, status);
	}
	inside = 0;
}

/* A worker without memory for scratch leaves the work to the others. */
static void help(void)
{
	const size_t bytes = pool.work.scratch;
	void *scratch = bytes ? memory_alloc(bytes) : NULL;

	error_clear();
	if (scratch || !bytes)
		work(scratch);
	memory_release(scratch);
}

static void *worker(void *unused)
{
	struct error_note said = { .reason = 0 };
	unsigned long seen = 0;

	(void)unused;
	error_aside(&said);
	pthread_mutex_lock(&pool.lock);
	for (;;) {
		while (!pool.stopping && pool.generation == seen)
			pthread_cond_wait(&pool.wake, &pool.lock);
		if (pool.stopping)
			break;
		seen = pool.generation;
		if (!pool.seats)
			continue;
		pool.seats--;
		pthread_mutex_unlock(&pool.lock);
		context_enter(pool.context);
		help();
		context_leave(NULL);
		pthread_mutex_lock(&pool.lock);
		if (--pool.busy == 0)
			pthread_cond_signal(&pool.idle);
	}
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

/* Call with pool.lock held.  Fewer threads than requested are no failure: the caller always works. */
static void start_workers(int count)
{
	sigset_t all, old;

	/* Signals are handled by the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (pool.started < count - 1) {
		if (pthread_create(&pool.workers[pool.started], NULL, worker, NULL))
			break;
		pool.started++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static int work_alone(const struct work *w, void *scratch)
{
	int status = LACUNA_OK;

	for (size_t i = 0; i < w->n && !status; i++)
		status = w->body(w->arg, i, scratch);
	return status;
}

static int work_together(const struct work *w, int count, void *scratch)
{
	int status;

	pthread_mutex_lock(&pool.caller); /* callers on different threads take turns */
	pthread_mutex_lock(&pool.lock);
	pool.work = *w;
	pool.context = context_current();
	pool.status = LACUNA_OK;
	atomic_store(&pool.failed, SIZE_MAX);
	atomic_store(&pool.next, 0);
	pool.generation++;
	/* A worker that starts now has seen no generation, so it takes this one. */
	start_workers(count);
	pool.busy = pool.started < count ? pool.started : count - 1;
	pool.seats = pool.busy;
	pthread_cond_broadcast(&pool.wake);
	pthread_mutex_unlock(&pool.lock);
	work(scratch);
	pthread_mutex_lock(&pool.lock);
	while (pool.busy)
		pthread_cond_wait(&pool.idle, &pool.lock);
	status = pool.status;
	if (status)
		error_take_over(&pool.message);
	pthread_mutex_unlock(&pool.lock);
	pthread_mutex_unlock(&pool.caller);
	return status;
}

int threads_try(size_t n, size_t scratch, int (*body)(void *arg, size_t i, void *scratch),
		void *arg)
{
	const struct work w = { body, arg, n, scratch };
	const int count = inside || n < 2 ? 1 : threads_count();
	void *memory = NULL;
	struct error_note before;
	int status;

	if (scratch && n && !(memory = memory_alloc(scratch)))
		return LACUNA_ENOMEM;
	error_take_down(&before);
	error_clear(); /* a failure without a message gets none that is older */
	status = count == 1 ? work_alone(&w, memory) : work_together(&w, count, memory);
	if (!status)
		error_take_over(&before);
	memory_release(memory);
	return status;
}

struct plain {
	void (*body)(void *, size_t);
	void *arg;
};

static int run_plain(void *arg, size_t i, void *scratch)
{
	const struct plain *p = arg;

	(void)scratch;
	p->body(p->arg, i);
	return LACUNA_OK;
}

void threads_parallel(size_t n, void (*body)(void *arg, size_t i), void *arg)
{
	struct plain p = { body, arg };

	threads_try(n, 0, run_plain, &p);
}

int threads_running(void)
{
	int started;

	pthread_mutex_lock(&pool.lock);
	started = pool.started;
	pthread_mutex_unlock(&pool.lock);
	return started;
}

void threads_stop(void)
{
	int i, started;

	pthread_mutex_lock(&pool.caller);
	pthread_mutex_lock(&pool.lock);
	pool.stopping = 1;
	started = pool.started;
	pthread_cond_broadcast(&pool.wake);
	pthread_mutex_unlock(&pool.lock);
	for (i = 0; i < started; i++)
		pthread_join(pool.workers[i], NULL);
	pthread_mutex_lock(&pool.lock);
	pool.started = 0;
	pool.stopping = 0;
	pool.generation = 0;
	pthread_mutex_unlock(&pool.lock);
	pthread_mutex_unlock(&pool.caller);
}

void cancel_request(struct context *c)
{
	atomic_store(&c->threads.cancelled, 1);
}

int cancel_requested(void)
{
	return atomic_load(&context_current()->threads.cancelled);
}
