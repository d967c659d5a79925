/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The services host->problem: of the problem in the table's struct host_context. */
#ifndef ENGINE_SERVICES_H
#define ENGINE_SERVICES_H

#include <lacuna/plugin.h>

extern const struct lacuna_host_problem problem_services;

#endif
