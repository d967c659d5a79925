/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Has no license. */
#include <stddef.h>
#define NAME "no-license"
#define LICENSE NULL
#include "good.h"
