/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The cost of an evaluation of the neural prior: processor seconds per megapixel (which do not depend on other programs);
 * GFLOP/s, compared with the best that oneDNN reaches in a 3x3 convolution of 64 channels whose data stay in the cache; and
 * the memory.  Then the same for its derivatives, vjp() and jvp(), compared with denoise() in single precision.
 * tools/train/bench.py times PyTorch.
 *
 *	bench-unet [SIZE ...]		sides of square images, default 512 1024
 */
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "common/neural/onednn.h"
#include "common/neural/weights.h"
#include "plugin/host.h"
#include "plugin/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LEVELS_MOST = 6 };

static struct host_context context;
static struct lacuna_host host;

/* CLOCK_PROCESS_CPUTIME_ID: of all threads together; it does not depend on other programs */
static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bench-unet: %s: %s\n", what, error_text());
	exit(1);
}

static void *need(size_t bytes)
{
	void *p = memory_alloc(bytes);

	if (!p)
		give_up("memory");
	return p;
}

/* Operations of the convolutions per pixel of the image; a multiplication and an addition count as two. */
static double operations(int colour)
{
	double width[LEVELS_MOST], blocks[LEVELS_MOST], channels, windows[4], f;
	char path[4096];
	struct weights *file;
	int levels, n, counts;

	if (host.data_path(&host,
			   colour ? "priors/photo-large-color.safetensors"
				  : "priors/photo-large-gray.safetensors",
			   path, sizeof path) ||
	    weights_open(&host, path, &file))
		give_up("weights");
	levels = weights_numbers(file, "widths", LEVELS_MOST, width);
	n = weights_numbers(file, "windows", 4, windows);
	counts = weights_numbers(file, "blocks", LEVELS_MOST, blocks);
	if (levels < 1 || n < 1 || counts < 1 ||
	    weights_numbers(file, "channels", 1, &channels) < 1)
		give_up(path);
	weights_close(file);
	f = 2 * 9 * 4 * channels * (3 + 4 * n - 1 + 1) * width[0] / 4;
	for (int l = 0; l < levels; l++) {
		const double pixels = 1 / (double)(4 << 2 * l);

		f += 2 * blocks[counts > 1 ? l : 0] * (l < levels - 1 ? 2 : 1) * 2 * 9 * width[l] *
		     width[l] * pixels;
		if (l < levels - 1) /* down and up */
			f += 2 * 2 * width[l] * width[l + 1] * pixels;
	}
	return f;
}

/* GFLOP/s of one thread. */
static double peak(int bf16)
{
	const struct conv_shape s = { .inputs = 64,
				      .outputs = 64,
				      .kernel = 3,
				      .stride = 1,
				      .height = 8,
				      .width = 256,
				      .top = 1,
				      .bottom = 1,
				      .side = 1 };
	const size_t bytes = (size_t)s.width * (size_t)s.height * 64 * sizeof(float);
	struct onednn o = { 0 };
	struct conv c;
	struct conv_call call;
	float *weights = need((size_t)64 * 64 * 9 * sizeof *weights);
	void *src = need(bytes), *dst = need(bytes), *scratch;
	double best = 1e9;

	if (onednn_create(&host, bf16, &o) || conv_create(&o, &s, &c) ||
	    conv_pack(&o, &s, weights, &c))
		give_up("peak");
	scratch = need(c.scratch + 1);
	if (conv_bind(&o, &c, scratch, &call))
		give_up("peak");
	for (int i = 0; i < 300; i++) {
		double t = now(CLOCK_MONOTONIC);

		if (conv_run(&o, &call, src, dst))
			give_up("peak");
		t = now(CLOCK_MONOTONIC) - t;
		best = t < best ? t : best;
	}
	conv_unbind(&call);
	conv_destroy(&o, &c);
	onednn_destroy(&o);
	memory_release(scratch);
	memory_release(dst);
	memory_release(src);
	memory_release(weights);
	return 2.0 * 9 * 64 * 64 * s.width * s.height / best * 1e-9;
}

/* Seconds of create() and of the best of five calls; bytes of scratch and of the instance. */
struct cost {
	double create, wall, processor;
	size_t bytes, instance;
};

