/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Every sampler and every guidance, with parameters other than the defaults, against a dense program in double precision.
 * The program follows the papers, in their variables, shares no code with the plugins, and gets the same normal numbers:
 * after a few steps both must have the same image.  It works in the basis of the operator's singular vectors, where a step
 * is a scalar formula.  With a Gaussian prior it is affine in the normals; its exactly propagated law shows which methods
 * converge to the posterior, and how fast. */
#include <config.h>

#include "lab.h"
#include "../tap.h"

#include <lapacke.h>
#include <stdarg.h>

enum { D = 5, P = 4, CHAINS = 2, N = D * CHAINS };

/* ---- the problem: H = U diag(s) V', y = H x + noise n, prior N(m, C) ------------------------------------------- */

static const double singular[D] = { 1.2, 0.7, 0.35, 0.08, 0 };
static double left[P][P], right[D][D]; /* right[l]: singular vector l */
static double prior_mean[D], prior_cov[D][D], prior_precision[D][D];
static double noise;
static double y[CHAINS * P];
static char matrix[600], prior[200];

/* Rows of n values, made orthonormal by Gram-Schmidt. */
static void orthonormal(int n, uint64_t stream, double *rows)
{
	static const struct random_key key = { 3, 0, 0 };
	float z[D * D];

	random_gaussian(key, stream, 0, z, (size_t)(n * n));
	for (int i = 0; i < n; i++) {
		double norm = 0;

		for (int j = 0; j < n; j++)
			rows[i * n + j] = z[i * n + j];
		for (int k = 0; k < i; k++) {
			double inner = 0;

			for (int j = 0; j < n; j++)
				inner += rows[i * n + j] * rows[k * n + j];
			for (int j = 0; j < n; j++)
				rows[i * n + j] -= inner * rows[k * n + j];
		}
		for (int j = 0; j < n; j++)
			norm += rows[i * n + j] * rows[i * n + j];
		for (int j = 0; j < n; j++)
			rows[i * n + j] /= sqrt(norm);
	}
}

static void make_problem(void)
{
	size_t used = (size_t)snprintf(matrix, sizeof matrix, "matrix:rows=");

	orthonormal(P, 0, &left[0][0]);
	orthonormal(D, 1, &right[0][0]);
	for (int i = 0; i < P; i++)
		for (int j = 0; j < D; j++) {
			double sum = 0;

			for (int l = 0; l < P; l++)
				sum += left[l][i] * singular[l] * right[l][j];
			used += (size_t)snprintf(matrix + used, sizeof matrix - used, "%.11f%s",
						 sum,
						 j + 1 < D   ? " "
						 : i + 1 < P ? ";"
							     : "");
		}
}

static void solve(double a[D][D], double *b);

/* Inverts a matrix column by column. */
static void invert(double a[D][D], double inverse[D][D])
{
	for (int j = 0; j < D; j++) {
		double e[D] = { 0 };

		e[j] = 1;
		solve(a, e);
		for (int i = 0; i < D; i++)
			inverse[i][j] = e[i];
	}
}

/* aligned: C has the operator's singular vectors as eigenvectors. */
static void make_prior(int aligned)
{
	static const double variance[D] = { 0.09, 0.05, 0.2, 0.03, 0.12 };
	double axes[D][D];

	if (aligned)
		memcpy(axes, right, sizeof axes);
	else
		orthonormal(D, 2, &axes[0][0]);
	memset(prior_cov, 0, sizeof prior_cov);
	for (int i = 0; i < D; i++) {
		prior_mean[i] = 0.3 + 0.1 * i;
		for (int j = 0; j < D; j++)
			for (int l = 0; l < D; l++)
				prior_cov[i][j] += axes[l][i] * variance[l] * axes[l][j];
	}
	invert(prior_cov, prior_precision);
	snprintf(prior, sizeof prior, "gmm:file=%s", lab_file_begin("prior.txt"));
	lab_print("dim %d\ncomponent 1\nmean", D);
	for (int i = 0; i < D; i++)
		lab_print(" %.9g", prior_mean[i]);
	for (int i = 0; i < D; i++) {
		lab_print("\ncov");
		for (int j = 0; j < D; j++)
			lab_print(" %.11g", prior_cov[i][j]);
	}
	lab_print("\n");
	lab_file_end();
}

/* ---- arithmetic ------------------------------------------------------------------------------------------------ */

/* Coordinates of one vector in the basis of singular vectors; leave() is the inverse. */
static void enter(const double *x, double *a)
{
	for (int l = 0; l < D; l++) {
		a[l] = 0;
		for (int j = 0; j < D; j++)
			a[l] += right[l][j] * x[j];
	}
}

static void leave(const double *a, double *x)
{
	for (int j = 0; j < D; j++) {
		x[j] = 0;
		for (int l = 0; l < D; l++)
			x[j] += right[l][j] * a[l];
	}
}

static double sq(double x)
{
	return x * x;
}

/* b = a^-1 b for positive definite a, by Cholesky factorisation. */
static void solve(double a[D][D], double *b)
{
	double c[D][D];

	for (int i = 0; i < D; i++)
		for (int j = 0; j <= i; j++) {
			double sum = a[i][j];

			for (int k = 0; k < j; k++)
				sum -= c[i][k] * c[j][k];
			c[i][j] = i == j ? sqrt(sum) : sum / c[j][j];
		}
	for (int i = 0; i < D; i++) {
		for (int k = 0; k < i; k++)
			b[i] -= c[i][k] * b[k];
		b[i] /= c[i][i];
	}
	for (int i = D - 1; i >= 0; i--) {
		for (int k = i + 1; k < D; k++)
			b[i] -= c[k][i] * b[k];
		b[i] /= c[i][i];
	}
}

/* E[x0 | u], input and output in coordinates. */
static void denoise(double sigma, const double *u, double *out)
{
	double a[D][D], b[D], x[D];

	memcpy(a, prior_cov, sizeof a);
	leave(u, b);
	for (int i = 0; i < D; i++) {
		a[i][i] += sq(sigma);
		b[i] -= prior_mean[i];
	}
	solve(a, b);
	for (int i = 0; i < D; i++) {
		x[i] = prior_mean[i];
		for (int j = 0; j < D; j++)
			x[i] += prior_cov[i][j] * b[j];
	}
	enter(x, out);
}

/* Mean and covariance, in pixels, of x0 given y and, if not NULL, u. */
static void posterior(const double *measured, double with_noise, double sigma, const double *u,
		      double *mean, double (*cov)[D])
{
	double precision[D][D], pull[D], state[D] = { 0 };

	memcpy(precision, prior_precision, sizeof precision);
	if (u)
		leave(u, state);
	for (int i = 0; i < D; i++) {
		pull[i] = u ? state[i] / sq(sigma) : 0;
		for (int j = 0; j < D; j++)
			pull[i] += prior_precision[i][j] * prior_mean[j];
	}
	for (int i = 0; i < D; i++) {
		precision[i][i] += u ? 1 / sq(sigma) : 0;
		for (int l = 0; l < P; l++) {
			double in_y = 0;

			for (int k = 0; k < P; k++)
				in_y += left[l][k] * measured[k];
			pull[i] += right[l][i] * singular[l] * in_y / sq(with_noise);
			for (int j = 0; j < D; j++)
				precision[i][j] +=
					right[l][i] * right[l][j] * sq(singular[l] / with_noise);
		}
	}
	if (cov)
		invert(precision, cov);
	solve(precision, pull);
	memcpy(mean, pull, sizeof pull);
}

/* ---- noise: the engine's numbers, or an impulse ------------------------------------------------------------- */

enum { START, FIRST, SECOND, DRAW_X, DRAW_Y }; /* sequences; a stream is a sequence and a step */

static struct {
	int live; /* 1: the engine's numbers; 0: one number is 1, the others are 0 */
	int chain;
	int sequence, step, element;
	int hit; /* the impulse was requested */
} tape;

static uint64_t stream_of(int sequence, int step)
{
	switch (sequence) {
	case START:
		return UINT64_MAX - (uint64_t)step * (UINT64_C(1) << 62);
	case SECOND:
		return (UINT64_C(1) << 62) + (uint64_t)step;
	case DRAW_X:
		return (UINT64_C(1) << 61) + (uint64_t)step;
	case DRAW_Y:
		return (UINT64_C(1) << 62) + (uint64_t)step;
	default:
		return (uint64_t)step;
	}
}

/* n normals of this chain, before any change of basis. */
static void raw_normals(int sequence, int step, int n, double *z)
{
	static const struct random_key key = { 9, 0, 0 };
	float values[D];

	memset(z, 0, (size_t)n * sizeof *z);
	if (tape.live) {
		random_gaussian(key, stream_of(sequence, step), (uint64_t)(tape.chain * n), values,
				(size_t)n);
		for (int i = 0; i < n; i++)
			z[i] = values[i];
	} else if (sequence == tape.sequence && step == tape.step && tape.element < n) {
		z[tape.element] = 1;
		tape.hit = 1;
	}
}

