/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "matrix": y = H x for each block of the image; a block is as many consecutive values as H has columns. For
 * laboratories: an image d wide and N high is N measurements at once. LAPACK gives H = U diag(s) V', so gain(A'A) b = V
 * gain(s^2) V'b, block by block. */
#include <lacuna/plugin.h>

#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
	struct lacuna_list rows;
	const char *file;
};

struct matrix {
	const struct lacuna_host *host;
	size_t p, d, blocks; /* H is p x d */
	double *h;
	double *v;	/* V', d x d: each row is an eigenvector of H'H */
	double *lambda; /* their eigenvalues */
};

enum { LARGEST = 512 };

/* ---- H ------------------------------------------------------------------------------------------------ */

static int too_large(const struct lacuna_host *host, size_t p, size_t d)
{
	return p <= LARGEST && d <= LARGEST ? LACUNA_OK
					    : host->fail(host, LACUNA_EINVAL,
							 "a matrix of %zu x %zu is too large; it "
							 "may have at most %d rows and columns",
							 p, d, LARGEST);
}

/* Reads H and its size. The caller frees *h with host->release(). */
static int read_matrix(const struct lacuna_host *host, const struct config *c, size_t *p, size_t *d,
		       double **h)
{
	struct lacuna_shape s;
	float *values;
	int status;

	if (!c->rows.count == !c->file)
		return host->fail(host, LACUNA_EINVAL, "give either rows=... or file=...");
	if (c->rows.count) {
		*d = (size_t)c->rows.columns;
		*p = (size_t)c->rows.count / *d;
		status = too_large(host, *p, *d);
		*h = status ? NULL : host->alloc(host, *p * *d * sizeof **h);
		if (*h)
			memcpy(*h, c->rows.values, *p * *d * sizeof **h);
		return status ? status : *h ? LACUNA_OK : LACUNA_ENOMEM;
	}
	status = host->read_image(host, c->file, &s, &values);
	if (status)
		return status;
	*d = (size_t)s.extent[0];
	*p = lacuna_count(&s) / *d;
	status = too_large(host, *p, *d);
	*h = status ? NULL : host->alloc(host, *p * *d * sizeof **h);
	for (size_t i = 0; *h && i < *p * *d; i++)
		(*h)[i] = values[i];
	host->release(host, values);
	return status ? status : *h ? LACUNA_OK : LACUNA_ENOMEM;
}

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	size_t p, d, from, to;
	double *h;
	int status = read_matrix(host, config, &p, &d, &h);

	if (status)
		return status;
	host->release(host, h);
	from = from_y ? p : d;
	to = from_y ? d : p;
	if ((size_t)known->extent[0] % from)
		return host->fail(host, LACUNA_EINVAL,
				  "the width %lld is not a multiple of %zu, the %s of the matrix",
				  (long long)known->extent[0], from, from_y ? "rows" : "columns");
	*wanted = *known;
	wanted->extent[0] = known->extent[0] / (int64_t)from * (int64_t)to;
	return LACUNA_OK;
}

/* ---- create, destroy --------------------------------------------------------------------------------- */

static void destroy(void *self)
{
	struct matrix *m = self;

	if (!m)
		return;
	m->host->release(m->host, m->h);
	m->host->release(m->host, m->v);
	m->host->release(m->host, m->lambda);
	m->host->release(m->host, m);
}

/* Finds the eigenvectors of H'H, that is all d right singular vectors, and their eigenvalues. */
static int decompose(struct matrix *m)
{
	const struct lacuna_host *host = m->host;
	const size_t least = m->p < m->d ? m->p : m->d;
	double *copy = host->alloc(host, m->p * m->d * sizeof *copy);
	double *u = host->alloc(host, m->p * m->p * sizeof *u);
	double *work = host->alloc(host, (least + 1) * sizeof *work);
	int status = copy && u && work ? LACUNA_OK : LACUNA_ENOMEM;

	m->v = status ? NULL : host->alloc(host, m->d * m->d * sizeof *m->v);
	m->lambda = status ? NULL : host->alloc(host, m->d * sizeof *m->lambda);
	if (!m->v || !m->lambda)
		status = LACUNA_ENOMEM;
	if (!status) {
		memcpy(copy, m->h, m->p * m->d * sizeof *copy);
		if (LAPACKE_dgesvd(LAPACK_ROW_MAJOR, 'N', 'A', (int)m->p, (int)m->d, copy,
				   (int)m->d, m->lambda, u, (int)m->p, m->v, (int)m->d, work) != 0)
			status = host->fail(host, LACUNA_ENUMERIC,
					    "the singular value decomposition did not converge");
	}
	for (size_t i = 0; status == LACUNA_OK && i < m->d; i++)
		m->lambda[i] = i < least ? m->lambda[i] * m->lambda[i] : 0;
	/* set eigenvalues that are only rounding errors to 0 */
	for (size_t i = 1; status == LACUNA_OK && i < m->d; i++)
		if (m->lambda[i] < 1e-24 * m->lambda[0])
			m->lambda[i] = 0;
	host->release(host, work);
	host->release(host, u);
	host->release(host, copy);
	return status;
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	struct matrix *m = host->alloc(host, sizeof *m);
	int status;

	(void)y;
	if (!m)
		return LACUNA_ENOMEM;
	m->host = host;
	status = read_matrix(host, config, &m->p, &m->d, &m->h);
	if (!status)
		status = decompose(m);
	if (status) {
		destroy(m);
		return status;
	}
	m->blocks = lacuna_count(x) / m->d;
	*self = m;
	return LACUNA_OK;
}

