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
 * The network runs in stages, one after the other: all that happens at one resolution, with the change to that resolution
 * before it.  The threads take pieces of a stage, and go down a piece a few rows at a time through all its convolutions,
 * so that what is between them stays in the cache.  The image is cut into overlapping tiles only when the budget of
 * memory asks for it.  The overlap is as wide as the network sees. */
#include <lacuna/plugin.h>
#include "common/onednn.h"
#include "common/weights.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LEVELS_MOST = 6,
	BLOCKS_MOST = 8,
	LAYERS_MOST = 2 + 2 * LEVELS_MOST + 4 * LEVELS_MOST * BLOCKS_MOST,
	STAGES_MOST = 2 * LEVELS_MOST,
	CHAIN_MOST = 2 * BLOCKS_MOST + 2,
	UNITS_MOST = 32, /* at least as many as threads */
	ROWS = 8,	 /* of a convolution's call: fewer cost calls, more do not fit the cache */
	/* Of a piece.  Wide ones do not fit the cache, narrow ones overlap more; with floats, arithmetic takes longer than
	 * memory.  Low ones share the work more evenly. */
	WIDTH_BF16 = 256,
	WIDTH_F32 = 512,
	HEIGHT = 2 * ROWS,
	WINDOWS_MOST = 4,
	RADIUS_MOST = 64,
	VECTOR = 16 /* channels are stored in multiples of this */
};

struct config {
	const char *model, *weights;
	int64_t precision, memory, tile;
};

enum { AUTO, F32, BF16 };

/* Where a stage puts its result, beside x[level]: two buffers in turn, and the image itself. */
enum { T = LEVELS_MOST, BUFFERS = T + 2, IMAGE };

struct layer {
	int inputs, outputs, kernel; /* channels as they are stored */
	int relu, sum, single;
	struct conv conv[2]; /* the second: odd rows of what goes up */
};

/* How a stage gets what its first layer reads. */
enum entrance {
	FEATURES, /* of the image */
	DOWN,	  /* 2x2 convolution of stride 2, from the level above */
	UP /* its transpose, from the level below, plus x[level]: two 1x1 convolutions from one pixel to two */
};

/* 3x3 convolutions of one level, each of the result of the one before. */
struct stage {
	enum entrance entrance; /* its convolution is the layer before the first */
	int level;
	int from, to;		      /* buffers */
	int first, count;	      /* layers */
	int64_t width, columns, rows; /* of a piece; how many */
	/* In a unit's own scratch: what layer k reads, or the result; rows that are kept there from one time to the next,
	 * 0 where they are among another's; rows for the entrance; what the convolutions ask for. */
	size_t at[CHAIN_MOST + 1];
	int keep[CHAIN_MOST + 1];
	size_t enter, scratch;
};

struct unet {
	const struct lacuna_host *host;
	struct onednn onednn;
	int channels, levels, blocks, features, windows;
	int width[LEVELS_MOST]; /* channels of the levels */
	double sigma_min, sigma_max, sigma_data, leak;
	int radius[WINDOWS_MOST];
	float window[WINDOWS_MOST][RADIUS_MOST + 1]; /* one half of a symmetric kernel */
	struct layer layer[LAYERS_MOST];
	struct stage stage[STAGES_MOST];
	int layers, stages;

