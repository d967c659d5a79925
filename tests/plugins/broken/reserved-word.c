/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A reserved word is not 0. */
#define NAME "reserved-word"
#define RESERVED 1
#include "guidance.h"
