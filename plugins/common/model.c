/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Parser of the text form of a Gaussian mixture. */
#define _GNU_SOURCE
#include "common/model.h"

#include "common/file.h"

#include <errno.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct parser {
	const struct lacuna_host *host;
	const char *path;
	struct model *model;
	int line, capacity;
	int has_mean, has_var, rows; /* of the component being read */
};

static const char blanks[] = " \t\r\n";

static int complain(const struct parser *p, const char *what)
{
	return p->host->fail(p->host, LACUNA_EINVAL, "%s: line %d: %s", p->path, p->line, what);
}

/* Reads exactly `count' numbers; anything after them is an error. */
static int numbers(const struct parser *p, char *text, int count, double *out)
{
	char *rest, *end, *word = strtok_r(text, blanks, &rest);

	for (int i = 0; i < count; i++, word = strtok_r(NULL, blanks, &rest)) {
		if (!word)
			return complain(p, "too few numbers");
		out[i] = strtod(word, &end);
		if (*end || !isfinite(out[i]))
			return complain(p, "not a number");
	}
	return word ? complain(p, "too many numbers") : LACUNA_OK;
}

static int read_dim(struct parser *p, char *rest)
{
	double d;
	int status;

	if (p->model->dim)
		return complain(p, "dim is given twice");
	status = numbers(p, rest, 1, &d);
	if (status)
		return status;
	if (d < 1 || d > MODEL_MAX_DIM || d != floor(d))
		return complain(p, "dim must be a whole number from 1 to 256");
	p->model->dim = (int)d;
	return LACUNA_OK;
}

/* Makes room for twice as many components. */
static int grow(struct parser *p)
{
	const struct lacuna_host *host = p->host;
	const size_t d = (size_t)p->model->dim, old = (size_t)p->model->count;
	const size_t more = old ? 2 * old : 4;
	struct model next = { p->model->dim, p->model->count, NULL, NULL, NULL };

	next.log_weight = host->alloc(host, more * sizeof(double));
	next.mean = host->alloc(host, more * d * sizeof(double));
	next.cov = host->alloc(host, more * d * d * sizeof(double));
	if (!next.log_weight || !next.mean || !next.cov) {
		model_free(host, &next);
		return LACUNA_ENOMEM;
	}
	if (old) {
		memcpy(next.log_weight, p->model->log_weight, old * sizeof(double));
		memcpy(next.mean, p->model->mean, old * d * sizeof(double));
		memcpy(next.cov, p->model->cov, old * d * d * sizeof(double));
	}
	model_free(host, p->model);
	*p->model = next;
	p->capacity = (int)more;
	return LACUNA_OK;
}

static double *last_mean(const struct parser *p)
{
	return p->model->mean + (size_t)(p->model->count - 1) * (size_t)p->model->dim;
}

static double *last_cov(const struct parser *p)
{
	const size_t d = (size_t)p->model->dim;

	return p->model->cov + (size_t)(p->model->count - 1) * d * d;
}

/* Checks that the last covariance is symmetric and positive semidefinite, up to rounding. */
static int check_covariance(const struct parser *p)
{
	const size_t d = (size_t)p->model->dim;
	const double *cov = last_cov(p);
	double *work = p->host->alloc(p->host, (d * d + d) * sizeof *work), largest = 0;
	int status = LACUNA_ENOMEM;

	if (!work)
		return status;
	for (size_t i = 0; i < d; i++)
		largest = fmax(largest, fabs(cov[i * d + i]));
	status = LACUNA_OK;
	for (size_t i = 0; i < d && status == LACUNA_OK; i++)
		for (size_t j = 0; j < i && status == LACUNA_OK; j++)
			if (fabs(cov[i * d + j] - cov[j * d + i]) > 1e-9 * largest)
				status = complain(p, "the covariance above is not symmetric");
	memcpy(work, cov, d * d * sizeof *work);
	if (!status && (LAPACKE_dsyev(LAPACK_COL_MAJOR, 'N', 'L', p->model->dim, work,
				      p->model->dim, work + d * d) != 0 ||
			work[d * d] < -1e-9 * largest))
		status = complain(p, "the covariance above is not positive semidefinite");
	p->host->release(p->host, work);
	return status;
}

