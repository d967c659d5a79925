/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Messages on stderr, and the exit statuses that they go with. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/signals.h"

#include <stdarg.h>
#include <stdio.h>

static int verbosity = 1;

void verbosity_set(int level)
{
	verbosity = level;
}

void message_print(void *context, int level, const char *text)
{
	(void)context;
	if ((level > LACUNA_LOG_ERROR && verbosity < 0) ||
	    (level > LACUNA_LOG_WARN && verbosity < 1) ||
	    (level > LACUNA_LOG_INFO && verbosity < 2))
		return;
	progress_clear();
	fprintf(stderr, "lacuna: %s%s\n", level == LACUNA_LOG_WARN ? "warning: " : "", text);
}

int misuse(const struct command *c, const char *fmt, ...)
{
	va_list args;

	progress_clear();
	if (c)
		fprintf(stderr, "lacuna %s: ", c->name);
	else
		fputs("lacuna: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	if (c)
		fprintf(stderr, "\nTry 'lacuna help %s'\n", c->name);
	else
		fputs("\nTry 'lacuna help'\n", stderr);
	return STATUS_MISUSED;
}

int failure(const char *file, int status)
{
	const char *text = *error_text() ? error_text() : error_status_text(status);

	progress_clear();
	if (status == LACUNA_ECANCELLED && signals_received()) {
		fputs("lacuna: stopped; no output was written\n", stderr);
		return 128 + signals_received();
	}
	if (!file || *error_file())
		fprintf(stderr, "lacuna: %s\n", text);
	else
		fprintf(stderr, "lacuna: %s: %s\n", file, text);
	return STATUS_FAILED;
}
