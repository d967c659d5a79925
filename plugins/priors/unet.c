/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Prior "unet": a convolutional network that was trained to remove white noise of known, per-pixel strength.
 *
 * The arithmetic around the network is that of Karras et al. (EDM, NeurIPS 2022), pixel by pixel: with v = u - 1/2 and
 * d = sigma_data,
 *
 *	x0 = 1/2 + d^2/(sigma^2 + d^2) v + sigma d/sqrt(sigma^2 + d^2) F(features),
 *
 * so that the network F has a target of unit variance at every sigma.  tools/train/network.py computes the same thing
 * and makes the weights; the file's header says the widths.
 *
 * Layers run one after the other, each in strips of rows over the host's threads; the image is cut into overlapping
 * tiles only when the budget of memory asks for it.  The overlap is as wide as the network sees. */
#include <lacuna/plugin.h>
#include "common/onednn.h"
#include "common/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LEVELS_MOST = 6,
	BLOCKS_MOST = 8,
	LAYERS_MOST = 3 + 2 * LEVELS_MOST + 4 * LEVELS_MOST * BLOCKS_MOST,
	UNITS_MOST = 32, /* of one layer: more than threads, so that they end together */
	STRIP_ROWS = 8,	 /* of one call: fewer cost calls, more do not fit the cache */
	WINDOWS_MOST = 4,
	RADIUS_MOST = 64,
	VECTOR = 16 /* channels are stored in multiples of this */
};

struct config {
	const char *model, *weights;
	int64_t precision, memory, tile;
};

enum { AUTO, F32, BF16 };

enum { T = LEVELS_MOST }; /* the buffer beside x[level] */

struct layer {
	int level;    /* whose rows are cut into strips */
	int from, to; /* buffers: x[level], or T */
	int inputs, outputs;
	int kernel, up, relu, sum, single;
	int strips, rows, units; /* units: runs of strips, one scratch each */
	/* kernel 3: the first strip, those between, the last, which have zeros above, nowhere, below.  up: even and
	 * odd rows of the result, each by itself a 1x1 convolution from one pixel to two neighbours. */
	struct conv conv[3];
};

struct unet {
	const struct lacuna_host *host;
	struct onednn onednn;
	int channels, levels, blocks, features, windows;
	int width[LEVELS_MOST]; /* channels of the levels */
	double sigma_min, sigma_max, sigma_data;
	int radius[WINDOWS_MOST];
	float window[WINDOWS_MOST][RADIUS_MOST + 1]; /* one half of a symmetric kernel */
	struct layer layer[LAYERS_MOST];
	int layers;

