/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* SVG plots in the colours of Okabe and Ito; each curve also has its own marker and dash pattern. */
#include <config.h>

#include "study/plot.h"

#include "base/error.h"
#include "base/memory.h"
#include "study/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LEFT = 66,
	RIGHT = 18,
	TOP = 34,
	BOTTOM = 46,
	WIDTH = 330,
	HEIGHT = 250,
	PANEL = LEFT + WIDTH + RIGHT,
	LEGEND_ROW = 17,
	STYLES = 8,
	MOST_POINTS = 512
};

static const char *const colours[STYLES] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7",
					     "#000000", "#e69f00", "#56b4e9", "#7f7f7f" };
static const char *const dashes[STYLES] = { "none",    "none", "none", "none",
					    "7 2 2 2", "6 3",  "6 3",  "2 2" };

/* One axis: maps values lo..hi to pixels `from'..`to'. */
struct scale {
	double lo, hi, from, to;
	int logarithmic;
};

static double place(const struct scale *s, double value)
{
	const double part = s->logarithmic ? log(value / s->lo) / log(s->hi / s->lo)
					   : (value - s->lo) / (s->hi - s->lo);

	return s->from + part * (s->to - s->from);
}

static int drawable(const struct scale *s, double value)
{
	return isfinite(value) && (!s->logarithmic || value >= s->lo * (1 - 1e-9));
}

/* ---- extent ------------------------------------------------------------------------------------------ */

struct extent {
	double lo, hi, least_positive;
};

static void include(struct extent *e, double value)
{
	if (!isfinite(value))
		return;
	e->lo = fmin(e->lo, value);
	e->hi = fmax(e->hi, value);
	if (value > 0)
		e->least_positive = fmin(e->least_positive, value);
}

/* The nearest 1, 2 or 5 times a power of ten at or below the value (up: at or above). */
static double round_log(double value, int up)
{
	static const double steps[] = { 1, 2, 5, 10 };
	const double power = pow(10, floor(log10(value) + 1e-9)), m = value / power;

	if (up)
		for (int i = 0; i < 4; i++)
			if (m <= steps[i] * (1 + 1e-9))
				return steps[i] * power;
	for (int i = 3; i >= 0; i--)
		if (m >= steps[i] * (1 - 1e-9))
			return steps[i] * power;
	return power;
}

static double nice_step(double range)
{
	return round_log(range / 5, 1);
}

static struct scale make_scale(const struct extent *e, double from, double to)
{
	struct scale s = { .from = from, .to = to };

	/* Positive values over a wide range: a logarithmic axis.  It omits zeros, and estimates that are slightly
	 * negative by chance. */
	s.logarithmic = e->least_positive < INFINITY && e->lo >= -0.05 * e->hi &&
			e->hi / e->least_positive >= 4;
	if (s.logarithmic) {
		s.lo = round_log(fmax(e->least_positive, e->hi * 1e-12), 0);
		s.hi = round_log(e->hi, 1);
	} else {
		const double range = e->hi > e->lo ? e->hi - e->lo : fmax(fabs(e->hi), 1);
		const double step = nice_step(range);

		s.lo = floor(e->lo / step) * step;
		s.hi = ceil(e->hi / step) * step;
		if (!(s.hi > s.lo))
			s.hi = s.lo + step;
	}
	return s;
}

/* ---- text -------------------------------------------------------------------------------------------- */

static void escape(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", f);
		else if (*text == '>')
			fputs("&gt;", f);
		else if (*text == '&')
			fputs("&amp;", f);
		else
			fputc(*text, f);
	}
}

static void write_text(FILE *f, double x, double y, const char *attributes, const char *text)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\"%s>", x, y, attributes);
	escape(f, text);
	fputs("</text>\n", f);
}

/* 0.02, 5, 200; powers of ten far from 1 as superscript exponents. */
static const char *number_text(double value, int logarithmic, char text[64])
{
	static const char *const digits[10] = { "\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
						"\u2075", "\u2076", "\u2077", "\u2078", "\u2079" };
	const int e = logarithmic ? (int)lround(log10(value)) : 0;

	if (abs(e) < 4 || abs(e) > 99 || fabs(value / pow(10, e) - 1) > 1e-6)
		snprintf(text, 64, "%.6g", value);
	else
		snprintf(text, 64, "10%s%s%s", e < 0 ? "\u207b" : "",
			 abs(e) > 9 ? digits[abs(e) / 10] : "", digits[abs(e) % 10]);
	return text;
}

