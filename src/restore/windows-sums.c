/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Sums of windows: the rows of the result that windows still add to, and their way to the sink once they are complete. */
#include <config.h>

#include "base/memory.h"
#include "restore/windows-private.h"

#include <string.h>

/* Number of rows that are written at once; next, number of rows of sums that there is room for. */
static int64_t rows_written(int64_t multiple)
{
	enum { ROWS = 32 };

	return (ROWS + multiple - 1) / multiple * multiple;
}

static int64_t rows_summed(const struct windows *w, int64_t multiple)
{
	return windows_shorter(w->factor * w->height + multiple - 1, w->factor * w->y.extent[1]);
}

double sums_memory(const struct windows *w, int64_t multiple, int deviation)
{
	/* A value (4 bytes), its unchanged flag (1 byte), its deviation. */
	const double row =
		(deviation ? 9.0 : 5.0) * (double)(w->factor * w->y.extent[0] * w->y.extent[2]);

	return row * (double)(rows_summed(w, multiple) + rows_written(multiple));
}

void sums_free(struct sums *s)
{
	memory_release(s->picture);
	memory_release(s->deviation);
	memory_release(s->unchanged);
	memory_release(s->weights);
	memory_release(s->rows);
	memory_release(s->rows_deviation);
	memory_release(s->rows_unchanged);
}

static int create_deviation(size_t row, struct sums *s)
{
	s->deviation = memory_alloc_array(row * (size_t)s->room, sizeof *s->deviation);
	s->rows_deviation = memory_alloc_array(row * (size_t)s->rows_most, sizeof *s->rows);
	return s->deviation && s->rows_deviation ? LACUNA_OK : LACUNA_ENOMEM;
}

static int create_unchanged(size_t row, struct sums *s)
{
	s->unchanged = memory_alloc(row * (size_t)s->room);
	s->rows_unchanged = memory_alloc(row * (size_t)s->rows_most);
	if (!s->unchanged || !s->rows_unchanged)
		return LACUNA_ENOMEM;
	memset(s->unchanged, 1, row * (size_t)s->room);
	return LACUNA_OK;
}

int sums_create(const struct windows *w, int64_t multiple, int deviation, struct sums *s)
{
	const struct lacuna_shape all = windows_result(w);
	const size_t row = (size_t)(all.extent[0] * all.extent[2]);
	int status = LACUNA_OK;

	s->width = all.extent[0];
	s->channels = all.extent[2];
	s->room = rows_summed(w, multiple);
	s->rows_most = windows_shorter(rows_written(multiple), s->room);
	s->picture = memory_alloc_array(row * (size_t)s->room, sizeof *s->picture);
	s->rows = memory_alloc_array(row * (size_t)s->rows_most, sizeof *s->rows);
	s->weights = memory_alloc_array((size_t)(w->factor * w->width), sizeof *s->weights);
	if (!s->picture || !s->rows || !s->weights)
		return LACUNA_ENOMEM;
	if (deviation)
		status = create_deviation(row, s);
	return status || w->factor > 1 ? status : create_unchanged(row, s);
}

/* Without flags, all values of a constant part are unchanged, and none of another. */
static int is_unchanged(const struct restored *part, size_t i)
{
	return part->record.unchanged ? part->record.unchanged[i] : part->record.constant;
}

/* The deviations of overlapping windows are averaged like their values: both restore from nearly the same data, so their
 * errors are nearly the same. */
void sums_add(struct sums *s, const struct windows *w, int64_t number, const struct restored *part)
{
	const struct lacuna_region region = windows_region(w, number);
	const int64_t width = w->factor * w->width, height = w->factor * w->height;
	const int64_t x0 = w->factor * region.origin[0], y0 = w->factor * region.origin[1];

	for (int64_t i = 0; i < width; i++)
		s->weights[i] = windows_ramp(w, 0, number, i);
	for (int64_t ch = 0; ch < s->channels; ch++)
		for (int64_t j = 0; j < height; j++) {
			const float wy = windows_ramp(w, 1, number, j);
			const size_t from = (size_t)(width * (j + height * ch));
			const size_t to =
				(size_t)(x0 + s->width * (y0 + j - s->top + s->room * ch));

			for (int64_t i = 0; i < width; i++) {
				const float f = wy * s->weights[i];

				if (!(f > 0)) /* NaN there belongs to another window */
					continue;
				s->picture[to + (size_t)i] += f * part->picture[from + (size_t)i];
				if (s->deviation && part->deviation) /* else known: 0 */
					s->deviation[to + (size_t)i] +=
						f * part->deviation[from + (size_t)i];
				if (s->unchanged && !is_unchanged(part, from + (size_t)i))
					s->unchanged[to + (size_t)i] = 0;
			}
		}
}

static int sums_write(struct sums *s, const struct windows_io *io, int64_t count)
{
	const size_t n = (size_t)(s->width * count);
	const struct windows_rows rows = { s->top, count, s->rows, s->rows_deviation,
					   s->rows_unchanged };

	for (int64_t ch = 0; ch < s->channels; ch++) {
		const size_t from = (size_t)(s->width * s->room * ch), to = n * (size_t)ch;

		memcpy(s->rows + to, s->picture + from, n * sizeof *s->rows);
		if (s->deviation)
			memcpy(s->rows_deviation + to, s->deviation + from, n * sizeof *s->rows);
		if (s->unchanged)
			memcpy(s->rows_unchanged + to, s->unchanged + from, n);
	}
	return io->write(io->context, &rows);
}

/* Drops the first rows of planes and moves the others up. */
static void shift(const struct sums *s, int64_t count, size_t size, void *planes, int fill)
{
	const size_t gone = size * (size_t)(s->width * count);
	const size_t stay = size * (size_t)(s->width * (s->room - count));

	for (int64_t ch = 0; planes && ch < s->channels; ch++) {
		unsigned char *plane = (unsigned char *)planes + (gone + stay) * (size_t)ch;

		memmove(plane, plane + gone, stay);
		memset(plane + stay, fill, gone);
	}
}

static void sums_shift(struct sums *s, int64_t count)
{
	shift(s, count, sizeof *s->picture, s->picture, 0);
	shift(s, count, sizeof *s->deviation, s->deviation, 0);
	shift(s, count, sizeof *s->unchanged, s->unchanged, 1);
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

int sums_flush(struct sums *s, const struct windows *w, const struct windows_io *io, int64_t end)
{
	const int64_t all = windows_result(w).extent[1];
	int status = LACUNA_OK;

	while (!status && s->top < end) {
		const int64_t count =
			boundary(io, windows_shorter(end, s->top + s->rows_most), all) - s->top;

		if (count <= 0)
			break;
		status = sums_write(s, io, count);
		sums_shift(s, count);
	}
	return status;
}
