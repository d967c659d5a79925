/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A fixed pool of worker threads. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stddef.h>

/* Number of threads that parallel work uses, the caller included; 0: one per processor available. */
void threads_set(int count);
int threads_count(void);
/* body(arg, i) for i = 0..n-1, in any order; returns when all are done.  Nested calls run serially. */
void threads_parallel(size_t n, void (*body)(void *arg, size_t i), void *arg);
/* Workers that there are now, busy or waiting; the caller is none. */
int threads_running(void);
/* Ends the workers; they start again when needed.  For leak checkers. */
void threads_stop(void);

/* The wish to stop.  cancel_request() may be called from a signal handler. */
void cancel_request(void);
int cancel_requested(void);

#endif
