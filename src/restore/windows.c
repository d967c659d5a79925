/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/windows.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the operator ------------------------------------------------------------------------------------ */

enum { LARGE = 160, SMALL = 112, REACH_MOST = 48 };

/* An operator on a square image, y as large as its window of x. */
static int try_operator(const struct restore_job *job, int64_t side, int64_t channels,
			struct problem **p)
{
	const struct lacuna_shape y = { { side, side, channels, 1 } };
	int status = problem_create(job->operators, job->operator_count, 1, &y, p);

	if (status)
		return status;
	if (problem_window(*p)->extent[0] == side && problem_window(*p)->extent[1] == side &&
	    problem_x(*p)->extent[2] == channels && (problem_flags(*p) & LACUNA_LINEAR))
		return LACUNA_OK;
	problem_destroy(*p);
	*p = NULL;
	return error_set(LACUNA_EUNSUPPORTED, "another size");
}

/* x is filled with noise that belongs to its place in the window, so that a smaller problem sees a part of the same scene. */
static void fill(const struct problem *p, int64_t shift, float *x)
{
	const int64_t *e = problem_x(p)->extent, *origin = problem_window(p)->origin;
	const struct random_key key = { 7, 0, 0 };

	for (int64_t c = 0; c < e[2]; c++)
		for (int64_t j = 0; j < e[1]; j++)
			for (int64_t i = 0; i < e[0]; i++) {
				const int64_t column = i - origin[0] + shift + 1024;
				const int64_t row = j - origin[1] + shift + 1024;

				random_gaussian(key, (uint64_t)(row * 4 + c), (uint64_t)column,
						&x[i + e[0] * (j + e[1] * c)], 1);
			}
}

static int apply_to_noise(struct problem *p, int64_t shift, float **y)
{
	float *x = memory_alloc_array(lacuna_count(problem_x(p)), sizeof(*x));
	int status = LACUNA_ENOMEM;

	*y = memory_alloc_array(lacuna_count(problem_y(p)), sizeof(**y));
	if (x && *y) {
		fill(p, shift, x);
		status = problem_apply(p, x, *y);
	}
	memory_release(x);
	return status;
}

/* The small problem, at an odd place of the large one, answers the same but for its rim. */
static int64_t differing_rim(const float *large, const float *small, int64_t shift,
			     int64_t channels)
{
	int64_t rim = 0;

	for (int64_t c = 0; c < channels; c++)
		for (int64_t j = 0; j < SMALL; j++)
			for (int64_t i = 0; i < SMALL; i++) {
				const int64_t k = i + shift + LARGE * (j + shift + LARGE * c);
				const float d = large[k] - small[i + SMALL * (j + SMALL * c)];
				const int64_t x = i < SMALL - 1 - i ? i : SMALL - 1 - i;
				const int64_t y = j < SMALL - 1 - j ? j : SMALL - 1 - j;
				const int64_t inside = (x < y ? x : y) + 1;

				if (!(fabsf(d) < 1e-4f) && inside > rim)
					rim = inside;
			}
	return rim;
}

int windows_reach(const struct restore_job *job, int64_t channels, int64_t *reach)
{
	const int64_t shift = 23;
	struct problem *large = NULL, *small = NULL;
	float *y_large = NULL, *y_small = NULL;
	int status = try_operator(job, LARGE, channels, &large);

	if (!status)
		status = try_operator(job, SMALL, channels, &small);
	if (!status)
		status = apply_to_noise(large, 0, &y_large);
	if (!status)
		status = apply_to_noise(small, shift, &y_small);
	if (!status) {
		/* What lies beyond the window of x counts as well: it is the reach where no rim differs. */
		const int64_t beyond =
			problem_window(small)->origin[0] > problem_window(small)->origin[1]
				? problem_window(small)->origin[0]
				: problem_window(small)->origin[1];

		*reach = differing_rim(y_large, y_small, shift, channels);
		*reach = *reach > beyond ? *reach : beyond;
		if (*reach > REACH_MOST)
			status = error_set(LACUNA_EUNSUPPORTED, "not the same everywhere");
	}
	memory_release(y_large);
	memory_release(y_small);
	problem_destroy(large);
	problem_destroy(small);
	return status;
}

