/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Distances between distributions. */
#include <config.h>

#include "study/distance.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "base/vector.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

/* ---- moments ----------------------------------------------------------------------------------------- */

void distance_moments(int dim, size_t n, const double *x, double *mean, double *cov)
{
	const size_t d = (size_t)dim;

	memset(mean, 0, d * sizeof *mean);
	memset(cov, 0, d * d * sizeof *cov);
	for (size_t i = 0; i < n; i++)
		for (size_t a = 0; a < d; a++)
			mean[a] += x[i * d + a] / (double)n;
	for (size_t i = 0; i < n; i++)
		for (size_t a = 0; a < d; a++)
			for (size_t b = 0; b < d; b++)
				cov[a * d + b] += (x[i * d + a] - mean[a]) *
						  (x[i * d + b] - mean[b]) / ((double)n - 1);
}

double distance_l2(size_t n, const double *a, const double *b)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return sqrt(sum);
}

/* log det of a matrix from its Cholesky factor */
static double log_det(int d, const double *chol)
{
	double sum = 0;

	for (int i = 0; i < d; i++)
		sum += 2 * log(chol[i * (d + 1)]);
	return sum;
}

int distance_gaussian_kl(int dim, const double *mean_q, const double *cov_q, const double *mean_p,
			 const double *cov_p, double *kl)
{
	const size_t d = (size_t)dim;
	double *p = memory_alloc_array(3 * d * d + d, sizeof *p), *q = p + d * d, *x = q + d * d,
	       *r = x + d * d;

	if (!p)
		return LACUNA_ENOMEM;
	memcpy(p, cov_p, d * d * sizeof *p);
	memcpy(q, cov_q, d * d * sizeof *q);
	memcpy(x, cov_q, d * d * sizeof *x);
	for (size_t i = 0; i < d; i++)
		r[i] = mean_q[i] - mean_p[i];
	if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', dim, p, dim) ||
	    LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', dim, q, dim)) {
		*kl = INFINITY;
	} else {
		LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', dim, dim, p, dim, x, dim);
		*kl = (log_det(dim, p) - log_det(dim, q) - dim) / 2;
		for (size_t i = 0; i < d; i++)
			*kl += x[i * (d + 1)] / 2;
		memcpy(x, r, d * sizeof *x);
		LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', dim, 1, p, dim, x, 1);
		for (size_t i = 0; i < d; i++)
			*kl += r[i] * x[i] / 2;
	}
	memory_release(p);
	return LACUNA_OK;
}

/* ---- nearest neighbours ------------------------------------------------------------------------------ */

enum { NEIGHBOURS = 8 };

/* Squared distance from x to the NEIGHBOURS-th nearest of n points, not counting point number self (x itself). */
static double neighbour(int dim, const double *x, size_t n, const double *points, size_t self)
{
	double near[NEIGHBOURS];

	for (int k = 0; k < NEIGHBOURS; k++)
		near[k] = INFINITY;
	for (size_t j = 0; j < n; j++) {
		double sum = 0;

		for (int i = 0; i < dim; i++) {
			const double t = x[i] - points[j * (size_t)dim + (size_t)i];

			sum += t * t;
		}
		if (sum >= near[NEIGHBOURS - 1] || j == self)
			continue;
		int k = NEIGHBOURS - 1;
		for (; k > 0 && near[k - 1] > sum; k--)
			near[k] = near[k - 1];
		near[k] = sum;
	}
	return near[NEIGHBOURS - 1];
}

struct kl_job {
	int dim;
	size_t n;
	const double *q, *p;
	double *terms;
};

static void kl_term(void *arg, size_t i)
{
	const struct kl_job *j = arg;
	const double *x = j->q + i * (size_t)j->dim;
	const double to_p = neighbour(j->dim, x, j->n, j->p, SIZE_MAX);
	const double to_q = neighbour(j->dim, x, j->n, j->q, i);

	j->terms[i] = j->dim * (log(to_p) - log(to_q)) / 2;
}

