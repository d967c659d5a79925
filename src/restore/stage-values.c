/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The values of y before any scale: without the operator's offset, and without those that no scene and no blur made. */
#include <config.h>

#include "base/log.h"
#include "base/memory.h"
#include "restore/bands.h"
#include "restore/reject.h"
#include "restore/stages.h"

#include <math.h>
#include <string.h>

/* y = A x + b: subtracts b, so that the rest is linear. */
static int take_offset(struct run *run)
{
	const size_t n = run->r->y_count;
	const double unit = run->m->unit > 0 ? run->m->unit : 1;
	float *b = memory_alloc_array(n, sizeof *b);
	int status = LACUNA_ENOMEM, found = 0;

	if (b)
		status = problem_offset(run->r->problem, b, &found);
	for (size_t i = 0; !status && found && i < n; i++)
		run->y[i] = (float)(run->y[i] - unit * b[i]);
	memory_release(b);
	return status;
}

int stage_copy(struct run *run)
{
	const size_t n = run->r->y_count;
	int status;

	/* Forget which values the previous image lacked, and how accurate they were. */
	problem_forget(run->r->problem);
	run->y = memory_alloc_array(n, sizeof *run->y);
	run->read = memory_alloc_array(n, sizeof *run->read);
	if (!run->y || !run->read)
		return LACUNA_ENOMEM;
	memcpy(run->y, run->m->y, n * sizeof *run->y);
	status = take_offset(run);
	return status ? status : problem_project(run->r->problem, run->y);
}

/* Impulses are neither noise nor values that a blur made, and stay.  values: y as it was read, without what is missing: a dark
 * frame that was subtracted would make them unlike each other, and the value that is told another one. */
static int doubt_impulses(struct run *run, const float *values)
{
	int status = LACUNA_OK;

	for (int largest = 0; !status && largest < 2; largest++) {
		const unsigned warning = largest ? TOLD_SALT : TOLD_PEPPER;
		double value, part;

		if (!run_may_tell(run, warning))
			continue;
		status = reject_find_impulses(&run->r->y, values, largest, &value, &part);
		if (status || !(part > 0))
			continue;
		log_message(LACUNA_LOG_WARN,
			    "%s: %.2g %% of the values are %.9g and unlike their neighbours (salt "
			    "and pepper, or hot pixels); they stay, unless -A mask:value=%.9g says "
			    "that such pixels are missing",
			    run->m->name, 100 * part, value, value);
		run_told(run, warning);
	}
	return status;
}

/* A denoiser takes offsets of lines for a pattern of the scene. */
static int doubt_bands(struct run *run, const float *values)
{
	int status = LACUNA_OK;

	for (int columns = 0; !status && columns < 2; columns++) {
		const unsigned warning = columns ? TOLD_COLUMNS : TOLD_ROWS;
		double deviation;

		if (!run_may_tell(run, warning))
			continue;
		status = bands_find(&run->r->y, values, columns, &deviation);
		if (status || !(deviation > 0))
			continue;
		log_message(
			LACUNA_LOG_WARN,
			"%s: the %s have offsets of about %.3g of full scale (banding); they stay; "
			"to remove them, add -A rows%s after the other operators",
			run->m->name, columns ? "columns" : "rows",
			deviation / (run->m->hi - run->m->lo), columns ? ":lines=columns" : "");
		run_told(run, warning);
	}
	return status;
}

int stage_doubt_values(struct run *run)
{
	const size_t n = run->r->y_count;
	float *values;
	int status;

	if (!run_is_picture(run) || run->listening)
		return LACUNA_OK;
	values = memory_alloc_array(n, sizeof *values);
	status = values ? problem_measured(run->r->problem, values) : LACUNA_ENOMEM;
	for (size_t i = 0; !status && i < n; i++)
		values[i] = values[i] > 0 ? run->m->y[i] : NAN;
	if (!status)
		status = doubt_impulses(run, values);
	for (size_t i = 0; !status && i < n; i++)
		values[i] = isnan(values[i]) ? NAN : run->y[i];
	if (!status)
		status = doubt_bands(run, values);
	memory_release(values);
	return status;
}

int stage_reject(struct run *run)
{
	const size_t n = run->r->y_count;
	size_t *count = &run->record->rejected;
	double ratio;
	int status;

	if (!(run->job->reject > 0) || !run_is_picture(run))
		return LACUNA_OK;
	status = reject_ratio(run->r->problem, &ratio);
	if (!status)
		status = reject_lone(&run->r->y, run->y, ratio, run->job->reject, &run->rejected,
				     count);
	if (status || !*count)
		return status;
	for (size_t i = 0; i < *count; i++)
		run->y[run->rejected[i]] = NAN;
	if (run_is_silent(run))
		return LACUNA_OK;
	log_message(LACUNA_LOG_INFO,
		    "%s: %zu lone value%s (%.2g %%) count as missing, because no blur could have "
		    "made them. They are written unchanged; --reject no keeps such values",
		    run->m->name, *count, *count == 1 ? "" : "s", 100 * (double)*count / (double)n);
	return LACUNA_OK;
}
