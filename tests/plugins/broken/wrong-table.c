/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Says that it is a sampler, and brings the table of an operator. */
#define NAME "wrong-table"
#define KIND LACUNA_SAMPLER
#define FLAGS 0
#include "good.h"
