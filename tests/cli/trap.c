/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* An identity operator that fails for images of certain widths: 33 crashes, 34 hangs, 35 exits with status 0, 36 allocates
 * memory without end. */
#include <lacuna/plugin.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct config {
	int64_t unused;
};

struct trap {
	const struct lacuna_host *host;
	size_t bytes;
};

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

static void spring(int64_t width)
{
	enum { MEGABYTE = 1 << 20 };
	char *memory;

	if (width == 33)
		*(volatile int *)(uintptr_t)8 = 1;
	while (width == 34)
		sleep(1);
	if (width == 35)
		exit(0);
	while (width == 36) {
		memory = malloc(MEGABYTE);
		if (!memory)
			abort();
		memset(memory, 1, MEGABYTE);
	}
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	struct trap *t = host->alloc(host, sizeof *t);

	(void)config, (void)y;
	if (!t)
		return LACUNA_ENOMEM;
	t->host = host;
	t->bytes = lacuna_count(x) * sizeof(float);
	spring(x->extent[0]);
	*self = t;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct trap *t = self;

	t->host->release(t->host, t);
}

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct trap *t = self;

	(void)scratch;
	memcpy(y, x, t->bytes);
	return LACUNA_OK;
}

static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return apply(self, scratch, y, x);
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(struct config, unused, NULL, 0, 9, 0, "not used"),
};

static const struct lacuna_operator family = { .size = sizeof family,
					       .flags = LACUNA_LINEAR | LACUNA_PIXELWISE |
							LACUNA_PICTURE,
					       .shape = shape,
					       .create = create,
					       .destroy = destroy,
					       .apply = apply,
					       .adjoint = adjoint };

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"trap",
	"goes wrong",
	"For tests.",
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
