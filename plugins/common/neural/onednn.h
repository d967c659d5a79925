/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Convolutions on oneDNN, one interface for its C API of versions 2 and 3, which differ.
 *
 * Activations are nhwc.  So a run of rows is contiguous, a layer may be executed on strips of its rows, and the
 * strips go to the host's threads: nothing is computed twice, and since the strips depend on the shape alone the bits
 * do not depend on the number of threads.  oneDNN's own threads (OpenMP) are switched off around each call. */
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
	size_t scratch;
};

/* True when bfloat16 is a matter of the processor's own instructions. */
int onednn_has_bf16(void);

int onednn_create(const struct lacuna_host *, int bf16, struct onednn *);
void onednn_destroy(struct onednn *); /* accepts a zeroed structure */

/* weights: outputs x inputs x kernel x kernel. */
int conv_create(const struct onednn *, const struct conv_shape *, const float *weights,
		struct conv *);
void conv_destroy(const struct onednn *, struct conv *); /* accepts a zeroed structure */

/* A convolution with one caller's scratch, to be run time and again, concurrently with others: at least conv->scratch bytes,
 * 64-byte aligned. */
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
