/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A correct operator, y = x / 2.  Each file of this directory defines one part of it wrongly and includes this header;
 * refusals.c has the host's expected answer. */
#include <lacuna/plugin.h>
#include <stddef.h>
#include <string.h>

struct config {
	double strength;
	int64_t count;
};

struct half {
	const struct lacuna_host *host;
	size_t count;
};

#ifndef NAME
#error "NAME is the file's name"
#endif
#ifndef MAGIC
#define MAGIC LACUNA_MAGIC
#endif
#ifndef ABI
#define ABI LACUNA_ABI
#endif
#ifndef HEAD_SIZE
#define HEAD_SIZE sizeof(struct lacuna_plugin)
#endif
#ifndef KIND
#define KIND LACUNA_OPERATOR
#endif
#ifndef FAMILY_SIZE
#define FAMILY_SIZE sizeof(struct lacuna_operator)
#endif
#ifndef FLAGS
#define FLAGS (LACUNA_LINEAR | LACUNA_PIXELWISE)
#endif
#ifndef MANUAL
#define MANUAL "For tests."
#endif
#ifndef LICENSE
#define LICENSE "GPL-3.0-or-later"
#endif
#ifndef OPTIONAL
#define OPTIONAL
#endif

#ifndef SHAPE
#define SHAPE shape
static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}
#else
static int SHAPE(const struct lacuna_host *, const void *, int, const struct lacuna_shape *,
		 struct lacuna_shape *);
#endif

#ifndef CREATE
#define CREATE create
static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	struct half *h = host->alloc(host, sizeof *h);

	(void)config, (void)y;
	if (!h)
		return LACUNA_ENOMEM;
	h->host = host;
	h->count = lacuna_count(x);
	*self = h;
	return LACUNA_OK;
}
#else
static int CREATE(const struct lacuna_host *, const void *, const struct lacuna_shape *,
		  const struct lacuna_shape *, void **);
#endif

static void destroy(void *self)
{
	struct half *h = self;

	if (h)
		h->host->release(h->host, h);
}

#ifndef APPLY
#define APPLY apply
static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count; i++)
		y[i] = x[i] / 2;
	return LACUNA_OK;
}
#else
static int APPLY(const void *, void *, const float *, float *);
#endif

#ifndef ADJOINT
#define ADJOINT adjoint
static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct half *h = self;
	size_t i;

	(void)scratch, (void)at;
	for (i = 0; i < h->count; i++)
		x[i] = y[i] / 2;
	return LACUNA_OK;
}
#else
static int ADJOINT(const void *, void *, const float *, const float *, float *);
#endif

#ifndef ROWS
#define ROWS rows
static const struct lacuna_param rows[] = {
	LACUNA_PARAM_REAL(struct config, strength, "px", 0, 1, 0.5, "not used"),
	LACUNA_PARAM_INT(struct config, count, NULL, 0, 9, 3, "not used"),
};
#endif
#ifndef STRIDE
#define STRIDE sizeof(struct lacuna_param)
#endif

#ifndef FAMILY
#define FAMILY family
static const struct lacuna_operator family = { .size = FAMILY_SIZE,
					       .flags = FLAGS,
					       .shape = SHAPE,
					       .create = CREATE,
					       .destroy = destroy,
					       .apply = APPLY,
					       .adjoint = ADJOINT,
					       OPTIONAL };
#endif

static const struct lacuna_plugin plugin = {
	.magic = MAGIC,
	.abi = ABI,
	.size = HEAD_SIZE,
	.kind = KIND,
	.name = NAME,
	.summary = "a test",
	.manual = MANUAL,
	.version = "1.0",
	.author = "The Lacuna authors",
	.license = LICENSE,
	.params = (const struct lacuna_param *)(const void *)ROWS,
	.param_count = sizeof(ROWS) / sizeof(ROWS)[0],
	.param_size = STRIDE,
	.config_size = sizeof(struct config),
	.family = &FAMILY,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
