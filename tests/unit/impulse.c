/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The law of a sampler from its impulse responses: exact for an affine sampler whose law is known; refused for a sampler
 * that is not affine, even slightly.  The samplers are defined in this file. */
#include <config.h>

#include "../tap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "plugin/host.h"
#include "study/impulse.h"

enum { D = 3 };

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	(void)config, (void)problem;
	*self = (void *)(uintptr_t)host;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	(void)self;
}

/* ---- a prior that nobody asks ------------------------------------------------------------------------------------ */

static void tell(const void *self, struct lacuna_prior_info *info)
{
	(void)self;
	*info = (struct lacuna_prior_info){ .size = sizeof *info,
					    .sigma_min = 1e-3,
					    .sigma_max = 10 };
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	(void)self, (void)scratch, (void)sigma, (void)u, (void)x0;
	return LACUNA_EINTERNAL;
}

/* ---- the sampler: u = b + M z1, then L u + c z2 + K z3 + bend u_0^2, z3 of the shape of y ------------------------ */

static const double b[D] = { 0.3, -1, 2 }, c = 0.4;
static const double first[D][D] = { { 1, 0.2, 0 }, { 0, 0.7, 0.1 }, { 0.5, 0, 0.6 } };
static const double then[D][D] = { { 0.9, 0, 0.3 }, { 0.1, 0.5, 0 }, { 0, 0.2, 0.8 } };
static const double last[D][2 * D] = { { 0.3, 0.1, 0, 0.2, 0, 0.1 },
				       { -0.2, 0.4, 0.1 },
				       { 0, 0.6, 0.2, 0, -0.3 } };
static double bend;
static size_t chains, rows;
/* The measurement of a chain, and whether all chains have it. */
static const double measured[2 * D] = { 0.5, -1, 2, 0.25, 3, -4 };
static int alike;

static int64_t steps(const void *self)
{
	(void)self;
	return 1;
}

static void transform(const double (*m)[D], const float *in, float *out)
{
	for (size_t k = 0; k < chains; k++)
		for (int i = 0; i < D; i++) {
			double sum = 0;

			for (int j = 0; j < D; j++)
				sum += m[i][j] * (double)in[k * D + (size_t)j];
			out[k * D + (size_t)i] = (float)sum;
		}
}

static int create_sampler(const struct lacuna_host *host, const void *config,
			  const struct lacuna_problem *problem, void **self)
{
	float unused[D];

	chains = lacuna_count(&problem->x) / D;
	rows = lacuna_count(&problem->y) / chains;
	for (size_t i = 0; i < chains * rows; i++)
		alike &= problem->measurement[i] == (float)measured[i % rows];
	host->gaussian(host, 4, 0, unused, D);
	return create(host, config, problem, self);
}

static int start(void *self, float *u)
{
	const struct lacuna_host *host = self;
	float *z = memory_alloc_array(chains, D * sizeof *z);

	if (!z)
		return LACUNA_ENOMEM;
	host->gaussian(host, 1, 0, z, chains * D);
	transform(first, z, u);
	for (size_t i = 0; i < chains * D; i++)
		u[i] += (float)b[i % D];
	memory_release(z);
	return LACUNA_OK;
}

static int step(void *self, int64_t k, float *u)
{
	const struct lacuna_host *host = self;
	float *z = memory_alloc_array(4 * chains, D * sizeof *z), *old = z + chains * D;
	float *in_y = old + chains * D;

	(void)k;
	if (!z)
		return LACUNA_ENOMEM;
	memcpy(old, u, chains * D * sizeof *u);
	host->gaussian(host, 2, 0, z, chains * D);
	transform(then, old, u);
	/* Reads the second array of its stream, in two pieces. */
	host->gaussian(host, 3, chains * rows, in_y, rows);
	host->gaussian(host, 3, (chains + 1) * rows, in_y + rows, (chains - 1) * rows);
	for (size_t i = 0; i < chains * D; i++) {
		u[i] += (float)(c * (double)z[i] + bend * pow((double)old[i / D * D], 2));
		for (size_t j = 0; j < rows; j++)
			u[i] += (float)(last[i % D][j] * (double)in_y[i / D * rows + j]);
	}
	memory_release(z);
	return LACUNA_OK;
}

static const struct lacuna_plugin prior_head = { LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
						 .name = "silent" };
static const struct lacuna_plugin sampler_head = { LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
						   .name = "two" };
static const struct plugin silent = {
	.head = &prior_head,
	.u.prior = { .create = create, .destroy = destroy, .info = tell, .denoise = denoise },
};
static const struct plugin two = {
	.head = &sampler_head,
	.u.sampler = { .create = create_sampler,
		       .destroy = destroy,
		       .steps = steps,
		       .start = start,
		       .step = step },
};

/* ---- */

static void law(const char *op_text, int y_values, double *mean, double *cov, int *affine)
{
	static const struct plugin_use prior = { .plugin = &silent }, sampler = { .plugin = &two };
	const struct method_use method = { &prior, NULL, &sampler };
	double y[2 * D];
	struct plugin_use op;
	struct laboratory lab = { .target = { .dim = D },
				  .operators = &op,
				  .operator_count = 1,
				  .noise = 0.5,
				  .rows = y_values,
				  .y = y,
				  .seed = 3 };

	memcpy(y, measured, sizeof y);
	alike = 1;
	if (use_parse(LACUNA_OPERATOR, op_text, &op) ||
	    impulse_law(&lab, &method, mean, cov, affine))
		tap_bail("%s", error_text());
	use_free(&op);
}

/* y_values: number of values of y; the tests use as many as x has, fewer, and more. */
static void test_law(const char *op, int y_values)
{
	double mean[D], cov[D * D], worst = 0;
	int affine = 0;

	bend = 0;
	law(op, y_values, mean, cov, &affine);
	ok(affine, "%s: an affine sampler is one", op);
	ok(alike, "every chain has the measurement");
	ok(chains == 2 * D + (size_t)y_values + 2,
	   "one chain for each normal of the run, none for those of create()");
	for (int i = 0; i < D; i++) {
		double want = 0;

		for (int j = 0; j < D; j++)
			want += then[i][j] * b[j];
		worst = fmax(worst, fabs(mean[i] - want));
		for (int j = 0; j < D; j++) { /* L M M' L' + c^2 + K K' */
			want = i == j ? c * c : 0;
			for (int k = 0; k < y_values; k++)
				want += last[i][k] * last[j][k];
			for (int k = 0; k < D; k++) {
				double p = 0, q = 0;

				for (int l = 0; l < D; l++) {
					p += then[i][l] * first[l][k];
					q += then[j][l] * first[l][k];
				}
				want += p * q;
			}
			worst = fmax(worst, fabs(cov[i * D + j] - want));
		}
	}
	ok(worst < 1e-5, "%s: its mean and covariance (%.0e)", op, worst);
	bend = 0.01;
	law(op, y_values, mean, cov, &affine);
	ok(!affine, "%s: one that bends by a hundredth is not", op);
}

int main(void)
{
	test_law("identity", D);
	test_law("matrix:rows=1 0 0", 1);
	test_law("matrix:rows=1 0 0;0 1 0.5", 2);
	/* y is as large as two arrays of the shape of x. */
	test_law("matrix:rows=1 0 0;0 1 0.5;0 0 1;1 0 1;0 1 1;2 0 0", 6);
	threads_stop();
	ok(memory_live_blocks() == 0, "no memory is left");
	return tap_done();
}
