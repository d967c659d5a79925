/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/error.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Per thread: one buffer for the process would mix the messages of threads. */
static _Thread_local char message[sizeof(((struct error_note *)0)->message)];
static _Thread_local char file[sizeof message];
static _Thread_local size_t reason; /* where it begins in message */

static void keep(const char *fmt, va_list args)
{
	char fresh[sizeof message];

	vsnprintf(fresh, sizeof fresh, fmt, args); /* an argument may be the old message */
	text_make_plain(
		fresh); /* or a file's name, or a plugin's words: no orders to the terminal */
	memcpy(message, fresh, sizeof message);
}

int error_vset(int status, const char *fmt, va_list args)
{
	keep(fmt, args);
	file[0] = '\0';
	reason = 0;
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
	keep(fmt, args);
	va_end(args);
	used = strlen(message);
	room = (int)(sizeof message - used) - 3;
	if (room > 0)
		snprintf(message + used, sizeof message - used, ": %.*s", room, old);
	if (file[0])
		reason = used + 2 + reason < sizeof message ? used + 2 + reason : strlen(message);
	return status;
}

int error_file_context(int status, const char *path)
{
	error_context(status, "%s", path);
	snprintf(file, sizeof file, "%s", path);
	reason = strlen(path) + 2 < strlen(message) ? strlen(path) + 2 : strlen(message);
	return status;
}

int error_file_set(int status, const char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error_vset(status, fmt, args);
	va_end(args);
	return error_file_context(status, path);
}

const char *error_text(void)
{
	return message;
}

const char *error_file(void)
{
	return file;
}

const char *error_reason(void)
{
	return message + reason;
}

void error_clear(void)
{
	message[0] = file[0] = '\0';
	reason = 0;
}

void error_take_down(struct error_note *note)
{
	memcpy(note->message, message, sizeof message);
	memcpy(note->file, file, sizeof file);
	note->reason = reason;
}

void error_take_over(const struct error_note *note)
{
	memcpy(message, note->message, sizeof message);
	memcpy(file, note->file, sizeof file);
	reason = note->reason;
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
