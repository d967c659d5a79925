/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A restoration of files: what restore and batch share.  restoration.c goes through a file, page.c through a page. */
#ifndef CLI_RESTORATION_H
#define CLI_RESTORATION_H

#include "cli/levels.h"
#include "cli/outputs.h"
#include "cli/recipe.h"
#include "restore/missing.h"
#include "restore/restorer.h"
#include "restore/windows.h"

#include <jansson.h>

struct page;

/* A page that was restored, in the file's values, for whoever looks on. */
struct look {
	int page; /* from 0 */
	const struct image *before, *after;
	const struct image *deviation; /* or NULL */
	const struct scale *scale;     /* what is black and white */
	double noise;		       /* on that scale */
};

/* The names of one run, those but input and output may be NULL. */
struct file_names {
	const char *input, *output;
	const char *deviation; /* --std */
	const char *singles;   /* directory of --all-samples */
	const char *reference, *start, *report;
	const char *page; /* of --html; restoration.finish writes it */
	int force, in_place;
};

struct restoration {
	/* As long as the recipe is the same: */
	const struct recipe *recipe;
	struct plugin_use *operators;
	struct operands operands; /* what they ask about files */
	struct method method;
	struct restore_job job;
	struct restorer *restorer;
	struct image_range stated_range;
	const struct image_range *range; /* the user's, or NULL */
	const char *noise_file;		 /* of --noise, or NULL */
	struct lacuna_shape size;	 /* of --size, or 0 */
	uint32_t operator_flags;	 /* of the composition */
	int full_range;			 /* --range full: the type's, and no stretching */
	struct missing_return missing;	 /* --fill, --keep-missing */
	int type_stated;		 /* --type was given: kind and bits */
	enum sample_kind kind;
	int bits;
	int cropped; /* --crop: no more than this of each page */
	struct lacuna_region crop;
	/* Where the windows of a page are a matter of what was said before: 1, and *windows.  Or NULL. */
	int (*windows)(void *context, int page, struct windows *windows);
	int print_metrics; /* to stdout */
	int show_progress;
	int list_files; /* in the report, with digests: reading them takes a while */
	void (*enter)(void *context,
		      const struct lacuna_shape *);	  /* before a page is read; or NULL */
	void (*look)(void *context, const struct look *); /* or NULL */
	/* Before the outputs appear: may write one that was named, with outputs_open().  Or NULL. */
	int (*finish)(void *context, struct restoration *, const json_t *report);
	void *look_context; /* of the three */

	/* The file at hand: */
	struct file_names names;
	struct levels levels;				    /* measured once for all pages */
	struct tiff_reader *in, *start, *reference, *noise; /* but the first they may be NULL */
	struct outputs outputs;
	struct tiff_writer *out, *deviation, **single; /* the last two may be NULL */
	struct tiff_write_options options;	       /* of out and the single ones */
	char **single_names;
	int *pages, page_count; /* those to restore */
	struct page *page;	/* the one at hand */
	int resized;		/* the page restored last has another size than its measurement */
	int many_masks;		/* operators must look at their files for each page */
	int pixels_checked;	/* operands_check_pixels() */
	int doubts;		/* warnings that a result is not to be trusted */
	int64_t round;		/* runs of the sampler begun, for progress */
	json_t *records;	/* one per page restored */
};

/* Plugins and parameters of the recipe, which must outlive the restoration.  LACUNA_EINVAL: the recipe is wrong.  budget: bytes
 * of memory. */
int restoration_create(struct restoration *, const struct recipe *, int deviation, size_t budget);
void restoration_free(struct restoration *);

/* Restores one file: its outputs appear at the end, complete, or none does (but see outputs.h).  *report (if not NULL) receives the record of the run, for
 * json_decref().  More files may follow, after a failure as well. */
int restoration_run(struct restoration *, const struct file_names *, json_t **report);

/* Operators look at the files that go with page `page'. */
void restoration_follow(struct restoration *, int page);
/* Calls visit for each page that is to be restored in windows. */
int restoration_divide(struct restoration *, const struct file_names *,
		       int (*visit)(void *context, int page, const struct windows *),
		       void *context);
/* Window number `window' of a page alone, or with < 0 none: the noise is listened to.  known: *levels are the file's, and what
 * all pages say of the noise was recalled; else *levels are measured.  *part is for restored_free(). */
int restoration_part(struct restoration *, const struct file_names *, int page, int64_t window,
		     struct levels *levels, int known, struct restored *part);

/* Whether page `page' is restored in windows, and in which. */
int page_windows(struct restoration *, int page, int *windowed, struct windows *);
int page_part(struct restoration *, int page, int64_t window, struct restored *part);
/* Listens to the noise of page `page', and with last to no more: what was heard holds for all pages from then on. */
int page_listen(struct restoration *, int page, int last);
/* Restores page `page' (from 0) and writes it; *record is its part of the report. */
int page_restore(struct restoration *, int page, json_t **record);
/* Writes page `page' as it is; an overview or a mask of a picture that was resized is left out, with a word. */
int page_copy(struct restoration *, int page);
/* Opens the file of a sample, single[k], unless it is open. */
int restoration_single(struct restoration *, int64_t k);
/* The shape of the picture of page `page' as far as the user tells it: --size, --start, --reference. */
int page_wish(const struct restoration *, int page, struct lacuna_shape *wish);
/* True when all pages are one measurement: page_restore() of the first restores it. */
int restoration_takes_all(const struct restoration *);
/* A restore_job.sample; its context is the restoration. */
int page_write_sample(void *context, int64_t sample, const float *picture);

#endif