	int64_t w, h;		/* of the image */
	int64_t tile_w, tile_h; /* multiples of 2^levels, as are the tiles' origins */
	int64_t halo;
	int input, output;	 /* channels of the first layer's input, the last one's output */
	size_t at[BUFFERS];	 /* offsets of the buffers in the scratch */
	size_t taken;		 /* offset: which pieces somebody works on */
	size_t unit, unit_bytes; /* offset and size of the units' own scratch */
	int units;		 /* of work that may go on at the same time */
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
	for (int i = 0; i < n->layers; i++)
		for (int k = 0; k < 2; k++)
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
	if (weights_text(file, "leak") && weights_numbers(file, "leak", 1, &n->leak) < 0)
		return LACUNA_EINVAL;
	if (!(n->leak >= 0) || n->leak > 1)
		return host->fail(host, LACUNA_EINVAL, "%s: leak is out of range", path);
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

static size_t value_size(const struct unet *n)
{
	return n->onednn.bf16 ? 2 : 4;
}

/* The buffer that the stage going up to level l fills. */
static int result_of(const struct unet *n, int l)
{
	return l == 0 ? IMAGE : l == n->levels - 1 ? l : T + (n->levels - l) % 2;
}

/* Bytes of a buffer for a block of pixels, of which tiles are made: 2^levels wide and high. */
static size_t block_bytes(const struct unet *n, int buffer)
{
	size_t most = 0;

	if (buffer == T) /* averages first, see plane() */
		most = 2 * (size_t)(n->channels * n->windows) * sizeof(float) << 2 * n->levels;
	for (int l = 0; l < n->levels; l++) {
		size_t b = (size_t)stored(n->width[l]) * value_size(n) << 2 * (n->levels - 1 - l);

		if ((buffer == l || buffer == result_of(n, l)) && b > most)
			most = b;
	}
	return most;
}

/* Pixels of `count' tiles along a side, each a multiple of m but for a whole side, that overlap by 2 halo. */
static int64_t tile_side(int64_t size, int64_t count, int64_t m, int64_t halo)
{
	return least(size, round_up((size - 2 * halo + count - 1) / count, m) + 2 * halo);
}

static int64_t tile_count(int64_t size, int64_t tile, int64_t halo)
{
	const int64_t step = tile - 2 * halo;

	return tile >= size ? 1 : (size - tile + step - 1) / step + 1;
}

static int64_t tile_origin(int64_t i, int64_t size, int64_t tile, int64_t halo)
{
	return least(i * (tile - 2 * halo), size - tile);
}

/* All tiles have the same size, or the layers would need more primitives.  Of all ways to cut that fit the budget, the one
 * with the least to compute. */
static int plan_tiles(struct unet *n, const struct config *c)
{
	const int64_t m = (int64_t)1 << n->levels;
	const int64_t w = round_up(n->w, m), h = round_up(n->h, m);
	const int64_t smallest = least(w, 2 * n->halo + m) * least(h, 2 * n->halo + m);
	int64_t per = 0, pixels, best = INT64_MAX;

	for (int b = 0; b < BUFFERS; b++)
		per += (int64_t)block_bytes(n, b);
	pixels = ((c->memory << 20) / 8 * 7) / per * m * m; /* the rest is for the units */
	if (c->tile) {
		n->tile_w = least(w, round_up(c->tile, m) + 2 * n->halo);
		n->tile_h = least(h, round_up(c->tile, m) + 2 * n->halo);
		return LACUNA_OK;
	}
	for (int64_t columns = 1; columns <= w / m; columns++) {
		const int64_t tile_w = tile_side(w, columns, m, n->halo);
		int64_t rows = 1;

		while (rows < h / m && tile_w * tile_side(h, rows, m, n->halo) > pixels)
			rows++;
		if (tile_w * tile_side(h, rows, m, n->halo) > pixels ||
		    columns * rows * tile_w * tile_side(h, rows, m, n->halo) >= best)
			continue;
		n->tile_w = tile_w;
		n->tile_h = tile_side(h, rows, m, n->halo);
		best = columns * rows * tile_w * n->tile_h;
	}
	if (best == INT64_MAX)
		return n->host->fail(n->host, LACUNA_EINVAL,
				     "unet: %lld MB are too little for this network; give "
				     "memory=%lld or more",
				     (long long)c->memory,
				     (long long)((smallest / m / m * per / 7 * 8 >> 20) + 1));
	return LACUNA_OK;
}

static int64_t level_width(const struct unet *n, int level)
{
	return n->tile_w >> (level + 1);
}

static int64_t level_height(const struct unet *n, int level)
{
	return n->tile_h >> (level + 1);
}

/* A stage of `count' layers beside that of the entrance, which are to be added next. */
static void add_stage(struct unet *n, enum entrance entrance, int level, int from, int count)
{
	struct stage *s = &n->stage[n->stages++];
	const int64_t w = level_width(n, level), h = level_height(n, level);
	const int64_t most = n->onednn.bf16 ? WIDTH_BF16 : WIDTH_F32;

	s->entrance = entrance;
	s->level = level;
	s->from = from;
	s->to = entrance == UP || n->levels == 1 ? result_of(n, level) : level;
	s->first = n->layers + (entrance != FEATURES);
	s->count = count;
	s->width = w;
	for (int64_t k = 2; s->width > most; k++) /* kernels work on VECTOR pixels at a time */
		s->width = least(w, round_up(tile_side(w, k, 1, count), VECTOR));
	s->columns = tile_count(w, s->width, count);
	s->rows = (h + HEIGHT - 1) / HEIGHT;
}

static struct layer *add_layer(struct unet *n, int inputs, int outputs, int kernel)
{
	struct layer *l = &n->layer[n->layers++];

