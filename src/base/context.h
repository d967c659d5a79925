/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The state of one piece of work: error message, memory budget, log, cancel request, number of threads, image reader.
 * None of this is global, so two restorations in one process do not affect each other.
 *
 * A thread works in one context at a time; error_set(), memory_alloc(), log_message(), cancel_requested() etc. refer to this
 * current context.  Workers of threads_parallel() use their caller's context, a plugin's services that of its host
 * (plugin/host.h), on whatever thread they are called.  A thread that has entered no context has one of its own for its
 * lifetime: enough for a program that does one thing at a time.
 *
 * Several threads may work in one context; the message is then that of the last failure in any of them. */
#ifndef BASE_CONTEXT_H
#define BASE_CONTEXT_H

#include "base/error.h"
#include <lacuna/plugin.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

/* Each member belongs to the file named beside it; other files use that file's functions. */
struct context {
	struct { /* base/error.c */
		pthread_mutex_t lock;
		struct error_note note;
	} error;
	struct { /* base/memory.c */
		pthread_mutex_t lock;
		size_t budget, live_blocks, live_bytes, peak_bytes;
		long allowed; /* allocations left, if limited */
		int limited;
	} memory;
	struct { /* base/log.c */
		pthread_mutex_t lock;
		void (*sink)(void *context, int level, const char *text);
		void *context;
	} log;
	struct { /* base/threads.c */
		atomic_int cancelled, wanted;
	} threads;
	struct { /* plugin/host.c */
		pthread_mutex_t lock;
		int (*reader)(const char *path, struct lacuna_shape *, float **values);
		char *found[16];      /* data files; owned, from malloc() */
		const void *told[16]; /* host_first_time() */
	} host;
};

/* NULL if memory is exhausted.  The context must outlive the memory allocated in it and the threads that work in it. */
struct context *context_create(void);
void context_destroy(struct context *); /* accepts NULL */

/* Makes the context the calling thread's current one; NULL: the thread's own.  Returns the previous one, for
 * context_leave(). */
struct context *context_enter(struct context *);
void context_leave(struct context *before);
/* Never NULL. */
struct context *context_current(void);

#endif
