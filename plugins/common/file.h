/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Opening of files that plugins read. */
#ifndef COMMON_FILE_H
#define COMMON_FILE_H

#include <lacuna/plugin.h>

/* Returns a descriptor, which the caller closes, or a status < 0. Refuses anything but a regular file: a named pipe would
 * wait for a writer. */
int file_descriptor(const struct lacuna_host *, const char *path);

#endif
