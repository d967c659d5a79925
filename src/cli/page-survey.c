/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Looks at all pixels of a page, some rows at a time, for what would spoil the result without a trace: dead lines of a detector,
 * areas of one value, such as frames and captions, the mosaic of a colour camera, and channels on scales of their own. */
#include <config.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/page.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* For each line, how many of its pixels differ from the next. */
struct lines {
	int64_t count, length; /* length: of a line, in all channels */
	int64_t *differ;
	unsigned char *lacks; /* has a missing value, so it is no dead line */
};

/* Differences of neighbours, as parts of the scene's range; the last bin has all that are larger. */
enum { BINS = 256 };
struct differences {
	int64_t count, bins[BINS];
};

/* Values that areas hold, one for each channel.  In the first pass `weight' counts blocks of 2x2 pixels with these values, less
 * those with values that are not among the candidates (Misra and Gries 1982): it is above 0 for all that are frequent. */
enum { CANDIDATES = 4 };
struct candidate {
	float *values;
	int64_t weight, pixels;
	struct differences border;
};

/* Sums over the values of a channel: values and squares, from the first one, and distances from the mean of both neighbours. */
struct channel {
	double count, first, sum, squares, rough;
};

struct survey {
	const struct page *p;
	int64_t w, h, channels; /* of the part that is restored */
	double span;		/* of the scene */
	int second;		/* pass */
	float *above;		/* the row before, of each channel */
	struct lines rows, columns;
	struct candidate candidates[CANDIDATES];
	struct differences scene;
	struct channel *each;
	int coloured; /* the channels of a pixel differ somewhere */
	/* Sums of differences, along rows and columns: of neighbours, and of every second pixel. */
	double beside[2], second_next[2];
};

/* Some rows; `plane' is the distance between channels.  The first has row s->above above it, unless it is row 0. */
struct rows {
	int64_t top, count, plane;
	const float *values;
};

static float at(const struct survey *s, const struct rows *r, int64_t c, int64_t y, int64_t x)
{
	return y < 0 ? s->above[c * s->w + x] : r->values[c * r->plane + y * s->w + x];
}

static int differ(float a, float b)
{
	return a < b || a > b;
}

/* ---- lines ------------------------------------------------------------------------------------------- */

static void count_lines(struct survey *s, const struct rows *r)
{
	for (int64_t c = 0; c < s->channels; c++)
		for (int64_t y = 0; y < r->count; y++)
			for (int64_t x = 0; x < s->w; x++) {
				const float v = at(s, r, c, y, x);
				const int64_t row = r->top + y;

				if (!isfinite(v))
					s->rows.lacks[row] = s->columns.lacks[x] = 1;
				if (x)
					s->rows.differ[row] += differ(v, at(s, r, c, y, x - 1));
				if (row)
					s->columns.differ[x] += differ(v, at(s, r, c, y - 1, x));
			}
}

static int is_dead(const struct lines *l, int64_t line)
{
	/* a dead column may cross dead rows */
	return !l->lacks[line] && l->differ[line] < l->length / 25 + 1;
}

static int is_lively(const struct lines *l, int64_t line)
{
	return l->lacks[line] || 2 * l->differ[line] >= l->length;
}

/* Writes the numbers of dead lines, such as 12+40-41.  Returns how many they are; 0 if more than one expects of a detector.
 * first: the number of line 0 in the page. */
static int64_t find_dead(const struct lines *l, int64_t shortest, int64_t first, char *text,
			 size_t size)
{
	enum { SHORTEST = 32, WIDEST = 3, MOST = 20 };
	int64_t found = 0, dead = 0, last;
	size_t used = 0;

	if (shortest < SHORTEST)
		return 0;
	for (int64_t i = 1; i + 1 < l->count; i = last + 1) {
		for (last = i; last < l->count && is_dead(l, last);)
			last++;
		if (last == i || last - i > WIDEST || last == l->count || !is_lively(l, i - 1) ||
		    !is_lively(l, last))
			continue;
		if (++found > MOST)
			return 0;
		dead += last - i;
		used += (size_t)snprintf(text + used, size - used, "%s%lld", used ? "+" : "",
					 (long long)(first + i));
		if (last - i > 1)
			used += (size_t)snprintf(text + used, size - used, "-%lld",
						 (long long)(first + last - 1));
	}
	return dead;
}

