/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* In photons, with z Poisson of mean lambda and a Gaussian of variance r (read noise) added, and u = lambda + r its variance,
 *
 *	f(z) = 2 sqrt(z + r + 3/8)
 *
 * has nearly variance 1 (Murtagh, Starck, Bijaoui 1995).  Below z = 0 f continues as a straight line, since noise is not cut
 * off there and its variance is not less.  The mean of f is not f of the mean: the inverse needed is that of the function
 * D(lambda) = E[f(z) | lambda] (Makitalo and Foi, IEEE TIP 22(1), 2013).  D is computed by quadrature where u is small;
 * beyond, by its limit, u = D^2/4 - 1/8. */
#include <config.h>

#include "restore/stabilise.h"
#include "base/memory.h"

#include <math.h>

/* Nodes are evenly spaced in sqrt(u), where D is nearly straight. */
enum { NODES = 200, GAUSS = 61 };
static const double node_step = 0.05, gauss_reach = 6;

struct stabiliser {
	double gain, zero; /* x = zero + gain lambda */
	double read;	   /* r */
	double black, span;
	int nodes;
	double lambda[NODES], mean[NODES];
	double beyond; /* u - (D^2/4 - 1/8) at the last node */
};

/* f(z); a straight line below z = 0. */
static double transform(const struct stabiliser *s, double z)
{
	const double at_zero = s->read + 0.375;

	return z < 0 ? 2 * sqrt(at_zero) + z / sqrt(at_zero) : 2 * sqrt(z + at_zero);
}

/* Adds the Gaussian around k photons: its weights to sum[0], its weights times f to sum[1]. */
static void add_count(const struct stabiliser *s, double k, double weight, double sum[2])
{
	const int nodes = s->read > 0 ? GAUSS : 1;

	for (int i = 0; i < nodes; i++) {
		const double t = nodes > 1 ? gauss_reach * (2.0 * i / (GAUSS - 1) - 1) : 0;
		const double w = weight * exp(-t * t / 2);

		sum[0] += w;
		sum[1] += w * transform(s, k + t * sqrt(s->read));
	}
}

static void fill_node(struct stabiliser *s, int i)
{
	const double lambda = s->lambda[i], reach = 9 * sqrt(lambda) + 9;
	const double first = fmax(floor(lambda - reach), 0);
	double weight = 1, sum[2] = { 0 };

	/* Poisson probabilities by their ratios, from the most likely count in both directions */
	for (double k = floor(lambda); k >= first; k--) {
		add_count(s, k, weight, sum);
		weight *= lambda > 0 ? k / lambda : 0;
	}
	weight = 1;
	for (double k = floor(lambda) + 1; k <= lambda + reach; k++) {
		weight *= lambda / k;
		add_count(s, k, weight, sum);
	}
	s->mean[i] = sum[1] / sum[0];
}

int stabiliser_create(const struct noise *noise, struct stabiliser **result)
{
	struct stabiliser *s = memory_alloc(sizeof *s);
	const double gain = noise->slope;
	double last;

	if (!s)
		return LACUNA_ENOMEM;
	s->gain = gain;
	s->read = fmax(noise->least_variance / (gain * gain) - noise_of_none, 0);
	s->zero = (gain * gain * s->read - noise->offset) / gain;
	for (s->nodes = 0; s->nodes < NODES; s->nodes++) {
		const double root = sqrt(s->read) + node_step * s->nodes;

		s->lambda[s->nodes] = s->nodes ? root * root - s->read : 0;
		fill_node(s, s->nodes);
		if (root > node_step * NODES)
			break;
	}
	s->nodes += s->nodes < NODES;
	last = s->mean[s->nodes - 1];
	s->beyond = s->lambda[s->nodes - 1] + s->read - (last * last / 4 - 0.125);
	s->span = 1;
	s->black = stabiliser_expect(s, 0);
	s->span = stabiliser_expect(s, 1);
	*result = s;
	return LACUNA_OK;
}

void stabiliser_destroy(struct stabiliser *s)
{
	memory_release(s);
}

double stabiliser_sigma(const struct stabiliser *s)
{
	return 1 / s->span;
}

/* The last node with list[node] <= v, where list rises; -1: none. */
static int find_node(const struct stabiliser *s, const double *list, double v)
{
	int from = -1, to = s->nodes;

	while (to - from > 1) {
		const int middle = (from + to) / 2;

		if (list[middle] <= v)
			from = middle;
		else
			to = middle;
	}
	return from;
}

static double interpolate(const double *x, const double *y, int i, double v)
{
	return y[i] + (v - x[i]) * (y[i + 1] - y[i]) / (x[i + 1] - x[i]);
}

double stabiliser_expect(const struct stabiliser *s, double x)
{
	const double lambda = (x - s->zero) / s->gain;
	const int i = find_node(s, s->lambda, lambda);
	double mean;

	if (i < 0)
		mean = s->mean[0] + lambda / sqrt(s->read + 0.375);
	else if (i < s->nodes - 1)
		mean = interpolate(s->lambda, s->mean, i, lambda);
	else
		mean = 2 * sqrt(lambda + s->read - s->beyond + 0.125);
	return (mean - s->black) / s->span;
}

static double invert(const struct stabiliser *s, double t)
{
	const double mean = s->black + s->span * t;
	const int i = find_node(s, s->mean, mean);
	double lambda;

	if (i < 0)
		lambda = (mean - s->mean[0]) * sqrt(s->read + 0.375);
	else if (i < s->nodes - 1)
		lambda = interpolate(s->mean, s->lambda, i, mean);
	else
		lambda = mean * mean / 4 - 0.125 - s->read + s->beyond;
	return s->zero + s->gain * lambda;
}

void stabiliser_leave(const struct stabiliser *s, size_t n, float *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] = (float)invert(s, (double)x[i]);
}

void stabiliser_enter(const struct stabiliser *s, size_t n, float *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = (float)((transform(s, ((double)y[i] - s->zero) / s->gain) - s->black) /
			       s->span);
}
