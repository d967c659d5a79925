/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The cost of a sampler step without its prior (operator, guidance, noise, loop), compared with the Fourier transforms that
 * it makes, and the memory per pixel; with one thread.  A wrapper between host and operator counts the transforms.  Their
 * time is that of the same number of FFTW transforms (one forward and one inverse for each call).  A mask makes none.
 *
 *	bench-step [SIZE ...]		sides of square images, default 512 4096
 */
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "engine/run.h"

#include <fftw3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* processor time, which does not depend on other programs */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- a prior that costs one copy */

static struct lacuna_shape prior_shape;

static int null_create(const struct lacuna_host *host, const void *config,
		       const struct lacuna_problem *problem, void **self)
{
	(void)host, (void)config;
	prior_shape = problem->x;
	*self = &prior_shape;
	return LACUNA_OK;
}

static void null_destroy(void *self)
{
	(void)self;
}

static void null_info(const void *self, struct lacuna_prior_info *info)
{
	(void)self;
	info->sigma_min = 1e-6;
	info->sigma_max = 1e6;
}

static int null_denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	(void)scratch, (void)sigma;
	memcpy(x0, u, lacuna_count(self) * sizeof *x0);
	return LACUNA_OK;
}

static const struct lacuna_plugin null_head = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR), "null", "", "", "", "", "", LACUNA_NO_PARAMS, NULL
};
static const struct plugin null_prior = { .head = &null_head,
					  .u.prior = { .size = sizeof(struct lacuna_prior),
						       .create = null_create,
						       .destroy = null_destroy,
						       .info = null_info,
						       .denoise = null_denoise } };

/* ---- an operator that counts its calls */

static struct lacuna_operator counted;
static long calls;

static int count_apply(const void *self, void *scratch, const float *x, float *y)
{
	calls++;
	return counted.apply(self, scratch, x, y);
}

static int count_adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	calls++;
	return counted.adjoint(self, scratch, at, y, x);
}

static int count_spectral(const void *self, void *scratch, lacuna_gain *gain, const void *context,
			  const float *b, float *x)
{
	int status = counted.spectral(self, scratch, gain, context, b, x);

	calls += status == LACUNA_OK;
	return status;
}

static struct plugin counting(const struct plugin *plugin)
{
	struct plugin wrapped = *plugin;

	counted = plugin->u.op;
	wrapped.u.op.apply = count_apply;
	wrapped.u.op.adjoint = count_adjoint;
	if (counted.spectral)
		wrapped.u.op.spectral = count_spectral;
	return wrapped;
}

/* ---- FFTW alone: seconds for a forward and an inverse transform */

static double transform_pair(int width, int height)
{
	size_t n = (size_t)width * (size_t)height;
	float *a = fftwf_alloc_real(n);
	fftwf_complex *b = fftwf_alloc_complex((size_t)(width / 2 + 1) * (size_t)height);
	fftwf_plan forward = fftwf_plan_dft_r2c_2d(height, width, a, b, FFTW_ESTIMATE);
	fftwf_plan inverse = fftwf_plan_dft_c2r_2d(height, width, b, a, FFTW_ESTIMATE);
	double best = 1e9;
	int i;

	memset(a, 0, n * sizeof *a);
	for (i = 0; i < 4; i++) {
		double started = now();

		fftwf_execute(forward);
		fftwf_execute(inverse);
		best = now() - started < best ? now() - started : best;
	}
	fftwf_destroy_plan(forward);
	fftwf_destroy_plan(inverse);
	fftwf_free(a);
	fftwf_free(b);
	return best;
}

/* ---- one row of the table */

