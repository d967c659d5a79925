/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The default of a choice is NaN. */
#define _GNU_SOURCE
#include <lacuna/plugin.h>
#include <math.h>

struct config;
extern const struct lacuna_param faulty[1];
#define NAME "nan-default"
#define ROWS faulty
#include "good.h"

static const char *const choices[] = { "one", "two", NULL };

const struct lacuna_param faulty[1] = {
	LACUNA_PARAM_CHOICE(struct config, count, choices, NAN, "not used"),
};
