/* SPDX-License-Identifier: MIT */
/* Operator "soften": a filter in the frequency domain.  EDIT: say what yours does.
 *
 * y = F^-1 H F x for each channel, where F is the Fourier transform and H here that of a Gaussian; the boundary is periodic.
 * H is real and even, so A is its own adjoint and A'A has the eigenvalues H^2.  For other kernels store H as complex numbers
 * and use its conjugate in adjoint().  Needs FFTW.
 * lacuna-plugin(7) explains each part, <lacuna/plugin.h> defines the interface, and "make check" reports rules that the
 * plugin breaks. */
#include <fftw3.h>
#include <lacuna/plugin.h>
#include <math.h>

struct config {
	double sigma;
};

struct self {
	const struct lacuna_host *host;
	int64_t w, h, planes;
	float *transfer; /* H, (w/2 + 1) x h, divided by w h, because FFTW does not normalise */
	fftwf_plan forward, backward;
};

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct self *s = (struct self *)self;

	if (!s)
		return;
	if (s->forward)
		fftwf_destroy_plan(s->forward);
	if (s->backward)
		fftwf_destroy_plan(s->backward);
	s->host->release(s->host, s->transfer);
	s->host->release(s->host, s);
}

static size_t spectrum_count(const struct self *s)
{
	return (size_t)(s->w / 2 + 1) * (size_t)s->h;
}

/* Frequency k of n, in cycles per pixel. */
static double frequency(int64_t k, int64_t n)
{
	return (double)(k <= n / 2 ? k : k - n) / (double)n;
}

static void fill_transfer(struct self *s, double sigma)
{
	const double pi = 3.14159265358979323846;
	const int64_t columns = s->w / 2 + 1;

	for (int64_t j = 0; j < s->h; j++)
		for (int64_t i = 0; i < columns; i++) {
			const double fx = frequency(i, s->w), fy = frequency(j, s->h);
			const double t = 2 * pi * pi * sigma * sigma * (fx * fx + fy * fy);

			s->transfer[i + columns * j] = (float)(exp(-t) / (double)(s->w * s->h));
		}
}

/* Make plans only in create() and destroy(): FFTW's planner is not thread-safe, and the host never runs two of these
 * functions at once, not even of different plugins.  FFTW_ESTIMATE, because a measured plan can differ between runs and then
 * rounds differently. */
static int make_plans(struct self *s)
{
	const unsigned flags = FFTW_ESTIMATE | FFTW_UNALIGNED | FFTW_PRESERVE_INPUT;
	float *real = (float *)s->host->alloc(s->host, sizeof(float) * (size_t)(s->w * s->h));
	fftwf_complex *spectrum =
		(fftwf_complex *)s->host->alloc(s->host, sizeof(fftwf_complex) * spectrum_count(s));

	if (real && spectrum) {
		s->forward = fftwf_plan_dft_r2c_2d((int)s->h, (int)s->w, real, spectrum, flags);
		s->backward = fftwf_plan_dft_c2r_2d((int)s->h, (int)s->w, spectrum, real,
						    FFTW_ESTIMATE | FFTW_UNALIGNED);
	}
	s->host->release(s->host, real);
	s->host->release(s->host, spectrum);
	return s->forward && s->backward ? LACUNA_OK : LACUNA_ENOMEM;
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	struct self *s = (struct self *)host->alloc(host, sizeof(struct self));

	(void)y;
	if (!s)
		return LACUNA_ENOMEM;
	s->host = host;
	s->w = x->extent[0];
	s->h = x->extent[1];
	s->planes = x->extent[2] * x->extent[3];
	s->transfer = (float *)host->alloc(host, sizeof(float) * spectrum_count(s));
	if (!s->transfer || make_plans(s)) {
		destroy(s);
		return host->fail(host, LACUNA_ENOMEM, "no memory for the Fourier transform");
	}
	fill_transfer(s, ((const struct config *)config)->sigma);
	*self = s;
	return LACUNA_OK;
}

/* Bytes of work space for one call.  Each concurrent call gets its own. */
static size_t scratch_size(const void *self)
{
	return sizeof(fftwf_complex) * spectrum_count((const struct self *)self);
}

/* out = F^-1 g F in, with g = H, or g = gain(H^2) if `gain' is not NULL. */
static void filter(const struct self *s, void *scratch, lacuna_gain *gain, const void *context,
		   const float *in, float *out)
{
	fftwf_complex *spectrum = (fftwf_complex *)scratch;
	const size_t count = spectrum_count(s), plane = (size_t)(s->w * s->h);
	const double scale = (double)plane;

	for (int64_t p = 0; p < s->planes; p++) {
		/* FFTW_PRESERVE_INPUT: the forward transform does not change its input. */
		fftwf_execute_dft_r2c(s->forward, (float *)(uintptr_t)(in + plane * (size_t)p),
				      spectrum);
		for (size_t i = 0; i < count; i++) {
			double g = s->transfer[i];

			if (gain)
				g = gain(g * scale * g * scale, context) / scale;
			spectrum[i][0] = (float)(spectrum[i][0] * g);
			spectrum[i][1] = (float)(spectrum[i][1] * g);
		}
		fftwf_execute_dft_c2r(s->backward, spectrum, out + plane * (size_t)p);
	}
}

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	filter((const struct self *)self, scratch, NULL, NULL, x, y);
	return LACUNA_OK;
}

static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return apply(self, scratch, y, x);
}

/* Optional: x = gain(A'A) b for any function gain().  With it a restoration needs only one pair of transforms. */
static int spectral(const void *self, void *scratch, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	filter((const struct self *)self, scratch, gain, context, b, x);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, sigma, "px", 0, 100, 1.5, "width of the Gaussian"),
};

static const struct lacuna_operator family = {
	.size = sizeof(struct lacuna_operator),
	.flags = LACUNA_LINEAR | LACUNA_PICTURE,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_size,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	/* EDIT: the name (also the file's); a short description; when to use it, when not, and its source. */
	"soften",
	"a Gaussian filter by FFT",
	"Multiplies the Fourier transform of each channel by that of a Gaussian.\n\n"
	"Use it for pictures that are periodic.  "
	"Not where edges matter: see operator blur.",
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
