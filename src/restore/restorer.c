/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Keeps what lasts from one image to the next: the problem of a shape, priors, and the noise of earlier images.  Runs the
 * stages (restore/stages.h) of each image. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "restore/stages.h"

#include <math.h>
#include <string.h>

/* ---- what lasts --------------------------------------------------------------------------------------- */

void restorer_operators(struct restorer *r, const struct plugin_use *operators, size_t count)
{
	const struct plugin_use *use = operators ? operators : r->job->operators;

	if (use == r->operators && (!operators || count == r->operator_count))
		return;
	restorer_rest(r);
	r->operators = use;
	r->operator_count = operators ? count : r->job->operator_count;
}

int restorer_create(const struct restore_job *job, struct restorer **result)
{
	struct restorer *r = memory_alloc(sizeof *r);

	if (!r)
		return LACUNA_ENOMEM;
	r->job = job;
	restorer_operators(r, NULL, 0);
	*result = r;
	return LACUNA_OK;
}

void restorer_rest(struct restorer *r)
{
	problem_destroy(r->problem);
	r->problem = NULL;
}

void restorer_destroy(struct restorer *r)
{
	if (!r)
		return;
	restorer_rest(r);
	prior_stock_clear(&r->own);
	memory_release(r);
}

struct prior_stock *restorer_stock(struct restorer *r)
{
	return r->job->stock ? r->job->stock : &r->own;
}

static int check_memory(const struct restorer *r, const struct lacuna_shape *x,
			const struct lacuna_shape *y)
{
	const size_t needed = session_memory(x, y), budget = r->job->budget;

	if (!budget || needed <= budget)
		return LACUNA_OK;
	return error_set(LACUNA_ENOMEM,
			 "needs about %.1f MiB of memory, but only %.1f MiB are allowed; raise "
			 "--memory or restore the picture in parts",
			 (double)needed / 0x1p20, (double)budget / 0x1p20);
}

/* Checks that the size fits before allocating anything in proportion to the picture. */
int restorer_shape(struct restorer *r, const struct lacuna_shape *y,
		   const struct lacuna_shape *wish)
{
	static const struct lacuna_shape none;
	int status;

	if (!wish)
		wish = &none;
	if (!memcmp(&r->y, y, sizeof *y) && !memcmp(&r->wish, wish, sizeof *wish)) {
		if (r->problem)
			return LACUNA_OK;
	} else {
		restorer_rest(r);
	}
	status = check_memory(r, y, y);
	if (!status)
		status = problem_create_wished(r->operators, r->operator_count, 1, y, wish,
					       &r->problem);
	if (!status && r->job->accuracy)
		problem_set_accuracy(r->problem, r->job->accuracy);
	if (!status)
		status = check_memory(r, problem_x(r->problem), y);
	if (!status && !(problem_flags(r->problem) & LACUNA_PICTURE) &&
	    (problem_flags(r->problem) & LACUNA_LINEAR))
		status = problem_normalise(r->problem);
	/* A session refuses this, too, but a constant image needs none. */
	if (!status && problem_x(r->problem)->extent[3] != 1)
		status = error_set(LACUNA_EUNSUPPORTED,
				   "the operator has several pages as its result; only one can be "
				   "restored at a time");
	if (status) {
		problem_destroy(r->problem);
		r->problem = NULL;
		return status;
	}
	r->y = *y;
	r->wish = *wish;
	r->y_count = lacuna_count(y);
	memcpy(r->result.extent, problem_window(r->problem)->extent, sizeof r->result.extent);
	r->count = lacuna_count(&r->result);
	return LACUNA_OK;
}

const struct lacuna_shape *restorer_x(const struct restorer *r)
{
	return problem_x(r->problem);
}

const struct lacuna_region *restorer_window(const struct restorer *r)
{
	return problem_window(r->problem);
}

int restorer_fits(const struct restorer *r, const struct lacuna_shape *y)
{
	return !r->job->budget || session_memory(y, y) <= r->job->budget;
}

int restorer_has_shape(const struct restorer *r, const struct lacuna_shape *y)
{
	return r->problem && !memcmp(&r->y, y, sizeof *y);
}

const struct restore_job *restorer_job(const struct restorer *r)
{
	return r->job;
}

/* ---- one image ---------------------------------------------------------------------------------------- */

static void run_free(struct run *run)
{
	session_destroy(run->session);
	ensemble_free(&run->ensemble);
	memory_release(run->y);
	memory_release(run->read);
	memory_release(run->rejected);
	memory_release(run->places);
	memory_release(run->spared);
	memory_release(run->start);
	memory_release(run->x);
	memory_release(run->deviation);
	stabiliser_destroy(run->stabiliser);
}

