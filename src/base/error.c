/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "base/error.h"

#include "base/context.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Set by error_aside(): where this thread keeps its messages; NULL: in its context. */
static _Thread_local struct error_note *aside;

void error_aside(struct error_note *note)
{
	aside = note;
}

static struct error_note *note_at_hand(void)
{
	return aside ? aside : &context_current()->error.note;
}

/* Locks the current note for this thread until give_back(). */
static struct error_note *take(void)
{
	if (!aside)
		pthread_mutex_lock(&context_current()->error.lock);
	return note_at_hand();
}

static void give_back(void)
{
	if (!aside)
		pthread_mutex_unlock(&context_current()->error.lock);
}

/* Arguments may be the old message itself, or a file name or plugin text with terminal control sequences. */
static void keep(struct error_note *note, const char *fmt, va_list args)
{
	char fresh[sizeof note->message];

	vsnprintf(fresh, sizeof fresh, fmt, args);
	text_make_plain(fresh);
	memcpy(note->message, fresh, sizeof fresh);
}

static size_t within_message(const struct error_note *note, size_t at)
{
	const size_t length = strlen(note->message);

	return at < length ? at : length;
}

int error_vset(int status, const char *fmt, va_list args)
{
	struct error_note *note = take();

	keep(note, fmt, args);
	note->file[0] = '\0';
	note->reason = 0;
	give_back();
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

static void put_before(struct error_note *note, int status, const char *fmt, va_list args)
{
	char *message = note->message, old[sizeof note->message];
	size_t used;
	int room;

	memcpy(old, message, sizeof old);
	if (!old[0])
		strcpy(old, error_status_text(status));
	keep(note, fmt, args);
	used = strlen(message);
	room = (int)(sizeof old - used) - 3;
	if (room > 0)
		snprintf(message + used, sizeof old - used, ": %.*s", room, old);
	if (note->file[0])
		note->reason = within_message(note, used + 2 + note->reason);
}

int error_context(int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put_before(take(), status, fmt, args);
	give_back();
	va_end(args);
	return status;
}

int error_file_context(int status, const char *path)
{
	struct error_note *note;

	error_context(status, "%s", path);
	note = take();
	snprintf(note->file, sizeof note->file, "%s", path);
	note->reason = within_message(note, strlen(path) + 2);
	give_back();
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

int error_file_errno(const char *path)
{
	return error_file_set(LACUNA_EIO, path, "%s", strerror(errno));
}

const char *error_text(void)
{
	return note_at_hand()->message;
}

const char *error_file(void)
{
	return note_at_hand()->file;
}

const char *error_reason(void)
{
	const struct error_note *note = note_at_hand();

	return note->message + note->reason;
}

void error_clear(void)
{
	struct error_note *note = take();

	note->message[0] = note->file[0] = '\0';
	note->reason = 0;
	give_back();
}

void error_take_down(struct error_note *copy)
{
	*copy = *take();
	give_back();
}

void error_take_over(const struct error_note *copy)
{
	*take() = *copy;
	give_back();
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