/* ---- sorting ----------------------------------------------------------------------------------------- */

enum { BINS = 64 };

static int binned_kl(size_t n, const double *q, const double *p, double *kl)
{
	double *a = memory_alloc_array(2 * n, sizeof *a), *b;
	size_t from = 0;

	if (!a)
		return LACUNA_ENOMEM;
	b = a + n;
	memcpy(a, q, n * sizeof *a);
	memcpy(b, p, n * sizeof *b);
	vector_sort_doubles(n, a);
	vector_sort_doubles(n, b);
	*kl = 0;
	for (size_t bin = 0; bin < BINS; bin++) {
		const size_t first = bin * n / BINS, end = (bin + 1) * n / BINS;
		const double edge = end < n ? (a[end - 1] + a[end]) / 2 : INFINITY;
		const double expected = (double)(end - first);
		size_t to = from;

		while (to < n && b[to] <= edge)
			to++;
		/* Counts an empty bin as half a sample. */
		if (end > first)
			*kl += expected / (double)n *
			       log(expected / (to > from ? (double)(to - from) : 0.5));
		from = to;
	}
	memory_release(a);
	return LACUNA_OK;
}

int distance_kl(int dim, size_t n, const double *q, const double *p, double *kl)
{
	struct kl_job job = { dim, n, q, p, NULL };

	if (dim == 1)
		return binned_kl(n, q, p, kl);
	job.terms = memory_alloc_array(n, sizeof(double));
	if (!job.terms)
		return LACUNA_ENOMEM;
	threads_parallel(n, kl_term, &job);
	*kl = log((double)n / ((double)n - 1));
	for (size_t i = 0; i < n; i++)
		*kl += job.terms[i] / (double)n;
	memory_release(job.terms);
	return LACUNA_OK;
}

/* ---- blurred laws ------------------------------------------------------------------------------------ */

struct blur_job {
	int dim;
	size_t n;
	const double *q, *log_q, *p;
	double width, *terms;
};

/* Computes log(sum of exp) relative to the largest exponent so far. */
static void blur_term(void *arg, size_t i)
{
	const struct blur_job *j = arg;
	const double *x = j->q + i * (size_t)j->dim, scale = -0.5 / (j->width * j->width);
	double top = -INFINITY, sum = 0;

	for (size_t k = 0; k < j->n; k++) {
		const double *c = j->p + k * (size_t)j->dim;
		double square = 0;

		for (int a = 0; a < j->dim; a++)
			square += (x[a] - c[a]) * (x[a] - c[a]);
		square *= scale;
		if (square > top) {
			sum = sum * exp(top - square) + 1;
			top = square;
		} else if (square > top - 40) {
			sum += exp(square - top);
		}
	}
	j->terms[i] = j->log_q[i] -
		      (top + log(sum / (double)j->n) - j->dim * log(j->width * sqrt(2 * acos(-1))));
}

int distance_blurred_kl(int dim, size_t m, const double *q, const double *log_q, size_t n,
			const double *p, double width, double *kl)
{
	struct blur_job job = { dim, n, q, log_q, p, width, memory_alloc_array(m, sizeof(double)) };

	if (!job.terms)
		return LACUNA_ENOMEM;
	threads_parallel(m, blur_term, &job);
	*kl = 0;
	for (size_t i = 0; i < m; i++)
		*kl += job.terms[i] / (double)m;
	memory_release(job.terms);
	return LACUNA_OK;
}

/* Mean of |difference|^power of the sorted values; sorts both. */
static double sorted_cost(size_t n, double *a, double *b, int power)
{
	double sum = 0;

	vector_sort_doubles(n, a);
	vector_sort_doubles(n, b);
	for (size_t i = 0; i < n; i++)
		sum += power == 1 ? fabs(a[i] - b[i]) : (a[i] - b[i]) * (a[i] - b[i]);
	return sum / (double)n;
}