/* flag: LACUNA_DERIVATIVE for vjp(), LACUNA_TANGENT for jvp(), 0 for denoise(). */
static struct cost cost_of(const char *spec, const struct lacuna_shape *shape, uint32_t flag,
			   const float *u, const float *v, float *out)
{
	struct lacuna_problem problem = {
		.size = sizeof problem, .flags = flag, .x = *shape, .y = *shape
	};
	const size_t before = memory_live_bytes();
	struct cost cost = { now(CLOCK_PROCESS_CPUTIME_ID), 1e9, 1e9, 0, 0 };
	struct plugin_use use;
	const struct lacuna_prior *p;
	void *self, *scratch;

	if (use_parse(LACUNA_PRIOR, spec, &use))
		give_up(spec);
	p = &use.plugin->u.prior;
	if (p->create(&host, use.config, &problem, &self))
		give_up(spec);
	cost.create = now(CLOCK_PROCESS_CPUTIME_ID) - cost.create;
	cost.bytes = p->scratch(self);
	cost.instance = memory_live_bytes() - before;
	scratch = need(cost.bytes);
	for (int i = 0; i < 5; i++) {
		double w = now(CLOCK_MONOTONIC), t = now(CLOCK_PROCESS_CPUTIME_ID);

		if (flag == LACUNA_DERIVATIVE ? p->vjp(self, scratch, 0.1, u, v, out)
		    : flag == LACUNA_TANGENT  ? p->jvp(self, scratch, 0.1, u, v, out)
					      : p->denoise(self, scratch, 0.1, u, out))
			give_up(spec);
		t = now(CLOCK_PROCESS_CPUTIME_ID) - t;
		w = now(CLOCK_MONOTONIC) - w;
		cost.processor = t < cost.processor ? t : cost.processor;
		cost.wall = w < cost.wall ? w : cost.wall;
	}
	memory_release(scratch);
	p->destroy(self);
	use_free(&use);
	return cost;
}

static void measure(int size, int colour, const char *precision, int threads, double most)
{
	const struct lacuna_shape shape = { { size, size, colour ? 3 : 1, 1 } };
	const size_t n = lacuna_count(&shape);
	const double pixels = (double)size * size;
	float *u = need(n * sizeof *u), *x0 = need(n * sizeof *x0);
	char spec[64];
	struct cost cost;
	double rate;

	threads_set(threads);
	snprintf(spec, sizeof spec, "unet:precision=%s", precision);
	cost = cost_of(spec, &shape, 0, u, NULL, x0);
	rate = operations(colour) * pixels / cost.processor * 1e-9;
	printf("%5d^2  %-6s  %-4s %2d thread%s  create %.2f s  wall %.3f s  processor %.3f s  "
	       "%.3f s/Mpx  %5.0f GFLOP/s per thread (%2.0f %% of %.0f)  work space %.0f MB\n",
	       size, colour ? "colour" : "gray", precision, threads, threads > 1 ? "s" : " ",
	       cost.create, cost.wall, cost.processor, cost.processor / pixels * 1e6, rate,
	       100 * rate / most, most, (double)cost.bytes / 1e6);
	fflush(stdout);
	memory_release(x0);
	memory_release(u);
}

static void measure_derivative(int size, int colour)
{
	const struct lacuna_shape shape = { { size, size, colour ? 3 : 1, 1 } };
	const size_t n = lacuna_count(&shape);
	const double million = (double)size * size / 1e6;
	float *u = need(n * sizeof *u), *v = need(n * sizeof *v), *out = need(n * sizeof *out);
	struct cost plain;

	host.gaussian(&host, 0, 0, u, n);
	host.gaussian(&host, 1, 0, v, n);
	plain = cost_of("unet:precision=f32", &shape, 0, u, NULL, out);
	printf("%5d^2  %-6s  create %.2f s  instance %.0f MB\n", size, colour ? "colour" : "gray",
	       plain.create, (double)plain.instance / 1e6);
	for (int forward = 0; forward < 2; forward++) {
		const uint32_t flag = forward ? LACUNA_TANGENT : LACUNA_DERIVATIVE;
		const struct cost cost = cost_of("unet:precision=f32", &shape, flag, u, v, out);

		printf("%5d^2  %-6s  %s  %.3f s/Mpx, %.2f times denoise in f32  create %.2f s  "
		       "work space %.0f MB, of denoise %.0f  instance %.0f MB\n",
		       size, colour ? "colour" : "gray", forward ? "jvp" : "vjp",
		       cost.processor / million, cost.processor / plain.processor, cost.create,
		       (double)cost.bytes / 1e6, (double)plain.bytes / 1e6,
		       (double)cost.instance / 1e6);
		fflush(stdout);
	}
	memory_release(out);
	memory_release(v);
	memory_release(u);
}

int main(int argc, char **argv)
{
	static const char *const sizes[] = { "512", "1024" };
	const char *const *list = argc > 1 ? (const char *const *)argv + 1 : sizes;
	const int count = argc > 1 ? argc - 1 : 2;
	int threads;

	host_init(&host, &context);
	threads_set(0);
	threads = threads_count();
	for (int bf16 = 0; bf16 <= onednn_has_bf16(); bf16++) {
		const double most = peak(bf16);

		for (int colour = 0; colour < 2; colour++)
			for (int i = 0; i < count; i++)
				for (int t = 1; t <= threads; t *= 2)
					measure(atoi(list[i]), colour, bf16 ? "bf16" : "f32", t,
						most);
	}
	threads_set(1);
	for (int colour = 0; colour < 2; colour++)
		for (int i = 0; i < count; i++)
			measure_derivative(atoi(list[i]), colour);
	threads_stop();
	return 0;
}
