/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Runs methods on a target and measures the error of their results. */
#include <config.h>

#include "study/laboratory.h"
#include "study/bench.h"
#include "study/distance.h"
#include "study/even.h"
#include "study/impulse.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of samples for the costly distances, and of directions for the sliced one.  With fewer than KL_LEAST samples KL
 * is useless: with 64 it comes out at 0.5 instead of 0.03, or below 0. */
enum { KL_POINTS = 8192, KL_LEAST = 1024, W1_POINTS = 512, DIRECTIONS = 64, BIAS_CHAINS = 1024 };

/* Seeds of the laboratory's own draws; plugins use the seed itself. */
enum { DRAW_TRUTH = 101, DRAW_REFERENCE, DRAW_FLOOR, DRAW_BIAS };

static uint64_t own_seed(const struct laboratory *lab, int purpose)
{
	return lab->seed + ((uint64_t)purpose << 40);
}

static size_t dimension(const struct laboratory *lab)
{
	return (size_t)lab->target.dim;
}

/* ---- the operator as a matrix ------------------------------------------------------------------------ */

/* The columns of H are the responses to unit vectors, one per chain.  A chain of zeros and a chain of noise show whether
 * the operator treats all chains alike and independently. */
static int verify_matrix(const struct laboratory *lab, const float *x, const float *y)
{
	const size_t d = dimension(lab), p = (size_t)lab->rows;
	double error = 0, size = 0;

	for (size_t i = 0; i < p; i++) {
		double want = 0;

		for (size_t j = 0; j < d; j++)
			want += lab->h[i * d + j] * (double)x[(d + 1) * d + j];
		error += fabs((double)y[d * p + i]) + fabs((double)y[(d + 1) * p + i] - want);
		size += fabs(want);
	}
	return error <= 1e-4 * size + 1e-6
		       ? LACUNA_OK
		       : error_set(LACUNA_EUNSUPPORTED,
				   "the operator is not linear, or mixes the chains (rows of the "
				   "image); a study needs an operator that acts on each row in the "
				   "same way");
}

static int probe_matrix(struct laboratory *lab, struct problem *problem)
{
	const size_t d = dimension(lab), chains = d + 2;
	const size_t ny = lacuna_count(problem_y(problem)), p = ny / chains;
	float *x = memory_alloc_array(chains * d, sizeof *x);
	float *y = memory_alloc_array(ny, sizeof *y);
	int status = x && y ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status && (ny % chains || !p))
		status = error_set(
			LACUNA_EUNSUPPORTED,
			"the operator does not act on each row of the image in the same way");
	lab->rows = (int)p;
	if (!status) {
		for (size_t j = 0; j < d; j++)
			x[j * d + j] = 1;
		random_gaussian((struct random_key){ lab->seed, 0, 0 }, 5, 0, x + (d + 1) * d, d);
		status = problem_apply(problem, x, y);
	}
	if (!status && !(lab->h = memory_alloc_array(p * d, sizeof *lab->h)))
		status = LACUNA_ENOMEM;
	for (size_t j = 0; !status && j < d; j++)
		for (size_t i = 0; i < p; i++)
			lab->h[i * d + j] = (double)y[j * p + i];
	if (!status)
		status = verify_matrix(lab, x, y);
	memory_release(y);
	memory_release(x);
	return status;
}

static int find_matrix(struct laboratory *lab)
{
	const struct lacuna_shape x = { { lab->target.dim, lab->target.dim + 2, 1, 1 } };
	struct problem *problem = NULL;
	int status = problem_create(lab->operators, lab->operator_count, 0, &x, &problem);

	if (!status && !(problem_flags(problem) & LACUNA_LINEAR))
		status = error_set(LACUNA_EUNSUPPORTED, "a study needs a linear operator");
	if (!status)
		status = probe_matrix(lab, problem);
	problem_destroy(problem);
	return status;
}

/* ---- the measurement --------------------------------------------------------------------------------- */

/* y = H x + noise n for n vectors */
static void measure(const struct laboratory *lab, size_t n, const double *x, const float *normals,
		    double *y)
{
	const size_t d = dimension(lab), p = (size_t)lab->rows;

	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < p; i++) {
			double value = lab->noise * (double)normals[k * p + i];

			for (size_t j = 0; j < d; j++)
				value += lab->h[i * d + j] * x[k * d + j];
			y[k * p + i] = value;
		}
}