	l->inputs = inputs;
	l->outputs = outputs;
	l->kernel = kernel;
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
	const int width = (int)n->stage[n->stages - 1].width, chain = l->kernel == 3;
	const struct conv_shape s = { .inputs = l->inputs,
				      .outputs = l->outputs,
				      .kernel = l->kernel,
				      .stride = chain ? 1 : 2,
				      .height = chain ? ROWS + 2 : 2,
				      .width = chain ? width : 2 * width,
				      .side = chain,
				      .relu = l->relu,
				      .leak = (float)n->leak,
				      .sum = l->sum,
				      .single = l->single };
	float *weights;
	int status = read_kernel(n, file, name, l, outputs, inputs, &weights);

	if (!status)
		status = conv_create(&n->onednn, &s, weights, &l->conv[0]);
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
					      .width = (int)n->stage[n->stages - 1].width / 2,
					      .sum = 1 };

		for (size_t i = 0; i < (size_t)inputs; i++)
			for (size_t o = 0; o < (size_t)outputs; o++)
				for (size_t column = 0; column < 2; column++)
					pair[(column * half + o) * in + i] =
						read[((i * (size_t)outputs + o) * 2 + row) * 2 +
						     column];
		status = conv_create(&n->onednn, &s, pair, &l->conv[row]);
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
		struct layer *l = add_layer(n, stored(c), stored(c), 3);

		l->relu = 1;
		snprintf(name, sizeof(name), "%s.%d.a.weight", side, b);
		status = finish_conv(n, l, file, name, c, c);
		if (status)
			break;
		l = add_layer(n, stored(c), stored(c), 3);
		l->sum = 1;
		snprintf(name, sizeof(name), "%s.%d.b.weight", side, b);
		status = finish_conv(n, l, file, name, c, c);
	}
	return status;
}

static int add_up(struct unet *n, const struct weights *file, int level)
{
	const int *width = n->width;
	char name[64];
	struct layer *l;

	add_stage(n, UP, level, result_of(n, level + 1), 2 * n->blocks + !level);
	snprintf(name, sizeof(name), "up.%d.weight", level);
	l = add_layer(n, stored(width[level + 1]), 2 * stored(width[level]), 1);
	return finish_up(n, l, file, name, width[level], width[level + 1]);
}

static int add_down(struct unet *n, const struct weights *file, int level)
{
	const int *width = n->width;
	char name[64];
	struct layer *l;

	add_stage(n, DOWN, level, level - 1, 2 * n->blocks);
	snprintf(name, sizeof(name), "down.%d.weight", level - 1);
	l = add_layer(n, stored(width[level - 1]), stored(width[level]), 2);
	return finish_conv(n, l, file, name, width[level], width[level - 1]);
}

static int add_layers(struct unet *n, const struct weights *file)
{
	const int *width = n->width, bottom = n->levels - 1;
	char name[64];
	struct layer *l;
	int status, k;

	add_stage(n, FEATURES, 0, T, 1 + 2 * n->blocks + !bottom);
	status = finish_conv(n, add_layer(n, n->input, stored(width[0]), 3), file, "head.weight",
			     width[0], 4 * n->features);
	for (k = 0; k < bottom && !status; k++) {
		snprintf(name, sizeof(name), "enc.%d", k);
		status = add_blocks(n, file, name, k);
		if (!status)
			status = add_down(n, file, k + 1);
	}
	if (!status)
		status = add_blocks(n, file, "mid", bottom);
	for (k = bottom - 1; k >= 0 && !status; k--) {
		status = add_up(n, file, k);
		snprintf(name, sizeof(name), "dec.%d", k);
		if (!status)
			status = add_blocks(n, file, name, k);
	}
	if (status)
		return status;
	l = add_layer(n, stored(width[0]), n->output, 3);
	l->single = 1;
	return finish_conv(n, l, file, "tail.weight", 4 * n->channels, width[0]);
}

/* Bytes of a pixel of what layer k of a stage reads, -1: its entrance; or of what the last one wrote. */
static size_t pixel_bytes(const struct unet *n, const struct stage *s, int k)
{
	const struct layer *l = &n->layer[s->first];

	if (k < s->count)
		return (size_t)l[k].inputs * value_size(n);
	return (size_t)l[k - 1].outputs * (l[k - 1].single ? sizeof(float) : value_size(n));
}

