/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What a piece of work has to itself: its error message, budget of memory, log, wish to stop, number of threads, reader of
 * images.  Nothing of that belongs to the process, so that two restorations in one process see nothing of each other.
 *
 * A thread works in one context at a time; error_set(), memory_alloc(), log_message(), cancel_requested() and their like mean
 * that one.  Workers of threads_parallel() work in their caller's, a plugin's services in that of its host (plugin/host.h),
 * whatever thread they are called from.  A thread that has entered none has one of its own, as long as it lives: a program
 * that does one thing at a time needs no other.
 *
 * Several threads may work in one context; the message is then that of the last failure in any. */
#ifndef BASE_CONTEXT_H
#define BASE_CONTEXT_H

#include "base/error.h"
#include <lacuna/plugin.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

/* Of the members each is for one file, that which is named; others use its functions. */
struct context {
	struct { /* base/error.c */
		pthread_mutex_t lock;
		struct error_note note;
	} error;
	struct { /* base/memory.c */
		pthread_mutex_t lock;
		size_t budget, live_blocks, live_bytes, peak_bytes;
		long allowed; /* allocations, if limited */
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
		char *found[16];      /* data files; owned, by malloc() */
		const void *told[16]; /* host_first_time() */
	} host;
};

/* NULL: there is no memory.  It must outlive the memory that is allocated in it, and threads that work in it. */
struct context *context_create(void);
void context_destroy(struct context *); /* accepts NULL */

/* The calling thread works in this context from now on; NULL: in its own.  Returns the one before, for context_leave(). */
struct context *context_enter(struct context *);
void context_leave(struct context *before);
/* Never NULL. */
struct context *context_current(void);

#endif