/* ---- the windows ------------------------------------------------------------------------------------- */

/* What a deconvolution and the network see beyond a pixel fades within so many pixels of the border. */
static int64_t margin(int64_t reach)
{
	return 32 + 2 * reach;
}

static int64_t count_along(int64_t n, int64_t side, int64_t overlap)
{
	return n <= side ? 1 : (n - overlap + side - overlap - 1) / (side - overlap);
}

static int refuse(const struct restore_job *job, const struct lacuna_shape *y, const char *why)
{
	return error_set(LACUNA_ENOMEM,
			 "needs about %.1f MiB of memory, %.1f MiB are allowed, and %s; raise "
			 "--memory or restore the picture in parts",
			 (double)session_memory(y, y) / 0x1p20, (double)job->budget / 0x1p20, why);
}

int windows_plan(const struct restore_job *job, const struct lacuna_shape *y, struct windows *w)
{
	enum { STEP = 64 };
	/* Beside a window there are the picture, the result and what the caller keeps. */
	const double around = 16.0 * (double)lacuna_count(y);
	/* The work space of a network is as large as all else that a window takes. */
	const double budget = ((double)job->budget - around) / 2;
	const struct method *method = job->method;
	int64_t side;
	int status;

	if (job->samples > 1 || method->wish.sampler || !strcmp(method->name, "sample"))
		return refuse(job, y, "only --method best and fast restore in windows");
	status = windows_reach(job, y->extent[2], &w->reach);
	if (status == LACUNA_EUNSUPPORTED)
		return refuse(job, y,
			      "this operator is not the same everywhere, as windows need it");
	if (status == LACUNA_ENOMEM)
		return refuse(job, y, "that is too little for parts of it");
	if (status)
		return status;
	w->overlap = 2 * margin(w->reach);
	side = (w->overlap + 2 * STEP) / STEP * STEP;
	for (int64_t next = side; next < 16384; next += STEP) {
		const struct lacuna_shape window = { { next, next, y->extent[2], 1 } };

		if ((double)session_memory(&window, &window) > budget)
			break;
		side = next;
	}
	w->width = side < y->extent[0] ? side : y->extent[0];
	w->height = side < y->extent[1] ? side : y->extent[1];
	/* A symmetric prior is shown square images in eight ways, others in four: the windows shall be as the picture. */
	if (w->width == w->height && y->extent[0] != y->extent[1])
		w->height -= STEP / 2;
	w->across = count_along(y->extent[0], w->width, w->overlap);
	w->down = count_along(y->extent[1], w->height, w->overlap);
	{
		const struct lacuna_shape window = { { w->width, w->height, y->extent[2], 1 } };

		if ((double)session_memory(&window, &window) > budget)
			return error_set(LACUNA_ENOMEM,
					 "needs %.1f MiB of memory even in parts, %.1f MiB are "
					 "allowed; raise --memory",
					 (2 * (double)session_memory(&window, &window) + around) /
						 0x1p20,
					 (double)job->budget / 0x1p20);
	}
	return LACUNA_OK;
}

/* Where window number k begins: the last one ends with the picture. */
static int64_t place(int64_t k, int64_t n, int64_t side, int64_t overlap)
{
	const int64_t at = k * (side - overlap);

	return at + side < n ? at : n - side;
}

/* ---- one window -------------------------------------------------------------------------------------- */

struct course {
	struct restorer *r;
	const struct lacuna_shape *y;
	const struct measurement *m;
	struct windows w;
	struct lacuna_shape window;
	float *cut, *deviation; /* of the window at hand */
	struct restored *out;
	int64_t empty; /* windows without any measurement */
};

static void cut_out(const struct course *c, const float *from, int64_t x0, int64_t y0, float *to)
{
	const struct lacuna_region region = { { x0, y0, 0, 0 },
					      { c->w.width, c->w.height, c->y->extent[2], 1 } };

	window_get(c->y, &region, from, to);
}

/* m about the window at (x0, y0) */
static struct measurement measurement_of(const struct course *c, int64_t x0, int64_t y0)
{
	struct measurement m = *c->m;

