/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Its manual would colour the terminal. */
#define NAME "wrong-manual"
#define MANUAL "It is \033[31mred\033[0m.\n"
#include "good.h"
