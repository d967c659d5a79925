/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Samplers on a Gaussian with known posterior, in the setting of Liang, Ju, Liang, Shroff 2025: prior N(0, S), S = (1 1' +
 * I)/2, in four dimensions, of which two are measured, y = 0; etc schedule, c = 3, delta = 1e-4; KL(q || p) of the state
 * before the last step.
 *
 * Every step of a linear sampler is u -> M u + b + sd z.  The test learns M and sd from the plugins in the run loop: before
 * each step it replaces the states by known ones, and afterwards it reads the result.  Mean, covariance and KL then follow
 * in double precision. */
#include <config.h>

#include "lab.h"
#include "../tap.h"

#include <stdlib.h>

enum { D = 4, CHAINS = D + 2 }; /* chains: the unit vectors, and twice 0 */

struct gaussian {
	double cov[D][D];
};

/* ---- linear algebra of size D */

/* Lower Cholesky factor; returns log det. */
static double cholesky(double (*a)[D], double (*l)[D])
{
	double log_det = 0;

	for (int i = 0; i < D; i++)
		for (int j = 0; j <= i; j++) {
			double s = a[i][j];

			for (int k = 0; k < j; k++)
				s -= l[i][k] * l[j][k];
			l[i][j] = i == j ? sqrt(s) : s / l[j][j];
			if (i == j)
				log_det += 2 * log(l[i][i]);
		}
	return log_det;
}

/* KL(N(0, q) || N(mean, p)). */
static double kl(double (*q)[D], double (*p)[D], const double *mean)
{
	double lq[D][D] = { { 0 } }, lp[D][D] = { { 0 } }, trace = 0, x[D];
	const double log_q = cholesky(q, lq), log_p = cholesky(p, lp);

	for (int j = 0; j <= D; j++) { /* columns of lq, then the mean: |lp^-1 column|^2 */
		for (int i = 0; i < D; i++) {
			x[i] = j < D ? lq[i][j] : mean[i];
			for (int k = 0; k < i; k++)
				x[i] -= lp[i][k] * x[k];
			x[i] /= lp[i][i];
			trace += x[i] * x[i];
		}
	}
	return (trace - D + log_p - log_q) / 2;
}

static void prior_covariance(double (*s)[D])
{
	for (int i = 0; i < D; i++)
		for (int j = 0; j < D; j++)
			s[i][j] = i == j ? 1 : 0.5;
}

/* Covariance of x0 given the first two coordinates with this noise, conditioned on one at a time. */
static void posterior_covariance(double noise, double (*s)[D])
{
	prior_covariance(s);
	for (int m = 0; m < 2; m++) {
		double column[D], variance = s[m][m] + noise * noise;

		for (int i = 0; i < D; i++)
			column[i] = s[i][m];
		for (int i = 0; i < D; i++)
			for (int j = 0; j < D; j++)
				s[i][j] -= column[i] * column[j] / variance;
	}
}

/* ---- the schedule, computed independently */

static double etc_sigma(int steps, int t)
{
	const double c = 3, delta = 1e-4, r = c * log(steps) / steps;
	double product = 1 - delta;

	for (int i = 2; i <= t; i++)
		product *= 1 - r * fmin(delta * pow(1 + r, i), 1);
	return sqrt((1 - product) / product);
}

/* ---- learning a sampler's steps */

struct learner {
	float *u;	       /* the sampler's state: CHAINS vectors */
	double scale;	       /* of the unit vectors */
	struct random_key key; /* of the run */
	double mean[D], cov[D][D];
	double top; /* sd of the first state */
	int64_t steps;
};

static void put_probes(struct learner *l)
{
	for (int c = 0; c < CHAINS; c++)
		for (int i = 0; i < D; i++)
			l->u[c * D + i] = c == i ? (float)l->scale : 0;
}