/* Returns the number of pixels in dead lines. */
static int64_t tell_lines(const struct survey *s, int columns)
{
	const char *what = columns ? "columns" : "rows";
	const int64_t length = columns ? s->h : s->w;
	char text[1024];
	const int64_t dead = find_dead(columns ? &s->columns : &s->rows, length,
				       s->p->part.origin[columns ? 0 : 1], text, sizeof text);

	if (dead)
		log_message(LACUNA_LOG_WARN,
			    "page %d: %s %s hold one value; if they are dead, -A mask:%s=%s after "
			    "the other operators fills them",
			    s->p->number + 1, what, text, what, text);
	return dead * length;
}

/* ---- mosaics of colours ------------------------------------------------------------------------------ */

static double finite_difference(float a, float b)
{
	const double d = fabs((double)a - (double)b);

	return isfinite(d) ? d : 0;
}

/* A gray picture that is not restored to colours. */
static int may_be_mosaic(const struct survey *s)
{
	return s->channels == 1 && s->p->x.extent[2] == 1;
}

static void compare_second(struct survey *s, const struct rows *r)
{
	for (int64_t y = 2; y < r->count; y++)
		for (int64_t x = 2; x < s->w; x++) {
			const float v = at(s, r, 0, y, x);

			s->beside[0] += finite_difference(v, at(s, r, 0, y, x - 1));
			s->second_next[0] += finite_difference(v, at(s, r, 0, y, x - 2));
			s->beside[1] += finite_difference(v, at(s, r, 0, y - 1, x));
			s->second_next[1] += finite_difference(v, at(s, r, 0, y - 2, x));
		}
}

/* In a scene, and in noise, pixels are the more alike the nearer they are.  A sensor behind a mosaic of colours sees the same
 * colour only in every second pixel. */
static void tell_mosaic(const struct survey *s)
{
	static const double alike = 0.8;

	if (may_be_mosaic(s) && s->second_next[0] < alike * s->beside[0] &&
	    s->second_next[1] < alike * s->beside[1])
		log_message(LACUNA_LOG_WARN,
			    "page %d: every second pixel is more alike than neighbours, as in the "
			    "raw picture of a colour camera; if it is one, -A bayer restores its "
			    "colours",
			    s->p->number + 1);
}

/* ---- channels ---------------------------------------------------------------------------------------- */

static void add_channels(struct survey *s, const struct rows *r)
{
	for (int64_t c = 0; c < s->channels; c++)
		for (int64_t y = 0; y < r->count; y++)
			for (int64_t x = 1; x + 1 < s->w; x++) {
				struct channel *k = &s->each[c];
				const double v = (double)at(s, r, c, y, x);
				const double mean = ((double)at(s, r, c, y, x - 1) +
						     (double)at(s, r, c, y, x + 1)) /
						    2;

				if (!isfinite(v) || !isfinite(mean))
					continue;
				k->first = k->count > 0 ? k->first : v;
				k->count++;
				k->sum += v - k->first;
				k->squares += (v - k->first) * (v - k->first);
				k->rough += fabs(v - mean);
				s->coloured |= differ((float)v, at(s, r, 0, y, x));
			}
}

static double spread(const struct channel *k)
{
	const double mean = k->sum / k->count;

	return sqrt(fmax(k->squares / k->count - mean * mean, 0));
}

/* All channels have one scale.  One whose contrast and whose grain are much weaker is nearly flat there, and the others are
 * no colours that a prior knows: they lose up to 10 dB.  In 93 colour photographs the lesser of both ratios is 2.1 at most. */
