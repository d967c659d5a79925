/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of a plugin: the properties that lacuna/plugin.h promises, tried on awkward shapes, each in a process of its
 * own. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "plugin/loader.h"

/* What to try.  Without shapes: those of the checks. */
struct check_request {
	const struct lacuna_shape *shapes; /* of measurements; for other families of images */
	size_t shape_count;
	const struct lacuna_shape *x_shapes; /* operators: of images */
	size_t x_shape_count;
	uint64_t seed;
	double limit; /* seconds that one call of the plugin may take; 0: the default */
};

enum { CHECK_LIMIT = 60 };

struct check_finding {
	int passed;
	const char *property, *detail; /* by how much; where, and what was seen */
	const char *function;	       /* "apply", or "" */
	/* Where it failed or was worst; extents of 0 where that means nothing.  from_x: the shape is that of the image. */
	struct lacuna_shape shape;
	int from_x;
};

/* Called for each property examined. */
typedef void check_report(void *context, const struct check_finding *);

/* Of operators, where it was cheap to know; count is 0 where it was not. */
struct check_spectrum {
	int exact; /* singular values of a dense matrix; otherwise only the largest is known, from below */
	double largest, smallest; /* singular values; smallest: of those that are not 0 */
	size_t rank, count;	  /* count: of values of x */
	struct lacuna_shape x;
};

enum { CHECK_TIMES = 6 };

struct check_time {
	const char *function; /* NULL: no more */
	double seconds;	      /* per million values of x, in one thread */
	struct lacuna_shape x;
};

struct check_measures {
	int tried, accepted; /* shapes or problems */
	struct check_spectrum spectrum;
	struct check_time times[CHECK_TIMES];
};

/* The plugin with this configuration.  LACUNA_OK when all properties hold; LACUNA_EINVAL when one does not. */
int check_plugin(const struct plugin_use *, const struct check_request *, check_report *,
		 void *context, struct check_measures *);

#endif
