/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Gaussian mixture over vectors of dimension d, p(x0) = sum_k w_k N(x0; m_k, S_k): the laboratory prior, of which every
 * posterior is known.  An image is taken as consecutive vectors of d values, independent of each other, so that an
 * image d wide and N high runs N chains at once.
 *
 * Given u = x0 + noise of covariance R (sigma^2 I, or the diagonal of a sigma map), with C_k = S_k + R, s_k = C_k^-1 (u - m_k):
 *
 *	E[x0 | u] = sum_k pi_k (m_k + S_k s_k),   log pi_k = log w_k - log det(C_k)/2 - (u - m_k)' s_k/2 + const. */
#include <lacuna/plugin.h>
#include "common/model.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

struct config {
	const char *file;
};

/* Vectors are worked on in tiles, and tiles in a number of tasks that does not depend on the threads. */
enum { TILE = 64, TASKS = 32 };

struct gmm {
	const struct lacuna_host *host;
	struct model model;
	size_t vectors;
};

static void destroy(void *self)
{
	struct gmm *p = self;

	if (!p)
		return;
	model_free(p->host, &p->model);
	p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	const size_t n = lacuna_count(&problem->x);
	struct gmm *p = host->alloc(host, sizeof *p);
	int status;

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	status = model_read(host, c->file, &p->model);
	if (status == LACUNA_OK && n % (size_t)p->model.dim)
		status = host->fail(host, LACUNA_EINVAL,
				    "%s: the image has %zu values, which is no multiple of dim %d",
				    c->file, n, p->model.dim);
	if (status) {
		destroy(p);
		return status;
	}
	p->vectors = n / (size_t)p->model.dim;
	*self = p;
	return LACUNA_OK;
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->channels = 0;
	i->blind = 0;
	i->sigma_min = 1e-6;
	i->sigma_max = 1e6;
}

/* ---- work space: the Cholesky factors of one sigma for all, then one part for each task ------------------ */

struct factors {
	double *chol;	 /* of C_k, lower, K matrices */
	double *log_det; /* log det(C_k)/2 */
};

struct task {
	struct factors own; /* of one vector, for a sigma map */
	double *s;	    /* s_k: K tiles of vectors */
	double *weight;	    /* pi_k: K for a vector */
	double *mean, *sum; /* vectors */
};

static size_t factors_doubles(const struct model *m)
{
	return (size_t)m->count * ((size_t)m->dim * (size_t)m->dim + 1);
}

static size_t task_doubles(const struct model *m)
{
	return factors_doubles(m) + (size_t)m->count * ((size_t)m->dim * TILE + 1) +
	       3 * (size_t)m->dim;
}

static size_t scratch_bytes(const void *self)
{
	const struct gmm *p = self;

	return (factors_doubles(&p->model) + TASKS * task_doubles(&p->model)) * sizeof(double);
}

static struct factors factors_at(const struct model *m, double *at)
{
	return (struct factors){ at, at + (size_t)m->count * (size_t)m->dim * (size_t)m->dim };
}

static struct task task_at(const struct model *m, double *at)
{
	struct task t = { .own = factors_at(m, at) };

	t.s = at + factors_doubles(m);
	t.weight = t.s + (size_t)m->count * (size_t)m->dim * TILE;
	t.mean = t.weight + m->count;
	t.sum = t.mean + m->dim;
	return t;
}

/* ---- one vector ------------------------------------------------------------------------------------ */

/* C_k = S_k + diag(sigma^2); sigma: one value (step 0) or d values (step 1). */
static void factorise(const struct model *m, const float *map, double sigma, struct factors f)
{
	const size_t d = (size_t)m->dim;

	for (int k = 0; k < m->count; k++) {
		double *c = f.chol + (size_t)k * d * d, log_det = 0;

		memcpy(c, m->cov + (size_t)k * d * d, d * d * sizeof *c);
		for (size_t i = 0; i < d; i++) {
			const double sd = map ? (double)map[i] : sigma;

			c[i * d + i] += sd * sd;
		}
		if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', m->dim, c, m->dim) != 0)
			log_det = NAN; /* sigma is not a number: so is the result */
		for (size_t i = 0; i < d; i++)
			log_det += log(c[i * d + i]);
		f.log_det[k] = log_det;
	}
}

