/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A page while it is restored: page.c does so as a whole, page-parts.c in windows. */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include "cli/restoration.h"
#include "engine/metrics.h"
#include "restore/windows.h"

/* Everything about the page at hand; page_free() releases it in whatever state. */
struct page {
	struct restoration *r;
	int number; /* from 0 */
	char name[32];
	struct tiff_page info;
	int listening;		     /* to the noise: nothing else is of interest, or said */
	struct lacuna_shape y_shape; /* the page's, or that of all pages */
	struct lacuna_shape wish;    /* page_wish() */
	struct lacuna_shape x,
		window;		  /* of the unknown, and of the part of it that is the result */
	struct image_range range; /* of 0..1 in options, metrics and the report */
	struct tiff_band *band;	  /* the page as it is stored: all its rows, or in windows some */
	struct image y, start, reference;
	struct image noise;   /* its standard deviation at each value, where a file says so */
	int lacks;	      /* y has values that are missing, and that may go back */
	struct image picture; /* the result; its values are those of `result' */
	struct restored result;
	unsigned char *unchanged; /* of a page that is copied: all its values */
	struct metrics before, after;
	int has_before, has_after;

	int windowed; /* too large for the memory, or a part is asked for: */
	int held;     /* all of it in the band nevertheless, for it is small as it is stored */
	struct lacuna_region
		part; /* of the page, what is restored: all, or somewhat more than --crop */
	struct lacuna_region wanted; /* of the page, what is written */
	struct windows windows;	     /* of the part */
	struct restore_job job; /* of the windows: without a mask, if that is the last operator, */
	unsigned char *
		known; /* which says what is missing instead: a bit for each value of the page; or NULL */
	struct plugin_use plain; /* the operator that is left when there was but the mask */
};

struct missing_rule page_missing_rule(const struct page *);
struct measurement page_measurement(const struct page *);
/* What a page's missing values come to: messages. */
void page_tell_missing(const struct page *, const struct missing_count *);
/* pixels: how many have the value number i that stands for missing ones. */
void page_tell_absent(const struct page *, size_t i, size_t pixels);
/* LACUNA_EINVAL when the output's type cannot hold what will be put back. */
int page_check_put_back(const struct page *, const struct missing_count *);
/* From the file's values to those of the output's type; before the page is written, the writer is told. */
void page_convert(const struct page *, struct image *picture);
void page_tell_values(const struct page *, struct tiff_writer *);
/* Rows of the result, from row `top' of the page that is written on: missing values are put back.  The band holds them. */
int page_put_missing_back(const struct page *, int64_t top, struct image *rows);
/* Noise without bound is no measurement: of n values of y, which gets NaN there. */
int page_mark_unmeasured(const struct page *, size_t n, float *sigma, float *y);
int page_wrong_shape(const char *path, const struct lacuna_shape *got,
		     const struct lacuna_shape *wanted);

/* True when no more than holes may have to be restored: there is no noise, and nothing else is asked for. */
int page_may_have_holes(const struct page *);
/* Stages in windows.  page_plan_parts() sets `windowed'. */
int page_plan_parts(struct page *);
/* Decodes a page that is to be held. */
int page_hold(struct page *);
int page_restore_parts(struct page *);
/* Window number `window' alone; < 0: none, and the noise is listened to. */
int page_restore_window(struct page *, int64_t window, struct restored *part);
void page_free_parts(struct page *);

#endif
