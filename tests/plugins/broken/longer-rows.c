/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Correct: rows of the parameter table have additional members that this host does not know. */
#include <lacuna/plugin.h>

struct longer {
	struct lacuna_param row;
	const char *more[3];
};
extern const struct longer longer_rows[2];
#define NAME "longer-rows"
#define ROWS longer_rows
#define STRIDE sizeof(struct longer)
#include "good.h"

const struct longer longer_rows[2] = {
	{ LACUNA_PARAM_REAL(struct config, strength, "px", 0, 1, 0.5, "not used"),
	  { "a", "b", "c" } },
	{ LACUNA_PARAM_INT(struct config, count, NULL, 0, 9, 3, "not used"), { "a", "b", "c" } },
};
