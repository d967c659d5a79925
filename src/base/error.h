/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Messages of failures.  A function that fails keeps one message, in the context at hand (base/context.h), and returns a
 * negative status of lacuna/plugin.h; callers may put more in front of it.  Only src/cli prints. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <lacuna/plugin.h>
#include <stdarg.h>

/* Keeps the message in place of an older one; returns status. */
int error_set(int status, const char *fmt, ...) LACUNA_PRINTF(2, 3);
int error_vset(int status, const char *fmt, va_list args) LACUNA_PRINTF(2, 0);
/* Puts "context: " in front of the message kept; returns status. */
int error_context(int status, const char *fmt, ...) LACUNA_PRINTF(2, 3);
/* The same two for a message about a file, "path: ...".  The path is kept, too. */
int error_file_set(int status, const char *path, const char *fmt, ...) LACUNA_PRINTF(3, 4);
int error_file_context(int status, const char *path);
/* The file that the message kept is about; "" when it names none.  A long path is cut. */
const char *error_file(void);
/* The message kept without the file and what stands before it. */
const char *error_reason(void);
/* The message kept; "" when there is none.  Valid until the next error_ call in this context, as the other texts are. */
const char *error_text(void);
void error_clear(void);

/* A message on its way from one thread to another: as this thread keeps it; and kept by this thread in place of its own. */
struct error_note {
	char message[1024], file[1024];
	size_t reason;
};
void error_take_down(struct error_note *);
void error_take_over(const struct error_note *);
/* From now on this thread's messages are kept in the note, and not in its context, so that those of a job's workers do not
 * mix; NULL: in its context again. */
void error_aside(struct error_note *);
/* Short text of a status, for failures that kept no message. */
const char *error_status_text(int status);

#endif