/* Draws n truths and their measurements. */
static int draw_measurements(const struct laboratory *lab, size_t n, double *x, double *y)
{
	const size_t p = (size_t)lab->rows;
	float *normals = memory_alloc_array(n * p, sizeof *normals);
	int status = normals ? mixture_sample(&lab->target, own_seed(lab, DRAW_TRUTH), n, x)
			     : LACUNA_ENOMEM;

	if (!status) {
		random_gaussian((struct random_key){ lab->seed, 0, 0 }, 6, 0, normals, n * p);
		measure(lab, n, x, normals, y);
	}
	memory_release(normals);
	return status;
}

static int parse_measurement(struct laboratory *lab, const char *text)
{
	return numbers_read(text, lab->y, lab->rows) == lab->rows
		       ? LACUNA_OK
		       : error_set(LACUNA_EINVAL,
				   "the measurement must be %d numbers, separated by blanks",
				   lab->rows);
}

static int find_measurement(struct laboratory *lab, const char *text)
{
	double *x = memory_alloc_array(dimension(lab), sizeof *x);
	int status = LACUNA_OK;

	lab->y = memory_alloc_array((size_t)lab->rows, sizeof *lab->y);
	if (!x || !lab->y)
		status = LACUNA_ENOMEM;
	else if (!lab->measured)
		memset(lab->y, 0, (size_t)lab->rows * sizeof *lab->y);
	else
		status = text ? parse_measurement(lab, text) : draw_measurements(lab, 1, x, lab->y);
	memory_release(x);
	return status;
}

int laboratory_open(struct laboratory *lab, const char *y_text)
{
	int status = find_matrix(lab);

	if (!status)
		status = find_measurement(lab, y_text);
	if (!status)
		status = lab->measured ? mixture_condition(&lab->target, lab->rows, lab->h, lab->y,
							   lab->noise, &lab->posterior)
				       : mixture_copy(&lab->target, &lab->posterior);
	return status;
}

void laboratory_close(struct laboratory *lab)
{
	mixture_free(&lab->target);
	mixture_free(&lab->posterior);
	memory_release(lab->h);
	memory_release(lab->y);
	*lab = (struct laboratory){ 0 };
}

/* ---- the truth, and errors relative to it ------------------------------------------------------------- */

/* The ideal result of a sampler that stops at noise level `smear'. */
static int make_truth(const struct laboratory *lab, struct mixture *truth)
{
	const int status = mixture_copy(&lab->posterior, truth);

	if (!status)
		mixture_smear(truth, lab->smear);
	return status;
}

/* Takes `wanted' of n vectors at equal intervals: samples are ordered by component, and each component must keep its
 * share. */
static size_t thin(size_t d, size_t n, size_t wanted, const double *x, double *out)
{
	const size_t m = n < wanted ? n : wanted;

	for (size_t i = 0; i < m; i++)
		memcpy(out + i * d, x + i * n / m * d, d * sizeof *x);
	return m;
}

/* True if all components are points, few enough for distance_w1_points(). */
static int are_points(const struct mixture *m)
{
	const size_t size = (size_t)m->count * (size_t)m->dim * (size_t)m->dim;

	for (size_t i = 0; i < size; i++)
		if (m->cov[i] != 0)
			return 0;
	return m->dim > 1 && m->count <= 1000;
}

/* KL between truth and samples, both with noise of lab->blur. */
static int compare_blurred(const struct laboratory *lab, const struct mixture *truth,
			   const double *x, double *kl)
{
	const size_t n = (size_t)lab->chains, m = n < KL_POINTS ? n : KL_POINTS;
	double *q = memory_alloc_array(m * (dimension(lab) + 1), sizeof *q);
	double *log_q = q ? q + m * dimension(lab) : NULL;
	struct mixture blurred = { 0 };
	int status = q ? mixture_copy(truth, &blurred) : LACUNA_ENOMEM;

	if (!status) {
		mixture_smear(&blurred, lab->blur);
		status = mixture_sample(&blurred, own_seed(lab, DRAW_REFERENCE), m, q);
	}
	if (!status)
		status = mixture_log_density(&blurred, m, q, log_q);
	if (!status)
		status = distance_blurred_kl(truth->dim, m, q, log_q, n, x, lab->blur, kl);
	mixture_free(&blurred);
	memory_release(q);
	return status;
}

