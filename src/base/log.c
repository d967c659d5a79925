/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/log.h"

#include "base/context.h"
#include "base/text.h"

#include <stdio.h>

_Static_assert(_Generic(((struct context *)0)->log.sink, log_sink * : 1, default : 0),
	       "a context keeps a log_sink");

void log_install(log_sink *sink, void *context)
{
	struct context *c = context_current();

	pthread_mutex_lock(&c->log.lock);
	c->log.sink = sink;
	c->log.context = context;
	pthread_mutex_unlock(&c->log.lock);
}

void log_vmessage(int level, const char *fmt, va_list args)
{
	struct context *c = context_current();
	char text[1024];

	vsnprintf(text, sizeof text, fmt, args);
	text_make_plain(text);
	pthread_mutex_lock(&c->log.lock);
	if (c->log.sink)
		c->log.sink(c->log.context, level, text);
	pthread_mutex_unlock(&c->log.lock);
}

void log_message(int level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_vmessage(level, fmt, args);
	va_end(args);
}
