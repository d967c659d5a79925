/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Two parameters have the same name. */
#include <lacuna/plugin.h>

struct config;
extern const struct lacuna_param faulty[2];
#define NAME "twice"
#define ROWS faulty
#include "good.h"

const struct lacuna_param faulty[2] = {
	LACUNA_PARAM_REAL(struct config, strength, "px", 0, 1, 0.5, "once"),
	LACUNA_PARAM_REAL(struct config, strength, "px", 0, 1, 0.5, "twice"),
};
