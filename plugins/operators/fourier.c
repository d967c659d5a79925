/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "fourier": a part of the discrete Fourier transform of each plane of x,
 *	y[k] = m[k] / sqrt(N) sum_j x[j] exp(-2 pi i k j),	m[k] = 1 where k is measured, else 0.
 *
 * y has two channels for one of x, the real and the imaginary part. x is real, so Y[-k] = conj Y[k] and A'A = F^-1
 * diag((m[k] + m[-k]) / 2) F; half a spectrum is enough. */
#include <lacuna/plugin.h>
#include "common/fft.h"
#include <math.h>
#include <string.h>

enum { COLUMNS, ROWS, POINTS };

struct config {
	const char *file;
	int64_t pattern, seed, centred;
	double keep, centre;
};

struct fourier {
	const struct lacuna_host *host;
	size_t width, height, planes; /* planes: channels of x times frames */
	size_t shift_x, shift_y;      /* position of frequency 0 in y */
	unsigned char *measured;      /* one plane of y */
	struct fft fft;
	double scale; /* 1 / sqrt(N) */
};

/* ---- shape ------------------------------------------------------------------------------------------- */

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	const int64_t channels = known->extent[2];

	(void)config;
	*wanted = *known;
	if (from_y && channels % 2)
		return host->fail(host, LACUNA_EINVAL,
				  "the measurement has %lld channel%s; give pairs of channels "
				  "(real and imaginary part), or a TIFF of complex numbers",
				  (long long)channels, channels == 1 ? "" : "s");
	wanted->extent[2] = from_y ? channels / 2 : 2 * channels;
	return LACUNA_OK;
}

/* ---- create, destroy --------------------------------------------------------------------------------- */

/* Frequency at index i of n, as a part of the highest frequency; `zero' is the index of frequency 0. */
static double frequency(size_t i, size_t zero, size_t n)
{
	const double d = fabs((double)i - (double)zero), wrapped = fmin(d, (double)n - d);

	return n > 1 ? 2 * wrapped / (double)n : 0;
}

/* Probability outside the centre, chosen so that the share `keep' of all is measured. */
static double chance(const struct config *c)
{
	const double middle = c->pattern == POINTS ? c->centre * c->centre : c->centre;

	return middle < 1 ? fmax(0, (c->keep - middle) / (1 - middle)) : 0;
}

static void draw_pattern(struct fourier *f, const struct config *c)
{
	const struct lacuna_host *host = f->host;
	const double share = chance(c);

	for (size_t j = 0; j < f->height; j++)
		for (size_t i = 0; i < f->width; i++) {
			const double u = frequency(i, f->shift_x, f->width);
			const double v = frequency(j, f->shift_y, f->height);
			const double out = c->pattern == COLUMNS ? u
					   : c->pattern == ROWS	 ? v
								 : fmax(u, v);
			const size_t line = c->pattern == COLUMNS ? i
					    : c->pattern == ROWS  ? j
								  : j * f->width + i;

			f->measured[j * f->width + i] =
				out <= c->centre ||
				host->random(host, (uint64_t)c->seed, line) < share;
		}
}

static int read_pattern(struct fourier *f, const struct config *c)
{
	const struct lacuna_host *host = f->host;
	struct lacuna_shape s;
	float *values = NULL;
	int status = host->read_image(host, c->file, &s, &values);

	if (status)
		return status;
	if (s.extent[0] != (int64_t)f->width || s.extent[1] != (int64_t)f->height ||
	    s.extent[2] * s.extent[3] != 1)
		status = host->fail(host, LACUNA_EINVAL,
				    "%s: the mask is %lldx%lld with %lld channels, the spectrum is "
				    "%zux%zu; give one channel of that size",
				    c->file, (long long)s.extent[0], (long long)s.extent[1],
				    (long long)s.extent[2], f->width, f->height);
	for (size_t i = 0; !status && i < f->width * f->height; i++)
		f->measured[i] = values[i] > 0;
	host->release(host, values);
	return status;
}

