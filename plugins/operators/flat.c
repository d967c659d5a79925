/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "flat": y = f x + d. f is the sensitivity of each pixel, from a picture of an evenly lit surface; d is the
 * dark current, from a picture taken in the dark. f is (flat - dark) divided by its mean over the plane. */
#include <lacuna/plugin.h>
#include <math.h>

struct config {
	const char *flat, *dark;
	double least;
};

struct flat {
	const struct lacuna_host *host;
	size_t total;	       /* values in x and in y */
	size_t count;	       /* values in weight and in level: one plane or a whole frame */
	float *weight, *level; /* NULL weight: 1 everywhere; NULL level: 0 everywhere */
};

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

/* ---- create, destroy --------------------------------------------------------------------------------- */

static void destroy(void *self)
{
	struct flat *f = self;

	if (!f)
		return;
	f->host->release(f->host, f->weight);
	f->host->release(f->host, f->level);
	f->host->release(f->host, f);
}

/* Reads a frame as the mean of all pages of the file. */
static int read_frame(struct flat *f, const char *path, const struct lacuna_shape *x, size_t *count,
		      float **values)
{
	const struct lacuna_host *host = f->host;
	struct lacuna_shape s;
	int status = host->read_image(host, path, &s, values);

	if (status)
		return status;
	*count = (size_t)(s.extent[0] * s.extent[1] * s.extent[2]);
	if (s.extent[0] != x->extent[0] || s.extent[1] != x->extent[1] ||
	    (s.extent[2] != 1 && s.extent[2] != x->extent[2]))
		return host->fail(
			host, LACUNA_EINVAL,
			"%s: is %lldx%lld with %lld channels, and the picture is %lldx%lld with "
			"%lld; the size must be the same, and the channels one or as many",
			path, (long long)s.extent[0], (long long)s.extent[1],
			(long long)s.extent[2], (long long)x->extent[0], (long long)x->extent[1],
			(long long)x->extent[2]);
	for (size_t i = 0; i < *count; i++) {
		double sum = 0;

		for (int64_t t = 0; t < s.extent[3]; t++)
			sum += (*values)[(size_t)t * *count + i];
		(*values)[i] = (float)(sum / (double)s.extent[3]);
		if (!isfinite((*values)[i]))
			return host->fail(host, LACUNA_EINVAL, "%s: has NaN or infinite values",
					  path);
	}
	return LACUNA_OK;
}

static int normalise(struct flat *f, const struct config *c, size_t plane, size_t dark_count)
{
	const struct lacuna_host *host = f->host;
	size_t faint = 0;

	for (size_t at = 0; at < f->count; at += plane) {
		double sum = 0;

		for (size_t i = at; i < at + plane; i++) {
			if (f->level)
				f->weight[i] -= f->level[i % dark_count];
			sum += f->weight[i];
		}
		if (!(sum > 0))
			return host->fail(host, LACUNA_EINVAL,
					  "%s: is not brighter than the dark frame; did you "
					  "exchange the two?",
					  c->flat);
		for (size_t i = at; i < at + plane; i++) {
			f->weight[i] = (float)(f->weight[i] * (double)plane / sum);
			if (f->weight[i] < c->least) { /* a dead pixel */
				f->weight[i] = 0;
				faint++;
			}
		}
	}
	if (faint)
		host->log(host, LACUNA_LOG_INFO,
			  "flat: %zu value%s that receive%s less than %g of the mean light %s "
			  "missing",
			  faint, faint == 1 ? "" : "s", faint == 1 ? "s" : "", c->least,
			  faint == 1 ? "is" : "are");
	return LACUNA_OK;
}

/* Gives flat and dark the same number of planes: a single channel is repeated. */
static int repeat(struct flat *f, float **values, size_t count)
{
	float *all;

	if (!*values || count == f->count)
		return LACUNA_OK;
	all = f->host->alloc(f->host, f->count * sizeof *all);
	if (!all)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < f->count; i++)
		all[i] = (*values)[i % count];
	f->host->release(f->host, *values);
	*values = all;
	return LACUNA_OK;
}

