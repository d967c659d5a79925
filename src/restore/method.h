/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Which plugins restore when the user does not say: the one place that decides. */
#ifndef RESTORE_METHOD_H
#define RESTORE_METHOD_H

#include "plugin/loader.h"

/* The names of --method, NULL-terminated. */
extern const char *const method_names[];

struct method_wish {
	const char *method; /* NULL: best, or sample for several samples or with a guidance */
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
/* After the prior's create() failed with this status: true when the user did not ask for that prior and another has been
 * put in its place. */
int method_fall_back(struct method *, int status);
/* How the deviation of the posterior is found without samples: by tweedie_deviation(), where the operator acts on pixels one by
 * one and the prior takes a sigma for each; by the same of the mean given the measurement, which a Gaussian prior knows; by
 * wiener_deviation(), beside a trained prior, where the operator leaves colours. */
enum method_deviation {
	DEVIATION_UNKNOWN,
	DEVIATION_TWEEDIE,
	DEVIATION_CONDITIONAL,
	DEVIATION_WIENER
};
enum method_deviation method_deviation(const struct method *);
void method_free(struct method *);

/* 1: a preset chooses the plugin of this family and name. */
int method_uses(int kind, const char *name);

#endif
