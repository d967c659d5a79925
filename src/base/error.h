/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Error messages.  A failing function keeps one message in the current context (base/context.h) and returns a negative
 * status of lacuna/plugin.h; callers may prepend to the message.  Only src/cli prints. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <lacuna/plugin.h>
#include <stdarg.h>

/* Sets the message, replacing an older one; returns status. */
int error_set(int status, const char *fmt, ...) LACUNA_PRINTF(2, 3);
int error_vset(int status, const char *fmt, va_list args) LACUNA_PRINTF(2, 0);
/* Prepends "context: " to the message; returns status. */
int error_context(int status, const char *fmt, ...) LACUNA_PRINTF(2, 3);
/* As error_set() and error_context(), for a message about a file, "path: ...".  The path is kept as well. */
int error_file_set(int status, const char *path, const char *fmt, ...) LACUNA_PRINTF(3, 4);
int error_file_context(int status, const char *path);
/* What the system says of a failed call (errno): LACUNA_EIO, "path: ...". */
int error_file_errno(const char *path);
/* The file that the message is about; "" if none.  A long path is truncated. */
const char *error_file(void);
/* The message without the file name and what precedes it. */
const char *error_reason(void);
/* The current message; "" if there is none.  Valid, like the texts above, until the next error_ call in this context. */
const char *error_text(void);
void error_clear(void);

/* Carries a message between threads: error_take_down() copies this thread's message, error_take_over() replaces it. */
struct error_note {
	char message[1024], file[1024];
	size_t reason;
};
void error_take_down(struct error_note *);
void error_take_over(const struct error_note *);
/* From now on keeps this thread's messages in the note instead of its context, so that messages of a job's workers do not
 * mix; NULL: in the context again. */
void error_aside(struct error_note *);
/* A short text for a status, for failures without a message. */
const char *error_status_text(int status);

#endif
