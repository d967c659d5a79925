/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "mask": each pixel has a weight, A = diag(m). A pixel of weight 0 is missing; restoring it is inpainting.
 *
 * This is the plugin to read first. A plugin is one C file with these parts, in this order: a configuration that the host
 * fills in from the command line, an instance, create() and destroy(), the functions that do the work, a table that
 * describes the parameters, and the constant structure that lacuna_plugin_v1() returns. <lacuna/plugin.h> is the only
 * header it needs; it calls the host through host->. Build it anywhere with
 *	cc -shared -fPIC $(pkg-config --cflags lacuna) mask.c -o mask.so
 * and let lacuna examine it:
 *	lacuna check ./mask.so:keep=0.5
 */
#include <lacuna/plugin.h>
#include <math.h>
#include <stdlib.h>

/* One member per parameter. The table `params' below gives each member its name and range; the host parses and checks the
 * values before create(). Members are int64_t, double or const char *. */
struct config {
	const char *file, *value, *columns, *rows;
	double threshold, keep;
	int64_t invert, weights, channels, boxes, size, seed;
};

/* What create() makes, and what every other function receives as `self'. */
struct mask {
	const struct lacuna_host *host;
	size_t total; /* values in x and in y */
	size_t count; /* values in weight: one plane, or as many planes as x has channels */
	int pages;    /* of the file; if there are several, some may have no hole */
	int levels;   /* the file has areas of gray */
	float *weight;
};

/* ---- shape: called before create(), in either direction; here y has the shape of x ---------------------- */

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

/* ---- create, destroy --------------------------------------------------------------------------------- */

/* Clears c->boxes squares of c->size pixels at random places. It uses host->random() because the values of
 * host->gaussian() differ between samples, and a mask must not change. */
static void clear_boxes(const struct lacuna_host *host, const struct config *c, int64_t width,
			int64_t height, float *weight)
{
	int64_t w = c->size < width ? c->size : width;
	int64_t h = c->size < height ? c->size : height;

	for (int64_t k = 0; k < c->boxes; k++) {
		uint64_t i = (uint64_t)k * 2;
		int64_t left = (int64_t)(host->random(host, ~(uint64_t)c->seed, i) *
					 (double)(width - w + 1));
		int64_t top = (int64_t)(host->random(host, ~(uint64_t)c->seed, i + 1) *
					(double)(height - h + 1));

		for (int64_t y = top; y < top + h; y++)
			for (int64_t x = left; x < left + w; x++)
				weight[y * width + x] = 0;
	}
}

/* What a file holds between its darkest value lo and its brightest hi.  Differences are parts of hi - lo. */
enum { BINS = 50 };
struct tones {
	float lo, hi;
	size_t dark, bright;  /* values below hi, above lo */
	size_t between, flat; /* values between; those in flat areas */
	double low, high;     /* the darkest and the brightest flat area between */
	size_t jumps,
		ramps; /* differences of values between to neighbours: large ones, small ones */
	size_t faint, faint_flat; /* values just above lo; those in flat areas */
	double faint_low;	  /* the darkest of these areas */
	size_t middle;		  /* values that are neither dark nor bright */
	size_t bins[BINS];	  /* how many of them are where from lo to hi */
	double slope, rough;	  /* sums of their first and second differences along rows */
};

static int is_middle(double part)
{
	return part > 0.1 && part < 0.9;
}

static int is_flat(const float *at, int64_t width)
{
	for (int64_t dy = -1; dy <= 1; dy++)
		for (int64_t dx = -1; dx <= 1; dx++)
			if (at[dy * width + dx] != *at)
				return 0;
	return 1;
}

static void measure_pixel(struct tones *t, const float *at, int64_t width)
{
	const double span = (double)t->hi - t->lo, part = (*at - (double)t->lo) / span;
	const double next = fabs((double)at[1] - *at) / span;
	const double below = fabs((double)at[width] - *at) / span;
	const double least = 1.0 / 128;

	if (part > 0 && part <= 0.02) {
		const int flat = is_flat(at, width);

		t->faint++;
		t->faint_flat += (size_t)flat;
		t->faint_low = flat && part < t->faint_low ? part : t->faint_low;
	}
	if (part <= 0.02 || part >= 0.98)
		return;
	if (is_middle(part)) {
		t->middle++;
		t->bins[(int)(part * BINS)]++;
		t->slope += next;
		t->rough += fabs((double)at[1] + at[-1] - 2.0 * *at) / span;
	}
	t->between++;
	t->jumps += (next > least) + (below > least);
	t->ramps += (next > 0 && next <= least) + (below > 0 && below <= least);
	if (!is_flat(at, width))
		return;
	t->flat++;
	t->low = part < t->low ? part : t->low;
	t->high = part > t->high ? part : t->high;
}

