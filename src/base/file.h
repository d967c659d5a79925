/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Opens files for reading.  Refuses all but regular files: a named pipe would wait for a writer, and a device has no end. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdint.h>
#include <stdio.h>

/* A file descriptor (close() it), or a negative status.  size (bytes) may be NULL. */
int file_open(const char *path, uint64_t *size);
/* As file_open(), but a stream (fclose() it); NULL on failure. */
FILE *file_stream(const char *path);

#endif