	cut_out(c, c->m->y, x0, y0, c->cut);
	m.y = c->cut;
	if (c->m->deviation) {
		cut_out(c, c->m->deviation, x0, y0, c->deviation);
		m.deviation = c->deviation;
	}
	return m;
}

/* Of the k-th window of n: 1 inside, and where it overlaps another a ramp that the other's completes to 1. */
static float weight(const struct course *c, int64_t i, int64_t at, int64_t side, int64_t k,
		    int64_t count, int64_t n)
{
	const int64_t overlap = c->w.overlap;
	const int64_t before = k ? place(k - 1, n, side, overlap) + side - at : 0;
	const int64_t after = k + 1 < count ? at + side - place(k + 1, n, side, overlap) : 0;
	/* The outer halves of the margin are left out. */
	const double left =
		before ? ((double)i + 0.5 - 0.25 * (double)before) / (0.5 * (double)before) : 1;
	const double right =
		after ? ((double)(side - i) - 0.5 - 0.25 * (double)after) / (0.5 * (double)after)
		      : 1;
	const double w = fmin(fmin(left, right), 1);

	return w > 0 ? (float)w : 0;
}

static void blend(const struct course *c, int64_t column, int64_t row, int64_t x0, int64_t y0,
		  const struct restored *part)
{
	const int64_t w = c->w.width, h = c->w.height;
	const int64_t *e = c->y->extent;

	for (int64_t ch = 0; ch < e[2]; ch++)
		for (int64_t j = 0; j < h; j++) {
			const float wy = weight(c, j, y0, h, row, c->w.down, e[1]);

			for (int64_t i = 0; i < w; i++) {
				const float f = wy * weight(c, i, x0, w, column, c->w.across, e[0]);
				const size_t from = (size_t)(i + w * (j + h * ch));
				const size_t to = (size_t)(x0 + i + e[0] * (y0 + j + e[1] * ch));

				if (!(f > 0)) /* what is NaN there is another window's */
					continue;
				c->out->picture[to] += f * part->picture[from];
				if (part->unchanged && !part->unchanged[from])
					c->out->unchanged[to] = 0;
			}
		}
}

static void add_record(struct course *c, const struct restored *part)
{
	struct restore_record *all = &c->out->record;
	const struct restore_record *one = &part->record;
	const double share = 1 / (double)(c->w.across * c->w.down);
	struct session_stats *sum = c->out->samples;

	all->residual += one->residual * one->residual * share;
	all->doubts += one->doubts;
	all->missing += one->missing;
	all->rejected += one->rejected;
	if (one->constant)
		return;
	all->inner = one->inner;
	all->noise = one->noise;
	all->estimated = one->estimated;
	all->description = one->description;
	all->dealt_with = one->dealt_with;
	sum->steps = part->samples->steps;
	sum->evaluations += part->samples->evaluations;
	sum->seconds += part->samples->seconds;
	sum->prior_seconds += part->samples->prior_seconds;
	c->out->sample_count = 1;
}

/* True when nothing was measured in the window that was cut out. */
static int is_empty(const struct course *c)
{
	const size_t n = lacuna_count(&c->window);
	size_t i = 0;

	while (i < n && isnan(c->cut[i]))
		i++;
	return i == n;
}

/* There is nothing to restore it from: it stays missing. */
static void leave_empty(struct course *c, int64_t column, int64_t row, int64_t x0, int64_t y0)
{
	const struct restored part = {
		.picture = c->cut,
		.record = { .constant = 1, .missing = lacuna_count(&c->window) },
	};

	blend(c, column, row, x0, y0, &part);
	add_record(c, &part);
	c->empty++;
}