static struct tones measure_tones(const struct mask *m, int64_t width, int64_t height)
{
	const size_t area = (size_t)(width * height);
	struct tones t = { .lo = m->weight[0], .hi = m->weight[0], .low = 1, .faint_low = 1 };

	for (size_t i = 1; i < m->count; i++) {
		t.lo = m->weight[i] < t.lo ? m->weight[i] : t.lo;
		t.hi = m->weight[i] > t.hi ? m->weight[i] : t.hi;
	}
	for (size_t i = 0; i < m->count; i++) {
		t.dark += m->weight[i] < t.hi - 0.02f * (t.hi - t.lo);
		t.bright += m->weight[i] > t.lo + 0.02f * (t.hi - t.lo);
	}
	for (size_t plane = 0; t.hi > t.lo && plane < m->count; plane += area)
		for (int64_t y = 1; y + 1 < height; y++)
			for (int64_t x = 1; x + 1 < width; x++)
				measure_pixel(&t, m->weight + plane + y * width + x, width);
	/* JPEG leaves such values, too, but seldom in flat areas. */
	if (2 * (double)t.faint_flat * (double)t.between > (double)t.faint * (double)t.flat)
		t.low = t.faint_low;
	return t;
}

/* A picture with painted holes is no mask: its dark parts would be missing, too.  A wide soft brush has as many values between
 * black and white, but no texture. */
static int is_picture(const struct tones *t, size_t count)
{
	return (double)t->middle > 0.3 * (double)count && t->rough > 0.006 * (double)t->middle &&
	       t->rough > 0.5 * t->slope;
}

/* The smaller of what is not white and what is not black. */
static double painted(const struct tones *t)
{
	return (double)(t->dark < t->bright ? t->dark : t->bright);
}

/* True for areas of gray with hard edges: paint, or the numbers of segments. */
static int has_levels(const struct tones *t)
{
	return t->flat >= 9 && (double)t->flat > 0.05 * painted(t) && 3 * t->jumps > t->ramps;
}

/* True if most values of the middle are nearly equal: gray paint, saved as JPEG.  Then low and high enclose them. */
static int has_one_level(struct tones *t)
{
	for (int i = 1; i + 1 < BINS; i++) {
		const size_t near = t->bins[i - 1] + t->bins[i] + t->bins[i + 1];

		if (2 * near < t->middle || (double)near < 0.05 * painted(t) || near < 9)
			continue;
		t->low = (i - 1.0) / BINS;
		t->high = (i + 2.0) / BINS;
		return 1;
	}
	return 0;
}

/* Masks are painted by hand: in black and white, in 0 and 1, with a soft brush, or saved as JPEG. A pixel is known if its
 * value is nearer to the brightest of the file than to the darkest. In a file of several pages a page may have no hole;
 * all its values are then near the brightest.  Gray areas on white are paint, too; with invert=yes all areas on black. */
static int make_binary(const struct lacuna_host *host, const struct config *c, int64_t width,
		       int64_t height, struct mask *m)
{
	struct tones t = measure_tones(m, width, height);
	const int whole = m->pages > 1 && t.lo > 0.5f * t.hi;
	int levels = has_levels(&t) && !whole;
	double border = 0.5;

	if (c->threshold > 0) {
		for (size_t i = 0; i < m->count; i++)
			m->weight[i] = ((double)m->weight[i] >= c->threshold) == !c->invert;
		return LACUNA_OK;
	}
	if (is_picture(&t, m->count) && !levels)
		return host->fail(
			host, LACUNA_EINVAL,
			"%s: looks like a picture, not like a mask: %.0f %% of its values "
			"are neither dark nor bright; paint on a white layer of its own, "
			"or say threshold=T: values from T up are white (0 to 1)",
			c->file, 100 * (double)t.middle / (double)m->count);
	levels = levels || (!whole && has_one_level(&t));
	if (levels && !c->invert && 2 * t.dark > m->count)
		return host->fail(host, LACUNA_EINVAL,
				  "%s: the mask has areas between black and white, such as numbers "
				  "of segments; if all but black is missing say invert=yes, else "
				  "threshold=T: values from T up are known (0 to 1)",
				  c->file);
	if (levels)
		border = c->invert ? t.low / 2 : (1 + t.high) / 2;
	m->levels = levels;
	if (whole)
		t.lo = 0;
	for (size_t i = 0; i < m->count; i++) {
		const double value = m->weight[i];
		const double part =
			t.hi > t.lo ? (value - t.lo) / ((double)t.hi - t.lo) : value > 0;

		m->weight[i] = c->invert ? part <= border : part >= border;
	}
	return LACUNA_OK;
}