/* Where a stage's buffers are in a unit's scratch, and the size of all. */
static size_t plan_stage(const struct unet *n, struct stage *s)
{
	const int first = s->first - (s->entrance != FEATURES);
	size_t at = 0, scratch = 0;

	for (int k = 0; k <= s->count; k++) {
		const size_t row = (size_t)s->width * pixel_bytes(n, s, k);

		if (k > 1 && n->layer[s->first + k - 1].sum) { /* in place, two rows further up */
			s->at[k] = s->at[k - 2] - (k < s->count ? 2 * row : 0);
			continue;
		}
		for (int i = k; i < s->count && (i == k || n->layer[s->first + i - 1].sum); i += 2)
			s->keep[k] += 2;
		at += (size_t)s->keep[k] * row;
		s->at[k] = at - (k < s->count ? 2 * row : 0);
		at = (at + ROWS * row + 63) / 64 * 64;
	}
	s->enter = at;
	if (s->entrance == FEATURES)
		at += (3 + 2 * (size_t)n->windows) * 2 * (size_t)s->width * sizeof(float);
	else if (s->entrance == DOWN)
		at += 4 * (size_t)s->width * pixel_bytes(n, s, -1);
	s->scratch = (at + 63) / 64 * 64;
	for (int k = first; k < s->first + s->count; k++)
		for (int half = 0; half < 2; half++)
			if (scratch < n->layer[k].conv[half].scratch)
				scratch = n->layer[k].conv[half].scratch;
	return s->scratch + scratch;
}

static void plan_scratch(struct unet *n, int64_t memory)
{
	const size_t blocks = (size_t)(n->tile_w * n->tile_h) >> 2 * n->levels;
	const size_t budget = (size_t)memory << 20;
	int64_t pieces = 1;
	size_t at = 0;

	for (int b = 0; b < BUFFERS; b++) {
		n->at[b] = at;
		at += (block_bytes(n, b) * blocks + 63) / 64 * 64;
	}
	n->unit = at;
	n->unit_bytes = 2 * ((size_t)n->tile_w + 2 * RADIUS_MOST) * sizeof(float); /* averages */
	for (int i = 0; i < n->stages; i++) {
		struct stage *s = &n->stage[i];
		const size_t own = plan_stage(n, s);

		n->unit_bytes = own > n->unit_bytes ? own : n->unit_bytes;
		pieces = s->columns * s->rows > pieces ? s->columns * s->rows : pieces;
	}
	n->unit_bytes = (n->unit_bytes + 63) / 64 * 64;
	n->taken = n->unit;
	n->unit += ((size_t)pieces * sizeof(atomic_char) + 63) / 64 * 64;
	n->units = (int)least((pieces + 1) / 2, UNITS_MOST);
	while (n->units > 1 && n->unit + (size_t)n->units * n->unit_bytes > budget)
		n->units--;
	n->bytes = n->unit + (size_t)n->units * n->unit_bytes;
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
		plan_scratch(n, c->memory);
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
	const struct stage *stage;
	int status[UNITS_MOST];
};

static float clamped(const struct unet *n, float sigma)
{
	const float lo = (float)n->sigma_min, hi = (float)n->sigma_max;

	return sigma < lo ? lo : sigma > hi ? hi : sigma;
}

static size_t image_index(const struct job *j, int channel, int64_t x, int64_t y)
{
	const struct unet *n = j->n;

	return ((size_t)channel * (size_t)n->h + (size_t)(j->y + y)) * (size_t)n->w +
	       (size_t)(j->x + x);
}

/* The average across of what window `window' sees of a channel: of the precision, or of the weighted values. */
static float *plane(const struct job *j, int channel, int window, int weighted)
{
	const struct unet *n = j->n;
	const size_t k = (size_t)(2 * (channel * n->windows + window) + weighted);

	return (float *)(void *)(j->scratch + n->at[T]) + k * (size_t)n->tile_w * (size_t)n->tile_h;
}

/* Rows of a tile for unit i. */
static void unit_rows(const struct unet *n, size_t i, int64_t rows, int64_t *from, int64_t *to)
{
	*from = rows * (int64_t)i / n->units;
	*to = rows * ((int64_t)i + 1) / n->units;
}

