/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Needs something that does not exist. */
#define NAME "unknown-needs"
#define NEEDS (1u << 9)
#include "guidance.h"
