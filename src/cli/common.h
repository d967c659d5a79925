/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Shared by restore, simulate and others: operators, memory budget, threads. */
#ifndef CLI_COMMON_H
#define CLI_COMMON_H

#include "cli/cli.h"
#include "plugin/loader.h"

/* Parses the operators of -A, in order.  Release *uses with operators_free(). */
int operators_parse(const struct option_list *, struct plugin_use **uses);
void operators_free(struct plugin_use *uses, size_t count);

/* The exit status after a plugin's specification was refused: STATUS_MISUSED if its text was wrong. */
int plugin_refused(const struct command *, int status);

/* Applies --threads and --memory (0: defaults).  Returns the budget in bytes. */
size_t resources_set(int64_t threads, uint64_t memory);
/* Refuses a run that needs more than the budget, before anything is allocated. */
int resources_check(size_t needed, size_t budget);

#endif
