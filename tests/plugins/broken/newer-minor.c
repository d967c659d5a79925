/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Built for a newer minor version. */
#define NAME "newer-minor"
#define LACUNA_ABI_MINOR 7
#define ABI ((uint32_t)1 << 16 | 7)
#include "good.h"
