/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The distributions a study can aim at, named NAME[:key=value,...] like plugins. */
#ifndef STUDY_TARGET_H
#define STUDY_TARGET_H

#include "study/mixture.h"

#include <lacuna/plugin.h>

/* Kinds of targets; only their names, texts and parameters are used.  NULL-terminated. */
extern const struct lacuna_plugin *const target_heads[];

int target_parse(const char *spec, struct mixture *);

#endif
