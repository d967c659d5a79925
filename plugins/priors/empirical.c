/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The empirical measure of a set of images or points x_i: a prior that only knows its examples. Its posterior mean is a
 * softmax over them (De Bortoli 2022, arXiv 2208.05314, section 3; the optimal denoiser of a data set, Karras et al.
 * 2022, appendix B.3),
 *
 *	E[x0 | u] = sum_i w_i x_i,	log w_i = -||u - x_i||^2/(2 sigma^2) + const,
 *
 * A sigma map puts a sigma per value inside the norm. A measurement adds -||y - A x_i||^2/(2 noise^2) to log w_i.
 *
 * An evaluation passes over the examples once: a task keeps the largest log w so far and sums relative to it. */
#include <lacuna/conditional.h>
#include <lacuna/plugin.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct config {
	const char *file, *directory;
	int64_t stride;
};

/* The number of tasks does not depend on the number of threads, so that results do not either. */
enum { TASKS = 32, LANES = 16, RUN = 256 };

struct empirical {
	const struct lacuna_host *host;
	struct lacuna_shape x;
	size_t dim; /* values of an example */
	size_t row; /* floats from one example to the next: dim padded with 0 to a multiple of 64 bytes */
	size_t count, room;
	size_t vectors; /* number of vectors in the image */
	float *points;
	/* After condition(): A'y/noise^2, and ||A x_i||^2/(2 noise^2) for each example (and vector, if stride) */
	float *pull;
	double *energy;
	size_t energy_stride;
};

static void destroy(void *self)
{
	struct empirical *p = self;

	if (!p)
		return;
	p->host->release(p->host, p->energy);
	p->host->release(p->host, p->pull);
	p->host->release(p->host, p->points);
	p->host->release(p->host, p);
}

/* ---- examples ------------------------------------------------------------------------------------------ */

static int make_room(struct empirical *p, size_t more)
{
	const size_t room = p->count + more > 2 * p->room ? p->count + more : 2 * p->room;
	float *next;

	if (p->count + more <= p->room)
		return LACUNA_OK;
	next = p->host->alloc(p->host, room * p->row * sizeof *next);
	if (!next)
		return LACUNA_ENOMEM;
	if (p->count)
		memcpy(next, p->points, p->count * p->row * sizeof *next);
	p->host->release(p->host, p->points);
	p->points = next;
	p->room = room;
	return LACUNA_OK;
}

static void set_dim(struct empirical *p, size_t dim)
{
	p->dim = dim;
	p->row = (dim + LANES - 1) / LANES * LANES;
	p->vectors = lacuna_count(&p->x) / dim;
}

static int is_tiff(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (!strcasecmp(dot, ".tif") || !strcasecmp(dot, ".tiff"));
}

/* Takes each row of a matrix as a point. */
static int take_rows(struct empirical *p, const char *path, const struct lacuna_shape *s,
		     const float *values)
{
	const size_t dim = (size_t)s->extent[0], rows = (size_t)s->extent[1];
	int status;

	if (p->count == 0 && lacuna_count(&p->x) % dim == 0)
		set_dim(p, dim);
	if (dim != p->dim)
		return p->host->fail(p->host, LACUNA_EINVAL,
				     "%s: points have %zu values; the number of values of the "
				     "image must be a multiple of that",
				     path, dim);
	status = make_room(p, rows);
	for (size_t i = 0; i < rows && !status; i++)
		memcpy(p->points + p->count++ * p->row, values + i * dim, dim * sizeof *values);
	return status;
}

/* One tile of an image of shape s, from (left, top) of frame t. */
static void take_tile(struct empirical *p, const struct lacuna_shape *s, const float *values,
		      int64_t left, int64_t top, int64_t t)
{
	const int64_t *x = p->x.extent, *e = s->extent;
	float *out = p->points + p->count++ * p->row;

	for (int64_t c = 0; c < x[2]; c++)
		for (int64_t j = 0; j < x[1]; j++) {
			memcpy(out, values + left + e[0] * (top + j + e[1] * (c + e[2] * t)),
			       (size_t)x[0] * sizeof *out);
			out += x[0];
		}
}