static int measure(int side, const char *operator_spec, const char *guidance_spec)
{
	struct lacuna_shape shape = { { side, side, 1, 1 } };
	struct plugin_use op = { 0 }, wrapped, prior = { .plugin = &null_prior }, guidance = { 0 },
			  sampler = { 0 };
	struct session_options options = { .seed = 1 };
	struct session_stats stats;
	struct problem *problem = NULL;
	struct session *session = NULL;
	struct plugin plugin;
	float *y = NULL, *u = NULL;
	size_t before = memory_live_bytes(), pixels;
	double seconds, pair;
	const int steps = side > 1024 ? 5 : 40;
	char sampler_spec[64];
	int status;

	snprintf(sampler_spec, sizeof sampler_spec, "ddpm:steps=%d", steps);
	status = use_parse(LACUNA_OPERATOR, operator_spec, &op);
	if (!status)
		status = use_parse(LACUNA_GUIDANCE, guidance_spec, &guidance);
	if (!status)
		status = use_parse(LACUNA_SAMPLER, sampler_spec, &sampler);
	if (status)
		goto out;
	plugin = counting(op.plugin);
	wrapped = op;
	wrapped.plugin = &plugin;
	memory_reset_peak();
	status = problem_create(&wrapped, 1, 1, &shape, &problem);
	if (status)
		goto out;
	pixels = lacuna_count(problem_x(problem));
	y = memory_alloc_array(lacuna_count(&shape), sizeof *y);
	u = memory_alloc_array(pixels, sizeof *u);
	if (!y || !u) {
		status = LACUNA_ENOMEM;
		goto out;
	}
	random_gaussian((struct random_key){ 1, 0, 0 }, 9, 0, y, lacuna_count(&shape));
	status = problem_measure(problem, y, 0.01, NULL);
	if (!status)
		status = session_create(problem, &prior, &guidance, &sampler, &options, &session);
	if (!status)
		status = session_run(session, 0, u, &stats); /* the first run touches the memory */
	calls = 0;
	seconds = now();
	if (!status)
		status = session_run(session, 0, u, &stats);
	seconds = now() - seconds;
	if (status)
		goto out;
	pair = transform_pair((int)problem_x(problem)->extent[0],
			      (int)problem_x(problem)->extent[1]);
	printf("%5d  %-42s %-5s %9.2f ", side, operator_spec, guidance_spec, 1e3 * seconds / steps);
	/* The transforms of an operator's own solve() cannot be counted here. */
	if (strncmp(operator_spec, "blur", 4) == 0 && calls > steps)
		printf("%6.1f %9.2f %6.2f ", (double)calls / steps,
		       1e3 * pair * (double)calls / steps, seconds / (pair * (double)calls));
	else
		printf("%6s %9s %6s ", "-", "-", "-");
	printf("%8.1f\n", (double)(memory_peak_bytes() - before) / (double)pixels);
	fflush(stdout);
out:
	session_destroy(session);
	problem_destroy(problem);
	memory_release(y);
	memory_release(u);
	use_free(&op);
	use_free(&guidance);
	use_free(&sampler);
	if (status)
		fprintf(stderr, "bench-step: %s %s: %s\n", operator_spec, guidance_spec,
			error_text());
	return status;
}

int main(int argc, char **argv)
{
	static const char mask[] = "mask:keep=0.5";
	static const char periodic[] = "blur:kind=disk,radius=5,boundary=periodic";
	static const char valid[] = "blur:kind=disk,radius=5";
	/* Without a closed form a step takes 20 to 160 transforms, so large images are left out. */
	static const struct {
		const char *op, *guidance;
		int largest;
	} rows[] = {
		{ mask, "none", 1 << 20 },     { mask, "bo", 1 << 20 },
		{ periodic, "none", 1 << 20 }, { periodic, "bo", 1 << 20 },
		{ periodic, "prox", 1 << 20 }, { valid, "prox", 1024 },
		{ valid, "bo", 1024 },
	};
	static const int sides[] = { 512, 4096 };
	int i, count = argc > 1 ? argc - 1 : 2, status = 0;
	size_t k;

	threads_set(1);
	printf("processor time, one thread; FFTs: as many FFTW transform pairs as the operator "
	       "made\n");
	printf("%5s  %-42s %-5s %9s %6s %9s %6s %8s\n", "side", "operator", "guid.", "ms/step",
	       "pairs", "FFTs ms", "ratio", "B/pixel");
	for (i = 0; i < count; i++) {
		int side = argc > 1 ? atoi(argv[i + 1]) : sides[i];

		for (k = 0; k < sizeof rows / sizeof *rows; k++)
			if (side <= rows[k].largest && measure(side, rows[k].op, rows[k].guidance))
				status = 1;
	}
	threads_stop();
	return status;
}
