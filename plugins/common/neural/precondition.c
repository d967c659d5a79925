/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/neural/precondition.h"
#include "common/neural/tiles.h"

#include <math.h>
#include <string.h>

/* ---- the file's header ------------------------------------------------------------------------------- */

static int read_windows(const struct lacuna_host *host, const struct weights *file,
			const char *path, struct precondition *p)
{
	double s[WINDOWS_MOST];

	p->windows = weights_numbers(file, "windows", WINDOWS_MOST, s);
	if (p->windows < 0)
		return p->windows;
	for (int i = 0; i < p->windows; i++) {
		double sum = 0;

		p->radius[i] = (int)ceil(3 * s[i]);
		if (!(s[i] > 0) || p->radius[i] > RADIUS_MOST)
			return host->fail(host, LACUNA_EINVAL, "%s: a window is out of range",
					  path);
		for (int r = -p->radius[i]; r <= p->radius[i]; r++)
			sum += exp(-r * r / (2 * s[i] * s[i]));
		for (int r = 0; r <= p->radius[i]; r++)
			p->window[i][r] = (float)(exp(-r * r / (2 * s[i] * s[i])) / sum);
	}
	return LACUNA_OK;
}

int precondition_read(const struct lacuna_host *host, const struct weights *file, const char *path,
		      struct precondition *p)
{
	double channels;
	int status;

	if (weights_numbers(file, "channels", 1, &channels) < 0 ||
	    !(channels >= 1 && channels <= 64) || channels != floor(channels))
		return host->fail(host, LACUNA_EINVAL, "%s: channels are missing or out of range",
				  path);
	p->channels = (int)channels;
	status = read_windows(host, file, path, p);
	if (status)
		return status;
	if (weights_numbers(file, "sigma_min", 1, &p->sigma_min) < 0 ||
	    weights_numbers(file, "sigma_max", 1, &p->sigma_max) < 0 ||
	    weights_numbers(file, "sigma_data", 1, &p->sigma_data) < 0)
		return LACUNA_EINVAL;
	if (!(p->sigma_min > 0) || !(p->sigma_max > p->sigma_min) || !(p->sigma_data > 0))
		return host->fail(host, LACUNA_EINVAL, "%s: the range of sigma is invalid", path);
	p->features = p->channels * (3 + 4 * p->windows - 1);
	return LACUNA_OK;
}

int precondition_reach(const struct precondition *p)
{
	int widest = 0;

	for (int i = 0; i < p->windows; i++)
		widest = p->radius[i] > widest ? p->radius[i] : widest;
	return widest;
}

/* ---- the image --------------------------------------------------------------------------------------- */

static size_t image_index(const struct tile *t, int channel, int64_t x, int64_t y)
{
	return ((size_t)channel * (size_t)t->height + (size_t)(t->y + y)) * (size_t)t->width +
	       (size_t)(t->x + x);
}

static float sigma_at(const struct precondition *p, const struct tile *t, size_t at)
{
	const float lo = (float)p->sigma_min, hi = (float)p->sigma_max;
	const float sigma = t->map ? t->map[at] : t->sigma;

	return sigma < lo ? lo : sigma > hi ? hi : sigma;
}

/* The network is trained on values of about 0..1. A value far outside (a lamp, a saturated star, a hot pixel) would spoil
 * its surroundings. So the network gets a bounded value, and the excess is added to its output. Noise stays well within
 * the bounds. */
static float bounded_value(float v, float sigma)
{
	const float most = 0.75f + 6 * sigma;

	return v < -most ? -most : v > most ? most : v;
}

/* Reads sigma and the bounded v of a row of the image. */
static void read_row(const struct precondition *p, const struct tile *t, size_t at, int64_t count,
		     float *s, float *v)
{
	for (int64_t x = 0; x < count; x++) {
		s[x] = sigma_at(p, t, at + (size_t)x);
		v[x] = bounded_value(t->u[at + (size_t)x] - 0.5f, s[x]);
	}
}

/* ---- averages, first along rows, then along columns --------------------------------------------------------------- */

int precondition_planes(const struct precondition *p)
{
	return 2 * p->channels * p->windows;
}

