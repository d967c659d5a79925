/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Judges the result.  Restores again where that makes it better, and warns where it should not be trusted. */
#include <config.h>

#include "base/log.h"
#include "base/memory.h"
#include "restore/stages.h"

#include <math.h>
#include <string.h>

/* ---- once more, better ------------------------------------------------------------------------------- */

static int draw_again(struct run *run, const float *level)
{
	int status;

	if (run->ensemble.n)
		ensemble_reset(&run->ensemble);
	session_destroy(run->session);
	run->session = NULL;
	status = run_measure(run, level);
	if (!status)
		status = stage_create_session(run);
	return status ? status : stage_draw_samples(run);
}

static const double tolerated = 0.02;

/* True if the measurement has more values beyond an end of the range than chance puts there. */
static int passes(const struct run *run, double end, int above)
{
	const size_t n = run->r->y_count;
	size_t beyond = 0;

	for (size_t i = 0; run_is_picture(run) && i < n; i++)
		beyond += above ? (double)run->read[i] > end : (double)run->read[i] < end;
	return (double)beyond > tolerated * (double)n;
}

/* A float holds more than 0 to 1, if nothing else is stated. */
static int is_open(const struct measurement *m)
{
	return !(m->step > 0) && !m->stated && m->seen;
}

/* The ends of what the file can hold, or of the stated range, on the inner scale.  In an open range, an end that the measurement
 * passes (a sky that was subtracted) is none, and that of the scene takes its place. */
static void find_ends(const struct run *run, double *lo, double *hi)
{
	const struct measurement *m = run->m;
	const double span = run_inner_span(run), black = run->record->inner.black;
	/* A black sky is restored as noise about 0. */
	const double margin = 0.01;

	*lo = (m->lo + m->step / 2 - black) / span;
	*hi = (m->hi - m->step / 2 - black) / span;
	if (!is_open(m))
		return;
	if (passes(run, *lo, 0))
		*lo = fmin(*lo, (m->seen->black - black) / span);
	if (passes(run, *hi, 1))
		*hi = fmax(*hi, (m->seen->white - black) / span);
	*lo -= margin;
	*hi += margin;
}

/* Share of the values, on the inner scale, that are at these ends or beyond by `margin'.  Values that are rounded to an end
 * count as well.  Stars and beads on a dark ground become brighter than they were, and a float holds them: there only what goes beyond both
 * ends counts, as a maze of black and white does. */
static double clipped_share(const struct run *run, const float *values, size_t n, double margin)
{
	double lo, hi;
	size_t below = 0, above = 0;

	find_ends(run, &lo, &hi);
	for (size_t i = 0; i < n; i++) {
		below += (double)values[i] <= lo - margin;
		above += (double)values[i] >= hi + margin;
	}
	if (is_open(run->m) && isfinite(run->record->inner.lowest))
		return 2.0 * (double)(below < above ? below : above) / (double)n;
	return (double)(below + above) / (double)n;
}

/* The same of the measurement; 0 if it is no picture. */
static double clipped_before(const struct run *run)
{
	return run_is_picture(run) ? clipped_share(run, run->read, run->r->y_count, 0) : 0;
}

/* The same of the result.  Counts of photons have a dark ground with little noise, which is restored as values about black,
 * half of them below, but by less than that noise; a maze goes further. */
static double clipped_after(const struct run *run)
{
	const struct noise *noise = &run->record->description.noise;
	const double dark = fmax(noise->offset, noise->least_variance);

	return clipped_share(run, run->out->picture, run->r->count,
			     noise->slope > 0 ? sqrt(dark) : 0);
}

/* Restores again with more noise if the result is clipped: a wrong kernel, or too little noise, makes a maze of black and
 * white. */
static int retreat(struct run *run)
{
	enum { TRIES = 3 };
	struct restore_record *record = run->record;
	const double before = clipped_before(run);
	double after = clipped_after(run);
	int status = LACUNA_OK;

	for (int i = 0; i < TRIES && !status && after > before + tolerated; i++) {
		const double factor = after > before + 3 * tolerated ? 3 : 2;

		record->doubts += i == 0;
		noise_raise(&record->description.noise, factor);
		record->noise *= factor;
		log_message(
			LACUNA_LOG_WARN,
			"%s: %.2g %% of the result would be clipped, but only %.2g %% of the "
			"input; restored again with noise %.3g.  The operator or -n may be wrong",
			run->m->name, 100 * after, 100 * before, record->noise);
		status = draw_again(run, NULL);
		after = clipped_after(run);
	}
	return status;
}

/* Restores again with the noise at the restored levels, which are more accurate than those of y. */
static int refine_map(struct run *run)
{
	const size_t n = run->r->y_count;
	float *level = memory_alloc_array(n, sizeof *level);
	int status = LACUNA_ENOMEM;

	if (level) {
		memcpy(level, run->out->picture, n * sizeof *level);
		status = draw_again(run, level);
	}
	memory_release(level);
	return status;
}

/* Restores again where that helps, unless a sample has been handed over.  Only an estimate is raised, and only noise that grows
 * with brightness has a map. */
int stage_improve(struct run *run)
{
	const uint32_t flags = problem_flags(run->r->problem);

	if (run->job->sample)
		return LACUNA_OK;
	if (!(flags & LACUNA_PIXELWISE))
		return restorer_estimates(run->r, run->m) ? retreat(run) : LACUNA_OK;
	/* With other operators the level of y is not that of the picture. */
	if (!(flags & LACUNA_LINEAR) || memcmp(&run->r->result, &run->r->y, sizeof run->r->y) != 0)
		return LACUNA_OK;
	return run->record->description.noise.slope > 0 && !run->stabiliser ? refine_map(run)
									    : LACUNA_OK;
}

/* ---- doubts ------------------------------------------------------------------------------------------- */

static int invents_colours(const struct restorer *r)
{
	for (size_t i = 0; i < r->operator_count; i++)
		if (r->operators[i].plugin->u.op.flags & LACUNA_COLORLESS)
			return 1;
	return 0;
}

/* Warns if the result should not be trusted. */
int stage_check(struct run *run)
{
	/* The residual of point estimates is 0.8 to 1.4 times the noise; with a wrong kernel (a maze) 4 to 18 times. */
	static const double trusted = 3, least = 0.5 / 255, clipped = 0.05;
	const double before = clipped_before(run);
	const double after = clipped_after(run);

	if (invents_colours(run->r) && !run_is_silent(run)) {
		run->record->doubts++;
		log_message(LACUNA_LOG_WARN,
			    "%s: the colours are invented, because only the luminance is measured; "
			    "another --seed gives other colours",
			    run->m->name);
	}
	if (run->job->samples == 1 && run->residual > fmax(trusted * run->reference_noise, least)) {
		run->record->doubts++;
		log_message(LACUNA_LOG_WARN,
			    "%s: the result differs from the measurement by %.3g, but the noise is "
			    "%.3g of full scale; the operator or -n may be wrong",
			    run->m->name, run->residual * run_engine_unit(run),
			    run->reference_noise * run_engine_unit(run));
	}
	if (after > before + clipped && !restorer_estimates(run->r, run->m)) {
		run->record->doubts++;
		log_message(LACUNA_LOG_WARN,
			    "%s: %.2g %% of the result is clipped, but only %.2g %% of the input; "
			    "the operator may be wrong, or the noise may be more than %.3g; -n "
			    "auto estimates it",
			    run->m->name, 100 * after, 100 * before, run->record->noise);
	}
	return LACUNA_OK;
}