static void *unit_scratch(const struct job *j, size_t i)
{
	return j->scratch + j->n->unit + i * j->n->unit_bytes;
}

/* sigma and v of a row of the image. */
static void read_row(const struct job *j, size_t at, int64_t count, float *s, float *v)
{
	for (int64_t x = 0; x < count; x++) {
		s[x] = j->map ? clamped(j->n, j->map[at + (size_t)x]) : j->sigma;
		v[x] = j->u[at + (size_t)x] - 0.5f;
	}
}

/* in: with zeros on both sides, as many as the radius. */
static void average_row(const float *g, int radius, const float *in, int64_t w, float *out)
{
	for (int64_t x = 0; x < w; x++)
		out[x] = g[0] * in[x];
	for (int64_t r = 1; r <= radius; r++)
		for (int64_t x = 0; x < w; x++)
			out[x] += g[r] * (in[x - r] + in[x + r]);
}

/* Horizontal averages of precision 1/sigma^2 and precision-weighted v. */
static void average_across(void *arg, size_t i)
{
	const struct job *j = arg;
	const struct unet *n = j->n;
	const size_t padded = (size_t)n->tile_w + 2 * RADIUS_MOST;
	float *precision = (float *)unit_scratch(j, i) + RADIUS_MOST;
	float *weighted = precision + padded;
	int64_t from, to;

	unit_rows(n, i, j->h, &from, &to);
	memset(unit_scratch(j, i), 0, 2 * padded * sizeof(float));
	for (int64_t row = from * n->channels; row < to * n->channels; row++) {
		const int c = (int)(row % n->channels);
		const int64_t y = row / n->channels;

		read_row(j, image_index(j, c, 0, y), j->w, precision, weighted);
		for (int64_t x = 0; x < j->w; x++) {
			precision[x] = 1 / (precision[x] * precision[x]);
			weighted[x] *= precision[x];
		}
		for (int k = 0; k < n->windows; k++) {
			average_row(n->window[k], n->radius[k], precision, j->w,
				    plane(j, c, k, 0) + y * n->tile_w);
			average_row(n->window[k], n->radius[k], weighted, j->w,
				    plane(j, c, k, 1) + y * n->tile_w);
		}
	}
}

/* The vertical average about row y from column x of one of those planes; outside there is nothing. */
static void average_down(const struct job *j, const float *in, int window, int64_t x, int64_t y,
			 int64_t count, float *out)
{
	const struct unet *n = j->n;
	const float *g = n->window[window], *row = in + y * n->tile_w + x;

	for (int64_t i = 0; i < count; i++)
		out[i] = g[0] * row[i];
	for (int64_t r = 1; r <= n->radius[window]; r++) {
		const float *above = y >= r ? row - r * n->tile_w : NULL;
		const float *below = y + r < j->h ? row + r * n->tile_w : NULL;
		const float *one = above ? above : below;

		if (above && below)
			for (int64_t i = 0; i < count; i++)
				out[i] += g[r] * (above[i] + below[i]);
		else if (one)
			for (int64_t i = 0; i < count; i++)
				out[i] += g[r] * one[i];
	}
}

/* x > 0.  Written out since the compiler knows no vector form of logf. */
static inline float logarithm(float x)
{
	uint32_t bits, one;
	int32_t exponent;
	float m, t, t2;

	memcpy(&bits, &x, sizeof(bits));
	exponent = (int32_t)(bits - 0x3f3504f3) >> 23; /* so that sqrt(1/2) <= m < sqrt(2) */
	one = bits - ((uint32_t)exponent << 23);
	memcpy(&m, &one, sizeof(m));
	t = (m - 1) / (m + 1);
	t2 = t * t;
	return (float)exponent * 0x1.62e43p-1f +
	       2 * t * (1 + t2 * (1 / 3.0f + t2 * (1 / 5.0f + t2 * (1 / 7.0f + t2 / 9))));
}

static uint16_t to_bf16(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16); /* to nearest, ties to even */
}

/* Detail in units of the noise may be anything where there is hardly any noise. */
static float bounded(float r)
{
	return r / sqrtf(1 + r * r / 16);
}

