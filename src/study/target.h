/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Target distributions of a study, specified as NAME[:key=value,...] like plugins. */
#ifndef STUDY_TARGET_H
#define STUDY_TARGET_H

#include "study/mixture.h"

#include <lacuna/plugin.h>

/* Descriptions of all targets: only names, texts and parameters are used.  NULL-terminated. */
extern const struct lacuna_plugin *const target_heads[];

int target_parse(const char *spec, struct mixture *);

#endif
