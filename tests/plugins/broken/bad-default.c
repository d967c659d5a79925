/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A default is out of its range. */
#include <lacuna/plugin.h>

struct config;
extern const struct lacuna_param faulty[2];
#define NAME "bad-default"
#define ROWS faulty
#include "good.h"

const struct lacuna_param faulty[2] = {
	LACUNA_PARAM_REAL(struct config, strength, "px", 0, 1, 1.5, "above its range"),
	LACUNA_PARAM_INT(struct config, count, NULL, 0, 9, 3, "not used"),
};
