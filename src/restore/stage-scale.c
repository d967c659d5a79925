/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The inner scale: which values of the file are 0 and 1 for the engine, and the way there and back. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "restore/stages.h"

#include <math.h>
#include <string.h>

double run_inner_span(const struct run *run)
{
	return run->record->inner.white - run->record->inner.black;
}

double run_inner_unit(const struct run *run)
{
	return run_inner_span(run) / (run->m->hi - run->m->lo);
}

double run_engine_unit(const struct run *run)
{
	return run->stabiliser ? run->record->noise / run->reference_noise : run_inner_unit(run);
}

/* For a y that is no picture: y is A x as it stands, with x in lo..hi. */
static int enter_foreign_scale(struct run *run)
{
	const struct measurement *m = run->m;
	const struct scale stated = { m->lo, m->hi, -INFINITY, INFINITY };
	struct problem *problem = run->r->problem;
	float *ones = NULL;
	int status = LACUNA_OK;

	if (m->lo != 0) {
		if (!(problem_flags(problem) & LACUNA_LINEAR))
			return error_set(
				LACUNA_EUNSUPPORTED,
				"an operator that is not linear and does not make a picture needs "
				"a range that begins at 0; give --range 0:HI");
		ones = memory_alloc_array(run->r->y_count, sizeof *ones);
		status = ones ? problem_apply_to_ones(problem, ones) : LACUNA_ENOMEM;
	}
	run->record->inner = stated;
	if (!status)
		scale_measurement(run->r->y_count, 0, &stated, ones, run->y);
	/* Without ones black is 0, so they do not matter. */
	memory_release(ones);
	memcpy(run->read, run->y, run->r->y_count * sizeof *run->read);
	run->lowest = -INFINITY;
	run->highest = INFINITY;
	return status;
}

/* ones: A 1.  True when y has the values of a picture wherever it depends on one. */
static int keeps_brightness(const float *ones, size_t n)
{
	size_t i = 0;

	while (i < n && (ones[i] == 0 || (ones[i] > 0.2f && ones[i] < 5)))
		i++;
	return i == n;
}

/* The inner scale is lo..hi if the scene fills half of it or more, else the range that the scene fills.  It is lo..hi also
 * if the operator cannot follow a change of scale: it is not linear, or its y is no picture. */
int stage_enter_scale(struct run *run)
{
	const struct measurement *m = run->m;
	const struct scale stated = { m->lo, m->hi, -INFINITY, INFINITY };
	struct problem *problem = run->r->problem;
	struct scale *inner = &run->record->inner;
	float *ones = NULL;
	int picture = 0, status = LACUNA_OK;

	if (!run_is_picture(run))
		return enter_foreign_scale(run);
	if (m->seen && (problem_flags(problem) & LACUNA_LINEAR)) {
		ones = memory_alloc_array(run->r->y_count, sizeof *ones);
		status = ones ? problem_apply_to_ones(problem, ones) : LACUNA_ENOMEM;
		picture = !status && keeps_brightness(ones, run->r->y_count);
	}
	*inner = picture ? scale_choose(&stated, m->seen) : stated;
	if (!status)
		scale_measurement(run->r->y_count, m->lo, inner, ones, run->y);
	memory_release(ones);
	memcpy(run->read, run->y, run->r->y_count * sizeof *run->read);
	if (!run_is_silent(run) && (m->step == 0 || inner->white - inner->black < m->hi - m->lo))
		log_message(LACUNA_LOG_INFO, "%s: black is %.6g, white is %.6g%s", m->name,
			    inner->black, inner->white,
			    m->stated ? "" : " (measured; set others with --range)");
	run->lowest = (inner->lowest - inner->black) / (inner->white - inner->black);
	run->highest = (inner->highest - inner->black) / (inner->white - inner->black);
	return status;
}

/* Puts the values of y that were rejected back into picture, as they were read. */
static void write_back_rejected(const struct run *run, float *picture)
{
	if (memcmp(&run->r->result, &run->r->y, sizeof run->r->y) != 0)
		return;
	for (size_t i = 0; i < run->record->rejected; i++)
		picture[run->rejected[i]] = run->m->y[run->rejected[i]];
}

void run_leave_scale(const struct run *run, float *picture)
{
	scale_leave(run->r->count, &run->record->inner, picture);
	write_back_rejected(run, picture);
}
