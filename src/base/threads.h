/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A fixed pool of worker threads.  The current context sets their number; they work in their caller's context. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stddef.h>

struct context;

/* Number of threads that parallel work uses, the caller included; 0: one per processor available. */
void threads_set(int count);
int threads_count(void);
/* Calls body(arg, i) for i = 0..n-1, in any order; returns when all are done.  Nested calls run serially. */
void threads_parallel(size_t n, void (*body)(void *arg, size_t i), void *arg);
/* As threads_parallel(), for bodies that may fail.  Each gets `scratch' bytes of memory for itself (64-byte aligned, NULL
 * if 0), with whatever an earlier body left there.  Returns the status of the smallest i whose body returns anything but
 * 0, and its message, for any number of threads; bodies of larger i may then not have run.  LACUNA_ENOMEM if there is no
 * memory for a single worker; with memory for only some workers it just takes longer. */
int threads_try(size_t n, size_t scratch, int (*body)(void *arg, size_t i, void *scratch),
		void *arg);
/* Number of existing workers, busy or waiting, without the caller. */
int threads_running(void);
/* Ends the workers, for leak checkers; they start again when needed. */
void threads_stop(void);

/* Requests that work in a context stop.  cancel_request() may be called from any thread and from a signal handler. */
void cancel_request(struct context *);
int cancel_requested(void); /* in the current context */

#endif
