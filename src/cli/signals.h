/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Ctrl-C and its like: the first asks the run to stop, the second ends the program, temporaries removed. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/* What stops is the work in the context at hand. */
void signals_install(void);
/* The signal that asked to stop, or 0. */
int signals_received(void);

/* Ends the process at once, as _exit() does, of which main.c makes another use. */
_Noreturn void signals_leave(int status);

#endif
