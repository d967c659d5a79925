/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Finds the installed files, even if the installation was moved as a whole. */
#ifndef BASE_INSTALL_H
#define BASE_INSTALL_H

#include <stddef.h>

/* The present path of a directory below configure's prefix: the corresponding directory beside the running program if it
 * exists, else the directory itself. */
void install_path(const char *configured, char *path, size_t size);

#endif
