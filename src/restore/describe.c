/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/describe.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

int noise_is_estimated(const struct stated_noise *s)
{
	return s->sigma < 0 && !(s->gain > 0);
}

void noise_raise(struct noise *noise, double factor)
{
	noise->sigma *= factor;
	noise->slope *= factor * factor;
	noise->offset *= factor * factor;
	noise->least_variance *= factor * factor;
}

/* With v = a v' + b, the variance (slope v + offset) is a^2 times that on the other scale. */
struct noise noise_rescale(const struct noise *n, const struct scale *from, const struct scale *to)
{
	const double span = from->white - from->black;
	const double a = (to->white - to->black) / span, b = (to->black - from->black) / span;
	struct noise scaled = *n;

	scaled.slope = n->slope / a;
	scaled.offset = (n->slope * b + n->offset) / (a * a);
	scaled.sigma = n->sigma / a;
	scaled.least_variance = n->least_variance / (a * a);
	return scaled;
}

/* *values: y where it was measured, else NaN; owned by the caller.  *masked: the operator leaves out values that y has. */
static int measured_values(struct problem *problem, const float *y, float **values, int *masked)
{
	const size_t n = lacuna_count(problem_y(problem));
	int status;

	*masked = 0;

	*values = memory_alloc_array(n, sizeof **values);
	status = *values ? problem_measured(problem, *values) : LACUNA_ENOMEM;
	for (size_t i = 0; !status && i < n; i++) {
		*masked |= !((*values)[i] > 0) && !isnan(y[i]);
		(*values)[i] = (*values)[i] > 0 ? y[i] : NAN;
	}
	return status;
}

int noise_keeps_values(struct problem *problem, int *keeps)
{
	const struct lacuna_shape *y = problem_y(problem);
	const uint32_t needed = LACUNA_LINEAR | LACUNA_PIXELWISE;
	const size_t n = lacuna_count(y);
	float *ones;
	int status;

	*keeps = (problem_flags(problem) & needed) == needed &&
		 !memcmp(problem_window(problem)->extent, y->extent, sizeof y->extent);
	if (!*keeps)
		return LACUNA_OK;
	ones = memory_alloc_array(n, sizeof *ones);
	status = ones ? problem_apply_to_ones(problem, ones) : LACUNA_ENOMEM;
	for (size_t i = 0; !status && i < n; i++)
		*keeps &= ones[i] == 0 || ones[i] == 1;
	memory_release(ones);
	return status;
}

/* Different sensitivities of pixels are not noise: scales all values to the mean sensitivity and drops pixels that see very
 * little.  *louder: the factor by which this raises the noise. */
static int even_out(struct problem *problem, float *values, double *louder)
{
	static const double alike = 1e-3, least = 0.2;
	const uint32_t flags = LACUNA_LINEAR | LACUNA_PIXELWISE;
	const size_t ny = lacuna_count(problem_y(problem));
	float *ones;
	double sum = 0, count = 0, lo = INFINITY, hi = 0, squares = 0;
	int status;

	*louder = 1;
	if ((problem_flags(problem) & flags) != flags)
		return LACUNA_OK;
	ones = memory_alloc_array(ny, sizeof *ones);
	status = ones ? problem_apply_to_ones(problem, ones) : LACUNA_ENOMEM;
	for (size_t i = 0; !status && i < ny; i++)
		if (ones[i] > 0) {
			sum += ones[i];
			count++;
			lo = fmin(lo, ones[i]);
			hi = fmax(hi, ones[i]);
		}
	if (!status && count > 0 && hi - lo > alike * hi) {
		const double mean = sum / count;

		count = 0;
		for (size_t i = 0; i < ny; i++) {
			const double factor = ones[i] > least * mean ? mean / ones[i] : NAN;

			values[i] = (float)(values[i] * factor);
			if (isfinite(values[i])) {
				squares += factor * factor;
				count++;
			}
		}
		*louder = count > 0 ? sqrt(squares / count) : 1;
	}
	memory_release(ones);
	return status;
}

/* Looks for noise that is not white, and sets the level that a denoiser of white noise should be told.  keeps: see
 * noise_keeps_values(); else wide noise cannot be removed at half the size first. */
static void look_beyond_white(const struct lacuna_shape *shape, const float *values, int keeps,
			      struct noise_description *d)
{
	/* Part of correlated noise that remains after wide noise was removed at half the size; measured with noise of 0.04,
	 * correlated over 0.7 px. */
	static const double left = 0.7;
	const double jpeg = 1.2 * noise_jpeg(shape, values);
	struct noise_grain grain;
	double wide, level;

