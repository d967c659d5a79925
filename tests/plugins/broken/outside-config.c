/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A parameter lies outside the configuration. */
#include <lacuna/plugin.h>

struct config;
extern const struct lacuna_param faulty[2];
#define NAME "outside-config"
#define ROWS faulty
#include "good.h"

const struct lacuna_param faulty[2] = {
	LACUNA_PARAM_REAL(struct config, strength, "px", 0, 1, 0.5, "not used"),
	{ "count", NULL, "beyond the end", LACUNA_INT, 0, 0, 9, 3, NULL, NULL,
	  sizeof(struct config) },
};
