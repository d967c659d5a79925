/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Ctrl-C and similar signals: the first asks the run to stop, the second removes temporary files and ends the program. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/* Signals will stop the work of the current context. */
void signals_install(void);
/* The signal that asked to stop, or 0. */
int signals_received(void);

/* Ends the process at once, like _exit(), which main.c redefines. */
_Noreturn void signals_leave(int status);

#endif
