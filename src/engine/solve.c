/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "engine/solve.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "base/vector.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

const struct solve_accuracy solve_accuracy_default = {
	.tolerance = 1e-5,
	.iterations = 200,
	.lanczos = 120,
	.change = 5e-4,
	.doubtful = 1e-2,
};

static int shifted_product(const struct solve_matrix *m, double rho, const float *v, float *out)
{
	int status = m->product(m->context, v, out);

	if (!status)
		vector_axpy(m->n, rho, v, out);
	return status;
}

static int check_finite(double value, const char *method)
{
	return isfinite(value)
		       ? LACUNA_OK
		       : error_set(LACUNA_ENUMERIC, "%s found a value that is not finite", method);
}

int solve_cg(const struct solve_matrix *m, double rho, solve_product *inverse, const float *b,
	     float *x, double tolerance, int iterations, float *work)
{
	float *r = work, *p = work + m->n, *q = work + 2 * m->n, *z = inverse ? work + 3 * m->n : r;
	double goal, rr, rz, old;
	int i, status;

	goal = tolerance * vector_norm(m->n, b);
	goal *= goal;
	status = shifted_product(m, rho, x, r);
	if (status)
		return status;
	vector_subtract(m->n, b, r, r);
	rr = vector_dot(m->n, r, r);
	for (i = 0, old = 0; i < iterations && rr > goal; i++) {
		double pq, alpha;

		if (cancel_requested())
			return error_set(LACUNA_ECANCELLED, "cancelled");
		status = inverse ? inverse(m->context, r, z) : LACUNA_OK;
		if (status)
			return status;
		rz = inverse ? vector_dot(m->n, r, z) : rr;
		if (i)
			vector_xpby(m->n, z, rz / old, p);
		else
			memcpy(p, z, m->n * sizeof *p);
		old = rz;
		status = shifted_product(m, rho, p, q);
		if (status)
			return status;
		pq = vector_dot(m->n, p, q);
		status = check_finite(pq, "conjugate gradients");
		if (status)
			return status;
		if (!(pq > 0)) /* the residual is down to rounding error */
			break;
		alpha = rz / pq;
		vector_axpy(m->n, alpha, p, x);
		vector_axpy(m->n, -alpha, q, r);
		rr = vector_dot(m->n, r, r);
	}
	return check_finite(rr, "conjugate gradients");
}

/* ---- Lanczos */

struct tridiagonal {
	int size;
	double largest;	      /* row sum so far, about the norm of M */
	double *alpha, *beta; /* beta[k] couples k and k + 1 */
};

/* One step of the recurrence: sets alpha[k], beta[k] and next = M q - alpha[k] q - beta[k-1] previous, not yet
 * normalised. */
static int lanczos_step(const struct solve_matrix *m, struct tridiagonal *t, int k,
			const float *previous, const float *q, float *next)
{
	int status = m->product(m->context, q, next);

	if (status)
		return status;
	if (k)
		vector_axpy(m->n, -t->beta[k - 1], previous, next);
	t->alpha[k] = vector_dot(m->n, q, next);
	vector_axpy(m->n, -t->alpha[k], q, next);
	t->beta[k] = vector_norm(m->n, next);
	return check_finite(fabs(t->alpha[k]) + t->beta[k], "the Lanczos iteration");
}

/* Vectors of the recurrence. */
struct basis {
	float *previous, *q, *next;
};

static void begin(const struct solve_matrix *m, const float *b, double norm, float *work,
		  struct basis *v)
{
	*v = (struct basis){ work, work + m->n, work + 2 * m->n };
	memcpy(v->q, b, m->n * sizeof *v->q);
	vector_scale(m->n, 1 / norm, v->q);
}

static void advance(const struct solve_matrix *m, const struct tridiagonal *t, int k,
		    struct basis *v)
{
	float *spare = v->previous;

	vector_scale(m->n, 1 / t->beta[k], v->next);
	v->previous = v->q;
	v->q = v->next;
	v->next = spare;
}

/* Takes the next step of the recurrence.  *ended: t cannot grow any further. */
static int extend(const struct solve_matrix *m, struct tridiagonal *t, struct basis *v, int *ended)
{
	/* A relative beta below this is rounding error of single precision; a further vector would be arbitrary. */
	const double negligible = 1e-5;
	const int k = t->size;
	int status;

	if (cancel_requested())
		return error_set(LACUNA_ECANCELLED, "cancelled");
	status = lanczos_step(m, t, k, v->previous, v->q, v->next);
	if (status)
		return status;
	t->size++;
	t->largest = fmax(t->largest, fabs(t->alpha[k]) + t->beta[k]);
	*ended = t->beta[k] <= negligible * t->largest;
	if (!*ended)
		advance(m, t, k, v);
	return LACUNA_OK;
}

/* Eigenvalues of t and its eigenvectors, one after the other.  couplings: work space of t's size. */
static int eigen(const struct tridiagonal *t, double *values, double *couplings, double *vectors)
{
	const size_t n = (size_t)t->size;

	memcpy(values, t->alpha, n * sizeof *values);
	memcpy(couplings, t->beta, (n - 1) * sizeof *couplings);
	if (LAPACKE_dstev(LAPACK_COL_MAJOR, 'V', (lapack_int)n, values, couplings, vectors,
			  (lapack_int)n))
		return error_set(LACUNA_ENUMERIC,
				 "the eigenvalues of a Lanczos matrix did not converge");
	for (size_t k = 0; k < n; k++) /* rounding may make one slightly negative */
		values[k] = fmax(values[k], 0);
	return LACUNA_OK;
}

