/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "batch/pool.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#include <lacuna/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

struct worker {
	pid_t pid; /* 0: not forked yet */
	int orders, answers;
	int busy;
	uint64_t item;
	double deadline; /* 0: none */
	int late;	 /* killed because it missed the deadline */
	char *text;	 /* answer received so far: its length, then that many bytes */
	size_t length, room;
};

struct pool {
	struct pool_work work;
	struct worker *workers;
	int count;
};

/* ---- in the worker ----------------------------------------------------------------------------------- */

static int read_all(int fd, void *to, size_t n)
{
	char *p = to;

	while (n) {
		const ssize_t got = read(fd, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return 0;
		p += got;
		n -= (size_t)got;
	}
	return 1;
}

static int write_all(int fd, const void *from, size_t n)
{
	const char *p = from;

	while (n) {
		const ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return 0;
		p += put;
		n -= (size_t)put;
	}
	return 1;
}

/* Sanitizers map more memory than any limit would allow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* A plugin that allocates without end must fail itself, not the machine. */
static void limit_memory(size_t bytes)
{
	struct rlimit limit;

	if (SANITIZED || !bytes || getrlimit(RLIMIT_DATA, &limit))
		return;
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > bytes)
		limit.rlim_cur = bytes;
	(void)setrlimit(RLIMIT_DATA, &limit);
}

static void serve(const struct pool_work *w, int orders, int answers)
{
	uint64_t item;

	w->begin(w->context);
	while (read_all(orders, &item, sizeof item)) {
		char *text = w->work(w->context, item);
		const uint64_t n = text ? strlen(text) : 0;
		const int done = n && write_all(answers, &n, sizeof n) &&
				 write_all(answers, text, (size_t)n);

		free(text);
		if (!done)
			break;
	}
}

