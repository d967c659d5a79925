/* SPDX-License-Identifier: MIT */
/* Operator "soften": a filter in the frequency domain.  EDIT: say what yours does.
 *
 * y = F^-1 H F x for each channel, where F is the Fourier transform and H here that of a Gaussian; the boundary is periodic.
 * H is real and even, so A is its own adjoint and A'A has the eigenvalues H^2.  For other kernels store H as complex numbers
 * and use its conjugate in adjoint().
 * The transforms are the host's: <lacuna/fft.h>.  lacuna-plugin(7) explains each part, <lacuna/plugin.h> defines the
 * interface, and "make check" reports rules that the plugin breaks. */
#include <lacuna/fft.h>
#include <lacuna/plugin.h>
#include <math.h>

struct config {
	double sigma;
};

struct self {
	const struct lacuna_host *host;
	const struct lacuna_fft *fft;
	const struct lacuna_fft_plan *plan;
	size_t plane; /* pixels */
	int64_t planes;
	float *transfer; /* H, laid out as a spectrum */
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
	if (s->fft)
		s->fft->close(s->host, s->plan);
	s->host->release(s->host, s->transfer);
	s->host->release(s->host, s);
}

/* Frequency k of n, in cycles per pixel. */
static double frequency(int64_t k, int64_t n)
{
	return (double)(k <= n / 2 ? k : k - n) / (double)n;
}

static void fill_transfer(struct self *s, double sigma)
{
	const struct lacuna_fft_plan *p = s->plan;
	const double pi = 3.14159265358979323846;

	for (int64_t ky = 0; ky < p->height; ky++)
		for (int64_t kx = 0; kx < p->columns; kx++) {
			const double fx = frequency(kx, p->width), fy = frequency(ky, p->height);
			const double t = 2 * pi * pi * sigma * sigma * (fx * fx + fy * fy);

			s->transfer[kx + p->stride * ky] = (float)exp(-t);
		}
}

/* Plans belong here: in create(), not in apply(). */
static int prepare(struct self *s, const struct lacuna_shape *x, double sigma)
{
	const struct lacuna_host *host = s->host;
	int status;

	s->fft = (const struct lacuna_fft *)host->extension(host, LACUNA_FFT);
	if (!s->fft)
		return host->fail(host, LACUNA_EUNSUPPORTED, "this host has no " LACUNA_FFT);
	status = s->fft->open(host, x->extent[0], x->extent[1], &s->plan);
	if (status)
		return status;
	s->transfer = (float *)host->alloc(host, s->plan->bytes);
	if (!s->transfer)
		return LACUNA_ENOMEM;
	fill_transfer(s, sigma);
	return LACUNA_OK;
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	struct self *s = (struct self *)host->alloc(host, sizeof(struct self));
	int status;

	(void)y;
	if (!s)
		return LACUNA_ENOMEM;
	s->host = host;
	s->plane = (size_t)(x->extent[0] * x->extent[1]);
	s->planes = x->extent[2] * x->extent[3];
	status = prepare(s, x, ((const struct config *)config)->sigma);
	if (status) {
		destroy(s);
		return status;
	}
	*self = s;
	return LACUNA_OK;
}

/* Bytes of work space for one call: a spectrum.  Each concurrent call gets its own. */
static size_t scratch_size(const void *self)
{
	return ((const struct self *)self)->plan->bytes;
}

/* The factor on each frequency: H, or gain(H^2) if `gain' is not NULL. */
struct factor {
	const struct self *s;
	lacuna_gain *gain;
	const void *context;
};

/* The host calls this for parts of the spectrum, from several threads: values kx..kx+count-1 of row ky. */
static void multiply(const void *context, int32_t ky, int32_t kx, int32_t count,
		     lacuna_complex *values)
{
	const struct factor *f = (const struct factor *)context;
	const float *h = f->s->transfer + (size_t)ky * (size_t)f->s->plan->stride + kx;

	for (int32_t i = 0; i < count; i++) {
		const double square = (double)h[i] * (double)h[i];
		const float g = f->gain ? (float)f->gain(square, f->context) : h[i];

		values[i][0] *= g;
		values[i][1] *= g;
	}
}

static void filter(const struct factor *f, void *scratch, const float *in, float *out)
{
	const struct self *s = f->s;

	for (int64_t p = 0; p < s->planes; p++, in += s->plane, out += s->plane)
		s->fft->filter(s->host, s->plan, in, NULL, multiply, f, out, NULL,
			       (lacuna_complex *)scratch);
}

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct factor f = { (const struct self *)self, NULL, NULL };

	filter(&f, scratch, x, y);
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
	const struct factor f = { (const struct self *)self, gain, context };

	filter(&f, scratch, b, x);
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
