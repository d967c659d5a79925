/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Plug-and-play half-quadratic splitting (Zhang, Li, Zuo, Zhang, Van Gool, Timofte 2021, DPIR, equations 6 and 7): for
 * levels sigma_k that fall from sigma_max to sigma_min,
 *
 *	z' = z + beta_k (z - z of the round before),		beta_k = momentum k/(k + 3),
 *	x = argmin_x ||y - A x||^2 + rho_k ||x - z'||^2,	rho_k = lambda noise^2/sigma_k^2,
 *	z = D(x, sigma_k).
 *
 * DPIR has momentum 0. Where A passes little, the data step follows z, and z moves a small part of its way each round:
 * beyond borders, between missing pixels, at frequencies that a blur removes. Nesterov's momentum (Beck and Teboulle
 * 2009, FISTA; Kamilov, Mansour, Wohlberg 2017 for plugged-in denoisers) does the same in half of the rounds. It adds up
 * the errors of the denoiser as well, and so do levels that fall slowly. So the level falls in the last `falling` rounds
 * only, and k counts from there. The rounds before stay at sigma_max.
 *
 * With the denoiser of a Gaussian prior and lambda = 1 the two steps at a fixed level s minimise
 * ||y - A x||^2/noise^2 + ||x - z||^2/s^2 - 2 log p(z), whose z is the posterior mean for noise of covariance noise^2
 * I + s^2 A A'. As s goes to 0 it tends to the posterior mean, so with many rounds and a small sigma_min hqs reaches the
 * Wiener solution. If A is not linear, the first step uses Gauss-Newton with conjugate gradients. */
#include <lacuna/plugin.h>
#include <lacuna/turns.h>
#include "common/fill.h"
#include "common/guess.h"
#include "common/newton.h"
#include "common/pixelwise.h"
#include "common/vector.h"

#include <math.h>
#include <string.h>

struct config {
	int64_t steps, falling;
	double sigma_max, sigma_min, lambda, momentum;
};

struct hqs {
	const struct lacuna_host *host;
	const struct lacuna_turns *turns; /* NULL: not offered by this host */
	const struct lacuna_problem *problem;
	int64_t steps, falling;
	double sigma_max; /* 0: start() sets it */
	double sigma_min, lambda, momentum, noise2;
	float *b; /* A'y; NULL: A is not linear */
	/* for a pixelwise A, diag(A'A) and A'y with a guess in deep holes; else NULL */
	float *diagonal, *anchored;
	int whole;  /* a pixelwise A without missing pixels */
	int filled; /* filled_image() made the start */
	float *x, *right;
	float *before; /* z of the round before */
	float *work;   /* work space of newton_minimise() */
	size_t n;
};

/* Noise assumed for a noiseless measurement: a quarter of an 8-bit grey level, as in DPIR. */
static const double least_noise = 0.255 / 255;
/* Below this level a round has almost no effect, and no network for rounds was trained there. */
static const double least_level = 0.01;

static void destroy(void *self)
{
	struct hqs *p = self;

	if (!p)
		return;
	p->host->release(p->host, p->work);
	p->host->release(p->host, p->anchored);
	p->host->release(p->host, p->diagonal);
	p->host->release(p->host, p->before);
	p->host->release(p->host, p->right);
	p->host->release(p->host, p->x);
	p->host->release(p->host, p->b);
	p->host->release(p->host, p);
}

static struct newton newton_of(const struct hqs *p)
{
	return (struct newton){ p->host, NULL, NULL, p->n, lacuna_count(&p->problem->y) };
}

/* A prior does not reach the middle of a very large hole. There a smooth guess counts as measured, with standard
 * deviation guess_sigma. Its weight rises from 0 at depth guess_from to full at guess_wholly, in halvings of the
 * resolution. Nearer to known pixels the prior is better; holes of 40 pixels need no guess. */
static const double guess_sigma = 0.05, guess_from = 5.5, guess_wholly = 6.5;