/* s_k for `count' vectors */
static void solve(const struct model *m, struct factors f, const float *u, int count, double *s)
{
	const size_t d = (size_t)m->dim;

	for (int k = 0; k < m->count; k++) {
		double *sk = s + (size_t)k * d * TILE;

		for (int j = 0; j < count; j++)
			for (size_t i = 0; i < d; i++)
				sk[(size_t)j * d + i] =
					u[(size_t)j * d + i] - m->mean[(size_t)k * d + i];
		LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'L', m->dim, count,
				    f.chol + (size_t)k * d * d, m->dim, sk, m->dim);
	}
}

/* pi_k of vector j of a tile */
static void responsibilities(const struct model *m, struct factors f, const float *u,
			     const double *s, int j, double *weight)
{
	const size_t d = (size_t)m->dim;
	double most = -INFINITY, sum = 0;

	for (int k = 0; k < m->count; k++) {
		const double *sk = s + (size_t)k * d * TILE + (size_t)j * d;
		double q = 0;

		for (size_t i = 0; i < d; i++)
			q += (u[i] - m->mean[(size_t)k * d + i]) * sk[i];
		weight[k] = m->log_weight[k] - f.log_det[k] - q / 2;
		most = fmax(most, weight[k]);
	}
	for (int k = 0; k < m->count; k++) {
		weight[k] = exp(weight[k] - most);
		sum += weight[k];
	}
	for (int k = 0; k < m->count; k++)
		weight[k] /= sum;
}

/* m_k + S_k s_k */
static void component_mean(const struct model *m, int k, const double *s, double *mean)
{
	const size_t d = (size_t)m->dim;
	const double *cov = m->cov + (size_t)k * d * d;

	for (size_t i = 0; i < d; i++) {
		mean[i] = m->mean[(size_t)k * d + i];
		for (size_t j = 0; j < d; j++)
			mean[i] += cov[i * d + j] * s[j];
	}
}

static void posterior_mean(const struct model *m, const struct task *t, int j, float *x0)
{
	const size_t d = (size_t)m->dim;

	memset(t->sum, 0, d * sizeof *t->sum);
	for (int k = 0; k < m->count; k++) {
		component_mean(m, k, t->s + (size_t)k * d * TILE + (size_t)j * d, t->mean);
		for (size_t i = 0; i < d; i++)
			t->sum[i] += t->weight[k] * t->mean[i];
	}
	for (size_t i = 0; i < d; i++)
		x0[i] = (float)t->sum[i];
}

/* J' v of the posterior mean: sum_k pi_k C_k^-1 S_k v + sum_k pi_k (mean_k . v) (sbar - s_k), sbar = sum_k pi_k s_k. */
static void jacobian(const struct model *m, struct factors f, const struct task *t, int j,
		     const float *v, float *out)
{
	const size_t d = (size_t)m->dim;
	double all = 0; /* sum_k pi_k (mean_k . v) */

	memset(t->sum, 0, d * sizeof *t->sum);
	for (int k = 0; k < m->count; k++) {
		const double *s = t->s + (size_t)k * d * TILE + (size_t)j * d;
		const double *cov = m->cov + (size_t)k * d * d;
		double dot = 0;

		component_mean(m, k, s, t->mean);
		for (size_t i = 0; i < d; i++)
			dot += t->mean[i] * v[i];
		all += t->weight[k] * dot;
		for (size_t i = 0; i < d; i++) {
			t->sum[i] -= t->weight[k] * dot * s[i];
			t->mean[i] = 0;
			for (size_t l = 0; l < d; l++)
				t->mean[i] += cov[i * d + l] * v[l];
		}
		LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'L', m->dim, 1, f.chol + (size_t)k * d * d,
				    m->dim, t->mean, m->dim);
		for (size_t i = 0; i < d; i++)
			t->sum[i] += t->weight[k] * t->mean[i];
	}
	for (int k = 0; k < m->count; k++)
		for (size_t i = 0; i < d; i++)
			t->sum[i] +=
				all * t->weight[k] * t->s[(size_t)k * d * TILE + (size_t)j * d + i];
	for (size_t i = 0; i < d; i++)
		out[i] = (float)t->sum[i];
}

