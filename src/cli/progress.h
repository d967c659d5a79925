/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* One line of progress on the terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

/* rounds: how many times the sampler will run (pages times samples). */
void progress_begin(int enabled, int64_t rounds);
void progress_round(int64_t round); /* from 0 */
/* A session_options.progress callback. */
void progress_step(void *context, int64_t step, int64_t steps);
/* Progress within the current step: 0 to 1. */
void progress_within(void *context, double share);
/* Clears the line, so that other text may be printed. */
void progress_clear(void);
void progress_end(void);

#endif
