/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Ends the process when it is loaded. */
#define NAME "exits-at-load"
#include "good.h"
#include <stdlib.h>

__attribute__((constructor)) static void misbehave(void)
{
	exit(0);
}
