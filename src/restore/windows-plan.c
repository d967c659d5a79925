/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Are windows needed, and how large may they be?  The budget of memory decides, and around holes the work. */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "restore/windows-private.h"

#include <math.h>
#include <string.h>

int windows_refuse(const struct restore_job *job, const struct lacuna_shape *y, const char *why)
{
	return error_set(LACUNA_ENOMEM,
			 "needs about %.1f MiB of memory, but only %.1f MiB are allowed, and %s; "
			 "raise --memory or restore the picture in parts",
			 (double)session_memory(y, y) / 0x1p20, (double)job->budget / 0x1p20, why);
}

/* Work space of a network: as large as all else that a window needs, up to a limit that the prior sets itself. */
static double network_memory(const struct lacuna_shape *x, const struct lacuna_shape *y)
{
	static const double most = 0x1p30;

	return fmin((double)session_memory(x, y), most);
}

/* What a prior that knows the deviation from experience needs beside its other work space: some images, and a small network
 * (lacuna/deviation.h). */
static double deviation_memory(const struct restore_job *job, const struct lacuna_shape *x)
{
	enum { IMAGES = 10 };
	static const double network = 0x1p24;

	return job->deviation ? network + IMAGES * 4.0 * (double)lacuna_count(x) : 0;
}

/* Bytes for windows of this size. */
static double memory_of(const struct restore_job *job, const struct windows *w,
			const struct windows_cost *cost)
{
	const struct lacuna_shape y = windows_shape(w, 1);
	struct lacuna_shape x = windows_shape(w, w->factor);

	x.extent[0] += w->beyond[0];
	x.extent[1] += w->beyond[1];
	return (double)session_memory(&x, &y) + network_memory(&x, &y) + deviation_memory(job, &x) +
	       cost->fixed + sums_memory(w, cost->multiple, job->deviation) +
	       cost->row * (double)(w->height + cost->multiple);
}

static int set_beyond(const struct restore_job *job, struct windows *w)
{
	struct lacuna_shape x;
	const int status = problem_find_x(job->operators, job->operator_count, &w->y, &x);

	for (int i = 0; !status && i < 2; i++)
		w->beyond[i] = x.extent[i] - w->factor * w->y.extent[i];
	return status;
}

/* restorer_shape() is then certain to refuse y, or the deviation to fail after all the work. */
static int is_too_large(const struct restore_job *job, const struct lacuna_shape *y)
{
	return (double)session_memory(y, y) + deviation_memory(job, y) > (double)job->budget;
}

int windows_exceeds(const struct restore_job *job, const struct lacuna_shape *y,
		    const struct windows_cost *cost)
{
	const int trained = (job->method->prior.plugin->u.prior.flags & LACUNA_TRAINED) != 0;
	struct lacuna_shape x;
	double bytes;

	if (!job->budget)
		return 0;
	if (is_too_large(job, y))
		return 1;
	/* Creating the problem reports the error. */
	if (problem_find_x(job->operators, job->operator_count, y, &x)) {
		error_clear();
		return 0;
	}
	bytes = (double)session_memory(&x, y) + deviation_memory(job, &x) + cost->fixed +
		cost->row * (double)y->extent[1];
	/* Other priors count among the images of session_memory(). */
	return bytes + (trained ? network_memory(&x, y) : 0) > (double)job->budget;
}

int windows_needed(const struct restore_job *job, const struct lacuna_shape *y,
		   const struct windows_cost *cost)
{
	struct windows w;
	int possible;

	if (!windows_exceeds(job, y, cost))
		return 0;
	if (is_too_large(job, y))
		return 1;
	possible = !windows_plan(job, y, cost, &w);
	error_clear();
	return possible;
}