static void normals(int sequence, int step, double *z)
{
	double x[D];

	raw_normals(sequence, step, D, x);
	enter(x, z);
}

/* ---- a method -------------------------------------------------------------------------------------------------- */

enum { NONE, EXACT, PROX, DMPS, BO, DDNM, CCDF, PIGDM, DPS };
enum { LEVELS_MOST = 1000 };

struct method {
	const char *name; /* as on the command line */
	int guidance;
	const char *guidance_text;
	double weight, spread, threshold, floor, ratio, noise_floor; /* of the guidance */
	int steps, finish_none, from_noise;
	double sigma[LEVELS_MOST + 1];		       /* the last is 0, unless finish_none */
	void (*run)(const struct method *, double *u); /* all steps, in coordinates */
	int kind;
	double a, b, c; /* parameters of the sampler */
};

static const double *measurement; /* of the current chain */

/* The measurement's value of coordinate l: A^+ y. */
static double measured(int l)
{
	double sum = 0;

	for (int k = 0; k < P; k++)
		sum += left[l][k] * measurement[k];
	return sum / singular[l];
}

static int is_seen(int l, double floor)
{
	return l < P && singular[l] > floor * singular[0];
}

/* Guidances that use the derivative J of the prior, here a symmetric matrix: direction and length of the correction.  J is
 * applied to the misfit, in coordinates of y, weighted with its precision or divided by its norm. */
static void pull(const struct method *m, double sigma, double s, const double *d, double *e)
{
	const double r2 = 1 / (1 / sq(sigma) + 1 / sq(m->spread));
	const double vp = sqrt((1 + 4 * sq(sigma)) * (1 + 4 * sq(s))); /* for images in -1..1 */
	const double zero[D] = { 0 };
	double v[D] = { 0 }, jv[D], none[D], norm = 0;

	for (int l = 0; l < P; l++) {
		v[l] = singular[l] * (measured(l) - d[l]);
		norm += sq(v[l]);
	}
	for (int l = 0; l < P; l++) {
		if (m->guidance == PIGDM)
			v[l] *= singular[l] / fmax(r2 * sq(singular[l]) + sq(noise),
						   r2 * (sq(singular[l]) + 1e-5));
		else
			v[l] *= singular[l] / sqrt(norm);
	}
	denoise(sigma, v, jv);
	denoise(sigma, zero, none);
	for (int l = 0; l < D; l++)
		e[l] = d[l] + m->weight * (jv[l] - none[l]) *
				      (m->guidance == PIGDM ? sq(sigma) : vp / (1 - sq(s / sigma)));
}

/* E(u, sigma) for a step to level s, by the papers' formulas, in each coordinate. */
static void estimate(const struct method *m, double sigma, double s, const double *u, double *e)
{
	const double n = m->guidance == EXACT ? fmax(noise, m->noise_floor) : noise;
	double d[D], x[D];

	if (m->guidance == EXACT) {
		posterior(measurement, n, sigma, u, x, NULL);
		enter(x, e);
		return;
	}
	denoise(sigma, u, d);
	if (m->guidance == PIGDM || m->guidance == DPS) {
		pull(m, sigma, s < 0 ? m->ratio * sigma : s, d, e);
		return;
	}
	for (int l = 0; l < D; l++) {
		const double b = l < P ? measured(l) : 0, lambda = sq(singular[l]);
		const double w = s < 0 ? sq(m->ratio) : sq(s / sigma);
		const double r = 1 / (m->weight * (1 / sq(sigma) + 1 / sq(m->spread)));

		e[l] = d[l];
		switch (m->guidance) {
		case PROX: /* two observations with variances noise^2/lambda and r; hardly damped without noise */
			e[l] = (lambda * b + fmax(sq(n) / r, 1e-5) * d[l]) /
			       (lambda + fmax(sq(n) / r, 1e-5));
			break;
		case DMPS:
			if (lambda > 0)
				e[l] += m->weight * (b - u[l]) /
					(1 + fmax(sq(n / sigma), 1e-5) / lambda);
			break;
		case DDNM:
			e[l] = is_seen(l, m->floor) ? b : d[l];
			break;
		case CCDF: /* the next state is b plus noise */
			if (is_seen(l, m->floor))
				e[l] = (b - w * u[l]) / (1 - w);
			break;
		case BO:
			if (is_seen(l, m->floor) &&
			    n / singular[l] < m->threshold * m->spread * singular[l] / singular[0])
				e[l] = u[l] + (b - u[l]) / (1 + sq(n / sigma) / lambda);
			break;
		default:
			break;
		}
	}
}

/* argmin ||y - A x||^2/noise^2 + ||x - middle||^2/spread^2, where middle is the constant that fits y best and spread^2 is
 * the mean square of the residual. */
static void first_guess(double *g)
{
	double ones[D], x[D], inner = 0, weight = 0, middle, rest = 0, rho;

	for (int j = 0; j < D; j++)
		x[j] = 1;
	enter(x, ones);
	/* Sums over all chains, as in the plugin. */
	for (int c = 0; c < CHAINS; c++)
		for (int l = 0; l < P; l++) {
			double in_y = 0;

			for (int k = 0; k < P; k++)
				in_y += left[l][k] * y[c * P + k];
			inner += in_y * singular[l] * ones[l];
			weight += sq(singular[l] * ones[l]);
		}
	middle = inner / weight;
	for (int c = 0; c < CHAINS; c++)
		for (int l = 0; l < P; l++) {
			double in_y = 0;

			for (int k = 0; k < P; k++)
				in_y += left[l][k] * y[c * P + k];
			rest += sq(in_y - middle * singular[l] * ones[l]);
		}
	rho = fmax(sq(noise) / (rest / weight), 1e-4);
	for (int l = 0; l < D; l++) {
		const double lambda = sq(singular[l]);

		g[l] = middle * ones[l];
		if (l < P)
			g[l] += lambda * (measured(l) - middle * ones[l]) / (lambda + rho);
	}
}

static void start(const struct method *m, double *u)
{
	double z[D];

	memset(u, 0, D * sizeof *u);
	if (!m->from_noise)
		first_guess(u);
	normals(START, 0, z);
	for (int l = 0; l < D; l++)
		u[l] += z[l] * sqrt(sq(m->sigma[0]) + (m->from_noise ? 1 : 0));
}

static int step_count(const struct method *m)
{
	return m->finish_none ? m->steps - 1 : m->steps;
}

/* ---- samplers that ask for estimates ---------------------------------------------------------------------------- */

/* A step from t to s in the variance-preserving variable x_t = sqrt(alpha_bar_t) u_t. */
struct vp {
	double at, as;	    /* alpha_bar */
	double alpha, beta; /* of the step */
};

static struct vp vp_step(double sigma, double s)
{
	const double at = 1 / (1 + sq(sigma)), as = 1 / (1 + sq(s));

	return (struct vp){ at, as, at / as, 1 - at / as };
}

enum { SMALL, THEORY, LARGE };

/* Ho et al. 2020, equations 6 and 7. */
static void run_ddpm(const struct method *m, double *u)
{
	start(m, u);
	for (int k = 0; k < step_count(m); k++) {
		const struct vp v = vp_step(m->sigma[k], m->sigma[k + 1]);
		const double variance = m->kind == LARGE    ? v.beta
					: m->kind == THEORY ? v.beta / v.alpha
							    : v.beta * (1 - v.as) / (1 - v.at);
		double e[D], z[D];

		estimate(m, m->sigma[k], m->sigma[k + 1], u, e);
		normals(FIRST, k, z);
		for (int l = 0; l < D; l++) {
			const double x = sqrt(v.at) * u[l];
			const double mean = sqrt(v.as) * v.beta / (1 - v.at) * e[l] +
					    sqrt(v.alpha) * (1 - v.as) / (1 - v.at) * x;

			u[l] = (mean + (m->sigma[k + 1] > 0 ? sqrt(variance) * z[l] : 0)) /
			       sqrt(v.as);
		}
	}
}

enum { DDIM, ODE_THEORY };

/* Song et al. 2021, equations 12 and 16; Li et al. 2023. */
static void run_ode(const struct method *m, double *u)
{
	start(m, u);
	for (int k = 0; k < step_count(m); k++) {
		const double sigma = m->sigma[k], s = m->sigma[k + 1];
		const struct vp v = vp_step(sigma, s);
		const double sd = m->a * sqrt((1 - v.as) / (1 - v.at)) * sqrt(1 - v.alpha);
		double e[D], z[D];

		estimate(m, sigma, s, u, e);
		normals(FIRST, k, z);
		for (int l = 0; l < D; l++) {
			const double x = sqrt(v.at) * u[l];
			const double epsilon = (x - sqrt(v.at) * e[l]) / sqrt(1 - v.at);
			const double score = -epsilon / sqrt(1 - v.at);

			if (m->kind == DDIM)
				u[l] = (sqrt(v.as) * e[l] + sqrt(1 - v.as - sd * sd) * epsilon +
					sd * z[l]) /
				       sqrt(v.as);
			else if (s > 0)
				u[l] = (x + v.beta / 2 * score) / sqrt(v.alpha) / sqrt(v.as);
			else
				u[l] = e[l];
		}
	}
}

