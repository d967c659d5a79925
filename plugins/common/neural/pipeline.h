/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Runs a network on a tile of an image, stage by stage.  The threads take pieces of a stage, and go down a piece a few rows at
 * a time through all its convolutions, so that what is between them stays in the cache.
 *
 * The derivative, transposed, takes two passes over a tile: one forward, which leaves behind the signs of what the rectifiers
 * have seen, a bit for each value, and one of the adjoint network, which reads them.  Nothing else of the network is needed,
 * since all the rest is linear. */
#ifndef COMMON_PIPELINE_H
#define COMMON_PIPELINE_H

#include "common/neural/network.h"
#include "common/neural/precondition.h"
#include "common/neural/tiles.h"

enum pass {
	PASS_PLAIN,
	PASS_FORWARD, /* leaves signs and averages, and no image */
	PASS_REVERSE  /* of the adjoint network */
};

/* How a stage is run. */
struct stage_plan {
	struct tiles columns; /* of pieces */
	int64_t rows;
	/* In a unit's own scratch: what layer k reads, or the result; rows that are kept there from one time to the next,
	 * 0 where they are among another's; what the entrance, the way out and the convolutions ask for. */
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
	size_t averages, gradients; /* of what both passes of a derivative share */
	size_t signs[RECTIFIERS_MOST];
	size_t taken;		 /* offset: which pieces somebody works on */
	size_t unit, unit_bytes; /* offset and size of the units' own scratch */
	int units;		 /* of work that may go on at the same time */
	size_t bytes;		 /* of scratch in all */
};

/* Bytes that a tile takes for each block of 2^levels x 2^levels pixels; the units' own come on top. */
size_t pipeline_block_bytes(const struct precondition *, const struct network *, enum pass);

/* For a network that has its layers; fewer units when the budget asks for it.  Both passes of a derivative, of networks with
 * layers for the same tiles, work in one scratch. */
void pipeline_plan(const struct precondition *, const struct network *, enum pass, size_t budget,
		   struct pipeline *);

/* scratch: 64-byte aligned; from a forward pass to its reverse pass it stays as it is. */
int pipeline_run(const struct pipeline *, void *scratch, const struct tile *);

#endif
