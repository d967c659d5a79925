/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/neural/onednn.h"
#include <string.h>

/* oneDNN starts its own OpenMP threads, which would remain when a call returns. If it was built with OpenMP (gomp, iomp)
 * it loads that library; otherwise these references are NULL. */
extern void omp_set_num_threads(int) __attribute__((weak));
extern int omp_get_max_threads(void) __attribute__((weak));

static int single_thread_begin(void)
{
	int before = omp_get_max_threads ? omp_get_max_threads() : 1;

	if (omp_set_num_threads)
		omp_set_num_threads(1);
	return before;
}

static void single_thread_end(int before)
{
	if (omp_set_num_threads)
		omp_set_num_threads(before);
}

static int failed(const struct lacuna_host *host, dnnl_status_t status, const char *what)
{
	return host->fail(host,
			  status == dnnl_out_of_memory	 ? LACUNA_ENOMEM
			  : status == dnnl_unimplemented ? LACUNA_EUNSUPPORTED
							 : LACUNA_EINTERNAL,
			  "oneDNN: %s failed with status %d", what, (int)status);
}

/* ---- what differs between version 2 and 3 ------------------------------------------------------------ */

#if DNNL_VERSION_MAJOR < 3

typedef dnnl_memory_desc_t layout; /* a structure */
typedef const dnnl_memory_desc_t *layout_ref;
#define REF(l) (&(l))

static dnnl_status_t layout_create(layout *l, const dnnl_dims_t dims, dnnl_data_type_t type,
				   dnnl_format_tag_t tag)
{
	return dnnl_memory_desc_init_by_tag(l, 4, dims, type, tag);
}

static void layout_destroy(layout *l)
{
	(void)l;
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
	return dnnl_post_ops_append_sum(ops, 1);
}

static dnnl_status_t append_relu(dnnl_post_ops_t ops, float leak)
{
	return dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, leak, 0);
}

static dnnl_status_t describe(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, layout_ref src,
			      layout_ref weights, layout_ref dst, const dnnl_dims_t stride,
			      const dnnl_dims_t before, const dnnl_dims_t after,
			      const_dnnl_primitive_attr_t attributes)
{
	dnnl_convolution_desc_t c;
	dnnl_status_t status;

	status = dnnl_convolution_forward_desc_init(&c, dnnl_forward_inference,
						    dnnl_convolution_direct, src, weights, NULL,
						    dst, stride, before, after);
	return status ? status : dnnl_primitive_desc_create(desc, &c, attributes, engine, NULL);
}

#else

typedef dnnl_memory_desc_t layout; /* a handle */
typedef const_dnnl_memory_desc_t layout_ref;
#define REF(l) (l)

static dnnl_status_t layout_create(layout *l, const dnnl_dims_t dims, dnnl_data_type_t type,
				   dnnl_format_tag_t tag)
{
	return dnnl_memory_desc_create_with_tag(l, 4, dims, type, tag);
}

static void layout_destroy(layout *l)
{
	if (*l)
		dnnl_memory_desc_destroy(*l);
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
	return dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
}

static dnnl_status_t append_relu(dnnl_post_ops_t ops, float leak)
{
	return dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, leak, 0);
}

static dnnl_status_t describe(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, layout_ref src,
			      layout_ref weights, layout_ref dst, const dnnl_dims_t stride,
			      const dnnl_dims_t before, const dnnl_dims_t after,
			      const_dnnl_primitive_attr_t attributes)
{
	const dnnl_dims_t none = { 0 };

	return dnnl_convolution_forward_primitive_desc_create(
		desc, engine, dnnl_forward_inference, dnnl_convolution_direct, src, weights, NULL,
		dst, stride, none, before, after, attributes);
}

#endif

/* ---- the rest is the same ---------------------------------------------------------------------------- */

int onednn_has_bf16(void)
{
	int isa = (int)dnnl_get_effective_cpu_isa();
	int wanted = (int)dnnl_cpu_isa_avx512_core_bf16;

	return (isa & wanted) == wanted;
}

int onednn_create(const struct lacuna_host *host, int bf16, struct onednn *o)
{
	dnnl_status_t status = dnnl_engine_create(&o->engine, dnnl_cpu, 0);

	if (status)
		return failed(host, status, "creating the engine");
	o->host = host;
	o->bf16 = bf16;
	return LACUNA_OK;
}

void onednn_destroy(struct onednn *o)
{
	if (o->engine)
		dnnl_engine_destroy(o->engine);
	o->engine = NULL;
}