/* Feature k of a row.  Pixel (2a+dx, 2b+dy) becomes channel 4 feature + 2 dy + dx of (a, b): `to' is that of dx = 0. */
static void put_row(const struct unet *n, const float *row, int64_t count, char *to, int k)
{
	const int64_t step = n->input, at = (int64_t)k * 4 * n->channels;
	uint16_t *half = (uint16_t *)(void *)to + at;
	float *single = (float *)(void *)to + at;

	if (n->onednn.bf16)
		for (int64_t x = 0; x < count; x++)
			half[x / 2 * step + (x & 1)] = to_bf16(row[x]);
	else
		for (int64_t x = 0; x < count; x++)
			single[x / 2 * step + (x & 1)] = row[x];
}

/* The features of one row of a channel, from column x on; `own' takes as many rows of numbers as feature_rows() says. */
static void feature_row(const struct job *j, int channel, int64_t x, int64_t y, int64_t count,
			float *own, char *to)
{
	const struct unet *n = j->n;
	const float d = (float)n->sigma_data, d2 = d * d;
	float *s = own, *v = own + count, *f = own + 2 * count, *mean[WINDOWS_MOST];
	float *precision[WINDOWS_MOST];
	int kind = 0;

	read_row(j, image_index(j, channel, x, y), count, s, v);
	for (int64_t i = 0; i < count; i++)
		f[i] = logarithm(s[i]) / 4;
	put_row(n, f, count, to, kind++);
	for (int64_t i = 0; i < count; i++)
		f[i] = v[i] / sqrtf(s[i] * s[i] + d2);
	put_row(n, f, count, to, kind++);
	for (int64_t i = 0; i < count; i++)
		f[i] = v[i] * (d / (s[i] * s[i] + d2));
	put_row(n, f, count, to, kind++);
	for (int k = 0; k < n->windows; k++) {
		float *p = precision[k] = own + (3 + 2 * k) * count;
		float *m = mean[k] = own + (4 + 2 * k) * count;

		average_down(j, plane(j, channel, k, 0), k, x, y, count, p);
		average_down(j, plane(j, channel, k, 1), k, x, y, count, m);
		for (int64_t i = 0; i < count; i++) {
			p[i] += 1 / d2;
			m[i] /= p[i];
			f[i] = m[i] / d;
		}
		put_row(n, f, count, to, kind++);
		for (int64_t i = 0; i < count; i++)
			f[i] = -logarithm(p[i]) / 8;
		put_row(n, f, count, to, kind++);
	}
	for (int k = 0; k < n->windows; k++) {
		for (int64_t i = 0; i < count; i++)
			f[i] = bounded((v[i] - mean[k][i]) / s[i]);
		put_row(n, f, count, to, kind++);
	}
	for (int k = 0; k + 1 < n->windows; k++) {
		for (int64_t i = 0; i < count; i++)
			f[i] = bounded((mean[k][i] - mean[k + 1][i]) * sqrtf(precision[k][i]));
		put_row(n, f, count, to, kind++);
	}
}

/* A piece of a stage at work. */
struct piece {
	const struct job *job;
	const struct stage *stage;
	int64_t x, left, right;			/* columns: the first; those of the result */
	int64_t top, bottom;			/* rows of the result */
	char *own;				/* scratch */
	struct conv_call calls[CHAIN_MOST + 2]; /* of the layers, then of the entrance */
};

/* A pixel of a buffer, whose pixels take `bytes'. */
static char *pixel(const struct job *j, int buffer, int level, int64_t x, int64_t y, size_t bytes)
{
	return j->scratch + j->n->at[buffer] + (size_t)(y * level_width(j->n, level) + x) * bytes;
}

static void enter_features(const struct piece *p, int64_t y, char *to)
{
	const struct job *j = p->job;
	const struct unet *n = j->n;
	const int64_t count = least(2 * p->stage->width, j->w - 2 * p->x);

	memset(to, 0, (size_t)p->stage->width * pixel_bytes(n, p->stage, 0));
	for (int c = 0; c < n->channels; c++)
		for (int odd = 0; odd < 2 && 2 * y + odd < j->h; odd++)
			feature_row(j, c, 2 * p->x, 2 * y + odd, count,
				    (float *)(void *)(p->own + p->stage->enter),
				    to + (size_t)(4 * c + 2 * odd) * value_size(n));
}

