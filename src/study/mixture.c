/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Gaussian mixtures.  Each component follows Gaussian conditioning (Bishop 2006, section 2.3); its weight is multiplied
 * by its likelihood of the measurement. */
#include <config.h>

#include "study/mixture.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "base/random.h"
#include "base/vector.h"

#include <errno.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double log_2pi = 1.8378770664093453;

int mixture_create(struct mixture *m, int dim, int count)
{
	const size_t d = (size_t)dim, k = (size_t)count;

	*m = (struct mixture){ .dim = dim, .count = count };
	m->weight = memory_alloc_array(k, sizeof(double));
	m->mean = memory_alloc_array(k * d, sizeof(double));
	m->cov = memory_alloc_array(k * d, d * sizeof(double));
	if (!m->weight || !m->mean || !m->cov) {
		mixture_free(m);
		return LACUNA_ENOMEM;
	}
	for (size_t i = 0; i < k; i++)
		m->weight[i] = 1 / (double)k;
	return LACUNA_OK;
}

void mixture_free(struct mixture *m)
{
	memory_release(m->weight);
	memory_release(m->mean);
	memory_release(m->cov);
	*m = (struct mixture){ 0 };
}

int mixture_copy(const struct mixture *from, struct mixture *to)
{
	const size_t d = (size_t)from->dim, k = (size_t)from->count;
	const int status = mixture_create(to, from->dim, from->count);

	if (status)
		return status;
	memcpy(to->weight, from->weight, k * sizeof(double));
	memcpy(to->mean, from->mean, k * d * sizeof(double));
	memcpy(to->cov, from->cov, k * d * d * sizeof(double));
	return LACUNA_OK;
}

static double *mean_of(const struct mixture *m, int k)
{
	return m->mean + (size_t)k * (size_t)m->dim;
}

static double *cov_of(const struct mixture *m, int k)
{
	return m->cov + (size_t)k * (size_t)m->dim * (size_t)m->dim;
}

/* ---- text -------------------------------------------------------------------------------------------- */

static const char blanks[] = " \t\r\n";

/* First pass: finds dim and count. */
static int measure_text(const char *path, FILE *file, int *dim, int *count)
{
	char *line = NULL;
	size_t size = 0;
	double d = 0;

	*count = 0;
	while (getline(&line, &size, file) >= 0) {
		if (!strncmp(line, "dim", 3))
			d = strtod(line + 3, NULL);
		*count += !strncmp(line + strspn(line, blanks), "component", 9);
	}
	free(line);
	rewind(file);
	*dim = d >= 1 && d <= 256 ? (int)d : 0;
	if (!*dim || !*count)
		return error_set(LACUNA_EINVAL,
				 "%s: a mixture must begin with 'dim D' and have components; see "
				 "'lacuna help prior gmm'",
				 path);
	return LACUNA_OK;
}

struct reader {
	struct mixture *m;
	int k, row; /* the component being read, and the next row of its cov */
};

static int read_statement(struct reader *r, const char *word, char *rest)
{
	const int d = r->m->dim;
	double value;

	if (!strcmp(word, "dim"))
		return 1;
	if (!strcmp(word, "component")) {
		r->row = 0;
		return numbers_read(rest, &r->m->weight[++r->k], 1) == 1 && r->m->weight[r->k] > 0;
	}
	if (r->k < 0)
		return 0;
	if (!strcmp(word, "mean"))
		return numbers_read(rest, mean_of(r->m, r->k), d) == d;
	if (!strcmp(word, "cov"))
		return r->row < d &&
		       numbers_read(rest, cov_of(r->m, r->k) + (size_t)r->row++ * (size_t)d, d) ==
			       d;
	if (strcmp(word, "var") != 0 || numbers_read(rest, &value, 1) != 1 || value < 0)
		return 0;
	for (int i = 0; i < d; i++)
		cov_of(r->m, r->k)[i * (d + 1)] = value;
	return 1;
}

static int read_text(const char *path, FILE *file, struct mixture *m)
{
	struct reader r = { .m = m, .k = -1 };
	char *line = NULL;
	size_t size = 0;
	int status = LACUNA_OK, number = 0;

	while (!status && getline(&line, &size, file) >= 0) {
		char *rest, *word;

		number++;
		line[strcspn(line, "#")] = 0;
		word = strtok_r(line, blanks, &rest);
		if (word && !read_statement(&r, word, rest))
			status =
				error_set(LACUNA_EINVAL,
					  "%s: line %d cannot be read; see 'lacuna help prior gmm'",
					  path, number);
	}
	free(line);
	return status;
}

