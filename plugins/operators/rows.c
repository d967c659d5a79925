/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "rows": banding. Each row, or column, of the measurement has an unknown offset, y = x + o 1' + n. The operator
 * removes all that an offset can change: y = P x, where P is the orthogonal projection that subtracts the mean of each
 * row,
 *	P = I - (I - C C') (1/w) 1 1',	 C: the first cosines (DCT-II) along the column of means,
 * but keeps slow changes from row to row, C, which belong to the picture. The host replaces y by P y (LACUNA_PROJECTION).
 * This is the joint estimate of x and o with a flat prior on o; only x is kept. */
#include <lacuna/plugin.h>
#include <math.h>
#include <string.h>

enum { ROWS, COLUMNS, BOTH };

struct config {
	int64_t lines;
	double period;
};

/* Offsets of rows (d = 1) or of columns (d = 0). */
struct lines {
	int present;
	size_t count;	/* of lines */
	size_t slow;	/* cosines that belong to the picture, including the constant */
	double *cosine; /* cos(pi k / (2 count)), k < 4 count */
};

struct rows {
	const struct lacuna_host *host;
	size_t width, height, planes;
	struct lines lines[2];
};

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

/* ---- create, destroy ----------------------------------------------------------------------------------- */

static int make_lines(const struct lacuna_host *host, double period, size_t count, struct lines *l)
{
	/* cosine k has the period 2 count / k */
	const double slow = 1 + floor(2 * (double)count / period);

	l->present = 1;
	l->count = count;
	l->slow = slow < (double)count ? (size_t)slow : count;
	l->cosine = host->alloc(host, 4 * count * sizeof *l->cosine);
	for (size_t k = 0; l->cosine && k < 4 * count; k++)
		l->cosine[k] = cos(3.14159265358979323846 * (double)k / (2 * (double)count));
	return l->cosine ? LACUNA_OK : LACUNA_ENOMEM;
}

static void destroy(void *self)
{
	struct rows *r = self;

	if (!r)
		return;
	for (int d = 0; d < 2; d++)
		r->host->release(r->host, r->lines[d].cosine);
	r->host->release(r->host, r);
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = config;
	struct rows *r = host->alloc(host, sizeof *r);
	int status = LACUNA_OK;

	(void)y;
	if (!r)
		return LACUNA_ENOMEM;
	r->host = host;
	r->width = (size_t)x->extent[0];
	r->height = (size_t)x->extent[1];
	r->planes = (size_t)(x->extent[2] * x->extent[3]);
	if (c->lines != COLUMNS)
		status = make_lines(host, c->period, r->height, &r->lines[1]);
	if (!status && c->lines != ROWS)
		status = make_lines(host, c->period, r->width, &r->lines[0]);
	if (status) {
		destroy(r);
		return status;
	}
	*self = r;
	return LACUNA_OK;
}

/* ---- the means of lines -------------------------------------------------------------------------------- */

/* Replaces means by (I - C C') means; coefficients is work space. */
static void leave_fast(const struct lines *l, double *means, double *coefficients)
{
	for (size_t k = 0; k < l->slow; k++) {
		double sum = 0;

		for (size_t j = 0; j < l->count; j++)
			sum += l->cosine[(2 * j + 1) * k % (4 * l->count)] * means[j];
		coefficients[k] = sum * (k ? 2 : 1) / (double)l->count;
	}
	for (size_t j = 0; j < l->count; j++) {
		double sum = 0;

		for (size_t k = 0; k < l->slow; k++)
			sum += l->cosine[(2 * j + 1) * k % (4 * l->count)] * coefficients[k];
		means[j] -= sum;
	}
}

static void take_means(const struct rows *r, const float *x, double *of_rows, double *of_columns)
{
	memset(of_columns, 0, r->width * sizeof *of_columns);
	for (size_t j = 0; j < r->height; j++) {
		double sum = 0;

		for (size_t i = 0; i < r->width; i++) {
			sum += x[j * r->width + i];
			of_columns[i] += x[j * r->width + i];
		}
		of_rows[j] = sum / (double)r->width;
	}
	for (size_t i = 0; i < r->width; i++)
		of_columns[i] /= (double)r->height;
}

/* ---- the work ------------------------------------------------------------------------------------------ */

struct pass {
	const struct rows *r;
	const float *in;
	float *out;
	double offset, kept; /* out = kept * in - offset * (offsets of in) */
};

/* Work space in doubles: means of rows and of columns, and coefficients. */
static size_t work_of(const struct rows *r)
{
	return r->height + r->width + (r->height > r->width ? r->height : r->width);
}

static int project_plane(void *arg, size_t plane, void *scratch)
{
	const struct pass *p = arg;
	const struct rows *r = p->r;
	const float *in = p->in + plane * r->width * r->height;
	float *out = p->out + plane * r->width * r->height;
	double *of_rows = scratch, *of_columns = of_rows + r->height;
	double *means[2] = { of_columns, of_rows };

	take_means(r, in, of_rows, of_columns);
	for (int d = 0; d < 2; d++)
		if (r->lines[d].present)
			leave_fast(&r->lines[d], means[d], of_columns + r->width);
		else
			memset(means[d], 0, (d ? r->height : r->width) * sizeof(double));
	for (size_t j = 0; j < r->height; j++)
		for (size_t i = 0; i < r->width; i++)
			out[j * r->width + i] = (float)(p->kept * in[j * r->width + i] -
							p->offset * (of_rows[j] + of_columns[i]));
	return LACUNA_OK;
}

static int project(const struct rows *r, const float *in, double kept, double offset, float *out)
{
	struct pass p = { r, in, out, offset, kept };

	return r->host->parallel(r->host, r->planes, work_of(r) * sizeof(double), project_plane,
				 &p);
}

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	(void)scratch;
	return project(self, x, 1, 1, y);
}