static int enter_down(const struct piece *p, int64_t y, char *to)
{
	const struct stage *s = p->stage;
	const size_t bytes = pixel_bytes(p->job->n, s, -1), row = 2 * (size_t)s->width * bytes;

	for (int odd = 0; odd < 2; odd++)
		memcpy(p->own + s->enter + (size_t)odd * row,
		       pixel(p->job, s->from, s->level - 1, 2 * p->x, 2 * y + odd, bytes), row);
	return conv_run(&p->job->n->onednn, &p->calls[s->count], p->own + s->enter, to);
}

static int enter_up(const struct piece *p, int64_t y, char *to)
{
	const struct stage *s = p->stage;
	const size_t above = pixel_bytes(p->job->n, s, 0), below = pixel_bytes(p->job->n, s, -1);

	memcpy(to, pixel(p->job, s->level, s->level, p->x, y, above), (size_t)s->width * above);
	return conv_run(&p->job->n->onednn, &p->calls[s->count + (y & 1)],
			pixel(p->job, s->from, s->level + 1, p->x / 2, y / 2, below), to);
}

/* Rows y to y + ROWS of the first layer's input. */
static int enter(const struct piece *p, int64_t y, char *to)
{
	const struct stage *s = p->stage;
	const size_t row = (size_t)s->width * pixel_bytes(p->job->n, s, 0);
	int status = LACUNA_OK;

	for (int64_t end = y + ROWS; y < end && !status; y++, to += row)
		if (y < 0 || y >= level_height(p->job->n, s->level))
			continue;
		else if (s->entrance == FEATURES)
			enter_features(p, y, to);
		else if (s->entrance == DOWN)
			status = enter_down(p, y, to);
		else
			status = enter_up(p, y, to);
	return status;
}

/* x0 from the network's answer, rows y to y + ROWS of a piece. */
static void write_image(const struct piece *p, int64_t y, const char *from)
{
	const struct job *j = p->job;
	const struct unet *n = j->n;
	const float *f = (const float *)(const void *)from;
	const float d = (float)n->sigma_data, d2 = d * d;
	const int64_t left = 2 * p->left > j->left ? 2 * p->left : j->left;
	const int64_t right = least(2 * p->right, j->right);
	const int64_t bottom = least(2 * least(y + ROWS, p->bottom), j->bottom);

	for (int c = 0; c < n->channels; c++)
		for (int64_t v = 2 * y > j->top ? 2 * y : j->top; v < bottom; v++) {
			const size_t at = image_index(j, c, 0, v);
			const float *row =
				f + (v / 2 - y) * p->stage->width * n->output + 4 * c + 2 * (v & 1);

			for (int64_t x = left; x < right; x++) {
				const float s =
					j->map ? clamped(n, j->map[at + (size_t)x]) : j->sigma;
				const float total = s * s + d2, u = j->u[at + (size_t)x] - 0.5f;

				j->x0[at + (size_t)x] = 0.5f + u * (d2 / total) +
							row[(x / 2 - p->x) * n->output + (x & 1)] *
								(s * d / sqrtf(total));
			}
		}
}

static void leave(const struct piece *p, int64_t y, const char *from)
{
	const struct stage *s = p->stage;
	const size_t bytes = pixel_bytes(p->job->n, s, s->count);
	const size_t skip = (size_t)(p->left - p->x) * bytes;

	if (s->to == IMAGE) {
		write_image(p, y, from);
		return;
	}
	for (int64_t end = least(y + ROWS, p->bottom); y < end; y++) {
		memcpy(pixel(p->job, s->to, s->level, p->left, y, bytes), from + skip,
		       (size_t)(p->right - p->left) * bytes);
		from += (size_t)s->width * bytes;
	}
}

/* Rows y to y + ROWS of the result.  Buffer k holds what layer k reads: ROWS new rows, and above them the last two of the
 * time before.  So each layer is one row ahead of the one after it. */
static int run_rows(const struct piece *p, int64_t y)
{
	const struct stage *s = p->stage;
	const struct unet *n = p->job->n;
	int status = LACUNA_OK;

	for (int k = 0; k < s->count; k++) {
		const size_t row = (size_t)s->width * pixel_bytes(n, s, k);
		const size_t kept = (size_t)s->keep[k] * row;
		char *end = p->own + s->at[k] + 2 * row;

		if (kept)
			memmove(end - kept, end - kept + ROWS * row, kept);
	}
	for (int k = 0; k <= s->count && !status; k++) {
		const size_t row = (size_t)s->width * pixel_bytes(n, s, k);
		const int64_t ahead = s->count - k, r = y + ahead;
		char *to = p->own + s->at[k] + (ahead ? 2 * row : 0);

		if (r + ROWS <= p->top - ahead) /* nobody will read them */
			continue;
		status = k ? conv_run(&n->onednn, &p->calls[k - 1], p->own + s->at[k - 1], to)
			   : enter(p, r, to);
		for (int64_t i = 0; i < ROWS; i++) /* there is no picture */
			if (r + i < 0 || r + i >= level_height(n, s->level))
				memset(to + (size_t)i * row, 0, row);
	}
	if (y >= p->top && !status)
		leave(p, y, p->own + s->at[s->count]);
	return status;
}