/* Computes the distances that need samples; x: `chains' vectors. */
static int compare_samples(const struct laboratory *lab, const struct mixture *truth,
			   const double *x, struct findings *f)
{
	const size_t d = dimension(lab), n = (size_t)lab->chains;
	double *reference = memory_alloc_array(n * d, sizeof *reference);
	double *a = memory_alloc_array(n * d, sizeof *a), *b = memory_alloc_array(n * d, sizeof *b);
	int status = reference && a && b ? LACUNA_OK : LACUNA_ENOMEM;
	size_t m;

	if (!status)
		status = mixture_sample(truth, own_seed(lab, DRAW_REFERENCE), n, reference);
	if (!status && !f->exact)
		status = distance_sliced_w2((int)d, n, reference, x, DIRECTIONS, lab->seed,
					    &f->sliced_w2);
	if (!status && are_points(truth)) {
		status = distance_w1_points((int)d, n, x, (size_t)truth->count, truth->mean,
					    truth->weight, &f->w1);
	} else if (!status) {
		m = thin(d, n, d == 1 ? n : W1_POINTS, x, a);
		/* Draw m vectors of the truth: an even sample of that size is better than part of a larger one. */
		status = mixture_sample(truth, own_seed(lab, DRAW_REFERENCE), m, b);
		if (!status)
			status = distance_w1((int)d, m, b, a, &f->w1);
	}
	if (!status && !f->exact && n >= KL_LEAST && lab->blur > 0) {
		status = compare_blurred(lab, truth, x, &f->kl);
	} else if (!status && !f->exact && n >= KL_LEAST) {
		m = thin(d, n, d == 1 ? n : KL_POINTS, x, a);
		status = mixture_sample(truth, own_seed(lab, DRAW_REFERENCE), m, b);
		if (!status)
			status = distance_kl((int)d, m, b, a, &f->kl);
	}
	memory_release(b);
	memory_release(a);
	memory_release(reference);
	return status;
}

/* KL between two Gaussians, both with noise of lab->blur. */
static int compare_laws(const struct laboratory *lab, const double *true_mean,
			const double *true_cov, const double *mean, const double *cov, double *kl)
{
	const size_t d = dimension(lab);
	double *p = memory_alloc_array(2 * d * d, sizeof *p), *q = p ? p + d * d : NULL;
	int status = LACUNA_ENOMEM;

	if (p) {
		memcpy(p, true_cov, d * d * sizeof *p);
		memcpy(q, cov, d * d * sizeof *q);
		for (size_t i = 0; i < d; i++) {
			p[i * (d + 1)] += lab->blur * lab->blur;
			q[i * (d + 1)] += lab->blur * lab->blur;
		}
		status = distance_gaussian_kl((int)d, true_mean, p, mean, q, kl);
	}
	memory_release(p);
	return status;
}

/* Compares mean and covariance, of the sampler's exact distribution or of its samples. */
static int compare_moments(const struct laboratory *lab, const struct mixture *truth,
			   const double *mean, const double *cov, struct findings *f)
{
	const size_t d = (size_t)truth->dim;
	double *want = memory_alloc_array(d * (d + 1), sizeof *want);
	int status = want ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status) {
		mixture_moments(truth, want, want + d);
		f->mean_error = distance_l2(d, want, mean);
		f->cov_error = distance_l2(d * d, want + d, cov);
		if (f->exact)
			status = compare_laws(lab, want, want + d, mean, cov, &f->kl);
		if (!status && f->exact)
			status = distance_gaussian_sliced_w2(truth->dim, want, want + d, mean, cov,
							     DIRECTIONS, lab->seed, &f->sliced_w2);
	}
	memory_release(want);
	return status;
}

static int compare(const struct laboratory *lab, const struct mixture *truth, const double *x,
		   double *mean, double *cov, struct findings *f)
{
	int status = compare_samples(lab, truth, x, f);

	if (!f->exact)
		distance_moments(truth->dim, (size_t)lab->chains, x, mean, cov);
	return status ? status : compare_moments(lab, truth, mean, cov, f);
}

/* ---- one run ----------------------------------------------------------------------------------------- */

