/* SPDX-License-Identifier: MIT */
/* Operator "smear": the camera moved sideways while the shutter was open.  EDIT: say what yours does.
 *
 * y = A x, where each pixel of y is the mean of `length' neighbours of x in its row.  Beyond its end a row repeats its last
 * pixel.
 * lacuna-plugin(7) explains each part, <lacuna/plugin.h> defines the interface, and "make check" reports rules that the
 * plugin breaks. */
#include <lacuna/plugin.h>

/* One member for each parameter, of type int64_t, double or const char *.  The table `params' below gives names, limits and
 * help.  shape() and create() receive the user's values in this structure. */
struct config {
	int64_t length;
};

/* The instance: create() makes it, and all functions below receive it. */
struct self {
	const struct lacuna_host *host;
	int64_t width, rows, length; /* rows: over all channels and frames */
};

/* The shape of y from that of x or, if from_y != 0, of x from that of y.  Here both are equal. */
static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

/* On failure release everything you allocated and return a status.  host->fail() stores the message for the user:
 * return host->fail(host, LACUNA_EINVAL, "what is wrong, and what to do"); */
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

/* The pixel of the row that is the k-th neighbour of pixel i. */
static int64_t neighbour(const struct self *s, int64_t i, int64_t k)
{
	const int64_t at = i + k - s->length / 2;

	return at < 0 ? 0 : at >= s->width ? s->width - 1 : at;
}

/* Arguments of one call for the loop over rows.  Rows are independent, so the host may run them on all processors.  A body
 * returns a status and may request its own memory (here 0 bytes, in parallel()). */
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

/* The transpose, not an inverse: where apply() reads x[i] for y[j], this adds y[j] to x[i] with the same weight.  Write it
 * as apply() with the two sides of the assignment exchanged. */
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

/* y = A x.  Writes every value of y and does not change x.  Several calls may run at once. */
static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct self *s = (const struct self *)self;
	struct work work = { s, x, y };

	(void)scratch;
	return s->host->parallel(s->host, (size_t)s->rows, 0, apply_row, &work);
}

/* x = A' y.  `at' is for nonlinear operators. */
static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct self *s = (const struct self *)self;
	struct work work = { s, y, x };

	(void)scratch, (void)at;
	return s->host->parallel(s->host, (size_t)s->rows, 0, adjoint_row, &work);
}

/* Member, unit, smallest, largest, default, and a line of help. */
static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(struct config, length, "px", 1, 1000, 9, "how far the camera moved"),
};

/* Functions that are left out are NULL.  If there is a closed form, add spectral() or diagonal(): restoration is then
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
	/* EDIT: the name (also the file's); a short description; when to use it, when not, and its source. */
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
