/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Targets.  All are represented as Gaussian mixtures; a manifold is a dense grid of points on it. */
#include <config.h>

#include "study/target.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "base/random.h"
#include "plugin/param.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGET(name, summary, rows, T)                                        \
	{                                                                     \
		LACUNA_PLUGIN_HEAD(0), name, summary, NULL, NULL, NULL, NULL, \
			LACUNA_PLUGIN_PARAMS(rows, T), NULL                   \
	}

/* ---- gaussian */

struct gaussian {
	int64_t dim;
	double mean, variance, correlation;
};

static const struct lacuna_param gaussian_rows[] = {
	LACUNA_PARAM_INT(struct gaussian, dim, NULL, 1, 64, 4, "dimension"),
	LACUNA_PARAM_REAL(struct gaussian, mean, NULL, -1e3, 1e3, 0, "mean of each coordinate"),
	LACUNA_PARAM_REAL(struct gaussian, variance, NULL, 0, 1e6, 1,
			  "variance of each coordinate"),
	LACUNA_PARAM_REAL(struct gaussian, correlation, NULL, 0, 1, 0.5,
			  "correlation of any two coordinates"),
};
static const struct lacuna_plugin gaussian_head = TARGET(
	"gaussian", "one Gaussian, equally correlated coordinates", gaussian_rows, struct gaussian);

static int make_gaussian(const void *config, struct mixture *m)
{
	const struct gaussian *c = config;
	const int d = (int)c->dim, status = mixture_create(m, d, 1);

	for (int i = 0; !status && i < d; i++) {
		m->mean[i] = c->mean;
		for (int j = 0; j < d; j++)
			m->cov[i * d + j] = c->variance * (i == j ? 1 : c->correlation);
	}
	return status;
}

/* ---- random: a randomly generated mixture */

struct made_up {
	int64_t dim, components, seed;
	double scale, variance;
};

static const struct lacuna_param random_rows[] = {
	LACUNA_PARAM_INT(struct made_up, dim, NULL, 1, 64, 4, "dimension"),
	LACUNA_PARAM_INT(struct made_up, components, NULL, 1, 1000, 4, "number of components"),
	LACUNA_PARAM_INT(struct made_up, seed, NULL, 0, 1e9, 0, "seed of the mixture"),
	LACUNA_PARAM_REAL(
		struct made_up, scale, NULL, 0, 100, 0.5,
		"the covariance common to all is B B' + variance I, B_ij uniform in 0..2 scale"),
	LACUNA_PARAM_REAL(struct made_up, variance, NULL, 0, 1e6, 0,
			  "additional variance of each coordinate, independent of the others"),
};
static const struct lacuna_plugin random_head =
	TARGET("random", "a random mixture: means uniform in -1..1, one covariance", random_rows,
	       struct made_up);

/* The mixture of Liang et al.'s simulations (theory: d = 4, 4 components, A A'/4, A_ij uniform in 0..2). */
static int make_random(const void *config, struct mixture *m)
{
	const struct made_up *c = config;
	const size_t d = (size_t)c->dim, count = (size_t)c->components;
	const struct random_key key = { (uint64_t)c->seed, 0, 0 };
	float *b = memory_alloc_array(d * d + count * d, sizeof *b);
	int status = b ? mixture_create(m, (int)d, (int)count) : LACUNA_ENOMEM;

	if (!status)
		random_uniform(key, 1, 0, b, d * d + count * d);
	for (size_t i = 0; !status && i < count * d; i++)
		m->mean[i] = 2 * (double)b[d * d + i] - 1;
	for (size_t i = 0; !status && i < count * d * d; i++) {
		const size_t row = i / d % d, column = i % d;

		for (size_t l = 0; l < d; l++)
			m->cov[i] += 4 * c->scale * c->scale * (double)b[row * d + l] *
				     (double)b[column * d + l];
		m->cov[i] += row == column ? c->variance : 0;
	}
	memory_release(b);
	return status;
}

/* ---- gmm, points: files */

struct file {
	const char *file;
};

static const struct lacuna_param gmm_rows[] = {
	LACUNA_PARAM_PATH(struct file, file, LACUNA_REQUIRED, NULL,
			  "text file, in the form of the prior gmm"),
};
static const struct lacuna_plugin gmm_head =
	TARGET("gmm", "a Gaussian mixture from a file", gmm_rows, struct file);

static int make_gmm(const void *config, struct mixture *m)
{
	return mixture_read(((const struct file *)config)->file, m);
}

static const struct lacuna_param points_rows[] = {
	LACUNA_PARAM_PATH(struct file, file, LACUNA_REQUIRED, NULL,
			  "text file with one point on each line; '#' starts a comment"),
};
static const struct lacuna_plugin points_head =
	TARGET("points", "an empirical measure: points from a file, equally likely", points_rows,
	       struct file);

/* Reads the numbers of one line; returns their count, or -1. */
static int count_numbers(char *line, double *values, int most)
{
	line[strcspn(line, "#")] = 0;
	return numbers_read(line, values, most);
}

static int read_points(const char *path, FILE *file, struct mixture *m)
{
	double row[256];
	char *line = NULL;
	size_t size = 0;
	int points = 0, status = LACUNA_OK;

	/* First pass counts, second pass reads. */
	for (int pass = 0; !status && pass < 2; pass++) {
		int number = 0, k = 0, dim = 0;

		rewind(file);
		while (!status && getline(&line, &size, file) >= 0) {
			const int n = count_numbers(line, row, 256);

			number++;
			if (!n)
				continue;
			if (n < 0 || (dim && n != dim))
				status = error_set(LACUNA_EINVAL,
						   "%s: line %d: a point must have %d numbers",
						   path, number, dim ? dim : 1);
			else if (pass)
				memcpy(m->mean + (size_t)k * (size_t)n, row,
				       (size_t)n * sizeof *row);
			dim = n;
			k++;
		}
		points = k;
		if (!status && !points)
			status = error_set(LACUNA_EINVAL, "%s: has no points", path);
		if (!status && !pass)
			status = mixture_create(m, dim, points);
	}
	free(line);
	return status;
}

