/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Clocks. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Seconds since an arbitrary moment, for durations. */
double clock_seconds(void);
/* Nanoseconds since 1970. */
int64_t clock_date(void);

#endif