enum { PRACTICAL, FAST_THEORY, ANGLE };

/* The variable in which e is extrapolated linearly. */
static double clock_of(const struct method *m, double sigma)
{
	return m->kind == ANGLE ? atan(sigma / m->a) : 1 / (1 + sq(sigma));
}

/* Integral of clock - clock(sigma) from sigma to s, by Simpson's rule. */
static double clock_integral(const struct method *m, double sigma, double s)
{
	enum { INTERVALS = 2000 };
	const double h = (s - sigma) / INTERVALS;
	double sum = 0;

	for (int i = 0; i <= INTERVALS; i++) {
		const double weight = i == 0 || i == INTERVALS ? 1 : i % 2 ? 4 : 2;

		sum += weight * (clock_of(m, sigma + i * h) - clock_of(m, sigma));
	}
	return sum * h / 3;
}

/* Li et al. 2024: du/dsigma = e, extrapolated from its last two values; or the score, with the state moved back. */
static void run_ode_fast(const struct method *m, double *u)
{
	double last[D] = { 0 };

	start(m, u);
	for (int k = 0; k < step_count(m); k++) {
		const double sigma = m->sigma[k], s = m->sigma[k + 1];
		const struct vp v = vp_step(sigma, s);
		double e[D];

		estimate(m, sigma, s, u, e);
		if (s == 0) {
			memcpy(u, e, sizeof e);
			return;
		}
		if (m->kind == FAST_THEORY) {
			const struct vp w = vp_step(k ? m->sigma[k - 1] : sigma, sigma);
			double x[D], score[D], back[D], in_u[D], before[D];

			for (int l = 0; l < D; l++) {
				x[l] = sqrt(v.at) * u[l];
				score[l] = -(x[l] - sqrt(v.at) * e[l]) / (1 - v.at);
				back[l] = sqrt(w.alpha) * (x[l] - w.beta / 2 * score[l]);
				in_u[l] = back[l] / sqrt(w.at);
			}
			if (k)
				estimate(m, m->sigma[k - 1], -1, in_u, before);
			for (int l = 0; l < D; l++) {
				const double ahead =
					k ? -(back[l] - sqrt(w.at) * before[l]) / (1 - w.at) : 0;
				const double second =
					k ? sq(v.beta) / (4 * w.beta) *
							(score[l] - sqrt(w.alpha) * ahead)
					  : 0;

				u[l] = (x[l] + v.beta / 2 * score[l] + second) / sqrt(v.alpha) /
				       sqrt(v.as);
			}
			continue;
		}
		for (int l = 0; l < D; l++) {
			const double now = (u[l] - e[l]) / sigma;
			const double slope = k ? (now - last[l]) / (clock_of(m, sigma) -
								    clock_of(m, m->sigma[k - 1]))
					       : 0;

			u[l] += (s - sigma) * now + slope * clock_integral(m, sigma, s);
			last[l] = now;
		}
	}
}

/* Li et al. 2024, the accelerated stochastic sampler. */
static void run_ddpm_fast(const struct method *m, double *u)
{
	start(m, u);
	for (int k = 0; k < step_count(m); k++) {
		const double sigma = m->sigma[k], s = m->sigma[k + 1];
		const struct vp v = vp_step(sigma, s);
		double e[D], z[D], x[D], state[D];

		normals(FIRST, k, z);
		for (int l = 0; l < D; l++) {
			x[l] = sqrt(v.at) * u[l] + (s > 0 ? sqrt(v.beta / 2) * z[l] : 0);
			state[l] = x[l] / sqrt(v.at);
		}
		estimate(m, sigma, s, state, e);
		normals(SECOND, k, z);
		for (int l = 0; l < D; l++) {
			const double score = -(x[l] - sqrt(v.at) * e[l]) / (1 - v.at);

			u[l] = s > 0 ? (x[l] + v.beta * score + sqrt(v.beta / 2) * z[l]) /
					       sqrt(v.alpha) / sqrt(v.as)
				     : e[l];
		}
	}
}

/* Chen et al. 2023, section 2.1. */
static void run_exponential(const struct method *m, double *u)
{
	start(m, u);
	for (int k = 0; k < step_count(m); k++) {
		const double sigma = m->sigma[k], s = m->sigma[k + 1];
		const struct vp v = vp_step(sigma, s);
		const double h = -log(v.alpha) / 2; /* alpha = e^-2h */
		double e[D], z[D];

		estimate(m, sigma, s, u, e);
		normals(FIRST, k, z);
		for (int l = 0; l < D; l++) {
			const double x = sqrt(v.at) * u[l];
			const double score = -(x - sqrt(v.at) * e[l]) / (1 - v.at);

			u[l] = s > 0 ? (exp(h) * x + 2 * (exp(h) - 1) * score +
					sqrt(exp(2 * h) - 1) * z[l]) /
					       sqrt(v.as)
				     : e[l];
		}
	}
}

/* De Bortoli 2022, section 2.  a: horizon; b: stop; c: rate of the clock at the horizon, 0 if the schedule is not ou. */
static void run_euler(const struct method *m, double *u)
{
	start(m, u);
	for (int k = 0; k < step_count(m); k++) {
		const double sigma = m->sigma[k], s = m->sigma[k + 1];
		const struct vp v = vp_step(sigma, s);
		const double t = m->a + (m->b - m->a) * k / (m->steps - 1);
		const double h = (m->a - m->b) / (m->steps - 1);
		const double g = m->c > 0 ? h * (1 + (m->c - 1) * t / m->a) : -log(v.alpha) / 2;
		double e[D], z[D];

		estimate(m, sigma, s, u, e);
		normals(FIRST, k, z);
		for (int l = 0; l < D; l++) {
			const double x = sqrt(v.at) * u[l];
			const double score = -(x - sqrt(v.at) * e[l]) / (1 - v.at);

			u[l] = s > 0 ? (x + g * (x + 2 * score) + sqrt(2 * g) * z[l]) / sqrt(v.as)
				     : e[l];
		}
	}
}

/* Chen, Daras, Dimakis 2023.  a: look-back in steps; 0: to the clean image. */
static void run_degrade(const struct method *m, double *u)
{
	start(m, u);
	for (int k = 0; k < step_count(m); k++) {
		const double sigma = m->sigma[k], s = m->sigma[k + 1], h = sq(sigma) - sq(s);
		const double back = m->a > 0 && s > 0 ? fmin(m->a * h, sq(sigma)) : sq(sigma);
		double e[D];

		estimate(m, sigma, s, u, e);
		for (int l = 0; l < D; l++) {
			const double restored = u[l] + back * (e[l] - u[l]) / sq(sigma);
			const double n = (u[l] - restored) / sqrt(back);

			u[l] = restored + sqrt(fmax(back - h, 0)) * n;
		}
	}
}

/* ---- restore-degrade with a process ---------------------------------------------------------------------------- */

enum { SCALING, SCALING_VP, MIXING, CURVE };

struct process {
	double first, last, noise, eta, lambda, level_max, level_min;
	int rounds, whole;
};

static const struct process *process; /* of the current method */

/* The operator gamma. */
static double tone(double x, double exponent)
{
	const double toe = 0.01, f0 = pow(toe, exponent), f1 = pow(1 + toe, exponent);

	return x >= 0 ? (pow(x + toe, exponent) - f0) / (f1 - f0)
		      : exponent * pow(toe, exponent - 1) / (f1 - f0) * x;
}

/* C x at this strength, in pixels: a factor, a mix of each pixel with the next, or a curve. */
static void corrupt(const struct method *m, double strength, const double *x, double *out)
{
	for (int i = 0; i < D; i++)
		out[i] = m->kind == CURVE    ? tone(x[i], strength)
			 : m->kind == MIXING ? x[i] + (i + 1 < D ? strength * x[i + 1] : 0)
					     : strength * x[i];
}

/* argmin (state - f(x))^2 + rho (x - X)^2 for each pixel, by bisection of the derivative. */
static void curve_step(double strength, double rho, const double *state, double *x)
{
	for (int i = 0; i < D; i++) {
		double lo = -2, hi = 4;

		for (int k = 0; k < 60; k++) {
			const double at = (lo + hi) / 2, h = 1e-6;
			const double slope =
				(tone(at + h, strength) - tone(at - h, strength)) / (2 * h);
			const double rise = (tone(at, strength) - state[i]) * slope;

			*(rise + rho * (at - x[i]) > 0 ? &hi : &lo) = at;
		}
		x[i] = (lo + hi) / 2;
	}
}