/* Takes images as large as that of the problem, or cuts larger ones into tiles. */
static int take_tiles(struct empirical *p, int64_t stride, const struct lacuna_shape *s,
		      const float *values)
{
	const int64_t *x = p->x.extent, *e = s->extent;
	const int64_t sx = stride ? stride : x[0], sy = stride ? stride : x[1];
	const int64_t across = (e[0] - x[0]) / sx + 1, down = (e[1] - x[1]) / sy + 1;
	const int status = make_room(p, (size_t)(across * down * e[3]));

	if (status)
		return status;
	for (int64_t t = 0; t < e[3]; t++)
		for (int64_t j = 0; j < down; j++)
			for (int64_t i = 0; i < across; i++)
				take_tile(p, s, values, i * sx, j * sy, t);
	return LACUNA_OK;
}

static int read_file(struct empirical *p, const char *path, int64_t stride)
{
	const int64_t *x = p->x.extent;
	struct lacuna_shape s;
	float *values;
	int status = p->host->read_image(p->host, path, &s, &values);

	if (status)
		return status;
	if (!is_tiff(path))
		status = take_rows(p, path, &s, values);
	else if (s.extent[0] >= x[0] && s.extent[1] >= x[1] && s.extent[2] == x[2])
		status = take_tiles(p, stride, &s, values);
	else
		status = p->host->fail(p->host, LACUNA_EINVAL,
				       "%s: examples of %lldx%lld with %lld channels do not fit an "
				       "image of %lldx%lld with %lld; give examples of at least "
				       "its size, with as many channels",
				       path, (long long)s.extent[0], (long long)s.extent[1],
				       (long long)s.extent[2], (long long)x[0], (long long)x[1],
				       (long long)x[2]);
	p->host->release(p->host, values);
	return status;
}

static int select_tiff(const struct dirent *entry)
{
	return is_tiff(entry->d_name);
}

/* strcmp order, whatever the locale */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_directory(struct empirical *p, const char *directory, int64_t stride)
{
	struct dirent **entries;
	const int count = scandir(directory, &entries, select_tiff, by_name);
	int status = LACUNA_OK;

	if (count < 0)
		return p->host->fail(p->host, LACUNA_EIO, "%s cannot be read", directory);
	for (int i = 0; i < count; i++) {
		char path[4096];

		snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
		if (!status)
			status = read_file(p, path, stride);
		free(entries[i]);
	}
	free(entries);
	return status;
}

static int check_points(const struct empirical *p)
{
	if (p->count == 0)
		return p->host->fail(p->host, LACUNA_EINVAL,
				     "no examples: give file= or directory= (of TIFFs)");
	for (size_t i = 0; i < p->count * p->row; i++)
		if (!isfinite(p->points[i]))
			return p->host->fail(p->host, LACUNA_EINVAL,
					     "example %zu has a value that is not finite",
					     i / p->row + 1);
	return LACUNA_OK;
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct empirical *p = host->alloc(host, sizeof *p);
	int status = LACUNA_OK;

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->x = problem->x;
	set_dim(p, lacuna_count(&problem->x));
	if (c->file && *c->file)
		status = read_file(p, c->file, c->stride);
	if (!status && c->directory && *c->directory && p->vectors != 1)
		status = host->fail(host, LACUNA_EINVAL,
				    "%s holds points, which cannot be combined with directory=; "
				    "give only one of the two",
				    c->file);
	if (!status && c->directory && *c->directory)
		status = read_directory(p, c->directory, c->stride);
	if (!status)
		status = check_points(p);
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->channels = 0;
	i->blind = 0;
	i->sigma_min = 1e-6;
	i->sigma_max = 1e6;
}

/* ---- softmax over examples ------------------------------------------------------------------------------- */

