/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Which values of a file are black and white, and how the engine scales them. */
#ifndef CLI_LEVELS_H
#define CLI_LEVELS_H

#include "cli/operands.h"
#include "cli/picture.h"
#include "restore/scale.h"

/* Levels measured over all pages of one sample type together, so that a stack does not flicker. */
struct levels {
	int measured; /* for the type below */
	enum sample_kind kind;
	int bits;
	int found; /* the pages hold more than one value */
	struct scale seen;
	int lumps; /* values that look missing; seen leaves them out */
	double lump[LUMPS_MOST];
};

/* True if the levels are those of pages of this type. */
int levels_hold(const struct levels *, const struct image_page *);

/* Measures the levels of all pages with the sample type of `page', whose number is `number', unless *levels holds them
 * already.  held: a band with all rows of that page, which saves decoding it again; or NULL.  Missing values are left
 * out. */
int levels_measure(struct image_reader *, int number, const struct image_page *page,
		   const struct operands *, struct image_band *held, struct levels *);

/* The values that are 0..1 for -n, metrics and --type: the user's (stated, or NULL); else full scale for integers, and for
 * floats 0..1 if the values fit, else the measured range. */
struct image_range levels_range(const struct levels *, const struct image_page *,
				const struct image_range *stated);

#endif