/* ---- axes -------------------------------------------------------------------------------------------- */

struct axis {
	const struct scale *scale;
	int vertical;
	double at, across; /* position of the axis, and of the opposite side */
};

static void tick(FILE *f, const struct axis *a, double value, int labelled)
{
	const double p = place(a->scale, value);
	char text[64];

	if (a->vertical) {
		fprintf(f, "<path d=\"M%.1f %.1fH%.1f\" class=\"%s\"/>\n", a->at, p, a->across,
			labelled ? "g" : "m");
		if (labelled)
			write_text(f, a->at - 6, p + 4, " text-anchor=\"end\"",
				   number_text(value, a->scale->logarithmic, text));
	} else {
		fprintf(f, "<path d=\"M%.1f %.1fV%.1f\" class=\"%s\"/>\n", p, a->at, a->across,
			labelled ? "g" : "m");
		if (labelled)
			write_text(f, p, a->at + 16, " text-anchor=\"middle\"",
				   number_text(value, a->scale->logarithmic, text));
	}
}

static void log_ticks(FILE *f, const struct axis *a)
{
	const struct scale *s = a->scale;
	const double decades = log10(s->hi / s->lo);
	const int skip = decades > 8 ? 2 : 1; /* label every skip-th power of ten */

	for (int e = (int)floor(log10(s->lo) - 1e-9); e <= (int)ceil(log10(s->hi)); e++)
		for (int m = 1; m < 10; m++) {
			const double value = m * pow(10, e);
			const int labelled = m == 1		? e % skip == 0
					     : m == 2 || m == 5 ? decades < 2.2
								: 0;

			if (value < s->lo * (1 - 1e-9) || value > s->hi * (1 + 1e-9))
				continue;
			if (labelled || decades < 5)
				tick(f, a, value, labelled);
		}
}

static void linear_ticks(FILE *f, const struct axis *a)
{
	const double step = nice_step(a->scale->hi - a->scale->lo);
	const int n = (int)floor((a->scale->hi - a->scale->lo) / step + 1e-6);

	for (int i = 0; i <= n; i++)
		tick(f, a, round(a->scale->lo / step + i) * step, 1);
}

static void draw_axis(FILE *f, const struct axis *a)
{
	if (a->scale->logarithmic)
		log_ticks(f, a);
	else
		linear_ticks(f, a);
}

/* ---- curves ------------------------------------------------------------------------------------------ */

struct curve {
	const char *label;
	size_t n;
	double x[MOST_POINTS], y[MOST_POINTS], bound[MOST_POINTS];
	int style;
	struct fit fit;
	int has_fit;
};

static void draw_marker(FILE *f, int style, double x, double y)
{
	static const char *const shapes[STYLES] = {
		"m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
		"m-3.2 -3.2h6.4v6.4h-6.4z",
		"m0 -4.2l4 7h-8z",
		"m0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z",
		"m0 4.2l4 -7h-8z",
		"m-3.5 -3.5l7 7m0 -7l-7 7",
		"m-4.2 0h8.4m-4.2 -4.2v8.4",
		"m-2 -2h4v4h-4z",
	};
	const int open = style == 5 || style == 6;

	fprintf(f, "<path d=\"M%.1f %.1f%s\" fill=\"%s\" stroke=\"%s\" stroke-width=\"1.3\"/>\n", x,
		y, shapes[style], open ? "none" : colours[style], colours[style]);
}

static void draw_line(FILE *f, const struct scale *sx, const struct scale *sy,
		      const struct curve *c, const double *y, const char *dash, double width)
{
	int started = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (!drawable(sx, c->x[i]) || !drawable(sy, y[i]))
			continue;
		if (started)
			fprintf(f, "L%.1f %.1f", place(sx, c->x[i]), place(sy, y[i]));
		else
			fprintf(f, "<path d=\"M%.1f %.1f", place(sx, c->x[i]), place(sy, y[i]));
		started = 1;
	}
	if (started)
		fprintf(f,
			"\" fill=\"none\" stroke=\"%s\" stroke-width=\"%.1f\" "
			"stroke-dasharray=\"%s\"/>\n",
			colours[c->style], width, dash);
}

