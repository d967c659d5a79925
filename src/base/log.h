/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Log messages go to the sink that the program installed in the current context; without a sink they are dropped. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <lacuna/plugin.h>
#include <stdarg.h>

/* Called from any thread; calls in one context never overlap. */
typedef void log_sink(void *context, int level, const char *text);

void log_install(log_sink *, void *context);
void log_message(int level, const char *fmt, ...) LACUNA_PRINTF(2, 3);
void log_vmessage(int level, const char *fmt, va_list args) LACUNA_PRINTF(2, 0);

#endif
