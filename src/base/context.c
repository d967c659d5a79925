/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/context.h"

#include <stdlib.h>

static _Thread_local struct context own = {
	.error.lock = PTHREAD_MUTEX_INITIALIZER,
	.memory.lock = PTHREAD_MUTEX_INITIALIZER,
	.log.lock = PTHREAD_MUTEX_INITIALIZER,
	.host.lock = PTHREAD_MUTEX_INITIALIZER,
};
static _Thread_local struct context *current; /* NULL: the thread's own */

struct context *context_create(void)
{
	struct context *c = calloc(1, sizeof *c); /* memory_alloc() needs a context */

	if (!c)
		return NULL;
	pthread_mutex_init(&c->error.lock, NULL);
	pthread_mutex_init(&c->memory.lock, NULL);
	pthread_mutex_init(&c->log.lock, NULL);
	pthread_mutex_init(&c->host.lock, NULL);
	return c;
}

void context_destroy(struct context *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < sizeof c->host.found / sizeof *c->host.found; i++)
		free(c->host.found[i]);
	pthread_mutex_destroy(&c->error.lock);
	pthread_mutex_destroy(&c->memory.lock);
	pthread_mutex_destroy(&c->log.lock);
	pthread_mutex_destroy(&c->host.lock);
	free(c);
}

struct context *context_enter(struct context *c)
{
	struct context *before = current;

	current = c;
	return before;
}

void context_leave(struct context *before)
{
	current = before;
}

struct context *context_current(void)
{
	return current ? current : &own;
}
