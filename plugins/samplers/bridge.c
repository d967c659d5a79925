/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Reverse diffusion, run separately for each component of the operator's spectrum. A component is measured as ybar, with
 * noise n. While the level is above n, the state is the measurement with noise added, and a step is one of the Brownian
 * bridge from the state at level sigma to ybar at level n. Below n the measurement adds nothing to the state, and a step
 * is one of the ordinary diffusion, as for an unmeasured component:
 *
 *	n <= s		u_s = ybar + (s^2 - n^2)/(sigma^2 - n^2) (u - ybar) + sqrt((s^2 - n^2) (sigma^2 - s^2)/(sigma^2 - n^2)) z
 *	s < n < sigma	u_s = D + s^2/n^2 (ybar - D) + s sqrt(1 - s^2/n^2) z
 *	n >= sigma	u_s = D + s^2/sigma^2 (u - D) + s sqrt(1 - s^2/sigma^2) z
 *
 * The noise of the state is white at every level, as a denoiser assumes, and includes the noise of the measurement. With
 * A = I this is the reverse diffusion from y at level n, without bias. The steps of Kawar, Elad, Ermon, Song 2022 (see
 * ddrm) have the same levels, but draw fresh noise above n and put the measurement's noise back at every step below n. */
#include <lacuna/plugin.h>
#include "common/components.h"

#include <math.h>

struct config {
	struct schedule_config schedule; /* first */
	double floor;
};

static double square(double x)
{
	return x * x;
}

/* Factor on u - ybar in a step of the bridge, or on u - D in a step of the diffusion. */
static double kept(double n, const struct components_level *l)
{
	if (n >= l->sigma)
		return square(l->s / l->sigma);
	return n <= l->s ? (square(l->s) - n * n) / (square(l->sigma) - n * n) : 0;
}

static double keep_state(double lambda, const void *context)
{
	const struct components_level *l = context;

	return kept(components_noise(lambda, l), l);
}

static double take_measurement(double lambda, const void *context)
{
	const struct components_level *l = context;
	const double n = components_noise(lambda, l);

	if (n >= l->sigma)
		return 0;
	return (n <= l->s ? 1 - kept(n, l) : square(l->s / n)) / lambda;
}

static double fresh_noise(double lambda, const void *context)
{
	const struct components_level *l = context;
	const double n = components_noise(lambda, l), s = l->s, sigma = l->sigma;

	if (n >= sigma)
		return s * sqrt(1 - square(s / sigma));
	return n <= s ? sqrt(kept(n, l) * (sigma * sigma - s * s)) : s * sqrt(1 - square(s / n));
}

static const struct components_gains gains = { keep_state, take_measurement, fresh_noise };

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;

	return components_create(host, &c->schedule, c->floor, problem, sizeof(struct components),
				 self);
}

static int step(void *self, int64_t k, float *u)
{
	const struct components *p = self;
	const struct components_level l = components_level(p, k);

	return components_step(p, k, &gains, &l, u);
}

static const struct lacuna_param params[] = {
	SCHEDULE_PARAMS(40),
	LACUNA_PARAM_REAL(struct config, floor, NULL, 0, 1, 1e-3,
			  "singular values below this part of the largest count as not measured"),
};

static const struct lacuna_sampler family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_LINEAR,
	.create = create,
	.destroy = components_destroy,
	.steps = levels_steps,
	.start = components_start,
	.step = step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	"bridge",
	"diffusion through the measurement, one singular value at a time",
	"Runs the reverse diffusion separately for each singular value of the operator. While "
	"the level is above the noise of a measured component, that component is the "
	"measurement with noise added, as in a Brownian bridge. Below, it is denoised by the "
	"prior like everything else. There is no data step, no guidance and no weight to "
	"set.\n\n"
	"Denoising is sampled without bias. So are operators with the spectrum of a gaussian "
	"prior (periodic blur); only the error of the steps remains. Of all samplers here it "
	"gives the best mean for the spread of its samples.\n\n"
	"Do not use it for operators without a closed spectral form (blur with "
	"boundary=valid, compositions): Lanczos approximates their gains badly. Use gibbs "
	"there. Do not use it for pixelwise operators: exact with ddpm-fast has no bias "
	"there. This sampler draws the unmeasured part beside a measurement with noise added, "
	"and that shows in holes. 40 steps give too little spread; 100 and more give samples "
	"that differ more and are farther from the truth.\n\n" SCHEDULE_MANUAL
	"Source: this program. Levels per component: Kawar, Elad, Ermon, Song, Denoising "
	"Diffusion Restoration Models, NeurIPS 2022; the law of the steps: Ho, Jain, Abbeel, "
	"Denoising Diffusion Probabilistic Models, 2020, equation 7.",
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
