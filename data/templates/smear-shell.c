/* SPDX-License-Identifier: MIT */
/* Operator "smear": the camera moved sideways while the shutter was open.  EDIT: say what yours does.
 *
 * This file is the plugin's interface to the host: parameters, shapes, texts, and the functions that the host calls.  It is
 * written in C because <lacuna/plugin.h> defines the interface: a manual translation to another language could become wrong
 * unnoticed.  The file "work" beside it does the computation.
 * lacuna-plugin(7) explains each part, and "make check" reports rules that the plugin breaks. */
#include <lacuna/plugin.h>

/* y = A x and x = A' y.  extent is that of x and of y: width, height, channels, frames.  Only these two names are shared
 * with the other file. */
void work_apply(const int64_t extent[4], int64_t length, const float *x, float *y);
void work_adjoint(const int64_t extent[4], int64_t length, const float *y, float *x);

/* One member for each parameter, of type int64_t, double or const char *. */
struct config {
	int64_t length;
};

struct self {
	const struct lacuna_host *host;
	struct lacuna_shape x;
	struct config config;
};

/* The shape of y from that of x or, if from_y != 0, of x from that of y.  Here both are equal. */
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
	struct self *s = host->alloc(host, sizeof(struct self));

	(void)y;
	if (!s)
		return LACUNA_ENOMEM;
	s->host = host;
	s->x = *x;
	s->config = *(const struct config *)config;
	*self = s;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct self *s = self;

	if (s)
		s->host->release(s->host, s);
}

/* Several calls may run at once on one instance. */
static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct self *s = self;

	(void)scratch;
	work_apply(s->x.extent, s->config.length, x, y);
	return LACUNA_OK;
}

static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct self *s = self;

	(void)scratch, (void)at;
	work_adjoint(s->x.extent, s->config.length, y, x);
	return LACUNA_OK;
}

/* Member, unit, smallest, largest, default, and a line of help. */
static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(struct config, length, "px", 1, 1000, 9, "how far the camera moved"),
};

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
