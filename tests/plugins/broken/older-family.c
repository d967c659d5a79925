/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Correct: built for a table of functions that ended after adjoint().  The bytes behind it must not be read as functions. */
#include <lacuna/plugin.h>

struct older;
extern const struct older older_family;
#define NAME "older-family"
#define FAMILY older_family
#include "good.h"

struct older {
	uint32_t size, flags;
	int (*shape)(const struct lacuna_host *, const void *, int, const struct lacuna_shape *,
		     struct lacuna_shape *);
	int (*create)(const struct lacuna_host *, const void *, const struct lacuna_shape *,
		      const struct lacuna_shape *, void **);
	void (*destroy)(void *);
	size_t (*scratch)(const void *);
	int (*apply)(const void *, void *, const float *, float *);
	int (*adjoint)(const void *, void *, const float *, const float *, float *);
	const char *junk[4];
};

const struct older older_family = {
	offsetof(struct older, junk),	   FLAGS, shape, create, destroy, NULL, apply, adjoint,
	{ "junk", "junk", "junk", "junk" }
};