static void become_worker(struct pool *p, int orders, int answers)
{
#ifdef __linux__
	/* If the batch is killed, its workers are, too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	for (int i = 0; i < p->count; i++)
		if (p->workers[i].pid) {
			close(p->workers[i].orders);
			close(p->workers[i].answers);
		}
	limit_memory(p->work.memory);
	serve(&p->work, orders, answers);
	_exit(0);
}

/* ---- workers ----------------------------------------------------------------------------------------- */

static int fork_worker(struct pool *p, struct worker *w)
{
	int orders[2], answers[2];
	pid_t pid;

	if (pipe2(orders, O_CLOEXEC))
		return error_set(LACUNA_EIO, "cannot start a worker: %s", strerror(errno));
	if (pipe2(answers, O_CLOEXEC)) {
		close(orders[0]);
		close(orders[1]);
		return error_set(LACUNA_EIO, "cannot start a worker: %s", strerror(errno));
	}
	pid = fork();
	if (!pid) {
		close(orders[1]);
		close(answers[0]);
		become_worker(p, orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	if (pid < 0) {
		close(orders[1]);
		close(answers[0]);
		return error_set(LACUNA_EIO, "cannot start a worker: %s", strerror(errno));
	}
	w->pid = pid;
	w->orders = orders[1];
	w->answers = answers[0];
	return LACUNA_OK;
}

static void forget_worker(struct worker *w)
{
	close(w->orders);
	close(w->answers);
	free(w->text);
	*w = (struct worker){ 0 };
}

int pool_create(int workers, const struct pool_work *work, struct pool **result)
{
	struct pool *p = memory_alloc(sizeof *p);

	if (!p)
		return LACUNA_ENOMEM;
	p->work = *work;
	p->workers = memory_alloc_array((size_t)workers, sizeof *p->workers);
	p->count = p->workers ? workers : 0;
	if (!p->workers) {
		pool_destroy(p);
		return LACUNA_ENOMEM;
	}
	/* Writing to a dead worker must return an error. */
	signal(SIGPIPE, SIG_IGN);
	*result = p;
	return LACUNA_OK;
}

static struct worker *find_idle(const struct pool *p)
{
	struct worker *found = NULL;

	for (int i = 0; i < p->count; i++) {
		struct worker *w = &p->workers[i];

		/* A running worker has its weights loaded already. */
		if (!w->busy && (!found || (w->pid && !found->pid)))
			found = w;
	}
	return found;
}

int pool_is_free(const struct pool *p)
{
	return find_idle(p) != NULL;
}

int pool_busy(const struct pool *p)
{
	int busy = 0;

	for (int i = 0; i < p->count; i++)
		busy += p->workers[i].busy;
	return busy;
}

int pool_give(struct pool *p, uint64_t item, double seconds)
{
	struct worker *w = find_idle(p);
	int status;

	/* The idle worker may have died; then fork a new one. */
	for (int tries = 0; tries < 2; tries++) {
		status = w->pid ? LACUNA_OK : fork_worker(p, w);
		if (status)
			return status;
		if (write_all(w->orders, &item, sizeof item)) {
			w->busy = 1;
			w->item = item;
			w->late = 0;
			w->deadline = seconds > 0 ? clock_seconds() + seconds : 0;
			return LACUNA_OK;
		}
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
		forget_worker(w);
	}
	return error_set(LACUNA_EIO,
			 "workers end before they start to work; is there enough memory?");
}

/* ---- events ------------------------------------------------------------------------------------------ */

static int bury(struct worker *w, struct pool_event *e)
{
	int state = 0;

	*e = (struct pool_event){ .item = w->item, .worker = w->pid };
	while (waitpid(w->pid, &state, 0) < 0 && errno == EINTR)
		;
	e->end = w->late ? POOL_TIMED_OUT : WIFSIGNALED(state) ? POOL_DIED : POOL_EXITED;
	e->number = WIFSIGNALED(state) ? WTERMSIG(state) : WEXITSTATUS(state);
	state = w->busy;
	forget_worker(w);
	return state; /* the death of an idle worker is no event */
}

static int grow(struct worker *w)
{
	const size_t room = w->room ? 2 * w->room : 1 << 16;
	char *more = realloc(w->text, room);

	if (!more)
		return 0;
	w->text = more;
	w->room = room;
	return 1;
}

/* Reads what has arrived.  Returns 1 when that completes an event. */
static int hear(struct worker *w, struct pool_event *e)
{
	uint64_t n;
	ssize_t got;

	if (w->length == w->room && !grow(w)) {
		kill(w->pid, SIGKILL);
		return bury(w, e);
	}
	got = read(w->answers, w->text + w->length, w->room - w->length);
	if (got < 0 && errno == EINTR)
		return 0;
	if (got <= 0)
		return bury(w, e);
	w->length += (size_t)got;
	if (w->length < sizeof n)
		return 0;
	memcpy(&n, w->text, sizeof n);
	if (w->length - sizeof n < n)
		return 0;
	*e = (struct pool_event){ .item = w->item, .worker = w->pid, .end = POOL_ANSWERED };
	e->text = malloc((size_t)n + 1);
	if (e->text) {
		memcpy(e->text, w->text + sizeof n, (size_t)n);
		e->text[n] = 0;
	}
	w->length = 0;
	w->busy = 0;
	w->deadline = 0;
	return 1;
}

/* Kills late workers.  Returns the time until the next deadline. */
static double watch(struct pool *p, double left)
{
	const double time = clock_seconds();

	for (int i = 0; i < p->count; i++) {
		struct worker *w = &p->workers[i];

		if (!w->busy || !(w->deadline > 0) || w->late)
			continue;
		if (w->deadline <= time) {
			w->late = 1;
			kill(w->pid, SIGKILL);
		} else if (w->deadline - time < left) {
			left = w->deadline - time;
		}
	}
	return left;
}

int pool_wait(struct pool *p, double seconds, struct pool_event *e)
{
	struct pollfd *fds = memory_alloc_array((size_t)p->count, sizeof *fds);
	const double until = clock_seconds() + seconds;
	int happened = 0, interrupted = 0;

	while (fds && !happened && !interrupted) {
		const double left = until - clock_seconds();
		const double pause = watch(p, left > 0 ? left : 0);

		for (int i = 0; i < p->count; i++)
			fds[i] = (struct pollfd){ .fd = p->workers[i].pid ? p->workers[i].answers
									  : -1,
						  .events = POLLIN };
		if (poll(fds, (nfds_t)p->count, (int)(1000 * pause) + 1) < 0)
			interrupted = errno == EINTR;
		else
			for (int i = 0; i < p->count && !happened; i++)
				if (fds[i].revents)
					happened = hear(&p->workers[i], e);
		if (left <= 0)
			break;
	}
	memory_release(fds);
	return happened;
}

/* ---- the end ----------------------------------------------------------------------------------------- */

static int wait_gone(struct pool *p)
{
	int left = 0;

	for (int i = 0; i < p->count; i++) {
		struct worker *w = &p->workers[i];

		if (w->pid && waitpid(w->pid, NULL, WNOHANG) == w->pid)
			forget_worker(w);
		left += w->pid != 0;
	}
	return left;
}

void pool_stop(struct pool *p, double seconds, void (*gone)(void *context, pid_t), void *context)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	const double until = clock_seconds() + seconds;

	/* Idle workers are killed; busy ones stop at a safe point. */
	for (int i = 0; i < p->count; i++)
		if (p->workers[i].pid)
			kill(p->workers[i].pid, p->workers[i].busy ? SIGTERM : SIGKILL);
	while (wait_gone(p) && clock_seconds() < until)
		nanosleep(&pause, NULL);
	for (int i = 0; i < p->count; i++) {
		struct worker *w = &p->workers[i];

		if (!w->pid)
			continue;
		kill(w->pid, SIGKILL);
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
			;
		if (gone)
			gone(context, w->pid);
		forget_worker(w);
	}
}

void pool_destroy(struct pool *p)
{
	if (!p)
		return;
	if (p->workers)
		pool_stop(p, 0, NULL, NULL);
	memory_release(p->workers);
	memory_release(p);
}