static void destroy(void *self)
{
	struct fourier *f = self;

	if (!f)
		return;
	fft_destroy(&f->fft);
	f->host->release(f->host, f->measured);
	f->host->release(f->host, f);
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = config;
	struct fourier *f;
	int status;

	(void)y;
	if (x->extent[0] > INT32_MAX || x->extent[1] > INT32_MAX)
		return host->fail(host, LACUNA_EINVAL, "the image is too large");
	f = host->alloc(host, sizeof *f);
	if (!f)
		return LACUNA_ENOMEM;
	f->host = host;
	f->width = (size_t)x->extent[0];
	f->height = (size_t)x->extent[1];
	f->planes = (size_t)(x->extent[2] * x->extent[3]);
	f->shift_x = c->centred ? f->width / 2 : 0;
	f->shift_y = c->centred ? f->height / 2 : 0;
	f->scale = 1 / sqrt((double)f->width * (double)f->height);
	f->measured = host->alloc(host, f->width * f->height);
	status =
		f->measured ? fft_create(host, x->extent[0], x->extent[1], &f->fft) : LACUNA_ENOMEM;
	if (!status && c->file)
		status = read_pattern(f, c);
	else if (!status)
		draw_pattern(f, c);
	if (status) {
		destroy(f);
		return status;
	}
	*self = f;
	return LACUNA_OK;
}

/* ---- the work ---------------------------------------------------------------------------------------- */

/* Index in y of the frequency (kx, ky). */
static size_t place(const struct fourier *f, size_t kx, size_t ky)
{
	return (ky + f->shift_y) % f->height * f->width + (kx + f->shift_x) % f->width;
}

static size_t opposite(size_t k, size_t n)
{
	return k ? n - k : 0;
}

static size_t scratch(const void *self)
{
	return ((const struct fourier *)self)->fft.plan->bytes;
}

/* From the half spectrum of a plane of x to two planes of y: the other half is the conjugate of this one. */
static void spread(const struct fourier *f, const lacuna_complex *spectrum, float *re, float *im)
{
	const float scale = (float)f->scale;

	for (size_t ky = 0; ky < f->height; ky++)
		for (size_t kx = 0; kx < f->width; kx++) {
			const size_t at = place(f, kx, ky);
			const int mirrored = kx >= (size_t)f->fft.plan->columns;
			const size_t column = mirrored ? opposite(kx, f->width) : kx;
			const size_t row = mirrored ? opposite(ky, f->height) : ky;
			const float *v = spectrum[row * (size_t)f->fft.plan->stride + column];

			re[at] = f->measured[at] ? scale * v[0] : 0;
			im[at] = f->measured[at] ? scale * (mirrored ? -v[1] : v[1]) : 0;
		}
}

/* The spectrum of the real part of the inverse transform: (Y[k] + conj Y[-k]) / 2. */
static void gather(const struct fourier *f, const float *re, const float *im,
		   lacuna_complex *spectrum)
{
	const float half = (float)(0.5 / f->scale);

	for (size_t ky = 0; ky < f->height; ky++)
		for (size_t kx = 0; kx < (size_t)f->fft.plan->columns; kx++) {
			const size_t a = place(f, kx, ky);
			const size_t b = place(f, opposite(kx, f->width), opposite(ky, f->height));
			const float wa = f->measured[a] ? half : 0, wb = f->measured[b] ? half : 0;
			float *v = spectrum[ky * (size_t)f->fft.plan->stride + kx];

			v[0] = wa * re[a] + wb * re[b];
			v[1] = wa * im[a] - wb * im[b];
		}
}

static int apply(const void *self, void *memory, const float *x, float *y)
{
	const struct fourier *f = self;
	const size_t n = f->width * f->height;

	for (size_t i = 0; i < f->planes; i++) {
		fft_forward(&f->fft, x + i * n, NULL, memory);
		spread(f, memory, y + 2 * i * n, y + (2 * i + 1) * n);
	}
	return LACUNA_OK;
}

