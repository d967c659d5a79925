/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A prior without a fault.  Each file that includes this header defines NAME and denoise(); HOWS, the choices of parameter
 * how, for several faults; INFO or CREATE, if that function has the fault; DERIVATIVES, initialisers of optional
 * functions. */
#include <lacuna/plugin.h>

struct config {
	int64_t how;
};

struct plain {
	const struct lacuna_host *host;
	int64_t how;
	size_t count;
};

#ifndef NAME
#error "NAME is the file's name"
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef DERIVATIVES
#define DERIVATIVES
#endif
#ifndef HOWS
#define HOWS "always"
#endif

#ifndef CREATE
#define CREATE create
static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	struct plain *p = host->alloc(host, sizeof *p);

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->how = ((const struct config *)config)->how;
	p->count = lacuna_count(&problem->x);
	*self = p;
	return LACUNA_OK;
}
#else
static int CREATE(const struct lacuna_host *, const void *, const struct lacuna_problem *, void **);
#endif

static void destroy(void *self)
{
	struct plain *p = self;

	if (p)
		p->host->release(p->host, p);
}

#ifndef INFO
#define INFO info
static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->sigma_min = 1e-4;
	i->sigma_max = 1e4;
}
#else
static void INFO(const void *, struct lacuna_prior_info *);
#endif

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0);

static const char *const hows[] = { HOWS, NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_CHOICE(struct config, how, hows, 0, "what is wrong"),
};

static const struct lacuna_prior family = { .size = sizeof family,
					    .flags = FLAGS,
					    .create = CREATE,
					    .destroy = destroy,
					    .info = INFO,
					    .denoise = denoise,
					    DERIVATIVES };

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	NAME,
	"for a test",
	"For a test.",
	"1",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