static void draw_curve(FILE *f, const struct scale *sx, const struct scale *sy,
		       const struct curve *c, int bound)
{
	draw_line(f, sx, sy, c, c->y, dashes[c->style], 1.6);
	if (bound)
		draw_line(f, sx, sy, c, c->bound, "2 3", 1.2);
	for (size_t i = 0; i < c->n; i++)
		if (drawable(sx, c->x[i]) && drawable(sy, c->y[i]))
			draw_marker(f, c->style, place(sx, c->x[i]), place(sy, c->y[i]));
}

/* ---- panels ------------------------------------------------------------------------------------------ */

struct panel {
	const struct table *table;
	const struct plot_style *style;
	struct curve *curves;
	size_t count;
	double floor; /* sampling error, or NaN */
	int sampled;  /* the measure has sampling error for some curve */
};

static void fill_curve(struct panel *p, size_t first, size_t end, struct curve *c)
{
	c->label = p->table->rows[first].curve;
	for (size_t i = first; i < end && c->n < MOST_POINTS; i++, c->n++) {
		const struct row *r = &p->table->rows[i];
		const int law = r->f.exact && strcmp(p->style->measure, "w1") != 0;

		p->sampled |= !law && strcmp(p->style->measure, "w-bias") != 0;

		c->x[c->n] = p->style->evaluations ? (double)r->f.evaluations : r->x;
		c->y[c->n] = table_value(&r->f, p->style->measure);
		c->bound[c->n] = r->f.w_bias;
	}
	c->has_fit = p->style->slopes && fit_power(c->n, c->x, c->y, &c->fit);
}

static int make_panel(const struct table *t, const struct plot_style *style, struct panel *p)
{
	size_t first = 0, end;

	*p = (struct panel){ .table = t, .style = style, .floor = NAN };
	p->curves = memory_alloc_array(t->count ? t->count : 1, sizeof *p->curves);
	if (!p->curves)
		return LACUNA_ENOMEM;
	for (; first < t->count; first = end) {
		const struct row *r = &t->rows[first];

		for (end = first; end < t->count && !strcmp(t->rows[end].curve, r->curve);)
			end++;
		if (!strcmp(r->curve, table_floor)) {
			p->floor = table_value(&r->f, style->measure);
			continue;
		}
		p->curves[p->count].style = (int)(p->count % STYLES);
		fill_curve(p, first, end, &p->curves[p->count++]);
	}
	if (!p->sampled)
		p->floor = NAN;
	return LACUNA_OK;
}

static int find_extents(const struct panel *p, struct extent *x, struct extent *y)
{
	*x = *y = (struct extent){ INFINITY, -INFINITY, INFINITY };
	for (size_t k = 0; k < p->count; k++)
		for (size_t i = 0; i < p->curves[k].n; i++) {
			if (!isfinite(p->curves[k].y[i]))
				continue;
			include(x, p->curves[k].x[i]);
			include(y, p->curves[k].y[i]);
		}
	/* A bound far below all measurements does not extend the axis. */
	for (size_t k = 0; p->style->bound && k < p->count; k++)
		for (size_t i = 0; i < p->curves[k].n; i++)
			if (p->curves[k].bound[i] > 0.1 * y->lo)
				include(y, p->curves[k].bound[i]);
	if (!(y->hi >= y->lo))
		return error_set(LACUNA_EINVAL, "%s: has no %s to draw", p->table->title,
				 p->style->measure);
	include(y, p->floor);
	return LACUNA_OK;
}

static void draw_floor(FILE *f, const struct panel *p, const struct scale *sy, double left)
{
	if (!drawable(sy, p->floor))
		return;
	fprintf(f,
		"<path d=\"M%.1f %.1fH%.1f\" stroke=\"#555\" stroke-width=\"1\" "
		"stroke-dasharray=\"1 3\"/>\n",
		left, place(sy, p->floor), left + WIDTH);
	/* A white outline first, as the text may overlap curves. */
	write_text(f, left + WIDTH - 4, place(sy, p->floor) - 4,
		   " text-anchor=\"end\" stroke=\"#fff\" stroke-width=\"3\"", "sampling error");
	write_text(f, left + WIDTH - 4, place(sy, p->floor) - 4,
		   " text-anchor=\"end\" fill=\"#555\"", "sampling error");
}