/* Checks that the last component is complete. */
static int finish_component(const struct parser *p)
{
	if (p->model->count == 0)
		return LACUNA_OK;
	if (!p->has_mean)
		return complain(p, "the component above has no mean");
	if (!p->has_var && p->rows != p->model->dim)
		return complain(p, "the component above needs var, or dim rows of cov");
	return p->has_var ? LACUNA_OK : check_covariance(p);
}

static int read_component(struct parser *p, char *rest)
{
	double weight;
	int status = finish_component(p);

	if (!status)
		status = numbers(p, rest, 1, &weight);
	if (status)
		return status;
	if (!(weight > 0))
		return complain(p, "a weight must be positive");
	if (p->model->count == MODEL_MAX_COUNT)
		return complain(p, "too many components");
	if (p->model->count == p->capacity) {
		status = grow(p);
		if (status)
			return status;
	}
	p->model->log_weight[p->model->count++] = weight;
	p->has_mean = p->has_var = p->rows = 0;
	return LACUNA_OK;
}

static int read_mean(struct parser *p, char *rest)
{
	if (p->has_mean)
		return complain(p, "the component has a mean already");
	p->has_mean = 1;
	return numbers(p, rest, p->model->dim, last_mean(p));
}

static int read_var(struct parser *p, char *rest)
{
	const size_t d = (size_t)p->model->dim;
	double var;
	int status;

	if (p->has_var || p->rows)
		return complain(p, "the component has a covariance already");
	status = numbers(p, rest, 1, &var);
	if (status)
		return status;
	if (var < 0)
		return complain(p, "a variance must not be negative");
	for (size_t i = 0; i < d; i++)
		last_cov(p)[i * d + i] = var;
	p->has_var = 1;
	return LACUNA_OK;
}

static int read_cov(struct parser *p, char *rest)
{
	if (p->has_var || p->rows == p->model->dim)
		return complain(p, "the component has a covariance already");
	return numbers(p, rest, p->model->dim,
		       last_cov(p) + (size_t)p->rows++ * (size_t)p->model->dim);
}

static int read_line(struct parser *p, char *line)
{
	static const struct {
		const char *word;
		int (*read)(struct parser *, char *);
	} statements[] = { { "dim", read_dim },
			   { "component", read_component },
			   { "mean", read_mean },
			   { "var", read_var },
			   { "cov", read_cov } };
	char *rest, *word;

	line[strcspn(line, "#")] = 0;
	word = strtok_r(line, blanks, &rest);
	if (!word)
		return LACUNA_OK;
	for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
		if (strcmp(word, statements[i].word) != 0)
			continue;
		if (i > 0 && !p->model->dim)
			return complain(p, "the file must begin with dim");
		if (i > 1 && !p->model->count)
			return complain(p, "a component line must come before this line");
		return statements[i].read(p, rest);
	}
	return complain(p, "expected dim, component, mean, var or cov");
}

static void normalise_weights(struct model *m)
{
	double sum = 0;

	for (int k = 0; k < m->count; k++)
		sum += m->log_weight[k];
	for (int k = 0; k < m->count; k++)
		m->log_weight[k] = log(m->log_weight[k] / sum);
}

int model_read(const struct lacuna_host *host, const char *path, struct model *model)
{
	struct parser p = { .host = host, .path = path, .model = model };
	const int fd = file_descriptor(host, path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;
	int status = LACUNA_OK;

	memset(model, 0, sizeof *model);
	if (fd < 0)
		return fd;
	if (!file) {
		close(fd);
		return host->fail(host, LACUNA_ENOMEM, "%s: out of memory", path);
	}
	while (!status && getline(&line, &size, file) >= 0) {
		p.line++;
		status = read_line(&p, line);
	}
	if (!status && ferror(file))
		status = host->fail(host, LACUNA_EIO, "%s: cannot be read", path);
	if (!status && model->count == 0)
		status = complain(&p, "the file has no component");
	if (!status)
		status = finish_component(&p);
	if (status)
		model_free(host, model);
	else
		normalise_weights(model);
	free(line);
	fclose(file);
	return status;
}

void model_free(const struct lacuna_host *host, struct model *model)
{
	host->release(host, model->cov);
	host->release(host, model->mean);
	host->release(host, model->log_weight);
	model->log_weight = model->mean = model->cov = NULL;
}
