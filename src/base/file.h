/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Files to read.  What is not a regular file is refused: a named pipe would wait for a writer, and a device has no end. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdint.h>
#include <stdio.h>

/* A descriptor for close(), or a status.  size (bytes) may be NULL. */
int file_open(const char *path, uint64_t *size);
/* The same as a stream, for fclose(); NULL after a failure. */
FILE *file_stream(const char *path);

#endif
