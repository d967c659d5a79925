/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/neural/network.h"
#include "common/neural/tiles.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	VECTOR = 16, /* channels are stored in multiples of this */
	/* Widths of a stage's strips. Wide strips do not fit the cache, narrow ones overlap more. With floats arithmetic
	 * takes longer than memory accesses, so wider strips are better. */
	WIDTH_BF16 = 256,
	WIDTH_F32 = 512
};

static int stored(int channels)
{
	return (int)round_up(channels, VECTOR);
}

/* ---- the architecture -------------------------------------------------------------------------------- */

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

int network_create(const struct lacuna_host *host, const struct weights *file, const char *path,
		   int inputs, int outputs, int bf16, int expert, enum network_kind kind,
		   struct network *n)
{
	int counts;

	if (expert >= 0)
		snprintf(n->prefix, sizeof n->prefix, "expert.%d.", expert);
	n->kind = kind;
	n->inputs = inputs;
	n->outputs = outputs;
	n->levels = read_integers(file, "widths", LEVELS_MOST, 1, 4096, n->width);
	counts = read_integers(file, "blocks", LEVELS_MOST, 1, BLOCKS_MOST, n->blocks);
	for (int l = 1; counts == 1 && l < n->levels; l++) /* the same for all levels */
		n->blocks[l] = n->blocks[0];
	if (n->levels < 0 || (counts != 1 && counts != n->levels))
		return host->fail(host, LACUNA_EINVAL,
				  "%s: widths or blocks are missing or out of range", path);
	if (weights_text(file, "leak") && weights_numbers(file, "leak", 1, &n->leak) < 0)
		return LACUNA_EINVAL;
	if (!(n->leak >= 0) || n->leak > 1)
		return host->fail(host, LACUNA_EINVAL, "%s: leak is out of range", path);
	return onednn_create(host, bf16, &n->onednn);
}

/* Blocks of level l: those going down and those going up, at the bottom only once. */
static int blocks_of(const struct network *n, int l)
{
	return n->blocks[l] * (l < n->levels - 1 ? 2 : 1);
}

/* Every 3x3 convolution at level l adds 2^(l+1) pixels. */
int64_t network_reach(const struct network *n)
{
	int64_t r = 2 + 2;

	for (int l = 0; l < n->levels; l++)
		r += (int64_t)2 * blocks_of(n, l) << (l + 1);
	return r;
}

size_t network_value_size(const struct network *n)
{
	return n->onednn.bf16 ? 2 : 4;
}

/* The buffer for the result of the stage going up to level l. */
static int result_of(const struct network *n, int l)
{
	return l == 0 ? BUFFER_IMAGE : l == n->levels - 1 ? l : BUFFER_T + (n->levels - l) % 2;
}

size_t network_block_bytes(const struct network *n, int buffer)
{
	size_t most = 0;

	for (int l = 0; l < n->levels; l++) {
		size_t b = (size_t)stored(n->width[l]) * network_value_size(n)
			   << 2 * (n->levels - 1 - l);

		if ((buffer == l || buffer == result_of(n, l)) && b > most)
			most = b;
	}
	return most;
}

size_t network_sign_bytes(const struct network *n)
{
	size_t bytes = 0;

	for (int l = 0; l < n->levels; l++)
		bytes += (size_t)blocks_of(n, l) * (size_t)stored(n->width[l]) / 8
			 << 2 * (n->levels - 1 - l);
	return bytes;
}

/* ---- layers ------------------------------------------------------------------------------------------ */

static int is_adjoint(const struct network *n)
{
	return n->kind == NETWORK_ADJOINT;
}

/* Adds a stage of `count' layers, besides that of the entrance. The caller adds the layers next. */
static void add_stage(struct network *n, enum entrance entrance, int level, int from, int count)
{
	struct stage *s = &n->stage[n->stages++];
	const int64_t w = network_level_width(n, level);
	const int64_t most = n->onednn.bf16 ? WIDTH_BF16 : WIDTH_F32;

	s->entrance = entrance;
	s->level = level;
	s->from = from;
	s->to = entrance == ENTER_UP || n->levels == 1 ? result_of(n, level) : level;
	s->first = n->layers + (entrance != ENTER_FEATURES);
	s->count = count;
	s->width = w;
	for (int64_t k = 2; s->width > most; k++) /* kernels work on VECTOR pixels at a time */
		s->width = least(w, round_up(tile_side(w, k, 1, count), VECTOR));
}

static struct layer *add_layer(struct network *n, int inputs, int outputs, int kernel)
{
	struct layer *l = &n->layer[n->layers++];

	l->inputs = inputs;
	l->outputs = outputs;
	l->kernel = kernel;
	return l;
}

static int read_tensor(const struct network *n, const struct weights *file, const char *name,
		       const int64_t shape[4], float *values)
{
	char full[96];

	snprintf(full, sizeof full, "%s%s", n->prefix, name);
	return weights_tensor(file, full, 4, shape, values);
}