/* The two chains at 0 differ only by their noise. */
static double learn_noise(const struct learner *l, const float *z)
{
	const float *u0 = l->u + D * D, *u1 = u0 + D, *z0 = z + D * D, *z1 = z0 + D;
	double uz = 0, zz = 0;

	for (int i = 0; i < D; i++) {
		uz += ((double)u1[i] - u0[i]) * ((double)z1[i] - z0[i]);
		zz += ((double)z1[i] - z0[i]) * ((double)z1[i] - z0[i]);
	}
	return uz / zz;
}

/* The same for samplers whose noise level differs between coordinates. */
static void learn_noises(const struct learner *l, const float *z, double *sd)
{
	const float *u0 = l->u + D * D, *u1 = u0 + D, *z0 = z + D * D, *z1 = z0 + D;

	for (int i = 0; i < D; i++)
		sd[i] = ((double)u1[i] - u0[i]) / ((double)z1[i] - z0[i]);
}

static void propagate(struct learner *l, double (*m)[D], const double *b, const double *sd)
{
	double mean[D], half[D][D], cov[D][D];

	for (int i = 0; i < D; i++) {
		mean[i] = b[i];
		for (int j = 0; j < D; j++) {
			mean[i] += m[i][j] * l->mean[j];
			half[i][j] = 0;
			for (int k = 0; k < D; k++)
				half[i][j] += m[i][k] * l->cov[k][j];
		}
	}
	for (int i = 0; i < D; i++)
		for (int j = 0; j < D; j++) {
			cov[i][j] = i == j ? sd[i] * sd[i] : 0;
			for (int k = 0; k < D; k++)
				cov[i][j] += half[i][k] * m[j][k];
		}
	memcpy(l->mean, mean, sizeof mean);
	memcpy(l->cov, cov, sizeof cov);
}

/* Called by the run loop: after start() with step 0, then after each step. */
static void learn(void *context, int64_t step, int64_t steps)
{
	struct learner *l = context;
	double m[D][D], b[D], sd[D];
	float z[CHAINS * D];

	l->steps = steps;
	if (step == 0) {
		random_gaussian(l->key, UINT64_MAX, 0, z, CHAINS * D);
		l->top = learn_noise(l, z);
		for (int i = 0; i < D; i++) {
			l->mean[i] = l->u[D * D + i] - l->top * z[D * D + i];
			l->cov[i][i] = l->top * l->top;
		}
		put_probes(l);
		return;
	}
	random_gaussian(l->key, (uint64_t)step - 1, 0, z, CHAINS * D);
	learn_noises(l, z, sd);
	for (int i = 0; i < D; i++)
		b[i] = l->u[D * D + i] - sd[i] * z[D * D + i];
	for (int j = 0; j < D; j++)
		for (int i = 0; i < D; i++)
			m[i][j] = (l->u[j * D + i] - sd[i] * z[j * D + i] - b[i]) / l->scale;
	propagate(l, m, b, sd);
	put_probes(l);
}

/* ---- the table */

static const char *prior_spec, *mask_spec;

static char *spec(const char *fmt, const char *path)
{
	static char text[8][256];
	static int next;
	char *s = text[next++ % 8];

	snprintf(s, sizeof text[0], fmt, path);
	return s;
}

static void write_files(int chains)
{
	double s[D][D];

	prior_covariance(s);
	prior_spec = spec("gmm:file=%s", lab_file_begin("prior.txt"));
	lab_print("# the laboratory's Gaussian\ndim 4\ncomponent 1\nmean 0 0 0 0\n");
	for (int i = 0; i < D; i++)
		lab_print("cov %g %g %g %g\n", s[i][0], s[i][1], s[i][2], s[i][3]);
	lab_file_end();
	mask_spec = spec("mask:file=%s,weights=yes", lab_file_begin("mask.txt"));
	for (int c = 0; c < chains; c++)
		lab_print("1 1 0 0\n");
	lab_file_end();
}

