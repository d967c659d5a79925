/* SPDX-License-Identifier: MIT */
/* Sampler "ddim": the reverse process, discretised in time.  EDIT: say what yours does.
 *
 * A state is u = x + sigma n.  The step from level s to level t < s, with the guidance's estimate x0 and new noise n, is
 *	u = x0 + t (sqrt(1 - eta^2) (u - x0)/s + eta n)
 * (Song, Meng, Ermon, Denoising Diffusion Implicit Models, ICLR 2021).  The levels are a geometric series.  The result is
 * the estimate after the last level.
 * lacuna-plugin(7) explains each part, <lacuna/plugin.h> defines the interface, and "make check" reports rules that the
 * plugin breaks.  "lacuna study" shows whether a sampler draws from the right distribution. */
#include <lacuna/plugin.h>
#include <math.h>

struct config {
	int64_t steps; /* "lacuna restore --steps" sets this */
	double eta, sigma_max, sigma_min;
};

struct self {
	const struct lacuna_host *host;
	struct config config;
	const float *first; /* the user's start image, or NULL; valid as long as the problem */
	size_t count;
	float *x0, *noise;
};

static void destroy(void *self)
{
	struct self *s = (struct self *)self;

	if (!s)
		return;
	s->host->release(s->host, s->x0);
	s->host->release(s->host, s->noise);
	s->host->release(s->host, s);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = (const struct config *)config;
	struct self *s;

	if (c->sigma_min >= c->sigma_max)
		return host->fail(host, LACUNA_EINVAL, "sigma_min=%g must be below sigma_max=%g",
				  c->sigma_min, c->sigma_max);
	s = (struct self *)host->alloc(host, sizeof(struct self));
	if (!s)
		return LACUNA_ENOMEM;
	s->host = host;
	s->config = *c;
	s->first = problem->start;
	s->count = lacuna_count(&problem->x);
	s->x0 = (float *)host->alloc(host, sizeof(float) * s->count);
	s->noise = (float *)host->alloc(host, sizeof(float) * s->count);
	if (!s->x0 || !s->noise) {
		destroy(s);
		return LACUNA_ENOMEM;
	}
	*self = s;
	return LACUNA_OK;
}

/* Noise level of state k = 0..steps - 1. */
static double level(const struct config *c, int64_t k)
{
	const double part = c->steps > 1 ? (double)k / (double)(c->steps - 1) : 0;

	return c->sigma_max * pow(c->sigma_min / c->sigma_max, part);
}

static int64_t steps(const void *self)
{
	return ((const struct self *)self)->config.steps;
}

/* Take random numbers from the host: they depend only on seed, picture, sample, stream and position.  You choose the number
 * of the stream: here 0 for the start and k + 1 for step k, so that all steps have different noise. */
static int start(void *self, float *u)
{
	struct self *s = (struct self *)self;

	s->host->gaussian(s->host, 0, 0, s->noise, s->count);
	for (size_t i = 0; i < s->count; i++)
		u[i] = (float)((s->first ? s->first[i] : 0.5f) +
			       level(&s->config, 0) * s->noise[i]);
	return LACUNA_OK;
}

/* Step k changes u in place.  The last step leaves the restored picture in u, not a noisy state. */
static int step(void *self, int64_t k, float *u)
{
	struct self *s = (struct self *)self;
	const struct config *c = &s->config;
	const double from = level(c, k), to = k + 1 < c->steps ? level(c, k + 1) : 0;
	const double keep = to * sqrt(1 - c->eta * c->eta) / from, fresh = to * c->eta;
	const int status = s->host->guidance->estimate(s->host, from, u, s->x0);

	if (status)
		return status;
	s->host->gaussian(s->host, (uint64_t)(k + 1), 0, s->noise, s->count);
	for (size_t i = 0; i < s->count; i++)
		u[i] = (float)(s->x0[i] + keep * (u[i] - s->x0[i]) + fresh * s->noise[i]);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(struct config, steps, NULL, 1, 10000, 20, "number of steps"),
	LACUNA_PARAM_REAL(struct config, eta, NULL, 0, 1, 0.5, "new noise in each step; 0: none"),
	LACUNA_PARAM_REAL(struct config, sigma_max, NULL, 0.1, 50, 5, "first level of noise"),
	LACUNA_PARAM_REAL(struct config, sigma_min, NULL, 0.002, 1, 0.01, "last level of noise"),
};

/* needs: the host services that this plugin calls, so that a problem without them is refused at once. */
static const struct lacuna_sampler family = {
	.size = sizeof(struct lacuna_sampler),
	.flags = 0,
	.needs = LACUNA_NEEDS_GUIDANCE,
	.reserved = 0,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.start = start,
	.step = step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	/* EDIT: the name (also the file's); a short description; when to use it, when not, and its source. */
	"ddim",
	"deterministic steps and new noise",
	"DDIM (Song et al. 2021) in the variance-exploding scale.\n\n"
	"Use it to begin a sampler of your own.  "
	"Not where ode-fast is there: that needs fewer steps.",
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