static void project(int dim, size_t n, const double *x, const double *direction, double *out)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = 0;
		for (int a = 0; a < dim; a++)
			out[i] += direction[a] * x[i * (size_t)dim + (size_t)a];
	}
}

struct slices {
	int dim;
	size_t n;
	const double *q, *p;
	const double *directions; /* unit vectors */
	double *work, *costs;
};

static void slice(void *arg, size_t k)
{
	const struct slices *s = arg;
	const double *direction = s->directions + k * (size_t)s->dim;
	double *a = s->work + 2 * k * s->n, *b = a + s->n;

	project(s->dim, s->n, s->q, direction, a);
	project(s->dim, s->n, s->p, direction, b);
	s->costs[k] = sorted_cost(s->n, a, b, 2);
}

/* Unit vectors, uniform on the sphere; release them with memory_release(). */
static double *make_directions(int dim, size_t count, uint64_t seed)
{
	const size_t d = (size_t)dim;
	float *normals = memory_alloc_array(count * d, sizeof *normals);
	double *out = memory_alloc_array(count * d, sizeof *out);

	if (normals && out)
		random_gaussian((struct random_key){ seed, 0, 0 }, 3, 0, normals, count * d);
	for (size_t k = 0; normals && out && k < count; k++) {
		double norm = 0;

		for (size_t i = 0; i < d; i++)
			norm += (double)normals[k * d + i] * (double)normals[k * d + i];
		for (size_t i = 0; i < d; i++)
			out[k * d + i] = (double)normals[k * d + i] / sqrt(norm);
	}
	memory_release(normals);
	return out;
}

int distance_sliced_w2(int dim, size_t n, const double *q, const double *p, int directions,
		       uint64_t seed, double *w2)
{
	const size_t count = dim == 1 ? 1 : (size_t)directions;
	double *unit = make_directions(dim, count, seed), sum = 0;
	double *work = memory_alloc_array(2 * n + 1, count * sizeof *work);
	struct slices s = { dim, n, q, p, unit, work, work + 2 * n * count };

	if (unit && work) {
		threads_parallel(count, slice, &s);
		for (size_t k = 0; k < count; k++)
			sum += s.costs[k];
		*w2 = sqrt(sum / (double)count);
	}
	memory_release(work);
	memory_release(unit);
	return unit && work ? LACUNA_OK : LACUNA_ENOMEM;
}

/* a' C a */
static double quadratic(int dim, const double *a, const double *c)
{
	double sum = 0;

	for (int i = 0; i < dim; i++)
		for (int j = 0; j < dim; j++)
			sum += a[i] * c[i * dim + j] * a[j];
	return sum;
}

int distance_gaussian_sliced_w2(int dim, const double *mean_q, const double *cov_q,
				const double *mean_p, const double *cov_p, int directions,
				uint64_t seed, double *w2)
{
	const size_t count = dim == 1 ? 1 : (size_t)directions;
	double *unit = make_directions(dim, count, seed), sum = 0;

	for (size_t k = 0; unit && k < count; k++) {
		const double *a = unit + k * (size_t)dim;
		double shift = 0;

		for (int i = 0; i < dim; i++)
			shift += a[i] * (mean_q[i] - mean_p[i]);
		sum += shift * shift + pow(sqrt(fmax(quadratic(dim, a, cov_q), 0)) -
						   sqrt(fmax(quadratic(dim, a, cov_p), 0)),
					   2);
	}
	*w2 = sqrt(sum / (double)count);
	memory_release(unit);
	return unit ? LACUNA_OK : LACUNA_ENOMEM;
}

/* ---- assignment -------------------------------------------------------------------------------------- */

/* Shortest augmenting paths with dual prices.  Rows and columns count from 1; column 0 holds the row that is being
 * assigned. */
struct assignment {
	size_t n;
	const double *cost; /* n x n */
	double *row_price, *column_price, *slack;
	size_t *row_of, *from; /* of a column: its row; its predecessor on the path */
	char *done;
};