static dnnl_status_t attributes_create(dnnl_primitive_attr_t *a, const struct conv_shape *s)
{
	dnnl_post_ops_t ops = NULL;
	dnnl_status_t status;

	*a = NULL;
	status = dnnl_primitive_attr_create(a);
	if (!status) /* the caller's scratch, so that calls may be concurrent */
		status = dnnl_primitive_attr_set_scratchpad_mode(*a, dnnl_scratchpad_mode_user);
	if (!status)
		status = dnnl_post_ops_create(&ops);
	if (!status && s->sum)
		status = append_sum(ops);
	if (!status && s->relu)
		status = append_relu(ops, s->leak);
	if (!status)
		status = dnnl_primitive_attr_set_post_ops(*a, ops);
	if (ops)
		dnnl_post_ops_destroy(ops);
	return status;
}

static dnnl_status_t desc_create(const struct onednn *o, const struct conv_shape *s,
				 dnnl_primitive_desc_t *desc)
{
	const int height = (s->height + s->top + s->bottom - s->kernel) / s->stride + 1;
	const int width = (s->width + 2 * s->side - s->kernel) / s->stride + 1;
	const dnnl_dims_t in = { 1, s->inputs, s->height, s->width };
	const dnnl_dims_t out = { 1, s->outputs, height, width };
	const dnnl_dims_t kernel = { s->outputs, s->inputs, s->kernel, s->kernel };
	const dnnl_dims_t stride = { s->stride, s->stride };
	const dnnl_dims_t before = { s->top, s->side }, after = { s->bottom, s->side };
	const dnnl_data_type_t type = o->bf16 ? dnnl_bf16 : dnnl_f32;
	layout src, weights, dst;
	dnnl_primitive_attr_t attributes;
	dnnl_status_t status;

	memset(&src, 0, sizeof src);
	memset(&weights, 0, sizeof weights);
	memset(&dst, 0, sizeof dst);
	status = attributes_create(&attributes, s);
	if (!status)
		status = layout_create(&src, in, type, dnnl_nhwc);
	if (!status)
		status = layout_create(&weights, kernel, type, dnnl_format_tag_any);
	if (!status)
		status = layout_create(&dst, out, s->single ? dnnl_f32 : type, dnnl_nhwc);
	if (!status)
		status = describe(desc, o->engine, REF(src), REF(weights), REF(dst), stride, before,
				  after, attributes);
	layout_destroy(&dst);
	layout_destroy(&weights);
	layout_destroy(&src);
	if (attributes)
		dnnl_primitive_attr_destroy(attributes);
	return status;
}

static dnnl_status_t run(const struct onednn *o, const_dnnl_primitive_t primitive, int n,
			 const dnnl_exec_arg_t *arguments)
{
	dnnl_stream_t stream = NULL;
	dnnl_status_t status = dnnl_stream_create(&stream, o->engine, dnnl_stream_default_flags);

	if (!status)
		status = dnnl_primitive_execute(primitive, stream, n, arguments);
	if (!status)
		status = dnnl_stream_wait(stream);
	if (stream)
		dnnl_stream_destroy(stream);
	return status;
}

/* Packs the weights into the layout that the primitive wants. */
static dnnl_status_t pack(const struct onednn *o, const struct conv_shape *s, const float *weights,
			  struct conv *c)
{
	const dnnl_dims_t kernel = { s->outputs, s->inputs, s->kernel, s->kernel };
	layout_ref wanted = dnnl_primitive_desc_query_md(c->desc, dnnl_query_weights_md, 0);
	dnnl_exec_arg_t arguments[2] = { { DNNL_ARG_FROM, NULL }, { DNNL_ARG_TO, NULL } };
	dnnl_primitive_desc_t desc = NULL;
	dnnl_primitive_t reorder = NULL;
	layout plain;
	dnnl_status_t status;

	memset(&plain, 0, sizeof plain);
	status = layout_create(&plain, kernel, dnnl_f32, dnnl_oihw);
	if (!status)
		status = dnnl_reorder_primitive_desc_create(&desc, REF(plain), o->engine, wanted,
							    o->engine, NULL);
	if (!status)
		status = dnnl_primitive_create(&reorder, desc);
	if (!status) /* the handle is not const, but the reorder only reads it */
		status = dnnl_memory_create(&arguments[0].memory, REF(plain), o->engine,
					    (void *)(uintptr_t)weights);
	if (!status)
		status = dnnl_memory_create(&arguments[1].memory, wanted, o->engine, c->weights);
	if (!status)
		status = run(o, reorder, 2, arguments);
	for (int i = 0; i < 2; i++)
		if (arguments[i].memory)
			dnnl_memory_destroy(arguments[i].memory);
	if (reorder)
		dnnl_primitive_destroy(reorder);
	if (desc)
		dnnl_primitive_desc_destroy(desc);
	layout_destroy(&plain);
	return status;
}

