/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Declares a sampler and supplies an operator's table. */
#define NAME "wrong-table"
#define KIND LACUNA_SAMPLER
#define FLAGS 0
#include "good.h"