int mixture_read(const char *path, struct mixture *m)
{
	FILE *file = file_stream(path);
	double sum = 0;
	int dim, count, status;

	*m = (struct mixture){ 0 };
	if (!file)
		return LACUNA_EIO;
	status = measure_text(path, file, &dim, &count);
	if (!status)
		status = mixture_create(m, dim, count);
	if (!status)
		status = read_text(path, file, m);
	fclose(file);
	for (int k = 0; !status && k < count; k++)
		sum += m->weight[k];
	for (int k = 0; !status && k < count; k++)
		m->weight[k] /= sum;
	if (status)
		mixture_free(m);
	return status;
}

static int is_isotropic(int dim, const double *cov)
{
	for (int i = 0; i < dim * dim; i++)
		if (cov[i] != (i % (dim + 1) ? 0 : cov[0]))
			return 0;
	return 1;
}

static void print_row(FILE *f, const char *word, int n, const double *values)
{
	fputs(word, f);
	for (int i = 0; i < n; i++)
		fprintf(f, " %.17g", values[i]);
	fputc('\n', f);
}

char *mixture_text(const struct mixture *m)
{
	char *text = NULL, *copy;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f) {
		error_set(LACUNA_ENOMEM, "out of memory");
		return NULL;
	}
	fprintf(f, "dim %d\n", m->dim);
	for (int k = 0; k < m->count; k++) {
		print_row(f, "component", 1, &m->weight[k]);
		print_row(f, "mean", m->dim, mean_of(m, k));
		if (is_isotropic(m->dim, cov_of(m, k)))
			print_row(f, "var", 1, cov_of(m, k));
		else
			for (int i = 0; i < m->dim; i++)
				print_row(f, "cov", m->dim, cov_of(m, k) + i * m->dim);
	}
	fclose(f);
	copy = memory_strdup(text);
	free(text);
	return copy;
}

/* ---- conditioning ------------------------------------------------------------------------------------ */

/* Work space for one component. */
struct conditioning {
	int d, rows;
	const double *h, *y;
	double noise2;
	double *hs;	  /* H S: rows x d */
	double *chol;	  /* of H S H' + noise^2 I */
	double *residual; /* y - H m */
	double *solved;	  /* chol^-1 applied to it */
	double *gain;	  /* (H S H' + noise^2)^-1 H S: rows x d, the Kalman gain transposed */
	double *left;	  /* I - K H */
	double *product;
};

static int allocate_conditioning(struct conditioning *c)
{
	const size_t d = (size_t)c->d, p = (size_t)c->rows;
	double *at = memory_alloc_array(2 * p * d + p * p + 2 * p + 2 * d * d, sizeof *at);

	if (!at)
		return LACUNA_ENOMEM;
	c->hs = at;
	c->gain = c->hs + p * d;
	c->chol = c->gain + p * d;
	c->residual = c->chol + p * p;
	c->solved = c->residual + p;
	c->left = c->solved + p;
	c->product = c->left + d * d;
	return LACUNA_OK;
}

/* c = a b; a is m x k, b is k x n, stored by rows. */
static void multiply(int m, int k, int n, const double *a, const double *b, double *c)
{
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++) {
			double sum = 0;

			for (int l = 0; l < k; l++)
				sum += a[i * k + l] * b[l * n + j];
			c[i * n + j] = sum;
		}
}

