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

/* The factor if the result has the shape of y, or a multiple of it; else 0. */
static int64_t factor_of(const struct problem *p, int64_t side, int64_t channels)
{
	const int64_t *window = problem_window(p)->extent;
	const int64_t factor = window[0] / side;

	return window[0] == factor * side && window[1] == factor * side &&
			       problem_x(p)->extent[2] == channels &&
			       (problem_flags(p) & LACUNA_LINEAR)
		       ? factor
		       : 0;
}

/* Creates the problem on a square image; refuses operators without a factor. */
static int try_operator(const struct restore_job *job, int64_t side, int64_t channels,
			struct problem **p)
{
	const struct lacuna_shape y = { { side, side, channels, 1 } };
	int status = problem_create(job->operators, job->operator_count, 1, &y, p);

	if (status || factor_of(*p, side, channels))
		return status;
	problem_destroy(*p);
	*p = NULL;
	return error_set(LACUNA_EUNSUPPORTED, "another size");
}

/* Fills x with noise that depends on the place in the window, so that a smaller problem sees a part of the same scene. */
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
	float *x = memory_alloc_array(lacuna_count(problem_x(p)), sizeof *x);
	int status = LACUNA_ENOMEM;

	*y = memory_alloc_array(lacuna_count(problem_y(p)), sizeof **y);
	if (x && *y) {
		fill(p, shift, x);
		status = problem_apply(p, x, *y);
	}
	memory_release(x);
	return status;
}

/* Width of the rim where the answer of the small problem, at an odd place of the large one, differs from the large one's. */
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

/* How far x extends beyond its window, in pixels of y; the reach includes that. */
static int64_t beyond(const struct problem *p, int64_t factor)
{
	const int64_t *origin = problem_window(p)->origin;
	const int64_t most = origin[0] > origin[1] ? origin[0] : origin[1];

	return (most + factor - 1) / factor;
}

int windows_reach(const struct restore_job *job, int64_t channels, int64_t *reach, int64_t *factor)
{
	const int64_t shift = 23;
	struct problem *large = NULL, *small = NULL;
	float *y_large = NULL, *y_small = NULL;
	int status = try_operator(job, LARGE, channels, &large);

	if (!status)
		status = try_operator(job, SMALL, channels, &small);
	if (!status) {
		*factor = factor_of(small, SMALL, channels);
		if (factor_of(large, LARGE, channels) != *factor)
			status = error_set(LACUNA_EUNSUPPORTED, "another size");
	}
	if (!status)
		status = apply_to_noise(large, 0, &y_large);
	if (!status)
		status = apply_to_noise(small, shift * *factor, &y_small);
	if (!status) {
		/* The reach if no rim differs. */
		const int64_t far = beyond(small, *factor);

		*reach = differing_rim(y_large, y_small, shift, channels);
		*reach = *reach > far ? *reach : far;
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

/* Within so many pixels of the border the effect of missing surroundings on a deconvolution and the network fades. */
int64_t windows_margin(int64_t reach)
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
			 "needs about %.1f MiB of memory, but only %.1f MiB are allowed, and %s; "
			 "raise --memory or restore the picture in parts",
			 (double)session_memory(y, y) / 0x1p20, (double)job->budget / 0x1p20, why);
}

static struct lacuna_shape shape_of(const struct windows *w, int64_t factor)
{
	return (struct lacuna_shape){ { factor * w->width, factor * w->height, w->y.extent[2],
					1 } };
}

struct lacuna_shape windows_result(const struct windows *w)
{
	const int64_t *y = w->y.extent;

	return (struct lacuna_shape){ { w->factor * y[0], w->factor * y[1], y[2], 1 } };
}