	int64_t w, h;		/* of the image */
	int64_t tile_w, tile_h; /* multiples of 2^levels, as are the tiles' origins */
	int64_t halo;
	int input, output;	    /* channels of the first layer's input, the last one's output */
	size_t at[LEVELS_MOST + 1]; /* offsets of the buffers in the scratch */
	size_t planes;		    /* of feature making: they lie where x[] comes to lie later */
	size_t strip, strip_bytes;  /* offset and size of the strips' own scratch */
	size_t bytes;
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t round_up(int64_t n, int64_t m)
{
	return (n + m - 1) / m * m;
}

static int stored(int channels)
{
	return (int)round_up(channels, VECTOR);
}

/* ---- create: the file, the layers, the tiles --------------------------------------------------------- */

static void destroy(void *self)
{
	struct unet *n = self;

	if (!n)
		return;
	/* backwards: strips share the weights of an earlier one */
	for (int i = n->layers; i-- > 0;)
		for (int k = 3; k-- > 0;)
			conv_destroy(&n->onednn, &n->layer[i].conv[k]);
	onednn_destroy(&n->onednn);
	n->host->release(n->host, n);
}

static int read_integers(const struct weights *file, const char *name, int most, int lo, int hi,
			 int *values)
{
	double v[LEVELS_MOST];
	int n = weights_numbers(file, name, most, v);

	for (int i = 0; i < n; i++) {
		if (v[i] < lo || v[i] > hi || v[i] != floor(v[i]))
			return LACUNA_EINVAL;
		values[i] = (int)v[i];
	}
	return n;
}

static int read_architecture(struct unet *n, const struct weights *file, const char *path)
{
	const struct lacuna_host *host = n->host;
	const char *format = weights_text(file, "format");
	double s[WINDOWS_MOST];

	if (!format || strcmp(format, "lacuna-unet-1") != 0)
		return host->fail(host, LACUNA_EINVAL,
				  "%s: its format is \"%s\", and this prior knows lacuna-unet-1",
				  path, format ? format : "unknown");
	n->levels = read_integers(file, "widths", LEVELS_MOST, 1, 4096, n->width);
	if (n->levels < 0 || read_integers(file, "channels", 1, 1, 64, &n->channels) < 0 ||
	    read_integers(file, "blocks", 1, 1, BLOCKS_MOST, &n->blocks) < 0)
		return host->fail(host, LACUNA_EINVAL,
				  "%s: channels, widths or blocks are missing or out of range",
				  path);
	n->windows = weights_numbers(file, "windows", WINDOWS_MOST, s);
	if (n->windows < 0)
		return n->windows;
	for (int i = 0; i < n->windows; i++) {
		double sum = 0;

		n->radius[i] = (int)ceil(3 * s[i]);
		if (!(s[i] > 0) || n->radius[i] > RADIUS_MOST)
			return host->fail(host, LACUNA_EINVAL, "%s: a window is out of range",
					  path);
		for (int r = -n->radius[i]; r <= n->radius[i]; r++)
			sum += exp(-r * r / (2 * s[i] * s[i]));
		for (int r = 0; r <= n->radius[i]; r++)
			n->window[i][r] = (float)(exp(-r * r / (2 * s[i] * s[i])) / sum);
	}
	if (weights_numbers(file, "sigma_min", 1, &n->sigma_min) < 0 ||
	    weights_numbers(file, "sigma_max", 1, &n->sigma_max) < 0 ||
	    weights_numbers(file, "sigma_data", 1, &n->sigma_data) < 0)
		return LACUNA_EINVAL;
	if (!(n->sigma_min > 0) || !(n->sigma_max > n->sigma_min) || !(n->sigma_data > 0))
		return host->fail(host, LACUNA_EINVAL, "%s: the range of sigma is no range", path);
	n->features = n->channels * (3 + 4 * n->windows - 1);
	n->input = stored(4 * n->features);
	n->output = stored(4 * n->channels);
	return LACUNA_OK;
}

/* How far a pixel of the result looks: every 3x3 convolution at level l adds 2^(l+1) pixels. */
static int64_t reach(const struct unet *n)
{
	int64_t r = 2 + 2, widest = 0;

	for (int l = 0; l < n->levels; l++)
		r += (int64_t)2 * n->blocks * (l < n->levels - 1 ? 2 : 1) << (l + 1);
	for (int i = 0; i < n->windows; i++)
		widest = n->radius[i] > widest ? n->radius[i] : widest;
	return r + widest;
}

static size_t bytes_per_pixel(const struct unet *n)
{
	const size_t size = n->onednn.bf16 ? 2 : 4;
	size_t x = 0, planes = (2 + 2 * (size_t)n->windows) * sizeof(float), t;

	for (int l = 0; l < n->levels; l++)
		x += size * (size_t)stored(n->width[l]) / ((size_t)4 << 2 * l) + 1;
	t = size * (size_t)(n->input > stored(n->width[0]) ? n->input : stored(n->width[0]));
	for (int l = 1; l < n->levels; l++)
		if (size * (size_t)stored(n->width[l]) >> 2 * l > t)
			t = size * (size_t)stored(n->width[l]) >> 2 * l;
	if (t < sizeof(float) * (size_t)n->output)
		t = sizeof(float) * (size_t)n->output;
	return (x > planes ? x : planes) + t / 4 + 1;
}

/* Pixels of `count' tiles along a side, each a multiple of m. */
static int64_t tile_side(const struct unet *n, int64_t size, int64_t count)
{
	const int64_t m = (int64_t)1 << n->levels, overlap = 2 * n->halo;

	return least(size, round_up((size - overlap + count - 1) / count, m) + overlap);
}

/* All tiles have the same size, or the layers would need more primitives.  Of all ways to cut that fit the budget, the one
 * with the least to compute. */
static int plan_tiles(struct unet *n, const struct config *c)
{
	const int64_t m = (int64_t)1 << n->levels, per = (int64_t)bytes_per_pixel(n);
	const int64_t w = round_up(n->w, m), h = round_up(n->h, m);
	const int64_t smallest = least(w, 2 * n->halo + m) * least(h, 2 * n->halo + m);
	const int64_t pixels = (c->memory << 20) / per;
	int64_t best = INT64_MAX;

	if (c->tile) {
		n->tile_w = least(w, round_up(c->tile, m) + 2 * n->halo);
		n->tile_h = least(h, round_up(c->tile, m) + 2 * n->halo);
		return LACUNA_OK;
	}
	for (int64_t columns = 1; columns <= w / m; columns++) {
		const int64_t tile_w = tile_side(n, w, columns);
		int64_t rows = 1;

		while (rows < h / m && tile_w * tile_side(n, h, rows) > pixels)
			rows++;
		if (tile_w * tile_side(n, h, rows) > pixels ||
		    columns * rows * tile_w * tile_side(n, h, rows) >= best)
			continue;
		n->tile_w = tile_w;
		n->tile_h = tile_side(n, h, rows);
		best = columns * rows * tile_w * n->tile_h;
	}
	if (best == INT64_MAX)
		return n->host->fail(
			n->host, LACUNA_EINVAL,
			"unet: %lld MB are too little for this network; give memory=%lld "
			"or more",
			(long long)c->memory, (long long)((smallest * per >> 20) + 1));
	return LACUNA_OK;
}

static struct layer *add(struct unet *n, int level, int from, int to, int inputs, int outputs,
			 int kernel)
{
	struct layer *l = &n->layer[n->layers++];
	const int rows = (int)(n->tile_h >> (level + 1));

	l->level = level;
	l->from = from;
	l->to = to;
	l->inputs = inputs;
	l->outputs = outputs;
	l->kernel = kernel;
	l->rows = STRIP_ROWS;
	l->strips = (rows + l->rows - 1) / l->rows;
	l->units = l->strips < UNITS_MOST ? l->strips : UNITS_MOST;
	return l;
}

/* The tensor O x I x k x k of the file, between zeros for the channels that are only stored. */
static int read_kernel(const struct unet *n, const struct weights *file, const char *name,
		       const struct layer *l, int outputs, int inputs, float **kernel)
{
	const struct lacuna_host *host = n->host;
	const size_t k = (size_t)l->kernel * (size_t)l->kernel, plain = (size_t)inputs * k;
	const size_t padded = (size_t)l->inputs * k;
	const int64_t shape[4] = { outputs, inputs, l->kernel, l->kernel };
	float *read = host->alloc(host, (size_t)outputs * plain * sizeof(*read));
	float *out = host->alloc(host, (size_t)l->outputs * padded * sizeof(*out));
	int status = !read || !out ? LACUNA_ENOMEM : weights_tensor(file, name, 4, shape, read);

	for (size_t o = 0; !status && o < (size_t)outputs; o++)
		memcpy(out + o * padded, read + o * plain, plain * sizeof(*read));
	host->release(host, read);
	*kernel = out;
	return status;
}

static int finish_conv(struct unet *n, struct layer *l, const struct weights *file,
		       const char *name, int outputs, int inputs)
{
	const int stride = l->kernel == 2 ? 2 : 1;
	const int rows = (int)(n->tile_h >> (l->level + 1));
	const int last = rows - (l->strips - 1) * l->rows;
	const int across = (int)(n->tile_w >> (l->level + 1)) * stride;
	const int pad = l->kernel == 3;
	float *weights;
	int status = read_kernel(n, file, name, l, outputs, inputs, &weights);

	for (int k = l->strips > 1 ? 0 : 2; !status && k < 3; k++) {
		struct conv_shape s = { .inputs = l->inputs,
					.outputs = l->outputs,
					.kernel = l->kernel,
					.stride = stride,
					.width = across,
					.side = pad,
					.relu = l->relu,
					.sum = l->sum,
					.single = l->single };

		if (k == 1 && l->strips < 3)
			continue;
		s.top = pad && (k == 0 || l->strips == 1);
		s.bottom = pad && k == 2;
		s.height = (k == 2 ? last : l->rows) * stride + (pad ? 2 : 0) - s.top - s.bottom;
		status = conv_create(&n->onednn, &s, weights,
				     l->strips > 1 && k ? &l->conv[0] : NULL, &l->conv[k]);
	}
	n->host->release(n->host, weights);
	return status;
}

/* A transposed 2x2 convolution of stride 2, the file's I x O x 2 x 2. */
static int finish_up(struct unet *n, struct layer *l, const struct weights *file, const char *name,
		     int outputs, int inputs)
{
	const struct lacuna_host *host = n->host;
	const int64_t shape[4] = { inputs, outputs, 2, 2 };
	const size_t in = (size_t)l->inputs, half = (size_t)l->outputs / 2;
	float *read = host->alloc(host, (size_t)inputs * (size_t)outputs * 4 * sizeof(*read));
	float *pair = host->alloc(host, in * half * 2 * sizeof(*pair));
	int status = !read || !pair ? LACUNA_ENOMEM : weights_tensor(file, name, 4, shape, read);

	for (size_t row = 0; !status && row < 2; row++) {
		const struct conv_shape s = { .inputs = l->inputs,
					      .outputs = l->outputs,
					      .kernel = 1,
					      .stride = 1,
					      .height = 1,
					      .width = (int)(n->tile_w >> (l->level + 1)),
					      .sum = 1 };

		for (size_t i = 0; i < (size_t)inputs; i++)
			for (size_t o = 0; o < (size_t)outputs; o++)
				for (size_t column = 0; column < 2; column++)
					pair[(column * half + o) * in + i] =
						read[((i * (size_t)outputs + o) * 2 + row) * 2 +
						     column];
		status = conv_create(&n->onednn, &s, pair, NULL, &l->conv[row]);
	}
	host->release(host, pair);
	host->release(host, read);
	return status;
}

static int add_blocks(struct unet *n, const struct weights *file, const char *side, int level)
{
	const int c = n->width[level];
	char name[64];
	int status = LACUNA_OK;

	for (int b = 0; b < n->blocks && !status; b++) {
		struct layer *l = add(n, level, level, T, stored(c), stored(c), 3);

		l->relu = 1;
		snprintf(name, sizeof(name), "%s.%d.a.weight", side, b);
		status = finish_conv(n, l, file, name, c, c);
		if (status)
			break;
		l = add(n, level, T, level, stored(c), stored(c), 3);
		l->sum = 1;
		snprintf(name, sizeof(name), "%s.%d.b.weight", side, b);
		status = finish_conv(n, l, file, name, c, c);
	}
	return status;
}

static int add_layers(struct unet *n, const struct weights *file)
{
	const int *width = n->width, bottom = n->levels - 1;
	char name[64];
	struct layer *l;
	int status, k;

	status = finish_conv(n, add(n, 0, T, 0, n->input, stored(width[0]), 3), file, "head.weight",
			     width[0], 4 * n->features);
	for (k = 0; k < bottom && !status; k++) {
		snprintf(name, sizeof(name), "enc.%d", k);
		status = add_blocks(n, file, name, k);
		if (status)
			break;
		snprintf(name, sizeof(name), "down.%d.weight", k);
		l = add(n, k + 1, k, k + 1, stored(width[k]), stored(width[k + 1]), 2);
		status = finish_conv(n, l, file, name, width[k + 1], width[k]);
	}
	if (!status)
		status = add_blocks(n, file, "mid", bottom);
	for (k = bottom - 1; k >= 0 && !status; k--) {
		snprintf(name, sizeof(name), "up.%d.weight", k);
		l = add(n, k + 1, k + 1, k, stored(width[k + 1]), 2 * stored(width[k]), 1);
		l->up = 1;
		status = finish_up(n, l, file, name, width[k], width[k + 1]);
		if (status)
			break;
		snprintf(name, sizeof(name), "dec.%d", k);
		status = add_blocks(n, file, name, k);
	}
	if (status)
		return status;
	l = add(n, 0, 0, T, stored(width[0]), n->output, 3);
	l->single = 1;
	return finish_conv(n, l, file, "tail.weight", 4 * n->channels, width[0]);
}

static void plan_scratch(struct unet *n)
{
	const size_t size = n->onednn.bf16 ? 2 : 4;
	const size_t pixels = (size_t)n->tile_w * (size_t)n->tile_h;
	size_t at = 0, t = (size_t)n->input * size * (pixels / 4);
	size_t planes = (2 + 2 * (size_t)n->windows) * pixels * sizeof(float);

	for (int l = 0; l < n->levels; l++) {
		size_t b = (size_t)stored(n->width[l]) * size * (pixels >> 2 * (l + 1));

		n->at[l] = at;
		at += (b + 63) / 64 * 64;
		t = b > t ? b : t;
	}
	n->planes = 0;
	at = at < planes ? planes : at;
	if (t < (size_t)n->output * sizeof(float) * (pixels / 4))
		t = (size_t)n->output * sizeof(float) * (pixels / 4);
	n->at[T] = (at + 63) / 64 * 64;
	n->strip = (n->at[T] + t + 63) / 64 * 64;
	n->strip_bytes = 2 * (size_t)n->windows * (size_t)n->tile_w * sizeof(float);
	for (int i = 0; i < n->layers; i++)
		for (int k = 0; k < 3; k++)
			if (n->layer[i].conv[k].scratch > n->strip_bytes)
				n->strip_bytes = n->layer[i].conv[k].scratch;
	n->strip_bytes = (n->strip_bytes + 63) / 64 * 64;
	n->bytes = n->strip + UNITS_MOST * n->strip_bytes;
}

/* The weights: a file of the user's, else ours for gray or for colour. */
static int find_weights(const struct lacuna_host *host, const struct config *c, int64_t channels,
			char *path, size_t size)
{
	char name[256];

	if (c->weights) {
		if ((size_t)snprintf(path, size, "%s", c->weights) >= size)
			return host->fail(host, LACUNA_EINVAL, "%s: the path is too long",
					  c->weights);
		return LACUNA_OK;
	}
	if (channels == 3) {
		snprintf(name, sizeof(name), "priors/%s-color.safetensors", c->model);
		if (!host->data_path(host, name, path, size))
			return LACUNA_OK;
	}
	snprintf(name, sizeof(name), "priors/%s-gray.safetensors", c->model);
	return host->data_path(host, name, path, size);
}

static int build(struct unet *n, const struct config *c, const struct lacuna_shape *x)
{
	const struct lacuna_host *host = n->host;
	struct weights *file = NULL;
	char path[4096];
	int bf16 = c->precision == BF16 || (c->precision == AUTO && onednn_has_bf16());
	int status = find_weights(host, c, x->extent[2], path, sizeof(path));

	if (!status)
		status = weights_open(host, path, &file);
	if (status)
		return status;
	status = read_architecture(n, file, path);
	if (!status && x->extent[2] % n->channels)
		status = host->fail(host, LACUNA_EINVAL,
				    "%s works on %d channels at a time, and the image has %lld",
				    path, n->channels, (long long)x->extent[2]);
	n->w = x->extent[0];
	n->h = x->extent[1];
	if (!status) {
		n->halo = round_up(reach(n), (int64_t)1 << n->levels);
		status = onednn_create(host, bf16, &n->onednn);
	}
	if (!status)
		status = plan_tiles(n, c);
	if (!status)
		status = add_layers(n, file);
	if (!status)
		plan_scratch(n);
	weights_close(file);
	return status;
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	struct unet *n = host->alloc(host, sizeof(*n));
	int status;

	if (!n)
		return LACUNA_ENOMEM;
	n->host = host;
	status = build(n, config, &problem->x);
	if (status) {
		destroy(n);
		return status;
	}
	*self = n;
	return LACUNA_OK;
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	const struct unet *n = self;

	i->channels = n->channels;
	i->blind = 0;
	i->sigma_min = n->sigma_min;
	i->sigma_max = n->sigma_max;
}

static size_t scratch_size(const void *self)
{
	const struct unet *n = self;

	return n->bytes;
}

/* ---- the work: one tile at a time -------------------------------------------------------------------- */

struct job {
	const struct unet *n;
	char *scratch;
	const float *u, *map; /* map: sigma per pixel, or NULL */
	float *x0;
	float sigma;
	/* the tile: origin and what of it lies in the image; what of it is written out */
	int64_t x, y, w, h, left, top, right, bottom;
	int channel;
	const struct layer *layer;
	int status[UNITS_MOST];
};

static float clamped(const struct unet *n, float sigma)
{
	const float lo = (float)n->sigma_min, hi = (float)n->sigma_max;

	return sigma < lo ? lo : sigma > hi ? hi : sigma;
}

static float sigma_at(const struct job *j, size_t i)
{
	return j->map ? clamped(j->n, j->map[i]) : j->sigma;
}

static size_t image_index(const struct job *j, int channel, int64_t x, int64_t y)
{
	const struct unet *n = j->n;

	return ((size_t)channel * (size_t)n->h + (size_t)(j->y + y)) * (size_t)n->w +
	       (size_t)(j->x + x);
}

static float *plane(const struct job *j, int k)
{
	const struct unet *n = j->n;

	return (float *)(void *)(j->scratch + n->planes) +
	       (size_t)k * (size_t)n->tile_w * (size_t)n->tile_h;
}

/* Rows of a tile for strip i. */
static void strip_rows(const struct unet *n, size_t i, int64_t rows, int64_t *from, int64_t *to)
{
	(void)n;
	*from = rows * (int64_t)i / UNITS_MOST;
	*to = rows * ((int64_t)i + 1) / UNITS_MOST;
}

/* Adds one pair of taps, at distance r on both sides; outside there is nothing. */
static void tap_row(const float *in, float *out, int64_t w, int64_t r, float g)
{
	if (r == 0) {
		for (int64_t x = 0; x < w; x++)
			out[x] = g * in[x];
		return;
	}
	for (int64_t x = r; x < w; x++)
		out[x] += g * in[x - r];
	for (int64_t x = 0; x < w - r; x++)
		out[x] += g * in[x + r];
}

/* Precision 1/sigma^2 and precision-weighted v, then their horizontal averages. */
static void average_across(void *arg, size_t i)
{
	const struct job *j = arg;
	const struct unet *n = j->n;
	int64_t from, to;

	strip_rows(n, i, j->h, &from, &to);
	for (int64_t y = from; y < to; y++) {
		const size_t row = (size_t)y * (size_t)n->tile_w;
		const size_t at = image_index(j, j->channel, 0, y);
		float *precision = plane(j, 0) + row, *weighted = plane(j, 1) + row;

		for (int64_t x = 0; x < j->w; x++) {
			const float s = sigma_at(j, at + (size_t)x);

			precision[x] = 1 / (s * s);
			weighted[x] = (j->u[at + (size_t)x] - 0.5f) * precision[x];
		}
		for (int k = 0; k < n->windows; k++)
			for (int r = 0; r <= n->radius[k]; r++) {
				tap_row(precision, plane(j, 2 + 2 * k) + row, j->w, r,
					n->window[k][r]);
				tap_row(weighted, plane(j, 3 + 2 * k) + row, j->w, r,
					n->window[k][r]);
			}
	}
}

/* The vertical average of row y of plane k, radius and kernel of window `window'. */
static void average_down(const struct job *j, int k, int window, int64_t y, float *out)
{
	const struct unet *n = j->n;
	const float *in = plane(j, k);

	for (int64_t x = 0; x < j->w; x++)
		out[x] = 0;
	for (int64_t r = -n->radius[window]; r <= n->radius[window]; r++) {
		const float g = n->window[window][r < 0 ? -r : r];
		const float *row = in + (y + r) * n->tile_w;

		if (y + r < 0 || y + r >= j->h)
			continue;
		for (int64_t x = 0; x < j->w; x++)
			out[x] += g * row[x];
	}
}

static uint16_t to_bf16(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16); /* to nearest, ties to even */
}

