/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A U-Net of residual blocks without biases (the form of DRUNet) as a sequence of convolutions: their weights, what each
 * reads and where its result goes. common/neural/pipeline.h runs it.
 *
 * Its adjoint, the transpose of its derivative, is a network of the same form: up and down are exchanged, the layers are
 * in reverse order, the 3x3 kernels are mirrored with their channels exchanged, and a rectifier is replaced by its
 * derivative.  Derivatives are computed with networks without rectifiers; the pipeline does what belongs in their place.
 *
 * A pixel of level l of the U-Net has a side of 2^(l+1) pixels of the image. A stage is the change to a level, followed
 * by all layers at that level. */
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
	CALL_ROWS = 8 /* rows in a call: fewer need more calls, more do not fit the cache */
};

/* Buffers for results. 0..LEVELS_MOST-1: of the stage going down to that level, kept for the one going up. BUFFER_T and
 * the next, in turn: of stages going up; the first also holds the averages for the features. BUFFER_IMAGE: the image. */
enum { BUFFER_T = LEVELS_MOST, BUFFERS = BUFFER_T + 2, BUFFER_IMAGE };

struct layer {
	int inputs, outputs, kernel; /* channels as stored */
	int relu, sum, single;
	int rectifier;	     /* its number, if relu; the same in the adjoint */
	struct conv conv[2]; /* [1]: for odd rows, going up */
};

/* How a stage gets the input of its first layer. The value is the number of convolutions for that. */
enum entrance {
	ENTER_FEATURES, /* from features of the image */
	ENTER_DOWN,	/* 2x2 convolution of stride 2, from the level above */
	ENTER_UP /* its transpose, from the level below, plus buffer `level': two 1x1 convolutions from one pixel to two */
};

/* 3x3 convolutions at one level, each applied to the result of the one before. */
struct stage {
	enum entrance entrance; /* its convolution is the layer before `first' */
	int level;
	int from, to;	  /* buffers */
	int first, count; /* layers */
	int64_t width;	  /* of the strips that the convolutions work on */
};

enum network_kind {
	NETWORK_PLAIN,
	NETWORK_LINEAR, /* without rectifiers */
	NETWORK_ADJOINT /* of the linear network */
};

struct network {
	struct onednn onednn;
	enum network_kind kind;
	int inputs, outputs; /* channels of the network */
	int levels;
	int width[LEVELS_MOST],
		blocks[LEVELS_MOST]; /* of each level: channels; blocks going down, and as many going up */
	double leak;
	char prefix[32];	    /* of the names of the tensors */
	int64_t w, h;		    /* of the tiles: pixels of the image, multiples of 2^levels */
	const struct network *like; /* lends weights, or NULL */
	struct layer layer[LAYERS_MOST];
	struct stage stage[STAGES_MOST];
	int layers, stages, rectifiers;
};

/* Reads the architecture: widths, blocks and leak of the file's header. inputs, outputs: channels; those of an adjoint are
 * exchanged. expert: number of the network, for a file with several of one architecture; the general one is -1. */
int network_create(const struct lacuna_host *, const struct weights *, const char *path, int inputs,
		   int outputs, int bf16, int expert, enum network_kind, struct network *);
void network_destroy(struct network *); /* accepts a zeroed structure */

/* Radius of the receptive field, in pixels of the image. */
int64_t network_reach(const struct network *);
/* Bytes of a value between layers. */
size_t network_value_size(const struct network *);
/* Bytes of a buffer for a block of 2^levels x 2^levels pixels of the image. */
size_t network_block_bytes(const struct network *, int buffer);
/* Bytes of the signs of all rectifiers for such a block, one bit for each value. */
size_t network_sign_bytes(const struct network *);

/* Makes the layers, for tiles of w x h pixels of the image. like: NULL, or a loaded network that differs in its kind at most
 * and lives longer: the weights that both pack in the same way are kept only once. */
int network_load(struct network *, const struct weights *, const struct network *like, int64_t w,
		 int64_t h);

static inline int64_t network_level_width(const struct network *n, int level)
{
	return n->w >> (level + 1);
}

static inline int64_t network_level_height(const struct network *n, int level)
{
	return n->h >> (level + 1);
}

#endif