static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return apply(self, scratch, y, x);
}

/* The eigenvalues of A'A = P are 0 for offsets and 1 for the rest. */
static int spectral(const void *self, void *scratch, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	const double seen = gain(1, context), offset = gain(0, context);

	(void)scratch;
	return project(self, b, seen, seen - offset, x);
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const char *const lines[] = { "rows", "columns", "both", NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_CHOICE(struct config, lines, lines, ROWS, "lines that have offsets"),
	LACUNA_PARAM_REAL(
		struct config, period, "px", 2, 1e9, 32,
		"slow changes of the line means, over more than this, belong to the picture"),
};

static const char manual[] =
	"Removes banding.  Each row of the picture has an unknown offset, a different one in each "
	"channel (lines=columns: each column; lines=both: both).  Offsets change only the means of "
	"rows.  So these means are not taken from the measurement but estimated with the picture.  "
	"Only slow changes of the means, over more than period pixels, are taken from the "
	"measurement.\n\n"
	"Use it for CMOS sensors with row noise, line scanners, push-broom satellites and atomic "
	"force microscopes: lacuna restore striped.tif -o even.tif -A rows.  Put it last in the "
	"list of operators, because the offsets come from the sensor: -A blur:sigma=2 -A rows.\n\n"
	"Do not use it for rows that are brighter by a factor, or for dead rows (mask:rows=12 "
	"leaves those out).  Fill missing pixels first: the mean of a row needs all its pixels.  "
	"The picture must fit into memory, because a row has one offset from end to end.  If the "
	"picture itself has stripes along the rows, from side to side, they are lost.\n\n"
	"simulate removes fast changes of the row means and adds no offsets.  To "
	"add offsets use flat:dark=FILE.\n\n"
	"Source: with a flat prior on the offsets o, the minimum of |x + o 1' - y|^2 over o is |P "
	"(x - y)|^2 (variable projection: Golub and Pereyra, SIAM J. Numer. Anal. 10, 1973); P is "
	"a projection, so every spectral function has a closed form.";

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PICTURE | LACUNA_PARTIAL | LACUNA_PROJECTION,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"rows",
	"rows or columns with unknown offsets (banding)",
	manual,
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