/* The plane of row averages of a channel by a window: of the precision, or of the weighted values. */
static float *plane(const struct precondition *p, const struct tile *t, int channel, int window,
		    int weighted)
{
	const size_t k = (size_t)(2 * (channel * p->windows + window) + weighted);

	return t->averages + k * (size_t)t->w * (size_t)t->h;
}

/* in has zeros on both sides, as many as the radius. */
static void average_row(const float *g, int radius, const float *in, int64_t w, float *out)
{
	for (int64_t x = 0; x < w; x++)
		out[x] = g[0] * in[x];
	for (int64_t r = 1; r <= radius; r++)
		for (int64_t x = 0; x < w; x++)
			out[x] += g[r] * (in[x - r] + in[x + r]);
}

size_t precondition_average_scratch(int64_t width)
{
	return 2 * ((size_t)width + 2 * RADIUS_MOST) * sizeof(float);
}

/* Row averages of the precision 1/sigma^2 and of v weighted with it. */
void precondition_average(const struct precondition *p, const struct tile *t, int64_t from,
			  int64_t to, float *scratch)
{
	float *precision = scratch + RADIUS_MOST;
	float *weighted = precision + t->w + 2 * RADIUS_MOST;

	memset(scratch, 0, precondition_average_scratch(t->w));
	for (int64_t row = from * p->channels; row < to * p->channels; row++) {
		const int c = (int)(row % p->channels);
		const int64_t y = row / p->channels;

		read_row(p, t, image_index(t, c, 0, y), t->w, precision, weighted);
		for (int64_t x = 0; x < t->w; x++) {
			precision[x] = 1 / (precision[x] * precision[x]);
			weighted[x] *= precision[x];
		}
		for (int k = 0; k < p->windows; k++) {
			average_row(p->window[k], p->radius[k], precision, t->w,
				    plane(p, t, c, k, 0) + y * t->w);
			average_row(p->window[k], p->radius[k], weighted, t->w,
				    plane(p, t, c, k, 1) + y * t->w);
		}
	}
}

/* The column average of such a plane about row y, from column x on; outside the plane values are 0. */
static void average_down(const struct precondition *p, const struct tile *t, const float *in,
			 int window, int64_t x, int64_t y, int64_t count, float *out)
{
	const float *g = p->window[window], *row = in + y * t->w + x;

	for (int64_t i = 0; i < count; i++)
		out[i] = g[0] * row[i];
	for (int64_t r = 1; r <= p->radius[window]; r++) {
		const float *above = y >= r ? row - r * t->w : NULL;
		const float *below = y + r < t->h ? row + r * t->w : NULL;
		const float *one = above ? above : below;

		if (above && below)
			for (int64_t i = 0; i < count; i++)
				out[i] += g[r] * (above[i] + below[i]);
		else if (one)
			for (int64_t i = 0; i < count; i++)
				out[i] += g[r] * one[i];
	}
}

/* ---- the network's input ----------------------------------------------------------------------------- */

/* log(x), x > 0. Written out because the compiler does not vectorise logf(). */
static inline float logarithm(float x)
{
	uint32_t bits, one;
	int32_t exponent;
	float m, t, t2;

	memcpy(&bits, &x, sizeof bits);
	exponent = (int32_t)(bits - 0x3f3504f3) >> 23; /* so that sqrt(1/2) <= m < sqrt(2) */
	one = bits - ((uint32_t)exponent << 23);
	memcpy(&m, &one, sizeof m);
	t = (m - 1) / (m + 1);
	t2 = t * t;
	return (float)exponent * 0x1.62e43p-1f +
	       2 * t * (1 + t2 * (1 / 3.0f + t2 * (1 / 5.0f + t2 * (1 / 7.0f + t2 / 9))));
}

static uint16_t to_bf16(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof bits);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16); /* to nearest, ties to even */
}

/* Bounds r, detail in units of the noise, which is huge where there is hardly any noise. */
static float bounded(float r)
{
	return r / sqrtf(1 + r * r / 16);
}

/* Derivative of bounded(). */
static float bounded_slope(float r)
{
	const float t = 1 + r * r / 16;

	return 1 / (t * sqrtf(t));
}