static int64_t shorter(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Number of rows that are written at once; next, number of rows of sums that there is room for. */
static int64_t rows_written(int64_t multiple)
{
	enum { ROWS = 32 };

	return (ROWS + multiple - 1) / multiple * multiple;
}

static int64_t rows_summed(const struct windows *w, int64_t multiple)
{
	return shorter(w->factor * w->height + multiple - 1, w->factor * w->y.extent[1]);
}

/* Work space of a network: as large as all else that a window needs, up to a limit that the prior sets itself. */
static double network_memory(const struct lacuna_shape *x, const struct lacuna_shape *y)
{
	static const double most = 0x1p30;

	return fmin((double)session_memory(x, y), most);
}

/* Bytes for windows of this size. */
static double memory_of(const struct windows *w, const struct windows_cost *cost)
{
	const struct lacuna_shape y = shape_of(w, 1);
	struct lacuna_shape x = shape_of(w, w->factor);
	/* A value (4 bytes) and its unchanged flag (1 byte). */
	const double row = 5.0 * (double)(w->factor * w->y.extent[0] * w->y.extent[2]);
	const double sums =
		row * (double)(rows_summed(w, cost->multiple) + rows_written(cost->multiple));

	x.extent[0] += w->beyond[0];
	x.extent[1] += w->beyond[1];
	return (double)session_memory(&x, &y) + network_memory(&x, &y) + cost->fixed + sums +
	       cost->row * (double)(w->height + cost->multiple);
}

/* The least number from `least' on that has the same remainder as n, modulo the grid.  With such overlaps and sides all
 * windows begin on the grid, and the last one ends with the picture. */
static int64_t congruent(int64_t least, int64_t n)
{
	const int64_t more = (n - least) % WINDOWS_GRID;

	return least + more + (more < 0 ? WINDOWS_GRID : 0);
}

static void set_sides(struct windows *w, int64_t width, int64_t height)
{
	const int64_t *y = w->y.extent;

	w->width = shorter(congruent(width, y[0]), y[0]);
	w->height = shorter(congruent(height, y[1]), y[1]);
	/* Symmetric priors see square images in eight orientations, others in four: windows are square if the picture is.
	 * Along its longer side there is room for more. */
	if (w->width == w->height && y[0] != y[1])
		*(y[0] > y[1] ? &w->width : &w->height) += WINDOWS_GRID;
	w->across = count_along(y[0], w->width, w->overlap[0]);
	w->down = count_along(y[1], w->height, w->overlap[1]);
}

/* The least side with which `count' windows cover a length. */
static int64_t least_side(int64_t length, int64_t count, int64_t overlap)
{
	return (length + (count - 1) * overlap + count - 1) / count;
}

/* Makes windows smaller that overlap more than they must. */
static void tighten(struct windows *w)
{
	const int64_t *y = w->y.extent;
	struct windows tight = *w;

	set_sides(&tight, least_side(y[0], w->across, w->overlap[0]),
		  least_side(y[1], w->down, w->overlap[1]));
	if (tight.width <= w->width && tight.height <= w->height)
		*w = tight;
}

static void set_overlap(struct windows *w)
{
	for (int i = 0; i < 2; i++)
		w->overlap[i] = congruent(2 * windows_margin(w->reach), w->y.extent[i]);
}

static int set_beyond(const struct restore_job *job, struct windows *w)
{
	struct lacuna_shape x;
	const int status = problem_find_x(job->operators, job->operator_count, &w->y, &x);

	for (int i = 0; !status && i < 2; i++)
		w->beyond[i] = x.extent[i] - w->factor * w->y.extent[i];
	return status;
}

/* restorer_shape() is then certain to refuse y. */
static int is_too_large(const struct restore_job *job, const struct lacuna_shape *y)
{
	return session_memory(y, y) > job->budget;
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
	bytes = (double)session_memory(&x, y) + cost->fixed + cost->row * (double)y->extent[1];
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

	if (job->deviation)
		return refuse(job, y, "--std does not work in windows");
	if (job->samples > 1 || job->sample || method->wish.sampler ||
	    !strcmp(method->name, "sample"))
		return refuse(job, y, "only --method best and fast work in windows");
	*w = (struct windows){ .y = *y };
	status = windows_reach(job, y->extent[2], &w->reach, &w->factor);
	if (status == LACUNA_EUNSUPPORTED)
		return refuse(job, y, "windows need an operator that is the same everywhere");
	if (status == LACUNA_ENOMEM)
		return refuse(job, y, "that is not enough for windows");
	if (!status)
		status = set_beyond(job, w);
	if (status)
		return status;
	set_overlap(w);
	side = (2 * windows_margin(w->reach) + 2 * STEP + WINDOWS_GRID) / STEP * STEP;
	set_sides(w, side, side);
	if (memory_of(w, cost) > budget)
		return error_set(LACUNA_ENOMEM,
				 "needs %.1f MiB of memory even in windows, but only %.1f MiB are "
				 "allowed; raise --memory",
				 memory_of(w, cost) / 0x1p20, budget / 0x1p20);
	for (struct windows larger = *w; side < SIDE_MOST; side += STEP) {
		set_sides(&larger, side + STEP, side + STEP);
		if (memory_of(&larger, cost) > budget)
			break;
		*w = larger;
	}
	tighten(w);
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
	set_overlap(w);
	return status;
}

static int64_t side_of(const struct windows *w, int axis)
{
	return axis ? w->height : w->width;
}

static int64_t count_of(const struct windows *w, int axis)
{
	return axis ? w->down : w->across;
}

/* Where the k-th window along an axis begins: evenly spaced, on the grid, and the last one ends with the picture. */
static int64_t place(const struct windows *w, int axis, int64_t k)
{
	const int64_t last = w->y.extent[axis] - side_of(w, axis), steps = count_of(w, axis) - 1;

	return k < steps ? k * (last / WINDOWS_GRID) / steps * WINDOWS_GRID : last;
}

struct lacuna_region windows_region(const struct windows *w, int64_t i)
{
	return (struct lacuna_region){ { place(w, 0, i % w->across), place(w, 1, i / w->across), 0,
					 0 },
				       { w->width, w->height, w->y.extent[2], 1 } };
}

/* Middle of the overlap of windows k and k + 1. */
static double middle(const struct windows *w, int axis, int64_t k)
{
	return 0.5 * (double)(place(w, axis, k) + side_of(w, axis) + place(w, axis, k + 1));
}

/* Length of the ramp from window k to the next, around that middle: ramps leave out the outer halves of the margin and never
 * overlap. */
static double length(const struct windows *w, int axis, int64_t k)
{
	double least = 0.5 * (double)w->overlap[axis];

	if (k > 0)
		least = fmin(least, middle(w, axis, k) - middle(w, axis, k - 1));
	if (k + 2 < count_of(w, axis))
		least = fmin(least, middle(w, axis, k + 1) - middle(w, axis, k));
	return least;
}

/* Weight of window i at pixel `at' of its result along an axis: 1 inside; in an overlap, a ramp; both ramps sum to 1. */
static float ramp(const struct windows *w, int axis, int64_t i, int64_t at)
{
	const int64_t k = axis ? i / w->across : i % w->across;
	const double t = (double)place(w, axis, k) + ((double)at + 0.5) / (double)w->factor;
	double weight = 1;

	if (k > 0)
		weight = fmin(weight, 0.5 + (t - middle(w, axis, k - 1)) / length(w, axis, k - 1));
	if (k + 1 < count_of(w, axis))
		weight = fmin(weight, 0.5 - (t - middle(w, axis, k)) / length(w, axis, k));
	return weight > 0 ? (float)weight : 0;
}

float windows_weight(const struct windows *w, int64_t i, int64_t x, int64_t y)
{
	return ramp(w, 1, i, y) * ramp(w, 0, i, x);
}

/* Pixels first..end-1 of y along an axis have a weight in the k-th window. */
static void counted(const struct windows *w, int axis, int64_t k, int64_t *first, int64_t *end)
{
	*first = place(w, axis, k);
	*end = *first + side_of(w, axis);
	if (k > 0)
		*first = (int64_t)(middle(w, axis, k - 1) - 0.5 * length(w, axis, k - 1));
	if (k + 1 < count_of(w, axis))
		*end = (int64_t)ceil(middle(w, axis, k) + 0.5 * length(w, axis, k));
}

static int is_active(const struct windows *w, const struct holes *h, int64_t i)
{
	int64_t x0, x1, y0, y1;

	counted(w, 0, i % w->across, &x0, &x1);
	counted(w, 1, i / w->across, &y0, &y1);
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

	for (int i = 0; i < 2; i++)
		w.overlap[i] = congruent(2 * margin, y->extent[i]);
	for (int64_t side = 2 * margin + STEP; side < 2 * margin + SIDE_MOST; side += STEP) {
		double work;

		set_sides(&w, side, side);
		if (w.across * w.down == 1 || memory_of(&w, cost) > budget)
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

/* ---- sums of windows --------------------------------------------------------------------------------- */

/* Rows of the result that are not complete yet. */
struct sums {
	int64_t width, channels, room; /* rows */
	int64_t top;		       /* first row of the result held here */
	float *picture;		       /* planar, `room' rows a plane */
	unsigned char *unchanged;      /* likewise; NULL: the result has another shape */
	float *weights;		       /* of the columns of a window */
	float *rows;		       /* to be written, planar */
	unsigned char *rows_unchanged;
	int64_t rows_most;
};

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
};

static void sums_free(struct sums *s)
{
	memory_release(s->picture);
	memory_release(s->unchanged);
	memory_release(s->weights);
	memory_release(s->rows);
	memory_release(s->rows_unchanged);
}

static int sums_create(const struct windows *w, int64_t multiple, struct sums *s)
{
	const struct lacuna_shape all = windows_result(w);
	const size_t row = (size_t)(all.extent[0] * all.extent[2]);

	s->width = all.extent[0];
	s->channels = all.extent[2];
	s->room = rows_summed(w, multiple);
	s->rows_most = shorter(rows_written(multiple), s->room);
	s->picture = memory_alloc_array(row * (size_t)s->room, sizeof *s->picture);
	s->rows = memory_alloc_array(row * (size_t)s->rows_most, sizeof *s->rows);
	s->weights = memory_alloc_array((size_t)(w->factor * w->width), sizeof *s->weights);
	if (!s->picture || !s->rows || !s->weights)
		return LACUNA_ENOMEM;
	if (w->factor > 1)
		return LACUNA_OK;
	s->unchanged = memory_alloc(row * (size_t)s->room);
	s->rows_unchanged = memory_alloc(row * (size_t)s->rows_most);
	if (!s->unchanged || !s->rows_unchanged)
		return LACUNA_ENOMEM;
	memset(s->unchanged, 1, row * (size_t)s->room);
	return LACUNA_OK;
}

/* Without flags, all values of a constant part are unchanged, and none of another. */
static int is_unchanged(const struct restored *part, size_t i)
{
	return part->record.unchanged ? part->record.unchanged[i] : part->record.constant;
}

static void sums_add(struct course *c, int64_t number, const struct restored *part)
{
	const struct windows *w = &c->w;
	const struct lacuna_region region = windows_region(w, number);
	const int64_t width = w->factor * w->width, height = w->factor * w->height;
	const int64_t x0 = w->factor * region.origin[0], y0 = w->factor * region.origin[1];
	struct sums *s = &c->sums;

	for (int64_t i = 0; i < width; i++)
		s->weights[i] = ramp(w, 0, number, i);
	for (int64_t ch = 0; ch < s->channels; ch++)
		for (int64_t j = 0; j < height; j++) {
			const float wy = ramp(w, 1, number, j);
			const size_t from = (size_t)(width * (j + height * ch));
			const size_t to =
				(size_t)(x0 + s->width * (y0 + j - s->top + s->room * ch));

			for (int64_t i = 0; i < width; i++) {
				const float f = wy * s->weights[i];

				if (!(f > 0)) /* NaN there belongs to another window */
					continue;
				s->picture[to + (size_t)i] += f * part->picture[from + (size_t)i];
				if (s->unchanged && !is_unchanged(part, from + (size_t)i))
					s->unchanged[to + (size_t)i] = 0;
			}
		}
}

static int sums_write(struct course *c, int64_t count)
{
	struct sums *s = &c->sums;
	const size_t n = (size_t)(s->width * count);

	for (int64_t ch = 0; ch < s->channels; ch++) {
		const size_t from = (size_t)(s->width * s->room * ch), to = n * (size_t)ch;

		memcpy(s->rows + to, s->picture + from, n * sizeof *s->rows);
		if (s->unchanged)
			memcpy(s->rows_unchanged + to, s->unchanged + from, n);
	}
	return c->io->write(c->io->context, s->top, count, s->rows, s->rows_unchanged);
}

/* Drops the first rows and moves the others up. */
static void sums_shift(struct sums *s, int64_t count)
{
	const size_t gone = (size_t)(s->width * count);
	const size_t stay = (size_t)(s->width * (s->room - count));

	for (int64_t ch = 0; ch < s->channels; ch++) {
		float *plane = s->picture + s->width * s->room * ch;
		unsigned char *flags = s->unchanged + s->width * s->room * ch;

		memmove(plane, plane + gone, stay * sizeof *plane);
		memset(plane + stay, 0, gone * sizeof *plane);
		if (!s->unchanged)
			continue;
		memmove(flags, flags + gone, stay);
		memset(flags + stay, 1, gone);
	}
	s->top += count;
}

/* The end of the complete rows that may be written now, since the sink takes rows in multiples. */
static int64_t boundary(const struct windows_io *io, int64_t end, int64_t all)
{
	int64_t odd = (end - io->first) % io->multiple;

	if (end == all)
		return end;
	odd += odd < 0 ? io->multiple : 0;
	return end - odd;
}

/* Writes the rows above `end', which are complete. */
static int sums_flush(struct course *c, int64_t end)
{
	struct sums *s = &c->sums;
	const int64_t all = windows_result(&c->w).extent[1];
	int status = LACUNA_OK;

	while (!status && s->top < end) {
		const int64_t count =
			boundary(c->io, shorter(end, s->top + s->rows_most), all) - s->top;

		if (count <= 0)
			break;
		status = sums_write(c, count);
		sums_shift(s, count);
	}
	return status;
}

/* ---- one window -------------------------------------------------------------------------------------- */

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
	return c->io->read(c->io->context, &region, c->cut, c->deviation);
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
	all->noise = one->noise;
	all->estimated = one->estimated;
	all->description = one->description;
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
	const struct lacuna_shape window = shape_of(&c->w, 1);
	const size_t n = lacuna_count(&window);
	size_t i = 0;

	while (i < n && isnan(c->cut[i]))
		i++;
	return i == n;
}

/* Leaves a window missing: there is nothing to restore it from. */
static int leave_empty(const struct course *c, struct restored *part)
{
	const struct lacuna_shape window = shape_of(&c->w, c->w.factor);
	const size_t n = lacuna_count(&window);

	part->record.shape = window;
	part->record.constant = 1;
	part->record.missing = n;
	part->picture = memory_alloc_array(n, sizeof *part->picture);
	if (!part->picture)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < n; i++)
		part->picture[i] = NAN;
	return LACUNA_OK;
}

