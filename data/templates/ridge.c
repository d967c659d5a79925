/* SPDX-License-Identifier: MIT */
/* Guidance "ridge": how the measurement corrects the prior's estimate.  EDIT: say what yours does.
 *
 * A guidance is an estimate of E[x | u, y], u = x + sigma n.  Here the prior's answer D is taken for a Gaussian with mean D and
 * standard deviation r, r^2 = sigma^2 spread^2/(sigma^2 + spread^2), and the measurement y = A x + noise n for another one;
 * the mean of both solves (A'A + rho I) x0 = A'y + rho D, rho = noise^2/r^2.
 * lacuna-plugin(7) explains each part, <lacuna/plugin.h> is the contract, and "make check" tells what does not hold. */
#include <lacuna/plugin.h>

struct config {
	double spread;
};

struct self {
	const struct lacuna_host *host;
	size_t count;
	double noise, spread;
	float *aty; /* A'y, made once */
};

static void destroy(void *self)
{
	struct self *s = (struct self *)self;

	if (!s)
		return;
	s->host->release(s->host, s->aty);
	s->host->release(s->host, s);
}

/* problem->measurement is y; the host's apply(), adjoint(), solve() ... are those of the problem at hand. */
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
	s->noise = problem->noise > 1e-3 ? problem->noise : 1e-3; /* y is never quite certain */
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

/* A host function that fails has kept its message: pass the status on. */
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
	return s->host->problem->solve(s->host, rho, b, x0); /* x0 is the first guess, too */
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, spread, NULL, 0.001, 10, 0.25,
			  "standard deviation of pictures around the prior's mean"),
};

/* needs: what it calls, so that a problem without it is refused at once. */
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
	/* EDIT: the file's name, too; what it is, in a line; when to use it, when not, and where it comes from. */
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
