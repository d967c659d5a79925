/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Restored windows, and what is known of their noise, as the numbers and values of a part's file (batch/part.h). */
#ifndef CLI_BATCH_WINDOW_H
#define CLI_BATCH_WINDOW_H

#include "batch/part.h"
#include "restore/noise.h"
#include "restore/restorer.h"
#include "restore/windows.h"

#include <jansson.h>

/* The numbers of a noise_description. */
enum { NOISE_NUMBERS = 8 + NOISE_CHANNELS };

void window_put_noise(const struct noise_description *, double v[NOISE_NUMBERS]);
/* how: static, or it outlives *d. */
void window_get_noise(const double v[NOISE_NUMBERS], const char *how, struct noise_description *d);
/* about: the record's texts; values: those to be kept. */
struct part window_pack(const struct restored *, json_t *about, float *values);
/* deviation: wanted.  False when the part does not fit such a window, or lacks its deviation: a run without --std made it. */
int window_unpack(struct part *, const struct windows *, int deviation, struct restored *);

#endif
