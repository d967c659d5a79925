/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* N(1/2, 1) with every optional function: right, for all channels or for one at a time, or with one fault. */
#include <lacuna/conditional.h>
#include <math.h>
#include <string.h>
#define NAME "wrong-prior"
#define HOWS                                                                                    \
	"right", "one-channel", "blind", "twice-blind", "offset", "map", "varied", "condition", \
		"measured", "fussy"
#define INFO describe
#define CREATE create_how
#define DERIVATIVES .denoise_map = denoise_map, .extension = extension
static int denoise_map(const void *, void *, const float *, const float *, float *);
static const void *extension(const char *name);
#include "prior.h"

enum { RIGHT, ONE_CHANNEL, BLIND, TWICE_BLIND, OFFSET, MAP, VARIED, CONDITION, MEASURED, FUSSY };

struct more {
	struct plain plain; /* must be first: destroy() knows it */
	int measured;
};

static int create_how(const struct lacuna_host *host, const void *config,
		      const struct lacuna_problem *problem, void **self)
{
	const int64_t how = ((const struct config *)config)->how, *e = problem->x.extent;
	struct more *m = host->alloc(host, sizeof *m);

	if (!m)
		return LACUNA_ENOMEM;
	if (how == FUSSY && !(e[0] == e[1] && e[0] > 1 && e[0] < 100)) {
		host->release(host, m);
		return host->fail(host, LACUNA_EINVAL, "takes small squares only");
	}
	*m = (struct more){ { host, how, lacuna_count(&problem->x) },
			    problem->measurement != NULL };
	if (how == ONE_CHANNEL)
		m->plain.count /= (size_t)e[2];
	*self = m;
	return LACUNA_OK;
}

static void describe(const void *self, struct lacuna_prior_info *i)
{
	const struct plain *p = self;

	i->channels = p->how == ONE_CHANNEL;
	i->blind = p->how == BLIND ? 1 : p->how == TWICE_BLIND ? 2 : 0;
	i->sigma_min = 1e-4;
	i->sigma_max = 1e4;
}

static float mean(double sigma, float u)
{
	return (float)(0.5 + ((double)u - 0.5) / (1 + sigma * sigma));
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct more *m = self;

	(void)scratch;
	for (size_t i = 0; i < m->plain.count; i++)
		x0[i] = mean(sigma, u[i]) + (m->plain.how == OFFSET ? 0.1F : 0);
	if (m->plain.how == MEASURED && m->measured)
		x0[0] = NAN;
	return LACUNA_OK;
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	const struct plain *p = self;

	(void)scratch;
	for (size_t i = 0; i < p->count; i++) {
		x0[i] = mean((p->how == MAP ? 1.2 : 1) * (double)sigma[i], u[i]) +
			(p->how == OFFSET ? 0.1F : 0);
		if (p->how == VARIED && sigma[i] != sigma[0])
			x0[i] = NAN;
	}
	return LACUNA_OK;
}

static int condition(void *self, const struct lacuna_problem *problem, double noise)
{
	const struct plain *p = self;

	(void)problem, (void)noise;
	return p->host->fail(p->host, p->how == CONDITION ? LACUNA_EINVAL : LACUNA_EUNSUPPORTED,
			     "no mean for this operator");
}

static const void *extension(const char *name)
{
	static const struct lacuna_prior_conditional table = { condition, NULL };

	return strcmp(name, LACUNA_CONDITIONAL) ? NULL : &table;
}