	noise_find_grain(shape, values, &grain);
	wide = keeps ? fmax(grain.correlated, grain.half) : 0;
	level = fmax(jpeg, wide > 0 ? left * grain.fine : grain.correlated);
	if (jpeg < wide) {
		d->wide = wide;
		d->wider = grain.quarter;
		d->colored = 1;
		d->how = "correlated";
		if (!(grain.correlated > 0) && !(level > d->noise.sigma))
			return;
	} else if (!(level > d->noise.sigma) || (d->noise.slope > 0 && !(grain.correlated > 0)))
		return;
	d->colored = 1;
	d->how = jpeg >= level ? "JPEG's blocks" : "correlated";
	/* Texture mistaken for correlated noise can look like a law: one level for all is safer. */
	d->noise = (struct noise){ .offset = level * level, .sigma = level };
}

/* The bands of a scanner and the colours of a camera may differ in their noise.  Only noise that is white in each channel is
 * told from their textures. */
static void look_at_channels(const struct lacuna_shape *shape, const float *values,
			     struct noise_description *d)
{
	static const double alike = 2;
	const struct lacuna_shape one = { { shape->extent[0], shape->extent[1], 1, 1 } };
	const int64_t channels = shape->extent[2];
	double level[NOISE_CHANNELS], least = INFINITY, most = 0, squares = 0;

	if (channels < 2 || channels > NOISE_CHANNELS || shape->extent[3] > 1 ||
	    d->noise.slope > 0 || d->how)
		return;
	for (int64_t c = 0; c < channels; c++) {
		struct noise_bounds b = { 0 };

		if (noise_bound(&one, values + (size_t)c * lacuna_count(&one), &b))
			error_clear();
		level[c] = b.least;
		least = fmin(least, b.least);
		most = fmax(most, b.least);
		squares += b.least * b.least / (double)channels;
	}
	if (!(least > 0) || most < alike * least)
		return;
	d->noise = (struct noise){ .offset = squares, .sigma = sqrt(squares) };
	for (int64_t c = 0; c < channels; c++)
		d->noise.channel[c] = level[c] / d->noise.sigma;
	d->how = "different in each channel";
}

static double standard_deviation(const float *values, size_t n)
{
	double sum = 0, squares = 0, count = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(values[i])) {
			sum += values[i];
			squares += (double)values[i] * (double)values[i];
			count++;
		}
	return count > 0 ? sqrt(fmax(squares / count - sum / count * (sum / count), 0)) : 0;
}

static void doubt_kernel(const char *name, double scale, struct noise_description *d)
{
	/* These did least harm with disks stated a fifth too wide, and with sharp pictures stated as blurred.  More noise than
	 * loudest, a part of the scene's range, leaves only a smooth picture. */
	static const double loudest = 0.2;
	const double careful = scale == 0 ? 4 : 6;
	const double louder = fmin(careful, fmax(1, loudest / d->noise.sigma));

	log_message(LACUNA_LOG_WARN,
		    "%s: %s explains this picture better than the blur that you stated.  It is "
		    "restored with %.2g times the noise, to be careful.  Check the blur (a picture "
		    "that was sharpened has none), or state the noise with -n",
		    name,
		    scale == 0	? "no blur at all"
		    : scale < 1 ? "a narrower blur"
				: "a wider blur",
		    louder);
	d->doubts++;
	noise_raise(&d->noise, louder);
}

/* Counts what the blur cannot explain as noise: too much noise costs 1 dB, too little 4.  No kernel is known to better than
 * some hundredths of the scene that it blurs. */
static int look_at_kernel(struct problem *problem, const float *values, const char *name,
			  struct noise_description *d)
{
	static const double inexact = 0.03;
	/* A sharp or sharpened picture has much detail that the blur would have removed.  It could be noise; but if smooth parts
	 * show little of it, and no blur at all explains it better, it belongs to the scene.  This is true of none of 500
	 * blurred crops of photographs that the rule for other kernels does not doubt. */
	static const double unexplained = 4;
	struct noise_evidence e;
	double least, quiet;
	const int status = noise_explain(problem, values, &e);

	if (status) {
		error_clear();
		return status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status;
	}
	least = inexact * standard_deviation(values, lacuna_count(problem_y(problem)));
	quiet = fmax(d->noise.sigma, least);
	if (e.scale == 1 && e.none > 0 && e.sigma > unexplained * quiet)
		e.scale = 0;
	if (fmax(e.sigma, least) > d->noise.sigma) {
		d->how = e.sigma > least ? "with what the blur cannot explain"
					 : "set by the usual error of a kernel";
		noise_raise(&d->noise, fmax(e.sigma, least) / d->noise.sigma);
	}
	if (e.scale < 1 || e.scale > 1)
		doubt_kernel(name, e.scale, d);
	return LACUNA_OK;
}

