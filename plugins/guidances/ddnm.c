/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Denoising diffusion null-space model (Wang, Yu, Zhang 2023, equation 11): the measured part of the denoised image is
 * replaced by the measurement's,
 *
 *	E = D - A^+ (A D - y) = A^+ y + (I - A^+ A) D,
 *
 * the right form if A^+ has a closed form, else the left one (common/range.h). */
#include <lacuna/plugin.h>
#include "common/range.h"
#include "common/vector.h"

#include <math.h>

struct config {
	double floor;
};

struct ddnm {
	const struct lacuna_host *host;
	struct range range;
	size_t n; /* floats of an image, padded */
};

static void destroy(void *self)
{
	struct ddnm *p = self;

	if (!p)
		return;
	range_destroy(&p->range);
	p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct ddnm *p = host->alloc(host, sizeof *p);
	int status;

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->n = (lacuna_count(&problem->x) + 15) / 16 * 16;
	status = range_create(host, problem, c->floor, INFINITY, &p->range);
	if (status)
		destroy(p);
	else
		*self = p;
	return status;
}

static size_t scratch_bytes(const void *self)
{
	const struct ddnm *p = self;

	return (p->n + range_work(&p->range)) * sizeof(float);
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct ddnm *p = self;
	float *denoised = scratch;
	int status = p->host->prior->denoise(p->host, sigma, u, denoised);

	if (status)
		return status;
	return range_fit(&p->range, denoised, x0, denoised + p->n);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, floor, NULL, 0, 1, 1e-3,
			  "singular values below this part of the largest count as not measured"),
};

static const struct lacuna_guidance family = {
	.size = sizeof family,
	.needs = LACUNA_NEEDS_LINEAR,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_bytes,
	.estimate = estimate,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
	"ddnm",
	"replaces the measured part of the denoised image by the measurement",
	"The measurement supplies the part of the image that the operator sees. The prior "
	"supplies the rest, its null space. The result fits a noiseless measurement exactly, "
	"but for components that the operator passes less than floor times as well as the best "
	"one.\n\n"
	"Some operators have no closed form: a blur with boundary=valid, with missing pixels, "
	"or followed by a mask. There the floor is at least 0.01 and gradual: A^+ is (A'A + "
	"floor^2)^-1 A', computed by conjugate gradients.\n\n"
	"Do not use it for noisy measurements. It copies the noise into the result, multiplied "
	"by 1/s where the operator passes little (singular value s). Use bo or prox there. For "
	"samples without this bias use exact (missing pixels) or gibbs (other operators).\n\n"
	"Source: Wang, Yu, Zhang, Zero-Shot Image Restoration Using Denoising Diffusion Null- "
	"Space Model, 2023, equation 11.",
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
