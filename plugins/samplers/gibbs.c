/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Split Gibbs sampling (Vono, Dobigeon, Chainais 2019, equations 6 to 8; with diffusion inside Coeurdoux, Dobigeon,
 * Chainais 2024, and Wu et al. 2024, algorithm 1): the image has two copies, x for the measurement and z for the prior,
 * coupled by exp(-||x - z||^2/(2 rho^2)). They are drawn in turn:
 *
 *	x ~ N(m, Q^-1),  Q = A'A/noise^2 + I/rho^2,  m = Q^-1 (A'y/noise^2 + z/rho^2):	an exact Gaussian draw,
 *	z ~ prior(z) exp(-||z - x||^2/(2 rho^2)):	a short reverse diffusion from x at level rho.
 *
 * As rho tends to 0, the law of z tends to the posterior. The last round gives E[z | x], an image without noise. The draw
 * of x is by perturbation and optimisation (Papandreou, Yuille 2010): with fresh n1, n2, x solves (A'A + r I)
 * x = A'(y + noise n1) + r (z + rho n2), r = noise^2/rho^2. This needs no matrix square root, so it works in closed form
 * and by conjugate gradients. */
#include <lacuna/plugin.h>
#include "common/guess.h"
#include "common/vector.h"

#include <math.h>
#include <string.h>

struct config {
	int64_t steps, inner, network;
	double noise_first, noise_last, rho_max, rho_min, depth;
};

struct gibbs {
	const struct lacuna_host *host;
	const struct lacuna_problem *problem;
	struct config config;
	double noise;
	size_t nx, ny;
	float *x, *right, *y;
};

/* Streams of the Gaussian draw. Those of the reverse diffusion start at 0. */
static const uint64_t draw_y = UINT64_C(1) << 62, draw_x = UINT64_C(1) << 61;
/* Standard deviation assumed for a noiseless measurement. */
static const double least_noise = 1e-3;

static void destroy(void *self)
{
	struct gibbs *p = self;

	if (!p)
		return;
	p->host->release(p->host, p->y);
	p->host->release(p->host, p->right);
	p->host->release(p->host, p->x);
	p->host->release(p->host, p);
}

/* Values for network=yes; the sweeps are in doc/measurements.md. */
static void suit_network(const struct lacuna_problem *problem, struct config *c)
{
	const int colour = problem->x.extent[2] == 3;

	c->noise_first = colour ? 1 : 0;
	c->noise_last = colour ? 1 : 0.9;
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct gibbs *p;

	if (c->network && (c->noise_first != 1 || c->noise_last != 1))
		return host->fail(host, LACUNA_EINVAL,
				  "network=yes sets noise_first and noise_last itself; give either "
				  "network or these");
	if (c->rho_min > c->rho_max)
		return host->fail(host, LACUNA_EINVAL,
				  "rho_min=%g must not be larger than rho_max=%g", c->rho_min,
				  c->rho_max);
	p = host->alloc(host, sizeof *p);
	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->problem = problem;
	p->config = *c;
	if (c->network)
		suit_network(problem, &p->config);
	p->noise = fmax(problem->noise, least_noise);
	p->nx = lacuna_count(&problem->x);
	p->ny = lacuna_count(&problem->y);
	p->x = host->alloc(host, p->nx * sizeof *p->x);
	p->right = host->alloc(host, p->nx * sizeof *p->right);
	p->y = host->alloc(host, p->ny * sizeof *p->y);
	if (!p->x || !p->right || !p->y) {
		destroy(p);
		return LACUNA_ENOMEM;
	}
	*self = p;
	return LACUNA_OK;
}

static int64_t steps(const void *self)
{
	const struct gibbs *p = self;

	return p->config.steps;
}

static int start(void *self, float *z)
{
	const struct gibbs *p = self;
	const int status = guess_image(p->host, p->problem, z);

	if (!status)
		memcpy(p->x, z, p->nx * sizeof *z);
	return status;
}

/* Draws x given z. An iterative solve() starts from the x of the last round. */
static int draw(const struct gibbs *p, uint64_t round, double rho, const float *z)
{
	const struct lacuna_host *host = p->host;
	const double r = p->noise * p->noise / (rho * rho);
	int status;

	memcpy(p->y, p->problem->measurement, p->ny * sizeof *p->y);
	vector_add_noise(host, p->ny, p->noise, draw_y + round, p->y);
	status = host->problem->adjoint(host, NULL, p->y, p->right);
	if (status)
		return status;
	vector_combine(host, p->nx, 1, p->right, r, z, p->right);
	vector_add_noise(host, p->nx, r * rho, draw_x + round, p->right);
	return host->problem->solve(host, r, p->right, p->x);
}

/* Draws z given x by reverse diffusion from x at level rho, in `inner' steps of ddpm-fast: the levels fall to depth rho,
 * then to 0. The last round ends with the plain estimate, so that no noise is seen in the result. `part' of each step's
 * noise is drawn. With part = 1 the variance of z is right to second order in rho^2 over the prior's, even in one step.
 * But half of the noise is added before the estimate, so a network gets more noise than it is told of and mistakes some
 * for texture. denoise_round() is used because the draw of x leaves errors of the operator in x, and these are not white
 * in a short chain. */
static int diffuse(const struct gibbs *p, uint64_t round, double rho, double part, int last,
		   float *z)
{
	const struct lacuna_host *host = p->host;
	const uint64_t n = (uint64_t)p->config.inner;
	const double ratio = n > 1 ? pow(p->config.depth, 1 / (double)(n - 1)) : 0;
	double sigma = rho;

	for (uint64_t i = 0;; i++) {
		const uint64_t stream = round * n + i;
		const int end = i + 1 == n;
		const double w = end ? 0 : ratio * ratio, half = sigma * sigma * (1 - w) / 2;
		const double before = sqrt(part * half);
		const double after = sqrt((part + (1 - part) * 2 * w) * half);
		int status;

		if (end && last)
			return host->prior->denoise_round(host, (uint32_t)stream, sigma, p->x, z);
		vector_add_noise(host, p->nx, before, 2 * stream, p->x);
		status = host->prior->denoise_round(host, (uint32_t)stream, sigma, p->x, z);
		if (status)
			return status;
		if (end) {
			vector_add_noise(host, p->nx, after, 2 * stream + 1, z);
			return LACUNA_OK;
		}
		vector_combine(host, p->nx, 1 - w, z, w, p->x, p->x);
		vector_add_noise(host, p->nx, after, 2 * stream + 1, p->x);
		sigma *= ratio;
	}
}

static int step(void *self, int64_t k, float *z)
{
	const struct gibbs *p = self;
	const struct config *c = &p->config;
	const double t = c->steps > 1 ? (double)k / (double)(c->steps - 1) : 1;
	const double rho = c->rho_max * pow(c->rho_min / c->rho_max, t);
	const double part = c->noise_first + t * (c->noise_last - c->noise_first);
	const int status = draw(p, (uint64_t)k, rho, z);

	return status ? status : diffuse(p, (uint64_t)k, rho, part, k + 1 == c->steps, z);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(
		struct config, steps, NULL, 1, 1000000, 40,
		"number of rounds: one draw that fits the measurement, one from the prior"),
	LACUNA_PARAM_INT(struct config, inner, NULL, 1, 100000, 1,
			 "evaluations of the prior in a round"),
	LACUNA_PARAM_REAL(struct config, noise_first, NULL, 0, 1, 1,
			  "share of the prior's noise that is drawn at random, in the first round"),
	LACUNA_PARAM_REAL(struct config, noise_last, NULL, 0, 1, 1,
			  "the same share towards the end; the last round draws none"),
	LACUNA_PARAM_BOOL(
		struct config, network, 0,
		"set noise_first and noise_last for neural priors: 0, 0.9; in colour 1, 1"),
	LACUNA_PARAM_REAL(struct config, rho_max, NULL, 1e-6, 1e3, 0.5,
			  "distance of the two copies in the first round"),
	LACUNA_PARAM_REAL(struct config, rho_min, NULL, 1e-6, 1e3, 0.01,
			  "distance of the two copies in the last round"),
	LACUNA_PARAM_REAL(
		struct config, depth, NULL, 1e-6, 0.999, 0.3,
		"last level of a reverse diffusion, as a part of the first, where inner > 1"),
};

static const struct lacuna_sampler family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_LINEAR,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.start = start,
	.step = step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	"gibbs",
	"split Gibbs: posterior samples for any linear operator and any prior",
	"Works with two copies of the image. One is drawn to fit the measurement, exactly and "
	"with the right spread. The other is drawn from the prior, by a short reverse "
	"diffusion. The distance between the copies, rho, falls from rho_max to rho_min, in "
	"steps that are even in its logarithm. It needs no guidance, and works with any "
	"linear operator and any denoiser. If the prior has a network for rounds (see unet), "
	"that network is used.\n\n"
	"Its only bias is the distance of the copies. With a constant rho and many steps it "
	"draws from the posterior blurred by about rho. The last round removes noise of that "
	"level, so a small rho makes samples exact, and the chain slow. More inner "
	"evaluations in fewer steps do not help, unless rho stays large beside the prior's "
	"details. steps times inner evaluations are made.\n\n"
	"This holds for a prior that is right. A trained network mistakes noise that it was "
	"not told of for texture, most of all in the first rounds. With unet use "
	"steps=20,rho_max=0.2,network=yes, as --method sample does. (A gray network on the "
	"channels of a colour image wants noise_first=0,noise_last=0.9 instead of "
	"network=yes.) A smaller noise_last gives cleaner samples that differ too little. The "
	"mean of eight samples with "
	"steps=40,rho_max=0.2,rho_min=0.025,noise_first=0,noise_last=0.4 is as good as hqs "
	"for deblurring, and better where pixels are missing as well.\n\n"
	"Do not use it for noiseless measurements (it assumes a noise of 0.001 then), or for "
	"one image of high PSNR at low cost: hqs needs 7 evaluations. Do not use it where "
	"the posterior has distant modes and the noise is low. Annealing then decides between "
	"the modes early, and their weights stay wrong with any number of steps. Use exact "
	"where it applies.\n\n"
	"Source: Vono, Dobigeon, Chainais, Split-and-Augmented Gibbs Sampler, IEEE TSP 2019, "
	"equations 6 to 8; Coeurdoux, Dobigeon, Chainais, Plug-and-Play Split Gibbs Sampler, "
	"IEEE TIP 2024 (diffusion inside); Wu et al., Principled Probabilistic Imaging Using "
	"Diffusion Models as Plug-and-Play Priors, NeurIPS 2024, algorithm 1 (annealing); "
	"Papandreou, Yuille, Gaussian Sampling by Local Perturbations, NeurIPS 2010 (the "
	"draw).",
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
