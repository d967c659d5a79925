/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Loading a plugin that nobody asked for. */
#ifndef PLUGIN_PROBE_H
#define PLUGIN_PROBE_H

/* plugin_load() in a child process first: what crashes, hangs, ends the process or prints when it is loaded is refused.  Threads
 * of the pool are stopped.  Main thread only. */
int plugin_probe(int kind, const char *name);

#endif
