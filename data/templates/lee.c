/* SPDX-License-Identifier: MIT */
/* Prior "lee": each pixel is like its neighbourhood.  EDIT: say what yours does.
 *
 * A prior is a denoiser, x0 = E[x | x + sigma n = u], for any sigma.  Here x has mean m and variance v in a square of (2
 * radius + 1)^2 pixels.  Both are estimated from u, and x0 = m + max(v, 0)/(v + sigma^2) (u - m) (Lee, Digital image
 * enhancement and noise filtering by use of local statistics, IEEE TPAMI 1980).  With strong noise m moves towards 1/2,
 * middle gray.
 * lacuna-plugin(7) explains each part, <lacuna/plugin.h> defines the interface, and "make check" reports rules that the
 * plugin breaks. */
#include <lacuna/plugin.h>

struct config {
	int64_t radius;
};

struct self {
	const struct lacuna_host *host;
	int64_t w, h, frames, radius;
};

/* `problem' has the shapes of x and y, the measurement and its noise; a prior may learn from them.  This prior uses the
 * shapes only: see LACUNA_LASTING below. */
static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	struct self *s = (struct self *)host->alloc(host, sizeof(struct self));

	if (!s)
		return LACUNA_ENOMEM;
	s->host = host;
	s->w = problem->x.extent[0];
	s->h = problem->x.extent[1];
	s->frames = problem->x.extent[3];
	s->radius = ((const struct config *)config)->radius;
	*self = s;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct self *s = (struct self *)self;

	if (s)
		s->host->release(s->host, s);
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->channels = 1;      /* per call of denoise(); 0: all of x */
	i->blind = 0;	      /* 1: ignores sigma */
	i->sigma_min = 0.001; /* range of sigma; white is 1 */
	i->sigma_max = 50;
	i->symmetric = 1; /* mirrored and turned images are equally probable */
}

/* Bytes of work space for one call: for each column, the sums of u and of u^2 over `2 radius + 1' rows. */
static size_t scratch_size(const void *self)
{
	return sizeof(double) * 2 * (size_t)((const struct self *)self)->w;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static double estimate(double sigma, double u, double sum, double sum2, double n)
{
	const double spread2 = 0.25 * 0.25, sigma2 = sigma * sigma;
	const double mean = sum / n, all = sum2 / n - mean * mean; /* all: of x plus noise */
	const double v = all > sigma2 ? all - sigma2 : 0;
	const double trust = spread2 / (spread2 + sigma2 / n);
	const double m = 0.5 + trust * (mean - 0.5);

	return m + v / (v + sigma2) * (u - m);
}

/* Squares are cut off at the picture's border. */
static void denoise_plane(const struct self *s, double *sums, double sigma, const float *u,
			  float *x0)
{
	const int64_t w = s->w, h = s->h, r = s->radius;
	double *sums2 = sums + w;

	for (int64_t j = 0; j < h; j++) {
		const int64_t top = most(j - r, 0), bottom = least(j + r, h - 1);

		for (int64_t i = 0; i < w; i++) {
			sums[i] = sums2[i] = 0;
			for (int64_t k = top; k <= bottom; k++) {
				const double value = u[i + w * k];

				sums[i] += value;
				sums2[i] += value * value;
			}
		}
		for (int64_t i = 0; i < w; i++) {
			const int64_t left = most(i - r, 0), right = least(i + r, w - 1);
			double sum = 0, sum2 = 0;

			for (int64_t k = left; k <= right; k++) {
				sum += sums[k];
				sum2 += sums2[k];
			}
			x0[i + w * j] =
				(float)estimate(sigma, u[i + w * j], sum, sum2,
						(double)((right - left + 1) * (bottom - top + 1)));
		}
	}
}

/* u and x0 have as many channels as info() says.  Several calls may run at once, each with its own scratch. */
static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct self *s = (const struct self *)self;
	const int64_t plane = s->w * s->h;

	for (int64_t p = 0; p < s->frames; p++)
		denoise_plane(s, (double *)scratch, sigma, u + plane * p, x0 + plane * p);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(struct config, radius, "px", 1, 20, 3,
			 "half the side of the neighbourhood"),
};

/* LACUNA_LASTING: an instance depends only on shape and parameters, so the host also uses it for other pictures. */
static const struct lacuna_prior family = {
	.size = sizeof(struct lacuna_prior),
	.flags = LACUNA_LASTING,
	.create = create,
	.destroy = destroy,
	.info = info,
	.scratch = scratch_size,
	.denoise = denoise,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	/* EDIT: the name (also the file's); a short description; when to use it, when not, and its source. */
	"lee",
	"a pixel is like its neighbourhood",
	"The filter of Lee (1980): local mean and variance.\n\n"
	"Use it where no network fits the pictures.  "
	"Not for fine texture: it goes with the noise.",
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
