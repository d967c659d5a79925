/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Restores the windows one after another.  windows-plan.c and windows-layout.c tell where they lie; windows-sums.c puts the
 * results together. */
#include <config.h>

#include "base/log.h"
#include "base/memory.h"
#include "restore/windows-private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct course {
	struct restorer *r;
	const struct measurement *m;
	const struct windows_io *io;
	struct windows w;
	float *cut, *deviation; /* of the current window */
	struct sums sums;
	struct restored *out;
	int64_t empty;	    /* windows without any measurement */
	int64_t done, todo; /* windows to restore */
	int64_t noisy;	    /* windows that are in record.noise */
	int uneven;	    /* in one of them the noise differs from place to place */
	struct noise law;   /* the sum of their laws, in the values of the file */
};

/* ---- one window -------------------------------------------------------------------------------------- */

/* The pixels of window i that count as its own, of those that count in the whole. */
static struct lacuna_region counted_in(const struct course *c, int64_t i)
{
	const struct lacuna_region region = windows_region(&c->w, i), *all = &c->m->counted;
	struct lacuna_region r = { { 0 }, { 1, 1, c->w.y.extent[2], 1 } };

	for (int d = 0; d < 2; d++) {
		const int64_t k = d ? i / c->w.across : i % c->w.across;
		int64_t first, end;

		windows_owned(&c->w, d, k, &first, &end);
		if (all->extent[3]) {
			first = first > all->origin[d] ? first : all->origin[d];
			end = windows_shorter(end, all->origin[d] + all->extent[d]);
		}
		r.origin[d] = first - region.origin[d];
		r.extent[d] = end > first ? end - first : 0;
	}
	return r;
}

/* Sets m for window i and reads its pixels. */
static int measurement_of(const struct course *c, int64_t i, struct measurement *m)
{
	const struct lacuna_region region = windows_region(&c->w, i);

	*m = *c->m;
	m->y = c->cut;
	m->deviation = c->deviation;
	if (!m->whole.extent[0])
		m->whole = c->w.y;
	m->x += region.origin[0];
	m->y0 += region.origin[1];
	m->counted = counted_in(c, i);
	return c->io->read(c->io->context, &region, c->cut, c->deviation);
}

static const struct scale file_scale = { .black = 0, .white = 1 };

/* Windows differ in their noise where one was restored again with more.  Variances have a mean, and so have their laws. */
static void add_law(struct course *c, const struct restore_record *one)
{
	const struct noise law = noise_rescale(&one->description.noise, &one->inner, &file_scale);

	c->law.slope += law.slope;
	c->law.offset += law.offset;
	c->law.sigma += law.sigma * law.sigma;
	c->law.least_variance += law.least_variance;
}

static struct noise mean_law(const struct course *c)
{
	const struct restore_record *all = &c->out->record;
	const double n = (double)c->noisy;
	struct noise law = all->description.noise;

	law.slope = c->law.slope / n;
	law.offset = c->law.offset / n;
	law.sigma = sqrt(c->law.sigma / n);
	law.least_variance = c->law.least_variance / n;
	return noise_rescale(&law, &file_scale, &all->inner);
}

/* Until finish_noise(), noise is a sum of squares, and places are the least and the most noise, not relative to it. */
static void add_noise(struct course *c, const struct restore_record *one)
{
	struct restore_record *all = &c->out->record;
	const int uneven = one->places[1] > 0;
	const double least = one->noise * (uneven ? one->places[0] : 1);
	const double most = one->noise * (uneven ? one->places[1] : 1);

	all->noise += one->noise * one->noise;
	all->places[0] = c->noisy ? fmin(all->places[0], least) : least;
	all->places[1] = fmax(all->places[1], most);
	c->uneven |= uneven;
	c->noisy++;
	add_law(c, one);
}

static void finish_noise(struct course *c)
{
	struct restore_record *all = &c->out->record;

	if (c->noisy) {
		all->noise = sqrt(all->noise / (double)c->noisy);
		all->description.noise = mean_law(c);
	}
	for (int i = 0; i < 2; i++)
		all->places[i] = c->uneven ? all->places[i] / all->noise : 0;
}

