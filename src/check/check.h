/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of a plugin: the properties that lacuna/plugin.h promises, tried on awkward shapes. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "plugin/loader.h"

/* Called for each property examined; `detail' says by how much. */
typedef void check_report(void *context, int passed, const char *property, const char *detail);

/* The plugin with this configuration.  LACUNA_OK when all properties hold; LACUNA_EINVAL when one does not. */
int check_plugin(const struct plugin_use *, check_report *, void *context);

#endif
