/* SPDX-License-Identifier: MIT */
/* Operator "smear": the camera moved sideways while the shutter was open.  EDIT: say what yours does.
 *
 * y = A x, where each pixel of y is the mean of `length' neighbours of x in its row; the last pixel of a row is repeated.
 * lacuna-plugin(7) explains each part, <lacuna/plugin.h> is the contract, and "make check" tells what does not hold. */
#include <lacuna/plugin.h>

/* One member for each parameter; the table `params' below names, limits and explains it.  Members are int64_t, double or
 * const char *, and hold the user's values when shape() and create() are called. */
struct config {
	int64_t length;
};

/* What create() makes, and all other functions receive. */
struct self {
	const struct lacuna_host *host;
	int64_t width, rows, length; /* rows: of all channels and frames */
};

/* Which y belongs to x, or (from_y != 0) which x to y.  Here they are alike. */
static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

/* On failure nothing may be left: release what you took, and return a status.  host->fail() keeps the line that the user
 * reads: return host->fail(host, LACUNA_EINVAL, "what is wrong, and what to do"); */
static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = (const struct config *)config;
	struct self *s = (struct self *)host->alloc(host, sizeof(struct self));

	(void)y;
	if (!s)
		return LACUNA_ENOMEM;
	s->host = host;
	s->width = x->extent[0];
	s->rows = x->extent[1] * x->extent[2] * x->extent[3];
	s->length = c->length;
	*self = s;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct self *s = (struct self *)self;

	if (s)
		s->host->release(s->host, s);
}

/* Which pixel of its row the k-th neighbour of pixel i is. */
static int64_t neighbour(const struct self *s, int64_t i, int64_t k)
{
	const int64_t at = i + k - s->length / 2;

	return at < 0 ? 0 : at >= s->width ? s->width - 1 : at;
}

/* One call, as the loop over rows sees it.  Rows do not touch each other: the host may run them on all processors.  A body
 * returns a status, and may ask for memory of its own (the 0 in parallel()). */
struct work {
	const struct self *self;
	const float *from;
	float *to;
};

static int apply_row(void *arg, size_t row, void *scratch)
{
	const struct work *w = (const struct work *)arg;
	const struct self *s = w->self;
	const float *x = w->from + (int64_t)row * s->width;
	float *y = w->to + (int64_t)row * s->width;

	(void)scratch;
	for (int64_t i = 0; i < s->width; i++) {
		double sum = 0;

		for (int64_t k = 0; k < s->length; k++)
			sum += x[neighbour(s, i, k)];
		y[i] = (float)(sum / (double)s->length);
	}
	return LACUNA_OK;
}

/* The transpose, not an inverse: what apply() gathers from a place, this brings back to it.  Write it as apply() with the
 * two sides of the assignment exchanged. */
static int adjoint_row(void *arg, size_t row, void *scratch)
{
	const struct work *w = (const struct work *)arg;
	const struct self *s = w->self;
	const float *y = w->from + (int64_t)row * s->width;
	float *x = w->to + (int64_t)row * s->width;

	(void)scratch;
	for (int64_t i = 0; i < s->width; i++)
		x[i] = 0;
	for (int64_t i = 0; i < s->width; i++)
		for (int64_t k = 0; k < s->length; k++)
			x[neighbour(s, i, k)] += y[i] / (float)s->length;
	return LACUNA_OK;
}

/* y = A x.  Every value of y is written; x is left alone; several calls may run at once. */
static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct self *s = (const struct self *)self;
	struct work work = { s, x, y };

	(void)scratch;
	return s->host->parallel(s->host, (size_t)s->rows, 0, apply_row, &work);
}

/* x = A' y.  `at' is for operators that are not linear. */
static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct self *s = (const struct self *)self;
	struct work work = { s, y, x };

	(void)scratch, (void)at;
	return s->host->parallel(s->host, (size_t)s->rows, 0, adjoint_row, &work);
}

/* Member, unit, smallest, largest, default, a line of help. */
static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(struct config, length, "px", 1, 1000, 9, "how far the camera moved"),
};

/* Functions that are left out are NULL.  spectral() or diagonal(), where there is a closed form, make a restoration
 * faster. */
static const struct lacuna_operator family = {
	.size = sizeof(struct lacuna_operator),
	.flags = LACUNA_LINEAR | LACUNA_PICTURE,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	/* EDIT: the file's name, too; what it is, in a line; when to use it, when not, and where it comes from. */
	"smear",
	"motion blur along the rows",
	"Each pixel is the mean of `length' pixels of its row.\n\n"
	"Use it for pictures that are smeared sideways.  "
	"Not for blur in all directions.",
	/* EDIT: version, author, licence. */
	"1.0",
	"you",
	"MIT",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
