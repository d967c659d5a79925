/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A fixed pool of worker threads.  Their number is a wish of the context at hand; they work in that of their caller. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stddef.h>

struct context;

/* Number of threads that parallel work uses, the caller included; 0: one per processor available. */
void threads_set(int count);
int threads_count(void);
/* body(arg, i) for i = 0..n-1, in any order; returns when all are done.  Nested calls run serially. */
void threads_parallel(size_t n, void (*body)(void *arg, size_t i), void *arg);
/* The same for bodies that may fail, each with `scratch' bytes of memory (64-byte aligned, NULL for none) that no other has at
 * that time, and that hold whatever the last one has left there.  The status of the smallest i whose body returns another
 * than 0, and its message, whatever the number of threads: bodies of larger i may then not have run.  LACUNA_ENOMEM where
 * there is no memory for one worker; for fewer workers than there are it must only take longer. */
int threads_try(size_t n, size_t scratch, int (*body)(void *arg, size_t i, void *scratch),
		void *arg);
/* Workers that there are now, busy or waiting; the caller is none. */
int threads_running(void);
/* Ends the workers; they start again when needed.  For leak checkers. */
void threads_stop(void);

/* The wish that work in a context stop.  cancel_request() may be called from any thread, and from a signal handler. */
void cancel_request(struct context *);
int cancel_requested(void); /* in the context at hand */

#endif
