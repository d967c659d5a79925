/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Claims to be a projection but halves the image. */
#define NAME "not-projection"
#define FLAGS (LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_PROJECTION)
#include "good.h"