/* Masks are painted in colour: a pixel is known if all of its channels are. The first plane of m->weight gets the answer. */
static void merge_channels(struct mask *m, size_t area)
{
	for (size_t i = area; i < m->count; i++)
		if (m->weight[i] == 0)
			m->weight[i % area] = 0;
	m->count = area;
}

/* Reports the share of missing pixels. A mask that marks no pixel, or every pixel, is a mistake. */
static int tell_share(const struct lacuna_host *host, const struct config *c, const struct mask *m)
{
	static const char *const found[] = { "black", "white", "all but white", "all but black" };
	const char *remedy = "black is missing, white is known; invert=yes for the opposite";
	size_t missing = 0;
	double percent;

	for (size_t i = 0; i < m->count; i++)
		missing += m->weight[i] == 0;
	percent = 100 * (double)missing / (double)m->count;
	if (missing == 0 && !c->weights && m->pages == 1)
		return host->fail(host, LACUNA_EINVAL,
				  "%s: the mask marks no pixel as missing (%s)", c->file, remedy);
	if (missing == m->count)
		return host->fail(host, LACUNA_EINVAL,
				  "%s: the mask marks every pixel as missing (%s)", c->file,
				  remedy);
	if (missing)
		host->log(host,
			  percent > 50	 ? LACUNA_LOG_WARN
			  : m->pages > 1 ? LACUNA_LOG_DEBUG
					 : LACUNA_LOG_INFO,
			  "mask: %.3g %% of the pixels are missing (%s in the file)", percent,
			  found[2 * m->levels + (c->invert != 0)]);
	return LACUNA_OK;
}

static int read_weights(const struct lacuna_host *host, const struct config *c,
			const struct lacuna_shape *x, struct mask *m)
{
	const int by_channel = c->channels || c->weights;
	struct lacuna_shape s;
	int status = host->read_image(host, c->file, &s, &m->weight);

	if (status)
		return status; /* read_image() has set the message */
	/* The host puts the page for this picture first (LACUNA_PAGED). */
	m->pages = (int)s.extent[3];
	s.extent[3] = 1;
	if (s.extent[0] != x->extent[0] || s.extent[1] != x->extent[1] ||
	    (by_channel && s.extent[2] != 1 && s.extent[2] != x->extent[2]))
		return host->fail(
			host, LACUNA_EINVAL,
			"%s: the mask is %lldx%lld with %lld channels, the image "
			"%lldx%lld with %lld; give a mask of the image's size, for single "
			"channels or weights with one channel or as many as the image",
			c->file, (long long)s.extent[0], (long long)s.extent[1],
			(long long)s.extent[2], (long long)x->extent[0], (long long)x->extent[1],
			(long long)x->extent[2]);
	m->count = lacuna_count(&s);
	for (size_t i = 0; i < m->count; i++)
		if (!isfinite(m->weight[i]))
			return host->fail(host, LACUNA_EINVAL,
					  "%s: the mask holds NaN or infinite values; write 0 for "
					  "missing and 1 for known pixels",
					  c->file);
	if (!c->weights)
		status = make_binary(host, c, s.extent[0], s.extent[1], m);
	if (status)
		return status;
	if (!by_channel)
		merge_channels(m, (size_t)(s.extent[0] * s.extent[1]));
	for (size_t i = 0; c->weights && c->invert && i < m->count; i++)
		m->weight[i] = 1 - m->weight[i];
	return LACUNA_OK;
}

/* Reads one number or range of "12+40-42" from *text and advances it. False if it is not within 0..size-1. */
static int next_lines(const char **text, int64_t size, int64_t *first, int64_t *last)
{
	char *end;

	*first = *last = strtoll(*text, &end, 10);
	if (end == *text)
		return 0;
	if (*end == '-') {
		const char *from = end + 1;

		*last = strtoll(from, &end, 10);
		if (end == from)
			return 0;
	}
	if (*end == '+' && end[1])
		end++;
	else if (*end)
		return 0;
	*text = end;
	return *first >= 0 && *first <= *last && *last < size;
}