static double reduced(const struct assignment *a, size_t row, size_t column)
{
	return a->cost[(row - 1) * a->n + column - 1] - a->row_price[row] - a->column_price[column];
}

/* Extends the tree from its node `column' by the nearest column outside; returns that column. */
static size_t grow(struct assignment *a, size_t column)
{
	const size_t row = a->row_of[column];
	double step = INFINITY;
	size_t next = 0;

	a->done[column] = 1;
	for (size_t j = 1; j <= a->n; j++) {
		if (a->done[j])
			continue;
		const double c = reduced(a, row, j);

		if (c < a->slack[j]) {
			a->slack[j] = c;
			a->from[j] = column;
		}
		if (a->slack[j] < step) {
			step = a->slack[j];
			next = j;
		}
	}
	for (size_t j = 0; j <= a->n; j++) {
		if (a->done[j]) {
			a->row_price[a->row_of[j]] += step;
			a->column_price[j] -= step;
		} else {
			a->slack[j] -= step;
		}
	}
	return next;
}

static void assign_row(struct assignment *a, size_t row)
{
	size_t column = 0;

	a->row_of[0] = row;
	for (size_t j = 0; j <= a->n; j++) {
		a->slack[j] = INFINITY;
		a->done[j] = 0;
	}
	do {
		column = grow(a, column);
	} while (a->row_of[column]);
	while (column) {
		a->row_of[column] = a->row_of[a->from[column]];
		column = a->from[column];
	}
}

static double euclid(int dim, const double *a, const double *b)
{
	return distance_l2((size_t)dim, a, b);
}

int distance_w1(int dim, size_t n, const double *q, const double *p, double *w1)
{
	const size_t d = (size_t)dim, m = n + 1;
	double *cost = memory_alloc_array(dim == 1 ? 2 : n, n * sizeof *cost);
	double *prices = memory_alloc_array(3 * m, sizeof *prices);
	size_t *columns = memory_alloc_array(2 * m, sizeof *columns);
	char *done = memory_alloc(m);
	int status = cost && prices && columns && done ? LACUNA_OK : LACUNA_ENOMEM;

	*w1 = 0;
	if (!status && dim == 1) {
		memcpy(cost, q, n * sizeof *cost);
		memcpy(cost + n, p, n * sizeof *cost);
		*w1 = sorted_cost(n, cost, cost + n, 1);
	} else if (!status) {
		struct assignment a = { n,	 cost,	      prices, prices + m, prices + 2 * m,
					columns, columns + m, done };

		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				cost[i * n + j] = euclid(dim, q + i * d, p + j * d);
		for (size_t row = 1; row <= n; row++)
			assign_row(&a, row);
		for (size_t j = 1; j <= n; j++)
			*w1 += cost[(a.row_of[j] - 1) * n + j - 1] / (double)n;
	}
	memory_release(done);
	memory_release(columns);
	memory_release(prices);
	memory_release(cost);
	return status;
}

/* ---- transport to points ----------------------------------------------------------------------------- */

/* Each vector is at one of the points; the edge from a to b moves the vector of a that is cheapest to move. */
struct transport {
	int dim;
	size_t n, points;
	const double *x, *at;
	size_t *place;	   /* point of each vector */
	ptrdiff_t *excess; /* surplus of vectors at each point */
	double *edge;	   /* points x points */
	size_t *mover;	   /* vector that each edge moves */
	double *length;	   /* of the shortest path to each point */
	size_t *from;
};

static double cost(const struct transport *t, size_t i, size_t k)
{
	return euclid(t->dim, t->x + i * (size_t)t->dim, t->at + k * (size_t)t->dim);
}

static void put_nearest(struct transport *t)
{
	for (size_t i = 0; i < t->n; i++) {
		for (size_t k = 1; k < t->points; k++)
			if (cost(t, i, k) < cost(t, i, t->place[i]))
				t->place[i] = k;
		t->excess[t->place[i]]++;
	}
}