/* coefficients = norm * gain(T) e_1 */
static int tridiagonal_gain(const struct tridiagonal *t, lacuna_gain *gain, const void *context,
			    double norm, double *coefficients)
{
	size_t n = (size_t)t->size, i, k;
	double *values = memory_alloc_array(n * (n + 2), sizeof *values);
	double *couplings = values ? values + n : NULL, *vectors = values ? values + 2 * n : NULL;
	int status;

	if (!values)
		return LACUNA_ENOMEM;
	status = eigen(t, values, couplings, vectors);
	if (!status)
		memset(coefficients, 0, n * sizeof *coefficients);
	for (k = 0; !status && k < n; k++) {
		double g = gain(values[k], context) * vectors[k * n] * norm;

		for (i = 0; i < n; i++)
			coefficients[i] += g * vectors[k * n + i];
	}
	memory_release(values);
	return status;
}

/* The relative change of the result since `before' steps; coefficients suffice, as the vectors are orthonormal. */
static double change_of(const struct tridiagonal *t, int before, const double *old,
			const double *coefficients)
{
	double difference = 0, size = 0;

	for (int i = 0; i < t->size; i++) {
		const double d = coefficients[i] - (i < before ? old[i] : 0);

		difference += d * d;
		size += coefficients[i] * coefficients[i];
	}
	return size > 0 ? sqrt(difference / size) : 0;
}

/* First pass: finds t and the coefficients, with as many steps as the result needs to converge. */
static int find_coefficients(const struct solve_matrix *m, const struct solve_gain *g,
			     const float *b, double norm, struct tridiagonal *t,
			     double *coefficients, double *old, double *change, float *work)
{
	int next = 8, before = 0, ended = 0, status = LACUNA_OK;
	struct basis v;

	begin(m, b, norm, work, &v);
	*change = INFINITY;
	while (!status && !ended && *change > g->tolerance && t->size < g->steps) {
		status = extend(m, t, &v, &ended);
		if (status)
			return status;
		if (t->size == next || t->size == g->steps || ended) {
			memcpy(old, coefficients, (size_t)before * sizeof *old);
			status = tridiagonal_gain(t, g->gain, g->context, norm, coefficients);
			*change = ended ? 0 : change_of(t, before, old, coefficients);
			before = t->size;
			next = 3 * next / 2;
		}
	}
	return status;
}

/* Second pass: x = sum of coefficients[k] q_k.  Repeats the arithmetic of the first pass, so the vectors are
 * bit-identical. */
static int combine(const struct solve_matrix *m, const float *b, double norm, struct tridiagonal *t,
		   const double *coefficients, float *x, float *work)
{
	struct basis v;

	begin(m, b, norm, work, &v);
	for (int k = 0; k < t->size; k++) {
		int status;

		if (cancel_requested())
			return error_set(LACUNA_ECANCELLED, "cancelled");
		vector_axpy(m->n, coefficients[k], v.q, x);
		if (k + 1 == t->size)
			break;
		status = lanczos_step(m, t, k, v.previous, v.q, v.next);
		if (status)
			return status;
		advance(m, t, k, &v);
	}
	return LACUNA_OK;
}

int solve_lanczos(const struct solve_matrix *m, const struct solve_gain *g, const float *b,
		  float *x, double *change, float *work)
{
	const size_t steps = (size_t)g->steps;
	struct tridiagonal t = { 0 };
	double norm = vector_norm(m->n, b), *numbers;
	int status;

	*change = 0;
	memset(x, 0, m->n * sizeof *x);
	if (norm == 0)
		return LACUNA_OK;
	numbers = memory_alloc_array(4 * steps, sizeof *numbers);
	if (!numbers)
		return LACUNA_ENOMEM;
	t.alpha = numbers;
	t.beta = numbers + steps;
	status = find_coefficients(m, g, b, norm, &t, numbers + 2 * steps, numbers + 3 * steps,
				   change, work);
	if (!status)
		status = combine(m, b, norm, &t, numbers + 2 * steps, x, work);
	memory_release(numbers);
	return status;
}

/* ---- quadrature */

static int gauss_nodes(const struct tridiagonal *t, double square, double *nodes, double *weights)
{
	const size_t n = (size_t)t->size;
	double *couplings = memory_alloc_array(n * (n + 1), sizeof *couplings);
	double *vectors = couplings ? couplings + n : NULL;
	const int status = couplings ? eigen(t, nodes, couplings, vectors) : LACUNA_ENOMEM;

	for (size_t k = 0; !status && k < n; k++)
		weights[k] = square * vectors[k * n] * vectors[k * n];
	memory_release(couplings);
	return status;
}

int solve_quadrature(const struct solve_matrix *m, const float *b, int steps, double *nodes,
		     double *weights, int *count, float *work)
{
	const double norm = vector_norm(m->n, b);
	double *numbers;
	struct tridiagonal t = { 0 };
	struct basis v;
	int ended = 0, status = LACUNA_OK;

	*count = 0;
	if (norm == 0)
		return LACUNA_OK;
	numbers = memory_alloc_array(2 * (size_t)steps, sizeof *numbers);
	if (!numbers)
		return LACUNA_ENOMEM;
	t.alpha = numbers;
	t.beta = numbers + steps;
	begin(m, b, norm, work, &v);
	while (!status && !ended && t.size < steps)
		status = extend(m, &t, &v, &ended);
	if (!status)
		status = gauss_nodes(&t, norm * norm, nodes, weights);
	*count = t.size;
	memory_release(numbers);
	return status;
}