/* Computes the factor of H S H' + noise^2 I, the residual, and the log-likelihood of y. */
static int weigh_component(struct conditioning *c, const double *mean, const double *cov,
			   double *log_likelihood)
{
	const int d = c->d, p = c->rows;

	multiply(p, d, d, c->h, cov, c->hs);
	for (int i = 0; i < p; i++) {
		c->residual[i] = c->y[i];
		for (int j = 0; j < d; j++)
			c->residual[i] -= c->h[i * d + j] * mean[j];
		for (int l = 0; l < p; l++) {
			c->chol[i * p + l] = i == l ? c->noise2 : 0;
			for (int j = 0; j < d; j++)
				c->chol[i * p + l] += c->hs[i * d + j] * c->h[l * d + j];
		}
	}
	if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', p, c->chol, p))
		return error_set(
			LACUNA_ENUMERIC,
			"the measurement of this target is singular; give more noise (-n)");
	memcpy(c->solved, c->residual, (size_t)p * sizeof(double));
	memcpy(c->gain, c->hs, (size_t)p * (size_t)d * sizeof(double));
	LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', p, 1, c->chol, p, c->solved, 1);
	LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', p, d, c->chol, p, c->gain, d);
	*log_likelihood = -p * log_2pi / 2;
	for (int i = 0; i < p; i++)
		*log_likelihood -= c->residual[i] * c->solved[i] / 2 + log(c->chol[i * (p + 1)]);
	return LACUNA_OK;
}

/* mean += K r; cov = (I - K H) S (I - K H)' + noise^2 K K': this form stays positive semidefinite. */
static void update_component(const struct conditioning *c, double *mean, double *cov)
{
	const int d = c->d, p = c->rows;

	for (int i = 0; i < d; i++)
		for (int l = 0; l < p; l++)
			mean[i] += c->gain[l * d + i] * c->residual[l];
	for (int i = 0; i < d; i++)
		for (int j = 0; j < d; j++) {
			c->left[i * d + j] = i == j;
			for (int l = 0; l < p; l++)
				c->left[i * d + j] -= c->gain[l * d + i] * c->h[l * d + j];
		}
	multiply(d, d, d, c->left, cov, c->product);
	for (int i = 0; i < d; i++)
		for (int j = 0; j < d; j++) {
			double sum = 0;

			for (int l = 0; l < d; l++)
				sum += c->product[i * d + l] * c->left[j * d + l];
			for (int l = 0; l < p; l++)
				sum += c->noise2 * c->gain[l * d + i] * c->gain[l * d + j];
			cov[i * d + j] = sum;
		}
}

int mixture_condition(const struct mixture *prior, int rows, const double *h, const double *y,
		      double noise, struct mixture *posterior)
{
	/* With noise 0, H S H' of points would be singular. */
	const double least = fmax(noise, 1e-6);
	struct conditioning c = {
		.d = prior->dim, .rows = rows, .h = h, .y = y, .noise2 = least * least
	};
	double most = -INFINITY, sum = 0;
	int status = mixture_copy(prior, posterior);

	if (!status)
		status = allocate_conditioning(&c);
	for (int k = 0; !status && k < prior->count; k++) {
		double fit = 0;

		status = weigh_component(&c, mean_of(prior, k), cov_of(prior, k), &fit);
		if (!status)
			update_component(&c, mean_of(posterior, k), cov_of(posterior, k));
		posterior->weight[k] = log(prior->weight[k]) + fit;
		most = fmax(most, posterior->weight[k]);
	}
	for (int k = 0; !status && k < prior->count; k++) {
		posterior->weight[k] = exp(posterior->weight[k] - most);
		sum += posterior->weight[k];
	}
	for (int k = 0; !status && k < prior->count; k++)
		posterior->weight[k] /= sum;
	memory_release(c.hs);
	if (status)
		mixture_free(posterior);
	return status;
}

void mixture_smear(struct mixture *m, double sigma)
{
	for (int k = 0; k < m->count; k++)
		for (int i = 0; i < m->dim; i++)
			cov_of(m, k)[i * (m->dim + 1)] += sigma * sigma;
}

void mixture_moments(const struct mixture *m, double *mean, double *cov)
{
	const int d = m->dim;

	memset(mean, 0, (size_t)d * sizeof *mean);
	memset(cov, 0, (size_t)d * (size_t)d * sizeof *cov);
	for (int k = 0; k < m->count; k++)
		for (int i = 0; i < d; i++)
			mean[i] += m->weight[k] * mean_of(m, k)[i];
	for (int k = 0; k < m->count; k++)
		for (int i = 0; i < d; i++)
			for (int j = 0; j < d; j++)
				cov[i * d + j] +=
					m->weight[k] * (cov_of(m, k)[i * d + j] +
							(mean_of(m, k)[i] - mean[i]) *
								(mean_of(m, k)[j] - mean[j]));
}

/* ---- sampling ---------------------------------------------------------------------------------------- */

