/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance checks: test the properties that lacuna/plugin.h demands of a plugin, on awkward shapes, each in its own
 * process. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "plugin/loader.h"

/* What to check.  Without shapes, the checks choose their own. */
struct check_request {
	const struct lacuna_shape *shapes; /* of measurements; other families: of images */
	size_t shape_count;
	const struct lacuna_shape *x_shapes; /* of images, for operators */
	size_t x_shape_count;
	uint64_t seed;
	double limit; /* seconds allowed for one call of the plugin; 0: the default */
};

enum { CHECK_LIMIT = 60 };

struct check_finding {
	int passed;
	const char *property, *detail; /* the worst value; where, and what was observed */
	const char *function;	       /* "apply", or "" */
	/* Where it failed or was worst; extents 0 if not applicable.  from_x: the shape is that of the image. */
	struct lacuna_shape shape;
	int from_x;
};

/* Called once for each property examined. */
typedef void check_report(void *context, const struct check_finding *);

/* For operators, if it was cheap to compute; otherwise count is 0. */
struct check_spectrum {
	int exact; /* computed from a dense matrix; else largest is a lower bound, the rest is unknown */
	double largest, smallest; /* singular values; smallest: the smallest that is not 0 */
	size_t rank, count;	  /* count: number of values of x */
	struct lacuna_shape x;
};

enum { CHECK_TIMES = 6 };

struct check_time {
	const char *function; /* NULL: end of the list */
	double seconds;	      /* per million values of x, in one thread */
	struct lacuna_shape x;
};

struct check_measures {
	int tried, accepted; /* numbers of shapes or problems */
	struct check_spectrum spectrum;
	struct check_time times[CHECK_TIMES];
};

/* Checks the plugin with this configuration.  LACUNA_OK if all properties hold; LACUNA_EINVAL if one does not. */
int check_plugin(const struct plugin_use *, const struct check_request *, check_report *,
		 void *context, struct check_measures *);

#endif
