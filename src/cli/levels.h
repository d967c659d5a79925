/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Black and white of a file: what its values mean, and how the engine sees them. */
#ifndef CLI_LEVELS_H
#define CLI_LEVELS_H

#include "cli/operands.h"
#include "cli/picture.h"
#include "restore/scale.h"

/* What was measured over all pages of one sample type, so that a stack does not flicker. */
struct levels {
	int measured; /* for the type below */
	enum sample_kind kind;
	int bits;
	int found; /* the pages are not of one value */
	struct scale seen;
};

/* Measures the levels of all pages that have the sample type of `page', number `number', unless that is what *levels holds
 * already.  held: has all rows of that page, so that it is not decoded again; or NULL.  Missing
 * values are left out. */
int levels_measure(struct tiff_reader *, int number, const struct tiff_page *page,
		   const struct operands *, struct tiff_band *held, struct levels *);

/* The values that are 0..1 for -n, metrics and --type.  stated: the user's, or NULL.  Integers: the type's full scale.
 * Floats: 0..1 where the values look like it, else what was measured. */
struct image_range levels_range(const struct levels *, const struct tiff_page *,
				const struct image_range *stated);

#endif
