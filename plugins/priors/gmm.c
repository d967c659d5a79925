/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Gaussian mixture over vectors of dimension d, p(x0) = sum_k w_k N(x0; m_k, S_k): a prior for experiments, whose
 * posteriors are all known. An image is a sequence of independent vectors of d consecutive values, so an image d wide and
 * N high runs N chains at once.
 *
 * Given u = x0 + noise of covariance R (sigma^2 I, or the diagonal of a sigma map), with C_k = S_k + R, s_k = C_k^-1
 * (u - m_k):
 *
 *	E[x0 | u] = sum_k pi_k (m_k + S_k s_k),   log pi_k = log w_k - log det(C_k)/2 - (u - m_k)' s_k/2 + const.
 *
 * By Bayes' rule u and a measurement y = A x0 + noise n together are equivalent to one vector, R
 * (u/sigma^2 + A'y/noise^2), with noise of covariance R = (I/sigma^2 + A'A/noise^2)^-1; these replace u and R above. */
#include <lacuna/conditional.h>
#include <lacuna/plugin.h>
#include "common/model.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

struct config {
	const char *file;
	double score_error;
};

/* Vectors are processed in tiles. The number of tasks does not depend on the number of threads, so that results do not
 * either. */
enum { TILE = 64, TASKS = 32 };

struct gmm {
	const struct lacuna_host *host;
	struct model model;
	size_t vectors;
	double error; /* of a score, in each coordinate */
	/* Set by condition(): A'A/noise^2, a d x d block for each vector (stride 0: one for all), and A'y/noise^2. */
	double *blocks;
	size_t stride;
	float *pull;
};

