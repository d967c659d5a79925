/* SPDX-License-Identifier: MIT */
/* Operator "smear": the camera moved sideways while the shutter was open.  EDIT: say what yours does.
 *
 * This file is the plugin's outside: parameters, shapes, texts, what the host calls.  It is C, for <lacuna/plugin.h> is the
 * contract, and a copy of it by hand in another language would be wrong some day without anybody's notice.  The work is
 * done in the file "work" beside it.
 * lacuna-plugin(7) explains each part, and "make check" tells what does not hold. */
#include <lacuna/plugin.h>

/* y = A x and x = A' y; extent: width, height, channels, frames, as in x and y.  No C name but these two is shared. */
void work_apply(const int64_t extent[4], int64_t length, const float *x, float *y);
void work_adjoint(const int64_t extent[4], int64_t length, const float *y, float *x);

/* One member for each parameter; members are int64_t, double or const char *. */
struct config {
	int64_t length;
};

struct self {
	const struct lacuna_host *host;
	struct lacuna_shape x;
	struct config config;
};

/* Which y belongs to x, or (from_y != 0) which x to y.  Here they are alike. */
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

/* Member, unit, smallest, largest, default, a line of help. */
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