/* (C'C + rho I)^-1 (C' state + rho x), with C built column by column. */
static void data_step(const struct method *m, double strength, double rho, const double *state,
		      double *x)
{
	double c[D][D], a[D][D], b[D];

	if (m->kind == CURVE) {
		curve_step(strength, rho, state, x);
		return;
	}
	for (int j = 0; j < D; j++) {
		double e[D] = { 0 };

		e[j] = 1;
		corrupt(m, strength, e, c[j]);
	}
	for (int i = 0; i < D; i++) {
		b[i] = rho * x[i];
		for (int j = 0; j < D; j++) {
			b[i] += c[i][j] * state[j];
			a[i][j] = i == j ? rho : 0;
			for (int k = 0; k < D; k++)
				a[i][j] += c[i][k] * c[j][k];
		}
	}
	solve(a, b);
	memcpy(x, b, sizeof b);
}

static void strength_at(const struct method *m, int k, double *strength, double *level)
{
	const struct process *p = process;
	const double rest = 1 - k / (double)m->steps, sigma = m->sigma[k];

	*strength = m->kind == SCALING_VP ? 1 / sqrt(1 + sq(sigma))
					  : p->last + (p->first - p->last) * rest;
	*level = m->kind == SCALING_VP ? sigma / sqrt(1 + sq(sigma)) : p->noise * rest;
	if (p->whole)
		*strength = rint(*strength);
}

/* The estimate X from x_t, or rounds of a data step and an estimate. */
static void restore(const struct method *m, int k, double strength, double level,
		    const double *state, double *x)
{
	const struct process *p = process;
	const double top = p->level_max * pow(p->level_min / p->level_max, k / (double)m->steps);
	double u[D], e[D];

	if (m->kind < MIXING) {
		for (int i = 0; i < D; i++)
			x[i] = state[i] / strength;
		enter(x, u);
		estimate(m, level / strength, -1, u, e);
		leave(e, x);
		return;
	}
	for (int i = 0; i < p->rounds; i++) {
		const double r = top * pow(p->level_min / top, i / (p->rounds - 1.0));

		data_step(m, strength, p->lambda * sq(level / r), state, x);
		enter(x, u);
		estimate(m, r, -1, u, e);
		leave(e, x);
	}
}

/* Cold Diffusion with DDIM's noise; the first state is a corrupted guess. */
static void run_process(const struct method *m, double *u)
{
	double x[D], state[D], z[D], strength, level;

	first_guess(u);
	leave(u, x);
	strength_at(m, 0, &strength, &level);
	corrupt(m, strength, x, state);
	raw_normals(START, 0, D, z);
	for (int i = 0; i < D; i++)
		state[i] += level * z[i];
	for (int k = 0; k < m->steps; k++) {
		double old[D], fresh[D], next, next_level;

		restore(m, k, strength, level, state, x);
		if (k + 1 == m->steps)
			break;
		corrupt(m, strength, x, old);
		strength_at(m, k + 1, &next, &next_level);
		corrupt(m, next, x, fresh);
		raw_normals(FIRST, k, D, z);
		for (int i = 0; i < D; i++)
			state[i] = fresh[i] + next_level * (sqrt(1 - sq(process->eta)) *
								    (state[i] - old[i]) / level +
							    process->eta * z[i]);
		strength = next;
		level = next_level;
	}
	enter(x, u);
}

/* ---- critically damped Langevin diffusion ---------------------------------------------------------------------- */

/* |m|^2 of N(m x0, I - m m'), m = e^-t (1 + t, -t), is 1/(1 + sigma^2). */
static double cld_time(double sigma)
{
	double lo = 0, hi = 60;

	for (int i = 0; i < 200; i++) {
		const double t = (lo + hi) / 2;

		*(exp(-2 * t) * (sq(1 + t) + sq(t)) * (1 + sq(sigma)) > 1 ? &lo : &hi) = t;
	}
	return (lo + hi) / 2;
}

/* exp(B r) for the reversed drift B = [[0, -1], [1, 2]] */
static void cld_flow(double r, double f[2][2])
{
	f[0][0] = exp(r) * (1 - r);
	f[0][1] = -exp(r) * r;
	f[1][0] = exp(r) * r;
	f[1][1] = exp(r) * (1 + r);
}

/* dx = -v dt, dv = (x + 2 v + 4 score) dt + 2 dB over time h with a constant score; integrals by Simpson's rule. */
static void cld_transition(double h, double f[2][2], double push[2], double cov[2][2])
{
	enum { INTERVALS = 400 };

	cld_flow(h, f);
	memset(push, 0, 2 * sizeof *push);
	memset(cov, 0, 4 * sizeof(double));
	for (int i = 0; i <= INTERVALS; i++) {
		const double weight = h / INTERVALS / 3 *
				      (i == 0 || i == INTERVALS ? 1
				       : i % 2			? 4
								: 2);
		double g[2][2];

		cld_flow(h * i / INTERVALS, g);
		for (int a = 0; a < 2; a++) {
			push[a] += weight * 4 * g[a][1];
			for (int b = 0; b < 2; b++)
				cov[a][b] += weight * 4 * g[a][1] * g[b][1];
		}
	}
}

static void run_cld(const struct method *m, double *u)
{
	const int n = step_count(m), last = m->finish_none ? n : n - 1;
	const double top = cld_time(m->sigma[0]), end = cld_time(m->sigma[last]);
	double x[D], v[D], zx[D], zv[D], g[D];
	double t = top, mx = exp(-t) * (1 + t), mv = -exp(-t) * t, norm = mx * mx + mv * mv;

	normals(START, 0, x);
	normals(START, 1, v);
	if (!m->from_noise) { /* m g + (I - m m')^1/2 z */
		const double along = 1 - sqrt(1 - norm);

		first_guess(g);
		for (int l = 0; l < D; l++) {
			const double part = (mx * x[l] + mv * v[l]) / norm;

			x[l] += mx * (g[l] - along * part);
			v[l] += mv * (g[l] - along * part);
		}
	}
	for (int k = 0;; k++) {
		double e[D], f[2][2], push[2], cov[2][2], next, sigma;

		for (int l = 0; l < D; l++)
			u[l] = (mx * x[l] + mv * v[l]) / norm;
		if (k == n)
			return;
		sigma = sqrt(1 / norm - 1);
		next = k + 1 > last   ? -1
		       : m->kind == 1 ? top + (end - top) * (k + 1) / last
				      : cld_time(m->sigma[k + 1]);
		estimate(m, sigma, next < 0 ? 0 : m->sigma[k + 1], u, e);
		if (next < 0) {
			memcpy(u, e, sizeof e);
			return;
		}
		cld_transition(t - next, f, push, cov);
		normals(FIRST, k, zx);
		normals(SECOND, k, zv);
		for (int l = 0; l < D; l++) {
			/* Sherman-Morrison: (I - m m')^-1 = I + m m'/(1 - |m|^2). */
			const double rx = x[l] - mx * e[l], rv = v[l] - mv * e[l];
			const double score = -rv - mv * (mx * rx + mv * rv) / (1 - norm);
			const double ax = f[0][0] * x[l] + f[0][1] * v[l] + push[0] * score;
			const double av = f[1][0] * x[l] + f[1][1] * v[l] + push[1] * score;

			x[l] = ax + sqrt(cov[0][0]) * zx[l];
			v[l] = av + cov[1][0] / sqrt(cov[0][0]) * zx[l] +
			       sqrt(cov[1][1] - sq(cov[1][0]) / cov[0][0]) * zv[l];
		}
		t = next;
		mx = exp(-t) * (1 + t);
		mv = -exp(-t) * t;
		norm = mx * mx + mv * mv;
	}
}

/* ---- samplers by component ------------------------------------------------------------------------------------- */

/* The measurement's noise in coordinate l.  a: threshold for a singular value to count as measured. */
static double component_noise(const struct method *m, int l)
{
	return is_seen(l, m->a) ? noise / singular[l] : INFINITY;
}

static void component_start(const struct method *m, double *u)
{
	const double top = m->sigma[0];
	double g[D] = { 0 }, z[D];

	if (!m->from_noise)
		first_guess(g);
	normals(START, 0, z);
	for (int l = 0; l < D; l++) {
		const double n = component_noise(m, l);

		u[l] = n < top ? measured(l) + sqrt(sq(top) - sq(n)) * z[l] : g[l] + top * z[l];
	}
}

/* Brownian bridge from p at time 0 to q at time `whole', at time `part'. */
static double brownian_bridge(double p, double q, double part, double whole, double z)
{
	return p + part / whole * (q - p) + sqrt(part * (whole - part) / whole) * z;
}

