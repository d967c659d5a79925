/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Sums in the order in which threads happen to finish. */
#define NAME "thread-count"
#define APPLY bad_apply
#include "good.h"
#include <pthread.h>
#include <time.h>

struct job {
	const float *x;
	float *y;
	size_t count;
	pthread_t caller;
};

static int part(void *arg, size_t i, void *scratch)
{
	const struct timespec pause = { 0, 200000 }; /* lets other threads run */
	struct job *j = arg;
	float away = pthread_equal(pthread_self(), j->caller) ? 0 : 1e-6f;
	size_t k;

	(void)scratch;
	nanosleep(&pause, NULL);
	for (k = i; k < j->count; k += 4)
		j->y[k] = j->x[k] / 2 + away;
	return LACUNA_OK;
}

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	struct job j = { x, y, h->count, pthread_self() };

	(void)scratch;
	h->host->parallel(h->host, 4, 0, part, &j);
	return LACUNA_OK;
}