static int make_points(const void *config, struct mixture *m)
{
	const char *path = ((const struct file *)config)->file;
	FILE *file = file_stream(path);
	int status;

	if (!file)
		return LACUNA_EIO;
	status = read_points(path, file, m);
	fclose(file);
	return status;
}

/* ---- circle, cube, cloud: sets without a density */

struct circle {
	int64_t points;
	double radius;
};

static const struct lacuna_param circle_rows[] = {
	LACUNA_PARAM_INT(struct circle, points, NULL, 3, 10000, 200, "number of points"),
	LACUNA_PARAM_REAL(struct circle, radius, NULL, 1e-3, 1e3, 1, "radius"),
};
static const struct lacuna_plugin circle_head = TARGET(
	"circle", "a circle in the plane: equally spaced points", circle_rows, struct circle);

static int make_circle(const void *config, struct mixture *m)
{
	const struct circle *c = config;
	const int status = mixture_create(m, 2, (int)c->points);

	for (int k = 0; !status && k < m->count; k++) {
		const double angle = 2 * acos(-1) * k / m->count;

		m->mean[2 * k] = c->radius * cos(angle);
		m->mean[2 * k + 1] = c->radius * sin(angle);
	}
	return status;
}

struct cube {
	int64_t dim;
	double side;
};

static const struct lacuna_param cube_rows[] = {
	LACUNA_PARAM_INT(struct cube, dim, NULL, 1, 10, 3, "dimension"),
	LACUNA_PARAM_REAL(struct cube, side, NULL, 1e-3, 1e3, 2, "length of an edge"),
};
static const struct lacuna_plugin cube_head =
	TARGET("cube", "the corners of a cube", cube_rows, struct cube);

static int make_cube(const void *config, struct mixture *m)
{
	const struct cube *c = config;
	const int d = (int)c->dim, status = mixture_create(m, d, 1 << d);

	for (int k = 0; !status && k < m->count; k++)
		for (int i = 0; i < d; i++)
			m->mean[k * d + i] = (k >> i & 1 ? 0.5 : -0.5) * c->side;
	return status;
}

struct cloud {
	int64_t dim, points, seed;
};

static const struct lacuna_param cloud_rows[] = {
	LACUNA_PARAM_INT(struct cloud, dim, NULL, 1, 64, 2, "dimension"),
	LACUNA_PARAM_INT(struct cloud, points, NULL, 1, 10000, 50, "number of points"),
	LACUNA_PARAM_INT(struct cloud, seed, NULL, 0, 1e9, 0, "seed of the points"),
};
static const struct lacuna_plugin cloud_head = TARGET(
	"cloud", "an empirical measure: points drawn from N(0, I)", cloud_rows, struct cloud);

static int make_cloud(const void *config, struct mixture *m)
{
	const struct cloud *c = config;
	const size_t n = (size_t)c->dim * (size_t)c->points;
	float *z = memory_alloc_array(n, sizeof *z);
	int status = z ? mixture_create(m, (int)c->dim, (int)c->points) : LACUNA_ENOMEM;

	if (!status)
		random_gaussian((struct random_key){ (uint64_t)c->seed, 0, 0 }, 2, 0, z, n);
	for (size_t i = 0; !status && i < n; i++)
		m->mean[i] = (double)z[i];
	memory_release(z);
	return status;
}

/* ---- by name ----------------------------------------------------------------------------------------- */

const struct lacuna_plugin *const target_heads[] = { &gaussian_head, &gmm_head,	  &random_head,
						     &points_head,   &cloud_head, &circle_head,
						     &cube_head,     NULL };

static int (*const makers[])(const void *, struct mixture *) = {
	make_gaussian, make_gmm, make_random, make_points, make_cloud, make_circle, make_cube,
};

static int unknown_target(const char *name)
{
	char names[256] = "";

	for (size_t i = 0; target_heads[i]; i++)
		snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "",
			 target_heads[i]->name);
	return error_set(LACUNA_EINVAL, "there is no target \"%s\"; choose from %s", name, names);
}

/* Prepends the target and its parameters to the message. */
static int explain(int status, const struct lacuna_plugin *head)
{
	char names[128] = "";

	for (uint32_t i = 0; i < head->param_count; i++)
		snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "",
			 param_row(head, i)->name);
	return error_context(status, "target \"%s\" (parameters %s)", head->name, names);
}

int target_parse(const char *spec, struct mixture *m)
{
	const size_t length = strcspn(spec, ":");
	size_t i = 0;
	void *config;
	char name[32];
	int status;

	*m = (struct mixture){ 0 };
	snprintf(name, sizeof name, "%.*s", (int)length, spec);
	while (target_heads[i] && strcmp(target_heads[i]->name, name) != 0)
		i++;
	if (!target_heads[i])
		return unknown_target(name);
	config = param_create(target_heads[i]);
	if (!config)
		return LACUNA_ENOMEM;
	status = param_parse(target_heads[i], config, spec[length] ? spec + length + 1 : "");
	if (!status)
		status = param_complete(target_heads[i], config);
	if (!status)
		status = makers[i](config, m);
	param_release(target_heads[i], config);
	if (status) {
		mixture_free(m);
		return explain(status, target_heads[i]);
	}
	return status;
}
