/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { MOST_THREADS = 256 };

/* One job at a time; the caller works too.  `generation' tells sleeping workers that there is a new one. */
static struct {
	pthread_mutex_t lock, caller;
	pthread_cond_t wake, idle;
	pthread_t workers[MOST_THREADS];
	int wanted, started, busy, stopping;
	unsigned long generation;
	void (*body)(void *, size_t);
	void *arg;
	size_t n;
	atomic_size_t next;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .caller = PTHREAD_MUTEX_INITIALIZER,
	   .wake = PTHREAD_COND_INITIALIZER,
	   .idle = PTHREAD_COND_INITIALIZER };

static _Thread_local int inside; /* a nested call runs serially */

static int processors(void)
{
	cpu_set_t set;

	if (!sched_getaffinity(0, sizeof set, &set))
		return CPU_COUNT(&set);
	return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

void threads_set(int count)
{
	threads_stop();
	pthread_mutex_lock(&pool.lock);
	pool.wanted = count > MOST_THREADS ? MOST_THREADS : count;
	pthread_mutex_unlock(&pool.lock);
}

int threads_count(void)
{
	int count;

	pthread_mutex_lock(&pool.lock);
	if (pool.wanted <= 0)
		pool.wanted = processors();
	if (pool.wanted <= 0)
		pool.wanted = 1;
	count = pool.wanted;
	pthread_mutex_unlock(&pool.lock);
	return count;
}

static void work(void)
{
	size_t i;

	inside = 1;
	while ((i = atomic_fetch_add(&pool.next, 1)) < pool.n)
		pool.body(pool.arg, i);
	inside = 0;
}

static void *worker(void *unused)
{
	unsigned long seen = 0;

	(void)unused;
	pthread_mutex_lock(&pool.lock);
	for (;;) {
		while (!pool.stopping && pool.generation == seen)
			pthread_cond_wait(&pool.wake, &pool.lock);
		if (pool.stopping)
			break;
		seen = pool.generation;
		pthread_mutex_unlock(&pool.lock);
		work();
		pthread_mutex_lock(&pool.lock);
		if (--pool.busy == 0)
			pthread_cond_signal(&pool.idle);
	}
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

/* With pool.lock held.  Fewer threads than wanted are no failure: the caller works in any case. */
static void start_workers(int count)
{
	sigset_t all, old;

	/* Signals belong to the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (pool.started < count - 1) {
		if (pthread_create(&pool.workers[pool.started], NULL, worker, NULL))
			break;
		pool.started++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void threads_parallel(size_t n, void (*body)(void *arg, size_t i), void *arg)
{
	int count = inside ? 1 : threads_count();
	size_t i;

	if (count == 1 || n < 2) {
		for (i = 0; i < n; i++)
			body(arg, i);
		return;
	}
	pthread_mutex_lock(&pool.caller); /* callers from different threads take turns */
	pthread_mutex_lock(&pool.lock);
	pool.body = body;
	pool.arg = arg;
	pool.n = n;
	atomic_store(&pool.next, 0);
	pool.generation++;
	/* A worker that starts now has seen no generation, so it finds this one. */
	start_workers(count);
	pool.busy = pool.started;
	pthread_cond_broadcast(&pool.wake);
	pthread_mutex_unlock(&pool.lock);
	work();
	pthread_mutex_lock(&pool.lock);
	while (pool.busy)
		pthread_cond_wait(&pool.idle, &pool.lock);
	pthread_mutex_unlock(&pool.lock);
	pthread_mutex_unlock(&pool.caller);
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

static atomic_int cancelled;

void cancel_request(void)
{
	atomic_store(&cancelled, 1);
}

int cancel_requested(void)
{
	return atomic_load(&cancelled);
}