/* The transpose of a 3x3 convolution: channels exchanged, kernel mirrored.  read: inputs x outputs x 3 x 3. */
static void transpose(size_t outputs, size_t inputs, const float *read, float *out)
{
	for (size_t o = 0; o < outputs; o++)
		for (size_t i = 0; i < inputs; i++)
			for (size_t k = 0; k < 9; k++)
				out[(o * inputs + i) * 9 + k] = read[(i * outputs + o) * 9 + 8 - k];
}

/* Reads the tensor outputs x inputs x k x k, padded with zeros for channels that are only stored. For the adjoint, 3x3
 * kernels are transposed; the caller passes the name of the down kernel for up and the reverse. The caller frees *kernel. */
static int read_kernel(const struct network *n, const struct weights *file, const char *name,
		       const struct layer *l, int outputs, int inputs, float **kernel)
{
	const struct lacuna_host *host = n->onednn.host;
	const size_t k = (size_t)l->kernel * (size_t)l->kernel, plain = (size_t)inputs * k;
	const size_t padded = (size_t)l->inputs * k;
	const int turn = is_adjoint(n) && l->kernel == 3;
	const int64_t shape[4] = { turn ? inputs : outputs, turn ? outputs : inputs, l->kernel,
				   l->kernel };
	float *read = host->alloc(host, (size_t)outputs * plain * sizeof *read);
	float *turned = turn ? host->alloc(host, (size_t)outputs * plain * sizeof *read) : read;
	float *out = host->alloc(host, (size_t)l->outputs * padded * sizeof *out);
	int status =
		!read || !turned || !out ? LACUNA_ENOMEM : read_tensor(n, file, name, shape, read);

	if (!status && turn)
		transpose((size_t)outputs, (size_t)inputs, read, turned);
	for (size_t o = 0; !status && o < (size_t)outputs; o++)
		memcpy(out + o * padded, turned + o * plain, plain * sizeof *read);
	if (turn)
		host->release(host, turned);
	host->release(host, read);
	*kernel = out;
	return status;
}

/* The weights of convolution k of a layer, if another network has them in the same layout. */
static int borrow(const struct network *n, struct layer *l, int k)
{
	return n->like && conv_borrow(&n->like->layer[l - n->layer].conv[k], &l->conv[k]);
}

static int finish_conv(struct network *n, struct layer *l, const struct weights *file,
		       const char *name, int outputs, int inputs)
{
	const int width = (int)n->stage[n->stages - 1].width, chain = l->kernel == 3;
	const struct conv_shape s = { .inputs = l->inputs,
				      .outputs = l->outputs,
				      .kernel = l->kernel,
				      .stride = chain ? 1 : 2,
				      .height = chain ? CALL_ROWS + 2 : 2,
				      .width = chain ? width : 2 * width,
				      .side = chain,
				      .relu = l->relu && n->kind == NETWORK_PLAIN,
				      .leak = (float)n->leak,
				      .sum = l->sum,
				      .single = l->single };
	float *weights;
	int status = conv_create(&n->onednn, &s, &l->conv[0]);

	if (status || borrow(n, l, 0))
		return status;
	status = read_kernel(n, file, name, l, outputs, inputs, &weights);
	if (!status)
		status = conv_pack(&n->onednn, &s, weights, &l->conv[0]);
	n->onednn.host->release(n->onednn.host, weights);
	return status;
}

/* The weights of one row of a transposed 2x2 convolution of stride 2; in the file inputs x outputs x 2 x 2. */
static int pack_up(struct network *n, struct layer *l, const struct conv_shape *s,
		   const struct weights *file, const char *name, int outputs, int inputs, int row)
{
	const struct lacuna_host *host = n->onednn.host;
	const int64_t shape[4] = { inputs, outputs, 2, 2 };
	const size_t in = (size_t)l->inputs, half = (size_t)l->outputs / 2;
	float *read = host->alloc(host, (size_t)inputs * (size_t)outputs * 4 * sizeof *read);
	float *pair = host->alloc(host, in * half * 2 * sizeof *pair);
	int status = !read || !pair ? LACUNA_ENOMEM : read_tensor(n, file, name, shape, read);

	for (size_t i = 0; i < (size_t)inputs && !status; i++)
		for (size_t o = 0; o < (size_t)outputs; o++)
			for (size_t column = 0; column < 2; column++)
				pair[(column * half + o) * in + i] =
					read[((i * (size_t)outputs + o) * 2 + (size_t)row) * 2 +
					     column];
	if (!status)
		status = conv_pack(&n->onednn, s, pair, &l->conv[row]);
	host->release(host, pair);
	host->release(host, read);
	return status;
}