/* The decreasing noise levels at which the sampler asked for estimates. */
struct levels {
	double *sigma;
	size_t count, capacity;
	int failed;
	struct even *even; /* only in one dimension */
};

static void gaussian(void *context, uint64_t stream, uint64_t position, float *out, size_t n)
{
	const struct levels *l = context;

	even_gaussian(l->even, stream, position, out, n);
}

static void observe(void *context, double sigma, const float *u)
{
	struct levels *l = context;

	if (l->even)
		even_observe(l->even, u);
	if (l->count && !(sigma < l->sigma[l->count - 1]))
		return;
	if (l->count == l->capacity) {
		const size_t more = l->capacity ? 2 * l->capacity : 256;
		double *larger = memory_alloc_array(more, sizeof *larger);

		if (!larger) {
			l->failed = 1;
			return;
		}
		if (l->count)
			memcpy(larger, l->sigma, l->count * sizeof *larger);
		memory_release(l->sigma);
		l->sigma = larger;
		l->capacity = more;
	}
	l->sigma[l->count++] = sigma;
}

/* Even noise needs the states at which a sampler calls the guidance. */
static int is_even(const struct laboratory *lab, const struct method_use *method)
{
	return dimension(lab) == 1 &&
	       (method->sampler->plugin->u.sampler.needs & LACUNA_NEEDS_GUIDANCE);
}

static int draw_chains(const struct laboratory *lab, const struct method_use *method,
		       struct levels *levels, double *x, struct findings *f)
{
	const struct session_options options = { .seed = lab->seed,
						 .progress = lab->progress,
						 .gaussian = is_even(lab, method) ? gaussian : NULL,
						 .observe = observe,
						 .laboratory = levels };
	struct session_stats stats;
	struct bench b = { 0 };
	float *u = NULL;
	int status = is_even(lab, method)
			     ? even_create((size_t)lab->chains, lab->seed, &levels->even)
			     : LACUNA_OK;

	if (!status)
		status = bench_open(lab, method, lab->chains, NULL, &options, &b);
	if (!status && !(u = memory_alloc_array(b.n, sizeof *u)))
		status = LACUNA_ENOMEM;
	if (!status)
		status = session_run(b.session, 0, u, &stats);
	if (!status && levels->failed)
		status = LACUNA_ENOMEM;
	for (size_t i = 0; !status && i < b.n; i++)
		x[i] = (double)u[i];
	if (!status) {
		f->steps = stats.steps;
		f->evaluations = stats.evaluations;
	}
	memory_release(u);
	bench_close(&b);
	even_destroy(levels->even);
	levels->even = NULL;
	return status;
}

/* ---- accumulated mismatch ---------------------------------------------------------------------------- */

/* Points at which E||Delta||^2 is averaged.  For a Gaussian, where Delta is affine, the 2d points mean +- sqrt(d) root_i
 * give the exact expectation; otherwise random draws of the posterior. */
struct bias_points {
	size_t n;
	double *x0; /* draws without noise; NULL for a Gaussian */
	double *root;
	double *u, *truth;
	float *state, *estimate, *normals;
};

static void free_points(struct bias_points *p)
{
	memory_release(p->x0);
	memory_release(p->root);
	memory_release(p->u);
	memory_release(p->truth);
	memory_release(p->state);
	memory_release(p->estimate);
	memory_release(p->normals);
}

static int make_points(const struct laboratory *lab, struct bias_points *p)
{
	const size_t d = dimension(lab);
	const int gaussian = lab->target.count == 1;

	p->n = gaussian ? 2 * d : lab->chains < BIAS_CHAINS ? (size_t)lab->chains : BIAS_CHAINS;
	p->root = memory_alloc_array(d, d * sizeof(double));
	p->u = memory_alloc_array(p->n * d, sizeof(double));
	p->truth = memory_alloc_array(p->n * d, sizeof(double));
	p->state = memory_alloc_array(p->n * d, sizeof(float));
	p->estimate = memory_alloc_array(p->n * d, sizeof(float));
	p->normals = memory_alloc_array(p->n * d, sizeof(float));
	if (!p->root || !p->u || !p->truth || !p->state || !p->estimate || !p->normals)
		return LACUNA_ENOMEM;
	if (gaussian)
		return LACUNA_OK;
	p->x0 = memory_alloc_array(p->n * d, sizeof(double));
	return p->x0 ? mixture_sample(&lab->posterior, own_seed(lab, DRAW_BIAS), p->n, p->x0)
		     : LACUNA_ENOMEM;
}

