/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Worker processes: if one crashes or hangs, only its current item is lost. */
#ifndef BATCH_POOL_H
#define BATCH_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pool;

/* Runs in a worker.  begin() is called first.  work() returns a text for free(), or NULL, which counts as dying. */
struct pool_work {
	void (*begin)(void *context);
	char *(*work)(void *context, uint64_t item);
	void *context;
	size_t memory; /* a worker's limit in bytes, as far as the system can count; 0: none */
};

enum pool_end {
	POOL_ANSWERED,
	POOL_DIED,   /* by a signal: number */
	POOL_EXITED, /* without an answer: status */
	POOL_TIMED_OUT
};

struct pool_event {
	uint64_t item;
	pid_t worker;
	enum pool_end end;
	int number;
	char *text; /* of POOL_ANSWERED, for free() */
};

/* Workers are forked when needed, as copies of the caller at that time, which must have no other threads. */
int pool_create(int workers, const struct pool_work *, struct pool **);
/* True when a worker is idle. */
int pool_is_free(const struct pool *);
/* Gives an item to an idle worker.  seconds: time limit; 0: none. */
int pool_give(struct pool *, uint64_t item, double seconds);
/* Waits for one event, at most `seconds'.  Returns 1, or 0 if nothing happened.  Signals end the wait. */
int pool_wait(struct pool *, double seconds, struct pool_event *);
int pool_busy(const struct pool *); /* number of busy workers */
/* Asks the workers to stop, and kills those still running after `seconds'.  Calls gone (or NULL) for each worker killed. */
void pool_stop(struct pool *, double seconds, void (*gone)(void *context, pid_t), void *context);
void pool_destroy(struct pool *); /* accepts NULL */

#endif