/* ---- all vectors ----------------------------------------------------------------------------------- */

struct job {
	const struct gmm *p;
	const float *map; /* sigma map, or NULL: `common' holds the factors */
	const float *u, *v;
	float *out;
	struct factors common;
	double *tasks;
};

static void tile(const struct job *job, const struct task *t, size_t first, int count)
{
	const struct model *m = &job->p->model;
	const size_t d = (size_t)m->dim;
	const struct factors f = job->map ? t->own : job->common;

	if (job->map)
		factorise(m, job->map + first * d, 0, f);
	solve(m, f, job->u + first * d, count, t->s);
	for (int j = 0; j < count; j++) {
		const size_t at = (first + (size_t)j) * d;

		responsibilities(m, f, job->u + at, t->s, j, t->weight);
		if (job->v)
			jacobian(m, f, t, j, job->v + at, job->out + at);
		else
			posterior_mean(m, t, j, job->out + at);
	}
}

static void run_task(void *arg, size_t i)
{
	const struct job *job = arg;
	const struct model *m = &job->p->model;
	const struct task t = task_at(m, job->tasks + i * task_doubles(m));
	const size_t n = job->p->vectors, end = n * (i + 1) / TASKS;
	const size_t most = job->map ? 1 : TILE; /* vectors that share their factors */

	for (size_t j = n * i / TASKS; j < end; j += most)
		tile(job, &t, j, (int)(end - j < most ? end - j : most));
}

static void run(const struct gmm *p, void *scratch, double sigma, struct job job)
{
	job.p = p;
	job.common = factors_at(&p->model, scratch);
	job.tasks = (double *)scratch + factors_doubles(&p->model);
	if (!job.map)
		factorise(&p->model, NULL, sigma, job.common);
	p->host->parallel(p->host, TASKS, run_task, &job);
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	run(self, scratch, sigma, (struct job){ .u = u, .out = x0 });
	return LACUNA_OK;
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	run(self, scratch, 0, (struct job){ .map = sigma, .u = u, .out = x0 });
	return LACUNA_OK;
}

static int vjp(const void *self, void *scratch, double sigma, const float *u, const float *v,
	       float *out)
{
	run(self, scratch, sigma, (struct job){ .u = u, .v = v, .out = out });
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_PATH(struct config, file, LACUNA_REQUIRED, NULL,
			  "text file that describes the mixture"),
};

static const struct lacuna_prior family = {
	.size = sizeof family,
	.create = create,
	.destroy = destroy,
	.info = info,
	.scratch = scratch_bytes,
	.denoise = denoise,
	.denoise_map = denoise_map,
	.vjp = vjp,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	"gmm",
	"Gaussian mixture over small vectors: every posterior known",
	"The exact posterior mean of a Gaussian mixture, for one sigma or a sigma per value. "
	"The image is taken as consecutive vectors of d values: an image d wide and N high "
	"holds N independent vectors, so that one run draws N samples. Use it to measure what "
	"samplers and guidances do where the truth is known.\n"
	"Not for photographs: patches that do not overlap know nothing of each other.\n"
	"The file holds one statement a line; '#' starts a comment:\n"
	"  dim 2\n"
	"  component 0.3      begins a component, with its weight\n"
	"  mean 0.1 0.2\n"
	"  var 0.01           isotropic; or a covariance, one line a row:\n"
	"  component 0.7\n"
	"  mean 0.6 0.5\n"
	"  cov 0.02 0.01\n"
	"  cov 0.01 0.03\n"
	"Weights need not sum to 1; a variance may be 0.\n"
	"Source: any text on Gaussian conditioning, such as Bishop, Pattern Recognition and "
	"Machine Learning, 2006, section 2.3.",
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
