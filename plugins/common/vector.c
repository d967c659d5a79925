/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Arithmetic on images. */
#include "common/vector.h"

enum { RANGES = 64, SHORTEST = 4096, NOISE_BLOCK = 1024 };

size_t vector_bytes(size_t n)
{
	return (n * sizeof(float) + 63) / 64 * 64;
}

struct job {
	const struct lacuna_host *host;
	size_t n, range;
	double a, b;
	const float *x, *y;
	float *out;
	uint64_t stream;
	double partial[RANGES];
};

static void run(struct job *job, lacuna_body *body)
{
	size_t range = (job->n + RANGES - 1) / RANGES;

	job->range = range < SHORTEST ? SHORTEST : range;
	job->host->parallel(job->host, (job->n + job->range - 1) / job->range, 0, body, job);
}

static size_t range_end(const struct job *job, size_t i)
{
	size_t end = (i + 1) * job->range;

	return end < job->n ? end : job->n;
}

static int combine_range(void *arg, size_t i, void *scratch)
{
	const struct job *job = arg;
	const double a = job->a, b = job->b;
	const float *x = job->x, *y = job->y;
	float *out = job->out;
	const size_t end = range_end(job, i);

	(void)scratch;
	for (size_t j = i * job->range; j < end; j++)
		out[j] = (float)(a * x[j] + b * y[j]);
	return LACUNA_OK;
}

void vector_combine(const struct lacuna_host *host, size_t n, double a, const float *x, double b,
		    const float *y, float *out)
{
	struct job job = { .host = host, .n = n, .a = a, .b = b, .x = x, .y = y, .out = out };

	run(&job, combine_range);
}

static int noise_range(void *arg, size_t i, void *scratch)
{
	const struct job *job = arg;
	const size_t end = range_end(job, i);
	float noise[NOISE_BLOCK];

	(void)scratch;
	for (size_t j = i * job->range; j < end; j += NOISE_BLOCK) {
		const size_t count = end - j < NOISE_BLOCK ? end - j : NOISE_BLOCK;

		job->host->gaussian(job->host, job->stream, j, noise, count);
		for (size_t k = 0; k < count; k++)
			job->out[j + k] += (float)(job->a * noise[k]);
	}
	return LACUNA_OK;
}

void vector_add_noise(const struct lacuna_host *host, size_t n, double sd, uint64_t stream,
		      float *x)
{
	struct job job = { .host = host, .n = n, .a = sd, .out = x, .stream = stream };

	run(&job, noise_range);
}

void vector_fill(size_t n, float value, float *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] = value;
}

static int inner_range(void *arg, size_t i, void *scratch)
{
	struct job *job = arg;
	const size_t end = range_end(job, i);
	double sum = 0;

	(void)scratch;
	for (size_t j = i * job->range; j < end; j++)
		sum += (double)job->x[j] * job->y[j];
	job->partial[i] = sum;
	return LACUNA_OK;
}

double vector_inner(const struct lacuna_host *host, size_t n, const float *a, const float *b)
{
	struct job job = { .host = host, .n = n, .x = a, .y = b };
	double sum = 0;

	run(&job, inner_range);
	for (size_t i = 0; i < RANGES; i++)
		sum += job.partial[i];
	return sum;
}