static void tell_channels(const struct survey *s)
{
	static const double most = 5;
	int64_t strong = 0;

	if (s->channels < 2)
		return;
	/* The prior for colours finds no noise in the differences of the channels: 2 dB are lost. */
	if (s->channels == 3 && !s->coloured)
		log_message(LACUNA_LOG_INFO,
			    "page %d: its channels are all alike; converted to gray it would be "
			    "restored better",
			    s->p->number + 1);
	for (int64_t c = 1; c < s->channels; c++)
		strong = spread(&s->each[c]) > spread(&s->each[strong]) ? c : strong;
	for (int64_t c = 0; c < s->channels; c++) {
		const double part = spread(&s->each[c]) / spread(&s->each[strong]);

		if (!(part > 0) || part > 1 / most ||
		    !(s->each[c].rough * most < s->each[strong].rough))
			continue;
		log_message(LACUNA_LOG_WARN,
			    "page %d: channel %lld has only %.2g %% of the contrast of channel "
			    "%lld, but all are restored on one scale; each in a file of its own "
			    "(gdal_translate -b %lld) is restored better",
			    s->p->number + 1, (long long)c + 1, 100 * part, (long long)strong + 1,
			    (long long)c + 1);
		return;
	}
}

/* ---- areas ------------------------------------------------------------------------------------------- */

/* True for operators that mix pixels, so that an area spoils what is around it. */
static int mixes_pixels(const struct page *p)
{
	return !(p->r->operator_flags & LACUNA_PIXELWISE);
}

static int has_values(const struct survey *s, const struct rows *r, int64_t y, int64_t x,
		      const float *values)
{
	for (int64_t c = 0; c < s->channels; c++) {
		const float v = at(s, r, c, y, x);

		if (!isfinite(v) || differ(v, values[c]))
			return 0;
	}
	return 1;
}

static void vote(struct survey *s, const float *values)
{
	struct candidate *empty = NULL;

	for (int i = 0; i < CANDIDATES; i++) {
		struct candidate *k = &s->candidates[i];

		if (k->weight && !memcmp(k->values, values, (size_t)s->channels * sizeof *values)) {
			k->weight++;
			return;
		}
		if (!k->weight)
			empty = k;
	}
	for (int i = 0; !empty && i < CANDIDATES; i++)
		s->candidates[i].weight--;
	if (!empty)
		return;
	memcpy(empty->values, values, (size_t)s->channels * sizeof *values);
	empty->weight = 1;
}

/* The first pass: which values fill blocks of 2x2 pixels. */
static void find_candidates(struct survey *s, const struct rows *r, float *values)
{
	for (int64_t y = r->top ? 0 : 1; y < r->count; y++)
		for (int64_t x = 1; x < s->w; x++) {
			for (int64_t c = 0; c < s->channels; c++)
				values[c] = at(s, r, c, y, x);
			if (has_values(s, r, y, x - 1, values) &&
			    has_values(s, r, y - 1, x, values) &&
			    has_values(s, r, y - 1, x - 1, values))
				vote(s, values);
		}
}

static const struct candidate *candidate_at(const struct survey *s, const struct rows *r, int64_t y,
					    int64_t x)
{
	for (int i = 0; i < CANDIDATES; i++)
		if (s->candidates[i].weight && has_values(s, r, y, x, s->candidates[i].values))
			return &s->candidates[i];
	return NULL;
}

/* Adds the difference of two pixels, in the channel where it is largest; not if a value is missing. */
static void add_difference(const struct survey *s, const struct rows *r, int64_t y, int64_t x,
			   int64_t y2, int64_t x2, struct differences *d)
{
	double most = 0;

	for (int64_t c = 0; c < s->channels; c++) {
		const double v = fabs((double)at(s, r, c, y, x) - (double)at(s, r, c, y2, x2));

		if (!isfinite(v))
			return;
		most = fmax(most, v);
	}
	d->count++;
	d->bins[(int)fmin(most / s->span * BINS, BINS - 1)]++;
}

/* A pair of neighbours.  An area has at least two pixels along its border: those beside the pair, at an offset of (-1, 0) or
 * (0, -1), are in it, too. */
