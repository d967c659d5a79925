/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Results in the values of the file: of a restored image, and of a constant one, which needs no restoration. */
#include <config.h>

#include "base/log.h"
#include "base/memory.h"
#include "restore/stages.h"

#include <math.h>
#include <string.h>

/* True where value i of y counts in the record. */
static int counts(const struct run *run, size_t i)
{
	const struct lacuna_region *c = &run->m->counted;
	const int64_t w = run->r->y.extent[0], h = run->r->y.extent[1];
	const int64_t x = (int64_t)i % w - c->origin[0], y = (int64_t)i / w % h - c->origin[1];

	return !c->extent[3] || (x >= 0 && x < c->extent[0] && y >= 0 && y < c->extent[1]);
}

static size_t count_missing(const struct run *run, const float *y)
{
	size_t missing = 0;

	for (size_t i = 0; i < run->r->y_count; i++)
		missing += isnan(y[i]) && counts(run, i);
	return missing;
}

/* Counts what was missing and rejected, in the part of y that counts. */
static void count_lost(struct run *run)
{
	struct restore_record *record = &run->out->record;
	const size_t rejected = record->rejected;

	record->missing = count_missing(run, run->read);
	record->rejected = 0;
	for (size_t i = 0; i < rejected; i++)
		record->rejected += counts(run, run->rejected[i]);
}

/* Converts the result to the values of y.  Marks values that are as measured, which are then y's to the bit: float holds 24
 * bits, a file may hold more. */
int stage_leave(struct run *run)
{
	const size_t n = run->r->count;
	struct restored *out = run->out;

	if (run_is_picture(run) && !memcmp(&run->r->result, &run->r->y, sizeof run->r->y) &&
	    !(run->record->description.wide > 0)) {
		out->record.unchanged = memory_alloc(n);
		if (!out->record.unchanged)
			return LACUNA_ENOMEM;
		for (size_t i = 0; i < n; i++)
			out->record.unchanged[i] =
				memcmp(&out->picture[i], &run->read[i], sizeof *run->read) == 0;
	}
	run_leave_scale(run, out->picture);
	count_lost(run);
	if (!run->ensemble.n && !run->deviation)
		return LACUNA_OK;
	out->deviation = memory_alloc_array(n, sizeof *out->deviation);
	if (!out->deviation)
		return LACUNA_ENOMEM;
	if (run->ensemble.n) {
		run->record->deviation = "samples";
		ensemble_deviation(&run->ensemble, run_inner_span(run), out->deviation);
		return LACUNA_OK;
	}
	memcpy(out->deviation, run->deviation, n * sizeof *out->deviation);
	for (size_t i = 0; i < n; i++)
		out->deviation[i] *= (float)run_inner_span(run);
	return LACUNA_OK;
}

/* ---- constant images ---------------------------------------------------------------------------------- */

int run_is_constant(const struct run *run, float *value)
{
	const float *y = run->m->y;
	const size_t n = run->r->y_count;
	size_t i = 0;

	while (i < n && isnan(y[i]))
		i++;
	*value = i < n ? y[i] : NAN;
	while (i < n && !(y[i] < *value) && !(y[i] > *value))
		i++;
	return i == n;
}

/* Missing values get the constant, so they are not as they were. */
static int mark_known(struct run *run, float value)
{
	const struct restorer *r = run->r;
	const float *y = run->m->y;
	size_t i = 0;

	run->record->missing = count_missing(run, y);
	while (i < r->y_count && !isnan(y[i]))
		i++;
	if (i == r->y_count || isnan(value) || memcmp(&r->result, &r->y, sizeof r->y) != 0)
		return LACUNA_OK;
	run->record->unchanged = memory_alloc(r->y_count);
	if (!run->record->unchanged)
		return LACUNA_ENOMEM;
	for (i = 0; i < r->y_count; i++)
		run->record->unchanged[i] = !isnan(y[i]);
	return LACUNA_OK;
}

int stage_pass_through(struct run *run, float value)
{
	struct restored *out = run->out;
	const size_t n = run->r->count;
	const int deviation = run->job->deviation || run->job->samples > 1;

	if (mark_known(run, value))
		return LACUNA_ENOMEM;
	out->picture = memory_alloc_array(n, sizeof *out->picture);
	if (deviation)
		out->deviation = memory_alloc_array(n, sizeof *out->deviation);
	if (!out->picture || (deviation && !out->deviation))
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < n; i++)
		out->picture[i] = value;
	run->record->constant = 1;
	run->record->estimated = restorer_estimates(run->r, run->m);
	run->record->inner = (struct scale){ .black = run->m->lo, .white = run->m->hi };
	if (!run->m->parts)
		log_message(LACUNA_LOG_WARN, "%s: %s; copied unchanged", run->m->name,
			    isnan(value) ? "all its values are missing"
					 : "all its values are equal");
	for (int64_t k = 0; run->job->sample && k < run->job->samples; k++) {
		const int status = run->job->sample(run->job->context, k, out->picture);

		if (status)
			return status;
	}
	return LACUNA_OK;
}