/* Cholesky, column by column.  An eigenvector root would not be reproducible: equal eigenvalues leave the vectors
 * arbitrary. */
void mixture_root(int dim, const double *cov, double *root)
{
	const size_t d = (size_t)dim;

	memset(root, 0, d * d * sizeof *root);
	for (size_t j = 0; j < d; j++) {
		double pivot = cov[j * d + j];

		for (size_t k = 0; k < j; k++)
			pivot -= root[j * d + k] * root[j * d + k];
		/* A pivot of mere rounding error: earlier coordinates determine this one. */
		if (!(pivot > 1e-14 * cov[j * d + j]))
			continue;
		root[j * d + j] = sqrt(pivot);
		for (size_t i = j + 1; i < d; i++) {
			double sum = cov[i * d + j];

			for (size_t k = 0; k < j; k++)
				sum -= root[i * d + k] * root[j * d + k];
			root[i * d + j] = sum / root[j * d + j];
		}
	}
}

/* Draws vectors first..end-1 from component k; z: standard normals for all n vectors. */
static void draw(const struct mixture *m, int k, const double *root, const float *z, size_t first,
		 size_t end, double *x)
{
	const size_t d = (size_t)m->dim;

	for (size_t i = first; i < end; i++)
		for (size_t a = 0; a < d; a++) {
			double value = mean_of(m, k)[a];

			for (size_t b = 0; b < d; b++)
				value += root[a * d + b] * (double)z[i * d + b];
			x[i * d + a] = value;
		}
}

/* Distribution function of a one-dimensional mixture. */
static double below(const struct mixture *m, double x)
{
	double sum = 0;

	for (int k = 0; k < m->count; k++) {
		const double sd = sqrt(m->cov[k]);

		if (sd > 0)
			sum += m->weight[k] * erfc((m->mean[k] - x) / (sd * sqrt(2))) / 2;
		else
			sum += x >= m->mean[k] ? m->weight[k] : 0;
	}
	return sum;
}

static void quantiles(const struct mixture *m, size_t n, double *x)
{
	double least = INFINITY, most = -INFINITY;

	for (int k = 0; k < m->count; k++) {
		least = fmin(least, m->mean[k] - 10 * sqrt(m->cov[k]));
		most = fmax(most, m->mean[k] + 10 * sqrt(m->cov[k]));
	}
	for (size_t i = 0; i < n; i++) {
		const double p = ((double)i + 0.5) / (double)n;
		double a = i ? x[i - 1] : least, b = most;

		for (int step = 0; step < 50; step++) {
			const double middle = (a + b) / 2;

			if (below(m, middle) < p)
				a = middle;
			else
				b = middle;
		}
		x[i] = b;
	}
}

/* n ascending numbers in 0..1, from which the components follow by weight.  even: equally spaced. */
static void spread(struct random_key key, int even, size_t n, float *position)
{
	random_uniform(key, 0, 0, position, n);
	if (!even)
		vector_sort(n, position);
	for (size_t i = n; even && i-- > 0;)
		position[i] = (float)(((double)i + (double)position[0]) / (double)n);
}

static int sample(const struct mixture *m, uint64_t seed, int even, size_t n, double *x)
{
	const struct random_key key = { seed, 0, 0 };
	const size_t d = (size_t)m->dim;
	float *z = memory_alloc_array(n * d, sizeof *z);
	float *position = memory_alloc_array(n, sizeof *position);
	double *root = memory_alloc_array(d, d * sizeof *root), share = 0;
	size_t first = 0;
	int status = z && position && root ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status) {
		random_gaussian(key, 0, 0, z, n * d);
		spread(key, even, n, position);
	}
	for (int k = 0; !status && k < m->count; k++) {
		size_t end = first;

		share += m->weight[k];
		while (end < n && ((double)position[end] < share || k + 1 == m->count))
			end++;
		if (end == first)
			continue;
		mixture_root(m->dim, cov_of(m, k), root);
		draw(m, k, root, z, first, end, x);
		first = end;
	}
	memory_release(root);
	memory_release(position);
	memory_release(z);
	return status;
}

int mixture_sample(const struct mixture *m, uint64_t seed, size_t n, double *x)
{
	if (m->dim > 1)
		return sample(m, seed, 1, n, x);
	quantiles(m, n, x);
	return LACUNA_OK;
}