/* Writes a row of a feature; `at' is its channel in the strip for dx = 0. */
static void put_row(const float *row, int64_t count, const struct strip *to, int64_t at)
{
	const int64_t step = to->channels;

	if (to->bf16) {
		uint16_t *half = (uint16_t *)to->values + at;

		for (int64_t x = 0; x < count; x++)
			half[x / 2 * step + (x & 1)] = to_bf16(row[x]);
	} else {
		float *single = (float *)to->values + at;

		for (int64_t x = 0; x < count; x++)
			single[x / 2 * step + (x & 1)] = row[x];
	}
}

/* What the features of a row of a channel depend on. Mean and precision of a window include the prior N(0,
 * sigma_data^2). */
struct row {
	float *sigma, *v;
	float *precision[WINDOWS_MOST], *mean[WINDOWS_MOST];
};

/* Reads `count' pixels of row y from x on. Returns the rest of the scratch. */
static float *read_surroundings(const struct precondition *p, const struct tile *t, int channel,
				int64_t x, int64_t y, int64_t count, float *scratch, struct row *r)
{
	const float d = (float)p->sigma_data;

	r->sigma = scratch;
	r->v = scratch + count;
	read_row(p, t, image_index(t, channel, x, y), count, r->sigma, r->v);
	for (int k = 0; k < p->windows; k++) {
		float *precision = r->precision[k] = scratch + (2 + 2 * k) * count;
		float *mean = r->mean[k] = precision + count;

		average_down(p, t, plane(p, t, channel, k, 0), k, x, y, count, precision);
		average_down(p, t, plane(p, t, channel, k, 1), k, x, y, count, mean);
		for (int64_t i = 0; i < count; i++) {
			precision[i] += 1 / (d * d);
			mean[i] /= precision[i];
		}
	}
	return scratch + (2 + 2 * p->windows) * count;
}

size_t precondition_input_scratch(const struct precondition *p, int64_t width)
{
	return (3 + 2 * (size_t)p->windows) * 2 * (size_t)width * sizeof(float);
}

/* The features of `count' pixels in row y of a channel. */
static void feature_row(const struct precondition *p, const struct tile *t, int channel, int64_t y,
			int64_t count, float *scratch, const struct strip *to)
{
	const float d = (float)p->sigma_data, d2 = d * d;
	const int64_t x = 2 * to->x, next = 4 * p->channels;
	struct row r;
	float *f = read_surroundings(p, t, channel, x, y, count, scratch, &r);
	const float *s = r.sigma, *v = r.v;
	int64_t at = 4 * channel + 2 * (y & 1);

	for (int64_t i = 0; i < count; i++)
		f[i] = logarithm(s[i]) / 4;
	put_row(f, count, to, at);
	for (int64_t i = 0; i < count; i++)
		f[i] = v[i] / sqrtf(s[i] * s[i] + d2);
	put_row(f, count, to, at += next);
	for (int64_t i = 0; i < count; i++)
		f[i] = v[i] * (d / (s[i] * s[i] + d2));
	put_row(f, count, to, at += next);
	for (int k = 0; k < p->windows; k++) {
		for (int64_t i = 0; i < count; i++)
			f[i] = r.mean[k][i] / d;
		put_row(f, count, to, at += next);
		for (int64_t i = 0; i < count; i++)
			f[i] = -logarithm(r.precision[k][i]) / 8;
		put_row(f, count, to, at += next);
	}
	for (int k = 0; k < p->windows; k++) {
		for (int64_t i = 0; i < count; i++)
			f[i] = bounded((v[i] - r.mean[k][i]) / s[i]);
		put_row(f, count, to, at += next);
	}
	for (int k = 0; k + 1 < p->windows; k++) {
		for (int64_t i = 0; i < count; i++)
			f[i] = bounded((r.mean[k][i] - r.mean[k + 1][i]) *
				       sqrtf(r.precision[k][i]));
		put_row(f, count, to, at += next);
	}
}

/* Writes a row of a channel's features, or of their derivatives, to the strip. */
typedef void row_maker(const struct precondition *, const struct tile *, int channel, int64_t y,
		       int64_t count, float *scratch, const struct strip *);

static void make_rows(const struct precondition *p, const struct tile *t, row_maker *make,
		      float *scratch, const struct strip *to)
{
	const size_t value = to->bf16 ? sizeof(uint16_t) : sizeof(float);
	const int64_t count = least(2 * to->width, t->w - 2 * to->x);

	memset(to->values, 0, (size_t)to->width * (size_t)to->channels * value);
	for (int c = 0; count > 0 && c < p->channels; c++)
		for (int64_t y = 2 * to->y; y < 2 * to->y + 2 && y < t->h; y++)
			make(p, t, c, y, count, scratch, to);
}