static void add_pair(struct survey *s, const struct rows *r, int64_t y, int64_t x, int64_t y2,
		     int64_t x2)
{
	const struct candidate *a = candidate_at(s, r, y, x), *b = candidate_at(s, r, y2, x2);
	const int64_t dy = y == y2 ? -1 : 0, dx = y == y2 ? 0 : -1;

	if (!a && !b)
		add_difference(s, r, y, x, y2, x2, &s->scene);
	if (a == b || x + dx < 0 || r->top + y2 + dy < 0)
		return;
	if (a && candidate_at(s, r, y + dy, x + dx) == a)
		add_difference(s, r, y, x, y2, x2, &s->candidates[a - s->candidates].border);
	if (b && candidate_at(s, r, y2 + dy, x2 + dx) == b)
		add_difference(s, r, y, x, y2, x2, &s->candidates[b - s->candidates].border);
}

/* The second pass: how much the pixels of areas differ from those around, and these from each other. */
static void compare_neighbours(struct survey *s, const struct rows *r)
{
	for (int64_t y = 0; y < r->count; y++)
		for (int64_t x = 0; x < s->w; x++) {
			const struct candidate *k = candidate_at(s, r, y, x);

			if (k)
				s->candidates[k - s->candidates].pixels++;
			if (x)
				add_pair(s, r, y, x - 1, y, x);
			if (r->top + y)
				add_pair(s, r, y - 1, x, y, x);
		}
}

/* The difference below which this part of them lies. */
static double quantile(const struct differences *d, double part)
{
	int64_t below = 0;
	int i = 0;

	while (i < BINS - 1 && (double)(below += d->bins[i]) < part * (double)d->count)
		i++;
	return (double)i / BINS;
}

/* A scene that was blurred, and even a sharp one, has hardly such edges: of 36 photographs, sharp or blurred, dark or partly
 * white, none. */
static int is_foreign(const struct survey *s, const struct candidate *k)
{
	static const double share = 0.002, sharp = 0.1, sharper = 2;
	enum { BORDER_LEAST = 32 };
	const double border = quantile(&k->border, 0.9);

	return k->weight && (double)k->pixels >= share * (double)(s->w * s->h) &&
	       k->border.count >= BORDER_LEAST && border > sharp &&
	       border > sharper * quantile(&s->scene, 0.99);
}

/* dead: pixels that were told of. */
static void tell_areas(const struct survey *s, int64_t dead)
{
	for (int i = 0; i < CANDIDATES; i++) {
		const struct candidate *k = &s->candidates[i];
		char remedy[80] = "-A mask:file=MASK.tif";
		int64_t c = 1;

		if (!is_foreign(s, k) || k->pixels < 2 * dead)
			continue;
		while (c < s->channels && !differ(k->values[c], k->values[0]))
			c++;
		if (c == s->channels)
			snprintf(remedy, sizeof remedy, "-A mask:value=%.9g", (double)k->values[0]);
		log_message(LACUNA_LOG_WARN,
			    "page %d: %.2g %% of the pixels hold the value %.9g, in areas with "
			    "sharper edges than the scene; if they are a frame, a caption or not "
			    "measured, %s after the other operators leaves them out",
			    s->p->number + 1, 100 * (double)k->pixels / (double)(s->w * s->h),
			    (double)k->values[0], remedy);
	}
}

/* ---- the passes -------------------------------------------------------------------------------------- */

static void add_rows(struct survey *s, const struct rows *r, float *values)
{
	if (s->second) {
		compare_neighbours(s, r);
	} else {
		count_lines(s, r);
		if (may_be_mosaic(s))
			compare_second(s, r);
		if (s->channels > 1)
			add_channels(s, r);
		if (mixes_pixels(s->p))
			find_candidates(s, r, values);
	}
	for (int64_t c = 0; c < s->channels; c++)
		memcpy(s->above + c * s->w, r->values + c * r->plane + (r->count - 1) * s->w,
		       (size_t)s->w * sizeof *s->above);
}

