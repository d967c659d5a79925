/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Where the program is installed.  A tree that was moved as a whole still finds its parts. */
#ifndef BASE_INSTALL_H
#define BASE_INSTALL_H

#include <stddef.h>

/* The place now of a directory below the prefix that configure was told: the same place beside the program that runs, if it
 * is there, else the directory itself. */
void install_path(const char *configured, char *path, size_t size);

#endif
