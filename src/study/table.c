/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Tables of findings, written and read back. */
#include <config.h>

#include "study/table.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "study/fit.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char table_floor[] = "exact samples";

/* ---- columns ----------------------------------------------------------------------------------------- */

static const struct column {
	const char *name, *text;
	size_t offset;
} columns[] = {
	{ "kl", "KL(truth || sampler)", offsetof(struct findings, kl) },
	{ "sliced-w2", "sliced W2 to the truth", offsetof(struct findings, sliced_w2) },
	{ "w1", "W1 to the truth", offsetof(struct findings, w1) },
	{ "mean-error", "error of the mean", offsetof(struct findings, mean_error) },
	{ "cov-error", "error of the covariance", offsetof(struct findings, cov_error) },
	{ "w-bias", "accumulated mismatch W_bias", offsetof(struct findings, w_bias) },
	{ "cover-50", "coverage of 50 % intervals", offsetof(struct findings, cover[0]) },
	{ "cover-90", "coverage of 90 % intervals", offsetof(struct findings, cover[1]) },
	{ "cover-95", "coverage of 95 % intervals", offsetof(struct findings, cover[2]) },
	{ "cover-error", "standard error of coverage", offsetof(struct findings, cover_error) },
};

enum { COLUMNS = sizeof columns / sizeof *columns };

const char *const table_measures[] = { "kl",	 "sliced-w2", "w1",	  "mean-error", "cov-error",
				       "w-bias", "cover-50",  "cover-90", "cover-95",	NULL };

static const struct column *find_column(const char *name)
{
	size_t i = 0;

	while (i < COLUMNS && strcmp(columns[i].name, name) != 0)
		i++;
	return i < COLUMNS ? &columns[i] : NULL;
}

double table_value(const struct findings *f, const char *measure)
{
	const struct column *c = find_column(measure);

	return c ? *(const double *)((const char *)f + c->offset) : NAN;
}