/* u ~ posterior + sigma n */
static int place_points(const struct laboratory *lab, size_t level, double sigma,
			struct bias_points *p)
{
	const size_t d = dimension(lab);
	struct mixture smeared;
	int status;

	if (p->x0) {
		random_gaussian((struct random_key){ lab->seed, 0, 0 }, 1000 + level, 0, p->normals,
				p->n * d);
		for (size_t i = 0; i < p->n * d; i++)
			p->u[i] = p->x0[i] + sigma * (double)p->normals[i];
		return LACUNA_OK;
	}
	status = mixture_copy(&lab->posterior, &smeared);
	if (!status) {
		mixture_smear(&smeared, sigma);
		mixture_root((int)d, smeared.cov, p->root);
	}
	for (size_t i = 0; !status && i < p->n; i++)
		for (size_t a = 0; a < d; a++)
			p->u[i * d + a] = smeared.mean[a] + (i < d ? 1 : -1) * sqrt((double)d) *
								    p->root[a * d + i % d];
	mixture_free(&smeared);
	return status;
}

/* E||E_true - E||^2 at one level */
static int mismatch(const struct laboratory *lab, struct session *session, size_t level,
		    double sigma, double next, struct bias_points *p, double *square)
{
	const size_t count = p->n * dimension(lab);
	int status = place_points(lab, level, sigma, p);

	for (size_t i = 0; !status && i < count; i++) {
		p->state[i] = (float)p->u[i];
		p->u[i] = (double)p->state[i]; /* rounded, as the session sees it */
	}
	if (!status)
		status = mixture_denoise(&lab->posterior, sigma, p->n, p->u, p->truth);
	if (!status)
		status = session_estimate(session, sigma, next, p->state, p->estimate);
	*square = 0;
	for (size_t i = 0; !status && i < count; i++)
		*square += pow(p->truth[i] - (double)p->estimate[i], 2) / (double)p->n;
	return status;
}

/* sum over steps sigma -> s of (1 - alpha)/2 E||Delta||^2, in the scale u = x_t/sqrt(alpha_bar_t), where
 * 	1 - alpha = (sigma^2 - s^2)/(1 + sigma^2),  ||Delta||^2 = (1 + sigma^2) ||E_true - E||^2/sigma^4. */
static int accumulate_bias(const struct laboratory *lab, const struct method_use *method,
			   const struct levels *levels, double *bias)
{
	const struct session_options options = { .seed = lab->seed };
	struct bias_points points = { 0 };
	struct bench b = { 0 };
	int status = make_points(lab, &points);

	if (!status)
		status = bench_open(lab, method, (int64_t)points.n, NULL, &options, &b);
	*bias = 0;
	for (size_t k = 0; !status && k < levels->count; k++) {
		const double sigma = levels->sigma[k];
		const double s = k + 1 < levels->count ? levels->sigma[k + 1] : lab->smear;
		double square;

		status = mismatch(lab, b.session, k, sigma, s, &points, &square);
		*bias += (sigma * sigma - s * s) / (2 * pow(sigma, 4)) * square;
	}
	bench_close(&b);
	free_points(&points);
	return status;
}

/* ---- findings ---------------------------------------------------------------------------------------- */

static void nothing_known(struct findings *f)
{
	*f = (struct findings){ .kl = NAN,
				.sliced_w2 = NAN,
				.w1 = NAN,
				.mean_error = NAN,
				.cov_error = NAN,
				.w_bias = NAN,
				.cover = { NAN, NAN, NAN },
				.cover_error = NAN };
}

int laboratory_run(const struct laboratory *lab, const struct method_use *method,
		   struct findings *f)
{
	const size_t d = dimension(lab);
	double *x = memory_alloc_array((size_t)lab->chains * d, sizeof *x);
	double *moments = memory_alloc_array(d * (d + 1), sizeof *moments);
	struct mixture truth = { 0 };
	struct levels levels = { 0 };
	int status = x && moments ? make_truth(lab, &truth) : LACUNA_ENOMEM;