/* Clears dead lines of a detector. `step' is the distance between pixels of a line, `apart' that between lines. */
static int clear_lines(struct mask *m, const char *name, const char *list, int64_t lines,
		       int64_t apart, int64_t length, int64_t step)
{
	const size_t plane = (size_t)(lines * length);

	for (const char *rest = list; rest && *rest;) {
		int64_t first, last;

		if (!next_lines(&rest, lines, &first, &last))
			return m->host->fail(m->host, LACUNA_EINVAL,
					     "%s=%s: give numbers from 0 to %lld, or ranges, "
					     "such as 12+40-42",
					     name, list, (long long)lines - 1);
		for (size_t at = 0; at < m->count; at += plane)
			for (int64_t line = first; line <= last; line++)
				for (int64_t i = 0; i < length; i++)
					m->weight[at + (size_t)(line * apart + i * step)] = 0;
	}
	return LACUNA_OK;
}

static int make_weights(const struct lacuna_host *host, const struct config *c,
			const struct lacuna_shape *x, struct mask *m)
{
	m->count = (size_t)x->extent[0] * (size_t)x->extent[1];
	m->weight = host->alloc(host, m->count * sizeof *m->weight);
	if (!m->weight)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < m->count; i++)
		m->weight[i] = host->random(host, (uint64_t)c->seed, i) < c->keep;
	clear_boxes(host, c, x->extent[0], x->extent[1], m->weight);
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct mask *m = self;

	if (!m)
		return;
	m->host->release(m->host, m->weight);
	m->host->release(m->host, m);
}

/* All memory comes from host->alloc(). On failure create() frees everything and leaves *self unchanged. */
static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = config;
	const int64_t width = x->extent[0], height = x->extent[1];
	struct mask *m;
	int status;

	(void)y;
	if (c->file && (c->keep < 1 || c->boxes))
		return host->fail(host, LACUNA_EINVAL,
				  "file= cannot be combined with keep= or boxes=; give two "
				  "masks instead (-A mask:... -A mask:...)");
	if (!c->file && (c->invert || c->weights || c->channels || c->threshold > 0))
		return host->fail(host, LACUNA_EINVAL,
				  "invert, weights, channels and threshold need file=MASK.tif");
	if (!c->file && !c->value && c->keep == 1 && !c->boxes && !c->columns && !c->rows)
		return host->fail(
			host, LACUNA_EINVAL,
			"nothing is masked; give file=MASK.tif, value=NUMBER, keep=FRACTION, "
			"boxes=COUNT, columns=LIST or rows=LIST");
	m = host->alloc(host, sizeof *m);
	if (!m)
		return LACUNA_ENOMEM;
	m->host = host;
	m->total = lacuna_count(x);
	status = c->file ? read_weights(host, c, x, m) : make_weights(host, c, x, m);
	if (!status)
		status = clear_lines(m, "columns", c->columns, width, 1, height, width);
	if (!status)
		status = clear_lines(m, "rows", c->rows, height, width, width, 1);
	if (!status && c->file)
		status = tell_share(host, c, m);
	if (status) {
		destroy(m);
		return status;
	}
	*self = m;
	return LACUNA_OK;
}

/* ---- the work: y = A x, x = A'y, x = gain(A'A) b, diag(A'A) ------------------------------------------- */

/* `self' is const: the host may call from several threads at once.  Every value of y is written. */
static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct mask *m = self;

	(void)scratch;
	for (size_t plane = 0; plane < m->total; plane += m->count)
		for (size_t i = 0; i < m->count; i++)
			y[plane + i] = m->weight[i] * x[plane + i];
	return LACUNA_OK;
}

/* A diagonal matrix is its own adjoint.  `at' is for nonlinear operators. */
static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return apply(self, scratch, y, x);
}

/* The eigenvalues of A'A are the squared weights, its eigenvectors the pixels. */
static int spectral(const void *self, void *scratch, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	const struct mask *m = self;
	const double missing = gain(0, context), known = gain(1, context);

	(void)scratch;
	for (size_t i = 0; i < m->count; i++) {
		double w = m->weight[i];
		double g = w == 0 ? missing : w == 1 ? known : gain(w * w, context);

		for (size_t plane = 0; plane < m->total; plane += m->count)
			x[plane + i] = (float)(g * b[plane + i]);
	}
	return LACUNA_OK;
}