static int guess_deep_holes(const struct hqs *p, float *d, float *b)
{
	float *guess = p->host->alloc(p->host, 2 * p->n * sizeof *guess), *depth;
	const double most = p->noise2 / (guess_sigma * guess_sigma);
	int status;

	if (!guess)
		return LACUNA_ENOMEM;
	depth = guess + p->n;
	for (size_t i = 0; i < p->n; i++)
		guess[i] = d[i] > 0 ? b[i] / d[i] : 0;
	status = fill_holes(p->host, &p->problem->x, d, guess, depth);
	for (size_t i = 0; i < p->n && !status; i++) {
		const double t = (depth[i] - guess_from) / (guess_wholly - guess_from);
		const double weight = most * fmin(fmax(t, 0), 1);

		d[i] += (float)weight;
		b[i] += (float)(weight * guess[i]);
	}
	p->host->release(p->host, guess);
	return status;
}

static int prepare_pixels(struct hqs *p)
{
	const size_t bytes = p->n * sizeof *p->right;
	const int status = p->host->problem->diagonal(p->host, p->right);

	if (status)
		return status;
	p->diagonal = p->host->alloc(p->host, bytes);
	p->anchored = p->host->alloc(p->host, bytes);
	if (!p->diagonal || !p->anchored)
		return LACUNA_ENOMEM;
	memcpy(p->diagonal, p->right, bytes);
	memcpy(p->anchored, p->b, bytes);
	p->whole = 1;
	for (size_t i = 0; i < p->n; i++)
		p->whole &= p->diagonal[i] > 0;
	return guess_deep_holes(p, p->diagonal, p->anchored);
}

/* Best for the priors that ship; the sweeps are in doc/measurements.md. */
static const struct strength {
	double least; /* lambda is not below this */
	double rise;  /* where little passes, it is this times the noise */
} strengths[] = { { 0.4, 80 }, { 0.5, 6 } };

static const struct strength *usual_strength(const struct lacuna_problem *problem)
{
	return &strengths[problem->x.extent[2] > 1];
}

/* Other denoisers take a result between rounds for noise of the level that they are told, and a strong prior removes texture. */
static int has_rounds(const struct lacuna_host *host)
{
	struct lacuna_prior_info info = { .size = sizeof info };

	return !host->prior->info(host, &info) && info.rounds;
}

/* If A'A is diagonal, the data step leaves white noise.  With a start image p->diagonal is not set. */
static int is_diagonal(const struct hqs *p)
{
	return p->diagonal || !p->host->problem->diagonal(p->host, p->right);
}

/* What the data step leaves of the noise has the frequencies that A passes.  If these are few, it looks like content, no round
 * removes it, and it adds up: then the prior must be stronger.  tr A'A/n, the part of white noise that A passes, comes from one
 * probe (Hutchinson 1990). */
static int strengthen(struct hqs *p)
{
	static const double coarse = 0.2, most = 2.4;
	const struct strength *usual = usual_strength(p->problem);
	const size_t count = lacuna_count(&p->problem->y);
	float *probe = p->x, *passed = p->host->alloc(p->host, count * sizeof *passed);
	int status = passed ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status) {
		p->host->gaussian(p->host, 0, 1, probe, p->n);
		status = p->host->problem->apply(p->host, probe, passed);
	}
	if (!status) {
		const double part = vector_inner(p->host, count, passed, passed) / (double)p->n;
		const double noise = sqrt(p->noise2);

		p->lambda = fmax(p->lambda, fmin(noise * fmin(coarse / part, usual->rise), most));
	}
	p->host->release(p->host, passed);
	return status;
}

static int prepare_linear(struct hqs *p)
{
	int status;

	p->b = p->host->alloc(p->host, p->n * sizeof *p->b);
	if (!p->b)
		return LACUNA_ENOMEM;
	status = p->host->problem->adjoint(p->host, NULL, p->problem->measurement, p->b);
	if (status || p->problem->start)
		return status;
	status = prepare_pixels(p);
	return status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status;
}