static void add_record(struct course *c, const struct restored *part)
{
	struct restore_record *all = &c->out->record;
	const struct restore_record *one = &part->record;
	const double share = 1 / (double)c->todo;
	struct session_stats *sum = c->out->record.samples;

	all->residual += one->residual * one->residual * share;
	all->doubts += one->doubts;
	all->missing += one->missing;
	all->rejected += one->rejected;
	if (one->constant)
		return;
	all->inner = one->inner;
	add_noise(c, one);
	all->estimated = one->estimated;
	all->description = one->description;
	if (!all->dealt_with || one->places[1] > 0)
		all->dealt_with = one->dealt_with;
	all->precision = one->precision;
	all->deviation = one->deviation;
	sum->steps = part->record.samples->steps;
	sum->evaluations += part->record.samples->evaluations;
	sum->seconds += part->record.samples->seconds;
	sum->prior_seconds += part->record.samples->prior_seconds;
	c->out->record.sample_count = 1;
}

/* True when nothing was measured in the current window. */
static int is_empty(const struct course *c)
{
	const struct lacuna_shape window = windows_shape(&c->w, 1);
	const size_t n = lacuna_count(&window);
	size_t i = 0;

	while (i < n && isnan(c->cut[i]))
		i++;
	return i == n;
}

/* Leaves a window missing: there is nothing to restore it from. */
static int leave_empty(const struct course *c, int64_t number, struct restored *part)
{
	const struct lacuna_region counted = counted_in(c, number);
	const struct lacuna_shape window = windows_shape(&c->w, c->w.factor);
	const size_t n = lacuna_count(&window);
	const int deviation = restorer_job(c->r)->deviation;

	part->record.shape = window;
	part->record.constant = 1;
	part->record.missing = (size_t)(counted.extent[0] * counted.extent[1] * counted.extent[2]);
	part->picture = memory_alloc_array(n, sizeof *part->picture);
	if (deviation)
		part->deviation = memory_alloc_array(n, sizeof *part->deviation);
	if (!part->picture || (deviation && !part->deviation))
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < n; i++)
		part->picture[i] = NAN;
	for (size_t i = 0; deviation && i < n; i++)
		part->deviation[i] = NAN;
	return LACUNA_OK;
}

static int was_empty(const struct restored *part)
{
	return part->record.constant && isnan(part->picture[0]);
}

/* Adds a window that is known already: nothing is missing where it has a weight. */
static int leave_known(struct course *c, int64_t number)
{
	struct restored part = { .picture = c->cut, .record.constant = 1 };
	struct measurement m;
	const int status = measurement_of(c, number, &m);

	if (!status)
		sums_add(&c->sums, &c->w, number, &part);
	return status;
}

static int restore_window(const struct course *c, int64_t i, struct restored *part)
{
	/* Number among the windows to restore, or among all if this one is restored alone. */
	const int64_t at = c->todo ? c->done : i;
	const int64_t count = c->todo ? c->todo : c->w.across * c->w.down;
	struct measurement m;
	char name[128];
	int status = measurement_of(c, i, &m);

	if (status)
		return status;
	snprintf(name, sizeof name, "%s, part %lld of %lld", c->m->name, (long long)(at + 1),
		 (long long)count);
	m.name = name;
	m.part = at;
	m.parts = count;
	return is_empty(c) ? leave_empty(c, i, part) : restorer_run(c->r, &m, part);
}

static int run_window(struct course *c, int64_t i)
{
	const struct restore_parts *parts = restorer_job(c->r)->parts;
	struct restored part = { 0 };
	int status;

	if (c->w.active && !c->w.active[i])
		return leave_known(c, i);
	status = parts ? parts->take(parts->context, c->m, i, &part) : PART_HERE;
	if (status == PART_HERE)
		status = restore_window(c, i, &part);
	c->done++;
	if (status >= 0) {
		sums_add(&c->sums, &c->w, i, &part);
		add_record(c, &part);
		c->empty += was_empty(&part);
	}
	restored_free(&part);
	return status < 0 ? status : LACUNA_OK;
}

/* ---- all of them ------------------------------------------------------------------------------------- */

/* Index of the k-th of `chosen' items spread evenly over n, the first and the last included. */
static int64_t spread(int64_t k, int64_t chosen, int64_t n)
{
	return chosen > 1 ? k * (n - 1) / (chosen - 1) : 0;
}