static void run_bridge(const struct method *m, double *u)
{
	component_start(m, u);
	for (int k = 0; k < step_count(m); k++) {
		const double sigma = m->sigma[k], s = m->sigma[k + 1];
		double d[D], z[D] = { 0 };

		denoise(sigma, u, d);
		normals(FIRST, k, z);
		for (int l = 0; l < D; l++) {
			const double n = component_noise(m, l);

			if (n >= sigma)
				u[l] = brownian_bridge(d[l], u[l], sq(s), sq(sigma), z[l]);
			else if (n > s)
				u[l] = brownian_bridge(d[l], measured(l), sq(s), sq(n), z[l]);
			else
				u[l] = brownian_bridge(measured(l), u[l], sq(s) - sq(n),
						       sq(sigma) - sq(n), z[l]);
		}
	}
}

/* Kawar et al. 2022, equations 7 and 8.  b: eta; c: eta_b. */
static void run_ddrm(const struct method *m, double *u)
{
	component_start(m, u);
	for (int k = 0; k < step_count(m); k++) {
		const double sigma = m->sigma[k], s = m->sigma[k + 1], eta = m->b, eta_b = m->c;
		double d[D], z[D];

		denoise(sigma, u, d);
		normals(FIRST, k, z);
		for (int l = 0; l < D; l++) {
			const double n = component_noise(m, l);

			if (!isfinite(n))
				u[l] = d[l] + sqrt(1 - eta * eta) * s * (u[l] - d[l]) / sigma +
				       eta * s * z[l];
			else if (s < n)
				u[l] = d[l] + sqrt(1 - eta * eta) * s * (measured(l) - d[l]) / n +
				       eta * s * z[l];
			else
				u[l] = (1 - eta_b) * d[l] + eta_b * measured(l) +
				       sqrt(sq(s) - sq(eta_b * n)) * z[l];
		}
	}
}

/* Wang et al. 2023, equations 17 to 19, in the variance-preserving variable: x_s = a E + b x_t + sd z. */
static void run_ddnm_plus(const struct method *m, double *u)
{
	start(m, u);
	for (int k = 0; k < step_count(m); k++) {
		const double sigma = m->sigma[k], s = m->sigma[k + 1];
		const struct vp v = vp_step(sigma, s);
		const double a = sqrt(v.as) * v.beta / (1 - v.at);
		const double b = sqrt(v.alpha) * (1 - v.as) / (1 - v.at);
		const double sd = s > 0 ? sqrt(m->kind == THEORY ? v.beta / v.alpha
								 : v.beta * (1 - v.as) / (1 - v.at))
					: 0;
		double d[D], z[D];

		denoise(sigma, u, d);
		normals(FIRST, k, z);
		for (int l = 0; l < D; l++) {
			const double n = component_noise(m, l), x = sqrt(v.at) * u[l];
			const double most = isfinite(n) ? (a * n <= sd ? 1 : sd / (a * n)) : 0;
			const double e = most > 0 ? d[l] + most * (measured(l) - d[l]) : d[l];
			const double brought = most > 0 ? sq(a * most * n) : 0;

			u[l] = (a * e + b * x + sqrt(fmax(sq(sd) - brought, 0)) * z[l]) /
			       sqrt(v.as);
		}
	}
}

/* ---- samplers without diffusion levels ------------------------------------------------------------------------ */

/* DPIR, equations 6 and 7: sigma falls geometrically from a to b; c: lambda; spread: part of FISTA's momentum, less
 * beyond ten rounds. */
static void run_hqs(const struct method *m, double *u)
{
	double before[D];

	first_guess(u);
	for (int k = 0; k < m->steps; k++) {
		const int falling = m->kind > 0 ? m->kind : m->steps;
		const int fall = k - (m->steps - falling) > 0 ? k - (m->steps - falling) : 0;
		const double sigma = m->a * pow(m->b / m->a, fall / (falling - 1.0));
		const double rho = m->c * sq(noise) / sq(sigma);
		double x[D];

		for (int l = 0; l < D; l++) {
			const double lambda = sq(singular[l]);
			const double change = k > 0 ? u[l] - before[l] : 0;
			const double ahead = u[l] + m->spread * fall / (fall + 3.0) * change;

			x[l] = ((l < P ? lambda * measured(l) : 0) + rho * ahead) / (lambda + rho);
			before[l] = u[l];
		}
		denoise(sigma, x, u);
	}
	/* Measured detail comes back: z counts with the variance by which its last level exceeds the noise. */
	for (int l = 0; l < P && m->b > noise; l++) {
		const double data = sq(singular[l] / noise), own = 1 / (sq(m->b) - sq(noise));

		u[l] = (data * measured(l) + own * u[l]) / (data + own);
	}
}

/* Split Gibbs.  a, b: first and last rho; c: depth; kind: inner steps; threshold, spread: part of the noise in the first and
 * last round. */
static void run_gibbs(const struct method *m, double *u)
{
	const double n = fmax(noise, 1e-3);

	first_guess(u);
	for (int k = 0; k < m->steps; k++) {
		const double t = m->steps > 1 ? k / (m->steps - 1.0) : 1;
		const double rho = m->a * pow(m->b / m->a, t);
		const double part = m->threshold + t * (m->spread - m->threshold);
		double x[D], zx[D], zy[P];
		double sigma = rho;

		/* N(m, Q^-1), drawn as the optimum for perturbed data. */
		normals(DRAW_X, k, zx);
		raw_normals(DRAW_Y, k, P, zy);
		for (int l = 0; l < D; l++) {
			const double lambda = sq(singular[l]);
			double pull = (u[l] + rho * zx[l]) / sq(rho);

			for (int i = 0; i < P && l < P; i++)
				pull += singular[l] * left[l][i] * (measurement[i] + n * zy[i]) /
					sq(n);
			x[l] = pull / (lambda / sq(n) + 1 / sq(rho));
		}
		/* Reverse diffusion from rho.  Half of the noise comes before the estimate; `part' of it is drawn.  The rest
		 * counts afterwards with the share w that a step of ddpm keeps. */
		for (int i = 0; i < m->kind; i++) {
			const int stream = k * m->kind + i, end = i + 1 == m->kind;
			const double next = end ? 0 : rho * pow(m->c, (i + 1) / (m->kind - 1.0));
			const double half = (sq(sigma) - sq(next)) / 2, w = sq(next / sigma);
			const int quiet = end && k + 1 == m->steps;
			double e[D], z[D];

			normals(FIRST, 2 * stream, z);
			for (int l = 0; l < D && !quiet; l++)
				x[l] += sqrt(part * half) * z[l];
			denoise(sigma, x, e);
			normals(FIRST, 2 * stream + 1, z);
			for (int l = 0; l < D; l++) {
				x[l] = (1 - w) * e[l] + w * x[l];
				if (!quiet)
					x[l] += sqrt(part * half + (1 - part) * 2 * w * half) *
						z[l];
			}
			sigma = next;
		}
		memcpy(u, x, sizeof x);
	}
}

/* ---- both programs ----------------------------------------------------------------------------------------------- */

static void open_lab(const struct method *m, double with_noise, struct lab *lab)
{
	static float scene[N];
	struct lab_plan plan = { .x = { { D, CHAINS, 1, 1 } },
				 .op = matrix,
				 .prior = prior,
				 .guidance = m->guidance_text,
				 .sampler = m->name,
				 .scene = scene,
				 .noise = with_noise,
				 .options = { .seed = 9 } };

	for (int i = 0; i < N; i++)
		scene[i] = (float)(0.5 + 0.4 * sin(2.5 * i));
	lab_open(lab, &plan);
	noise = with_noise;
	for (int i = 0; i < CHAINS * P; i++)
		y[i] = lab->y[i];
}

/* The largest difference between the two programs' images. */
static void check(const struct method *m, double with_noise)
{
	struct lab lab;
	float got[N];
	/* Without noise, single precision limits the agreement; Gauss-Newton stops after a few rounds. */
	const double tolerance = m->run == run_process && m->kind == CURVE ? 5e-3
				 : with_noise > 0			   ? 1e-4
									   : 2e-3;
	double worst = 0, size = 0;

	open_lab(m, with_noise, &lab);
	lab_run(&lab, 0, got);
	lab_close(&lab);
	tape.live = 1;
	for (tape.chain = 0; tape.chain < CHAINS; tape.chain++) {
		double u[D], x[D];

		measurement = y + tape.chain * P;
		m->run(m, u);
		leave(u, x);
		for (int i = 0; i < D; i++) {
			worst = fmax(worst, fabs(x[i] - got[tape.chain * D + i]));
			size = fmax(size, fabs(x[i]));
		}
	}
	ok(worst < tolerance * fmax(size, 1), "%s%s%s, noise %g: the dense program's image (%.1e)",
	   m->guidance_text ? m->guidance_text : "", m->guidance_text ? ", " : "", m->name,
	   with_noise, worst);
}

/* ---- levels, by the definitions of the schedules ----------------------------------------------------------------- */

static void edm(struct method *m, int steps, double hi, double lo, double rho)
{
	m->steps = steps;
	for (int k = 0; k < steps; k++)
		m->sigma[k] = pow(pow(hi, 1 / rho) +
					  k / (steps - 1.0) * (pow(lo, 1 / rho) - pow(hi, 1 / rho)),
				  rho);
	m->sigma[steps] = 0;
}

