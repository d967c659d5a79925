/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Built for the next minor version. */
#include <lacuna/plugin.h>
#define NAME "newer-minor"
#define ABI (LACUNA_ABI + 1)
#include "good.h"