int restorer_run(struct restorer *r, const struct measurement *m, struct restored *result)
{
	static int (*const stages[])(struct run *) = {
		stage_copy,
		stage_doubt_values,
		stage_reject,
		stage_enter_scale,
		stage_find_noise,
		stage_find_places,
		stage_take_wide_noise,
		stage_spare,
		stage_choose_stabiliser,
		stage_measure,
		stage_read_start,
		stage_create_session,
		stage_allocate,
		stage_draw_samples,
		stage_improve,
		stage_check,
		stage_find_deviation,
		stage_put_spared_back,
		stage_leave,
	};
	struct run run = { .r = r, .job = r->job, .m = m, .out = result };
	int status = LACUNA_OK;
	float value;

	*result = (struct restored){ .record.shape = r->result };
	run.record = &result->record;
	if (m->part <= r->last_part)
		r->told = 0;
	r->last_part = m->part;
	if (r->job->noise.sigma < 0 && run_is_picture(&run) && run_is_constant(&run, &value))
		return stage_pass_through(&run, value);
	for (size_t i = 0; !status && i < sizeof stages / sizeof *stages; i++)
		status = stages[i](&run);
	run_free(&run);
	return status;
}

void restored_free(struct restored *r)
{
	memory_release(r->picture);
	memory_release(r->deviation);
	restore_record_free(&r->record);
	*r = (struct restored){ 0 };
}

void restore_record_free(struct restore_record *r)
{
	memory_release(r->unchanged);
	memory_release(r->samples);
	*r = (struct restore_record){ 0 };
}

/* ---- the noise of several images ------------------------------------------------------------------------ */

int restorer_estimates(const struct restorer *r, const struct measurement *m)
{
	return !m->deviation && noise_is_estimated(&r->job->noise);
}

void restorer_forget(struct restorer *r)
{
	r->heard_count = r->settled = 0;
	r->told = 0;
}

int restorer_has_settled(const struct restorer *r)
{
	return r->settled;
}

const struct heard_noise *restorer_heard(const struct restorer *r)
{
	return r->settled ? &r->heard[0] : NULL;
}

void restorer_recall(struct restorer *r, const struct heard_noise *heard)
{
	r->heard[0] = *heard;
	r->heard_count = r->settled = 1;
}

int restorer_listen(struct restorer *r, const struct measurement *m)
{
	struct restored result = { 0 };
	struct run run = { .r = r, .job = r->job, .m = m, .out = &result, .listening = 1 };
	float value;
	int status;

	run.record = &result.record;
	if (r->heard_count == RESTORER_HEARD || !run_is_picture(&run) ||
	    run_is_constant(&run, &value))
		return LACUNA_OK;
	status = stage_copy(&run);
	if (!status)
		status = stage_reject(&run);
	if (!status)
		status = stage_enter_scale(&run);
	if (!status)
		status = stage_find_noise(&run);
	if (!status) {
		r->heard[r->heard_count].description = result.record.description;
		r->heard[r->heard_count++].inner = result.record.inner;
	}
	run_free(&run);
	return status;
}

/* Noise in the values of the file. */
static double loudness(const struct restorer *r, int i)
{
	return r->heard[i].description.noise.sigma *
	       (r->heard[i].inner.white - r->heard[i].inner.black);
}

int restorer_heard_range(const struct restorer *r, double least, double range[2])
{
	int count = 0;

	for (int i = 0; i < r->heard_count; i++) {
		const struct scale *inner = &r->heard[i].inner;
		const double level = fmax(loudness(r, i), least * (inner->white - inner->black));

		if (r->heard[i].description.noise.slope > 0 || r->heard[i].description.how)
			continue;
		range[0] = count ? fmin(range[0], level) : level;
		range[1] = count ? fmax(range[1], level) : level;
		count++;
	}
	return count;
}

void restorer_settle(struct restorer *r, const struct measurement *m)
{
	int median = 0;

	if (!r->heard_count)
		return;
	for (int i = 0; i < r->heard_count; i++) {
		int below = 0;

		for (int k = 0; k < r->heard_count; k++)
			below += loudness(r, k) < loudness(r, i) ||
				 (k < i && !(loudness(r, k) > loudness(r, i)));
		if (below == r->heard_count / 2)
			median = i;
	}
	r->heard[0] = r->heard[median];
	r->settled = 1;
	log_message(LACUNA_LOG_INFO, "%s: noise estimated: %.3g of full scale%s%s", m->name,
		    loudness(r, 0) / (m->hi - m->lo), r->heard[0].description.how ? ", " : "",
		    r->heard[0].description.how		      ? r->heard[0].description.how
		    : r->heard[0].description.noise.slope > 0 ? ", growing with brightness"
							      : "");
}
