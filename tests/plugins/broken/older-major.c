/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Built for the previous major version. */
#include <lacuna/plugin.h>
#define NAME "older-major"
#define ABI (LACUNA_ABI - ((uint32_t)1 << 16))
#include "good.h"
