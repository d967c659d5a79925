/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/log.h"

#include "base/text.h"

#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static log_sink *sink;
static void *sink_context;

void log_install(log_sink *new_sink, void *context)
{
	pthread_mutex_lock(&lock);
	sink = new_sink;
	sink_context = context;
	pthread_mutex_unlock(&lock);
}

void log_vmessage(int level, const char *fmt, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof text, fmt, args);
	text_make_plain(text);
	pthread_mutex_lock(&lock);
	if (sink)
		sink(sink_context, level, text);
	pthread_mutex_unlock(&lock);
}

void log_message(int level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_vmessage(level, fmt, args);
	va_end(args);
}
