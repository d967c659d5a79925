/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/error.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Per thread: one buffer for the process would mix the messages of threads. */
static _Thread_local char message[1024];

int error_vset(int status, const char *fmt, va_list args)
{
	char fresh[sizeof message];

	vsnprintf(fresh, sizeof fresh, fmt, args); /* an argument may be the old message */
	text_make_plain(
		fresh); /* or a file's name, or a plugin's words: no orders to the terminal */
	memcpy(message, fresh, sizeof message);
	return status;
}

int error_set(int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error_vset(status, fmt, args);
	va_end(args);
	return status;
}

int error_context(int status, const char *fmt, ...)
{
	char old[sizeof message];
	va_list args;
	size_t used;
	int room;

	memcpy(old, message, sizeof old);
	if (!old[0])
		strcpy(old, error_status_text(status));
	va_start(args, fmt);
	error_vset(status, fmt, args);
	va_end(args);
	used = strlen(message);
	room = (int)(sizeof message - used) - 3;
	if (room > 0)
		snprintf(message + used, sizeof message - used, ": %.*s", room, old);
	return status;
}

const char *error_text(void)
{
	return message;
}

void error_clear(void)
{
	message[0] = '\0';
}

const char *error_status_text(int status)
{
	switch (status) {
	case LACUNA_OK:
		return "no error";
	case LACUNA_EINVAL:
		return "invalid argument";
	case LACUNA_ENOMEM:
		return "out of memory";
	case LACUNA_EUNSUPPORTED:
		return "not supported";
	case LACUNA_ENUMERIC:
		return "numerical failure";
	case LACUNA_EIO:
		return "input/output error";
	case LACUNA_ECANCELLED:
		return "cancelled";
	default:
		return "internal error";
	}
}
