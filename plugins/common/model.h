/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Reads the text form of a Gaussian mixture; the manual of the prior gmm describes it. */
#ifndef COMMON_MODEL_H
#define COMMON_MODEL_H

#include <lacuna/plugin.h>

enum { MODEL_MAX_DIM = 256, MODEL_MAX_COUNT = 100000 };

struct model {
	int dim, count;
	double *log_weight; /* of `count' components; the weights sum to 1 */
	double *mean;	    /* count vectors of dim */
	double *cov;	    /* count symmetric, positive semidefinite matrices */
};

/* Reads a mixture, for model_free(). The message of an error names the line. */
int model_read(const struct lacuna_host *, const char *path, struct model *);
void model_free(const struct lacuna_host *, struct model *);

#endif