static int prepare_newton(struct hqs *p)
{
	const struct newton newton = newton_of(p);

	p->work = p->host->alloc(p->host, newton_work(&newton) * sizeof *p->work);
	return p->work ? LACUNA_OK : LACUNA_ENOMEM;
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	const double noise = fmax(problem->noise, least_noise);
	struct hqs *p = host->alloc(host, sizeof *p);
	int status = LACUNA_ENOMEM;

	if (!p)
		return status;
	p->host = host;
	p->turns = host->extension(host, LACUNA_TURNS);
	p->problem = problem;
	p->steps = c->steps;
	p->falling = c->falling > 0 && c->falling < c->steps ? c->falling : c->steps;
	p->sigma_min = c->sigma_min > 0 ? c->sigma_min : fmax(noise, least_level);
	p->sigma_max = c->sigma_max > 0 ? fmax(c->sigma_max, p->sigma_min) : 0;
	p->lambda = c->lambda > 0 ? c->lambda : usual_strength(problem)->least;
	p->momentum = c->momentum;
	p->noise2 = noise * noise;
	p->n = lacuna_count(&problem->x);
	p->x = host->alloc(host, p->n * sizeof *p->x);
	p->right = host->alloc(host, p->n * sizeof *p->right);
	p->before = host->alloc(host, p->n * sizeof *p->before);
	if (p->x && p->right && p->before)
		status = problem->flags & LACUNA_LINEAR ? prepare_linear(p) : prepare_newton(p);
	if (!status && p->b && !(c->lambda > 0) && has_rounds(host) && !is_diagonal(p))
		status = strengthen(p);
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static int64_t steps(const void *self)
{
	const struct hqs *p = self;

	return p->steps;
}

/* Start image for a pixelwise operator and a prior with a sigma per pixel. The measurement is then a noisy image whose
 * missing pixels have endless noise, and one evaluation gives the posterior mean (see guidance exact). Missing pixels are
 * filled with noise first, because a prior would take a flat gray for image content. */
static int filled_image(const struct hqs *p, float *z)
{
	static const double endless = 50;

	p->host->gaussian(p->host, 0, 0, z, p->n);
	for (size_t i = 0; i < p->n; i++)
		z[i] = 0.5F + (float)endless * z[i];
	return pixelwise_mean(p->host, p->n, p->diagonal, p->anchored, 1 / p->noise2, endless, z,
			      p->right, p->x, z);
}

/* Expected error of the start. If filled_image() made it, a low level is enough, and from higher levels every round would
 * invent more in holes. With fewer values than pixels (beyond a border, lost resolution) the error is as large as images
 * vary. */
static double usual_sigma_max(const struct hqs *p)
{
	const struct lacuna_problem *problem = p->problem;

	if (p->filled)
		return 0.05;
	return lacuna_count(&problem->y) < lacuna_count(&problem->x) ? 0.3 : 49.0 / 255;
}

static int start(void *self, float *z)
{
	struct hqs *p = self;
	int status = LACUNA_EUNSUPPORTED;

	if (p->diagonal)
		status = filled_image(p, z);
	p->filled = status == LACUNA_OK;
	if (!(p->sigma_max > 0))
		p->sigma_max = fmax(usual_sigma_max(p), p->sigma_min);
	if (status == LACUNA_EUNSUPPORTED)
		status = guess_image(p->host, p->problem, z);
	if (!status) {
		memcpy(p->before, z, p->n * sizeof *z);
		if (!p->filled)
			memcpy(p->x, z, p->n * sizeof *z);
	}
	return status;
}

/* The start of filled_image() is the posterior mean already, and rounds at the first level add nothing to it. But no network
 * is quite symmetric, so the mean over turned images is nearer to the truth. */
static int average_turned(const struct hqs *p, int64_t k, float *z)
{
	const float *map = p->right, *pivot = p->x;
	const double share = 1 / (double)(k + 2);
	float *turned = p->host->alloc(p->host, p->n * sizeof *turned);
	int status = turned ? LACUNA_EUNSUPPORTED : LACUNA_ENOMEM;

	if (turned && p->turns)
		status = p->turns->denoise_turned(p->host, (uint32_t)(k + 1), map, pivot, turned);
	if (!status) {
		vector_combine(p->host, p->n, 1 - share, z, share, turned, z);
		memcpy(p->before, z, p->n * sizeof *z);
	}
	p->host->release(p->host, turned);
	return status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status;
}

/* x = argmin ||y - A x||^2 + rho ||x - z||^2.  An iterative solve() starts from z, not from the last x: where A passes
 * nothing, x must become z, but with a small rho conjugate gradients see no error there and leave x unchanged. */
static int data_step(const struct hqs *p, double rho, const float *z)
{
	enum { ROUNDS = 4 };
	const struct newton newton = newton_of(p);

	if (!p->b)
		return newton_minimise(&newton, rho, p->problem->measurement, z, ROUNDS, p->x,
				       p->work);
	if (p->filled) {
		const float *d = p->diagonal, *b = p->anchored;

		for (size_t i = 0; i < p->n; i++)
			p->x[i] = (float)((b[i] + rho * z[i]) / (d[i] + rho));
		return LACUNA_OK;
	}
	vector_combine(p->host, p->n, 1, p->b, rho, z, p->right);
	memcpy(p->x, z, p->n * sizeof *z);
	return p->host->problem->solve(p->host, rho, p->right, p->x);
}

/* keep_measured() restores measured detail that the last denoising removed: it averages z and the measurement, weighted
 * by their variances. That of z is its last level^2 - noise^2, or what its residual has above the noise if larger. */
static double excess_of_residual(const struct hqs *p, const float *d, const float *z)
{
	double sum = 0, count = 0;

	for (size_t i = 0; i < p->n; i++)
		if (d[i] > 0) {
			const double r = (double)p->b[i] - (double)d[i] * (double)z[i];

			sum += r * r / (double)d[i];
			count++;
		}
	return count > 0 ? sum / count - p->noise2 : 0;
}

static int keep_measured(const struct hqs *p, float *z)
{
	double excess = p->sigma_min * p->sigma_min - p->noise2;
	int status = LACUNA_OK;

	if (p->filled) {
		status = p->host->problem->diagonal(p->host, p->right);
		if (status)
			return status;
		excess = fmax(excess, excess_of_residual(p, p->right, z));
		for (size_t i = 0; excess > 0 && i < p->n; i++)
			if (p->right[i] > 0) {
				/* z is worse in texture; the pixel's own residual shows it */
				const double d = p->right[i],
					     r = (double)p->b[i] / d - (double)z[i];
				const double rho = p->noise2 / fmax(excess, r * r - p->noise2 / d);

				z[i] = (float)((p->b[i] + rho * z[i]) / (d + rho));
			}
		return LACUNA_OK;
	}
	if (!(excess > 0))
		return LACUNA_OK;
	status = data_step(p, p->noise2 / excess, z);
	if (!status)
		memcpy(z, p->x, p->n * sizeof *z);
	return status;
}

static int step(void *self, int64_t k, float *z)
{
	const struct hqs *p = self;
	const int64_t waiting = p->steps - p->falling, fall = k > waiting ? k - waiting : 0;
	const double t = p->falling > 1 ? (double)fall / (double)(p->falling - 1) : 1;
	const double sigma = p->sigma_max * pow(p->sigma_min / p->sigma_max, t);
	const double beta = p->momentum * (double)fall / (double)(fall + 3);
	float *ahead = p->before; /* the same memory: `before` is read last here */
	int status;

	if (p->filled && (p->whole || k < waiting))
		return average_turned(p, k, z);
	vector_combine(p->host, p->n, 1 + beta, z, -beta, p->before, ahead);
	status = data_step(p, p->lambda * p->noise2 / (sigma * sigma), ahead);
	memcpy(p->before, z, p->n * sizeof *z);
	if (!status)
		status = p->host->prior->denoise_round(p->host, (uint32_t)k, sigma, p->x, z);
	return status || k + 1 < p->steps ? status : keep_measured(p, z);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(
		struct config, steps, NULL, 1, 1000000, 7,
		"rounds of data step and denoising; each costs one evaluation of the prior"),
	LACUNA_PARAM_REAL(struct config, sigma_max, NULL, 0, 1e3, 0,
			  "first noise level (0: 49/255; 0.05 where missing pixels were filled in "
			  "first; 0.3 where there are fewer values than pixels)"),
	LACUNA_PARAM_REAL(struct config, sigma_min, NULL, 0, 1e3, 0,
			  "last noise level (0: the noise of the measurement, at least 0.01)"),
	LACUNA_PARAM_REAL(
		struct config, lambda, NULL, 0, 1e6, 0,
		"strength of the prior (0: 0.4 for one channel, 0.5 for more; with a network "
		"for rounds, up to 2.4 the more noise there is and the less the operator "
		"passes)"),
	LACUNA_PARAM_REAL(struct config, momentum, NULL, 0, 1, 0.8,
			  "how far each round extrapolates its last change (0: not at all, 1: as "
			  "in FISTA)"),
	LACUNA_PARAM_INT(struct config, falling, NULL, 0, 1000000, 10,
			 "rounds in which the level falls, the last ones; those before stay at "
			 "sigma_max (0: all of the steps)"),
};

static const struct lacuna_sampler family = {
	.size = sizeof family,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.start = start,
	.step = step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	"hqs",
	"plug-and-play half-quadratic splitting (DPIR): the best estimate for its cost",
	"Alternates two steps: one that fits the measurement, and one that denoises. The "
	"noise level falls from sigma_max to sigma_min. Where the measurement is better than "
	"the result, a last data step is made. It gives one image with the best PSNR for its "
	"cost, and takes no guidance. Operators that are not linear are inverted by "
	"Gauss-Newton.\n\n"
	"Do not use it to draw samples of the posterior, or to invent what is missing "
	"altogether. Use gibbs there, or exact with ddpm-fast where the operator is "
	"pixelwise.\n\n"
	"steps=N means N evaluations of the prior. Pixelwise operators (masks) take one more, "
	"which fills in what is missing; the middle of holes of 64 pixels and more is filled "
	"smoothly. If no pixel is missing, that evaluation is the result; a symmetric prior "
	"repeats it for up to seven turned images and returns the mean. If pixels are missing, "
	"that is what the steps before the last falling ones do. With other operators a "
	"symmetric prior sees the image turned another way in each round.\n\n"
	"With the gaussian prior, lambda=1, falling=0, a small sigma_min and many steps, the "
	"result is the posterior mean.\n\n"
	"The error of an image between two rounds is not white noise. The large priors that "
	"ship have a network trained on such images, and under little noise lambda hardly matters "
	"to them. More rounds help where much is missing besides a blur, and beyond the borders of "
	"large blurs. Other priors, such as photo-small or one of your own, mistake that error for "
	"texture when there are many rounds or a large lambda: try lambda=0.2 to 0.3 and steps=5. "
	"momentum=0 is the method as published; it needs about twice as many rounds.\n\n"
	"Source: Zhang et al., Plug-and-Play Image Restoration with Deep Denoiser Prior, "
	"2021, equations 6 and 7 and section 4.2 (levels from 49/255, 8 rounds, lambda 0.23, "
	"and the turned images). Momentum: Beck and Teboulle, FISTA, SIAM J. Imaging Sciences 2 "
	"(2009); Kamilov, Mansour and Wohlberg, IEEE Signal Processing Letters 24 (2017).",
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
