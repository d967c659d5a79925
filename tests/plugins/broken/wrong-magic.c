/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Has the entry point but is not a plugin. */
#define NAME "wrong-magic"
#define MAGIC 0x12345678
#include "good.h"
