/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A restoration of files, for restore and batch.  restoration.c handles a file, page.c a page. */
#ifndef CLI_RESTORATION_H
#define CLI_RESTORATION_H

#include "cli/levels.h"
#include "cli/outputs.h"
#include "cli/recipe.h"
#include "restore/fit.h"
#include "restore/missing.h"
#include "restore/restorer.h"
#include "restore/windows.h"

#include <jansson.h>

struct page;

/* A restored page, in file values, for the `look' callback. */
struct look {
	int page; /* from 0 */
	const struct image *before, *after;
	const struct image *deviation; /* or NULL */
	const struct scale *scale;     /* its black and white */
	double noise;		       /* on that scale */
};

/* The file names of one run.  All but input and output may be NULL. */
struct file_names {
	const char *input, *output;
	const char *deviation; /* --std */
	const char *singles;   /* directory of --all-samples */
	const char *reference, *start, *report;
	const char *page; /* of --html; restoration.finish writes it */
	int force, in_place;
};

struct restoration {
	/* Constant while the recipe is the same: */
	const struct recipe *recipe;
	struct plugin_use *operators;
	struct operands operands; /* what they ask about files */
	struct fit fit;		  /* which of their parameters each file tells */
	struct method method;
	struct restore_job job;
	struct restorer *restorer;
	struct image_range stated_range;
	const struct image_range *range; /* the user's, or NULL */
	const char *noise_file;		 /* of --noise, or NULL */
	struct lacuna_shape size;	 /* of --size, or 0 */
	uint32_t operator_flags;	 /* of the composed operators */
	int full_range;			 /* --range full: the type's full scale, no stretching */
	struct missing_return missing;	 /* --fill, --keep-missing */
	int type_stated;		 /* --type was given: kind and bits */
	enum sample_kind kind;
	int bits;
	int cropped; /* --crop: restore only this region of each page */
	struct lacuna_region crop;
	/* May state windows planned before: returns 1 and sets *windows, else 0.  Or NULL. */
	int (*windows)(void *context, int page, struct windows *windows);
	int print_metrics; /* to stdout */
	int show_progress;
	int list_files; /* in the report, with digests: reading them takes a while */
	void (*enter)(void *context,
		      const struct lacuna_shape *);	  /* before a page is read; or NULL */
	void (*look)(void *context, const struct look *); /* or NULL */
	/* Called before the outputs appear; may write a declared one with outputs_open().  Or NULL. */
	int (*finish)(void *context, struct restoration *, const json_t *report);
	void *look_context; /* for windows, enter, look and finish */
	/* What the next file tells, if it is known; restoration_divide() finds it.  The caller forgets it. */
	struct fit_values told;

	/* The current file: */
	struct file_names names;
	struct levels levels;				     /* measured once for all pages */
	struct image_reader *in, *start, *reference, *noise; /* may be NULL, except `in' */
	struct outputs outputs;
	struct image_writer *out, *deviation, **single; /* deviation, single: may be NULL */
	struct image_write_options options;		/* of `out' and `single' */
	char **single_names;
	int *pages, page_count; /* the pages to restore */
	struct page *page;	/* the current one */
	int resized;		/* the last restored page differs in size from its measurement */
	int many_masks;		/* operators must reread their files for each page */
	int pixels_checked;	/* by operands_check_pixels() */
	int doubts;		/* warnings not to trust a result */
	int fitted;		/* `fit' has found values for this file */
	int64_t round;		/* sampler runs begun, for progress */
	json_t *records;	/* one per page restored */
};

/* Loads plugins and parameters of the recipe, which must outlive the restoration.  budget: memory in bytes.  LACUNA_EINVAL:
 * the recipe is wrong. */
int restoration_create(struct restoration *, const struct recipe *, int deviation, size_t budget);
void restoration_free(struct restoration *);

/* Restores one file.  At the end all outputs appear, complete, or none (but see outputs.h).  *report (unless NULL) receives
 * the record of the run, for json_decref().  More files may follow, even after a failure. */
int restoration_run(struct restoration *, const struct file_names *, json_t **report);

/* What it has done, for json_decref(); seconds: how long it took. */
json_t *restoration_report(const struct restoration *, double seconds);
/* Puts it into the file of --report, if one is wanted. */
int restoration_write_report(struct restoration *, const json_t *report);

/* Makes operators read the files that go with page `page'. */
void restoration_follow(struct restoration *, int page);
/* Calls visit for each page to be restored in windows. */
int restoration_divide(struct restoration *, const struct file_names *,
		       int (*visit)(void *context, int page, const struct windows *),
		       void *context);
/* Restores window number `window' of a page alone; < 0: only estimates the noise.  known: *levels are the file's, and the
 * noise of all pages was recalled; else *levels are measured here.  *part is for restored_free(). */
int restoration_part(struct restoration *, const struct file_names *, int page, int64_t window,
		     struct levels *levels, int known, struct restored *part);

/* Tells whether page `page' is restored in windows, and in which. */
int page_windows(struct restoration *, int page, int *windowed, struct windows *);
int page_part(struct restoration *, int page, int64_t window, struct restored *part);
/* Estimates the noise of page `page'.  last: no page follows, and the estimates so far hold for all pages from then on. */
int page_listen(struct restoration *, int page, int last);
/* Fits the operator's free parameters to the middle of page `page'. */
int page_fit(struct restoration *, int page);
/* Restores page `page' (from 0) and writes it; *record is its part of the report. */
int page_restore(struct restoration *, int page, json_t **record);
/* Copies page `page' unchanged.  Leaves out an overview or mask of a picture that was resized, with a message. */
int page_copy(struct restoration *, int page);
/* Opens the file of sample k, single[k], unless it is open. */
int restoration_single(struct restoration *, int64_t k);
/* The shape of the picture of page `page', as far as the user states it: --size, --start, --reference. */
int page_wish(const struct restoration *, int page, struct lacuna_shape *wish);
/* True when all pages are one measurement: page_restore() of the first page restores it. */
int restoration_takes_all(const struct restoration *);
/* A restore_job.sample; its context is the restoration. */
int page_write_sample(void *context, int64_t sample, const float *picture);

#endif
