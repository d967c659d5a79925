/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A required function is NULL. */
#include <lacuna/plugin.h>

static const struct lacuna_operator no_adjoint;
#define NAME "missing-function"
#define FAMILY no_adjoint
#include "good.h"

static const struct lacuna_operator no_adjoint = {
	.size = sizeof no_adjoint,
	.flags = FLAGS,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
};
/* Avoids the warning that adjoint() is unused. */
int (*const keep)(const void *, void *, const float *, const float *, float *) = adjoint;
