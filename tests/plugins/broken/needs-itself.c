/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A guidance that needs a guidance. */
#define NAME "needs-itself"
#define NEEDS LACUNA_NEEDS_GUIDANCE
#include "guidance.h"