/* The state of a task for one vector: most is the largest log w so far, sum the sum of exp(log w - most), total that of
 * exp(log w - most) x_i. */
struct softmax {
	double most, sum;
	float *u, *weight, *pull; /* the vector, 1/(2 sigma^2), A'y/noise^2; padded with 0 */
	float *total;
};

/* A task's part of the work space. */
static size_t softmax_bytes(const struct empirical *p)
{
	return 4 * p->row * sizeof(float);
}

static size_t header_bytes(void)
{
	return (TASKS * sizeof(struct softmax) + 63) / 64 * 64;
}

static size_t scratch_bytes(const void *self)
{
	return header_bytes() + TASKS * softmax_bytes(self);
}

static struct softmax *softmax_at(const struct empirical *p, void *scratch, size_t task)
{
	struct softmax *s = (struct softmax *)scratch + task;
	float *vectors =
		(float *)(void *)((char *)scratch + header_bytes() + task * softmax_bytes(p));

	s->u = vectors;
	s->weight = vectors + p->row;
	s->pull = vectors + 2 * p->row;
	s->total = vectors + 3 * p->row;
	return s;
}

/* sum weight (u - x)^2 - pull x: summed in single precision within runs of RUN values, in double over the runs. */
static double cost(const struct empirical *p, const struct softmax *s, const float *x)
{
	double sum = 0;

	for (size_t from = 0; from < p->row; from += RUN) {
		const size_t end = from + RUN < p->row ? from + RUN : p->row;
		float lane[LANES] = { 0 };

		for (size_t j = from; j < end; j += LANES)
			for (size_t l = 0; l < LANES; l++) {
				const float d = s->u[j + l] - x[j + l];

				lane[l] += s->weight[j + l] * d * d - s->pull[j + l] * x[j + l];
			}
		for (size_t l = 0; l < LANES; l++)
			sum += lane[l];
	}
	return sum;
}

static void scale(float *v, size_t n, float factor)
{
	for (size_t j = 0; j < n; j++)
		v[j] *= factor;
}

static void see(const struct empirical *p, struct softmax *s, double log_w, const float *x)
{
	float w;

	if (log_w > s->most) {
		const double factor = exp(s->most - log_w); /* 0 at the first */

		s->sum *= factor;
		scale(s->total, p->row, (float)factor);
		s->most = log_w;
	}
	w = (float)exp(log_w - s->most);
	if (w < 1e-30f)
		return;
	s->sum += w;
	for (size_t j = 0; j < p->row; j++)
		s->total[j] += w * x[j];
}

struct job {
	const struct empirical *p;
	void *scratch;
	const float *map; /* sigma map, or NULL */
	double sigma;
	int conditioned;
	const float *u;
	float *x0;
	size_t vector; /* the one that all tasks work on in run_examples() */
};

static void begin(const struct job *job, struct softmax *s, size_t vector)
{
	const struct empirical *p = job->p;
	const size_t at = vector * p->dim;

	s->most = -INFINITY;
	s->sum = 0;
	memset(s->u, 0, softmax_bytes(p));
	memcpy(s->u, job->u + at, p->dim * sizeof *s->u);
	for (size_t j = 0; j < p->dim; j++) {
		const double sigma = job->map ? (double)job->map[at + j] : job->sigma;

		s->weight[j] = (float)(0.5 / (sigma * sigma));
	}
	if (job->conditioned)
		memcpy(s->pull, p->pull + at, p->dim * sizeof *s->pull);
}

static void see_range(const struct job *job, struct softmax *s, size_t vector, size_t from,
		      size_t end)
{
	const struct empirical *p = job->p;

	for (size_t i = from; i < end; i++) {
		const float *x = p->points + i * p->row;
		double log_w = -cost(p, s, x);

		if (job->conditioned)
			log_w -= p->energy[vector * p->energy_stride + i];
		see(p, s, log_w, x);
	}
}