void precondition_input(const struct precondition *p, const struct tile *t, float *scratch,
			const struct strip *to)
{
	make_rows(p, t, feature_row, scratch, to);
}

/* ---- the network's output ---------------------------------------------------------------------------- */

/* What the network's output counts in x0. */
static float share_of_network(const struct precondition *p, float s)
{
	const float d = (float)p->sigma_data;

	return s * d / sqrtf(s * s + d * d);
}

/* The pixels of a strip that the tile contributes to the image: columns, rows. */
static void own_part(const struct tile *t, const struct strip *s, int64_t across[2],
		     int64_t down[2])
{
	across[0] = 2 * s->x > t->left ? 2 * s->x : t->left;
	across[1] = least(2 * (s->x + s->width), t->right);
	down[0] = 2 * s->y > t->top ? 2 * s->y : t->top;
	down[1] = least(2 * s->y + 2, t->bottom);
}

/* x0 of a value, of which the network says f. */
static float image_value(const struct precondition *p, const struct tile *t, size_t at, float f)
{
	const float d = (float)p->sigma_data, d2 = d * d, s = sigma_at(p, t, at);
	const float value = t->u[at] - 0.5f, v = bounded_value(value, s);

	return 0.5f + (value - v) + v * (d2 / (s * s + d2)) + f * share_of_network(p, s);
}

void precondition_output(const struct precondition *p, const struct tile *t,
			 const struct strip *from)
{
	const float *values = from->values;
	int64_t across[2], down[2];

	own_part(t, from, across, down);
	for (int c = 0; c < p->channels; c++)
		for (int64_t y = down[0]; y < down[1]; y++) {
			const size_t at = image_index(t, c, 0, y);
			const float *row = values + 4 * c + 2 * (y & 1);

			for (int64_t x = across[0]; x < across[1]; x++) {
				const float f = row[(x / 2 - from->x) * from->channels + (x & 1)];

				t->x0[at + (size_t)x] =
					t->plain ? f : image_value(p, t, at + (size_t)x, f);
			}
		}
}

/* ---- the derivative ---------------------------------------------------------------------------------- */

int precondition_gradient_planes(const struct precondition *p)
{
	return p->channels * p->windows;
}

static float *gradient_plane(const struct precondition *p, const struct tile *t, int channel,
			     int window)
{
	const size_t k = (size_t)(channel * p->windows + window);

	return t->gradients + k * (size_t)t->w * (size_t)t->h;
}

/* Derivative of v with respect to u: 0 where v is bounded, else 1. */
static float follows(float u, float sigma)
{
	const float value = u - 0.5f, v = bounded_value(value, sigma);

	return v < value || v > value ? 0 : 1;
}

void precondition_tangent_average(const struct precondition *p, const struct tile *t, int64_t from,
				  int64_t to, float *scratch)
{
	float *weighted = scratch + RADIUS_MOST;

	memset(scratch, 0, precondition_average_scratch(t->w));
	for (int64_t row = from * p->channels; row < to * p->channels; row++) {
		const int c = (int)(row % p->channels);
		const int64_t y = row / p->channels;
		const size_t at = image_index(t, c, 0, y);

		for (int64_t x = 0; x < t->w; x++) {
			const size_t i = at + (size_t)x;
			const float s = sigma_at(p, t, i);

			weighted[x] = follows(t->u[i], s) * t->v[i] / (s * s);
		}
		for (int k = 0; k < p->windows; k++)
			average_row(p->window[k], p->radius[k], weighted, t->w,
				    gradient_plane(p, t, c, k) + y * t->w);
	}
}

size_t precondition_tangent_scratch(const struct precondition *p, int64_t width)
{
	return (4 + 3 * (size_t)p->windows) * 2 * (size_t)width * sizeof(float);
}

