/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise whose grain is wider than a pixel: it is removed first, at half the size. */
#include <config.h>

#include "base/log.h"
#include "base/memory.h"
#include "restore/stages.h"

#include <math.h>
#include <string.h>

/* Adds `half', enlarged to twice its size by interpolation, to a plane of w x h. */
static void add_enlarged(const float *half, int64_t w, int64_t h, float *plane)
{
	const int64_t hw = w / 2, hh = h / 2;

	for (int64_t j = 0; j < h; j++)
		for (int64_t i = 0; i < w; i++) {
			const int64_t x = i / 2 < hw ? i / 2 : hw - 1,
				      y = j / 2 < hh ? j / 2 : hh - 1;
			const int64_t x2 = i % 2 ? x + (x + 1 < hw) : x - (x > 0);
			const int64_t y2 = j % 2 ? y + (y + 1 < hh) : y - (y > 0);
			const double here = half[x + hw * y], beside = half[x2 + hw * y];
			const double below = half[x + hw * y2], across = half[x2 + hw * y2];

			plane[i + w * j] +=
				(float)((9 * here + 3 * beside + 3 * below + across) / 16);
		}
}

/* Restores the picture at half its size, or a quarter, where the noise is nearly white, in place.  Where an operator keeps
 * values, what it does besides (offsets, missing values) has been undone at the full size. */
static int restore_small(struct run *run, const struct lacuna_shape *shape, int64_t scale,
			 double level, float *small)
{
	struct plugin_use plain = { .plugin = NULL };
	const struct restore_job job = {
		.operators = &plain,
		.operator_count = 1,
		.method = run->job->method,
		.noise.sigma = level,
		.seed = run->job->seed,
		.samples = 1,
		.accuracy = run->job->accuracy,
		.stock = restorer_stock(run->r),
	};
	struct measurement m = { .name = run->m->name,
				 .number = run->m->number,
				 .y = small,
				 .hi = 1,
				 .whole = run->m->whole,
				 .x = run->m->x / scale,
				 .y0 = run->m->y0 / scale,
				 .part = 1, /* a later part gives no messages */
				 .parts = 1 };
	struct restorer *r = NULL;
	struct restored result = { .picture = NULL };
	int status = use_parse(LACUNA_OPERATOR, "identity", &plain);

	m.whole.extent[0] /= scale;
	m.whole.extent[1] /= scale;
	if (!status)
		status = restorer_create(&job, &r);
	if (!status)
		status = restorer_shape(r, shape, NULL);
	if (!status)
		status = restorer_run(r, &m, &result);
	for (size_t i = 0; !status && i < lacuna_count(shape); i++)
		small[i] = isnan(small[i]) ? small[i] : result.picture[i];
	run->record->doubts += result.record.doubts;
	restored_free(&result);
	restorer_destroy(r);
	use_free(&plain);
	return status;
}

/* Removes from values the noise that is left at half their size; level: there, at the next half, ..., 0.  The widest is removed
 * first.  scale: of values, 1 for the picture. */
static int take_at_half(struct run *run, const struct lacuna_shape *y, int64_t scale,
			const double *level, float *values)
{
	const struct lacuna_shape shape = noise_half_shape(y);
	const size_t n = lacuna_count(&shape);
	const int64_t w = y->extent[0], h = y->extent[1], area = w * h,
		      half_area = shape.extent[0] * shape.extent[1];
	float *half = memory_alloc_array(n, sizeof *half);
	float *change = memory_alloc_array(n, sizeof *change);
	int status = half && change ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status) {
		noise_halve(y, values, half);
		memcpy(change, half, n * sizeof *half);
	}
	if (!status && level[1] > 0)
		status = take_at_half(run, &shape, 2 * scale, level + 1, half);
	if (!status)
		status = restore_small(run, &shape, 2 * scale, level[0], half);
	for (size_t i = 0; !status && i < n; i++)
		change[i] = isnan(half[i]) ? 0 : half[i] - change[i];
	for (int64_t c = 0; !status && c < y->extent[2] * y->extent[3]; c++)
		add_enlarged(change + c * half_area, w, h, values + c * area);
	memory_release(half);
	memory_release(change);
	return status;
}

/* A denoiser of white noise mistakes noise wider than a pixel for texture.  In means of 2x2 or 4x4 values that noise is nearly
 * white, and it is removed there first. */
int stage_take_wide_noise(struct run *run)
{
	const double level[] = { run->record->description.wide, run->record->description.wider, 0 };
	int keeps, status;

	if (!(run->record->description.wide > 0))
		return LACUNA_OK;
	status = noise_keeps_values(run->r->problem, &keeps);
	if (status || !keeps)
		return status;
	/* An enlarged picture of fine texture looks the same. */
	run->record->doubts += level[1] > 0 && !run_is_silent(run);
	if (!run_is_silent(run) && level[1] > 0)
		log_message(
			LACUNA_LOG_WARN,
			"%s: the grain of the noise (%.3g of full scale) is several pixels wide; "
			"noise is first removed at a quarter and half the size.  If it is texture "
			"of the scene, state the noise with -n",
			run->m->name, level[1] * run_inner_unit(run));
	else if (!run_is_silent(run))
		log_message(LACUNA_LOG_INFO,
			    "%s: the grain of the noise (%.3g of full scale) is wider than a "
			    "pixel; noise is first removed at half the size",
			    run->m->name, level[0] * run_inner_unit(run));
	return take_at_half(run, &run->r->y, 1, level, run->read);
}