/* Many vectors: each task has its own. */
static int run_vectors(void *arg, size_t task, void *scratch)
{
	const struct job *job = arg;
	const struct empirical *p = job->p;
	struct softmax *s = softmax_at(p, job->scratch, task);
	const size_t end = p->vectors * (task + 1) / TASKS;

	(void)scratch;
	for (size_t v = p->vectors * task / TASKS; v < end; v++) {
		begin(job, s, v);
		see_range(job, s, v, 0, p->count);
		for (size_t j = 0; j < p->dim; j++)
			job->x0[v * p->dim + j] = (float)(s->total[j] / s->sum);
	}
	return LACUNA_OK;
}

/* Few vectors: each task has its own examples. */
static int run_examples(void *arg, size_t task, void *scratch)
{
	const struct job *job = arg;
	const struct empirical *p = job->p;
	struct softmax *s = softmax_at(p, job->scratch, task);

	(void)scratch;
	begin(job, s, job->vector);
	see_range(job, s, job->vector, p->count * task / TASKS, p->count * (task + 1) / TASKS);
	return LACUNA_OK;
}

static void merge_tasks(const struct job *job)
{
	const struct empirical *p = job->p;
	float *x0 = job->x0 + job->vector * p->dim;
	double most = -INFINITY, sum = 0;

	for (size_t t = 0; t < TASKS; t++)
		most = fmax(most, softmax_at(p, job->scratch, t)->most);
	memset(x0, 0, p->dim * sizeof *x0);
	for (size_t t = 0; t < TASKS; t++) {
		const struct softmax *s = softmax_at(p, job->scratch, t);
		const double factor = s->sum > 0 ? exp(s->most - most) : 0;

		sum += factor * s->sum;
		for (size_t j = 0; j < p->dim && factor > 0; j++)
			x0[j] += (float)(factor * s->total[j]);
	}
	scale(x0, p->dim, (float)(1 / sum));
}

static int run(const struct empirical *p, void *scratch, struct job job)
{
	int status = LACUNA_OK;

	job.p = p;
	job.scratch = scratch;
	if (p->vectors >= TASKS)
		return p->host->parallel(p->host, TASKS, 0, run_vectors, &job);
	for (job.vector = 0; job.vector < p->vectors && !status; job.vector++) {
		status = p->host->parallel(p->host, TASKS, 0, run_examples, &job);
		merge_tasks(&job);
	}
	return status;
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	return run(self, scratch, (struct job){ .sigma = sigma, .u = u, .x0 = x0 });
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	return run(self, scratch, (struct job){ .map = sigma, .u = u, .x0 = x0 });
}

static int conditional(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	return run(self, scratch,
		   (struct job){ .sigma = sigma, .conditioned = 1, .u = u, .x0 = x0 });
}

/* ---- the measurement of the examples --------------------------------------------------------------------- */

struct probe {
	const struct lacuna_host *host;
	size_t nx, ny;
	float *x, *y, *z;
};

static int normal_product(const struct probe *q)
{
	const int status = q->host->problem->apply(q->host, q->x, q->y);

	return status ? status : q->host->problem->adjoint(q->host, NULL, q->y, q->z);
}

/* Fails if A'A mixes vectors: the content of some must not show in the others, beyond rounding. */
static int check_apart(const struct empirical *p, const struct probe *q)
{
	static const uint64_t stream = UINT64_C(5) << 61;
	float most = 0;
	int status;

	q->host->gaussian(q->host, stream, 0, q->x, q->nx);
	for (size_t v = 0; v < p->vectors; v++)
		if (q->x[v * p->dim] > 0)
			memset(q->x + v * p->dim, 0, p->dim * sizeof *q->x);
	status = normal_product(q);
	for (size_t i = 0; i < q->nx && !status; i++)
		most = fmaxf(most, fabsf(q->z[i]));
	for (size_t i = 0; i < q->nx && !status; i++)
		if (q->x[i / p->dim * p->dim] == 0 && fabsf(q->z[i]) > 1e-5f * most)
			return q->host->fail(
				q->host, LACUNA_EUNSUPPORTED,
				"the operator mixes points that the prior treats as independent");
	return status;
}