static int read_frames(struct flat *f, const struct config *c, const struct lacuna_shape *x)
{
	const size_t plane = (size_t)(x->extent[0] * x->extent[1]);
	size_t flat_count = 0, dark_count = 0;
	int status = LACUNA_OK;

	if (c->dark)
		status = read_frame(f, c->dark, x, &dark_count, &f->level);
	if (!status && c->flat)
		status = read_frame(f, c->flat, x, &flat_count, &f->weight);
	f->count = flat_count > dark_count ? flat_count : dark_count;
	if (!status)
		status = repeat(f, &f->weight, flat_count);
	if (!status)
		status = repeat(f, &f->level, dark_count);
	if (!status && f->weight)
		status = normalise(f, c, plane, f->count);
	return status;
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = config;
	struct flat *f;
	int status;

	(void)y;
	if (!c->flat && !c->dark)
		return host->fail(host, LACUNA_EINVAL, "give flat=FLAT.tif, dark=DARK.tif or both");
	f = host->alloc(host, sizeof *f);
	if (!f)
		return LACUNA_ENOMEM;
	f->host = host;
	f->total = lacuna_count(x);
	status = read_frames(f, c, x);
	if (status) {
		destroy(f);
		return status;
	}
	*self = f;
	return LACUNA_OK;
}

/* ---- the work ---------------------------------------------------------------------------------------- */

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct flat *f = self;

	(void)scratch;
	for (size_t at = 0; at < f->total; at += f->count)
		for (size_t i = 0; i < f->count; i++)
			y[at + i] = f->weight ? f->weight[i] * x[at + i] : x[at + i];
	return LACUNA_OK;
}

static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return apply(self, scratch, y, x);
}

static int diagonal(const void *self, float *d)
{
	const struct flat *f = self;

	for (size_t at = 0; at < f->total; at += f->count)
		for (size_t i = 0; i < f->count; i++)
			d[at + i] = f->weight ? f->weight[i] * f->weight[i] : 1;
	return LACUNA_OK;
}

static int offset(const void *self, float *b)
{
	const struct flat *f = self;

	for (size_t at = 0; at < f->total; at += f->count)
		for (size_t i = 0; i < f->count; i++)
			b[at + i] = f->level ? f->level[i] : 0;
	return LACUNA_OK;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const struct lacuna_param params[] = {
	LACUNA_PARAM_PATH(struct config, flat, 0, NULL,
			  "picture of an evenly lit surface; several pages are averaged"),
	LACUNA_PARAM_PATH(
		struct config, dark, 0, NULL,
		"picture without light, at the same exposure; several pages are averaged"),
	LACUNA_PARAM_REAL(struct config, least, NULL, 0, 1, 0.02,
			  "pixels below this part of the mean sensitivity are missing"),
};

static const char manual[] =
	"Multiplies each pixel by its sensitivity and adds its dark current: y = f x + d.  f is "
	"(flat - dark) divided by its mean in each channel.  So the brightness of the lamp and the "
	"exposure time of the flat field do not matter.\n\n"
	"Use it for microscopes, telescopes and scanners.  Put it after the blur, if there is one: "
	"-A blur:psf=psf.tif -A flat:flat=flat.tif,dark=dark.tif.  This is better than dividing by "
	"the flat field first: Lacuna then knows that dark corners are noisier, and dead pixels "
	"are missing.  Flat and dark have the picture's size and sample type (integers count as a "
	"part of full scale, floats as they are), and one channel or as many as the picture.  They "
	"should be means of many exposures, because their own noise is ignored.\n\n"
	"Do not use it for uneven light in the scene itself.  If you have no flat field, "
	"mask:weights=yes takes your estimate of it.\n\n"
	"Source: y = f x + d is the linear model of a sensor of the EMVA standard 1288, release "
	"3.1, section 2; the host subtracts d, and A'A = diag(f^2).";

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_PICTURE,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
	.diagonal = diagonal,
	.offset = offset,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"flat",
	"flat field and dark frame of a sensor",
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