static int move_to(const struct course *c, int64_t row)
{
	const int64_t y0 = windows_region(&c->w, row * c->w.across).origin[1];
	/* The sink asks for the rows that wait to be written, too, and for one more if it interpolates between rows. */
	const int64_t waits = c->sums.top / c->w.factor - (c->w.factor > 1);
	const int64_t top = waits < 0 ? 0 : windows_shorter(waits, y0);

	return c->io->move(c->io->context, top, y0 + c->w.height);
}

/* Estimates the noise in windows all over the picture. */
static int listen(struct course *c)
{
	enum { SIDE = 3 };
	const int64_t columns = c->w.across < SIDE ? c->w.across : SIDE;
	const int64_t rows = c->w.down < SIDE ? c->w.down : SIDE;
	int status = LACUNA_OK;

	for (int64_t k = 0; !status && k < columns * rows; k++) {
		const int64_t column = spread(k % columns, columns, c->w.across);
		const int64_t row = spread(k / columns, rows, c->w.down);
		const int64_t y0 = windows_region(&c->w, row * c->w.across).origin[1];
		struct measurement m;

		status = c->io->move(c->io->context, y0, y0 + c->w.height);
		if (!status)
			status = measurement_of(c, row * c->w.across + column, &m);
		if (!status)
			status = restorer_listen(c->r, &m);
	}
	return status;
}

static int allocate_window(struct course *c)
{
	const struct lacuna_shape window = windows_shape(&c->w, 1);
	const size_t n = lacuna_count(&window);
	const int status = restorer_shape(c->r, &window, NULL);

	if (status)
		return status;
	c->cut = memory_alloc_array(n, sizeof *c->cut);
	if (c->m->deviation)
		c->deviation = memory_alloc_array(n, sizeof *c->deviation);
	return c->cut && (c->deviation || !c->m->deviation) ? LACUNA_OK : LACUNA_ENOMEM;
}

static int allocate(struct course *c)
{
	const int status = allocate_window(c);

	if (status)
		return status;
	c->out->record.samples = memory_alloc_array(1, sizeof *c->out->record.samples);
	return c->out->record.samples ? sums_create(&c->w, c->io->multiple,
						    restorer_job(c->r)->deviation, &c->sums)
				      : LACUNA_ENOMEM;
}

static void course_free(struct course *c)
{
	memory_release(c->cut);
	memory_release(c->deviation);
	sums_free(&c->sums);
}

int windows_listen(struct restorer *r, const struct windows *w, const struct measurement *m,
		   const struct windows_io *io)
{
	struct course c = { .r = r, .m = m, .io = io, .w = *w };
	const struct restore_parts *parts = restorer_job(r)->parts;
	int status = LACUNA_OK;

	if (!restorer_estimates(r, m) || restorer_has_settled(r) ||
	    (parts && parts->recall && parts->recall(parts->context, m)))
		return LACUNA_OK;
	status = allocate_window(&c);
	if (!status)
		status = listen(&c);
	if (!status)
		restorer_settle(r, m);
	if (!status && parts && parts->heard)
		parts->heard(parts->context, m);
	course_free(&c);
	return status;
}

int windows_part(struct restorer *r, const struct windows *w, const struct measurement *m,
		 const struct windows_io *io, int64_t i, struct restored *part)
{
	struct course c = { .r = r, .m = m, .io = io, .w = *w };
	const int64_t top = windows_region(w, i).origin[1];
	int status = allocate_window(&c);

	*part = (struct restored){ 0 };
	if (!status)
		status = io->move(io->context, top, top + w->height);
	if (!status)
		status = restore_window(&c, i, part);
	course_free(&c);
	return status;
}

static int64_t count_active(const struct windows *w)
{
	int64_t n = 0;

	for (int64_t i = 0; i < w->across * w->down; i++)
		n += !w->active || w->active[i];
	return n;
}

static int run_row(struct course *c, int64_t row)
{
	const struct windows *w = &c->w;
	int status = move_to(c, row);

	for (int64_t i = 0; !status && i < w->across; i++)
		status = run_window(c, row * w->across + i);
	if (status)
		return status;
	return sums_flush(&c->sums, w, c->io,
			  row + 1 < w->down
				  ? w->factor * windows_region(w, (row + 1) * w->across).origin[1]
				  : w->factor * w->y.extent[1]);
}