static int was_empty(const struct restored *part)
{
	return part->record.constant && part->record.missing == lacuna_count(&part->record.shape);
}

/* Adds a window that is known already: nothing is missing where it has a weight. */
static int leave_known(struct course *c, int64_t number)
{
	struct restored part = { .picture = c->cut, .record.constant = 1 };
	struct measurement m;
	const int status = measurement_of(c, number, &m);

	if (!status)
		sums_add(c, number, &part);
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
	return is_empty(c) ? leave_empty(c, part) : restorer_run(c->r, &m, part);
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
		sums_add(c, i, &part);
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
	const int64_t top = waits < 0 ? 0 : shorter(waits, y0);

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
	const struct lacuna_shape window = shape_of(&c->w, 1);
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
	return c->out->record.samples ? sums_create(&c->w, c->io->multiple, &c->sums)
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
	return sums_flush(c,
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
		return refuse(restorer_job(r), &w->y, "a start image does not work in windows");
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
	course_free(&c);
	return status;
}

/* ---- on arrays --------------------------------------------------------------------------------------- */

struct arrays {
	const struct windows *w;
	const struct measurement *m;
	struct restored *result;
	float *picture;
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

static int write_arrays(void *context, int64_t top, int64_t count, float *picture,
			const unsigned char *unchanged)
{
	const struct arrays *a = context;
	const struct lacuna_shape all = windows_result(a->w);
	const int64_t width = all.extent[0];
	const size_t n = (size_t)(width * count);

	for (int64_t c = 0; c < all.extent[2]; c++) {
		const int64_t to = width * (top + all.extent[1] * c);

		memcpy(a->picture + to, picture + n * (size_t)c, n * sizeof *picture);
		if (unchanged)
			memcpy(a->unchanged + to, unchanged + n * (size_t)c, n);
	}
	return LACUNA_OK;
}

int windows_run(struct restorer *r, const struct windows *w, const struct measurement *m,
		struct restored *result)
{
	const struct lacuna_shape all = windows_result(w);
	struct arrays a = { .w = w, .m = m };
	const struct windows_io io = { move_in_arrays, read_arrays, write_arrays, 1, 0, &a };
	int status = LACUNA_ENOMEM;

	const int listens = !restorer_has_settled(r);

	*result = (struct restored){ 0 };
	a.picture = memory_alloc_array(lacuna_count(&all), sizeof *a.picture);
	a.unchanged = w->factor > 1 ? NULL : memory_alloc(lacuna_count(&all));
	if (a.picture && (a.unchanged || w->factor > 1))
		status = windows_stream(r, w, m, &io, result);
	result->picture = a.picture;
	result->record.unchanged = a.unchanged;
	if (listens)
		restorer_forget(r);
	return status;
}
