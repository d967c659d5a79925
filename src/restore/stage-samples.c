/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Draws the samples: the session, its random numbers and start image, and what becomes of each sample. */
#include <config.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "restore/stages.h"

#include <string.h>

static void tell_progress(void *context, int64_t step, int64_t steps)
{
	const struct run *run = context;
	const int64_t parts = run->m->parts ? run->m->parts : 1;

	run->job->progress(run->job->context, run->m->part * steps + step, parts * steps);
}

static void tell_within(void *context, double share)
{
	const struct run *run = context;

	run->job->within(run->job->context, share);
}

/* A session_options.gaussian: the random numbers that the whole picture would get at the place of this window.  x extends
 * beyond the whole picture as far as beyond this window. */
static void gaussian_in_place(void *context, uint64_t stream, uint64_t position, float *out,
			      size_t n)
{
	const struct run *run = context;
	const struct measurement *m = run->m;
	const struct lacuna_shape *x = problem_x(run->r->problem);
	const int64_t factor = run->r->result.extent[0] / run->r->y.extent[0];
	const uint64_t w = (uint64_t)x->extent[0], h = (uint64_t)x->extent[1];
	const uint64_t all_w = w + (uint64_t)(factor * (m->whole.extent[0] - run->r->y.extent[0]));
	const uint64_t all_h = h + (uint64_t)(factor * (m->whole.extent[1] - run->r->y.extent[1]));
	const struct random_key key = { run->job->seed, m->number, 0 };

	while (n) {
		const uint64_t column = position % w, row = position / w % h,
			       plane = position / (w * h);
		const size_t some = n < w - column ? n : (size_t)(w - column);
		const uint64_t at = column + (uint64_t)(factor * m->x) +
				    all_w * (row + (uint64_t)(factor * m->y0) + all_h * plane);

		random_gaussian(key, stream, at, out, some);
		position += some;
		out += some;
		n -= some;
	}
}

int stage_create_session(struct run *run)
{
	struct method *method = run->job->method;
	const struct session_options options = {
		.seed = run->job->seed,
		.image = run->m->number,
		.start = run->start,
		.pairs = run->job->pairs,
		.lowest = &run->lowest,
		.highest = &run->highest,
		.stock = restorer_stock(run->r),
		.progress = run->job->progress ? tell_progress : NULL,
		.progress_context = run,
		.within = run->job->within ? tell_within : NULL,
		.gaussian = run->m->whole.extent[0] && run->job->samples == 1 ? gaussian_in_place
									      : NULL,
		.laboratory = run,
	};
	int status;

	do {
		status = session_create(run->r->problem, &method->prior,
					method->has_guidance ? &method->guidance : NULL,
					&method->sampler, &options, &run->session);
		/* The stock must not keep them: plugins of another method may get the same addresses. */
		if (status)
			prior_stock_clear(restorer_stock(run->r));
	} while (status && method_fall_back(method, status));
	if (!status)
		run->record->precision = session_precision(run->session);
	return status;
}

int stage_read_start(struct run *run)
{
	const size_t n = lacuna_count(problem_x(run->r->problem));

	if (!run->m->start)
		return LACUNA_OK;
	run->start = memory_alloc_array(n, sizeof *run->start);
	if (!run->start)
		return LACUNA_ENOMEM;
	memcpy(run->start, run->m->start, n * sizeof *run->start);
	scale_enter(n, &run->record->inner, run->start);
	for (size_t i = 0; run->stabiliser && i < n; i++)
		run->start[i] = (float)stabiliser_expect(run->stabiliser, (double)run->start[i]);
	return LACUNA_OK;
}

int stage_allocate(struct run *run)
{
	const int64_t samples = run->job->samples;
	struct restored *out = run->out;

	run->x = memory_alloc_array(lacuna_count(problem_x(run->r->problem)), sizeof *run->x);
	out->record.samples = memory_alloc_array((size_t)samples, sizeof *out->record.samples);
	if (!run->x || !out->record.samples)
		return LACUNA_ENOMEM;
	return samples > 1
		       ? ensemble_create(&run->ensemble, run->r->count, samples, run->job->pairs)
		       : LACUNA_OK;
}

static int hand_over_sample(const struct run *run, int64_t sample)
{
	const size_t n = run->r->count;
	float *copy;
	int status;

	if (!run->job->sample)
		return LACUNA_OK;
	copy = memory_alloc_array(n, sizeof *copy);
	if (!copy)
		return LACUNA_ENOMEM;
	memcpy(copy, run->out->picture, n * sizeof *copy);
	run_leave_scale(run, copy);
	status = run->job->sample(run->job->context, sample, copy);
	memory_release(copy);
	return status;
}

static int draw_sample(struct run *run, int64_t sample)
{
	const struct problem *problem = run->r->problem;
	struct session_stats *stats = &run->out->record.samples[sample];
	int status;

	if (run->job->begin && !run->m->part)
		run->job->begin(run->job->context);
	status = session_run(run->session, (uint32_t)sample, run->x, stats);
	if (!status && cancel_requested())
		status = LACUNA_ECANCELLED;
	if (status)
		return status;
	/* Not earlier: a session needs most memory while it runs. */
	if (!run->out->picture)
		run->out->picture = memory_alloc_array(run->r->count, sizeof *run->out->picture);
	if (!run->out->picture)
		return LACUNA_ENOMEM;
	window_get(problem_x(problem), problem_window(problem), run->x, run->out->picture);
	if (run->stabiliser)
		stabiliser_leave(run->stabiliser, run->r->count, run->out->picture);
	if (run->ensemble.n)
		ensemble_add(&run->ensemble, run->out->picture);
	run->residual = stats->residual;
	stats->residual *= run_engine_unit(run);
	log_message(LACUNA_LOG_DEBUG,
		    "%s, sample %lld: %lld steps, %lld evaluations, %.2f s, residual %.4g, "
		    "expected %.4g",
		    run->m->name, (long long)sample + 1, (long long)stats->steps,
		    (long long)stats->evaluations, stats->seconds, stats->residual,
		    run->reference_noise * run_engine_unit(run));
	return hand_over_sample(run, sample);
}

int stage_draw_samples(struct run *run)
{
	const int64_t samples = run->job->samples;
	double residual = 0;
	int status = LACUNA_OK;

	for (int64_t k = 0; !status && k < samples; k++) {
		status = draw_sample(run, k);
		residual += run->out->record.samples[k].residual / (double)samples;
	}
	run->record->residual = residual;
	if (!status && run->ensemble.n)
		ensemble_mean(&run->ensemble, run->out->picture);
	if (!status)
		run->out->record.sample_count = samples;
	return status;
}