static int run_window(struct course *c, int64_t column, int64_t row)
{
	const int64_t x0 = place(column, c->y->extent[0], c->w.width, c->w.overlap);
	const int64_t y0 = place(row, c->y->extent[1], c->w.height, c->w.overlap);
	struct measurement m = measurement_of(c, x0, y0);
	struct restored part;
	char name[128];
	int status;

	snprintf(name, sizeof(name), "%s, part %lld of %lld", c->m->name,
		 (long long)(row * c->w.across + column + 1), (long long)(c->w.across * c->w.down));
	m.name = name;
	if (is_empty(c)) {
		leave_empty(c, column, row, x0, y0);
		return LACUNA_OK;
	}
	status = restorer_run(c->r, &m, &part);
	if (!status) {
		blend(c, column, row, x0, y0, &part);
		add_record(c, &part);
	}
	restored_free(&part);
	return status;
}

/* ---- all of them ------------------------------------------------------------------------------------- */

/* Number k of `chosen' that lie evenly among n, the first and the last included. */
static int64_t spread(int64_t k, int64_t chosen, int64_t n)
{
	return chosen > 1 ? k * (n - 1) / (chosen - 1) : 0;
}

/* One law of noise for the whole picture, from windows all over it. */
static int find_noise(struct course *c)
{
	enum { SIDE = 3 };
	const int64_t columns = c->w.across < SIDE ? c->w.across : SIDE;
	const int64_t rows = c->w.down < SIDE ? c->w.down : SIDE;
	int status = LACUNA_OK;

	for (int64_t k = 0; !status && k < columns * rows; k++) {
		const int64_t column = spread(k % columns, columns, c->w.across);
		const int64_t row = spread(k / columns, rows, c->w.down);
		const struct measurement m =
			measurement_of(c, place(column, c->y->extent[0], c->w.width, c->w.overlap),
				       place(row, c->y->extent[1], c->w.height, c->w.overlap));

		status = restorer_listen(c->r, &m);
	}
	if (!status)
		restorer_settle(c->r, c->m);
	return status;
}

static int allocate(struct course *c)
{
	const size_t n = lacuna_count(c->y), part = lacuna_count(&c->window);
	struct restored *out = c->out;

	out->shape = *c->y;
	out->picture = memory_alloc_array(n, sizeof(*out->picture));
	out->unchanged = memory_alloc(n);
	out->samples = memory_alloc_array(1, sizeof(*out->samples));
	c->cut = memory_alloc_array(part, sizeof(*c->cut));
	if (c->m->deviation)
		c->deviation = memory_alloc_array(part, sizeof(*c->deviation));
	if (!out->picture || !out->unchanged || !out->samples || !c->cut ||
	    (c->m->deviation && !c->deviation))
		return LACUNA_ENOMEM;
	memset(out->unchanged, 1, n);
	return LACUNA_OK;
}

int windows_run(struct restorer *r, const struct windows *w, const struct lacuna_shape *y,
		const struct measurement *m, struct restored *result)
{
	struct course c = { .r = r, .y = y, .m = m, .w = *w, .out = result };
	const int listens = restorer_estimates(r, m) && !restorer_has_settled(r);
	int status;

	*result = (struct restored){ .shape = *y };
	result->record.inner = (struct scale){ .black = m->lo, .white = m->hi };
	if (m->start)
		return refuse(restorer_job(r), y, "a start image does not go with windows");
	c.window = (struct lacuna_shape){ { c.w.width, c.w.height, y->extent[2], 1 } };
	log_message(
		LACUNA_LOG_INFO,
		"%s: restored in %lld windows of %lldx%lld, which overlap by %lld px: that is what "
		"the memory allows",
		m->name, (long long)(c.w.across * c.w.down), (long long)c.w.width,
		(long long)c.w.height, (long long)c.w.overlap);
	status = restorer_shape(r, &c.window);
	if (!status)
		status = allocate(&c);
	if (!status && listens)
		status = find_noise(&c);
	for (int64_t k = 0; !status && k < c.w.across * c.w.down; k++)
		status = run_window(&c, k % c.w.across, k / c.w.across);
	if (!status && c.empty)
		log_message(LACUNA_LOG_WARN,
			    "%s: in %lld windows nothing was measured; they are left missing",
			    m->name, (long long)c.empty);
	result->record.constant = !result->sample_count;
	result->record.residual = sqrt(result->record.residual);
	if (listens)
		restorer_forget(r);
	memory_release(c.cut);
	memory_release(c.deviation);
	return status;
}
