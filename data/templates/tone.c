/* SPDX-License-Identifier: MIT */
/* Operator "tone": a response that bends over.  EDIT: say what yours does.
 *
 * y = f(x) for each value, f(x) = (1 + bend) x / (1 + bend x), continued below 0 by its tangent.  f is not linear: the flag
 * LACUNA_LINEAR is missing, and adjoint() is the transpose of the derivative at a point.
 * lacuna-plugin(7) explains each part, <lacuna/plugin.h> defines the interface, and "make check" reports rules that the
 * plugin breaks. */
#include <lacuna/plugin.h>

struct config {
	double bend;
};

struct self {
	const struct lacuna_host *host;
	size_t count;
	double bend;
};

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	struct self *s = (struct self *)host->alloc(host, sizeof(struct self));

	(void)y;
	if (!s)
		return LACUNA_ENOMEM;
	s->host = host;
	s->count = lacuna_count(x);
	s->bend = ((const struct config *)config)->bend;
	*self = s;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct self *s = (struct self *)self;

	if (s)
		s->host->release(s->host, s);
}

static double value(double bend, double x)
{
	return x > 0 ? (1 + bend) * x / (1 + bend * x) : (1 + bend) * x;
}

static double derivative(double bend, double x)
{
	return x > 0 ? (1 + bend) / ((1 + bend * x) * (1 + bend * x)) : 1 + bend;
}

/* A sampler's states are noisy: x may lie far outside of 0..1, and f must be finite there. */
static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct self *s = (const struct self *)self;

	(void)scratch;
	for (size_t i = 0; i < s->count; i++)
		y[i] = (float)value(s->bend, x[i]);
	return LACUNA_OK;
}

/* x = J' y, where J is the derivative of apply() at the point `at'.  Here J is diagonal. */
static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct self *s = (const struct self *)self;

	(void)scratch;
	for (size_t i = 0; i < s->count; i++)
		x[i] = (float)(derivative(s->bend, at[i]) * y[i]);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, bend, NULL, 0, 10, 1,
			  "how much the response bends; 0: not at all"),
};

/* LACUNA_PIXELWISE: each value of y depends on one value of x.  Leave it out if that is not so. */
static const struct lacuna_operator family = {
	.size = sizeof(struct lacuna_operator),
	.flags = LACUNA_PIXELWISE | LACUNA_PICTURE,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	/* EDIT: the name (also the file's); a short description; when to use it, when not, and its source. */
	"tone",
	"a response that bends over",
	"Bright values are recorded darker than in proportion.\n\n"
	"Use it for film and for sensors near saturation.  "
	"Not for values that are clipped.",
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
