/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* An affine sampler maps its normals z to u = b + sum_j M_j z_j, even if it remembers things between steps; u is
 * distributed as N(b, sum_j M_j M_j').  One run finds all M_j: chain 0 gets no noise, each other chain one impulse, and
 * the last chain ordinary noise, which tests whether the result is the sum of the impulse responses. */
#include <config.h>

#include "study/impulse.h"
#include "study/bench.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Normals that a sampler requests together from one stream, beginning at a multiple of the array's size.  Each chain has
 * dim of them, or as many as y has values per chain. */
struct request {
	uint64_t stream, block;
	size_t size;  /* normals per chain */
	size_t first; /* number of its first impulse */
};

struct noise {
	pthread_mutex_t lock;
	int recording, failed;
	uint64_t seed;
	size_t dim, rows, chains;
	struct request *requests;
	size_t count, capacity, impulses;
};

static int compare(const void *a, const void *b)
{
	const struct request *x = a, *y = b;

	if (x->stream != y->stream)
		return x->stream < y->stream ? -1 : 1;
	return (x->block > y->block) - (x->block < y->block);
}

static void record(struct noise *s, struct request r)
{
	for (size_t i = s->count; i-- > 0;)
		if (!compare(&s->requests[i], &r))
			return;
	if (s->count == s->capacity) {
		const size_t more = s->capacity ? 2 * s->capacity : 256;
		struct request *larger = memory_alloc_array(more, sizeof *larger);

		if (!larger) {
			s->failed = 1;
			return;
		}
		if (s->count)
			memcpy(larger, s->requests, s->count * sizeof *larger);
		memory_release(s->requests);
		s->requests = larger;
		s->capacity = more;
	}
	s->requests[s->count++] = r;
}

static int compare_streams(const void *a, const void *b)
{
	const struct request *x = a, *y = b;

	return (x->stream > y->stream) - (x->stream < y->stream);
}

/* Normal number `at' of the array of request r. */
static float normal(const struct noise *s, const struct request *r, size_t at)
{
	const size_t chain = at / r->size, coordinate = at % r->size;
	const struct request *found;
	float z;

	if (chain == 0)
		return 0;
	if (chain == s->chains - 1) {
		random_gaussian((struct random_key){ s->seed, 0, (uint32_t)r->block }, r->stream,
				coordinate, &z, 1);
		return z;
	}
	found = bsearch(r, s->requests, s->count, sizeof *r, compare);
	return found && chain - 1 == found->first + coordinate;
}

/* With one chain, the length of a request shows which of the two shapes it has.  If several arrays at once leave this
 * open, the last chain reveals a wrong guess. */
static void record_all(struct noise *s, uint64_t stream, uint64_t position, size_t n)
{
	const int like_y = n == s->rows || (n % s->dim && n % s->rows == 0);
	const size_t size = n != s->dim && like_y ? s->rows : s->dim;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < n; i += size)
		record(s, (struct request){ stream, (position + i) / size, size, 0 });
	pthread_mutex_unlock(&s->lock);
}

static void gaussian(void *context, uint64_t stream, uint64_t position, float *out, size_t n)
{
	struct noise *s = context;
	struct request r = { stream, 0, s->dim, 0 };
	const struct request *known = NULL;
	uint64_t array;

	if (s->recording)
		record_all(s, stream, position, n);
	else if (s->count)
		known = bsearch(&r, s->requests, s->count, sizeof r, compare_streams);
	if (known)
		r.size = known->size;
	array = (uint64_t)(r.size * s->chains);
	for (size_t i = 0; i < n; i++) {
		r.block = (position + i) / array;
		out[i] = s->recording ? 0 : normal(s, &r, (size_t)((position + i) % array));
	}
}

static int run(const struct laboratory *lab, const struct method_use *method, struct noise *s,
	       float *u)
{
	const struct session_options options = { .seed = lab->seed,
						 .gaussian = gaussian,
						 .laboratory = s };
	struct bench b;
	int status = bench_open(lab, method, (int64_t)s->chains, NULL, &options, &b);

	if (!status) {
		/* Drops what create() requested: it is not part of the run. */
		s->count = s->recording ? 0 : s->count;
		status = session_run(b.session, 0, u, NULL);
		bench_close(&b);
	}
	return status;
}

/* u: dim values per chain. */
static void collect(const struct noise *s, const float *u, double *mean, double *cov, int *affine)
{
	const size_t d = s->dim;
	const float *last = u + (s->chains - 1) * d;
	double error = 0, size = 0;

	memset(cov, 0, d * d * sizeof *cov);
	for (size_t a = 0; a < d; a++) {
		double predicted = (double)u[a];

		mean[a] = (double)u[a];
		for (size_t j = 0, k = 0; j < s->impulses; j++) {
			const struct request *r = &s->requests[k];
			const float *m = u + (j + 1) * d;
			const double ma = (double)m[a] - (double)u[a];
			float z;

			for (size_t b = 0; b < d; b++)
				cov[a * d + b] += ma * ((double)m[b] - (double)u[b]);
			random_gaussian((struct random_key){ s->seed, 0, (uint32_t)r->block },
					r->stream, j - r->first, &z, 1);
			predicted += ma * (double)z;
			k += j + 1 == r->first + r->size;
		}
		error += pow(predicted - (double)last[a], 2);
		size += pow((double)last[a] - (double)u[a], 2);
	}
	*affine = error <= 1e-6 * size;
}

int impulse_law(const struct laboratory *lab, const struct method_use *method, double *mean,
		double *cov, int *affine)
{
	struct noise s = { .lock = PTHREAD_MUTEX_INITIALIZER,
			   .recording = 1,
			   .seed = lab->seed,
			   .dim = (size_t)lab->target.dim,
			   .rows = (size_t)lab->rows,
			   .chains = 1 };
	float *u = memory_alloc_array(s.dim, sizeof *u);
	int status = u ? run(lab, method, &s, u) : LACUNA_ENOMEM;

	if (!status && s.failed)
		status = LACUNA_ENOMEM;
	memory_release(u);
	u = NULL;
	if (!status) {
		qsort(s.requests, s.count, sizeof *s.requests, compare);
		for (size_t i = 0; i < s.count; i++) {
			s.requests[i].first = s.impulses;
			s.impulses += s.requests[i].size;
		}
		s.recording = 0;
		s.chains = s.impulses + 2;
		u = memory_alloc_array(s.chains, s.dim * sizeof *u);
		status = u ? run(lab, method, &s, u) : LACUNA_ENOMEM;
	}
	if (!status)
		collect(&s, u, mean, cov, affine);
	memory_release(u);
	memory_release(s.requests);
	return status;
}
