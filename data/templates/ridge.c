/* SPDX-License-Identifier: MIT */
/* Guidance "ridge": how the measurement corrects the prior's estimate.  EDIT: say what yours does.
 *
 * A guidance estimates E[x | u, y], where u = x + sigma n.  This one combines two Gaussians: one with the prior's answer D
 * as its mean and standard deviation r, r^2 = sigma^2 spread^2/(sigma^2 + spread^2), and one for the measurement y = A x +
 * noise n.  Their combined mean x0 solves (A'A + rho I) x0 = A'y + rho D, rho = noise^2/r^2.
 * lacuna-plugin(7) explains each part, <lacuna/plugin.h> defines the interface, and "make check" reports rules that the
 * plugin breaks. */
#include <lacuna/plugin.h>

struct config {
	double spread;
};

struct self {
	const struct lacuna_host *host;
	size_t count;
	double noise, spread;
	float *aty; /* A'y, computed once */
};

static void destroy(void *self)
{
	struct self *s = (struct self *)self;

	if (!s)
		return;
	s->host->release(s->host, s->aty);
	s->host->release(s->host, s);
}

/* problem->measurement is y.  The host's apply(), adjoint(), solve() and so on belong to the current problem. */
static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	struct self *s = (struct self *)host->alloc(host, sizeof(struct self));
	int status = LACUNA_ENOMEM;

	if (!s)
		return LACUNA_ENOMEM;
	s->host = host;
	s->count = lacuna_count(&problem->x);
	s->spread = ((const struct config *)config)->spread;
	s->noise = problem->noise > 1e-3 ? problem->noise : 1e-3; /* noise is never taken as 0 */
	s->aty = (float *)host->alloc(host, sizeof(float) * s->count);
	if (s->aty)
		status = host->problem->adjoint(host, NULL, problem->measurement, s->aty);
	if (status) {
		destroy(s);
		return status;
	}
	*self = s;
	return LACUNA_OK;
}

/* Bytes of work space for one call. */
static size_t scratch_size(const void *self)
{
	return sizeof(float) * ((const struct self *)self)->count;
}

/* If a host function fails, it has stored its message: return its status. */
static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct self *s = (const struct self *)self;
	const double spread2 = s->spread * s->spread;
	const double r2 = sigma * sigma * spread2 / (sigma * sigma + spread2);
	const double rho = s->noise * s->noise / r2;
	float *b = (float *)scratch;
	const int status = s->host->prior->denoise(s->host, sigma, u, x0);

	if (status)
		return status;
	for (size_t i = 0; i < s->count; i++)
		b[i] = (float)(s->aty[i] + rho * x0[i]);
	return s->host->problem->solve(s->host, rho, b, x0); /* D is also the first guess */
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, spread, NULL, 0.001, 10, 0.25,
			  "standard deviation of pictures around the prior's mean"),
};

/* needs: the host services that this plugin calls, so that a problem without them is refused at once. */
static const struct lacuna_guidance family = {
	.size = sizeof(struct lacuna_guidance),
	.flags = 0,
	.needs = LACUNA_NEEDS_LINEAR,
	.reserved = 0,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_size,
	.estimate = estimate,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
	/* EDIT: the name (also the file's); a short description; when to use it, when not, and its source. */
	"ridge",
	"prior and measurement as Gaussians",
	"Takes the prior's estimate for a Gaussian and adds the measurement.\n\n"
	"Use it for linear operators.  "
	"Not where the prior has several answers.",
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