int noise_estimate(struct problem *problem, const float *y, double step, double zero,
		   const char *name, struct noise_description *d)
{
	const uint32_t flags = problem_flags(problem);
	const struct lacuna_shape *shape = problem_y(problem);
	float *values = NULL;
	double louder = 1;
	int masked, counts, keeps = 0, status = measured_values(problem, y, &values, &masked);

	*d = (struct noise_description){ 0 };
	if (!status)
		status = even_out(problem, values, &louder);
	if (!status)
		status = noise_of_counts(shape, values, zero, &d->noise);
	counts = d->noise.slope > 0;
	if (counts)
		d->how = "of counted photons";
	else if (!status)
		status = noise_measure(shape, values, &d->noise);
	/* Values in steps have a rounding error of at least step/sqrt(12), at each level if the noise is even. */
	if (!status) {
		d->noise.sigma = fmax(d->noise.sigma, step / sqrt(12));
		if (!(d->noise.slope > 0))
			d->noise.offset = d->noise.sigma * d->noise.sigma;
	}
	/* With a mask the known values should stay as they are: texture mistaken for correlated noise would be lost. */
	if (!status && (flags & LACUNA_PIXELWISE) && (flags & LACUNA_LINEAR)) {
		if (!masked && !counts) {
			status = noise_keeps_values(problem, &keeps);
			if (!status)
				look_beyond_white(shape, values, keeps, d);
		}
		if (!status)
			look_at_channels(shape, values, d);
	} else if (!status)
		status = look_at_kernel(problem, values, name, d);
	if (!status)
		noise_raise(&d->noise, 1 / louder);
	memory_release(values);
	return status;
}

int noise_estimate_places(struct problem *problem, const float *y,
			  const struct noise_description *d, float **factor, double range[2])
{
	const struct lacuna_shape *shape = problem_y(problem);
	float *values = NULL;
	int masked, keeps = 0, status = LACUNA_OK;

	*factor = NULL;
	range[0] = range[1] = 1;
	if (!d->colored)
		status = noise_keeps_values(problem, &keeps);
	if (status || !keeps)
		return status;
	*factor = memory_alloc_array(lacuna_count(shape), sizeof **factor);
	status = *factor ? measured_values(problem, y, &values, &masked) : LACUNA_ENOMEM;
	if (!status)
		status = noise_in_places(shape, values, &d->noise, *factor, range);
	memory_release(values);
	if (!status && range[0] < range[1])
		return LACUNA_OK;
	memory_release(*factor);
	*factor = NULL;
	return status;
}

/* At half the size, noise with a wide grain shows as well. */
static void find_bounds(const struct lacuna_shape *shape, const float *values,
			struct noise_bounds *b)
{
	struct noise_bounds wide = { 0 };
	struct lacuna_shape half;
	float *small = noise_half(shape, values, &half);

	if (noise_bound(shape, values, b) || (small && noise_bound(&half, small, &wide)))
		error_clear();
	b->most = fmax(b->most, wide.most);
	memory_release(small);
}

int noise_compare(struct problem *problem, const float *y, double stated, double unit,
		  const char *name, struct noise_description *d)
{
	/* Under a blur too much noise costs little, and a kernel that is not exact needs it.  Elsewhere two thirds of the noise
	 * cost 2 to 8 dB, and in 153 crops whose noise was stated rightly the bound was less than 1.25 times that. */
	const int pixelwise = (problem_flags(problem) & LACUNA_PIXELWISE) != 0;
	const double low = pixelwise ? 1.4 : 2, high = pixelwise ? 2.5 : 6;
	struct noise_bounds b = { 0, INFINITY };
	float *values = NULL;
	double louder = 1;
	int masked, status = measured_values(problem, y, &values, &masked);

	if (!status)
		status = even_out(problem, values, &louder);
	if (!status)
		find_bounds(problem_y(problem), values, &b);
	memory_release(values);
	b.least /= louder;
	b.most /= louder;
	if (status || (b.least <= low * stated && stated <= high * b.most))
		return status;
	d->doubts++;
	log_message(LACUNA_LOG_WARN,
		    "%s: the noise is stated as %.3g of full scale, but the smoothest parts of the "
		    "picture show %.3g; the result may be too %s.  -n auto estimates the noise",
		    name, stated * unit, (stated < b.least ? b.least : b.most) * unit,
		    stated < b.least ? "grainy" : "smooth");
	return LACUNA_OK;
}

void noise_of_photons(const struct stated_noise *s, const struct scale *inner, size_t n,
		      const float *y, struct noise_description *d)
{
	const double span = inner->white - inner->black;
	const double read = s->read * s->read;
	const double at_black = s->gain * (inner->black - s->offset) + read;
	struct noise *noise = &d->noise;
	double sum = 0, count = 0;

	*noise = (struct noise){ .slope = s->gain / span,
				 .offset = at_black / (span * span),
				 .least_variance = (read + noise_of_none * s->gain * s->gain) /
						   (span * span) };
	for (size_t i = 0; i < n; i++)
		if (isfinite(y[i])) {
			sum += fmax(noise->slope * (double)y[i] + noise->offset,
				    noise->least_variance);
			count++;
		}
	noise->sigma = count > 0 ? sqrt(sum / count) : sqrt(noise->least_variance);
	d->how = "as stated";
}