static void put(const struct unet *n, void *base, size_t index, float v)
{
	if (n->onednn.bf16)
		((uint16_t *)base)[index] = to_bf16(v);
	else
		((float *)base)[index] = v;
}

/* Detail in units of the noise may be anything where there is hardly any noise. */
static float bounded(float r)
{
	return r / sqrtf(1 + r * r / 16);
}

/* The features of one row of the tile.  Pixel (2a+dx, 2b+dy) becomes channel 4 feature + 2 dy + dx of (a, b). */
static void feature_row(const struct job *j, int64_t y, float *average)
{
	const struct unet *n = j->n;
	const size_t at = image_index(j, j->channel, 0, y);
	const float d = (float)n->sigma_data, d2 = d * d;
	const size_t step = (size_t)n->channels * 4; /* from one kind of feature to the next */
	void *out = j->scratch + n->at[T];

	for (int k = 0; k < n->windows; k++)
		for (int i = 0; i < 2; i++)
			average_down(j, 2 + 2 * k + i, k, y, average + (2 * k + i) * n->tile_w);
	for (int64_t x = 0; x < j->w; x++) {
		const float s = sigma_at(j, at + (size_t)x), v = j->u[at + (size_t)x] - 0.5f;
		const float total = s * s + d2;
		float mean[WINDOWS_MOST], precision[WINDOWS_MOST];
		size_t f = ((size_t)(y / 2) * (size_t)(n->tile_w / 2) + (size_t)(x / 2)) *
				   (size_t)n->input +
			   (size_t)j->channel * 4 + (size_t)(2 * (y & 1) + (x & 1));

		put(n, out, f, logf(s) / 4);
		put(n, out, f += step, v / sqrtf(total));
		put(n, out, f += step, v * (d / total));
		for (int k = 0; k < n->windows; k++) {
			precision[k] = average[2 * k * n->tile_w + x] + 1 / d2;
			mean[k] = average[(2 * k + 1) * n->tile_w + x] / precision[k];
			put(n, out, f += step, mean[k] / d);
			put(n, out, f += step, -logf(precision[k]) / 8);
		}
		for (int k = 0; k < n->windows; k++)
			put(n, out, f += step, bounded((v - mean[k]) / s));
		for (int k = 0; k + 1 < n->windows; k++)
			put(n, out, f += step,
			    bounded((mean[k] - mean[k + 1]) * sqrtf(precision[k])));
	}
}