/* Subtracts the number of vectors that belong at each point from its excess. */
static void set_capacity(struct transport *t, const double *weight)
{
	double share = 0;
	size_t before = 0;

	for (size_t k = 0; k < t->points; k++) {
		size_t upto;

		share += weight[k];
		upto = k + 1 == t->points ? t->n : (size_t)(share * (double)t->n + 0.5);
		t->excess[k] -= (ptrdiff_t)(upto - before);
		before = upto;
	}
}

static void find_edges(struct transport *t, size_t a)
{
	double *edge = t->edge + a * t->points;

	for (size_t b = 0; b < t->points; b++)
		edge[b] = INFINITY;
	for (size_t i = 0; i < t->n; i++) {
		if (t->place[i] != a)
			continue;
		const double here = cost(t, i, a);

		for (size_t b = 0; b < t->points; b++) {
			const double c = cost(t, i, b) - here;

			if (b != a && c < edge[b]) {
				edge[b] = c;
				t->mover[a * t->points + b] = i;
			}
		}
	}
}

/* Finds shortest paths from all points with a surplus (Bellman and Ford: edges may be negative, cycles are not).  Returns
 * the nearest point with a deficit, or `points' if none can be reached. */
static size_t find_path(struct transport *t)
{
	size_t best = t->points;
	int changed = 1;

	for (size_t k = 0; k < t->points; k++) {
		t->length[k] = t->excess[k] > 0 ? 0 : INFINITY;
		t->from[k] = k;
	}
	for (size_t round = 0; changed && round < t->points; round++) {
		changed = 0;
		for (size_t a = 0; a < t->points; a++)
			for (size_t b = 0; isfinite(t->length[a]) && b < t->points; b++) {
				const double l = t->length[a] + t->edge[a * t->points + b];

				/* Ignore gains that are only rounding. */
				if (l < t->length[b] - 1e-12) {
					t->length[b] = l;
					t->from[b] = a;
					changed = 1;
				}
			}
	}
	for (size_t k = 0; k < t->points; k++)
		if (t->excess[k] < 0 && isfinite(t->length[k]) &&
		    (best == t->points || t->length[k] < t->length[best]))
			best = k;
	return best;
}

static void push(struct transport *t, size_t b)
{
	const size_t last = b;

	t->excess[b]++;
	for (; t->from[b] != b; b = t->from[b])
		t->place[t->mover[t->from[b] * t->points + b]] = b;
	t->excess[b]--;
	for (b = last; t->from[b] != b; b = t->from[b])
		find_edges(t, b);
	find_edges(t, b);
}

int distance_w1_points(int dim, size_t n, const double *x, size_t points, const double *at,
		       const double *weight, double *w1)
{
	struct transport t = { .dim = dim, .n = n, .points = points, .x = x, .at = at };
	size_t b;
	int status = LACUNA_ENOMEM;

	t.place = memory_alloc_array(n, sizeof *t.place);
	t.excess = memory_alloc_array(points, sizeof *t.excess);
	t.edge = memory_alloc_array(points, points * sizeof *t.edge);
	t.mover = memory_alloc_array(points, points * sizeof *t.mover);
	t.length = memory_alloc_array(points, sizeof *t.length);
	t.from = memory_alloc_array(points, sizeof *t.from);
	if (t.place && t.excess && t.edge && t.mover && t.length && t.from)
		status = LACUNA_OK;
	*w1 = 0;
	if (!status) {
		put_nearest(&t);
		set_capacity(&t, weight);
		for (size_t a = 0; a < points; a++)
			find_edges(&t, a);
		while ((b = find_path(&t)) < points)
			push(&t, b);
	}
	for (size_t i = 0; !status && i < n; i++)
		*w1 += cost(&t, i, t.place[i]) / (double)n;
	memory_release(t.place);
	memory_release(t.excess);
	memory_release(t.edge);
	memory_release(t.mover);
	memory_release(t.length);
	memory_release(t.from);
	return status;
}
