/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Its name begins with a digit. */
#define NAME "9-lives"
#include "good.h"
