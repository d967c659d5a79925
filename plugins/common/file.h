/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Files that plugins read. */
#ifndef COMMON_FILE_H
#define COMMON_FILE_H

#include <lacuna/plugin.h>

/* A descriptor for close(), or a status.  What is not a regular file is refused: a named pipe would wait for a writer. */
int file_descriptor(const struct lacuna_host *, const char *path);

#endif