/* Computes ||A x_i||^2/(2 noise^2), with example i in all vectors at once. */
static int measure_examples(struct empirical *p, const struct probe *q, double noise)
{
	int differ = 0;

	for (size_t i = 0; i < p->count; i++) {
		int status;

		for (size_t v = 0; v < p->vectors; v++)
			memcpy(q->x + v * p->dim, p->points + i * p->row, p->dim * sizeof *q->x);
		status = normal_product(q);
		if (status)
			return status;
		for (size_t v = 0; v < p->vectors; v++) {
			double sum = 0;

			for (size_t j = v * p->dim; j < (v + 1) * p->dim; j++)
				sum += (double)q->x[j] * q->z[j];
			p->energy[v * p->count + i] = sum / (2 * noise * noise);
			differ |= fabs(p->energy[v * p->count + i] - p->energy[i]) >
				  1e-6 * p->energy[i];
		}
	}
	p->energy_stride = differ ? p->count : 0;
	return LACUNA_OK;
}

static int condition(void *self, const struct lacuna_problem *problem, double noise)
{
	struct empirical *p = self;
	const struct lacuna_host *host = p->host;
	struct probe q = { .host = host,
			   .nx = lacuna_count(&problem->x),
			   .ny = lacuna_count(&problem->y) };
	int status = LACUNA_ENOMEM;

	host->release(host, p->pull);
	host->release(host, p->energy);
	p->pull = host->alloc(host, q.nx * sizeof *p->pull);
	p->energy = host->alloc(host, p->vectors * p->count * sizeof *p->energy);
	q.x = host->alloc(host, q.nx * sizeof *q.x);
	q.y = host->alloc(host, q.ny * sizeof *q.y);
	q.z = host->alloc(host, q.nx * sizeof *q.z);
	if (!p->pull || !p->energy || !q.x || !q.y || !q.z)
		goto out;
	status = p->vectors > 1 ? check_apart(p, &q) : LACUNA_OK;
	if (!status)
		status = measure_examples(p, &q, noise);
	if (!status)
		status = host->problem->adjoint(host, NULL, problem->measurement, p->pull);
	for (size_t i = 0; i < q.nx && !status; i++)
		p->pull[i] = (float)(p->pull[i] / (noise * noise));
out:
	host->release(host, q.z);
	host->release(host, q.y);
	host->release(host, q.x);
	return status;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_PATH(
		struct config, file, 0, NULL,
		"a TIFF whose pages are examples, or a text file with one point on each line"),
	LACUNA_PARAM_TEXT(struct config, directory, 0, NULL, "a directory of TIFFs"),
	LACUNA_PARAM_INT(struct config, stride, "px", 0, 100000, 0,
			 "distance between tiles of larger images; 0: side by side"),
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
	.extension = extension,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	"empirical",
	"a set of examples: images, patches or points",
	"The exact posterior mean if the image is one of a given set: the pages of a TIFF, the "
	"TIFFs of a directory (larger ones are cut into tiles of the image's size), or the lines "
	"of a text file. With a text file the image is a row of points, and one run draws many "
	"samples. It takes a sigma for each value, and any linear measurement. Use it to study "
	"samplers on a distribution without density, or to find which image of a set a picture "
	"shows.\n\nDo not use it to restore anything that is not in the set: every sample ends at "
	"one of the examples. A network that has learned its score perfectly behaves in the same "
	"way (memorisation).\n\nSource: De Bortoli, Convergence of Denoising Diffusion Models "
	"under the Manifold Hypothesis, TMLR 2022 (arXiv 2208.05314), section 3 (empirical "
	"measures); Karras, Aittala, Aila, Laine, NeurIPS 2022, appendix B.3 (the softmax).",
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
