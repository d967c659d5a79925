/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Inside the restorer: the restoration of one image, in stages.  restorer.c keeps what lasts from one image to the next and
 * runs the stages in order; the files stage-*.c hold them. */
#ifndef RESTORE_STAGES_H
#define RESTORE_STAGES_H

#include "restore/ensemble.h"
#include "restore/restorer.h"
#include "restore/stabilise.h"

struct restorer {
	const struct restore_job *job;
	const struct plugin_use *operators; /* the job's, or others */
	size_t operator_count;
	struct prior_stock own;
	struct problem *problem; /* NULL before restorer_shape() */
	struct lacuna_shape y, wish, result;
	size_t y_count, count; /* numbers of values of y and of result */

	/* Estimated noise of images, each on its own inner scale; once settled, the first one counts. */
	struct heard_noise heard[RESTORER_HEARD];
	int heard_count, settled;

	/* Warnings given for the picture of which parts are restored, and the last part. */
	unsigned told;
	int64_t last_part;
};

/* Warnings that any part of a picture may cause, but only one gives. */
enum { TOLD_PEPPER = 1, TOLD_SALT = 2, TOLD_ROWS = 4, TOLD_COLUMNS = 8, TOLD_NOISE = 16 };

/* The restoration of one image. */
struct run {
	struct restorer *r;
	const struct restore_job *job;
	const struct measurement *m;
	struct restored *out;
	struct restore_record *record;

	float *y;    /* as given to the problem: stabilised or weighted, missing values 0 */
	float *read; /* on the inner scale, missing values NaN */
	size_t *rejected;
	float *start;
	double lowest, highest;	       /* of the image, on the engine's scale */
	struct stabiliser *stabiliser; /* between the inner scale and the engine; NULL: none */
	double reference_noise;	       /* on the engine's scale */
	float *places; /* factor of the noise's deviation at each value; NULL: 1 everywhere */
	unsigned char *spared; /* 1: a measured value that stays as it is; NULL: none does */
	struct session *session;
	float *x; /* one sample, x-shaped */
	struct ensemble ensemble;
	double residual;  /* of the last sample, on the engine's scale */
	float *deviation; /* of the posterior; NULL: of the samples */
	int listening;	  /* only the noise is estimated */
};

/* ---- questions about a run ---------------------------------------------------------------------------- */

/* True when messages came before, with another part, or will come later, when the image is restored. */
static inline int run_is_silent(const struct run *run)
{
	return run->listening || run->m->part > 0;
}

/* True when a part of the picture has not caused this warning yet. */
static inline int run_may_tell(const struct run *run, unsigned warning)
{
	return !run->listening && !(run->r->told & warning);
}

/* Call it after this warning. */
static inline void run_told(struct run *run, unsigned warning)
{
	const struct restore_parts *parts = run->job->parts;

	run->r->told |= warning;
	run->record->doubts++;
	if (parts && parts->told)
		parts->told(parts->context, warning);
}

static inline int run_is_picture(const struct run *run)
{
	return (problem_flags(run->r->problem) & LACUNA_PICTURE) != 0;
}

/* True when all values that are not missing are alike, or all are missing: nothing to restore, and no noise to estimate. */
int run_is_constant(const struct run *, float *value); /* stage-result.c */

/* stage-scale.c: the length of the inner scale, in the values of the file. */
double run_inner_span(const struct run *);
/* Factor from differences on the inner scale to units of the range. */
double run_inner_unit(const struct run *);
/* Factor from differences on the engine's scale to units of the range.  A stabiliser makes it vary with the noise. */
double run_engine_unit(const struct run *);
/* Converts a picture from the inner scale to the values of the file.  Values of y that were rejected are as they were read. */
void run_leave_scale(const struct run *, float *picture);
/* stage-noise.c: gives y to the problem, with weights where the noise differs from value to value.  level: an image of the
 * scene without noise, y-shaped, or NULL. */
int run_measure(struct run *, const float *level);

struct prior_stock *restorer_stock(struct restorer *);

/* True if the restorer has other operators than its job: of windows, where a mask was taken off. */
static inline int restorer_took_off(const struct restorer *r)
{
	return r->operators != r->job->operators || r->operator_count != r->job->operator_count;
}

/* ---- the stages, in their order ----------------------------------------------------------------------- */

/* stage-values.c: y as the operator could have made it */
int stage_copy(struct run *);
int stage_doubt_values(struct run *);
int stage_reject(struct run *);
/* stage-scale.c */
int stage_enter_scale(struct run *);
/* stage-noise.c: how noisy y is, and what to do about it */
int stage_find_noise(struct run *);
int stage_find_places(struct run *);
int stage_take_wide_noise(struct run *); /* stage-wide-noise.c */
int stage_spare(struct run *);		 /* stage-spare.c */
int stage_choose_stabiliser(struct run *);
int stage_measure(struct run *);
/* stage-samples.c */
int stage_read_start(struct run *);
int stage_create_session(struct run *);
int stage_allocate(struct run *);
int stage_draw_samples(struct run *);
/* stage-judge.c: restores again where that helps, and warns */
int stage_improve(struct run *);
int stage_check(struct run *);
/* stage-deviation.c */
int stage_find_deviation(struct run *);
/* stage-spare.c */
int stage_put_spared_back(struct run *);
/* stage-result.c */
int stage_leave(struct run *);
/* Instead of all stages, for an image that is constant. */
int stage_pass_through(struct run *, float value);

#endif
