/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Measured values that a mask leaves alone.  A mask asks for what is missing.  If nobody states the noise, and what is found
 * is hardly seen, it may as well be the grain of a film or a fine texture: it stays in the values that were measured. */
#include <config.h>

#include "base/log.h"
#include "base/memory.h"
#include "restore/stages.h"

#include <math.h>

/* Noise of 5 levels of 255, where it begins to be seen in a photograph. */
static const double faint = 0.02;

/* True if A'A is a diagonal of ones and zeros, and an operator leaves out values: it has zeros where y has values, or these
 * are missing already, as in windows, whose masks were taken off. */
static int is_mask(const struct run *run, const float *diagonal)
{
	int out = run->job->masks || restorer_took_off(run->r);

	for (size_t i = 0; i < run->r->y_count; i++) {
		const int one = diagonal[i] > 0;

		if (diagonal[i] != (float)one)
			return 0;
		out |= !one && !isnan(run->read[i]);
	}
	return out;
}

static int may_spare(const struct run *run)
{
	const uint32_t wanted = LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_PICTURE;
	const struct noise_description *d = &run->record->description;

	return run->record->estimated && run->job->samples <= 1 &&
	       (problem_flags(run->r->problem) & wanted) == wanted &&
	       run->r->count == run->r->y_count && !(d->wide > 0) &&
	       d->noise.sigma * run_inner_unit(run) < faint;
}

int stage_spare(struct run *run)
{
	const size_t n = run->r->y_count;
	float *diagonal;
	int status;

	if (!may_spare(run))
		return LACUNA_OK;
	diagonal = memory_alloc_array(n, sizeof *diagonal);
	status = diagonal ? problem_diagonal(run->r->problem, diagonal) : LACUNA_ENOMEM;
	if (!status && is_mask(run, diagonal)) {
		run->spared = memory_alloc(n);
		status = run->spared ? LACUNA_OK : LACUNA_ENOMEM;
	}
	for (size_t i = 0; run->spared && i < n; i++)
		run->spared[i] = diagonal[i] > 0 && !isnan(run->read[i]);
	memory_release(diagonal);
	if (run->spared && !run_is_silent(run))
		log_message(LACUNA_LOG_INFO,
			    "%s: noise as faint as this may be grain or texture: measured values "
			    "stay as they are; -n %.3g takes it out of them, too",
			    run->m->name, run->record->noise);
	return status;
}

/* The error of a measured value that stays is its noise. */
static int tell_noise(struct run *run)
{
	const size_t n = run->r->y_count;
	float *sigma = memory_alloc_array(n, sizeof *sigma);
	int status = LACUNA_ENOMEM;

	if (sigma)
		status =
			noise_map(&run->r->y, &run->record->description.noise, run->read, 3, sigma);
	for (size_t i = 0; !status && i < n; i++)
		if (run->spared[i])
			run->deviation[i] = sigma[i] * (run->places ? run->places[i] : 1);
	memory_release(sigma);
	return status;
}

int stage_put_spared_back(struct run *run)
{
	for (size_t i = 0; run->spared && i < run->r->y_count; i++)
		if (run->spared[i])
			run->out->picture[i] = run->read[i];
	return run->spared && run->deviation ? tell_noise(run) : LACUNA_OK;
}