int conv_create(const struct onednn *o, const struct conv_shape *s, struct conv *c)
{
	const int threads = single_thread_begin();
	dnnl_status_t status;

	memset(c, 0, sizeof *c);
	status = desc_create(o, s, &c->desc);
	if (!status)
		status = dnnl_primitive_create(&c->primitive, c->desc);
	if (status)
		conv_destroy(o, c);
	else
		c->scratch = dnnl_memory_desc_get_size(
			dnnl_primitive_desc_query_md(c->desc, dnnl_query_scratchpad_md, 0));
	single_thread_end(threads);
	return status ? failed(o->host, status, "creating a convolution") : LACUNA_OK;
}

static layout_ref weights_layout(const struct conv *c)
{
	return dnnl_primitive_desc_query_md(c->desc, dnnl_query_weights_md, 0);
}

int conv_pack(const struct onednn *o, const struct conv_shape *s, const float *weights,
	      struct conv *c)
{
	int threads;
	dnnl_status_t status;

	c->weights = o->host->alloc(o->host, dnnl_memory_desc_get_size(weights_layout(c)));
	if (!c->weights)
		return LACUNA_ENOMEM;
	threads = single_thread_begin();
	status = pack(o, s, weights, c);
	single_thread_end(threads);
	return status ? failed(o->host, status, "packing weights") : LACUNA_OK;
}

int conv_borrow(const struct conv *from, struct conv *c)
{
	if (!from->weights || !dnnl_memory_desc_equal(weights_layout(from), weights_layout(c)))
		return 0;
	c->weights = from->weights;
	c->borrowed = 1;
	return 1;
}

void conv_destroy(const struct onednn *o, struct conv *c)
{
	if (c->primitive)
		dnnl_primitive_destroy(c->primitive);
	if (c->desc)
		dnnl_primitive_desc_destroy(c->desc);
	if (!c->borrowed)
		o->host->release(o->host, c->weights);
	memset(c, 0, sizeof *c);
}

int conv_bind(const struct onednn *o, const struct conv *c, void *scratch, struct conv_call *call)
{
	static const struct {
		dnnl_query_t query;
		int argument;
	} role[4] = { { dnnl_query_src_md, DNNL_ARG_SRC },
		      { dnnl_query_dst_md, DNNL_ARG_DST },
		      { dnnl_query_weights_md, DNNL_ARG_WEIGHTS },
		      { dnnl_query_scratchpad_md, DNNL_ARG_SCRATCHPAD } };
	void *handle[4] = { DNNL_MEMORY_NONE, DNNL_MEMORY_NONE, c->weights, scratch };
	const int n = c->scratch ? 4 : 3;
	dnnl_status_t status;

	memset(call, 0, sizeof *call);
	call->primitive = c->primitive;
	status = dnnl_stream_create(&call->stream, o->engine, dnnl_stream_default_flags);
	for (int i = 0; i < n && !status; i++) {
		call->arguments[i].arg = role[i].argument;
		status = dnnl_memory_create(&call->arguments[i].memory,
					    dnnl_primitive_desc_query_md(c->desc, role[i].query, 0),
					    o->engine, handle[i]);
		call->count += !status;
	}
	if (!status)
		return LACUNA_OK;
	conv_unbind(call);
	return failed(o->host, status, "binding a convolution");
}

int conv_run(const struct onednn *o, const struct conv_call *call, const void *src, void *dst)
{
	int threads = single_thread_begin();
	/* the handle is not const, but the source is only read */
	dnnl_status_t status =
		dnnl_memory_set_data_handle(call->arguments[0].memory, (void *)(uintptr_t)src);

	if (!status)
		status = dnnl_memory_set_data_handle(call->arguments[1].memory, dst);
	if (!status)
		status = dnnl_primitive_execute(call->primitive, call->stream, call->count,
						call->arguments);
	if (!status)
		status = dnnl_stream_wait(call->stream);
	single_thread_end(threads);
	return status ? failed(o->host, status, "a convolution") : LACUNA_OK;
}

void conv_unbind(struct conv_call *call)
{
	for (int i = 0; i < call->count; i++)
		dnnl_memory_destroy(call->arguments[i].memory);
	if (call->stream)
		dnnl_stream_destroy(call->stream);
	memset(call, 0, sizeof *call);
}
