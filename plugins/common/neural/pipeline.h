/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Runs a network on a tile of an image, stage by stage. The threads take pieces of a stage. A thread goes down a piece a
 * few rows at a time, through all convolutions of the stage, so that intermediate results stay in the cache.
 *
 * A derivative takes two passes over a tile. The forward pass keeps the signs of the rectifiers' inputs, one bit for each
 * value. Another pass reads them: of the linear network for the derivative along a direction, of the adjoint network for
 * the transposed one. Nothing else need be kept, since the rest of the network is linear. */
#ifndef COMMON_PIPELINE_H
#define COMMON_PIPELINE_H

#include "common/neural/network.h"
#include "common/neural/precondition.h"
#include "common/neural/tiles.h"

enum pass {
	PASS_PLAIN,
	PASS_FORWARD, /* of the linear network: writes signs and averages, but no image */
	PASS_TANGENT, /* of the linear network */
	PASS_REVERSE  /* of the adjoint network */
};

/* The plan of a stage. */
struct stage_plan {
	struct tiles columns; /* of pieces */
	int64_t rows;
	/* Offsets in a unit's scratch. at[k]: input of layer k, or the result for k = count. keep[k]: rows kept there
	 * between calls, 0 if they are part of another buffer. Then scratch of the entrance, of the output and of the
	 * convolutions. */
	size_t at[CHAIN_MOST + 1];
	int keep[CHAIN_MOST + 1];
	size_t enter, leave, scratch;
};

struct pipeline {
	const struct precondition *precondition;
	const struct network *network;
	enum pass pass;
	struct stage_plan plan[STAGES_MOST];
	size_t at[BUFFERS];	    /* offsets of the buffers in the scratch */
	size_t averages, gradients; /* offsets of the data shared by both passes of a derivative */
	size_t signs[RECTIFIERS_MOST];
	size_t taken;		 /* offset of the flags of pieces that are taken */
	size_t unit, unit_bytes; /* offset and size of the units' scratch */
	int units;		 /* number of units, which may run concurrently */
	size_t bytes;		 /* of the whole scratch */
};

/* Bytes of a tile for each block of 2^levels x 2^levels pixels, without the units' scratch. */
size_t pipeline_block_bytes(const struct precondition *, const struct network *, enum pass);

/* Plans a pipeline for a network with its layers, with fewer units if the budget requires it. All passes of derivatives
 * use the same scratch; their networks must have layers for the same tiles. */
void pipeline_plan(const struct precondition *, const struct network *, enum pass, size_t budget,
		   struct pipeline *);

/* scratch is 64-byte aligned and must not change between a forward pass and the pass that reads its signs. */
int pipeline_run(const struct pipeline *, void *scratch, const struct tile *);

#endif