static int adjoint(const void *self, void *memory, const float *at, const float *y, float *x)
{
	const struct fourier *f = self;
	const size_t n = f->width * f->height;

	(void)at;
	for (size_t i = 0; i < f->planes; i++) {
		gather(f, y + 2 * i * n, y + (2 * i + 1) * n, memory);
		fft_inverse(&f->fft, memory, x + i * n, NULL);
	}
	return LACUNA_OK;
}

struct spectral {
	const struct fourier *f;
	float gain[3]; /* index: how many of k and -k are measured */
};

static void multiply_gain(const void *context, int32_t ky, int32_t kx, int32_t count,
			  lacuna_complex *v)
{
	const struct spectral *s = context;
	const struct fourier *f = s->f;
	const size_t row = (size_t)ky, back = opposite(row, f->height);

	for (int i = 0; i < count; i++) {
		const size_t column = (size_t)(kx + i);
		const size_t other = opposite(column, f->width);
		const float g = s->gain[f->measured[place(f, column, row)] +
					f->measured[place(f, other, back)]];

		v[i][0] *= g;
		v[i][1] *= g;
	}
}

static int spectral(const void *self, void *memory, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	const struct fourier *f = self;
	const size_t n = f->width * f->height;
	struct spectral s = { f, { 0 } };

	for (int k = 0; k < 3; k++)
		s.gain[k] = (float)gain(0.5 * k, context);
	for (size_t i = 0; i < f->planes; i++)
		fft_filter(&f->fft, b + i * n, NULL, multiply_gain, &s, x + i * n, NULL, memory);
	return LACUNA_OK;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const char *const patterns[] = { "columns", "rows", "points", NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL_IF(struct config, "file=", keep, NULL, 0, 1, 1,
			     "share of the frequencies that are measured"),
	LACUNA_PARAM_CHOICE_IF(
		struct config, "file=", pattern, patterns, COLUMNS,
		"what is chosen at random: columns of the spectrum, rows, or single frequencies"),
	LACUNA_PARAM_REAL_IF(struct config, "file=", centre, NULL, 0, 1, 0.08,
			     "all frequencies up to this part of the highest are measured"),
	LACUNA_PARAM_PATH(struct config, file, 0, NULL,
			  "mask of the spectrum: above 0 where it was measured"),
	LACUNA_PARAM_BOOL(struct config, centred, 1,
			  "frequency 0 is in the middle of y (fftshift); no: in its corner"),
	{ "seed", NULL, "seed of the random choice", LACUNA_INT, 0, 0, 1e9, 0, "file=", NULL,
	  LACUNA_OFFSET(struct config, seed, int64_t) },
};

static const char manual[] =
	"Takes a part of the Fourier transform of the picture, with the factor 1/sqrt(N) "
	"(numpy.fft.fft2 with norm=\"ortho\").  Values that were not measured are 0.  A channel of "
	"the picture becomes two: real and imaginary part.  In a file they are complex numbers, or "
	"two channels.  Frequency 0 is in the middle, as after numpy.fft.fftshift, unless "
	"centred=no.\n\n"
	"Use it to restore magnetic resonance images and other spectra that were only partly "
	"measured (compressed sensing).  fourier:keep=0.25 models a scanner that takes a quarter "
	"of the lines, at random, and all lines of low frequency.  For your own data give "
	"file=MASK.tif, white where k-space was measured.  State the noise (-n): Lacuna cannot "
	"estimate it from a spectrum.  It is the standard deviation of the real part, and of the "
	"imaginary part.\n\n"
	"The restored picture is real.  A scanner's image has a phase: remove it first, or restore "
	"the magnitude of a fully sampled image with another operator.  Combine coils "
	"beforehand.\n\n"
	"Source: Lustig, Donoho, Pauly, Sparse MRI, Magn. Reson. Med. 58 (2007), equation 1; for a "
	"real picture A'A = F^-1 diag((m[k] + m[-k])/2) F, so every spectral function is a gain "
	"per frequency.";

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_COMPLEX | LACUNA_PARTIAL,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.scratch = scratch,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"fourier",
	"a part of the Fourier transform (k-space)",
	manual,
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