/* ddpm with a guidance, or ddnm-plus, which has its own guidance. */
static void plan_sampler(const char *guidance, int steps, char *sampler, size_t size)
{
	snprintf(sampler, size,
		 "%s:steps=%d,schedule=etc,c=3,delta=1e-4,variance=theory,from=noise,finish=none",
		 guidance ? "ddpm" : "ddnm-plus", steps);
}

static const char *name_of(const char *guidance)
{
	return guidance ? guidance : "ddnm-plus";
}

/* Mean and covariance of the last state, learned step by step. */
static struct learner learn_run(const char *guidance, double noise, int steps)
{
	char sampler[160];
	float u[CHAINS * D];
	struct learner l = { .u = u, .scale = etc_sigma(steps, steps), .key = { 7, 0, 3 } };
	struct lab_plan plan = { .x = { { D, CHAINS, 1, 1 } },
				 .op = mask_spec,
				 .prior = prior_spec,
				 .guidance = guidance,
				 .sampler = sampler,
				 .noise = noise,
				 .options = {
					 .seed = 7, .progress = learn, .progress_context = &l } };
	struct lab lab;

	plan_sampler(guidance, steps, sampler, sizeof sampler);
	lab_open(&lab, &plan);
	lab_run(&lab, 3, u);
	lab_close(&lab);
	ok(l.steps == steps - 1, "%s, T=%d: T - 1 steps", name_of(guidance), steps);
	near(l.top / sqrt(1 + l.scale * l.scale), 1, 1e-5, "the first state is N(0, 1 + sigma^2)");
	return l;
}

/* KL(q_1|y || p_1|y). */
static double run_kl(double noise, int steps, double (*cov)[D], const double *mean)
{
	const double sigma = etc_sigma(steps, 1);
	double q[D][D];

	posterior_covariance(noise, q);
	for (int i = 0; i < D; i++)
		q[i][i] += sigma * sigma;
	return kl(q, cov, mean);
}

struct row {
	const char *guidance; /* NULL: ddnm-plus */
	double noise;
	double kl[5]; /* derived independently of this program */
};
static const int table_steps[5] = { 50, 100, 200, 500, 1000 };
static const struct row table[] = {
	{ "ddnm", 0.01, { .1457, .2069, .2511, .2864, .3010 } },
	{ NULL, 0.01, { .2168, .2610, .2861, .3040, .3110 } },
	{ "dmps", 0.01, { .0648, .0414, .0302, .0242, .0224 } },
	{ "dmps", 0.3, { .0729, .0676, .0655, .0654, .0658 } },
	{ "ccdf", 0.01, { 2.8995, 7.7809, 17.5354, 44.9461, 87.101 } },
	{ "bo", 0.01, { .0565, .0333, .0223, .0166, .0149 } },
	{ "exact", 0.01, { .0267, .0094, .0031, .0007, .0002 } },
	{ "bo", 0.3, { .0700, .0482, .0362, .0289, .0265 } },
	{ "exact", 0.3, { .0181, .0067, .0023, .0005, .0002 } },
};

static void test_table(void)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		for (int j = 0; j < 5; j++) {
			const double want = table[i].kl[j];
			struct learner l =
				learn_run(table[i].guidance, table[i].noise, table_steps[j]);
			const double got = run_kl(table[i].noise, table_steps[j], l.cov, l.mean);
			/* The figures are rounded to four decimals. */
			const double tolerance = 0.02 * want + 0.00005;

			ok(fabs(got - want) <= tolerance,
			   "%s, noise %g, T=%d: KL %.5f, should be %.4f",
			   name_of(table[i].guidance), table[i].noise, table_steps[j], got, want);
		}
}

/* ---- many chains through the run loop */

static void moments(const float *u, int chains, double *mean, double (*cov)[D])
{
	for (int i = 0; i < D; i++) {
		mean[i] = 0;
		for (int c = 0; c < chains; c++)
			mean[i] += (double)u[c * D + i] / chains;
	}
	for (int i = 0; i < D; i++)
		for (int j = 0; j < D; j++) {
			cov[i][j] = 0;
			for (int c = 0; c < chains; c++)
				cov[i][j] += (u[c * D + i] - mean[i]) * (u[c * D + j] - mean[j]) /
					     chains;
		}
}