int windows_plan(const struct restore_job *job, const struct lacuna_shape *y,
		 const struct windows_cost *cost, struct windows *w)
{
	enum { STEP = 64, SIDE_MOST = 16384 };
	const double budget = job->budget ? (double)job->budget : INFINITY;
	const struct method *method = job->method;
	int64_t side;
	int status;

	if (job->samples > 1 || job->sample || method->wish.sampler ||
	    !strcmp(method->name, "sample"))
		return windows_refuse(job, y, "only --method best and fast work in windows");
	*w = (struct windows){ .y = *y };
	status = windows_reach(job, y->extent[2], &w->reach, &w->factor);
	if (status == LACUNA_EUNSUPPORTED)
		return windows_refuse(job, y,
				      "windows need an operator that is the same everywhere");
	if (status == LACUNA_ENOMEM)
		return windows_refuse(job, y, "that is not enough for windows");
	if (!status)
		status = set_beyond(job, w);
	if (status)
		return status;
	windows_set_overlap(w, windows_margin(w->reach));
	side = (2 * windows_margin(w->reach) + 2 * STEP + WINDOWS_GRID) / STEP * STEP;
	windows_set_sides(w, side, side);
	/* Windows that are mostly overlap take several times the work, which is better than none. */
	while (memory_of(job, w, cost) > budget &&
	       side >= 2 * (windows_margin(w->reach) + WINDOWS_GRID)) {
		side -= WINDOWS_GRID;
		windows_set_sides(w, side, side);
	}
	if (memory_of(job, w, cost) > budget)
		return error_set(LACUNA_ENOMEM,
				 "needs %.1f MiB of memory even in windows, but only %.1f MiB are "
				 "allowed; raise --memory",
				 memory_of(job, w, cost) / 0x1p20, budget / 0x1p20);
	for (struct windows larger = *w; side < SIDE_MOST; side += STEP) {
		windows_set_sides(&larger, side + STEP, side + STEP);
		if (memory_of(job, &larger, cost) > budget)
			break;
		*w = larger;
	}
	windows_tighten(w);
	return LACUNA_OK;
}

int windows_whole(const struct restore_job *job, const struct lacuna_shape *y, struct windows *w)
{
	const int status = windows_reach(job, y->extent[2], &w->reach, &w->factor);

	w->active = NULL;
	w->y = *y;
	w->width = y->extent[0];
	w->height = y->extent[1];
	w->across = w->down = 1;
	windows_set_overlap(w, windows_margin(w->reach));
	return status;
}

/* ---- around holes -------------------------------------------------------------------------------------- */

static int is_active(const struct windows *w, const struct holes *h, int64_t i)
{
	int64_t x0, x1, y0, y1;

	windows_counted(w, 0, i % w->across, &x0, &x1);
	windows_counted(w, 1, i / w->across, &y0, &y1);
	return holes_count(h, x0, y0, x1, y1) > 0;
}

/* Pixels to work on, plus an overhead for each window. */
static double work_of(const struct windows *w, const struct holes *h)
{
	static const double beside = 4096;
	double active = 0;

	for (int64_t i = 0; i < w->across * w->down; i++)
		active += is_active(w, h, i);
	return active * ((double)(w->width * w->height) + beside);
}

int windows_around(const struct restore_job *job, const struct lacuna_shape *y,
		   const struct windows_cost *cost, const struct holes *h, struct windows *best,
		   double *share)
{
	enum { STEP = 32, SIDE_MOST = 2048 };
	const double budget = job->budget ? (double)job->budget : INFINITY;
	/* If two windows meet in a hole, each sees its own half of it and what is around that. */
	const int64_t margin = windows_margin(0) + holes_width(h) / 2;
	struct windows w = { .y = *y, .factor = 1 };
	double least = INFINITY;

	windows_set_overlap(&w, margin);
	for (int64_t side = 2 * margin + STEP; side < 2 * margin + SIDE_MOST; side += STEP) {
		double work;

		windows_set_sides(&w, side, side);
		if (w.across * w.down == 1 || memory_of(job, &w, cost) > budget)
			break;
		work = work_of(&w, h);
		if (work < least) {
			least = work;
			*best = w;
		}
	}
	*share = least / (double)(y->extent[0] * y->extent[1]);
	if (!(least < INFINITY))
		return error_set(LACUNA_ENOMEM, "no windows around holes");
	best->active = memory_alloc((size_t)(best->across * best->down));
	if (!best->active)
		return LACUNA_ENOMEM;
	for (int64_t i = 0; i < best->across * best->down; i++)
		best->active[i] = (unsigned char)is_active(best, h, i);
	return LACUNA_OK;
}