/* ---- the work ---------------------------------------------------------------------------------------- */

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct matrix *m = self;

	(void)scratch;
	for (size_t k = 0; k < m->blocks; k++)
		for (size_t i = 0; i < m->p; i++) {
			double sum = 0;

			for (size_t j = 0; j < m->d; j++)
				sum += m->h[i * m->d + j] * x[k * m->d + j];
			y[k * m->p + i] = (float)sum;
		}
	return LACUNA_OK;
}

static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct matrix *m = self;

	(void)scratch, (void)at;
	for (size_t k = 0; k < m->blocks; k++)
		for (size_t j = 0; j < m->d; j++) {
			double sum = 0;

			for (size_t i = 0; i < m->p; i++)
				sum += m->h[i * m->d + j] * y[k * m->p + i];
			x[k * m->d + j] = (float)sum;
		}
	return LACUNA_OK;
}

static size_t scratch_bytes(const void *self)
{
	return ((const struct matrix *)self)->d * ((const struct matrix *)self)->d * sizeof(double);
}

static int spectral(const void *self, void *scratch, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	const struct matrix *m = self;
	const size_t d = m->d;
	double *g = scratch; /* V gain V' */

	memset(g, 0, d * d * sizeof *g);
	for (size_t l = 0; l < d; l++) {
		const double value = gain(m->lambda[l], context);

		for (size_t i = 0; i < d; i++)
			for (size_t j = 0; j < d; j++)
				g[i * d + j] += value * m->v[l * d + i] * m->v[l * d + j];
	}
	for (size_t k = 0; k < m->blocks; k++)
		for (size_t i = 0; i < d; i++) {
			double sum = 0;

			for (size_t j = 0; j < d; j++)
				sum += g[i * d + j] * b[k * d + j];
			x[k * d + i] = (float)sum;
		}
	return LACUNA_OK;
}

/* Diagonal of H'H; unsupported unless all other entries are 0. */
static int diagonal(const void *self, float *out)
{
	const struct matrix *m = self;

	for (size_t i = 0; i < m->d; i++)
		for (size_t j = 0; j < m->d; j++) {
			double sum = 0;

			for (size_t l = 0; l < m->p; l++)
				sum += m->h[l * m->d + i] * m->h[l * m->d + j];
			if (i != j && sum != 0)
				return LACUNA_EUNSUPPORTED;
			for (size_t k = 0; i == j && k < m->blocks; k++)
				out[k * m->d + i] = (float)sum;
		}
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_LIST(struct config, rows, NULL, -1e30, 1e30, 0, NULL,
			  "the matrix: numbers separated by blanks, each row ended by ';'"),
	LACUNA_PARAM_PATH(struct config, file, 0, NULL,
			  "text file with the matrix, one row on each line"),
};

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_bytes,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
	.diagonal = diagonal,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"matrix",
	"a small matrix, applied to each block of values",
	"Cuts each row of the image into vectors, as long as the matrix has columns, and "
	"multiplies each by the matrix. It is for studies: with lacuna study, an image d wide and "
	"N high is N chains, and the same matrix measures each. matrix:rows=1 0 0 0;0 1 0 0 "
	"measures the first two of four coordinates.\nDo not use it for photographs: blur, "
	"downsample and mask are faster, because they use their structure.\nEvery function that a "
	"guidance needs has a closed form, from the singular value decomposition (Golub, Van Loan, "
	"Matrix Computations, section 2.4).",
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