/* The derivatives of feature_row()'s features; those of sigma and precision alone are 0. */
static void tangent_row(const struct precondition *p, const struct tile *t, int channel, int64_t y,
			int64_t count, float *scratch, const struct strip *to)
{
	const float d = (float)p->sigma_data, d2 = d * d;
	const int64_t x = 2 * to->x, next = 4 * p->channels;
	const size_t at = image_index(t, channel, x, y);
	struct row r;
	float *dv = read_surroundings(p, t, channel, x, y, count, scratch, &r), *f = dv + count;
	float *dm[WINDOWS_MOST];
	const float *s = r.sigma, *v = r.v;
	int64_t feature = 4 * channel + 2 * (y & 1);

	for (int64_t i = 0; i < count; i++)
		dv[i] = follows(t->u[at + (size_t)i], s[i]) * t->v[at + (size_t)i];
	for (int k = 0; k < p->windows; k++) {
		dm[k] = f + (1 + k) * count;
		average_down(p, t, gradient_plane(p, t, channel, k), k, x, y, count, dm[k]);
		for (int64_t i = 0; i < count; i++)
			dm[k][i] /= r.precision[k][i];
	}
	for (int64_t i = 0; i < count; i++)
		f[i] = dv[i] / sqrtf(s[i] * s[i] + d2);
	put_row(f, count, to, feature += next);
	for (int64_t i = 0; i < count; i++)
		f[i] = dv[i] * (d / (s[i] * s[i] + d2));
	put_row(f, count, to, feature += next);
	for (int k = 0; k < p->windows; k++) {
		for (int64_t i = 0; i < count; i++)
			f[i] = dm[k][i] / d;
		put_row(f, count, to, feature += next);
		feature += next;
	}
	for (int k = 0; k < p->windows; k++) {
		for (int64_t i = 0; i < count; i++)
			f[i] = bounded_slope((v[i] - r.mean[k][i]) / s[i]) * (dv[i] - dm[k][i]) /
			       s[i];
		put_row(f, count, to, feature += next);
	}
	for (int k = 0; k + 1 < p->windows; k++) {
		for (int64_t i = 0; i < count; i++) {
			const float root = sqrtf(r.precision[k][i]);
			const float difference = r.mean[k][i] - r.mean[k + 1][i];

			f[i] = bounded_slope(difference * root) * (dm[k][i] - dm[k + 1][i]) * root;
		}
		put_row(f, count, to, feature += next);
	}
}

void precondition_tangent(const struct precondition *p, const struct tile *t, float *scratch,
			  const struct strip *to)
{
	make_rows(p, t, tangent_row, scratch, to);
}

void precondition_tangent_output(const struct precondition *p, const struct tile *t,
				 const struct strip *from)
{
	const float d = (float)p->sigma_data, d2 = d * d, *values = from->values;
	int64_t across[2], down[2];

	own_part(t, from, across, down);
	for (int c = 0; c < p->channels; c++)
		for (int64_t y = down[0]; y < down[1]; y++) {
			const size_t at = image_index(t, c, 0, y);
			const float *row = values + 4 * c + 2 * (y & 1);

			for (int64_t x = across[0]; x < across[1]; x++) {
				const size_t i = at + (size_t)x;
				const float s = sigma_at(p, t, i);
				const float inside = follows(t->u[i], s);

				t->x0[i] = t->v[i] * (1 - inside + inside * (d2 / (s * s + d2))) +
					   row[(x / 2 - from->x) * from->channels + (x & 1)] *
						   share_of_network(p, s);
			}
		}
}

/* ---- the derivative, transposed ---------------------------------------------------------------------- */

static int is_own(const struct tile *t, int64_t x, int64_t y)
{
	return x >= t->left && x < t->right && y >= t->top && y < t->bottom;
}

void precondition_direction(const struct precondition *p, const struct tile *t,
			    const struct strip *to)
{
	const int64_t end = least(2 * (to->x + to->width), t->w);
	float *values = to->values;

	memset(values, 0, (size_t)to->width * (size_t)to->channels * sizeof *values);
	for (int c = 0; c < p->channels; c++)
		for (int64_t y = 2 * to->y; y < 2 * to->y + 2 && y < t->h; y++) {
			const size_t at = image_index(t, c, 0, y);
			float *row = values + 4 * c + 2 * (y & 1);

			for (int64_t x = 2 * to->x; x < end; x++) {
				const float s = sigma_at(p, t, at + (size_t)x);

				if (is_own(t, x, y))
					row[(x / 2 - to->x) * to->channels + (x & 1)] =
						t->v[at + (size_t)x] * share_of_network(p, s);
			}
		}
}