/* Reads a page that is not in memory. */
static int read_pass(struct survey *s, struct page *p, float *buffer, float *values)
{
	enum { ROWS = 64 };
	const int held = p->band != NULL;
	int status = held ? LACUNA_OK : image_band_open(p->r->in, p->number, ROWS, &p->band);

	for (int64_t top = 0; !status && top < s->h; top += ROWS) {
		const int64_t rows = s->h - top < ROWS ? s->h - top : ROWS;
		const struct lacuna_region region = { { 0, top, 0, 0 },
						      { s->w, rows, s->channels, 1 } };
		const struct rows r = { top, rows, rows * s->w, buffer };
		const int64_t y = p->part.origin[1] + top;

		status = cancel_requested() ? LACUNA_ECANCELLED
			 : held		    ? LACUNA_OK
					    : image_band_move(p->band, y, y + rows);
		if (status)
			break;
		page_read_part(p, &region, buffer);
		add_rows(s, &r, values);
	}
	if (!held) {
		image_band_close(p->band);
		p->band = NULL;
	}
	return status;
}

static int pass(struct survey *s, struct page *p, float *values)
{
	enum { ROWS = 64 };
	const struct rows all = { 0, s->h, s->w * s->h, p->y.values };
	float *buffer;
	int status;

	if (p->y.values) {
		add_rows(s, &all, values);
		return LACUNA_OK;
	}
	buffer = memory_alloc_array((size_t)(s->w * s->channels * ROWS), sizeof *buffer);
	status = buffer ? read_pass(s, p, buffer, values) : LACUNA_ENOMEM;
	memory_release(buffer);
	return status;
}

static int lines_create(struct lines *l, int64_t count, int64_t length)
{
	l->count = count;
	l->length = length;
	l->differ = memory_alloc_array((size_t)count, sizeof *l->differ);
	l->lacks = memory_alloc((size_t)count);
	return l->differ && l->lacks ? LACUNA_OK : LACUNA_ENOMEM;
}

static void survey_free(struct survey *s)
{
	memory_release(s->above);
	memory_release(s->each);
	memory_release(s->rows.differ);
	memory_release(s->rows.lacks);
	memory_release(s->columns.differ);
	memory_release(s->columns.lacks);
	for (int i = 0; i < CANDIDATES; i++)
		memory_release(s->candidates[i].values);
}

static int survey_create(struct survey *s)
{
	int status = lines_create(&s->rows, s->h, s->channels * (s->w - 1));

	if (!status)
		status = lines_create(&s->columns, s->w, s->channels * (s->h - 1));
	s->above = memory_alloc_array((size_t)(s->w * s->channels), sizeof *s->above);
	for (int i = 0; i < CANDIDATES; i++) {
		s->candidates[i].values =
			memory_alloc_array((size_t)s->channels, sizeof *s->candidates[i].values);
		if (!s->candidates[i].values)
			return LACUNA_ENOMEM;
	}
	s->each = memory_alloc_array((size_t)s->channels, sizeof *s->each);
	return !status && s->above && s->each ? LACUNA_OK : LACUNA_ENOMEM;
}

static int run(struct survey *s, struct page *p)
{
	const struct levels *l = &p->r->levels;
	float *values = memory_alloc_array((size_t)s->channels, sizeof *values);
	int candidates = 0, status = values ? pass(s, p, values) : LACUNA_ENOMEM;

	for (int i = 0; i < CANDIDATES; i++)
		candidates |= s->candidates[i].weight > 0;
	s->span = l->seen.white - l->seen.black;
	s->second = 1;
	if (!status && candidates && l->found && s->span > 0)
		status = pass(s, p, values);
	memory_release(values);
	return status;
}

int page_survey(struct page *p)
{
	struct survey s = { .p = p, .channels = p->info.shape.extent[2] };
	int status;

	s.w = p->part.extent[0];
	s.h = p->part.extent[1];
	status = survey_create(&s);
	if (!status)
		status = run(&s, p);
	if (!status) {
		const int64_t dead = tell_lines(&s, 1) + tell_lines(&s, 0);

		tell_areas(&s, dead);
		tell_mosaic(&s);
		tell_channels(&s);
	}
	survey_free(&s);
	return status;
}
