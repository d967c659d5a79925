/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Checks shared object files before the dynamic linker opens them. */
#ifndef PLUGIN_OBJECT_H
#define PLUGIN_OBJECT_H

/* Refuses anything but a regular file (a FIFO would block), a file that is no shared object, one for another machine
 * (which it names), and a truncated one (which would crash the dynamic linker). */
int object_examine(const char *path);

#endif