/* Sample mean and covariance agree with the propagated ones within five standard errors. */
static void test_monte_carlo(const char *guidance, double noise, int steps)
{
	enum { N = 20000 };
	char sampler[160];
	struct learner l = learn_run(guidance, noise, steps);
	struct lab_plan plan = { .x = { { D, N, 1, 1 } },
				 .guidance = guidance,
				 .sampler = sampler,
				 .noise = noise,
				 .options = { .seed = 99 } };
	struct lab lab;
	float *u = calloc((size_t)N * D, sizeof *u);
	double mean[D], cov[D][D], worst = 0;

	plan_sampler(guidance, steps, sampler, sizeof sampler);
	write_files(N);
	plan.op = mask_spec;
	plan.prior = prior_spec;
	lab_open(&lab, &plan);
	lab_run(&lab, 0, u);
	lab_close(&lab);
	write_files(CHAINS);
	moments(u, N, mean, cov);
	for (int i = 0; i < D; i++) {
		worst = fmax(worst, fabs(mean[i] - l.mean[i]) / sqrt(l.cov[i][i] / N));
		for (int j = 0; j < D; j++) {
			const double variance =
				l.cov[i][i] * l.cov[j][j] + l.cov[i][j] * l.cov[i][j];

			worst = fmax(worst, fabs(cov[i][j] - l.cov[i][j]) / sqrt(variance / N));
		}
	}
	ok(worst < 5,
	   "%s, noise %g, T=%d: %d chains agree with the moments within %.1f standard errors",
	   guidance, noise, steps, N, worst);
	diag("KL of the chains' moments %.4f, propagated %.4f", run_kl(noise, steps, cov, mean),
	     run_kl(noise, steps, l.cov, l.mean));
	free(u);
}

/* ---- bo without noise equals ddnm */

static void test_noiseless(const char *op, const char *what)
{
	enum { W = 32, H = 24 };
	static const struct {
		const char *guidance;
		double noise;
	} runs[] = { { "ddnm", 0 }, { "bo", 0 }, { "bo", 1e-9 } }; /* the last: general code */
	float scene[W * H], u[3][W * H];
	double difference[3] = { 0 }, norm = 0;

	for (int i = 0; i < W * H; i++)
		scene[i] = 0.5f + 0.3f * sinf(0.3f * (float)(i % W)) * cosf(0.2f * (float)(i / W));
	for (int g = 0; g < 3; g++) {
		struct lab_plan plan = { .x = { { W, H, 1, 1 } },
					 .op = op,
					 .prior = "gaussian:mean=0.5,amplitude=0.25",
					 .guidance = runs[g].guidance,
					 .sampler = "ddpm:steps=30",
					 .scene = scene,
					 .noise = runs[g].noise,
					 .options = { .seed = 5 } };
		struct lab lab;

		lab_open(&lab, &plan);
		lab_run(&lab, 0, u[g]);
		lab_close(&lab);
	}
	for (int i = 0; i < W * H; i++) {
		for (int g = 1; g < 3; g++)
			difference[g] += pow((double)u[g][i] - u[0][i], 2);
		norm += pow(u[0][i], 2);
	}
	for (int g = 1; g < 3; g++)
		ok(difference[g] <= 1e-12 * norm && norm > 1,
		   "%s: bo with noise %g is ddnm (relative difference %.2g)", what, runs[g].noise,
		   sqrt(difference[g] / norm));
}

int main(void)
{
	write_files(CHAINS);
	test_table();
	test_monte_carlo("bo", 0.01, 100);
	test_monte_carlo("exact", 0.3, 50);
	test_monte_carlo("bo", 0.3, 50);
	test_noiseless("mask:keep=0.5", "mask");
	test_noiseless("blur:sigma=1,boundary=periodic", "blur");
	return tap_done();
}