size_t precondition_gradient_scratch(const struct precondition *p, int64_t width)
{
	return (3 + 3 * (size_t)p->windows) * 2 * (size_t)width * sizeof(float);
}

/* Row y of a channel; the features are in the order of precondition_input(). g is the channel of the first feature. */
static void gradient_row(const struct precondition *p, const struct tile *t, int channel, int64_t y,
			 int64_t count, float *scratch, const struct strip *from)
{
	const float d = (float)p->sigma_data, d2 = d * d;
	const int64_t x = 2 * from->x, next = 4 * p->channels;
	const float *values = from->values, *g = values + 4 * channel + 2 * (y & 1);
	const size_t at = image_index(t, channel, x, y);
	struct row row;
	float *dv = read_surroundings(p, t, channel, x, y, count, scratch, &row);
	float *const *mean = row.mean, *const *precision = row.precision, *dm[WINDOWS_MOST];
	const float *s = row.sigma, *v = row.v;
	const int windows = p->windows;

	for (int k = 0; k < windows; k++)
		dm[k] = dv + (1 + k) * count;
	for (int64_t i = 0; i < count; i++) {
		const float total = s[i] * s[i] + d2;
		const float *f = g + i / 2 * from->channels + (i & 1);
		const float *average = f + 3 * next, *deviation = average + 2 * windows * next;
		const float *difference = deviation + windows * next;

		dv[i] = f[next] / sqrtf(total) + f[2 * next] * (d / total);
		for (int k = 0; k < windows; k++) {
			const float r = (v[i] - mean[k][i]) / s[i];
			const float change = deviation[k * next] * bounded_slope(r) / s[i];

			dv[i] += change;
			dm[k][i] = average[2 * k * next] / d - change;
		}
		for (int k = 0; k + 1 < windows; k++) {
			const float root = sqrtf(precision[k][i]);
			const float r = (mean[k][i] - mean[k + 1][i]) * root;
			const float change = difference[k * next] * bounded_slope(r) * root;

			dm[k][i] += change;
			dm[k + 1][i] -= change;
		}
	}
	for (int k = 0; k < windows; k++) {
		float *kept = gradient_plane(p, t, channel, k) + y * t->w + x;

		for (int64_t i = 0; i < count; i++)
			kept[i] = dm[k][i] / precision[k][i];
	}
	for (int64_t i = 0; i < count; i++) {
		const float inside = follows(t->u[at + (size_t)i], s[i]);
		const float own = is_own(t, x + i, y) ? t->v[at + (size_t)i] : 0;

		t->x0[at + (size_t)i] +=
			inside * dv[i] + own * (1 - inside + inside * (d2 / (s[i] * s[i] + d2)));
	}
}

void precondition_gradient(const struct precondition *p, const struct tile *t, float *scratch,
			   const struct strip *from)
{
	const int64_t count = least(2 * from->width, t->w - 2 * from->x);

	if (count <= 0)
		return;
	for (int c = 0; c < p->channels; c++)
		for (int64_t y = 2 * from->y; y < 2 * from->y + 2 && y < t->h; y++)
			gradient_row(p, t, c, y, count, scratch, from);
}

/* The windows are symmetric, so averaging is its own transpose. */
void precondition_gradient_average(const struct precondition *p, const struct tile *t, int64_t from,
				   int64_t to, float *scratch)
{
	float *down = scratch + RADIUS_MOST;
	float *across = down + t->w + 2 * RADIUS_MOST;

	memset(scratch, 0, precondition_average_scratch(t->w));
	for (int64_t row = from * p->channels; row < to * p->channels; row++) {
		const int c = (int)(row % p->channels);
		const int64_t y = row / p->channels;
		const size_t at = image_index(t, c, 0, y);

		for (int k = 0; k < p->windows; k++) {
			average_down(p, t, gradient_plane(p, t, c, k), k, 0, y, t->w, down);
			average_row(p->window[k], p->radius[k], down, t->w, across);
			for (int64_t x = 0; x < t->w; x++) {
				const float s = sigma_at(p, t, at + (size_t)x);

				t->x0[at + (size_t)x] +=
					follows(t->u[at + (size_t)x], s) * (across[x] / (s * s));
			}
		}
	}
}
