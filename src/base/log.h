/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Log messages go to a sink that the program installs in the context at hand; without one they are dropped. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <lacuna/plugin.h>
#include <stdarg.h>

/* Called from any thread, one call at a time in a context. */
typedef void log_sink(void *context, int level, const char *text);

void log_install(log_sink *, void *context);
void log_message(int level, const char *fmt, ...) LACUNA_PRINTF(2, 3);
void log_vmessage(int level, const char *fmt, va_list args) LACUNA_PRINTF(2, 0);

#endif
