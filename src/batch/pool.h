/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Worker processes: whatever happens to one costs the item that it works on. */
#ifndef BATCH_POOL_H
#define BATCH_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pool;

/* In a worker.  begin() comes first; work() answers with a text of its own, for free(), or NULL, which counts as a death. */
struct pool_work {
	void (*begin)(void *context);
	char *(*work)(void *context, uint64_t item);
	void *context;
	size_t memory; /* bytes that a worker may take, as far as the system knows how; 0: any */
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

/* Workers are forked when they are needed, as copies of the caller as it is then: it must have no other threads. */
int pool_create(int workers, const struct pool_work *, struct pool **);
/* True when a worker is idle. */
int pool_is_free(const struct pool *);
/* Gives an item to an idle worker.  seconds: how long it may take; 0: any time. */
int pool_give(struct pool *, uint64_t item, double seconds);
/* Waits for one event, at most so long: 1, or 0 when nothing happened.  Signals end the wait. */
int pool_wait(struct pool *, double seconds, struct pool_event *);
int pool_busy(const struct pool *); /* workers at work */
/* Asks the workers to stop, and kills those that are not gone after `seconds'.  gone (or NULL) is told of each that was
 * killed. */
void pool_stop(struct pool *, double seconds, void (*gone)(void *context, pid_t), void *context);
void pool_destroy(struct pool *); /* accepts NULL */

#endif