static void geometric(struct method *m, int steps, double hi, double lo)
{
	m->steps = steps;
	for (int k = 0; k < steps; k++)
		m->sigma[k] = exp(log(hi) + k / (steps - 1.0) * log(lo / hi));
	m->sigma[steps] = 0;
}

/* beta_t = r min(delta (1 + r)^t, 1), r = c log(N)/N, beta_1 = delta. */
static void etc(struct method *m, int steps, double c, double delta)
{
	const double r = c * log(steps) / steps;
	double alpha_bar = 1;

	m->steps = steps;
	for (int t = 1; t <= steps; t++) {
		alpha_bar *= 1 - (t == 1 ? delta : r * fmin(delta * pow(1 + r, t), 1));
		m->sigma[steps - t] = sqrt(1 / alpha_bar - 1);
	}
	m->sigma[steps] = 0;
}

/* alpha_bar = exp(-2 B), B = t + (beta - 1) t^2/(2 horizon). */
static void ou(struct method *m, int steps, double horizon, double stop, double beta)
{
	m->steps = steps;
	for (int k = 0; k < steps; k++) {
		const double t = horizon + (stop - horizon) * k / (steps - 1);

		m->sigma[k] = sqrt(exp(2 * t + (beta - 1) * t * t / horizon) - 1);
	}
	m->sigma[steps] = 0;
}

/* Ho et al. 2020: 1000 values of beta from 1e-4 to 0.02, linear in t; levels from t = 1000 to 1; log(alpha_bar) is
 * interpolated linearly between integer t. */
static void linear_beta(struct method *m, int steps)
{
	m->steps = steps;
	for (int k = 0; k < steps; k++) {
		const double t = 1000 - 999.0 * k / (steps - 1);
		double log_alpha_bar = 0;

		for (int i = 1; i < t + 1; i++)
			log_alpha_bar += fmin(t - i + 1, 1) *
					 log(1 - (1e-4 + (0.02 - 1e-4) * (i - 1) / 999));
		m->sigma[k] = sqrt(exp(-log_alpha_bar) - 1);
	}
	m->sigma[steps] = 0;
}

/* ---- all methods ------------------------------------------------------------------------------------------------- */

static struct method plain(const char *name, void (*run)(const struct method *, double *))
{
	struct method m = { .name = name, .run = run };

	edm(&m, 6, 3, 0.05, 4);
	return m;
}

#define EDM "steps=6,sigma_max=3,sigma_min=0.05,rho=4"

static void test_guidances(void)
{
	static const struct {
		const char *text;
		int kind;
		double weight, spread, threshold, floor, ratio, noise_floor, noise;
	} rows[] = {
		{ "none", NONE, 1, 1, 0, 0, 0, 0, 0.1 },
		{ "exact", EXACT, 1, 1, 0, 0, 0, 0, 0.1 },
		{ "exact:noise_floor=0.3", EXACT, 1, 1, 0, 0, 0, 0.3, 0.1 },
		{ "exact:noise_floor=0.02", EXACT, 1, 1, 0, 0, 0, 0.02, 0 },
		{ "prox", PROX, 1, 0.25, 0, 0, 0, 0, 0.1 },
		{ "prox:weight=2.5", PROX, 2.5, 0.25, 0, 0, 0, 0, 0.1 },
		{ "prox:spread=0.1", PROX, 1, 0.1, 0, 0, 0, 0, 0.1 },
		{ "prox", PROX, 1, 0.25, 0, 0, 0, 0, 0 },
		{ "dmps", DMPS, 1, 1, 0, 0, 0, 0, 0.1 },
		{ "dmps:weight=1.75", DMPS, 1.75, 1, 0, 0, 0, 0, 0.1 },
		{ "dmps", DMPS, 1, 1, 0, 0, 0, 0, 0 },
		{ "ddnm", DDNM, 1, 1, 0, 1e-3, 0, 0, 0.1 },
		{ "ddnm:floor=0.1", DDNM, 1, 1, 0, 0.1, 0, 0, 0.1 },
		{ "ddnm:floor=0.4", DDNM, 1, 1, 0, 0.4, 0, 0, 0 },
		{ "ccdf", CCDF, 1, 1, 0, 1e-3, 0.9, 0, 0.1 },
		{ "ccdf:floor=0.1,ratio=0.5", CCDF, 1, 1, 0, 0.1, 0.5, 0, 0.1 },
		{ "bo", BO, 1, 0.25, 3, 1e-3, 0, 0, 0.1 },
		{ "bo:threshold=0.9", BO, 1, 0.25, 0.9, 1e-3, 0, 0, 0.1 },
		{ "bo:threshold=6", BO, 1, 0.25, 6, 1e-3, 0, 0, 0.1 },
		{ "bo:spread=0.08", BO, 1, 0.08, 3, 1e-3, 0, 0, 0.1 },
		{ "bo:threshold=1e6,floor=0.1", BO, 1, 0.25, 1e6, 0.1, 0, 0, 0.1 },
		{ "bo:threshold=1e6", BO, 1, 0.25, 1e6, 1e-3, 0, 0, 0.1 },
		{ "pigdm", PIGDM, 1, 0.5, 0, 0, 0, 0, 0.1 },
		{ "pigdm:spread=0.2", PIGDM, 1, 0.2, 0, 0, 0, 0, 0.1 },
		{ "pigdm:weight=0.6", PIGDM, 0.6, 0.5, 0, 0, 0, 0, 0.1 },
		{ "pigdm", PIGDM, 1, 0.5, 0, 0, 0, 0, 0 },
		{ "dps:block=4", DPS, 1, 1, 0, 0, 0.9, 0, 0.1 },
		{ "dps:block=4,zeta=0.3", DPS, 0.3, 1, 0, 0, 0.9, 0, 0.1 },
		{ "dps:block=4,zeta=0.2,ratio=0.6", DPS, 0.2, 1, 0, 0, 0.6, 0, 0 },
		{ "dps:block=4,zeta=0.3,ratio=0.6", DPS, 0.3, 1, 0, 0, 0.6, 0, 0.2 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct method m = plain("ode:" EDM, run_ode);

		m.guidance_text = rows[i].text;
		m.guidance = rows[i].kind;
		m.weight = rows[i].weight;
		m.spread = rows[i].spread;
		m.threshold = rows[i].threshold;
		m.floor = rows[i].floor;
		m.ratio = rows[i].ratio;
		m.noise_floor = rows[i].noise_floor;
		check(&m, rows[i].noise);
		/* A sampler that does not declare the lengths of its steps. */
		m.name = "ode-fast:form=theory," EDM;
		m.run = run_ode_fast;
		m.kind = FAST_THEORY;
		check(&m, rows[i].noise);
	}
}

static void run_dps(const char *guidance, float *x)
{
	struct method m = plain("ode:" EDM, run_ode);
	struct lab lab;

	m.guidance_text = guidance;
	open_lab(&m, 0.1, &lab);
	lab_run(&lab, 0, x);
	lab_close(&lab);
}

/* dps has one norm for all chains unless configured otherwise. */
static void test_blocks(void)
{
	float one[N], same[N], two[N];

	run_dps("dps", one);
	run_dps("dps:block=8", same);
	run_dps("dps:block=4", two);
	ok(!memcmp(one, same, sizeof one), "dps: one norm for all of the measurement");
	ok(memcmp(one, two, sizeof one) != 0, "with block=, one for each chain");
}

static struct method guided(const char *name, void (*run)(const struct method *, double *),
			    int kind, double a)
{
	struct method m = plain(name, run);

	m.guidance = EXACT;
	m.guidance_text = "exact";
	m.kind = kind;
	m.a = a;
	return m;
}

static void check_guided(const char *name, void (*run)(const struct method *, double *), int kind,
			 double a)
{
	struct method m = guided(name, run, kind, a);

	check(&m, 0.1);
}

static void test_samplers(void)
{
	struct method m;

	check_guided("ddpm:variance=small," EDM, run_ddpm, SMALL, 0);
	check_guided("ddpm:variance=theory," EDM, run_ddpm, THEORY, 0);
	check_guided("ddpm:variance=large," EDM, run_ddpm, LARGE, 0);
	check_guided("ode:" EDM, run_ode, DDIM, 0);
	check_guided("ode:eta=0.6," EDM, run_ode, DDIM, 0.6);
	check_guided("ode:eta=1," EDM, run_ode, DDIM, 1);
	check_guided("ode:form=theory," EDM, run_ode, ODE_THEORY, 0);
	check_guided("ode-fast:" EDM, run_ode_fast, ANGLE, 0.05);
	check_guided("ode-fast:form=practical," EDM, run_ode_fast, PRACTICAL, 1);
	check_guided("ode-fast:form=angle,spread=0.4," EDM, run_ode_fast, ANGLE, 0.4);
	check_guided("ode-fast:form=theory," EDM, run_ode_fast, FAST_THEORY, 1);
	check_guided("ddpm-fast:" EDM, run_ddpm_fast, 0, 0);
	check_guided("exp-integrator:" EDM, run_exponential, 0, 0);
	check_guided("euler-maruyama:" EDM, run_euler, 0, 0);
	check_guided("restore-degrade:" EDM, run_degrade, 0, 0);
	check_guided("restore-degrade:lookback=1," EDM, run_degrade, 0, 1);
	check_guided("restore-degrade:lookback=1.05," EDM, run_degrade, 0, 1.05);
	check_guided("restore-degrade:lookback=0.5," EDM, run_degrade, 0, 0.5);
	check_guided("cld:" EDM, run_cld, 0, 0);
	check_guided("cld:grid=time," EDM, run_cld, 1, 0);

	m = guided("cld:finish=none," EDM, run_cld, 0, 0);
	m.finish_none = 1;
	check(&m, 0.1);
	m = guided("cld:grid=time,finish=none," EDM, run_cld, 1, 0);
	m.finish_none = 1;
	check(&m, 0.1);
	m = guided("cld:from=noise," EDM, run_cld, 0, 0);
	m.from_noise = 1;
	check(&m, 0.1);
	m = guided("ddpm:from=noise,finish=none," EDM, run_ddpm, SMALL, 0);
	m.from_noise = m.finish_none = 1;
	check(&m, 0.1);
	m = guided("ddpm:schedule=geometric,steps=5,sigma_max=2,sigma_min=0.03", run_ddpm, SMALL,
		   0);
	geometric(&m, 5, 2, 0.03);
	check(&m, 0.1);
	m = guided("ddpm:start=0.5,steps=5,sigma_min=0.03,rho=3", run_ddpm, SMALL, 0);
	edm(&m, 5, 0.5, 0.03, 3);
	check(&m, 0.1);
	m = guided("ddpm:schedule=etc,steps=20,c=4,delta=0.003", run_ddpm, SMALL, 0);
	etc(&m, 20, 4, 0.003);
	check(&m, 0.1);
	m = guided("ddpm:schedule=ou,steps=7,horizon=3,stop=0.01,beta=4", run_ddpm, SMALL, 0);
	ou(&m, 7, 3, 0.01, 4);
	check(&m, 0.1);
	/* Of the levels 20, 12, 7.3, 4.4, 2.5, 1.3, 0.14 the run keeps 1.1 and those below. */
	m = guided("ddpm:schedule=ou,steps=7,horizon=3,stop=0.01,start=1.1", run_ddpm, SMALL, 0);
	ou(&m, 7, 3, 0.01, 1);
	m.sigma[0] = 1.1;
	m.sigma[1] = m.sigma[6];
	m.sigma[2] = 0;
	m.steps = 2;
	check(&m, 0.1);
	m = guided("exp-integrator:schedule=ou,steps=7,horizon=3,stop=0.01", run_exponential, 0, 0);
	ou(&m, 7, 3, 0.01, 1);
	check(&m, 0.1);
	m = guided("euler-maruyama:schedule=ou,steps=12,horizon=2,stop=0.05,beta=3", run_euler, 0,
		   2);
	ou(&m, 12, 2, 0.05, 3);
	m.b = 0.05;
	m.c = 3;
	check(&m, 0.1);
	m.name = "euler-maruyama:schedule=ou,steps=12,horizon=2,stop=0.05,beta=0.5";
	ou(&m, 12, 2, 0.05, 0.5);
	m.c = 0.5;
	check(&m, 0.1);
}

/* Every sampler follows every parameter of every schedule. */
static void test_schedules(void)
{
	struct method all[] = {
		guided("ddpm:", run_ddpm, SMALL, 0),
		guided("ddpm-fast:", run_ddpm_fast, 0, 0),
		guided("ode:", run_ode, DDIM, 0),
		guided("ode-fast:", run_ode_fast, ANGLE, 0.05),
		guided("exp-integrator:", run_exponential, 0, 0),
		guided("euler-maruyama:", run_euler, 0, 0),
		guided("restore-degrade:", run_degrade, 0, 0),
		guided("cld:", run_cld, 0, 0),
		plain("bridge:", run_bridge),
		plain("ddrm:", run_ddrm),
		plain("ddnm-plus:", run_ddnm_plus),
	};

	all[8].a = all[9].a = all[10].a = 1e-3;
	all[9].b = 0.85;
	all[9].c = 1;
	all[10].kind = SMALL;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct method *m = &all[i];
		const char *sampler = m->name;
		char name[200];

		m->name = name;
#define NAME(words) snprintf(name, sizeof name, "%s%s", sampler, words)
		NAME("schedule=geometric,steps=5,sigma_max=2,sigma_min=0.03");
		geometric(m, 5, 2, 0.03);
		check(m, 0.1);
		NAME("schedule=etc,steps=20,c=4,delta=0.003");
		etc(m, 20, 4, 0.003);
		check(m, 0.1);
		NAME("schedule=linear-beta,steps=40");
		linear_beta(m, 40);
		check(m, 0.1);
		NAME("start=0.5,steps=5,sigma_min=0.03,rho=3");
		edm(m, 5, 0.5, 0.03, 3);
		check(m, 0.1);
		NAME("start=0.5,schedule=geometric,steps=5,sigma_min=0.03");
		geometric(m, 5, 0.5, 0.03);
		check(m, 0.1);
		NAME("from=noise,finish=none," EDM);
		edm(m, 6, 3, 0.05, 4);
		m->from_noise = m->finish_none = 1;
		check(m, 0.1);
		m->from_noise = m->finish_none = 0;
		NAME("schedule=ou,steps=20,horizon=3,stop=0.01,beta=4");
		ou(m, 20, 3, 0.01, 4);
		if (m->run == run_euler) {
			m->a = 3;
			m->b = 0.01;
			m->c = 4;
		}
		check(m, 0.1);
#undef NAME
	}
}