static void draw_legend(FILE *f, const struct panel *p, double left)
{
	for (size_t k = 0; k < p->count; k++) {
		const struct curve *c = &p->curves[k];
		const double y = TOP + HEIGHT + BOTTOM + 8 + LEGEND_ROW * (double)k;
		char text[512], slope[96] = "";

		fprintf(f,
			"<path d=\"M%.1f %.1fh30\" stroke=\"%s\" stroke-width=\"1.6\" "
			"stroke-dasharray=\"%s\"/>\n",
			left, y, colours[c->style], dashes[c->style]);
		draw_marker(f, c->style, left + 15, y);
		if (c->has_fit)
			snprintf(slope, sizeof slope, " (slope %.2f, %.2f to %.2f)", c->fit.slope,
				 c->fit.low, c->fit.high);
		snprintf(text, sizeof text, "%s%s", c->label, slope);
		write_text(f, left + 38, y + 4, "", text);
	}
	if (p->style->bound)
		write_text(f, left, TOP + HEIGHT + BOTTOM + 12 + LEGEND_ROW * (double)p->count, "",
			   "dotted: W_bias of the same method");
}

static int draw_panel(FILE *f, const struct panel *p, size_t index)
{
	const double left = (double)index * PANEL + LEFT;
	struct extent ex, ey;
	const int status = find_extents(p, &ex, &ey);
	struct scale sx, sy;
	char turned[96];

	if (status)
		return status;
	sx = make_scale(&ex, left, left + WIDTH);
	sy = make_scale(&ey, TOP + HEIGHT, TOP);
	draw_axis(f, &(struct axis){ &sx, 0, TOP + HEIGHT, TOP });
	draw_axis(f, &(struct axis){ &sy, 1, left, left + WIDTH });
	fprintf(f,
		"<rect x=\"%.1f\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" "
		"stroke=\"#000\"/>\n",
		left, TOP, WIDTH, HEIGHT);
	write_text(f, left + WIDTH / 2., TOP - 12, " text-anchor=\"middle\" font-weight=\"bold\"",
		   p->table->title);
	write_text(f, left + WIDTH / 2., TOP + HEIGHT + 36, " text-anchor=\"middle\"",
		   p->style->evaluations ? "evaluations of the prior" : p->table->axis);
	snprintf(turned, sizeof turned,
		 " text-anchor=\"middle\" transform=\"rotate(-90 %.1f %.1f)\"", left - 50,
		 TOP + HEIGHT / 2.);
	write_text(f, left - 50, TOP + HEIGHT / 2., turned, table_measure_text(p->style->measure));
	for (size_t k = 0; k < p->count; k++)
		draw_curve(f, &sx, &sy, &p->curves[k], p->style->bound);
	draw_floor(f, p, &sy, left);
	draw_legend(f, p, left);
	return LACUNA_OK;
}

static int draw_panels(FILE *f, const struct panel *panels, size_t count,
		       const struct plot_style *style)
{
	size_t rows = 0, width = count * PANEL, height;
	int status = LACUNA_OK;

	for (size_t i = 0; i < count; i++)
		rows = panels[i].count > rows ? panels[i].count : rows;
	rows += (size_t)style->bound;
	height = TOP + HEIGHT + BOTTOM + 6 + LEGEND_ROW * rows;
	fprintf(f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"%zu\" "
		"viewBox=\"0 0 %zu %zu\" font-family=\"sans-serif\" font-size=\"11\">\n"
		"<style>.g{stroke:#ccc;stroke-width:.8}.m{stroke:#eee;stroke-width:.6}</style>\n"
		"<rect width=\"%zu\" height=\"%zu\" fill=\"#fff\"/>\n",
		width, height, width, height, width, height);
	for (size_t i = 0; !status && i < count; i++)
		status = draw_panel(f, &panels[i], i);
	fputs("</svg>\n", f);
	return status;
}

char *plot_svg(const struct table *tables, size_t count, const struct plot_style *style)
{
	struct panel *panels = memory_alloc_array(count, sizeof *panels);
	char *text = NULL, *copy = NULL;
	size_t size = 0;
	FILE *f = panels ? open_memstream(&text, &size) : NULL;
	int status = f ? LACUNA_OK : error_set(LACUNA_ENOMEM, "out of memory");

	for (size_t i = 0; !status && i < count; i++)
		status = make_panel(&tables[i], style, &panels[i]);
	if (!status)
		status = draw_panels(f, panels, count, style);
	if (f)
		fclose(f);
	for (size_t i = 0; panels && i < count; i++)
		memory_release(panels[i].curves);
	memory_release(panels);
	if (!status)
		copy = memory_strdup(text);
	free(text);
	return copy;
}
