/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The options that say how to restore a picture, for all commands that restore. */
#ifndef CLI_RECIPE_H
#define CLI_RECIPE_H

#include "cli/options.h"
#include "restore/describe.h"

struct recipe {
	const char *noise, *method, *prior, *guidance, *sampler;
	struct option_list operators;
	const char *range, *reject, *type, *pages, *size;
	int64_t steps, samples, seed;
	int independent, fill, keep_missing, only, same_noise, own_noise;
};

/* Rows shared by commands whose values begin with a recipe. */
extern const struct option_row recipe_rows[];
extern const size_t recipe_row_count;
#define RECIPE_DEFAULTS                                      \
	{                                                    \
		.noise = "auto", .reject = "8", .samples = 1 \
	}

/* Parses "0.01", "2.55/255", "poisson:gain=G,offset=O,read=R", "auto", or the name of a TIFF, stored in *file (else
 * NULL). */
int recipe_noise(const char *text, struct stated_noise *, const char **file);
/* True when --noise names a file. */
int recipe_noise_is_file(const char *text);

#endif