static void check_process(const char *name, int kind, const struct process *p)
{
	struct method m = guided(name, run_process, kind, 0);

	process = p;
	check(&m, 0.1);
}

static void test_processes(void)
{
#define MIX "1 % 0 0 0;0 1 % 0 0;0 0 1 % 0;0 0 0 1 %;0 0 0 0 1"
	static const struct process scaling = { 0.4, 1.2, 0.3, 0, 0, 0, 0, 0, 0 },
				    fresh = { 0.4, 1.2, 0.3, 0.6, 0, 0, 0, 0, 0 },
				    least = { 0.4, 1.2, 0.1, 0, 0, 0, 0, 0, 0 },
				    mixing = { 0.9, 0.1, 0.2, 0, 0.7, 0.5, 0.04, 3, 0 },
				    curve = { 0.6, 1.4, 0.05, 0, 0.7, 0.3, 0.04, 3, 0 },
				    both = { 0.9, 0.1, 0.2, 0.5, 0.5, 49.0 / 255, 0.01, 4, 0 },
				    whole = { 3.2, 0.2, 0.2, 0, 0.5, 49.0 / 255, 0.01, 2, 1 };

	check_process("restore-degrade:process=identity:gain=%,first=0.4,last=1.2,noise=0.3,"
		      "begin=guess,steps=6",
		      SCALING, &scaling);
	check_process("restore-degrade:process=identity:gain=%,first=0.4,last=1.2,noise=0.3,"
		      "begin=guess,steps=6,eta=0.6",
		      SCALING, &fresh);
	check_process(
		"restore-degrade:process=identity:gain=%,first=0.4,last=1.2,begin=guess,steps=6",
		SCALING, &least);
	check_process("restore-degrade:process=identity:gain=%,law=vp,eta=0.6," EDM, SCALING_VP,
		      &fresh);
	check_process("restore-degrade:process=\"matrix:rows=" MIX
		      "\",first=0.9,last=0.1,noise=0.2,"
		      "begin=guess,steps=6,rounds=3,lambda=0.7,level_max=0.5,level_min=0.04",
		      MIXING, &mixing);
	check_process("restore-degrade:process=\"matrix:rows=" MIX
		      "\",first=0.9,last=0.1,noise=0.2,"
		      "begin=guess,steps=6,eta=0.5",
		      MIXING, &both);
	check_process("restore-degrade:process=\"matrix:rows=" MIX
		      "\",first=3.2,last=0.2,noise=0.2,"
		      "begin=guess,steps=6,whole=yes,rounds=2",
		      MIXING, &whole);
	check_process("restore-degrade:process=gamma:exponent=%,first=0.6,last=1.4,noise=0.05,"
		      "begin=guess,steps=4,rounds=3,lambda=0.7,level_max=0.3,level_min=0.04",
		      CURVE, &curve);
}