static void make_features(void *arg, size_t i)
{
	const struct job *j = arg;
	const struct unet *n = j->n;
	float *average = (float *)(void *)(j->scratch + n->strip + i * n->strip_bytes);
	int64_t from, to;

	strip_rows(n, i, (j->h + 1) / 2, &from, &to);
	for (int64_t y = 2 * from; y < least(2 * to, j->h); y++)
		feature_row(j, y, average);
}

/* Strip i of a layer, by the scratch of its unit. */
static int run_strip(const struct job *j, int i, void *own)
{
	const struct unet *n = j->n;
	const struct layer *l = j->layer;
	const size_t size = n->onednn.bf16 ? 2 : 4, out = l->single ? sizeof(float) : size;
	const size_t across = (size_t)(n->tile_w >> (l->level + 1));
	const size_t in_row = across * (size_t)l->inputs * size;
	const size_t out_row = across * (size_t)l->outputs * out;
	const size_t first = (size_t)i * (size_t)l->rows;
	const struct conv *conv = &l->conv[i + 1 == l->strips ? 2 : i ? 1 : 0];
	char *src = j->scratch + n->at[l->from], *dst = j->scratch + n->at[l->to];
	int status = LACUNA_OK;

	if (l->up) {
		const size_t rows = (size_t)(n->tile_h >> (l->level + 1));

		for (size_t y = first; y < first + (size_t)l->rows && y < rows; y++)
			for (size_t k = 0; k < 2 && !status; k++)
				status = conv_execute(&n->onednn, &l->conv[k], src + y * in_row,
						      dst + (2 * y + k) * out_row, own);
		return status;
	}
	if (l->kernel == 2) /* rows of twice the width, two for each of the result */
		return conv_execute(&n->onednn, conv, src + first * 4 * in_row,
				    dst + first * out_row, own);
	return conv_execute(&n->onednn, conv, src + (i ? first - 1 : 0) * in_row,
			    dst + first * out_row, own);
}

