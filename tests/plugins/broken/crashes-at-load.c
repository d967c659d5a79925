/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Crashes when it is loaded. */
#define NAME "crashes-at-load"
#include "good.h"

static int *volatile nowhere;

__attribute__((constructor)) static void misbehave(void)
{
	*nowhere = 1;
}
