/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A restoration under way: what all pages share.  restore.c sets it up, page.c restores one page with it. */
#ifndef CLI_RESTORE_H
#define CLI_RESTORE_H

#include "cli/levels.h"
#include "cli/method.h"
#include "cli/picture.h"
#include "restore/missing.h"

#include <jansson.h>

struct restoration {
	const char *input;
	struct plugin_use *operators;
	size_t operator_count;
	struct method method;

	double noise; /* < 0: estimate, or photons */
	/* Stated noise of a camera, in the file's values: variance = gain (value - offset) + read^2; gain 0: not stated */
	struct {
		double gain, offset, read;
	} photons;
	const struct image_range *range; /* the user's, or NULL */
	int full_range;			 /* --range full: the type's, and no stretching */
	double reject;			 /* eagerness of reject_lone(); 0: reject nothing */
	struct missing_return missing;	 /* --fill, --keep-missing */
	struct levels levels;		 /* measured once for all pages */
	int type_stated;		 /* --type was given: kind and bits */
	enum sample_kind kind;
	int bits;
	uint64_t seed;
	int64_t samples;
	int pairs; /* of opposite noise */
	size_t budget;
	int print_metrics; /* to stdout */

	struct tiff_reader *in, *start, *reference;    /* the last two may be NULL */
	struct tiff_writer *out, *deviation, **single; /* the last two may be NULL */

	int resized; /* the page restored last has another size than its measurement */
	int doubts;  /* warnings that a result is not to be trusted */

	int64_t round; /* runs of the sampler done, for progress */
};

/* Restores page `page' (from 0) and writes it; *record is its part of the report. */
int page_restore(struct restoration *, int page, json_t **record);
/* Writes page `page' as it is; an overview or a mask of a picture that was resized is left out, with a word. */
int page_copy(struct restoration *, int page);

#endif
