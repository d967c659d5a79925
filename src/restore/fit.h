/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Finds the free parameters of an operator from a picture, before it is restored (lacuna/fit.h). */
#ifndef RESTORE_FIT_H
#define RESTORE_FIT_H

#include "plugin/loader.h"

struct fit {
	struct plugin_use *use; /* the operator with free parameters; NULL: there is none */
	void *told;		/* its configuration as the user gave it; texts belong to `use' */
};

/* Looks for free parameters.  LACUNA_EINVAL: an operator other than the last has some.  The uses must outlive *fit. */
int fit_find(struct plugin_use *, size_t count, struct fit *);
void fit_free(struct fit *); /* accepts a zeroed one */
/* Gives the parameters the user's values. */
void fit_reset(const struct fit *);
/* Gives them the values that y, of this shape, tells; NaN: missing.  noise: its standard deviation; 0: unknown.  Afterwards
 * no problem may live that was created with these uses.  LACUNA_EUNSUPPORTED: y does not tell; the values stay. */
int fit_to(const struct fit *, const struct lacuna_shape *, const float *y, double noise);
/* What a picture told, for another process. */
enum { FIT_MOST = 16 };
struct fit_values {
	int known;    /* 0: nothing was tried yet */
	int found;    /* 0: the picture does not tell; `why' says why */
	size_t count; /* of free parameters */
	double value[FIT_MOST];
	char why[256];
};
/* Takes the values of the free parameters from the uses, or gives them to the uses. */
void fit_get(const struct fit *, struct fit_values *);
void fit_set(const struct fit *, const struct fit_values *);
/* Calls visit for each free parameter. */
void fit_each(const struct fit *,
	      void (*visit)(void *context, const struct lacuna_param *, double told, double found),
	      void *context);

#endif
