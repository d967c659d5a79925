/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What the commands share: statuses, messages, the table of commands. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/options.h"
#include <lacuna/plugin.h>

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_MISUSED = 2, STATUS_DOUBTFUL = 3 };

extern const struct command command_restore, command_batch, command_simulate, command_compare,
	command_study, command_list, command_help, command_check, command_new, command_try,
	command_complete;

/* The table of commands, NULL-terminated; those without a summary are for scripts and not shown. */
extern const struct command *const commands[];
const struct command *command_find(const char *name);
/* The name nearest to a misspelt one, or NULL. */
const char *command_nearest(const char *name);
void command_print_all(FILE *);

/* Two lines on stderr; returns STATUS_MISUSED. */
int misuse(const struct command *, const char *fmt, ...) LACUNA_PRINTF(2, 3);
/* "lacuna: FILE: the message that was kept", FILE left out when NULL or when the message names a file.  Returns the exit
 * status that belongs to a status of lacuna/plugin.h. */
int failure(const char *file, int status);

/* 0: errors only, 1: warnings and information, 2: everything */
void verbosity_set(int level);

#endif
