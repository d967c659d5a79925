/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Loads a plugin that nobody asked for. */
#ifndef PLUGIN_PROBE_H
#define PLUGIN_PROBE_H

/* As plugin_load(), but loads the plugin in a child process first, and refuses one that crashes, hangs, ends the process
 * or prints while loading.  Stops the threads of the pool.  Main thread only. */
int plugin_probe(int kind, const char *name);

#endif
