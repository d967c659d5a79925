/* SPDX-License-Identifier: MIT */
/* Operator "bin": pixels are read out in blocks.  EDIT: say what yours does.
 *
 * y = A x, where each pixel of y is the mean of factor x factor pixels of x.  y is smaller than x; shape() and window() tell
 * the host how the two are related.
 * lacuna-plugin(7) explains each part, <lacuna/plugin.h> defines the interface, and "make check" reports rules that the
 * plugin breaks. */
#include <lacuna/plugin.h>

struct config {
	int64_t factor;
};

struct self {
	const struct lacuna_host *host;
	struct lacuna_shape x, y;
	int64_t factor;
};

/* The shape of y from that of x (from_y == 0, to simulate), or of x from that of y (from_y != 0, to restore).  Refuse shapes
 * that do not fit. */
static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	const int64_t factor = ((const struct config *)config)->factor;

	*wanted = *known;
	for (int d = 0; d < 2; d++) {
		if (from_y)
			wanted->extent[d] = known->extent[d] * factor;
		else if (known->extent[d] % factor == 0)
			wanted->extent[d] = known->extent[d] / factor;
		else
			return host->fail(
				host, LACUNA_EINVAL,
				"a picture of %lldx%lld pixels has no blocks of %lld; crop it",
				(long long)known->extent[0], (long long)known->extent[1],
				(long long)factor);
	}
	return LACUNA_OK;
}

/* shape() has accepted x and y. */
static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	struct self *s = (struct self *)host->alloc(host, sizeof(struct self));

	if (!s)
		return LACUNA_ENOMEM;
	s->host = host;
	s->x = *x;
	s->y = *y;
	s->factor = ((const struct config *)config)->factor;
	*self = s;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct self *s = (struct self *)self;

	if (s)
		s->host->release(s->host, s);
}

/* Index in x of the first pixel of the block that gives value i of y. */
static int64_t corner(const struct self *s, int64_t i)
{
	const int64_t w = s->y.extent[0], h = s->y.extent[1];
	const int64_t column = i % w, row = i / w % h, plane = i / w / h;

	return s->factor * column + s->x.extent[0] * (s->factor * row + s->x.extent[1] * plane);
}

/* Writes every value of y.  Several calls may run at once. */
static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct self *s = (const struct self *)self;
	const int64_t n = s->factor, count = (int64_t)lacuna_count(&s->y);

	(void)scratch;
	for (int64_t i = 0; i < count; i++) {
		const float *block = x + corner(s, i);
		double sum = 0;

		for (int64_t v = 0; v < n; v++)
			for (int64_t u = 0; u < n; u++)
				sum += block[u + s->x.extent[0] * v];
		y[i] = (float)(sum / (double)(n * n));
	}
	return LACUNA_OK;
}

/* The transpose, not an inverse: each pixel of a block gets the block's value, divided as in apply(). */
static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct self *s = (const struct self *)self;
	const int64_t n = s->factor, count = (int64_t)lacuna_count(&s->y);

	(void)scratch, (void)at;
	for (int64_t i = 0; i < count; i++) {
		float *block = x + corner(s, i);

		for (int64_t v = 0; v < n; v++)
			for (int64_t u = 0; u < n; u++)
				block[u + s->x.extent[0] * v] = y[i] / (float)(n * n);
	}
	return LACUNA_OK;
}

/* Optional: x = gain(A'A) b, which applies gain() to each eigenvalue of A'A.  A'A has the eigenvalue 1/n^2 for images that
 * are constant in each block, and 0 for images whose blocks have mean 0; b is split into one of each. */
static int spectral(const void *self, void *scratch, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	const struct self *s = (const struct self *)self;
	const int64_t n = s->factor, count = (int64_t)lacuna_count(&s->y);
	const double seen = gain(1 / (double)(n * n), context);
	const double unseen = n > 1 ? gain(0, context) : seen;

	(void)scratch;
	for (int64_t i = 0; i < count; i++) {
		const int64_t at = corner(s, i);
		double sum = 0;

		for (int64_t v = 0; v < n; v++)
			for (int64_t u = 0; u < n; u++)
				sum += b[at + u + s->x.extent[0] * v];
		sum /= (double)(n * n);
		for (int64_t v = 0; v < n; v++)
			for (int64_t u = 0; u < n; u++) {
				const int64_t k = at + u + s->x.extent[0] * v;

				x[k] = (float)(seen * sum + unseen * (b[k] - sum));
			}
	}
	return LACUNA_OK;
}

/* Optional, needed if x and y differ in geometry: the part of x that shows the scene of a part of y. */
static int window(const void *self, const struct lacuna_region *in_y, struct lacuna_region *in_x)
{
	const struct self *s = (const struct self *)self;

	*in_x = *in_y;
	for (int d = 0; d < 2; d++) {
		in_x->origin[d] *= s->factor;
		in_x->extent[d] *= s->factor;
	}
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(struct config, factor, NULL, 1, 64, 2, "side of a block"),
};

static const struct lacuna_operator family = {
	.size = sizeof(struct lacuna_operator),
	.flags = LACUNA_LINEAR | LACUNA_PICTURE,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
	.window = window,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	/* EDIT: the name (also the file's); a short description; when to use it, when not, and its source. */
	"bin",
	"pixels read out in blocks",
	"Each pixel is the mean of a block of pixels.\n\n"
	"Use it for sensors that are read out so.  "
	"Not for pictures that were made smaller with a filter.",
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
