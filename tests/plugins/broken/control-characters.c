/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A parameter's help contains control characters: a bell, and red colour. */
#include <lacuna/plugin.h>

struct config;
extern const struct lacuna_param faulty[1];
#define NAME "control-characters"
#define ROWS faulty
#include "good.h"

const struct lacuna_param faulty[1] = {
	LACUNA_PARAM_INT(struct config, count, NULL, 0, 9, 3, "\a\033[31mnot used"),
};