static void run_unit(void *arg, size_t i)
{
	struct job *j = arg;
	const struct unet *n = j->n;
	const struct layer *l = j->layer;
	char *own = j->scratch + n->strip + i * n->strip_bytes;
	const int from = l->strips * (int)i / l->units, to = l->strips * ((int)i + 1) / l->units;

	for (int s = from; s < to && !j->status[i]; s++)
		j->status[i] = run_strip(j, s, own);
}

static void write_rows(void *arg, size_t i)
{
	const struct job *j = arg;
	const struct unet *n = j->n;
	const float *f = (const float *)(const void *)(j->scratch + n->at[T]);
	const float d = (float)n->sigma_data, d2 = d * d;
	int64_t from, to;

	strip_rows(n, i, j->bottom - j->top, &from, &to);
	for (int c = 0; c < n->channels; c++)
		for (int64_t y = j->top + from; y < j->top + to; y++) {
			const size_t at = image_index(j, c, 0, y);
			const float *row =
				f + (size_t)(y / 2) * (size_t)(n->tile_w / 2) * (size_t)n->output +
				4 * c + 2 * (y & 1);

			for (int64_t x = j->left; x < j->right; x++) {
				const float s = sigma_at(j, at + (size_t)x), total = s * s + d2;
				const float v = j->u[at + (size_t)x] - 0.5f;

				j->x0[at + (size_t)x] =
					0.5f + v * (d2 / total) +
					row[(size_t)(x / 2) * (size_t)n->output + (size_t)(x & 1)] *
						(s * d / sqrtf(total));
			}
		}
}

