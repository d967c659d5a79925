/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The help page of a plugin, made from its head and parameter table. */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include "plugin/loader.h"

#include <stdio.h>

void describe_text(const struct plugin *, FILE *);
/* The same as a manual page in mdoc(7). */
void describe_man(const struct plugin *, FILE *);

#endif
