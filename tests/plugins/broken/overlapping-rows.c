/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Two parameters share one offset. */
#include <lacuna/plugin.h>

struct config;
extern const struct lacuna_param faulty[2];
#define NAME "overlapping-rows"
#define ROWS faulty
#include "good.h"

const struct lacuna_param faulty[2] = {
	LACUNA_PARAM_REAL(struct config, strength, "px", 0, 1, 0.5, "not used"),
	{ "count", NULL, "not used", LACUNA_INT, 0, 0, 9, 3, NULL, NULL,
	  offsetof(struct config, strength) },
};
