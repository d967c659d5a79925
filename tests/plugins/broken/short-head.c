/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Its head ends before the family. */
#define NAME "short-head"
#define HEAD_SIZE offsetof(struct lacuna_plugin, family)
#include "good.h"
