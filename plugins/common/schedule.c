/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise levels. A variance-preserving schedule is converted to the variance-exploding scale by
 * sigma_t = sqrt((1 - alpha_bar_t)/alpha_bar_t). */
#include "common/schedule.h"
#include "common/guess.h"
#include "common/vector.h"

#include <math.h>

const char *const schedule_kinds[] = { "edm", "etc", "linear-beta", "geometric", "ou", NULL };
const char *const schedule_origins[] = { "image", "noise", NULL };
const char *const schedule_ends[] = { "denoise", "none", NULL };

/* Noise of the first state: a stream that no step uses. */
static const uint64_t start_stream = UINT64_MAX;

enum { DDPM_STEPS = 1000 };
static const double ddpm_beta_first = 1e-4, ddpm_beta_last = 0.02;

/* log(alpha_bar) to sigma */
static double level(double log_alpha_bar)
{
	return sqrt(expm1(-log_alpha_bar));
}

/* Position of level k, from 0 (highest) to 1 (lowest). */
static double fraction(int64_t k, int64_t n)
{
	return n > 1 ? (double)k / (double)(n - 1) : 0;
}

/* Karras et al. 2022, equation 5 */
static void edm(double hi, double lo, double rho, int64_t n, double *sigma)
{
	const double a = pow(hi, 1 / rho), b = pow(lo, 1 / rho);

	for (int64_t k = 0; k < n; k++)
		sigma[k] = pow(a + fraction(k, n) * (b - a), rho);
}

static void geometric(double hi, double lo, int64_t n, double *sigma)
{
	for (int64_t k = 0; k < n; k++)
		sigma[k] = hi * pow(lo / hi, fraction(k, n));
}

/* Liang, Ju, Liang, Shroff 2025, as in the authors' code: t = 1 is the lowest level. */
static void etc(double r, double delta, int64_t n, double *sigma)
{
	double log_alpha_bar = 0;

	for (int64_t t = 1; t <= n; t++) {
		const double growth = exp((double)t * log1p(r));
		const double beta = t == 1 ? delta : r * fmin(delta * growth, 1);

		log_alpha_bar += log1p(-beta);
		sigma[n - t] = level(log_alpha_bar);
	}
}

/* The levels of DDPM, interpolated log-linearly if n does not divide them. */
static void linear_beta(int64_t n, double *sigma)
{
	double log_alpha_bar[DDPM_STEPS + 1] = { 0 };

	for (int t = 1; t <= DDPM_STEPS; t++) {
		const double beta = ddpm_beta_first +
				    (ddpm_beta_last - ddpm_beta_first) * (t - 1) / (DDPM_STEPS - 1);

		log_alpha_bar[t] = log_alpha_bar[t - 1] + log1p(-beta);
	}
	for (int64_t k = 0; k < n; k++) {
		const double t = DDPM_STEPS - fraction(k, n) * (DDPM_STEPS - 1);
		const int below = t < DDPM_STEPS ? (int)t : DDPM_STEPS - 1;

		sigma[k] = level(log_alpha_bar[below] +
				 (t - below) * (log_alpha_bar[below + 1] - log_alpha_bar[below]));
	}
}

/* Ornstein-Uhlenbeck process whose clock speeds up, in even steps of time (De Bortoli 2022, section 2). */
static void ornstein_uhlenbeck(const struct schedule_config *c, int64_t n, double *sigma)
{
	for (int64_t k = 0; k < n; k++) {
		const double t = c->horizon + fraction(k, n) * (c->stop - c->horizon);

		sigma[k] = level(-2 * (t + (c->beta - 1) * t * t / (2 * c->horizon)));
	}
}

/* Replaces the levels above `start' by it; returns the number of levels left. */
static int64_t begin_at(double start, int64_t n, double *sigma)
{
	int64_t above = 0;

	while (above < n && sigma[above] >= start)
		above++;
	if (above == 0)
		return n;
	sigma[above - 1] = start;
	for (int64_t k = 0; k <= n - above; k++)
		sigma[k] = sigma[k + above - 1];
	return n - above + 1;
}

int schedule_create(const struct lacuna_host *host, const struct schedule_config *config,
		    struct schedule *schedule)
{
	const double hi = config->start > 0 ? config->start : config->sigma_max;
	const double lo = config->sigma_min;
	const double r = config->c * log((double)config->steps) / (double)config->steps;
	const int ranged =
		config->schedule == SCHEDULE_EDM || config->schedule == SCHEDULE_GEOMETRIC;
	int64_t n = config->steps;
	double *sigma;

	schedule->sigma = NULL;
	schedule->steps = 0;
	if (ranged && n > 1 && !(lo < hi))
		return host->fail(host, LACUNA_EINVAL,
				  "sigma_min=%g must be below the level of the start, %g", lo, hi);
	if (config->schedule == SCHEDULE_OU && n > 1 && !(config->stop < config->horizon))
		return host->fail(host, LACUNA_EINVAL, "stop=%g must be before horizon=%g",
				  config->stop, config->horizon);
	if (config->schedule == SCHEDULE_ETC && !(r < 1))
		return host->fail(host, LACUNA_EINVAL,
				  "schedule=etc with c=%g needs more steps than %lld: c "
				  "log(steps)/steps must be below 1",
				  config->c, (long long)n);
	sigma = host->alloc(host, ((size_t)n + 1) * sizeof *sigma);
	if (!sigma)
		return LACUNA_ENOMEM;
	switch (config->schedule) {
	case SCHEDULE_EDM:
		edm(hi, lo, config->rho, n, sigma);
		break;
	case SCHEDULE_ETC:
		etc(r, config->delta, n, sigma);
		break;
	case SCHEDULE_LINEAR_BETA:
		linear_beta(n, sigma);
		break;
	case SCHEDULE_OU:
		ornstein_uhlenbeck(config, n, sigma);
		break;
	default:
		geometric(hi, lo, n, sigma);
	}
	if (config->start > 0 && !ranged)
		n = begin_at(config->start, n, sigma);
	if (config->finish == SCHEDULE_FINISH_NONE && n == 1) {
		host->release(host, sigma);
		return host->fail(host, LACUNA_EINVAL,
				  "finish=none leaves no step, as there is one noise level; give "
				  "more steps or a larger start, or leave out finish");
	}
	sigma[n] = 0;
	schedule->sigma = sigma;
	schedule->steps = config->finish == SCHEDULE_FINISH_NONE ? n - 1 : n;
	return LACUNA_OK;
}

void schedule_free(const struct lacuna_host *host, struct schedule *schedule)
{
	host->release(host, schedule->sigma);
	schedule->sigma = NULL;
}

/* from=noise: a variance-preserving process begins at N(0, I), which is N(0, 1 + sigma^2) in this scale. */
int schedule_start(const struct lacuna_host *host, const struct schedule_config *config,
		   const struct schedule *schedule, const struct lacuna_problem *problem, float *u)
{
	const size_t n = lacuna_count(&problem->x);
	const double sigma = schedule->sigma[0];
	double sd = sigma;
	int status = LACUNA_OK;

	if (config->from == SCHEDULE_FROM_NOISE) {
		vector_fill(n, 0, u);
		sd = sqrt(1 + sigma * sigma);
	} else {
		status = guess_image(host, problem, u);
	}
	if (!status)
		vector_add_noise(host, n, sd, start_stream, u);
	return status;
}
