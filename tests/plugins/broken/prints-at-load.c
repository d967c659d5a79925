/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Prints when it is loaded. */
#define NAME "prints-at-load"
#include "good.h"
#include <stdio.h>

__attribute__((constructor)) static void misbehave(void)
{
	puts("hello from a constructor");
}