static void test_components(void)
{
	static const double noises[] = { 0.1, 0.02, 0 };

	for (int i = 0; i < 3; i++) {
		struct method m = plain("bridge:" EDM, run_bridge);

		m.a = 1e-3;
		check(&m, noises[i]);
		m.name = "bridge:floor=0.28,from=noise," EDM; /* just below 0.35/1.2 */
		m.a = 0.28;
		m.from_noise = 1;
		check(&m, noises[i]);
		m = plain("ddrm:" EDM, run_ddrm);
		m.a = 1e-3;
		m.b = 0.85;
		m.c = 1;
		check(&m, noises[i]);
		m.name = "ddrm:eta=0.4,eta_b=0.7,floor=0.56," EDM; /* just below 0.7/1.2 */
		m.a = 0.56;
		m.b = 0.4;
		m.c = 0.7;
		check(&m, noises[i]);
		m = plain("ddnm-plus:" EDM, run_ddnm_plus);
		m.kind = SMALL;
		m.a = 1e-3;
		check(&m, noises[i]);
		m.name = "ddnm-plus:variance=theory,floor=0.1," EDM;
		m.kind = THEORY;
		m.a = 0.1;
		check(&m, noises[i]);
	}
}

static void test_rounds(void)
{
	struct method m = { .run = run_hqs, .steps = 7 };

	m.name = "hqs:steps=7,sigma_max=0.6,sigma_min=0.05,lambda=0.7,momentum=0";
	m.a = 0.6;
	m.b = 0.05;
	m.c = 0.7;
	check(&m, 0.1);
	m.name = "hqs:steps=7,sigma_max=0.6,sigma_min=0.05,lambda=0.7,momentum=0.6";
	m.spread = 0.6;
	check(&m, 0.1);
	check(&m, 0.02);
	m.name = "hqs:steps=16,sigma_max=0.6,sigma_min=0.05,lambda=0.7,momentum=0.6";
	m.steps = 16;
	m.kind = 10;
	check(&m, 0.1);
	m.name = "hqs:steps=16,falling=12,sigma_max=0.6,sigma_min=0.05,lambda=0.7,momentum=0.6";
	m.kind = 12;
	check(&m, 0.1);
	m.name = "hqs:steps=16,falling=0,sigma_max=0.6,sigma_min=0.05,lambda=0.7,momentum=0.6";
	m.kind = 0;
	check(&m, 0.1);
	m.steps = 7;
	m.spread = 0.8;
	m.name = "hqs:steps=7,lambda=0.4"; /* ends at the measurement's noise */
	m.a = 0.3;			   /* fewer values than unknowns */
	m.b = 0.1;
	m.c = 0.4;
	check(&m, 0.1);

	m.run = run_gibbs;
	m.name = "gibbs:steps=7,rho_max=0.8,rho_min=0.1";
	m.a = 0.8;
	m.b = 0.1;
	m.kind = 1;
	m.threshold = m.spread = 1;
	check(&m, 0.1);
	m.name = "gibbs:steps=7,rho_max=0.8,rho_min=0.1,noise_first=0.3,noise_last=0.9";
	m.threshold = 0.3;
	m.spread = 0.9;
	check(&m, 0.1);
	m.name = "gibbs:steps=7,rho_max=0.8,rho_min=0.1,inner=3,depth=0.3,noise_first=0.3,noise_"
		 "last=0.9";
	m.kind = 3;
	m.c = 0.3;
	check(&m, 0.1);
	m.name = "gibbs:steps=7,rho_max=0.8,rho_min=0.1,inner=2,depth=0.2";
	m.kind = 2;
	m.c = 0.2;
	m.threshold = m.spread = 1;
	check(&m, 0.1);
	check(&m, 0);
	m.name = "gibbs:steps=1,rho_max=0.8,rho_min=0.1";
	m.steps = m.kind = 1;
	check(&m, 0.1);
}

/* ---- the law ------------------------------------------------------------------------------------------------------- */

struct law {
	double mean[D], cov[D][D];
};

static void run_once(const struct method *m, double *x)
{
	double u[D];

	m->run(m, u);
	leave(u, x);
}

/* Mean: the run without noise.  Covariance: sum of the squares of all impulse responses. */
static struct law propagate(const struct method *m)
{
	static const int elements[] = { D, D, D, D, P };
	struct law law = { { 0 }, { { 0 } } };

	tape.live = 0;
	tape.sequence = -1;
	run_once(m, law.mean);
	for (tape.sequence = START; tape.sequence <= DRAW_Y; tape.sequence++)
		for (tape.step = 0;; tape.step++) {
			tape.hit = 0;
			for (tape.element = 0; tape.element < elements[tape.sequence];
			     tape.element++) {
				double x[D];

				run_once(m, x);
				for (int i = 0; i < D; i++)
					for (int j = 0; j < D; j++)
						law.cov[i][j] +=
							(x[i] - law.mean[i]) * (x[j] - law.mean[j]);
			}
			if (!tape.hit)
				break;
		}
	return law;
}

/* KL(p || q) of Gaussians. */
static double divergence(const struct law *p, const struct law *q)
{
	double a[D][D], b[D][D], x[D][D], r[D], kl = -D / 2.0;

	memcpy(a, p->cov, sizeof a);
	memcpy(b, q->cov, sizeof b);
	memcpy(x, p->cov, sizeof x);
	if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', D, &a[0][0], D) ||
	    LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', D, &b[0][0], D))
		return INFINITY;
	LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', D, D, &b[0][0], D, &x[0][0], D);
	for (int i = 0; i < D; i++) {
		r[i] = p->mean[i] - q->mean[i];
		kl += log(b[i][i]) - log(a[i][i]) + x[i][i] / 2;
	}
	LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', D, 1, &b[0][0], D, r, 1);
	for (int i = 0; i < D; i++)
		kl += (p->mean[i] - q->mean[i]) * r[i] / 2;
	return kl;
}

static double law_error(struct method *m, int steps)
{
	struct law got, want;

	if (m->run != run_gibbs)
		edm(m, steps, 100, 0.001, 7); /* wide enough to make the ends negligible */
	m->steps = steps;
	tape.chain = 0;
	measurement = y;
	got = propagate(m);
	posterior(measurement, noise, 0, NULL, want.mean, want.cov);
	return divergence(&want, &got);
}

/* The law of the method has an error of this order in 1/steps.  KL is its square and falls by 4^order when the steps double.
 * The first value is that of the finer grid. */
static void test_order(const char *what, struct method m, int steps, int order)
{
	const double coarse = law_error(&m, steps), fine = law_error(&m, 2 * steps);
	const double expected = pow(4, order);

	ok(fine < 3e-2 && coarse > 0.6 * expected * fine,
	   "%s: KL to the posterior is %.2g in %d steps, %.2g in %d: order %d", what, coarse, steps,
	   fine, 2 * steps, order);
}

/* The law of gibbs converges to the posterior with more rounds and smaller rho. */
static void test_gibbs_law(void)
{
	struct method m = { .run = run_gibbs, .kind = 1, .threshold = 1, .spread = 1, .a = 0.5 };
	double before = INFINITY;

	for (int steps = 20; steps <= 80; steps *= 2) {
		double kl;

		m.b = 2.0 / steps;
		kl = law_error(&m, steps);
		ok(kl < before / 2, "gibbs: KL to the posterior is %.2g in %d rounds", kl, steps);
		before = kl;
	}
}

static void test_laws(void)
{
	struct method m = guided("ddpm", run_ddpm, SMALL, 0);
	struct lab lab;

	open_lab(&m, 0.1, &lab);
	lab_close(&lab);
	test_order("exact, ddpm", m, 50, 1);
	m.kind = THEORY;
	test_order("exact, ddpm, variance=theory", m, 50, 1);
	test_order("exact, ode", guided("ode", run_ode, DDIM, 0), 30, 1);
	test_order("exact, ode, eta=0.5", guided("ode", run_ode, DDIM, 0.5), 40, 1);
	test_order("exact, ode-fast, form=practical",
		   guided("ode-fast", run_ode_fast, PRACTICAL, 1), 40, 2);
	test_order("exact, ode-fast, form=angle", guided("ode-fast", run_ode_fast, ANGLE, 0.25), 40,
		   2);
	test_order("exact, ddpm-fast", guided("ddpm-fast", run_ddpm_fast, 0, 0), 30, 2);
	test_order("exact, exp-integrator", guided("exp-integrator", run_exponential, 0, 0), 50, 1);
	test_order("exact, euler-maruyama", guided("euler-maruyama", run_euler, 0, 0), 50, 1);
	test_order("exact, cld", guided("cld", run_cld, 0, 0), 50, 1);
	test_order("exact, restore-degrade", guided("restore-degrade", run_degrade, 0, 0), 30, 1);
	test_gibbs_law();
	make_prior(1); /* here bridge has no bias */
	m = plain("bridge", run_bridge);
	m.a = 1e-3;
	test_order("bridge, the prior with the operator's axes", m, 80, 1);
}

int main(void)
{
	make_problem();
	make_prior(0);
	test_guidances();
	test_blocks();
	test_samplers();
	test_schedules();
	test_processes();
	test_components();
	test_rounds();
	test_laws();
	return tap_done();
}