int windows_stream(struct restorer *r, const struct windows *w, const struct measurement *m,
		   const struct windows_io *io, struct restored *result)
{
	struct course c = { .r = r, .m = m, .io = io, .w = *w, .out = result };
	int status;

	*result = (struct restored){ .record.shape = windows_result(w) };
	result->record.inner = (struct scale){ .black = m->lo, .white = m->hi };
	if (m->start)
		return windows_refuse(restorer_job(r), &w->y,
				      "a start image does not work in windows");
	c.todo = count_active(w);
	if (w->across * w->down > 1)
		log_message(LACUNA_LOG_INFO,
			    "%s: restored in %lld window%s of %lldx%lld%s, which overlap by "
			    "%lldx%lld px",
			    m->name, (long long)c.todo, c.todo == 1 ? "" : "s", (long long)w->width,
			    (long long)w->height, w->active ? " around the holes" : "",
			    (long long)w->overlap[0], (long long)w->overlap[1]);
	status = windows_listen(r, w, m, io);
	if (!status)
		status = allocate(&c);
	for (int64_t row = 0; !status && row < w->down; row++)
		status = run_row(&c, row);
	if (!status && c.empty)
		log_message(LACUNA_LOG_WARN,
			    "%s: %lld windows have no measured value; they remain missing", m->name,
			    (long long)c.empty);
	result->record.constant = !result->record.sample_count;
	result->record.residual = sqrt(result->record.residual);
	finish_noise(&c);
	course_free(&c);
	return status;
}

/* ---- on arrays --------------------------------------------------------------------------------------- */

struct arrays {
	const struct windows *w;
	const struct measurement *m;
	struct restored *result;
	float *picture, *deviation;
	unsigned char *unchanged;
};

static int move_in_arrays(void *context, int64_t top, int64_t bottom)
{
	(void)context, (void)top, (void)bottom;
	return LACUNA_OK;
}

static int read_arrays(void *context, const struct lacuna_region *region, float *y,
		       float *deviation)
{
	const struct arrays *a = context;

	window_get(&a->w->y, region, a->m->y, y);
	if (deviation)
		window_get(&a->w->y, region, a->m->deviation, deviation);
	return LACUNA_OK;
}

static int write_arrays(void *context, const struct windows_rows *rows)
{
	const struct arrays *a = context;
	const struct lacuna_shape all = windows_result(a->w);
	const int64_t width = all.extent[0];
	const size_t n = (size_t)(width * rows->count);

	for (int64_t c = 0; c < all.extent[2]; c++) {
		const int64_t to = width * (rows->top + all.extent[1] * c);
		const size_t from = n * (size_t)c;

		memcpy(a->picture + to, rows->picture + from, n * sizeof *a->picture);
		if (rows->deviation)
			memcpy(a->deviation + to, rows->deviation + from, n * sizeof *a->picture);
		if (rows->unchanged)
			memcpy(a->unchanged + to, rows->unchanged + from, n);
	}
	return LACUNA_OK;
}

int windows_run(struct restorer *r, const struct windows *w, const struct measurement *m,
		struct restored *result)
{
	const struct lacuna_shape all = windows_result(w);
	struct arrays a = { .w = w, .m = m };
	const struct windows_io io = { move_in_arrays, read_arrays, write_arrays, 1, 0, &a };
	const int listens = !restorer_has_settled(r), deviation = restorer_job(r)->deviation;
	int status = LACUNA_ENOMEM;

	*result = (struct restored){ 0 };
	a.picture = memory_alloc_array(lacuna_count(&all), sizeof *a.picture);
	if (deviation)
		a.deviation = memory_alloc_array(lacuna_count(&all), sizeof *a.deviation);
	a.unchanged = w->factor > 1 ? NULL : memory_alloc(lacuna_count(&all));
	if (a.picture && (a.deviation || !deviation) && (a.unchanged || w->factor > 1))
		status = windows_stream(r, w, m, &io, result);
	result->picture = a.picture;
	result->deviation = a.deviation;
	result->record.unchanged = a.unchanged;
	if (listens)
		restorer_forget(r);
	return status;
}
