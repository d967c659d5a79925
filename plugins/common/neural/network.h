/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A U-Net of residual blocks without biases (DRUNet's form) as a sequence of convolutions with their weights: which there are,
 * what each reads and where the result belongs.  common/neural/pipeline.h runs it.
 *
 * Its adjoint, the transpose of its derivative, is a network of the same form: what went up goes down, the layers in reverse
 * order, the 3x3 kernels mirrored and their channels exchanged; in place of a rectifier stands what that rectifier let through.
 *
 * Level l of the U-Net has 2^(l+1) pixels of the image to a side of its own.  A stage is all that happens at one level,
 * with the change to that level before it. */
#ifndef COMMON_NETWORK_H
#define COMMON_NETWORK_H

#include "common/neural/onednn.h"
#include "common/neural/weights.h"

enum {
	LEVELS_MOST = 6,
	BLOCKS_MOST = 8,
	LAYERS_MOST = 2 + 2 * LEVELS_MOST + 4 * LEVELS_MOST * BLOCKS_MOST,
	STAGES_MOST = 2 * LEVELS_MOST,
	CHAIN_MOST = 2 * BLOCKS_MOST + 2,
	RECTIFIERS_MOST = 2 * LEVELS_MOST * BLOCKS_MOST,
	CALL_ROWS = 8 /* of a convolution's call: fewer cost calls, more do not fit the cache */
};

/* Where a stage's result goes: x[level], that of the stage going down, kept for the one going up; two buffers in turn for
 * what goes up; the image itself.  The features are made of averages in the first of the two. */
enum { BUFFER_T = LEVELS_MOST, BUFFERS = BUFFER_T + 2, BUFFER_IMAGE };

struct layer {
	int inputs, outputs, kernel; /* channels as they are stored */
	int relu, sum, single;
	int rectifier; /* its number, if relu: the adjoint's layers have those that they stand for */
	struct conv conv[2]; /* the second: odd rows of what goes up */
};

/* How a stage gets what its first layer reads; as a number, how many convolutions that takes. */
enum entrance {
	ENTER_FEATURES, /* of the image */
	ENTER_DOWN,	/* 2x2 convolution of stride 2, from the level above */
	ENTER_UP /* its transpose, from the level below, plus x[level]: two 1x1 convolutions from one pixel to two */
};

/* 3x3 convolutions of one level, each of the result of the one before. */
struct stage {
	enum entrance entrance; /* its convolution is the layer before the first */
	int level;
	int from, to;	  /* buffers */
	int first, count; /* layers */
	int64_t width;	  /* of what the convolutions work on at once */
};

struct network {
	struct onednn onednn;
	int adjoint;
	int inputs, outputs; /* channels of the network */
	int levels;
	int width[LEVELS_MOST],
		blocks[LEVELS_MOST]; /* of the levels: channels; blocks, each side */
	double leak;
	char prefix[32]; /* of the names of its tensors */
	int64_t w, h;	 /* of the tiles: pixels of the image, multiples of 2^levels */
	struct layer layer[LAYERS_MOST];
	struct stage stage[STAGES_MOST];
	int layers, stages, rectifiers;
};

/* The architecture: widths, blocks and leak of the file's header.  inputs, outputs: channels.  expert: a file may hold
 * several networks of one architecture; the general one is number -1.  adjoint: of that network, with its outputs as inputs. */
int network_create(const struct lacuna_host *, const struct weights *, const char *path, int inputs,
		   int outputs, int bf16, int expert, int adjoint, struct network *);
void network_destroy(struct network *); /* accepts a zeroed structure */

/* How far a pixel of the result looks, in pixels of the image. */
int64_t network_reach(const struct network *);
/* Bytes of a value between layers. */
size_t network_value_size(const struct network *);
/* Bytes of a buffer for a block of 2^levels x 2^levels pixels of the image. */
size_t network_block_bytes(const struct network *, int buffer);
/* Bytes of all rectifiers' signs for such a block, a bit for each value. */
size_t network_sign_bytes(const struct network *);

/* The layers, for tiles of w x h. */
int network_load(struct network *, const struct weights *, int64_t w, int64_t h);

static inline int64_t network_level_width(const struct network *n, int level)
{
	return n->w >> (level + 1);
}

static inline int64_t network_level_height(const struct network *n, int level)
{
	return n->h >> (level + 1);
}

#endif
