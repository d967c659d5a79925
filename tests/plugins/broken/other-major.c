/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Built for another major version. */
#define NAME "other-major"
#define ABI ((uint32_t)2 << 16)
#include "good.h"
