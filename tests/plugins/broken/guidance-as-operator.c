/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Declares an operator and supplies a guidance's table. */
#define NAME "guidance-as-operator"
#define KIND LACUNA_OPERATOR
#define NEEDS LACUNA_NEEDS_LINEAR
#include "guidance.h"
