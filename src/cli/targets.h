/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Output files are examined before any work begins. */
#ifndef CLI_TARGETS_H
#define CLI_TARGETS_H

/* Refuses `path' when it is the input without in_place, exists without force, is a directory, or lies where nothing can
 * be created.  input may be NULL. */
int target_check(const char *path, const char *input, int force, int in_place);
/* A directory to write into, made when absent. */
int target_directory(const char *path);
/* Writes a whole text file atomically. */
int target_write(const char *path, const char *text, int force);

#endif
