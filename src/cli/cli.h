/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Shared by all commands: exit statuses, messages, the table of commands. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/options.h"
#include <lacuna/plugin.h>

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_MISUSED = 2, STATUS_DOUBTFUL = 3 };

extern const struct command command_restore, command_batch, command_simulate, command_compare,
	command_study, command_list, command_help, command_check, command_new, command_try,
	command_complete;

/* The table of commands, NULL-terminated.  Commands without a summary are for scripts and are not listed. */
extern const struct command *const commands[];
const struct command *command_find(const char *name);
/* The command name nearest to a misspelt one, or NULL. */
const char *command_nearest(const char *name);
void command_print_all(FILE *);

/* Prints two lines on stderr about a call of this command (NULL: of the program); returns STATUS_MISUSED. */
int misuse(const struct command *, const char *fmt, ...) LACUNA_PRINTF(2, 3);
/* Prints "lacuna: FILE: MESSAGE" with the kept message.  FILE is left out if it is NULL or the message names a file.
 * Returns the exit status that corresponds to `status', one of lacuna/plugin.h. */
int failure(const char *file, int status);

/* -1: errors only, 0: also warnings, 1: also information, 2: everything */
void verbosity_set(int level);
/* For log_install(). */
void message_print(void *context, int level, const char *text);

#endif