	nothing_known(f);
	if (!status)
		status = draw_chains(lab, method, &levels, x, f);
	if (!status && lab->target.count == 1)
		status = impulse_law(lab, method, moments, moments + d, &f->exact);
	if (!status)
		status = compare(lab, &truth, x, moments, moments + d, f);
	if (!status && levels.count)
		status = accumulate_bias(lab, method, &levels, &f->w_bias);
	memory_release(levels.sigma);
	mixture_free(&truth);
	memory_release(moments);
	memory_release(x);
	return status;
}

int laboratory_floor(const struct laboratory *lab, struct findings *f)
{
	const size_t d = dimension(lab);
	double *x = memory_alloc_array((size_t)lab->chains * d, sizeof *x);
	double *moments = memory_alloc_array(d * (d + 1), sizeof *moments);
	struct mixture truth = { 0 };
	int status = x && moments ? make_truth(lab, &truth) : LACUNA_ENOMEM;

	nothing_known(f);
	if (!status)
		status = (d > 1 ? mixture_sample_independent : mixture_sample)(
			&truth, own_seed(lab, DRAW_FLOOR), (size_t)lab->chains, x);
	if (!status)
		status = compare(lab, &truth, x, moments, moments + d, f);
	mixture_free(&truth);
	memory_release(moments);
	memory_release(x);
	return status;
}

/* ---- credible intervals ------------------------------------------------------------------------------ */

/* Among K = 39 draws of the posterior the truth has each of the 40 ranks with equal probability.  So the interval from
 * the r-th smallest to the r-th largest draw covers it with probability 1 - 2 r/40 exactly. */
const double laboratory_levels[LABORATORY_LEVELS] = { 0.5, 0.9, 0.95 };
static const int interval_ranks[LABORATORY_LEVELS] = { 10, 2, 1 };

/* below[i], above[i]: numbers of draws below and above the truth. */
static void count_ranks(size_t n, const double *truth, const float *u, int *below, int *above)
{
	for (size_t i = 0; i < n; i++) {
		below[i] += (double)u[i] < truth[i];
		above[i] += (double)u[i] > truth[i];
	}
}

static void summarise_cover(size_t n, size_t chains, const int *below, const int *above,
			    struct findings *f)
{
	for (int l = 0; l < LABORATORY_LEVELS; l++) {
		size_t inside = 0;

		for (size_t i = 0; i < n; i++)
			inside += below[i] >= interval_ranks[l] && above[i] >= interval_ranks[l];
		f->cover[l] = (double)inside / (double)n;
	}
	/* Counts chains only: coordinates of one chain may be dependent. */
	f->cover_error = 0.5 / sqrt((double)chains);
}

int laboratory_cover(const struct laboratory *lab, const struct method_use *method,
		     struct findings *f)
{
	const struct session_options options = { .seed = lab->seed, .progress = lab->progress };
	const size_t chains = (size_t)lab->chains, n = chains * dimension(lab);
	const size_t ny = chains * (size_t)lab->rows;
	double *truth = memory_alloc_array(n, sizeof *truth);
	double *y = memory_alloc_array(ny, sizeof *y);
	float *measurement = memory_alloc_array(ny, sizeof *measurement);
	float *u = memory_alloc_array(n, sizeof *u);
	int *ranks = memory_alloc_array(2 * n, sizeof *ranks);
	struct session_stats stats = { 0 };
	struct bench b = { 0 };
	int status = truth && y && measurement && u && ranks ? LACUNA_OK : LACUNA_ENOMEM;

	nothing_known(f);
	if (!status)
		status = draw_measurements(lab, chains, truth, y);
	for (size_t i = 0; !status && i < ny; i++)
		measurement[i] = (float)y[i];
	if (!status)
		status = bench_open(lab, method, lab->chains, measurement, &options, &b);
	for (uint32_t k = 0; !status && k < LABORATORY_DRAWS; k++) {
		status = session_run(b.session, k, u, &stats);
		if (!status)
			count_ranks(n, truth, u, ranks, ranks + n);
	}
	if (!status) {
		f->steps = stats.steps;
		f->evaluations = stats.evaluations;
		summarise_cover(n, chains, ranks, ranks + n, f);
	}
	bench_close(&b);
	memory_release(ranks);
	memory_release(u);
	memory_release(measurement);
	memory_release(y);
	memory_release(truth);
	return status;
}