static void destroy(void *self)
{
	struct gmm *p = self;

	if (!p)
		return;
	p->host->release(p->host, p->pull);
	p->host->release(p->host, p->blocks);
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
	if (!status && n % (size_t)p->model.dim)
		status = host->fail(
			host, LACUNA_EINVAL,
			"%s: the image has %zu values; that must be a multiple of dim, %d", c->file,
			n, p->model.dim);
	if (status) {
		destroy(p);
		return status;
	}
	p->vectors = n / (size_t)p->model.dim;
	p->error = c->score_error / sqrt((double)p->model.dim);
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

/* ---- work space: scratch holds the factors common to all vectors; each task has its own part ------------------ */

struct factors {
	double *chol;	 /* of C_k, lower, K matrices */
	double *log_det; /* log det(C_k)/2 */
};

struct task {
	struct factors own; /* of one vector, for a sigma map or a measurement */
	double *cov;	    /* R of one vector */
	float *pivot;	    /* R (u/sigma^2 + A'y/noise^2) of a tile */
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
	const size_t d = (size_t)m->dim;

	return factors_doubles(m) + (size_t)m->count * (d * TILE + 1) + 3 * d + d * d +
	       (d * TILE + 1) / 2;
}

static size_t scratch_bytes(const void *self)
{
	const struct gmm *p = self;

	const size_t d = (size_t)p->model.dim;

	return (factors_doubles(&p->model) + d * d) * sizeof(double);
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
	t.cov = t.sum + 2 * m->dim;
	t.pivot = (float *)(t.cov + m->dim * m->dim);
	return t;
}

/* ---- one vector ------------------------------------------------------------------------------------ */

/* Noise of one vector: cov unless NULL, else map unless NULL, else sigma. */
struct noise {
	const double *cov;
	const float *map;
	double sigma;
};

/* C_k = S_k + R */
static void factorise(const struct model *m, struct noise noise, struct factors f)
{
	const size_t d = (size_t)m->dim;

	for (int k = 0; k < m->count; k++) {
		double *c = f.chol + (size_t)k * d * d, log_det = 0;

		memcpy(c, m->cov + (size_t)k * d * d, d * d * sizeof *c);
		for (size_t i = 0; i < d && !noise.cov; i++) {
			const double sd = noise.map ? (double)noise.map[i] : noise.sigma;

			c[i * d + i] += sd * sd;
		}
		for (size_t i = 0; i < d * d && noise.cov; i++)
			c[i] += noise.cov[i];
		if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', m->dim, c, m->dim) != 0)
			log_det = NAN; /* sigma is NaN; make the result NaN too */
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

/* R = (I/sigma^2 + block)^-1 */
static void invert_precision(size_t d, double precision, const double *block, double *cov)
{
	const int n = (int)d;

	memcpy(cov, block, d * d * sizeof *cov);
	for (size_t i = 0; i < d; i++)
		cov[i * d + i] += precision;
	if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', n, cov, n) != 0 ||
	    LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'L', n, cov, n) != 0)
		cov[0] = NAN; /* sigma is NaN; make the result NaN too */
	for (size_t j = 0; j < d; j++)
		for (size_t i = 0; i < j; i++)
			cov[j * d + i] = cov[i * d + j];
}

/* ---- all vectors ----------------------------------------------------------------------------------- */

struct job {
	const struct gmm *p;
	const float *map; /* sigma map, or NULL: `common' holds the factors */
	const float *u, *v;
	float *out;
	double precision; /* 1/sigma^2 for a measurement, else 0 */
	struct factors common;
	double *cov; /* R, where it is the same for all vectors */
};

/* R (u/sigma^2 + A'y/noise^2) */
static void pivots(const struct job *job, const double *cov, size_t first, int count, float *pivot)
{
	const size_t d = (size_t)job->p->model.dim;

	for (size_t j = 0; j < (size_t)count; j++)
		for (size_t i = 0; i < d; i++) {
			double sum = 0;

			for (size_t l = 0; l < d; l++) {
				const size_t at = (first + j) * d + l;

				sum += cov[i * d + l] *
				       (job->precision * job->u[at] + job->p->pull[at]);
			}
			pivot[j * d + i] = (float)sum;
		}
}

/* Returns the vectors of a tile: u, or the pivots given a measurement. Sets *f to their factors. */
static const float *prepare(const struct job *job, const struct task *t, size_t first, int count,
			    struct factors *f)
{
	const struct gmm *p = job->p;
	const struct model *m = &p->model;
	const size_t d = (size_t)m->dim;
	const int own = job->map || (job->precision > 0 && p->stride);

	*f = own ? t->own : job->common;
	if (job->precision > 0 && own)
		invert_precision(d, job->precision, p->blocks + first * p->stride, t->cov);
	if (own)
		factorise(m,
			  (struct noise){ job->map ? NULL : t->cov,
					  job->map ? job->map + first * d : NULL, 0 },
			  *f);
	if (job->precision == 0)
		return job->u + first * d;
	pivots(job, own ? t->cov : job->cov, first, count, t->pivot);
	return t->pivot;
}

static void tile(const struct job *job, const struct task *t, size_t first, int count)
{
	const struct model *m = &job->p->model;
	const size_t d = (size_t)m->dim;
	struct factors f;
	const float *u = prepare(job, t, first, count, &f);

	solve(m, f, u, count, t->s);
	for (int j = 0; j < count; j++) {
		const size_t at = (first + (size_t)j) * d;

		responsibilities(m, f, u + (size_t)j * d, t->s, j, t->weight);
		if (job->v)
			jacobian(m, f, t, j, job->v + at, job->out + at);
		else
			posterior_mean(m, t, j, job->out + at);
	}
}

static int run_task(void *arg, size_t i, void *scratch)
{
	const struct job *job = arg;
	const struct gmm *p = job->p;
	const struct task t = task_at(&p->model, scratch);
	const size_t n = p->vectors, end = n * (i + 1) / TASKS;
	/* vectors to a tile: one if each has its own factors */
	const size_t most = job->map || (job->precision > 0 && p->stride) ? 1 : TILE;

	for (size_t j = n * i / TASKS; j < end; j += most)
		tile(job, &t, j, (int)(end - j < most ? end - j : most));
	return LACUNA_OK;
}

static int run(const struct gmm *p, void *scratch, double sigma, struct job job)
{
	const size_t d = (size_t)p->model.dim;
	struct noise noise = { .sigma = sigma };

	job.p = p;
	job.common = factors_at(&p->model, scratch);
	job.cov = (double *)scratch + factors_doubles(&p->model);
	if (job.precision > 0 && !p->stride) {
		invert_precision(d, job.precision, p->blocks, job.cov);
		noise.cov = job.cov;
	}
	if (!job.map && !(job.precision > 0 && p->stride))
		factorise(&p->model, noise, job.common);
	return p->host->parallel(p->host, TASKS, task_doubles(&p->model) * sizeof(double), run_task,
				 &job);
}

/* Adds the effect of an error e of the variance-preserving score on the mean: e (1 - alpha_bar)/sqrt(alpha_bar). */
static void mislead(const struct gmm *p, const float *map, double sigma, float *x0)
{
	const size_t n = p->vectors * (size_t)p->model.dim;

	for (size_t i = 0; p->error > 0 && i < n; i++) {
		const double s = map ? (double)map[i] : sigma;

		x0[i] += (float)(p->error * s * s / sqrt(1 + s * s));
	}
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const int status = run(self, scratch, sigma, (struct job){ .u = u, .out = x0 });

	mislead(self, NULL, sigma, x0);
	return status;
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	const int status = run(self, scratch, 0, (struct job){ .map = sigma, .u = u, .out = x0 });

	mislead(self, sigma, 0, x0);
	return status;
}

static int vjp(const void *self, void *scratch, double sigma, const float *u, const float *v,
	       float *out)
{
	return run(self, scratch, sigma, (struct job){ .u = u, .v = v, .out = out });
}

static int conditional(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	return run(self, scratch, sigma,
		   (struct job){ .u = u, .out = x0, .precision = 1 / (sigma * sigma) });
}

/* ---- the measurement's blocks ------------------------------------------------------------------------ */

struct probe {
	const struct lacuna_host *host;
	size_t nx;
	float *x, *y, *z;
};

static int normal_product(const struct probe *q)
{
	const int status = q->host->problem->apply(q->host, q->x, q->y);

	return status ? status : q->host->problem->adjoint(q->host, NULL, q->y, q->z);
}

/* Reads column j of all blocks at once, with unit vector j in every vector. */
static int read_column(struct gmm *p, const struct probe *q, size_t j)
{
	const size_t d = (size_t)p->model.dim;
	int status;

	for (size_t i = 0; i < q->nx; i++)
		q->x[i] = i % d == j;
	status = normal_product(q);
	for (size_t i = 0; i < q->nx && !status; i++)
		p->blocks[i * d + j] = q->z[i];
	return status;
}

/* Fails if the operator couples vectors: A'A of a random image must equal that by the blocks. */
static int check_blocks(const struct gmm *p, const struct probe *q)
{
	static const uint64_t stream = UINT64_C(5) << 61;
	const size_t d = (size_t)p->model.dim;
	double off = 0, norm = 0;
	int status;

	q->host->gaussian(q->host, stream, 0, q->x, q->nx);
	status = normal_product(q);
	if (status)
		return status;
	for (size_t i = 0; i < q->nx; i++) {
		double sum = 0;

		for (size_t l = 0; l < d; l++)
			sum += p->blocks[i * d + l] * q->x[i / d * d + l];
		off += (q->z[i] - sum) * (q->z[i] - sum);
		norm += sum * sum;
	}
	if (off <= 1e-8 * norm)
		return LACUNA_OK;
	return q->host->fail(q->host, LACUNA_EUNSUPPORTED,
			     "the operator mixes vectors that the mixture treats as independent; "
			     "use an operator that acts within %zu consecutive values",
			     d);
}

/* Makes the blocks symmetric and divides them by noise^2. If all are equal, stride is 0 and the first serves for all. */
static void finish_blocks(struct gmm *p, double noise)
{
	const size_t d = (size_t)p->model.dim, size = d * d;

	p->stride = 0;
	for (size_t v = 0; v < p->vectors; v++) {
		double *b = p->blocks + v * size;

		for (size_t i = 0; i < d; i++)
			for (size_t j = 0; j <= i; j++)
				b[i * d + j] = b[j * d + i] =
					(b[i * d + j] + b[j * d + i]) / (2 * noise * noise);
		if (memcmp(b, p->blocks, size * sizeof *b) != 0)
			p->stride = size;
	}
}

static int condition(void *self, const struct lacuna_problem *problem, double noise)
{
	struct gmm *p = self;
	const struct lacuna_host *host = p->host;
	const size_t d = (size_t)p->model.dim;
	struct probe q = { .host = host, .nx = lacuna_count(&problem->x) };
	int status = LACUNA_ENOMEM;

	host->release(host, p->blocks);
	host->release(host, p->pull);
	p->blocks = host->alloc(host, q.nx * d * sizeof *p->blocks);
	p->pull = host->alloc(host, q.nx * sizeof *p->pull);
	q.x = host->alloc(host, q.nx * sizeof *q.x);
	q.y = host->alloc(host, lacuna_count(&problem->y) * sizeof *q.y);
	q.z = host->alloc(host, q.nx * sizeof *q.z);
	if (!p->blocks || !p->pull || !q.x || !q.y || !q.z)
		goto out;
	status = host->problem->adjoint(host, NULL, problem->measurement, p->pull);
	for (size_t i = 0; i < q.nx; i++)
		p->pull[i] = (float)(p->pull[i] / (noise * noise));
	for (size_t j = 0; j < d && !status; j++)
		status = read_column(p, &q, j);
	if (!status)
		status = check_blocks(p, &q);
	if (!status)
		finish_blocks(p, noise);
out:
	host->release(host, q.z);
	host->release(host, q.y);
	host->release(host, q.x);
	return status;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_PATH(struct config, file, LACUNA_REQUIRED, NULL,
			  "text file that describes the mixture"),
	LACUNA_PARAM_REAL(struct config, score_error, NULL, 0, 1e3, 0,
			  "error added to every score, a vector of this length, for studies"),
};

static const struct lacuna_prior_conditional conditional_family = { condition, conditional };

static const void *extension(const char *name)
{
	return strcmp(name, LACUNA_CONDITIONAL) ? NULL : &conditional_family;
}

static const struct lacuna_prior family = {
	.size = sizeof family,
	.create = create,
	.destroy = destroy,
	.info = info,
	.scratch = scratch_bytes,
	.denoise = denoise,
	.denoise_map = denoise_map,
	.vjp = vjp,
	.jvp = vjp, /* the derivative of a posterior mean is symmetric: covariance / sigma^2 */
	.extension = extension,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	"gmm",
	"Gaussian mixture of small vectors; every posterior is known",
	"The exact posterior mean of a Gaussian mixture, for one sigma or a sigma for each value, "
	"and for a linear measurement that acts within the vectors. The image is read as "
	"consecutive vectors of d values: an image d wide and N high holds N independent vectors, "
	"so one run draws N samples. Use it to measure samplers and guidances where the truth is "
	"known.\n\nDo not use it for photographs: it treats neighbouring patches as "
	"independent.\n\nThe file holds one statement on each line; '#' starts a comment:\ndim "
	"2\ncomponent 0.3 begins a component, with its weight\nmean 0.1 0.2\nvar 0.01 isotropic; "
	"or a covariance, one line for each row:\ncomponent 0.7\nmean 0.6 0.5\ncov 0.02 0.01\ncov "
	"0.01 0.03\nThe sum of the weights need not be 1; a variance may be 0.\n\nscore_error=E "
	"adds a vector of length E, along the diagonal, to the score of every variance-preserving "
	"state. The score then has an L2 error of exactly E.\n\nSource: any text on Gaussian "
	"conditioning, such as Bishop, Pattern Recognition and Machine Learning, 2006, section "
	"2.3.",
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
