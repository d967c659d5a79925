/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A whole restoration in one function: arrays and a job in, arrays and a record out.  It uses no files, no terminal and no
 * global state: messages, budget, log and cancellation belong to the current context (base/context.h), so threads with a
 * context each can restore at the same time.  Jobs of different threads must not share a method, stock or kept restorer. */
#ifndef RESTORE_RESTORE_H
#define RESTORE_RESTORE_H

#include "restore/restorer.h"

/* *x: the result, of record->shape, in the values of y.  *std: its standard deviation; NULL with one sample, unless the job
 * asks for it.  The caller releases both with memory_release() and *record with restore_record_free(), also after a failure.
 *
 * A picture that needs more than job->budget is restored in windows if the job allows it (restore/windows.h). */
int restore_image(const struct restore_job *job, const struct measurement *y, float **x,
		  float **std, struct restore_record *record);

#endif
