/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Of n chains, the one with rank r of its state gets the normal quantile (p_r + 1/2)/n.  The permutation p makes the
 * points (r, p_r) fill the square evenly: a lattice, shifted at random for each request. */
#include <config.h>

#include "study/even.h"

#include "base/memory.h"
#include "base/random.h"

#include <lacuna/plugin.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

/* Number of requests between two estimates that get different lattices. */
enum { SLOTS = 8 };

struct slot {
	uint64_t stream, block;
	size_t step, shift;
};

struct state {
	float value;
	size_t chain;
};

struct even {
	pthread_mutex_t lock;
	uint64_t seed, requests;
	size_t n;
	float *quantile;
	size_t *rank;
	struct state *states;
	struct slot slots[SLOTS];
	size_t used;
};

/* Inverse normal distribution function by Newton's method, from the middle outwards: each root starts from its neighbour. */
static void fill_quantiles(size_t n, float *quantile)
{
	double z = 0;

	for (size_t i = n / 2; i < n; i++) {
		const double p = ((double)i + 0.5) / (double)n;

		for (int k = 0; k < 8; k++)
			z += (erfc(z / sqrt(2)) / 2 - (1 - p)) * sqrt(2 * acos(-1)) *
			     exp(z * z / 2);
		quantile[i] = (float)z;
		quantile[n - 1 - i] = (float)-z;
	}
}

int even_create(size_t n, uint64_t seed, struct even **result)
{
	struct even *e = memory_alloc(sizeof *e);

	if (!e)
		return LACUNA_ENOMEM;
	pthread_mutex_init(&e->lock, NULL);
	e->seed = seed;
	e->n = n;
	e->quantile = memory_alloc_array(n, sizeof *e->quantile);
	e->rank = memory_alloc_array(n, sizeof *e->rank);
	e->states = memory_alloc_array(n, sizeof *e->states);
	if (!e->quantile || !e->rank || !e->states) {
		even_destroy(e);
		return LACUNA_ENOMEM;
	}
	fill_quantiles(n, e->quantile);
	for (size_t i = 0; i < n; i++)
		e->rank[i] = i;
	*result = e;
	return LACUNA_OK;
}

void even_destroy(struct even *e)
{
	if (!e)
		return;
	pthread_mutex_destroy(&e->lock);
	memory_release(e->quantile);
	memory_release(e->rank);
	memory_release(e->states);
	memory_release(e);
}

static size_t common_divisor(size_t a, size_t b)
{
	return b ? common_divisor(b, a % b) : a;
}

/* The lattice of a request; created on first use. */
static struct slot find_slot(struct even *e, uint64_t stream, uint64_t block)
{
	/* 1/g, 1/g^2 of the plastic number g, then other badly approximable numbers */
	static const double ratios[SLOTS] = { 0.7548776662, 0.5698402910, 0.6180339887,
					      0.4142135624, 0.7320508076, 0.2360679775,
					      0.3027756377, 0.6457513111 };
	struct slot s;
	float uniform;
	size_t k = 0;

	pthread_mutex_lock(&e->lock);
	while (k < e->used && (e->slots[k].stream != stream || e->slots[k].block != block))
		k++;
	if (k == SLOTS) { /* all lattices are in use: ordinary noise */
		s = (struct slot){ .step = 0 };
		goto out;
	}
	if (k == e->used) {
		random_uniform((struct random_key){ e->seed, 0, 0 }, 4, e->requests++, &uniform, 1);
		s = (struct slot){ stream, block, (size_t)((double)e->n * ratios[k]),
				   (size_t)((double)uniform * (double)e->n) };
		while (common_divisor(s.step, e->n) != 1)
			s.step++;
		e->slots[e->used++] = s;
	}
	s = e->slots[k];
out:
	pthread_mutex_unlock(&e->lock);
	return s;
}

void even_gaussian(void *even, uint64_t stream, uint64_t position, float *out, size_t n)
{
	struct even *e = even;

	for (size_t i = 0; i < n;) {
		const uint64_t at = position + i;
		const struct slot s = find_slot(e, stream, at / e->n);
		size_t chain = (size_t)(at % e->n);

		if (!s.step) {
			random_gaussian((struct random_key){ e->seed, 0, 0 }, stream, at, out + i,
					n - i);
			return;
		}
		for (; i < n && chain < e->n; i++, chain++)
			out[i] = e->quantile[(
				size_t)(((uint64_t)e->rank[chain] * s.step + s.shift) % e->n)];
	}
}

static int ascending(const void *a, const void *b)
{
	const struct state *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return (x->chain > y->chain) - (x->chain < y->chain);
}

void even_observe(struct even *e, const float *u)
{
	for (size_t i = 0; i < e->n; i++)
		e->states[i] = (struct state){ u[i], i };
	qsort(e->states, e->n, sizeof *e->states, ascending);
	for (size_t i = 0; i < e->n; i++)
		e->rank[e->states[i].chain] = i;
	e->used = 0;
}
