/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Sets a flag that is not defined yet. */
#define NAME "unknown-flags"
#define FLAGS (LACUNA_LINEAR | 1u << 20)
#include "good.h"