int mixture_sample_independent(const struct mixture *m, uint64_t seed, size_t n, double *x)
{
	return sample(m, seed, 0, n, x);
}

/* ---- density, posterior mean ------------------------------------------------------------------------- */

/* Cholesky factors of all covariances. */
struct factors {
	double *chol, *log_norm; /* log_norm: log weight - log det/2 - d log(2 pi)/2 */
	double *solved;		 /* C_k^-1 (u - m_k) for all k */
	double *part;		 /* responsibilities */
};

static void free_factors(struct factors *f)
{
	memory_release(f->chol);
	memory_release(f->log_norm);
	memory_release(f->solved);
	memory_release(f->part);
}

static int factorise(const struct mixture *m, double sigma, struct factors *f)
{
	const size_t d = (size_t)m->dim, count = (size_t)m->count;

	f->chol = memory_alloc_array(count * d, d * sizeof(double));
	f->log_norm = memory_alloc_array(count, sizeof(double));
	f->solved = memory_alloc_array(count * d, sizeof(double));
	f->part = memory_alloc_array(count, sizeof(double));
	if (!f->chol || !f->log_norm || !f->solved || !f->part)
		return LACUNA_ENOMEM;
	memcpy(f->chol, m->cov, count * d * d * sizeof(double));
	for (int k = 0; k < m->count; k++) {
		double *c = f->chol + (size_t)k * d * d;

		for (size_t i = 0; i < d; i++)
			c[i * (d + 1)] += sigma * sigma;
		if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', m->dim, c, m->dim))
			return error_set(LACUNA_ENUMERIC, "a covariance is singular");
		f->log_norm[k] = log(m->weight[k]) - (double)d * log_2pi / 2;
		for (size_t i = 0; i < d; i++)
			f->log_norm[k] -= log(c[i * (d + 1)]);
	}
	return LACUNA_OK;
}

/* Computes the responsibilities for one vector; returns its log density. */
static double weigh(const struct mixture *m, const struct factors *f, const double *u)
{
	const int d = m->dim;
	double most = -INFINITY, sum = 0;

	for (int k = 0; k < m->count; k++) {
		const double *c = f->chol + (size_t)k * (size_t)(d * d);
		double *s = f->solved + (size_t)k * (size_t)d, q = 0;

		for (int i = 0; i < d; i++) { /* solves L s = u - m, then L' s = s */
			s[i] = u[i] - mean_of(m, k)[i];
			for (int j = 0; j < i; j++)
				s[i] -= c[i * d + j] * s[j];
			s[i] /= c[i * (d + 1)];
			q += s[i] * s[i];
		}
		for (int i = d - 1; i >= 0; i--) {
			for (int j = i + 1; j < d; j++)
				s[i] -= c[j * d + i] * s[j];
			s[i] /= c[i * (d + 1)];
		}
		f->part[k] = f->log_norm[k] - q / 2;
		most = fmax(most, f->part[k]);
	}
	for (int k = 0; k < m->count; k++) {
		f->part[k] = exp(f->part[k] - most);
		sum += f->part[k];
	}
	for (int k = 0; k < m->count; k++)
		f->part[k] /= sum;
	return most + log(sum);
}

int mixture_denoise(const struct mixture *m, double sigma, size_t n, const double *u, double *x0)
{
	const size_t d = (size_t)m->dim;
	struct factors f = { 0 };
	const int status = factorise(m, sigma, &f);

	/* u + sigma^2 score(u); the score is - sum_k part_k C_k^-1 (u - m_k) */
	for (size_t i = 0; !status && i < n; i++) {
		weigh(m, &f, u + i * d);
		for (size_t a = 0; a < d; a++) {
			double pull = 0;

			for (int k = 0; k < m->count; k++)
				pull += f.part[k] * f.solved[(size_t)k * d + a];
			x0[i * d + a] = u[i * d + a] - sigma * sigma * pull;
		}
	}
	free_factors(&f);
	return status;
}

int mixture_log_density(const struct mixture *m, size_t n, const double *x, double *log_density)
{
	struct factors f = { 0 };
	const int status = factorise(m, 0, &f);

	for (size_t i = 0; !status && i < n; i++)
		log_density[i] = weigh(m, &f, x + i * (size_t)m->dim);
	free_factors(&f);
	return status;
}