static int run_tile(struct job *j)
{
	const struct unet *n = j->n;
	const struct lacuna_host *host = n->host;

	/* What lies outside the picture has features of zero, like all that convolutions see out there. */
	memset(j->scratch + n->at[T], 0,
	       (size_t)n->input * (n->onednn.bf16 ? 2 : 4) * (size_t)(n->tile_w * n->tile_h / 4));
	for (j->channel = 0; j->channel < n->channels; j->channel++) {
		host->parallel(host, UNITS_MOST, average_across, j);
		host->parallel(host, UNITS_MOST, make_features, j);
	}
	for (int k = 0; k < n->layers; k++) {
		if (host->cancelled(host))
			return LACUNA_ECANCELLED;
		j->layer = &n->layer[k];
		host->parallel(host, (size_t)j->layer->units, run_unit, j);
		for (int i = 0; i < j->layer->units; i++)
			if (j->status[i])
				return j->status[i];
	}
	host->parallel(host, UNITS_MOST, write_rows, j);
	return LACUNA_OK;
}

static int64_t tile_origin(int64_t i, int64_t size, int64_t tile, int64_t halo)
{
	return least(i * (tile - 2 * halo), size - tile);
}

static int64_t tile_count(int64_t size, int64_t tile, int64_t halo)
{
	const int64_t step = tile - 2 * halo;

	return tile >= size ? 1 : (size - tile + step - 1) / step + 1;
}