const char *table_measure_text(const char *measure)
{
	const struct column *c = find_column(measure);

	return c ? c->text : measure;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

/* A copy without control characters, which would break lines or fields. */
static char *plain_text(const char *text)
{
	char *copy = memory_strdup(text);

	for (char *p = copy; p && *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return copy;
}

int table_create(struct table *t, const char *title, const char *axis)
{
	*t = (struct table){ .title = plain_text(title), .axis = plain_text(axis) };
	if (t->title && t->axis)
		return LACUNA_OK;
	table_free(t);
	return LACUNA_ENOMEM;
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		memory_release(t->rows[i].curve);
	memory_release(t->rows);
	memory_release(t->title);
	memory_release(t->axis);
	*t = (struct table){ 0 };
}

int table_add(struct table *t, const char *curve, double x, const struct findings *f)
{
	if (t->count == t->capacity) {
		const size_t more = t->capacity ? 2 * t->capacity : 32;
		struct row *rows = memory_alloc_array(more, sizeof *rows);

		if (!rows)
			return LACUNA_ENOMEM;
		if (t->count)
			memcpy(rows, t->rows, t->count * sizeof *rows);
		memory_release(t->rows);
		t->rows = rows;
		t->capacity = more;
	}
	t->rows[t->count] = (struct row){ plain_text(curve), x, *f };
	return t->rows[t->count].curve ? (t->count++, LACUNA_OK) : LACUNA_ENOMEM;
}

/* ---- text -------------------------------------------------------------------------------------------- */

static void print_value(FILE *f, double value)
{
	if (isnan(value))
		fputs("\t-", f);
	else
		fprintf(f, "\t%.6g", value);
}

static void print_row(FILE *f, const struct row *r)
{
	fputs(r->curve, f);
	print_value(f, r->x);
	if (isnan(r->x))
		fputs("\t-\t-\t-", f);
	else
		fprintf(f, "\t%lld\t%lld\t%s", (long long)r->f.steps, (long long)r->f.evaluations,
			isnan(r->f.kl) ? "-"
			: r->f.exact   ? "law"
				       : "samples");
	for (size_t c = 0; c < COLUMNS; c++)
		print_value(f, table_value(&r->f, columns[c].name));
	fputc('\n', f);
}

/* Prints the slopes of the curve in rows first..end-1. */
static void print_fits(FILE *f, const struct table *t, size_t first, size_t end)
{
	double x[256], y[256];
	struct fit fit;

	for (size_t c = 0; c < 6; c++) {
		size_t n = 0;

		for (size_t i = first; i < end && n < 256; i++, n++) {
			x[n] = t->rows[i].x;
			y[n] = table_value(&t->rows[i].f, columns[c].name);
		}
		if (fit_power(n, x, y, &fit))
			fprintf(f, "# slope\t%s\t%s\t%.4g\t%.4g\t%.4g\n", t->rows[first].curve,
				columns[c].name, fit.slope, fit.low, fit.high);
	}
}

static size_t curve_end(const struct table *t, size_t first)
{
	size_t end = first;

	while (end < t->count && !strcmp(t->rows[end].curve, t->rows[first].curve))
		end++;
	return end;
}

char *table_text(const struct table *t)
{
	char *text = NULL, *copy;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f) {
		error_set(LACUNA_ENOMEM, "out of memory");
		return NULL;
	}
	fprintf(f, "# lacuna study: %s\ncurve\t%s\trun-steps\tevaluations\tkl-from", t->title,
		t->axis);
	for (size_t c = 0; c < COLUMNS; c++)
		fprintf(f, "\t%s", columns[c].name);
	fputc('\n', f);
	for (size_t i = 0; i < t->count; i++)
		print_row(f, &t->rows[i]);
	if (t->count)
		fputs("# slope in log-log, and its 95 % confidence interval\n", f);
	for (size_t i = 0; i < t->count; i = curve_end(t, i))
		print_fits(f, t, i, curve_end(t, i));
	fclose(f);
	copy = memory_strdup(text);
	free(text);
	return copy;
}

/* ---- reading ----------------------------------------------------------------------------------------- */

/* Splits the next field off *rest; NULL at the end. */
static char *next_field(char **rest)
{
	char *field = *rest, *end;

	if (!field)
		return NULL;
	end = field + strcspn(field, "\t\r\n");
	*rest = *end == '\t' ? end + 1 : NULL;
	*end = 0;
	return field;
}

static double field_value(const char *field)
{
	char *end;
	const double value = field ? strtod(field, &end) : NAN;

	return field && end != field && !*end ? value : NAN;
}

static int read_row(char *line, struct table *t)
{
	struct findings f = { 0 };
	char *rest = line, *curve = next_field(&rest), *kl_from;
	const double x = field_value(next_field(&rest));
	const double steps = field_value(next_field(&rest));
	const double evaluations = field_value(next_field(&rest));

	f.steps = steps >= 0 ? (int64_t)steps : 0;
	f.evaluations = evaluations >= 0 ? (int64_t)evaluations : 0;
	kl_from = next_field(&rest);
	if (!kl_from || !rest)
		return LACUNA_EINVAL;
	f.exact = !strcmp(kl_from, "law");
	for (size_t c = 0; c < COLUMNS; c++)
		*(double *)((char *)&f + columns[c].offset) = field_value(next_field(&rest));
	return table_add(t, curve, x, &f);
}

static int read_line(char *line, struct table *t)
{
	static const char title[] = "# lacuna study: ";
	char *rest = line;

	if (!strncmp(line, title, sizeof title - 1)) {
		line[strcspn(line, "\r\n")] = 0;
		memory_release(t->title);
		t->title = memory_strdup(line + sizeof title - 1);
		return t->title ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (*line == '#')
		return LACUNA_OK;
	if (t->axis)
		return read_row(line, t);
	if (strcmp(next_field(&rest), "curve") != 0 || !rest)
		return LACUNA_EINVAL;
	t->axis = memory_strdup(next_field(&rest));
	return t->axis ? LACUNA_OK : LACUNA_ENOMEM;
}

int table_read(const char *path, struct table *t)
{
	FILE *file = file_stream(path);
	char *line = NULL;
	size_t size = 0;
	int status = LACUNA_OK;

	*t = (struct table){ 0 };
	if (!file)
		return LACUNA_EIO;
	while (!status && getline(&line, &size, file) >= 0)
		status = read_line(line, t);
	if (!status && (!t->axis || !t->title))
		status = LACUNA_EINVAL;
	if (status == LACUNA_EINVAL)
		error_set(status, "%s: is not a table of 'lacuna study'", path);
	free(line);
	fclose(file);
	if (status)
		table_free(t);
	return status;
}
