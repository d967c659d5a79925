/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Chooses the plugins that the user does not name; no other place decides this. */
#ifndef RESTORE_METHOD_H
#define RESTORE_METHOD_H

#include "plugin/loader.h"

/* The names of --method, NULL-terminated. */
extern const char *const method_names[];

struct method_wish {
	const char *method; /* NULL: sample with several samples or a guidance, else best */
	const char *prior, *guidance, *sampler; /* the user's specifications, or NULL */
	int64_t steps;				/* 0: the sampler's default */
	int64_t samples;
	const struct plugin_use *operators;
	size_t operator_count;
};

struct method {
	struct method_wish wish;
	const char *name;
	struct plugin_use prior, guidance, sampler;
	int has_guidance; /* the sampler asks for one */
};

/* What wish points to must outlive the method. */
int method_choose(const struct method_wish *, struct method *);
/* Call it when the prior's create() failed with this status.  If the user did not ask for that prior, puts another in its
 * place and returns true. */
int method_fall_back(struct method *, int status);
/* How to find the deviation without samples, unless the prior knows it (lacuna/deviation.h).  TWEEDIE: tweedie_deviation(),
 * if the operator acts on each pixel alone and the prior takes a sigma for each.  CONDITIONAL: the same from the mean given the measurement, which a Gaussian
 * prior knows.  WIENER: wiener_deviation(), for a trained prior and an operator that keeps colours. */
enum method_deviation {
	DEVIATION_UNKNOWN,
	DEVIATION_TWEEDIE,
	DEVIATION_CONDITIONAL,
	DEVIATION_WIENER
};
enum method_deviation method_deviation(const struct method *);
void method_free(struct method *);

/* True when a preset chooses the plugin of this family and name. */
int method_uses(int kind, const char *name);

#endif
