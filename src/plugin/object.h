/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Files of shared objects, looked at before the dynamic linker is. */
#ifndef PLUGIN_OBJECT_H
#define PLUGIN_OBJECT_H

/* Refuses what is no file (a FIFO would block), no shared object, one for another machine, which is named, and one that is
 * cut short (the dynamic linker would crash). */
int object_examine(const char *path);

#endif