static int bind(struct piece *p)
{
	const struct stage *s = p->stage;
	const struct unet *n = p->job->n;
	const struct layer *l = &n->layer[s->first];
	char *scratch = p->own + s->scratch;
	int status = LACUNA_OK;

	for (int k = 0; k < s->count && !status; k++)
		status = conv_bind(&n->onednn, &l[k].conv[0], scratch, &p->calls[k]);
	for (int k = 0; k < (int)s->entrance && !status; k++) /* DOWN one, UP two */
		status = conv_bind(&n->onednn, &l[-1].conv[k], scratch, &p->calls[s->count + k]);
	return status;
}

/* A piece that nobody works on, or -1: the one below the last, which needs no rows of its own to begin with; else from the
 * longest run the first of all or the middle, so that each thread has long to go. */
static int64_t take(const struct job *j, int64_t last)
{
	const struct stage *s = j->stage;
	atomic_char *taken = (atomic_char *)(void *)(j->scratch + j->n->taken);
	int64_t end, longest;

	if (last >= 0 && (last + 1) % s->rows && !atomic_exchange(&taken[last + 1], 1))
		return last + 1;
	do {
		end = longest = 0;
		for (int64_t i = 0, run = 0; i < s->columns * s->rows; i++) {
			run = atomic_load(&taken[i]) ? 0 : run + 1;
			if (run > longest) {
				longest = run;
				end = i + 1;
			}
		}
		if (!longest)
			return -1;
		end -= end == longest ? longest : (longest + 1) / 2;
	} while (atomic_exchange(&taken[end], 1));
	return end;
}

/* Column and rows of a piece; its first row to compute something for. */
static int64_t place(struct piece *p, int64_t number, int follows)
{
	const struct stage *s = p->stage;
	const struct unet *n = p->job->n;
	const int64_t column = number / s->rows, w = level_width(n, s->level), halo = s->count;

	p->x = tile_origin(column, w, s->width, halo);
	p->left = column ? tile_origin(column - 1, w, s->width, halo) + s->width - halo : 0;
	p->right = column + 1 < s->columns ? p->x + s->width - halo : w;
	p->top = number % s->rows * HEIGHT;
	p->bottom = least(p->top + HEIGHT, level_height(n, s->level));
	return follows ? p->top : p->top - round_up(2 * s->count, ROWS);
}

static void run_unit(void *arg, size_t i)
{
	struct job *j = arg;
	const struct stage *s = j->stage;
	const struct lacuna_host *host = j->n->host;
	struct piece p = { .job = j, .stage = s, .own = unit_scratch(j, i) };
	int64_t last = -1, number = take(j, last);
	int status = number < 0 ? LACUNA_OK : bind(&p);

	for (; number >= 0 && !status; last = number, number = take(j, last)) {
		int64_t y = place(&p, number, last >= 0 && number == last + 1 && number % s->rows);

		if (host->cancelled(host))
			status = LACUNA_ECANCELLED;
		for (; y < p.bottom && !status; y += ROWS)
			status = run_rows(&p, y);
	}
	for (int k = 0; k < s->count + (int)s->entrance; k++)
		conv_unbind(&p.calls[k]);
	j->status[i] = status;
}

static int run_tile(struct job *j)
{
	const struct unet *n = j->n;
	const struct lacuna_host *host = n->host;

	host->parallel(host, (size_t)n->units, average_across, j);
	for (int k = 0; k < n->stages; k++) {
		j->stage = &n->stage[k];
		memset(j->scratch + n->taken, 0, (size_t)(j->stage->columns * j->stage->rows));
		host->parallel(host, (size_t)n->units, run_unit, j);
		for (int i = 0; i < n->units; i++)
			if (j->status[i])
				return j->status[i];
	}
	return LACUNA_OK;
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
