/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise whose grain is wider than a pixel: it is removed first, at half the size. */
#include <config.h>

#include "base/log.h"
#include "base/memory.h"
#include "restore/stages.h"

#include <math.h>

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

/* Restores the picture at half its size, where the noise is nearly white; change: the result less half.  Where an operator
 * keeps values, what it does besides (offsets, missing values) has been undone at the full size. */
static int restore_half(struct run *run, const struct lacuna_shape *shape, const float *half,
			float *change)
{
	struct plugin_use plain = { .plugin = NULL };
	const struct restore_job job = {
		.operators = &plain,
		.operator_count = 1,
		.method = run->job->method,
		.noise.sigma = run->record->description.wide,
		.seed = run->job->seed,
		.samples = 1,
		.accuracy = run->job->accuracy,
		.stock = restorer_stock(run->r),
	};
	const struct measurement m = { .name = run->m->name,
				       .number = run->m->number,
				       .y = half,
				       .hi = 1,
				       .whole = noise_half_shape(&run->m->whole),
				       .x = run->m->x / 2,
				       .y0 = run->m->y0 / 2,
				       .part = 1, /* a later part gives no messages */
				       .parts = 1 };
	struct restorer *r = NULL;
	struct restored result = { .picture = NULL };
	int status = use_parse(LACUNA_OPERATOR, "identity", &plain);

	if (!status)
		status = restorer_create(&job, &r);
	if (!status)
		status = restorer_shape(r, shape, NULL);
	if (!status)
		status = restorer_run(r, &m, &result);
	for (size_t i = 0; !status && i < lacuna_count(shape); i++)
		change[i] = isnan(half[i]) ? 0 : result.picture[i] - half[i];
	run->record->doubts += result.record.doubts;
	restored_free(&result);
	restorer_destroy(r);
	use_free(&plain);
	return status;
}

/* A denoiser of white noise mistakes noise wider than a pixel for texture.  In means of 2x2 values that noise is nearly
 * white, and it is removed there first. */
int stage_take_wide_noise(struct run *run)
{
	const struct lacuna_shape *y = &run->r->y;
	const struct lacuna_shape shape = noise_half_shape(y);
	const size_t n = lacuna_count(&shape);
	const int64_t w = y->extent[0], h = y->extent[1], area = w * h,
		      half_area = shape.extent[0] * shape.extent[1];
	float *half, *change;
	int keeps, status;

	if (!(run->record->description.wide > 0))
		return LACUNA_OK;
	status = noise_keeps_values(run->r->problem, &keeps);
	if (status || !keeps)
		return status;
	if (!run_is_silent(run))
		log_message(LACUNA_LOG_INFO,
			    "%s: the grain of the noise (%.3g of full scale) is wider than a "
			    "pixel; noise is first removed at half the size",
			    run->m->name, run->record->description.wide * run_inner_unit(run));
	half = memory_alloc_array(n, sizeof *half);
	change = memory_alloc_array(n, sizeof *change);
	status = half && change ? LACUNA_OK : LACUNA_ENOMEM;
	if (!status) {
		noise_halve(y, run->read, half);
		status = restore_half(run, &shape, half, change);
	}
	for (int64_t c = 0; !status && c < y->extent[2] * y->extent[3]; c++)
		add_enlarged(change + c * half_area, w, h, run->read + c * area);
	memory_release(half);
	memory_release(change);
	return status;
}
