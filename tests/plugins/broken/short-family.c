/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Its table of functions ends before a required function. */
#define NAME "short-family"
#define FAMILY_SIZE offsetof(struct lacuna_operator, adjoint)
#include "good.h"
