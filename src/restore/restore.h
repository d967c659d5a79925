/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A restoration as one function: arrays and a description in, arrays and a record out.  It knows no file and no terminal, and
 * nothing of it belongs to the process: messages, budget, log and the wish to stop are those of the context at hand
 * (base/context.h), so that threads with a context each restore side by side.  Jobs of two threads share no method, stock or
 * kept restorer. */
#ifndef RESTORE_RESTORE_H
#define RESTORE_RESTORE_H

#include "restore/restorer.h"

/* *x: the result, of record->shape, in the values of y; *std: its standard deviation, NULL where the job does not say so and has
 * one sample.  Both are for memory_release(), *record for restore_record_free(), all of them after a failure as well.
 *
 * What needs more than job->budget is restored in windows, where the job allows it (restore/windows.h). */
int restore_image(const struct restore_job *job, const struct measurement *y, float **x,
		  float **std, struct restore_record *record);

#endif
