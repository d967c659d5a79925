/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Its name differs from the file's. */
#define NAME "another-name"
#include "good.h"