static int run(const struct unet *n, void *scratch, double sigma, const float *map, const float *u,
	       float *x0)
{
	const int64_t m = (int64_t)1 << n->levels;
	const int64_t w = round_up(n->w, m), h = round_up(n->h, m);
	const int64_t columns = tile_count(w, n->tile_w, n->halo);
	const int64_t rows = tile_count(h, n->tile_h, n->halo);
	struct job j = { .n = n,
			 .scratch = scratch,
			 .u = u,
			 .map = map,
			 .x0 = x0,
			 .sigma = clamped(n, (float)sigma) };
	int64_t top = 0;
	int status = LACUNA_OK;

	for (int64_t r = 0; r < rows && !status; r++) {
		int64_t bottom, left = 0;

		j.y = tile_origin(r, h, n->tile_h, n->halo);
		bottom = r + 1 == rows ? n->h : least(n->h, j.y + n->tile_h - n->halo);
		for (int64_t c = 0; c < columns && !status; c++) {
			int64_t right;

			j.x = tile_origin(c, w, n->tile_w, n->halo);
			right = c + 1 == columns ? n->w : least(n->w, j.x + n->tile_w - n->halo);
			j.w = least(n->tile_w, n->w - j.x);
			j.h = least(n->tile_h, n->h - j.y);
			j.left = left - j.x;
			j.right = right - j.x;
			j.top = top - j.y;
			j.bottom = bottom - j.y;
			status = run_tile(&j);
			left = right;
		}
		top = bottom;
	}
	return status;
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	return run(self, scratch, sigma, NULL, u, x0);
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	return run(self, scratch, 1, sigma, u, x0);
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const char *const precisions[] = { "auto", "f32", "bf16", NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_TEXT(struct config, model, 0, "photo-small",
			  "one of the networks that ship with Lacuna, gray or colour as fits"),
	LACUNA_PARAM_PATH(struct config, weights, 0, NULL,
			  "a network of your own, made by tools/train (safetensors)"),
	LACUNA_PARAM_CHOICE(struct config, precision, precisions, AUTO,
			    "arithmetic; auto: bf16 where the processor has it"),
	LACUNA_PARAM_INT(struct config, memory, "MB", 16, 1 << 20, 768,
			 "work space; larger images are cut into overlapping tiles"),
	LACUNA_PARAM_INT(struct config, tile, "px", 0, 1 << 20, 0,
			 "side of the tiles' inner part; 0: as memory allows"),
};

static const char manual[] =
	"A convolutional network (U-Net) trained to remove white Gaussian noise of known strength "
	"from photographs.  It takes one sigma per pixel, which makes denoising of uneven noise "
	"and "
	"inpainting exact under guidance exact.\n\n"
	"Use it for photographs and for whatever looks like them: textures, edges, faces, "
	"landscapes.  It knows sigma from 0.002 to 50 in units of full scale.  For other kinds of "
	"image (microscopy, astronomy, documents) train a network on images of yours, with "
	"tools/train/README.md, and name it with weights=.  The file's header says the "
	"architecture: nothing is compiled anew.\n\n"
	"A colour image uses the colour network; all other channel counts run the gray one channel "
	"by channel.  precision=bf16 is several times faster on processors with AVX-512 BF16 or "
	"AMX, and costs less than 0.01 dB on Set12; on others it is emulated and slow.\n\n"
	"Tiles overlap by as much as the network sees, so that results do not depend on memory or "
	"tile beyond rounding.\n\n"
	"Source: Karras, Aittala, Aila, Laine, Elucidating the Design Space of Diffusion-Based "
	"Generative Models, NeurIPS 2022, section 5 (preconditioning, here per pixel); Zhang, Zuo, "
	"Zhang, FFDNet, IEEE TIP 2018 (noise map, pixel unshuffle); Zhang et al., Plug-and-Play "
	"Image Restoration with Deep Denoiser Prior, IEEE TPAMI 2021 (bias-free residual U-Net).";

static const struct lacuna_prior family = {
	.size = sizeof(family),
	.create = create,
	.destroy = destroy,
	.info = info,
	.scratch = scratch_size,
	.denoise = denoise,
	.denoise_map = denoise_map,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	"unet",
	"neural network trained on photographs",
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
