/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Convolutions by oneDNN: one interface for the C APIs of versions 2 and 3.
 *
 * Activations are nhwc, so adjacent rows are contiguous and a layer can run on strips of rows in the host's threads. The
 * strips depend only on the shape, so results do not depend on the number of threads, to the bit. oneDNN's own threads
 * (OpenMP) are switched off during each call. */
#ifndef COMMON_ONEDNN_H
#define COMMON_ONEDNN_H

#include <lacuna/plugin.h>
#include <oneapi/dnnl/dnnl.h>

struct conv_shape {
	int inputs, outputs; /* channels, as stored */
	int kernel, stride;
	int height, width; /* of the input strip */
	int top, bottom;   /* rows of zeros above and below it; left and right: `side' */
	int side;
	int relu;   /* dst = max(c, leak c), c = conv(src) */
	float leak; /* 0 to 1 */
	int sum;    /* dst += conv(src) */
	int single; /* dst is float, whatever the precision */
};

struct onednn {
	const struct lacuna_host *host;
	dnnl_engine_t engine;
	int bf16;
};

/* One primitive with its packed weights. */
struct conv {
	dnnl_primitive_t primitive;
	dnnl_primitive_desc_t desc;
	void *weights;
	int borrowed; /* the weights are another convolution's */
	size_t scratch;
};

/* True if the processor has instructions for bfloat16. */
int onednn_has_bf16(void);

int onednn_create(const struct lacuna_host *, int bf16, struct onednn *);
void onednn_destroy(struct onednn *); /* accepts a zeroed structure */

/* Makes a convolution that still lacks its weights: conv_pack() or conv_borrow() comes next. */
int conv_create(const struct onednn *, const struct conv_shape *, struct conv *);
/* Packs weights, outputs x inputs x kernel x kernel, into the layout that the primitive wants. */
int conv_pack(const struct onednn *, const struct conv_shape *, const float *weights,
	      struct conv *);
/* Uses the weights of another convolution, which must be the same and must live longer. False if it has them in another
 * layout. */
int conv_borrow(const struct conv *from, struct conv *);
void conv_destroy(const struct onednn *, struct conv *); /* accepts a zeroed structure */

/* A convolution bound to one caller's scratch of at least conv->scratch bytes, 64-byte aligned. It can be run repeatedly,
 * concurrently with others. */
struct conv_call {
	dnnl_primitive_t primitive;
	dnnl_stream_t stream;
	int count;
	dnnl_exec_arg_t arguments[4];
};

int conv_bind(const struct onednn *, const struct conv *, void *scratch, struct conv_call *);
int conv_run(const struct onednn *, const struct conv_call *, const void *src, void *dst);
void conv_unbind(struct conv_call *); /* accepts a zeroed structure */

#endif