static int finish_up(struct network *n, struct layer *l, const struct weights *file,
		     const char *name, int outputs, int inputs)
{
	const struct conv_shape s = { .inputs = l->inputs,
				      .outputs = l->outputs,
				      .kernel = 1,
				      .stride = 1,
				      .height = 1,
				      .width = (int)n->stage[n->stages - 1].width / 2,
				      .sum = 1 };
	int status = LACUNA_OK;

	for (int row = 0; row < 2 && !status; row++) {
		status = conv_create(&n->onednn, &s, &l->conv[row]);
		if (!status && !borrow(n, l, row))
			status = pack_up(n, l, &s, file, name, outputs, inputs, row);
	}
	return status;
}

static int all_blocks(const struct network *n)
{
	int all = 0;

	for (int l = 0; l < n->levels; l++)
		all += blocks_of(n, l);
	return all;
}

static int add_blocks(struct network *n, const struct weights *file, const char *side, int level)
{
	const int c = n->width[level], count = n->blocks[level];
	char name[64];
	int status = LACUNA_OK;

	for (int i = 0; i < count && !status; i++) {
		const int b = is_adjoint(n) ? count - 1 - i : i;
		struct layer *l = add_layer(n, stored(c), stored(c), 3);

		l->relu = 1;
		l->rectifier = is_adjoint(n) ? all_blocks(n) - 1 - n->rectifiers : n->rectifiers;
		n->rectifiers++;
		snprintf(name, sizeof name, "%s.%d.%c.weight", side, b, is_adjoint(n) ? 'b' : 'a');
		status = finish_conv(n, l, file, name, c, c);
		if (status)
			break;
		l = add_layer(n, stored(c), stored(c), 3);
		l->sum = 1;
		snprintf(name, sizeof name, "%s.%d.%c.weight", side, b, is_adjoint(n) ? 'a' : 'b');
		status = finish_conv(n, l, file, name, c, c);
	}
	return status;
}

static int add_up(struct network *n, const struct weights *file, int level)
{
	const int *width = n->width;
	char name[64];
	struct layer *l;

	add_stage(n, ENTER_UP, level, result_of(n, level + 1), 2 * n->blocks[level] + !level);
	snprintf(name, sizeof name, "%s.%d.weight", is_adjoint(n) ? "down" : "up", level);
	l = add_layer(n, stored(width[level + 1]), 2 * stored(width[level]), 1);
	return finish_up(n, l, file, name, width[level], width[level + 1]);
}

static int add_down(struct network *n, const struct weights *file, int level)
{
	const int *width = n->width;
	char name[64];
	struct layer *l;

	add_stage(n, ENTER_DOWN, level, level - 1, 2 * n->blocks[level]);
	snprintf(name, sizeof name, "%s.%d.weight", is_adjoint(n) ? "up" : "down", level - 1);
	l = add_layer(n, stored(width[level - 1]), stored(width[level]), 2);
	return finish_conv(n, l, file, name, width[level], width[level - 1]);
}

int network_load(struct network *n, const struct weights *file, const struct network *like,
		 int64_t w, int64_t h)
{
	const int *width = n->width, bottom = n->levels - 1;
	const char *first = is_adjoint(n) ? "tail" : "head",
		   *last = is_adjoint(n) ? "head" : "tail";
	const char *before = is_adjoint(n) ? "dec" : "enc", *after = is_adjoint(n) ? "enc" : "dec";
	char name[64];
	struct layer *l;
	int status, k;

	n->w = w;
	n->h = h;
	n->like = like;
	add_stage(n, ENTER_FEATURES, 0, BUFFER_T, 1 + 2 * n->blocks[0] + !bottom);
	snprintf(name, sizeof name, "%s.weight", first);
	status = finish_conv(n, add_layer(n, stored(n->inputs), stored(width[0]), 3), file, name,
			     width[0], n->inputs);
	for (k = 0; k < bottom && !status; k++) {
		snprintf(name, sizeof name, "%s.%d", before, k);
		status = add_blocks(n, file, name, k);
		if (!status)
			status = add_down(n, file, k + 1);
	}
	if (!status)
		status = add_blocks(n, file, "mid", bottom);
	for (k = bottom - 1; k >= 0 && !status; k--) {
		status = add_up(n, file, k);
		snprintf(name, sizeof name, "%s.%d", after, k);
		if (!status)
			status = add_blocks(n, file, name, k);
	}
	if (status)
		return status;
	l = add_layer(n, stored(width[0]), stored(n->outputs), 3);
	l->single = 1;
	snprintf(name, sizeof name, "%s.weight", last);
	return finish_conv(n, l, file, name, n->outputs, width[0]);
}

void network_destroy(struct network *n)
{
	for (int i = 0; i < n->layers; i++)
		for (int k = 0; k < 2; k++)
			conv_destroy(&n->onednn, &n->layer[i].conv[k]);
	onednn_destroy(&n->onednn);
}
