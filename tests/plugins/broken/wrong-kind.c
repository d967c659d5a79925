/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Belongs to no family. */
#define NAME "wrong-kind"
#define KIND 9
#include "good.h"