static int diagonal(const void *self, float *d)
{
	const struct mask *m = self;

	for (size_t plane = 0; plane < m->total; plane += m->count)
		for (size_t i = 0; i < m->count; i++)
			d[plane + i] = m->weight[i] * m->weight[i];
	return LACUNA_OK;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

/* name, (unit, smallest, largest,) default, help: the host's parser, help page and manual read these rows. */
static const struct lacuna_param params[] = {
	LACUNA_PARAM_PATH(struct config, file, LACUNA_PAGED, NULL,
			  "image of the mask: white is known, black is missing; one page for all, "
			  "or one for each page"),
	LACUNA_PARAM_BOOL(struct config, invert, 0, "the file is white where pixels are missing"),
	LACUNA_PARAM_REAL(
		struct config, threshold, NULL, 0, 1, 0,
		"values of the file from this one up are white; 0: the upper half of its range"),
	LACUNA_PARAM_BOOL(struct config, weights, 0,
			  "the file holds weights from 0 to 1, not black and white"),
	LACUNA_PARAM_BOOL(struct config, channels, 0,
			  "each channel of the file is the mask of that channel of the image"),
	/* The host handles `value': it has the measurement, the operator has not. */
	LACUNA_PARAM_TEXT(struct config, value, LACUNA_ABSENT, NULL,
			  "pixels with this value in the file of the picture are missing"),
	LACUNA_PARAM_REAL(struct config, keep, NULL, 0, 1, 1,
			  "keep each pixel with this probability"),
	LACUNA_PARAM_INT(struct config, boxes, NULL, 0, 100000, 0,
			 "number of squares to remove at random places"),
	LACUNA_PARAM_INT(struct config, size, "px", 1, 100000, 32, "side of the squares"),
	LACUNA_PARAM_TEXT(struct config, columns, 0, NULL,
			  "missing columns, counted from 0, such as 12+40-42"),
	LACUNA_PARAM_TEXT(struct config, rows, 0, NULL,
			  "missing rows, counted from 0, such as 7+100-101"),
	LACUNA_PARAM_INT(struct config, seed, NULL, 0, 1e9, 0, "seed of the random mask"),
};

static const char manual[] =
	"Multiplies each pixel by a weight m: y = m x.  Weight 0 means that the pixel is missing.  "
	"Restoring fills it in (inpainting).\n\n"
	"Use it to remove scratches, text or dead pixels.  Paint a mask of the image's size: white "
	"where the image is good, black or any colour where it is not (with invert=yes black where "
	"it is good).  Then say mask:file=MASK.tif.  A PNG works too, also one with strokes "
	"on a transparent layer; if all of them are white, they count as black.  The mask may hold "
	"0 and 1 or 0 and 255, may be painted with a soft brush, and may have been saved as JPEG.  "
	"A pixel is known where all channels of the "
	"mask are in the upper half of its range.  Areas of gray count as painted: as missing, "
	"also with invert=yes, so that the numbers of segments may serve as a mask (0 is good, all "
	"others are missing).  Do not paint in a copy of the picture: its dark parts would be "
	"missing, "
	"too.  Such a file is refused.  The share of missing pixels is printed.  With "
	"channels=yes the mask has as many channels as the image and hides single colours of a "
	"pixel.  With weights=yes the values are weights.  A weight between 0 and 1 means that the "
	"pixel was recorded darker by that factor, as by vignetting.\n\n"
	"For a stack the mask may have one page, which is used for all, or one for each page.\n\n"
	"If missing pixels have a value of their own, such as 0 or 65535, no file is needed: with "
	"mask:value=0 a pixel is missing if all its channels are 0.\n\n"
	"Dead columns or rows of a detector need no file either: mask:columns=12+40-42,rows=7.  "
	"They are counted from 0.\n\n"
	"For experiments, mask:keep=0.5,seed=7 keeps half of the pixels at random, and "
	"mask:boxes=3,size=40,seed=1 removes three squares.\n\n"
	"Missing pixels of a measurement are written as 0.  NaN pixels of a float TIFF are missing "
	"without any mask.  Do not use a mask for pixels that are only noisy; state their noise "
	"instead (-n).\n\n"
	"Source: the diagonal operator of inpainting, as in Bertalmio et al., Image Inpainting, "
	"SIGGRAPH 2000; A'A = diag(m^2), so every spectral function is a gain per pixel.";

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_PICTURE | LACUNA_PARTIAL,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
	.diagonal = diagonal,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"mask",
	"missing or weighted pixels (inpainting)",
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
